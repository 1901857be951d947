"""Classes to grade: the golden submissions of an assignment in realistic shares, each with a touch of its own."""

import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from grading.notebooks.submissions import fill

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "submissions"
# Case: how many of a hundred hand in one of that sort.
CALM = {"perfect-vectorised": 20, "perfect-loops": 8, "loses-right-tail": 16, "naive-overflow": 10, "derivative-at-y": 6,
        "relu-one-at-zero": 6, "scalar-only": 5, "in-place": 4, "half-finished": 15, "syntax-error": 4, "blank": 6}
# Of the other assignments: what honest students hand in.
HONEST = {
    "ps2": {"perfect": 14, "perfect-loops": 14, "derivative-of-its-own": 16, "forgets-the-slope": 16, "mean-for-sum": 16, "half-finished": 24},
    "ps3": {"perfect": 28, "other-norm-other-logarithm": 24, "underflow-at-depth": 24, "half-finished": 24},
    "ps4": {"perfect": 14, "perfect-vectorised": 14, "conventions-of-another-course": 10, "radius-and-norm-swapped": 10,
            "right-but-for-the-edges": 9, "starts-from-zeros": 9, "state-of-the-same-step": 10, "half-finished": 24},
    "ps5": {"perfect": 14, "perfect-loops": 14, "approximations": 9, "borders-forgotten": 8, "eps-outside-the-root": 8, "in-place": 8,
            "normalises-the-batch": 8, "shortcut-forgotten": 7, "half-finished": 18, "blank": 6},
}
WILD = {"slow": 4, "endless-loop": 4, "kernel-killed": 4}
SLOW = "# Takes a few seconds.\n# %% sigmoid\nimport time\ntime.sleep(3)\n" \
       "def sigmoid(z):\n    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z, dtype=float)))\n"
NAME = "@@STUDENT@@"
OWN_CELL = f"\n# %% new\nprint('Notes of {NAME}')\n"
OWN_PICTURE = "\n# %% new\nimport matplotlib.pyplot as plt\nplt.plot([1, 2, 4], [1, {number}, 3])\nplt.show()\n"
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS", re.DOTALL)
STOCK_CONFIG = """import os, sys
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]     # where alembic is
c = get_config()
c.CourseDirectory.course_id = "stock"
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
c.Execute.timeout = 15
c.Execute.interrupt_on_timeout = True
"""


def cases(count, wild, assignment="ps1"):
    """The cases of a class of `count`, in the right shares and in an order without one."""
    shares = HONEST.get(assignment, {**CALM, **WILD} if wild else CALM)
    total, most = sum(shares.values()), []
    for name, share in shares.items():
        most += [name] * max(1, round(count * share / total))
    random.Random(0).shuffle(most)
    return (most * (count // len(most) + 1))[:count]


def make_course(folder, count, wild=False, stock=False, assignment="ps1"):
    """A course with one assignment generated and `count` submissions; `stock`: for plain nbgrader, with checks in the kernel."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "source" / assignment, folder / "source" / assignment)
    (folder / "nbgrader_config.py").write_text(STOCK_CONFIG if stock else (ROOT / "nbgrader_config.py").read_text())
    source, = folder.glob(f"source/{assignment}/*.ipynb")
    if stock:
        twin(source)
    else:
        for room in ("reference_impl", "tests/hidden", "tests/misconceptions"):     # a course brings its own
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    nbgrader(folder, stock, "generate_assignment", assignment)
    release, texts = folder / "release" / assignment, {}
    for number, case in enumerate(cases(count, wild, assignment)):
        kind = case, number % 5 == 0
        if kind not in texts:
            texts[kind] = notebook(release / source.name, *kind)
        place = folder / "submitted" / f"s{number:04d}" / assignment
        shutil.copytree(release, place)
        text = texts[kind].replace(NAME, f"s{number:04d}").replace("{number}", str(number))
        (place / source.name).write_text(text)
    shutil.copy(folder / "gradebook.db", folder / "gradebook.fresh")
    return folder


def notebook(release, case, picture):
    """The text of a submission: the released notebook filled in, `NAME` in place of the student's."""
    path = CASES / release.parent.name / case / f"{release.stem}.py"
    text = (SLOW if case == "slow" else path.read_text()) + OWN_CELL + (OWN_PICTURE if picture else "")
    return nbformat.writes(fill(nbformat.read(release, as_version=4), text))


def twin(path):
    """Let the hidden regions of the notebook at `path` run the same checks in the kernel."""
    content = json.loads(path.read_text())
    for cell in content["cells"]:
        mark = cell["metadata"].get("nbgrader", {})
        if mark.get("grade") and cell["cell_type"] == "code":
            exercise = mark["grade_id"].removeprefix("test_")
            call = (f"### BEGIN HIDDEN TESTS\nimport sys\nsys.path.insert(0, {str(ROOT / 'benchmarks')!r})\n"
                    "from in_kernel import run_hidden_checks\n"
                    f"run_hidden_checks({path.stem!r}, {exercise!r}, globals(), {mark['points']})\n### END HIDDEN TESTS")
            cell["source"] = HIDDEN.sub(lambda _: call, "".join(cell["source"]))
    path.write_text(json.dumps(content))


def nbgrader(folder, stock, *arguments):
    done = subprocess.run([sys.executable, "-W", "ignore", "-m", "nbgrader", *arguments, f"--CourseDirectory.root={folder}"],
                          cwd=folder if stock else ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"nbgrader {' '.join(arguments)} failed in {folder}:\n{done.stderr[-3000:]}")


def reset(folder):
    """Forget everything that was graded."""
    shutil.rmtree(folder / "autograded", ignore_errors=True)
    shutil.copy(folder / "gradebook.fresh", folder / "gradebook.db")


def scores(folder):
    """{student: points} of a graded course."""
    from nbgrader.api import Gradebook
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        return {one["student"]: one["score"] for one in gradebook.submission_dicts("ps1")}
