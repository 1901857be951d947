"""`course lms`: the key that connects the course with a learning platform, and its scores over there (LTI Advantage).

The numbers are those of the tables for Canvas and Moodle: `grading/run/grades.py` says what counts, and what is no number yet.
"""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ..lms import lti_services as services
from ..lms.classlist import Person
from ..lms.ids import read_ids
from ..lms.lti import Platform, PlatformError
from ..lms.lti_sent import Sent, SentScores, stamp
from ..lms.lti_services import LineItem, Result
from ..lms.lti_settings import SETTINGS, jwk_of, make_key, pem_of, read_key, read_settings
from ..lms.private import FOLDER
from ..notebooks.names import printable
from ..notebooks.near import near
from ..root import CourseError
from ..run.course import Course
from ..run.gradebook import exists
from ..run.grades import Grades, Standing
from ..run.only_one import the_only_one
from . import classes
from .terminal import tell

SOME_FAILED = 3
GRADED, WAITING = "FullyGraded", "PendingManual"
SAME = 0.006        # points: a gradebook rounds, and ours counts in hundredths
NAMES = 12          # of people that are named in a line


class Act(StrEnum):
    """What becomes of one student's score, in the words of the table."""

    SEND = "changes"
    NEW = "new"
    WAITS = "waits for a person: PendingManual"
    OVERRIDDEN = "overridden there: stays"
    SAME = "the same"
    BLANK = "no score yet"


SENDING = (Act.SEND, Act.NEW, Act.WAITS)


@dataclass(frozen=True)
class Row:
    """One student: `user` as the platform calls them, `here` what counts here, `there` what it holds now, on our scale."""

    student: str
    user: str
    here: float | None
    there: float | None
    act: Act
    last: str | None = None     # the time stamp of the score that was sent before
    ours: bool = False          # a number that agrees, and that no person gave there: from now on it counts as sent

    @property
    def score(self) -> float | None:
        """What is sent. With PendingManual it is what stands there already: no number at all would clear it (AGS 2.0, 3.4.4)."""
        return self.there if self.act is Act.WAITS else self.here


@dataclass
class Matched:
    """{student: the platform's id}, and lines on whom it does not know or we do not."""

    users: dict[str, str]
    trouble: list[str]


# --- the key ------------------------------------------------------------------------------------------------------

def show_key(console: Console, root: Path | None) -> None:
    """Make key and settings where there are none, and print what the platform is given."""
    folder = Course(root).dir.root
    made = make_key(folder)
    key = read_key(folder)
    tell(console, "A new key." if made else "The key that is there, as it was.")
    tell(console, "Paste this where the platform asks for a public key set (JWK, JWKS):")
    print(json.dumps({"keys": [jwk_of(key)]}), file=console.file)
    tell(console, "or this, where it asks for a public key (PEM):")
    print(pem_of(key), end="", file=console.file)
    tell(console, f"Next: write what it shows in return into {Path(folder, FOLDER, SETTINGS)}, then: course lms push ASSIGNMENT --dry-run")


# --- the class ----------------------------------------------------------------------------------------------------

def import_members(console: Console, root: Path | None, yes: bool = False, id_from: str | None = None) -> int:
    """`course class import --lms`: the same import, from the platform's list of members."""
    course = Course(root)
    settings = read_settings(course.dir.root)
    with Platform(settings, [services.MEMBERS_READ]) as platform:
        found = services.class_list(services.members_of(platform), id_from)
        if not found.people and not found.trouble:
            raise CourseError(f"{platform.host} names no student in that course")
        return classes.take(console, course, platform.host, found, yes)


def match(members: list[dict[str, Any]], rows: Mapping[str, Any], ids: dict[str, Any]) -> Matched:
    """Who of the class each member is: by the platform's id once that was imported, else by the rules of `course class import`.
    Nobody is taken for somebody by name alone."""
    users = imported(members, rows, ids)
    found = set(users.values())
    others = [member for member in members if str(member["user_id"]) not in found]
    made = classes.plan(services.class_list(others), {student: row for student, row in rows.items() if student not in users}, ids)
    trouble = list(made.trouble)
    for change in made.changes:
        if not change.new and (why := unsure(change.person, rows[change.student])):
            trouble.append(f"{printable(change.person.name or change.person.id)} may be {printable(change.student)}: {why}")
        elif not change.new:
            users[change.student] = change.person.there["id"]
    names = {f"{row.first_name or ''} {row.last_name or ''}".strip() or student: student for student, row in rows.items()}
    names |= {student: student for student in rows}
    for change in made.new[:NAMES]:
        nearest = list(dict.fromkeys(names[one] for one in (*near(change.person.name, names), *near(change.person.id, names))))
        trouble.append(f"{printable(change.person.name or change.person.id)} ({printable(change.person.id)}) is not on the class list"
                       + (f"; near it: {', '.join(map(printable, nearest[:3]))}" if nearest else ""))
    trouble += [f"{len(made.new) - NAMES} more who are not on the class list"] if made.new[NAMES:] else []
    return Matched(users, trouble)


def imported(members: Iterable[dict[str, Any]], rows: Mapping[str, Any], ids: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, str]:
    """{student: the platform's id} of those whose id was imported: it is theirs whatever else about them looks like somebody else's."""
    users = {str(member["user_id"]) for member in members if services.learns(member)}
    known = {student: systems["lti"]["id"] for student, systems in ids.items() if student in rows and systems.get("lti", {}).get("id") in users}
    often = Counter(known.values())
    return {student: user for student, user in known.items() if often[user] == 1}


def unsure(person: Person, row: Any) -> str | None:
    """Why a score is not sent although the id fits: what stands in front of the @ of another address is no proof."""
    if person.there.get("number") or person.there.get("login") or not row.email or row.email.casefold() == person.email.casefold():
        return None
    return f"the e-mail address is {printable(person.email)} there and {printable(row.email)} here"


# --- what would change --------------------------------------------------------------------------------------------

def decide(standing: Standing, result: Result | None, sent: Sent | None, maximum: float) -> Act:
    """What becomes of a score: only what differs is sent, and nothing over what somebody else wrote there.

    A number there is somebody else's if the platform names the person who gave it, or if it is neither what we sent nor what we
    would send. One that agrees came by a table, or by a push that ended before it was noted.
    """
    if standing.net is None and standing.so_far is None:
        return Act.BLANK
    there, told = result.of(maximum) if result else None, sent.state if sent else None
    ours = sent.score / sent.maximum * maximum if sent and sent.score is not None else None
    agrees = same(there, standing.net)
    if agrees and told != WAITING:
        return Act.SAME
    if result and there is not None and (result.by or not (agrees or same(there, ours))):
        return Act.OVERRIDDEN
    if standing.net is None:
        return Act.SAME if told == WAITING else Act.WAITS
    return Act.NEW if there is None else Act.SEND


def same(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) < SAME


def compare(grades: Grades, maximum: float, users: Mapping[str, str], results: Mapping[str, Result], sent: SentScores | None) -> list[Row]:
    """A `Row` for each student whom the platform knows."""
    rows = []
    for student, user in sorted(users.items()):
        standing, result, before = grades.of(student), results.get(user), sent.of(user) if sent else None
        act = decide(standing, result, before, maximum)
        rows.append(Row(student, user, standing.net, result.of(maximum) if result else None, act, before.at if before else None,
                        act is Act.SAME and standing.net is not None and result is not None and not result.by))
    return rows


# --- the push -----------------------------------------------------------------------------------------------------

def push(console: Console, root: Path | None, assignment: str, dry_run: bool = False) -> int:
    """Send what differs; returns the exit status: 0, 3 if a score could not be sent or a student with one is not over there."""
    course = Course(root)
    course.assignments(assignment)
    settings = read_settings(course.dir.root)
    if not (name := settings.course or course.dir.course_id):
        raise CourseError(f"The course has no name. Set c.CourseDirectory.course_id, or course in {FOLDER}/{SETTINGS}")
    resource_id = f"{name}:{assignment}"
    if not exists(course.dir.db_url):
        raise CourseError("There is no gradebook yet: nothing was graded.")
    with (the_only_one(Path(course.dir.root, FOLDER, ".lock"), "Another push is at work in this course. Wait for it, or end it."),
          course.gradebook() as gradebook, Platform(settings, services.LOOKING if dry_run else services.SENDING) as platform):
        row = next((row for row in gradebook.assignments if row.name == assignment), None)
        grades = Grades(gradebook, row, course.dir) if row is not None else None
        why = grades.why_not_yet() if grades else "it is not generated"
        if grades is None or why:
            tell(console, f"{assignment}: nothing to send: {why}.")
            return 0
        maximum = float(grades.assignment.max_score)
        if maximum <= 0:
            raise CourseError(f"{assignment} has no points, and a column needs some.")
        students = {row.id: row for row in gradebook.students}
        matched = match(services.members_of(platform), students, read_ids(course.dir.root))
        item = services.find_line_item(platform, resource_id)
        results = services.results_of(platform, item) if item else {}
        sent = SentScores(course.dir.root, item.id) if item else None
        rows = compare(grades, maximum, matched.users, results, sent)
        absent = [student for student in sorted(students) if student not in matched.users and grades.of(student).net is not None]
        say(console, platform, resource_id, item, maximum, rows)
        for line in (*troubles(matched, absent, results), *not_as_graded(grades, students)):
            tell(console, line)
        if dry_run:
            tell(console, "Nothing was sent. To send it: the same command without --dry-run")
            return SOME_FAILED if absent else 0
        if sent:
            sent.note({row.user: Sent(row.here, maximum, GRADED, row.last or stamp(None)) for row in rows if row.ours})
        due, failed = [row for row in rows if row.act in SENDING], {}
        if due:
            item = item or services.make_line_item(platform, resource_id, assignment, maximum)
            failed = send(console, platform, item, sent or SentScores(course.dir.root, item.id), maximum, due)
    return SOME_FAILED if failed or absent else 0


def send(console: Console, platform: Platform, item: LineItem, sent: SentScores, maximum: float, rows: list[Row]) -> dict[str, str]:
    """Send each score by itself, and keep in `sent` what was taken; {student: why not} of the others."""
    failed, done = {}, Counter[str]()
    try:
        for number, row in enumerate(rows):
            state = WAITING if row.act is Act.WAITS else GRADED
            try:
                at = services.send_score(platform, item, row.user, row.score, maximum, state, stamps(row.last))
            except PlatformError as error:
                failed[row.student] = str(error)
                if error.for_all:
                    failed |= {later.student: "not tried after that" for later in rows[number + 1:]}
                    break
            else:
                sent.add(row.user, Sent(row.score, maximum, state, at))
                done[state] += 1
    finally:
        sent.write()
    tell(console, f"Sent: {counted(done[GRADED], 'score')}" + (f", {done[WAITING]} as PendingManual" if done[WAITING] else "") + ".")
    for student, why in failed.items():
        tell(console, f"not sent: {printable(student)}: {why}", style="bold red")
    if failed:
        tell(console, "Run the same command again: it sends what is left.")
    return failed


def stamps(last: str | None) -> Callable[[], str]:
    """A function that gives a later time stamp each time."""
    def following() -> str:
        nonlocal last
        last = stamp(last)
        return last
    return following


# --- what is said -------------------------------------------------------------------------------------------------

def say(console: Console, platform: Platform, resource_id: str, item: LineItem | None, maximum: float, rows: list[Row]) -> None:
    """The table of those with whom something is, and how many are as they are there."""
    where = f"column “{printable(item.label)}”" if item else "no column yet: a push makes it"
    tell(console, f"{resource_id} on {platform.host}: {where}, {counted(len(rows), 'student')}, out of {points(maximum)} points.")
    if item and not same(item.maximum, maximum):
        tell(console, f"Its maximum there is {points(item.maximum)}: the platform scales. What it holds is shown on our scale.")
    shown = [row for row in rows if row.act not in (Act.SAME, Act.BLANK)]
    if shown:
        table = Table("student", box=None, header_style="bold", pad_edge=False)
        for title in ("here", "there"):
            table.add_column(title, justify="right", no_wrap=True)
        table.add_column("")
        for row in shown:
            table.add_row(printable(row.student), points(row.here), points(row.there), row.act.value)
        console.print(table, markup=False, highlight=False)
    acts = Counter(row.act for row in rows)
    tell(console, f"{acts[Act.SAME]} as they are there, {acts[Act.BLANK]} without a score yet (not due, or not graded).")


def troubles(matched: Matched, absent: list[str], results: Mapping[str, Result]) -> Iterable[str]:
    for line in matched.trouble:
        yield f"over there, and not here: {line}"
    if matched.trouble:
        yield "Who is new here: course class import --lms"
    if absent:
        yield f"here with a score, and no student over there: {listed(absent)}"
    ours = set(matched.users.values())
    nobodys = [result for user, result in results.items() if user not in ours and result.score is not None]
    if nobodys:
        yield f"{counted(len(nobodys), 'score')} over there of people who are not in this class stay as they are."


def not_as_graded(grades: Grades, students: Iterable[str]) -> Iterator[str]:
    """Lines on whose rows are not what was graded, and who has none at all."""
    students = sorted(students)
    for student in students:
        if why := grades.lacks(student):
            yield f"left as it is there: {printable(student)}: {why}. Grade again: course grade {shlex.quote(grades.assignment.name)}"
    if strangers := grades.strangers(students):
        yield f"handed in, and not in the gradebook: {listed(strangers)}. Grade first: course grade {shlex.quote(grades.assignment.name)}"


def listed(names: list[str]) -> str:
    return ", ".join(map(printable, names[:NAMES])) + (f" and {len(names) - NAMES} more" if names[NAMES:] else "")


def points(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
