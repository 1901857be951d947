"""The lecture's figures that move, as data: every state that the sliders can reach, computed by the lecture's own helper.

The page's script (site/static/figures.js) draws what stands here and works nothing out, so each number that is shown is the
helper's, and each sentence can be read by a test.
"""

import json
import runpy
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

VERDICTS = ("It vanishes", "It stays, within a factor of ten", "It explodes")
DECADES = 1.0       # a gradient that changes by less stays
BELOW = 1e-3        # a slope below it is saturated
DIGITS = 3
PLACES = {"depth": "figure-scales-says", "recurrent": "figure-recurrent-says", "saturation": "figure-saturation-says"}

SCALES = {"x 1/4": 0.25, "x 1/2": 0.5, "x 0.7": 2**-0.5, "x 1": 1.0, "x 1.4": 2**0.5, "x 2": 2.0, "x 4": 4.0}
DEPTHS = (5, 10, 20, 30, 40, 50)
GAINS = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0)
SPREADS = (0.5, 1, 2, 3, 4, 6, 8, 12, 16, 32)
UNITS = 40          # that are shown as points


def figures(root: Path) -> dict[str, dict[str, Any]]:
    """{name: what the page draws} of the three figures."""
    matplotlib.use("Agg")       # the helper can draw, and is not asked to
    helper = runpy.run_path(str(Path(root, "lecture", "neural_net_helper.py")))["NN_Helper"]()
    return {"depth": by_depth(helper), "recurrent": by_lag(helper), "saturation": by_spread(helper)}


# --- the gradient by layer --------------------------------------------------------------------------------------

def norms_by_layer(helper: Any, name: str, std: Callable[..., float], depth: int) -> np.ndarray:
    """The norm of the loss gradient of layers 0 to `depth`, in the network that the lecture draws."""
    rng, width, batch = np.random.default_rng(0), 64, 32
    weights = helper.random_weights(rng, [width] * (depth + 1), std)
    zs, _ = helper.forward(rng.normal(size=(batch, width)), weights, name)
    top = rng.normal(size=(batch, width))
    return np.array([np.linalg.norm(one) for one in helper.backward(top / np.linalg.norm(top), zs, weights, name)])


def by_depth(helper: Any) -> dict[str, Any]:
    networks, states = {"sigmoid": helper.glorot, "tanh": helper.glorot, "relu": helper.he}, {}
    for first, (name, std) in enumerate(networks.items()):
        for second, scale in enumerate(SCALES.values()):
            for third, depth in enumerate(DEPTHS):
                decades = np.log10(norms_by_layer(helper, name, lambda n, m, std=std, scale=scale: scale * std(n, m), depth))
                states[f"{first}/{second}/{third}"] = {
                    "y": rounded(decades), **told(decades[0], depth, "layer", f"{depth} layers", "arrives at the input")}
    return {"title": "The gradient by layer", "ask": "What happens to the gradient between the last layer and the input?",
            "options": VERDICTS, "choice": {"label": "Activation", "values": ["sigmoid", "tanh", "ReLU"]},
            "sliders": [{"label": "Weights, as a multiple of Glorot's (He's for ReLU)", "values": list(SCALES), "start": 3},
                        {"label": "Layers", "values": [str(depth) for depth in DEPTHS], "start": 5}],
            "x": {"from": 0, "to": 50, "label": "layer l (0 = input)", "ticks": [0, 10, 20, 30, 40, 50]},
            "y": {"from": -40, "to": 35, "label": "norm of the loss gradient", "ticks": [-40, -30, -20, -10, 0, 10, 20, 30], "decades": True},
            "states": states}


# --- the gradient by lag ----------------------------------------------------------------------------------------

def norms_by_lag(helper: Any, gain: float, steps: int = 100) -> np.ndarray:
    """The norm of the gradient 0 to `steps` steps back in time, in the recurrence that the lecture draws."""
    rng, width, batch = np.random.default_rng(0), 64, 32
    shared = gain * np.linalg.qr(rng.normal(size=(width, width)))[0]
    state, zs = np.zeros((batch, width)), []
    for _ in range(steps):
        zs.append(rng.normal(0, 0.1, (batch, width)) + state @ shared)
        state = helper.tanh(zs[-1])
    grads = helper.backward(rng.normal(size=(batch, width)), zs, [shared] * steps, "tanh")
    norms = np.array([np.linalg.norm(one) for one in reversed(grads)])
    return norms / norms[0]


def by_lag(helper: Any) -> dict[str, Any]:
    states = {}
    for index, gain in enumerate(GAINS):
        decades = np.log10(norms_by_lag(helper, gain))
        states[f"0/{index}"] = {"y": rounded(decades), **told(decades[-1], 100, "step", "100 steps", "is left after 100 steps back")}
    return {"title": "The gradient through time", "ask": "What happens to the gradient on its way back through 100 steps?",
            "options": VERDICTS, "choice": {"label": "Activation", "values": ["tanh"]},
            "sliders": [{"label": "Gain g: W_hh is g times an orthogonal matrix", "values": [f"{gain:g}" for gain in GAINS], "start": 6}],
            "x": {"from": 0, "to": 100, "label": "lag (steps back in time)", "ticks": [0, 20, 40, 60, 80, 100]},
            "y": {"from": -20, "to": 10, "label": "norm of the gradient, relative to lag 0", "ticks": [-20, -15, -10, -5, 0, 5, 10], "decades": True},
            "states": states}


def told(decades: float, count: int, one: str, many: str, arrives: str) -> dict[str, Any]:
    """The verdict on a gradient that changed by so many decades over `count` factors, and a sentence that says so."""
    answer = 1 if abs(decades) <= DECADES else 2 if decades > 0 else 0
    part = f"10^{decades:.0f}" if abs(decades) >= 4 else f"{10**decades:,.0f}" if decades > 1 else f"{10**decades:.2g}"
    return {"answer": answer, "says": f"{many}: on average each {one} multiplies the gradient by {10 ** (decades / count):.2f}, "
                                      f"and {part} times as much {arrives}. {VERDICTS[answer]}."}


# --- where the units are ----------------------------------------------------------------------------------------

def by_spread(helper: Any) -> dict[str, Any]:
    draws, states, lines = np.random.default_rng(0).normal(size=20_000), {}, []
    z = np.linspace(-20, 20, 161)
    for first, name in enumerate(("sigmoid", "tanh")):
        lines.append(rounded(helper.activate(z, name)))
        for second, spread in enumerate(SPREADS):
            share = float(np.mean(helper.activation_grad(spread * draws, name) < BELOW))
            at = spread * draws[:UNITS]
            flat = helper.activation_grad(at, name) < BELOW
            answer = 0 if share < 0.1 else 1 if share < 0.5 else 2
            seen = int(np.sum(np.abs(at) > 20))
            outside = f" {seen} of the {UNITS} points lie beyond the edges." if seen else ""
            states[f"{first}/{second}"] = {
                "points": [[*pair, bool(is_flat)] for pair, is_flat in
                           zip(zip(rounded(np.clip(at, -20, 20)), rounded(helper.activate(at, name))), flat)],
                "answer": answer, "says": f"{share:.0%} of the units are saturated: their slope is below {BELOW:g}.{outside}"}
    return {"title": "Where on the curve are the units?", "ask": "How many units are so far out that hardly any gradient passes?",
            "options": ["Under a tenth", "Under a half", "Half or more"],
            "choice": {"label": "Activation", "values": ["sigmoid", "tanh"]},
            "sliders": [{"label": "Standard deviation of z", "values": [f"{spread:g}" for spread in SPREADS], "start": 6}],
            "x": {"from": -20, "to": 20, "label": "pre-activation z", "ticks": [-20, -10, 0, 10, 20]},
            "y": {"from": -1.1, "to": 1.1, "label": "a(z)", "ticks": [-1, -0.5, 0, 0.5, 1]},
            "curves": {"x": rounded(z), "y": lines}, "states": states}


# --- on the page ------------------------------------------------------------------------------------------------

def rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), DIGITS) for value in values]


def as_html(name: str, figure: dict[str, Any]) -> str:
    """A figure for the page: nothing to see until the script has read it, so that a page without script lacks nothing."""
    data = json.dumps(figure, separators=(",", ":")).replace("<", "\\u003c")
    return (f'<section class="moves" id="moves-{name}" aria-label="{escape(figure["title"])}" hidden>'
            f'<script type="application/json">{data}</script></section>')
