"""`pytest tests/hidden --subject ...`: the hidden checks as a session, with failures that a TA can read."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import points_in

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "submissions"


def session(*arguments):
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, arguments)], cwd=ROOT,
                          capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def blank():
    return session("tests/hidden/test_backward_step.py", "--subject", "release")


def test_the_released_notebook_scores_nothing_in_every_exercise(blank):
    table = [line.strip() for line in blank.stdout.splitlines() if " of backward_step / " in line]
    assert blank.returncode == 1
    assert len(table) == len(points_in("ps2")), blank.stdout
    assert all(line.startswith("0% of") for line in table)


def test_a_failure_reads_as_words_not_as_a_traceback(blank):
    assert "layer_forward gives" in blank.stdout and "Hint: " in blank.stdout
    assert "NotImplementedError: Write your answer here. (line " in blank.stdout
    for noise in ("Traceback", "student.agrees", "checks.py", "def test_", "ERROR "):
        assert noise not in blank.stdout


@pytest.mark.sandbox
def test_a_file_of_answers_is_judged_in_its_own_notebook_only():
    done = session("tests/hidden", "--subject", CASES / "ps1" / "derivative-at-y" / "activations.py")
    assert re.search(r"\d+ passed, \d+ deselected", done.stdout) and "backward_step" not in done.stdout
    assert "Known mistake - evaluated at y instead of z: This is the derivative of the sigmoid" in done.stdout
    assert " 0% of activations / sigmoid_derivative" in done.stdout and "100% of activations / relu:" in done.stdout


def test_a_path_that_is_no_notebook_of_the_course_is_refused_with_the_reason(tmp_path):
    done = session("tests/hidden/test_activations.py", "--subject", tmp_path / "nowhere.ipynb")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR and "There is no file" in done.stdout + done.stderr
