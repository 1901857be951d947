# Returns a gigabyte.

# %% sigmoid
def sigmoid(z):
    return np.zeros(2**27)
