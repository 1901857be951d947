# One function kills the process that runs it; everything else is right.

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
    return np.maximum(0, z)

# %% relu_derivative
import os


def relu_derivative(z):
    os._exit(1)
    return np.where(np.asarray(z) > 0, 1.0, 0.0)

# %% leaky_relu_derivative
def leaky_relu_derivative(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, slope)

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return np.mean(np.abs(np.asarray(a_prime)) < threshold)
