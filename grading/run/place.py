"""The place counts: an exercise earns at least what it would earn if its checks ran right after its own tests cell.

Checks run after all cells, where nothing that they send can turn up in an output. Where a later cell may have changed
what an exercise stands on, the notebook is run once more, in a kernel of its own whose outputs nobody sees, and the
exercise is judged at its place; the better verdict counts, and says so.

A change is read off the text of the later cells, and of the functions that they call. What does not show there (a module taken
out of `sys.modules`) shows where visible checks that held at their place fail after the last cell: they are asked once more, in
the kernel that no hidden input has reached.
"""

from collections.abc import Container
from dataclasses import replace

from nbformat import NotebookNode

from ..border.bounded import bounded_or
from ..border.subject import CellEnd, KernelSubject
from ..checks.suite import Suite
from ..checks.verdict import Verdict
from ..notebooks.cells import visible
from ..notebooks.later import Change, Notebook

SHOWN_CHANGES = 3
CHECK_SECONDS = 5.0     # for visible checks that are asked once more
READ_SECONDS = 5        # of CPU time, to read changes off the text of all cells; an honest notebook takes a hundredth of one
MOST_CHANGES, MAX_NAME = 100, 60        # of one exercise that are looked at, and characters of a name that is shown


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
                    # how many there are is said as the first run found it: since then cells may know hidden inputs, and a number tells twenty bits
                    better[name] = replace(verdict, definitions=max(1, verdicts[name].definitions))
    finally:
        again.close()
    unseen = [name for name in better if not pending[last].get(name, True)]
    culprit = first_after(subject.anew(), nb, last, ran) if unseen else []
    for number, exercises in pending.items():
        for name in exercises.keys() & better.keys():
            better[name].place = in_words(better[name], exercises[name] or culprit * (number == last), nb)
    return better


def open_exercises(nb: NotebookNode, names: dict[int, list[str]], verdicts: dict[str, Verdict], subject: KernelSubject,
                   complained: Container[int]) -> dict[int, dict[str, list[Change]]]:
    """{tests cell: {exercise that may be better at its place: what later cells changed, as far as their text tells}}."""
    found = dict[int, dict[str, list[Change]]]()
    told = told_changes(nb, {number: [name for name in some if verdicts[name].fraction < 1] for number, some in names.items()})
    for number, mine in told.items():
        if all(mine.values()) or number in complained or holds(subject, nb, number):
            mine = {name: some for name, some in mine.items() if some}
        if mine:
            found[number] = mine
    return found


def told_changes(nb: NotebookNode, names: dict[int, list[str]]) -> dict[int, dict[str, list[Change]]]:
    """{tests cell: {exercise: what the text of later cells tells of changes}}; nothing where reading it off takes too long."""
    sources = [(number, visible(cell)) for number, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    told: dict[int, dict[str, list[Change]]] = {}
    if any(names.values()):
        told = bounded_or(told, read_off, sources, names, seconds=READ_SECONDS)
    return {number: told.get(number, {name: [] for name in some}) for number, some in names.items()}


def read_off(sources: list[tuple[int, str]], names: dict[int, list[str]]) -> dict[int, dict[str, list[Change]]]:
    told = Notebook(sources)
    return {number: {name: told.changes(number, name)[:MOST_CHANGES] for name in some} for number, some in names.items()}


def holds(subject: KernelSubject, nb: NotebookNode, number: int) -> bool:
    """Whether the visible checks of a tests cell hold in the state in which the kernel is; also where that cannot be asked."""
    run = subject.run_again(number, visible(nb.cells[number]), CHECK_SECONDS)
    failed = any(isinstance(output, dict) and output.get("output_type") == "error" for output in run.outputs)    # a kernel may send anything
    return run.status is CellEnd.NOT_RUN or (run.status is CellEnd.OK and not failed)


def first_after(fresh: KernelSubject, nb: NotebookNode, number: int, ran: list[tuple[int, str, float]]) -> list[Change]:
    """The first cell after which the visible checks of a tests cell hold no more. It is told, so no cell may know a hidden input:
    `fresh` is a kernel that was asked nothing."""
    try:
        for cell, source, seconds in ran:
            fresh.run_again(cell, source, seconds)
            if cell > number and not holds(fresh, nb, number):
                return [Change(cell, "")]
        return []
    finally:
        fresh.close()


def in_words(verdict: Verdict, found: list[Change], nb: NotebookNode) -> str:
    how = "Right" if verdict.fraction == 1 else "Better"
    said = [f"In [{nb.cells[one.cell].execution_count}]" + (f" changed {one.name[:MAX_NAME]}" if one.name else "") for one in found]
    said = said or ["after the last cell the visible checks hold no more"]
    more = f" and {len(said) - SHOWN_CHANGES} more" if len(said) > SHOWN_CHANGES else ""
    return (f"{how} at its place in the notebook, and counted there; a later cell made a difference: "
            f"{', '.join(said[:SHOWN_CHANGES])}{more}.")
