# Opens files and pipes without end.

# %% sigmoid
import os

kept = []
try:
    while True:
        kept.append(os.pipe())
except OSError as error:
    print(error)

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))
