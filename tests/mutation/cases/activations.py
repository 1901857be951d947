"""Cases of ps1, exact by the contract alone."""

import math

import mpmath
import numpy as np

from tests.course.oracles import MP_FUNCTIONS
from tests.mutation.oracle import Case, each, exact, floats

FAR = [-1e300, -1e150, -1e18, -1e4, -800.0, 800.0, 1e4, 1e18, 1e150, 1e300]


def alternating(rng, *shape, smallest=0.05, largest=6.0, first=1.0):
    sizes = rng.uniform(smallest, largest, size=shape)
    return sizes * first * np.where(np.arange(sizes.size) % 2 == 0, 1.0, -1.0).reshape(shape)


def array_like(rng, largest=6.0):
    """(region, z) for all that an array_like argument may be."""
    for shape in [(8,), (1,), (3, 4), (2, 1), (1, 4), (2, 2, 3)]:
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
    yield from (case("integers", a) for a in (np.array([0, 1, 1]), np.array([[1, 0], [0, 0]])))
    yield from (case("a number", a) for a in (0.2, 1e-6, 1, 0))
    yield case("far out", np.array([1e300, -1e300, 0.0, 1e200]))


EXERCISES = (sigmoid, sigmoid_derivative, tanh_derivative, relu, relu_derivative, leaky_relu_derivative, saturated_fraction)
