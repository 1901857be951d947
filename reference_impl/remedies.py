"""Remedies that keep the product of gradients near one: initial weights, activation, shortcut, norm, gate.

`loss_grad` is the gradient of a layer's output, `z` its pre-activation, both (m, n).
"""

import math

import numpy as np

from reference_impl.backward_step import backward_step

_erfc = np.vectorize(math.erfc, otypes=[float])


def initial_std(fan_in, fan_out, activation):
    """The standard deviation of a layer's initial weights, W (fan_in, fan_out): a float.

    "relu":                        sqrt(2 / fan_in)              He et al. (2015), eq. 10
    "sigmoid", "tanh", "identity": sqrt(2 / (fan_in + fan_out))  Glorot & Bengio (2010), eq. 12;
    eq. 16 is the same for uniform weights.  Another name: ValueError.
    """
    if activation == "relu":
        return math.sqrt(2.0 / fan_in)
    if activation in ("sigmoid", "tanh", "identity"):
        return math.sqrt(2.0 / (fan_in + fan_out))
    raise ValueError(f"no initial weights known for {activation!r}: choose identity, sigmoid, tanh or relu")


def gelu_derivative(z):
    """d/dz [z Phi(z)] = Phi(z) + z phi(z), with the Gaussian's CDF Phi and density phi; array_like, same shape.

    Between -0.13 and 1.13: a derivative outside [0, 1] (GELU: Hendrycks & Gimpel 2016, section 2).
    Phi(z) = erfc(-z / sqrt 2) / 2 keeps the left tail, where 1 + erf would cancel.
    Beyond |z| = 40 the derivative is 0 or 1 to more than 300 digits, and clipping saves z^2 from overflow.
    """
    z = np.clip(np.asarray(z, dtype=float), -40.0, 40.0)
    Phi = 0.5 * _erfc(-z / math.sqrt(2.0))
    phi = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    return Phi + z * phi


def residual_backward_step(loss_grad, z, W, activation):
    """L'_{l-1} = L'_l + (L'_l * a'_l) W_l^T for y_l = y_{l-1} + a(z_l), (m, n); W is square.

    The first term is the shortcut: it arrives undiminished (He et al. 2016, "Identity mappings", eq. 5).
    """
    return loss_grad + backward_step(loss_grad, z, W, activation)


def _standardise(z, eps):
    """Each row of z as (normalised (m, n), std (m, 1)), std = sqrt(variance + eps).

    Taking off a row's first entry before its mean makes a constant row exactly 0.  Rows are divided by
    their largest entry before squaring, and hypot does the root, so that no square overflows.
    """
    centred = z - z[:, :1]
    centred = centred - centred.mean(axis=1, keepdims=True)
    largest = np.max(np.abs(centred), axis=1, keepdims=True)
    scaled = centred / np.where(largest > 0, largest, 1.0)
    root_mean_square = largest * np.sqrt(np.mean(scaled**2, axis=1, keepdims=True))
    std = np.hypot(root_mean_square, math.sqrt(eps))
    return centred / std, std


def layer_norm(z, gain, shift, eps=1e-5):
    """gain * (z - mean) / sqrt(variance + eps) + shift, (m, n): statistics per row, over its n entries.

    gain, shift (n,).  The variance is the population's, divided by n (Ba, Kiros & Hinton 2016, eq. 3 and 4).
    """
    normalised, _ = _standardise(z, eps)
    return gain * normalised + shift


def layer_norm_backward(loss_grad, z, gain, eps=1e-5):
    """dLoss/dz (m, n), dLoss/dgain (n,), dLoss/dshift (n,): the tuple (dz, dgain, dshift).

    z reaches the result directly, through the mean, and through the variance: one term each.  The last
    two take out what a change of mean or scale of the row would have done, which layer_norm ignores.
    """
    normalised, std = _standardise(z, eps)
    grad = loss_grad * gain
    through_mean = grad.mean(axis=1, keepdims=True)
    through_variance = normalised * np.mean(grad * normalised, axis=1, keepdims=True)
    dz = (grad - through_mean - through_variance) / std
    dgain = np.sum(loss_grad * normalised, axis=0)
    dshift = np.sum(loss_grad, axis=0)
    return dz, dgain, dshift


def cell_state_gradient(loss_grad, forget_gates):
    """The LSTM's direct path c_t = f_t * c_{t-1} + ...: dLoss/dc_t for t = 0..T, (T+1, m, n).

    loss_grad (m, n) = dLoss/dc_T.  forget_gates (T, m, n), index t-1 for step t.  Entry t is
    loss_grad * f_T * ... * f_{t+1}: elementwise, without a weight matrix and without an a'
    (Hochreiter & Schmidhuber 1997; the gate: Gers, Schmidhuber & Cummins 2000).
    """
    factors = np.concatenate((forget_gates, np.asarray(loss_grad)[np.newaxis]))
    return np.cumprod(factors[::-1], axis=0)[::-1]
