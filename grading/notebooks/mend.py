"""The nbgrader preprocessor that comes first: makes a submitted notebook gradable without believing its metadata.

Of a cell's metadata only `grade_id` is read; everything else is written anew from the gradebook. Cells that are
missing are put back from the released version, cells that stand twice lose the mark on all but the last, text that was
written into a locked cell is kept beside it, and each repair is noted under the cell's name in the notebook's
metadata and, in words, in a first cell of the notebook.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from . import embedded, outputs
from .answers import defines
from .cells import as_released, grade_id
from .reading import new_cell, new_notebook
from .record import FILE, NOTHING, WHOLE, Record

SCHEMA_VERSION = 3
TWICE = "The cell stood in the notebook more than once; the last one is taken as the cell, the others are run as well."
MISSING = "The cell was missing; it was put back as it had been released."
UNMARKED = "The cell had lost its nbgrader metadata; it was recognised by what it says."
CHANGED = "The locked cell had been changed; it was put back, and what was handed in stands beside it."


class Mend(NbGraderPreprocessor):
    """Restore names, kinds, presence and locked text of the graded cells; note what was mended."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        ids = resources["nbgrader"]
        with Gradebook(ids["db_url"]) as gradebook:
            wanted = canon(gradebook.find_notebook(ids["notebook"], ids["assignment"]))
        for line in in_words(mend(nb, wanted)):
            self.log.warning("Mended %s of %s: %s", ids["notebook"], ids["student"], line)
        return nb, resources


def mend(nb: NotebookNode, wanted: Mapping[str, Any]) -> dict[str, str]:
    """Mend `nb` in place after `wanted` (see `canon`); {grade_id: what was mended}, also kept in its metadata.

    What `reading` and `intake` noted on the whole notebook is kept under the names `WHOLE` and `FILE`.
    """
    before = Record.read(nb)
    mended = {name: before.mended[name] for name in (WHOLE, FILE) if name in before.mended}
    nb.metadata = type(nb.metadata)(language_info={"name": "python"})
    restore_marks(nb, wanted, mended)
    recognise(nb, wanted, mended)
    restore_locked(nb, wanted, mended)
    put_back(nb, wanted, mended)
    for cell in nb.cells:
        if cell.cell_type not in ("code", "markdown"):      # a raw cell is a piece of web page to nbconvert
            cell.source = outputs.as_source(cell.source)
            retype(cell, "markdown")
    if mended:
        nb.cells.insert(0, note_cell(mended))
    renew_ids(nb)
    Record(mended=mended, look=before.look).write(nb)
    return mended


def stand_in(reason: str, look: Iterable[str] = ()) -> NotebookNode:
    """A notebook in the place of one that cannot be graded: nothing but the reason, for `mend` to complete."""
    nb = new_notebook()
    Record(mended={WHOLE: f"{reason} {NOTHING}"}, look=tuple(look)).write(nb)
    return nb


def restore_marks(nb: NotebookNode, wanted: Mapping[str, Any], mended: dict[str, str]) -> None:
    """Give every known cell its own metadata back, the last one where a name stands twice."""
    seen = set()
    for cell in reversed(nb.cells):
        mark = cell.metadata.get("nbgrader")
        name = mark.get("grade_id") if isinstance(mark, dict) else None
        cell.metadata = type(nb.metadata)()
        if not isinstance(name, str) or name not in wanted:
            continue
        if name in seen:
            mended[name] = TWICE
            continue
        seen.add(name)
        if cell.cell_type != wanted[name]["cell_type"]:
            mended[name] = f"The cell had been turned into a {cell.cell_type} cell."
            retype(cell, wanted[name]["cell_type"])
        cell.metadata["nbgrader"] = dict(wanted[name]["metadata"])


def recognise(nb: NotebookNode, wanted: Mapping[str, Any], mended: dict[str, str]) -> None:
    """Mark cells that have lost their name: locked ones by their released text, answers by the function they define."""
    present = {grade_id(cell) for cell in nb.cells}
    for name, entry in wanted.items():
        if name in present:
            continue
        text, answer = embedded.taken_out(as_released(entry["source"]))[0], entry["metadata"]["solution"]
        for cell in reversed(nb.cells):
            if grade_id(cell) or cell.cell_type != entry["cell_type"]:
                continue
            if cell.source.strip() == text or answer and defines(name).search(cell.source):
                cell.metadata["nbgrader"] = dict(entry["metadata"])
                mended[name] = UNMARKED
                break


def restore_locked(nb: NotebookNode, wanted: Mapping[str, Any], mended: dict[str, str]) -> None:
    """Write the released text into locked cells; keep beside them what stood there instead."""
    for cell in list(nb.cells):
        name = grade_id(cell) or ""
        if name not in wanted or not wanted[name]["metadata"]["locked"]:
            continue
        entry = wanted[name]
        found, cell.source = cell.source, entry["source"]
        text, pictures = embedded.taken_out(as_released(entry["source"]))
        if found.strip() in ("", as_released(entry["source"]), entry["source"].strip(), text):
            drop(cell, pictures)
            continue
        kept = new_cell(cell.cell_type, found)
        if "attachments" in cell:
            kept.attachments = cell.pop("attachments")
        # an answer may stand in there: code has to run before the checks, text is read after the question
        nb.cells.insert(nb.cells.index(cell) + {"code": 0, "markdown": 1}[cell.cell_type], kept)
        mended.setdefault(name, CHANGED)


def drop(cell: NotebookNode, pictures: Iterable[str]) -> None:
    """Take the pictures that stand in the released text out of the attachments of its cell: the text has them again."""
    if pictures and "attachments" in cell:
        for name in pictures:
            cell.attachments.pop(name, None)
        if not cell.attachments:
            del cell["attachments"]


def put_back(nb: NotebookNode, wanted: Mapping[str, Any], mended: dict[str, str]) -> None:
    """Insert what is missing behind the cell that comes before it in the released notebook."""
    place = -1
    for name, entry in wanted.items():
        at = next((n for n, cell in enumerate(nb.cells) if grade_id(cell) == name), None)
        if at is None:
            mark = entry["metadata"]
            if mark["solution"] and not mark["grade"]:
                continue        # an answer cell: its function is looked up by name, wherever it stands
            at = place + 1
            nb.cells.insert(at, new_cell(entry["cell_type"], entry["source"]))
            nb.cells[at].metadata["nbgrader"] = dict(mark)
            mended[name] = MISSING
        place = max(place, at)


def canon(notebook: Any) -> dict[str, dict[str, Any]]:
    """{grade_id: cell type, released source and whole nbgrader metadata} in the order of the notebook."""
    grades = {cell.name: cell for cell in notebook.grade_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name: cell for cell in notebook.task_cells}
    found = {}
    for cell in notebook.source_cells:
        mark = {"schema_version": SCHEMA_VERSION, "grade_id": cell.name, "grade": cell.name in grades,
                "solution": cell.name in solutions, "task": cell.name in tasks, "locked": bool(cell.locked),
                "cell_type": cell.cell_type, "checksum": cell.checksum}
        if cell.name in grades or cell.name in tasks:
            mark["points"] = float((grades.get(cell.name) or tasks[cell.name]).max_score)
        found[cell.name] = {"cell_type": cell.cell_type, "source": cell.source or "", "metadata": mark}
    return found


# --- words ------------------------------------------------------------------------------------------------------

def in_words(mended: Mapping[str, str]) -> list[str]:
    """One line for each kind of repair, with the names of its cells."""
    lines = [mended[name] for name in (WHOLE, FILE) if name in mended]
    names: dict[str, list[str]] = {}
    for name, said in mended.items():
        if name not in (WHOLE, FILE):
            names.setdefault(said, []).append(name)
    return lines + [f"{', '.join(found)}: {said}" for said, found in names.items()]


def note_cell(mended: Mapping[str, str]) -> NotebookNode:
    lines = "\n".join(f"- {line}" for line in in_words(mended))
    return new_cell("markdown", f"**Before grading, this notebook was mended.**\n\n{lines}")


# --- cells ------------------------------------------------------------------------------------------------------

def retype(cell: NotebookNode, kind: str) -> None:
    cell.cell_type = kind
    if kind == "code":
        cell.outputs, cell.execution_count = [], None
        cell.pop("attachments", None)
    else:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)


def renew_ids(nb: NotebookNode) -> None:
    """An id for every cell, the same at every grading: its name, or its number. They become names of places in a page."""
    for number, cell in enumerate(nb.cells, 1):
        cell["id"] = (grade_id(cell) or f"cell-{number}").replace("_", "-")[:64]
