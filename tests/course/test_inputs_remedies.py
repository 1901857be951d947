"""Each family of inputs that hides a known mistake of ps5 is met by a check outside of that family."""

from functools import cache

import numpy as np
import pytest
import recorded

from reference_impl import remedies

EXERCISES = ("initial_std", "gelu_derivative", "residual_backward_step", "layer_norm", "layer_norm_backward",
             "cell_state_gradient")


@cache
def calls():
    return recorded.calls("remedies", {name: getattr(remedies, name) for name in EXERCISES})


def variances(z):
    return np.var(z, axis=1)



# What hides a mistake, and an input that does not.
OUTSIDE = {
    "initial_std": {
        "equal fans": lambda fan_in, fan_out, name: fan_in != fan_out,
        "fans of 1 and 2, whose roots look like their halves": lambda fan_in, fan_out, name: min(fan_in, fan_out) > 2,
        "known names": lambda fan_in, fan_out, name: name not in ("relu", "sigmoid", "tanh", "identity"),
        "names in lower case": lambda fan_in, fan_out, name: name != name.lower(),
        "narrow layers, where rounding does not show": lambda fan_in, fan_out, name: fan_in > 1e5,
    },
    "gelu_derivative": {
        "z = 0": lambda z: np.size(z) > 10 and np.all(np.asarray(z) != 0) and np.max(np.abs(z)) < 5,
        "positive numbers": lambda z: np.any(np.asarray(z) < -0.5),
        "numbers near zero, where a cut tail does not show": lambda z: np.any((np.abs(z) > 5) & (np.abs(z) < 9)),
        "squares that do not overflow": lambda z: np.max(np.abs(z)) > 1e155,
        "arrays": lambda z: not isinstance(z, (np.ndarray, list)),
        "flat lists": lambda z: isinstance(z, list) and isinstance(z[0], list),
        "floats": lambda z: isinstance(z, np.ndarray) and z.dtype.kind == "i",
    },
    "residual_backward_step": {
        "identity": lambda g, z, W, name: name == "tanh",
        "relu": lambda g, z, W, name: name == "sigmoid",
        "symmetric W": lambda g, z, W, name: np.max(np.abs(W - W.T)) > 0.1,
        "dead units": lambda g, z, W, name: name == "relu" and np.any(z > 0) and np.any(z < 0),
        "z that is never 0": lambda g, z, W, name: name == "relu" and np.any(z == 0) and np.any(z > 0),
        "one row": lambda g, z, W, name: len(g) > 1,
        "as many rows as units": lambda g, z, W, name: len(g) != len(W),
        "small gradients, where clipping does not show": lambda g, z, W, name: 5 < np.max(np.abs(g)) < 100,
        "ordinary z, where nothing overflows": lambda g, z, W, name: name == "sigmoid" and np.min(z) < -710,
    },
    "layer_norm": {
        "gain 1": lambda z, gain, shift, *eps: np.all(np.abs(gain - 1) > 1e-3) and np.ptp(gain) > 0.1,
        "shift 0": lambda z, gain, shift, *eps: np.all(np.abs(shift) > 1e-3),
        "the default eps": lambda z, gain, shift, *eps: eps and eps[0] > 0.01,
        "eps as an argument": lambda z, gain, shift, *eps: not eps,
        "variances near 1": lambda z, gain, shift, *eps: np.max(variances(z)) < 1e-5 and z.shape[1] > 1,
        "rows that differ within": lambda z, gain, shift, *eps: np.any(np.ptp(z, axis=1) == 0) and z.shape[1] > 1,
        "rows near zero": lambda z, gain, shift, *eps: np.min(np.abs(z)) > 1e5 and np.max(np.std(z, axis=1)) < 10,
        "as many rows as units": lambda z, gain, shift, *eps: z.shape[0] != z.shape[1] and min(z.shape) > 1,
        "two units, where all deviations have one size": lambda z, gain, shift, *eps: z.shape[1] > 2,
    },
    "layer_norm_backward": {
        "loss_grad of ones": lambda g, z, gain, *eps: np.min(np.std(g, axis=1)) > 0.1 and np.min(np.abs(np.mean(g, axis=1))) > 0.01,
        "gain 1": lambda g, z, gain, *eps: np.ptp(gain) > 0.1 and np.all(np.abs(gain - 1) > 1e-3),
        "the default eps": lambda g, z, gain, *eps: eps and eps[0] > 0.01,
        "eps as an argument": lambda g, z, gain, *eps: not eps,
        "variances near 1": lambda g, z, gain, *eps: np.max(variances(z)) < 1e-5 and z.shape[1] > 1,
        "rows that differ within": lambda g, z, gain, *eps: np.any(np.ptp(z, axis=1) == 0) and z.shape[1] > 1,
        "rows near zero": lambda g, z, gain, *eps: np.min(np.abs(z)) > 1e5 and np.max(np.std(z, axis=1)) < 10,
        "one row, where sum and mean are one": lambda g, z, gain, *eps: len(z) > 1,
        "as many rows as units": lambda g, z, gain, *eps: z.shape[0] != z.shape[1] and min(z.shape) > 1,
        "two units, where dz almost vanishes": lambda g, z, gain, *eps: z.shape[1] > 2,
    },
    "cell_state_gradient": {
        "one or two steps": lambda g, gates: len(gates) > 2,
        "gates of 1": lambda g, gates: np.max(gates) < 1,
        "equal gates": lambda g, gates: len(gates) > 2 and np.min(np.abs(np.diff(gates, axis=0))) > 0,
        "open gates": lambda g, gates: np.any(gates == 0) and np.any(gates[0] != 0),
        "positive gradients": lambda g, gates: np.any(g < 0) and np.any(g > 0),
        "short sequences, where giving up does not show": lambda g, gates: len(gates) > 200,
        "equal examples": lambda g, gates: g.shape[0] > 1 and np.ptp(gates[0], axis=0).max() > 0,
        "as many steps as examples": lambda g, gates: len(set(gates.shape)) == 3,
    },
}


@pytest.mark.parametrize(("exercise", "family"), [(exercise, family) for exercise in OUTSIDE for family in OUTSIDE[exercise]])
def test_a_check_looks_outside_of_a_family_that_hides_mistakes(exercise, family):
    assert any(OUTSIDE[exercise][family](*arguments) for arguments in calls()[exercise])


def test_every_exercise_has_at_least_six_calls():
    assert all(len(made) >= 6 for made in calls().values())


def test_only_what_the_contract_allows_is_asked():
    """Gates between 0 and 1, eps above 0, whole fans, square W, and nothing whose square leaves the range of a float."""
    for fan_in, fan_out, _ in calls()["initial_std"]:
        assert type(fan_in) is type(fan_out) is int and min(fan_in, fan_out) >= 1
    for _, gates in calls()["cell_state_gradient"]:
        assert len(gates) >= 1 and np.min(gates) >= 0 and np.max(gates) <= 1
    for z, gain, shift, *eps in calls()["layer_norm"]:
        assert all(one > 0 for one in eps) and z.shape[1:] == gain.shape == shift.shape
    for _, _, W, _ in calls()["residual_backward_step"]:
        assert W.shape[0] == W.shape[1]
    for exercise in EXERCISES[2:]:
        for arguments in calls()[exercise]:
            sizes = np.concatenate([np.ravel(np.abs(one)) for one in arguments if isinstance(one, np.ndarray)])
            assert np.max(sizes) < 1e150 and np.min(sizes[sizes > 0]) > 1e-150
