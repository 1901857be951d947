"""release/ is what source/ gives now, and nothing that only graders may know is in it."""

import re
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.utils import compute_checksum
from traitlets.config import Config

from grading.notebooks.readable import formulas, written_out
from grading.pages.macros import Macros
from grading.plugins import steps
from grading.tools.leaks import OUR_FILES, REGIONS, leaks, secrets, squeezed, telling

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = sorted(path.name for path in (ROOT / "source").iterdir() if path.is_dir())
NOTEBOOKS = sorted(path.relative_to(ROOT / "source") for path in (ROOT / "source").glob("*/*.ipynb"))


# --- what must not get out --------------------------------------------------------------------------------------

def test_no_solution_hidden_check_rubric_or_reference_is_in_the_release():
    assert leaks(ROOT / "release", ROOT) == []


@pytest.mark.parametrize("word", ["SOLUTION", "HIDDEN TESTS", "MARK SCHEME", "run_hidden_checks", "reference_impl", "tests/hidden"])
def test_no_marker_and_no_name_of_ours_is_in_the_release(word):
    for path in (ROOT / "release").rglob("*.*"):
        assert word not in path.read_text(encoding="utf-8", errors="replace"), path


def test_every_kind_of_secret_is_searched_for():
    kinds = {where.split(" of ")[0].split(" in ")[0] for where in secrets(ROOT).values()}
    assert kinds == {*REGIONS, *OUR_FILES}
    assert len(secrets(ROOT)) > 500


@pytest.mark.parametrize("path", NOTEBOOKS, ids=str)
def test_most_of_every_solution_is_searched_for(path):
    """Guards the exceptions: were solutions shown elsewhere in the course, they would drop out of the search."""
    for cell in nbformat.read(ROOT / "source" / path, as_version=4).cells:
        for part in REGIONS["solution"].findall(cell.source):
            lines = [line.strip() for line in part.splitlines() if telling(line.strip())]
            assert lines and all(squeezed(line) in secrets(ROOT) for line in lines), cell.source


# --- the search finds what is planted ---------------------------------------------------------------------------

@pytest.fixture
def copy(tmp_path):
    shutil.copytree(ROOT / "release", tmp_path / "release")
    return tmp_path / "release"


PLANTED = {
    "a line of a solution": "    tail = np.exp(-np.abs(np.asarray(z, dtype=float)))",
    "a line indented in another way": "\ttail  =  np.exp(-np.abs(np.asarray(z,dtype=float)))",
    "a line behind a prompt": ">>> tail = np.exp(-np.abs(np.asarray(z, dtype=float)))  # remember",
    "the hidden line": 'run_hidden_checks("relu")',
    "a line of a rubric": "- 1 point: a negative factor flips the sign of a gradient component; its magnitude may still be small.",
}


@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_line_is_found(what, copy):
    path = copy / "ps1" / "activations.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells[5].source += "\n" + PLANTED[what]
    nbformat.write(nb, path)
    assert leaks(copy, ROOT)


@pytest.mark.parametrize("pattern", OUR_FILES.values())
def test_any_line_of_our_files_is_found_in_a_file_beside_the_notebook(pattern, copy):
    for path in sorted(ROOT.glob(pattern)):
        if path.read_text(encoding="utf-8").strip().count("\n") > 5:
            shutil.copy(path, copy / "ps1" / "notes.txt")
            assert len(leaks(copy, ROOT)) > 5, path


def test_a_secret_in_the_outputs_or_metadata_of_a_cell_is_found(copy):
    path = copy / "ps1" / "activations.ipynb"
    nb = nbformat.read(path, as_version=4)
    nb.cells[0].metadata["note"] = PLANTED["a line of a solution"]
    nbformat.write(nb, path)
    assert leaks(copy, ROOT)


# --- readable without macros ------------------------------------------------------------------------------------

def macros_of(path):
    """What the notebook of source/ and the lecture define for their authors."""
    macros = Macros()
    for notebook in (ROOT / "source" / path, ROOT / "lecture" / "Latex_macros.ipynb"):
        for cell in nbformat.read(notebook, as_version=4).cells:
            if cell.cell_type == "markdown":
                written_out(cell.source, macros)
    return macros


def macros_in(cells, macros):
    return {name for cell in cells if cell.cell_type == "markdown" for start, _, _, end in formulas(cell.source)
            for name in macros.used_in(cell.source[start:end])}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=str)
def test_no_macro_is_in_the_release(path, release):
    macros = macros_of(path)
    assert len(macros.known) > 10
    assert macros_in(nbformat.read(ROOT / "source" / path, as_version=4).cells, macros)
    cells = nbformat.read(release / path, as_version=4).cells
    assert macros_in(cells, macros) == set()
    assert not [cell for cell in cells if re.search(r"\\(def|newcommand)\b", cell.source)]


def test_a_locked_cell_is_written_out_before_its_checksum_is_made_and_in_the_gradebook_too(course_folder):
    """Else every hand-in would look as if the student had changed the question."""
    course = course_folder("ps1")
    cells = nbformat.read(course / "release" / "ps1" / "activations.ipynb", as_version=4).cells
    (question,) = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "explain_activations"]
    assert "a'" in question.source and "\\a" not in question.source
    assert question.metadata.nbgrader.checksum == compute_checksum(question)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        kept = gradebook.find_source_cell("explain_activations", "activations", "ps1").source
    assert "Mark scheme" in kept and "\\a" not in kept


# --- the same as source/ gives now ------------------------------------------------------------------------------

def content(folder):
    """{relative path: text} of a folder; notebooks as nbformat writes them."""
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts}


def test_the_committed_release_is_what_nbgrader_generates_now(release):
    wanted = content(release)
    committed = {name: text for name, text in content(ROOT / "release").items() if not name.startswith("lecture/")}
    assert committed.keys() == wanted.keys(), "run: make release"
    for name, text in wanted.items():
        assert committed[name] == text, f"release/{name} is not what source/ gives now; run: make release"


def test_every_assignment_is_released_with_what_its_notebook_imports():
    for path in NOTEBOOKS:
        text = "\n".join(cell.source for cell in nbformat.read(ROOT / "release" / path, as_version=4).cells)
        for name in re.findall(r"^\s*import (\w+)", text, re.MULTILINE):
            beside = ROOT / "release" / path.parent / f"{name}.py"
            assert beside.exists() or name in {"numpy", "matplotlib", *sys.stdlib_module_names}, name


def test_the_address_of_the_web_site_stands_in_the_first_cell_before_it_is_locked():
    config = Config(PublicPlaces={"site": "https://example.org/gradients/"})
    nb = steps.released(nbformat.read(ROOT / "source" / "ps1" / "activations.ipynb", as_version=4), ROOT / "source" / "ps1", config)
    (setup,) = [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "setup"]
    assert 'WEB = "https://example.org/gradients/files"' in setup.source
    assert setup.metadata.nbgrader.checksum == compute_checksum(setup)
