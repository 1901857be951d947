"""The figures of `course report`: what each says in a sentence, from how many students on it is shown, and its value for a class.

Reliability is that of exercises. Over checks it would be inflated: those of an exercise hang on its core checks and on each other.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from . import psychometrics as stats
from .analysis import FEWEST, ClassResult, Item, Numbers, items

RELIABLE = 30           # students from which figures of the whole table are shown: an alpha of 0.8 lies between 0.65 and 0.89 there
FEWEST_EXERCISES = 3    # below that a common factor is not determined
FEWEST_SHARE = 5        # for a mean share
FEWEST_INTERVAL = 10    # for its interval: a bootstrap of fewer is too narrow
FEWEST_GROUP = 10       # of each of two groups that are compared
TOO_LOW, TOO_HIGH = 0.1, 0.95
SURE = 0.05             # what a corrected p has to be below


@dataclass(frozen=True)
class Figure:
    """A figure in one sentence, and the fewest students for which it is shown."""

    says: str
    fewest: int


FIGURES = {
    "alpha": Figure("If the same students did another set of exercises like these, this share of the differences between their sums "
                    "would come back: 1 is a perfect ruler, 0 is chance; alpha is a cautious estimate of it.", RELIABLE),
    "omega": Figure("The same share, estimated without asking that all exercises measure equally well: where it is far above alpha, "
                    "believe omega; a dash where one exercise alone would stand for all of them.", RELIABLE),
    "standard error": Figure("How many points a student's sum would go up or down by luck alone: two students closer together than "
                             "this are not told apart.", RELIABLE),
    "alpha without it": Figure("What alpha would be without the exercise: if that is higher than alpha, the exercise measures something "
                               "else than the others.", RELIABLE),
    "nominal weight": Figure("The exercise's share of the points that can be had.", 1),
    "effective weight": Figure("The exercise's share of what makes students differ: an exercise that everybody solves has nearly none, "
                               "whatever its points.", RELIABLE),
    "facility": Figure("The mean share of the points that was earned: near 1 is easy, near 0 hard.", FEWEST_SHARE),
    "discrimination": Figure("The correlation of the exercise with the sum of all others: above 0.3 it tells strong from weak students, "
                             "near 0 it does not, below 0 strong students fail it more often and the exercise itself is to be looked at.", FEWEST),
    "difference": Figure("The mean share of the points in the group less that of all others: 0.1 is a tenth of the points.", FEWEST_GROUP),
    "corrected p": Figure("How often chance alone would make such a difference somewhere among all the comparisons of this page: only "
                          f"below {SURE} is it worth a thought, and it never says why.", FEWEST_GROUP),
    "attempts": Figure("The number of answers that a student had from course watch when every check of the exercise passed for the "
                       "first time, that answer counted in.", FEWEST_SHARE),
    "interval": Figure("The numbers in brackets: 95 of 100 such ranges hold the value that endlessly many students like these would "
                       "give (bootstrap).", FEWEST_INTERVAL),
}


@dataclass(frozen=True)
class Estimate:
    """A value and the interval around it; None where it is not shown."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        value, *edges = (f"{number + 0.0:.2f}".replace("-0.00", "0.00") for number in (self.value, self.low, self.high) if number is not None)
        return f"{value} ({edges[0]} to {edges[1]})" if edges else value


NONE = Estimate()


@dataclass(frozen=True)
class ExerciseFigures:
    """One exercise. `flags` are sentences on what to look at."""

    item: Item
    count: int
    mean: float | None
    facility: Estimate
    discrimination: Estimate
    nominal: float | None
    effective: Estimate
    alpha_without: float | None
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Look:
    """One comparison: the mean share of a group in one exercise (or in all: `exercise` is None) less that of the others."""

    group: str
    size: int
    exercise: str | None
    difference: float
    p: float


@dataclass
class ClassFigures:
    """The figures of a class; all come from one table and one bootstrap of it. `sections`: {student: section}."""

    result: ClassResult
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def students(self) -> int:
        return len(self.result.works)

    @cached_property
    def seed(self) -> int:
        return zlib.crc32(self.result.assignment.encode())

    @cached_property
    def moments(self) -> tuple[Numbers, Numbers]:
        return stats.moments(self.result.table)

    @cached_property
    def samples(self) -> tuple[Numbers, Numbers]:
        return stats.resampled(self.result.table, self.seed)

    def estimates(self, function: Callable[[Any, Any], Any], fewest: int) -> list[Estimate]:
        """`function(means, covariances)` with its interval, for each value that it gives."""
        value = function(*self.moments)
        edges = stats.interval(function(*self.samples), self.students) if self.students >= max(fewest, FEWEST_INTERVAL) else np.full((2, *value.shape), np.nan)
        if self.students < fewest:
            return [NONE] * value.size
        return [estimated(*three) for three in zip(np.ravel(value), *(np.ravel(edge) for edge in edges))]

    # --- reliability --------------------------------------------------------------------------------------------

    @cached_property
    def why_no_reliability(self) -> str:
        """Why the figures of the whole table are not shown; empty if they are."""
        if self.students < RELIABLE:
            return f"{self.students} submissions are graded; reliability is shown from {RELIABLE} on."
        varying = int((np.ptp(self.result.table, axis=0) > 0).sum())
        if varying < FEWEST_EXERCISES:
            return f"Reliability takes {FEWEST_EXERCISES} exercises that are graded for everybody and not solved by all alike; there are {varying}."
        return "" if self.moments[1].sum() > 0 else "Everybody has the same points."

    def of_the_sum(self, function: Callable[[Any, Any], Any]) -> Estimate:
        return NONE if self.why_no_reliability else self.estimates(function, RELIABLE)[0]

    @cached_property
    def alpha(self) -> Estimate:
        return self.of_the_sum(lambda _, cov: stats.alpha(cov))

    @cached_property
    def omega(self) -> Estimate:
        return self.of_the_sum(lambda _, cov: stats.omega(cov))

    @cached_property
    def standard_error(self) -> Estimate:
        return self.of_the_sum(lambda _, cov: stats.standard_error(cov, stats.alpha(cov)))

    # --- exercises ----------------------------------------------------------------------------------------------

    @cached_property
    def exercises(self) -> list[ExerciseFigures]:
        """In the notebook's order. Those that are not graded for everybody have no interval, and are in no figure of the sum."""
        counted = self.result.counted
        most = np.array([item.most for item in counted])
        known: dict[str, tuple[Estimate, Estimate, Estimate, Estimate]] = {}
        if counted:
            facilities = self.estimates(lambda mean, _: mean / np.where(most > 0, most, np.nan), FEWEST_SHARE)
            discriminations = self.estimates(lambda _, cov: stats.discrimination(cov), FEWEST)
            none = [NONE] * len(counted)
            weights = none if self.why_no_reliability else self.estimates(lambda _, cov: stats.effective_weights(cov), RELIABLE)
            alphas = none if self.why_no_reliability or len(counted) <= FEWEST_EXERCISES - 1 else \
                [estimated(value) for value in stats.alpha_without(self.moments[1])]
            known = {item.name: four for item, four in zip(counted, zip(facilities, discriminations, weights, alphas))}
        found = []
        for item, count, mean, share, correlation in items(self.result):
            facility, discrimination, effective, without = known.get(
                item.name, (Estimate(share if count >= FEWEST_SHARE else None), Estimate(correlation), NONE, NONE))
            nominal = item.most / self.result.most if item.name in known and self.result.most else None
            found.append(ExerciseFigures(item, count, mean, facility, discrimination, nominal, effective, without.value,
                                         flags(facility, discrimination)))
        return found

    # --- groups -------------------------------------------------------------------------------------------------

    @cached_property
    def looks(self) -> tuple[list[Look], list[str]]:
        """All comparisons, their p corrected for how many there are, and sentences on what was not compared."""
        made, unseen = [], []
        for kind, names in (("section", self.by_section), ("late", self.by_lateness)):
            some, said = compared(self.result, names, self.seed, only="handed in late" if kind == "late" else None)
            made += some
            unseen += said
        corrected = stats.holm(np.array([look.p for look in made])).tolist()
        return [Look(look.group, look.size, look.exercise, look.difference, p) for look, p in zip(made, corrected)], unseen

    @property
    def by_section(self) -> list[str | None]:
        return [self.sections.get(work.student) for work in self.result.works]

    @property
    def by_lateness(self) -> list[str | None]:
        return [None if work.hours_early is None else "handed in late" if work.hours_early < 0 else "in time" for work in self.result.works]


def estimated(value: float, low: float = np.nan, high: float = np.nan) -> Estimate:
    """An estimate of numbers of NumPy; an interval of no width says nothing and is left out."""
    if not np.isfinite(value):
        return NONE
    if not np.isfinite(low) or high - low < 1e-12:
        return Estimate(float(value))
    return Estimate(float(value), float(low), float(high))


def flags(facility: Estimate, discrimination: Estimate) -> tuple[str, ...]:
    """What to look at: an exercise that (nearly) everybody or nobody solves, and one that does not tell students apart."""
    found = []
    if facility.value is not None and facility.value < TOO_LOW:
        found.append(f"facility is below {TOO_LOW}: hardly anybody earns points")
    if facility.value is not None and facility.value > TOO_HIGH:
        found.append(f"facility is above {TOO_HIGH}: nearly everybody earns all points")
    if (r := discrimination.value) is not None and r < TOO_LOW:
        bound = 0 if r < 0 else TOO_LOW
        sure = discrimination.high is not None and discrimination.high < bound
        found.append(("discrimination is negative" if r < 0 else f"discrimination is below {TOO_LOW}")
                     + ("" if sure else f", but its interval reaches beyond {bound}"))
    if r is not None and r > TOO_HIGH:
        found.append(f"discrimination is above {TOO_HIGH}: it asks what the others ask")
    return tuple(found)


def compared(result: ClassResult, names: list[str | None], seed: int, only: str | None = None) -> tuple[list[Look], list[str]]:
    """Each group against all others, in the whole and exercise by exercise, p not corrected yet; `only`: the one group to tell of."""
    sizes: dict[str, int] = {}
    for name in names:
        if name is not None:
            sizes[name] = sizes.get(name, 0) + 1
    groups = sorted(name for name, size in sizes.items() if size >= FEWEST_GROUP)
    small = [f"{name}: {size}" for name, size in sorted(sizes.items()) if size < FEWEST_GROUP]
    said = [f"Not compared, for fewer than {FEWEST_GROUP} are in it: {'; '.join(small)}."] if small and len(sizes) > 1 else []
    if len(groups) < 2 or not result.counted:
        return [], said
    rows = np.array([number for number, name in enumerate(names) if name in set(groups)])
    most = np.array([result.most, *(item.most for item in result.counted)], dtype=float)
    values = np.column_stack([result.totals, result.table])[rows] / np.where(most > 0, most, 1)
    difference, p = stats.differences(values, np.array([groups.index(names[row]) for row in rows]), seed)
    exercises = [None, *(item.name for item in result.counted)]
    return [Look(group, sizes[group], exercise, float(difference[i, j]), float(p[i, j]))
            for i, group in enumerate(groups) if only in (None, group) for j, exercise in enumerate(exercises)], said
