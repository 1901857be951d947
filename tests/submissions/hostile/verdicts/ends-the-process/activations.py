# Functions end their process in every way: exit, signal, destructor, abort, a crash in compiled code.

# %% sigmoid
import ctypes
import os
import signal


def sigmoid(z):
    os._exit(0)

# %% relu
def relu(z):
    os.kill(os.getpid(), signal.SIGKILL)

# %% relu_derivative
class Mine:
    def __del__(self):
        os._exit(0)


def relu_derivative(z):
    Mine()
    return (np.asarray(z) > 0) * 1.0

# %% leaky_relu_derivative
def leaky_relu_derivative(z, slope=0.01):
    ctypes.string_at(0)

# %% tanh_derivative
def tanh_derivative(z):
    os.abort()

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))
