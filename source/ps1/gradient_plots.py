"""Pictures for the course's notebooks: lines and points in labelled panels, nothing else.

A picture cell hands `draw` a function that computes the panels with the functions you wrote. If
one of them is missing or fails, `draw` says in one sentence what to finish first.

    def panels():
        z = np.linspace(-1, 1, 21)
        return [gradient_plots.panel("Title", "z", "value", {"line": (z, my_function(z))})]

    gradient_plots.draw(panels, "What the picture shows")
"""

import io
import json
import logging
import os
import traceback
from base64 import b64encode
from html import escape

import numpy as np

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)     # else the first run says in red that it looks at fonts
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

# Okabe and Ito's colours, told apart with every common kind of colour blindness. Line styles and
# markers say the same once more, for a print in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1)))
MARKERS = ("o", "s", "^", "D", "v")


# A grader that sets this variable draws the picture itself, from the numbers.
DATA_WANTED = "GRADER_DRAWS_PICTURES"
DATA_TYPE = "application/vnd.gradients.picture+json"


class Picture:
    """A picture for the notebook as a PNG image, with a sentence for a screen reader."""

    def __init__(self, panels, title, shared):
        self.content = {"panels": panels, "title": title, "shared": shared}
        self.description = _description(panels, title)

    def _repr_mimebundle_(self, include=None, exclude=None):
        if os.environ.get(DATA_WANTED):
            return {DATA_TYPE: json.dumps(self.content, default=list), "text/plain": self.description}
        # Base64, since not every kernel packs bytes; as HTML first, since JupyterLab shows no alt text of an image/png.
        picture = b64encode(png(**self.content)).decode()
        image = f'<img alt="{escape(self.description)}" src="data:image/png;base64,{picture}">'
        return {"text/html": image, "image/png": picture, "text/plain": self.description}, {"image/png": {"alt": self.description}}

    def __repr__(self):
        return self.description


def panel(title, x_label, y_label, lines, *, points=(), decades=False, legend="upper left"):
    """One pair of axes.

    title, x_label, y_label: text. lines: {label: (x, y)}, where x and y are sequences of the same
    length. points: the labels to draw as markers instead of a line. decades: y holds log10 of a
    size, so that the axis reads 1e-3, 1e-2 and so on. legend: the legend's corner.
    """
    return {"title": title, "x_label": x_label, "y_label": y_label,
            "lines": {label: _numbers(label, *xy) for label, xy in lines.items()},
            "points": points, "decades": decades, "legend": legend}


def draw(make_panels, title, *, shared=False):
    """Return the picture of the panels that make_panels() returns, side by side.

    shared: all panels have the same labels and y axis; the axis label stands in the first, one legend below all.
    If a function of yours is not written yet or fails, print what to do and return None.
    """
    try:
        panels = make_panels()
    except Exception as error:  # any error of the student's own function ends in a sentence
        print("No picture yet: " + _what_to_do(error))
        return None
    return Picture(panels, title, shared)


def _numbers(label, x, y):
    x, y = np.asarray(x, dtype=float), np.asarray(y)
    if y.dtype.kind not in "biuf" or y.shape != x.shape:
        raise ValueError(f"the curve {label!r} needs {x.size} numbers, but your function gave "
                         f"an array of shape {y.shape} and type {y.dtype}")
    # Infinite values have no place on the axis: they leave a gap.
    return x, np.where(np.isfinite(y), y, np.nan)


def _what_to_do(error):
    if isinstance(error, NotImplementedError):
        name = traceback.extract_tb(error.__traceback__)[-1].name
        return f"{name} is not written yet. Finish it, run its cell, then run this one again."
    if isinstance(error, NameError):
        return f"{error.name} is not known yet. Run the cell that defines it, then this one again."
    return (f"{type(error).__name__}: {error}. Run the visible checks of the exercises "
            "above: they say which one to mend.")


def png(panels, title, shared):
    """The PNG image as bytes. Few ticks, no grid and fixed places: they are what costs time."""
    figure = Figure(figsize=(4.0 * len(panels), 3.8 if shared else 3.4), dpi=80)
    FigureCanvasAgg(figure)
    share = 1.0 / len(panels)
    first = None
    for number, content in enumerate(panels):
        box = (share * (number + 0.19), 0.25 if shared else 0.16, share * 0.77, 0.56 if shared else 0.63)
        axes = figure.add_axes(box, sharey=first if shared else None)
        _draw_lines(axes, content)
        axes.grid(axis="y", alpha=0.3)
        axes.set_title(content["title"], fontsize=11)
        axes.set_xlabel(content["x_label"])
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10)))
        if shared and number > 0:
            axes.tick_params(axis="y", left=False, labelleft=False)
        else:
            _label_y_axis(axes, content)
        if not shared:
            axes.legend(fontsize=8, loc=content["legend"])
        first = first or axes
    if shared:
        figure.legend(*first.get_legend_handles_labels(), loc="lower center", ncols=len(panels[0]["lines"]), fontsize=9)
    figure.suptitle(title, fontsize=12)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _draw_lines(axes, content):
    for number, (label, (x, y)) in enumerate(content["lines"].items()):
        colour = COLOURS[number % len(COLOURS)]
        if label in content["points"]:
            style = {"linestyle": "none", "marker": MARKERS[number % len(MARKERS)]}
        else:
            style = {"linestyle": LINE_STYLES[number % len(LINE_STYLES)], "linewidth": 2}
        axes.plot(x, y, label=label, color=colour, **style)


def _label_y_axis(axes, content):
    axes.set_ylabel(content["y_label"])
    whole = {"integer": True, "min_n_ticks": 1} if content["decades"] else {}    # between whole decades each tick would read 1e0
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10), **whole))
    if content["decades"]:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"1e{round(value)}"))


def _description(panels, title):
    parts = [f"{content['title']}, {content['y_label']} against {content['x_label']}, "
             f"lines: {', '.join(content['lines'])}" for content in panels]
    return f"{title}. {'; '.join(parts)}."
