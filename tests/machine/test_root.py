"""One course, one root: whatever a command reads or writes belongs to the folder that it is about."""

import dis
import glob
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbgrader
import pytest
import typer
from typer.testing import CliRunner

from grading.notebooks.submissions import hand_in
from grading.plugins import literal
from grading.plugins.literal import Literal
from grading.root import CODE, CourseError, find_root, foreign_code
from grading.run.course import Course
from grading.tools.cli import app
from tests.conftest import SHORT_LIMITS, due_to

ROOT = Path(__file__).parents[2]
CASE = ROOT / "tests" / "submissions" / "ps1" / "perfect-vectorised"


def commands(group, *above):
    """{its name: (the words that it asks for, the command)} of every command that there is, those of `course class` among them."""
    found = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, *above, name)
        else:
            found[" ".join([*above, name])] = ["ps1" for one in command.params if one.required], command
    return found


COMMANDS = commands(typer.main.get_command(app))


def course(*arguments, cwd):
    """`course ARGUMENTS` by the code of this checkout, in the folder `cwd`."""
    return subprocess.run([sys.executable, "-P", "-m", "grading", *arguments], cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_the_course_is_the_nearest_folder_with_a_configuration(tmp_path, monkeypatch):
    inner = tmp_path / "a course [WS26]" / "source" / "ps1"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    with pytest.raises(CourseError, match="is no course"):
        find_root()
    (tmp_path / "a course [WS26]" / "nbgrader_config.py").touch()
    assert find_root() == tmp_path / "a course [WS26]"
    with pytest.raises(CourseError, match="--course"):
        find_root(inner)        # who names a folder means that one


def test_another_checkouts_code_is_named_and_the_courses_own_is_not(tmp_path):
    (tmp_path / "grading").mkdir()
    (tmp_path / "grading" / "__init__.py").touch()
    said = foreign_code(tmp_path)
    assert str(tmp_path) in said and str(CODE) in said
    assert foreign_code(ROOT) is None


def test_a_folder_that_is_no_course_is_refused_by_the_program_itself(tmp_path):
    done = course("grade", "ps1", cwd=tmp_path)
    assert done.returncode == 1 and "is no course" in done.stderr and "--course" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_parser_knows_them_all():
    assert len(COMMANDS) >= 25 and COMMANDS.keys() >= {"grade", "regrade", "class import", "new-term", "container"}


@pytest.mark.parametrize("named", [False, True], ids=["here", "named"])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_refuses_a_folder_that_is_no_course(name, named, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT if named else tmp_path)
    words = [*name.split(), *(["--course", str(tmp_path)] if named else []), *COMMANDS[name][0]]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1 and f"{tmp_path} is no course" in done.stderr and "--course FOLDER" in done.stderr, done.output
    assert isinstance(done.exception, SystemExit) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"container"}))     # which has a test of its own
def test_every_command_is_about_the_course_that_is_named_and_not_about_the_one_here(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    (tmp_path / "nbgrader_config.py").touch()
    words, command = COMMANDS[name]
    assert command.make_context(name, [*words, "--course", str(tmp_path)]).params["course"] == tmp_path
    assert "course" in {one.argval for one in dis.get_instructions(inspect.unwrap(command.callback)) if one.opname.startswith("LOAD")}


@pytest.fixture(scope="module")
def second_checkout(generated, tmp_path_factory):
    """A course whose reference is wrong in one function, with one right submission; the code in use is this checkout's."""
    other = tmp_path_factory.mktemp("second") / "course"
    shutil.copytree(generated["ps1"], other)
    reference = other / "reference_impl" / "activations.py"
    reference.write_text(reference.read_text() + "\n\ndef relu(z):\n    return np.asarray(z) * 3.0\n")
    hand_in(CASE, other / "release" / "ps1", other / "submitted" / "student-01" / "ps1")
    return other


@pytest.mark.sandbox
def test_both_commands_judge_by_the_reference_of_the_course_that_they_are_about(second_checkout, nbgrader):
    from nbgrader.api import Gradebook

    def score():
        with Gradebook(f"sqlite:///{second_checkout}/gradebook.db") as gradebook:
            return gradebook.find_submission("ps1", "student-01").score

    done = nbgrader("autograde", "ps1", *SHORT_LIMITS, cwd=second_checkout)
    assert done.returncode == 0, done.stdout
    by_nbgrader = score()
    done = course("grade", "ps1", "--force", "--jobs", "1", cwd=second_checkout / "source" / "ps1")
    assert done.returncode == 0, done.stderr
    due = due_to(CASE).points
    assert score() == by_nbgrader == sum(due.values()) - due["relu"]
    assert done.stderr.count(f"the course is {second_checkout}, the code that grades it is that of {CODE}") == 1


def test_release_and_missing_look_at_the_course_they_are_about(second_checkout):
    before = (ROOT / "release" / "ps1" / "activations.ipynb").stat().st_mtime_ns
    shutil.rmtree(second_checkout / "release")
    assert course("release", cwd=second_checkout).returncode == 0
    assert (second_checkout / "release" / "ps1" / "activations.ipynb").is_file()
    assert (ROOT / "release" / "ps1" / "activations.ipynb").stat().st_mtime_ns == before
    shutil.rmtree(second_checkout / "tests" / "misconceptions")
    done = course("missing", cwd=second_checkout)
    assert done.returncode == 1 and "tests/misconceptions/activations.py" in done.stdout


def test_a_folder_whose_name_the_gradebook_cannot_bear_is_refused(tmp_path):
    root = tmp_path / "what?"
    root.mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", root)
    with pytest.raises(CourseError, match="question mark.*Rename the folder"):
        Course(root)


def test_folders_are_found_by_their_letters_before_they_are_patterns(tmp_path):
    for name in ("[WS26]/a*b/ps1", "[WS26]/axb/ps1", "[WS26]/axb/ps [1]", "W/a*b/ps1"):
        (tmp_path / name).mkdir(parents=True)
    found = [str(Path(path).relative_to(tmp_path)) for pattern in ("[WS26]/*/ps1", "[WS26]/a*b/ps1", "[WS26]/a?b/ps1", "none/*", "[WS26]/*/ps [1]", "[WS26]/*/ps [1]/*.ipynb")
             for path in sorted(Literal.glob(str(tmp_path / pattern)))]
    assert found == ["[WS26]/a*b/ps1", "[WS26]/axb/ps1", "[WS26]/a*b/ps1", "[WS26]/a*b/ps1", "[WS26]/axb/ps1", "[WS26]/axb/ps [1]"]
    assert glob.glob(str(tmp_path / "[WS26]/*/ps1")) == [str(tmp_path / "W/a*b/ps1")]     # what nbgrader would find


def test_every_module_of_nbgrader_that_looks_for_files_takes_names_by_their_letters():
    package = Path(nbgrader.__file__).parent
    found = {".".join(["nbgrader", *path.relative_to(package).with_suffix("").parts]) for path in package.rglob("*.py")
             if "glob.glob(" in path.read_text(encoding="utf-8") and not {"tests", "docs"} & set(path.parts)}
    assert found == {*literal.MODULES, "nbgrader.apps.validateapp"}     # to which a shell's patterns are given
