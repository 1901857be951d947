"""What a graded notebook says of its grading, in `metadata["grading"]`: written by `Record.write`, read by `Record.read`.

Version 2, the present one:

    {"version": 2, "graded_by": {...}, "mended": {grade_id: words}, "verdicts": {exercise: {"points", "most", "warnings",
     "definitions", "blank", "seen", "checks": [{"name", "title", "weight", "core", "outcome", "misconception", and "wrong"
     where a check failed}]}},
     "changed": {grade_id: {"text", "difference"}}, "look": [words]}

`look` is what staff should know of the submission that the notebook came with. `changed` is there where a student changed what a person had graded, and nobody has looked since.

Before a notebook is graded only `mended` is there. Version 1 (0.1.0) had no number, and for each verdict a "fraction" of
the points of its tests cell.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
from nbformat import NotebookNode

from .cells import grade_id, tests_cell
from .folders import names_ending

VERSION = 2
END_BYTES = 2**17       # of a file, in which its metadata are looked for
KEY = "grading"
NOTHING = "Nothing could be graded."
WHOLE = "notebook"      # the name under which notes on the whole notebook are kept that a human should see
FILE = "file name"      # and the one of a note that is merely said: nobody can doubt which file was meant


class Outcome(StrEnum):
    """Of one check. `OUR_ERROR` is never a student's zero, and never stored: the submission stays ungraded."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"
    OUR_ERROR = "our error"


@dataclass(frozen=True)
class CheckRecord:
    """One check of one exercise; `misconception` is the name of the known mistake that was recognised, `wrong` a
    digest of what came back where it failed (see `checks/wrong.py`), "" in records of older gradings."""

    name: str
    title: str
    weight: int
    core: bool
    outcome: Outcome
    misconception: str | None = None
    wrong: str = ""


@dataclass(frozen=True)
class VerdictRecord:
    """One exercise: `points` of `most`, and its checks; `blank` where nothing was handed in, `seen` where the visible checks
    complained (None in records of older gradings)."""

    points: float
    most: float
    checks: tuple[CheckRecord, ...]
    warnings: tuple[str, ...] = ()
    definitions: int = 1
    blank: bool = False
    seen: bool | None = None

    def count(self, outcome: Outcome) -> int:
        return sum(check.outcome == outcome for check in self.checks)

    @property
    def passed(self) -> bool:
        return self.count(Outcome.PASSED) == len(self.checks)


@dataclass(frozen=True)
class Seen:
    """The answer that a person graded, and how it differs from the one that was handed in since, line by line."""

    text: str
    difference: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What graded a notebook, what was mended in it {grade_id: words}, its verdicts {exercise: record}, what of it a person
    had graded in another form {grade_id: what was seen}, and what staff should know of what came with it."""

    graded_by: dict[str, Any] = field(default_factory=dict)
    mended: dict[str, str] = field(default_factory=dict)
    verdicts: dict[str, VerdictRecord] = field(default_factory=dict)
    changed: dict[str, Seen] = field(default_factory=dict)
    look: tuple[str, ...] = ()
    damaged: bool = False       # whether the graded notebook could not be read; then nothing else is known of it

    @property
    def notes(self) -> tuple[str, tuple[str, ...]]:
        """What of the hand-in was odd, so that a human should look at it; ("", ()) if nothing was."""
        return self.mended.get(WHOLE, ""), self.look

    @property
    def refused(self) -> bool:
        """Whether nothing of the notebook could be graded."""
        return self.mended.get(WHOLE, "").endswith(NOTHING)

    def write(self, nb: NotebookNode) -> None:
        nb.metadata[KEY] = {"version": VERSION, "mended": dict(self.mended)}
        if self.look:
            nb.metadata[KEY]["look"] = list(self.look)
        if self.changed:
            nb.metadata[KEY]["changed"] = {name: {"text": seen.text, "difference": list(seen.difference)}
                                           for name, seen in self.changed.items()}
        if self.graded_by:
            nb.metadata[KEY] |= {"graded_by": self.graded_by, "verdicts": {
                name: {**vars(verdict), "warnings": list(verdict.warnings),
                       "checks": [stored_check(check) for check in verdict.checks]}
                for name, verdict in self.verdicts.items()}}

    @classmethod
    def read(cls, nb: NotebookNode) -> "Record":
        """The record of a notebook that the course wrote; an empty one where there is none."""
        stored = nb.metadata.get(KEY, {})
        verdicts = {name: read_verdict(verdict, nb, name) for name, verdict in stored.get("verdicts", {}).items()}
        changed = {name: Seen(seen["text"], tuple(seen["difference"])) for name, seen in stored.get("changed", {}).items()}
        return cls(dict(stored.get("graded_by", {})), dict(stored.get("mended", {})), verdicts, changed,
                   tuple(stored.get("look", ())))


def records_in(folder: str | Path) -> dict[str, Record]:
    """{notebook: its record} of a folder of graded notebooks, in the order of their names.

    They are read as what they are, without nbformat's validation: grading wrote them, and that takes ten times as long.
    """
    return {os.path.splitext(name)[0]: read_record(os.path.join(folder, name)) for name in names_ending(folder, ".ipynb")}


def read_record(path: str | Path) -> Record:
    """The record of a graded notebook, a `damaged` one where the file cannot be read."""
    try:
        return record_at_the_end(path)
    except (AttributeError, KeyError, TypeError, ValueError):
        return Record(damaged=True)


def record_at_the_end(path: str | Path) -> Record:
    """The record of a graded notebook. Its file ends with it: the cells, which are most of a file, need not be read."""
    fd = os.open(path, os.O_RDONLY)     # a file object asks Linux twice as often
    try:
        size = os.fstat(fd).st_size
        for most in (END_BYTES // 4, END_BYTES):        # the first is enough for all but a few
            end = os.pread(fd, most, max(0, size - most))
            start = end.rfind(b'\n "metadata": {\n')      # so far to the left stands the notebook's alone
            if start >= 0:
                break
    finally:
        os.close(fd)
    with contextlib.suppress(ValueError, AttributeError):
        end = b"{" + end[max(0, start):]
        if found := by_its_lines(end):
            return found
        content = json.loads(end)
        if content.get("metadata", {}).get(KEY, {}).get("version") == VERSION:
            return record_of(content)
    return record_of(json.loads(Path(path).read_text(encoding="utf-8")))


def by_its_lines(end: bytes) -> Record | None:
    """The record at the end of a file that is laid out as grading writes it, else None.

    Verdicts are most of it, and most of a class have the same, word by word, as well as what graded them: each is decoded once.
    """
    before, begin, rest = end.partition(b'\n   "verdicts": {\n')
    verdicts, finish, after = rest.partition(b"\n   }")
    with contextlib.suppress(AttributeError, KeyError, TypeError, ValueError):
        found = but_for_verdicts(before + begin + finish + after)
        return Record(dict(found.graded_by), dict(found.mended), dict(map(verdict_in, verdicts.removesuffix(b"\n    }").split(b"\n    },\n"))),
                      dict(found.changed), found.look)
    return None


@lru_cache(maxsize=256)
def but_for_verdicts(text: bytes) -> Record:
    """The record of the end of a file from which its verdicts were taken. Raises as `verdict_in` does where it has others."""
    content = json.loads(text)
    if content["metadata"][KEY]["verdicts"] or content["metadata"][KEY]["version"] != VERSION:
        raise ValueError(content)
    return record_of(content)


@lru_cache(maxsize=4096)
def verdict_in(text: bytes) -> tuple[str, VerdictRecord]:
    """(exercise, its verdict) of version 2, out of its lines but the last. Raises `KeyError`, `TypeError` or `ValueError`."""
    (exercise, stored), = json.loads(b"{" + text + b"}}").items()
    if "fraction" in stored:
        raise ValueError(exercise)
    return exercise, read_verdict(stored, NotebookNode(cells=[]), exercise)


def record_of(content: dict[str, Any]) -> Record:
    """The record of a graded notebook as its file has it. Of its cells version 1 alone needs to know."""
    stored = content.get("metadata", {}).get(KEY, {})
    if stored.get("version") == VERSION:        # plain data will do, and takes half the time
        plain: Any = SimpleNamespace(metadata={KEY: stored}, cells=())
        return Record.read(plain)
    return Record.read(nbformat.from_dict({"metadata": {KEY: stored}, "cells": content.get("cells", [])}))


def stored_check(check: CheckRecord) -> dict[str, Any]:
    """A check as it is stored: the digest of a wrong answer only where there is one."""
    found = {**vars(check), "outcome": str(check.outcome)}
    return found if check.wrong else {name: value for name, value in found.items() if name != "wrong"}


def read_verdict(stored: Mapping[str, Any], nb: NotebookNode, exercise: str) -> VerdictRecord:
    checks = tuple(CheckRecord(check["name"], check["title"], check.get("weight", 1), check["core"],
                               Outcome(check["outcome"]), check.get("misconception"), check.get("wrong", "")) for check in stored["checks"])
    if "fraction" in stored:        # version 1
        most = sum(cell.metadata["nbgrader"]["points"] for cell in nb.cells if grade_id(cell) == tests_cell(exercise))
        stored = {**stored, "most": most, "points": round(stored["fraction"] * most, 2)}
    return VerdictRecord(stored["points"], stored["most"], checks, tuple(stored.get("warnings", ())), stored.get("definitions", 1),
                         stored.get("blank", False), stored.get("seen"))


def note(nb: NotebookNode, line: str, kind: str = WHOLE) -> None:
    """Keep a note on the whole notebook, `WHOLE` or `FILE`, beside those that are there."""
    record = Record.read(nb)
    said = " ".join(filter(None, (record.mended.get(kind), line)))
    replace(record, mended={**record.mended, kind: said}).write(nb)


def written(points: float) -> str:
    """Points as people read them: at most two decimals, and none that are zero."""
    return f"{round(points, 2):.10g}"
