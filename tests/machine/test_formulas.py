"""Formulas become MathML; what cannot is shown as it was written, and nothing grows without end."""

import re
from pathlib import Path

import nbformat
import pytest

from grading.pages.formulas import mathml, to_html
from grading.pages.macros import Macros

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted(ROOT.glob("source/*/*.ipynb")), ids=lambda path: path.stem)
def test_every_formula_of_the_notebooks_is_translated(path):
    macros, count = Macros(), 0
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            html = to_html(cell.source, macros)
            count += html.count("<math")
            assert not re.search(r"<code>[^<]*\\", html)
            assert "$" not in html
    assert count > 20


def test_a_formula_is_a_tree_of_known_elements():
    text = mathml(r"\frac{\partial \mathbf{y}}{\partial x}", "block")
    assert text.startswith('<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">')
    assert text.count("∂") == 2


@pytest.mark.parametrize("tex", [r"\unheardof{x}", r"\frac{1}", "{", r"\def\a{\a\a}\a", r"\href{javascript:alert(1)}{x}", "x" * 6000,
                                 r"\def\a{" + "{" * 100 + "}" * 100 + r"}\a"])
def test_what_cannot_be_translated_is_shown_as_it_was_written(tex):
    html = to_html(f"before ${tex}$ after", Macros())
    assert "<math" not in html or "href" not in html
    assert "before" in html and "after" in html


def test_a_page_of_growing_macros_costs_no_more_than_its_budget():
    """Each formula may ask for little and all of them for much: the budget is the page's."""
    macros = Macros()
    macros.expand(r"\def\a#1{#1#1#1#1#1#1#1#1}")
    html = to_html("\n\n".join([r"$\a{\a{\a{x}}}$"] * 400), macros)
    assert 0 < html.count("<math") < 400
    assert html.count("<math") + html.count("<code>") == 400
    assert len(html) < 5_000_000


def test_a_page_of_many_formulas_is_translated_up_to_its_budget():
    html = to_html("\n\n".join([f"${'x' * 4000}$"] * 60), Macros())
    assert html.count("<math") == 25 and html.count("<code>") == 35


def test_signs_of_html_in_a_formula_stay_signs():
    html = to_html("$a < b > c \\text{<script>}$", Macros())
    assert "<script" not in html and "&lt;" in html


def test_headings_stand_below_the_heading_of_the_page():
    assert to_html("# One\n\n###### Six", Macros()) == "<h2>One</h2>\n<h6>Six</h6>\n"
