"""Hidden checks of ps3: the product over layers, its size, and what the size means.

Where signs are mixed, terms may cancel: there entries are of order one and 1e-12 is allowed beside the relative
tolerance. Where sizes matter (tails, scales, depth), all terms are positive. Logarithms may lie near zero, so they
get an absolute tolerance, too.
"""

import math

import numpy as np

from grading.checks import check

MIXED_SIGNS = {"rtol": 1e-9, "atol": 1e-12}
ONE_SIGN = {"rtol": 1e-9}
LOGARITHMS = {"rtol": 1e-9, "atol": 1e-9, "logarithms": True}
DEEP_LOGARITHMS = {"rtol": 1e-9, "atol": 1e-7, "logarithms": True}

MAKE_A_COPY = (
    "Make new arrays and lists: augmented assignments (*=, /=, -=) and list.reverse() change what the caller holds. "
    "weights[::-1] and reversed(weights) do not."
)
ONE_ROW = (
    "Keep both axes, whatever their lengths: no squeeze, no special case for one row. "
    "A matrix with one row is not a vector."
)
RELU_AT_ZERO = "Where z is exactly 0, ReLU's derivative counts as 0 here: activation_derivative knows this convention."
GIVEN_DERIVATIVE = (
    "Take a' from activation_derivative(z, activation): s(1 - s) and 1 - tanh(z)^2 round to 0 in the tails."
)


def layers(rng, m, widths, activation):
    """A case (loss_grad, zs, weights, activation) with entries of order one and mixed signs."""
    zs = [rng.normal(size=(m, n)) for n in widths[1:]]
    weights = [rng.normal(size=(n_prev, n)) / np.sqrt(n_prev) for n_prev, n in zip(widths, widths[1:])]
    return rng.normal(size=(m, widths[-1])), zs, weights, activation


def positive_layers(rng, m, widths, activation, smallest=0.3, largest=0.9):
    """Like layers, but loss_grad, zs and weights are positive; the weights lie between smallest and largest."""
    zs = [rng.uniform(0.1, 1.5, size=(m, n)) for n in widths[1:]]
    weights = [rng.uniform(smallest, largest, size=(n_prev, n)) for n_prev, n in zip(widths, widths[1:])]
    return rng.uniform(0.5, 2.0, size=(m, widths[-1])), zs, weights, activation


def saturated_layers(rng, m, widths, activation, nearest, farthest):
    """Like positive_layers, but with pre-activations far out on both sides, unit by unit."""
    loss_grad, _, weights, _ = positive_layers(rng, m, widths, activation)
    sides = [np.where(np.arange(n) % 2 == 0, 1.0, -1.0) for n in widths[1:]]
    zs = [rng.uniform(nearest, farthest, size=(m, len(side))) * side for side in sides]
    return loss_grad, zs, weights, activation


def one_saturated(rng, m, widths, activation):
    """Like layers, but in each layer one unit of the first row lies so far out that e^|z| overflows."""
    loss_grad, zs, weights, _ = layers(rng, m, widths, activation)
    for z, far in zip(zs, (800.0, -1000.0, 1500.0)):
        z[0, 0] = far
    return loss_grad, zs, weights, activation


UNEQUAL = [(5, [3, 4, 2, 6]), (3, [2, 5, 3])]
SQUARE = [(4, [3, 3, 3, 3])]
ONES = [(4, [3, 2]), (1, [3, 4, 2]), (3, [2, 1, 3]), (1, [1, 1, 1]), (1, [1, 3, 1]), (1, [3, 1]), (4, [1, 1, 1])]
ORDINARY = ("sigmoid", "tanh", "relu")


# ------------------------------------------------------------------------------------------ scalar_gradient_product


def factors(rng, L):
    return float(rng.uniform(0.5, 3.0)), rng.uniform(0.05, 1.0, size=L), rng.uniform(0.3, 3.0, size=L)


@check(
    "scalar_gradient_product", "has loss_grad times the factors of all layers above l in entry l", weight=2, core=True,
    hint="Start from the last entry, which is loss_grad itself, and go down: each step multiplies by a' f' of the "
    "layer just passed. There are L + 1 entries.",
)
def test_scalar_gradient_product_values(student):
    cases = [factors(student.rng, L) for L in (6, 3, 9)]
    for L, sign in ((7, 1.0), (4, -1.0)):
        loss_grad, a_primes, f_primes = factors(student.rng, L)
        cases.append((sign * loss_grad, a_primes, f_primes * student.rng.permutation(np.resize([1.0, -1.0], L))))
    student.agrees(*cases, rtol=1e-9)


@check(
    "scalar_gradient_product", "works for negative factors", weight=4,
    hint="Weights are negative as often as positive. A sum of logarithms alone cannot hold a sign.",
)
def test_scalar_gradient_product_signs(student):
    cases = []
    for L, sign in ((6, -1.0), (5, 1.0), (8, -1.0)):
        loss_grad, a_primes, f_primes = factors(student.rng, L)
        signs = student.rng.permutation(np.resize([1.0, -1.0, -1.0], L))
        cases += [(sign * loss_grad, a_primes, f_primes * signs), (sign * loss_grad, a_primes * signs, f_primes)]
    student.agrees(*cases, rtol=1e-9)


@check(
    "scalar_gradient_product", "is 0 below a layer with a factor of 0, and unharmed above it", weight=4,
    hint="Dividing the whole product by its first factors turns 0 into 0/0. "
    "Build each entry by multiplication, from the last one.",
)
def test_scalar_gradient_product_zeros(student):
    cases = []
    for places in ((2,), (0,), (5,), (1, 4)):
        loss_grad, a_primes, f_primes = factors(student.rng, 6)
        a_primes[list(places)] = 0.0
        cases.append((loss_grad, a_primes, f_primes))
    loss_grad, a_primes, f_primes = factors(student.rng, 6)
    f_primes[3] = 0.0
    _, *both_signs = factors(student.rng, 6)
    both_signs[1] *= np.array([-1.0, 1.0, 0.0, -1.0, 1.0, -1.0])
    student.agrees(*cases, (loss_grad, a_primes, f_primes), (-1.5, *both_signs), rtol=1e-9)


@check(
    "scalar_gradient_product", "keeps its digits through hundreds of layers", weight=4,
    hint="If a' shrinks as much as f' grows, the product stays moderate, while the two products taken apart under- and "
    "overflow. Multiply a'_k by f'_k first.",
)
def test_scalar_gradient_product_deep(student):
    a_primes = student.rng.uniform(0.1, 0.25, size=700)
    balanced = 1.5, a_primes, student.rng.uniform(0.98, 1.02, size=700) / a_primes
    vanishing = 2.0, a_primes[:180], student.rng.uniform(0.8, 1.2, size=180)
    exploding = 0.5, 1.0 / a_primes[:180], student.rng.uniform(0.8, 1.2, size=180)
    student.agrees(balanced, vanishing, exploding, rtol=1e-8)


@check("scalar_gradient_product", "works for a single layer", weight=2,
       hint="With one layer there are two entries: the product with that layer's a' f', and loss_grad itself.")
def test_scalar_gradient_product_one_layer(student):
    student.agrees(factors(student.rng, 1), factors(student.rng, 1), rtol=1e-9)


@check(
    "scalar_gradient_product", "causes no floating-point warning, with zeros or without", weight=3,
    hint="Neither logarithms of zero nor divisions by zero are needed: multiply only.",
)
def test_scalar_gradient_product_silent(student):
    loss_grad, a_primes, f_primes = factors(student.rng, 6)
    student.is_silent(
        (loss_grad, a_primes * np.array([1.0, 1.0, 0.0, 1.0, 1.0, 1.0]), f_primes),
        (loss_grad, a_primes, 0.0 * f_primes),
    )


@check("scalar_gradient_product", "leaves its arguments as they were", weight=3, hint=MAKE_A_COPY)
def test_scalar_gradient_product_arguments(student):
    student.leaves_arguments_alone(factors(student.rng, 5), factors(student.rng, 1))


# --------------------------------------------------------------------------------------------- product_of_gradients


@check(
    "product_of_gradients", "gives L'_l for every l from 0 to L", weight=2, core=True,
    hint="Start from loss_grad = L'_L and step back through layer L, then L-1, and so on: multiply by a'_l, then by "
    "W_l^T. The list has L + 1 entries, entry 0 first.",
)
def test_product_of_gradients_values(student):
    student.agrees(
        *[layers(student.rng, m, widths, name) for m, widths in UNEQUAL + SQUARE for name in ORDINARY], **MIXED_SIGNS
    )


@check(
    "product_of_gradients", "works with relu and identity", weight=4,
    hint="Hand the name on to activation_derivative(z, activation).",
)
def test_product_of_gradients_other_activations(student):
    student.agrees(
        *[layers(student.rng, m, widths, name) for m, widths in UNEQUAL for name in ("relu", "identity")], **MIXED_SIGNS
    )


@check("product_of_gradients", "works for one layer, a batch of one and layers of one unit", weight=3, hint=ONE_ROW)
def test_product_of_gradients_ones(student):
    student.agrees(*[layers(student.rng, m, widths, "tanh") for m, widths in ONES], **MIXED_SIGNS)


@check(
    "product_of_gradients", "keeps its digits through a hundred layers", weight=4,
    hint="The entries of the first layers are tiny here, and each is still a number worth having: clip nothing, round "
    "nothing, add no small constant.",
)
def test_product_of_gradients_deep(student):
    widths = [2 + l % 2 for l in range(101)]
    student.agrees(
        positive_layers(student.rng, 2, widths, "sigmoid"), positive_layers(student.rng, 2, widths, "identity"),
        positive_layers(student.rng, 3, [2, 4, 3], "tanh", smallest=3e-13, largest=9e-13),
        positive_layers(student.rng, 3, [2, 4, 3], "relu", smallest=3e7, largest=9e7), **ONE_SIGN,
    )


@check("product_of_gradients", "keeps the digits of saturated units", weight=4, hint=GIVEN_DERIVATIVE)
def test_product_of_gradients_saturated(student):
    student.agrees(
        saturated_layers(student.rng, 3, [2, 4, 3], "sigmoid", 40.0, 120.0),
        saturated_layers(student.rng, 3, [2, 1, 4], "tanh", 20.0, 70.0),
        **ONE_SIGN,
    )


@check("product_of_gradients", "lets nothing through a ReLU unit with z = 0", weight=3, hint=RELU_AT_ZERO)
def test_product_of_gradients_relu_at_zero(student):
    loss_grad, zs, weights, _ = positive_layers(student.rng, 3, [2, 4, 3], "relu")
    student.agrees(
        (loss_grad, [zs[0] * np.array([1.0, 0.0, 1.0, -1.0]), zs[1] * np.array([0.0, 1.0, 1.0])], weights, "relu"),
        **ONE_SIGN,
    )


@check(
    "product_of_gradients", "causes no floating-point warning for large z", weight=2,
    hint="Work out the derivative of the named activation only, and do not divide by z.",
)
def test_product_of_gradients_silent(student):
    loss_grad, zs, weights, _ = layers(student.rng, 4, [3, 5, 2], "relu")
    large = [z * 1e4 for z in zs]
    student.is_silent(
        (loss_grad, large, weights, "relu"), (loss_grad, large, weights, "identity"),
        (loss_grad, [np.zeros((4, 5)), zs[1]], weights, "identity"),
        one_saturated(student.rng, 4, [3, 5, 2], "sigmoid"), one_saturated(student.rng, 3, [2, 3, 3, 2], "tanh"),
        **MIXED_SIGNS,
    )


@check("product_of_gradients", "leaves its arguments as they were, the lists included", weight=3, hint=MAKE_A_COPY)
def test_product_of_gradients_arguments(student):
    student.leaves_arguments_alone(
        layers(student.rng, 4, [3, 2, 5], "tanh"), layers(student.rng, 3, [3, 3, 3], "relu"),
        layers(student.rng, 1, [2, 3], "identity"),
    )


# --------------------------------------------------------------------------------------------- log10_gradient_norms


@check(
    "log10_gradient_norms", "is log10 of the Frobenius norm of every L'_l", weight=2, core=True,
    hint="The Frobenius norm is the root of the sum of the squares of all entries, over the whole batch; the logarithm "
    "has base 10. Entry 0 belongs to the input, entry L to loss_grad.",
)
def test_log10_gradient_norms_values(student):
    student.agrees(
        *[layers(student.rng, m, widths, name) for m, widths in UNEQUAL + SQUARE for name in ORDINARY], **LOGARITHMS
    )


@check(
    "log10_gradient_norms", "works with relu and identity", weight=3,
    hint="Hand the name on to activation_derivative(z, activation).",
)
def test_log10_gradient_norms_other_activations(student):
    student.agrees(
        *[layers(student.rng, m, widths, name) for m, widths in UNEQUAL for name in ("relu", "identity")], **LOGARITHMS
    )


@check("log10_gradient_norms", "works for one layer, a batch of one and layers of one unit", weight=2, hint=ONE_ROW)
def test_log10_gradient_norms_ones(student):
    student.agrees(*[layers(student.rng, m, widths, "tanh") for m, widths in ONES], **LOGARITHMS)


@check(
    "log10_gradient_norms", "stays right where the norm underflows, two thousand layers deep", weight=4,
    hint="Below about 10^-308 a float becomes 0. After each layer divide the gradient by its size and add the "
    "logarithm of what was divided out to a running sum.",
)
def test_log10_gradient_norms_vanishing(student):
    widths = [2] * 2001
    student.agrees(
        positive_layers(student.rng, 1, widths, "sigmoid", smallest=0.001, largest=0.004),
        positive_layers(student.rng, 2, widths[:201], "tanh", smallest=0.001, largest=0.004),
        **DEEP_LOGARITHMS,
    )


@check(
    "log10_gradient_norms", "stays right where the norm overflows, hundreds of layers deep", weight=2,
    hint="Above about 10^308 a float becomes inf. Divide the size out after each layer, before it gets that far.",
)
def test_log10_gradient_norms_exploding(student):
    student.agrees(
        positive_layers(student.rng, 2, [2] * 401, "identity", smallest=30.0, largest=3000.0), **DEEP_LOGARITHMS
    )


def far_apart(rng):
    """Two units whose gradients lie 200 decades apart; then the stronger one is dead, and the weaker one is all."""
    loss_grad, zs, weights, _ = positive_layers(rng, 2, [3, 2, 2], "relu")
    zs[0] = zs[0] * np.array([-1.0, 1.0])
    return loss_grad, zs, [weights[0], weights[1] * np.array([[1.0], [1e-200]])], "relu"


@check(
    "log10_gradient_norms", "stays right for tiny given gradients and saturated units", weight=2,
    hint="The squares of entries below 10^-162 are 0: scale before squaring. And take a' from activation_derivative, "
    "which keeps the digits of saturated units.",
)
def test_log10_gradient_norms_scales(student):
    cases = []
    for scale in (1e-200, 1e200, 1e-150):
        loss_grad, zs, weights, _ = positive_layers(student.rng, 3, [3, 2, 4], "tanh")
        cases.append((loss_grad * scale, zs, weights, "tanh"))
    student.agrees(
        *cases, saturated_layers(student.rng, 2, [3, 2, 3, 2, 2], "sigmoid", 40.0, 120.0),
        saturated_layers(student.rng, 2, [3, 2, 3], "tanh", 12.0, 70.0), far_apart(student.rng), **DEEP_LOGARITHMS,
    )
    one_far = [one_saturated(student.rng, 3, [2, 4, 3], name) for name in ("sigmoid", "tanh")]
    loss_grad, zs, weights, _ = positive_layers(student.rng, 3, [2, 4, 3], "tanh")
    near_zero, at_zero = [5e-4 * z for z in zs], [0.0 * z for z in zs]
    student.is_silent(
        *one_far, (loss_grad, near_zero, weights, "tanh"), (loss_grad, at_zero, weights, "identity"), **LOGARITHMS
    )


def dying_networks(rng):
    """ReLU networks in which no unit, or only one row's units, of one layer is active; and a loss_grad of zeros."""
    loss_grad, zs, weights, _ = positive_layers(rng, 3, [2, 3, 4, 2], "relu")
    dead = [zs[0], -zs[1], zs[2]]
    last_dead = [zs[0], zs[1], -zs[2]]
    one_row_alive = [zs[0], zs[1] * np.array([[-1.0], [1.0], [-1.0]]), zs[2]]
    at_zero = [zs[0], 0.0 * zs[1], zs[2]]
    dying = [(loss_grad, alive, weights, "relu") for alive in (dead, last_dead, one_row_alive, at_zero)]
    return [*dying, (0.0 * loss_grad, zs, weights, "tanh")]


@check(
    "log10_gradient_norms", "is -inf exactly where the gradient is zero", weight=3,
    hint="When no unit of a layer is active, every gradient below it is zero. Dividing a gradient of zeros by its norm "
    "gives NaN: treat this case apart. The entries above that layer keep their values.",
)
def test_log10_gradient_norms_zero(student):
    student.agrees(*dying_networks(student.rng), **LOGARITHMS)


@check(
    "log10_gradient_norms", "gives that -inf without a floating-point warning", weight=2,
    hint="np.log10(0) warns. Ask for zero first and put -np.inf there yourself, "
    "or use np.errstate(divide='ignore') around that line.",
)
def test_log10_gradient_norms_silent(student):
    student.results(*dying_networks(student.rng))
    student.expect(not student.warnings, "a gradient of zero causes no floating-point warning")


@check("log10_gradient_norms", "leaves its arguments as they were, the lists included", weight=3, hint=MAKE_A_COPY)
def test_log10_gradient_norms_arguments(student):
    student.leaves_arguments_alone(
        layers(student.rng, 4, [3, 2, 5], "tanh"), layers(student.rng, 3, [3, 3, 3], "identity")
    )


# --------------------------------------------------------------------------------------------- log10_gradient_bound


def matrices(rng, widths, scale=1.0):
    return [scale * rng.normal(size=(n_prev, n)) for n_prev, n in zip(widths, widths[1:])]


@check(
    "log10_gradient_bound", "sums log10(max_derivative * spectral norm) over all layers above l", weight=2, core=True,
    hint="The spectral norm is the largest singular value, np.linalg.norm(W, 2): neither np.linalg.norm(W), which is "
    "Frobenius, nor an eigenvalue. Entry L is an empty sum.",
)
def test_log10_gradient_bound_values(student):
    student.agrees(
        (0.25, matrices(student.rng, [3, 5, 2, 4])), (1.0, matrices(student.rng, [4, 4, 4])),
        (0.7, matrices(student.rng, [2, 6, 3])), **LOGARITHMS,
    )


@check(
    "log10_gradient_bound", "adds logarithms, so that two thousand layers neither under- nor overflow", weight=5,
    hint="The product of many norms leaves the range of a float long before its logarithm does: "
    "take the logarithm of each layer, then sum.",
)
def test_log10_gradient_bound_deep(student):
    student.agrees(
        (0.25, matrices(student.rng, [2] * 2001, scale=0.1)), (1.0, matrices(student.rng, [2] * 401, scale=300.0)),
        **DEEP_LOGARITHMS,
    )


@check(
    "log10_gradient_bound", "works for very small and very large weights alike", weight=4,
    hint="A small constant added inside the logarithm hides small weights. Nothing has to be added.",
)
def test_log10_gradient_bound_scales(student):
    scales = (1e-140, 1e140, 1e-20, 1e60)
    student.agrees(*[(0.5, matrices(student.rng, [3, 2, 4], scale=scale)) for scale in scales], **LOGARITHMS)


@check(
    "log10_gradient_bound", "works for one layer and for layers of one unit", weight=3,
    hint="A matrix with one row or one column has a spectral norm like any other: keep it a matrix.",
)
def test_log10_gradient_bound_ones(student):
    student.agrees(
        *[(0.25, matrices(student.rng, widths)) for widths in ([3, 4], [5, 1, 3], [1, 4, 1], [1, 1, 1])], **LOGARITHMS
    )


@check("log10_gradient_bound", "takes any positive max_derivative, above one, too", weight=3,
       hint="Some activations are steeper than 1: use max_derivative as it is given.")
def test_log10_gradient_bound_max_derivatives(student):
    weights = matrices(student.rng, [3, 4, 2, 3])
    student.agrees((1.1, weights), (40.0, weights), (1e-3, weights), **LOGARITHMS)


@check("log10_gradient_bound", "causes no floating-point warning at any depth", weight=2,
       hint="A product over all layers under- or overflows; a sum of logarithms does not.")
def test_log10_gradient_bound_silent(student):
    student.is_silent(
        (0.25, matrices(student.rng, [2] * 401, scale=0.01)), (1.0, matrices(student.rng, [2] * 401, scale=50.0)),
        **DEEP_LOGARITHMS,
    )


@check("log10_gradient_bound", "leaves its arguments as they were, the list included", weight=3, hint=MAKE_A_COPY)
def test_log10_gradient_bound_arguments(student):
    student.leaves_arguments_alone((0.25, matrices(student.rng, [3, 4, 2])), (2.0, matrices(student.rng, [3, 3, 3])))


# --------------------------------------------------------------------------------------------------------- diagnose


def path(start, end, L=6):
    """log10 norms that change evenly from `start` at entry 0 to `end` at entry L."""
    return np.linspace(start, end, L + 1)


@check(
    "diagnose", "tells vanishing, exploding and stable apart", weight=3, core=True,
    hint="Compare entry 0, at the input, with entry L, at the loss, in decades. Less at the input means vanishing, "
    "more means exploding. Return the three words exactly as the notebook spells them.",
)
def test_diagnose_three_outcomes(student):
    ends = [
        (-6.0, 0.5), (5.5, -0.4), (1.3, 0.2), (-2.4, 1.3), (2.4, -1.2),
        (-1.5, -0.5), (-4.1, -2.9), (4.5, 2.8), (-1.9, 2.6), (0.4, -7.3),
    ]
    close = [(-2.001, 1.0), (-1.999, 1.0), (2.001, -1.0), (1.999, -1.0)]
    student.agrees(
        *[(path(*pair),) for pair in ends + close], (path(-0.2, 0.9, L=9),), (path(-8.1, 0.9, L=9),), rtol=0.0
    )


@check(
    "diagnose", "uses the number of decades that it is given", weight=5,
    hint="The second argument replaces the default: use its name in the function's body, not a number.",
)
def test_diagnose_decades(student):
    student.agrees(
        (path(-4.0, 0.0), 5.0), (path(-4.0, 0.0), 1.5), (path(2.0, 0.0), 1.0), (path(2.0, 0.0), 2.5),
        (path(20.0, 0.0), 30.0), (path(-20.0, 1.0), 15.0), (path(-0.3, 0.1), 0.25), (path(-0.3, 0.1), 0.45),
        (path(0.3, -0.1), 0.25), (path(0.3, -0.1), 0.45), rtol=0.0,
    )


@check(
    "diagnose", "calls a gradient of zero at the input vanishing", weight=4,
    hint="-inf lies below every number: subtract entry L from entry 0 and compare, and it comes out by itself. A sum "
    "over all steps does not work: -inf minus -inf is NaN.",
)
def test_diagnose_zero_gradient(student):
    student.agrees(
        (np.array([-math.inf, -2.0, -1.0, 0.5]),), (np.array([-math.inf, -math.inf, -math.inf, 3.0, 0.5]),),
        (np.array([-math.inf, 40.0]), 100.0), rtol=0.0,
    )


@check(
    "diagnose", "looks at the two ends only", weight=4,
    hint="What happens between the first and the last entry does not matter here: "
    "no minimum, no maximum, no single step.",
)
def test_diagnose_ends_only(student):
    student.agrees(
        (np.array([0.5, -9.0, 0.1, 0.0]),), (np.array([-0.5, 8.0, 12.0, 0.2]),), (np.array([-5.0, 6.0, -20.0, 0.0]),),
        (np.array([5.0, 30.0, -6.0, 0.0]),), rtol=0.0,
    )


@check(
    "diagnose", "works far from zero, beyond what a float could hold", weight=3,
    hint="Stay with the logarithms: 10 to the power of an entry may under- or overflow.",
)
def test_diagnose_far_from_zero(student):
    student.agrees(
        (path(-1801.0, -1800.0),), (path(-1810.0, -1800.0),), (path(905.0, 900.0),), (path(902.0, 900.0),),
        (path(-5000.0, 0.0),), (path(-1790.0, -1800.0),), (path(895.0, 900.0),), rtol=0.0,
    )


@check(
    "diagnose", "works for one layer, and for none", weight=3,
    hint="With a single entry the first and the last one are the same, so nothing has changed.",
)
def test_diagnose_shallow(student):
    student.agrees(
        (np.array([-4.0]),), (np.array([7.5]),), (np.array([-4.0, 0.0]),), (np.array([4.5, 1.0]),),
        (np.array([4.5, 2.0]),), rtol=0.0,
    )


@check("diagnose", "leaves its argument as it was", weight=3, hint=MAKE_A_COPY)
def test_diagnose_argument(student):
    student.leaves_arguments_alone((path(-4.0, 1.0),), (path(3.0, 1.0), 1.0), (np.array([-math.inf, 2.0]),))


# ---------------------------------------------------------------------------------------------------- update_ratios


def updates(rng, widths, learning_rate):
    shapes = list(zip(widths, widths[1:]))
    return [rng.normal(size=shape) for shape in shapes], [rng.normal(size=shape) for shape in shapes], learning_rate


@check(
    "update_ratios", "is the norm of learning_rate * dW over the norm of W, layer by layer", weight=2, core=True,
    hint="The norm is Frobenius': the root of the sum of all squares, np.linalg.norm(W). One ratio for each layer, "
    "with the learning rate in the numerator.",
)
def test_update_ratios_values(student):
    student.agrees(
        updates(student.rng, [3, 4, 2, 5], 0.01), updates(student.rng, [4, 4, 4], 0.5),
        updates(student.rng, [2, 6, 3], 3.0), rtol=1e-9,
    )


@check(
    "update_ratios", "is inf where W is all zeros and dW is not", weight=3,
    hint="A layer that starts at zero and moves has changed infinitely much, relatively. "
    "A small constant in the denominator hides that.",
)
def test_update_ratios_zero_weights(student):
    weights, grads, rate = updates(student.rng, [3, 4, 2, 5], 0.1)
    one_zero, all_zero = [weights[0], np.zeros((4, 2)), weights[2]], [0.0 * W for W in weights]
    tiny = [1e-140 * dW for dW in grads]
    student.agrees((one_zero, grads, rate), (all_zero, grads, rate), (one_zero, tiny, rate), rtol=1e-9)


@check(
    "update_ratios", "is 0 where W and dW are both all zeros", weight=3,
    hint="0/0 is NaN in floating-point arithmetic. Nothing moves here, "
    "so the notebook asks for 0: treat this case apart.",
)
def test_update_ratios_both_zero(student):
    weights, grads, rate = updates(student.rng, [3, 4, 2, 5], 0.1)
    both = [weights[0], np.zeros((4, 2)), weights[2]], [grads[0], np.zeros((4, 2)), grads[2]], rate
    student.agrees(both, (weights, [0.0 * grads[0], grads[1], grads[2]], rate), rtol=1e-9)


@check(
    "update_ratios", "causes no floating-point warning where W is all zeros", weight=3,
    hint="Ask whether the norm of W is zero before you divide by it: "
    "np.where works out both branches and warns all the same.",
)
def test_update_ratios_silent(student):
    weights, grads, rate = updates(student.rng, [3, 4, 2, 5], 0.1)
    weights[0], weights[1], grads[1] = 0.0 * weights[0], 0.0 * weights[1], 0.0 * grads[1]
    student.results((weights, grads, rate))
    student.expect(not student.warnings, "weights of zero cause no floating-point warning")


@check(
    "update_ratios", "works for very small and very large weights and gradients alike", weight=4,
    hint="Add no small constant to the norm of W: it hides small weights. Compare with zero instead.",
)
def test_update_ratios_scales(student):
    cases = []
    for W_scale, dW_scale in [(1e-140, 1e-140), (1e140, 1e140), (1e-30, 1e20), (1e120, 1.0)]:
        weights, grads, rate = updates(student.rng, [3, 4, 2], 0.01)
        cases.append(([W_scale * W for W in weights], [dW_scale * dW for dW in grads], rate))
    cases += [(weights, grads, 1e-9), (weights, grads, 250.0)]
    student.agrees(*cases, rtol=1e-9)


@check("update_ratios", "works for one layer and for layers of one unit", weight=2,
       hint="A matrix with one row, one column or one entry has a Frobenius norm like any other.")
def test_update_ratios_ones(student):
    student.agrees(*[updates(student.rng, widths, 0.1) for widths in ([3, 4], [5, 1, 3], [1, 1, 1])], rtol=1e-9)


@check("update_ratios", "leaves its arguments as they were", weight=3, hint=MAKE_A_COPY)
def test_update_ratios_arguments(student):
    student.leaves_arguments_alone(updates(student.rng, [3, 4, 2], 0.1), updates(student.rng, [3, 3], 2.0))
