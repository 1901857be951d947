# Sends JSON nested a hundred thousand deep over the kernel's socket.

# %% new
import gc
import socket

import wire

sock = next(o for o in gc.get_objects() if isinstance(o, socket.socket) and o.family == socket.AF_UNIX)

import os

deep = b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
os.write(sock.fileno(), wire.LENGTHS.pack(len(deep), 0) + deep)

# %% sigmoid
def sigmoid(z):
    return np.zeros_like(np.asarray(z, dtype=float))
