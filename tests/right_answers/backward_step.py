"""Right answers to ps2 in different styles: each must earn everything."""

import numpy as np

from grading.checks import right_answer
from reference_impl.backward_step import activate, activation_derivative

# ---------------------------------------------------------------------------------------------------- layer_forward


@right_answer("layer_forward", "vectorised")
def layer_forward_vectorised(y_prev, W, b, activation):
    z = y_prev @ W + b
    return z, activate(z, activation)


@right_answer("layer_forward", "plain Python loops")
def layer_forward_loops(y_prev, W, b, activation):
    rows = [
        [sum(y * W[k][j] for k, y in enumerate(row)) + b[j] for j in range(len(b))] for row in y_prev.tolist()
    ]
    return rows, activate(np.array(rows), activation).tolist()


@right_answer("layer_forward", "np.einsum, as a list of two")
def layer_forward_einsum(y_prev, W, b, activation):
    z = np.einsum("ik,kj->ij", y_prev, W) + b[np.newaxis, :]
    return [z, activate(z, activation)]


@right_answer("layer_forward", "the bias as one more row of W")
def layer_forward_augmented(y_prev, W, b, activation):
    z = np.hstack([y_prev, np.ones((len(y_prev), 1))]) @ np.vstack([W, b])
    y = activate(z, activation)
    return (z, y)


# --------------------------------------------------------------------------------------------------- local_gradient


@right_answer("local_gradient", "broadcasting")
def local_gradient_broadcast(z, W, activation):
    return activation_derivative(z, activation)[:, :, None] * W.T


@right_answer("local_gradient", "np.einsum")
def local_gradient_einsum(z, W, activation):
    return np.einsum("ij,kj->ijk", activation_derivative(z, activation), W)


@right_answer("local_gradient", "plain Python loops")
def local_gradient_loops(z, W, activation):
    a_prime = np.asarray(activation_derivative(z, activation)).tolist()
    return [[[a * row[j] for row in W.tolist()] for j, a in enumerate(units)] for units in a_prime]


@right_answer("local_gradient", "diagonal matrices times W^T")
def local_gradient_diagonal(z, W, activation):
    return np.array([np.diag(units) @ W.T for units in activation_derivative(z, activation)])


# ---------------------------------------------------------------------------------------------------- backward_step


@right_answer("backward_step", "vectorised")
def backward_step_vectorised(loss_grad, z, W, activation):
    return (loss_grad * activation_derivative(z, activation)) @ W.T


@right_answer("backward_step", "the whole Jacobian of every row")
def backward_step_jacobian(loss_grad, z, W, activation):
    return np.einsum("ij,ijk->ik", loss_grad, local_gradient_broadcast(z, W, activation))


@right_answer("backward_step", "plain Python loops")
def backward_step_loops(loss_grad, z, W, activation):
    a_prime = activation_derivative(z, activation)
    m, n = z.shape
    result = []
    for i in range(m):
        result.append([sum(float(loss_grad[i, j]) * float(a_prime[i, j]) * float(W[k, j]) for j in range(n))
                       for k in range(len(W))])
    return result


@right_answer("backward_step", "transposed throughout")
def backward_step_transposed(loss_grad, z, W, activation):
    return np.dot(W, (activation_derivative(z, activation) * loss_grad).T).T


# -------------------------------------------------------------------------------------------------- weight_gradient


@right_answer("weight_gradient", "vectorised")
def weight_gradient_vectorised(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


@right_answer("weight_gradient", "outer products, row by row")
def weight_gradient_outer(loss_grad, z, y_prev, activation):
    dW, db = np.zeros((y_prev.shape[1], z.shape[1])), np.zeros(z.shape[1])
    for grad, a_prime, y in zip(loss_grad, activation_derivative(z, activation), y_prev):
        dW += np.outer(y, grad * a_prime)
        db += grad * a_prime
    return [dW, db]


@right_answer("weight_gradient", "plain Python loops")
def weight_gradient_loops(loss_grad, z, y_prev, activation):
    z_grad = (loss_grad * activation_derivative(z, activation)).tolist()
    y_prev = y_prev.tolist()
    units = range(len(z_grad[0]))
    dW = [[sum(y[k] * grad[j] for y, grad in zip(y_prev, z_grad)) for j in units] for k in range(len(y_prev[0]))]
    return dW, [sum(grad[j] for grad in z_grad) for j in units]


@right_answer("weight_gradient", "np.einsum")
def weight_gradient_einsum(loss_grad, z, y_prev, activation):
    a_prime = activation_derivative(z, activation)
    return np.einsum("ik,ij,ij->kj", y_prev, loss_grad, a_prime), np.einsum("ij,ij->j", loss_grad, a_prime)


# ---------------------------------------------------------------------------------------------------- backpropagate


@right_answer("backpropagate", "forward list, backward loop")
def backpropagate_two_loops(loss_grad, x, weights, biases, activations):
    ys, zs, L = [x], [], len(weights)
    for l in range(L):
        z, y = layer_forward_vectorised(ys[l], weights[l], biases[l], activations[l])
        zs.append(z)
        ys.append(y)
    loss_grads, dWs, dbs = [None] * L + [loss_grad], [None] * L, [None] * L
    for l in range(L - 1, -1, -1):
        dWs[l], dbs[l] = weight_gradient_vectorised(loss_grads[l + 1], zs[l], ys[l], activations[l])
        loss_grads[l] = backward_step_vectorised(loss_grads[l + 1], zs[l], weights[l], activations[l])
    return loss_grads, dWs, dbs


@right_answer("backpropagate", "recursive")
def backpropagate_recursive(loss_grad, x, weights, biases, activations):
    if not weights:
        return [loss_grad], [], []
    z, y = layer_forward_vectorised(x, weights[0], biases[0], activations[0])
    loss_grads, dWs, dbs = backpropagate_recursive(loss_grad, y, weights[1:], biases[1:], activations[1:])
    dW, db = weight_gradient_vectorised(loss_grads[0], z, x, activations[0])
    back = backward_step_vectorised(loss_grads[0], z, weights[0], activations[0])
    return [back] + loss_grads, [dW] + dWs, [db] + dbs


@right_answer("backpropagate", "nested lists from plain loops, as a list of three")
def backpropagate_loops(loss_grad, x, weights, biases, activations):
    tape, y = [], np.array(x)
    for W, b, activation in zip(weights, biases, activations):
        z, y_next = (np.array(part) for part in layer_forward_loops(y, W, b, activation))
        tape.append((z, y, W, activation))
        y = y_next
    loss_grads, dWs, dbs = [loss_grad.tolist()], [], []
    while tape:
        z, y, W, activation = tape.pop()
        grad = np.array(loss_grads[-1])
        dW, db = weight_gradient_loops(grad, z, y, activation)
        dWs.append(dW)
        dbs.append(db)
        loss_grads.append(backward_step_loops(grad, z, W, activation))
    return [loss_grads[::-1], dWs[::-1], dbs[::-1]]
