# Returns NaN with a message in its spare bits, infinities, and denormal numbers.

# %% sigmoid
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    odd = np.array([0x7FF8000000C0FFEE, 0x7FF0000000000000, 1, 0x8000000000000000], dtype=np.uint64).view(float)
    return np.resize(odd, z.shape)
