"""Tests against one mutant, each in a fork of a process that has loaded NumPy and the oracles' libraries.

The mutant is put into sys.modules of its fork.  No file is written, so an interrupted run leaves nothing behind.
"""

import json
import os
import resource
import signal
import sys
import time
import types
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mutation.mutants import REFERENCE, ROOT

TESTS = "tests/course/test_reference_*.py"
MEMORY = 4 << 30    # bytes; a mutant may ask for an array of any size


def preload():
    """Loads what each fork would load; one thread, because a fork has one."""
    os.environ.update(OPENBLAS_NUM_THREADS="1", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    import autograd.numpy  # noqa: F401
    import hypothesis.internal.conjecture.engine
    import hypothesis.strategies  # noqa: F401
    import mpmath  # noqa: F401


def cpu_seconds():
    """Of this process and of those that it made and that ended: a test may leave the work to one."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


class Baseline:
    """pytest plug-in: CPU seconds of each test, and the functions that it and its fixtures call of reference_impl, or of one file."""

    def __init__(self, place=REFERENCE, module=None):
        self.tests, self.place, self.module = {}, str(place), module
        self.fixtures = {}      # name -> (seconds, called)

    @contextmanager
    def noting(self, called):
        def note(frame, event, _):
            code = frame.f_code
            if event == "call" and code.co_filename.startswith(self.place):
                called.add(f"{self.module or Path(code.co_filename).stem}.{code.co_qualname.partition('.')[0]}")

        before = sys.getprofile()
        sys.setprofile(note)
        try:
            yield
        finally:
            sys.setprofile(before)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        seconds, called = self.fixtures.get(fixturedef.argname, (0.0, set()))
        start = cpu_seconds()
        try:
            with self.noting(called):
                return (yield)
        finally:
            self.fixtures[fixturedef.argname] = max(seconds, cpu_seconds() - start), called

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        called, start = set(), cpu_seconds()
        try:
            with self.noting(called):
                return (yield)
        finally:
            fixtures = [self.fixtures[name] for name in item.fixturenames if name in self.fixtures]
            self.tests[item.nodeid] = {"seconds": cpu_seconds() - start + sum(seconds for seconds, _ in fixtures),
                                       "calls": sorted(called.union(*(names for _, names in fixtures)))}


class Order:
    """pytest plug-in: runs these tests in this order, and notes the first that fails."""

    def __init__(self, nodeids):
        self.rank = {nodeid: rank for rank, nodeid in enumerate(nodeids)}
        self.failed = None

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((item for item in items if item.nodeid in self.rank), key=lambda i: self.rank[i.nodeid])

    def pytest_runtest_logreport(self, report):
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _pytest(files, plugin):
    options = ["-x", "-q", "-p", "no:cacheprovider", "--noconftest", "-o", "filterwarnings=error"]
    return pytest.main([*options, *files], plugins=[plugin])


def _fork(work, log=os.devnull):
    """Runs work() in a fork, its output in the file `log`; (pid, file to read the JSON of its result from)."""
    read, write = os.pipe()
    if pid := os.fork():
        os.close(write)
        return pid, os.fdopen(read)
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        result = work()
        with os.fdopen(write, "w") as file:
            json.dump(result, file)
        os._exit(0)
    finally:
        os._exit(1)


def of_reference(plugin):
    return _pytest(sorted(map(str, ROOT.glob(TESTS))), plugin)


def baseline(log, work=of_reference, plugin=None):
    """nodeid -> {"seconds", "calls"} of all tests that `work` runs; None if one fails without a mutant: see the file `log`."""
    plugin = plugin or Baseline()
    pid, file = _fork(lambda: None if work(plugin) else plugin.tests, log)
    with file:
        result = file.read()
    os.waitpid(pid, 0)
    return json.loads(result) if result else None


def chosen_tests(mutant, tests):
    """Those that call the mutant's function, fastest first; all for a line outside of functions, or a function that no test calls
    in its own process."""
    called = [nodeid for nodeid in tests if mutant.where in tests[nodeid]["calls"]]
    return sorted(called or tests, key=lambda nodeid: tests[nodeid]["seconds"])


def start(mutant, nodeids, seconds):
    """(pid, file): the file will hold the JSON of the name of a test that fails, null if all pass.

    It stays empty if the fork is killed, for instance because it uses more CPU `seconds` than given.
    """

    def work():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        try:
            _install(mutant)
        except Exception:
            return "import"
        plugin = Order(nodeids)
        code = _pytest(sorted({nodeid.partition("::")[0] for nodeid in nodeids}), plugin)
        return plugin.failed or (f"pytest's exit code {code}" if code else None)

    return _fork(work)


def _install(mutant):
    import reference_impl

    module = types.ModuleType(f"reference_impl.{mutant.module}")
    module.__file__ = str(REFERENCE / f"{mutant.module}.py")
    sys.modules[module.__name__] = module
    exec(compile(mutant.source, module.__file__, "exec"), module.__dict__)
    setattr(reference_impl, mutant.module, module)
