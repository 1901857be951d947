"""The container proved with podman: `make container-test`, as root, for many minutes.

Debian's debootstrap makes the base, so that no registry is asked; the Containerfile builds on it, `course container` starts it. The
golden class, the attacks and what a white-box attacker tries run inside as an ordinary user without capabilities. Then each option
is left out, and the doctor has to name it, and no other. Base and image stay in `KEPT` for the next time.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from grading.border import needs
from grading.border.needs import Need
from grading.border.surroundings import Platform
from grading.notebooks.record import records_in
from grading.tools import container

ROOT = Path(__file__).parents[2]
KEPT = Path("/var/tmp/course-container-test")
BASE, PORT, OWNER = "localhost/debian-root:12", 18888, (needs.USER, needs.USER)
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"     # this machine's, which may have more than Debian's


def trouble():
    """Why this cannot be proved here, or None."""
    if not os.environ.get("CONTAINER_TEST"):
        return "takes many minutes and root's rights: make container-test"
    missing = [name for name in ("podman", "debootstrap", "runc") if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if missing:
        return f"{', '.join(missing)} is missing: apt-get install {' '.join(missing)}"
    return "only root can run debootstrap" if os.geteuid() else None


pytestmark = pytest.mark.skipif(bool(trouble()), reason=trouble() or "")


def podman(*words, **more):
    return subprocess.run(["podman", *map(str, words)], text=True, **{"capture_output": True, **more})


@pytest.fixture(scope="module", autouse=True)
def settings():
    """podman's settings: storage of its own, and what a machine without control groups of version 2 needs."""
    KEPT.mkdir(exist_ok=True)
    old = not Path("/sys/fs/cgroup/cgroup.controllers").exists()
    (KEPT / "containers.conf").write_text('[containers]\nnetns = "host"\ndefault_ulimits = ["nofile=1024:1024", "nproc=2000:2000"]\n[engine]\nevents_logger = "file"\n'
                                          + ('cgroup_manager = "cgroupfs"\nruntime = "runc"\n' if old else ""))
    (KEPT / "storage.conf").write_text(f'[storage]\ndriver = "overlay"\nrunroot = "{KEPT}/run"\ngraphroot = "{KEPT}/storage"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONTAINERS_CONF", str(KEPT / "containers.conf"))
        patch.setenv("CONTAINERS_STORAGE_CONF", str(KEPT / "storage.conf"))
        yield


@pytest.fixture(scope="module")
def image(settings):
    """The name that `course container` gives the image; built on a base of debootstrap's if it is not there."""
    name = container.image_name(OWNER)
    if podman("image", "exists", BASE).returncode:
        root = KEPT / "root"
        shutil.rmtree(root, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root, "http://deb.debian.org/debian"], check=True, stdout=subprocess.DEVNULL)
        with subprocess.Popen(["tar", "--directory", root, "--create", "."], stdout=subprocess.PIPE) as archive:
            assert podman("import", "-", BASE, stdin=archive.stdout).returncode == 0
        shutil.rmtree(root)
    if podman("image", "exists", name).returncode:
        done = podman("build", "--isolation=chroot", "--network=host", "--volume", f"{CERTIFICATES}:/opt/certificates:ro",
                      "--env", "PIP_CERT=/opt/certificates", "--build-arg", f"BASE={BASE}", "--file", ROOT / "container/Containerfile",
                      "--tag", name, ROOT)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return name


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A checkout that belongs to an ordinary user."""
    folder = tmp_path_factory.mktemp("checkout") / "course"
    for name in subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip("\0").split("\0"):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for path in (*folder.parents, folder):
        if path.is_relative_to(tmp_path_factory.getbasetemp().parent):
            path.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, *OWNER)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(container, "ROOT", folder)
        yield folder


@pytest.fixture
def run(image, course):
    """Run a command as `course container` does; `without`: values of --security-opt to leave out, `more`: options to add."""
    def start(*command, without=(), more=()):
        words = container.run_command("podman", image, OWNER, list(command), PORT, "/course", container.digest("podman", image), False)
        for option in without:
            if option == "--user":
                at = words.index("--user")
                words[at:at + 2] = ["--user", "0:0"]
            else:
                at = next(number for number, word in enumerate(words) if words[number - 1] == "--security-opt" and word.startswith(option))
                del words[at - 1:at + 1]
        words[2:2] = more
        return subprocess.run(words, text=True, capture_output=True, cwd=course)
    return start


# --- inside, as an ordinary user ------------------------------------------------------------------------------------

def test_with_its_options_nothing_is_missing(run):
    done = run("course", "doctor")
    assert done.returncode == 0 and "MISSING" not in done.stdout, done.stdout + done.stderr
    for line in ("ok       place: a podman container, as an ordinary user", "ok       sandbox: student code can be isolated",
                 "ok       nested namespaces: a fork per submission"):
        assert line in done.stdout


def test_the_rights_inside_are_none_and_none_can_be_had(run):
    status = run("cat", "/proc/self/status").stdout
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE) and re.search(r"^CapBnd:\t0+$", status, re.MULTILINE)
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status and "Uid:\t1000\t1000" in status


@pytest.mark.parametrize("files", ["test_golden.py", "test_hostile.py", "test_walls.py test_mounts.py test_sandbox.py"])
def test_the_golden_class_the_attacks_and_a_white_box_attacker_get_inside_what_they_get_outside(files, run):
    names = " ".join(f"tests/machine/{name}" for name in files.split())
    # by a shell: inside of a sandbox there is a process 1 as well, so the tests must not be that one
    done = run("sh", "-c", f"python -m pytest -q -p no:cacheprovider {names}; exit $?")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert re.search(r"\d+ passed", done.stdout) and "no sandbox" not in done.stdout, done.stdout[-2000:]


def test_the_demonstration_class_is_graded_in_it_belongs_to_who_started_it_and_names_the_image(run, course, image):
    done = run("course", "demo", "ps1")
    assert done.returncode == 0 and "NO SANDBOX" not in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    made = list((course / "build" / "demo").rglob("*"))
    assert len(made) > 100 and {path.lstat().st_uid for path in made} == {needs.USER}
    digests = {record.graded_by["image"] for folder in (course / "build" / "demo" / "autograded").glob("*/ps1") for record in records_in(folder).values()}
    assert digests == {container.digest("podman", image)} and digests.pop().startswith("sha256:")


def test_there_is_no_notebook_gradebook_or_checkout_in_the_image(image):
    done = podman("run", "--rm", image, "sh", "-c", r"ls -A /course; find / -xdev \( -name '*.ipynb' -o -name 'gradebook*' -o -name test_activations.py \) "
                  "-not -path '*/site-packages/*'")
    assert done.stdout == "", done.stdout


def test_formgrader_opens_with_the_token_and_nobody_else_gets_in(image, course):
    log = course / "lab.log"
    with open(log, "w") as file, subprocess.Popen([sys.executable, "-m", "grading.tools.container", "--engine", "podman"], cwd=course,
                                                  env={**os.environ, "PYTHONPATH": str(course)}, stdout=file, stderr=file) as running:
        try:
            host, token = address_in(log).split("/lab?token=")
            assert host == "http://127.0.0.1:8888" and wait_for(f"{host}/api/status?token={token}"), log.read_text()
            with urllib.request.urlopen(f"{host}/formgrader/manage_assignments?token={token}") as page:
                assert "Manage Assignments" in page.read().decode()
            with urllib.request.urlopen(f"{host}/formgrader/api/assignments?token={token}") as answer:
                assert {entry["name"] for entry in json.load(answer)} >= {"ps1", "ps5"}
            with urllib.request.urlopen(f"{host}/formgrader/api/assignments") as page:
                assert "/login" in page.url, "whoever has no token is asked for it"
        finally:
            podman("stop", "--all", "--time", "5")
            running.wait(60)


def address_in(log):
    """The address that the command prints before JupyterLab is there."""
    for _ in range(120):
        if found := re.search(r"http://\S+token=\S+", log.read_text()):
            return found[0]
        time.sleep(0.5)
    raise AssertionError(log.read_text())


def wait_for(address):
    for _ in range(120):
        try:
            with urllib.request.urlopen(address) as answer:
                return answer.status == 200
        except OSError:
            time.sleep(0.5)
    return False


# --- each option left out -------------------------------------------------------------------------------------------

LEFT_OUT = {Need.PROFILE: "seccomp=", Need.PROC: "unmask=", Need.USER: "--user"}


def named(text):
    """The needs that the doctor names as missing."""
    return {need for need in Need if re.search(rf"^MISSING +{need}:", text, re.MULTILINE)}


def line_for_podman(text, need):
    """The option that the doctor prints for podman below a need."""
    below = text[text.index(f"MISSING  {need}:"):]
    return re.search(r"^ +podman: +(.*)$", below, re.MULTILINE)[1].replace("container/", f"{container.ROOT}/container/").split()


@pytest.mark.parametrize("need", LEFT_OUT)
def test_without_one_option_the_doctor_names_that_one_and_it_mends_it(need, run):
    without = [LEFT_OUT[need]]
    said = run("course", "doctor", without=without).stdout
    assert named(said) == {need} and " ".join(line_for_podman(said, need)).endswith(needs.option(need, Platform.PODMAN).rpartition("=")[2])
    if need is not Need.USER:       # of a user that is given twice the last one counts; the first test above has it right
        mended = run("course", "doctor", without=without, more=line_for_podman(said, need))
        assert mended.returncode == 0 and not named(mended.stdout), mended.stdout


def test_in_a_bare_container_the_lines_that_the_doctor_prints_mend_it(image, course):
    bare = ["run", "--rm", "--user", f"{needs.USER}:{needs.USER}", "--volume", f"{course}:/course"]
    said = podman(*bare, image, "course", "doctor").stdout
    assert named(said) == {Need.PROFILE, Need.PROC}
    more = [word for need in (Need.PROFILE, Need.PROC) for word in line_for_podman(said, need)]
    done = podman(*bare, *more, image, "course", "doctor")
    assert done.returncode == 0 and not named(done.stdout), done.stdout


def test_grading_is_refused_with_the_same_lines(run):
    done = run("course", "demo", "ps1", without=["unmask="])
    assert "NO SANDBOX ON THIS MACHINE" in done.stdout and "unmask=ALL" in done.stdout and "seccomp=" not in done.stdout
