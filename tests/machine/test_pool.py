"""The processes that grade: whatever becomes of one, every item gets its result or is named, and the run ends."""

import os
import random
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import tasks
from tasks import double, follow

from grading.run import pool as pools
from grading.run.pool import RETRIES, Lost, NoWorkers, Pool

SOON = 60       # seconds for one item: a bound against hanging, not a promise
DEEDS = {"is killed": tasks.be_killed, "is stopped": tasks.be_stopped, "takes all with it": tasks.kill_all,
         "runs out of memory": tasks.run_out_of_memory, "leaves": tasks.leave}
WORDS = {"is stopped": "was stopped"}


@pytest.fixture(autouse=True)
def forked(request, monkeypatch):
    """Workers are forked, as where this process has no threads; those that take their places never are."""
    monkeypatch.setattr(pools, "alone", lambda: getattr(request, "param", True))
    monkeypatch.setattr(pools, "LOOK_SECONDS", 0.2)     # stopped ones are found soon


both_ways = pytest.mark.parametrize("forked", [True, False], indirect=True, ids=["forked", "spawned"])


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No test leaves a process, a descriptor or a folder."""
    before = children(), descriptors()
    yield
    assert (children(), descriptors()) == before


def children():
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):       # a thread of an earlier test's that has just ended
            found |= set((task / "children").read_text().split())
    return found


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def run(function, items, jobs=2, seconds=SOON):
    with Pool(jobs) as pool:
        folder = Path(pool.folder.name)
        done = list(pool.run(function, items, seconds))
    assert not folder.exists()
    return done


@both_ways
def test_every_item_is_done_once_however_big():
    items = [(number, bytes([number]) * 2**20) for number in range(12)]
    assert sorted(run(double, items)) == [(item, (2 * item[0], item[1])) for item in items]


def test_few_items_are_in_flight():
    given = []
    with Pool(2) as pool:
        for done, _ in enumerate(pool.run(double, (given.append(n) or (n, b"") for n in range(20)), SOON)):
            assert len(given) <= done + 1 + pools.AHEAD * 2


@pytest.mark.parametrize("deed", DEEDS)
def test_a_process_that_is_lost_once_costs_a_retry_only(deed, tmp_path):
    items = [(DEEDS[deed] if number == 1 else None, tmp_path / "done") for number in range(5)]
    done = run(follow, items)
    assert len(done) == 5 and not any(isinstance(result, Lost) for _, result in done)


@pytest.mark.parametrize("deed", DEEDS)
def test_an_item_whose_process_is_lost_each_time_is_named_and_no_other(deed):
    items = [(DEEDS[deed] if number == 1 else None, None) for number in range(4)]
    done = run(follow, items)
    assert [result for item, result in done if item[0]] == [Lost(WORDS.get(deed, "died") + " each time")]
    assert sum(isinstance(result, int) for _, result in done) == 3


def test_an_item_that_takes_for_ever_is_named_and_its_process_ended():
    done = dict(run(follow, [(tasks.never_end, None), (None, None)], seconds=2))
    assert done[tasks.never_end, None] == Lost("did not answer for 2 s each time")
    assert isinstance(done[None, None], int)


@pytest.mark.parametrize("when", ["read", "write"])
def test_a_process_that_dies_within_a_message_costs_that_item_only(when):
    items = [1, tasks.Deadly(os.getpid(), "read") if when == "read" else "deadly", 3]
    done = run(tasks.answer_that_kills, items)
    assert sorted(str(result) for _, result in done) == ["1", "3", "Lost(why='died each time')"]


def test_an_item_at_which_the_work_itself_fails_is_named_with_the_fault():
    done = dict(run(follow, [(tasks.break_off, None), (None, None), (tasks.give_what_nobody_can_send, None)]))
    assert done[tasks.break_off, None] == Lost("failed: ValueError")
    assert isinstance(done[None, None], int) and isinstance(done[tasks.give_what_nobody_can_send, None], Lost)


@pytest.mark.parametrize("seed", range(3))
def test_kills_at_random_moments_cost_nothing(seed):
    """As many as no item can be blamed for."""
    dice, items = random.Random(seed), [(number, bytes([number]) * 300_000) for number in range(60)]
    with Pool(3) as pool:
        def kill():
            for _ in range(RETRIES):
                time.sleep(dice.uniform(0, 0.3))
                number = dice.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGSEGV])
                for worker in dice.sample(pool.workers, min(len(pool.workers), dice.choice([1, 1, 3]))):
                    worker.signal(number)
        killer = threading.Thread(target=kill)
        killer.start()
        done = list(pool.run(double, items, SOON))
        killer.join()
    assert sorted(done) == [(item, (2 * item[0], item[1])) for item in items]


@both_ways
def test_what_waits_behind_a_slow_item_goes_to_a_worker_that_has_none(tmp_path):
    """The first item ends when the third is done, which was given to the same worker."""
    done = run(tasks.wait_or_make, [("wait", tmp_path / "file"), ("nothing", None), ("make", tmp_path / "file"), ("nothing", None)])
    assert sorted(deed for (deed, _), result in done if result == "done") == ["make", "nothing", "nothing", "wait"]


def test_a_pool_that_is_left_early_ends_at_once_even_those_that_refuse(monkeypatch):
    monkeypatch.setattr(pools, "END_SECONDS", 1)
    with pytest.raises(KeyboardInterrupt):
        with Pool(2) as pool:
            for _ in pool.run(follow, [(None, None), (tasks.refuse_to_end, None), (tasks.be_stopped, None), (None, None)], SOON):
                raise KeyboardInterrupt


def test_a_machine_that_gives_no_process_ends_the_run_and_says_why(monkeypatch):
    def refuse(*_):
        raise BlockingIOError(11, "Resource temporarily unavailable")
    monkeypatch.setattr(os, "posix_spawn", refuse)
    with pytest.raises(NoWorkers, match="Resource temporarily unavailable"):
        run(follow, [(tasks.kill_all, None)])


def test_processes_that_end_before_they_begin_end_the_run(monkeypatch):
    monkeypatch.setattr(pools, "alone", lambda: False)
    monkeypatch.setattr(pools, "SPAWNED", "raise SystemExit(1)")
    with pytest.raises(NoWorkers, match="end before they begin"):
        run(follow, [(None, None)])


@pytest.mark.parametrize("forked", [False], indirect=True)
def test_a_machine_that_gives_one_process_only_is_enough(monkeypatch):
    real, given = os.posix_spawn, []

    def refuse(*arguments):
        if given:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        given.append(real(*arguments))
        return given[0]
    monkeypatch.setattr(os, "posix_spawn", refuse)
    assert len(run(follow, [(None, number) for number in range(6)])) == 6
