"""`course container`, also `python -m grading.tools.container`: build the course's image and run a command of the course in it.

It needs Python and an engine (podman or Docker) and nothing else, so that it runs where nothing of the course is installed: macOS,
Windows, a bare Linux. Standard library only. What the container may do stands in `grading/border/needs.py`.
"""

import argparse
import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..border import needs, surroundings
from ..border.surroundings import Platform
from ..root import CourseError, find_root

ROOT = Path(__file__).resolve().parents[2]
MADE_FROM = ("container/Containerfile", "requirements.txt")
INSIDE, PORT = "/course", 8888
LAB = ["course", "lab", "--ip=0.0.0.0", f"--port={PORT}", "--no-browser"]
APPARMOR = Path("/sys/module/apparmor/parameters/enabled")


class NoContainer(Exception):
    """No container can be started here; the message says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    try:
        course = ROOT if asked.build else find_root(asked.course)
        engine = find_engine(asked.engine)
        owner = folder_owner(engine, ROOT)
        image = build(engine, owner, asked.update)
        if asked.build:
            return 0
        if not asked.command:
            refuse_taken(asked.port)
        return start(engine, image, owner, asked.command or LAB, asked.port, place_inside(course), asked.volume)
    except (CourseError, NoContainer) as error:
        print(f"container: {error}", file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="course container", description="Build the course's image where it is not there yet, and run COMMAND in "
                                   f"it on this folder; by default JupyterLab with formgrader at http://127.0.0.1:{PORT}.")
    made.add_argument("--engine", choices=("podman", "docker"), help="by default the first of them that is installed")
    made.add_argument("--port", type=int, default=PORT, help="of this machine, for JupyterLab  [default: %(default)s]")
    made.add_argument("--course", type=Path, help="the course's folder, if it is neither this one nor above it, such as build/demo")
    made.add_argument("--volume", action="append", default=[], metavar="FOLDER:PLACE", help="another folder and its place inside, such as an exchange")
    made.add_argument("--update", action="store_true", help="build the image anew, with today's packages of Debian")
    made.add_argument("--build", action="store_true", help="only build it")
    made.add_argument("command", nargs=argparse.REMAINDER, help="for example: course demo ps1")
    return made


# --- engine, owner, image -------------------------------------------------------------------------------------------

def find_engine(wanted: str | None) -> str:
    for name in (wanted,) if wanted else ("podman", "docker"):
        if shutil.which(name):
            return name
    raise NoContainer(f"{wanted or 'Neither podman nor docker'} is {'not ' if wanted else ''}installed. Install Docker Desktop or Podman Desktop "
                      "(macOS, Windows), or: apt-get install podman")


def folder_owner(engine: str, folder: Path) -> tuple[int, int]:
    """(user, group) that write the course's folder. Only where an engine runs as root on Linux do ids inside reach the folder."""
    if sys.platform != "linux" or keeps_id(engine):
        return needs.USER, needs.USER
    status = folder.stat()
    if status.st_uid == 0:
        raise NoContainer(f"{folder} belongs to root, and the container's user is not root. Give it to an ordinary user: "
                          f"chown -R {needs.USER}:{needs.USER} {folder}")
    return status.st_uid, status.st_gid


def keeps_id(engine: str) -> bool:
    """Whether the engine runs as an ordinary user, whose id can be that of the container's user."""
    return engine == "podman" and sys.platform == "linux" and os.geteuid() != 0


def image_name(owner: tuple[int, int]) -> str:
    """A name that changes with all that the image is made from."""
    made = hashlib.sha256(repr(owner).encode())
    for name in MADE_FROM:
        made.update((ROOT / name).read_bytes())
    return f"localhost/gradients-course:{made.hexdigest()[:12]}"


def build(engine: str, owner: tuple[int, int], update: bool) -> str:
    image = image_name(owner)
    if not update and subprocess.run([engine, "image", "inspect", image], capture_output=True).returncode == 0:
        return image
    print("container: building the image (some minutes, once a term)", file=sys.stderr)
    command = [engine, "build", "--file", str(ROOT / MADE_FROM[0]), "--tag", image, "--build-arg", f"UID={owner[0]}",
               "--build-arg", f"GID={owner[1]}", *(["--pull", "--no-cache"] if update else []), str(ROOT)]
    if subprocess.run(command).returncode:
        raise NoContainer(f"The image could not be built; see the message of {engine} above.")
    return image


def digest(engine: str, image: str) -> str:
    done = subprocess.run([engine, "image", "inspect", "--format", "{{.Id}}", image], capture_output=True, text=True)
    found = done.stdout.strip()
    return found if not found or found.startswith("sha256:") else f"sha256:{found}"


# --- the container --------------------------------------------------------------------------------------------------

def start(engine: str, image: str, owner: tuple[int, int], command: Sequence[str], port: int, place: str,
          volumes: Sequence[str] = ()) -> int:
    token = secrets.token_urlsafe(24)
    words = run_command(engine, image, owner, command, port, place, digest(engine, image), sys.stdin.isatty(), volumes)
    if list(command) == LAB:
        print(f"container: JupyterLab will be at http://127.0.0.1:{port}/lab?token={token}\ncontainer: Ctrl-C ends it.", file=sys.stderr)
    try:    # the token goes by the environment: what is on a command line every user of this machine can read
        return subprocess.run(words, env={**os.environ, "JUPYTER_TOKEN": token}).returncode
    except KeyboardInterrupt:
        return 130


def run_command(engine: str, image: str, owner: tuple[int, int], command: Sequence[str], port: int, place: str, image_digest: str,
                terminal: bool, volumes: Sequence[str] = ()) -> list[str]:
    platform = Platform.PODMAN if engine == "podman" else Platform.DOCKER
    user = ["--userns", f"keep-id:uid={needs.USER},gid={needs.USER}"] if keeps_id(engine) else []
    published = ["--publish", f"127.0.0.1:{port}:{PORT}"] if list(command) == LAB else []
    return [engine, "run", "--rm", "--interactive", *(["--tty"] if terminal else []), *published,
            *(word for volume in (f"{ROOT}:{INSIDE}", *volumes) for word in ("--volume", volume)), "--workdir", place, "--env", "JUPYTER_TOKEN", "--env", f"COURSE_IMAGE={image_digest}",
            "--user", f"{owner[0]}:{owner[1]}", *user, *needs.run_options(platform, ROOT, apparmor()), *labels(), image, *command]


def apparmor() -> str | None:
    """The profile that the host's AppArmor needs to hold back for: an engine's own forbids to mount."""
    if sys.platform != "linux" or surroundings.text(APPARMOR).strip() != "Y":
        return None
    return needs.APPARMOR if surroundings.look().restricted else "unconfined"


def labels() -> list[str]:
    """SELinux would keep the course's folder from the container, and relabelling it would be a change to the folder."""
    return ["--security-opt", "label=disable"] if Path("/sys/fs/selinux/enforce").exists() else []


def place_inside(course: Path) -> str:
    course = course.resolve()
    if not course.is_relative_to(ROOT):
        raise NoContainer(f"{course} does not lie in {ROOT}, which is what the container sees. Run this from the checkout of that course.")
    return "/".join([INSIDE, *course.relative_to(ROOT).parts])


def refuse_taken(port: int) -> None:
    with socket.socket() as sock:
        if sock.connect_ex(("127.0.0.1", port)) == 0:
            raise NoContainer(f"Something else listens on port {port}. Name another: --port {port + 1}")


if __name__ == "__main__":
    sys.exit(main())
