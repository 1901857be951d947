"""`course return`: from the exchange to feedback in students' hands in one go; done twice, it does nothing twice."""

import csv
import io
import json
import os
import secrets
import shutil
from unittest.mock import patch

import pytest
from nbgrader.utils import notebook_hash
from rich.console import Console

from grading.notebooks.submissions import hand_in
from grading.plugins.placing import place_preview
from grading.tools.give_back import give_back
from grading.watch.answer import notice
from tests.conftest import SUBMISSIONS, most_in, points_due

pytestmark = [pytest.mark.sandbox, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]      # nbgrader leaves files open
STAMP = "2026-03-01 10:00:00.000000 UTC"


@pytest.fixture
def course(generated, tmp_path):
    root = shutil.copytree(generated["ps1"], tmp_path / "course")
    with open(root / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(f"\nc.Exchange.root = {str(tmp_path / 'exchange')!r}\nc.Exchange.cache = {str(tmp_path / 'cache')!r}\n")
    for name in ("inbound", "feedback"):
        (tmp_path / "exchange" / "gradients" / name).mkdir(parents=True)
    (tmp_path / "exchange").chmod(0o777)
    return root


def submit(course, student, case, secret=True):
    """Hand in a golden submission through the exchange; its folder and where the page of a notebook will be."""
    place = course.parent / "exchange" / "gradients"
    folder = place / "inbound" / f"{student}+ps1+{STAMP}+{secrets.token_hex(4)}"
    hand_in(SUBMISSIONS / "ps1" / case, course / "release" / "ps1", folder)
    (folder / "timestamp.txt").write_text(STAMP)
    word = secrets.token_hex(64)
    if secret:
        (folder / "submission_secret.txt").write_text(word)
    return folder, lambda notebook: place / "feedback" / f"{notebook_hash(secret=word, notebook_id=notebook)}.html"


def run(course):
    said = io.StringIO()
    with patch("grading.run.pool.alone", lambda: True):
        status = give_back(Console(file=said, width=200), course, "ps1", 1)
    return status, said.getvalue()


def test_a_class_gets_its_feedback_whatever_notebooks_are_called_and_whoever_lacks_something(course, capfd):
    folder, page = submit(course, "student-01", "perfect-loops")
    (folder / "activations.ipynb").rename(folder / "activations (1).ipynb")
    (folder / "Untitled.ipynb").write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    _, other = submit(course, "student-02", "derivative-at-y")
    place_preview(notice("ps1", "a preview"), other("x").parent, other("activations").name)
    submit(course, "student-03", "blank", secret=False)
    inbound = folder.parent
    (inbound / "student-04+ps1+garbage").mkdir()
    (inbound / f"student-05+ps1+{STAMP}").write_text("no folder")
    os.mkfifo(inbound / f"student-06+ps1+{STAMP}")
    status, said = run(course)
    assert status == 3 and "NbGrader" not in capfd.readouterr().err, "nbgrader's log says it a second time"
    whole, half = (f"{points_due(SUBMISSIONS / 'ps1' / case):g}" for case in ("perfect-loops", "derivative-at-y"))
    for name in ("activations", "activations (1)", "Untitled"):
        assert f"{whole} of {most_in():g} points" in page(name).read_text() and page(name).samefile(page("activations")), name
    assert f"{half} of {most_in():g} points" in other("activations").read_text() and "preview" not in other("activations").read_text()[:300]
    assert f"student-01: {whole} of {most_in():g} points, released; needs a human: " in said and "a person has to read" in said
    for student, words in (("student-03", "not released: there is no submission_secret.txt"), ("student-04", "not collected: holds no time stamp"),
                           ("student-05", "not collected: is a file"), ("student-06", "not collected: is a pipe")):
        assert any(line.startswith(student) and words in line for line in said.splitlines()), (student, said)
    with open(course / "build" / "return-ps1.csv", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows["student-02"]["points"] == half and rows["student-02"]["feedback"] == "released" and not rows["student-03"]["feedback"]

    pages = {path: path.stat().st_mtime_ns for path in page("x").parent.glob("*.html")}
    said = " ".join(run(course)[1].replace("│", " ").split())
    assert "collected 0 new of 3" in said and "graded 0 of 0 that needed it" in said and "pages made 0 of 3" in said
    assert "released 0 now, 2 before" in said
    assert pages == {path: path.stat().st_mtime_ns for path in page("x").parent.glob("*.html")}
