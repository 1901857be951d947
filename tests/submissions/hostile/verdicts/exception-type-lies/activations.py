# Raises exceptions with a name a million characters long and with a cause that never ends.

# %% sigmoid
Long = type("A" * 10**6, (Exception,), {})


def sigmoid(z):
    error = Long("x" * 10**6)
    error.__cause__ = error
    raise error

# %% relu
class Passed(Exception):
    __name__ = "passed"


def relu(z):
    raise Passed({"value": 3})
