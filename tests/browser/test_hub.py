"""A JupyterHub with an instructor and two students: ps1 goes round through the exchange, `course watch` answers meanwhile,
and the hub's page shows students their own.

Run as root, everybody is a unix user of their own, made for the test and removed after it. Otherwise, or where other
users cannot run a Python with JupyterHub, all servers run as one user, which shows the way but keeps nobody apart.
"""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from grading.notebooks.submissions import hand_in
from grading.watch.answer import WAITS
from tests.browser.conftest import findings

ROOT = Path(__file__).parents[2]
CASES = ROOT / "tests" / "submissions" / "ps1"
PROXY = ROOT / "build" / "hub" / "node_modules" / ".bin" / "configurable-http-proxy"
SITE = next(path for path in sys.path if path.endswith("site-packages"))
PASSWORD = "a-password-for-tests"
INSTRUCTOR = "course-test-instructor"
STUDENTS = {"course-test-student-01": "perfect-loops", "course-test-student-02": "derivative-at-y"}
POINTS = dict(zip(STUDENTS, ("20 of 25 points", "10 of 25 points")))
PEOPLE = [INSTRUCTOR, *STUDENTS]
PREVIEW = 'data-course="preview"'
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
    (place / "exchange").chmod(0o1777)
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
    alike = ('c.CourseDirectory.student_id = os.environ.get("JUPYTERHUB_USER", "*")\n'
             'c.ExchangeCollect.check_owner = False\n') * one_user
    folder.joinpath("nbgrader_config.py").write_text(
        f'c = get_config()\nc.Exchange.root = "{exchange}"\nc.CourseDirectory.course_id = "gradients"\n'
        "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n"
        f'c.ExchangeFactory.submit = "submit_and_wait.SubmitAndWait"\n{alike}')


def staff(folder, one_user):
    """Settings for an instructor, the same way."""
    shutil.copytree(ROOT / "jupyter" / "staff", folder)
    folder.joinpath("nbgrader_config.py").write_text(
        'import os\nc = get_config()\nc.CourseDirectory.root = os.path.expanduser("~/course")\n'
        + ('c.CourseDirectory.student_id = "*"\n' if one_user else "c.Watch.own = True\n"))


@pytest.fixture(scope="module")
def hub(proxy, place, programs, homes, unix_users):
    """The address of a running hub."""
    ports = free_ports(4)
    config = place / "jupyterhub_config.py"
    arguments = ["--allow-root"] * (os.geteuid() == 0 and not unix_users)
    service = {"name": "answers", "url": f"http://127.0.0.1:{ports[3]}", "cwd": str(homes[INSTRUCTOR] / "course"), "oauth_no_confirm": True,
               "command": [f"{programs}/bin/python", "-m", "grading.watch.hub", "--course", str(homes[INSTRUCTOR] / "course"), "--staff", INSTRUCTOR],
               "environment": {"JUPYTER_PREFER_ENV_PATH": "0", **({} if unix_users else {"HOME": str(homes[INSTRUCTOR])})},
               **({"user": INSTRUCTOR} if unix_users else {})}
    config.write_text(CONFIG.format(ports=ports, arguments=arguments, place=place, proxy=proxy, people=set(PEOPLE),
                                    password=PASSWORD, programs=programs, service=service,
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
c.JupyterHub.services = [{service}]
c.JupyterHub.load_roles = [{{"name": "user", "scopes": ["self", "access:services!service=answers"]}}]
c.Spawner.start_timeout = 90
c.Spawner.http_timeout = 90
# the last one: where everybody is one user, that user owns the environment, which would outrank ~/.jupyter
c.Spawner.environment = {{"PATH": "{programs}/bin:/usr/local/bin:/usr/bin:/bin", "PYTHONWARNINGS": "ignore",
                         "JUPYTER_PREFER_ENV_PATH": "0"}}
"""


@pytest.fixture
def watching(place, programs, homes, unix_users):
    """Start `course watch` as the instructor: `with watching() as is_ready`; it ends as after Ctrl-C."""
    @contextmanager
    def start():
        home = homes[INSTRUCTOR]
        identity = {"user": INSTRUCTOR, "group": INSTRUCTOR, "extra_groups": []} if unix_users else {}
        with open(place / "watch.log", "w+") as log:
            process = subprocess.Popen([programs / "bin" / "python", "-m", "grading", "watch", "ps1", "--jobs", "1"], cwd=home / "course", **identity,
                                       stdout=log, stderr=subprocess.STDOUT,
                                       env={"HOME": str(home), "PATH": f"{programs}/bin:/usr/bin:/bin", "PYTHONWARNINGS": "ignore", "JUPYTER_PREFER_ENV_PATH": "0"})
            def is_ready():
                """Wait until Submit waits for it."""
                while not (place / "exchange" / "gradients" / "feedback" / ".watching").exists():
                    assert process.poll() is None, (place / "watch.log").read_text()[-3000:]
                    time.sleep(0.1)
            try:
                yield is_ready
                process.send_signal(signal.SIGINT)
                assert process.wait(60) == 0, (place / "watch.log").read_text()[-3000:]
            finally:
                process.kill()
                process.wait()
    return start


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


def test_an_assignment_goes_round_between_an_instructor_and_two_students_with_answers_at_once(people, homes, hub, unix_users, watching, shot,
                                                                                               open_from_menu):
    staff = people[INSTRUCTOR]
    staff.goto(f"{hub}/user/{INSTRUCTOR}/formgrader/manage_assignments")
    act(staff, "ps1", "assign")
    act(staff, "ps1", "release")

    answers = {name: people[name].context.new_page() for name in PEOPLE}
    for page in answers.values():
        page.set_default_timeout(90_000)
    for name in STUDENTS:
        answers[name].goto(f"{hub}/services/answers/")
        answers[name].locator("#rows :text('has been')").wait_for()     # nothing of theirs yet
    with watching() as is_ready:
        for name, case in STUDENTS.items():
            owner = name if unix_users else None
            fetch_and_answer(people[name], homes[name], owner, homes[INSTRUCTOR] / "course", case, open_from_menu)
        is_ready()
        for name in STUDENTS:       # both at once
            people[name].locator('#fetched_assignments_list button:text-is("Submit")').click()
        for name, points in POINTS.items():
            see_the_answer(people[name], homes[name], points)
        shot(people[name], "hub-student")
        see_only_ones_own(answers, hub, shot)
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

    for name, points in POINTS.items():
        page = people[name]
        page.goto(f"{hub}/user/{name}/lab")
        open_from_menu(page, "Assignment List")
        page.locator('#submitted_assignments_list button:text-is("Fetch Feedback")').click()
        page.locator('#submitted_assignments_list a:has-text("view feedback")').first.wait_for()
        (feedback,) = (homes[name] / "ps1" / "feedback").glob("*/activations.html")
        assert points in feedback.read_text() and PREVIEW not in feedback.read_text()
        answers[name].locator(f"#rows :text('final grade {points.removesuffix(' points')}')").wait_for()


def act(page, name, action):
    """Click an action of a row in formgrader and close the answer; it has to be a success."""
    page.locator(f'tbody tr:has(:text-is("{name}")) .{action} a').click()
    modal = page.locator(".modal.in")
    modal.wait_for()
    assert modal.locator(".modal-title").inner_text() == "Success", modal.inner_text()[-2000:]
    modal.locator(".modal-footer button").click()
    page.locator(".modal-backdrop").wait_for(state="detached")


def fetch_and_answer(page, home, owner, course, case, open_from_menu):
    """A student's work: fetched in the browser, answered as the golden submission `case`, ready to be submitted."""
    open_from_menu(page, "Assignment List")
    page.locator('#released_assignments_list button:text-is("Fetch")').click()
    page.locator('#fetched_assignments_list button:text-is("Submit")').wait_for(state="attached")
    shutil.rmtree(home / "ps1")
    hand_in(CASES / case, course / "release" / "ps1", home / "ps1")
    if owner:
        subprocess.run(["chown", "-R", f"{owner}:{owner}", home / "ps1"], check=True)
    page.locator('#fetched_assignments_list a:text-is("ps1")').click()
    page.locator('#fetched_assignments_list button:text-is("Submit")').wait_for()


def see_the_answer(page, home, points):
    """The preview comes by itself; on a busy machine the list may have to be asked for it again."""
    page.locator('#submitted_assignments_list >> text="ps1"').first.wait_for()
    until = time.monotonic() + 180
    while not (found := [path.read_text() for path in home.glob("ps1/feedback/*/activations.html")]) or WAITS in found[0][:200]:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert PREVIEW in found[0] and points in found[0]
    link = page.locator('#submitted_assignments_list a:has-text("view feedback")').first
    if not link.count():
        page.locator("#refresh_assignments_list").click()
    link.wait_for()


def see_only_ones_own(answers, hub, shot):
    """The hub's page: announced, on a telephone, and nobody sees what is another's."""
    links = {}
    for name, points in POINTS.items():
        page, number = answers[name], points.split()[0]
        page.locator(f"#rows :text('{number} of 25')").wait_for()
        said = page.locator("#said[aria-live=polite]")
        assert said.inner_text() == f"ps1: {number} of 25 points." and "answers left today" in page.inner_text("#rows")
        links[name] = page.locator("#rows a").get_attribute("href")
        assert page.context.request.get(f"{hub}/services/answers/{links[name]}").text().count(points)
    mine, theirs = STUDENTS
    request = answers[mine].context.request
    assert request.get(f"{hub}/services/answers/{links[theirs]}").status == 404
    rows = json.loads(request.get(f"{hub}/services/answers/rows?student={theirs}").text())
    assert theirs not in rows["html"] and links[theirs] not in rows["html"]
    phone = answers[mine]
    phone.set_viewport_size({"width": 390, "height": 780})
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390 and findings(phone) == []
    link = phone.locator("#rows td a").bounding_box()
    assert link["x"] + link["width"] <= 390        # nothing has to be scrolled for
    shot(phone, "hub-answers")
    whole = answers[INSTRUCTOR]
    whole.goto(f"{hub}/services/answers/")
    whole.locator("#rows td").first.wait_for()
    assert all(name in whole.inner_text("#rows") for name in STUDENTS) and findings(whole) == []
    shot(whole, "hub-answers-staff")
