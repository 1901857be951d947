"""The hidden checks against right answers that were broken in a small way: a sample of `make mutation ARGS=checks`.

And the instrument itself: its oracle accepts what is right, refuses what is wrong, and its judge notices a soft check.
"""

import importlib

import numpy as np
import pytest

from grading.checks import bank
from tests.mutation import answers, judging, oracle

SAMPLE = 40     # mutants of each notebook: a few seconds
for_each_notebook = pytest.mark.parametrize("notebook", oracle.NOTEBOOKS)


@for_each_notebook
def test_a_sample_of_mutants_earns_what_it_should(notebook):
    mutants = answers.sample(answers.mutants_of(notebook), SAMPLE, seed=13)
    _, lines = judging.sort_out([judging.try_one(mutant) for mutant in mutants])
    assert [line for line in lines if not line.startswith("listed")] == []


@for_each_notebook
def test_the_oracle_accepts_the_reference_and_every_right_answer(notebook):
    reference = importlib.import_module(f"reference_impl.{notebook}")
    for exercise in oracle.makers(notebook):
        entries = [entry for entry in bank.load(answers.FOLDER / f"{notebook}.py") if entry.exercise == exercise]
        for style, function in [("reference", getattr(reference, exercise)), *((e.style, e.function) for e in entries)]:
            wrong = [(case.region, case.faults(function)) for case in oracle.cases(notebook, exercise) if case.faults(function)]
            assert wrong == [], f"{exercise}, {style}"


@for_each_notebook
def test_every_exercise_has_ordinary_cases(notebook):
    for exercise in oracle.makers(notebook):
        assert sum(case.region == "ordinary" for case in oracle.cases(notebook, exercise)) >= 3, exercise


def test_the_oracle_refuses_a_derivative_that_is_wrong_by_a_millionth():
    found = [case.faults(lambda z: np.cosh(np.asarray(z, dtype=float)) ** -2.000001) for case in oracle.cases("activations", "tanh_derivative")]
    assert sum(bool(faults) for faults in found) > len(found) / 2


def test_a_rule_that_is_broken_is_no_wrong_value():
    def in_place(z):
        answer = np.maximum(z, 0.0)
        if isinstance(z, np.ndarray):
            z += 1
        return answer

    found = [case.faults(in_place) for case in oracle.cases("activations", "relu") if isinstance(case.arguments[0], np.ndarray)]
    assert all(set(faults) == {oracle.RULE} for faults in found)


def test_a_check_gone_soft_is_noticed(monkeypatch):
    checks, key = judging.checks_of("activations")
    softened = {**checks, "relu": [(mark, test) for mark, test in checks["relu"] if "argument" not in test.__name__ and "lists" not in test.__name__]}
    mutant = next(m for m in answers.mutants_of("activations") if m.id[0] == "relu" and m.where == "z: changed by the call")
    assert judging.try_one(mutant).trouble is None
    monkeypatch.setattr(judging, "checks_of", lambda notebook: (softened, key))
    assert judging.try_one(mutant).trouble == "survived"


def test_a_mutant_that_never_ends_is_stopped(monkeypatch):
    def forever(z):
        while True:
            pass

    monkeypatch.setattr(judging, "SECONDS", 1)
    trial = judging.try_one(answers.Mutant("activations", "relu", "a loop", "without end", lambda: forever))
    assert (trial.share, trial.wrong) == (0.0, ("does not end",))
