# Writes a' anew as s(1 - s), 1 - tanh^2 and z >= 0 instead of using the given function.

# %% layer_forward
def layer_forward(y_prev, W, b, activation):
    z = np.dot(y_prev, W) + b
    y = activate(z, activation)
    return z, y

# %% local_gradient
def slope(z, activation):
    a = activate(z, activation)
    return {"identity": np.ones(z.shape), "sigmoid": a * (1 - a), "tanh": 1 - np.tanh(z)**2,
            "relu": np.where(z >= 0, 1.0, 0.0)}[activation]


def local_gradient(z, W, activation):
    return np.einsum("ij,kj->ijk", slope(np.clip(z, -700, 700), activation), W)

# %% backward_step
def backward_step(loss_grad, z, W, activation):
    delta = loss_grad * slope(np.clip(z, -700, 700), activation)
    return np.dot(delta, W.T)

# %% weight_gradient
def weight_gradient(loss_grad, z, y_prev, activation):
    delta = loss_grad * slope(np.clip(z, -700, 700), activation)
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
