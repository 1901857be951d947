"""`course mistakes ASSIGNMENT`: the mistakes of a graded class as a table and a page, and one of them in full."""

import shlex
from html import escape
from pathlib import Path

from rich.console import Console
from rich.markup import escape as plain
from rich.table import Table

from ..checks.bank import misconceptions_of
from ..notebooks.names import printable
from ..notebooks.record import written
from ..pages.html import Html, page, paragraph, section, table
from ..run.course import Course
from .class_answers import Answer, ClassAnswers, Group, full_name, read
from .terminal import tell
from .watching import watched

FEW = 10            # answers that nobody else gave are listed up to here; the page has them all
SIDES = 2           # examples side by side
MOST_CODE = 4000    # characters of an example; an honest answer has a tenth of it


def read_class(console: Console, root: Path | None, assignment: str) -> tuple[Course, ClassAnswers]:
    course = Course(root)
    with watched(console, f"reading {assignment}") as watch:
        return course, read(course, assignment, watch)


def show_all(console: Console, root: Path | None, assignment: str, names: bool, every: bool, output: Path | None) -> None:
    """Print the table and write the page. Raises `CourseError`."""
    course, found = read_class(console, root, assignment)
    shared = [group for group in found.groups if group.known or len(group.answers) > 1]
    alone = [group for group in found.groups if group not in shared]
    listed = shared + (alone if every or len(alone) <= FEW else [])
    told = Table("students", "mistake", "points", "visible checks saw it", title_justify="left",
                 title=f"{plain(assignment)}: mistakes of {found.students} submissions")
    for group in listed:
        told.add_row(str(len(group.answers)), plain(title(group)), plain(earned(group)), seen(group))
    console.print(told if listed else f"{plain(assignment)}: no wrong answers in {found.students} submissions.", highlight=False)
    if len(listed) < len(found.groups):
        tell(console, f"{len(alone)} more are answers that nobody else gave: the page shows them, and so does --all.")
    for line in remarks(found):
        tell(console, line)
    place = Path(output) if output else Path(course.dir.root, "build", f"mistakes-{assignment}.html")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(as_page(course, found, names), encoding="utf-8")
    tell(console, f"wrote {place}")
    unknown = next((group for group in shared if not group.known), None) or next(iter(alone), None)
    if unknown:
        tell(console, f"One of them in full: course mistakes {shlex.quote(assignment)} {unknown.name}")


def show_one(console: Console, course: Course, found: ClassAnswers, group: Group, names: bool) -> None:
    """Print one mistake: who made it, what they earned, the sentence to send, the shortest examples, what to do next."""
    tell(console, f"{title(group)} ({found.assignment})", "bold")
    tell(console, f"{count(len(group.answers), 'submission')}: {who(group, names)}")
    tell(console, f"earned: {earned(group)}; visible checks saw it: {seen(group)}")
    tell(console, f"sentence to send: {to_send(course, group)}")
    for answer in group.examples[:SIDES]:
        tell(console, f"\n{answer.student if names else answer.label}:", "bold")
        for line in answer.shown[:MOST_CODE].splitlines():
            tell(console, f"    {printable(line, 200)}")
    console.print()
    if since := sum(bool(answer.since) for answer in group.answers):
        tell(console, f"{count(since, 'submission')} graded before the bank had this mistake: what they read does not name it yet.")
    for line in commands(found.assignment, group):
        tell(console, line)


# --- in words -----------------------------------------------------------------------------------------------------

def title(group: Group) -> str:
    if group.known:
        return f"{group.exercise}: {group.name}"
    return f"{group.name} (unknown{f', like: {group.like}' if group.like else ''})"


def count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def who(group: Group, names: bool) -> str:
    return ", ".join(printable(answer.student) if names else answer.label for answer in sorted(
        group.answers, key=lambda answer: answer.student if names else answer.label))


def earned(group: Group) -> str:
    low, high, most = min(group.points), max(group.points), group.answers[0].verdict.most
    return f"{written(low)}{f' to {written(high)}' if low != high else ''} of {written(most)}"


def seen(group: Group) -> str:
    """For how many a visible check failed, in words."""
    saw, known = group.seen
    if not known:
        return "not recorded"
    return f"all {known}" if saw == known else f"{saw or 'none'} of {known}"


def to_send(course: Course, group: Group) -> str:
    """The sentence on a mistake: of a known one its explanation, of an unknown one what its authors' table says first."""
    if not group.known:
        return printable(group.said, 1000)
    entries = misconceptions_of(course.execute.course_root, group.notebook)
    return next((entry.says for entry in entries if (entry.exercise, entry.name) == (group.exercise, group.name)), group.said)


def remarks(found: ClassAnswers) -> list[str]:
    """What is not in the groups, and what to run for it."""
    name, said = shlex.quote(found.assignment), []
    if found.missing:
        said.append(f"{count(found.missing, 'exercise')} not written, or without a function of the name that is asked for: not in the table.")
    if old := found.not_comparable:
        students = len({answer.student for answer in old})
        said.append(f"{count(len(old), 'wrong answer')} of {count(students, 'submission')} cannot be put together with others: graded before "
                    f"digests of wrong answers were kept. To renew them: course regrade {name} --all --because \"...\"")
    if found.damaged:
        said.append(f"{count(len(found.damaged), 'graded notebook')} cannot be read. Whose, and what makes them anew: course status {name}")
    if found.otherwise:
        said.append(f"{count(len(found.otherwise), 'submission')} graded with other checks or another reference than today's: the same "
                    f"mistake may stand in two rows. To renew them: course regrade {name} --because \"...\"")
    return said


def commands(assignment: str, group: Group) -> list[str]:
    """What may be done with a mistake, as commands to copy."""
    name, assignment = shlex.quote(full_name(group)), shlex.quote(assignment)
    naming = [] if group.known else [f"name it:            course mistakes {assignment} {name} --name \"...\""]
    return [*naming, f"comment to all:     course mistakes {assignment} {name} --tell",
            f"regrade only these: course grade {assignment} --mistake {name}"]


# --- the page -----------------------------------------------------------------------------------------------------

def as_page(course: Course, found: ClassAnswers, names: bool = False) -> str:
    """The whole page as HTML."""
    rows = [(title(group), len(group.answers), earned(group), seen(group)) for group in found.groups]
    overview = table("Mistakes, the most frequent first", ("mistake", "submissions", "points", "visible checks saw it"), rows)
    said = ("A known mistake is one of tests/misconceptions that grading recognised. Unknown answers stand together if they fail the "
            "same checks with the same wrong values on the hidden inputs, whatever their code looks like. “Like” names a known mistake that "
            "their authors were told of, though they gave other values. Code is shown without comments.")
    return page(f"Mistakes in {found.assignment}", paragraph(said), *(paragraph(line, note=True) for line in remarks(found)),
                overview if rows else paragraph("There are no wrong answers."),
                *(part(course, found.assignment, group, names) for group in found.groups))


def part(course: Course, assignment: str, group: Group, names: bool) -> str:
    examples = group.examples[:SIDES]
    sides = table(f"Shortest examples of {title(group)}", ("", *(example.student if names else example.label for example in examples)),
                  [("code", *map(code, examples))]) if examples else paragraph("No definition of it can be shown.")
    return section(title(group), paragraph(f"{count(len(group.answers), 'submission')}: {who(group, names)}. "
                                           f"Earned: {earned(group)}. Visible checks saw it: {seen(group)}."),
                   paragraph(f"Sentence to send: {to_send(course, group)}"), sides,
                   Html("<pre>" + escape("\n".join(commands(assignment, group))) + "</pre>"))


def code(answer: Answer) -> Html:
    return Html("<pre>" + escape(answer.shown[:MOST_CODE]) + "</pre>")
