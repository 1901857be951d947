"""Folders that no honest student hands in, and some that many do: built when they are needed, none is kept.

Each case starts from an honest submission of ps1 with every answer right, 20 points, and spoils its folder. What is
due stands beside the case: the points, whether the run has to fail for it, and what a human has to be told.
"""

import json
import os
import shutil
import socket
from dataclasses import dataclass

NOTEBOOK = "activations.ipynb"
FULL = 20
ANSWERS = ("sigmoid", "sigmoid_derivative", "tanh_derivative", "relu", "relu_derivative", "leaky_relu_derivative",
           "saturated_fraction")
CASES = {}


@dataclass(frozen=True)
class Case:
    """What is due to a case: `points`, `fails` if the run must not end well for it, `told` in the summary for staff."""

    name: str
    build: object
    points: float
    fails: bool
    told: str
    student: str


def case(points=FULL, *, fails=False, told="", student=None):
    """Register a function (folder, course root) that spoils an honest submission; its docstring says what it is."""
    def register(function):
        name = function.__name__
        CASES[name] = Case(name, function, points, fails, told, student or name)
        return function
    return register


def read(folder):
    return json.loads((folder / NOTEBOOK).read_text())


def write(folder, notebook, name=NOTEBOOK):
    (folder / name).write_text(json.dumps(notebook))


def replace(folder, content):
    (folder / NOTEBOOK).write_bytes(content)


def name_of(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def code(source):
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}


def markdown(source, **more):
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}


def answers(notebook):
    """The source of all answer cells in one text."""
    return "\n\n".join("".join(cell["source"]) for cell in notebook["cells"] if name_of(cell) in ANSWERS)


def blank(notebook):
    """Take every answer out again."""
    for cell in notebook["cells"]:
        if name_of(cell) in ANSWERS:
            cell["source"] = "raise NotImplementedError"


# --- files that are no notebooks ----------------------------------------------------------------------------------

@case(0, fails=True, told="The file is empty")
def empty_file(folder, root):
    """A notebook of no bytes."""
    replace(folder, b"")


@case(0, fails=True, told="nothing but blanks")
def zero_bytes(folder, root):
    """A notebook of zero bytes, as a full disk leaves them."""
    replace(folder, b"\0" * 5000)


@case(15, told="ends in the middle")
def truncated_file(folder, root):
    """An upload that broke off in the fourth answer."""
    text = (folder / NOTEBOOK).read_text()
    (folder / NOTEBOOK).write_text(text[:text.index("def relu(z)") + 20])


@case(0, fails=True, told="too large")
def huge_file(folder, root):
    """A notebook of 100 MB."""
    notebook = read(folder)
    notebook["cells"].append(code("x = '" + "x" * 100_000_000 + "'"))
    write(folder, notebook)


@case(0, fails=True, told="not a notebook, or it is damaged")
def binary_file(folder, root):
    """Bytes of no meaning."""
    replace(folder, bytes(range(256)) * 40)


@case(0, fails=True, told="a picture, not a notebook")
def picture_for_notebook(folder, root):
    """A screenshot that was renamed."""
    replace(folder, b"\x89PNG\r\n\x1a\n" + bytes(200))


@case(0, fails=True, told="a zip archive")
def archive_for_notebook(folder, root):
    """An archive that was renamed."""
    replace(folder, b"PK\x03\x04" + bytes(200))


@case(told="a Python script")
def script_for_notebook(folder, root):
    """The code without the notebook."""
    replace(folder, answers(read(folder)).encode())


@case(0, fails=True, told="nested too deeply")
def deeply_nested_file(folder, root):
    """A hundred thousand brackets: a parser that recurses runs out of stack."""
    replace(folder, b"[" * 100_000 + b"]" * 100_000)


@case()
def deeply_nested_metadata(folder, root):
    """Metadata that can be parsed, but hardly copied."""
    text = json.dumps({**read(folder), "metadata": "HERE"})
    replace(folder, text.replace('"HERE"', '{"a":' * 400 + "1" + "}" * 400).encode())


@case(0, fails=True, told="JSON, but not a notebook")
def json_but_no_notebook(folder, root):
    """A list of numbers."""
    replace(folder, b"[1, 2, 3]")


@case(0, fails=True, told="has no cells")
def notebook_without_cells(folder, root):
    """A notebook with nothing in it."""
    write(folder, {**read(folder), "cells": []})


# --- encodings and formats ----------------------------------------------------------------------------------------

@case(told="read as utf-16")
def utf_16(folder, root):
    """Saved by an editor that likes two bytes a character."""
    replace(folder, (folder / NOTEBOOK).read_text().encode("utf-16"))


@case()
def byte_order_mark(folder, root):
    """UTF-8 with a byte order mark."""
    replace(folder, (folder / NOTEBOOK).read_text().encode("utf-8-sig"))


@case(told="read as Windows-1252")
def latin_1(folder, root):
    """Saved as Latin-1, with an umlaut in a sentence."""
    notebook = read(folder)
    notebook["cells"].append(markdown("Für große z ist die Ableitung fast null."))
    replace(folder, json.dumps(notebook, ensure_ascii=False).encode("latin-1", "replace"))


@case()
def lone_surrogates(folder, root):
    """Half a character and a zero byte in a text: JSON allows both, UTF-8 the first never."""
    notebook = read(folder)
    notebook["cells"].append(markdown("half \ud83d and zero \0"))
    write(folder, notebook)


@case(told="before 2015")
def format_3(folder, root):
    """A notebook as IPython 2 wrote it."""
    notebook = read(folder)
    cells = [{**cell, "input" if cell["cell_type"] == "code" else "source": cell["source"], "metadata": {}}
             for cell in notebook["cells"]]
    for cell in cells:
        if cell["cell_type"] == "code":
            del cell["source"]
    heading = {"cell_type": "heading", "level": 2, "source": "My answers", "metadata": {}}
    write(folder, {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""},
                   "worksheets": [{"cells": [heading, *cells], "metadata": {}}]})


@case(told="before 2015")
def format_2(folder, root):
    """A notebook as IPython 0.12 wrote it."""
    notebook = read(folder)
    write(folder, {"nbformat": 2, "metadata": {"name": "x"},
                   "worksheets": [{"cells": [{"cell_type": "code", "language": "python", "outputs": [],
                                              "input": answers(notebook)}]}]})


@case()
def odd_format_numbers(folder, root):
    """A format from the future, and a minor number that is no number."""
    write(folder, {**read(folder), "nbformat": 7, "nbformat_minor": "latest"})


@case(told="is damaged")
def number_of_5000_digits(folder, root):
    """A number too long for Python's parser, after the cells."""
    text = json.dumps({**read(folder), "metadata": {"n": "HERE"}})
    replace(folder, text.replace('"HERE"', "9" * 5000).encode())


@case()
def parts_of_wrong_types(folder, root):
    """Cells, sources, metadata and attachments that are not what the format says."""
    notebook = read(folder)
    notebook["cells"] += [None, 3, [], {}, {"cell_type": "code"}, {"cell_type": ["code"], "source": {"a": 1}},
                          {**markdown("x"), "metadata": [1], "attachments": {"a.png": 7, "b.png": {"image/png": "!"}}},
                          {**code("1"), "metadata": {"nbgrader": 5, "tags": "all"}, "outputs": "none"}]
    notebook["metadata"] = ["kernelspec"]
    write(folder, notebook)


# --- folders, links and special files -----------------------------------------------------------------------------

@case(told="holds more than")
def thousands_of_files(folder, root):
    """Five thousand files in the folder."""
    (folder / "more").mkdir()
    for number in range(5000):
        (folder / "more" / f"{number}.txt").write_text("x")


@case(told="were left out")
def fifty_megabytes_beside(folder, root):
    """More data than a submission may bring along."""
    for number in range(5):
        (folder / f"data{number}.bin").write_bytes(bytes(10 * 2**20))


@case(0, fails=True, told="is a link")
def link_to_the_source_notebook(folder, root):
    """In place of the notebook a link to the instructor's, with all solutions."""
    (folder / NOTEBOOK).unlink()
    (folder / NOTEBOOK).symlink_to(root / "source" / "ps1" / NOTEBOOK)


@case(told="is a link")
def link_to_the_gradebook(folder, root):
    """A link beside the notebook to every grade of the class."""
    (folder / "data.txt").symlink_to(root / "gradebook.db")


@case(told="is a link")
def link_to_a_system_file(folder, root):
    """A link beside the notebook to a file of the machine."""
    (folder / "users.txt").symlink_to("/etc/passwd")


@case(told="is a link")
def links_to_folders(folder, root):
    """A link to the whole disk, and one to its own folder."""
    (folder / "everything").symlink_to("/")
    (folder / "again").symlink_to(folder)


@case(told="is a link")
def link_to_endless_zeros(folder, root):
    """A link to a device that never ends: whoever copies it fills the disk."""
    (folder / "zeros.bin").symlink_to("/dev/zero")


@case(0, fails=True, told="is a pipe")
def pipe_for_notebook(folder, root):
    """A pipe that nobody writes to: whoever opens it waits for ever."""
    (folder / NOTEBOOK).unlink()
    os.mkfifo(folder / NOTEBOOK)


@case(told="is a socket")
def pipe_and_socket_beside(folder, root):
    """A pipe and a socket beside the notebook."""
    os.mkfifo(folder / "pipe")
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)        # the path of a socket may be no longer than 107 bytes
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)


@case(0, fails=True, told="is a folder")
def folder_called_like_the_notebook(folder, root):
    """A folder called activations.ipynb."""
    (folder / NOTEBOOK).unlink()
    (folder / NOTEBOOK).mkdir()


@case()
def notebook_in_a_folder(folder, root):
    """A folder was handed in inside the folder."""
    (folder / "ps1").mkdir()
    (folder / NOTEBOOK).rename(folder / "ps1" / NOTEBOOK)


@case(told="cannot be printed")
def odd_file_names(folder, root):
    """Names with line breaks, braces, dashes, per cent signs, colours, and 255 bytes."""
    for name in ("two\nlines", "{student_id}.txt", "-rf", "%s%n", "\x1b[31mred", "x" * 255, "Zoë – Å.txt", " ",
                 "$(reboot)", "'; drop table grade;--"):
        (folder / name).write_text("x")


@case()
def files_called_like_modules(folder, root):
    """Files beside the notebook that Python would import in place of its own modules."""
    for name in ("numpy", "json", "random", "matplotlib", "IPython", "sitecustomize", "wire"):
        (folder / f"{name}.py").write_text("raise SystemExit('not the module that you wanted')")


# --- names of students --------------------------------------------------------------------------------------------

@case(None, fails=True, told="cannot be printed", student="two\nlines")
def student_of_two_lines(folder, root):
    """A student's folder with a line break in its name."""


@case(None, fails=True, told="name of the folder", student="{assignment_id}")
def student_in_braces(folder, root):
    """A student's folder that looks like a piece of nbgrader's own path."""


@case(None, fails=True, told="name of the folder", student="<script>alert(1)<!--")
def student_of_markup(folder, root):
    """A student's folder that is a piece of a web page."""


@case(student="[a-z]")
def student_of_a_pattern(folder, root):
    """A student's folder that is a pattern for names: taken as one, it matches no folder."""


@case(student="-Zoë O'Brien ")
def student_with_an_odd_name(folder, root):
    """A dash, an accent, a quote and blanks."""


@case(student="=HYPERLINK(1)")
def student_like_a_formula(folder, root):
    """A name that a spreadsheet would compute."""


# --- which notebook -----------------------------------------------------------------------------------------------

@case(0, fails=True, told="There is no activations.ipynb")
def no_files(folder, root):
    """An empty folder."""
    for path in folder.iterdir():
        path.unlink()


@case(0, fails=True, told="There is: answers.pdf")
def no_notebook(folder, root):
    """A page in place of the notebook."""
    (folder / NOTEBOOK).unlink()
    (folder / "answers.pdf").write_bytes(b"%PDF-1.7")


@case()
def notebook_of_another_ending(folder, root):
    """What a mail program makes of a notebook."""
    (folder / NOTEBOOK).rename(folder / "answers.txt")


@case()
def renamed_notebook(folder, root):
    """What a browser calls a second download."""
    (folder / NOTEBOOK).rename(folder / "Activations (2).ipynb")


@case()
def two_renamed_notebooks(folder, root):
    """Two candidates with the same answers."""
    shutil.copy(folder / NOTEBOOK, folder / "activations_old.ipynb")
    (folder / NOTEBOOK).rename(folder / "activations_new.ipynb")


@case(0, fails=True, told="could be one of")
def two_notebooks_that_differ(folder, root):
    """Two complete candidates, and no telling which."""
    (folder / "activations-Copy1.ipynb").write_text((folder / NOTEBOOK).read_text().replace("def relu(z):", "def relu(x):"))


@case(told="answers nothing")
def finished_copy_beside_the_blank_one(folder, root):
    """What JupyterLab calls a copy holds the answers."""
    notebook = read(folder)
    write(folder, notebook, "activations-Copy1.ipynb")
    blank(notebook)
    write(folder, notebook)


@case()
def extra_notebooks(folder, root):
    """A scratch notebook, and one that is broken, beside the right one."""
    (folder / "scratch.ipynb").write_bytes((folder / NOTEBOOK).read_bytes())
    (folder / "broken.ipynb").write_text("{")


# --- metadata -----------------------------------------------------------------------------------------------------

@case()
def metadata_stripped(folder, root):
    """A round trip through an editor that keeps no metadata."""
    notebook = read(folder)
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    write(folder, {**notebook, "metadata": {}, "nbformat_minor": 0})


@case()
def copied_into_a_new_notebook(folder, root):
    """Only the answers, in one cell of a new notebook with Colab's metadata."""
    cell = {**code("import numpy as np\n\n" + answers(read(folder))), "metadata": {"id": "aBc"}}
    write(folder, {"nbformat": 4, "nbformat_minor": 0, "cells": [cell],
                   "metadata": {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}})


@case(0)
def tags_that_skip_the_tests(folder, root):
    """No answers, and every tag that makes nbconvert or nbclient leave a cell out."""
    notebook = read(folder)
    blank(notebook)
    for cell in notebook["cells"]:
        cell["metadata"] |= {"tags": ["skip-execution", "raises-exception", "remove_cell", "remove_input"],
                             "deletable": True, "editable": True, "jupyter": {"source_hidden": True}}
    notebook["metadata"]["execution"] = {"allow_errors": True}
    write(folder, notebook)


@case(told="another language")
def other_kernel(folder, root):
    """A notebook that asks for a kernel of another language."""
    notebook = read(folder)
    notebook["metadata"] = {"kernelspec": {"name": "bash", "display_name": "Bash", "language": "bash"}}
    write(folder, notebook)


@case()
def unknown_kernel(folder, root):
    """A conda environment that only the student has."""
    notebook = read(folder)
    notebook["metadata"]["kernelspec"] = {"name": "conda-env-ml-py", "display_name": "x", "language": "python"}
    write(folder, notebook)


@case()
def more_points_claimed(folder, root):
    """Every tests cell says that it is worth a thousand points."""
    notebook = read(folder)
    for cell in notebook["cells"]:
        if name_of(cell).startswith("test_"):
            cell["metadata"]["nbgrader"]["points"] = 1000
    write(folder, notebook)


@case(0)
def answers_that_claim_to_be_tests(folder, root):
    """No answers; every cell says that it is graded, and prints full marks."""
    notebook = read(folder)
    blank(notebook)
    for cell in notebook["cells"]:
        if name_of(cell):
            cell["metadata"]["nbgrader"] |= {"grade": True, "solution": True, "locked": False, "points": 9}
            if cell["cell_type"] == "code":
                cell["source"] = "9.0"
                cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "9.0"}, "metadata": {},
                                    "execution_count": 1}]
    write(folder, notebook)


@case()
def schema_of_another_time(folder, root):
    """nbgrader's metadata in a version too old and one too new: nbgrader ends the run for the whole class."""
    notebook = read(folder)
    for number, cell in enumerate(notebook["cells"]):
        if name_of(cell):
            cell["metadata"]["nbgrader"]["schema_version"] = (1, 99)[number % 2]
    write(folder, notebook)


@case()
def names_of_wrong_types(folder, root):
    """Cells that are called by a list, a number or nothing."""
    notebook = read(folder)
    for number, cell in enumerate(cell for cell in notebook["cells"] if name_of(cell)):
        cell["metadata"]["nbgrader"]["grade_id"] = ([], 7, None, {"a": 1}, "x" * 9999)[number % 5]
    write(folder, notebook)


@case()
def cell_ids_missing_or_twice(folder, root):
    """Cells whose ids are missing, the same, or a piece of a web page."""
    notebook = read(folder)
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = ("same", '"><script>', 5)[number % 3]
        if number % 4 == 0:
            del cell["id"]
    write(folder, notebook)


# --- cells --------------------------------------------------------------------------------------------------------

@case()
def doubled_cells(folder, root):
    """Every cell twice: nbgrader ends the run for the whole class."""
    notebook = read(folder)
    notebook["cells"] = [cell for cell in notebook["cells"] for _ in range(2)]
    write(folder, notebook)


@case()
def removed_tests(folder, root):
    """The tests cells and the setup cell are gone."""
    notebook = read(folder)
    notebook["cells"] = [cell for cell in notebook["cells"]
                         if name_of(cell) != "setup" and not name_of(cell).startswith("test_")]
    write(folder, notebook)


@case()
def reversed_cells(folder, root):
    """The notebook upside down."""
    notebook = read(folder)
    notebook["cells"].reverse()
    write(folder, notebook)


@case()
def retyped_cells(folder, root):
    """Answers turned into raw cells, tests into text."""
    notebook = read(folder)
    for cell in notebook["cells"]:
        if name_of(cell) in ANSWERS or name_of(cell).startswith("test_"):
            cell["cell_type"] = "raw" if name_of(cell) in ANSWERS else "markdown"
            cell.pop("outputs", None)
            cell.pop("execution_count", None)
    write(folder, notebook)


@case()
def answers_in_a_locked_cell(folder, root):
    """All answers merged into the last tests cell, which nbgrader overwrites."""
    notebook = read(folder)
    last = next(cell for cell in reversed(notebook["cells"]) if name_of(cell).startswith("test_"))
    last["source"] = answers(notebook) + "\n\n" + "".join(last["source"])
    notebook["cells"] = [cell for cell in notebook["cells"] if name_of(cell) not in ANSWERS]
    write(folder, notebook)


@case()
def split_cells(folder, root):
    """Tests and answers split in two, both halves with the same metadata."""
    notebook, cells = read(folder), []
    for cell in notebook["cells"]:
        lines = "".join(cell["source"]).splitlines(keepends=True)
        if name_of(cell) in ANSWERS:
            cells += [{**cell, "source": lines}, {**cell, "source": "print('the second half')"}]
        elif name_of(cell).startswith("test_"):
            cells += [{**cell, "source": lines[:2]}, {**cell, "source": lines[2:]}]
        else:
            cells.append(cell)
    write(folder, {**notebook, "cells": cells})


@case(told="only the first 500")
def thousands_of_cells(folder, root):
    """Four thousand cells below the answers."""
    notebook = read(folder)
    notebook["cells"] += [code("1 + 1") for _ in range(4000)]
    write(folder, notebook)


@case()
def text_that_is_slow_to_parse(folder, root):
    """Brackets and stars that drive a markdown parser to distraction."""
    notebook = read(folder)
    notebook["cells"] += [markdown(piece * 15_000) for piece in ("[", "*a_", "![a](", "`", "> ", "<a ", "$$", "|a\n")]
    notebook["cells"] += [markdown("[" * 9000 + "]" * 9000), markdown("- " * 4000), markdown("a**b" + "c* " * 6000)]
    write(folder, notebook)


@case()
def scripts_in_the_text(folder, root):
    """Markup in text, raw cells, pictures, titles and languages that wants to run in the grader's browser."""
    notebook = read(folder)
    notebook["cells"] += [
        markdown("<script>window.marker = 1</script><img src=x onerror='window.marker = 1'>"),
        {"cell_type": "raw", "metadata": {"raw_mimetype": "text/html"}, "source": "<script>window.marker = 1</script>"}]
    notebook["metadata"] = {"title": "</title><script>window.marker = 1</script>",
                            "language_info": {"name": "python", "pygments_lexer": '"><script>'}}
    write(folder, notebook)


# --- the time stamp -----------------------------------------------------------------------------------------------

@case(told="timestamp.txt is not one")
def time_stamp_from_the_future(folder, root):
    """A time stamp in the year 2999."""
    (folder / "timestamp.txt").write_text("2999-01-01 00:00:00 UTC")


@case(told="timestamp.txt is not one")
def time_stamp_in_words(folder, root):
    """A time stamp that no program wrote."""
    (folder / "timestamp.txt").write_text("on time, I swear")


@case(told="timestamp.txt is not one")
def time_stamp_of_bytes(folder, root):
    """A time stamp that is not text."""
    (folder / "timestamp.txt").write_bytes(b"\xff\xfe\x00\x80" * 10)


@case(told="timestamp.txt is not one")
def time_stamp_that_never_ends(folder, root):
    """A link to a device in place of the time stamp."""
    (folder / "timestamp.txt").symlink_to("/dev/zero")


@case(told="timestamp.txt is not one")
def time_stamp_is_a_pipe(folder, root):
    """A pipe in place of the time stamp: whoever reads it waits for ever."""
    os.mkfifo(folder / "timestamp.txt")


def build(name, honest, submitted, root):
    """Make the submission of case `name` below the folder `submitted`, out of the honest one; returns its folder."""
    one = CASES[name]
    folder = submitted / one.student / "ps1"
    shutil.copytree(honest, folder)
    one.build(folder, root)
    return folder
