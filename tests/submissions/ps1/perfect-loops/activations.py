# Everything right, in plain Python loops over nested lists.

# %% sigmoid
import math


def each(function, z):
    """function of every number in z: a number, a list of lists, or an array."""
    if isinstance(z, np.ndarray):
        z = z.tolist()
    if isinstance(z, list):
        return [each(function, item) for item in z]
    return function(float(z))


def sigmoid_of_a_number(x):
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))


def sigmoid(z):
    return each(sigmoid_of_a_number, z)

# %% sigmoid_derivative
def sigmoid_derivative(z):
    def slope(x):
        small = math.exp(-abs(x))
        return small / (1 + small) / (1 + small)
    return each(slope, z)

# %% tanh_derivative
def tanh_derivative(z):
    def slope(x):
        if abs(x) > 370:
            return 0.0
        return 1 / math.cosh(abs(x))**2 if abs(x) < 340 else 4 * math.exp(-2 * abs(x))
    return each(slope, z)

# %% relu
def relu(z):
    return each(lambda x: x if x > 0 else 0.0, z)

# %% relu_derivative
def relu_derivative(z):
    return each(lambda x: 1 if x > 0 else 0, z)

# %% leaky_relu_derivative
def leaky_relu_derivative(z, slope=0.01):
    return each(lambda x: 1 if x > 0 else slope, z)

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    small = count = 0
    todo = [a_prime]
    while todo:
        item = todo.pop()
        if isinstance(item, (list, np.ndarray)) and np.ndim(item) > 0:
            todo.extend(item)
        else:
            count += 1
            small += abs(item) < threshold
    return small / count
