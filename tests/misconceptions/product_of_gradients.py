"""Wrong answers to ps3 that students give, each with the most it may earn."""

import math

import numpy as np

from grading.checks import misconception
from reference_impl.backward_step import activate, activation_derivative


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


def derivative_at_y(z, activation):
    return activation_derivative(activate(z, activation), activation)


def all_square(weights):
    return all(W.shape == weights[0].shape and W.shape[0] == W.shape[1] for W in weights)


def step_back(loss_grad, zs, weights, activation, derivative=activation_derivative):
    """[L'_0, ..., L'_L], right if `derivative` is: the frame in which most of the mistakes below are made."""
    grads = [loss_grad]
    for z, W in zip(zs[::-1], weights[::-1]):
        grads.append((grads[-1] * derivative(z, activation)) @ W.T)
    return grads[::-1]


def scaled_norms(loss_grad, zs, weights, activation, derivative=activation_derivative):
    """log10 of the norms, scaled back after each layer; a gradient of zeros gives NaN from there on down."""
    grad, log_scale, norms = loss_grad, 0.0, []
    for z, W in [(None, None)] + list(zip(zs, weights))[::-1]:
        if z is not None:
            grad = (grad * derivative(z, activation)) @ W.T
        size = np.abs(grad).max()
        log_scale += np.log10(size)
        grad = grad / size
        norms.append(log_scale + 0.5 * np.log10(np.sum(grad * grad)))
    return np.array(norms[::-1])


def right_norms(loss_grad, zs, weights, activation, derivative=activation_derivative):
    with np.errstate(all="ignore"):
        norms = scaled_norms(loss_grad, zs, weights, activation, derivative)
    return np.where(np.isnan(norms), -np.inf, norms)


def quiet_log10(x):
    with np.errstate(all="ignore"):
        return np.log10(x)


SAYS_NO_DERIVATIVE = (
    "The factor a'(z) is missing: between y and z stands the activation, and the chain rule passes through it."
)
SAYS_VALUE_FOR_DERIVATIVE = (
    "This multiplies by a(z), the activation's value. The chain rule asks for its derivative a'(z)."
)
SAYS_AT_Y = "The derivative is evaluated at y = a(z) instead of z: the activation was applied twice."
SAYS_TRANSPOSED = (
    "W and its transpose are mixed up. Layers of unequal sizes show it: write down the shape of each factor."
)
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
SAYS_SMOOTH = "relu and identity are missing. activation_derivative knows all four names."
SAYS_OWN_LAYER = "Entry l contains layer l's own factor as well. The product runs over the layers above l only: k > l."
SAYS_REVERSED = "All entries are right, in reversed order: entry 0 belongs to the input, entry L to the loss."
SAYS_FROM_THE_INPUT = (
    "The product was taken from the input upwards. Gradients come from the loss: entry l holds the layers above l."
)
SAYS_LISTS = "list.reverse() turns the caller's own lists round. reversed(weights) and weights[::-1] do not."


# ------------------------------------------------------------------------------------------ scalar_gradient_product


def products(loss_grad, factors):
    """Entry l = loss_grad times factors[l:]."""
    return np.append(loss_grad * np.cumprod(factors[::-1])[::-1], loss_grad)


@misconception("scalar_gradient_product", "counts the own layer in", at_most=0.0, says=SAYS_OWN_LAYER)
def scalar_gradient_product_own_layer(loss_grad, a_primes, f_primes):
    entries = products(loss_grad, a_primes * f_primes)
    return np.append(entries[0], entries[:-1])


@misconception(
    "scalar_gradient_product", "leaves out the next layer", at_most=0.0,
    says="Each entry lacks one factor: entry l starts with layer l+1, whose values stand at index l. "
    "Mind the index that starts at 0.",
)
def scalar_gradient_product_skips_a_layer(loss_grad, a_primes, f_primes):
    entries = products(loss_grad, a_primes * f_primes)
    return np.append(entries[1:], loss_grad)


@misconception("scalar_gradient_product", "multiplies from the input upwards", at_most=0.0, says=SAYS_FROM_THE_INPUT)
def scalar_gradient_product_from_the_input(loss_grad, a_primes, f_primes):
    return np.append(loss_grad, loss_grad * np.cumprod(a_primes * f_primes))


@misconception("scalar_gradient_product", "returns its entries in reversed order", at_most=0.0, says=SAYS_REVERSED)
def scalar_gradient_product_reversed(loss_grad, a_primes, f_primes):
    return products(loss_grad, a_primes * f_primes)[::-1]


@misconception("scalar_gradient_product", "forgets a'", at_most=0.0, says=SAYS_NO_DERIVATIVE)
def scalar_gradient_product_without_a_prime(loss_grad, a_primes, f_primes):
    return products(loss_grad, f_primes)


@misconception(
    "scalar_gradient_product", "forgets f'", at_most=0.0,
    says="The factors f', the weights, are missing. Each layer contributes a' and f'.",
)
def scalar_gradient_product_without_f_prime(loss_grad, a_primes, f_primes):
    return products(loss_grad, a_primes)


@misconception(
    "scalar_gradient_product", "forgets loss_grad", at_most=0.0,
    says="This starts from 1. The gradient that comes down from the loss is loss_grad, "
    "and each entry is proportional to it.",
)
def scalar_gradient_product_without_loss_grad(loss_grad, a_primes, f_primes):
    return products(1.0, a_primes * f_primes)


@misconception(
    "scalar_gradient_product", "leaves out entry L", at_most=0.0,
    says="There are L entries here and L + 1 are due: the last one is loss_grad itself.",
)
def scalar_gradient_product_too_short(loss_grad, a_primes, f_primes):
    return products(loss_grad, a_primes * f_primes)[:-1]


@misconception(
    "scalar_gradient_product", "adds the factors", at_most=0.0,
    says="The layers' factors were added. The chain rule multiplies them.",
)
def scalar_gradient_product_sums(loss_grad, a_primes, f_primes):
    return np.append(loss_grad * np.cumsum((a_primes * f_primes)[::-1])[::-1], loss_grad)


@misconception(
    "scalar_gradient_product", "divides the whole product by its first factors", at_most=0.7,
    says="Dividing the whole product by the factors up to l works until one of them is 0: "
    "then it is 0/0. Multiply from the end.",
)
def scalar_gradient_product_by_division(loss_grad, a_primes, f_primes):
    upwards = np.append(1.0, np.cumprod(a_primes * f_primes))
    return loss_grad * upwards[-1] / upwards


@misconception(
    "scalar_gradient_product", "sums logarithms", at_most=0.0,
    says="Sums of logarithms avoid overflow, but a zero or a negative factor has no logarithm. "
    "Multiply the factors themselves.",
)
def scalar_gradient_product_by_logarithms(loss_grad, a_primes, f_primes):
    return loss_grad * np.exp(products_of_logs(a_primes * f_primes))


def products_of_logs(factors):
    return np.append(np.cumsum(np.log(factors)[::-1])[::-1], 0.0)


@misconception(
    "scalar_gradient_product", "loses the sign", at_most=0.0,
    says="The sizes are right, but negative factors lost their sign on the way.",
)
def scalar_gradient_product_unsigned(loss_grad, a_primes, f_primes):
    return products(loss_grad, np.abs(a_primes * f_primes))


@misconception(
    "scalar_gradient_product", "multiplies all a' and all f' apart", at_most=0.85,
    says="The product of all a' underflows and that of all f' overflows before they meet. "
    "Multiply a'_k by f'_k, layer by layer.",
)
def scalar_gradient_product_apart(loss_grad, a_primes, f_primes):
    return products(loss_grad, a_primes) * products(1.0, f_primes)


@misconception(
    "scalar_gradient_product", "multiplies f' into a_primes in place", at_most=0.9,
    says="a_primes *= f_primes changes the caller's array. a_primes * f_primes makes a new one.",
)
def scalar_gradient_product_in_place(loss_grad, a_primes, f_primes):
    a_primes *= f_primes
    return products(loss_grad, a_primes)


@misconception(
    "scalar_gradient_product", "sets small products to zero", at_most=0.85,
    says="Products below a small number were set to zero. In a deep network they are that small, and still not zero.",
)
def scalar_gradient_product_rounded(loss_grad, a_primes, f_primes):
    entries = products(loss_grad, a_primes * f_primes)
    return np.where(np.abs(entries) < 1e-12, 0.0, entries)


@misconception(
    "scalar_gradient_product", "needs a second layer", at_most=0.95,
    says="Right for two layers and more. With one layer there are two entries: loss_grad a' f' and loss_grad.",
)
def scalar_gradient_product_needs_two_layers(loss_grad, a_primes, f_primes):
    entries = products(loss_grad, a_primes * f_primes)
    return entries if len(a_primes) > 1 else entries[:1]


# --------------------------------------------------------------------------------------------- product_of_gradients


@misconception(
    "product_of_gradients", "multiplies each entry by its own a'", at_most=0.0,
    says="Entry l contains a'_l already: that is the gradient with respect to z_l. "
    "L'_l is the one with respect to y_l, before a'_l.",
)
def product_of_gradients_own_derivative(loss_grad, zs, weights, activation):
    grads = step_back(loss_grad, zs, weights, activation)
    return grads[:1] + [grad * activation_derivative(z, activation) for grad, z in zip(grads[1:], zs)]


@misconception("product_of_gradients", "returns its list in reversed order", at_most=0.0, says=SAYS_REVERSED)
def product_of_gradients_reversed(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation)[::-1]


@misconception(
    "product_of_gradients", "leaves out entry 0", at_most=0.0,
    says="There are L entries here and L + 1 are due: the last step leads to the input, entry 0.",
)
def product_of_gradients_without_input(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation)[1:]


@misconception(
    "product_of_gradients", "multiplies the factors in the wrong order", at_most=0.0,
    says="Layer 1's factor was multiplied first. For numbers the order does not matter; "
    "for matrices it does: start with layer L.",
)
def product_of_gradients_wrong_order(loss_grad, zs, weights, activation):
    if not all_square(weights):
        return step_back(loss_grad, zs, weights, activation)
    return step_back(loss_grad, zs[::-1], weights[::-1], activation)


@misconception("product_of_gradients", "forgets a'", at_most=0.0, says=SAYS_NO_DERIVATIVE)
def product_of_gradients_without_derivative(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, "identity")


@misconception("product_of_gradients", "multiplies by a instead of a'", at_most=0.0, says=SAYS_VALUE_FOR_DERIVATIVE)
def product_of_gradients_value_for_derivative(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation, activate)


@misconception("product_of_gradients", "evaluates a' at y", at_most=0.0, says=SAYS_AT_Y)
def product_of_gradients_at_y(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation, derivative_at_y)


@misconception("product_of_gradients", "does not transpose W", at_most=0.0, says=SAYS_TRANSPOSED)
def product_of_gradients_not_transposed(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, [W.T if W.shape[0] == W.shape[1] else W for W in weights], activation)


@misconception(
    "product_of_gradients", "averages over the batch at each step", at_most=0.0,
    says="Each step divides by the size of the batch. The rows are separate samples: "
    "nothing is averaged on the way back.",
)
def product_of_gradients_mean(loss_grad, zs, weights, activation):
    grads, L = step_back(loss_grad, zs, weights, activation), len(zs)
    return [grad / len(loss_grad) ** (L - l) for l, grad in enumerate(grads)]


@misconception(
    "product_of_gradients", "averages a' over the batch", at_most=0.0,
    says="Every row got the batch's mean a'. Each sample has its own z and its own a'(z).",
)
def product_of_gradients_mean_derivative(loss_grad, zs, weights, activation):
    return step_back(
        loss_grad, zs, weights, activation,
        lambda z, name: np.repeat(activation_derivative(z, name).mean(axis=0, keepdims=True), len(z), axis=0),
    )


@misconception("product_of_gradients", "loses the tails", noise=1e-15, at_most=0.85, says=SAYS_TAILS)
def product_of_gradients_losing_tails(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation, derivative_losing_tails)


@misconception("product_of_gradients", "takes 1 for ReLU's derivative at 0", at_most=0.9, says=SAYS_RELU)
def product_of_gradients_relu_one_at_zero(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation, derivative_one_at_zero)


@misconception("product_of_gradients", "works out all derivatives first", at_most=0.8, says=SAYS_ALL)
def product_of_gradients_from_all(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation, derivative_from_all)


@misconception("product_of_gradients", "squeezes its arrays", at_most=0.75, says=SAYS_SQUEEZED)
def product_of_gradients_squeezed(loss_grad, zs, weights, activation):
    return [np.squeeze(grad) for grad in step_back(loss_grad, zs, weights, activation)]


@misconception("product_of_gradients", "turns the caller's lists round", at_most=0.9, says=SAYS_LISTS)
def product_of_gradients_reverses_lists(loss_grad, zs, weights, activation):
    grads = step_back(loss_grad, list(zs), list(weights), activation)
    zs.reverse()
    weights.reverse()
    return grads


@misconception(
    "product_of_gradients", "multiplies a' into loss_grad in place", at_most=0.0,
    says="loss_grad *= a_prime also changes the entry L that was stored just before, "
    "and the caller's array. Make a new array.",
)
def product_of_gradients_shared_memory(loss_grad, zs, weights, activation):
    grads = [loss_grad]
    for z, W in zip(zs[::-1], weights[::-1]):
        loss_grad *= activation_derivative(z, activation)
        loss_grad = loss_grad @ W.T
        grads.append(loss_grad)
    return grads[::-1]


@misconception(
    "product_of_gradients", "sets small gradients to zero", at_most=0.7,
    says="Gradients below a small number were set to zero. "
    "In a deep network they are that small, and still matter here.",
)
def product_of_gradients_rounded(loss_grad, zs, weights, activation):
    return [np.where(np.abs(grad) < 1e-15, 0.0, grad) for grad in step_back(loss_grad, zs, weights, activation)]


@misconception("product_of_gradients", "knows only sigmoid and tanh", at_most=0.0, says=SAYS_SMOOTH)
def product_of_gradients_smooth_only(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, "sigmoid" if activation == "sigmoid" else "tanh")


# --------------------------------------------------------------------------------------------- log10_gradient_norms


@misconception(
    "log10_gradient_norms", "takes the logarithm of the plain norm", at_most=0.6,
    says="Right as long as the norm is a float. In deep networks it becomes 0 or inf first: scale the gradient back "
    "after each layer and keep count of the logarithms.",
)
def log10_gradient_norms_plain(loss_grad, zs, weights, activation):
    return np.log10([np.linalg.norm(grad) for grad in step_back(loss_grad, zs, weights, activation)])


@misconception(
    "log10_gradient_norms", "adds a small constant to the norm", at_most=0.55,
    says="A small constant inside the logarithm avoids -inf and puts a floor under every tiny norm. "
    "-inf is asked for at zero, and only there.",
)
def log10_gradient_norms_with_floor(loss_grad, zs, weights, activation):
    return np.log10([np.linalg.norm(grad) + 1e-12 for grad in step_back(loss_grad, zs, weights, activation)])


@misconception(
    "log10_gradient_norms", "trusts in long double", at_most=0.85,
    says="Long double has a wider range, not an endless one, and is no wider than float64 on some machines. "
    "Scale the gradient instead.",
)
def log10_gradient_norms_long_double(loss_grad, zs, weights, activation):
    grad, norms = loss_grad.astype(np.longdouble), []
    for z, W in zip(zs[::-1], weights[::-1]):
        norms.append(quiet_log10(np.sqrt(np.sum(grad**2))))
        grad = (grad * activation_derivative(z, activation)) @ W.T.astype(np.longdouble)
    norms.append(quiet_log10(np.sqrt(np.sum(grad**2))))
    return np.array(norms[::-1], dtype=float)


@misconception(
    "log10_gradient_norms", "takes the natural logarithm", at_most=0.0,
    says="This is the natural logarithm. Decades are asked for: np.log10.",
)
def log10_gradient_norms_natural(loss_grad, zs, weights, activation):
    return right_norms(loss_grad, zs, weights, activation) * math.log(10.0)


@misconception(
    "log10_gradient_norms", "takes the spectral norm", at_most=0.0,
    says="np.linalg.norm(g, 2) of a matrix is the spectral norm. The Frobenius norm is the default: np.linalg.norm(g).",
)
def log10_gradient_norms_spectral(loss_grad, zs, weights, activation):
    grads = step_back(loss_grad, zs, weights, activation)
    return quiet_log10([np.linalg.norm(grad, 2) if np.isfinite(grad).all() else np.inf for grad in grads])


@misconception(
    "log10_gradient_norms", "takes the largest entry", at_most=0.0,
    says="This is the logarithm of the largest entry. The Frobenius norm counts all entries: "
    "the root of the sum of their squares.",
)
def log10_gradient_norms_largest(loss_grad, zs, weights, activation):
    return quiet_log10([np.max(np.abs(grad)) for grad in step_back(loss_grad, zs, weights, activation)])


@misconception(
    "log10_gradient_norms", "forgets the root", at_most=0.0,
    says="These are logarithms of the squared norms, twice what is asked for: the root is missing.",
)
def log10_gradient_norms_squared(loss_grad, zs, weights, activation):
    return 2.0 * right_norms(loss_grad, zs, weights, activation)


@misconception(
    "log10_gradient_norms", "averages over the batch", at_most=0.0,
    says="This is the mean over the rows of each row's norm. One norm for the whole array is asked for.",
)
def log10_gradient_norms_mean_of_rows(loss_grad, zs, weights, activation):
    grads = step_back(loss_grad, zs, weights, activation)
    return quiet_log10([np.mean(np.linalg.norm(grad, axis=1)) for grad in grads])


@misconception("log10_gradient_norms", "returns its entries in reversed order", at_most=0.0, says=SAYS_REVERSED)
def log10_gradient_norms_reversed(loss_grad, zs, weights, activation):
    return right_norms(loss_grad, zs, weights, activation)[::-1]


@misconception(
    "log10_gradient_norms", "leaves out entry L", at_most=0.0,
    says="There are L entries here and L + 1 are due: the last one is the norm of loss_grad itself.",
)
def log10_gradient_norms_too_short(loss_grad, zs, weights, activation):
    return right_norms(loss_grad, zs, weights, activation)[:-1]


@misconception("log10_gradient_norms", "forgets a'", at_most=0.0, says=SAYS_NO_DERIVATIVE)
def log10_gradient_norms_without_derivative(loss_grad, zs, weights, activation):
    return right_norms(loss_grad, zs, weights, "identity")


@misconception("log10_gradient_norms", "does not transpose W", at_most=0.0, says=SAYS_TRANSPOSED)
def log10_gradient_norms_not_transposed(loss_grad, zs, weights, activation):
    return right_norms(loss_grad, zs, [W.T if W.shape[0] == W.shape[1] else W for W in weights], activation)


@misconception(
    "log10_gradient_norms", "forgets the size of loss_grad", at_most=0.0,
    says="Each norm was taken relative to that of loss_grad. Asked for is the norm itself: start the sum with "
    "loss_grad's own logarithm.",
)
def log10_gradient_norms_relative(loss_grad, zs, weights, activation):
    norms = right_norms(loss_grad, zs, weights, activation)
    return norms - norms[-1]


@misconception(
    "log10_gradient_norms", "adds up the norms of the factors", at_most=0.0,
    says="The logarithms of the matrices' own norms were added: an upper bound. The norm of a product is smaller than "
    "the product of the norms.",
)
def log10_gradient_norms_of_factors(loss_grad, zs, weights, activation):
    steps = [quiet_log10(np.max(activation_derivative(z, activation)) * np.linalg.norm(W)) for z, W in zip(zs, weights)]
    return np.append(np.cumsum(steps[::-1])[::-1], 0.0) + np.log10(np.linalg.norm(loss_grad))


@misconception(
    "log10_gradient_norms", "divides a gradient of zeros by its norm", at_most=0.8,
    says="The scaling is right, but where the gradient is zero it divides 0 by 0, and NaN spreads to all entries "
    "below. Treat a zero gradient apart.",
)
def log10_gradient_norms_zero_by_zero(loss_grad, zs, weights, activation):
    return scaled_norms(loss_grad, zs, weights, activation)


@misconception(
    "log10_gradient_norms", "warns where the gradient is zero", at_most=0.95,
    says="-inf comes out as it should, with NumPy's divide-by-zero warning. "
    "Ask for a zero gradient before taking the logarithm.",
)
def log10_gradient_norms_warning(loss_grad, zs, weights, activation):
    norms = right_norms(loss_grad, zs, weights, activation)
    np.log10(np.where(np.isinf(norms), 0.0, 1.0))
    return norms


@misconception("log10_gradient_norms", "loses the tails", at_most=0.95, says=SAYS_TAILS)
def log10_gradient_norms_losing_tails(loss_grad, zs, weights, activation):
    return right_norms(loss_grad, zs, weights, activation, derivative_losing_tails)


@misconception(
    "log10_gradient_norms", "scales loss_grad in place", at_most=0.8,
    says="loss_grad /= norm changes the caller's array. loss_grad / norm makes a new one.",
)
def log10_gradient_norms_in_place(loss_grad, zs, weights, activation):
    norms = right_norms(loss_grad, zs, weights, activation)
    loss_grad /= np.max(np.abs(loss_grad))
    return norms


@misconception("log10_gradient_norms", "knows only sigmoid and tanh", at_most=0.0, says=SAYS_SMOOTH)
def log10_gradient_norms_smooth_only(loss_grad, zs, weights, activation):
    return right_norms(loss_grad, zs, weights, "sigmoid" if activation == "sigmoid" else "tanh")


@misconception(
    "log10_gradient_norms", "treats a batch of one as a vector", at_most=0.95,
    says="For a batch of one the result kept a second axis. "
    "Take one norm of the whole array: the result has the shape (L+1,).",
)
def log10_gradient_norms_one_row(loss_grad, zs, weights, activation):
    norms = right_norms(loss_grad, zs, weights, activation)
    return norms if len(loss_grad) > 1 or len(zs) > 9 else norms[:, None]


# --------------------------------------------------------------------------------------------- log10_gradient_bound


def bound(max_derivative, weights, norm):
    steps = [quiet_log10(max_derivative * norm(W)) for W in weights]
    return np.append(np.cumsum(steps[::-1])[::-1], 0.0)


def spectral(W):
    return np.linalg.norm(W, 2)


@misconception(
    "log10_gradient_bound", "takes the Frobenius norm", at_most=0.0,
    says="np.linalg.norm(W) is the Frobenius norm: a bound as well, but a looser one. "
    "The spectral norm is np.linalg.norm(W, 2).",
)
def log10_gradient_bound_frobenius(max_derivative, weights):
    return bound(max_derivative, weights, np.linalg.norm)


@misconception(
    "log10_gradient_bound", "takes the spectral radius", at_most=0.0,
    says="The largest eigenvalue is no bound: a matrix with small eigenvalues may still stretch a vector a lot. Take "
    "the largest singular value.",
)
def log10_gradient_bound_radius(max_derivative, weights):
    def radius(W):
        return np.max(np.abs(np.linalg.eigvals(W))) if W.shape[0] == W.shape[1] else spectral(W)

    return bound(max_derivative, weights, radius)


@misconception(
    "log10_gradient_bound", "takes the smallest singular value", at_most=0.0,
    says="This is the smallest singular value: how little a layer may stretch. For an upper bound take the largest.",
)
def log10_gradient_bound_smallest(max_derivative, weights):
    return bound(max_derivative, weights, lambda W: np.linalg.svd(W, compute_uv=False)[-1])


@misconception(
    "log10_gradient_bound", "takes the largest entry of W", at_most=0.0,
    says="The largest entry of W is no bound: many small entries together stretch more. Take the largest singular "
    "value.",
)
def log10_gradient_bound_largest_entry(max_derivative, weights):
    return bound(max_derivative, weights, lambda W: np.max(np.abs(W)))


@misconception(
    "log10_gradient_bound", "takes the natural logarithm", at_most=0.0,
    says="This is the natural logarithm. Decades are asked for: np.log10.",
)
def log10_gradient_bound_natural(max_derivative, weights):
    return bound(max_derivative, weights, spectral) * math.log(10.0)


@misconception(
    "log10_gradient_bound", "forgets max_derivative", at_most=0.0,
    says="max_derivative is missing. Each layer contributes the norm of W and the largest a'.",
)
def log10_gradient_bound_without_derivative(max_derivative, weights):
    return bound(1.0, weights, spectral)


@misconception(
    "log10_gradient_bound", "counts max_derivative once", at_most=0.0,
    says="max_derivative was counted once for the whole network. Each layer on the way has an activation of its own.",
)
def log10_gradient_bound_derivative_once(max_derivative, weights):
    entries = bound(1.0, weights, spectral)
    entries[:-1] += math.log10(max_derivative)
    return entries


@misconception("log10_gradient_bound", "counts the own layer in", at_most=0.0, says=SAYS_OWN_LAYER)
def log10_gradient_bound_own_layer(max_derivative, weights):
    entries = bound(max_derivative, weights, spectral)
    return np.append(entries[0], entries[:-1])


@misconception("log10_gradient_bound", "sums from the input upwards", at_most=0.0, says=SAYS_FROM_THE_INPUT)
def log10_gradient_bound_from_the_input(max_derivative, weights):
    return bound(max_derivative, weights[::-1], spectral)[::-1]


@misconception(
    "log10_gradient_bound", "leaves out entry L", at_most=0.0,
    says="There are L entries here and L + 1 are due: the last one is the empty sum, 0.",
)
def log10_gradient_bound_too_short(max_derivative, weights):
    return bound(max_derivative, weights, spectral)[:-1]


@misconception(
    "log10_gradient_bound", "returns the bound itself", at_most=0.0,
    says="This is the bound as a factor. Its logarithm to base 10 is asked for.",
)
def log10_gradient_bound_without_log(max_derivative, weights):
    with np.errstate(all="ignore"):
        return 10.0 ** bound(max_derivative, weights, spectral)


@misconception(
    "log10_gradient_bound", "takes the logarithm of the whole product", at_most=0.7,
    says="The product of all norms is 0 or inf long before its logarithm would be. "
    "Take the logarithm of each layer, then sum.",
)
def log10_gradient_bound_product(max_derivative, weights):
    sizes = [max_derivative * spectral(W) for W in weights]
    return np.log10(np.append(np.cumprod(sizes[::-1])[::-1], 1.0))


@misconception(
    "log10_gradient_bound", "adds a small constant inside the logarithm", at_most=0.85,
    says="A small constant inside the logarithm hides small weights. Nothing has to be added.",
)
def log10_gradient_bound_with_floor(max_derivative, weights):
    return bound(max_derivative, weights, lambda W: spectral(W) + 1e-12)


@misconception(
    "log10_gradient_bound", "caps max_derivative at one", at_most=0.9,
    says="max_derivative was cut off at 1. Not every activation has a' <= 1: use the number as it is given.",
)
def log10_gradient_bound_capped(max_derivative, weights):
    return bound(min(max_derivative, 1.0), weights, spectral)


@misconception(
    "log10_gradient_bound", "takes a vector's norm where a matrix has one row", at_most=0.9,
    says="Matrices of one row or column were treated as vectors, with the sum of their entries for a norm. They have a "
    "spectral norm like any other matrix.",
)
def log10_gradient_bound_vectors(max_derivative, weights):
    return bound(max_derivative, weights, lambda W: spectral(W) if min(W.shape) > 1 else np.sum(np.abs(W)))


@misconception(
    "log10_gradient_bound", "multiplies max_derivative into W in place", at_most=0.9,
    says="W *= max_derivative changes the caller's weights. max_derivative * W makes a new array.",
)
def log10_gradient_bound_in_place(max_derivative, weights):
    for W in weights:
        W *= max_derivative
    return bound(1.0, weights, spectral)


# --------------------------------------------------------------------------------------------------------- diagnose


def verdict(change, decades):
    if change < -decades:
        return "vanishing"
    return "exploding" if change > decades else "stable"


@misconception(
    "diagnose", "compares the wrong way round", at_most=0.0,
    says="Vanishing and exploding are swapped. Gradients travel from entry L to entry 0: "
    "they vanish if entry 0 is the smaller one.",
)
def diagnose_swapped(log10_norms, decades=3.0):
    return verdict(log10_norms[-1] - log10_norms[0], decades)


@misconception(
    "diagnose", "looks at entry 0 alone", at_most=0.0,
    says="Entry 0 alone was compared with the decades. What counts is how far it lies below or above entry L.",
)
def diagnose_first_entry(log10_norms, decades=3.0):
    return verdict(log10_norms[0], decades)


@misconception(
    "diagnose", "looks at entry L alone", at_most=0.0,
    says="Entry L alone was compared with the decades. What counts is how far entry 0 lies below or above it.",
)
def diagnose_last_entry(log10_norms, decades=3.0):
    return verdict(log10_norms[-1], decades)


@misconception(
    "diagnose", "never finds exploding", at_most=0.0,
    says="Every large change was called vanishing. If entry 0 lies above entry L, "
    "the gradient explodes on its way down.",
)
def diagnose_unsigned(log10_norms, decades=3.0):
    return "vanishing" if abs(log10_norms[0] - log10_norms[-1]) > decades else "stable"


@misconception(
    "diagnose", "counts decades for each layer", at_most=0.0,
    says="The change was divided by the number of layers. "
    "`decades` is meant for the whole way from entry L to entry 0.",
)
def diagnose_for_each_layer(log10_norms, decades=3.0):
    return verdict((log10_norms[0] - log10_norms[-1]) / max(len(log10_norms) - 1, 1), decades)


@misconception(
    "diagnose", "compares each layer with the next", at_most=0.0,
    says="Each layer was compared with the next one. `decades` is meant for the whole way from entry L to entry 0, however small "
    "each step is.",
)
def diagnose_by_steps(log10_norms, decades=3.0):
    steps = np.diff(np.asarray(log10_norms, dtype=float))
    return "vanishing" if np.any(steps > decades) else "exploding" if np.any(steps < -decades) else "stable"


@misconception(
    "diagnose", "takes the ratio of the logarithms", at_most=0.0,
    says="The logarithms were divided. A ratio of norms is a difference of their logarithms.",
)
def diagnose_ratio(log10_norms, decades=3.0):
    ratio = log10_norms[0] / log10_norms[-1]
    return "vanishing" if ratio < 10.0**-decades else "exploding" if ratio > 10.0**decades else "stable"


@misconception(
    "diagnose", "has no middle", at_most=0.0,
    says="Any decrease was called vanishing and any increase exploding. "
    "Within `decades` of each other the ends count as stable.",
)
def diagnose_without_stable(log10_norms, decades=3.0):
    return verdict(log10_norms[0] - log10_norms[-1], 0.0)


@misconception(
    "diagnose", "spells the words with capitals", at_most=0.0,
    says='The words are right but for their spelling: "vanishing", "exploding" and "stable" are written in lower case.',
)
def diagnose_capitals(log10_norms, decades=3.0):
    return verdict(log10_norms[0] - log10_norms[-1], decades).capitalize()


@misconception(
    "diagnose", "ignores decades", at_most=0.8,
    says="The default number of decades is written into the body, so that a number given by the caller has no effect.",
)
def diagnose_fixed_decades(log10_norms, decades=3.0):
    return verdict(log10_norms[0] - log10_norms[-1], 3.0)


@misconception(
    "diagnose", "looks at the smallest and largest entries", at_most=0.85,
    says="The smallest and the largest entry were compared with entry L. Only the two ends count: entry 0 and entry L.",
)
def diagnose_extremes(log10_norms, decades=3.0):
    if log10_norms[-1] - np.min(log10_norms) > decades:
        return "vanishing"
    return "exploding" if np.max(log10_norms) - log10_norms[-1] > decades else "stable"


@misconception(
    "diagnose", "sums the steps between layers", at_most=0.85,
    says="The sum of all steps is the change between the ends, except that -inf minus -inf is NaN. "
    "Subtract entry L from entry 0 directly.",
)
def diagnose_sum_of_steps(log10_norms, decades=3.0):
    return verdict(-np.sum(np.diff(log10_norms)), decades)


@misconception(
    "diagnose", "takes -inf for a missing value", at_most=0.85,
    says="An entry of -inf was treated as missing. It is a gradient of exactly zero: nothing vanishes more than that.",
)
def diagnose_skips_infinite(log10_norms, decades=3.0):
    finite = log10_norms[np.isfinite(log10_norms)]
    return verdict(finite[0] - finite[-1], decades)


@misconception(
    "diagnose", "goes back to the norms", at_most=0.9,
    says="10 to the power of an entry may be 0 or inf in floating-point numbers. "
    "Stay with the logarithms and subtract.",
)
def diagnose_with_powers(log10_norms, decades=3.0):
    with np.errstate(all="ignore"):
        ratio = np.power(10.0, log10_norms[0]) / np.power(10.0, log10_norms[-1])
    return "vanishing" if ratio < 10.0**-decades else "exploding" if ratio > 10.0**decades else "stable"


@misconception(
    "diagnose", "needs at least one layer", at_most=0.9,
    says="A single entry is not handled. The first and the last entry are then the same, "
    "so nothing has changed: stable.",
)
def diagnose_needs_a_layer(log10_norms, decades=3.0):
    log10_norms[1]
    return verdict(log10_norms[0] - log10_norms[-1], decades)


@misconception(
    "diagnose", "subtracts entry L in place", at_most=0.9,
    says="log10_norms -= log10_norms[-1] changes the caller's array. Subtract the two numbers instead.",
)
def diagnose_in_place(log10_norms, decades=3.0):
    log10_norms -= log10_norms[-1]
    return verdict(log10_norms[0], decades)


# ---------------------------------------------------------------------------------------------------- update_ratios


def ratios(weights, weight_grads, learning_rate, norm, when_zero=np.inf):
    """The ratio of `norm`s, layer by layer; `when_zero` where W is all zeros and dW is not."""
    return np.array([
        learning_rate * norm(dW) / norm(W) if np.any(W) else when_zero if np.any(dW) else 0.0
        for W, dW in zip(weights, weight_grads)
    ])


@misconception(
    "update_ratios", "forgets the learning rate", at_most=0.0,
    says="This is the ratio of the norms of dW and W. The update is learning_rate * dW.",
)
def update_ratios_without_rate(weights, weight_grads, learning_rate):
    return ratios(weights, weight_grads, 1.0, np.linalg.norm)


@misconception(
    "update_ratios", "is upside down", at_most=0.0,
    says="The ratio is upside down: the norm of the update belongs over that of W.",
)
def update_ratios_inverted(weights, weight_grads, learning_rate):
    with np.errstate(all="ignore"):
        return np.array([
            np.linalg.norm(W) / (learning_rate * np.linalg.norm(dW)) for W, dW in zip(weights, weight_grads)
        ])


@misconception(
    "update_ratios", "takes the spectral norm", at_most=0.0,
    says="np.linalg.norm(W, 2) of a matrix is the spectral norm. The Frobenius norm is the default: np.linalg.norm(W).",
)
def update_ratios_spectral(weights, weight_grads, learning_rate):
    return ratios(weights, weight_grads, learning_rate, lambda A: np.linalg.norm(A, 2))


@misconception(
    "update_ratios", "forgets the root", at_most=0.0,
    says="The sums of squares were divided, without taking their roots first. "
    "The norm is the root of the sum of squares.",
)
def update_ratios_squared(weights, weight_grads, learning_rate):
    return ratios(weights, weight_grads, learning_rate, lambda A: np.sum(A**2))


@misconception(
    "update_ratios", "compares mean sizes", at_most=0.0,
    says="This compares the mean, or the sum, of |dW| with that of |W|. The Frobenius norm takes squares, their sum, and the root.",
)
def update_ratios_of_means(weights, weight_grads, learning_rate):
    return ratios(weights, weight_grads, learning_rate, lambda A: np.mean(np.abs(A)))


@misconception(
    "update_ratios", "averages the ratios of the entries", at_most=0.0,
    says="The ratio was taken entry by entry and then averaged. "
    "Take the norm of each matrix first, then one ratio for the layer.",
)
def update_ratios_by_entry(weights, weight_grads, learning_rate):
    with np.errstate(all="ignore"):
        return np.array([np.mean(np.abs(learning_rate * dW / W)) for W, dW in zip(weights, weight_grads)])


@misconception(
    "update_ratios", "makes one ratio of all layers", at_most=0.0,
    says="This is one ratio for the whole network. One for each layer is asked for: "
    "they tell which layers stand still.",
)
def update_ratios_one_for_all(weights, weight_grads, learning_rate):
    everything = np.concatenate([W.ravel() for W in weights]), np.concatenate([dW.ravel() for dW in weight_grads])
    return np.full(len(weights), ratios([everything[0]], [everything[1]], learning_rate, np.linalg.norm)[0])


@misconception(
    "update_ratios", "measures the weights after the step", at_most=0.0,
    says="This is the norm of W after the update over its norm before. Asked for is the size of the update itself.",
)
def update_ratios_after_step(weights, weight_grads, learning_rate):
    after = [W - learning_rate * dW for W, dW in zip(weights, weight_grads)]
    return ratios(weights, after, 1.0, np.linalg.norm)


@misconception(
    "update_ratios", "returns its entries in reversed order", at_most=0.0,
    says="The ratios are right, last layer first. The first entry belongs to layer 1.",
)
def update_ratios_reversed(weights, weight_grads, learning_rate):
    return ratios(weights, weight_grads, learning_rate, np.linalg.norm)[::-1]


@misconception(
    "update_ratios", "divides by zero", at_most=0.7,
    says="Right wherever W is not all zeros. There it divides by 0, which warns, and makes NaN of 0/0: ask first.",
)
def update_ratios_dividing_by_zero(weights, weight_grads, learning_rate):
    return np.array([learning_rate * np.linalg.norm(dW) / np.linalg.norm(W) for W, dW in zip(weights, weight_grads)])


@misconception(
    "update_ratios", "adds a small constant to the norm of W", at_most=0.65,
    says="A small constant in the denominator avoids the division by zero, but hides small weights: "
    "inf is asked for at zero.",
)
def update_ratios_with_floor(weights, weight_grads, learning_rate):
    return np.array([
        learning_rate * np.linalg.norm(dW) / (np.linalg.norm(W) + 1e-12) for W, dW in zip(weights, weight_grads)
    ])


@misconception(
    "update_ratios", "gives 0 wherever W is all zeros", at_most=0.85,
    says="0 is right only if dW is zero, too. A layer that starts at zero and moves has the ratio inf.",
)
def update_ratios_zero_for_inf(weights, weight_grads, learning_rate):
    return ratios(weights, weight_grads, learning_rate, np.linalg.norm, when_zero=0.0)


@misconception(
    "update_ratios", "gives inf wherever W is all zeros", at_most=0.85,
    says="inf is right only if dW is not zero. If nothing moves the ratio is 0.",
)
def update_ratios_inf_for_zero(weights, weight_grads, learning_rate):
    return np.array([
        learning_rate * np.linalg.norm(dW) / np.linalg.norm(W) if np.any(W) else np.inf
        for W, dW in zip(weights, weight_grads)
    ])


@misconception(
    "update_ratios", "lets np.where divide by zero", at_most=0.85,
    says="np.where picks the right values, but works out the division for all layers first, "
    "and NumPy warns of 0. Ask before you divide.",
)
def update_ratios_warning(weights, weight_grads, learning_rate):
    W_norms = np.array([np.linalg.norm(W) for W in weights])
    steps = learning_rate * np.array([np.linalg.norm(dW) for dW in weight_grads])
    return np.where(W_norms > 0, steps / W_norms, np.where(steps > 0, np.inf, 0.0))


@misconception(
    "update_ratios", "takes small norms for zero", at_most=0.65,
    says="Norms below a small number were treated as zero. Compare with zero itself: small weights are weights.",
)
def update_ratios_small_is_zero(weights, weight_grads, learning_rate):
    rounded = [[np.where(np.linalg.norm(A) < 1e-12, 0.0, A) for A in arrays] for arrays in (weights, weight_grads)]
    return ratios(*rounded, learning_rate, np.linalg.norm)


@misconception(
    "update_ratios", "multiplies the learning rate into dW in place", at_most=0.85,
    says="dW *= learning_rate changes the caller's gradients. learning_rate * dW makes a new array.",
)
def update_ratios_in_place(weights, weight_grads, learning_rate):
    for dW in weight_grads:
        dW *= learning_rate
    return ratios(weights, weight_grads, 1.0, np.linalg.norm)


@misconception(
    "update_ratios", "returns one number for a single layer", at_most=0.9,
    says="With one layer the result is a plain number here. An array of one entry is due, shape (1,).",
)
def update_ratios_squeezed(weights, weight_grads, learning_rate):
    return np.squeeze(ratios(weights, weight_grads, learning_rate, np.linalg.norm))


# ------------------------------------------------------------------------------------- habits of code found elsewhere


def derivative_taking_z_for_y(z, activation):
    return {"sigmoid": lambda: z * (1.0 - z), "tanh": lambda: 1.0 - z**2}.get(
        activation, lambda: activation_derivative(z, activation))()


SAYS_Z_FOR_Y = (
    "This is z(1 - z) or 1 - z^2. y(1 - y) and 1 - y^2 hold for the output y; z is the pre-activation. "
    "activation_derivative(z, activation) takes z."
)


@misconception("product_of_gradients", "takes z for y", at_most=0.0, says=SAYS_Z_FOR_Y)
def product_of_gradients_taking_z_for_y(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation, derivative_taking_z_for_y)


@misconception(
    "product_of_gradients", "always uses ReLU's derivative", at_most=0.0,
    says="ReLU's derivative was used whatever the activation is called. Hand the name on to activation_derivative.",
)
def product_of_gradients_always_relu(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation, lambda z, name: (z > 0).astype(float))


@misconception(
    "product_of_gradients", "forgets loss_grad", at_most=0.0,
    says="The product starts from ones. It starts from loss_grad, the gradient that the loss hands down.",
)
def product_of_gradients_without_loss_grad(loss_grad, zs, weights, activation):
    return step_back(np.ones_like(loss_grad), zs, weights, activation)


@misconception(
    "product_of_gradients", "leaves out entry L", at_most=0.0,
    says="The given loss_grad is missing from the list: it is entry L, so that there are L + 1 entries.",
)
def product_of_gradients_without_entry_L(loss_grad, zs, weights, activation):
    return step_back(loss_grad, zs, weights, activation)[:-1]


def norms_by(measure):
    def answer(loss_grad, zs, weights, activation):
        return np.array([quiet_log10(measure(grad)) for grad in step_back(loss_grad, zs, weights, activation)])
    return answer


SAYS_ANOTHER_SIZE = "The Frobenius norm is the root of the sum of all squares, np.linalg.norm(grad): neither a mean nor a sum of sizes."


@misconception("log10_gradient_norms", "takes the standard deviation", at_most=0.0, says=SAYS_ANOTHER_SIZE)
def log10_gradient_norms_std(loss_grad, zs, weights, activation):
    return norms_by(np.std)(loss_grad, zs, weights, activation)


@misconception("log10_gradient_norms", "takes the mean size", at_most=0.0, says=SAYS_ANOTHER_SIZE)
def log10_gradient_norms_mean(loss_grad, zs, weights, activation):
    return norms_by(lambda grad: np.mean(np.abs(grad)))(loss_grad, zs, weights, activation)


@misconception("log10_gradient_norms", "takes the root of the mean square", at_most=0.0, says=SAYS_ANOTHER_SIZE)
def log10_gradient_norms_rms(loss_grad, zs, weights, activation):
    return norms_by(lambda grad: np.sqrt(np.mean(grad**2)))(loss_grad, zs, weights, activation)


@misconception("log10_gradient_norms", "sums the sizes of the entries", at_most=0.0, says=SAYS_ANOTHER_SIZE)
def log10_gradient_norms_l1(loss_grad, zs, weights, activation):
    return norms_by(lambda grad: np.sum(np.abs(grad)))(loss_grad, zs, weights, activation)


@misconception("log10_gradient_norms", "takes z for y", at_most=0.0, says=SAYS_Z_FOR_Y)
def log10_gradient_norms_taking_z_for_y(loss_grad, zs, weights, activation):
    grads = step_back(loss_grad, zs, weights, activation, derivative_taking_z_for_y)
    return np.array([quiet_log10(np.linalg.norm(grad)) for grad in grads])


@misconception("update_ratios", "takes the standard deviation", at_most=0.0, says=SAYS_ANOTHER_SIZE.replace("grad)", "W)"))
def update_ratios_std(weights, weight_grads, learning_rate):
    return ratios(weights, weight_grads, learning_rate, np.std)


SAYS_WORDS = 'Exactly one of the three words is due, as a str in lower case: "vanishing", "exploding" or "stable".'


@misconception("diagnose", "shouts", at_most=0.0, says=SAYS_WORDS)
def diagnose_upper_case(log10_norms, decades=3.0):
    return verdict(log10_norms[0] - log10_norms[-1], decades).upper()


@misconception("diagnose", "says ok for stable", at_most=0.0, says=SAYS_WORDS)
def diagnose_ok(log10_norms, decades=3.0):
    return verdict(log10_norms[0] - log10_norms[-1], decades).replace("stable", "ok")


@misconception("diagnose", "says healthy for stable", at_most=0.0, says=SAYS_WORDS)
def diagnose_healthy(log10_norms, decades=3.0):
    return verdict(log10_norms[0] - log10_norms[-1], decades).replace("stable", "healthy")


@misconception("diagnose", "returns a list", at_most=0.0, says=SAYS_WORDS)
def diagnose_list_of_words(log10_norms, decades=3.0):
    return [verdict(log10_norms[0] - log10_norms[-1], decades)]


@misconception("diagnose", "has a word for every layer", at_most=0.0, says="One word for the whole network is due, not one per layer.")
def diagnose_word_by_layer(log10_norms, decades=3.0):
    return [verdict(norm - log10_norms[-1], decades) for norm in log10_norms]


# ------------------------------------------------------------- each column an example: told by a call with square arrays

SAYS_COLUMNS = (
    "This treats each column as an example, another book's convention, and multiplies from the left. Here each row is an "
    "example: (L'_l * a') @ W.T goes back."
)


def square_product(rng):
    return rng.normal(size=(3, 3)), list(rng.normal(size=(2, 3, 3))), list(rng.normal(size=(2, 3, 3))), "tanh"


def from_the_left(loss_grad, zs, matrices, activation):
    grads = [loss_grad]
    for z, matrix in zip(zs[::-1], matrices[::-1]):
        grads.insert(0, np.dot(matrix, grads[0] * activation_derivative(z, activation)))
    return grads


@misconception("product_of_gradients", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, probe=square_product)
def product_of_gradients_columns(loss_grad, zs, weights, activation):
    return from_the_left(loss_grad, zs, [W.T for W in weights], activation)


@misconception(
    "product_of_gradients", "puts the examples into columns, with W as it is here", at_most=0.0, says=SAYS_COLUMNS, probe=square_product)
def product_of_gradients_columns_of_transposed(loss_grad, zs, weights, activation):
    return from_the_left(loss_grad, zs, weights, activation)
