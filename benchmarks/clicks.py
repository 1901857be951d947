"""How long an answer takes from the click on Submit in JupyterLab's Assignment List, `course watch` beside it.

One student hands in again and again, in Chromium. `make bench ARGS="--only clicks"` runs it and keeps what it found.
"""

import json
import os
import time

import pytest

from tests.browser.test_student_day import lab, watching, world, write_answers

from benchmarks.watching import FREE, answered, latencies

__all__ = ["lab", "world"]      # fixtures of the test below
CLICKS = int(os.environ.get("CLICKS", "40"))


def answers(student):
    return {path.parent.name for path in student.folder.glob("ps1/feedback/*/activations.html") if answered(path)}


@pytest.mark.browser
def test_clicks(world, lab, new_page, open_from_menu):
    instructor, student = world
    with open(instructor.folder / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(FREE)
    page, seconds = new_page(), []
    page.goto(lab.address("/lab"))
    open_from_menu(page, "Assignment List")
    page.locator('#released_assignments_list button:text-is("Fetch")').click()
    submit = page.locator('#fetched_assignments_list button:text-is("Submit")')
    page.locator('#fetched_assignments_list a:text-is("ps1")').click()
    submit.wait_for()
    write_answers(student.folder / "ps1" / "activations.ipynb")
    with watching(instructor):
        for number in range(CLICKS + 1):        # the first one starts the sandbox, and is not counted
            before, since = answers(student), time.monotonic()
            submit.click()
            while answers(student) == before and time.monotonic() < since + 60:
                page.wait_for_timeout(10)
            assert answers(student) != before, "no answer within a minute"
            seconds += [time.monotonic() - since] if number else []
            page.locator('#fetched_assignments_list button:text-is("Submit"):not([disabled])').wait_for()
            page.wait_for_timeout(1000)
    found = {"clicks": CLICKS, **latencies(seconds)}
    with open(os.environ["CLICKS_RESULT"], "w") as file:
        json.dump(found, file)
