"""Run a command, and see that with it everything ends that it started, orphans included.

    python reaper.py [--tell] [--patience SECONDS] COMMAND ...

Ends with the command's exit status. What a process leaves behind becomes this process's child: what then does not end by
itself is named, ended, and makes the exit status 70. With --tell it prints the command's process id first.
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
SOMETHING_LEFT = 70


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tell", action="store_true")
    parser.add_argument("--patience", type=float, default=60)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    wanted = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)     # a shell's background jobs ignore it, and so would the command
    child = subprocess.Popen(wanted.command)
    if wanted.tell:
        print(child.pid, flush=True)
    status, until = None, None
    while (ended := next_ended(until)) is not None:
        if ended[0] == child.pid:
            status, until = os.waitstatus_to_exitcode(ended[1]) % 256, time.monotonic() + wanted.patience
        elif ended[0] == 0:
            status = SOMETHING_LEFT
            end_what_is_left()
            until = time.monotonic() + 1
    return status


def next_ended(until):
    """(process id, status) of a child that ended, (0, 0) if none did `until` then, None if there is no child."""
    try:
        while until is not None:
            ended = os.waitpid(-1, os.WNOHANG)
            if ended[0] or time.monotonic() > until:
                return ended
            time.sleep(0.02)
        return os.waitpid(-1, 0)
    except ChildProcessError:
        return None


def end_what_is_left():
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        print(f"reaper: left behind: {pid} {words[:200]}", file=sys.stderr, flush=True)
        os.kill(int(pid), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
