"""What to say once, in place of a hint on each check, where a function is not there or cannot be called as it is asked for."""

import ast
import difflib
import re

from nbformat import NotebookNode

from ..border.bounded import bounded_or
from ..border.subject import StudentError
from ..checks.verdict import FAILED, CheckResult, Verdict
from ..notebooks.cells import code_alone, grade_id
from ..notebooks.effects import defined_functions, parse

Found = dict[str, str | None]
READ_SECONDS = 5        # of CPU time, to look through all cells; an honest notebook takes a hundredth of one
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
SAME = dict.fromkeys(("grad", "gradient", "prime", "deriv", "der", "diff", "d"), "derivative") | {
    "func": "", "function": "", "fn": "", "my": "", "frac": "fraction"}
BINDING = re.compile(r"takes (no|from|exactly|\d+)\b.* arguments?|missing \d+ required|an unexpected keyword argument|multiple values for argument")


def explain(verdicts: dict[str, Verdict], nb: NotebookNode, reference: str) -> None:
    """Put the explanation into the checks of each exercise that it holds for; `reference` is the source of the right answers."""
    missing = [name for name, verdict in verdicts.items() if not verdict.definitions]
    called = [name for name, verdict in verdicts.items() if verdict.definitions and any(map(called_otherwise, verdict.checks))]
    if missing or called:
        near, mine = looked_up(nb, missing, called)
        for name in missing:
            explain_missing(verdicts[name], nb, near.get(name))
        for name in called:
            explain_signature(verdicts[name], reference, mine.get(name))


def looked_up(nb: NotebookNode, missing: list[str], called: list[str]) -> tuple[Found, Found]:
    """({exercise: a name that is nearly its}, {exercise: the parameters that its function has}); nothing where looking takes too long."""
    nothing: tuple[Found, Found] = {}, {}
    return bounded_or(nothing, look_up, code_alone(nb), missing, called, seconds=READ_SECONDS)


def look_up(nb: NotebookNode, missing: list[str], called: list[str]) -> tuple[Found, Found]:
    return {name: near_name(name, nb) for name in missing}, {name: parameters([cell.source for cell in nb.cells], name) for name in called}


# --- there is none ------------------------------------------------------------------------------------------------

def explain_missing(verdict: Verdict, nb: NotebookNode, near: str | None) -> None:
    """An answer cell that stopped, or a name that is nearly right."""
    said, error = f"The notebook defines no function called {verdict.exercise}.", None
    for number, cell in enumerate(nb.cells):
        if grade_id(cell) == verdict.exercise and (error := first_error(number, cell)):
            said = f"The notebook defines no function called {verdict.exercise}: its cell stopped before that."
    if error is None and (magic := magic_of(verdict.exercise, nb)):
        said += f" Its cell begins with {magic}, which keeps to itself what the cell defines: take that line out."
    elif error is None and near:
        said += f" It defines {near}: the name has to be the released one, letter by letter."
    for check in verdict.checks:
        check.said, check.error, check.hint = said, error, ""


def magic_of(exercise: str, nb: NotebookNode) -> str | None:
    """The cell magic with which the answer's cell begins, if it does."""
    for cell in nb.cells:
        if grade_id(cell) == exercise and (found := re.match(r"\s*(%%\w{1,40})", cell.source)):
            return found[1]
    return None


def first_error(number: int, cell: NotebookNode) -> StudentError | None:
    """The error that a cell ended with, if it did."""
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            lines = re.findall(r"\bline (\d{1,5})\b", "\n".join(output.traceback)[:5000])
            return StudentError(output.ename[:60], output.evalue[:300], number, int(lines[0]) if lines else None)
    return None


def near_name(exercise: str, nb: NotebookNode) -> str | None:
    """A function of the notebook whose name is nearly that of the exercise, or that stands where its answer is due; none
    that is the answer to another exercise, or the course's own."""
    taken = {grade_id(cell) for cell in nb.cells}
    written = [cell for cell in nb.cells if cell.cell_type == "code" and not is_courses_own(cell)]
    there = sorted({name for cell in written for name in defined_functions(cell.source)} - taken)
    for key in (bare, lambda name: "".join(sorted(words(name)))):       # the second for words in another order
        by_key = {key(name): name for name in there}
        if close := difflib.get_close_matches(key(exercise), by_key, 1, 0.6):
            return by_key[close[0]]
    own = [name for cell in written if grade_id(cell) == exercise for name in sorted(defined_functions(cell.source) - taken)]
    return own[0] if len(own) == 1 else None


def is_courses_own(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("locked")) and not cell.metadata["nbgrader"].get("solution")


def words(name: str) -> list[str]:
    """The words of a name, without what people write in different ways."""
    return [SAME.get(word.lower(), word.lower()) for word in WORDS.findall(name)]


def bare(name: str) -> str:
    return "".join(words(name))


# --- it takes other arguments -------------------------------------------------------------------------------------

def called_otherwise(check: CheckResult) -> bool:
    """Whether a call ended before the function began, because its arguments are others."""
    return check.outcome == FAILED and check.error is not None and check.error.type == "TypeError" \
        and check.error.cell is None and BINDING.search(check.error.message) is not None


def explain_signature(verdict: Verdict, reference: str, mine: str | None) -> None:
    asked = parameters([reference], verdict.exercise)
    said = f"The exercise calls {verdict.exercise}({asked or ''})" + (
        f", and the notebook defines {verdict.exercise}({mine})" if mine is not None else "") + \
        ": the arguments have to be those of the released cell, in number, order and defaults."
    for check in filter(called_otherwise, verdict.checks):
        check.said, check.hint = said, ""


def parameters(sources: list[str], name: str) -> str | None:
    """The parameters of the function `name` as they are written in the last of `sources` that defines it."""
    found = None
    for source in sources:
        tree = parse(source)
        for node in ast.walk(tree) if tree and name in source else ():
            arguments = node.args if isinstance(node, ast.FunctionDef) and node.name == name else \
                node.value.args if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda) and any(
                    isinstance(target, ast.Name) and target.id == name for target in node.targets) else None
            found = found if arguments is None else written(arguments)
    return found


def written(arguments: ast.arguments) -> str:
    for one in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if one is not None:
            one.annotation = None
    return ast.unparse(arguments)[:200]
