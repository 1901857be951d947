"""Families of inputs hide mistakes: for each of them a check of ps4 looks outside of it, in a single call."""

import math
from functools import cache

import numpy as np
import pytest

from grading.checks.suite import judge_functions
from reference_impl import recurrent


@cache
def inputs(exercise):
    """Every call that the hidden checks make, as a tuple of arguments."""
    seen = []

    def recording(*args):
        seen.append(args)
        return getattr(recurrent, exercise)(*args)

    judge_functions("recurrent", {exercise: recording})
    return seen


def curved(activation):
    return activation in ("tanh", "sigmoid")


def generic(W):
    return not np.allclose(W, W.T) and not np.allclose(W @ W.T, W.T @ W)


def norm(W):
    return np.linalg.norm(W, 2)


def leading(W):
    """Eigenvalues with the largest modulus first."""
    return sorted(np.linalg.eigvals(W), key=abs, reverse=True)


def fraction_of_steps(max_derivative, W, tolerance=1e-3):
    factor = max_derivative * norm(W)
    return math.log(tolerance) / math.log(factor) % 1 if 0 < factor < 1 and tolerance < 1 else math.nan


def joint(grads):
    return math.hypot(*np.concatenate([np.ravel(grad) for grad in grads]).tolist())


def losses_at(direct_grads):
    return int(np.sum(np.any(direct_grads != 0, axis=(1, 2))))


def ordinary_loss(direct_grads, zs, W, name):
    several = len(zs) >= 3 and zs.shape[1] >= 2 and losses_at(direct_grads) > 2
    return several and generic(W) and curved(name) and np.max(np.abs(recurrent.backward_through_time(direct_grads, zs, W,
        name))) > 5


OUTSIDE = {
    ("rnn_forward", "three steps, two rows, a state before, a skew matrix and a curved activation together"):
        lambda x, h0, W_xh, W, b, name: len(x) >= 3 and len(h0) >= 2
            and np.all(h0 != 0) and generic(W) and np.all(b != 0) and curved(name),
    ("rnn_forward", "no step"): lambda x, *rest: len(x) == 0,
    ("rnn_forward", "hundreds of steps"): lambda x, *rest: len(x) > 200,
    ("backward_through_time", "several steps, rows, losses and gradients above 5 together"): ordinary_loss,
    ("backward_through_time", "a loss at one step in the middle"):
        lambda direct_grads, zs, W, name: losses_at(direct_grads) == 1
            and not np.any(direct_grads[-1]) and not np.any(direct_grads[0]),
    ("backward_through_time", "a gradient below 1e-50"):
        lambda *case: 0 < np.max(np.abs(recurrent.backward_through_time(*case)[0])) < 1e-50,
    ("backward_through_time",
    "a gradient above 1e50"): lambda *case: np.max(np.abs(recurrent.backward_through_time(*case)[0])) > 1e50,
    ("recurrent_weight_gradients", "three steps, two rows, h0 and a curved activation together"):
        lambda grads, zs, hs, x, name: len(zs) >= 3 and zs.shape[1] >= 2 and np.all(hs[0] != 0) and curved(name),
    ("recurrent_weight_gradients", "as many inputs as units"): lambda grads, zs, hs, x, name: x.shape[2] == zs.shape[2] > 1,
    ("recurrent_weight_gradients", "more inputs than units"): lambda grads, zs, hs, x, name: x.shape[2] > zs.shape[2],
    ("spectral_radius", "a leading complex pair of a generic matrix beside real eigenvalues"):
        lambda W: generic(W) and abs(leading(W)[0].imag) > 0.1 * abs(leading(W)[0]) and any(v.imag == 0 for v in leading(W)),
    ("spectral_radius", "a negative leading eigenvalue"): lambda W: leading(W)[0].real < 0
    and leading(W)[0].imag == 0 and generic(W),
    ("spectral_radius", "powers that end at zero"): lambda W: np.any(W) and not np.any(np.linalg.matrix_power(W, len(W))),
    ("spectral_radius", "a norm far above the radius"): lambda W: norm(W) > 10 * abs(leading(W)[0]) > 0,
    ("spectral_radius", "a symmetric or orthogonal matrix"): lambda W: len(W) > 2 and np.allclose(W @ W.T, W.T @ W),
    ("memory_horizon", "max_derivative below 1"): lambda d, *rest: d < 1,
    ("memory_horizon", "max_derivative above 1"): lambda d, W, *rest: d > 1 and 0 < d * norm(W) < 1,
    ("memory_horizon", "zeros"): lambda d, W, tolerance=1e-3: not np.any(W) and tolerance < 1,
    ("memory_horizon", "a tolerance of 1 below a growing bound"): lambda d, W,
    tolerance=1e-3: tolerance == 1 and d * norm(W) > 1,
    ("memory_horizon", "a tolerance of 1 below a falling bound"): lambda d, W,
    tolerance=1e-3: tolerance == 1 and d * norm(W) < 1,
    ("memory_horizon", "tens of thousands of steps"): lambda *case: 50_000 < recurrent.memory_horizon(*case) <= 100_000,
    ("memory_horizon", "a solution just above a whole number"): lambda *case: fraction_of_steps(*case) < 0.2,
    ("memory_horizon", "a solution well above one half"): lambda *case: fraction_of_steps(*case) > 0.7,
    ("memory_horizon", "a radius below 1 and a norm above"): lambda d, W,
    *rest: d * abs(leading(W)[0]) < 0.9 and d * norm(W) > 1.1,
    ("memory_horizon", "the default tolerance"): lambda *case: len(case) == 2,
    ("clip_by_global_norm", "arrays of different norms above max_norm"):
        lambda grads, most: len(grads) > 1 and joint(grads) > most and max(map(norm_of, grads)) > 3 * min(map(norm_of,
            grads)) > 0,
    ("clip_by_global_norm", "a joint norm below max_norm"): lambda grads, most: 0 < joint(grads) < most,
    ("clip_by_global_norm", "each array below max_norm, all of them above"):
        lambda grads, most: joint(grads) > most > max(map(norm_of, grads)),
    ("clip_by_global_norm", "zeros"): lambda grads, most: joint(grads) == 0,
    ("clip_by_global_norm", "squares beyond a float"): lambda grads, most: joint(grads) > 1e160 and most < 1e10,
    ("clip_by_global_norm", "norms far below 1e-6"): lambda grads, most: 1e-130 < most < joint(grads) < 1e-50,
}


def norm_of(grad):
    return joint([grad])


@pytest.mark.parametrize(("exercise", "family"), OUTSIDE)
def test_some_check_looks_outside_of_every_family_that_hides_mistakes(exercise, family):
    assert any(OUTSIDE[exercise, family](*case) for case in inputs(exercise))


def test_no_horizon_is_decided_by_rounding():
    for max_derivative, W, *rest in inputs("memory_horizon"):
        factor, tolerance = max_derivative * norm(W), rest[0] if rest else 1e-3
        assert abs(factor - 1) > 1e-6
        if 0 < factor < 1 and tolerance < 1:
            assert 0.01 < fraction_of_steps(max_derivative, W, tolerance) < 0.99


def test_no_clipping_is_decided_by_rounding():
    for grads, max_norm in inputs("clip_by_global_norm"):
        assert abs(joint(grads) / max_norm - 1) > 1e-6


def test_states_and_pre_activations_of_the_weight_gradients_belong_together():
    """So that a slope worked out from h is as good as one from z."""
    for _, zs, hs, _, activation in inputs("recurrent_weight_gradients"):
        np.testing.assert_allclose(hs[1:], recurrent.activate(zs, activation), rtol=1e-12, atol=1e-300)
