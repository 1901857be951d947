"""What a submission may use: each limit with its control, the same act in a plain process."""

import textwrap
from types import SimpleNamespace

import numpy as np
import pytest
from kernels import WARM_AND_COLD, assert_denied, inside, make_sandbox, outside

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from grading.border import wire
from grading.border.limits import Limits
from grading.notebooks import pictures
from grading.notebooks.writing import notebook_text
from grading.border import subject as student_module
from grading.border.subject import CellEnd, KernelSubject, Stopped, pack

pytestmark = pytest.mark.sandbox
TIGHT = {"memory_bytes": 800 * 2**20, "processes": 24, "open_files": 64, "file_bytes": 2**21, "scratch_bytes": 2**23,
         "scratch_files": 200, "cpu_seconds": 30, "cell_seconds": 20, "call_seconds": 0.5, "value_bytes": 2**21,
         "cell_output_bytes": 2**16, "output_bytes": 2**17}


@pytest.fixture(autouse=True)
def little_grace(monkeypatch):
    monkeypatch.setattr(student_module, "GRACE_SECONDS", 0.6)


@pytest.fixture(scope="module")
def boxes():
    found = {}
    yield found
    for box in found.values():
        box.close()


@pytest.fixture
def limited(boxes):
    """A kernel under tight limits; `limited(mode, **more)`."""
    opened = []

    def make(mode="warm", **more):
        key = mode, *more.items()
        if key not in boxes:
            boxes[key] = make_sandbox(mode, **{**TIGHT, **more})
        opened.append(KernelSubject(boxes[key], watch=["answer"]))
        return opened[-1]

    yield make
    for subject in opened:
        subject.close()


ACTS = {
    "memory": "import mmap; mmap.mmap(-1, 2**30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)",
    "open files": "import os; kept = [os.open('/dev/null', 0) for _ in range(100)]",
    "the size of a file": "import tempfile; f = tempfile.TemporaryFile(dir='.'); f.write(bytes(3 * 2**20)); f.flush()",
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("mode", [*WARM_AND_COLD, "none"])
def test_a_process_has_a_limit_of(act, mode, limited, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_denied(limited(mode), ACTS[act])


HARD = """
    import resource
    for name in ("RLIMIT_AS", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CPU", "RLIMIT_NPROC"):
        soft, hard = resource.getrlimit(getattr(resource, name))
        try:
            resource.setrlimit(getattr(resource, name), (hard + 1, hard + 1))
            print("raised", name)
        except (ValueError, OSError):
            pass
"""


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_no_limit_can_be_raised(mode, limited):
    assert inside(limited(mode), HARD) == ""


PROCESSES = """
    import os, time
    for _ in range(40):
        if os.fork() == 0:
            time.sleep(1)
            os._exit(0)
"""


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_processes_are_counted(mode, limited):
    assert_denied(limited(mode), PROCESSES)


MANY_TAKE_MEMORY = """
    import os, time
    for _ in range(5):
        if os.fork() == 0:
            kept = b"x" * (250 * 2**20)
            time.sleep(20)
            os._exit(0)
    for _ in range(5):
        os.wait()
"""


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_memory_of_all_processes_together_is_limited(mode, limited):
    subject = limited(mode)
    assert subject.run(0, textwrap.dedent(MANY_TAKE_MEMORY)).status == "died"
    assert inside(subject, "print('a new kernel')") == "a new kernel\n"


MANY_TAKE_TIME = """
    import os
    for _ in range(3):
        if os.fork() == 0:
            while True:
                pass
    os.wait()
"""


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_cpu_time_of_all_processes_together_is_limited(mode, limited):
    assert limited(mode, cpu_seconds=1, cell_seconds=60).run(0, textwrap.dedent(MANY_TAKE_TIME)).status == "died"


def test_scratch_space_is_limited_in_size_and_number(limited, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subject = limited()
    assert_denied(subject, "for n in range(10): open(f'f{n}', 'wb').write(bytes(2**20))")
    assert_denied(subject, "for n in range(300): open(f'g{n}', 'w').close()")
    assert_denied(subject, "for n in range(300): open(f'/dev/shm/grading-test-{n}', 'w').close()\n"
                           "import os\nfor n in range(300): os.unlink(f'/dev/shm/grading-test-{n}')")


def test_cold_the_watch_counts_the_files_of_every_place_that_can_be_written(limited):
    """An empty file takes no byte of the file system, and a thousand of the system's memory: three million took 2.5 GB."""
    subject, made = limited("cold"), "for n in range(300): open(f'/dev/shm/grading-test-{n}', 'w').close()\n"
    assert subject.run(0, made + "import time; time.sleep(10)").status is CellEnd.DIED


# --- output and values --------------------------------------------------------------------------------------------

def test_what_a_cell_shows_is_limited_and_so_is_what_all_cells_show(limited):
    subject, shown = limited(), 0
    for number in range(10):
        run = subject.run(number, "for _ in range(100): print('x' * 10_000)")
        shown += sum(len(output["text"]) for output in run.outputs)
    assert 2**16 < shown < 2**17 + 2000
    assert run.status == "ok" and "truncated" in run.outputs[-1]["text"]


def test_outputs_that_a_kernel_forges_count_against_the_same_limit(limited):
    subject = limited()
    run = subject.run(0, "import kernel\n"
                         "forged = [{'output_type': 'stream', 'name': 'stdout', 'text': 'x' * 2**18}]\n"
                         "kernel.Recorder.finish = lambda self: forged")
    assert [output["text"] for output in run.outputs] == ["... Output truncated ...\n"]


def calls(subject, function, *cases):
    subject.run(0, textwrap.dedent(function))
    subject.begin()
    try:
        return subject.call("answer", subject.definitions("answer") - 1, *pack(cases))
    finally:
        subject.finish()


def test_a_returned_value_is_limited(limited):
    subject = limited()
    assert calls(subject, "import numpy as np\ndef answer(n): return np.zeros(n)", (2**17,))[0].value.shape == (2**17,)
    with pytest.raises(Stopped, match="over the limit"):
        calls(subject, "import numpy as np\ndef answer(n): return np.zeros(n)", (2**19,))


# --- time ---------------------------------------------------------------------------------------------------------

TRICKS = {
    "a loop": "while True: pass",
    "a loop that swallows every exception": """
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
    """,
    "the alarm's signal blocked": """
        import signal
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
        while True:
            pass
    """,
    "the alarm's handler replaced": """
        import signal
        signal.signal(signal.SIGALRM, lambda *args: None)
        while True:
            pass
    """,
    "the alarm switched off": """
        import signal
        signal.setitimer(signal.ITIMER_REAL, 0)
        while True:
            pass
    """,
    "waiting in compiled code": """
        import ctypes
        ctypes.CDLL(None).sleep(86400)
        ctypes.CDLL(None).sleep(86400)
    """,
    "waiting for another process": """
        import subprocess
        subprocess.run(["sleep", "86400"])
    """,
    "a thread while the main one waits": """
        import threading
        threading.Event().wait()
    """,
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_cell_ends_when_its_time_is_up_and_the_next_one_runs(trick, limited):
    subject = limited(cell_seconds=0.8)
    assert subject.run(0, textwrap.dedent(TRICKS[trick])).status in ("timed out", "died")
    subject.ran.clear()     # what only timed out would be run again in a new kernel
    assert inside(subject, "print('next')") == "next\n"


@pytest.mark.parametrize("trick", TRICKS)
def test_a_call_ends_when_its_time_is_up_and_the_next_exercise_is_judged(trick, limited):
    subject = limited()
    with pytest.raises(Stopped) as stopped:
        calls(subject, "def answer(z):\n" + textwrap.indent(textwrap.dedent(TRICKS[trick]), "    "), (1.0,))
    assert stopped.value.timeout
    assert calls(subject, "def answer(z): return 2 * z", (1.5,))[0].value == 3


def test_an_answer_that_arrives_in_drips_ends_with_its_deadline(limited):
    drip = """
        import gc, os, socket, time, wire
        def answer(z):
            sock = next(o for o in gc.get_objects() if isinstance(o, socket.socket))
            os.write(sock.fileno(), wire.LENGTHS.pack(10**6, 0))
            while True:
                os.write(sock.fileno(), b" ")
                time.sleep(0.05)
    """
    with pytest.raises(Stopped) as stopped:
        calls(limited(), drip, (1.0,))
    assert stopped.value.timeout


def test_a_kernel_that_does_not_read_its_questions_ends_with_the_deadline(limited):
    subject = limited()
    ours, deaf = wire.socketpair()
    subject.sock = ours
    with ours, deaf, pytest.raises(Stopped) as stopped:
        subject.call("answer", 0, *pack([(np.zeros(2**21),)]))
    assert stopped.value.timeout


def test_a_submission_s_whole_time_is_limited(limited):
    subject = limited(submission_seconds=1.0, cell_seconds=0.7)
    statuses = [subject.run(number, "while True: pass").status for number in range(4)]
    assert statuses[0] != "ok" and statuses[-1] == "not run"
    with pytest.raises(Stopped, match="used up its time"):
        subject.begin()


def test_the_controls_of_the_time_limits_do_run_when_nobody_stops_them():
    assert outside("import signal; signal.setitimer(signal.ITIMER_REAL, 0); print('free')") == "free\n"


# --- what the grader does for a submission ------------------------------------------------------------------------

def test_the_pictures_that_are_drawn_for_a_notebook_are_limited(monkeypatch):
    monkeypatch.setattr(pictures, "draw", lambda root, content, shelf: ("drawn", 0))
    album = pictures.Album(".")
    assert album.draw("x" * (pictures.MAX_CONTENT + 1)) is None
    assert [album.draw("{}") for _ in range(100)].count("drawn") == pictures.MAX_PICTURES - 1


def test_lines_count_for_what_they_take_in_the_file_of_a_notebook():
    """16 MiB of newlines made a notebook of 100 MB, and took 0.8 GB of the process that grades."""
    subject = KernelSubject(SimpleNamespace(limits=Limits(output_bytes=100_000)))
    shown = [{"output_type": "stream", "name": "stdout", "text": "\n" * 5000}]
    nb = new_notebook(cells=[new_code_cell(outputs=[NotebookNode(shown[0])])])
    assert subject.within_room(shown) == shown
    assert len(notebook_text(nb)) - 1000 < 100_000 - subject.room < 1.2 * len(notebook_text(nb))
    assert "truncated" in subject.within_room(shown)[0]["text"]
