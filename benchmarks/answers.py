"""What judging costs where no kernel is asked: the slowest right answer to each exercise, and names for wrong ones.

`make bench ARGS="--only answers"`. CPU time of one process; what the reference answers is known already, as in a class.
"""

import time
from pathlib import Path
from statistics import median

from grading.border.subject import LocalSubject
from grading.checks import bank, suite
from grading.checks.answer_key import AnswerKey, Nameless
from grading.checks.suite import judge_functions

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = [path.stem for path in sorted(ROOT.glob("source/*/*.ipynb"))]


def seconds(work):
    started = time.process_time()
    work()
    return time.process_time() - started


def right_answers(notebook):
    """{exercise: {"style", "check", "cpu"}} of the right answer and the check that take longest together."""
    slowest = {}
    for entry in bank.load(ROOT / "tests" / "right_answers" / f"{notebook}.py"):
        judge_functions(notebook, {entry.exercise: entry.function})
        for check, cpu in by_check(notebook, entry).items():
            if cpu > slowest.get(entry.exercise, {"cpu": 0.0})["cpu"]:
                slowest[entry.exercise] = {"style": entry.style, "check": check, "cpu": cpu}
    return slowest


def by_check(notebook, entry):
    """{check: CPU seconds} of one answer."""
    held = next(one for (_, name), (_, one) in suite.SUITES.items() if name == notebook)
    spent = {}
    run = held.plugin.item

    def timed(bench, item):
        started = time.thread_time()
        try:
            return run(bench, item)
        finally:
            spent[item.get_closest_marker("check").kwargs["title"]] = time.thread_time() - started

    held.plugin.item = timed
    try:
        held.judge(LocalSubject({entry.exercise: entry.function}), {entry.exercise})
    finally:
        held.plugin.item = run
    return spent


def names(notebook):
    """CPU seconds for one wrong exercise, judged with names for its mistake and without, and how many got one."""
    found = {"with": [], "without": [], "named": 0, "misnamed": 0}
    for entry in bank.load(ROOT / "tests" / "misconceptions" / f"{notebook}.py"):
        def judge(entry=entry):
            return judge_functions(notebook, {entry.exercise: entry.function})[entry.exercise]

        said = [known.name for known in judge().misconceptions]
        found["named"] += entry.name in said
        found["misnamed"] += any(name != entry.name for name in said)
        found["with"].append(seconds(judge))
        kept = AnswerKey.recognise, AnswerKey.probed, suite.name_mistakes
        AnswerKey.recognise, AnswerKey.probed, suite.name_mistakes = Nameless.recognise, lambda *_: None, lambda *_: None
        try:
            found["without"].append(seconds(judge))
        finally:
            AnswerKey.recognise, AnswerKey.probed, suite.name_mistakes = kept
    return {"answers": len(found["with"]), "named": found["named"], "misnamed": found["misnamed"],
            "with": median(found["with"]), "without": median(found["without"])}


def all_of_them():
    """Yield {"right": {exercise: the slowest}, "names": {notebook: what they cost}}, once."""
    right, named = {}, {}
    for notebook in NOTEBOOKS:
        right.update(right_answers(notebook))
        named[notebook] = names(notebook)
        print(f"{notebook}: {named[notebook]}", flush=True)
    yield {"right": right, "names": named}
