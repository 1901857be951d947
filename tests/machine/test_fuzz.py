"""Whatever comes across the border or is handed in, the grader gets plain data or refuses: valid input that was bent.

    python tests/machine/test_fuzz.py 1000000 7 frames,answers      # cases of each kind, a seed, the kinds; all if none are named

Each case ends in one of the words that `KINDS` returns, within bounds: anything else that happens is raised.
"""

import gzip
import io
import json
import random
import re
import resource
import shlex
import sys
import tarfile
import time
import zipfile

import numpy as np
import pytest

from grading.border import subject, wire
from grading.checks import compare, gate
from grading.lms import classlist
from grading.notebooks import archives, folders, names, outputs, reading
from grading.root import CourseError

WANTED = (0.5, np.array([1.0, np.inf]), np.zeros((2, 3)), "stable", [np.zeros(2), 1.0], (np.array([3.0]),) * 3)
LEAVES = (None, True, False, 0, -1, 7, 2**31, 2**63, 2**64, 10**400, -0.0, 0.5, 1e308, float("nan"), float("inf"), "",
          "x", "\ud800", "<f8", "|b1", "<f2", "|O", "<M8[s]", "dtype", "unsupported", [], {}, [[]], "9" * 50)
KEYS = ("list", "tuple", "dtype", "shape", "at", "unsupported", "value", "error", "warnings", "after", "type", "message",
        "reports", "outputs", "output_type", "data", "text/plain", "text", "name", "id")
PARTS = ("a", "b.ipynb", "..", ".", "/", "\\", "\n", "\x1b[31m", "\u202e", "\u00e9", "e\u0301", "A", "x" * 256, "-x", "--help", "=cmd()", "<b>", "__MACOSX",
         ".x", "timestamp.txt", "C:", "1,0e+5", "Doe, Jo", "a@b", "")
TITLES = ("Student", "ID", "SIS Login ID", "SIS User ID", "Section", "Vorname", "Nachname", "email", "username", "id", "=x", "")


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


def frames(rng):
    """Frames made of one honest header, which is dear to make: bent in one way or another, each also spoilt."""
    header, block = valid(rng)
    for _ in range(4):
        head = json.dumps(bend(header, rng) if rng.random() < 0.8 else header).encode()
        frame = wire.LENGTHS.pack(len(head), len(block)) + head + block
        yield from (read(data, rng) for data in (frame, spoil(frame, rng)))
    yield read(rng.randbytes(rng.randint(0, 40)), rng)


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
        f"{said}{reply.error and reply.error.message}".encode()
    return "read"


# --- what was handed in -------------------------------------------------------------------------------------------

CELLS = (
    {"cell_type": "code", "source": ["def f(z):\n", "    return z"], "metadata": {"nbgrader": {"grade_id": "f", "points": 3}},
     "outputs": [{"output_type": "stream", "text": "x"}], "execution_count": 1, "id": "a"},
    {"cell_type": "markdown", "source": "# Title\n![p](attachment:p.png)", "attachments": {"p.png": {"image/png": "iVBORw0KGgo="}}},
    {"cell_type": "heading", "level": 2, "source": "Title", "metadata": {}},
    {"cell_type": "code", "input": "x = 1", "prompt_number": 2, "language": "python", "collapsed": False, "outputs": []},
    {"cell_type": "raw", "source": "raw", "metadata": {"format": "text/html"}})
NOTEBOOKS = tuple(
    {"nbformat": major, "nbformat_minor": minor, "metadata": {"kernelspec": {"name": "python3", "language": "R"}},
     **({"worksheets": [{"cells": list(CELLS)}]} if major < 4 else {"cells": list(CELLS)})}
    for major, minor in ((1, 0), (2, 0), (3, 0), (4, 0), (4, 4), (4, 5), (5, 0)))
WORDS = ("name 'x' is not defined", "operands could not be broadcast together with shapes (2,3) (4,)", "* takes * arguments",
         "math domain error", "\x1b[31m", "\n", "'", "(1,2)", "37251.5", "dreikomma", "\u202e", "\ud800", "z" * 400, "")
PIECES = ("# ", "*a*", "`", "```\n", "![", "](", "attachment:p.png)", "http://a.b", "<img src=x>", "<script>", "$x$", "\\href{a}{b}",
          "\n", "|a|b|\n|-|-|\n", "> ", "- ", "&amp;", "[a]: b\n", "text ", "\\begin{a}", "~~", "<!--", "\0", "\ud800", "é")


def hand_in(rng):
    """A notebook of some version, bent, cut or spoilt: what came of reading it."""
    content = json.dumps(bend(rng.choice(NOTEBOOKS), rng)).encode()
    if rng.random() < 0.3:
        content = bytes(spoil(content, rng))
    try:
        nb = reading.read_notebook(content)
    except reading.Unreadable as error:
        assert str(error).isprintable()
        return "refused"
    json.dumps(nb, ensure_ascii=False).encode()
    assert all(isinstance(cell.source, str) and cell.cell_type in reading.KINDS for cell in nb.cells)
    return "read"


ODD = (np.empty((0, 0)), np.empty((2**16, 0)), np.empty((2**26, 0)), np.float64(-0.0), 2**53 + 1, -2**63, 10**30, np.float32("nan"),
       np.zeros((2, 3), "c16"), np.array([{}, None], object), np.array(["x" * 99]), np.zeros(2, [("a37251", "<f8")]), True,
       np.array("NaT", "M8[s]"), [[1.0], [2.0, 3.0]], [np.zeros((1, 0))] * 3, np.ma.masked, object(),
       *(type(word.replace("\ud800", "E37251"), (), {})() for word in WORDS))


def special(rng):
    """Answers of values that are like numbers and are none, or hardly: what is said of each."""
    blobs = bytearray()
    with np.errstate(all="ignore"):
        values = [rng.choice(ODD) if rng.random() < 0.9 else np.frombuffer(rng.randbytes(16)) for _ in range(rng.randint(1, 3))]
        tree = wire.encode(values, blobs)
    head = json.dumps(tree)
    for text in (head, head.replace(rng.choice("0123456789[]"), rng.choice(("-1", "1e3", "99999999", "[", "null")), 1)):
        yield told(text, bytes(blobs), rng)


def told(text, block, rng):
    try:
        answer = wire.decode(json.loads(text), block)
    except (wire.WireError, json.JSONDecodeError):
        return "refused"
    parts = (*answer, answer) if isinstance(answer, list) else (answer,)
    for words in filter(None, (compare.difference(part, rng.choice(WANTED), 1e-9) for part in parts)):
        assert words.isprintable() and len(words) < 300 and "37251" not in words
    return "read"


def tell(rng):
    """Errors of one notebook through the gate: together they tell no more than it may."""
    table = gate.Gate({number: (f"f{number}", "x = 1\n" * 20) for number in range(3)})
    for _ in range(rng.randint(1, 30)):
        words = "".join(rng.choice(WORDS) for _ in range(rng.randint(0, 3)))
        line = table.error_line(subject.StudentError(rng.choice(("ValueError", "E37251", words)), words, rng.randint(-1, 4),
                                                     rng.randint(-1, 30)), "f1")
        assert line.isprintable() and len(line) < 600 and not {"37251", "dreikomma"} & set(re.findall(r"\w+", line))
    assert table.left >= 0
    return "read" if table.said else "refused"


def write_text(rng):
    """Markdown, and the names of files and students: what is shown is harmless and can be written."""
    text = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, 12)))
    clean = text.encode("utf-8", "replace").decode()
    try:
        harmless = outputs.renders_harmlessly(clean, {})
    except Exception:       # `outputs.is_harmless` then says no, as for a picture that is missing
        harmless = False
    outputs.without_pictures(text), outputs.as_source(clean)
    for shown in (names.shown(text), names.printable(text), str(names.csv_safe(text))):
        assert shown.isprintable() and shown.encode()
    word = names.for_shell(text)
    assert word is None or shlex.split(word) == [text]
    return "read" if harmless else "refused"


def packed(rng, depth=0):
    """A zip or a tar, perhaps in a gzip, of names and kinds of members as nobody packs them; in it there may be more."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") if (is_zip := rng.random() < 0.7) else tarfile.open(fileobj=content, mode="w") as archive:
        for _ in range(rng.randint(0, 5)):
            name = "".join(rng.choice(PARTS) + rng.choice(("", "/", "_")) for _ in range(rng.randint(0, 6)))
            inside = packed(rng, depth + 1) if depth < 2 and rng.random() < 0.3 else rng.randbytes(rng.randint(0, 30))
            about = zipfile.ZipInfo(name) if is_zip else tarfile.TarInfo(name)
            if is_zip:
                about.external_attr, about.flag_bits = rng.choice((0, 0o100644, 0o120777, 0o020000)) << 16, rng.choice((0, 0, 1, 0x800))
                archive.writestr(about, inside, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))
            else:
                about.type, about.size, about.linkname = rng.choice((b"0", b"0", b"1", b"2", b"3", b"6", b"S", b"L", b"x")), len(inside), name
                archive.addfile(about, io.BytesIO(inside))
    return gzip.compress(content.getvalue()) if rng.random() < 0.2 else content.getvalue()


def archive(rng):
    """An archive that was handed in: what is taken of it can be written below a folder."""
    content, names = packed(rng), folders.Names()
    try:
        found = archives.unpack(bytes(spoil(content, rng)) if rng.random() < 0.5 else content, "hw.zip")
    except archives.NotUnpacked:
        return "refused"
    taken = [name for name in found if names.take(name) is None]
    assert all(".." not in name.split("/") and name.isprintable() and not name.startswith("/") for name in taken)
    return "read"


def class_list(rng):
    """A table that is said to be a class list: ids are ids, names and sentences are one line each."""
    rows = [[rng.choice(TITLES) for _ in range(5)], *([rng.choice((*PARTS, *TITLES)) for _ in range(rng.randint(0, 7))] for _ in range(4))]
    text = rng.choice("\n\r").join(rng.choice(",;\t").join(f'"{cell}"' if rng.random() < 0.5 else cell for cell in row) for row in rows)
    content = text.encode(rng.choice(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")), "replace")
    try:
        found = classlist.read(bytes(spoil(content, rng)) if rng.random() < 0.3 else content)
    except CourseError as error:
        assert str(error).isprintable()
        return "refused"
    assert all(names.trouble_with_student(person.id) is None and not set(person.name) & set("\n\r\x1b\x85\u2028\u202e") for person in found.people)
    assert all(line.isprintable() for line in found.trouble)
    return "read"


def one(case):
    def cases(rng):
        yield case(rng)
    return cases


KINDS = {"frames": frames, "answers": special, "notebooks": one(hand_in), "errors": one(tell), "texts": one(write_text), "archives": one(archive),
         "class lists": one(class_list)}


def fuzz(kind, cases, seed):
    """How many of `cases` random ones of a kind were read and how many refused; anything else that happens is raised."""
    came, batch = {"read": 0, "refused": 0}, 0
    while sum(came.values()) < cases:
        rng = random.Random(f"{kind} {seed} {batch}")
        try:
            for _ in range(20):
                for outcome in KINDS[kind](rng):
                    came[outcome] += 1
        except Exception as error:
            raise AssertionError(f"batch {batch} of {kind}, seed {seed}") from error
        batch += 1
    return came


@pytest.mark.parametrize(("kind", "cases", "least"), [("frames", 4000, 500), ("notebooks", 1500, 100), ("answers", 2000, 20),
                                                      ("errors", 400, 0), ("texts", 400, 50), ("archives", 600, 100), ("class lists", 600, 50)])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_random_cases_are_read_or_refused(kind, cases, least):
    came = fuzz(kind, cases, seed=1)
    assert min(came.values()) >= least, came


if __name__ == "__main__":
    for kind in sys.argv[3].split(",") if len(sys.argv) > 3 else KINDS:
        began, most = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(kind, fuzz(kind, int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else 0),
              f"{time.process_time() - began:.0f} s, {most // 1024} to {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB",
              flush=True)
