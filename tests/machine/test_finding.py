"""Which file of a submission is the notebook: every one is looked at, and none with more answers costs a silent 0."""

import gzip
import io
import json
import tarfile
import unicodedata
import zipfile

import nbformat
import pytest

from grading.notebooks import finding, scripts
from grading.notebooks.answers import answers
from grading.notebooks.archives import NotUnpacked, members
from grading.notebooks.embedded import taken_out
from grading.notebooks.finding import Candidate, Search
from grading.notebooks.intake import SECRET, STAMP, Refusal, look_through, screen
from grading.notebooks.reading import MAX_BYTES, read_notebook, without_outputs
from grading.notebooks.record import FILE, WHOLE, Record
from grading.run import human
from grading.notebooks.submissions import CELL, fill
from grading.tools.check import wanted
from tests.conftest import ROOT, SUBMISSIONS, points_in

NAME = "activations.ipynb"
CANON = wanted(ROOT / "source" / "ps1" / NAME)["wanted"]


def work(case):
    released = nbformat.read(ROOT / "release" / "ps1" / NAME, as_version=4)
    return nbformat.writes(fill(released, (SUBMISSIONS / "ps1" / case / "activations.py").read_text()))


FULL, OTHER, HALF, BLANK = map(work, ("perfect-vectorised", "perfect-loops", "half-finished", "blank"))
ALL, SOME = (len(set(CELL.findall((SUBMISSIONS / "ps1" / case / "activations.py").read_text())) & points_in().keys())
             for case in ("perfect-vectorised", "half-finished"))      # exercises that they answer
SCRATCH = json.dumps({"cells": [{"cell_type": "code", "source": "1 + 1"}]})
SCRIPT = "import numpy as np\n\n" + (SUBMISSIONS / "ps1" / "perfect-vectorised" / "activations.py").read_text()


def archive(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in files.items():
            opened.writestr(name.replace("__", "/"), text)
    return content.getvalue()


def tarball(**files):
    """A tar; what has no content is a link."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as opened:
        for name, blob in files.items():
            about = tarfile.TarInfo(name.replace("__", "/"))
            about.type, about.linkname, about.size = (tarfile.SYMTYPE, "/etc/passwd", 0) if blob is None else (tarfile.REGTYPE, "", len(blob))
            opened.addfile(about, io.BytesIO(blob or b""))
    return content.getvalue()


def percent(notebook):
    """As editors and Jupytext write it."""
    cells = json.loads(notebook)["cells"]
    return "".join("# %% [markdown]\n" + "\n".join(f"# {line}" for line in "".join(cell["source"]).splitlines()) + "\n\n"
                   if cell["cell_type"] == "markdown" else f"# %%\n{''.join(cell['source'])}\n\n" for cell in cells)


def exported(notebook):
    """As `jupyter nbconvert --to script` writes it."""
    return "#!/usr/bin/env python\n# coding: utf-8\n\n" + "".join(
        f"# In[{number}]:\n\n\n{''.join(cell['source'])}\n\n\n" for number, cell in enumerate(json.loads(notebook)["cells"])
        if cell["cell_type"] == "code")


# {what it is: (files, exercises that are answered in what is graded, what is said)}
TAKEN = {
    "a finished copy beside the blank one": ({NAME: BLANK, "activations-Copy1.ipynb": FULL}, ALL, "answers nothing"),
    "a second upload beside a half one": ({NAME: HALF, "activations-1.ipynb": FULL}, ALL, f"{SOME} of the {ALL}"),
    "a second download": ({"activations (1).ipynb": FULL}, ALL, "in its place"),
    "a copy under another name": ({NAME: BLANK, "meine Lösung.ipynb": FULL}, ALL, "in its place"),
    "a copy in a folder": ({NAME: BLANK, "final/activations.ipynb": FULL}, ALL, "in its place"),
    "a damaged one and a whole copy": ({NAME: FULL[:20000], "activations-Copy1.ipynb": FULL}, ALL, "in its place"),
    "an older copy": ({NAME: FULL, "activations-Copy1.ipynb": HALF}, ALL, None),
    "the same twice": ({NAME: FULL, "activations-Copy1.ipynb": FULL}, ALL, None),
    "the same twice under other names": ({"a.ipynb": FULL, "b.ipynb": FULL}, ALL, "in its place"),
    "a scratch notebook": ({NAME: HALF, "Untitled.ipynb": SCRATCH}, SOME, None),
    "a Mac's twin": ({NAME: FULL, "._activations.ipynb": b"\0\5\x16\7\0\2"}, ALL, None),
    "another ending": ({"activations.ipynb.json": FULL}, ALL, "in its place"),
    "a mail program's ending": ({"activations.ipynb.txt": FULL}, ALL, "in its place"),
    "a zip": ({"hw.zip": archive(hw__activations_final=b"x", **{"hw__activations.ipynb": FULL})}, ALL, "in 'hw.zip'"),
    "a zip beside the blank one": ({NAME: BLANK, "hw.zip": archive(**{"activations.ipynb": FULL})}, ALL, "answers nothing"),
    "a zip called like the notebook": ({NAME: archive(**{"activations.ipynb": FULL})}, ALL, "is a zip archive"),
    "a script": ({"activations.py": SCRIPT}, ALL, "Python script"),
    "a script of an editor": ({"activations.py": percent(FULL)}, ALL, "Python script"),
    "an exported script": ({"activations.py": exported(FULL)}, ALL, "Python script"),
    "a script beside the blank one": ({NAME: BLANK, "solution.py": SCRIPT}, ALL, "answers nothing"),
    "a helper module beside the notebook": ({NAME: HALF, "helper.py": SCRIPT}, SOME, None),
    "ends of lines of another system": ({NAME: FULL.replace("\n", "\r\n")}, ALL, None),
    "a download that was cut off in its name": ({"activations.ipynb.crdownload": FULL}, ALL, "in its place"),
    "a gzip": ({"activations.ipynb.gz": gzip.compress(FULL.encode())}, ALL, "in 'activations.ipynb.gz'"),
    "a tar": ({"hw.tar": tarball(hw__notes=b"x", **{"./hw__activations.ipynb": FULL.encode()})}, ALL, "in 'hw.tar'"),
    "a tar in a gzip": ({"activations.tgz": gzip.compress(tarball(**{"activations.ipynb": FULL.encode()}))}, ALL, "in 'activations.tgz'"),
    "a zip in a zip": ({"hw.zip": archive(a__notes="x", **{"a__inner.zip": archive(**{"b__activations.ipynb": FULL})})}, ALL, "in 'hw.zip'"),
    "a folder called like the notebook": ({f"{NAME}/{NAME}": FULL, f"{NAME}/x.csv": "1"}, ALL, "is a folder"),
    "a copy that Jupyter keeps": ({NAME: HALF, ".ipynb_checkpoints/activations-checkpoint.ipynb": FULL}, SOME, "a copy that Jupyter keeps"),
    "an older copy that Jupyter keeps": ({NAME: FULL, ".ipynb_checkpoints/activations-checkpoint.ipynb": HALF}, ALL, None),
    "no ending": ({"activations": FULL}, ALL, "in its place"),
    "a text in a text": ({NAME: json.dumps(json.dumps(FULL))}, ALL, None),
    "a text in a text under another ending": ({"activations.ipynb.txt": json.dumps(FULL)}, ALL, "in its place"),
    "Jupyter's answer to a download": ({NAME: json.dumps({"name": NAME, "type": "notebook", "content": json.loads(FULL)})}, ALL, None),
    "a prefix": ({"ps1_activations.ipynb": FULL}, ALL, "in its place"),
    "a student's own name": ({"meine Lösung.ipynb": HALF}, SOME, "in its place"),
    "a folder of its own": ({"ps1/activations.ipynb": FULL}, ALL, "in its place"),
    "a prefix beside what is none of it": ({"ps1_activations.ipynb": FULL, "Untitled.ipynb": SCRATCH, "notes.txt": "x", "data.json": "{}"}, ALL, "in its place"),
    "a prefix beside a damaged one": ({"ps1_activations.ipynb": FULL, "activations-Copy1.ipynb": OTHER[:20000]}, ALL, "in its place"),
    "a prefix beside a damaged zip": ({"ps1_activations.ipynb": FULL, "hw.zip": b"PK\3\4" + bytes(100)}, ALL, "in its place"),
    "a prefix beside half of it": ({"ps1_activations.ipynb": FULL, "old.ipynb": HALF}, ALL, "in its place"),
    "no metadata at all": ({NAME: json.dumps({"cells": [{**cell, "metadata": {}} for cell in json.loads(FULL)["cells"]]})}, ALL, None),
}
# of these those in which nobody can doubt what was meant: they are said, and need nobody
CERTAIN = {"no ending", "a text in a text under another ending", "a download that was cut off in its name", "a gzip", "a tar", "a tar in a gzip", "a zip in a zip", "a second download", "the same twice under other names", "another ending", "a mail program's ending", "a zip",
           "a zip called like the notebook", "a prefix", "a student's own name", "a folder of its own", "a prefix beside what is none of it"}
# {what it is: (files, words of the reason)}
REFUSED = {
    "two that differ": ({NAME: FULL, "activations-Copy1.ipynb": OTHER}, ["could be one of", "'activations-Copy1.ipynb'", "sigmoid"]),
    "two that differ under other names": ({"a.ipynb": FULL, "b.ipynb": OTHER}, ["could be one of", "'a.ipynb'", "'b.ipynb'"]),
    "nothing of the assignment": ({NAME: SCRATCH}, ["does not look like ps1"]),
    "another assignment": ({NAME: (ROOT / "release/ps2/backward_step.ipynb").read_text()}, ["does not look like ps1"]),
    "a scratch notebook alone": ({"Untitled.ipynb": SCRATCH}, ["no activations.ipynb", "does not look like ps1"]),
    "a placeholder of iCloud": ({".activations.ipynb.icloud": b"bplist00"}, ["no activations.ipynb", "iCloud's placeholder, not the file itself"]),
    "a link": ({"activations.ipynb.url": "[InternetShortcut]"}, ["no activations.ipynb", "is a link to a file, not the file itself"]),
    "a text that is no JSON in a text": ({NAME: json.dumps("cells")}, ["not a notebook"]),
    "a list of nothing": ({NAME: "[]"}, ["JSON, but not a notebook"]),
    "a PDF": ({"answers.pdf": b"%PDF-1.7"}, ["no activations.ipynb", "There is: answers.pdf"]),
    "a zip of nothing": ({"hw.zip": archive(**{"readme.md": "x"})}, ["hw.zip is a zip archive"]),
    "a broken zip": ({"hw.zip": b"PK\3\4" + bytes(100)}, ["cannot be unpacked"]),
    "a gzip that never ends": ({"hw.gz": gzip.compress(bytes(65 * 2**20))}, ["hw.gz is a gzip archive of more than 64 MiB"]),
    "a broken gzip": ({"activations.ipynb.gz": b"\x1f\x8b" + bytes(100)}, ["cannot be unpacked"]),
    "a tar of links": ({"hw.tar": tarball(link=None)}, ["hw.tar is a tar archive, not a notebook"]),
    "a broken tar": ({"hw.tar": tarball(a=b"x")[:257] + b"ustar" + bytes(300)}, ["hw.tar is a tar archive that cannot be unpacked"]),
    "zips in zips without end": ({"hw.zip": archive(**{"a.zip": archive(**{"b.zip": archive(**{"c.zip": b"PK"})})})}, ["hw.zip is a zip archive"]),
    "a zip that never ends": ({"hw.zip": archive(**{"activations.ipynb": bytes(65 * 2**20)})}, ["more than 64 MiB"]),
}


def handed_in(tmp_path, files):
    folder = tmp_path / "ps1"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return screen(folder, {"activations": CANON}).notebooks["activations"]


@pytest.mark.parametrize("what", TAKEN)
def test_the_notebook_with_most_of_the_answers_is_graded_and_that_is_said(what, tmp_path):
    files, count, words = TAKEN[what]
    taken = handed_in(tmp_path, files)
    assert not isinstance(taken, Refusal), taken.reason
    assert len(answers(taken, CANON).keys() - {"explain_activations"}) == count
    record = Record.read(taken)
    said = {kind: record.mended[kind] for kind in (WHOLE, FILE) if kind in record.mended}
    assert list(said) == [FILE if what in CERTAIN else WHOLE] * bool(words) and all(words in line for line in said.values())
    assert bool(human.reasons(record, "activations")) == (bool(words) and what not in CERTAIN)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_answer_or_more_than_one_comes_before_a_human(what, tmp_path):
    files, words = REFUSED[what]
    taken = handed_in(tmp_path, files)
    assert isinstance(taken, Refusal)
    assert all(word in taken.reason for word in words), taken.reason


def test_the_remedy_of_two_that_differ_works(tmp_path):
    files = {NAME: FULL, "activations-Copy1.ipynb": OTHER}
    assert isinstance(handed_in(tmp_path, files), Refusal)
    (tmp_path / "ps1" / NAME).unlink()
    (tmp_path / "ps1" / "activations-Copy1.ipynb").rename(tmp_path / "ps1" / NAME)
    assert answers(screen(tmp_path / "ps1", {"activations": CANON}).notebooks["activations"], CANON)["relu"] == \
        answers(nbformat.reads(OTHER, 4), CANON)["relu"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_a_reason_whatever_it_was_packed_with(method):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as opened:
        opened.writestr(NAME, FULL)
    damaged = bytearray(content.getvalue())
    start = damaged.index(NAME.encode()) + len(NAME)
    damaged[start + 4:start + 30] = bytes(26)
    assert members(content.getvalue()).keys() == {NAME}
    with pytest.raises(NotUnpacked, match="is a zip archive that cannot be unpacked"):
        members(bytes(damaged))


def test_what_lay_beside_the_notebook_in_a_zip_lies_beside_it_again_but_obeys_nobody(tmp_path):
    (tmp_path / "hw.zip").write_bytes(archive(**{"hw/activations.ipynb": FULL, "hw/data/x.csv": "1", "hw/conftest.py": "x",
                                                 "hw/visible_checks.py": "x", "../out.txt": "x", "other.txt": "x"}))
    taken = screen(tmp_path, {"activations": CANON}, course=["visible_checks.py"])
    assert [name for name, _ in taken.files] == ["data/x.csv", "hw.zip"]


@pytest.mark.parametrize(("files", "taken", "told"), [
    ({"timestamp.txt": "2020-01-01 00:00:00 UTC", "submission_secret.txt": "x"}, [], False), ({"timestamp.txt/a": "x"}, [], True),
    ({"a": "1", "a/b": "2"}, ["a"], True), ({"activations.ipynb/a": "x"}, [], True), ({"beside/a": "x"}, [], True),
    ({"data/of/the": "x"}, [], True), ({"a/" * 9 + "b": "x"}, [], True), ({"a/" * 8 + "b": "x"}, ["a/" * 8 + "b"], False),
    ({f"{number:03d}": "x" for number in range(199)}, [f"{number:03d}" for number in range(198)], True),
    ({"a": bytes(9 * 2**20), "b": bytes(9 * 2**20), "c": "x"}, ["a", "c"], True)])
def test_what_lay_beside_the_notebook_in_a_zip_takes_the_place_of_nothing(tmp_path, files, taken, told):
    (tmp_path / "hw.zip").write_bytes(archive(**{"activations.ipynb": FULL}, **files))
    (tmp_path / "beside").write_text("of the student's own")
    intake = look_through(tmp_path, {"activations": CANON}, (), ("data/of/the/course.csv",))
    assert [name for name, _ in intake.files if name not in ("hw.zip", "beside")] == taken
    assert any("none takes another's place" in note for note in intake.notes) == told


def test_a_name_in_other_accents_is_the_same_name(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "lösung.ipynb")).write_text(FULL)
    taken = screen(tmp_path, {"lösung": CANON}).notebooks["lösung"]
    assert Record.read(taken).mended == {}


# --- large files and scripts --------------------------------------------------------------------------------------

def large(mebibytes):
    """A notebook with so much output, among it what only looks like the end of a list."""
    data = json.loads(FULL)
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBORw0KGgo\\n" * 10, "text/plain": '] } "\\"'}}
    for cell in data["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [picture, {"output_type": "stream", "name": "stdout", "text": ["[" * 100, '"outputs": [1']}]
    next(cell for cell in data["cells"] if "outputs" in cell)["outputs"].append({"output_type": "stream", "name": "stdout", "text": "x" * (mebibytes * 2**20)})
    return json.dumps(data).encode()


def test_outputs_of_52_mebibytes_are_read_over(tmp_path):
    content = large(52)
    assert not isinstance(handed_in(tmp_path, {NAME: content}), Refusal)
    assert [cell.source for cell in read_notebook(content).cells] == [
        taken_out(cell.source)[0] for cell in nbformat.reads(FULL, 4).cells]


def test_a_file_has_256_mebibytes_as_it_lies_there(tmp_path, monkeypatch):
    asked = []

    def read_below(folder, name, most):
        asked.append(most)
        raise FileNotFoundError
    monkeypatch.setattr(finding, "read_below", read_below)
    assert Search(tmp_path, "activations", CANON, [], [], str).find().notebook is None
    assert asked == [2**28]


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_what_is_cut_or_never_closed_ends(cut):
    content = large(0)
    text = content[:len(content) * cut // 4]
    assert without_outputs(text) and len(without_outputs(text + b'"outputs": ["' + b'\\"' * 10**6)) <= len(text) + 20


def test_a_file_that_is_large_without_outputs_is_too_large(tmp_path):
    data = {"cells": [{"cell_type": "code", "source": "x" * (MAX_BYTES + 1)}]}
    assert "too large" in handed_in(tmp_path, {NAME: json.dumps(data)}).reason


def test_pieces_of_a_script_are_cells_of_their_own():
    cells = scripts.cells_of("import numpy as np\n\n@cached\ndef f(x):\n    return x\n\nprint(f(1))\nwith open('x') as file:\n    1\n")
    assert [cell["source"].splitlines()[0] for cell in cells] == ["import numpy as np", "@cached", "with open('x') as file:"]


def test_ends_of_lines_inside_of_cells_are_no_change():
    data = {"cells": [{"cell_type": "code", "source": "a = 1\r\nb = 2\rc = 3"}]}
    assert read_notebook(json.dumps(data).encode()).cells[0].source == "a = 1\nb = 2\nc = 3"


@pytest.mark.parametrize("folder", ["ps1", "student-01+ps1+2026-03-01 10:00:00 UTC", "student-01+ps1+2026-03-01 10:00:00 UTC+secret"])
def test_the_assignment_is_named_wherever_the_submission_lies(folder, tmp_path):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / NAME).write_text(SCRATCH)
    assert "does not look like ps1:" in screen(tmp_path / folder, {"activations": CANON}).notebooks["activations"].reason


def test_twenty_files_are_looked_at_and_those_that_bear_the_name_first(tmp_path):
    names = [*(f"{number:02}.ipynb" for number in range(30)), "my activations.ipynb", "ACTI_vations.ipynb"]
    found = Search(tmp_path, "activations", {}, [], [], str).nearest(names)
    assert found == ["ACTI_vations.ipynb", "my activations.ipynb", *names[:18]]


@pytest.mark.parametrize(("count", "more"), [(1, "."), (5, "."), (6, " and 1 more."), (9, " and 4 more.")])
def test_where_there_is_no_notebook_five_of_the_other_files_are_named(count, more, tmp_path):
    for name in (*(f"f{number}.dat" for number in range(count)), STAMP, SECRET):        # the last two are the exchange's own
        (tmp_path / name).touch()
    assert look_through(tmp_path, {"activations": {}}, (), ()).notebooks["activations"].reason == (
        "There is no activations.ipynb in the submission. There is: " + ", ".join(f"f{number}.dat" for number in range(min(count, 5))) + more)


# --- one file -----------------------------------------------------------------------------------------------------

def search(folder, notebooks=(), files=(), wanted=CANON):
    return Search(folder, "activations", wanted, list(notebooks), list(files), lambda error: f"because {error}")


def test_without_the_released_cells_a_copy_is_known_by_its_name_alone(tmp_path):
    names = [NAME, "other.ipynb", "my activations.ipynb"]
    assert search(tmp_path, names).others == names[1:] and search(tmp_path, names, wanted={}).others == names[2:]


def test_of_an_archive_scripts_count_where_no_notebook_lies_in_it(tmp_path):
    for packed, due in (({"a/activations.ipynb": HALF, "a/solution.py": SCRIPT}, ["a/activations.ipynb"]), ({"solution.py": SCRIPT}, ["solution.py"]),
                         ({"activations.ipynb": "words", "solution.py": SCRIPT}, ["activations.ipynb", "solution.py"])):
        (tmp_path / "hw.zip").write_bytes(archive(**packed))
        own, *inside = search(tmp_path).look_at("hw.zip")
        assert own.notebook is None and [one.name for one in inside] == due and {one.inside for one in inside} == {"hw.zip"}


def test_what_cannot_be_read_might_have_been_the_one(tmp_path, monkeypatch):
    one = search(tmp_path).candidate("x y.ipynb", b"words")
    assert one.doubt and one.trouble.startswith("'x y.ipynb': The file is not a notebook") and not search(tmp_path).candidate("x.ipynb", FULL.encode()).doubt

    def fail(content):
        raise MemoryError("of its size")
    monkeypatch.setattr(finding, "read_notebook", fail)
    one = search(tmp_path).candidate("x.ipynb", FULL.encode())
    assert one.doubt and one.trouble == "x.ipynb could not be read: because of its size." and one.notebook is None


@pytest.mark.parametrize(("name", "plain"), [("a_b-1.txt", True), ("a b", False), ("ä", False), ("", True)])
def test_a_name_is_plain_in_a_sentence_where_a_course_may_have_given_it(name, plain):
    assert finding.label(name) == (name if plain else finding.shown(name))


def test_those_that_bear_the_notebooks_name_are_looked_at_first_and_twenty_in_all(tmp_path):
    names = ["z.ipynb", "a/Activations!.ipynb", "my-activations-2.ipynb", "a.ipynb", "z/activations.ipynb", *(f"n{number:02}.ipynb" for number in range(20))]
    assert search(tmp_path).nearest(names) == ["a/Activations!.ipynb", "z/activations.ipynb", "my-activations-2.ipynb", "a.ipynb", *(f"n{number:02}.ipynb" for number in range(16))]


def candidate(name, *given, **more):
    return Candidate(name, notebook={"of": name}, given={one: (one,) for one in given}, **more)


def test_of_those_with_most_of_the_answers_the_named_one_counts_then_the_first(tmp_path):
    named, same, less, more = candidate(NAME, "a"), candidate("same.ipynb", "a"), candidate("less.ipynb"), candidate("in/more.ipynb", "a", "b", files={"x": b""})
    choose = search(tmp_path).choose
    assert choose(named, [named, less], None).notebook is named.notebook and choose(named, [same, named], None).notebook is named.notebook
    first = choose(None, [same, candidate("b.ipynb", "a")], "No.")
    assert (first.notebook, first.note, first.folder, first.certain) == (same.notebook, "No. 'same.ipynb' was graded in its place.", ".", False)
    found = choose(named, [named, more], None)
    assert (found.notebook, found.folder, found.files, finding.Found().certain) == (more.notebook, "in", {"x": b""}, False)
    assert found.note == f"{NAME} answers 1 of the 2 exercises and questions that another notebook answers. 'in/more.ipynb' was graded in its place."
    assert choose(less, [less, candidate("in/x.ipynb", "a", inside="hw.zip")], None).folder == ""
    for trouble, said in ((None, "There is more than one notebook."), ("No.", "No.")):
        reason = choose(None, [same, candidate("other.ipynb", "b")], trouble).reason
        assert reason.startswith(f"{said} It could be one of 'same.ipynb', 'other.ipynb': they differ in a, b. Ask ")


def test_where_there_is_nothing_it_is_said_what_there_is(tmp_path):
    def nothing(*troubles, files=()):
        return search(tmp_path, files=files).nothing([Candidate(str(number), trouble=trouble) for number, trouble in enumerate(troubles)])
    assert nothing("No one.", None, "Other.", "".join(["No", " one."])) == "No one. Other." and nothing(None) == ""
    assert nothing("0", "1", "2", "3", "4", "5") == "0 1 2 3 4"
    files = [f"f{number}.pdf" for number in range(12)]
    assert nothing("There is no x.", "Other.", files=["a.pdf", "b.txt"]) == "There is no x. Other. There is: a.pdf." and nothing("There is no x.") == "There is no x."
    assert nothing("Damaged.", "There is no y.", files=files) == "Damaged. There is no y."
    assert nothing("There is no x.", files=files) == "There is no x. There is: f0.pdf, f1.pdf, f2.pdf, f3.pdf, f4.pdf and 7 more."
    assert nothing("There is no x.", files=files[:5]).endswith("f4.pdf.")
