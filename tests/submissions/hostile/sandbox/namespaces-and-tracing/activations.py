# Asks the kernel for namespaces, mounts, tracing, shared memory and other surface.

# %% sigmoid
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for call in ("unshare user", "unshare mount"):
    if libc.unshare(0x10000000 if "user" in call else 0x20000) == 0:
        print("LEAK", call)
if libc.mount(b"none", b"/scratch", b"tmpfs", 0, None) == 0:
    print("LEAK mount")
if libc.ptrace(16, os.getppid(), 0, 0) == 0:
    print("LEAK ptrace")
if libc.shmget(0, 2**20, 0o1600) >= 0:
    print("LEAK shmget")
print("asked")
