"""Walls against someone who has read the sandbox line by line: each act with its control, warm and cold, for every user."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import attacks
import pytest
from kernels import WARM_AND_COLD, assert_denied, inside, make_sandbox, outside

from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grading.border import filter, identity
from grading.border.inside import watch
from grading.border import sandbox as sandbox_module
from grading.border.sandbox import KernelNotStarted, Limits, Sandbox, SandboxUnavailable
from grading.border.subject import KernelSubject
from grading.plugins.autograde import Autograde
from grading.root import CourseError
from grading.run.course import Course

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[2]
ENOSYS = 38


@pytest.fixture(scope="module", params=WARM_AND_COLD)
def kernel(request):
    box = make_sandbox(request.param)
    subject = KernelSubject(box)
    yield subject
    subject.close()
    box.close()
    assert box.warm == (request.param == "warm"), "namespaces do not nest on this machine: the warm mode was not tested"


# --- system calls -------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def table():
    import pyseccomp
    return attacks.table(lambda name: pyseccomp.resolve_syscall(pyseccomp.system_arch(), name))


def test_every_denied_system_call_is_answered_as_if_it_were_none_and_reaches_linux_outside(kernel, table):
    without, within = json.loads(outside(attacks.code_of(table))), json.loads(inside(kernel, attacks.code_of(table)))
    assert len(within) == len(table) > 140
    assert {name for name, error in within.items() if error != ENOSYS} == set()
    unknown = {name for name, error in without.items() if error == ENOSYS}     # to this Linux
    assert len(unknown) < 15, f"the control failed: {sorted(unknown)}"


def test_the_calls_of_another_architecture_end_the_process(kernel):
    """The old way into the kernel, by which a number means another call."""
    code = """
        import ctypes, mmap, os
        made = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=7)
        made.write(bytes.fromhex("b814000000cd80c3"))       # mov eax, 20 (getpid); int 0x80; ret
        pid = os.fork()
        if pid == 0:
            os._exit(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(made)))() == os.getpid())
        print(os.waitpid(pid, 0)[1])
    """
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has it")
    assert outside(code) == "256\n" and inside(kernel, code) not in ("256\n", "0\n")


def test_no_call_is_both_allowed_and_denied():
    assert not {*filter.ALLOWED, *filter.NOTHING} & attacks.CALLS.keys()


@pytest.mark.parametrize("act", attacks.ACTS)
def test_an_act_is_denied(act, kernel, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_denied(kernel, textwrap.dedent(attacks.ACTS[act]))


# --- open files ---------------------------------------------------------------------------------------------------

OPEN = """
    import os, stat
    def kind(fd):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            return
        print("null" if stat.S_ISCHR(mode) else "socket" if stat.S_ISSOCK(mode) else "other")
    for fd in range(256):
        kind(fd)
"""


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_student_code_inherits_no_open_file_but_its_socket(mode):
    box = make_sandbox(mode)
    for _ in range(2):      # the second kernel of a warm server as well
        subject = KernelSubject(box)
        assert inside(subject, OPEN).split() == ["null"] * 3 + ["socket"]
        inside(subject, "import matplotlib.pyplot as plt\nplt.plot([1]); plt.title('$x^2$'); plt.show()")
        subject.close()
    box.close()


def test_the_files_of_the_kernel_are_copies_that_the_host_does_not_share(kernel):
    shown = inside(kernel, "import os\nfor name in os.listdir('/kernel'):\n    s = os.stat('/kernel/' + name); print(s.st_dev, s.st_ino)")
    ours = {(path.stat().st_dev, path.stat().st_ino) for path in sandbox_module.inside_files()}
    assert len(ours) >= 5 and not ours & {tuple(map(int, line.split())) for line in shown.splitlines()}


# --- what is beside the kernel ------------------------------------------------------------------------------------

SIGNALS = """
    import os, signal
    me, hit = os.getpid(), []
    for pid in [*range(1, 400), -1]:
        if pid != me:
            for number in (signal.SIGSTOP, signal.SIGKILL):
                try:
                    os.kill(pid, number)
                    hit.append(pid)
                except OSError:
                    pass
    print(set(hit) - {1})
"""
REACH = """
    import os
    for pid in range(1, 400):
        for name in ("mem", "environ", "root", "fd"):
            try:
                os.stat(f"/proc/{pid}/{name}")
                print("reached", pid, name)
            except OSError:
                pass
"""


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_nothing_that_the_grader_needs_can_be_signalled_read_or_written_and_the_watch_goes_on(mode):
    box = make_sandbox(mode, memory_bytes=700 * 2**20, cell_seconds=20)
    subject = KernelSubject(box)
    assert inside(subject, REACH) == ""
    assert inside(subject, SIGNALS) == "set()\n"
    assert box.process.poll() is None and (mode == "warm" or box.watcher.poll() is None)
    assert inside(subject, "print('alive')") == "alive\n"
    eaters = "import os, time\nfor _ in range(3):\n    if os.fork() == 0:\n        kept = b'x' * (300 * 2**20)\n" \
             "        time.sleep(20)\n        os._exit(0)\ntime.sleep(20)"
    assert subject.run(1, eaters).status == "died"
    subject.close()
    box.close()


def test_where_memory_is_short_the_kernel_ends_before_the_grader(kernel):
    inside(kernel, "1")
    found = watch.descendants(kernel.sandbox.process.pid)()
    last = [pid for pid in found if not watch.children(pid)]        # the kernel, or what it started
    assert {Path("/proc", pid, "oom_score_adj").read_text() for pid in last} == {"1000\n"} and len(found) >= 3


# --- what is counted ----------------------------------------------------------------------------------------------

SHORT_CHILDREN = {
    "children that nobody waits for": """
        import os, time
        def burn():
            until = time.process_time() + 0.2
            while time.process_time() < until: pass
            os._exit(0)
        while True:
            try:
                if os.fork() == 0: burn()
            except OSError:
                time.sleep(0.05)
    """,
    "grandchildren whose parent ends first": """
        import os, signal, time
        while True:
            try:
                if os.fork() == 0:
                    if os.fork() == 0:
                        until = time.process_time() + 0.2
                        while time.process_time() < until: pass
                    os._exit(0)
                os.wait()
            except OSError:
                time.sleep(0.05)
            time.sleep(0.2)
    """,
    "children by a call that says nothing when they end": """
        import ctypes, os, time
        libc = ctypes.CDLL(None)
        while True:
            if libc.syscall(56, 0, 0, 0, 0, 0) == 0:
                until = time.process_time() + 0.2
                while time.process_time() < until: pass
                os._exit(0)
            time.sleep(0.1)
    """,
}


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_cpu_time_of_short_children_counts_whoever_waits_for_them(mode):
    box = make_sandbox(mode, cpu_seconds=1, cell_seconds=40, submission_seconds=400)
    for name, code in SHORT_CHILDREN.items():
        if "call" in name and os.uname().machine != "x86_64":
            continue
        subject = KernelSubject(box)
        run = subject.run(0, textwrap.dedent(code))
        subject.close()
        assert run.status == "died", name
    box.close()


SOCKETS = """
    import os, socket, time
    kept = []
    def fill():
        for _ in range(100):
            for one in socket.socketpair():
                kept.append(one)
                one.setblocking(False)
                try:
                    while True: one.send(bytes(2**16))
                except OSError:
                    pass
    for _ in range(25):
        if os.fork() == 0:
            fill(); time.sleep(30); os._exit(0)
    time.sleep(30)
"""


def test_page_tables_count_as_memory(tmp_path):
    """Memory that is only read takes nothing else, and sixty processes can read a lot."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("Name:\tx\nVmRSS:\t  100 kB\nVmPTE:\t  50 kB\nVmSwap:\t  3 kB\n")
    fd = os.open(tmp_path, os.O_RDONLY)
    use = watch.Use(fd, lambda: ["7"], {})
    assert use.resident_bytes("7") == use.own_bytes("7") == 153 * 1024
    (tmp_path / "7" / "smaps_rollup").write_text("Rss: 100 kB\nPss:  10 kB\nPss_Anon: 9 kB\nSwapPss:  2 kB\n")
    assert use.own_bytes("7") == 62 * 1024
    os.close(fd)


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_what_waits_in_sockets_counts_as_memory(mode):
    box = make_sandbox(mode, memory_bytes=800 * 2**20, cell_seconds=30, submission_seconds=100)
    subject = KernelSubject(box)
    run = subject.run(0, textwrap.dedent(SOCKETS))
    assert run.status == "died"
    subject.close()
    box.close()


def test_files_in_scratch_space_are_counted_where_their_number_cannot_be_fixed():
    box = make_sandbox("cold", scratch_files=300, cell_seconds=20)
    subject = KernelSubject(box)
    assert subject.run(0, "for n in range(400): open(f'g{n}', 'w').close()\nimport time; time.sleep(15)").status == "died"
    subject.close()
    box.close()


# --- what fails because of others ---------------------------------------------------------------------------------

def test_a_kernel_that_fails_for_want_of_what_others_use_up_is_tried_again(monkeypatch, tmp_path):
    send, failures = sandbox_module.socket.send_fds, iter([True, True, True])

    def refuse(sock, *rest):
        if next(failures, False):
            raise OSError(109, "Too many references: cannot splice")
        return send(sock, *rest)

    launch, full, number = Sandbox.launch, iter([True, True]), itertools.count()

    def cannot_fork(self, who):
        if not next(full, False):
            return launch(self, who)
        self.folder = str(tmp_path / f"{next(number)}")
        Path(self.folder).mkdir()
        Path(self.folder, "log").write_text("bwrap: Can't fork for pid 1: Resource temporarily unavailable\n")
        raise KernelNotStarted("the sandbox ended")

    monkeypatch.setattr(sandbox_module, "PAUSES", (0,) * 6)
    monkeypatch.setattr(Sandbox, "launch", cannot_fork)
    box = Sandbox()
    box.identities = box.identities[:1]
    monkeypatch.setattr(sandbox_module.socket, "send_fds", refuse)
    subject = KernelSubject(box)
    assert inside(subject, "print('graded')") == "graded\n" and box.warm
    subject.close()
    box.close()


def test_where_newuidmap_fails_nothing_is_waited_for_and_nothing_stays(monkeypatch):
    """As in a container that gains no rights: it waited for two minutes each time, and a process stayed for ever."""
    asked = []
    monkeypatch.setattr(identity.Identity, "map", lambda self, pid: asked.append(pid) or "newuidmap: write to uid_map failed")
    monkeypatch.setattr(sandbox_module, "START_SECONDS", 2)
    box = Sandbox()
    box.identities = [identity.Identity(identity.Kind.MAPPED, 200_000, 200_000, 1)]
    with pytest.raises(SandboxUnavailable, match="newuidmap: write to uid_map failed"):
        box.start()
    box.close()
    [pid] = asked
    try:
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        pass


def test_one_failure_of_a_warm_sandbox_that_worked_does_not_make_it_cold(monkeypatch):
    fork, asked = Sandbox.fork, []

    def refuse(self, isolation):
        asked.append(isolation)
        if len(asked) == 2:
            raise KernelNotStarted("fork: Resource temporarily unavailable")
        return fork(self, isolation)

    monkeypatch.setattr(sandbox_module, "PAUSES", (0, 0))
    monkeypatch.setattr(Sandbox, "fork", refuse)
    box = Sandbox()
    for _ in range(2):
        subject = KernelSubject(box)
        assert inside(subject, "print(1)") == "1\n"
        subject.close()
    box.close()
    assert asked == ["namespaces"] * 3


# --- other users --------------------------------------------------------------------------------------------------

SYSTEM_PYTHON = "/usr/bin/python3"
PRIVATE = """
    set -e
    mount --bind passwd /etc/passwd
    mount --bind subid /etc/subuid
    mount --bind subid /etc/subgid
    mkdir -p /usr/local/share/nbgrader/exchange
    exec setpriv --reuid 12345 --regid 12345 --clear-groups {} attacks.py /usr/local/share/nbgrader/exchange work
"""


@pytest.mark.parametrize("kind", ["mapped", "shared"])
def test_an_ordinary_user_has_the_same_walls_warm_and_cold(kind, tmp_path):
    """In a private mount namespace in which such a user has an account; the exchange is that user's own."""
    if os.geteuid() != 0:
        pytest.skip("this run is itself by an ordinary user")
    if kind == "mapped" and not shutil.which("newuidmap"):
        pytest.skip("newuidmap is not installed (apt-get install uidmap)")
    version = subprocess.run([SYSTEM_PYTHON, "-c", "import sys; print(sys.version_info[:2])"], text=True, capture_output=True).stdout
    if version != f"{sys.version_info[:2]}\n":
        pytest.skip(f"{SYSTEM_PYTHON} is another Python than this one, whose packages it would use")
    place = Path("/var/tmp", f"grading-walls-{os.getpid()}")
    shutil.copytree(ROOT / "grading", place / "grading", ignore=shutil.ignore_patterns("__pycache__"))
    try:
        shutil.copy(attacks.__file__, place)
        (place / "passwd").write_text(Path("/etc/passwd").read_text() + "grader-of-a-test:x:12345:12345::/var/tmp:/bin/sh\n")
        (place / "subid").write_text("grader-of-a-test:2000000000:65536\n" if kind == "mapped" else "")
        (place / "work").mkdir()
        os.chown(place / "work", 12345, 12345)
        exchange = "mount -t tmpfs tmpfs /usr/local/share\nmkdir -p /usr/local/share/nbgrader/exchange/inbound\n" \
                   "chown -R 12345 /usr/local/share/nbgrader\n"
        script = exchange + textwrap.dedent(PRIVATE).replace("set -e", "").format(SYSTEM_PYTHON)
        packages = next(path for path in sys.path if path.endswith("site-packages"))
        done = subprocess.run(["unshare", "--mount", "sh", "-ec", script], text=True, capture_output=True, cwd=place, timeout=300,
                              env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/var/tmp", "PYTHONPATH": f"{place}:{packages}",
                                   "PYTHONDONTWRITEBYTECODE": "1"})
    finally:
        shutil.rmtree(place)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["user"] == 12345
    for mode in WARM_AND_COLD:
        assert found[f"{mode} identity"] == kind and found[f"{mode} still"]
        assert "No such file" in found[f"{mode} exchange"]
        for act, said in found[mode].items():
            assert "it was done" in found["outside"][act], f"{act}: the control failed"
            assert "it was done" not in said, f"{act}: {mode}"


def test_root_never_gives_student_code_its_own_host_id():
    if os.geteuid() != 0 or not identity.is_real_root():
        pytest.skip("this is not the host's root")
    assert [way.kind for way in identity.candidates()] == ["root"]


def test_without_libseccomp_grading_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    filter.program.cache_clear()
    try:
        with pytest.raises(SandboxUnavailable, match="apt-get install libseccomp2"):
            Sandbox().probe()
    finally:
        filter.program.cache_clear()


# --- limits that an instructor sets -------------------------------------------------------------------------------

@pytest.mark.parametrize("changes, said", [
    ({"cell_secnds": 3}, "cell_seconds, call_seconds"), ({"cell_seconds": "thirty"}, "takes a number"), ({"cell_seconds": -1}, "at least"),
    ({"cell_seconds": 0}, "at least"), ({"cell_seconds": float("nan")}, "takes a number"), ({"memory_bytes": float("inf")}, "takes a number"),
    ({"processes": 2.5}, "whole number"), ({"processes": True}, "takes a number"), ({"memory_bytes": 1024}, "at least"),
    ({"open_files": None}, "takes a number"), ({7: 1}, "names no limit"), ({"file_bytes": 1e300}, "number that")])
def test_a_senseless_limit_is_one_sentence(changes, said):
    with pytest.raises(ValueError, match=said) as raised:
        Limits.changed(changes)
    assert "\n" not in str(raised.value)


def test_a_senseless_limit_ends_both_commands_before_anything_is_graded(tmp_path, caplog):
    (tmp_path / "source").mkdir()
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.Execute.limits = {'cell_secnds': 3}\n")
    with pytest.raises(CourseError, match="'cell_secnds'. There are: cell_seconds") as raised:
        Course(tmp_path)
    assert "\n" not in str(raised.value)
    config = Config({"Execute": {"limits": {"cell_secnds": 3}}, "CourseDirectory": {"root": str(tmp_path)}})
    with pytest.raises(NbGraderException):
        Autograde(config=config, coursedir=CourseDirectory(config=config)).start()
    assert "'cell_secnds'" in caplog.text


def test_a_sensible_limit_is_taken():
    assert Limits.changed({"cell_seconds": "30", "memory_bytes": 2.0**31, "processes": 100}) == \
        Limits(cell_seconds=30.0, memory_bytes=2**31, processes=100)




# --- time that others need ----------------------------------------------------------------------------------------

CROWDED = """
    import os, threading, time
    wait = threading.Event()
    for _ in range({count}):
        threading.Thread(target=wait.wait).start()
    until = time.monotonic() + {patience}
    while time.monotonic() < until and os.getpriority(os.PRIO_PROCESS, 0) < 19:
        time.sleep(0.02)
    print(os.getpriority(os.PRIO_PROCESS, 0))
    child = os.fork()
    if child == 0:
        os._exit(os.getpriority(os.PRIO_PROCESS, 0))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except OSError:
        pass
    print(os.getpriority(os.PRIO_PROCESS, 0))
    wait.set()
"""


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_a_crowd_of_processes_lets_everybody_else_go_first_and_two_are_no_crowd(mode):
    """Else the calls of an honest notebook beside sixty busy processes would not be answered in time."""
    box = make_sandbox(mode, cell_seconds=60)
    subject = KernelSubject(box)
    now = str(os.getpriority(os.PRIO_PROCESS, 0))
    assert inside(subject, CROWDED.format(count=2, patience=0.5)).split() == [now] * 3
    assert inside(subject, CROWDED.format(count=20, patience=50)).split() == ["19"] * 3
    subject.close()
    box.close()


def test_no_session_of_its_own_gives_a_process_more_of_the_processors(kernel):
    """Linux shares time among sessions first (autogroup), whatever the priorities in them."""
    code = "import os\nbefore = os.getsid(0)\nif os.fork() == 0:\n    os.setsid()\n    os._exit(os.getsid(0) != before)\n" \
           "print(os.waitstatus_to_exitcode(os.wait()[1]))"
    assert outside(code) == "1\n" and inside(kernel, code) == "0\n"
