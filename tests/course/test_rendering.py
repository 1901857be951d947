"""Every formula that is handed out renders where students read it: MathJax (Jupyter, Colab) and KaTeX (VS Code), from npm."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

from grading.notebooks.readable import formulas
from grading.pages.macros import Macros

ROOT = Path(__file__).parents[2]
HERE = ROOT / "tests" / "formulas"
PACKAGES = ROOT / "build" / "formulas"
RELEASED = sorted((ROOT / "release").glob("*/*.ipynb"))
DEFINITIONS = (r"\def\loss{\mathcal{L}}\def\y{\mathbf{y}}\def\ll{l}\def\llp{{(\ll)}}\def\T{{\mathsf{T}}}\def\norm#1{\lVert #1 \rVert}"
               r"\newcommand{\grad}[2][x]{\frac{\partial #2}{\partial #1}}\DeclareMathOperator*{\argmax}{arg\,max}\let\old=\y")


@pytest.fixture(scope="session")
def render():
    """What both renderers make of formulas, [(TeX, whether it stands alone)], as `render.cjs` says it."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed, which brings MathJax and KaTeX: apt-get install npm")
    lock = HERE / "package-lock.json"
    if not (PACKAGES / "node_modules").exists() or (PACKAGES / lock.name).read_bytes() != lock.read_bytes():
        install(lock)

    def run(wanted):
        done = subprocess.run(["node", HERE / "render.cjs"], cwd=PACKAGES, text=True, capture_output=True,
                              input=json.dumps([{"tex": tex, "display": display} for tex, display in wanted]))
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)
    return run


def install(lock):
    PACKAGES.mkdir(parents=True, exist_ok=True)
    for path in (lock, lock.with_name("package.json")):
        shutil.copy(path, PACKAGES)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--fetch-retries=1", "--prefix", PACKAGES]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        trouble = done.returncode and done.stderr.strip()[-400:]
    except subprocess.TimeoutExpired:
        trouble = "no answer"
    if trouble:
        shutil.rmtree(PACKAGES)
        pytest.skip(f"MathJax and KaTeX could not be had ({trouble}): {' '.join(map(str, command))}")


def found_in(path):
    """[(TeX, whether it stands alone)] of each formula of a notebook."""
    return [(text[inner:outer], inner - start != 1) for text in markdown_of(path) for start, inner, outer, _ in formulas(text)]


def markdown_of(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_every_formula_renders_with_mathjax_and_with_katex(path, render):
    wanted = found_in(path)
    assert len(wanted) > 20
    said = render(wanted)
    assert [(tex, one["mathjax"], one["katex"]) for (tex, _), one in zip(wanted, said) if one["mathjax"] or one["katex"]] == []


@pytest.mark.parametrize("tex", [r"\loss", r"\grad{x}{y}", r"\frac{1}", r"\begin{aligned}x", r"x^2^3"])
def test_a_formula_with_a_macro_or_a_mistake_is_refused_by_both(tex, render):
    (said,) = render([(tex, True)])
    assert said["mathjax"] and said["katex"]


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_formulas_are_delimited_as_every_program_wants_it(path):
    """VS Code takes $ for a dollar beside a blank or before a digit; JupyterLab takes one before a backquote for code."""
    for text in markdown_of(path):
        for start, inner, outer, end in formulas(text):
            assert text[end:end + 1] != "`", text[start:end + 9]
            if text[start:inner] == "$":
                assert not text[inner].isspace() and not text[outer - 1].isspace(), text[start:end]
                assert not text[end:end + 1].isdigit(), text[start:end + 1]


def shape(mathml):
    """MathML without what braces leave behind: groups of one, marks of where they stood."""
    mathml = re.sub(r'\s*data-mjx-[\w-]+="[^"]*"', "", re.sub(r"\s+", " ", mathml))
    return re.sub(r"</?m(row|style|padded)[^>]*>\s*", "", mathml)


@pytest.mark.parametrize("tex", [
    r"\loss'_\ll", r"\grad\y", r"\grad[\z]{\y_\ll}", r"\frac\y\loss", r"\frac{a}\y\ll", r"\sqrt[\ll]\y\old", r"x_\loss^\T\y^\llp",
    r"\norm{\norm{\y}}^2", r"\argmax_\ll\old", r"\hat\y\cdot\ll x", r"\begin{aligned}\y&=\ll\\\loss&=\norm\ll\end{aligned}",
    r"\text{if }\y\ll", r"\mathbf\ll\y",
])
def test_a_formula_written_out_is_to_mathjax_what_it_was_with_macros(tex, render):
    macros = Macros()
    macros.expand(DEFINITIONS + r"\def\z{z}")
    with_macros, written_out = render([(DEFINITIONS + r"\def\z{z}" + tex, True), (macros.expand(tex), True)])
    assert with_macros["mathjax"] is None and written_out["mathjax"] is None and written_out["katex"] is None
    assert shape(written_out["mathml"]) == shape(with_macros["mathml"])
