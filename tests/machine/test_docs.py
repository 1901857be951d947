"""What the pages say happens: every command of a block marked `console run` is run, and gives the output that stands there.

A page's blocks are run in order in a copy of the course in which ps1 was generated and three submissions of it were
collected. A line `...` stands for any lines; `...` inside a line for any text.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from grading.notebooks.submissions import hand_in

ROOT = Path(__file__).parents[2]
REAPER = ROOT / "tests" / "machine" / "reaper.py"
CLASS = ("derivative-at-y", "half-finished", "perfect-loops")
WHOLE = {"tas.md"}      # its twenty commands take two minutes, and each has tests of its own
BLOCK = re.compile(r"^```console run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if BLOCK.search(path.read_text())]


def commands(page):
    """[(command, output that is due)] of a page."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = piece.partition("\n")
            yield command, output


def pattern(output):
    """A regular expression for what a command may say."""
    lines = [line.rstrip() for line in output.strip("\n").splitlines()]
    return "".join(r"(?:[^\n]*\n)*?" if line.strip() == "..." else
                   ".*".join(map(re.escape, line.split("..."))) + r"[ ]*\n" for line in lines)


@pytest.fixture
def course(generated, tmp_path):
    folder = tmp_path / "course"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(
        ".venv*", ".git", "build", "__pycache__", ".pytest_cache", ".hypothesis", "*.egg-info", "gradebook.db*"))
    shutil.copy(generated["ps1"] / "gradebook.db", folder)
    for case in CLASS:
        hand_in(ROOT / "tests" / "submissions" / "ps1" / case, folder / "release" / "ps1", folder / "submitted" / case / "ps1")
    return folder


@pytest.mark.sandbox
@pytest.mark.parametrize("page", [pytest.param(page, marks=pytest.mark.whole if page.name in WHOLE else ()) for page in PAGES], ids=lambda page: page.name)
def test_every_command_of_the_page_gives_what_the_page_says(page, course):
    environment = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}", "COLUMNS": "100",
                   "NO_COLOR": "1", "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(course)}      # the copy's code
    wrong = []
    for command, due in commands(page):
        done = subprocess.run([sys.executable, REAPER, "sh", "-c", command], cwd=course, env=environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=600)
        said = "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"
        if not re.fullmatch(pattern(due), said if due.strip() else ""):
            wrong.append(f"$ {command}\n{said}\n--- the page says ---\n{due}")
    assert not wrong, "\n\n".join(wrong)


def test_a_line_of_dots_stands_for_anything_and_nothing_else_does():
    assert re.fullmatch(pattern("one\n...\nthree ... five\n"), "one\ntwo\ntwo\nthree 4 five\n")
    assert re.fullmatch(pattern("one\n...\nthree\n"), "one\nthree\n")
    assert not re.fullmatch(pattern("one\nthree\n"), "one\ntwo\nthree\n")


def test_every_picture_of_the_pages_exists_and_none_is_left_over():
    """Browser tests make them: pytest tests/browser --update-screenshots."""
    named = {(page.parent / name).resolve() for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
             for name in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))}
    assert {path for path in named if not path.exists()} == set()
    assert set((ROOT / "docs" / "screenshots").iterdir()) == {path for path in named if path.parent.name == "screenshots"}
