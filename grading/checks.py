"""The pytest plug-in: checks with title, hint and weight, the `student` fixture, and verdicts.

A check is a pytest test function marked by `check`. `Suite` collects the checks of one notebook once and then judges
any number of subjects with them; `pytest tests/hidden --subject ...` runs the same functions as an ordinary session.
"""

import hashlib
import importlib
import json
import os
import queue
import sys
import threading
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest

from . import bank, compare
from .student import LocalSubject, Stopped, pack

PASSED, FAILED, NOT_RUN, OUR_ERROR = "passed", "failed", "not run", "our error"
MAX_DEFINITIONS = 3     # of one function that are judged; the best one counts


def check(exercise, title, *, hint, weight=1, core=False):
    """Mark a test function as a check of `exercise`.

    `title` completes the sentence "<exercise> ..." and `hint` says what to try; students read both. `weight` is the
    check's share of the points. If a core check does not pass, the exercise earns nothing.
    """
    return pytest.mark.check(exercise=exercise, title=title, hint=hint, weight=weight, core=core)


class Failed(Exception):
    """The student's answer does not hold; `said` is for the student, `misconception` the known mistake behind it."""

    def __init__(self, said, misconception=None, error=None):
        super().__init__(said)
        self.said, self.misconception, self.error = said, misconception, error


@dataclass
class CheckResult:
    """The outcome of one check: PASSED, FAILED, NOT_RUN or OUR_ERROR, and what the student is told."""

    name: str
    title: str
    hint: str
    weight: int
    core: bool
    outcome: str
    said: str = ""
    misconception: object = None
    error: object = None


@dataclass
class Verdict:
    """All checks of one exercise on one subject. `warnings` are the floating-point warnings that its calls raised."""

    exercise: str
    checks: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    definitions: int = 1

    @property
    def fraction(self):
        """The share of the points that is earned: passed weight over all weight, or 0 if a core check did not pass."""
        total = sum(c.weight for c in self.checks)
        if not total or any(c.core and c.outcome != PASSED for c in self.checks):
            return 0.0
        return sum(c.weight for c in self.checks if c.outcome == PASSED) / total

    @property
    def misconceptions(self):
        """The known mistakes that were recognised, each once."""
        found = [c.misconception for c in self.checks if c.misconception]
        return list({m.name: m for m in found}.values())


# --- what a check may ask of a student --------------------------------------------------------------------------

class Student:
    """The student's function of one exercise, as a check sees it."""

    def __init__(self, subject, course, exercise, definition, name):
        self.subject, self.course, self.exercise, self.definition = subject, course, exercise, definition
        self.name, self.warnings = name, set()

    @cached_property
    def rng(self):
        """Random numbers that are the same for every student."""
        return np.random.default_rng(zlib.crc32(self.name.encode()))

    def agrees(self, *cases, rtol, atol=0.0, wanted=None, first=None):
        """Every result equals `wanted(*case)` (by default the reference's) within `rtol` and `atol`.

        With `first`, only so many entries of the returned tuple are compared: a slip in a later one costs that one only.
        """
        packed = pack(cases)
        inputs = fingerprint(*packed)
        right = [wanted(*case) for case in cases] if wanted else self.course.right_answers(self.exercise, cases, inputs)
        replies = self._replies(packed)
        for reply, due in zip(replies, right):
            pair = (reply.value, due) if first is None else beginnings(reply.value, due, first)
            said = compare.difference(*pair, rtol, atol)
            if said:
                known = self.course.recognise(self.exercise, cases, inputs, [r.value for r in replies], right)
                raise Failed(said, known)

    def results(self, *cases):
        """The result of each case as plain data."""
        return [reply.value for reply in self._replies(pack(cases))]

    def expect(self, condition, words):
        """Fail the check, in these words, unless `condition` holds."""
        if not condition:
            raise Failed(words)

    def leaves_arguments_alone(self, *cases):
        """The arguments are after the call what they were before it."""
        for reply, case in zip(self._replies(pack(cases), after=True), cases):
            if len(reply.after) != len(case) or any(changed(*pair) for pair in zip(reply.after, case)):
                raise Failed("an argument was changed by the call")

    def is_silent(self, *cases):
        """No overflow, invalid or divide warning, and neither NaN nor inf in a result."""
        for reply in self._replies(pack(cases)):
            if reply.warnings:
                raise Failed("NumPy warned of: " + ", ".join(reply.warnings))
            if not all_finite(reply.value):
                raise Failed("the result contains NaN or inf")

    def _replies(self, packed, after=False):
        replies = self.subject.call(self.exercise, self.definition, *packed, after=after)
        for reply in replies:
            self.warnings.update(reply.warnings)
        for reply in replies:
            if reply.error:
                raise Failed("your function raised an error", error=reply.error)
        return replies


def beginnings(value, due, count):
    if not isinstance(value, (tuple, list)) or len(value) != len(due):
        raise Failed(f"the function returns {len(due)} things, as one tuple")
    return list(value[:count]), list(due[:count])


def changed(after, before):
    if isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)):
        return len(after) != len(before) or any(changed(*pair) for pair in zip(after, before))
    return compare.difference(after, before, 0.0) is not None


def all_finite(value):
    if isinstance(value, (list, tuple)):
        return all(all_finite(item) for item in value)
    array, trouble = compare.as_numbers(value)
    return trouble is None and bool(np.isfinite(array).all())


# --- the course's side: reference and bank ----------------------------------------------------------------------

class Course:
    """Reference and misconceptions of one notebook, with what they answer to the (always equal) hidden inputs."""

    def __init__(self, root, notebook):
        self.root, self.notebook = Path(root), notebook
        with importing_from(root):
            self.reference = importlib.import_module(f"reference_impl.{notebook}")
            self.bank = bank.load(self.root / "tests" / "misconceptions" / f"{notebook}.py")
        self.known = {}

    def right_answers(self, exercise, cases, inputs):
        return self.remember(exercise, cases, inputs, "reference", getattr(self.reference, exercise))

    def recognise(self, exercise, cases, inputs, answers, right):
        """The misconception whose answers these are, or None. `inputs` is the fingerprint of `cases`."""
        for entry in self.bank:
            if entry.exercise != exercise:
                continue
            try:
                mistaken = self.remember(exercise, cases, inputs, entry.name, entry.function)
            except Exception:       # a mistake may well raise on some input; then it is not this one
                continue
            pairs = list(zip(answers, mistaken, right))
            if all(compare.difference(got, wrong, 1e-6) is None for got, wrong, _ in pairs) \
                    and any(compare.difference(wrong, due, 1e-6) for _, wrong, due in pairs):
                return entry
        return None

    def remember(self, exercise, cases, inputs, name, function):
        key = (exercise, name, inputs)
        if key not in self.known:
            with np.errstate(all="ignore"):
                self.known[key] = [function(*copy_of(case)) for case in cases]
        return self.known[key]


def fingerprint(tree, block):
    return hashlib.blake2b(json.dumps(tree).encode() + block).digest()


@contextmanager
def importing_from(root):
    """Import `reference_impl` out of `root`, as it is on disk now; the process's own modules stay as they were."""
    def loaded():
        return {name: module for name, module in sys.modules.items() if name.split(".")[0] == "reference_impl"}

    own = loaded()
    for name in own:
        del sys.modules[name]
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(root))
        for name in loaded():
            del sys.modules[name]
        sys.modules.update(own)


def copy_of(value):
    if isinstance(value, (list, tuple)):
        return type(value)(copy_of(item) for item in value)
    return value.copy() if isinstance(value, np.ndarray) else value


# --- one pytest session, many subjects --------------------------------------------------------------------------

class Bench:
    """Where a subject sits while pytest runs the checks on it."""

    def __init__(self):
        self.courses, self.subject, self.definition, self.current = {}, None, -1, None

    def student(self, item):
        mark = item.get_closest_marker("check")
        if mark is None:
            pytest.fail(f"{item.name} uses `student` but is no check: mark it with @check(...)")
        notebook = item.path.stem.removeprefix("test_")
        root = item.path.parents[2]
        course = self.courses.get(notebook) or self.courses.setdefault(notebook, Course(root, notebook))
        self.current = Student(self.subject, course, mark.kwargs["exercise"], self.definition, item.name)
        return self.current


BENCH = pytest.StashKey[Bench]()


def pytest_configure(config):
    config.addinivalue_line("markers", "check(exercise, title, hint, weight, core): a check that judges a student")
    config.stash.setdefault(BENCH, Bench())


@pytest.fixture
def student(request):
    """The student's function of the check's exercise, behind the border."""
    return request.config.stash[BENCH].student(request.node)


class Judge:
    """Plug-in of the session that `Suite` holds open: takes subjects from a queue and runs the items on each."""

    def __init__(self):
        self.subjects, self.verdicts = queue.Queue(), queue.Queue()
        self.raised, self.not_collected = None, []

    def pytest_collectreport(self, report):
        if report.failed:
            self.not_collected.append(report.longreprtext)

    def pytest_runtestloop(self, session):
        self.not_collected += [f"{item.name} is no check: mark it with @check(...)" for item in session.items
                               if item.get_closest_marker("check") is None]
        if self.not_collected or not session.items:
            self.verdicts.put(SuiteError("\n".join(self.not_collected) or "There is no check in it."))
            return True
        bench = session.config.stash[BENCH]
        exercises = {}
        for item in session.items:
            exercises.setdefault(item.get_closest_marker("check").kwargs["exercise"], []).append(item)
        self.verdicts.put(set(exercises))       # ready
        for subject in iter(self.subjects.get, None):
            bench.subject = subject
            try:
                self.verdicts.put({name: self.exercise(bench, name, items) for name, items in exercises.items()})
            except BaseException as error:
                self.verdicts.put(error)
        return True

    def exercise(self, bench, name, items):
        """Judge the newest definition of a function and, if it is not perfect, older ones: the best counts."""
        count = bench.subject.definitions(name)
        if count == 0:
            said = f"The notebook defines no function called {name}."
            return Verdict(name, [result(item, FAILED, said) for item in items], definitions=0)
        best = None
        for definition in range(count - 1, max(-1, count - 1 - MAX_DEFINITIONS), -1):
            verdict = self.definition(bench, name, items, definition)
            verdict.definitions = count
            if best is None or verdict.fraction > best.fraction:
                best = verdict
            if best.fraction == 1 or any(c.outcome == OUR_ERROR for c in verdict.checks):
                return verdict
        return best

    def definition(self, bench, name, items, definition):
        verdict, bench.definition, stopped = Verdict(name), definition, None
        try:
            bench.subject.begin()
        except Stopped as error:
            stopped = error.reason
        try:
            for item in items:
                if stopped:
                    verdict.checks.append(result(item, NOT_RUN, f"not run: {stopped}"))
                    continue
                verdict.checks.append(self.item(bench, item))
                if isinstance(self.raised, Stopped):
                    stopped = "in an earlier check " + self.raised.reason
                if bench.current:
                    verdict.warnings = sorted({*verdict.warnings, *bench.current.warnings})
        finally:
            bench.subject.finish()
        return verdict

    def item(self, bench, item):
        self.raised = None
        if asks_for_nothing_more(item):
            try:
                item.function(bench.student(item))
            except Exception as error:
                self.raised = error
        else:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        match self.raised:
            case None:
                return result(item, PASSED)
            case Failed() as failed:
                return result(item, FAILED, failed.said, failed.misconception, failed.error)
            case Stopped() as stopped:
                return result(item, FAILED, stopped.reason)
            case error:
                return result(item, OUR_ERROR, f"{type(error).__name__}: {error}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        """Report without a traceback: nobody reads it, and pytest parses the whole file again to make one."""
        if call.excinfo is not None and self.raised is None:
            self.raised = call.excinfo.value
        outcome = "passed" if call.excinfo is None else "failed"
        return pytest.TestReport(item.nodeid, item.location, {}, outcome, None, call.when)


def asks_for_nothing_more(item):
    """Whether a check is a plain function of `student`: then it is called. pytest's own way takes a millisecond more."""
    return item.fixturenames == ["student", "request"] and item.cls is None and not hasattr(item, "callspec")


def result(item, outcome, said="", misconception=None, error=None):
    mark = item.get_closest_marker("check").kwargs
    return CheckResult(item.name, mark["title"], mark["hint"], mark["weight"], mark["core"], outcome, said,
                       misconception, error)


class SuiteError(Exception):
    """The checks themselves could not be run: never a student's fault."""


class Suite:
    """The checks of one notebook, collected once; `judge` runs them on a subject. Not for use by two threads at once."""

    def __init__(self, root, notebook):
        self.path = Path(root) / "tests" / "hidden" / f"test_{notebook}.py"
        if not self.path.exists():
            raise SuiteError(f"There are no checks for notebook {notebook}: {self.path} is missing.")
        self.plugin = Judge()
        self.thread = threading.Thread(target=self.session, args=(Path(root),), daemon=True)
        self.thread.start()
        first = self.plugin.verdicts.get()
        if isinstance(first, SuiteError):
            raise SuiteError(f"The checks in {self.path} could not be collected; run: pytest {self.path}\n{first}")
        self.exercises = first

    def session(self, root):
        arguments = [str(self.path), f"--rootdir={root}", f"-c{os.devnull}", f"--confcutdir={self.path.parent}",
                     "-pno:terminal", "-pno:capture", "-pno:logging", "-pno:cacheprovider", "-pno:faulthandler",
                     "-pno:warnings", "-pno:junitxml", "-pno:doctest", "-pno:stepwise", "-pno:tmpdir",
                     "-pno:threadexception", "-pno:unraisableexception", "-pno:debugging", "-pno:skipping",
                     "--disable-plugin-autoload", "--noconftest"]
        sys.modules.pop(self.path.stem, None)       # that of an earlier session, or of another course
        code = pytest.main(arguments, plugins=[sys.modules[__name__], self.plugin])
        self.plugin.verdicts.put(SuiteError(f"pytest ended with {code}"))

    def judge(self, subject):
        """Run every check on `subject`: {exercise: Verdict}. Raises `SuiteError` if a check itself is broken."""
        self.plugin.subjects.put(subject)
        verdicts = self.plugin.verdicts.get()
        if isinstance(verdicts, BaseException):
            raise verdicts
        broken = [f"{c.name}: {c.said}" for v in verdicts.values() for c in v.checks if c.outcome == OUR_ERROR]
        if broken:
            raise SuiteError(f"Checks in {self.path} are broken, not the submission: " + "; ".join(broken))
        return verdicts

    def close(self):
        self.plugin.subjects.put(None)
        self.thread.join()


def judge_functions(notebook, functions, root=Path(__file__).parents[1]):
    """Judge trusted functions {name: function} of this process with the checks of `notebook`: {exercise: Verdict}."""
    suite = SUITES.get((root, notebook)) or SUITES.setdefault((root, notebook), Suite(root, notebook))
    return suite.judge(LocalSubject(functions))


SUITES = {}
