"""Each denial with its control: the act works in a plain process and fails in a student's kernel."""

import os
import socket
import textwrap
from pathlib import Path

import numpy
import pytest
from kernels import WARM_AND_COLD, assert_denied, inside, make_sandbox, processes, wait_for

from grading.border import sandbox as sandbox_module
from grading.border import wire
from grading.border.sandbox import KernelNotStarted, Sandbox, SandboxUnavailable
from grading.border.subject import KernelSubject

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=WARM_AND_COLD)
def kernel(request):
    """A student's kernel, forked out of a warm sandbox or started in one of its own."""
    box = make_sandbox(request.param)
    subject = KernelSubject(box)
    yield subject
    subject.close()
    box.close()
    assert box.warm == (request.param == "warm"), "namespaces do not nest on this machine: the warm mode was not tested"


# --- network and sockets ------------------------------------------------------------------------------------------

def test_the_host_s_loopback_is_out_of_reach(kernel):
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert_denied(kernel, f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}), 2)")


@pytest.mark.parametrize("kind", ["in a folder", "abstract"])
def test_unix_sockets_of_the_host_are_out_of_reach(kind, kernel, tmp_path):
    address = str(tmp_path / "socket") if kind == "in a folder" else f"\0grading-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        assert_denied(kernel, f"import socket; socket.socket(socket.AF_UNIX).connect({address!r})")


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_NETLINK"])
def test_no_socket_but_a_unix_one_can_be_made(family, kernel):
    assert_denied(kernel, f"import socket; socket.socket(socket.{family}, socket.SOCK_DGRAM)")


# --- files --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("place", ["tests/hidden/test_activations.py", "reference_impl/activations.py",
                                   "tests/misconceptions/activations.py", "grading/checks/suite.py", "nbgrader_config.py",
                                   "source/ps1/activations.ipynb"])
def test_the_course_cannot_be_read(place, kernel):
    assert_denied(kernel, f"open({str(ROOT / place)!r}).read()")


@pytest.mark.parametrize("name", ["gradebook.db", "submitted/student-01/ps1/activations.ipynb"])
def test_gradebook_and_other_submissions_cannot_be_read(name, kernel, tmp_path):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("secret")
    assert_denied(kernel, f"open({str(path)!r}).read()")


def test_a_home_folder_cannot_be_listed(kernel):
    names = {path.name for path in Path.home().iterdir()}
    if not names:
        pytest.skip("there is nothing in the home folder of who runs the tests")
    shown = set(inside(kernel, f"import os; print(*os.listdir({str(Path.home())!r}), sep='\\n')").split("\n"))
    assert not {*names, ".bashrc", ".profile", ".ssh", ".cache"} & shown


def test_environment_variables_of_the_grader_are_gone(kernel, monkeypatch):
    monkeypatch.setenv("GRADER_SECRET", "1")
    assert_denied(kernel, "import os; os.environ['GRADER_SECRET']")


def test_the_interpreter_s_packages_cannot_be_written(kernel):
    if not os.access(numpy.__file__, os.W_OK):
        pytest.skip("whoever grades here may not write them either")
    assert_denied(kernel, "import numpy; open(numpy.__file__, 'ab').close()")


@pytest.mark.parametrize("place", ["/usr/bin/env", "/kernel/wire.py", "/dev/x", "/x", "/usr/x", "/etc/x"])
def test_nothing_but_scratch_space_can_be_written(place, kernel):
    assert "Errno" in inside(kernel, f"open({place!r}, 'ab')")
    assert inside(kernel, "open('mine', 'w').write('x'); print('written')") == "written\n"


# --- processes ----------------------------------------------------------------------------------------------------

def test_processes_of_the_grader_can_be_neither_signalled_nor_looked_at(kernel):
    pid = os.getpid()
    assert_denied(kernel, f"import os; os.kill({pid}, 0)")
    assert_denied(kernel, f"open('/proc/{pid}/environ').read()")


def test_a_signal_to_the_process_group_reaches_nobody_else(kernel):
    inside(kernel, "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.killpg(0, signal.SIGTERM)")
    assert inside(kernel, "print('alive')") == "alive\n"
    assert kernel.sandbox.process.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts out with rights that must be given away")
def test_where_root_grades_kernels_run_as_a_user_who_owns_nothing(kernel):
    inside(kernel, "import subprocess; subprocess.Popen(['sleep', '86311'])")
    assert wait_for(lambda: processes("86311"))
    assert {path.stat().st_uid for path in processes("86311")}.isdisjoint({0, 65534})


SYSTEM_CALL = """
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.{} < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
"""


@pytest.mark.parametrize("call", ["unshare(0x10000000)", "ptrace(0, 0, 0, 0)", "shmget(0, 4096, 0o1600)",
                                  "memfd_create(b'x', 0)", "msgget(0, 0o1600)"],
                         ids=["user namespace", "tracing", "shared memory", "memory file", "message queue"])
def test_kernel_surface_that_no_notebook_needs_is_closed(call, kernel):
    assert_denied(kernel, textwrap.dedent(SYSTEM_CALL).format(call))


def test_a_process_cannot_be_cloned_into_a_user_namespace(kernel):
    clone = "syscall(56, 0x10000000 | 17, 0, 0, 0, 0)"      # x86-64; another call elsewhere, refused as well
    assert "it was done" not in inside(kernel, textwrap.dedent(SYSTEM_CALL).format(clone) + "\nprint('it was done')")


# --- nothing lives on ---------------------------------------------------------------------------------------------

LEFT_BEHIND = """
    import subprocess
    subprocess.Popen(["setsid", "sleep", "{}"], start_new_session=True)
    open("left", "w").write("behind")
    open("/tmp/left", "w").write("behind")
"""


@pytest.mark.parametrize("mode", [*WARM_AND_COLD, "none"])
def test_no_process_file_or_descriptor_outlives_a_submission(mode):
    seconds, before = str(86320 + [*WARM_AND_COLD, "none"].index(mode)), len(os.listdir("/proc/self/fd"))
    box = make_sandbox(mode)
    subject = KernelSubject(box)
    inside(subject, LEFT_BEHIND.format(seconds) if mode != "none" else LEFT_BEHIND.format(seconds).replace("/tmp/", ""))
    assert wait_for(lambda: processes(seconds))
    folder = box.folder
    subject.close()
    assert wait_for(lambda: not processes(seconds))
    following = KernelSubject(box)
    assert "False False" in inside(following, "import os; print(os.path.exists('left'), os.path.exists('/tmp/left'))")
    following.close()
    box.close()
    assert not Path(folder).exists()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("mode", [*WARM_AND_COLD, "none"])
def test_a_sandbox_that_is_closed_takes_a_busy_kernel_with_it(mode):
    seconds, box = str(86330 + [*WARM_AND_COLD, "none"].index(mode)), make_sandbox(mode)
    sock = box.open()
    wire.send(sock, {"id": 1, "op": "run", "cell": 0, "watch": [], "seconds": 60, "show": 0,
                     "source": f"import subprocess; subprocess.run(['sleep', '{seconds}'])"})
    assert wait_for(lambda: processes(seconds))
    box.close()
    assert wait_for(lambda: not processes(seconds))


# --- when no kernel can be had ------------------------------------------------------------------------------------

def test_without_nested_namespaces_every_kernel_gets_a_sandbox_of_its_own(monkeypatch):
    fork, asked = Sandbox.fork, []

    def refuse_namespaces(self, isolation):
        asked.append(isolation)
        if isolation == "namespaces":
            error = KernelNotStarted("unshare: Operation not permitted")
            error.refused = True
            raise error
        return fork(self, isolation)

    monkeypatch.setattr(Sandbox, "fork", refuse_namespaces)
    box = Sandbox()
    first = KernelSubject(box)
    inside(first, "open('/tmp/mine', 'w').close()")
    first.close()
    assert box.process is None
    second = KernelSubject(box)
    assert inside(second, "import os; print(os.path.exists('/tmp/mine'))") == "False\n"
    second.close()
    assert asked == ["namespaces", "sandbox", "sandbox"]


def test_a_kernel_that_cannot_be_started_is_never_the_student_s_fault(monkeypatch):
    def refuse(self, isolation):
        raise KernelNotStarted("Resource temporarily unavailable")

    monkeypatch.setattr(Sandbox, "fork", refuse)
    monkeypatch.setattr(sandbox_module, "PAUSES", (0, 0))
    with pytest.raises(KernelNotStarted):
        KernelSubject(Sandbox()).run(0, "x = 1")


def test_without_bubblewrap_grading_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setattr(sandbox_module, "find_bwrap", lambda: None)
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
        Sandbox().open()


def test_a_sandbox_that_cannot_start_says_what_was_said_and_what_to_do(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'No permissions to create a new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sandbox_module, "find_bwrap", lambda: str(broken))
    with pytest.raises(SandboxUnavailable, match=r"(?s)No permissions.*unprivileged_userns"):
        Sandbox().open()


@pytest.mark.parametrize("answer", [b"[]", b"7", b"nope", b"\xff", b'{"error": {"a": []}}', b"[" * 60000])
def test_whatever_the_server_says_is_an_answer_or_a_refusal(answer):
    box = Sandbox()
    box.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        theirs.send(answer)
        with pytest.raises(KernelNotStarted):
            box.reply(1)
    box.close()


@pytest.mark.parametrize("mode", WARM_AND_COLD)
def test_who_is_not_root_or_cannot_change_identity_gets_a_user_namespace(mode, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    box = make_sandbox(mode)
    subject = KernelSubject(box)
    assert inside(subject, "import os; print(os.getuid())") == "65534\n"
    assert "Function not implemented" in inside(subject, textwrap.dedent(SYSTEM_CALL).format("unshare(0x10000000)"))
    subject.close()
    box.close()
    assert box.warm == (mode == "warm")
