# The first three exercises are done; backpropagate knows only the network without layers.

# %% layer_forward
def layer_forward(y_prev, W, b, activation):
    z = np.dot(y_prev, W) + b
    y = activate(z, activation)
    return z, y

# %% local_gradient
def local_gradient(z, W, activation):
    return activation_derivative(z, activation)[:, :, np.newaxis] * W.T[np.newaxis]

# %% backward_step
def backward_step(loss_grad, z, W, activation):
    delta = loss_grad * activation_derivative(z, activation)
    return np.dot(delta, W.T)

# %% backpropagate
def backpropagate(loss_grad, x, weights, biases, activations):
    if not weights:
        return [loss_grad], [], []
    raise NotImplementedError("to do")
