"""Where the grader runs: on a Linux host, in whose container, or on a system that has no namespaces. Standard library only."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SYS_ADMIN = 21      # the number of the capability that makes namespaces without a user namespace
UBUNTU = "kernel/apparmor_restrict_unprivileged_userns"
# Whose containers they are, as far as files and variables tell; the first that is there counts.
VARIABLES = {"CODESPACES": "devcontainer", "REMOTE_CONTAINERS": "devcontainer", "KUBERNETES_SERVICE_HOST": "Kubernetes"}
FILES = {"var/run/secrets/kubernetes.io": "Kubernetes", "run/.containerenv": "podman", ".dockerenv": "Docker"}
# Kernels' names for a container in its control group (version 1) and in what its processes inherit.
MARKS = ("docker", "kubepods", "containerd", "libpod", "lxc")
SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}


class Platform(StrEnum):
    """A way to start a container, as its users call it. `OTHER`: a container of an engine that left no sign."""

    DOCKER = "Docker"
    PODMAN = "podman"
    COMPOSE = "compose"
    DEVCONTAINER = "devcontainer"
    KUBERNETES = "Kubernetes"
    OTHER = "another engine"


CALLED = {Platform.DOCKER: "a Docker container", Platform.PODMAN: "a podman container", Platform.COMPOSE: "a container of compose",
          Platform.DEVCONTAINER: "a devcontainer", Platform.KUBERNETES: "a Kubernetes pod", Platform.OTHER: "a container"}


@dataclass(frozen=True)
class Surroundings:
    """What is known of the place before the kernel is asked. `container` is None on a host."""

    system: str = "Linux"
    container: Platform | None = None
    filtered: bool = False              # a seccomp filter holds for this process
    gains_no_rights: bool = False       # no-new-privileges: newuidmap cannot work
    label: str = ""                     # AppArmor's profile of this process, "unconfined", or nothing where there is no AppArmor
    restricted: bool = False            # AppArmor lets no ordinary program have capabilities in a user namespace
    masked: tuple[str, ...] = ()        # what lies over parts of /proc
    root: bool = False
    administers: bool = False           # root with the right to make namespaces

    @property
    def isolates(self) -> bool:
        """Whether the system has what a sandbox stands on at all."""
        return self.system == "Linux"

    def describe(self) -> str:
        if not self.isolates:
            return self.system
        who = "root" if self.root else "an ordinary user"
        return f"{CALLED[self.container]}, as {who}" if self.container else f"Linux, in no container, as {who}"


def look(root: Path = Path("/"), variables: Mapping[str, str] = os.environ, system: str | None = None) -> Surroundings:
    """What files below `root` and environment variables tell."""
    system = system or SYSTEMS.get(sys.platform, sys.platform)
    if system != "Linux":
        return Surroundings(system)
    status = fields(text(root / "proc/self/status"))
    uid, capabilities = status.get("Uid", "").split() or ["", ""], int(status.get("CapEff", "0") or "0", 16)
    container = whose(root, variables)
    return Surroundings(
        system, container, status.get("Seccomp") == "2", status.get("NoNewPrivs") == "1",
        text(root / "proc/self/attr/current").strip("\0\n"), text(root / "proc/sys" / UBUNTU).strip() == "1",
        over_proc(text(root / "proc/self/mountinfo")) if container else (), uid[1] == "0", bool(capabilities >> SYS_ADMIN & 1))


def whose(root: Path, variables: Mapping[str, str]) -> Platform | None:
    for name, found in VARIABLES.items():
        if variables.get(name, "").lower() not in ("", "false", "0"):
            return Platform(found)
    for name, found in FILES.items():
        if (root / name).exists():
            return Platform(found)
    groups, mounts = text(root / "proc/self/cgroup"), text(root / "proc/self/mountinfo")
    if variables.get("container") or any(mark in groups for mark in MARKS) or lies_on_layers(mounts):
        return Platform.OTHER
    return None


def lies_on_layers(mounts: str) -> bool:
    """Whether / is an overlay, as images are."""
    return any(line.split()[4:5] == ["/"] and line.split(" - ")[-1].startswith("overlay ") for line in mounts.splitlines())


def over_proc(mounts: str) -> tuple[str, ...]:
    """The mounts below /proc: while there is one, Linux refuses a new /proc in a user namespace."""
    places = [line.split()[4] for line in mounts.splitlines() if len(line.split()) > 4]
    return tuple(sorted({place for place in places if place.startswith("/proc/")}))


def image(variables: Mapping[str, str] = os.environ, written: Path = Path("/opt/course/image")) -> str | None:
    """What grades recorded here say of the container's image: the digest that whoever started it told, else that of all packages
    in it, which its build wrote down; None where there is no image of the course."""
    return variables.get("COURSE_IMAGE") or text(written).strip() or None


def fields(status: str) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in status.splitlines())}


def text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
