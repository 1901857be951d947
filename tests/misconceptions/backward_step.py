"""Wrong answers to ps2 that students give, each with the most it may earn."""

import numpy as np

from grading.checks import misconception
from reference_impl.backward_step import activate, activation_derivative


def transposed_if_it_fits(W):
    """W.T where that has the same shape: the wrong transpose that only square layers let pass."""
    return W.T if W.shape[0] == W.shape[1] else W


def derivative_losing_tails(z, activation):
    y = activate(z, activation)
    if activation == "sigmoid":
        return y * (1.0 - y)
    return 1.0 - y**2 if activation == "tanh" else activation_derivative(z, activation)


def derivative_one_at_zero(z, activation):
    return (z >= 0).astype(float) if activation == "relu" else activation_derivative(z, activation)


def derivative_from_all(z, activation):
    s = 1.0 / (1.0 + np.exp(-z))
    all_of_them = {
        "identity": np.ones_like(z), "sigmoid": s * (1.0 - s),
        "tanh": 1.0 / np.cosh(z) ** 2, "relu": (z > 0).astype(float),
    }
    return all_of_them[activation]


SAYS_TRANSPOSED = (
    "W and its transpose are mixed up. Layers of unequal sizes show it: write down the shape of each factor."
)
SAYS_NO_DERIVATIVE = (
    "The factor a'(z) is missing: between y and z stands the activation, and the chain rule passes through it."
)
SAYS_VALUE_FOR_DERIVATIVE = (
    "This multiplies by a(z), the activation's value. The chain rule asks for its derivative a'(z)."
)
SAYS_AT_Y = "The derivative is evaluated at y = a(z) instead of z: the activation was applied twice."
SAYS_TAILS = (
    "s(1 - s) and 1 - tanh(z)^2 are right formulas that lose a tail. activation_derivative keeps the digits there."
)
SAYS_RELU = "ReLU's derivative at exactly z = 0 was taken as 1. This course takes 0, as activation_derivative does."
SAYS_SQUEEZED = (
    "The values are right, but squeeze drops every axis of length one: one row or one unit then has the wrong shape."
)
SAYS_ALL = (
    "All activations' derivatives are worked out before one is chosen, and those that are not wanted overflow. "
    "Work out the named one only."
)
SAYS_MEAN = (
    "The gradient was divided by the size of the batch. Here it is summed: a mean, if any, is already in the loss."
)


# ---------------------------------------------------------------------------------------------------- layer_forward


@misconception("layer_forward", "forgets the bias", at_most=0.0, says="The bias is missing: z = y_prev W + b.")
def layer_forward_without_bias(y_prev, W, b, activation):
    z = y_prev @ W
    return z, activate(z, activation)


@misconception(
    "layer_forward", "returns (y, z)", at_most=0.0,
    says="Both arrays are right, in the wrong order: the pre-activation z comes first, then y.",
)
def layer_forward_swapped(y_prev, W, b, activation):
    z = y_prev @ W + b
    return activate(z, activation), z


@misconception(
    "layer_forward", "returns y alone", at_most=0.0,
    says="This is y. The backward step needs the pre-activation z, too: return the pair (z, y).",
)
def layer_forward_y_alone(y_prev, W, b, activation):
    return activate(y_prev @ W + b, activation)


@misconception(
    "layer_forward", "adds the bias after the activation", at_most=0.0,
    says="The bias was added after the activation. It belongs to z, inside: y = a(y_prev W + b).",
)
def layer_forward_late_bias(y_prev, W, b, activation):
    z = y_prev @ W
    return z, activate(z, activation) + b


@misconception(
    "layer_forward", "activates its input as well", at_most=0.0,
    says="The activation was applied to y_prev, which has already been activated by the layer before.",
)
def layer_forward_activates_input(y_prev, W, b, activation):
    z = activate(y_prev, activation) @ W + b
    return z, activate(z, activation)


@misconception(
    "layer_forward", "returns y twice", at_most=0.0,
    says="The first of the two arrays has gone through the activation as well. z is what it was before.",
)
def layer_forward_y_twice(y_prev, W, b, activation):
    y = activate(y_prev @ W + b, activation)
    return y, y


@misconception(
    "layer_forward", "always uses the sigmoid", at_most=0.0,
    says="The activation's name was ignored and the sigmoid used throughout. Hand the name on to activate.",
)
def layer_forward_always_sigmoid(y_prev, W, b, activation):
    z = y_prev @ W + b
    return z, activate(z, "sigmoid")


@misconception("layer_forward", "transposes W", at_most=0.0, says=SAYS_TRANSPOSED)
def layer_forward_transposed(y_prev, W, b, activation):
    z = y_prev @ transposed_if_it_fits(W) + b
    return z, activate(z, activation)


@misconception(
    "layer_forward", "overwrites z with y", at_most=0.0,
    says="ReLU was applied in place, so that z and y are the same array and z is lost. "
    "The backward step needs the old z.",
)
def layer_forward_overwrites_z(y_prev, W, b, activation):
    z = y_prev @ W + b
    if activation == "relu":
        z[z < 0] = 0.0
        return z, z
    return z, activate(z, activation)


@misconception("layer_forward", "squeezes its results", at_most=0.9, says=SAYS_SQUEEZED)
def layer_forward_squeezed(y_prev, W, b, activation):
    z = np.squeeze(y_prev @ W + b)
    return z, activate(z, activation)


@misconception(
    "layer_forward", "uses hand-written activations that divide infinity by infinity", at_most=0.9,
    says="The hand-written sigmoid and tanh divide e^z by e^z plus something: "
    "infinity by infinity for large z. Use activate.",
)
def layer_forward_ratio_of_exponentials(y_prev, W, b, activation):
    z = y_prev @ W + b
    if activation == "sigmoid":
        return z, np.exp(z) / (1.0 + np.exp(z))
    if activation == "tanh":
        return z, (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
    return z, activate(z, activation)


@misconception(
    "layer_forward", "writes the sigmoid with tanh", at_most=0.9,
    says="(1 + tanh(z/2)) / 2 loses the digits of the sigmoid's left tail. Use activate, which keeps them.",
)
def layer_forward_sigmoid_through_tanh(y_prev, W, b, activation):
    z = y_prev @ W + b
    return z, 0.5 * (1.0 + np.tanh(0.5 * z)) if activation == "sigmoid" else activate(z, activation)


@misconception(
    "layer_forward", "clips z", at_most=0.75,
    says="z was clipped. That is not needed: activate copes with any z, "
    "and for relu and identity the clipped part matters.",
)
def layer_forward_clipped(y_prev, W, b, activation):
    z = np.clip(y_prev @ W + b, -500.0, 500.0)
    return z, activate(z, activation)


@misconception(
    "layer_forward", "writes z into y_prev", at_most=0.9,
    says="Where the shapes allow it, z was stored in y_prev's memory: the caller's array is gone. Make a new one.",
)
def layer_forward_in_place(y_prev, W, b, activation):
    if W.shape[0] != W.shape[1]:
        z = y_prev @ W + b
        return z, activate(z, activation)
    y_prev[...] = y_prev @ W + b
    return y_prev, activate(y_prev, activation)


# --------------------------------------------------------------------------------------------------- local_gradient


def local(a_prime, W):
    return a_prime[:, :, None] * W.T[None, :, :]


@misconception(
    "local_gradient", "swaps its last two axes", at_most=0.0,
    says="The last two axes are swapped: first j, the unit of this layer, then k, the unit of the layer before.",
)
def local_gradient_axes_swapped(z, W, activation):
    return np.swapaxes(local(activation_derivative(z, activation), W), 1, 2)


@misconception("local_gradient", "forgets a'", at_most=0.0, says=SAYS_NO_DERIVATIVE)
def local_gradient_without_derivative(z, W, activation):
    return local(np.ones_like(z), W)


@misconception("local_gradient", "multiplies by a instead of a'", at_most=0.0, says=SAYS_VALUE_FOR_DERIVATIVE)
def local_gradient_value_for_derivative(z, W, activation):
    return local(activate(z, activation), W)


@misconception("local_gradient", "evaluates a' at y", at_most=0.0, says=SAYS_AT_Y)
def local_gradient_at_y(z, W, activation):
    return local(activation_derivative(activate(z, activation), activation), W)


@misconception("local_gradient", "transposes W", at_most=0.0, says=SAYS_TRANSPOSED)
def local_gradient_transposed(z, W, activation):
    return local(activation_derivative(z, activation), transposed_if_it_fits(W))


@misconception(
    "local_gradient", "sums over the batch", at_most=0.0,
    says="The rows of the batch were added up. Each row has a Jacobian of its own: keep the first axis.",
)
def local_gradient_summed(z, W, activation):
    return local(activation_derivative(z, activation), W).sum(axis=0)


@misconception(
    "local_gradient", "leaves out the transposed factor W", at_most=0.0,
    says="This is a' alone, as diagonal matrices: dy/dz. The step from z to y_prev, W^T, is missing.",
)
def local_gradient_diagonal(z, W, activation):
    return activation_derivative(z, activation)[:, :, None] * np.eye(z.shape[1])


@misconception(
    "local_gradient", "a difference quotient", at_most=0.55,
    says="A difference quotient is a fine way to test a Jacobian, but it loses half of the digits. Use the formula.",
)
def local_gradient_by_differences(z, W, activation):
    h = 1e-5
    return local((activate(z + h, activation) - activate(z - h, activation)) / (2.0 * h), W)


@misconception(
    "local_gradient", "uses the first row's a' for all", at_most=0.0,
    says="Every row of the batch got the derivative of the first row. a'(z) differs from row to row.",
)
def local_gradient_first_row(z, W, activation):
    return local(np.repeat(activation_derivative(z[:1], activation), len(z), axis=0), W)


@misconception("local_gradient", "loses the tails", noise=1e-15, at_most=0.85, says=SAYS_TAILS)
def local_gradient_losing_tails(z, W, activation):
    return local(derivative_losing_tails(z, activation), W)


@misconception("local_gradient", "takes 1 for ReLU's derivative at 0", at_most=0.9, says=SAYS_RELU)
def local_gradient_relu_one_at_zero(z, W, activation):
    return local(derivative_one_at_zero(z, activation), W)


@misconception("local_gradient", "squeezes its result", at_most=0.9, says=SAYS_SQUEEZED)
def local_gradient_squeezed(z, W, activation):
    return np.squeeze(local(activation_derivative(z, activation), W))


@misconception("local_gradient", "works out all derivatives first", at_most=0.7, says=SAYS_ALL)
def local_gradient_from_all(z, W, activation):
    return local(derivative_from_all(z, activation), W)


@misconception(
    "local_gradient", "stores a' in z", at_most=0.9,
    says="The result is right, but the caller's pre-activations were overwritten "
    "with their derivatives. Make a new array.",
)
def local_gradient_in_place(z, W, activation):
    z[...] = activation_derivative(z, activation)
    return local(z, W)


@misconception(
    "local_gradient", "knows only sigmoid and tanh", at_most=0.0,
    says="relu and identity are missing. activation_derivative knows all four names.",
)
def local_gradient_smooth_only(z, W, activation):
    return local(activation_derivative(z, "sigmoid" if activation == "sigmoid" else "tanh"), W)


# ---------------------------------------------------------------------------------------------------- backward_step


@misconception("backward_step", "forgets a'", at_most=0.0, says=SAYS_NO_DERIVATIVE)
def backward_step_without_derivative(loss_grad, z, W, activation):
    return loss_grad @ W.T


@misconception("backward_step", "multiplies by a instead of a'", at_most=0.0, says=SAYS_VALUE_FOR_DERIVATIVE)
def backward_step_value_for_derivative(loss_grad, z, W, activation):
    return (loss_grad * activate(z, activation)) @ W.T


@misconception("backward_step", "evaluates a' at y", at_most=0.0, says=SAYS_AT_Y)
def backward_step_at_y(loss_grad, z, W, activation):
    return (loss_grad * activation_derivative(activate(z, activation), activation)) @ W.T


@misconception("backward_step", "does not transpose W", at_most=0.0, says=SAYS_TRANSPOSED)
def backward_step_not_transposed(loss_grad, z, W, activation):
    return (loss_grad * activation_derivative(z, activation)) @ (W if W.shape[0] == W.shape[1] else W.T)


@misconception(
    "backward_step", "multiplies by W^T first", at_most=0.0,
    says="a' was multiplied in after W^T. It belongs to the units of this layer, "
    "so it comes first: (loss_grad * a') W^T.",
)
def backward_step_wrong_order(loss_grad, z, W, activation):
    a_prime = activation_derivative(z, activation)
    back = loss_grad @ W.T
    return back * (a_prime if a_prime.shape == back.shape else a_prime.mean(axis=1, keepdims=True))


@misconception("backward_step", "averages over the batch", at_most=0.0, says=SAYS_MEAN)
def backward_step_mean(loss_grad, z, W, activation):
    return (loss_grad * activation_derivative(z, activation)) @ W.T / len(loss_grad)


@misconception(
    "backward_step", "sums over the batch", at_most=0.0,
    says="The rows of the batch were added up. Only the gradients of W and b are summed: "
    "each row keeps its own loss gradient.",
)
def backward_step_summed(loss_grad, z, W, activation):
    return ((loss_grad * activation_derivative(z, activation)) @ W.T).sum(axis=0)


@misconception(
    "backward_step", "stops at z", at_most=0.0,
    says="This is loss_grad * a', the gradient with respect to z. One more factor leads to y_prev: W^T.",
)
def backward_step_stops_at_z(loss_grad, z, W, activation):
    return loss_grad * activation_derivative(z, activation)


@misconception("backward_step", "loses the tails", noise=1e-15, at_most=0.85, says=SAYS_TAILS)
def backward_step_losing_tails(loss_grad, z, W, activation):
    return (loss_grad * derivative_losing_tails(z, activation)) @ W.T


@misconception("backward_step", "takes 1 for ReLU's derivative at 0", at_most=0.9, says=SAYS_RELU)
def backward_step_relu_one_at_zero(loss_grad, z, W, activation):
    return (loss_grad * derivative_one_at_zero(z, activation)) @ W.T


@misconception("backward_step", "squeezes its result", at_most=0.9, says=SAYS_SQUEEZED)
def backward_step_squeezed(loss_grad, z, W, activation):
    return np.squeeze((loss_grad * activation_derivative(z, activation)) @ W.T)


@misconception("backward_step", "works out all derivatives first", at_most=0.75, says=SAYS_ALL)
def backward_step_from_all(loss_grad, z, W, activation):
    return (loss_grad * derivative_from_all(z, activation)) @ W.T


@misconception(
    "backward_step", "multiplies a' into loss_grad in place", at_most=0.9,
    says="loss_grad *= a_prime changes the caller's gradient: "
    "the gradients of W and b, worked out after it, would be wrong.",
)
def backward_step_in_place(loss_grad, z, W, activation):
    loss_grad *= activation_derivative(z, activation)
    return loss_grad @ W.T


@misconception(
    "backward_step", "clips the gradient", at_most=0.9,
    says="The gradient was clipped. That is a remedy for later: here it must come out as large or small as it is.",
)
def backward_step_clipped(loss_grad, z, W, activation):
    return np.clip((loss_grad * activation_derivative(z, activation)) @ W.T, -1e6, 1e6)


@misconception(
    "backward_step", "knows only sigmoid and tanh", at_most=0.0,
    says="relu and identity are missing. activation_derivative knows all four names.",
)
def backward_step_smooth_only(loss_grad, z, W, activation):
    return (loss_grad * activation_derivative(z, "sigmoid" if activation == "sigmoid" else "tanh")) @ W.T


# -------------------------------------------------------------------------------------------------- weight_gradient


@misconception("weight_gradient", "averages over the batch", at_most=0.0, says=SAYS_MEAN)
def weight_gradient_mean(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad / len(z), z_grad.mean(axis=0)


@misconception("weight_gradient", "forgets a'", at_most=0.0, says=SAYS_NO_DERIVATIVE)
def weight_gradient_without_derivative(loss_grad, z, y_prev, activation):
    return y_prev.T @ loss_grad, loss_grad.sum(axis=0)


@misconception("weight_gradient", "multiplies by a instead of a'", at_most=0.0, says=SAYS_VALUE_FOR_DERIVATIVE)
def weight_gradient_value_for_derivative(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activate(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


@misconception("weight_gradient", "evaluates a' at y", at_most=0.0, says=SAYS_AT_Y)
def weight_gradient_at_y(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(activate(z, activation), activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


@misconception(
    "weight_gradient", "transposes dW", at_most=0.0,
    says="This is dW transposed. dW has the shape of W, (n_prev, n), so that W - learning_rate * dW makes sense.",
)
def weight_gradient_transposed(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return z_grad.T @ y_prev, z_grad.sum(axis=0)


@misconception(
    "weight_gradient", "returns (db, dW)", at_most=0.0,
    says="Both gradients are there, in the wrong order: first dW, then db.",
)
def weight_gradient_swapped(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return z_grad.sum(axis=0), y_prev.T @ z_grad


@misconception(
    "weight_gradient", "uses y instead of y_prev", at_most=0.0,
    says="The output of this layer was used where its input y_prev belongs: dz/dW is what W is multiplied by.",
)
def weight_gradient_own_output(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return activate(z, activation).T @ z_grad, z_grad.sum(axis=0)


@misconception(
    "weight_gradient", "keeps the batch axis of dW", at_most=0.0,
    says="There is one outer product for each row of the batch. They have to be added up: W is shared by all rows.",
)
def weight_gradient_one_for_each_row(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev[:, :, None] * z_grad[:, None, :], z_grad


@misconception(
    "weight_gradient", "keeps the summed axis of db", at_most=0.4,
    says="db has the shape (1, n), as keepdims=True leaves it. The bias has the shape (n,), and so has its gradient.",
)
def weight_gradient_db_is_a_row(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0, keepdims=True)


@misconception(
    "weight_gradient", "forgets a' in db", at_most=0.4,
    says="dW is right; db lacks the factor a'. The bias acts on z, as W does, "
    "so both gradients start from loss_grad * a'.",
)
def weight_gradient_db_without_derivative(loss_grad, z, y_prev, activation):
    return y_prev.T @ (loss_grad * activation_derivative(z, activation)), loss_grad.sum(axis=0)


@misconception(
    "weight_gradient", "averages db", at_most=0.4,
    says="dW is summed over the batch, and db averaged. Both are sums: the bias is added to every row.",
)
def weight_gradient_db_mean(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad, z_grad.mean(axis=0)


@misconception("weight_gradient", "loses the tails", noise=1e-15, at_most=0.85, says=SAYS_TAILS)
def weight_gradient_losing_tails(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * derivative_losing_tails(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


@misconception("weight_gradient", "takes 1 for ReLU's derivative at 0", at_most=0.9, says=SAYS_RELU)
def weight_gradient_relu_one_at_zero(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * derivative_one_at_zero(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


@misconception("weight_gradient", "squeezes its results", at_most=0.9, says=SAYS_SQUEEZED)
def weight_gradient_squeezed(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return np.squeeze(y_prev.T @ z_grad), np.squeeze(z_grad.sum(axis=0))


@misconception("weight_gradient", "works out all derivatives first", at_most=0.75, says=SAYS_ALL)
def weight_gradient_from_all(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * derivative_from_all(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


@misconception(
    "weight_gradient", "multiplies a' into loss_grad in place", at_most=0.9,
    says="loss_grad *= a_prime changes the caller's gradient: a backward step after it would count a' twice.",
)
def weight_gradient_in_place(loss_grad, z, y_prev, activation):
    loss_grad *= activation_derivative(z, activation)
    return y_prev.T @ loss_grad, loss_grad.sum(axis=0)


@misconception(
    "weight_gradient", "knows only sigmoid and tanh", at_most=0.0,
    says="relu and identity are missing. activation_derivative knows all four names.",
)
def weight_gradient_smooth_only(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, "sigmoid" if activation == "sigmoid" else "tanh")
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


# ---------------------------------------------------------------------------------------------------- backpropagate


def forward_and_back(loss_grad, x, weights, biases, activations, derivative=activation_derivative):
    """(loss_grads, dWs, dbs), right if `derivative` is: the frame in which most of the mistakes below are made."""
    ys, zs = [x], []
    for W, b, activation in zip(weights, biases, activations):
        zs.append(ys[-1] @ W + b)
        ys.append(activate(zs[-1], activation))
    loss_grads, dWs, dbs = [loss_grad], [], []
    for l in reversed(range(len(weights))):
        z_grad = loss_grads[0] * derivative(zs[l], activations[l])
        dWs.insert(0, ys[l].T @ z_grad)
        dbs.insert(0, z_grad.sum(axis=0))
        loss_grads.insert(0, z_grad @ weights[l].T)
    return loss_grads, dWs, dbs


@misconception(
    "backpropagate", "returns its lists from the last layer to the first", at_most=0.0,
    says="All gradients are right, in the order in which they were worked out: last layer first. "
    "Entry 0 is due to be dLoss/dx.",
)
def backpropagate_reversed(loss_grad, x, weights, biases, activations):
    return tuple(entries[::-1] for entries in forward_and_back(loss_grad, x, weights, biases, activations))


@misconception(
    "backpropagate", "leaves out dLoss/dx", at_most=0.0,
    says="loss_grads has one entry too few: it starts with dLoss/dx, the gradient that reaches the input.",
)
def backpropagate_without_input(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    return loss_grads[-len(weights) :], dWs, dbs


@misconception(
    "backpropagate", "leaves out the given gradient", at_most=0.0,
    says="loss_grads has one entry too few: its last one is the gradient that was given, L'_L.",
)
def backpropagate_without_last(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    return loss_grads[:-1], dWs, dbs


@misconception(
    "backpropagate", "returns the gradients of z", at_most=0.0,
    says="loss_grads holds dLoss/dz_l, with a' already in it. "
    "Asked for is L'_l = dLoss/dy_l, before a' is multiplied in.",
)
def backpropagate_z_grads(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    y, z_grads = x, loss_grads[:1]
    for W, b, activation, grad in zip(weights, biases, activations, loss_grads[1:]):
        z = y @ W + b
        z_grads.append(grad * activation_derivative(z, activation))
        y = activate(z, activation)
    return z_grads, dWs, dbs


@misconception(
    "backpropagate", "returns the gradients of z, one for each layer", at_most=0.0,
    says="loss_grads holds the gradients dLoss/dz_l of the L layers, as books write their deltas. Asked for are L + 1 gradients: "
    "L'_l = dLoss/dy_l, before a' is multiplied in, and entry 0 is dLoss/dx.",
)
def backpropagate_deltas(loss_grad, x, weights, biases, activations):
    z_grads, dWs, dbs = backpropagate_z_grads(loss_grad, x, weights, biases, activations)
    return z_grads[1:], dWs, dbs


@misconception(
    "backpropagate", "takes ReLU in the hidden layers and the sigmoid at the end", at_most=0.0,
    says="The names in activations are not used: each layer has its own, whichever it is.",
)
def backpropagate_usual_activations(loss_grad, x, weights, biases, activations):
    usual = [*["relu"] * (len(weights) - 1), "sigmoid"][-len(weights):]
    return forward_and_back(loss_grad, x, weights, biases, usual)


@misconception("backpropagate", "forgets a'", at_most=0.0, says=SAYS_NO_DERIVATIVE)
def backpropagate_without_derivative(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, biases, activations, lambda z, activation: np.ones_like(z))


@misconception("backpropagate", "multiplies by a instead of a'", at_most=0.0, says=SAYS_VALUE_FOR_DERIVATIVE)
def backpropagate_value_for_derivative(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, biases, activations, activate)


@misconception("backpropagate", "evaluates a' at y", at_most=0.0, says=SAYS_AT_Y)
def backpropagate_at_y(loss_grad, x, weights, biases, activations):
    return forward_and_back(
        loss_grad, x, weights, biases, activations,
        lambda z, activation: activation_derivative(activate(z, activation), activation),
    )


@misconception("backpropagate", "does not transpose W", at_most=0.0, says=SAYS_TRANSPOSED)
def backpropagate_not_transposed(loss_grad, x, weights, biases, activations):
    loss_grads, _, _ = forward_and_back(loss_grad, x, weights, biases, activations)
    _, zs = forward_only(x, weights, biases, activations)
    ys = [x] + [activate(z, activation) for z, activation in zip(zs, activations)]
    grads, dWs, dbs = [loss_grad], [], []
    for l in reversed(range(len(weights))):
        z_grad = grads[0] * activation_derivative(zs[l], activations[l])
        dWs.insert(0, ys[l].T @ z_grad)
        dbs.insert(0, z_grad.sum(axis=0))
        W = weights[l]
        grads.insert(0, z_grad @ (W if W.shape[0] == W.shape[1] else W.T))
    return grads, dWs, dbs


def forward_only(x, weights, biases, activations):
    y, zs = x, []
    for W, b, activation in zip(weights, biases, activations):
        zs.append(y @ W + b)
        y = activate(zs[-1], activation)
    return y, zs


@misconception("backpropagate", "averages over the batch", at_most=0.0, says=SAYS_MEAN)
def backpropagate_mean(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    return loss_grads, [dW / len(x) for dW in dWs], [db / len(x) for db in dbs]


@misconception(
    "backpropagate", "forgets the biases on the way forward", at_most=0.0,
    says="The forward pass left out the biases, so that every z and every a'(z) is that of another network.",
)
def backpropagate_without_biases(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, [0.0 * b for b in biases], activations)


@misconception(
    "backpropagate", "uses one activation for all layers", at_most=0.0,
    says="The first layer's activation was used for all layers. Each layer has a name of its own in the list.",
)
def backpropagate_one_activation(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, biases, activations[:1] * len(weights))


@misconception(
    "backpropagate", "works out dW with the z of the layer before", at_most=0.0,
    says="dW was worked out with z_{l-1}, before its activation. What W_l is multiplied by is y_{l-1} = a(z_{l-1}).",
)
def backpropagate_dW_from_z(loss_grad, x, weights, biases, activations):
    loss_grads, _, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    _, zs = forward_only(x, weights, biases, activations)
    dWs = [
        before.T @ (grad * activation_derivative(z, activation))
        for before, grad, z, activation in zip([x] + zs, loss_grads[1:], zs, activations)
    ]
    return loss_grads, dWs, dbs


@misconception(
    "backpropagate", "multiplies a' into the stored gradients", at_most=0.0,
    says="The lists share memory: loss_grad *= a_prime also changed the gradient that "
    "was stored just before. Make a new array.",
)
def backpropagate_shared_memory(loss_grad, x, weights, biases, activations):
    ys = [x]
    _, zs = forward_only(x, weights, biases, activations)
    ys += [activate(z, activation) for z, activation in zip(zs, activations)]
    grad, loss_grads, dWs, dbs = loss_grad, [loss_grad], [], []
    for l in reversed(range(len(weights))):
        grad *= activation_derivative(zs[l], activations[l])
        dWs.insert(0, ys[l].T @ grad)
        dbs.insert(0, grad.sum(axis=0))
        grad = grad @ weights[l].T
        loss_grads.insert(0, grad)
    return loss_grads, dWs, dbs


@misconception(
    "backpropagate", "keeps the summed axis of db", at_most=0.4,
    says="Each db has the shape (1, n), as keepdims=True leaves it. "
    "A bias has the shape (n,), and so has its gradient.",
)
def backpropagate_db_is_a_row(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    return loss_grads, dWs, [db[None, :] for db in dbs]


@misconception(
    "backpropagate", "forgets a' in db", at_most=0.4,
    says="loss_grads and dWs are right; each db lacks the factor a'. The bias acts on z, as W does.",
)
def backpropagate_db_without_derivative(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, _ = forward_and_back(loss_grad, x, weights, biases, activations)
    return loss_grads, dWs, [grad.sum(axis=0) for grad in loss_grads[1:]]


@misconception(
    "backpropagate", "needs at least one layer", at_most=0.9,
    says="An empty network is not handled: it takes the last entry of an empty list. "
    "With no layer, loss_grad is the answer.",
)
def backpropagate_needs_a_layer(loss_grad, x, weights, biases, activations):
    weights[-1]
    return forward_and_back(loss_grad, x, weights, biases, activations)


@misconception(
    "backpropagate", "turns the caller's lists round", at_most=0.9,
    says="weights.reverse() and the like turn the caller's own lists round. "
    "reversed(weights) and weights[::-1] do not.",
)
def backpropagate_reverses_lists(loss_grad, x, weights, biases, activations):
    answer = forward_and_back(loss_grad, x, list(weights), list(biases), list(activations))
    weights.reverse()
    activations.reverse()
    return answer


@misconception("backpropagate", "loses the tails", noise=1e-15, at_most=0.9, says=SAYS_TAILS)
def backpropagate_losing_tails(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, biases, activations, derivative_losing_tails)


@misconception("backpropagate", "takes 1 for ReLU's derivative at 0", at_most=0.95, says=SAYS_RELU)
def backpropagate_relu_one_at_zero(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, biases, activations, derivative_one_at_zero)


@misconception("backpropagate", "works out all derivatives first", at_most=0.8, says=SAYS_ALL)
def backpropagate_from_all(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, biases, activations, derivative_from_all)


@misconception(
    "backpropagate", "squeezes its gradients", at_most=0.95, says=SAYS_SQUEEZED,
)
def backpropagate_squeezed(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    return [np.squeeze(grad) for grad in loss_grads], [np.squeeze(dW) for dW in dWs], dbs


@misconception(
    "backpropagate", "rounds tiny gradients to zero", at_most=0.8,
    says="Gradients below a small number were set to zero. "
    "In a deep network they are that small, and still matter here.",
)
def backpropagate_rounded(loss_grad, x, weights, biases, activations):
    answer = forward_and_back(loss_grad, x, weights, biases, activations)
    return tuple([np.where(np.abs(grad) < 1e-12, 0.0, grad) for grad in grads] for grads in answer)


# ------------------------------------------------------------------------------------- habits of code found elsewhere


def derivative_taking_z_for_y(z, activation):
    return {"sigmoid": lambda: z * (1.0 - z), "tanh": lambda: 1.0 - z**2}.get(
        activation, lambda: activation_derivative(z, activation))()


def derivative_always_relus(z, activation):
    return (z > 0).astype(float)


SAYS_DICT = (
    "This is a dict, as many courses keep gradients. Here the results come as one tuple, in the order of the contract."
)
SAYS_CACHE = (
    "This is (A, cache), as one well-known course returns it. Here the pair is (z, y): the pre-activation first, nothing else."
)
SAYS_Z_FOR_Y = (
    "This is z(1 - z) or 1 - z^2. y(1 - y) and 1 - y^2 hold for the output y; z is the pre-activation. "
    "activation_derivative(z, activation) takes z."
)
SAYS_ALWAYS_RELU = "ReLU's derivative was used whatever the activation is called. Hand the name on to activation_derivative."
SAYS_NO_LOSS_GRAD = "The loss gradient that comes from above is missing: every step starts from loss_grad."
SAYS_MEAN_AND_AXIS = (
    "The gradients were averaged over the batch, and db keeps an axis of length one. Here they are summed, and db has the "
    "shape of b, (n,)."
)


@misconception("layer_forward", "returns (A, cache)", at_most=0.0, says=SAYS_CACHE)
def layer_forward_with_cache(y_prev, W, b, activation):
    return activate(y_prev @ W + b, activation), (y_prev, W, b)


@misconception("layer_forward", "returns (A, cache) with z in the cache", at_most=0.0, says=SAYS_CACHE)
def layer_forward_with_two_caches(y_prev, W, b, activation):
    z = y_prev @ W + b
    return activate(z, activation), ((y_prev, W, b), z)


@misconception("layer_forward", "returns a dict", at_most=0.0, says=SAYS_DICT)
def layer_forward_dict(y_prev, W, b, activation):
    z = y_prev @ W + b
    return {"z": z, "y": activate(z, activation)}


@misconception("backward_step", "takes z for y", at_most=0.0, says=SAYS_Z_FOR_Y)
def backward_step_taking_z_for_y(loss_grad, z, W, activation):
    return (loss_grad * derivative_taking_z_for_y(z, activation)) @ W.T


@misconception("backward_step", "always uses ReLU's derivative", at_most=0.0, says=SAYS_ALWAYS_RELU)
def backward_step_always_relu(loss_grad, z, W, activation):
    return (loss_grad * derivative_always_relus(z, activation)) @ W.T


@misconception("backward_step", "forgets loss_grad", at_most=0.0, says=SAYS_NO_LOSS_GRAD)
def backward_step_without_loss_grad(loss_grad, z, W, activation):
    return activation_derivative(z, activation) @ W.T


@misconception("local_gradient", "takes z for y", at_most=0.0, says=SAYS_Z_FOR_Y)
def local_gradient_taking_z_for_y(z, W, activation):
    return derivative_taking_z_for_y(z, activation)[:, :, None] * W.T


@misconception("local_gradient", "always uses ReLU's derivative", at_most=0.0, says=SAYS_ALWAYS_RELU)
def local_gradient_always_relu(z, W, activation):
    return derivative_always_relus(z, activation)[:, :, None] * W.T


@misconception("weight_gradient", "takes z for y", at_most=0.0, says=SAYS_Z_FOR_Y)
def weight_gradient_taking_z_for_y(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * derivative_taking_z_for_y(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


@misconception("weight_gradient", "always uses ReLU's derivative", at_most=0.0, says=SAYS_ALWAYS_RELU)
def weight_gradient_always_relu(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * derivative_always_relus(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=0)


@misconception("weight_gradient", "forgets loss_grad", at_most=0.0, says=SAYS_NO_LOSS_GRAD)
def weight_gradient_without_loss_grad(loss_grad, z, y_prev, activation):
    a_prime = activation_derivative(z, activation)
    return y_prev.T @ a_prime, a_prime.sum(axis=0)


@misconception("weight_gradient", "returns a dict", at_most=0.0, says=SAYS_DICT)
def weight_gradient_dict(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return {"dW": y_prev.T @ z_grad, "db": z_grad.sum(axis=0)}


@misconception("weight_gradient", "averages, and keeps the summed axis of db", at_most=0.0, says=SAYS_MEAN_AND_AXIS)
def weight_gradient_mean_and_axis(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad / len(z), z_grad.sum(axis=0, keepdims=True) / len(z)


@misconception(
    "weight_gradient", "does not sum db", at_most=0.4,
    says="db is loss_grad * a' itself, with one row for each example. The bias is shared by all rows: sum over them.",
)
def weight_gradient_db_not_summed(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad, z_grad


@misconception("backpropagate", "takes z for y", at_most=0.0, says=SAYS_Z_FOR_Y)
def backpropagate_taking_z_for_y(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, biases, activations, derivative_taking_z_for_y)


@misconception("backpropagate", "always uses ReLU's derivative", at_most=0.0, says=SAYS_ALWAYS_RELU)
def backpropagate_always_relu(loss_grad, x, weights, biases, activations):
    return forward_and_back(loss_grad, x, weights, biases, activations, derivative_always_relus)


@misconception("backpropagate", "forgets loss_grad", at_most=0.0, says=SAYS_NO_LOSS_GRAD)
def backpropagate_without_loss_grad(loss_grad, x, weights, biases, activations):
    return forward_and_back(np.ones_like(loss_grad), x, weights, biases, activations)


@misconception("backpropagate", "returns a dict", at_most=0.0, says=SAYS_DICT)
def backpropagate_dict(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    return {"loss_grads": loss_grads, "dWs": dWs, "dbs": dbs}


@misconception("backpropagate", "averages, and keeps the summed axis of db", at_most=0.0, says=SAYS_MEAN_AND_AXIS)
def backpropagate_mean_and_axis(loss_grad, x, weights, biases, activations):
    loss_grads, dWs, dbs = forward_and_back(loss_grad, x, weights, biases, activations)
    return loss_grads, [dW / len(x) for dW in dWs], [db[None, :] / len(x) for db in dbs]


@misconception(
    "backpropagate", "has no a' in the last layer", at_most=0.0,
    says="The last layer's a' is missing. loss_grad is the gradient with respect to the output y_L, not to z_L: the last "
    "activation has to be passed as well.",
)
def backpropagate_last_layer_linear(loss_grad, x, weights, biases, activations):
    if not weights:
        return [loss_grad], [], []
    y = x
    for W, b, name in zip(weights[:-1], biases, activations):
        y = activate(y @ W + b, name)
    below = forward_and_back(loss_grad @ weights[-1].T, x, weights[:-1], biases[:-1], activations[:-1])
    return below[0] + [loss_grad], below[1] + [y.T @ loss_grad], below[2] + [loss_grad.sum(axis=0)]


@misconception(
    "backpropagate", "updates the weights", at_most=0.9,
    says="The weights were changed on the way, as an optimizer would do after it. Here only gradients are asked for: the "
    "caller's weights stay as they are.",
)
def backpropagate_updating(loss_grad, x, weights, biases, activations):
    answer = forward_and_back(loss_grad, x, weights, biases, activations)
    for W, b, dW, db in zip(weights, biases, answer[1], answer[2]):
        W -= 0.01 * dW
        b -= 0.01 * db
    return answer


SAYS_DOES_NOT_FIT = (
    "The shapes do not fit: W has shape (n_prev, n), with examples in rows. y_prev @ W goes forward, and @ W.T goes back."
)


@misconception("layer_forward", "multiplies by W.T", at_most=0.0, says=SAYS_DOES_NOT_FIT)
def layer_forward_always_transposed(y_prev, W, b, activation):
    z = y_prev @ W.T + b
    return z, activate(z, activation)


@misconception("backward_step", "multiplies by W", at_most=0.0, says=SAYS_DOES_NOT_FIT)
def backward_step_never_transposed(loss_grad, z, W, activation):
    return (loss_grad * activation_derivative(z, activation)) @ W


@misconception(
    "weight_gradient", "sums all of db", at_most=0.4,
    says="db is one number here, the sum over rows and units. Each unit has a bias of its own: sum over the rows only, axis 0.",
)
def weight_gradient_db_one_number(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad, np.sum(z_grad)


@misconception(
    "weight_gradient", "sums db over the units", at_most=0.4,
    says="db was summed along axis 1, over the units of each row. The sum runs over the rows of the batch: axis 0.",
)
def weight_gradient_db_along_units(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return y_prev.T @ z_grad, z_grad.sum(axis=1)


# ------------------------------------------------------------- each column an example: told by a call with square arrays

SAYS_COLUMNS = (
    "This treats each column as an example, another book's convention: W y + b forward, W^T back. Here each row is an example: "
    "y_prev @ W goes forward, and @ W.T goes back."
)


def square_layer(rng):
    return *rng.normal(size=(2, 3, 3)), rng.normal(size=3), "tanh"


def square_step(rng):
    return *rng.normal(size=(3, 3, 3)), "tanh"


def square_network(rng):
    return *rng.normal(size=(2, 3, 3)), list(rng.normal(size=(2, 3, 3))), list(rng.normal(size=(2, 3))), ["tanh", "sigmoid"]


@misconception("layer_forward", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, probe=square_layer)
def layer_forward_columns(y_prev, W, b, activation):
    z = np.dot(W, y_prev) + b.reshape(-1, 1)
    return z, activate(z, activation)


@misconception(
    "layer_forward", "puts the examples into columns, with W as it is here", at_most=0.0, says=SAYS_COLUMNS, probe=square_layer)
def layer_forward_columns_of_transposed(y_prev, W, b, activation):
    z = W.T @ y_prev + b[:, None]
    return z, activate(z, activation)


@misconception(
    "layer_forward", "puts the examples into columns, and the biases into a row", at_most=0.0, says=SAYS_COLUMNS, probe=square_layer)
def layer_forward_columns_row_of_biases(y_prev, W, b, activation):
    z = W @ y_prev + b
    return z, activate(z, activation)


@misconception(
    "backward_step", "multiplies by a' behind W.T", at_most=0.0, probe=square_step,
    says="a'(z) belongs to the layer that the gradient comes from: multiply the gradient by it first, then by W.T. Behind W.T stand the "
    "entries of the layer before, for which z has another shape.",
)
def backward_step_derivative_last(loss_grad, z, W, activation):
    return (loss_grad @ W.T) * activation_derivative(z, activation)


@misconception("backward_step", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, probe=square_step)
def backward_step_columns(loss_grad, z, W, activation):
    return W.T @ (loss_grad * activation_derivative(z, activation))


@misconception(
    "backward_step", "puts the examples into columns, with W as it is here", at_most=0.0, says=SAYS_COLUMNS, probe=square_step)
def backward_step_columns_of_transposed(loss_grad, z, W, activation):
    return np.dot(W, loss_grad * activation_derivative(z, activation))


@misconception("weight_gradient", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, probe=square_step)
def weight_gradient_columns(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return z_grad @ y_prev.T, z_grad.sum(axis=1)


@misconception(
    "weight_gradient", "puts the examples into columns, and averages", at_most=0.0, says=SAYS_COLUMNS, probe=square_step)
def weight_gradient_columns_mean(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    m = loss_grad.shape[1]
    return np.dot(z_grad, y_prev.T) / m, np.sum(z_grad, axis=1, keepdims=True) / m


@misconception("backpropagate", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, probe=square_network)
def backpropagate_columns(loss_grad, x, weights, biases, activations):
    ys, zs = [x], []
    for W, b, name in zip(weights, biases, activations):
        zs.append(np.dot(W, ys[-1]) + b.reshape(-1, 1))
        ys.append(activate(zs[-1], name))
    loss_grads, dWs, dbs = [loss_grad], [], []
    for W, y, z, name in reversed(list(zip(weights, ys, zs, activations))):
        z_grad = loss_grads[0] * activation_derivative(z, name)
        dWs.insert(0, np.dot(z_grad, y.T))
        dbs.insert(0, np.sum(z_grad, axis=1))
        loss_grads.insert(0, np.dot(W.T, z_grad))
    return loss_grads, dWs, dbs
