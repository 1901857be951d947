"""The pages of the web site as Sphinx reads them: made from release/, lecture/ and docs/, never from source/."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell

from ..plugins.public import PublicPlaces
from ..root import CourseError
from ..run.course import Course
from . import lecture, site_figures
from .publish import deadlines, title_of, write_zip

DOCS = ("students", "instructors", "tas", "lti", "containers", "threat-model", "performance")
LINK = re.compile(r"(?P<bang>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
# Nobody can search a picture for what it shows, and staff's show rubrics, answers and mistakes. A person has looked at these: they
# show no line of an answer, no rubric, and of the mistakes one that the visible checks tell as well.
PICTURES = {"student-assignments", "student-notebook", "student-validate", "student-answer", "student-feedback", "feedback-exercise",
            "feedback-phone", "feedback-regraded", "formgrader-assignments", "formgrader-submissions", "hub-answers", "hub-answers-staff",
            "hub-student", "report-figures", "performance"}
KEPT_BACK = re.compile(r"^<!-- not on the web site: begin -->\n.*?^<!-- not on the web site: end -->\n?", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"^<!-- not on the web site: (begin|end) -->$", re.MULTILINE)
KEPT_NOTE = "*What stands here in the course's repository would give away checks or mistakes of the assignments.*\n"
HIDDEN_CODE = "The code of this output answers an exercise of the course. It is handed out after the deadline."


@dataclass(frozen=True)
class Assignment:
    """What the site says about one assignment beside its notebook."""

    name: str
    notebook: Path
    title: str
    points: float
    by_hand: float
    deadline: str | None      # in words, in the course's time zone


# --- assignments ------------------------------------------------------------------------------------------------

def assignments(course: Course) -> list[Assignment]:
    """Those of source/, as they are released. Raises `CourseError` if one is not."""
    root, found = Path(course.dir.root), []
    due = deadlines(root)
    for name in course.assignments():
        notebooks = sorted(Path(root, "release", name).glob("*.ipynb"))
        if not notebooks:
            raise CourseError(f"There is no notebook in {Path(root, 'release', name)}. Make it first: course release")
        for path in notebooks:
            nb = nbformat.read(path, as_version=4)
            cells = [cell.metadata.nbgrader for cell in nb.cells if "nbgrader" in cell.metadata]
            points = [(cell.get("points", 0), cell.get("task") or cell.get("solution")) for cell in cells
                      if cell.get("grade") or cell.get("task")]
            found.append(Assignment(name, path, title_of(nb, path.name), sum(one for one, human in points if not human),
                                    sum(one for one, human in points if human), due.get(name)))
    return found


def page_of(assignment: Assignment, buttons: str) -> nbformat.NotebookNode:
    """The released notebook as a page: facts and buttons below the title, checks and set-up folded."""
    nb = nbformat.read(assignment.notebook, as_version=4)
    for cell in nb.cells:
        about = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if about.get("locked"):
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-input"]
                cell.metadata["mystnb"] = {"code_prompt_show": "Visible checks" if about.get("grade") else "Set-up",
                                           "code_prompt_hide": "Hide"}
    title, rest = nb.cells[0].source.split("\n", 1)
    nb.cells[0].source = title
    nb.cells[1:1] = [new_markdown_cell(facts(assignment) + "\n" + buttons, id="facts"), new_markdown_cell(rest.strip(), id="about")]
    return for_sphinx(nb)


def facts(assignment: Assignment) -> str:
    points = f"{assignment.points:g} points for the exercises"
    if assignment.by_hand:
        points += f", {assignment.by_hand:g} for the question"
    due = escape(assignment.deadline or "the date that your course has announced")
    return (f'<dl class="facts"><dt>Assignment</dt><dd>{escape(assignment.name)}</dd>'
            f"<dt>Points</dt><dd>{points}</dd><dt>Deadline</dt><dd>{due}</dd></dl>\n")


def colab(assignment: Assignment, places: PublicPlaces) -> str:
    """Where Colab opens the notebook by itself; empty if the course has no repository on GitHub."""
    path = f"release/{assignment.name}/{assignment.notebook.name}"
    return next((link.address for link in places.links(path) if link.name == "Colab"), "")


# --- the lecture ------------------------------------------------------------------------------------------------

def lecture_page(nb: nbformat.NotebookNode, figures: dict[str, dict[str, Any]]) -> nbformat.NotebookNode:
    """The lecture that ran: set-up left out, code folded, code that answers an exercise not there at all; figures that move."""
    cells = []
    for cell in nb.cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            continue
        if cell.cell_type == "code":
            cell.metadata["tags"] = ["hide-input"]
            cell.metadata["mystnb"] = {"code_prompt_show": "Show the code", "code_prompt_hide": "Hide the code",
                                       "image": {"alt": cell.metadata.get("alt", "")}}
            if cell.metadata.get("answers"):
                cell.source, cell.metadata["tags"] = "...", ["remove-input"]     # an empty cell would lose its outputs
                cells.append(new_markdown_cell(f'<p class="kept">{HIDDEN_CODE}</p>', id=f"{cell.id}-kept"))
        cells.append(cell)
        cells += [new_markdown_cell(site_figures.as_html(name, figures[name]), id=f"moves-{name}")
                  for name, place in site_figures.PLACES.items() if place == cell.id]
    nb.cells = cells
    return for_sphinx(nb)


def for_sphinx(nb: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave the metadata that Sphinx or the reader needs, and give pictures in the text no fixed size."""
    nb.metadata = {"kernelspec": nb.metadata.kernelspec, "language_info": {"name": "python"}}
    for cell in nb.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in ("tags", "mystnb")}
        for output in cell.get("outputs", []):      # a picture's text beside it would be shown as well
            if "image/png" in output.get("data", {}):
                output.data = {"image/png": output.data["image/png"]}
    return nb


# --- the documentation ------------------------------------------------------------------------------------------

def doc_page(path: Path, folder: Path, places: PublicPlaces, root: Path) -> None:
    """Copy a page of docs/ without what is kept back; a link leads to a page of the site, to what the public repository holds, or
    nowhere. Raises `CourseError`."""
    def rewritten(match: re.Match[str]) -> str:
        bang, text, target = match["bang"], match["text"], match["target"]
        if "://" in target or target.startswith("#"):
            return match[0]
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve()
        inside = found.relative_to(Path(root).resolve()).as_posix()
        if bang and found.stem not in PICTURES:
            return f"*{text}* (a picture in the course's repository, `{inside}`)"
        if bang:
            place = folder / file
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, place)
            return match[0]
        if found.parent == path.parent.resolve() and found.stem in DOCS:
            return match[0]
        address = places.file(inside) if inside.startswith("release/") else ""
        return f"[{text}]({address})" if address else f"{text} (`{inside}` in the course's repository)"
    text = KEPT_BACK.sub(KEPT_NOTE, path.read_text(encoding="utf-8"))
    if MARK.search(text):
        raise CourseError(f"{path} has one of the marks <!-- not on the web site: begin --> and <!-- not on the web site: end --> "
                          "without the other, so nobody can tell what is to be kept back. Write both, each on a line of its own.")
    Path(folder, path.name).write_text(LINK.sub(rewritten, text), encoding="utf-8")


# --- all of it --------------------------------------------------------------------------------------------------

def write_pages(course: Course, folder: Path, lecture_run: nbformat.NotebookNode, buttons: Callable[[Assignment], str]) -> list[Assignment]:
    """Write all that Sphinx reads into the empty `folder`; `buttons` is a function of an assignment that gives HTML."""
    root, places = Path(course.dir.root), PublicPlaces(config=course.config)
    found = assignments(course)
    for one in found:
        nbformat.write(page_of(one, buttons(one)), Path(folder, f"{one.name}.ipynb"))
    nbformat.write(lecture_page(lecture_run, site_figures.figures(root)), Path(folder, "lecture.ipynb"))
    for name in DOCS:
        doc_page(root / "docs" / f"{name}.md", folder, places, root)
    rows = "".join(f"| [{one.name}]({one.name}.ipynb) | {one.title} | {one.points + one.by_hand:g} |\n" for one in found)
    start = (root / "site" / "pages" / "index.md").read_text(encoding="utf-8")
    Path(folder, "index.md").write_text(start.replace("<!-- assignments -->", rows.rstrip()).replace(
        "<!-- toctree of assignments -->", "\n".join(f"{one.name}: {one.title} <{one.name}>" for one in found)), encoding="utf-8")
    return found


def zips(found: list[Assignment], folder: Path) -> None:
    """Pack each assignment as `course publish` does."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in {one.name: one for one in found}.values():
        write_zip(one.notebook.parent, folder / f"{one.name}.zip", one.deadline)


def files(found: list[Assignment], folder: Path) -> None:
    """What comes with the notebooks, one by one: a notebook in Colab fetches it from here."""
    folder.mkdir()
    for path in {path.name: path for one in found for path in one.notebook.parent.glob("*.py")}.values():
        shutil.copy(path, folder)


def lecture_now(root: Path, kept: Path) -> nbformat.NotebookNode:
    """The lecture, run now; what an earlier run left in the folder `kept` serves as long as its sources are the same."""
    lecture.release_lecture(kept, root)
    return nbformat.read(Path(kept, f"{lecture.NAME}.ipynb"), as_version=4)
