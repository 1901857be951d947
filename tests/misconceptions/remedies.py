"""Wrong answers to ps5 that students give, each with the most it may earn and where somebody gave it."""

import math

import numpy as np

from grading.checks import misconception
from grading.checks.bank import SYNTHETIC
from reference_impl.backward_step import activate, activation_derivative, backward_step

GITHUB = "https://github.com"
GLOROT = ("sigmoid", "tanh", "identity")
SAYS_FIXED_EPS = "{} stands in the function's body, so the argument eps changes nothing. Use its name."

# ------------------------------------------------------------------------------------------------------ initial_std


def stds(he, glorot, activation):
    """The standard deviations he and glorot, each for its activations; a ValueError for other names."""
    if activation == "relu":
        return float(np.sqrt(he))
    if activation in GLOROT:
        return float(np.sqrt(glorot))
    raise ValueError(activation)


@misconception(
    "initial_std", "takes 1 / fan_in for Glorot's variance", at_most=0.0, source=f"{GITHUB}/harvard-edge/cs249r_book/issues/1161",
    says="1 / fan_in is LeCun's variance. Glorot's takes both sides: 2 / (fan_in + fan_out), equal to it for equal fans only.",
)
def initial_std_lecun(fan_in, fan_out, activation):
    return stds(2 / fan_in, 1 / fan_in, activation)


@misconception(
    "initial_std", "divides by fan_in only and adds fan_out", at_most=0.0, source=f"{GITHUB}/mlverse/torch/issues/555",
    says="2 / fan_in + fan_out adds fan_out to the quotient. The sum of the fans needs brackets: 2 / (fan_in + fan_out).",
)
def initial_std_brackets(fan_in, fan_out, activation):
    return stds(2 / fan_in, 2 / fan_in + fan_out, activation)


@misconception(
    "initial_std", "takes 3 over the sum of the fans", at_most=0.0, source=f"{GITHUB}/tflearn/tflearn/issues/870",
    says="3 / (fan_in + fan_out) mixes the variance with the bound of a uniform draw. The variance has a 2.",
)
def initial_std_three(fan_in, fan_out, activation):
    return stds(2 / fan_in, 3 / (fan_in + fan_out), activation)


@misconception(
    "initial_std", "leaves the 2 out of He's variance", at_most=0.0, source=f"{GITHUB}/LLNL/lbann/issues/316",
    says="1 / fan_in is right without an activation. ReLU lets half of the squares pass, so He's variance is 2 / fan_in.",
)
def initial_std_he_without_two(fan_in, fan_out, activation):
    return stds(1 / fan_in, 2 / (fan_in + fan_out), activation)


@misconception(
    "initial_std", "returns the variance", at_most=0.0, source=f"{GITHUB}/Lasagne/Lasagne/issues/787",
    says="This is the variance. A standard deviation is asked for: take the root.",
)
def initial_std_variance(fan_in, fan_out, activation):
    return stds(2 / fan_in, 2 / (fan_in + fan_out), activation) ** 2


@misconception(
    "initial_std", "takes fan_out for fan_in", at_most=0.0, source=f"{GITHUB}/keras-team/keras/pull/2252",
    says="He's variance has fan_in, the number of inputs of a unit, in the denominator. This takes fan_out.",
)
def initial_std_fan_out(fan_in, fan_out, activation):
    return stds(2 / fan_out, 2 / (fan_in + fan_out), activation)


@misconception(
    "initial_std", "takes the bound of a uniform draw for a standard deviation", at_most=0.0,
    source=f"{GITHUB}/amsukdu/SimplePythonCNN/issues/2",
    says="The root of 6 over the fans is the bound of a uniform draw, which is the root of 3 times its standard deviation.",
)
def initial_std_uniform_bound(fan_in, fan_out, activation):
    return stds(6 / fan_in, 6 / (fan_in + fan_out), activation)


@misconception(
    "initial_std", "gives 0.01 for all layers", at_most=0.0,
    source="https://community.deeplearning.ai/t/week-4-assignment/63286",
    says="A fixed 0.01 is right for one width only, and shrinks the gradient in all narrower layers. The fans decide.",
)
def initial_std_fixed(fan_in, fan_out, activation):
    return 0.01 if stds(1, 1, activation) else None


@misconception(
    "initial_std", "takes Glorot's for relu as well", at_most=0.0, source=SYNTHETIC,
    says="relu gets Glorot's standard deviation here. It turns half of the units off, which He's 2 / fan_in makes up for.",
)
def initial_std_glorot_for_all(fan_in, fan_out, activation):
    return stds(2 / (fan_in + fan_out), 2 / (fan_in + fan_out), activation)


@misconception(
    "initial_std", "takes He's for all activations", at_most=0.0, source=SYNTHETIC,
    says="sigmoid, tanh and identity get He's standard deviation here. They let all units pass: Glorot's belongs to them.",
)
def initial_std_he_for_all(fan_in, fan_out, activation):
    return stds(2 / fan_in, 2 / fan_in, activation)


@misconception(
    "initial_std", "takes the mean of the fans twice", at_most=0.0, source=SYNTHETIC,
    says="2 over the mean of the fans is twice Glorot's variance: it is 1 over their mean, 2 over their sum.",
)
def initial_std_mean_of_fans(fan_in, fan_out, activation):
    return stds(2 / fan_in, 2 / ((fan_in + fan_out) / 2), activation)


@misconception(
    "initial_std", "multiplies tanh's by a gain of 5/3", at_most=0.0, source="https://pytorch.org/docs/stable/nn.init.html",
    says="A gain of 5/3 for tanh is PyTorch's recommendation, a convention of its own. Here Glorot's formula is used as it is.",
)
def initial_std_torch_gain(fan_in, fan_out, activation):
    return stds(2 / fan_in, 2 / (fan_in + fan_out), activation) * (5 / 3 if activation == "tanh" else 1)


@misconception(
    "initial_std", "divides whole numbers by //", at_most=0.0, source=SYNTHETIC,
    says="// cuts the fraction off, so 2 // fan_in is 0 from 3 on. A single / divides.",
)
def initial_std_whole_division(fan_in, fan_out, activation):
    return stds(2 // fan_in, 2 // (fan_in + fan_out), activation)


@misconception(
    "initial_std", "takes the bound of a uniform draw for Glorot's", at_most=0.0, source=SYNTHETIC,
    says="The root of 6 / (fan_in + fan_out) bounds a uniform draw; its standard deviation is that over the root of 3.",
)
def initial_std_uniform_glorot(fan_in, fan_out, activation):
    return stds(2 / fan_in, 6 / (fan_in + fan_out), activation)


@misconception(
    "initial_std", "leaves the 2 out of the root", at_most=0.0, source=SYNTHETIC,
    says="2 / sqrt(fan_in) is sqrt(4 / fan_in): the 2 belongs under the root as well.",
)
def initial_std_two_outside(fan_in, fan_out, activation):
    return stds(4 / fan_in, 4 / (fan_in + fan_out), activation)


@misconception(
    "initial_std", "draws the weights", at_most=0.0, source=f"{GITHUB}/Lasagne/Lasagne/issues/787",
    says="These are weights of that standard deviation, drawn at random. Only the standard deviation itself is asked for, one number.",
)
def initial_std_draws(fan_in, fan_out, activation):
    std = stds(2 / fan_in, 2 / (fan_in + fan_out), activation)
    return np.random.default_rng(0).normal(0.0, std, size=(min(fan_in, 50), min(fan_out, 50)))


@misconception(
    "initial_std", "rounds to four digits after the point", at_most=0.0, source=SYNTHETIC,
    says="The number was rounded. For wide layers nothing is left of it: return it as it is.",
)
def initial_std_rounded(fan_in, fan_out, activation):
    return round(stds(2 / fan_in, 2 / (fan_in + fan_out), activation), 4)


@misconception(
    "initial_std", "serves every other name with Glorot's", at_most=0.4, source=SYNTHETIC,
    says="An else that serves all other names draws the wrong weights for a name that is misspelt. Raise a ValueError there.",
)
def initial_std_else(fan_in, fan_out, activation):
    return math.sqrt(2 / fan_in) if activation == "relu" else math.sqrt(2 / (fan_in + fan_out))


@misconception(
    "initial_std", "raises a KeyError", at_most=0.4, source=SYNTHETIC,
    says="A dict raises a KeyError for a name that it does not hold. A ValueError is asked for: look first, then raise it yourself.",
)
def initial_std_key_error(fan_in, fan_out, activation):
    glorot = math.sqrt(2 / (fan_in + fan_out))
    return {"relu": math.sqrt(2 / fan_in), "sigmoid": glorot, "tanh": glorot, "identity": glorot}[activation]


@misconception(
    "initial_std", "says nothing for a name that it does not know", at_most=0.4, source=SYNTHETIC,
    says="For another name the function ends without a return, which gives None. The contract asks for a ValueError.",
)
def initial_std_none(fan_in, fan_out, activation):
    if activation == "relu":
        return math.sqrt(2 / fan_in)
    if activation in GLOROT:
        return math.sqrt(2 / (fan_in + fan_out))


@misconception(
    "initial_std", "takes capitals, too", at_most=0.4, source=SYNTHETIC,
    says="lower() makes 'ReLU' a known name. The contract knows four names, all in lower case; every other one is an error.",
)
def initial_std_capitals(fan_in, fan_out, activation):
    return stds(2 / fan_in, 2 / (fan_in + fan_out), activation.lower())


# -------------------------------------------------------------------------------------------------- gelu_derivative


def each(function, z):
    """function of each number, in the shape of z."""
    return np.vectorize(function, otypes=[float])(np.asarray(z, dtype=float))


def Phi(z):
    return each(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)), z)


def phi(z):
    return np.exp(-0.5 * np.clip(z, -40.0, 40.0) ** 2) / math.sqrt(2 * math.pi)


def slope(z):
    """The right derivative, silent for every z."""
    z = np.asarray(z, dtype=float)
    return Phi(z) + np.clip(z, -40.0, 40.0) * phi(z)


def near(z):
    return np.clip(np.asarray(z, dtype=float), -40.0, 40.0)


@misconception(
    "gelu_derivative", "differentiates the approximation by tanh", at_most=0.0, source=f"{GITHUB}/FlagOpen/FlagGems/issues/159",
    says="This is the derivative of the approximation by tanh, off by up to 1e-3. The exact form with erf is asked for.",
)
def gelu_derivative_tanh(z):
    z = near(z)
    inner = math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)
    return 0.5 * (1 + np.tanh(inner)) + 0.5 * z * (1 - np.tanh(inner) ** 2) * math.sqrt(2 / math.pi) * (1 + 0.134145 * z**2)


@misconception(
    "gelu_derivative", "forgets the inner derivative of the approximation", at_most=0.0, source=f"{GITHUB}/karpathy/llm.c/issues/307",
    says="This differentiates the approximation by tanh, and leaves out the inner derivative as well. The exact form has neither.",
)
def gelu_derivative_tanh_without_inner(z):
    z = near(z)
    inner = math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)
    return 0.5 * (1 + np.tanh(inner)) + 0.5 * z * (1 - np.tanh(inner) ** 2)


@misconception(
    "gelu_derivative", "differentiates z sigmoid(1.702 z)", at_most=0.0, source="https://arxiv.org/abs/1606.08415",
    says="z sigmoid(1.702 z) is the other approximation of GELU, off by up to 3e-2. The exact form with erf is asked for.",
)
def gelu_derivative_sigmoid(z):
    s = activate(1.702 * near(z), "sigmoid")
    return s + 1.702 * near(z) * s * (1 - s)


@misconception(
    "gelu_derivative", "differentiates z sigmoid(z)", at_most=0.0, source=SYNTHETIC,
    says="This is the derivative of SiLU, z sigmoid(z). GELU has the normal distribution function in place of the sigmoid.",
)
def gelu_derivative_silu(z):
    s = activate(near(z), "sigmoid")
    return s + near(z) * s * (1 - s)


@misconception(
    "gelu_derivative", "gives Phi alone", at_most=0.0, source=SYNTHETIC,
    says="Phi(z) is one half of the product rule: z times the derivative of Phi, z phi(z), is missing.",
)
def gelu_derivative_only_Phi(z):
    return Phi(z)


@misconception(
    "gelu_derivative", "gives z phi(z) alone", at_most=0.0, source=SYNTHETIC,
    says="z phi(z) is one half of the product rule: the derivative of z, which is 1, times Phi(z) is missing.",
)
def gelu_derivative_only_phi(z):
    return near(z) * phi(z)


@misconception(
    "gelu_derivative", "forgets the z in front of phi", at_most=0.0, source=SYNTHETIC,
    says="Phi(z) + phi(z) lacks a z: the product rule gives Phi(z) + z phi(z).",
)
def gelu_derivative_without_z(z):
    return Phi(z) + phi(np.asarray(z, dtype=float))


@misconception(
    "gelu_derivative", "subtracts z phi(z)", at_most=0.0, source=SYNTHETIC,
    says="The sign of the second term is wrong: the derivative of Phi is +phi, and the product rule adds.",
)
def gelu_derivative_minus(z):
    return Phi(z) - near(z) * phi(z)


@misconception(
    "gelu_derivative", "gives GELU itself", at_most=0.0, source=SYNTHETIC,
    says="This is z Phi(z), the function. Its derivative is asked for.",
)
def gelu_derivative_value(z):
    return np.asarray(z, dtype=float) * Phi(z)


@misconception(
    "gelu_derivative", "counts z twice", at_most=0.0, source=f"{GITHUB}/tensorflow/tensorflow/issues/50510",
    says="(z/2)(1 + erf) is GELU, not Phi: with it in the place of Phi, z is counted twice.",
)
def gelu_derivative_z_twice(z):
    z = np.asarray(z, dtype=float)
    return z * Phi(z) + near(z) * phi(z)


@misconception(
    "gelu_derivative", "forgets the root of 2 in erf", at_most=0.0, source=SYNTHETIC,
    says="The normal distribution function is (1 + erf(z / sqrt(2))) / 2: the root of 2 is missing.",
)
def gelu_derivative_erf_of_z(z):
    return each(lambda x: 0.5 * (1 + math.erf(x)), z) + near(z) * phi(z)


@misconception(
    "gelu_derivative", "forgets the constant of the density", at_most=0.0, source=SYNTHETIC,
    says="phi has a factor 1 / sqrt(2 pi), which makes the area below it 1. It is missing.",
)
def gelu_derivative_unscaled_density(z):
    return Phi(z) + near(z) * phi(z) * math.sqrt(2 * math.pi)


@misconception(
    "gelu_derivative", "forgets the half in the exponent", at_most=0.0, source=SYNTHETIC,
    says="phi has exp(-z^2 / 2). Without the half the bell is too narrow.",
)
def gelu_derivative_narrow_density(z):
    return Phi(z) + near(z) * np.exp(-(near(z) ** 2)) / math.sqrt(2 * math.pi)


@misconception(
    "gelu_derivative", "divides by pi under no root", at_most=0.0, source=SYNTHETIC,
    says="phi is divided by the root of 2 pi, not by 2 pi.",
)
def gelu_derivative_no_root(z):
    return Phi(z) + near(z) * phi(z) / math.sqrt(2 * math.pi)


@misconception(
    "gelu_derivative", "keeps the derivative between 0 and 1", at_most=0.0, source=SYNTHETIC,
    says="The values were clipped to [0, 1]. GELU's derivative really lies outside for some z: that is the point of it.",
)
def gelu_derivative_clipped(z):
    return np.clip(slope(z), 0.0, 1.0)


@misconception(
    "gelu_derivative", "takes a one-sided difference quotient", at_most=0.0, source=SYNTHETIC,
    says="A difference quotient is off by about 1e-8 here: either the step is too long, or the digits cancel. Differentiate on paper.",
)
def gelu_derivative_quotient(z):
    z = np.asarray(z, dtype=float)
    return ((z + 1e-7) * Phi(z + 1e-7) - z * Phi(z)) / 1e-7


@misconception(
    "gelu_derivative", "takes a table's formula for erf", at_most=0.0, source="https://personal.math.ubc.ca/~cbm/aands/page_299.htm",
    says="The five-term formula for erf from Abramowitz and Stegun (7.1.26) is good to 1.5e-7 only. math.erf is exact.",
)
def gelu_derivative_table(z):
    x = np.abs(near(z)) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * x)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return 0.5 * (1 + np.sign(near(z)) * (1 - series * np.exp(-x * x))) + near(z) * phi(z)


@misconception(
    "gelu_derivative", "computes in single precision", at_most=0.0, source=f"{GITHUB}/tenstorrent/tt-metal/issues/35971",
    says="float32 holds seven digits. Nine are asked for: stay with float64.",
)
def gelu_derivative_single(z):
    z = near(z).astype(np.float32)
    return (Phi(z).astype(np.float32) + z * phi(z).astype(np.float32)).astype(float)


@misconception(
    "gelu_derivative", "takes one number only", at_most=0.0, source=SYNTHETIC,
    says="math.erf takes one number. For an array apply it entry by entry: np.vectorize(math.erf), or a loop.",
)
def gelu_derivative_one_number(z):
    x = min(max(float(z), -40.0), 40.0)
    return 0.5 * math.erfc(-x / math.sqrt(2)) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@misconception(
    "gelu_derivative", "cuts the tails off at 5", at_most=0.4, source=f"{GITHUB}/tenstorrent/tt-metal/issues/38643",
    says="Beyond |z| = 5 this gives exactly 0 and 1. The true values differ from that by up to 1e-5: cut at 40, not earlier.",
)
def gelu_derivative_cut(z):
    z = np.asarray(z, dtype=float)
    return np.where(z < -5, 0.0, np.where(z > 5, 1.0, slope(z)))


@misconception(
    "gelu_derivative", "lets z squared overflow", at_most=0.85, source=SYNTHETIC,
    says="Right, but from 1e155 on z * z overflows and NumPy warns of it. Beyond |z| = 40 the answer is 0 or 1: clip z first.",
)
def gelu_derivative_overflows(z):
    z = np.asarray(z, dtype=float)
    return 0.5 * (1 + each(math.erf, z / np.sqrt(2))) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


@misconception(
    "gelu_derivative", "raises an error where the square of a number overflows", at_most=0.4, source=SYNTHETIC,
    says="With plain Python numbers x**2 raises an OverflowError from 1e155 on. Treat |z| > 40 apart.",
)
def gelu_derivative_overflow_error(z):
    return each(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)) + x * math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi), z)


@misconception(
    "gelu_derivative", "uses array methods on lists", at_most=0.4, source=SYNTHETIC,
    says="A number or a list has neither .shape nor .ravel(): make it an array first, np.asarray(z, dtype=float).",
)
def gelu_derivative_array_methods(z):
    return np.array([float(slope(x)) for x in z.ravel()]).reshape(z.shape)


@misconception(
    "gelu_derivative", "loops over the first axis only", at_most=0.0, source=SYNTHETIC,
    says="The loop runs over the first axis: for an array of two dimensions it meets rows, not numbers.",
)
def gelu_derivative_first_axis(z):
    return np.array([gelu_derivative_one_number(x) for x in z])


@misconception(
    "gelu_derivative", "keeps integers", at_most=0.4, source=SYNTHETIC,
    says="An empty array made like an integer array holds integers: the fractions are cut off. Convert z to float first.",
)
def gelu_derivative_integers(z):
    z = np.asarray(z)
    result = np.empty_like(z)
    result[...] = slope(z)
    return result


@misconception(
    "gelu_derivative", "flattens its argument", at_most=0.0, source=SYNTHETIC,
    says="The values are right, in a flat array. The result keeps the shape of z.",
)
def gelu_derivative_flat(z):
    return slope(np.ravel(z))


@misconception(
    "gelu_derivative", "lets np.vectorize guess its kind of number", at_most=0.4, source=SYNTHETIC,
    says="np.vectorize takes the first result's kind for all: an int 0 or 1 there cuts every fraction off. Return 0.0 and "
    "1.0, or say otypes=[float].",
)
def gelu_derivative_guessed_kind(z):
    return np.vectorize(lambda x: 1 if x > 10 else 0 if x < -10 else float(slope(x)))(z)


@misconception(
    "gelu_derivative", "clips in the caller's array", at_most=0.4, source=SYNTHETIC,
    says="np.clip(z, ..., out=z) and z[z > 40] = 40 write into the caller's array. np.clip without out makes a new one.",
)
def gelu_derivative_in_place(z):
    z = np.asarray(z)
    np.clip(z, -40, 40, out=z)
    return slope(z)


# ------------------------------------------------------------------------------------------- residual_backward_step


def residual(loss_grad, z, W, activation, derivative=activation_derivative):
    return loss_grad + (loss_grad * derivative(z, activation)) @ W.T


def derivative_that_overflows(z, activation):
    if activation == "sigmoid":
        s = 1.0 / (1.0 + np.exp(-z))
        return s * (1.0 - s)
    return 1.0 / np.cosh(z) ** 2 if activation == "tanh" else activation_derivative(z, activation)


def derivative_one_at_zero(z, activation):
    return (z >= 0).astype(float) if activation == "relu" else activation_derivative(z, activation)


def derivative_of_z_itself(z, activation):
    formulas = {"sigmoid": z * (1.0 - z), "tanh": 1.0 - z**2}
    return formulas[activation] if activation in formulas else activation_derivative(z, activation)


def derivative_of_curved_ones(z, activation):
    return activation_derivative(z, activation if activation == "sigmoid" else "relu")


@misconception(
    "residual_backward_step", "forgets the shortcut", at_most=0.0, source=f"{GITHUB}/paiml/entrenar/issues/313",
    says="This is the step through the layer alone. The shortcut hands loss_grad on as well, undiminished: add it.",
)
def residual_without_shortcut(loss_grad, z, W, activation):
    return backward_step(loss_grad, z, W, activation)


@misconception(
    "residual_backward_step", "takes the shortcut only", at_most=0.0, source=f"{GITHUB}/jakeret/tf_unet/pull/9",
    says="This is the shortcut alone. The input also goes through the layer: add what comes back from there.",
)
def residual_shortcut_only(loss_grad, z, W, activation):
    return 1.0 * loss_grad


@misconception(
    "residual_backward_step", "counts the shortcut twice", at_most=0.0, source=f"{GITHUB}/yakhyo/darknet-pytorch/issues/2",
    says="loss_grad was added twice. There is one shortcut around a layer.",
)
def residual_shortcut_twice(loss_grad, z, W, activation):
    return loss_grad + residual(loss_grad, z, W, activation)


@misconception(
    "residual_backward_step", "puts a' on the shortcut, too", at_most=0.0, source=SYNTHETIC,
    says="The activation's slope stands on the path through the layer only: y = y_prev + a(z), so y_prev arrives as it is.",
)
def residual_slope_on_both(loss_grad, z, W, activation):
    return residual(loss_grad, z, W, "identity") * activation_derivative(z, activation)


@misconception(
    "residual_backward_step", "multiplies the shortcut by a'", at_most=0.0, source=SYNTHETIC,
    says="The shortcut's part was multiplied by a'(z). It passes no activation: it is loss_grad itself.",
)
def residual_slope_on_shortcut(loss_grad, z, W, activation):
    delta = loss_grad * activation_derivative(z, activation)
    return delta + delta @ W.T


@misconception(
    "residual_backward_step", "sends the shortcut through W", at_most=0.0, source=SYNTHETIC,
    says="The shortcut was multiplied by the transpose of W. It goes around the layer: add loss_grad after the product.",
)
def residual_shortcut_through_W(loss_grad, z, W, activation):
    return (loss_grad + loss_grad * activation_derivative(z, activation)) @ W.T


@misconception(
    "residual_backward_step", "forgets the transpose", at_most=0.0,
    source="https://community.deeplearning.ai/t/w3-ex-6-assertionerror-wrong-values-for-dw1/402919",
    says="W and its transpose are mixed up. W is square here, so no shape complains: write down which index is summed.",
)
def residual_not_transposed(loss_grad, z, W, activation):
    return loss_grad + (loss_grad * activation_derivative(z, activation)) @ W


@misconception(
    "residual_backward_step", "forgets a'", at_most=0.0, source=f"{GITHUB}/CaptainE/RNN-LSTM-in-numpy/issues/1",
    says="The factor a'(z) is missing on the path through the layer: between y and z stands the activation.",
)
def residual_without_slope(loss_grad, z, W, activation):
    return residual(loss_grad, z, W, "identity")


@misconception(
    "residual_backward_step", "takes a(z) for a'(z)", at_most=0.0, source=SYNTHETIC,
    says="This multiplies by a(z), the activation's value. The chain rule asks for its derivative a'(z).",
)
def residual_value_for_slope(loss_grad, z, W, activation):
    return residual(loss_grad, z, W, activation, activate)


@misconception(
    "residual_backward_step", "evaluates a' at y", at_most=0.0, source=f"{GITHUB}/davidrmiller/neural2d/issues/40",
    says="The derivative is evaluated at a(z) instead of z: the activation was applied twice.",
)
def residual_slope_at_y(loss_grad, z, W, activation):
    return residual(loss_grad, activate(z, activation), W, activation)


@misconception(
    "residual_backward_step", "evaluates a' at the gradient", at_most=0.0, source=f"{GITHUB}/yizt/numpy_neural_network/issues/6",
    says="The slope was taken at loss_grad. It belongs to z: a'(z), and loss_grad is multiplied by it.",
)
def residual_slope_at_gradient(loss_grad, z, W, activation):
    return residual(loss_grad, loss_grad, W, activation)


@misconception(
    "residual_backward_step", "puts z into formulas that are made for y", at_most=0.0,
    source=f"{GITHUB}/lazyprogrammer/facial-expression-recognition/issues/2",
    says="z(1 - z) and 1 - z^2 are formulas for y = a(z), with z in the place of y. activation_derivative takes z.",
)
def residual_formulas_of_y(loss_grad, z, W, activation):
    return residual(loss_grad, z, W, activation, derivative_of_z_itself)


@misconception(
    "residual_backward_step", "multiplies by a' after the product with W", at_most=0.0, source=SYNTHETIC,
    says="a'(z) belongs to the layer's output: multiply by it before the product with the transpose of W, not after.",
)
def residual_slope_after_product(loss_grad, z, W, activation):
    return loss_grad + (loss_grad @ W.T) * activation_derivative(z, activation)


@misconception(
    "residual_backward_step", "multiplies the two paths", at_most=0.0, source=SYNTHETIC,
    says="The paths were multiplied. Factors along one path are multiplied; paths beside each other are added.",
)
def residual_product(loss_grad, z, W, activation):
    return loss_grad * backward_step(loss_grad, z, W, activation)


@misconception(
    "residual_backward_step", "takes the mean of the two paths", at_most=0.0, source=SYNTHETIC,
    says="The mean of the two paths halves the gradient in every layer. The chain rule adds them.",
)
def residual_mean(loss_grad, z, W, activation):
    return 0.5 * residual(loss_grad, z, W, activation)


@misconception(
    "residual_backward_step", "adds z in place of the gradient", at_most=0.0, source=SYNTHETIC,
    says="z was added. What the shortcut hands back is the gradient, loss_grad; the forward pass adds values.",
)
def residual_adds_z(loss_grad, z, W, activation):
    return z + backward_step(loss_grad, z, W, activation)


@misconception(
    "residual_backward_step", "divides by the batch", at_most=0.0, source="https://deeplearning.cs.cmu.edu",
    says="The path through the layer was divided by the number of examples. Some courses average the Loss, and divide there; here the "
    "rows of a batch keep their own gradients.",
)
def residual_batch_mean(loss_grad, z, W, activation):
    return loss_grad + backward_step(loss_grad, z, W, activation) / len(z)


@misconception(
    "residual_backward_step", "clips to plus and minus 5", at_most=0.0,
    source="https://gist.github.com/karpathy/d4dee566867f8291f086",
    says="The result was clipped to [-5, 5], a habit from training recurrent networks. Here the gradient itself is asked for.",
)
def residual_clipped(loss_grad, z, W, activation):
    return np.clip(residual(loss_grad, z, W, activation), -5.0, 5.0)


@misconception(
    "residual_backward_step", "knows sigmoid and relu only", at_most=0.0, source=SYNTHETIC,
    says="Every activation but sigmoid is treated like relu. activation_derivative knows all four names.",
)
def residual_two_activations(loss_grad, z, W, activation):
    return residual(loss_grad, z, W, activation, derivative_of_curved_ones)


@misconception(
    "residual_backward_step", "adds into loss_grad", at_most=0.4, source=f"{GITHUB}/Burton2000/CS231n-2017/issues/7",
    says="loss_grad += ... changes the caller's gradient. loss_grad + ... makes a new array.",
)
def residual_in_place(loss_grad, z, W, activation):
    loss_grad += backward_step(loss_grad, z, W, activation)
    return loss_grad


@misconception(
    "residual_backward_step", "works out a' with exponentials that overflow", at_most=0.9, source=SYNTHETIC,
    says="Right for ordinary z, but an exponential overflows for saturated units. activation_derivative does not.",
)
def residual_overflowing(loss_grad, z, W, activation):
    return residual(loss_grad, z, W, activation, derivative_that_overflows)


@misconception(
    "residual_backward_step", "lets relu pass at z = 0", at_most=0.4, source=SYNTHETIC,
    says="ReLU's derivative at exactly z = 0 was taken as 1. This course takes 0, as activation_derivative does.",
)
def residual_relu_one_at_zero(loss_grad, z, W, activation):
    return residual(loss_grad, z, W, activation, derivative_one_at_zero)


@misconception(
    "residual_backward_step", "squeezes its result", at_most=0.4, source=SYNTHETIC,
    says="The values are right, but squeeze drops every axis of length one: one row or one unit then has the wrong shape.",
)
def residual_squeezed(loss_grad, z, W, activation):
    return np.squeeze(residual(loss_grad, z, W, activation))


@misconception(
    "residual_backward_step", "takes small gradients for zero", at_most=0.4, source=SYNTHETIC,
    says="Entries below a small number were set to 0. Tiny gradients are what these remedies are about: keep them.",
)
def residual_small_is_zero(loss_grad, z, W, activation):
    result = residual(loss_grad, z, W, activation)
    return np.where(np.abs(result) < 1e-12, 0.0, result)


# ------------------------------------------------------------------------------------------------------- layer_norm


def normalised(z, eps, axis=1, ddof=0):
    return (z - z.mean(axis=axis, keepdims=True)) / np.sqrt(variance_of(z, axis, ddof) + eps)


def variance_of(z, axis=1, ddof=0):
    deviation = z - z.mean(axis=axis, keepdims=True)
    return np.sum(deviation**2, axis=axis, keepdims=True) / max(z.shape[axis] - ddof, 1)


def cancelling_variance(z):
    return np.mean(z**2, axis=1, keepdims=True) - np.mean(z, axis=1, keepdims=True) ** 2


@misconception(
    "layer_norm", "normalises the columns", at_most=0.0,
    source=f"{GITHUB}/jadore801120/attention-is-all-you-need-pytorch/pull/17",
    says="Mean and variance run down the batch here, which is batch normalisation. Layer normalisation takes each row by itself: axis=1.",
)
def layer_norm_columns(z, gain, shift, eps=1e-5):
    return gain * normalised(z, eps, axis=0) + shift


@misconception(
    "layer_norm", "normalises the whole array", at_most=0.0, source=f"{GITHUB}/keras-team/tf-keras/issues/173",
    says="One mean and one variance were taken over all entries. Each row has its own: axis=1, keepdims=True.",
)
def layer_norm_whole_array(z, gain, shift, eps=1e-5):
    return gain * (z - z.mean()) / np.sqrt(z.var() + eps) + shift


@misconception(
    "layer_norm", "divides the variance by n - 1", at_most=0.0, source=f"{GITHUB}/harvardnlp/annotated-transformer/pull/119",
    says="This variance is divided by n - 1, as for a sample. Layer normalisation divides by n: np.var does so by itself.",
)
def layer_norm_unbiased(z, gain, shift, eps=1e-5):
    return gain * normalised(z, eps, ddof=1) + shift


@misconception(
    "layer_norm", "adds eps outside the root", at_most=0.0, source=f"{GITHUB}/codertimo/BERT-pytorch/issues/30",
    says="eps was added to the standard deviation. It belongs to the variance, inside the root.",
)
def layer_norm_eps_outside(z, gain, shift, eps=1e-5):
    return gain * (z - z.mean(axis=1, keepdims=True)) / (np.sqrt(variance_of(z)) + eps) + shift


@misconception(
    "layer_norm", "divides by n - 1 and adds eps outside the root", at_most=0.0,
    source=f"{GITHUB}/harvardnlp/annotated-transformer/pull/119",
    says="This is the variant of a well-known tutorial: n - 1 in the variance, eps outside the root. Here it is n, and eps inside.",
)
def layer_norm_tutorial(z, gain, shift, eps=1e-5):
    return gain * (z - z.mean(axis=1, keepdims=True)) / (np.sqrt(variance_of(z, ddof=1)) + eps) + shift


@misconception(
    "layer_norm", "forgets the root", at_most=0.0, source=f"{GITHUB}/google/jax/issues/442",
    says="The deviation was divided by the variance. Divide by its root, the standard deviation.",
)
def layer_norm_no_root(z, gain, shift, eps=1e-5):
    return gain * (z - z.mean(axis=1, keepdims=True)) / (variance_of(z) + eps) + shift


@misconception(
    "layer_norm", "takes a fixed eps", at_most=0.0, source=SYNTHETIC,
    says=SAYS_FIXED_EPS.format("1e-5"))
def layer_norm_fixed_eps(z, gain, shift, eps=1e-5):
    return gain * normalised(z, 1e-5) + shift


@misconception(
    "layer_norm", "takes 1e-8 for eps", at_most=0.0, source=SYNTHETIC,
    says=SAYS_FIXED_EPS.format("1e-8"))
def layer_norm_tiny_eps(z, gain, shift, eps=1e-5):
    return gain * normalised(z, 1e-8) + shift


@misconception(
    "layer_norm", "takes 1e-6 for eps", at_most=0.0, source=SYNTHETIC,
    says=SAYS_FIXED_EPS.format("1e-6"))
def layer_norm_small_eps(z, gain, shift, eps=1e-5):
    return gain * normalised(z, 1e-6) + shift


@misconception(
    "layer_norm", "leaves eps out", at_most=0.0, source=f"{GITHUB}/tracel-ai/burn/issues/1992",
    says="Without eps a constant row is 0/0, NaN. Add it to the variance, inside the root.",
)
def layer_norm_without_eps(z, gain, shift, eps=1e-5):
    return gain * normalised(z, 0.0) + shift


@misconception(
    "layer_norm", "squares eps", at_most=0.0, source=SYNTHETIC,
    says="The root was taken of variance + eps^2. eps is added as it is.",
)
def layer_norm_eps_squared(z, gain, shift, eps=1e-5):
    return gain * normalised(z, eps**2) + shift


@misconception(
    "layer_norm", "adds eps only where the variance is 0", at_most=0.0, source=SYNTHETIC,
    says="eps is always added to the variance, not only where it would be 0.",
)
def layer_norm_eps_for_constants(z, gain, shift, eps=1e-5):
    variance = variance_of(z)
    return gain * (z - z.mean(axis=1, keepdims=True)) / np.sqrt(np.where(variance == 0, eps, variance)) + shift


@misconception(
    "layer_norm", "takes the larger of variance and eps", at_most=0.0, source=SYNTHETIC,
    says="The larger of variance and eps stands under the root. It is their sum.",
)
def layer_norm_eps_as_floor(z, gain, shift, eps=1e-5):
    return gain * (z - z.mean(axis=1, keepdims=True)) / np.sqrt(np.maximum(variance_of(z), eps)) + shift


@misconception(
    "layer_norm", "forgets gain", at_most=0.0, source=SYNTHETIC,
    says="gain is missing: each unit has its own factor after the normalisation.",
)
def layer_norm_without_gain(z, gain, shift, eps=1e-5):
    return normalised(z, eps) + shift


@misconception(
    "layer_norm", "forgets shift", at_most=0.0, source=SYNTHETIC,
    says="shift is missing: each unit gets its own number added after the normalisation.",
)
def layer_norm_without_shift(z, gain, shift, eps=1e-5):
    return gain * normalised(z, eps)


@misconception(
    "layer_norm", "multiplies shift by gain", at_most=0.0, source=SYNTHETIC,
    says="shift was added before gain was multiplied. First the factor, then the shift.",
)
def layer_norm_shift_first(z, gain, shift, eps=1e-5):
    return gain * (normalised(z, eps) + shift)


@misconception(
    "layer_norm", "scales by 1 + gain", at_most=0.0, source="https://arxiv.org/abs/2408.00118",
    says="Some models store the gain minus 1 and scale by 1 + gain. Here gain is the factor itself.",
)
def layer_norm_one_plus_gain(z, gain, shift, eps=1e-5):
    return (1.0 + gain) * normalised(z, eps) + shift


@misconception(
    "layer_norm", "does not take the mean off", at_most=0.0, source="https://arxiv.org/abs/1910.07467",
    says="This divides by the root mean square and leaves the mean in place, which is RMSNorm, another method.",
)
def layer_norm_rms(z, gain, shift, eps=1e-5):
    return gain * z / np.sqrt(np.mean(z**2, axis=1, keepdims=True) + eps) + shift


@misconception(
    "layer_norm", "takes the mean deviation for the standard deviation", at_most=0.0, source=SYNTHETIC,
    says="This is the mean of the absolute deviations. The variance is the mean of their squares.",
)
def layer_norm_mean_deviation(z, gain, shift, eps=1e-5):
    deviation = z - z.mean(axis=1, keepdims=True)
    return gain * deviation / np.sqrt(np.mean(np.abs(deviation), axis=1, keepdims=True) ** 2 + eps) + shift


@misconception(
    "layer_norm", "forgets to divide the sum of squares by n", at_most=0.0, source=SYNTHETIC,
    says="The sum of the squared deviations stands under the root. The variance is their mean.",
)
def layer_norm_sum_of_squares(z, gain, shift, eps=1e-5):
    deviation = z - z.mean(axis=1, keepdims=True)
    return gain * deviation / np.sqrt(np.sum(deviation**2, axis=1, keepdims=True) + eps) + shift


@misconception(
    "layer_norm", "computes in single precision", at_most=0.0, source=f"{GITHUB}/pytorch/pytorch/issues/51102",
    says="float32 holds seven digits. Nine are asked for: stay with float64.",
)
def layer_norm_single(z, gain, shift, eps=1e-5):
    single = z.astype(np.float32)
    return gain * normalised(single, np.float32(eps)).astype(float) + shift


@misconception(
    "layer_norm", "subtracts the square of the mean", at_most=0.4, source=f"{GITHUB}/pytorch/pytorch/issues/51102",
    says="The mean of the squares minus the square of the mean cancels for a row far from zero. Take the mean off first, then square.",
)
def layer_norm_cancelling(z, gain, shift, eps=1e-5):
    return gain * (z - z.mean(axis=1, keepdims=True)) / np.sqrt(np.maximum(cancelling_variance(z), 0.0) + eps) + shift


@misconception(
    "layer_norm", "has another default for eps", at_most=0.4, source="https://keras.io/api/layers/normalization_layers/layer_normalization/",
    says="Without the argument eps this adds another number than 1e-5. Other libraries have other defaults; here it is 1e-5.",
)
def layer_norm_other_default(z, gain, shift, eps=1e-3):
    return gain * normalised(z, eps) + shift


@misconception(
    "layer_norm", "gives zeros for a constant row", at_most=0.4, source=SYNTHETIC,
    says="For a constant row the normalised values are 0, but the result is the shift.",
)
def layer_norm_zeros_for_constants(z, gain, shift, eps=1e-5):
    return np.where(np.ptp(z, axis=1, keepdims=True) == 0, 0.0, gain * normalised(z, eps) + shift)


@misconception(
    "layer_norm", "leaves a constant row as it is", at_most=0.4, source=SYNTHETIC,
    says="A constant row was handed back unchanged. Its normalised values are 0, so the result is the shift.",
)
def layer_norm_constants_unchanged(z, gain, shift, eps=1e-5):
    return np.where(np.ptp(z, axis=1, keepdims=True) == 0, z, gain * normalised(z, eps) + shift)


@misconception(
    "layer_norm", "takes the mean off in place", at_most=0.4, source=SYNTHETIC,
    says="z -= mean changes the caller's array. z - mean makes a new one.",
)
def layer_norm_in_place(z, gain, shift, eps=1e-5):
    z -= z.mean(axis=1, keepdims=True)
    return gain * normalised(z, eps) + shift


@misconception(
    "layer_norm", "squeezes its result", at_most=0.4, source=SYNTHETIC,
    says="The values are right, but squeeze drops every axis of length one: one row or one unit then has the wrong shape.",
)
def layer_norm_squeezed(z, gain, shift, eps=1e-5):
    return np.squeeze(gain * normalised(z, eps) + shift)


@misconception(
    "layer_norm", "clips large entries first", at_most=0.4, source=SYNTHETIC,
    says="z was clipped before it was normalised. A large row is what the normalisation is for: clip nothing.",
)
def layer_norm_clipped(z, gain, shift, eps=1e-5):
    return gain * normalised(np.clip(z, -1e7, 1e7), eps) + shift


# ---------------------------------------------------------------------------------------------- layer_norm_backward


def root_of(z, eps, axis=1, ddof=0):
    return np.sqrt(variance_of(z, axis, ddof) + eps)


def backward(loss_grad, z, gain, eps, *, mean=1.0, variance=1.0, root=None, z_hat=None, axis=1):
    """(dz, dgain, dshift), with factors in front of the two shared paths, and another root or normalised z if given."""
    root = root_of(z, eps) if root is None else root
    z_hat = (z - z.mean(axis=axis, keepdims=True)) / root if z_hat is None else z_hat
    g = loss_grad * gain
    through_mean = mean * g.mean(axis=axis, keepdims=True)
    through_variance = variance * z_hat * np.mean(g * z_hat, axis=axis, keepdims=True)
    return (g - through_mean - through_variance) / root, np.sum(loss_grad * z_hat, axis=0), loss_grad.sum(axis=0)


@misconception(
    "layer_norm_backward", "takes the direct path only", at_most=0.0, source=SYNTHETIC,
    says="dz has the direct path only, loss_grad gain / root. Mean and variance depend on z, too: two paths are missing.",
)
def backward_direct(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, mean=0.0, variance=0.0)


@misconception(
    "layer_norm_backward", "leaves the path through the mean out", at_most=0.0, source=f"{GITHUB}/mlpack/mlpack/pull/2474",
    says="The path through the mean is missing: the entries of each row of dz must sum to 0.",
)
def backward_without_mean(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, mean=0.0)


@misconception(
    "layer_norm_backward", "leaves the path through the variance out", at_most=0.0, source=f"{GITHUB}/mlpack/mlpack/issues/1923",
    says="The path through the variance is missing: each entry of z changes the root that divides its whole row.",
)
def backward_without_variance(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, variance=0.0)


@misconception(
    "layer_norm_backward", "counts the mean twice", at_most=0.0, source=f"{GITHUB}/BVLC/caffe/issues/3878",
    says="The mean's path was counted twice, once directly and once through the variance. The latter is 0, for deviations sum to 0.",
)
def backward_mean_twice(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, mean=2.0)


@misconception(
    "layer_norm_backward", "adds the path through the variance", at_most=0.0, source=SYNTHETIC,
    says="The sign of the path through the variance is wrong: a larger variance makes the normalised z smaller.",
)
def backward_variance_added(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, variance=-1.0)


@misconception(
    "layer_norm_backward", "sums where a mean is due", at_most=0.0, source=SYNTHETIC,
    says="The two shared paths hold means over the row, 1/n of the sums: that n is missing.",
)
def backward_sums(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, mean=z.shape[1], variance=z.shape[1])


@misconception(
    "layer_norm_backward", "forgets gain in dz", at_most=0.0, source=SYNTHETIC,
    says="gain is missing in dz: the gradient of the normalised z is loss_grad times gain.",
)
def backward_without_gain(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, np.ones_like(gain), eps)


@misconception(
    "layer_norm_backward", "multiplies by gain at the end", at_most=0.0, source=SYNTHETIC,
    says="gain was multiplied to the finished dz. It differs from unit to unit, so it must be there before the row's means are taken.",
)
def backward_gain_at_the_end(loss_grad, z, gain, eps=1e-5):
    dz, dgain, dshift = backward(loss_grad, z, np.ones_like(gain), eps)
    return gain * dz, dgain, dshift


@misconception(
    "layer_norm_backward", "forgets to divide by the root", at_most=0.0, source=SYNTHETIC,
    says="dz must be divided by the root sqrt(variance + eps): a row that is stretched by 2 has half the gradient.",
)
def backward_without_root(loss_grad, z, gain, eps=1e-5):
    dz, dgain, dshift = backward(loss_grad, z, gain, eps)
    return dz * root_of(z, eps), dgain, dshift


@misconception(
    "layer_norm_backward", "normalises loss_grad", at_most=0.0, source=f"{GITHUB}/deeplearning4j/deeplearning4j/pull/3195",
    says="dz is loss_grad itself here: the gradient of the result was handed on as the gradient of z.",
)
def backward_handed_on(loss_grad, z, gain, eps=1e-5):
    _, dgain, dshift = backward(loss_grad, z, gain, eps)
    return 1.0 * loss_grad, dgain, dshift


@misconception(
    "layer_norm_backward", "gives zeros for dz", at_most=0.0, source="https://datascience.stackexchange.com/questions/89630",
    says="dz is all zeros. The entries of a row of the Jacobian do sum to 0, but they are multiplied by loss_grad before the sum.",
)
def backward_zeros(loss_grad, z, gain, eps=1e-5):
    _, dgain, dshift = backward(loss_grad, z, gain, eps)
    return np.zeros_like(z), dgain, dshift


@misconception(
    "layer_norm_backward", "multiplies dgain by z", at_most=0.0, source=SYNTHETIC,
    says="dgain was made with z. gain multiplies the normalised z, so that is its factor.",
)
def backward_dgain_of_z(loss_grad, z, gain, eps=1e-5):
    dz, _, dshift = backward(loss_grad, z, gain, eps)
    return dz, np.sum(loss_grad * z, axis=0), dshift


@misconception(
    "layer_norm_backward", "multiplies dgain by gain", at_most=0.0, source=SYNTHETIC,
    says="dgain holds gain itself. The result is gain times the normalised z, so its derivative by gain is the normalised z alone.",
)
def backward_dgain_with_gain(loss_grad, z, gain, eps=1e-5):
    dz, dgain, dshift = backward(loss_grad, z, gain, eps)
    return dz, gain * dgain, dshift


@misconception(
    "layer_norm_backward", "averages over the batch", at_most=0.0,
    source="https://binne.notion.site/Assignment-2-RNN-Backpropagation",
    says="dgain and dshift were divided by the number of examples. Courses whose Loss is a mean do so; here they are sums.",
)
def backward_averaged(loss_grad, z, gain, eps=1e-5):
    dz, dgain, dshift = backward(loss_grad, z, gain, eps)
    return dz, dgain / len(z), dshift / len(z)


@misconception(
    "layer_norm_backward", "does not sum over the batch", at_most=0.0, source=SYNTHETIC,
    says="dgain and dshift have one row for each example. gain and shift serve all examples: sum over axis=0.",
)
def backward_not_summed(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps)[0], loss_grad * normalised(z, eps), 1.0 * loss_grad


@misconception(
    "layer_norm_backward", "sums dgain and dshift along the rows", at_most=0.0, source=SYNTHETIC,
    says="dgain and dshift were summed over the units, one number for each example. They have one number for each unit: axis=0.",
)
def backward_summed_along_rows(loss_grad, z, gain, eps=1e-5):
    dz, _, _ = backward(loss_grad, z, gain, eps)
    return dz, np.sum(loss_grad * normalised(z, eps), axis=1), loss_grad.sum(axis=1)


@misconception(
    "layer_norm_backward", "goes back through the columns", at_most=0.0, source=f"{GITHUB}/mlpack/mlpack/pull/1389",
    says="Means and variances run down the batch here, as in batch normalisation. Each row is normalised by itself: axis=1.",
)
def backward_columns(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, root=root_of(z, eps, axis=0), axis=0)


@misconception(
    "layer_norm_backward", "divides the variance by n - 1", at_most=0.0, source=f"{GITHUB}/LLNL/lbann/pull/2024",
    says="This variance is divided by n - 1, as for a sample. Layer normalisation divides by n.",
)
def backward_unbiased(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, root=root_of(z, eps, ddof=1))


@misconception(
    "layer_norm_backward", "takes a fixed eps", at_most=0.0, source=SYNTHETIC,
    says=SAYS_FIXED_EPS.format("1e-5"))
def backward_fixed_eps(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, 1e-5)


@misconception(
    "layer_norm_backward", "adds eps outside the root", at_most=0.0, source=f"{GITHUB}/pyg-team/pytorch_geometric/pull/2917",
    says="eps was added to the standard deviation. It belongs to the variance, inside the root.",
)
def backward_eps_outside(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, root=np.sqrt(variance_of(z)) + eps)


@misconception(
    "layer_norm_backward", "leaves eps out", at_most=0.0, source=f"{GITHUB}/tracel-ai/burn/issues/1992",
    says="Without eps a constant row is 0/0, NaN. The root of the forward pass, with eps, stands in all three paths.",
)
def backward_without_eps(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, 0.0)


@misconception(
    "layer_norm_backward", "returns the three in another order", at_most=0.0, source=SYNTHETIC,
    says="The three results stand in another order. Due is (dz, dgain, dshift).",
)
def backward_other_order(loss_grad, z, gain, eps=1e-5):
    dz, dgain, dshift = backward(loss_grad, z, gain, eps)
    return dgain, dshift, dz


@misconception(
    "layer_norm_backward", "returns dz only", at_most=0.0, source=SYNTHETIC,
    says="Only dz came back. Due are three results, (dz, dgain, dshift).",
)
def backward_dz_only(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps)[0]


@misconception(
    "layer_norm_backward", "subtracts the square of the mean", at_most=0.4, source=f"{GITHUB}/pytorch/pytorch/issues/51102",
    says="The mean of the squares minus the square of the mean cancels for a row far from zero. Take the mean off first, then square.",
)
def backward_cancelling(loss_grad, z, gain, eps=1e-5):
    return backward(loss_grad, z, gain, eps, root=np.sqrt(np.maximum(cancelling_variance(z), 0.0) + eps))


@misconception(
    "layer_norm_backward", "has another default for eps", at_most=0.4,
    source="https://keras.io/api/layers/normalization_layers/layer_normalization/",
    says="Without the argument eps this adds another number than 1e-5. Other libraries have other defaults; here it is 1e-5.",
)
def backward_other_default(loss_grad, z, gain, eps=1e-3):
    return backward(loss_grad, z, gain, eps)


@misconception(
    "layer_norm_backward", "gives zeros for a constant row", at_most=0.4, source=SYNTHETIC,
    says="For a constant row dz was set to 0. The path through the variance is closed there; the direct one and the mean's are open.",
)
def backward_zeros_for_constants(loss_grad, z, gain, eps=1e-5):
    dz, dgain, dshift = backward(loss_grad, z, gain, eps)
    return np.where(np.ptp(z, axis=1, keepdims=True) == 0, 0.0, dz), dgain, dshift


@misconception(
    "layer_norm_backward", "multiplies gain into loss_grad in place", at_most=0.4, source=f"{GITHUB}/Burton2000/CS231n-2017/issues/7",
    says="loss_grad *= gain changes the caller's gradient. loss_grad * gain makes a new array.",
)
def backward_in_place(loss_grad, z, gain, eps=1e-5):
    _, dgain, dshift = backward(loss_grad, z, gain, eps)
    loss_grad *= gain
    return backward(loss_grad, z, np.ones_like(gain), eps)[0], dgain, dshift


@misconception(
    "layer_norm_backward", "squeezes its results", at_most=0.4, source=SYNTHETIC,
    says="The values are right, but squeeze drops every axis of length one: one row or one unit then has the wrong shape.",
)
def backward_squeezed(loss_grad, z, gain, eps=1e-5):
    return tuple(np.squeeze(grad) for grad in backward(loss_grad, z, gain, eps))


@misconception(
    "layer_norm_backward", "clips its results", at_most=0.4, source=SYNTHETIC,
    says="Large gradients were clipped. Here the gradient itself is asked for, whatever its size.",
)
def backward_clipped(loss_grad, z, gain, eps=1e-5):
    return tuple(np.clip(grad, -1e9, 1e9) for grad in backward(loss_grad, z, gain, eps))


# ---------------------------------------------------------------------------------------------- cell_state_gradient


LSTM_QUESTION = "https://stats.stackexchange.com/questions/185639"


def path(loss_grad, factors):
    """Entry t = loss_grad times factors[t:]."""
    return np.concatenate([np.cumprod(factors[::-1], axis=0)[::-1] * loss_grad, loss_grad[None]])


@misconception(
    "cell_state_gradient", "counts one gate too many", at_most=0.0, source=SYNTHETIC,
    says="Entry t holds the gate of step t as well. Only the gates of the steps after t lie between c_t and c_T.",
)
def cell_own_gate(loss_grad, forget_gates):
    entries = path(loss_grad, forget_gates)
    return np.concatenate([entries[:1], entries[:-1]])


@misconception(
    "cell_state_gradient", "leaves one gate out", at_most=0.0, source=SYNTHETIC,
    says="Each entry lacks one gate: entry t starts with step t+1, whose gate stands at index t. Mind the index that starts at 0.",
)
def cell_skips_a_gate(loss_grad, forget_gates):
    entries = path(loss_grad, forget_gates)
    return np.concatenate([entries[1:], entries[-1:]])


@misconception(
    "cell_state_gradient", "multiplies from the first step on", at_most=0.0, source=SYNTHETIC,
    says="The gates were multiplied from step 1 upwards. The gradient comes from c_T: entry t holds the gates after t.",
)
def cell_from_the_start(loss_grad, forget_gates):
    return np.concatenate([loss_grad[None], loss_grad * np.cumprod(forget_gates, axis=0)])


@misconception(
    "cell_state_gradient", "returns its entries in reversed order", at_most=0.0, source=SYNTHETIC,
    says="All entries are right, in reversed order: entry T is loss_grad, entry 0 belongs to c_0.",
)
def cell_reversed(loss_grad, forget_gates):
    return path(loss_grad, forget_gates)[::-1]


@misconception(
    "cell_state_gradient", "forgets loss_grad", at_most=0.0, source=SYNTHETIC,
    says="This starts from 1. The gradient that comes from the Loss is loss_grad, and each entry is proportional to it.",
)
def cell_without_loss_grad(loss_grad, forget_gates):
    return path(np.ones_like(loss_grad), forget_gates)


@misconception(
    "cell_state_gradient", "leaves out entry T", at_most=0.0, source=SYNTHETIC,
    says="There are T entries here and T + 1 are due: the last one is loss_grad itself.",
)
def cell_too_short(loss_grad, forget_gates):
    return path(loss_grad, forget_gates)[:-1]


@misconception(
    "cell_state_gradient", "gives the gradient of c_0 only", at_most=0.0, source=SYNTHETIC,
    says="This is the gradient of c_0 alone. One entry is due for each t from 0 to T.",
)
def cell_first_only(loss_grad, forget_gates):
    return path(loss_grad, forget_gates)[0]


@misconception(
    "cell_state_gradient", "takes the derivative for one", at_most=0.0, source=LSTM_QUESTION,
    says="The gradient is handed on unchanged, as if every gate were 1. That is the idea of the first LSTM; a forget gate is a factor.",
)
def cell_constant(loss_grad, forget_gates):
    return np.repeat(loss_grad[None], len(forget_gates) + 1, axis=0)


@misconception(
    "cell_state_gradient", "puts the sigmoid's slope on the path", at_most=0.0, source=LSTM_QUESTION,
    says="f(1 - f) is the slope of the gate by its own pre-activation. On the direct path the gate itself is the factor.",
)
def cell_slope_of_the_gate(loss_grad, forget_gates):
    return path(loss_grad, forget_gates * (1.0 - forget_gates))


@misconception(
    "cell_state_gradient", "puts tanh's slope on the path", at_most=0.0, source="https://whatandwhy.net",
    says="1 - tanh^2 belongs to the path through the hidden state. The direct path passes no activation.",
)
def cell_tanh_slope(loss_grad, forget_gates):
    return path(loss_grad, forget_gates * (1.0 - np.tanh(forget_gates) ** 2))


@misconception(
    "cell_state_gradient", "adds the gates", at_most=0.0, source="https://stats.stackexchange.com/questions/449773",
    says="The gates were added. The cell's new content is added on the way forward; back along the path the gates multiply.",
)
def cell_sums(loss_grad, forget_gates):
    return np.concatenate([np.cumsum(forget_gates[::-1], axis=0)[::-1] * loss_grad, loss_grad[None]])


@misconception(
    "cell_state_gradient", "takes one step only", at_most=0.0, source=f"{GITHUB}/Halfish/cs231n/issues/4",
    says="Each entry holds one gate, that of the next step. The gates of all later steps are factors, too.",
)
def cell_one_step(loss_grad, forget_gates):
    return np.concatenate([loss_grad * forget_gates, loss_grad[None]])


@misconception(
    "cell_state_gradient", "raises one gate to a power", at_most=0.0, source=SYNTHETIC,
    says="One step's gate was raised to the power of the lag. The gates differ from step to step: multiply each of them.",
)
def cell_power(loss_grad, forget_gates):
    T = len(forget_gates)
    return np.array([loss_grad * forget_gates[-1] ** (T - t) for t in range(T + 1)])


@misconception(
    "cell_state_gradient", "takes the mean gate", at_most=0.0, source=SYNTHETIC,
    says="The mean of the gates was raised to the power of the lag. A product is not a power of the mean: one closed gate ends it.",
)
def cell_mean_gate(loss_grad, forget_gates):
    T = len(forget_gates)
    return np.array([loss_grad * forget_gates.mean(axis=0) ** (T - t) for t in range(T + 1)])


@misconception(
    "cell_state_gradient", "takes what is forgotten", at_most=0.0, source=SYNTHETIC,
    says="1 - f is what is forgotten. In spite of its name the forget gate f says what is kept: f is the factor.",
)
def cell_complement(loss_grad, forget_gates):
    return path(loss_grad, 1.0 - forget_gates)


@misconception(
    "cell_state_gradient", "multiplies along another axis", at_most=0.0, source=SYNTHETIC,
    says="The product runs over examples or units. It runs over time, axis=0.",
)
def cell_other_axis(loss_grad, forget_gates):
    back = np.cumprod(forget_gates[:, ::-1], axis=1)[:, ::-1] * loss_grad
    return np.concatenate([back, loss_grad[None]])


@misconception(
    "cell_state_gradient", "sums over the batch", at_most=0.0, source=SYNTHETIC,
    says="The examples were summed. Each keeps its own gradient: the result has shape (T+1, m, n).",
)
def cell_summed(loss_grad, forget_gates):
    return path(loss_grad, forget_gates).sum(axis=1)


@misconception(
    "cell_state_gradient", "starts from zero", at_most=0.0,
    source="https://community.deeplearning.ai/t/question-on-backpropagation-week-1-prog-assignment-1/555129",
    says="Entry T was left at 0, and 0 times every gate is 0. Put loss_grad there first.",
)
def cell_from_zero(loss_grad, forget_gates):
    return np.zeros((len(forget_gates) + 1, *loss_grad.shape))


@misconception(
    "cell_state_gradient", "computes in single precision", at_most=0.0, source=SYNTHETIC,
    says="float32 holds seven digits. Nine are asked for: stay with float64.",
)
def cell_single(loss_grad, forget_gates):
    return path(loss_grad.astype(np.float32), forget_gates.astype(np.float32)).astype(float)


@misconception(
    "cell_state_gradient", "divides the whole product by its first gates", at_most=0.4, source=SYNTHETIC,
    says="Dividing the product of all gates by that of the first t works until a gate is 0: then it is 0/0. Multiply from the end.",
)
def cell_division(loss_grad, forget_gates):
    upwards = np.concatenate([np.ones_like(loss_grad)[None], np.cumprod(forget_gates, axis=0)])
    return loss_grad * upwards[-1] / upwards


@misconception(
    "cell_state_gradient", "lets no gate close", at_most=0.4, source=SYNTHETIC,
    says="Gates were kept above a small number. A closed gate is 0, and ends the path.",
)
def cell_floor(loss_grad, forget_gates):
    return path(loss_grad, np.maximum(forget_gates, 1e-8))


@misconception(
    "cell_state_gradient", "skips closed gates", at_most=0.4, source=SYNTHETIC,
    says="Gates of 0 were left out of the product. They are what ends the path: the gradient before them is 0.",
)
def cell_skips_zeros(loss_grad, forget_gates):
    return path(loss_grad, np.where(forget_gates == 0, 1.0, forget_gates))


@misconception(
    "cell_state_gradient", "sums logarithms", at_most=0.95, source=SYNTHETIC,
    says="The values are right, but the logarithm of a closed gate warns of a division by zero. Multiply the gates themselves.",
)
def cell_logarithms(loss_grad, forget_gates):
    logs = np.cumsum(np.log(forget_gates)[::-1], axis=0)[::-1]
    return np.concatenate([loss_grad * np.exp(logs), loss_grad[None]])


@misconception(
    "cell_state_gradient", "takes logarithms of the gradient as well", at_most=0.0, source=SYNTHETIC,
    says="A negative gradient has no logarithm: the sign is lost. Only multiply.",
)
def cell_logarithms_of_all(loss_grad, forget_gates):
    with np.errstate(all="ignore"):
        return np.exp(np.log(np.abs(path(loss_grad, forget_gates))))


@misconception(
    "cell_state_gradient", "works in loss_grad", at_most=0.4, source=f"{GITHUB}/Burton2000/CS231n-2017/issues/7",
    says="loss_grad *= gate changes the caller's gradient. loss_grad * gate makes a new array.",
)
def cell_in_place(loss_grad, forget_gates):
    entries = [loss_grad.copy()]
    for gate in forget_gates[::-1]:
        loss_grad *= gate
        entries.append(loss_grad.copy())
    return np.array(entries[::-1])


@misconception(
    "cell_state_gradient", "squeezes its result", at_most=0.4, source=SYNTHETIC,
    says="The values are right, but squeeze drops every axis of length one: one example or one unit then has the wrong shape.",
)
def cell_squeezed(loss_grad, forget_gates):
    return np.squeeze(path(loss_grad, forget_gates))


@misconception(
    "cell_state_gradient", "takes small gradients for zero", at_most=0.4, source=SYNTHETIC,
    says="Entries below a small number were set to 0. Tiny gradients are what this is about: keep them.",
)
def cell_small_is_zero(loss_grad, forget_gates):
    entries = path(loss_grad, forget_gates)
    return np.where(np.abs(entries) < 1e-12, 0.0, entries)


@misconception(
    "cell_state_gradient", "stops after a hundred steps", at_most=0.4, source=SYNTHETIC,
    says="The entries more than a hundred steps before the last are 0. The path is as long as the sequence.",
)
def cell_truncated(loss_grad, forget_gates):
    entries = path(loss_grad, forget_gates)
    entries[:-101] = 0.0
    return entries


# ------------------------------------------------------------- each column an example: told by a call with square arrays

SAYS_COLUMNS = (
    "This treats each column as an example, another book's convention, and multiplies from the left. Here each row is an "
    "example: (loss_grad * a') @ W.T goes back through the layer."
)


def square_step(rng):
    return *rng.normal(size=(3, 3, 3)), "tanh"


@misconception(
    "residual_backward_step", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, source=SYNTHETIC, probe=square_step)
def residual_columns(loss_grad, z, W, activation):
    return loss_grad + np.dot(W.T, loss_grad * activation_derivative(z, activation))


@misconception(
    "residual_backward_step", "puts the examples into columns, with W as it is here", at_most=0.0, says=SAYS_COLUMNS, source=SYNTHETIC,
    probe=square_step)
def residual_columns_of_transposed(loss_grad, z, W, activation):
    return loss_grad + np.dot(W, loss_grad * activation_derivative(z, activation))
