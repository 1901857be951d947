"""The place counts: an exercise earns at least what it would earn if its checks ran right after its own tests cell.

Checks run after all cells, where nothing that they send can turn up in an output. Where a later cell may have changed
what an exercise stands on, the notebook is run once more, in a kernel of its own whose outputs nobody sees, and the
exercise is judged at its place; the better verdict counts, and says so.
"""

import difflib
import re

from ..border.subject import KernelSubject, StudentError
from ..checks.suite import Suite
from ..checks.verdict import Verdict
from ..notebooks.cells import grade_id, visible
from ..notebooks.later import Change, changes, defined_functions

SHOWN_CHANGES = 3


def judge_at_their_places(nb, names: dict[int, list[str]], verdicts: dict[str, Verdict], suite: Suite,
                          subject: KernelSubject) -> dict[str, Verdict]:
    """The verdicts that are better at the place of their tests cell. `subject` ran all cells of `nb`, and is closed."""
    sources = [(number, visible(cell)) for number, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    pending = {number: {name: found for name in exercises
                        if verdicts[name].fraction < 1 and (found := changes(sources, number, name))}
               for number, exercises in names.items()}
    pending = {number: found for number, found in pending.items() if found}
    if not pending:
        return {}
    subject.close()         # a sandbox holds one kernel at a time
    again, better = subject.anew(), {}
    try:
        for number, source, seconds in list(subject.ran):
            if number > max(pending):
                break
            again.run_again(number, source, seconds)
            for name, verdict in (suite.judge(again, pending[number]) if number in pending else {}).items():
                if verdict.fraction > verdicts[name].fraction:
                    verdict.place = in_words(verdict, pending[number][name], nb)
                    better[name] = verdict
    finally:
        again.close()
    return better


def in_words(verdict: Verdict, found: list[Change], nb) -> str:
    how = "Right" if verdict.fraction == 1 else "Better"
    said = [f"In [{nb.cells[one.cell].execution_count}]" + (f" changed {one.name}" if one.name else "") for one in found]
    more = f" and {len(said) - SHOWN_CHANGES} more" if len(said) > SHOWN_CHANGES else ""
    return (f"{how} at its place in the notebook, and counted there; a later cell made a difference: "
            f"{', '.join(said[:SHOWN_CHANGES])}{more}.")


def explain_missing(verdict: Verdict, nb) -> None:
    """Say once why a function is not there, in place of a hint on each of its checks: an answer cell that stopped, or a
    name that is nearly right."""
    said, error = f"The notebook defines no function called {verdict.exercise}.", None
    for number, cell in enumerate(nb.cells):
        if grade_id(cell) == verdict.exercise and (error := first_error(number, cell)):
            said = f"The notebook defines no function called {verdict.exercise}: its cell stopped before that."
    if error is None and (near := near_name(verdict.exercise, nb)):
        said += f" It defines {near}: the name has to be the released one, letter by letter."
    for check in verdict.checks:
        check.said, check.error, check.hint = said, error, ""


def first_error(number: int, cell) -> StudentError | None:
    """The error that a cell ended with, if it did."""
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            lines = re.findall(r"\bline (\d{1,5})\b", "\n".join(output.traceback)[:5000])
            return StudentError(output.ename[:60], output.evalue[:300], number, int(lines[0]) if lines else None)
    return None


def near_name(exercise: str, nb) -> str | None:
    """A function of the notebook whose name is nearly that of the exercise, and that of no other cell."""
    def bare(name):
        return name.replace("_", "").lower()

    taken = {grade_id(cell) for cell in nb.cells}
    names = {name for cell in nb.cells if cell.cell_type == "code" for name in defined_functions(cell.source)} - taken
    by_bare = {bare(name): name for name in sorted(names)}
    close = difflib.get_close_matches(bare(exercise), by_bare, 1, 0.6)
    return by_bare[close[0]] if close else None
