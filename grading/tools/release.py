"""Make what is released: by nbgrader's own generate_assignment, run in a folder where it touches no gradebook; the lecture."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from nbgrader.api import Gradebook

from ..run.course import Course
from ..run.gradebook import exists
from .lecture import LECTURE, release_lecture


class ReleaseFailed(Exception):
    """nbgrader could not generate a release; the message carries what it said."""


def generate(where: str | Path, root: str | Path, due: Mapping[str, datetime] = MappingProxyType({})) -> list[str]:
    """Generate every assignment of `root`/source into the course folder `where`; returns their names. When they are `due` stands in
    their heads."""
    where = Path(where)
    where_rows_go = f"sqlite:///{where}/gradebook.db"       # never the course's own, which may be a server
    if due:
        with Gradebook(where_rows_go) as gradebook:
            for name, moment in due.items():
                gradebook.add_assignment(name, duedate=moment)
    names = sorted(folder.name for folder in (Path(root) / "source").iterdir() if folder.is_dir())
    shutil.copytree(Path(root) / "source", where / "source", dirs_exist_ok=True)
    for name in names:
        done = subprocess.run([sys.executable, "-m", "nbgrader", "generate_assignment", name,
                               f"--CourseDirectory.root={where}", f"--CourseDirectory.db_url={where_rows_go}"], cwd=root, capture_output=True, text=True)
        if done.returncode:
            raise ReleaseFailed(f"nbgrader generate_assignment {name} failed:\n{done.stderr[-3000:]}")
    return names


def deadlines(course: Course) -> dict[str, datetime]:
    """{assignment: when it is due}, of those that the gradebook knows."""
    if not exists(course.dir.db_url):
        return {}
    with course.gradebook() as gradebook:
        return {row.name: row.duedate for row in gradebook.assignments if row.duedate}


def regenerate(release: str | Path, root: str | Path) -> list[str]:
    """Replace what the folder `release` holds by what `root`/source and `root`/lecture give now; the old one stays if anything fails."""
    with tempfile.TemporaryDirectory() as folder:
        names = generate(folder, root, deadlines(Course(root)))
        for name in names:
            target = Path(release) / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(Path(folder) / "release" / name, target)
    if Path(root, "lecture").is_dir():
        release_lecture(Path(release, LECTURE), Path(root))
        names.append(LECTURE)
    return names
