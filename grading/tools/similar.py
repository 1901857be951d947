"""`course similar`: pairs of submissions whose code is suspiciously alike, with the evidence side by side.

Code is compared as Pygments' tokens, so layout and comments do not count, and a name that the student chose counts as
any other. What the release brought along is taken out first. How alike two token sequences are is told by RapidFuzz
(the Indel similarity: 2 x longest common subsequence / both lengths), which nbgrader itself depends on. That says that two
texts are alike, never why.
"""

import ast
import re
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from itertools import combinations, islice
from pathlib import Path

import nbformat
from nbgrader.utils import is_solution
from pygments.lexers import PythonLexer
from pygments.token import Comment, Literal, Name, Text
from rapidfuzz.distance import Indel

from . import check
from ..border.bounded import bounded
from ..notebooks.names import MAX_NAME, printable
from ..run.course import Course
from ..pages.html import Html, page, paragraph, section, table
from ..notebooks.cells import name_of
from ..notebooks.intake import Refusal, screen

AT_LEAST, MOST_PAIRS, FEWEST_TOKENS = 0.8, 30, 60
MOST_TEXT, MOST_COMMENTS = 60_000, 200      # of one submission; an honest one has a tenth of it
SAME = 0.98         # from here on two answers to one exercise count as the same
CAVEAT = (
    "Short exercises look alike. Students who solve them well, from the same lecture, write nearly the same lines, so a "
    "high number is a reason to read, not a finding. What weighs more: answers that only these two have, the same unusual "
    "mistake, the same comments. Talk to both before you judge; your university's rules say how.")
LEXER = PythonLexer(ensurenl=False)


@dataclass
class Code:
    """What a student wrote: per part (exercise or "other cells") the text without skeleton, and its tokens."""

    student: str
    text: dict = field(default_factory=dict)
    tokens: dict = field(default_factory=dict)
    comments: set = field(default_factory=set)

    @property
    def all_tokens(self):
        return [token for part in self.tokens.values() for token in part]


@dataclass
class Pair:
    """Two submissions that are alike. `parts` are (part, similarity, tokens, how many others have the same)."""

    first: Code
    second: Code
    similarity: float
    parts: list
    comments: list

    @property
    def only_theirs(self):
        """Parts that these two have alike and nobody else."""
        return [name for name, similarity, tokens, others in self.parts if similarity >= SAME and not others and tokens > 8]

    @property
    def weight(self):
        return len(self.only_theirs) + len(self.comments), self.similarity


# --- read -------------------------------------------------------------------------------------------------------

class Skeleton:
    """What every student was given: lines, and the names of functions, arguments and modules."""

    def __init__(self, sources, config=None):
        self.lines, self.names, self.parts = set(), set(), set()
        for source in sources:
            cells = {name: entry["source"] for name, entry in check.wanted(source, config)["wanted"].items()}
            self.parts |= cells.keys()
            for cell in nbformat.read(source, as_version=4).cells:
                text = cells.get(name_of(cell), cell.source)     # as released: without the solution
                self.lines |= {line.strip() for line in text.splitlines()}
                if cell.cell_type == "code":
                    self.names |= names_in(text, arguments=is_solution(cell))

    def taken_out_of(self, source):
        return "\n".join(line for line in source.splitlines() if line.strip() and line.strip() not in self.lines)


def names_in(text, arguments):
    """Functions, modules by the name they go under, and, if asked for, the functions' arguments."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            found |= {node.name, *(inner.arg for inner in ast.walk(node.args) if arguments and isinstance(inner, ast.arg))}
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def read_class(course, assignment):
    """The `Code` of every submission of an assignment, in the order of their names. Raises `CourseError`."""
    sources = check.notebooks(course.dir.root, assignment)
    skeleton, found = Skeleton(sources.values(), course.config), []
    for one in course.submissions(assignment):
        taken = screen(one.folder, list(sources), course.dir.ignore).notebooks
        notebooks = [nb for nb in taken.values() if not isinstance(nb, Refusal)]
        try:
            found.append(bounded(read_code, printable(one.student), notebooks, skeleton))
        except Exception:       # grading names it; here it is one that nothing can be compared with
            found.append(Code(printable(one.student)))
    return found


def read_code(student, notebooks, skeleton):
    """The `Code` in the notebooks that a student handed in, its first `MOST_TEXT` characters."""
    lines, left = {}, MOST_TEXT
    for nb in notebooks:
        for cell in nb.cells:
            text = skeleton.taken_out_of(cell.source)[:left] if cell.cell_type == "code" else ""
            if text:
                part = name_of(cell)
                lines.setdefault(part if part in skeleton.parts else "other cells", []).append(text)
                left -= len(text)
    code = Code(student, {part: "\n".join(texts) for part, texts in lines.items()})
    for part, text in code.text.items():
        code.tokens[part] = tokens(text, skeleton.names)
        said = (found.strip("# ")[:MAX_NAME] for found in re.findall(r"#[^\n]*", text))
        code.comments |= set(islice((words for words in said if len(words) > 8), MOST_COMMENTS))
    return code


def tokens(text, known):
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

def pairs(codes, at_least=AT_LEAST):
    """Pairs that are alike to `at_least` (0 to 1) as a whole or share comments, the most striking first."""
    written = [code for code in codes if len(code.all_tokens) >= FEWEST_TOKENS]
    everything = {code.student: code.all_tokens for code in written}
    comments = Counter(comment for code in codes for comment in code.comments)
    found = []
    for first, second in combinations(written, 2):
        similarity = Indel.normalized_similarity(everything[first.student], everything[second.student])
        shared = sorted(c for c in first.comments & second.comments if comments[c] == 2)
        if similarity >= at_least or len(shared) > 1:
            found.append(Pair(first, second, similarity, parts(first, second, codes), shared))
    return sorted(found, key=lambda pair: pair.weight, reverse=True)


def parts(first, second, codes):
    compared = []
    for part in first.tokens.keys() & second.tokens.keys():
        one, other = first.tokens[part], second.tokens[part]
        same = sum(1 for code in codes if code not in (first, second) and part in code.tokens
                   and Indel.normalized_similarity(one, code.tokens[part], score_cutoff=SAME) >= SAME)
        compared.append((part, Indel.normalized_similarity(one, other), min(len(one), len(other)), same))
    return sorted(compared, key=lambda row: (row[3], -row[1], row[0]))


# --- show -------------------------------------------------------------------------------------------------------

def similar(console, root, assignment, at_least, output):
    """Write the page. Raises `CourseError`."""
    course = Course(root)
    codes = read_class(course, assignment)
    found = pairs(codes, at_least)
    place = Path(output) if output else Path(course.dir.root, "build", f"similar-{assignment}.html")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(as_page(assignment, codes, found, at_least), encoding="utf-8")
    console.print(f"{len(found)} of {len(codes) * (len(codes) - 1) // 2} pairs are worth a look. Short exercises look alike: "
                  "read before you judge.", highlight=False)
    console.print(f"wrote {place}", soft_wrap=True, highlight=False, markup=False)


def as_page(assignment, codes, found, at_least=AT_LEAST):
    """The whole page as HTML."""
    said = (f"{len(codes)} submissions were compared. Listed are pairs that are alike to {at_least:.0%} or more, or that "
            f"share comments which nobody else has. Submissions of fewer than {FEWEST_TOKENS} tokens are left out, "
            f"and so is what goes beyond {MOST_TEXT} characters of one.")
    rows = [(f"{pair.first.student} and {pair.second.student}", f"{pair.similarity:.0%}",
             ", ".join(pair.only_theirs) or "–", len(pair.comments)) for pair in found]
    head = "pair", "alike", "answers that only they have", "shared comments"
    overview = table("Pairs, the most striking first", head, rows) if rows else paragraph("No pair is that much alike.")
    more = [paragraph(f"The evidence is shown for the first {MOST_PAIRS} pairs.", note=True)] if found[MOST_PAIRS:] else []
    return page(f"Similar submissions of {assignment}", paragraph(CAVEAT), paragraph(said), overview, *more,
                *map(evidence, found[:MOST_PAIRS]))


def evidence(pair):
    names = pair.first.student, pair.second.student
    both = " and ".join(names)
    rows = [(part, f"{similarity:.0%}", size, others) for part, similarity, size, others in pair.parts]
    shared = [paragraph("Comments that only these two have: " + "; ".join(pair.comments))] if pair.comments else []
    sides = [(part, side(pair.first, pair.second, part), side(pair.second, pair.first, part))
             for part, similarity, *_ in pair.parts if similarity >= AT_LEAST]
    return section(f"{both}: {pair.similarity:.0%} alike",
                   table(f"How alike the answers of {both} are", ("part", "alike", "tokens", "others with the same"), rows), *shared,
                   table(f"Lines that both {both} have are marked", ("part", *names), sides) if sides else "")


def side(code, other, part):
    theirs = {tuple(tokens(line, ())) for line in other.text[part].splitlines()}
    lines = [f"<mark>{escape(line)}</mark>" if tuple(tokens(line, ())) in theirs and tokens(line, ()) else escape(line)
             for line in code.text[part].splitlines()]
    return Html("<pre>" + "\n".join(lines) + "</pre>")
