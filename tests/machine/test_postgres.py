"""A gradebook on a real PostgreSQL server: nbgrader and `course grade` write the same rows as on SQLite."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from classes import configure, course_grade, rows, submit
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from grading.run.course import Course


def programs():
    """The folder with `initdb` and `postgres`, or None."""
    found = shutil.which("initdb")
    places = [*([Path(found).resolve().parent] if found else []), *sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    return next((place for place in reversed(places) if (place / "postgres").exists()), None)


@pytest.fixture(scope="module")
def server():
    """The URL of a new server that listens on a unix socket only; it does not run as root."""
    if programs() is None:
        pytest.skip("no PostgreSQL server; install one with: apt-get install postgresql")
    user = "postgres" if os.geteuid() == 0 else None
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    if user:
        shutil.chown(place, user)
    name = user or pwd.getpwuid(os.geteuid()).pw_name
    quiet = {"user": user, "cwd": place, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = None
    try:
        subprocess.run([programs() / "initdb", "-D", place / "data", "-A", "trust", "-U", name, "--no-sync"], check=True,
                       env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}, **quiet)
        process = subprocess.Popen([programs() / "postgres", "-D", place / "data", "-k", place, "-c", "listen_addresses=",
                                    "-c", "fsync=off"], **quiet)
        url = f"postgresql+psycopg://{name}@/postgres?host={place}"
        await_answer(url, process)
        yield url
    finally:
        if process:
            process.terminate()
            process.wait(60)
        shutil.rmtree(place, ignore_errors=True)


def await_answer(url, process):
    engine = create_engine(url)
    while True:
        try:
            engine.connect().close()
            break
        except OperationalError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
    engine.dispose()


@pytest.mark.sandbox
def test_a_class_is_graded_into_postgresql(server, course_folder, nbgrader):
    sqlite = configure(course_folder("ps1", "sqlite"))
    course = configure(course_folder("ps1", "postgresql"), f"c.CourseDirectory.db_url = '{server}'")
    (course / "gradebook.db").unlink()
    done = nbgrader("generate_assignment", "ps1", "--force", cwd=course)
    assert done.returncode == 0, done.stdout[-3000:]
    for root in (sqlite, course):
        submit(root, "student-01", "perfect-vectorised", "2026-03-01 12:00:00 UTC")
        submit(root, "student-02", "half-finished", "2026-03-01 12:00:00 UTC")
    assert Course(course).dir.db_url == server
    assert course_grade(course)[0] == course_grade(sqlite)[0] == 0
    assert rows(server) == rows(sqlite)
    before = rows(server)
    done = nbgrader("autograde", "ps1", "--force", cwd=course)
    assert done.returncode == 0, done.stdout[-3000:]
    assert rows(server) == before, "nbgrader finds and writes the same rows"
    assert course_grade(course, force=True)[0] == 0
    assert rows(server) == before
    assert not (course / "gradebook.db").exists()
