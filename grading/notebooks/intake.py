"""Screen a submission folder before anything else opens it.

`screen` is a pure function of the folder: it reads regular files only, follows no link, opens no pipe or device, stays
within caps, and returns notebooks and files as plain data. All that runs afterwards sees that data, never the folder.
It reads in a process that may die (`border/bounded.py`), and whatever goes wrong there is a `Refusal`.
"""

import datetime
import fnmatch
import os
import re
import stat
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any

from nbformat import NotebookNode
from nbgrader.utils import parse_utc

from . import embedded
from ..border.bounded import Overrun, bounded
from .cells import as_released
from .finding import Found, Search, same
from .folders import KINDS, MAX_DEPTH, MOST_LISTED, Names, NotTaken, kind_of, names_in, opened, read_below
from .names import shown, trouble_with
from .reading import new_cell
from .record import FILE, WHOLE, Record, note

MAX_FILES, MAX_FILE_BYTES = 200, 16 * 2**20     # beside the notebooks: how many, and how large all together
MOST = f"{MAX_FILES} files or {MAX_FILE_BYTES // 2**20} MiB are the most"
MAX_ENTRIES, MAX_NOTES = 2000, 8        # of a folder: what is looked at, how much is told
# Left out without a word: what a tool would obey that is started in the folder later, and what no answer needs.
OBEYED = (".*", "nbgrader_config.*", "jupyter_*config.*", "ipython_*config.*", "conftest.py", "sitecustomize.py",
          "usercustomize.py", "*.pth", "pytest.ini", "tox.ini", "setup.cfg", "setup.py", "pyproject.toml", "matplotlibrc",
          "[Mm]akefile", "GNUmakefile")
IGNORED = (*OBEYED, "__pycache__", "*.pyc", "__MACOSX")
NOT_TAKEN = re.compile(rf"\A(?:{'|'.join(map(fnmatch.translate, IGNORED))})")
STAMP, SECRET = "timestamp.txt", "submission_secret.txt"      # what the exchange puts beside a submission


@dataclass
class Refusal:
    """Why a notebook cannot be graded, in words for a TA and for the student."""

    reason: str


@dataclass
class Intake:
    """What is taken of a submission. `stamp` is the exchange's time stamp, see `read_stamp`, or None."""

    notebooks: dict[str, NotebookNode | Refusal] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)    # by their relative names
    notes: list[str] = field(default_factory=list)      # what a human should know
    stamp: str | None = None


def screen(folder: str | Path, wanted: Mapping[str, Any] | Iterable[str], ignore: Iterable[str] = (),
           course: Iterable[str] = ()) -> Intake:
    """What is taken of `folder` for the notebooks `wanted` ({name without suffix: its canon, see `mend`}): an `Intake`.

    Where `wanted` holds names alone, nothing tells whether a notebook is the assignment's. `ignore` are further patterns of names to
    leave out, `course` the names of the files that the course puts beside the notebooks: nothing may stand in their way. Never raises
    for what the folder holds.
    """
    canons: dict[str, Any] = dict(wanted) if isinstance(wanted, Mapping) else dict.fromkeys(wanted, {})
    try:
        return bounded(look_through, Path(folder).absolute(), canons, tuple(ignore), tuple(course))
    except Exception as error:
        reason = f"The submission could not be read: {why(error)}."
        return Intake({name: Refusal(reason) for name in canons})


def why(error: BaseException) -> str:
    """What went wrong while untrusted data was read, in words that hold nothing of the data."""
    return f"reading it {error}" if isinstance(error, Overrun) else f"reading it fails ({type(error).__name__})"


def look_through(folder: Path, wanted: Mapping[str, Any], ignore: tuple[str, ...], course: tuple[str, ...]) -> Intake:
    """What `screen` gives, in this process."""
    intake = Intake()
    trouble = trouble_with_folder(folder)
    if trouble:
        intake.notebooks = {name: Refusal(trouble) for name in wanted}
        return intake
    intake.stamp = read_stamp(folder, intake.notes)
    ours = (*course, *(f"{name}.ipynb" for name in wanted), STAMP)
    found, notebooks = walk(folder, (*IGNORED, *ignore), intake.notes, ours)
    intake.files = read_files(folder, found, intake.notes)
    files = [name for name in found if name not in (*course, STAMP, SECRET)]
    for name in wanted:
        others = [other for other in notebooks if not any(same(other, f"{one}.ipynb") for one in wanted if one != name)]
        search = Search(folder, name, wanted[name], others, files, why)
        intake.notebooks[name] = take_notebook(intake, search.find(), course, wanted[name], ours)
    for notebook in intake.notebooks.values():
        if intake.notes and not isinstance(notebook, Refusal):
            replace(Record.read(notebook), look=tuple(intake.notes)).write(notebook)
    return intake


def trouble_with_folder(folder: str | Path) -> str | None:
    try:
        mode = os.lstat(folder).st_mode
        if stat.S_ISDIR(mode):
            crowded = len(names_in(folder)) == MOST_LISTED
            return f"The submission holds {MOST_LISTED} files or more in one folder: too many to look through." if crowded else None
    except OSError as error:
        return f"The submission could not be opened: {error.strerror}."
    return f"The submission {KINDS.get(stat.S_IFMT(mode), 'is a file')}, not a folder."


# --- notebooks --------------------------------------------------------------------------------------------------

def take_notebook(intake: Intake, found: Found, course: Iterable[str], wanted: Mapping[str, Any], ours: Iterable[str]) -> NotebookNode | Refusal:
    """The notebook of a search, with its note, or a `Refusal`; what lay beside it in an archive goes along."""
    if found.notebook is None:
        return Refusal(found.reason)
    if found.note:
        note(found.notebook, found.note, FILE if found.certain else WHOLE)
    take_beside(intake, found.files, ours)
    illustrate(found.notebook, dict(intake.files), found.folder, course, wanted)
    return found.notebook


def take_beside(intake: Intake, files: Mapping[str, bytes], ours: Iterable[str]) -> None:
    """Take what lay beside the notebook in its archive, as what lies in the folder is taken: within the same caps, in nobody's place."""
    names, left, skipped = Names([SECRET, *ours, *(name for name, _ in intake.files)]), MAX_FILE_BYTES, 0
    for name, content in sorted(files.items()):
        if name in names.files or is_ignored(PurePath(name).name, IGNORED):
            continue        # the course's own come along with most
        if len(intake.files) == MAX_FILES or len(content) > left or names.take(name):
            skipped += 1
            continue
        intake.files.append((name, content))
        left -= len(content)
    if skipped:
        intake.notes.append(f"Of the files in the archive, {skipped} were left out: {MOST}, {MAX_DEPTH} folders deep, and none takes another's place.")
    intake.files.sort()


def illustrate(notebook: NotebookNode, files: dict[str, bytes], folder: str, course: Iterable[str], wanted: Mapping[str, Any]) -> None:
    """Show the pictures that lie beside a notebook in the cells that name them, and the others behind the last one.

    The text of the course itself stays as it is.
    """
    ours = {embedded.taken_out(as_released(entry["source"]))[0] for entry in wanted.values() if entry["cell_type"] == "markdown"}
    shown, room = set[str](), embedded.Room()
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.strip() not in ours:
            cell.source, pictures = embedded.with_files(cell.source, cell.get("attachments", {}), files, folder, room)
            shown.update(content for forms in pictures.values() for content in forms.values())
            if pictures:
                cell.attachments = NotebookNode(pictures)
    text, pictures = embedded.beside({name: content for name, content in files.items() if name not in course}, shown, room)
    if text:
        notebook.cells.append(new_cell("markdown", text))
        notebook.cells[-1].attachments = NotebookNode(pictures)


# --- files ------------------------------------------------------------------------------------------------------

def walk(folder: Path, ignore: Iterable[str], notes: list[str], ours: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """Relative names of (files, notebooks) below `folder`, sorted, within the caps; links are not entered.

    What stands where one of the files `ours` belongs, or a folder above it, is left out.
    """
    above = {str(parent) for name in ours for parent in PurePath(name).parents}
    files: list[str] = []
    notebooks: list[str] = []
    left_out: list[str] = []
    left, pending = MAX_ENTRIES, [""]
    while pending:
        inside = pending.pop()
        try:
            with opened(folder, inside) as at:
                names = [name for name in sorted(names_in(at), key=in_order) if os.path.join(inside, name) != STAMP
                         and not is_ignored(name, ignore)]
                kinds = {name: kind_of(name, at) for name in names[:left]}
        except OSError as error:
            left_out.append(f"{shown(inside)} could not be opened ({error.strerror})")
            continue
        folders = []
        for name, kind in kinds.items():
            relative = os.path.join(inside, name)
            trouble = trouble_with(name) or (kind if kind != KINDS[stat.S_IFDIR] else None)
            if relative in (ours if kind else above):
                trouble = "stands in the place of " + ("a file" if kind else "a folder") + " of the course"
            if trouble:
                left_out.append(f"{shown(relative)} {trouble}")
            if kind == KINDS[stat.S_IFDIR] and (not trouble or relative in ours) and relative.count(os.sep) < MAX_DEPTH:
                folders.append(relative)
            elif kind is None and not trouble and name.lower().endswith(".ipynb"):
                notebooks.append(relative)
            elif kind is None and not trouble and not any(str(parent) in ours for parent in PurePath(relative).parents):
                files.append(relative)      # nothing is put below a file of the course, but a notebook may lie there
        left -= len(names)
        if left < 0:
            notes.append(f"The submission holds more than {MAX_ENTRIES} files; the rest was not looked at.")
            return files, notebooks
        pending += reversed(folders)
    notes += [f"Left out: {line}." for line in left_out[:MAX_NOTES]]
    if len(left_out) > MAX_NOTES:
        notes.append(f"Left out: {len(left_out) - MAX_NOTES} more of that sort.")
    return files, notebooks


def in_order(name: str) -> tuple[bool, str]:
    """Notebooks first, then by name: however much lies beside them, they are within the caps."""
    return not name.lower().endswith(".ipynb"), name


def is_ignored(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def read_files(folder: str | Path, names: Iterable[str], notes: list[str]) -> list[tuple[str, bytes]]:
    """[(relative name, bytes)] of the files `names` below `folder`, as many as the caps allow."""
    found: list[tuple[str, bytes]] = []
    left, skipped = MAX_FILE_BYTES, 0
    for name in names:
        try:
            content = read_below(folder, name, left) if len(found) < MAX_FILES else None
        except (NotTaken, OSError):
            content = None
        if content is None:
            skipped += 1
            continue
        found.append((name, content))
        left -= len(content)
    if skipped:
        notes.append(f"Of the files beside the notebook, {skipped} were left out: {MOST}.")
    return found


def files_below(folder: str | Path) -> list[tuple[str, bytes]]:
    """The files of a folder that is trusted to hold nothing but regular files: [(relative name, bytes)]."""
    notes: list[str] = []
    return read_files(folder, walk(Path(folder), IGNORED, notes)[0], notes)


# --- the exchange's time stamp ----------------------------------------------------------------------------------

ZONE = re.compile(r" ?([+-])(\d\d):?(\d\d)?\Z", re.ASCII)      # many zones have no other name: -03, +0530


def parse_stamp(text: str) -> datetime.datetime:
    """The time (UTC) that a stamp of the exchange says. Raises: `ValueError`, or another of dateutil's ways to refuse one."""
    # no path as the name of a zone: dateutil would open the file
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( ?[\w+:-][\w/+:-]{0,39})?", text, re.ASCII):
        raise ValueError(text)
    if re.fullmatch(r"\S+ [\d:]+(\.\d{6})? UTC", text, re.ASCII):        # as the exchange writes it: dateutil takes ten times as long
        with suppress(ValueError):
            return datetime.datetime.fromisoformat(text.removesuffix(" UTC"))
    if zone := ZONE.search(text):
        hours, minutes = (int(f"{zone[1]}{part or 0}") for part in zone.group(2, 3))
        there = datetime.timezone(datetime.timedelta(hours=hours, minutes=minutes))
        return datetime.datetime.fromisoformat(text[:zone.start()]).replace(tzinfo=there).astimezone(datetime.UTC).replace(tzinfo=None)
    with warnings.catch_warnings(action="error"):
        return parse_utc(text)


def read_stamp(folder: str | Path, notes: list[str], now: datetime.datetime | None = None) -> str | None:
    """The time stamp that nbgrader's exchange left in `folder`, or None. One that it cannot have left is not taken; one whose zone is
    a number is given in UTC, for nbgrader takes that number for seconds."""
    try:
        os.lstat(os.path.join(folder, STAMP))       # most have none, and this is the cheapest way to see it
        text = read_below(folder, STAMP, 200).decode("ascii").strip()
        if not text:
            return None
        when = parse_stamp(text)
        latest = (now or datetime.datetime.now(datetime.UTC).replace(tzinfo=None)) + datetime.timedelta(days=1)
        if not datetime.datetime(2000, 1, 1) < when < latest:
            raise ValueError
    except FileNotFoundError:
        return None
    except Exception:       # dateutil has more than one way to refuse a time
        notes.append(f"{STAMP} is not one that the exchange writes. It was not used: find out when this was handed in.")
        return None
    return f"{when} UTC" if ZONE.search(text) else text
