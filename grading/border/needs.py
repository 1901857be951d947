"""What keeps student code from being isolated here, and the option that mends it. Standard library only.

The options of a container stand here and nowhere else: `course container`, `course doctor` and the refusal take them from here, a
test holds `compose.yaml`, `.devcontainer/` and `container/kubernetes/` to them.
"""

import errno
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from . import probe
from .surroundings import UBUNTU, Platform, Surroundings, look

PROFILE = "container/seccomp.json"                          # the engine's own and what bubblewrap needs
NODE_PROFILE = "container/kubernetes/seccomp.json"          # the same as a node reads it
APPARMOR = "course-container"                               # a profile of its own, where AppArmor restricts namespaces
USER = 1000
NO_NEW = "no-new-privileges"
# The calls that bubblewrap makes and an engine's own profile does not allow to ordinary users.
CALLS = ("clone", "clone3", "unshare", "mount", "umount2", "pivot_root", "setns", "sethostname", "chroot")
# Answers that stand for one of them, or for several at once.
ASKED = {"clone": "clone", "unshare": "unshare", "namespaces": "unshare", "nested": "unshare", "mount": "mount", "umount2": "umount2",
         "sethostname": "sethostname", "pivot_root": "pivot_root"}
REFUSALS = (errno.EPERM, errno.ENOSYS, errno.EACCES)
# AppArmor's profiles for containers that come with an engine; each forbids to mount.
ENGINES_OWN = ("docker-default", "containers-default", "cri-containerd", "crio-default", "lxc-container-default")
TAKEN_AWAY = "unprivileged_userns"      # the profile into which Ubuntu puts whoever makes a user namespace
ANYWHERE = """Grading needs bubblewrap and user namespaces. Try, as root:
    apt-get install bubblewrap
    sysctl -w kernel.unprivileged_userns_clone=1        (older Debian)"""
TRUSTED = """To run code that you trust without isolation, say so:
    --Execute.sandbox=none"""


class Need(StrEnum):
    """What a container has to be given."""

    PROFILE = "seccomp profile"
    PROC = "unmasked /proc"
    APPARMOR = "AppArmor"
    USER = "ordinary user"


SECURITY: dict[Need, dict[Platform | None, str]] = {      # the argument of --security-opt; None: wherever no other is named
    Need.PROFILE: {None: f"seccomp={PROFILE}"},
    Need.PROC: {None: "systempaths=unconfined", Platform.PODMAN: "unmask=ALL"},
    Need.APPARMOR: {None: "apparmor=unconfined"},
}
KUBERNETES = {
    Need.PROFILE: "securityContext: {seccompProfile: {type: Localhost, localhostProfile: course.json}}, and on each node "
                  f"{NODE_PROFILE} as /var/lib/kubelet/seccomp/course.json",
    Need.PROC: "securityContext: {procMount: Unmasked}, with hostUsers: false in the pod's spec",
    Need.APPARMOR: "securityContext: {appArmorProfile: {type: Unconfined}}",
    Need.USER: f"securityContext: {{runAsUser: {USER}, runAsNonRoot: true}}",
}
STARTED_BY = (Platform.DOCKER, Platform.PODMAN, Platform.COMPOSE, Platform.DEVCONTAINER, Platform.KUBERNETES)


@dataclass(frozen=True)
class Missing:
    """One thing that is missing here: its name, what was seen of it, and what to do, in lines."""

    name: str
    said: str
    remedy: str
    ok: ClassVar[bool] = False
    needed: ClassVar[bool] = True


def security(need: Need, platform: Platform, named: str | None = None) -> str:
    """The argument of --security-opt that meets a need."""
    return named or SECURITY[need].get(platform, SECURITY[need][None])


def option(need: Need, platform: Platform, named: str | None = None) -> str:
    """What meets a need, as it is written for a platform. `named` takes the place of the usual argument of --security-opt."""
    if platform is Platform.KUBERNETES:
        if need is Need.APPARMOR and named:
            return f"securityContext: {{appArmorProfile: {{type: Localhost, localhostProfile: {named.partition('=')[2]}}}}}"
        return KUBERNETES[need]
    if need is Need.USER:
        return {Platform.COMPOSE: f'user: "{USER}:{USER}"', Platform.DEVCONTAINER: f'"containerUser": "{USER}"'}.get(
            platform, f"--user {USER}:{USER}")
    word = security(need, platform, named)
    if platform is Platform.COMPOSE:
        return f'security_opt: ["{word}"]'
    if platform is Platform.DEVCONTAINER:
        return f'"runArgs": ["--security-opt", "{word.replace("=container/", "=${localWorkspaceFolder}/container/")}"]'
    return f"--security-opt {word}"


def everywhere(need: Need, here: Platform | None, named: str | None = None) -> str:
    """What meets a need for each platform, in lines; the one that it runs on comes first."""
    order = sorted(STARTED_BY, key=lambda platform: platform is not here)
    return "\n".join(f"{platform + ':':14}{option(need, platform, named)}" for platform in order)


def run_options(platform: Platform, root: Path, apparmor: str | None = None) -> list[str]:
    """All options of `docker run` or `podman run` about rights: none to gain, none to have, and what bubblewrap needs.

    `root` is the course's folder; `apparmor` is a profile by name, or "unconfined", where the host has AppArmor.
    """
    words = [security(Need.PROFILE, platform).replace(PROFILE, str(root / PROFILE)), security(Need.PROC, platform),
             *([f"apparmor={apparmor}"] if apparmor else [])]
    return ["--cap-drop", "ALL", "--security-opt", NO_NEW, *(part for word in words for part in ("--security-opt", word))]


# --- what is missing ------------------------------------------------------------------------------------------------

def missing(answers: Mapping[str, int | str], here: Surroundings) -> list[Missing]:
    """What keeps bubblewrap from its work, out of what the kernel answered (`probe.ask`) and what the place is."""
    if not here.isolates:
        return [elsewhere(here)]
    refused = {call for call, answer in answers.items() if isinstance(answer, int) and answer in REFUSALS}
    label = str(answers.get("label", here.label))
    mounts_forbidden = here.label.startswith(ENGINES_OWN) or confined(here.label) and answers.get("mount") == errno.EACCES
    taken_away = here.restricted and not mounts_forbidden and not confined(here.label) and bool(refused - {"proc"})
    found = closed(answers)
    if here.container and here.root and not here.administers:
        found.append(user(here))
        refused.discard("uid_map")
    if here.container and (mounts_forbidden or taken_away):
        found.append(apparmor_inside(here))
    elif taken_away:
        found.append(apparmor_on_host())
    calls = sorted({ASKED[call] for call in refused & ASKED.keys() if answers[call] != errno.EACCES}) if here.filtered else []
    if calls and TAKEN_AWAY not in label:       # there AppArmor is what refuses them
        found.append(profile(calls, here))
    elif refused - {"proc"} and not found:      # something that is not known here
        found.append(Missing("namespaces", f"Linux refuses {', '.join(sorted(refused))}", "Ask whoever runs this machine to let "
                             "ordinary users make user namespaces, or grade on another one: docs/containers.md"))
    if "proc" in refused or "proc" not in answers and here.masked:
        found.append(proc(here))
    return found


def closed(answers: Mapping[str, int | str]) -> list[Missing]:
    """Settings of the host that leave no user namespaces to anybody."""
    if answers.get("unshare") == errno.ENOSPC or answers.get("nested") == errno.ENOSPC:
        return [Missing("user namespaces", "there may be no more of them", "As root on the host: sysctl -w user.max_user_namespaces=15000")]
    if answers.get("unshare") and look_up("kernel/unprivileged_userns_clone") == "0":
        return [Missing("user namespaces", "closed to ordinary users", "As root on the host: sysctl -w kernel.unprivileged_userns_clone=1")]
    return []


def look_up(setting: str) -> str:
    try:
        with open(f"/proc/sys/{setting}") as file:
            return file.read().strip()
    except OSError:
        return ""


def confined(label: str) -> bool:
    return label not in ("", "unconfined") and "(unconfined)" not in label


def profile(calls: list[str], here: Surroundings) -> Missing:
    return Missing(Need.PROFILE, f"the filter of system calls around this {'container' if here.container else 'process'} refuses "
                   f"{', '.join(calls)}", "Start it with the engine's own profile and what bubblewrap needs:\n"
                   + everywhere(Need.PROFILE, here.container))


def user(here: Surroundings) -> Missing:
    return Missing(Need.USER, "root of a container without the right to make namespaces, and bubblewrap makes no user namespace for root",
                   "Start the container as an ordinary user:\n" + everywhere(Need.USER, here.container))


def proc(here: Surroundings) -> Missing:
    return Missing(Need.PROC, "parts of /proc are covered, so Linux lets no new /proc be mounted"
                   + (f" ({', '.join(here.masked[:3])}{' …' * (len(here.masked) > 3)})" if here.masked else ""),
                   "Start the container without these covers; docs/threat-model.md says what that weakens:\n"
                   + everywhere(Need.PROC, here.container))


def apparmor_inside(here: Surroundings) -> Missing:
    named = f"apparmor={APPARMOR}" if here.restricted else None
    load = "On the host, as root: apparmor_parser -r container/apparmor/course-container\nThen start " if named else "Start "
    said = f"its profile {here.label} forbids to mount" if confined(here.label) else "it leaves nobody rights in a user namespace"
    return Missing(Need.APPARMOR, said, f"{load}the container with:\n" + everywhere(Need.APPARMOR, here.container, named))


def apparmor_on_host() -> Missing:
    return Missing(Need.APPARMOR, f"it leaves nobody rights in a user namespace ({UBUNTU.replace('/', '.')} is 1)", bwrap_profile())


def bwrap_profile(bwrap: str = "/usr/bin/bwrap") -> str:
    """How bubblewrap alone is let through AppArmor, in place of a switch for every program."""
    lines = ("abi <abi/4.0>,", "include <tunables/global>", f'profile course-bwrap "{bwrap}" flags=(unconfined) {{ userns, }}')
    return ("Let bubblewrap alone have them, as root:\n"
            f"printf '%s\\n' {' '.join(map(shlex.quote, lines))} > /etc/apparmor.d/course-bwrap\n"
            "apparmor_parser -r /etc/apparmor.d/course-bwrap")


def elsewhere(here: Surroundings) -> Missing:
    start = "make container" if here.system == "macOS" else "docker compose up        (in WSL 2 also: make container)"
    return Missing("operating system", f"{here.system} has no namespaces: student code can be isolated on Linux only",
                   f"Grade in a container. Docker Desktop or podman machine run it in a small Linux of their own; docs/containers.md:\n{start}")


# --- for the refusal ------------------------------------------------------------------------------------------------

def without_bubblewrap() -> str:
    here = look()
    if not here.isolates:
        return f"{elsewhere(here).said}.\n{elsewhere(here).remedy}"
    return "bubblewrap is not installed. Install it with: apt-get install bubblewrap"


def advice() -> str:
    """What to do where no sandbox starts, in lines: what is missing, else what there is to try."""
    here = look()
    found = missing(probe.ask() if here.isolates else {}, here)
    lines = [f"{one.name}: {one.said}.\n{one.remedy}" for one in found] or [f"{ANYWHERE}\nThis is {here.describe()}; course doctor tells more."]
    return "\n".join([*lines, TRUSTED])
