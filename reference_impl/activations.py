"""Activation functions and their derivatives a'(z): one of the two factors of every layer.

Every function takes a number, a (nested) list or an array of any shape and returns the same shape.
Both sigmoid and tanh are written with e = exp(-|z|), which lies in (0, 1]: it cannot overflow, and it
is the quantity that both tails are proportional to, so that nothing is subtracted and nothing is lost.
"""

import numpy as np


def sigmoid(z):
    """The logistic function 1 / (1 + e^-z), in (0, 1); 1 at +inf and 0 at -inf.

    For z < 0 the fraction is expanded by e^z, because e^-z would overflow below z = -709.
    """
    z = np.asarray(z, dtype=float)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def sigmoid_derivative(z):
    """sigmoid'(z) = e^-|z| / (1 + e^-|z|)^2: even, and at most 0.25, at z = 0.

    The same as s (1 - s) with s = sigmoid(z), but 1 - s rounds to 0 from z = 37 on, where the
    derivative is still 8.5e-17: the product over layers would be cut off, not merely small.
    """
    e = np.exp(-np.abs(np.asarray(z, dtype=float)))
    return e / (1.0 + e) ** 2


def tanh_derivative(z):
    """tanh'(z) = 1 / cosh^2(z), with 1 / cosh(z) = 2 e^-|z| / (1 + e^-2|z|): even, 1 at z = 0.

    The same as 1 - tanh^2(z), which rounds to 0 in both tails from |z| = 20 on.
    """
    e = np.exp(-np.abs(np.asarray(z, dtype=float)))
    return (2.0 * e / (1.0 + e**2)) ** 2


def relu(z):
    """The rectified linear unit max(0, z) (Nair & Hinton 2010)."""
    return np.maximum(np.asarray(z, dtype=float), 0.0)


def relu_derivative(z):
    """1 where z > 0, else 0.  At z = 0, where ReLU has a corner, the course takes the left slope."""
    return leaky_relu_derivative(z, slope=0.0)


def leaky_relu_derivative(z, slope=0.01):
    """1 where z > 0, else `slope`, in [0, 1] (Maas, Hannun & Ng 2013, eq. 2)."""
    return np.where(np.asarray(z, dtype=float) > 0, 1.0, slope)


def saturated_fraction(a_prime, threshold=1e-3):
    """The fraction, a float in [0, 1], of derivatives with |a'| < threshold (strictly).

    A saturated unit hands almost no gradient back (Glorot & Bengio 2010, section 3).
    """
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))
