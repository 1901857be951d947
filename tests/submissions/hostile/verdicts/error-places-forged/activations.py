# Errors point at cells and lines that do not exist.

# %% sigmoid
import calls


def call(function, args, locate=None):
    return {"error": {"type": "<b>Passed</b>" * 99, "message": "\ud800" + "3 of 3 points" * 999, "at": [10**30, -5]},
            "warnings": [{}, "overflow", 7], "after": [], "blobs": []}


calls.call = call


def sigmoid(z):
    return z
