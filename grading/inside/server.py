"""The warm process: makes one kernel ready, then forks it for each submission, with namespaces of its own.

Runs inside bubblewrap as the grader's child and never runs student code itself. Theory of operation:

    grader --(control socket, fd 0)--> server --fork--> monitor --unshare, fork--> kernel (process 1 of its namespace)

The monitor exists because `unshare(CLONE_NEWPID)` takes effect for children only. When process 1 of a pid namespace
ends, the system kills everything in it, so nothing that a submission starts outlives its kernel.
"""

import ctypes
import errno
import json
import os
import re
import resource
import shutil
import signal
import socket
import sys
import tempfile

import kernel as kernel_module

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
SCRATCH = "/scratch"
DENIED_CALLS = """unshare setns mount umount2 pivot_root chroot ptrace process_vm_readv process_vm_writev bpf keyctl add_key
    request_key perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register kexec_load open_by_handle_at
    name_to_handle_at init_module finit_module open_tree move_mount fsopen fsmount mount_setattr""".split()

libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


# --- what the forked process does before it becomes the kernel ----------------------------------------------------

def enter_namespaces():
    uid, gid = os.getuid(), os.getgid()
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


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


def limit_resources(limits):
    for kind, value in ((resource.RLIMIT_AS, limits["memory_bytes"]), (resource.RLIMIT_CPU, limits["cpu_seconds"]),
                        (resource.RLIMIT_FSIZE, limits["file_bytes"]), (resource.RLIMIT_NOFILE, limits["open_files"]),
                        (resource.RLIMIT_NPROC, limits["processes"]), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def filter_system_calls():
    """Deny calls that open kernel surface a notebook never needs; libseccomp decides how, where it is installed."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return                      # the doctor names the missing library; namespaces hold without it
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in DENIED_CALLS:
        try:
            rules.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
        except (OSError, ValueError):
            continue                # a call that this architecture does not have
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")     # its flags lie in memory: libc falls back to clone
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone",
                   pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER))
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


# --- the server ---------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, control):
        self.control, self.ready = control, kernel_module.Kernel()
        self.child = self.kernel_pid = self.scratch = None

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
                        self.fork(sock, request["limits"], request["isolate"])
                else:
                    self.end()
                self.answer({"done": True})
            except OSError as error:
                self.answer({"error": str(error)})

    def answer(self, message):
        self.control.sendall(json.dumps(message).encode())

    def fork(self, sock, limits, isolate):
        """Start a kernel on `sock`. With `isolate` it gets namespaces of its own; without, bubblewrap's must do."""
        self.end()
        self.scratch = SCRATCH if isolate else tempfile.mkdtemp(prefix="kernel-")
        told, tell = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            try:
                self.control.close()
                os.close(told)
                self.monitor(sock, limits, tell) if isolate else self.direct(sock, limits, tell)
            except BaseException as error:
                os.write(tell, str(error).encode()[:500])
            finally:
                os._exit(1)
        os.close(tell)
        with os.fdopen(told) as pipe:
            said = pipe.read()
        pid, ready, trouble = re.fullmatch(r"(?s)(?:pid (\d+);)?(ready;)?(.*)", said).groups()
        self.kernel_pid = int(pid) if pid else self.child
        if not ready or trouble:
            self.end()
            raise OSError(trouble or "the kernel ended before it was ready")

    def monitor(self, sock, limits, tell):
        enter_namespaces()
        go, start = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(go, 1)          # the monitor names this process before it says that it is ready
            check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "die with the monitor")
            mount_own_places(limits)
            limit_resources(limits)
            drop_privileges()
            filter_system_calls()
            self.begin(sock, tell)
        os.write(tell, f"pid {pid};".encode())
        os.write(start, b"1")
        sock.close()
        os.close(tell)
        os.waitpid(pid, 0)

    def direct(self, sock, limits, tell):
        os.setsid()
        limit_resources({**limits, "processes": resource.RLIM_INFINITY})    # counted for the whole user out here
        self.begin(sock, tell)

    def begin(self, sock, tell):
        os.write(tell, b"ready;")
        os.close(tell)
        become_kernel(self.ready, sock, self.scratch)

    def end(self):
        """Kill the kernel, if there is one, and everything that it started; wait until it is gone."""
        if self.child is None:
            return
        for kill, pid in ((os.kill, self.kernel_pid), (os.killpg, self.child), (os.kill, self.child)):
            try:
                kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue            # already gone
        os.waitpid(self.child, 0)
        if self.scratch != SCRATCH:
            shutil.rmtree(self.scratch, ignore_errors=True)
        self.child = self.kernel_pid = self.scratch = None


if __name__ == "__main__":
    Server(socket.socket(fileno=os.dup(0))).serve()
