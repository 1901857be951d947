# A cell sleeps in compiled code with all signals blocked.

# %% sigmoid
import ctypes
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
ctypes.CDLL(None).pause()

# %% saturated_fraction
def saturated_fraction(a_prime, threshold=1e-3):
    return float(np.mean(np.abs(np.asarray(a_prime, dtype=float)) < threshold))
