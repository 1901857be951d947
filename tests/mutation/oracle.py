"""What is right, worked out at 60 digits from the contracts alone: neither the reference nor the hidden checks have a part in it.

Each exercise has cases: arguments that the contract allows, the region that they come from ("ordinary", "tails", ...),
the exact answer, and how far off an answer may be. A case is only ever about what the notebook promises.
"""

import functools
import importlib
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import mpmath
import numpy as np

from tests.course.oracles import DIGITS, MP_FUNCTIONS

MARGIN = 10.0           # an answer is proved wrong where it misses by more than this many times what is promised
RULE = "rule"           # no value is wrong, but the call warns or changes its arguments
SMALLEST = 1e-300       # what lies below has left the promised range
NAMES = ("identity", "sigmoid", "tanh", "relu")


@dataclass(frozen=True)
class Case:
    """One call. `wanted` is nested lists, arrays, a word, or the type of an error that has to be raised.

    `scale` times the largest |entry| is allowed beside `rtol`.
    """

    region: str
    arguments: tuple
    wanted: object
    rtol: float = 1e-9
    scale: float = 1e-12
    atol: float = 0.0

    def faults(self, function, margin=MARGIN):
        """{part: what is wrong with it} of the answer of `function`; part None stands for all of it, RULE for the manner."""
        arguments = copy_of(self.arguments)
        try:
            with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
                warnings.simplefilter("always")
                value = function(*arguments)
        except Exception as error:
            return {} if raised(self.wanted) and isinstance(error, self.wanted) else {None: type(error).__name__}
        faults = parts_off(value, self, margin)
        said = [word for word in ("overflow", "invalid", "divide") for w in caught if word in str(w.message)]
        if said:
            faults[RULE] = f"warns of {said[0]}"
        if not same(arguments, self.arguments):
            faults[RULE] = "changes an argument"
        return faults


def raised(wanted):
    """Whether an exception is due."""
    return isinstance(wanted, type)


def parts_off(value, case, margin):
    """A tuple that is due is judged part by part, anything else as part 0."""
    if raised(case.wanted):
        return {None: f"no {case.wanted.__name__}"}
    if not isinstance(case.wanted, tuple):
        return {0: "value"} if off(value, case.wanted, case, margin) else {}
    if not isinstance(value, (tuple, list)) or len(value) != len(case.wanted):
        return {None: "not the tuple that is due"}
    return {part: "value" for part, pair in enumerate(zip(value, case.wanted)) if off(*pair, case, margin)}


def off(got, wanted, case, margin):
    if isinstance(wanted, str):
        return not (isinstance(got, str) and got == wanted)
    if isinstance(wanted, list):
        if isinstance(got, np.ndarray) and got.ndim:
            got = list(got)
        return not isinstance(got, (list, tuple)) or len(got) != len(wanted) or any(
            off(*pair, case, margin) for pair in zip(got, wanted))
    try:
        got = np.asarray(got)
    except ValueError:
        return True
    if not wanted.size and not got.size:
        return False                # an empty list stands for any array without entries
    if got.dtype.kind not in "biuf" or got.shape != wanted.shape:
        return True
    with np.errstate(all="ignore"):
        largest = np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0.0)
        allowed = margin * (case.rtol * np.abs(wanted) + case.scale * largest + case.atol) + SMALLEST
        return not ((got == wanted) | np.isfinite(wanted) & (np.abs(got - wanted) <= allowed)).all()


def copy_of(value):
    if isinstance(value, (list, tuple)):
        return type(value)(copy_of(item) for item in value)
    return value.copy() if isinstance(value, np.ndarray) else value


def same(one, other):
    if isinstance(other, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(same(*pair) for pair in zip(one, other))
    return np.array_equal(one, other)


# --- numbers of 60 digits ------------------------------------------------------------------------------------------

def exact(array):
    """An object array of mpmath numbers: NumPy's sums and products of it are exact enough for everything here."""
    return np.vectorize(lambda number: mpmath.mpf(float(number)), otypes=[object])(np.asarray(array, dtype=float))


def floats(array):
    return np.vectorize(float, otypes=[float])(array) if np.size(array) else np.zeros(np.shape(array))


def each(function, array):
    array = np.asarray(array, dtype=object)
    return np.vectorize(function, otypes=[object])(array) if array.size else array


def activate(z, name):
    rules = {"identity": lambda v: v, "sigmoid": MP_FUNCTIONS["sigmoid"], "tanh": mpmath.tanh, "relu": lambda v: max(v, mpmath.mpf(0))}
    return each(rules[name], z)


def derivative(z, name):
    return each(MP_FUNCTIONS[f"{name}_derivative"], z)


def step(grad, z, W, name):
    return (grad * derivative(z, name)) @ W.T


def frobenius(array):
    return mpmath.sqrt(mpmath.fsum(v * v for v in np.ravel(array)))


def spectral(W):
    """The largest singular value, from the eigenvalues of W^T W (or W W^T, whichever is smaller) at 60 digits."""
    W = exact(W)
    gram = W.T @ W if W.shape[1] <= W.shape[0] else W @ W.T
    return mpmath.sqrt(max(mpmath.eigsy(mpmath.matrix(gram.tolist()), eigvals_only=True)))


# --- all of them ---------------------------------------------------------------------------------------------------

NOTEBOOKS = tuple(sorted(path.stem for path in (Path(__file__).parent / "cases").glob("[!_]*.py")))


@functools.cache
def makers(notebook):
    """{exercise: function that makes its cases} of a notebook."""
    return {make.__name__: make for make in importlib.import_module(f"tests.mutation.cases.{notebook}").EXERCISES}


@functools.cache
def cases(notebook, exercise):
    """All cases of an exercise: the same in every run."""
    with mpmath.workdps(DIGITS):
        return list(makers(notebook)[exercise](np.random.default_rng(zlib.crc32(exercise.encode()))))
