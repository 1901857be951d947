"""What student code sees of the file system: what it needs, by name, and nothing because it happens to lie there.

An interpreter with its standard library, the packages that a notebook may import, the shared libraries of these, a
shell with a few commands, and fonts. All but the system's own libraries, commands and fonts appear below /kernel,
whatever their place on the host: an interpreter in a home folder or in the course itself takes nothing along.
"""

import functools
import importlib.metadata
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

from . import libraries, wire

INSIDE = Path(__file__).parent / "inside"
COURSE = Path(__file__).parents[2]
KERNEL = Path("/kernel")
PYTHON, PACKAGES, LIBRARIES = KERNEL / "python", KERNEL / "packages", KERNEL / "lib"
STUDENT_PACKAGES = ("numpy", "matplotlib", "ipython", "matplotlib-inline")
# What a line of a notebook that begins with "!" usually calls.
COMMANDS = ("sh", "bash", "cat", "cp", "date", "echo", "env", "grep", "head", "ls", "mkdir", "mv", "pwd", "rm", "setsid",
            "sleep", "tail", "touch", "uname", "wc")
FONTS = Path("/usr/share/fonts")
FONT_FILES = (".ttf", ".otf", ".ttc", ".afm")       # that Matplotlib reads
CACHE = Path("/etc/ld.so.cache")
LOCALES = [Path("/usr/lib/locale", name) for name in ("C.utf8", "C.UTF-8")]        # what `LANG` names: see sandbox.py
DEVICES = ("null", "random", "urandom")         # /dev/zero could be shared memory that no limit counts
# Folders of the standard library that no notebook needs: large, or full of what looks like somebody's files.
LEFT_OUT = {"ensurepip", "idlelib", "lib2to3", "turtledemo", "pydoc_data", "test"}


# Extension modules that come without what they link to, for windows and databases.
WITHOUT_LIBRARIES = {"_tkinter", "_dbm", "_gdbm", "nis"}


class Mount(NamedTuple):
    """A file or folder of the host and its place inside, read-only."""

    source: Path
    target: Path


@functools.cache
def student_paths() -> dict[str, Path]:
    """Map each top-level entry of the packages that a notebook may import to its place on disk."""
    return {top: path for top, path in sorted(package_files()[0].items()) if path.exists()}


@functools.cache
def package_files() -> tuple[dict[str, Path], list[Path]]:
    """({top-level entry: its place}, the extension modules and libraries) of the packages that a notebook may import."""
    wanted, seen = list(STUDENT_PACKAGES), set()
    entries: dict[str, Path] = {}
    compiled: list[Path] = []
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        for line in (distribution.read_text("RECORD") or "").splitlines():
            path = line.partition(",")[0]
            top = path.partition("/")[0]
            if top in ("", "..", "__pycache__") or top.endswith(".pth"):
                continue
            if top not in entries:
                entries[top] = Path(str(distribution.locate_file(top)))
            if ".so" in path.rpartition("/")[2]:
                compiled.append(Path(str(distribution.locate_file(path))))
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(requirement.name)
    return entries, compiled


def inside_files() -> list[Path]:
    return [*sorted(INSIDE.glob("[a-z]*.py")), Path(wire.__file__)]


def interpreter() -> Path:
    """The real interpreter behind a virtual environment: the environment itself is not mounted."""
    return Path(os.path.realpath(sys.executable))


def library_folder() -> str:
    """Where the interpreter's own shared library lies on the host."""
    return sysconfig.get_config_var("LIBDIR") or ""


def interpreter_inside() -> Path:
    return PYTHON / "bin" / interpreter().name


# --- what is needed -----------------------------------------------------------------------------------------------

@functools.cache
def needed() -> tuple[Mount, ...]:
    """Every mount of the host's files, the widest first."""
    standard, packages = standard_library(), [Mount(path, PACKAGES / top) for top, path in student_paths().items()]
    programs = [Mount(path, Path("/usr/bin", name)) for name, path in commands().items()]
    data = [Mount(path, path) for path in (FONTS, *LOCALES) if path.is_dir()]
    start = Mount(interpreter(), interpreter_inside())
    binaries = [start.source, *(mount.source for mount in programs), *package_files()[1],
                *(path for mount in standard for path in mount.source.glob("lib-dynload/*.so")
                  if path.name.split(".")[0] not in WITHOUT_LIBRARIES)]
    folders = [library_folder(), *os.environ.get("LD_LIBRARY_PATH", "").split(":")]
    by_itself, elsewhere = libraries.closure(binaries, [folder for folder in folders if folder], student_paths().values())
    found = [Mount(Path(os.path.realpath(path)), Path(os.path.realpath(os.path.dirname(path)), os.path.basename(path)))
             for path in sorted(by_itself)]
    found += [Mount(Path(os.path.realpath(path)), LIBRARIES / name) for name, path in sorted(elsewhere.items())]
    found += [Mount(CACHE, CACHE)] if CACHE.exists() else []
    return (*standard, start, *packages, *programs, *data, *found)


def standard_library() -> list[Mount]:
    """The folders of the standard library at the places where the interpreter looks for them from `PYTHON`/bin."""
    found = {}
    for name in ("stdlib", "platstdlib"):
        place = Path(sysconfig.get_path(name, vars={"base": sys.base_prefix, "platbase": sys.base_exec_prefix}))
        place = place if place.is_dir() else Path(os.__file__).parent
        relative = place.relative_to(sys.base_prefix) if place.is_relative_to(sys.base_prefix) else Path("lib", place.name)
        found[PYTHON / relative] = Mount(Path(os.path.realpath(place)), PYTHON / relative)
    return list(found.values())


def is_standard(name: str) -> bool:
    """Whether an entry of the standard library's folder is part of it: packages that were installed there are not."""
    stem = name.split(".")[0]
    return name in ("lib-dynload", "__pycache__") or name.startswith("_sysconfigdata") or \
        stem in sys.stdlib_module_names and stem not in LEFT_OUT


def commands() -> dict[str, Path]:
    places = {name: [Path(folder, name) for folder in ("/usr/bin", "/bin")] for name in COMMANDS}
    found = {name: next((path for path in paths if path.exists()), None) for name, paths in places.items()}
    return {name: Path(os.path.realpath(path)) for name, path in found.items() if path}


# --- for bubblewrap -----------------------------------------------------------------------------------------------

def arguments(hidden: Iterable[str | Path] = ()) -> list[str]:
    """Bubblewrap's arguments for all of `needed`; below it, nothing of `hidden` (paths on the host) is visible."""
    mounts = needed()
    command: list[str] = []
    for folder in parents([mount.target for mount in mounts] + [Path("/usr/bin/sh"), Path("/usr/lib/x")]):
        command += ["--dir", str(folder)]       # parents that bubblewrap makes by itself are closed to all but root
    command += top_links([mount.target for mount in mounts])
    for mount in mounts:
        command += ["--ro-bind", str(mount.source), str(mount.target)]
    never = everything(hidden)
    return command + [word for mount in mounts for word in covered_in(mount, never.union(not_needed(mount)))]


def not_needed(mount: Mount) -> list[Path]:
    """What lies in a folder of the standard library or of fonts and is neither: anybody may have put it there."""
    if mount.source.is_dir() and mount.target.is_relative_to(PYTHON):
        return [Path(entry.path) for entry in os.scandir(mount.source) if not is_standard(entry.name)]
    return among_fonts(mount.source)[1] if mount.target == FONTS else []


def among_fonts(folder: Path) -> tuple[bool, list[Path]]:
    """(whether there is a font in a folder, the files and folders in it that are none and hold none)."""
    holds, others = False, list[Path]()
    for entry in os.scandir(folder) if os.access(folder, os.R_OK | os.X_OK) else ():
        if entry.is_dir(follow_symlinks=False):
            inside, more = among_fonts(Path(entry.path))
            holds, others = holds or inside, others + (more if inside else [Path(entry.path)])
        elif entry.name.lower().endswith(FONT_FILES):
            holds = True
        else:
            others.append(Path(entry.path))
    return holds, others


def top_links(targets: list[Path], root: Path = Path("/")) -> list[str]:
    """Links in the root folder are as on the host, but where something is mounted below; /bin is one everywhere."""
    places = [root / name for name in ("lib", "lib32", "lib64", "bin", "sbin")]
    links = {place: os.readlink(place) for place in places if place.is_symlink()}
    links.setdefault(root / "bin", "usr/bin")
    return [word for place, there in links.items() if not any(target.is_relative_to(place) for target in targets)
            for word in ("--symlink", there, str(place))]


def everything(hidden: Iterable[str | Path]) -> set[Path]:
    """`hidden` and what is never to be seen: this course, the home folder, nbgrader's exchange."""
    home = os.path.expanduser("~")
    return {Path(os.path.realpath(path)) for path in (*hidden, COURSE, home, "/usr/local/share/nbgrader") if os.path.isabs(path)}


def below(paths: Iterable[str | Path]) -> tuple[str, ...]:
    """Those of `paths` that lie below something that is mounted, and so would be seen."""
    found, sources = {Path(os.path.realpath(path)) for path in paths}, {mount.source for mount in needed()}
    found = {path for path in found if not sources.isdisjoint(path.parents)}
    return tuple(sorted(str(path) for path in found if any(covered_in(mount, [path]) for mount in needed())))


def covered_in(mount: Mount, paths: Iterable[Path]) -> list[str]:
    """Cover those of `paths` that lie below the source of `mount`; in a folder that is covered there is nothing left to cover."""
    found = {path for path in paths if mount.source in path.parents}
    return [word for path in sorted(found) if found.isdisjoint(path.parents)
            for word in covered(mount.target / path.relative_to(mount.source), path)]


def covered(target: Path, path: Path) -> list[str]:
    """Arguments that put an empty folder, or a device that cannot be opened, over `target`; `path` is what lies there."""
    if path.is_symlink() or not path.exists():
        return []
    if path.is_dir():
        return ["--tmpfs", str(target), "--remount-ro", str(target)]
    return ["--ro-bind", "/dev/null", str(target)]


def parents(targets: Iterable[Path]) -> list[Path]:
    """The folders above `targets`, from the root down, without the root."""
    return sorted({folder for target in targets for folder in target.parents} - {Path("/")})
