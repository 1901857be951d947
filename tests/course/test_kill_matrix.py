"""The kill matrix: what every known answer earns, and which checks it fails.

Rows are the misconceptions of an exercise, columns its checks. A misconception must lose marks, a check must be failed
by some misconception, a right answer in any style earns everything, and junk earns nothing.
`pytest tests/course/test_kill_matrix.py -s` prints the matrix.
"""

import functools
import importlib
import math
import re
from pathlib import Path

import numpy as np
import pytest

from grading.checks import bank
from grading.checks.suite import judge_functions
from grading.checks.verdict import FAILED, PASSED
from grading.tools.mistakes import as_markdown

TESTS = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.stem.removeprefix("test_") for path in (TESTS / "hidden").glob("test_*.py"))
SLACK = 0.05        # how much more than it earns now a misconception may be allowed: more would hide a check gone soft


@functools.cache
def entries(kind, notebook):
    return bank.load(TESTS / kind / f"{notebook}.py")


def of(exercise, kind, notebook):
    return [entry for entry in entries(kind, notebook) if entry.exercise == exercise]


@functools.cache
def reference_verdicts(notebook):
    return judge_functions(notebook, reference_functions(notebook))


def reference_functions(notebook):
    module = importlib.import_module(f"reference_impl.{notebook}")
    names = {entry.exercise for entry in entries("misconceptions", notebook)}
    return {name: getattr(module, name) for name in names}


@functools.cache
def verdict(kind, notebook, place):
    """What the answer at `place` in the bank earns in its own exercise."""
    entry = entries(kind, notebook)[place]
    return judge_functions(notebook, {entry.exercise: entry.function})[entry.exercise]


def verdicts(exercise, kind, notebook):
    return [(entry, verdict(kind, notebook, place)) for place, entry in enumerate(entries(kind, notebook))
            if entry.exercise == exercise]


EXERCISES = [(notebook, exercise) for notebook in NOTEBOOKS
             for exercise in dict.fromkeys(entry.exercise for entry in entries("misconceptions", notebook))]
for_each_exercise = pytest.mark.parametrize(("notebook", "exercise"), EXERCISES)
for_each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS)


def draw(exercise, checks, rows):
    """The matrix as text: one line for each misconception, one column for each check; core checks are in capitals."""
    lines = [f"\n{exercise}"]
    lines += [f"  {chr(ord('A' if c.core else 'a') + i)} {c.title} (weight {c.weight})" for i, c in enumerate(checks)]
    for entry, got in rows:
        marks = "".join("." if c.outcome == PASSED else "x" for c in got.checks)
        lines.append(f"  {marks}  {got.fraction:4.0%} of at most {entry.at_most:4.0%}  {entry.name}")
    return "\n".join(lines)


# --- the bank against the checks --------------------------------------------------------------------------------

@for_each_notebook
def test_the_reference_passes_every_check(notebook):
    for exercise, got in reference_verdicts(notebook).items():
        assert [(c.name, c.said) for c in got.checks if c.outcome != PASSED] == [], exercise


@for_each_exercise
def test_every_misconception_loses_marks_and_earns_no_more_than_it_may(notebook, exercise):
    rows = verdicts(exercise, "misconceptions", notebook)
    print(draw(exercise, reference_verdicts(notebook)[exercise].checks, rows))
    for entry, got in rows:
        assert got.fraction < 1, f"no check notices: {entry.name}"
        assert entry.at_most - SLACK <= got.fraction <= entry.at_most, f"{entry.name} earns {got.fraction:.3f}"


@for_each_exercise
def test_no_misconception_is_called_by_the_name_of_another(notebook, exercise):
    for entry, got in verdicts(exercise, "misconceptions", notebook):
        assert {known.name for known in got.misconceptions} <= {entry.name}


@for_each_exercise
def test_every_check_is_failed_by_a_misconception(notebook, exercise):
    failed = {c.name for _, got in verdicts(exercise, "misconceptions", notebook) for c in got.checks if c.outcome == FAILED}
    assert {c.name for c in reference_verdicts(notebook)[exercise].checks} - failed == set()


@for_each_exercise
def test_every_right_answer_earns_everything(notebook, exercise):
    for entry, got in verdicts(exercise, "right_answers", notebook):
        assert [(c.name, c.said, c.error) for c in got.checks if c.outcome != PASSED] == [], entry.style


# --- what the page says of the bank -----------------------------------------------------------------------------

def page_of_mistakes():
    return as_markdown((notebook, entry, verdict("misconceptions", notebook, place)) for notebook in NOTEBOOKS
                       for place, entry in enumerate(entries("misconceptions", notebook)))


def test_the_page_of_known_mistakes_is_fresh():
    assert page_of_mistakes() == (TESTS.parent / "docs" / "mistakes.md").read_text(encoding="utf-8"), "run: course mistakes"


def test_every_author_of_a_known_mistake_reads_something_specific():
    rows = [line for line in page_of_mistakes().splitlines()
            if line.startswith("| ") and "| --- |" not in line and "| mistake |" not in line]
    assert len(rows) > 200
    vague = [row for row in rows if not re.search(r"This looks like a known mistake — .{30}|Hint: .{20}", row)]
    assert vague == []


# --- junk -------------------------------------------------------------------------------------------------------

def like_the_answer(reference, fill):
    """An answer with the structure and shapes of the right one, in which `fill(shape)` stands for every array."""
    def filled(value):
        if isinstance(value, (list, tuple)):
            return type(value)(filled(item) for item in value)
        return value if isinstance(value, str) else fill(np.shape(value))

    return lambda *arguments: filled(reference(*arguments))


def like_the_argument(fill):
    return lambda *arguments: fill(np.shape(np.asarray(arguments[0], dtype=float)))


def raises(*arguments):
    raise NotImplementedError


def only_without_layers(reference):
    """Right for empty lists of layers, else it raises: what a `return` in front of an unwritten loop gives."""
    def answer(*arguments):
        if any(isinstance(argument, list) and not argument for argument in arguments):
            return reference(*arguments)
        raise NotImplementedError

    return answer


JUNK = {
    "zeros in the right shapes": lambda reference: like_the_answer(reference, np.zeros),
    "ones in the right shapes": lambda reference: like_the_answer(reference, np.ones),
    "random numbers in the right shapes": lambda reference: like_the_answer(reference, np.random.default_rng(3).random),
    "normal random numbers in the right shapes": lambda reference: like_the_answer(
        reference, lambda shape: np.random.default_rng(4).normal(size=shape)),
    "zeros like the argument": lambda reference: like_the_argument(np.zeros),
    "random numbers like the argument": lambda reference: like_the_argument(np.random.default_rng(5).random),
    "the first argument": lambda reference: lambda *arguments: arguments[0],
    "the second argument": lambda reference: lambda *arguments: arguments[1 % len(arguments)],
    "the last argument": lambda reference: lambda *arguments: arguments[-1],
    "all arguments": lambda reference: lambda *arguments: arguments,
    "an error": lambda reference: raises,
    "an answer for no layers only": only_without_layers,
    "an empty list": lambda reference: lambda *arguments: [],
    **{f"always {constant!r}": lambda reference, constant=constant: lambda *arguments: constant
       for constant in (None, 0.0, 0.25, 0.5, 1, True, math.inf, -math.inf, math.nan, "stable", "vanishing", "exploding")},
}

MORE_JUNK = {      # much like the others
    "ones in the right shapes", "normal random numbers in the right shapes", "random numbers like the argument", "the second argument",
    *(f"always {constant!r}" for constant in (0.0, 0.5, 1, True, math.inf, -math.inf, "vanishing", "exploding"))}


@for_each_notebook
@pytest.mark.parametrize("junk", [pytest.param(junk, marks=pytest.mark.whole if junk in MORE_JUNK else ()) for junk in JUNK])
def test_junk_earns_nothing(notebook, junk):
    functions = reference_functions(notebook)
    answers = {name: JUNK[junk](reference) for name, reference in functions.items() if not words_only(name, junk)}
    got = judge_functions(notebook, answers)
    assert {name: v.fraction for name, v in got.items() if v.fraction > 0} == {}


def words_only(exercise, junk):
    """`diagnose` answers with a word, which has no shape: filling in numbers would hand back the right word."""
    return exercise == "diagnose" and "right shapes" in junk


# --- what the bank and the checks must have ---------------------------------------------------------------------

@for_each_notebook
def test_checks_and_bank_speak_of_the_same_exercises(notebook):
    exercises = set(reference_verdicts(notebook))
    assert exercises == set(reference_functions(notebook))
    assert exercises == {entry.exercise for entry in entries("right_answers", notebook)}


@for_each_exercise
def test_every_exercise_has_enough_checks_and_answers(notebook, exercise):
    assert len(reference_verdicts(notebook)[exercise].checks) >= 5
    assert len({entry.name for entry in of(exercise, "misconceptions", notebook)}) >= 6
    assert len({entry.style for entry in of(exercise, "right_answers", notebook)}) >= 3


@for_each_exercise
def test_every_exercise_has_core_checks_that_weigh_less_than_half(notebook, exercise):
    checks = reference_verdicts(notebook)[exercise].checks
    core = sum(c.weight for c in checks if c.core)
    assert 0 < core < 0.5 * sum(c.weight for c in checks)


@for_each_exercise
def test_names_and_titles_are_told_apart(notebook, exercise):
    checks = reference_verdicts(notebook)[exercise].checks
    names = [entry.name for entry in of(exercise, "misconceptions", notebook)]
    assert len({c.title for c in checks}) == len(checks)
    assert len(set(names)) == len(names)
    assert all(c.name.startswith(f"test_{exercise}_") for c in checks)
    assert all(c.hint.endswith((".", "?")) for c in checks)
