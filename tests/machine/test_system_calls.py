"""Every system call that is not on the list is refused inside, and those that have served attacks do exist outside."""

import errno
import json
import os
import subprocess
import sys

import pyseccomp
import pytest

from grading.border import filter as filters
from grading.border.subject import KernelSubject

# What gave a way out of a sandbox before, or shows or holds what no notebook needs.
DANGEROUS = """
    acct add_key bpf delete_module finit_module fsconfig fsmount fsopen fspick init_module io_uring_enter io_uring_register
    io_uring_setup kcmp kexec_load keyctl mbind memfd_create migrate_pages mount mount_setattr move_mount move_pages msgctl
    msgget name_to_handle_at open_by_handle_at open_tree perf_event_open personality pidfd_getfd pidfd_open pivot_root
    process_vm_readv process_vm_writev ptrace quotactl reboot request_key semget setns shmat shmctl shmget swapoff swapon
    syslog umount2 unshare userfaultfd vmsplice
""".split()
SOMETIMES = {"fcntl", "ioctl", "getsockopt", "prctl", "socketpair", "prlimit64", "clone", "mmap", "mmap2", "rt_sigaction"}
LAST = 470          # above the newest call of Linux 6
PROBES = {335, 336}     # uretprobe and uprobe on x86-64: the system lets them pass every filter, and ends who calls them
# Nothing comes of -1 for every argument: no descriptor, no address, no command has that number.
TRY = """
import ctypes, json
libc = ctypes.CDLL(None, use_errno=True)
found = {}
for number in %s:
    ctypes.set_errno(0)
    libc.syscall(*[ctypes.c_long(word) for word in (number, -1, -1, -1, -1, -1, -1)])
    found[number] = ctypes.get_errno()
print(json.dumps(found))
"""


def number_of(name):
    return pyseccomp.resolve_syscall(pyseccomp.system_arch(), name)


@pytest.mark.sandbox
def test_a_system_call_that_is_not_listed_does_not_exist_inside(sandbox):
    listed = PROBES | {number_of(name) for name in {*filters.ALLOWED, *filters.NOTHING, *SOMETIMES}}
    subject = KernelSubject(sandbox)
    run = subject.run(0, TRY % [number for number in range(LAST) if number not in listed])
    subject.close()
    said = json.loads(run.outputs[0]["text"])
    assert {number for number, error in said.items() if error != errno.ENOSYS} == set()
    assert {str(number_of(name)) for name in DANGEROUS} <= said.keys()


def test_dangerous_system_calls_exist_outside():
    """The control. As nobody where root tests, lest one of them is granted."""
    other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    done = subprocess.run([python, "-c", TRY % [number_of(name) for name in DANGEROUS]], text=True, check=True, cwd="/",
                          capture_output=True, **other)
    said = json.loads(done.stdout)
    missing = {name for name in DANGEROUS if said[str(number_of(name))] == errno.ENOSYS}
    assert len(missing) < len(DANGEROUS) / 4, f"this kernel has none of: {missing}"
