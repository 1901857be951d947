"""Mistakes that hidden inputs only make raise an error are told by one call more, and no points hang on that call."""

import numpy as np
import pytest

from grading.border.subject import LocalSubject, Stopped
from grading.checks import suite
from grading.checks.suite import judge_functions
from reference_impl.backward_step import activate, activation_derivative
from reference_impl.remedies import initial_std

COLUMNS = "puts the examples into columns"


def forward(y_prev, W, b, activation):
    z = np.matmul(W, y_prev) + b[:, np.newaxis]
    return [z.tolist(), np.asarray(activate(z, activation)).tolist()]


def back(loss_grad, z, W, activation):
    return np.einsum("ji,jm->im", W, loss_grad * activation_derivative(z, activation))


def weights(loss_grad, z, y_prev, activation):
    z_grad = loss_grad * activation_derivative(z, activation)
    return np.einsum("im,jm->ij", z_grad, y_prev), z_grad.sum(1, keepdims=True)


def through_time(direct_grads, zs, W_hh, activation):
    grads = list(direct_grads)
    for t in range(len(zs), 0, -1):
        grads[t - 1] = grads[t - 1] + np.matmul(W_hh.T, grads[t] * activation_derivative(zs[t - 1], activation))
    return grads


SPELLED_OTHERWISE = [("backward_step", "layer_forward", forward), ("backward_step", "backward_step", back),
                     ("backward_step", "weight_gradient", weights), ("recurrent", "backward_through_time", through_time)]


def judged(notebook, exercise, function):
    return judge_functions(notebook, {exercise: function})[exercise]


@pytest.mark.parametrize(("notebook", "exercise", "function"), SPELLED_OTHERWISE)
def test_the_convention_of_columns_is_told_however_it_is_spelled(notebook, exercise, function):
    verdict = judged(notebook, exercise, function)
    assert (verdict.fraction, [known.name for known in verdict.misconceptions]) == (0, [COLUMNS])


def textbook_sigmoid(z):
    return 1 / (1 + np.exp(-z))


def not_transposed(loss_grad, z, W, activation):
    return np.dot(loss_grad * activation_derivative(z, activation), W)


def glorot_for_the_rest(fan_in, fan_out, activation):
    return np.sqrt(2 / fan_in if activation == "relu" else 2 / (fan_in + fan_out))


def nothing_for_the_rest(fan_in, fan_out, activation):
    return initial_std(fan_in, fan_out, activation) if activation in ("relu", "sigmoid", "tanh", "identity") else None


@pytest.mark.parametrize(("notebook", "exercise", "function", "name"), [
    ("activations", "sigmoid", textbook_sigmoid, "lets e^-z overflow, and takes no lists"),
    ("backward_step", "backward_step", not_transposed, "multiplies by W"),
    ("remedies", "initial_std", glorot_for_the_rest, "serves every other name with Glorot's"),
    ("remedies", "initial_std", nothing_for_the_rest, "says nothing for a name that it does not know")])
def test_what_gives_no_wrong_value_is_told_by_the_manner_of_its_failure(notebook, exercise, function, name):
    assert [known.name for known in judged(notebook, exercise, function).misconceptions] == [name]


def test_a_function_that_fails_everywhere_gets_no_name():
    def fails(*arguments):
        raise ValueError("shapes do not fit")

    for answer in (fails, lambda *arguments: None, lambda *arguments: arguments[0]):
        assert judged("backward_step", "layer_forward", answer).misconceptions == []


class Counting(LocalSubject):
    """Counts the cases of each call; one of a single case does not come back if `ends`."""

    def __init__(self, functions, ends=False):
        super().__init__(functions)
        self.cases, self.ends = [], ends

    def call(self, name, definition, tree, block, after=False):
        self.cases.append(len(suite.pack.__globals__["wire"].decode(tree, block)))
        if self.ends and self.cases[-1] == 1:
            raise Stopped("it ran too long")
        return super().call(name, definition, tree, block, after)


@pytest.fixture
def checks(monkeypatch):
    """Judges `subject` in the exercise backward_step of ps2."""
    judge_functions("backward_step", {})
    held, = [held for (_, notebook), (_, held) in suite.SUITES.items() if notebook == "backward_step"]
    return lambda subject: held.judge(subject, {"backward_step"})["backward_step"]


def test_who_earns_something_or_has_a_name_is_asked_nothing_more(checks):
    known = Counting({"backward_step": lambda loss_grad, z, W, activation: loss_grad @ W.T})
    right = Counting({"backward_step": lambda loss_grad, z, W, activation: (loss_grad * activation_derivative(z, activation)) @ W.T})
    probed = Counting({"backward_step": back})
    assert [known.name for known in checks(known).misconceptions] == ["forgets a'"]
    assert checks(right).fraction == 1
    checks(probed)
    assert len(probed.cases) == len(known.cases) + 1


def test_a_probe_that_never_comes_back_changes_nothing(checks):
    verdict = checks(Counting({"backward_step": back}, ends=True))
    assert (verdict.fraction, verdict.misconceptions) == (0, [])
