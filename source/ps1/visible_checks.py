"""The visible checks of this course's notebooks: call your function, compare, and say in a few lines what is wrong.

    with checking("relu") as check:
        check(np.array([-2.0, 3.0]), gives=[0.0, 3.0], says="relu should cut off what is negative.")

reads: relu(np.array([-2.0, 3.0])) gives [0.0, 3.0]. In `gives` a list stands for an array of numbers, a tuple for as many
results as it has entries, and an exception for a call that has to raise it. These checks teach; the points come from
other ones, which you do not see.
"""

import copy
import inspect
import linecache
import re
import sys
import textwrap
import warnings

import numpy as np

WARNINGS = ("overflow", "invalid", "divide")
WIDTH = 84
SMALLEST = 1e-307       # below the smallest normal number digits may be lost: underflow is never a fault


def ready():
    """Say that all is there, or raise an ImportError that says what to do."""
    if tuple(int(part) for part in np.__version__.split(".")[:2]) < (1, 26):
        raise ImportError(f'NumPy {np.__version__} is too old: run `%pip install "numpy>=1.26"` in a new cell, '
                          "restart the kernel, run this cell again.")
    print(f"Ready, with NumPy {np.__version__}.")


class checking:
    """The visible checks of the exercise `name`; `results` are the names of what the function returns, if several."""

    def __init__(self, name, *results):
        self.name, self.results, self.globals = name, results, sys._getframe(1).f_globals

    def __enter__(self):
        if self.name not in self.globals:
            raise brief(NameError(f"{self.name} is not defined yet. Run the cell above, then this cell again."))
        self.function = self.globals[self.name]
        return self.check

    def __exit__(self, kind, error, trace):
        if kind is None:
            print(f"{self.name}: every visible check holds.")

    def check(self, *args, gives, says, rtol=1e-9, atol=0.0, **named):
        """Raise an AssertionError that opens with `says` unless the function of `args` gives what is due.

        rtol, atol: the relative and the absolute error that are allowed. Floating-point warnings and changed arguments
        are failures too.
        """
        given, given_named = copy.deepcopy((args, named))
        result, trouble, warned = self.call(given, given_named, gives)
        trouble = trouble or difference(result, gives, rtol, atol, self.results)
        if trouble:
            raise brief(AssertionError("\n".join((says, *self.called(args, named), *trouble))))
        if warned:
            raise brief(AssertionError("\n".join((
                f"{self.name} should cause no floating-point warning.", *self.called(args, named),
                f"  NumPy said: {warned.message}{at_line(warned.filename, warned.lineno)}"))))
        names = self.names_of(args)
        for name, before, after in zip([*names, *named], [*args, *named.values()], [*given, *given_named.values()]):
            if not same(before, after):
                raise brief(AssertionError("\n".join((
                    f"{self.name} should leave its arguments as they were, but it changed {name}.",
                    *self.called(args, named), f"  before:   {name} = {show(before)}", f"  after:    {name} = {show(after)}"))))

    def call(self, args, named, wanted):
        """(result, lines about an error of the function's own, first floating-point warning)."""
        result, trouble = None, ()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", RuntimeWarning)
            try:
                result = self.function(*args, **named)
            except NotImplementedError:
                raise brief(NotImplementedError(f"{self.name} is not written yet. Put your answer into the cell above, "
                                                "run it, then run this cell again.")) from None
            except Exception as error:      # whatever the function raises is told beside the call that made it
                if is_exception(wanted) and isinstance(error, wanted):
                    return wanted, (), None
                trouble = (f"  but it raised {type(error).__name__}: {error}{self.place(error)}",)
        return result, trouble, next((one for one in caught if str(one.message).startswith(WARNINGS)), None)

    def place(self, error):
        """The innermost line of the notebook's own code that `error` passed through, in words."""
        frames = [frame for frame in inspect.getinnerframes(error.__traceback__, context=0)[1:]
                  if frame.frame.f_globals is self.globals]
        return at_line(frames[-1].filename, frames[-1].lineno) if frames else ""

    def called(self, args, named):
        """The call in words: on one line if it is short, else each argument on its own."""
        shown = [show(arg) for arg in args] + [f"{name}={show(value)}" for name, value in named.items()]
        line = f"  {self.name}({', '.join(shown)})"
        if len(line) <= 100:
            return [line]
        names = self.names_of(args)
        lines = [f"    {name} = {text}" for name, text in zip(names, shown) if not text.startswith(("'", '"'))]
        brief_call = [text if text.startswith(("'", '"')) else name for name, text in zip(names, shown)]
        return [f"  {self.name}({', '.join([*brief_call, *shown[len(args):]])}) with", *lines]

    def names_of(self, args):
        """The names of the positional arguments, as the function's own head has them."""
        try:
            names = list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):
            names = []
        return [*names, *(f"argument {place + 1}" for place in range(len(names), len(args)))][:len(args)]


def is_exception(wanted):
    return isinstance(wanted, type) and issubclass(wanted, Exception)


def difference(got, wanted, rtol, atol, names=(), label=""):
    """() if `got` is what is `wanted`, else lines that say what was expected and what came instead."""
    due, came = f"  expected: {label}", f"  got:      {label}"
    if is_exception(wanted):
        return () if got is wanted else (f"{due}a {wanted.__name__} is raised", came + show(got))
    if isinstance(wanted, str):
        return () if isinstance(got, str) and got == wanted else (due + show(wanted), came + show(got))
    if isinstance(wanted, tuple):
        if not isinstance(got, (list, tuple)) and not (isinstance(got, np.ndarray) and got.ndim):
            return due + results(len(wanted), names), came + kind_of(got)
        if len(got) != len(wanted):
            return due + results(len(wanted), names), came + results(len(got))
        for place, (one, right) in enumerate(zip(got, wanted)):
            inner = label.removesuffix(" = ") + (names[place] if names else f"[{place}]" if label else f"entry {place}")
            if lines := difference(one, right, rtol, atol, label=inner + " = "):
                return lines
        return ()
    right = np.asarray(wanted, dtype=float)
    array = as_numbers(got)
    if array is None:
        return due + show(right.tolist()), came + kind_of(got)
    if not array.size and not right.size:       # an empty list stands for any array without entries
        return ()
    if array.shape != right.shape:
        return due + show(right.tolist()) + shape_of(right), came + show(array.tolist()) + shape_of(array)
    array = array.astype(float)
    with np.errstate(all="ignore"):
        holds = (array == right) | np.isfinite(right) & (np.abs(array - right) <= atol + rtol * np.abs(right) + SMALLEST)
    if holds.all():
        return ()
    exact = show(right.tolist()) == show(array.tolist())
    return due + show(right.tolist(), exact), came + show(array.tolist(), exact)


def as_numbers(got):
    """`got` as an array of real numbers, or None."""
    try:
        array = np.asarray(got)
    except Exception:       # an object of the student's own may raise anything
        return None
    return array if array.dtype.kind in "biuf" else None


def same(before, after):
    if isinstance(before, (list, tuple)):
        return (type(before) is type(after) and len(before) == len(after)
                and all(same(one, two) for one, two in zip(before, after)))
    return type(before) is type(after) and np.array_equal(before, after)


# --- in words -----------------------------------------------------------------------------------------------------

def results(count, names=()):
    if count == 0:
        return "an empty list"
    return f"{count} results: {', '.join(names)}" if names else f"{count} result{'s' if count > 1 else ''}"


def shape_of(array):
    return f", of shape {array.shape}" if array.ndim else ", a single number"


def kind_of(value):
    if value is None:
        return "None. Does the function end with a return?"
    if isinstance(value, (bool, int, float, str, np.ndarray)):
        return show(value)
    return f"a {type(value).__name__} that is no array of numbers"


def show(value, exact=False):
    """A short text for a number, an array, a word or a list of them."""
    if isinstance(value, np.ndarray):
        if value.size > 40:
            return f"an array of shape {value.shape}, from {show(value.flat[0].item())} to {show(value.flat[-1].item())}"
        return f"array({show(value.tolist(), exact)})"
    if isinstance(value, (list, tuple)):
        entries = [show(entry, exact) for entry in value[:12]]
        if len(value) > 12:
            entries[2:] = [f"... {len(value)} entries"]
        return f"[{', '.join(entries)}]"
    if isinstance(value, (float, np.floating)):
        return repr(float(value)) if exact or len(repr(float(value))) <= 8 else f"{value:.6g}"
    if value is None or isinstance(value, (bool, int, str, np.number, np.bool_)):
        return repr(value)[:200]
    return f"a {type(value).__name__}"


def at_line(filename, number):
    text = linecache.getline(filename, number).strip()
    return f"\n  in your line:  {text}" if text else ""


def brief(error):
    """`error` with a traceback of its own words only, where IPython shows it: the helpers' lines teach nothing."""
    error._render_traceback_ = lambda: wrapped(f"{type(error).__name__}: {error}")
    return error


def wrapped(text):
    """The lines of `text`, none longer than nbgrader's Validate shows it."""
    return [part for line in text.splitlines()
            for part in textwrap.wrap(line, WIDTH, subsequent_indent=re.match(" *", line)[0] + "    ",
                                      break_long_words=False, break_on_hyphens=False)]
