"""The warm process: makes one kernel ready, then forks it for each submission, with namespaces of its own.

Runs inside bubblewrap as the grader's child and never runs student code itself. Theory of operation:

    grader --(control socket, fd 0)--> server --fork--> monitor --unshare, fork--> kernel (process 1 of its namespace)

The monitor exists because `unshare(CLONE_NEWPID)` takes effect for children only. It sleeps until the kernel ends, the
server lets go of its end of a pipe (the leash), or the kernel's processes together use too much; then it ends them.
When process 1 of a pid namespace ends, the system kills everything in it, so nothing outlives its kernel.
"""

import contextlib
import ctypes
import errno
import gc
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile

gc.disable()        # nothing of what is loaded here is garbage, and looking for some takes a sixth of the start

import kernel as kernel_module      # noqa: E402

try:
    import pyseccomp
except (ImportError, RuntimeError, OSError):
    pyseccomp = None        # the doctor names the missing library; namespaces hold without it

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
CAPABILITY_VERSION_3 = 0x20080522
SCRATCH = "/scratch"
WATCH_MILLISECONDS = 100
PAGE, TICKS = resource.getpagesize(), os.sysconf("SC_CLK_TCK")
# Calls that open kernel surface a notebook never needs, or memory that no limit counts (shared memory, memfd).
DENIED_CALLS = """unshare setns mount umount2 pivot_root chroot ptrace process_vm_readv process_vm_writev pidfd_getfd
    kcmp bpf keyctl add_key request_key perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
    kexec_load kexec_file_load open_by_handle_at name_to_handle_at init_module finit_module delete_module open_tree
    move_mount fsopen fsmount fspick fsconfig mount_setattr memfd_create memfd_secret shmget msgget mq_open
    fanotify_init quotactl acct swapon reboot syslog""".split()

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


# --- what the server does before anything else --------------------------------------------------------------------

def leave_root(uid):
    """Become a user that owns nothing and shares its id with nobody: a limit on processes does not bind root."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    check(libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "own /proc/self again")


# --- what the forked process does before it becomes the kernel ----------------------------------------------------

def enter_namespaces():
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def go_first_when_memory_is_short():
    """Where the system has to end a process, let it be the kernel and neither the server nor the grader."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def mount_own_places(limits):
    """Fresh scratch space; no shared memory and no /proc of anybody else (a nested /proc may not be mounted)."""
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    flags = MS_NOSUID | MS_NODEV
    for place, size, inodes in ((SCRATCH, limits["scratch_bytes"], limits["scratch_files"]),
                                ("/dev/shm", 2**20, 16), ("/proc", 4096, 2)):
        options = f"size={size},nr_inodes={inodes},mode=700".encode()
        check(libc.mount(b"tmpfs", place.encode(), b"tmpfs", flags, options), f"mount {place}")


def drop_privileges():
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header, none = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    check(libc.capset(header, none), "capset")


def limit_resources(limits, isolation):
    """Limits of each process. The soft CPU limit comes first: its signal tells a time-out from a lack of memory."""
    cpu, memory = limits["cpu_seconds"], limits["memory_bytes"]
    for kind, soft, hard in ((resource.RLIMIT_CPU, cpu, cpu + 1), (resource.RLIMIT_AS, memory, memory),
                             (resource.RLIMIT_FSIZE, limits["file_bytes"], limits["file_bytes"]),
                             (resource.RLIMIT_NOFILE, limits["open_files"], limits["open_files"]),
                             (resource.RLIMIT_CORE, 0, 0)):
        most = resource.getrlimit(kind)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(kind, (soft, hard))
    if isolation != "none" and counts_by_namespace():
        resource.setrlimit(resource.RLIMIT_NPROC, (limits["processes"],) * 2)


def counts_by_namespace():
    """Whether Linux counts processes for each user namespace (5.14 and later), not over all that a user runs."""
    return tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups())) >= (5, 14)


def filter_system_calls():
    """Deny DENIED_CALLS, user namespaces, and sockets of any family but unix ones (vsock knows no namespaces)."""
    if pyseccomp is None:
        return
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in DENIED_CALLS:
        try:
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
        except (OSError, ValueError):
            continue                # a call that this architecture does not have
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")     # its flags lie in memory: libc falls back to clone
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone",
                   pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER))
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "socket", pyseccomp.Arg(0, pyseccomp.NE, socket.AF_UNIX))
    rules.load()


def become_kernel(ready, sock, scratch):
    """Serve one submission out of `scratch` and end the process; never returns."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        home, work = os.path.join(scratch, "home"), os.path.join(scratch, "work")
        for folder in (home, work):
            os.makedirs(folder)
        os.environ.update(HOME=home, TMPDIR=home)
        os.chdir(work)
        sys.path.append(work)       # last: a file in the folder never stands in for an installed module
        ready.serve(sock)
    finally:
        os._exit(0)


# --- what the monitor does while the kernel runs ------------------------------------------------------------------

def watch(pid, leash, processes, limits):
    """Return when the kernel `pid` has ended, of itself, by the leash, or for what its processes use together.

    `processes` is an open /proc in which all but the first few processes are the kernel's; None to watch no use.
    """
    events = select.poll()
    events.register(os.pidfd_open(pid), select.POLLIN)
    events.register(leash, select.POLLIN)       # nobody writes: it becomes readable when the server lets go
    while not events.poll(WATCH_MILLISECONDS):
        if processes is not None and too_much(processes, limits):
            break
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def too_much(processes, limits):
    """Whether the kernel's processes together hold more memory or have had more CPU time than one of them may."""
    others = {1, os.getpid(), os.getppid()}
    names = [name for name in os.listdir(processes) if name.isdigit() and int(name) not in others]
    if sum(cpu_seconds(processes, name) for name in names) > limits["cpu_seconds"] + 1:
        return True
    most = limits["memory_bytes"]       # pages that forks share are counted many times first, then, if need be, once
    return sum(resident_bytes(processes, name) for name in names) > most \
        and sum(own_bytes(processes, name) for name in names) > most


def cpu_seconds(processes, name):
    times = read_at(processes, f"{name}/stat").rpartition(")")[2].split()[11:15]
    return sum(map(int, times)) / TICKS


def resident_bytes(processes, name):
    sizes = read_at(processes, f"{name}/statm").split()
    return int(sizes[1]) * PAGE if sizes else 0


def own_bytes(processes, name):
    """Memory with shared pages divided among those who share them; a process that hides it counts in full."""
    found = re.search(r"^Pss:\s+(\d+) kB", read_at(processes, f"{name}/smaps_rollup"), re.MULTILINE)
    return 1024 * int(found[1]) if found else resident_bytes(processes, name)


def read_at(folder, name):
    """The text of a file of a process; empty if it ended meanwhile or does not let itself be read."""
    try:
        with open(os.open(name, os.O_RDONLY, dir_fd=folder)) as file:
            return file.read()
    except OSError:
        return ""


def sweep():
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
    def __init__(self, control):
        self.control, self.ready = control, kernel_module.Kernel()
        self.child = self.leash = self.scratch = None
        gc.freeze()         # a collection in a fork would write into every page that it shares with this process
        gc.enable()
        gc.set_threshold(10_000)

    def serve(self):
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
                        self.fork(sock, request["limits"], request["isolation"])
                else:
                    self.end()
                self.answer({"done": True})
            except OSError as error:
                self.answer({"error": str(error)})

    def answer(self, message):
        self.control.sendall(json.dumps(message).encode())

    def fork(self, sock, limits, isolation):
        """Start a kernel on `sock`. `isolation`: "namespaces" of its own; those of this "sandbox" must do; "none"."""
        self.end()
        self.scratch = SCRATCH if isolation == "namespaces" else tempfile.mkdtemp(prefix="kernel-")
        (told, tell), (leash, self.leash) = os.pipe(), os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                self.control.close()
                os.close(told)
                os.close(self.leash)
                self.monitor(sock, limits, isolation, tell, leash)
            except BaseException as error:
                os.write(tell, str(error).encode()[:500])
            finally:
                os._exit(1)
        os.close(tell)
        os.close(leash)
        with os.fdopen(told) as pipe:
            said = pipe.read()
        if said != "ready":
            self.end()
            raise OSError(said or "the kernel ended before it was ready")

    def monitor(self, sock, limits, isolation, tell, leash):
        if isolation == "namespaces":
            enter_namespaces()
        else:
            check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "keep orphans")
        processes = os.open("/proc", os.O_RDONLY) if isolation != "none" else None
        pid = os.fork()
        if pid == 0:
            for fd in (leash, processes):
                if fd is not None:
                    os.close(fd)
            self.begin(sock, limits, isolation, tell)
        sock.close()
        os.close(tell)
        watch(pid, leash, processes, limits)
        if isolation != "namespaces":
            sweep()

    def begin(self, sock, limits, isolation, tell):
        """Become the kernel. The new session takes it out of the server's process group, which it could signal."""
        os.setsid()
        check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "die with the monitor")
        go_first_when_memory_is_short()
        if isolation == "namespaces":
            mount_own_places(limits)
        limit_resources(limits, isolation)
        drop_privileges()
        filter_system_calls()
        os.write(tell, b"ready")
        os.close(tell)
        become_kernel(self.ready, sock, self.scratch)

    def end(self):
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
