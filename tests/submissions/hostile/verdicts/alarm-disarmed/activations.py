# An endless loop with the alarm replaced, ignored and blocked, and every exception swallowed.

# %% sigmoid
import signal

signal.setitimer = signal.alarm = lambda *args: None


def sigmoid(z):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
