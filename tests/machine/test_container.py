"""The container's options stand in one place, its profile adds bubblewrap's calls and no other, and its image holds no secret."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from grading.border import needs, surroundings
from grading.border.surroundings import Platform
from grading.run.execute import provenance
from grading.tools import cli, container
from grading.tools.lab import trouble_with_exchange

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("make_profile", ROOT / "container" / "make_profile.py")
make_profile = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_profile)
ENGINES_OWN = make_profile.DEFAULT
# The form of Docker's own, in little: calls with conditions on arguments, on capabilities, and refused ones.
DOCKERS = {
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []}],
    "syscalls": [
        {"names": ["read", "chroot", "write"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["clone"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 2114060288, "op": "SCMP_CMP_MASKED_EQ"}],
         "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390"]}},
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["bpf", "mount", "unshare"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
        {"names": ["s390_pci_mmio_read"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["s390x"]}},
        {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}}]}
DEFAULTS = {"Docker's form": DOCKERS} | ({"podman's": json.loads(ENGINES_OWN.read_text())} if ENGINES_OWN.exists() else {})
CAPABILITIES = ((), ("CAP_SYS_ADMIN",), ("CAP_SYS_CHROOT", "CAP_AUDIT_WRITE"))


def rules(profile, name, capabilities):
    """The rules of a profile for one call of a process with `capabilities`, in order."""
    held = set(capabilities)
    return [(rule["action"], rule.get("errnoRet"), json.dumps(rule.get("args") or []), json.dumps(rule.get("includes") or {}))
            for rule in profile["syscalls"] if name in rule["names"]
            and set((rule.get("includes") or {}).get("caps", ())) <= held and not set((rule.get("excludes") or {}).get("caps", ())) & held]


def calls(profile):
    return set(chain.from_iterable(rule["names"] for rule in profile["syscalls"]))


def differences(before, after):
    """The calls about which two profiles say different things, to a process with some capabilities or none."""
    return {name for name in calls(before) | calls(after) for held in CAPABILITIES if rules(before, name, held) != rules(after, name, held)}


# --- the profile ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("default", DEFAULTS)
def test_the_profile_allows_what_bubblewrap_calls_and_differs_in_nothing_else(default):
    before = DEFAULTS[default]
    after = make_profile.with_calls(before)
    for name in needs.CALLS:
        for held in CAPABILITIES:
            assert [(action, args) for action, _, args, _ in rules(after, name, held)] == [("SCMP_ACT_ALLOW", "[]")]
    assert differences(before, after) <= set(needs.CALLS)
    assert {name: value for name, value in before.items() if name != "syscalls"} == {
        name: value for name, value in after.items() if name != "syscalls"}


def test_a_profile_that_allows_one_more_call_is_noticed():
    after = make_profile.with_calls(DOCKERS)
    after["syscalls"].append({"names": ["bpf"], "action": "SCMP_ACT_ALLOW"})
    assert "bpf" in differences(DOCKERS, after)


def test_a_profile_that_allows_everything_is_no_default():
    with pytest.raises(ValueError, match="no engine's default"):
        make_profile.with_calls({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []})


def test_the_profiles_of_the_course_are_made_by_the_script():
    """From the engine's own where it is installed; what the committed one says beside bubblewrap's rule is that."""
    profile = json.loads((ROOT / needs.PROFILE).read_text())
    *own, added = profile["syscalls"]
    assert added["names"] == list(needs.CALLS) and added["comment"] == make_profile.COMMENT
    assert not calls({"syscalls": own}) & set(needs.CALLS)
    assert make_profile.with_calls(profile) == profile and make_profile.for_node(profile) == json.loads((ROOT / needs.NODE_PROFILE).read_text())
    assert len(own) > 10 and "ptrace" in calls(profile), "the engine's own rules are there"


def test_a_node_reads_no_conditions_so_none_is_left_to_be_passed_over():
    flat = make_profile.for_node(make_profile.with_calls(DOCKERS))
    assert {key for rule in flat["syscalls"] for key in rule} <= set(make_profile.RULE)
    allowed = {name for rule in flat["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" for name in rule["names"]}
    assert "bpf" not in allowed and "s390_pci_mmio_read" not in allowed, "those are for a capability, or another processor"
    assert set(needs.CALLS) | {"read", "write", "arch_prctl"} <= allowed


# --- one place for the options --------------------------------------------------------------------------------------

def said(words):
    """{option or key of --security-opt: value} of a command line of `docker run`."""
    words = iter(words)
    found = {}
    for word in words:
        value = next(words)
        name, _, more = value.partition("=")
        found[name if word == "--security-opt" else word] = more.rpartition("/")[2] or value
    return found


DUE = said(needs.run_options(Platform.DOCKER, ROOT, "unconfined"))


def test_the_options_are_the_profile_an_open_proc_no_capability_and_none_to_gain():
    assert DUE == {"--cap-drop": "ALL", "no-new-privileges": "no-new-privileges", "seccomp": "seccomp.json", "systempaths": "unconfined",
                   "apparmor": "unconfined"}
    assert said(needs.run_options(Platform.PODMAN, ROOT)) == {
        "--cap-drop": "ALL", "no-new-privileges": "no-new-privileges", "seccomp": "seccomp.json", "unmask": "ALL"}


def test_compose_and_devcontainer_say_the_same():
    service, = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values()
    words = [re.sub(r"\$\{\w+:-(.*)\}", r"\1", word) for word in service["security_opt"]]
    assert said([part for word in words for part in ("--security-opt", word)] + ["--cap-drop", *service["cap_drop"]]) == DUE
    assert all(re.fullmatch(r"127\.0\.0\.1:.*:8888", port) for port in service["ports"]), "nobody else's machine reaches it"
    devcontainer = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert said(devcontainer["runArgs"]) == DUE
    for folder, build in ((ROOT, {"dockerfile": service["build"]["dockerfile"], "context": service["build"]["context"]}),
                          (ROOT / ".devcontainer", devcontainer["build"])):
        assert (folder / build["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file() and (ROOT / ".devcontainer" / devcontainer["build"]["dockerfile"]).is_file()


# --- the command ----------------------------------------------------------------------------------------------------

@pytest.fixture
def engine(tmp_path, monkeypatch):
    """An engine that writes down what it is asked, and has no image yet."""
    log = tmp_path / "log"
    for name in ("docker", "podman"):
        program = tmp_path / name
        program.write_text(f'#!{sys.executable}\nimport json, os, sys\n'
                           f'open({str(log)!r}, "a").write(json.dumps([sys.argv[1:], os.environ.get("JUPYTER_TOKEN")]) + "\\n")\n'
                           f'print("sha256:abc") if "--format" in sys.argv else sys.exit(sys.argv[1:3] == ["image", "inspect"])\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(container, "folder_owner", lambda engine, folder: (1234, 567))
    monkeypatch.chdir(ROOT)
    return lambda: [json.loads(line) for line in log.read_text().splitlines()]


def test_it_builds_the_image_and_starts_jupyterlab_on_this_machine_alone_with_a_token(engine, capsys):
    assert container.main(["--engine", "docker", "--port", "18433"]) == 0
    _, (build, _), _, (run, token) = engine()
    assert build[:3] == ["build", "--file", str(ROOT / "container" / "Containerfile")] and {"UID=1234", "GID=567"} <= set(build)
    line = " ".join(run)
    assert "--publish 127.0.0.1:18433:8888" in line and f"--volume {ROOT}:/course" in line and line.endswith(" ".join(container.LAB))
    assert "--user 1234:567" in line and "COURSE_IMAGE=sha256:abc" in line and " ".join(needs.run_options(Platform.DOCKER, ROOT)[:4]) in line
    assert len(token) > 20 and token not in line, "every user of the machine can read a command line"
    assert f"http://127.0.0.1:18433/lab?token={token}" in capsys.readouterr().err


def test_a_command_runs_in_the_folder_that_is_meant_and_opens_no_port(engine, monkeypatch):
    monkeypatch.setattr(container, "find_root", lambda given: given)       # whether there has been a demonstration or not
    assert container.main(["--engine", "podman", "--course", str(ROOT / "build" / "demo"), "--volume", "/srv/exchange:/exchange", "course", "status",
                           "ps1"]) == 0
    run, _ = engine()[-1]
    assert run[-3:] == ["course", "status", "ps1"] and "--publish" not in run and run[run.index("--workdir") + 1] == "/course/build/demo"
    assert "unmask=ALL" in run and "--volume /srv/exchange:/exchange" in " ".join(run)


def test_course_container_is_the_same_command(engine):
    assert CliRunner().invoke(cli.app, ["container", "--engine", "docker", "course", "doctor"]).exit_code == 0
    assert engine()[-1][0][-2:] == ["course", "doctor"]


def test_update_builds_anew_with_the_newest(engine):
    assert container.main(["--engine", "docker", "--update", "--build"]) == 0
    assert [words[0] for words, _ in engine()] == ["build"] and {"--pull", "--no-cache"} <= set(engine()[0][0])


def test_the_image_is_another_one_for_another_lock_or_owner(tmp_path, monkeypatch):
    names = {container.image_name((1000, 1000)), container.image_name((1001, 1000))}
    monkeypatch.setattr(container, "MADE_FROM", ("Makefile",))
    assert len(names | {container.image_name((1000, 1000))}) == 3


@pytest.mark.parametrize(("arguments", "said"), [
    (["--engine", "docker"], "docker is not installed"), ([], "Neither podman nor docker is installed")])
def test_without_an_engine_the_remedy_is_said(arguments, said, monkeypatch, capsys):
    monkeypatch.setattr(container.shutil, "which", lambda name: None)
    assert container.main(arguments) == 1
    assert said in capsys.readouterr().err


def test_a_port_in_use_a_foreign_course_and_a_folder_of_root_are_refused_with_what_to_do(tmp_path, monkeypatch):
    import socket
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(container.NoContainer, match="Name another: --port"):
        container.refuse_taken(server.getsockname()[1])
    with pytest.raises(container.NoContainer, match="does not lie in"):
        container.place_inside(tmp_path)
    monkeypatch.setattr(Path, "stat", lambda self: os.stat_result((0,) * 10))
    with pytest.raises(container.NoContainer, match=r"chown -R 1000:1000"):
        container.folder_owner("docker", tmp_path)


def test_who_owns_the_folder_writes_in_it(tmp_path, monkeypatch):
    monkeypatch.setattr(container.os, "geteuid", lambda: 1001)
    assert container.folder_owner("podman", tmp_path) == (1000, 1000) and container.keeps_id("podman"), "the caller's id is the user's inside"
    words = container.run_command("podman", "image", (1000, 1000), ["course", "doctor"], 8888, "/course", "", False)
    assert words[words.index("--userns") + 1] == "keep-id:uid=1000,gid=1000"
    monkeypatch.setattr(container.sys, "platform", "darwin")
    assert container.folder_owner("docker", tmp_path) == (1000, 1000), "Docker Desktop gives the folder's files to whoever asks"


def test_it_needs_nothing_but_python():
    """On macOS and Windows, before anything of the course is installed."""
    program = "import sys; from grading.tools import container; print(sorted({m.split('.')[0] for m in sys.modules} - sys.stdlib_module_names))"
    done = subprocess.run([sys.executable, "-S", "-c", program], cwd=ROOT, text=True, capture_output=True)
    assert done.stdout.strip() in ("['__main__', 'grading']", "['grading']"), done.stderr + done.stdout


# --- the image ------------------------------------------------------------------------------------------------------

def test_nothing_of_the_course_but_its_pins_goes_into_the_image():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["*", "!requirements.txt"]
    text = (ROOT / "container" / "Containerfile").read_text()
    assert re.findall(r"^(?:COPY|ADD) (.*)$", text, re.MULTILINE) == ["requirements.txt /opt/course/requirements.txt"]


def test_the_image_is_pinned_and_its_user_is_an_ordinary_one():
    text = (ROOT / "container" / "Containerfile").read_text()
    assert re.search(r"^ARG BASE=\S+@sha256:[0-9a-f]{64}$", text, re.MULTILINE) and "--require-hashes --no-deps" in text
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE)[-1] == "grader"


def test_a_grade_records_the_image_that_made_it(tmp_path, monkeypatch):
    (tmp_path / "image").write_text("packages-sha256:1\n")
    assert surroundings.image({"COURSE_IMAGE": "sha256:2"}, tmp_path / "image") == "sha256:2"
    assert surroundings.image({}, tmp_path / "image") == "packages-sha256:1" and surroundings.image({}, tmp_path / "none") is None
    monkeypatch.setenv("COURSE_IMAGE", "sha256:3")
    assert provenance({}, "bwrap")["image"] == "sha256:3"
    monkeypatch.setenv("COURSE_IMAGE", "")
    assert "image" not in provenance({}, "bwrap") or Path("/opt/course/image").exists()


# --- Kubernetes -----------------------------------------------------------------------------------------------------

def pods():
    """The pod specifications of container/kubernetes/ in which student code runs."""
    for path in sorted((ROOT / "container" / "kubernetes").glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text()):
            spec = manifest["spec"] if manifest["kind"] == "Pod" else manifest.get("spec", {}).get("template", {}).get("spec")
            if spec and "hostUsers" in spec:
                yield manifest["metadata"]["name"], spec


@pytest.mark.parametrize(("name", "spec"), list(pods()))
def test_pods_have_the_same_options(name, spec):
    box, = spec["containers"]
    assert spec["hostUsers"] is False and box["securityContext"] == {
        "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "procMount": "Unmasked"}
    assert spec["securityContext"]["seccompProfile"] == {"type": "Localhost", "localhostProfile": "course.json"}
    assert spec["securityContext"]["runAsUser"] == needs.USER and spec["securityContext"]["runAsNonRoot"]
    for need, words in needs.KUBERNETES.items():     # what the doctor prints is there
        if need is not needs.Need.APPARMOR:
            written = yaml.safe_load(re.search(r"\{.*\}", words)[0])
            assert written.items() <= {**spec["securityContext"], **box["securityContext"]}.items()
    assert spec["automountServiceAccountToken"] is False and "@sha256:" in box["image"]


def test_there_are_pods_for_a_grader_and_for_dask_s_workers():
    assert [name for name, _ in pods()] == ["course-worker", "course-grader"]


def test_where_there_is_no_linux_the_setup_says_so_before_it_makes_anything(tmp_path):
    """What a Mac says of itself; `bin/setup` would fail at a package that there is for Linux only."""
    (tmp_path / "uname").write_text("#!/bin/sh\necho Darwin\n")
    (tmp_path / "uname").chmod(0o755)
    done = subprocess.run(["sh", str(ROOT / "bin" / "setup")], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, text=True, capture_output=True)
    assert done.returncode == 1 and "make container" in done.stderr and done.stdout == ""


def test_an_exchange_that_a_container_lacks_is_mounted_not_made(tmp_path, monkeypatch):
    monkeypatch.setattr(surroundings, "look", lambda: surroundings.Surroundings(container=Platform.DOCKER))
    line, = trouble_with_exchange(tmp_path / "none")
    assert "sudo" not in line and f"--volume FOLDER:{tmp_path}/none" in line and "course collect" in line
    monkeypatch.setattr(surroundings, "look", lambda: surroundings.Surroundings())
    assert "sudo install -d -m 1777" in trouble_with_exchange(tmp_path / "none")[0]


def test_an_exchange_in_which_everybody_may_rename_the_course_is_named_with_the_remedy(tmp_path):
    tmp_path.chmod(0o777)
    line, = trouble_with_exchange(tmp_path)
    assert "rename and remove what is not theirs" in line and f"sudo chmod 1777 {tmp_path}" in line
    tmp_path.chmod(0o1777)
    assert trouble_with_exchange(tmp_path) == []
