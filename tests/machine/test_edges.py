"""Limits and rules at their edge: what is just allowed is taken, what is one beyond is not."""

import json
import os
import threading
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
import toys
from nbformat.v4 import new_code_cell, new_notebook
from traitlets import TraitError
from traitlets.config import Config

from grading.border.subject import LocalSubject, Stopped
from grading.checks import authors
from grading.checks import suite as suites
from grading.checks.answer_key import AnswerKey
from grading.checks.suite import Suite, SuiteError, asks_for_nothing_more
from grading.checks.verdict import FAILED, NOT_RUN, OUR_ERROR, PASSED, CheckResult, Verdict
from grading.notebooks import mend
from grading.notebooks.intake import look_through
from grading.notebooks.outputs import clean
from grading.notebooks.record import CheckRecord, Outcome, Record, VerdictRecord
from grading.pages.formulas import NotTranslated, mathml
from grading.plugins.late import LatePolicy
from grading.plugins.overview import Row, first_step
from grading.tools import publish, similar


# --- checks -------------------------------------------------------------------------------------------------------

class Versions(LocalSubject):
    """A subject with several definitions of a function, the newest last; it notes which are judged."""

    def __init__(self, functions):
        super().__init__({})
        self.versions, self.judged = functions, set()

    def definitions(self, name):
        return len(self.versions) if name == "double" else 0

    def call(self, name, definition, *arguments, **more):
        self.judged.add(definition)
        self.functions = {name: self.versions[definition]}
        return super().call(name, definition, *arguments, **more)


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    suite = Suite(toys.make_course(tmp_path_factory.mktemp("toy") / "[WS26] a::b"), "toy")      # pytest takes both for something else
    yield suite
    here = os.getcwd()
    suite.close()
    assert os.getcwd() == here


def right(z):
    return 2 * z


def wrong(z):
    return 3 * z


@pytest.mark.parametrize(("functions", "share", "judged"), [
    ([right, wrong, wrong], 1, {0, 1, 2}), ([right, wrong, wrong, wrong], 0, {1, 2, 3}), ([wrong, right], 1, {1}),
    ([wrong, right, wrong], 1, {1, 2}), ([wrong], 0, {0})], ids=["third newest", "fourth newest", "newest", "second newest", "one"])
def test_the_best_of_the_three_newest_definitions_counts_and_no_older_one_is_judged(functions, share, judged, suite):
    subject = Versions(functions)
    verdict = suite.judge(subject, ["double"])["double"]
    assert (verdict.fraction > 0.25, subject.judged, verdict.definitions) == (bool(share), judged, len(functions))


def test_of_definitions_that_earn_the_same_the_newest_is_told_about(suite):
    verdict = suite.judge(Versions([lambda z: "words", wrong]), ["double"])["double"]
    assert not [check.said for check in verdict.checks if "str" in check.said] and verdict.fraction == suite.judge(Versions([wrong]), ["double"])["double"].fraction


def half_right(z):
    return 2 * z if np.abs(z) < 10 else 3 * z


def test_a_worse_definition_of_before_takes_nothing_away(suite):
    verdict = suite.judge(Versions([wrong, half_right]), ["double"])["double"]
    assert verdict.fraction == 0.5, "small numbers and zero"


class Lost(Versions):
    """Its kernel ends at the call with this number, or before the first."""

    def __init__(self, at):
        super().__init__([right])
        self.at, self.calls, self.finished = at, 0, 0

    def begin(self):
        self.fail()

    def call(self, *arguments, **more):
        self.fail()
        return super().call(*arguments, **more)

    def fail(self):
        self.calls += 1
        if self.calls > self.at:
            raise Stopped("it ended")

    def finish(self):
        self.finished += 1


@pytest.mark.parametrize(("at", "said"), [(0, ["not run: it ended"] * 3), (1, ["it ended", *["not run: in an earlier check it ended"] * 2]),
                                          (2, ["", "it ended", "not run: in an earlier check it ended"])])
def test_checks_after_the_one_that_ended_the_kernel_are_not_run_and_say_why(at, said, suite):
    subject = Lost(at)
    verdict = suite.judge(subject, ["double"])["double"]
    assert [check.said for check in verdict.checks] == said and subject.finished == 1 and verdict.misconceptions == []
    assert [check.outcome for check in verdict.checks] == [
        PASSED if not one else NOT_RUN if one.startswith("not run") else FAILED for one in said]


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_an_answer_that_cannot_be_compared_fails_and_a_broken_check_is_no_fault_of_the_student(error, suite, monkeypatch):
    from grading.checks import student
    before = student.compare.difference

    def compared(got, *more, **named):
        if got == 3 * 1.5 or got == "everything":
            raise error
        return before(got, *more, **named)
    monkeypatch.setattr(student.compare, "difference", compared)
    small, *others = suite.judge(Versions([wrong]), ["double"])["double"].checks
    assert small.outcome == FAILED and small.said == "what came back is too large, or nested too deeply, to be compared"
    assert not [check.said for check in others if "too large, or" in check.said]
    monkeypatch.setattr(student.compare, "difference", lambda *arguments, **named: 1 / 0)
    with pytest.raises(SuiteError, match="are broken, not the submission: test_double_small and 2 more: ZeroDivisionError: division by zero$"):
        suite.judge(Versions([right]), ["double"])
    for less, due in ((1, "test_double_large and 1 more"), (2, "test_double_zero")):
        calls = iter(range(4))
        monkeypatch.setattr(student.compare, "difference", lambda *arguments, less=less, calls=calls, **named: 1 / 0 if next(calls) > less else None)
        with pytest.raises(SuiteError, match=f"not the submission: {due}: ZeroDivisionError"):
            suite.judge(Versions([right]), ["double"])
    monkeypatch.setattr(student.compare, "difference", compared)
    assert suite.judge(Versions([right]), ["double"])["double"].fraction == 1, "the session goes on"


def test_a_check_of_an_author_is_worth_one_and_everything_unless_it_says_otherwise():
    assert not hasattr(authors, "MarkDecorator")
    plain, core, most = (authors.check("relu", "is", hint="h", **more).mark.kwargs for more in ({}, {"core": True, "most": 0.5}, {"weight": 3, "most": 0.4}))
    assert plain == {"exercise": "relu", "title": "is", "hint": "h", "weight": 1, "core": False, "most": 1.0}
    assert (core["core"], core["most"], most["weight"], most["most"]) == (True, 0.0, 3, 0.4)
    with pytest.raises(TypeError):
        authors.check("relu", "is", "a hint that stands in no place of its own")


@pytest.mark.parametrize(("names", "more", "plain"), [
    (["student", "request"], {}, True), (["request", "student"], {}, False), (["student", "request", "tmp_path"], {}, False), (["student"], {}, False),
    (["tmp_path"], {}, False), (["student", "request"], {"cls": object}, False), (["student", "request"], {"callspec": None}, False)])
def test_a_check_is_called_as_it_is_where_it_asks_for_the_student_alone(names, more, plain):
    assert asks_for_nothing_more(SimpleNamespace(**{"fixturenames": names, "cls": None, **more})) is plain


OWN_WAY = '''
import pytest
from grading.checks import check

@pytest.fixture
def two():
    yield 2.0
    raise ZeroDivisionError("at the end")

@pytest.fixture
def none():
    1 / 0

@check("double", "is", hint="h", core=True)
@pytest.mark.parametrize("number", [1.5, 30.0])
def test_many(student, number):
    student.agrees((number,), rtol=1e-9)

@check("half", "is", hint="h", core=True)
def test_with(student, two):
    student.agrees((two,), rtol=1e-9)

@check("negative", "is", hint="h", core=True)
def test_without(student, none):
    pass
'''


def test_a_check_that_asks_for_more_than_the_student_is_run_in_pytests_way(tmp_path):
    suite = Suite(toys.make_course(tmp_path, OWN_WAY), "toy")
    verdict = suite.judge(LocalSubject({"double": half_right}), ["double"])["double"]
    assert [(check.name, check.outcome) for check in verdict.checks] == [("test_many[1.5]", PASSED), ("test_many[30.0]", FAILED)]
    assert verdict.checks[1].said and verdict.checks[1].wrong
    (failed,) = suite.judge(LocalSubject({"half": lambda z: z}), ["half"])["half"].checks
    assert failed.outcome == FAILED, "what the check found, and not what was wrong behind it"
    for name, said in (("half", "at the end"), ("negative", "division by zero")):
        with pytest.raises(SuiteError, match=f"test_with.*: ZeroDivisionError: {said}"):
            suite.judge(LocalSubject({"half": lambda z: z / 2, "negative": lambda z: -z}), [name])
    assert suite.thread.daemon, "nobody has to close it"
    suite.close()


@pytest.mark.parametrize(("text", "said"), [
    ("def test_it(student):\n    pass\n", "test_it is no check: mark it with @check"), ("", "There is no check in it."), ("1 / 0\n", "ZeroDivisionError"),
    ("from grading.checks import check\n\n@check('double', 'is', hint='h')\ndef test_it(student):\n    pass\n\ndef test_other():\n    pass\n", "test_other is no check")])
def test_a_file_of_which_not_everything_is_a_check_is_refused_with_the_reason(text, said, tmp_path):
    root = toys.make_course(tmp_path)
    (root / "tests" / "hidden" / "test_toy.py").write_text(text)
    threads = threading.active_count()
    with pytest.raises(SuiteError, match=f"(?s)could not be collected; run: pytest .*{said}"):
        Suite(root, "toy")
    assert threading.active_count() <= threads, "its session is over"


def test_what_is_no_error_of_a_check_is_raised_where_it_was_asked_for(suite, monkeypatch):
    class Broken(LocalSubject):
        def definitions(self, name):
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        suite.judge(Broken({}))
    assert suite.judge(LocalSubject({"double": right}), ["double"])["double"].fraction == 1, "the session goes on"


def test_mistakes_are_named_and_warnings_kept(suite):
    def half(z):
        np.float64(1e308) * np.float64(10.0)
        return 2.0 * z
    verdict = suite.judge(LocalSubject({"half": half}), ["half"])["half"]
    assert [mistake.name for mistake in verdict.misconceptions] == ["doubled instead"] and verdict.warnings == ["overflow"]
    assert suite.judge(LocalSubject({"half": lambda z: 0.5 * z}), ["half"])["half"].misconceptions == []


def test_one_more_call_asks_for_the_mistake_where_nothing_is_earned_and_none_is_known(suite, monkeypatch):
    def blank(z):
        raise NotImplementedError

    asked = []
    monkeypatch.setattr(AnswerKey, "probed", lambda self, exercise, ask: asked.append(ask((1.5,))))
    for subject, exercise, due in ((LocalSubject({"double": lambda z: "words"}), "double", ["words"]), (LocalSubject({"double": right}), "double", []),
                                   (LocalSubject({"double": blank}), "double", []), (LocalSubject({"half": lambda z: 2.0 * z}), "half", []),
                                   (Lost(0), "double", []), (Lost(1), "double", []), (LocalSubject({}), "double", [])):
        assert suite.judge(subject, [exercise])[exercise].misconceptions == [] or exercise == "half"
        assert asked == due
        asked.clear()
    for known, names in ((Mistake("swapped"), ["swapped"]), (None, [])):
        monkeypatch.setattr(AnswerKey, "probed", lambda self, exercise, ask, known=known: known)
        verdict = suite.judge(LocalSubject({"double": lambda z: "words"}), ["double"])["double"]
        assert [mistake.name for mistake in verdict.misconceptions] == names
        assert [check.core for check in verdict.checks if check.misconception] == [True] * len(names)
    for error in (Stopped("it ended"), MemoryError(), RecursionError()):
        monkeypatch.setattr(AnswerKey, "probed", lambda self, exercise, ask, error=error: (_ for _ in ()).throw(error))
        assert suite.judge(LocalSubject({"double": lambda z: "words"}), ["double"])["double"].fraction == 0


def test_an_older_definition_that_earns_less_does_not_count(suite):
    halves = [lambda z: "words", wrong]
    newest = suite.judge(Versions([wrong]), ["double"])["double"]
    best = suite.judge(Versions(halves), ["double"])["double"]
    assert [check.said for check in best.checks] == [check.said for check in newest.checks]
    best = suite.judge(Versions([lambda z: 1 / 0, lambda z: 2 * z if z > 0 else 0 * z]), ["double"])["double"]
    assert not [check.error for check in best.checks if check.error]


def test_a_bench_asks_for_the_newest_definition_and_for_checks_alone(tmp_path):
    bench, root = suites.Bench(), toys.make_course(tmp_path)
    bench.subject = LocalSubject({})
    mark = SimpleNamespace(kwargs={"exercise": "double"})
    item = SimpleNamespace(path=root / "tests" / "hidden" / "test_toy.py", name="test_it", get_closest_marker=lambda name: mark)
    assert bench.student(item).definition == -1 and bench.key is bench.keys["toy"]
    item.get_closest_marker = lambda name: None
    with pytest.raises(pytest.fail.Exception, match="test_it uses `student` but is no check"):
        bench.student(item)


def test_one_session_judges_functions_until_a_file_of_the_course_is_another(tmp_path, monkeypatch):
    made = []

    class Session:
        def __init__(self, root, notebook):
            self.open = True
            made.append(self)

        def judge(self, subject, exercises):
            assert self.open
            return sorted(exercises)

        def close(self):
            self.open = False
    monkeypatch.setattr(suites, "Suite", Session)
    monkeypatch.setattr(suites, "SUITES", {})
    root = toys.make_course(tmp_path)
    (root / "nbgrader_config.py").touch()
    for number, moment in enumerate((10**9, 2 * 10**9, 15 * 10**8)):     # an older file may come in the place of a newer one
        os.utime(root / "tests" / "hidden" / "test_toy.py", (moment, moment))
        for _ in range(2):
            assert suites.judge_functions("toy", {"double": right}, root) == ["double"]
            assert [one.open for one in made] == [False] * number + [True]


def test_only_the_exercises_that_are_asked_for_are_judged(suite):
    assert set(suite.judge(LocalSubject({}))) == suite.exercises == {"double", "half", "negative"} and set(suite.judge(LocalSubject({}), ["half"])) == {"half"}


def test_a_function_that_is_not_there_loses_every_check_and_is_named(suite):
    verdict = suite.judge(LocalSubject({}), ["double"])["double"]
    assert {check.outcome for check in verdict.checks} == {FAILED} and verdict.fraction == 0 and verdict.definitions == 0
    assert {check.said for check in verdict.checks} == {"The notebook defines no function called double."}


class Error:
    type = "".join(["Not", "ImplementedError"])     # the same word, another object than the one that is compared with


def checks(*errors, outcome=FAILED):
    return [CheckResult(f"test_{n}", "does it", "try", 1, False, outcome, error=error) for n, error in enumerate(errors)]


class Other(Error):
    type = "A"          # before it in the order of words


class Later(Error):
    type = "Z"          # and behind it


@pytest.mark.parametrize(("errors", "blank"), [((Error, Error), True), ((Error, None), False), ((Error, Other), False),
                                               ((Error, Later), False), ((), False)])
def test_blank_is_what_raises_not_implemented_in_every_check(errors, blank):
    assert Verdict("relu", checks(*errors)).blank is blank
    assert Verdict("relu", checks(*errors)).record(2.0).blank is blank


class Mistake:
    def __init__(self, name):
        self.name = name


def test_the_record_keeps_weights_names_of_mistakes_and_points_to_a_cent():
    made = [CheckResult("a", "is a", "", 5, True, PASSED), CheckResult("b", "is b", "", 2, False, FAILED, misconception=Mistake("swapped")),
            CheckResult("c", "is c", "", 1, False, FAILED, misconception=Mistake("swapped"))]
    verdict = Verdict("relu", made, ["divide"])
    assert verdict.record(1.0) == VerdictRecord(0.62, 1.0, (
        CheckRecord("a", "is a", 5, True, Outcome.PASSED), CheckRecord("b", "is b", 2, False, Outcome.FAILED, "swapped"),
        CheckRecord("c", "is c", 1, False, Outcome.FAILED, "swapped")), ("divide",), 1, False)
    assert [mistake.name for mistake in verdict.misconceptions] == ["swapped"]


def test_an_outcome_between_the_others_in_the_order_of_words_has_not_passed():
    for outcome in Outcome:
        one = [CheckResult("a", "is a", "", 1, False, outcome), CheckResult("b", "is b", "", 1, False, PASSED)]
        assert Verdict("relu", one).fraction == (1 if outcome == PASSED else 0.5), outcome
        assert Verdict("relu", [CheckResult("a", "is a", "", 1, True, outcome)]).core_failed is (outcome != PASSED)
    assert OUR_ERROR in Outcome


def test_a_weight_is_read_as_it_was_written():
    nb = new_notebook()
    record = Record({"version": "1"}, {}, {"relu": VerdictRecord(1.0, 2.0, (CheckRecord("a", "is a", 7, False, Outcome.PASSED),))})
    record.write(nb)
    assert Record.read(nb).verdicts["relu"].checks[0].weight == 7
    del nb.metadata["grading"]["verdicts"]["relu"]["checks"][0]["weight"]       # of a version that wrote none
    assert Record.read(nb).verdicts["relu"].checks[0].weight == 1


# --- notebooks ----------------------------------------------------------------------------------------------------

def put(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": "x = 1"}]}))


def test_files_eight_folders_deep_are_taken_and_deeper_ones_are_not(tmp_path):
    put(tmp_path, "nb.ipynb")
    for deep in range(7, 11):
        put(tmp_path, "/".join("d" * deep) + f"/{deep}.txt")
    assert sorted(name.rpartition("/")[2] for name, _ in look_through(tmp_path, {"nb": {}}, (), ()).files) == ["7.txt", "8.txt"]


def test_200_outputs_of_a_cell_are_kept_and_the_rest_is_said():
    one = {"output_type": "stream", "name": "stdout", "text": "x"}
    assert [out.text for out in clean([one] * 200)] == ["x"] * 200
    assert [out.text for out in clean([one] * 201)] == ["x"] * 200 + ["... Output truncated ...\n"]


def test_an_id_of_a_cell_has_64_characters_at_most():
    nb = new_notebook(cells=[new_code_cell("1", metadata={"nbgrader": {"grade_id": "a" * size}}) for size in (63, 64, 65)])
    mend.renew_ids(nb)
    assert [len(cell.id) for cell in nb.cells] == [63, 64, 64]
    nb.cells.insert(1, new_code_cell("a cell without a name"))
    mend.renew_ids(nb)
    assert nb.cells[1].id == "cell-2"


# --- pages and tools ----------------------------------------------------------------------------------------------

def test_a_formula_of_5000_characters_is_translated_and_a_longer_one_is_not():
    assert mathml("x" + " " * 4999).startswith("<math")
    with pytest.raises(NotTranslated):
        mathml("x" + " " * 5000)


def test_60_groups_in_each_other_are_translated_and_61_are_not():
    assert mathml("{" * 60 + "x" + "}" * 60).startswith("<math")
    with pytest.raises(NotTranslated):
        mathml("{" * 61 + "x" + "}" * 61)


@pytest.mark.parametrize(("seconds", "points"), [(1, None), (15 * 60, None), (15 * 60 + 1, 1.0), (86400, 1.0), (86401, 2.0),
                                                 (5 * 86400, 5.0), (6 * 86400, 5.0)])
def test_a_late_submission_loses_its_days_and_never_more_than_the_most(seconds, points):
    policy = LatePolicy(percent_per_day=10.0, grace_minutes=15.0, most_percent=50.0)
    assert policy.late_submission_penalty("student-01", 10.0, seconds) == points


def test_a_policy_that_says_nothing_takes_nothing_off_and_has_no_grace():
    policy = LatePolicy()
    assert (policy.percent_per_day, policy.grace_minutes, policy.most_percent) == (0, 0, 100)
    assert LatePolicy(config=Config(LatePolicy={"percent_per_day": 5.0, "grace_minutes": 3.0, "most_percent": 20.0})).trait_values(config=True).items() >= {
        "percent_per_day": 5.0, "grace_minutes": 3.0, "most_percent": 20.0}.items()


@pytest.mark.parametrize(("name", "least", "most"), [("percent_per_day", 0, 100), ("grace_minutes", 0, None), ("most_percent", 0, 100)])
def test_a_share_of_the_score_lies_between_0_and_100_percent(name, least, most):
    for value in (least, most if most is not None else 10**6):
        assert getattr(LatePolicy(**{name: value}), name) == value
    for value in (least - 0.5, *([most + 0.5] if most else [])):
        with pytest.raises(TraitError):
            LatePolicy(**{name: value})


def test_a_penalty_is_a_number_of_cents():
    policy = LatePolicy(percent_per_day=10.0, grace_minutes=0.0, most_percent=100.0)
    assert policy.late_submission_penalty("student-01", 3.333, 1) == 0.33


def lost(points, failed):
    return VerdictRecord(5 - points, 5, tuple(CheckRecord(f"c{n}", "is", 1, False, Outcome.FAILED) for n in range(failed)))


@pytest.mark.parametrize(("verdicts", "place"), [
    ({"a": lost(4, 4), "b": lost(3, 1), "c": lost(1, 1)}, "b"), ({"a": lost(1, 2), "b": lost(1, 1)}, "b"),
    ({"a": lost(5, 1), "b": lost(4, 1)}, "a")])
def test_the_first_step_is_where_most_points_are_to_be_won_for_each_check(verdicts, place):
    rows = [Row(name, verdict.points, 5, "", verdict) for name, verdict in verdicts.items()]
    assert f"A good place to go on is “{place}”:" in first_step(rows)


def test_files_of_a_zip_can_be_written_by_who_unpacks_them_and_read_by_all(tmp_path):
    folder = tmp_path / "week-01"
    folder.mkdir()
    (folder / "toy.ipynb").write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    publish.write_zip(folder, tmp_path / "week-01.zip")
    with zipfile.ZipFile(tmp_path / "week-01.zip") as archive:
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}


def code(student, text):
    return similar.Code(student, {"exercise": "..."}, {"exercise": text})


@pytest.mark.parametrize(("changed", "same"), [(0, True), (2, True), (3, False)])
def test_two_answers_are_the_same_from_98_percent_on(changed, same):
    words = [f"w{n}" for n in range(100)]
    other = [f"v{n}" if n < changed else word for n, word in enumerate(words)]
    (pair,) = similar.pairs([code("one", words), code("two", other)])
    assert pair.similarity == 1 - changed / 100 and pair.only_theirs == (["exercise"] if same else [])
    (_, _, _, others), = [row for one in similar.pairs([code("one", words), code("two", other), code("three", words)])
                          if {one.first.student, one.second.student} == {"one", "three"} for row in one.parts]
    assert others == int(same)
