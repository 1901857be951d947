"""The page of the hub: each student sees their own submissions and nobody else's, whatever they ask for."""

import json
import os
import secrets
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from nbgrader.coursedir import CourseDirectory
from tornado.testing import AsyncHTTPTestCase
from traitlets.config import Config

from grading.plugins.placing import place_preview
from grading.watch import hub
from grading.watch.answer import notice
from grading.watch.log import Log, State


@pytest.fixture(autouse=True)
def course(tmp_path, request):
    place = tmp_path / "exchange" / "gradients"
    for name in ("inbound", "feedback"):
        (place / name).mkdir(parents=True)
    (tmp_path / "exchange").chmod(0o777)
    config = Config({"Exchange": {"root": str(tmp_path / "exchange")}})
    made = SimpleNamespace(dir=CourseDirectory(root=str(tmp_path), course_id="gradients"), config=config, names={})
    log = Log(tmp_path)
    for student in ("student-01", "student-02"):
        name = made.names[student] = f"{student}+ps1+2026-03-01 10:00:00.000000 UTC+x"
        folder = place / "inbound" / name
        folder.mkdir()
        (folder / "activations.ipynb").write_text("{}")
        (folder / "submission_secret.txt").write_text(secrets.token_hex(64))
        log.add(name, student, "ps1", 0.0, 1.0, 1.0, State.WAITING)
        log.set(name, State.ANSWERED, 2.0, points=7.0, most=25.0)
        exchange = hub.Exchange(made, False, 10)
        place_preview(notice("ps1", f"for {student}"), place / "feedback", exchange.page_of(name, "activations").name)
    log.close()
    if request.instance is not None:
        request.instance.course = made
    return made


class TestPage(AsyncHTTPTestCase):
    """Who asks stands in a header here, in place of the hub's word."""

    def get_app(self):
        os.environ.setdefault("JUPYTERHUB_API_TOKEN", "x")
        self.person = {"name": "student-01"}
        hub.Handler.get_current_user = lambda handler: self.person
        return hub.application(self.course, "/services/answers/", frozenset({"teacher"}))

    def tearDown(self):
        del hub.Handler.get_current_user
        super().tearDown()

    def rows(self):
        return json.loads(self.fetch("/services/answers/rows").body)

    def page(self, student):
        return self.fetch(f"/services/answers/page/{quote(self.course.names[student], safe='')}/activations")

    def test_a_student_sees_what_is_theirs_and_nothing_else(self):
        shown = self.rows()
        assert "7 of 25" in shown["html"] and "student-02" not in shown["html"] and "9 answers left" not in shown["html"]
        assert "10 answers left today" in shown["html"] and shown["said"] == "ps1: 7 of 25 points."
        assert b"for student-01" in self.page("student-01").body
        assert self.page("student-02").code == 404

    def test_staff_see_all(self):
        self.person = {"name": "teacher"}
        assert "student-01" in self.rows()["html"] and "student-02" in self.rows()["html"]
        assert b"for student-02" in self.page("student-02").body

    def test_the_page_announces_results_and_runs_its_own_script_alone(self):
        answer = self.fetch("/services/answers/")
        text = answer.body.decode()
        assert 'aria-live="polite"' in text and '<html lang="en">' in text and "width=device-width" in text
        nonce = answer.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
        assert f'<script nonce="{nonce}">' in text and text.count("<script") == 1

    def test_that_nobody_answers_is_said_to_students_and_staff_and_since_when(self):
        assert "Nobody" not in self.rows()["html"]
        log = Log(self.course.dir.root)
        log.begin_run(time.time() - 1000)
        log.still_here(time.time())
        assert "Nobody" not in self.rows()["html"]
        log.still_here(time.time() - 600)
        assert "<b>Nobody has answered since 2" in self.rows()["html"] and "What you hand in stands" in self.rows()["html"]
        log.set(self.course.names["student-02"], State.WAITING, 3.0)
        self.person = {"name": "teacher"}
        assert "course watch" in self.rows()["html"] and "1 wait or are at work, the oldest since 1970-01-01 00:00 UTC;" in self.rows()["html"]
        log.begin_run(time.time())
        assert "Nobody" not in self.rows()["html"]
        log.end_run(time.time())
        assert "Nobody" in self.rows()["html"]
        log.close()

    def release(self, head):
        feedback = Path(self.course.config.Exchange.root, "gradients", "feedback")
        page = hub.Exchange(self.course, False, 10).page_of(self.course.names["student-01"], "activations").name
        (feedback / page).write_text(f"<!DOCTYPE html>\n{head}\n<head></head>")

    def test_the_final_grade_is_what_the_released_page_says(self):
        assert "final" not in self.rows()["html"]       # a preview is none
        self.release('<html lang="en" data-course="final" data-points="6.5" data-most="25">')
        assert "final grade 6.5 of 25; best so far 7" in self.rows()["html"]
        self.release('<html lang="en" data-course="final" data-points="6.5" data-most="25" data-open>')
        assert "final grade 6.5 of 25, and a person has yet to read part of it; best" in self.rows()["html"]

    def test_a_final_page_from_elsewhere_is_there_and_its_grade_is_not_guessed(self):
        self.release('<html lang="en"><p data-points="25" data-most="25">')
        assert "the final feedback is there; best so far 7" in self.rows()["html"]

    def test_of_a_student_who_handed_in_thousands_of_times_the_newest_are_looked_at(self):
        log = Log(self.course.dir.root)
        for number in range(hub.MOST_ROWS + 50):
            log.add(f"student-01+ps1+{number}+x", "student-01", "ps1", 0.0, 10.0 + number, 1.0, State.SUPERSEDED)
        log.close()
        shown = self.rows()["html"]
        assert shown.count("replaced by a newer one") == hub.MOST_ROWS and "only the last 200" in shown

    def test_a_log_that_cannot_be_read_is_said_and_staff_are_told_what_to_do(self):
        Path(self.course.dir.root, ".watch", "log.sqlite").write_bytes(b"no database" * 1000)
        assert self.rows()["html"] == "<p>What was handed in cannot be looked up now. It is not lost.</p>"
        assert self.page("student-01").code == 503
        self.person = {"name": "teacher"}
        assert "move it away" in self.rows()["html"]

    def test_a_path_leads_nowhere_else(self):
        for path in ("..%2F..%2Fgradebook.db/activations", f"{quote(self.course.names['student-01'], safe='')}/..%2F..%2Fx"):
            assert self.fetch(f"/services/answers/page/{path}").code == 404
