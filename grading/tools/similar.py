"""`course similar`: pairs of submissions whose code or text is suspiciously alike, with the evidence side by side.

Code is compared as Pygments' tokens, so layout and comments do not count, and a name that the student chose counts as
any other. Written answers are compared as words. What the release brought along is taken out first. How alike two token sequences are is told by RapidFuzz
(the Indel similarity: 2 x longest common subsequence / both lengths), which nbgrader itself depends on. That says that two
texts are alike, never why.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_solution
from pygments.lexers import PythonLexer
from pygments.token import Comment, Literal, Name, Text
from rapidfuzz import process
from rapidfuzz.distance import Indel
from rich.console import Console
from traitlets.config import Config

from . import check
from .fingerprints import ENOUGH, candidates
from .watching import Walk, watched
from ..border.bounded import bounded_or
from ..notebooks.names import MAX_NAME, printable, upright
from ..run.course import Course
from ..pages.html import Html, page, paragraph, section, table
from ..notebooks.answers import answers
from ..notebooks.cells import name_of
from ..notebooks.intake import Refusal, screen
from .terminal import tell

AT_LEAST, MOST_PAIRS, FEWEST_TOKENS, FEWEST_WORDS = 0.8, 30, 60, 30
MOST_TEXT, MOST_COMMENTS = 60_000, 200      # of one submission; an honest one has a tenth of it
SAME = 0.98         # from here on two answers to one exercise count as the same
ROUNDING = 1e-6     # a cutoff of exactly that would lose what is exactly that
CAVEAT = (
    "Short exercises look alike. Students who solve them well, from the same lecture, write nearly the same lines, so a "
    "high number is a reason to read, not a finding. What weighs more: answers that only these two have, the same unusual "
    "mistake, the same comments. Talk to both before you judge; your university's rules say how.")
Two = tuple[int, int]       # the numbers of two texts
Part = tuple[str, float, int, int]
LEXER = PythonLexer()


@dataclass
class Code:
    """What a student wrote: per part (exercise, question or "other cells") the text without skeleton, and the tokens of code or
    the words of an answer in words. `missed` says what of it was not compared; "" where all was."""

    student: str
    text: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, list[str]] = field(default_factory=dict)
    comments: set[str] = field(default_factory=set)
    words: dict[str, list[str]] = field(default_factory=dict)
    missed: str = ""

    @property
    def all_tokens(self) -> list[str]:
        return [token for part in self.tokens.values() for token in part]

    @property
    def all_words(self) -> list[str]:
        return [word for part in self.words.values() for word in part]


@dataclass
class Pair:
    """Two submissions that are alike, in their code (`similarity`) or in what they say in words (`written`). `parts` are (part,
    similarity, tokens, how many others have the same)."""

    first: Code
    second: Code
    similarity: float
    parts: list[Part]
    comments: list[str]
    written: float

    @property
    def only_theirs(self) -> list[str]:
        """Parts that these two have alike and nobody else."""
        return [name for name, similarity, tokens, others in self.parts if similarity >= SAME and not others and tokens > 8]

    @property
    def weight(self) -> tuple[int, float]:
        return len(self.only_theirs) + len(self.comments), max(self.similarity, self.written)


# --- read -------------------------------------------------------------------------------------------------------

class Skeleton:
    """What every student was given: lines, and the names of functions, arguments and modules."""

    def __init__(self, sources: Iterable[Path], config: Config | None = None) -> None:
        self.lines: set[str] = set()
        self.names: set[str] = set()
        self.parts: set[str] = set()
        self.wanted: dict[str, Any] = {}
        for source in sources:
            wanted = check.wanted(source, config)["wanted"]
            self.wanted |= wanted
            cells = {name: entry["source"] for name, entry in wanted.items()}
            self.parts |= cells.keys()
            for cell in nbformat.read(source, as_version=4).cells:
                text = cells.get(name_of(cell), cell.source)     # as released: without the solution
                self.lines |= {line.strip() for line in text.splitlines()}
                if cell.cell_type == "code":
                    self.names |= names_in(text, arguments=is_solution(cell))

    def taken_out_of(self, source: str) -> str:
        return "\n".join(line for line in source.splitlines() if line.strip() and line.strip() not in self.lines)


def names_in(text: str, arguments: bool) -> set[str]:
    """Functions, modules by the name they go under, and, if asked for, the functions' arguments."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            found |= {node.name, *(inner.arg for inner in ast.walk(node.args) if arguments and isinstance(inner, ast.arg))}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def read_class(course: Course, assignment: str, watch: Walk = iter) -> list[Code]:
    """Of every submission of an assignment, in the order of their names. Raises `CourseError`."""
    sources = check.notebooks(course.dir.root, assignment)
    skeleton, found = Skeleton(sources.values(), course.config), []
    canons = {name: check.wanted(source, course.config)["wanted"] for name, source in sources.items()}
    for one in watch(course.submissions(assignment)):
        taken = screen(one.folder, canons, course.dir.ignore).notebooks
        notebooks = [nb for nb in taken.values() if not isinstance(nb, Refusal)]
        student = printable(one.student)
        found.append(bounded_or(Code(student, missed="not compared: it takes too long to read"), read_code, student, notebooks, skeleton))
    return found


def read_code(student: str, notebooks: Sequence[NotebookNode], skeleton: Skeleton) -> Code:
    """What a student wrote into the notebooks, its first `MOST_TEXT` characters."""
    lines: dict[str, list[str]] = {}
    left = MOST_TEXT
    for nb in notebooks:
        for cell in nb.cells:
            text = skeleton.taken_out_of(cell.source)[:left] if cell.cell_type == "code" else ""
            if text:
                part = name_of(cell)
                lines.setdefault(part if part in skeleton.parts else "other cells", []).append(text)
                left -= len(text)
    code = Code(student, {part: "\n".join(texts) for part, texts in lines.items()})
    for part, text in list(code.text.items()):
        code.tokens[part] = tokens(text, skeleton.names)
        said = (found.strip("# ")[:MAX_NAME] for found in re.findall(r"#[^\n]*", text))
        code.comments |= set(islice((words for words in said if len(words) > 8), MOST_COMMENTS))
    questions = {name: entry for name, entry in skeleton.wanted.items() if entry["cell_type"] == "markdown"}
    for nb in notebooks:
        prose = nbformat.from_dict({**nb, "cells": [cell for cell in nb.cells if cell.cell_type == "markdown" or name_of(cell) in skeleton.wanted]})
        for part, pieces in answers(prose, skeleton.wanted).items():
            if part in questions:
                code.text[part] = "\n".join(pieces)[:left]
                code.words[part] = words_of(code.text[part])
                left -= len(code.text[part])
    code.missed = "" if left > 0 else f"only {MOST_TEXT} characters of it were compared, and it has more"
    return code


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def tokens(text: str, known: Collection[str]) -> list[str]:
    """The tokens that matter: names of the course and of libraries as they are, own names and literals as their kind."""
    found = []
    for kind, value in LEXER.get_tokens(text):
        if kind in Comment or kind in Text or not value.strip():
            continue
        if kind in Literal:
            found.append("text" if kind in Literal.String else value)
        elif kind in Name and kind not in Name.Builtin and value not in known and found[-1:] != ["."]:
            found.append("name")
        else:
            found.append(value)
    return found


# --- compare ----------------------------------------------------------------------------------------------------

def pairs(codes: Sequence[Code], at_least: float = AT_LEAST, watch: Walk = iter) -> list[Pair]:
    """Pairs that are alike to `at_least` (0 to 1) as a whole or share comments, the most striking first.

    `watch` wraps what is walked through, for a bar of progress.
    """
    letters = Letters()
    code, prose = [letters.text(one.all_tokens) for one in codes], [letters.text(one.all_words) for one in codes]
    found, in_words = alike(code, FEWEST_TOKENS, at_least, watch), alike(prose, FEWEST_WORDS, at_least, watch)
    comments = shared_comments(codes)
    for one, other in [*in_words, *(pair for pair, shared in comments.items() if len(shared) > 1)]:
        if (one, other) not in found and ((one, other) in in_words or min(len(code[one]), len(code[other])) >= FEWEST_TOKENS):
            found[one, other] = likeness(code[one], code[other]) if code[one] and code[other] else 0.0
    compared = Answers(codes, letters).compared
    result = [Pair(codes[one], codes[other], similarity, compared(codes[one], codes[other]), comments.get((one, other), []),
                   in_words.get((one, other), 0.0)) for (one, other), similarity in watch(sorted(found.items()))]
    return sorted(result, key=lambda pair: pair.weight, reverse=True)


def alike(texts: Sequence[str], fewest: int, at_least: float, watch: Walk) -> dict[Two, float]:
    """{(number, number): how alike} of those `texts` (a letter a token) that are long enough and alike to `at_least`."""
    owners: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        if len(text) >= fewest:
            owners.setdefault(text, []).append(number)
    found: dict[Two, float] = {pair: 1.0 for same in owners.values() for pair in combinations(same, 2)}
    different = list(owners)
    for one, other in watch(list(candidates(different))):
        similarity = likeness(different[one], different[other], at_least)
        if similarity >= at_least:
            found |= {(min(first, second), max(first, second)): similarity for first in owners[different[one]] for second in owners[different[other]]}
    return found


def likeness(one: str, other: str, at_least: float = 0.0) -> float:
    """The measure: how alike two texts are, from 0 to 1; 0 where it is well below `at_least`."""
    return Indel.normalized_similarity(one, other, score_cutoff=max(0.0, at_least - ROUNDING))


def shared_comments(codes: Sequence[Code]) -> dict[Two, list[str]]:
    """{(number, number): comments that only these two codes have, in order}"""
    owners: dict[str, list[int]] = {}
    found: dict[Two, list[str]] = {}
    for number, code in enumerate(codes):
        for comment in code.comments:
            owners.setdefault(comment, []).append(number)
    for comment in sorted(owners):
        if len(owners[comment]) == 2:
            first, second = owners[comment]
            found.setdefault((first, second), []).append(comment)
    return found


class Letters:
    """Tokens as letters, which compare far faster."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def text(self, tokens: Iterable[str]) -> str:
        known = self.known
        return "".join(chr(min(known.setdefault(token, len(known)), sys.maxunicode)) for token in tokens)


class Answers:
    """The answers of a class to each part, each looked at once, however many pairs it stands in."""

    def __init__(self, codes: Sequence[Code], letters: Letters) -> None:
        self.texts = {id(code): {part: letters.text(tokens) for part, tokens in (code.tokens | code.words).items()} for code in codes}
        self.owners: dict[str, Counter[str]] = {}
        self.known: dict[tuple[str, str], dict[str, int]] = {}
        for texts in self.texts.values():
            for part, text in texts.items():
                self.owners.setdefault(part, Counter())[text] += 1

    def same(self, part: str, text: str) -> dict[str, int]:
        """{answer that counts as the same as `text`: how many have it}"""
        if (part, text) not in self.known:
            near = process.extract(text, list(self.owners[part]), scorer=Indel.normalized_similarity, score_cutoff=SAME - ROUNDING, limit=None)
            self.known[part, text] = {other: self.owners[part][other] for other, *_ in near}
        return self.known[part, text]

    def compared(self, first: Code, second: Code) -> list[Part]:
        """(part, similarity, tokens, how many others have the same) of the parts that both have, the most telling first."""
        rows = []
        mine, theirs = self.texts[id(first)], self.texts[id(second)]
        for part in mine.keys() & theirs.keys():
            one, other = mine[part], theirs[part]
            same = self.same(part, one)
            rows.append((part, likeness(one, other), min(len(one), len(other)), sum(same.values()) - 1 - (other in same)))
        return sorted(rows, key=lambda row: (row[3], -row[1], row[0]))


# --- show -------------------------------------------------------------------------------------------------------

def similar(console: Console, root: Path | None, assignment: str, at_least: float, output: str | Path | None) -> None:
    """Write the page. Raises `CourseError`."""
    course = Course(root)
    with watched(console, f"reading {assignment}") as watch:
        codes = read_class(course, assignment, watch)
    with watched(console, f"comparing {assignment}") as watch:
        found = pairs(codes, at_least, watch)
    place = Path(output) if output else Path(course.dir.root, "build", f"similar-{assignment}.html")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(as_page(assignment, codes, found, at_least), encoding="utf-8")
    console.print(f"{len(found)} of {len(codes) * (len(codes) - 1) // 2} pairs are worth a look. Short exercises look alike: "
                  "read before you judge.", highlight=False)
    for code in codes:
        if code.missed:
            tell(console, f"{code.student}: {code.missed}")
    tell(console, f"wrote {place}")


def as_page(assignment: str, codes: Sequence[Code], found: Sequence[Pair], at_least: float = AT_LEAST) -> str:
    """The whole page as HTML."""
    said = (f"{len(codes)} submissions were compared. Listed are pairs whose code or whose written answers are alike to {at_least:.0%} or "
            f"more, or that share comments which nobody else has. Code of fewer than {FEWEST_TOKENS} tokens is left out, as are answers of fewer "
            f"than {FEWEST_WORDS} words, and so is what goes beyond {MOST_TEXT} characters of one. Each was compared with those that share "
            f"its rarest runs of code, {ENOUGH} or somewhat more; in a larger class, two that share only what many write can be missed.")
    rows = [(f"{pair.first.student} and {pair.second.student}", f"{pair.similarity:.0%}", f"{pair.written:.0%}" if pair.written else "–",
             ", ".join(pair.only_theirs) or "–", len(pair.comments)) for pair in found]
    head = "pair", "code alike", "text alike", "answers that only they have", "shared comments"
    overview = table("Pairs, the most striking first", head, rows) if rows else paragraph("No pair is that much alike.")
    more = [paragraph(f"The evidence is shown for the first {MOST_PAIRS} pairs.", note=True)] if found[MOST_PAIRS:] else []
    missed = [f"{code.student}: {code.missed}." for code in codes if code.missed]
    more += [paragraph("Look at these yourself. " + " ".join(missed))] if missed else []
    return page(f"Similar submissions of {assignment}", paragraph(CAVEAT), paragraph(said), overview, *more,
                *map(evidence, found[:MOST_PAIRS]))


def evidence(pair: Pair) -> str:
    names = pair.first.student, pair.second.student
    both = " and ".join(names)
    rows = [(part, f"{similarity:.0%}", size, others) for part, similarity, size, others in pair.parts]
    shared = [paragraph("Comments that only these two have: " + "; ".join(pair.comments))] if pair.comments else []
    sides = [(part, side(pair.first, pair.second, part), side(pair.second, pair.first, part))
             for part, similarity, *_ in pair.parts if similarity >= AT_LEAST]
    return section(f"{both}: {max(pair.similarity, pair.written):.0%} alike",
                   table(f"How alike the answers of {both} are", ("part", "alike", "tokens", "others with the same"), rows), *shared,
                   table(f"Lines that both {both} have are marked", ("part", *names), sides) if sides else "")


def side(code: Code, other: Code, part: str) -> Html:
    cut: Callable[[str], list[str]] = sentences if part in code.words else str.splitlines
    meaning: Callable[[str], tuple[str, ...]] = meant if part in code.words else tokens_of
    theirs = {meaning(line) for line in cut(other.text[part])}
    lines = [f"<mark>{escape(line)}</mark>" if meaning(line) in theirs and meaning(line) else escape(line) for line in cut(code.text[part])]
    return Html("<pre>" + upright("\n".join(lines)) + "</pre>")


def meant(line: str) -> tuple[str, ...]:
    return tuple(words_of(line))


def sentences(text: str) -> list[str]:
    return [one for line in text.splitlines() for one in re.split(r"(?<=[.!?])\s+", line)]


@lru_cache(maxsize=65_536)      # the same lines stand in many pairs, and hostile ones are thirty thousand
def tokens_of(line: str) -> tuple[str, ...]:
    return tuple(tokens(line, ()))
