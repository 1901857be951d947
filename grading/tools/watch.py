"""`course watch`: start the watcher on a course, or have systemd do so."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from rich.console import Console
from traitlets import TraitError

from ..border.sandbox import Sandbox
from ..notebooks.names import printable
from ..root import CONFIG, CourseError
from ..run.course import Course
from ..run.pool import NoWorkers
from ..watch.drop import Drop
from ..watch.exchange import Exchange
from ..watch.service import Watcher
from ..watch.settings import Watch
from .lab import trouble_with_exchange
from .terminal import tell

UNIT = """[Unit]
Description=Answers to students of the course in {root}
After=network.target

[Service]
Type=exec
WorkingDirectory={root}
ExecStart=/usr/bin/env {command}
Environment=PYTHONUNBUFFERED=1
Restart=on-failure
RestartSec=5
KillMode=mixed
TimeoutStopSec=20

[Install]
WantedBy=default.target
"""


def watch(console: Console, root: Path | None, assignments: list[str], jobs: int, folder: Path | None = None, pages: Path | None = None) -> int:
    """Answer what is handed in until somebody says stop, or what is dropped into `folder`; returns the exit status."""
    course, settings = course_to_watch(root)
    names = chosen(course, assignments)
    if folder and len(names) != 1 and not assignments:
        raise CourseError(f"Say which assignment is dropped into {folder}: course watch {names[0]} --folder {folder}")
    place: Drop | Exchange
    into = ""
    if folder:
        pages = (pages or folder.with_name(f"{folder.name}-pages")).absolute()
        place, into = Drop(course, folder.absolute(), pages), f"; pages go to {pages}"
    else:
        place = Exchange(course, settings.own, settings.quiet_seconds)
        place.open()
        for line in trouble_with_exchange(place.inbound.parents[1]):
            tell(console, line)
    Sandbox(course.execute.sandbox).probe()

    def say(line: str) -> None:
        with suppress(OSError):     # nobody reads it any more, or the disk is full on which it is kept
            tell(console, f"{time.strftime('%H:%M:%S')} {printable(line, 1000)}")
    tell(console, f"Watching {place.inbound} for {', '.join(names)}{into}. Ctrl-C ends it.")
    try:
        again = Watcher(course, names, settings, place, say, assignments).run(jobs)
    except NoWorkers as error:
        raise CourseError(f"Watching ended: {error}. Give the machine room, or use fewer processes (--jobs 1), and start it again; "
                          "it answers what was left.") from None
    if again:
        console.print("Code or settings have changed: starting again.")
        sys.stdout.flush()
        os.execv(sys.executable, sys.orig_argv)
    tell(console, "Stopped. What was handed in and not answered yet is answered by the next course watch.")
    return 0


def course_to_watch(root: Path | None) -> tuple[Course, Watch]:
    course = Course(root)
    try:
        return course, Watch(config=course.config)
    except TraitError as error:
        raise CourseError(f"{Path(course.dir.root, CONFIG)}: {error}") from None


def chosen(course: Course, assignments: list[str]) -> list[str]:
    """The assignments that are watched: those named, or all."""
    return [name for one in assignments for name in course.assignments(one)] if assignments else course.assignments()


def install_service(console: Console, root: Path, assignments: list[str], options: Mapping[str, object] = MappingProxyType({})) -> None:
    """Write a unit of the user's systemd for this course and start it, or say how where there is no systemd. It watches with the same
    `options`, where they are given."""
    course, _ = course_to_watch(root)
    unit = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "systemd", "user", f"course-watch-{course.dir.course_id}.service")
    unit.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "grading", "watch", *(chosen(course, assignments) if assignments else []),
               *(f"--{name}={value.absolute() if isinstance(value, Path) else value}" for name, value in options.items() if value)]
    unit.write_text(UNIT.format(root=course.dir.root.replace("%", "%%"), command=" ".join(map(word, command))), encoding="utf-8")
    console.print(f"wrote {unit}", highlight=False, soft_wrap=True)
    commands = [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", unit.name]]
    for one in commands:
        if not shutil.which("systemctl") or subprocess.run(one, capture_output=True).returncode:
            console.print("systemd could not be asked from here. As the user who grades, in a session of their own, run:")
            for line in [*map(shlex.join, commands), "loginctl enable-linger"]:
                console.print(f"  {line}", highlight=False, soft_wrap=True)
            return
    console.print(f"It runs. Look: systemctl --user status {unit.stem}. Keep it after logout: loginctl enable-linger", highlight=False, soft_wrap=True)


def word(text: str) -> str:
    """One word of a command in a unit, after the first: what systemd would take for something else is written so that it does not."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'
