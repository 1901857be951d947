"""The archive in which a learning platform hands out what students handed in: whose each file is, when, and what it is called.

An archive is what strangers packed. Nothing of it is believed but bytes within a bound: no path, no link, no size that it claims.
"""

import io
import os
import re
import stat
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZipInfo

from ..border.bounded import Overrun, bounded
from ..notebooks import archives as zips
from ..notebooks.finding import key
from ..notebooks.names import printable
from ..root import CourseError

CANVAS = re.compile(r"(?=(?P<late1>_LATE)?_(?P<user>\d+)_(?P<number>\d+)(?P<late2>_LATE)?_(?P<file>.))", re.ASCII)     # behind the name, one or none
MOODLE = re.compile(r"(?P<prefix>(?P<name>[^/]+?)_(?P<number>\d+)_assignsubmission_(?P<kind>\w{1,40}?)_?)(?:/(?P<file>.+)|(?<=_)(?P<flat>[^/]++))")
BLACKBOARD = re.compile(r"(?P<whose>[^/_]+_[^/]+?)_attempt_(?P<when>\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d)(?:_(?P<file>[^/]+)|\.txt)")
JUNK = re.compile(r"(^|/)(__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")
MAX_ENTRIES, MAX_TOTAL = 50_000, 4 << 30
MODEST = 16 << 20       # bytes of a hand-in: those with more are read when everybody else is
LONGEST = 1000          # characters of a path: a zip allows 65,535, and each is looked at by three patterns
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)     # all that platforms use; of other ways a few bytes unpack to megabytes that nobody asked for


@dataclass
class Entry:
    """One file of an archive: who handed it in, as the platform calls them, and which attempt it belongs to."""

    info: zipfile.ZipInfo
    name: str
    file: str
    key: str            # one for each person
    user: str = ""      # Canvas's number or Blackboard's login of the person
    attempt: tuple[Any, ...] = ()
    when: datetime | None = None    # by the clock of the platform
    late: bool = False
    prefix: str = ""    # under which Moodle or Canvas takes feedback back
    others: frozenset[str] = frozenset()    # Canvas's numbers of people whose it may be as well: names of people and of files hold any


@dataclass
class HandIn:
    """What one person handed in: the newest attempt."""

    name: str
    user: str
    system: str
    entries: list[Entry] = field(default_factory=list)
    earlier: int = 0        # attempts that a newer one replaces
    logins: list[str] = field(default_factory=list)     # that may stand at the end of Blackboard's name, the longest first

    @property
    def when(self) -> Any:
        return max((entry.when for entry in self.entries if entry.when), default=None)

    @property
    def claimed(self) -> int:
        """The bytes that it says to unpack to: zipfile reads no more of an entry than that."""
        return sum(entry.info.file_size for entry in self.entries)

    @property
    def late(self) -> bool:
        return any(entry.late for entry in self.entries)

    @property
    def prefix(self) -> str:
        """Of the newest attempt."""
        return max(self.entries, key=lambda entry: entry.attempt).prefix if self.entries else ""


def read_archive(archive: zipfile.ZipFile) -> tuple[str, list[HandIn], list[str]]:
    """(system, hand-ins in the order of names, a line for each entry that is none). Raises `CourseError` for another archive."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise CourseError(f"it has {len(infos)} entries, and a class has fewer")
    found, trouble = [], []
    for info in infos:
        name = name_of(info)
        if name.endswith("/") or JUNK.search(name):
            continue
        if why := trouble_with_entry(info):
            trouble.append(f"{printable(name)}: {why}")
            continue
        found.append((info, name))
    system = max(READERS, key=lambda system: sum(READERS[system](*one) is not None for one in found)) if found else ""
    read = [(name, READERS[system](info, name)) for info, name in found]
    entries = [entry for _, entry in read if entry]
    trouble += [f"{printable(name)}: its name says no student" for name, entry in read if not entry]
    if not entries and not trouble:
        raise CourseError("there is nothing in it")
    if not is_platforms(read):
        raise CourseError("it is no archive of submissions of Canvas, Moodle or Blackboard: "
                          f"{'too few names in it say' if entries else 'no name in it says'} whose it is, the first is {trouble[0]}")
    return system, hand_ins(entries, system), trouble


def is_platforms(read: Iterable[tuple[str, Entry | None]]) -> bool:
    """Whether a platform gave these names: it names every file, and a student's `plot_2024_11_05.png` only looks as if. Notebooks tell,
    where there are any."""
    told = [(name.lower().endswith(".ipynb"), entry is not None) for name, entry in read]
    told = [one for one in told if one[0]] or told
    return any(said for _, said in told) and 2 * sum(said for _, said in told) >= len(told)


def name_of(info: ZipInfo) -> str:
    """The path of an entry as whoever packed it meant it: UTF-8 that does not say so is read as another encoding by every reader."""
    name = info.filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def trouble_with_entry(info: ZipInfo) -> str | None:
    """Why an entry is not looked at."""
    if len(info.filename) > LONGEST:
        return "its path is too long"
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", info.filename) or "\0" in info.filename:
        return "its path leads out of the archive"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return "it is a link or another special file"
    if info.flag_bits & 1:
        return "it is encrypted"
    return None if info.compress_type in PACKED else "it is packed in a way that no platform uses. Pack it as an ordinary zip"


# --- whose it is ------------------------------------------------------------------------------------------------

def canvas(info: ZipInfo, name: str) -> Entry | None:
    own = name.rpartition("/")[2]
    found = list(CANVAS.finditer(own))
    if not found or "_assignsubmission_" in name or "_attempt_" in name:
        return None
    match = found[0]
    start, user = match.start("file"), match["user"]
    return Entry(info, own[:match.start()], own[start:], f"canvas {user}", user, (int(match["number"]),),
                 late=bool(match["late1"] or match["late2"]), prefix=own[:start], others=frozenset(other["user"] for other in found) - {user})


def moodle(info: ZipInfo, name: str) -> Entry | None:
    match = MOODLE.fullmatch(name) or MOODLE.fullmatch(name.partition("/")[2])      # some zip tools add a folder around it all
    if not match or name.count("_assignsubmission_") > 1:       # people call themselves as they like: whose it is, is not told then
        return None
    return Entry(info, match["name"], match["file"] or match["flat"], f"moodle {match['name']} {match['number']}",
                 prefix=f"{match['name']}_{match['number']}_assignsubmission_file_")


def blackboard(info: ZipInfo, name: str) -> Entry | None:
    match = BLACKBOARD.fullmatch(name.rpartition("/")[2])
    if not match:
        return None
    when = datetime.strptime(match["when"], "%Y-%m-%d-%H-%M-%S") if plausible(match["when"]) else None
    whose = match["whose"]      # the assignment's title, _ and the login: in both may be more of these, see `hand_ins`
    return Entry(info, whose, match["file"] or "", f"blackboard {whose}", whose, (match["when"],), when)


def plausible(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, "%Y-%m-%d-%H-%M-%S"))
    except ValueError:
        return False


READERS = {"canvas": canvas, "moodle": moodle, "blackboard": blackboard}


def account_of(prefix: str) -> str:
    """Whose account there a file came from, by the number in the name that a platform gave it; "" where it has none."""
    if match := re.search(r"_(\d+)_assignsubmission_file_$", prefix) or CANVAS.search(f"{prefix}file"):
        return match[match.re.groupindex.get("user", 1)]
    return ""


def hand_ins(entries: Iterable[Entry], system: str) -> list[HandIn]:
    """One for each person: of Blackboard's attempts the newest, of Canvas's files the newest of each name."""
    people: dict[str, list[Entry]] = {}
    for entry in entries:
        people.setdefault(entry.key, []).append(entry)
    found: list[HandIn] = []
    title = shared_title([mine[0].user for mine in people.values()])
    for mine in people.values():
        one = HandIn(mine[0].name, mine[0].user, system)
        if system == "blackboard":
            parts = mine[0].user.split("_")
            one.logins = ["_".join(parts[number:]) for number in range(1, len(parts))]
            one.name = one.user = "_".join(parts[title:])
            newest = max(entry.attempt for entry in mine)
            one.earlier = len({entry.attempt for entry in mine}) - 1
            mine = [entry for entry in mine if entry.attempt == newest and entry.file]      # without the page on the attempt
        if system == "canvas":
            last: dict[str, Entry] = {}
            for entry in sorted(mine, key=lambda entry: (entry.attempt, number_behind(entry.file))):
                last[without_number(entry.file)] = entry
            one.earlier, mine = len(mine) - len(last), list(last.values())
        one.entries = mine
        found.append(one)
    return sorted(found, key=lambda one: (one.name.casefold(), one.user))


def take_out_unsure(found: list[HandIn], numbered: Mapping[str, Iterable[str]]) -> list[str]:
    """Take out of `found` what may be another's of the class as well: a line for each hand-in. `numbered` is {Canvas's number: students}.

    People may call themselves there as they like: a file of `jane_4711` stands under Jane's number, to all who read from the left.
    """
    lines = []
    for one in list(found):
        unsure = [entry for entry in one.entries if entry.others & numbered.keys()]
        if not unsure:
            continue
        users = {user for entry in unsure for user in (entry.user, *entry.others)}
        whose = sorted(student for user in users for student in numbered.get(user, ()))
        lines.append(f"{printable(name_of(unsure[0].info))}{f' and {len(unsure) - 1} more' if unsure[1:] else ''}: more than one number of a person "
                     f"stands in the name, that of {' and that of '.join(whose[:5])} among them")
        one.entries = [entry for entry in one.entries if not entry.others & numbered.keys()]
        if not one.entries:
            found.remove(one)
    return lines


def shared_title(names: Sequence[str]) -> int:
    """How many of the parts between _ belong to the assignment's title: those that all have; of one name all but the last."""
    parts = [name.split("_") for name in names]
    shortest = min((len(one) for one in parts), default=1) - 1
    if len(parts) == 1:
        return shortest
    return next((number for number in range(shortest) if len({one[number] for one in parts}) > 1), shortest)


def assignment_of(files: Iterable[str], notebooks: Mapping[str, str]) -> str | None:
    """The assignment whose notebooks {name: assignment} the files are called after; None where that is none, or more than one."""
    scores = Counter[str]()
    keys = {stem: key(stem) for stem in notebooks}
    for file in files:
        own = key(file.rpartition("/")[2])
        named = [stem for stem in notebooks if keys[stem] in own]     # also ps1_activations(2).ipynb.txt
        if named:
            scores[notebooks[max(named, key=len)]] += 1
    best = [name for name, score in scores.items() if score == max(scores.values())]
    return best[0] if len(best) == 1 else None


NUMBER = re.compile(r"(?:-(\d{1,2})| ?\((\d{1,2})\))$")


def without_number(file: str) -> str:
    """A file's name without the number that a platform or a browser puts behind it: `activations-1.ipynb`."""
    stem, dot, suffix = file.rpartition(".")
    return NUMBER.sub("", stem) + dot + suffix if dot else file


def number_behind(file: str) -> int:
    match = NUMBER.search(file.rpartition(".")[0])
    return int(match[1] or match[2]) if match else 0


# --- bytes ------------------------------------------------------------------------------------------------------

class Archive:
    """A platform's archive at `path`: what it holds, and the bytes of each hand-in. All of it is read in a process that may die."""

    def __init__(self, path: str | Path) -> None:
        about = os.stat(path)
        self.path, self.stamp = str(path), (about.st_mtime_ns, about.st_size)
        try:
            self.system, self.hand_ins, self.trouble = bounded(listed, self.path, self.stamp)
        except Overrun as error:
            raise CourseError(f"reading what it holds {error}") from None
        self.room = MAX_TOTAL

    def contents(self, entries: Sequence[Entry], most: int, most_together: int) -> list[bytes | str]:
        """The bytes of each entry of one hand-in, or why they cannot be had. Raises `CourseError` where reading is given up."""
        together = min(most_together, self.room)
        try:
            found: list[bytes | str]
            found, left = bounded(contents_at, self.path, self.stamp, [entry.info for entry in entries], most, together)
        except Overrun as error:
            self.room -= together
            raise CourseError(f"reading it {error}") from None
        self.room -= together - left
        return found


@lru_cache(maxsize=1)       # of the process that reads: a class is one archive
def opened_archive(path: str, stamp: tuple[int, int]) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def listed(path: str, stamp: tuple[int, int]) -> tuple[str, list[HandIn], list[str]]:
    return read_archive(opened_archive(path, stamp))


def contents_at(path: str, stamp: tuple[int, int], infos: Sequence[ZipInfo], most: int, room: int) -> tuple[list[bytes | str], int]:
    return contents_of(opened_archive(path, stamp), infos, most, room)


def contents_of(archive: zipfile.ZipFile, infos: Iterable[ZipInfo], most: int, room: int) -> tuple[list[bytes | str], int]:
    """(the bytes of members, each at most `most` and together at most `room`, however many they claim to be, or why they cannot be had;
    what is left of `room`).

    What could not be had costs what it may have cost: also the 4,000th broken one is unpacked to see that.
    """
    found: list[bytes | str] = []
    for info in infos:
        try:
            content = zips.content_of(archive, info, min(most, room))
            room -= len(content)
            found.append(content)
        except zips.BadMember as error:
            room -= min(info.file_size, most, room)
            found.append(f"it {error}")
    return found, room


def read_whole(content: bytes, most: int, room: int) -> tuple[list[tuple[HandIn, list[bytes | str]]], str, list[str]]:
    """([(hand-in, its contents)], system, trouble) of the bytes of an archive: at most `most` of each hand-in, `room` of all. Raises as `read_archive`, and what zipfile raises."""
    found: dict[int, list[bytes | str]] = {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        system, every, trouble = read_archive(archive)
        for number, one in sorted(enumerate(every), key=lambda pair: pair[1].claimed):     # who fills the room leaves others theirs
            mine = min(most, room)
            found[number], left = contents_of(archive, [entry.info for entry in one.entries], mine, mine)
            room -= mine - left
    return [(one, found[number]) for number, one in enumerate(every)], system, trouble
