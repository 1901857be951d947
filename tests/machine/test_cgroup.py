"""The cgroup of a sandbox: where the host offers one its limits hold for all processes together, and it goes with them."""

import os
import subprocess
import time
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from grading.border import cgroup
from grading.border.sandbox import Limits, Sandbox
from grading.border.subject import KernelSubject

SMALL = Limits(memory_bytes=200 * 2**20, processes=10, cell_seconds=20)
EVEN = Limits(memory_bytes=512 * 2**20, processes=16)
SLEEPERS = "import subprocess, sys\nfor number in range(40):\n    subprocess.Popen(['sleep', '60'])\n"

# eight processes that take 1.2 GB together, and none of them more than SMALL allows
EATERS = "import os, time\nfor number in range(3): os.fork()\nmemory = b'x' * 150_000_000\ntime.sleep(2)"


@pytest.fixture
def group():
    """A group with SMALL limits; skipped by name where the host offers none."""
    made = cgroup.make(SMALL)
    if made is None:
        pytest.skip("this host offers no cgroup v2 with memory and pids (it takes root, or systemd-run --user --scope)")
    yield made
    made.close()
    assert not made.folder.exists()


def test_places_are_groups_of_this_process_and_where_none_limits_nothing_is_left():
    before = {place: sorted(place.iterdir()) for place in cgroup.places()}
    made = cgroup.make(SMALL)
    if made:
        made.close()
    assert {place: sorted(place.iterdir()) for place in before} == before
    assert all((place / "cgroup.procs").exists() for place in before)


def test_processes_in_the_group_are_counted_together(group):
    done = subprocess.run(group.around(["python3", "-c", SLEEPERS]), capture_output=True, text=True)
    assert done.returncode != 0 and "BlockingIOError" in done.stderr
    assert subprocess.run(["python3", "-c", SLEEPERS.replace("60", "0.1")]).returncode == 0, "outside of it they all run"


def test_memory_in_the_group_is_counted_together(group):
    subprocess.run(group.around(["python3", "-c", EATERS]))
    assert "oom_kill 0" not in (group.folder / "memory.events").read_text()


@pytest.mark.sandbox
def test_a_sandbox_is_in_its_group_with_all_that_it_starts_and_takes_it_along(group):
    sandbox = Sandbox(limits=SMALL)
    subject = KernelSubject(sandbox)
    try:
        subject.run(0, "1 + 1")
        folder = sandbox.cgroup.folder
        assert len((folder / "cgroup.procs").read_text().split()) >= 4      # bubblewrap twice, server, monitor, kernel
        run = subject.run(1, "import os, time\nfor number in range(40):\n    if os.fork() == 0: time.sleep(30); os._exit(0)")
        assert "BlockingIOError" in str(run.outputs) or run.status != "ok"
    finally:
        subject.close()
        sandbox.close()
    time.sleep(0.1)
    assert not folder.exists()


def test_a_group_that_a_killed_grader_left_goes_with_the_next_run(tmp_path, monkeypatch):
    for name in ("grading-left", "grading-at-work/grader", "other"):
        (tmp_path / name).mkdir(parents=True)       # Linux removes no group in which there is something
    cgroup.sweep(tmp_path)
    assert (tmp_path / "grading-left").exists(), "another run has made it just now"
    monkeypatch.setattr(cgroup, "STALE_SECONDS", -1)
    cgroup.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grading-at-work", "other"]


# --- its parts, on any host -------------------------------------------------------------------------------------------

def test_a_group_has_half_a_gibibyte_and_sixteen_processes_more_than_the_submission_and_no_swap(tmp_path):
    group = cgroup.Cgroup(tmp_path, EVEN)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "memory.max": f"{2**30}\n", "pids.max": "32\n", "memory.swap.max": "0\n"}
    assert group.around(["bwrap", "x"]) == ["/bin/sh", "-c", 'echo 0 > "$0" && exec "$@"', f"{tmp_path}/cgroup.procs", "bwrap", "x"]
    (tmp_path / "memory.swap.max").unlink()
    (tmp_path / "memory.swap.max").mkdir()
    cgroup.Cgroup(tmp_path, SMALL)      # a host that counts no swap
    (tmp_path / "pids.max").unlink()
    (tmp_path / "pids.max").mkdir()
    with pytest.raises(OSError):
        cgroup.Cgroup(tmp_path, SMALL)


@pytest.mark.parametrize(("empty_at", "kills", "waited"), [(0, True, 0), (3, True, 3), (3, False, 3), (99, True, 20)])
def test_what_is_left_in_a_group_is_ended_and_two_seconds_are_waited_for_it_to_go(empty_at, kills, waited, monkeypatch):
    there, slept, clock, done = [True], [], [100.0], []

    def rmdir():
        if len(slept) < empty_at:
            raise OSError("busy")
        there.clear()

    def write(text):
        done.append(text)
        if not kills:
            raise OSError("an older Linux")
    group = cgroup.Cgroup.__new__(cgroup.Cgroup)
    group.folder = type("Folder", (), {"exists": lambda self: bool(there), "rmdir": lambda self: rmdir(),
                                       "__truediv__": lambda self, name: SimpleNamespace(write_text=write if name == "cgroup.kill" else None)})()

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += 0.1 if len(slept) < 20 else 99
    monkeypatch.setattr(cgroup, "time", SimpleNamespace(monotonic=lambda: round(clock[0], 3), sleep=sleep))
    group.close()
    assert done == ["1\n"] and slept == [0.01] * waited and bool(there) is (empty_at > 20)


def test_no_more_than_two_seconds_are_waited(monkeypatch):
    tried, clock = [], iter([5.0, 6.9, 7.0, 7.1])
    group = cgroup.Cgroup.__new__(cgroup.Cgroup)
    monkeypatch.setattr(cgroup.Cgroup, "write", lambda self, name, value: None)
    group.folder = SimpleNamespace(exists=lambda: True, rmdir=lambda: tried.append(1) or (_ for _ in ()).throw(OSError()))
    monkeypatch.setattr(cgroup, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda seconds: None))
    group.close()
    assert len(tried) == 1


def test_the_first_place_that_gives_a_group_with_both_limits_is_taken(tmp_path, monkeypatch):
    asked = []
    places = [tmp_path / name for name in ("locked", "busy", "free", "other")]
    for place in places[1:]:
        place.mkdir()

    def enable(place):
        asked.append(place.name)
        if place.name == "busy":
            raise OSError("it has processes")
    monkeypatch.setattr(cgroup, "places", lambda: places)
    monkeypatch.setattr(cgroup, "sweep", lambda place: asked.append(f"swept {place.name}"))
    monkeypatch.setattr(cgroup, "enable", enable)
    made = cgroup.make(SMALL)
    assert made.folder.parent == tmp_path / "free" and made.folder.name.startswith("grading-") and (made.folder / "pids.max").exists()
    assert asked == ["swept locked", "swept busy", "busy", "swept free", "free"] and not list((tmp_path / "busy").iterdir())
    monkeypatch.setattr(cgroup, "places", lambda: places[:2])
    assert cgroup.make(SMALL) is None


@pytest.mark.parametrize(("group", "scope", "due"), [("group", ("run",), "group"), ("group", (), "group"), (None, ("run",), ["run"]), (None, (), None)])
def test_systemd_is_asked_where_no_group_can_be_made(group, scope, due, monkeypatch):
    monkeypatch.setattr(cgroup, "make", lambda limits: group)
    monkeypatch.setattr(cgroup, "systemd", lambda: scope)
    made = cgroup.enclose(EVEN)
    if due != ["run"]:
        assert made is due
        return
    assert made.around(["bwrap"]) == ["run", "--property", f"MemoryMax={2**30}", "--property", "MemorySwapMax=0", "--property", "TasksMax=32", "--", "bwrap"]
    made.close()


def test_a_group_is_nobodys_after_a_minute(tmp_path, monkeypatch):
    (tmp_path / "grading-1").mkdir()
    born = (tmp_path / "grading-1").stat().st_ctime
    for age, left in ((-5, True), (60, True), (60.5, False)):      # clocks are set back
        monkeypatch.setattr(cgroup.time, "time", lambda age=age: born + age)
        cgroup.sweep(tmp_path)
        assert (tmp_path / "grading-1").exists() is left


MOUNTS = "22 1 0:21 / /proc rw - proc proc rw\n26 22 0:23 / {} rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(("mounts", "own", "due"), [
    (MOUNTS.format("/sys/fs/cgroup"), "0::/user/grader\n", ["user/grader", "user", ""]), (MOUNTS.format("/sys/fs/cgroup"), "1:cpu:/x\n0::/\n", [""]),
    (MOUNTS.format("/sys/fs/cgroup"), "0::/locked/grader\n", ["locked/grader", ""]), (MOUNTS.format("/sys/fs/cgroup"), "1:cpu:/x\n", []),
    ("22 1 0:21 / /proc rw - proc proc rw\n", "0::/\n", []), (MOUNTS.replace(" / {}", " /part {}").format("/sys/fs/cgroup"), "0::/\n", []), (None, "0::/\n", []), (MOUNTS.format("/sys/fs/cgroup") + MOUNTS.format("/other"), "0::/\n", [""])])
def test_places_are_the_own_group_and_those_above_that_may_be_written(mounts, own, due, monkeypatch):
    def read_text(path):
        if mounts is None:
            raise OSError
        return {"/proc/self/mountinfo": mounts, "/proc/self/cgroup": own}[str(path)]
    monkeypatch.setattr(cgroup.Path, "read_text", read_text)
    monkeypatch.setattr(cgroup.os, "access", lambda place, how: how == os.W_OK and place.name != "locked")
    assert cgroup.places() == [Path("/sys/fs/cgroup", place) for place in due]


@pytest.mark.parametrize(("there", "written"), [("cpu\n", "+memory +pids"), ("pids cpu\n", "+memory"), ("cpu pids memory\n", None)])
def test_what_limits_memory_and_processes_is_switched_on_once(there, written, tmp_path, monkeypatch):
    (tmp_path / "cgroup.subtree_control").write_text(there)
    cgroup.enable(tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == (written or there)


@pytest.mark.parametrize(("program", "booted", "bus", "user", "answer", "due"), [
    (None, True, True, 0, 0, ()), ("/bin/run", False, False, 0, 0, ()), ("/bin/run", True, False, 0, 0, ("/bin/run", "--scope", "--quiet", "--collect")),
    ("/bin/run", False, True, 1000, 0, ("/bin/run", "--user", "--scope", "--quiet", "--collect")), ("/bin/run", True, True, 0, 1, ()), ("/bin/run", True, True, 0, -9, ()),
    ("/bin/run", True, True, 0, OSError(), ()), ("/bin/run", True, True, 0, subprocess.TimeoutExpired("run", 5), ())])
def test_systemd_is_tried_with_limits_of_both_kinds(program, booted, bus, user, answer, due, monkeypatch):
    asked, numbers = [], count()

    def run(command, **options):
        asked.append((command, options))
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(returncode=answer)
    monkeypatch.setattr(cgroup.shutil, "which", {"systemd-run": program}.get)
    monkeypatch.setattr(cgroup.os.path, "isdir", lambda place: booted if place == "/run/systemd/system" else next(numbers))
    monkeypatch.setattr(cgroup.os, "geteuid", lambda: user)
    monkeypatch.setattr(cgroup.subprocess, "run", run)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x" if bus else "")
    assert cgroup.systemd.__wrapped__() == due
    for command, options in asked:
        start = [program, *["--user"] * bool(user), "--scope", "--quiet", "--collect"]
        assert command == [*start, "--property", "MemoryMax=1G", "--property", "TasksMax=64", "--", "/bin/sh", "-c", ":"]
        assert options == {"stdin": subprocess.DEVNULL, "capture_output": True, "timeout": 5}
    assert bool(asked) is bool(program and (booted or bus))


# --- by systemd ---------------------------------------------------------------------------------------------------

FAKE = """#!/bin/sh
echo "$@" >> {log}
while [ "$1" != "--" ]; do shift; done
shift
exec "$@"
"""


@pytest.fixture
def systemd_run(tmp_path, monkeypatch):
    """A host where systemd makes scopes for its users, and no group can be made by hand; what it was asked for."""
    program, log = tmp_path / "systemd-run", tmp_path / "log"
    program.write_text(FAKE.format(log=log))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setattr(cgroup, "make", lambda limits: None)
    cgroup.systemd.cache_clear()
    yield log
    cgroup.systemd.cache_clear()


@pytest.mark.sandbox
def test_where_systemd_runs_every_sandbox_starts_in_a_scope_with_its_limits(systemd_run):
    box = Sandbox(limits=SMALL)
    subject = KernelSubject(box)
    assert subject.run(0, "print(1)").status == "ok" and "a cgroup" in box.describe()
    subject.close()
    box.close()
    probe, asked = systemd_run.read_text().splitlines()
    assert f"MemoryMax={SMALL.memory_bytes + cgroup.OWN_BYTES}" in asked and "--scope" in asked
    assert f"TasksMax={SMALL.processes + cgroup.OWN_PROCESSES}" in asked and "MemorySwapMax=0" in asked
    assert ("--user" in asked) == (os.geteuid() != 0)


def test_a_systemd_that_refuses_is_not_asked_again_and_the_run_says_which_limits_hold(systemd_run, tmp_path):
    (tmp_path / "systemd-run").write_text("#!/bin/sh\nexit 1\n")
    assert cgroup.enclose(SMALL) is None and cgroup.enclose(SMALL) is None
    assert "a watch, ten times a second" in Sandbox(limits=SMALL).describe()
