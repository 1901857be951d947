"""Whatever bytes a kernel sends, the grader gets plain data or refuses: random frames, and valid ones that were bent.

    python tests/machine/test_fuzz.py 1000000       # cases; a second number is the seed
"""

import json
import random
import sys
import time

import numpy as np
from grading.border import subject, wire
from grading.checks import compare
from grading.notebooks import outputs

WANTED = (0.5, np.array([1.0, np.inf]), np.zeros((2, 3)), "stable", [np.zeros(2), 1.0], (np.array([3.0]),) * 3)
LEAVES = (None, True, False, 0, -1, 7, 2**31, 2**63, 2**64, 10**400, -0.0, 0.5, 1e308, float("nan"), float("inf"), "",
          "x", "\ud800", "<f8", "|b1", "<f2", "|O", "<M8[s]", "dtype", "unsupported", [], {}, [[]], "9" * 50)
KEYS = ("list", "tuple", "dtype", "shape", "at", "unsupported", "value", "error", "warnings", "after", "type", "message",
        "reports", "outputs", "output_type", "data", "text/plain", "text", "name", "id")


class Bytes:
    """A socket that hands out the bytes of one frame, in pieces, and then is closed."""

    def __init__(self, data):
        self.data = memoryview(data)

    def settimeout(self, seconds):
        pass

    def recv(self, size):
        piece, self.data = bytes(self.data[:size]), self.data[size:]
        return piece


def valid(rng):
    """A header and a block as an honest kernel sends them."""
    values = (1.5, [1, 2.5, True], (np.arange(3.0), np.arange(4).reshape(2, 2)), np.array(7.0), "stable", None,
              np.zeros((2, 0)), [[1.0, [2.0]], "x"], np.array([True, False]), np.float32([1, 2]), object())
    blobs, reports = bytearray(), []
    for _ in range(rng.randint(1, 3)):
        report = {"value": wire.encode(rng.choice(values), blobs), "warnings": ["overflow"],
                  "after": [wire.encode(rng.choice(values), blobs)]}
        if rng.random() < 0.2:
            report["error"] = {"type": "ValueError", "message": "no", "at": [3, 7]}
            del report["value"]
        reports.append(report)
    shown = [{"output_type": "stream", "name": "stdout", "text": "hi"}, {"output_type": "execute_result", "metadata": {},
             "data": {"text/plain": "3.0", "text/html": "<b>3</b>"}}]
    return {"id": 7, "reports": reports, "outputs": shown}, bytes(blobs)


def bend(tree, rng):
    """The JSON `tree` with a few of its parts replaced, doubled, wrapped, renamed or dropped."""
    if isinstance(tree, dict):
        tree = {rng.choice(KEYS) if rng.random() < 0.03 else key: bend(value, rng) for key, value in tree.items()
                if rng.random() > 0.02}
    elif isinstance(tree, list):
        tree = [bend(item, rng) for item in tree if rng.random() > 0.03]
    draw = rng.random()
    if draw < 0.03:
        return rng.choice(LEAVES)
    if draw < 0.04:
        return [tree] * rng.randint(0, 4)
    if draw < 0.05:
        return {rng.choice(KEYS): tree}
    return tree


def spoil(frame, rng):
    """The bytes of `frame` with a few of them changed, cut out, put in, or the rest cut off."""
    frame = bytearray(frame)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(frame) + 1)
        match rng.randrange(4):
            case 0:
                frame[at:at + 1] = rng.randbytes(1)
            case 1:
                del frame[at:at + rng.randint(1, 8)]
            case 2:
                frame[at:at] = rng.choice((b"[", b"]", b"{", b"}", b'"', b"\\ud800", b"1e999", b"\xff", b"\0")) * 3
            case 3:
                del frame[at:]
    return frame


def frame_of(rng):
    header, block = valid(rng)
    if rng.random() < 0.7:
        header = bend(header, rng)
    head = json.dumps(header).encode()
    frame = wire.LENGTHS.pack(len(head), len(block)) + head + block
    draw = rng.random()
    return spoil(frame, rng) if draw < 0.4 else rng.randbytes(rng.randint(0, 40)) if draw < 0.45 else frame


def read(frame, rng):
    """Take `frame` as the grader does, through everything that untrusted data reaches; what came of it, in a word."""
    try:
        header, block = wire.receive(Bytes(frame), deadline=time.monotonic() + 60)
        shown = header.get("outputs")
        outputs.clean(shown if isinstance(shown, list) else [])
        reports, budget = header.get("reports"), wire.Budget(block)
        replies = [subject.read_reply(report, block, budget) for report in (reports if isinstance(reports, list) else [])]
    except wire.WireError:
        return "refused"
    for reply in replies:
        said = compare.difference(reply.value, rng.choice(WANTED), 1e-9)
        assert said is None or isinstance(said, str)
        json.dumps([said, reply.error and reply.error.message], ensure_ascii=False).encode()
    return "read"


def fuzz(cases, seed):
    """How many of `cases` random frames were read and how many refused; anything else that happens is raised."""
    rng, came = random.Random(seed), {"read": 0, "refused": 0}
    for number in range(cases):
        frame = frame_of(rng)
        try:
            came[read(frame, rng)] += 1
        except Exception as error:
            raise AssertionError(f"case {number} of seed {seed}: {bytes(frame)!r}") from error
    return came


def test_random_frames_are_read_or_refused():
    came = fuzz(4000, seed=1)
    assert min(came.values()) > 500


if __name__ == "__main__":
    print(fuzz(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
