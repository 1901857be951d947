"""`course publish`: the zip that students get opens and works with numpy, matplotlib and Jupyter alone."""

import ast
import io
import shutil
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from rich.console import Console
from traitlets.config import Config

from grading.plugins.public import PublicPlaces
from grading.tools import check
from grading.run.course import CourseError
from grading.tools.publish import publish, write_links
from grading.notebooks.submissions import fill

ROOT = Path(__file__).parents[2]
SOURCES = check.notebooks(ROOT)
MISTAKEN = ROOT / "tests" / "submissions" / "ps1" / "derivative-at-y" / "activations.py"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("publish")
    publish(Console(file=io.StringIO()), ROOT / "release", None, folder)
    return folder


def opened(published, tmp_path, name):
    """Path of the notebook `name`, out of its zip in an empty folder."""
    assignment = SOURCES[name].parent.name
    with zipfile.ZipFile(published / f"{assignment}.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / assignment / f"{name}.ipynb"


def run_all(nb, folder):
    """Run every cell; [(name of the cell, error output)]."""
    NotebookClient(nb, timeout=120, allow_errors=True, kernel_name="python3",
                   resources={"metadata": {"path": str(folder)}}).execute()
    return [(check.name_of(cell), out) for cell in nb.cells if cell.cell_type == "code"
            for out in cell.outputs if out.output_type == "error"]


@pytest.mark.parametrize("name", SOURCES)
def test_with_right_answers_every_visible_check_passes(name, published, tmp_path):
    path = opened(published, tmp_path, name)
    nb = nbformat.read(path, as_version=4)
    answers = {check.name_of(cell): cell.source for cell in nbformat.read(SOURCES[name], as_version=4).cells
               if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code"}
    for cell in nb.cells:
        cell.source = answers.get(check.name_of(cell), cell.source)
    assert run_all(nb, path.parent) == []


def test_wrong_answers_get_messages_that_teach(published, tmp_path):
    path = opened(published, tmp_path, "activations")
    errors = dict(run_all(fill(nbformat.read(path, as_version=4), MISTAKEN.read_text()), path.parent))
    assert "test_sigmoid" not in errors and "test_sigmoid_derivative" in errors
    wrong = errors["test_sigmoid_derivative"]
    assert wrong.ename == "AssertionError" and "one quarter at 0" in wrong.evalue


@pytest.mark.parametrize("name", SOURCES)
def test_the_zip_imports_nothing_but_numpy_matplotlib_and_what_it_brings(name, published, tmp_path):
    path = opened(published, tmp_path, name)
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    helpers = {file.stem: file.read_text() for file in path.parent.glob("*.py")}
    imported = set()
    for text in (*cells, *helpers.values()):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    assert imported - sys.stdlib_module_names - helpers.keys() <= {"numpy", "matplotlib", "IPython", "matplotlib_inline"}


def test_the_zip_says_how_to_start_and_under_which_licence(published, tmp_path):
    text = (opened(published, tmp_path, "activations").parent / "README.txt").read_text()
    assert "ps1: Derivatives of the activation functions" in text and "jupyter lab activations.ipynb" in text
    assert "CC BY 4.0" in text and "BSD 3-Clause" in text


def test_the_bytes_are_the_same_each_time(published, tmp_path):
    copy = shutil.copytree(ROOT / "release", tmp_path / "release")
    for path in copy.rglob("*"):
        path.touch()
    publish(Console(file=io.StringIO()), copy, "ps1", tmp_path)
    assert (tmp_path / "ps1.zip").read_bytes() == (published / "ps1.zip").read_bytes()


@pytest.mark.parametrize(("source", "said"), [("source", "holds hidden lines or a solution"), ("nowhere", "course release")])
def test_what_is_no_release_is_refused(source, said, tmp_path):
    with pytest.raises(CourseError, match=said):
        publish(Console(), ROOT / source, "ps1", tmp_path)
    assert not (tmp_path / "ps1.zip").exists()


def test_links_for_colab_and_nbgitpuller_stand_beside_the_zips_where_their_addresses_are_set(tmp_path):
    folders = sorted((ROOT / "release").iterdir())
    places = PublicPlaces(config=Config(PublicPlaces={"repository": "https://github.com/someone/course", "hub": "https://hub.example.org",
                                                      "site": "https://example.org/gradients"}))
    write_links(Console(file=io.StringIO()), folders, tmp_path / "links.md", places)
    text = (tmp_path / "links.md").read_text()
    assert text.count("- ps") == len(SOURCES) and "lecture" not in text
    assert "https://colab.research.google.com/github/someone/course/blob/main/release/ps1/activations.ipynb" in text
    assert "https://hub.example.org/hub/user-redirect/git-pull?" in text and "https://example.org/gradients/ps5.html" in text
    write_links(Console(file=io.StringIO()), folders, tmp_path / "links.md", PublicPlaces())
    assert not (tmp_path / "links.md").exists()
