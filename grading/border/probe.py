"""What Linux answers when bubblewrap's own calls are made, one by one: run as a program, it prints {call: error number}.

Bubblewrap says which step failed, not whether a filter of system calls, a masked /proc, AppArmor or a setting of the host is
behind it. The same calls, made here in a process of their own that is gone afterwards, tell these apart. Standard library only.
"""

import contextlib
import ctypes
import json
import os
import subprocess
import sys

NEW_USER, NEW_MOUNTS, NEW_PIDS = 0x10000000, 0x00020000, 0x20000000
OTHERS = 0x08000000 | 0x40000000 | 0x04000000       # ipc, net, uts
REC_PRIVATE, PROC_FLAGS, DETACH = 0x4000 | 1 << 18, 2 | 4 | 8, 2
NUMBERS = {"x86_64": {"clone": 56, "pivot_root": 155}, "aarch64": {"clone": 220, "pivot_root": 41}}
LABEL = "/proc/self/attr/current"
SIGCHLD, SECONDS = 17, 20


def ask() -> dict[str, int | str]:
    """{call: error number, 0 where it was done}, and AppArmor's "label" inside. A call that could not be tried is not in it."""
    try:
        done = subprocess.run([sys.executable, "-I", "-S", "-B", __file__], text=True, capture_output=True, timeout=SECONDS, cwd="/")
        said: dict[str, int | str] = {}
        for line in done.stdout.splitlines():
            said |= json.loads(line)
        return said
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}


# --- inside the process of its own ---------------------------------------------------------------------------------

def say(call: str, answer: int | str) -> bool:
    """Report it at once, for a filter may end the process at the next call; whether it was done."""
    os.write(1, json.dumps({call: answer}).encode() + b"\n")
    return answer == 0


def tried(name: str, *arguments: object) -> int:
    """The error number of a call of the C library, or of one that it has no name for."""
    libc = ctypes.CDLL(None, use_errno=True)
    ctypes.set_errno(0)
    number = NUMBERS.get(os.uname().machine, {}).get(name)
    result = libc.syscall(number, *arguments) if number is not None else getattr(libc, name)(*arguments)
    return ctypes.get_errno() if result == -1 else 0


def cloned() -> int | None:
    """The error number of the call by which bubblewrap makes its first process; None where its number is not known."""
    number = NUMBERS.get(os.uname().machine, {}).get("clone")
    if number is None:
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    pid: int = libc.syscall(number, NEW_USER | NEW_MOUNTS | NEW_PIDS | SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return ctypes.get_errno() if pid == -1 else 0


def map_ids(uid: int, gid: int) -> int:
    try:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError as error:
        return error.errno or 1
    return 0


def as_process_one() -> None:
    """In all the new namespaces. What is mounted and moved here nobody else sees."""
    say("sethostname", tried("sethostname", b"kernel", 6))
    mounted = say("mount", tried("mount", b"none", b"/", None, REC_PRIVATE, None) or tried("mount", b"tmpfs", b"/tmp", b"tmpfs", 0, None))
    if mounted:
        os.mkdir("/tmp/proc")
        say("proc", tried("mount", b"proc", b"/tmp/proc", b"proc", PROC_FLAGS, None))
        os.mkdir("/tmp/old")
        if say("pivot_root", tried("pivot_root", b"/tmp", b"/tmp/old")):
            os.chdir("/")
            say("umount2", tried("umount2", b"/old", DETACH))
    say("nested", tried("unshare", NEW_USER | NEW_MOUNTS | NEW_PIDS))


def main() -> None:
    uid, gid = os.geteuid(), os.getegid()
    clone = cloned()
    if clone is not None:
        say("clone", clone)
    if not say("unshare", tried("unshare", NEW_USER)):
        return
    with contextlib.suppress(OSError), open(LABEL) as file:
        say("label", file.read().strip("\0\n"))
    say("uid_map", map_ids(uid, gid))
    if say("namespaces", tried("unshare", NEW_MOUNTS | NEW_PIDS | OTHERS)):
        pid = os.fork()
        if pid == 0:
            try:
                as_process_one()
            finally:
                os._exit(0)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
