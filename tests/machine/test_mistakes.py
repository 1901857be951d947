"""docs/mistakes.md says what the authors of all known mistakes are told, and says it as it is now."""

import re
from pathlib import Path

import pytest

from grading.tools.mistakes import as_markdown

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "mistakes.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def now():
    return as_markdown(ROOT)


def test_the_page_is_fresh(now):
    assert now == PAGE, "run: course mistakes"


def test_every_author_reads_something_specific(now):
    rows = [line for line in now.splitlines() if line.startswith("| ") and "| --- |" not in line and "| mistake |" not in line]
    assert len(rows) > 200
    vague = [row for row in rows if not re.search(r"This looks like a known mistake — .{30}|Hint: .{20}", row)]
    assert vague == []
