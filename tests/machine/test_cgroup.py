"""The cgroup of a sandbox: where the host offers one its limits hold for all processes together, and it goes with them."""

import os
import subprocess
import time

import pytest

from grading.border import cgroup
from grading.border.sandbox import Limits, Sandbox
from grading.border.subject import KernelSubject

SMALL = Limits(memory_bytes=200 * 2**20, processes=10, cell_seconds=20)
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
