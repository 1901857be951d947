# Returns a generator, a coroutine, a class and a module.

# %% sigmoid
def sigmoid(z):
    yield from np.zeros_like(np.asarray(z, dtype=float))

# %% relu
async def relu(z):
    return np.maximum(0, z)

# %% relu_derivative
relu_derivative = float

# %% leaky_relu_derivative
def leaky_relu_derivative(z, slope=0.01):
    return np
