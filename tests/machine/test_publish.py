"""`course publish`: the zip that students get opens and works with numpy, matplotlib and Jupyter alone."""

import ast
import ctypes
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import termclass
from nbclient import NotebookClient
from nbgrader.api import Gradebook
from rich.console import Console
from traitlets.config import Config

from grading.plugins.public import PublicPlaces
from grading.tools import check, release
from grading.run.course import Course, CourseError
from grading.tools.publish import publish, write_links
from grading.notebooks import reading
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


# Runs the cells of each notebook in a process of its own that has NumPy and Matplotlib loaded already.
PLAIN = """
import json, os, sys
import matplotlib.pyplot
assert sys.flags.utf8_mode == 0 and open(os.devnull).encoding.lower() in ("ascii", "ansi_x3.4-1968", "us-ascii"), "the control"
for path in sys.argv[1:]:
    pid = os.fork()
    if pid == 0:
        os.chdir(os.path.dirname(path))
        sys.path.insert(0, os.getcwd())
        try:
            open("written", "w")
            sys.exit("the control: the folder can be written")
        except PermissionError:
            pass
        with open(os.path.basename(path), encoding="utf-8") as file:
            cells = json.load(file)["cells"]
        space = {"__name__": "__main__"}
        for cell in cells:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), "<cell>", "exec"), space)
        print(ascii(path), "ran")
        sys.exit()
    if os.waitpid(pid, 0)[1]:
        sys.exit(1)
"""


def windows_lines(folder):
    """Give every text file the line ends that an editor or git gives it on Windows."""
    for path in folder.rglob("*"):
        if path.suffix in (".py", ".ipynb", ".txt"):
            path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def obey_modes():
    """Root may write anywhere; without this right it is as everybody: the owner of a folder that cannot be written."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)     # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


def test_the_release_runs_on_a_machine_that_is_not_ours(published, tmp_path):
    """No UTF-8 mode, a C locale, Windows' line ends, a folder that cannot be written, whose path has blanks and accents."""
    place = tmp_path / "Übungen für Zoë" / "à rendre (1)"
    paths = []
    for name, source in SOURCES.items():
        path = opened(published, place, name)
        nb = nbformat.read(path, as_version=4)
        answers = {check.name_of(cell): cell.source for cell in nbformat.read(source, as_version=4).cells
                   if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code"}
        for cell in nb.cells:
            cell.source = answers.get(check.name_of(cell), cell.source)
        nbformat.write(nb, path)
        paths.append(str(path))
    windows_lines(place)
    for folder in (place, *(path for path in place.rglob("*") if path.is_dir())):
        folder.chmod(0o555)
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "MPLBACKEND": "agg",
            "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-B", "-c", PLAIN, *paths], env=bare, text=True, capture_output=True, preexec_fn=obey_modes)
    assert done.returncode == 0 and done.stdout.count(" ran") == len(SOURCES), done.stderr[-3000:]
    for folder in (place, *(path for path in place.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def test_a_hand_in_with_windows_line_ends_is_the_same_hand_in():
    """In the file, as git may make them, and in the cells, as some editors do."""
    content = (ROOT / "release" / "ps1" / "activations.ipynb").read_bytes()
    inside = json.loads(content)
    for cell in inside["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "\r\n")
    forms = (content, content.replace(b"\n", b"\r\n"), json.dumps(inside).encode())
    plain, file, cells = [[cell["source"] for cell in reading.read_notebook(form)["cells"]] for form in forms]
    assert plain == file == cells and len(plain) > 20 and b"\r" not in content and "\r" in inside["cells"][0]["source"]


def test_course_release_keeps_the_deadlines_and_touches_no_gradebook_of_the_course(generated_toys, tmp_path, monkeypatch):
    seen = []

    def run(command, **_):
        folder, = (Path(one.partition("=")[2]) for one in command if one.startswith("--CourseDirectory.root="))
        with Gradebook(next(one.partition("=")[2] for one in command if one.startswith("--CourseDirectory.db_url="))) as gradebook:
            seen.append((gradebook.db.bind.url.database, f"{folder}/gradebook.db", gradebook.find_assignment(command[4]).duedate))
        (folder / "release" / command[4]).mkdir(parents=True)
        return SimpleNamespace(returncode=0)
    monkeypatch.setattr(release.subprocess, "run", run)
    release.regenerate(tmp_path / "release", generated_toys)
    (used, own, due), = seen
    assert used == own and due == release.deadlines(Course(generated_toys))[termclass.ASSIGNMENT] and due is not None
