"""Mutation testing of what judges: make mutation ARGS="grading [room.module ...]", see docs/mutation.md.

The mutant takes the place of its module before anything of grading is loaded, in a fork that has the other packages
loaded. Tests that start a sandbox are left out: what runs in there is read from files, which no mutant changes.
"""

import hashlib
import importlib.abc
import importlib.util
import json
import os
import random
import resource
import sys
import time

import pytest
from rich.console import Console

from tests.mutation import trials
from tests.mutation.mutants import FOLDER, ROOT, equivalents, mutants_in
from tests.mutation.options import options

BUILD = ROOT / "build" / "mutation"
EXPLAINED = FOLDER / "grading.toml"
# Each module with the test files that concern it, all of tests/machine/.
CONCERNS = {
    "border.bounded": ("intake",), "border.limits": ("walls", "sandbox_limits"), "border.mounts": ("mounts",), "border.wire": ("wire",),
    "border.subject": ("wire", "student", "outcomes"), "border.sandbox": ("sandbox", "walls"), "border.cgroup": ("cgroup",),
    "checks.answer_key": ("edges", "scoring", "mistakes"), "checks.bank": ("mistakes", "missing"), "checks.compare": ("compare",),
    "checks.gate": ("readable", "report"), "checks.recognition": ("report",), "checks.student": ("student", "edges"),
    "checks.suite": ("edges", "scoring"), "checks.table": ("report",), "checks.verdict": ("edges", "scoring", "record"),
    "notebooks.intake": ("edges", "intake"), "notebooks.mend": ("edges", "mend"), "notebooks.outputs": ("edges", "outputs"),
    "notebooks.reading": ("reading",), "notebooks.record": ("record", "edges"),
    "plugins.late": ("edges",), "run.gradebook": ("gradebook_writer",), "tools.similar": ("edges", "similar"),
}


def main(arguments):
    """Exit with 1 if a mutant survives that is not listed, or a listed one does not."""
    chosen = options("grading", "module", CONCERNS, __doc__, arguments)
    os.chdir(ROOT)
    preload()
    start, console, fine = time.monotonic(), Console(), True
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
    kept = folder / f"{state}.baseline.json"
    if not kept.exists():
        log = folder / "baseline.log"
        tests = trials.baseline(log, work=lambda plugin: run(files, plugin), plugin=trials.Baseline(path, module))
        if not tests:
            sys.exit(f"A test of {module} fails on the module itself, or there is none: see {log.relative_to(ROOT)}")
        kept.write_text(json.dumps(tests))
    results = Results(state, folder)
    try_all(mutants, json.loads(kept.read_text()), results, chosen.jobs, begin)
    listed = {name: why for name, why in equivalents(EXPLAINED).items() if chosen.sample is None or name in results.known}
    return report(console, mutants, results.known, listed)


def tests_of(module):
    found = [ROOT / "tests" / "machine" / f"test_{name}.py" for name in CONCERNS[module]]
    return [path for path in found if path.exists()]


# --- in the forks -----------------------------------------------------------------------------------------------

def preload():
    """What each fork would load, but for grading itself."""
    trials.preload()
    import matplotlib.figure  # noqa: F401
    import nbconvert.preprocessors  # noqa: F401
    import nbgrader.converters
    import nbgrader.preprocessors  # noqa: F401
    import nh3  # noqa: F401
    # forks share what the course's tests generate: see tests/conftest.py
    shared = BUILD / "shared"
    shared.mkdir(parents=True, exist_ok=True)
    os.environ.update(PYTEST_DEBUG_TEMPROOT=str(shared), PYTEST_XDIST_WORKER="mutants")


def run(files, plugin):
    return pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-m", "not sandbox", *map(str, files)], plugins=[plugin])


def begin(mutant, nodeids, seconds):
    """As `trials.start`: (pid, file with the name of a test that fails, or null)."""
    def work():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        resource.setrlimit(resource.RLIMIT_AS, (trials.MEMORY, trials.MEMORY))
        assert f"grading.{mutant.module}" not in sys.modules
        sys.meta_path.insert(0, Mutated(f"grading.{mutant.module}", mutant.source))
        order = trials.Order(nodeids)
        code = run(sorted({nodeid.partition("::")[0] for nodeid in nodeids}), order)
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
