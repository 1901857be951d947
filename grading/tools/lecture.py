"""The lecture as it is read: formulas written out, run, its pictures described; as a notebook and as a page.

`lecture/` stays as its authors write it, with macros; what is made of it lies in release/lecture/. The helper that draws the
pictures holds answers to exercises and is not part of it: in a checkout the copy finds it in `lecture/`.
"""

import hashlib
import io
import os
import shutil
import tempfile
from base64 import b64decode, b64encode
from itertools import takewhile
from pathlib import Path

import nbformat
from jinja2 import pass_context
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell
from PIL import Image
from jinja2.runtime import Context

from ..notebooks.readable import make_readable
from ..pages.formulas import to_html
from ..pages.macros import Macros

LECTURE = "lecture"     # its folder in the release, and the name of its zip
NAME = "vanishing_and_exploding_gradients"
SOURCES = (f"{NAME}.ipynb", "Latex_macros.ipynb", "neural_net_helper.py")
TEMPLATES = Path(__file__).parents[1] / "pages" / "templates"
OPENING = """\
# Everything that the cells below printed and drew stands here already. To run them, open this notebook in a checkout of the
# course: neural_net_helper.py lies in its folder lecture/, and is handed out last, because it holds answers to exercises.
import sys

sys.path.append("../../lecture")"""
SECONDS = 300       # for one cell
COLOURS = 64        # of a picture: there are seven and their edges, and the file is kept in git


def release_lecture(folder: Path, root: Path) -> bool:
    """Write the lecture of the course `root` into `folder`; False if what is there was made from the same files."""
    place, source = Path(folder, f"{NAME}.ipynb"), Path(root, "lecture")
    made_from = fingerprint(source)
    if place.exists() and nbformat.read(place, as_version=4).metadata.get("made_from") == made_from:
        return False
    nb = run(readable(source), source)
    nb.metadata["made_from"] = made_from
    place.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, place)
    return True


def fingerprint(source: Path) -> str:
    """A hash of the files that the lecture is made from."""
    return hashlib.sha256(b"\0".join(Path(source, name).read_bytes() for name in SOURCES)).hexdigest()


def readable(source: Path) -> nbformat.NotebookNode:
    """The lecture without macros, not run yet."""
    nb = make_readable(nbformat.read(Path(source, f"{NAME}.ipynb"), as_version=4), source)
    nb.cells.insert(0, new_code_cell(OPENING, id="helper"))
    for cell in takewhile(lambda cell: cell.cell_type == "code", nb.cells):     # the title comes first
        cell.metadata["jupyter"] = {"source_hidden": True}
    return nb


def run(nb: nbformat.NotebookNode, source: Path) -> nbformat.NotebookNode:
    """Run the lecture in a copy of its folder, and give each picture the words of its cell."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(source, Path(folder, "lecture"))
        # the user's own start-up files and choice of backend are no part of the lecture
        environment = {**os.environ, "IPYTHONDIR": folder, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
        NotebookClient(nb, timeout=SECONDS, kernel_name="python3", record_timing=False,
                       resources={"metadata": {"path": str(Path(folder, "lecture"))}}).execute(env=environment)
    nb.metadata.pop("language_info", None)      # the version of Python that happened to run it
    for cell in nb.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.metadata["image/png"] = {**output.metadata.get("image/png", {}), "alt": cell.metadata["alt"]}
                output.data["image/png"] = smaller(output.data["image/png"])
    return nb


def smaller(picture: str) -> str:
    """A picture, in Base64, with few colours."""
    packed = io.BytesIO()
    with Image.open(io.BytesIO(b64decode(picture))) as image:
        image.convert("RGB").quantize(COLOURS).save(packed, "PNG", optimize=True)
    return b64encode(packed.getvalue()).decode()


def page(nb: nbformat.NotebookNode, title: str) -> str:
    """The released lecture as one HTML file that runs no script and asks for nothing."""
    exporter = HTMLExporter(template_name="lecture", extra_template_basedirs=[str(TEMPLATES)],
                            filters={"markdown": pass_context(markdown)})
    return exporter.from_notebook_node(nb, {"title": title})[0]


def markdown(context: Context, source: str) -> str:
    """The template's filter: Markdown as HTML, formulas as MathML."""
    return to_html(source, context["resources"].setdefault("macros", Macros()), below=0)
