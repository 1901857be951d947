# Written with if and math for one number; the last function counts rows instead of entries.

# %% sigmoid
import math


def sigmoid(z):
    if z >= 0:
        return 1 / (1 + math.exp(-z))
    return math.exp(z) / (1 + math.exp(z))

# %% sigmoid_derivative
def sigmoid_derivative(z):
    small = math.exp(-abs(z))
    return small / (1 + small)**2

# %% tanh_derivative
def tanh_derivative(z):
    return 1 / math.cosh(z)**2

# %% relu
def relu(z):
    return max(0, z)

# %% relu_derivative
def relu_derivative(z):
    if z > 0:
        return 1
    else:
        return 0

# %% leaky_relu_derivative
def leaky_relu_derivative(z, slope=0.01):
    if z > 0:
        return 1
    else:
        return slope

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return np.sum(np.abs(a_prime) < threshold) / len(a_prime)
