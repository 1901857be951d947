"""What waits in the exchange is known before anybody collects, and a collection without --update says what it leaves."""

import datetime
import unicodedata

import pytest
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grading.notebooks.exchange import waiting
from grading.plugins import collect_button
from grading.plugins.collect import Collect
from tests.chromium import chromium, needs_chromium

DAYS = {day: f"2020-01-0{day} 10:00:00 UTC" for day in (1, 2, 3)}


@pytest.fixture
def inbound(tmp_path):
    folder = tmp_path / "exchange" / "gradients" / "inbound"
    folder.mkdir(parents=True)
    return folder


def hand_in(inbound, student, day, assignment="ps1"):
    folder = inbound / f"{student}+{assignment}+{DAYS[day]}+1"
    folder.mkdir()
    (folder / "timestamp.txt").write_text(DAYS[day])
    return folder


def students(inbound, tmp_path):
    return [(one.student, one.when.day, one.again) for one in
            waiting(inbound, "ps1", lambda student: tmp_path / "submitted" / student / "ps1", False)]


def collect(tmp_path, monkeypatch, update=False):
    """What a collection said."""
    config = Config({"Exchange": {"root": str(tmp_path / "exchange")}, "ExchangeCollect": {"check_owner": False},
                     "Collect": {"update": update}})
    one = Collect(coursedir=CourseDirectory(root=str(tmp_path), course_id="gradients", assignment_id="ps1"), config=config)
    said = []
    monkeypatch.setattr(one.log, "warning", lambda words, *values: said.append(words % values))
    one.init_src()
    one.copy_files()
    return said


def test_new_and_newer_submissions_wait_until_they_are_collected(inbound, tmp_path, monkeypatch):
    assert students(inbound / "nowhere", tmp_path) == []
    hand_in(inbound, "a", 1)
    hand_in(inbound, "a", 2)
    hand_in(inbound, "b", 1)
    hand_in(inbound, "b", 1, "ps2")
    (inbound / f"c+ps1+{DAYS[1]}").touch()
    (inbound / "d+ps1+yesterday").mkdir()
    assert students(inbound, tmp_path) == [("a", 2, False), ("b", 1, False)]
    assert collect(tmp_path, monkeypatch) == [] and students(inbound, tmp_path) == []
    hand_in(inbound, "b", 3)
    assert students(inbound, tmp_path) == [("b", 3, True)]


def test_a_collection_without_update_names_what_stays_and_the_command_that_brings_it(inbound, tmp_path, monkeypatch):
    hand_in(inbound, "a", 1)
    collect(tmp_path, monkeypatch)
    hand_in(inbound, "a", 2)
    said, = collect(tmp_path, monkeypatch)
    assert "'a'" in said and "nbgrader collect ps1 --update" in said
    assert collect(tmp_path, monkeypatch, update=True) == [] and students(inbound, tmp_path) == []


def test_what_came_another_way_is_not_overwritten_by_something_older(inbound, tmp_path, monkeypatch):
    hand_in(inbound, "a", 1)
    (tmp_path / "submitted" / "a" / "ps1").mkdir(parents=True)
    assert students(inbound, tmp_path) == [("a", 1, True)]      # an empty folder is nothing
    (tmp_path / "submitted" / "a" / "ps1" / "toy.ipynb").write_text("from the LMS")
    assert students(inbound, tmp_path) == []
    collect(tmp_path, monkeypatch, update=True)
    assert (tmp_path / "submitted" / "a" / "ps1" / "toy.ipynb").read_text() == "from the LMS"
    later = inbound / f"a+ps1+{datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5):%Y-%m-%d %H:%M:%S} UTC+2"
    later.mkdir()
    assert [student for student, _, _ in students(inbound, tmp_path)] == ["a"]


def test_accents_that_are_written_otherwise_are_the_same_student(inbound, tmp_path, monkeypatch):
    hand_in(inbound, unicodedata.normalize("NFD", "zoë"), 1)
    hand_in(inbound, unicodedata.normalize("NFC", "zoë"), 2)
    collect(tmp_path, monkeypatch)
    assert [path.name for path in (tmp_path / "submitted").iterdir()] == [unicodedata.normalize("NFC", "zoë")]
    assert students(inbound, tmp_path) == []


# --- formgrader's button ------------------------------------------------------------------------------------------

def test_the_page_of_assignments_carries_what_waits(inbound, tmp_path):
    hand_in(inbound, "a", 1)
    hand_in(inbound, "b", 2)
    for name in ("ps1", "ps2"):
        (tmp_path / "source" / name).mkdir(parents=True)
    course = CourseDirectory(root=str(tmp_path), course_id="gradients")
    config = Config({"Exchange": {"root": str(tmp_path / "exchange")}, "ExchangeCollect": {"check_owner": False}})
    assert collect_button.counts(course, config) == {"ps1": 2}


@needs_chromium
def test_formgraders_button_says_how_many_wait_until_it_is_clicked(tmp_path):
    page_of = "<html><head></head><body><table><tr><td class='name'>ps1</td><td class='collect'></td></tr></table></body></html>"
    (tmp_path / "page.html").write_text(collect_button.with_counts(page_of, {"ps1": 2, "</script><b>": 1}))
    with chromium() as browser:
        page = browser.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        draw = "document.querySelector('.collect').innerHTML = '<a href=\"#\">cloud</a>'"
        page.evaluate(draw)
        page.wait_for_selector(".collect .badge")
        assert page.locator(".collect a").inner_text() == "cloud 2"
        assert page.locator(".collect a").get_attribute("title") == "2 submissions wait in the exchange"
        page.locator(".collect a").click()
        page.evaluate(draw)
        page.evaluate("new Promise(resolve => setTimeout(resolve, 50))")
        assert page.locator(".badge").count() == 0
