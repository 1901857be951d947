"""The source notebooks: complete, in order, running, and honest about wrong answers."""

import ast
import base64
import inspect
import re
import shutil
import sys
import types
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions

SOURCE = Path(__file__).parents[2] / "source"
LECTURE_MACROS = SOURCE.parent / "lecture" / "Latex_macros.ipynb"

# What is public about each exercise: names, order and signatures.
EXERCISES = {
    "ps1/activations": {
        "sigmoid": "(z)",
        "sigmoid_derivative": "(z)",
        "tanh_derivative": "(z)",
        "relu": "(z)",
        "relu_derivative": "(z)",
        "leaky_relu_derivative": "(z, slope=0.01)",
        "saturated_fraction": "(a_prime, threshold=0.001)",
    },
    "ps2/backward_step": {
        "layer_forward": "(y_prev, W, b, activation)",
        "local_gradient": "(z, W, activation)",
        "backward_step": "(loss_grad, z, W, activation)",
        "weight_gradient": "(loss_grad, z, y_prev, activation)",
        "backpropagate": "(loss_grad, x, weights, biases, activations)",
    },
    "ps3/product_of_gradients": {
        "scalar_gradient_product": "(loss_grad, a_primes, f_primes)",
        "product_of_gradients": "(loss_grad, zs, weights, activation)",
        "log10_gradient_norms": "(loss_grad, zs, weights, activation)",
        "log10_gradient_bound": "(max_derivative, weights)",
        "diagnose": "(log10_norms, decades=3.0)",
        "update_ratios": "(weights, weight_grads, learning_rate)",
    },
    "ps4/recurrent": {
        "rnn_forward": "(x, h0, W_xh, W_hh, b, activation)",
        "backward_through_time": "(direct_grads, zs, W_hh, activation)",
        "recurrent_weight_gradients": "(loss_grads, zs, hs, x, activation)",
        "spectral_radius": "(W_hh)",
        "memory_horizon": "(max_derivative, W_hh, tolerance=0.001)",
        "clip_by_global_norm": "(grads, max_norm)",
    },
    "ps5/remedies": {
        "initial_std": "(fan_in, fan_out, activation)",
        "gelu_derivative": "(z)",
        "residual_backward_step": "(loss_grad, z, W, activation)",
        "layer_norm": "(z, gain, shift, eps=1e-05)",
        "layer_norm_backward": "(loss_grad, z, gain, eps=1e-05)",
        "cell_state_gradient": "(loss_grad, forget_gates)",
    },
}
NOTEBOOKS = sorted(str(path.relative_to(SOURCE).with_suffix("")) for path in SOURCE.glob("*/*.ipynb"))
CASES = [(notebook, name) for notebook, names in EXERCISES.items() for name in names]
WITHOUT_ARRAYS = {"initial_std"}       # numbers and names cannot be changed by a call

# Commands that MathJax and KaTeX know without our help.
STANDARD_COMMANDS = set("def mathcal mathbf mathsf lVert rVert lvert rvert frac partial sum prod max ln "
                        "log tanh sqrt le ge cdot cdots ldots qquad quad text infty operatorname mu sigma Phi varphi odot lambda bigl bigr pi widehat pm".split())
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*\n)### END HIDDEN TESTS")
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?) *### END SOLUTION", re.DOTALL)

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS)
every_exercise = pytest.mark.parametrize(("notebook", "name"), CASES)


@cache
def text_of(notebook):
    return (SOURCE / f"{notebook}.ipynb").read_text(encoding="utf-8")


def read(notebook):
    return nbformat.reads(text_of(notebook), as_version=4)


def cell_of(notebook, cell_id):
    return next(cell for cell in read(notebook).cells if cell.id == cell_id)


def helpers_of(notebook):
    """The modules that lie beside the notebook."""
    return sorted((SOURCE / notebook).parent.glob("*.py"))


def markdown_of(notebook):
    return [cell.source for cell in read(notebook).cells if cell.cell_type == "markdown"]


def release_of(notebook):
    nb, resources = read(notebook), {}
    for preprocessor in (ClearSolutions, ClearHiddenTests, ClearMarkScheme):
        nb, resources = preprocessor().preprocess(nb, resources)
    return nb


def visible(cell):
    return HIDDEN.sub("", cell.source)


def run_cells(notebook, monkeypatch, cells=None, skip=("test_", "draw-")):
    """Execute the code cells in this process, except those whose id starts with a skipped word."""
    monkeypatch.syspath_prepend(str((SOURCE / notebook).parent))
    namespace = {"__name__": "notebook"}
    for cell in cells or read(notebook).cells:
        if cell.cell_type == "code" and not cell.id.startswith(skip):
            exec(compile(visible(cell), cell.id, "exec"), namespace)
    return namespace


def reshaped(result, leaf):
    """The same structure of lists and tuples as lists, with leaf applied to every array."""
    if isinstance(result, (list, tuple)):
        return [reshaped(entry, leaf) for entry in result]
    return leaf(result)


def zeros(value):
    return "stable" if isinstance(value, str) else np.zeros_like(np.asarray(value, dtype=float))


def plain(value):
    return value if isinstance(value, str) else np.asarray(value).tolist()


def wrapped(function, leaf):
    return lambda *args, **kwargs: reshaped(function(*args, **kwargs), leaf)


# --- complete and in order ---------------------------------------------------------------------


@every_notebook
def test_notebook_is_valid_and_names_the_python3_kernel(notebook):
    nb = read(notebook)
    nbformat.validate(nb)
    assert (nb.nbformat, nb.nbformat_minor) >= (4, 5)
    assert nb.metadata.kernelspec.name == "python3"
    assert nb.metadata.kernelspec.display_name == "Python 3 (ipykernel)"


@every_notebook
def test_code_cells_hold_no_outputs_and_no_execution_counts(notebook):
    for cell in read(notebook).cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None, cell.id


@every_notebook
def test_exercises_stand_in_order_each_followed_by_its_tests_and_the_question_last(notebook):
    marked = [cell.metadata.nbgrader for cell in read(notebook).cells if "nbgrader" in cell.metadata]
    graded_ids = [meta.grade_id for meta in marked if meta.solution or meta.grade or meta.task]
    wanted = [grade_id for name in EXERCISES[notebook] for grade_id in (name, f"test_{name}")]
    assert graded_ids == [*wanted, "explain_" + Path(notebook).name]


@every_notebook
def test_cell_ids_are_chosen_by_hand_and_equal_the_grade_ids(notebook):
    for cell in read(notebook).cells:
        assert re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", cell.id), cell.id
        if "nbgrader" in cell.metadata:
            assert cell.id == cell.metadata.nbgrader.grade_id


@every_exercise
def test_answer_and_tests_cells_have_the_right_kind_and_points(notebook, name):
    def kind(meta):
        return meta.grade, meta.solution, meta.locked, meta.task, meta.schema_version

    answer, tests = (cell_of(notebook, i).metadata.nbgrader for i in (name, f"test_{name}"))
    assert kind(answer) == (False, True, False, False, 3)
    assert kind(tests) == (True, False, True, False, 3)
    assert 1 <= tests.points <= 6


@every_exercise
def test_answer_cell_has_the_public_signature_and_a_docstring_with_shapes(notebook, name):
    (function,) = ast.parse(cell_of(notebook, name).source).body
    assert function.name == name
    assert f"({ast.unparse(function.args)})" == EXERCISES[notebook][name]
    assert re.search(r"shape|\([mL]\b", ast.get_docstring(function))


@every_exercise
def test_section_before_the_answer_states_contract_shapes_and_an_example(notebook, name):
    cells = read(notebook).cells
    place = next(i for i, cell in enumerate(cells) if cell.id == name)
    section = cells[place - 1]
    assert section.id == f"about_{name}"
    points = cells[place + 1].metadata.nbgrader.points
    assert re.match(rf"## Exercise \d: `{name}` \({points} points?\)\n", section.source)
    for part in ("**Contract.**", "**By hand.**", "shape"):
        assert part in section.source, part


@every_exercise
def test_hidden_region_is_one_line_that_names_the_exercise(notebook, name):
    source = cell_of(notebook, f"test_{name}").source
    assert HIDDEN.findall(source) == [f'run_hidden_checks("{name}")\n']
    assert source.endswith("### END HIDDEN TESTS")


@every_notebook
def test_question_is_a_task_with_rubric_that_adds_up_to_its_points(notebook):
    # nbgrader shows a mark scheme to graders, and keeps it out of the release, in task cells only.
    cell = cell_of(notebook, "explain_" + Path(notebook).name)
    meta = cell.metadata.nbgrader
    assert (meta.task, meta.grade, meta.solution, meta.locked) == (True, False, False, True)
    rubric = cell.source.split("### BEGIN MARK SCHEME")[1]
    assert sum(int(number) for number in re.findall(r"^- (\d) point", rubric, re.MULTILINE)) == meta.points


@every_notebook
def test_headings_are_one_title_and_then_sections(notebook):
    text = "\n".join(markdown_of(notebook))
    levels = [len(marks) for marks in re.findall(r"^(#+) (?!BEGIN|END)", text, re.MULTILINE)]
    assert levels[0] == 1 and set(levels[1:]) == {2}


@every_notebook
def test_macros_are_defined_before_use_and_as_in_the_lecture(notebook):
    title, macros, *rest = markdown_of(notebook)
    defined = set(re.findall(r"^\\def\\([A-Za-z]+)", macros, re.MULTILINE))
    used = set(re.findall(r"\\([A-Za-z]+)", "\n".join(rest)))
    assert used - STANDARD_COMMANDS <= defined
    assert defined <= used
    assert r"\loss" not in title
    lecture = "\n".join(cell.source for cell in nbformat.read(LECTURE_MACROS, 4).cells)
    for line in re.findall(r"^\\def.*$", macros, re.MULTILINE):
        assert line in lecture, line


def test_helpers_that_come_along_are_identical_copies():
    for name in ("gradient_plots.py", "visible_checks.py"):
        assert len({path.read_bytes() for path in SOURCE.glob(f"*/{name}")}) == 1
    alike = [notebook for notebook in NOTEBOOKS if "visible_checks" in cell_of(notebook, "setup").source]
    assert len({cell_of(notebook, "setup").source for notebook in alike}) == 1
    given = {cell_of(notebook, "given_activations").source for notebook in NOTEBOOKS[1:]}
    assert len(given) == 1


# --- what the student gets -----------------------------------------------------------------------


@every_notebook
def test_release_holds_no_line_of_a_solution_no_hidden_call_and_no_rubric(notebook):
    released = "\n".join(cell.source for cell in release_of(notebook).cells)
    for word in ("SOLUTION", "HIDDEN", "MARK SCHEME", "run_hidden_checks", "Mark scheme"):
        assert word not in released
    helpers = [helper.read_text(encoding="utf-8") for helper in helpers_of(notebook)]
    lines = {line.strip() for line in "\n".join([released, *helpers]).splitlines()}
    for name in EXERCISES[notebook]:
        (solution,) = SOLUTION.findall(cell_of(notebook, name).source)
        assert not lines & {line.strip() for line in solution.splitlines()}, name


@every_notebook
def test_picture_cells_of_a_blank_release_name_the_function_to_write(notebook, monkeypatch, capsys):
    cells = release_of(notebook).cells
    namespace = run_cells(notebook, monkeypatch, cells)
    pictures = [cell for cell in cells if cell.id.startswith("draw-")]
    assert pictures
    for cell in pictures:
        capsys.readouterr()
        exec(compile(cell.source, cell.id, "exec"), namespace)
        sentence = capsys.readouterr().out
        said = re.fullmatch(r"No picture yet: (\w+) is not written yet\. Finish it.*\n", sentence)
        assert said and said[1] in EXERCISES[notebook]


def test_picture_cell_names_a_function_whose_cell_was_not_run(monkeypatch, capsys):
    namespace = run_cells("ps1/activations", monkeypatch)
    del namespace["relu"]
    exec(cell_of("ps1/activations", "draw-activations").source, namespace)
    assert "No picture yet: relu is not known yet." in capsys.readouterr().out


def test_picture_cell_tells_of_a_function_that_returns_nothing(monkeypatch, capsys):
    namespace = run_cells("ps1/activations", monkeypatch)
    namespace["relu"] = lambda z: None
    exec(cell_of("ps1/activations", "draw-activations").source, namespace)
    assert "the curve 'ReLU up to 2' needs" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "remedy"), [
    ("gradient_plots", "put gradient_plots.py, which came with this notebook"),
    ("visible_checks", "put visible_checks.py, which came with this notebook"),
    ("numpy", "run `%pip install numpy`"),
    ("matplotlib", "run `%pip install matplotlib`")])
def test_first_cell_says_what_is_missing_and_how_to_get_it(name, remedy, monkeypatch):
    monkeypatch.syspath_prepend(str(SOURCE / "ps1"))
    # parts of matplotlib only where none of it can be loaded again: a package that is loaded in halves is broken for all tests after
    for loaded in [one for one in sys.modules if one == "gradient_plots" or name == "matplotlib" and one.startswith("matplotlib.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=f"{name} is missing: {remedy}"):
        exec(cell_of("ps1/activations", "setup").source, {})


@pytest.mark.parametrize(("name", "said"), [("matplotlib", "reload the page"), ("gradient_plots", "put gradient_plots.py")])
def test_first_cell_sends_nobody_in_a_circle_where_python_runs_in_the_browser(name, said, monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    test_first_cell_says_what_is_missing_and_how_to_get_it(name, said, monkeypatch)


def test_first_cell_fetches_in_colab_what_comes_with_the_notebook_and_goes_on_where_it_cannot(tmp_path, monkeypatch):
    setup = cell_of("ps1/activations", "setup").source
    files = shutil.copytree(SOURCE / "ps1", tmp_path / "web")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "google.colab", object())
    monkeypatch.syspath_prepend(str(tmp_path))
    for one in ("gradient_plots", "visible_checks"):
        monkeypatch.delitem(sys.modules, one, raising=False)
    exec(setup.replace('WEB = ""', f'WEB = "{files.as_uri()}"', 1), {})
    assert (tmp_path / "gradient_plots.py").read_bytes() == (SOURCE / "ps1" / "gradient_plots.py").read_bytes()
    exec(setup.replace('WEB = ""', f'WEB = "{(tmp_path / "nowhere").as_uri()}"', 1), {})     # they are there already
    monkeypatch.setitem(sys.modules, "visible_checks", None)
    with pytest.raises(ImportError, match="in Colab: the folder symbol"):
        exec(setup, {})


def test_first_cell_refuses_a_numpy_that_is_too_old(monkeypatch):
    setup = cell_of("ps1/activations", "setup").source
    monkeypatch.setattr(np, "__version__", "1.25.2")
    monkeypatch.syspath_prepend(str(SOURCE / "ps1"))
    with pytest.raises(ImportError, match=r"NumPy 1\.25\.2 is too old: run `%pip install"):
        exec(setup, {})


# --- the visible checks ----------------------------------------------------------------------------


@every_notebook
def test_notebook_runs_from_top_to_bottom_and_draws(notebook, tmp_path):
    nb = read(notebook)
    for cell in nb.cells:
        cell.source = visible(cell)
    for helper in helpers_of(notebook):
        (tmp_path / helper.name).write_bytes(helper.read_bytes())
    NotebookClient(nb, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()

    outputs = [(cell.id, output) for cell in nb.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [cell_id for cell_id, output in outputs if output.get("name") == "stderr"]
    pictures = {cell_id for cell_id, output in outputs if "image/png" in output.get("data", {})}
    assert pictures == {cell.id for cell in nb.cells if cell.id.startswith("draw-")} != set()


@every_exercise
def test_visible_checks_pass_with_lists_in_place_of_arrays_and_tuples(notebook, name, monkeypatch):
    namespace = run_cells(notebook, monkeypatch)
    namespace[name] = wrapped(namespace[name], plain)
    exec(visible(cell_of(notebook, f"test_{name}")), namespace)


@every_exercise
def test_visible_checks_refuse_the_blank_answer_in_words(notebook, name, monkeypatch):
    namespace = run_cells(notebook, monkeypatch, release_of(notebook).cells)
    with pytest.raises(NotImplementedError, match=f"{name} is not written yet"):
        exec(visible(cell_of(notebook, f"test_{name}")), namespace)


@every_exercise
@pytest.mark.parametrize("wrong", [zeros, lambda value: None], ids=["zeros", "nothing"])
def test_visible_checks_refuse_zeros_and_nothing_in_words(notebook, name, wrong, monkeypatch):
    namespace = run_cells(notebook, monkeypatch)
    namespace[name] = wrapped(namespace[name], wrong)
    with pytest.raises(AssertionError, match=r"\w+ \w+ \w+"):
        exec(visible(cell_of(notebook, f"test_{name}")), namespace)


@every_exercise
def test_visible_checks_refuse_a_floating_point_warning_in_words(notebook, name, monkeypatch):
    namespace = run_cells(notebook, monkeypatch)
    right = namespace[name]

    def warning(*args, **kwargs):
        np.exp(np.array([1000.0]))
        return right(*args, **kwargs)

    namespace[name] = warning
    with pytest.raises(AssertionError, match=f"{name} should cause no floating-point warning"):
        exec(visible(cell_of(notebook, f"test_{name}")), namespace)


@pytest.mark.parametrize(("notebook", "name"), [case for case in CASES if case[1] not in WITHOUT_ARRAYS])
def test_visible_checks_notice_a_changed_argument(notebook, name, monkeypatch):
    namespace = run_cells(notebook, monkeypatch)
    right = namespace[name]

    def changing(*args, **kwargs):
        result = right(*args, **kwargs)
        for argument in args:
            for array in argument if isinstance(argument, list) else [argument]:
                if isinstance(array, np.ndarray):
                    array += 1
        return result

    namespace[name] = changing
    with pytest.raises(AssertionError):
        exec(visible(cell_of(notebook, f"test_{name}")), namespace)


# --- the given functions -----------------------------------------------------------------------------


@pytest.mark.parametrize("notebook", NOTEBOOKS[1:])
def test_given_activations_agree_with_the_answers_of_the_first_assignment(notebook, monkeypatch):
    answers = run_cells("ps1/activations", monkeypatch)
    given = run_cells(notebook, monkeypatch)
    z = np.concatenate([np.linspace(-300, 300, 241), [-1e300, 1e300]]).reshape(3, 81)
    pairs = {
        ("activate", "sigmoid"): answers["sigmoid"](z),
        ("activate", "tanh"): np.tanh(z),
        ("activate", "relu"): answers["relu"](z),
        ("activate", "identity"): z,
        ("activation_derivative", "sigmoid"): answers["sigmoid_derivative"](z),
        ("activation_derivative", "tanh"): answers["tanh_derivative"](z),
        ("activation_derivative", "relu"): answers["relu_derivative"](z),
        ("activation_derivative", "identity"): np.ones_like(z),
    }
    with np.errstate(all="raise", under="ignore"):
        for (function, activation), wanted in pairs.items():
            np.testing.assert_allclose(given[function](z, activation), wanted, rtol=1e-12, atol=0)
    for function in ("activate", "activation_derivative"):
        assert list(inspect.signature(given[function]).parameters) == ["z", "activation"]
        with pytest.raises(ValueError, match="unknown activation 'Relu'"):
            given[function](z, "Relu")


# --- pictures and predictions --------------------------------------------------------------------------

INLINE = re.compile(r'^<img alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)">$')
FIGURES = {"ps1/activations": "layer", "ps2/backward_step": "backward", "ps3/product_of_gradients": "product"}


@pytest.mark.parametrize(("notebook", "name"), FIGURES.items())
def test_the_drawing_is_the_lectures_and_is_told_in_words(notebook, name):
    """Inside the notebook, so that it is there in Colab too; locked, so that grading pages take it for ours."""
    cell = cell_of(notebook, f"figure_{name}")
    words, picture = INLINE.fullmatch(cell.source).groups()
    assert base64.b64decode(picture) == (SOURCE.parent / "lecture" / "pictures" / f"{name}.svg").read_bytes()
    assert len(words) > 100 and cell.metadata.nbgrader.locked
    lecture = nbformat.read(SOURCE.parent / "lecture" / "vanishing_and_exploding_gradients.ipynb", 4)
    assert cell.source in [other.source for other in lecture.cells]


@pytest.mark.parametrize(("notebook", "prediction"), [("ps1/activations", 4.0), ("ps2/backward_step", 2), ("ps3/product_of_gradients", "relu"),
                                                        ("ps4/recurrent", "b"), ("ps5/remedies", {0.9: 46, 0.99: 4})])
def test_the_picture_after_a_prediction_remembers_it(notebook, prediction, monkeypatch):
    cells = read(notebook).cells
    place = next(i for i, cell in enumerate(cells) if cell.id == "my-prediction")
    assert "**Predict before you run.**" in "".join(cell.source for cell in cells[place - 3:place])
    picture = next(cell for cell in cells[place:] if cell.id.startswith("draw-"))
    shown = []
    for given in (None, prediction):
        namespace = run_cells(notebook, monkeypatch) | {"my_prediction": given}
        drawn = {}
        namespace["gradient_plots"] = types.SimpleNamespace(
            panel=namespace["gradient_plots"].panel, draw=lambda make, title, **more: drawn.update(panels=make(), title=title))
        exec(picture.source, namespace)
        shown.append(drawn["title"] + str([list(panel["lines"]) for panel in drawn["panels"]]))
        assert len(drawn["title"]) <= 90, "a longer one is cut off on both sides"
    assert "predict" in shown[1] and shown[0] != shown[1]


def test_an_axis_of_decades_reads_every_label_once(monkeypatch):
    """Also where a wrong answer's line spans less than a decade."""
    monkeypatch.syspath_prepend(SOURCE / "ps4")
    import gradient_plots
    from matplotlib.figure import Figure
    for lowest in (-0.3, -1.2, -9.0):
        axes = Figure().add_axes((0.2, 0.2, 0.7, 0.7))
        axes.plot([0, 1], [lowest, 0.3])
        gradient_plots._label_y_axis(axes, {"y_label": "size", "decades": True})
        labels = [axes.yaxis.get_major_formatter()(place) for place in axes.get_yticks()]
        assert "1e0" in labels and len(set(labels)) == len(labels)


@every_notebook
def test_the_head_lists_every_exercise_with_its_points(notebook):
    title, *_ = markdown_of(notebook)
    for place, name in enumerate(EXERCISES[notebook], 1):
        points = cell_of(notebook, f"test_{name}").metadata.nbgrader.points
        assert re.search(rf"^\| {place} \| `{name}` \| .+ \| {points} \|$", title, re.MULTILINE)
    for part in ("**Afterwards you can**", "**Time:**", "**Deadline:**"):
        assert part in title
