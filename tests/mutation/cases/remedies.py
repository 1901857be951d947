"""Cases of ps5, exact by the contract alone."""

import mpmath
import numpy as np

from tests.course.oracles import MP_FUNCTIONS
from tests.mutation.oracle import NAMES, Case, each, exact, floats, step


def initial_std(rng):
    def case(region, fan_in, fan_out, name):
        fans = fan_in if name == "relu" else fan_in + fan_out
        return Case(region, (fan_in, fan_out, name), np.array(float(mpmath.sqrt(mpmath.mpf(2) / fans))), scale=0.0)

    for fan_in, fan_out in ((50, 8), (3, 47), (7, 11), (64, 64)):
        yield from (case("ordinary", fan_in, fan_out, name) for name in NAMES)
    for fan_in, fan_out in ((1, 1), (1, 9), (9, 1), (10**6, 5), (5, 10**6)):
        yield from (case("one or a million units", fan_in, fan_out, name) for name in NAMES)
    for name in ("gelu", "leaky_relu", "", "softmax", "ReLU", "Tanh", "SIGMOID", "Identity"):
        yield Case("another name", (8, 24, name), ValueError)


def gelu_derivative(rng):
    def case(region, z):
        wanted = floats(each(MP_FUNCTIONS["gelu_derivative"], exact(z)))
        return Case(region, (z,), wanted, rtol=0.0, scale=0.0, atol=1e-9)

    for shape in ((30,), (4, 5), (2, 3, 2), (3, 1), (1,)):
        yield case("ordinary", rng.uniform(-4.0, 4.0, size=shape))
    yield from (case("a number", z) for z in (0.75, -1.25, 2, -3, 0))
    yield from (case("a list", z) for z in ([0.5, -1.5], [1, -2, 3], [[0.25, -1], [2, -0.75]]))
    yield case("integers", np.arange(-4, 5))
    yield case("zero", np.array([0.0, -0.0, 1e-9, -1e-9, 5e-4, -2e-5]))
    yield case("far", np.concatenate([rng.uniform(4.0, 9.0, size=20), rng.uniform(-9.0, -4.0, size=20), [-40.0, 40.0]]))
    far = np.array([-1e300, -1e155, -1e4, 1e4, 1e155, 1e300])
    yield Case("huge", (far,), (far > 0) * 1.0, rtol=0.0, scale=0.0, atol=1e-9)


def residual_backward_step(rng):
    def case(region, loss_grad, z, W, name, scale=1e-12):
        return Case(region, (loss_grad, z, W, name), floats(exact(loss_grad) + step(exact(loss_grad), exact(z), exact(W), name)),
                    scale=scale)

    for m, n in ((5, 3), (2, 6), (4, 4)):
        yield from (case("ordinary", 4 * rng.normal(size=(m, n)), rng.normal(size=(m, n)), rng.normal(size=(n, n)), name)
                    for name in NAMES)
    for m, n in ((1, 4), (3, 1), (1, 1)):
        yield case("one row or unit", rng.normal(size=(m, n)), rng.normal(size=(m, n)), rng.normal(size=(n, n)), "tanh")
    z = rng.normal(size=(3, 4)) * [0.0, 1.0, 0.0, 1.0]
    yield from (case("zero", rng.normal(size=(3, 4)), z, rng.normal(size=(4, 4)), name) for name in ("relu", "sigmoid"))
    z = rng.normal(size=(3, 2))
    z[0] = 800.0, -900.0
    yield from (case("a saturated unit", rng.normal(size=(3, 2)), z, rng.normal(size=(2, 2)), name) for name in NAMES)
    for size in (1e-140, 1e140):
        positive = size * rng.uniform(0.5, 2.0, size=(3, 4)), rng.normal(size=(3, 4)), rng.uniform(0.2, 1.0, size=(4, 4))
        yield case("scales", *positive, "tanh", scale=0.0)


def normalised(z, eps):
    """(normalised z, roots) of an object array."""
    n = z.shape[1]
    deviation = z - (z.sum(axis=1) / n)[:, None]
    roots = each(mpmath.sqrt, (deviation**2).sum(axis=1) / n + mpmath.mpf(eps))[:, None]
    return deviation / roots, roots


def normalised_inputs(rng):
    """(region, z, eps or None, allowed beside the relative error) for both directions."""
    def rows(m, n, spread=2.0, offset=0.0):
        return offset + rng.uniform(-3.0, 3.0, size=(m, 1)) + spread * rng.normal(size=(m, n))

    for (m, n), eps in (((5, 3), 1e-5), ((2, 6), 0.5), ((4, 4), 0.03), ((6, 3), 7.0), ((7, 2), 1e-5)):
        yield "ordinary", rows(m, n), eps, 1e-9
    for m, n in ((1, 5), (4, 1), (1, 1)):
        yield "one row or unit", rows(m, n), 0.01, 1e-12
    yield "default eps", rows(4, 3), None, 1e-9
    yield "default eps", rows(3, 5, 3e-3), None, 1e-9
    for spread, eps in ((1e-3, 1e-6), (1e-7, 1e-12)):
        yield "tiny variance", rows(4, 5, spread), eps, 1e-7
    constant = rows(4, 3)
    constant[1], constant[2] = 7.0, 0.0
    yield from (("constant row", constant, eps, 1e-10) for eps in (1e-5, 0.5))
    yield from (("far rows", rows(4, 5, offset=offset), 0.1, 1e-8) for offset in (1e6, -1e6))
    yield from (("scales", rows(3, 4, spread), 1e-5, 1e-10) for spread in (1e3, 1e20, 1e60))


def affine(rng, n):
    signs = np.where(np.arange(n) % 3 == 1, -1.0, 1.0)
    return rng.uniform(0.3, 2.5, size=n) * signs, rng.uniform(0.2, 3.0, size=n) * signs[::-1]


def layer_norm(rng):
    for region, z, eps, scale in normalised_inputs(rng):
        gain, shift = affine(rng, z.shape[1])
        wanted = normalised(exact(z), 1e-5 if eps is None else eps)[0] * exact(gain) + exact(shift)
        yield Case(region, (z, gain, shift, *([] if eps is None else [eps])), floats(wanted), scale=scale)


FACTORS = {"ordinary": (1.0, 20.0), "scales": (1.0, 1e8, 1e40)}     # of loss_grad


def layer_norm_backward(rng):
    cases = [(*one, factor) for one in normalised_inputs(rng) for factor in FACTORS.get(one[0], (1.0,))]
    for region, z, eps, scale, factor in cases:
        m, n = z.shape
        loss_grad, gain = factor * (rng.uniform(0.5, 2.0, size=(m, 1)) + rng.normal(size=(m, n))), affine(rng, n)[0]
        normal, roots = normalised(exact(z), 1e-5 if eps is None else eps)
        grad = exact(loss_grad) * exact(gain)
        shared = grad.sum(axis=1)[:, None] / n + normal * ((grad * normal).sum(axis=1)[:, None] / n)
        terms = float(np.min(np.max(np.abs(floats(grad / roots)), axis=1)))     # they cancel in dz
        parts = floats((grad - shared) / roots), floats((exact(loss_grad) * normal).sum(axis=0)), loss_grad.sum(axis=0)
        yield Case(region, (loss_grad, z, gain, *([] if eps is None else [eps])), parts, scale=scale, atol=1e-9 * min(terms, factor))


def cell_state_gradient(rng):
    def case(region, loss_grad, gates):
        products = [exact(loss_grad)]
        for gate in gates[::-1]:
            products.insert(0, products[0] * exact(gate))
        return Case(region, (loss_grad, gates), floats(np.array(products)), rtol=1e-8, scale=0.0)

    for T, m, n in ((4, 2, 3), (7, 3, 2), (3, 4, 4)):
        yield case("ordinary", rng.normal(size=(m, n)), rng.uniform(0.2, 0.98, size=(T, m, n)))
    for T, m, n in ((1, 2, 3), (4, 1, 3), (4, 3, 1), (1, 1, 1)):
        yield case("one step, row or unit", rng.normal(size=(m, n)), rng.uniform(0.2, 0.98, size=(T, m, n)))
    for place in ((2, 0, 1), (0, 1, 0), (4, 1, 2)):
        gates = rng.uniform(0.2, 0.98, size=(5, 2, 3))
        gates[place] = 0.0
        yield case("a closed gate", rng.normal(size=(2, 3)), gates)
    yield case("open gates", rng.normal(size=(2, 3)), np.ones((4, 2, 3)))
    yield case("long", rng.normal(size=(2, 2)), rng.uniform(0.5, 1.0, size=(300, 2, 2)))
    yield from (case("scales", scale * rng.normal(size=(2, 3)), rng.uniform(0.2, 0.98, size=(4, 2, 3))) for scale in (1e-120, 1e140))


EXERCISES = (initial_std, gelu_derivative, residual_backward_step, layer_norm, layer_norm_backward, cell_state_gradient)
