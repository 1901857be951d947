"""What is right, worked out at 60 digits from the contracts alone: neither the reference nor the hidden checks have a part in it.

Each exercise has cases: arguments that the contract allows, the region that they come from ("ordinary", "tails", ...),
the exact answer, and how far off an answer may be. A case is only ever about what the notebook promises.
"""

import functools
import math
import warnings
import zlib
from dataclasses import dataclass

import mpmath
import numpy as np

from tests.course.oracles import DIGITS, MP_FUNCTIONS

MARGIN = 10.0           # an answer is proved wrong where it misses by more than this many times what is promised
RULE = "rule"           # no value is wrong, but the call warns or changes its arguments
SMALLEST = 1e-300       # what lies below has left the promised range
NAMES = ("identity", "sigmoid", "tanh", "relu")


@dataclass(frozen=True)
class Case:
    """One call. `wanted` is nested lists, arrays or a word; `scale` times the largest |entry| is allowed beside `rtol`."""

    region: str
    arguments: tuple
    wanted: object
    rtol: float = 1e-9
    scale: float = 1e-12
    atol: float = 0.0

    def faults(self, function, margin=MARGIN):
        """{part: what is wrong with it} of the answer of `function`; part None stands for all of it, RULE for the manner."""
        arguments = copy_of(self.arguments)
        try:
            with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
                warnings.simplefilter("always")
                value = function(*arguments)
        except Exception as error:
            return {None: type(error).__name__}
        faults = parts_off(value, self, margin)
        said = [word for word in ("overflow", "invalid", "divide") for w in caught if word in str(w.message)]
        if said:
            faults[RULE] = f"warns of {said[0]}"
        if not same(arguments, self.arguments):
            faults[RULE] = "changes an argument"
        return faults


def parts_off(value, case, margin):
    """A tuple that is due is judged part by part, anything else as part 0."""
    if not isinstance(case.wanted, tuple):
        return {0: "value"} if off(value, case.wanted, case, margin) else {}
    if not isinstance(value, (tuple, list)) or len(value) != len(case.wanted):
        return {None: "not the tuple that is due"}
    return {part: "value" for part, pair in enumerate(zip(value, case.wanted)) if off(*pair, case, margin)}


def off(got, wanted, case, margin):
    if isinstance(wanted, str):
        return not (isinstance(got, str) and got == wanted)
    if isinstance(wanted, list):
        if isinstance(got, np.ndarray) and got.ndim:
            got = list(got)
        return not isinstance(got, (list, tuple)) or len(got) != len(wanted) or any(
            off(*pair, case, margin) for pair in zip(got, wanted))
    try:
        got = np.asarray(got)
    except ValueError:
        return True
    if got.dtype.kind not in "biuf" or got.shape != wanted.shape:
        return True
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0.0)
        allowed = margin * (case.rtol * np.abs(wanted) + case.scale * largest + case.atol) + SMALLEST
        return not ((got == wanted) | np.isfinite(wanted) & (np.abs(got - wanted) <= allowed)).all()


def copy_of(value):
    if isinstance(value, (list, tuple)):
        return type(value)(copy_of(item) for item in value)
    return value.copy() if isinstance(value, np.ndarray) else value


def same(one, other):
    if isinstance(other, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(same(*pair) for pair in zip(one, other))
    return np.array_equal(one, other)


# --- numbers of 60 digits ------------------------------------------------------------------------------------------

def exact(array):
    """An object array of mpmath numbers: NumPy's sums and products of it are exact enough for everything here."""
    return np.vectorize(lambda number: mpmath.mpf(float(number)), otypes=[object])(np.asarray(array, dtype=float))


def floats(array):
    return np.vectorize(float, otypes=[float])(array) if np.size(array) else np.zeros(np.shape(array))


def each(function, array):
    array = np.asarray(array, dtype=object)
    return np.vectorize(function, otypes=[object])(array) if array.size else array


def activate(z, name):
    rules = {"identity": lambda v: v, "sigmoid": MP_FUNCTIONS["sigmoid"], "tanh": mpmath.tanh, "relu": lambda v: max(v, mpmath.mpf(0))}
    return each(rules[name], z)


def derivative(z, name):
    return each(MP_FUNCTIONS[f"{name}_derivative"], z)


def step(grad, z, W, name):
    return (grad * derivative(z, name)) @ W.T


def frobenius(array):
    return mpmath.sqrt(mpmath.fsum(v * v for v in np.ravel(array)))


def spectral(W):
    """The largest singular value, from the eigenvalues of W^T W (or W W^T, whichever is smaller) at 60 digits."""
    W = exact(W)
    gram = W.T @ W if W.shape[1] <= W.shape[0] else W @ W.T
    return mpmath.sqrt(max(mpmath.eigsy(mpmath.matrix(gram.tolist()), eigvals_only=True)))


# --- ps1 -----------------------------------------------------------------------------------------------------------

FAR = [-1e300, -1e150, -1e18, -1e4, -800.0, 800.0, 1e4, 1e18, 1e150, 1e300]


def alternating(rng, *shape, smallest=0.05, largest=6.0, first=1.0):
    sizes = rng.uniform(smallest, largest, size=shape)
    return sizes * first * np.where(np.arange(sizes.size) % 2 == 0, 1.0, -1.0).reshape(shape)


def array_like(rng, largest=6.0):
    """(region, z) for all that an array_like argument may be."""
    for shape in [(8,), (1,), (3, 4), (2, 1), (2, 2, 3)]:
        for first in (1.0, -1.0):
            yield "ordinary", alternating(rng, *shape, largest=largest, first=first)
    for z in (0.5, -1.75, 3, -2, 0.0):
        yield "a number", z
    for z in ([0.25, -1.5], [[1, -2], [-3, 2]], [-1, 2, -3], [-0.5]):
        yield "a list", z
    for z in (np.array([2, -1, 3, -3]), np.array([[-2, 1], [4, -1]])):
        yield "integers", z


def elementwise(rng, rule, tails=0.0, far=0.0, rtol=1e-9, largest=6.0, more=()):
    """Cases of an elementwise function, `tails` being how far out its relative accuracy is promised."""
    inputs = [*array_like(rng, largest), *more]
    if tails:
        z = np.concatenate([np.linspace(largest, 40.0, 30), rng.uniform(40.0, tails, size=30)])
        inputs += [("right tail", z), ("left tail", -z)]
    for region, z in inputs:
        yield Case(region, (z,), floats(each(rule, exact(z))), rtol, scale=0.0)
    yield Case("far out", (np.array(FAR),), floats(each(rule, exact(FAR))), rtol, scale=0.0, atol=far)


def sigmoid(rng):
    infinite = np.array([math.inf, -math.inf, 1.5])
    yield from elementwise(rng, MP_FUNCTIONS["sigmoid"], tails=700.0, far=1e-9, rtol=1e-12)
    yield Case("infinite", (infinite,), np.array([1.0, 0.0, float(MP_FUNCTIONS["sigmoid"](mpmath.mpf(1.5)))]), 1e-12, 0.0)


def sigmoid_derivative(rng):
    # written without e^-z, which would overflow even mpmath's patience at 1e300
    return elementwise(rng, lambda z: 1 / (2 + 2 * mpmath.cosh(z)) if abs(z) < 1e5 else mpmath.mpf(0), tails=300.0, far=1e-9)


def tanh_derivative(rng):
    near_zero = [("zero", np.array([0.0, 1e-9, -1e-4]))]
    return elementwise(rng, lambda z: mpmath.cosh(z) ** -2 if abs(z) < 1e5 else mpmath.mpf(0), 300.0, 1e-9, largest=4.0,
                       more=near_zero)


def relu(rng):
    return elementwise(rng, lambda z: max(z, mpmath.mpf(0)), more=[("scales", np.array([1e-6, -1e-6, 1e200, -1e200]))])


def relu_derivative(rng):
    return elementwise(rng, lambda z: mpmath.mpf(z > 0), more=[("zero", np.array([0.0, 1.0, -1.0]))])


def leaky_relu_derivative(rng):
    yield from elementwise(rng, lambda z: mpmath.mpf(1) if z > 0 else mpmath.mpf(0.01), more=[("zero", np.array([0.0, 1.0]))])
    for slope in (0.0, 0.3, 1.0, 0.123456789):
        z = alternating(rng, 3, 4)
        yield Case("a given slope", (z, slope), np.where(z > 0, 1.0, slope), scale=0.0)


def saturated_fraction(rng):
    def case(region, a_prime, *threshold):
        limit = threshold[0] if threshold else 1e-3
        flat = np.ravel(np.asarray(a_prime, dtype=float)).tolist()
        return Case(region, (a_prime, *threshold), np.array(sum(abs(a) < limit for a in flat) / len(flat)), scale=0.0)

    def mixture(*shape):
        values = np.where(rng.random(shape) < 0.4, 10.0 ** rng.uniform(-8, -3.1, size=shape), rng.uniform(2e-3, 1.2, size=shape))
        values.flat[:2] = 0.9999e-3, 1.0001e-3
        return values

    yield from (case("ordinary", mixture(n)) for n in (5, 8, 11, 17))
    yield from (case("shapes", mixture(*shape)) for shape in ((3, 4), (4, 1), (1, 5), (2, 3, 2)))
    yield from (case("a given threshold", mixture(20), threshold) for threshold in (0.1, 1e-5, 5.0))
    yield case("negative", -mixture(9))
    yield case("rare", np.array([1e-6] + 16 * [0.2]))
    yield from (case("a list", a) for a in ([0.2, 1e-5], [[1, 0], [0, 1]]))
    yield from (case("a number", a) for a in (0.2, 1e-6, 1, 0))
    yield case("far out", np.array([1e300, -1e300, 0.0, 1e200]))


# --- ps2 -----------------------------------------------------------------------------------------------------------

SHAPES = {"ordinary": [(5, 3, 4), (3, 5, 2), (4, 3, 3)],
          "one row or unit": [(1, 3, 4), (1, 3, 1), (1, 1, 3), (4, 1, 3), (4, 3, 1), (4, 1, 1), (1, 1, 1)]}


def layer_inputs(rng):
    """(region, name, loss_grad, z, W, y_prev, scale) of a single layer; in the tails all signs are alike."""
    for region, shapes in SHAPES.items():
        for (m, n_prev, n), name in [(shape, name) for shape in shapes for name in NAMES]:
            yield region, name, rng.normal(size=(m, n)), rng.normal(size=(m, n)), rng.normal(size=(n_prev, n)), rng.normal(size=(m, n_prev)), 1e-12
    positive = lambda *shape: rng.uniform(0.5, 2.0, size=shape)     # noqa: E731
    for name, near, far in (("sigmoid", 20.0, 300.0), ("tanh", 10.0, 150.0)):
        z = rng.uniform(near, far, size=(3, 4)) * np.array([1.0, -1.0, 1.0, -1.0])
        yield "tails", name, positive(3, 4), z, positive(2, 4), positive(3, 2), 0.0
    zeros = np.array([[0.0, 1.0, -1.0], [2.0, 0.0, 0.0], [1.0, 0.5, 0.25]])
    yield "zero", "relu", positive(3, 3), zeros, positive(2, 3), positive(3, 2), 0.0
    yield "zero", "identity", positive(3, 3), zeros, positive(2, 3), positive(3, 2), 0.0
    for scale in (1e-140, 1e-5, 1e3, 1e140):
        for name, (grad, W, y_prev) in zip(NAMES * 3, [(scale, 1, 1), (1, scale, 1), (1, 1, scale)] * 4):
            yield "scales", name, grad * positive(3, 2), rng.normal(size=(3, 2)), W * positive(4, 2), y_prev * positive(3, 4), 0.0


def with_one_saturated(rng):
    for name in ("sigmoid", "tanh", "relu"):
        z = rng.normal(size=(4, 3))
        z[0, 0], z[3, 2] = 800.0, -1000.0
        yield "one saturated unit", name, rng.normal(size=(4, 3)), z, rng.normal(size=(2, 3)), rng.normal(size=(4, 2)), 1e-12


def layer_forward(rng):
    def case(region, y_prev, W, b, name, scale=1e-12):
        z = exact(y_prev) @ exact(W) + exact(b)
        return Case(region, (y_prev, W, b, name), (floats(z), floats(activate(z, name))), scale=scale)

    for region, shapes in SHAPES.items():
        for (m, n_prev, n), name in [(shape, name) for shape in shapes for name in NAMES]:
            yield case(region, rng.normal(size=(m, n_prev)), rng.normal(size=(n_prev, n)), rng.normal(size=n), name)
    for sign in (1.0, -1.0):
        y_prev, W, b = rng.uniform(5, 15, size=(3, 2)), rng.uniform(1, 4, size=(2, 4)), rng.uniform(10, 30, size=4)
        yield from (case("tails", y_prev, sign * W, sign * b, name, 0.0) for name in NAMES)
        yield from (case("far out", 1e100 * y_prev, sign * W, b, name, 0.0) for name in ("tanh", "relu", "identity"))
        for y_scale, W_scale in ((1e-140, 1.0), (1.0, 1e-140), (1.0, 1e100), (1e-4, 1e-4)):
            yield case("scales", y_scale * y_prev, W_scale * sign * W, y_scale * W_scale * sign * b, "identity", 0.0)
        yield case("scales", y_prev, sign * W, 1e3 * sign * b, "relu", 0.0)


def local_gradient(rng):
    for region, name, _, z, W, _, scale in layer_inputs(rng):
        J = derivative(exact(z), name)[:, :, None] * exact(W).T[None]
        yield Case(region, (z, W, name), floats(J), scale=0.0)


def backward_step(rng):
    for region, name, grad, z, W, _, scale in [*layer_inputs(rng), *with_one_saturated(rng)]:
        yield Case(region, (grad, z, W, name), floats(step(exact(grad), exact(z), exact(W), name)), scale=scale)


def weight_gradient(rng):
    for region, name, grad, z, _, y_prev, scale in [*layer_inputs(rng), *with_one_saturated(rng)]:
        z_grad = exact(grad) * derivative(exact(z), name)
        yield Case(region, (grad, z, y_prev, name), (floats(exact(y_prev).T @ z_grad), floats(z_grad.sum(axis=0))), scale=scale)


def backpropagate(rng):
    def case(region, m, widths, names, scale=1e-12, change=lambda x, weights, biases: None, positive=False,
             grad_scale=1.0):
        draw = (lambda *shape: rng.uniform(0.2, 0.8, size=shape)) if positive else (lambda *shape: rng.normal(size=shape))
        x, grad = draw(m, widths[0]), grad_scale * draw(m, widths[-1])
        weights, biases = [draw(*shape) for shape in zip(widths, widths[1:])], [draw(n) for n in widths[1:]]
        change(x, weights, biases)
        y, tape = exact(x), []
        for W, b, name in zip(weights, biases, names):
            z = y @ exact(W) + exact(b)
            tape.append((y, z, exact(W), name))
            y = activate(z, name)
        grads, dWs, dbs = [exact(grad)], [], []
        for y, z, W, name in reversed(tape):
            z_grad = grads[0] * derivative(z, name)
            dWs.insert(0, floats(y.T @ z_grad))
            dbs.insert(0, floats(z_grad.sum(axis=0)))
            grads.insert(0, z_grad @ W.T)
        return Case(region, (grad, x, weights, biases, list(names)), ([floats(g) for g in grads], dWs, dbs), scale=scale)

    def zeros(x, weights, biases):
        x[1] = 0.0
        for b in biases:
            b[:] = 0.0

    def one_saturated(x, weights, biases):
        x[:, 0] = [1.0, 1e-3, -1e-3]
        weights[0][0, 0], weights[0][0, 1] = 800.0, -1000.0

    for names in (["sigmoid", "tanh"], ["tanh", "relu", "sigmoid"], ["relu", "identity"], ["identity", "tanh", "relu", "tanh"],
                  ["relu", "sigmoid", "tanh"], ["sigmoid", "identity"]):
        yield case("ordinary", 4, [3, 4, 2, 5, 3][:len(names) + 1], names)
    yield case("ordinary", 3, [3, 3, 3], ["sigmoid", "relu"])
    for m, widths in ((4, [3, 2]), (1, [3, 4, 2]), (3, [2, 1, 3]), (1, [1, 1, 1]), (1, [1, 3]), (1, [3, 1]), (4, [1, 1])):
        yield case("one row, unit or layer", m, widths, ["tanh", "sigmoid"][:len(widths) - 1])
    yield case("no layers", 3, [2], [])
    yield case("zero", 3, [2, 4, 3], ["relu", "sigmoid"], 0.0, zeros, positive=True)
    yield case("zero", 3, [2, 4, 3], ["tanh", "relu"], 0.0, zeros, positive=True)
    for names in (["sigmoid", "tanh"], ["tanh", "sigmoid"], ["relu", "tanh"]):
        yield case("one saturated unit", 3, [2, 3, 2], names, change=one_saturated)
    for x_scale, W_scale, grad_scale in ((1e5, 1.0, 1.0), (1e-5, 1.0, 1.0), (1.0, 1e-5, 1.0), (1.0, 1.0, 1e-6), (1.0, 1e3, 1e3)):
        def scaled(x, weights, biases, x_scale=x_scale, W_scale=W_scale):
            x *= x_scale
            for W in weights:
                W *= W_scale
        yield case("scales", 3, [2, 4, 3], ["identity", "relu"], 0.0, scaled, positive=True, grad_scale=grad_scale)
    yield case("deep", 2, [2 + l % 2 for l in range(25)], ["sigmoid", "tanh", "identity", "sigmoid"] * 6, 0.0, positive=True)
    for name, shift in (("sigmoid", 40.0), ("tanh", 22.0)):
        def far(x, weights, biases, shift=shift):
            for b in biases:
                b += shift
        yield case("tails", 3, [2, 4, 3], [name, name], 0.0, far, positive=True)


# --- ps3 -----------------------------------------------------------------------------------------------------------

def scalar_gradient_product(rng):
    def case(region, loss_grad, a_primes, f_primes):
        products = [mpmath.mpf(loss_grad)]
        for a, f in zip(a_primes[::-1].tolist(), f_primes[::-1].tolist()):
            products.insert(0, products[0] * mpmath.mpf(a) * mpmath.mpf(f))
        return Case(region, (loss_grad, a_primes, f_primes), floats(np.array(products, dtype=object)), 1e-8, scale=0.0)

    for L in (5, 3, 8, 4):
        yield case("ordinary", float(rng.normal()), rng.uniform(0.05, 1.0, size=L), rng.normal(size=L))
    yield case("one layer", 1.5, np.array([0.25]), np.array([-2.0]))
    for place in (0, 2, 4):
        a_primes, f_primes = rng.uniform(0.1, 1.0, size=5), rng.normal(size=5)
        a_primes[place] = 0.0
        yield case("zero", 2.0, a_primes, f_primes)
        yield case("zero", 2.0, f_primes, a_primes)
    a_primes = rng.uniform(0.1, 0.25, size=600)
    yield case("deep", 1.5, a_primes, rng.uniform(0.98, 1.02, size=600) / a_primes)
    yield case("deep", 1.5, a_primes[:150], rng.uniform(0.9, 1.1, size=150))
    yield case("deep", 1.5, 1.0 / a_primes[:150], rng.uniform(0.9, 1.1, size=150))


def layered(rng, m, widths, positive=False):
    draw = (lambda *shape: rng.uniform(0.3, 0.9, size=shape)) if positive else (lambda *shape: rng.normal(size=shape))
    return draw(m, widths[-1]), [draw(m, n) for n in widths[1:]], [draw(*shape) for shape in zip(widths, widths[1:])]


def layered_inputs(rng):
    """(region, (loss_grad, zs, weights, name), scale) for the functions of a whole product."""
    for m, widths in ((4, [3, 4, 2, 5]), (3, [2, 5, 3]), (3, [3, 3, 3])):
        yield from (("ordinary", (*layered(rng, m, widths), name), 1e-12) for name in NAMES)
    for m, widths in ((4, [3, 2]), (1, [3, 4, 2]), (3, [2, 1, 3]), (1, [1, 1, 1]), (1, [1, 3]), (1, [3, 1]), (4, [1, 1])):
        yield "one row, unit or layer", (*layered(rng, m, widths), "tanh"), 1e-12
    for name in ("sigmoid", "tanh"):
        grad, zs, weights = layered(rng, 3, [2, 4, 3])
        zs[0][0, 0], zs[1][1, 1] = 800.0, -1000.0
        yield "one saturated unit", (grad, zs, weights, name), 1e-12
    for name, near, far in (("sigmoid", 40.0, 120.0), ("tanh", 20.0, 60.0)):
        grad, zs, weights = layered(rng, 3, [2, 4, 3], positive=True)
        signs = [np.resize([1.0, -1.0], z.shape[1]) for z in zs]
        yield "tails", (grad, [rng.uniform(near, far, size=z.shape) * s for z, s in zip(zs, signs)], weights, name), 0.0
    grad, zs, weights = layered(rng, 3, [2, 4, 3], positive=True)
    zeros = [zs[0] * [1.0, 0.0, 1.0, -1.0], zs[1] * [0.0, 1.0, 1.0]]
    yield from (("zero", (grad, zeros, weights, name), 0.0) for name in ("relu", "identity"))
    yield from (("small z", (grad, [5e-4 * z for z in zs], weights, name), 0.0) for name in ("sigmoid", "tanh", "relu"))
    yield from (("scales", (grad, zs, [scale * W for W in weights], name), 0.0) for scale, name in ((1e-12, "tanh"), (1e8, "relu")))


def mp_product(loss_grad, zs, weights, name):
    grads = [exact(loss_grad)]
    for z, W in zip(zs[::-1], weights[::-1]):
        grads.insert(0, step(grads[0], exact(z), exact(W), name))
    return grads


def product_of_gradients(rng):
    for region, arguments, scale in layered_inputs(rng):
        yield Case(region, arguments, [floats(grad) for grad in mp_product(*arguments)], scale=scale)
    for name in ("sigmoid", "identity"):
        arguments = (*layered(rng, 2, [2] * 61, positive=True), name)
        yield Case("deep", arguments, [floats(grad) for grad in mp_product(*arguments)], scale=0.0)


def log10(norm):
    return mpmath.log10(norm) if norm else -math.inf


def log10_gradient_norms(rng):
    def case(region, arguments):
        wanted = floats(np.array([log10(frobenius(grad)) for grad in mp_product(*arguments)], dtype=object))
        return Case(region, arguments, wanted, scale=0.0, atol=1e-7 if region == "deep" else 1e-9)

    yield from (case(region, arguments) for region, arguments, _ in layered_inputs(rng))
    for name, factor in (("sigmoid", 1e-3), ("tanh", 1e-3), ("identity", 1e3)):
        grad, zs, weights = layered(rng, 1, [2] * 151, positive=True)
        yield case("deep", (grad, zs, [factor * W for W in weights], name))
    for factor in (1e-200, 1e200):
        grad, zs, weights = layered(rng, 2, [2, 3, 2], positive=True)
        yield case("scales", (factor * grad, zs, weights, "tanh"))
    grad, zs, weights = layered(rng, 2, [2, 3, 2], positive=True)
    yield case("dead", (grad, [-zs[0], zs[1]], weights, "relu"))
    grad, zs, weights = layered(rng, 1, [2, 2, 2], positive=True)
    yield case("scales", (grad, [zs[0] * [-1.0, 1.0], zs[1]], [weights[0], weights[1] * [[1.0], [1e-200]]], "relu"))
    yield case("dead", (0.0 * grad, zs, weights, "tanh"))


def log10_gradient_bound(rng):
    def case(region, max_derivative, weights):
        sums = [mpmath.mpf(0)]
        for W in weights[::-1]:
            sums.insert(0, sums[0] + mpmath.log10(mpmath.mpf(max_derivative) * spectral(W)))
        return Case(region, (max_derivative, weights), floats(np.array(sums, dtype=object)), scale=0.0,
                    atol=1e-7 if region == "deep" else 1e-9)

    for max_derivative, widths in ((0.25, [3, 4, 2]), (1.0, [2, 5, 3, 3]), (0.7, [3, 3, 3])):
        yield case("ordinary", max_derivative, layered(rng, 1, widths)[2])
    for widths in ([3, 4], [4, 1, 3], [1, 3, 1], [1, 1]):
        yield case("one unit or layer", 0.5, layered(rng, 1, widths)[2])
    yield case("another maximum", 40.0, layered(rng, 1, [3, 2, 4])[2])
    for factor in (1e-140, 1e140):
        yield case("scales", 0.5, [factor * W for W in layered(rng, 1, [3, 2, 3])[2]])
    yield case("deep", 0.25, [0.01 * W for W in layered(rng, 1, [2] * 201)[2]])
    yield case("deep", 1.0, [100.0 * W for W in layered(rng, 1, [2] * 201)[2]])


def diagnose(rng):
    def case(region, first, last, *decades, between=None):
        middle = rng.uniform(min(first, last, -9.0), max(first, last, 9.0), size=3) if between is None else between
        change, limit = first - last, decades[0] if decades else 3.0
        word = "vanishing" if change < -limit else "exploding" if change > limit else "stable"
        norms = np.concatenate([[first], middle, [last]]) if first > -math.inf else np.array([-math.inf, -math.inf, 2.0, last])
        return Case(region, (norms, *decades), word)

    for first, last in ((-6.0, 1.0), (6.0, -1.0), (0.5, 1.0), (-2.9, 0.0), (2.9, 0.0), (-3.1, 0.0), (3.1, 0.0), (-1.0, 1.9), (4.0, 5.0),
                        (-5.0, -4.0), (-2.001, 1.0), (2.001, -1.0), (-1.999, 1.0)):
        steady = np.linspace(first, last, 5)[1:-1]
        yield case("ordinary", first, last, between=steady)
        yield case("unsteady", first, last)
    for first, last, decades in ((-4.0, 0.0, 5.0), (-2.0, 0.0, 1.5), (2.0, 0.0, 1.5), (9.0, 0.0, 10.0), (15.0, 0.0, 20.0), (0.3, -0.1, 0.25)):
        yield case("given decades", first, last, decades)
    yield case("dead", -math.inf, 1.0, between=())
    yield case("dead", -math.inf, -400.0, 100.0, between=())
    for first, last in ((-1810.0, -1800.0), (905.0, 900.0), (-5000.0, 0.0), (-1801.0, -1800.0)):
        yield case("far out", first, last, between=np.linspace(first, last, 5)[1:-1])
    yield Case("one layer", (np.array([-4.0, 0.0]),), "vanishing")
    yield Case("no layers", (np.array([-4.0]),), "stable")


def update_ratios(rng):
    def case(region, weights, grads, rate):
        ratios = []
        for W, dW in zip(weights, grads):
            norm, update = frobenius(exact(W)), mpmath.mpf(rate) * frobenius(exact(dW))
            ratios.append(update / norm if norm else mpmath.inf if update else mpmath.mpf(0))
        return Case(region, (weights, grads, rate), floats(np.array(ratios, dtype=object)), scale=0.0)

    def drawn(*widths):
        return layered(rng, 1, list(widths))[2], layered(rng, 1, list(widths))[2]

    for widths, rate in (((3, 4, 2), 0.01), ((3, 3, 3), 0.5), ((2, 5, 3, 4), 3.0)):
        yield case("ordinary", *drawn(*widths), rate)
    for widths in ((3, 4), (4, 1, 3), (1, 1)):
        yield case("one unit or layer", *drawn(*widths), 0.1)
    weights, grads = drawn(3, 4, 2, 3)
    yield case("zero", [weights[0], 0.0 * weights[1], weights[2]], grads, 0.1)
    yield case("zero", [0.0 * W for W in weights], [grads[0], 0.0 * grads[1], 1e-140 * grads[2]], 0.1)
    yield case("zero", weights, [grads[0], 0.0 * grads[1], grads[2]], 0.1)
    for W_scale, dW_scale, rate in ((1e-140, 1e-140, 0.1), (1e140, 1e140, 0.1), (1.0, 1.0, 1e-9), (1.0, 1.0, 1e-18), (1.0, 1.0, 60.0), (1e-20, 1e20, 2.0)):
        yield case("scales", [W_scale * W for W in weights], [dW_scale * dW for dW in grads], rate)


EXERCISES = {
    "activations": (sigmoid, sigmoid_derivative, tanh_derivative, relu, relu_derivative, leaky_relu_derivative, saturated_fraction),
    "backward_step": (layer_forward, local_gradient, backward_step, weight_gradient, backpropagate),
    "product_of_gradients": (
        scalar_gradient_product, product_of_gradients, log10_gradient_norms, log10_gradient_bound, diagnose, update_ratios),
}


@functools.cache
def cases(exercise):
    """All cases of an exercise: the same in every run."""
    make = next(make for makers in EXERCISES.values() for make in makers if make.__name__ == exercise)
    with mpmath.workdps(DIGITS):
        return list(make(np.random.default_rng(zlib.crc32(exercise.encode()))))
