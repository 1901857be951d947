"""Worker processes that are always there, given one task at a time: the processes of `grading/run/pool.py` without its end."""

from collections.abc import Callable, Iterator
from itertools import count
from multiprocessing.connection import wait
from typing import Any

from ..run.pool import LOOK_SECONDS, RETRIES, STARTS, Lost, NoWorkers, Pool, Task


class Crew:
    """`jobs` processes that work on what they are given until the context is left; then they end at once."""

    def __init__(self, jobs: int, patience: float) -> None:
        self.pool, self.jobs, self.patience = Pool(jobs), jobs, patience
        self.numbers, self.stillborn = count(), 0

    @property
    def free(self) -> int:
        """How many tasks it can begin now."""
        return self.jobs - sum(bool(worker.tasks) for worker in self.pool.workers)

    @property
    def ends(self) -> list[Any]:
        """What to wait for: a worker says something, or ends."""
        return [end for worker in self.pool.workers for end in (worker.ours, worker.pidfd)]

    def give(self, function: Callable[[Any], Any], item: Any) -> None:
        """Begin with `item`. Raises `NoWorkers`, or `OSError`: then nothing has begun."""
        worker, task = self.pool.freest(), Task(next(self.numbers), item)
        try:
            worker.give(function, task)
        except OSError:
            worker.tasks.pop(task.number, None)
            raise

    def results(self) -> Iterator[tuple[Any, Any]]:
        """(item, result) of all that is done by now, `Lost` for what a process had at hand when it ended. Raises `NoWorkers`."""
        for worker in list(self.pool.workers):
            dead = not worker.alive()       # asked first: then all that it ever sent can be read
            for task, result in worker.results():
                yield task.item, result
            self.stillborn = 0 if worker.ready else self.stillborn + dead
            if self.stillborn > STARTS:
                raise NoWorkers("its processes end before they begin to work")
            if dead:
                self.pool.workers.remove(worker)
                worker.bury()
                for task in worker.tasks.values():
                    yield task.item, Lost(worker.why, worker.late)

    def look(self) -> None:
        """End those that will never answer."""
        for worker in self.pool.workers:
            if worker.tasks:
                worker.look(self.patience)

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *failed: Any) -> None:
        self.pool.__exit__(KeyboardInterrupt, None, None)       # at once, whatever is at work


__all__ = ["LOOK_SECONDS", "RETRIES", "Crew", "Lost", "NoWorkers", "wait"]
