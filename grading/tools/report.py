"""`course report`: one self-contained page on a class's results, and the same numbers as CSV."""

import csv
import statistics
import time
from html import escape
from pathlib import Path

from matplotlib.figure import Figure

from . import analysis
from .watching import watched
from ..run.course import Course
from ..pages.html import page, paragraph, picture, section, table
from ..notebooks.names import csv_safe
from ..notebooks.record import Outcome, written
from ..watch.history import hurdles, ways
from ..watch.log import reading
from .terminal import tell

HURDLES = 12        # checks that are shown
DARK, LIGHT, WHITE = "#404040", "#b0b0b0", "#ffffff"     # told apart in black and white; hatches help
SHOWN = (Outcome.PASSED, Outcome.FAILED, Outcome.NOT_RUN)
HOW_TO_READ = (
    "Difficulty is the mean share of the points that was earned: near 1 is easy. Discrimination is the correlation "
    "between the points of the item and those of all other items (corrected item-total correlation; Henrysson, "
    "Psychometrika 28, 1963). Above 0.3 the item tells strong from weak submissions, near 0 it does not, below 0 look at "
    f"the item itself. A dash: fewer than {analysis.FEWEST} submissions, or all earned the same.")


def report(console, root, assignment, names, output):
    """Write the page and its tables; `output` is the page's place. Raises `CourseError`."""
    with watched(console, f"reading {assignment}") as watch:
        result = analysis.read(root, assignment, watch)
    folder = Course(root).dir.root
    place = Path(output) if output else Path(folder, "build", f"report-{assignment}.html")
    place.parent.mkdir(parents=True, exist_ok=True)
    with reading(folder) as log:
        found = ways(log, assignment) if log else []
    place.write_text(as_page(result, names, found), encoding="utf-8")
    write_csv(place.with_suffix(".csv"), submission_rows(result, names))
    write_csv(place.with_name(place.stem + "-checks.csv"), check_rows(result))
    for path in (place, place.with_suffix(".csv"), place.with_name(place.stem + "-checks.csv")):
        tell(console, f"wrote {path}")


# --- the page ---------------------------------------------------------------------------------------------------

def as_page(result, names=False, found=()):
    """The whole page as HTML; `found` are the ways of students whom `course watch` answered."""
    return page(f"Results of {result.assignment}", *filter(None, [
        overview(result), points_section(result), checks_section(result), mistakes_section(result),
        time_section(result), way_section(found), human_section(result, names), submissions_section(result, names)]))


def overview(result):
    totals = result.totals.tolist()
    low, middle, high = analysis.quartiles(totals)
    said = (f"{len(totals)} submissions are graded. Half of them have {written(middle)} of {written(result.most)} points or more; "
            f"the middle half lies between {written(low)} and {written(high)}.")
    left_out = ", ".join(item.name for item in result.pending)
    note = f"Not graded for everybody yet, and left out of all totals: {left_out}." if left_out else ""
    late = sum(1 for work in result.works if work.penalty)
    more = f"Late penalties of {late} submissions are not taken off here; what counts stands in the last table." if late else ""
    return section("Scores", paragraph(said), *(paragraph(text, note=True) for text in (note, more) if text),
                   histogram(totals, result.most))


def points_section(result):
    rows = [(item.name, item.most, count, mean, difficulty, discrimination)
            for item, count, mean, difficulty, discrimination in analysis.items(result)]
    return section("Points per exercise", spread(result),
                   table("Points per exercise", ("exercise", "most", "submissions", "mean", "difficulty",
                                                 "discrimination"), rows), paragraph(HOW_TO_READ, note=True))


def checks_section(result):
    counts, parts = analysis.checks(result), []
    for exercise in dict.fromkeys(count.exercise for count in counts):
        mine = [count for count in counts if count.exercise == exercise]
        rows = [(c.title + (" *" if c.core else ""), *(c.outcomes[kind] for kind in SHOWN), f"{c.rate:.0%}", c.discrimination)
                for c in mine]
        parts += [f"<h3>{escape(exercise)}</h3>", rates(exercise, mine),
                  table(f"Pass rate per check of {exercise}",
                        (f"{exercise} …", "passed", "failed", "not run", "pass rate", "discrimination"), rows)]
    return section("Pass rate per check", paragraph("A star marks a core check.", note=True), *parts) if parts else ""


def mistakes_section(result):
    rows = [(name, exercise, count) for exercise, name, count in analysis.mistakes(result)]
    body = table("Known mistakes", ("mistake", "exercise", "submissions"), rows) if rows else \
        paragraph("No known mistake was recognised.")
    return section("Known mistakes", body)


def time_section(result):
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


def way_section(found):
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


def human_section(result, names):
    rows = [(who(work, names), "; ".join(work.reasons)) for work in result.works if work.reasons]
    rows += [(student if names else label, "it is not graded: grading did not come to an end")
             for student, label in result.not_graded]
    return section("Submissions that need a human", table("Submissions that need a human", ("submission", "why"), rows)
                   if rows else paragraph("None."))


def submissions_section(result, names):
    head = ("submission", *(item.name for item in result.items), f"sum of {written(result.most)}",
            "taken off for being late", "counts")
    rows = [(who(work, names), *(work.points[item.name] for item in result.items), total, work.penalty, work.counts)
            for work, total in zip(result.works, result.totals.tolist())]
    return section("All submissions", table("Points of each submission", head, rows))


def who(work, names):
    return work.student if names else work.label


# --- pictures ---------------------------------------------------------------------------------------------------

def axes(width, height, **labels):
    figure = Figure(figsize=(width, height))
    drawn = figure.add_subplot()
    drawn.set(**labels)
    drawn.spines[["top", "right"]].set_visible(False)
    return figure, drawn


def histogram(totals, most):
    figure, drawn = axes(7, 2.6, xlabel=f"points of {written(most)}", ylabel="submissions")
    width = max(most, 1) / 10
    counts, *_ = drawn.hist(totals, bins=[width * n for n in range(11)], color=LIGHT, edgecolor=DARK)
    drawn.yaxis.get_major_locator().set_params(integer=True)
    words = ", ".join(f"{int(count)} from {written(width * n)} to {written(width * (n + 1))}" for n, count in enumerate(counts) if count)
    return picture(figure, f"Histogram of the scores: {words} points.", "Scores, in ten steps.")


def spread(result):
    shown = [item for item in result.items if item.most and item not in result.pending]
    if not shown:
        return ""
    shares = [[work.points[item.name] / item.most for work in result.works] for item in shown]
    figure, drawn = axes(7, 0.8 + 0.35 * len(shown), xlabel="share of the points", xlim=(-0.02, 1.02))
    drawn.boxplot(shares[::-1], orientation="horizontal", widths=0.6, patch_artist=True, showmeans=True,
                  boxprops={"facecolor": LIGHT}, medianprops={"color": "black", "linewidth": 2},
                  meanprops={"marker": "D", "markerfacecolor": WHITE, "markeredgecolor": "black"})
    drawn.set_yticks(range(1, len(shown) + 1), [item.name for item in reversed(shown)])
    return picture(figure, "Box plots of the share of the points earned in each exercise; the numbers are in the table.",
                   "Box: middle half. Line: median. Diamond: mean. Circles: far from the rest.")


def rates(exercise, counts):
    figure, drawn = axes(6, 0.8 + 0.25 * len(counts), xlabel="submissions")
    left = [0] * len(counts)
    for name, colour, hatch in zip(SHOWN, (LIGHT, DARK, WHITE), ("", "", "////")):
        values = [count.outcomes[name] for count in reversed(counts)]
        drawn.barh(range(len(counts)), values, left=left, color=colour, edgecolor="black", hatch=hatch,
                   label=str(name))
        left = [sum(pair) for pair in zip(left, values)]
    drawn.set_yticks(range(len(counts)), [count.title for count in reversed(counts)])
    drawn.xaxis.get_major_locator().set_params(integer=True)
    drawn.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False)
    return picture(figure, f"Bars of how many submissions passed and failed each check of {exercise}; "
                           "the numbers are in the table below.")


# --- CSV --------------------------------------------------------------------------------------------------------

def submission_rows(result, names):
    yield ["submission", *(item.name for item in result.items), "sum", "most", "late penalty", "counts", "hours before deadline",
           "needs a human"]
    for work, total in zip(result.works, result.totals.tolist()):
        early = None if work.hours_early is None else round(work.hours_early, 2)
        yield [who(work, names), *(rounded(work.points[item.name]) for item in result.items), rounded(total), result.most,
               work.penalty, work.counts, early, "; ".join(work.reasons)]
    for student, label in result.not_graded:
        yield [student if names else label, *[None] * len(result.items), None, result.most, None, None, None, "not graded"]


def rounded(points):
    return None if points is None else round(points, 2)


def check_rows(result):
    yield ["exercise", "check", "core", "passed", "failed", "not run", "pass rate", "discrimination"]
    for count in analysis.checks(result):
        yield [count.exercise, count.title, count.core, *(count.outcomes[kind] for kind in SHOWN), round(count.rate, 4),
               None if count.discrimination is None else round(count.discrimination, 4)]


def write_csv(path, rows):
    """Write `rows` so that no cell of them is a formula to a spreadsheet."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([csv_safe(value) for value in row] for row in rows)
