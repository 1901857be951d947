"""What the tests share: a generated course, courses to work in, one sandbox, and skips that nobody can overlook."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from grading.sandbox import Limits, Sandbox, SandboxUnavailable

ROOT = Path(__file__).parents[1]
ASSIGNMENTS = sorted(path.name for path in (ROOT / "source").iterdir() if path.is_dir())
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

def start_nbgrader(*arguments, cwd=ROOT):
    """Start an nbgrader command; warnings of nbgrader's own dependencies are none of these tests' business."""
    return subprocess.Popen([sys.executable, "-m", "nbgrader", *map(str, arguments)], cwd=cwd, text=True,
                            env={**os.environ, "PYTHONWARNINGS": "ignore"},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process):
    """The finished process with all that it said as `stdout`."""
    with process:
        said, _ = process.communicate(timeout=600)
    return subprocess.CompletedProcess(process.args, process.returncode, said)


@pytest.fixture(scope="session")
def nbgrader():
    """Run `nbgrader *arguments` in the folder `cwd`; the finished process, with all that it said as `stdout`."""
    return lambda *arguments, cwd=ROOT: finish(start_nbgrader(*arguments, cwd=cwd))


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """{assignment: course folder with its source, its release and its gradebook}. To be copied, not to be worked in."""
    folders = {name: tmp_path_factory.mktemp(f"generated-{name}") for name in ASSIGNMENTS}
    for name, folder in folders.items():
        shutil.copytree(ROOT / "source" / name, folder / "source" / name)
    running = {name: start_nbgrader("generate_assignment", name, f"--CourseDirectory.root={folder}")
               for name, folder in folders.items()}
    for name, process in running.items():
        done = finish(process)
        assert done.returncode == 0, f"nbgrader generate_assignment {name} failed:\n{done.stdout[-3000:]}"
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
