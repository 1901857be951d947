"""The rules that hold for every function of reference_impl, and the edge cases that the contracts name."""

import copy
import inspect
import math

import numpy as np
import pytest

from reference_impl import activations, backward_step, product_of_gradients, recurrent, remedies

EXERCISES = {
    activations: (
        "sigmoid sigmoid_derivative tanh_derivative relu relu_derivative leaky_relu_derivative saturated_fraction"
    ),
    backward_step: "layer_forward local_gradient backward_step weight_gradient backpropagate",
    product_of_gradients: (
        "scalar_gradient_product product_of_gradients log10_gradient_norms log10_gradient_bound diagnose update_ratios"
    ),
    recurrent: (
        "rnn_forward backward_through_time recurrent_weight_gradients"
        " spectral_radius memory_horizon clip_by_global_norm"
    ),
    remedies: (
        "initial_std gelu_derivative residual_backward_step layer_norm layer_norm_backward cell_state_gradient"
    ),
}
FUNCTIONS = {name: getattr(module, name) for module, names in EXERCISES.items() for name in names.split()}
ELEMENTWISE = [
    "sigmoid",
    "sigmoid_derivative",
    "tanh_derivative",
    "relu",
    "relu_derivative",
    "leaky_relu_derivative",
    "gelu_derivative",
]
EXTREMES = [0.0, -0.0, 5e-324, -5e-324, 1e-300, 1.0, -1.0, 37.0, 709.0, -709.0, 746.0, -746.0, 1e4, -1e4, 1e300, -1e300]


def normal(*shape, scale=1.0):
    return scale * np.random.default_rng(list(shape)).normal(size=shape)


def stack(depth, scale=1.0):
    """zs and weights for layer sizes 2, 3, 2, 3, ... and a batch of 4."""
    sizes = [2 + layer % 2 for layer in range(depth + 1)]
    zs = [normal(4, n, scale=scale) for n in sizes[1:]]
    weights = [normal(*shape) for shape in zip(sizes[:-1], sizes[1:])]
    return normal(4, sizes[-1]), zs, weights


def network(depth):
    loss_grad, zs, weights = stack(depth)
    return loss_grad, normal(4, 2), weights, [normal(W.shape[1]) for W in weights], ["tanh", "relu", "sigmoid"][:depth]


def sequence(T, scale=1.0):
    """x, h0, W_xh, W_hh, b and direct_grads, zs, hs for d = 2, n = 3, m = 4."""
    states = normal(T + 1, 4, 3)
    inputs = normal(T, 4, 2), normal(4, 3), normal(2, 3), normal(3, 3), normal(3)
    return inputs, states, normal(T, 4, 3, scale=scale), states


def calls():
    """(name, arguments): ordinary, extreme and odd ones; every result is finite unless said below."""
    for name in ELEMENTWISE:
        yield name, (np.array(EXTREMES),)
        yield name, (normal(2, 3, 4),)
    for slope in (0, 0.0, 0.3, 1, 1.0):
        yield "leaky_relu_derivative", (np.array(EXTREMES), slope)
    yield "saturated_fraction", (np.array(EXTREMES),)
    yield "saturated_fraction", (normal(3, 4), 0.5)

    for activation in ("identity", "sigmoid", "tanh", "relu"):
        for scale in (1.0, 1e150):
            z, W = normal(4, 3, scale=scale), normal(2, 3)
            yield "layer_forward", (normal(4, 2, scale=scale), W, normal(3), activation)
            yield "local_gradient", (z, scale * W, activation)
            yield "backward_step", (normal(4, 3), z, scale * W, activation)
            yield "weight_gradient", (normal(4, 3), z, normal(4, 2, scale=scale), activation)
            yield "residual_backward_step", (normal(4, 3), z, normal(3, 3, scale=scale), activation)
        for depth, scale in ((0, 1.0), (1, 1e300), (2, 1.0), (3, 1e300)):
            yield "product_of_gradients", (*stack(depth, scale), activation)
            if activation != "relu":
                yield "log10_gradient_norms", (*stack(depth, scale), activation)
        for T in (0, 1, 5):
            inputs, states, zs, hs = sequence(T)
            yield "rnn_forward", (*inputs, activation)
            yield "backward_through_time", (states, zs, inputs[3], activation)
            yield "recurrent_weight_gradients", (states, zs, hs, inputs[0], activation)
        yield "initial_std", (3, 5, activation)

    for depth in range(4):
        yield "backpropagate", network(depth)
    yield "scalar_gradient_product", (1.5, np.zeros(0), np.zeros(0))
    yield "scalar_gradient_product", (1.5, np.array([0.2, 0.0, 0.3]), np.array([1e300, 1e300, -1e-300]))
    yield "scalar_gradient_product", (1.0, np.array([1e200, 1.0]), np.array([1e200, 0.0]))
    yield "scalar_gradient_product", (1.0, np.full(3000, 0.25), np.ones(3000))
    for scale in (1e-300, 1.0, 1e300):
        yield "log10_gradient_bound", (0.25, [scale * W for W in stack(3)[2]])
        yield "spectral_radius", (normal(3, 3, scale=scale),)
        yield "update_ratios", ([normal(2, 3, scale=scale)], [normal(3, 3, scale=scale)], 0.1)
        yield "clip_by_global_norm", ([normal(2, 3, scale=scale), normal(3, scale=scale)], 1.0)
        yield "layer_norm", (normal(4, 3, scale=scale), normal(3), normal(3))
        yield "layer_norm_backward", (normal(4, 3), normal(4, 3, scale=scale), normal(3))
    yield "log10_gradient_bound", (1.0, [])
    yield "update_ratios", ([np.zeros((2, 3))], [np.zeros((2, 3))], 0.1)
    yield "clip_by_global_norm", ([np.zeros((2, 3)), np.zeros(3)], 1.0)
    yield "diagnose", (np.array([-1.0, 2.0]), 1.0)
    yield "diagnose", (np.array([0.0]),)
    yield "memory_horizon", (0.25, normal(3, 3))
    yield "memory_horizon", (1.0, np.zeros((3, 3)))
    yield "layer_norm", (np.full((2, 1), 1e300), np.ones(1), np.zeros(1))
    yield "layer_norm_backward", (np.ones((2, 1)), np.full((2, 1), 1e300), np.ones(1))
    yield "layer_norm", (np.zeros((2, 3)), np.ones(3), np.zeros(3), 1e-300)
    for T in (0, 1, 2000):
        yield "cell_state_gradient", (normal(4, 3), np.random.default_rng(T).uniform(size=(T, 4, 3)))


CALLS = [pytest.param(name, arguments, id=f"{name}-{i}") for i, (name, arguments) in enumerate(calls())]


def arrays_in(value):
    if isinstance(value, (list, tuple)):
        return [array for entry in value for array in arrays_in(entry)]
    return [value] if isinstance(value, np.ndarray) else []


def same(left, right):
    if isinstance(left, (list, tuple)):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    return left == right


def numbers_in(result):
    if isinstance(result, (list, tuple)):
        return np.concatenate([numbers_in(entry) for entry in result] or [np.zeros(0)])
    return np.zeros(0) if isinstance(result, str) else np.ravel(result)


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_no_warning_no_nan_no_inf_and_arguments_left_alone(name, arguments):
    """Read-only arrays make a change of an argument an error at the line that tries."""
    arguments = copy.deepcopy(arguments)
    before = copy.deepcopy(arguments)
    for array in arrays_in(arguments):
        array.flags.writeable = False
    with np.errstate(all="raise", under="ignore"):
        result = FUNCTIONS[name](*arguments)
    assert same(list(arguments), list(before))
    numbers = numbers_in(result)
    assert numbers.dtype.kind in "fi"
    assert np.all(np.isfinite(numbers))


def test_every_exercise_is_called():
    assert {param.values[0] for param in CALLS} == set(FUNCTIONS)


def test_the_reference_needs_numpy_and_the_standard_library_only():
    for module in EXERCISES:
        lines = [line for line in inspect.getsource(module).splitlines() if line.startswith(("import ", "from "))]
        assert {line.split()[1].split(".")[0] for line in lines} <= {"math", "numpy", "reference_impl"}


# ---- array_like ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_scalars_lists_and_integer_arrays_are_as_good_as_float_arrays(name):
    function = FUNCTIONS[name]
    values = [[-3, 0, 1], [2, 50, -700]]
    want = function(np.array(values, dtype=float))
    assert want.shape == (2, 3)
    big = np.arange(24.0).reshape(2, 3, 4)
    with np.errstate(all="raise", under="ignore"):
        for same_values in (values, np.array(values), np.asfortranarray(values, dtype=float)):
            got = np.asarray(function(same_values))
            assert got.dtype == float
            np.testing.assert_array_equal(got, want)
        for index in np.ndindex(2, 3):
            number = values[index[0]][index[1]]
            for scalar in (number, float(number), np.int64(number), np.float64(number), np.array(number)):
                got = np.asarray(function(scalar))
                assert got.shape == () and got.dtype == float and got == want[index]
        np.testing.assert_array_equal(function(big[::-1, :, ::2]), function(big)[::-1, :, ::2])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_largest_integers_are_numbers_too(name):
    ends = np.iinfo(np.int64)
    with np.errstate(all="raise", under="ignore"):
        got = FUNCTIONS[name](np.array([ends.min, ends.max]))
    np.testing.assert_array_equal(got, FUNCTIONS[name](np.array([-(2.0**63), 2.0**63])))


def test_saturated_fraction_takes_all_kinds_of_input():
    for a_prime in (0, 0.0, [0, 0], [[0.0], [1e-4]], np.array([-1e-4]), np.array(0), np.zeros((2, 2), dtype=int)):
        assert activations.saturated_fraction(a_prime) == 1.0
    assert activations.saturated_fraction([0.5, -0.5, 0.25, 1], threshold=0.5) == 0.25
    assert activations.saturated_fraction([0.0011, 0.0009, 0, -0.0009]) == 0.75
    assert activations.saturated_fraction(np.array([np.iinfo(np.int64).min])) == 0.0


# ---- edge cases that the contracts name ----------------------------------------------------------------


def test_sigmoid_at_infinity():
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_array_equal(activations.sigmoid([np.inf, -np.inf, 0]), [1, 0, 0.5])
    assert activations.sigmoid(-700) > 0


def test_derivatives_at_zero():
    assert activations.sigmoid_derivative(0) == 0.25
    assert activations.tanh_derivative(0) == 1
    assert activations.relu_derivative(0) == 0
    assert activations.leaky_relu_derivative(0) == 0.01
    assert remedies.gelu_derivative(0) == 0.5


def test_depth_zero():
    loss_grad = np.ones((2, 3))
    loss_grads, dWs, dbs = backward_step.backpropagate(loss_grad, loss_grad, [], [], [])
    assert same([loss_grads, dWs, dbs], [[loss_grad], [], []])
    assert same(product_of_gradients.product_of_gradients(loss_grad, [], [], "tanh"), [loss_grad])
    norms = product_of_gradients.log10_gradient_norms(loss_grad, [], [], "tanh")
    np.testing.assert_allclose(norms, [math.log10(6) / 2], rtol=1e-15)
    np.testing.assert_array_equal(product_of_gradients.log10_gradient_bound(0.25, []), [0])
    np.testing.assert_array_equal(product_of_gradients.scalar_gradient_product(2, np.zeros(0), np.zeros(0)), [2])
    assert product_of_gradients.update_ratios([], [], 0.1).shape == (0,)


def test_results_have_the_promised_structure():
    assert isinstance(backward_step.layer_forward(normal(4, 2), normal(2, 3), normal(3), "relu"), tuple)
    loss_grads, dWs, dbs = backward_step.backpropagate(*network(3))
    assert [grad.shape for grad in loss_grads] == [(4, 2), (4, 3), (4, 2), (4, 3)]
    assert [grad.shape for grad in dWs] == [(2, 3), (3, 2), (2, 3)]
    assert [grad.shape for grad in dbs] == [(3,), (2,), (3,)]
    assert backward_step.local_gradient(normal(4, 3), normal(2, 3), "tanh").shape == (4, 3, 2)


def test_unknown_activation_names_are_refused():
    for name in ("ReLU", "gelu", "", None):
        for call in (
            lambda: remedies.initial_std(2, 3, name),
            lambda: backward_step.activate(np.ones(1), name),
            lambda: backward_step.activation_derivative(np.ones(1), name),
        ):
            with pytest.raises(ValueError, match="identity, sigmoid, tanh"):
                call()


def test_initial_std_is_he_for_relu_and_glorot_otherwise():
    assert remedies.initial_std(8, 24, "relu") == 0.5
    for activation in ("sigmoid", "tanh", "identity"):
        assert remedies.initial_std(8, 24, activation) == 0.25
    assert remedies.initial_std(8, 24, "-relu"[1:]) == 0.5, "an equal string, but another object"
    assert type(remedies.initial_std(1, 1, "relu")) is float


def test_minus_infinity_comes_without_a_warning():
    loss_grad, zs, weights = stack(3)
    zs[1] = -np.abs(zs[1])
    no_weights = [np.zeros_like(weights[0]), *weights[1:]]
    with np.errstate(all="raise", under="ignore"):
        for norms, zeros in (
            (product_of_gradients.log10_gradient_norms(loss_grad, zs, weights, "relu"), 2),
            (product_of_gradients.log10_gradient_norms(loss_grad, zs, no_weights, "tanh"), 1),
        ):
            assert np.all(norms[:zeros] == -np.inf) and np.all(np.isfinite(norms[zeros:]))
        assert product_of_gradients.log10_gradient_bound(1.0, [np.zeros((2, 2))])[0] == -np.inf


@pytest.mark.parametrize(
    ("log10_norms", "decades", "want"),
    [
        ([-3.1, 0.0], 3.0, "vanishing"),
        ([-2.9, 0.0], 3.0, "stable"),
        ([-3.0, 0.0], 3.0, "stable"),
        ([3.0, 0.0], 3.0, "stable"),
        ([3.1, 0.0], 3.0, "exploding"),
        ([2.9, 0.0], 3.0, "stable"),
        ([-1000.0, -1004.0], 3.0, "exploding"),
        ([-1000.0, 99.0, -996.0], 3.0, "vanishing"),
        ([-np.inf, 5.0], 3.0, "vanishing"),
        ([-np.inf, -np.inf, 5.0], 1e6, "vanishing"),
        ([-np.inf, -np.inf], 3.0, "stable"),
        ([0.0], 3.0, "stable"),
        ([1.0, 0.0], 0.5, "exploding"),
    ],
)
def test_diagnose_compares_the_first_layer_with_the_last(log10_norms, decades, want):
    with np.errstate(all="raise"):
        assert product_of_gradients.diagnose(np.array(log10_norms), decades) == want
        assert product_of_gradients.diagnose(np.array(log10_norms), decades=decades) == want


def test_diagnose_takes_three_decades_unless_told():
    words = [product_of_gradients.diagnose(np.array([change, 0.0])) for change in (-3.1, -2.9, 2.9, 3.1)]
    assert words == ["vanishing", "stable", "stable", "exploding"]


def test_update_ratios_of_zero_weights_are_infinite_or_zero():
    zero, one = np.zeros((2, 2)), np.ones((2, 2))
    with np.errstate(all="raise", under="ignore"):
        got = product_of_gradients.update_ratios([zero, zero, one, one], [one, zero, zero, one], 0.5)
    np.testing.assert_array_equal(got, [np.inf, 0, 0, 0.5])


def test_memory_horizon_at_its_borders():
    eye = np.eye(3)
    with np.errstate(all="raise", under="ignore"):
        assert recurrent.memory_horizon(1.0, eye, 1.0) == 0
        assert recurrent.memory_horizon(5.0, eye, 1.0) == 0
        assert recurrent.memory_horizon(1.0, eye, 0.5) == math.inf
        assert recurrent.memory_horizon(5.0, eye, 0.5) == math.inf
        assert recurrent.memory_horizon(1e300, 1e300 * eye, 0.5) == math.inf
        assert recurrent.memory_horizon(1.0, 0 * eye, 0.5) == 1
        assert recurrent.memory_horizon(1e-300, 1e-300 * eye, 0.5) == 1
        assert recurrent.memory_horizon(1.0, 0 * eye, 1.0) == 0
        assert recurrent.memory_horizon(0.25, eye) == 5


def test_clipping_returns_new_arrays_and_reaches_the_limit():
    grads = [np.array([[3.0]]), np.array([4.0])]
    untouched, norm = recurrent.clip_by_global_norm(grads, 5.0)
    assert norm == 5 and same(untouched, grads)
    assert not any(np.shares_memory(got, grad) for got, grad in zip(untouched, grads))
    clipped, norm = recurrent.clip_by_global_norm(grads, 1.0)
    assert norm == 5
    np.testing.assert_allclose(np.concatenate([np.ravel(grad) for grad in clipped]), [0.6, 0.8], rtol=1e-15)
    with np.errstate(all="raise", under="ignore"):
        clipped, norm = recurrent.clip_by_global_norm([np.array([3e200]), np.array([4e200])], 10.0)
    assert norm == pytest.approx(5e200, rel=1e-15)
    np.testing.assert_allclose(clipped, [[6.0], [8.0]], rtol=1e-15)
