"""Macros are put in as TeX does it, whatever their kind, and hostile ones end soon."""

import tracemalloc

import pytest

from grading.pages.macros import Budget, MacroError, Macros, join

LECTURE = (r"\def\loss{\mathcal{L}}\def\y{\mathbf{y}}\def\W{\mathbf{W}}\def\ll{l}\def\llp{{(\ll)}}\def\T{{\mathsf{T}}}"
           r"\def\norm#1{\lVert #1 \rVert}\def\grad#1#2{\frac{\partial #1}{\partial #2}}")


def expanded(tex, *before):
    macros = Macros()
    for one in before:
        assert macros.expand(one).strip() == ""
    return macros.expand(tex)


@pytest.mark.parametrize(("tex", "wanted"), [
    (r"\loss'_\ll", r"\mathcal{L}'_l"),
    (r"\grad{\y_\ll}{\y_{\ll-1}}", r"\frac{\partial \mathbf{y}_l}{\partial \mathbf{y}_{l-1}}"),
    (r"\grad\y\ll x", r"\frac{\partial \mathbf{y}}{\partial l} x"),
    (r"\grad{\loss} {x}", r"\frac{\partial \mathcal{L}}{\partial x}"),
    (r"\norm{\norm{\W}}", r"\lVert \lVert \mathbf{W} \rVert \rVert"),
    (r"\norm xy", r"\lVert x \rVert y"),
    (r"\y^\llp\W^\T", r"\mathbf{y}^{(l)}\mathbf{W}^{\mathsf{T}}"),
    (r"\yes \lll \lossy", r"\yes \lll \lossy"),
    (r"a\ll b", "al b"),
    ("\\begin{aligned}\\y_\\ll &= 1 \\\\\n\\W &= 2\\end{aligned}", "\\begin{aligned}\\mathbf{y}_l &= 1 \\\\\n\\mathbf{W} &= 2\\end{aligned}"),
    ("\\y % \\y } is a remark\n\\y", "\\mathbf{y} % \\y } is a remark\n\\mathbf{y}"),
    (r"\{ \y \} \$ \\ \%", r"\{ \mathbf{y} \} \$ \\ \%"),
])
def test_macros_of_the_lecture_are_put_in(tex, wanted):
    assert expanded(tex, LECTURE) == wanted


@pytest.mark.parametrize(("definition", "tex", "wanted"), [
    (r"\newcommand{\R}{\mathbb{R}}", r"x\in\R", r"x\in\mathbb{R}"),
    (r"\newcommand\R{\mathbb R}", r"\R^n", r"\mathbb R^n"),
    (r"\newcommand*{\set}[1]{\{#1\}}", r"\set{a}\set b", r"\{a\}\{b\}"),
    (r"\newcommand{\D}[2][x]{\frac{d#2}{d#1}}", r"\D{y}+\D[t]{z}", r"\frac{dy}{dx}+\frac{dz}{dt}"),
    (r"\def\v{a}\renewcommand{\v}{b}", r"\v", "b"),
    (r"\def\v{a}\providecommand{\v}{b}", r"\v", "a"),
    (r"\gdef \v #1 {<#1>}", r"\v{x}", "<x>"),
    (r"\DeclareMathOperator{\rank}{rank}\DeclareMathOperator*{\argmax}{arg\,max}", r"\rank A\argmax_x",
     r"\operatorname{rank} A\operatorname*{arg\,max}_x"),
    (r"\def\v{\mathbf{v}}\let\old=\v\def\v{w}\let\eps\varepsilon", r"\old\v\eps", r"\mathbf{v}w\varepsilon"),
    (r"\def\outer#1{\inner{#1}{#1}}\def\inner#1#2{(#1,#2)}", r"\outer{\outer{x}}", "((x,x),(x,x))"),
])
def test_every_way_to_define_a_macro_is_read(definition, tex, wanted):
    assert expanded(tex, definition) == wanted


@pytest.mark.parametrize(("tex", "wanted"), [
    (r"\frac\y\W", r"\frac{\mathbf{y}}{\mathbf{W}}"),
    (r"\frac\ll2\y", r"\frac l2\mathbf{y}"),
    (r"\frac{a}\y\y", r"\frac{a}{\mathbf{y}}\mathbf{y}"),
    (r"\sqrt[\ll]\y\y", r"\sqrt[l]{\mathbf{y}}\mathbf{y}"),
    (r"\hat\y", r"\hat{\mathbf{y}}"),
    (r"\operatorname*{f}\y", r"\operatorname*{f}\mathbf{y}"),
    (r"x_\loss^\ll", r"x_{\mathcal{L}}^l"),
])
def test_a_macro_stays_together_where_it_was_one_thing(tex, wanted):
    assert expanded(tex, LECTURE) == wanted


def test_a_script_takes_what_comes_first_of_a_macro_as_it_does_in_a_page():
    assert expanded(r"x^\two", r"\def\two{ab}") == "x^ab"


def test_a_definition_may_stand_in_the_formula_that_uses_it():
    assert expanded(r"\def\v{x}\v + \v") == "x + x"


@pytest.mark.parametrize("tex", ["", " x ", r"\frac{1}{2} % {", r"\left\{ a \right.", "a\n\n b", r"\unknown{x}\\[2pt]", "\\"])
def test_a_text_without_macros_comes_back_unchanged(tex):
    assert expanded(tex, LECTURE) == tex


@pytest.mark.parametrize(("tex", "said"), [
    (r"\grad{x}", r"\grad lacks an argument"),
    (r"\norm{x", r"after \norm a brace is not closed"),
    (r"\edef\v{x}", r"\edef is not read here"),
    (r"\def\v(#1){x}", r"the definition of \v is not read here"),
    (r"\newcommand{\v}[many]{x}", "does not say how many arguments"),
    (r"\newcommand{\v}[²]{x}", "does not say how many arguments"),
    (r"\def x{y}", r"\def needs the name of a macro"),
    (r"\def\v{#1}\v", r"\v has no argument #1"),
    (r"\def\v{\v}\v", "does one of them contain itself?"),
])
def test_what_cannot_be_read_is_said(tex, said):
    with pytest.raises(MacroError) as error:
        expanded(tex, LECTURE)
    assert said in str(error.value)


HOSTILE = {
    "grows by doubling": r"\def\a#1{#1#1}" + r"\a{" * 60 + "x" + "}" * 60,
    "grows without end": r"\def\a{\a\a}\a",
    "many macros, each ten times the one before": "".join(
        rf"\def\m{chr(97 + i)}{{{(chr(92) + 'm' + chr(98 + i)) * 10}}}" for i in range(20)) + r"\ma",
    "one long token many times": r"\def\a#1{" + "#1" * 2000 + r"}\a{%" + "z" * 5000 + "\n}",
    "blanks without end": r"\def\s{ \t}\def\t{ }^" + r"\s" * 5000,
    "deep groups": r"\def\a#1{{#1}}" + r"\a{" * 2000 + "}" * 2000,
    "never closed": r"\def\a#1{#1}" + r"\a{" * 5000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_macros_take_little_memory_and_end(name):
    tracemalloc.start()
    try:
        with pytest.raises(MacroError):
            expanded(HOSTILE[name])
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_the_budget_of_a_page_is_shared_by_its_formulas():
    macros = Macros(budget=Budget(page=1000))
    macros.expand(r"\def\a{0123456789}")
    with pytest.raises(MacroError):
        for _ in range(200):
            macros.expand(r"\a\a\a\a")


def test_tokens_are_joined_to_the_text_that_they_came_from():
    assert join([r"\in", "x", r"\,", "y", r"\in", " ", "z", r"\in", "1"]) == r"\in x\,y\in z\in1"
