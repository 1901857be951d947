"""A student's day: fetch, work, validate, submit, read the answer and the feedback in JupyterLab, as docs/students.md tells it."""

import json
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from grading.notebooks.submissions import fill
from grading.watch.answer import WAITS

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]
CASES = Path(__file__).parents[1] / "submissions" / "ps1"
ANSWER = "def relu(z):\n    return np.maximum(z, 0)"


@pytest.fixture(scope="module")
def world(tmp_path_factory, clone, person):
    """(instructor, student): ps1 is released."""
    base = tmp_path_factory.mktemp("student")
    exchange = base / "exchange"
    exchange.mkdir()
    exchange.chmod(0o1777)
    instructor = person(base / "home", clone(base / "course"), exchange)
    instructor.nbgrader("generate_assignment", "release_assignment")
    return instructor, person(base / "student", base / "student" / "work", exchange)


@pytest.fixture(scope="module")
def lab(world, running):
    settings = world[1].home / ".jupyter"
    shutil.copytree(Path(__file__).parents[2] / "jupyter" / "students", settings, dirs_exist_ok=True)
    with open(settings / "nbgrader_config.py", "a") as file:
        file.write('import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\nc.ExchangeFactory.submit = "submit_and_wait.SubmitAndWait"\n')
    with running(world[1]) as server:
        yield server


@contextmanager
def watching(instructor):
    """`course watch` at work."""
    log = instructor.home / "watch.log"
    with open(log, "w") as file, subprocess.Popen([sys.executable, "-m", "grading", "watch", "ps1", "--jobs", "1"], cwd=instructor.folder,
                                                  env=instructor.environment, stdout=file, stderr=file) as process:
        try:
            heart = instructor.exchange / "gradients" / "feedback" / ".watching"
            while not heart.exists():
                assert process.poll() is None, log.read_text()[-3000:]
                time.sleep(0.1)
            yield
        finally:
            process.terminate()


def test_a_student_lives_a_day_in_jupyterlab(world, lab, new_page, open_from_menu, shot):
    instructor, student = world
    page = new_page()
    page.goto(lab.address("/lab"))

    open_from_menu(page, "Assignment List")
    page.locator('#released_assignments_list button:text-is("Fetch")').click()
    fetched = page.locator("#fetched_assignments_list")
    fetched.locator('a:text-is("ps1")').click()
    fetched.locator('button:text-is("Validate")').wait_for()
    shot(page, "student-assignments")

    write_answers(student.folder / "ps1" / "activations.ipynb")
    open_and_answer(page, lab, student.folder / "ps1" / "activations.ipynb", shot)
    page.locator("jp-button.validate-button").click()
    said = page.locator(".nbgrader-SuccessDialog, .nbgrader-ErrorDialog, .jp-Dialog")
    said.first.wait_for()
    shot(page, "student-validate")
    assert "Success! Your notebook passes all the tests." in said.first.inner_text()
    page.locator(".jp-Dialog button").last.click()

    open_from_menu(page, "Assignment List")
    submitted = page.locator("#submitted_assignments_list")
    with watching(instructor):
        fetched.locator('button:text-is("Submit")').click()
        submitted.locator('text="ps1"').first.wait_for()
        read_the_answer(page, student, submitted, shot)

    open_from_menu(page, "Assignment List")
    instructor.nbgrader("collect", "autograde", "generate_feedback", "release_feedback")
    read_feedback(page, student, submitted, shot)
    assert [address for address in page.refused if "/static/" not in address] == []


def write_answers(path):
    """What the student wrote the evening before: every answer but one."""
    notebook = nbformat.read(path, as_version=4)
    text = (CASES / "perfect-vectorised" / "activations.py").read_text()
    blank = {cell.metadata["nbgrader"]["grade_id"]: cell.source for cell in notebook.cells
             if "nbgrader" in cell.metadata}
    fill(notebook, text)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "relu":
            cell.source = blank["relu"]
    path.write_text(json.dumps(notebook))


def open_and_answer(page, lab, path, shot):
    """Open the notebook, write the last answer into its cell, run all cells and save."""
    page.goto(lab.address("/lab/tree/ps1/activations.ipynb"))
    page.locator(".jp-CodeCell").first.hover()
    blank = page.locator(".jp-CodeCell", has_text='raise NotImplementedError("Write your answer here.")')
    while not blank.count():        # JupyterLab makes a cell when it comes into view
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(100)
    blank.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(ANSWER)
    page.locator("text=Python 3 (ipykernel) | Idle").wait_for()
    page.locator('.lm-MenuBar-itemLabel:text-is("Run")').click()
    page.locator('.lm-Menu-itemLabel:text-is("Run All Cells")').click()
    drawing = page.locator(".jp-CodeCell", has_text="def tail_panels")
    in_view(page, drawing.locator(".jp-OutputArea img"))
    page.locator("text=Python 3 (ipykernel) | Idle").wait_for()
    shot(page, "student-notebook")
    page.keyboard.press("Control+s")
    page.locator(".jp-mod-dirty").first.wait_for(state="detached")
    saved = path.read_text()
    assert all(f"{name}: every visible check holds." in saved for name in ("sigmoid", "relu", "saturated_fraction"))


def in_view(page, picture):
    """Scroll to a picture until it stays in view: JupyterLab lays out the cells around it while they come into view, and the kernel
    is idle for a moment before it begins, so that neither the last picture of that moment nor the word tells that all is drawn."""
    until, steady = time.monotonic() + 60, 0
    while steady < 5:
        assert time.monotonic() < until, "the picture does not stay in view"
        if not picture.count():
            page.mouse.wheel(0, 400)
            page.wait_for_timeout(100)
            continue
        picture.evaluate("picture => picture.scrollIntoView({block: 'end'})")
        page.wait_for_timeout(200)
        box = picture.bounding_box()
        seen = box is not None and box["height"] > 50 and box["y"] >= 0 and box["y"] + box["height"] <= page.viewport_size["height"]
        steady = steady + 1 if seen and picture.evaluate("picture => picture.complete && picture.naturalWidth > 0") else 0


def read_the_answer(page, student, submitted, shot):
    """It comes by itself; on a busy machine the list may have to be asked for it again."""
    link, until = submitted.locator('a:has-text("view feedback")'), time.monotonic() + 180
    while not [path for path in student.folder.glob("ps1/feedback/*/activations.html") if WAITS not in path.read_text()[:200]]:
        assert time.monotonic() < until
        time.sleep(0.1)
    if not link.count():
        page.locator("#refresh_assignments_list").click()
    link.click()
    page.locator('.jp-DirListing-item:has-text("activations.html")').dblclick()
    answer = page.frame_locator(".jp-HTMLViewer iframe").locator("main")
    answer.locator("h1").wait_for()
    assert "Official checks, before your instructor's final grading" in answer.inner_text() and "20 of 25 points" in answer.inner_text()
    shot(page, "student-answer")
    page.locator('.lm-TabBar-tab.lm-mod-current:has-text("activations.html") .lm-TabBar-tabCloseIcon').click()


def read_feedback(page, student, submitted, shot):
    submitted.locator('button:text-is("Fetch Feedback")').click()
    submitted.locator('a:has-text("view feedback")').click()
    page.locator('.jp-DirListing-item:has-text("activations.html")').dblclick()
    feedback = page.frame_locator(".jp-HTMLViewer iframe").locator("main")
    feedback.locator("h1").wait_for()
    assert "20 of 25 points" in feedback.inner_text()
    shot(page, "student-feedback")
    pages = sorted((student.folder / "ps1" / "feedback").glob("*/*.html"))
    assert [path.name for path in pages] == ["activations.html"]
