"""`course watch` as it runs: a real exchange, real grading, and what is left when it is told to end, or is killed."""

import contextlib
import hashlib
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbgrader.utils import notebook_hash
from rich.console import Console

from grading.notebooks.submissions import hand_in
from grading.run.course import Course
from grading.watch.answer import WAITS
from grading.watch.bundles import Bundles
from grading.tools import watch as watching
from grading.watch.log import State, open_log
from grading.watch.renewal import Renewal
from tests.conftest import ROOT, SUBMISSIONS, most_in, points_due

pytestmark = pytest.mark.sandbox
PATIENCE = 240      # seconds for anything here: the machine may be busy


class Exchange:
    """A course with an exchange, and its watcher as a process of its own."""

    def __init__(self, root, tmp):
        self.root, self.tmp, self.place, self.process = root, tmp, root.parent / "exchange" / "gradients", None
        for name in ("inbound", "feedback"):
            (self.place / name).mkdir(parents=True)
        self.place.parent.chmod(0o777)
        self.set(f"c.Exchange.root = {str(self.place.parent)!r}\nc.Execute.limits = {{'cell_seconds': 20, 'submission_seconds': 30}}")
        tmp.mkdir()

    def set(self, lines):
        with open(self.root / "nbgrader_config.py", "a", encoding="utf-8") as file:
            file.write(f"\n{lines}\n")

    def what_it_said(self):
        return (self.root.parent / "said").read_text()

    def is_watching(self):
        return (self.place / "feedback" / ".watching").exists()

    def watch(self):
        self.said = open(self.root.parent / "said", "a+")
        self.process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "grading", "watch", "ps1", "--jobs", "1", "--course", self.root], cwd=ROOT,
                                        env={**os.environ, "TMPDIR": str(self.tmp)}, stdout=self.said, stderr=self.said)

    def submit(self, case, student="student-01"):
        """Hand in a golden submission as nbgrader does; the page that will be there."""
        folder = self.place / "inbound" / f"{student}+ps1+2026-03-01 10:00:00.000000 UTC+{secrets.token_hex(4)}"
        hand_in(SUBMISSIONS / "ps1" / case, self.root / "release" / "ps1", folder)
        secret = secrets.token_hex(64)
        (folder / "submission_secret.txt").write_text(secret)
        folder.chmod(0o777)
        return self.place / "feedback" / f"{notebook_hash(secret=secret, notebook_id='activations')}.html"

    def wait_for(self, true):
        until = time.monotonic() + PATIENCE
        while not true():
            assert self.process.poll() is None and time.monotonic() < until, self.what_it_said()[-3000:]
            time.sleep(0.05)

    def states(self):
        log = open_log(self.root)
        try:
            return {row.student: row.state for row in log.rows()} if log else {}
        finally:
            if log:
                log.close()

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        self.said.close()
        return self.process.returncode

    def kept(self):
        """What must stay as it is: the gradebook's bytes, and that there is nothing in the folders of grading."""
        return hashlib.sha256((self.root / "gradebook.db").read_bytes()).digest(), [
            str(path) for name in ("submitted", "autograded", "feedback") for path in (self.root / name).rglob("*")]


@pytest.fixture
def exchange(generated, tmp_path):
    root = shutil.copytree(generated["ps1"], tmp_path / "course")
    made = Exchange(root, tmp_path / "tmp")
    yield made
    if made.process and made.process.poll() is None:
        made.end(signal.SIGKILL)


# --- what is graded with, while others hold and change it -----------------------------------------------------------

HOLD = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("pragma cache_size = 1")     # what is half written reaches the disk
db.execute("begin exclusive")
if sys.argv[2] == "half written":
    db.execute("update assignment set name = 'nonsense'")
    db.execute("create table junk as select randomblob(1000000)")
print("held", flush=True)
time.sleep(600)
"""


@contextmanager
def held(database, how):
    """Somebody writes a database, and is killed at the end."""
    with subprocess.Popen([sys.executable, "-c", HOLD, database, how], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield
        finally:
            process.kill()


@pytest.fixture
def bundles(course_folder, monkeypatch):
    """Those of a course, looked at each time that they are asked for."""
    monkeypatch.setattr("grading.watch.bundles.LOOK_SECONDS", 0.0)
    made = Bundles(Course(course_folder("ps1")), ["ps1"], terse=True)
    assert made.refresh(1.0) is None and made.version == 1
    return made


@pytest.mark.parametrize("how", ["locked", "half written"])
def test_while_somebody_holds_the_gradebook_what_was_known_stays_in_use_and_killed_they_hold_up_nobody(how, bundles):
    database, known = Path(bundles.course.dir.root, "gradebook.db"), bundles.held["ps1"]
    with held(database, how):
        os.utime(database)
        assert "locked" in bundles.refresh(2.0) and "stay in use" in bundles.refresh(3.0)
        assert bundles.held["ps1"] is known
    before = database.read_bytes()
    assert Path(f"{database}-journal").exists() == (how == "half written")
    assert bundles.refresh(4.0) is None and bundles.version == 1
    again = Bundles(bundles.course, ["ps1"], terse=True)        # a watcher that starts now
    assert again.refresh(5.0) is None and again.held["ps1"] == known
    assert database.read_bytes() == before


def test_new_checks_are_taken_up_and_half_written_ones_are_not(bundles):
    checks = Path(bundles.course.dir.root, "tests", "hidden", "test_activations.py")
    known, text = bundles.held["ps1"], checks.read_text()
    checks.write_text(text + "\ndef test_relu_half(")
    said = bundles.refresh(2.0)
    assert "test_activations.py, line" in said and "stay in use" in said and bundles.held["ps1"] is known
    checks.write_text(text + "\nNEW = 1\n")
    assert bundles.refresh(3.0) is None and bundles.version == 2 and bundles.held["ps1"].digest != known.digest
    os.utime(checks)
    assert bundles.refresh(4.0) is None and bundles.version == 2       # the same checks are no new ones


def test_an_assignment_that_is_not_generated_yet_holds_up_no_other(bundles):
    for names in (["ps1", "ps9"], ["ps9", "ps1"]):
        both = Bundles(bundles.course, names, terse=True)
        assert "ps9: " in both.refresh(2.0) and "nothing is answered until" in both.refresh(3.0) and list(both.held) == ["ps1"]


def test_what_is_watched_by_name_has_to_be_there_before_a_watcher_starts_again(course_folder):
    trial = Renewal(course_folder("ps1"), "source", ["ps1", "ps9"]).try_it()
    try:
        trial.process.wait(PATIENCE)
        assert trial.is_over() and "There is no assignment ps9" in trial.trouble and "stay in use" in trial.trouble
    finally:
        trial.end()


def test_the_watcher_holds_up_nobody_who_writes_the_gradebook(bundles):
    with contextlib.closing(sqlite3.connect(Path(bundles.course.dir.root, "gradebook.db"), timeout=0, isolation_level=None)) as writer:
        os.utime(Path(bundles.course.dir.root, "gradebook.db"))
        for _ in range(2):
            writer.execute("begin exclusive")
            writer.execute("rollback")
            assert bundles.refresh(2.0) is None


def test_what_it_says_on_a_full_disk_is_lost_and_nothing_else(tmp_path, monkeypatch):
    class Full:
        encoding = "utf-8"
        def write(self, text):
            if "first" not in text and text.strip():
                raise OSError(28, "No space left on device")
        def flush(self):
            pass
    said = []

    class Watcher:
        def __init__(self, *about):
            self.say = about[4]
        def run(self, jobs):
            self.say("it goes on")
            said.append(jobs)
            return False
    place = SimpleNamespace(inbound=tmp_path / "first" / "inbound", open=lambda: None)
    place.inbound.mkdir(parents=True)
    tmp_path.chmod(0o1777)
    monkeypatch.setattr(watching, "course_to_watch", lambda root: (SimpleNamespace(execute=SimpleNamespace(sandbox="none")), SimpleNamespace(own=None, quiet_seconds=1)))
    monkeypatch.setattr(watching, "chosen", lambda course, names: ["ps1"])
    monkeypatch.setattr(watching, "Exchange", lambda *about: place)
    monkeypatch.setattr(watching, "Sandbox", lambda kind: SimpleNamespace(probe=lambda: None))
    monkeypatch.setattr(watching, "Watcher", Watcher)
    with contextlib.suppress(OSError):      # the last line has nobody to go on
        watching.watch(Console(file=Full(), width=200), None, [], 3)
    assert said == [3]


# --- systemd --------------------------------------------------------------------------------------------------------

@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed, which checks units: apt-get install systemd")
def test_systemd_understands_the_unit_wherever_the_course_lies(course_folder, tmp_path, monkeypatch):
    root = course_folder("ps1", "my $course 100%h")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(watching.subprocess, "run", lambda command, **options: subprocess.CompletedProcess(command, 1))
    options = {"jobs": 3, "folder": tmp_path / "drop it here", "pages": None}
    watching.install_service(console := Console(record=True, width=200, quiet=False, file=open(os.devnull, "w")), root, ["ps1"], options)
    console.file.close()
    unit, = (tmp_path / "config" / "systemd" / "user").iterdir()
    assert unit.name == "course-watch-gradients.service" and "systemctl --user enable --now course-watch-gradients.service" in console.export_text()
    assert '"ps1" "--jobs=3" "--folder=' in unit.read_text() and '/drop it here"\n' in unit.read_text() and "--pages" not in unit.read_text()
    (tmp_path / "wrong.service").write_text(unit.read_text().replace("100%%h", "100%!").replace("ExecStart", "ExecStrat"))
    monkeypatch.undo()
    assert verified(unit, tmp_path) == "" and "ExecStrat" in verified(tmp_path / "wrong.service", tmp_path)
    assert watching.word('a"b\\ $c 100%') == r'"a\"b\\ $$c 100%%"'


def verified(unit, tmp_path):
    """What systemd has to say against a unit."""
    return subprocess.run(["systemd-analyze", "verify", "--user", unit], env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
                          capture_output=True, text=True).stderr


# --- the whole of it ------------------------------------------------------------------------------------------------

def answered(page):
    """Whether there is more than a notice that the answer takes longer: on a busy machine any of them may."""
    return page.exists() and WAITS not in page.read_text()[:200]


def points_of(case):
    """What its page says of a golden submission."""
    return f"{points_due(SUBMISSIONS / 'ps1' / case):g} of {most_in():g} points"


def test_an_answer_comes_new_settings_are_taken_up_and_what_a_killed_watcher_left_is_done_by_the_next(exchange):
    kept = exchange.kept()
    exchange.watch()
    page = exchange.submit("derivative-at-y")
    exchange.wait_for(lambda: answered(page))
    text = page.read_text()
    assert "Official checks, before your instructor's final grading" in text and points_of("derivative-at-y") in text
    assert "evaluated at y instead of z" in text and "at worst" not in text
    exchange.set("c.Watch.show = 'points'")
    exchange.wait_for(lambda: "starting again" in exchange.what_it_said() and exchange.is_watching())
    page = exchange.submit("derivative-at-y", "student-04")
    exchange.wait_for(lambda: answered(page))
    assert f"{points_of('derivative-at-y')} so far" in page.read_text() and "evaluated at y" not in page.read_text()

    slow = exchange.submit("endless-loop", "student-02")
    exchange.wait_for(lambda: exchange.states().get("student-02") is State.WORKING)
    exchange.end(signal.SIGKILL)
    assert exchange.states() == {"student-01": State.ANSWERED, "student-04": State.ANSWERED, "student-02": State.WORKING}

    calm = exchange.submit("perfect-loops", "student-03")
    exchange.watch()
    exchange.wait_for(slow.exists)      # at first to say that it takes longer
    assert "takes longer" in slow.read_text()
    exchange.wait_for(lambda: answered(calm))
    assert points_of("perfect-loops") in calm.read_text()
    started = time.monotonic()
    assert exchange.end(signal.SIGTERM) == 0 and time.monotonic() - started < 60      # a loop at work or not: its limit is 60 s
    assert not list(exchange.tmp.iterdir()) and not exchange.is_watching()
    assert exchange.kept() == kept
