"""One backward step, L'_{l-1} = (L'_l * a'_l) W_l^T, and backpropagation, which repeats it.

A batch has m rows.  Layer l has n units, the layer before it n_prev:
`y_prev` = y_{l-1} (m, n_prev), `W` = W_l (n_prev, n), `b` = b_l (n,), `z` = z_l (m, n), `loss_grad` = L'_l (m, n).
Activation names: "identity", "sigmoid", "tanh", "relu".
"""

import numpy as np

from reference_impl.activations import relu, relu_derivative, sigmoid, sigmoid_derivative, tanh_derivative

_ACTIVATIONS = {
    "identity": (lambda z: np.array(z, dtype=float), lambda z: np.ones(np.shape(z))),
    "sigmoid": (sigmoid, sigmoid_derivative),
    "tanh": (np.tanh, tanh_derivative),
    "relu": (relu, relu_derivative),
}


def _pair(activation):
    if activation not in _ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}: choose one of {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[activation]


def activate(z, activation):
    """y = a(z), elementwise, for one of the four names; ValueError for another."""
    return _pair(activation)[0](z)


def activation_derivative(z, activation):
    """a' = a'(z), elementwise, right in both tails; ValueError for an unknown name."""
    return _pair(activation)[1](z)


def layer_forward(y_prev, W, b, activation):
    """z_l = y_{l-1} W_l + b_l and y_l = a(z_l): the tuple (z, y), both (m, n)."""
    z = y_prev @ W + b
    y = activate(z, activation)
    return z, y


def local_gradient(z, W, activation):
    """dy_l / dy_{l-1} of every row, (m, n, n_prev): J[i, j, k] = a'(z[i, j]) W[k, j].

    This is a'_l f'_l with f'_l = W_l^T.  It is here to be looked at: `backward_step` multiplies by it
    without ever holding its m n n_prev numbers.
    """
    a_prime = activation_derivative(z, activation)
    return a_prime[:, :, np.newaxis] * W.T


def backward_step(loss_grad, z, W, activation):
    """L'_{l-1} = (L'_l * a'_l) W_l^T, (m, n_prev): the gradient one layer further back.

    The chain rule of row i, sum over j of L'_l[i, j] J[i, j, k] (the lecture's L'_l a'_l f'_l).
    """
    a_prime = activation_derivative(z, activation)
    return (loss_grad * a_prime) @ W.T


def weight_gradient(loss_grad, z, y_prev, activation):
    """dLoss/dW_l = y_{l-1}^T (L'_l * a'_l), (n_prev, n), and dLoss/db_l, (n,): the tuple (dW, db).

    Both are summed over the batch.  A mean belongs into the loss, which then carries its 1/m in L'_l.
    """
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


def backpropagate(loss_grad, x, weights, biases, activations):
    """All gradients of a network: the tuple (loss_grads, dWs, dbs) (Rumelhart, Hinton & Williams 1986).

    loss_grad: L'_L (m, n_L).  x: y_0 (m, n_0).  weights, biases, activations: lists of L entries.
    loss_grads has L+1 entries, entry l = L'_l, so that entry 0 is dLoss/dx; dWs[l-1] and dbs[l-1]
    belong to layer l.  L = 0 gives ([loss_grad], [], []).
    """
    # Forward: keep what the way back needs, the input and the pre-activation of every layer.
    y, inputs, zs = x, [], []
    for W, b, activation in zip(weights, biases, activations):
        inputs.append(y)
        z, y = layer_forward(y, W, b, activation)
        zs.append(z)

    # Backward: from layer L to layer 1, the lists grow at their front.
    loss_grads, dWs, dbs = [loss_grad], [], []
    for z, y_prev, W, activation in zip(zs[::-1], inputs[::-1], weights[::-1], activations[::-1]):
        dW, db = weight_gradient(loss_grads[0], z, y_prev, activation)
        dWs.insert(0, dW)
        dbs.insert(0, db)
        loss_grads.insert(0, backward_step(loss_grads[0], z, W, activation))
    return loss_grads, dWs, dbs
