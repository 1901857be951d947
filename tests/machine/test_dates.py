"""Dates as people write them have one meaning or are refused, and are shown in the course's time zone."""

import io
import subprocess
import sys
import warnings
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook
from rich.console import Console
from traitlets.config import Config
from typer.testing import CliRunner

from grading.notebooks import dates
from grading.notebooks.head import deadline_in, show_deadline
from grading.plugins.deadlines import from_dialog
from grading.root import CourseError
from grading.tools import deadlines
from grading.tools.cli import app

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 21)
NOON = datetime(2026, 11, 30, 11)       # in Berlin


@pytest.mark.parametrize("text", [
    "30 Nov 12:00", "Nov 30 12:00", "30. November 2026 um 12:00 Uhr", "2026-11-30 12:00", "2026-11-30T12:00:00+01:00", "2026/11/30 12:00",
    "2026-11-30T11:00:00Z", "2026-11-30 11:00 UTC", "30.11.2026 12:00", "30.11. 12:00", "Mon 30 Nov 12:00", "monday noon",
    "30 Nov 12pm", "11/30/2026 12:00", "30/11/2026 12:00", "30th November at 12:00", "2026-11-30 12:00 CET", "2026-11-30 12:00 +0100",
    "2026-11-30 06:00 America/New_York", "Nov 30, 2026 12:00 PM", "12:00 30 NOV", "2026-11-30 12:00 UTC+1", "30.11.2026 12 Uhr",
    "Mon 30 Nov 2026, 12:00 CET (Europe/Berlin)", "30 Nov 06:00 EST (America/New_York)", "30 Nov 06:00 (America/New_York)"])
def test_a_date_is_read_as_people_write_it(text):
    assert dates.read_moment(text, BERLIN, NOW) == NOON


@pytest.mark.parametrize(("text", "why"), [
    ("30 Nov", "no time of day"), ("30 Nov midnight", "23:59, or 00:00"), ("03/04/2026 12:00", "of March or of April"),
    ("20 Nov 12:00", "which year"), ("31 Feb 12:00", "no such day"), ("2027-03-28 02:30", "skips that time"),
    ("2026-10-25 02:30", "twice"), ("2026-11-30 12:00 EST", "EST"), ("2026-11-30 12:00 Europe/Londn", "Europe/London"),
    ("30 Nov 25:00", "no time 25:00"), ("soon 12:00", "no date"), ("² Nov 12:00", "no date"), ("Tue 30 Nov 12:00", "is a Monday"), ("30 Nov 12:00 13:00", "more than one"),
    ("30 31 Nov 12:00", "which number"), ("2026-13-01 12:00", "no such day"), ("", "no time"),
    ("30 Nov 99999 12:00", "no date"), ("30 Nov 2026 12:00 CEST (Europe/Berlin)", "CEST"), ("30 Nov 12:00 (Europe/Berln)", "Europe/Berlin")])
def test_what_has_two_meanings_or_none_is_refused(text, why):
    with pytest.raises(CourseError, match=why):
        dates.read_moment(text, BERLIN, NOW)


def test_a_moment_is_shown_with_its_zone():
    assert dates.shown_moment(NOON, BERLIN) == "Mon 30 Nov 2026, 12:00 CET (Europe/Berlin)"
    assert dates.shown_moment(NOON, ZoneInfo("Etc/UTC")) == "Mon 30 Nov 2026, 11:00 UTC"
    assert dates.shown_moment(NOON, ZoneInfo("America/Sao_Paulo")) == "Mon 30 Nov 2026, 08:00 UTC-03 (America/Sao_Paulo)"


def test_days_are_calendar_days_when_the_clocks_change():
    friday = datetime(2026, 10, 23, 10)     # 12:00 CEST
    assert dates.later(friday, BERLIN, days=3) - friday == timedelta(hours=73)
    assert dates.apart(friday, friday + timedelta(hours=73), BERLIN) == (3, timedelta(0))


@pytest.mark.parametrize(("before", "days", "hours"), [
    ("2026-10-24 21:00", 0, 5), ("2026-10-24 21:00", 1, 5), ("2026-10-24 21:00", 0, 24), ("2026-03-28 22:00", 0, 5), ("2026-03-28 22:00", 3, 0),
    ("2026-11-30 11:00", 0, 3), ("2026-11-30 11:00", 2, 23), ("2026-11-30 11:00", -1, 5), ("2026-10-24 01:30", 1, 0)])
def test_what_an_extension_was_given_in_is_found_again_over_a_clock_change(before, days, hours):
    before = datetime.fromisoformat(before)
    assert dates.apart(before, dates.later(before, BERLIN, days, hours), BERLIN) == (days, timedelta(hours=hours))


def test_a_zone_that_does_not_exist_is_said_and_the_machines_is_the_default(monkeypatch):
    with pytest.raises(CourseError, match=r"c.Course.timezone.*'Europe/Berln'.*Europe/Berlin"):
        dates.zone_called("Europe/Berln")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert dates.zone_called(None).key == "Asia/Tokyo"


# --- the head of a notebook -------------------------------------------------------------------------------------

def test_the_head_shows_the_deadline_once_and_the_newest():
    nb = new_notebook(cells=[new_markdown_cell("# Title\n\nText."), new_code_cell("1")])
    for words in ("Monday, 12:00 CET", "Tuesday, 12:00 CET"):
        show_deadline(nb, words)
        assert nb.cells[0].source == f"# Title\n\n**Hand in until {words}.**\n\nText." and deadline_in(nb) == words
    assert show_deadline(nb, None).cells[0].source == "# Title\n\nText." and deadline_in(nb) is None
    nbformat.validate(show_deadline(new_notebook(cells=[new_code_cell("1")]), "Monday"))


# --- in a course ------------------------------------------------------------------------------------------------

@pytest.fixture
def course(course_folder):
    root = course_folder("ps1")
    with open(root / "nbgrader_config.py", "a") as file:
        file.write('\nc.Course.timezone = "Europe/Berlin"\nc.LatePolicy.percent_per_day = 10.0\n')
    return root


def due(root, *arguments):
    said = io.StringIO()
    deadlines.due(Console(file=said, width=200), root, "ps1", *arguments)
    return said.getvalue()


def extend(root, *arguments):
    said = io.StringIO()
    deadlines.extend(Console(file=said, width=200), root, "ps1", *arguments)
    return said.getvalue()


def row_of(root, student):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        submission = book.find_submission("ps1", student)
        return submission.assignment.duedate and submission.duedate, submission.late_submission_penalty


def test_a_deadline_and_extensions_are_kept_over_a_clock_change_and_penalties_follow(course):
    assert "has no deadline. Set one: course due ps1" in due(course)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.add_student("student-01", first_name="S")
        submission = book.add_submission("ps1", "student-01", timestamp="2026-10-26 12:00:00 UTC")
        for grade in submission.notebooks[0].grades:
            grade.auto_score, grade.needs_manual_grade = 0.0, False
        submission.notebooks[0].grades[0].auto_score = 3.0
        book.db.commit()
    said = due(course, "2026-10-25 12:00")
    assert "ps1 is due Sun 25 Oct 2026, 12:00 CET (Europe/Berlin)." in said
    assert "student-01: 0.6 points are taken off for being late, not 0." in said
    assert "until Tue 27 Oct 2026, 12:00 CET" in (said := extend(course, "student-01", 2, 0)) and "0 points are taken off" in said
    due(course, "2026-10-23 12:00")     # two days later the clock has not changed yet, with three it has
    assert row_of(course, "student-01")[0] == datetime(2026, 10, 25, 11), "the same time on the wall"
    assert "ps1: student-01 until Sun 25 Oct 2026, 12:00 CET (Europe/Berlin) (2 days more)" in due(course)
    assert "ps1 has no deadline now" in due(course, None, True)
    assert not row_of(course, "student-01")[1]


def test_an_extension_for_nobody_is_refused_with_near_names_and_new_insists(course):
    due(course, "2026-11-30 12:00")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.add_student("student-01")
    with pytest.raises(CourseError, match=r"Nobody in this course is called studnet-01. Did you mean student-01\?.*--new"):
        extend(course, "studnet-01", 1, 0)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert [row.id for row in book.students] == ["student-01"]
    with warnings.catch_warnings(action="error"):       # nbgrader's would stand on the terminal
        assert "newcomer may hand in ps1 until Tue 1 Dec 2026, 18:00 CET" in extend(course, "newcomer", 1, 6, True)
    screen = io.StringIO()
    deadlines.show_extensions(Console(file=screen, width=200), course)
    assert screen.getvalue() == "ps1: newcomer until Tue 1 Dec 2026, 18:00 CET (Europe/Berlin) (1 day 6 hours more)\n"


def run(root, *arguments):
    """(exit status, what `course ...` says) in this process."""
    result = CliRunner().invoke(app, [*arguments, "--course", str(root)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_odd_words_of_an_instructor_are_said_to_be_odd_and_change_nothing(course):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.add_student("student-01")
    run(course, "due", "ps1", "30 Nov 2026 12:00")
    before = row_of_assignment(course)
    for said, arguments in {
            "Europe/Berlin": ["due", "ps1", "1 Dec 2026 12:00 Europe/Berln"], "EST": ["due", "ps1", "1 Dec 2026 12:00 EST"],
            "no assignment ps9": ["due", "ps9", "1 Dec 2026 12:00"], "no assignment ps8": ["extend", "ps8", "student-01", "--days", "1"],
            "greater than or equal": ["extend", "ps1", "student-01", "--days", "-3"], "less than or equal": ["extend", "ps1", "student-01", "--days", "99999999999"],
            "integer": ["extend", "ps1", "student-01", "--days", "1.5"], "Did you mean student-01?": ["extend", "ps1", "studnet-01"],
            "'' is nobody's id": ["extend", "ps1", "", "--days", "1"], "'../x' is nobody's id": ["extend", "ps1", "../x", "--days", "1"]}.items():
        status, output = run(course, *arguments)
        assert status and said in output and row_of_assignment(course) == before, output
    assert "That moment has passed" in run(course, "due", "ps1", "30 Nov 1999 12:00")[1]


def test_who_asks_for_an_extension_without_saying_how_long_is_told_and_takes_none_back(course):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.add_student("student-01")
        book.add_student("student-02")
    run(course, "due", "ps1", "30 Nov 2026 12:00")
    run(course, "extend", "ps1", "student-01", "--days", "2")
    line = "ps1: student-01 until Wed 2 Dec 2026, 12:00 CET (Europe/Berlin) (2 days more)"
    assert run(course, "extend", "ps1", "student-01") == run(course, "extend", "ps1") == run(course, "extend") == (0, line)
    assert run(course, "extend", "ps1", "student-02") == (0, "student-02 has no more time for ps1.")
    assert "until Mon 30 Nov 2026" in run(course, "extend", "ps1", "student-01", "--days", "0")[1]
    assert run(course, "extend") == (0, "Nobody has more time.")


def row_of_assignment(root):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        return book.find_assignment("ps1").duedate, [row.id for row in book.students]


def test_nbgraders_own_command_takes_a_deadline_without_zone_for_the_courses_and_says_so(course, nbgrader_together):
    good, bad = nbgrader_together([(["db", "assignment", "add", "ps1", "--duedate=2026-11-30 12:00"], course),
                                   (["db", "assignment", "add", "ps1", "--duedate=2026-11-30 12:00 MEZZ"], course)])
    assert good.returncode == 0 and "is Mon 30 Nov 2026, 12:00 CET (Europe/Berlin)" in good.stdout
    assert bad.returncode != 0 and "MEZZ" in bad.stdout and "Traceback" not in bad.stdout
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert book.find_assignment("ps1").duedate == NOON


def test_the_commands_are_there():
    done = subprocess.run([sys.executable, "-m", "grading", "--help"], capture_output=True, text=True)
    assert all(word in done.stdout for word in ("class", "due", "extend"))


@pytest.mark.parametrize(("when", "offset", "utc"), [
    ("2026-11-30T12:00", "+0200", datetime(2026, 11, 30, 11)),      # as it stood there when summer's deadline was shown
    ("2026-07-02T12:00", "+0200", datetime(2026, 7, 2, 10)), ("2026-11-30T12:00", "", datetime(2026, 11, 30, 11)),
    ("2026-11-30T12:00", "+0300", datetime(2026, 11, 30, 9)),       # somebody typed it
    ("2026-10-25T02:30", "+0200", datetime(2026, 10, 25, 0, 30))])      # the clock shows that time twice
def test_the_offset_of_formgraders_dialog_follows_the_day_unless_somebody_typed_it(when, offset, utc):
    config = Config({"Course": {"timezone": "Europe/Berlin"}})
    assert from_dialog(when, offset, {"duedate_timezone": "+0200"}, config) == utc
