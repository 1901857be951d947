"""What keeps student code from being isolated is told apart by what Linux answers, and named with the option that mends it."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grading.border import needs, probe, surroundings
from grading.border.identity import Identity, Kind
from grading.border.needs import Need, missing, option
from grading.border.sandbox import Sandbox, SandboxUnavailable
from grading.border.surroundings import Platform, Surroundings, look
from grading.tools import cli, doctor
from grading.border import sandbox as sandbox_module

DONE = dict.fromkeys(("clone", "unshare", "uid_map", "namespaces", "mount", "sethostname", "proc", "pivot_root", "umount2", "nested"), 0)
PODMAN = Surroundings(container=Platform.PODMAN, filtered=True)
# Install a filter that refuses the calls of the arguments after the first, then become the probe.
REFUSING = """
import os, sys
import pyseccomp
rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
for name in sys.argv[2:]:
    rules.add_rule(pyseccomp.ERRNO(1), name)
rules.load()
os.execv(sys.executable, [sys.executable, "-I", "-S", "-B", sys.argv[1]])
"""


def answers(command):
    """What the probe was told in the surroundings that `command` makes for it."""
    done = subprocess.run(command, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return {name: answer for line in done.stdout.splitlines() for name, answer in json.loads(line).items()}


def in_namespace(script):
    """The command that runs the probe after `script`, as root of a user namespace that owns its mounts."""
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-e", "-c",
            f'{script}\nexec "$0" -I -S -B "$1"', sys.executable, probe.__file__]


def names(found):
    return [one.name for one in found]


# --- asked of the real kernel ---------------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_where_a_sandbox_starts_every_call_is_done_and_nothing_is_missing():
    said = probe.ask()
    assert said.keys() >= DONE.keys() - {"clone"} and not any(said[name] for name in said.keys() - {"label"})
    assert missing(said, look()) == []


@pytest.mark.sandbox
@pytest.mark.parametrize("call", ["sethostname", "mount", "pivot_root", "umount2", "unshare"])
def test_a_filter_that_refuses_one_call_is_the_profile_and_nothing_else(call):
    said = answers([sys.executable, "-c", REFUSING, probe.__file__, call])
    found = missing(said, PODMAN)
    assert Need.PROFILE in names(found) and f"refuses {call}" in found[0].said
    assert names(found) == [Need.PROFILE], "no other option is asked for"
    assert "podman:       --security-opt seccomp=container/seccomp.json" in found[0].remedy.splitlines()[1]


@pytest.mark.sandbox
def test_a_covered_proc_is_told_from_the_profile():
    said = answers(in_namespace("mount -t tmpfs none /proc/irq"))
    assert said == {**said, **DONE, "proc": errno.EPERM}, "only /proc is refused"
    found = missing(said, PODMAN)
    assert names(found) == [Need.PROC] and "podman:       --security-opt unmask=ALL" in found[0].remedy


@pytest.mark.sandbox
def test_where_no_more_namespaces_may_be_made_the_host_s_setting_is_named():
    found = missing(answers(in_namespace("echo 0 > /proc/sys/user/max_user_namespaces")), Surroundings())
    assert names(found) == ["user namespaces"] and "sysctl -w user.max_user_namespaces=15000" in found[0].remedy


@pytest.mark.sandbox
def test_both_are_named_where_both_are_missing():
    filtered = in_namespace("mount -t tmpfs none /proc/irq")
    said = answers([*filtered[:-3], 'mount -t tmpfs none /proc/irq\nexec "$0" -c "$1" "$2" sethostname', sys.executable, REFUSING, probe.__file__])
    assert names(missing(said, PODMAN)) == [Need.PROFILE, Need.PROC]


def test_a_probe_that_cannot_run_says_nothing(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert probe.ask() == {}


# --- what cannot be made here ---------------------------------------------------------------------------------------

DOCKER = {"filtered": True, "masked": ("/proc/kcore", "/proc/keys")}


@pytest.mark.parametrize(("said", "here", "due"), [
    # Docker's own profile refuses the first call, so that /proc cannot be asked: its covers are seen
    ({"clone": 1, "unshare": 1}, Surroundings(container=Platform.DOCKER, **DOCKER), [Need.PROFILE, Need.PROC]),
    ({"clone": 38, "unshare": 1}, Surroundings(container=Platform.DOCKER, filtered=True), [Need.PROFILE]),
    ({"clone": 1, "unshare": 1}, Surroundings(container=Platform.DOCKER, label="docker-default (enforce)", **DOCKER),
     [Need.APPARMOR, Need.PROFILE, Need.PROC]),
    ({"clone": 1, "unshare": 1}, Surroundings(container=Platform.DOCKER, restricted=True, label="unconfined", **DOCKER),
     [Need.APPARMOR, Need.PROFILE, Need.PROC]),
    ({"clone": 1, "unshare": 1}, Surroundings(container=Platform.DOCKER, restricted=True, label="docker-default (enforce)", **DOCKER),
     [Need.APPARMOR, Need.PROFILE, Need.PROC]),
    ({**DONE, "proc": 1}, Surroundings(container=Platform.DOCKER, restricted=True, label="unconfined", filtered=True), [Need.PROC]),
    ({"clone": 0, "unshare": 0, "uid_map": 1, "mount": 1, "label": "unprivileged_userns (enforce)"},
     Surroundings(container=Platform.DOCKER, restricted=True, label="unconfined", filtered=True), [Need.APPARMOR]),
    ({**DONE, "mount": 13, "proc": 13}, Surroundings(container=Platform.KUBERNETES, label="made-here (enforce)", filtered=True),
     [Need.APPARMOR, Need.PROC]),
    # Ubuntu: the namespace is made, and whoever made it has no rights in it
    ({"clone": 0, "unshare": 0, "uid_map": 1, "label": "unprivileged_userns (enforce)"}, Surroundings(restricted=True, label="unconfined"),
     [Need.APPARMOR]),
    ({"clone": 13, "unshare": 13}, Surroundings(restricted=True, label="unconfined"), [Need.APPARMOR]),
    ({"clone": 0, "unshare": 0, "uid_map": 1, "label": "unprivileged_userns (enforce)"},
     Surroundings(container=Platform.DOCKER, restricted=True, label="unconfined"), [Need.APPARMOR]),
    ({**DONE, "proc": 1}, Surroundings(container=Platform.OTHER, filtered=True), [Need.PROC]),
    ({**DONE, "proc": 1}, Surroundings(), [Need.PROC]),      # in another bubblewrap, say
    ({"clone": 1, "unshare": 1}, Surroundings(), ["namespaces"]),
    # bubblewrap takes root for one who may, and the kernel maps root to nobody without a capability of its own
    (DONE, Surroundings(container=Platform.DOCKER, root=True, filtered=True), [Need.USER]),
    ({**DONE, "uid_map": 1}, Surroundings(container=Platform.DOCKER, root=True, filtered=True), [Need.USER]),
    ({**DONE, "proc": 1}, Surroundings(container=Platform.DOCKER, root=True, administers=True), [Need.PROC]),
    (DONE, Surroundings(container=Platform.DOCKER, restricted=True, label="course-container (unconfined)", filtered=True), []),
])
def test_what_is_missing_is_told_by_the_answers(said, here, due):
    found = missing(said, here)
    assert names(found) == due and all(one.said and one.remedy for one in found)


def test_on_ubuntu_bubblewrap_alone_gets_a_profile_and_no_switch_is_turned_for_all():
    found, = missing({"unshare": 13}, Surroundings(restricted=True, label="unconfined"))
    assert "profile course-bwrap" in found.remedy and "apparmor_parser -r" in found.remedy and "sysctl -w" not in found.remedy


def test_a_container_on_ubuntu_is_given_a_profile_of_its_own():
    found, = missing({"unshare": 13}, Surroundings(container=Platform.DOCKER, restricted=True, label="unconfined"))
    assert "apparmor_parser -r container/apparmor/course-container" in found.remedy
    assert "Docker:       --security-opt apparmor=course-container" in found.remedy
    assert "localhostProfile: course-container" in found.remedy


def test_every_option_is_written_for_every_platform_and_the_one_in_use_comes_first():
    for need in Need:
        lines = needs.everywhere(need, Platform.COMPOSE).splitlines()
        assert [line.split(":")[0] for line in lines] == ["compose", "Docker", "podman", "devcontainer", "Kubernetes"]
    assert option(Need.PROC, Platform.PODMAN) == "--security-opt unmask=ALL"
    assert option(Need.PROC, Platform.DOCKER) == "--security-opt systempaths=unconfined"
    assert option(Need.PROC, Platform.COMPOSE) == 'security_opt: ["systempaths=unconfined"]'
    assert "procMount: Unmasked" in option(Need.PROC, Platform.KUBERNETES)
    assert "${localWorkspaceFolder}/container/seccomp.json" in option(Need.PROFILE, Platform.DEVCONTAINER)


# --- where this is --------------------------------------------------------------------------------------------------

STATUS = "Name:\tpython\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t{capabilities}\nNoNewPrivs:\t1\nSeccomp:\t2\n"
MOUNTS = """25 1 0:23 / / rw,relatime - {kind} {kind} rw
26 25 0:24 / /proc rw,nosuid - proc proc rw
27 26 0:24 /bus /proc/bus ro,nosuid - proc proc rw
28 26 0:25 / /proc/acpi ro - tmpfs tmpfs ro
"""


@pytest.fixture
def place(tmp_path):
    """Make a root folder with the files that tell what kind of place it is."""
    def make(*files, kind="ext4", capabilities="0000000000000000", groups="0::/", label=""):
        for name, text in {"proc/self/status": STATUS.format(capabilities=capabilities), "proc/self/mountinfo": MOUNTS.format(kind=kind),
                           "proc/self/cgroup": groups, "proc/self/attr/current": label, **dict.fromkeys(files, "")}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path
    return make


@pytest.mark.parametrize(("files", "variables", "more", "due"), [
    ((), {}, {}, None),
    ((".dockerenv",), {}, {}, Platform.DOCKER),
    (("run/.containerenv",), {}, {}, Platform.PODMAN),
    ((), {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, {"kind": "overlay"}, Platform.KUBERNETES),
    (("var/run/secrets/kubernetes.io/serviceaccount/token",), {}, {}, Platform.KUBERNETES),
    ((".dockerenv",), {"CODESPACES": "true"}, {}, Platform.DEVCONTAINER),
    ((".dockerenv",), {"REMOTE_CONTAINERS": "true"}, {}, Platform.DEVCONTAINER),
    ((".dockerenv",), {"CODESPACES": "false"}, {}, Platform.DOCKER),
    ((), {}, {"kind": "overlay"}, Platform.OTHER),
    ((), {"container": "oci"}, {}, Platform.OTHER),
    ((), {}, {"groups": "4:pids:/kubepods/besteffort/x"}, Platform.OTHER)])
def test_a_container_is_known_by_what_its_engine_leaves_in_it(place, files, variables, more, due):
    here = look(place(*files, **more), variables, "Linux")
    assert here.container == due and here.filtered and here.gains_no_rights and not here.root
    assert here.masked == (("/proc/acpi", "/proc/bus") if due else ()), "on a host nothing hides /proc"


def test_rights_and_apparmor_are_read(place):
    here = look(place(".dockerenv", capabilities="00000000a80425fb", label="docker-default (enforce)\n"), {}, "Linux")
    assert here.label == "docker-default (enforce)" and not here.administers
    assert look(place(capabilities="000001ffffffffff"), {}, "Linux").administers
    assert look(Path("/nowhere"), {}, "Linux") == Surroundings()


# --- the doctor and the refusal say it ------------------------------------------------------------------------------

@pytest.fixture
def broken(monkeypatch, tmp_path):
    """A bubblewrap that starts nothing, and a kernel that answers as asked."""
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: no luck' >&2\nexit 1\n")
    program.chmod(0o755)
    for module in (doctor, sandbox_module):
        monkeypatch.setattr(module, "find_bwrap", lambda: str(program))

    def answer(said, here):
        monkeypatch.setattr(probe, "ask", lambda: said)
        monkeypatch.setattr(surroundings, "look", lambda: here)
        monkeypatch.setattr(needs, "look", lambda: here)
    return answer


def test_the_refusal_and_the_doctor_name_the_option_that_is_missing_and_no_other(broken):
    broken({**DONE, "proc": 1}, PODMAN)
    with pytest.raises(SandboxUnavailable, match=r"(?s)no luck.*unmask=ALL.*Execute.sandbox=none") as refused:
        Sandbox().start()
    assert "seccomp=" not in str(refused.value) and "apt-get" not in str(refused.value)
    there, *found = doctor.sandbox()
    assert not there.ok and [one.name for one in found] == [Need.PROC] and found[0].needed and "unmask=ALL" in found[0].remedy


def test_the_doctor_prints_every_line_of_a_remedy(broken, monkeypatch):
    broken({"unshare": 1}, Surroundings(container=Platform.DOCKER, **DOCKER))
    monkeypatch.setattr(doctor, "seccomp", lambda: doctor.Finding("system call filter", True, "there"))
    monkeypatch.setattr(cli, "places_of", lambda course: ())
    monkeypatch.setattr(cli, "gradebook_of", lambda course: None)
    said = CliRunner().invoke(cli.app, ["doctor"])
    assert said.exit_code == 1 and "ok       place: a Docker container" in said.output
    assert "         Docker:       --security-opt seccomp=container/seccomp.json\n" in said.output
    assert "         Docker:       --security-opt systempaths=unconfined\n" in said.output


def test_what_a_container_cannot_give_is_said_with_what_it_costs(monkeypatch):
    here = Surroundings(container=Platform.DOCKER, gains_no_rights=True, root=True)
    monkeypatch.setattr(doctor.cgroup, "enclose", lambda limits: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    group, user = doctor.memory(here), doctor.grader(here)
    own = doctor.host_id(Identity(Kind.SHARED, 1000, 1000), here)
    assert "more memory than it may have" in group.said and "--memory" in group.remedy and "loginctl" not in group.remedy
    assert "--user 1000:1000" in user.remedy and "runAsUser: 1000" in user.remedy
    assert "no-new-privileges" in own.remedy and "apt-get" not in own.remedy


@pytest.mark.parametrize(("system", "due"), [("macOS", "make container"), ("Windows", "docker compose up")])
def test_on_macos_and_windows_the_container_is_the_way(system, due, monkeypatch):
    monkeypatch.setattr(surroundings, "look", lambda: Surroundings(system))
    monkeypatch.setattr(cli, "places_of", None)     # nothing that needs Linux is asked
    for command in ("doctor", "grade"):
        said = CliRunner().invoke(cli.app, [command, *(["ps1"] if command == "grade" else [])])
        assert said.exit_code == 1 and due in said.output and "Linux only" in said.output and system in said.output
