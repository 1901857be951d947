"""The warm process: makes one kernel ready, then forks it for each submission, with namespaces of its own.

Runs inside bubblewrap as the grader's child and never runs student code itself. Theory of operation:

    grader --(control socket, fd 0)--> server --fork--> monitor --unshare, fork--> kernel (process 1 of its namespace)

The monitor exists because `unshare(CLONE_NEWPID)` takes effect for children only. It sleeps until the kernel ends, the
server lets go of its end of a pipe (the leash), or the kernel's processes together use too much; then it ends them.
When process 1 of a pid namespace ends, the system kills everything in it, so nothing outlives its kernel.

Where namespaces do not nest ("cold"), the server becomes the one kernel of its sandbox itself: nothing of the grader's is
left inside that student code could reach, and the watch is kept from outside.
"""

import contextlib
import ctypes
import gc
import json
import os
import re
import resource
import shutil
import signal
import socket
import stat
import sys
import tempfile
from typing import Any

gc.disable()        # nothing of what is loaded here is garbage, and looking for some takes a sixth of the start

import kernel as kernel_module  # noqa: E402
import watch  # noqa: E402

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC = 1, 1
CAPABILITY_VERSION_3 = 0x20080522
SCRATCH = "/scratch"
# Counted for a whole user, not for a process: few of each, so that no kernel takes what others need.
FEW = {resource.RLIMIT_SIGPENDING: 512, resource.RLIMIT_MEMLOCK: 0, resource.RLIMIT_MSGQUEUE: 0, resource.RLIMIT_NICE: 0,
       resource.RLIMIT_RTPRIO: 0}

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


# --- what the server does before anything else --------------------------------------------------------------------

def leave_root(uid: int) -> None:
    """Become a user that owns nothing and shares its id with nobody: a limit on processes does not bind root."""
    with contextlib.suppress(PermissionError):      # in a user namespace the host may have closed this door
        os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    check(libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "own /proc/self again")


# --- what the forked process does before it becomes the kernel ----------------------------------------------------

def enter_namespaces() -> None:
    uid, gid = os.getuid(), os.getgid()
    limit_counts()      # what the new namespace may hold of its user's counts is what the limit is now
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def go_first_when_memory_is_short() -> None:
    """Where the system has to end a process, let it be the kernel and neither the server nor the grader."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def mount_own_places(limits: dict[str, Any]) -> None:
    """Fresh scratch space; no shared memory and no /proc of anybody else (a nested /proc may not be mounted)."""
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    flags = MS_NOSUID | MS_NODEV
    for place, size, inodes in ((SCRATCH, limits["scratch_bytes"], limits["scratch_files"]),
                                ("/dev/shm", 2**20, 16), ("/proc", 4096, 2)):
        options = f"size={size},nr_inodes={inodes},mode=700".encode()
        check(libc.mount(b"tmpfs", place.encode(), b"tmpfs", flags, options), f"mount {place}")


def drop_privileges() -> None:
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header, none = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    check(libc.capset(header, none), "capset")


def limit_counts() -> None:
    for kind, most in FEW.items():
        lower(kind, most, most)


def limit_resources(limits: dict[str, Any], isolation: str) -> None:
    """Limits of each process. The soft CPU limit comes first: its signal tells a time-out from a lack of memory."""
    cpu, memory = limits["cpu_seconds"], limits["memory_bytes"]
    limit_counts()
    for kind, soft, hard in ((resource.RLIMIT_CPU, cpu, cpu + 1), (resource.RLIMIT_AS, memory, memory),
                             (resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"]),
                             (resource.RLIMIT_NOFILE, limits["open_files"], limits["open_files"]),
                             (resource.RLIMIT_CORE, 0, 0)):
        lower(kind, soft, hard)
    if isolation != "none" and counts_by_namespace():
        resource.setrlimit(resource.RLIMIT_NPROC, (limits["processes"],) * 2)


def lower(kind: int, soft: int, hard: int) -> None:
    """Set a limit, but never above what it is."""
    most = resource.getrlimit(kind)[1]
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(kind, (soft, hard))


def counts_by_namespace() -> bool:
    """Whether Linux counts processes for each user namespace (5.14 and later), not over all that a user runs."""
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) >= (5, 14)


def filter_system_calls(program: str, call: int) -> None:
    """Load the filter that the grader made (see border/filter.py), for all threads, with system call number `call`."""
    code = bytes.fromhex(program)
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    made = Program(len(code) // 8, ctypes.addressof(buffer))
    check(libc.syscall(call, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, ctypes.byref(made)), "filter system calls")


def keep_only(wanted: set[int]) -> None:
    """Leave the kernel no open file but those `wanted`: one that is shared carries offsets and locks to the next kernel.

    Where a library holds on to a file, it gets a description of its own; without /proc nobody else has it.
    """
    there = os.path.isdir("/proc/self/fd")
    for fd in sorted(map(int, os.listdir("/proc/self/fd"))) if there else range(256):
        if fd <= 2 or fd in wanted:
            continue
        with contextlib.suppress(OSError):      # the list itself was read through one that is gone
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
            elif there:
                own = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
                os.lseek(own, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
                os.dup2(own, fd, os.get_inheritable(fd))
                os.close(own)


def become_kernel(ready: kernel_module.Kernel, sock: socket.socket, scratch: str) -> None:
    """Serve one submission out of `scratch` and end the process; never returns."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        if null > 2:
            os.close(null)
        home, work = os.path.join(scratch, "home"), os.path.join(scratch, "work")
        for folder in (home, work):
            os.makedirs(folder)
        os.environ.update(HOME=home, TMPDIR=home)
        os.chdir(work)
        sys.path.append(work)       # last: a file in the folder never stands in for an installed module
        ready.serve(sock)
    finally:
        os._exit(0)


# --- what the monitor does -------------------------------------------------------------------------------------------

def sweep() -> None:
    """End what the kernel left behind: without a pid namespace its orphans become this process's children."""
    while True:
        with open("/proc/thread-self/children") as file:
            children = [int(pid) for pid in file.read().split()]
        if not children:
            return
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


# --- the server ---------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, control: socket.socket) -> None:
        self.control, self.ready = control, kernel_module.Kernel()
        self.child = self.leash = self.scratch = None
        gc.freeze()         # a collection in a fork would write into every page that it shares with this process
        gc.enable()
        gc.set_threshold(10_000)

    def serve(self) -> None:
        self.answer({"ready": True})
        while True:
            message, fds, _, _ = socket.recv_fds(self.control, 65536, 1)
            if not message:
                self.end()
                return
            request = json.loads(message)
            try:
                if request["op"] == "fork":
                    with socket.socket(fileno=fds[0]) as sock:
                        self.fork(sock, request)
                else:
                    self.end()
                self.answer({"done": True})
            except OSError as error:
                self.answer({"error": str(error), "errno": error.errno or 0})

    def answer(self, message: dict[str, Any]) -> None:
        self.control.sendall(json.dumps(message).encode())

    def fork(self, sock: socket.socket, request: dict[str, Any]) -> None:
        """Start a kernel on `sock`. The isolation: "namespaces" of its own, the whole "sandbox", or "none"."""
        self.end()
        if request["isolation"] == "sandbox":
            self.become(sock, request)
        self.scratch = SCRATCH if request["isolation"] == "namespaces" else tempfile.mkdtemp(prefix="kernel-")
        (told, tell), (leash, self.leash) = os.pipe(), os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                self.control.close()
                os.close(told)
                os.close(self.leash)
                self.monitor(sock, request, tell, leash)
            except BaseException as error:
                os.write(tell, f"{getattr(error, 'errno', 0) or 0} {error}".encode()[:500])
            finally:
                os._exit(1)
        os.close(tell)
        os.close(leash)
        with os.fdopen(told) as pipe:
            said = pipe.read()
        if said != "ready":
            self.end()
            number, _, words = said.partition(" ")
            raise OSError(int(number or 0), words or "the kernel ended before it was ready")

    def monitor(self, sock: socket.socket, request: dict[str, Any], tell: int, leash: int) -> None:
        use = None
        if request["isolation"] == "namespaces":
            enter_namespaces()
            folder = os.open("/proc", os.O_RDONLY)
            use = watch.Use(folder, watch.all_but(folder, {1, os.getpid(), os.getppid()}), request["limits"])
        else:
            check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "keep orphans")
        pid = os.fork()
        if pid == 0:
            self.begin(sock, request, tell)
        sock.close()
        os.close(tell)
        watch.keep(os.pidfd_open(pid), leash, use)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        if request["isolation"] != "namespaces":
            sweep()

    def begin(self, sock: socket.socket, request: dict[str, Any], tell: int) -> None:
        """Become the kernel. The new session takes it out of the server's process group, which it could signal."""
        os.setsid()
        check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "die with the monitor")
        self.confine(sock, request, tell)
        os.write(tell, b"ready")
        os.close(tell)
        become_kernel(self.ready, sock, self.scratch)

    def become(self, sock: socket.socket, request: dict[str, Any]) -> None:
        """Become the kernel in this very process, and stop listening to who asked for it."""
        self.confine(sock, request, self.control.fileno())
        self.answer({"done": True})
        self.control.close()
        become_kernel(self.ready, sock, SCRATCH)

    def confine(self, sock: socket.socket, request: dict[str, Any], report: int) -> None:
        """Give up everything that a kernel does not need; `report` is the one open file that stays beside its socket."""
        isolation = request["isolation"]
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)       # and so it stays: see border/filter.py
        go_first_when_memory_is_short()
        keep_only({sock.fileno(), report})
        if isolation == "namespaces":
            mount_own_places(request["limits"])
        limit_resources(request["limits"], isolation)
        drop_privileges()
        if request["filter"]:
            filter_system_calls(*request["filter"])

    def end(self) -> None:
        """End the kernel, if there is one, and everything that it started; return when all of it is gone."""
        if self.child is None:
            return
        os.close(self.leash)
        os.waitpid(self.child, 0)
        if self.scratch != SCRATCH:
            shutil.rmtree(self.scratch, ignore_errors=True)
        self.child = self.leash = self.scratch = None


if __name__ == "__main__":
    if len(sys.argv) > 1:
        leave_root(int(sys.argv[1]))
    Server(socket.socket(fileno=os.dup(0))).serve()
    os._exit(0)         # nothing is left to do, and Python would take its time
