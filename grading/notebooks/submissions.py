"""Build a submission out of a released notebook and a short text: golden submissions and the demonstration class.

A case is a folder `tests/submissions/<assignment>/<case>/`. Its `<notebook>.py` starts with a comment that says in one
line what the case is; then `# %% <grade_id>` opens the new source of that cell and `# %% new` a cell that is inserted
behind the one before. Other files of the folder, but for `due.json`, are handed in beside the notebook as they are.
"""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from .cells import points_of

CELL = re.compile(r"^# %% (\S++)[^\n]*+\n", re.MULTILINE)


def describe(text: str) -> str:
    """The one line that says what a case is: the leading comment of its text."""
    lines = text.split("# %%")[0].strip().splitlines()
    return " ".join(line.lstrip("# ").strip() for line in lines)


def fill(notebook: NotebookNode, text: str) -> NotebookNode:
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


def hand_in(case: Path, release: Path, destination: Path) -> None:
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


@dataclass(frozen=True)
class Due:
    """What a case has to get: points of each exercise, why, and what its graded notebook must not show."""

    points: dict[str, float]
    happened: str
    absent: tuple[str, ...] = ()


def due(case: Path, source: Path) -> Due:
    """What is due to a case of the assignment with the folder `source`.

    An exercise whose cell the case writes is worth all its points, any other nothing; `due.json` names what differs from
    that, and nothing else. Raises `ValueError` where it says what cannot be meant.
    """
    said = json.loads((case / "due.json").read_text())
    usual: dict[str, float] = {}
    most: dict[str, float] = {}
    for text in sorted(case.glob("*.py")):
        if (notebook := source / f"{text.stem}.ipynb").exists():
            written = set(CELL.findall(text.read_text()))
            here = points_of(nbformat.read(notebook, as_version=4))
            most |= here
            usual |= {exercise: points if exercise in written else 0 for exercise, points in here.items()}
    points, absent = said.get("points", {}), said.get("absent", [])
    faults = [f"{name} is no entry" for name in said.keys() - {"happened", "points", "absent"}]
    faults += [] if isinstance(said.get("happened"), str) and said["happened"] else ["happened does not say why"]
    faults += [] if isinstance(absent, list) and all(isinstance(one, str) and one for one in absent) else ["absent is no list of words"]
    for exercise, number in points.items():
        if exercise not in usual:
            faults.append(f"{exercise} is no exercise of {source.name}")
        elif isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= most[exercise]:
            faults.append(f"{exercise} cannot earn {number!r} of {most[exercise]:g}")
        elif number == usual[exercise]:
            faults.append(f"{exercise} earns {number:g} anyway: leave it out")
    if faults:
        raise ValueError(f"{case / 'due.json'}: {'; '.join(sorted(faults))}")
    return Due({**usual, **points}, said["happened"], tuple(absent))
