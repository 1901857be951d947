# Takes twice z: a mistake that the bank does not know, in a third spelling.

# %% sigmoid
def twice(z):
    return np.asarray(z, dtype=float) + np.asarray(z, dtype=float)

def sigmoid(z):
    w = twice(z)
    return np.exp(np.minimum(w, 0)) / (1 + np.exp(-np.abs(w)))

# %% relu
def relu(z):
    return np.maximum(z, 0)
