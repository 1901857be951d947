"""The product of all layers' factors, L'_l = L'_L . [a'_L f'_L] ... [a'_{l+1} f'_{l+1}], and its size.

`loss_grad` = L'_L (m, n_L); `zs` = [z_1, ..., z_L], z_l (m, n_l); `weights` = [W_1, ..., W_L], W_l (n_{l-1}, n_l).
That the size of the product is exponential in the depth is Hochreiter's (1991) finding; see Bengio,
Simard & Frasconi (1994), section III, and Pascanu, Mikolov & Bengio (2013), section 2.

Numbers that outgrow a float are held as x * 2^exponent.  Powers of two, because multiplying by one is exact.
"""

import math

import numpy as np

from reference_impl.backward_step import activation_derivative, backward_step

LOG10_OF_2 = math.log10(2.0)

# a'(z) falls like e^(-rate |z|).  Beyond |z| = 40 that is exact to the last bit: the rest is 1 + O(e^-40).
_DECAY_RATE = {"identity": 0.0, "sigmoid": 1.0, "tanh": 2.0, "relu": 0.0}
_FAR = 40.0


def scalar_gradient_product(loss_grad, a_primes, f_primes):
    """One unit a layer: (L+1,), entry l = loss_grad * product over k > l of a'_k f'_k.

    loss_grad: float.  a_primes, f_primes: (L,), index k-1 belongs to layer k.  Entry L is loss_grad.
    A zero factor makes 0 of all entries before it, whatever their own factors are.
    """
    product = float(loss_grad)
    products = [product]
    for a_prime, f_prime in zip(reversed(a_primes), reversed(f_primes)):
        # Once 0, always 0: a'_k f'_k of a lower layer may overflow, and 0 * inf is not a number.
        product = product * (float(a_prime) * float(f_prime)) if product else 0.0
        products.append(product)
    return np.array(products[::-1])


def product_of_gradients(loss_grad, zs, weights, activation):
    """The list of L+1 arrays L'_l (m, n_l): backward_step, repeated from layer L down to layer 1."""
    loss_grads = [loss_grad]
    for z, W in zip(zs[::-1], weights[::-1]):
        loss_grads.append(backward_step(loss_grads[-1], z, W, activation))
    return loss_grads[::-1]


def split_scale(x):
    """x = scaled * 2^exponent with the largest |entry| of `scaled` in [0.5, 1): the tuple (scaled, exponent).

    An x of zeros has exponent 0.
    """
    exponent = int(np.frexp(np.max(np.abs(x)))[1])
    return np.ldexp(x, -exponent), exponent


def scaled_norm(x):
    """The Frobenius norm of x as r * 2^exponent: the tuple (r, exponent), r = 0 only for an x of zeros.

    Scaled first, so that no square over- or underflows that matters (Blue 1978).
    """
    scaled, exponent = split_scale(x)
    return float(np.sqrt(np.sum(scaled**2))), exponent


def log10_gradient_norms(loss_grad, zs, weights, activation):
    """(L+1,): entry l = log10 of the Frobenius norm of L'_l; -inf, silently, exactly where L'_l is zero.

    Right where the norm itself, or a single derivative, is far outside the range of a float: after
    each step the gradient is scaled back to 1, and the power of two that was taken out is counted.
    Entries of L'_l that are 10^250 times smaller than the largest may be lost.
    """
    grad, exponent = split_scale(loss_grad)
    log10_norms = [_log10_norm(grad, exponent)]
    for z, W in zip(zs[::-1], weights[::-1]):
        grad, step_exponent = _scaled_backward_step(grad, z, W, activation)
        exponent += step_exponent
        log10_norms.append(_log10_norm(grad, exponent))
    return np.array(log10_norms[::-1])


def _log10_norm(grad, exponent):
    """log10 of the Frobenius norm of grad * 2^exponent; -inf for a grad of zeros."""
    r, norm_exponent = scaled_norm(grad)
    return math.log10(r) + (norm_exponent + exponent) * LOG10_OF_2 if r > 0 else -math.inf


def _scaled_backward_step(grad, z, W, activation):
    """(grad * a'(z)) W^T as scaled * 2^exponent, for a `grad` scaled like this: the tuple (scaled, exponent).

    The exponents of a' and of each column of W are added before any product is formed.  The largest
    term then is near 1, and what underflows is too small to matter for an entry within 10^250 of it.
    """
    a_prime, a_exponent = _split_derivative(z, activation)
    W_largest = np.max(np.abs(W), axis=0)
    W_exponent = np.frexp(W_largest)[1]

    # A unit whose weights are all 0 hands nothing back: it must not set the scale.
    mantissa, exponent = np.frexp(np.where(W_largest > 0, grad * a_prime, 0.0))
    exponent = exponent + a_exponent + W_exponent
    largest = np.max(exponent, where=mantissa != 0, initial=-np.inf)
    if largest == -np.inf:
        return np.zeros((len(z), len(W))), 0

    z_grad = np.ldexp(mantissa, np.clip(exponent - largest, -2000, 0).astype(int))
    scaled, step_exponent = split_scale(z_grad @ np.ldexp(W, -W_exponent).T)
    return scaled, float(largest) + step_exponent


def _split_derivative(z, activation):
    """a'(z) as a_prime * 2^exponent, also where a'(z) underflows (sigmoid from |z| = 745 on).

    exponent is a float array of whole numbers, because z may be as large as 1e300.
    """
    a_prime = activation_derivative(np.clip(z, -_FAR, _FAR), activation)
    halvings = _DECAY_RATE[activation] * np.maximum(np.abs(z) - _FAR, 0.0) / math.log(2.0)
    whole = np.floor(halvings)
    return a_prime * np.exp2(whole - halvings), -whole


def log10_gradient_bound(max_derivative, weights):
    """(L+1,): entry l = sum over k > l of log10(max_derivative * spectral norm of W_k); entry L = 0.

    An upper bound on log10(norm of L'_l / norm of L'_L) for every input, if a' <= max_derivative
    (Pascanu, Mikolov & Bengio 2013, eq. 6 and 7).  A W of zeros gives -inf.
    """
    with np.errstate(divide="ignore"):
        steps = [math.log10(max_derivative) + np.log10(np.linalg.norm(W, 2)) for W in weights]
    return np.concatenate((np.cumsum(steps[::-1])[::-1], [0.0]))


def diagnose(log10_norms, decades=3.0):
    """What the layers do to the gradient, in a word: "vanishing", "exploding" or "stable".

    log10_norms: (L+1,), the last entry finite.  Vanishing if entry 0 lies more than `decades` below
    the last entry, exploding if more than that above.  -inf at entry 0, a gradient of zero, is vanishing.
    """
    change = float(log10_norms[0]) - float(log10_norms[-1])
    if change < -decades:
        return "vanishing"
    if change > decades:
        return "exploding"
    return "stable"


def update_ratios(weights, weight_grads, learning_rate):
    """(L,): the Frobenius norm of a gradient step, learning_rate * dW_l, over the norm of W_l.

    A rule of thumb wants about 1e-3 (Stanford CS231n, notes on babysitting the learning process).
    Where W_l is all zeros: inf if dW_l is not, else 0.
    """
    rate, rate_exponent = math.frexp(learning_rate)
    ratios = []
    for W, dW in zip(weights, weight_grads):
        W_norm, W_exponent = scaled_norm(W)
        dW_norm, dW_exponent = scaled_norm(dW)
        if W_norm > 0:
            ratios.append(np.ldexp(rate * dW_norm / W_norm, rate_exponent + dW_exponent - W_exponent))
        else:
            ratios.append(np.inf if dW_norm > 0 else 0.0)
    return np.array(ratios)
