"""Backward step and product of gradients against the complex step, HIPS autograd and mpmath, at depth 1 to 2000.

"Off by 10^-12" means: the largest error of an array is 10^-12 of its largest entry.
"""

from fractions import Fraction
from itertools import pairwise

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reference_impl import backward_step as steps
from reference_impl import product_of_gradients as products
from tests.course import oracles
from tests.course.oracles import (
    ACTIVATIONS,
    PROPERTY,
    assert_agree,
    complex_step,
    make_derivative_wrong,
    pre_activations,
    random_network,
)

DEPTHS = (1, 2, 5, 20, 60, 200)
SIZES = (4, 2, 5, 3)


def deep_network(depth, activation, seed=0, batch=3):
    """Layers of unequal sizes with one activation; unit 0 of each ReLU layer is kept on, or deep ones go dead."""
    rng = np.random.default_rng([seed, depth])
    sizes = [SIZES[layer % len(SIZES)] for layer in range(depth + 1)]
    x, weights, biases = random_network(rng, sizes, batch)
    if activation == "relu":
        x, biases = np.abs(x), [np.abs(b) for b in biases]
        for W in weights:
            W[:, 0] = np.abs(W[:, 0])
    return rng.normal(size=(batch, sizes[-1])), x, weights, biases, [activation] * depth


def mixed_network(depth, seed=1):
    loss_grad, x, weights, biases, _ = deep_network(depth, "tanh", seed)
    return loss_grad, x, weights, biases, [ACTIVATIONS[layer % 4] for layer in range(depth)]


# ---- one step ----------------------------------------------------------------------------------------


def check_one_step(activation):
    rng = np.random.default_rng(2)
    y_prev, W, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=2)
    loss_grad = rng.normal(size=(3, 2))

    def output(y_prev, W, b):
        return oracles.activation_of(np, y_prev @ W + b, activation)

    def loss(*arguments):
        return np.sum(loss_grad * output(*arguments))

    z, y = steps.layer_forward(y_prev, W, b, activation)
    assert_agree((z, y), (y_prev @ W + b, output(y_prev, W, b)), decades=-15)

    jacobian = np.zeros((3, 2, 4))
    for i, j in np.ndindex(3, 2):
        jacobian[i, j] = complex_step(lambda v: output(v, W, b)[i, j], y_prev)[i]
    assert_agree(steps.local_gradient(z, W, activation), jacobian, decades=-14)

    want = complex_step(lambda v: loss(v, W, b), y_prev)
    assert_agree(steps.backward_step(loss_grad, z, W, activation), want, decades=-14)
    dW = complex_step(lambda v: loss(y_prev, v, b), W)
    db = complex_step(lambda v: loss(y_prev, W, v), b)
    assert_agree(steps.weight_gradient(loss_grad, z, y_prev, activation), (dW, db), decades=-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_one_step_agrees_with_the_complex_step(activation):
    check_one_step(activation)


# ---- backpropagation ---------------------------------------------------------------------------------


def check_against_autograd(loss_grad, x, weights, biases, activations):
    def loss(x, weights, biases):
        return anp.sum(loss_grad * oracles.network(anp, x, weights, biases, activations))

    dx, dWs, dbs = autograd.grad(loss, argnum=(0, 1, 2))(x, weights, biases)
    loss_grads, *weight_grads = steps.backpropagate(loss_grad, x, weights, biases, activations)
    assert_agree((loss_grads[0], *weight_grads), (dx, dWs, dbs))
    assert loss_grads[-1] is loss_grad


def check_against_complex_step(loss_grad, x, weights, biases, activations):
    """dLoss/dy_l at seven layers at most, and the weights of the first and last layer."""
    depth = len(weights)
    loss_grads, dWs, dbs = steps.backpropagate(loss_grad, x, weights, biases, activations)

    def loss_above(k, y, W=None, b=None):
        """The loss as a function of y_k and, if given, of the weights of layer k + 1."""
        above = [weights[k:], biases[k:], activations[k:]]
        if W is not None:
            above[0] = [W, *weights[k + 1 :]]
        if b is not None:
            above[1] = [b, *biases[k + 1 :]]
        return np.sum(loss_grad * oracles.network(np, y, *above))

    for k in sorted({int(v) for v in np.linspace(0, depth, 7)}):
        y = oracles.network(np, x, weights[:k], biases[:k], activations[:k])
        assert_agree(loss_grads[k], complex_step(lambda v: loss_above(k, v), y))
        if k in (0, depth - 1):
            assert_agree(dWs[k], complex_step(lambda v: loss_above(k, y, W=v), weights[k]))
            assert_agree(dbs[k], complex_step(lambda v: loss_above(k, y, b=v), biases[k]))


@pytest.mark.parametrize("check", [check_against_autograd, check_against_complex_step])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backpropagate_agrees_at_every_depth(activation, depth, check):
    check(*deep_network(depth, activation))


@pytest.mark.parametrize("check", [check_against_autograd, check_against_complex_step])
def test_backpropagate_agrees_with_a_different_activation_in_each_layer(check):
    check(*mixed_network(depth=9))


def test_the_gradients_compared_at_depth_200_are_neither_zero_nor_ordinary():
    sizes = {}
    for activation in ACTIVATIONS:
        loss_grads, dWs, _ = steps.backpropagate(*deep_network(200, activation))
        assert all(np.any(grad) for grad in loss_grads + dWs)
        sizes[activation] = np.log10(np.max(np.abs(loss_grads[0])))
    print("log10 of dLoss/dx at depth 200:", sizes)
    assert sizes["sigmoid"] < -100


# ---- the product -------------------------------------------------------------------------------------


def check_product(depth, activation):
    loss_grad, x, weights, biases, activations = deep_network(depth, activation)
    zs = pre_activations(x, weights, biases, activations)
    got = products.product_of_gradients(loss_grad, zs, weights, activation)
    assert got[-1] is loss_grad

    def loss(x):
        return anp.sum(loss_grad * oracles.network(anp, x, weights, biases, activations))

    assert_agree(got[0], autograd.grad(loss)(x))
    wanted = oracles.mp_gradients(loss_grad, zs, weights, activation)
    assert_agree(got, [np.array(grad, dtype=float) for grad in wanted])
    norms = products.log10_gradient_norms(loss_grad, zs, weights, activation)
    assert_agree(norms, np.array([oracles.mp_log10_norm(grad) for grad in wanted]))


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_product_and_its_norms_agree_at_every_depth(activation, depth):
    check_product(depth, activation)


def check_norms(loss_grad, zs, weights, activation, decades=-12.0):
    wanted = [oracles.mp_log10_norm(grad) for grad in oracles.mp_gradients(loss_grad, zs, weights, activation)]
    got = products.log10_gradient_norms(loss_grad, zs, weights, activation)
    assert got.shape == (len(zs) + 1,)
    np.testing.assert_array_equal(np.isneginf(got), np.isneginf(wanted))
    finite = np.isfinite(wanted)
    assert_agree(got[finite], np.array(wanted)[finite], decades)
    return got


def random_stack(depth, seed, z_scale=1.0, W_scale=1.0):
    rng = np.random.default_rng(seed)
    sizes = [1 + layer % 3 for layer in range(depth + 1)]
    zs = [z_scale * rng.normal(size=(2, n)) for n in sizes[1:]]
    weights = [W_scale * rng.normal(size=shape) for shape in pairwise(sizes)]
    return rng.normal(size=(2, sizes[-1])), zs, weights


@pytest.mark.parametrize(
    ("activation", "W_scale", "outcome"),
    [
        ("sigmoid", 1.0, "vanishing"),
        ("tanh", 0.1, "vanishing"),
        ("tanh", 10.0, "exploding"),
        ("identity", 30.0, "exploding"),
    ],
)
def test_log10_gradient_norms_are_right_at_depth_2000(activation, W_scale, outcome):
    got = check_norms(*random_stack(2000, 5, W_scale=W_scale), activation)
    print(f"{activation}, weights of {W_scale}: a norm of 10^{got[0]:.0f} at depth 2000")
    assert abs(got[0]) > 1000
    assert products.diagnose(got) == outcome


def test_log10_gradient_norms_see_a_gradient_that_has_underflowed_and_come_back():
    loss_grad, zs, weights = random_stack(200, 6, W_scale=1e-4)
    weights[:100] = [1e8 * W for W in weights[:100]]
    got = check_norms(loss_grad, zs, weights, "tanh")
    assert got.min() < -320 and got[0] > -100


@pytest.mark.parametrize("far", [30.0, 300.0, 700.0, 3000.0, 1e6, 1e300])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_log10_gradient_norms_are_right_far_out_where_some_derivatives_underflow(activation, far):
    loss_grad, zs, weights = random_stack(4, 7)
    check_norms(loss_grad, [np.sign(z) * (far + 20 * np.abs(z)) for z in zs], weights, activation)


def test_log10_gradient_norms_keep_small_entries_beside_large_ones():
    """10^249 apart: the large entry then meets a weight of zero, in the batch's other row and in its own."""
    loss_grad = np.array([[1.0, 1e-249], [0.0, 1e-249]])
    zs = [np.ones((2, 1)), np.ones((2, 2))]
    check_norms(loss_grad, zs, [np.array([[3.0]]), np.array([[0.0, 2.0]])], "identity")
    check_norms(loss_grad, zs, [np.array([[3.0]]), np.array([[0.0, 1e-300]])], "sigmoid")
    check_norms(loss_grad, zs, [np.array([[3.0]]), np.array([[1e-300, 1e300]])], "tanh")
    saturated = [np.ones((2, 1)), np.array([[0.0, 900.0], [0.0, 900.0]])]
    check_norms(loss_grad, saturated, [np.array([[3.0]]), np.array([[0.0, 2.0]])], "sigmoid")


def test_log10_gradient_norms_are_minus_infinity_exactly_where_the_gradient_is_zero():
    loss_grad, zs, weights = random_stack(6, 8)
    dead = [np.abs(z) for z in zs]
    dead[3] = -dead[3]
    got = check_norms(loss_grad, dead, weights, "relu")
    np.testing.assert_array_equal(np.isneginf(got), [True] * 4 + [False] * 3)

    without = list(weights)
    without[2] = np.zeros_like(weights[2])
    got = check_norms(loss_grad, zs, without, "sigmoid")
    np.testing.assert_array_equal(np.isneginf(got), [True] * 3 + [False] * 4)

    cancelling = [np.ones((1, 2))], [np.array([[3.0, -6.0]])]
    got = check_norms(np.array([[2.0, 1.0]]), *cancelling, "identity")
    np.testing.assert_array_equal(np.isneginf(got), [True, False])
    assert np.all(np.isneginf(check_norms(0 * loss_grad, zs, weights, "tanh")))


@PROPERTY
@given(st.data())
def test_log10_gradient_norms_agree_with_mpmath_on_any_magnitudes(data):
    """Positive numbers, so that nothing cancels; entries of one gradient lie less than 250 decades apart."""
    depth = data.draw(st.integers(1, 4))
    decades = st.floats(-40, 40)
    common_decades = st.floats(-250, 250)

    def matrix():
        return np.array([[10.0 ** data.draw(decades) for _ in range(2)] for _ in range(2)])

    weights = [matrix() * 10.0 ** data.draw(common_decades) for _ in range(depth)]
    zs = [np.full((2, 2), data.draw(st.floats(-1e5, 1e5))) for _ in range(depth)]
    grads = oracles.mp_gradients(matrix(), zs, weights, "sigmoid")
    for grad in grads:
        entries = [g for row in grad for g in row]
        assume(max(entries) < mpmath.mpf(10) ** 250 * min(entries))
    check_norms(np.array(grads[-1], dtype=float), zs, weights, "sigmoid")


@PROPERTY
@given(st.data())
def test_scalar_gradient_product_agrees_with_fractions(data):
    L = data.draw(st.integers(0, 12))
    factor = st.floats(-8, 8).filter(lambda v: v == 0 or abs(v) > 1e-3)
    a_primes, f_primes = (np.array([data.draw(factor) for _ in range(L)]) for _ in range(2))
    loss_grad = data.draw(factor)
    got = products.scalar_gradient_product(loss_grad, a_primes, f_primes)
    want = [Fraction(loss_grad)]
    for a_prime, f_prime in zip(a_primes[::-1], f_primes[::-1]):
        want.append(want[-1] * Fraction(float(a_prime)) * Fraction(float(f_prime)))
    assert got.shape == (L + 1,)
    np.testing.assert_allclose(got, [float(v) for v in want[::-1]], rtol=1e-14, atol=0)


def test_the_scalar_product_is_the_matrix_product_of_one_unit_a_layer():
    rng = np.random.default_rng(9)
    zs, weights = rng.normal(size=(50, 1, 1)), rng.normal(size=(50, 1, 1))
    got = products.scalar_gradient_product(0.7, steps.activation_derivative(zs, "tanh").ravel(), weights.ravel())
    want = products.product_of_gradients(np.array([[0.7]]), list(zs), list(weights), "tanh")
    np.testing.assert_allclose(got, np.ravel(want), rtol=1e-13, atol=0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_log10_gradient_bound_holds_and_is_the_sum_of_singular_values(activation):
    largest = 0.25 if activation == "sigmoid" else 1.0
    loss_grad, zs, weights = random_stack(60, 10)
    bound = products.log10_gradient_bound(largest, weights)
    norms = products.log10_gradient_norms(loss_grad, zs, weights, activation)
    assert bound.shape == norms.shape and bound[-1] == 0
    assert np.all(norms - norms[-1] <= bound + 1e-12)

    # An oracle without singular values: the largest eigenvalue of W^T W, at 60 digits.
    want = [mpmath.mpf(0)]
    with mpmath.workdps(60):
        for W in weights[::-1]:
            W = mpmath.matrix(W.tolist())
            eigenvalues = mpmath.eigsy(W.T * W, eigvals_only=True)
            want.append(want[-1] + mpmath.log10(largest * mpmath.sqrt(max(eigenvalues))))
    assert_agree(bound, np.array([float(v) for v in want[::-1]]))


@PROPERTY
@given(st.floats(-200, 100), st.floats(-200, 100), st.floats(-10, 10))
def test_update_ratios_are_right_over_all_magnitudes(W_decade, dW_decade, rate_decade):
    rng = np.random.default_rng(11)
    W, dW = rng.normal(size=(2, 3, 4))
    got = products.update_ratios([10.0**W_decade * W], [10.0**dW_decade * dW], 10.0**rate_decade)
    with mpmath.workdps(60):
        W_norm, dW_norm = (mpmath.norm((10.0**e * a).ravel().tolist()) for e, a in ((W_decade, W), (dW_decade, dW)))
        want = mpmath.mpf(10.0**rate_decade) * dW_norm / W_norm
    assert abs(got[0] / want - 1) < 1e-14


# ---- the test, tested --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "check",
    [
        check_one_step,
        lambda activation: check_against_autograd(*deep_network(2, activation)),
        lambda activation: check_against_complex_step(*deep_network(2, activation)),
        lambda activation: check_against_complex_step(*deep_network(200, activation)),
        lambda activation: check_product(5, activation),
        lambda activation: check_norms(*random_stack(20, 20), activation),
    ],
    ids=["one step", "autograd", "complex step", "depth 200", "product", "norms"],
)
def test_the_oracle_refuses_a_derivative_wrong_by_0_05_percent(monkeypatch, activation, check):
    check(activation)
    make_derivative_wrong(monkeypatch, activation)
    with pytest.raises(AssertionError, match=r"off by 10\^"):
        check(activation)
