"""The lecture runs top to bottom in a real kernel, opens as promised, and its helper is right."""

import json
import os
import re
import runpy
import shutil
from html import escape
from pathlib import Path

import matplotlib
import matplotlib.font_manager  # builds the font cache here; the kernel would report it on stderr
import mpmath
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from grading.tools import lecture as lecture_tools

LECTURE = Path(__file__).resolve().parents[2] / "lecture"
NOTEBOOKS = ("vanishing_and_exploding_gradients", "Latex_macros")
OKABE_ITO = {"#000000", "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}
GUIDE_GREY = "#555555"

# What MathJax and KaTeX both know and this lecture may use beside its own macros.
STANDARD_COMMANDS = set(
    """frac tfrac sum prod max in le ge approx cdot cdots ldots odot times quad qquad text
    mathbf mathcal mathrm mathsf operatorname partial sigma Phi lVert rVert lvert rvert""".split()
)
PROMISED_MACROS = {"loss", "y", "W", "ll", "llp", "ip"}

# Runs before pyplot is imported, so this hook precedes the one by which the inline backend
# shows and closes the open figures.
RECORD_FIGURES = """
import sys as _sys
_figures = []

def _record_open_figures():
    plt = _sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return
    from matplotlib.colors import to_hex
    for number in plt.get_fignums():
        _figures.append([
            {
                "title": ax.get_title(), "xlabel": ax.get_xlabel(), "ylabel": ax.get_ylabel(),
                "lines": [
                    {"color": to_hex(line.get_color()), "marker": str(line.get_marker()),
                     "dashes": repr(line._dash_pattern), "named": not line.get_label().startswith("_")}
                    for line in ax.get_lines()
                ],
            }
            for ax in plt.figure(number).axes
        ])

get_ipython().events.register("post_execute", _record_open_figures)
"""
TELL_FIGURES = """
import json as _json
get_ipython().display_pub.publish({"application/json": {"figures": _json.dumps(_figures)}})
"""


def read(name):
    return nbformat.read(LECTURE / f"{name}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def lecture():
    return read(NOTEBOOKS[0])


@pytest.fixture(scope="module")
def macros():
    """{name: definition} of the code cell, the one that `%run` reads."""
    return definitions(cells_of(read("Latex_macros"), "code")[0].source)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The lecture after a run in a copy of its folder; two extra cells record the figures."""
    folder = tmp_path_factory.mktemp("lecture")
    shutil.copytree(LECTURE, folder, dirs_exist_ok=True)
    notebook = nbformat.read(folder / f"{NOTEBOOKS[0]}.ipynb", as_version=4)
    notebook.cells.insert(0, new_code_cell(RECORD_FIGURES))
    notebook.cells.append(new_code_cell(TELL_FIGURES))
    client = NotebookClient(
        notebook,
        timeout=300,  # seconds a cell
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    # The user's own IPython start-up files and choice of backend are not part of the lecture.
    ipython_dir = str(tmp_path_factory.mktemp("ipython"))
    backend = "module://matplotlib_inline.backend_inline"
    client.execute(env={**os.environ, "IPYTHONDIR": ipython_dir, "MPLBACKEND": backend})
    return notebook


@pytest.fixture(scope="module")
def figures(executed):
    """For each figure the list of its panels, as RECORD_FIGURES describes them."""
    return json.loads(executed.cells[-1].outputs[0].data["application/json"]["figures"])


@pytest.fixture(scope="module")
def nnh():
    matplotlib.use("Agg")
    return runpy.run_path(str(LECTURE / "neural_net_helper.py"))["NN_Helper"]()


def cells_of(notebook, cell_type):
    return [cell for cell in notebook.cells if cell.cell_type == cell_type]


def complaints(notebook):
    """Whatever a run wrote to stderr or raised."""
    outputs = [output for cell in cells_of(notebook, "code") for output in cell.outputs]
    return [
        output.get("text") or output.get("evalue")
        for output in outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]


def images(cell):
    return sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


# ------------------------------------------------------------------------ the lecture runs


def test_lecture_runs_top_to_bottom_without_a_warning(executed):
    assert complaints(executed) == []
    assert all(cell.execution_count for cell in cells_of(executed, "code"))


def test_a_warning_or_an_error_would_be_noticed():
    cell = new_code_cell("1 / 0")
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="RuntimeWarning"),
        nbformat.v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero"),
        nbformat.v4.new_output("stream", name="stdout", text="all is well"),
    ]
    noticed = complaints(nbformat.v4.new_notebook(cells=[cell]))
    assert noticed == ["RuntimeWarning", "division by zero"]


def test_lecture_opens_as_lecturers_notebooks_do(lecture):
    first, second = cells_of(lecture, "code")[:2]
    assert lecture.cells[0] is first
    assert first.source == "%run Latex_macros.ipynb"
    lines = [line for line in second.source.splitlines() if line]
    wanted = [
        "import neural_net_helper",
        "%load_ext autoreload",
        "%autoreload 1",
        "%aimport neural_net_helper",
        'InteractiveShell.ast_node_interactivity = "all"',
        "nnh = neural_net_helper.NN_Helper()",
    ]
    assert [line for line in lines if line in wanted] == wanted


def test_interactivity_all_shows_an_expression_in_the_middle_of_a_cell(executed):
    (cell,) = [cell for cell in executed.cells if cell.id == "check-backward-step"]
    shown = [output.data["text/plain"] for output in cell.outputs if "data" in output]
    assert shown == ["[(2, 5), (2, 4), (2, 3)]"]


# --------------------------------------------------------------------------------- figures


def test_every_figure_was_recorded(executed, figures):
    assert len(figures) == sum(images(cell) for cell in executed.cells) >= 10


def test_every_panel_has_a_title_and_axis_labels(figures):
    for panels in figures:
        for panel in panels:
            assert panel["title"] and panel["xlabel"] and panel["ylabel"], panel


def test_colours_are_okabe_itos_and_never_the_only_sign(figures):
    for panel in (panel for panels in figures for panel in panels):
        assert {line["color"] for line in panel["lines"]} <= OKABE_ITO | {GUIDE_GREY}
        named = [line for line in panel["lines"] if line["named"]]
        for sign in ("color", "marker", "dashes"):
            assert len({line[sign] for line in named}) == len(named), (panel["title"], sign)


def test_text_after_every_figure_says_what_it_shows(executed):
    for cell, after in zip(executed.cells, executed.cells[1:]):
        if images(cell):
            assert after.cell_type == "markdown", cell.id
            assert after.source.startswith("**What the figure shows.**"), cell.id


# ---------------------------------------------------------------------------------- macros


def definitions(text):
    r"""{name: body} of every `\def\name{...}` line of `text`; a parameter list may stand between."""
    return dict(re.findall(r"^\\def\\([A-Za-z]+)((?:#\d)*\{.*\})$", text, flags=re.MULTILINE))


def commands_in_math(markdown):
    r"""Names of the commands inside $...$ and $$...$$, code spans left out."""
    without_code = re.sub(r"`[^`]*`", "", markdown)
    math = re.findall(r"\$\$(.+?)\$\$|\$(.+?)\$", without_code, flags=re.DOTALL)
    return set(re.findall(r"\\([A-Za-z]+)", " ".join("".join(parts) for parts in math)))


def test_commands_are_found_in_math_only():
    text = r"`\code` and \outside and $\in + \y_\ll$ and $$\n" + "\n\\frac{1}{2}$$"
    assert commands_in_math(text) == {"in", "y", "ll", "n", "frac"}


def test_macros_after_run_and_in_a_rendered_page_are_the_same(macros):
    (rendered,) = [cell for cell in read("Latex_macros").cells if cell.id == "macros"]
    assert definitions(rendered.source) == macros
    assert macros.keys() >= PROMISED_MACROS


def test_every_macro_in_the_text_is_defined(lecture, macros):
    for notebook in (lecture, read("Latex_macros")):
        for cell in cells_of(notebook, "markdown"):
            unknown = commands_in_math(cell.source) - macros.keys() - STANDARD_COMMANDS - {"def"}
            assert not unknown, (cell.id, unknown)


def test_every_macro_is_built_from_known_commands(macros):
    for name, body in macros.items():
        used = set(re.findall(r"\\([A-Za-z]+)", body))
        assert used <= macros.keys() | STANDARD_COMMANDS and name not in used, name


def test_run_hands_the_macros_to_the_page(executed, macros):
    cell = cells_of(executed, "code")[1]  # after the cell that records figures
    shown = "\n".join(output.data.get("text/latex", "") for output in cell.outputs)
    assert definitions(shown) == macros


# ------------------------------------------------------------------- the notebooks as kept


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_kept_clean(name):
    notebook = read(name)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    for cell in notebook.cells:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cell.id), cell.id
        assert cell.get("outputs", []) == [] and cell.get("execution_count") is None, cell.id


# ------------------------------------------------------------------- the lecture as it is read


@pytest.fixture(scope="module")
def released():
    return nbformat.read(LECTURE.parent / "release" / "lecture" / f"{NOTEBOOKS[0]}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def page(released):
    return lecture_tools.page(released, "The lecture")


def test_the_released_lecture_is_what_its_sources_give_now(released):
    wanted = lecture_tools.readable(LECTURE)
    assert [cell.source for cell in released.cells] == [cell.source for cell in wanted.cells], "run: make release"
    assert released.metadata.made_from == lecture_tools.fingerprint(LECTURE), "run: make release"
    nbformat.validate(released)


def test_the_released_lecture_ran_without_a_warning_and_holds_every_picture(released, figures):
    assert complaints(released) == []
    assert sum(images(cell) for cell in released.cells) == len(figures) >= 12


def test_no_macro_is_in_the_released_lecture_and_all_of_its_text_is(lecture, released, macros):
    text = "\n".join(cell.source for cell in cells_of(released, "markdown"))
    assert commands_in_math(text) <= STANDARD_COMMANDS
    assert not [name for name in macros if re.search(rf"\\{name}(?![A-Za-z])", text)]
    for kind in ("markdown", "code"):       # but for the cell that runs the macros: here the one that finds the helper
        assert len(cells_of(released, kind)) == len(cells_of(lecture, kind))


def test_every_picture_of_the_lecture_has_an_alt_text_of_its_own(released, page):
    texts = [output.metadata["image/png"]["alt"] for cell in cells_of(released, "code") for output in cell.outputs
             if "image/png" in output.get("data", {})]
    assert len(set(texts)) == len(texts) >= 12 and min(map(len, texts)) > 80
    wanted, told = [escape(text, quote=False) for text in texts], re.findall(r'<img alt="([^"]*)"', page)
    assert [text for text in told if text in wanted] == wanted and all(told)     # the drawings of the text have theirs as well


def test_the_page_of_the_lecture_asks_for_nothing_and_shows_no_tex(page):
    assert not re.search(r"<script|<link|<iframe|@import|url\(|src=\"(?!data:)", page)
    assert page.count("<math") > 150 and "<code>\\" not in page
    shown = re.sub(r"<(style|div class=\"code\"|code).*?</(style|div|code)>", "", page, flags=re.DOTALL)
    assert "$" not in shown and not re.search(r"\\[A-Za-z]", shown)
    assert page.count("<h1") == 1


def test_a_released_lecture_is_made_anew_only_when_its_sources_change(tmp_path, monkeypatch):
    for name in lecture_tools.SOURCES:
        (tmp_path / "lecture").mkdir(exist_ok=True)
        shutil.copy(LECTURE / name, tmp_path / "lecture")
    runs = []
    monkeypatch.setattr(lecture_tools, "run", lambda nb, source: runs.append(source) or nb)
    assert lecture_tools.release_lecture(tmp_path / "released", tmp_path)
    assert not lecture_tools.release_lecture(tmp_path / "released", tmp_path)
    with open(tmp_path / "lecture" / "neural_net_helper.py", "a") as helper:
        helper.write("# changed\n")
    assert lecture_tools.release_lecture(tmp_path / "released", tmp_path)
    assert len(runs) == 2


# --------------------------------------------------------------------------------- NN_Helper

TAILS = np.concatenate([-np.geomspace(700, 1e-3, 60), [0.0], np.geomspace(1e-3, 700, 60)])


def exact(function, zs):
    """`function` of each z with 50 digits, rounded to float64 once."""
    with mpmath.workdps(50):
        return np.array([float(function(mpmath.mpf(float(z)))) for z in zs])


def exact_sigmoid(z):
    return 1 / (1 + mpmath.exp(-z))


EXACT = {
    "sigmoid": exact_sigmoid,
    "sigmoid_grad": lambda z: exact_sigmoid(z) * exact_sigmoid(-z),
    "tanh_grad": lambda z: 1 / mpmath.cosh(z) ** 2,
    "silu_grad": lambda z: exact_sigmoid(z) * (1 + z * exact_sigmoid(-z)),
}


@pytest.mark.parametrize("name", EXACT)
def test_helper_agrees_with_mpmath_in_both_tails(nnh, name):
    zs = TAILS / 2 if name == "tanh_grad" else TAILS  # e^-2|z| leaves float64 twice as early
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        got = getattr(nnh, name)(zs)
    # No point of TAILS lies close to -1.28, where silu' has a root and loses relative accuracy.
    np.testing.assert_allclose(got, exact(EXACT[name], zs), rtol=1e-14, atol=0)


def test_gelu_grad_agrees_with_mpmath(nnh):
    zs = np.linspace(-12, 12, 97)
    wanted = [float(mpmath.ncdf(z) + z * mpmath.npdf(z)) for z in zs]
    np.testing.assert_allclose(nnh.gelu_grad(zs), wanted, rtol=0, atol=1e-15)


def test_sigmoid_and_its_derivative_reach_their_limits_silently(nnh):
    ends = np.array([-np.inf, -1e300, 1e300, np.inf])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert nnh.sigmoid(ends).tolist() == [0, 0, 1, 1]
        assert nnh.sigmoid_grad(ends).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "silu", "gelu"])
@pytest.mark.parametrize("z", [0.5, 2, [1, 2, 3], np.arange(6).reshape(2, 3)])
def test_activations_keep_the_shape(nnh, name, z):
    assert np.shape(nnh.activate(z, name)) == np.shape(z)
    assert np.shape(nnh.activation_grad(z, name)) == np.shape(z)


def test_plot_activations_returns_figure_and_axes(nnh):
    import matplotlib.pyplot as plt

    x = np.linspace(-4, 4, 81)
    fig, axs = nnh.plot_activations(x)
    try:
        assert isinstance(fig, plt.Figure)
        assert axs.shape == (2, 3) and all(isinstance(ax, plt.Axes) for ax in axs.flat)
        assert [ax.get_title() for ax in axs[0]] == ["sigmoid", "tanh", "ReLU"]
        np.testing.assert_array_equal(axs[1, 0].get_lines()[0].get_ydata(), nnh.sigmoid_grad(x))
    finally:
        plt.close(fig)
