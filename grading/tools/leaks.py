"""What students must not get, line by line, and a search for it in any folder: notebooks, pages, archives, scripts.

A line that the course shows to students anyway is no secret: signatures, docstrings, `import numpy as np`, the functions that
one assignment hands out and the reference holds as well.
"""

import ast
import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
import numpy as np

REGIONS = {"solution": re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL),
           "hidden check": re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL),
           "rubric": re.compile(r"### BEGIN MARK SCHEME\n(.*?)### END MARK SCHEME", re.DOTALL)}
OUR_FILES = {"hidden check": "tests/hidden/*.py", "misconception": "tests/misconceptions/*.py",
             "right answer": "tests/right_answers/*.py", "reference": "reference_impl/*.py",
             "lecture's helper": "lecture/neural_net_helper.py"}
SPOKEN = ("hidden check", "misconception", "right answer")     # kinds whose titles, hints and sentences give away as much as their code
# Shorter lines say nothing by themselves: "else:", "return y", "import math". So do lines without a letter.
TELLING = 12
SCRIPT = re.compile(r"<(script|style)\b[^>]*>.*?</\1>", re.DOTALL)
BLOCK = re.compile(r"<(?:/?(?:p|div|li|tr|td|th|h\d|pre|section|br|table|dt|dd|option|summary)\b)[^>]*>")
TAG = re.compile(r"<[^>]*>")
ARCHIVES = {".zip", ".whl"}
CHUNK = 1 << 20
PINNED = ("/static/pyodide/", "/pypi/")      # packages whose files are those of a lock: looked at from outside only


def telling(line: str) -> bool:
    return len(line) >= TELLING and bool(re.search(r"[A-Za-z]{2}", line))


def squeezed(line: str) -> str:
    """A line without blanks and quotes: text in a file may be indented, wrapped in JSON, or reformatted."""
    return re.sub(r"[\s\"'\\]+", "", line)


@cache
def cells(root: Path, pattern: str = "source/*/*.ipynb") -> list[str]:
    return [cell.source for path in sorted(Path(root).glob(pattern))
            for cell in nbformat.read(path, as_version=4).cells]


@cache
def public_lines(root: Path) -> frozenset[str]:
    """What source/ itself shows to students outside its hidden regions, and the files that are handed out as they are."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(Path(root, "source").glob("*/*.py"))]
    for text in cells(root):
        for region in REGIONS.values():
            text = region.sub("", text)
        texts.append(text)
    return frozenset(squeezed(line) for text in texts for line in text.splitlines())


@cache
def secrets(root: Path) -> dict[str, str]:
    """{squeezed line: where it is from} of every telling line that students must not get."""
    found = {}
    for text in cells(root):
        for kind, region in REGIONS.items():
            for part in region.findall(text):
                found.update(dict.fromkeys(map(str.strip, part.splitlines()), f"{kind} in source/"))
    for kind, pattern in OUR_FILES.items():
        for path in sorted(Path(root).glob(pattern)):
            lines = {line.strip() for line in path.read_text(encoding="utf-8").splitlines()}
            if path.parent.name == "lecture":       # what the lecture says as well is said
                lines -= {line.strip() for text in cells(root, "lecture/*.ipynb") for line in text.splitlines()}
            found.update(dict.fromkeys(sorted(lines), f"{kind} of {path.relative_to(root)}"))
    public = "\n".join(public_lines(root))
    return {squeezed(line): where for line, where in found.items() if telling(line) and squeezed(line) not in public}


def texts_in(code: str) -> set[str]:
    """The texts of a line that stand in Python code; what is not finished has its lines alone."""
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except SyntaxError:
        return set()
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if "\n" not in text and " " in text}


@cache
def words(root: Path) -> dict[str, str]:
    """The same of titles, hints and sentences without the code around them. Whoever handed in reads some of them; they are not for everybody."""
    said = "\n".join({squeezed(line) for text in cells(root, "lecture/*.ipynb") for line in text.splitlines()} | public_lines(root))
    return {squeezed(text): f"{kind} of {path.relative_to(root)}" for kind in SPOKEN for path in sorted(Path(root).glob(OUR_FILES[kind]))
            for text in texts_in(path.read_text(encoding="utf-8")) if len(squeezed(text)) >= 2 * TELLING and squeezed(text) not in said}


@cache
def by_opening(root: Path) -> tuple[dict[int, list[bytes]], np.ndarray, np.ndarray]:
    """Secrets and words that are long enough to be recognised inside a longer line, by their first eight bytes as a number; these numbers
    in order; and which first two bytes occur."""
    found: dict[int, list[bytes]] = {}
    pairs = np.zeros(1 << 16, dtype=bool)
    for secret in map(str.encode, secrets(root) | words(root)):
        if len(secret) >= 2 * TELLING:
            found.setdefault(int.from_bytes(secret[:8], "little"), []).append(secret)
            pairs[int.from_bytes(secret[:2], "little")] = True
    return found, np.array(sorted(found), dtype=np.uint64), pairs


def inside(text: bytes, root: Path) -> set[str]:
    """The long secrets and words that occur anywhere in a text. Scripts are lines of a million letters: all their places are looked at at once."""
    openings, numbers, pairs = by_opening(root)
    found, letters = set(), np.frombuffer(text + b"\0" * 8, dtype=np.uint8)
    for start in range(0, len(text), CHUNK):
        part = letters[start:start + CHUNK + 8].astype(np.uint64)
        count = len(part) - 8
        at = np.flatnonzero(pairs[part[:count] | part[1:count + 1] << np.uint64(8)])
        value = sum((part[at + step] << np.uint64(8 * step) for step in range(8)), np.zeros(len(at), dtype=np.uint64))
        for place, number in zip(at[np.isin(value, numbers)] + start, value[np.isin(value, numbers)]):
            found |= {secret.decode() for secret in openings[int(number)] if text.startswith(secret, int(place))}
    return found


def contents(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of a file, and of what is packed in it."""
    yield name, content
    if Path(name).suffix in ARCHIVES and not any(place in name for place in PINNED) and zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.namelist():
                yield from contents(f"{name}/{entry}", archive.read(entry))
    elif Path(name).name == "objects.inv":      # Sphinx's list of headings: four lines of text, the rest packed
        yield f"{name}/unpacked", zlib.decompress(content.split(b"\n", 4)[4])


def lines_of(name: str, content: bytes) -> list[str]:
    """The lines of a file as a reader sees them: of a notebook those of its cells, outputs and metadata too, of a page its text."""
    text = content.decode("utf-8", errors="replace")
    lines = text.splitlines()
    if name.endswith(".ipynb"):
        lines += "\n".join(str(value) for cell in nbformat.reads(text, as_version=4).cells for value in cell.values()).splitlines()
    elif name.endswith((".json", ".js")):
        lines += text.replace("\\n", "\n").replace('\\"', '"').splitlines()
    elif name.endswith((".html", ".svg", ".xml")):
        shown = TAG.sub("", BLOCK.sub("\n", SCRIPT.sub("\n", text)))
        lines += html.unescape(shown).splitlines() + html.unescape(text).splitlines()
    return lines


def leaks_in(name: str, content: bytes, root: Path, public: bool = False) -> list[tuple[str, str, str]]:
    """[(file, line, where it is from)] of every secret line in one file, also inside of longer lines; `public`: words too."""
    found, long = {}, (words(root) if public else {}) | secrets(root)
    for part, inner in contents(name, content):
        lines = {squeezed(line) for line in lines_of(part, inner)} - public_lines(root)
        for secret in lines & secrets(root).keys():
            found[part, secret] = secrets(root)[secret]
        for secret in inside("\n".join(lines).encode(), root) & long.keys():
            found[part, secret] = long[secret]
    return [(part, secret, where) for (part, secret), where in found.items()]


def leaks(folder: Path, root: Path, public: bool = False) -> list[tuple[str, str, str]]:
    """The same for every file of a folder."""
    return [one for path in sorted(path for path in Path(folder).rglob("*") if path.is_file())
            for one in leaks_in(path.relative_to(folder).as_posix(), path.read_bytes(), root, public)]
