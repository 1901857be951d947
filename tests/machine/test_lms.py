"""Archives of Canvas, Moodle and Blackboard: hand-ins come in, each to its student, and pages of feedback go back."""

import io
import shutil
import stat
import unicodedata
import warnings
import zipfile

import pytest
from nbgrader.api import Gradebook
from rich.console import Console

from grading.border.bounded import Overrun
from grading.lms import archives, people, returning
from grading.lms.ids import write_ids
from grading.lms.people import Known
from grading.lms.records import read_records
from grading.root import CourseError
from grading.tools.collecting import collect

CLASS = {"flast": ("First", "Läst", "4711"), "asecond": ("Anna Maria", "Second", "4712"), "jdoe1": ("Jo", "Doe", ""), "jdoe2": ("Jo", "Doe", "")}


@pytest.fixture
def course(a_class, tmp_path):
    shutil.copytree(a_class, tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture(scope="module")
def a_class(tmp_path_factory):
    """A course of two assignments and its class; making a gradebook takes a second."""
    root = tmp_path_factory.mktemp("lms") / "course"
    (root / "source" / "ps1").mkdir(parents=True)
    (root / "source" / "ps1" / "activations.ipynb").write_text("{}")
    (root / "source" / "ps2").mkdir()
    (root / "source" / "ps2" / "backward_step.ipynb").write_text("{}")
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.Course.timezone = "Europe/Berlin"\n')
    with Gradebook(f"sqlite:///{root}/gradebook.db") as book:
        for student, (first, last, number) in CLASS.items():
            book.add_student(student, first_name=first, last_name=last, lms_user_id=number or None)
    return root


def packed(tmp_path, entries):
    place = tmp_path / "submissions.zip"
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return place


def take(root, tmp_path, *entries, assignment=None, new=False):
    said = io.StringIO()
    status = collect(Console(file=said, width=500), root, packed(tmp_path, entries), assignment, new)
    return status, said.getvalue()


def handed_in(root, assignment="ps1"):
    return {path.relative_to(root / "submitted").as_posix(): path.read_bytes() for path in (root / "submitted").glob(f"*/{assignment}/**/*")
            if path.is_file()}


def test_canvas_finds_students_by_number_or_name_and_the_newest_of_each_file(course, tmp_path):
    status, said = take(course, tmp_path, ("lastfirst_4711_900_activations.ipynb", b"old"), ("lastfirst_4711_901_activations-1.ipynb", b"new"),
                        ("secondannamaria_LATE_99_902_activations-2.ipynb", b"by name"), ("lastfirst_4711_903_picture.png", b"png"))
    assert status == 0 and "Canvas's submissions of ps1: 2 new." in said
    assert handed_in(course) == {"flast/ps1/activations.ipynb": b"new", "flast/ps1/picture.png": b"png", "asecond/ps1/activations.ipynb": b"by name"}
    assert "late, as Canvas marks it: asecond" in said and "earlier attempts that a newer one replaces: flast (1)" in said
    _, said = take(course, tmp_path, ("last_4711_950_LATE_activations-3.ipynb", b"newer"), ("secondannamaria_99_902_activations.ipynb", b"by name"))
    assert "1 as before, 1 handed in again" in said or "1 handed in again, 1 as before" in said
    assert "late, as Canvas marks it: flast" in said
    assert handed_in(course) == {"flast/ps1/activations.ipynb": b"newer", "asecond/ps1/activations.ipynb": b"by name"}


@pytest.mark.parametrize("name", ["ps2_backward_step.ipynb", "backward_step (2).ipynb.txt", "Backward-Step_final.zip"])
def test_which_assignment_it_is_is_known_from_a_name_that_a_student_changed(name, course, tmp_path):
    assert "submissions of ps2: 1 new." in take(course, tmp_path, (f"First Läst_1234_assignsubmission_file_/{name}", b"1"))[1]


def test_moodle_keeps_folders_or_puts_them_into_names(course, tmp_path):
    status, said = take(course, tmp_path, ("First Läst_1234_assignsubmission_file_/activations.ipynb", b"1"),
                        ("First Läst_1234_assignsubmission_file_/data/a.csv", b"2"), ("__MACOSX/._x", b""),
                        ("Anna Maria Second_1235_assignsubmission_file_activations (1).ipynb", b"3"))
    assert status == 0 and "2 new" in said
    assert handed_in(course) == {"flast/ps1/activations.ipynb": b"1", "flast/ps1/data/a.csv": b"2", "asecond/ps1/activations.ipynb": b"3"}


def test_blackboard_says_when_and_the_newest_attempt_counts(course, tmp_path):
    entries = [(f"ps1_flast_attempt_2026-11-{day}-12-00-00_activations.ipynb", day.encode()) for day in ("20", "21")]
    entries += [("ps1_flast_attempt_2026-11-21-12-00-00.txt", b"Name: First")]
    _, said = take(course, tmp_path, *entries)
    assert handed_in(course) == {"flast/ps1/activations.ipynb": b"21", "flast/ps1/timestamp.txt": b"2026-11-21 11:00:00 UTC\n"}
    assert "flast (1)" in said
    _, said = take(course, tmp_path, entries[0])
    assert "older than what is here: flast" in said and handed_in(course)["flast/ps1/activations.ipynb"] == b"21"


def test_a_login_of_blackboard_may_hold_underscores_and_so_may_the_title(course, tmp_path):
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.add_student("jan_erik")
    names = "jan_erik", "flast", "tom_erik"
    _, said = take(course, tmp_path, *((f"Set_1_{name}_attempt_2026-11-20-12-00-00_activations.ipynb", name.encode()) for name in names))
    assert [handed_in(course)[f"{name}/ps1/activations.ipynb"] for name in names[:2]] == [b"jan_erik", b"flast"]
    assert "needs a human: tom_erik: nobody on the class list" in said
    _, said = take(course, tmp_path, ("Set_1_jan_erik_attempt_2026-11-21-12-00-00_activations.ipynb", b"2"))
    assert "handed in again: jan_erik" in said, "of one alone no title is known"


def test_who_cannot_be_told_comes_before_a_person_and_ends_nothing(course, tmp_path):
    status, said = take(course, tmp_path, ("Jo Doe_1_assignsubmission_file_/activations.ipynb", b"?"),
                        ("Frist Läst_2_assignsubmission_file_/activations.ipynb", b"?"),
                        ("Anna Maria Second_3_assignsubmission_file_/activations.ipynb", b"good"), ("readme.txt", b""))
    assert status == 3 and list(handed_in(course)) == ["asecond/ps1/activations.ipynb"]
    assert "needs a human: Jo Doe: 2 students have that name: jdoe1, jdoe2" in said
    assert "needs a human: Frist Läst: nobody on the class list has that name; near it: flast" in said
    assert "readme.txt: its name says no student" in said
    _, said = take(course, tmp_path, ("New Comer_7_assignsubmission_file_/activations.ipynb", b"n"), new=True)
    assert "New Comer/ps1/activations.ipynb" in handed_in(course)


def test_two_of_one_name_are_told_apart_by_their_number(course, tmp_path):
    write_ids(course, {"jdoe1": {"canvas": {"id": "71"}}, "jdoe2": {"canvas": {"id": "72"}}})
    take(course, tmp_path, ("doejo_72_1_activations.ipynb", b"72"), ("doejo_71_2_activations.ipynb", b"71"))
    assert handed_in(course) == {"jdoe1/ps1/activations.ipynb": b"71", "jdoe2/ps1/activations.ipynb": b"72"}


def test_whoever_has_the_number_comes_before_one_of_the_same_name(course, tmp_path):
    write_ids(course, {"jdoe1": {"canvas": {"id": "71"}}})
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        book.remove_student("jdoe2")
    _, said = take(course, tmp_path, ("doejo_5_1_activations.ipynb", b"of a stranger"), ("doejo_71_2_activations.ipynb", b"71"))
    assert handed_in(course) == {"jdoe1/ps1/activations.ipynb": b"71"} and "needs a human: doejo (5): it would be jdoe1's" in said


def test_who_takes_the_name_of_somebody_else_there_does_not_hand_in_for_them(course, tmp_path):
    """On some platforms people may call themselves as they like: the first in the archive was taken, and got the other's feedback."""
    mine, other = (f"First Läst_{number}_assignsubmission_file_/activations.ipynb" for number in (7, 8))
    status, said = take(course, tmp_path, (mine, b"mine"), (other, b"in my name"))
    assert status == 3 and not handed_in(course) and said.count("2 hand-ins bear that name, and nothing tells which is flast's") == 2
    anna = ("Anna Maria Second_3_assignsubmission_file_/activations.ipynb", b"good")
    take(course, tmp_path, (mine, b"mine"), anna)
    _, said = take(course, tmp_path, (other, b"in my name"), anna)
    assert handed_in(course)["flast/ps1/activations.ipynb"] == b"mine" and "another account there than what flast handed in before" in said
    assert read_records(course / "submitted", "ps1")["flast"]["prefix"] == "First Läst_7_assignsubmission_file_"
    take(course, tmp_path, (other, b"of an assignment that was made anew there"))
    assert handed_in(course)["flast/ps1/activations.ipynb"] == b"of an assignment that was made anew there"


@pytest.mark.parametrize("called", ["lastfirst_4711_4712_950", "lastfirst_4711_1_4712_950", "lastfirst_4711_LATE_1_4712_950", "_4712_950_x_4711_950"])
def test_who_puts_somebody_s_number_into_their_own_name_does_not_hand_in_for_them(called, course, tmp_path):
    """On Canvas `<name>_<number>_<file>` is all that says whose a file is, and of that everybody chooses the name and the file's own."""
    attack, mine = (f"{called}_activations.ipynb", b"in the name of another"), ("lastfirst_4711_900_ps1_2024_11_05.ipynb", b"mine")
    status, said = take(course, tmp_path, attack, mine, assignment="ps1")
    assert status == 3 and handed_in(course) == {"flast/ps1/ps1_2024_11_05.ipynb": b"mine"}
    assert f"needs a human: {attack[0]}: more than one number of a person stands in the name, that of asecond" in said
    assert read_records(course / "submitted", "ps1")["flast"]["prefix"] == "lastfirst_4711_900_"


@pytest.mark.parametrize("ending", ["activations.ipynb", "/activations.ipynb"])
def test_a_name_of_moodle_s_that_holds_another_is_nobody_s(ending, course, tmp_path):
    mine, attack = "First Läst_7_assignsubmission_file_", "First Läst_7_assignsubmission_file_x_8_assignsubmission_file_"
    status, said = take(course, tmp_path, (f"{mine}activations.ipynb", b"mine"), (f"{attack}{ending}", b"other"))
    assert status == 3 and handed_in(course) == {"flast/ps1/activations.ipynb": b"mine"} and "its name says no student" in said


def test_who_has_no_letters_in_their_name_on_canvas_is_known_by_the_number(course, tmp_path):
    take(course, tmp_path, ("_4711_900_activations.ipynb", b"mine"))
    assert handed_in(course) == {"flast/ps1/activations.ipynb": b"mine"}


@pytest.mark.parametrize(("prefix", "account"), [("First Läst_7_assignsubmission_file_", "7"), ("lastfirst_4711_900_", "4711"), ("lastfirst_LATE_4711_901_", "4711"),
                                                 ("", ""), ("ps1_flast_attempt_", "")])
def test_the_account_that_a_file_came_from_stands_in_its_name(prefix, account):
    assert archives.account_of(prefix) == account


def test_what_a_person_is_told_about_a_name_of_two_can_be_done(course, tmp_path):
    _, said = take(course, tmp_path, ("Jo Doe_1_assignsubmission_file_/activations.ipynb", b"?"), ("First Läst_2_assignsubmission_file_/activations.ipynb", b"1"))
    assert "2 students have that name: jdoe1, jdoe2. Put it into submitted/STUDENT/ps1/ by hand" in said


def test_a_group_in_front_of_a_name_is_moodles(course, tmp_path):
    write_ids(course, {"flast": {"moodle": {"section": "Tutorial A, Lab 3"}}, "jdoe2": {"moodle": {"section": "Lab 3"}}})
    _, said = take(course, tmp_path, ("Tutorial A-First Läst_2_assignsubmission_file_/activations.ipynb", b"1"),
                   ("Lab 3-Jo Doe_3_assignsubmission_file_/activations.ipynb", b"2"), ("Lab 9-Anna Maria Second_4_assignsubmission_file_/activations.ipynb", b"3"))
    assert handed_in(course) == {"flast/ps1/activations.ipynb": b"1", "jdoe2/ps1/activations.ipynb": b"2"}
    assert "Lab 9-Anna Maria Second: nobody on the class list has that name; near it: asecond" in said
    assert read_records(course / "submitted", "ps1")["flast"]["prefix"] == "Tutorial A-First Läst_2_assignsubmission_file_"


def test_names_are_folded_once_and_near_ones_looked_up_for_the_first_few(monkeypatch):
    class_of = [Known(f"s{number}", f"First{number}", "Last", {"number": f"n{number}"}) for number in range(200)]
    folds, looked = [], []
    monkeypatch.setattr(people, "folded", lambda name: folds.append(name) or name.casefold().replace(" ", ""))
    monkeypatch.setattr(people, "near", lambda name, known: looked.append(name) or [])
    found = people.People(class_of)
    made = len(folds)
    assert [found.find(f"first{number} last", "") for number in range(200)] == [(one.id, "") for one in class_of]
    assert found.find("?", "n7") == found.find("?", "s7") == ("s7", "") and len(folds) == made + 200
    assert {found.find(f"stranger {number}", "") for number in range(50)} == {(None, "nobody on the class list has that name")} and len(looked) == people.NEAR


class Unmarked(zipfile.ZipInfo):
    """An entry in UTF-8 that does not say so, as some programs on a Mac pack it."""

    def _encodeFilenameFlags(self):
        return self.filename.encode(), self.flag_bits


@pytest.mark.parametrize("name", ["First Läst_1_assignsubmission_file_/activations.ipynb", "ps1\\First Läst_1_assignsubmission_file_\\activations.ipynb",
                                  unicodedata.normalize("NFD", "First Läst_1_assignsubmission_file_/activations.ipynb")])
@pytest.mark.parametrize("kind", [zipfile.ZipInfo, Unmarked])
def test_accents_and_strokes_of_every_packer_are_read(course, tmp_path, name, kind):
    status, said = take(course, tmp_path, (kind(name), b"1"))
    assert status == 0 and handed_in(course) == {"flast/ps1/activations.ipynb": b"1"}, said


@pytest.mark.parametrize("name", ["lästfirst_4711_900_activations.ipynb", "sub/lästfirst_4711_900_activations.ipynb"])
def test_the_names_of_canvas_keep_their_numbers_whatever_the_accents(course, tmp_path, name):
    take(course, tmp_path, (Unmarked(unicodedata.normalize("NFD", name)), b"1"), assignment="ps1")
    assert read_records(course / "submitted", "ps1")["flast"]["prefix"] == "lästfirst_4711_900_"


def test_what_is_encrypted_or_there_twice_is_said_and_costs_nobody_else(course, tmp_path):
    place = tmp_path / "submissions.zip"
    with zipfile.ZipFile(place, "w") as archive, warnings.catch_warnings(action="ignore"):
        for name, content in (("First Läst_1", b"1"), ("First Läst_1", b"2"), ("Anna Maria Second_3", b"3")):
            archive.writestr(f"{name}_assignsubmission_file_/activations.ipynb", content)
        archive.infolist()[-1].flag_bits |= 1
    said = io.StringIO()
    assert collect(Console(file=said, width=500), course, place) == 3
    assert handed_in(course) == {"flast/ps1/activations.ipynb": b"2"}
    assert "Anna Maria Second_3_assignsubmission_file_/activations.ipynb: it is encrypted" in said.getvalue()
    assert "it is there twice, and not the same; the later one is taken" in said.getvalue()


@pytest.mark.parametrize("name", ["../../../../evil.ipynb", "/tmp/evil.ipynb", "a/..\\..\\evil.ipynb", "C:\\evil.ipynb"])
def test_a_path_that_leads_out_is_refused_and_the_others_come_in(name, course, tmp_path):
    status, said = take(course, tmp_path, (f"First Läst_1_assignsubmission_file_/{name}" if name.startswith("..") else name, b"evil"),
                        ("Anna Maria Second_3_assignsubmission_file_/activations.ipynb", b"good"))
    assert status == 3 and "leads out of the archive" in said and list(handed_in(course)) == ["asecond/ps1/activations.ipynb"]
    assert not list(tmp_path.rglob("evil*"))


def test_names_that_cannot_lie_together_and_the_exchange_s_own_are_left_out(course, tmp_path):
    """A time stamp of the exchange is believed: nobody hands in one."""
    mine = "First Läst_1_assignsubmission_file_/"
    _, said = take(course, tmp_path, *((mine + name, name.encode()) for name in ("a", "a/b", "timestamp.txt", "submission_secret.txt", "activations.ipynb",
                                                                                 "d/" * 200 + "x")))
    assert handed_in(course) == {"flast/ps1/a": b"a", "flast/ps1/activations.ipynb": b"activations.ipynb"}
    assert "a/b: it has the name of another file" in said and said.count("that name is the exchange's") == 2 and "too many folders" in said


def test_links_bombs_and_broken_entries_cost_nobody_else(course, tmp_path, monkeypatch):
    link = zipfile.ZipInfo("First Läst_1_assignsubmission_file_/activations.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with open(course / "nbgrader_config.py", "a") as file:
        file.write("c.CourseDirectory.max_file_size = 1000\n")
    place = packed(tmp_path, [(link, b"/etc/passwd"), ("Jo Doe_1_assignsubmission_file_/activations.ipynb", b"x"),
                              ("asecond_4_assignsubmission_file_/activations.ipynb", b"0" * 5_000_000),
                              ("flast_5_assignsubmission_file_/activations.ipynb", b"good " * 50)])
    data = place.read_bytes()
    place.write_bytes(data)
    said = io.StringIO()
    assert collect(Console(file=said, width=500), course, place) == 3
    assert "it is a link" in said.getvalue() and "unpacks to more than" in said.getvalue()
    assert list(handed_in(course)) == ["flast/ps1/activations.ipynb"]
    broken = place.with_name("broken.zip")
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("flast_5_assignsubmission_file_/activations.ipynb", b"AAAAAAAAAAAAAAAAAAAA")
        archive.writestr("asecond_6_assignsubmission_file_/activations.ipynb", b"BBBBB")
    broken.write_bytes(broken.read_bytes().replace(b"AAAAAAAAAAAAAAAAAAAA", b"AAAAAAAAAACAAAAAAAAA"))
    assert collect(Console(file=said, width=500), course, broken) == 3
    assert "cannot be unpacked" in said.getvalue() and handed_in(course)["asecond/ps1/activations.ipynb"] == b"BBBBB"
    assert handed_in(course)["flast/ps1/activations.ipynb"].startswith(b"good"), "what was there stays"


def test_who_fills_the_room_of_an_archive_costs_nobody_else_theirs(course, tmp_path, monkeypatch):
    """Zeros cost nothing to pack: whoever came first in the alphabet took the room of everybody behind."""
    monkeypatch.setattr(archives, "MAX_TOTAL", 100_000)
    monkeypatch.setattr(archives, "MODEST", 1000)
    entries = [(f"asecond_4_{number}_plot{number}.png", b"0" * 60_000) for number in range(3)] + [("flast_5_6_activations.ipynb", b"good")]
    status, said = take(course, tmp_path, *entries, assignment="ps1")
    assert handed_in(course) == {"asecond/ps1/plot0.png": b"0" * 60_000, "flast/ps1/activations.ipynb": b"good"}
    assert status == 0 and said.count("unpacks to more than") == 2
    found, _, _ = archives.read_whole((tmp_path / "submissions.zip").read_bytes(), 60_000, 100_000)
    assert [[len(got) for got in contents if isinstance(got, bytes)] for _, contents in found] == [[60_000], [4]]


def test_who_hands_in_thousands_of_files_that_cannot_be_taken_hides_nobody(course, tmp_path):
    _, said = take(course, tmp_path, *((f"flast_4711_{number}_{number}\x1b.ipynb", b"x") for number in range(300)),
                   *((f"{number}.txt", b"x") for number in range(300)), assignment="ps1")
    assert said.count("not taken:") == 102 and said.count("and 250 more") == 2 and "needs a human: flast (4711)" in said


def test_the_files_of_a_hand_in_together_are_no_more_than_of_one_from_the_exchange(course, tmp_path):
    with open(course / "nbgrader_config.py", "a") as file:
        file.write("c.CourseDirectory.max_dir_size = 100\n")
    take(course, tmp_path, *((f"asecond_4_{number}_plot{number}.png", b"0" * 60_000) for number in range(3)),
         ("flast_5_6_activations.ipynb", b"0" * 90_000), assignment="ps1")
    assert sorted(handed_in(course)) == ["asecond/ps1/plot0.png", "flast/ps1/activations.ipynb"]


@pytest.mark.parametrize("whole", [True, False])
def test_an_archive_is_read_in_a_process_that_may_die(whole, course, tmp_path, monkeypatch):
    """A hand-in that takes too long there is refused alone; what all of an archive holds takes no longer either."""
    def dies(function, *arguments):
        if whole or (function is archives.contents_at and "asecond" in arguments[2][0].filename):
            raise Overrun("takes more than 20 seconds")
        return function(*arguments)
    monkeypatch.setattr(archives, "bounded", dies)
    entries = ("asecond_4_1_activations.ipynb", b"x"), ("flast_5_6_activations.ipynb", b"good")
    if whole:
        with pytest.raises(CourseError, match="takes more than 20 seconds"):
            take(course, tmp_path, *entries)
    else:
        status, said = take(course, tmp_path, *entries)
        assert status == 3 and "asecond (4): reading it takes more than 20 seconds" in said
        assert handed_in(course) == {"flast/ps1/activations.ipynb": b"good"}


@pytest.mark.parametrize("name", ["a" + "_1_assignsubmission_" * 400 + "/\n", "a_1_assignsubmission_" + "_" * 8000 + "/\n"])
def test_a_name_that_is_long_on_purpose_is_refused_before_it_is_read(name, course, tmp_path):
    """A zip allows 65,535 characters, and what they cost grew with their cube: hours for one name."""
    status, said = take(course, tmp_path, (name, b"x"), ("flast_4711_900_activations.ipynb", b"good"))
    assert "its path is too long" in said and handed_in(course) == {"flast/ps1/activations.ipynb": b"good"}


@pytest.mark.parametrize(("entries", "why"), [([("a.txt", b""), ("b.txt", b"")], "no archive of submissions"), ([], "nothing in it"),
                                              ([("flast/a.ipynb", b""), ("flast/plot_2024_11_05.png", b""), ("flast/plot_2024_11_06.png", b"")],
                                               "too few names in it say whose it is, the first is flast/a.ipynb"),
                                              ([("flast_1_2_other.ipynb", b"")], "which assignment")])
def test_another_archive_is_said_to_be_one(entries, why, course, tmp_path):
    with pytest.raises(CourseError, match=why):
        take(course, tmp_path, *entries)


def test_what_is_no_zip_is_said(course, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(CourseError, match="cannot be read as a zip"):
        collect(Console(file=io.StringIO()), course, tmp_path / "x.zip")


def test_pages_go_back_under_the_names_that_the_platform_gave(course, tmp_path):
    take(course, tmp_path, ("First Läst_1234_assignsubmission_file_/activations.ipynb", b"1"))
    take(course, tmp_path, ("secondannamaria_4712_902_activations-2.ipynb", b"2"), assignment="ps1")
    folders = {}
    for student in ("flast", "asecond", "jdoe1"):
        folders[student] = course / "feedback" / student / "ps1"
        folders[student].mkdir(parents=True)
        (folders[student] / "activations.html").write_text("page")
    records = read_records(course / "submitted", "ps1")
    packed_, left = returning.write_zip(folders, records, "moodle", tmp_path / "out" / "m.zip")
    assert (packed_, left) == (["flast"], ["asecond", "jdoe1"])
    assert zipfile.ZipFile(tmp_path / "out" / "m.zip").namelist() == ["First Läst_1234_assignsubmission_file_/activations.html"]
    returning.write_zip(folders, records, "canvas", tmp_path / "c.zip")
    assert zipfile.ZipFile(tmp_path / "c.zip").namelist() == ["secondannamaria_4712_902_activations.html"]
    assert returning.write_zip(folders, {}, "canvas", tmp_path / "n.zip")[0] == [] and not (tmp_path / "n.zip").exists()


def test_a_name_is_read_as_each_platform_writes_it():
    info = zipfile.ZipInfo("x")
    assert archives.canvas(info, "doejane_LATE_12_34_my_file-1.ipynb").file == "my_file-1.ipynb"
    assert archives.canvas(info, "doe_12_34_LATE_a.ipynb").late and not archives.canvas(info, "doe_12_34_a.ipynb").late
    assert archives.moodle(info, "O'Brien, Ann_12_assignsubmission_onlinetext_/onlinetext.html").name == "O'Brien, Ann"
    assert archives.blackboard(info, "My_Title_jdoe_attempt_2026-13-40-12-00-00_a_b.ipynb").when is None
    assert archives.without_number("activations (2).ipynb") == archives.without_number("activations-12.ipynb") == "activations.ipynb"
