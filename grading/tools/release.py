"""Make what is released: by nbgrader's own generate_assignment, run in a folder where it touches no gradebook; the lecture."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .lecture import LECTURE, release_lecture


class ReleaseFailed(Exception):
    """nbgrader could not generate a release; the message carries what it said."""


def generate(where: str | Path, root: str | Path) -> list[str]:
    """Generate every assignment of `root`/source into the course folder `where`; returns their names."""
    where = Path(where)
    names = sorted(folder.name for folder in (Path(root) / "source").iterdir() if folder.is_dir())
    shutil.copytree(Path(root) / "source", where / "source", dirs_exist_ok=True)
    for name in names:
        done = subprocess.run([sys.executable, "-m", "nbgrader", "generate_assignment", name,
                               f"--CourseDirectory.root={where}"], cwd=root, capture_output=True, text=True)
        if done.returncode:
            raise ReleaseFailed(f"nbgrader generate_assignment {name} failed:\n{done.stderr[-3000:]}")
    return names


def regenerate(release: str | Path, root: str | Path) -> list[str]:
    """Replace what the folder `release` holds by what `root`/source and `root`/lecture give now; the old one stays if anything fails."""
    with tempfile.TemporaryDirectory() as folder:
        names = generate(folder, root)
        for name in names:
            target = Path(release) / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(Path(folder) / "release" / name, target)
    if Path(root, "lecture").is_dir():
        release_lecture(Path(release, LECTURE), Path(root))
        names.append(LECTURE)
    return names
