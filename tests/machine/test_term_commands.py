"""A term from its first command to its archive: status leads the way, a regrade says what it changes, the gradebook its health."""

import io
import re
import shlex
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import typer
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment, NbGraderException
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from grading.notebooks.exchange import note_left
from grading.notebooks.returned import are_returned, note_returned
from grading.notebooks.record import CheckRecord, Outcome, VerdictRecord
from grading.plugins import schema
from grading.root import CourseError
from grading.run.course import Course
from grading.run import health
from grading.run.health import in_a_sentence, look
from grading.tools import new_term, status
from grading.tools.cli import app
from grading.tools.dry_run import reasons
from grading.tools.shared import ending_well
from grading.watch.service import alone
from tests.conftest import ROOT
from tests.machine.classes import course_grade, submit


def state(root, assignment="ps1"):
    (found,) = status.states(root, assignment)
    return found


def book(root):
    return Gradebook(f"sqlite:///{root}/gradebook.db")


def read_by_a_person(root):
    with book(root) as gradebook:
        for submission in gradebook.assignment_submissions("ps1"):
            for grade in submission.notebooks[0].grades:
                if grade.needs_manual_grade:
                    grade.manual_score, grade.needs_manual_grade = 2.0, False
        gradebook.db.commit()


# --- status -----------------------------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_the_commands_that_status_prints_lead_from_an_empty_course_to_done_and_into_the_archive(course_folder, nbgrader, monkeypatch):
    """Each is run as it is printed; what a person does in between is done here."""
    root = course_folder("ps1")
    (root / "gradebook.db").unlink()
    with open(root / "nbgrader_config.py", "a") as config:      # whatever this machine has in the place where nbgrader looks
        config.write(f"\nc.Exchange.root = {str(root / 'no exchange')!r}\n")
    steps, said = [], ""
    for _ in range(20):
        found = state(root)
        steps.append(found.step)
        if found.done:
            break
        command = found.next
        if command.startswith("wait"):
            assert "course collect FILE ps1" in command
            submit(root, "student-01", "perfect-vectorised")
            submit(root, "student-02", "half-finished")
        elif "Manual Grading" in command:
            read_by_a_person(root)
        else:
            program, *words = shlex.split(command)
            if program == "nbgrader":
                done = nbgrader(*words, cwd=root)
                assert done.returncode == 0, done.stdout
            else:
                monkeypatch.setattr("grading.run.pool.alone", lambda: True)
                result = CliRunner().invoke(app, [*words, "--course", str(root)])
                assert result.exit_code == 0, (command, result.output)
                said += result.output
    assert steps == ["not generated", "not released", "students work on it", "to be graded", "waiting for a human", "feedback to make",
                     "feedback to return", "done"]
    assert found.next == "nothing: it is done" and (root / "build" / "feedback-ps1.zip").exists()
    older_checks_and_a_new_hand_in(root)
    the_archive(root)


def older_checks_and_a_new_hand_in(root):
    checks = root / "tests" / "hidden" / "test_activations.py"
    text = checks.read_text()
    checks.write_text(re.sub(r"weight=2", "weight=3", text, count=1))
    found = state(root)
    assert found.step == "graded with older checks" and found.older == ["student-01", "student-02"]
    assert found.next == 'course regrade ps1 --because "..."'
    before = (root / "gradebook.db").read_bytes()
    _, said = course_grade(root, dry_run=True)
    assert "weight of" in said and "2 -> 3" in said and (root / "gradebook.db").read_bytes() == before
    checks.write_text(text)
    assert state(root).done, "as it was"
    other = root / "tests" / "hidden" / "test_recurrent.py"
    other.write_text(other.read_text() + "\n# another notebook's\n")
    assert state(root).done, "checks of another notebook judge nothing here"
    submit(root, "student-02", "perfect-loops")
    found = state(root)
    assert found.again == ["student-02"] and found.next == "course grade ps1"
    screen = io.StringIO()
    status.show(Console(file=screen, width=100), [found])
    assert "handed in again since it was graded: student-02" in screen.getvalue()


def the_archive(root):
    with pytest.raises(CourseError, match="The term is not over. Next for ps1: course grade ps1"):
        new_term.new_term(Console(file=io.StringIO()), root, "2026-winter")
    screen = io.StringIO()
    new_term.new_term(Console(file=screen, width=300), root, "2026-winter", False, True)
    assert "would move: submitted (2)" in screen.getvalue() and (root / "gradebook.db").exists()
    (root / "build" / "report-ps1.html").write_text("report")
    (root / ".lti").mkdir()
    for name in ("sent.json", "key.pem"):
        (root / ".lti" / name).write_text("{}")
    new_term.new_term(Console(file=screen, width=300), root, "2026-winter", True, True)
    place = root / "archive" / "2026-winter"
    for name in ("gradebook.db", "submitted/student-01/ps1/activations.ipynb", "autograded/student-02/ps1", "feedback/student-01/ps1",
                 "reports/report-ps1.html", "reports/feedback-ps1.zip", "lti/sent.json"):
        assert (place / name).exists() and not (root / name).exists(), name
    assert (root / ".lti" / "key.pem").exists() and not (root / ".lti" / "sent.json").exists(), "the connection stays"
    assert "kept: source/" in screen.getvalue() and (root / "source" / "ps1").is_dir() and not (place / new_term.UNFINISHED).exists()
    assert state(root).step == "not generated" and state(root).submitted == []
    with pytest.raises(CourseError, match="nothing of a term"):
        new_term.new_term(Console(file=io.StringIO()), root, "2027-summer", True)
    with pytest.raises(CourseError, match="is there already"):
        new_term.new_term(Console(file=io.StringIO()), root, "2026-winter", True)


@pytest.fixture
def course(tmp_path):
    root = tmp_path / "course"
    (root / "source" / "ps1").mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.course_id = 'toy'\nc.Exchange.root = '{tmp_path}/exchange'\n")
    (root / "submitted" / "student-01" / "ps1").mkdir(parents=True)
    (root / "submitted" / "README.md").write_text("stays")
    return root


def test_an_archive_that_was_interrupted_goes_on_under_its_name_and_no_other(course, tmp_path, monkeypatch):
    (tmp_path / "exchange" / "toy" / "inbound").mkdir(parents=True)
    (course / "feedback" / "student-01" / "ps1").mkdir(parents=True)
    put, seen = new_term.put, []

    def fails(entry, target):
        seen.append(entry.name)
        if len(seen) == 2:
            raise OSError(28, "No space left on device")
        put(entry, target)

    monkeypatch.setattr(new_term, "put", fails)
    with pytest.raises(CourseError, match="No space left.*it goes on"):
        new_term.new_term(Console(file=io.StringIO()), course, "w1", True, True)
    monkeypatch.setattr(new_term, "put", put)
    with pytest.raises(CourseError, match="archive/w1 was not finished"):
        new_term.new_term(Console(file=io.StringIO()), course, "w2", True, True)
    new_term.new_term(Console(file=io.StringIO()), course, "w1", True)
    place = course / "archive" / "w1"
    assert (place / "submitted" / "student-01").is_dir() and (place / "exchange" / "inbound").is_dir()
    assert (place / "feedback" / "student-01").is_dir() and not (place / new_term.UNFINISHED).exists()
    assert [path.name for path in (course / "submitted").iterdir()] == ["README.md"]
    with pytest.raises(CourseError, match="no name for a folder"):
        new_term.new_term(Console(file=io.StringIO()), course, "../x")


def ends(root, term="w1", yes=True, anyway=True):
    screen = io.StringIO()
    new_term.new_term(Console(file=screen, width=300), root, term, yes, anyway)
    return screen.getvalue()


def test_everything_that_is_private_to_a_term_goes_into_its_archive(course):
    """What git ignores is somebody's work, but for what is made again."""
    made_again = {".venv", ".venv-site", "build", "archive", "source_with_tests", "__pycache__", ".pyc", ".egg-info", ".pytest_cache",
                  ".hypothesis", ".ipynb_checkpoints", "README.md", ".lti"}     # of .lti, the key and the address stay: below
    private = {line.strip("!/*").partition("/")[0] for line in (ROOT / ".gitignore").read_text().split()} - made_again
    assert {"gradebook.db", "students.json", "graders.json", "audit", ".watch", "submitted"} <= private
    written = {f"{name}-ps1" for path in (ROOT / "grading" / "tools").glob("*.py")
               for name in re.findall(r'(?:"build"|folder|build)(?:, | / )f"(\w+)-\{assignment', path.read_text())}
    assert {"report-ps1", "followup-ps1", "return-ps1", "revised-ps1", "feedback-ps1"} <= written
    files = {".lti/sent.json"} | {f"build/{name}/of-student-01" for name in written} | {name if "." in name[1:] else f"{name}/of-student-01" for name in private}
    for name in files:
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text(name) if name != "gradebook.db" else sqlite3.connect(course / name).close()
    assert "would move: the log of course watch" in ends(course, yes=False)
    ends(course)
    assert [name for name in sorted(files) if (course / name).exists()] == []
    there = {path.read_text() for path in (course / "archive" / "w1").rglob("*") if path.is_file()}
    assert files - {"gradebook.db"} <= there


def test_an_archive_is_a_course_that_has_nothing_to_do_with_the_next_term(course, tmp_path):
    with book(course) as gradebook:
        gradebook.add_assignment("ps1")
        gradebook.add_submission("ps1", gradebook.add_student("student-01").id)
    (course / "tests" / "hidden").mkdir(parents=True)
    (course / "tests" / "hidden" / "test_x.py").write_text("# of this term")
    said = ends(course)
    place = course / "archive" / "w1"
    (course / "tests" / "hidden" / "test_x.py").write_text("# of the next one")
    (tmp_path / "exchange" / "toy" / "inbound" / "student-02+ps1+2026-03-01 12:00:00 UTC").mkdir(parents=True)
    assert f"cd {place}, then course status" in said and (place / "tests" / "hidden" / "test_x.py").read_text() == "# of this term"
    then, now = state(place), state(course)
    assert (then.submitted, then.waiting, then.exchange) == (["student-01"], [], False) and (now.submitted, now.waiting) == ([], ["student-02"])
    with Course(place).gradebook() as gradebook:
        assert [row.id for row in gradebook.students] == ["student-01"]
    assert not (course / "gradebook.db").exists()


def test_no_archive_is_made_while_a_watcher_is_at_work(course):
    with alone(str(course)), pytest.raises(CourseError, match="course watch is at work.*End it first"):
        ends(course)
    assert (course / "submitted" / "student-01").is_dir() and not (course / "archive").exists()


@pytest.mark.parametrize(("name", "error", "said"), [("chmod", PermissionError(1, "Operation not permitted"), "permitted"),
                                                     ("touch", OSError(28, "No space left on device"), "No space left"),
                                                     ("unlink", shutil.Error([("a", "b", "gone")]), "gone")])
def test_whatever_fails_half_way_is_a_sentence_and_the_same_command_goes_on(course, monkeypatch, name, error, said):
    def fails(self, *more, **options):
        raise error
    with monkeypatch.context() as patched:
        patched.setattr(Path, name, fails)
        with pytest.raises(CourseError, match=f"{said}.*run the same command again: it goes on"):
            ends(course)
    ends(course)
    assert (course / "archive" / "w1" / "submitted" / "student-01").is_dir() and not (course / "archive" / "w1" / new_term.UNFINISHED).exists()


def test_an_archive_for_which_there_is_no_room_is_a_sentence(course):
    (course / "archive").write_text("no folder")
    with pytest.raises(CourseError, match="could not be moved"):
        ends(course)
    assert (course / "submitted" / "student-01").is_dir()


def test_what_the_host_refuses_is_one_sentence_and_a_bug_is_none(course):
    for error in (PermissionError(13, "Permission denied", "/somewhere"), FileExistsError(17, "File exists", "/somewhere"), OSError(28, "No space left")):
        with pytest.raises(typer.Exit), ending_well():
            raise error
    with pytest.raises(FileNotFoundError), ending_well():
        raise FileNotFoundError(2, "No such file", "/somewhere")


def test_what_waits_in_the_exchange_and_what_is_not_released_is_said(course, tmp_path):
    shutil.rmtree(course / "submitted" / "student-01")
    (tmp_path / "exchange" / "toy" / "inbound" / "student-01+ps1+2026-03-01 12:00:00 UTC").mkdir(parents=True)
    found = state(course)
    assert found.waiting == ["student-01"] and found.exchange and not found.handed_out
    found.generated = True
    assert found.step == "waiting in the exchange" and found.next == "nbgrader collect ps1 --update"
    note_left(course / "submitted", "ps1", {"student-01+ps1+2026-03-01 12:00:00 UTC": "is larger than 100 kB"})
    refused = state(course)
    refused.generated = True
    assert (refused.waiting, refused.left, refused.done, refused.step) == ([], ["student-01"], False, "waiting for a human")
    assert refused.next == ("look at 'student-01+ps1+2026-03-01 12:00:00 UTC' in the exchange: is larger than 100 kB. Once it is mended or gone: "
                            "nbgrader collect ps1 --update"), "another collection would bring nothing"
    note_left(course / "submitted", "ps1", {})
    assert state(course).waiting == ["student-01"]
    found.waiting = []
    assert found.step == "not released" and found.next == "nbgrader release_assignment ps1"
    found.handed_out, found.due, found.over = True, "Mon 30 Nov 2026, 12:00 UTC", False
    assert found.next.startswith("wait until Mon 30 Nov 2026, 12:00 UTC, then: nbgrader collect")
    found.over = True
    assert found.step == "nothing handed in"


def test_pages_of_whoever_did_not_hand_in_through_the_exchange_go_another_way():
    found = status.State("ps1", exchange=True, submitted=["a", "b"], unreturned=["a", "b"], by_hand=["b"])
    assert found.next == "nbgrader release_feedback ps1"
    found.unreturned = ["b"]
    assert found.next == "course feedback ps1 --zip" and found.step == "feedback to return"
    found.unreturned = []
    assert found.done and found.next == "nothing: it is done"


def test_a_published_zip_hands_an_assignment_out_beside_an_exchange(course, tmp_path):
    (tmp_path / "exchange" / "toy").mkdir(parents=True)
    (course / "build" / "publish").mkdir(parents=True)
    assert not state(course).handed_out
    (course / "build" / "publish" / "ps1.zip").write_text("")
    assert state(course).handed_out


def test_pages_are_returned_until_one_is_made_anew(tmp_path):
    pages = tmp_path / "ps1"
    pages.mkdir()
    (pages / "a.html").write_text("1")
    assert not are_returned(pages)
    note_returned(pages)
    assert are_returned(pages)
    (pages / "a.html").write_text("22")
    assert not are_returned(pages)


# --- why a regrade changes something ------------------------------------------------------------------------------

def verdict(points=2.0, most=4.0, **checks):
    return VerdictRecord(points, most, tuple(CheckRecord(name, name, weight, core, outcome) for name, (weight, core, outcome) in checks.items()))


def test_each_reason_for_another_verdict_has_its_words():
    passed, failed = Outcome.PASSED, Outcome.FAILED
    old = verdict(test_a=(1, True, passed), test_b=(1, False, failed))
    assert reasons(old, old, False) == "" and reasons(old, old, True) == "other words in the feedback" and reasons(None, old, True) == "new"
    assert reasons(old, verdict(test_a=(1, True, failed), test_b=(1, False, failed)), True) == "a"
    assert reasons(old, verdict(test_a=(2, True, passed), test_b=(1, True, failed)), False) == "weight of a 1 -> 2, b is core"
    assert reasons(old, verdict(most=3.0, test_a=(1, True, passed)), False) == "b is gone, of 4 -> of 3 points"


# --- the gradebook ------------------------------------------------------------------------------------------------

def test_a_gradebook_of_another_version_damaged_or_locked_is_one_sentence_with_a_remedy(tmp_path):
    place = tmp_path / "gradebook.db"
    assert look(f"sqlite:///{place}") == ("there is none yet: nbgrader generate_assignment makes it", "")
    with Gradebook(f"sqlite:///{place}"):
        pass
    assert look(f"sqlite:///{place}")[1] == ""
    with sqlite3.connect(place, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        said, remedy = look(f"sqlite:///{place}")
        assert "locked" in said and "formgrader" in remedy
        writer.execute("ROLLBACK")
        writer.execute("ALTER TABLE student DROP COLUMN lms_user_id")
        writer.execute("DROP TABLE comment")
    said, remedy = look(f"sqlite:///{place}")
    assert "the column student.lms_user_id" in said and "the table comment" in said and "nbgrader db upgrade" in remedy
    place.write_bytes(b"no database" * 100)
    assert "damaged" in look(f"sqlite:///{place}")[0]


def test_a_command_says_it_in_one_sentence(course):
    with book(course) as gradebook:
        gradebook.add_student("student-01")
    with sqlite3.connect(course / "gradebook.db") as database:
        database.execute("ALTER TABLE student DROP COLUMN lms_user_id")
    (course / "list.csv").write_text("id,email\nx,x@example.org\n")
    result = CliRunner().invoke(app, ["class", "import", str(course / "list.csv"), "--yes", "--course", str(course)])
    assert result.exit_code == 1 and "nbgrader db upgrade" in result.output and "Traceback" not in result.output


@pytest.mark.parametrize(("said", "words"), [("database is locked", "in use by another program"), ("no such column: x", "another version"),
                                             ("attempt to write a readonly database", "may not be written"), ("strange", "does not answer")])
def test_each_error_of_the_database_has_its_sentence(said, words):
    assert words in in_a_sentence(OperationalError("SELECT", {}, sqlite3.OperationalError(said)))


def test_nbgraders_own_commands_end_in_that_sentence(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: seen.append(error[0]))
    monkeypatch.setattr(health, "OTHERS", [])
    health.install()
    health.install()        # the configuration may be read more than once
    for error in (OperationalError("SELECT", {}, sqlite3.OperationalError("no such column: grade.extra_credit")), ValueError("another")):
        sys.excepthook(type(error), error, None)
    assert "nbgrader db upgrade" in capsys.readouterr().err and seen == [ValueError] and len(health.OTHERS) == 1


def test_a_database_without_tables_is_a_gradebook_that_nbgrader_has_yet_to_fill(tmp_path):
    (place := tmp_path / "gradebook.db").touch()
    assert look(f"sqlite:///{place}") == look(f"sqlite:///{tmp_path / 'none.db'}") == health.NONE_YET
    Gradebook(f"sqlite:///{place}").close()
    assert look(f"sqlite:///{place}") == ("it has all that nbgrader asks for", "")


@pytest.mark.parametrize("trouble", ["locked", "damaged", "old"])
def test_nothing_is_generated_of_a_gradebook_that_cannot_be_worked_with(trouble, course, caplog):
    schema.install()
    with book(course):
        pass
    place = course / "gradebook.db"
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        if trouble == "damaged":
            place.write_bytes(b"no database" * 100)
        else:
            other.execute("BEGIN EXCLUSIVE" if trouble == "locked" else "ALTER TABLE student DROP COLUMN lms_user_id")
        converter = GenerateAssignment(coursedir=CourseDirectory(root=str(course), assignment_id="ps1"))
        with pytest.raises(NbGraderException):
            converter.start()
    assert "Nothing was generated" in caplog.text and "Traceback" not in caplog.text and ("db upgrade" in caplog.text) == (trouble == "old")


def test_a_deadline_stands_in_the_state(course):
    with book(course) as gradebook:
        gradebook.add_assignment("ps1", duedate=datetime(2026, 3, 1, 12))
    assert state(course).step == "not generated"
