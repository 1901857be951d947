"""Which shared libraries programs and extension modules need: read out of their ELF headers, as the dynamic loader does.

Nothing is run for it, so a file that is looked at cannot do anything. What cannot be read is taken to need nothing.
"""

import functools
import os
import re
import struct
import subprocess
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LOAD, DYNAMIC, INTERPRETER = 1, 2, 3                    # kinds of segments
NEEDED, STRING_TABLE, RPATH, RUNPATH = 1, 5, 15, 29     # tags of the dynamic segment
BY_NAME = ("libgcc_s.so.1",)        # loaded by name at run time, when a thread ends
USUAL = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/local/lib")


@dataclass(frozen=True)
class Binary:
    """What an ELF file says of itself: the machine it is for, its loader, the libraries it needs, where to look first."""

    machine: tuple[int, ...]
    loader: str | None
    needed: tuple[str, ...]
    look_in: tuple[str, ...]


@functools.cache
def read(path: str) -> Binary | None:
    """The headers of the file at `path`; None if it is no ELF file."""
    try:
        with open(path, "rb") as file:
            return parse(file)
    except (OSError, struct.error, ValueError, IndexError):
        return None


def parse(file: BinaryIO) -> Binary | None:
    ident = file.read(16)
    if ident[:4] != b"\x7fELF":
        return None
    wide, order = ident[4] == 2, "<" if ident[5] == 1 else ">"
    kind, machine, _, _, at = struct.unpack(order + ("HHIQQ" if wide else "HHIII"), file.read(24 if wide else 16))
    file.seek(54 if wide else 42)
    size, count = struct.unpack(order + "HH", file.read(4))
    segments, layout = [], order + ("IIQQQQ" if wide else "IIIIII")
    for number in range(count):
        file.seek(at + size * number)
        words = struct.unpack(layout, file.read(struct.calcsize(layout)))
        segments.append((words[0], words[2], words[3], words[5]) if wide else (words[0], words[1], words[2], words[4]))

    def bytes_of(wanted: int) -> bytes:
        for name, offset, _, length in segments:
            if name == wanted:
                file.seek(offset)
                return file.read(length)
        return b""

    loader = bytes_of(INTERPRETER).rstrip(b"\0").decode() or None
    dynamic = list(struct.iter_unpack(order + ("qQ" if wide else "iI"), bytes_of(DYNAMIC)))
    strings = next((value for tag, value in dynamic if tag == STRING_TABLE), 0)
    start = next((offset + strings - address for name, offset, address, length in segments
                  if name == LOAD and address <= strings < address + length), strings)

    def text(value: int) -> str:
        file.seek(start + value)
        return file.read(4096).split(b"\0")[0].decode()

    return Binary((ident[4], ident[5], machine), loader, tuple(text(value) for tag, value in dynamic if tag == NEEDED),
                  tuple(folder for tag, value in dynamic if tag in (RPATH, RUNPATH) for folder in text(value).split(":")))


@functools.cache
def known() -> dict[str, list[str]]:
    """{name: paths} of the libraries in the loader's cache."""
    found: dict[str, list[str]] = {}
    for program in ("/sbin/ldconfig", "/usr/sbin/ldconfig"):
        try:
            said = subprocess.run([program, "-p"], text=True, capture_output=True).stdout
        except OSError:
            continue
        for name, path in re.findall(r"^\s+(\S+) \(.*\) => (\S+)$", said, re.MULTILINE):
            found.setdefault(name, []).append(path)
        break
    return found


def usual(name: str) -> list[str]:
    """Where the loader finds `name` by itself: its cache, then the system's folders."""
    folders = sorted(system_folders(), key=len, reverse=True)
    return known().get(name, []) + [os.path.join(folder, name) for folder in folders]


def closure(paths: Iterable[str | Path], folders: Iterable[str] = (), along: Iterable[str | Path] = ()) -> tuple[set[str], dict[str, str]]:
    """All that the ELF files `paths` need: (files that the loader finds by itself, {name: file} of those that it does not).

    The first also holds the loaders. `folders` are looked through after those that a file names. A library that lies
    in one of the folders `along` comes along with the file that needs it and is in neither.
    """
    by_itself: set[str] = set()
    elsewhere: dict[str, str] = {}
    seen, wanted = set(), [os.path.realpath(path) for path in paths]
    beside = tuple(os.path.realpath(folder) + os.sep for folder in along)
    machine = next((found.machine for path in wanted if (found := read(path))), None)
    extra = [place for name in BY_NAME if (place := first(usual(name), machine))]
    by_itself.update(extra)
    wanted += map(os.path.realpath, extra)
    while wanted:
        path = wanted.pop()
        binary = None if path in seen else read(path)
        seen.add(path)
        if binary is None:
            continue
        if binary.loader:
            by_itself.add(binary.loader)
        for name in binary.needed:
            place = locate(name, os.path.dirname(path), binary, tuple(folders))
            if place is None:
                continue
            wanted.append(os.path.realpath(place))
            if os.path.dirname(place) in system_folders() or place in known().get(name, ()):
                by_itself.add(place)
            elif not os.path.realpath(place).startswith(beside):
                elsewhere.setdefault(os.path.basename(name), place)
    return by_itself, elsewhere


@functools.cache
def locate(name: str, origin: str, binary: Binary, folders: tuple[str, ...]) -> str | None:
    """Where the library `name` lies that `binary` in the folder `origin` needs, in the loader's order; None if nowhere."""
    named = [folder.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin) for folder in binary.look_in]
    places = [name] if "/" in name else [os.path.join(folder, name) for folder in (*named, *folders)] + usual(name)
    return first(map(os.path.normpath, places), binary.machine)


def first(paths: Iterable[str], machine: tuple[int, ...] | None) -> str | None:
    return next((path for path in paths if fits(path, machine)), None)


def fits(path: str, machine: tuple[int, ...] | None) -> bool:
    binary = read(path) if os.path.isfile(path) else None
    return binary is not None and machine in (None, binary.machine)


@functools.cache
def system_folders() -> frozenset[str]:
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    return frozenset(os.path.join(folder, multiarch).rstrip("/") for folder in USUAL) | frozenset(USUAL)
