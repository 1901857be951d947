"""One submission costs no other: whatever it holds, it is read within bounds, and the others are graded."""

import base64
import json
import re
import shutil
import time
from contextlib import nullcontext, suppress

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from classes import course_grade, graded, submit
from grading.notebooks import reading
from grading.plugins import feedback

CELL = {"cell_type": "code", "source": "x = 1", "metadata": {}}
ANSWER = {**CELL, "source": "def relu(z):\n    return z"}
ODD = (None, True, False, 0, -1, 2.0, 1e400, 10**30, "", "2", "\ud800", [], {}, [[]], {"a": 1}, "x" * 10**5)


def as_bytes(**notebook):
    return json.dumps(notebook).encode()


def old_notebook(level, cell=CELL):
    return as_bytes(worksheets=[{"cells": [{"cell_type": "heading", "level": level, "source": "Title"}, cell]}], nbformat=3)


# --- one notebook -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("value", ODD, ids=repr)
def test_a_heading_of_any_level_is_read(value):
    title, _ = reading.read_notebook(old_notebook(value)).cells
    assert re.fullmatch(r"#{1,6} Title", title.source)


@pytest.mark.parametrize("key", ["cell_type", "source", "input", "level", "metadata", "attachments", "outputs", "id"])
@pytest.mark.parametrize("kind", ["code", "markdown", "heading", "raw"])
def test_a_cell_with_an_entry_of_any_kind_is_read_and_can_be_written(kind, key):
    for value in ODD:
        for mark in ({}, {"nbgrader": value}, {"nbgrader": {"grade_id": value}}):
            cell = {"cell_type": kind, "source": "x", "metadata": mark} | {key: value}
            for content in (as_bytes(cells=[cell, CELL]), as_bytes(worksheets=[{"cells": [cell, CELL]}])):
                nb = reading.read_notebook(content)
                json.dumps(nb, ensure_ascii=False).encode()


def test_a_file_of_more_than_2_mebibytes_is_read_without_its_outputs(monkeypatch):
    asked = []
    monkeypatch.setattr(reading, "without_outputs", lambda content: asked.append(len(content)) or as_bytes(cells=[CELL]))
    for size in (2**21 - 1, 2**21, 2**21 + 1):
        (cell,) = reading.read_notebook(as_bytes(cells=[CELL]).ljust(size)).cells
        assert cell.source == CELL["source"]
    assert asked == [2**21 + 1]


def test_a_file_has_16_mebibytes_without_its_outputs():
    assert reading.read_notebook(as_bytes(cells=[CELL]).ljust(2**24)).cells
    for more, said in ((1, 16), (7 * 2**20 // 4, 18)):
        with pytest.raises(reading.Unreadable, match=f"^The file is too large: {said} MiB without outputs, and 16 are the most.$"):
            reading.read_notebook(bytes(2**24 + more))


def test_a_list_of_one_notebook_is_that_notebook_and_of_two_it_is_none():
    nb = {"cells": [CELL]}
    assert reading.read_notebook(json.dumps([nb]).encode()).cells[0].source == CELL["source"]
    assert reading.read_notebook(json.dumps([[[nb]]]).encode()).cells
    for several in ([nb, nb], [], [[[[nb]]]]):
        with pytest.raises(reading.Unreadable, match="is JSON, but not a notebook"):
            reading.read_notebook(json.dumps(several).encode())


def test_a_markdown_cell_alone_keeps_attached_pictures():
    gif = base64.b64encode(b"GIF89a" + bytes([1, 0, 1, 0, 0, 0, 0])).decode()
    attached = {"a.gif": {"image/gif": gif}}
    cells = [{"cell_type": kind, "source": "![a](attachment:a.gif)", "attachments": attached} for kind in ("markdown", "code", "raw")]
    cells += [{"cell_type": "markdown", "source": "none"}]
    assert [cell.get("attachments") for cell in reading.read_notebook(as_bytes(cells=cells)).cells] == [attached, None, None, None]


@pytest.mark.parametrize("kind", reading.KINDS)
def test_a_new_cell_is_the_one_that_nbformat_makes(kind):
    made, theirs = reading.new_cell(kind, "x"), getattr(nbformat.v4, f"new_{kind}_cell")("x")
    assert {**made, "id": len(made.id)} == {**theirs, "id": len(theirs.id)}
    assert reading.new_notebook() == nbformat.v4.new_notebook()


HOSTILE = {
    "newlines": lambda size: b"\n" * size + b"x",
    "blanks": lambda size: b" " * size + b"x",
    "cells without end": lambda size: b'"cells"' * (size // 7),
    "colons": lambda size: b'"cells"' + b" " * size + b"x",
    "brackets": lambda size: b"[" * size,
    "commas": lambda size: b'{"cells": [{},' + b"," * size + b"x",
    "defs": lambda size: b"\ndef" * (size // 4),
    "import": lambda size: b"import" + b" \n" * (size // 2),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_reading_grows_with_the_size_of_a_file_and_not_with_its_square(kind):
    def cost(size):
        content = HOSTILE[kind](size)
        times = []
        for _ in range(3):
            before = time.process_time()
            with suppress(reading.Unreadable):
                reading.read_notebook(content)
            times.append(time.process_time() - before)
        return min(times)

    assert cost(80_000) < 64 * max(cost(5_000), 0.002), "16 times as large, and 256 times as dear"


# --- a class ------------------------------------------------------------------------------------------------------

def as_file(folder, content):
    (folder / "activations.ipynb").unlink()
    (folder / "activations.ipynb").write_bytes(content)


def helper_as_folder(folder, name="gradient_plots.py"):
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    (folder / name / "inside.txt").write_text("x")


BAD = {     # what is wrong with a submission, and whether it is graded all the same
    "level": (lambda folder: as_file(folder, old_notebook(2.0, ANSWER)), True),
    "newlines": (lambda folder: as_file(folder, b"\n" * 200_000 + b"x"), False),
    "surrogate": (lambda folder: as_file(folder, as_bytes(cells=[{**ANSWER, "metadata": {"nbgrader": {"grade_id": "\ud800"}}}])), True),
    "helper": (helper_as_folder, True),
    "stamp": (lambda folder: helper_as_folder(folder, "timestamp.txt"), True),
    "zone": (lambda folder: (folder / "timestamp.txt").write_text("2026-01-01 10:00:00 -99999999999999"), True),
    "notebook": (lambda folder: helper_as_folder(folder, "activations.ipynb"), False),
    "obeyed": (lambda folder: [(folder / name).write_text("raise SystemExit") for name in OBEYED], True),
    "new\nline": (lambda folder: None, False),
}
OBEYED = ("nbgrader_config.py", "jupyter_server_config.json", "conftest.py", "sitecustomize.py", ".env", "matplotlibrc")


def hostile_class(root, generated):
    """A course in which everybody but student-01 handed in something bad."""
    shutil.copytree(generated["ps1"], root)
    for student in ("student-01", *BAD):
        folder = submit(root, student, "blank")
        if student in BAD:
            BAD[student][0](folder)
    return root




@pytest.mark.sandbox
def test_both_commands_grade_the_others_and_agree_on_who_was_not_and_why(generated, tmp_path, nbgrader):
    ours, stock = (hostile_class(tmp_path / name, generated) for name in ("ours", "stock"))
    status, said = course_grade(ours)
    done = nbgrader("autograde", "ps1", cwd=stock)
    through = sorted(["student-01", *(name for name, (_, good) in BAD.items() if good)])
    assert status == 3 and done.returncode != 0
    reasons = {}
    for root, text, pattern in ((ours, said, r"(?m)^needs a human: '(.+?)': not graded: (.*)$"),
                                (stock, done.stdout, r"(?m)^.*WARNING\]   '(.+?)': not graded: (.*)$")):
        reasons[root] = dict(re.findall(pattern, text))
        assert sorted(set(graded(root)) - reasons[root].keys()) == sorted(through), text
    assert reasons[ours] == reasons[stock]
    everything = [set(re.findall(pattern, text)) for text, pattern in ((said, r"(?m)^needs a human: (.*)$"),
                                                                      (done.stdout, r"(?m)^.*WARNING\]   ('.+?': (?:not graded|graded, but).*)$"))]
    assert everything[0] == everything[1] and len(everything[0]) > len(reasons[ours])
    for root in (ours, stock):
        names = {path.name for path in (root / "autograded" / "obeyed" / "ps1").iterdir()}
        assert "gradient_plots.py" in names and not (names & set(OBEYED))
        assert (root / "autograded" / "helper" / "ps1" / "gradient_plots.py").is_file()


MARKS = ("### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS", "### BEGIN MARK SCHEME", "### END MARK SCHEME")


@pytest.mark.parametrize("source", ["\n".join([first, second, "mine"]) for first in MARKS for second in MARKS])
@pytest.mark.parametrize("kind", [feedback.ClearHiddenTests, feedback.ClearMarkScheme])
def test_marks_of_hidden_regions_in_a_cell_of_ones_own_do_not_keep_the_feedback_back(kind, source):
    for locked in (False, True):
        cell = new_code_cell(source, metadata={"nbgrader": {"grade_id": "a", "locked": locked, "grade": locked}} if locked else {})
        with suppress(RuntimeError) if locked else nullcontext():
            kind().preprocess_cell(cell, {}, 0)
