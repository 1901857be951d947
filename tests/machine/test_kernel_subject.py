"""What the grader asks of a student's kernel and what it makes of the answers: with a kernel that is made up and a clock that stands."""

from types import SimpleNamespace

import pytest

from grading.border import subject, wire
from grading.border.errors import KernelNotStarted
from grading.border.limits import Limits
from grading.border.subject import CellEnd, CellRun, KernelSubject, Stopped, StudentError, ended, read_reply

LIMITS = Limits(cell_seconds=15.0, call_seconds=6.0, submission_seconds=100.0, cell_output_bytes=1000, output_bytes=1500, value_bytes=70_000)
REPORT = {"value": 1, "warnings": [], "after": []}
TWO = {"list": [1, 2]}          # the cases of a call


class Sandbox:
    """Opens kernels that answer as an honest one does, but for `says`: {request or number of a cell: what is changed of its answers,
    one after the other, or the error instead}."""

    def __init__(self, **says):
        self.limits, self.says, self.opened, self.running = LIMITS, {key: list(some) for key, some in says.items()}, 0, False
        self.asked, self.sent = [], []

    def open(self):
        assert not self.running, "a sandbox holds one kernel at a time"
        self.opened, self.running = self.opened + 1, True
        return self

    def end(self):
        self.running = False

    def send(self, header, block, deadline):
        assert self.running
        self.asked.append({name: value for name, value in header.items() if name != "id"})
        self.sent.append((header["id"], block, deadline))

    def receive(self, deadline, most):
        assert deadline == self.sent[-1][2] and most == LIMITS.value_bytes
        asked = self.asked[-1]
        honest = {"run": {"outputs": [], "timed_out": False, "found": {"f": 1}, "count": 1}, "files": {}, "exercise": {"ready": True},
                  "end": {"ended": 0}, "calls": {"reports": [REPORT, REPORT]}}[asked["op"]]
        changes = self.says.get(f"cell_{asked.get('cell')}") or self.says.get(asked["op"]) or [{}]
        change = changes.pop(0)
        if isinstance(change, Exception):
            raise change
        answer = {"id": int(str(self.sent[-1][0])), **honest, **change}
        return {name: value for name, value in answer.items() if value != "left out"}, b""

    def ops(self):
        return [asked["op"] + str(asked.get("cell", "")) for asked in self.asked]


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(at=50.0)
    monkeypatch.setattr(subject, "time", SimpleNamespace(monotonic=lambda: now.at))
    monkeypatch.setattr(wire, "send", lambda sock, *more: sock.send(*more))
    monkeypatch.setattr(wire, "receive", lambda sock, *more: sock.receive(*more))
    return now


def made(files=(), **says):
    box = Sandbox(**says)
    return KernelSubject(box, ["f", "g"], files), box


# --- cells --------------------------------------------------------------------------------------------------------

def test_a_cell_is_asked_for_with_its_limits_and_what_it_says_is_taken(clock, monkeypatch):
    monkeypatch.setattr(subject.secrets, "randbits", lambda count: 2**count - 1)
    kernel, box = made(run=[{"outputs": ["x"], "count": 7, "found": {"f": 3, "g": -1, "other": 2}}])
    assert kernel.run(4, "x = 1") == CellRun(["x"], CellEnd.OK, 7) and not kernel.overran
    assert box.asked == [{"op": "run", "cell": 4, "source": "x = 1", "watch": ["f", "g"], "seconds": 15.0, "show": 1000}]
    assert box.sent == [(2**48 - 1, b"", 50.0 + 15 + 2)]
    assert [kernel.definitions(name) for name in ("f", "g", "other")] == [3, 0, 0] and kernel.ran == [(4, "x = 1", 15.0)]
    kernel.run(5, "y = 1")
    assert box.opened == 1 and box.ops() == ["run4", "run5"]


@pytest.mark.parametrize(("left", "asked", "waits"), [(20.0, 15.0, 17.0), (15.0, 15.0, 17.0), (7.0, 7.0, 9.0), (0.05, 0.1, 2.05)])
def test_a_cell_gets_what_is_left_to_the_notebook(clock, left, asked, waits):
    kernel, box = made()
    clock.at = 150.0 - left
    assert kernel.run(0, "x").status is CellEnd.OK
    assert box.asked[0]["seconds"] == asked and box.sent[0][2] == pytest.approx(clock.at + waits)


@pytest.mark.parametrize(("at", "status"), [(149.9, CellEnd.OK), (150.0, CellEnd.NOT_RUN), (151.0, CellEnd.NOT_RUN)])
def test_at_its_end_no_cell_of_a_notebook_is_begun(clock, at, status):
    kernel, box = made()
    clock.at = at
    assert kernel.run(0, "x").status is status and kernel.overran is (status is CellEnd.NOT_RUN)
    assert box.opened == (status is CellEnd.OK)
    clock.at = 50.0
    kernel.run(0, "x")
    assert kernel.overran is (status is CellEnd.NOT_RUN), "once is enough"


def test_a_kernel_may_die_26_times(clock):
    kernel, box = made(run=[wire.Closed("it ended")] * 40)
    assert [kernel.run(number, "x").status for number in range(30)] == [CellEnd.DIED] * 26 + [CellEnd.NOT_RUN] * 4
    assert box.opened == 26 and not kernel.overran and kernel.ran == [] and not box.running


def test_after_a_death_the_cells_before_are_run_again_without_the_one_that_killed_it(clock):
    kernel, box = made(files=[("a.csv", b"1,2"), ("b.csv", b"3")], run=[{}, {"timed_out": True}, {"found": {"f": 2}}, wire.Timeout("late")])
    statuses = [kernel.run(number, f"x = {number}").status for number in range(4)]
    assert statuses == [CellEnd.OK, CellEnd.TIMED_OUT, CellEnd.OK, CellEnd.DIED] and kernel.overran
    assert kernel.definitions("f") == 2 and box.asked[0] == {"op": "files", "files": [("a.csv", 0, 3), ("b.csv", 3, 1)]}
    assert box.sent[0][1:] == (b"1,23", 50.0 + 30 + 2)
    assert kernel.run(4, "x = 4").status is CellEnd.OK and kernel.definitions("f") == 1, "what was found is of the kernel that runs"
    assert box.ops()[5:] == ["files", "run0", "run1", "run2", "run4"]
    assert [asked["seconds"] for asked in box.asked[6:]] == [15.0, 1.0, 15.0, 15.0]


@pytest.mark.parametrize(("change", "overran"), [({"timed_out": True}, True), (wire.Timeout("late"), True), (wire.Closed("gone"), False),
                                                 (wire.WireError("odd"), False), ({}, False)])
def test_what_a_limit_of_time_ended_is_known(clock, change, overran):
    kernel, _ = made(run=[change, {}])
    kernel.run(0, "x")
    assert kernel.overran is overran
    kernel.run(1, "x")
    assert kernel.overran is overran


def test_a_cell_that_kills_the_kernel_when_it_is_run_again_is_left_out(clock):
    kernel, box = made(cell_1=[{}, wire.Closed("gone")], cell_3=[wire.Closed("gone")])
    assert [kernel.run(number, "x").status for number in range(4)] == [CellEnd.OK] * 3 + [CellEnd.DIED]
    assert kernel.run(4, "x").status is CellEnd.OK
    assert box.ops()[4:] == ["run0", "run1", "run0", "run2", "run4"] and [cell[0] for cell in kernel.ran] == [0, 2, 4]


def test_cells_are_not_run_again_beyond_the_end_of_the_notebook(clock):
    kernel, box = made(cell_1=[wire.Closed("gone")])
    kernel.run(0, "x"), kernel.run(1, "x")
    clock.at = 150.0
    assert kernel.connect() and box.ops() == ["run0", "run1"] and kernel.ran == [] and kernel.found == {}


@pytest.mark.parametrize("change", [
    {"outputs": "left out"}, {"outputs": "x"}, {"timed_out": "left out"}, {"timed_out": 1}, {"found": []}, {"count": "left out"}, {"count": True},
    {"count": -1}, {"count": 10**6}, {"count": None}, {"id": 7}, {"id": 2**60}, {"id": 7, "ended": 0}], ids=str)
def test_an_answer_of_another_form_is_that_of_a_kernel_that_died(clock, change):
    kernel, box = made(run=[change])
    assert kernel.run(0, "x") == CellRun([], CellEnd.DIED) and not box.running and kernel.ran == [] and not kernel.overran


def test_outputs_of_a_notebook_have_room_and_what_is_over_is_noted(clock):
    kernel, box = made(run=[{"outputs": ["x" * 696]}, {"outputs": ["x" * 797]}, {"outputs": ["x" * 796]}, {"outputs": ["x"]}, {"outputs": []}])
    note = [{"output_type": "stream", "name": "stdout", "text": "... Output truncated ...\n"}]
    assert [kernel.run(number, "x").outputs for number in range(5)] == [["x" * 696], note, ["x" * 796], note, []]
    assert [asked["show"] for asked in box.asked] == [1000, 800, 800, 0, 0] and kernel.room == 0


def test_a_line_of_an_output_counts_for_what_it_takes_in_a_file(clock):
    kernel, _ = made(run=[{"outputs": ["x\n" * 107]}, {"outputs": ["x\n" * 106]}])
    assert "truncated" in kernel.run(0, "x").outputs[0]["text"] and kernel.run(1, "x").outputs == ["x\n" * 106] and kernel.room == 1500 - 4 - 106 * 14


def test_nobody_looks_at_what_a_cell_shows_that_is_run_again(clock):
    kernel, box = made(run=[{"outputs": ["x" * 5000]}])
    assert kernel.run_again(0, "x", 2.5).outputs == ["x" * 5000] and kernel.room == 1500 and box.asked[0]["seconds"] == 2.5


def test_a_kernel_that_does_not_take_the_files_is_no_fault_of_the_students(clock):
    box = Sandbox(files=[wire.Timeout("no answer in time")])
    with pytest.raises(KernelNotStarted, match="the kernel did not take the submission's files: no answer in time"):
        KernelSubject(box, ["f"], [("a.csv", b"1")]).run(0, "x")
    assert not box.running


def test_a_second_run_is_of_the_same_submission_within_what_is_left_of_its_time(clock):
    kernel, box = made(files=[("a.csv", b"1")])
    clock.at = 149.0
    again = kernel.anew()
    assert (again.sandbox, again.watch, again.files, again.deadline) == (box, ["f", "g"], [("a.csv", b"1")], 150.0)
    assert again.ran == [] and again.restarts == 0


# --- calls --------------------------------------------------------------------------------------------------------

def test_calls_are_made_in_a_fork_that_serves_until_a_cell_is_run(clock):
    kernel, box = made()
    kernel.run(0, "x")
    kernel.begin()
    assert box.sent[-1][2] == 50.0 + 10 + 2 and box.asked[-1] == {"op": "exercise"}
    replies = kernel.call("f", 1, TWO, b"12345678", after=True)
    assert [reply.value for reply in replies] == [1, 1] and box.sent[-1][1:] == (b"12345678", 50.0 + 6 + 2)
    assert box.asked[-1] == {"op": "calls", "function": "f", "definition": 1, "cases": TWO, "after": True, "seconds": 6.0}
    kernel.call("f", 0, TWO, b"")
    assert box.asked[-1]["after"] is False
    kernel.finish(), kernel.begin()
    assert box.ops() == ["run0", "exercise", "calls", "calls"], "forks are dear"
    kernel.run(1, "x")
    assert box.ops()[4:] == ["end", "run1"] and box.sent[-2][2] == 50.0 + 5 + 2 and not kernel.serving


def test_a_fork_that_ran_short_of_memory_serves_no_other_exercise(clock):
    error = {**REPORT, "error": {"type": "MemoryError", "message": "no"}}
    error.pop("value")
    others = [{**error, "error": {"type": kind, "message": "no"}} for kind in ("ArithmeticError", "ValueError")]
    kernel, box = made(calls=[{"reports": others}, {"reports": [REPORT, error]}, {"reports": [REPORT, REPORT]}])
    kernel.begin()
    kernel.call("f", 0, TWO, b"")
    kernel.finish()
    assert box.ops() == ["exercise", "calls"]
    assert kernel.call("f", 0, TWO, b"")[1].error == StudentError("MemoryError", "no")
    kernel.call("f", 0, TWO, b"")
    kernel.finish()
    assert box.ops() == ["exercise", "calls", "calls", "calls", "end"]
    kernel.begin(), kernel.finish()
    assert box.ops()[5:] == ["exercise"], "the new one has its memory"


@pytest.mark.parametrize("change", [wire.Timeout("late"), {"ended": "left out"}, {"id": 7, "ended": "left out"}])
def test_a_kernel_whose_fork_does_not_end_is_ended(clock, change):
    kernel, box = made(end=[change])
    kernel.begin(), kernel.end_fork()
    assert not box.running and not kernel.serving
    kernel.end_fork()
    assert box.ops() == ["exercise", "end"]


def test_the_end_of_a_fork_may_cross_the_request_for_it(clock):
    kernel, box = made(end=[{"id": 7}])
    kernel.begin(), kernel.end_fork()
    assert box.running


@pytest.mark.parametrize(("change", "said"), [({"ready": 1}, "the kernel ended"), ({"ready": "left out"}, "the kernel ended"),
                                              (wire.Closed("gone"), "the kernel did not answer: gone")])
def test_a_kernel_that_makes_no_fork_is_ended_and_its_checks_say_why(clock, change, said):
    kernel, box = made(exercise=[change])
    with pytest.raises(Stopped) as stopped:
        kernel.begin()
    assert (stopped.value.reason, stopped.value.timeout) == (said, False) and not box.running and not kernel.serving


def test_no_fork_is_made_at_the_end_of_a_notebook_or_of_its_chances(clock):
    kernel, box = made(run=[wire.Closed("gone")] * 26)
    for number in range(26):
        kernel.run(number, "x")
    with pytest.raises(Stopped) as stopped:
        kernel.begin()
    assert (stopped.value.reason, stopped.value.timeout) == ("the kernel had died too often", False) and not kernel.overran
    clock.at = 150.0
    with pytest.raises(Stopped) as stopped:
        kernel.begin()
    assert (stopped.value.reason, stopped.value.timeout) == ("the notebook had used up its time", True) and kernel.overran


@pytest.mark.parametrize(("left", "seconds"), [(10.0, 6.0), (6.0, 6.0), (2.0, 2.0), (0.5, 0.5), (0.0, None), (-1.0, None)])
def test_a_call_gets_what_is_left_to_the_notebook(clock, left, seconds):
    kernel, box = made()
    kernel.begin()
    clock.at = 150.0 - left
    if seconds:
        kernel.call("f", 0, TWO, b"")
        assert box.asked[-1]["seconds"] == seconds
    else:
        with pytest.raises(Stopped, match="had used up its time") as stopped:
            kernel.call("f", 0, TWO, b"")
        assert stopped.value.timeout and kernel.overran and box.ops() == ["exercise"]


def test_there_is_no_call_without_a_kernel(clock):
    kernel, box = made()
    with pytest.raises(Stopped, match="had used up its time"):
        kernel.call("f", 0, TWO, b"")
    with pytest.raises(AssertionError, match="see `connect`"):
        kernel.request({"op": "end"}, b"", 1.0)
    assert box.opened == 0


@pytest.mark.parametrize(("change", "said", "late"), [
    (wire.Timeout("late"), "it ran longer than 6 seconds", True), (wire.Closed("gone"), "the kernel died during the call", False),
    (wire.WireError("odd"), "what came back was not an answer: odd", False), ({"id": 7}, "what came back was not an answer: an answer came that nobody asked for", False),
    *[({"reports": reports}, "what came back was not an answer: the number of reports is wrong", False)
      for reports in ("left out", "xy", (), [REPORT], [REPORT] * 3)],
    ({"reports": [REPORT, {}]}, "what came back was not an answer: a report has no known form", False)], ids=str)
def test_a_kernel_that_gives_no_answer_to_a_call_is_ended_and_the_check_says_why(clock, change, said, late):
    kernel, box = made(calls=[change])
    kernel.begin()
    with pytest.raises(Stopped) as stopped:
        kernel.call("f", 0, TWO, b"")
    assert (stopped.value.reason, stopped.value.timeout, kernel.overran) == (said, late, late) and not box.running and kernel.sock is None


@pytest.mark.parametrize(("code", "said", "late"), [
    (-14, "it ran longer than 6 seconds", True), (-24, "it ran longer than 6 seconds", True),
    (0, "the kernel died during the call (the code ended the process)", False), (3, "the kernel died during the call (the code ended the process)", False)])
def test_a_fork_that_ended_says_why_and_the_kernel_makes_another(clock, code, said, late):
    kernel, box = made(calls=[{"ended": code, "id": 7}])
    kernel.begin()
    with pytest.raises(Stopped) as stopped:
        kernel.call("f", 0, TWO, b"")
    assert (stopped.value.reason, stopped.value.timeout, kernel.overran) == (said, late, late) and box.running
    kernel.begin()
    assert box.ops() == ["exercise", "calls", "exercise"] and box.opened == 1
    kernel.call("f", 0, TWO, b"")
    assert kernel.overran is late


@pytest.mark.parametrize(("code", "words"), [
    (-11, "a crash in compiled code, or recursion without end"), (-6, "a crash in compiled code"), (-9, "killed, perhaps for want of memory"),
    (-1, "by a signal"), (True, "by a signal"), ([], "by a signal"), (10**6, "by a signal"), (999_999, "the code ended the process")])
def test_how_a_fork_ended_is_told_in_known_words(code, words):
    assert ended(code, 6.0).reason == f"the kernel died during the call ({words})" and not ended(code, 6.0).timeout


def test_several_calls_of_one_answer_share_the_bytes_that_came(clock):
    whole = {"value": {"dtype": "<f8", "shape": [1], "at": 0}, "warnings": [], "after": []}
    kernel, box = made(calls=[{"reports": [whole, whole]}])
    kernel.begin()
    box.receive = lambda *more, before=box.receive: (before(*more)[0], bytes(8))
    with pytest.raises(Stopped, match="larger than the bytes that were sent"):
        kernel.call("f", 0, TWO, b"")


# --- reports ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("at", [[True, 1], [-1, 1], [1, 10**30], [1.0, 2], ["1", 2], [1]])
def test_a_place_that_is_no_place_is_not_taken(at):
    reply = read_reply({"error": {"type": "E", "message": "", "at": at}, "warnings": [], "after": []}, b"")
    assert (reply.error.cell, reply.error.line) == (None, None)


@pytest.mark.parametrize("at", [[0, 0], [999_999, 1], [1, 999_999]])
def test_a_place_is_two_counts_below_a_million(at):
    for more in range(2):
        place = [number + (number == 999_999) * more for number in at]
        reply = read_reply({"error": {"type": "E", "message": "", "at": place}, "warnings": [], "after": []}, b"")
        assert [reply.error.cell, reply.error.line] == (at if place == at else [None, None])


def test_of_an_error_60_characters_of_its_type_and_300_of_its_message_are_taken():
    for place in ({}, {"at": [1, 2]}):
        error = {"type": "T" * 61, "message": "m" * 301, "kinds": ["A", "ValueError"], **place}
        reply = read_reply({"error": error, "warnings": ["divide", "strange", "overflow"], "after": [3]}, b"")
        assert (reply.error.type, reply.error.message, reply.error.value_error) == ("T" * 60, "m" * 300, True)
        assert (reply.value, reply.warnings, reply.after) == (None, ["overflow", "divide"], [3])
    assert not read_reply({"error": {"type": "E", "message": "", "kinds": "ValueError"}, "warnings": [], "after": []}, b"").error.value_error


@pytest.mark.parametrize("report", [{"value": 1, "error": {"type": "E", "message": ""}}, {"value": 1, "more": 2}, {}, {"error": {"type": 1, "message": ""}}])
def test_a_report_has_a_value_or_an_error_and_nothing_else(report):
    with pytest.raises(wire.WireError):
        read_reply({**report, "warnings": [], "after": []}, b"")


def test_a_trusted_function_says_what_became_of_its_arguments_where_it_is_asked():
    said = [subject.LocalSubject({"f": lambda z: z + 1}).call("f", 0, *subject.pack([(1,)]), **more)[0] for more in ({}, {"after": True})]
    assert [(reply.value, reply.after) for reply in said] == [(2, []), (2, [1])]
