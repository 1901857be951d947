"""Right answers to ps1 in different styles: each must earn everything."""

import math

import numpy as np

from grading.checks import right_answer


def each_entry(function, z):
    """Apply function to each number of a number, a nested list or an array; lists come back for arrays."""
    if isinstance(z, np.ndarray):
        z = z.tolist()
    if isinstance(z, (list, tuple)):
        return [each_entry(function, entry) for entry in z]
    return function(z)


def sigmoid_of_number(z):
    if z >= 0:
        return 1.0 / (1.0 + math.exp(-z))
    return math.exp(z) / (1.0 + math.exp(z))


# ---------------------------------------------------------------------------------------------------------- sigmoid


@right_answer("sigmoid", "vectorised with e^-|z|")
def sigmoid_vectorised(z):
    z = np.asarray(z, dtype=float)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


@right_answer("sigmoid", "plain Python loops")
def sigmoid_loops(z):
    return each_entry(sigmoid_of_number, z)


@right_answer("sigmoid", "masks, one for each sign")
def sigmoid_masks(z):
    z = np.asarray(z, dtype=float)
    flat = z.reshape(-1)
    result = np.empty_like(flat)
    positive = flat >= 0
    result[positive] = 1 / (1 + np.exp(-flat[positive]))
    e = np.exp(flat[~positive])
    result[~positive] = e / (1 + e)
    return result.reshape(z.shape)


@right_answer("sigmoid", "through the logarithm")
def sigmoid_logaddexp(z):
    return np.exp(-np.logaddexp(0.0, -np.asarray(z, dtype=float)))


@right_answer("sigmoid", "np.vectorize")
def sigmoid_np_vectorize(z):
    return np.vectorize(sigmoid_of_number, otypes=[float])(z)


# ----------------------------------------------------------------------------------------------- sigmoid_derivative


@right_answer("sigmoid_derivative", "vectorised with e^-|z|")
def sigmoid_derivative_vectorised(z):
    e = np.exp(-np.abs(np.asarray(z, dtype=float)))
    return e / (1.0 + e) ** 2


@right_answer("sigmoid_derivative", "sigmoid(z) times sigmoid(-z)")
def sigmoid_derivative_two_sigmoids(z):
    z = np.asarray(z, dtype=float)
    return sigmoid_vectorised(z) * sigmoid_vectorised(-z)


@right_answer("sigmoid_derivative", "plain Python loops")
def sigmoid_derivative_loops(z):
    return each_entry(lambda number: sigmoid_of_number(number) * sigmoid_of_number(-number), z)


@right_answer("sigmoid_derivative", "in log space")
def sigmoid_derivative_log_space(z):
    distance = np.abs(np.asarray(z, dtype=float))
    return np.exp(-distance - 2.0 * np.log1p(np.exp(-distance)))


# -------------------------------------------------------------------------------------------------- tanh_derivative


@right_answer("tanh_derivative", "vectorised with e^-2|z|")
def tanh_derivative_vectorised(z):
    e = np.exp(-2.0 * np.abs(np.asarray(z, dtype=float)))
    return 4.0 * e / (1.0 + e) ** 2


@right_answer("tanh_derivative", "plain Python loops with cosh")
def tanh_derivative_loops(z):
    return each_entry(lambda number: 0.0 if abs(number) > 350 else math.cosh(number) ** -2.0, z)


@right_answer("tanh_derivative", "through the sigmoid")
def tanh_derivative_through_sigmoid(z):
    return 4 * sigmoid_derivative_two_sigmoids(2 * np.asarray(z, dtype=float))


@right_answer("tanh_derivative", "long double")
def tanh_derivative_long_double(z):
    distance = np.abs(np.asarray(z, dtype=np.longdouble))
    e = np.exp(-distance)
    return np.asarray((2 * e / (1 + e * e)) ** 2, dtype=float)


# ------------------------------------------------------------------------------------------------------------- relu


@right_answer("relu", "np.maximum")
def relu_maximum(z):
    return np.maximum(0, z)


@right_answer("relu", "plain Python loops")
def relu_loops(z):
    return each_entry(lambda number: max(0, number), z)


@right_answer("relu", "np.where on a copy")
def relu_where(z):
    z = np.array(z, dtype=float)
    return np.where(z > 0, z, 0.0)


@right_answer("relu", "half of z + |z|")
def relu_half_sum(z):
    half = 0.5 * np.asarray(z, dtype=float)
    return half + np.abs(half)


# -------------------------------------------------------------------------------------------------- relu_derivative


@right_answer("relu_derivative", "bools")
def relu_derivative_bools(z):
    return np.asarray(z) > 0


@right_answer("relu_derivative", "plain Python loops")
def relu_derivative_loops(z):
    return each_entry(lambda number: 1 if number > 0 else 0, z)


@right_answer("relu_derivative", "np.heaviside")
def relu_derivative_heaviside(z):
    return np.heaviside(z, 0.0)


@right_answer("relu_derivative", "the positive part of the sign")
def relu_derivative_sign(z):
    return np.maximum(np.sign(z), 0)


# -------------------------------------------------------------------------------------------- leaky_relu_derivative


@right_answer("leaky_relu_derivative", "np.where")
def leaky_relu_derivative_where(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, slope)


@right_answer("leaky_relu_derivative", "plain Python loops")
def leaky_relu_derivative_loops(z, slope=0.01):
    return each_entry(lambda number: 1.0 if number > 0 else slope, z)


@right_answer("leaky_relu_derivative", "arithmetic on a mask")
def leaky_relu_derivative_arithmetic(z, slope=0.01):
    active = (np.asarray(z) > 0).astype(float)
    return active + slope * (1.0 - active)


@right_answer("leaky_relu_derivative", "np.full and a mask")
def leaky_relu_derivative_full(z, slope=0.01):
    z = np.asarray(z)
    result = np.full(z.shape, slope, dtype=float)
    result[z > 0] = 1.0
    return result


# ----------------------------------------------------------------------------------------------- saturated_fraction


@right_answer("saturated_fraction", "the mean of a mask")
def saturated_fraction_mean(a_prime, threshold=1e-3):
    return np.mean(np.abs(a_prime) < threshold)


@right_answer("saturated_fraction", "plain Python loops")
def saturated_fraction_loops(a_prime, threshold=1e-3):
    sizes = []
    each_entry(lambda number: sizes.append(abs(number)), a_prime)
    return sum(size < threshold for size in sizes) / len(sizes)


@right_answer("saturated_fraction", "count and size")
def saturated_fraction_count_nonzero(a_prime, threshold=1e-3):
    a_prime = np.asarray(a_prime)
    return np.count_nonzero((a_prime > -threshold) & (a_prime < threshold)) / a_prime.size


@right_answer("saturated_fraction", "sorted sizes")
def saturated_fraction_sorted(a_prime, threshold=1e-3):
    sizes = np.sort(np.abs(np.ravel(a_prime)))
    return float(np.searchsorted(sizes, threshold) / len(sizes))
