"""`course watch` as it runs: a real exchange, real grading, and what is left when it is told to end, or is killed."""

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time

import pytest
from nbgrader.utils import notebook_hash

from grading.notebooks.submissions import hand_in
from grading.watch.answer import WAITS
from grading.watch.log import State, open_log
from tests.conftest import ROOT, SUBMISSIONS

pytestmark = pytest.mark.sandbox
PATIENCE = 240      # seconds for anything here: the machine may be busy


class Exchange:
    """A course with an exchange, and its watcher as a process of its own."""

    def __init__(self, root, tmp):
        self.root, self.tmp, self.place, self.process = root, tmp, root.parent / "exchange" / "gradients", None
        for name in ("inbound", "feedback"):
            (self.place / name).mkdir(parents=True)
        self.place.parent.chmod(0o777)
        with open(root / "nbgrader_config.py", "a", encoding="utf-8") as file:
            file.write(f"\nc.Exchange.root = {str(self.place.parent)!r}\nc.Execute.limits = {{'cell_seconds': 20, 'submission_seconds': 30}}\n")
        tmp.mkdir()

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
            assert self.process.poll() is None and time.monotonic() < until, (self.root.parent / "said").read_text()[-3000:]
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


def answered(page):
    """Whether there is more than a notice that the answer takes longer: on a busy machine any of them may."""
    return page.exists() and WAITS not in page.read_text()[:200]


def test_an_answer_comes_and_what_a_killed_watcher_left_is_done_by_the_next(exchange):
    kept = exchange.kept()
    exchange.watch()
    page = exchange.submit("derivative-at-y")
    exchange.wait_for(lambda: answered(page))
    text = page.read_text()
    assert "Official checks, before your instructor's final grading" in text and "10 of 25 points" in text
    assert "evaluated at y instead of z" in text and "at worst" not in text
    slow = exchange.submit("endless-loop", "student-02")
    exchange.wait_for(lambda: exchange.states().get("student-02") is State.WORKING)
    exchange.end(signal.SIGKILL)
    assert exchange.states() == {"student-01": State.ANSWERED, "student-02": State.WORKING}

    calm = exchange.submit("perfect-loops", "student-03")
    exchange.watch()
    exchange.wait_for(slow.exists)      # at first to say that it takes longer
    assert "takes longer" in slow.read_text()
    exchange.wait_for(lambda: answered(calm))
    assert "20 of 25 points" in calm.read_text()
    started = time.monotonic()
    assert exchange.end(signal.SIGTERM) == 0 and time.monotonic() - started < 60      # a loop at work or not: its limit is 60 s
    assert not list(exchange.tmp.iterdir()) and not (exchange.place / "feedback" / ".watching").exists()
    assert exchange.kept() == kept
