"""Run a command and wait until every process that it started is gone, orphans included.

    python reaper.py COMMAND ...        prints the command's process id first; ends with its exit status

What a killed process leaves behind becomes this process's child. As long as it runs, something is left.
"""

import ctypes
import os
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def main(command):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(command)
    print(child.pid, flush=True)
    ended = {}
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            break
        ended[pid] = os.waitstatus_to_exitcode(status)
    return ended[child.pid] % 256


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
