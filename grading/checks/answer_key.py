"""The course's side of a check: what the reference and the known mistakes answer to the hidden inputs."""

import hashlib
import importlib
import json
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from . import bank, compare


class AnswerKey:
    """Reference and misconceptions of one notebook, with what they answer to the (always equal) hidden inputs."""

    def __init__(self, root, notebook):
        self.root, self.notebook = Path(root), notebook
        with importing_from(root):
            self.reference = importlib.import_module(f"reference_impl.{notebook}")
            self.bank = bank.load(self.root / "tests" / "misconceptions" / f"{notebook}.py")
        self.known = {}

    def right_answers(self, exercise, cases, inputs):
        return self.remember(exercise, cases, inputs, "reference", getattr(self.reference, exercise))

    def recognise(self, exercise, cases, inputs, answers, right):
        """The misconception whose answers these are, or None. `inputs` is the fingerprint of `cases`."""
        for entry in self.bank:
            if entry.exercise != exercise:
                continue
            try:
                mistaken = self.remember(exercise, cases, inputs, entry.name, entry.function)
            except Exception:       # a mistake may well raise on some input; then it is not this one
                continue
            pairs = list(zip(answers, mistaken, right))
            if all(compare.difference(got, wrong, 1e-6) is None for got, wrong, _ in pairs) \
                    and any(compare.difference(wrong, due, 1e-6) for _, wrong, due in pairs):
                return entry
        return None

    def remember(self, exercise, cases, inputs, name, function):
        key = (exercise, name, inputs)
        if key not in self.known:
            with np.errstate(all="ignore"):
                self.known[key] = [function(*copy_of(case)) for case in cases]
        return self.known[key]


def fingerprint(tree, block):
    return hashlib.blake2b(json.dumps(tree).encode() + block).digest()


@contextmanager
def importing_from(root):
    """Import `reference_impl` out of `root`, as it is on disk now; the process's own modules stay as they were."""
    def loaded():
        return {name: module for name, module in sys.modules.items() if name.split(".")[0] == "reference_impl"}

    own = loaded()
    for name in own:
        del sys.modules[name]
    sys.path.insert(0, str(root))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(root))
        for name in loaded():
            del sys.modules[name]
        sys.modules.update(own)


def copy_of(value):
    if isinstance(value, (list, tuple)):
        return type(value)(copy_of(item) for item in value)
    return value.copy() if isinstance(value, np.ndarray) else value
