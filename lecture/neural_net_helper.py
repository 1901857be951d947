"""Mathematics and figures for the lecture on vanishing and exploding gradients.

Notation, layer l = 1..L, a batch of m rows: y_0 = x, z_l = y_{l-1} W_l + b_l,
y_l = a(z_l), and L'_l = dLoss/dy_l. The biases are zero unless a function says
otherwise. In code `zs[l-1]` and `weights[l-1]` belong to layer l, `ys[l]` and
`loss_grads[l]` to layer l as well, because layer 0 (the input) has those two.

Instructors: this file holds answers to assignments. See README.md.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

# Okabe and Ito's palette without its yellow, which is too pale for a line. Every
# series has its own dashes and marker too: colour is never the only sign.
SERIES = (
    {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#CC79A7", "linestyle": ":", "marker": "D"},
    {"color": "#E69F00", "linestyle": (0, (5, 1, 1, 1, 1, 1)), "marker": "v"},
    {"color": "#56B4E9", "linestyle": (0, (8, 2)), "marker": "P"},
)
GUIDE = {"color": "#555555", "linestyle": (0, (1, 2)), "linewidth": 1.2}
SHOWN_AS = {"relu": "ReLU", "silu": "SiLU", "gelu": "GELU"}

_gaussian_cdf = np.vectorize(lambda z: 0.5 * math.erfc(-z / math.sqrt(2)), otypes=[float])


class NN_Helper:
    """What the lecture computes and draws; every method is free of side effects.

    Functions of `z` take a number or an array of any shape and return the same
    shape. Every `plot_...` method returns `(fig, axs)`,
    `axs` being one Axes or an array of them.
    """

    # ---------------------------------------------------------------- activations

    def sigmoid(self, z):
        """1 / (1 + e^-z). Only e^-|z| is formed, so nothing overflows in either tail."""
        z = np.asarray(z, dtype=float)
        e = np.exp(-np.abs(z))
        return (np.where(z >= 0, 1.0, e) / (1.0 + e))[()]

    def sigmoid_grad(self, z):
        """The derivative of the sigmoid, e^-|z| / (1 + e^-|z|)^2.

        Equal to s(1 - s), but that form loses the right tail: 1 - s rounds to 0.
        """
        e = np.exp(-np.abs(np.asarray(z, dtype=float)))
        return (e / (1.0 + e) ** 2)[()]

    def tanh(self, z):
        """NumPy's own, which is stable."""
        return np.tanh(z)

    def tanh_grad(self, z):
        """tanh(z) = 2 sigmoid(2z) - 1, so its derivative keeps both tails as well."""
        return 4.0 * self.sigmoid_grad(2.0 * np.asarray(z, dtype=float))

    def relu(self, z):
        """max(0, z)."""
        return np.maximum(0.0, z)

    def relu_grad(self, z):
        """1 for z > 0, else 0; at z = 0, where no derivative exists, 0 by convention."""
        return (np.asarray(z, dtype=float) > 0).astype(float)[()]

    def silu(self, z):
        """z sigmoid(z), also called swish."""
        z = np.asarray(z, dtype=float)
        return z * self.sigmoid(z)

    def silu_grad(self, z):
        """s(z) (1 + z s(-z)): s(-z) instead of 1 - s(z) keeps the right tail."""
        z = np.asarray(z, dtype=float)
        return self.sigmoid(z) * (1.0 + z * self.sigmoid(-z))

    def gelu(self, z):
        """z Phi(z) with the exact cumulative distribution function Phi of N(0, 1)."""
        z = np.asarray(z, dtype=float)
        return z * _gaussian_cdf(z)

    def gelu_grad(self, z):
        """Phi(z) + z phi(z), phi being the density of N(0, 1)."""
        z = np.asarray(z, dtype=float)
        return _gaussian_cdf(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)

    def activate(self, z, name):
        """The activation called `name`: "sigmoid", "tanh", "relu", "silu" or "gelu"."""
        return getattr(self, name)(z)

    def activation_grad(self, z, name):
        """a'(z) of the activation called `name`."""
        return getattr(self, name + "_grad")(z)

    # ------------------------------------------------------------------- networks

    def random_weights(self, rng, widths, std):
        """One Gaussian W_l (n_{l-1}, n_l) a layer; `std` is a function of (n_{l-1}, n_l)."""
        pairs = zip(widths[:-1], widths[1:])
        return [rng.normal(0.0, std(n_in, n_out), (n_in, n_out)) for n_in, n_out in pairs]

    def glorot(self, n_in, n_out):
        """Standard deviation of Glorot and Bengio (2010), section 4.2.1."""
        return math.sqrt(2.0 / (n_in + n_out))

    def he(self, n_in, n_out):
        """Standard deviation of He et al. (2015), section 2.2, for ReLU."""
        return math.sqrt(2.0 / n_in)

    def forward(self, x, weights, activation):
        """x (m, n_0) -> (zs, ys): L pre-activations and L + 1 outputs, ys[0] = x."""
        zs, ys = [], [x]
        for W in weights:
            zs.append(ys[-1] @ W)
            ys.append(self.activate(zs[-1], activation))
        return zs, ys

    def backward(self, loss_grad, zs, weights, activation):
        """L'_L (m, n_L) -> the list of all L'_l, l = 0..L, from L'_{l-1} = (L'_l * a'_l) W_l^T."""
        loss_grads = [loss_grad]
        for z, W in zip(reversed(zs), reversed(weights)):
            loss_grads.append((loss_grads[-1] * self.activation_grad(z, activation)) @ W.T)
        return loss_grads[::-1]

    def weight_grads(self, loss_grads, zs, ys, activation):
        """The list of dLoss/dW_l = y_{l-1}^T (L'_l * a'_l), summed over the batch."""
        return [
            y_prev.T @ (loss_grad * self.activation_grad(z, activation))
            for y_prev, loss_grad, z in zip(ys[:-1], loss_grads[1:], zs)
        ]

    # -------------------------------------------------------------------- figures

    def lines(self, ax, x, series, points=9):
        """Draw each {label: values} in the next style of SERIES, with about `points` markers.

        The markers of the series are staggered, so that curves on top of each other show.
        """
        step = max(1, len(x) // points)
        for i, (label, values) in enumerate(series.items()):
            stagger = (i * step // len(series), step)
            label = SHOWN_AS.get(label, label)
            ax.plot(x, values, label=label, markevery=stagger, **SERIES[i])

    def label(self, ax, title, xlabel, ylabel):
        """Give the panel what every panel of the course has: title, axis labels, a faint grid."""
        ax.set_title(title)
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        ax.grid(True, alpha=0.3)

    def plot_activations(self, x, names=("sigmoid", "tanh", "relu")):
        """Each activation of `names` above its derivative, over the points `x` (n,)."""
        fig, axs = plt.subplots(
            2,
            len(names),
            figsize=(3.6 * len(names), 6),
            sharex=True,
            sharey="row",
            squeeze=False,
            layout="constrained",
        )
        for (top, bottom), name, look in zip(axs.T, names, SERIES):
            slopes = self.activation_grad(x, name)
            shown, every = SHOWN_AS.get(name, name), max(1, len(x) // 9)
            top.plot(x, self.activate(x, name), markevery=every, **look)
            bottom.plot(x, slopes, markevery=every, **look)
            bottom.axhline(slopes.max(), **GUIDE)
            self.label(top, shown, "z", "a(z)")
            self.label(bottom, f"derivative of {shown}, up to {slopes.max():.3g}", "z", "a'(z)")
        return fig, axs

    def plot_lines(
        self,
        x,
        series,
        *,
        title,
        xlabel,
        ylabel,
        xscale="linear",
        yscale="linear",
        ylim=None,
        guides=(),
        points=9,
    ):
        """One panel with a line for each {label: values}; `guides` are heights of dotted lines."""
        fig, ax = plt.subplots(figsize=(7.5, 4.5), layout="constrained")
        self.lines(ax, x, series, points)
        for height in guides:
            ax.axhline(height, **GUIDE)
        self.label(ax, title, xlabel, ylabel)
        if xscale == "log2":
            ax.set_xscale("log", base=2)
        else:
            ax.set_xscale(xscale)
        ax.set_yscale(yscale)
        ax.set_ylim(ylim)
        ax.legend()
        return fig, ax

    def plot_by_layer(self, panels, *, title, ylabel, first_layer=0):
        """One log-scaled panel for each {heading: {label: values by layer}}, with one y axis."""
        fig, axs = plt.subplots(
            1,
            len(panels),
            figsize=(max(7.5, 4.0 * len(panels)), 4.5),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for ax, (heading, series) in zip(axs[0], panels.items()):
            layers = first_layer + np.arange(len(next(iter(series.values()))))
            self.lines(ax, layers, series)
            self.label(ax, heading, "layer l" if first_layer else "layer l (0 = input)", ylabel)
            ax.set_yscale("log")
            ax.legend()
        fig.suptitle(title)
        return fig, axs[0]

    def plot_saturation(self, z, stds, threshold=1e-3, names=("sigmoid", "tanh")):
        """Left: a' over `z` (n,) on a log axis. Right: the share of a' below `threshold`
        among Gaussian pre-activations with each standard deviation of `stds` (k,)."""
        draws = np.random.default_rng(0).normal(size=20_000)
        slopes = {name: self.activation_grad(z, name) for name in names}
        shares = {
            name: [np.mean(self.activation_grad(std * draws, name) < threshold) for std in stds]
            for name in names
        }
        fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
        self.lines(left, z, slopes)
        left.axhline(threshold, **GUIDE)
        left.set_yscale("log")
        self.label(left, "both tails are straight on a log axis", "z", "a'(z)")
        self.lines(right, stds, shares)
        right.set_xscale("log", base=2)
        self.label(
            right,
            f"share of units with a' < {threshold:g}",
            "standard deviation of z",
            "share of units",
        )
        left.legend()
        right.legend()
        return fig, np.array([left, right])
