"""Build a submission out of a released notebook and a short text: golden submissions and the demonstration class.

A case is a folder `tests/submissions/<assignment>/<case>/`. Its `<notebook>.py` starts with a comment that says in one
line what the case is; then `# %% <grade_id>` opens the new source of that cell and `# %% new` a cell that is inserted
behind the one before. Other files of the folder, but for `due.json`, are handed in beside the notebook as they are.
"""

import json
import re
import shutil
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

CELL = re.compile(r"^# %% (\S+)[^\n]*\n", re.MULTILINE)


def describe(text):
    """The one line that says what a case is: the leading comment of its text."""
    lines = text.split("# %%")[0].strip().splitlines()
    return " ".join(line.lstrip("# ").strip() for line in lines)


def fill(notebook, text):
    """Put the cells of `text` into `notebook` (a released one) in place. Raises `KeyError` for an unknown grade_id."""
    places = {cell.metadata.get("nbgrader", {}).get("grade_id", cell.get("id")): cell for cell in notebook.cells}
    pieces, last = CELL.split(text)[1:], notebook.cells[0]
    for name, source in zip(pieces[::2], pieces[1::2]):
        if name == "new":
            cell = new_code_cell(source.strip("\n"))
            notebook.cells.insert(notebook.cells.index(last) + 1, cell)
        else:
            cell = places[name]
            cell.source = source.strip("\n")
        last = cell
    return notebook


def hand_in(case, release, destination):
    """Write the submission of the folder `case` into `destination`, out of the released assignment `release`."""
    case, release, destination = Path(case), Path(release), Path(destination)
    shutil.copytree(release, destination)
    for path in sorted(case.iterdir()):
        target = destination / (path.stem + ".ipynb")
        if path.suffix == ".py" and (release / target.name).exists():
            notebook = fill(nbformat.read(release / target.name, as_version=4), path.read_text())
            target.unlink()
            nbformat.write(notebook, target)
        elif path.name != "due.json":
            shutil.copytree(path, destination / path.name) if path.is_dir() else shutil.copy(path, destination)


def due(case):
    """What is due to a case: {"points": {exercise: points}, ...}."""
    return json.loads(Path(case, "due.json").read_text())
