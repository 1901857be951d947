"""Draw the pictures of a graded notebook on the trusted side, from the numbers that the kernel sends.

The course's own plotting helper (`source/*/gradient_plots.py`) shows its picture as plain data where the grader asks for
that. Most of a class draws the same curves, so each picture is drawn once, and a kernel never has to.
"""

import base64
import contextlib
import hashlib
import importlib.util
import json
import math
import os
from functools import cache, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ..border.bounded import bounded_or, timed
from ..border.wire import WireError

HELPER = "gradient_plots.py"
MAX_POINTS, MAX_LINES, MAX_TEXT = 5000, 12, 200
MAX_PICTURES = 40           # of one notebook: drawing takes the grader's time, not the student's
MAX_CONTENT = 2**18         # characters of the data of one picture
MAX_ALL = 2**20             # of all pictures of a notebook
DRAW_SECONDS, DRAW_SECONDS_ALL = 5, 10      # of CPU time, for a picture and for a notebook; an ordinary one takes a twentieth of one


def helper_files(root: str | Path) -> dict[str, bytes]:
    """{relative path: bytes} of the course's plotting helper; the copies of all assignments are the same, one is enough."""
    paths = sorted(Path(root).glob(f"source/*/{HELPER}"))[:1]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


@cache
def helper(root: str | Path) -> ModuleType:
    """The course's plotting helper as a module, loaded from `root`/source."""
    spec = importlib.util.spec_from_file_location("trusted_gradient_plots", Path(root, *helper_files(root)))
    assert spec is not None and spec.loader is not None     # for a file whose name ends in .py there always is one
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Album:
    """The pictures of one notebook: past the first MAX_PICTURES, or once drawing took DRAW_SECONDS_ALL, none is drawn.

    `shelf` is a folder in which the workers of one run keep pictures for each other; each has its own `draw` as well.
    """

    def __init__(self, root: str | Path, shelf: Path | None = None) -> None:
        self.root, self.shelf, self.left, self.room, self.seconds = root, shelf, MAX_PICTURES, MAX_ALL, float(DRAW_SECONDS_ALL)

    def draw(self, content: str) -> str | None:
        """The picture of `draw` below; None once there were enough."""
        self.left, self.room = self.left - 1, self.room - len(content)
        if self.left < 0 or self.room < 0 or self.seconds <= 0 or len(content) > MAX_CONTENT:
            return None
        picture, seconds = draw(self.root, content, self.shelf)
        self.seconds -= seconds
        return picture


@lru_cache(maxsize=128)
def draw(root: str | Path, content: str, shelf: Path | None = None) -> tuple[str | None, float]:
    """(the picture that the JSON text `content` describes, as base64 PNG, or None if it describes none; what that took in seconds
    of CPU time). One that lay on the shelf took none."""
    kept = shelf and shelf / hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()
    with contextlib.suppress(OSError):
        if kept and kept.exists():
            return kept.read_text(), 0
    # whatever a kernel makes up, and however long that would take, the answer is: no picture
    picture, seconds = bounded_or((None, float(DRAW_SECONDS)), timed, drawn, root, content, seconds=DRAW_SECONDS)
    if kept and picture:
        with contextlib.suppress(OSError):
            put(kept, picture)
    return picture, seconds


def drawn(root: str | Path, content: str) -> str:
    return base64.b64encode(helper(root).png(**read(json.loads(content)))).decode()


def put(path: Path, text: str) -> None:
    """Write all of `path` or nothing: another worker may be reading it."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text)
    new.rename(path)


def read(content: Any) -> dict[str, Any]:
    """Check untrusted content and give it the form that the helper's `png` takes. Raises on anything else."""
    panels = content["panels"]
    if not 1 <= len(panels) <= 4:
        raise WireError("a picture has one to four panels")
    return {"title": text(content["title"]), "shared": bool(content["shared"]),
            "panels": [read_panel(panel) for panel in panels]}


def read_panel(panel: Any) -> dict[str, Any]:
    lines = {text(label): (numbers(xy[0]), numbers(xy[1])) for label, xy in panel["lines"].items()}
    if len(lines) > MAX_LINES or len(panel["points"]) > MAX_LINES or any(len(x) != len(y) for x, y in lines.values()):
        raise WireError("a panel has too many lines, or lines of unequal length")
    return {"title": text(panel["title"]), "x_label": text(panel["x_label"]), "y_label": text(panel["y_label"]),
            "lines": lines, "points": [text(label) for label in panel["points"]], "decades": bool(panel["decades"]),
            "legend": text(panel["legend"])}


def text(value: Any) -> str:
    """A label: short, and without the signs that would make Matplotlib typeset a formula."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise WireError("a label is not a short text")
    return value.replace("$", "").replace("\\", "")


def numbers(values: Any) -> list[float]:
    if not isinstance(values, list) or len(values) > MAX_POINTS:
        raise WireError("a line is not a short list of numbers")
    return [value if abs(value) < 1e30 else math.nan for value in map(float, values)]
