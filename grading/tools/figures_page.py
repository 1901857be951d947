"""The sections of `course report` that show figures: each with its picture, its table, and a sentence on every figure in it."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator

from ..notebooks.record import written
from ..pages.html import paragraph, picture, section, table
from . import analysis
from .analysis import ClassResult
from .figures import FEWEST_GROUP, FEWEST_SHARE, FIGURES, SURE, TOO_HIGH, TOO_LOW, ClassFigures
from ..watch.history import Way

DARK, LIGHT, WHITE = "#404040", "#b0b0b0", "#ffffff"     # told apart in black and white; hatches help
HATCH = "////"
STEPS = 10      # of a histogram of scores
MANY = 4        # attempts that a picture shows one by one


def explained(*names: str) -> str:
    """A table of what figures say, and from how many students on each is shown."""
    rows = [(name, FIGURES[name].says, FIGURES[name].fewest) for name in names]
    return table("What the figures say", ("figure", "what it says", "students it takes"), rows)


def axes(width: float, height: float, **labels: Any) -> tuple[Drawing, Axes]:
    figure = Drawing(figsize=(width, height))
    drawn = figure.add_subplot()
    drawn.set(**labels)
    drawn.spines[["top", "right"]].set_visible(False)
    return figure, drawn


def whole_numbers(axis: Axis) -> None:
    """Matplotlib's own ticks, but none between two counts."""
    axis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))


def legend(drawn: Axes, columns: int) -> None:
    drawn.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False)


# --- reliability --------------------------------------------------------------------------------------------------

def reliability_section(figures: ClassFigures) -> str:
    title = "How far the scores can be trusted"
    if figures.why_no_reliability:
        return section(title, paragraph(figures.why_no_reliability))
    error, most = figures.standard_error, figures.result.most
    said = (f"A sum of {written(most)} points is uncertain by {error.value:.1f} points: two students who are less than that apart are not told "
            "apart by this assignment.")
    rows = [("alpha", str(figures.alpha)), ("omega", str(figures.omega)), ("standard error", f"{error} points of {written(most)}")]
    return section(title, paragraph(said), table("Reliability over exercises", ("figure", "value (interval)"), rows),
                   explained("alpha", "omega", "standard error", "interval"), paragraph(
        "All three are about exercises, not about checks: checks of one exercise depend on each other, and a figure over them would "
        "promise more than the scores hold. Who shares answers, or was helped, makes them look better than they are.", note=True))


# --- exercises ----------------------------------------------------------------------------------------------------

def exercises_section(figures: ClassFigures) -> str:
    rows = [(one.item.name, one.item.most, one.count, one.mean, str(one.facility), str(one.discrimination)) for one in figures.exercises]
    weights = [(one.item.name, one.nominal, str(one.effective), one.alpha_without) for one in figures.exercises if one.nominal is not None]
    flagged = [(one.item.name, said) for one in figures.exercises for said in one.flags]
    parts = [*spread(figures.result), facilities(figures),
             table("Points per exercise", ("exercise", "most", "submissions", "mean", "facility", "discrimination"), rows),
             table("Exercises to look at", ("exercise", "why"), flagged) if flagged else paragraph(
                 f"No exercise is flagged: none has a facility below {TOO_LOW} or above {TOO_HIGH}, or a discrimination below {TOO_LOW} or "
                 f"above {TOO_HIGH}, as far as these are shown.")]
    if not figures.why_no_reliability:
        parts += [balance(figures), table("What each exercise weighs", ("exercise", "nominal weight", "effective weight", "alpha without it"),
                                          weights)]
    return section("Points per exercise", *parts, explained(
        "facility", "discrimination", *(() if figures.why_no_reliability else ("nominal weight", "effective weight", "alpha without it")),
        "interval"), paragraph("A dash: too few students, or all of them earned the same.", note=True))


def spread(result: ClassResult) -> tuple[str, ...]:
    """Box plots and their numbers; nothing where no exercise is graded for everybody."""
    shown = [(number, item) for number, item in enumerate(result.counted) if item.most]
    if not shown:
        return ()
    shares = [result.table[:, number] / item.most for number, item in shown]
    figure, drawn = axes(7, 0.8 + 0.35 * len(shown), xlabel="share of the points", xlim=(-0.02, 1.02))
    drawn.boxplot(shares[::-1], orientation="horizontal", widths=0.6, patch_artist=True, showmeans=True,
                  boxprops={"facecolor": LIGHT}, medianprops={"color": "black", "linewidth": 2},
                  meanprops={"marker": "D", "markerfacecolor": WHITE, "markeredgecolor": "black"})
    drawn.set_yticks(range(1, len(shown) + 1), [item.name for _, item in reversed(shown)])
    rows = [(item.name, *analysis.quartiles(mine), float(np.mean(mine))) for (_, item), mine in zip(shown, shares)]
    return (picture(figure, "Box plots of the share of the points earned in each exercise; the numbers are in the table below.",
                    "Box: middle half. Line: median. Diamond: mean. Circles: far from the rest."),
            table("Share of the points per exercise", ("exercise", "lower quartile", "median", "upper quartile", "mean"), rows))


def facilities(figures: ClassFigures) -> str:
    """Facility and discrimination of each exercise with their intervals, on one axis."""
    shown = [one for one in figures.exercises if one.facility.low is not None or one.discrimination.low is not None][::-1]
    if not shown:
        return ""
    figure, drawn = axes(7, 0.9 + 0.4 * len(shown), xlim=(-1.02, 1.02), xlabel="facility (0 to 1), discrimination (-1 to 1)")
    for name, marker, face, shift in (("facility", "o", DARK, 0.12), ("discrimination", "D", WHITE, -0.12)):
        there = [(number, getattr(one, name)) for number, one in enumerate(shown) if getattr(one, name).value is not None]
        for number, estimate in there:
            if estimate.low is not None:
                drawn.plot([estimate.low, estimate.high], [number + shift] * 2, color=DARK, linewidth=1.5)
        drawn.plot([estimate.value for _, estimate in there], [number + shift for number, _ in there], marker, markerfacecolor=face,
                   markeredgecolor="black", label=name)
    drawn.axvline(0, color="black", linewidth=0.8)
    drawn.set_yticks(range(len(shown)), [one.item.name for one in shown])
    legend(drawn, 2)
    return picture(figure, "Facility and discrimination of each exercise with their intervals; the numbers are in the table below.",
                   "Dot: facility. Diamond: discrimination. Lines: their intervals.")


def balance(figures: ClassFigures) -> str:
    shown = [one for one in figures.exercises if one.effective.value is not None][::-1]
    figure, drawn = axes(7, 0.8 + 0.45 * len(shown), xlabel="share")
    places = np.arange(len(shown))
    drawn.barh(places + 0.2, [one.nominal or 0.0 for one in shown], 0.38, color=LIGHT, edgecolor="black", label="nominal weight")
    drawn.barh(places - 0.2, [one.effective.value or 0.0 for one in shown], 0.38, color=WHITE, edgecolor="black", hatch=HATCH, label="effective weight")
    drawn.set_yticks(places, [one.item.name for one in shown])
    legend(drawn, 2)
    return picture(figure, "Nominal and effective weight of each exercise; the numbers are in the table below.")


# --- groups -------------------------------------------------------------------------------------------------------

def groups_section(figures: ClassFigures) -> str:
    """Sections and lateness: the whole score of each group, and the exercises in which a difference survives the correction."""
    looks, unseen = figures.looks
    if not looks:
        return section("Differences between groups", *map(paragraph, unseen)) if unseen else ""
    surprising = [look for look in looks if look.exercise and look.p < SURE]
    rows = [(look.group, look.size, look.exercise or "all exercises", f"{look.difference:+.2f}", f"{max(look.p, 0.001):.3f}")
            for look in looks if look.exercise is None or look in surprising]
    said = (f"{len(looks)} comparisons were made, each group against all others in the whole and in each exercise, before late penalties. "
            + (f"{len(surprising)} of those of one exercise are too large for chance." if surprising else "None of those of one exercise is too large for chance."))
    return section("Differences between groups", paragraph(said), table("Differences between groups", (
        "group", "submissions", "in", "difference", "corrected p"), rows), explained("difference", "corrected p"),
        *(paragraph(line, note=True) for line in unseen), paragraph(
        f"p comes of a permutation test and is corrected by Holm's method; a group is compared from {FEWEST_GROUP} students on.", note=True))


# --- the late policy ----------------------------------------------------------------------------------------------

def late_section(result: ClassResult) -> str:
    """The scores before and after the late policy; nothing where it took nothing off."""
    off = np.array([work.penalty for work in result.works])
    if not (off > 0).any():
        return ""
    before, after = result.totals, np.maximum(0, result.totals - off)
    rows = [(name, float(scores.mean()), *analysis.quartiles(scores)) for name, scores in
            (("before the late policy", before), ("after it", after))]
    said = (f"{int((off > 0).sum())} of {len(off)} submissions lost points for being late: {written(float(off[off > 0].mean()))} on average, "
            f"{written(float(off.max()))} at most.")
    shares = np.histogram(before, **bins(result.most))[0], np.histogram(after, **bins(result.most))[0]
    width = max(result.most, 1) / STEPS
    steps = [(f"{written(width * n)} to {written(width * (n + 1))}", int(shares[0][n]), int(shares[1][n])) for n in range(STEPS)]
    return section("Before and after the late policy", paragraph(said), before_and_after(shares, result.most),
                   table("Scores before and after the late policy", ("scores", "mean", "lower quartile", "median", "upper quartile"), rows),
                   table("Submissions by score", ("points", "before", "after"), steps))


def bins(most: float) -> dict[str, Any]:
    return {"bins": np.linspace(0, max(most, 1), STEPS + 1)}


def before_and_after(shares: Sequence[Any], most: float) -> str:
    figure, drawn = axes(7, 2.6, xlabel=f"points of {written(most)}", ylabel="submissions")
    width = max(most, 1) / STEPS
    middles = width * (np.arange(STEPS) + 0.5)
    drawn.bar(middles - 0.2 * width, shares[0], 0.38 * width, color=LIGHT, edgecolor="black", label="before")
    drawn.bar(middles + 0.2 * width, shares[1], 0.38 * width, color=WHITE, edgecolor="black", hatch=HATCH, label="after")
    whole_numbers(drawn.yaxis)
    legend(drawn, 2)
    return picture(figure, "Histograms of the scores before and after the late policy; the numbers are in the table below.")


# --- attempts -----------------------------------------------------------------------------------------------------

def attempts_section(ways: Sequence[Way], order: Iterable[str]) -> str:
    """How many answers it took until an exercise was right, as far as `course watch` gave them; `order`: the exercises."""
    rows, bars = [], []
    for exercise in order:
        mine = [way.right[exercise] for way in ways if exercise in way.right]
        if len(mine) < FEWEST_SHARE:
            continue
        there = [number for number in mine if number is not None]
        counts = Counter(min(number, MANY) for number in there)
        rows.append((exercise, len(mine), *(counts[number] for number in range(1, MANY + 1)), len(mine) - len(there),
                     float(statistics.median(there)) if there else None))
        bars.append((exercise, [*(counts[number] for number in range(1, MANY + 1)), len(mine) - len(there)]))
    if not rows:
        return ""
    head = ("exercise", "students", *(f"right at attempt {number}" for number in range(1, MANY)), f"at {MANY} or later", "never", "median of attempts")
    return section("Attempts until right", stacked(bars), table("Attempts until right", head, rows), explained("attempts"))


def stacked(bars: Sequence[tuple[str, Sequence[int]]]) -> str:
    figure, drawn = axes(7, 0.9 + 0.35 * len(bars), xlabel="students")
    left = np.zeros(len(bars))
    looks = ((WHITE, ""), (LIGHT, ""), (LIGHT, HATCH), (DARK, ""), (WHITE, "xx"))
    for number, (name, (colour, hatch)) in enumerate(zip(("1", "2", "3", f"{MANY} or more", "never"), looks)):
        values = np.array([counts[number] for _, counts in reversed(bars)])
        drawn.barh(range(len(bars)), values, left=left, color=colour, edgecolor="black", hatch=hatch, label=name)
        left += values
    drawn.set_yticks(range(len(bars)), [exercise for exercise, _ in reversed(bars)])
    whole_numbers(drawn.xaxis)
    legend(drawn, 5)
    return picture(figure, "How many attempts each exercise took; the numbers are in the table below.")
