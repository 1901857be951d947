"""The system calls that student code may make: those of a notebook, by name; any other is answered "not implemented".

The filter is made out here with libseccomp and sent inside as a program, so that nothing inside has to be trusted to make
it. Arguments are judged where one call is many: the kernel reads most of them as 32 bits, so each rule either names what
may be, or looks at single bits, and a number that only differs above the 32nd bit passes neither.
"""

import functools
import signal
import tempfile

from .errors import SandboxUnavailable

FILES = """read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 open openat openat2 creat close close_range
    lseek stat fstat lstat newfstatat fstatat64 statx statfs fstatfs access faccessat faccessat2 getdents getdents64 getcwd
    chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat readlink
    readlinkat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat truncate
    ftruncate fallocate fadvise64 umask dup dup2 dup3 pipe pipe2 sendfile copy_file_range getxattr lgetxattr fgetxattr
    listxattr llistxattr flistxattr""".split()
# No epoll: its watches are counted for a whole user, and whoever has none left can serve nobody, JupyterLab for one.
WAITING = "select pselect6 poll ppoll nanosleep clock_nanosleep pause alarm setitimer getitimer".split()
MEMORY = "brk mprotect munmap mremap madvise mincore msync membarrier".split()
PROCESSES = """fork vfork execve execveat exit exit_group wait4 waitid kill tkill tgkill getpid getppid gettid getpgid setpgid
    getpgrp getsid getuid geteuid getgid getegid getresuid getresgid getgroups getrlimit setrlimit getrusage times
    getpriority setpriority sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_getscheduler
    sched_get_priority_max sched_get_priority_min futex futex_waitv set_tid_address set_robust_list rseq arch_prctl
    restart_syscall rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend sigaltstack""".split()
SYSTEM = "uname sysinfo getcpu getrandom clock_gettime clock_getres gettimeofday time".split()
# Between the kernel and its own children. Without sendmsg no descriptor travels, without socket nothing has a name.
SOCKETS = "sendto recvfrom shutdown getsockname getpeername".split()
ALLOWED = [*FILES, *WAITING, *MEMORY, *PROCESSES, *SYSTEM, *SOCKETS]

# They do nothing and say that they did: scratch space is gone with its kernel, and the host's disk is not theirs to stir;
# Linux may give each session its share of the processors, however low its priority.
NOTHING = "fsync fdatasync sync syncfs setsid".split()

NEW_NAMESPACES = 0x7E020000         # of mounts, cgroups, host names, IPC, users, processes, network: a bit each
FCNTL = {"F_DUPFD": 0, "F_GETFD": 1, "F_SETFD": 2, "F_GETFL": 3, "F_SETFL": 4, "F_DUPFD_CLOEXEC": 1030,
         "F_GETPIPE_SZ": 1032}          # no locks, leases, signals, seals, or larger pipes
IOCTL = {"TCGETS": 0x5401, "TCGETS2": 0x802C542A, "TIOCGPGRP": 0x540F, "TIOCGWINSZ": 0x5413, "FIONREAD": 0x541B,
         "FIONBIO": 0x5421, "FIONCLEX": 0x5450, "FIOCLEX": 0x5451}
PRCTL = {"PR_GET_PDEATHSIG": 2, "PR_GET_DUMPABLE": 3, "PR_SET_NAME": 15, "PR_GET_NAME": 16, "PR_CAPBSET_READ": 23,
         "PR_GET_NO_NEW_PRIVS": 39}
# What a socket is and how it is. Others tell who is at its other end: of the kernel's own, a descriptor of the grader's process.
GETSOCKOPT = {"SO_TYPE": 3, "SO_ERROR": 4, "SO_SNDBUF": 7, "SO_RCVBUF": 8, "SO_RCVLOWAT": 18, "SO_RCVTIMEO": 20, "SO_SNDTIMEO": 21,
              "SO_ACCEPTCONN": 30, "SO_PROTOCOL": 38, "SO_DOMAIN": 39}
AF_UNIX = 1
MAP_SHARED, MAP_ANONYMOUS, MAP_HUGETLB = 0x1, 0x20, 0x40000


@functools.cache
def program() -> tuple[str, int]:
    """(the filter as the kernel takes it, in hexadecimal, the number of the call that loads it).

    Raises `SandboxUnavailable` where libseccomp is missing.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError) as error:
        raise SandboxUnavailable(f"Student code cannot be kept from dangerous system calls: {error}. Install libseccomp "
                                 "with: apt-get install libseccomp2; then: bin/setup python3") from None
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(38))        # ENOSYS: the C library then takes another way

    def allow(name: str, *tests: tuple[int, ...]) -> None:
        try:
            rules.add_rule(pyseccomp.ALLOW, name, *(pyseccomp.Arg(*test) for test in tests))
        except (OSError, ValueError):
            pass                # a call that this architecture does not have

    equal, masked = pyseccomp.EQ, pyseccomp.MASKED_EQ
    for name in ALLOWED:
        allow(name)
    for name, which, values in (("fcntl", 1, FCNTL), ("ioctl", 1, IOCTL), ("prctl", 0, PRCTL), ("getsockopt", 2, GETSOCKOPT)):
        for value in values.values():
            allow(name, (which, equal, value))
    allow("socketpair", (0, equal, AF_UNIX))
    allow("prlimit64", (0, equal, 0))                           # its own limits
    allow("clone", (0, masked, NEW_NAMESPACES, 0))
    for name in ("mmap", "mmap2"):      # shared memory without a file is in nobody's size once it is not mapped
        allow(name, (3, masked, MAP_ANONYMOUS | MAP_HUGETLB, 0))
        allow(name, (3, masked, MAP_SHARED | MAP_HUGETLB, 0))
    for bit in range(7):                # any signal but SIGCHLD: children that nobody waits for keep their CPU time
        allow("rt_sigaction", (0, masked, 1 << bit, ~signal.SIGCHLD & 1 << bit))
    for name in NOTHING:
        rules.add_rule(pyseccomp.ERRNO(0), name)
    try:
        rules.set_attr(8, 2)            # a tree in place of a list
    except OSError:
        pass
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read().hex(), pyseccomp.resolve_syscall(pyseccomp.system_arch(), "seccomp")
