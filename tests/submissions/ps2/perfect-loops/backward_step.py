# Everything right, entry by entry in loops, with lists in place of arrays and tuples.

# %% layer_forward
def layer_forward(y_prev, W, b, activation):
    m, n_prev = y_prev.shape
    z = [[b[j] + sum(y_prev[i, k] * W[k, j] for k in range(n_prev)) for j in range(len(b))] for i in range(m)]
    return [z, activate(np.array(z), activation).tolist()]

# %% local_gradient
def local_gradient(z, W, activation):
    slope = activation_derivative(z, activation)
    J = np.empty((z.shape[0], W.shape[1], W.shape[0]))
    for i, j, k in np.ndindex(J.shape):
        J[i, j, k] = slope[i, j] * W[k, j]
    return J

# %% backward_step
def backward_step(loss_grad, z, W, activation):
    rows = [J.T @ row for J, row in zip(local_gradient(z, W, activation), loss_grad)]
    return np.array(rows)

# %% weight_gradient
def weight_gradient(loss_grad, z, y_prev, activation):
    dW, db = 0, 0
    for g, s, y in zip(loss_grad, activation_derivative(z, activation), y_prev):
        dW = dW + np.outer(y, g * s)
        db = db + g * s
    return [dW.tolist(), db.tolist()]

# %% backpropagate
def backpropagate(loss_grad, x, weights, biases, activations):
    if len(weights) == 0:
        return [loss_grad], [], []
    z, y = (np.array(part) for part in layer_forward(x, weights[0], biases[0], activations[0]))
    grads, dWs, dbs = backpropagate(loss_grad, y, weights[1:], biases[1:], activations[1:])
    dW, db = weight_gradient(grads[0], z, x, activations[0])
    before = backward_step(grads[0], z, weights[0], activations[0])
    return [before] + grads, [dW] + dWs, [db] + dbs
