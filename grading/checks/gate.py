"""The gate for every word that student code can choose after it has seen a hidden input: types, messages, places.

A function that is called with hidden inputs can put them into the name of a type or into the message of an error, in
digits or in letters that stand for digits. So nothing of its own words is shown. Types and messages of Python and NumPy
are recognised and shown in the words that stand here; names and small numbers in them cost what they could tell, and so
does the line of the student's own code. All errors of one notebook together may tell `BITS`, less than one float.
"""

import builtins
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from ..border.subject import StudentError
from ..notebooks.cells import code_lines
from ..notebooks.names import printable

BITS = 52               # of all errors of a notebook: a float has 53 in its digits alone
AGAIN = 3               # bits for saying what was said before in this notebook
# What is shown of the changing parts of a message, and the bits that each such piece may tell; the rest is "…" for one bit.
PIECES = re.compile(r"(?P<shape>\((?:\d{1,2}(?:, ?|(?=\))))*\))|(?P<number>\d{1,2}(?!\w))|'?(?P<word>(?:numpy\.)?\w+)'?|(?P<sign>[-+*/@%&|^~<>=]{1,3})"
                    r"|(?P<space>[ ,:]{1,2})|.", re.ASCII | re.DOTALL)
NUMBER, WORD, NAME, SIGN, OTHER = 8, 8, 5, 6, 1
QUOTES = 2              # a name stands in them or not; which of the line's names it is comes on top, as soon as that is more than NAME

ERRORS = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)} | {
    "LinAlgError", "AxisError", "UFuncTypeError", "_UFuncNoLoopError", "_UFuncBinaryResolutionError", "_UFuncOutputCastingError",
    "JSONDecodeError", "InvalidOperation"}
COMMON = {"TypeError", "ValueError", "NameError", "UnboundLocalError", "IndexError", "KeyError", "AttributeError"}
COMMON_KIND, ANY_KIND = 4, 8        # bits: one of seven, or one of ERRORS or none of them
TYPES = {name for name, kind in vars(builtins).items() if isinstance(kind, type)} - ERRORS | {
    "ndarray", "NoneType", "function", "builtin_function_or_method", "method", "module", "generator", "map", "filter", "zip",
    "ufunc", "matrix", "float16", "float32", "float64", "longdouble", "complex64", "complex128", "int8", "int16", "int32",
    "int64", "uint8", "uint16", "uint32", "uint64", "bool_", "str_", "Decimal", "Fraction", "MaskedArray", "DataFrame", "Series",
    "Tensor", "deque", "defaultdict", "dict_keys", "dict_values", "dict_items", "Axes", "Figure", "Generator", "itertools", "dtype"}
WORDS = TYPES | {"add", "subtract", "multiply", "divide", "true_divide", "matmul", "dot", "exp", "log", "log10", "tanh", "sqrt",
                 "power", "maximum", "minimum", "where", "sum", "mean", "axis", "float", "shape", "size", "dim", "same_kind"}

DTYPES = ("object", "complex128", "complex64", "datetime64", "timedelta64")

# Messages of Python and NumPy that students meet; * stands for what changes.
MESSAGES = [line.split("*") for line in """\
* is not written yet*
Write your answer here.
name * is not defined*
cannot access local variable * where it is not associated with a value
local variable * referenced before assignment
cannot access free variable * where it is not associated with a value in enclosing scope
operands could not be broadcast together with shapes *
operands could not be broadcast together with remapped shapes *
non-broadcastable output operand with shape * doesn't match the broadcast shape *
could not broadcast input array from shape * into shape *
shapes * not aligned: *
matmul: Input operand * has a mismatch in its core dimension *
matmul: Input operand * does not have enough dimensions *
shape mismatch: *
cannot reshape array of size * into shape *
unsupported operand type(s) for *: * and *
bad operand type for unary *: *
* not supported between instances of * and *
can only concatenate * (not *) to *
can't multiply sequence by non-int of type *
* object is not callable
* object is not subscriptable
* object is not iterable
* object does not support item assignment
* object cannot be interpreted as an integer
* object has no attribute *
module * has no attribute *
argument of type * is not iterable
object of type * has no len()
len() of unsized object
iteration over a 0-d array
cannot unpack non-iterable * object
not enough values to unpack (expected *, got *)
too many values to unpack (expected *)
* takes from * to * arguments*
* takes * arguments*
* takes * positional argument* but * given
* missing * required positional argument*
* got an unexpected keyword argument *
* got multiple values for argument *
index * is out of bounds for axis * with size *
list index out of range
tuple index out of range
string index out of range
list assignment index out of range
list indices must be integers or slices, not *
too many indices for array*
invalid index to scalar variable.
only integers, slices (*
only integer scalar arrays can be converted to a scalar index
only length-1 arrays can be converted to Python scalars
only 0-dimensional arrays can be converted to Python scalars
boolean index did not match indexed array along *
arrays used as indices must be of integer (or boolean) type
The truth value of an array with more than one element is ambiguous*
setting an array element with a sequence.*
could not convert string to float*
invalid literal for int() with base *
* argument must be a string or a * number, not *
assignment destination is read-only
output array is read-only
division by zero
float division by zero
integer division or modulo by zero
math range error
math domain error
expected a nonnegative input*
cannot convert float NaN to integer
cannot convert float infinity to integer
maximum recursion depth exceeded*
int too large to convert to float
Unable to allocate *
Integers to negative integer powers are not allowed.
axis * is out of bounds for array of dimension *
axes don't match array
all the input arrays must have same number of dimensions*
all the input array dimensions * must match exactly*
all input arrays must have the same shape
need at least one array to *
zero-size array to reduction operation * which has no identity
Cannot cast ufunc * from * to * with casting rule *
ufunc * not supported for the input types*
loop of ufunc does not support argument * of type * which has no callable * method
operand * has a mismatch in its core dimension *
Last * dimensions of the array must be square
* must be a square matrix
* must be at least *-dimensional*
Array must not contain infs or NaNs
Singular matrix
Eigenvalues did not converge
SVD did not converge
einstein sum subscripts string contains too many subscripts for operand *
* is not in list
pop from empty list
max() arg is an empty sequence
min() arg is an empty sequence
max() iterable argument is empty
min() iterable argument is empty
unhashable type: *
No module named *
cannot import name *
No active exception to reraise
exceptions must derive from BaseException
""".splitlines()]


class Gate:
    """What may still be told of the errors of one notebook. `sources` maps numbers of cells to (name, source).

    Where a student may hand in again and again, `terse` leaves out messages, and tables leave out what came back.
    """

    def __init__(self, sources: Mapping[int | None, tuple[str, str]], bits: float = BITS, terse: bool = False) -> None:
        self.cells = {number: (name, code_lines(source)) for number, (name, source) in sources.items()}
        self.left, self.terse = bits, terse
        self.said: dict[tuple[object, ...], str] = {}
        self.known: set[tuple[str | None, str | None]] = set()

    def error_line(self, error: StudentError, exercise: str | None = None) -> str:
        """An error in known words, with the line of the student's own cell as far as that may be told; the same each time."""
        key = error.type, error.message, error.cell, error.line, exercise
        if key not in self.said:
            self.said[key] = "".join(self.words_and_place(error, exercise))
        return self.said[key]

    def words_and_place(self, error: StudentError, exercise: str | None) -> tuple[str, str]:
        kind, parts = error.type if error.type in ERRORS else None, recognised(error.message)
        shape = kind, "*".join(parts) if parts else None
        cost = AGAIN if shape in self.known else (COMMON_KIND if kind in COMMON else ANY_KIND) + bits(len(MESSAGES))
        if not self.spend(cost):
            return "an error", self.place(error, exercise)
        self.known.add(shape)
        name, place = kind or "an error of a kind of its own", self.place(error, exercise)
        if not parts or self.terse:
            return name, place
        filled = list(self.slots(error.message, parts, self.line(error) if place else ""))      # names of a line that is not told could tell which it is
        return f"{name}: " + "".join(map("".join, zip(parts, [*filled, ""]))).strip(), place

    def slots(self, message: str, parts: Sequence[str], line: str) -> Iterator[str]:
        """What stands in the message for each *, as far as that is known and may be told."""
        names, at = set(re.findall(r"[^\W\d]\w*", line)), 0
        for part, after in zip(parts, parts[1:]):
            at = message.index(part, at) + len(part)
            end = message.index(after, at) if after else len(message)
            shown, cost = "", 0.0
            for piece in PIECES.finditer(message, at, end):
                price = price_of(piece, names)
                text = "…" if price is None else piece[0]
                if text != "…" or not shown.endswith("…"):
                    shown, cost = shown + text, cost + (OTHER if price is None else price)
            yield shown if self.spend(cost) else "…"

    def line(self, error: StudentError) -> str:
        """The line of the student's code that the error names; empty if there is none."""
        name, lines = self.cells.get(error.cell, (None, []))
        number = error.line or 0
        return lines[number - 1].strip() if name is not None and 0 < number <= len(lines) else ""

    def place(self, error: StudentError, exercise: str | None) -> str:
        line = self.line(error)
        if not line:
            return ""
        name, lines = self.cells[error.cell]
        # in the cell of the exercise it tells one of few lines, elsewhere one of the notebook's, and which of the two it is
        cost = 1 + bits(len(lines) if name == exercise else sum(len(lines) for _, lines in self.cells.values()))
        return f" (line {error.line} of cell {name}: {printable(line)})" if self.spend(cost) else ""

    def spend(self, cost: float) -> bool:
        if cost > self.left:
            return False
        self.left -= cost
        return True


def price_of(piece: re.Match[str], names: set[str]) -> float | None:
    """The bits that a piece of a message may tell if it is shown, or None if it is not. `names` stand in the student's line."""
    match piece.lastgroup:
        case "shape":
            return OTHER + NUMBER * (piece[0].count(",") + 1)
        case "number":
            return NUMBER
        case "word":
            if piece["word"].removeprefix("numpy.") in WORDS:
                return WORD
            return max(NAME, QUOTES + bits(len(names))) if piece["word"] in names else None
        case "sign":
            return SIGN
        case "space":
            return OTHER
    return None


def bits(choices: int) -> float:
    return math.log2(choices)


def recognised(message: str) -> list[str] | None:
    """The pieces of the known message that `message` is, between what changes in it; None if it is none."""
    return next((parts for parts in MESSAGES if fits(message, parts)), None)


def fits(message: str, parts: Sequence[str]) -> bool:
    """Whether `message` consists of `parts` with anything between them: one pass, whatever the message is."""
    if not message.startswith(parts[0]):
        return False
    at = len(parts[0])
    for part in parts[1:-1]:
        found = message.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return message == parts[0] if len(parts) == 1 else len(message) - len(parts[-1]) >= at and message.endswith(parts[-1])


def type_words(kind: str) -> str:
    """What an object that is no plain data is, for a sentence: `kind` is the kernel's word, and a made-up one tells nothing."""
    of, _, dtype = kind.partition("array of dtype ")
    if dtype and not of:
        known = next((name for name in DTYPES if dtype.startswith(name)), None)
        return f"an array of dtype {known}" if known else "an array of strings" if dtype[1:2] in "US" else "an array of another dtype"
    if kind in ("list nested too deeply", "int too large for a float"):
        return f"an {kind}" if kind.startswith("int") else f"a {kind}"
    return f"an object of type {kind}" if kind in TYPES else "an object of a type of its own"
