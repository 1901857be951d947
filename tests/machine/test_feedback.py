"""Feedback pages made for a class at once: the same as nbgrader's own way makes them, one after another."""

import io
import os
import shutil
from unittest.mock import patch

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter
from nbconvert.filters import Highlight2HTML
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader import converters
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import find_all_files
from rich.console import Console

from grading.notebooks.outputs import clean_markdown
from grading.pages.formulas import Translations, to_html
from grading.pages.macros import Budget, Macros
from grading.plugins import code, page
from grading.plugins.feedback import GetGrades
from grading.plugins.generate_feedback import GenerateFeedback, files_in
from grading.plugins.placing import final_of
from grading.plugins.overview import overview
from grading.run.course import Course
from grading.run.results import Named, SubmissionResult, read, results_of
from grading.tools.feedback import make_feedback
from tests.conftest import ROOT

QUOTED = "You raised ValueError: <script>alert(3)</script>"       # as a comment to all who made a mistake may
HARMFUL = [
    "# Mine <script>alert(1)</script>\n<img src=x onerror=alert(1)> <img src='data:image/png;base64,AA==' alt>",
    r"$\def\x{a}\x$ and $\x$ and $\frac{1}{2}$ & <b>bold", "</div></main></body>\n\n<table><tr><td>1",
    r"$\def\loop{\loop\loop}\loop$", "```python\nx = '</pre>'\n```", "a\n\n---\n\n* b\n* c & d \" ' < >"]
FORMULA = r"\def\much{" + "x" * 1000 + "}" + r"\much" * 15


@pytest.fixture(scope="module")
def root(golden_class, tmp_path_factory):
    """The golden class, in one of whose graded notebooks stands what students might leave there to break a page."""
    root = shutil.copytree(golden_class["ps1"][0], tmp_path_factory.mktemp("feedback") / "course", symlinks=True)
    path = root / "autograded" / "blank" / "ps1" / "activations.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells += [new_markdown_cell(clean_markdown(text, None)) for text in HARMFUL] + [new_markdown_cell(text) for text in HARMFUL[1:]]
    nb.cells.append(new_code_cell("%%bash\necho <b>", outputs=[
        new_output("stream", text="</pre><script>alert(1)</script>\x1b[31mred"),
        new_output("error", ename="E", evalue="<b>", traceback=["<b>\x1b[0m", "two"]),
        new_output("display_data", {"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "<1>"}),
        new_output("execute_result", {"image/png": "AA==", "text/plain": "a \"picture\""})]))
    path.chmod(0o644)
    nbformat.write(nb, path)
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        submission = gradebook.find_submission("ps1", "half-finished")
        submission.notebooks[0].late_submission_penalty = 1.5
        submission.notebooks[0].comments[0].manual_comment = "See $\\frac12$ & *this*."
        submission.notebooks[0].comments[1].manual_comment = QUOTED
        submission.notebooks[0].grades[0].manual_score = 1
        gradebook.db.commit()
    return root


def feedback(root, *students, force=False, jobs=2):
    """Run `course feedback` in this process: (exit status, what it said)."""
    said = io.StringIO()
    with patch("grading.run.pool.alone", lambda: True):
        return make_feedback(Console(file=said, width=200), root, "ps1", list(students), jobs, force), said.getvalue()


def tree(folder):
    return {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".made"}


def normal(html):
    return str(BeautifulSoup(html, "html.parser"))


@pytest.mark.sandbox
def test_files_and_pages_are_those_of_nbgraders_own_way(root):
    stock = Course(root)
    stock.dir.assignment_id, stock.dir.feedback_directory = "ps1", "stock"
    converters.GenerateFeedback(coursedir=stock.dir, parent=stock.app).start()
    status, said = feedback(root)
    ours, theirs = tree(root / "feedback"), tree(root / "stock")
    assert status == 0 and f"{len(list((root / 'stock').iterdir()))} made, 0 still true, 0 failed" in said
    assert {name for name in ours if not name.endswith("index.html") and name != "README.md"} == theirs.keys()
    for name, path in theirs.items():
        assert path.stat().st_mode == ours[name].stat().st_mode
        if name.endswith(".html"):
            assert normal(ours[name].read_text()) == path.read_text(), name
        else:
            assert ours[name].read_bytes() == path.read_bytes()
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        for submission in gradebook.find_assignment("ps1").submissions:
            place = f"{submission.student_id}/ps1"
            assert ours[f"{place}/index.html"].read_text() == overview(submission, root / "autograded" / place)
            for notebook in submission.notebooks:
                final = final_of(ours[f"{place}/{notebook.name}.html"])
                assert (final.points, final.most) == (pytest.approx(notebook.score - (notebook.late_submission_penalty or 0)), notebook.max_score)
                assert final.open is bool(notebook.needs_manual_grade)


@pytest.mark.sandbox
def test_a_comment_that_quotes_a_student_shows_the_words_and_is_no_html_of_theirs(root):
    feedback(root, "half-finished")
    page = (root / "feedback/half-finished/ps1/activations.html").read_text()
    assert "&lt;script&gt;alert(3)" in page and "alert(3)" not in page.replace("&lt;script&gt;alert(3)", "") and "<script" not in page
    assert "<em>this</em>" in page


@pytest.mark.sandbox
def test_nbgraders_command_makes_the_same_bytes_and_leaves_what_is_still_true(root):
    feedback(root)
    course = Course(root)
    course.dir.assignment_id, course.dir.feedback_directory = "ps1", "command"
    GenerateFeedback(coursedir=course.dir, parent=course.app).start()
    ours, theirs = tree(root / "feedback"), tree(root / "command")
    assert {name: path.read_bytes() for name, path in theirs.items()} == \
        {name: path.read_bytes() for name, path in ours.items() if name != "README.md"}
    before = {name: path.stat().st_mtime_ns for name, path in theirs.items()}
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.find_submission("ps1", "perfect-loops").notebooks[0].grades[0].manual_score = 1
        gradebook.db.commit()
    GenerateFeedback(coursedir=course.dir, parent=course.app).start()
    changed = {name.split("/")[0] for name, path in tree(root / "command").items() if path.stat().st_mtime_ns != before[name]}
    assert changed == {"perfect-loops"}


@pytest.mark.sandbox
def test_a_page_that_was_handed_in_is_none_of_the_courses(root):
    """All pages of a folder are handed out, and packed for a learning platform, in the course's name."""
    graded, course = root / "autograded" / "perfect-loops" / "ps1", Course(root)
    handed_in = [graded / "activations (regraded).html", graded / "data" / "Marks.HTM"]
    handed_in[1].parent.mkdir()
    course.dir.assignment_id, course.dir.student_id, course.dir.feedback_directory = "ps1", "perfect-loops", "by_command"
    try:
        for path in handed_in:
            path.write_text('<html lang="en" data-course="final" data-points="25" data-most="25">')
        (graded / "data" / "points.csv").write_text("1,2\n")
        feedback(root, "perfect-loops", force=True)
        GenerateFeedback(coursedir=course.dir, parent=course.app).start()
        for made in (root / "feedback", root / "by_command"):
            names = {str(path.relative_to(made / "perfect-loops" / "ps1")) for path in tree(made / "perfect-loops" / "ps1").values()}
            assert {name for name in names if "htm" in name.lower()} == {"activations.html", "index.html"} and "data/points.csv" in names
    finally:
        handed_in[0].unlink()
        shutil.rmtree(graded / "data")


@pytest.mark.sandbox
def test_a_page_is_made_again_when_what_it_says_or_the_page_itself_has_changed(root):
    feedback(root)
    assert "0 made" in feedback(root)[1]
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        gradebook.find_submission("ps1", "in-place").notebooks[0].comments[0].manual_comment = "Read this."
        gradebook.db.commit()
    os.truncate(root / "feedback" / "scalar-only" / "ps1" / "activations.html", 100)
    (root / "feedback" / "naive-overflow" / "ps1" / "index.html").unlink()
    shutil.rmtree(root / "feedback" / "perfect-loops")
    nb = root / "autograded" / "relu-one-at-zero" / "ps1" / "activations.ipynb"
    nb.chmod(0o644)
    nb.write_text(nb.read_text() + "\n")
    assert "5 made" in feedback(root)[1] and "0 made" in feedback(root)[1]
    assert "Read this." in (root / "feedback" / "in-place" / "ps1" / "activations.html").read_text()
    assert "1 made" in feedback(root, "in-place", force=True)[1]


@pytest.mark.sandbox
def test_a_page_that_cannot_be_made_costs_no_other_and_leaves_the_old_one_whole(root):
    feedback(root)
    page_before = (root / "feedback" / "in-place" / "ps1" / "activations.html").read_bytes()
    path = root / "autograded" / "in-place" / "ps1" / "activations.ipynb"
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:1000])
    (root / "autograded" / "put-there-by-hand" / "ps1").mkdir(parents=True)
    try:
        status, said = feedback(root, force=True)
    finally:
        path.write_bytes(whole)
        shutil.rmtree(root / "autograded" / "put-there-by-hand")
    assert status == 3 and "2 failed" in said
    assert "no page: 'in-place': JSONDecodeError" in said and "into submitted/, then: course grade ps1 --student=put-there-by-hand" in said
    assert (root / "feedback" / "in-place" / "ps1" / "activations.html").read_bytes() == page_before
    assert not list((root / "feedback").glob("*/.ps1.partial"))


# --- the gradebook in a few queries ---------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_plain_results_say_what_nbgraders_rows_say(root):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        rows = {row.student_id: row for row in gradebook.find_assignment("ps1").submissions}
        results = {result.student_id: result for result in results_of(gradebook, "ps1")}
        assert results.keys() == rows.keys()
        for student, row in rows.items():
            result = results[student]
            assert result.late_submission_penalty == row.late_submission_penalty
            assert result.waits_for_a_person == row.needs_manual_grade
            for notebook in row.notebooks:
                mine = result.notebook(notebook.name)
                assert (mine.score, mine.max_score) == (pytest.approx(notebook.score), notebook.max_score)
                assert [(g.name, g.score, g.max_score, g.needs_manual_grade) for g in mine.grades] == \
                    [(g.name, g.score, g.max_score, g.needs_manual_grade) for g in notebook.grades]
                assert {c.name: c.manual_comment for c in notebook.comments} == \
                    {name: comment.manual_comment for name, comment in mine.comments.items()}


@pytest.mark.sandbox
def test_a_larger_class_takes_no_more_queries(root):
    asked = []
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook, patch("grading.run.results.read", lambda *a: asked.append(a) or read(*a)):
        assert len(list(results_of(gradebook, "ps1"))) > 10 and len(asked) == 1


# --- what is remembered ---------------------------------------------------------------------------------------------

TEXTS = [r"Text $\def\a{b}\a$", r"$\a$ once more", f"${FORMULA}$", r"$\a$ once more", f"${FORMULA}$", f"${FORMULA}$ and $x^2$",
         "$" + "y" * 4000 + "$", "# Heading with `code`", "$" + "y" * 4000 + "$", r"$\a \much$", "Text", "$$\\frac{\\a}{2}$$"]


def test_what_is_remembered_of_other_pages_changes_no_page():
    remembered = Translations()
    for budget in ({}, {"page": 60_000}, {"page": 30_000, "translated": 9000}, {}, {"translated": 5000}):
        for start in range(len(TEXTS)):
            texts, plain, quick = TEXTS[start:] + TEXTS[:start], Macros(budget=Budget(**budget)), Macros(budget=Budget(**budget))
            assert [remembered.to_html(text, quick) for text in texts] == [to_html(text, plain) for text in texts]


def test_the_same_text_is_translated_once():
    remembered, asked = Translations(), []
    with patch("grading.pages.formulas.to_html", lambda *a: asked.append(a) or to_html(*a)):
        for _ in range(5):
            remembered.to_html("Text with $x^2$", Macros())
    assert len(asked) == 1


def test_thousands_of_macros_stand_once_in_what_is_remembered():
    """With each of 480 short cells a copy of all was kept, and all were looked through: 800 MB and 16 s for one hand-in."""
    remembered, macros = Translations(), Macros()
    for text in ("$" + "".join(rf"\def\a{'b' * number}{{}}" for number in range(100)) + "$", *map(str, range(20)), r"$\def\c{d}\c$"):
        remembered.to_html(text, macros)
    assert len(macros.known) == 101 and [len(learnt) for *_, learnt in remembered.known.values()] == [100, *[0] * 20, 1]


@pytest.mark.parametrize(("image", "same"), [
    ('<img src="a>b">', False), ("<img alt='' src=x>", True), ('<img title="no alt= here">', False), ("<IMG ALT=x>", True),
    ("<img src=x alt>", True)])
def test_an_image_without_words_gets_nbconverts_note(image, same):
    made = page.IMAGE.sub(page.with_words, f"<p>{image}</p>")
    soup = BeautifulSoup(f"<p>{image}</p>", "html.parser")
    for one in soup.select("img:not([alt])"):
        one.attrs["alt"] = page.NO_WORDS
    assert BeautifulSoup(made, "html.parser").img.attrs == soup.img.attrs
    assert (made == f"<p>{image}</p>") == same


def coloured(source, exporter):
    exporter.template_name = "basic"
    return exporter.from_notebook_node(new_notebook(cells=[new_code_cell(source)]))[0]


def test_code_in_another_language_is_not_taken_for_the_same():
    found = [code.Patience().highlight("x = $1", *about) for about in (("ipython3", None), ("ipython3", "bash"), ("r", None), ("ipython3", None))]
    assert len(set(found)) == 3 and found[0] == found[3]


@pytest.mark.parametrize("lexer", ["ipython3", "r"])
@pytest.mark.parametrize("magics", [None, "bash"])
def test_code_is_highlighted_as_nbconvert_does_it(lexer, magics):
    source = "def f(x):\n    return '<b>' + x  # why\n"
    assert code.Patience().highlight(source, lexer, magics) == Highlight2HTML(pygments_lexer=lexer)(source, metadata={"magics_language": magics} if magics else {})


@pytest.mark.parametrize("formgrader", [False, True])
def test_code_that_takes_long_to_highlight_is_shown_without_colours(formgrader, monkeypatch):
    """A lexer takes time with the square of such a run: without an end, a page of them took an hour of the run for a class."""
    monkeypatch.setattr(code, "SECONDS", 1)
    shown = coloured("*" * 100_000, HTMLExporter(config=Course(ROOT).config) if formgrader else page.PageExporter())
    assert "*" * 100_000 in shown and "<span class=\"o\">" not in shown


@pytest.mark.parametrize("slow", [False, True])
def test_code_reads_as_it_runs_whatever_signs_turn_it_round(slow, request):
    """A person who grades by reading saw a condition that stood in a comment."""
    if slow:
        request.getfixturevalue("asked")
    html, _ = code.coloured("if level != 'user\u202e \u2066# and only then\u2069 \u2066':", "ipython3", None)
    assert not set("\u202e\u2066\u2069") & set(html) and "user\\u202e" in html


def test_a_page_has_so_many_seconds_for_all_its_code(asked):
    patience = code.Patience()
    for number in range(100):
        assert f"&lt;b&gt;{number}" in patience.highlight(f"<b>{number}", "ipython3", None)
    code.known.cache_clear()
    assert sum(asked) < code.SECONDS_ALL + code.SECONDS


@pytest.mark.parametrize("ignored", [[], ["*.ipynb"], ["*"], [".*"], [".ipynb_checkpoints", "*.pyc", "__pycache__"], ["data"], ["d*"], ["[ab].txt"], ["data/a.txt"], ["ps?"]])
def test_the_files_beside_a_notebook_are_those_that_nbgrader_finds(ignored, tmp_path):
    for name in ("a.txt", "b.txt", ".hidden.txt", ".ipynb_checkpoints/a.ipynb", "data/a.txt", "data/deep/c.pyc", "data/__pycache__/x", "x.ipynb", ".c.pyc"):
        path = tmp_path / "ps1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert sorted(files_in(tmp_path / "ps1", ignored)) == sorted(find_all_files(str(tmp_path / "ps1"), ignored))


def test_a_notebook_that_the_gradebook_does_not_know_is_named_with_what_to_do():
    about = {"assignment": "ps1", "student": "student-01", "notebook": "other", "submission": SubmissionResult("student-01", Named("ps1"), ())}
    with pytest.raises(MissingEntry, match="no notebook called other of ps1 by student-01. Grade again: course grade ps1 --force"):
        GetGrades().preprocess(new_notebook(), {"nbgrader": about})
