"""What the hidden checks ask: the arguments of every call that they make."""

import copy
import functools

from grading.checks.suite import judge_functions


def calls(notebook, functions):
    """{exercise: [arguments, ...]} of all calls that the hidden checks of `notebook` make, in order, given right answers."""
    made = {name: [] for name in functions}

    def recording(name, function):
        @functools.wraps(function)
        def answer(*arguments):
            made[name].append(copy.deepcopy(arguments))
            return function(*arguments)
        return answer

    judge_functions(notebook, {name: recording(name, function) for name, function in functions.items()})
    return made
