"""The watcher: looks at the exchange, gives out work, puts pages into their place, and keeps its log.

One process and one thread; work is done by processes beside it. Whatever ends any of them, the log says what is left to do.
"""

import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from sqlite3 import Error as LogError
from typing import Any

from ..notebooks.names import shown
from ..run.course import Course
from ..run.only_one import the_only_one
from . import answer as answers
from .answer import OURS, Answer, Job, Press, notice
from .bundles import Bundles
from .crew import RETRIES, Crew, Lost, NoWorkers, wait
from .drop import Drop
from .exchange import Exchange
from .inbox import HandIn, Refused, last_change
from .log import DAY, FOLDER, Log, Row, State, clock, unreadable
from ..plugins.release_feedback import notebooks_in
from .queue import Entry, in_order, superseded
from .renewal import Renewal
from .settings import Watch

BEAT_SECONDS, RECHECK_SECONDS, RECHECKED, RECHECKING_SECONDS = 1.0, 5.0, 50, 0.5
AGAIN_SECONDS = 30.0        # after a fault of ours
QUICK_SECONDS, SLOW_SECONDS = 20.0, 900.0       # for reading, grading and the page: then the process is ended
MOST_A_DAY = 5000           # rows of the log for one student, and for all that is none's: whoever fills the exchange fills no disk here
SLOW = ("Your notebook takes longer than the first look at it may.", "It is looked at once more with all the time that grading "
        "gives; that is one notebook at a time, so it may take some minutes. The result will stand here.")


class Watcher:
    """Answers what is handed in for `assignments`. `say` gets one line for what a person should know."""

    def __init__(self, course: Course, assignments: list[str], settings: Watch, place: Exchange | Drop, say: Callable[[str], None],
                 named: Sequence[str] = ()) -> None:
        self.course, self.assignments, self.settings, self.place, self.say = course, assignments, settings, place, say
        self.bundles = Bundles(course, assignments, terse=settings.show != "full")
        self.waiting: dict[str, Entry] = {}
        self.busy: dict[str, Entry] = {}
        self.known: set[str] = set()
        self.times: dict[str, float] = {}       # of submissions: when they were last changed
        self.renewal, self.version = Renewal(course.dir.root, course.dir.source_directory, named), 0
        self.said: dict[str, str] = {}          # of each thing that may be wrong: what was said of it last
        self.stopping, self.again, self.now, self.next_beat, self.next_recheck, self.turn = False, False, 0.0, 0.0, 0.0, 0

    # --- the loop -----------------------------------------------------------------------------------------------

    def run(self, jobs: int) -> bool:
        """Watch until somebody says stop; whether to start again, because code or settings have changed."""
        Press.held = Press(self.course)
        with alone(self.course.dir.root), self.place.alone(), own_scratch(self.course.dir.root), woken(self) as wake:
            with Crew(jobs, QUICK_SECONDS) as self.quick, Crew(1, SLOW_SECONDS) as self.slow:
                self.log = readable_log(self.course.dir.root)
                try:
                    self.begin()
                    while not self.stopping:
                        self.step()
                        wait([wake, *self.quick.ends, *self.slow.ends], self.settings.poll_seconds)
                        with suppress(BlockingIOError):
                            os.read(wake, 1000)
                    self.log.end_run(time.time())
                finally:
                    self.renewal.close()
                    self.place.rest()
                    self.log.close()
        return self.again

    def step(self) -> None:
        """One look at everything. A fault of ours costs this step, not the watch. Raises `NoWorkers`."""
        now = time.time()
        try:
            self.mind_the_clock(now)
            self.beat(now)
            self.renew(now)
            self.take_results(now)
            self.take_in(now)
            self.recheck(now)
            self.give_out(now)
            self.tell("the watch", "")
        except NoWorkers:
            raise
        except Exception as error:
            self.tell("the watch", f"{type(error).__name__}: {error}")
            time.sleep(min(1.0, 3 * self.settings.poll_seconds))

    def mind_the_clock(self, now: float) -> None:
        """Whoever set the clock back put off all that was to be done at a moment: it is due now, and limits are worked out anew."""
        if now < self.now - BEAT_SECONDS:
            self.next_beat = self.next_recheck = self.bundles.asked = self.renewal.asked = 0.0
            self.waiting = {name: replace(entry, first_seen=min(entry.first_seen, now), due=0.0) for name, entry in self.waiting.items()}
        self.now = now

    def renew(self, now: float) -> None:
        """Take up what has changed: new checks at once, new code by a start of its own."""
        if self.renewal.is_due(now):
            self.stopping = self.again = True
        self.tell("code", self.renewal.trouble)
        self.tell("checks", self.bundles.refresh(now))
        if self.version != self.bundles.version:
            self.version = self.bundles.version
            for row in self.log.rows(State.FAILED):     # what failed with the old ones need not wait
                if entry := self.waiting.get(row.name):
                    self.waiting[row.name] = replace(entry, due=now)

    def begin(self) -> None:
        self.log.begin_run(time.time())
        self.known = self.log.names()
        for row in self.log.rows():
            if row.state in (State.WAITING, State.STANDS, State.FAILED) and row.assignment in self.assignments:
                entry = entry_of(row)       # the limits may be others today
                self.waiting[row.name] = replace(entry, due=0.0) if row.state is State.STANDS else entry
            if row.student:
                self.times[row.name] = row.changed

    def beat(self, now: float) -> None:
        if now >= self.next_beat:
            self.next_beat = now + BEAT_SECONDS
            self.place.beat(show=self.settings.show)
            self.log.still_here(now)

    def tell(self, about: str, line: str | None) -> None:
        """Say a thing once for as long as it lasts."""
        if line and line != self.said.get(about):
            self.say(line)
        self.said[about] = line or ""

    # --- what comes in ------------------------------------------------------------------------------------------

    def take_in(self, now: float) -> None:
        troubles, before = list[str](), set(self.waiting)
        for name, one in self.place.entries(self.known, self.assignments):
            try:
                student = "" if one is None or isinstance(one, Refused) else one.student
                if one and self.log.number_since(student, now - DAY) >= MOST_A_DAY:
                    whose = f"submissions of {shown(student)}" if student else "names that are no submission's"
                    self.tell(f"a crowd {student}", f"More than {MOST_A_DAY} {whose} in 24 hours: the rest is looked at later")
                    continue
                self.look_at(name, one, now)
            except LogError:
                raise
            except OSError as error:        # a full disk: it is looked at again, and the others now
                troubles.append(f"{shown(name)}: {type(error).__name__}: {error}")
            except Exception as error:
                self.refuse(name, Refused(f"could not be looked at ({type(error).__name__})"), now)
        self.tell("what comes in", min(troubles, default=""))       # the same at each look
        for entry in superseded(self.waiting.values()):
            self.log.set(entry.name, State.SUPERSEDED, now)
            del self.waiting[entry.name]
        for name in self.waiting.keys() - before:       # only now: a page for each of those that are dropped would take its time
            with suppress(OSError):                     # it is asked again when its turn comes
                self.waiting[name] = self.within_limits(self.waiting[name], now)

    def look_at(self, name: str, one: HandIn | Refused | None, now: float) -> None:
        if one is None:
            self.known.add(name)
        elif isinstance(one, Refused):
            self.refuse(name, one, now)
        elif self.place.is_complete(one):
            self.take(one, now)

    def take(self, one: HandIn, now: float) -> None:
        changed = self.times[one.name] = last_change(one.folder)
        try:
            self.place.check(one)
        except Refused as refused:
            self.refuse(one.name, refused, now, one)
            return
        self.log.add(one.name, one.student, one.assignment, one.claimed, now, changed, State.WAITING)
        self.known.add(one.name)
        self.waiting[one.name] = Entry(one.name, one.student, one.assignment, now, one.claimed)

    def within_limits(self, entry: Entry, now: float) -> Entry:
        """The entry with the time at which it may be answered; where that is later, a page says so."""
        policy = self.settings.policy(entry.student)
        given = self.log.answered(entry.student, entry.assignment, now - policy.hours * 3600)
        due = policy.due(given, now)
        if due <= now:
            return entry
        self.log.set(entry.name, State.STANDS, now, due=min(due, 1e12))
        when = f"The next answer is due at {clock(due)}, and will stand here." if due < 1e12 else "Answers are not given for this assignment."
        self.put_notice(entry, f"Your submission stands: it is handed in, and will be graded with all others. {when}",
                        f"You have had {len(given)} answers in the last {policy.hours:g} hours. Take the time to read what the last one said.")
        return replace(entry, due=due)

    def refuse(self, name: str, refused: Refused, now: float, one: HandIn | None = None) -> None:
        self.known.add(name)
        self.log.add(name, one.student if one else "", one.assignment if one else "", one.claimed if one else 0.0, now,
                     self.times.get(name, now), State.REFUSED, str(refused))
        self.say(f"{shown(name)} {refused}")

    def recheck(self, now: float) -> None:
        """Look, a few at a time, whether what was handed in is still what it was: students own their folders there. What was answered is
        looked at anew; of the rest it is noted, for `collect` may take it all the same."""
        if now < self.next_recheck or not self.times:
            return
        self.next_recheck, names, until = now + RECHECK_SECONDS, list(self.times), time.monotonic() + RECHECKING_SECONDS
        for _ in range(min(RECHECKED, len(names))):
            name, self.turn = names[self.turn % len(names)], self.turn + 1
            changed = last_change(self.place.folder(name))
            if changed > self.times[name]:
                row = self.log.row(name)
                if row and row.state is State.ANSWERED:
                    self.log.set(name, State.WAITING, now, replaced=changed, changed=changed)
                    self.waiting[name] = Entry(name, row.student, row.assignment, now, row.claimed, again=True)
                elif row:
                    self.log.set(name, row.state, row.since, replaced=changed, changed=changed)
                self.times[name] = changed
            if time.monotonic() > until:
                break

    # --- what is given out --------------------------------------------------------------------------------------

    def give_out(self, now: float) -> None:
        if not self.waiting:
            return
        work = self.log.work_of_last_hour(now)
        for crew, slow in ((self.quick, False), (self.slow, True)):
            ready = in_order(self.waiting.values(), work, now, {entry.student for entry in self.busy.values()}, slow)
            for entry in ready:
                if not crew.free:
                    break
                if entry.assignment in self.bundles.held and entry.student not in {one.student for one in self.busy.values()}:
                    self.begin_with(entry, crew, now)
        self.quick.look()
        self.slow.look()

    def begin_with(self, entry: Entry, crew: Crew, now: float) -> None:
        if not entry.slow and not entry.again:
            entry = self.waiting[entry.name] = self.within_limits(entry, now)
            if entry.due > now:
                return
        job = Job(entry.name, self.place.folder(entry.name), entry.student, entry.slow, "points" if self.settings.show == "off" else self.settings.show)
        function = partial(answers.answer, self.bundles.held[entry.assignment], self.course.dir.root, tuple(self.course.dir.ignore))
        self.log.set(entry.name, State.WORKING, now)
        crew.give(function, job)        # if it fails, the entry waits for its next turn
        self.busy[entry.name] = self.waiting.pop(entry.name)

    def take_results(self, now: float) -> None:
        for crew in (self.quick, self.slow):
            for job, result in crew.results():
                entry = self.busy.pop(job.name)
                try:
                    self.take_result(entry, result, now)
                    self.tell("answers", "")
                except Refused as refused:      # withdrawn while it was at work; should it come back, it is seen again
                    self.refuse(entry.name, refused, now)
                    self.known.discard(entry.name)
                except Exception as error:      # a full disk, a folder that went away
                    self.try_again(entry, f"{type(error).__name__}: {error}", now)

    def take_result(self, entry: Entry, result: Answer | Lost, now: float) -> None:
        if isinstance(result, Lost):
            if result.late and not entry.slow:
                self.too_slow(entry, QUICK_SECONDS, now)
            else:
                self.failed(entry, f"the process {result.why}", now)
        elif result.error:
            self.failed(entry, result.error, now)
        elif result.overran and not entry.slow:
            self.too_slow(entry, result.cpu_seconds, now)   # CPU time: who was only waiting for a busy machine comes before the loops
        else:
            self.answered(entry, result, now)

    def too_slow(self, entry: Entry, seconds: float, now: float) -> None:
        row = self.log.row(entry.name)
        self.log.set(entry.name, State.WAITING, now, slow=1, seconds=(row.seconds if row else 0.0) + seconds)
        self.waiting[entry.name] = replace(entry, due=0.0, slow=True)
        self.put_notice(entry, *SLOW)

    def answered(self, entry: Entry, result: Answer, now: float) -> None:
        row = self.log.row(entry.name)
        same = row is not None and row.digest == result.digest
        if entry.again and not same:        # it was more than touched: then it is another submission
            entry = self.within_limits(replace(entry, again=False), now)
            if entry.due > now:
                self.waiting[entry.name] = entry
                return
        names: dict[bytes, list[str]] = {}
        for name, page in result.pages.items() if self.settings.show != "off" else ():
            names.setdefault(page, []).append(name)
        placed = [self.place.put(entry, those, page) for page, those in names.items()]
        note = result.note if all(placed) else "the final page stands there already"
        with self.log.together():
            self.log.set(entry.name, State.ANSWERED, now, digest=result.digest, points=result.points, most=result.most,
                         seconds=(row.seconds if row else 0.0) + result.seconds, checks=result.checks, note=note,
                         replaced=None if same else row.replaced if row else None)
            if not same:
                self.log.count_attempt(entry.student, entry.assignment, now)
        self.place.done(entry)

    def failed(self, entry: Entry, why: str, now: float) -> None:
        row = self.log.row(entry.name)
        tries = (row.tries if row else 0) + 1
        due = now if tries <= RETRIES else now + AGAIN_SECONDS * 2 ** min(tries - RETRIES, 7)
        self.log.set(entry.name, State.FAILED, now, tries=tries, note=why, due=due)
        if tries > RETRIES:
            self.say(f"{shown(entry.name)} could not be answered: {why}")
            self.put_notice(entry, OURS)
        self.waiting[entry.name] = replace(entry, due=due)

    def try_again(self, entry: Entry, why: str, now: float) -> None:
        """Nothing of it was lost: it waits again."""
        self.tell("answers", why)
        self.waiting[entry.name] = replace(entry, due=now + AGAIN_SECONDS)
        with suppress(LogError):
            self.log.set(entry.name, State.WAITING, now, note=why)

    def put_notice(self, entry: Entry, *lines: str) -> None:
        if self.settings.show == "off" or entry.again:      # the answer that is there says more
            return
        if names := notebooks_in(self.place.folder(entry.name)):
            with suppress(Refused):
                self.place.put(entry, names, notice(entry.assignment, *lines))


def readable_log(root: str) -> Log:
    """The log to write. Raises `CourseError` where its file is none any more."""
    try:
        return Log(root)
    except LogError as error:
        raise unreadable(root, error) from None


def entry_of(row: Row) -> Entry:
    return Entry(row.name, row.student, row.assignment, row.first_seen, row.claimed, row.due, row.slow,
                 again=row.digest is not None and row.state is not State.STANDS)


# --- what a watcher has to itself ----------------------------------------------------------------------------------

@contextmanager
def alone(root: str) -> Iterator[None]:
    """Be the one watcher of a course. Raises `CourseError` if there is another."""
    folder = Path(root, FOLDER)
    folder.mkdir(mode=0o700, exist_ok=True)
    with the_only_one(folder / "lock", "Another watcher is at work in this course: one is enough. End it first."):
        yield


@contextmanager
def own_scratch(root: str) -> Iterator[str]:
    """A folder for temporary files of this course's watcher alone: what one that was killed left there goes.

    Its name can be guessed, and anybody may make a folder there: where somebody has, it is another one.
    """
    before, folder = tempfile.gettempdir(), Path(tempfile.gettempdir(), f"course-watch-{os.getuid()}-{sha256(str(root).encode()).hexdigest()[:8]}")
    try:
        remove(folder)
        folder.mkdir(mode=0o700)
    except FileExistsError:
        folder = Path(tempfile.mkdtemp(prefix="course-watch-"))
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield str(folder)
    finally:
        tempfile.tempdir = before
        os.environ.pop("TMPDIR", None)
        remove(folder)


def remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            raise FileExistsError(folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def woken(watcher: Watcher) -> Iterator[int]:
    """A descriptor that can be read when somebody says stop, by Ctrl-C or SIGTERM."""
    ours, theirs = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def stop(*_: Any) -> None:
        watcher.stopping = True
    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    old = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    try:
        yield ours
    finally:
        signal.set_wakeup_fd(old)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(ours)
        os.close(theirs)
