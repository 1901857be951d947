# Files beside the notebook are named like the modules that the kernel and the grader use.

# %% sigmoid
import sys

import numpy.random
import wire
import calls


def sigmoid(z):
    return np.zeros_like(np.asarray(z, dtype=float))
