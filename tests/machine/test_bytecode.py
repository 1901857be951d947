"""What a kernel imports of the course's own is compiled once for a class, and never in place of another text."""

import subprocess
import sys

import pytest

from grading.notebooks.bytecode import bytecode

ONE, OTHER = b"x = 1\n", b"x = 2\n"


def imported(folder, text, place, content):
    """What `x` is in a module of that text, beside which such a cache lies."""
    (folder / "helper.py").write_bytes(text)
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_bytes(content)
    done = subprocess.run([sys.executable, "-B", "-c", "import helper; print(helper.x, helper.__file__)"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_cache_is_taken_for_its_text_and_for_no_other(tmp_path):
    (place, content), (_, other) = bytecode("helper.py", ONE), bytecode("helper.py", OTHER)
    assert imported(tmp_path, ONE, place, content) == f"1 {tmp_path / 'helper.py'}\n"
    assert imported(tmp_path, ONE, place, content[:16] + other[16:]).startswith("2"), "it was not looked at: this proves nothing"
    assert imported(tmp_path, OTHER, place, content).startswith("2")


@pytest.mark.parametrize("path, text", [("data.csv", ONE), ("helper.py", b"def"), ("helper.py", b"x = '\xff'"), ("py", ONE)])
def test_what_is_no_module_has_none(path, text):
    assert bytecode(path, text) is None


def test_a_cache_lies_beside_its_module():
    assert bytecode("deep/helper.py", ONE)[0] == f"deep/__pycache__/helper.{sys.implementation.cache_tag}.pyc"
