"""`pytest tests/hidden --subject reference|release|PATH`: the hidden checks as an ordinary session, on one subject.

PATH is a notebook, or a Python file with answers. Without `--subject` the reference answers: every check must pass.
A pytest plug-in of its own, because grading runs the same checks with `grading.checks` alone.
"""

from pathlib import Path

import pytest

from ..checks import table
from ..checks.gate import Gate
from ..checks.answer_key import AnswerKey
from ..checks.suite import BENCH
from ..checks.verdict import FAILED, NOT_RUN, PASSED, CheckResult, Failed, Verdict
from ..border.subject import LocalSubject, Stopped

REFERENCE, RELEASE = "reference", "release"
VERDICTS, SOURCES = pytest.StashKey[dict](), pytest.StashKey[dict]()


def pytest_addoption(parser):
    group = parser.getgroup("course")
    group.addoption("--subject", default=REFERENCE, metavar="reference|release|PATH",
                    help="what the hidden checks judge: the reference, the released notebooks, or a notebook or .py file")
    group.addoption("--subject-sandbox", default="bwrap", choices=("bwrap", "none"),
                    help="where a PATH runs; none: with your own rights, for code that you trust as your own")


def pytest_configure(config):
    config.stash[VERDICTS], config.stash[SOURCES] = {}, {}


def pytest_collection_modifyitems(config, items):
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


def is_check(item):
    return item.get_closest_marker("check") is not None


def notebook_of(item):
    return item.path.stem.removeprefix("test_")


# --- the subject ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def subject(request):
    """What is judged, as `grading.border.subject` spells out a subject."""
    chosen, notebook, root = request.config.getoption("subject"), notebook_of(request), request.path.parents[2]
    if chosen == REFERENCE:
        yield LocalSubject(vars(AnswerKey(root, notebook).reference))
        return
    from . import check
    from ..run.held import HELD
    from ..border.sandbox import Limits, SandboxUnavailable
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
def student(request, subject):
    """The newest definition of the check's function; grading also looks at older ones, and the best counts."""
    bench, exercise = request.config.stash[BENCH], request.node.get_closest_marker("check").kwargs["exercise"]
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
def pytest_runtest_makereport(item, call):
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


def in_words(item, error):
    check = item.get_closest_marker("check").kwargs
    lines = [f"{check['exercise']} {check['title']}" + (" (core)" if check["core"] else "")]
    if isinstance(error, Stopped):
        lines.append(f"  {error.reason}")
    elif error.error:
        lines.append(f"  {Gate(item.config.stash[SOURCES].get(notebook_of(item), {})).error_line(error.error)}")
    else:
        lines.append(f"  {error.said}")
    candidates = error.candidates if isinstance(error, Failed) else ()
    known = candidates[0] if len(candidates) == 1 else None
    lines.append(f"  Known mistake - {known.name}: {known.says}" if known else f"  Hint: {check['hint']}")
    return "\n".join(lines)


def keep(item, error):
    check = dict(item.get_closest_marker("check").kwargs)
    verdict = item.config.stash[VERDICTS].setdefault((notebook_of(item), check["exercise"]), Verdict(check.pop("exercise")))
    outcome = PASSED if error is None else FAILED if isinstance(error, Failed | Stopped) else NOT_RUN
    verdict.checks.append(CheckResult(item.name, outcome=outcome, error=getattr(error, "error", None), **check))


def pytest_terminal_summary(terminalreporter, config):
    verdicts = config.stash[VERDICTS]
    if not verdicts or config.getoption("subject") == REFERENCE:
        return
    terminalreporter.section(f"exercises, judged on: {config.getoption('subject')}")
    for (notebook, exercise), verdict in verdicts.items():
        terminalreporter.write_line(f"{verdict.fraction:5.0%} of {notebook} / {exercise}: {table.summary(verdict)}")
