"""What someone tries who has read the sandbox line by line: code that prints "it was done" where the act succeeds.

Each is run as a cell of a student's notebook and, as the control, in a plain process of the same user.
"""

import json
import os
import subprocess
import sys
import textwrap

# Calls of the kernel with arguments that do no harm where they are possible: most are refused as nonsense, but by the call.
NONSENSE = (-1,) * 6
CALLS = dict.fromkeys("""unshare setns mount umount2 pivot_root chroot ptrace process_vm_readv process_vm_writev pidfd_getfd
    kcmp bpf keyctl add_key request_key perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register
    kexec_load kexec_file_load open_by_handle_at name_to_handle_at init_module finit_module delete_module open_tree
    move_mount fsopen fsmount fspick fsconfig mount_setattr memfd_create memfd_secret shmget semget mq_open
    fanotify_init quotactl acct swapon swapoff syslog inotify_init1 inotify_add_watch io_setup timer_create timerfd_create
    eventfd2 signalfd4 vmsplice splice tee flock socket bind connect listen accept4 sendmsg sendmmsg recvmmsg setsockopt
    landlock_create_ruleset seccomp sethostname iopl ioperm settimeofday clock_settime adjtimex mknodat setuid setgid
    setgroups setresuid capset mbind set_mempolicy migrate_pages move_pages process_madvise remap_file_pages mlock mlockall
    ioprio_set sched_setscheduler sched_setattr pidfd_open pidfd_send_signal rt_sigqueueinfo rt_tgsigqueueinfo mq_unlink
    setxattr fsetxattr quotactl_fd lookup_dcookie statmount listmount readahead sync_file_range
    epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2""".split(), NONSENSE)
CALLS |= {"msgget": (0x7A7A, 0), "shmat": (0x7FFFFFFF, 0, 0), "reboot": (0, 0, 0, 0), "personality": (0xFFFFFFFF,)}
# Sub-calls: the number that the kernel reads has 32 bits, so the same with a bit above is tried as well.
HIGH = 2**32
COMMANDS = {
    "fcntl: a lock": ("fcntl", 1, 6), "fcntl: a lock that waits": ("fcntl", 1, 7), "fcntl: is there a lock": ("fcntl", 1, 5),
    "fcntl: a lock of a description": ("fcntl", 1, 37), "fcntl: a lease": ("fcntl", 1, 1024), "fcntl: notify": ("fcntl", 1, 1026),
    "fcntl: an owner for signals": ("fcntl", 1, 8), "fcntl: a signal": ("fcntl", 1, 10), "fcntl: an owner, extended": ("fcntl", 1, 15),
    "getsockopt: a descriptor of the process at the other end": ("getsockopt", 2, 77), "getsockopt: who is there": ("getsockopt", 2, 17),
    "getsockopt: the groups of who is there": ("getsockopt", 2, 59),
    "fcntl: a larger pipe": ("fcntl", 1, 1031), "fcntl: seals": ("fcntl", 1, 1033),
    "prctl: not dumpable": ("prctl", 0, 4), "prctl: a parent for orphans": ("prctl", 0, 36), "prctl: a filter": ("prctl", 0, 22),
    "prctl: its death signal": ("prctl", 0, 1), "prctl: memory map": ("prctl", 0, 35), "prctl: timer slack": ("prctl", 0, 29),
    "ioctl: an owner": ("ioctl", 1, 0x8901), "ioctl: typing for others": ("ioctl", 1, 0x5412),
    "ioctl: a device number": ("ioctl", 1, 0x8905), "prlimit64: of process 1": ("prlimit64", 0, 1)}


def table(resolve):
    """[(name, number, arguments)] of all rows, as `resolve` numbers the calls; those that this machine has."""
    rows = [(name, resolve(name), list(arguments)) for name, arguments in CALLS.items()]
    for name, (call, at, value) in COMMANDS.items():
        for high in (0, HIGH):
            arguments = [-1] * 6
            arguments[at] = value + high
            rows.append((name + (", with a bit above" if high else ""), resolve(call), arguments))
    rows.append(("rt_sigaction: children", resolve("rt_sigaction"), [17, -1, -1, 8]))
    rows.append(("rt_sigaction: children, with a bit above", resolve("rt_sigaction"), [17 + HIGH, -1, -1, 8]))
    rows.append(("socketpair: of another family", resolve("socketpair"), [2, 1, 0, -1]))
    rows.append(("mmap: shared, of no file", resolve("mmap"), [0, 2**20, 0, 0x21, -1, -1]))
    rows.append(("mmap: shared, of no file, validated", resolve("mmap"), [0, 2**20, 0, 0x23, -1, -1]))
    rows.append(("mmap: huge pages", resolve("mmap"), [0, 2**21, 0, 0x40022, -1, -1]))
    rows.append(("clone: user namespace", resolve("clone"), [0x10000000 | 0x00000200, 0, 0, 0, 0]))
    return [row for row in rows if row[1] >= 0]


TRY = """
    import ctypes, json
    libc = ctypes.CDLL(None, use_errno=True)
    found = {{}}
    for name, number, arguments in json.loads({rows!r}):
        ctypes.set_errno(0)
        result = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
        found[name] = ctypes.get_errno() if result == -1 else 0
    print(json.dumps(found))
"""


def code_of(rows):
    return textwrap.dedent(TRY).format(rows=json.dumps(rows))


ACTS = {
    "locks a file that other kernels see": """
        import fcntl, numpy
        fcntl.flock(open(numpy.__file__), fcntl.LOCK_EX)
    """,
    "locks a part of a file": """
        import fcntl
        fcntl.lockf(open("of-mine", "w"), fcntl.LOCK_EX)
    """,
    "takes a lease on a file": """
        import fcntl
        open("of-mine", "w").close()
        fcntl.fcntl(open("of-mine"), fcntl.F_SETLEASE, fcntl.F_RDLCK)
    """,
    "has a descriptor in flight": """
        import os, socket
        one, other = socket.socketpair()
        socket.send_fds(one, [b"x"], [os.open("/dev/null", 0)])
    """,
    "is told of what happens to files": """
        import ctypes
        if ctypes.CDLL(None).inotify_init1(0) < 0:
            raise OSError
    """,
    "has Linux watch files for a user": "import select; select.epoll()",
    "opens a terminal": "import os; os.openpty()",
    "has shared memory of no file": "import mmap; mmap.mmap(-1, 2**20)[0] = 1",
    "has shared memory of a device": "import mmap, os; mmap.mmap(os.open('/dev/zero', os.O_RDWR), 2**20)[0] = 1",
    "fills a socket by a larger buffer": """
        import socket
        socket.socketpair()[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**20)
    """,
    "lets children end unseen": """
        import signal
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    """,
    "catches orphans": """
        import ctypes
        if ctypes.CDLL(None).prctl(36, 1, 0, 0, 0):
            raise OSError
    """,
    "hides its memory from the watch": """
        import ctypes
        if ctypes.CDLL(None).prctl(4, 0, 0, 0, 0):
            raise OSError
    """,
    "reads who else has an account": "open('/etc/passwd').read()",
    "reads the host's name service": "open('/etc/nsswitch.conf').read()",
    "lists processes": "import os; next(name for name in os.listdir('/proc') if name.isdigit())",
    "reads what Linux says of itself": "open('/proc/version').read()",
    "finds disks": "import os; os.listdir('/sys/class')",
}


def do(code):
    return textwrap.dedent(code) + "\nprint('it was done')\n"


# --- the same by an ordinary user, in one process -------------------------------------------------------------------

def report():
    """Print as JSON what every act gives inside, warm and cold, and outside; for `test_walls.py`, as another user."""
    from grading.border.sandbox import Sandbox
    from grading.border.subject import KernelSubject
    found = {"user": os.getuid(), "outside": {name: plain(do(code)) for name, code in ACTS.items()}}
    for mode in ("warm", "cold"):
        box = Sandbox()
        box.warm = mode == "warm"
        subject = KernelSubject(box)
        found[mode] = {name: text_of(subject.run(0, do(code))) for name, code in ACTS.items()}
        found[mode, "exchange"] = text_of(subject.run(0, f"import os; print(os.listdir({sys.argv[1]!r}))"))
        found[mode, "still"] = box.warm == (mode == "warm")
        found[mode, "identity"] = box.identity.kind.value
        subject.close()
        box.close()
    print(json.dumps({" ".join(key) if isinstance(key, tuple) else key: value for key, value in found.items()}))


def text_of(run):
    return "".join(output.get("text") or output.get("evalue", "") for output in run.outputs)


def plain(code):
    return subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=60).stdout


if __name__ == "__main__":
    os.chdir(sys.argv[2])
    report()
