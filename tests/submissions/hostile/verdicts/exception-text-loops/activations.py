# Raises an exception whose text never ends, and one whose text ends the process.

# %% sigmoid
class Endless(Exception):
    def __str__(self):
        while True:
            pass


def sigmoid(z):
    if np.ndim(z) == 3:
        raise Endless

# %% relu
import os


class Deadly(Exception):
    def __str__(self):
        os._exit(0)


def relu(z):
    if np.ndim(z) == 3:
        raise Deadly
