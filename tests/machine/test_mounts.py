"""What student code sees of the file system is what it needs: each denial with its control, an act that works outside."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from kernels import WARM_AND_COLD, assert_denied, inside, make_sandbox

from grading.border import libraries, mounts
from grading.border.sandbox import Sandbox
from grading.border.subject import KernelSubject

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[2]


NAME = "course-of-a-test"
STANDARD, PACKAGES = Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))
# Where a course, an exchange or a gradebook may lie; below a package and a module of the standard library as well.
PLACES = [Path("/usr/local/share/nbgrader/exchange"), *map(Path, ("/usr/share/nbgrader", "/usr/share/fonts", "/usr/lib", "/usr/local", "/opt",
          "/srv", "/var/lib", "/etc")), Path(sys.prefix), Path(sys.base_prefix), STANDARD, PACKAGES,
          STANDARD / "site-packages", ROOT, ROOT.parent]
BELOW = [mounts.student_paths()["numpy"], STANDARD / "json"]


@pytest.fixture(scope="module")
def secrets():
    """{place: a secret file in a folder there}, for all places into which this user may put one."""
    made, found = [], {}
    for place in (*PLACES, *BELOW):
        missing = [folder for folder in (place / NAME, *place.parents, place) if not folder.exists()]
        try:
            (place / NAME).mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        made += missing
        found[place] = place / NAME / "secret.ipynb"
        found[place].write_text("secret")
    yield found
    for folder in sorted(made, key=lambda folder: len(folder.parts)):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module", params=WARM_AND_COLD)
def kernel(request, secrets):
    box = make_sandbox(request.param)
    subject = KernelSubject(box)
    yield subject
    subject.close()
    box.close()


def moved(path):
    """Where something of the host appears inside, if it does."""
    for source, target in ((PACKAGES, mounts.PACKAGES), (Path(sys.base_prefix), mounts.PYTHON)):
        if path.is_relative_to(source):
            return target / path.relative_to(source)
    return path


# --- what must not be there ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_file_beside_what_is_needed_is_not_visible_wherever_it_lies(place, kernel, secrets):
    """Whatever it is called, it is in no list of what a notebook needs."""
    if place not in secrets:
        pytest.skip(f"nothing can be put into {place} here")
    assert_denied(kernel, f"open({str(secrets[place])!r}).read()")
    assert "No such file" in inside(kernel, f"open({str(moved(secrets[place]))!r}).read()")


def test_a_configured_place_that_lies_below_what_is_mounted_is_covered(kernel, secrets):
    if not secrets.keys() >= set(BELOW):
        pytest.skip("nothing can be put into the packages here")
    folder, file = secrets[BELOW[0]], secrets[BELOW[1]]
    code = f"for path in {[str(moved(path)) for path in (folder, file)]}:\n    try: print(open(path).read())\n" \
           "    except OSError as error: print(error.errno)"
    assert inside(kernel, code) == "secret\nsecret\n", "the control: what nobody calls a course's is part of the package"
    box = Sandbox(hidden=(folder.parent, file))
    subject = KernelSubject(box)
    assert "secret" not in inside(subject, code)
    subject.close()
    box.close()


SEEN = """
    import os
    for folder, names, files in os.walk("/"):
        if not folder.startswith(("/scratch", "/proc")):
            for name in names + files:
                status = os.lstat(os.path.join(folder, name))
                print(status.st_dev, status.st_ino, os.path.join(folder, name))
"""


def test_no_folder_of_the_host_but_those_that_are_needed_is_among_what_can_be_seen(kernel):
    """By identity, not by name: device and number of an inode are the same wherever it is mounted."""
    kernel.run(0, "import kernel; kernel.MAX_STREAM = 10**8")
    seen = {tuple(map(int, line.split()[:2])) for line in inside(kernel, SEEN).split("\n") if line.count(" ") >= 2}
    assert len(seen) > 1000
    forbidden = [ROOT, ROOT / "source", ROOT / "tests", ROOT / "reference_impl", ROOT / "nbgrader_config.py", Path.home(),
                 Path("/etc/passwd"), Path("/etc/hosts"), Path("/etc/ssl"), Path("/var"), Path("/usr/local"), Path("/usr"), Path("/opt"),
                 Path("/root"), Path("/home"), Path("/srv"), Path("/sys"), Path("/tmp"), Path("/run"), Path("/dev/zero"),
                 Path("/dev/ptmx"), Path(sys.prefix), Path(sys.base_prefix), Path("/usr/bin/python3")]
    there = {(path.stat().st_dev, path.stat().st_ino): path for path in forbidden if path.exists()}
    start = mounts.interpreter().stat()
    there.pop((start.st_dev, start.st_ino), None)
    assert [path for identity, path in there.items() if identity in seen] == []
    numpy = Path(mounts.student_paths()["numpy"]).stat()
    assert (numpy.st_dev, numpy.st_ino) in seen, "the control: what is mounted is found by its identity"


def test_devices_are_three_and_none_is_memory_or_a_terminal(kernel):
    assert inside(kernel, "import os; print(sorted(os.listdir('/dev')))") == "['null', 'random', 'shm', 'urandom']\n"


def test_links_to_outside_lead_nowhere(kernel):
    shown = inside(kernel, """
        import os
        for folder, names, files in os.walk("/"):
            for name in names + files:
                path = os.path.join(folder, name)
                if os.path.islink(path) and os.path.exists(path):
                    print(os.path.realpath(path))
    """)
    assert all(line.startswith(("/usr", "/scratch", "/kernel")) for line in shown.split())


# --- what must be there -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("code", [
    "import numpy as np; print(np.linalg.inv(np.eye(50)).sum() == 50)",
    "import matplotlib.pyplot as plt; f = plt.figure(); plt.title('$x^2$ ä'); plt.plot([1, 2]); plt.close(f); print(True)",
    "import ctypes, decimal, hashlib, lzma, bz2, sqlite3, ssl, zlib, uuid; print(True)",
    "import asyncio\nasync def answer(): await asyncio.sleep(0); return True\nprint(asyncio.run(answer()))",
    "import multiprocessing\nwith multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, 2]) == [1, 2])",
    "import threading\nt = threading.Thread(target=print, args=(True,)); t.start(); t.join()",
    "import subprocess, sys; print(eval(subprocess.run([sys.executable, '-c', 'print(True)'], capture_output=True).stdout))",
    "import datetime, zoneinfo; print(datetime.datetime.now(zoneinfo.ZoneInfo('Europe/Berlin')).year > 2000)",
    "import shutil, tempfile\nf = tempfile.NamedTemporaryFile()\nshutil.copy2(f.name, 'copy')\nprint(True)",
    "import os; os.fsync(os.open('x', os.O_CREAT | os.O_RDWR)); print(True)",
    "!ls / | grep -c kernel > count && echo True",
    "said = !echo True\nprint(said[0])", "%%bash\necho True", "await __import__('asyncio').sleep(0); print(True)"])
def test_what_a_notebook_does_works(code, kernel):
    assert inside(kernel, code) == "True\n"


def test_the_interpreter_inside_is_the_one_outside_under_another_name(kernel):
    shown = inside(kernel, "import sys; print(sys.version, sys.prefix, sys.base_prefix, *sys.path)")
    assert shown.startswith(sys.version) and sys.base_prefix not in shown and str(ROOT) not in shown
    assert shown.split()[-1].startswith("/scratch")


# --- other places for an interpreter and a course -----------------------------------------------------------------

def starts(program, tmp_path, course):
    """What a sandbox says that another interpreter starts with this one's packages."""
    show = f"import os, sys, numpy, ctypes, ssl\nprint(sys.version_info[:2], os.path.exists({str(tmp_path / course)!r}))"
    code = ("from grading.border import mounts\nfrom grading.border.sandbox import Sandbox\n"
            "from grading.border.subject import KernelSubject\n"
            f"box = Sandbox(); subject = KernelSubject(box); run = subject.run(0, {show!r})\n"
            "print(mounts.interpreter(), ''.join(o.get('text') or o.get('evalue', '') for o in run.outputs))\n"
            "subject.close(); box.close()\n")
    return subprocess.run([program, "-c", code], text=True, capture_output=True, cwd=tmp_path, timeout=200,
                          env={**os.environ, "PYTHONPATH": f"{ROOT}:{PACKAGES}"})


@pytest.mark.parametrize("place", ["course/python", "opt/conda/envs/nets"])
def test_an_interpreter_may_live_anywhere_and_shows_nothing_of_its_surroundings(place, tmp_path, monkeypatch):
    """A copy of this interpreter, with links for what is large, below a course, a home or a conda-like folder."""
    base, home = Path(sys.base_prefix), tmp_path / place
    (home / "bin").mkdir(parents=True)
    shutil.copy2(mounts.interpreter(), home / "bin" / mounts.interpreter().name)
    (home / "lib").mkdir()
    standard = Path(sysconfig.get_path("stdlib"))
    for library in Path(mounts.library_folder() or base / "lib").glob("libpython3*.so*"):
        shutil.copy2(library, home / "lib" / library.name)
    shutil.copytree(standard, home / "lib" / standard.name, ignore=shutil.ignore_patterns(
        "site-packages", "dist-packages", "test", "idlelib", "config-*", "ensurepip", "lib2to3"))
    (tmp_path / place.split("/")[0] / "gradebook.db").write_text("secret")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(home / "lib"))
    done = starts(home / "bin" / mounts.interpreter().name, tmp_path, place.split("/")[0])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(home)) and "False" in done.stdout and f"({sys.version_info[0]}, " in done.stdout


# --- shared libraries ---------------------------------------------------------------------------------------------

def test_libraries_are_found_as_the_dynamic_loader_finds_them():
    """The same as `ldd` says for every program and extension module that is mounted."""
    if not shutil.which("ldd"):
        pytest.skip("there is no ldd here")
    binaries = [str(mounts.interpreter()), *map(str, mounts.commands().values())]
    by_itself, elsewhere = libraries.closure(binaries, [mounts.library_folder()])
    ours = {os.path.realpath(path) for path in (*by_itself, *elsewhere.values())}
    said = subprocess.run(["ldd", *binaries], text=True, capture_output=True).stdout
    theirs = {os.path.realpath(word) for line in said.splitlines() for word in line.split() if word.startswith("/") and ".so" in word}
    assert theirs and theirs <= ours
