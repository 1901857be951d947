"""The statistics of `course report`: against published figures, and on simulated classes whose truth is known."""

import itertools
import statistics

import numpy as np
import pytest

from grading.tools import psychometrics as stats

# R's `datasets::attitude` (Chatterjee and Price, Regression Analysis by Example, 1977): 30 departments, 7 questions.
ATTITUDE = np.array([float(number) for number in """
43 51 30 39 61 92 45  63 64 51 54 63 73 47  71 70 68 69 76 86 48  61 63 45 47 54 84 35  81 78 56 66 71 83 47  43 55 49 44 54 49 34
58 67 42 56 66 68 35  71 75 50 55 70 66 41  72 82 72 67 71 83 31  67 61 45 47 62 80 41  64 53 53 58 58 67 34  67 60 47 39 59 74 41
69 62 57 42 55 63 25  68 83 83 45 59 77 35  77 77 54 72 79 77 46  81 90 50 72 60 54 36  74 85 64 69 79 79 63  65 60 65 75 55 80 60
65 70 46 57 75 85 46  50 58 68 54 64 78 52  50 40 33 34 43 64 33  64 61 52 62 66 80 41  53 66 52 50 63 80 37  40 37 42 58 50 57 49
63 54 42 48 66 75 33  66 77 66 63 88 76 72  78 75 58 74 80 78 49  48 57 44 45 51 83 38  85 85 71 71 77 74 55  82 82 39 59 64 78 39
""".split()]).reshape(30, 7)
# R's `datasets::ability.cov` (Bartholomew, Latent Variable Models and Factor Analysis, 1987): covariances of six tests, the lower triangle.
ABILITY = [24.641, 5.991, 6.700, 33.520, 18.137, 149.831, 6.023, 1.782, 19.424, 12.711, 20.755, 4.936, 31.430, 4.757, 52.604,
           29.701, 7.204, 50.753, 9.075, 66.762, 135.292]
LOADINGS = np.array([0.8, 0.7, 0.6, 0.9, 0.5, 0.7])
SPREADS = np.array([2.0, 1.0, 3.0, 1.5, 2.0, 4.0])


def ability():
    cov = np.zeros((6, 6))
    cov[np.tril_indices(6)] = ABILITY
    return np.tril(cov) + np.tril(cov, -1).T


def population():
    """Covariances of six exercises that one factor joins."""
    correlations = np.outer(LOADINGS, LOADINGS)
    np.fill_diagonal(correlations, 1)
    return correlations * np.outer(SPREADS, SPREADS)


def simulated(n, seed, classes=1):
    """Classes (classes, n, 6) drawn from `population`."""
    return np.random.default_rng(seed).multivariate_normal(np.full(6, 5.0), population(), size=(classes, n))


# --- against published figures ------------------------------------------------------------------------------------

def test_alpha_and_alpha_without_an_item_are_those_of_the_psych_package():
    """`psych::alpha(attitude)`, the example of its manual: raw_alpha of the whole and of the rest without each item."""
    _, cov = stats.moments(ATTITUDE)
    assert round(float(stats.alpha(cov)), 3) == 0.843
    assert stats.alpha_without(cov).round(3).tolist() == [0.810, 0.797, 0.828, 0.803, 0.795, 0.864, 0.840]


def test_the_one_factor_is_that_of_factanal():
    """`factanal(factors = 1, covmat = ability.cov)`, the example of R's own page on these data: its uniquenesses."""
    loading, error = stats.one_factor(ability())
    assert (error / np.diag(ability())).round(3).tolist() == [0.535, 0.853, 0.748, 0.910, 0.232, 0.280]
    assert np.allclose(loading**2 + error, np.diag(ability()), rtol=1e-5), "maximum likelihood keeps every variance"


def test_discrimination_and_weights_are_those_of_numpy_on_real_data():
    mean, cov = stats.moments(ATTITUDE)
    total = ATTITUDE.sum(axis=1)
    assert np.allclose(mean, ATTITUDE.mean(axis=0)) and np.allclose(cov, np.cov(ATTITUDE.T))
    assert np.allclose(stats.discrimination(cov), [np.corrcoef(item, total - item)[0, 1] for item in ATTITUDE.T])
    assert np.allclose(stats.effective_weights(cov), [np.cov(item, total)[0, 1] / total.var(ddof=1) for item in ATTITUDE.T])
    assert stats.effective_weights(cov).sum() == pytest.approx(1)
    assert stats.standard_error(cov, stats.alpha(cov)) == pytest.approx(total.std(ddof=1) * (1 - 0.8431428)**0.5, rel=1e-5)


# --- where the truth is known -------------------------------------------------------------------------------------

def test_of_its_own_covariances_a_factor_is_found_exactly():
    loading, error = stats.one_factor(population())
    assert np.allclose(loading, LOADINGS * SPREADS, atol=1e-4)
    assert np.allclose(error, (1 - LOADINGS**2) * SPREADS**2, rtol=1e-3)


def test_where_all_exercises_measure_alike_omega_is_alpha_and_else_alpha_is_below_it():
    alike = np.full((5, 5), 0.4) + 0.6 * np.eye(5)
    assert stats.omega(alike) == pytest.approx(stats.alpha(alike), abs=1e-5) == 5 * 0.4 / (1 + 4 * 0.4)
    assert stats.alpha(population()) < stats.omega(population())


def truth():
    common, whole = (LOADINGS * SPREADS).sum()**2, population().sum()
    return {"omega": common / whole, "alpha": float(stats.alpha(population())), "discrimination": float(stats.discrimination(population())[0]),
            "mean": 5.0}


def figures_of(mean, cov):
    return {"omega": stats.omega(cov), "alpha": stats.alpha(cov), "discrimination": stats.discrimination(cov)[..., 0], "mean": mean[..., 0]}


def test_a_large_class_gives_the_true_figures():
    found = figures_of(*stats.moments(simulated(20_000, 1)[0]))
    assert {name: round(abs(float(found[name]) - true), 1) for name, true in truth().items()} == dict.fromkeys(found, 0)
    assert found["omega"] == pytest.approx(truth()["omega"], abs=0.01)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """95 of 100 are promised; of 60 classes of 60 students at least 51 have to, for each figure (fewer: 1 in 500)."""
    hits = dict.fromkeys(truth(), 0)
    for number, points in enumerate(simulated(60, 2, classes=60)):
        for name, samples in figures_of(*stats.resampled(points, number, 200)).items():
            low, high = stats.interval(samples, 60)
            hits[name] += low <= truth()[name] <= high
    assert all(51 <= count for count in hits.values()), hits


def test_an_interval_is_moved_outwards_by_what_few_students_ask_for():
    """Of 10 students Student's 2.262, times the root of 10 / 9: the percentiles of 2.385 normal deviations."""
    samples = np.array([statistics.NormalDist().inv_cdf(q) for q in np.linspace(0.00005, 0.99995, 10_000)])
    assert stats.interval(samples, 10).tolist() == pytest.approx([-2.385, 2.385], abs=0.01)
    assert stats.interval(samples, 10**6).tolist() == pytest.approx([-1.96, 1.96], abs=0.01)


def test_an_interval_narrows_with_the_root_of_the_class():
    widths = [np.ptp(stats.interval(stats.alpha(stats.resampled(simulated(n, 3)[0], 1, 400)[1]), n)) for n in (50, 800)]
    assert 2.5 < widths[0] / widths[1] < 6.5


def test_a_bootstrap_by_counts_is_one_by_rows():
    points = simulated(25, 4)[0]
    counts = next(stats.drawn(np.random.default_rng(7), 25, 3))
    assert counts.sum(axis=1).tolist() == [25] * 3
    for row, mean, cov in zip(counts, *stats.moments(points, counts)):
        taken = np.repeat(points, row.astype(int), axis=0)
        assert np.allclose(mean, taken.mean(axis=0)) and np.allclose(cov, np.cov(taken.T))


def test_samples_are_the_same_each_time_and_in_pieces(monkeypatch):
    points = simulated(25, 5)[0]
    whole = stats.resampled(points, 1, 50)
    assert all(np.array_equal(*pair) for pair in zip(whole, stats.resampled(points, 1, 50)))
    monkeypatch.setattr(stats, "AT_A_TIME", 25 * 7)
    assert all(np.allclose(*pair) for pair in zip(whole, stats.resampled(points, 1, 50)))


# --- what does not vary -------------------------------------------------------------------------------------------

def test_an_exercise_that_everybody_solves_has_no_discrimination_no_weight_and_harms_nothing():
    points = np.column_stack([simulated(40, 6)[0], np.full(40, 0.1)])
    _, cov = stats.moments(points)
    assert np.isnan(stats.discrimination(cov)[-1]) and np.isfinite(stats.discrimination(cov)[:-1]).all()
    assert stats.effective_weights(cov)[-1] == pytest.approx(0, abs=1e-12)
    assert stats.omega(cov) == pytest.approx(stats.omega(cov[:-1, :-1]), abs=1e-6)
    low, high = stats.interval(stats.discrimination(stats.resampled(points, 1, 50)[1]), 40)
    assert np.isnan(low[-1]) and np.isnan(high[-1]) and (low[:-1] < high[:-1]).all()


def test_a_class_of_equals_has_no_alpha_and_no_warning():
    assert np.isnan(stats.alpha(np.zeros((4, 4)))) and np.isnan(stats.omega(np.zeros((4, 4))))


def test_where_one_exercise_would_be_the_factor_itself_there_is_no_omega():
    """0.9 and 0.9 with two that have 0.1 in common: the first would have to measure more than perfectly."""
    heywood = np.array([[1, 0.9, 0.9], [0.9, 1, 0.1], [0.9, 0.1, 1]])
    assert np.isnan(stats.omega(heywood)) and np.isfinite(stats.alpha(heywood))
    assert np.isfinite(stats.omega(np.stack([heywood, population()[:3, :3]]))).tolist() == [False, True]


# --- groups -------------------------------------------------------------------------------------------------------

def test_a_p_value_is_that_of_all_permutations():
    """A class small enough to try them all."""
    values, groups = np.array([3.0, 5, 4, 1, 2, 2.5, 0.5, 4.5]), np.array([0, 0, 0, 0, 1, 1, 1, 1])

    def welch(mine):
        one, other = values[list(mine)], np.delete(values, list(mine))
        return abs(one.mean() - other.mean()) / np.sqrt(one.var() / 3 + other.var() / 3)
    all_of_them = [welch(mine) for mine in itertools.combinations(range(8), 4)]
    wanted = np.mean([one >= welch((0, 1, 2, 3)) - 1e-9 for one in all_of_them])
    difference, p = stats.differences(values[:, None], groups, 1, 4999)
    assert difference[:, 0].tolist() == pytest.approx([values[:4].mean() - values[4:].mean(), values[4:].mean() - values[:4].mean()])
    assert p[0, 0] == pytest.approx(wanted, abs=0.03) == p[1, 0]


def test_a_difference_that_is_there_is_found_and_of_many_that_are_not_hardly_one():
    chance = np.random.default_rng(8)
    groups = np.arange(90) % 3
    found = 0
    for seed in range(30):
        values = chance.normal(size=(90, 8))
        found += (stats.holm(stats.differences(values, groups, seed, 199)[1]) < 0.05).any()
    assert found <= 5, "1 in 20 classes may show something where nothing is; 6 of 30 are 1 in 300"
    values[groups == 1, 2] += 1.5
    p = stats.holm(stats.differences(values, groups, 1, 1999)[1])
    assert p[1, 2] < 0.05 and (p[:, [0, 1, 3, 4, 5, 6, 7]] > 0.05).all()


def test_groups_that_spread_unequally_are_not_taken_for_different():
    """The small group spreads most: a difference that is not studentised would be found far too often."""
    chance, groups = np.random.default_rng(9), np.repeat([0, 1], [12, 60])
    p = [stats.differences(np.concatenate([chance.normal(0, 4, 12), chance.normal(0, 1, 60)])[:, None], groups, seed, 99)[1][0, 0]
         for seed in range(100)]
    assert np.mean(np.array(p) <= 0.05) <= 0.13


def test_the_correction_is_holms():
    """The worked example of Holm's rule: the smallest is multiplied by how many there are, and none may be below the one before it."""
    assert stats.holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm(np.array([[0.9, 0.8]])).tolist() == [[1, 1]] and stats.holm(np.array([])).size == 0
