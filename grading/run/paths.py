"""Every folder and file that a course is configured with: what student code must not see, wherever it lies."""

import os
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from ..border import mounts


def hidden(config: Config, root: str | Path | None = None) -> tuple[str, ...]:
    """Those that would be seen inside a sandbox, because they lie below something that is mounted: hardly ever one."""
    return mounts.below(configured(config, root))


def configured(config: Config, root: str | Path | None = None) -> tuple[str, ...]:
    """The course's folder, and every path of `config` (nbgrader's configuration) that exists."""
    course = CourseDirectory(config=config)
    root = Path(root or course.root).absolute()
    found = {str(root)}
    for section in config.values():
        for value in section.values() if hasattr(section, "values") else ():
            for text in value if isinstance(value, (list, tuple)) else [value]:
                found |= paths_in(text, root)
    for step in (course.source_directory, course.release_directory, course.submitted_directory, course.autograded_directory, course.feedback_directory):
        found |= {os.path.realpath(Path(root, step))}      # it may be a link
    database = paths_in(course.db_url, root)
    return tuple(sorted({*found, *database, *map(os.path.dirname, database)}))     # beside it lie journals and older copies


def paths_in(text: object, root: Path) -> set[str]:
    if not isinstance(text, (str, Path)) or not str(text):
        return set()
    path = Path(root, str(text).removeprefix("sqlite:///"))
    try:
        return {str(path)} if path != root and path.exists() else set()
    except (OSError, ValueError):
        return set()
