"""What the tests share: a generated course, courses to work in, one sandbox, and skips that nobody can overlook."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from grading.border.sandbox import Limits, Sandbox, SandboxUnavailable
from grading.notebooks.submissions import hand_in

ROOT = Path(__file__).parents[1]
# What nbgrader's commands and our checks need of a checkout.
COURSE_ROOT = ["nbgrader_config.py", "grading", "reference_impl", "tests/hidden", "tests/misconceptions"]
ASSIGNMENTS = sorted(path.name for path in (ROOT / "source").iterdir() if path.is_dir())
# the same examples each time, no clock, nothing left on disk
hypothesis.settings.register_profile("course", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("course")
STUBS = ROOT / "tests" / "stubs"
SUBMISSIONS = ROOT / "tests" / "submissions"
SHORT = Limits(cell_seconds=3, call_seconds=2)      # a loop without end is one of the things that are tested
SHORT_LIMITS = [f"--Execute.limits={name}={value}" for name, value in (("cell_seconds", 3), ("call_seconds", 2))]


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

def run_together(commands):
    """Run nbgrader commands, each (arguments, folder), at the same time; the finished processes in that order.

    What each said is its `stdout`. Warnings of nbgrader's own dependencies are none of these tests' business.
    """
    running = [subprocess.Popen([sys.executable, "-m", "nbgrader", *map(str, arguments)], cwd=folder, text=True,
                                env={**os.environ, "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(STUBS)},
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for arguments, folder in commands]
    done = []
    for process in running:
        with process:
            said, _ = process.communicate()
        done.append(subprocess.CompletedProcess(process.args, process.returncode, said))
    return done


@pytest.fixture(scope="session")
def nbgrader():
    """Run `nbgrader *arguments` in the folder `cwd`; the finished process, with all that it said as `stdout`."""
    return lambda *arguments, cwd=ROOT: run_together([(arguments, cwd)])[0]


@pytest.fixture(scope="session")
def nbgrader_together():
    """`run_together`, for tests of several commands."""
    return run_together


def copy_course(folder, *assignments):
    """Lay out a course root in `folder` as on a fresh clone, with the sources of `assignments` only."""
    for name in COURSE_ROOT + [f"source/{name}" for name in assignments]:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """{assignment: course root in which `nbgrader generate_assignment` was run}. To be copied, not to be worked in.

    Each has its own source, release and gradebook, and the plug-in and configuration of this checkout.
    """
    folders = {name: copy_course(tmp_path_factory.mktemp(f"generated-{name}"), name) for name in ASSIGNMENTS}
    for name, process in zip(folders, run_together([(["generate_assignment", name], folder) for name, folder in folders.items()])):
        assert process.returncode == 0, f"nbgrader generate_assignment {name} failed:\n{process.stdout[-3000:]}"
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
    """Make a course root in which `assignment` was generated: `course_folder("ps1")`."""
    def make(assignment, name="course"):
        shutil.copytree(generated[assignment], tmp_path / name)
        return tmp_path / name
    return make


@pytest.fixture(scope="session")
def golden_class(generated, tmp_path_factory):
    """{assignment: (course folder, finished autograde)} after the golden submissions of each were graded in one run."""
    roots = {name: tmp_path_factory.mktemp(f"class-{name}") for name in ASSIGNMENTS}
    for name, root in roots.items():
        shutil.copytree(generated[name], root, dirs_exist_ok=True)
        for case in sorted(SUBMISSIONS.glob(f"{name}/*/due.json")):
            hand_in(case.parent, root / "release" / name, root / "submitted" / case.parent.name / name)
    done = run_together([(["autograde", name, *SHORT_LIMITS], root) for name, root in roots.items()])
    return {name: (roots[name], finished) for name, finished in zip(roots, done)}


# --- the sandbox ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def sandbox():
    """A warm sandbox with short limits, for tests marked `sandbox`."""
    warm = Sandbox(limits=SHORT)
    yield warm
    warm.close()
