# Right values, written into the array that was handed in.

# %% sigmoid
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))

# %% sigmoid_derivative
def sigmoid_derivative(z):
    e = np.exp(-np.abs(np.asarray(z, dtype=float)))
    return e / (1 + e)**2

# %% tanh_derivative
def tanh_derivative(z):
    e = np.exp(-2 * np.abs(np.asarray(z, dtype=float)))
    return 4 * e / (1 + e)**2

# %% relu
def relu(z):
    z = np.asarray(z, dtype=float)
    z[z < 0] = 0
    return z

# %% relu_derivative
def relu_derivative(z):
    z = np.asarray(z, dtype=float)
    z[z > 0] = 1
    z[z <= 0] = 0
    return z

# %% leaky_relu_derivative
def leaky_relu_derivative(z, slope=0.01):
    z = np.asarray(z, dtype=float)
    on = z > 0
    z[on] = 1
    z[~on] = slope
    return z

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return np.mean(np.abs(np.asarray(a_prime)) < threshold)
