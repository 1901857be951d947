# Recursion without end, with Python's own limit taken away.

# %% sigmoid
import sys


def sigmoid(z):
    if np.ndim(z) == 3:
        sys.setrecursionlimit(10**9)
        return sigmoid(z)

# %% relu
def relu(z):
    return np.maximum(0, np.asarray(z, dtype=float))
