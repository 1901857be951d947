"""Hidden checks of ps5: the remedies that keep the product of gradients near one.

What is wrong on ordinary inputs fails a core check; what is wrong on a case that the contract names (eps inside the root, a
constant row, a gate of zero, an unknown name) earns at most 40 %. Where signs are mixed, terms may cancel: there 1e-9 of the
largest terms, which are of order one or ten, is allowed beside the relative tolerance.
"""

import numpy as np

from grading.checks import check

MIXED_SIGNS = {"rtol": 1e-9, "atol": 1e-9}
ONE_SIGN = {"rtol": 1e-9}
GELU_ERROR = {"rtol": 0.0, "atol": 1e-9}
NAMED = 0.4     # the most that an exercise earns while a case that its contract names is wrong

MAKE_A_COPY = (
    "Make new arrays: augmented assignments (+=, *=, -=, /=) and z[...] = ... change what the caller holds."
)
ONE_ROW = (
    "Keep both axes, whatever their lengths: no squeeze, no special case for one row. "
    "A matrix with one row is not a vector."
)
USE_ASARRAY = "Start with z = np.asarray(z, dtype=float): it accepts a number, a list and an array of any kind."
SHAPES = ((5, 3), (2, 6), (4, 4))


# ------------------------------------------------------------------------------------------------------ initial_std


FANS = ((50, 8), (3, 47), (7, 11), (1000, 30), (12, 700), (64, 64))


@check(
    "initial_std", "gives He's standard deviation for relu", weight=2, core=True,
    hint="For relu it is the root of 2 / fan_in. fan_out does not count, and the root must not be left out: the number is a "
    "standard deviation.",
)
def test_initial_std_relu(student):
    student.agrees(*[(fan_in, fan_out, "relu") for fan_in, fan_out in FANS], rtol=1e-9)


@check(
    "initial_std", "gives Glorot's standard deviation for sigmoid, tanh and identity", weight=2, core=True,
    hint="For these three it is the root of 2 / (fan_in + fan_out): mind the brackets.",
)
def test_initial_std_glorot(student):
    student.agrees(
        *[(fan_in, fan_out, name) for fan_in, fan_out in FANS for name in ("sigmoid", "tanh", "identity")], rtol=1e-9
    )


@check(
    "initial_std", "raises a ValueError for every other name", weight=3, most=NAMED,
    hint="Ask for the names that are known, one by one or in a list, and end with raise ValueError(...). An else that "
    "serves all other names hides a spelling mistake, and a dict by itself raises a KeyError.",
)
def test_initial_std_other_names(student):
    student.refuses(*[(8, 24, name) for name in ("gelu", "leaky_relu", "softmax", "sigmoids", "", "linear", "elu", "relu ", " tanh")])


@check(
    "initial_std", "takes the names in lower case only", weight=2, most=NAMED,
    hint="The contract knows four names, all in lower case: 'ReLU' is another name. Compare with ==, without lower().",
)
def test_initial_std_capitals(student):
    student.refuses((8, 24, "ReLU"), (8, 24, "Tanh"), (8, 24, "SIGMOID"), (8, 24, "Identity"))


@check("initial_std", "works for layers with a single unit on either side", weight=2, most=NAMED,
       hint="A fan of 1 is a fan like any other: nothing has to be treated apart.")
def test_initial_std_single_units(student):
    student.agrees(*[(fan_in, fan_out, name) for fan_in, fan_out in ((1, 1), (1, 9), (9, 1))
                     for name in ("relu", "tanh", "identity")], rtol=1e-9)


@check("initial_std", "works for layers of a million units", weight=2, most=NAMED,
       hint="The standard deviation of a wide layer is small, and it is still a number worth having: round nothing, "
       "and use / rather than //.")
def test_initial_std_wide(student):
    student.agrees(*[(fan_in, fan_out, name) for fan_in, fan_out in ((1000000, 5), (5, 1000000))
                     for name in ("relu", "sigmoid")], rtol=1e-9)


# -------------------------------------------------------------------------------------------------- gelu_derivative


def both_signs(rng, *shape, largest=4.0):
    """Numbers of both signs, alternating along the flattened array, none near zero; the first is negative."""
    sizes = rng.uniform(0.05, largest, size=shape)
    return sizes * np.where(np.arange(sizes.size) % 2 == 0, -1.0, 1.0).reshape(shape)


@check(
    "gelu_derivative", "is Phi(z) + z phi(z) to 1e-9 for arrays of ordinary numbers", weight=2, core=True,
    hint="Apply the product rule to z Phi(z), and mind the constants: erf takes z / sqrt(2), and phi has 1 / sqrt(2 pi). "
    "Neither the approximation by tanh nor a one-sided difference quotient is exact enough.",
)
def test_gelu_derivative_values(student):
    student.agrees(*[(both_signs(student.rng, *shape),) for shape in ((40,), (1,), (5, 4), (3, 1), (2, 3, 4))], **GELU_ERROR)


@check(
    "gelu_derivative", "stays exact far out on both sides", weight=3, most=NAMED,
    hint="Between 4 and 40 the derivative approaches 0 on the left and 1 on the right, and is never cut off. A series or a "
    "table that ends somewhere is not enough.",
)
def test_gelu_derivative_far(student):
    far = student.rng.uniform(4.0, 9.0, size=30)
    beside_ordinary = np.array([[-40.0, -30.5, -12.0], [0.7, -1.3, 0.2], [12.0, 26.0, 40.0]])
    student.agrees((far,), (-far,), (beside_ordinary,), (-beside_ordinary,), **GELU_ERROR)


@check("gelu_derivative", "is right at zero and close to it", weight=2, most=NAMED,
       hint="At z = 0 the derivative is 0.5, and nothing has to be divided by z.")
def test_gelu_derivative_zero(student):
    student.agrees((np.array([0.0, -0.0, 1e-12, -1e-12, 1e-5, -1e-5]),), (np.zeros((2, 2)),), **GELU_ERROR)


@check("gelu_derivative", "accepts a single number", weight=2, most=NAMED, hint=USE_ASARRAY)
def test_gelu_derivative_single_numbers(student):
    student.agrees((0.75,), (-1.25,), (2,), (-3,), (0,), **GELU_ERROR)


@check("gelu_derivative", "accepts a list and a nested list", weight=2, most=NAMED, hint=USE_ASARRAY)
def test_gelu_derivative_lists(student):
    student.agrees(([0.5, -1.5, 2.25],), ([1, -2, 3],), ([[0.25, -1], [2, -0.75], [1.5, -3]],), ([-0.5],), **GELU_ERROR)


@check(
    "gelu_derivative", "gives fractions for an array of integers", weight=2, most=NAMED,
    hint="np.empty_like(z) and np.zeros_like(z) of an integer array hold integers only, so fractions are cut off. "
    "Convert to float first.",
)
def test_gelu_derivative_integer_arrays(student):
    values = student.rng.permutation(np.array([-4, -3, -2, -1, -1, 0, 1, 1, 2, 3, 4, 5], dtype=np.int64))
    student.agrees((values[:7],), (values.reshape(3, 4),), **GELU_ERROR)


HUGE = np.array([-1e300, -1e155, -1e18, -1e4, -50.0, 50.0, 1e4, 1e18, 1e155, 1e300])


@check(
    "gelu_derivative", "is 0 on the left and 1 on the right however large z is", weight=2, most=NAMED,
    hint="Work out by hand what your formula does for z = 1e300: inf times 0 is not a number.",
)
def test_gelu_derivative_huge_values(student):
    student.agrees((HUGE,), **GELU_ERROR)


@check(
    "gelu_derivative", "causes no floating-point warning however large z is", weight=3,
    hint="z * z overflows from 1e155 on. Beyond |z| = 40 the derivative is 0 or 1 to the last digit: clip z there first.",
)
def test_gelu_derivative_silent(student):
    student.is_silent((HUGE,), (np.linspace(-60.0, 60.0, 61),), **GELU_ERROR)


@check("gelu_derivative", "leaves its argument as it was", weight=2, most=NAMED, hint=MAKE_A_COPY)
def test_gelu_derivative_argument(student):
    student.leaves_arguments_alone(
        (both_signs(student.rng, 8),), (both_signs(student.rng, 3, 2, largest=90.0),), (np.array([-4, 3, 0, -60, 6]),)
    )


# ------------------------------------------------------------------------------------------- residual_backward_step


def residual_layer(rng, m, n, activation, size=4.0):
    """loss_grad with entries of both signs, some above 5, ordinary z, and a square W that is not symmetric."""
    return size * rng.normal(size=(m, n)), 1.5 * rng.normal(size=(m, n)), rng.normal(size=(n, n)), activation


@check(
    "residual_backward_step", "adds the gradient of both paths, for sigmoid and tanh", weight=2, core=True,
    hint="Around the layer comes loss_grad itself, undiminished; through the layer comes backward_step. The sum of the two "
    "is the result: the shortcut has neither a'(z) nor W in it.",
)
def test_residual_backward_step_curved(student):
    student.agrees(
        *[residual_layer(student.rng, m, n, name) for m, n in SHAPES for name in ("sigmoid", "tanh")], **MIXED_SIGNS
    )


@check(
    "residual_backward_step", "adds the gradient of both paths, for relu and identity", weight=2, core=True,
    hint="Hand the name on to backward_step or activation_derivative. A unit that is off stops the path through the layer, not "
    "the shortcut.",
)
def test_residual_backward_step_straight(student):
    student.agrees(
        *[residual_layer(student.rng, m, n, name) for m, n in SHAPES for name in ("relu", "identity")], **MIXED_SIGNS
    )


@check("residual_backward_step", "works for a batch of one and a layer of one unit", weight=3, most=NAMED, hint=ONE_ROW)
def test_residual_backward_step_ones(student):
    student.agrees(*[residual_layer(student.rng, m, n, name) for m, n in ((1, 4), (3, 1), (1, 1))
                     for name in ("tanh", "relu")], **MIXED_SIGNS)


@check(
    "residual_backward_step", "lets only the shortcut past a ReLU unit with z = 0", weight=2, most=NAMED,
    hint="Where z is exactly 0, ReLU's derivative counts as 0 here: activation_derivative knows this convention.",
)
def test_residual_backward_step_relu_at_zero(student):
    loss_grad, z, W, _ = residual_layer(student.rng, 3, 4, "relu")
    student.agrees(
        (loss_grad, z * np.array([0.0, 1.0, 0.0, -1.0]), W, "relu"), (loss_grad, 0.0 * z, W, "relu"), **MIXED_SIGNS
    )


def one_sign(rng, m, n, activation, scale):
    W = rng.uniform(0.2, 1.0, size=(n, n))
    return scale * rng.uniform(0.5, 2.0, size=(m, n)), rng.uniform(-2.0, 2.0, size=(m, n)), W, activation


@check(
    "residual_backward_step", "keeps tiny and huge gradients as they are", weight=2, most=NAMED,
    hint="Clip nothing, round nothing, add no small constant: a gradient of 1e-140 is a gradient.",
)
def test_residual_backward_step_scales(student):
    student.agrees(
        *[one_sign(student.rng, 3, 4, name, scale) for scale in (1e-140, 1e-12, 1e6, 1e140) for name in ("sigmoid", "tanh")],
        **ONE_SIGN,
    )


SATURATED = (
    "Take a' from activation_derivative or backward_step, which stay silent for every z; a derivative of your own "
    "overflows when one unit has |z| = 800."
)


def saturated_layers(rng):
    for name in ("sigmoid", "tanh", "relu", "identity"):
        loss_grad, z, W, _ = residual_layer(rng, 4, 3, name)
        z[0] = [800.0, -900.0, 0.5]
        z[2] = [-60.0, 1e4, -1e6]
        yield loss_grad, z, W, name


@check("residual_backward_step", "is right beside units that are saturated far out", weight=2, most=NAMED, hint=SATURATED)
def test_residual_backward_step_saturated(student):
    student.agrees(*saturated_layers(student.rng), **MIXED_SIGNS)


@check("residual_backward_step", "causes no floating-point warning", weight=2, hint=SATURATED)
def test_residual_backward_step_silent(student):
    student.is_silent(*saturated_layers(student.rng), **MIXED_SIGNS)


@check("residual_backward_step", "leaves its arguments as they were", weight=3, most=NAMED, hint=MAKE_A_COPY)
def test_residual_backward_step_arguments(student):
    student.leaves_arguments_alone(
        residual_layer(student.rng, 4, 3, "tanh"), residual_layer(student.rng, 3, 3, "relu"),
        residual_layer(student.rng, 1, 2, "identity"), residual_layer(student.rng, 2, 4, "sigmoid"),
    )


# ------------------------------------------------------------------------------------------------------- layer_norm


def affine(rng, n):
    """gain and shift: of both signs, neither one nor zero."""
    signs = np.where(np.arange(n) % 3 == 1, -1.0, 1.0)
    return signs * rng.uniform(0.3, 2.5, size=n), rng.uniform(0.2, 3.0, size=n) * signs[::-1]


def rows(rng, m, n, spread=2.0):
    """Rows with means and spreads of their own."""
    return rng.uniform(-3.0, 3.0, size=(m, 1)) + spread * rng.uniform(0.4, 1.6, size=(m, 1)) * rng.normal(size=(m, n))


def normalisation(rng, m, n, *eps, spread=2.0):
    return rows(rng, m, n, spread), *affine(rng, n), *eps


TINY_SPREADS = ((1e-3, 1e-6), (1e-4, 1e-7), (3e-3, 1e-5), (1e-7, 1e-12))
INSIDE_THE_ROOT = (
    "The root is sqrt(variance + eps), not sqrt(variance) + eps: the two differ where the variance is small. "
    "Do not leave eps out either."
)
CONSTANT_ROW = (
    "A row of equal numbers has the variance 0: with eps inside the root nothing is divided by 0, and each number of the row "
    "equals its mean."
)
TWO_PASSES = (
    "The mean of the squares minus the square of the mean loses its digits if the mean is large. Subtract the mean first, "
    "then square. And stay with float64."
)


@check(
    "layer_norm", "gives each row mean 0 and variance 1, then gain and shift", weight=2, core=True,
    hint="Mean and variance run along axis=1, one number for each row (keepdims=True keeps the shapes together), the variance is "
    "divided by n, and gain and shift have one entry for each unit.",
)
def test_layer_norm_values(student):
    student.agrees(*[normalisation(student.rng, m, n, 1e-5) for m, n in (*SHAPES, (3, 8), (7, 2))], **MIXED_SIGNS)


@check(
    "layer_norm", "uses the eps that it is given", weight=2, core=True,
    hint="The last argument replaces the default: use its name in the function's body, not a number.",
)
def test_layer_norm_eps(student):
    student.agrees(
        *[normalisation(student.rng, m, n, eps) for (m, n), eps in zip(SHAPES, (0.5, 0.03, 7.0))], **MIXED_SIGNS
    )


@check("layer_norm", "adds eps inside the root: rows of tiny variance", weight=3, most=NAMED, hint=INSIDE_THE_ROOT)
def test_layer_norm_tiny_variance(student):
    student.agrees(
        *[normalisation(student.rng, 9, 5, eps, spread=spread) for spread, eps in TINY_SPREADS], rtol=1e-7, atol=1e-7
    )


@check("layer_norm", "adds 1e-5 to the variance unless it is told otherwise", weight=2, most=NAMED,
       hint="The signature's default is eps=1e-5, and it is added to the variance itself.")
def test_layer_norm_default_eps(student):
    student.agrees(
        normalisation(student.rng, 4, 3), normalisation(student.rng, 3, 6, spread=3e-3), rtol=1e-9, atol=1e-8
    )


def constant_rows(rng, n):
    """z with two constant rows among others; the constants are whole numbers, so that every mean is exact."""
    z = rows(rng, 4, n)
    z[1], z[3] = 7.0, 0.0
    return z


@check("layer_norm", "gives the shift for a constant row", weight=2, most=NAMED, hint=CONSTANT_ROW)
def test_layer_norm_constant_row(student):
    student.agrees(
        *[(constant_rows(student.rng, 4), *affine(student.rng, 4), eps) for eps in (1e-5, 0.5, 1e-8)], **MIXED_SIGNS
    )


@check("layer_norm", "keeps its digits for rows far from zero", weight=2, most=NAMED, hint=TWO_PASSES)
def test_layer_norm_far_rows(student):
    cases = []
    for offset in (1e6, -1e6):
        z, gain, shift, eps = normalisation(student.rng, 4, 5, 0.1)
        cases.append((z + offset, gain, shift, eps))
    student.agrees(*cases, rtol=1e-7, atol=1e-7)


@check("layer_norm", "works for a batch of one and a layer of one unit", weight=3, most=NAMED, hint=ONE_ROW)
def test_layer_norm_ones(student):
    student.agrees(*[normalisation(student.rng, m, n, 0.01) for m, n in ((1, 5), (4, 1), (1, 1))], **MIXED_SIGNS)


ANY_SIZE = "A row times 1e100 has the same result, apart from eps: clip nothing, and raise the variance to no high power."


def rows_of_any_size(rng):
    return [normalisation(rng, 3, 4, 1e-5, spread=spread) for spread in (1e3, 1e20, 1e60)]


@check("layer_norm", "gives the same for rows of any size", weight=2, most=NAMED, hint=ANY_SIZE)
def test_layer_norm_scales(student):
    student.agrees(*rows_of_any_size(student.rng), **MIXED_SIGNS)


@check("layer_norm", "causes no floating-point warning", weight=2, hint=f"{CONSTANT_ROW} {ANY_SIZE}")
def test_layer_norm_silent(student):
    student.is_silent(
        *rows_of_any_size(student.rng), (constant_rows(student.rng, 4), *affine(student.rng, 4)), **MIXED_SIGNS
    )


@check("layer_norm", "leaves its arguments as they were", weight=3, most=NAMED, hint=MAKE_A_COPY)
def test_layer_norm_arguments(student):
    student.leaves_arguments_alone(
        normalisation(student.rng, 4, 3, 0.1), normalisation(student.rng, 3, 3), normalisation(student.rng, 1, 4)
    )


# ---------------------------------------------------------------------------------------------- layer_norm_backward


def backward_case(rng, m, n, *eps, spread=2.0):
    """loss_grad with a mean and rows of their own, z, gain, and eps if it is given."""
    loss_grad = rng.uniform(0.5, 2.0, size=(m, 1)) + 2.0 * rng.normal(size=(m, n))
    return loss_grad, rows(rng, m, n, spread), affine(rng, n)[0], *eps


@check(
    "layer_norm_backward", "gives dz, dgain and dshift for ordinary rows", weight=2, core=True,
    hint="dshift sums loss_grad over the batch and dgain sums loss_grad times the normalised z. For dz multiply loss_grad by gain "
    "first; from that take its mean over the row, and the normalised z times the row's mean of that product with the "
    "normalised z; then divide by the root.",
)
def test_layer_norm_backward_values(student):
    student.agrees(*[backward_case(student.rng, m, n, 1e-5) for m, n in (*SHAPES, (3, 8), (6, 3), (7, 2))], **MIXED_SIGNS)


@check(
    "layer_norm_backward", "uses the eps that it is given", weight=2, core=True,
    hint="The same root stands in all three paths: sqrt(variance + eps), with the eps of the argument.",
)
def test_layer_norm_backward_eps(student):
    student.agrees(*[backward_case(student.rng, m, n, eps) for (m, n), eps in zip(SHAPES, (0.5, 0.03, 7.0))], **MIXED_SIGNS)


@check("layer_norm_backward", "adds eps inside the root: rows of tiny variance", weight=3, most=NAMED, hint=INSIDE_THE_ROOT)
def test_layer_norm_backward_tiny_variance(student):
    for spread, eps in TINY_SPREADS:
        student.agrees(backward_case(student.rng, 9, 5, eps, spread=spread), rtol=1e-7, atol=1e-7 / np.sqrt(eps))


@check("layer_norm_backward", "adds 1e-5 to the variance unless it is told otherwise", weight=2, most=NAMED,
       hint="The signature's default is eps=1e-5, and it is added to the variance itself.")
def test_layer_norm_backward_default_eps(student):
    student.agrees(backward_case(student.rng, 4, 3), rtol=1e-9, atol=1e-8)
    student.agrees(backward_case(student.rng, 3, 6, spread=3e-3), rtol=1e-9, atol=1e-6)


@check("layer_norm_backward", "is right for a constant row", weight=2, most=NAMED, hint=CONSTANT_ROW)
def test_layer_norm_backward_constant_row(student):
    cases = []
    for eps in (1e-5, 0.5, 1e-8):
        loss_grad, _, gain = backward_case(student.rng, 4, 4)
        cases.append((loss_grad, constant_rows(student.rng, 4), gain, eps))
    student.agrees(*cases, rtol=1e-9, atol=1e-7)


@check("layer_norm_backward", "keeps its digits for rows far from zero", weight=2, most=NAMED, hint=TWO_PASSES)
def test_layer_norm_backward_far_rows(student):
    cases = []
    for offset in (1e6, -1e6):
        loss_grad, z, gain, eps = backward_case(student.rng, 4, 5, 0.1)
        cases.append((loss_grad, z + offset, gain, eps))
    student.agrees(*cases, rtol=1e-6, atol=1e-6)


@check("layer_norm_backward", "works for a batch of one and a layer of one unit", weight=3, most=NAMED, hint=ONE_ROW)
def test_layer_norm_backward_ones(student):
    student.agrees(*[backward_case(student.rng, m, n, 0.01) for m, n in ((1, 5), (4, 1), (1, 1))], **MIXED_SIGNS)


LARGE = "dz shrinks as the row grows, by the root in the denominator, and grows with loss_grad. Clip nothing."


def large_cases(rng):
    """(case, what size of dz to expect)."""
    for spread, scale in ((2.0, 1e12), (1e3, 1e5), (1e20, 1.0), (1e20, 1e20), (1e40, 1e40)):
        loss_grad, z, gain, eps = backward_case(rng, 3, 4, 1e-5, spread=spread)
        yield (scale * loss_grad, z, gain, eps), scale / spread


@check("layer_norm_backward", "is right for large rows and large gradients", weight=2, most=NAMED, hint=LARGE)
def test_layer_norm_backward_scales(student):
    for case, size in large_cases(student.rng):
        student.agrees(case, rtol=1e-7, atol=1e-9 * size)


@check("layer_norm_backward", "causes no floating-point warning", weight=2, hint=f"{CONSTANT_ROW} {LARGE}")
def test_layer_norm_backward_silent(student):
    for case, size in large_cases(student.rng):
        student.is_silent(case, rtol=1e-7, atol=1e-9 * size)
    loss_grad, _, gain = backward_case(student.rng, 4, 4)
    student.is_silent((loss_grad, constant_rows(student.rng, 4), gain), rtol=1e-9, atol=1e-7)


@check("layer_norm_backward", "leaves its arguments as they were", weight=3, most=NAMED, hint=MAKE_A_COPY)
def test_layer_norm_backward_arguments(student):
    student.leaves_arguments_alone(
        backward_case(student.rng, 4, 3, 0.1), backward_case(student.rng, 3, 3), backward_case(student.rng, 1, 4)
    )


# ---------------------------------------------------------------------------------------------- cell_state_gradient


def cell_path(rng, T, m, n, smallest=0.2):
    """A loss_grad of both signs and unequal gates; the first and the last gates differ from all others."""
    signs = np.where(np.arange(m * n) % 3 == 1, -1.0, 1.0).reshape(m, n)
    return signs * rng.uniform(0.5, 3.0, size=(m, n)), rng.uniform(smallest, 0.98, size=(T, m, n))


@check(
    "cell_state_gradient", "is loss_grad times the gates of all steps after t", weight=2, core=True,
    hint="Start from the last entry, which is loss_grad itself, and go back: each step multiplies by the gate of the step just "
    "passed, elementwise. There are T + 1 entries; the gate of step t has index t - 1.",
)
def test_cell_state_gradient_values(student):
    student.agrees(*[cell_path(student.rng, *shape) for shape in ((4, 2, 3), (7, 3, 2), (3, 4, 4), (5, 5, 3))], **ONE_SIGN)


@check(
    "cell_state_gradient", "is 0 before a gate of 0, and unharmed after it", weight=4, most=NAMED,
    hint="A gate of 0 ends the path of its own unit and example. Dividing the whole product by its first factors makes 0/0 of "
    "that, and a logarithm of 0 is -inf: build each entry by multiplication, from the last one.",
)
def test_cell_state_gradient_zero_gates(student):
    cases = []
    for places in ([(2, 0, 1)], [(0, 1, 0)], [(4, 1, 2)], [(1, 0, 0), (3, 0, 0), (2, 1, 1)]):
        loss_grad, gates = cell_path(student.rng, 5, 2, 3)
        for place in places:
            gates[place] = 0.0
        cases.append((loss_grad, gates))
    student.agrees(*cases, **ONE_SIGN)


@check("cell_state_gradient", "passes open gates, and a loss_grad of 0, unchanged", weight=2, most=NAMED,
       hint="A gate of 1 changes nothing, and a gradient of 0 stays 0: no gate is clipped, nothing is divided by loss_grad.")
def test_cell_state_gradient_open_gates(student):
    loss_grad, gates = cell_path(student.rng, 4, 3, 2)
    gates[1], gates[2, 0] = 1.0, 1.0
    some_zero = loss_grad * np.array([0.0, 1.0])
    student.agrees((loss_grad, gates), (loss_grad, np.ones((4, 3, 2))), (some_zero, gates), **ONE_SIGN)


@check(
    "cell_state_gradient", "keeps its digits over hundreds of steps", weight=3, most=NAMED,
    hint="Gates of 0.9 leave 1e-18 after 400 steps, and each digit of it counts: clip nothing, round nothing, stop "
    "nowhere before the first step.",
)
def test_cell_state_gradient_long(student):
    student.agrees(
        cell_path(student.rng, 400, 2, 2, smallest=0.7), cell_path(student.rng, 300, 2, 2, smallest=0.1), rtol=1e-8
    )


@check("cell_state_gradient", "works for one step, one example and one unit", weight=3, most=NAMED,
       hint="Keep all three axes, whatever their lengths. With one step there are two entries.")
def test_cell_state_gradient_ones(student):
    student.agrees(*[cell_path(student.rng, *shape) for shape in ((1, 2, 3), (4, 1, 3), (4, 3, 1), (1, 1, 1))], **ONE_SIGN)


@check("cell_state_gradient", "takes gradients of any size", weight=2, most=NAMED,
       hint="The result is proportional to loss_grad, however small or large that is.")
def test_cell_state_gradient_scales(student):
    cases = []
    for scale in (1e-120, 1e-20, 1e8, 1e140):
        loss_grad, gates = cell_path(student.rng, 5, 2, 3)
        cases.append((scale * loss_grad, gates))
    student.agrees(*cases, **ONE_SIGN)


@check("cell_state_gradient", "causes no floating-point warning, with closed gates or without", weight=2,
       hint="Neither logarithms of zero nor divisions by zero are needed: multiply only.")
def test_cell_state_gradient_silent(student):
    loss_grad, gates = cell_path(student.rng, 6, 2, 3)
    closed = gates.copy()
    closed[3] = 0.0
    student.is_silent((loss_grad, gates), (loss_grad, closed), (loss_grad, 0.0 * gates), (0.0 * loss_grad, gates))


@check("cell_state_gradient", "leaves its arguments as they were", weight=3, most=NAMED, hint=MAKE_A_COPY)
def test_cell_state_gradient_arguments(student):
    student.leaves_arguments_alone(cell_path(student.rng, 5, 2, 3), cell_path(student.rng, 1, 2, 2), cell_path(student.rng, 3, 1, 1))
