"""Look at one notebook file from anywhere as grading would, without gradebook or submission: nothing is written.

What grading reads in the gradebook (names, kinds, points and released text of the cells) is taken here from the source
notebook, by nbgrader's own preprocessors.
"""

import glob
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from nbgrader.utils import determine_grade, find_all_files, is_grade, is_locked, is_solution, is_task
from rich.console import Console
from traitlets.config import Config

from ..notebooks import mend, reading, submissions
from ..plugins.feedback import give_titles
from ..plugins.steps import up_to_saved
from ..run import batch
from ..run.course import Course
from ..border.bounded import bounded
from ..border.sandbox import Sandbox
from ..notebooks.cells import exercises, is_tests, name_of, visible
from ..notebooks.folders import NotTaken, read_regular
from ..notebooks.intake import screen, why
from ..notebooks.names import printable
from ..notebooks.record import Record, written
from ..border.subject import KernelSubject
from .terminal import complain, tell

NOT_GRADED = 3      # exit status
STYLES = {"✓": "green", "✗": "red", "–": "dim"}


class NotChecked(Exception):
    """The file could not be judged; the message says why and what to do."""


@dataclass(frozen=True)
class Found:
    """A file to judge, and the notebook of the course that it is."""

    path: Path
    assignment: str
    notebook: str
    source: Path        # of the notebook, with solutions


# --- which notebook is it? --------------------------------------------------------------------------------------

def notebooks(root: str | Path, assignment: str | None = None) -> dict[str, Path]:
    """{notebook: path of its source} of the course, or of one assignment. Raises `NotChecked` if there is none."""
    found = {path.stem: path for path in sorted(Path(root, "source").glob(f"{glob.escape(assignment) if assignment else '*'}/*.ipynb"))}
    if not found:
        raise NotChecked(f"There is no notebook in {Path(root, 'source', assignment or '')}.")
    return found


def find_notebook(path: str | Path, root: str | Path, assignment: str | None = None) -> Found:
    """The notebook that the file at `path` is, by its name, else by the exercises that it defines."""
    path = Path(path)
    if not path.is_file():
        raise NotChecked(f"There is no file {printable(path, 500)}.")
    sources = notebooks(root, assignment)
    name = path.stem if path.stem in sources else by_exercises(path, sources)
    if name is None:
        raise NotChecked(f"{printable(path.name)} defines no exercise of this course. Is it the right file? "
                         f"There are: {', '.join(sources)}")
    return Found(path, sources[name].parent.name, name, sources[name])


def by_exercises(path: Path, sources: Mapping[str, Path]) -> str | None:
    defined = read(defined_in, path)
    shared = {name: len(defined & set(exercises(nbformat.read(source, as_version=4)))) for name, source in sources.items()}
    best = max(shared, key=shared.__getitem__)
    return best if shared[best] else None


def defined_in(path: Path) -> set[str]:
    """The names of the functions that the file at `path` defines, whatever it is."""
    text = read_regular(path, reading.MAX_BYTES).decode("utf-8", "replace")
    return set(re.findall(r"(?:^|\\n|\")[ \t]*def (\w+)[ \t]*\(", text, re.MULTILINE))


def read(function: Callable[[Path], Any], path: Path) -> Any:
    """`function(path)` in the process that reads what others wrote. Raises `NotChecked` with its reason."""
    try:
        return bounded(function, path.absolute())
    except (NotTaken, reading.Unreadable, UnicodeDecodeError) as error:
        raise NotChecked(f"{printable(path.name)}: {error}") from None
    except Exception as error:
        raise NotChecked(f"{printable(path.name)} could not be read: {why(error)}.") from None


def taken(found: Found) -> NotebookNode:
    """The notebook in the file; a Python file fills the released one: see `grading.notebooks.submissions`, or all in one cell."""
    if found.path.suffix != ".py":
        return read(notebook_in, found.path)
    text = read(text_of, found.path)
    nb = nbformat.read(released(found.notebook, found.source.parents[2]).path, as_version=4)
    if not submissions.CELL.search(text):
        nb.cells.append(new_code_cell(text))
        return nb
    try:
        return submissions.fill(nb, text)
    except KeyError as error:
        raise NotChecked(f"{printable(found.path.name)} names a cell that the released notebook does not have: "
                         f"{printable(error)}") from None


def notebook_in(path: Path) -> NotebookNode:
    return reading.read_notebook(read_regular(path, reading.MAX_BYTES))


def text_of(path: Path) -> str:
    return read_regular(path, reading.MAX_SOURCE).decode()


# --- grade it ---------------------------------------------------------------------------------------------------

class FromSource:
    """Stands in for the gradebook's `Writer` where a bundle is made: the same facts, out of source/."""

    def __init__(self, course: Course, sources: Mapping[str, Path]) -> None:
        self.course, self.sources = course, sources

    def notebooks(self) -> dict[str, dict[str, Any]]:
        return {name: wanted(path, self.course.config) for name, path in self.sources.items()}


def wanted(source: Path, config: Config | None = None) -> dict[str, Any]:
    """{"wanted", "kernelspec"} of the source notebook at `source`: what `Writer.notebooks` has of it once released."""
    nb = up_to_saved(nbformat.read(source, as_version=4), Path(source).parent, config)
    cells = [cell for cell in nb.cells if is_grade(cell) or is_solution(cell) or is_locked(cell) or is_task(cell)]
    return {"wanted": {name_of(cell): as_canon(cell) for cell in cells}, "kernelspec": nb.metadata.get("kernelspec")}


def as_canon(cell: NotebookNode) -> dict[str, Any]:
    """One cell as `mend.canon` has it."""
    mark = cell.metadata.nbgrader
    kept = {"schema_version": mend.SCHEMA_VERSION, "grade_id": mark.grade_id, "grade": is_grade(cell),
            "solution": is_solution(cell), "task": is_task(cell), "locked": is_locked(cell),
            "cell_type": cell.cell_type, "checksum": mark.get("checksum")}
    if is_grade(cell) or is_task(cell):
        kept["points"] = float(mark.points)
    return {"cell_type": cell.cell_type, "source": cell.source, "metadata": kept}


def grade(course: Course, path: str | Path, assignment: str | None = None) -> tuple[Found, NotebookNode]:
    """Grade the file at `path` by the course's checks: (`Found`, graded notebook). Raises `NotChecked`."""
    found = find_notebook(path, course.dir.root, assignment)
    bundle = course.bundle(found.assignment, FromSource(course, {found.notebook: found.source}))
    files = beside(course, found, [name for name, _ in bundle.source_files])
    graded = batch.grade(bundle, batch.Submission("dry run", {found.notebook: taken(found)}, files))
    if graded.error:
        raise NotChecked(f"{printable(found.path.name)} could not be graded: {graded.error}")
    return found, nbformat.reads(graded.notebooks[found.notebook], as_version=4)


def beside(course: Course, found: Found, names: Iterable[str]) -> tuple[tuple[str, bytes], ...]:
    """The files of the submission that the notebook is part of. Of any other folder nothing goes along but the notebook:
    student code could print it. `names` are the files that the course brings itself."""
    folder = found.path.resolve().parent
    submission = course.dir.format_path(course.dir.submitted_directory, folder.parent.name, found.assignment)
    if folder != Path(submission).resolve():
        return ()
    return tuple(screen(folder, [found.notebook], course.dir.ignore, names).files)


def tables(nb: NotebookNode) -> list[tuple[str, str, float, float]]:
    """[(title, table as plain text, points, most)] of the exercises of a graded notebook, in its order."""
    found = []
    give_titles(nb)
    for cell in nb.cells:
        if not is_tests(cell):
            continue
        text = "\n".join(out.data["text/plain"] for out in cell.outputs
                         if out.output_type == "display_data" and "text/html" in out.data)
        found.append((cell.metadata.nbgrader["title"], text, *determine_grade(cell)))
    return found


def show(console: Console, root: Path | None, path: str | Path, assignment: str | None = None) -> int:
    """Grade the file at `path` and print its tables; returns the exit status."""
    try:
        found, nb = grade(Course(root), path, assignment)
    except NotChecked as error:
        complain(error)
        return NOT_GRADED
    console.print(f"{printable(found.path.name)} is {found.notebook} of {found.assignment}. Nothing is written.", markup=False,
                  highlight=False)
    for line in mend.in_words(Record.read(nb).mended):
        tell(console, f"mended: {line}")
    graded = tables(nb)
    for title, text, *_ in graded:
        tell(console, f"\n{title}", "bold")
        for line in text.splitlines():
            tell(console, line, style_of(line))
    points, most = sum(entry[2] for entry in graded), sum(entry[3] for entry in graded)
    console.print(f"\n{written(points)} of {written(most)} points; questions that a person grades are not in it.", style="bold",
                  highlight=False)
    return 0


def style_of(line: str) -> str | None:
    return next((style for sign, style in STYLES.items() if line.lstrip().startswith(sign)), None)


# --- or only run it ---------------------------------------------------------------------------------------------

def released(notebook: str, root: str | Path) -> Found:
    """The notebook as students get it."""
    source = notebooks(root)[notebook]
    return Found(Path(root, "release", source.parent.name, source.name), source.parent.name, notebook, source)


def run(found: Found, sandbox: Sandbox) -> tuple[KernelSubject, dict[int | None, tuple[str, str]]]:
    """Run the cells of `found`: (the subject to judge, {cell number: (name, source)}). The caller closes the subject."""
    nb = taken(found)
    mend.mend(nb, wanted(found.source)["wanted"])
    cells = nb.cells
    files = [(path.name, path.read_bytes()) for path in map(Path, find_all_files(str(found.source.parent), ["*.ipynb"]))]
    subject = KernelSubject(sandbox, exercises(nbformat.read(found.source, as_version=4)), files)
    for number, cell in enumerate(cells):
        if cell.cell_type == "code":
            subject.run(number, visible(cell))
    return subject, {number: (name_of(cell), cell.source) for number, cell in enumerate(cells)}
