"""From the start page to a handed-in notebook: Python runs in the browser, from the site itself, and `course grade` gives every point.

Only where that Python is there: `make lite` makes it and runs this; it takes minutes and 120 MB.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from grading.tools import site as web
from tests.browser.conftest import served

ROOT = Path(__file__).parents[2]
OFFLINE = web.ENVIRONMENT / "offline" / "ready"
pytestmark = [pytest.mark.browser, pytest.mark.sandbox,
              pytest.mark.skipif(not OFFLINE.exists(), reason="Python for the browser is not here: make lite")]
SLOW = 600_000      # milliseconds: a bound against hanging
IDLE = "window.jupyterapp?.shell?.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'"
FILL_IN = """async answers => {
    const app = window.jupyterapp;
    for (const cell of app.shell.currentWidget.content.model.cells) {
        const name = cell.metadata.nbgrader?.grade_id;
        if (name in answers) cell.sharedModel.setSource(answers[name]);
    }
    await app.commands.execute("notebook:run-all-cells");
}"""
OUTPUTS = "[...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => [cell.id, cell.outputs?.toJSON() ?? []])"
WRONG = "def relu(z):\n    return np.asarray(z)"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lite")
    shutil.copytree(ROOT / "release" / "lecture", folder / "kept")
    web.build(Console(quiet=True), ROOT, folder / "site", "here", folder / "kept")
    with served(folder / "site") as address:
        yield address


@pytest.fixture
def opened(address, new_page):
    """ps1 in the browser, reached from the start page, its Python ready."""
    page = new_page(accept_downloads=True)
    page.set_default_timeout(SLOW)
    page.goto(f"{address}/index.html")
    page.locator("article").get_by_role("link", name="ps1", exact=True).first.click()
    page.get_by_role("link", name="Open in the browser").click()
    page.wait_for_function(IDLE)
    return page


def answers(**other):
    nb = nbformat.read(ROOT / "source" / "ps1" / "activations.ipynb", as_version=4)
    right = {cell.metadata.nbgrader.grade_id: cell.source for cell in nb.cells if cell.cell_type == "code"
             and cell.metadata.get("nbgrader", {}).get("solution")}
    return right | other


def test_right_answers_pass_every_check_and_earn_every_point(opened, course_folder, tmp_path):
    opened.evaluate(FILL_IN, answers())
    outputs = dict(opened.evaluate(OUTPUTS))
    texts = {name: "".join("".join(one.get("text", "")) for one in found) for name, found in outputs.items()}
    assert [name for name, text in texts.items() if name.startswith("test_") and "every visible check holds" not in text] == []
    assert [one for found in outputs.values() for one in found if one["output_type"] == "error" or one.get("name") == "stderr"] == []
    assert opened.locator(".jp-OutputArea-output img[alt]").count() >= 2         # pictures, each with its words
    assert opened.evaluate("[...document.querySelectorAll('.jp-OutputArea-output img[alt]')].every(one => one.naturalWidth > 300)")
    with opened.expect_download() as download:
        opened.get_by_text("Download to hand in").click()
    assert download.value.suggested_filename == "activations.ipynb" and opened.refused == []
    course = course_folder("ps1")
    for student, name in {"student-01": "activations.ipynb", "student-02": "ps1_activations.ipynb"}.items():
        place = course / "submitted" / student / "ps1" / name
        place.parent.mkdir(parents=True)
        download.value.save_as(place)
    done = subprocess.run([sys.executable, "-m", "grading", "grade", "ps1", "--course", str(course)], capture_output=True, text=True, timeout=300)
    lines = [line.split(": ", 1)[1].strip() for line in done.stdout.splitlines() if "student-0" in line and " points" in line]
    assert done.returncode == 0 and lines[0] == "20 points" and lines[1].startswith("20 points"), done.stdout + done.stderr
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for student in ("student-01", "student-02"):
            grades = gradebook.find_submission_notebook("activations", "ps1", student).grades
            tests = [grade for grade in grades if grade.name.startswith("test_")]
            assert sum(grade.auto_score for grade in tests) == sum(grade.max_score for grade in tests) == 20, student
            assert not any(grade.needs_manual_grade for grade in tests)


def test_a_wrong_answer_is_told_so_and_a_saved_copy_can_be_left_behind(opened, address):
    opened.evaluate(FILL_IN, answers(relu=WRONG))
    (error,) = [one for name, found in opened.evaluate(OUTPUTS) if name == "test_relu" for one in found]
    assert "AssertionError" in error["ename"] and "relu should cut off what is negative" in error["evalue"]
    opened.evaluate("window.jupyterapp.shell.currentWidget.context.save()")
    opened.goto(f"{address}/ps1.html")
    opened.get_by_role("button", name="Download my copy").wait_for()
    assert "corrected after you began" not in opened.locator(".saved").inner_text()

    corrected = opened.evaluate("document.querySelector('.saved').dataset.release")
    opened.route("**/ps1.html", lambda route: route.fulfill(body=route.fetch().text().replace(corrected, "another"), content_type="text/html"))
    opened.reload()
    opened.get_by_text("corrected after you began").wait_for()
    opened.on("dialog", lambda dialog: dialog.accept())
    with opened.expect_download() as download:
        opened.get_by_role("button", name="Start again").click()
    assert WRONG in [cell.source for cell in nbformat.read(download.value.path(), as_version=4).cells]
    opened.get_by_role("button", name="Start again").wait_for(state="detached")
