"""`pytest tests/hidden --subject reference|release|PATH`: the hidden checks as an ordinary session, on one subject.

PATH is a notebook, or a Python file with answers. Without `--subject` the reference answers: every check must pass.
A pytest plug-in of its own, because grading runs the same checks with `grading.checks` alone.
"""

from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

import pytest

from ..checks import table
from ..checks.gate import Gate
from ..checks.answer_key import AnswerKey
from ..checks.suite import BENCH, mark_of
from ..checks.verdict import FAILED, NOT_RUN, PASSED, CheckResult, Failed, Verdict
from ..border.subject import LocalSubject, Stopped, Subject
from ..checks.student import Student

REFERENCE, RELEASE = "reference", "release"
VERDICTS = pytest.StashKey[dict[tuple[str, str], Verdict]]()
SOURCES = pytest.StashKey[dict[str, Mapping[int | None, tuple[str, str]]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("course")
    group.addoption("--subject", default=REFERENCE, metavar="reference|release|PATH",
                    help="what the hidden checks judge: the reference, the released notebooks, or a notebook or .py file")
    group.addoption("--subject-sandbox", default="bwrap", choices=("bwrap", "none"),
                    help="where a PATH runs; none: with your own rights, for code that you trust as your own")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[VERDICTS], config.stash[SOURCES] = {}, {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the checks of other notebooks than the one that PATH is."""
    chosen = config.getoption("subject")
    if chosen in (REFERENCE, RELEASE):
        return
    from . import check        # nbgrader takes seconds to load, and most sessions do not need it
    try:
        notebook = check.find_notebook(Path(chosen), config.rootpath).notebook
    except check.NotChecked as error:
        raise pytest.UsageError(str(error)) from None
    other = [item for item in items if is_check(item) and notebook_of(item) != notebook]
    config.hook.pytest_deselected(items=other)
    items[:] = [item for item in items if item not in other]


def is_check(item: pytest.Item) -> bool:
    return item.get_closest_marker("check") is not None


def notebook_of(item: pytest.Item | pytest.FixtureRequest) -> str:
    return item.path.stem.removeprefix("test_")


# --- the subject ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def subject(request: pytest.FixtureRequest) -> Iterator[Subject]:
    """What is judged, as `grading.border.subject` spells out a subject."""
    chosen, notebook, root = request.config.getoption("subject"), notebook_of(request), request.path.parents[2]
    if chosen == REFERENCE:
        yield LocalSubject(vars(AnswerKey(root, notebook).reference))
        return
    from . import check
    from ..run.held import HELD
    from ..border.errors import SandboxUnavailable
    from ..border.limits import Limits
    found = check.released(notebook, root) if chosen == RELEASE else check.find_notebook(Path(chosen), root)
    # the released notebook is the course's own code
    mode = "none" if chosen == RELEASE else request.config.getoption("subject_sandbox")
    try:
        running, sources = check.run(found, HELD.sandbox(mode, Limits()))
    except SandboxUnavailable as error:
        pytest.exit(str(error), returncode=pytest.ExitCode.USAGE_ERROR)
    request.config.stash[SOURCES][notebook] = sources
    yield running
    running.close()


@pytest.fixture
def student(request: pytest.FixtureRequest, subject: Subject) -> Iterator[Student]:
    """The newest definition of the check's function; grading also looks at older ones, and the best counts."""
    bench, exercise = request.config.stash[BENCH], mark_of(request.node)["exercise"]
    bench.subject, bench.definition = subject, subject.definitions(exercise) - 1
    if bench.definition < 0:
        raise Failed(f"The notebook defines no function called {exercise}.")
    try:
        subject.begin()
        yield bench.student(request.node)
    finally:
        subject.finish()


# --- what is printed --------------------------------------------------------------------------------------------

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the words of the check in place of a traceback, and keep the outcome for the summary."""
    made = yield
    if not is_check(item) or call.when == "teardown" or call.when == "setup" and call.excinfo is None:
        return made
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, Failed | Stopped):
        made.outcome = "failed"
        made.longrepr = in_words(item, error)
        made.when = "call"      # pytest calls a failure in a fixture an error
    keep(item, error)
    return made


def in_words(item: pytest.Item, error: Failed | Stopped) -> str:
    check = mark_of(item)
    lines = [f"{check['exercise']} {check['title']}" + (" (core)" if check["core"] else "")]
    if isinstance(error, Stopped):
        lines.append(f"  {error.reason}")
    elif error.error:
        lines.append(f"  {Gate(item.config.stash[SOURCES].get(notebook_of(item), {})).error_line(error.error)}")
    else:
        lines.append(f"  {error.said}")
    candidates = tuple(error.candidates) if isinstance(error, Failed) else ()
    known = candidates[0] if len(candidates) == 1 else None
    lines.append(f"  Known mistake - {known.name}: {known.says}" if known else f"  Hint: {check['hint']}")
    return "\n".join(lines)


def keep(item: pytest.Item, error: BaseException | None) -> None:
    check = dict(mark_of(item))
    verdict = item.config.stash[VERDICTS].setdefault((notebook_of(item), check["exercise"]), Verdict(check.pop("exercise")))
    outcome = PASSED if error is None else FAILED if isinstance(error, Failed | Stopped) else NOT_RUN
    verdict.checks.append(CheckResult(item.name, outcome=outcome, error=getattr(error, "error", None), **check))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    verdicts = config.stash[VERDICTS]
    if not verdicts or config.getoption("subject") == REFERENCE:
        return
    terminalreporter.section(f"exercises, judged on: {config.getoption('subject')}")
    for (notebook, exercise), verdict in verdicts.items():
        terminalreporter.write_line(f"{verdict.fraction:5.0%} of {notebook} / {exercise}: {table.summary(verdict)}")
