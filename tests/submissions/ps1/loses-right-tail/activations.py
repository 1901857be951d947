# s(1 - s) and 1 - tanh^2: the differences lose the tails.

# %% sigmoid
def sigmoid(z):
    z = np.asarray(z, dtype=float)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))

# %% sigmoid_derivative
def sigmoid_derivative(z):
    s = sigmoid(z)
    return s * (1 - s)

# %% tanh_derivative
def tanh_derivative(z):
    return 1 - np.tanh(z)**2

# %% relu
def relu(z):
    return np.maximum(0, z)

# %% relu_derivative
def relu_derivative(z):
    return (np.asarray(z) > 0) * 1.0

# %% leaky_relu_derivative
def leaky_relu_derivative(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, slope)

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return np.mean(np.abs(np.asarray(a_prime)) < threshold)
