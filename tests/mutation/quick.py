"""Mutants of functions, each in a fork of a pytest session that has collected its tests already.

The fork exchanges the code of the functions that the mutant changes, where they are, so that whoever has imported one goes on with
it. What is done once, when modules are loaded or tests collected, stays as it was: of such a change only a failure to load is seen
here, and of a function that was called by then (`early`) only a test that fails.
"""

import gc
import os
import resource
import signal
import sys
import time
from collections import defaultdict
from inspect import CO_NEWLOCALS
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from _pytest.main import pytest_runtestloop

from tests.mutation import trials

AT_ONCE = {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}      # are run where they stand


def parts(code):
    """(what loading a module does, {(name, line): code of a function that stands in no other}) of the module's code."""
    done, found = [(code.co_code, code.co_names, *(repr(one) for one in code.co_consts if not isinstance(one, CodeType)))], {}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            key = inner.co_qualname, inner.co_firstlineno
            if inner.co_flags & CO_NEWLOCALS and inner.co_name not in AT_ONCE and key not in found:
                found[key] = inner
            else:
                more, functions = parts(inner)
                done, found = done + more, found | functions
    return done, found


def limits(seconds):
    """Of a fork: CPU time, and as much of waiting, but not for its turn, for what waits without end; memory; no core files."""
    begun = time.monotonic()

    def look(*_):
        ran, queued = (int(part) / 1e9 for part in Path("/proc/self/schedstat").read_text().split()[:2])
        idle = time.monotonic() - begun - ran - queued
        if idle > seconds:
            os.kill(os.getpid(), signal.SIGKILL)
        signal.alarm(int(seconds - idle) + 1)

    signal.signal(signal.SIGALRM, look)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
    resource.setrlimit(resource.RLIMIT_AS, (trials.MEMORY, trials.MEMORY))
    signal.alarm(int(seconds))


class Session:
    """pytest plug-in: does `work(self)` in the place of running tests, once they are collected."""

    def __init__(self, path, module, work):
        self.path, self.module, self.work = path, module, work
        self.early, self.failed = set(), None
        self.done, self.functions = parts(self._compiled(path.read_text()))

    def _compiled(self, source):
        return compile(source, str(self.path), "exec", dont_inherit=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        sys.setprofile(None)
        self.session, self.living = session, defaultdict(list)
        for one in gc.get_objects():
            if type(one) is FunctionType and one.__code__.co_filename == str(self.path):
                self.living[one.__code__.co_qualname, one.__code__.co_firstlineno].append(one)
        gc.freeze()
        self.work(self)
        return True

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed = str(report.longrepr)

    def changes(self, mutant):
        """[(function, its new code)]; [] where more than functions is changed, or one that is not to be found."""
        done, functions = parts(self._compiled(mutant.source))
        if done != self.done or functions.keys() != self.functions.keys():
            return []
        changed = [key for key, code in functions.items() if code != self.functions[key]]
        if not all(self.living[key] and functions[key].co_freevars == self.functions[key].co_freevars for key in changed):
            return []
        return [(function, functions[key]) for key in changed for function in self.living[key]]

    def is_certain(self, mutant):
        """Whether a mutant that survives here is one that survives."""
        return mutant.where not in self.early and bool(self.changes(mutant))

    def begin(self, mutant, nodeids, seconds):
        """As `trials.start`: (pid, file with the name of a test that fails, or null)."""
        def work():
            limits(seconds)
            try:
                changes = self.changes(mutant)
            except SyntaxError:         # made of a warning, as in every session
                return "import"
            for function, code in changes:
                function.__code__ = code
            return self.first_failure(nodeids) if changes else self.trouble_loading(mutant)
        return trials._fork(work)

    def trouble_loading(self, mutant):
        room = f"grading.{self.module}".rpartition(".")[0]
        try:
            exec(self._compiled(mutant.source), {"__name__": f"grading.{self.module}", "__package__": room, "__file__": str(self.path)})
        except Exception:
            return "import"
        return None

    def first_failure(self, nodeids):
        order = trials.Order(nodeids)
        order.pytest_collection_modifyitems(self.session.items)
        code = self.run(order)
        return order.failed or code

    def run(self, plugin):
        """Run the session's tests with one more plug-in; what ended it too early, None if nothing did."""
        self.session.config.pluginmanager.register(plugin)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        try:
            pytest_runtestloop(self.session)
            self.session._setupstate.teardown_exact(None)
        except self.session.Failed as failed:
            return f"pytest: {failed}"
        except BaseException as error:
            return f"pytest: {type(error).__name__}"
        return None
