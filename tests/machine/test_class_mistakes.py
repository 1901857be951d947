"""`course mistakes ASSIGNMENT` on a class whose mistakes are known: who stands where, and what may be done about it."""

import ast
import io
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toys
from nbgrader.api import Gradebook
from rich.console import Console

from grading.checks import bank
from grading.notebooks.record import CheckRecord, Outcome, VerdictRecord, read_record
from grading.root import CourseError
from grading.run.course import Course
from grading.tools import acts, analysis, class_answers, history, mistakes, naming, status
from grading.tools.followup import Maker
from tests.machine.classes import course_grade, submit_text

STEEP = {       # the sigmoid of 2z in three spellings, none of which the bank knows
    "steep-1": "def sigmoid(z):\n    '''By Ada.'''\n    return np.exp(-np.logaddexp(0, -2 * np.asarray(z, dtype=float)))  # by Ada\n",
    "steep-2": "def sigmoid(z):\n    t = np.array(z, dtype=float) * 2.0\n    e = np.exp(-np.abs(t))\n"
               "    return np.where(t >= 0, 1 / (1 + e), e / (1 + e))\n",
    "steep-3": "def half(z):\n    return np.asarray(z, dtype=float)\ndef sigmoid(z):\n    w = half(z) + half(z)\n"
               "    return np.exp(np.minimum(w, 0)) / (1 + np.exp(-np.abs(w)))\n"}
TEXTS = {**{name: f"# %% sigmoid\n{code}" for name, code in STEEP.items()},
         "tanh-1": "# %% sigmoid\ndef sigmoid(z):\n    return np.tanh(np.asarray(z, dtype=float))\n",
         "tanh-2": "# %% sigmoid\ndef sigmoid(z):\n    e = np.tanh(z)\n    return e\n",
         "alone": "# %% sigmoid\nimport os\ndef sigmoid(z):\n    os.getpid()\n    return np.asarray(z, dtype=float) * 0.25 + 0.5\n",
         "right": "# %% sigmoid\ndef sigmoid(z):\n    return np.exp(-np.logaddexp(0, -np.asarray(z, dtype=float)))\n"}


@pytest.fixture(scope="module")
def graded(generated, tmp_path_factory):
    root = tmp_path_factory.mktemp("mistakes") / "course"
    shutil.copytree(generated["ps1"], root)
    for student, text in TEXTS.items():
        submit_text(root, student, text)
    assert course_grade(root)[0] == 0
    return root


@pytest.fixture
def course(graded, tmp_path):
    shutil.copytree(graded, tmp_path / "course")
    return tmp_path / "course"


def run(root, which=None, **wanted):
    """What `course mistakes ps1 WHICH` says in a terminal of 80 columns."""
    console = Console(file=io.StringIO(), width=80)
    acts.run(console, root, "ps1", acts.Wanted(which, **wanted))
    return console.file.getvalue()


def read(root):
    return class_answers.read(Course(root), "ps1")


def cluster(root, size=3):
    group, = [group for group in read(root).groups if not group.known and len(group.answers) == size]
    return group


def members(group):
    return sorted(answer.student for answer in group.answers)


def manual_comments(root):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        return {submission.student_id: comment.manual_comment for submission in gradebook.find_assignment("ps1").submissions
                for notebook in submission.notebooks for comment in notebook.comments if comment.name == "sigmoid"}


def a_person_writes(root, student, words):
    with Gradebook(f"sqlite:///{root}/gradebook.db") as gradebook:
        submission = gradebook.find_submission_notebook("activations", "ps1", student)
        next(comment for comment in submission.comments if comment.name == "sigmoid").manual_comment = words
        gradebook.db.commit()


# --- who stands where ---------------------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_unknown_answers_that_agree_stand_together_and_known_ones_under_their_name(graded):
    groups = {(group.known, tuple(members(group))): group for group in read(graded).groups}
    assert groups.keys() == {(False, ("steep-1", "steep-2", "steep-3")), (True, ("tanh-1", "tanh-2")), (False, ("alone",))}
    assert groups[True, ("tanh-1", "tanh-2")].name == "is tanh"
    assert all(group.seen == (len(group.answers), len(group.answers)) for group in groups.values())


@pytest.mark.sandbox
def test_the_table_is_anonymous_fits_a_terminal_and_says_what_is_next(graded, tmp_path):
    said = run(graded, output=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert max(map(len, said[:said.index("wrote")].splitlines())) <= 120 and "is tanh" in said and "all 3" in said
    assert not re.search("steep|Ada", said + page.replace("build", "")) and "submission" in page
    assert f"course mistakes ps1 {cluster(graded).name}" in said
    assert "def sigmoid" in page and page.count("<h2>") == 3


@pytest.mark.sandbox
def test_one_mistake_in_full_shows_the_two_shortest_examples_and_names_when_asked(graded):
    group = cluster(graded)
    said = run(graded, group.name[:-2], names=True)
    assert "steep-1, steep-2, steep-3" in said and said.count("def sigmoid") == 2 and "sentence to send: “sigmoid" in said
    assert len(group.examples[0].code) <= len(group.examples[1].code) and "by Ada" not in said
    with pytest.raises(CourseError, match="Did you mean is tanh"):
        run(graded, "is tahn")


@pytest.mark.sandbox
def test_a_record_without_digests_is_said_with_the_command_that_renews_it(course):
    for path in course.glob("autograded/steep-1/ps1/activations.ipynb"):
        path.chmod(0o644)
        path.write_text(re.sub(r',\s*"wrong": "[0-9a-f-]+"', "", path.read_text()))
    said = run(course)
    assert "1 wrong answer of 1 submission" in said and 'course regrade ps1 --all --because "..."' in said
    assert members(cluster(course, 2)) == ["steep-2", "steep-3"]


@pytest.mark.sandbox
def test_a_name_that_the_values_do_not_bear_out_is_no_known_mistake_but_a_cluster_like_it(course):
    path = course / "tests/misconceptions/activations.py"
    path.write_text(path.read_text().replace("    return np.tanh(np.asarray(z, dtype=float))", "    return 2 * np.tanh(np.asarray(z, dtype=float))", 1))
    group = next(group for group in read(course).groups if group.like == "is tanh")
    assert (group.known, members(group)) == (False, ["tanh-1", "tanh-2"]) and "like:" in run(course)
    assert "known mistake" not in group.said
    assert naming.affected(Course(course), read(course), "is tanh")[0] == ["tanh-1", "tanh-2"]
    for damaged in course.glob("autograded/right/ps1/*.ipynb"):
        damaged.chmod(0o644)
        damaged.write_text("{")
    assert "1 graded notebook cannot be read" in run(course)


DAMAGED = {"right": b"{", "alone": b"\xff\xfe", "tanh-1": b"[]", "tanh-2": b'{"cells": []'}


@pytest.mark.sandbox
def test_damaged_graded_notebooks_end_no_command_and_each_names_what_mends_them(course):
    for student, content in DAMAGED.items():
        path, = course.glob(f"autograded/{student}/ps1/*.ipynb")
        path.chmod(0o644)
        path.write_bytes(content)
    console = Console(file=io.StringIO(), width=300)
    status.show(console, status.states(course, "ps1"))
    for student in DAMAGED:
        history.history(console, course, student)
        assert "cannot be read" in Maker(Course(course), "ps1").sheet(student, 1)[1]
    said = console.file.getvalue()
    assert all(f"cannot be read): course grade ps1 --force --student {student}" in said for student in DAMAGED)
    assert "ps1: next: course grade ps1 --force" in said
    works = {work.student: work.reasons for work in analysis.read(course, "ps1").works}
    assert {student for student, reasons in works.items() if any("cannot be read" in reason for reason in reasons)} == set(DAMAGED)
    assert course_grade(course, *DAMAGED, force=True)[0] == 0
    state, = status.states(course, "ps1")
    assert state.damaged == state.older == []


# --- a comment to all of them -------------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_a_comment_goes_to_all_of_them_never_over_a_persons_own_and_only_once(course):
    name = cluster(course).name
    a_person_writes(course, "steep-2", "See me.")
    assert "2 have it now." in (said := run(course, name, tell=True, words="You took the sigmoid of 2z.")) and "for 1: submission" in said
    wanted = dict.fromkeys(TEXTS) | {"steep-1": "You took the sigmoid of 2z.", "steep-2": "See me.", "steep-3": "You took the sigmoid of 2z."}
    assert manual_comments(course) == wanted
    assert "0 have it now, 2 had it." in run(course, name, tell=True, words="You took the sigmoid of 2z.")
    assert manual_comments(course) == wanted
    assert "2 have it now." in run(course, name, tell=True, words="It was the sigmoid of 2z."), "one may correct oneself"
    assert manual_comments(course) == wanted | dict.fromkeys(("steep-1", "steep-3"), "It was the sigmoid of 2z.")


@pytest.mark.sandbox
def test_what_a_person_wrote_in_the_same_words_stays_theirs(course):
    name, words = cluster(course).name, "You took the sigmoid of 2z."
    a_person_writes(course, "steep-2", words)
    a_person_writes(course, "steep-3", "See me.")
    assert "1 have it now, 1 had it." in run(course, name, tell=True, words=words)
    a_person_writes(course, "steep-3", words)
    assert "1 have it now." in run(course, name, tell=True, words="It was the sigmoid of 2z.")
    assert manual_comments(course) == dict.fromkeys(TEXTS) | {"steep-1": "It was the sigmoid of 2z."} | dict.fromkeys(("steep-2", "steep-3"), words)


@pytest.mark.sandbox
def test_without_words_the_sentence_is_sent(course):
    run(course, "is tanh", tell=True)
    assert manual_comments(course)["tanh-1"].startswith("This is tanh, which runs from -1 to 1.")
    run(course, cluster(course).name, tell=True)
    assert manual_comments(course)["steep-1"].startswith("“sigmoid gives the right values")


# --- a name -------------------------------------------------------------------------------------------------------

@pytest.mark.sandbox
def test_a_cluster_is_named_in_one_command_and_exactly_the_affected_are_graded_again(course):
    name = cluster(course).name
    said = run(course, name, name="takes twice z")
    entry = next(one for one in bank.load(course / "tests/misconceptions/activations.py") if one.name == "takes twice z")
    assert entry.exercise == "sigmoid" and entry.at_most == 0 and entry.function(np.array([0.5])) == pytest.approx(1 / (1 + np.exp(-1)))
    assert "It gives the same wrong values as the cluster." in said and "--mistake 'sigmoid: takes twice z'" in said
    before = {path: path.stat().st_mtime_ns for path in course.glob("autograded/*/ps1/activations.ipynb")}
    course_obj, found = Course(course), read(course)
    assert naming.affected(course_obj, found, "takes twice z") == (["steep-1", "steep-2", "steep-3"], 0)
    again = "sigmoid: takes twice z"
    for called in (again, name, name[:-2]):
        assert "takes twice z" in (said := run(course, called)) and "3 submissions graded before the bank had this mistake" in said
    with pytest.raises(CourseError, match="takes twice z is a known mistake already"):
        run(course, name, name="another name for it")
    chosen = acts.choose(Console(file=io.StringIO()), course, "ps1", "sigmoid: takes twice z", ())
    course_grade(course, *chosen, force=True)
    changed = {path.parts[-3] for path, when in before.items() if path.stat().st_mtime_ns != when}
    assert changed == {"steep-1", "steep-2", "steep-3"}
    names = {check.misconception for check in read_record(course / "autograded/steep-3/ps1/activations.ipynb").verdicts["sigmoid"].checks}
    assert "takes twice z" in names
    assert members(read(course).find("takes twice z")) == ["steep-1", "steep-2", "steep-3"]


@pytest.mark.sandbox
def test_code_that_does_more_than_compute_is_written_as_a_comment(course):
    said = run(course, cluster(course, 1).name, name="a line")
    text = (course / "tests/misconceptions/activations.py").read_text()
    entry = next(one for one in bank.load(course / "tests/misconceptions/activations.py") if one.name == "a line")
    assert "uses .getpid" in said and "#     os.getpid()" in text and "os" not in entry.function.__code__.co_names
    with pytest.raises(NotImplementedError, match="read the code below"):
        entry.function(1.0)


@pytest.mark.sandbox
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(course):
    path = course / "tests/misconceptions/activations.py"
    before, name = path.read_bytes(), cluster(course).name
    for which, wanted, words in (("is tanh", {"name": "x"}, "known mistake already"), (name, {"name": "is tanh"}, "called is tanh already"),
                                 (name, {"name": " "}, "letters or digits"), (None, {"name": "x"}, "Say which mistake"),
                                 (name, {"name": "x", "tell": True}, "two acts"), (name, {"words": " ", "tell": True}, "1 to 2000"), (name, {"words": "x"}, "add --tell")):
        with pytest.raises(CourseError, match=words):
            run(course, which, **wanted)
    with pytest.raises(CourseError, match="nothing to grade again"):
        acts.choose(Console(file=io.StringIO()), course, "ps1", "is softmax", ())
    assert path.read_bytes() == before and set(manual_comments(course).values()) == {None}


HARMLESS = ["def f(z, slope=-0.01):\n    with np.errstate(all='ignore'):\n        return [max(x, slope * x) for x in z]",
            "def f(z):\n    z = np.asarray(z).copy()\n    z[z < 0] = 0\n    return z.T @ np.linalg.inv(z)"]
HARMFUL = ["def f(z):\n    import os", "def f(z):\n    return open('x')", "def f(z):\n    return z.__class__", "def f(z):\n    np.exp = 1",
           "def f(z):\n    return np.load('x')", "def f(z):\n    global g\n    g = 1", "def f(z, big=np.ones(10**9)):\n    return z",
           "@g\ndef f(z):\n    return z", "def f(z):\n    return eval('z')", "def f(z):\n    return f'{z.__init__}'",
           "def f(z):\n    return __import__('os')", "def f(z):\n    return getattr(z, 'x')", "def f(z):\n    yield z", "def f(z:",
           "def f(z):\n    z.tofile('x')", "def f(z):\n    return g(z)", "class f: pass", "def f(z: print(1)):\n    return z", "def f(z) -> np.ones(9):\n    return z", "def f(z):\n    del np.exp", "def f(z):\n    while True:\n        z = z + 1"]


def test_an_example_becomes_one_function_with_what_it_stands_on_and_without_annotations():
    sources = ["def half(z: float) -> float:\n    return z / 2", "import numpy as np\nf = lambda z, k=2: half(z) * k + g", "g = 3.0"]
    defined = class_answers.definitions(sources)
    answer = class_answers.Answer("a", "1", "n", "f", None, class_answers.unparsed(defined["f"]), class_answers.helpers(defined, "f"))
    assert "def half(z" in answer.shown and "g = 3.0" in answer.shown and answer.shown.endswith(answer.code), "what it stands on is shown as well"
    code = naming.whole(answer, "f", "f_wrong")
    namespace = {}
    exec(code, namespace)
    assert naming.trouble(code) == "" and namespace["f_wrong"](4.0) == 7.0 and ":" not in code.splitlines()[0][:-1]


@pytest.mark.parametrize("code", HARMLESS)
def test_what_only_computes_is_taken_over(code):
    assert naming.trouble(code) == ""


@pytest.mark.parametrize("code", HARMFUL)
def test_what_does_more_than_compute_is_not(code):
    assert naming.trouble(code) != ""


def test_an_entry_finds_its_place_and_brings_what_it_imports():
    text = naming.place_in('"""Bank."""\n', "relu", '@misconception("relu", "x", at_most=0)\ndef relu_x(z):\n    return np.abs(z)')
    assert text.startswith('"""Bank."""\n\nimport numpy as np\nfrom grading.checks import misconception\n')
    more = naming.place_in(text + "\n\nLAST = 1\n", "relu", '@misconception("relu", "y", at_most=0)\ndef relu_y(z):\n    return math.pi')
    ast.parse(more)
    assert more.index("relu_y") < more.index("LAST") and more.count("import numpy") == 1 and "import math" in more


@pytest.mark.parametrize("called", ["of z: twice", "sigmoid: of z: twice"])
def test_a_name_may_have_a_colon_in_it(called):
    checks = tuple(CheckRecord(f"test_{number}", "", 1, True, Outcome.FAILED, "of z: twice", "a-b") for number in range(2))
    answer = class_answers.Answer("a", "1", "n", "sigmoid", VerdictRecord(0, 1, checks))
    found = class_answers.ClassAnswers("ps1", 1, [answer])
    assert found.find(called).name == "of z: twice"
    with pytest.raises(CourseError, match="No mistake in ps1"):
        found.find("relu: of z: twice")


def test_what_one_alone_was_told_is_not_sent_to_the_others():
    def group(*told):
        return class_answers.Group("f", "n", "f-1", False, [class_answers.Answer(str(number), "", "n", "f", None, said=said)
                                                            for number, said in enumerate(told)])
    said = ["“f works” does not hold yet. ValueError: it is me, Ada.", "“f works” does not hold yet. ValueError: it is me, Bob."]
    assert group(*said).said == "“f works” does not hold yet." and group(said[0]).said == said[0] and group(said[0], *said).said == said[0]


def test_code_that_goes_on_and_on_stands_in_the_bank_as_a_comment(tmp_path, monkeypatch):
    toys.make_course(tmp_path).joinpath("nbgrader_config.py").touch()
    monkeypatch.setattr(naming, "SECONDS", 1)
    endless = "def half(z):\n    turns = [z]\n    for turn in turns:\n        turns.append(turn)\n        turns.pop(0)\n        turns.insert(0, z)\n    return z"
    group = class_answers.Group("half", "toy", "half-1", False, [class_answers.Answer("a", "", "toy", "half", VerdictRecord(0, 4, ()), code)
                                                                 for code in (endless,)])
    course = SimpleNamespace(execute=SimpleNamespace(course_root=str(tmp_path)))
    made, given = naming.proved(course, group, "goes on", "It goes on.")
    assert not given and "takes more than 1 seconds on the hidden inputs" in made.why and "    # " in made.text


def test_the_list_of_all_mistakes_is_written_where_a_course_has_no_docs_yet(tmp_path):
    toys.make_course(tmp_path).joinpath("nbgrader_config.py").touch()
    mistakes.write(Console(quiet=True), tmp_path)
    assert "| doubled instead | 0% |" in (tmp_path / "docs" / "mistakes.md").read_text()


def test_the_files_of_the_bank_can_be_added_to():
    for path in sorted((Path(__file__).parents[1] / "misconceptions").glob("*.py")):
        exercise = bank.load(path)[0].exercise
        text = naming.place_in(path.read_text(), exercise, f'@misconception("{exercise}", "new", at_most=0)\ndef new(z):\n    return z')
        assert ast.parse(text) and len(text.splitlines()) == len(path.read_text().splitlines()) + 5


def test_a_notebook_that_takes_too_long_to_read_has_no_example_and_holds_up_no_class(monkeypatch):
    sources = ["def double(z):\n    return helper(z)", "def helper(z):\n    return z"]
    assert class_answers.read_codes(sources, ["double"]) == {"double": ("def double(z):\n    return helper(z)", ("def helper(z):\n    return z",))}
    monkeypatch.setattr(class_answers, "READ_SECONDS", 1)
    assert class_answers.read_codes(["a;" * 50_000] * 10, ["double"]) == {}
