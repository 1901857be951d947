"""Pictures in written answers: as data, beside the notebook, in an <img>; shown where they are pictures, and never fetched."""

import base64
import json
import struct
import zlib

import nbformat
import pytest
from nbconvert import HTMLExporter

from grading.notebooks import embedded
from grading.notebooks.answers import answers
from grading.notebooks.cells import grade_id
from grading.notebooks.embedded import MAX_PICTURE, NOT_SHOWN, checked, kind_of_picture, taken_out, with_files
from grading.notebooks.intake import illustrate, screen
from grading.notebooks.mend import mend
from grading.notebooks.outputs import clean_markdown
from grading.notebooks.record import Record
from grading.plugins.readable import WriteOutPictures
from grading.plugins.steps import RELEASE
from grading.run import execute
from grading.tools.check import wanted
from tests.conftest import ROOT

CANON = wanted(ROOT / "source" / "ps1" / "activations.ipynb")["wanted"]


def png(width=2, height=2, colour=b"\0\0\xff", more=b""):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    rows = (b"\0" + colour * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) \
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"tEXt", b"x\0" + more) + chunk(b"IEND", b"")


JPEG = b"\xff\xd8\xff\xe0\0\4xx\xff\xc0\0\x11\x08\0\x10\0\x20" + bytes(20)
GIF = b"GIF89a\x03\0\2\0" + bytes(10)
WEBP = b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0\x07\0\0\x05\0\0"
PICTURES = {"image/png": png(), "image/jpeg": JPEG, "image/gif": GIF, "image/webp": WEBP}
NONE = {"SVG": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "PNG of a cover": b"\x89PNG\r\n\x1a\n<script>",
        "a page": b"<html>", "nothing": b"", "a JPEG without a size": b"\xff\xd8\xff\xe0" + bytes(30),
        "a bomb": png(2, 2)[:16] + struct.pack(">II", 60_000, 60_000) + png(2, 2)[24:], "no height": png(2, 0),
        "a GIF that is larger than it says": GIF[:10] + b"\x80\0\0" + bytes(6) + b"!\xf9\x04abcd\0" + b",\0\0\0\0\xff\xff\xff\xff" + bytes(20),
        "a JPEG with another size where markers without a length seem to end": JPEG[:2] + (b"\xff\x01\xff\xc0\0\x11\x08" + b"\xff" * 4).ljust(2 + 0xFFC0, b"\0")
        + b"\xff\xc0\0\x11\x08\0\x10\0\x20" + bytes(20),
        "too large": png(more=bytes(MAX_PICTURE))}


def uri(content, kind="image/png"):
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_is_known_by_its_bytes(kind):
    assert kind_of_picture(PICTURES[kind]) == kind


@pytest.mark.parametrize("what", NONE)
def test_what_is_no_picture_is_not_shown(what):
    assert kind_of_picture(NONE[what]) is None
    assert taken_out(f"![x]({uri(NONE[what])})") == (f"![x]({NOT_SHOWN})", {})


def test_attachments_are_checked_pictures():
    good, bad = base64.b64encode(png()).decode(), base64.b64encode(NONE["SVG"]).decode()
    assert checked({"a": {"image/svg+xml": bad}, "b": {"image/png": bad}, "c": 3, "e\n": {"image/png": good},
                    "d": {"image/png": good, "text/html": "x"}}) == {"d": {"image/png": good}}


IN_TEXT = {
    "Colab's": "![plot.png]({})", "with a title": '![p]({} "my plot")', "a reference": "See ![p][one].\n\n[one]: <{}>",
    "an <img>": '<img src="{}" width=400 alt="p">', "an <img> that closes itself": "<img\n  src='{}'/>",
    "in a paragraph": "before ![p]({}) after",
}


@pytest.mark.parametrize("how", IN_TEXT)
@pytest.mark.parametrize("large", [0, 300_000])
def test_pictures_in_the_text_are_attached_and_what_follows_is_not_cut(how, large, tmp_path):
    essay = IN_TEXT[how].format(uri(png(more=bytes(large)))) + "\n\nThe last sentence counts."
    cell = handed_in(tmp_path, essay).cells[-1]
    assert cell.source.endswith("The last sentence counts.") and "base64" not in cell.source
    assert list(cell.attachments) == ["picture-1.png"] and "attachment:picture-1.png" in cell.source
    assert clean_markdown(cell.source, cell.attachments) == cell.source
    assert 'src="data:image/png;base64,iVBOR' in page_of(cell)


ATTACHED = {"blanks and brackets": ("my image (1).png", "my%20image%20(1).png"), "an accent": ("größe.png", "gr%C3%B6%C3%9Fe.png"),
            "another accent": ("gro\u0308\u00dfe.png", "gr\u00f6\u00dfe.png"), "as it is": ("a b.png", "a b.png"), "more signs": ("a&b#1.png", "a%26b%231.png")}


@pytest.mark.parametrize("how", ATTACHED)
def test_an_attachment_is_shown_however_its_name_is_written(how, tmp_path):
    name, way = ATTACHED[how]
    content = base64.b64encode(png()).decode()
    source, pictures = taken_out(f"before ![p](attachment:{way}) ![p](attachment:{way}) after", {name: {"image/png": content}})
    assert (source, pictures) == ("before ![p](attachment:picture-1.png) ![p](attachment:picture-1.png) after", {"picture-1.png": {"image/png": content}})
    assert with_files(source, pictures, {}) == (source, pictures) and clean_markdown(source, pictures) == source


BESIDE = {"a file": "![p](plot.png)", "with a dot": "![p](./plot.png)", "in a folder": "![p](images/my%20plot.png)",
          "blanks": "![p](<images/my plot.png>)", "an <img>": '<img src="plot.png" alt="p">', "accents": "![p](größe.png)"}


@pytest.mark.parametrize("how", BESIDE)
def test_files_beside_the_notebook_are_shown_where_the_text_names_them(how, tmp_path):
    files = {"plot.png": png(), "images/my plot.png": png(3), "gro\u0308\u00dfe.png": png(4)}
    notebook = handed_in(tmp_path, BESIDE[how] + " text", files)
    named = next(cell for cell in notebook.cells if cell.source.endswith(" text"))
    assert len(named.attachments) == 1 and 'src="data:image/png' in page_of(named)
    others = notebook.cells[-1]
    assert others.source.startswith("**Handed in beside the notebook:**") and len(others.attachments) == 2
    assert clean_markdown(others.source, others.attachments) == others.source


def test_a_picture_that_many_cells_name_takes_no_more_than_all_pictures_may():
    """Each cell holds its data anew: a file of 8 MB that forty cells name made a notebook of 440 MB, in 2 GB of each process."""
    large = png(more=bytes(2**20))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"{number} ![p](plot.png)") for number in range(40)])
    illustrate(notebook, {"plot.png": large}, "", (), {})
    with_it = [cell for cell in notebook.cells if "attachments" in cell]
    assert len(with_it) == embedded.MAX_ALL // len(large) < 40
    assert notebook.cells[39].source == "39 *(the picture plot.png cannot be shown)*"


SAID = {"![p](attachment:gone.png)": "*(the picture gone.png was not handed in)*",
        "![p](gone.png)": "*(the picture gone.png was not handed in)*",
        "![p](../../../etc/passwd)": "*(the picture ../../../etc/passwd was not handed in)*",
        "![p](notes.txt)": "*(the picture notes.txt cannot be shown)*",
        "![p](https://example.org/x.png)": "![p](https://example.org/x.png)",
        '<img src="https://example.org/x.png">': "[picture](https://example.org/x.png)",
        '<img src="javascript:alert(1)">': "", "`![p](gone.png)`": "`![p](gone.png)`",
        "```\n<img src='gone.png'>\n```": "```\n<img src='gone.png'>\n```", "a < b and <i>x</i>": "a < b and <i>x</i>"}


@pytest.mark.parametrize("source", SAID)
def test_pictures_that_are_not_there_are_said_and_none_is_fetched(source):
    assert with_files(source, {}, {"notes.txt": b"x"}) == (SAID[source], {})
    assert "example.org/x.png" not in clean_markdown(SAID[source]).replace("](https://example.org/x.png)", "") \
        and "![" not in clean_markdown(SAID[source]).replace("`![", "")


@pytest.mark.parametrize("around", ['<div align="center">\n\n{}\n\n</div>', "<font color='red'>x</font>\n\n{}", "long " * 15_000 + "{}"])
def test_a_text_that_is_shown_as_it_was_written_still_shows_its_pictures(around, tmp_path):
    cell = handed_in(tmp_path, around.format(f"![p]({uri(png())})")).cells[-1]
    cell.source = clean_markdown(cell.source, cell.attachments)
    assert cell.source.startswith("*Shown as it was written:*") and 'src="data:image/png;base64,iVBOR' in page_of(cell)


def test_another_picture_of_the_same_name_is_another_answer(tmp_path):
    first, second = (answers(handed_in(tmp_path / str(number), "![p](plot.png)", {"plot.png": png(number)}), CANON)
                     for number in (3, 4))
    assert first["explain_activations"] != second["explain_activations"]


def test_the_pictures_of_locked_cells_are_the_released_ones(tmp_path):
    notebook = handed_in(tmp_path, "text")
    assert mend(notebook, CANON) == {}
    cell = next(cell for cell in notebook.cells if grade_id(cell) == "figure_layer")
    assert "data:image/svg+xml" in cell.source and cell.source == CANON["figure_layer"]["source"] and "attachments" not in cell
    canon = {"figure_layer": {**CANON["figure_layer"], "source": f'<img alt="a" src="{uri(png())}">'}}
    cell.source = canon["figure_layer"]["source"]
    notebook = handed_in(tmp_path, "text", {"activations.ipynb": nbformat.writes(notebook).encode()}, canon)
    assert mend(notebook, canon) == {}
    cell = next(cell for cell in notebook.cells if grade_id(cell) == "figure_layer")
    assert cell.source == canon["figure_layer"]["source"] and "attachments" not in cell


@pytest.mark.parametrize("piece", ["![", "![a](", "<img ", "<img src='", "```\n", "`", "data:image/png;base64,", "![a]( "])
def test_nonsense_takes_no_longer_than_it_is_long(piece):
    source = piece * (200_000 // len(piece))
    with_files(taken_out(source)[0], {}, {})


def handed_in(tmp_path, essay, files=None, canon=CANON):
    folder = tmp_path / "ps1"
    notebook = json.loads((ROOT / "release" / "ps1" / "activations.ipynb").read_text())
    notebook["cells"][-1]["source"] = essay
    for name, content in {"activations.ipynb": json.dumps(notebook).encode(), **(files or {})}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    taken = screen(folder, {"activations": canon}).notebooks["activations"]
    assert Record.read(taken) == Record()
    return taken


def page_of(cell):
    return HTMLExporter(template_name="classic").from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))[0]


@pytest.mark.parametrize("way", ["![f](attachment:my%20image.png)", "![f](<attachment:my image.png>)"])
def test_a_picture_that_is_attached_to_the_courses_text_is_released_in_it(way):
    """The gradebook keeps a cell's text alone, and nobody says what a student's notebook brings along beside it."""
    cell = nbformat.v4.new_markdown_cell(f"Which curve is it? {way}", attachments={"my image.png": {"image/png": base64.b64encode(png()).decode()}})
    released, _ = WriteOutPictures()(nbformat.v4.new_notebook(cells=[cell]), {})
    assert "attachments" not in released.cells[0] and uri(png()) in released.cells[0].source
    assert f'src="{uri(png())}"' in page_of(released.cells[0])
    assert "grading.plugins.readable.WriteOutPictures" in RELEASE


def test_an_attachment_that_is_missing_in_the_courses_text_is_said():
    """nbconvert makes no page of a cell that names one, and formgrader none either."""
    text = "Which curve is it? ![f](attachment:fig.png) `![f](attachment:fig.png)` ![g](attachment:here.png)"
    about = {"nbgrader": {"grade_id": "explain_x", "locked": True, "solution": False, "grade": False, "task": True, "points": 2.0}}
    cell = nbformat.v4.new_markdown_cell(text, metadata=about, attachments={"here.png": {"image/png": base64.b64encode(png()).decode()}})
    nb = nbformat.v4.new_notebook(cells=[cell])
    execute.run_cells(nb, None, ".")
    assert nb.cells[0].source == text.replace("![f](attachment:fig.png)", "*(the picture fig.png was not handed in)*", 1)
    assert uri(png()) in page_of(nb.cells[0])


def test_no_more_pictures_of_a_cell_than_a_page_bears():
    text = "".join(f"![]({uri(png(number))})" for number in range(1, 80))
    assert len(taken_out(text)[1]) == embedded.MAX_PICTURES
