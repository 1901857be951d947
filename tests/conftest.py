"""What the tests share: a generated course, courses to work in, one sandbox, and skips that nobody can overlook."""

import fcntl
import os
import pickle
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

import hypothesis
import nbformat
import pytest
from rich.console import Console

from grading.border.bounded import Overrun
from grading.border.sandbox import Limits, Sandbox, SandboxUnavailable
from grading.notebooks.cells import points_of
from grading.notebooks.submissions import due, hand_in
from grading.plugins import schema
from grading.tools import site as web

ROOT = Path(__file__).parents[1]
# What nbgrader's commands and our checks need of a checkout.
COURSE_ROOT = ["nbgrader_config.py", "grading", "reference_impl", "tests/hidden", "tests/misconceptions"]
ASSIGNMENTS = sorted(path.name for path in (ROOT / "source").iterdir() if path.is_dir())
# the same examples each time, no clock, nothing left on disk
hypothesis.settings.register_profile("course", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("course")
# `nbgrader db upgrade` calls alembic by name, and finds it beside Python only after an application of its own was initialised
os.environ["PATH"] = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
schema.install()        # a test needs a gradebook more often than a course
STUBS = ROOT / "tests" / "stubs"
REAPER = ROOT / "tests" / "machine" / "reaper.py"
SUBMISSIONS = ROOT / "tests" / "submissions"
# A loop without end is one of the things that are tested; the slowest right answer in plain loops has to fit in, too, on a
# machine whose cores are all busy with other tests: alone a call takes a quarter of a second at most, a picture two.
SHORTER = {"cell_seconds": 4, "call_seconds": 2}
SHORT = Limits(**SHORTER)
SHORT_LIMITS = [f"--Execute.limits={name}={value}" for name, value in SHORTER.items()]


def pytest_addoption(parser):
    parser.addoption("--whole", action="store_true", help="also what takes minutes and is proved in smaller by other tests.")


# --- what the course is --------------------------------------------------------------------------------------------

@cache
def points_in(assignment="ps1"):
    """{exercise: its points} of an assignment, in its order, as source/ has it."""
    return {exercise: points for path in sorted((ROOT / "source" / assignment).glob("*.ipynb"))
            for exercise, points in points_of(nbformat.read(path, as_version=4)).items()}


@cache
def most_in(assignment="ps1"):
    """All points of an assignment, those for its questions among them."""
    return sum(cell.metadata.get("nbgrader", {}).get("points", 0) for path in sorted((ROOT / "source" / assignment).glob("*.ipynb"))
               for cell in nbformat.read(path, as_version=4).cells)


def due_to(case, assignment=None):
    """What is due to a case of tests/submissions, a golden one's assignment being the folder that it lies in."""
    return due(case, ROOT / "source" / (assignment or case.parent.name))


def points_due(case, assignment=None):
    """How many points that is in all."""
    return sum(due_to(case, assignment).points.values())


# --- reports ------------------------------------------------------------------------------------------------------

@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable():
    """What a test said goes to the process that prints it as UTF-8; a file's name that is none would end this one."""
    return without_surrogates((yield))


def without_surrogates(data):
    if isinstance(data, str):
        return data.encode("utf-8", "backslashreplace").decode()
    if isinstance(data, dict):
        return {key: without_surrogates(value) for key, value in data.items()}
    return type(data)(map(without_surrogates, data)) if isinstance(data, (list, tuple)) else data


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


@pytest.hookimpl(trylast=True)      # after -m: a sandbox is started for tests that are left
def pytest_collection_modifyitems(config, items):
    for item in items if not config.getoption("--whole") else ():
        if item.get_closest_marker("whole"):
            item.add_marker(pytest.mark.skip(reason=f"takes minutes: pytest {item.nodeid.split('::')[0]} --whole"))
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

    What each said is its `stdout`; one that leaves a process fails. Warnings of nbgrader's own dependencies are none of
    these tests' business.
    """
    running = [subprocess.Popen([sys.executable, REAPER, sys.executable, "-m", "nbgrader", *map(str, arguments)], cwd=folder, text=True,
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


class Shared(dict):
    """{name: folder}, each made by `make(name, folder)` when it is first asked for, once for all processes of the session."""

    def __init__(self, tmp_path_factory, kind, make):
        base = tmp_path_factory.getbasetemp()
        self.base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        self.kind, self.make = kind, make

    def __missing__(self, name):
        folder = self.base / f"{self.kind}-{name}"
        made = folder.with_suffix(".made")
        with open(folder.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)       # of a process in which it failed
                folder.mkdir()
                self.make(name, folder)
                made.touch()
        self[name] = folder
        return folder


@pytest.fixture(scope="session")
def generated(tmp_path_factory):
    """{assignment: course root in which `nbgrader generate_assignment` was run}. To be copied, not to be worked in.

    Each has its own source, release and gradebook, and the plug-in and configuration of this checkout.
    """
    def make(name, folder):
        process, = run_together([(["generate_assignment", name], copy_course(folder, name))])
        assert process.returncode == 0, f"nbgrader generate_assignment {name} failed:\n{process.stdout[-3000:]}"
    return Shared(tmp_path_factory, "generated", make)


@pytest.fixture(scope="session")
def release(generated, tmp_path_factory):
    """A folder with the released assignments, as nbgrader generates them from source/ now."""
    folder = tmp_path_factory.mktemp("release")
    for name in ASSIGNMENTS:
        shutil.copytree(generated[name] / "release" / name, folder / name)
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
    def make(name, root):
        shutil.copytree(generated[name], root, dirs_exist_ok=True)
        for case in sorted(SUBMISSIONS.glob(f"{name}/*/due.json")):
            hand_in(case.parent, root / "release" / name, root / "submitted" / case.parent.name / name)
        finished, = run_together([(["autograde", name, *SHORT_LIMITS], root)])
        root.with_suffix(".autograde").write_bytes(pickle.dumps(finished))

    class Graded(Shared):
        def __missing__(self, name):
            root = super().__missing__(name)
            self[name] = root, pickle.loads(root.with_suffix(".autograde").read_bytes())
            return self[name]
    return Graded(tmp_path_factory, "class", make)


@pytest.fixture
def asked(monkeypatch):
    """Whatever is asked of the process that reads what others wrote takes too long: [for how many seconds it was asked]."""
    seconds_asked = []

    def too_long(*_, seconds):
        seconds_asked.append(seconds)
        raise Overrun(f"takes more than {seconds} seconds")
    monkeypatch.setattr("grading.border.bounded.bounded", too_long)
    return seconds_asked


# --- the web site -----------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the web site, built once. The lecture need not run for it: release/ has it, and a test holds that fresh."""
    if not (web.ENVIRONMENT / "ready").exists():
        pytest.skip("the site's environment is missing: run bin/site-setup")

    def make(_, folder):
        shutil.copytree(ROOT / "release" / "lecture", folder / "kept")
        web.build(Console(quiet=True), ROOT, folder / "site", kept=folder / "kept")
    return Shared(tmp_path_factory, "web", make)["site"] / "site"


# --- the sandbox ------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def sandbox():
    """A warm sandbox with short limits, for tests marked `sandbox`."""
    warm = Sandbox(limits=SHORT)
    yield warm
    warm.close()
