"""Mutation testing of what judges: make mutation ARGS="grading [room.module ...]", see docs/mutation.md.

Where a mutant changes functions alone, a fork of a session with collected tests exchanges their code (`quick`). The others take the
place of their module before anything of grading is loaded, in a fork that has the other packages loaded. Tests that start a sandbox are left out: what runs in there is read from files, which no mutant changes.
"""

import atexit
import contextlib
import gc
import hashlib
import importlib
import importlib.abc
import importlib.util
import json
import os
import pickle
import random
import shutil
import sys
import tempfile
import time

import pytest
from rich.console import Console

from tests.mutation import quick, trials
from tests.mutation.mutants import FOLDER, ROOT, equivalents, mutants_in
from tests.mutation.options import options

BUILD = ROOT / "build" / "mutation"
EXPLAINED = FOLDER / "grading.toml"
# Each module with the test files that concern it, all of tests/machine/.
CONCERNS = {
    "border.bounded": ("bounded",), "border.cgroup": ("cgroup",), "border.filter": ("plan",), "border.identity": ("identity",),
    "border.libraries": ("libraries",), "border.limits": ("limits",),
    "border.mounts": ("plan",), "border.sandbox": ("plan", "needs", "cgroup"), "border.subject": ("kernel_subject", "student", "edges"),
    "border.wire": ("wire",),
    "checks.answer_key": ("answer_key",), "checks.authors": ("edges",), "checks.bank": ("named",),
    "checks.compare": ("answer_key", "compare", "wire"), "checks.gate": ("scoring", "report", "readable"), "checks.recognition": ("named",),
    "checks.student": ("student",), "checks.suite": ("edges", "scoring", "wrong"),
    "checks.table": ("report",), "checks.verdict": ("edges", "scoring", "record", "student"), "checks.wrong": ("wrong",),
    "notebooks.again": ("again",), "notebooks.answers": ("answers",), "notebooks.effects": ("effects", "later"),
    "notebooks.finding": ("finding",),
    "notebooks.intake": ("edges", "intake", "embedded", "finding"), "notebooks.later": ("later",),
    "notebooks.mend": ("edges", "mend", "embedded"), "notebooks.outputs": ("edges", "outputs", "embedded", "pictures"),
    "notebooks.reading": ("reading", "finding", "intake"), "notebooks.record": ("record", "edges", "wrong", "overview"),
    "plugins.counting": ("counting",), "plugins.late": ("edges", "late"), "run.gradebook": ("writing_rows", "gradebook_writer"),
    "run.penalties": ("late",), "run.place": ("judged_again",), "tools.similar": ("edges", "similar"),
}


def main(arguments):
    """Exit with 1 if a mutant survives that is not listed, or a listed one does not."""
    chosen = options("grading", "module", CONCERNS, __doc__, arguments)
    os.chdir(ROOT)
    preload()
    start, console, fine = time.monotonic(), Console(file=os.fdopen(os.dup(1), "w")), True      # forks change where 1 leads
    for module in chosen.names:
        fine &= whole(console, module, chosen)
    console.print(f"{time.monotonic() - start:.0f} s")
    sys.exit(0 if fine else 1)


def whole(console, module, chosen):
    """Try the mutants of one module and print what became of them; whether nothing is wrong."""
    from tests.mutation.__main__ import Results, report, try_all
    path = ROOT / "grading" / f"{module.replace('.', '/')}.py"
    mutants, files = mutants_in(path, module), tests_of(module)
    if chosen.sample is not None:
        mutants = random.Random(chosen.seed).sample(mutants, min(chosen.sample, len(mutants)))
    folder = BUILD / module
    folder.mkdir(parents=True, exist_ok=True)
    state = hashlib.sha256(b"\0".join(file.read_bytes() for file in (path, *files))).hexdigest()[:12]
    kept, log = folder / f"{state}.baseline.json", folder / "baseline.log"

    class Certain(Results):
        def add(self, mutant, killer):
            if killer or session.is_certain(mutant):
                super().add(mutant, killer)

    def work(session):
        if not kept.exists():
            found = trials.baseline(log, work=session.run, plugin=trials.Baseline(path, module))
            if not found:
                return
            kept.write_text(json.dumps({"tests": found, "packages": packages()}))
        known = json.loads(kept.read_text())["tests"]
        try_all(mutants, known, Certain(state, folder), chosen.jobs, session.begin, console)

    session = quick.Session(path, module, work)
    pid, _ = trials._fork(lambda: collected(files, session), folder / "session.log")
    os.waitpid(pid, 0)
    if not kept.exists():
        sys.exit(f"A test of {module} fails on the module itself, or there is none: see {folder.relative_to(ROOT)}/*.log")
    baseline, results = json.loads(kept.read_text()), Results(state, folder)
    load(baseline["packages"])
    try_all(mutants, baseline["tests"], results, chosen.jobs, begin, console)
    listed = {name: why for name, why in equivalents(EXPLAINED).items() if chosen.sample is None or name in results.known}
    return report(console, mutants, results.known, listed)


def tests_of(module):
    return [ROOT / "tests" / "machine" / f"test_{name}.py" for name in CONCERNS[module]]


# --- in the forks -----------------------------------------------------------------------------------------------

def preload():
    """What each fork would load, but for grading itself; `load` adds what a module's tests were seen to load."""
    trials.preload()
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(BUILD / "pycache")     # what is not mutated is compiled once
    # forks share what the course's tests generate: see tests/conftest.py
    BUILD.mkdir(parents=True, exist_ok=True)
    shared = tempfile.mkdtemp(prefix="shared-", dir=BUILD)
    atexit.register(shutil.rmtree, shared, ignore_errors=True)
    os.environ.update(PYTEST_DEBUG_TEMPROOT=shared, PYTEST_XDIST_WORKER="mutants")


def packages():
    """The names of all modules that are loaded and belong to packages."""
    return sorted(name for name, module in sys.modules.items() if "site-packages" in (getattr(module, "__file__", None) or ""))


def load(names):
    for name in names:
        with contextlib.suppress(Exception):        # some can be had only in the company that they were seen in
            importlib.import_module(name)
    gc.freeze()         # nothing of it is garbage, and forks share it


def run(files, plugin):
    os.chdir(os.environ["PYTEST_DEBUG_TEMPROOT"])       # where a mutant may write what it likes
    # pytest's own traceback takes ten times as long as most tests; what it rewrites, it would load past `Mutated`
    options = ["-x", "-s", "-q", "--tb=line", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:unraisableexception", "-o",
               "tmp_path_retention_policy=none", "-m", "not sandbox"]
    return pytest.main([*options, *map(str, files)], plugins=[plugin])


class Here:
    """Takes calls in the place of the process beside this one (grading/border/bounded.py): there nothing is seen, and no mutant is."""

    def call(self, function, arguments, seconds):
        return copied(function(*copied(arguments)))


def copied(value):
    return pickle.loads(pickle.dumps(value))


def call_here(module):
    if module != "border.bounded":
        importlib.import_module("grading.border.bounded").helper = Here


def collected(files, session):
    call_here(session.module)
    with trials.Baseline(session.path, session.module).noting(session.early):
        return run(files, session)


def begin(mutant, nodeids, seconds):
    """As `trials.start`: (pid, file with the name of a test that fails, or null)."""
    def work():
        quick.limits(seconds)
        assert f"grading.{mutant.module}" not in sys.modules
        sys.meta_path.insert(0, Mutated(f"grading.{mutant.module}", mutant.source))
        call_here(mutant.module)
        order = trials.Order(nodeids)
        code = run(sorted({ROOT / nodeid.partition("::")[0] for nodeid in nodeids}), order)
        return order.failed or (f"pytest's exit code {code}" if code else None)
    return trials._fork(work)


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives one module another source."""

    def __init__(self, name, source):
        self.name, self.source = name, source
        self.path = ROOT / f"{name.replace('.', '/')}.py"

    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_source(self, name):
        return self.source

    def get_filename(self, name):
        return str(self.path)

    def is_package(self, name):
        return False
