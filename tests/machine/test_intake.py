"""Reading what was handed in: any bytes and any folder end in plain data or in a reason."""

import datetime
import json
import os

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.notebooks.intake import MAX_FILES, Refusal, read_stamp, screen
from grading.notebooks.names import csv_safe, shown, trouble_with, trouble_with_student
from grading.notebooks.record import Record
from grading.notebooks.reading import Unreadable, read_notebook

KEYS = st.sampled_from(["cells", "worksheets", "metadata", "nbformat", "cell_type", "source", "input", "level", "nbgrader",
                        "grade_id", "attachments", "kernelspec", "language", "outputs", "id", "image/png"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(
    ["code", "markdown", "raw", "heading", "def f(): pass"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
                    max_leaves=30)


def read_or_refuse(content):
    try:
        notebook = read_notebook(content)
    except Unreadable as error:
        assert str(error)
        return
    nbformat.validate(notebook)
    nbformat.writes(notebook).encode()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content):
    read_or_refuse(content)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.dictionaries(KEYS, JSON, max_size=4), st.integers(0, 40))
def test_any_json_whole_or_cut_is_read_or_refused(data, cut):
    text = json.dumps(data)
    read_or_refuse(text.encode())
    read_or_refuse(text[:len(text) - cut].encode())


def test_what_a_notebook_says_of_its_own_grading_is_dropped():
    notebook = {"cells": [{"cell_type": "code", "source": "1", "metadata": {"grading": 1}}],
                "metadata": {"grading": {"notes": ["full marks"], "mended": {}}}}
    assert Record.read(read_notebook(json.dumps(notebook).encode())) == Record()


# --- folders ------------------------------------------------------------------------------------------------------

@pytest.fixture
def folder(tmp_path):
    (tmp_path / "nb.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": "x = 1"}]}))
    return tmp_path


def test_a_folder_is_read_in_the_same_order_each_time(folder):
    for name in ("b.txt", "a.txt", "sub/c.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    intake = screen(folder, ["nb"])
    assert [name for name, _ in intake.files] == ["a.txt", "b.txt", os.path.join("sub", "c.txt")]
    assert screen(folder, ["nb"]).files == intake.files
    assert intake.notebooks["nb"].cells[0].source == "x = 1" and intake.notes == []


@pytest.mark.parametrize("what", ["missing", "file", "link"])
def test_what_is_no_folder_is_refused(tmp_path, what):
    place = tmp_path / "ps1"
    if what == "file":
        place.write_text("x")
    elif what == "link":
        place.symlink_to("/")
    intake = screen(place, ["nb"])
    assert isinstance(intake.notebooks["nb"], Refusal) and intake.files == []


def test_of_two_notebooks_each_is_judged_by_itself(folder):
    (folder / "other.ipynb").write_text("")
    intake = screen(folder, ["nb", "other", "third"])
    assert intake.notebooks["nb"].cells
    assert "empty" in intake.notebooks["other"].reason
    assert "no third.ipynb" in intake.notebooks["third"].reason


def test_too_many_files_are_left_out_and_counted(folder):
    for number in range(MAX_FILES + 5):
        (folder / f"{number}.txt").write_text("x")
    intake = screen(folder, ["nb"])
    assert len(intake.files) == MAX_FILES
    assert "5 were left out" in intake.notes[0]


def test_ignored_names_are_not_taken(folder):
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "nb-checkpoint.ipynb").write_text("{")
    (folder / "README.md").write_text("x")
    assert screen(folder, ["nb"], ignore=["README.md"]).files == []


NOW = datetime.datetime(2030, 1, 1)


@pytest.mark.parametrize("text", ["2029-12-01 10:00:00.123456 UTC", "2029-12-01 10:00:00 +0000", "2029-12-01T10:00:00",
                                  "2015-02-02 15:58:23.948203 America/Los_Angeles"])
def test_time_stamps_of_the_exchange_are_taken(tmp_path, text):
    (tmp_path / "timestamp.txt").write_text(text + "\n")
    assert read_stamp(tmp_path, [], NOW) == text


@pytest.mark.parametrize("text", ["2031-01-01 00:00:00 UTC", "1970-01-01 00:00:00 UTC", "10", "yesterday", "9999-99-99 99:99:99",
                                  "2029-12-01 10:00:00 UTC\n2029-12-01 10:00:00 UTC", "0001-01-01 00:00:00 UTC", "x" * 500])
def test_other_time_stamps_are_not_taken_and_named(tmp_path, text):
    (tmp_path / "timestamp.txt").write_text(text)
    notes = []
    assert read_stamp(tmp_path, notes, NOW) is None
    assert "timestamp.txt" in notes[0]


# --- names --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "|cmd", "%0a=1", "\u200b=1", "\0=1", "\ufeff@x",
                                  "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x"])
def test_a_formula_is_written_as_text(text):
    assert csv_safe(text).startswith("'")


@pytest.mark.parametrize("value", [3, -2.5, None, "-2.5", "+3", "Zoë", "o'brien", "a=b", ""])
def test_numbers_and_names_are_written_as_they_are(value):
    assert csv_safe(value) == value


def test_a_line_break_does_not_end_a_row():
    assert csv_safe("a\nb\x1b[0m") == "a b [0m"


def test_a_name_in_a_log_is_one_short_printable_piece():
    assert shown("a\n\x1b[31m`<b>") == "'a??[31m??b?'"
    assert len(shown("x" * 999)) < 130


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\0", "x" * 256, "\udc80"])
def test_names_that_no_file_may_have(name):
    assert trouble_with(name)


@pytest.mark.parametrize("name", ["<b>", 'a"b', "a&b", "a\\b", "a/b", "a?b", "*", "a#b", "a%b", "{a}", "a\nb", ".."])
def test_names_that_no_student_may_have(name):
    assert trouble_with_student(name)


@pytest.mark.parametrize("name", ["student-01", "o'brien", "Zoë.Å", "a+b@example.org", "-x", "[a]", "=1"])
def test_names_that_a_student_may_have(name):
    assert trouble_with_student(name) is None
