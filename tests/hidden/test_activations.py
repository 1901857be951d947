"""Hidden checks of ps1: the derivatives of the activation functions.

Weights: an exercise's core checks carry little weight themselves, because nothing else counts without them; each
thing that often goes wrong (a lost tail, an overflow, a list as input) costs about a fifth of the exercise.
"""

import math

import numpy as np

from grading.checks import check

# Far out no relative accuracy is promised, and a lost tail costs its own check: here only the size of a value counts.
FAR = 1e-9
HUGE = np.array([-1e300, -1e150, -1e18, -1e6, -1e4, -720.0, 720.0, 1e4, 1e6, 1e18, 1e150, 1e300])

USE_ASARRAY = "Start with z = np.asarray(z, dtype=float): it accepts a number, a list and an array of any kind."
MAKE_A_COPY = (
    "Build a new array instead of writing into z: augmented assignments such as z *= ... and z[mask] = ... "
    "change the caller's array."
)


def mixed_signs(rng, *shape, smallest=0.05, largest=6.0):
    """Numbers of both signs, alternating along the flattened array, none near zero."""
    sizes = rng.uniform(smallest, largest, size=shape)
    signs = np.where(np.arange(sizes.size) % 2 == 0, 1.0, -1.0).reshape(shape)
    return sizes * signs


def ordinary_arrays(rng, largest=6.0):
    """Float arrays of one, two and three dimensions, each in a one-argument case.

    Half of them begin with a negative number: np.vectorize takes the type of all results from the first one.
    """
    shapes = [(9,), (1,), (4, 5), (3, 1), (1, 4), (2, 3, 4)]
    begins_positive = [(mixed_signs(rng, *shape, largest=largest),) for shape in shapes]
    return begins_positive + [(-mixed_signs(rng, *shape, largest=largest),) for shape in shapes]


SINGLE_NUMBERS = [(0.75,), (-1.25,), (2,), (-3,), (0.0,)]
LISTS = [
    ([0.5, -1.5, 2.25],), ([1, -2, 3],), ([[0.25, -1], [2, -0.75], [1.5, -3]],), ([-0.5],), ([-1, 2.5, -0.25],),
    ([[[-2.5, 1.0], [0.5, -0.125]]],),
]


def accepts_lists(student, *cases, **tolerances):
    """Lists give the right values, and are afterwards what they were before."""
    student.agrees(*cases, **tolerances)
    student.leaves_arguments_alone(*cases)


def integer_arrays(rng):
    values = rng.permutation(np.array([-4, -3, -3, -2, -1, -1, 1, 2, 2, 3, 4, 4], dtype=np.int64))
    return [(values[:7],), (values.reshape(3, 4),), (np.array([-1, 2, -3]),), (np.array([3, -2, 1]),)]


def arrays_to_leave_alone(rng):
    return [(mixed_signs(rng, 8),), (mixed_signs(rng, 3, 2),), (np.array([-4, 3, 0, -1, 6], dtype=np.int64),)]


# ---------------------------------------------------------------------------------------------------------- sigmoid


@check(
    "sigmoid", "gives the right values for arrays of ordinary numbers", weight=2, core=True,
    hint="The sigmoid is 1 / (1 + e^-z), entry by entry: compare your function with a few values worked out by hand, "
    "for both signs of z.",
)
def test_sigmoid_ordinary_values(student):
    student.agrees(*ordinary_arrays(student.rng), rtol=1e-12)


@check(
    "sigmoid", "is exact to 1e-12 far out in both tails", weight=4,
    hint="For very negative z the sigmoid is about e^z: small, but not zero. Clipping z, or going through a formula "
    "that subtracts two numbers close to each other, loses it.",
)
def test_sigmoid_tails(student):
    z = student.rng.uniform(30.0, 690.0, size=60)
    middle = np.linspace(6.0, 36.0, 31)
    student.agrees(
        (-z,), (z,), (-middle,), (middle,), (np.array([-699.5, -520.25, -40.0, 699.5, 700.0, -700.0]),), rtol=1e-12
    )


@check(
    "sigmoid", "causes no floating-point warning however large z is", weight=4,
    hint="e^-z overflows for very negative z. Only ever take the exponential of -|z|, and treat the two signs apart.",
)
def test_sigmoid_silent(student):
    student.is_silent((HUGE,), (np.linspace(-800.0, 800.0, 81),), atol=FAR)


@check("sigmoid", "accepts a single number", weight=2, hint=USE_ASARRAY)
def test_sigmoid_single_numbers(student):
    student.agrees(*SINGLE_NUMBERS, rtol=1e-12)


@check("sigmoid", "accepts a list and a nested list", weight=2, hint=USE_ASARRAY)
def test_sigmoid_lists(student):
    accepts_lists(student, *LISTS, rtol=1e-12)


@check(
    "sigmoid", "gives fractions for an array of integers", weight=2,
    hint="np.empty_like(z) and np.zeros_like(z) of an integer array hold integers only, so fractions are cut off. "
    "Convert to float first.",
)
def test_sigmoid_integer_arrays(student):
    student.agrees(*integer_arrays(student.rng), rtol=1e-12)


@check("sigmoid", "is 1 at plus infinity and 0 at minus infinity", weight=1,
       hint="Work out by hand what your formula does at both infinities: which exponential is infinite there?")
def test_sigmoid_infinities(student):
    student.agrees(
        (np.array([math.inf, -math.inf]),), (np.array([[-math.inf], [math.inf]]),),
        (np.array([1.5, -math.inf, -2.0, math.inf]),), rtol=1e-12,
    )


@check("sigmoid", "leaves its argument as it was", weight=2, hint=MAKE_A_COPY)
def test_sigmoid_argument(student):
    student.leaves_arguments_alone(*arrays_to_leave_alone(student.rng))


# ----------------------------------------------------------------------------------------------- sigmoid_derivative


@check(
    "sigmoid_derivative", "gives the right values for arrays of ordinary numbers", weight=2, core=True,
    hint="Differentiate 1 / (1 + e^-z) with respect to z, and mind that the argument is z, not y = sigmoid(z). "
    "A difference quotient is not accurate enough.",
)
def test_sigmoid_derivative_ordinary_values(student):
    student.agrees(*ordinary_arrays(student.rng, largest=8.0), rtol=1e-9)


@check(
    "sigmoid_derivative", "keeps its relative accuracy in the right tail", weight=4,
    hint="s(1 - s) loses the right tail: s rounds to 1 there, so 1 - s becomes 0. Write both factors with e^-|z|.",
)
def test_sigmoid_derivative_right_tail(student):
    student.agrees(
        (student.rng.uniform(20.0, 300.0, size=60),), (np.array([[18.5, 33.0], [40.0, 300.0]]),),
        (np.linspace(8.0, 38.0, 31),), rtol=1e-9,
    )


@check(
    "sigmoid_derivative", "keeps its relative accuracy in the left tail", weight=2,
    hint="For very negative z the derivative is about e^z: tiny, but not zero, and each digit of it counts.",
)
def test_sigmoid_derivative_left_tail(student):
    student.agrees(
        (-student.rng.uniform(20.0, 300.0, size=60),), (np.array([[-18.5, -33.0], [-40.0, -300.0]]),),
        (-np.linspace(8.0, 38.0, 31),), rtol=1e-9,
    )


@check(
    "sigmoid_derivative", "causes no floating-point warning however large z is", weight=4,
    hint="Only ever take the exponential of -|z|: it cannot overflow, and the derivative is the same for z and -z.",
)
def test_sigmoid_derivative_silent(student):
    student.is_silent((HUGE,), (np.linspace(-800.0, 800.0, 81),), atol=FAR)


@check("sigmoid_derivative", "accepts a single number", weight=2, hint=USE_ASARRAY)
def test_sigmoid_derivative_single_numbers(student):
    student.agrees(*SINGLE_NUMBERS, rtol=1e-9)


@check("sigmoid_derivative", "accepts a list and a nested list", weight=2, hint=USE_ASARRAY)
def test_sigmoid_derivative_lists(student):
    accepts_lists(student, *LISTS, rtol=1e-9)


@check(
    "sigmoid_derivative", "gives fractions for an array of integers", weight=2,
    hint="An array made with np.empty_like(z) or np.zeros_like(z) takes z's integer type and cuts fractions off. "
    "Convert to float first.",
)
def test_sigmoid_derivative_integer_arrays(student):
    student.agrees(*integer_arrays(student.rng), rtol=1e-9)


@check("sigmoid_derivative", "leaves its argument as it was", weight=2, hint=MAKE_A_COPY)
def test_sigmoid_derivative_argument(student):
    student.leaves_arguments_alone(*arrays_to_leave_alone(student.rng))


# -------------------------------------------------------------------------------------------------- tanh_derivative


@check(
    "tanh_derivative", "gives the right values for arrays of ordinary numbers", weight=2, core=True,
    hint="The derivative of tanh at z can be written with tanh(z) or with cosh(z); mind the square, and that the "
    "argument is z, not y = tanh(z).",
)
def test_tanh_derivative_ordinary_values(student):
    student.agrees(*ordinary_arrays(student.rng, largest=4.0), rtol=1e-9)


@check(
    "tanh_derivative", "keeps its relative accuracy in both tails", weight=5,
    hint="1 - tanh(z)^2 subtracts two numbers that round to 1. Write the derivative with e^-2|z| only, so that nothing "
    "cancels and nothing overflows.",
)
def test_tanh_derivative_tails(student):
    z = student.rng.uniform(10.0, 300.0, size=60)
    middle = np.linspace(4.0, 20.0, 33)
    student.agrees((z,), (-z,), (middle,), (-middle,), (np.array([[19.0, -19.0], [300.0, -300.0]]),), rtol=1e-9)


@check(
    "tanh_derivative", "causes no floating-point warning however large z is", weight=4,
    hint="cosh(z) and e^(2z) overflow. Only ever take the exponential of -2|z|.",
)
def test_tanh_derivative_silent(student):
    student.is_silent((HUGE,), (np.linspace(-800.0, 800.0, 81),), atol=FAR)


@check(
    "tanh_derivative", "is 1 at zero, and close to it just beside zero", weight=1,
    hint="tanh is steepest at zero. Does your formula divide by something that is zero there?",
)
def test_tanh_derivative_at_zero(student):
    student.agrees((np.array([0.0, 1e-12, -1e-6, 1e-4, -5e-4, 1e-3, 0.0]),), (np.zeros((2, 3)),), rtol=1e-9)


@check("tanh_derivative", "accepts a single number", weight=2, hint=USE_ASARRAY)
def test_tanh_derivative_single_numbers(student):
    student.agrees(*SINGLE_NUMBERS[:-1], rtol=1e-9)


@check("tanh_derivative", "accepts a list and a nested list", weight=2, hint=USE_ASARRAY)
def test_tanh_derivative_lists(student):
    accepts_lists(student, *LISTS, rtol=1e-9)


@check(
    "tanh_derivative", "gives fractions for an array of integers", weight=2,
    hint="An array made with np.empty_like(z) or np.ones_like(z) takes z's integer type and cuts fractions off. "
    "Convert to float first.",
)
def test_tanh_derivative_integer_arrays(student):
    student.agrees(*integer_arrays(student.rng), rtol=1e-9)


@check("tanh_derivative", "leaves its argument as it was", weight=2, hint=MAKE_A_COPY)
def test_tanh_derivative_argument(student):
    student.leaves_arguments_alone(*arrays_to_leave_alone(student.rng))


# ------------------------------------------------------------------------------------------------------------- relu


@check(
    "relu", "keeps the positive entries and sets the negative ones to zero", weight=2, core=True,
    hint="ReLU is max(0, z), entry by entry: look at one positive and one negative entry of your result.",
)
def test_relu_ordinary_values(student):
    student.agrees(*ordinary_arrays(student.rng), rtol=1e-9)


@check(
    "relu", "works for small and for very large numbers alike", weight=3,
    hint="max(0, z) needs no arithmetic at all. A detour through z^2 or an added "
    "constant spoils very large or small z.",
)
def test_relu_scales(student):
    sizes = 10.0 ** student.rng.uniform(-6, 300, size=40)
    student.agrees((sizes,), (-sizes,), (np.array([-1e300, 1e300, 1e-6, -1e-6]),), rtol=1e-9)


@check(
    "relu", "causes no floating-point warning, however large z is", weight=2,
    hint="No intermediate result should be larger than z itself.",
)
def test_relu_silent(student):
    student.is_silent((HUGE,), (np.array([[0.0, -0.5], [1e200, -1e200]]),), rtol=1e-9)


@check("relu", "accepts a single number", weight=3, hint=USE_ASARRAY)
def test_relu_single_numbers(student):
    student.agrees(*SINGLE_NUMBERS, rtol=1e-9)


@check("relu", "accepts a list and a nested list", weight=3, hint=USE_ASARRAY)
def test_relu_lists(student):
    accepts_lists(student, *LISTS, rtol=1e-9)


@check("relu", "accepts an array of integers", weight=1,
       hint="An integer array must give the same values as the float array with the same entries.")
def test_relu_integer_arrays(student):
    student.agrees(*integer_arrays(student.rng), (np.array([0, -70000, 70000], dtype=np.int64),), rtol=1e-9)


@check("relu", "leaves its argument as it was", weight=3, hint=MAKE_A_COPY)
def test_relu_argument(student):
    student.leaves_arguments_alone(*arrays_to_leave_alone(student.rng))


# -------------------------------------------------------------------------------------------------- relu_derivative


@check(
    "relu_derivative", "is 1 for positive entries and 0 for negative ones", weight=2, core=True,
    hint="Draw max(0, z) and read off its slope on either side of zero.",
)
def test_relu_derivative_ordinary_values(student):
    student.agrees(*ordinary_arrays(student.rng), rtol=1e-9)


@check(
    "relu_derivative", "is 0 at zero", weight=5,
    hint="At zero ReLU has a corner, so a convention is needed. The notebook fixes it: the derivative at 0 is 0.",
)
def test_relu_derivative_at_zero(student):
    student.agrees((np.array([0.0, 2.0, -2.0, 0.0]),), (np.zeros((2, 3)),), rtol=1e-9)


@check(
    "relu_derivative", "works for very large numbers without a warning", weight=3,
    hint="A comparison is enough: dividing by z, or an exponential, breaks down at zero or for large z.",
)
def test_relu_derivative_silent(student):
    student.is_silent((HUGE,), rtol=1e-9)
    student.is_silent((np.array([[0.0, 3.0], [-1e300, 1e300]]),), atol=1.0)     # the value at 0 has a check of its own


@check("relu_derivative", "accepts a single number", weight=3, hint=USE_ASARRAY)
def test_relu_derivative_single_numbers(student):
    student.agrees(*SINGLE_NUMBERS[:-1], rtol=1e-9)


@check("relu_derivative", "accepts a list and a nested list", weight=3, hint=USE_ASARRAY)
def test_relu_derivative_lists(student):
    accepts_lists(student, *LISTS, rtol=1e-9)


@check("relu_derivative", "accepts an array of integers", weight=2,
       hint="An integer array must give the same values as the float array with the same entries.")
def test_relu_derivative_integer_arrays(student):
    student.agrees(*integer_arrays(student.rng), rtol=1e-9)


@check("relu_derivative", "leaves its argument as it was", weight=3, hint=MAKE_A_COPY)
def test_relu_derivative_argument(student):
    student.leaves_arguments_alone(*arrays_to_leave_alone(student.rng))


# -------------------------------------------------------------------------------------------- leaky_relu_derivative


@check(
    "leaky_relu_derivative", "is 1 for positive entries and the default slope for negative ones", weight=2, core=True,
    hint="Leaky ReLU is z on the right and slope * z on the left. Asked for is its derivative, on both sides.",
)
def test_leaky_relu_derivative_ordinary_values(student):
    student.agrees(*ordinary_arrays(student.rng), rtol=1e-9)


@check(
    "leaky_relu_derivative", "uses the slope that it is given", weight=5,
    hint="The second argument replaces the default slope: use its name in the function's body, not a number.",
)
def test_leaky_relu_derivative_slopes(student):
    z = mixed_signs(student.rng, 3, 4)
    student.agrees((z, 0.2), (z, 0.0), (z, 1.0), (z.ravel(), float(student.rng.uniform(0.3, 0.9))), rtol=1e-9)


@check(
    "leaky_relu_derivative", "is the slope at zero", weight=4,
    hint="The notebook fixes the value at the corner: z = 0 belongs to the left side.",
)
def test_leaky_relu_derivative_at_zero(student):
    student.agrees((np.array([0.0, 2.0, -2.0, 0.0]),), (np.zeros((2, 3)),), rtol=1e-9)


@check(
    "leaky_relu_derivative", "works for very large numbers without a warning", weight=2,
    hint="A comparison is enough: no division by z, no product with z.",
)
def test_leaky_relu_derivative_silent(student):
    student.is_silent((HUGE,), rtol=1e-9)
    student.is_silent((np.array([[0.0, 3.0], [-1e300, 1e300]]), 0.5), atol=1.0)     # 0 and slope have their own checks


@check("leaky_relu_derivative", "accepts a single number", weight=2, hint=USE_ASARRAY)
def test_leaky_relu_derivative_single_numbers(student):
    student.agrees(*SINGLE_NUMBERS[:-1], rtol=1e-9)


@check("leaky_relu_derivative", "accepts a list and a nested list", weight=2, hint=USE_ASARRAY)
def test_leaky_relu_derivative_lists(student):
    accepts_lists(student, *LISTS, rtol=1e-9)


@check(
    "leaky_relu_derivative", "gives fractions for an array of integers", weight=3,
    hint="np.ones_like(z) of an integer array holds integers only, so that the slope is cut off to 0.",
)
def test_leaky_relu_derivative_integer_arrays(student):
    student.agrees(*integer_arrays(student.rng), rtol=1e-9)


@check("leaky_relu_derivative", "leaves its argument as it was", weight=3, hint=MAKE_A_COPY)
def test_leaky_relu_derivative_argument(student):
    student.leaves_arguments_alone(*arrays_to_leave_alone(student.rng))


# ----------------------------------------------------------------------------------------------- saturated_fraction


def derivatives(rng, *shape, saturated):
    """Positive derivatives, `saturated` of them below the default threshold, the others above, one of each near it."""
    size = math.prod(shape)
    small = 10.0 ** rng.uniform(-8.0, -3.3, size=saturated)
    ordinary = rng.uniform(2e-3, 1.2, size=size - saturated)
    small[:1], ordinary[:1] = 9.999e-4, 1.0001e-3
    return rng.permutation(np.concatenate([small, ordinary])).reshape(shape)


@check(
    "saturated_fraction", "is the share of entries below the default threshold", weight=2, core=True,
    hint="Count the entries that are smaller than the threshold and divide by the number of entries. "
    "The mean of a bool array does both.",
)
def test_saturated_fraction_of_rows(student):
    sizes = [(8, 2), (7, 5), (11, 3), (5, 0), (6, 6), (9, 4), (3, 1)]
    zeros = np.array([0.0, 0.25, 0.0, 0.0, 1.0])
    student.agrees(*[(derivatives(student.rng, n, saturated=k),) for n, k in sizes], (zeros,), rtol=1e-9)


@check(
    "saturated_fraction", "is one number for an array of any shape", weight=4,
    hint="len(a) counts rows, and a mean over one axis leaves an array. All entries count alike: a.size of them.",
)
def test_saturated_fraction_shapes(student):
    cases = [((4, 5), 7), ((5, 4), 13), ((1, 6), 2), ((6, 1), 5), ((2, 3, 4), 9)]
    student.agrees(*[(derivatives(student.rng, *shape, saturated=k),) for shape, k in cases], rtol=1e-9)


@check(
    "saturated_fraction", "uses the threshold that it is given", weight=4,
    hint="The second argument replaces the default: use its name in the function's body, not a number.",
)
def test_saturated_fraction_thresholds(student):
    a_prime = derivatives(student.rng, 40, saturated=15)
    near = np.array([0.0999, 0.1001, 0.09999, 0.10001, 0.0, 0.5])
    student.agrees((a_prime, 0.1), (a_prime, 1e-5), (a_prime, 10.0), (a_prime, 1e-6), (near, 0.1), rtol=1e-9)


@check(
    "saturated_fraction", "looks at the size of an entry, not at its sign", weight=4,
    hint="Some activations have negative derivatives, and a large negative one is not saturated: compare |a'|.",
)
def test_saturated_fraction_negative_derivatives(student):
    a_prime = derivatives(student.rng, 30, saturated=8)
    signs = np.where(np.arange(30) % 2 == 0, 1.0, -1.0)
    student.agrees((a_prime * signs,), (-a_prime,), rtol=1e-9)


@check(
    "saturated_fraction", "causes no floating-point warning for very large derivatives", weight=3,
    hint="Compare |a'| with the threshold. Squaring both sides overflows.",
)
def test_saturated_fraction_silent(student):
    student.is_silent((np.array([1e250, 1e200, 1e-5]),))
    student.is_silent((np.array([1e300, -1e300]),), (np.array([1e250, -1e200]),), atol=1.0)     # signs: see above


@check(
    "saturated_fraction", "accepts a single number", weight=2,
    hint="np.asarray(a_prime) makes an array of a number, too: it has one entry and no axis.",
)
def test_saturated_fraction_single_numbers(student):
    student.agrees((1e-5,), (0.2,), (1,), (0,), rtol=1e-9)


@check(
    "saturated_fraction", "accepts lists, nested lists and integers", weight=2,
    hint="A list cannot be compared with a number: start with np.asarray(a_prime).",
)
def test_saturated_fraction_lists_and_integers(student):
    lists = [([0.2, 1e-6, 0.1],), ([[0, 1, 1], [1, 0, 0]],), ([1, 1, 0, 1, 1],)]
    accepts_lists(student, *lists, (student.rng.integers(0, 2, size=(4, 6)),), rtol=1e-9)


@check(
    "saturated_fraction", "leaves its argument as it was", weight=3,
    hint="Taking the absolute value in place, or sorting in place, changes the caller's array.",
)
def test_saturated_fraction_argument(student):
    a_prime = derivatives(student.rng, 12, saturated=5)
    student.leaves_arguments_alone((a_prime,), (-a_prime.reshape(4, 3),), (np.array([1, 0, -1, 1, 0]),))
