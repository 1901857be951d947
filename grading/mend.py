"""The nbgrader preprocessor that comes first: makes a submitted notebook gradable without believing its metadata.

Of a cell's metadata only `grade_id` is read; everything else is written anew from the gradebook. Cells that are
missing are put back from the released version, cells that stand twice lose the mark on all but the last, and each
repair is noted under the cell's name in the notebook's metadata.
"""

from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

SCHEMA_VERSION = 3
KEEP_METADATA = ("kernelspec", "language_info")


class Mend(NbGraderPreprocessor):
    """Restore names, kinds, presence and locked text of the graded cells; note what was mended."""

    def preprocess(self, nb, resources):
        ids = resources["nbgrader"]
        with Gradebook(ids["db_url"]) as gradebook:
            wanted = canon(gradebook.find_notebook(ids["notebook"], ids["assignment"]))
        for name, said in mend(nb, wanted).items():
            self.log.warning("Mended %s: %s", name, said)
        return nb, resources


def mend(nb, wanted):
    """Mend `nb` in place after `wanted` (see `canon`); {grade_id: what was mended}, also kept in its metadata."""
    mended = {}
    nb.metadata = type(nb.metadata)({key: nb.metadata[key] for key in KEEP_METADATA if key in nb.metadata})
    restore_marks(nb, wanted, mended)
    put_back(nb, wanted, mended)
    for cell in nb.cells:
        entry = wanted.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if entry and entry["metadata"]["locked"]:
            cell.source = entry["source"]
    nb.metadata["grading"] = {"mended": mended}
    return mended


def restore_marks(nb, wanted, mended):
    """Give every known cell its own metadata back, the last one where a name stands twice."""
    seen = set()
    for cell in reversed(nb.cells):
        mark = cell.metadata.get("nbgrader")
        name = mark.get("grade_id") if isinstance(mark, dict) else None
        cell.metadata = type(nb.metadata)()
        if not isinstance(name, str) or name not in wanted:
            continue
        if name in seen:
            mended[name] = "The cell stood in the notebook more than once; the last one counts."
            continue
        seen.add(name)
        if cell.cell_type != wanted[name]["cell_type"]:
            mended[name] = f"The cell had been turned into a {cell.cell_type} cell."
            retype(cell, wanted[name]["cell_type"])
        cell.metadata["nbgrader"] = dict(wanted[name]["metadata"])


def put_back(nb, wanted, mended):
    """Insert what is missing behind the cell that comes before it in the released notebook."""
    place = -1
    for name, entry in wanted.items():
        at = next((n for n, c in enumerate(nb.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == name), None)
        if at is None:
            at = find_unmarked(nb, entry)
            if at is None and entry["metadata"]["solution"] and not entry["metadata"]["grade"]:
                continue        # an answer cell: its function is looked up by name, wherever it stands
            if at is None:
                at = max(place + 1, 0) if place >= 0 else len(nb.cells)
                new = new_code_cell if entry["cell_type"] == "code" else new_markdown_cell
                nb.cells.insert(at, new(entry["source"]))
                mended[name] = "The cell was missing; it was put back as it had been released."
            else:
                mended[name] = "The cell had lost its nbgrader metadata; it was recognised by its text."
            nb.cells[at].metadata["nbgrader"] = dict(entry["metadata"])
        place = at


def canon(notebook):
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


def find_unmarked(nb, entry):
    """The number of an unmarked cell with the released text of `entry`, or None."""
    for number, cell in enumerate(nb.cells):
        if "nbgrader" not in cell.metadata and cell.cell_type == entry["cell_type"] \
                and cell.source.strip() == entry["source"].strip():
            return number
    return None


def retype(cell, kind):
    cell.cell_type = kind
    if kind == "code":
        cell.outputs, cell.execution_count = [], None
        cell.pop("attachments", None)
    else:
        cell.pop("outputs", None)
        cell.pop("execution_count", None)
