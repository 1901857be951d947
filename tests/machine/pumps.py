"""Regular expressions found in source code, and texts that are hard for them, made of the patterns themselves."""

import ast
import re
from dataclasses import dataclass
from re import _constants as code
from re import _parser

CALLS = {"compile", "sub", "subn", "match", "search", "fullmatch", "split", "findall", "finditer"}
REPEATS = {code.MAX_REPEAT, code.MIN_REPEAT, code.POSSESSIVE_REPEAT}
LETTERS = "a1 -\n~"
MEMBERS = {code.CATEGORY_WORD: "a1", code.CATEGORY_DIGIT: "1", code.CATEGORY_SPACE: " \n", code.CATEGORY_NOT_WORD: " -\n~",
           code.CATEGORY_NOT_DIGIT: "a -\n~", code.CATEGORY_NOT_SPACE: "a1-~"}


@dataclass(frozen=True)
class Use:
    """A place in a file that hands a pattern to `re`: the pattern, or None where it is made at run time."""

    line: int
    call: str           # the function or method that looks through the text
    pattern: str | bytes | None
    flags: int = 0


def uses(source):
    """Every use of `re` in the text of a module."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re"), attr=call), args=[first, *rest]) if call in CALLS:
                words = map(ast.unparse, (*rest, *(keyword.value for keyword in node.keywords)))
                number = sum(int(eval(word, {"re": re})) for word in words if re.fullmatch(r"re\.[A-Z]+( \| re\.[A-Z]+)*", word))
                try:
                    yield Use(node.lineno, methods(source, node) if call == "compile" else call, ast.literal_eval(first), number)
                except ValueError:
                    yield Use(node.lineno, call, None)


def methods(source, compiled):
    """How the pattern that is compiled there is used: `match` or `fullmatch` if by that alone, else as if it were looked for everywhere."""
    name = re.match(r"([A-Z_]+)\s*(,.*)?= ", source.splitlines()[compiled.lineno - 1])
    found = set(re.findall(rf"\b{name[1]}\.(\w+)\(", source)) if name else set()
    return found.pop() if len(found) == 1 else "finditer"


def work(use):
    """A function that does with a text what is done at that place."""
    pattern = re.compile(use.pattern, use.flags)
    as_it_is = str.encode if isinstance(use.pattern, bytes) else str
    if use.call in ("match", "fullmatch"):
        return lambda text: getattr(pattern, use.call)(as_it_is(text))
    return lambda text: sum(1 for _ in pattern.finditer(as_it_is(text)))


# --- texts of a pattern's own ---------------------------------------------------------------------------------------

def pumps(pattern, flags=0):
    """{(what stands before it, what is repeated)}: of each part that may occur many times, and of the pattern as a whole, also cut off."""
    parsed = _parser.parse(pattern, flags)
    whole = sample(parsed)
    return {(before, pump) for before, pump in [*repeated(parsed, ""), ("", whole), ("", whole[:-1])] if pump}


def sample(parts):
    """A text that the parts of a pattern match, or nearly."""
    return "".join(of_part(kind, about) for kind, about in parts)


def of_part(kind, about):
    match kind:
        case code.LITERAL:
            return chr(about)
        case code.ANY:
            return "a"
        case code.NOT_LITERAL:
            return next(letter for letter in LETTERS if ord(letter) != about)
        case code.IN:
            return of_set(about)
        case code.BRANCH:
            return sample(about[1][0])
        case code.SUBPATTERN:
            return sample(about[3])
        case code.ATOMIC_GROUP:
            return sample(about)
    return sample(about[2]) * max(1, about[0]) if kind in REPEATS else ""


def of_set(items):
    def holds(letter):
        return any(about == ord(letter) if kind is code.LITERAL else about[0] <= ord(letter) <= about[1] if kind is code.RANGE else
                   letter in MEMBERS.get(about, "") for kind, about in items)
    if items[0][0] is code.NEGATE:
        return next(letter for letter in LETTERS if not holds(letter))
    kind, about = items[0]
    return chr(about) if kind is code.LITERAL else chr(about[0]) if kind is code.RANGE else MEMBERS[about][0]


def repeated(parts, before):
    for kind, about in parts:
        if kind in REPEATS:
            yield from repeated(about[2], before)
            if about[1] > 10:
                yield before, sample(about[2])
        elif kind is code.BRANCH:
            for branch in about[1]:
                yield from [*repeated(branch, before), (before, sample(branch))]
        elif kind in (code.SUBPATTERN, code.ASSERT, code.ASSERT_NOT, code.ATOMIC_GROUP):
            yield from repeated({code.SUBPATTERN: lambda: about[3], code.ATOMIC_GROUP: lambda: about}.get(kind, lambda: about[1])(), before)
        before += of_part(kind, about)
