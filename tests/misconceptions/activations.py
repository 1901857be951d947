"""Wrong answers to ps1 that students give, each with the most it may earn."""

import math

import numpy as np

from grading.checks import misconception


def stable_sigmoid(z):
    z = np.asarray(z, dtype=float)
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


# ---------------------------------------------------------------------------------------------------------- sigmoid


@misconception(
    "sigmoid", "lets e^-z overflow", at_most=0.8,
    says="The formula is right; for very negative z, e^-z overflows on the way. Take the exponential of -|z| only.",
)
def sigmoid_overflowing(z):
    return 1.0 / (1.0 + np.exp(-np.asarray(z, dtype=float)))


@misconception(
    "sigmoid", "lets e^-z overflow, and takes no lists", at_most=0.7,
    says="The formula is right for arrays; for very negative z, e^-z overflows on the way, and a list cannot be negated. Begin with "
    "np.asarray, and take the exponential of -|z| only.",
)
def sigmoid_of_the_textbook(z):
    return 1.0 / (1.0 + np.exp(-z))


@misconception(
    "sigmoid", "divides e^z by 1 + e^z", at_most=0.75,
    says="e^z / (1 + e^z) is the sigmoid on paper, but for large z it divides infinity by infinity. That form is safe "
    "for negative z only.",
)
def sigmoid_ratio_of_exponentials(z):
    e = np.exp(np.asarray(z, dtype=float))
    return e / (1.0 + e)


@misconception(
    "sigmoid", "goes through tanh", at_most=0.8,
    says="(1 + tanh(z/2)) / 2 is the sigmoid on paper, but for negative z it adds 1 to a number close to -1, which "
    "loses the left tail.",
)
def sigmoid_through_tanh(z):
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(z, dtype=float)))


@misconception(
    "sigmoid", "clips z first", at_most=0.75,
    says="Clipping z does silence the overflow, but beyond the clip every z gets the same value. Treat the two signs "
    "of z apart instead: then nothing has to be clipped.",
)
def sigmoid_clipped(z):
    return 1.0 / (1.0 + np.exp(-np.clip(np.asarray(z, dtype=float), -500.0, 500.0)))


@misconception(
    "sigmoid", "has the wrong sign in the exponent", at_most=0.0,
    says="This is 1 / (1 + e^z), the mirror image: it falls where the sigmoid rises. Check the sign in the exponent.",
)
def sigmoid_mirrored(z):
    return stable_sigmoid(-np.asarray(z, dtype=float))


@misconception(
    "sigmoid", "is tanh", at_most=0.0,
    says="This is tanh, which runs from -1 to 1. The sigmoid runs from 0 to 1.",
)
def sigmoid_is_tanh(z):
    return np.tanh(np.asarray(z, dtype=float))


@misconception(
    "sigmoid", "is softmax", at_most=0.0,
    says="This is softmax: its entries depend on each other and sum to one. The sigmoid treats each entry on its own.",
)
def sigmoid_is_softmax(z):
    z = np.asarray(z, dtype=float)
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


@misconception(
    "sigmoid", "is its own derivative", at_most=0.0,
    says="This is the derivative of the sigmoid. The function itself is asked for "
    "here; keep your work for the next exercise.",
)
def sigmoid_is_its_derivative(z):
    return stable_sigmoid(z) * stable_sigmoid(-np.asarray(z, dtype=float))


@misconception(
    "sigmoid", "works in the caller's array", at_most=0.6,
    says="The values are right, but z *= -1 and the like change the caller's array, "
    "and work for arrays of floats only.",
)
def sigmoid_in_place(z):
    positive = z >= 0
    np.abs(z, out=z)
    z *= -1
    np.exp(z, out=z)
    return np.where(positive, 1.0, z) / (1.0 + z)


@misconception(
    "sigmoid", "uses masks without making an array first", at_most=0.8,
    says="Masks such as z[z >= 0] are a good idea and need an array: "
    "a plain number or a list has none. Convert z first.",
)
def sigmoid_arrays_only(z):
    result = np.empty(z.shape)
    positive = z >= 0
    result[positive] = 1.0 / (1.0 + np.exp(-z[positive]))
    e = np.exp(z[~positive])
    result[~positive] = e / (1.0 + e)
    return result


@misconception(
    "sigmoid", "keeps integers", at_most=0.7,
    says="The result array was made like z: for integers it can hold no fractions, so they are cut off to 0 or 1. "
    "Convert z to float first.",
)
def sigmoid_truncated_for_integers(z):
    z = np.asarray(z)
    result = np.empty_like(z)
    result[...] = stable_sigmoid(z)
    return result


@misconception(
    "sigmoid", "works for one number at a time", at_most=0.0,
    says="math.exp takes one number at a time. The function is asked to work on whole arrays: use np.exp, or loop over "
    "the entries.",
)
def sigmoid_one_number(z):
    return 1.0 / (1.0 + math.exp(-z))


# ----------------------------------------------------------------------------------------------- sigmoid_derivative


@misconception(
    "sigmoid_derivative", "s(1 - s), which loses the right tail", at_most=0.8, noise=1e-15,
    says="s(1 - s) is the right formula, but in the right tail s rounds to 1 and 1 - s to 0. "
    "sigmoid(z) * sigmoid(-z) is the same on paper and keeps all digits.",
)
def sigmoid_derivative_losing_the_right_tail(z):
    s = stable_sigmoid(z)
    return s * (1.0 - s)


@misconception(
    "sigmoid_derivative", "evaluated at y instead of z", at_most=0.0,
    says="This is the derivative of the sigmoid evaluated at y = sigmoid(z), not at z: the sigmoid was applied twice.",
)
def sigmoid_derivative_at_y(z):
    y = stable_sigmoid(z)
    return stable_sigmoid(y) * stable_sigmoid(-y)


@misconception(
    "sigmoid_derivative", "takes z for y", at_most=0.0,
    says="This is z(1 - z). The formula y(1 - y) holds for y = sigmoid(z), and the argument here is z.",
)
def sigmoid_derivative_takes_z_for_y(z):
    z = np.asarray(z, dtype=float)
    return z * (1.0 - z)


@misconception(
    "sigmoid_derivative", "a difference quotient", at_most=0.0,
    says="A difference quotient is a fine way to test a derivative, but it loses about half of the digits, and all of "
    "them in the tails. Use the formula.",
)
def sigmoid_derivative_by_differences(z):
    z, h = np.asarray(z, dtype=float), 1e-5
    return (stable_sigmoid(z + h) - stable_sigmoid(z - h)) / (2.0 * h)


@misconception(
    "sigmoid_derivative", "lets e^-z overflow", at_most=0.8,
    says="The formula is right; for very negative z, e^-z overflows on the way. The derivative is the same for z and "
    "-z, so take the exponential of -|z|.",
)
def sigmoid_derivative_overflowing(z):
    e = np.exp(-np.asarray(z, dtype=float))
    return e / (1.0 + e) ** 2


@misconception(
    "sigmoid_derivative", "is the derivative of tanh in form: 1 - s^2", at_most=0.0,
    says="1 - y^2 belongs to tanh. For the sigmoid it is y(1 - y).",
)
def sigmoid_derivative_like_tanh(z):
    return 1.0 - stable_sigmoid(z) ** 2


@misconception(
    "sigmoid_derivative", "lost a square", at_most=0.0,
    says="This is e^-z / (1 + e^-z). The chain rule on 1 / (1 + e^-z) squares the denominator.",
)
def sigmoid_derivative_without_square(z):
    return stable_sigmoid(-np.asarray(z, dtype=float))


@misconception(
    "sigmoid_derivative", "is the sigmoid itself", at_most=0.0,
    says="This is the sigmoid. Its derivative, which is largest at zero, is asked for.",
)
def sigmoid_derivative_is_sigmoid(z):
    return stable_sigmoid(z)


@misconception(
    "sigmoid_derivative", "works in the caller's array", at_most=0.6,
    says="The values are right, but writing into z changes the caller's array, and works for arrays of floats only.",
)
def sigmoid_derivative_in_place(z):
    np.abs(z, out=z)
    z *= -1
    np.exp(z, out=z)
    return z / (1.0 + z) ** 2


@misconception(
    "sigmoid_derivative", "keeps integers", at_most=0.7,
    says="The result array was made like z: for integers it can hold no fractions, so all becomes 0. "
    "Convert z to float first.",
)
def sigmoid_derivative_truncated_for_integers(z):
    z = np.asarray(z)
    result = np.zeros_like(z)
    result[...] = stable_sigmoid(z) * stable_sigmoid(-z)
    return result


@misconception(
    "sigmoid_derivative", "clips the derivative away from zero", at_most=0.7,
    says="A small floor under the derivative hides exactly what this course is about: let it become as tiny as it is.",
)
def sigmoid_derivative_with_floor(z):
    return np.maximum(stable_sigmoid(z) * stable_sigmoid(-np.asarray(z, dtype=float)), 1e-12)


@misconception(
    "sigmoid_derivative", "uses array methods on lists", at_most=0.9,
    says="The formula is right for arrays and numbers; a list cannot be negated. Convert z with np.asarray first.",
)
def sigmoid_derivative_not_for_lists(z):
    return stable_sigmoid(z) * stable_sigmoid(-z)


# -------------------------------------------------------------------------------------------------- tanh_derivative


@misconception(
    "tanh_derivative", "1 - tanh^2, which loses both tails", at_most=0.75, noise=1e-15,
    says="1 - tanh(z)^2 is the right formula, but far from zero tanh(z) rounds to 1 and the difference to 0. "
    "Write it with e^-2|z| and no subtraction.",
)
def tanh_derivative_losing_the_tails(z):
    return 1.0 - np.tanh(np.asarray(z, dtype=float)) ** 2


@misconception(
    "tanh_derivative", "lets cosh overflow", at_most=0.8,
    says="1 / cosh(z)^2 is right and keeps the tails; only cosh overflows for very large z. Use e^-2|z| instead.",
)
def tanh_derivative_overflowing_cosh(z):
    return 1.0 / np.cosh(np.asarray(z, dtype=float)) ** 2


@misconception(
    "tanh_derivative", "lets e^(2z) overflow", at_most=0.55,
    says="4 e^(2z) / (1 + e^(2z))^2 is right on paper; for large positive z the square overflows and the result drops "
    "to 0 or becomes NaN. The derivative is even, so use e^-2|z|.",
)
def tanh_derivative_overflowing_exponential(z):
    e = np.exp(2.0 * np.asarray(z, dtype=float))
    return 4.0 * e / (1.0 + e) ** 2


@misconception(
    "tanh_derivative", "evaluated at y instead of z", at_most=0.0,
    says="This is the derivative of tanh evaluated at y = tanh(z), not at z: tanh was applied twice.",
)
def tanh_derivative_at_y(z):
    return 1.0 - np.tanh(np.tanh(np.asarray(z, dtype=float))) ** 2


@misconception(
    "tanh_derivative", "takes z for y", at_most=0.0,
    says="This is 1 - z^2. The formula 1 - y^2 holds for y = tanh(z), and the argument here is z.",
)
def tanh_derivative_takes_z_for_y(z):
    return 1.0 - np.asarray(z, dtype=float) ** 2


@misconception(
    "tanh_derivative", "lost the square of tanh", at_most=0.0,
    says="This is 1 - tanh(z). The tanh is squared in its derivative.",
)
def tanh_derivative_without_square(z):
    return 1.0 - np.tanh(np.asarray(z, dtype=float))


@misconception(
    "tanh_derivative", "lost the square of cosh", at_most=0.0,
    says="This is 1 / cosh(z). The cosh is squared in the derivative of tanh.",
)
def tanh_derivative_is_sech(z):
    e = np.exp(-np.abs(np.asarray(z, dtype=float)))
    return 2.0 * e / (1.0 + e * e)


@misconception(
    "tanh_derivative", "is the derivative of the sigmoid", at_most=0.0,
    says="This is the sigmoid's derivative. tanh(z) = 2 sigmoid(2z) - 1, "
    "so its derivative is four times the sigmoid's, at 2z.",
)
def tanh_derivative_is_the_sigmoids(z):
    return stable_sigmoid(z) * stable_sigmoid(-np.asarray(z, dtype=float))


@misconception(
    "tanh_derivative", "a difference quotient", at_most=0.0,
    says="A difference quotient is a fine way to test a derivative, but it loses about half of the digits, and all of "
    "them in the tails. Use the formula.",
)
def tanh_derivative_by_differences(z):
    z, h = np.asarray(z, dtype=float), 1e-5
    return (np.tanh(z + h) - np.tanh(z - h)) / (2.0 * h)


@misconception(
    "tanh_derivative", "divides by z at zero", at_most=0.75,
    says="(tanh(z) / sinh(z))^2 is right away from zero, but 0/0 at z = 0. Look for a form that divides by cosh only.",
)
def tanh_derivative_dividing_by_sinh(z):
    # (tanh(z) / sinh(z))^2 = 1 / cosh(z)^2, with both divided by e^|z| so that neither overflows.
    distance = np.abs(np.asarray(z, dtype=float))
    e = np.exp(-distance)
    return (np.tanh(distance) * 2.0 * e / -np.expm1(-2.0 * distance)) ** 2


@misconception(
    "tanh_derivative", "works in the caller's array", at_most=0.6,
    says="The values are right, but writing into z changes the caller's array, and works for arrays of floats only.",
)
def tanh_derivative_in_place(z):
    np.abs(z, out=z)
    z *= -2
    np.exp(z, out=z)
    return 4.0 * z / (1.0 + z) ** 2


@misconception(
    "tanh_derivative", "keeps integers", at_most=0.7,
    says="The result array was made like z: for integers it can hold no fractions, so all becomes 0. "
    "Convert z to float first.",
)
def tanh_derivative_truncated_for_integers(z):
    z = np.asarray(z)
    result = np.ones_like(z)
    result[...] = 4.0 * stable_sigmoid(2 * z) * stable_sigmoid(-2 * z)
    return result


@misconception(
    "tanh_derivative", "uses array methods on lists", at_most=0.9,
    says="The formula is right for arrays and numbers; 2 * z of a list repeats the list. "
    "Convert z with np.asarray first.",
)
def tanh_derivative_not_for_lists(z):
    return 4.0 * stable_sigmoid(2 * z) * stable_sigmoid(-2 * z)


# ------------------------------------------------------------------------------------------------------------- relu


@misconception(
    "relu", "writes zeros into the caller's array", at_most=0.5,
    says="z[z < 0] = 0 gives the right values, but it wipes out the caller's pre-activations, and needs an array.",
)
def relu_in_place(z):
    z[z < 0] = 0
    return z


@misconception(
    "relu", "multiplies a list by a mask", at_most=0.85,
    says="z * (z > 0) is right for numbers and arrays; a list cannot be compared with a number. Convert z first.",
)
def relu_not_for_lists(z):
    return z * (z > 0)


@misconception(
    "relu", "is the absolute value", at_most=0.0,
    says="This is |z|: negative entries change sign. ReLU sets them to zero.",
)
def relu_is_absolute_value(z):
    return np.abs(np.asarray(z, dtype=float))


@misconception(
    "relu", "is the derivative", at_most=0.0,
    says="This is ReLU's derivative, 0 or 1. ReLU itself keeps the size of positive entries.",
)
def relu_is_its_derivative(z):
    return (np.asarray(z) > 0).astype(float)


@misconception(
    "relu", "is leaky", at_most=0.0,
    says="This is leaky ReLU: negative entries keep a hundredth of their size. In plain ReLU they are zero.",
)
def relu_is_leaky(z):
    z = np.asarray(z, dtype=float)
    return np.where(z > 0, z, 0.01 * z)


@misconception(
    "relu", "is softplus", at_most=0.0,
    says="This is softplus, log(1 + e^z), a smooth version of ReLU. ReLU itself has a corner.",
)
def relu_is_softplus(z):
    return np.logaddexp(0.0, np.asarray(z, dtype=float))


@misconception(
    "relu", "is min instead of max", at_most=0.0,
    says="This keeps the negative entries and drops the positive ones: min(0, z) instead of max(0, z).",
)
def relu_is_minimum(z):
    return np.minimum(np.asarray(z, dtype=float), 0.0)


@misconception(
    "relu", "takes the root of a square", at_most=0.75,
    says="(z + sqrt(z^2)) / 2 is ReLU on paper, but z^2 overflows for very large z. |z| or a comparison is safe.",
)
def relu_by_square_root(z):
    z = np.asarray(z, dtype=float)
    return (z + np.sqrt(z**2)) / 2.0


@misconception(
    "relu", "is capped at six", at_most=0.65,
    says="This is ReLU6, which stops at 6. The ReLU asked for has no upper limit.",
)
def relu_capped(z):
    return np.clip(np.asarray(z, dtype=float), 0.0, 6.0)


@misconception(
    "relu", "compares the whole array at once", at_most=0.0,
    says="This takes one decision for the whole array. ReLU decides for each entry on its own: "
    "use np.maximum or np.where.",
)
def relu_whole_array(z):
    z = np.asarray(z, dtype=float)
    return z if np.max(z) > 0 else np.zeros_like(z)


# -------------------------------------------------------------------------------------------------- relu_derivative


@misconception(
    "relu_derivative", "is 1 at zero", at_most=0.8,
    says="z >= 0 counts z = 0 as active. At the corner the notebook fixes the derivative as 0.",
)
def relu_derivative_one_at_zero(z):
    return (np.asarray(z) >= 0).astype(float)


@misconception(
    "relu_derivative", "is one half at zero", at_most=0.8,
    says="One half is the mean of the two slopes at the corner. The notebook fixes the derivative there as 0.",
)
def relu_derivative_half_at_zero(z):
    return np.heaviside(np.asarray(z, dtype=float), 0.5)


@misconception(
    "relu_derivative", "divides relu(z) by z", at_most=0.65,
    says="relu(z) / z is the slope everywhere but at z = 0, where it is 0/0. A comparison has no such gap.",
)
def relu_derivative_by_division(z):
    z = np.asarray(z, dtype=float)
    return np.maximum(z, 0.0) / z


@misconception(
    "relu_derivative", "is the sign", at_most=0.0,
    says="This is the sign of z, the slope of |z|. To the left of zero ReLU is flat: its slope there is 0, not -1.",
)
def relu_derivative_is_sign(z):
    return np.sign(np.asarray(z, dtype=float))


@misconception(
    "relu_derivative", "is ReLU itself", at_most=0.0,
    says="This is max(0, z). Its slope is asked for, which is 0 or 1.",
)
def relu_derivative_is_relu(z):
    return np.maximum(np.asarray(z, dtype=float), 0.0)


@misconception(
    "relu_derivative", "has the sides swapped", at_most=0.0,
    says="The two sides are swapped: the slope is 1 where z is positive.",
)
def relu_derivative_swapped(z):
    return (np.asarray(z) <= 0).astype(float)


@misconception(
    "relu_derivative", "is leaky", at_most=0.0,
    says="This is leaky ReLU's derivative. Plain ReLU is flat for negative z: its slope there is exactly 0.",
)
def relu_derivative_is_leaky(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.01)


@misconception(
    "relu_derivative", "writes into the caller's array", at_most=0.6,
    says="The values are right, but they are written over the caller's pre-activations, "
    "and only an array can be written to.",
)
def relu_derivative_in_place(z):
    z[z <= 0] = 0
    z[z > 0] = 1
    return z


@misconception(
    "relu_derivative", "compares a list with a number", at_most=0.9,
    says="(z > 0) is right for numbers and arrays; a list cannot be compared with a number. Convert z first.",
)
def relu_derivative_not_for_lists(z):
    return 1.0 * (z > 0)


@misconception(
    "relu_derivative", "a steep sigmoid", at_most=0.0,
    says="A steep sigmoid comes close to a step, but not equal to it. The derivative is exactly 0 or 1.",
)
def relu_derivative_smooth(z):
    return stable_sigmoid(20.0 * np.asarray(z, dtype=float))


# -------------------------------------------------------------------------------------------- leaky_relu_derivative


@misconception(
    "leaky_relu_derivative", "ignores the slope argument", at_most=0.8,
    says="The default slope is written into the body, so that a slope given by the "
    "caller has no effect. Use the argument.",
)
def leaky_relu_derivative_fixed_slope(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, 0.01)


@misconception(
    "leaky_relu_derivative", "is 1 at zero", at_most=0.85,
    says="z = 0 was counted to the right side. The notebook counts it to the left, where the derivative is the slope.",
)
def leaky_relu_derivative_one_at_zero(z, slope=0.01):
    return np.where(np.asarray(z) >= 0, 1.0, slope)


@misconception(
    "leaky_relu_derivative", "is leaky ReLU itself", at_most=0.0,
    says="This is leaky ReLU's value, z or slope * z. Its derivative is asked for.",
)
def leaky_relu_derivative_is_leaky_relu(z, slope=0.01):
    z = np.asarray(z, dtype=float)
    return np.where(z > 0, z, slope * z)


@misconception(
    "leaky_relu_derivative", "multiplies the slope by z", at_most=0.0,
    says="On the left this is slope * z, the value of leaky ReLU. Its derivative there is the slope alone.",
)
def leaky_relu_derivative_slope_times_z(z, slope=0.01):
    z = np.asarray(z, dtype=float)
    return np.where(z > 0, 1.0, slope * z)


@misconception(
    "leaky_relu_derivative", "is plain ReLU's derivative", at_most=0.0,
    says="On the left this is 0, as for plain ReLU. The leak gives a slope there.",
)
def leaky_relu_derivative_without_leak(z, slope=0.01):
    return (np.asarray(z) > 0).astype(float)


@misconception(
    "leaky_relu_derivative", "has a negative slope", at_most=0.0,
    says="The slope got a minus sign: leaky ReLU still rises to the left of zero, only slowly.",
)
def leaky_relu_derivative_negative_slope(z, slope=0.01):
    return np.where(np.asarray(z) > 0, 1.0, -slope)


@misconception(
    "leaky_relu_derivative", "has the sides swapped", at_most=0.0,
    says="The two sides are swapped: the derivative is 1 where z is positive.",
)
def leaky_relu_derivative_swapped(z, slope=0.01):
    return np.where(np.asarray(z) > 0, slope, 1.0)


@misconception(
    "leaky_relu_derivative", "overwrites its own slopes", at_most=0.0,
    says="The slopes are written first and then overwritten, because a slope is itself positive: everything becomes 1. "
    "Work out the mask once, before anything is written.",
)
def leaky_relu_derivative_overwritten(z, slope=0.01):
    result = np.array(z, dtype=float)
    result[result <= 0] = slope
    result[result > 0] = 1.0
    return result


@misconception(
    "leaky_relu_derivative", "keeps integers", at_most=0.7,
    says="np.ones_like(z) of integers holds integers only, so that the slope is cut off to 0. "
    "Convert z to float first.",
)
def leaky_relu_derivative_truncated_for_integers(z, slope=0.01):
    z = np.asarray(z)
    result = np.ones_like(z)
    result[z <= 0] = slope
    return result


@misconception(
    "leaky_relu_derivative", "writes into the caller's array", at_most=0.6,
    says="The values are right, but they are written over the caller's pre-activations, "
    "and only an array can be written to.",
)
def leaky_relu_derivative_in_place(z, slope=0.01):
    positive = z > 0
    z[positive] = 1.0
    z[~positive] = slope
    return z


@misconception(
    "leaky_relu_derivative", "divides leaky ReLU by z", at_most=0.75,
    says="leaky_relu(z) / z is the slope everywhere but at z = 0, where it is 0/0. A comparison has no such gap.",
)
def leaky_relu_derivative_by_division(z, slope=0.01):
    z = np.asarray(z, dtype=float)
    return np.where(z > 0, z, slope * z) / z


# ----------------------------------------------------------------------------------------------- saturated_fraction


@misconception(
    "saturated_fraction", "counts instead of taking the share", at_most=0.0,
    says="This is the number of saturated entries. Divide by the number of all entries to get their share.",
)
def saturated_fraction_count(a_prime, threshold=1e-3):
    return float(np.sum(np.abs(np.asarray(a_prime, dtype=float)) < threshold))


@misconception(
    "saturated_fraction", "is the share that is not saturated", at_most=0.0,
    says="This is the share of entries above the threshold: the healthy ones. The saturated ones lie below it.",
)
def saturated_fraction_complement(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) >= threshold))


@misconception(
    "saturated_fraction", "is a percentage", at_most=0.0,
    says="This is a percentage. A fraction between 0 and 1 is asked for: leave out the factor of a hundred.",
)
def saturated_fraction_percentage(a_prime, threshold=1e-3):
    return 100.0 * float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))


@misconception(
    "saturated_fraction", "compares the mean derivative", at_most=0.0,
    says="This compares the mean of a' with the threshold, which gives one yes or no. "
    "Compare each entry first, then take the mean.",
)
def saturated_fraction_of_the_mean(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float))) < threshold)


@misconception(
    "saturated_fraction", "compares the mean of each unit", at_most=0.0,
    says="The derivatives of each unit were averaged before the comparison. Compare each entry first, then take the mean of all.",
)
def saturated_fraction_of_units(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.atleast_1d(np.asarray(a_prime, dtype=float))).mean(axis=0) < threshold))


@misconception(
    "saturated_fraction", "compares with the largest entry", at_most=0.0,
    says="The threshold was taken relative to the largest a'. It is a plain number, the same for every layer.",
)
def saturated_fraction_relative_to_largest(a_prime, threshold=1e-3):
    sizes = np.abs(np.asarray(a_prime, dtype=float))
    return float(np.mean(sizes < threshold * np.max(sizes)))


@misconception(
    "saturated_fraction", "forgets the absolute value", at_most=0.85,
    says="Every negative a' was counted as saturated. It is the size |a'| that tells.",
)
def saturated_fraction_signed(a_prime, threshold=1e-3):
    return float(np.mean(np.asarray(a_prime, dtype=float) < threshold))


@misconception(
    "saturated_fraction", "ignores the threshold argument", at_most=0.85,
    says="The default threshold is written into the body, so that a threshold given by the caller has no effect.",
)
def saturated_fraction_fixed_threshold(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < 1e-3))


@misconception(
    "saturated_fraction", "divides by the number of rows", at_most=0.75,
    says="len(a) is the number of rows. With more than one column there are more entries than that: use a.size.",
)
def saturated_fraction_divided_by_rows(a_prime, threshold=1e-3):
    a_prime = np.asarray(a_prime, dtype=float)
    return float(np.sum(np.abs(a_prime) < threshold)) / (len(a_prime) if a_prime.ndim else 1)


@misconception(
    "saturated_fraction", "gives one fraction for each column", at_most=0.75,
    says="This is one fraction for each unit. One number for the whole array is asked for: "
    "take the mean over all axes.",
)
def saturated_fraction_by_column(a_prime, threshold=1e-3):
    return np.mean(np.atleast_1d(np.abs(np.asarray(a_prime, dtype=float)) < threshold), axis=0)


@misconception(
    "saturated_fraction", "counts entries by looping over a flat list", at_most=0.95,
    says="len(a_prime) and a plain loop need a list or an array: a single number has no length. Convert it first.",
)
def saturated_fraction_not_for_numbers(a_prime, threshold=1e-3):
    len(a_prime)
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))


@misconception(
    "saturated_fraction", "squares the derivatives", at_most=0.9,
    says="Squaring removes the sign as the absolute value does, but it overflows for very large derivatives.",
)
def saturated_fraction_squared(a_prime, threshold=1e-3):
    return float(np.mean(np.asarray(a_prime, dtype=float) ** 2 < threshold**2))


@misconception(
    "saturated_fraction", "takes the absolute value in place", at_most=0.75,
    says="The share is right, but the caller's derivatives lost their signs on the way, "
    "and only an array can be written to.",
)
def saturated_fraction_in_place(a_prime, threshold=1e-3):
    np.abs(a_prime, out=a_prime)
    return float(np.mean(a_prime < threshold))


@misconception(
    "tanh_derivative", "works for one number at a time", at_most=0.0,
    says="math.cosh takes one number at a time. The function is asked to work on whole arrays: use NumPy's functions, or loop over "
    "the entries.",
)
def tanh_derivative_one_number(z):
    return 1.0 / math.cosh(z) ** 2


@misconception(
    "sigmoid_derivative", "works for one number at a time", at_most=0.0,
    says="math.exp takes one number at a time. The function is asked to work on whole arrays: use NumPy's functions, or loop over "
    "the entries.",
)
def sigmoid_derivative_one_number(z):
    return math.exp(-z) / (1.0 + math.exp(-z)) ** 2


@misconception(
    "relu", "works for one number at a time", at_most=0.0,
    says="`if` and max() ask about one number at a time; an array has many answers. Use np.where or np.maximum, or loop over the "
    "entries.",
)
def relu_one_number(z):
    return max(0, z)


@misconception(
    "relu_derivative", "works for one number at a time", at_most=0.0,
    says="`if` and max() ask about one number at a time; an array has many answers. Use np.where or np.maximum, or loop over the "
    "entries.",
)
def relu_derivative_one_number(z):
    return 1 if z > 0 else 0


@misconception(
    "leaky_relu_derivative", "works for one number at a time", at_most=0.0,
    says="`if` and max() ask about one number at a time; an array has many answers. Use np.where or np.maximum, or loop over the "
    "entries.",
)
def leaky_relu_derivative_one_number(z, slope=0.01):
    return 1.0 if z > 0 else slope
