"""`course missing` finds what an exercise lacks, room by room, and nothing in the course as it is."""

import json
import re
import shutil
from pathlib import Path

import pytest

from grading.tools.missing import missing

ROOT = Path(__file__).parents[2]
ROOMS = {"reference": "reference_impl/activations.py", "checks": "tests/hidden/test_activations.py",
         "misconceptions": "tests/misconceptions/activations.py", "right answers": "tests/right_answers/activations.py"}


@pytest.fixture
def course(tmp_path):
    for name in ("source/ps1/activations.ipynb", *ROOMS.values()):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def change(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_nothing_is_missing_in_this_course():
    assert missing(ROOT) == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_without_an_exercise_is_named(course, room):
    (course / ROOMS[room]).unlink()
    lines = missing(course)
    assert lines and all(line.startswith(ROOMS[room] + ": ") for line in lines)
    assert any("leaky_relu_derivative" in line for line in lines)


def test_a_new_exercise_lacks_everything_outside_of_the_notebook(course):
    place = course / "source/ps1/activations.ipynb"
    notebook = json.loads(place.read_text())
    for cell in list(notebook["cells"]):
        if cell["metadata"].get("nbgrader", {}).get("grade_id") in ("relu", "test_relu"):
            copy = json.loads(json.dumps(cell).replace("relu", "invented"))
            notebook["cells"].append(copy)
    place.write_text(json.dumps(notebook))
    assert {line.split(":")[0] for line in missing(course)} == set(ROOMS.values())


def test_a_tests_cell_without_its_hidden_line_is_named(course):
    change(course / "source/ps1/activations.ipynb", r'run_hidden_checks(\"relu\")', "pass")
    lines = missing(course)
    assert any("test_relu names no hidden checks" in line for line in lines)
    assert any("answer cell relu has no tests cell" in line for line in lines)


def test_a_question_without_a_rubric_is_named(course):
    change(course / "source/ps1/activations.ipynb", "### BEGIN MARK SCHEME", "###")
    assert ["explain_activations has no rubric" in line for line in missing(course)] == [True]


def test_too_few_misconceptions_are_counted(course):
    place = course / ROOMS["misconceptions"]
    place.write_text(re.sub(r'@misconception\(\s*"relu"', '@misconception("other"', place.read_text()))
    assert any("relu has 0 of at least 6 misconceptions" in line for line in missing(course))
