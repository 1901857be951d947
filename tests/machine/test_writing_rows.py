"""What the one writer decides, without a gradebook: which rows a submission gets, which folder stands at the end, which line the audit gets."""

import os
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from nbgrader.api import MissingEntry

from grading.notebooks.again import MARK
from grading.run import gradebook
from grading.run.audit import REGRADED, Act
from grading.run.batch import Graded
from grading.run.gradebook import NotGenerated, Writer, commit, complete, find_generated
from grading.run.journal import Rows

CELLS = {1: ("nb", {10: ("test_a", "GradeCell"), 11: ("a", "SolutionCell"), 12: ("task", "TaskCell"), 13: ("text", "SourceCell")})}


def raising(error):
    raise error


@dataclass
class Standing:
    """The rows of a submission by what they are worth."""
    standing: dict
    graded: bool = True


def worth(points, graded=True):
    return Standing({"points": points}, graded)


class Database:
    """A session that notes what is done with it; `fails` at a commit."""

    def __init__(self, done, fails=None):
        self.done, self.fails, self.autoflush, self.no_autoflush = done, fails, True, nullcontext()

    def commit(self):
        self.done.append("commit")
        if self.fails:
            raise self.fails

    def __getattr__(self, name):
        return lambda *arguments: self.done.append(name)


@pytest.fixture
def done():
    return []


@pytest.fixture
def writer(tmp_path, done):
    """A writer of the assignment ps1 below tmp_path, of the notebook nb."""
    writer = Writer.__new__(Writer)
    writer.coursedir = SimpleNamespace(root=str(tmp_path), autograded_directory="autograded", groupshared=False,
                                       format_path=lambda step, student, assignment: str(tmp_path / step / student / assignment))
    writer.assignment, writer.assignment_id, writer.late_plugin, writer.db = "ps1", 5, "late", Database(done)
    writer.cells, writer.wanted, writer.gradebook = CELLS, {"nb": {"test_a": {}}}, SimpleNamespace(close=lambda: done.append("closed"))
    return writer


@pytest.fixture
def journal(monkeypatch, done):
    """The journal, which notes what is written into it."""
    for name in ("intend", "keep", "fulfilled", "forget", "drop"):
        monkeypatch.setattr(gradebook.journal, name, lambda root, intent, *more, name=name: done.append((name, intent, *more)))
    monkeypatch.setattr(gradebook.journal, "sync_all", lambda folder: done.append("on the disk"))


# --- the rows of an assignment --------------------------------------------------------------------------------------

def test_an_assignment_of_which_only_the_deadline_is_known_is_not_generated():
    with_one, without = SimpleNamespace(notebooks=[1]), SimpleNamespace(notebooks=[])
    assert find_generated(SimpleNamespace(find_assignment=lambda name: with_one), "ps1") is with_one
    for find in (lambda name: without, lambda name: raising(MissingEntry())):
        with pytest.raises(NotGenerated, match="^The gradebook does not know the notebooks of ps 1. Generate it first: nbgrader generate_assignment 'ps 1' --force$"):
            find_generated(SimpleNamespace(find_assignment=find), "ps 1")


def test_a_writer_lets_go_of_a_gradebook_that_does_not_know_the_assignment(monkeypatch, done):
    row = SimpleNamespace(id=7, notebooks=[SimpleNamespace(name="nb", kernelspec='{"name": "python3"}'), SimpleNamespace(name="other", kernelspec=None)])
    known = SimpleNamespace(db=Database(done), close=lambda: done.append("closed"), find_assignment=lambda name: row)
    monkeypatch.setattr(gradebook, "Gradebook", lambda url, course: known)
    monkeypatch.setattr(gradebook, "cells_of", lambda row: CELLS)
    monkeypatch.setattr(gradebook, "canon", lambda notebook: f"canon of {notebook.name}")
    about = SimpleNamespace(db_url="sqlite://", course_id="c")
    with Writer(about, "ps1") as writer:
        assert writer.db.autoflush is False and writer.assignment_id == 7 and done == []
        assert writer.notebooks() == {"nb": {"wanted": "canon of nb", "kernelspec": {"name": "python3"}}, "other": {"wanted": "canon of other", "kernelspec": None}}
    assert done == ["closed"]
    row.notebooks = []
    with pytest.raises(NotGenerated):
        Writer(about, "ps1")
    assert done == ["closed", "closed"]


def test_what_is_taken_off_and_who_has_to_look_is_told_by_the_rows():
    def submission(*penalties, waiting=()):
        return SimpleNamespace(notebooks=[SimpleNamespace(late_submission_penalty=one, grades=[SimpleNamespace(needs_manual_grade=row) for row in waiting])
                                          for one in penalties])
    assert gradebook.penalty_of(submission(0.5, None, 0.25)) == 0.75 and gradebook.penalty_of(submission()) == 0
    assert [gradebook.waits_for_a_person(submission(None, waiting=rows)) for rows in ((), (False, None), (False, True))] == [False, False, True]


def test_a_submission_gets_the_rows_that_it_lacks_and_none_twice():
    submission = SimpleNamespace(notebooks=[])
    for _ in range(2):
        complete(submission, {**CELLS, 2: ("empty", {})})
        one, other = submission.notebooks
        assert [row.cell_id for row in one.grades] == [10, 12] and [row.cell_id for row in one.comments] == [11, 12]
        assert (one.notebook_id, other.notebook_id, list(other.grades)) == (1, 2, [])


@pytest.mark.parametrize(("before", "now", "line"), [(worth(1), worth(2), True), (worth(1), worth(1), False), (worth(2), worth(1), True),
                                                     (worth(0, graded=False), worth(2), False)])
def test_a_line_is_written_where_points_change_that_were_there(before, now, line, journal, done, monkeypatch):
    monkeypatch.setattr(gradebook, "all_rows", lambda assignment, submissions: {"student-01": now})
    monkeypatch.setattr(gradebook, "at_work", lambda coursedir: nullcontext())
    monkeypatch.setattr(gradebook.journal, "intended", lambda act, name, student, rows: (name, student))
    monkeypatch.setattr(gradebook.journal, "seen", lambda intent, rows: (*intent, "seen"))
    commit(SimpleNamespace(root="/course"), SimpleNamespace(db=Database(done)), SimpleNamespace(name="ps1"), Act("x"), {"student-01": before}, [])
    assert done == ["flush", *[("intend", ("ps1", "student-01"))] * line, "commit", *[("fulfilled", ("ps1", "student-01", "seen"))] * line]


# --- one submission -------------------------------------------------------------------------------------------------

def act(how="", undoes=""):
    return Act("words", how=how, undoes=undoes)


@pytest.mark.parametrize(("acted", "before", "after", "due"), [
    (act("g"), worth(1), worth(2), True), (act("g"), worth(2), worth(1), True), (act("g"), worth(1), worth(1), False), (act("g"), worth(0, False), worth(1), False),
    (act("zz"), worth(1), worth(1), False), (act(REGRADED), worth(1), worth(1), True), (act("".join([*REGRADED])), worth(0, False), worth(0, False), True),
    (act("g", "run"), worth(1), worth(1), True), (act("g", "run"), worth(0, False), worth(1), True)])
def test_the_audit_gets_a_line_for_a_regrade_an_undo_and_points_that_change(acted, before, after, due, writer, monkeypatch):
    asked = []
    monkeypatch.setattr(gradebook.journal, "intended", lambda *words, **more: asked.append((words, more)) or "intent")
    monkeypatch.setattr(gradebook.journal, "digests_of", lambda folder, keys: folder.name)
    monkeypatch.setattr(gradebook.journal, "state", lambda folder: f"state of {folder.name}")
    target = Path("/autograded/student-01/ps1")
    for changes in (None, [], ["x"]):
        assert writer.intent(acted, "student-01", target, before, after, changes) == ("intent" if due else None)
    more = {"by": {"old": "ps1", "new": ".ps1.partial"}, "graded": {"old": "state of ps1", "new": "state of .ps1.partial"}}
    words = (acted, "ps1", "student-01", before, after)
    assert asked == ([(words, more), (words, {"changes": [], **more}), (words, {"changes": ["x"], **more})] if due else [])


@pytest.mark.parametrize(("how", "keep"), [(REGRADED, True), ("".join([*REGRADED]), True), ("zz", False), ("a", False)])
@pytest.mark.parametrize("intent", [SimpleNamespace(entry="entry"), None])
def test_a_graded_submission_is_stored_in_this_order_or_not_at_all(how, keep, intent, writer, done, monkeypatch):
    for name in ("review", "write_folder", "store_rows"):
        monkeypatch.setattr(Writer, name, lambda self, *about, name=name: done.append(name))
    monkeypatch.setattr(gradebook, "rows_of", lambda submission, cells: done.append("rows") or "rows")
    monkeypatch.setattr(Writer, "submission", lambda self, graded: "submission")
    monkeypatch.setattr(Writer, "intent", lambda self, *about: done.append(about[-1]) or intent)
    monkeypatch.setattr(Writer, "swap", lambda self, student, intent, keep: done.append((student, intent, keep)))
    assert writer.store(Graded("student-01"), act(how), ["x"]) == (intent and "entry")
    assert done == ["rows", "review", "write_folder", "store_rows", "rows", ["x"], ("student-01", intent, keep)]
    del done[:]
    _, partial = gradebook.beside(writer.place("student-01"))[::-1]
    partial.mkdir(parents=True)
    monkeypatch.setattr(Writer, "intent", lambda self, *about: raising(KeyError()))
    with pytest.raises(KeyError):
        writer.store(Graded("student-01"))
    assert done[-1] == "rollback" and not partial.exists()


def folders(writer, **contents):
    """Folders of student-01 that hold one file each: {"target": text, "partial": text, "old": text}."""
    target = writer.place("student-01")
    places = dict(zip(("target", "partial", "old"), (target, *gradebook.beside(target))))
    for name, text in contents.items():
        places[name].mkdir(parents=True)
        (places[name] / "file").write_text(text)
    return lambda: {name: (place / "file").read_text() for name, place in places.items() if place.exists()}


INTENT = SimpleNamespace(entry=SimpleNamespace(student="student-01", because="graded again"))


@pytest.mark.parametrize("there", [{}, {"target": "before"}, {"target": "before", "old": "left over"}])
@pytest.mark.parametrize(("intent", "keep"), [(None, False), (INTENT, False), (INTENT, True)])
def test_a_new_folder_takes_the_place_of_the_other_once_the_rows_are_committed(there, intent, keep, writer, journal, done):
    look = folders(writer, partial="new", **there)
    writer.swap("student-01", intent, *[True] * keep)
    assert look() == {"target": "new"}
    before = ["on the disk", ("intend", intent)] if intent else []
    assert done == [*before, *[("keep", intent, writer.place("student-01"))] * keep, "commit", *[("fulfilled", intent)] * bool(intent), "expunge_all"]


@pytest.mark.parametrize("there", [{}, {"target": "before"}])
@pytest.mark.parametrize("intent", [None, INTENT])
def test_where_the_rows_cannot_be_committed_all_is_as_it_was(there, intent, writer, journal, done, monkeypatch):
    look = folders(writer, partial="new", **there)
    writer.db.fails = OSError("locked")
    monkeypatch.setattr(Writer, "settle_one", lambda self, intent: done.append(("settled", look())))
    with pytest.raises(OSError, match="locked"):
        writer.swap("student-01", intent)
    if intent:
        assert done[-2:] == ["rollback", ("settled", {"partial": "new", **({"old": "before"} if there else {})})]
    else:
        assert done[-1] == "rollback" and look() == there


def test_an_older_folder_is_not_moved_over_one_that_stands_there(writer, done, monkeypatch):
    look = folders(writer, target="before", partial="new", old="left over")
    monkeypatch.setattr(gradebook.shutil, "rmtree", lambda folder, ignore_errors: raising(KeyError()) if folder.name.endswith("old") else None)
    with pytest.raises(KeyError):
        writer.swap("student-01", None)
    assert look() == {"target": "before", "partial": "new", "old": "left over"}


def test_a_look_at_what_would_wait_for_a_person_stores_nothing(writer, done, monkeypatch):
    monkeypatch.setattr(Writer, "review", lambda self, submission, graded, folder: done.append((submission, folder)))
    for known in (None, "submission"):
        monkeypatch.setattr(Writer, "known", lambda self, student, known=known: known)
        writer.look(Graded("student-01"))
    assert done == ["rollback", "expunge_all", ("submission", writer.place("student-01")), "rollback", "expunge_all"]


# --- what a person had judged ---------------------------------------------------------------------------------------

def submission_of(*notebooks):
    return SimpleNamespace(notebooks=[SimpleNamespace(
        notebook_id=number, id=number * 100, grades=[SimpleNamespace(cell_id=10, manual_score=3.0), SimpleNamespace(cell_id=12, manual_score=None)],
        comments=[SimpleNamespace(cell_id=11, auto_comment="old"), SimpleNamespace(cell_id=12, auto_comment="old")]) for number in notebooks])


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize(("people", "found", "text"), [
    (True, {"test_a": "seen"}, '{"nb": 1}'), (True, {}, '{"nb": 1}'), (False, {"test_a": "seen"}, '{"nb": 1}'), (True, {"test_a": "seen"}, "unreadable")])
def test_what_was_changed_of_what_a_person_judged_goes_into_what_was_graded(people, found, text, settled, writer, monkeypatch):
    asked = []
    writer.cells = {2: ("absent", CELLS[1][1]), **CELLS}
    monkeypatch.setattr(gradebook, "judged", lambda *about: asked.append(about) or SimpleNamespace(people=people))
    monkeypatch.setattr(gradebook, "is_settled", lambda before, notes, mark: asked.append(("settled", notes, mark)) or settled)
    monkeypatch.setattr(gradebook, "review", lambda nb, wanted, before, points, mark: asked.append((nb, points, mark)) or found)
    monkeypatch.setattr(gradebook, "notebook_of", lambda text: {"read": text} if text != "unreadable" else None)
    monkeypatch.setattr(gradebook, "notebook_text", lambda nb: f"reviewed {nb['read']}")
    scores = {("".join(["n", "b"]), "test_a"): 1.0, ("a", "x"): 2.0, ("z", "x"): 3.0}
    graded = Graded("student-01", notebooks={"nb": text}, scores=scores, files=((MARK, b"digest\nmore"),))
    submission = submission_of(2, 1)
    writer.review(submission, graded, Path("/folder"))
    judged, noted, *reviewed = asked
    notebook = submission.notebooks[1]
    assert judged == (Path("/folder"), "nb", writer.wanted["nb"], {"test_a": notebook.grades[0], "task": notebook.grades[1]},
                      {"a": notebook.comments[0], "task": notebook.comments[1]})
    assert noted == ("settled", graded.notes_on("nb"), "digest") and graded.settled == ({"nb"} if settled else set())
    nb = None if text == "unreadable" else {"read": text}
    assert reviewed == ([(nb, {"test_a": 1.0}, "digest")] if people else [])
    if people and found:
        assert graded.changed == {("nb", "test_a"): "seen"} and graded.judged == {"test_a": 3.0, "task": None}
        assert graded.notebooks == {"nb": f"reviewed {text}\n" if nb else text}
    else:
        assert not graded.changed and not graded.judged and graded.notebooks == {"nb": text}


@pytest.mark.parametrize(("notes", "settled", "look"), [(("", ("odd",)), set(), True), (("", ("odd",)), {"nb"}, False), (("", ()), set(), False)])
def test_every_row_of_a_submission_is_stored_and_somebody_looks_at_what_was_odd(notes, settled, look, writer, done, monkeypatch):
    monkeypatch.setattr(Writer, "store_grade", staticmethod(lambda grade, *about: done.append((grade.cell_id, *about[:2]))))
    monkeypatch.setattr(Writer, "store_penalties", lambda self, submission, graded: done.append("penalties"))
    monkeypatch.setattr(gradebook, "have_somebody_look", lambda grades, wanted: done.append((sorted(grades), wanted)))
    monkeypatch.setattr(Graded, "notes_on", lambda self, name: notes)
    graded = Graded("student-01", comments={("nb", "a"): "No response.", ("other", "task"): "x"}, settled=settled)
    submission = submission_of(1)
    writer.store_rows(submission, graded)
    assert done == [(10, "nb", "test_a"), (12, "nb", "task"), *[(["task", "test_a"], {"test_a": {}})] * look, "flush", "penalties"]
    assert [row.auto_comment for row in submission.notebooks[0].comments] == ["No response.", "old"]


@pytest.mark.parametrize("student", [None, "row"])
@pytest.mark.parametrize("known", [None, SimpleNamespace(timestamp="before")])
@pytest.mark.parametrize("stamp", [None, "2026-03-01 10:00:00 UTC"])
def test_a_submission_is_made_once_and_keeps_its_time_where_none_is_said(student, known, stamp, writer, done, monkeypatch):
    writer.db.get = lambda kind, name: student
    writer.db.add = lambda row: done.append(type(row).__name__)
    monkeypatch.setattr(Writer, "known", lambda self, student: known)
    monkeypatch.setattr(gradebook, "complete", lambda row, cells: done.append(cells))
    found = writer.submission(Graded("student-01", stamp))
    assert done == [*["Student"] * (student is None), *[CELLS, "SubmittedAssignment"] * (known is None)]
    assert known is None or found is known
    assert str(found.timestamp) == ("2026-03-01 10:00:00" if stamp else "before" if known else "None")
    if known:
        known.timestamp = "before"


@dataclass
class Grade:
    manual_score: float | None = None
    auto_score: float | None = None
    needs_manual_grade: bool = False
    max_score: float = 2.0


@dataclass
class OfNotebook:
    refused: dict = field(default_factory=dict)
    settled: set = field(default_factory=set)
    changed: dict = field(default_factory=dict)
    notebooks: dict = field(default_factory=lambda: {"nb": "{}"})
    scores: dict = field(default_factory=lambda: {("nb", "test_a"): 1.0})


@pytest.mark.parametrize(("grade", "graded", "due"), [
    (Grade(), OfNotebook(), (1.0, False)), (Grade(), OfNotebook(scores={}), (None, True)), (Grade(manual_score=2.0), OfNotebook(scores={}), (None, False)),
    (Grade(), OfNotebook(refused={"nb": "unreadable"}), (1.0, True)), (Grade(), OfNotebook(refused={"nb": "unreadable"}, settled={"nb"}), (1.0, False)),
    (Grade(), OfNotebook(settled={"nb"}), (1.0, False)), (Grade(), OfNotebook(changed={("nb", "test_a"): 1}), (1.0, True)),
    (Grade(), OfNotebook(changed={("nb", "other"): 1}), (1.0, False)), (Grade(3.0, 1.0, True), OfNotebook(), (1.0, True)), (Grade(3.0, 1.0, False), OfNotebook(), (1.0, False)),
    (Grade(None, 2.0, True), OfNotebook(notebooks={}), (0, False)), (Grade(3.0, 2.0, True), OfNotebook(notebooks={}), (0, False))])
def test_a_cell_has_the_points_of_the_checks_and_waits_where_a_person_has_to_look(grade, graded, due):
    Writer.store_grade(grade, "nb", "test_a", graded)
    assert (grade.auto_score, grade.needs_manual_grade) == due


def test_what_was_not_handed_in_is_not_late(writer, monkeypatch, done):
    writer.cells = {**CELLS, 2: ("absent", {})}
    monkeypatch.setattr(gradebook.penalties, "renew", lambda submission, plugin, notebooks: done.append((plugin, notebooks)))
    writer.store_penalties(submission_of(1, 2), Graded("student-01", notebooks={"nb": "{}"}))
    assert done == ["refresh", ("late", {100})]


# --- the folder, and what a killed run left -------------------------------------------------------------------------

def test_a_folder_holds_what_was_graded_for_its_owner_or_group_to_write(writer, tmp_path):
    graded = Graded("student-01", notebooks={"nb": "{ü}"}, files=(("data/deep/x.csv", b"1"), ("data/y.csv", b"2"), (MARK, b"digest"), ("!.txt", b""), ("zz", b"")), read_at=1_700_000_000_000_000_005)
    place = tmp_path / "autograded" / "new"
    for shared, mode in ((False, 0o444), (True, 0o664)):
        writer.coursedir.groupshared = shared
        writer.write_folder(graded, place)
        found = {str(path.relative_to(place)): path for path in place.rglob("*") if path.is_file()}
        assert {name: path.read_bytes() for name, path in found.items()} == {**dict(graded.files), "nb.ipynb": "{ü}".encode()}
        assert {path.stat().st_mode & 0o777 for path in found.values()} == {mode}
        assert [name for name, path in found.items() if path.stat().st_mtime_ns == graded.read_at] == [MARK]
        (place / "left").touch()


def test_the_mark_is_known_by_its_name_and_not_by_its_object(writer, tmp_path):
    writer.write_folder(Graded("student-01", files=(("".join([*MARK]), b""),), read_at=5), tmp_path / "new")
    assert (tmp_path / "new" / MARK).stat().st_mtime_ns == 5


def test_what_was_left_half_way_is_removed_and_nothing_else(writer, tmp_path, monkeypatch):
    monkeypatch.setattr(Writer, "settle", lambda self: ["said"])
    for name in ("a/.ps1.partial/x", "b/.ps1.old", "a/ps1", "a/.ps2.old", "a/.ps1x"):
        (tmp_path / "autograded" / name).mkdir(parents=True)
    asked, rmtree = [], gradebook.shutil.rmtree
    monkeypatch.setattr(gradebook.shutil, "rmtree", lambda folder, ignore_errors: (asked.append(ignore_errors), rmtree(folder)))
    assert writer.tidy() == ["said"] and asked == [True, True]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["autograded", "autograded/a", "autograded/a/.ps1x", "autograded/a/.ps2.old", "autograded/a/ps1", "autograded/b"]


def test_each_intent_on_this_assignment_is_settled_by_what_is_in_the_audit(writer, monkeypatch):
    intents = [SimpleNamespace(entry=SimpleNamespace(assignment=name)) for name in ("a", "".join(["ps", "1"]), "z")]
    monkeypatch.setattr(gradebook.journal, "open_intents", lambda root: iter(intents))
    monkeypatch.setattr(gradebook, "entries", lambda root, assignment: [SimpleNamespace(run="r", student=assignment)])
    monkeypatch.setattr(Writer, "settle_one", lambda self, intent, done: (intent.entry.assignment, done))
    assert writer.settle() == [("ps1", {("r", "ps1")})]
    del intents[:]
    monkeypatch.setattr(gradebook, "entries", lambda root, assignment: raising(AssertionError("the audit is long")))
    assert writer.settle() == []


@pytest.mark.parametrize("known", [None, "submission"])
@pytest.mark.parametrize("after", [None, "after"])
@pytest.mark.parametrize("goes_on", [True, False])
def test_what_was_begun_is_finished_or_nothing_of_it_is_left(goes_on, after, known, writer, journal, done, monkeypatch):
    monkeypatch.setattr(Writer, "known", lambda self, student: known)
    monkeypatch.setattr(gradebook, "rows_of", lambda submission, cells: "rows")
    monkeypatch.setattr(Writer, "goes_on", lambda self, intent, now: done.append(now) or goes_on)
    monkeypatch.setattr(Writer, "seen", lambda self, intent, now: ("seen", now))
    intent, now = SimpleNamespace(entry=INTENT.entry, after=after), "rows" if known else Rows()
    said = writer.settle_one(intent, "those")
    start = ["expire_all", "rollback", now]
    if goes_on:
        assert done == [*start, ("fulfilled", intent if after else ("seen", now), "those")]
        assert said == "student-01: graded again: an earlier run was ended in the middle of it; it is done now."
    else:
        assert done == [*start, ("forget", intent), ("drop", intent)]
        assert said == "student-01: graded again: an earlier run was ended in the middle of it; nothing of it is left."


def test_what_something_else_did_is_looked_up(writer, monkeypatch):
    monkeypatch.setattr(gradebook.journal, "digests_of", lambda folder, keys: "digests")
    monkeypatch.setattr(gradebook.journal, "state", lambda folder: "state")
    monkeypatch.setattr(gradebook.journal, "seen", lambda intent, now, **more: more)
    for by, graded, due in (({"old": 1}, {"old": 2}, {"by": {"old": 1, "new": "digests"}, "graded": {"old": 2, "new": "state"}}), (None, None, {"by": None, "graded": None})):
        assert writer.seen(SimpleNamespace(entry=SimpleNamespace(student="student-01", by=by, graded=graded)), "now") == due


@pytest.mark.parametrize(("there", "committed", "due", "left"), [
    ({"target": "new"}, False, True, {"target": "new"}), ({}, False, True, {}),
    ({"partial": "new", "old": "before"}, True, True, {"target": "new", "old": "before"}),
    ({"partial": "new", "old": "before"}, False, False, {"target": "before", "partial": "new"}),
    ({"partial": "new", "target": "before"}, True, False, {"target": "before", "partial": "new"}),
    ({"partial": "new", "target": "before"}, False, False, {"target": "before", "partial": "new"}),
    ({"partial": "new", "target": "before", "old": "older"}, False, False, {"target": "before", "partial": "new", "old": "older"}),
    ({"partial": "new"}, False, False, {"partial": "new"})])
def test_a_change_goes_on_where_its_rows_were_committed_and_its_folder_or_the_older_one_is_put_in_place(there, committed, due, left, writer, monkeypatch):
    look = folders(writer, **there)
    monkeypatch.setattr(gradebook.journal, "was_committed", lambda intent, now: committed)
    intent = SimpleNamespace(entry=INTENT.entry, after="after")
    assert writer.goes_on(intent, "now") is due and look() == left


@pytest.mark.parametrize(("before", "now", "due"), [(worth(1), worth(2), True), (worth(2), worth(1), True), (worth(1), worth(1), False)])
def test_what_something_else_was_doing_was_done_where_other_points_stand_there(before, now, due, writer):
    assert writer.goes_on(SimpleNamespace(after=None, before=before), now) is due


@pytest.mark.parametrize(("graded", "known"), [(True, True), (False, True), (False, False)])
def test_what_something_else_is_about_to_do_is_an_intent_where_there_are_points(graded, known, writer, done, monkeypatch):
    rows = worth(1, graded)
    monkeypatch.setattr(Writer, "known", lambda self, student: "submission" if known else None)
    monkeypatch.setattr(gradebook, "rows_of", lambda submission, cells: rows)
    monkeypatch.setattr(gradebook.journal, "digests_of", lambda folder, keys: "digests")
    monkeypatch.setattr(gradebook.journal, "state", lambda folder: "state")
    monkeypatch.setattr(gradebook.journal, "intended", lambda act, assignment, student, before, **more: (assignment, student, before, more))
    due = ("ps1", "student-01", rows, {"by": {"old": "digests"}, "graded": {"old": "state"}}) if graded else None
    assert writer.about_to("student-01", act()) == due and done == ["rollback"]


def test_files_that_are_written_anew_may_have_been_read_only(writer, tmp_path):
    place = tmp_path / "new"
    for _ in range(2):
        writer.write_folder(Graded("student-01", files=(("a", b"x"),)), place)
    assert os.listdir(place) == ["a"]


def test_the_writer_can_be_had_without_what_grades():
    assert not hasattr(gradebook, "Graded")
