"""`course report`: one self-contained page on a class's results, and the same numbers as CSV."""

import csv
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from rich.console import Console

from . import analysis
from .analysis import CheckCount, ClassResult, Work
from .figures import ClassFigures, Estimate
from .figures_page import (
    DARK, HATCH, LIGHT, STEPS, WHITE, attempts_section, axes, exercises_section, groups_section, late_section, legend, reliability_section,
    whole_numbers)
from .watching import watched
from ..root import CourseError
from ..run.course import Course
from ..lms.ids import read_ids
from ..pages.html import page, paragraph, picture, section, table
from ..notebooks.names import csv_safe, printable
from ..notebooks.record import Outcome, written
from ..watch.history import Way, hurdles, ways
from ..watch.log import reading
from .terminal import tell

HURDLES = 12        # checks that are shown
SHOWN = (Outcome.PASSED, Outcome.FAILED, Outcome.NOT_RUN)

def report(console: Console, root: Path | None, assignment: str, names: bool, output: str | Path | None) -> None:
    """Write the page and its tables; `output` is the page's place. Raises `CourseError`."""
    with watched(console, f"reading {assignment}") as watch:
        result = analysis.read(root, assignment, watch)
    folder = Course(root).dir.root
    place = Path(output) if output else Path(folder, "build", f"report-{assignment}.html")
    place.parent.mkdir(parents=True, exist_ok=True)
    found: list[Way] = []
    try:
        with reading(folder) as log:
            found = ways(log, assignment) if log else []
    except CourseError as error:        # the page is about more than that
        tell(console, str(error))
    figures = ClassFigures(result, sections_of(folder))
    tables = {".csv": submission_rows(result, names), "-exercises.csv": exercise_rows(figures), "-checks.csv": check_rows(result)}
    place.write_text(as_page(result, names, found, figures), encoding="utf-8")
    for ending, rows in tables.items():
        write_csv(place.with_name(place.stem + ending), rows)
    for line in in_lines(figures):
        tell(console, line)
    for path in (place, *(place.with_name(place.stem + ending) for ending in tables)):
        tell(console, f"wrote {path}")


def sections_of(folder: str | Path) -> dict[str, str]:
    """{student: the section that a class list named}; the first system that names one counts."""
    known = {student: [there["section"] for _, there in sorted(systems.items()) if there.get("section")]
             for student, systems in read_ids(folder).items()}
    return {student: printable(found[0]) for student, found in known.items() if found}


def in_lines(figures: ClassFigures) -> Iterator[str]:
    """The figures that a terminal shows."""
    yield figures.why_no_reliability or (f"{figures.students} submissions: alpha {figures.alpha}, omega {figures.omega}")
    if not figures.why_no_reliability:
        yield f"standard error of a score: {figures.standard_error} points of {written(figures.result.most)}"
    yield from (f"look at {one.item.name}: {said}" for one in figures.exercises for said in one.flags)


# --- the page ---------------------------------------------------------------------------------------------------

def as_page(result: ClassResult, names: bool = False, found: Sequence[Way] = (), figures: ClassFigures | None = None) -> str:
    """The whole page as HTML; `found` are the ways of students whom `course watch` answered."""
    figures = figures or ClassFigures(result)
    return page(f"Results of {result.assignment}", *filter(None, [
        overview(result), reliability_section(figures), exercises_section(figures), checks_section(result), mistakes_section(result),
        groups_section(figures), late_section(result), time_section(result), way_section(found),
        attempts_section(found, [item.name for item in result.items]), human_section(result, names), submissions_section(result, names)]))


def overview(result: ClassResult) -> str:
    totals = result.totals.tolist()
    low, middle, high = analysis.quartiles(totals)
    said = (f"{len(totals)} submissions are graded. Half of them have {written(middle)} of {written(result.most)} points or more; "
            f"the middle half lies between {written(low)} and {written(high)}.")
    left_out = ", ".join(item.name for item in result.pending)
    note = f"Not graded for everybody yet, and left out of all totals: {left_out}." if left_out else ""
    late = sum(1 for work in result.works if work.penalty)
    more = f"Late penalties of {late} submissions are not taken off here; what counts stands in the last table." if late else ""
    return section("Scores", paragraph(said), *(paragraph(text, note=True) for text in (note, more) if text),
                   *histogram(totals, result.most))


def checks_section(result: ClassResult) -> str:
    counts, parts = analysis.checks(result), []
    for exercise in dict.fromkeys(count.exercise for count in counts):
        mine = [count for count in counts if count.exercise == exercise]
        rows = [(c.title + (" *" if c.core else ""), *(c.outcomes[kind] for kind in SHOWN), f"{c.rate:.0%}", c.discrimination)
                for c in mine]
        parts += [f"<h3>{escape(exercise)}</h3>", rates(exercise, mine),
                  table(f"Pass rate per check of {exercise}",
                        (f"{exercise} …", "passed", "failed", "not run", "pass rate", "discrimination"), rows)]
    return section("Pass rate per check", paragraph(
        f"A star marks a core check. Discrimination, the correlation with the sum of the other exercises, is shown from {analysis.FEWEST} "
        "submissions on.", note=True), *parts) if parts else ""


def mistakes_section(result: ClassResult) -> str:
    rows = [(name, exercise, count) for exercise, name, count in analysis.mistakes(result)]
    body = table("Known mistakes", ("mistake", "exercise", "submissions"), rows) if rows else \
        paragraph("No known mistake was recognised.")
    return section("Known mistakes", body)


def time_section(result: ClassResult) -> str:
    hours = [work.hours_early for work in result.works if work.hours_early is not None]
    unknown = len(result.works) - len(hours)
    said = "nbgrader keeps no record of how long students worked; known is when they handed in, against the deadline."
    if not hours:
        return section("Time", paragraph(said + " Here it knows of no deadline, or of no time stamp."))
    low, middle, high = analysis.quartiles(hours)
    late = sum(1 for value in hours if value < 0)
    return section("Time", paragraph(said), paragraph(
        f"Half of the submissions came {middle:.1f} hours before the deadline or earlier, the middle half between "
        f"{low:.1f} and {high:.1f} hours before it; {late} came late. Not known for {unknown}."))


def way_section(found: Sequence[Way]) -> str:
    """How the class got there, as far as it was answered at once."""
    if not found:
        return ""
    began = time.strftime("%Y-%m-%d", time.gmtime(statistics.median(way.began for way in found)))
    answers = statistics.median(way.answers for way in found)
    said = (f"{len(found)} students had answers from course watch, half of them {written(answers)} or more. Half of them handed in "
            f"something by {began}.")
    rows = [(f"{one.exercise}: {one.check.removeprefix('test_')}", one.stumbled, one.answers, one.never) for one in hurdles(found)[:HURDLES]]
    return section("On the way", paragraph(said), table("Checks that took longest", ("check", "failed at first", "answers until half of them passed",
                                                                                  "never passed"), rows) if rows else "")


def human_section(result: ClassResult, names: bool) -> str:
    rows = [(who(work, names), "; ".join(work.reasons)) for work in result.works if work.reasons]
    rows += [(student if names else label, "it is not graded, or not in the gradebook: course status says more")
             for student, label in result.not_graded]
    return section("Submissions that need a human", table("Submissions that need a human", ("submission", "why"), rows)
                   if rows else paragraph("None."))


def submissions_section(result: ClassResult, names: bool) -> str:
    head = ("submission", *(item.name for item in result.items), f"sum of {written(result.most)}",
            "taken off for being late", "counts")
    rows = [(who(work, names), *(work.points[item.name] for item in result.items), total, work.penalty, work.counts)
            for work, total in zip(result.works, result.totals.tolist())]
    return section("All submissions", table("Points of each submission", head, rows))


def who(work: Work, names: bool) -> str:
    return work.student if names else work.label


# --- pictures ---------------------------------------------------------------------------------------------------

def histogram(totals: Sequence[float], most: float) -> tuple[str, str]:
    """The picture and its numbers."""
    figure, drawn = axes(7, 2.6, xlabel=f"points of {written(most)}", ylabel="submissions")
    width = max(most, 1) / STEPS
    counts, *_ = drawn.hist(totals, bins=[width * n for n in range(STEPS + 1)], color=LIGHT, edgecolor=DARK)
    whole_numbers(drawn.yaxis)
    rows = [(f"{written(width * n)} to {written(width * (n + 1))}", int(count)) for n, count in enumerate(counts)]
    words = ", ".join(f"{count} from {steps}" for steps, count in rows if count)
    return (picture(figure, f"Histogram of the scores: {words} points.", "Scores, in ten steps."),
            table("Submissions by score", ("points", "submissions"), rows))


def rates(exercise: str, counts: Sequence[CheckCount]) -> str:
    figure, drawn = axes(6, 0.8 + 0.25 * len(counts), xlabel="submissions")
    left = [0] * len(counts)
    for name, colour, hatch in zip(SHOWN, (LIGHT, DARK, WHITE), ("", "", HATCH)):
        values = [count.outcomes[name] for count in reversed(counts)]
        drawn.barh(range(len(counts)), values, left=left, color=colour, edgecolor="black", hatch=hatch,
                   label=str(name))
        left = [sum(pair) for pair in zip(left, values)]
    drawn.set_yticks(range(len(counts)), [count.title for count in reversed(counts)])
    whole_numbers(drawn.xaxis)
    legend(drawn, 3)
    return picture(figure, f"Bars of how many submissions passed and failed each check of {exercise}; "
                           "the numbers are in the table below.")


# --- CSV --------------------------------------------------------------------------------------------------------

def submission_rows(result: ClassResult, names: bool) -> Iterator[list[Any]]:
    yield ["submission", *(item.name for item in result.items), "sum", "most", "late penalty", "counts", "hours before deadline",
           "needs a human"]
    for work, total in zip(result.works, result.totals.tolist()):
        early = None if work.hours_early is None else round(work.hours_early, 2)
        yield [who(work, names), *(rounded(work.points[item.name]) for item in result.items), rounded(total), result.most,
               work.penalty, work.counts, early, "; ".join(work.reasons)]
    for student, label in result.not_graded:
        yield [student if names else label, *[None] * len(result.items), None, result.most, None, None, None, "not graded"]


def rounded(points: float | None) -> float | None:
    return None if points is None else round(points, 2)


def exercise_rows(figures: ClassFigures) -> Iterator[list[Any]]:
    """All figures of exercises, and in a last line those of their sum; see `figures.FIGURES`."""
    yield ["exercise", "most", "submissions", "mean", *ranged("facility"), *ranged("discrimination"), "nominal weight", *ranged("effective weight"),
           "alpha without it", "look at", *ranged("alpha"), *ranged("omega"), *ranged("standard error")]
    for one in figures.exercises:
        yield [one.item.name, one.item.most, one.count, four(one.mean), *three(one.facility), *three(one.discrimination), four(one.nominal),
               *three(one.effective), four(one.alpha_without), "; ".join(one.flags), *[None] * 9]
    yield ["all exercises", figures.result.most, figures.students, four(float(figures.result.totals.mean())), *[None] * 11,
           figures.why_no_reliability, *three(figures.alpha), *three(figures.omega), *three(figures.standard_error)]


def ranged(name: str) -> list[str]:
    return [name, f"{name} low", f"{name} high"]


def three(estimate: Estimate) -> list[float | None]:
    return [four(estimate.value), four(estimate.low), four(estimate.high)]


def four(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def check_rows(result: ClassResult) -> Iterator[list[Any]]:
    yield ["exercise", "check", "core", "passed", "failed", "not run", "pass rate", "discrimination"]
    for count in analysis.checks(result):
        yield [count.exercise, count.title, count.core, *(count.outcomes[kind] for kind in SHOWN), round(count.rate, 4),
               None if count.discrimination is None else round(count.discrimination, 4)]


def write_csv(path: Path, rows: Iterable[Iterable[Any]]) -> None:
    """Write `rows` so that no cell of them is a formula to a spreadsheet."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([csv_safe(value) for value in row] for row in rows)
