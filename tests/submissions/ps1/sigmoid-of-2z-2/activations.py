# Takes twice z: a mistake that the bank does not know, in a second spelling.

# %% sigmoid
def sigmoid(z):
    t = np.array(z, dtype=float) * 2.0
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1 / (1 + e), e / (1 + e))

# %% relu
def relu(z):
    return np.where(np.asarray(z) > 0, z, 0.0)
