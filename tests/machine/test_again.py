"""A hand-in that differs from what was graded is handed in again, whatever its time stamp says."""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from grading.notebooks import again, intake
from grading.notebooks.again import MARK, digest, mark_of, why_again
from grading.notebooks.submissions import fill, hand_in
from tests.conftest import SHORT_LIMITS, SUBMISSIONS, points_due

RIGHT, BLANK = SUBMISSIONS / "ps1" / "perfect-vectorised", SUBMISSIONS / "ps1" / "blank"


@pytest.fixture
def handed_in(tmp_path):
    """(submission, graded folder with its mark, made at a time after everything in the submission)."""
    folder, graded = tmp_path / "submitted", tmp_path / "autograded"
    (folder / "data").mkdir(parents=True)
    graded.mkdir()
    (folder / "activations.ipynb").write_bytes(b"{}\n")
    (folder / "data" / "x.csv").write_bytes(b"1\n2\n")
    (graded / MARK).write_bytes(mark_of(digest(folder), False))
    return folder, graded


CHANGES = {
    "another content": lambda folder: (folder / "activations.ipynb").write_bytes(b"{ }\n"),
    "another content of the same age": lambda folder: ((folder / "activations.ipynb").write_bytes(b"[]\n"),
                                                       os.utime(folder / "activations.ipynb", (1, 1))),
    "another name": lambda folder: (folder / "activations.ipynb").rename(folder / "activations (1).ipynb"),
    "one file more": lambda folder: (folder / "helper.py").touch(),
    "one file less": lambda folder: (folder / "data" / "x.csv").unlink(),
    "a pipe": lambda folder: os.mkfifo(folder / "pipe"),
    "a link": lambda folder: (folder / "link").symlink_to("/etc/hostname"),
}
SAME = {
    "nothing": lambda folder: None,
    "ends of lines": lambda folder: (folder / "activations.ipynb").write_bytes(b"{}\r\n"),
    "a time stamp": lambda folder: (folder / "timestamp.txt").write_text("2026-01-01 10:00:00 UTC"),
    "the exchange's secret": lambda folder: (folder / "submission_secret.txt").write_text("0" * 128),
    "the same once more": lambda folder: (folder / "activations.ipynb").write_bytes(b"{}\n"),
    "a cache": lambda folder: ((folder / "__pycache__").mkdir(), (folder / "__pycache__" / "x.pyc").touch()),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_other_content_is_handed_in_again(change, handed_in):
    folder, graded = handed_in
    change(folder)
    assert why_again(folder, graded) == "handed in again"


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_same_content_is_not(change, handed_in):
    folder, graded = handed_in
    change(folder)
    assert why_again(folder, graded) is None


def test_what_was_refused_is_looked_at_again(handed_in):
    folder, graded = handed_in
    (graded / MARK).write_bytes(mark_of(digest(folder), True))
    assert why_again(folder, graded) == "refused before"


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"\n\n"])
def test_a_mark_that_is_none_says_nothing(content, handed_in):
    folder, graded = handed_in
    (graded / MARK).unlink()
    if content is not None:
        (graded / MARK).write_bytes(content)
    assert why_again(folder, graded) is None


def test_files_that_were_not_touched_are_not_read_again(handed_in, monkeypatch):
    folder, graded = handed_in
    later = max(path.lstat().st_ctime_ns for path in [folder, *folder.rglob("*")]) + 1
    os.utime(graded / MARK, ns=(later, later))
    monkeypatch.setattr(again, "digest", None)
    assert why_again(folder, graded) is None


def test_no_more_is_read_of_a_submission_than_grading_could_take(tmp_path, monkeypatch):
    """Two thousand files of nothing but holes would be read for minutes."""
    read, content_of = [], again.content_of

    def reading(path, room):
        read.append(content_of(path, room))
        return read[-1]
    monkeypatch.setattr(again, "content_of", reading)
    monkeypatch.setattr(again, "MAX_READ", 2**20)
    for number in range(9):
        with open(tmp_path / f"{number}.bin", "wb") as file:
            file.truncate(2**18)
    before = digest(tmp_path)
    assert [size for _, size in read] == [2**18] * 4 + [0] * 5
    (tmp_path / "3.bin").write_bytes(b"1" * 2**18)
    assert digest(tmp_path) != before
    (tmp_path / "8.bin").write_bytes(b"another size")
    assert digest(tmp_path) != before


def test_a_large_file_does_not_hide_what_changes_behind_it(tmp_path, monkeypatch):
    """It took all the room, so that of the notebook the size alone counted: it could be changed as often as one liked."""
    monkeypatch.setattr(again, "MAX_READ", 2**20)
    monkeypatch.setattr(again, "MAX_FILE", 2**19)
    sizes = {"a.bin": 2**20, "b.bin": 2**19, "c.bin": 2**19}
    for name, size in sizes.items():
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    found = set()
    for content in ("1", "2", "3"):
        (tmp_path / "d.ipynb").write_text(content)
        found |= {digest(tmp_path), digest(tmp_path)}
    assert len(found) == 3


MANY = {     # more than what is looked at, and what must be seen to change all the same
    "data/{}.csv": ["remedies.ipynb"], "{}.csv": ["remedies.ipynb"], "data/{}/x.csv": ["remedies.ipynb"],
    ".git/objects/{}": ["remedies.ipynb", "work/helper.py"], ".{}": ["remedies.ipynb", "work/helper.py"]}


@pytest.mark.parametrize("pattern", MANY)
def test_many_files_do_not_hide_what_changes_behind_them(pattern, tmp_path, monkeypatch):
    """A folder of data was all that the digest covered: a notebook that was handed in again was never graded again."""
    monkeypatch.setattr(again, "MAX_ENTRIES", 20)
    for path in [tmp_path / pattern.format(number) for number in range(30)] + [tmp_path / "work" / "helper.py"]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert len(again.entries(tmp_path)) <= 40
    found = {digest(tmp_path)}
    for name in MANY[pattern]:
        for content in ("1", "2"):
            (tmp_path / name).write_text(content)
            found.add(digest(tmp_path))
    assert len(found) == 1 + 2 * len(MANY[pattern])


def test_all_that_grading_looks_at_is_in_the_digest(tmp_path, monkeypatch):
    monkeypatch.setattr(again, "MAX_ENTRIES", 20)
    monkeypatch.setattr(intake, "MAX_ENTRIES", 20)
    for folder in (".git", "a", "a/b", "c", "__pycache__"):
        (tmp_path / folder).mkdir()
        for number in range(9):
            (tmp_path / folder / f"{number}.txt").touch()
            (tmp_path / folder / f".{number}").touch()
    (tmp_path / "c" / "x.ipynb").touch()
    files, notebooks = intake.walk(tmp_path, intake.IGNORED, [])
    assert len(files) > 10 and {*files, *notebooks} <= {name for name, _ in again.entries(tmp_path)}


def test_a_million_folders_are_not_walked_through(tmp_path, monkeypatch):
    """Each was looked into, at each look at the class, for only files were counted."""
    monkeypatch.setattr(again, "MAX_ENTRIES", 20)
    for number in range(100):
        (tmp_path / f"{number}" / "deeper").mkdir(parents=True)
    looked, listed = [], again.listed
    monkeypatch.setattr(again, "listed", lambda place: looked.append(place) or listed(place))
    digest(tmp_path)
    assert len(looked) <= 41


# --- bounds, each at its edge -------------------------------------------------------------------------------------

def filled(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


def test_what_lies_in_a_folder_is_looked_at_before_its_folders_and_these_in_order(tmp_path):
    filled(tmp_path, "z.ipynb", "p.py", "b/2.py", "b/timestamp.txt", "a/y/3.py", "a/1.py", "a/x/4.py", "timestamp.txt", "__pycache__/5.pyc", "a/.ipynb_checkpoints/6")
    (tmp_path / "c").symlink_to(tmp_path / "a")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    found = [(name, holds_more) for name, _, holds_more in again.looked_at(tmp_path)]
    assert [name for name, holds_more in found if not holds_more] == ["z.ipynb", "itself", "p.py", "a/1.py", "a/x/4.py", "a/y/3.py", "b/2.py", "b/timestamp.txt"]
    assert [name for name, holds_more in found if holds_more] == ["__pycache__", "a", "b", "c", "a/.ipynb_checkpoints", "a/x", "a/y"]
    assert [name for name, _ in again.entries(tmp_path)] == sorted(name for name, holds_more in found if not holds_more)


@pytest.mark.parametrize("most", range(1, 13))
def test_as_many_are_looked_at_as_count_and_what_is_left_out_has_room_of_its_own(most, tmp_path, monkeypatch):
    filled(tmp_path, "1", "2", "a/3", "a/4.swp~", "b/5", "b/6", "x.pyc", "y.pyc", "z.pyc")
    monkeypatch.setattr(again, "MAX_ENTRIES", most)
    monkeypatch.setattr(again, "NOT_TAKEN", re.compile(r".*\.pyc$|^b$"))
    found = [name for name, _, _ in again.looked_at(tmp_path)]
    assert [name for name in found if not name.startswith("b") and "pyc" not in name] == ["1", "2", "a", "a/3", "a/4.swp~"][:most]
    assert [name for name in found if name.startswith("b") or "pyc" in name] == ["b", "x.pyc", "y.pyc", "z.pyc", "b/5", "b/6"][:most]


def test_a_folder_that_is_called_as_what_is_left_out_is_looked_into_and_one_that_is_gone_is_not(tmp_path):
    filled(tmp_path, "timestamp.txt/1.py")
    assert [name for name, _ in again.entries(tmp_path)] == ["timestamp.txt/1.py"] and again.listed("/no/such/folder") == []


def test_folders_are_looked_into_eight_deep(tmp_path):
    filled(tmp_path, *("/".join(["d"] * deep + ["f"]) for deep in (7, 8, 9)))
    assert [name.count("/") for name, _ in again.entries(tmp_path)] == [8, 7]


@pytest.mark.parametrize(("one", "other", "same"), [
    (b"a\r\nb", b"a\nb", True), (b"a\rb", b"ab", False), (b"ab\r", b"ab", False), (b"ab\r", b"ab\n", False), (b"a\r\r\n", b"a\r\n", False),
    (b"a\r\r\n", b"a\r\n", False), (b"\r\n\r\n", b"\n\n", True), (b"a\r", b"a\r\n", False), (b"a\r\nb\r", b"a\nb\r", True)])
@pytest.mark.parametrize("piece", [1, 2, 3, 2**20])
def test_ends_of_lines_are_alike_wherever_a_piece_ends(one, other, same, piece, tmp_path, monkeypatch):
    monkeypatch.setattr(again, "PIECE", piece)
    found = []
    for content in (one, other):
        (tmp_path / "x").write_bytes(content)
        found.append(again.content_of(str(tmp_path / "x"), 100))
    assert (found[0][0] == found[1][0]) is same and [size for _, size in found] == [len(one), len(other)]


@pytest.mark.parametrize(("size", "room", "read"), [(5, 5, 5), (6, 5, 0), (5, 6, 5), (8, 100, 8), (9, 100, 0), (0, 0, 0)])
def test_a_file_is_read_up_to_the_room_that_is_left_and_to_what_a_notebook_may_be(size, room, read, tmp_path, monkeypatch):
    monkeypatch.setattr(again, "MAX_FILE", 8)
    (tmp_path / "x").write_bytes(b"1" * size)
    found, taken = again.content_of(str(tmp_path / "x"), room)
    (tmp_path / "x").write_bytes(b"2" * size)
    assert taken == read and (again.content_of(str(tmp_path / "x"), room)[0] == found) is (size == 0), "the time of a change counts where nothing is read"


def test_a_file_that_is_gone_has_no_size():
    assert again.about("/no/such/file") == "" and again.MAX_READ == 4 * again.MAX_FILE == 2**30
    assert again.content_of("/no/such/file", 5)[1] == 0


@pytest.mark.parametrize("late", [0, 1, 2])
def test_what_changed_at_the_moment_itself_counts_as_changed(late, tmp_path):
    filled(tmp_path, "a/x")
    (tmp_path / "link").symlink_to("/no/such/file")
    times = {place.lstat().st_ctime_ns for place in (tmp_path, tmp_path / "a", tmp_path / "a" / "x", tmp_path / "link")}
    for moment in (*times, max(times) + late):
        assert again.untouched_since(tmp_path, moment) is (moment > max(times))
    assert again.untouched_since(tmp_path / "none", max(times)) is False


def test_a_folder_from_which_something_was_taken_is_touched(tmp_path):
    filled(tmp_path, "a/x")
    before = max(place.lstat().st_ctime_ns for place in (tmp_path, tmp_path / "a", tmp_path / "a" / "x"))
    while tmp_path.lstat().st_ctime_ns <= before + 1:       # the clock of a file system goes in steps
        os.utime(tmp_path)
    taken = tmp_path.lstat().st_ctime_ns
    assert [again.untouched_since(tmp_path, moment) for moment in (taken - 1, taken, taken + 1)] == [False, False, True]


@pytest.mark.parametrize(("mark", "due"), [("0" * 64, "handed in again"), ("f" * 64, "handed in again"), ("0" * 64 + "\nrefused", "handed in again"),
                                           ("same", None), ("same\nrefused", "refused before")])
def test_what_was_touched_and_holds_the_same_is_the_same(mark, due, handed_in):
    folder, graded = handed_in
    (graded / MARK).write_text(mark.replace("same", digest(folder)))
    os.utime(graded / MARK, (1, 1))
    assert why_again(folder, graded) == due


def test_a_mark_says_what_was_graded_and_whether_something_was_refused():
    assert (mark_of("d", False), mark_of("d", True)) == (b"d\n", b"d\nrefused\n")


@pytest.mark.parametrize(("stamp", "before", "graded", "due"), [
    ("2026-03-01 10:00:00 UTC", "2026-03-01 09:59:59 UTC", True, "newer"), ("2026-03-01 10:00:00 UTC", "2026-03-01 10:00:00 UTC", True, "again"),
    ("2026-03-01 09:00:00 UTC", "2026-03-01 10:00:00 UTC", True, "again"), ("2026-03-01 10:00:00 UTC", "2026-03-01 11:00:00 Europe/Berlin", True, "again"),
    ("2026-03-01 10:00:00 UTC", "2026-03-01 10:30:00 Europe/Berlin", True, "newer"), ("2026-03-01 10:00:00 UTC", None, True, "again"), (None, "2026-03-01 10:00:00 UTC", True, "again"), ("2026-03-01 10:00:00 UTC", None, False, "new")])
def test_what_has_a_newer_stamp_is_graded_and_else_the_content_counts(stamp, before, graded, due, tmp_path, monkeypatch):
    monkeypatch.setattr(again, "why_again", lambda *folders: "again")
    (tmp_path / "submitted").mkdir()
    if graded:
        (tmp_path / "graded").mkdir()
    for name, text in (("submitted", stamp), ("graded", before)):
        if text:
            (tmp_path / name / "timestamp.txt").write_text(text)
    assert again.needs_grading(tmp_path / "submitted", tmp_path / "graded") == due


def replaced(root, case):
    """The submission as an LMS would bring it: other content, old time, no time stamp of the exchange."""
    path = root / "submitted" / "student-01" / "ps1" / "activations.ipynb"
    text = (case / "activations.py").read_text()
    notebook = fill(nbformat.read(root / "release" / "ps1" / "activations.ipynb", as_version=4), text)
    path.unlink()
    nbformat.write(notebook, path)
    os.utime(path, (1e9, 1e9))


def score(root):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return gradebook.find_submission("ps1", "student-01").score


@pytest.mark.sandbox
def test_both_commands_grade_what_replaced_a_blank_file_and_neither_grades_it_twice(course_folder, nbgrader):
    root = course_folder("ps1")
    hand_in(BLANK, root / "release" / "ps1", root / "submitted" / "student-01" / "ps1")
    said = nbgrader("autograde", "ps1", *SHORT_LIMITS, cwd=root)
    assert said.returncode == 0 and score(root) == 0, said.stdout
    replaced(root, RIGHT)
    said = nbgrader("autograde", "ps1", *SHORT_LIMITS, cwd=root)
    assert said.returncode == 0 and score(root) == points_due(RIGHT), said.stdout
    from grading.run.course import Course
    from grading.tools.grade import grade_class
    from rich.console import Console
    import io
    screen = io.StringIO()
    assert grade_class(Console(file=screen, width=200), root, "ps1", (), 1, None, False, False) == 0
    assert "1 submissions, 0 to grade" in screen.getvalue()
    replaced(root, BLANK)
    (waiting,) = Course(root).submissions("ps1")
    assert waiting.why == "handed in again"
    assert grade_class(Console(file=screen, width=200), root, "ps1", (), 1, None, False, False) == 0
    assert score(root) == 0 and Course(root).submissions("ps1")[0].why is None
    mark = Path(root, "autograded", "student-01", "ps1", MARK)
    assert mark.read_text().split() == [digest(root / "submitted" / "student-01" / "ps1")]
    shutil.rmtree(root / "autograded")
    assert Course(root).submissions("ps1")[0].why == "new"
