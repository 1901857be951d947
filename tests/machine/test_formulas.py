"""Formulas become MathML; what cannot is shown as it was written, and nothing grows without end."""

import re
from pathlib import Path

import nbformat
import pytest

from grading.pages.formulas import NotTranslated, expand, mathml, split_definitions, to_html

ROOT = Path(__file__).parents[2]
MACROS = {"y": (0, r"\mathbf{y}"), "ll": (0, "l"), "grad": (2, r"\frac{\partial #1}{\partial #2}")}


@pytest.mark.parametrize("path", sorted(ROOT.glob("source/*/*.ipynb")), ids=lambda path: path.stem)
def test_every_formula_of_the_notebooks_is_translated(path):
    macros, count = {}, 0
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            html = to_html(cell.source, macros)
            count += html.count("<math")
            assert not re.search(r"<code>[^<]*\\", html)
            assert "$" not in html
    assert count > 20


def test_definitions_are_taken_out_and_put_in():
    found, rest = split_definitions(r"\def\abs#1{\lvert #1 \rvert}\def\ll{l} \abs{z_\ll}")
    assert found == {"abs": (1, r"\lvert #1 \rvert"), "ll": (0, "l")}
    assert expand(rest.strip(), found).replace(" ", "") == r"\lvertz_l\rvert"


def test_arguments_may_be_groups_commands_or_single_signs():
    assert expand(r"\grad{\y_\ll}x", MACROS).replace(" ", "") == r"\frac{\partial\mathbf{y}_l}{\partialx}"
    assert expand(r"\grad\y{x}", MACROS).replace(" ", "") == r"\frac{\partial\mathbf{y}}{\partialx}"


def test_a_formula_is_a_tree_of_known_elements():
    text = mathml(r"\grad{\y}{x}", MACROS, "block")
    assert text.startswith('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">')
    assert text.count("∂") == 2


@pytest.mark.parametrize("tex", [r"\unheardof{x}", r"\frac{1}", "{", r"\def\a{\a\a}\a", r"\href{javascript:alert(1)}{x}", "x" * 6000,
                                 r"\def\a{" + "{" * 100 + "}" * 100 + r"}\a"])
def test_what_cannot_be_translated_is_shown_as_it_was_written(tex):
    html = to_html(f"before ${tex}$ after", {})
    assert "<math" not in html or "href" not in html
    assert "before" in html and "after" in html


def test_a_macro_that_grows_without_end_is_stopped():
    with pytest.raises(NotTranslated):
        expand(r"\a", {"a": (0, r"\a\a")})


def test_signs_of_html_in_a_formula_stay_signs():
    html = to_html("$a < b > c \\text{<script>}$", {})
    assert "<script" not in html and "&lt;" in html


def test_headings_stand_below_the_heading_of_the_page():
    assert to_html("# One\n\n###### Six", {}) == "<h2>One</h2>\n<h6>Six</h6>\n"
