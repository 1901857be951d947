"""Cases of ps4, exact by the contract alone."""

import math

import mpmath
import numpy as np

from tests.mutation.oracle import NAMES, Case, activate, derivative, exact, floats, frobenius, spectral, step

ORDINARY = [(5, 3, 2, 4), (4, 2, 3, 2), (3, 4, 3, 3)]          # T, m, d, n
ONES = [(1, 3, 2, 4), (3, 1, 2, 4), (3, 2, 1, 3), (3, 2, 3, 1), (1, 1, 1, 1)]
ALLOWED = {"scale": 0.0, "atol": 1e-11}                        # where terms cancel


def network(rng, T, m, d, n, positive=False):
    """(x, h0, W_xh, W_hh, b); if positive, the rows of W_hh sum to less than one, so that no state grows."""
    shapes = (T, m, d), (m, n), (d, n), (n, n), (n,)
    if not positive:
        return [rng.normal(size=shape) for shape in shapes]
    drawn = [rng.uniform(0.1, 0.7, size=shape) for shape in shapes]
    drawn[3] = drawn[3] / n
    return drawn


def run(x, h0, W_xh, W_hh, b, name):
    """The exact (zs, hs)."""
    h, zs, hs = exact(h0), [], [exact(h0)]
    for x_t in x:
        zs.append(exact(x_t) @ exact(W_xh) + h @ exact(W_hh) + exact(b))
        h = activate(zs[-1], name)
        hs.append(h)
    return floats(np.array(zs).reshape(len(x), *h0.shape)), floats(np.array(hs))


def passes(rng):
    """(region, arguments of rnn_forward, what is allowed)."""
    for sizes in ORDINARY:
        yield from (("ordinary", (*network(rng, *sizes), name), ALLOWED) for name in NAMES)
    yield from (("one step, row, input or unit", (*network(rng, *sizes), "tanh"), ALLOWED) for sizes in ONES)
    for name in ("tanh", "sigmoid", "relu"):
        x, h0, W_xh, W_hh, b = network(rng, 4, 3, 2, 4)
        b[1:3] = 900.0, -900.0
        yield "one unit far out", (x, h0, W_xh, W_hh, b, name), ALLOWED
    yield "a state of zeros", (*[part * (place != 1) for place, part in enumerate(network(rng, 4, 3, 2, 4))], "tanh"), ALLOWED
    for name, T in (("identity", 150), ("tanh", 60)):
        yield "long", (*network(rng, T, 2, 2, 3, positive=True), name), {"scale": 0.0}
    for size in (1e140, 1e-140, 1e4):
        x, h0, W_xh, W_hh, b = network(rng, 4, 2, 3, 2, positive=True)
        yield from (("scales", (size * x, size * h0, W_xh, W_hh, size * b, name), {"scale": 0.0}) for name in ("identity", "relu"))


def rnn_forward(rng):
    for region, arguments, allowed in passes(rng):
        yield Case(region, arguments, run(*arguments), **allowed)
    for m, n in ((3, 4), (1, 2)):
        arguments = (*network(rng, 0, m, 2, n), "tanh")
        yield Case("no step", arguments, run(*arguments), scale=0.0)


def backward_through_time(rng):
    def case(region, direct, zs, W_hh, name, allowed=ALLOWED):
        grads = [exact(direct[-1])]
        for z, own in zip(zs[::-1], direct[-2::-1]):
            grads.insert(0, exact(own) + step(grads[0], exact(z), exact(W_hh), name))
        return Case(region, (direct, zs, W_hh, name), floats(np.array(grads)), **allowed)

    def drawn(T, m, _, n, size=8.0):
        return size * rng.normal(size=(T + 1, m, n)), rng.normal(size=(T, m, n)), rng.normal(size=(n, n)) / math.sqrt(n)

    for sizes in ORDINARY:
        yield from (case("ordinary", *drawn(*sizes), name) for name in NAMES)
    yield from (case("one step, row or unit", *drawn(*sizes), "tanh") for sizes in ONES)
    for places in ((0,), (2,), (5,), (1, 4)):
        direct, zs, W_hh = drawn(5, 3, 0, 4)
        direct[[t for t in range(6) if t not in places]] = 0.0
        yield case("single losses", direct, zs, W_hh, "tanh")
    for name in NAMES:
        direct, zs, W_hh = drawn(4, 3, 0, 4)
        zs[1, 0, 2], zs[3, 2, 0] = 800.0, -1000.0
        yield case("one unit far out", direct, zs, W_hh, name)
    direct, zs, W_hh = drawn(4, 3, 0, 4)
    zs[1:3, 0, 1] = 0.0
    yield from (case("zero", direct, zs, W_hh, name) for name in ("relu", "identity"))
    for name, low, high in (("tanh", 0.02, 0.2), ("sigmoid", 0.2, 0.9), ("identity", 2.0, 5.0), ("relu", 3.0, 8.0)):
        direct, zs = np.zeros((101, 2, 3)), rng.uniform(0.1, 1.5, size=(100, 2, 3))
        direct[-1] = rng.uniform(0.5, 2.0, size=(2, 3))
        yield case("long", direct, zs, rng.uniform(low, high, size=(3, 3)), name, {"scale": 0.0})
    for size, W_size in ((1e-140, 1.0), (1e140, 1.0), (1.0, 1e-5), (1.0, 1e4)):
        direct, zs, W_hh = drawn(3, 2, 0, 3)
        direct[:-1] = 0.0
        yield case("scales", size * np.abs(direct), zs, W_size * np.abs(W_hh), "tanh", {"scale": 0.0})


def recurrent_weight_gradients(rng):
    def case(region, arguments, allowed, size=8.0, change=lambda grads: grads, positive=False):
        *_, name = arguments
        x, (zs, hs) = arguments[0], run(*arguments)
        shape = len(x) + 1, *arguments[1].shape
        grads = change(size * (rng.uniform(0.2, 1.0, size=shape) if positive else rng.normal(size=shape)))
        z_grads = exact(grads[1:]) * derivative(exact(zs), name)
        flat = z_grads.reshape(-1, shape[2])
        before = exact(hs[:-1]).reshape(len(flat), -1), exact(x).reshape(len(flat), -1)
        wanted = floats(before[1].T @ flat), floats(before[0].T @ flat), floats(flat.sum(axis=0))
        return Case(region, (grads, zs, hs, x, name), wanted, **allowed)

    def fading(grads):
        return grads * 10.0 ** np.linspace(-40, 0, len(grads))[:, np.newaxis, np.newaxis]

    for region, arguments, allowed in passes(rng):
        if region != "scales" or np.max(arguments[0]) < 1e4:
            yield case(region, arguments, allowed, positive=region in ("long", "scales"))
    yield case("long", (*network(rng, 80, 2, 2, 3, positive=True), "tanh"), {"scale": 0.0}, change=fading, positive=True)
    yield case("long", (*network(rng, 80, 2, 2, 3, positive=True), "sigmoid"), {"scale": 0.0}, positive=True,
               change=lambda grads: fading(grads)[::-1].copy())
    for size in (1e-140, 1e-20, 1e140):
        yield case("scales", (*network(rng, 4, 2, 3, 2, positive=True), "tanh"), {"scale": 0.0}, size, positive=True)


def spectral_radius(rng):
    def case(region, W, wanted=None, atol=0.0):
        if wanted is None:
            wanted = max(abs(value) for value in mpmath.eig(mpmath.matrix(exact(W).tolist()), left=False, right=False))
        return Case(region, (W,), np.array(float(wanted)), rtol=1e-6, scale=0.0, atol=atol)

    def turning(modulus, angle):
        return modulus * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])

    def skewed(*blocks):
        n = sum(map(len, blocks))
        together, start = np.zeros((n, n)), 0
        for block in blocks:
            together[start:start + len(block), start:start + len(block)] = block
            start += len(block)
        V = np.eye(n) + rng.uniform(-0.4, 0.4, size=(n, n))
        return V @ together @ np.linalg.inv(V)

    for n in (3, 4, 5, 6):
        yield from (case("ordinary", rng.normal(size=(n, n))) for _ in range(3))
    yield from (case("two units", skewed(np.diag(values))) for values in ([2.1, -0.7], [0.9, 0.4], [-0.3, 1.2]))
    yield case("a complex pair", turning(0.8, 1.3))
    yield from (case("a complex pair", skewed(turning(1.5, angle), np.diag([1.3, -0.2]))) for angle in (0.7, 1.57, 2.5))
    yield from (case("a negative eigenvalue", skewed(np.diag(values))) for values in ([-2.0, 1.5], [-1.1, 1.0, 0.4]))
    corner = np.array([[0.5, 40.0, -7.0], [0.0, -0.9, 3.0], [0.0, 0.0, 0.2]])
    yield from (case("far from normal", W, 0.9) for W in (corner, corner.T.copy()))
    for W in (np.triu(rng.normal(size=(4, 4)), 1), np.array([[0.0, 50.0], [0.0, 0.0]]), np.zeros((3, 3)), np.zeros((1, 1))):
        yield case("powers end at zero", W, 0.0, atol=1e-6)
    yield from (case("one unit", np.array([[value]]), abs(value)) for value in (0.4, -0.7, 3.0))
    Q = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    yield from (case("all alike", factor * Q) for factor in (1.0, 0.6))
    yield case("all alike", 1.3 * np.eye(2), 1.3)
    # a characteristic polynomial of three units holds third powers, which have to stay floats
    yield from (case("scales", size * rng.normal(size=(3, 3))) for size in (1e-60, 1e-20, 1e20, 1e60))
    yield from (case("scales", size * skewed(turning(1.0, 1.0))) for size in (1e-130, 1e130))


def memory_horizon(rng):
    def case(region, max_derivative, W, *tolerance):
        base, wanted = mpmath.mpf(max_derivative) * spectral(W), mpmath.mpf(tolerance[0] if tolerance else 1e-3)
        if wanted == 1 or base == 0:
            k = float(wanted < 1)
        elif base >= 1:
            k = math.inf
        else:
            steps = mpmath.log(wanted) / mpmath.log(base)
            k = float(mpmath.ceil(steps))
            assert 0.002 < steps - mpmath.floor(steps) < 0.998, "decided by rounding"
        return Case(region, (max_derivative, W, *tolerance), np.array(k), rtol=0.0, scale=0.0)

    def of_norm(n, norm):
        W = rng.normal(size=(n, n))
        return norm * W / np.linalg.norm(W, 2)

    for max_derivative, n, norm, tolerance in ((1.0, 3, 0.62, 0.01), (0.25, 4, 3.1, 1e-4), (0.7, 5, 0.95, 0.04), (0.5, 3, 0.3, 0.2),
                                               (0.9, 2, 1.02, 0.03), (1.0, 4, 0.83, 1e-6)):
        yield case("ordinary", max_derivative, of_norm(n, norm), tolerance)
    yield from (case("default tolerance", *one) for one in ((0.7, of_norm(3, 0.95)), (1.0, of_norm(2, 0.9)), (0.25, of_norm(3, 1.7))))
    for max_derivative, norm, *tolerance in ((1.0, 1.4), (0.25, 4.2, 0.5), (1.0, 1.01, 1e-6), (3.0, 40.0)):
        yield case("endless", max_derivative, of_norm(3, norm), *tolerance)
    for fraction in (0.02, 0.3, 0.5, 0.7, 0.98):
        yield case("rounded up", 0.5, of_norm(3, 1.4), 0.7 ** (4 + fraction))
    yield from (case("a tolerance of 1", factor, of_norm(3, norm), 1.0) for factor, norm in ((1.0, 0.6), (0.25, 9.0), (1.0, 0.99)))
    yield case("zeros", 1.0, np.zeros((3, 3)))
    yield case("zeros", 0.25, np.zeros((1, 1)), 0.5)
    yield case("zeros", 0.25, np.zeros((2, 2)), 1.0)
    for norm, *tolerance in ((0.99,), (0.9999, 1e-4), (0.5, 1e-250)):
        yield case("long", 1.0, of_norm(3, norm), *tolerance)
    yield case("far from normal", 1.0, np.array([[0.0, 0.6], [0.0, 0.0]]))
    yield case("far from normal", 1.0, np.array([[0.2, 3.0], [0.0, 0.4]]))
    yield case("one unit", 1.0, np.array([[-0.6]]))
    yield case("one unit", 4.0, np.array([[0.2]]), 0.3)
    yield case("one unit", 1.0, np.array([[1e-140]]))
    yield case("scales", 1e-30, np.array([[1e25]]), 1e-12)
    yield case("scales", 0.01, of_norm(3, 61.0), 0.02)
    yield case("scales", 1.0, of_norm(3, 3e-5), 1e-40)
    yield case("scales", 2e-7, of_norm(2, 4.1e6), 1e-3)


def clip_by_global_norm(rng):
    def case(region, grads, max_norm):
        norm = frobenius(np.concatenate([exact(grad).ravel() for grad in grads]))
        factor = min(mpmath.mpf(1), mpmath.mpf(max_norm) / norm) if norm else mpmath.mpf(1)
        wanted = [floats(exact(grad) * factor) for grad in grads], np.array(float(norm))
        return Case(region, (grads, max_norm), wanted, scale=0.0)

    def drawn(*shapes, size=1.0):
        return [size * factor * rng.normal(size=shape) for factor, shape in zip((3.0, 0.5, 8.0, 1.0), shapes)]

    several = [(2, 4), (4, 4), (4,)]
    for shapes, max_norm in ((several, 2.5), ([(3,), (2, 3)], 0.7), ([(2, 2), (2, 2), (5,)], 4.0), ([(3, 2), (2,), (2, 2), (4,)], 1.5)):
        yield case("ordinary", drawn(*shapes), max_norm)
    yield case("together only", [grad / np.linalg.norm(grad) for grad in drawn((2, 3), (4,), (3, 2))], 1.4)
    for shapes, size, max_norm in ((several, 1.0, 500.0), ([(3,), (2, 3)], 1e-4, 1.0), ([(2, 2)], 1.0, 1e30)):
        yield case("below max_norm", drawn(*shapes, size=size), max_norm)
    mixed = drawn(*several)
    mixed[1][:] = 0.0
    yield from (case("zero", *one) for one in ((mixed, 2.0), ([np.zeros((2, 3)), np.zeros(3)], 1.0), ([np.zeros(2)], 0.1)))
    for size, max_norm in ((1e200, 2.0), (1e160, 5.0), (1e250, 1e280), (1e-5, 1e-6), (1e-8, 1.0), (1e-100, 1e-110)):
        yield case("scales", drawn(*several, size=size), max_norm)
    for grads, max_norm in ((drawn((3, 4)), 1.0), ([np.array([-8.0])], 2.0), (drawn((2, 3, 2), (1, 1), (1,)), 1.5), ([np.array([[7.0]])], 9.0)):
        yield case("one array or entry", grads, max_norm)


EXERCISES = (rnn_forward, backward_through_time, recurrent_weight_gradients, spectral_radius, memory_horizon, clip_by_global_norm)
