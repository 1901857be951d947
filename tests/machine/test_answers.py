"""What was answered in a notebook, by made-up cells: where an answer is looked for and what is left out of it."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from grading.notebooks import answers as told
from grading.notebooks.answers import answers, differing, looks_like


def entry(kind="code", source="", solution=True, grade=False, task=False):
    return {"cell_type": kind, "source": source, "metadata": {"solution": solution, "grade": grade, "task": task}}


def code(source, name=None):
    return new_code_cell(source, metadata={"nbgrader": {"grade_id": name}} if name else {})


def words(source, name=None, **more):
    return new_markdown_cell(source, metadata={"nbgrader": {"grade_id": name}} if name else {}, **more)


def notebook(*cells):
    return new_notebook(cells=list(cells))


def fresh(name):
    """The same word as another object."""
    return "".join([*name])


# --- exercises ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("cells", "due"), [
    ([code("x = 1", "relu")], "x = 1"), ([code("x = 1", "relu"), code("x = 2", "relu"), code("x = 3", "other")], "x = 2"), ([code("", "relu"), code("def relu(z):\n    pass")], None),
    ([code("a = 0\ndef relu(z):\n    return z\nb = 1")], "def relu(z):\n    return z"), ([code("def relu(z):\n    return 1"), code("\ndef relu(z):\n    return 2\ndef relu(z):\n    return 3")], "def relu(z):\n    return 3"),
    ([code("def absent(z): pass\ndef zeta(z): pass")], None), ([code("relu = abs")], "relu = abs"), ([code("def relu(:\n    x")], "def relu(:\n    x"), ([code("def relu(z): 0\n\0")], "def relu(z): 0\n\0"),
    ([words("def relu(z):\n    pass"), new_raw_cell("def relu(z):\n    pass")], None), ([code("def relu(z):\n    # YOUR CODE HERE\n    raise NotImplementedError()", "relu")], None), ([], None),
    ([code("a = 1\nasync def relu(z):\n    return z\nclass A: pass")], "async def relu(z):\n    return z")])
def test_an_exercise_is_answered_in_its_cell_or_where_its_function_is_defined(cells, due):
    wanted = {"relu": entry(source="def relu(z):\n    # YOUR CODE HERE\n    raise NotImplementedError()")}
    assert answers(notebook(*cells), {fresh("relu"): wanted["relu"]}) == ({"relu": (due,)} if due else {})


def test_what_python_cannot_parse_is_taken_whole(monkeypatch):
    for error in (SyntaxError, ValueError, RecursionError, MemoryError):
        def fail(source, error=error):
            raise error
        monkeypatch.setattr(told.ast, "parse", fail)
        assert told.definition("a = 1\ndef relu(z): pass", "relu") == "a = 1\ndef relu(z): pass"


def test_what_was_released_as_its_place_is_no_answer():
    source = "first\r\n# Your Code Here, please\nsecond  \n    raise NotImplementedError('now')\n### YOUR ANSWER HERE\n  third\n\n"
    assert told.plain(source) == "first\n\nsecond\n\n\n  third" and told.plain("this is your code here") == "this is your code here"


def test_words_are_answered_in_their_own_cell_alone():
    wanted = {"q": entry("markdown", "YOUR ANSWER HERE", grade=False), "z": entry("raw", "")}
    assert answers(notebook(words("said", "q"), words("more")), wanted) == {"q": ("said",)}
    assert answers(notebook(words("q = 1"), code("q = 1"), code("z = 1")), wanted) == {}


# --- questions ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("marks", "due"), [({"task": True, "solution": False}, ("said", "x = 1")), ({"grade": True}, ("own", "said", "x = 1")), ({}, ("own",)),
                                            ({"task": True, "grade": True}, ("own", "said", "x = 1"))])
def test_a_question_is_answered_behind_it_up_to_the_next_cell_of_the_course(marks, due):
    wanted = {"a": entry("markdown"), "q": entry("markdown", "Why?", **marks), "z": entry("markdown", task=True)}
    nb = notebook(words("first", "q"), code("old"), words("next", "a"), words("own", "q"), words("said"), words(" "), code("x = 1"), words("end", "z"), words("behind"))
    assert answers(nb, {fresh(name): one for name, one in wanted.items()})["q"] == due
    assert told.pieces_behind(nb, "none", wanted) == () and told.pieces_behind(notebook(words("q", "q")), "q", wanted) == ()


def test_code_behind_an_exercise_is_no_piece_of_it():
    assert answers(notebook(code("x", "relu"), code("y")), {"relu": entry(task=True, grade=True)}) == {"relu": ("x",)}


def test_a_graded_cell_has_what_stands_before_it_up_to_the_course_s_own():
    wanted = {"intro": entry(solution=False), "a": entry(), "b": entry(grade=True), "test": entry(solution=False, grade=True), "z": entry()}
    nb = notebook(code("0"), code("shown", "intro"), code("1"), words("no"), code("mine", "a"), code(" "), code("2", "own"), new_raw_cell("3"), code("assert", "test"), code("4"), code("twice", "test"))
    assert told.pieces_between(nb, fresh("test"), wanted) == ("1", "2")
    assert told.pieces_between(notebook(code("0"), code("b", "b"), code("1"), code("t", "test")), "test", wanted) == ("1",), "a cell that is graded ends it"
    assert told.pieces_between(notebook(code("0"), code("1", "z")), "test", wanted) == () == told.pieces_between(notebook(code("0")), "test", wanted)


def test_pictures_are_told_by_eight_digits():
    cell = words("see", attachments={"a.png": {"image/png": "AAAA"}})
    said, picture = told.text_of(cell).split("\n")
    assert said == "see" and len(picture) == len("(a.png: picture 12345678)")
    assert told.text_of(words("see", attachments={"a.png": {"image/png": "BBBB"}})) != told.text_of(cell) and told.text_of(words("see")) == "see"


# --- which notebook it is -------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("cell", "due"), [(code("x", "relu"), True), (code("x", "given"), False), (code("x = 1  # as released"), True), (code("def relu(z): pass"), True), (words("say why"), True),
                                           (code("given = 1"), False), (code("q = 1"), False), (code("test = 1"), False), (code("y"), False), (words("", "q"), True)])
def test_a_notebook_is_of_the_assignment_by_a_cell_that_is_asked_for(cell, due):
    wanted = {"relu": entry(source="x = 1  # as released"), "q": entry("markdown", "say why", task=True), "test": entry(solution=False, grade=True), "given": entry(source="given", solution=False)}
    assert looks_like(notebook(words("other"), cell), wanted) is due
    assert looks_like(notebook(cell), {}) and looks_like(notebook(code("g", "given")), {"given": wanted["given"]})


def test_what_differs_is_told_in_order():
    assert not hasattr(told, "NotebookNode"), "it is read where nbformat is not needed"
    assert differing({"a": ("1",), "b": ("2",), "c": ("3",)}, {"b": tuple("2"), "c": ("4",), "d": ("5",)}) == ["a", "c", "d"]
