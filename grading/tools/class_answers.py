"""The wrong answers of a graded class, put together by what they gave: those of a known mistake, and unknown ones that agree.

Two unknown answers to an exercise belong together if they fail the same checks and gave the same wrong values there, by the
digests that grading kept (`checks/wrong.py`). What their code looks like plays no part, and no hidden input is needed.
"""

import ast
import hashlib
import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from ..border.bounded import bounded_or
from ..checks import bank
from ..checks.suite import judge_functions
from ..checks.table import NAMED, failures
from ..notebooks.cells import exercise_of, is_tests
from ..notebooks.effects import parse
from ..notebooks.near import did_you_mean
from ..notebooks.record import CheckRecord, Outcome, VerdictRecord, read_record
from ..notebooks.writing import notebook_in
from ..root import CONFIG, CourseError
from ..run.course import Course
from ..run.execute import course_files, digests
from ..run.gradebook import find_generated, submissions_of
from .analysis import labels_of
from .watching import Walk

JUDGES = "tests/hidden", "reference_impl"       # what other answers are compared with: values under others say nothing
BANK = "tests/misconceptions"
YET = " does not hold yet."
GRIDS = 2                                       # see `checks/wrong.py`
MOST_HELPERS = 12       # of one function; an honest one has two or three
READ_SECONDS = 5        # of CPU time for the code of a notebook; an honest one takes a hundredth of one


@dataclass(frozen=True)
class Answer:
    """One student's answer to one exercise that lost points; `code` is what they wrote, without comments, `helpers` what else of
    the notebook it stands on."""

    student: str
    label: str
    notebook: str
    exercise: str
    verdict: VerdictRecord
    code: str = ""
    helpers: tuple[str, ...] = ()
    said: str = ""      # on the first failed check, as the student reads it
    doubtful: frozenset[str] = frozenset()      # names that grading gave and the values do not bear out, see `confirmed`
    bank: str = ""      # the digest of the bank that grading had
    since: frozenset[str] = frozenset()         # names that the bank has got since, see `named_since`

    @property
    def named(self) -> set[str]:
        """The known mistakes that grading recognised."""
        return {check.misconception for check in self.verdict.checks if check.misconception}

    @property
    def known(self) -> set[str]:
        """Those that gave the same values."""
        return self.named - self.doubtful | self.since

    @property
    def shown(self) -> str:
        """The code with what it stands on."""
        return "\n\n".join([*self.helpers, self.code]) if self.code else ""

    @property
    def comparable(self) -> bool:
        """Whether grading kept what this answer gave: the digests are not in records of older gradings."""
        return all(check.wrong for check in self.verdict.checks if check.outcome == Outcome.FAILED)


@dataclass
class Group:
    """Answers with one mistake: a known one by its name, or an unknown one by an id made of what it gives."""

    exercise: str
    notebook: str
    name: str
    known: bool
    answers: list[Answer] = field(default_factory=list)

    @property
    def like(self) -> str:
        """Of an unknown one the known mistake that most of its authors were told of; "" if none was named."""
        told = Counter(name for answer in self.answers for name in answer.doubtful)
        return "" if self.known or not told else min(told, key=lambda name: (-told[name], name))

    @property
    def examples(self) -> list[Answer]:
        """The answers, those with the shortest code first; of equal code only one."""
        by_code = {answer.shown: answer for answer in reversed(self.answers) if answer.code}
        return sorted(by_code.values(), key=lambda answer: (len(answer.shown), answer.shown))

    @property
    def seen(self) -> tuple[int, int]:
        """How many saw a visible check fail, of how many of whom that is known."""
        told = [answer.verdict.seen for answer in self.answers if answer.verdict.seen is not None]
        return sum(told), len(told)

    @property
    def points(self) -> list[float]:
        return [answer.verdict.points for answer in self.answers]

    @property
    def said(self) -> str:
        """The sentence of the first failed check, as most of them read it. What one of several alone was told may be in their own words."""
        told = Counter(answer.said for answer in self.answers if answer.said)
        if not told:
            return ""
        said, times = told.most_common(1)[0]
        return said if times > 1 or len(self.answers) == 1 else said.partition(YET)[0] + YET

    @property
    def ids(self) -> list[str]:
        """What it is called as a cluster."""
        unknown = [answer for answer in self.answers if answer.since] if self.known else self.answers
        return [id_of(unknown)] if unknown else []


@dataclass
class ClassAnswers:
    """What a graded class answered: `wrong` answers, how many submissions there are, how many exercises nobody wrote, and
    who was graded by other checks than today's."""

    assignment: str
    students: int = 0
    wrong: list[Answer] = field(default_factory=list)
    missing: int = 0
    otherwise: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)        # whose graded notebook cannot be read

    @cached_property
    def groups(self) -> list[Group]:
        """All groups, the largest first."""
        found: dict[tuple[str, str], Group] = {}
        for answer in self.wrong:
            for name in sorted(answer.known):
                found.setdefault((answer.exercise, name), Group(answer.exercise, answer.notebook, name, True)).answers.append(answer)
        unknown = clusters([answer for answer in self.wrong if not answer.known and answer.comparable])
        return sorted([*found.values(), *unknown], key=lambda group: (-len(group.answers), group.exercise, not group.known, group.name))

    @property
    def not_comparable(self) -> list[Answer]:
        return [answer for answer in self.wrong if not answer.known and not answer.comparable]

    def find(self, name: str) -> Group:
        """The group of that name; of a cluster the beginning of its id will do. Raises `CourseError`."""
        found = [group for group in self.groups if is_called(name, group.exercise, group.name)] or [
            group for group in self.groups if any(one.startswith(name.removeprefix(f"{group.exercise}: ")) for one in group.ids)]
        if len(found) == 1:
            return found[0]
        if found:
            raise CourseError(f"{name} may be: {', '.join(full_name(group) for group in found)}. Write it out.")
        raise CourseError(f"No mistake in {self.assignment} is called {name}.{did_you_mean(name, [group.name for group in self.groups])} "
                          f"See: course mistakes {shlex.quote(self.assignment)}")


def is_called(name: str, exercise: str, mistake: str) -> bool:
    """Whether somebody who writes `name` means this mistake: by its name, or with the exercise before it."""
    return name in (mistake, f"{exercise}: {mistake}")


def full_name(group: Group) -> str:
    return f"{group.exercise}: {group.name}" if group.known else group.name


# --- read ---------------------------------------------------------------------------------------------------------

def read(course: Course, assignment: str, watch: Walk = iter) -> ClassAnswers:
    """The wrong answers in autograded/. Raises `CourseError`, also where nobody is graded."""
    course.assignments(assignment)
    with course.gradebook() as gradebook:
        row = find_generated(gradebook, assignment)
        students = [submission.student_id for submission in submissions_of(gradebook, row)]
    labels, today = labels_of(assignment, students), digests(course_files(course.execute.course_root))
    found = ClassAnswers(assignment)
    for student in watch(sorted(students)):
        folder = course.graded_folder(assignment, student)
        if folder.is_dir():
            found.students += 1
            for path in sorted(folder.glob("*.ipynb")):
                add_notebook(found, path, student, labels[student], today)
    found.wrong = named_since(confirmed(found.wrong, course.execute.course_root), course.execute.course_root, today[BANK])
    if not found.students:
        raise CourseError(f"Nobody's {assignment} is graded yet. Grade it first: course grade {shlex.quote(assignment)}")
    return found


def add_notebook(found: ClassAnswers, path: Path, student: str, label: str, today: Mapping[str, str]) -> None:
    """Add what one graded notebook has."""
    nb, record = notebook_in(path), read_record(path)
    if nb is None or record.damaged:
        found.damaged.append(student)
        return
    if record.graded_by and any(record.graded_by.get(judge) != today[judge] for judge in JUDGES) and student not in found.otherwise:
        found.otherwise.append(student)
    lost = {name: verdict for name, verdict in record.verdicts.items() if not verdict.passed}
    written = {name: verdict for name, verdict in lost.items() if not verdict.blank and verdict.definitions}
    found.missing += len(lost) - len(written)
    if written:
        codes = read_codes([cell.source for cell in nb.cells if cell.cell_type == "code"], list(written))
        found.wrong += [Answer(student, label, path.stem, name, verdict, *codes.get(name, ("", ())),
                               said_of(nb, name), bank=record.graded_by.get(BANK, "")) for name, verdict in written.items()]


Code = tuple[str, tuple[str, ...]]


def read_codes(sources: list[str], names: list[str]) -> dict[str, Code]:
    """{exercise: (its code, what it stands on)}; nothing of a notebook that takes too long to read: it holds up no class."""
    return bounded_or({}, codes_in, sources, names, seconds=READ_SECONDS)


def codes_in(sources: list[str], names: list[str]) -> dict[str, Code]:
    defined = definitions(sources)
    return {name: (unparsed(defined.get(name)), helpers(defined, name)) for name in names}


def definitions(sources: Iterable[str]) -> dict[str, ast.stmt]:
    """{name: the last function, or value, of that name} at the top level of a notebook's cells."""
    found: dict[str, ast.stmt] = {}
    for source in sources:
        tree = parse(source)
        for node in tree.body if tree else []:
            if isinstance(node, ast.FunctionDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign):
                found.update({target.id: node for target in node.targets if isinstance(target, ast.Name)})
    return found


def helpers(defined: Mapping[str, ast.stmt], name: str) -> tuple[str, ...]:
    """What a function stands on of what its notebook defines, each before what needs it."""
    found: dict[str, str] = {}
    open_, seen = [name], {name}
    while open_ and len(found) < MOST_HELPERS:
        node = defined.get(open_.pop())
        for inner in ast.walk(node) if node else []:
            if isinstance(inner, ast.Name) and inner.id in defined and inner.id not in seen:
                seen.add(inner.id)
                open_.append(inner.id)
                found[inner.id] = unparsed(defined[inner.id])
    return tuple(reversed(found.values()))


def unparsed(node: ast.stmt | None) -> str:
    """Plain code, without comments and docstrings, which may say who wrote it."""
    try:
        for inner in ast.walk(node) if node else []:
            if isinstance(inner, ast.FunctionDef) and ast.get_docstring(inner) is not None:
                inner.body = inner.body[1:] or [ast.Pass()]
        return ast.unparse(node) if node else ""
    except (RecursionError, ValueError):
        return ""


def said_of(nb: NotebookNode, exercise: str) -> str:
    """What the table of an exercise says of its first check that did not pass: the sentence, hint or mistake included."""
    for cell in filter(is_tests, nb.cells):
        for output in cell.outputs:
            if output.output_type == "display_data" and "text/html" in output.data and (
                    exercise_of(cell.metadata.nbgrader["grade_id"]) == exercise
                    or output.data.get("text/plain", "").startswith(f"{exercise}:")):
                for title, lines in failures(output.data["text/html"]):
                    lines = [line for line in lines if not line.startswith(NAMED)]
                    if lines:
                        return f"“{exercise} {title}”{YET} " + " ".join(sentence(line) for line in lines)
    return ""


def sentence(line: str) -> str:
    return line[:1].upper() + line[1:] + ("" if line.endswith((".", "?", "!")) else ".")


# --- put together -------------------------------------------------------------------------------------------------

def keys(exercise: str, verdict: VerdictRecord) -> list[str]:
    """What an answer gave, as one word on each grid: the outcome of each check, and of a failed one the digest."""
    found = []
    for grid in range(GRIDS):
        parts = [(check.name, check.wrong.split("-")[grid] if check.wrong else str(check.outcome)) for check in verdict.checks]
        found.append(hashlib.sha256(json.dumps([exercise, grid, sorted(parts)]).encode()).hexdigest())
    return found


def gives(root: str | Path, notebook: str, exercise: str, name: str) -> VerdictRecord | None:
    """What an entry of the bank gives on the hidden inputs, as grading records it; None without the entry."""
    entry = next((entry for entry in entries_for(root, notebook, exercise) if entry.name == name), None)
    return given_by(root, notebook, exercise, entry.function) if entry else None


def entries_for(root: str | Path, notebook: str, exercise: str) -> list[bank.Misconception]:
    """The bank's entries for an exercise; none where the folder is no course, whose checks could judge them."""
    return [entry for entry in bank.misconceptions_of(root, notebook) if entry.exercise == exercise] if Path(root, CONFIG).exists() else []


def given_by(root: str | Path, notebook: str, exercise: str, function: Callable[..., Any]) -> VerdictRecord:
    """What a function gives on the hidden inputs, as grading records it."""
    return judge_functions(notebook, {exercise: function}, root)[exercise].record(1.0)


def confirmed(answers: list[Answer], root: str | Path) -> list[Answer]:
    """The answers, each with the names that its values do not bear out.

    Grading also names a mistake that breaks the same rule, or is near enough. Here an answer has a mistake if one of the checks that
    bear its name gave just what the bank's entry gives there. Of a mistake that the bank does not know any more the name stands.
    """
    known: dict[tuple[str, str, str], VerdictRecord | None] = {}
    found = []
    for answer in answers:
        doubtful = set()
        for name in answer.named if answer.comparable else ():
            place = answer.notebook, answer.exercise, name
            if place not in known:
                known[place] = gives(root, *place)
            due = known[place]
            if due is not None and not any(same(check, other) for check in answer.verdict.checks if check.misconception == name
                                           for other in due.checks if other.name == check.name):
                doubtful.add(name)
        found.append(replace(answer, doubtful=frozenset(doubtful)) if doubtful else answer)
    return found


def named_since(answers: list[Answer], root: str | Path, today: str) -> list[Answer]:
    """The answers, each unknown one that was graded with another bank with the entries of today's that give the same."""
    open_ = [answer for answer in answers if not answer.known and answer.comparable and answer.bank != today]
    due: dict[tuple[str, str], dict[str, str]] = {}       # {notebook, exercise: {what an entry gives: its name}}
    for notebook, exercise in sorted({(answer.notebook, answer.exercise) for answer in open_}):
        due[notebook, exercise] = {key: entry.name for entry in reversed(entries_for(root, notebook, exercise))
                                   for key in keys(exercise, given_by(root, notebook, exercise, entry.function))}
    found = {id(answer): frozenset(names[:1]) for answer in open_ if (names := [
        name for key in keys(answer.exercise, answer.verdict) if (name := due[answer.notebook, answer.exercise].get(key))])}
    return [replace(answer, since=found[id(answer)]) if id(answer) in found else answer for answer in answers]


def same(check: CheckRecord, other: CheckRecord) -> bool:
    """Whether two answers gave the same in a check, or nothing that could be compared."""
    return not other.wrong or bool(set(check.wrong.split("-")) & set(other.wrong.split("-")))


def clusters(answers: Iterable[Answer]) -> list[Group]:
    """Unknown answers that agree, on either grid, each with an id that the same mistake gets again."""
    owner: dict[str, list[Answer]] = {}
    for answer in answers:
        mine = keys(answer.exercise, answer.verdict)
        together, *others = {id(owner[key]): owner[key] for key in mine if key in owner}.values() or [[]]
        for members in others:      # the answer that brings two of them together
            together.extend(members)
            owner.update({key: together for member in members for key in keys(member.exercise, member.verdict)})
        together.append(answer)
        owner.update(dict.fromkeys(mine, together))
    return [Group(members[0].exercise, members[0].notebook, id_of(members), False, members)
            for members in {id(members): members for members in owner.values()}.values()]


def id_of(answers: list[Answer]) -> str:
    count = Counter(keys(answer.exercise, answer.verdict)[0] for answer in answers)
    return f"{answers[0].exercise}-{min(count, key=lambda key: (-count[key], key))[:6]}"
