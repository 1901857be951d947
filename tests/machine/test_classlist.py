"""`course class import`: what other systems export becomes the class, whatever its encoding and titles, and ids stay."""

import csv
import io
import re
import shutil
import zipfile

import openpyxl
import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from grading.lms import classlist
from grading.lms.ids import read_ids
from grading.lms.workbook import UNPACKED, sheets_in
from grading.notebooks.near import near
from grading.root import CourseError
from grading.run.students import in_class, unknown
from grading.tools.classes import import_class

CANVAS = '''Student,ID,SIS User ID,SIS Login ID,Section,ps1 (99)
    Points Possible,,,,,25
"Läst, First",4711,S-1,flast,Tutorial A,20
"Second, Anna Maria",4712,S-2,asecond,Tutorial B,
"Student, Test",4713,,7f00,Tutorial B,
'''
MOODLE = '''First name,Last name,ID number,Email address,Groups
First,Läst,M7,FLAST@example.org,A
Third,Person,="007",third@example.org,B
'''
GERMAN = "Vorname;Nachname;Anmeldename;E-Mail-Adresse;Matrikelnummer\nFirst;Läst;flast;flast@example.org;0012\n"
EXCEL = "sep=;\nid;last_name;first_name;email;lms_user_id\nflast;Läst;First;flast@example.org;4711\n"


@pytest.mark.parametrize(("text", "person"), [
    (CANVAS, ("flast", "First", "Läst", "")), (MOODLE, ("M7", "First", "Läst", "FLAST@example.org")),
    (GERMAN, ("flast", "First", "Läst", "flast@example.org")), (EXCEL, ("flast", "First", "Läst", "flast@example.org"))])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("separator", [None, ";", "\t"])
def test_an_export_is_read_in_every_encoding_and_with_every_separator(text, person, encoding, separator):
    if separator and "sep=" not in text and '"' not in text:
        text = text.replace(";", ",").replace(",", separator)
    found = classlist.read(text.replace("\n", "\r\n").encode(encoding))
    first = found.people[0]
    assert (first.id, first.first, first.last, first.email) == person and found.trouble == []


def test_what_is_no_person_is_none_and_zeros_in_front_stay():
    assert [person.id for person in classlist.read(CANVAS.encode()).people] == ["flast", "asecond"]
    assert [person.id for person in classlist.read(MOODLE.encode()).people] == ["M7", "007"]
    assert classlist.read(GERMAN.encode()).people[0].there["number"] == "0012"


def test_a_name_that_somebody_gave_themselves_is_one_line_and_turns_nothing_round():
    """It is shown in formgrader, in tables and by nbgrader's own commands, which print it as it is."""
    person, = classlist.read("id,first_name,last_name,email\na,F\x1b[2J\u202eirst,\u0646\u200c\u0645\u2028Last,a\x07@example.org\n".encode()).people
    assert (person.first, person.last, person.email) == ("F [2J irst", "\u0646\u200c\u0645 Last", "a @example.org")


FRENCH = "Prénom;Nom;Numéro d’identification;Adresse de courriel;Groupes\nFirst;Läst;S12;first@example.org;A\n;;;;\n\n"
FRENCH_CANVAS = ('Étudiant,ID,ID utilisateur SIS,Identifiant de connexion SIS,Section\n    Points possibles,,,,\n"Läst, First",12,S12,flast,A\n'
                 f'"Étudiant, Test",99,,{"ab" * 20},A\n')
GERMAN_CANVAS = 'Student/in;ID;SIS-Benutzer-ID;SIS-Anmelde-ID;ps1 (99)\n    Mögliche Punkte;;;;25\n"Läst, First";12;S12;flast;20,5\n'
SPREADSHEET = "Kurs: Gradients\nStand: 26.11.2026\n\nName;Vorname;Matrikelnummer\nLäst;First;0012345\n;;\n;;\n"


@pytest.mark.parametrize(("text", "encoding", "person"), [
    (FRENCH, "cp1252", ("S12", "First", "Läst", "moodle")), (FRENCH_CANVAS, "utf-8-sig", ("flast", "First", "Läst", "canvas")),
    (GERMAN_CANVAS, "cp1252", ("flast", "First", "Läst", "canvas")), (SPREADSHEET, "utf-16", ("0012345", "First", "Läst", "list")),
    ("Full name\tFirst name\tUsername\nAnnette Läst\tAnn\tflast\n", "utf-16", ("flast", "Ann", "Annette Läst", "list")),
    ("Full name,First name,Username\nFirst Läst,First,flast\n", "utf-8", ("flast", "First", "Läst", "list"))])
def test_titles_in_three_languages_and_half_a_name_are_read(text, encoding, person):
    found = classlist.read(text.encode(encoding))
    assert [(one.id, one.first, one.last, found.system) for one in found.people] == [person] and found.trouble == []


# --- workbooks ----------------------------------------------------------------------------------------------------

def workbook(*sheets, formats=()):
    """The bytes of a workbook; `formats` are {cell: number format} of its last sheet."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    for cell, number_format in dict(formats).items():
        sheet[cell].number_format = number_format
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def rezipped(content, **changed):
    """A workbook with other parts, by their names with _ for each sign."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, changed.get(re.sub(r"\W", "_", part.filename), old.read(part)))
    return out.getvalue()


@pytest.mark.parametrize("text", [CANVAS, MOODLE.replace('="007"', "007"), GERMAN, SPREADSHEET])
def test_a_workbook_is_read_as_the_same_table_in_text_is(text):
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if ";" in text else ","))
    found, same = classlist.read(workbook([["Read me"], ["a", "b", "c"]], rows)), classlist.read(text.encode())
    assert found == same and found.people


def test_the_rows_of_a_workbook_are_as_long_as_what_is_in_them():
    assert sheets_in(workbook([["a", "b", None], [], [None, "c"]])) == [[["a", "b"], [], ["", "c"]]]


def test_a_number_of_a_workbook_is_what_the_spreadsheet_shows():
    rows = [["Username", "First name", "Student ID"], [4711, "A", 7], [123456789012, "B", 8.0], [True, "C", None], ["=1+1", "D", "x"]]
    found = classlist.read(workbook(rows, formats={"C2": "00000"}))
    assert [(person.id, person.there.get("number")) for person in found.people[:3]] == [("4711", "00007"), ("123456789012", "8"), ("TRUE", None)]
    assert found.people[3].id == "x", "a formula that nobody has calculated is empty"


def test_a_workbook_that_is_none_or_too_much_is_said_in_a_sentence():
    rows, said = workbook([["Username", "First name"], ["a", "A"]]), {}
    bomb = rezipped(rows, xl_worksheets_sheet1_xml=b" " * (UNPACKED + 1))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    for name, content in {"bomb": bomb, "damaged": rezipped(rows, xl_worksheets_sheet1_xml=b"<worksheet"), "cut": rows[:len(rows) // 2],
                          "no workbook": archive.getvalue(), "old": b"\xd0\xcf\x11\xe0" + b"\0" * 600}.items():
        with pytest.raises(CourseError) as refused:
            classlist.read(content)
        said[name] = str(refused.value)
    assert "unpacks to more" in said["bomb"] and "no Excel workbook" in said["no workbook"] and "password" in said["old"]
    assert all("Save As > CSV UTF-8" in said[name] for name in said if name != "bomb"), said


def test_a_sheet_of_endless_rows_is_refused(monkeypatch):
    monkeypatch.setattr("grading.lms.workbook.MOST_ROWS", 3)
    with pytest.raises(CourseError, match="more than 3 rows"):
        classlist.read(workbook([["Username"], *[[str(n)] for n in range(5)]]))


@pytest.mark.parametrize(("content", "said"), [
    (b"<html><table><tr><td>Username</td>", "web page.*Save As"), (b"First name,Last name\nA,B\n", "no column of it says who somebody is.*--id"),
    (b"", "it is empty"), (b"\n,,\n", "it is empty")])
def test_what_is_no_class_list_is_said(content, said):
    with pytest.raises(CourseError, match=said):
        classlist.read(content)


def test_rows_are_counted_as_a_spreadsheet_shows_them():
    found = classlist.read(b"\nUsername,First name\n\n,,\na,A\nx/y,B\n")
    assert [person.row for person in found.people] == [5] and found.trouble[0].startswith("row 6 (B)")


def test_rows_that_cannot_be_taken_are_named_and_the_others_come_along():
    text = "Username,First name,Last name\na,A,One\nb,B,Two\nb,Other,Person\nx/y,C,Three\n1.23E+11,D,Four\n,E,Five\n"
    found = classlist.read(text.encode())
    assert [person.id for person in found.people] == ["a"]
    assert [line.split(":")[0] for line in found.trouble] == ["rows 3 and 4 (B Two, Other Person)", "row 5 (C Three)", "row 6 (D Four)",
                                                             "row 7 (E Five)"] or len(found.trouble) == 4
    assert classlist.read(b"Username,Given,Matr\na,A,77\n", "Matr").people[0].id == "77"
    with pytest.raises(CourseError, match="no column Nr. There are: Username"):
        classlist.read(b"Username\na\n", "Nr")


@pytest.fixture
def course(empty, tmp_path):
    shutil.copytree(empty, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A course with nothing in its gradebook; making one takes a second."""
    root = tmp_path_factory.mktemp("empty")
    (root / "nbgrader_config.py").write_text("c = get_config()\n")
    with Gradebook(f"sqlite:///{root}/gradebook.db"):
        pass
    return root


def take(root, text, *options):
    (root / "list.csv").write_text(text, encoding="utf-8")
    said = io.StringIO()
    status = import_class(Console(file=said, width=300), root, root / "list.csv", *options)
    return status, said.getvalue()


def students(root):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        return {row.id: (row.first_name, row.last_name, row.email, row.lms_user_id) for row in book.students}


def test_an_import_says_what_it_would_do_and_does_it_when_told(course):
    (course / "gradebook.db").unlink()
    status, said = take(course, CANVAS)
    assert status == 0 and "2 students: 2 new, 0 changed, 0 as before" in said and "--yes" in said
    assert not (course / "gradebook.db").exists() and not (course / "students.json").exists(), "asking writes nothing"
    take(course, CANVAS, True)
    assert students(course)["flast"] == ("First", "Läst", None, "4711")
    assert read_ids(course)["asecond"]["canvas"] == {"id": "4712", "number": "S-2", "login": "asecond", "section": "Tutorial B"}
    assert "0 new, 0 changed, 2 as before" in take(course, CANVAS, True)[1]


def test_ids_stay_when_a_login_changes_or_another_system_uses_another(course):
    take(course, CANVAS, True)
    _, said = take(course, CANVAS.replace("flast", "first.last").replace("First", "Firstly"), True)
    assert "stays flast, although the file says first.last" in said and "first name First -> Firstly" in said
    take(course, "id,email\nflast,flast@example.org\n", True)
    _, said = take(course, MOODLE, True)
    assert "stays flast, although the file says M7" in said and "new: 007" in said
    assert "not in the file, and kept: asecond" in said
    assert sorted(students(course)) == ["007", "asecond", "flast"]
    assert read_ids(course)["flast"]["moodle"]["number"] == "M7" and read_ids(course)["flast"]["canvas"]["id"] == "4711"


def test_who_is_not_on_the_list_is_named_with_near_names(course):
    take(course, CANVAS, True)
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.add_student("ghost")       # as grading adds whoever handed in
    from grading.run.course import Course
    known = in_class(Course(course).dir)
    assert known == ["asecond", "flast"]
    assert unknown(["flast", "f.last", "nobody"], known) == ["f.last is not on the class list. Did you mean flast?",
                                                             "nobody is not on the class list."]
    assert unknown(["anybody"], []) == [], "without a list nobody is missing from it"
    assert near("Flást", ["flast", "zorro"]) == ["flast"]
