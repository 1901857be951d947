"""The grader's side of the border: a subject whose functions can be called, wherever they live.

A subject is what `Subject` spells out. There are
two: `KernelSubject` speaks to a student's kernel, `LocalSubject` calls trusted functions in this process (reference,
misconceptions), through the same wire format.
"""

import enum
import json
import secrets
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from socket import socket as Socket
from typing import Any, Protocol

import numpy as np

from . import wire
from .errors import KernelNotStarted
from .sandbox import Sandbox

GRACE_SECONDS = 2.0     # for a kernel to report its own time-out before it is killed
LINE = 11               # bytes that a notebook's file needs for a line beside its text
MAX_RESTARTS = 25       # of one submission's kernel: each exercise may kill it in its cell and in a picture
MOST_COUNTED = 10**6
REPLAY_SECONDS = 1.0    # for a cell that was stopped at its limit before: what it defines, it defines early


class Stopped(Exception):
    """The calls gave no answer: `reason` says why, in words for the student."""

    def __init__(self, reason: str, timeout: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.timeout = reason, timeout


@dataclass
class StudentError:
    """An exception out of the student's function: type and message are the student's words, `cell` and `line` ours.

    `value_error`: it is a ValueError, or of a type made from it.
    """

    type: str
    message: str
    cell: int | None = None
    line: int | None = None
    value_error: bool = False


@dataclass
class Reply:
    """What one call gave: a value or an error, floating-point warnings and, if asked for, the arguments afterwards."""

    value: Any = None
    error: StudentError | None = None
    warnings: list[str] = field(default_factory=list)
    after: list[Any] = field(default_factory=list)


class CellEnd(enum.StrEnum):
    """How a cell ended: by itself, by its alarm, with its kernel, or not begun because the notebook had used up its chances."""

    OK = "ok"
    TIMED_OUT = "timed out"
    DIED = "died"
    NOT_RUN = "not run"


@dataclass
class CellRun:
    """What running one cell gave."""

    outputs: list[Any]
    status: CellEnd = CellEnd.OK
    count: int | None = None


def read_reply(report: Any, block: bytes, budget: wire.Budget | None = None) -> Reply:
    """What one untrusted report says. Raises `wire.WireError` when it is none."""
    budget = budget or wire.Budget(block)
    match report:
        case {"warnings": list(warnings), "after": list(after), **rest} if rest.keys() in ({"value"}, {"error"}):
            reply = Reply(warnings=[w for w in ("overflow", "invalid", "divide") if w in warnings],
                          after=[wire.decode(arg, block, budget=budget) for arg in after])
        case _:
            raise wire.WireError("a report has no known form")
    if "value" in report:
        reply.value = wire.decode(report["value"], block, budget=budget)
        return reply
    match report["error"]:
        case {"type": str(kind), "message": str(message), "at": [cell, line]} if is_count(cell) and is_count(line):
            error = StudentError(kind[:60], message[:300], cell, line)
        case {"type": str(kind), "message": str(message)}:
            error = StudentError(kind[:60], message[:300])
        case _:
            raise wire.WireError("an error report has no known form")
    kinds = report["error"].get("kinds")
    error.value_error = isinstance(kinds, list) and "ValueError" in kinds
    reply.error = error
    return reply


def is_count(value: object) -> bool:
    """Whether a number from a kernel may be one of cells, lines or runs: no bool, not negative, not endless."""
    return isinstance(value, int) and type(value) is int and 0 <= value < MOST_COUNTED


def pack(cases: Iterable[Iterable[Any]]) -> tuple[Any, bytes]:
    """Encode the arguments of several calls: (JSON tree, bytes)."""
    blobs = bytearray()
    tree = wire.encode([list(case) for case in cases], blobs)
    return tree, bytes(blobs)


class Subject(Protocol):
    """Something whose functions can be called, wherever they live."""

    def definitions(self, name: str) -> int:
        """How many distinct definitions of `name` there are; 0 if the name is missing."""

    def begin(self) -> None:
        """Called before the checks of an exercise."""

    def finish(self) -> None:
        """Called after the checks of an exercise, whatever happened."""

    def call(self, name: str, definition: int, tree: Any, block: bytes, after: bool = False) -> list[Reply]:
        """Call definition number `definition` once per case, with the arguments `after`. Raises `Stopped`."""


# --- trusted functions ------------------------------------------------------------------------------------------

class LocalSubject:
    """Trusted functions of this process: the reference, a misconception, a right answer in another style."""

    def __init__(self, functions: Mapping[str, Any]) -> None:
        self.functions = functions

    def definitions(self, name: str) -> int:
        return int(callable(self.functions.get(name)))

    def begin(self) -> None:
        pass

    def finish(self) -> None:
        pass

    def call(self, name: str, definition: int, tree: Any, block: bytes, after: bool = False) -> list[Reply]:
        from .inside import calls
        replies = []
        for case in wire.decode(tree, block, words=sys.intern):
            blobs = bytearray()
            with np.errstate(all="warn", under="ignore"):
                report = calls.call(self.functions[name], case, blobs, after)
            replies.append(read_reply(report, bytes(blobs)))
        return replies


# --- a student's kernel -----------------------------------------------------------------------------------------

class KernelSubject:
    """One submission's kernel: runs its cells, then calls its functions. `sandbox` opens and ends kernels.

    A kernel that dies or does not answer is replaced; the cells that ran before are run again in the new one, without
    the cell that killed it.
    """

    def __init__(self, sandbox: Sandbox, watch: Iterable[str] = (), files: Iterable[tuple[str, bytes]] = ()) -> None:
        self.sandbox, self.watch, self.files = sandbox, list(watch), list(files)
        self.limits = sandbox.limits
        self.sock: Socket | None = None
        self.ran: list[tuple[int, str, float]] = []
        self.found: dict[str, int] = {}
        self.restarts = 0
        self.serving = self.short_of_memory = False     # of the fork of the kernel that waits for calls
        self.overran = False        # whether a limit of time ended something
        self.room = self.limits.output_bytes
        self.deadline = time.monotonic() + self.limits.submission_seconds

    def close(self) -> None:
        self.sandbox.end()
        self.sock, self.serving = None, False

    # --- cells --------------------------------------------------------------------------------------------------

    def run(self, number: int, source: str) -> CellRun:
        """Run cell `number`; never raises for what the student's code does."""
        run = self.run_again(number, source, self.limits.cell_seconds)
        run.outputs = self.within_room(run.outputs)
        return run

    def run_again(self, number: int, source: str, seconds: float) -> CellRun:
        """Run a cell for what it does; nobody looks at what it shows."""
        late = self.out_of_time()
        self.overran |= late
        if late or not self.connect():
            return CellRun([], CellEnd.NOT_RUN)
        self.end_fork()
        run = self.run_once(number, source, seconds)
        if run.status is CellEnd.DIED:
            self.close()
        else:
            self.ran.append((number, source, REPLAY_SECONDS if run.status is CellEnd.TIMED_OUT else seconds))
        return run

    def anew(self) -> "KernelSubject":
        """A subject for the same submission, in a kernel of its own, within what is left of its time."""
        again = KernelSubject(self.sandbox, self.watch, self.files)
        again.deadline = self.deadline
        return again

    def within_room(self, outputs: list[Any]) -> list[Any]:
        """`outputs`, or a note if they are more than what is left to the notebook: the kernel keeps to it if honest."""
        text = json.dumps(outputs)
        size = len(text) + LINE * text.count("\\n")      # in the file of a notebook each line of a text is one
        if size > self.room:
            return [{"output_type": "stream", "name": "stdout", "text": "... Output truncated ...\n"}] if outputs else []
        self.room -= size
        return outputs

    def run_once(self, number: int, source: str, seconds: float) -> CellRun:
        seconds = min(seconds, self.deadline - time.monotonic())
        try:
            show = min(self.limits.cell_output_bytes, self.room)
            answer, _ = self.ask({"op": "run", "cell": number, "source": source, "watch": self.watch,
                                  "seconds": max(seconds, 0.1), "show": show}, seconds=seconds)
        except wire.Timeout:
            self.overran = True
            return CellRun([], CellEnd.DIED)
        except wire.WireError:
            return CellRun([], CellEnd.DIED)
        match answer:
            case {"outputs": list(outputs), "timed_out": bool(late), "found": dict(found), "count": count} if is_count(count):
                self.found = {name: n for name, n in found.items() if name in self.watch and is_count(n)}
                self.overran |= late
                return CellRun(outputs, CellEnd.TIMED_OUT if late else CellEnd.OK, count)
        return CellRun([], CellEnd.DIED)

    def connect(self) -> bool:
        """Have a kernel in which every cell that ran so far has run; False if this submission used up its chances."""
        if self.sock is not None:
            return True
        if self.restarts > MAX_RESTARTS:
            return False
        self.restarts += 1
        self.sock = self.sandbox.open()
        try:
            self.send_files()
        except wire.WireError as error:     # no code of the student's has run yet
            self.close()
            raise KernelNotStarted(f"the kernel did not take the submission's files: {error}") from None
        self.found = {}
        for number, source, seconds in self.ran:
            if self.out_of_time() or self.run_once(number, source, seconds).status is CellEnd.DIED:
                self.close()
                self.ran = [cell for cell in self.ran if cell[0] != number]
                return self.connect()
        return True

    def send_files(self) -> None:
        if self.files:
            entries: list[tuple[str, int, int]] = []
            block = b""
            for name, content in self.files:
                entries.append((name, len(block), len(content)))
                block += content
            self.ask({"op": "files", "files": entries}, block, seconds=30)

    def out_of_time(self) -> bool:
        return time.monotonic() >= self.deadline

    # --- calls --------------------------------------------------------------------------------------------------

    def definitions(self, name: str) -> int:
        return self.found.get(name, 0)

    def begin(self) -> None:
        """Have a fork of the kernel for the calls, so that one that dies leaves the kernel as it was for the next."""
        if self.out_of_time():
            raise self.too_late("the notebook had used up its time")
        if self.serving:
            return
        if not self.connect():
            raise Stopped("the kernel had died too often")
        try:
            answer = wire.receive(self.socket, self.request({"op": "exercise"}, b"", 10), self.limits.value_bytes)[0]
        except wire.WireError as error:
            self.close()
            raise Stopped(f"the kernel did not answer: {error}") from None
        if answer.get("ready") is not True:
            self.close()
            raise Stopped("the kernel ended")
        self.serving, self.short_of_memory = True, False

    def finish(self) -> None:
        """End the fork if it ran short of memory; else it serves the next exercise too, for forks are dear."""
        if self.short_of_memory:
            self.end_fork()

    def end_fork(self) -> None:
        """Leave the kernel as it is without the fork that answered calls."""
        if not self.serving:
            return
        self.serving = False
        try:
            self.ask({"op": "end"}, seconds=5, want="ended", any_id=True)
        except wire.WireError:
            self.close()

    def call(self, name: str, definition: int, tree: Any, block: bytes, after: bool = False) -> list[Reply]:
        seconds = min(self.limits.call_seconds, self.deadline - time.monotonic())
        if seconds <= 0 or self.sock is None:
            raise self.too_late("the notebook had used up its time")
        try:
            answer, returned = self.ask({"op": "calls", "function": name, "definition": definition, "cases": tree,
                                         "after": after, "seconds": seconds}, block, seconds=seconds, any_id=True)
            if "ended" in answer:
                self.serving = False
                stopped = ended(answer["ended"], seconds)
                self.overran |= stopped.timeout
                raise stopped
            reports = answer.get("reports")
            if not isinstance(reports, list) or len(reports) != len(tree["list"]):
                raise wire.WireError("the number of reports is wrong")
            budget = wire.Budget(returned)
            replies = [read_reply(report, returned, budget) for report in reports]
            self.short_of_memory |= any(reply.error is not None and reply.error.type == "MemoryError" for reply in replies)
            return replies
        except wire.Timeout:
            self.close()
            raise self.too_late(f"it ran longer than {seconds:.0f} seconds") from None
        except wire.Closed:
            self.close()
            raise Stopped("the kernel died during the call") from None
        except wire.WireError as error:
            self.close()
            raise Stopped(f"what came back was not an answer: {error}") from None

    def too_late(self, reason: str) -> Stopped:
        self.overran = True
        return Stopped(reason, timeout=True)

    # --- requests -----------------------------------------------------------------------------------------------

    @property
    def socket(self) -> Socket:
        assert self.sock is not None, "there is no kernel: see `connect`"
        return self.sock

    def request(self, message: dict[str, Any], block: bytes, seconds: float) -> float:
        self.number = secrets.randbits(48)
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        wire.send(self.socket, {"id": self.number, **message}, block, deadline)
        return deadline

    def ask(self, message: dict[str, Any], block: bytes = b"", *, seconds: float, want: str | None = None,
            any_id: bool = False) -> tuple[dict[str, Any], bytes]:
        """Send one request and return its answer; raises `wire.WireError` on anything but an answer to it."""
        deadline = self.request(message, block, seconds)
        answer, returned = wire.receive(self.socket, deadline, self.limits.value_bytes)
        if answer.get("id") != self.number and not (any_id and "ended" in answer):
            raise wire.WireError("an answer came that nobody asked for")
        if want is not None and want not in answer:
            raise wire.WireError("the answer is to another question")
        return answer, returned


def ended(code: object, seconds: float) -> Stopped:
    """Why the forked process of an exercise ended by itself; `code` is the kernel's word, of which few are believed."""
    if code in (-signal.SIGALRM, -signal.SIGXCPU):
        return Stopped(f"it ran longer than {seconds:.0f} seconds", timeout=True)
    if is_count(code):
        return Stopped("the kernel died during the call (the code ended the process)")
    words = {-signal.SIGSEGV: "a crash in compiled code, or recursion without end",
             -signal.SIGABRT: "a crash in compiled code", -signal.SIGKILL: "killed, perhaps for want of memory"}
    return Stopped(f"the kernel died during the call ({words.get(code, 'by a signal') if isinstance(code, int) else 'by a signal'})")


if "wire" not in sys.modules:       # `inside` runs with wire as a top-level module: here it is the same one
    sys.modules["wire"] = wire
