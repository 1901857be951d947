"""Trusted code on untrusted data runs in a process of its own, within limits, and what it costs too much is given up."""

import errno
import io
import os
import resource
import signal
from types import SimpleNamespace

import pytest

from grading.border import bounded as border
from grading.border.bounded import MEMORY, Died, Overrun, bounded
from grading.notebooks import intake
from grading.notebooks.intake import Refusal, screen

@pytest.fixture
def forked(monkeypatch):
    """Fork in spite of pytest's threads: a process that begins anew takes seconds. One test below does without."""
    monkeypatch.setattr(border, "has_no_threads", lambda: True)
    border.end()
    yield
    border.end()


def spin(folder, *_):
    while True:
        pass


def take_memory(folder, *_):
    return bytes(2 * MEMORY)


def end_process(folder, *_):
    os._exit(0)


def nest(folder, *_):
    return nest(folder)


def limits(*_):
    return resource.getrlimit(resource.RLIMIT_AS), os.getpid()


def test_a_process_that_cannot_be_begun_for_want_of_what_others_use_up_is_no_finding(forked, monkeypatch):
    """A submission with many processes made honest ones beside it unreadable, where a user may have few."""
    begin, failures = border.Helper, [errno.EAGAIN, errno.EMFILE, errno.ENOMEM]

    def refuse():
        if failures:
            raise OSError(failures.pop(), "for want of it")
        return begin()
    monkeypatch.setattr(border, "PAUSES", (0,) * 4)
    monkeypatch.setattr(border, "Helper", refuse)
    assert bounded(abs, -1) == 1
    border.end()
    failures.append(errno.ENOSYS)
    with pytest.raises(OSError, match="for want"):
        bounded(abs, -1)


@pytest.mark.parametrize(("act", "said"), [(spin, "takes more than 1 seconds"), (take_memory, "MiB of memory"), (nest, "too deep"),
                                           (end_process, "ends the process")])
def test_a_call_that_costs_too_much_is_given_up_and_the_next_one_is_answered(act, said, forked):
    with pytest.raises(Overrun, match=said):
        bounded(act, "folder", seconds=1)
    assert bounded(os.getpid) != os.getpid()


def room():
    """What this process may still take: (bytes of address space, seconds of CPU time)."""
    size, used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize(), resource.getrusage(resource.RUSAGE_SELF)
    return resource.getrlimit(resource.RLIMIT_AS)[0] - size, resource.getrlimit(resource.RLIMIT_CPU)[0] - used.ru_utime - used.ru_stime


def test_each_call_has_a_gibibyte_and_20_seconds_of_its_own(forked):
    before = resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU)
    for seconds in (20, 20, 3):
        memory, left = bounded(room) if seconds == 20 else bounded(room, seconds=seconds)
        assert abs(memory - 2**30) < 2**26 and seconds - 1 < left <= seconds + 1
    assert before == (resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_CPU)), "nothing is taken from this process"


def test_an_answer_is_waited_for_a_minute_and_ten_seconds_for_each_of_cpu_time():
    waited, silent = [], border.Helper.__new__(border.Helper)
    silent.connection = SimpleNamespace(send=lambda asked: None, poll=lambda seconds: waited.append(seconds))
    for seconds in (1, 20):
        with pytest.raises(Overrun, match=f"takes more than {seconds} seconds"):
            silent.call(len, ((),), seconds)
    assert waited == [70, 260]


def test_what_a_call_raises_is_raised_here():
    with pytest.raises(FileNotFoundError):
        bounded(os.listdir, "/no/such/folder")


def test_a_process_that_was_ended_between_two_calls_costs_nothing():
    os.kill(bounded(os.getpid), 9)
    assert bounded(os.getpid)


@pytest.mark.parametrize("act", [take_memory, end_process, nest, limits])
def test_whatever_happens_while_a_submission_is_read_is_its_refusal(act, tmp_path, monkeypatch, forked):
    monkeypatch.setattr(intake, "look_through", act)
    taken = screen(tmp_path, ["nb"])
    assert act is limits or isinstance(taken.notebooks["nb"], Refusal) and "could not be read" in taken.notebooks["nb"].reason


# --- its parts ----------------------------------------------------------------------------------------------------

def state():
    """How the process is set up: what it does on signals, whether it leaves core files, the files that it holds."""
    return (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), resource.getrlimit(resource.RLIMIT_CORE),
            sorted(map(int, os.listdir("/proc/self/fd"))))


def test_the_process_holds_one_file_of_ours_and_ends_by_itself_with_nobody_left(forked):
    with open(os.devnull) as file:
        interrupted, ended, core, numbers = bounded(state)
        assert interrupted is signal.SIG_IGN and ended is signal.SIG_DFL and core == (0, 0)
        kept = [number for number in numbers if number > 2]
        assert numbers[:3] == [0, 1, 2] and len(kept) == 2 and file.fileno() not in kept, "the pipe, and the list while it is read"
    (helper,) = border.HELPERS
    helper.connection.close()
    assert os.waitpid(helper.pid, 0)[1] == 0
    helper.pid = None


def test_a_call_is_limited_above_what_the_process_has(monkeypatch):
    asked = []
    monkeypatch.setattr(border, "lower", lambda kind, most: asked.append((kind, most)))
    monkeypatch.setattr(border, "open", lambda path: io.StringIO("300000 500 1") if path == "/proc/self/statm" else None, raising=False)
    monkeypatch.setattr(border, "resource", SimpleNamespace(**{**vars(resource), "getrusage": lambda who: SimpleNamespace(ru_utime=10.5, ru_stime=2.25)}))
    border.limit(3)
    assert asked == [(resource.RLIMIT_CPU, 16), (resource.RLIMIT_AS, 300_000 * resource.getpagesize() + 2**30)]
    asked.clear()
    border.lift()
    assert asked == [(resource.RLIMIT_CPU, resource.RLIM_INFINITY), (resource.RLIMIT_AS, resource.RLIM_INFINITY)]


@pytest.mark.parametrize(("hard", "most", "due"), [(-1, -1, -1), (-1, 5, 5), (10, 5, 5), (10, 10, 10), (10, 20, 10), (10, -1, 10)])
def test_a_limit_that_cannot_be_raised_again_stays_above_the_others(hard, most, due, monkeypatch):
    infinite = resource.RLIM_INFINITY
    hard, most, due = (infinite if number == -1 else number for number in (hard, most, due))
    now = {}
    monkeypatch.setattr(border, "resource", SimpleNamespace(RLIM_INFINITY=infinite, getrlimit=lambda kind: (1, hard), setrlimit=now.__setitem__))
    border.lower(resource.RLIMIT_AS, most)
    assert now == {resource.RLIMIT_AS: (due, hard)}


def test_the_process_ends_with_the_one_that_made_it(monkeypatch):
    import ctypes
    asked = []
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace(prctl=lambda *words: asked.append((name, *words))))
    border.end_with_parent()
    assert asked == [(None, 1, 9, 0, 0, 0)], "PR_SET_PDEATHSIG, SIGKILL"


def made_up(status, ended=True, popen=False, monkeypatch=None):
    """A helper with number 7 whose end Linux, or `subprocess`, tells; (it, what was done to it)."""
    done = []

    def waitpid(pid, options):
        done.append(("wait", pid, options))
        return (pid, status) if ended or options == 0 else (0, 0)
    helper = border.Helper.__new__(border.Helper)
    helper.pid, helper.owner, helper.connection = 7, os.getpid(), SimpleNamespace(close=lambda: done.append("closed"))
    helper.popen = SimpleNamespace(poll=lambda: status if ended else None, wait=lambda: status) if popen else None
    monkeypatch.setattr(border.os, "waitpid", waitpid)
    monkeypatch.setattr(border.os, "kill", lambda *words: done.append(("kill", *words)))
    return helper, done


@pytest.mark.parametrize("popen", [False, True])
@pytest.mark.parametrize("ended", [False, True])
def test_a_process_is_ended_once_and_how_it_ended_is_told(popen, ended, monkeypatch):
    helper, done = made_up(-9 if popen else 9, ended, popen, monkeypatch)
    assert helper.end() == -9 and helper.pid is None and done[0] == "closed"
    assert (("kill", 7, 9) in done) is not ended
    del done[:]
    assert helper.end() is None and done == []


@pytest.mark.parametrize("other", [-1, 1])
def test_a_process_of_another_process_is_left_alone(other, monkeypatch):
    helper, done = made_up(9, monkeypatch=monkeypatch)
    helper.owner += other
    assert helper.end() is None and helper.pid == 7 and done == []


@pytest.mark.parametrize(("status", "kind", "said"), [(24, Overrun, "takes more than 3 seconds"), (9, Died, "ends the process that does it"),
                                                      (0, Died, "ends the process that does it"), (25, Died, "ends the process that does it")])
def test_a_process_that_ended_was_out_of_time_or_died(status, kind, said, monkeypatch):
    for broken in ("send", "recv"):
        helper, _ = made_up(status, monkeypatch=monkeypatch)
        helper.connection.poll = lambda seconds: True
        for name in ("send", "recv"):
            setattr(helper.connection, name, lambda *_, name=name: (_ for _ in ()).throw(EOFError if name == "recv" else OSError) if name == broken else None)
        with pytest.raises(Overrun, match=said) as raised:
            helper.call(len, ((),), 3)
        assert type(raised.value) is kind


@pytest.mark.parametrize(("tasks", "alone"), [(["1"], True), (["1", "2"], False), (["1", "2", "3"], False)])
def test_a_process_with_threads_is_not_forked(tasks, alone, monkeypatch):
    monkeypatch.setattr(border.os, "listdir", lambda place: tasks if place == "/proc/self/task" else None)
    assert border.has_no_threads() is alone


@pytest.mark.parametrize("alone", [True, False])
def test_it_is_forked_where_that_is_safe_and_begins_anew_elsewhere(alone, monkeypatch):
    monkeypatch.setattr(border, "has_no_threads", lambda: alone)
    monkeypatch.setattr(border, "fork", lambda theirs: 7)
    monkeypatch.setattr(border, "spawn", lambda theirs: (8, "popen"))
    made = border.Helper()
    assert (made.pid, made.popen) == ((7, None) if alone else (8, "popen")) and made.owner == os.getpid()
    made.connection.close()


@pytest.mark.parametrize(("raised", "due"), [
    ([], "result"), ([Died("ended")], "result"), ([Died("ended"), Died("ended")], Died), ([Died("ended"), Overrun("long")], Overrun),
    ([Overrun("long")], Overrun), ([KeyError("k")], KeyError)])
def test_a_call_is_made_again_where_the_process_died_and_only_once(raised, due, monkeypatch):
    left, asked, ended = list(raised), [], []

    def call(function, arguments, seconds):
        asked.append((function, arguments, seconds))
        if left:
            raise left.pop(0)
        return "result"
    monkeypatch.setattr(border, "helper", lambda: SimpleNamespace(call=call))
    monkeypatch.setattr(border, "end", lambda: ended.append(1))
    for seconds in ({}, {"seconds": 3}):
        if due == "result":
            assert bounded(len, "ab", **seconds) == border.bounded_or("otherwise", len, "ab", **seconds) == "result"
        else:
            with pytest.raises(due):
                bounded(len, "ab", **seconds)
            left[:] = raised
            assert border.bounded_or("otherwise", len, "ab", **seconds) == "otherwise"
            left[:] = raised
    assert not asked or set(asked) == {(len, ("ab",), 20), (len, ("ab",), 3)}
    assert len(ended) == (1 if due == "result" else 4) * sum(isinstance(one, Overrun) for one in raised)


class Asked:
    """The other end of a process that serves: it is asked, and one answer may be more than its memory takes."""

    def __init__(self, *calls, full=False):
        self.calls, self.full, self.sent = list(calls), full, []

    def recv(self):
        if not self.calls:
            raise EOFError
        return self.calls.pop(0)

    def send(self, answer):
        self.sent.append(answer)
        if self.full:
            self.full = False
            raise MemoryError


def raising(error):
    raise error


@pytest.mark.parametrize("full", [False, True])
def test_every_call_gets_its_answer_and_the_limits_are_off_between_them(full, monkeypatch):
    limits, set_up = [], []
    monkeypatch.setattr(border, "limit", limits.append)
    monkeypatch.setattr(border, "lift", lambda: limits.append("off"))
    monkeypatch.setattr(border.signal, "signal", lambda *words: set_up.append(words))
    monkeypatch.setattr(border.resource, "setrlimit", lambda *words: set_up.append(words))
    asked = Asked((len, ("abc",), 5), (raising, (MemoryError(),), 6), (raising, (RecursionError(),), 7), (raising, (KeyError("k"),), 8), full=full)
    border.serve(asked)
    assert limits == [5, "off", 6, "off", 7, "off", 8, "off"]
    assert set_up == [(signal.SIGINT, signal.SIG_IGN), (signal.SIGTERM, signal.SIG_DFL), (resource.RLIMIT_CORE, (0, 0))]
    said = [(done, type(result), str(result)) for done, result in asked.sent]
    too_much = (False, Overrun, "needs more than 1024 MiB of memory")
    assert said == [(True, int, "3"), *[too_much] * full, too_much, (False, Overrun, "goes too deep"), (False, KeyError, "'k'")]


def test_a_failure_has_its_time_too(monkeypatch):
    for act, due in ((len, 2), (raising, None)):
        times = iter([5.0, 12.5])
        monkeypatch.setattr(border, "time", SimpleNamespace(process_time=lambda times=times: next(times)))
        assert border.timed(act, "ab" if act is len else ValueError()) == (due, 7.5)


def test_a_process_that_was_made_before_a_fork_is_not_the_forks(monkeypatch):
    made = []
    monkeypatch.setattr(border, "Helper", lambda: made.append(SimpleNamespace(owner=os.getpid())) or made[-1])
    monkeypatch.setattr(border, "Finalize", lambda *words, **named: None)
    monkeypatch.setattr(border, "HELPERS", [])
    border.begin()
    assert border.helper() is border.helper() is made[0] and len(made) == 1
    for number, other in enumerate((1, -1)):
        made[number].owner += other
        assert border.helper() is made[number + 1] and border.HELPERS == made[number + 1:]
