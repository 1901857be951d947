"""One written question of a whole class on one page: no name on it, nothing of an answer is script, no comment is lost."""

import re
from pathlib import Path
from unittest.mock import patch

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import handlers

from grading.notebooks.record import Record, Seen
from grading.notebooks.writing import notebook_text
from grading.pages.macros import Budget, Macros
from grading.plugins import written

CELL = "explain_activations"


@pytest.fixture
def course(course_folder):
    """(coursedir, gradebook) of three who answered."""
    root = course_folder("ps1")
    coursedir = CourseDirectory(root=str(root))
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        for student in ("zoe-secret", "adam-secret", "bea-secret"):
            book.add_student(student)
            book.add_submission("ps1", student)
            folder = root / "autograded" / student / "ps1"
            folder.mkdir(parents=True)
            nb = nbformat.read(root / "release" / "ps1" / "activations.ipynb", as_version=4)
            nb.cells[-1].source = "GELU: $a' < 0$." if student != "bea-secret" else nb.cells[-1].source
            picture = new_output("display_data", data={"image/png": "aGk="})
            nb.cells += [new_code_cell("print('<script>')", outputs=[picture])] if student.startswith("zoe") else []
            (folder / "activations.ipynb").write_text(notebook_text(nb), encoding="utf-8")
        yield coursedir, book


def cards(course):
    return written.cards(*course, "ps1", "activations", CELL)


def test_the_page_holds_question_rubric_and_every_answer_and_no_name(course):
    found = [{**one, "graders": {}} for one in cards(course)]
    question = course[1].find_source_cell(CELL, "activations", "ps1").source
    html = written.page("/base", ("ps1", "activations", CELL), question, found, 5.0, "nonce")
    assert "Mark scheme (5 points)" in html and html.count("<article") == 3 and "secret" not in html
    assert html.count("Nothing was written") == 1 and html.count("data:image/png;base64,aGk=") == 1 and "MARK SCHEME" not in html
    assert "print(&#x27;&lt;script&gt;&#x27;)" in html and not re.search(r"<script(?! nonce=\"nonce\")", html) and not re.search(r"@\w+@", html)
    assert [one["key"] for one in found] == sorted(one["key"] for one in found)


def body(one, **changed):
    return {"grade": one["grade"], "comment": one["comment"], "seen_score": one["score"], "seen_text": one["text"], **changed}


def test_score_and_comment_are_saved_together_and_no_other_graders_words_are_lost(course):
    first = cards(course)[0]
    status, there = written.save(*course, body(first, score=3, text="Good.", grader="AB"))
    assert (status, there) == (200, {"score": 3, "text": "Good.", "graders": {"AB": 3}, "waiting": False})
    status, there = written.save(*course, body(first, score=5, text="Other.", grader="CD"))
    assert (status, there) == (409, {"score": 3.0, "text": "Good.", "waiting": False}), "it was shown without them"
    now = next(one for one in cards(course) if one["grade"] == first["grade"])
    assert (now["score"], now["text"], now["waiting"]) == (3.0, "Good.", False)
    assert written.save(*course, body(now, score=4, text="Good.", grader="CD"))[1]["graders"] == {"AB": 3, "CD": 4}
    assert "1 answer was read by more than one: the same score in 0, 1 of 5 points apart" in written.agreement(
        written.read_graders(course[0].root).values(), 5.0)


def test_an_answer_that_was_changed_since_it_was_graded_waits_with_its_old_score_and_the_difference(course):
    coursedir, book = course
    first = next(one for one in cards(course) if "GELU" in one["answer"])
    written.save(*course, body(first, score=3, text="Good."))
    row = book.find_grade_by_id(first["grade"])
    path = next(Path(coursedir.root, "autograded").glob(f"{row.notebook.assignment.student_id}/ps1/activations.ipynb"))
    nb = nbformat.read(path, as_version=4)
    Record(changed={CELL: Seen("<b>old</b>", ("-<b>old</b>", "+GELU"))}).write(nb)
    path.write_text(notebook_text(nb), encoding="utf-8")
    assert next(one for one in cards(course) if one["grade"] == row.id)["difference"] == (), "a person has looked since"
    row.needs_manual_grade = True
    book.db.commit()
    now = next(one for one in cards(course) if one["grade"] == row.id)
    assert (now["waiting"], now["score"]) == (True, 3.0)
    html = written.page("/base", ("ps1", "activations", CELL), "", [{**now, "graders": {}}], 5.0, "nonce")
    assert "It was graded with 3, and changed since" in html and "-&lt;b&gt;old&lt;/b&gt;\n+GELU" in html and '"waiting": true' in html
    assert written.save(*course, body(first, score=4.0, text="Good."))[1]["waiting"] is True, "whoever was slower is told that it waits"
    assert written.save(*course, body(now, score=3.0, text="Good."))[1]["waiting"] is False
    assert next(one for one in cards(course) if one["grade"] == row.id)["waiting"] is False


@pytest.mark.parametrize("score", [-1, 5.5, float("nan"), "3", True])
def test_what_is_no_score_is_not_saved(score, course):
    first = cards(course)[0]
    assert written.save(*course, body(first, score=score, text="x"))[0] == 400
    assert cards(course)[0]["score"] is None and cards(course)[0]["text"] == ""


def test_formgrader_knows_the_page_once_and_who_is_not_logged_in_sees_nothing(course):
    written.install()
    written.install()
    assert [entry[0] for entry in handlers.default_handlers].count(written.ADDRESS) == 1
    assert written.questions(course[1], "ps1") == [("activations", CELL)] and written.questions(course[1], "ps9") == []
    for method in (written.WrittenHandler.get, written.SaveHandler.post):
        assert method.__closure__, "wrapped by tornado's `authenticated`"


def test_code_of_an_answer_and_a_difference_read_as_they_run():
    turned, one = "x = 'user\u202e'", {"difference": ("+x = 'user\u202e'",), "waiting": True, "answer": "", "score": 1.0}
    for html in (written.as_html(new_code_cell(turned), Macros()), written.card(1, one, 2.0)):
        assert "\u202e" not in html and "user\\u202e" in html


def test_what_is_typed_is_plain_markdown_of_the_answer():
    assert "<math" in written.as_html(new_markdown_cell("$z$"), Macros()) and written.as_html(new_markdown_cell(" "), Macros()) == ""


def test_the_cells_of_an_answer_share_one_budget_for_formulas():
    """With one for each cell 480 cells of 200 characters took formgrader eight minutes, whenever somebody opened the page."""
    long = r"$\def\b{x+y+z+u+v+}\def\c{\b\b\b\b\b\b\b\b\b\b}$ $\c\c\c\c\c\c$"
    cells = [new_markdown_cell(f"{number} {long}") for number in range(12)]
    question = new_markdown_cell("Why?", metadata={"nbgrader": {"grade_id": "q"}})
    with patch("grading.plugins.written.Macros", lambda: Macros(budget=Budget(translated=3000))):
        shown = written.answer(nbformat.v4.new_notebook(cells=[question, *cells]), "q", {"q": {"metadata": {"task": True}}})
    assert shown.count("<math") == 5 and shown.count("<code>") >= 7
