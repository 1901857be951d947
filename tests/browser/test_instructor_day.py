"""An instructor's day: everything in formgrader, in JupyterLab, as docs/instructors.md tells it."""

import re
import sqlite3
from pathlib import Path

import nbformat
import pytest

from grading.tools.lab import trouble_with_exchange
from grading.notebooks.submissions import hand_in
from grading.plugins import submitted_files

pytestmark = [pytest.mark.browser, pytest.mark.sandbox]
CASES = Path(__file__).parents[1] / "submissions" / "ps1"
STUDENTS = {"student-01": "perfect-loops", "student-02": "derivative-at-y"}
COMMENT = "A good example. Say also what a factor above 1 does: $1.1^{50} > 100$."
SOURCE = Path(__file__).parents[2] / "source" / "ps1" / "activations.ipynb"
POINTS = next(cell.metadata.nbgrader.points for cell in nbformat.read(SOURCE, as_version=4).cells
              if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_sigmoid_derivative")
PASSWORD = "the-password-of-the-database"


@pytest.fixture(scope="module")
def world(tmp_path_factory, clone, person):
    """(instructor in a fresh clone, exchange)."""
    base = tmp_path_factory.mktemp("instructor")
    exchange = base / "exchange"
    exchange.mkdir()
    exchange.chmod(0o1777)
    instructor = person(base / "home", clone(base / "course"), exchange)
    with open(instructor.home / ".jupyter" / "nbgrader_config.py", "a") as settings:
        settings.write(f'c.Somebody.password = "{PASSWORD}"\n')
    return instructor, exchange


@pytest.fixture(scope="module")
def lab(world, running):
    with running(world[0], ("grading", "lab")) as server:
        yield server


class Formgrader:
    """The formgrader tab of JupyterLab."""

    def __init__(self, page):
        self.page, self.frame = page, page.frame_locator("iframe")

    def row(self, name):
        return self.frame.locator(f'tbody tr:has(:text-is("{name}"))')

    def act(self, name, action):
        """Click an action of a row and close the answer; it has to be a success."""
        self.row(name).locator(f".{action} a").click()
        modal = self.frame.locator(".modal.in")
        modal.wait_for()
        assert modal.locator(".modal-title").inner_text() == "Success", modal.inner_text()[-2000:]
        modal.locator(".modal-footer button").click()
        modal.wait_for(state="detached")
        self.frame.locator(".modal-backdrop").wait_for(state="detached")

    def follow(self, text):
        self.frame.locator(f'a:has-text("{text}"):visible').first.click()

    @property
    def inner(self):
        """The page itself, for scripts."""
        return next(frame for frame in self.page.frames if "/formgrader/" in frame.url)


def submit(world, student, case):
    """A student hands in a golden submission through the exchange."""
    instructor, _ = world
    folder = instructor.home.parent / student
    hand_in(CASES / case, instructor.folder / "release" / "ps1", folder / "ps1")
    instructor.nbgrader(f"submit --student={student}", folder=folder)


def test_an_instructor_lives_a_day_in_formgrader(world, lab, new_page, open_from_menu, shot):
    instructor, exchange = world
    page = new_page(viewport={"width": 1400, "height": 900})
    page.goto(lab.address("/lab"))
    page.locator(".jp-DirListing-item").first.wait_for()
    page.keyboard.press("Control+b")        # no file browser: formgrader's tables are wide
    page.locator(".jp-DirListing-item").first.wait_for(state="hidden")
    open_from_menu(page, "Formgrader")
    formgrader = Formgrader(page)

    formgrader.act("ps1", "assign")
    formgrader.act("ps1", "release")
    shot(page, "formgrader-assignments")
    assert (exchange / "gradients" / "outbound" / "ps1" / "activations.ipynb").exists()

    for student, case in STUDENTS.items():
        submit(world, student, case)
    formgrader.act("ps1", "collect")
    formgrader.row("ps1").locator(".num-submissions a").click()
    for student in STUDENTS:
        formgrader.act(student, "autograde")
    shot(page, "formgrader-submissions")
    assert points(instructor.folder)["student-01", "test_sigmoid_derivative"] == POINTS
    assert points(instructor.folder)["student-02", "test_sigmoid_derivative"] == 0

    grade_by_hand(formgrader, shot)
    score, comment = written(instructor.folder)
    assert (score, comment) == (4, COMMENT)

    formgrader.follow("Manual Grading")
    formgrader.follow("Manage Assignments")
    formgrader.act("ps1", "generate-feedback")
    formgrader.act("ps1", "release-feedback")
    pages = sorted(path.name for path in (exchange / "gradients" / "feedback").glob("*.html"))
    assert len(pages) == 2 * len(STUDENTS), pages
    assert page.refused == []


def grade_by_hand(formgrader, shot):
    """Grade the written question of the submission with a known mistake, by the rubric that the page shows."""
    formgrader.follow("Manual Grading")
    formgrader.follow("ps1")
    formgrader.follow("activations")
    formgrader.follow("Submission #1")
    tables = formgrader.frame.locator("table", has_text="sigmoid_derivative:")
    if re.search(r"All \d+ checks passed", tables.locator("caption").inner_text()):      # their order is random
        formgrader.frame.locator(".next a").click()
        formgrader.frame.locator("caption", has_text="sigmoid_derivative: 0 of 5 points").wait_for()
    formgrader.frame.locator("input.score").first.wait_for()
    inner = formgrader.inner
    inner.wait_for_function("formgrader.loaded")

    # a file beside the notebook is a student's own: were it a page, it could do nothing
    answer = inner.evaluate("fetch(location.pathname.replace(/[/]$/, '') + '/gradient_plots.py').then(found => [found.status, found.headers.get('Content-Security-Policy')])")
    assert answer == [200, submitted_files.POLICY]

    inner.wait_for_function("document.querySelectorAll('.MathJax').length > 20")
    inner.wait_for_function("!MathJax.Hub.queue.running && !MathJax.Hub.queue.pending")
    assert inner.locator('.MathJax_Error, .merror, .MathJax [style*="color: red"]').count() == 0
    assert tables.locator("th[scope=col]").all_inner_texts()[0] == "Result"
    assert "of 5 points" in tables.locator("caption").inner_text()
    assert_readable(tables)
    tables.evaluate("table => table.scrollIntoView({block: 'end'})")
    shot(formgrader.page, "formgrader-result")

    question = formgrader.frame.locator(".nbgrader_cell", has=formgrader.frame.locator("#explain_activations"))
    assert "Mark scheme (5 points)" in question.inner_text()
    question.locator("#explain_activations").fill("4")
    question.locator("#explain_activations").press("Tab")
    question.locator("textarea.comment").fill(COMMENT)
    question.locator("textarea.comment").press("Tab")
    question.locator(".score-saved").wait_for()
    question.locator(".comment-saved").wait_for()
    formgrader.page.wait_for_timeout(1000)      # formgrader scrolls slowly to what has the focus
    question.evaluate("cell => cell.scrollIntoView({block: 'end'})")
    shot(formgrader.page, "formgrader-rubric")


def assert_readable(table):
    """The table lies within its page, in letters of a readable size, dark on light, and says its signs in words."""
    box = table.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1400
    sizes = table.evaluate("t => [...t.querySelectorAll('*')].map(e => parseFloat(getComputedStyle(e).fontSize))")
    assert min(sizes) >= 10
    first = table.locator("tbody td").first.inner_text()
    assert first in ("✓ passed", "✗ failed", "– not run")


def test_the_page_does_not_print_the_configuration_with_its_passwords(lab, new_page):
    page = new_page()
    page.goto(lab.address("/formgrader/manage_assignments"))
    page.locator("tbody tr").first.wait_for()
    assert "Instructions (click to expand)" in page.content()
    assert PASSWORD not in page.content()


def test_a_missing_exchange_is_explained_on_the_page(world, lab, new_page, shot):
    _, exchange = world
    exchange.rename(exchange.with_name("moved"))
    try:
        page = new_page()
        page.goto(lab.address("/formgrader/manage_assignments"))
        warning = page.locator("#warning-exchange")
        assert str(exchange) in warning.inner_text()
        assert "does not exist" in warning.inner_text()
    finally:
        exchange.with_name("moved").rename(exchange)


def test_course_lab_explains_a_missing_or_wrong_exchange(tmp_path):
    assert "does not exist" in trouble_with_exchange(tmp_path / "nowhere")[0]
    (tmp_path / "file").write_text("")
    assert "folder is needed" in trouble_with_exchange(tmp_path / "file")[0]
    (tmp_path / "closed").mkdir(mode=0o755)
    assert "chmod 1777" in trouble_with_exchange(tmp_path / "closed")[0]
    (tmp_path / "closed").chmod(0o1777)
    assert trouble_with_exchange(tmp_path / "closed") == []


def points(course):
    """{(student, grade_id): points of the autograder}."""
    with sqlite3.connect(course / "gradebook.db") as db:
        return {(student, name): score for student, name, score in db.execute(
            "select s.student_id, b.name, g.auto_score from grade g join submitted_notebook n on g.notebook_id = n.id "
            "join submitted_assignment s on n.assignment_id = s.id join base_cell b on g.cell_id = b.id")}


def written(course):
    """(score, comment) that a person gave."""
    with sqlite3.connect(course / "gradebook.db") as db:
        return (db.execute("select manual_score from grade where manual_score is not null").fetchone()[0],
                db.execute("select manual_comment from comment where manual_comment is not null").fetchone()[0])
