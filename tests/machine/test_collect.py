"""The exchange with links, pipes, junk and borrowed names in it, each beside what stock nbgrader does."""

import contextlib
import errno
import logging
import os
import pwd
import socket
import stat

import pytest
from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash, parse_utc
from traitlets.config import Config

from grading.notebooks.exchange import read_left
from grading.plugins import collect
from grading.plugins.collect import Collect
from grading.plugins.release_feedback import ReleaseFeedback, lacks


@pytest.fixture
def inbound(tmp_path):
    """A submission in the exchange, with a link to a secret beside the notebook."""
    (tmp_path / "secret").write_text("every solution")
    folder = tmp_path / "inbound" / "student-01+ps1+2030-01-01 10:00:00 UTC+1"
    folder.mkdir(parents=True)
    (folder / "activations.ipynb").write_text("{}")
    (folder / "link.txt").symlink_to(tmp_path / "secret")
    return folder


def collector(kind, tmp_path, **settings):
    return kind(coursedir=CourseDirectory(root=str(tmp_path), config=Config({"CourseDirectory": settings})))


def test_links_stay_links(inbound, tmp_path):
    collector(ExchangeCollect, tmp_path).do_copy(str(inbound), str(tmp_path / "stock"))
    assert (tmp_path / "stock" / "link.txt").read_text() == "every solution"
    assert not (tmp_path / "stock" / "link.txt").is_symlink()
    collector(Collect, tmp_path).do_copy(str(inbound), str(tmp_path / "ours"))
    assert (tmp_path / "ours" / "link.txt").is_symlink()
    assert (tmp_path / "ours" / "activations.ipynb").read_text() == "{}"


def test_a_pipe_costs_nobody_else(inbound, tmp_path):
    os.mkfifo(inbound / "pipe")
    with pytest.raises(OSError):
        collector(ExchangeCollect, tmp_path).do_copy(str(inbound), str(tmp_path / "stock"))
    collector(Collect, tmp_path).do_copy(str(inbound), str(tmp_path / "ours"))
    assert sorted(os.listdir(tmp_path / "ours")) == ["activations.ipynb", "link.txt"]


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of somebody else takes two users")
def test_another_name_of_somebody_elses_file_is_not_followed(inbound, tmp_path):
    """Where Linux lets anybody make one (fs.protected_hardlinks=0): a file that its maker cannot read, and who collects can."""
    for name, owner in (("theirs", 12345), ("own", 54321)):
        (tmp_path / name).write_text(name)
        os.chown(tmp_path / name, owner, -1)
        os.link(tmp_path / name, inbound / f"{name}.txt")
    os.chown(inbound, 54321, -1)
    collector(Collect, tmp_path).do_copy(str(inbound), str(tmp_path / "ours"))
    assert sorted(os.listdir(tmp_path / "ours")) == ["activations.ipynb", "link.txt", "own.txt"]


def test_a_folder_that_is_too_large_costs_nobody_else(inbound, tmp_path):
    (inbound / "data.bin").write_bytes(bytes(5000))
    with pytest.raises(RuntimeError):
        collector(ExchangeCollect, tmp_path, max_dir_size=1).do_copy(str(inbound), str(tmp_path / "stock"))
    collector(Collect, tmp_path, max_dir_size=1).do_copy(str(inbound), str(tmp_path / "ours"))
    assert os.listdir(tmp_path / "ours") == []


def test_a_link_in_place_of_a_submission_is_not_followed(inbound, tmp_path):
    link = inbound.parent / "student-02+ps1+2030-01-01 10:00:00 UTC+2"
    link.symlink_to(inbound)
    collector(Collect, tmp_path).do_copy(str(link), str(tmp_path / "ours"))
    assert os.listdir(tmp_path / "ours") == []


def test_a_newer_folder_in_anothers_name_does_not_replace_the_students_own(inbound, tmp_path):
    me = pwd.getpwuid(os.getuid()).pw_name
    folder = tmp_path / "inbound"
    records = [{"username": me, "filename": name, "timestamp": parse_utc(time)} for name, time in (
        ("own-old", "2030-01-01 10:00:00 UTC"), ("own-new", "2030-01-02 10:00:00 UTC"),
        ("not-there", "2030-01-03 10:00:00 UTC"))]       # stands for a folder of somebody else
    for name in ("own-old", "own-new"):
        (folder / name).mkdir()
    first = {}
    for kind in (ExchangeCollect, Collect):
        one = collector(kind, tmp_path)
        one.inbound_path = str(folder)
        first[kind] = one._sort_by_timestamp(records)[0]["filename"]
    assert first == {ExchangeCollect: "not-there", Collect: "own-new"}


# --- the whole command ------------------------------------------------------------------------------------------

STAMP = "2030-01-01 10:00:00.000000 UTC"


class NoGradebook:
    """Stands in for a gradebook that does not know the assignment."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def find_assignment(self, name):
        raise MissingEntry(name)


@pytest.fixture
def exchange(tmp_path, monkeypatch):
    """The `inbound` of an exchange, with submissions of two students that are as they should be."""
    monkeypatch.setattr("nbgrader.exchange.default.collect.Gradebook", NoGradebook)
    inbound = tmp_path / "exchange" / "gradients" / "inbound"
    for student in ("student-01", "student-09"):
        hand_in(inbound, student)
    (tmp_path / "course").mkdir()
    return inbound


def hand_in(inbound, student, stamp=STAMP, text="{}"):
    folder = inbound / f"{student}+ps1+{stamp}+1a2b"
    folder.mkdir(parents=True)
    (folder / "activations.ipynb").write_text(text)
    (folder / "timestamp.txt").write_text(stamp)
    return folder


def run(kind, tmp_path, **options):
    """Run a command of the exchange in this process, with the course in `tmp_path`."""
    config = Config({"CourseDirectory": {"root": str(tmp_path / "course"), "course_id": "gradients", "assignment_id": "ps1"}})
    command = kind(coursedir=CourseDirectory(config=config), root=str(tmp_path / "exchange"), **{"check_owner": False, **options}) \
        if "Collect" in kind.__name__ else kind(coursedir=CourseDirectory(config=config), root=str(tmp_path / "exchange"))
    command.log = logging.getLogger("exchange")
    os.chmod(tmp_path / "exchange", 0o777)
    return command.start()


def collected(tmp_path):
    return {path.parent.parent.name for path in tmp_path.glob("course/submitted/*/ps1/activations.ipynb")}


JUNK = {
    "no time": lambda inbound: (inbound / "x+ps1+garbage").mkdir(),
    "no such day": lambda inbound: (inbound / "x+ps1+2030-99-99 10:00:00 UTC+1").mkdir(),
    "a number": lambda inbound: (inbound / "x+ps1+99999999999999999999+1").mkdir(),
    "a file": lambda inbound: (inbound / f"x+ps1+{STAMP}+1").write_text("x"),
    "a pipe": lambda inbound: os.mkfifo(inbound / f"x+ps1+{STAMP}+1"),
    "a loose link": lambda inbound: (inbound / f"x+ps1+{STAMP}+1").symlink_to("nowhere"),
    "a pipe inside": lambda inbound: os.mkfifo(hand_in(inbound, "x") / "pipe"),
    "a socket": lambda inbound: listen(inbound / f"x+ps1+{STAMP}+1"),
    "two links to each other": lambda inbound: [(inbound / f"x+ps1+{STAMP}+{one}").symlink_to(f"x+ps1+{STAMP}+{other}") for one, other in ("12", "21")],
    "a socket inside": lambda inbound: listen(hand_in(inbound, "x") / "socket"),
    "a link to itself": lambda inbound: (inbound / f"x+ps1+{STAMP}+1").symlink_to(f"x+ps1+{STAMP}+1"),
}


def listen(path):
    with socket.socket(socket.AF_UNIX) as one, contextlib.chdir(path.parent):      # a socket's address is short
        one.bind(path.name)


@pytest.mark.parametrize("junk", JUNK)
def test_junk_in_the_exchange_is_named_and_costs_nobody_else(junk, exchange, tmp_path, caplog):
    JUNK[junk](exchange)
    with pytest.raises((ValueError, OSError, OverflowError)):
        run(ExchangeCollect, tmp_path)
    for path in tmp_path.glob("course/submitted/*/ps1/*"):
        path.unlink()
    for path in tmp_path.glob("course/submitted/*/ps1"):
        path.rmdir()
    run(Collect, tmp_path)
    assert collected(tmp_path) >= {"student-01", "student-09"}
    assert "x+ps1+" in caplog.text


def test_a_folder_that_cannot_be_opened_is_named_and_costs_nobody_else(exchange, tmp_path, caplog, monkeypatch):
    closed = str(hand_in(exchange, "x"))

    def refuse(path, *arguments, real=os.open, **options):     # for root nothing is closed
        if str(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *arguments, **options)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        run(Collect, tmp_path)
    assert collected(tmp_path) == {"student-01", "student-09"} and "could not be opened (Permission denied)" in caplog.text
    submitted = tmp_path / "course" / "submitted"
    assert read_left(submitted, "ps1") == {os.path.basename(closed): "could not be opened (Permission denied)"}
    run(Collect, tmp_path, update=True)
    assert "x" in collected(tmp_path) and read_left(submitted, "ps1") == {}


@pytest.mark.parametrize("name", ["..", ".", ".hidden", "a\nb", "a\x1b[31mb", "a\udcff"])
def test_a_name_that_points_elsewhere_or_cannot_be_shown_is_not_collected(name, exchange, tmp_path, caplog):
    hand_in(exchange, name)
    run(Collect, tmp_path)
    assert collected(tmp_path) == {"student-01", "student-09"} and os.listdir(tmp_path / "course") == ["submitted"]
    assert "1 entries of the exchange were not collected" in caplog.text and "\x1b" not in caplog.text


def test_a_folder_in_the_name_of_another_unix_user_is_named_and_not_collected(exchange, tmp_path, caplog, monkeypatch):
    """It would be graded as theirs, and with a time stamp of tomorrow keep out what they hand in themselves."""
    hand_in(exchange, "daemon")
    with monkeypatch.context() as others:
        others.setattr("grading.notebooks.exchange.uid_of", lambda path: 4_000_000)
        run(Collect, tmp_path, check_owner=True)
    assert collected(tmp_path) == {"student-01", "student-09"} and "daemon+ps1" in caplog.text and "does not belong to the user" in caplog.text
    run(Collect, tmp_path, check_owner=True)        # it is ours: staff put it there
    assert "daemon" in collected(tmp_path)


def test_junk_of_ones_own_does_not_hide_what_one_handed_in_before(exchange, tmp_path):
    (exchange / "student-01+ps1+2031-01-01 10:00:00 UTC+1").symlink_to("/")
    run(Collect, tmp_path)
    assert "student-01" in collected(tmp_path)


def test_what_is_handed_in_again_replaces_the_earlier_only_once_it_is_whole(exchange, tmp_path, monkeypatch):
    run(Collect, tmp_path)
    hand_in(exchange, "student-01", "2030-01-02 10:00:00 UTC", "new")
    place = tmp_path / "course" / "submitted" / "student-01" / "ps1"
    with monkeypatch.context() as broken:
        broken.setattr(collect.Copy, "folder", lambda *_: open("/no/such/file"))
        run(Collect, tmp_path, update=True)
    assert (place / "activations.ipynb").read_text() == "{}"
    run(Collect, tmp_path, update=True)
    assert (place / "activations.ipynb").read_text() == "new" and os.listdir(place.parent) == ["ps1"]
    run(Collect, tmp_path, update=True)


@pytest.mark.parametrize("part", ["activations.ipynb", "data"])
def test_what_is_swapped_for_a_link_between_look_and_copy_is_not_followed(part, exchange, tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "answers.txt").write_text("every solution")
    folder = hand_in(exchange, "student-02")
    (folder / "data").mkdir()
    (folder / "data" / "answers.txt").write_text("mine")

    def look(name, *arguments, real=os.stat, **options):
        """Stands in for `os.stat`: looks, and then the student swaps."""
        found = real(name, *arguments, **options)
        if name == part and not (folder / part).is_symlink():
            (folder / part).rename(tmp_path / "kept")
            (folder / part).symlink_to(secret / "answers.txt" if stat.S_ISREG(found.st_mode) else secret)
        return found
    monkeypatch.setattr(os, "stat", look)
    run(Collect, tmp_path)
    monkeypatch.undo()
    assert (folder / part).is_symlink(), "the swap took place"
    for path in (tmp_path / "course").rglob("*"):
        assert path.is_symlink() or not path.is_file() or "every solution" not in path.read_text()


def test_a_file_that_grows_while_it_is_read_stays_within_the_cap(exchange, tmp_path, monkeypatch):
    folder = hand_in(exchange, "student-02")
    (folder / "data.bin").write_bytes(b"x")
    grown = b"y" * 5_000_000
    copy = collect.Copy(CourseDirectory(config=Config({"CourseDirectory": {"max_file_size": 1000}})))
    source = os.open(folder, os.O_RDONLY)
    monkeypatch.setattr(os, "fstat", lambda fd, real=os.fstat: (real(fd), (folder / "data.bin").write_bytes(grown))[0])
    assert "larger" in copy.file(source, "data.bin", str(tmp_path / "copy"))
    os.close(source)
    assert not (tmp_path / "copy").exists()


# --- feedback ---------------------------------------------------------------------------------------------------

@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")      # nbgrader leaves a file open
@pytest.mark.parametrize("lacking", ["timestamp.txt", "submission_secret.txt", "both", "a folder", "not text", "a link to itself", "a socket", "no page"])
def test_feedback_reaches_the_others_where_one_was_not_handed_in_through_the_exchange(lacking, tmp_path, caplog):
    (tmp_path / "exchange" / "gradients").mkdir(parents=True)
    for student in ("student-01", "student-02", "student-09"):
        folder = tmp_path / "course" / "feedback" / student / "ps1"
        folder.mkdir(parents=True)
        (folder / "activations.html").write_text(student)
        (folder / "timestamp.txt").write_text(STAMP)
        (folder / "submission_secret.txt").write_text(student)
    broken = tmp_path / "course" / "feedback" / "student-02" / "ps1"
    for name in ("timestamp.txt", "submission_secret.txt"):
        if lacking in (name, "both", "a folder", "a link to itself", "a socket"):
            (broken / name).unlink()
        if lacking == "a link to itself":
            (broken / name).symlink_to(name)
        if lacking == "a socket":
            listen(broken / name)
        if lacking == "a folder":
            (broken / name).mkdir()
        if lacking == "not text":
            (broken / name).write_bytes(b"\xff")
    if lacking == "no page":
        (broken / "activations.html").unlink()
        (broken / "activations.html").mkdir()
    with pytest.raises((OSError, UnicodeDecodeError)):
        run(ExchangeReleaseFeedback, tmp_path)
    for page in tmp_path.glob("exchange/gradients/feedback/*.html"):
        page.unlink()
    run(ReleaseFeedback, tmp_path)
    pages = sorted(page.read_text() for page in tmp_path.glob("exchange/gradients/feedback/*.html"))
    assert pages == ["student-01", "student-09"] and "'student-02': " in caplog.text


@pytest.mark.parametrize(("there", "said"), [(False, "there is no timestamp.txt"), (True, "its timestamp.txt is not one that the exchange writes")])
def test_a_time_stamp_that_was_not_used_is_not_said_to_be_missing(there, said, tmp_path):
    pages, handed_in = tmp_path / "feedback", tmp_path / "submitted"
    for folder in (pages, handed_in):
        folder.mkdir()
    if there:
        (handed_in / "timestamp.txt").write_text("yesterday, I think")
    assert lacks(str(pages), str(handed_in)).startswith(said)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")      # nbgrader leaves a file open
def test_feedback_reaches_a_student_whatever_lies_beside_the_notebook(tmp_path):
    handed_in, pages = tmp_path / "course" / "submitted" / "student-01" / "ps1", tmp_path / "course" / "feedback" / "student-01" / "ps1"
    for folder in (tmp_path / "exchange" / "gradients", handed_in, pages):
        folder.mkdir(parents=True)
    for name in (b"activations (1).ipynb", b"two\nlines.ipynb", b"\xff.ipynb", b".ipynb"):
        (handed_in / os.fsdecode(name)).touch()
    (handed_in / "link.ipynb").symlink_to("link.ipynb")
    for name, text in (("activations.html", "page"), ("timestamp.txt", STAMP), ("submission_secret.txt", "secret")):
        (pages / name).write_text(text)
    run(ReleaseFeedback, tmp_path)
    released = {path.name for path in tmp_path.glob("exchange/gradients/feedback/*.html")}
    assert released == {f"{notebook_hash(secret='secret', notebook_id=name)}.html" for name in ("activations", "activations (1)", "two\nlines")}
