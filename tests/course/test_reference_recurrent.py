"""reference_impl.recurrent against the complex step, HIPS autograd and mpmath.

"Off by 10^-12" means: the largest error of an array is 10^-12 of its largest entry.
"""

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reference_impl import recurrent
from tests.course import oracles
from tests.course.oracles import ACTIVATIONS, PROPERTY, assert_agree, complex_step, make_derivative_wrong


def random_recurrence(T, seed=12):
    rng = np.random.default_rng([seed, T])
    x, h0 = rng.normal(size=(T, 3, 2)), rng.normal(size=(3, 4))
    W_xh, W_hh, b = rng.normal(size=(2, 4)), 0.7 * rng.normal(size=(4, 4)), 0.1 * rng.normal(size=4)
    return (x, h0, W_xh, W_hh, b), rng.normal(size=(T + 1, 3, 4))


def check_recurrent(T, activation):
    parameters, direct_grads = random_recurrence(T)
    x, h0, W_xh, W_hh, b = parameters

    def loss(xp, h0, W_xh, W_hh, b):
        hs = oracles.recurrence(xp, x, h0, W_xh, W_hh, b, activation)
        return sum(xp.sum(grad * h) for grad, h in zip(direct_grads, hs))

    zs, hs = recurrent.rnn_forward(*parameters, activation)
    assert_agree(hs, np.array(oracles.recurrence(np, *parameters, activation)), decades=-13)
    assert zs.shape == (T, 3, 4)
    loss_grads = recurrent.backward_through_time(direct_grads, zs, W_hh, activation)
    got = (loss_grads[0], *recurrent.recurrent_weight_gradients(loss_grads, zs, hs, x, activation))

    assert_agree(got, autograd.grad(lambda *p: loss(anp, *p), argnum=(0, 1, 2, 3))(h0, W_xh, W_hh, b), decades=-11)
    if T <= 20:
        values = [h0, W_xh, W_hh, b]
        for i, grad in enumerate(got):
            want = complex_step(lambda v: loss(np, *values[:i], v, *values[i + 1 :]), values[i])
            assert_agree(grad, want, decades=-11)

    # A state in the middle: the loss of a network that starts there.
    t = T // 2

    def loss_from_t(h_t):
        later_hs = oracles.recurrence(np, x[t:], h_t, W_xh, W_hh, b, activation)
        return sum(np.sum(grad * h) for grad, h in zip(direct_grads[t:], later_hs))

    assert_agree(loss_grads[t], complex_step(loss_from_t, hs[t]), decades=-11)


@pytest.mark.parametrize("T", [1, 2, 7, 20, 100])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backpropagation_through_time_agrees(activation, T):
    check_recurrent(T, activation)


def test_no_steps_at_all_work():
    parameters, direct_grads = random_recurrence(0)
    zs, hs = recurrent.rnn_forward(*parameters, "tanh")
    loss_grads = recurrent.backward_through_time(direct_grads, zs, parameters[3], "tanh")
    np.testing.assert_array_equal(hs, parameters[1][np.newaxis])
    np.testing.assert_array_equal(loss_grads, direct_grads)
    grads = recurrent.recurrent_weight_gradients(loss_grads, zs, hs, parameters[0], "tanh")
    assert [grad.shape for grad in grads] == [(2, 4), (4, 4), (4,)] and not any(np.any(grad) for grad in grads)


def test_spectral_radius_counts_complex_eigenvalues():
    rng = np.random.default_rng(13)
    for n in (1, 2, 5):
        W = rng.normal(size=(n, n))
        eigenvalues, _ = mpmath.eig(mpmath.matrix(W.tolist()))
        assert recurrent.spectral_radius(W) == pytest.approx(float(max(abs(v) for v in eigenvalues)), rel=1e-12)
    assert recurrent.spectral_radius(np.array([[0.0, -3.0], [3.0, 0.0]])) == pytest.approx(3, rel=1e-14)
    assert recurrent.spectral_radius(np.array([[0.0, 1e6], [0.0, 0.0]])) == 0


@PROPERTY
@given(st.floats(1e-6, 4), st.floats(1e-6, 4), st.floats(1e-290, 1))
def test_memory_horizon_is_the_smallest_power_that_is_small_enough(max_derivative, W, tolerance):
    factor = mpmath.mpf(max_derivative) * W
    assume(abs(tolerance - 1) > 1e-9 or tolerance == 1)
    assume(abs(factor - 1) > 1e-9)
    k = recurrent.memory_horizon(max_derivative, np.array([[W]]), tolerance)
    if tolerance < 1 and factor > 1:
        assert k == np.inf
        return
    assert type(k) is int and k >= 0
    assert factor**k <= tolerance * (1 + 1e-9)
    assert k == 0 or factor ** (k - 1) > tolerance * (1 - 1e-9)


def test_memory_horizon_is_right_on_both_sides_of_a_step_up_to_100000():
    for k in (1, 2, 3, 10, 999, 12_345, 99_999):
        for factor in (0.5, 0.9, 1 - 1e-3, 1 - 1e-4):
            power = mpmath.mpf(factor) ** k
            if power < 1e-300:
                continue
            W = np.array([[factor]])
            assert recurrent.memory_horizon(1.0, W, float(power * (1 + mpmath.mpf(10) ** -8))) == k
            assert recurrent.memory_horizon(1.0, W, float(power * (1 - mpmath.mpf(10) ** -8))) == k + 1


def test_memory_horizon_treats_rounding_as_equal():
    rotation = np.linalg.qr(np.random.default_rng(14).normal(size=(20, 20)))[0]
    assert recurrent.memory_horizon(1.0, rotation) == np.inf
    assert recurrent.memory_horizon(1.0, 0.1 * np.eye(3), 1e-3) == 3
    assert recurrent.memory_horizon(0.5, np.eye(2), 0.125) == 3
    for almost_one in (np.nextafter(1, 0), 1 - 1e-12):
        assert recurrent.memory_horizon(1.0, np.array([[almost_one]])) == np.inf


def test_memory_horizon_takes_the_spectral_norm():
    """0.5 W with W = [[1, 1], [0, 1]]: 0.809, the golden ratio over 2; other norms of it are 0.5, 0.866 or 1."""
    assert recurrent.memory_horizon(0.5, np.array([[1.0, 1.0], [0.0, 1.0]])) == 33


@PROPERTY
@given(st.floats(-250, 290), st.floats(-250, 290))
def test_clip_by_global_norm_is_right_over_all_magnitudes(decade, limit_decade):
    assume(abs(decade - limit_decade) < 250)
    grads = [10.0**decade * np.array([[3.0, 0.0], [0.0, 2.0]]), 10.0**decade * np.array([6.0])]
    max_norm = 10.0**limit_decade
    clipped, norm = recurrent.clip_by_global_norm(grads, max_norm)
    assert type(norm) is float
    assert norm == pytest.approx(7 * 10.0**decade, rel=1e-14, abs=0)
    scale = min(1.0, 10.0 ** (limit_decade - decade) / 7)
    for got, grad in zip(clipped, grads):
        np.testing.assert_allclose(got, grad * scale, rtol=1e-12)
        assert norm > max_norm or np.array_equal(got, grad)


def test_clipping_keeps_every_bit_at_the_limit_down_to_the_smallest_floats():
    """The norm of [3, 3, 3, 3] is 6, in units of the smallest float: halved on the way, 3 would be rounded."""
    grads = [np.full(4, 3 * 5e-324)]
    clipped, norm = recurrent.clip_by_global_norm(grads, 6 * 5e-324)
    assert norm == 6 * 5e-324
    np.testing.assert_array_equal(clipped, grads)


# ---- the test, tested --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_oracle_refuses_a_derivative_wrong_by_0_05_percent(monkeypatch, activation):
    check_recurrent(7, activation)
    make_derivative_wrong(monkeypatch, activation)
    with pytest.raises(AssertionError, match=r"off by 10\^"):
        check_recurrent(7, activation)
