"""`course check`: one notebook file from anywhere is graded as in the course, and nothing is written."""

import io
import shutil
from pathlib import Path

import nbformat
import pytest
import typer
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grading.plugins.feedback import give_titles
from grading.tools import check, shared
from grading.tools.terminal import tell
from grading.run.course import Course
from grading.notebooks.mend import canon
from grading.notebooks.submissions import fill
from tests.conftest import copy_course, due_to, points_due, points_in

ROOT = Path(__file__).parents[2]
CASE = ROOT / "tests" / "submissions" / "ps1" / "half-finished"
NOTEBOOKS = sorted(check.notebooks(ROOT))


@pytest.fixture(scope="module")
def course():
    return Course(ROOT)


@pytest.fixture
def notebook(tmp_path):
    """A submission under a name that says nothing."""
    path = tmp_path / "final version (2).ipynb"
    nb = nbformat.read(ROOT / "release" / "ps1" / "activations.ipynb", as_version=4)
    nbformat.write(fill(nb, (CASE / "activations.py").read_text()), path)
    return path


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_source_gives_what_the_gradebook_has_of_the_release(name, generated, course):
    source = check.notebooks(ROOT)[name]
    with Gradebook(f"sqlite:///{generated[source.parent.name]}/gradebook.db") as gradebook:
        recorded = canon(gradebook.find_notebook(name, source.parent.name))
    found = check.wanted(source, course.config)
    assert found["wanted"] == recorded and list(found["wanted"]) == list(recorded)
    assert found["kernelspec"]["name"] == "python3"


def test_a_file_is_recognised_by_the_exercises_that_it_defines(notebook):
    assert check.find_notebook(notebook, ROOT).notebook == "activations"


def test_a_file_with_the_name_of_a_notebook_is_that_notebook(tmp_path):
    path = tmp_path / "backward_step.ipynb"
    path.write_text("{}")
    assert check.find_notebook(path, ROOT).assignment == "ps2"


@pytest.mark.sandbox
def test_the_points_are_those_that_the_course_gives_and_nothing_is_written(notebook, tmp_path, monkeypatch):
    copy_course(tmp_path / "course", *sorted(path.name for path in (ROOT / "source").iterdir()))
    before = everything_below(tmp_path)
    screen = io.StringIO()
    assert check.show(Console(file=screen, width=200), tmp_path / "course", notebook) == 0
    said = screen.getvalue()
    for exercise, points in due_to(CASE).points.items():
        assert f"{exercise}: {points:g} of " in said
    assert f"{points_due(CASE):g} of {sum(points_in().values()):g} points" in said
    assert everything_below(tmp_path) == before


def everything_below(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.mark.parametrize("content", ["", "{}", "no notebook at all", "def sigmoid("])
def test_a_file_that_cannot_be_graded_gives_3_and_the_reason(content, tmp_path, capsys):
    path = tmp_path / "activations.ipynb"
    path.write_text(content)
    assert check.show(Console(), None, path) == 3
    assert "activations.ipynb: The file" in capsys.readouterr().err or content == "{}"


def test_no_sign_of_a_students_heading_steers_the_terminal():
    """It is the title of the exercise below it, on the terminal and on pages."""
    said, mark = io.StringIO(), {"grade_id": "test_relu", "points": 2.0, "grade": True, "solution": False}
    nb = new_notebook(cells=[new_markdown_cell("## relu\x1b[2J\u202e\x9b1m (2 points)"), new_code_cell(metadata={"nbgrader": mark})])
    give_titles(nb)
    assert nb.cells[1].metadata.nbgrader["title"] == "relu [2J  1m"
    tell(Console(file=said), "relu\x1b[2J\u202e\nline")
    assert said.getvalue() == "relu?[2J?\nline\n", "nor does what nobody looked at"


def test_a_file_of_another_course_is_refused(tmp_path, capsys):
    path = tmp_path / "homework.ipynb"
    path.write_text("{}")
    assert check.show(Console(), None, path) == 3
    assert "defines no exercise of this course" in capsys.readouterr().err


def test_nothing_goes_along_that_does_not_lie_in_a_submission(course_folder, tmp_path):
    root = course_folder("ps1")
    elsewhere, submission = tmp_path / "home", root / "submitted" / "student-01" / "ps1"
    for folder in (elsewhere, submission):
        (folder / ".ssh").mkdir(parents=True)
        (folder / ".ssh" / "id_rsa").write_text("a key")
        (folder / "data.txt").write_text("numbers")
        shutil.copy(root / "release" / "ps1" / "activations.ipynb", folder)
    course = Course(root)
    names = {folder: [name for name, _ in check.beside(course, check.find_notebook(folder / "activations.ipynb", root), [])]
             for folder in (elsewhere, submission)}
    assert names == {elsewhere: [], submission: ["data.txt"]}


def test_a_file_that_is_none_of_ours_is_looked_at_within_bounds(tmp_path):
    path = tmp_path / "untitled.ipynb"
    path.write_bytes(b"\n" * 500_000 + b'"def sigmoid(z):"')
    assert check.find_notebook(path, ROOT).notebook == "activations"


@pytest.mark.parametrize("name", ["u:x:v", ":smile:.ipynb", "[bold]b[/]"])
def test_no_name_turns_into_a_picture_or_a_style_on_the_terminal(name, capsys):
    tell(shared.console, f"graded: {name}")
    table = Table(title="students")
    table.add_row(escape(name))
    shared.console.print(table)
    with pytest.raises(typer.Exit):
        shared.fail(f"There is no file {name}.")
    said = capsys.readouterr()
    assert said.out.count(name) == 2 and name in said.err
