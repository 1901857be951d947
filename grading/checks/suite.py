"""The pytest plug-in: collects the checks of one notebook once and judges any number of subjects with them.

`pytest tests/hidden --subject ...` runs the same functions as an ordinary session.
"""

import os
import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..border.subject import LocalSubject, Stopped, StudentError, Subject, pack
from ..root import find_root
from .answer_key import AnswerKey
from .bank import Misconception
from .recognition import kind, name_mistakes
from .student import Student
from .verdict import FAILED, NOT_RUN, OUR_ERROR, PASSED, CheckResult, Failed, Verdict
from .wrong import digests
from ..notebooks.record import Outcome

MAX_DEFINITIONS = 3     # of one function that are judged; the best one counts


class Bench:
    """Where a subject sits while pytest runs the checks on it."""

    subject: Subject
    key: AnswerKey

    def __init__(self) -> None:
        self.keys: dict[str, AnswerKey] = {}
        self.definition = -1        # the newest, in a session that judges one subject
        self.current: Student | None = None

    def student(self, item: Any) -> Student:
        mark = item.get_closest_marker("check")
        if mark is None:
            pytest.fail(f"{item.name} uses `student` but is no check: mark it with @check(...)")
        notebook = item.path.stem.removeprefix("test_")
        root = item.path.parents[2]
        self.key = self.keys.get(notebook) or self.keys.setdefault(notebook, AnswerKey(root, notebook))
        self.current = Student(self.subject, self.key, mark.kwargs["exercise"], self.definition, item.name)
        return self.current


BENCH = pytest.StashKey[Bench]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "check(exercise, title, hint, weight, core, most): a check that judges a student")
    config.stash.setdefault(BENCH, Bench())


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Student:
    """The student's function of the check's exercise, behind the border."""
    return request.config.stash[BENCH].student(request.node)


class Judge:
    """Plug-in of the session that `Suite` holds open: takes subjects from a queue and runs the items on each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.subjects: queue.Queue[tuple[Subject, Iterable[str] | None] | None] = queue.Queue()
        self.verdicts: queue.Queue[Any] = queue.Queue()
        self.raised: BaseException | None = None
        self.not_collected: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, object, object]:
        """Look for the checks in their folder: in a path that is an argument pytest takes brackets for a test's parameters. At its end
        pytest goes back to where it began, so that is said again."""
        began = session.config.invocation_params
        session.config.invocation_params = pytest.Config.InvocationParams(args=began.args, plugins=began.plugins, dir=self.folder)
        try:
            return (yield)
        finally:
            session.config.invocation_params = began

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.not_collected.append(report.longreprtext)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.not_collected += [f"{item.name} is no check: mark it with @check(...)" for item in session.items
                               if item.get_closest_marker("check") is None]
        if self.not_collected or not session.items:
            self.verdicts.put(SuiteError("\n".join(self.not_collected) or "There is no check in it."))
            return True
        bench = session.config.stash[BENCH]
        exercises: dict[str, list[Any]] = {}
        for item in session.items:
            exercises.setdefault(mark_of(item)["exercise"], []).append(item)
        self.verdicts.put(set(exercises))       # ready
        while (asked := self.subjects.get()) is not None:
            subject, chosen = asked
            bench.subject = subject
            try:
                self.verdicts.put({name: self.exercise(bench, name, items) for name, items in exercises.items()
                                   if chosen is None or name in chosen})
            except BaseException as error:
                self.verdicts.put(error)
        return True

    def exercise(self, bench: Bench, name: str, items: list[Any]) -> Verdict:
        """Judge the newest definition of a function and, if it is not perfect, older ones: the best counts."""
        count = bench.subject.definitions(name)
        if count == 0:
            said = f"The notebook defines no function called {name}."
            return Verdict(name, [result(item, FAILED, said) for item in items], definitions=0)
        best: Verdict | None = None
        for definition in range(count - 1, max(-1, count - 1 - MAX_DEFINITIONS), -1):
            verdict = self.definition(bench, name, items, definition)
            verdict.definitions = count
            if best is None or verdict.fraction > best.fraction:
                best = verdict
            if best.fraction == 1 or verdict.those(OUR_ERROR):
                return verdict
        assert best is not None, "there is a definition"
        return best

    def definition(self, bench: Bench, name: str, items: list[Any], definition: int) -> Verdict:
        verdict, bench.definition = Verdict(name), definition
        stopped: str | None = None
        functions = {item.name: item.function for item in items}
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
            if verdict.those(FAILED):
                key = bench.key
                name_mistakes(verdict, [entry for entry in key.mistakes(name) if entry.probe is None],
                              lambda entry, check: key.failure_of(entry, functions[check]))
                if not (stopped or verdict.blank or verdict.fraction or verdict.misconceptions):
                    self.probe(bench, verdict)
        finally:
            bench.subject.finish()
        return verdict

    def probe(self, bench: Bench, verdict: Verdict) -> None:
        """Name the mistake behind an answer that earns nothing by a call of its own, where no check has."""
        def ask(arguments: tuple[Any, ...]) -> Any:
            (reply,) = bench.subject.call(verdict.exercise, bench.definition, *pack([arguments]))
            return reply.value

        try:
            known = bench.key.probed(verdict.exercise, ask)
        except (Stopped, MemoryError, RecursionError):
            return
        if known:
            next(check for check in verdict.those(FAILED) if check.core).misconception = known

    def item(self, bench: Bench, item: Any) -> CheckResult:
        self.run(bench, item)
        if isinstance(self.raised, MemoryError | RecursionError) and self.holds_for_reference(bench, item):
            said = "what came back is too large, or nested too deeply, to be compared"
            return result(item, FAILED, said, wrong=digests((), said))
        match self.raised:
            case None:
                return result(item, PASSED)
            case Failed() as failed:
                manner = kind(failed.said, failed.error)
                return result(item, FAILED, failed.said, failed.candidates, failed.error, self.wrong(bench, manner))
            case Stopped() as stopped:
                return result(item, FAILED, stopped.reason, wrong=self.wrong(bench, stopped.reason))
            case error:
                return result(item, OUR_ERROR, f"{type(error).__name__}: {error}")

    @staticmethod
    def wrong(bench: Bench, manner: str | None) -> str:
        assert bench.current is not None, "a check that failed had a student"
        return digests(bench.current.replies, manner)

    def run(self, bench: Bench, item: Any) -> None:
        """Run one check on the subject of `bench`; what it raised is `self.raised`."""
        self.raised = None
        if asks_for_nothing_more(item):
            try:
                item.function(bench.student(item))
            except Exception as error:
                self.raised = error
        else:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    def holds_for_reference(self, bench: Bench, item: Any) -> bool:
        """Whether the reference passes a check: then it is the answer that costs too much, not the check."""
        subject, raised = bench.subject, self.raised
        try:
            bench.subject = LocalSubject(vars(bench.key.reference))
            self.run(bench, item)
            return self.raised is None
        finally:
            bench.subject, self.raised = subject, raised

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport:
        """Report without a traceback: nobody reads it, and pytest parses the whole file again to make one."""
        if call.excinfo is not None and self.raised is None:
            self.raised = call.excinfo.value
        assert call.when != "collect", "this is said of a test"
        return pytest.TestReport(item.nodeid, item.location, {}, "passed" if call.excinfo is None else "failed", None, call.when)


def mark_of(item: Any) -> dict[str, Any]:
    """What the check's author said of it: see `authors.check`."""
    found: dict[str, Any] = item.get_closest_marker("check").kwargs
    return found


def asks_for_nothing_more(item: Any) -> bool:
    """Whether a check is a plain function of `student`: then it is called. pytest's own way takes a millisecond more."""
    return bool(item.fixturenames == ["student", "request"] and item.cls is None and not hasattr(item, "callspec"))


def result(item: Any, outcome: Outcome, said: str = "", candidates: Iterable[Misconception] = (),
           error: StudentError | None = None, wrong: str = "") -> CheckResult:
    mark = mark_of(item)
    return CheckResult(item.name, mark["title"], mark["hint"], mark["weight"], mark["core"], outcome, said,
                       None, error, mark["most"], tuple(candidates), wrong)


class SuiteError(Exception):
    """The checks themselves could not be run: never a student's fault."""


class Suite:
    """The checks of one notebook, collected once; `judge` runs them on a subject. Not for use by two threads at once."""

    def __init__(self, root: str | Path, notebook: str) -> None:
        self.path = Path(root) / "tests" / "hidden" / f"test_{notebook}.py"
        if not self.path.exists():
            raise SuiteError(f"There are no checks for notebook {notebook}: {self.path} is missing.")
        self.plugin = Judge(self.path.parent)
        self.thread = threading.Thread(target=self.session, args=(Path(root),), daemon=True)
        self.thread.start()
        first = self.plugin.verdicts.get()
        if isinstance(first, SuiteError):
            self.thread.join()          # it would go on in a folder that may be gone
            raise SuiteError(f"The checks in {self.path} could not be collected; run: pytest {self.path}\n{first}")
        self.exercises: set[str] = first

    def session(self, root: Path) -> None:
        arguments = [self.path.name, f"--rootdir={root}", f"-c{os.devnull}", f"--confcutdir={self.path.parent}",
                     "-pno:terminal", "-pno:capture", "-pno:logging", "-pno:cacheprovider", "-pno:faulthandler",
                     "-pno:warnings", "-pno:junitxml", "-pno:doctest", "-pno:stepwise", "-pno:tmpdir",
                     "-pno:threadexception", "-pno:unraisableexception", "-pno:debugging", "-pno:skipping",
                     "--disable-plugin-autoload", "--noconftest"]
        for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):   # meant for the tests of who set them
            os.environ.pop(name, None)
        sys.modules.pop(self.path.stem, None)       # that of an earlier session, or of another course
        code = pytest.main(arguments, plugins=[sys.modules[__name__], self.plugin])
        self.plugin.verdicts.put(SuiteError(f"pytest ended with {code}"))

    def judge(self, subject: Subject, exercises: Iterable[str] | None = None) -> dict[str, Verdict]:
        """Run every check, or those of `exercises`, on `subject`: {exercise: Verdict}. Raises `SuiteError` if a check
        itself is broken."""
        self.plugin.subjects.put((subject, exercises))
        verdicts = self.plugin.verdicts.get()
        if isinstance(verdicts, BaseException):
            raise verdicts
        judged: dict[str, Verdict] = verdicts
        broken: dict[str, list[str]] = {}       # what is wrong with a bank is wrong for all of them
        for check in (c for v in judged.values() for c in v.those(OUR_ERROR)):
            broken.setdefault(check.said, []).append(check.name)
        if broken:
            raise SuiteError(f"Checks in {self.path} are broken, not the submission: " + "; ".join(
                f"{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}: {said}" for said, names in broken.items()))
        return judged

    def close(self) -> None:
        self.plugin.subjects.put(None)
        self.thread.join()


def judge_functions(notebook: str, functions: Mapping[str, Callable[..., Any]],
                    root: str | Path | None = None) -> dict[str, Verdict]:
    """Judge trusted functions {exercise: function} of this process with the checks of `notebook`: {exercise: Verdict}."""
    root = find_root(root)
    stamp = sorted((str(path), path.stat().st_mtime_ns) for room in ("tests/hidden", "reference_impl", "tests/misconceptions")
                   for path in root.glob(f"{room}/*.py"))
    known = SUITES.get((root, notebook))
    if known is None or known[0] != stamp:      # an author writes and judges in turn
        if known:
            known[1].close()
        SUITES[root, notebook] = stamp, Suite(root, notebook)
    return SUITES[root, notebook][1].judge(LocalSubject(functions), functions)


SUITES: dict[tuple[Path, str], tuple[list[tuple[str, int]], Suite]] = {}
