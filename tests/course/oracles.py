"""Independent ways to the right answer: none of them calls the reference.

- mpmath, at 60 digits: the derivatives of single functions, and the product of gradients at any depth.
- The complex step: Im f(x + ih) / h is f'(x) without subtraction, for a forward pass that accepts complex
  numbers (Squire & Trapp 1998, SIAM Review 40, 110).
- HIPS autograd differentiates the same forward pass, written with its own NumPy.
"""

import mpmath
import numpy as np
from hypothesis import settings

from reference_impl import backward_step

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu")
DIGITS = 60
STEP = 1e-40

# The same examples in every run, and no folder of examples left behind.
PROPERTY = settings(derandomize=True, database=None, deadline=None, max_examples=150)


# ---- how far off -------------------------------------------------------------------------------------


def ulps_off(got, want):
    """The largest |got - want| in units in the last place; `want` is a list of mpmath numbers, none 0."""
    with mpmath.workdps(DIGITS):
        return max(float(abs(mpmath.mpf(float(g)) - w) / float(np.spacing(abs(float(w))))) for g, w in zip(got, want))


def decades_off(got, want):
    """log10 of the largest error over the largest wanted entry; -inf if they are equal."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert np.all(np.isfinite(got)), "not finite"
    error = np.max(np.abs(got - want), initial=0.0)
    if error == 0:
        return -np.inf
    return np.log10(error) - np.log10(np.max(np.abs(want))) if np.any(want) else np.inf


def assert_agree(got, want, decades=-12.0):
    """Structure by structure: arrays, or lists and tuples of them, each within 10^decades of its largest entry."""
    if isinstance(want, (list, tuple)):
        assert len(got) == len(want)
        for one_got, one_want in zip(got, want):
            assert_agree(one_got, one_want, decades)
        return
    off = decades_off(got, want)
    assert off <= decades, f"off by 10^{off:.1f}, allowed is 10^{decades:.1f}"


# ---- mpmath ------------------------------------------------------------------------------------------


def _mp_sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


MP_FUNCTIONS = {
    "sigmoid": _mp_sigmoid,
    "sigmoid_derivative": lambda z: mpmath.exp(-z) / (1 + mpmath.exp(-z)) ** 2,
    "tanh_derivative": lambda z: 1 / mpmath.cosh(z) ** 2,
    "relu_derivative": lambda z: mpmath.mpf(z > 0),
    "identity_derivative": lambda z: mpmath.mpf(1),
    "gelu": lambda z: z * mpmath.ncdf(z),
    "gelu_derivative": lambda z: mpmath.ncdf(z) + z * mpmath.npdf(z),
}


def mp_values(name, zs):
    """The named function at each float of zs, exact to about 60 digits."""
    with mpmath.workdps(DIGITS):
        return [MP_FUNCTIONS[name](mpmath.mpf(float(z))) for z in np.ravel(zs)]


def mp_gradients(loss_grad, zs, weights, activation):
    """[L'_0, ..., L'_L] as nested lists of mpmath numbers, which neither under- nor overflow."""
    a_prime = MP_FUNCTIONS[f"{activation}_derivative"]
    with mpmath.workdps(DIGITS):
        grad = [[mpmath.mpf(float(g)) for g in row] for row in loss_grad]
        grads = [grad]
        for z, W in zip(zs[::-1], weights[::-1]):
            W = [[mpmath.mpf(float(w)) for w in row] for row in W]
            z_grad = [[g * a_prime(mpmath.mpf(float(v))) for g, v in zip(*rows)] for rows in zip(grad, z)]
            grad = [[mpmath.fdot(row, W_row) for W_row in W] for row in z_grad]
            grads.append(grad)
        return grads[::-1]


def mp_log10_norm(grad):
    """log10 of the Frobenius norm as a float; -inf for zeros."""
    with mpmath.workdps(DIGITS):
        squares = mpmath.fsum(g * g for row in grad for g in row)
        return float(mpmath.log10(squares) / 2) if squares else -np.inf


# ---- forward passes that are differentiated ----------------------------------------------------------


def activation_of(xp, z, name):
    """a(z) for `xp` = numpy (complex numbers too) or autograd.numpy."""
    if name == "sigmoid":
        return 1 / (1 + xp.exp(-z))
    if name == "tanh":
        return xp.tanh(z)
    if name == "relu":
        return xp.where(xp.real(z) > 0, z, 0 * z)
    assert name == "identity"
    return z


def network(xp, x, weights, biases, activations):
    """y_L of a plain network."""
    y = x
    for W, b, name in zip(weights, biases, activations):
        y = activation_of(xp, xp.dot(y, W) + b, name)
    return y


def recurrence(xp, x, h0, W_xh, W_hh, b, activation):
    """[h_0, ..., h_T] of a recurrent network."""
    hs = [h0]
    for x_t in x:
        hs.append(activation_of(xp, xp.dot(x_t, W_xh) + xp.dot(hs[-1], W_hh) + b, activation))
    return hs


def layer_normalised(xp, z, gain, shift, eps):
    """Layer normalisation from its definition."""
    n = z.shape[1]
    centred = z - xp.sum(z, axis=1, keepdims=True) / n
    variance = xp.sum(centred * centred, axis=1, keepdims=True) / n
    return gain * centred / xp.sqrt(variance + eps) + shift


def complex_step(f, x):
    """The gradient of the scalar f at the real array x, entry by entry; f must accept complex arrays."""
    grad = np.empty(np.shape(x))
    for index in np.ndindex(*grad.shape):
        moved = np.array(x, dtype=complex)
        moved[index] += 1j * STEP
        grad[index] = np.imag(f(moved)) / STEP
    return grad


# ---- inputs ------------------------------------------------------------------------------------------


def random_network(rng, sizes, batch, scale=1.0):
    """x, weights and biases for layer sizes n_0, ..., n_L; weights of variance scale^2 / n_{l-1}."""
    x = rng.normal(size=(batch, sizes[0]))
    weights = [scale * rng.normal(size=shape) / np.sqrt(shape[0]) for shape in zip(sizes[:-1], sizes[1:])]
    biases = [0.1 * rng.normal(size=n) for n in sizes[1:]]
    return x, weights, biases


def pre_activations(x, weights, biases, activations):
    """[z_1, ..., z_L] of a plain network."""
    zs = []
    for W, b, activation in zip(weights, biases, activations):
        zs.append(x @ W + b)
        x = activation_of(np, zs[-1], activation)
    return zs


# ---- testing the tests -------------------------------------------------------------------------------


def make_derivative_wrong(monkeypatch, activation, factor=1.0005):
    """From here to the end of the test the reference's a' is wrong by 0.05 %, for one activation."""
    function, derivative = backward_step._ACTIVATIONS[activation]
    wrong = (function, lambda z: factor * derivative(z))
    monkeypatch.setitem(backward_step._ACTIVATIONS, activation, wrong)
