# Announces a large frame and sends it byte by byte.

# %% new
import gc
import socket

import wire

sock = next(o for o in gc.get_objects() if isinstance(o, socket.socket) and o.family == socket.AF_UNIX)

import os
import time

os.write(sock.fileno(), wire.LENGTHS.pack(10**6, 0))
for _ in range(10**6):
    try:
        os.write(sock.fileno(), b" ")
        time.sleep(0.5)
    except BaseException:
        pass

# %% sigmoid
def sigmoid(z):
    return np.zeros_like(np.asarray(z, dtype=float))
