# Takes twice z: a mistake that the bank does not know, in a first spelling.

# %% sigmoid
def sigmoid(z):
    return np.exp(-np.logaddexp(0, -2 * np.asarray(z, dtype=float)))

# %% relu
def relu(z):
    return np.maximum(0, z)
