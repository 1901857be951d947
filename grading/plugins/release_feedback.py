"""`nbgrader release_feedback`, in which one submission costs no other.

nbgrader reads a time stamp and a secret that the exchange put beside each submission. A submission that was put there by
hand, or from which a student took them, has none: then nobody after it gets feedback. Here it is named at the end and
the others get theirs. And a student's server asks for a page by the name of the notebook that the student handed in: what
was called otherwise and graded all the same, or lay beside it, gets a page as well. Wired as `c.ExchangeFactory.release_feedback` in nbgrader_config.py.
"""

import filecmp
import glob
import os
import shutil
import stat
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from nbgrader.exchange import ExchangeError
from nbgrader.exchange.default import ExchangeReleaseFeedback
from nbgrader.utils import notebook_hash

from ..notebooks.folders import NotTaken, names_in, read_below
from ..notebooks.intake import SECRET, STAMP
from ..notebooks.returned import note_returned
from ..notebooks.names import shown
from .literal import Literal
from .overview import NAME
from .placing import placing
from .turn import turn

MOST = 1000     # bytes of either
MOST_NOTEBOOKS = 50     # of one submission that get a page


class ReleaseFeedback(ExchangeReleaseFeedback):
    """nbgrader's command, one student at a time."""

    src_path: str       # of everybody's pages; nbgrader's

    def copy_files(self) -> None:
        """Release what can be released, then name who got nothing."""
        with turn(self.coursedir, self.log, "Nothing was released", ExchangeError):
            self.copy_pages()

    def copy_pages(self) -> None:
        everybody: str = self.src_path
        self.left: dict[str, str] = {}
        self.released: set[str] = set()
        self.stood: set[str] = set()
        for folder in sorted({os.path.dirname(page) for page in Literal.glob(os.path.join(everybody, "*.html"))}):
            trouble = lacks(folder, self.handed_in(Path(folder).parent.name))
            if trouble is None:
                self.src_path = glob.escape(folder)
                try:
                    self.release(folder)
                except Exception as error:
                    trouble = f"its pages could not be copied ({type(error).__name__}: {getattr(error, 'strerror', None) or '-'})"
            if trouble:
                self.left[Path(folder).parent.name] = trouble
        self.src_path = everybody
        for student in self.released | self.stood:
            note_returned(Path(self.coursedir.format_path(self.coursedir.feedback_directory, student, self.coursedir.assignment_id)))
        if self.left:
            self.log.error("The feedback of %d submissions was not released:", len(self.left))
            for student, trouble in self.left.items():
                self.log.error("  %s: %s", shown(student), trouble)

    def handed_in(self, student: str) -> str:
        folder: str = self.coursedir.format_path(self.coursedir.submitted_directory, student, self.coursedir.assignment_id)
        return folder

    def release(self, folder: str) -> None:
        """Release the pages of one submission, also to each notebook that was handed in and has none of its name."""
        student = Path(folder).parent.name
        if student in self.coursedir.student_id_exclude.split(","):
            return
        secret = read_below(folder, SECRET, MOST).decode()
        others = pages_for(notebooks_in(self.handed_in(student)), Path(folder))
        targets = {self.target(secret, name): page
                   for name, page in [*((page.stem, page) for page in Path(folder).glob("*.html")), *others.items()]}
        if all(target.exists() and filecmp.cmp(page, target, shallow=False) for target, page in targets.items()):
            self.stood.add(student)
            return
        with placing(self.dest_path):
            super().copy_files()
            for name, page in others.items():       # on the disk once: of a page of 40 MB fifty copies would be 2 GB
                target = self.target(secret, name)
                new = target.with_name(f"{target.stem}-tmp.html")
                new.unlink(missing_ok=True)
                try:
                    os.link(self.target(secret, page.stem), new)
                except OSError:     # a file system without links
                    shutil.copy(page, new)
                os.replace(new, target)
                new.unlink(missing_ok=True)     # where both were the same file, that did nothing
        self.released.add(student)

    def target(self, secret: str, notebook: str) -> Path:
        """Where a student's server looks for the page of a notebook."""
        return Path(self.dest_path, f"{notebook_hash(secret=secret, notebook_id=notebook)}.html")


def notebooks_in(folder: str | Path) -> list[str]:
    """The names, without suffix, of the notebooks in the top of a folder that was handed in, but for those that are no text:
    no page can be asked for by them."""
    try:
        names = (name for name in names_in(folder) if name.endswith(".ipynb") and not name.startswith(".") and is_text(name)
                 and stat.S_ISREG(os.lstat(os.path.join(folder, name)).st_mode))
        return [name.removesuffix(".ipynb") for name in islice(names, MOST_NOTEBOOKS)]
    except OSError:
        return []


def is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def pages_for(names: Iterable[str], folder: Path) -> dict[str, Path]:
    """{name: page} for those of the notebooks called `names` that have no page of their name in `folder`.

    Where only one was graded, its page is what there is to say on all of them, else the overview.
    """
    pages = {path.stem: path for path in folder.glob("*.html") if path.name != NAME}
    other = next(iter(pages.values())) if len(pages) == 1 else folder / NAME
    return {name: other for name in names if name not in pages and other.exists()}


def lacks(folder: str, handed_in: str = "") -> str | None:
    """What the exchange would have put beside the pages of `folder`, and is not there; None if all is. What lay in the folder
    `handed_in` and is not here was none of the exchange's."""
    for name in (STAMP, SECRET):
        try:
            if read_below(folder, name, MOST).strip():
                continue
            return f"{name} is empty"
        except FileNotFoundError:
            if handed_in and os.path.lexists(os.path.join(handed_in, name)):
                return f"its {name} is not one that the exchange writes, and was not used. Give the page of feedback/ by hand"
            return f"there is no {name}: it was not handed in through the exchange. Give the page of feedback/ by hand"
        except NotTaken as error:
            return f"{name} {error}"
    return None
