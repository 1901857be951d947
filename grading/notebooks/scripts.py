"""A Python file as a notebook: what Jupyter, Jupytext, Colab and editors write when a notebook is saved as a script.

The marks of cells are `# %%` and `# In[3]:`; a file without any gets a cell for each function, so that an error in one piece
keeps nobody from the next. Code stays as it is; a piece of comments alone, or one that says `[markdown]`, is text.
"""

import re
from typing import Any

MARK = re.compile(r"^# (?:%%|In\s?\[[\d ]{0,8}\]:?|<codecell>|<markdowncell>)(?P<about>[^\n]*)$", re.MULTILINE)
NAME = re.compile(r"""grade_id["']?\s*[:=]\s*["']([\w-]{1,120})["']""")
HEADER = re.compile(r"\A(#!.*\n|# -\*-.*\n|\s*\n)*(# ---\n(#.*\n)*?# ---\n)?")
PIECE = re.compile(r"^(?=@|(?:async def|def|class|with)\b)", re.MULTILINE)
MAX_PIECES = 400


def is_script(text: str) -> bool:
    """Whether a text is Python rather than something else."""
    return re.search(r"^[ \t]*(def|import|from) \w", text, re.MULTILINE) is not None and not text.lstrip().startswith("{")


def cells_of(text: str) -> list[dict[str, Any]]:
    """The cells as they would stand in the file of a notebook."""
    text = HEADER.sub("", text.replace("\r\n", "\n"), count=1)
    marks = list(MARK.finditer(text)) or [mark for mark in PIECE.finditer(text) if not decorated(text, mark.start())]
    starts = [(0, 0, "")] + [(mark.start(), mark.end(), mark.groupdict().get("about", "")) for mark in marks[:MAX_PIECES]]
    ends = [start for start, _, _ in starts[1:]] + [len(text)]
    cells = [cell_of(text[begin:end].strip("\n"), about) for (_, begin, about), end in zip(starts, ends)]
    return [cell for cell in cells if cell["source"]]


def decorated(text: str, start: int) -> bool:
    """Whether the line before is a decorator, to which the function belongs."""
    return text[:start].rpartition("\n")[0].rpartition("\n")[2].startswith("@")


def cell_of(source: str, about: str) -> dict[str, Any]:
    lines = source.splitlines()
    text = "[markdown]" in about or "[md]" in about or all(not line.strip() or line.startswith("#") for line in lines)
    if text:
        source = "\n".join(line[1:].removeprefix(" ") if line.startswith("#") else line for line in lines).strip().strip('"').strip()
    cell: dict[str, Any] = {"cell_type": "markdown" if text else "code", "source": source, "metadata": {}}
    if name := NAME.search(about):
        cell["metadata"] = {"nbgrader": {"grade_id": name[1]}}
    return cell
