"""A JupyterHub with an instructor and two students: ps1 goes round through the exchange.

Run as root, everybody is a unix user of their own, made for the test and removed after it. Otherwise, or where other
users cannot run a Python with JupyterHub, all servers run as one user, which shows the way but keeps nobody apart.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from grading.notebooks.submissions import hand_in

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "submissions" / "ps1"
PROXY = ROOT / "build" / "hub" / "node_modules" / ".bin" / "configurable-http-proxy"
SITE = next(path for path in sys.path if path.endswith("site-packages"))
PASSWORD = "a-password-for-tests"
INSTRUCTOR = "course-test-instructor"
STUDENTS = {"course-test-student-01": "perfect-loops", "course-test-student-02": "derivative-at-y"}
PEOPLE = [INSTRUCTOR, *STUDENTS]
pytestmark = [pytest.mark.browser, pytest.mark.sandbox]


# --- what the machine has ---------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def proxy():
    """configurable-http-proxy, as the instructor's page installs it, once into build/hub."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed, which installs JupyterHub's proxy: apt-get install npm")
    if not PROXY.exists():
        folder = PROXY.parents[2]
        shutil.copytree(ROOT / "jupyter" / "hub", folder, dirs_exist_ok=True)
        command = ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--engine-strict", "--fetch-retries=1", "--prefix", folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            trouble = done.returncode and done.stderr.strip()[-400:]
        except subprocess.TimeoutExpired:
            trouble = "no answer"
        if trouble:
            pytest.skip(f"JupyterHub's proxy could not be had ({trouble}): {' '.join(map(str, command))}")
    return PROXY


def python_of_everybody():
    """A Python of this version that other users can run with this environment's packages; None if there is none."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, system):
        try:
            done = subprocess.run([python, "-c", "import jupyterhub, nbgrader, jupyterlab, numpy"], cwd="/", user="nobody",
                                  group="nogroup", env={"PYTHONPATH": SITE}, capture_output=True)
        except (OSError, ValueError, subprocess.SubprocessError):
            continue
        if done.returncode == 0:
            return python
    return None


@pytest.fixture(scope="module")
def unix_users():
    """Make PEOPLE as unix users; the Python that they can run. None, and nobody is made, where that cannot be."""
    python = python_of_everybody() if os.geteuid() == 0 and shutil.which("useradd") else None
    if python is None:
        yield None
        return
    remove_users()
    for name in PEOPLE:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True, capture_output=True)
    try:
        yield python
    finally:
        remove_users()


def remove_users():
    """End what the test's users still run, and remove them with their homes."""
    for name in PEOPLE:
        try:
            number = pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
        for _ in range(50):
            left = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and owner(path) == number]
            if not left:
                break
            for process in left:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.1)
        subprocess.run(["userdel", "--remove", name], capture_output=True)


def owner(path):
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None


# --- the hub ----------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def place(unix_users):
    """A folder that everybody may enter: pytest's own is private."""
    folder = Path(tempfile.mkdtemp(prefix="course-test-hub-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def programs(place, unix_users):
    """An environment like /opt/course of docs/instructors.md, which everybody can run; the packages are this one's."""
    folder = place / "programs"
    folder.joinpath("bin").mkdir(parents=True)
    python = Path(unix_users or os.path.realpath(sys.executable))
    folder.joinpath("pyvenv.cfg").write_text(f"home = {python.parent}\n")
    folder.joinpath("bin", "python").symlink_to(python)
    site = folder / "lib" / Path(SITE).parent.name / "site-packages"
    site.mkdir(parents=True)
    site.joinpath("packages.pth").write_text(SITE)
    alembic = folder / "bin" / "alembic"        # nbgrader calls it by name
    alembic.write_text(f'#!/bin/sh\nexec {folder}/bin/python -m alembic "$@"\n')
    alembic.chmod(0o755)
    shutil.copytree(Path(sys.prefix, "etc", "jupyter"), folder / "etc" / "jupyter")
    folder.joinpath("share").mkdir()
    folder.joinpath("share", "jupyter").symlink_to(Path(sys.prefix, "share", "jupyter"))
    return folder


@pytest.fixture(scope="module")
def homes(place, programs, unix_users, clone):
    """{name: home}; the instructor's holds a clone of the course, `course`, and Jupyter's settings for staff."""
    found = {name: Path(pwd.getpwnam(name).pw_dir) if unix_users else place / "homes" / name for name in PEOPLE}
    for home in found.values():
        home.mkdir(parents=True, exist_ok=True)
    (place / "exchange").mkdir()
    (place / "exchange").chmod(0o777)
    students(programs / "etc" / "jupyter", place / "exchange", one_user=not unix_users)
    staff(found[INSTRUCTOR] / ".jupyter", one_user=not unix_users)
    clone(found[INSTRUCTOR] / "course")
    if unix_users:
        for name, home in found.items():
            subprocess.run(["chown", "-R", f"{name}:{name}", home], check=True)
    return found


def students(folder, exchange, one_user):
    """Settings for everybody, as docs/instructors.md puts them together."""
    shutil.copytree(ROOT / "jupyter" / "students", folder, dirs_exist_ok=True)
    alike = ('import os\nc.CourseDirectory.student_id = os.environ["JUPYTERHUB_USER"]\n'
             'c.ExchangeCollect.check_owner = False\n') * one_user
    folder.joinpath("nbgrader_config.py").write_text(
        f'c = get_config()\nc.Exchange.root = "{exchange}"\nc.CourseDirectory.course_id = "gradients"\n{alike}')


def staff(folder, one_user):
    """Settings for an instructor, the same way."""
    shutil.copytree(ROOT / "jupyter" / "staff", folder)
    folder.joinpath("nbgrader_config.py").write_text(
        'import os\nc = get_config()\nc.CourseDirectory.root = os.path.expanduser("~/course")\n'
        + 'c.CourseDirectory.student_id = "*"\n' * one_user)


@pytest.fixture(scope="module")
def hub(proxy, place, programs, homes, unix_users):
    """The address of a running hub."""
    ports = free_ports(3)
    config = place / "jupyterhub_config.py"
    arguments = ["--allow-root"] * (os.geteuid() == 0 and not unix_users)
    config.write_text(CONFIG.format(ports=ports, arguments=arguments, place=place, proxy=proxy, people=set(PEOPLE),
                                    password=PASSWORD, programs=programs,
                                    spawner="jupyterhub.spawner.LocalProcessSpawner" if unix_users else "simple"))
    log = place / "hub.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    with open(log, "w") as file:
        process = subprocess.Popen([sys.executable, "-m", "jupyterhub", "-f", config], cwd=place, env=environment,
                                   stdout=file, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()[-3000:]
            if "JupyterHub is now running" in log.read_text():
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        end(process)


CONFIG = """
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.ConfigurableHTTPProxy.pid_file = "{place}/proxy.pid"
c.JupyterHub.db_url = "sqlite:///{place}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "{place}/cookie_secret"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = "{password}"
c.Authenticator.allowed_users = {people}
c.JupyterHub.spawner_class = "{spawner}"
c.SimpleLocalProcessSpawner.home_dir_template = "{place}/homes/{{username}}"
c.Spawner.cmd = ["{programs}/bin/python", "-m", "jupyterhub.singleuser"]
c.Spawner.args = {arguments}
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = 90
c.Spawner.http_timeout = 90
# the last one: where everybody is one user, that user owns the environment, which would outrank ~/.jupyter
c.Spawner.environment = {{"PATH": "{programs}/bin:/usr/local/bin:/usr/bin:/bin", "PYTHONWARNINGS": "ignore",
                         "JUPYTER_PREFER_ENV_PATH": "0"}}
"""


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def end(process):
    """End the hub with its proxy and its servers: asked first, which takes it a while, then made to."""
    children = descendants(process.pid)
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        pass
    for child in {process.pid, *children}:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()


def descendants(pid):
    """The processes that a process has started, and theirs."""
    found, pending = set(), [pid]
    while pending:
        try:
            tasks = Path(f"/proc/{pending.pop()}/task").glob("*/children")
            new = {int(child) for task in tasks for child in task.read_text().split()}
        except OSError:
            continue
        pending += new - found
        found |= new
    return found


# --- the round --------------------------------------------------------------------------------------------------

@pytest.fixture
def people(hub, new_page):
    """{name: page}, everybody logged in; their servers start at the same time."""
    pages = {}
    for name in PEOPLE:
        page = pages[name] = new_page()
        page.set_default_timeout(90_000)
        page.goto(f"{hub}/hub/login")
        page.fill("#username_input", name)
        page.fill("#password_input", PASSWORD)
        page.click("#login_submit", no_wait_after=True)
    for name, page in pages.items():
        page.wait_for_url(f"**/user/{name}/lab**")
    return pages


def test_an_assignment_goes_round_between_an_instructor_and_two_students(people, homes, hub, unix_users, shot,
                                                                          open_from_menu):
    staff = people[INSTRUCTOR]
    staff.goto(f"{hub}/user/{INSTRUCTOR}/formgrader/manage_assignments")
    act(staff, "ps1", "assign")
    act(staff, "ps1", "release")

    for name, case in STUDENTS.items():
        owner = name if unix_users else None
        fetch_answer_submit(people[name], homes[name], owner, homes[INSTRUCTOR] / "course", case, open_from_menu)
    shot(people[name], "hub-student")
    forbidden = people[name].goto(f"{hub}/user/{name}/formgrader/manage_assignments")
    assert forbidden.status == 404      # students have no formgrader

    staff.reload()
    act(staff, "ps1", "collect")
    staff.locator('tbody tr:has(:text-is("ps1")) .num-submissions a').click()
    for name in STUDENTS:
        act(staff, name, "autograde")
    staff.goto(f"{hub}/user/{INSTRUCTOR}/formgrader/manage_assignments")
    act(staff, "ps1", "generate-feedback")
    act(staff, "ps1", "release-feedback")

    for name, points in zip(STUDENTS, ("20 of 25 points", "10 of 25 points")):
        page = people[name]
        page.goto(f"{hub}/user/{name}/lab")
        open_from_menu(page, "Assignment List")
        page.locator('#submitted_assignments_list button:text-is("Fetch Feedback")').click()
        page.locator('#submitted_assignments_list a:has-text("view feedback")').first.wait_for()
        (feedback,) = (homes[name] / "ps1" / "feedback").glob("*/activations.html")
        assert points in feedback.read_text()


def act(page, name, action):
    """Click an action of a row in formgrader and close the answer; it has to be a success."""
    page.locator(f'tbody tr:has(:text-is("{name}")) .{action} a').click()
    modal = page.locator(".modal.in")
    modal.wait_for()
    assert modal.locator(".modal-title").inner_text() == "Success", modal.inner_text()[-2000:]
    modal.locator(".modal-footer button").click()
    page.locator(".modal-backdrop").wait_for(state="detached")


def fetch_answer_submit(page, home, owner, course, case, open_from_menu):
    """A student's work: fetched and submitted in the browser, answered as the golden submission `case`."""
    open_from_menu(page, "Assignment List")
    page.locator('#released_assignments_list button:text-is("Fetch")').click()
    page.locator('#fetched_assignments_list button:text-is("Submit")').wait_for(state="attached")
    shutil.rmtree(home / "ps1")
    hand_in(CASES / case, course / "release" / "ps1", home / "ps1")
    if owner:
        subprocess.run(["chown", "-R", f"{owner}:{owner}", home / "ps1"], check=True)
    page.locator('#fetched_assignments_list a:text-is("ps1")').click()
    page.locator('#fetched_assignments_list button:text-is("Submit")').click()
    page.locator('#submitted_assignments_list >> text="ps1"').first.wait_for()
