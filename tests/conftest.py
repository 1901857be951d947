"""What the tests share: a generated course, courses to work in, one sandbox, and skips that nobody can overlook."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from grading.sandbox import Limits, Sandbox, SandboxUnavailable

ROOT = Path(__file__).parents[1]
ASSIGNMENTS = sorted(path.name for path in (ROOT / "source").iterdir() if path.is_dir())
# the same examples each time, no clock, nothing left on disk
hypothesis.settings.register_profile("course", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("course")
SHORT = Limits(cell_seconds=3, call_seconds=2)      # a loop without end is one of the things that are tested


# --- skipped by name where no sandbox can be had ----------------------------------------------------------------

@cache
def trouble_with_sandbox():
    """Why no sandbox can be had here, in one line; None if one starts."""
    sandbox = Sandbox()
    try:
        sandbox.start()
        return None
    except SandboxUnavailable as error:
        return str(error).splitlines()[0]
    finally:
        sandbox.close()


def pytest_collection_modifyitems(items):
    marked = [item for item in items if item.get_closest_marker("sandbox")]
    if marked and (trouble := trouble_with_sandbox()):
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=f"no sandbox: {trouble}"))


def pytest_terminal_summary(terminalreporter):
    """Count what was skipped, by reason, and name each test: pytest's own summary folds them into one line."""
    reasons = {}
    for report in terminalreporter.stats.get("skipped", ()):
        if isinstance(report.longrepr, tuple):
            reasons.setdefault(report.longrepr[2].removeprefix("Skipped: "), []).append(report.nodeid)
    for reason, names in reasons.items():
        terminalreporter.section(f"{len(names)} tests were skipped")
        terminalreporter.line(f"Reason: {reason}")
        for name in names:
            terminalreporter.line(f"  {name}")


# --- nbgrader ---------------------------------------------------------------------------------------------------

def run_together(commands, cwd=ROOT):
    """Run several nbgrader commands (lists of arguments) at the same time; the finished processes in that order.

    What each said is its `stdout`. Warnings of nbgrader's own dependencies are none of these tests' business.
    """
    running = [subprocess.Popen([sys.executable, "-m", "nbgrader", *map(str, arguments)], cwd=cwd, text=True,
                                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for arguments in commands]
    done = []
    for process in running:
        with process:
            said, _ = process.communicate()
        done.append(subprocess.CompletedProcess(process.args, process.returncode, said))
    return done


@pytest.fixture(scope="session")
def nbgrader():
    """Run `nbgrader *arguments` in the folder `cwd`; the finished process, with all that it said as `stdout`."""
    return lambda *arguments, cwd=ROOT: run_together([arguments], cwd)[0]


@pytest.fixture(scope="session")
def nbgrader_together():
    """`run_together`, for tests of several commands."""
    return run_together


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """{assignment: course folder with its source, its release and its gradebook}. To be copied, not to be worked in."""
    folders = {name: tmp_path_factory.mktemp(f"generated-{name}") for name in ASSIGNMENTS}
    for name, folder in folders.items():
        shutil.copytree(ROOT / "source" / name, folder / "source" / name)
    done = run_together([["generate_assignment", name, f"--CourseDirectory.root={folder}"]
                         for name, folder in folders.items()])
    for process in done:
        assert process.returncode == 0, process.stdout[-3000:]
    return folders


@pytest.fixture(scope="session")
def release(generated, tmp_path_factory):
    """A folder with the released assignments, as nbgrader generates them from source/ now."""
    folder = tmp_path_factory.mktemp("release")
    for name, course in generated.items():
        shutil.copytree(course / "release" / name, folder / name)
    return folder


@pytest.fixture
def course_folder(generated, tmp_path):
    """Make a course folder in which `assignment` was generated: `course_folder("ps1")`."""
    def make(assignment, name="course"):
        shutil.copytree(generated[assignment], tmp_path / name)
        return tmp_path / name
    return make


# --- the sandbox ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def sandbox():
    """A warm sandbox with short limits, for tests marked `sandbox`."""
    warm = Sandbox(limits=SHORT)
    yield warm
    warm.close()
