"""The figures that move on the web site show the numbers of the lecture, by the lecture's own code."""

import json
import re
from pathlib import Path

import matplotlib
import nbformat
import numpy as np
import pytest

from grading.tools import lecture
from grading.tools import site_figures as moving

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def figures():
    return moving.figures(ROOT)


@pytest.fixture(scope="module")
def notebook():
    """{name: what it is} of what the cells of the lecture that define functions leave, run without their drawings."""
    matplotlib.use("Agg")
    import runpy
    helper = runpy.run_path(str(ROOT / "lecture" / "neural_net_helper.py"))["NN_Helper"]()
    room = {"np": np, "nnh": helper}
    cells = {cell.id: cell.source for cell in nbformat.read(ROOT / "lecture" / f"{lecture.NAME}.ipynb", as_version=4).cells}
    for name in ("figure-bound", "figure-recurrent"):
        exec(re.match(r"def .*?\n\n\n", cells[name], re.DOTALL)[0], room)
    room["scaled"] = lambda std, scale: lambda n, m: scale * std(n, m)
    return room


@pytest.mark.parametrize(("pick", "name", "std"), [(0, "sigmoid", "glorot"), (1, "tanh", "glorot"), (2, "relu", "he")])
@pytest.mark.parametrize(("scale", "factor"), [(1, 0.5), (3, 1.0), (5, 2.0)])
def test_the_gradient_by_layer_is_that_of_the_lecture(figures, notebook, pick, name, std, scale, factor):
    wanted = np.log10(notebook["gradients_by_layer"](name, notebook["scaled"](getattr(notebook["nnh"], std), factor))[0])
    np.testing.assert_allclose(figures["depth"]["states"][f"{pick}/{scale}/5"]["y"], wanted, rtol=0, atol=0.0006)


@pytest.mark.parametrize(("place", "gain"), [(2, 0.9), (3, 1.0), (6, 1.3), (9, 2.0)])
def test_the_gradient_by_lag_is_that_of_the_lecture(figures, notebook, place, gain):
    np.testing.assert_allclose(figures["recurrent"]["states"][f"0/{place}"]["y"], np.log10(notebook["gradient_by_lag"](gain)),
                               rtol=0, atol=0.0006)


def test_the_share_of_saturated_units_is_that_of_the_lecture(figures, notebook):
    draws = np.random.default_rng(0).normal(size=20_000)
    share = np.mean(notebook["nnh"].sigmoid_grad(8 * draws) < 1e-3)
    state = figures["saturation"]["states"][f"0/{moving.SPREADS.index(8)}"]
    assert state["says"].startswith(f"{share:.0%} of the units") and len(state["points"]) == moving.UNITS
    assert all(flat == (abs(z) > 6.9) for z, _, flat in state["points"] if abs(abs(z) - 6.9) > 0.05)


def test_every_state_that_the_sliders_reach_is_there_with_a_verdict_that_fits_its_sentence(figures):
    for name, figure in figures.items():
        count = len(figure["choice"]["values"]) * np.prod([len(one["values"]) for one in figure["sliders"]])
        assert len(figure["states"]) == count, name
        for state in figure["states"].values():
            assert state["says"] and 0 <= state["answer"] < len(figure["options"])
            if "y" in state:
                change = state["y"][0] - state["y"][-1] if name == "depth" else state["y"][-1] - state["y"][0]
                assert figure["options"][state["answer"]] in state["says"]
                assert (change < -1, abs(change) <= 1, change > 1)[state["answer"]]
        assert {state["answer"] for state in figure["states"].values()} == {0, 1, 2}


def test_all_three_are_light_and_stand_in_the_page_as_data(figures):
    pages = [moving.as_html(name, figure) for name, figure in figures.items()]
    assert sum(map(len, pages)) < 100_000 and all("\n" not in page and " hidden>" in page for page in pages)
    data = re.search(r"json\">(.*)</script>", pages[0])[1]
    assert json.loads(data)["states"].keys() == figures["depth"]["states"].keys()
