"""An exchange around a class, and the whole loop through it: collect, grade, feedback, release; ours beside stock nbgrader's."""

import secrets
import shlex
import shutil
import statistics
import sys
import time

from nbgrader.utils import notebook_hash

from . import classes, systems

STEPS = ("collect", "autograde", "generate_feedback", "release_feedback")
STAMP = "2026-03-01 10:00:00.000000 UTC"


def make(folder, count, stock=False, wild=False):
    """A course whose class has handed in through an exchange of its own."""
    classes.make_course(folder, count, wild, stock)
    with open(folder / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(f"\nc.Exchange.root = {str(folder / 'exchange')!r}\nc.Exchange.cache = {str(folder / 'cache')!r}\n"
                   "c.ExchangeCollect.check_owner = False\n")
        if not stock:       # checks and reference are this checkout's
            file.write(f"c.Execute.course_root = {str(systems.ROOT)!r}\n")
    place = folder / "exchange" / ("stock" if stock else "gradients")
    for name in ("inbound", "feedback"):
        (place / name).mkdir(parents=True)
    place.parent.chmod(0o777)
    for work in sorted(folder.glob("submitted/*/ps1")):
        hand_in(place, work.parent.name, work)
    shutil.rmtree(folder / "submitted")
    return folder


def hand_in(place, student, work):
    """Put the folder `work` into the exchange as nbgrader's Submit does; where its page will be."""
    secret = secrets.token_hex(64)
    folder = place / "inbound" / f"{student}+ps1+{STAMP}+{secrets.token_urlsafe(9)}"
    shutil.copytree(work, folder)
    (folder / "timestamp.txt").write_text(STAMP)
    (folder / "submission_secret.txt").write_text(secret)
    folder.chmod(0o777)
    return place / "feedback" / f"{notebook_hash(secret=secret, notebook_id='activations')}.html"


def loop(folder, stock):
    """Measure the whole loop; {"wall", "cpu", "peak", "submissions", "pages"}."""
    python = shlex.quote(sys.executable)
    command = " && ".join(f"{python} -m nbgrader {step} ps1" for step in STEPS) if stock else f"{python} -m grading return ps1 --course {shlex.quote(str(folder))}"
    found = systems.grade(f"loop-{'stock' if stock else 'ours'}", ["sh", "-c", command], folder, cwd=folder if stock else systems.ROOT)
    return {**found, "memory": [], "pages": sum(1 for _ in folder.glob("exchange/*/feedback/*.html"))}


def whole_loop(chosen):
    """Yield {"stock": its medians, "sizes": [...]} after each round: the loop of ours as the class grows, and stock's on a part of it, take turns."""
    sizes, rounds = dict.fromkeys(chosen.loop), []
    for number in range(chosen.rounds):
        one = {"stock": loop(make(systems.BENCH / "loop-stock", chosen.loop_stock, stock=True), stock=True)}
        one |= {size: loop(make(systems.BENCH / "loop-ours", size), stock=False) for size in sizes}
        rounds.append(one)
        print(f"round {number + 1}: " + "; ".join(f"{name}: {found['wall']:.1f} s, {found['cpu']:.1f} s of CPU, {found['pages']} pages, "
                                                  f"{times_stock({'stock': one['stock']}, found):.1f} times stock" for name, found in one.items()), flush=True)
        yield {"stock": medians(each["stock"] for each in rounds), "sizes": [medians(each[size] for each in rounds) for size in sizes]}


def medians(rounds):
    """What `loop` measured, over several rounds, with the walls of all of them."""
    many = list(rounds)
    return {**many[-1], **{name: statistics.median(one[name] for one in many) for name in ("wall", "cpu", "peak")},
            "walls": [one["wall"] for one in many]}


def times_stock(found, one):
    """How many submissions go through our loop while one goes through stock's."""
    twin = found["stock"]
    return one["submissions"] / one["wall"] / (twin["submissions"] / twin["wall"])


def pages(chosen):
    """Yield the CPU milliseconds of one student's page, when a class is made by one process."""
    from grading.plugins.generate_feedback import GenerateFeedback, read_results
    from grading.run.course import Course
    course = Course(systems.BENCH / "loop-ours")
    course.dir.assignment_id = "ps1"
    course.app.log.setLevel("ERROR")
    results = list(read_results(course.dir, "ps1").values())
    converter = GenerateFeedback(coursedir=course.dir, parent=course.app)
    converter.begin()
    converter.make(results[0], force=True)
    started = time.process_time()
    for result in results[1:]:
        converter.make(result, force=True)
    yield {"submissions": len(results) - 1, "cpu_ms": 1000 * (time.process_time() - started) / max(1, len(results) - 1)}


