"""What stock nbgrader does with the hostile submissions: run once, kept as a table in docs/threat-model.md.

    python benchmarks/stock_table.py [pattern ...]      (all cases: about half an hour, no network)

Stock nbgrader has no sandbox, so all of it runs inside bubblewrap here, as a user without rights: nbgrader, gradebook,
the twin of ps1 and the submissions of one case and one honest student. The twin has the same exercises; its hidden
tests are asserts against the reference's values, as nbgrader's documentation writes them.
"""

import fnmatch
import importlib.util
import inspect
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from grading.notebooks.submissions import describe, due, hand_in  # noqa: E402
from reference_impl import activations  # noqa: E402

HOSTILE = ROOT / "tests" / "submissions" / "hostile"
DOCUMENT = ROOT / "docs" / "threat-model.md"
BEGIN, END = "<!-- stock table: begin -->", "<!-- stock table: end -->"
SECONDS = 90            # for two submissions that take ten
UID = 61234
HONEST = "zz-honest"    # comes last, so that it is not graded if the run ends early
INPUTS = dict.fromkeys(("sigmoid", "sigmoid_derivative", "tanh_derivative", "relu", "relu_derivative", "leaky_relu_derivative"), "[-30.0, -2.0, 0.0, 0.5, 30.0]")
INPUTS["saturated_fraction"] = "[0.25, 1e-4, -2e-4, 0.1]"
ANSWERS = {"relu_derivative": "def relu_derivative(z):\n    return np.where(np.asarray(z, dtype=float) > 0, 1.0, 0.0)"}
HIDDEN = re.compile(r"(### BEGIN HIDDEN TESTS\n).*?(### END HIDDEN TESTS)", re.DOTALL)
LIMITS = {resource.RLIMIT_NPROC: 200, resource.RLIMIT_FSIZE: 300 * 2**20, resource.RLIMIT_AS: 4 * 2**30,
          resource.RLIMIT_CORE: 0}


# --- the twin -----------------------------------------------------------------------------------------------------

def make_twin(folder):
    """A stock course with ps1: source, release, gradebook, and one honest submission."""
    shutil.copytree(ROOT / "source" / "ps1", folder / "source" / "ps1")
    path = folder / "source" / "ps1" / "activations.ipynb"
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "").removeprefix("test_")
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            values = getattr(activations, name)(json.loads(INPUTS[name]))
            wanted = values.tolist() if hasattr(values, "tolist") else values
            test = f"assert np.allclose({name}({INPUTS[name]}), {wanted!r})\n"
            cell["source"] = HIDDEN.sub(lambda m: m[1] + test + m[2], "".join(cell["source"]))
    path.write_text(json.dumps(notebook))
    code, said = confined(folder, "generate_assignment", "ps1")
    if code:
        sys.exit(f"The twin could not be made:\n{said}")
    shutil.copytree(folder / "release" / "ps1", folder / "honest")
    path = folder / "honest" / "activations.ipynb"
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        if name in INPUTS:
            cell["source"] = ANSWERS.get(name) or inspect.getsource(getattr(activations, name))
    path.unlink()
    path.write_text(json.dumps(notebook))


def confined(folder, *arguments):
    """Run stock nbgrader on `folder` inside bubblewrap; (exit status or None after the time limit, what it said)."""
    for path in (folder, *folder.rglob("*")):
        if os.geteuid() == 0 and path.lstat().st_uid != UID:
            os.lchown(path, UID, UID)
    system = [part for name in ("lib", "lib64", "bin", "sbin") for part in ("--symlink", f"usr/{name}", f"/{name}")
              if Path("/", name).is_symlink()]
    venv = Path(sys.prefix)
    rights = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent",
               "--new-session", "--ro-bind", "/usr", "/usr", *system, "--ro-bind", "/etc", "/etc", "--proc", "/proc",
               "--dev", "/dev", "--tmpfs", "/tmp", *parents(folder, venv, sys.base_prefix), "--ro-bind", sys.base_prefix, sys.base_prefix, "--ro-bind",
               str(venv), str(venv), "--bind", str(folder), str(folder), "--chdir", str(folder), "--clearenv",
               "--setenv", "PATH", f"{venv}/bin:/usr/bin:/bin", "--setenv", "HOME", str(folder),
               "--setenv", "LD_LIBRARY_PATH", f"{sys.base_prefix}/lib",
               *(rights if os.geteuid() == 0 else ["--unshare-user"]), f"{venv}/bin/python", "-m", "nbgrader", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                               preexec_fn=lambda: [resource.setrlimit(k, (v, v)) for k, v in LIMITS.items()])
    try:
        said, _ = process.communicate(timeout=SECONDS)
        return process.returncode, said.decode(errors="replace")
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)     # the namespace, and all that runs in it, ends with bwrap
        said, _ = process.communicate()
        return None, said.decode(errors="replace")


def parents(*paths):
    """Options that make the folders above `paths`, for everybody to pass through."""
    above = sorted({str(parent) for path in paths for parent in Path(path).parents} - {"/", "/tmp", "/usr"})
    return [part for folder in above for part in ("--perms", "0755", "--dir", folder)]


# --- the cases ----------------------------------------------------------------------------------------------------

def file_cases():
    spec = importlib.util.spec_from_file_location("hostile_files", HOSTILE / "files" / "make.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    for name, case in module.CASES.items():
        points = "not graded, named in the summary" if case.points is None else f"{case.points} points"
        if case.fails and case.points is not None:
            points += ", waits for a human, run fails"
        elif case.told and case.points is not None:
            points += ", named in the summary"
        yield (f"files/{name}", case.build.__doc__, points, case.student,
               lambda folder, name=name: module.build(name, folder / "honest", folder / "submitted", folder))


def code_cases():
    for group in ("verdicts", "sandbox"):
        for path in sorted(HOSTILE.glob(f"{group}/*/")):
            wanted = due(path, ROOT / "source" / "ps1")
            points = f"{sum(wanted.points.values()):g} points"
            yield (f"{group}/{path.name}", describe((path / "activations.py").read_text()), points, path.name,
                   lambda folder, path=path: hand_in(path, folder / "release" / "ps1",
                                                     folder / "submitted" / path.name / "ps1"))


def measure(twin, student, build, absent=()):
    """What stock nbgrader does with one case, in a few words."""
    with tempfile.TemporaryDirectory(prefix="stock-") as place:
        folder = Path(place, "course")
        shutil.copytree(twin, folder)
        shutil.copytree(folder / "honest", folder / "submitted" / HONEST / "ps1")
        build(folder)
        code, said = confined(folder, "autograde", "ps1")
        return in_words(folder, student, code, said)


def in_words(folder, student, code, said):
    parts = []
    try:
        score, honest = points(folder, student), points(folder, HONEST)
    except sqlite3.Error as error:
        score, honest = None, None
        parts.append(f"the gradebook is damaged ({error})")
    there = (folder / "autograded" / student / "ps1" / "activations.ipynb").exists()
    parts.append(f"**{score:g} points**" if there and score is not None else "not graded")
    if code is None:
        parts.append(f"hangs (stopped after {SECONDS} s)")
    if honest is None:
        parts.append("**the class is not graded**")
    elif honest != 20:
        parts.append(f"**the honest student gets {honest:g}**")
    if code is not None:
        parts.append(f"exit {code}")
    for name, secret in {"source with solutions": b"### BEGIN SOLUTION", "gradebook": b"SQLite format 3",
                         "/etc/passwd": b"root:x:0:0"}.items():
        if contains(folder / "autograded" / student, secret):
            parts.append(f"{name} copied into the submission")
    if contains(folder / "autograded" / student, b"LEAK: "):
        parts.append("the forbidden act succeeds")
    return ", ".join(parts)


def points(folder, student):
    """The automatic points of a student, or None if no cell was graded."""
    with sqlite3.connect(folder / "gradebook.db") as database:
        rows = database.execute(
            "SELECT g.auto_score FROM grade g JOIN submitted_notebook n ON g.notebook_id = n.id "
            "JOIN submitted_assignment a ON n.assignment_id = a.id WHERE a.student_id = ?", (student,)).fetchall()
    scores = [row[0] for row in rows if row[0] is not None]
    return sum(scores) if scores else None


def contains(folder, secret):
    return any(secret in path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
               and path.stat().st_size < 50 * 2**20)


# --- the table ----------------------------------------------------------------------------------------------------

def row(*cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") for cell in cells) + " |"


def main(patterns):
    rows = [row("case", "what it is", "stock nbgrader 0.9.6", "this course"), "| --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory(prefix="twin-") as place:
        twin = Path(place, "course")
        twin.mkdir()
        os.chmod(place, 0o755)
        make_twin(twin)
        for name, what, ours, student, build in (*file_cases(), *code_cases()):
            if patterns and not any(fnmatch.fnmatch(name, pattern) for pattern in patterns):
                continue
            rows.append(row(f"`{name}`", what, measure(twin, student, build), ours))
            print(rows[-1], flush=True)
    text = DOCUMENT.read_text() if DOCUMENT.exists() else ""
    if not patterns and BEGIN in text:
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        DOCUMENT.write_text(before + BEGIN + "\n" + "\n".join(rows) + "\n" + END + after)


if __name__ == "__main__":
    main(sys.argv[1:])
