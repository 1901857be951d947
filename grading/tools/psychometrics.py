"""Classical test theory on a table of points, in NumPy alone: every function takes arrays and gives arrays.

Shapes: n students (rows), k exercises (columns); `...` are leading axes, one entry for each sample of a bootstrap. All figures
are functions of means and covariances, so a sample costs one row of a matrix product, and a class is walked a fixed number
of times whatever its size. Unknown (nothing varies) is nan.

Sources: L. J. Cronbach, Psychometrika 16 (1951) 297-334 (alpha); R. P. McDonald, Test Theory (1999), chapter 6 (omega of one
factor); D. B. Rubin and D. T. Thayer, Psychometrika 47 (1982) 69-76 (how the factor is fitted); S. Henrysson, Psychometrika 28
(1963) 211-218 (discrimination); B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 14; A. Janssen,
Statistics & Probability Letters 36 (1997) 9-21 (permutations of a studentised difference); S. Holm, Scandinavian Journal of Statistics 6 (1979) 65-70.
"""

from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SAMPLES = 1000          # of a bootstrap
PERMUTATIONS = 4999
AT_A_TIME = 2_000_000   # counts of students that are in memory at once
IMPROPER = 0.005        # share of an exercise's variance: a smaller error is none
ROUNDS = 2000           # of the fit of a factor, at most
CLOSE, NEAR = 1e-7, 1e-5        # the change of a loading at which it ends: for one class, for the samples of a bootstrap


# --- a table and its samples --------------------------------------------------------------------------------------

def moments(points: Floats, counts: Floats | None = None) -> tuple[Floats, Floats]:
    """Means (..., k) and covariances (..., k, k), divisor n - 1, of `points` (n, k); `counts` (..., n) says how often a row is taken."""
    middle = points.mean(axis=0)
    centred = points - middle       # else the squares of large means cancel
    n, k = points.shape
    counts = np.ones(n) if counts is None else counts
    taken = counts.sum(axis=-1)[..., None]
    shift = counts @ centred / taken
    squares = (counts @ (centred[:, :, None] * centred[:, None, :]).reshape(n, k * k)).reshape(*shift.shape, k)
    return middle + shift, (squares - taken[..., None] * shift[..., :, None] * shift[..., None, :]) / (taken[..., None] - 1)


def resampled(points: Floats, seed: int, times: int = SAMPLES) -> tuple[Floats, Floats]:
    """The `moments` of `times` bootstrap samples of the rows of `points` (n, k): (times, k) and (times, k, k)."""
    chance, n = np.random.default_rng(seed), len(points)
    means, covariances = zip(*(moments(points, counts) for counts in drawn(chance, n, times)))
    return np.concatenate(means), np.concatenate(covariances)


def drawn(chance: np.random.Generator, n: int, times: int) -> Iterator[Floats]:
    """How often each of n students is in a sample, (some, n), until there were `times` samples."""
    while times > 0:
        some = min(times, max(1, AT_A_TIME // n))
        picks = chance.integers(n, size=(some, n)) + n * np.arange(some)[:, None]
        yield np.bincount(picks.ravel(), minlength=some * n).reshape(some, n).astype(float)
        times -= some


def interval(samples: Floats, n: int, level: float = 0.95) -> Floats:
    """The interval of `level` around a figure of n students, of its bootstrap samples (times, ...): (2, ...).

    Percentiles, moved outwards as far as n asks for: those of the samples themselves are too narrow by the root of (n - 1) / n and by
    what lies between the normal distribution and Student's (T. Hesterberg, The American Statistician 69, 2015, 371-386, section 5.3). Samples
    without a value are left out.
    """
    z, free = NormalDist().inv_cdf((1 + level) / 2), n - 1
    student = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    outside = NormalDist().cdf(-student * (n / free)**0.5)
    some = np.isfinite(samples).any(axis=0)
    edges = np.nanquantile(np.where(some, samples, 0.0), (outside, 1 - outside), axis=0)
    return np.where(some, edges, np.nan)


# --- reliability of the sum of k exercises, of covariances (..., k, k) ---------------------------------------------

def alpha(cov: Floats) -> Floats:
    """Cronbach's alpha (...): the share of the variance of the sum that is common to the exercises, a lower bound of reliability
    where errors do not go together."""
    k = cov.shape[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(k / (k - 1) * (1 - np.trace(cov, axis1=-2, axis2=-1) / cov.sum(axis=(-2, -1))))


def alpha_without(cov: Floats) -> Floats:
    """Alpha of the other exercises, (..., k): entry i leaves exercise i out. Asks for k >= 3."""
    k = cov.shape[-1]
    rest = [np.delete(np.arange(k), i) for i in range(k)]
    return np.stack([alpha(cov[..., keep[:, None], keep]) for keep in rest], axis=-1)


def one_factor(cov: Floats) -> tuple[Floats, Floats]:
    """Loadings and error variances, (..., k) each, of the one common factor of most likelihood: cov = loadings loadings' + diag(errors).

    Fitted by EM on correlations; an exercise that does not vary has loading and error 0. Asks for k >= 3.
    """
    close = CLOSE if cov.ndim == 2 else NEAR
    scale = np.sqrt(np.clip(np.diagonal(cov, axis1=-2, axis2=-1), 0, None))
    safe = np.where(scale > 0, scale, 1.0)
    r = cov / (safe[..., :, None] * safe[..., None, :])
    diagonal = np.diagonal(r, axis1=-2, axis2=-1)
    sums = np.clip(r.sum(axis=-1), 0.1, None)
    loading = sums / np.sqrt(sums.sum(axis=-1, keepdims=True))      # the centroid's, where the search begins
    loading = np.clip(loading, 0.05, 0.95)
    error = np.maximum(diagonal - loading**2, 1e-3)
    for _ in range(ROUNDS):
        weights = loading / error / (1 + (loading**2 / error).sum(axis=-1, keepdims=True))      # of the factor's regression on r
        with_factor = (r @ weights[..., None])[..., 0]
        spread = 1 - (weights * loading).sum(axis=-1) + (weights * with_factor).sum(axis=-1)
        new = with_factor / spread[..., None]
        error = np.maximum(diagonal - new * with_factor, 1e-6)
        moved, loading = np.abs(new - loading).max(), new
        if moved < close:
            break
    return loading * scale, error * scale**2


def omega(cov: Floats) -> Floats:
    """McDonald's omega (...): the share of the variance of the sum that one common factor makes. Asks for k >= 3.

    nan where one exercise would be the factor itself (a Heywood case): the solution is improper, and what it says is not to be believed.
    """
    loading, error = one_factor(cov)
    common = loading.sum(axis=-1)**2
    own = np.diagonal(cov, axis1=-2, axis2=-1)
    improper = ((own > 0) & (error < IMPROPER * own)).any(axis=-1)
    with np.errstate(invalid="ignore"):
        return np.where(improper, np.nan, common / (common + error.sum(axis=-1)))


def standard_error(cov: Floats, reliability: Floats) -> Floats:
    """The standard error of a sum, in points (...): its standard deviation times the root of what is not reliable."""
    return np.asarray(np.sqrt(cov.sum(axis=(-2, -1)) * np.clip(1 - reliability, 0, None)))


# --- each exercise, of covariances (..., k, k) ----------------------------------------------------------------------

def effective_weights(cov: Floats) -> Floats:
    """The share of the variance of the sum that goes along with each exercise, (..., k): they add up to 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(cov.sum(axis=-1) / cov.sum(axis=(-2, -1))[..., None])


def discrimination(cov: Floats) -> Floats:
    """Pearson's r between each exercise and the sum of the others, (..., k)."""
    own = np.diagonal(cov, axis1=-2, axis2=-1)
    with_sum = cov.sum(axis=-1)
    rest = cov.sum(axis=(-2, -1))[..., None] - 2 * with_sum + own
    small = 1e-12 * (own.max(axis=-1, keepdims=True) + np.abs(rest))     # what rounding leaves of a variance of nothing
    varies = (own > small) & (rest > small)
    return np.where(varies, (with_sum - own) / np.sqrt(np.where(varies, own * rest, 1.0)), np.nan)


# --- groups --------------------------------------------------------------------------------------------------------

def differences(values: Floats, groups: NDArray[np.intp], seed: int, times: int = PERMUTATIONS) -> tuple[Floats, Floats]:
    """How each group stands to all others: mean differences and two-sided p, (g, m) each, of `values` (n, m).

    `groups` (n,) numbers the group of each row, 0 to g - 1, each with two rows or more, and so have the others. p is the share of `times`
    random assignments to groups whose studentised difference is as large, the real one counted in: it asks for no distribution.
    """
    numbers, sizes = np.arange(groups.max() + 1)[:, None], np.bincount(groups)
    centred = values - values.mean(axis=0)
    table, chance = np.hstack([centred, centred**2]), np.random.default_rng(seed)
    whole = table.sum(axis=0)
    difference, real = studentised((groups == numbers).astype(float) @ table, whole, sizes)
    larger = np.ones_like(real)
    for _ in range(times):
        larger += studentised((chance.permutation(groups) == numbers).astype(float) @ table, whole, sizes)[1] >= real - 1e-9
    return difference, larger / (times + 1)


def studentised(sums: Floats, whole: Floats, sizes: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """(difference, its absolute value in standard errors) of each group to the others, (g, m) each; `sums` (g, 2 m) of the groups and
    `whole` (2 m,) of all hold the sums of values and then those of their squares."""
    m = len(whole) // 2
    parts = []
    for part, count in ((sums, sizes[:, None]), (whole - sums, sizes.sum() - sizes[:, None])):
        mean = part[:, :m] / count
        parts.append((mean, np.maximum(part[:, m:] / count - mean**2, 0) / (count - 1)))
    (one, spread), (other, spread_of_others) = parts
    return one - other, np.abs(one - other) / np.sqrt(np.maximum(spread + spread_of_others, 1e-24))


def holm(p: Floats) -> Floats:
    """p values corrected for how many there are, so that one look in twenty at nothing finds something: the same shape as `p`."""
    flat = np.asarray(p, dtype=float).ravel()
    order = np.argsort(flat, kind="stable")
    corrected = np.empty_like(flat)
    corrected[order] = np.minimum(1, np.maximum.accumulate(flat[order] * np.arange(len(flat), 0, -1)))
    return corrected.reshape(np.shape(p))
