"""What the hidden checks say of a mutant of a right answer, beside what the oracle says.

A mutant that is wrong anywhere must lose points, and one that is wrong on most ordinary inputs must earn next to
nothing.  A mutant that is right must keep everything: then a right answer of that kind does, too.
"""

import importlib.util
import multiprocessing
import resource
import signal
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grading.border.subject import LocalSubject, Stopped
from grading.checks.answer_key import AnswerKey
from grading.checks.student import Student
from grading.checks.verdict import Failed
from tests.mutation import oracle

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
MOST = 0.4          # of the points, for what is wrong on most ordinary inputs, be it one part of a tuple
HARDLY = "hardly"   # off by more than what is promised, and by less than what proves it wrong
SECONDS = 15        # for one mutant: a changed loop may never end
MEMORY = 4 << 30


@dataclass(frozen=True)
class Trial:
    """`wrong` are the regions in which the oracle refuses the mutant, `most` the largest share it may earn."""

    id: tuple
    share: float
    most: float
    wrong: tuple

    @property
    def trouble(self):
        if not self.wrong:
            return "unfair" if self.share < 1 else None
        return "survived" if self.share == 1 else "earns too much" if self.share > self.most else None

    def __str__(self):
        return f"{self.trouble}: earns {self.share:.0%}, wrong: {', '.join(self.wrong) or 'nowhere'}\n    {' | '.join(self.id)}"


class TooLong(BaseException):
    """Not an Exception, so that no code under trial takes it for one of its own."""


@cache
def checks_of(notebook):
    """{exercise: [(mark, function)]} of the hidden checks, and the answer key."""
    path = ROOT / "tests" / "hidden" / f"test_{notebook}.py"
    spec = importlib.util.spec_from_file_location(f"judged_{notebook}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {}
    for function in vars(module).values():
        for mark in getattr(function, "pytestmark", []):
            if mark.name == "check":
                found.setdefault(mark.kwargs["exercise"], []).append((mark.kwargs, function))
    return found, AnswerKey(ROOT, notebook)


def share_of(notebook, exercise, function):
    """The share of the points that `function` earns; checks that can change nothing any more are left out."""
    checks, key = checks_of(notebook)
    passed, most = 0, 1.0
    for mark, test in sorted(checks[exercise], key=lambda one: not one[0]["core"]):
        try:
            student = Student(LocalSubject({exercise: function}), key, exercise, -1, test.__name__)
            student.key = Nameless(key)
            test(student)
            passed += mark["weight"]
        except (Failed, Stopped):
            if mark["core"]:
                return 0.0
            most = min(most, mark["most"])
    return min(most, passed / sum(mark["weight"] for mark, _ in checks[exercise]))


class Nameless:
    """The answer key without the names of mistakes, which cost time and no points."""

    def __init__(self, key):
        self.right_answers = key.right_answers

    def recognise(self, *about):
        return None


def try_one(mutant):
    """The `Trial` of a mutant. What does not end, or asks for all memory, earns nothing and is wrong."""
    def stop(*_):
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        function = mutant.make()
        cases = oracle.cases(mutant.notebook, mutant.exercise)
        faults = [(case, case.faults(function)) for case in cases]
        wrong = tuple(dict.fromkeys(case.region for case, found in faults if found))
        share = share_of(mutant.notebook, mutant.exercise, function)
        if share < 1 and not wrong and any(case.faults(function, margin=1.0) for case in cases):
            wrong = (HARDLY,)
        return Trial(mutant.id, share, most_due(faults), wrong)
    except (TooLong, MemoryError):
        return Trial(mutant.id, 0.0, 1.0, ("does not end",))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def most_due(faults):
    """MOST if any part of the answer is wrong in most of the ordinary cases, else 1."""
    ordinary = [(case, found) for case, found in faults if case.region == "ordinary"]
    parts = len(ordinary[0][0].wanted) if isinstance(ordinary[0][0].wanted, tuple) else 1
    wrong = [sum(part in found or None in found for _, found in ordinary) for part in range(parts)]
    return MOST if max(wrong) > len(ordinary) / 2 else 1.0


def try_all(mutants, jobs):
    """Trials in the order of `mutants`. Forked, so that every process has the mutants and the oracle's cases."""
    for notebook, exercise in dict.fromkeys((mutant.notebook, mutant.exercise) for mutant in mutants):
        oracle.cases(notebook, exercise)
        checks_of(notebook)
    global WAITING
    WAITING = mutants
    with multiprocessing.get_context("fork").Pool(jobs, initializer=limit_memory) as pool:
        yield from pool.imap(by_number, range(len(mutants)), chunksize=4)


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def by_number(number):
    return try_one(WAITING[number])


def listed():
    """id -> reason, of survivors.toml: `style` may be left out, which stands for every style of the exercise."""
    entries = tomllib.loads((FOLDER / "survivors.toml").read_text(encoding="utf-8"))["survivor"]
    return {(entry["exercise"], entry["style"], where): entry["reason"] for entry in entries for where in entry["where"]}


def sort_out(trials):
    """(counts by exercise, the lines that have to be mended): unlisted trouble, and list entries without trouble."""
    reasons, counts, lines = listed(), {}, []
    for trial in trials:
        known = trial.id in reasons
        outcome = "right" if not trial.wrong and not trial.trouble else "listed" if trial.trouble and known else trial.trouble or "caught"
        counts.setdefault(trial.id[0], Counter()).update([outcome, "all"])
        if trial.trouble and not known:
            lines.append(str(trial))
        if known and not trial.trouble:
            lines.append(f"listed, but nothing is wrong with it: {' | '.join(trial.id)}")
    return counts, lines
