"""`course lms`: what is sent to the platform's gradebook, what stays, and what is said; `course class import --lms`."""

import csv
import fcntl
import io
import json
import re
import shutil
import textwrap
from datetime import timedelta
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from lti_platform import INSTRUCTOR, connect, key, running
from nbgrader.api import Gradebook, GradeCell, Notebook
from rich.console import Console
from typer.testing import CliRunner

from grading.lms.ids import read_ids, write_ids
from grading.lms.lti_sent import Sent, SentScores
from grading.lms.lti_services import Result
from grading.lms.lti_settings import FROM_A_HUB, pem_of, read_settings
from grading.lms.private import write_private
from grading.plugins.exporters import CanvasExporter
from grading.root import CourseError
from grading.run.course import Course
from grading.run.grades import Standing, now
from grading.tools import cli, lms
from grading.tools.lms import Act, decide
from tests.conftest import ROOT

POINTS = {"student-01": 9.0, "student-02": 7.5, "student-03": 4.25, "student-04": 10.0}
WAITING, ABSENT, EXTENDED = "student-05", "student-06", "student-07"


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course with ps1 of ten points and seven students: four graded, one read by a person, one who handed in nothing, one with more time."""
    root = tmp_path_factory.mktemp("graded")
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "gradients"\n')
    (root / "source" / "ps1").mkdir(parents=True)
    (root / "source" / "ps2").mkdir()
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        assignment = book.add_assignment("ps1", duedate=now() - timedelta(days=2))
        book.add_assignment("ps2", duedate=now() + timedelta(days=2))
        for name in ("ps1", "ps2"):
            book.add_notebook("toy", name)
            book.add_grade_cell("test_double", "toy", name, max_score=10, cell_type="code")
        for student in (*POINTS, WAITING, ABSENT, EXTENDED):
            book.add_student(student, email=f"{student}@example.org", first_name="Case", last_name=student[-2:])
        for student in (*POINTS, WAITING, EXTENDED):
            submission = book.add_submission("ps1", student)
            grade = submission.notebooks[0].grades[0]
            grade.auto_score, grade.needs_manual_grade = POINTS.get(student, 3.0), student == WAITING
            submission.extension = timedelta(days=9) if student == EXTENDED else None
        book.find_submission("ps1", "student-02").notebooks[0].late_submission_penalty = 1.5
        book.db.commit()
        assert isinstance(assignment.notebooks[0], Notebook) and book.db.query(GradeCell).count() == 2
    return root


@pytest.fixture
def course(graded, tmp_path, monkeypatch):
    monkeypatch.setattr("grading.lms.lti.sleep", lambda seconds: None)
    monkeypatch.setattr("grading.lms.lti_settings.read_key", lambda root: key())       # reading one is slow
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    shutil.copytree(graded, tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture
def there(course):
    with running() as platform:
        for student in (*POINTS, WAITING, ABSENT, EXTENDED):
            platform.add_member(f"u{student[-1]}", email=f"{student}@example.org", name=f"Case {student[-2:]}")
        platform.add_member("t1", [INSTRUCTOR], email="teacher@example.org")
        connect(course, platform)
        yield platform


def push(course, *options, assignment="ps1", width=80):
    said = io.StringIO()
    return lms.push(Console(file=said, width=width), course, assignment, *options), said.getvalue()


def set_points(course, student, points, waits=False):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        grade = book.find_submission("ps1", student).notebooks[0].grades[0]
        grade.auto_score, grade.needs_manual_grade = points, waits
        book.db.commit()


DUE = {"u1": 9.0, "u2": 6.0, "u3": 4.25, "u4": 10.0, "u5": None, "u6": 0.0}


# --- what is sent -------------------------------------------------------------------------------------------------

def test_a_dry_run_says_all_and_sends_nothing(course, there):
    there.add_item("gradients:ps1", "Homework", 10.0)
    there.override("1", "u1", 8.0)
    status, said = push(course, True)
    assert status == 0 and {method for method, kind, _ in there.log if kind != "token"} == {"GET"}
    assert not any("score" in scope or scope.endswith("lineitem") for scope in there.granted[0]), "its token could change nothing"
    assert "column “Homework”, 7 students, out of 10 points" in said and "student-02 6 - new" in " ".join(said.split())
    assert "student-01 9 8 overridden there: stays" in " ".join(said.split())
    assert "student-05 - - waits for a person: PendingManual" in " ".join(said.split())
    assert "1 without a score yet" in said and "Nothing was sent" in said and not (course / ".lti" / "sent.json").exists()


def test_the_page_shows_what_a_dry_run_says(course, there):
    there.add_item("gradients:ps1", "Homework 1", 10.0)
    for user, score in {"u1": 8.0, "u2": 6.0, "u3": 4.0}.items():
        there.override("1", user, score)
    SentScores(course, there.items["1"]["id"]).add("u3", sent(4.0))
    said = push(course, True)[1].replace(there.url.removeprefix("http://"), "canvas.example.org")
    page = (ROOT / "docs" / "lti.md").read_text(encoding="utf-8")
    assert "$ course lms push ps1 --dry-run\n" + "\n".join(line.rstrip() for line in said.splitlines()) in page


def test_the_settings_of_the_page_are_settings(course, there):
    page = (ROOT / "docs" / "lti.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    for block in blocks:
        write_private(course / ".lti" / "settings.toml", textwrap.dedent(block).encode())
        assert read_settings(course).lineitems_url.startswith("https://")
    assert len(blocks) == 2


def test_what_the_page_gives_a_hub_names_the_addresses_of_a_launch():
    """`auth_state` of ltiauthenticator's LTI13Authenticator is the launch's claims (AGS 2.0, 3.1; NRPS 2.0, "LTI 1.3 integration")."""
    page = (ROOT / "docs" / "lti.md").read_text(encoding="utf-8")
    settings, claims = MagicMock(), {
        "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {"scope": [], "lineitems": "https://lms/items"},
        "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice": {"context_memberships_url": "https://lms/members"}}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], {"c": settings})
    for name, state, due in (("instructor", claims, set(FROM_A_HUB.values())), ("student-01", claims, set()), ("instructor", None, set())):
        spawner = SimpleNamespace(user=SimpleNamespace(name=name), environment={})
        settings.Spawner.auth_state_hook(spawner, state)
        assert set(spawner.environment) == due and all(spawner.environment.values())


def test_a_push_makes_the_column_and_sends_the_numbers_of_the_tables(course, there):
    status, said = push(course)
    assert status == 0 and there.broken == [] and there.held() == DUE and "Sent: 5 scores, 1 as PendingManual." in said
    assert [item["resourceId"] for item in there.items.values()] == ["gradients:ps1"]
    waiting = next(score for score in there.scores if score["userId"] == "u5")
    assert waiting["gradingProgress"] == "PendingManual" and "scoreGiven" not in waiting
    assert all(score["https://canvas.instructure.com/lti/submission"] == {"new_submission": False} for score in there.scores), "a score is no attempt"
    loaded = Course(course)
    with loaded.gradebook() as book:
        exporter = CanvasExporter(to=str(course / "canvas.csv"), assignment=["ps1"], parent=loaded.app)
        exporter.export(book)
    rows = list(csv.reader((course / "canvas.csv").read_text().splitlines()))[2:]
    table = {f"u{row[3][-1]}": float(row[-1]) for row in rows if row[-1]}
    assert table == {user: score for user, score in there.held().items() if score is not None}, "the same numbers, the same blanks"


def test_a_second_push_sends_nothing_and_a_third_only_what_changed(course, there):
    push(course)
    there.log.clear()
    status, said = push(course)
    assert status == 0 and not [entry for entry in there.log if entry[1] == "scores"] and "6 as they are there" in said
    set_points(course, "student-03", 5.0)
    there.scores.clear()
    assert "student-03 5 4.25 changes" in " ".join(push(course)[1].split())
    assert [(score["userId"], score["scoreGiven"]) for score in there.scores] == [("u3", 5.0)] and there.broken == []


def test_what_was_overridden_there_is_named_and_stays(course, there):
    push(course)
    there.override("1", "u3", 9.5)
    there.override("1", "u4", 10.0, scoringUserId="t1")        # a person gave the same number
    set_points(course, "student-03", 5.0)
    set_points(course, "student-04", 2.0)
    status, said = push(course)
    assert status == 0 and there.held() == DUE | {"u3": 9.5}
    assert [line.split()[:3] for line in said.splitlines() if "overridden" in line] == [["student-03", "5", "9.5"], ["student-04", "2", "10"]]
    there.override("1", "u3", None)
    push(course)
    assert there.held()["u3"] == 5.0, "who clears it there gives it back"


def test_a_score_that_came_by_a_table_is_ours_and_follows_a_regrade(course, there):
    there.add_item("gradients:ps1", maximum=10.0)
    for user, score in DUE.items():
        there.override("1", user, score)
    push(course)
    set_points(course, "student-01", 8.0)
    push(course)
    assert there.held()["u1"] == 8.0 and [score["userId"] for score in there.scores] == ["u5", "u1"]


def test_a_score_that_a_person_looks_at_again_keeps_its_number_there(course, there):
    push(course)
    set_points(course, "student-01", 9.0, waits=True)
    there.scores.clear()
    push(course)
    assert there.held()["u1"] == 9.0, "none at all would have cleared it"
    assert [(one["gradingProgress"], one["scoreGiven"]) for one in there.scores] == [("PendingManual", 9.0)]
    push(course)
    assert len(there.scores) == 1, "that it waits is told once"
    set_points(course, "student-01", 9.0)
    push(course)
    assert [one["gradingProgress"] for one in there.scores] == ["PendingManual", "FullyGraded"] and there.broken == []


def test_a_column_with_another_maximum_holds_the_same_scores_on_its_own_scale(course, there):
    there.add_item("gradients:ps1", maximum=100.0)
    _, said = push(course)
    assert there.held()["u3"] == 42.5 and "Its maximum there is 100" in said
    assert "6 as they are there" in push(course)[1]


def test_a_course_may_call_itself_otherwise_over_there(course, there):
    connect(course, there, course="dl-2026")
    push(course)
    assert there.items["1"]["resourceId"] == "dl-2026:ps1"


def test_a_course_without_a_name_is_told_to_have_one(course, there):
    (course / "nbgrader_config.py").write_text("c = get_config()\n")
    with pytest.raises(CourseError, match="The course has no name. Set c.CourseDirectory.course_id"):
        push(course)


def test_what_is_not_due_is_not_sent(course, there):
    assert push(course, assignment="ps2") == (0, "ps2: nothing to send: it is not due.\n") and there.items == {}


def test_two_pushes_at_once_are_one(course, there):
    with open(course / ".lti" / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CourseError, match="Another push is at work"):
            push(course)


# --- what goes wrong ------------------------------------------------------------------------------------------------

def test_one_score_that_fails_stops_no_other_and_the_next_push_sends_it(course, there):
    there.refused_users["u2"] = 422
    status, said = push(course)
    assert status == 3 and there.held() == {user: score for user, score in DUE.items() if user != "u2"}
    assert re.search(r"not sent: student-02: \S+ answered 422 to a score: .*the user is not graded here", said) and "Run the same command again" in said
    there.refused_users.clear()
    assert push(course)[0] == 0 and there.held() == DUE


@pytest.mark.parametrize("faults", [{"scores": ["expired", None, (429, 1), 500, "cut off"]}, {"token": [(503, 2)], "items": [500], "results": ["expired"]},
                                    {"members": ["cut off", (429, 3)]}])
def test_faults_that_pass_cost_nothing(course, there, faults):
    there.add_item("gradients:ps1", maximum=10.0)
    there.faults.update(faults)
    assert push(course)[0] == 0 and there.held() == DUE


def test_where_nothing_more_is_taken_the_others_are_named_and_what_was_sent_is_known(course, there):
    there.faults["scores"] = [None, None, (429, 5000)]
    status, said = push(course)
    assert status == 3 and said.count("not tried after that") == 3 and "again in 5000 seconds" in said
    assert push(course)[0] == 0 and there.held() == DUE and len(there.scores) == 6


def test_what_was_sent_before_a_push_was_interrupted_is_known(course, there, monkeypatch):
    took, sending = [], lms.services.send_score
    monkeypatch.setattr(lms.services, "send_score", lambda *words: took.append(words) or (sending(*words) if len(took) < 4 else cut()))

    def cut():
        raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        push(course)
    assert SentScores(course, there.items["1"]["id"]).here.keys() == there.held().keys() and len(there.held()) == 3


def test_what_was_sent_is_written_once_a_second_and_at_the_end(tmp_path, monkeypatch):
    clock, writes = [100.0], []
    monkeypatch.setattr("grading.lms.lti_sent.monotonic", lambda: clock[0])
    monkeypatch.setattr("grading.lms.lti_sent.write_private", lambda path, content: writes.append(json.loads(content)))
    scores = SentScores(tmp_path, "item")
    for number in range(50):
        clock[0] += 0.05
        scores.add(f"u{number}", sent(float(number)))
    assert len(writes) == 3
    scores.write()
    scores.write()
    assert len(writes) == 4 and len(writes[-1]["item"]) == 50, "and nothing again that was written"


def test_a_score_that_arrived_although_the_answer_did_not_is_no_override(course, there):
    push(course)
    set_points(course, "student-03", 5.0)
    there.faults["scores"] = ["stored and 500"] * 4
    assert push(course)[0] == 3 and there.held()["u3"] == 5.0
    push(course)
    set_points(course, "student-03", 6.0)
    assert push(course)[0] == 0 and there.held()["u3"] == 6.0 and there.broken == []


@pytest.mark.parametrize("kind", ["members", "items", "results"])
def test_nothing_is_sent_on_half_a_page(course, there, kind):
    there.add_item("gradients:ps1", maximum=10.0)
    there.faults[kind] = ["truncated"]
    with pytest.raises(CourseError, match="is cut off, or no JSON"):
        push(course)
    assert there.held() == {}


# --- who is who -----------------------------------------------------------------------------------------------------

def test_who_is_not_on_both_sides_is_named_with_near_names(course, there):
    there.members = [member for member in there.members if member["user_id"] != "u2"]
    there.add_member("u9", email="studnt-02@example.org", name="Kase 02")
    there.add_item("gradients:ps1", maximum=10.0)
    there.override("1", "gone", 3.0)
    status, said = push(course, True)
    assert status == 3 and "here with a score, and no student over there: student-02" in said
    assert "over there, and not here: Kase 02 (studnt-02) is not on the class list; near it: student-02" in said
    assert "1 score over there of people who are not in this class" in said


def test_the_part_before_the_at_of_another_address_is_no_proof(course, there):
    next(member for member in there.members if member["user_id"] == "u1")["email"] = "student-01@elsewhere.example.org"
    status, said = push(course)
    assert status == 3 and "u1" not in there.held()
    assert "may be student-01: the e-mail address is student-01@elsewhere.example.org there and student-01@example.org here" in said
    write_ids(course, {"student-01": {"lti": {"id": "u1"}}})
    assert push(course)[0] == 0 and there.held()["u1"] == 9.0, "an id that was imported is one"


def test_where_no_address_is_known_here_the_part_before_the_at_counts(course, there):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.find_student("student-01").email = None
        book.db.commit()
    assert push(course)[0] == 0 and there.held()["u1"] == 9.0


@pytest.mark.parametrize("known, said", [
    ({"canvas": {"id": "4711", "number": "S-1", "login": "s01"}}, {"lis_person_sourcedid": "S-1"}),
    ({"moodle": {"login": "s01"}}, {"ext_user_username": "s01"}), ({"moodle": {"login": "s01"}}, {"lis_person_sourcedid": "s01"})])
def test_a_number_or_login_of_the_platforms_own_export_tells_who_it_is(course, there, known, said):
    write_ids(course, {"student-01": known})
    member = next(member for member in there.members if member["user_id"] == "u1")
    del member["email"], member["name"]
    member.update(said)
    assert push(course)[0] == 0 and there.held()["u1"] == 9.0


def test_two_with_one_word_before_the_at_are_told_apart_by_what_is_advised(course, there):
    """And their scores go by the imported ids from then on."""
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        for student, address in (("student-01", "jo@students.example.org"), ("student-02", "jo@staff.example.org")):
            book.find_student(student).email = address
            next(member for member in there.members if member["user_id"] == f"u{student[-1]}")["email"] = address
        book.db.commit()
    status, said = push(course)
    assert status == 3 and not {"u1", "u2"} & there.held().keys() and "course class import --lms --id email tells them apart" in said
    lms.import_members(Console(file=io.StringIO()), course, True, "email")
    assert push(course)[0] == 0 and there.held() == DUE


def test_an_id_that_two_students_have_is_nobodys():
    rows = {student: SimpleNamespace(first_name="", last_name="", email="") for student in ("a", "b", "c")}
    members = [{"user_id": user, "roles": ["Learner"]} for user in ("1", "2", 3)] + [{"user_id": "4", "roles": ["Instructor"]}]
    ids = {"a": {"lti": {"id": "1"}}, "b": {"lti": {"id": "1"}}, "c": {"lti": {"id": "3"}}, "gone": {"lti": {"id": "2"}}, "teacher": {"lti": {"id": "4"}}}
    assert lms.imported(members, rows, ids) == {"c": "3"}


def test_of_many_who_are_not_on_the_class_list_the_first_are_looked_up_and_the_others_counted(monkeypatch):
    looked = []
    monkeypatch.setattr(lms, "near", lambda name, known: looked.append(name) or [])
    members = [{"user_id": f"u{number}", "roles": ["Learner"], "ext_user_username": f"login{number}"} for number in range(lms.NAMES + 5)]
    trouble = lms.match(members, {}, {}).trouble
    assert len(looked) == 2 * lms.NAMES and trouble[lms.NAMES:] == ["5 more who are not on the class list"]


def test_the_class_is_imported_from_the_platform(course, there):
    there.add_member("u8", email="student-08@example.org", given_name="Case", family_name="Eight")
    said = io.StringIO()
    assert lms.import_members(Console(file=said, width=200), course) == 0
    assert "a platform's members with 8 students: 1 new, 0 changed, 7 as before" in said.getvalue() and "--yes" in said.getvalue()
    assert read_ids(course) == {}
    lms.import_members(Console(file=said, width=200), course, True)
    assert read_ids(course)["student-08"] == {"lti": {"id": "u8"}} and read_ids(course)["student-01"] == {"lti": {"id": "u1"}}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        assert book.find_student("student-08").last_name == "Eight" and book.find_student("student-08").lms_user_id is None


# --- the rule, as a table -------------------------------------------------------------------------------------------

NUMBER, READ, BLANK = Standing(8.0), Standing(None, "a person has to finish grading it", so_far=3.0), Standing(None, "it is not due yet")


def sent(score, state="FullyGraded", maximum=10.0):
    return Sent(score, maximum, state, "2026-11-26T05:00:00.000Z")


@pytest.mark.parametrize("standing, result, before, act", [
    (BLANK, Result(5, 10), sent(5.0), Act.BLANK), (BLANK, None, None, Act.BLANK),
    (NUMBER, None, None, Act.NEW), (NUMBER, Result(None, 10), None, Act.NEW), (NUMBER, Result(None, 10), sent(8.0), Act.NEW),
    (NUMBER, Result(8, 10), None, Act.SAME), (NUMBER, Result(80.004, 100), None, Act.SAME), (NUMBER, Result(0.8, 1), sent(8.0), Act.SAME),
    (NUMBER, Result(8, 10, "t1"), None, Act.SAME),
    (NUMBER, Result(7, 10), sent(7.0), Act.SEND), (NUMBER, Result(7, 10), sent(14.0, maximum=20.0), Act.SEND),
    (NUMBER, Result(7, 10), None, Act.OVERRIDDEN), (NUMBER, Result(7, 10), sent(6.0), Act.OVERRIDDEN),
    (NUMBER, Result(7, 10), sent(None, "PendingManual"), Act.OVERRIDDEN), (NUMBER, Result(7, 10, "t1"), sent(7.0), Act.OVERRIDDEN),
    (NUMBER, Result(0, 10), None, Act.OVERRIDDEN), (NUMBER, Result(8, 10), sent(8.0, "PendingManual"), Act.SEND),
    (READ, None, None, Act.WAITS), (READ, None, sent(None, "PendingManual"), Act.SAME), (READ, Result(7, 10), sent(7.0), Act.WAITS),
    (READ, Result(7, 10), sent(7.0, "PendingManual"), Act.SAME), (READ, Result(7, 10), None, Act.OVERRIDDEN),
    (READ, Result(7, 10), sent(6.0), Act.OVERRIDDEN)])
def test_what_becomes_of_a_score(standing, result, before, act):
    assert decide(standing, result, before, 10.0) is act


# --- the commands ---------------------------------------------------------------------------------------------------

def run(*words):
    return CliRunner().invoke(cli.app, [*map(str, words)])


def test_no_secret_is_ever_said(course, there, caplog):
    """All that the commands print and log, and all that they write but for the two files: neither key, client id nor token."""
    caplog.set_level("DEBUG")
    there.refused_users["u2"] = 422
    said = io.StringIO()
    lms.show_key(Console(file=said, width=80), course)
    said.write(push(course)[1])
    lms.import_members(Console(file=said, width=80), course, True)
    for fault in ("echo", 500):
        there.faults["token"] = [fault] * 4
        with pytest.raises(CourseError) as caught:
            push(course)
        said.write(str(caught.value))
    written = b"".join(path.read_bytes() for path in course.rglob("*") if path.is_file() and path.name not in ("key.pem", "settings.toml"))
    everything = said.getvalue() + caplog.text + written.decode("latin-1")
    private = (course / ".lti" / "key.pem").read_text().splitlines()
    for secret in (there.client_id, *there.tokens, *private[1:-1], "PRIVATE"):
        assert secret not in everything, secret
    assert pem_of(key()) in said.getvalue() and json.loads(re.search(r"^\{.*\}$", said.getvalue(), re.MULTILINE)[0])["keys"]


def test_what_was_sent_is_for_its_owner_alone(course, there):
    push(course)
    assert (course / ".lti" / "sent.json").stat().st_mode & 0o777 == 0o600
    (course / ".lti" / "sent.json").write_text("{")
    with pytest.raises(CourseError, match="sent.json is damaged. Move it away"):
        push(course)


def test_the_commands_say_what_they_need(course, there):
    status = run("lms", "push", "ps1", "--dry-run", "--course", course)
    assert status.exit_code == 0 and "Nothing was sent" in status.output
    for words in (("class", "import"), ("class", "import", "a.csv", "--lms")):
        assert run(*words, "--course", course).exit_code == 1
    shutil.rmtree(course / ".lti")
    assert run("lms", "push", "ps1", "--course", course).exit_code == 1
