# A thread sends frames without end over the kernel's socket.

# %% new
import gc
import socket

import wire

sock = next(o for o in gc.get_objects() if isinstance(o, socket.socket) and o.family == socket.AF_UNIX)

import threading

sock.setblocking(True)


def flood():
    while True:
        sock.sendall(wire.LENGTHS.pack(1000, 0) + b'{"id": 1}'.ljust(1000))


threading.Thread(target=flood, daemon=True).start()

# %% sigmoid
def sigmoid(z):
    return np.zeros_like(np.asarray(z, dtype=float))
