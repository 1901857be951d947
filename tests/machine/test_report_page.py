"""`course report`: numbers that can be checked by hand, a page that needs nothing from elsewhere, tables that are safe."""

import csv
import io
import math
import re

import numpy as np
import pytest
from rich.console import Console

from grading.notebooks.record import CheckRecord, Outcome
from grading.tools import analysis, report
from grading.tools.analysis import ClassResult, Item, Work
from tests.conftest import points_in

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


POINTS = [(2, 4, None), (2, 3, 5.0), (2, 0, 4.0), (0, 1, 3.0), (0, 0, 1.0), (2, 2, 2.0)]


@pytest.fixture
def result():
    return made_up(POINTS)


def test_difficulty_is_the_mean_share_of_the_points(result):
    difficulty = {item.name: share for item, _, _, share, _ in analysis.items(result)}
    assert difficulty == {"easy": pytest.approx(8 / 12), "hard": pytest.approx(10 / 24), "essay": pytest.approx(15 / 25)}


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


@pytest.mark.parametrize("points", [POINTS[:4], [(2, n, 1.0) for n in range(5)]], ids=["too few", "all the same"])
def test_where_a_correlation_says_nothing_there_is_none(points):
    assert analysis.checks(made_up(points))[0].discrimination is None


def test_an_item_that_is_not_graded_for_everybody_is_in_no_total(result):
    assert [item.name for item in result.pending] == ["essay"] and result.most == 6
    assert "left out of all totals: essay" in report.as_page(result)


def test_known_mistakes_are_counted_once_for_each_submission(result):
    assert analysis.mistakes(result) == [("easy", "forgot & <lost>", 2)]


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
    assert sums[-1] == sum(points_in().values()) and sums[0] == 0
    assert (tmp_path / "r-checks.csv").read_text().startswith("exercise,check,core,passed")
