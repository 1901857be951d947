"""What a cell's text tells of names, piece by piece."""

import ast

import pytest

from grading.notebooks import effects
from grading.notebooks.effects import Call, Function, read_facts


def parsed(source):
    return ast.parse(source)


def first(source):
    """The first expression or statement of a text."""
    node = parsed(source).body[0]
    return node.value if isinstance(node, ast.Expr) else node


def test_the_facts_of_a_cell_of_10000_characters_are_kept(monkeypatch):
    monkeypatch.setattr(effects, "kept_facts", lambda source: "kept")
    monkeypatch.setattr(effects, "read_facts", lambda source: "read")
    assert [effects.facts("x" * size) for size in (9_999, 10_000, 10_001)] == ["kept", "kept", "read"]


@pytest.mark.parametrize(("source", "names"), [
    ("def f(a):\n    def g(b):\n        return a + b + c\n    return [x for x in a]", {"c"}), ("def f(a):\n    def g(a):\n        return a", set()),
    ("def f(x):\n    return [x for x in y]", {"y"}), ("def f():\n    return [x for x in y]", {"y"}), ("def f(a):\n    return 1", set()), ("a + b", set()),
    ("lambda x: x + y", {"y"})])
def test_global_names_that_function_bodies_load(source, names):
    assert effects.names_in_functions(parsed(source)) == names


def test_names_that_a_cell_binds():
    source = "a = 1\ndef f(): pass\nb = 2\nx = [i for i in y]\nc = 3\nimport os.path, numpy as np\nz = lambda q: q"
    assert effects.bound_at_top(parsed(source).body) == {"a", "f", "b", "x", "c", "os", "np", "z"}
    assert read_facts("def f():\n    global a, b\na = 1").bound == {"f", "a", "b"}


def test_modules_and_what_comes_from_the_students_own():
    assert effects.imported(parsed("import os.path, numpy as np, my.tools\nfrom math import pi")) == {"os", "np", "my"}
    assert effects.strange(parsed("import my.numpy, os.path, theirs as t\nfrom my.numpy import x\nfrom math import pi\nfrom mine import a as b")) == {"my", "t", "x", "b"}


@pytest.mark.parametrize(("source", "names"), [
    ("x.mean", set()), ("x.count(1)", set()), ("t.fill", {"t"}), ("t.pop(1)", {"t"}), ("t.a[0].change()", {"t"}), ("next(t.rows)", {"t"}), ("(lambda q: q)(t, u)", {"t", "u"}),
    ("t.append", {"t"}), ("t.__len__", set()), ("x.get", set()), ("t.items()", set()), ("change(t)", set())])
def test_names_on_whose_objects_a_call_acts(source, names):
    assert effects.acted_on(first(source)) == names


def test_calls_with_what_is_called_and_given():
    found = set(effects.calls(parsed("f.f(a + b, c, key=d)\n'relu'\n'no name'\ng(1)")))
    assert found == {Call(frozenset({"f"}), frozenset("abcd"), frozenset("cd")), Call(frozenset({"relu"})), Call(frozenset({"g"}))}


@pytest.mark.parametrize(("body", "due"), [
    ("return sum(a) + G", Function(loads=frozenset({"G"}))),
    ("a[0] = 1", Function(into_arguments=True)),
    ("T[0] = 2", Function(frozenset({"T"}), frozenset({"T"}), frozenset({"T"}))),
    ("T.clear()", Function(frozenset({"T"}), frozenset(), frozenset({"T"}))),
    ("row = T\n    row[0] = 1", Function(frozenset({"T"}), frozenset(), frozenset({"T"}), True)),
    ("global G\n    G = a", Function(frozenset({"G"}), frozenset({"G"}))),
    ("global G\n    G[0] = a", Function(frozenset({"G"}), frozenset({"G"}), frozenset({"G"}), True)),
    ("return [i for i in Z]", Function(frozenset({"Z"}))),
    ("[b.pop() for b in a]", Function(into_arguments=True))])
def test_what_a_call_of_a_function_does(body, due):
    assert effects.effects(first(f"def f(a, b):\n    {body}")) == due


def test_a_default_may_be_the_object_of_its_argument():
    found = effects.bindings(first("def f(a, b, /, c=T, d=len, *, e=V, g, h=[T, W]): pass"))
    assert list(found) == [("c", frozenset("T")), ("d", frozenset()), ("e", frozenset("V")), ("h", frozenset("TW"))]
    assert list(effects.bindings(first("def f(a, b, c, d=T): pass"))) == [("d", frozenset("T"))]


@pytest.mark.parametrize(("source", "names"), [("t", {"t"}), ("t.a[0]", {"t"}), ("t.go(t)", {"t"}), ("t.go(u, k=v).x", {"t", "u", "v"}), ("(1).real", set()), ("[t].x", set())])
def test_a_chain_begins_with_a_name_and_its_calls_are_given_others(source, names):
    assert effects.root_of(first(source)) == names


def test_two_functions_of_one_name_do_what_either_does():
    one, other = Function(frozenset("ab"), frozenset("cx"), frozenset("dy")), Function(frozenset("bz"), frozenset("ce"), frozenset("df"), True)
    assert one.and_also(other) == Function(frozenset("abz"), frozenset("cxe"), frozenset("dyf"), True)
    assert Function().and_also(one) == one


@pytest.mark.parametrize(("source", "names"), [
    ("def f(): pass\nasync def g(): pass\nh = lambda: 1", {"f", "g"}), ("def f(:\n  def g(x):\nxdef h(", {"f", "g"}), ("", set()), ("1 +", set())])
def test_functions_that_a_cell_defines_python_or_not(source, names):
    assert effects.defined_functions(source) == names


@pytest.mark.parametrize(("source", "names"), [
    ("def f(a, /, b, *c, d=1, **e):\n    x = 1", set("abcdex")), ("def f(a):\n    a = 1", {"a"}), ("def f():\n    global G, H\n    G = 1", set()), ("f = lambda q: q", {"q"})])
def test_names_of_a_functions_own(source, names):
    node = first(source)
    assert effects.local_names(node.value if isinstance(node, ast.Assign) else node) == names
