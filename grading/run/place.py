"""The place counts: an exercise earns at least what it would earn if its checks ran right after its own tests cell.

Checks run after all cells, where nothing that they send can turn up in an output. Where a later cell may have changed
what an exercise stands on, the notebook is run once more, in a kernel of its own whose outputs nobody sees, and the
exercise is judged at its place; the better verdict counts, and says so.

A change is read off the text of the later cells, and of the functions that they call. What does not show there (a module taken
out of `sys.modules`) shows where visible checks that held at their place fail after the last cell: they are asked once more, in
the kernel that no hidden input has reached.
"""

from collections.abc import Container

from nbformat import NotebookNode

from ..border.subject import CellEnd, KernelSubject
from ..checks.suite import Suite
from ..checks.verdict import Verdict
from ..notebooks.cells import visible
from ..notebooks.later import Change, Notebook

SHOWN_CHANGES = 3
CHECK_SECONDS = 5.0     # for visible checks that are asked once more


def judge_at_their_places(nb: NotebookNode, names: dict[int, list[str]], verdicts: dict[str, Verdict], suite: Suite,
                          subject: KernelSubject, complained: Container[int]) -> dict[str, Verdict]:
    """The verdicts that are better at the place of their tests cell. `subject` ran all cells of `nb`, and is closed; the visible
    checks of the tests cells `complained` did not hold."""
    ran, pending = list(subject.ran), open_exercises(nb, names, verdicts, subject, complained)
    if not pending:
        return {}
    subject.close()         # a sandbox holds one kernel at a time
    again, better, last = subject.anew(), dict[str, Verdict](), max(pending)
    try:
        for number, source, seconds in ran:
            if number > last:
                break
            again.run_again(number, source, seconds)
            for name, verdict in (suite.judge(again, pending[number]) if number in pending else {}).items():
                if verdict.fraction > verdicts[name].fraction:
                    better[name] = verdict
        unseen = [name for name in better if not pending[last].get(name, True)]
        culprit = first_after(again, nb, last, [cell for cell in ran if cell[0] > last]) if unseen else []
    finally:
        again.close()
    for number, exercises in pending.items():
        for name in exercises.keys() & better.keys():
            better[name].place = in_words(better[name], exercises[name] or culprit * (number == last), nb)
    return better


def open_exercises(nb: NotebookNode, names: dict[int, list[str]], verdicts: dict[str, Verdict], subject: KernelSubject,
                   complained: Container[int]) -> dict[int, dict[str, list[Change]]]:
    """{tests cell: {exercise that may be better at its place: what later cells changed, as far as their text tells}}."""
    if all(verdict.fraction == 1 for verdict in verdicts.values()):
        return {}
    told, found = Notebook((number, visible(cell)) for number, cell in enumerate(nb.cells) if cell.cell_type == "code"), {}
    for number, exercises in names.items():
        mine = {name: told.changes(number, name) for name in exercises if verdicts[name].fraction < 1}
        if all(mine.values()) or number in complained or holds(subject, nb, number):
            mine = {name: some for name, some in mine.items() if some}
        if mine:
            found[number] = mine
    return found


def holds(subject: KernelSubject, nb: NotebookNode, number: int) -> bool:
    """Whether the visible checks of a tests cell hold in the state in which the kernel is; also where that cannot be asked."""
    run = subject.run_again(number, visible(nb.cells[number]), CHECK_SECONDS)
    failed = any(isinstance(output, dict) and output.get("output_type") == "error" for output in run.outputs)    # a kernel may send anything
    return run.status is CellEnd.NOT_RUN or (run.status is CellEnd.OK and not failed)


def first_after(again: KernelSubject, nb: NotebookNode, number: int, rest: list[tuple[int, str, float]]) -> list[Change]:
    """The first cell of the `rest` after which the visible checks of a tests cell hold no more; `again` stands at their place."""
    for cell, source, seconds in rest:
        again.run_again(cell, source, seconds)
        if not holds(again, nb, number):
            return [Change(cell, "")]
    return []


def in_words(verdict: Verdict, found: list[Change], nb: NotebookNode) -> str:
    how = "Right" if verdict.fraction == 1 else "Better"
    said = [f"In [{nb.cells[one.cell].execution_count}]" + (f" changed {one.name}" if one.name else "") for one in found]
    said = said or ["after the last cell the visible checks hold no more"]
    more = f" and {len(said) - SHOWN_CHANGES} more" if len(said) > SHOWN_CHANGES else ""
    return (f"{how} at its place in the notebook, and counted there; a later cell made a difference: "
            f"{', '.join(said[:SHOWN_CHANGES])}{more}.")
