"""What a person decided stays, and is asked for again only where the student changed what was judged.

nbgrader asks again after every regrade for what has a manual score, and never for a written question. Here a cell waits
for a person if nothing has judged it yet, if the notebook could not be read, or if a person had judged another answer. It waits on
if a person gave more points than it is worth by now, and nobody has looked since; and the first cell of a notebook does if
something was odd about the hand-in and nobody has resolved that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import Comment, Grade

from ..notebooks.again import MARK
from ..notebooks.changed import changes, parts_of, seen_in
from ..notebooks.record import Record, Seen, read_record
from ..notebooks.writing import notebook_in

ELSEWHERE = "(the answer is the same; something else that it stands on was changed, and the checks judge it otherwise now)"
Notes = tuple[str, tuple[str, ...]]     # see `Record.notes`
UNKNOWN = "(what was judged is not there any more: nothing can be compared)"


@dataclass(frozen=True)
class Judged:
    """What was known of a graded notebook before it is graded again: the notebook itself, its digest, what was odd about it,
    which cells a person has judged, which waited for one (`above`: with more points than there are), and the points that the
    checks gave."""

    people: frozenset[str] = frozenset()
    notebook: NotebookNode | None = None
    digest: str = ""
    notes: Notes = ("", ())
    waiting: frozenset[str] = frozenset()
    points: Mapping[str, float | None] = field(default_factory=dict)
    above: frozenset[str] = frozenset()


def judged(folder: Path, name: str, wanted: Mapping[str, Any], grades: Mapping[str, Grade], comments: Mapping[str, Comment]) -> Judged:
    """What is known of the notebook `name` in the graded `folder`; `grades` and `comments` are its rows by their cells."""
    people = frozenset(cell for cell, parts in parts_of(wanted).items() if cell in grades
                       and (grades[cell].manual_score is not None or grades[cell].extra_credit or any(
                           comments[part].manual_comment for part in {cell, *parts} if part in comments)))
    path, above = Path(folder, f"{name}.ipynb"), frozenset(cell for cell, grade in grades.items() if waits_above(grade))
    if not path.exists():
        return Judged(people, above=above)
    notebook = notebook_in(path) if people else None
    return Judged(people, notebook, digest_in(folder), read_record(path).notes,
                  frozenset(cell for cell in grades if grades[cell].needs_manual_grade), {cell: grades[cell].auto_score for cell in grades}, above)


def digest_in(folder: Path) -> str:
    try:
        return Path(folder, MARK).read_text(encoding="ascii").partition("\n")[0]
    except (OSError, UnicodeDecodeError):
        return ""


def review(nb: NotebookNode | None, wanted: Mapping[str, Any], before: Judged, points: Mapping[str, float | None], digest: str) -> dict[str, Seen]:
    """{cell: what a person had judged} for what the student changed since; also written into the record of `nb`."""
    if not before.people:
        return {}
    if nb is None or before.notebook is None:
        found = {cell: Seen("", (UNKNOWN,)) for cell in before.people}
    else:
        seen = seen_in(before.notebook, wanted, before.waiting)
        found = changes(nb, wanted, seen, before.people)
        if digest != before.digest:
            found |= {cell: Seen(seen[cell], (ELSEWHERE,)) for cell in before.people - found.keys()
                      if cell in points and points[cell] != before.points.get(cell)}
    if found and nb is not None:
        replace(Record.read(nb), changed=found).write(nb)
    return found


def is_settled(before: Judged, notes: Notes, digest: str) -> bool:
    """Whether a person has looked at these notes on this hand-in, and resolved it all."""
    return bool(digest) and any(notes) and (before.digest, before.notes) == (digest, notes) and not before.waiting


def have_somebody_look(grades: Mapping[str, Grade], wanted: Mapping[str, Any]) -> None:
    """Have one of the graded cells {name: row} wait for a person, the first one, if none does."""
    first = next((name for name in wanted if name in grades), None)
    if first and not any(grade.needs_manual_grade for grade in grades.values()):
        grades[first].needs_manual_grade = True


def waits_above(grade: Grade) -> bool:
    """Whether a graded cell waits because a person gave more points than it is worth by now (`course revise`)."""
    return bool(grade.needs_manual_grade) and grade.manual_score is not None and grade.manual_score > grade.max_score


def waits(manual: float | None, automatic: float | None, refused: bool, changed: bool, above: bool) -> bool:
    """Whether a graded cell waits for a person; `above`: whether it did before, see `waits_above`."""
    return refused or changed or above or (manual is None and automatic is None)
