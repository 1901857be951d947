"""Hidden checks of ps4: the unrolled loop, its gradients, what bounds its memory, and clipping.

Where signs are mixed, terms may cancel: there entries are of order one and a small absolute error is allowed beside the
relative tolerance. Where sizes matter (long sequences, scales), all terms are positive and `atol` is 0. A step that the
contract names is worth no point by itself: while its check fails, the exercise earns at most 40 %.
"""


import numpy as np

from grading.checks import check, compare

MIXED_SIGNS = {"rtol": 1e-9, "atol": 1e-11}
ONE_SIGN = {"rtol": 1e-9}
EIGENVALUES = {"rtol": 1e-6}
EXACT = {"rtol": 0.0}
NAMED = 0.4     # the most that an exercise earns while a case that its contract names is wrong

MAKE_A_COPY = (
    "Make new arrays: augmented assignments (+=, *=, /=) and assignments to entries change what the caller holds. "
    "Start from a copy, direct_grads.copy() for example."
)
ONE_ROW = "Keep all axes, whatever their lengths: no squeeze, no special case for one step, one row or one unit."
FAR_OUT = (
    "Take a' from activation_derivative(z, activation): formulas with e^z or cosh(z) overflow for units that are "
    "saturated far out, and one NaN spreads over all earlier steps."
)
ALL_NAMES = "Hand the name on to the given functions: they know identity, sigmoid, tanh and relu, and that relu'(0) is 0."

VALUES = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 0.5 + 0.5 * np.tanh(0.5 * z),
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
}


# ------------------------------------------------------------------------------------------------------ rnn_forward


def network(rng, T, m, d, n, activation):
    """A case (x, h0, W_xh, W_hh, b, activation) with entries of order one and mixed signs."""
    W_xh, W_hh = rng.normal(size=(d, n)) / np.sqrt(d), rng.normal(size=(n, n)) / np.sqrt(n)
    return rng.normal(size=(T, m, d)), rng.normal(size=(m, n)), W_xh, W_hh, rng.normal(size=n), activation


def positive_network(rng, T, m, d, n, activation):
    """Like network, but all entries are positive and the rows of W_hh sum to less than one: nothing cancels or grows."""
    W_hh = rng.uniform(0.1, 0.9, size=(n, n)) / n
    positive = [rng.uniform(0.1, 0.6, size=shape) for shape in ((T, m, d), (m, n), (d, n), (n,))]
    return *positive[:3], W_hh, positive[3], activation


def scaled_network(rng, scale, activation):
    """x, h0 and b of size `scale`: with identity and relu so are all states."""
    x, h0, W_xh, W_hh, b, _ = positive_network(rng, 4, 2, 3, 2, activation)
    return scale * x, scale * h0, W_xh, W_hh, scale * b, activation


def far_network(rng, activation):
    """One unit is driven far out on either side, the others are ordinary."""
    x, h0, W_xh, W_hh, b, _ = network(rng, 4, 3, 2, 4, activation)
    b[[1, 2]] = 900.0, -900.0
    return x, h0, W_xh, W_hh, b, activation


@check(
    "rnn_forward", "gives z_t and h_t of every step, from the h0 that it is given", weight=3, core=True,
    hint="Step t uses x_t, which is x[t-1], and the state before it, hs[t-1]. zs holds the pre-activations, before the "
    "activation function; hs starts with h0 itself and has one entry more. Return the tuple (zs, hs).",
)
def test_rnn_forward_values(student):
    student.agrees(
        network(student.rng, 5, 3, 2, 4, "tanh"), network(student.rng, 4, 2, 3, 2, "sigmoid"),
        network(student.rng, 3, 4, 3, 3, "tanh"), **MIXED_SIGNS,
    )


@check("rnn_forward", "works with relu and identity", weight=2, most=NAMED, hint=ALL_NAMES)
def test_rnn_forward_other_activations(student):
    student.agrees(
        *[network(student.rng, 4, 3, 2, 3, name) for name in ("relu", "identity", "relu")], **MIXED_SIGNS
    )


@check("rnn_forward", "works for one step, one row, one input and one unit", weight=2, most=NAMED, hint=ONE_ROW)
def test_rnn_forward_ones(student):
    sizes = [(1, 3, 2, 4), (3, 1, 2, 4), (3, 2, 1, 3), (3, 2, 3, 1), (1, 1, 1, 1)]
    student.agrees(*[network(student.rng, *size, "tanh") for size in sizes], **MIXED_SIGNS)


@check(
    "rnn_forward", "works for no step at all", weight=2, most=NAMED,
    hint="With T = 0 the loop runs zero times: zs is empty and hs holds h0 alone, shape (1, m, n). "
    "np.stack does not take an empty list; an array made beforehand needs no special case.",
)
def test_rnn_forward_no_steps(student):
    cases = [network(student.rng, 0, 3, 2, 4, "tanh"), network(student.rng, 0, 1, 2, 2, "relu")]
    for value, (_, h0, *_) in zip(student.results(*cases), cases):
        student.expect(isinstance(value, (list, tuple)) and len(value) == 2, "the function returns two things, as one tuple")
        zs, trouble = compare.as_numbers(value[0])
        # an empty list stands for an array (0, m, n) as well as a list can
        student.expect(trouble is None and zs.size == 0, "zs holds something although there is no step")
        said = compare.difference(value[1], h0[np.newaxis], **ONE_SIGN)
        student.expect(said is None, f"in hs, {said}")


@check(
    "rnn_forward", "works for hundreds of steps", weight=2, most=NAMED,
    hint="The loop runs over all of x: its length is T = len(x).",
)
def test_rnn_forward_long(student):
    student.agrees(
        positive_network(student.rng, 300, 2, 2, 3, "identity"), positive_network(student.rng, 150, 2, 3, 2, "tanh"),
        **ONE_SIGN,
    )


@check(
    "rnn_forward", "is right for very large and very small numbers", weight=2, most=NAMED,
    hint="Nothing has to be clipped, rounded or added: z_t is a sum of three terms, whatever their size.",
)
def test_rnn_forward_scales(student):
    cases = [scaled_network(student.rng, scale, name) for scale in (1e140, 1e-140) for name in ("identity", "relu")]
    student.agrees(*cases, **ONE_SIGN)
    student.agrees(far_network(student.rng, "tanh"), far_network(student.rng, "sigmoid"), **MIXED_SIGNS)


@check("rnn_forward", "causes no floating-point warning", weight=2,
       hint="Use the given activate(z, activation): it is silent for units that are saturated far out.")
def test_rnn_forward_silent(student):
    student.is_silent(
        far_network(student.rng, "tanh"), far_network(student.rng, "sigmoid"), far_network(student.rng, "relu"),
        scaled_network(student.rng, 1e140, "identity"), **MIXED_SIGNS,
    )


@check("rnn_forward", "leaves its arguments as they were", weight=2, most=NAMED, hint=MAKE_A_COPY)
def test_rnn_forward_arguments(student):
    student.leaves_arguments_alone(
        network(student.rng, 3, 2, 3, 4, "tanh"), network(student.rng, 3, 2, 2, 2, "identity"),
        network(student.rng, 1, 3, 2, 2, "relu"),
    )


# -------------------------------------------------------------------------------------------- backward_through_time


def losses(rng, T, m, n, activation, scale=8.0):
    """A case (direct_grads, zs, W_hh, activation) with a loss at every step, mixed signs and gradients well above 5."""
    W_hh = rng.normal(size=(n, n)) / np.sqrt(n)
    return scale * rng.normal(size=(T + 1, m, n)), rng.normal(size=(T, m, n)), W_hh, activation


def last_loss(rng, T, m, n, activation, smallest, largest):
    """Like losses, but positive and with a loss at the last step alone; the entries of W_hh lie between the two."""
    direct_grads = np.zeros((T + 1, m, n))
    direct_grads[-1] = rng.uniform(0.5, 2.0, size=(m, n))
    W_hh = rng.uniform(smallest, largest, size=(n, n))
    return direct_grads, rng.uniform(0.1, 1.5, size=(T, m, n)), W_hh, activation


def far_losses(rng, activation):
    """Single units are saturated far out, in the middle of ordinary ones."""
    direct_grads, zs, W_hh, _ = losses(rng, 5, 3, 4, activation)
    zs[1, 0, 2], zs[3, 2, 0], zs[3, 1, 1] = 800.0, -800.0, -1200.0
    return direct_grads, zs, W_hh, activation


@check(
    "backward_through_time", "adds to each step's own gradient what all later steps hand back", weight=3, core=True,
    hint="Start at t = T, where there is only direct_grads[T], and go down. The whole gradient of h_t, times a'(z_t), "
    "goes through the transpose of W_hh to h_{t-1}, and direct_grads[t-1] is added. z_t is zs[t-1].",
)
def test_backward_through_time_values(student):
    student.agrees(
        losses(student.rng, 5, 3, 4, "tanh"), losses(student.rng, 4, 2, 3, "sigmoid"),
        losses(student.rng, 6, 4, 2, "tanh"), **MIXED_SIGNS,
    )


@check("backward_through_time", "works with relu and identity, zeros of z included", weight=2, most=NAMED, hint=ALL_NAMES)
def test_backward_through_time_other_activations(student):
    cases = [losses(student.rng, 4, 3, 3, name) for name in ("relu", "identity", "relu")]
    for _, zs, *_ in cases:
        zs[1:3, 0, 1] = 0.0
    student.agrees(*cases, **MIXED_SIGNS)


@check(
    "backward_through_time", "counts single losses, at h_0 or in the middle, where they are", weight=2, most=NAMED,
    hint="Each entry of direct_grads enters once, entry 0 as well. States behind the last loss get no gradient.",
)
def test_backward_through_time_single_losses(student):
    cases = []
    for places in ((0,), (2,), (1, 4), (5,)):
        direct_grads, zs, W_hh, name = losses(student.rng, 5, 3, 4, "tanh")
        direct_grads[[t for t in range(6) if t not in places]] = 0.0
        cases.append((direct_grads, zs, W_hh, name))
    student.agrees(*cases, **MIXED_SIGNS)


@check("backward_through_time", "works for one step, one row and one unit", weight=2, most=NAMED, hint=ONE_ROW)
def test_backward_through_time_ones(student):
    sizes = [(1, 3, 4), (4, 1, 3), (3, 2, 1), (1, 1, 1)]
    student.agrees(*[losses(student.rng, *size, "tanh") for size in sizes], **MIXED_SIGNS)


@check(
    "backward_through_time", "follows a vanishing gradient over hundreds of steps", weight=2, most=NAMED,
    hint="However small the gradient has become, it is not zero: nothing may be cut off or rounded, after any number of "
         "steps.",
)
def test_backward_through_time_vanishing(student):
    tiny, zs, W_hh, name = last_loss(student.rng, 4, 2, 3, "tanh", 0.2, 0.9)
    small_weights = last_loss(student.rng, 4, 3, 2, "relu", 1e-6, 1e-4)
    student.agrees(
        (1e-140 * tiny, zs, W_hh, name), small_weights,
        last_loss(student.rng, 120, 2, 3, "tanh", 0.02, 0.2), last_loss(student.rng, 150, 3, 2, "sigmoid", 0.2, 0.9),
        last_loss(student.rng, 400, 1, 2, "identity", 0.3, 0.6), **ONE_SIGN,
    )


@check(
    "backward_through_time", "follows an exploding gradient over a hundred steps", weight=2, most=NAMED,
    hint="Nothing is clipped here: that is exercise 6. An exploded gradient is what this function has to show.",
)
def test_backward_through_time_exploding(student):
    student.agrees(
        last_loss(student.rng, 110, 2, 3, "identity", 2.0, 5.0), last_loss(student.rng, 100, 3, 2, "relu", 3.0, 8.0),
        last_loss(student.rng, 4, 2, 3, "sigmoid", 1e3, 1e5),
        **ONE_SIGN,
    )


@check("backward_through_time", "stays right beside units that are saturated far out", weight=2, most=NAMED, hint=FAR_OUT)
def test_backward_through_time_far_out(student):
    student.agrees(*[far_losses(student.rng, name) for name in ("tanh", "sigmoid", "relu", "identity")], **MIXED_SIGNS)


@check("backward_through_time", "causes no floating-point warning", weight=2, hint=FAR_OUT)
def test_backward_through_time_silent(student):
    student.is_silent(
        far_losses(student.rng, "tanh"), far_losses(student.rng, "sigmoid"), losses(student.rng, 3, 2, 3, "relu"), **MIXED_SIGNS
    )
    direct_grads, *others = last_loss(student.rng, 3, 2, 3, "relu", 0.2, 0.9)
    student.is_silent((1e140 * direct_grads, *others))


@check("backward_through_time", "leaves its arguments as they were", weight=2, most=NAMED, hint=MAKE_A_COPY)
def test_backward_through_time_arguments(student):
    student.leaves_arguments_alone(
        losses(student.rng, 4, 2, 3, "tanh"), losses(student.rng, 1, 3, 2, "identity"), losses(student.rng, 3, 2, 2, "relu")
    )


# --------------------------------------------------------------------------------------- recurrent_weight_gradients


def after(rng, case, scale=8.0, positive=False):
    """The case (loss_grads, zs, hs, x, activation) that belongs to a network's forward pass."""
    x, h0, W_xh, W_hh, b, activation = case
    zs, hs = [], [h0]
    for x_t in x:
        zs.append(x_t @ W_xh + hs[-1] @ W_hh + b)
        hs.append(VALUES[activation](zs[-1]))
    shape = (len(x) + 1, *h0.shape)
    loss_grads = rng.uniform(0.2, 1.0, size=shape) if positive else rng.normal(size=shape)
    return scale * loss_grads, np.array(zs), np.array(hs), x, activation


def ordinary_passes(rng):
    return [
        after(rng, network(rng, 5, 3, 2, 4, "tanh")), after(rng, network(rng, 4, 2, 3, 2, "sigmoid")),
        after(rng, network(rng, 3, 4, 3, 3, "tanh")),
    ]


@check(
    "recurrent_weight_gradients", "sums x_t^T (dLoss/dz_t) over steps and batch into dW_xh", weight=3, core=True,
    hint="dLoss/dz_t is loss_grads[t] * a'(z_t); z_t is zs[t-1] and x_t is x[t-1]. All steps share the one matrix, so "
    "their terms are added, and so are the rows of the batch: no mean. Return the tuple (dW_xh, dW_hh, db).",
)
def test_recurrent_weight_gradients_inputs(student):
    student.agrees(*ordinary_passes(student.rng), first=1, **MIXED_SIGNS)


@check(
    "recurrent_weight_gradients", "sums h_{t-1}^T (dLoss/dz_t) into dW_hh, h_0 included", weight=3, most=NAMED,
    hint="Step t read the state before it, h_{t-1}, which is hs[t-1]: the first step read hs[0]. Check the shape of each "
         "factor.",
)
def test_recurrent_weight_gradients_states(student):
    student.agrees(*ordinary_passes(student.rng), first=2, **MIXED_SIGNS)


@check(
    "recurrent_weight_gradients", "sums dLoss/dz_t over steps and batch into db", weight=2, most=NAMED,
    hint="b is added in every step and every row, so its gradient is the sum over both axes: shape (n,).",
)
def test_recurrent_weight_gradients_biases(student):
    student.agrees(*ordinary_passes(student.rng), **MIXED_SIGNS)


@check("recurrent_weight_gradients", "works with relu and identity, zeros of z included", weight=2, most=NAMED, hint=ALL_NAMES)
def test_recurrent_weight_gradients_other_activations(student):
    cases = [after(student.rng, network(student.rng, 4, 3, 2, 3, name)) for name in ("relu", "identity", "relu")]
    for _, zs, hs, *_ in cases:
        zs[1:3, 0, 1], hs[2:4, 0, 1] = 0.0, 0.0     # both activations are 0 at 0
    student.agrees(*cases, **MIXED_SIGNS)


@check("recurrent_weight_gradients", "works for one step, one row, one input and one unit", weight=2, most=NAMED,
       hint=ONE_ROW)
def test_recurrent_weight_gradients_ones(student):
    sizes = [(1, 3, 2, 4), (3, 1, 2, 4), (3, 2, 1, 3), (3, 2, 3, 1), (1, 1, 1, 1)]
    student.agrees(*[after(student.rng, network(student.rng, *size, "tanh")) for size in sizes], **MIXED_SIGNS)


@check(
    "recurrent_weight_gradients", "counts every step of a long sequence", weight=2, most=NAMED,
    hint="The first steps count as the last ones do, and nothing is averaged, cut off or clipped on the way.",
)
def test_recurrent_weight_gradients_long(student):
    rng = student.rng
    fading = after(rng, positive_network(rng, 200, 2, 2, 3, "tanh"), scale=1.0, positive=True)
    fading[0][:] *= 10.0 ** np.linspace(-60, 0, 201)[:, np.newaxis, np.newaxis]
    early = after(rng, positive_network(rng, 120, 3, 2, 2, "sigmoid"), scale=1.0, positive=True)
    early[0][30:] = 0.0
    student.agrees(fading, early, after(rng, positive_network(rng, 400, 2, 3, 2, "identity"), positive=True), **ONE_SIGN)


@check(
    "recurrent_weight_gradients", "is right for very large and very small gradients and states", weight=2, most=NAMED,
    hint="Nothing has to be clipped, rounded or added.",
)
def test_recurrent_weight_gradients_scales(student):
    cases = [after(student.rng, positive_network(student.rng, 4, 2, 3, 2, "tanh"), scale, positive=True)
             for scale in (1e140, 1e-140, 1e-20)]
    # inputs and states are tiny or large, the gradients are not
    cases += [after(student.rng, scaled_network(student.rng, scale, name), positive=True)
              for scale, name in ((1e-140, "relu"), (1e-5, "identity"), (1e6, "relu"))]
    student.agrees(*cases, **ONE_SIGN)


@check("recurrent_weight_gradients", "stays right beside units that are saturated far out", weight=2, most=NAMED,
       hint=FAR_OUT)
def test_recurrent_weight_gradients_far_out(student):
    student.agrees(*[after(student.rng, far_network(student.rng, name)) for name in ("tanh", "sigmoid")], **MIXED_SIGNS)


@check("recurrent_weight_gradients", "causes no floating-point warning", weight=2, hint=FAR_OUT)
def test_recurrent_weight_gradients_silent(student):
    student.is_silent(
        *[after(student.rng, far_network(student.rng, name)) for name in ("tanh", "sigmoid", "relu")],
        after(student.rng, network(student.rng, 3, 2, 3, 2, "identity")), **MIXED_SIGNS,
    )
    student.is_silent(after(student.rng, positive_network(student.rng, 3, 2, 3, 2, "identity"), scale=1e140, positive=True))


@check("recurrent_weight_gradients", "leaves its arguments as they were", weight=2, most=NAMED, hint=MAKE_A_COPY)
def test_recurrent_weight_gradients_arguments(student):
    student.leaves_arguments_alone(
        after(student.rng, network(student.rng, 4, 2, 3, 3, "tanh")),
        after(student.rng, network(student.rng, 1, 3, 2, 2, "relu")),
        after(student.rng, network(student.rng, 3, 2, 2, 2, "identity")),
    )


# -------------------------------------------------------------------------------------------------- spectral_radius


def with_blocks(rng, *blocks):
    """A matrix without any symmetry that has the eigenvalues of the blocks."""
    n = sum(len(block) for block in blocks)
    together, start = np.zeros((n, n)), 0
    for block in blocks:
        stop = start + len(block)
        together[start:stop, start:stop] = block
        start = stop
    V = np.eye(n) + 0.35 * rng.uniform(-1.0, 1.0, size=(n, n))
    return V @ together @ np.linalg.inv(V)


def turning(modulus, angle):
    """The 2 x 2 block with the eigenvalues modulus e^(+-i angle)."""
    return modulus * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def real(*eigenvalues):
    return np.diag(np.array(eigenvalues))


@check(
    "spectral_radius", "is the largest absolute eigenvalue of a general matrix", weight=3, core=True,
    hint="np.linalg.eigvals gives all eigenvalues, complex ones too. First take absolute values, then the largest. "
    "A norm is something else: it is larger.",
)
def test_spectral_radius_values(student):
    rng = student.rng
    student.agrees(
        (with_blocks(rng, real(-1.7, 1.2, 0.4)),), (with_blocks(rng, turning(1.4, 0.8), real(1.1, -0.6)),),
        (with_blocks(rng, real(2.3, -0.5), turning(0.9, 2.0)),), (rng.normal(size=(5, 5)),), **EIGENVALUES,
    )


@check(
    "spectral_radius", "counts a leading complex pair by its modulus", weight=2, most=NAMED,
    hint="A pair a +- ib counts as the root of a^2 + b^2. Power iteration never settles on such a pair.",
)
def test_spectral_radius_complex(student):
    rng = student.rng
    student.agrees(
        (turning(0.8, 1.3),), (with_blocks(rng, turning(1.6, 1.1), real(1.5)),),
        (with_blocks(rng, turning(0.7, 2.4), turning(0.6, 0.5), real(-0.65)),), (turning(3.0, np.pi / 2),), **EIGENVALUES,
    )


@check(
    "spectral_radius", "takes the modulus where the leading eigenvalue is negative", weight=2, most=NAMED,
    hint="-2 counts more than 1.5: absolute values first, then the maximum.",
)
def test_spectral_radius_negative(student):
    rng = student.rng
    student.agrees(
        (real(-2.0, 1.5),), (with_blocks(rng, real(-0.9, 0.8, 0.1, -0.3)),), (with_blocks(rng, real(-1.1, 1.0)),),
        (np.array([[-3.0]]),), **EIGENVALUES,
    )


@check(
    "spectral_radius", "is not a norm: it may be far smaller", weight=2, most=NAMED,
    hint="A triangular matrix has its eigenvalues on the diagonal, however large the entries beside it are.",
)
def test_spectral_radius_not_normal(student):
    corner = np.array([[0.5, 40.0, -7.0], [0.0, -0.9, 3.0], [0.0, 0.0, 0.2]])
    student.agrees((corner,), (corner.T,), (np.array([[0.3, 1000.0], [0.0, 0.6]]),), **EIGENVALUES)


@check(
    "spectral_radius", "is 0 for a matrix whose powers end at zero, and for zeros", weight=2, most=NAMED,
    hint="All eigenvalues of a strictly triangular matrix are 0. Do not divide by a norm that may be 0.",
)
def test_spectral_radius_nilpotent(student):
    rng = student.rng
    student.agrees(
        (np.triu(rng.normal(size=(4, 4)), 1),), (np.tril(rng.normal(size=(3, 3)), -1),),
        (np.array([[0.0, 50.0], [0.0, 0.0]]),),
        (np.zeros((3, 3)),), rtol=0.0, atol=1e-6,
    )


@check("spectral_radius", "works for one unit, and where all eigenvalues are equally large", weight=2, most=NAMED,
       hint="A 1 x 1 matrix is its own eigenvalue. An orthogonal matrix has eigenvalues of modulus 1 only.")
def test_spectral_radius_ones(student):
    Q = np.linalg.qr(student.rng.normal(size=(6, 6)))[0]
    student.agrees((np.array([[0.4]]),), (np.array([[-0.7]]),), (1.3 * np.eye(2),), (Q,), (0.6 * Q,), **EIGENVALUES)


@check("spectral_radius", "works for very small and very large entries", weight=2, most=NAMED,
       hint="Nothing has to be rounded, added or compared with a small number.")
def test_spectral_radius_scales(student):
    W, pair = student.rng.normal(size=(3, 3)), with_blocks(student.rng, turning(1.0, 1.0))
    student.agrees((1e-60 * W,), (1e60 * W,), (1e-130 * pair,), (1e130 * pair,), **EIGENVALUES)


@check("spectral_radius", "causes no floating-point warning", weight=2,
       hint="A matrix of zeros has a radius, 0: divide by nothing.")
def test_spectral_radius_silent(student):
    student.is_silent(
        (np.zeros((2, 2)),), (student.rng.normal(size=(4, 4)),), (np.array([[0.0, 3.0], [0.0, 0.0]]),), atol=1e-6, **EIGENVALUES
    )


@check("spectral_radius", "leaves its argument as it was", weight=2, most=NAMED, hint=MAKE_A_COPY)
def test_spectral_radius_argument(student):
    student.leaves_arguments_alone((student.rng.normal(size=(4, 4)),), (turning(2.0, 1.0),), (np.array([[-2.0]]),))


# --------------------------------------------------------------------------------------------------- memory_horizon


def of_norm(rng, n, norm):
    """A matrix without any symmetry whose largest singular value is `norm`."""
    W = rng.normal(size=(n, n))
    return norm * W / np.linalg.norm(W, 2)


@check(
    "memory_horizon", "is the smallest k for which the bound has fallen to the tolerance", weight=3, core=True,
    hint="One step multiplies the bound by max_derivative times the spectral norm of W_hh, its largest singular value. "
    "Solve factor^k <= tolerance for k with logarithms, or multiply until it holds.",
)
def test_memory_horizon_values(student):
    rng = student.rng
    student.agrees(
        (1.0, of_norm(rng, 3, 0.62), 0.01), (0.25, of_norm(rng, 4, 3.1), 1e-4), (0.7, of_norm(rng, 5, 0.95)),
        (1.0, of_norm(rng, 2, 0.9)), (0.5, of_norm(rng, 3, 0.3), 0.2), **EXACT,
    )


@check(
    "memory_horizon", "is math.inf where the bound does not fall", weight=2, most=NAMED,
    hint="If the factor is above 1 its powers grow: no k will do, unless the tolerance is 1. Return math.inf.",
)
def test_memory_horizon_endless(student):
    rng = student.rng
    student.agrees(
        (1.0, of_norm(rng, 3, 1.4)), (0.25, of_norm(rng, 4, 4.2), 0.5), (1.0, of_norm(rng, 2, 1.01), 1e-6),
        (3.0, of_norm(rng, 3, 40.0)), (2.5, of_norm(rng, 3, 0.6)),
        **EXACT,
    )


@check(
    "memory_horizon", "takes the spectral norm, not the spectral radius", weight=2, most=NAMED,
    hint="The bound has to hold at every step, and a single step can stretch by the largest singular value, "
    "whatever the eigenvalues are.",
)
def test_memory_horizon_norm(student):
    corner = np.array([[0.5, 0.7], [0.0, 0.3]])
    student.agrees(
        (1.0, corner, 0.01), (0.8, corner.T), (1.0, np.array([[0.2, 3.0], [0.0, 0.4]])),
        (1.0, np.array([[0.0, 0.6], [0.0, 0.0]])),
        (1.0, np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])), **EXACT,
    )


@check(
    "memory_horizon", "rounds up", weight=2, most=NAMED,
    hint="k is an int: the next one above the exact solution. Rounding to the nearest one may stop a step too early.",
)
def test_memory_horizon_rounding(student):
    rng = student.rng
    student.agrees(
        (1.0, of_norm(rng, 3, 0.5), 0.12), (0.5, of_norm(rng, 2, 1.0), 0.06), (1.0, of_norm(rng, 3, 0.8), 0.05),
        (0.9, of_norm(rng, 4, 0.5), 0.19), (1.0, of_norm(rng, 2, 0.05), 0.04), **EXACT,
    )


@check(
    "memory_horizon", "is 0 for a tolerance of 1", weight=2, most=NAMED,
    hint="factor^0 is 1, whatever the factor is: a tolerance of 1 is met before the first step.",
)
def test_memory_horizon_no_step(student):
    rng = student.rng
    student.agrees(
        (1.0, of_norm(rng, 3, 0.6), 1.0), (0.25, of_norm(rng, 2, 9.0), 1.0), (1.0, of_norm(rng, 4, 0.99), 1.0), **EXACT
    )


@check(
    "memory_horizon", "is 1 for a W_hh of zeros", weight=2, most=NAMED,
    hint="One step through zeros leaves nothing: k = 1 for every tolerance below 1. The logarithm of 0 is the trap.",
)
def test_memory_horizon_zeros(student):
    student.agrees((1.0, np.zeros((3, 3))), (0.25, np.zeros((1, 1)), 0.5), (2.0, np.zeros((2, 2)), 1e-9), **EXACT)


@check(
    "memory_horizon", "is right for horizons of up to a hundred thousand steps", weight=2, most=NAMED,
    hint="No loop may give up early. With logarithms the answer is one division, however long the horizon is.",
)
def test_memory_horizon_long(student):
    rng = student.rng
    student.agrees(
        (1.0, of_norm(rng, 3, 0.99)), (0.25, of_norm(rng, 3, 3.996), 0.01), (1.0, of_norm(rng, 2, 0.9999), 1e-4),
        (0.5, of_norm(rng, 2, 1.0), 1e-250), **EXACT,
    )


@check("memory_horizon", "works for one unit, and for tiny or large entries", weight=2, most=NAMED,
       hint="The spectral norm of a 1 x 1 matrix is the absolute value of its entry.")
def test_memory_horizon_ones(student):
    student.agrees(
        (1.0, np.array([[-0.6]])), (0.25, np.array([[2.0]]), 0.1), (1.0, np.array([[1e-140]])),
        (1e-30, np.array([[1e25]]), 1e-12), (1.0, of_norm(student.rng, 3, 3e-5), 1e-40),
        (4.0, np.array([[0.2]]), 0.3), **EXACT,
    )


@check("memory_horizon", "causes no floating-point warning", weight=2,
       hint="np.log(0) warns: treat a W_hh of zeros apart. And powers of a large factor overflow: ask whether it exceeds 1 "
            "first.")
def test_memory_horizon_silent(student):
    cases = [(1.0, np.zeros((2, 2))), (1.0, 30.0 * np.eye(2)), (0.9, of_norm(student.rng, 3, 0.4))]
    student.results(*cases)
    student.expect(not student.warnings, "neither zeros nor a factor above 1 cause a floating-point warning")


@check("memory_horizon", "leaves its arguments as they were", weight=2, most=NAMED, hint=MAKE_A_COPY)
def test_memory_horizon_arguments(student):
    student.leaves_arguments_alone((0.5, of_norm(student.rng, 3, 0.9)), (1.0, of_norm(student.rng, 2, 2.0), 0.1))


# --------------------------------------------------------------------------------------------- clip_by_global_norm


def gradients(rng, shapes, scale=1.0):
    """Arrays of clearly different norms."""
    return [scale * factor * rng.normal(size=shape) for factor, shape in zip((3.0, 0.5, 8.0, 1.0), shapes)]


SHAPES = [(2, 4), (4, 4), (4,)]


def ordinary_clips(rng):
    together_only = [grad / np.linalg.norm(grad) for grad in gradients(rng, [(2, 3), (4,), (3, 2), (2,)])]
    return [
        (gradients(rng, SHAPES), 2.5), (gradients(rng, [(3,), (2, 3)]), 0.7),
        (gradients(rng, [(2, 2), (2, 2), (2, 2), (5,)]), 4.0), (together_only, 1.5),
    ]


@check(
    "clip_by_global_norm", "scales all arrays together by max_norm over their joint norm", weight=3, core=True,
    hint="One norm for the whole list: the root of the sum of all squares of all arrays. If it exceeds max_norm, every "
    "array is multiplied by the same number, exactly max_norm / norm. Return the tuple (clipped, norm).",
)
def test_clip_by_global_norm_values(student):
    student.agrees(*ordinary_clips(student.rng), first=1, rtol=1e-9)


@check(
    "clip_by_global_norm", "returns the joint norm before clipping", weight=2, most=NAMED,
    hint="The second thing to return is the norm of what came in, not of what goes out, and never max_norm itself.",
)
def test_clip_by_global_norm_norm(student):
    student.agrees(*ordinary_clips(student.rng), (gradients(student.rng, SHAPES), 1000.0), rtol=1e-9)


@check(
    "clip_by_global_norm", "leaves small gradients as they are", weight=2, most=NAMED,
    hint="Clipping only makes smaller. If the norm does not exceed max_norm, the arrays are returned unscaled.",
)
def test_clip_by_global_norm_small(student):
    rng = student.rng
    student.agrees(
        (gradients(rng, SHAPES), 500.0), (gradients(rng, [(3,), (2, 3)], scale=1e-4), 1.0),
        (gradients(rng, [(2, 2)]), 1e30), rtol=1e-9,
    )


@check(
    "clip_by_global_norm", "works for gradients of zero", weight=2, most=NAMED,
    hint="A norm of 0 does not exceed max_norm: divide only where something is to be clipped. One array may be all zeros, "
         "too.",
)
def test_clip_by_global_norm_zeros(student):
    mixed = gradients(student.rng, SHAPES)
    mixed[1] = np.zeros((4, 4))
    student.agrees(([np.zeros((2, 3)), np.zeros(3)], 1.0), (mixed, 2.0), ([np.zeros(2)], 0.1), rtol=1e-9)


@check(
    "clip_by_global_norm", "is right where a square overflows", weight=2, most=NAMED,
    hint="Above 1e154 a square is inf. Divide everything by the largest absolute value first, and multiply the root by it.",
)
def test_clip_by_global_norm_huge(student):
    rng = student.rng
    spread = gradients(rng, SHAPES)
    spread[2] = 1e200 * spread[2]
    student.agrees(
        (gradients(rng, SHAPES, scale=1e200), 2.0), (gradients(rng, [(3,)], scale=1e160), 5.0), (spread, 1e199),
        (gradients(rng, [(2, 2), (2,)], scale=1e250), 1e280), rtol=1e-9,
    )


@check(
    "clip_by_global_norm", "scales by exactly max_norm / norm, tiny norms included", weight=2, most=NAMED,
    hint="Add no small constant to the norm. PyTorch divides by norm + 1e-6, this course by the norm itself.",
)
def test_clip_by_global_norm_tiny(student):
    rng = student.rng
    student.agrees(
        (gradients(rng, SHAPES, scale=1e-5), 1e-6), (gradients(rng, SHAPES, scale=1e-100), 1e-110),
        (gradients(rng, SHAPES, scale=1e-8), 1.0), rtol=1e-9,
    )


@check("clip_by_global_norm", "works for one array, one entry and arrays of three axes", weight=2, most=NAMED,
       hint="The norm is taken over all entries, whatever the shapes are; each array keeps its own shape.")
def test_clip_by_global_norm_shapes(student):
    rng = student.rng
    student.agrees(
        (gradients(rng, [(3, 4)]), 1.0), ([np.array([-8.0])], 2.0), (gradients(rng, [(2, 3, 2), (1, 1), (1,)]), 1.5),
        ([np.array([[7.0]]), np.array([1.0, -3.0])], 0.5), rtol=1e-9,
    )


@check("clip_by_global_norm", "causes no floating-point warning", weight=2,
       hint="Ask whether the norm exceeds max_norm before you divide, and scale before you square.")
def test_clip_by_global_norm_silent(student):
    rng = student.rng
    cases = [([np.zeros(3), np.zeros((2, 2))], 1.0), (gradients(rng, SHAPES, scale=1e200), 2.0),
             (gradients(rng, SHAPES), 3.0)]
    student.results(*cases)
    student.expect(not student.warnings, "neither zeros nor gradients of 1e200 cause a floating-point warning")


@check("clip_by_global_norm", "leaves the input arrays and the list as they were", weight=2, most=NAMED,
       hint="Make new arrays, g * scale, and a new list: g *= scale changes what the caller holds.")
def test_clip_by_global_norm_arguments(student):
    student.leaves_arguments_alone(
        (gradients(student.rng, SHAPES), 0.5), (gradients(student.rng, [(3,)]), 100.0),
        (gradients(student.rng, SHAPES, scale=1e180), 1.0),
    )
