"""`course missing --prove`: what an author needs to know of an exercise before `make test`, in seconds.

Everything is run in this process, because all of it is the course's own: the reference, the bank of answers, the visible
checks. Each line that comes out says what is wrong and where to write what.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import nbformat
import numpy as np

from ..checks import bank
from ..checks.answer_key import AnswerKey, importing_from
from ..checks.suite import SuiteError, judge_functions
from ..checks.verdict import PASSED, Verdict
from ..plugins.steps import released
from . import visible

SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)\s*### END SOLUTION", re.DOTALL)
Judge = Callable[[Callable[..., Any]], Verdict]
TOO_COMMON = 12         # characters of a line that is no secret: `return z`


def prove(root: Path, path: Path, exercise: str) -> Iterator[str]:
    """What does not hold of one exercise of the source notebook at `path`, one line each."""
    notebook, place = path.stem, path.relative_to(root)
    checks, wrong, right = (f"tests/{room}/{name}" for room, name in (
        ("hidden", f"test_{notebook}.py"), ("misconceptions", f"{notebook}.py"), ("right_answers", f"{notebook}.py")))
    try:
        key = AnswerKey(root, notebook)
        reference = getattr(key.reference, exercise)
        judge = judging(root, notebook, exercise)
        yield from of_reference(judge(reference), exercise, checks)
    except (SuiteError, AttributeError, ImportError, SyntaxError) as error:
        yield f"{exercise}: nothing could be judged: {type(error).__name__}: {str(error).splitlines()[0]}"
        return
    if judge(blank).fraction:
        yield f"{checks}: an answer that only raises earns points in {exercise}: make a check of values core=True."
    with importing_from(root):
        answers = [one for one in bank.load(root / right) if one.exercise == exercise]
    for one in answers:
        verdict = judge(one.function)
        if verdict.fraction < 1:
            yield f"{right}: {exercise}, {one.style!r} earns {verdict.fraction:.0%} of everything: {first_failed(verdict)}"
    yield from of_mistakes(judge, key.mistakes(exercise), checks, wrong, exercise)
    yield from of_visible_checks(path, place, exercise, reference)
    yield from leaks(path, place, exercise)
    yield from without_oracle(root, exercise)


def judging(root: Path, notebook: str, exercise: str) -> Judge:
    def judge(function: Callable[..., Any]) -> Verdict:
        with np.errstate(all="ignore"):
            return judge_functions(notebook, {exercise: function}, root)[exercise]
    return judge


def blank(*_: Any, **__: Any) -> NoReturn:
    raise NotImplementedError("Write your answer here.")


def first_failed(verdict: Verdict) -> str:
    failed = next(check for check in verdict.checks if check.outcome != PASSED)
    return f"{failed.name}: {failed.said}"


def of_reference(verdict: Verdict, exercise: str, checks: str) -> Iterator[str]:
    for check in verdict.checks:
        if check.outcome != PASSED:
            yield f"{checks}: the reference fails {check.name} of {exercise}: {check.said}"
    if verdict.checks and not any(check.core for check in verdict.checks):
        yield f"{checks}: {exercise} has no core check: without one a stub earns points for what it does not break."


def of_mistakes(judge: Judge, mistakes: list[bank.Misconception], checks: str, wrong: str, exercise: str) -> Iterator[str]:
    failed, names = set(), set()
    for mistake in mistakes:
        verdict = judge(mistake.function)
        names |= {check.name for check in verdict.checks}
        failed |= {check.name for check in verdict.checks if check.outcome != PASSED}
        if verdict.fraction > mistake.at_most + 1e-9:
            yield (f"{wrong}: {exercise}, {mistake.name!r} earns {verdict.fraction:.0%} and may earn {mistake.at_most:.0%}: add a check "
                   f"that it fails to {checks}, or say what it may earn.")
        if verdict.fraction == 1:
            yield f"{wrong}: {exercise}, {mistake.name!r} passes every check: add one that sees it to {checks}."
    for name in sorted(names - failed):
        yield f"{wrong}: no known mistake fails {name} of {exercise}: add one that does, or the check proves nothing."


def of_visible_checks(path: Path, place: Path, exercise: str, reference: Callable[..., Any]) -> Iterator[str]:
    if error := visible.complaint(path, exercise, reference):
        yield f"{place}: the visible checks of {exercise} refuse the reference: {str(error).splitlines()[0]}"
    if error := visible.complaint(path, exercise, visible.prepared(path)[exercise]):
        yield f"{place}: the visible checks of {exercise} refuse the solution: {str(error).splitlines()[0]}"
    if visible.complaint(path, exercise, blank) is None:
        yield f"{place}: the visible checks of {exercise} pass on the blank answer: call {exercise} in its tests cell."


def leaks(path: Path, place: Path, exercise: str) -> Iterator[str]:
    """Lines of the solution that the release would show, and cells that say more than a student may read."""
    nb = nbformat.read(path, as_version=4)
    secret = {line.strip() for cell in nb.cells if (cell.get("metadata") or {}).get("nbgrader", {}).get("grade_id") == exercise
              for text in SOLUTION.findall(cell.source) for line in text.splitlines() if len(line.strip()) > TOO_COMMON}
    try:
        nb = released(nb, path.parent)
    except Exception as error:      # nbgrader's own words: an id that stands twice, a mark that is none
        yield f"{place}: no release can be made of it: {type(error).__name__}: {str(error).splitlines()[0]}"
        return
    for cell in nb.cells:
        shown = [line for line in cell.source.splitlines() if line.strip() in secret or "run_hidden_checks" in line]
        if shown:
            yield f"{place}: the release would show in cell {cell.get('id')} a line of {exercise}'s solution: {shown[0].strip()}"


def without_oracle(root: Path, exercise: str) -> Iterator[str]:
    files = [*root.glob("tests/course/test_reference_*.py"), *root.glob("tests/course/oracles.py")]
    if not any(re.search(rf"\b{exercise}\b", file.read_text(encoding="utf-8")) for file in files
               if file.stem != "test_reference_contract"):
        yield (f"tests/course/test_reference_*.py: no test compares {exercise} of the reference with an independent way to the "
               "answer: mpmath, the complex step, HIPS autograd; see tests/course/oracles.py.")
