"""The hidden checks run inside the kernel, next to the student's code: what stock nbgrader, otter and the floor do.

The functions of tests/hidden are the same as in grading; only `check` and `student` are stand-ins that call the
student's function directly. Nothing here is safe against a submission that wants points: that is the comparison.
"""

import copy
import importlib
import importlib.util
import sys
import types
import warnings
import zlib
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FAULTS = ("overflow", "invalid", "divide")


class Failed(Exception):
    """A check does not hold."""


class Student:
    """Stands in for `grading.checks.Student`: the same questions, asked in the same process."""

    def __init__(self, function, reference, name):
        self.function, self.reference = function, reference
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))
        self.warnings = set()

    def agrees(self, *cases, rtol, atol=0.0, wanted=None, first=None, logarithms=False):
        from grading.checks.compare import difference
        for case, value in zip(cases, self.results(*cases)):
            with np.errstate(all="ignore"):
                right = (wanted or self.reference)(*copy.deepcopy(case))
            if first:
                self.expect(isinstance(value, (tuple, list)) and len(value) == len(right), "no tuple")
                value, right = list(value[:first]), list(right[:first])
            self.expect(difference(value, right, rtol, atol, logarithms) is None, "wrong value")

    def results(self, *cases):
        return [self.call(case)[0] for case in cases]

    def expect(self, condition, words):
        if not condition:
            raise Failed(words)

    def leaves_arguments_alone(self, *cases):
        for case in cases:
            after = self.call(case)[2]
            self.expect(same(after, case), "an argument was changed")

    def is_silent(self, *cases, rtol=1e-9, **how):
        for case in cases:
            value, said, _ = self.call(case)
            self.expect(not said, "a warning")
        self.agrees(*cases, rtol=rtol, **how)

    def refuses(self, *cases):
        for case in cases:
            try:
                self.call(case)
            except ValueError:
                continue
            raise Failed("a value where a ValueError is due")

    def call(self, case):
        after = copy.deepcopy(case)
        with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
            warnings.simplefilter("always")
            value = self.function(*after)
        said = [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]
        faults = [fault for fault in FAULTS if any(fault in text for text in said)]
        self.warnings.update(faults)
        return value, faults, after


def same(one, other):
    if isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return np.array_equal(one, other)


def check(exercise, title, *, hint, weight=1, core=False, most=1.0):
    def mark(function):
        function.about = exercise, weight, core, most
        return function
    return mark


@cache
def load(notebook):
    """(reference module, {exercise: [check functions]}) of a notebook."""
    sys.path.insert(0, str(ROOT))
    stand_in = types.ModuleType("grading.checks")
    stand_in.check, stand_in.__path__ = check, [str(ROOT / "grading" / "checks")]
    sys.modules["grading.checks"] = stand_in        # the real one loads pytest
    stand_in.compare = importlib.import_module("grading.checks.compare")
    spec = importlib.util.spec_from_file_location("hidden", ROOT / "tests" / "hidden" / f"test_{notebook}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {}
    for function in vars(module).values():
        if hasattr(function, "about"):
            found.setdefault(function.about[0], []).append(function)
    return importlib.import_module(f"reference_impl.{notebook}"), found


def run_hidden_checks(notebook, exercise, namespace, points=1.0):
    """The points that the function `exercise` in `namespace` earns, scored as in grading."""
    reference, checks = load(notebook)
    passed, total, limit = 0, 0, 1.0
    for function in checks[exercise]:
        _, weight, core, most = function.about
        total += weight
        try:
            function(Student(namespace[exercise], getattr(reference, exercise), function.__name__))
            passed += weight
        except Exception:
            limit = 0.0 if core else min(limit, most)
    return round(points * min(limit, passed / total), 2)
