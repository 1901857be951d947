# Reports carry both a value and an error, in forms that nobody sends.

# %% sigmoid
import calls


def call(function, args, *more):
    return {"value": {"list": [{"tuple": {"list": 3}}]}, "error": {"type": 3}, "warnings": "none", "after": []}


calls.call = call


def sigmoid(z):
    return z
