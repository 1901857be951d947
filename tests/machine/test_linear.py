"""Whatever student text a regular expression of ours sees, its cost grows with the size of the text and not with its square."""

import importlib
import pkgutil
import re
import time

import pytest

import grading
from grading.notebooks import cells
from grading.plugins import feedback

OF_THE_COURSE = ("grading.notebooks.readable",)     # see what its authors wrote, and nothing else
ROOMS = ("notebooks", "checks", "plugins", "pages", "run")
PUMPS = ("\n", " ", " \n", "# ", "#\n", "a", "a ", "(", "()", "1", "1,", "\\", "`", "{", "\\begin{a}", "BEGIN HIDDEN TESTS\n", "\ndef a", "!", '\\"', '"')
STARTS, ENDS = ("", "# a"), ("", "b\\")


def patterns():
    """Every compiled pattern that is a module's own, by its place."""
    for room in ROOMS:
        package = importlib.import_module(f"grading.{room}")
        for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            for name, value in vars(importlib.import_module(found.name)).items():
                if found.name not in OF_THE_COURSE and isinstance(value, re.Pattern):
                    yield f"{found.name}.{name}", value


def cost(work, text):
    before = time.process_time()
    work(text)
    return time.process_time() - before


def is_square(work, make, size=500, least=0.004):
    """Whether text that is eight times as large costs far more than eight times as much; what costs little is not judged."""
    return all(cost(work, make(8 * size)) > max(least, 24 * cost(work, make(size))) for _ in range(3))


def texts():
    for pump in PUMPS:
        for start in STARTS:
            for end in ENDS:
                yield start, pump, end


def square_for(work):
    return [(start, pump, end) for start, pump, end in texts()
            if is_square(work, lambda size: start + pump * (size // len(pump)) + end)]


FOUND = dict(patterns())
FUNCTIONS = {"hidden regions": lambda text: cells.without(text, cells.HIDDEN), "a heading": lambda text: feedback.plain(text),
             "headings": lambda text: feedback.headings(text)}


def test_there_are_patterns_to_look_at():
    assert len(FOUND) > 10 and grading.__name__ in next(iter(FOUND))


@pytest.mark.parametrize("name", FOUND)
def test_a_pattern_is_linear(name):
    as_it_is = str.encode if isinstance(FOUND[name].pattern, bytes) else str
    assert square_for(lambda text: sum(1 for _ in FOUND[name].finditer(as_it_is(text)))) == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_looks_through_student_text_is_linear(name):
    assert square_for(FUNCTIONS[name]) == []


@pytest.mark.parametrize(("pattern", "text"), [(r"^\s*def (\w{1,80})\(", "\n"), (r"^#{1,6}\s+(.+?)\s*#*$", " ")])
def test_a_pattern_that_is_not_linear_is_found(pattern, text):
    """The control: two that were."""
    search = re.compile(pattern, re.MULTILINE).findall
    assert is_square(search, lambda size: "# a" + text * size + "b")
