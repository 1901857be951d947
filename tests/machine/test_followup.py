"""`course followup`: every kind of question has its rule and a right answer, found here a second time in another way.

The sheets' answers come of a trace in the sandbox. Here the code is rewritten, so that it says itself what its lines did, and is run in this
process: it is the course's own. `--whole` does that for all golden and all right answers.
"""

import ast
import builtins
import contextlib
import copy
import dis
import importlib
import io
import json
import random
import re
import tokenize
from collections import Counter
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from rich.console import Console

from grading.notebooks.cells import as_released, hidden_calls, is_tests
from grading.notebooks.record import CheckRecord, Outcome, VerdictRecord
from grading.notebooks.submissions import fill
from grading.root import CourseError
from grading.run.course import Course
from grading.tools import asking, followup, questions, traced
from grading.tools.analysis import ClassResult, Item, Work
from grading.tools.leaks import leaks_in
from tests.conftest import ASSIGNMENTS, ROOT

from tests.course.recorded import calls as hidden_inputs


# --- a second way to every answer -----------------------------------------------------------------------------------

def rewritten(text, name, namespace, change):
    """The function that `text` defines, after `change(tree of the function)`; its new code may use the list `_noted_`."""
    module = ast.parse(text)
    change(module.body[0])
    noted = []
    space = dict(namespace, _noted_=noted)
    exec(compile(ast.fix_missing_locations(module), "rewritten", "exec"), space)
    return space[name], noted


def noting(expression):
    return ast.parse(f"_noted_.append({expression})").body[0]


def around(line, before=None, after=None):
    """Puts statements before or after the statement that begins in `line`."""
    class Put(ast.NodeTransformer):
        def generic_visit(self, node):
            super().generic_visit(node)
            if isinstance(node, ast.stmt) and getattr(node, "lineno", None) == line and not isinstance(node, ast.FunctionDef):
                return [*([before] if before else []), node, *([after] if after else [])]
            return node
    return lambda tree: Put().visit(tree)


def at_each(lines):
    def change(tree):
        for line in lines:
            around(line, before=noting(str(line)))(tree)
    return change


def same(seen, value):
    if seen.kind in ("list", "tuple"):
        return type(value).__name__ == seen.kind and len(value) == len(seen.parts) and all(map(same, seen.parts, value))
    if seen.kind == "text":
        return value == seen.text
    return np.shape(value) == seen.shape and np.array_equal(np.ravel(np.asarray(value, dtype=float)), np.array(seen.numbers), equal_nan=True)


def globals_of(code):
    """The global names that a function and what is defined in it ask for."""
    inner = [one for one in code.co_consts if isinstance(one, type(code))]
    return {one.argval for one in dis.get_instructions(code) if one.opname == "LOAD_GLOBAL"}.union(*map(globals_of, inner))


def numbers_in(line):
    tokens = tokenize.generate_tokens(io.StringIO(line.strip()).readline)
    return [ast.literal_eval(token.string) for token in tokens if token.type == tokenize.NUMBER]


def is_right(question, text, namespace):
    """Whether the answer holds for the code, by a way that shares nothing with the sheet's."""
    about, name = question.about, question.exercise

    def noted(change):
        function, found = rewritten(text, name, namespace, change)
        function(*copy.deepcopy(about["call"]))
        return found
    with np.errstate(all="ignore"):
        match question.kind:
            case "value":
                return same(about["value"], rewritten(text, name, namespace, lambda tree: None)[0](*copy.deepcopy(about["call"])))
            case "another number":
                line, = [one for one, other in zip(text.splitlines(), about["changed"].splitlines()) if one != other]
                number, = [old for old, new in zip(numbers_in(line), numbers_in(about["changed"].splitlines()[text.splitlines().index(line)])) if old != new]
                return numbers_in(line).count(number) == 1 and same(about["value"], rewritten(about["changed"], name, namespace, lambda tree: None)[0](*copy.deepcopy(about["call"])))
            case "shapes":
                return all(noted(around(about["line"], before=noting(f"__import__('numpy').shape({expression})")))[0] == shape
                           for expression, shape in about["expressions"].items())
            case "value of a name":
                return same(about["value"], noted(around(about["line"], after=noting(f"__import__('copy').deepcopy({about['name']})")))[0])
            case "shape of a name":
                return noted(around(about["line"], after=noting(f"__import__('numpy').shape({about['name']})")))[0] == about["shape"]
            case "lines that run":
                ran = set(noted(at_each([*about["ran"], *about["left out"]])))
                return ran == set(about["ran"]) and not ran & set(about["left out"])
            case "turns of a loop":
                return len(noted(around(about["line"], before=noting("1")))) == about["times"]
            case "names from outside":
                code = rewritten(text, name, namespace, lambda tree: None)[0].__code__
                return globals_of(code) - set(dir(builtins)) == set(about["names"])
    raise AssertionError(f"no second way for {question.kind}")


# --- submissions in this process ------------------------------------------------------------------------------------

def right_answers(notebook):
    """Texts of submissions, each with another style of every exercise: see tests/right_answers."""
    module = ast.parse((ROOT / "tests" / "right_answers" / f"{notebook}.py").read_text())
    styles, helpers = {}, []
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            exercise = node.decorator_list[0].args[0].value
            node.decorator_list, node.name = [], exercise
            styles.setdefault(exercise, []).append(ast.unparse(node))
        elif not (isinstance(node, ast.ImportFrom) and node.module.startswith("grading")):
            helpers.append(ast.unparse(node))
    for number in range(max(map(len, styles.values()))):
        yield "# Right answers.\n# %% new\n" + "\n\n".join(helpers) + "\n" + "".join(
            f"# %% {exercise}\n{mine[number % len(mine)]}\n" for exercise, mine in styles.items())


def notebooks_of(assignment):
    return sorted((ROOT / "release" / assignment).glob("*.ipynb"))


def asker(namespace):
    """Asks a function of `namespace` in this process, as `followup.asker` asks a kernel."""
    def ask(name, call, before=None, after=None, changed=None):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            traced.answer(namespace, name, copy.deepcopy(call), before or {}, after or {}, changed)
        with contextlib.suppress(KeyError):
            return asking.read_trace(json.loads(said.getvalue()), tuple(call))
    return ask


def in_this_process(nb, notebook, assignment, verdicts=None):
    """[(exercise, candidates, namespace)] of a trusted submission, its calls done here."""
    source = nbformat.read(ROOT / "source" / assignment / f"{notebook}.ipynb", as_version=4)
    namespace = {"np": np, "__name__": "__main__"}
    for cell in nb.cells:
        if cell.cell_type == "code" and not is_tests(cell):
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                exec(compile(cell.source, "cell", "exec"), namespace)

    for cell in source.cells:
        for name in hidden_calls(cell.source) if is_tests(cell) else ():
            if there := followup.text_of(nb, name):
                calls = sorted(asking.public_calls(as_released(cell.source), name), key=asking.size_of)
                exercise = questions.Exercise(name, *there, calls, asker(namespace), (verdicts or {}).get(name))
                yield exercise, questions.candidates(exercise), namespace


def fitted(text, path):
    return fill(nbformat.read(path, as_version=4), text)


@pytest.fixture(scope="module")
def styles():
    """Candidates of one style of right answers, with loops, of every notebook: [(exercise, candidates, namespace)]."""
    return [one for assignment in ASSIGNMENTS for path in notebooks_of(assignment)
            for one in in_this_process(fitted(list(right_answers(path.stem))[1], path), path.stem, assignment)]


def test_a_hundred_answers_are_right_and_every_kind_is_among_them(styles):
    every = [(exercise, question, namespace) for exercise, found, namespace in styles for question in found]
    kinds = Counter(question.kind for _, question, _ in every)
    assert set(kinds) >= set(questions.KINDS) - {"failed check"}, kinds
    some = [one for kind in kinds for one in [one for one in every if one[1].kind == kind][:6]]
    rest = [one for one in every if one not in some]
    sample = some + random.Random(1).sample(rest, max(0, 100 - len(some)))
    assert len(sample) >= 100
    assert [question.asks for exercise, question, namespace in sample if not is_right(question, exercise.text, namespace)] == []


def test_a_wrong_answer_would_be_found(styles):
    """The control: another number, another shape, a line more or less is refused."""
    wrong = {"value": lambda about: {"value": asking.Seen("number", (), (12345.0,))}, "shapes": lambda about: {"expressions": dict.fromkeys(about["expressions"], (7, 7))},
             "lines that run": lambda about: {"ran": about["ran"][:-1], "left out": [*about["left out"], about["ran"][-1]]},
             "turns of a loop": lambda about: {"times": about["times"] + 1}, "value of a name": lambda about: {"value": asking.Seen("number", (), (12345.0,))},
             "shape of a name": lambda about: {"shape": (7, 7)}, "another number": lambda about: {"value": asking.Seen("number", (), (12345.0,))},
             "names from outside": lambda about: {"names": [*about["names"], "nobody"]}}
    for kind, change in wrong.items():
        exercise, question, namespace = next((exercise, question, namespace) for exercise, found, namespace in styles for question in found if question.kind == kind)
        broken = questions.Question(kind, question.exercise, "", "", {**question.about, **change(question.about)})
        assert is_right(question, exercise.text, namespace) and not is_right(broken, exercise.text, namespace), kind


def test_calls_are_those_of_the_released_notebook_and_no_other_hidden_input_is_shown(styles):
    shown, public = {}, {}
    for exercise, found, _ in styles:
        shown.setdefault(exercise.name, set()).update(asking.as_text(question.about["call"]) for question in found if "call" in question.about)
    for assignment in ASSIGNMENTS:
        for path in notebooks_of(assignment):
            for cell in nbformat.read(path, as_version=4).cells:
                name = cell.metadata.get("nbgrader", {}).get("grade_id", "").removeprefix("test_")
                if is_tests(cell):
                    public[name] = {asking.as_text(call) for call in asking.public_calls(cell.source, name)}
            reference = importlib.import_module(f"reference_impl.{path.stem}")
            functions = {name: getattr(reference, name) for name in shown if hasattr(reference, name) and name in public}
            for name, calls in hidden_inputs(path.stem, functions).items():
                hidden = {asking.as_text(call) for call in calls if asking.size_of(call) is not None}
                assert not shown[name] & (hidden - public[name])
    assert all(calls <= public[name] for name, calls in shown.items()) and sum(map(len, shown.values())) > 40


# --- rules --------------------------------------------------------------------------------------------------------

def exercise_of(text, *calls, verdict=None, name="f", **says):
    namespace = {"np": np}
    exec(compile(text, "cell", "exec"), namespace)

    return questions.Exercise(name, text, 1, sorted(calls, key=asking.size_of), asker(namespace), verdict, says)


def kinds_of(exercise):
    return {question.kind for question in questions.candidates(exercise)}


@pytest.mark.parametrize(("text", "call", "kinds"), [
    ("def f(a):\n    return 2 * a", (3.0,), {"value", "another number"}),
    ("def f(a):\n    b = a + 1\n    return b", (3.0,), {"value", "another number", "value of a name"}),
    ("def f(a):\n    if a > 7:\n        return 1.0\n    return 0.0", (3.0,), {"value", "lines that run"}),
    ("def f(a):\n    for n in range(3):\n        a = a * a\n    return a", (1.0,), {"value", "turns of a loop"}),
    ("def f(a, b):\n    return a @ b.T", (np.ones((2, 3)), np.ones((2, 3))), {"value", "shapes"}),
    ("def f(a):\n    return a if a > 0 else elsewhere", (3.0,), {"value", "names from outside"}),
    ("def f(a):\n    return np.abs(a)", (3.0,), {"value"}),
    ("def f(a):\n    return 1 / (1 + a)", (3.0,), {"value"}),
    ("def f(a):\n    if a > 7:\n        return 1.0\n    return f(\n        a + 5)", (3.0,), {"value", "names from outside"}),
    ("def f(a):\n    return a + np.random.random()", (3.0,), set()),
    ("def f(a):\n    b = np.empty(2)\n    b[:] = a\n    return b", (3.0,), {"value"}),
    ("def f(a):\n    raise NotImplementedError", (3.0,), set()),
    ("def f(a):\n    while True:\n        a += 1", (3.0,), set()),
    ("def f(a):\n    return object()", (3.0,), set())], ids=["product", "name", "if", "loop", "matrices", "outside", "NumPy only", "two equal numbers", "calls itself", "by chance", "uninitialised", "stub", "endless", "no number"])
def test_a_kind_is_asked_where_its_rule_holds_and_nowhere_else(text, call, kinds):
    assert kinds_of(exercise_of(text, call)) == kinds


def test_the_question_on_a_failed_check_needs_one_that_passed_and_tells_the_known_mistake():
    def verdict(*outcomes, blank=False):
        return VerdictRecord(1, 2, tuple(CheckRecord(f"test_{n}", f"check {n}", 1, n == 0, Outcome(outcome), "sign lost" if outcome == "failed" else None)
                                         for n, outcome in enumerate(outcomes)), blank=blank)
    text = "def f(a):\n    b = -a\n    c = 1\n    d = b * 2\n    return d"
    question, = questions.of_failed_check(exercise_of(text, verdict=verdict("passed", "failed"), **{"sign lost": "This loses the sign."}))
    assert "“check 0”" in question.asks and "“check 1”" in question.asks and "This loses the sign." in question.answer
    assert "returned: 2, 4, 5." in question.answer, "line 3 has no part in what is returned"
    for other in (verdict("passed", "passed"), verdict("failed", "failed"), verdict("passed", "failed", blank=True), None):
        assert list(questions.of_failed_check(exercise_of(text, verdict=other))) == []


def test_the_lines_of_a_value_are_found_through_loops_places_and_methods():
    def lines(text):
        return questions.lines_of_value(ast.parse(text).body[0])
    assert lines("def f(a):\n    r = []\n    n = 0\n    for x in a:\n        r.append(x)\n    return r") == [2, 4, 5, 6]
    assert lines("def f(a):\n    r = a * 0\n    k = 5\n    r[0] = 1\n    return r") == [2, 4, 5]


def test_a_function_whose_text_is_not_what_runs_is_asked_nothing_about_lines():
    exercise = exercise_of("def f(a):\n    b = a + 1\n    return b", (3.0,))
    exercise.first = 4
    assert kinds_of(exercise) == set()


# --- what a kernel says -------------------------------------------------------------------------------------------

class Kernel:
    """Stands in for a subject: its cell printed `said`."""

    def __init__(self, said):
        self.said = said

    def out_of_time(self):
        return False

    def connect(self):
        return True

    def end_fork(self):
        pass

    def run_once(self, number, source, seconds):
        from grading.border.subject import CellRun
        return CellRun([{"output_type": "stream", "name": "stdout", "text": self.said}])


@pytest.mark.parametrize("said", ["", "nothing", "[]", "{}", '{"lines": 3, "seen": [], "first": 1, "names": [], "value": {"kind": "number"}}',
                                  '{"lines": [], "seen": [], "first": 1, "names": [], "value": {"kind": "<script>"}}', '{"untraced": "KeyError"}',
                                  '{"lines": [Infinity], "seen": [], "first": 1, "names": [], "value": {"kind": "number"}}', "[" * 100_000])
def test_what_is_no_trace_is_no_answer(said):
    assert asking.ask(Kernel(said), 0, "f", (1.0,)) is None


def test_calls_are_written_as_the_python_that_makes_them():
    for value in (1.5, -2, True, "relu", np.array([[1.0, 2.0]]), [np.array([1.0]), 2], (), (3.0,), np.inf, -np.inf, np.zeros((0, 2)), np.float64(2.5)):
        again = eval(asking.as_text(value), {"np": np})
        assert np.array_equal(again, value) if not isinstance(value, (list, str)) else asking.as_text(again) == asking.as_text(value)


# --- who is asked -------------------------------------------------------------------------------------------------

def class_of(points):
    works = [Work(f"student-{n:02}", f"submission {n:02}", {"f": float(value)}) for n, value in enumerate(points)]
    return ClassResult("ps1", [Item("f", 10, False)], works, [])


def test_a_draw_takes_as_many_from_each_third_and_is_the_same_for_a_seed():
    result = class_of([n % 10 for n in range(30)])
    drawn = followup.drawn(result, 6, "a")
    totals = {work.student: work.points["f"] for work in result.works}
    ranks = sorted(totals.values())
    thirds = Counter((totals[student] >= ranks[10]) + (totals[student] >= ranks[20]) for student in drawn)
    assert len(drawn) == len(set(drawn)) == 6 and all(1 <= count <= 3 for count in thirds.values()) and len(thirds) == 3
    assert drawn == followup.drawn(class_of([n % 10 for n in range(30)]), 6, "a") == sorted(drawn)
    assert drawn != followup.drawn(result, 6, "b")
    assert followup.drawn(result, 99, "a") == sorted(totals)


def test_everybody_is_drawn_about_as_often():
    result, times = class_of(range(12)), Counter()
    for seed in range(300):
        times.update(followup.drawn(result, 4, str(seed)))
    assert len(times) == 12 and all(60 <= count <= 145 for count in times.values()), times


def test_whom_nobody_knows_is_named_with_near_names():
    with pytest.raises(CourseError, match="Did you mean student-01"):
        followup.named(class_of([1, 2]), ["student01"])


# --- pages --------------------------------------------------------------------------------------------------------

def a_sheet(styles):
    mine = [(exercise, found) for exercise, found, _ in styles if exercise.name in ("backward_step", "local_gradient", "layer_forward", "weight_gradient")]
    exercises, asked = followup.fitting(mine, random.Random(1))
    return followup.Sheet("<b>student</b>", "ps2", tuple(exercises), tuple(asked), by_lot=True)


def test_a_sheet_asks_three_to_five_questions_within_a_page_and_answers_are_on_the_other(styles):
    sheet = a_sheet(styles)
    text, answers = followup.as_sheet(sheet), followup.as_answers(sheet)
    assert followup.FEWEST <= len(sheet.questions) <= followup.MOST and len({question.kind for question in sheet.questions}) >= 3
    for question in sheet.questions:
        assert followup.marked_up(question.asks) in text and followup.marked_up(question.answer) in answers
        assert f"<td>{followup.marked_up(question.answer)}</td>" not in text
    assert "<b>student" not in text + answers and "<script" not in text + answers and "http" not in text.replace("http-equiv", "")
    assert len(re.findall("<li>", text)) == len(sheet.questions)


def test_a_long_function_leaves_its_place_to_three_questions():
    def asked(name, lines, count):
        exercise = questions.Exercise(name, f"def {name}(a):\n" + "    a = a\n" * (lines - 1), 1, [], None)
        return exercise, [questions.Question("value", name, f"{number}?", "") for number in range(count)]
    found = [asked("long", 26, 1), asked("also_long", 24, 1), *(asked(f"short_{n}", 9, 1) for n in range(3))]
    for seed in range(20):
        exercises, some = followup.fitting(found, random.Random(seed))
        assert len(some) >= followup.FEWEST and followup.height(exercises, some) <= followup.HEIGHT
    assert len(followup.fitting([asked("long", 26, 2)], random.Random(1))[1]) == 2, "where there is no other"


def test_a_sheet_does_not_accuse(styles):
    text = (followup.as_sheet(a_sheet(styles)) + followup.as_answers(a_sheet(styles))).lower()
    assert not re.findall("cheat|plagiar|suspic|suspect|copied|misconduct|dishonest|fraud|your own work", text)
    assert "drawn by lot" in text and "no proof" in text


# --- the whole way --------------------------------------------------------------------------------------------------

def make(root, assignment, output, students=(), sample=None):
    said = io.StringIO()
    missing = followup.followup(Console(file=said, width=80), root, assignment, list(students), sample, "1", output)
    return missing, said.getvalue()


def leaked(folder, root, assignment):
    """Lines that students must not get, on sheets and answers; a student's own code may hold what ours does."""
    found = []
    for path in sorted(folder.glob("*.html")):
        student = path.stem.removesuffix("-answers")
        own = "".join("".join(cell.source.split()) for file in (root / "autograded" / student / assignment).glob("*.ipynb")
                      for cell in nbformat.read(file, as_version=4).cells)
        found += [(path.name, line, where) for _, line, where in leaks_in(path.name, path.read_bytes(), ROOT)
                  if where.startswith(("solution", "hidden", "reference", "right")) and re.sub(r"[^\w]", "", line) not in re.sub(r"[^\w]", "", own)]
    return found


@pytest.mark.sandbox
def test_sheets_of_a_graded_class_are_written_and_whoever_handed_in_nothing_is_named(golden_class, tmp_path):
    root, _ = golden_class["ps1"]
    missing, said = make(root, "ps1", tmp_path / "a", ["half-finished", "derivative-at-y", "blank"])
    assert missing == 1 and "blank: no sheet" in said and "half-finished: " in said
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [f"{name}{end}.html" for name in ("derivative-at-y", "half-finished") for end in ("-answers", "")]
    text = (tmp_path / "a" / "derivative-at-y.html").read_text()
    assert "did not pass" in text and text.count("<li>") >= followup.FEWEST
    assert leaked(tmp_path / "a", root, "ps1") == []
    with pytest.raises(CourseError, match="--student NAME"):
        make(root, "ps1", tmp_path / "a")
    before = text
    make(root, "ps1", tmp_path / "a", ["derivative-at-y"])
    assert (tmp_path / "a" / "derivative-at-y.html").read_text() == before, "the same questions each time"


@pytest.mark.whole
@pytest.mark.sandbox
@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_sheets_of_all_golden_and_right_answers(assignment, golden_class, tmp_path):
    """Of a right answer in every style a sheet is made in the sandbox, and all its questions are answered a second time."""
    root, _ = golden_class[assignment]
    students = sorted(path.parent.name for path in (root / "autograded").glob(f"*/{assignment}"))
    missing, said = make(root, assignment, tmp_path / "golden", students)
    assert len(said.splitlines()) == len(students) + 1 and leaked(tmp_path / "golden", root, assignment) == []
    print(f"\n{assignment}: {len(students) - missing} of {len(students)} golden submissions have a sheet; none: "
          + ", ".join(line.split(":")[0] for line in said.splitlines() if "no sheet" in line))
    maker, made, asked = followup.Maker(Course(root), assignment), 0, Counter()
    for path in notebooks_of(assignment):
        for number, text in enumerate(right_answers(path.stem)):
            nb = fitted(text, path)
            found = maker.asked(path.stem, nb, followup.files_below(path.parent))
            sheet, why = maker.composed(f"style-{number}", found, random.Random(number))
            assert sheet, why
            namespaces = {exercise.name: namespace for exercise, _, namespace in in_this_process(nb, path.stem, assignment)}
            made += 1
            for exercise, every in found:
                for question in every:
                    asked[question.kind] += 1
                    assert is_right(question, exercise.text, namespaces[exercise.name]), question.asks
    print(f"{assignment}: {made} styles of right answers have a sheet; {sum(asked.values())} questions answered a second time: {dict(asked)}")


def test_a_notebook_that_takes_too_long_to_read_or_goes_too_deep_ends_no_run(monkeypatch):
    """A sum of two thousand terms can be parsed, and not walked through: it ended the sheets of everybody who was drawn."""
    kernel = SimpleNamespace(run=lambda *_: None, close=lambda: None)
    monkeypatch.setattr(followup, "KernelSubject", lambda *_, **__: kernel)
    monkeypatch.setattr(followup, "HELD", SimpleNamespace(sandbox=lambda *_: None))
    maker = followup.Maker.__new__(followup.Maker)
    maker.course = SimpleNamespace(execute=SimpleNamespace(sandbox="none", limits={}), hidden=lambda: ())
    maker.calls, maker.says = {"toy": {"double": []}}, {}
    deep = "def double(z):\n    return " + "+".join(["z"] * 2000)
    long = f"def double(z):\n    return z + 0x{'f' * 5000}"     # Python reads it, and does not write it
    for text in (deep, long):
        assert maker.asked("toy", new_notebook(cells=[new_code_cell(text)]), []) == []
    (exercise, _), = maker.asked("toy", new_notebook(cells=[new_code_cell('text = "\\f\f\x85"\ndef double(z):\n    return z')]), [])
    assert exercise.text == "def double(z):\n    return z", "lines are those that Python counts"
    monkeypatch.setattr(followup, "READ_SECONDS", 1)
    assert maker.asked("toy", new_notebook(cells=[new_code_cell("def double(z):\n    return z\n" + "a;" * 49_000) for _ in range(10)]), []) == []
