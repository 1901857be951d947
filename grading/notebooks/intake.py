"""Screen a submission folder before anything else opens it.

`screen` is a pure function of the folder: it reads regular files only, follows no link, opens no pipe or device, stays
within caps, and returns notebooks and files as plain data. All that runs afterwards sees that data, never the folder.
"""

import datetime
import fnmatch
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from nbgrader.utils import parse_utc

from .names import shown, trouble_with
from .record import note
from .reading import MAX_BYTES, Unreadable, read_notebook

MAX_FILES, MAX_FILE_BYTES = 200, 16 * 2**20     # beside the notebooks: how many, and how large all together
MAX_ENTRIES, MAX_DEPTH, MAX_NOTES = 2000, 8, 8  # of a folder: what is looked at, how deep, how much is told
IGNORED = (".ipynb_checkpoints", "__pycache__", "*.pyc", ".git", ".DS_Store", "__MACOSX")
STAMP = "timestamp.txt"
KINDS = {stat.S_IFLNK: "is a link, and links are not followed", stat.S_IFDIR: "is a folder", stat.S_IFIFO: "is a pipe",
         stat.S_IFSOCK: "is a socket", stat.S_IFCHR: "is a device", stat.S_IFBLK: "is a device"}


class NotTaken(Exception):
    """A file that is not read; the message completes the sentence that its name begins."""


@dataclass(frozen=True)
class Refusal:
    """Why a notebook cannot be graded, in words for a TA and for the student."""

    reason: str


@dataclass
class Intake:
    """What is taken of a submission. `stamp` is the exchange's time stamp as it stands in the folder, or None."""

    notebooks: dict = field(default_factory=dict)       # {name: NotebookNode or Refusal}
    files: list = field(default_factory=list)           # [(relative name, bytes)]
    notes: list = field(default_factory=list)           # what a human should know
    stamp: str | None = None


def screen(folder, wanted, ignore=()):
    """What is taken of `folder` for the notebooks called `wanted` (an assignment's, without suffix): an `Intake`.

    `ignore` are further patterns of names to leave out. Never raises for what the folder holds.
    """
    intake, folder = Intake(), Path(folder)
    trouble = trouble_with_folder(folder)
    if trouble:
        intake.notebooks = {name: Refusal(trouble) for name in wanted}
        return intake
    intake.stamp = read_stamp(folder, intake.notes)
    found, notebooks = walk(folder, (*IGNORED, *ignore), intake.notes)
    intake.files = read_files(folder, found, intake.notes)
    for name in wanted:
        others = [other for other in notebooks if other.removesuffix(".ipynb") not in wanted]
        intake.notebooks[name] = find_notebook(folder, name, others, len(wanted) == 1)
    return intake


def trouble_with_folder(folder):
    try:
        mode = os.lstat(folder).st_mode
        if stat.S_ISDIR(mode):
            os.listdir(folder)
            return None
    except OSError as error:
        return f"The submission could not be opened: {error.strerror}."
    return f"The submission {KINDS.get(stat.S_IFMT(mode), 'is a file')}, not a folder."


# --- notebooks --------------------------------------------------------------------------------------------------

def find_notebook(folder, name, others, alone):
    """The notebook `name`, or the one that must be meant by it, or a `Refusal`."""
    try:
        return open_notebook(folder, f"{name}.ipynb")
    except FileNotFoundError:
        trouble = f"There is no {name}.ipynb in the submission."
    except NotTaken as error:
        trouble = f"{name}.ipynb {error}."
    except Unreadable as error:
        trouble = f"{name}.ipynb: {error}"
    meant = [other for other in others if PurePath(other).name == f"{name}.ipynb"] \
        or [other for other in others if key(name) in key(PurePath(other).stem)] or (others if alone else [])
    if len(meant) > 1:
        return Refusal(f"{trouble} It could be one of {', '.join(map(shown, meant[:5]))}: "
                       f"rename the right one to {name}.ipynb.")
    for other in meant:
        try:
            notebook = open_notebook(folder, other)
        except (OSError, NotTaken, Unreadable):
            continue
        note(notebook, f"{trouble} {shown(other)} was graded in its place.")
        return notebook
    return Refusal(trouble)


def open_notebook(folder, name):
    return read_notebook(read_regular(folder / name, MAX_BYTES))


def key(stem):
    return re.sub(r"[\W_]+", "", stem).casefold()


# --- files ------------------------------------------------------------------------------------------------------

def read_regular(path, most):
    """The bytes of a regular file of at most `most` bytes. Raises `NotTaken`, or `FileNotFoundError`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotTaken(kind_of(path) or f"could not be opened ({error.strerror})") from None
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise NotTaken(KINDS.get(stat.S_IFMT(about.st_mode), "is no ordinary file"))
        if about.st_size > most:
            raise NotTaken(f"is too large: {about.st_size / 2**20:.0f} MiB, and {most // 2**20} are the most"
                           if most >= 2**20 else "is too large")
        with open(fd, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(fd)


def kind_of(path):
    try:
        return KINDS.get(stat.S_IFMT(os.lstat(path).st_mode))
    except OSError:
        return None


def walk(folder, ignore, notes):
    """Relative names of (files, notebooks) below `folder`, sorted, within the caps; links are not entered."""
    files, notebooks, left_out, seen = [], [], [], 0
    pending = [""]
    while pending:
        inside = pending.pop()
        try:
            names = sorted(os.listdir(folder / inside))
        except OSError as error:
            left_out.append(f"{shown(inside)} could not be opened ({error.strerror})")
            continue
        folders = []
        for name in names:
            relative = os.path.join(inside, name)
            if relative == STAMP or any(fnmatch.fnmatch(name, pattern) for pattern in ignore):
                continue
            seen += 1
            if seen > MAX_ENTRIES:
                notes.append(f"The submission holds more than {MAX_ENTRIES} files; the rest was not looked at.")
                return files, notebooks
            kind = kind_of(folder / relative)
            trouble = trouble_with(name) or (kind if kind != KINDS[stat.S_IFDIR] else None)
            if trouble:
                left_out.append(f"{shown(relative)} {trouble}")
            elif kind is not None and relative.count(os.sep) < MAX_DEPTH:
                folders.append(relative)
            elif kind is None:
                (notebooks if name.lower().endswith(".ipynb") else files).append(relative)
        pending += reversed(folders)
    notes += [f"Left out: {line}." for line in left_out[:MAX_NOTES]]
    if len(left_out) > MAX_NOTES:
        notes.append(f"Left out: {len(left_out) - MAX_NOTES} more of that sort.")
    return files, notebooks


def read_files(folder, names, notes):
    """[(relative name, bytes)] of the files `names` below `folder`, as many as the caps allow."""
    found, left, skipped = [], MAX_FILE_BYTES, 0
    for name in names:
        try:
            content = read_regular(Path(folder, name), left) if len(found) < MAX_FILES else None
        except (NotTaken, OSError):
            content = None
        if content is None:
            skipped += 1
            continue
        found.append((name, content))
        left -= len(content)
    if skipped:
        notes.append(f"Of the files beside the notebook, {skipped} were left out: {MAX_FILES} files or "
                     f"{MAX_FILE_BYTES // 2**20} MiB are the most.")
    return found


def files_below(folder):
    """The files of a folder that is trusted to hold nothing but regular files: [(relative name, bytes)]."""
    notes = []
    return read_files(folder, walk(Path(folder), IGNORED, notes)[0], notes)


# --- the exchange's time stamp ----------------------------------------------------------------------------------

def read_stamp(folder, notes, now=None):
    """The time stamp that nbgrader's exchange left in `folder`, or None. One that it cannot have left is not taken."""
    try:
        text = read_regular(Path(folder) / STAMP, 200).decode("ascii").strip()
        if not text:
            return None
        if not re.fullmatch(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( ?[\w/+:-]{1,40})?", text):
            raise ValueError
        when = parse_utc(text)
        latest = (now or datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)) + datetime.timedelta(days=1)
        if not datetime.datetime(2000, 1, 1) < when < latest:
            raise ValueError
    except FileNotFoundError:
        return None
    except (NotTaken, ValueError, OverflowError):
        notes.append(f"{STAMP} is not one that the exchange writes. It was not used: find out when this was handed in.")
        return None
    return text
