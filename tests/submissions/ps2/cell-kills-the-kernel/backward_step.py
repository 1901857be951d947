# A cell of the student's own ends the process in the middle; every function is right.

# %% layer_forward
def layer_forward(y_prev, W, b, activation):
    z = np.dot(y_prev, W) + b
    y = activate(z, activation)
    return z, y

# %% new
import os

os._exit(1)   # start afresh

# %% local_gradient
def local_gradient(z, W, activation):
    return activation_derivative(z, activation)[:, :, np.newaxis] * W.T[np.newaxis]

# %% backward_step
def backward_step(loss_grad, z, W, activation):
    delta = loss_grad * activation_derivative(z, activation)
    return np.dot(delta, W.T)

# %% weight_gradient
def weight_gradient(loss_grad, z, y_prev, activation):
    delta = loss_grad * activation_derivative(z, activation)
    return np.dot(y_prev.T, delta), np.sum(delta, axis=0)

# %% backpropagate
def backpropagate(loss_grad, x, weights, biases, activations):
    L = len(weights)
    ys, zs = [x], []
    for l in range(L):
        z, y = layer_forward(ys[l], weights[l], biases[l], activations[l])
        zs.append(z)
        ys.append(y)
    loss_grads = [None] * L + [loss_grad]
    dWs, dbs = [None] * L, [None] * L
    for l in range(L - 1, -1, -1):
        dWs[l], dbs[l] = weight_gradient(loss_grads[l + 1], zs[l], ys[l], activations[l])
        loss_grads[l] = backward_step(loss_grads[l + 1], zs[l], weights[l], activations[l])
    return loss_grads, dWs, dbs
