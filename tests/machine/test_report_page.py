"""`course report`: numbers that can be checked by hand, a page that needs nothing from elsewhere, tables that are safe."""

import base64
import csv
import io
import math
import re
from collections import namedtuple

import numpy as np
import pytest
from rich.console import Console

from grading.notebooks.record import CheckRecord, Outcome
from grading.tools import analysis, figures, figures_page, report
from grading.tools.analysis import ClassResult, Item, Work
from grading.watch.history import Way, until_right
from tests.conftest import SUBMISSIONS, points_due

Checked = namedtuple("Checked", "checks")     # what of a row of the watcher's log counts here
OUTSIDE = re.compile(r"""(src|href)="(?!data:|#)|url\((?!data:)|@import|<script|<link|<iframe|https?://""")


def check(outcome, misconception=None):
    return CheckRecord("test_easy_values", "gives <b>right</b> values", 1, True, Outcome(outcome), misconception)


def made_up(points):
    """A class of which `points` are [(easy of 2, hard of 4, essay or None)]."""
    works = [Work(f"=student{n}", f"submission {n}", {"easy": float(easy), "hard": float(hard), "essay": essay},
                  {("easy", "test_easy_values"): check("passed" if easy else "failed", None if easy else "forgot & <lost>")},
                  ["essay has no score yet"] if essay is None else [], 5.0 - n)
             for n, (easy, hard, essay) in enumerate(points)]
    return ClassResult("ps1", [Item("easy", 2, False), Item("hard", 4, False), Item("essay", 5, True)], works, [("=gone", "submission 9")])


SIX = [(2, 4, None), (2, 3, 5.0), (2, 0, 4.0), (0, 1, 3.0), (0, 0, 1.0), (2, 2, 2.0)]
POINTS = SIX * 4


@pytest.fixture
def result():
    return made_up(POINTS)


def test_facility_is_the_mean_share_of_the_points(result):
    facility = {item.name: share for item, _, _, share, _ in analysis.items(result)}
    assert facility == {"easy": pytest.approx(8 / 12), "hard": pytest.approx(10 / 24), "essay": pytest.approx(15 / 25)}


def test_discrimination_leaves_the_item_itself_out_of_the_total(result):
    easy, hard = [p[0] for p in POINTS], [p[1] for p in POINTS]
    found = {item.name: value for item, *_, value in analysis.items(result)}
    assert found["easy"] == pytest.approx(np.corrcoef(easy, hard)[0, 1]) == found["hard"]


def test_the_point_biserial_of_a_check_is_that_of_the_textbook(result):
    """r = (M1 - M0) / s sqrt(p q), with the standard deviation s of the whole class."""
    (count,) = analysis.checks(result)
    rest = np.array([p[1] for p in POINTS], dtype=float)
    passed = np.array([p[0] > 0 for p in POINTS])
    p = passed.mean()
    wanted = (rest[passed].mean() - rest[~passed].mean()) / rest.std() * math.sqrt(p * (1 - p))
    assert count.discrimination == pytest.approx(wanted) and count.rate == pytest.approx(4 / 6)


@pytest.mark.parametrize("points", [POINTS[:19], [(2, n % 5, 1.0) for n in range(25)]], ids=["too few", "all the same"])
def test_where_a_correlation_says_nothing_there_is_none(points):
    assert analysis.checks(made_up(points))[0].discrimination is None


def test_an_item_that_is_not_graded_for_everybody_is_in_no_total(result):
    assert [item.name for item in result.pending] == ["essay"] and result.most == 6
    assert "left out of all totals: essay" in report.as_page(result)


def test_known_mistakes_are_counted_once_for_each_submission(result):
    assert analysis.mistakes(result) == [("easy", "forgot & <lost>", 8)]


# --- figures of the class ------------------------------------------------------------------------------------------

NAMES = ("easy", "middling", "hard", "odd")


def a_class(students, late=0, sections=(), gains=0.0):
    """A class of four exercises of which one ability moves three; `odd` goes against it, `easy` is solved by nearly all.

    `late` students were late and lost a tenth; who is in the first of `sections` gains in `middling`.
    """
    chance = np.random.default_rng(students)
    ability = chance.normal(size=students)
    share = {"easy": np.where(chance.random(students) < 0.98, 1.0, 0.5), "middling": 0.5 + 0.15 * (ability + 0.6 * chance.normal(size=students)),
             "hard": 0.3 + 0.15 * (ability + 0.6 * chance.normal(size=students)), "odd": 0.5 - 0.1 * ability + 0.1 * chance.normal(size=students)}
    works = []
    for n in range(students):
        points = {name: 4 * float(np.clip(share[name][n] + (gains if sections and name == "middling" and n % len(sections) == 0 else 0), 0, 1))
                  for name in NAMES}
        penalty = round(sum(points.values()) / 10, 2) if n < late else 0.0
        works.append(Work(f"student-{n:02}", f"submission {n:02}", points, {}, [], -1.0 if n < late else 5.0, penalty,
                          sum(points.values()) - penalty))
    section = {work.student: sections[n % len(sections)] for n, work in enumerate(works)} if sections else {}
    return figures.ClassFigures(ClassResult("ps1", [Item(name, 4, False) for name in NAMES], works, []), section)


@pytest.fixture(scope="module")
def whole_page():
    """A page that has every section."""
    found = a_class(80, late=12, sections=("A", "B"), gains=0.4)
    return report.as_page(found.result, False, [Way(f"student-{n:02}", 0.0, 5, {}, {"easy": 1}) for n in range(5)], found)


@pytest.mark.parametrize(("students", "shown"), [(4, set()), (5, {"facility"}), (19, {"facility"}), (20, {"facility", "discrimination"}),
                                                 (29, {"facility", "discrimination"}),
                                                 (30, {"facility", "discrimination", "effective", "alpha", "omega", "standard_error"})])
def test_each_figure_is_shown_from_its_smallest_class_on(students, shown):
    found = a_class(students)
    hard = next(one for one in found.exercises if one.item.name == "hard")
    values = {name: getattr(hard, name).value for name in ("facility", "discrimination", "effective")} | {
        name: getattr(found, name).value for name in ("alpha", "omega", "standard_error")}
    assert {name for name, value in values.items() if value is not None} == shown
    assert (hard.alpha_without is not None) == ("alpha" in shown)
    assert (hard.facility.low is not None) == (students >= figures.FEWEST_INTERVAL)
    assert ("is shown from 30 on" in figures_page.reliability_section(found)) == ("alpha" not in shown)


def test_reliability_is_of_exercises_and_what_nobody_graded_is_in_none_of_it():
    found = a_class(40)
    table = np.array([[work.points[name] for name in NAMES] for work in found.result.works])
    cov = np.cov(table.T)
    assert found.alpha.value == pytest.approx(4 / 3 * (1 - np.trace(cov) / cov.sum()))
    assert found.alpha.low < found.alpha.value < found.alpha.high
    found.result.works[0].points["odd"] = None
    again = figures.ClassFigures(ClassResult("ps1", found.result.items, found.result.works, []))
    rest = np.cov(table[:, :3].T)
    assert again.alpha.value == pytest.approx(3 / 2 * (1 - np.trace(rest) / rest.sum()))
    odd = again.exercises[-1]
    assert odd.count == 39 and odd.facility.value is not None and odd.facility.low is None and odd.effective.value is None


def test_two_exercises_have_no_reliability_and_the_page_says_why():
    found = figures.ClassFigures(made_up([(2, n % 5, None) for n in range(40)]))
    assert "takes 3 exercises" in found.why_no_reliability and found.why_no_reliability in figures_page.reliability_section(found)


def test_flags_name_what_is_too_easy_too_hard_or_against_the_rest():
    flagged = {one.item.name: " ".join(one.flags) for one in a_class(80).exercises}
    assert "above 0.95" in flagged["easy"] and "negative" in flagged["odd"] and "interval" not in flagged["odd"]
    assert flagged["middling"] == flagged["hard"] == ""
    none, estimate = figures.NONE, figures.Estimate
    assert "below 0.1: hardly" in figures.flags(estimate(0.05), none)[0]
    assert figures.flags(none, estimate(0.05, -0.2, 0.3)) == ("discrimination is below 0.1, but its interval reaches beyond 0.1",)
    assert figures.flags(none, estimate(0.97)) and not figures.flags(estimate(0.5), estimate(0.5)) and not figures.flags(none, none)


def test_a_difference_between_sections_is_told_where_it_is_and_nowhere_else():
    looks, unseen = a_class(80, sections=("A", "B"), gains=0.4).looks
    assert {(look.group, look.exercise) for look in looks if look.exercise and look.p < figures.SURE} == {("A", "middling"), ("B", "middling")}
    assert not unseen and len(looks) == 10, "each section in the whole and in four exercises"
    looks, _ = a_class(80, sections=("A", "B")).looks
    assert all(look.p > figures.SURE for look in looks)


def test_small_groups_are_named_and_not_compared():
    found = a_class(40, late=9, sections=("A", "B", "C", "D", "E"))
    looks, unseen = found.looks
    assert looks == [] and "A: 8; B: 8" in unseen[0] and "handed in late: 9" in unseen[1]
    assert "A: 8" in figures_page.groups_section(found)


def test_late_submissions_are_compared_with_those_in_time_before_the_penalty():
    looks, _ = a_class(40, late=12).looks
    assert {look.group for look in looks} == {"handed in late"} and all(look.p > figures.SURE for look in looks)


def test_scores_before_and_after_the_late_policy_stand_side_by_side():
    found = a_class(40, late=12)
    text = figures_page.late_section(found.result)
    before = found.result.totals
    after = before - [work.penalty for work in found.result.works]
    assert "12 of 40 submissions lost points" in text
    for scores in (before, after):
        assert f">{scores.mean():.2f}".rstrip("0") in text
    assert figures_page.late_section(a_class(40).result) == ""


def test_attempts_are_shown_where_the_log_has_them():
    right = [1, 1, 2, 5, None]
    ways = [Way(f"student-{n:02}", 0.0, 5, {}, {"easy": number, "hard": None} if n else {"easy": number}) for n, number in enumerate(right)]
    text = figures_page.attempts_section(ways, NAMES)
    assert ">easy</th><td class=\"number\">5</td>" + "".join(f"<td class=\"number\">{n}</td>" for n in (2, 1, 0, 1, 1)) in text
    assert "hard" not in text, "four students are too few"
    assert figures_page.attempts_section([], NAMES) == ""


def test_the_log_says_at_which_answer_an_exercise_was_right():
    rows = [Checked({"easy": [1, 2, ["a"]], "hard": [0, 3, ["b", "c"]]}), Checked({"easy": [2, 2]}), Checked({"easy": [1, 2, ["a"]], "hard": [1, 3, ["b"]]})]
    assert until_right(rows) == {"easy": 2, "hard": None}


def test_every_figure_of_the_page_is_explained_in_one_sentence_with_its_smallest_class(whole_page):
    for name, figure in figures.FIGURES.items():
        assert f">{name}</th><td>" in whole_page, name
        assert figure.says.count(". ") == 0 and figure.says.endswith("."), "one sentence"
    heads = set(re.findall(r'<th scope="col">([^<]+)</th>', whole_page))
    assert heads & set(figures.FIGURES) == {"facility", "discrimination", "nominal weight", "effective weight", "alpha without it", "difference", "corrected p"}


def test_each_picture_has_its_numbers_in_a_table_and_no_colour(whole_page):
    for picture in re.findall(r"<figure>.*?</figure>", whole_page, re.DOTALL):
        assert "<table>" in whole_page[whole_page.index(picture):][len(picture):len(picture) + 300]
        svg = base64.b64decode(re.search(r"base64,([^\"]+)", picture)[1]).decode()
        colours = re.findall(r"#([0-9a-f]{6})", svg)
        assert colours and all(c[:2] == c[2:4] == c[4:] for c in colours)


def test_the_table_of_figures_holds_what_the_page_shows():
    found = a_class(40)
    rows = list(report.exercise_rows(found))
    assert all(len(row) == len(rows[0]) for row in rows)
    last, hard = dict(zip(rows[0], rows[-1])), dict(zip(rows[0], rows[3]))
    assert last["alpha"] == round(found.alpha.value, 4) and last["omega low"] == round(found.omega.low, 4)
    assert hard["exercise"] == "hard" and hard["discrimination high"] == round(found.exercises[2].discrimination.high, 4)


# --- the page -------------------------------------------------------------------------------------------------------

def test_the_page_needs_nothing_from_elsewhere_and_escapes_what_it_shows(result):
    text = report.as_page(result, names=True)
    assert not OUTSIDE.findall(text)
    assert "default-src 'none'" in text
    assert "forgot &amp; &lt;lost&gt;" in text and "gives &lt;b&gt;right" in text


def test_every_picture_has_a_text_and_every_table_its_headers(result):
    text = report.as_page(result)
    assert text.count("<img alt=\"") == text.count("<img ") > 2 and 'alt=""' not in text
    tables = re.findall(r"<table>.*?</table>", text, re.DOTALL)
    assert tables and all("<caption>" in t and 'scope="col"' in t and 'scope="row"' in t for t in tables)
    assert '<html lang="en">' in text and text.count("<h1>") == 1


def test_the_page_is_the_same_each_time(result):
    assert report.as_page(result) == report.as_page(made_up(POINTS))


def test_names_appear_only_when_asked_for(result):
    assert "=student" not in report.as_page(result) and "=gone" not in report.as_page(result)
    assert "=student0" in report.as_page(result, names=True)


def test_no_cell_of_the_tables_is_a_formula(result, tmp_path):
    report.write_csv(tmp_path / "class.csv", report.submission_rows(result, names=True))
    with open(tmp_path / "class.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1][0] == "'=student0" and rows[-1][0] == "'=gone"
    assert not [cell for row in rows for cell in row if cell[:1] in "=+@\t\r" and cell]
    assert all(len(row) == len(rows[0]) for row in rows)


def test_labels_say_nothing_of_the_order_of_names():
    names = [f"student{n:02}" for n in range(12)]
    labels = analysis.labels_of("ps1", names)
    assert sorted(labels.values()) == [f"submission {n:02}" for n in range(1, 13)]
    assert [labels[name] for name in names] != sorted(labels.values())
    assert labels == analysis.labels_of("ps1", names[::-1])


@pytest.mark.sandbox
def test_a_graded_class_gives_page_and_tables_without_a_name(golden_class, tmp_path):
    root, _ = golden_class["ps1"]
    report.report(Console(file=io.StringIO()), root, "ps1", False, tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert not OUTSIDE.findall(text)
    for student in (path.name for path in (root / "autograded").iterdir() if "-" in path.name):
        assert student not in text
    assert "evaluated at y instead of z" in text and "explain_activations has no score yet" in text
    with open(tmp_path / "r.csv", newline="") as file:
        sums = sorted(float(row["sum"]) for row in csv.DictReader(file))
    assert sums[-1] == max(points_due(case.parent) for case in SUBMISSIONS.glob("ps1/*/due.json")) and sums[0] == 0
    assert (tmp_path / "r-checks.csv").read_text().startswith("exercise,check,core,passed")
