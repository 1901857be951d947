"""Hidden checks of ps2: one step back through a layer, then through all of them.

Where signs are mixed, terms may cancel: there entries are of order one and 1e-12 is allowed beside the relative
tolerance. Where sizes matter (tails, scales, depth), all terms are positive and only the relative tolerance counts.
"""

import numpy as np

from grading.checks import check

# (rows, units before, units): unequal, so that a wrong transpose cannot fit, and square, so that it can.
UNEQUAL = [(5, 3, 4), (3, 6, 2)]
SQUARE = [(4, 3, 3)]
ONES = [(1, 3, 4), (1, 4, 1), (1, 1, 3), (5, 1, 3), (4, 3, 1), (5, 1, 1), (1, 1, 1)]
ORDINARY = ("sigmoid", "tanh", "relu")

MIXED_SIGNS = {"rtol": 1e-9, "atol": 1e-12}
ONE_SIGN = {"rtol": 1e-9}

MAKE_A_COPY = (
    "Write loss_grad * a_prime into a new array. Augmented assignments (*=, +=), out=... and methods such as "
    "list.reverse() change what the caller holds."
)
ONE_ROW = (
    "Keep both axes, whatever their lengths: no squeeze, no special case for one row. "
    "A matrix with one row is not a vector."
)
RELU_AT_ZERO = "Where z is exactly 0, ReLU's derivative counts as 0 here: activation_derivative knows this convention."
GIVEN_DERIVATIVE = (
    "Take a' from activation_derivative(z, activation): s(1 - s) and 1 - tanh(z)^2 round to 0 in the tails."
)


def tail(rng, *shape, activation):
    """Pre-activations far out on both sides, with derivatives that are tiny but representable."""
    nearest, farthest = (20.0, 300.0) if activation == "sigmoid" else (10.0, 150.0)
    z = rng.uniform(nearest, farthest, size=shape)
    return z * np.where(np.arange(z.size) % 2 == 0, 1.0, -1.0).reshape(shape)


def one_saturated(rng, m, n):
    """Ordinary pre-activations but for one far out on either side, so far that e^|z| overflows."""
    z = rng.normal(size=(m, n))
    z[0, 0], z[m - 1, n - 1] = 800.0, -1000.0
    return z


# ---------------------------------------------------------------------------------------------------- layer_forward


def forward_case(rng, m, n_prev, n, activation):
    return rng.normal(size=(m, n_prev)), rng.normal(size=(n_prev, n)), rng.normal(size=n), activation


@check(
    "layer_forward", "gives z = y_prev W + b and y = a(z), in this order", weight=2, core=True,
    hint="First the matrix product, then the bias, then the activation by its name; return the pair (z, y).",
)
def test_layer_forward_pair(student):
    student.agrees(
        *[forward_case(student.rng, *sizes, name) for sizes in UNEQUAL + SQUARE for name in ORDINARY],
        **MIXED_SIGNS,
    )


@check(
    "layer_forward", "works with relu and identity, and keeps z as it was before the activation", weight=4,
    hint="Hand the name on to activate(z, activation). If y is made by changing z in place, z is lost.",
)
def test_layer_forward_other_activations(student):
    student.agrees(
        *[forward_case(student.rng, *sizes, name) for sizes in UNEQUAL for name in ("relu", "identity")], **MIXED_SIGNS
    )


@check("layer_forward", "keeps its shapes for a batch of one and for layers of one unit", weight=3, hint=ONE_ROW)
def test_layer_forward_ones(student):
    student.agrees(*[forward_case(student.rng, *sizes, "tanh") for sizes in ONES], **MIXED_SIGNS)


@check(
    "layer_forward", "works for very small and very large numbers alike", weight=3,
    hint="z needs no clipping and no small constant added: the activation itself copes with any z.",
)
def test_layer_forward_scales(student):
    cases = []
    for y_scale, W_scale in [(1e-140, 1.0), (1e140, 1.0), (1e70, 1e60), (1e-90, 1e-40)]:
        y_prev = student.rng.uniform(0.5, 2.0, size=(4, 3)) * y_scale
        W = student.rng.uniform(0.5, 2.0, size=(3, 2)) * W_scale
        b = student.rng.uniform(0.5, 2.0, size=2) * y_scale * W_scale
        cases += [(y_prev, W, b, "relu"), (y_prev, W, b, "identity"), (y_prev, -W, -b, "relu")]
    student.agrees(*cases, **ONE_SIGN)


@check(
    "layer_forward", "keeps the digits of saturated units", weight=3,
    hint="Take y from activate(z, activation): far to the left the sigmoid is tiny, but not zero.",
)
def test_layer_forward_saturated(student):
    y_prev = student.rng.uniform(5.0, 20.0, size=(4, 3))
    W, b = student.rng.uniform(0.5, 4.0, size=(3, 5)), student.rng.uniform(10.0, 30.0, size=5)
    student.agrees((y_prev, -W, -b, "sigmoid"), (y_prev, W, b, "sigmoid"), (y_prev, -W, -b, "tanh"), **ONE_SIGN)


@check(
    "layer_forward", "causes no floating-point warning for large z", weight=3,
    hint="A hand-written sigmoid or tanh may divide infinity by infinity: activate(z, activation) does not.",
)
def test_layer_forward_silent(student):
    W, b = student.rng.uniform(0.5, 2.0, size=(3, 2)), np.ones(2)
    y_prev = 10.0 ** student.rng.uniform(4, 140, size=(4, 3))
    ordinary, _, _, _ = forward_case(student.rng, 4, 3, 2, "tanh")
    right, both = np.array([800.0, 0.5]), np.array([1000.0, -800.0])
    student.is_silent(
        (y_prev, W, b, "sigmoid"), (y_prev, W, b, "tanh"), (-y_prev, W, b, "tanh"), (-y_prev, W, b, "relu"),
        (-y_prev, W, b, "identity"), (ordinary, W, right, "sigmoid"), (ordinary, W, both, "tanh"),
        (ordinary, W, both, "relu"), **MIXED_SIGNS,
    )


@check("layer_forward", "leaves its arguments as they were", weight=3, hint=MAKE_A_COPY)
def test_layer_forward_arguments(student):
    student.leaves_arguments_alone(*[
        forward_case(student.rng, *sizes, name)
        for sizes in UNEQUAL + SQUARE + ONES for name in ("tanh", "relu", "identity")
    ])


# --------------------------------------------------------------------------------------------------- local_gradient


def local_case(rng, m, n_prev, n, activation):
    return rng.normal(size=(m, n)), rng.normal(size=(n_prev, n)), activation


@check(
    "local_gradient", "is a'(z[i, j]) W[k, j] at [i, j, k]", weight=2, core=True,
    hint="One matrix for each row i of the batch, with one row for each unit j of this layer and one column for each "
    "unit k of the layer before: shape (m, n, n_prev).",
)
def test_local_gradient_values(student):
    student.agrees(
        *[local_case(student.rng, *sizes, name) for sizes in UNEQUAL + SQUARE for name in ORDINARY],
        rtol=1e-9,
    )


@check(
    "local_gradient", "works with relu and identity", weight=4,
    hint="Hand the name on to activation_derivative(z, activation).",
)
def test_local_gradient_other_activations(student):
    student.agrees(
        *[local_case(student.rng, *sizes, name) for sizes in UNEQUAL for name in ("relu", "identity")], rtol=1e-9
    )


@check("local_gradient", "keeps its three axes for a batch of one and for layers of one unit", weight=3, hint=ONE_ROW)
def test_local_gradient_ones(student):
    student.agrees(*[local_case(student.rng, *sizes, "tanh") for sizes in ONES], rtol=1e-9)


@check("local_gradient", "keeps the digits of saturated units", weight=4, hint=GIVEN_DERIVATIVE)
def test_local_gradient_tails(student):
    student.agrees(
        *[
            (tail(student.rng, 4, 3, activation=name), scale * student.rng.normal(size=(5, 3)), name)
            for name in ("sigmoid", "tanh") for scale in (1.0, 1e-5)
        ],
        rtol=1e-9,
    )


@check("local_gradient", "is 0 for a ReLU unit with z = 0", weight=3, hint=RELU_AT_ZERO)
def test_local_gradient_relu_at_zero(student):
    z = np.array([[0.0, 1.5, -2.0], [3.0, 0.0, 0.0]])
    student.agrees((z, student.rng.normal(size=(4, 3)), "relu"), rtol=1e-9)


@check(
    "local_gradient", "causes no floating-point warning for large z and W", weight=3,
    hint="Work out the derivative of the named activation only, and do not divide by z.",
)
def test_local_gradient_silent(student):
    z = np.array([[-1e140, 1e140, -1e3], [1e3, 0.0, -2.0]])
    W, far = student.rng.normal(size=(4, 3)) * 1e140, np.array([[-300.0, 0.0, 300.0], [2.0, -300.0, 0.5]])
    student.is_silent(
        (z + (z == 0), W, "relu"), (z, W, "identity"), (far, W / 1e140, "sigmoid"),
        (far / 2, W / 1e140, "tanh"), **MIXED_SIGNS,
    )


@check("local_gradient", "leaves its arguments as they were", weight=3, hint=MAKE_A_COPY)
def test_local_gradient_arguments(student):
    student.leaves_arguments_alone(
        *[local_case(student.rng, *sizes, name) for sizes in UNEQUAL + SQUARE for name in ("tanh", "relu")]
    )


# ---------------------------------------------------------------------------------------------------- backward_step


def step_case(rng, m, n_prev, n, activation):
    return rng.normal(size=(m, n)), rng.normal(size=(m, n)), rng.normal(size=(n_prev, n)), activation


@check(
    "backward_step", "is (loss_grad * a') W^T", weight=2, core=True,
    hint="Multiply the gradient by a'(z), entry by entry, then by the transpose of W. The batch is neither summed nor "
    "averaged.",
)
def test_backward_step_values(student):
    student.agrees(
        *[step_case(student.rng, *sizes, name) for sizes in UNEQUAL + SQUARE for name in ORDINARY],
        **MIXED_SIGNS,
    )


@check(
    "backward_step", "works with relu and identity", weight=4,
    hint="Hand the name on to activation_derivative(z, activation).",
)
def test_backward_step_other_activations(student):
    student.agrees(
        *[step_case(student.rng, *sizes, name) for sizes in UNEQUAL for name in ("relu", "identity")], **MIXED_SIGNS
    )


@check("backward_step", "keeps its shape for a batch of one and for layers of one unit", weight=3, hint=ONE_ROW)
def test_backward_step_ones(student):
    student.agrees(*[step_case(student.rng, *sizes, "tanh") for sizes in ONES], **MIXED_SIGNS)


@check("backward_step", "keeps the digits of saturated units", weight=4, hint=GIVEN_DERIVATIVE)
def test_backward_step_tails(student):
    cases = []
    for name in ("sigmoid", "tanh"):
        loss_grad, W = student.rng.uniform(0.5, 2.0, size=(4, 3)), student.rng.uniform(0.5, 2.0, size=(5, 3))
        cases.append((loss_grad, tail(student.rng, 4, 3, activation=name), W, name))
        cases.append((loss_grad[:, :1], tail(student.rng, 4, 1, activation=name), W[:, :1], name))
    student.agrees(*cases, **ONE_SIGN)


@check("backward_step", "lets nothing through a ReLU unit with z = 0", weight=3, hint=RELU_AT_ZERO)
def test_backward_step_relu_at_zero(student):
    z = np.array([[0.0, 1.5, -2.0], [3.0, 0.0, 0.0]])
    loss_grad, W = student.rng.uniform(0.5, 2.0, size=(2, 3)), student.rng.uniform(0.5, 2.0, size=(4, 3))
    student.agrees((loss_grad, z, W, "relu"), **ONE_SIGN)


@check(
    "backward_step", "works for very small and very large gradients and weights alike", weight=3,
    hint="Gradients do become this small: that is what the course is about. "
    "Add no small constant, clip and round nothing.",
)
def test_backward_step_scales(student):
    cases = []
    for grad_scale, W_scale in [(1e-140, 1.0), (1e140, 1.0), (1.0, 1e-140), (1e80, 1e60), (1e-20, 1e150)]:
        loss_grad = student.rng.uniform(0.5, 2.0, size=(4, 3)) * grad_scale
        W = student.rng.uniform(0.5, 2.0, size=(2, 3)) * W_scale
        cases += [(loss_grad, student.rng.normal(size=(4, 3)), W, name) for name in ("sigmoid", "relu")]
    student.agrees(*cases, **ONE_SIGN)


@check(
    "backward_step", "causes no floating-point warning for large z", weight=2,
    hint="Work out the derivative of the named activation only, and do not divide by z.",
)
def test_backward_step_silent(student):
    z = np.array([[-1e140, 1e140, -1e3], [1e3, 0.0, -2.0]])
    loss_grad, W = student.rng.normal(size=(2, 3)), student.rng.normal(size=(4, 3))
    one_far = one_saturated(student.rng, 2, 3)
    student.is_silent(
        (loss_grad, z + (z == 0), W, "relu"), (loss_grad, z, W, "identity"),
        (loss_grad, np.clip(z, -300, 300), W, "sigmoid"),
        (loss_grad, one_far, W, "sigmoid"), (loss_grad, one_far, W, "tanh"), **MIXED_SIGNS,
    )


@check("backward_step", "leaves its arguments as they were", weight=3, hint=MAKE_A_COPY)
def test_backward_step_arguments(student):
    student.leaves_arguments_alone(
        *[step_case(student.rng, *sizes, name) for sizes in UNEQUAL + SQUARE + ONES for name in ("tanh", "relu")]
    )


# -------------------------------------------------------------------------------------------------- weight_gradient


def weight_case(rng, m, n_prev, n, activation):
    return rng.normal(size=(m, n)), rng.normal(size=(m, n)), rng.normal(size=(m, n_prev)), activation


@check(
    "weight_gradient", "gives dW = y_prev^T (loss_grad * a')", weight=3, core=True,
    hint="dW has the shape of W. Each row of the batch adds an outer product of y_prev and "
    "loss_grad * a'; they are summed, not averaged.",
)
def test_weight_gradient_dW(student):
    cases = [weight_case(student.rng, *sizes, name) for sizes in UNEQUAL + SQUARE for name in ORDINARY]
    student.agrees(*cases, first=1, **MIXED_SIGNS)


@check(
    "weight_gradient", "gives db = the sum of loss_grad * a' over the batch, of shape (n,)", weight=6, most=0.4,
    hint="The bias is added to every row, so its gradient is the sum over the rows of loss_grad * a': "
    "axis 0, without keepdims.",
)
def test_weight_gradient_db(student):
    student.agrees(
        *[weight_case(student.rng, *sizes, name) for sizes in UNEQUAL + SQUARE for name in ("sigmoid", "tanh", "relu")],
        **MIXED_SIGNS,
    )


@check(
    "weight_gradient", "keeps the digits of db for saturated units, and at any scale", weight=1,
    hint="db is made of the same loss_grad * a' as dW: " + GIVEN_DERIVATIVE,
)
def test_weight_gradient_db_digits(student):
    cases = []
    for name, z in (("sigmoid", [[40.0, -30.0, 250.0]]), ("tanh", [[20.0, -15.0, 120.0]])):
        loss_grad, y_prev = student.rng.uniform(0.5, 2.0, size=(3, 3)), student.rng.uniform(0.5, 2.0, size=(3, 2))
        cases.append((loss_grad, np.repeat(z, 3, axis=0), y_prev, name))
        cases += [(scale * loss_grad, student.rng.normal(size=(3, 3)), y_prev, name) for scale in (1e-140, 1e140)]
    student.agrees(*cases, **ONE_SIGN)


@check(
    "weight_gradient", "works with relu and identity", weight=3,
    hint="Hand the name on to activation_derivative(z, activation).",
)
def test_weight_gradient_other_activations(student):
    cases = [weight_case(student.rng, *sizes, name) for sizes in UNEQUAL for name in ("relu", "identity")]
    student.agrees(*cases, first=1, **MIXED_SIGNS)


@check("weight_gradient", "keeps its shapes for a batch of one and for layers of one unit", weight=3, hint=ONE_ROW)
def test_weight_gradient_ones(student):
    student.agrees(*[weight_case(student.rng, *sizes, "tanh") for sizes in ONES], **MIXED_SIGNS)


@check("weight_gradient", "keeps the digits of saturated units", weight=4, hint=GIVEN_DERIVATIVE)
def test_weight_gradient_tails(student):
    cases = []
    for name in ("sigmoid", "tanh"):
        loss_grad, y_prev = student.rng.uniform(0.5, 2.0, size=(3, 4)), student.rng.uniform(0.5, 2.0, size=(3, 2))
        z = np.abs(tail(student.rng, 3, 4, activation=name)) * np.array([1.0, -1.0, 1.0, -1.0])
        cases.append((loss_grad, z, y_prev, name))
    student.agrees(*cases, first=1, **ONE_SIGN)


@check("weight_gradient", "gives a ReLU unit nothing for rows with z = 0", weight=3, hint=RELU_AT_ZERO)
def test_weight_gradient_relu_at_zero(student):
    z = np.array([[0.0, 1.5, -2.0], [3.0, 0.0, 0.0], [1.0, -1.0, 0.0]])
    loss_grad, y_prev = student.rng.uniform(0.5, 2.0, size=(3, 3)), student.rng.uniform(0.5, 2.0, size=(3, 2))
    student.agrees((loss_grad, z, y_prev, "relu"), first=1, **ONE_SIGN)


@check(
    "weight_gradient", "works for very small and very large numbers, without a warning", weight=3,
    hint="Work out the derivative of the named activation only. Add no small constant, clip and round nothing.",
)
def test_weight_gradient_scales(student):
    cases = []
    for grad_scale, y_scale in [(1e-140, 1.0), (1e140, 1.0), (1e80, 1e60), (1e-60, 1e-80)]:
        loss_grad = student.rng.uniform(0.5, 2.0, size=(4, 3)) * grad_scale
        y_prev = student.rng.uniform(0.5, 2.0, size=(4, 2)) * y_scale
        z = student.rng.normal(size=(4, 3)) * 1e3
        cases += [
            (loss_grad, z, y_prev, "identity"), (loss_grad, np.abs(z), y_prev, "relu"), (loss_grad, z, y_prev, "relu")
        ]
    loss_grad, _, y_prev, _ = weight_case(student.rng, 4, 2, 3, "tanh")
    one_far = one_saturated(student.rng, 4, 3)
    student.is_silent(*cases, first=1, **ONE_SIGN)
    student.is_silent(
        *[(loss_grad, one_far, y_prev, name) for name in ("sigmoid", "tanh", "relu")],
        (loss_grad, np.zeros((4, 3)), y_prev, "identity"), first=1, **MIXED_SIGNS,
    )


@check("weight_gradient", "leaves its arguments as they were", weight=3, hint=MAKE_A_COPY)
def test_weight_gradient_arguments(student):
    student.leaves_arguments_alone(
        *[weight_case(student.rng, *sizes, name) for sizes in UNEQUAL + SQUARE for name in ("tanh", "relu")]
    )


# ---------------------------------------------------------------------------------------------------- backpropagate


def network(rng, m, widths, activations):
    """A case for backpropagate with entries of order one: (loss_grad, x, weights, biases, activations)."""
    weights = [rng.normal(size=(n_prev, n)) / np.sqrt(n_prev) for n_prev, n in zip(widths, widths[1:])]
    biases = [rng.normal(size=n) for n in widths[1:]]
    return rng.normal(size=(m, widths[-1])), rng.normal(size=(m, widths[0])), weights, biases, list(activations)


def positive_network(rng, m, widths, activations, shift=0.0):
    """Like network, but all terms of every sum are positive; `shift` is added to the biases."""
    weights = [rng.uniform(0.2, 0.8, size=(n_prev, n)) for n_prev, n in zip(widths, widths[1:])]
    biases = [rng.uniform(0.1, 0.3, size=n) + shift for n in widths[1:]]
    loss_grad, x = rng.uniform(0.5, 2.0, size=(m, widths[-1])), rng.uniform(0.2, 0.8, size=(m, widths[0]))
    return loss_grad, x, weights, biases, list(activations)


@check(
    "backpropagate", "gives the loss gradient of every layer and the gradient of every W", weight=3, core=True,
    hint="Go forward once and keep x, every z and every y; then step back from layer L to layer 1. loss_grads starts "
    "with entry 0, dLoss/dx, and ends with the loss_grad that was given; the gradients of W_1 stand first in dWs.",
)
def test_backpropagate_loss_grads_and_dWs(student):
    student.agrees(network(student.rng, 5, [3, 4, 2, 6], ["sigmoid", "tanh", "sigmoid"]),
        network(student.rng, 4, [2, 5, 3], ["tanh", "sigmoid"]),
        network(student.rng, 3, [3, 3, 3, 3], ["tanh", "sigmoid", "tanh"]),
        network(student.rng, 6, [4, 3, 5, 2], ["relu", "identity", "tanh"]),
        network(student.rng, 4, [3, 3, 3], ["sigmoid", "relu"]), first=2,
        **MIXED_SIGNS,
    )


@check(
    "backpropagate", "gives the gradients of every bias, too, for any mixture of activations", weight=6, most=0.4,
    hint="Each layer has its own activation name. dbs[l-1] has the shape of layer l's bias, (n_l,): "
    "the sum over the rows of loss_grad * a'.",
)
def test_backpropagate_dbs(student):
    student.agrees(
        network(student.rng, 5, [4, 3, 5, 2, 3], ["relu", "sigmoid", "identity", "tanh"]),
        network(student.rng, 3, [3, 6, 2], ["identity", "relu"]),
        network(student.rng, 4, [3, 3, 3], ["relu", "tanh"]),
        **MIXED_SIGNS,
    )


@check(
    "backpropagate", "works for a network of one layer, a batch of one and layers of one unit", weight=2, hint=ONE_ROW
)
def test_backpropagate_ones(student):
    student.agrees(
        network(student.rng, 4, [3, 2], ["sigmoid"]),
        network(student.rng, 1, [3, 4, 2], ["tanh", "sigmoid"]),
        network(student.rng, 3, [2, 1, 3], ["sigmoid", "tanh"]),
        network(student.rng, 1, [1, 1, 1], ["tanh", "tanh"]),
        network(student.rng, 1, [1, 3, 1], ["tanh", "identity"]),
        network(student.rng, 1, [3, 1], ["tanh"]),
        network(student.rng, 4, [1, 1, 1], ["relu", "sigmoid"]),
        **MIXED_SIGNS,
    )


@check(
    "backpropagate", "gives ([loss_grad], [], []) for a network without layers", weight=3,
    hint="With no layer there is nothing to step through: x is the output. "
    "Loops over empty lists do this by themselves.",
)
def test_backpropagate_no_layers(student):
    loss_grad, x = student.rng.normal(size=(4, 3)), student.rng.normal(size=(4, 3))
    student.agrees((loss_grad, x, [], [], []), (loss_grad[:2], x[:2], [], [], []), rtol=1e-9)


@check(
    "backpropagate", "keeps its relative accuracy through thirty layers", weight=3,
    hint="The gradients of the first layers are tiny here, and each is still a number worth having: "
    "round nothing, add nothing, clip nothing.",
)
def test_backpropagate_deep(student):
    widths = [2 + l % 2 for l in range(31)]
    student.agrees(positive_network(student.rng, 2, widths, ["sigmoid"] * 30),
        positive_network(student.rng, 3, widths, ["tanh", "identity", "relu"] * 10),
        scaled(positive_network(student.rng, 3, [2, 4, 3], ["relu", "identity"]), grad_scale=1e-60, W_scale=1e-5),
        scaled(positive_network(student.rng, 3, [2, 4, 3], ["identity", "sigmoid"]), grad_scale=1e80, W_scale=1e-4),
        first=2, **ONE_SIGN,
    )


def scaled(case, grad_scale, W_scale):
    loss_grad, x, weights, biases, names = case
    return grad_scale * loss_grad, x, [W_scale * W for W in weights], biases, names


@check(
    "backpropagate", "keeps the digits of tiny and of large gradients of biases", weight=1,
    hint="Each db is the sum over the rows of the same loss_grad * a' that dW is made of: round nothing, add nothing.",
)
def test_backpropagate_db_digits(student):
    student.agrees(
        positive_network(student.rng, 3, [2, 4, 3], ["sigmoid", "tanh"], shift=20.0),
        scaled(positive_network(student.rng, 3, [2, 4, 3], ["relu", "sigmoid"]), grad_scale=1e-60, W_scale=1e-5),
        scaled(positive_network(student.rng, 3, [2, 4, 3], ["identity", "relu"]), grad_scale=1e60, W_scale=1e5),
        **ONE_SIGN,
    )


@check("backpropagate", "lets nothing through a ReLU unit with z = 0", weight=2, hint=RELU_AT_ZERO)
def test_backpropagate_relu_at_zero(student):
    cases = []
    for activations in (["relu", "sigmoid"], ["tanh", "relu"]):
        loss_grad, x, weights, _, names = positive_network(student.rng, 3, [2, 4, 3], activations)
        x[1] = 0.0      # with biases of zero, every z of this row is 0 up to the first sigmoid
        cases.append((loss_grad, x, weights, [np.zeros(4), np.zeros(3)], names))
    student.agrees(*cases, first=2, **ONE_SIGN)


@check("backpropagate", "keeps the digits of saturated units", weight=3, hint=GIVEN_DERIVATIVE)
def test_backpropagate_saturated(student):
    student.agrees(positive_network(student.rng, 3, [2, 4, 3], ["sigmoid", "sigmoid"], shift=40.0),
        positive_network(student.rng, 3, [2, 4, 3], ["tanh", "tanh"], shift=22.0), first=2,
        **ONE_SIGN,
    )


@check(
    "backpropagate", "causes no floating-point warning for large inputs", weight=2,
    hint="Use activate and activation_derivative by the layer's name: a hand-written sigmoid overflows for large z, "
    "also when its result is not used.",
)
def test_backpropagate_silent(student):
    loss_grad, x, weights, biases, _ = network(student.rng, 4, [3, 5, 2], ["relu", "identity"])
    one_far, x[:, 0] = [weights[0].copy(), weights[1]], [1.0, 1e-3, -1e-3, 5e-4]
    one_far[0][0, 0], one_far[0][0, 1] = 900.0, -900.0      # in the first row alone these two units are saturated
    student.is_silent(
        (loss_grad, x, one_far, biases, ["sigmoid", "tanh"]), (loss_grad, x, one_far, biases, ["tanh", "sigmoid"]),
        (loss_grad, x * 1e100, weights, biases, ["relu", "identity"]),
        (loss_grad, x * 1e4, weights, biases, ["identity", "relu"]),
        (loss_grad, x * 1e4, weights, biases, ["relu", "relu"]), first=2, **MIXED_SIGNS,
    )


@check("backpropagate", "leaves its arguments as they were, the lists included", weight=3, hint=MAKE_A_COPY)
def test_backpropagate_arguments(student):
    student.leaves_arguments_alone(
        network(student.rng, 4, [3, 2, 5, 4], ["relu", "identity", "tanh"]),
        network(student.rng, 3, [3, 3, 3], ["relu", "relu"]),
    )
