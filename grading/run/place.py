"""The place counts: an exercise earns at least what it would earn if its checks ran right after its own tests cell.

Checks run after all cells, where nothing that they send can turn up in an output. Where a later cell may have changed
what an exercise stands on, the notebook is run once more, in a kernel of its own whose outputs nobody sees, and the
exercise is judged at its place; the better verdict counts, and says so.
"""

from nbformat import NotebookNode

from ..border.subject import KernelSubject
from ..checks.suite import Suite
from ..checks.verdict import Verdict
from ..notebooks.cells import visible
from ..notebooks.later import Change, changes

SHOWN_CHANGES = 3


def judge_at_their_places(nb: NotebookNode, names: dict[int, list[str]], verdicts: dict[str, Verdict], suite: Suite,
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


def in_words(verdict: Verdict, found: list[Change], nb: NotebookNode) -> str:
    how = "Right" if verdict.fraction == 1 else "Better"
    said = [f"In [{nb.cells[one.cell].execution_count}]" + (f" changed {one.name}" if one.name else "") for one in found]
    more = f" and {len(said) - SHOWN_CHANGES} more" if len(said) > SHOWN_CHANGES else ""
    return (f"{how} at its place in the notebook, and counted there; a later cell made a difference: "
            f"{', '.join(said[:SHOWN_CHANGES])}{more}.")
