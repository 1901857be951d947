"""`course class import`: take a class list into the gradebook, after saying what it would change."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Gradebook, Student
from rich.console import Console
from rich.markup import escape

from ..lms import classlist
from ..lms.ids import read_ids, write_ids
from ..lms.tables import MAX_BYTES
from ..notebooks.names import printable
from ..root import CourseError
from ..run.course import Course
from ..run.gradebook import exists
from .terminal import tell

FIELDS = {"first_name": "first", "last_name": "last", "email": "email"}
Ids = dict[str, dict[str, dict[str, str]]]       # see `grading.lms.ids`
Keys = dict[tuple[str, str], set[str]]
NAMES = 12      # of people that are named per kind of change


@dataclass
class Change:
    """What becomes of one row: the id under which the student is or will be known here, and what is new about them."""

    person: classlist.Person
    student: str
    new: bool = False
    differing: dict[str, tuple[str, str]] = field(default_factory=dict)      # {field: (before, now)}


@dataclass
class Plan:
    """What an import would do. `left` are the students of the gradebook whom the file does not name: they stay."""

    system: str
    changes: list[Change]
    trouble: list[str]
    left: list[str]
    ids: Ids

    @property
    def new(self) -> list[Change]:
        return [change for change in self.changes if change.new]

    @property
    def changed(self) -> list[Change]:
        return [change for change in self.changes if change.differing]


def import_class(console: Console, root: Path | None, file: str | Path, yes: bool = False, id_column: str | None = None, system: str | None = None) -> int:
    """Say what the class list in `file` changes and, with `yes`, change it. Returns the exit status: 3 if rows were left out."""
    found = read_file(Path(file), id_column)
    found.system = system or found.system
    return take(console, Course(root), file, found, yes)


def take(console: Console, course: Course, source: str | Path, found: classlist.ClassList, yes: bool = False) -> int:
    """The same for a class list that was read from `source` already."""
    ids = read_ids(course.dir.root)
    there = yes or exists(course.dir.db_url)       # asking makes no gradebook
    with course.gradebook() if there else nullcontext() as gradebook:
        rows = {row.id: row for row in gradebook.students} if gradebook else {}
        made = plan(found, rows, ids)
        say(console, source, made)
        something = made.new or made.changed or made.ids != ids
        if yes and something:
            store(gradebook, rows, made)
            write_ids(course.dir.root, made.ids)
            console.print(f"Done: {len(made.new)} added, {len(made.changed)} changed.", highlight=False)
        elif something:
            console.print("Nothing was written. To do it: the same command with --yes", highlight=False)
    return 3 if made.trouble else 0


def read_file(path: Path, id_column: str | None) -> classlist.ClassList:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CourseError("it is far too long for a class list")
        found = classlist.read(path.read_bytes(), id_column)
        if not found.people and not found.trouble:
            raise CourseError("it names nobody")
        return found
    except OSError as error:
        raise CourseError(f"{path} cannot be read: {error.strerror}") from None
    except CourseError as error:
        raise CourseError(f"{path}: {error}") from None


# --- what would change ------------------------------------------------------------------------------------------

def plan(found: classlist.ClassList, rows: Mapping[str, Student], ids: Ids) -> Plan:
    """What taking `found` into the students `rows` (by their ids) would do."""
    trouble, changes = list(found.trouble), []
    taken: dict[str, classlist.Person] = {}
    known = keys_of(rows, ids, found.system)
    for person in found.people:
        student, why = whose(person, known, rows)
        if student and not why and student in taken:
            why = f"it is {printable(student)}, as row {taken[student].row} is"
        if why or student is None:
            trouble.append(f"row {person.row} ({printable(person.name or person.id)}): {why}")
            continue
        taken[student] = person
        changes.append(Change(person, student, student not in rows, differing(person, rows.get(student), found.system)))
    ids = {student: dict(systems) for student, systems in ids.items()}
    for change in changes:
        if change.person.there and found.system != "list":
            ids.setdefault(change.student, {})[found.system] = change.person.there
    return Plan(found.system, changes, trouble, sorted(set(rows) - set(taken)), ids)


def keys_of(rows: Mapping[str, Student], ids: Ids, system: str) -> Keys:
    """{(kind, value): students} by which a row of the file can be a student who is known already."""
    found: Keys = {}
    for student, row in rows.items():
        mine = {("here", student)} | {(key, value) for key, value in ids.get(student, {}).get(system, {}).items() if key != "section"}
        if system == "lti":     # it names people by the numbers that the platform's own exports have; a hub may use addresses as ids
            mine |= {(kind, value) for one in ids.get(student, {}).values() for key, value in one.items() if key in ("number", "login")
                     for kind in ("number", key)}       # what it calls the number may be a login
            mine |= {("number", student), ("email", student.casefold())}
        elif row.lms_user_id and not ids.get(student):
            mine.add(("number" if system == "moodle" else "id", row.lms_user_id))
        mine |= {("email", row.email.casefold())} if row.email else set()
        for key in mine:
            found.setdefault(key, set()).add(student)
    return found


def whose(person: classlist.Person, known: Keys, rows: Mapping[str, Student]) -> tuple[str | None, str | None]:
    """(the id here, why it cannot be told). What the other system never changes counts first: an id here stays as it is."""
    for key in ("id", "number", "login"):
        if person.there.get(key) and len(students := known.get((key, person.there[key]), ())) == 1:
            return next(iter(students)), None
    if person.id in rows:
        return person.id, None
    students = known.get(("email", person.email.casefold()), set()) if person.email else set()
    if len(students) > 1:
        return None, f"{', '.join(map(printable, sorted(students)))} have this e-mail address"
    return (next(iter(students)) if students else person.id), None


def differing(person: classlist.Person, row: Student | None, system: str) -> dict[str, tuple[str, str]]:
    """{field: (before, now)} of a student; what the file leaves empty stays."""
    wanted = {name: getattr(person, source) for name, source in FIELDS.items()}
    if system in ("canvas", "list") and person.there.get("id") not in (None, person.id):
        wanted["lms_user_id"] = person.there["id"]
    if row is None:
        return {}
    return {name: (getattr(row, name) or "", value) for name, value in wanted.items()
            if value and value != (getattr(row, name) or "")}


def say(console: Console, source: str | Path, made: Plan) -> None:
    """What the import does, in lines."""
    kind = {"list": "a class list", "canvas": "Canvas's", "moodle": "Moodle's", "blackboard": "Blackboard's", "lti": "a platform's members"}[made.system]
    same = len(made.changes) - len(made.new) - len(made.changed)
    lines = [f"{source}: {kind} with {len(made.changes)} student{'s' * (len(made.changes) != 1)}: {len(made.new)} new, {len(made.changed)} changed, {same} as before."]
    lines += [f"new: {printable(change.student)} ({printable(change.person.name)})" for change in made.new[:NAMES]]
    lines += [f"new: and {len(made.new) - NAMES} more"] if len(made.new) > NAMES else []
    for change in made.changed[:NAMES]:
        words = ", ".join(f"{name.replace('_', ' ')} {printable(before) or '(none)'} -> {printable(now)}"
                          for name, (before, now) in change.differing.items())
        lines.append(f"changed: {printable(change.student)}: {words}")
    lines += [f"changed: and {len(made.changed) - NAMES} more"] if len(made.changed) > NAMES else []
    renamed = [change for change in made.changes if change.student != change.person.id]
    lines += [f"stays {printable(change.student)}, although the file says {printable(change.person.id)}" for change in renamed[:NAMES]]
    if made.left:
        names = ", ".join(map(printable, made.left[:NAMES])) + (" …" if made.left[NAMES:] else "")
        lines.append(f"not in the file, and kept: {names}")
    for line in lines:
        tell(console, line)
    for line in made.trouble:
        console.print(f"[bold red]left out:[/] {escape(line)}", highlight=False, soft_wrap=True)


def store(gradebook: Gradebook, rows: Mapping[str, Student], made: Plan) -> None:
    """Write a plan, in one transaction."""
    for change in made.changes:
        row = rows.get(change.student)
        if row is None:
            person = change.person
            theirs = person.there.get("id") if made.system in ("canvas", "list") and person.there.get("id") != person.id else None
            gradebook.db.add(Student(id=change.student, first_name=person.first or None, last_name=person.last or None,
                                     email=person.email or None, lms_user_id=theirs))
            continue
        for name, (_, now) in change.differing.items():
            setattr(row, name, now)
    gradebook.db.commit()
