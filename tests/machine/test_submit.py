"""Submit on a student's server: it brings the answer where one comes soon, and never waits for long."""

import importlib.util
import json
import os
import threading
import time

import pytest
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import notebook_hash
from traitlets.config import Config

from grading.watch.answer import WAITS, as_preview, notice
from tests.conftest import ROOT

spec = importlib.util.spec_from_file_location("submit_and_wait", ROOT / "jupyter" / "students" / "submit_and_wait.py")
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)
ANSWER = as_preview('<!DOCTYPE html>\n<html lang="en">').encode()


@pytest.fixture
def submit(tmp_path, monkeypatch):
    """Submit ps1 as the Assignment List does; the seconds that it took, and the folder of feedback."""
    course = tmp_path / "exchange" / "gradients"
    for name in ("inbound", "feedback"):
        (course / name).mkdir(parents=True)
    (tmp_path / "exchange").chmod(0o777)
    for folder in (course / "outbound" / "ps1", tmp_path / "home" / "ps1"):
        folder.mkdir(parents=True)
        (folder / "activations.ipynb").write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    monkeypatch.setattr(plugin, "MOST_SECONDS", 0.5)
    monkeypatch.setattr(plugin, "THREAD_SECONDS", 20)

    def run():
        config = Config({"Exchange": {"root": str(tmp_path / "exchange"), "cache": str(tmp_path / "cache"), "assignment_dir": str(tmp_path / "home")}})
        coursedir = CourseDirectory(course_id="gradients", assignment_id="ps1", student_id="student-01")
        app = plugin.SubmitAndWait(coursedir=coursedir, authenticator=Authenticator(), config=config)
        started = time.monotonic()
        app.start()
        return time.monotonic() - started, tmp_path / "home" / "ps1" / "feedback"
    run.course = course
    return run


def watcher(course, *pages, beat=True):
    """Put the pages into their place, one after another, once something was handed in."""
    if beat:
        (course / "feedback" / ".watching").touch()

    def work():
        while not (secrets := list(course.glob("inbound/*/submission_secret.txt"))) or len(secrets[0].read_text()) < 128:
            time.sleep(0.01)
        place = course / "feedback" / f"{notebook_hash(secret=secrets[0].read_text(), notebook_id='activations')}.html"
        for page in pages:
            place.write_bytes(page)
            time.sleep(0.7)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def fetched(folder, wanted):
    """Wait for a page to be `wanted`; what is there."""
    for _ in range(1000):
        pages = list(folder.glob("*/activations.html"))
        if pages and pages[0].read_bytes() == wanted:
            break
        time.sleep(0.01)
    return [page.read_bytes() for page in folder.glob("*/activations.html")]


def test_an_answer_that_comes_soon_is_there_when_submit_returns(submit):
    watcher(submit.course, ANSWER)
    _, folder = submit()
    assert [page.read_bytes() for page in folder.glob("*/activations.html")] == [ANSWER]


def test_what_takes_longer_is_brought_by_a_thread_and_a_notice_is_replaced(submit):
    waits = notice("ps1", "It is looked at once more.")
    assert WAITS.encode() in waits[:200] and WAITS.encode() == plugin.WAITS
    watcher(submit.course, waits, waits + b" ", ANSWER)
    _, folder = submit()
    assert fetched(folder, ANSWER) == [ANSWER]


def test_a_notebook_whose_name_is_no_text_does_not_make_a_submission_fail(submit, caplog):
    work = submit.course.parents[1] / "home" / "ps1"
    work.joinpath(os.fsdecode(b"\xff.ipynb")).touch()
    watcher(submit.course, ANSWER)
    submit()
    assert len(list(submit.course.glob("inbound/*"))) == 1


def test_pages_of_feedback_that_lie_there_keep_nobody_from_handing_in(submit):
    pages = submit.course.parents[1] / "home" / "ps1" / "feedback" / "earlier"
    pages.mkdir(parents=True)
    with open(pages / "activations.html", "wb") as file:
        file.truncate(2 * 10**8)        # more than CourseDirectory.max_dir_size
    submit()
    folder, = submit.course.glob("inbound/*")
    assert not (folder / "feedback").exists()


def test_where_nobody_is_watching_it_waits_for_nothing(submit):
    ran = []
    plugin_fetch, plugin.fetch = plugin.fetch, lambda *a: ran.append(a)
    try:
        watcher(submit.course, beat=False)
        _, folder = submit()
    finally:
        plugin.fetch = plugin_fetch
    assert not ran and not folder.exists()
