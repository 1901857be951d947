"""`course followup`: one-page sheets for a talk of five minutes about a student's own code, each with a page of answers for staff.

The questions and their answers are in `questions.py`; here: who is asked, what is read of a submission, which questions go on a page, and
how it looks.
"""

import ast
import hashlib
import random
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from rich.console import Console

from ..border.bounded import bounded_or
from ..border.limits import Limits
from ..border.subject import KernelSubject
from ..checks import bank
from ..notebooks.cells import as_released, code_alone, code_lines, hidden_calls, is_tests, visible
from ..notebooks.intake import files_below
from ..notebooks.names import printable
from ..notebooks.near import did_you_mean
from ..notebooks.record import Record
from ..notebooks.writing import notebook_in
from ..pages.html import Html, page, paragraph, table
from ..root import CourseError
from ..run.course import Course
from ..run.held import HELD
from . import analysis, asking
from .questions import KINDS, Exercise, Question, bounded_candidates
from .terminal import tell
from .watching import watched

FEWEST, MOST = 3, 5         # questions on a sheet
LONGEST, READ_SECONDS = 10_000, 5       # characters of a function that is asked about: a page has room for half; CPU time to find it, and to find its questions
HEIGHT = 232                # millimetres of a printed page below its head
LISTING, CODE_LINE, CODE_WIDTH = 14.0, 4.1, 100             # of a function: around it, a line, letters in a line
NOTES, TEXT_LINE, TEXT_WIDTH = 18.5, 5.3, 74                # of a question: room for notes, a line, letters in a line
STYLE = """
.code { font: .85rem/1.35 "Liberation Mono", monospace; border: 1px solid var(--line); padding: .4rem .6rem; margin: .4rem 0 1rem;
        white-space: pre-wrap; overflow-wrap: anywhere; break-inside: avoid; }
ol.questions > li { margin: .5rem 0; break-inside: avoid; } .notes { height: 4.2rem; border-bottom: 1px dotted var(--line); }
code { font: .9em "Liberation Mono", monospace; overflow-wrap: anywhere; } .answer { margin: .2rem 0 .8rem; }
@media print { @page { size: A4; margin: 14mm; } body { font-size: 10pt; } h1 { font-size: 14pt; margin: 0 0 2mm; } h2 { font-size: 11.5pt; margin: 3mm 0 1mm; }
               p { margin: 1mm 0; } .code { font-size: 8.5pt; margin: 1mm 0 2mm; } .notes { height: 14mm; }
               table { font-size: 9pt; } th, td { padding: .5mm 1.5mm; } }
"""
DRAWN, ASKED = "Names are drawn by lot, and everybody may be drawn.", "Everybody in this course may be asked."
DENSE = "@media print { body { font-size: 9pt; } .code { font-size: 7.5pt; } h2 { font-size: 10pt; } table { font-size: 8.5pt; } }"     # for answers
INTRODUCTION = ("Five minutes about code that you wrote. {} All questions are about the lines and "
                "calls below; there is no computer, and you may write on this page. “I do not know” is an answer.")
SCALE = "For each question 2 points for a right answer with its reason in the lines of the code, 1 for one after a hint or without a reason, 0 else. "
AFTERWARDS = ("Half of the points or more: it is done. Fewer: talk again on another day, about new questions (another --seed). A sheet is a talk and "
              "no proof: people are nervous, forget, and had help that was allowed. Points of the assignment change for nothing that is said here; "
              "what follows, if anything, is for the course's instructor to decide, after hearing the student.")


Asked = tuple[Exercise, list[Question]]             # an exercise and its candidates
Page = tuple[list[Exercise], list[Question]]        # what stands on one


@dataclass(frozen=True)
class Sheet:
    """What one student is asked; `exercises` are those whose code stands on the page."""

    student: str
    assignment: str
    exercises: tuple[Exercise, ...]
    questions: tuple[Question, ...]
    by_lot: bool = False


def followup(console: Console, root: Path | None, assignment: str, students: Sequence[str], sample: int | None, seed: str, output: Path | None) -> int:
    """Write the sheets and their answers. Returns how many students there is no sheet for. Raises `CourseError`."""
    if bool(students) == bool(sample):
        raise CourseError("Say who is to be asked: --student NAME (it may be repeated), or --sample N for a draw by lot.")
    course = Course(root)
    course.assignments(assignment)
    with watched(console, f"reading {assignment}") as watch:
        result = analysis.read(root, assignment, watch)
    chosen = named(result, students) if students else drawn(result, sample or 0, seed)
    folder = Path(output) if output else Path(course.dir.root, "build", f"followup-{assignment}")
    folder.mkdir(parents=True, exist_ok=True)
    maker, missing = Maker(course, assignment), 0
    with watched(console, f"asking about {assignment}") as watch:
        for student in watch(chosen):
            sheet, why = maker.sheet(student, seed, by_lot=bool(sample))
            if sheet is None:
                missing += 1
                tell(console, f"{printable(student)}: no sheet, {why}")
                continue
            for name, text in ((student, as_sheet(sheet)), (f"{student}-answers", as_answers(sheet))):
                (folder / f"{name}.html").write_text(text, encoding="utf-8")
            tell(console, f"{printable(student)}: {len(sheet.questions)} questions")
    count = len(chosen) - missing
    tell(console, f"wrote a sheet and a page of answers for {count} student{'s' * (count != 1)} to {folder}")
    return missing


# --- who is asked -------------------------------------------------------------------------------------------------

def named(result: analysis.ClassResult, students: Sequence[str]) -> list[str]:
    known = [work.student for work in result.works]
    for student in students:
        if student not in known:
            raise CourseError(f"Nothing of {printable(student)} is graded in {result.assignment}.{did_you_mean(student, known)} "
                              f"Grade it first: course grade {shlex.quote(result.assignment)}")
    return list(dict.fromkeys(students))


def drawn(result: analysis.ClassResult, number: int, seed: str) -> list[str]:
    """`number` students by lot, as many from the lower, middle and upper third of the scores as there are: the same for the same seed.

    A draw hangs on the seed, the names and the order of scores alone. Whoever has no point is in it as everybody else.
    """
    def lot(work: analysis.Work) -> bytes:
        return hashlib.sha256(f"{seed}/{result.assignment}/{work.student}".encode()).digest()
    totals = {work.student: total for work, total in zip(result.works, result.totals.tolist())}
    ranked = sorted(result.works, key=lambda work: (totals[work.student], lot(work)))
    size = len(ranked)
    thirds = [sorted(ranked[size * part // 3:size * (part + 1) // 3], key=lot) for part in range(3)]
    order = sorted(range(3), key=lambda part: hashlib.sha256(f"{seed}/{result.assignment}/third {part}".encode()).digest())
    turns = [thirds[part][turn] for turn in range(max(map(len, thirds))) for part in order if turn < len(thirds[part])]
    return sorted(work.student for work in turns[:number])


# --- what is read of a submission ---------------------------------------------------------------------------------

class Maker:
    """Makes sheets of one assignment: knows the public calls of its exercises and the sentences on known mistakes."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.course, self.assignment = course, assignment
        self.calls: dict[str, dict[str, list[asking.Call]]] = {}
        self.says: dict[tuple[str, str], str] = {}
        source = Path(course.dir.format_path(course.dir.source_directory, ".", assignment))
        for path in sorted(source.glob("*.ipynb")):
            nb = nbformat.read(path, as_version=4)
            self.calls[path.stem] = {name: asking.public_calls(as_released(cell.source), name)
                                     for cell in nb.cells if is_tests(cell) for name in hidden_calls(cell.source)}
            self.says |= {(entry.exercise, entry.name): entry.says for entry in bank.misconceptions_of(course.execute.course_root, path.stem)}

    def sheet(self, student: str, seed: str, by_lot: bool = False) -> tuple[Sheet | None, str]:
        """The sheet of a student, or why there is none."""
        folder = self.course.graded_folder(self.assignment, student)
        found = []
        chance = random.Random(f"{seed}/{self.assignment}/{student}")
        for path in sorted(folder.glob("*.ipynb")):
            if path.stem in self.calls:
                nb = notebook_in(path)
                if nb is None:
                    return None, f"the graded {path.stem} cannot be read: course grade {shlex.quote(self.assignment)} --force --student {shlex.quote(student)}"
                found += self.asked(path.stem, nb, files_below(folder))
        return self.composed(student, found, chance, by_lot)

    def composed(self, student: str, found: list[Asked], chance: random.Random, by_lot: bool = False) -> tuple[Sheet | None, str]:
        """The sheet of what `asked` found."""
        exercises, questions = fitting(found, chance)
        if len(questions) < FEWEST:
            return None, "the submission holds too little code of its own that runs"
        return Sheet(student, self.assignment, tuple(exercises), tuple(questions), by_lot), ""

    def asked(self, notebook: str, nb: NotebookNode, files: list[tuple[str, bytes]]) -> list[Asked]:
        """The exercises of one notebook `nb`; its cells run anew in a kernel of the sandbox."""
        verdicts, found = Record.read(nb).verdicts, []
        sandbox = HELD.sandbox(self.course.execute.sandbox, Limits.changed(self.course.execute.limits), self.course.hidden())
        subject = KernelSubject(sandbox, files=files)
        try:
            for number, cell in enumerate(nb.cells):
                if cell.cell_type == "code" and not is_tests(cell):
                    subject.run(number, visible(cell))
            for name, calls in self.calls[notebook].items():
                there = found_text(nb, name)
                if there is None or len(there[0]) > LONGEST or (name in verdicts and verdicts[name].blank):
                    continue
                text, first = there
                exercise = Exercise(name, text, first, sorted(calls, key=lambda call: asking.size_of(call) or 0), asker(subject, len(nb.cells)), verdicts.get(name),
                                    {mistake: says for (of, mistake), says in self.says.items() if of == name})
                candidates = bounded_candidates(exercise, READ_SECONDS)
                if candidates is not None:
                    found.append((exercise, candidates))
        finally:
            subject.close()
        return found


def asker(subject: KernelSubject, cell: int) -> Callable[..., asking.Trace | None]:
    return lambda name, call, before=None, after=None, changed=None: asking.ask(subject, cell, name, call, before, after, changed)


def found_text(nb: NotebookNode, name: str) -> tuple[str, int] | None:
    """As `text_of`; None where looking takes too long."""
    return bounded_or(None, text_of, code_alone(nb), name, seconds=READ_SECONDS)


def text_of(nb: NotebookNode, name: str) -> tuple[str, int] | None:
    """(text, first line in its cell) of the last definition of a function in a notebook; None where it is no plain one."""
    found = None
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        try:
            tree = ast.parse(cell.source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                found = "\n".join(code_lines(cell.source)[first - 1:node.end_lineno]), first
    return found


# --- which questions fit on a page --------------------------------------------------------------------------------

def height(exercises: Iterable[Exercise], questions: Iterable[Question]) -> float:
    """Millimetres that functions and questions take in print, rather too many than too few."""
    def lines(text: str, width: int) -> int:
        return -(-max(1, len(text)) // width)
    return sum(LISTING + CODE_LINE * sum(lines(line, CODE_WIDTH) for line in one.lines) for one in exercises) + \
        sum(NOTES + TEXT_LINE * lines(one.asks, TEXT_WIDTH) for one in questions)


def fitting(found: Sequence[Asked], chance: random.Random) -> Page:
    """What stands on one page, see `taken`; where long functions leave room for too few questions, without the longest."""
    exercises, questions = taken(found, chance)
    if len(questions) < FEWEST and len(found) > 1:
        longest = max(found, key=lambda one: len(one[0].lines))
        others = fitting([one for one in found if one is not longest], chance)
        return others if len(others[1]) > len(questions) else (exercises, questions)
    return exercises, questions


def taken(found: Sequence[Asked], chance: random.Random) -> Page:
    """Of each kind one, in the order of the table, then more of them while there is room."""
    pool = [(exercise, question) for exercise, questions in found for question in questions]
    chosen: list[tuple[Exercise, Question]] = []
    used: dict[str, Exercise] = {}

    def room_with(exercise: Exercise, question: Question) -> float:
        return HEIGHT - height({**used, exercise.name: exercise}.values(), [*(one for _, one in chosen), question])

    def take(kind: str, again: bool) -> None:
        mine = [(exercise, question) for exercise, question in pool if question.kind.startswith(kind) and (exercise, question) not in chosen
                and room_with(exercise, question) >= 0 and (again or all(one.kind != question.kind for _, one in chosen))]
        if mine and len(chosen) < MOST:
            best = max(room_with(*one) for one in mine)
            exercise, question = chance.choice([one for one in mine if again or room_with(*one) >= min(best, HEIGHT / 3)])
            chosen.append((exercise, question))
            used[exercise.name] = exercise

    kinds, before = (*KINDS, "shape of a name"), None
    for kind in kinds:
        take(kind, again=False)
    while len(chosen) < FEWEST and len(chosen) != before:
        before = len(chosen)
        for kind in kinds:
            if len(chosen) < FEWEST:
                take(kind, again=True)
    order = [exercise.name for exercise, _ in found]
    chosen.sort(key=lambda one: order.index(one[0].name))
    return list({exercise.name: exercise for exercise, _ in chosen}.values()), [question for _, question in chosen]


# --- pages --------------------------------------------------------------------------------------------------------

def marked_up(text: str) -> str:
    """Text in which `code` stands between back quotes, as HTML."""
    pieces = escape(text, quote=False).split("`")
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))


def listing(exercise: Exercise) -> str:
    width = len(str(len(exercise.lines)))
    numbered = "\n".join(f"{number:{width}}  {printable(line.expandtabs(4), 160)}" for number, line in enumerate(exercise.lines, start=1))
    return f"<h2>Your {escape(exercise.name)}</h2>\n<pre class=\"code\" tabindex=\"0\" aria-label=\"{escape(exercise.name)}, with numbers of lines\">{escape(numbered)}</pre>"


def as_sheet(sheet: Sheet) -> str:
    """The page that lies on the table."""
    asked = "".join(f"<li>{marked_up(question.asks)}<div class=\"notes\"></div></li>\n" for question in sheet.questions)
    return page(f"{sheet.assignment}: a talk about your code – {printable(sheet.student)}", paragraph(INTRODUCTION.format(DRAWN if sheet.by_lot else ASKED)),
                *map(listing, sheet.exercises),
                f"<h2>Questions</h2>\n<ol class=\"questions\">\n{asked}</ol>", style=STYLE)


def as_answers(sheet: Sheet) -> str:
    """The page for whoever asks."""
    rows = [(str(number), Html(marked_up(question.asks)), Html(marked_up(question.answer)), "") for number, question in enumerate(sheet.questions, start=1)]
    return page(f"{sheet.assignment}: answers for staff – {printable(sheet.student)}", paragraph(
        "Not for students. Values were computed by running this submission in the sandbox; four digits, and the size of a number is enough. Other "
        "words that say the same are right."), table("Questions and answers", ("no.", "question", "answer", "points"), rows),
        paragraph(SCALE + AFTERWARDS), *map(listing, sheet.exercises), style=STYLE + DENSE)
