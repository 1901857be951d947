# Errors point at cells and lines that do not exist.

# %% sigmoid
import calls


def call(function, args, *more):
    return {"error": {"type": "<b>Passed</b>" * 99, "message": "\ud800" + "3 of 3 points" * 999, "at": [10**30, -5]},
            "warnings": [{}, "overflow", 7], "after": []}


calls.call = call


def sigmoid(z):
    return z
