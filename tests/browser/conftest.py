"""What the browser tests share: Chromium without network, a clone of the course, JupyterLab on it, screenshots.

Screenshots go to build/screenshots. `pytest tests/browser --update-screenshots` also renews those of docs/screenshots.
"""

import io
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import axe_playwright_python
import pytest
from PIL import Image

from grading.tools.site import Handler
from tests.chromium import chromium, needs_chromium

ROOT = Path(__file__).parents[2]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
PICTURES = ROOT / "build" / "screenshots"
PARTS = ("grading", "jupyter", "reference_impl", "tests/hidden", "tests/misconceptions", "source/ps1",
         "nbgrader_config.py")
JUNK = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", ".pytest_cache")
PATIENCE = 60_000       # milliseconds: a bound against hanging, not a promise
LOCAL = re.compile(r"^(https?|wss?)://(127\.0\.0\.1|localhost)[:/]")

COMMANDS = """
import sys
from contextlib import suppress
from jupyter_core.application import NoStart
from nbgrader.apps import NbGraderApp
for command in sys.argv[1:]:
    app = NbGraderApp.instance()
    name, *options = command.split()
    app.initialize([name, "ps1", *options])
    with suppress(NoStart):     # a subcommand has run instead
        app.start()
    type(app.subapp).clear_instance()
"""


def pytest_addoption(parser):
    parser.addoption("--update-screenshots", action="store_true", help="Renew the pictures in docs/screenshots.")
    parser.addoption("--opens", type=int, default=0, help="How often test_opening.py opens each notebook in each program.")


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        # a renderer of Chromium's that hangs is none of the course's faults, and looks like one
        item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError"]))
        item.add_marker(needs_chromium)


# --- the browser ------------------------------------------------------------------------------------------------

@contextmanager
def served(folder):
    """The address at which this process serves a folder, as `make site ARGS=--serve` does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def findings(page, exclude=()):
    """What axe-core calls serious or critical, a line for each place; what is inside of the selectors `exclude` is left out."""
    page.evaluate(AXE)
    found = page.evaluate("exclude => axe.run({exclude}, {resultTypes: ['violations']})", [[one] for one in exclude])
    assert len(found["passes"]) > 5
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found["violations"]
            if rule["impact"] in ("serious", "critical") for node in rule["nodes"]]


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def new_page(browser):
    """Open a page that reaches this machine and nothing else; what it asked for elsewhere stands in `page.refused`."""
    contexts = []

    def make(**options):
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 800}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.refused = []

        def refuse(route):
            page.refused.append(route.request.url)
            route.abort()
        context.route(lambda url: url.startswith("http") and not LOCAL.match(url), refuse)
        return page
    make.contexts = contexts
    yield make
    for context in contexts:
        context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Keep a picture of each page that was open when a test failed."""
    report = yield
    if report.failed and call.when == "call" and "new_page" in item.funcargs:
        PICTURES.mkdir(parents=True, exist_ok=True)
        pages = [page for context in item.funcargs["new_page"].contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=PICTURES / f"failed-{item.originalname}-{number}.png")
    return report


@pytest.fixture(scope="session")
def shot(request):
    """Keep a picture of a page, for docs/ in few colours: `shot(page, "name")`."""
    update = request.config.getoption("--update-screenshots", default=False)

    def take(page, name, **options):
        PICTURES.mkdir(parents=True, exist_ok=True)
        taken = page.screenshot(path=PICTURES / f"{name}.png", **options)
        if update:
            picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(48)
            picture.save(ROOT / "docs" / "screenshots" / f"{name}.png", optimize=True)
    return take


# --- the course and its people ----------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def clone():
    """Make what a clone of the course holds, with ps1 alone: `clone(folder)`."""
    def make(folder):
        for part in PARTS:
            source, target = ROOT / part, folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target, ignore=JUNK) if source.is_dir() else shutil.copy(source, target)
        return folder
    return make


@dataclass
class Person:
    """Somebody with a home folder; `folder` is where they start their programs."""

    home: Path
    folder: Path
    exchange: Path | None = None
    extra: dict = field(default_factory=dict)

    def __post_init__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.home / ".jupyter"
        settings.mkdir(parents=True, exist_ok=True)
        if self.exchange:
            settings.joinpath("nbgrader_config.py").write_text(
                "c = get_config()\n"
                f'c.Exchange.root = "{self.exchange}"\n'
                'c.CourseDirectory.course_id = "gradients"\n')

    @property
    def environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTEST", "XDG"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        return {**kept, "HOME": str(self.home), "PATH": path, "PYTHONWARNINGS": "ignore", **self.extra}

    def nbgrader(self, *commands, folder=None):
        """Run nbgrader's commands on ps1, one after the other, in one process: each alone would import for seconds."""
        done = subprocess.run([sys.executable, "-c", COMMANDS, *commands], cwd=folder or self.folder, text=True,
                              env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180)
        assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture(scope="session")
def person():
    return Person


@dataclass
class Lab:
    """A running server."""

    url: str
    token: str
    log: Path

    def address(self, path):
        return f"{self.url}{path}?token={self.token}"


@pytest.fixture(scope="session")
def running():
    """Start JupyterLab, by `course lab` in a course and by `jupyter lab` else: `with running(person) as lab`."""
    @contextmanager
    def serve(who, module=("jupyterlab",)):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        lab = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), who.home / "lab.log")
        options = ["--no-browser", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
                   f"--IdentityProvider.token={lab.token}", *["--allow-root"] * (os.geteuid() == 0)]
        with open(lab.log, "w") as log:
            process = subprocess.Popen([sys.executable, "-m", *module, *options], cwd=who.folder, env=who.environment,
                                       stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_for(lab, process)
            yield lab
        finally:
            stop(process)
    return serve


def wait_for(lab, process):
    for _ in range(600):
        assert process.poll() is None, lab.log.read_text()[-3000:]
        try:
            urllib.request.urlopen(f"{lab.url}/api", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server did not answer:\n" + lab.log.read_text()[-3000:])


def stop(process):
    """End a server and what it started."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


@pytest.fixture(scope="session")
def open_from_menu():
    """Choose from the Nbgrader menu of a page that shows JupyterLab."""
    def choose(page, item):
        page.locator('.lm-MenuBar-itemLabel:text-is("Nbgrader")').click()
        page.locator(f'.lm-Menu-itemLabel:text-is("{item}")').click()
    return choose
