"""`course publish`: a zip per assignment and one of the lecture, of what students get, the same bytes each time.

Beside the release it holds a page on how to start. The notebooks run where numpy, matplotlib and Jupyter are installed,
without nbgrader.
"""

import glob
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import nbformat
from nbformat import NotebookNode
from rich.console import Console

from ..notebooks.dates import shown_moment
from ..notebooks.head import show_deadline
from ..plugins.public import PublicPlaces
from ..root import CourseError
from ..run.course import Course
from ..run.gradebook import exists
from .lecture import LECTURE, page
from .terminal import tell

SECRET = re.compile(rb"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)|run_hidden_checks")
EPOCH = (1980, 1, 1, 0, 0, 0)       # the earliest time that a zip can hold
START = """\
{assignment}: {title}
{line}
{due}
1. You need Python 3.11 or newer with numpy, matplotlib and Jupyter:
       pip install numpy matplotlib jupyterlab
2. Keep the files of this folder together, and open the notebook from here:
       jupyter lab {notebook}
3. Work from top to bottom. Write your answers into the cells that say YOUR CODE HERE, and run the check below each of
   them as often as you like: it says in words what is still missing.
4. Before you hand in: restart the kernel, run all cells, save.
   Hand in {notebook} under this name, the way your course tells you.

The checks that you see test a few inputs. More of them run after you hand in, on what your functions return; how you
write the functions is up to you.

Licence: text and pictures of this course CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/),
code BSD 3-Clause. Your answers are yours.
"""

READ = """\
{title}
{line}

{page} is the lecture with its pictures: open it in a browser.
{notebook} is the same as a notebook. What its cells printed and drew stands in it; to run
them, open it in a checkout of the course.

Licence: text and pictures CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/), code BSD 3-Clause.
"""


def publish(console: Console, release: str | Path, assignment: str | None, output: str | Path, root: Path | None = None) -> None:
    """Write `output`/<assignment>.zip for one or all assignments of the folder `release`. Raises `CourseError`.

    With `root`, the course's folder, notebook and page show the deadline as the gradebook has it now."""
    folders = sorted(path for path in Path(release).glob(glob.escape(assignment) if assignment else "*") if path.is_dir())
    if not folders:
        raise CourseError(f"There is no {Path(release, assignment or '')}. Make it first: course release")
    Path(output).mkdir(parents=True, exist_ok=True)
    due = deadlines(root) if root else {}
    for folder in folders:
        place = Path(output, f"{folder.name}.zip")
        write_zip(folder, place, due.get(folder.name))
        tell(console, f"wrote {place}")
    if root:
        write_links(console, folders, Path(output, "links.md"), PublicPlaces(config=Course(root).config))


def write_links(console: Console, folders: Iterable[Path], place: Path, places: PublicPlaces) -> None:
    """Write a page for the course's announcement: how to open each notebook without a zip, as far as addresses are set."""
    lines = []
    for path in sorted(path for folder in folders if folder.name != LECTURE for path in folder.glob("*.ipynb")):
        ways = [f"[{link.name}]({link.address})" for link in places.links(f"release/{path.parent.name}/{path.name}")]
        ways += [f"[its page]({places.site}/{path.parent.name}.html)"] * bool(places.site)
        lines += [f"- {path.parent.name}, {path.name}: {', '.join(ways)}"] * bool(ways)
    if lines:
        place.write_text("\n".join(["# Open without installing anything", "", *lines, ""]), encoding="utf-8")
        tell(console, f"wrote {place}")
    else:
        place.unlink(missing_ok=True)       # of an address that was taken back


def deadlines(root: Path) -> dict[str, str]:
    """{assignment: when it is due, in words}."""
    course = Course(root)
    if not exists(course.dir.db_url):
        return {}
    with course.gradebook() as gradebook:
        return {row.name: shown_moment(row.duedate, course.zone) for row in gradebook.assignments if row.duedate}


def write_zip(folder: Path, place: Path, due: str | None = None) -> None:
    """Pack the released assignment `folder` into `place`; files lie in a folder of the assignment's name.

    `due` says in words when it is due."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*")
             if path.is_file() and not {".ipynb_checkpoints", "__pycache__"} & set(path.parts)}
    (notebook, *_) = [name for name in sorted(files) if name.endswith(".ipynb")] or no_notebook(folder)
    if folder.name == LECTURE:
        files |= lecture_to_read(notebook, files[notebook])
    else:
        files["README.txt"] = how_to_start(folder.name, notebook, files[notebook], due).encode()
        files |= {name: with_deadline(content, due) for name, content in files.items() if name.endswith(".ipynb")} if due else {}
    refuse_secrets(folder, files)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"{folder.name}/{name}", EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, files[name])


def no_notebook(folder: Path) -> NoReturn:
    raise CourseError(f"There is no notebook in {folder}. Make it first: course release")


def with_deadline(content: bytes, due: str) -> bytes:
    return nbformat.writes(show_deadline(nbformat.reads(content.decode(), as_version=4), due)).encode()


def how_to_start(assignment: str, notebook: str, content: bytes, due: str | None) -> str:
    title = title_of(nbformat.reads(content.decode(), as_version=4), notebook)
    return START.format(assignment=assignment, title=title, line="=" * (len(assignment) + 2 + len(title)), notebook=notebook,
                        due=f"\nHand in until {due}.\n" if due else "")


def lecture_to_read(notebook: str, content: bytes) -> dict[str, bytes]:
    """{name: bytes} of what is packed beside the notebook of the lecture."""
    nb, place = nbformat.reads(content.decode(), as_version=4), Path(notebook).with_suffix(".html").name
    title = title_of(nb, notebook)
    return {place: page(nb, title).encode(),
            "README.txt": READ.format(title=title, line="=" * len(title), page=place, notebook=notebook).encode()}


def title_of(nb: NotebookNode, notebook: str) -> str:
    """The first heading of a notebook, or its name."""
    return next((line.lstrip("# ").strip() for cell in nb.cells if cell.cell_type == "markdown"
                 for line in cell.source.splitlines() if line.startswith("# ")), notebook)


def refuse_secrets(folder: Path, files: Mapping[str, bytes]) -> None:
    """Nothing that belongs to graders may leave. Raises `CourseError`."""
    for name, content in files.items():
        if SECRET.search(content):
            raise CourseError(f"{folder / name} holds hidden lines or a solution: it is no release. Run: course release")
