"""Cases of ps3, exact by the contract alone."""

import math

import mpmath
import numpy as np

from tests.mutation.oracle import NAMES, Case, exact, floats, frobenius, spectral, step


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


EXERCISES = (scalar_gradient_product, product_of_gradients, log10_gradient_norms, log10_gradient_bound, diagnose, update_ratios)
