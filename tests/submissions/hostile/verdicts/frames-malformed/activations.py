# Sends bytes that are no frame over the kernel's socket.

# %% new
import gc
import socket

import wire

sock = next(o for o in gc.get_objects() if isinstance(o, socket.socket) and o.family == socket.AF_UNIX)

import os

os.write(sock.fileno(), b"\x00\x00\x00\x04\x00\x00\x00\x00nope" * 100)

# %% sigmoid
def sigmoid(z):
    return np.zeros_like(np.asarray(z, dtype=float))
