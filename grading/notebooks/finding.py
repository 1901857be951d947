"""Which of the files of a submission is the notebook: every one is looked at, and the one with most of the answers counts.

The rule: a notebook that holds none of the assignment's cells is none of it. Of the others the one of the released name
counts, unless another one answers all that it answers and more. Where two could count and differ, a person decides.
A Python file counts where no notebook answers anything. A single notebook under another name needs nobody: it is said, no more.
"""

import os
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from nbformat import NotebookNode

from . import answers
from .archives import ENDINGS, NotUnpacked, kind_of, unpack
from .folders import NotTaken, read_below
from .names import shown
from .reading import MAX_FILE, Unreadable, read_notebook, read_script

MAX_LOOKED_AT = 20          # files of a submission that are opened in search of the notebook
LINKS = (".gdoc", ".lnk", ".url", ".webloc")        # what lies in the place of a file that stayed elsewhere
ICLOUD = ".{}.icloud"       # the same
CHECKPOINT = ".ipynb_checkpoints/{}-checkpoint.ipynb"
NAMED = 5                   # files that a sentence names


@dataclass
class Candidate:
    """A file that may be the notebook. `name` is its path, `inside` the archive that it lies in; `files` came with it there.
    With `doubt` it could not be read, and might have been the one."""

    name: str
    notebook: NotebookNode | None = None
    trouble: str | None = None
    doubt: bool = False
    given: answers.Answers = field(default_factory=dict)
    inside: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        return shown(self.name) + (f" in {shown(self.inside)}" if self.inside else "")


@dataclass
class Found:
    """The notebook that counts, or the reason why none does; a note on the choice, and whether there was none to make; the
    folder that it lies in, and what came with it in an archive."""

    notebook: NotebookNode | None = None
    reason: str = ""
    note: str = ""
    certain: bool = False
    folder: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


class Search:
    """The search for one notebook, called `name` in the course, in the submission `folder`.

    `wanted` is its canon (see `mend`), or empty where nobody knows it; `notebooks` and `files` are the relative names of
    what may be looked at.
    """

    def __init__(self, folder: Path, name: str, wanted: Mapping[str, Any], notebooks: list[str], files: list[str], why: Callable[[BaseException], str]) -> None:
        self.folder, self.name, self.wanted, self.why = folder, name, wanted, why
        self.files, self.file = files, f"{name}.ipynb"
        self.exact = next((one for one in notebooks if same(one, self.file)), self.file)
        self.others = [one for one in notebooks if one != self.exact and (wanted or key(name) in key(PurePosixPath(one).stem))]

    def find(self) -> Found:
        named = self.look_at(self.exact)
        pool = [*named, *(one for other in self.nearest(self.others) for one in self.look_at(other))]
        pool += [one for other in self.nearest(list(filter(is_disguised, self.files))) for one in self.look_at(other)]
        if not any(one.given for one in pool if one.notebook):
            scripts = self.nearest([other for other in self.files if other.endswith(".py")])
            pool += [one for other in scripts for one in self.look_at(other) if one.given]
        good = [one for one in pool if one.notebook is not None]
        if not good:
            return Found(reason=self.nothing(pool))
        found = self.choose(named[0] if named[0].notebook is not None else None, good, named[0].trouble)
        found.certain = named[0].notebook is None and not any(one.doubt or one.name.endswith(".py") for one in pool) \
            and all(one.given == good[0].given for one in good)
        if found.notebook is not None and (said := self.said_of_checkpoint(next(one for one in good if one.notebook is found.notebook))):
            found.note, found.certain = f"{found.note} {said}".strip(), False
        return found

    def said_of_checkpoint(self, chosen: Candidate) -> str:
        """That the copy which Jupyter keeps beside a notebook answers more: what it is for nobody says, so a person asks."""
        with suppress(FileNotFoundError, NotTaken, OSError):
            copy = self.candidate(CHECKPOINT.format(self.name), read_below(self.folder, CHECKPOINT.format(self.name), MAX_FILE))
            if copy.notebook and has_more(copy, chosen):
                return (f"{chosen.shown} answers {len(chosen.given)} of the {len(copy.given)} exercises and questions that {copy.shown} answers, "
                        "a copy that Jupyter keeps: ask which one was meant.")
        return ""

    # --- look ---------------------------------------------------------------------------------------------------

    def look_at(self, name: str) -> list[Candidate]:
        """The candidates that a file is or holds; the first one is the file's own, also if it is none."""
        try:
            content = read_below(self.folder, name, MAX_FILE)
        except FileNotFoundError:
            return [Candidate(name, trouble=f"There is no {self.file} in the submission.")]
        except NotTaken as error:
            return [Candidate(name, trouble=f"{label(name)} {error}.", doubt=True)]
        if not (kind := kind_of(content)):
            return [self.candidate(name, content)]
        try:
            inside = unpack(content, name)
        except NotUnpacked as error:
            return [Candidate(name, trouble=f"{label(name)} {error}, not a notebook.", doubt=True)]
        found = [self.candidate(member, inside[member], name, inside) for member in self.nearest(list(inside))
                 if member.lower().endswith((".ipynb", ".py")) or is_disguised(member)]
        notebooks = [one for one in found if not one.name.endswith(".py")]
        return [Candidate(name, trouble=f"{label(name)} is a {kind} archive, not a notebook."),
                *([one for one in notebooks if one.notebook] or found)]

    def candidate(self, name: str, content: bytes, inside: str | None = None, files: Mapping[str, bytes] = {}) -> Candidate:
        one = Candidate(name, inside=inside)
        if name.lower().endswith(LINKS):
            one.trouble = f"{one.shown} is a link to a file, not the file itself: ask for that."
            return one
        if is_disguised(name) and b"cells" not in content:
            one.trouble = f"{one.shown} is no notebook."
            return one
        try:
            one.notebook = self.read(name, content)
        except Unreadable as error:
            one.trouble, one.doubt = f"{label(name)}: {error}", True
        except Exception as error:
            one.trouble, one.doubt = f"{label(name)} could not be read: {self.why(error)}.", True
        if one.notebook and not answers.looks_like(one.notebook, self.wanted):
            one.notebook, one.trouble = None, f"{label(name)} does not look like {self.assignment}: it holds none of its cells."
        if one.notebook:
            one.given = answers.answers(one.notebook, self.wanted)
            one.files = beside(name, files)
        return one

    def read(self, name: str, content: bytes) -> NotebookNode:
        if name.endswith(".py"):
            return read_script(content)
        try:
            return read_notebook(content)
        except Unreadable:
            try:
                return read_script(content)
            except Unreadable:
                pass
            raise

    @property
    def assignment(self) -> str:
        """The assignment's name: that of the folder, as it is in submitted/ or in the exchange."""
        parts = self.folder.name.split("+")
        return parts[-3] if len(parts) > 3 else parts[-2] if len(parts) == 3 else self.folder.name

    def nearest(self, names: list[str]) -> list[str]:
        """The names whose files are looked at, those first that bear the notebook's."""
        def far(name: str) -> tuple[bool, bool, str]:
            stem = key(PurePosixPath(name).stem)
            return stem != key(self.name), key(self.name) not in stem, name
        return sorted(names, key=far)[:MAX_LOOKED_AT]

    # --- choose -------------------------------------------------------------------------------------------------

    def choose(self, named: Candidate | None, good: list[Candidate], trouble: str | None) -> Found:
        most = [one for one in good if not any(has_more(other, one) for other in good)]
        if named is not None and any(one is named for one in most) and all(named.given == one.given for one in most):
            return Found(named.notebook)
        best = most[0]
        differ = list(dict.fromkeys(name for one in most for name in answers.differing(best.given, one.given)))
        if differ:
            return Found(reason=f"{trouble or 'There is more than one notebook.'} It could be one of "
                                f"{', '.join(one.shown for one in most[:NAMED])}: they differ in {', '.join(differ[:NAMED])}. Ask "
                                f"which one counts, leave that one alone in the folder as {self.file}, and grade again.")
        said = trouble if named is None else f"{self.file} answers " + (
            f"{len(named.given)} of the {len(best.given)} exercises and questions that another notebook answers."
            if named.given else "nothing.")
        return Found(best.notebook, "", f"{said} {best.shown} was graded in its place.",
                     folder="" if best.inside else str(PurePosixPath(best.name).parent), files=best.files)

    def nothing(self, pool: list[Candidate]) -> str:
        """Why there is nothing to grade: what is there instead."""
        said = [pool[0].trouble or ""] + [one.trouble for one in pool[1:NAMED] if one.trouble and one.trouble != pool[0].trouble]
        if os.path.lexists(self.folder / ICLOUD.format(self.file)):
            said.append("What is there is iCloud's placeholder, not the file itself: ask for that.")
        other = [label(name) for name in self.files if not is_disguised(name)]
        if other and said[0].startswith("There is no "):
            said.append(f"There is: {', '.join(other[:NAMED])}" + (f" and {len(other) - NAMED} more." if other[NAMED:] else "."))
        return " ".join(said)


def has_more(one: Candidate, other: Candidate) -> bool:
    """Whether `one` answers all that `other` answers, and more."""
    return other.given.keys() < one.given.keys()


def beside(name: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What lay beside the notebook `name` in its archive, by the path from its folder."""
    folder = PurePosixPath(name).parent
    return {str(PurePosixPath(path).relative_to(folder)): content for path, content in files.items()
            if PurePosixPath(path).is_relative_to(folder) and not path.lower().endswith(".ipynb")}


def is_disguised(name: str) -> bool:
    """Whether a file may be a notebook that a browser or a mail program gave another ending, or an archive of one."""
    own = PurePosixPath(name.lower()).name
    return own.endswith((".json", ".txt", ".bak", *ENDINGS)) or (".ipynb" in own and not own.endswith(".ipynb")) or "." not in own


def label(name: str) -> str:
    """A name in a sentence; plain where it is one that a course gives."""
    return name if name.isascii() and all(char.isalnum() or char in "._-" for char in name) else shown(name)


def same(one: str, other: str) -> bool:
    """Whether two names are one, however their accents are written."""
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


def key(stem: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFC", stem) if char.isalnum()).casefold()
