"""Cases of ps2, exact by the contract alone."""

import numpy as np

from tests.mutation.oracle import NAMES, Case, activate, derivative, exact, floats, step

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


EXERCISES = (layer_forward, local_gradient, backward_step, weight_gradient, backpropagate)
