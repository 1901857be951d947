"""A recurrent network, h_t = a(x_t W_xh + h_{t-1} W_hh + b), unrolled over t = 1..T: T layers, one W_hh.

`x` (T, m, d), `h0` (m, n), `W_xh` (d, n), `W_hh` (n, n), `b` (n,).  Arrays over steps t = 1..T (`x`, `zs`)
hold step t at index t-1; arrays over states t = 0..T (`hs` and all gradients) hold state t at index t.
"""

import math

import numpy as np

from reference_impl.backward_step import activate, activation_derivative, backward_step
from reference_impl.product_of_gradients import scaled_norm

# Equal up to rounding: 0.1^3 is meant to reach 0.001, and an orthogonal matrix to have the norm 1.
_ROUNDING = 1e-12


def rnn_forward(x, h0, W_xh, W_hh, b, activation):
    """z_t = x_t W_xh + h_{t-1} W_hh + b and h_t = a(z_t): the tuple (zs, hs).

    zs (T, m, n); hs (T+1, m, n) with hs[0] = h0.  T = 0 gives an empty zs and hs = [h0].
    """
    T = len(x)
    zs = np.empty((T, *np.shape(h0)))
    hs = np.empty((T + 1, *np.shape(h0)))
    hs[0] = h0
    for t in range(1, T + 1):
        zs[t - 1] = x[t - 1] @ W_xh + hs[t - 1] @ W_hh + b
        hs[t] = activate(zs[t - 1], activation)
    return zs, hs


def backward_through_time(direct_grads, zs, W_hh, activation):
    """The whole dLoss/dh_t for t = 0..T, (T+1, m, n) (Werbos 1990).

    direct_grads (T+1, m, n): entry t is what reaches h_t from its own loss term.  To it comes what
    all later steps hand back, one `backward_step` a time and always through the same W_hh
    (Pascanu, Mikolov & Bengio 2013, eq. 3 to 5).
    """
    loss_grads = np.array(direct_grads, dtype=float)
    for t in range(len(zs), 0, -1):
        loss_grads[t - 1] += backward_step(loss_grads[t], zs[t - 1], W_hh, activation)
    return loss_grads


def recurrent_weight_gradients(loss_grads, zs, hs, x, activation):
    """dLoss/dW_xh (d, n), dLoss/dW_hh (n, n), dLoss/db (n,): the tuple (dW_xh, dW_hh, db).

    loss_grads as `backward_through_time` returns them.  The weights are shared by all steps, so the
    gradients of all steps are summed; T = 0 gives zeros.
    """
    z_grads = loss_grads[1:] * activation_derivative(zs, activation)
    dW_xh = np.einsum("tmd,tmn->dn", x, z_grads)
    dW_hh = np.einsum("tmk,tmn->kn", hs[:-1], z_grads)
    db = z_grads.sum(axis=(0, 1))
    return dW_xh, dW_hh, db


def spectral_radius(W_hh):
    """The largest absolute eigenvalue of W_hh (n, n), a float; complex eigenvalues count by modulus.

    It governs W_hh^t for large t; the spectral norm, never smaller, bounds every single step.
    """
    return float(np.max(np.abs(np.linalg.eigvals(W_hh))))


def memory_horizon(max_derivative, W_hh, tolerance=1e-3):
    """The smallest int k >= 0 with (max_derivative * spectral norm of W_hh)^k <= tolerance.

    After k steps back no more than this fraction of a gradient can be left (Pascanu, Mikolov & Bengio
    2013, section 2.1).  math.inf if there is no such k; 0 for tolerance 1.
    Solved with logarithms, because the power itself underflows; "<=" holds up to rounding.
    """
    factor = float(max_derivative) * float(np.linalg.norm(W_hh, 2))
    wanted = math.log(tolerance) + _ROUNDING
    if wanted >= 0:
        return 0
    if factor == 0:
        return 1
    if factor >= 1 - _ROUNDING:
        return math.inf
    return math.ceil(wanted / math.log(factor))


def clip_by_global_norm(grads, max_norm):
    """The arrays scaled together to a joint norm of at most max_norm: the tuple (clipped, norm).

    grads: list of arrays.  norm: the root of the sum of all squares, before clipping.  Up to max_norm
    the arrays are equal to the input, always as new arrays.  Scaling all of them by one number keeps
    the direction of the step (Pascanu, Mikolov & Bengio 2013, algorithm 1).
    Norm and scale are held as mantissa and exponent: no square can overflow.
    """
    r, exponent = scaled_norm(np.concatenate([np.ravel(grad) for grad in grads]))
    norm = float(np.ldexp(r, exponent))
    if norm <= max_norm:
        return [np.array(grad) for grad in grads], norm

    mantissa, max_exponent = math.frexp(max_norm)
    clipped = [np.ldexp(grad * (mantissa / r), max_exponent - exponent) for grad in grads]
    return clipped, norm
