"""Reading what was handed in: any bytes and any folder end in plain data or in a reason."""

import datetime
import json
import os

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.utils import parse_utc

from grading.border.bounded import Overrun
from grading.notebooks import folders, intake, reading
from grading.notebooks.folders import NotTaken, read_below
from grading.notebooks.intake import MAX_FILES, Refusal, look_through, parse_stamp, read_files, read_stamp, screen, trouble_with_folder, walk
from grading.notebooks.names import csv_safe, printable, shown, trouble_with, trouble_with_student
from grading.notebooks.record import Record
from grading.notebooks.reading import Unreadable, read_notebook, read_script

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


@pytest.mark.parametrize(("error", "said"), [(OSError("secret"), "reading it fails (OSError)"), (MemoryError(), "reading it fails (MemoryError)"),
                                             (Overrun("takes more than 20 seconds"), "reading it takes more than 20 seconds")])
def test_whatever_fails_while_a_submission_is_read_is_its_refusal(error, said, tmp_path, monkeypatch):
    def fail(*arguments):
        raise error
    monkeypatch.setattr(intake, "bounded", fail)
    assert screen(tmp_path, ["nb"]).notebooks == {"nb": Refusal(f"The submission could not be read: {said}.")}


def test_a_folder_that_cannot_be_opened_is_said_to_be_so(tmp_path):
    assert trouble_with_folder(tmp_path / "gone") == "The submission could not be opened: No such file or directory."


def test_a_notebook_that_is_wanted_is_no_copy_of_another(folder):
    for name in ("a-nb", "nb-z"):
        (folder / "nb.ipynb").replace(folder / f"{name}.ipynb")
        taken = screen(folder, ["a-nb", "nb", "nb-z"]).notebooks
        assert isinstance(taken["nb"], Refusal) and "no nb.ipynb" in taken["nb"].reason
        (folder / f"{name}.ipynb").replace(folder / "nb.ipynb")


def test_what_was_left_out_is_kept_with_each_notebook_that_is_graded(folder):
    os.mkfifo(folder / "pipe")
    notebooks = screen(folder, ["nb", "other"]).notebooks
    assert Record.read(notebooks["nb"]).look == ("Left out: 'pipe' is a pipe.",) and isinstance(notebooks["other"], Refusal)


def test_the_stamp_of_the_exchange_alone_is_no_file(folder):
    for name in ("timestamp.txt", "sub/timestamp.txt", "z.txt", "a.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    assert walk(folder, (), []) == (["a.txt", "z.txt", "sub/timestamp.txt"], ["nb.ipynb"])
    assert [name for name, _ in intake.files_below(folder)] == ["a.txt", "z.txt", "sub/timestamp.txt"]


def test_a_folder_inside_that_cannot_be_opened_is_left_out_and_the_next_is_read(folder, monkeypatch):
    for name in ("closed", "open"):
        (folder / name).mkdir()
        (folder / name / "x.txt").touch()
    opened = intake.opened

    def refuse(top, inside):
        if inside == "closed":
            raise PermissionError(13, "Permission denied")
        return opened(top, inside)
    monkeypatch.setattr(intake, "opened", refuse)
    notes = []
    assert walk(folder, (), notes) == (["open/x.txt"], ["nb.ipynb"])
    assert notes == ["Left out: 'closed' could not be opened (Permission denied)."]


GIF = b"GIF89a" + bytes([1, 0, 1, 0, 0, 0, 0])


@pytest.mark.parametrize(("kind", "ours", "due"), [("markdown", None, True), ("code", None, False), ("raw", None, False), ("markdown", "markdown", False),
                                                   ("markdown", "code", True), ("markdown", "raw", True)])
def test_pictures_are_shown_in_text_that_is_not_the_courses(kind, ours, due):
    notebook = reading.built({"cells": [{"cell_type": kind, "source": "![a](a.gif)"}]}, [])
    wanted = {"text": {"source": "![a](a.gif)", "cell_type": ours}} if ours else {}
    intake.illustrate(notebook, {"a.gif": GIF}, "", (), wanted)
    assert bool(notebook.cells[0].get("attachments")) is due and len(notebook.cells) == (1 if due else 2)


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


@pytest.mark.parametrize("text", ["2029-12-01 10:00:00.123456 UTC", "2029-12-01T10:00:00",
                                  "2015-02-02 15:58:23.948203 America/Los_Angeles"])
def test_time_stamps_of_the_exchange_are_taken(tmp_path, text):
    (tmp_path / "timestamp.txt").write_text(text + "\n")
    assert read_stamp(tmp_path, [], NOW) == text


@pytest.mark.parametrize(("zone", "there"), [(" +0000", "10:00:00"), (" -03", "13:00:00"), (" +0530", "04:30:00"), ("+05:30", "04:30:00"), (" -0330", "13:30:00"),
                                             (" +01:00", "09:00:00"), (" -0000", "10:00:00"), ("-03:30", "13:30:00")])
def test_a_zone_that_is_a_number_is_one_of_hours(tmp_path, zone, there):
    """nbgrader takes it for seconds: who handed in from Brazil was three hours late, or early."""
    for fraction in ("", ".250000"):
        (tmp_path / "timestamp.txt").write_text(f"2029-12-01 10:00:00{fraction}{zone}")
        stamp = read_stamp(tmp_path, [], NOW)
        assert stamp == f"2029-12-01 {there}{fraction} UTC" and parse_utc(stamp) == parse_stamp(f"2029-12-01 10:00:00{fraction}{zone}")


@pytest.mark.parametrize("text", ["2029-12-01 10:00:00 +24", "2029-12-01 10:00:00 -2400", "2029-13-01 10:00:00 +01", "2031-01-01 00:00:00 UTC", "1970-01-01 00:00:00 UTC", "10", "yesterday", "9999-99-99 99:99:99",
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


@pytest.mark.parametrize(("name", "size", "trouble"), [("x", 255, False), ("x", 256, True), ("é", 127, False), ("é", 128, True)])
def test_a_name_of_a_file_has_255_bytes_at_most(name, size, trouble):
    assert (trouble_with(name * size) == "the name is too long") is trouble


def test_a_name_of_a_student_has_128_characters_and_a_shown_one_120():
    assert trouble_with_student("x" * 128) is None and "128 characters" in trouble_with_student("x" * 129)
    assert printable("x" * 120) == "x" * 120 and printable("x" * 121) == "x" * 120 + "…" and printable("abc", 2) == "ab…"
    assert [len(csv_safe("x" * size)) for size in (9_999, 10_000, 10_001)] == [9_999, 10_000, 10_000]


# --- each limit at its border -------------------------------------------------------------------------------------

def notebook_of(*sources, kind="code", **more):
    return json.dumps({"cells": [{"cell_type": kind, "source": source} for source in sources], **more}).encode()


def said_of(content, read=read_notebook):
    """(sources of the cells, what a human should know)."""
    nb = read(content)
    return [cell.source for cell in nb.cells], Record.read(nb).notes[0]


def test_a_notebook_has_500_cells_whole_or_damaged():
    assert said_of(notebook_of(*["x"] * 500)) == (["x"] * 500, "")
    assert said_of(notebook_of(*["x"] * 501)) == (["x"] * 500, "The notebook has 501 cells; only the first 500 were read.")
    for size, read in ((3, 3), (500, 500), (501, 500)):
        assert said_of(notebook_of(*["x"] * size)[:-2]) == (["x"] * read, (
            f"The file is damaged or ends in the middle; only its first {read} cells could be read."))


def test_a_cell_has_100000_characters_and_all_together_two_million():
    full = "x" * 100_000
    assert said_of(notebook_of(full)) == ([full], "")
    assert said_of(notebook_of(full + "y")) == ([full], "A cell of 100001 characters was cut to 100000.")
    assert said_of(notebook_of(*[full] * 20)) == ([full] * 20, "")
    assert said_of(notebook_of(*[full] * 19, full[:-1], "yz")) == (
        [*[full] * 19, full[:-1], "y"], "A cell of 2 characters was cut to 1.")


TEXT = '{"cells": [{"cell_type": "code", "source": "x = \'é\'"}]}'


@pytest.mark.parametrize(("content", "note"), [
    (TEXT.encode(), ""), (TEXT.encode("utf-8-sig"), ""), (TEXT.encode("cp1252"), "The file is not in UTF-8; it was read as Windows-1252."),
    (TEXT.encode("utf-16"), "The file is not in UTF-8; it was read as utf-16."),
    (TEXT.encode("utf-32-le"), "The file is not in UTF-8; it was read as utf-32-le.")])
def test_a_file_in_another_encoding_is_read_and_that_is_said(content, note):
    assert said_of(content) == (["x = 'é'"], note)


def test_a_file_that_ends_within_a_character_is_cut_and_not_in_another_encoding():
    content = TEXT.replace("]}", ', {"source": "' + 300 * "é").encode()[:-1]
    assert said_of(content) == (["x = 'é'"], "The file is damaged or ends in the middle; only its first 1 cells could be read.")


@pytest.mark.parametrize(("content", "what"), [
    (b"", "The file is empty."), (b" \0\r\n\t", "The file holds nothing but blanks."), (b"PK\x03\x04x", "a zip archive or an office document, not"),
    (b"%PDF-1.7", "a PDF, not"), (b"<!DOCTYPE html>", "a web page, not"), (b"<html>", "a web page, not"), (b"\x89PNG\r\n", "a picture, not"),
    (b"\xff\xd8\xff\xe0", "a picture, not"), (b"\x1f\x8bx", "a gzip archive, not"), (b"\x7fELFx", "a program, not"),
    (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"), (b"[1]", "is JSON, but not a notebook"), (b"[" * 10**5, "nested too deeply"),
    (b'{"a": 1}', "The notebook has no cells."), (b'{"cells": [1, "x"]}', "The notebook has no cells."), (b"def f(x):\n    return x\n", "a Python script, not"),
    (b"words", "is not a notebook, or it is damaged from the start"), ("é".encode()[:1], "is not a notebook, or it is damaged")])
def test_a_file_that_is_no_notebook_is_called_what_it_is(content, what):
    with pytest.raises(Unreadable) as refused:
        read_notebook(content)
    assert what in str(refused.value)


@pytest.mark.parametrize(("metadata", "language"), [
    ({"kernelspec": {"language": "R"}}, "'R'"), ({"language_info": {"name": "julia"}}, "'julia'"), ({"kernelspec": {"language": "Python"}}, None),
    ({"kernelspec": {"language": ""}, "language_info": {"name": "R"}}, "'R'"), ({"kernelspec": {"language": "python3"}, "language_info": {"name": "R"}}, None),
    ({"kernelspec": {"language": 3}}, None), ({"kernelspec": "R"}, None), ("R", None), ({}, None)], ids=str)
def test_another_language_is_said(metadata, language):
    note = f"The notebook names another language, {language}; its cells were run as Python." if language else ""
    assert said_of(notebook_of("x", metadata=metadata)) == (["x"], note)


@pytest.mark.parametrize(("level", "signs"), [(1, 1), (2, 2), (6, 6), (7, 1), (0, 1), (-1, 1), (True, 1), (2.0, 1), (None, 1)])
def test_a_heading_of_an_old_notebook_has_its_level(level, signs):
    old = {"worksheets": [{"cells": [{"cell_type": "heading", "level": level, "source": "Title"}]}, 3, {"cells": 4}, {"cells": [{"input": "y"}]}]}
    assert said_of(json.dumps(old).encode()) == (["#" * signs + " Title", "y"], "The notebook was in a format from before 2015; it was converted.")


def test_kinds_of_cells_and_the_names_that_they_have():
    cells = [{"cell_type": kind, "source": "x", "metadata": {"nbgrader": {"grade_id": "a" * size, "points": 9}, "tags": ["x"]}, "outputs": [1]}
             for kind, size in (("code", 119), ("markdown", 120), ("raw", 121), ("other", 1))]
    read = read_notebook(json.dumps({"cells": cells}).encode()).cells
    assert [cell.cell_type for cell in read] == ["code", "markdown", "raw", "raw"]
    assert [cell.metadata for cell in read] == [{"nbgrader": {"grade_id": "a" * size}} for size in (119, 120, 120, 1)]
    assert read[0].outputs == [] and read[0].execution_count is None and "outputs" not in read[1]


def test_text_of_a_cell_is_text_that_can_be_written():
    assert said_of(notebook_of(["a\r\nb\r", 3, "c\0"], 4, "\ud83d\ude00 \ud83d"))[0] == ["a\nb\nc\ufffd", "", "\U0001f600 \ufffd"]


def test_a_script_is_read_as_cells_and_anything_else_is_no_script():
    assert said_of(b"def f(x):\n    return x\n", read_script) == (
        ["def f(x):\n    return x"], "The file is a Python script, not a notebook; its code was run as cells.")
    with pytest.raises(Unreadable, match="not a Python script"):
        read_script(b"some words of mine")


def test_a_folder_is_looked_through_for_2000_entries(tmp_path):
    for number in range(2000):
        (tmp_path / f"{number:04}").touch()
    for more in (0, 1):
        notes = []
        files, notebooks = walk(tmp_path, (), notes)
        assert (len(files), notebooks, notes) == (2000, [], ["The submission holds more than 2000 files; the rest was not looked at."][:more])
        (tmp_path / "a").touch()


def test_many_files_do_not_hide_the_notebook_and_a_folder_that_nobody_can_list_is_refused(tmp_path, monkeypatch):
    for number in range(2000):
        (tmp_path / f"{number:04}").touch()
    (tmp_path / "remedies.ipynb").touch()
    assert walk(tmp_path, (), [])[1] == ["remedies.ipynb"] and trouble_with_folder(tmp_path) is None
    monkeypatch.setattr(folders, "MOST_LISTED", 2000)
    monkeypatch.setattr(intake, "MOST_LISTED", 2000)
    assert trouble_with_folder(tmp_path) == "The submission holds 2000 files or more in one folder: too many to look through."


@pytest.mark.skipif(os.geteuid() != 0, reason="a file of somebody else takes two users")
def test_another_name_of_somebody_elses_file_is_not_read_in_place(tmp_path):
    """Where Linux lets anybody make one (fs.protected_hardlinks=0), and a watcher reads what its maker cannot."""
    for name, owner in (("theirs", 12345), ("own", 54321)):
        (tmp_path / name).write_text("{}")
        os.chown(tmp_path / name, owner, -1)
    (tmp_path / "in").mkdir()
    os.chown(tmp_path / "in", 54321, -1)
    for place in ("theirs.csv", "remedies.ipynb"):
        os.link(tmp_path / "theirs", tmp_path / "in" / place)
    os.link(tmp_path / "own", tmp_path / "in" / "own.csv")
    found = screen(tmp_path / "in", ["remedies"])
    assert [name for name, _ in found.files] == ["own.csv"]
    assert "another name of somebody else's file" in found.notebooks["remedies"].reason


def test_of_what_is_left_out_eight_are_named(tmp_path):
    for number in range(9):
        os.mkfifo(tmp_path / str(number))
        notes = []
        assert walk(tmp_path, (), notes) == ([], [])
        assert len(notes) == number + 1
        assert notes[:8] == [f"Left out: '{one}' is a pipe." for one in range(min(number + 1, 8))]
    assert notes[8] == "Left out: 1 more of that sort."
    for number in range(9, 20):
        os.mkfifo(tmp_path / str(number))
    walk(tmp_path, (), notes)
    assert notes[-1] == "Left out: 12 more of that sort."


def test_files_beside_a_notebook_have_16_mebibytes_all_together(tmp_path):
    for name, size in (("a", 16 * 2**20 - 2), ("b", 3), ("c", 2), ("d", 1)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    for names, taken in (("acd", "ac"), ("abc", "ac"), ("ab", "a"), ("ac", "ac")):
        notes = []
        assert [name for name, _ in read_files(tmp_path, names, notes)] == list(taken)
        assert notes == [f"Of the files beside the notebook, {len(names) - len(taken)} were left out: 200 files or 16 MiB are the most."] * (
            names != taken)


@pytest.mark.parametrize(("sizes", "left_out"), [
    ([16 * 2**20], []), ([16 * 2**20 + 1], [0]), ([16 * 2**20 - 1, 2, 1], [1]), ([1] * 200, []), ([1] * 203, [200, 201, 202])])
def test_files_in_an_archive_have_the_same_caps_and_what_is_left_out_is_counted(sizes, left_out):
    files = {f"{number:03}": bytes(size) for number, size in enumerate(sizes)}
    found = intake.Intake()
    intake.take_beside(found, files, ())
    assert [name for name, _ in found.files] == [name for name in files if int(name) not in left_out]
    assert found.notes == [f"Of the files in the archive, {len(left_out)} were left out: 200 files or 16 MiB are the most, 8 folders deep, "
                           "and none takes another's place."] * bool(left_out)


def test_nothing_stands_in_the_place_of_a_file_or_folder_of_the_course(folder):
    (folder / "data").write_text("a file where a folder is due")
    (folder / "plots.py").mkdir()
    taken = look_through(folder, {"nb": {}}, (), ("data/numbers.csv", "plots.py"))
    assert taken.files == [] and taken.notes == ["Left out: 'data' stands in the place of a folder of the course.",
                                                 "Left out: 'plots.py' stands in the place of a file of the course."]


def test_no_link_is_followed_and_no_pipe_waited_for(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("abc")
    (tmp_path / "to file").symlink_to("in/file")
    (tmp_path / "to folder").symlink_to("in")
    os.mkfifo(tmp_path / "pipe")
    assert read_below(tmp_path, "in/file", 3) == b"abc"
    for name, most, why in (("in/file", 2, "large"), ("to file", 9, "link"), ("to folder/file", 9, "opened"), ("pipe", 9, "pipe"), ("in", 9, "folder")):
        with pytest.raises(NotTaken, match=why):
            read_below(tmp_path, name, most)
    with pytest.raises(FileNotFoundError):
        read_below(tmp_path, "nothing", 9)


@pytest.mark.parametrize("name", [
    ".env", ".ipynb_checkpoints", "nbgrader_config.py", "nbgrader_config.json", "jupyter_config.py", "jupyter_server_config.json",
    "ipython_config.py", "ipython_kernel_config.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "x.pth", "pytest.ini", "tox.ini",
    "setup.cfg", "setup.py", "pyproject.toml", "matplotlibrc", "Makefile", "makefile", "GNUmakefile", "__pycache__", "x.pyc", "__MACOSX"])
def test_what_a_tool_would_obey_is_left_out_without_a_word(name, folder):
    (folder / name).write_text("x")
    (folder / f"my_{name}x").write_text("x")
    taken = look_through(folder, {"nb": {}}, (), ())
    assert ([one for one, _ in taken.files], taken.notes) == ([f"my_{name}x"], [])


@pytest.mark.parametrize(("text", "taken"), [
    ("2000-01-01 00:00:00 UTC", False), ("2000-01-01 00:00:01 UTC", True), ("2030-01-01 23:59:59 UTC", True), ("2030-01-02 00:00:00 UTC", False),
    ("2029-12-01 10:00:00 /etc/localtime", False), ("2029-12-01 10:00:00 UTC" + " " * 177, True), ("2029-12-01 10:00:00 UTC" + " " * 178, False)])
def test_a_time_stamp_lies_between_2000_and_tomorrow_in_200_bytes(tmp_path, text, taken):
    (tmp_path / "timestamp.txt").write_text(text)
    notes = []
    assert read_stamp(tmp_path, notes, NOW) == (text.strip() if taken else None) and len(notes) == 1 - taken


def test_a_time_stamp_that_is_not_there_or_empty_is_no_trouble(tmp_path):
    notes = []
    assert read_stamp(tmp_path, notes) is None
    (tmp_path / "timestamp.txt").write_text("\n")
    assert read_stamp(tmp_path, notes) is None and notes == []
