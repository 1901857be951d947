"""The table that a student reads: everything it says is true, and nothing it shows was hidden."""

import math
import random
import re
from dataclasses import FrozenInstanceError
from html.parser import HTMLParser

import pytest

from grading.checks.bank import Misconception
from grading.checks.verdict import FAILED, NOT_RUN, PASSED, RAISED, CheckResult, Verdict
from grading.checks.gate import BITS, MESSAGES, Gate, fits, type_words
from grading.checks.table import as_html, as_text, failures, filled, mark, notes, rows, summary, worths
from grading.border.subject import StudentError

SOURCES = {3: ("relu", "def relu(z):\n    return np.maximum(z)   # <b>&")}
KNOWN = Misconception("relu", "one at zero", "z >= 0 stands where z > 0 is due.", 0.5, None)


def check(outcome=PASSED, core=False, said="", title="keeps its shape", **more):
    return CheckResult("test_relu_x", title, "Try an example by hand.", 1, core, outcome, said, **more)


def tables(*checks, sources=SOURCES, note="", **more):
    """Both tables of a verdict, which must say the same."""
    verdict = Verdict("relu", list(checks), **more)
    arguments = verdict, 2 * verdict.fraction, 2, Gate(sources), note
    return as_text(*arguments), as_html(*arguments)


def flat(text):
    """Without the line breaks that 80 columns ask for."""
    return " ".join(text.split())


class Words(HTMLParser):
    """The text of a page and its tags."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", set()
        self.feed(html)
        self.close()

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.text += " " if tag in ("td", "br") else ""


# --- what is said -----------------------------------------------------------------------------------------------

def test_points_outcomes_titles_and_hints_stand_in_both_tables():
    for table in map(str, tables(check(core=True), check(FAILED, said="2 of 3 values are off", title="accepts a list"))):
        words = Words(table).text
        for part in ("relu: 1 of 2 points.", "1 of 2 checks passed", "passed", "keeps its shape", "failed", "accepts a list",
                     "2 of 3 values are off", "Hint: Try an example by hand."):
            assert part in words, part


def test_a_known_mistake_is_named_once_and_takes_the_place_of_the_hint():
    text = flat(tables(check(core=True), check(FAILED, said="off", misconception=KNOWN),
                       check(FAILED, said="also off", misconception=KNOWN))[0])
    assert text.count("one at zero: z >= 0 stands where z > 0 is due.") == 1
    assert "Hint:" not in text


@pytest.mark.parametrize("checks", [[check(FAILED)], [check(NOT_RUN)], [check(), check(NOT_RUN)], [check(), check(FAILED)],
                                    [check(FAILED, core=True), check()], [check(NOT_RUN, core=True), check(), check()]], ids=str)
def test_the_table_never_says_all_passed_when_something_did_not(checks):
    for table in tables(*checks):
        assert "All" not in table and "Well done" not in table


def test_the_table_says_all_passed_when_all_did():
    assert "All 2 checks passed" in tables(check(), check(core=True))[0]


def test_what_could_not_be_run_is_counted_apart_and_the_reason_given():
    text, _ = tables(check(FAILED, core=True, said="it ran longer than 2 seconds"), check(NOT_RUN, said="not run: it was late"))
    text = flat(text)
    assert "0 of 2 checks passed; 1 could not be run" in text and "– not run" in text and "not run: it was late" in text


def test_a_failed_core_check_explains_why_passed_checks_earn_nothing():
    text, html = tables(check(FAILED, core=True), check())
    assert "relu: 0 of 2 points" in text
    assert "count once every core check (marked *) passes" in flat(text) and "keeps its shape *" in Words(html).text


def test_a_failed_check_that_caps_says_how_much_can_be_earned():
    text, html = tables(check(core=True), check(), check(FAILED, title="works for zero steps", most=0.4))
    assert "earns at most 40% until every check marked + passes: 0.8 points" in flat(text)
    assert "+ not yet: works for zero steps" in text and "works for zero steps +" in Words(html).text


def test_the_points_of_the_checks_sum_up_to_those_of_the_exercise():
    for count in range(1, 8):
        checks = [check(core=True), *[check() for _ in range(count)], check(FAILED), check(FAILED)]
        for table in tables(*checks):
            words = flat(Words(table).text)
            won, lost = re.findall(r"\+(\d[\d.]*)", words), re.findall(r"\b0 of (\d?\.?\d+)(?! points)", words)
            assert round(sum(map(float, won)), 2) == float(re.search("relu: ([0-9.]+) of 2", words)[1])
            assert (len(won), len(lost)) == (count + 1, 2) and round(sum(map(float, won + lost)), 2) == 2


def test_a_check_adds_by_its_weight_and_nothing_while_a_core_check_fails():
    heavy = CheckResult("test_relu_y", "is quick", "Be quick.", 3, False, PASSED)
    assert re.search(r"passed +\+1.5 +is quick", tables(check(core=True), heavy)[0])
    assert re.search(r"passed +0 of 1.5 +is quick", tables(check(FAILED, core=True), heavy)[0])


def test_check_after_check_the_points_are_what_cents_leave():
    thirds = [check(), check(FAILED), check()]
    assert worths(Verdict("relu", thirds), 1) == ["+0.33", "0 of 0.33", "+0.34"] and worths(Verdict("relu", []), 1) == []
    assert worths(Verdict("relu", [check(core=True, outcome=FAILED), *thirds]), 1) == ["0 of 0.25"] * 4


def test_the_checks_that_did_not_pass_are_read_out_of_a_table_again():
    html = tables(check(core=True), check(FAILED, core=True, title="is <b> & c", said="2 of 3 are $off$", most=0.4), check(NOT_RUN, title="is late", said="not run"))[1]
    assert failures(html) == [("is <b> & c", ["2 of 3 are $off$", "Hint: Try an example by hand."]), ("is late", ["not run"])]


def test_the_same_trouble_is_named_by_the_number_of_the_check_that_said_it():
    lines = [row.lines for row in rows(Verdict("relu", [check(core=True), check(FAILED, said="off"), check(FAILED, said="off"), check(NOT_RUN, said="late")]),
                                       2, Gate(SOURCES))]
    assert lines == [(), ("off", "Hint: Try an example by hand."), ("the same as at check 2",), ("late",)]


def test_a_mark_tells_core_checks_and_those_that_cap():
    assert [mark(check(core=True, most=0.5)), mark(check(most=0.99)), mark(check(most=1.0))] == ["*", "+", ""]


def test_a_summary_says_what_can_be_earned_and_never_for_nothing():
    capped = [check(), check(FAILED, most=0.5), check(FAILED, most=0.25)]
    assert summary(Verdict("relu", capped), 3) == (
        "1 of 3 checks passed; the core of it is right; it earns at most 25% until every check marked + passes: 0.75 points.")
    assert summary(Verdict("relu", capped)).endswith("marked + passes.") and summary(Verdict("relu", [check(FAILED)]), 3) == "0 of 1 checks passed."
    for first in (check(), check(most=0.5)):
        assert summary(Verdict("relu", [first, check(FAILED)]), 3) == "1 of 2 checks passed; the core of it is right."


def test_a_failed_check_is_not_told_as_a_fact():
    for table in tables(check(core=True), check(FAILED, title="accepts a list")):
        assert re.search(r"failed\W+0 of 1\W+not yet: accepts a list", Words(table).text)


def test_one_cause_is_said_once_and_a_missing_return_gets_no_hint():
    found = "the result is None (is a `return` missing?) where numbers are due"
    for table in tables(check(FAILED, core=True, said=found), *[check(FAILED, said=found) for _ in range(5)]):
        assert flat(Words(table).text).count("None") == 1 and "Hint" not in table
    error = StudentError("NameError", "name 'npp' is not defined", cell=3, line=2)
    for table in tables(*[check(FAILED, core=core, said=RAISED, error=error) for core in (True, False, False)]):
        assert table.count("NameError") == 1 and "Hint" not in table and RAISED not in table


def test_the_hint_of_a_single_check_stays_where_its_call_raises_an_error():
    error = StudentError("TypeError", "'list' object is no array", cell=3, line=2)
    for table in (*tables(check(core=True), check(FAILED, said=RAISED, error=error)), *tables(check(FAILED, said=RAISED, error=error))):
        assert "TypeError" in table and "Hint: Try an example by hand." in flat(table)


def test_while_a_core_check_fails_only_its_hint_is_given():
    def hinted(name, core=False):
        return CheckResult(name, f"holds {name}", f"Look at {name}.", 1, core, FAILED, f"{name} is off")
    for table in tables(hinted("one"), hinted("two", core=True), hinted("three", core=True), hinted("four")):
        assert re.findall(r"Hint: (.*?\.)", table) == ["Look at two."]
    for table in tables(check(core=True), hinted("one"), hinted("two")):
        assert re.findall(r"Hint: (.*?\.)", table) == ["Look at one.", "Look at two."]


def test_an_exercise_that_was_not_handed_in_is_told_in_one_line():
    error = StudentError("NotImplementedError", "Write your answer here.", cell=3, line=2)
    text, html = tables(*[check(FAILED, core=not n, said=RAISED, error=error) for n in range(6)])
    assert text.startswith("relu: 0 of 2 points. Not handed in: ") and text.count("NotImplementedError") == 1
    assert len(text.splitlines()) <= 2 and flat(Words(html).text) == flat(text) and "<table" not in html


def test_an_answer_that_raises_it_for_some_arguments_was_handed_in():
    error = StudentError("NotImplementedError", "lists", cell=3, line=2)
    text, _ = tables(check(core=True), check(FAILED, said=RAISED, error=error))
    assert "Not handed in" not in text and "1 of 2 checks passed" in text


def test_html_and_text_say_the_same_words():
    text, html = tables(check(core=True), check(FAILED, said="2 of 3 values are off"), check(NOT_RUN, said="not run: it was late"),
                        warnings=["overflow"], note="The cell was missing.")
    shown = set(flat(Words(html.replace("<", " <")).text).split())
    assert set(text.split()) <= shown and shown - set(text.split()) <= {"Result", "Points", "Check:", "relu", "…"}


def test_the_plain_text_fits_80_columns():
    error = StudentError("ValueError", "operands could not be broadcast together " * 4, cell=3, line=2)
    text, _ = tables(check(core=True, title="gives the right values " * 6), check(FAILED, said=RAISED, error=error),
                     check(FAILED, said="2 of 3 values are off " * 9), warnings=["overflow"] * 20, note="Mended. " * 20)
    assert max(map(len, text.splitlines())) <= 80


def test_a_line_of_80_columns_is_one_and_what_goes_on_stands_below_its_title():
    assert [len(filled("x" * 40 + " " + "y" * rest)) for rest in (39, 40)] == [1, 2] and filled("x " + "one-two " * 12)[0].endswith("one-two")
    text, _ = tables(check(core=True), check(FAILED, said="2 of 3 values are off " * 4, title="gives the right values " * 4, most=0.5),
                     check(NOT_RUN, said="late"))
    assert text.splitlines()[2:] == [
        "  ✓ passed     +0.67 * keeps its shape", "  ✗ failed 0 of 0.66 + not yet: gives the right values gives the right values",
        " " * 24 + "gives the right values gives the right values",
        "      2 of 3 values are off 2 of 3 values are off 2 of 3 values are off 2 of 3", "      values are off", "      Hint: Try an example by hand.",
        "  – not run 0 of 0.67   keeps its shape", "      late"]


def errors(*kinds, said=RAISED):
    return [check(FAILED, said=said, error=StudentError(kind, "k")) for kind in kinds]


def told(*checks, **more):
    return [row.lines for row in rows(Verdict("relu", list(checks), **more), 2, Gate(SOURCES))]


HINT = "Hint: Try an example by hand."


def test_where_one_error_stands_behind_all_that_failed_no_hint_is_given():
    assert told(*errors("KeyError", "KeyError")) == [("KeyError",), ()] == told(*errors("KeyError", "KeyError"), check(NOT_RUN, said=""))[:2]
    assert told(*errors("KeyError", "KeyError"), check(NOT_RUN, said="late")) == [("KeyError",), (), ("late",)]
    assert told(*errors("KeyError", "TypeError", "KeyError")) == [("KeyError", HINT), ("TypeError",), ("the same as at check 1",)]
    assert told(*errors("KeyError", "KeyError"), check()) == [("KeyError", HINT), ("the same as at check 1",), ()]


def test_what_was_said_before_is_named_by_its_check_and_what_is_new_is_said():
    for word in ("another kind of error", "zero is no reason to raise it"):       # before and behind in the order of words
        first, second, _ = told(*errors("KeyError", "TypeError", said=word), check())
        assert first == (word, "KeyError", HINT) and second == ("the same as at check 1", "TypeError")
    assert told(*errors("KeyError", said="".join(list(RAISED))), check()) == [("KeyError", HINT), ()]
    assert told(check(NOT_RUN, said="late"), check(NOT_RUN, said="late"), check()) == [("late",), (), ()], "what was not run is the same as nothing"


def test_the_hint_of_a_failed_check_is_given_where_a_core_check_could_not_be_run():
    assert told(check(NOT_RUN, core=True, said="late"), check(FAILED, said="off"), check(FAILED, said="far off")) == [
        ("late",), ("off", HINT), ("far off",)]


def test_cents_are_rounded_once():
    assert worths(Verdict("relu", [check() for _ in range(8)]), 1) == ["+0.12", "+0.13", "+0.13", "+0.12", "+0.12", "+0.13", "+0.13", "+0.12"]
    assert worths(Verdict("relu", [CheckResult("a", "is", "try", 0, False, PASSED)]), 1) == ["+0"]


def test_where_an_exercise_was_judged_and_how_often_it_stands_there_is_told():
    assert [notes(Verdict("relu", place=place, definitions=count), "", False) for place, count in (("", 0), ("", 1), ("At its place.", 1))] == [
        [], [], ["At its place."]]
    assert notes(Verdict("relu", definitions=2), "", False) == ["The notebook defines relu 2 times; the best definition counts."]


def test_where_a_student_hands_in_again_and_again_no_value_and_no_warning_is_told():
    verdict = Verdict("relu", [check(FAILED, said="off"), check(FAILED, said=RAISED, error=StudentError("KeyError", "k"))], warnings=["overflow"])
    for terse, shown in ((False, True), (True, False)):
        text = as_text(verdict, 0, 2, Gate(SOURCES, terse=terse))
        assert [part in text for part in ("off", "overflow", "KeyError")] == [shown, shown, True]
    lost = Verdict("relu", [check(FAILED, said="The notebook defines no function.")], definitions=0)
    assert "defines no function" in as_text(lost, 0, 2, Gate(SOURCES, terse=True))


def test_a_row_stays_what_it_was_made():
    (row,) = rows(Verdict("relu", [check()]), 2, Gate(SOURCES))
    with pytest.raises(FrozenInstanceError):
        row.worth = "+3"


def test_warnings_definitions_and_mended_cells_are_told():
    for table in tables(check(), warnings=["overflow"], definitions=3, note="The cell was missing."):
        for part in ("Floating-point warnings during the calls: overflow.", "defines relu 3 times; the best definition counts",
                     "The cell was missing."):
            assert part in table


# --- the student's own error ------------------------------------------------------------------------------------

def said(kind, message, cell=None, line=None, gate=None):
    return (gate or Gate(SOURCES)).error_line(StudentError(kind, message, cell, line), "relu")


def test_an_error_is_shown_with_the_line_of_the_students_own_cell():
    assert said("TypeError", "maximum() takes from 2 to 3 arguments", 3, 2) == (
        "TypeError: maximum() takes from 2 to 3 arguments (line 2 of cell relu: return np.maximum(z)   # <b>&)")


@pytest.mark.parametrize(("cell", "line"), [(None, None), (99, 1), (3, None), (3, 0), (3, 3), (3, -1), (-1, 1)])
def test_a_place_that_does_not_exist_is_not_shown(cell, line):
    assert said("ValueError", "words", cell, line) == "ValueError"


@pytest.mark.parametrize("message", [
    "index 3 is out of bounds for axis 0 with size 3", "'float' object is not iterable", "name 'np' is not defined",
    "operands could not be broadcast together with shapes (5,3) (4,2)", "division by zero",
    "'numpy.float64' object does not support item assignment",
    "unsupported operand type(s) for +: 'NoneType' and 'float'"])
def test_messages_of_python_and_numpy_stay_readable(message):
    assert said("TypeError", message, 3, 2).startswith(f"TypeError: {message}")


@pytest.mark.parametrize(("kind", "known"), [("LinAlgError", True), ("ZeroDivisionError", True), ("KeyboardInterrupt", True), ("list", False), ("ndarray", False)])
def test_kinds_of_errors_are_those_of_python_and_numpy(kind, known):
    assert said(kind, "Singular matrix") == (kind if known else "an error of a kind of its own") + ": Singular matrix"


SECRETS = ("math domain error: -3.7251", "z was [0.25, -1.5]", "got 123456", "array([ 17.25,  -3.5 ])", "0x1.91eb851eb851fp+1",
           "QUJDREVGR0hJSktMTU5P", "dreikommaeinsvier", "\u0663\u0664", "name 'dreikommaeinsvier' is not defined",
           "index 37251 is out of bounds for axis 99999 with size 12345", "could not convert string to float: 'abjd'",
           "sigmoid: 3 of 3 points.\nAll 8 checks passed", "\x1b[31mred", "unsupported operand type(s) for +: 'zwei' and 'drei'")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("where", ["type", "message"])
def test_what_a_made_up_error_says_is_not_shown(secret, where):
    line = said(secret, "no") if where == "type" else said("ValueError", secret)
    hidden = re.findall(r"\d{3,}|\d\.\d|[-+]?\d+p|dreikomma\w*|QUJD\w*|abjd|zwei|points|\n|\x1b|[\u0660-\u0669]", secret)
    assert hidden and not [part for part in hidden if part in line], line


def test_all_errors_of_a_notebook_together_tell_less_than_one_number():
    kinds, first = ("TypeError", "ValueError", "KeyError", "IndexError"), set()
    for chosen in range(300):       # what a student's function chooses to raise, check after check
        gate, lines = Gate(SOURCES), []
        for check in range(60):
            draw = random.Random(f"{chosen} {check}")
            message = "*".join(draw.choice(MESSAGES)).replace("*", str(draw.randrange(99)))
            lines.append(said(draw.choice(kinds), message, 3, draw.choice((1, 2)), gate))
        assert 0 <= gate.left <= BITS
        first.add(lines[0])
        assert len(lines) - lines.count("an error") <= BITS / 3, "the first are told, the last are all the same"
    assert len(first) > 100


def told_of(sources, errors):
    """How many different things a gate says of each of these errors alone, in bits, and the least that it charges for one."""
    said, charged = set(), []
    for error in errors:
        gate = Gate(sources)
        said.add(gate.error_line(error, "relu"))
        charged.append(BITS - gate.left)
    return math.log2(len(said)), min(charged)


@pytest.mark.parametrize("end", ["\f", "\x85", "\r", "\n"])
def test_a_place_costs_what_its_lines_could_tell_whatever_ends_them(end):
    """Lines were counted by one sign and looked up by all: for a bit, one of thousands was told."""
    source = end.join(f"a{number}" for number in range(2500))
    told, charged = told_of({3: ("relu", source)}, [StudentError("ValueError", "words", 3, number) for number in range(1, 2500)])
    assert told <= charged and (told > 8) == (end in "\r\n")


def test_a_name_costs_what_the_names_of_its_line_could_tell():
    """Five bits were charged for a name of the student's own line, however many stood in it."""
    source = "# " + " ".join(f"a{number}" for number in range(5000))
    told, charged = told_of({3: ("relu", source)}, [StudentError("NameError", f"name 'a{number}' is not defined", 3, 1) for number in range(500)])
    assert told > 8 and charged > math.log2(5000) + math.log2(len(MESSAGES))


def test_a_name_is_not_shown_where_its_line_cannot_be_told():
    gate = Gate({3: ("relu", "\n".join(f"# a{number}" for number in range(2**20)))}, bits=25)
    assert gate.error_line(StudentError("NameError", "name 'a7' is not defined", 3, 8), "relu") == "NameError: name … is not defined"


def test_the_same_error_costs_little_so_that_a_class_of_honest_faults_is_told():
    gate = Gate({number: (f"f{number}", "def f(z):\n    raise NotImplementedError") for number in range(7)})
    for number in range(7):
        line = gate.error_line(StudentError("NotImplementedError", "Write your answer here.", number, 2), f"f{number}")
        assert line == f"NotImplementedError: Write your answer here. (line 2 of cell f{number}: raise NotImplementedError)"


def test_a_long_message_is_recognised_in_one_pass():
    steps = []

    class Counted(str):
        def find(self, *arguments):
            steps.append(1)
            return super().find(*arguments)
    assert not any(fits(Counted("takes " * 10_000), parts) for parts in MESSAGES)
    assert len(steps) < 3 * len(MESSAGES)


@pytest.mark.parametrize(("kind", "words"), [
    ("function", "an object of type function"), ("array of dtype object", "an array of dtype object"),
    ("array of dtype <U17", "an array of strings"), ("int too large for a float", "an int too large for a float"),
    ("A37251", "an object of a type of its own"), ("array of dtype [('x37251', '<f8')]", "an array of another dtype"),
    ("array of dtype 37251", "an array of another dtype"), ("a\nb", "an object of a type of its own"),
    ("KeyError", "an object of a type of its own"), ("LinAlgError", "an object of a type of its own"), ("map", "an object of type map"),
    ("my array of dtype object", "an object of a type of its own"), ("", "an object of a type of its own")])
def test_what_is_no_plain_data_is_called_by_a_known_name_or_by_none(kind, words):
    assert type_words(kind) == words


# --- what each word may cost: names and numbers could be chosen by what they tell ---------------------------------

def cost(kind, message, cell=None, line=None, gate=None):
    gate = gate or Gate(SOURCES)
    before = gate.left
    said(kind, message, cell, line, gate)
    return round(before - gate.left - math.log2(len(MESSAGES)), 6)


@pytest.mark.parametrize(("kind", "message", "bits"), [
    ("TypeError", "no message that is known", 4), ("OSError", "words", 8), ("ZeroDivisionError", "division by zero", 8), ("Strange", "words", 8),
    ("IndexError", "index 3 is out of bounds for axis 0 with size 12", 4 + 3 * 8), ("IndexError", "index 123 is out of bounds for axis 0 with size 1x", 4 + 1 + 8 + 1),
    ("TypeError", "'float' object is not iterable", 4 + 8), ("TypeError", "'numpy.float64' object is not iterable", 4 + 8),
    ("TypeError", "'strange' object is not iterable", 4 + 1), ("TypeError", "can only concatenate list (not \"int\") to list", 4 + 8 + 1 + 8 + 1 + 8),
    ("TypeError", "unsupported operand type(s) for **: 'NoneType' and 'float'", 4 + 6 + 8 + 8),
    ("ValueError", "operands could not be broadcast together with shapes (5,3) (4,)", 4 + 17 + 1 + 17),
    ("ValueError", "operands could not be broadcast together with shapes ()", 4 + 9)])
def test_what_a_word_and_a_number_cost(kind, message, bits):
    assert cost(kind, message) == bits


def test_a_place_costs_the_lines_that_it_is_one_of_and_a_name_of_that_line_five():
    sources = {3: ("relu", "def relu(z):\n    return npx"), 4: ("helper", "a\nb\nc"), 5: (None, "d\ne\nf")}
    assert cost("NameError", "name 'npx' is not defined", 3, 2, Gate(sources)) == 4 + 5 + 1 + 1
    assert cost("NameError", "name 'npy' is not defined", 3, 2, Gate(sources)) == 4 + 1 + 1 + 1
    assert cost("NameError", "words", 3, 1, Gate({3: ("relu", "def relu(z): pass")})) == 4 + 1 + 0
    assert cost("NameError", "name 'a7' is not defined", 3, 1, Gate({3: ("relu", "".join(f"a{n} " for n in range(64)))})) == 4 + 2 + 6 + 1
    assert cost("NameError", "words", 4, 1, Gate({3: ("relu", "a\nb"), 4: ("tail", "c\nd")})) == 4 + 1 + 2
    assert said("NameError", "words", 4, 3, Gate(sources)).endswith(" (line 3 of cell helper: c)")
    assert cost("NameError", "words", 4, 3, Gate(sources)) == 4 + 1 + 3 and cost("NameError", "words", 5, 3, Gate(sources)) == 4


def test_what_was_said_costs_nothing_again_and_its_kind_three():
    gate = Gate(SOURCES)
    assert cost("IndexError", "index 3 is out of bounds for axis 0 with size 1", gate=gate) == 28
    left = gate.left
    said("IndexError", "index 3 is out of bounds for axis 0 with size 1", gate=gate)
    assert gate.left == left
    assert said("IndexError", "index 4 is out of bounds for axis 0 with size 1", gate=gate) == "IndexError: index 4 is out of bounds for axis … with size …"
    assert left - gate.left == 3 + 8 and BITS == 52 and Gate(SOURCES).left == 52


@pytest.mark.parametrize(("index", "shown"), [("3", "3"), ("\u0663", "…"), ("1\n2", "1…2"), ("1\r\u0663\n2", "1…2")])
def test_another_alphabets_digits_are_no_number_and_the_end_of_a_line_is_not_passed_over(index, shown):
    assert said("IndexError", f"index {index} is out of bounds for axis 0 with size 3") == f"IndexError: index {shown} is out of bounds for axis 0 with size 3"


def test_what_costs_all_that_is_left_is_told_and_what_costs_more_is_not():
    kind = 4 + math.log2(len(MESSAGES))
    for bits, words in ((kind, "KeyError"), (kind - 0.01, "an error")):
        gate = Gate(SOURCES, bits)
        assert said("KeyError", "words", gate=gate) == words
    gate = Gate(SOURCES, kind + 8)
    assert said("TypeError", "'float' object is not iterable", gate=gate) == "TypeError: 'float' object is not iterable" and round(gate.left, 9) == 0
    assert said("TypeError", "'float' object is not iterable", gate=Gate(SOURCES, kind + 7)) == "TypeError: … object is not iterable"
    for bits, place in ((1.99, ""), (2.01, " (line 2 of cell relu: return np.maximum(z)   # <b>&)")):
        assert said("TypeError", "'float' object is not iterable", 3, 2, Gate(SOURCES, kind + bits)) == "TypeError: … object is not iterable" + place


@pytest.mark.parametrize(("message", "parts", "due"), [
    ("a b c", ["a b", "b c"], False), ("a bb c", ["a b", "b c"], True), ("a b", ["a b"], True), ("a b ", ["a b"], False), ("xa", ["a", ""], False),
    ("ax", ["a", ""], True), ("a.b.c", ["a", "b", "c"], True), ("a.c.b", ["a", "b", "c"], False), ("aba", ["a", "b", "ba"], False), ("b c", ["", "b", ""], True)])
def test_a_message_is_its_parts_with_anything_between_and_nothing_twice(message, parts, due):
    assert fits(message, parts) is due


# --- HTML -------------------------------------------------------------------------------------------------------

def test_text_of_the_students_is_escaped():
    error = StudentError("</td><script>", "<img src=x onerror=alert(1)> & more", cell=3, line=2)
    text, html = tables(check(FAILED, error=error), note="<i>note</i>")
    page = Words(html)
    assert page.tags <= {"table", "caption", "b", "thead", "tbody", "tr", "th", "td", "br", "small", "p"}
    assert "onerror" not in page.text and "# <b>&" in page.text and "<i>note</i>" in page.text


def test_a_table_loads_nothing_from_elsewhere():
    html = tables(check(), check(FAILED, said="off"))[1]
    assert not re.search(r"https?:|url\(|<script|<link|<img|onload|class=", html)


def test_headers_of_columns_are_marked_for_screen_readers():
    assert tables(check())[1].count('<th scope="col"') == 3
