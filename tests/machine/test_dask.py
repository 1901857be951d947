"""`course grade --scheduler`: a real scheduler with workers that know nothing of the course folder."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import dask
import distributed
import pytest
from classes import SLEEPY, configure, course_grade, differences, graded, rows, submit, submit_text

from grading.run.course import CourseError

ROOT = Path(__file__).parents[2]
LOOPBACK = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]


@pytest.fixture(scope="module")
def scheduler():
    """The address of a scheduler with three worker processes; they run elsewhere and can import `grading`, no more."""
    place = Path(tempfile.mkdtemp(prefix="t-"))
    file, log = place / "scheduler.json", open(place / "log", "w")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "TMPDIR": str(place)}

    def start(*command):
        return subprocess.Popen([sys.executable, "-m", "distributed.cli." + command[0], *LOOPBACK, *command[1:],
                                 "--scheduler-file", str(file)], cwd=place, env=environment, stdout=log, stderr=log)

    processes = [start("dask_scheduler", "--port", "0"),
                 start("dask_worker", "--nworkers", "3", "--nthreads", "1", "--local-directory", str(place))]
    try:
        while not file.exists():
            assert processes[0].poll() is None, (place / "log").read_text()
            time.sleep(0.05)
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(3, timeout=120)
            address = client.scheduler.address
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(60)
        log.close()
        shutil.rmtree(place, True)      # Dask may kill a worker that is slow to end, before it has removed its folders


@pytest.fixture
def course(course_folder):
    return configure(course_folder("ps1"))


@pytest.mark.sandbox
def test_the_results_are_those_of_local_processes(course, scheduler):
    for case in ("half-finished", "kernel-killed"):
        submit(course, case, case, "2026-03-01 12:00:00 UTC")
    local = shutil.copytree(course, course.with_name("local"))
    status, said = course_grade(course, scheduler=scheduler)
    assert status == 0, said
    assert course_grade(local, fork=False)[0] == 0      # Dask's threads are at work here
    assert rows(course) == rows(local)
    assert differences(course, local) == []


@pytest.mark.sandbox
def test_a_worker_that_is_killed_costs_a_retry_only(course, scheduler):
    for number in range(9):
        submit_text(course, f"s{number}", SLEEPY.format(seconds=0.5))

    def kill_one():
        with distributed.Client(scheduler, set_as_default=False) as client:
            victim = min(client.run(os.getpid).values())
        while not graded(course):
            time.sleep(0.02)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    status, said = course_grade(course, scheduler=scheduler)
    killer.join()
    assert status == 0, said
    assert len(graded(course)) == 9
    assert len([row for row in rows(course) if row[0] == "submission"]) == 9


def test_a_scheduler_that_does_not_answer_is_named(course):
    submit(course, "student-01", "blank")
    with dask.config.set({"distributed.comm.timeouts.connect": "200ms"}):
        with pytest.raises(CourseError, match="127.0.0.1:9 did not answer"):
            course_grade(course, scheduler="tcp://127.0.0.1:9")
    assert graded(course) == []
