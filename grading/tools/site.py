"""`course site`: the course as a web site in build/site/, which any static host can serve and which asks nothing of others."""

import shutil
import subprocess
import tempfile
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console

from ..plugins.public import COLAB, FILES, PublicPlaces
from ..root import CODE, CourseError
from ..run.course import Course
from . import site_lite, site_pages
from .leaks import leaks

ENVIRONMENT = CODE / ".venv-site"
SETTINGS = CODE / "site"
MATHJAX = ("tex-chtml.js", "output/chtml/fonts")
TYPES = {".wasm": "application/wasm", ".mjs": "text/javascript", ".js": "text/javascript", ".ipynb": "application/json",
         ".whl": "application/zip", ".data": "application/octet-stream"}


def build(console: Console, root: Path, output: Path, kernel: str = site_lite.CDN, kept: Path | None = None) -> None:
    """Build the site of the course `root` in `output`; the old one stays until the new one is whole.

    kernel: where notebooks in the browser get Python from, as in `site_lite`. kept: a folder in which the lecture that ran is kept
    for the next time. Raises `CourseError`.
    """
    if not (ENVIRONMENT / "ready").exists():
        raise CourseError(f"There is no {ENVIRONMENT}, in which the site is made. Make it: bin/site-setup")
    using = None if kernel == site_lite.NONE else site_lite.line(kernel, ENVIRONMENT)
    course, output = Course(root), Path(output).absolute()
    places = PublicPlaces(config=course.config)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="site-", dir=output.parent) as folder:
        pages, made = Path(folder, "pages"), Path(folder, "site")
        pages.mkdir()
        console.print("The lecture runs, unless it is the same as last time ...", highlight=False)
        nb = site_pages.lecture_now(root, kept or output.parent / "site-lecture")
        found = site_pages.write_pages(course, pages, nb, partial(buttons, places=places, using=using))
        mathjax(Path(folder, "static", "mathjax"))
        sphinx(pages, made, Path(folder))
        site_pages.zips(found, made / "downloads")
        site_pages.files(found, made / FILES)
        if using:
            Path(folder, "lite").mkdir()
            site_lite.build([one.notebook for one in found], made / site_lite.FOLDER, Path(folder, "lite"), using)
        refuse_leaks(made, root)
        shutil.rmtree(output, ignore_errors=True)
        made.rename(output)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    console.print(f"wrote {output}: {size / 1e6:.1f} MB. To look at it: make site ARGS=--serve", highlight=False, soft_wrap=True)


def buttons(assignment: site_pages.Assignment, places: PublicPlaces, using: site_lite.Line | None) -> str:
    """The ways to begin, as HTML."""
    name = assignment.notebook.name
    browser = beside = ""
    if using:
        browser = f'<a class="button first" href="{site_lite.FOLDER}/notebooks/index.html?path={name}">Open in the browser</a>'
        beside = (f'<p class="hint">{site_lite.WARNING[using.served]}</p>\n<div class="saved" data-storage="{site_lite.STORAGE}" '
                  f'data-notebook="{name}" data-release="{site_lite.fingerprint(assignment.notebook)}" hidden></div>\n')
    colab = site_pages.colab(assignment, places)
    by_hand = "" if colab else ('<p class="hint">Colab opens the notebook of the zip by <em>File &gt; Upload notebook</em>; '
                                "its first cell then says which files to upload beside it.</p>\n")
    return (f'<p class="buttons">{browser}'
            f'<a class="button" href="downloads/{assignment.name}.zip" download>Download zip</a>'
            f'<a class="button" href="{escape(colab or COLAB)}" rel="noreferrer">Open in Colab</a></p>\n{beside}{by_hand}')


def mathjax(folder: Path) -> None:
    """Copy of MathJax what pages load."""
    source = ENVIRONMENT / "npm" / "node_modules" / "mathjax" / "es5"
    for name in MATHJAX:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (source / name).is_dir() else shutil.copy)(source / name, place)


def sphinx(pages: Path, output: Path, folder: Path) -> None:
    """Run Sphinx; a warning is an error. What it keeps for itself stays outside of the output. Raises `CourseError`."""
    done = subprocess.run([ENVIRONMENT / "bin" / "sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-c", SETTINGS,
                           "-d", folder / "doctrees", "-D", f"html_static_path={SETTINGS / 'static'},{folder / 'static'}",
                           pages, output], capture_output=True, text=True)
    if done.returncode:
        raise CourseError(f"Sphinx could not make the pages:\n{done.stderr[-3000:]}")
    for name in (".buildinfo", "objects.inv"):      # for the next build and for other sites, not for readers
        (output / name).unlink(missing_ok=True)
    shutil.rmtree(output / "_sources", ignore_errors=True)      # made empty


def refuse_leaks(folder: Path, root: Path) -> None:
    """Nothing that belongs to graders may leave. Raises `CourseError`."""
    if found := leaks(folder, Path(root), public=True):
        file, line, where = found[0]
        raise CourseError(f"The site would hold what students must not get, in {len(found)} places; the first: {file} holds a line "
                          f"of a {where}: {line}. The site that stands is left as it is.")


class Handler(SimpleHTTPRequestHandler):
    """Files with the types that browsers insist on, and nothing written for each request."""

    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **TYPES}
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass


def serve(console: Console, folder: Path, port: int) -> None:
    """Serve a folder on this machine until Ctrl+C."""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Handler, directory=str(folder)))
    except OSError as error:
        raise CourseError(f"Port {port} of this machine cannot be had ({error.strerror}). Name another one: --port {port + 1}") from None
    console.print(f"http://127.0.0.1:{server.server_port}/ until Ctrl+C", highlight=False, soft_wrap=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
