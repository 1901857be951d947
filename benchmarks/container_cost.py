"""What the container costs: a class of 100 graded in it, and outside of it with the same files, in turns. As root, with podman.

    python benchmarks/container_cost.py IMAGE [rounds]

IMAGE is one that `course container --build` made. Outside means the image's files as the root of a plain process of the same
user: no filter of the engine's, no control group, no layers. Compared is the processor time of `course grade` and all that it
starts, which a busy machine changes less than the time on the clock.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.classes import make_course  # noqa: E402 - the course's root is put on the path first
from grading.border import needs  # noqa: E402
from grading.border.surroundings import Platform  # noqa: E402

COUNT, USER = 100, str(needs.USER)
GRADE = """
import resource, subprocess, sys
done = subprocess.run(["course", "grade", "ps1", "--force", "--jobs", "2"], cwd="/class", capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.exit(done.stdout + done.stderr) if done.returncode or "warm" not in done.stdout else print(used.ru_utime + used.ru_stime)
"""


def inside(image: str, folder: Path) -> list[str]:
    return ["podman", "run", "--rm", "--user", f"{USER}:{USER}", "--volume", f"{ROOT}:/course", "--volume", f"{folder}:/class",
            *needs.run_options(Platform.PODMAN, ROOT), image, "python", "-c", GRADE]


def outside(files: Path, folder: Path) -> list[str]:
    variables = {"PATH": "/opt/course/python/bin:/usr/bin:/bin", "PYTHONPATH": "/course", "LANG": "C.UTF-8", "HOME": "/home/grader", "USER": "grader"}
    return ["bwrap", "--bind", str(files), "/", "--dev-bind", "/dev", "/dev", "--dev-bind", "/proc", "/proc", "--bind", str(ROOT), "/course",
            "--bind", str(folder), "/class", "--clearenv", *(word for pair in variables.items() for word in ("--setenv", *pair)),
            "setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", "--no-new-privs", "python", "-c", GRADE]


def seconds(command: list[str]) -> float:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return float(done.stdout.split()[-1])


def main(image: str, rounds: int) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        folder, files = Path(made, "class"), Path(made, "files")
        make_course(folder, COUNT)
        mounted = subprocess.run(["podman", "image", "mount", image], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["cp", "-a", mounted, files], check=True)
        for place in ("course", "class"):
            (files / place).mkdir(exist_ok=True)
        os.chmod(made, 0o755)
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, needs.USER, needs.USER)
        pairs = []
        for number in range(rounds + 1):
            plain, contained = seconds(outside(files, folder)), seconds(inside(image, folder))
            if number:      # the first reads the disk
                pairs.append((plain, contained))
                print(f"outside {plain:.1f} s   inside {contained:.1f} s   {contained / plain - 1:+.1%}", flush=True)
        subprocess.run(["podman", "image", "unmount", image], capture_output=True)
    print(f"median of the pairs: {statistics.median(contained / plain for plain, contained in pairs) - 1:+.1%}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5)
