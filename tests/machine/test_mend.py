"""A notebook that lost names, cells or text is made gradable again, and what was mended is said."""

import copy
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading.notebooks import mend as mend_module
from grading.notebooks.mend import CHANGED, MISSING, TWICE, UNMARKED, WHOLE, in_words, mend, stand_in


def entry(name, kind, source, *, grade=False, solution=False, task=False, locked=False, points=None):
    mark = {"schema_version": 3, "grade_id": name, "grade": grade, "solution": solution, "task": task,
            "locked": locked, "cell_type": kind, "checksum": "0"}
    return {"cell_type": kind, "source": source, "metadata": mark | ({"points": points} if points else {})}


TESTS = "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nrun_hidden_checks(\"double\")\n### END HIDDEN TESTS"
TASK = "Why?\n### BEGIN MARK SCHEME\nBecause.\n### END MARK SCHEME"
WANTED = {
    "setup": entry("setup", "code", "import numpy as np", locked=True),
    "double": entry("double", "code", "def double(x):\n    raise NotImplementedError", solution=True),
    "test_double": entry("test_double", "code", TESTS, grade=True, locked=True, points=3.0),
    "explain": entry("explain", "markdown", TASK, task=True, locked=True, points=5.0)}
ANSWER = "def double(x):\n    return 2 * x"


def named(cell, name):
    cell.metadata["nbgrader"] = {"grade_id": name}
    return cell


@pytest.fixture
def honest():
    """A submission as it should be, with a sentence as the answer to the question."""
    return new_notebook(cells=[
        named(new_code_cell("import numpy as np"), "setup"), named(new_code_cell(ANSWER), "double"),
        named(new_code_cell("assert double(2) == 4"), "test_double"), named(new_markdown_cell("Why?"), "explain"),
        new_markdown_cell("My answer.")])


def names(nb):
    return [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in nb.cells]


def texts(nb):
    return [cell.source for cell in nb.cells]


def mended(nb):
    found = mend(nb, WANTED)
    nbformat.validate(nb)
    assert [name for name in names(nb) if name and name != "double"] == ["setup", "test_double", "explain"]
    for cell in nb.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name:
            assert cell.metadata["nbgrader"] == WANTED[name]["metadata"]
            assert not WANTED[name]["metadata"]["locked"] or cell.source == WANTED[name]["source"]
    return found


def test_an_honest_notebook_is_left_as_it_is(honest):
    assert mended(honest) == {}
    assert names(honest) == ["setup", "double", "test_double", "explain", None]
    assert texts(honest)[1] == ANSWER and texts(honest)[4] == "My answer."


def test_mending_twice_changes_nothing_more(honest):
    honest.cells.pop(2)
    mended(honest)
    once = copy.deepcopy(texts(honest))
    mend(honest, WANTED)
    assert texts(honest) == once


def test_cells_without_names_are_recognised(honest):
    for cell in honest.cells:
        cell.metadata = {}
    assert mended(honest) == dict.fromkeys(WANTED, UNMARKED)
    assert names(honest)[1:] == ["setup", "double", "test_double", "explain", None]


def test_names_that_are_left_do_not_keep_others_from_being_recognised(honest):
    for cell in honest.cells[1:4:2]:
        cell.metadata = {}
    assert mended(honest) == {"double": UNMARKED, "explain": UNMARKED}
    assert names(honest)[1:] == ["setup", "double", "test_double", "explain", None]


def test_a_cell_of_another_kind_is_not_recognised():
    nb = nbformat.reads(nbformat.writes(new_notebook(cells=[
        new_code_cell("Why?"), new_markdown_cell("import numpy as np"), new_code_cell(ANSWER), new_markdown_cell(ANSWER)])), 4)
    assert mended(nb) == {"double": UNMARKED, "setup": MISSING, "test_double": MISSING, "explain": MISSING}
    assert [cell.source for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "double"] == [ANSWER]


def test_of_two_answers_without_a_name_the_last_gets_it(honest):
    honest.cells[1] = new_code_cell("double = abs")
    honest.cells.insert(2, new_code_cell(ANSWER))
    assert mended(honest) == {"double": UNMARKED}
    assert names(honest)[1:5] == ["setup", None, "double", "test_double"]


def test_an_answer_is_recognised_by_the_function_it_defines():
    nb = new_notebook(cells=[new_code_cell("import numpy"), new_code_cell("x = 1\n\n" + ANSWER)])
    found = mended(nb)
    assert found == {"double": UNMARKED, "setup": MISSING, "test_double": MISSING, "explain": MISSING}
    assert names(nb) == [None, "setup", None, "double", "test_double", "explain"]


def test_the_setup_comes_first_when_everything_is_missing():
    nb = new_notebook(cells=[new_markdown_cell("hello")])
    mended(nb)
    assert names(nb) == [None, "setup", "test_double", "explain", None]


def test_missing_cells_come_back_behind_the_one_before(honest):
    del honest.cells[2:4]
    assert mended(honest) == {"test_double": MISSING, "explain": MISSING}
    assert names(honest) == [None, "setup", "double", "test_double", "explain", None]
    assert texts(honest)[-1] == "My answer."


def test_of_a_doubled_cell_the_last_keeps_the_name_and_all_are_run(honest):
    honest.cells.insert(2, named(new_code_cell("def double(x): return x + x"), "double"))
    assert mended(honest) == {"double": TWICE}
    assert names(honest)[2:4] == [None, "double"]
    assert texts(honest)[2] == ANSWER


def test_code_in_a_locked_cell_is_kept_in_front_of_it(honest):
    honest.cells[2].source = ANSWER + "\nassert double(2) == 4"
    del honest.cells[1]
    assert mended(honest) == {"test_double": CHANGED}
    assert texts(honest)[2].startswith(ANSWER) and names(honest)[2:4] == [None, "test_double"]


def test_an_answer_written_into_the_question_is_kept_behind_it(honest):
    honest.cells[3].source = "Why? Because I say so."
    assert mended(honest) == {"explain": CHANGED}
    place = names(honest).index("explain")
    assert texts(honest)[place + 1] == "Why? Because I say so."


def test_released_text_of_a_locked_cell_is_not_taken_for_a_change(honest):
    honest.cells[2].source += "\n\n"
    assert mended(honest) == {}


@pytest.mark.parametrize("new", [new_markdown_cell, new_raw_cell])
def test_retyped_cells_get_their_kind_back(honest, new):
    honest.cells[1] = named(new(ANSWER), "double")
    assert "had been turned into" in mended(honest)["double"]
    assert [cell.cell_type for cell in honest.cells if cell.source == ANSWER] == ["code"]


def test_a_question_that_was_made_code_is_a_question_again(honest):
    honest.cells[3] = named(new_code_cell("Why?"), "explain")
    assert mended(honest) == {"explain": "The cell had been turned into a code cell."}
    assert [cell.cell_type for cell in honest.cells if cell.source == TASK] == ["markdown"]


def test_a_raw_cell_becomes_text_that_is_shown_as_it_is(honest):
    honest.cells.append(new_raw_cell("<script>alert(1)</script>"))
    mended(honest)
    assert {cell.cell_type for cell in honest.cells} == {"code", "markdown"}
    assert "```\n<script>alert(1)</script>\n```" in texts(honest)[-1]


def test_metadata_of_the_student_is_left_behind(honest):
    honest.metadata |= {"title": "x", "kernelspec": {"name": "bash", "display_name": "x"}, "celltoolbar": "x"}
    for cell in honest.cells:
        cell.metadata |= {"tags": ["skip-execution"], "collapsed": True}
    mended(honest)
    assert set(honest.metadata) == {"language_info", "grading"}
    assert all(set(cell.metadata) <= {"nbgrader"} for cell in honest.cells)


def test_names_that_are_no_names_are_ignored(honest):
    for cell, name in zip(honest.cells, ([], 7, None, {"a": 1}, "x" * 9999)):
        cell.metadata["nbgrader"] = {"grade_id": name}
    assert mended(honest) == dict.fromkeys(WANTED, UNMARKED)


def test_every_cell_gets_an_id_of_its_own(honest):
    for cell in honest.cells:
        cell["id"] = '"><script>'
    mended(honest)
    assert len({cell["id"] for cell in honest.cells}) == len(honest.cells)
    assert all("<" not in cell["id"] for cell in honest.cells)


def test_what_was_mended_is_said_in_the_first_cell_and_kept(honest):
    del honest.cells[2]
    found = mended(honest)
    assert honest.metadata["grading"]["mended"] == found
    assert "test_double" in texts(honest)[0] and MISSING in texts(honest)[0]


def test_the_same_repair_of_many_cells_is_one_line():
    assert in_words({"a": MISSING, WHOLE: "The file was cut.", "b": MISSING}) == ["The file was cut.", f"a, b: {MISSING}"]


def test_in_place_of_an_unreadable_notebook_stands_the_reason():
    nb = stand_in("The file is empty.")
    assert mended(nb)[WHOLE] == "The file is empty. Nothing could be graded."
    assert "The file is empty." in texts(nb)[0]


# --- what is wanted -------------------------------------------------------------------------------------------------

def row(name, **more):
    return SimpleNamespace(name=name, **more)


GRADEBOOK = SimpleNamespace(
    source_cells=[row("setup", locked=True, cell_type="code", checksum="1", source="import numpy"),
                  row("double", locked=False, cell_type="code", checksum="2", source=None),
                  row("test_double", locked=True, cell_type="code", checksum="3", source="assert"),
                  row("explain", locked=1, cell_type="markdown", checksum="4", source="Why?")],
    grade_cells=[row("test_double", max_score=3)], solution_cells=[row("double")], task_cells=[row("explain", max_score=5)])


def test_what_is_wanted_is_what_the_gradebook_says():
    found = mend_module.canon(GRADEBOOK)
    assert list(found) == ["setup", "double", "test_double", "explain"]
    assert found["test_double"] == {"cell_type": "code", "source": "assert", "metadata": {
        "schema_version": 3, "grade_id": "test_double", "grade": True, "solution": False, "task": False, "locked": True,
        "cell_type": "code", "checksum": "3", "points": 3.0}}
    marks = [entry["metadata"] for entry in found.values()]
    assert [[mark[name] for mark in marks] for name in ("grade", "solution", "task", "locked")] == [
        [False, False, True, False], [False, True, False, False], [False, False, False, True], [True, False, True, True]]
    assert [mark.get("points") for mark in marks] == [None, None, 3.0, 5.0] and found["double"]["source"] == ""


def test_each_repair_is_a_line_of_the_log(honest, monkeypatch):
    class Gradebook:
        find_notebook = staticmethod(lambda notebook, assignment: GRADEBOOK)
        __init__ = __exit__ = lambda *_: None

        def __enter__(self):
            return self

    monkeypatch.setattr(mend_module, "Gradebook", Gradebook)
    preprocessor = mend_module.Mend()
    lines = []
    monkeypatch.setattr(preprocessor.log, "warning", lambda line, *words: lines.append(line % words))
    del honest.cells[2]
    preprocessor.preprocess(honest, {"nbgrader": {"db_url": "", "notebook": "toy", "assignment": "toys", "student": "student-01"}})
    assert f"Mended toy of student-01: test_double: {MISSING}" in lines


def test_pictures_of_the_released_text_are_taken_out_of_its_attachments():
    pictures = {name: {"image/png": "eA=="} for name in ("ours.png", "theirs.png")}
    for held, left in ((pictures, ["theirs.png"]), ({"ours.png": pictures["ours.png"]}, None), (None, None)):
        cell = new_markdown_cell("Why?", **({"attachments": dict(held)} if held else {}))
        mend_module.drop(cell, ["ours.png"])
        assert (list(cell.attachments) if "attachments" in cell else None) == left
