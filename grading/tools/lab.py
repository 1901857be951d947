"""`course lab`: start JupyterLab for staff, with formgrader on this course and nothing asked of the network."""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from ..border import surroundings
from ..run.course import Course


def start(console: Console, root: Path | None, options: Iterable[str]) -> None:
    """Say what is wrong with the exchange, then become JupyterLab. Returns only where no program can be started."""
    course = Course(root)
    for line in trouble_with_exchange(course.config.Exchange.get("root") or "/usr/local/share/nbgrader/exchange"):
        console.print(f"[bold yellow]exchange:[/] {line}", soft_wrap=True, highlight=False)
    os.chdir(course.dir.root)
    os.execve(sys.executable, command(course.dir.root, options), environment(course.dir.root))


def command(root: str | Path, options: Iterable[str]) -> list[str]:
    """The command line of JupyterLab; formgrader wants the course below the server's folder."""
    return [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", *options]


def environment(root: str | Path) -> dict[str, str]:
    """This environment, with the course's Jupyter settings in front and the course's programs on PATH."""
    settings = [str(Path(root, "jupyter", "staff")), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", "/usr/bin:/bin")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(settings), "PATH": os.pathsep.join(programs)}


def trouble_with_exchange(root: str | Path) -> list[str]:
    """Why staff cannot release and students cannot submit through the exchange at `root`, as lines; [] if they can."""
    root = Path(root)
    make = f"Make it with: sudo install -d -m 1777 {root}"
    if not root.exists() and surroundings.look().container:
        return [f"{root} does not exist in this container, so Release and Collect are switched off. Hand-ins come by course collect or lie in "
                f"submitted/; a folder that everybody may write to can be mounted there: --volume FOLDER:{root}"]
    name = "Its place is c.Exchange.root in nbgrader_config.py of the course, of ~/.jupyter or of /etc/jupyter."
    if not root.exists():
        return [f"{root} does not exist, so Release and Collect are switched off. {make}", name]
    if not root.is_dir():
        return [f"{root} is a file where a folder is needed.", name]
    if stat.S_IMODE(root.stat().st_mode) & 0o777 != 0o777:
        return [f"{root} may not be written by everybody, so students cannot submit. Mend it with: sudo chmod 1777 {root}"]
    if not root.stat().st_mode & stat.S_ISVTX:
        return [f"In {root} everybody may rename and remove what is not theirs, the course's folder with all hand-ins included. "
                f"Mend it with: sudo chmod 1777 {root}"]
    return []
