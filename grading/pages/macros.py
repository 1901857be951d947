"""Macros of TeX put into formulas: authors write them, readers get none.

Macros are expanded token by token, as TeX does it; a parser of whole LaTeX documents would have to be taught each of them
first. Definitions are global, as MathJax takes them: `\\def` and `\\gdef` with `#1#2...`, `\\newcommand`, `\\renewcommand`
and `\\providecommand` with a default, `\\let`, and `\\DeclareMathOperator`. A text without macros comes back unchanged.

Formulas may be a student's, and made to grow without end: a `Budget` bounds the work of a whole page.
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

TOKEN = re.compile(r"\\(?:[A-Za-z]+|.|$)|#\d|%[^\n]*|\s+|.", re.DOTALL)
WORD = re.compile(r"\\[A-Za-z]+\Z")
COMMANDS = ("newcommand", "renewcommand", "providecommand")
KEYWORDS = {rf"\{name}" for name in ("def", "gdef", "let", "DeclareMathOperator", *COMMANDS)}
UNREADABLE = {rf"\{name}" for name in ("edef", "xdef", "newenvironment", "renewenvironment", "DeclarePairedDelimiter")}
# How many arguments these take: what stands there without braces gets some if more than one token comes of it.
ARGUMENTS = {"^": 1, "_": 1}
ARGUMENTS |= {rf"\{name}": 2 for name in "frac dfrac tfrac cfrac binom dbinom tbinom overset underset stackrel".split()}
ARGUMENTS |= {rf"\{name}": 1 for name in (
    "sqrt mathbf mathcal mathrm mathsf mathbb mathfrak mathit mathtt mathscr boldsymbol bm pmb hat tilde bar vec dot ddot "
    "acute grave check breve widehat widetilde overline underline overbrace underbrace overrightarrow overleftarrow "
    "xrightarrow xleftarrow boxed phantom hphantom vphantom smash text textbf textit textrm mbox operatorname "
    "mathop mathbin mathrel mathord mathopen mathclose mathpunct mathinner").split()}
OPTIONAL = {r"\sqrt", r"\xrightarrow", r"\xleftarrow"}      # [...] may stand before the argument


class MacroError(Exception):
    """The macros of a formula cannot be put in; the message says which and why."""


@dataclass(frozen=True)
class Macro:
    """`body` is a tuple of tokens; `default`, if there is one, belongs to the first of `count` arguments."""

    count: int
    body: tuple[str, ...]
    default: tuple[str, ...] | None = None


@dataclass
class Budget:
    """Characters that macros may bring into the formulas of one page, and into one formula."""

    page: int = 400_000
    formula: int = 20_000
    translated: int = 100_000   # characters of formulas without macros that become MathML
    left: int = 0               # of the formula that is expanded now

    def start(self) -> None:
        self.left = min(self.page, self.formula)

    def spend(self, tokens: Sequence[str]) -> None:
        size = sum(map(len, tokens)) + 1
        self.page -= size
        self.left -= size
        if self.left < 0:
            raise MacroError("the macros bring in more than a formula can hold: does one of them contain itself?")

    def translate(self, tex: str) -> None:
        self.translated -= len(tex)
        if self.translated < 0:
            raise MacroError("the page holds more formulas than are translated")


@dataclass
class Macros:
    """The macros that a page knows so far, {name with backslash: Macro}; `learnt` is how it came to them, and `stamp` stands for that."""

    known: dict[str, Macro] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    learnt: list[tuple[str, Macro]] = field(default_factory=list)
    stamp: bytes = b""

    def learn(self, name: str, macro: Macro) -> None:
        if self.known.get(name) != macro:
            self.known[name] = macro
            self.learnt.append((name, macro))
            self.stamp = sha256(self.stamp + repr((name, macro)).encode()).digest()

    def expand(self, tex: str) -> str:
        """`tex` without macros and without their definitions, which are learnt. Raises `MacroError`."""
        if not self.known and not any(word in tex for word in KEYWORDS | UNREADABLE):
            return tex
        self.budget.start()
        return join(Expansion(self, tex).run())

    def used_in(self, tex: str) -> set[str]:
        """The names of the macros in `tex`, and of commands that define some."""
        return {token for token in TOKEN.findall(tex) if token in self.known or token in KEYWORDS | UNREADABLE}


def join(tokens: Iterable[str]) -> str:
    """The text of tokens; where a command would run into a letter, a blank keeps them apart."""
    text: list[str] = []
    for token in tokens:
        if text and token[:1].isalpha() and token.isascii() and WORD.match(text[-1]):
            text.append(" ")
        text.append(token)
    return "".join(text)


class Expansion:
    """One formula on its way: `rest` is still to be read, `done` is read."""

    def __init__(self, macros: "Macros", tex: str) -> None:
        self.page, self.macros, self.budget = macros, macros.known, macros.budget
        self.rest: deque[str] = deque(TOKEN.findall(tex))
        self.done: list[str] = []
        self.wanted = [0]       # arguments that the command before still waits for, one number per open group
        self.brackets: list[int] = []      # how many groups were open where [ opened
        self.last = ""          # what was read last, blanks aside

    def run(self) -> list[str]:
        while self.rest:
            token = self.rest.popleft()
            if token in UNREADABLE:
                raise MacroError(f"{token} is not read here: write the macro with \\def or \\newcommand")
            if token in KEYWORDS:
                self.define(token)
            elif token in self.macros:
                self.put_in(token, self.macros[token])
            else:
                self.done.append(token)
                if not token.isspace() and token[0] != "%":
                    self.count_arguments(token)
                    self.last = token
        return self.done

    def count_arguments(self, token: str) -> None:
        if token == "*" and self.wanted[-1]:
            return
        if token == "}":
            self.wanted[max(1, len(self.wanted) - 1):] = []
        elif token == "]" and self.brackets and self.brackets[-1] == len(self.wanted):
            self.wanted[self.brackets.pop() - 1:] = []
            self.wanted[-1] = 1
        else:
            self.wanted[-1] = max(0, self.wanted[-1] - 1) + ARGUMENTS.get(token, 0)
            if token == "{" or token == "[" and self.last in OPTIONAL:
                self.wanted.append(0)
            if token == "[" and self.last in OPTIONAL:
                self.brackets.append(len(self.wanted))

    # --- definitions --------------------------------------------------------------------------------------------

    def define(self, keyword: str) -> None:
        if keyword in (r"\def", r"\gdef"):
            name, count = self.name(keyword), 0
            self.blanks()
            while self.rest and self.rest[0] == f"#{count + 1}":
                self.rest.popleft()
                self.blanks()
                count += 1
            if not self.rest or self.rest[0] != "{":
                raise MacroError(f"the definition of {name} is not read here: after its name come #1#2... and {{...}}")
            macro = Macro(count, self.group(name))
        elif keyword == r"\let":
            name = self.name(keyword)
            self.skip("=")
            other = self.argument(name)
            macro = self.macros.get(other[0], Macro(0, other)) if len(other) == 1 else Macro(0, other)
        elif keyword == r"\DeclareMathOperator":
            star = ("*",) if self.skip("*") else ()
            name = self.name(keyword)
            macro = Macro(0, (r"\operatorname", *star, "{", *self.argument(name), "}"))
        else:
            self.skip("*")
            name = self.name(keyword)
            said, default = self.optional(), self.optional()
            if said is not None and (len(said) != 1 or not said[0].isdecimal()):
                raise MacroError(f"the definition of {name} does not say how many arguments: [{join(said)}]")
            macro = Macro(int(said[0]) if said else 0, self.argument(name), default)
            if keyword == r"\providecommand" and name in self.macros:
                return
        self.page.learn(name, macro)

    def name(self, keyword: str) -> str:
        found = [token for token in self.argument(keyword) if not token.isspace()]
        if len(found) != 1 or found[0][0] != "\\":
            raise MacroError(f"{keyword} needs the name of a macro")
        return found[0]

    def skip(self, sign: str) -> bool:
        self.blanks()
        if self.rest and self.rest[0] == sign:
            self.rest.popleft()
            return True
        return False

    # --- macros -------------------------------------------------------------------------------------------------

    def put_in(self, name: str, macro: Macro) -> None:
        given: list[tuple[str, ...]] = []
        if macro.default is not None:
            found = self.optional()
            given.append(macro.default if found is None else found)
        while len(given) < macro.count:
            given.append(self.argument(name))
        tokens: list[str] = []
        for token in macro.body:
            number = int(token[1]) if token[0] == "#" and len(token) == 2 else 0
            if number > macro.count:
                raise MacroError(f"{name} has no argument {token}")
            part = given[number - 1] if number else (token,)
            self.budget.spend(part)
            tokens.extend(part)
        if self.wanted[-1] and self.needs_braces(tokens):
            tokens = ["{", *tokens, "}"]
        self.rest.extendleft(reversed(tokens))

    def needs_braces(self, tokens: Sequence[str]) -> bool:
        """Whether what a macro brings has to be held together: a command takes the whole of it, a script what comes first."""
        if len(tokens) < 2 or self.last not in ("^", "_"):
            return len(tokens) > 1
        place = 1
        for _ in range(ARGUMENTS.get(tokens[0], 0)):
            place = closing(tokens, place) + 1
        return place == len(tokens)

    def blanks(self) -> None:
        while self.rest and (self.rest[0].isspace() or self.rest[0][0] == "%"):
            self.rest.popleft()

    def argument(self, name: str) -> tuple[str, ...]:
        """The tokens of the next argument: a group without its braces, or one token."""
        self.blanks()
        if not self.rest or self.rest[0] == "}":
            raise MacroError(f"{name} lacks an argument")
        return self.group(name) if self.rest[0] == "{" else (self.rest.popleft(),)

    def group(self, name: str) -> tuple[str, ...]:
        found: list[str] = []
        depth = 0
        while self.rest:
            token = self.rest.popleft()
            found.append(token)
            depth += (token == "{") - (token == "}")
            if not depth:
                self.budget.spend(found)
                return tuple(found[1:-1])
        raise MacroError(f"after {name} a brace is not closed")

    def optional(self) -> tuple[str, ...] | None:
        """The tokens of [...], if the next thing is that."""
        if not self.skip("["):
            return None
        found: list[str] = []
        depth = 0
        while self.rest:
            token = self.rest.popleft()
            if token == "]" and not depth:
                self.budget.spend(found)
                return tuple(found)
            depth += (token == "{") - (token == "}")
            found.append(token)
        raise MacroError("a bracket [ is not closed")


def closing(tokens: Sequence[str], start: int) -> int:
    """Where the group that opens at `start` closes; where there is none, -1."""
    depth = 0
    for place in range(start, len(tokens)):
        depth += (tokens[place] == "{") - (tokens[place] == "}")
        if not depth:
            return place if place > start else -1
    return -1
