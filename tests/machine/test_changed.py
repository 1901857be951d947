"""What a person graded and the student changed is looked at again, with the difference; what nobody changed is not asked for."""

import io
import shutil
from contextlib import nullcontext
from types import SimpleNamespace

import nbformat
import pytest
from classes import files, rows
from nbconvert import HTMLExporter
from nbgrader.api import Gradebook
from rich.console import Console

from grading.notebooks.again import MARK, mark_of
from grading.notebooks.cells import grade_id
from grading.notebooks import changed
from grading.notebooks.changed import MOST_COMPARED, MOST_LINES, difference
from grading.notebooks.record import NOTHING, WHOLE, Record, records_in
from grading.run import review
from grading.run.batch import Graded
from grading.run.course import Course
from grading.run.grades import raw_of
from grading.tools import analysis, status
from grading.tools.grade import grade_class
from tests.conftest import points_in

QUESTION, TESTS = "explain_activations", "test_relu"
FIRST, SECOND = "GELU leaves the interval.", "SELU leaves the interval:\n\nits slope is 1.05."


class Desk:
    """A gradebook of ps1, in which submissions are stored as if they had been graded, and a person who grades."""

    def __init__(self, root):
        self.root, self.course = root, Course(root)
        self.student, self.written = "student-01", 0

    @property
    def folder(self):
        return self.root / "autograded" / self.student / "ps1"

    def hand_in(self, *answers, **more):
        """Store a graded submission with these answers."""
        graded = self.graded(*answers, **more)
        with self.course.writer("ps1") as writer:
            writer.store(graded)
        return graded

    def graded(self, essay=FIRST, relu="def relu(z):\n    return z", points=1.0, refused=False, **more):
        """What grading gives of a submission with this answer to the question and this one to relu."""
        nb = nbformat.read(self.root / "release" / "ps1" / "activations.ipynb", as_version=4)
        for cell in nb.cells:
            if grade_id(cell) == "relu":
                cell.source = relu
        nb.cells[-1].source = essay
        Record(mended={WHOLE: f"x {NOTHING}"} if refused else {}, look=more.get("notes", ())).write(nb)
        self.written += 1
        scores = {("activations", TESTS): points, **more.pop("scores", {})}
        return Graded(self.student, None, {"activations": nbformat.writes(nb)}, ((MARK, mark_of(str(self.written), refused)),),
                      scores, refused={"activations": "unreadable"} if refused else {}, read_at=1,
                      mended={("activations", WHOLE): f"x {NOTHING}"} if refused else {}, **more)

    def person(self, cell=QUESTION, score=3.0, comment=None):
        """What formgrader does when somebody types a score, or a comment."""
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            if score is not None:
                grade = gradebook.find_grade(cell, "activations", "ps1", self.student)
                grade.manual_score, grade.needs_manual_grade = score, False
            if comment:
                gradebook.find_comment(cell, "activations", "ps1", self.student).manual_comment = comment
            gradebook.db.commit()

    def grade(self, cell=QUESTION):
        with Gradebook(f"sqlite:///{self.root}/gradebook.db") as gradebook:
            found = gradebook.find_grade(cell, "activations", "ps1", self.student)
            return found.needs_manual_grade, found.manual_score

    def changed(self, cell=QUESTION):
        seen = records_in(self.folder)["activations"].changed.get(cell)
        return seen and seen.difference


@pytest.fixture
def desk(course_folder):
    return Desk(course_folder("ps1"))


def test_an_essay_that_was_graded_and_handed_in_again_waits_with_its_old_score_and_the_difference(desk):
    desk.hand_in()
    assert desk.grade() == (True, None)
    desk.person(score=3.0, comment="Which value?")
    assert desk.grade() == (False, 3.0)
    graded = desk.hand_in(SECOND)
    assert desk.grade() == (True, 3.0)
    assert [line for line in desk.changed() if line[0] in "+-"] == ["-" + FIRST, *("+" + line for line in SECOND.split("\n"))]
    assert graded.judged[QUESTION] == 3.0 and list(graded.changed) == [("activations", QUESTION)]


def test_the_difference_is_to_what_the_person_saw_until_the_person_looks_again(desk):
    desk.hand_in()
    desk.person()
    desk.hand_in("An answer in between.")
    desk.hand_in(SECOND)
    assert "-" + FIRST in desk.changed()
    desk.person(score=4.0)
    desk.hand_in(SECOND)
    assert desk.grade() == (False, 4.0) and desk.changed() is None
    desk.hand_in(FIRST)
    assert "-its slope is 1.05." in desk.changed()


def test_who_takes_the_change_back_gets_the_old_score_back(desk):
    desk.hand_in()
    desk.person()
    desk.hand_in(SECOND)
    desk.hand_in(FIRST)
    assert desk.grade() == (False, 3.0) and desk.changed() is None


@pytest.mark.parametrize("essay", [FIRST, FIRST + "  \n", "\n" + FIRST, FIRST + "\r\n"])
def test_what_nobody_changed_is_not_asked_for_again(essay, desk):
    desk.hand_in()
    desk.person()
    desk.person(TESTS, 0.5)
    desk.hand_in(essay)
    assert desk.grade() == (False, 3.0) and desk.grade(TESTS) == (False, 0.5)


def test_a_code_answer_that_a_person_overruled_waits_when_it_is_changed(desk):
    desk.hand_in()
    desk.person(TESTS, 0.5)
    desk.hand_in(relu="def relu(z):\n    return max(0, z)")
    assert desk.grade(TESTS) == (True, 0.5) and "+    return max(0, z)" in desk.changed(TESTS)
    assert desk.grade("test_sigmoid") == (True, None)       # nothing has judged it here


def test_a_code_answer_with_a_comment_alone_waits_as_well(desk):
    desk.hand_in()
    desk.person("relu", None, "Why not np.maximum?")
    desk.hand_in(relu="def relu(z):\n    return max(0, z)")
    assert desk.grade(TESTS) == (True, None)


def test_another_verdict_on_the_same_answer_waits_only_if_something_was_handed_in(desk):
    desk.hand_in()
    desk.person(TESTS, 0.5)
    desk.written -= 1
    desk.hand_in(points=0.0)
    assert desk.grade(TESTS) == (False, 0.5)
    desk.hand_in(points=1.0)
    assert desk.grade(TESTS) == (True, 0.5) and "something else" in desk.changed(TESTS)[0]


def test_what_is_refused_waits_and_is_forgotten_once_the_old_answer_is_back(desk):
    desk.hand_in()
    desk.person()
    desk.hand_in("", refused=True)
    assert desk.grade() == (True, 3.0) and desk.grade(TESTS)[0]
    desk.hand_in(FIRST)
    assert desk.grade() == (False, 3.0) and desk.grade(TESTS) == (False, None)


def everything(points=1.0):
    """Scores of all checks: only the question is left to a person."""
    return {("activations", f"test_{exercise}"): points for exercise in points_in()}


def waiting(desk):
    with Gradebook(f"sqlite:///{desk.root}/gradebook.db") as gradebook:
        return {grade.name for grade in gradebook.find_submission_notebook("activations", "ps1", "student-01").grades if grade.needs_manual_grade}


def test_what_was_odd_waits_until_a_person_has_resolved_it_and_is_not_asked_for_again(desk):
    odd = {"scores": everything(), "notes": ("Left out: 'x' is a link.",)}
    desk.hand_in(**odd)
    assert waiting(desk) == {QUESTION}, "one that waits is enough"
    desk.person()
    desk.written -= 1
    assert desk.hand_in(**odd).settled == {"activations"} and waiting(desk) == set(), "the same once more"
    assert desk.hand_in(**odd).settled == set() and waiting(desk) == {"test_sigmoid"}, "another file that is as odd"
    (desk.root / "submitted" / "student-01" / "ps1").mkdir(parents=True)
    assert status.states(desk.root, "ps1")[0].human == ["student-01"]
    assert [work.reasons for work in analysis.read(desk.root, "ps1").works] == [["activations was not handed in as it should be"]]
    desk.person("test_sigmoid", 1.0)
    desk.written -= 1
    desk.hand_in(**{**odd, "notes": ("Left out: 'y' is a link.",)})
    assert waiting(desk) == {"test_sigmoid"}, "something else is odd"


def test_what_was_refused_and_graded_by_hand_is_not_asked_for_again_until_something_else_comes(desk):
    desk.hand_in(refused=True, scores=everything(0.0))
    assert len(waiting(desk)) == len(points_in()) + 1
    for cell in waiting(desk):
        desk.person(cell, 1.0)
    desk.written -= 1
    desk.hand_in(refused=True, scores=everything(0.0))
    assert waiting(desk) == set()
    desk.hand_in(refused=True, scores=everything(0.0))
    assert len(waiting(desk)) == len(points_in()) + 1


def test_extra_credit_for_an_answer_that_was_changed_waits_and_counts_for_nothing_until_then(desk):
    desk.hand_in(scores=everything())
    desk.person()
    with Gradebook(f"sqlite:///{desk.root}/gradebook.db") as gradebook:
        gradebook.find_grade(TESTS, "activations", "ps1", "student-01").extra_credit = 0.5
        gradebook.db.commit()
        assert raw_of(gradebook.find_submission("ps1", "student-01")) == len(points_in()) + 3.5
    desk.hand_in(relu="def relu(z):\n    return max(0, z)", scores=everything())
    assert waiting(desk) == {TESTS}
    with Gradebook(f"sqlite:///{desk.root}/gradebook.db") as gradebook:
        assert raw_of(gradebook.find_submission("ps1", "student-01")) == len(points_in()) + 3


def test_a_graded_folder_that_is_gone_cannot_be_compared(desk):
    desk.hand_in()
    desk.person()
    shutil.rmtree(desk.folder)
    desk.hand_in()
    assert desk.grade() == (True, 3.0)


def test_a_record_keeps_what_was_changed(desk):
    desk.hand_in()
    desk.person()
    desk.hand_in(SECOND)
    nb = nbformat.read(desk.folder / "activations.ipynb", as_version=4)
    record = Record.read(nb)
    record.write(nb)
    assert Record.read(nb) == record and record.changed


def test_a_difference_is_bounded():
    assert len(difference("", "x\n" * 10_000)) == MOST_LINES + 1
    assert max(map(len, difference("", "x" * 100_000))) <= 400


# --- before a regrade ---------------------------------------------------------------------------------------------

def dry_run(desk, monkeypatch, *graded):
    """What `course grade ps1 --dry-run` says where grading would give `graded`."""
    for one in graded:
        (desk.root / "submitted" / one.student / "ps1").mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr("grading.run.course.by_processes", lambda *_: (one for one in graded))
    monkeypatch.setattr(Course, "pool", lambda *_: nullcontext(True))
    monkeypatch.setattr("grading.tools.grade.Sandbox.probe", lambda _: None)
    said = io.StringIO()
    assert grade_class(Console(file=said, width=250), desk.root, "ps1", (), 1, None, False, True) == (3 if any(one.refused for one in graded) else 0)
    return said.getvalue()


def table_rows(said):
    """[[student, exercise, before, now, why]] of a dry run's table."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if line.startswith("│")]


def test_a_dry_run_lists_what_a_person_would_have_to_grade_again_and_nothing_else(desk, monkeypatch):
    cases = {}
    for number, (cell, score, again) in enumerate([
            (QUESTION, 3.0, {"essay": SECOND}), (QUESTION, 2.0, {}), (TESTS, 0.5, {"relu": "def relu(z):\n    return max(0, z)"}),
            (None, None, {"essay": SECOND}), (QUESTION, 1.0, {"refused": True, "essay": ""})], 1):
        desk.student = f"student-0{number}"
        desk.hand_in(scores=everything())
        if cell:
            desk.person(cell, score)
        cases[desk.student] = desk.graded(scores=everything(), **again)
    before, there = rows(desk.root), files(desk.root)

    said = dry_run(desk, monkeypatch, *cases.values())

    why = "a person graded it before the student changed it: to be looked at again"
    assert table_rows(said) == [["student-01", "explain_activations", "3", "–", why], ["student-03", "relu", "0.5", "–", why],
                                ["student-05", "explain_activations", "1", "–", why]]
    asked = [line.removeprefix("needs a human: ") for line in said.splitlines() if line.startswith("needs a human: ")]
    assert asked == ["'student-01': graded, but look: explain_activations was given 3 points by a person and changed since",
                     "'student-03': graded, but look: relu was given 0.5 points by a person and changed since",
                     "'student-05': not graded: x",
                     "'student-05': graded, but look: explain_activations was given 1 points by a person and changed since"]
    assert f"-{FIRST}" in said and "+its slope is 1.05." in said and "+    return max(0, z)" in said, "with the difference"
    assert (rows(desk.root), files(desk.root)) == (before, there)


def test_a_dry_run_asks_nobody_for_what_a_person_has_seen_since(desk, monkeypatch):
    desk.hand_in(scores=everything())
    desk.person(score=3.0)
    desk.hand_in(SECOND, scores=everything())
    assert table_rows(dry_run(desk, monkeypatch, desk.graded(SECOND, scores=everything()))), "it waits, and would wait still"
    desk.person(score=2.5)
    assert table_rows(dry_run(desk, monkeypatch, desk.graded(SECOND, scores=everything()))) == [["nobody", "", "", "", ""]]


# --- on formgrader's page -----------------------------------------------------------------------------------------

def page_of(desk):
    """Formgrader's page of the submission, by the course's own configuration."""
    config = desk.course.config.copy()
    config.HTMLExporter.template_name = "formgrade"
    resources = {"assignment_id": "ps1", "notebook_id": "activations", "submission_id": "0", "index": 0, "total": 1,
                 "base_url": "", "student": "student-01", "last_name": "", "first_name": "", "notebook_path": "x"}
    return HTMLExporter(config=config).from_filename(str(desk.folder / "activations.ipynb"), resources=resources)[0]


def test_formgrader_shows_the_difference_where_the_comment_stands(desk):
    desk.hand_in("<b>bold</b> & old")
    desk.person()
    assert "Handed in again." not in page_of(desk)
    desk.hand_in("<script>alert(1)</script> new")
    page = page_of(desk)
    assert page.count("Handed in again.") == 1
    shown = page[page.index(f"{QUESTION}-comment"):]
    assert shown.index(f"{QUESTION}-changed") < shown.index("-&lt;b&gt;bold&lt;/b&gt; &amp; old</del>") < shown.index(
        "+&lt;script&gt;alert(1)&lt;/script&gt; new</ins>")


def test_a_piece_of_two_very_long_answers_is_compared(monkeypatch):
    """Of 25,000 lines of which every second one was changed the difference would take a minute, and of more of them hours."""
    compared = []
    unified = changed.difflib.unified_diff
    monkeypatch.setattr(changed.difflib, "unified_diff",
                        lambda one, other, **more: compared.append((len(one), len(other))) or unified(one, other, **more))
    lines = [f"{number:x}" for number in range(25_000)]
    now = [line if number % 2 or number < 5000 else line + "!" for number, line in enumerate(lines)]
    found = difference("\n".join(lines), "\n".join(now))
    assert compared == [(MOST_COMPARED, MOST_COMPARED)] and "-1388" in found and "+1388!" in found


# --- and in the report --------------------------------------------------------------------------------------------

def test_the_report_names_who_needs_a_human_until_everything_is_resolved(desk):
    def reasons():
        work, = analysis.read(desk.root, "ps1").works
        return work.reasons
    desk.hand_in()
    desk.person()
    desk.hand_in(SECOND)
    assert "explain_activations was graded by a person and changed since" in reasons()
    with Gradebook(f"sqlite:///{desk.root}/gradebook.db") as gradebook:
        for grade in gradebook.find_submission_notebook("activations", "ps1", "student-01").grades:
            grade.manual_score, grade.needs_manual_grade = 1.0, False
        gradebook.db.commit()
    assert reasons() == []


# --- who waits for a person ---------------------------------------------------------------------------------------

@pytest.mark.parametrize(("case", "due"), [
    ((None, None, False, False, False), True), ((0.0, None, False, False, False), False), ((None, 0.0, False, False, False), False),
    ((1.0, 1.0, True, False, False), True), ((1.0, 1.0, False, True, False), True), ((1.0, 1.0, False, False, True), True)], ids=str)
def test_a_cell_waits_while_nothing_has_judged_what_lies_there(case, due):
    assert review.waits(*case) is due


@pytest.mark.parametrize(("waits", "given", "due"), [(True, 2.1, True), (True, 2.0, False), (True, None, False), (False, 3.0, False)])
def test_more_points_than_there_are_wait_until_somebody_has_looked(waits, given, due):
    assert review.waits_above(SimpleNamespace(needs_manual_grade=waits, manual_score=given, max_score=2.0)) is due


@pytest.mark.parametrize(("digest", "notes", "waiting", "due"), [
    ("d", ("odd", ()), (), True), ("d", ("", ("look",)), (), True), ("e", ("odd", ()), (), False), ("", ("odd", ()), (), False),
    ("d", ("other", ()), (), False), ("d", ("odd", ()), ("essay",), False)])
def test_what_was_odd_is_settled_once_all_of_the_same_hand_in_is_resolved(digest, notes, waiting, due):
    before = review.Judged(digest="" if not digest else "d", notes=notes if notes[1] else ("odd", ()), waiting=frozenset(waiting))
    assert review.is_settled(before, notes, digest) is due
    assert not review.is_settled(review.Judged(digest="d"), ("", ()), "d"), "nothing was odd"


def test_the_first_graded_cell_waits_if_none_does():
    first, second = (SimpleNamespace(needs_manual_grade=False) for _ in range(2))
    review.have_somebody_look({"c": second, "b": first}, {"a": {}, "b": {}, "c": {}})
    assert (first.needs_manual_grade, second.needs_manual_grade) == (True, False)
    first.needs_manual_grade, second.needs_manual_grade = False, True
    review.have_somebody_look({"c": second, "b": first}, {"a": {}, "b": {}, "c": {}})
    assert not first.needs_manual_grade
    review.have_somebody_look({}, {"a": {}})
