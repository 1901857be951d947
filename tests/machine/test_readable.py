"""Formulas of a notebook are found as Jupyter finds them and written out; code stays as it is."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grading.notebooks.readable import NotReadable, formulas, make_readable

MACROS = "$$\n\\def\\loss{\\mathcal{L}}\n\\newcommand{\\grad}[2]{\\frac{#1}{#2}}\n\\def\\b{\\mathbf{b}}\n$$"


def found(text):
    return [text[inner:outer] for _, inner, outer, _ in formulas(text)]


@pytest.mark.parametrize(("text", "wanted"), [
    ("a $x$ b $y$", ["x", "y"]),
    ("$$\nx\n$$ and $y$", ["\nx\n", "y"]),
    ("`$x$` and ``a ` $y$`` and $z$", ["z"]),
    ("```\n$x$\n```\n$y$", ["y"]),
    ("~~~python\n$x$\n~~~\n$y$\n\n```\n$z$", ["y"]),
    (r"costs \$5 and \$6, $x$", ["x"]),
    (r"$\text{if $a$ then}$ b", [r"\text{if $a$ then}"]),
    (r"$a\$b$ c", [r"a\$b"]),
    ("a $ b\n\nc $x$", ["x"]),
    ("\\begin{align}x\\end{align} \\begin{matrix} y", ["\\begin{align}x\\end{align}"]),
    ("\\begin{aligned}\\begin{aligned}x\\end{aligned}\\end{aligned}", ["\\begin{aligned}\\begin{aligned}x\\end{aligned}\\end{aligned}"]),
    (r"\\(x\\) and \\[y\\]", ["x", "y"]),
    ("| $a$ | b |\n| - | - |\n| `$` | $c$ |", ["a", "c"]),
    ("an open ` and $x$", ["x"]),
    ("# $x$\n> - $y$", ["x", "y"]),
])
def test_formulas_are_found(text, wanted):
    assert found(text) == wanted


def readable(*cells, folder="."):
    return [cell.source for cell in make_readable(new_notebook(cells=list(cells)), folder).cells]


def test_formulas_are_written_out_and_the_cell_of_macros_is_gone():
    assert readable(new_markdown_cell("<!-- macros -->\n" + MACROS), new_markdown_cell(r"$\grad\loss\b$, `\loss`")) == [
        r"$\frac{\mathcal{L}}{\mathbf{b}}$, `\loss`"]


def test_a_macro_may_be_used_above_its_definition():
    assert readable(new_markdown_cell(r"$\loss$"), new_markdown_cell(MACROS)) == [r"$\mathcal{L}$"]


def test_text_beside_definitions_stays_and_so_does_a_cell_that_nbgrader_knows():
    known = new_markdown_cell(MACROS, metadata={"nbgrader": {"grade_id": "macros"}})
    assert readable(new_markdown_cell("# Title\n\n" + MACROS + "\n\nText"), known) == ["# Title\n\n\n\nText", ""]


def test_code_and_markdown_without_macros_stay_as_they_are():
    cells = ["\n# $x$ \n", "", "<!-- a remark -->"]
    code = 're.sub(r"\\b", "$", r"$\\loss$")\n'
    assert readable(*map(new_markdown_cell, cells), new_markdown_cell(MACROS), new_code_cell(code)) == [*cells, code]


def test_macros_of_a_notebook_that_is_run_hold_and_the_line_is_gone(tmp_path):
    nbformat.write(new_notebook(cells=[new_markdown_cell(MACROS), new_code_cell(r'display(Latex(r"$$\def\loss{L}$$"))')]),
                   tmp_path / "Latex_macros.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell(MACROS), new_code_cell("x = 1")]), tmp_path / "more.ipynb")
    assert readable(new_code_cell("%run Latex_macros.ipynb"), new_code_cell("%run Latex_macros.ipynb\nimport os"),
                    new_code_cell("%run more.ipynb"), new_code_cell("%run missing.ipynb"), new_markdown_cell(r"$\loss$"),
                    folder=tmp_path) == ["import os", "%run more.ipynb", "%run missing.ipynb", r"$\mathcal{L}$"]


def test_a_formula_that_cannot_be_written_out_is_named_with_its_cell():
    cell = new_markdown_cell(MACROS + r" $\grad{x}$", metadata={"nbgrader": {"grade_id": "question"}})
    with pytest.raises(NotReadable, match=r"the cell question .* \\grad lacks an argument"):
        readable(cell)
