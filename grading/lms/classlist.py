"""A class list as another system exports it, as text or as a workbook: which column is what, and the people in it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..notebooks.names import in_one_line, printable, trouble_with_student
from ..root import CourseError
from .tables import plain, rows_of

# What a column is, by its title without case and signs, in English, German and French: Canvas, Moodle, Blackboard, nbgrader.
TITLES = {
    "login": ("sisloginid", "sisanmeldeid", "sisloginkennung", "identifiantdeconnexionsis", "iddeconnexionsis", "loginid", "login", "username",
              "user", "anmeldename", "benutzername", "nutzername", "nomdutilisateur", "identifiant", "userid", "kennung", "netid", "unixname",
              "studentusername"),
    "id": ("id", "lmsuserid", "canvasuserid", "canvasid", "studentcanvasid", "nbgraderid"),
    "number": ("sisuserid", "sisbenutzerid", "idutilisateursis", "iddutilisateursis", "sisid", "idnumber", "idnummer", "numérodidentification",
               "studentid", "studentnumber", "numéroétudiant", "matriculationnumber", "matrikelnummer", "matrikelnr", "matrnr", "externalid"),
    "name": ("student", "studentin", "studierende", "studierender", "étudiant", "étudiante", "étudiants", "fullname", "name", "nom",
             "vollständigername", "nomcomplet", "studentname", "usersfullname", "displayname"),
    "first": ("firstname", "givenname", "vorname", "prénom", "forename", "studentfirstname"),
    "last": ("lastname", "surname", "familyname", "nachname", "familienname", "nomdefamille", "studentlastname"),
    "email": ("email", "emailaddress", "mail", "emailadresse", "adressedecourriel", "courriel", "adresseemail", "studentemail"),
    "section": ("section", "sections", "abschnitt", "group", "groups", "gruppe", "gruppen", "groupe", "groupes"),
}
MEANING = {title: meaning for meaning, titles in TITLES.items() for title in titles}
CANVAS = {title for meaning in ("login", "number") for title in TITLES[meaning] if title.startswith("sis") or title.endswith("sis")}
NO_PERSON = {"", "pointspossible", "studenttest", "teststudent"}      # rows of Canvas's that are nobody
PREVIEW = re.compile(r"[0-9a-f]{40}")       # the login of Canvas's test student, whatever it is called
SHORTENED = re.compile(r"\d[.,]\d+e\+\d+", re.IGNORECASE)       # what a spreadsheet makes of a long number


@dataclass
class Person:
    """One row: the id under which they hand in here, the name, and what the other system calls them."""

    id: str
    first: str = ""
    last: str = ""
    email: str = ""
    there: dict[str, str] = field(default_factory=dict)       # {"id", "number", "login", "section"} over there
    row: int = 0

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.first, self.last) if part)


@dataclass
class ClassList:
    """The people of a file, what of it could not be taken, and the system that wrote it."""

    people: list[Person]
    trouble: list[str]
    system: str


def read(content: bytes, id_column: str | None = None) -> ClassList:
    """The class list in a file. `id_column` is the title of the column whose value is a student's id here.

    Raises `CourseError`, whose message goes on after the file's name.
    """
    rows = rows_of(content, lambda title: plain(title) in MEANING or (id_column and plain(title) == plain(id_column)))
    if not any(cell for row in rows for cell in row):
        raise CourseError("it is empty")
    at = max(range(min(20, len(rows))), key=lambda n: sum(plain(cell) in MEANING for cell in rows[n]))
    head = [plain(cell) for cell in rows[at]]
    columns = columns_of(head)
    if id_column and plain(id_column) not in head:
        raise CourseError(f"it has no column {printable(id_column)}. There are: {titles_of(rows[at])}")
    if not columns.keys() & {"login", "number", "email", "id"} and not id_column:
        raise CourseError("no column of it says who somebody is: a login, a number or an e-mail address. "
                          f"There are: {titles_of(rows[at])}. Name it with --id COLUMN")
    found, trouble = [], []
    system = system_of(head)
    for number, row in enumerate(rows[at + 1:], start=at + 2):
        values = {meaning: row[column] if column < len(row) else "" for meaning, column in columns.items()}
        if nobody(values, row, system):
            continue
        own = row[head.index(plain(id_column))] if id_column and head.index(plain(id_column)) < len(row) else ""
        person = person_of(values, own if id_column else None, system, number)
        why = trouble_with(person, values)
        trouble += [f"row {number} ({printable(person.name or person.id or 'nobody')}): {why}"] if why else []
        found += [] if why else [person]
    return without_twins(found, trouble, system)


def titles_of(row: Iterable[str]) -> str:
    return ", ".join(printable(cell) for cell in row if cell)


def columns_of(head: Sequence[str]) -> dict[str, int]:
    """{meaning: number of its column}: the first of that meaning, in the order in which `TITLES` has the titles."""
    found = {}
    for meaning, titles in TITLES.items():
        best = [title for title in titles if title in head]
        if best:
            found[meaning] = head.index(best[0])
    return found


def system_of(head: Sequence[str]) -> str:
    """Which system's export it is. Of these only Canvas has columns of its own in every export."""
    if CANVAS & set(head):
        return "canvas"
    if "lastaccess" in head and "availability" in head:
        return "blackboard"
    if {"emailaddress", "emailadresse", "adressedecourriel", "idnumber", "idnummer", "numérodidentification"} & set(head):
        return "moodle"
    return "list"


def nobody(values: dict[str, str], row: Sequence[str], system: str) -> bool:
    name = plain(values.get("name", ""))
    identified = any(values.get(key) for key in ("login", "number", "email", "id"))
    if system == "canvas" and (not identified or PREVIEW.fullmatch(values.get("login", ""))):
        return True     # the points that can be had, and the test student, in every language
    return name in NO_PERSON - {""} or (not identified and not name and not values.get("last")) or not any(row)


def person_of(values: dict[str, str], own: str | None, system: str, row: int) -> Person:
    first, last, name = (in_one_line(values.get(key, "")) for key in ("first", "last", "name"))      # people write their names themselves there
    if not first and not last:
        first, last = parts_of(name)
    elif first and not last:        # "Name" beside "Vorname" is the other half, or both
        last = without(name.replace(",", " ").split(), first.split())
    login, number, email = (in_one_line(values.get(key, "")) for key in ("login", "number", "email"))
    here = own if own is not None else login or number or email.partition("@")[0]
    if own is None and not here and system == "list":
        here = values.get("id", "")
    if system == "list" and "id" in values and not login and own is None:
        here = values["id"]     # nbgrader's own list, and one that somebody typed: id is the id
    there = {key: values[key] for key in ("id", "number", "login", "section") if values.get(key)}
    return Person(here.strip(), first[:128], last[:128], email[:128], there, row)


def parts_of(name: str) -> tuple[str, str]:
    """(first, last) of "Last, First" as Canvas sorts it, or "First Last"."""
    if "," in name:
        last, first = (part.strip() for part in name.split(",", 1))
        return first, last
    first, _, last = name.rpartition(" ")
    return (first, last) if first else (last, "")


def without(words: list[str], some: list[str]) -> str:
    """What is left of the words of a name once `some` are taken from its start or its end."""
    if words[:len(some)] == some:
        return " ".join(words[len(some):])
    return " ".join(words[:-len(some)] if words[-len(some):] == some else words)


def trouble_with(person: Person, values: dict[str, str]) -> str | None:
    if not person.id:
        return "it has no login, number or e-mail address"
    if any(SHORTENED.fullmatch(values.get(key, "")) for key in ("login", "number", "id")):
        return "a spreadsheet has shortened a number. Export the list anew and do not save it there"
    return trouble_with_student(person.id) and f"{printable(person.id)} cannot be an id: {trouble_with_student(person.id)}"


def without_twins(people: list[Person], trouble: list[str], system: str) -> ClassList:
    """A second row of the same person counts once; of two people with one id neither can be taken."""
    remedy = "course class import --lms --id email tells them apart" if system == "lti" else "--id COLUMN takes ids from another column"
    kept: dict[str, Person] = {}
    shared = set()
    for person in people:
        twin = kept.setdefault(person.id, person)
        if (twin.name, twin.email) != (person.name, person.email):
            shared.add(person.id)
            trouble.append(f"rows {twin.row} and {person.row} ({printable(twin.name)}, {printable(person.name)}): both have the id "
                           f"{printable(person.id)}; {remedy}")
    return ClassList([person for person in kept.values() if person.id not in shared], trouble, system)
