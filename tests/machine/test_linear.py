"""Whatever text of others a regular expression of ours sees, its cost grows with the size of the text and not with its square."""

import math
import re
import signal
import time

import pumps
import pytest

from grading.notebooks import cells, intake
from grading.plugins import feedback
from tests.conftest import ROOT

# See what the course's authors, its staff or the host wrote, and nothing else.
TRUSTED = {"grading/border/libraries.py", "grading/checks/table.py", "grading/notebooks/readable.py", "grading/tools/demo.py", "grading/tools/leaks.py",
           "grading/tools/missing.py", "grading/tools/naming.py", "grading/tools/prove.py", "grading/tools/site_pages.py"}
# Of patterns that are made at run time, what comes out there.
MADE = {"grading/notebooks/answers.py": [pumps.Use(0, "search", r"^(async )?def f\s*\(|^f\s*=", re.MULTILINE)],
        "grading/notebooks/exchange.py": [pumps.Use(0, "fullmatch", r"(.+)\+ps1\+([^+]*)(\+[^+]*)?", re.DOTALL)],
        "grading/notebooks/intake.py": [pumps.Use(0, "match", intake.NOT_TAKEN.pattern)],
        "grading/plugins/autograde.py": [pumps.Use(0, "fullmatch", r"/course/submitted/(?P<student>.*)/ps1", re.DOTALL)]}
PUMPS = ("\n", " ", " \n", "# ", "#\n", "a", "a ", "(", "()", "1", "1,", "\\", "`", "{", "\\begin{a}", "BEGIN HIDDEN TESTS\n", "\ndef a", "!", '\\"', '"')
COMMON = [(start, pump, end) for pump in PUMPS for start in ("", "# a") for end in ("", "b\\")]


def cost(work, text, most=0.5):
    """Seconds of processor time that it takes; it is given up after `most` seconds, for some patterns never end."""
    def give_up(*_):
        raise TimeoutError
    before, handler = time.process_time(), signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, most)      # with one of processor time, Linux counts in ticks
    try:
        work(text)
    except TimeoutError:
        return math.inf
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    return time.process_time() - before


def is_square(work, make, size=500, least=0.004):
    """Whether text that is eight times as large costs far more than eight times as much; what costs little is not judged."""
    return all((much := cost(work, make(8 * size))) > least and (much == math.inf or much > 24 * cost(work, make(size))) for _ in range(3))


def square_for(work, texts=()):
    return next(((start, pump, end) for start, pump, end in (*COMMON, *texts)
                 if is_square(work, lambda size: start + pump * (size // len(pump)) + end)), None)


def square_for_use(use):
    return square_for(pumps.work(use), [(start, pump, end) for start, pump in pumps.pumps(use.pattern, use.flags) for end in ("", "b\\", "\0")])


def found():
    """{file: uses of patterns} of all our code."""
    files = sorted([*(ROOT / "grading").rglob("*.py"), *(ROOT / "jupyter").rglob("*.py")])
    return {path.relative_to(ROOT).as_posix(): list(pumps.uses(path.read_text())) for path in files}


FOUND = found()
SEEN = {f"{file}:{use.line}": use for file, uses in FOUND.items() if file not in TRUSTED
        for use in [use for use in uses if use.pattern is not None] + MADE.get(file, [])}
FUNCTIONS = {"hidden regions": lambda text: cells.without(text, cells.HIDDEN), "a heading": lambda text: feedback.plain(text),
             "headings": lambda text: feedback.headings(text)}


def test_every_pattern_is_measured_or_sees_no_text_of_others():
    made = {file: sum(use.pattern is None for use in uses) for file, uses in FOUND.items() if file not in TRUSTED}
    assert {file: count for file, count in made.items() if count} == {file: len(uses) for file, uses in MADE.items()}
    assert all(FOUND[file] for file in TRUSTED) and len(SEEN) > 80


@pytest.mark.parametrize("place", SEEN)
def test_a_pattern_is_linear(place):
    assert square_for_use(SEEN[place]) is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_looks_through_student_text_is_linear(name):
    assert square_for(FUNCTIONS[name]) is None


@pytest.mark.parametrize(("source", "square"), [
    (r're.compile(r"^\s*def (\w{1,80})\(", re.MULTILINE)', True), (r're.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.M)', True),
    (r're.search(r"<!--.*?-->", text)', True), (r're.match(r"(a|aa)+$", text)', True), (r're.match(r"(a|b)+$", text)', False), ('WORD = re.compile(r"[^+]+x")\nWORD.fullmatch(text)', False),
    ('WORD = re.compile(r"[^+]+x")\nWORD.search(text)', True), (r're.search(r"\[[^\]]*\](?:\((?P<to>[^)]*)\))", text)', True)])
def test_a_pattern_that_is_not_linear_is_found_wherever_it_stands(source, square):
    """The control."""
    [use] = pumps.uses(source)
    assert (square_for_use(use) is not None) == square


def test_a_pattern_that_is_made_at_run_time_is_found_too():
    assert [use.pattern for use in pumps.uses('re.search(rf"{name} *", text)')] == [None]
