"""Answers while students wait: what is taken for a submission, who is next, how often, what is kept, and what a fault costs."""

import contextlib
import errno
import itertools
import os
import pwd
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import unicodedata
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import tasks
from nbgrader.api import Gradebook
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.coursedir import CourseDirectory
from traitlets import TraitError
from traitlets.config import Config

from grading.checks.gate import Gate
from grading.checks.table import as_html, as_text
from grading.checks.verdict import FAILED, PASSED, CheckResult, Verdict
from grading.border.bounded import Overrun
from grading.border.subject import StudentError
from grading.lms import archives
from grading.lms.people import Known
from grading.notebooks import archives as zips, exchange
from grading.notebooks.folders import MOST_LISTED
from grading.notebooks.intake import Refusal
from grading.plugins import placing
from grading.plugins.placing import PREVIEW, place_preview
from grading.plugins.release_feedback import notebooks_in, pages_for
from grading.run.batch import Submission
from grading.root import CourseError
from grading.run.pool import Lost
from grading.tools import report

from grading.watch import inbox, renewal as renewals, service
from grading.watch.answer import WAITS, Answer, as_preview, cpu_seconds, digest_of, notice, under_their_names
from grading.watch.bundles import for_reading
from grading.watch.stamps import stamps
from grading.watch.crew import Crew, wait
from grading.watch.drop import Drop, holds_a_file
from grading.watch.exchange import Exchange, in_turns
from grading.watch.history import hurdles, ways
from grading.watch.inbox import Refused, is_complete, read_entry, secret_of
from grading.watch.limits import HOUR, Policy
from grading.watch.log import Log, State, open_log, reading, receipts
from grading.watch.queue import Entry, in_order, superseded
from grading.watch.renewal import Renewal
from grading.watch.service import Watcher
from grading.watch.settings import Watch

STAMP = "2026-03-01 10:00:00.000000 UTC"
SECRET = "ab" * 64


# --- what is a submission -------------------------------------------------------------------------------------------

def hand_in(inbound, student="student-01", assignment="ps1", stamp=STAMP, mark="a", mode=0o777, secret=SECRET):
    folder = inbound / f"{student}+{assignment}+{stamp}+{mark}"
    folder.mkdir(parents=True)
    (folder / "activations.ipynb").write_text("{}")
    if secret is not None:
        (folder / "submission_secret.txt").write_text(secret)
    folder.chmod(mode)
    return folder


def test_a_submission_is_read_from_its_name(tmp_path):
    folder = hand_in(tmp_path)
    one = read_entry(tmp_path, folder.name, ["ps1"])
    assert (one.student, one.assignment, one.claimed) == ("student-01", "ps1", 1772359200.0)
    assert read_entry(tmp_path, folder.name, ["ps2"]) is None
    name = hand_in(tmp_path, student="someone+course@example.org").name
    assert read_entry(tmp_path, name, ["ps1"]).student == "someone+course@example.org" and read_entry(tmp_path, name, ["ps2"]) is None
    names = [hand_in(tmp_path, student=unicodedata.normalize(form, "student-\xe9")).name for form in ("NFC", "NFD")]
    assert len(set(names)) == 2 and {read_entry(tmp_path, name, ["ps1"]).student for name in names} == {"student-\xe9"}


@pytest.mark.parametrize("name", [
    "junk", "student-01+ps1", "+ps1+" + STAMP, "student-01+ps1+garbage", "student-01+ps1++", f"../x+ps1+{STAMP}", f"a<b+ps1+{STAMP}+r",
    f"a\nb+ps1+{STAMP}+r", f"a+ps1+{STAMP}+\nr", f"a+ps1+{STAMP}+\udcff", "x" * 200 + f"+ps1+{STAMP}+r", "student-01+ps1+2026-03-01 10:00:00 /etc/passwd"])
def test_junk_names_are_refused(name, tmp_path):
    with pytest.raises(Refused):
        read_entry(tmp_path, name, ["ps1"])


def listen(path):
    with socket.socket(socket.AF_UNIX) as one, contextlib.chdir(path.parent):      # a socket's address is short
        one.bind(path.name)


@pytest.mark.parametrize("make", [
    lambda path, target: path.write_text(""), lambda path, target: path.symlink_to(target), lambda path, target: os.mkfifo(path),
    lambda path, target: path.symlink_to(path.name), lambda path, target: listen(path)], ids=["file", "link", "pipe", "link to itself", "socket"])
def test_what_is_no_folder_is_refused(make, tmp_path):
    real = hand_in(tmp_path)
    path = tmp_path / f"student-02+ps1+{STAMP}+b"
    make(path, real)
    with pytest.raises(Refused):
        read_entry(tmp_path, path.name, ["ps1"])


def test_a_borrowed_name_is_refused_where_users_have_accounts(tmp_path, monkeypatch):
    folder = hand_in(tmp_path, student="nobody-of-that-name")
    assert read_entry(tmp_path, folder.name, ["ps1"])
    with pytest.raises(Refused, match="does not belong to the user"):
        read_entry(tmp_path, folder.name, ["ps1"], own=True)
    folder = hand_in(tmp_path, student="daemon")
    assert read_entry(tmp_path, folder.name, ["ps1"])       # it is ours: staff put it there
    monkeypatch.setattr(exchange, "uid_of", lambda path: 4_000_000)
    with pytest.raises(Refused, match=r"does not belong to the user.*c\.Watch\.own = False"):
        read_entry(tmp_path, folder.name, ["ps1"])
    assert read_entry(tmp_path, folder.name, ["ps1"], own=False)
    monkeypatch.setattr(exchange, "uid_of", lambda path: pwd.getpwnam("daemon").pw_uid)
    assert read_entry(tmp_path, folder.name, ["ps1"])


@pytest.mark.parametrize(("mode", "secret", "now", "whole"), [
    (0o777, SECRET, 0, True), (0o755, SECRET, 0, False), (0o777, SECRET[:-1], 0, False), (0o777, None, 0, False),
    (0o777, "g" * 128, 0, False), (0o755, SECRET, 60, True), (0o755, None, 60, True)])
def test_complete_is_what_the_exchange_finished_or_what_nobody_touches(mode, secret, now, whole, tmp_path):
    folder = hand_in(tmp_path, mode=mode, secret=secret)
    assert is_complete(folder, time.time() + now, quiet=10) == whole


def test_a_folder_that_is_its_owners_alone_while_it_is_copied_is_not_complete(tmp_path, monkeypatch):
    def closed(folder):
        raise PermissionError(errno.EACCES, "Permission denied")
    folder = hand_in(tmp_path, mode=0o700, secret=None)
    monkeypatch.setattr(os, "scandir", closed)
    assert not is_complete(folder, time.time(), quiet=10) and is_complete(folder, time.time() + 60, quiet=10)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.symlink_to("/etc/hostname"), os.mkfifo, lambda path: path.write_text("x" * 128)],
                         ids=["none", "link", "pipe", "not one"])
def test_without_a_secret_of_the_exchange_no_page_could_arrive(make, tmp_path):
    folder = hand_in(tmp_path, secret=None)
    make(folder / "submission_secret.txt")
    with pytest.raises(Refused, match=r"submission_secret\.txt"):
        secret_of(folder)


# --- how often ------------------------------------------------------------------------------------------------------

def test_the_first_answers_are_free_then_waits_grow_up_to_the_most():
    policy, given, now, waits = Policy(), [], 1e9, []
    for _ in range(10):
        due = policy.due(given, now)
        waits.append(max(0, due - now))
        now = max(now, due)
        given.append(now)
    assert waits == [0, 0, 0, 60, 120, 300, 600, 1200, 1800, 3600]
    assert policy.due(given, now) == given[0] + 24 * HOUR and policy.left(given, now) == 0


def test_what_is_older_than_the_hours_that_count_does_not():
    assert Policy().due([0.0] * 20, 25 * HOUR) == 25 * HOUR
    assert Policy(answers=0).due([], 5.0) == float("inf")


def test_an_answer_that_was_given_while_the_clock_was_ahead_counts_no_more():
    assert Policy().due([1e9 + 365 * 24 * HOUR] * 20, 1e9) == 1e9 and Policy().left([1e9 + HOUR] * 20, 1e9) == 10


def test_single_students_may_have_other_limits_and_nothing_else():
    settings = Watch(config=Config({"Watch": {"exceptions": {"student-01": {"answers": 20}}, "free": 1}}))
    assert (settings.policy("student-01").answers, settings.policy("student-02").answers, settings.policy("student-01").free) == (20, 10, 1)
    with pytest.raises(TraitError, match="answers"):
        Watch(config=Config({"Watch": {"exceptions": {"student-01": {"answer": 20}}}}))
    for wrong in ({"answers": "20"}, {"hours": 0}, {"waits": [-1.0]}, {"free": None}):
        with pytest.raises(TraitError, match=r"exceptions\['student-01'\]"):
            Watch(exceptions={"student-01": wrong})


# --- who is next ----------------------------------------------------------------------------------------------------

def entry(name, student="student-01", seen=0.0, **more):
    return Entry(name, student, more.pop("assignment", "ps1"), seen, 0.0, **more)


def test_a_newer_submission_replaces_an_older_one_of_the_same_assignment():
    waiting = [entry("old", seen=1), entry("new", seen=2), entry("other", seen=1, assignment="ps2"), entry("b", "student-02", seen=0)]
    assert [one.name for one in superseded(waiting)] == ["old"]


def test_least_work_in_the_last_hour_comes_first_and_one_at_a_time():
    waiting = [entry("a", "busy", 0), entry("b", "much", 1), entry("c", "little", 2), entry("d", "late", 3, due=99.0),
               entry("e", "new", 4), entry("f", "slow", 0, slow=True)]
    turn = in_order(waiting, {"much": 100.0, "little": 5.0}, now=50.0, busy={"busy"})
    assert [one.name for one in turn] == ["e", "c", "b"]
    assert [one.name for one in in_order(waiting, {}, 50.0, slow=True)] == ["f"]


# --- the log --------------------------------------------------------------------------------------------------------

@pytest.fixture
def log(tmp_path):
    log = Log(tmp_path)
    yield log
    log.close()


def test_the_log_is_private_and_can_be_read_while_it_is_written(log, tmp_path):
    log.begin_run(0.0)
    log.add("a", "student-01", "ps1", 0.0, 5.0, 5.0, State.WAITING)
    other = open_log(tmp_path)
    with log.together():
        log.set("a", State.ANSWERED, 7.0, points=3.5, checks={"x": [1, 2]})
        assert [row.state for row in other.rows()] == [State.WAITING]
    row, = other.rows()
    other.close()
    assert (row.state, row.points, row.checks, row.slow) == (State.ANSWERED, 3.5, {"x": [1, 2]}, False)
    assert stat.S_IMODE((tmp_path / ".watch").stat().st_mode) == 0o700 and stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_what_was_at_work_when_a_watcher_was_killed_waits_again(log):
    log.begin_run(0.0)
    log.add("a", "student-01", "ps1", 0.0, 5.0, 5.0, State.WAITING)
    log.set("a", State.WORKING, 6.0)
    log.begin_run(10.0)
    assert log.rows()[0].state is State.WAITING


def test_a_failure_of_ours_costs_no_attempt(log):
    for name, state in (("a", State.ANSWERED), ("b", State.FAILED), ("c", State.SUPERSEDED), ("d", State.STANDS)):
        log.add(name, "student-01", "ps1", 0.0, 5.0, 5.0, State.WAITING)
        log.set(name, state, 6.0)
    log.count_attempt("student-01", "ps1", 6.0)
    assert log.answered("student-01", "ps1", 0.0) == [6.0]


def test_a_log_that_is_none_any_more_is_named_with_the_remedy(tmp_path):
    Log(tmp_path).close()
    (tmp_path / ".watch" / "log.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(CourseError, match="move it away"):
        service.readable_log(str(tmp_path))


@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(b"no database" * 1000), lambda path: path.write_bytes(path.read_bytes()[:5000]),
    lambda path: sqlite3.connect(path).execute("alter table submissions drop column seconds").connection.close()], ids=["other", "cut", "older"])
def test_who_only_reads_a_spoiled_log_is_told_what_to_do(spoil, tmp_path):
    Log(tmp_path).close()
    spoil(tmp_path / ".watch" / "log.sqlite")
    with pytest.raises(CourseError, match=r"log\.sqlite cannot be used: .* move it away"), reading(tmp_path):
        pass


def test_a_log_that_is_spoiled_inside_or_of_a_later_version_is_read_or_refused_in_a_sentence(tmp_path):
    log = Log(tmp_path)
    log.db.execute("alter table submissions add column more text")
    with reading(tmp_path) as there:
        assert there.rows() == []
    log.close()
    with pytest.raises(CourseError, match="move it away"), reading(tmp_path):
        raise sqlite3.DatabaseError("database disk image is malformed")


def test_a_course_without_a_watcher_has_no_log(tmp_path):
    (tmp_path / ".watch").mkdir()
    (tmp_path / ".watch" / "log.sqlite").touch()        # the first one is about to begin
    assert open_log(tmp_path) is None
    (tmp_path / ".watch" / "log.sqlite").unlink()
    assert open_log(tmp_path) is None and not list(tmp_path.rglob("log*"))


@pytest.mark.parametrize(("claimed", "watching_since", "changed", "replaced", "said"), [
    (11.9, 0, 16.6, None, "claims 1970-01-01 11:54 UTC, first seen 1970-01-01 16:36 UTC"),
    (11.9, 16.59, 11.9, None, None),                        # there before the watcher was
    (11.9, 16.59, 15.0, None, "first seen 1970-01-01 15:00"),      # but changed after the deadline, says the kernel
    (11.9, 0, 11.9, 13.0, "replaced after the deadline, 1970-01-01 13:00 UTC"), (12.5, 0, 12.5, None, None)])
def test_the_log_is_an_honest_receipt(log, claimed, watching_since, changed, replaced, said):
    log.begin_run(watching_since * HOUR)
    log.still_here(17 * HOUR)
    first_seen = 16.6 if replaced is None and claimed < 12 else claimed
    log.add("a", "student-01", "ps1", claimed * HOUR, first_seen * HOUR, changed * HOUR, State.ANSWERED)
    if replaced:
        log.set("a", State.ANSWERED, 0.0, replaced=replaced * HOUR)
    found = receipts(log, "ps1", lambda student: 12 * HOUR).get("student-01", [])
    assert [said in line for line in found] == ([True] if said else [])


def test_what_the_watcher_did_not_answer_and_collect_would_take_is_in_the_receipt(log):
    log.begin_run(0.0)
    log.still_here(17 * HOUR)
    log.add("a", "student-01", "ps1", 11.9 * HOUR, 16.6 * HOUR, 16.6 * HOUR, State.REFUSED, "has no submission_secret.txt")
    for name, claimed in (("b", 11.0), ("c", 11.5)):
        log.add(name, "student-02", "ps1", claimed * HOUR, claimed * HOUR, claimed * HOUR, State.STANDS)
        log.set(name, State.STANDS, 0.0, replaced=13 * HOUR)
    assert receipts(log, "ps1", lambda student: 12 * HOUR) == {
        "student-01": ["claims 1970-01-01 11:54 UTC, first seen 1970-01-01 16:36 UTC"],
        "student-02": ["touched after the deadline, 1970-01-01 13:00 UTC"]}


# --- pages ----------------------------------------------------------------------------------------------------------

FINAL, FIRST, SECOND = b'<!DOCTYPE html>\n<html lang="en">final', notice("ps1", "one"), notice("ps1", "two")


def test_a_preview_is_replaced_by_a_preview_and_by_the_final_page_which_stays(tmp_path):
    assert place_preview(FIRST, tmp_path, "x.html") and place_preview(SECOND, tmp_path, "x.html")
    assert (tmp_path / "x.html").read_bytes() == SECOND
    (tmp_path / "x.html").write_bytes(FINAL)
    assert not place_preview(FIRST, tmp_path, "x.html") and (tmp_path / "x.html").read_bytes() == FINAL
    assert sorted(path.name for path in tmp_path.iterdir()) == [placing.LOCK, "x.html"]


def test_one_page_under_many_names_is_on_the_disk_once(tmp_path):
    names = [f"{number}.html" for number in range(40)]
    (tmp_path / "7.html").write_bytes(FINAL)
    assert not place_preview(FIRST, tmp_path, *names, "8.html") and not place_preview(SECOND, tmp_path, *names)
    assert (tmp_path / "7.html").read_bytes() == FINAL and len({path.stat().st_ino for path in tmp_path.glob("*.html")}) == 2
    assert (tmp_path / "8.html").read_bytes() == SECOND and not list(tmp_path.glob(".*.new"))


@pytest.mark.parametrize(("folder", "lock"), [(0o711, 0o600), (0o2775, 0o660)])
def test_the_lock_of_the_pages_is_for_those_who_may_write_there(folder, lock, tmp_path):
    (tmp_path / placing.LOCK).touch(0o664)
    tmp_path.chmod(folder)
    with placing.placing(tmp_path):
        assert stat.S_IMODE((tmp_path / placing.LOCK).stat().st_mode) == lock


def test_a_final_page_that_comes_while_a_preview_is_placed_stays(tmp_path, monkeypatch):
    def link(source, target, real=os.link):
        target.write_bytes(FINAL)
        real(source, target)
    monkeypatch.setattr(os, "link", link)
    assert not place_preview(FIRST, tmp_path, "x.html") and (tmp_path / "x.html").read_bytes() == FINAL


def test_a_full_disk_leaves_no_half_page(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")
    place_preview(FIRST, tmp_path, "x.html")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        place_preview(SECOND, tmp_path, "x.html")
    assert (tmp_path / "x.html").read_bytes() == FIRST and not list(tmp_path.glob(".*.new"))


def test_what_a_killed_watcher_left_is_swept_away(tmp_path):
    (tmp_path / ".x.html.123.new").write_text("half")
    placing.sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_only_the_first_tag_makes_a_page_a_preview(tmp_path):
    path = tmp_path / "x.html"
    path.write_bytes(FINAL + b" " * placing.HEAD + PREVIEW)
    assert not placing.is_preview(path)
    assert PREVIEW.decode() in as_preview('<!DOCTYPE html>\n<html lang="en">')[:placing.HEAD]


def test_a_page_bears_the_name_of_what_was_handed_in(tmp_path):
    assert under_their_names({"activations": "page"}, ["activations (1)", "Untitled"]) == {
        "activations": b"page", "activations (1)": b"page", "Untitled": b"page"}
    found = under_their_names({"one": "1", "two": "2"}, ["Untitled", "two"])
    assert (found["one"], found["two"]) == (b"1", b"2") and b"The results stand with: one, two" in found["Untitled"]
    assert PREVIEW in found["Untitled"] and WAITS.encode() not in found["Untitled"]
    for name in ("activations", "index"):
        (tmp_path / f"{name}.html").write_text(name)
    assert pages_for(["activations (1)", "activations"], tmp_path) == {"activations (1)": tmp_path / "activations.html"}
    (tmp_path / "second.html").write_text("")
    assert pages_for(["Untitled"], tmp_path) == {"Untitled": tmp_path / "index.html"}


def test_a_notebook_whose_name_is_no_text_takes_no_other_page_with_it(tmp_path):
    for name in (b"\xff.ipynb", b".ipynb", b".hidden.ipynb", b"two\nlines.ipynb", b"activations (1).ipynb"):
        (tmp_path / os.fsdecode(name)).touch()
    assert notebooks_in(tmp_path) == ["activations (1)", "two\nlines"]


def test_a_preview_shows_no_error_text_and_no_distance():
    error = StudentError("ValueError", "could not broadcast input array from shape (3,1415) into shape (2,7182)", 0, 2)
    verdict = Verdict("double", [
        CheckResult("a", "doubles small numbers", "Add it to itself.", 1, False, FAILED, said="off by 3 decades at 1 of 7 places"),
        CheckResult("b", "doubles zero", "Add it to itself.", 1, False, FAILED, said="your function raised an error", error=error),
        CheckResult("c", "doubles large ones", "h", 1, False, PASSED)], ["overflow"])
    sources = {0: ("double", "def double(z):\n    return z.reshape(9)\n")}
    for table in (as_html, as_text):
        full, terse = table(verdict, 1, 3, Gate(sources)), table(verdict, 1, 3, Gate(sources, terse=True))
        assert "decades" in full and "broadcast" in full and "overflow" in full
        assert not [word for word in ("decades", "broadcast", "1415", "overflow") if word in terse]
        assert "doubles small numbers" in terse and "ValueError" in terse and "line 2" in terse and "Hint" in terse


# --- the service ----------------------------------------------------------------------------------------------------

class Desk:
    """A crew that has an answer at once, or what `say(job)` gives."""

    def __init__(self, say):
        self.say, self.done, self.free = say, [], 2

    def give(self, function, job):
        self.done.append((job, self.say(job)))

    def results(self):
        done, self.done = self.done, []
        return iter(done)

    def look(self):
        pass


class Place:
    """An exchange in a folder, whose pages are kept in a dictionary."""

    def __init__(self, inbound):
        self.inbound, self.pages, self.trouble, self.final = inbound, {}, None, set()

    def entries(self, known, assignments):
        for name in sorted(set(os.listdir(self.inbound)) - known):
            try:
                yield name, read_entry(self.inbound, name, assignments)
            except Refused as refused:
                yield name, refused

    def is_complete(self, one):
        return is_complete(one.folder, time.time(), 10)

    def check(self, one):
        secret_of(one.folder)

    def folder(self, name):
        return str(self.inbound / name)

    def done(self, one):
        pass

    def put(self, one, notebooks, page):
        if self.trouble:
            raise self.trouble
        if one.name in self.final:
            return False
        self.pages |= {(one.name.rpartition("+")[2], notebook): page for notebook in notebooks}
        return True

    def beat(self, **about):
        pass


def right(job):
    return Answer(job.name, "digest", {"activations": as_preview('<!DOCTYPE html>\n<html lang="en">').encode()}, 7.0, 20.0, {"x": (1, 2)}, 0.2)


@pytest.fixture
def watch(tmp_path):
    """Make a watcher in this process whose work is done by `say`: `watch(say, **settings)`."""
    (tmp_path / "inbound").mkdir(exist_ok=True)
    logs = []

    def make(say=right, **settings):
        course = SimpleNamespace(dir=SimpleNamespace(root=str(tmp_path), source_directory="source", ignore=[], db_url="sqlite://"))
        watcher = Watcher(course, ["ps1"], Watch(**settings), Place(tmp_path / "inbound"), lambda line: watcher.lines.append(line))
        watcher.lines, watcher.quick, watcher.slow = [], Desk(say), Desk(say)
        watcher.bundles = SimpleNamespace(held={"ps1": None}, refresh=lambda now: None, version=0)
        watcher.log = Log(tmp_path)
        logs.append(watcher.log)
        watcher.begin()
        return watcher
    yield make
    for log in logs:
        log.close()


def states(watcher):
    return {row.name.rpartition("+")[2]: row.state for row in watcher.log.rows()}


def steps(watcher, number=3):
    for _ in range(number):
        watcher.step()
    return watcher


def test_what_is_handed_in_is_answered_and_logged(watch, tmp_path):
    watcher = watch()
    hand_in(tmp_path / "inbound")
    steps(watcher)
    row, = watcher.log.rows()
    assert (row.state, row.points, row.digest, row.checks) == (State.ANSWERED, 7.0, "digest", {"x": [1, 2]})
    assert ("a", "activations") in watcher.place.pages


def test_junk_is_logged_and_said_once_and_costs_nobody(watch, tmp_path):
    watcher, inbound = watch(), tmp_path / "inbound"
    (inbound / "junk").mkdir()
    hand_in(inbound, mark="nosecret", secret="x" * 128)
    os.utime(inbound)
    hand_in(inbound, mark="half", mode=0o700)
    hand_in(inbound, "student-02", mark="good")
    steps(watcher)
    assert states(watcher) == {"junk": State.REFUSED, "good": State.ANSWERED} and len(watcher.lines) == 1


@pytest.mark.parametrize("name", [b"\xff", b"student-01+ps1+" + STAMP.encode() + b"+\xff", b"two\nlines+ps1", b"\xff+ps1+" + STAMP.encode() + b"+x"])
def test_no_name_in_the_exchange_ends_the_watch(name, watch, tmp_path):
    os.mkdir(os.path.join(os.fsencode(tmp_path / "inbound"), name))
    hand_in(tmp_path / "inbound", "student-09", mark="good")
    watcher = steps(watch())
    assert sorted(row.state for row in watcher.log.rows()) == [State.ANSWERED, State.REFUSED] and len(watcher.lines) == 1
    assert sorted(row.state for row in steps(watch()).log.rows()) == [State.ANSWERED, State.REFUSED]


def test_a_submission_that_we_stumble_over_costs_no_other(watch, tmp_path):
    watcher = watch()
    check = watcher.place.check
    watcher.place.check = lambda one: {}["x"] if one.student == "student-01" else check(one)
    hand_in(tmp_path / "inbound", mark="odd")
    hand_in(tmp_path / "inbound", "student-02", mark="good")
    assert states(steps(watcher)) == {"odd": State.REFUSED, "good": State.ANSWERED}


def test_of_two_at_once_the_newer_is_answered(watch, tmp_path):
    watcher = watch()
    hand_in(tmp_path / "inbound", mark="a")
    hand_in(tmp_path / "inbound", mark="b", stamp="2026-03-01 10:00:05.000000 UTC")
    assert states(steps(watcher)) == {"a": State.SUPERSEDED, "b": State.ANSWERED}


def test_beyond_the_limits_a_submission_stands_and_its_page_says_until_when(watch, tmp_path):
    watcher = watch(answers=2)
    for mark in "abc":
        hand_in(tmp_path / "inbound", mark=mark)
        steps(watcher)
    assert states(watcher) == {"a": State.ANSWERED, "b": State.ANSWERED, "c": State.STANDS}
    assert b"Your submission stands" in watcher.place.pages["c", "activations"]
    watcher.waiting = {name: Entry(*(one.name, one.student, one.assignment, one.first_seen, one.claimed)) for name, one in watcher.waiting.items()}
    watcher.settings = Watch(answers=3)
    assert states(steps(watcher))["c"] is State.ANSWERED


def test_who_stands_beyond_the_limits_is_answered_once_the_limits_are_others(watch, tmp_path):
    watcher = watch(answers=1)
    for mark in "ab":
        hand_in(tmp_path / "inbound", mark=mark)
        steps(watcher)
    assert states(watcher)["b"] is State.STANDS
    watcher.log.close()
    assert states(steps(watch(answers=1, exceptions={"student-01": {"answers": 2}})))["b"] is State.ANSWERED


def test_of_many_beyond_the_limits_one_gets_a_page(watch, tmp_path):
    watcher = watch(answers=1)
    hand_in(tmp_path / "inbound", mark="first")
    steps(watcher)
    watcher.place.pages.clear()
    for number in range(30):
        hand_in(tmp_path / "inbound", mark=f"{number:02}")
    steps(watcher)
    assert list(watcher.place.pages) == [("29", "activations")] and states(watcher)["29"] is State.STANDS


def test_what_is_withdrawn_while_it_is_at_work_waits_for_nothing_and_counts_once_it_is_back(watch, tmp_path):
    watcher = watch()
    folder = hand_in(tmp_path / "inbound")
    put = watcher.place.put
    watcher.place.put = lambda one, names, page: secret_of(folder) and put(one, names, page)
    watcher.step()
    folder.rename(tmp_path / "away")
    steps(watcher)
    row, = watcher.log.rows()
    assert row.state is State.REFUSED and "submission_secret.txt" in row.note and not watcher.waiting
    assert folder.name in watcher.lines[0]
    (tmp_path / "away").rename(folder)
    assert states(steps(watcher)) == {"a": State.ANSWERED}


def test_a_clock_that_is_set_back_puts_nothing_off(watch, tmp_path, monkeypatch):
    watcher, now = watch(lambda job: Answer(job.name, error="SuiteError: x")), time.time()
    beats = []
    watcher.place.beat = lambda **about: beats.append(1)
    monkeypatch.setattr(time, "time", lambda: now + 9000)
    hand_in(tmp_path / "inbound", mark="a")
    steps(watcher, 6)
    monkeypatch.setattr(time, "time", lambda: now)
    watcher.quick.say, before = right, len(beats)
    hand_in(tmp_path / "inbound", mark="b", stamp="2026-03-01 10:00:05.000000 UTC")
    assert states(steps(watcher)) == {"a": State.SUPERSEDED, "b": State.ANSWERED} and len(beats) == before + 1


def test_changing_ones_folder_in_the_exchange_earns_no_answer_beyond_the_limits(watch, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "RECHECK_SECONDS", 0.0)
    digests = iter(f"digest {number}" for number in range(9))
    watcher = watch(lambda job: Answer(job.name, next(digests), {"activations": FIRST}, 1.0, 2.0), answers=2)
    folder = hand_in(tmp_path / "inbound")
    for number in range(4):
        steps(watcher, 5)
        time.sleep(0.02)
        (folder / "activations.ipynb").write_text("{}" + " " * number)
    assert states(steps(watcher)) == {"a": State.STANDS} and watcher.log.answered("student-01", "ps1", 0)[2:] == []
    assert b"Your submission stands" in watcher.place.pages["a", "activations"] and [row.digest for row in watcher.log.rows()] == ["digest 1"]
    assert next(digests) == "digest 3"      # of the third was seen that it is another, and nobody was told what of it


def test_who_touches_all_folders_takes_no_answer_away(watch, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "RECHECK_SECONDS", 0.0)
    slow = []
    watcher = watch(lambda job: Answer(job.name, "digest", overran=True) if slow and not job.slow else right(job), answers=2)
    folders = []
    for mark in "ab":
        folders.append(hand_in(tmp_path / "inbound", mark=mark))
        steps(watcher)
    pages = dict(watcher.place.pages)
    put, told = watcher.place.put, []
    watcher.place.put = lambda one, names, page: told.append(page) or put(one, names, page)
    for _ in range(2):
        time.sleep(0.02)
        for folder in folders:
            folder.chmod(0o777)
        steps(watcher, 9)
        assert states(watcher) == {"a": State.ANSWERED, "b": State.ANSWERED} and watcher.place.pages == pages
        assert len(watcher.log.answered("student-01", "ps1", 0)) == 2 and not any(row.replaced for row in watcher.log.rows())
        slow.append(1)
    assert len(told) == 4 and set(told) == set(pages.values())


def test_a_slow_notebook_is_looked_at_again_with_the_full_limits(watch, tmp_path):
    watcher = watch(lambda job: right(job) if job.slow else Answer(job.name, "digest", overran=True, seconds=7.0, cpu_seconds=6.0))
    hand_in(tmp_path / "inbound")
    watcher.step()
    watcher.step()
    assert b"takes longer" in watcher.place.pages["a", "activations"]
    steps(watcher)
    row, = watcher.log.rows()
    assert row.state is State.ANSWERED and row.slow and row.seconds == pytest.approx(6.2)


def test_what_holds_a_process_up_for_too_long_waits_for_the_slow_one(watch, tmp_path):
    watcher = watch(lambda job: right(job) if job.slow else Lost("did not answer for 20 s", late=True))
    hand_in(tmp_path / "inbound")
    row, = steps(watcher, 5).log.rows()
    assert row.state is State.ANSWERED and row.slow and row.tries == 0 and row.seconds > service.QUICK_SECONDS


def test_a_calm_notebook_that_only_waited_for_a_busy_machine_is_looked_at_again_before_the_loops(watch, tmp_path):
    looked_at = []

    def answered(job):
        if not job.slow:
            return Answer(job.name, "digest", overran=True, seconds=6.0, cpu_seconds=0.3 if job.student == "student-03" else 5.0)
        looked_at.append(job.student)
        return right(job)
    watcher = watch(answered)
    for number in range(1, 5):
        hand_in(tmp_path / "inbound", f"student-{number:02}", mark=str(number))
    steps(watcher, 20)
    assert sorted(looked_at) == [f"student-{number:02}" for number in range(1, 5)] and "student-03" in looked_at[:2]


def test_work_is_measured_from_outside_and_counts_what_came_of_this_process():
    before = cpu_seconds()
    program = "import time\nwhile time.process_time() < 0.3: pass"
    ended = subprocess.run([sys.executable, "-c", program], check=True)
    at_work = subprocess.Popen([sys.executable, "-c", f"{program}\nprint(flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        at_work.stdout.readline()
        assert ended.returncode == 0 and cpu_seconds() - before > 0.5
    finally:
        at_work.communicate(b"\n")


@pytest.mark.parametrize("fault", [lambda job: Lost("died"), lambda job: Answer(job.name, error="SuiteError: x")])
def test_a_fault_of_ours_is_tried_again_said_and_costs_no_attempt(fault, watch, tmp_path):
    watcher = watch(fault)
    hand_in(tmp_path / "inbound")
    steps(watcher, 6)
    row, = watcher.log.rows()
    assert row.state is State.FAILED and row.tries == 3 and row.due > time.time()
    assert b"on our side" in watcher.place.pages["a", "activations"] and len(watcher.lines) == 1
    assert watcher.log.answered("student-01", "ps1", 0) == []


def test_a_full_disk_costs_time_and_nothing_else(watch, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    watcher = watch()
    watcher.place.trouble = OSError(errno.ENOSPC, "No space left on device")
    hand_in(tmp_path / "inbound")
    steps(watcher, 4)
    assert watcher.place.pages == {} and State.ANSWERED not in states(watcher).values()
    assert any("No space left" in line for line in watcher.lines)
    watcher.place.trouble = None
    assert states(steps(watcher)) == {"a": State.ANSWERED}


def test_a_disk_that_is_full_when_a_submission_comes_loses_nothing(watch, tmp_path, monkeypatch):
    watcher = watch(answers=1)
    hand_in(tmp_path / "inbound", mark="a")
    steps(watcher)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    watcher.place.trouble = OSError(errno.ENOSPC, "No space left on device")
    hand_in(tmp_path / "inbound", mark="b")     # stands, which its page is to say
    hand_in(tmp_path / "inbound", "student-02", mark="c")
    steps(watcher, 2)
    watcher.place.trouble = None
    steps(watcher)
    assert b"Your submission stands" in watcher.place.pages["b", "activations"] and ("c", "activations") not in watcher.place.pages
    monkeypatch.setattr(time, "time", lambda now=time.time(): now + 2 * service.AGAIN_SECONDS)
    assert states(steps(watcher)) == {"a": State.ANSWERED, "b": State.STANDS, "c": State.ANSWERED}


def test_a_log_on_a_full_disk_costs_time_and_nothing_else(watch, tmp_path, monkeypatch):
    watcher = watch()
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    pages, = watcher.log.db.execute("pragma page_count").fetchone()
    watcher.log.db.execute(f"pragma max_page_count = {pages}")
    for number in range(40):
        hand_in(tmp_path / "inbound", f"student-{number:02}", mark="a" * 40 + str(number))
    steps(watcher, 60)
    assert any("full" in line for line in watcher.lines) and len(watcher.log.rows(State.ANSWERED)) < 40
    watcher.log.db.execute(f"pragma max_page_count = {100 * pages}")
    steps(watcher, 60)
    assert len(watcher.log.rows(State.ANSWERED)) == 40 == len(watcher.place.pages)


def test_what_failed_with_the_old_checks_is_tried_with_the_new_ones_at_once(watch, tmp_path):
    broken = [True]
    watcher = watch(lambda job: Answer(job.name, error="SuiteError: x") if broken[0] else right(job))
    hand_in(tmp_path / "inbound")
    assert states(steps(watcher, 6)) == {"a": State.FAILED}
    broken[0] = False
    assert states(steps(watcher)) == {"a": State.FAILED}
    watcher.bundles.version += 1
    assert states(steps(watcher)) == {"a": State.ANSWERED}


def test_what_goes_wrong_is_said_once_for_as_long_as_it_lasts(watch):
    watcher, trouble = watch(), ["the gradebook is locked"] * 5 + [None] + ["the gradebook is locked"] * 5
    watcher.bundles.refresh = lambda now: trouble.pop()
    steps(watcher, 11)
    assert watcher.lines == ["the gradebook is locked"] * 2


def test_a_task_that_could_not_be_given_to_a_process_waits(watch, tmp_path, monkeypatch):
    watcher = watch()
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    give = watcher.quick.give
    watcher.quick.give = lambda *task: (_ for _ in ()).throw(OSError(errno.EMFILE, "Too many open files"))
    hand_in(tmp_path / "inbound")
    steps(watcher, 2)
    watcher.quick.give = give
    assert states(steps(watcher)) == {"a": State.ANSWERED} and not watcher.busy


def test_a_flood_of_one_student_is_a_bounded_part_of_the_log_and_of_each_look(watch, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "MOST_A_DAY", 5)
    for number in range(12):
        hand_in(tmp_path / "inbound", mark=f"{number:02}")
        (tmp_path / "inbound" / f"junk{number}").mkdir()
    hand_in(tmp_path / "inbound", "student-02", mark="calm")
    watcher = steps(watch(), 9)
    assert len(watcher.log.rows(student="student-01")) == 5 == len(watcher.log.rows(student=""))
    assert states(watcher)["calm"] is State.ANSWERED and sorted(line for line in watcher.lines if "More than 5" in line) == [
        "More than 5 names that are no submission's in 24 hours: the rest is looked at later",
        "More than 5 submissions of 'student-01' in 24 hours: the rest is looked at later"]


def test_of_a_flood_everybody_comes_once_before_anybody_comes_twice_and_the_oldest_first():
    flood = [f"student-02+ps1+2026-03-01 10:00:{second:02}.000000 UTC+x" for second in range(60)]
    names = [*flood, f"student-01+ps1+{STAMP}+x", "junk", "more junk", f"student-03+ps1+{STAMP}+x"]
    found = in_turns(reversed(names))
    assert sorted(found[:4]) == sorted([flood[0], f"student-01+ps1+{STAMP}+x", "junk", f"student-03+ps1+{STAMP}+x"]) and found[6:] == flood[2:]


def test_of_workers_that_are_killed_the_others_go_on_and_a_new_one_takes_the_place():
    with Crew(2, 60) as crew:
        crew.give(tasks.follow, (tasks.be_killed, None))
        crew.give(tasks.double, (1, b"ab"))
        found = gather(crew, 2)
        assert found[1, b"ab"] == (2, b"ba") and found[tasks.be_killed, None] == Lost("died") and crew.free == 2
        for number in (2, 3):
            crew.give(tasks.double, (number, b""))
        assert gather(crew, 2) == {(2, b""): (4, b""), (3, b""): (6, b"")}
        folder = Path(crew.pool.folder.name)
    assert not folder.exists()


def gather(crew, number):
    found = {}
    while len(found) < number:
        wait(crew.ends, 60)
        found |= dict(crew.results())
    return found


# --- new code, new settings -----------------------------------------------------------------------------------------

@pytest.fixture
def renewal(tmp_path, monkeypatch):
    """A look at code and settings in `tmp_path`, each call of which is later than the last by the time between looks."""
    monkeypatch.setattr(renewals, "CODE", tmp_path / "grading")
    (tmp_path / "grading").mkdir()
    (tmp_path / "grading" / "a.py").write_text("one")
    made, tries = Renewal(tmp_path, "source"), []
    made.try_it = lambda: tries.append(1) or SimpleNamespace(is_over=lambda: made.over, trouble=made.fault, end=lambda: None)
    made.fault, made.tries, made.over = "", tries, True
    made.look = lambda: made.is_due(made.asked + renewals.LOOK_SECONDS) or made.is_due(made.asked)
    return made


def test_stamps_change_with_what_is_written_comes_or_goes_and_with_nothing_else(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    before = stamps([one, other])
    assert before == stamps([one, str(other)]) and len(before) == 1
    other.write_text("2")
    both = stamps([one, other])
    one.write_text("11")
    assert len({before, both, stamps([one, other])}) == 3
    other.unlink()
    assert len(stamps([one, other])) == 1


@pytest.mark.parametrize("name", ["grading/a.py", "grading/new.css", "nbgrader_config.py"])
def test_new_code_or_settings_are_due_when_nobody_is_at_them_any_more(name, renewal, tmp_path):
    assert not renewal.look()
    (tmp_path / name).write_text("half")
    assert not renewal.look()
    (tmp_path / name).write_text("all of it")
    assert not renewal.look() and renewal.tries == []
    assert renewal.look()


def test_a_new_assignment_is_taken_up_and_a_file_of_one_is_none(renewal, tmp_path):
    (tmp_path / "source" / "ps9").mkdir(parents=True)
    assert [renewal.look() for _ in range(2)] == [False, True]
    renewal.began = renewal.seen = renewal.state()
    (tmp_path / "source" / "README.md").touch()
    (tmp_path / "source" / "ps9" / "a.ipynb").touch()
    assert [renewal.look() for _ in range(2)] == [False, False]


def test_code_that_does_not_load_is_tried_once_and_named_until_it_is_mended(renewal, tmp_path):
    code = tmp_path / "grading" / "a.py"
    about, renewal.fault = code.stat(), "SyntaxError"
    code.write_text("broken")
    assert [renewal.look() for _ in range(5)] == [False] * 5 and renewal.tries == [1] and renewal.trouble == "SyntaxError"
    renewal.fault = ""
    code.write_text("mended now")
    assert [renewal.look() for _ in range(2)] == [False, True]
    code.write_text("one")
    os.utime(code, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert not renewal.look() and not renewal.look() and renewal.trouble is None


def test_nobody_waits_while_new_settings_are_tried(renewal, tmp_path):
    renewal.over = False
    (tmp_path / "nbgrader_config.py").write_text("while True: pass")
    assert [renewal.look() for _ in range(4)] == [False] * 4 and renewal.tries == [1] and renewal.trouble is None
    renewal.over = True
    assert renewal.look()


@pytest.mark.parametrize(("program", "seconds", "said"), [
    ("pass", 60, ""), ("1/0", 60, "ZeroDivisionError"), ("import time; time.sleep(600)", 0.1, "take longer")])
def test_what_a_trial_says(program, seconds, said, monkeypatch):
    monkeypatch.setattr(renewals, "TRY_SECONDS", seconds)
    trial = renewals.Trial([sys.executable, "-c", program])
    try:
        while not trial.is_over():
            time.sleep(0.01)
        assert said in trial.trouble and bool(trial.trouble) == bool(said)
    finally:
        trial.end()
    assert trial.process.returncode is not None


def test_a_watcher_whose_code_changed_ends_to_start_again(watch):
    watcher = watch()
    watcher.renewal.is_due = lambda now: True
    watcher.step()
    assert watcher.stopping and watcher.again


def test_a_log_that_is_locked_costs_time_and_nothing_else(watch, tmp_path, monkeypatch):
    watcher = watch()
    watcher.log.db.execute("pragma busy_timeout = 0")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    other = sqlite3.connect(watcher.log.path, isolation_level=None)
    other.execute("begin exclusive")
    hand_in(tmp_path / "inbound")
    steps(watcher, 2)
    other.execute("rollback")
    other.close()
    assert states(steps(watcher)) == {"a": State.ANSWERED} and any("locked" in line for line in watcher.lines)


def test_a_watcher_that_starts_again_goes_on_where_the_last_one_was_killed(watch, tmp_path):
    watcher = watch()
    watcher.quick.results = lambda: iter(())        # it is killed before an answer comes
    hand_in(tmp_path / "inbound")
    steps(watcher)
    assert states(watcher) == {"a": State.WORKING}
    watcher.log.close()
    assert states(steps(watch())) == {"a": State.ANSWERED}


def test_a_final_page_stands_also_when_the_log_was_lost(watch, tmp_path):
    folder = hand_in(tmp_path / "inbound")
    steps(watch()).log.path.unlink()
    for leftover in (tmp_path / ".watch").iterdir():
        leftover.unlink()
    watcher = watch()
    watcher.place.final.add(folder.name)
    steps(watcher)
    assert watcher.place.pages == {} and watcher.log.rows()[0].note == "the final page stands there already"


def test_an_answer_counts_by_what_was_graded_whatever_a_digest_of_the_folder_says():
    """A folder that changes between digest and reading, or whose secret the notebook reads, had answers without a count."""
    def submission(text="1", secret=b"0", name="a", **more):
        return Submission("student-01", {name: new_notebook(cells=[new_code_cell(text, id="x")])}, (("submission_secret.txt", secret),), digest="the same", **more)
    told = [submission(), submission("2"), submission(secret=b"1"), submission(name="b"), Submission("student-01", {"a": Refusal("no text")}, digest="the same")]
    assert len({digest_of(one) for one in told}) == len(told)
    assert digest_of(submission()) == digest_of(submission(notes=("a note",)))
    pages = [{}, {"a": "6 of 20"}, {"a": "7 of 20"}]      # of code that asks the clock which answer it tries
    assert len({digest_of(submission(), page) for page in pages}) == 3


@pytest.mark.parametrize(("answers", "secret", "state"), [(10, "no secret", State.REFUSED), (0, SECRET, State.STANDS)])
@pytest.mark.parametrize("inside", [".", "deeper/still"])
def test_what_a_student_replaces_before_there_was_an_answer_is_seen_too(inside, answers, secret, state, watch, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "RECHECK_SECONDS", 0.0)
    watcher = watch(answers=answers, quiet_seconds=0.0)
    watcher.place.is_complete = lambda one: True
    folder = hand_in(tmp_path / "inbound", secret=secret)
    (folder / inside).mkdir(parents=True, exist_ok=True)
    (folder / inside / "activations.ipynb").write_text("{}")
    steps(watcher, 3)
    assert [row.replaced for row in watcher.log.rows(state)] == [None]
    time.sleep(0.02)
    (folder / inside / "activations.ipynb").write_text("{ }")
    steps(watcher, 3)
    assert [bool(row.replaced) for row in watcher.log.rows(state)] == [True]
    assert steps(watch(answers=answers)).times[folder.name] == inbox.last_change(folder)


@pytest.mark.parametrize(("digest", "replaced"), [("digest", False), ("another", True)])
def test_what_a_student_replaces_after_the_answer_is_seen(digest, replaced, watch, tmp_path, monkeypatch):
    monkeypatch.setattr(service, "RECHECK_SECONDS", 0.0)
    said = iter(["digest", digest])
    watcher = watch(lambda job: Answer(job.name, next(said), {}, 1.0, 2.0))
    folder = hand_in(tmp_path / "inbound")
    steps(watcher)
    time.sleep(0.02)
    (folder / "activations.ipynb").write_text("{ }")
    steps(watcher, 5)
    row, = watcher.log.rows()
    assert row.state is State.ANSWERED and row.digest == digest and bool(row.replaced) == replaced


def test_there_is_one_watcher_a_course(tmp_path):
    with service.alone(str(tmp_path)), pytest.raises(CourseError, match="Another watcher"), service.alone(str(tmp_path)):
        pass


def test_there_is_one_watcher_an_exchange_whichever_clone_it_is_from(tmp_path):
    for name in ("inbound", "feedback"):
        (tmp_path / "exchange" / "gradients" / name).mkdir(parents=True)

    def from_clone(name):
        course = SimpleNamespace(dir=CourseDirectory(root=str(tmp_path / name), course_id="gradients"), config=Config(Exchange={"root": str(tmp_path / "exchange")}))
        return Exchange(course, None, 10).alone()
    with from_clone("one"):
        assert stat.S_IMODE((tmp_path / "exchange" / "gradients" / "feedback" / ".watching.lock").stat().st_mode) == 0o600
        with pytest.raises(CourseError, match="another clone of this course"), from_clone("other"):
            pass
    with from_clone("other"):
        pass


def test_what_a_killed_watcher_left_in_tmp_goes_when_the_next_one_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with service.own_scratch("/course") as folder:
        left = os.path.join(folder, "course-left")
    os.makedirs(left)
    with service.own_scratch("/course") as folder:
        assert os.listdir(folder) == []
    assert os.listdir(tmp_path) == []
    (tmp_path / os.path.basename(folder)).symlink_to("/etc")
    with service.own_scratch("/course") as other:       # whoever guesses the name keeps nobody from watching
        assert other != folder and not os.path.islink(other) and os.stat(other).st_mode & 0o777 == 0o700


def test_the_gradebook_is_opened_for_reading_only(tmp_path):
    path = tmp_path / "gradebook.db"
    sqlite3.connect(path).close()
    assert for_reading(f"sqlite:///{path}").startswith(f"sqlite:///file:{path}?mode=ro")
    assert for_reading("postgresql+psycopg://grader@host/gradebook") == "postgresql+psycopg://grader@host/gradebook"


# --- a folder in place of the exchange ------------------------------------------------------------------------------

@pytest.fixture
def drop(tmp_path, monkeypatch):
    monkeypatch.setattr("grading.watch.drop.QUIET_SECONDS", -1.0)
    (tmp_path / "inbox").mkdir()
    course = SimpleNamespace(dir=CourseDirectory(root=str(tmp_path)))
    return Drop(course, tmp_path / "inbox", tmp_path / "pages")


def dropped(drop, known=None, assignments=("ps1",)):
    """{student: {file: content}} of what is new."""
    found = {}
    known = set() if known is None else known
    for name, one in drop.entries(known, list(assignments)):
        known.add(name)
        if isinstance(one, Refused):
            found[name] = one
        elif drop.is_complete(one):
            drop.check(one)
            folder = Path(drop.folder(name))
            found[one.student] = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    return found


def test_a_dropped_folder_is_a_submission_and_dropped_again_another(drop):
    place = drop.inbound / "student-01"
    place.mkdir()
    (place / "activations.ipynb").write_text("one")
    known = set()
    assert dropped(drop, known) == {"student-01": {"activations.ipynb": "one"}} and dropped(drop, known) == {}
    time.sleep(0.02)
    (place / "activations.ipynb").write_text("two")
    assert dropped(drop, known) == {"student-01": {"activations.ipynb": "two"}}


def test_with_several_assignments_each_has_its_folder(drop):
    for name in ("ps1", "ps2"):
        (drop.inbound / "student-01" / name).mkdir(parents=True)
    assert list(drop.entries(set(), ["ps1", "ps2", "ps3"])) == list(drop.entries(set(), ["ps1"])) == [], "an empty folder is about to be filled"
    for name in ("ps1", "ps2"):
        (drop.inbound / "student-01" / name / "a.ipynb").write_text("{}")
    assert sorted(one.assignment for _, one in drop.entries(set(), ["ps1", "ps2", "ps3"])) == ["ps1", "ps2"]


@pytest.mark.parametrize(("files", "students"), [
    ({"student-01/a.ipynb": "1", "student-02/a.ipynb": "2"}, {"student-01": {"a.ipynb": "1"}, "student-02": {"a.ipynb": "2"}}),
    ({"Student One_4711_assignsubmission_file_/a.ipynb": "1"}, {"Student One": {"a.ipynb": "1"}}),
    ({"studentone_4711_815_a.ipynb": "1", "studenttwo_LATE_4712_816_a.ipynb": "2"}, {"studentone": {"a.ipynb": "1"}, "studenttwo": {"a.ipynb": "2"}}),
    ({"student-01/a.ipynb": "1", "student-02/a.ipynb": "2", "student-02/plot_2024_11_05.png": "3"},
     {"student-01": {"a.ipynb": "1"}, "student-02": {"a.ipynb": "2", "plot_2024_11_05.png": "3"}}),
    ({f"student-0{number}/{name}": name for number in (1, 2) for name in ("a.ipynb", "plot_2024_11_05.png", "ps1_x_attempt_2026-11-20-12-00-00_a.png",
                                                                          "plot_2024_11_06.png")},
     {f"student-0{number}": {name: name for name in ("a.ipynb", "plot_2024_11_05.png", "ps1_x_attempt_2026-11-20-12-00-00_a.png", "plot_2024_11_06.png")}
      for number in (1, 2)}),
    ({"a.ipynb": "1"}, {"class": {"a.ipynb": "1"}}), ({"../x/a.ipynb": "1"}, {})])
def test_the_zip_of_a_learning_platform_is_taken_apart(files, students, drop):
    with zipfile.ZipFile(drop.inbound / "class.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    assert dropped(drop) == students


def test_a_name_in_a_dropped_zip_that_may_be_two_people_s_is_nobody_s(drop, monkeypatch):
    monkeypatch.setattr("grading.watch.drop.class_list", lambda *_: [Known("one", "One", "", {"id": "71"}), Known("two", "Two", "", {"id": "72"})])
    with zipfile.ZipFile(drop.inbound / "class.zip", "w") as archive:
        for name in ("one_71_900_a.ipynb", "one_71_72_901_b.ipynb"):
            archive.writestr(name, "{}")
    found = dropped(drop)
    assert found["one"] == {"a.ipynb": "{}"} and len(found) == 2
    assert "that of one and that of two" in next(str(one) for name, one in found.items() if name.startswith("one_71_72_901_b.ipynb"))


def test_a_zip_that_meets_a_full_disk_is_looked_at_again_and_names_that_cannot_lie_together_end_nothing(drop, monkeypatch):
    with zipfile.ZipFile(drop.inbound / "class.zip", "w") as archive:
        for name in ("student-01/a", "student-01/a/b", "student-01/a.ipynb"):
            archive.writestr(name, "{}")
    known = set()
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "no space")))
        [(name, one)] = drop.entries(known, ["ps1"])
        with pytest.raises(OSError, match="no space"):
            drop.check(one)
    assert dropped(drop, known) == {"student-01": {"a": "{}", "a.ipynb": "{}"}} and dropped(drop, known) == {}


def test_thousands_of_entries_that_cannot_be_taken_are_few_rows_of_the_log(drop):
    with zipfile.ZipFile(drop.inbound / "class.zip", "w") as archive:
        for number in range(300):
            archive.writestr(f"student{number}_{number}_1_a.ipynb", "{}")
            archive.writestr(f"../{number}.txt", "x")
    found = dict(drop.entries(set(), ["ps1"]))
    assert sum(isinstance(one, Refused) for one in found.values()) == 51 and len(found) == 351


def test_a_folder_that_became_a_link_since_it_was_looked_at_is_not_copied(drop, tmp_path):
    for place in (drop.inbound / "student-01", tmp_path / "elsewhere"):
        (place / "ps1").mkdir(parents=True)
        (place / "ps1" / "a.ipynb").write_text(str(place))
    [(_, one)] = drop.entries(set(), ["ps1", "ps2"])
    drop.check(one)
    (drop.inbound / "student-01").rename(tmp_path / "away")
    (drop.inbound / "student-01").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused):
        drop.check(one)


def test_what_cannot_be_unpacked_is_paid_for(tmp_path, monkeypatch):
    """Fifty thousand entries whose checksum is wrong, each of 64 MB: to see that took hours."""
    def broken(archive, about, most):
        asked.append(min(most, about.file_size))
        raise zips.BadMember("cannot be unpacked")
    asked = []
    monkeypatch.setattr(zips, "content_of", broken)
    place = tmp_path / "class.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(50):
            archive.writestr(f"student{number}_{number}_1_a.ipynb", b" " * 60_000)
    assert len(archives.read_whole(place.read_bytes(), 100_000, 200_000)[0]) == 50 and sum(asked) <= 260_000


@pytest.mark.parametrize("look", [notebooks_in, inbox.last_change])
def test_a_folder_of_a_million_names_holds_up_nobody(look, tmp_path, monkeypatch):
    """All of them were listed, stated and sorted each time that the watcher or the hub's page looked."""
    def endless(_):
        looked.append(itertools.count())
        for number in looked[-1]:
            yield SimpleNamespace(name=f"{number}.txt", is_dir=lambda: False, stat=lambda follow_symlinks: SimpleNamespace(st_ctime=0.0))
    looked = []
    for place in ("grading.notebooks.folders.scandir", "os.scandir"):
        monkeypatch.setattr(place, lambda folder: contextlib.closing(endless(folder)))
    look(tmp_path)
    assert looked and next(looked[-1]) <= MOST_LISTED + 2


def test_a_folder_of_nothing_but_folders_is_looked_through_for_a_bounded_time(tmp_path, monkeypatch):
    monkeypatch.setattr("grading.watch.drop.os.walk", lambda folder: ((folder, [], []) for _ in itertools.count()))
    assert not holds_a_file(str(tmp_path))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_a_few_bytes_make_large_is_unpacked_in_a_process_that_may_die(method, drop, monkeypatch):
    def dies(function, *arguments):
        if function is zips.members:
            raise Overrun("takes more than 20 seconds")
        return function(*arguments)
    for name, student in (("one.zip", "student-01/a.ipynb"), ("class.zip", "student_1_1_a.ipynb")):
        with zipfile.ZipFile(drop.inbound / name, "w", method) as archive:
            archive.writestr(student, b" " * 60_000)
            if name == "class.zip":
                archive.writestr("other_2_1_a.ipynb", b"{}", zipfile.ZIP_DEFLATED)
    assert dropped(drop)["student-01"] == {"a.ipynb": " " * 60_000}
    monkeypatch.setattr("grading.watch.drop.bounded", dies)
    said = [str(one) for one in dropped(drop).values()]
    assert any("takes more than 20 seconds" in one for one in said) and any("in a way that no platform uses" in one for one in said)


def test_what_cannot_be_taken_is_refused_by_name(drop):
    (drop.inbound / "broken.zip").write_text("no zip")
    (drop.inbound / "a<b").mkdir()
    (drop.inbound / "a<b" / "a.ipynb").write_text("{}")
    (drop.inbound / "link").symlink_to("/etc")
    (drop.inbound / "activations.ipynb").write_text("{}")
    os.mkfifo(drop.inbound / "pipe")
    found = dropped(drop)
    assert len(found) == 5 and all(isinstance(one, Refused) for one in found.values())
    said = {name.partition("+")[0]: str(one) for name, one in found.items()}
    assert "links are not followed" in said["link"] and "STUDENT/" in said["activations.ipynb"] and "STUDENT/" in said["pipe"]
    assert dropped(drop, set(found)) == {}, "each is said once"


def test_what_is_still_being_copied_is_refused_once_and_not_at_every_look(drop, monkeypatch):
    (drop.inbound / "student-01").mkdir()
    (drop.inbound / "a<b" / "ps1").mkdir(parents=True)
    for place in ("activations.ipynb", "student-01/activations.ipynb", "a<b/ps1/activations.ipynb"):
        (drop.inbound / place).write_text("{}")
    (drop.inbound / "link").symlink_to("/etc")
    monkeypatch.setattr("grading.watch.drop.QUIET_SECONDS", 60.0)
    assert list(drop.entries(set(), ["ps1", "ps2"])) == []
    monkeypatch.setattr("grading.watch.drop.QUIET_SECONDS", -1.0)
    assert len(list(drop.entries(set(), ["ps1", "ps2"]))) == 4


def test_what_is_gone_again_costs_nobody_a_look(drop, monkeypatch):
    in_zip(drop, ("student-02/activations.ipynb", "{}"), name="b.zip")
    in_zip(drop, ("student-02/activations.ipynb", "{}"))
    for name in ("a.ipynb", "d.ipynb"):
        (drop.inbound / name).write_text("{}")
    items = list(os.scandir(drop.inbound))
    for name in ("a.ipynb", "b.zip"):
        (drop.inbound / name).unlink()
    with monkeypatch.context() as patched:
        patched.setattr("grading.watch.drop.os.scandir", lambda place: items)
        found = [name.partition("+")[0] for name, _ in drop.entries(set(), ["ps1"])]
    assert found == ["student-02", "d.ipynb"]


def test_a_class_list_that_is_damaged_refuses_a_platforms_zip_and_nothing_else(drop):
    Path(drop.course.dir.root, "students.json").write_text("{")
    in_zip(drop, ("First Last_1_assignsubmission_file_/a.ipynb", "1"))
    (drop.inbound / "student-01").mkdir()
    (drop.inbound / "student-01" / "a.ipynb").write_text("2")
    found = dropped(drop)
    assert found.pop("student-01") == {"a.ipynb": "2"}
    assert [str(one) for one in found.values()][0].endswith("import the class list again: course class import FILE. Then drop it again") and len(found) == 1


def test_what_says_no_assignment_is_refused_where_several_are_watched(drop):
    (drop.inbound / "student-01").mkdir()
    assert dropped(drop, assignments=("ps1", "ps2")) == {}, "it may be about to be filled"
    (drop.inbound / "student-01" / "activations.ipynb").write_text("{}")
    (name, refused), = dropped(drop, assignments=("ps1", "ps2")).items()
    assert "STUDENT/ASSIGNMENT/, which is one of ps1, ps2" in str(refused)


def in_zip(drop, *entries, name="class.zip"):
    with zipfile.ZipFile(drop.inbound / name, "w") as archive, warnings.catch_warnings(action="ignore"):
        for path, content in entries:
            archive.writestr(path, content)


def test_of_a_zip_the_names_of_notebooks_say_which_assignment_it_is(drop):
    for name, notebook in (("ps1", "activations"), ("ps2", "backward_step")):
        place = Path(drop.course.dir.root, "source", name)
        place.mkdir(parents=True)
        (place / f"{notebook}.ipynb").write_text("{}")
    in_zip(drop, ("one/backward_step.ipynb", "1"), ("two/activations (1).ipynb", "2"), ("three/x.ipynb", "3"))
    found = {one.student: one.assignment for _, one in drop.entries(set(), ["ps1", "ps2"]) if not isinstance(one, Refused)}
    assert found == {"one": "ps2", "two": "ps1"}


def test_a_platforms_zip_finds_the_students_of_the_class_list_and_refuses_whom_it_cannot_tell(drop):
    with Gradebook(drop.course.dir.db_url) as book:
        for student, first, last, number in (("flast", "First", "Läst", "4711"), ("jdoe1", "Jo", "Doe", None), ("jdoe2", "Jo", "Doe", None)):
            book.add_student(student, first_name=first, last_name=last, lms_user_id=number)
    drop.course.dir.db_url = for_reading(drop.course.dir.db_url)
    in_zip(drop, ("First Läst_1_assignsubmission_file_/a.ipynb", "1"), ("Jo Doe_2_assignsubmission_file_/a.ipynb", "2"),
           ("__MACOSX/First Läst_1_assignsubmission_file_/._a.ipynb", "0"), ("readme.txt", ""),
           ("asecond_4_assignsubmission_file_/a<b", "no name for a file"))
    found = dropped(drop)
    assert found.pop("flast") == {"a.ipynb": "1"} and all(isinstance(one, Refused) for one in found.values())
    said = "\n".join(f"{name} {one}" for name, one in found.items())
    assert "2 students have that name: jdoe1, jdoe2" in said and "readme.txt" in said and len(found) == 3
    assert "nobody on the class list has that name" in said


def test_who_was_graded_and_has_no_name_makes_no_class_list(drop):
    with Gradebook(drop.course.dir.db_url) as book:
        book.add_student("Jo Doe")      # as grading adds whoever handed in
    in_zip(drop, ("Jo Doe_1_assignsubmission_file_/a.ipynb", "1"), ("New Comer_2_assignsubmission_file_/a.ipynb", "2"))
    assert dropped(drop) == {"Jo Doe": {"a.ipynb": "1"}, "New Comer": {"a.ipynb": "2"}}


def test_of_two_of_one_name_neither_gets_the_others_work(drop):
    in_zip(drop, ("Jo Doe_1_assignsubmission_file_/a.ipynb", "1"), ("Jo Doe_2_assignsubmission_file_/a.ipynb", "2"))
    found = dropped(drop)
    assert len(found) == 2 and all("2 could be Jo Doe" in str(one) for one in found.values())


def test_blackboards_zip_is_taken_apart_and_the_newest_attempt_counts(drop):
    in_zip(drop, ("ps1_flast_attempt_2026-11-20-12-00-00_a.ipynb", "1"), ("ps1_flast_attempt_2026-11-21-12-00-00_a.ipynb", "2"),
           ("ps1_flast_attempt_2026-11-21-12-00-00.txt", "Name: First"))
    assert dropped(drop) == {"flast": {"a.ipynb": "2"}}


def test_pages_go_to_a_folder_of_the_student(drop):
    one = Entry("student-01+ps1+x", "student-01", "ps1", 0.0, 0.0)
    assert drop.put(one, ["activations"], FIRST) and drop.put(one, ["activations"], SECOND)
    assert (drop.pages / "student-01" / "activations.html").read_bytes() == SECOND


# --- what the log tells afterwards ----------------------------------------------------------------------------------

def test_the_report_says_which_checks_took_longest(log):
    answers = {"student-01": [["a", "b"], ["b"], []], "student-02": [["b"], ["b"]], "student-03": [[]]}
    for student, failed in answers.items():
        for number, names in enumerate(failed):
            name = f"{student}-{number}"
            log.add(name, student, "ps1", 0.0, float(number), 0.0, State.WAITING)
            log.set(name, State.ANSWERED, float(number), checks={"x": [0, 2, names]})
    found = ways(log, "ps1")
    assert [(way.student, way.answers) for way in found] == [("student-01", 3), ("student-02", 2), ("student-03", 1)]
    assert found[0].until == {("x", "a"): 2, ("x", "b"): 3}
    assert [(one.check, one.stumbled, one.answers, one.never) for one in hurdles(found)] == [("b", 2, 3, 1), ("a", 1, 2, 0)]
    section = report.way_section(found)
    assert "3 students had answers" in section and "x: b" in section and report.way_section([]) == ""
