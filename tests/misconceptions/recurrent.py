"""Wrong answers to ps4 that people gave in public, each with its address, and likely ones that are marked SYNTHETIC."""

import math

import numpy as np

from grading.checks import misconception
from grading.checks.bank import SYNTHETIC
from reference_impl import recurrent
from reference_impl.backward_step import activate, activation_derivative

COURSERA = "https://community.deeplearning.ai/t/"
GITHUB = "https://github.com/"
PYTORCH_RNN = "https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html"
PYTORCH_CLIP = "https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html"
MIN_CHAR_RNN = "https://gist.github.com/karpathy/d4dee566867f8291f086"

SAYS_TRANSPOSED = (
    "W_hh and its transpose are mixed up. Rows are samples here, so the state goes forward as h W_hh and its gradient "
    "comes back through W_hh.T. (Books that write states as columns have it the other way round.)"
)
SAYS_SQUEEZED = "The values are right, but squeeze drops every axis of length one: one row or one unit then has the wrong shape."
SAYS_NAMES = "One activation is used for every name. The given functions take the name as their second argument."
SAYS_BATCH_MEAN = (
    "This divides by the size of the batch, a convention of other courses, where the Loss is a mean. "
    "Here the gradients are summed over the batch."
)
SAYS_AT_H = "The derivative is evaluated at h = a(z) instead of z: the activation was applied twice."
SAYS_RELU = "ReLU's derivative at exactly z = 0 was taken as 1. This course takes 0, as activation_derivative does."
SAYS_NO_DERIVATIVE = "The factor a'(z_t) is missing: between h_t and z_t stands the activation."
SAYS_CLIPPED = (
    "Gradients are cut to the interval from -5 to 5, as min-char-rnn does. That is another function's work: this one returns "
    "them as they are."
)
SAYS_OWN_DERIVATIVE = (
    "This formula for the sigmoid's slope is right on paper, but e^-z overflows for a unit far out and makes NaN. "
    "activation_derivative does not."
)


def derivative_by_exponentials(z, activation):
    e = np.exp(-z)
    slopes = {"sigmoid": e / (1.0 + e) ** 2, "tanh": 4.0 * e**2 / (1.0 + e**2) ** 2}
    return slopes[activation] if activation in slopes else activation_derivative(z, activation)


def derivative_one_at_zero(z, activation):
    return 1.0 * (z >= 0) if activation == "relu" else activation_derivative(z, activation)


def derivative_at_value(z, activation):
    return activation_derivative(activate(z, activation), activation)


# ------------------------------------------------------------------------------------------------------ rnn_forward


def run(x, h0, W_xh, W_hh, b, activation):
    """[z_1, ..., z_T] and [h_0, ..., h_T]: the frame in which most of the mistakes below are made."""
    zs, hs = [], [h0]
    for x_t in x:
        zs.append(x_t @ W_xh + hs[-1] @ W_hh + b)
        hs.append(activate(zs[-1], activation))
    return zs, hs


def arrays(zs, hs):
    return np.array(zs).reshape(len(zs), *hs[0].shape), np.array(hs)


@misconception(
    "rnn_forward", "starts from zeros", at_most=0.0, source=COURSERA + "w1a1-unq-c2-wrong-values-for-a/620405",
    says="The given h0 is not used: the recurrence starts from zeros. h0 is h_0, the state before the first step.",
)
def rnn_forward_from_zeros(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x, np.zeros_like(h0), W_xh, W_hh, b, activation))


@misconception(
    "rnn_forward", "reads the state before the first from the array's end", at_most=0.0,
    source=COURSERA + "week1-assignment-1-rnn-forward/555049",
    says="At the first step the index t - 1 is -1, which is the array's last slot, still zeros. hs needs T + 1 entries, with "
         "h0 in entry 0.",
)
def rnn_forward_wraps_around(x, h0, W_xh, W_hh, b, activation):
    zs, hs = np.zeros((len(x), *h0.shape)), np.zeros((len(x), *h0.shape))
    for t in range(len(x)):
        zs[t] = x[t] @ W_xh + hs[t - 1] @ W_hh + b
        hs[t] = activate(zs[t], activation)
    return zs, np.concatenate([h0[np.newaxis], hs])


@misconception(
    "rnn_forward", "hands z on instead of h", at_most=0.0, source=COURSERA + "c5-w1-assignment-1/521805",
    says="The next step gets z_t, the pre-activation. It should get h_t = a(z_t).",
)
def rnn_forward_hands_z_on(x, h0, W_xh, W_hh, b, activation):
    zs, before = [], h0
    for x_t in x:
        before = x_t @ W_xh + before @ W_hh + b
        zs.append(before)
    return arrays(zs, [h0, *(activate(z, activation) for z in zs)])


@misconception(
    "rnn_forward", "never updates the state", at_most=0.0, source=SYNTHETIC,
    says="Every step starts from h0. Step t starts from the state that step t - 1 left behind.",
)
def rnn_forward_stateless(x, h0, W_xh, W_hh, b, activation):
    zs = [x_t @ W_xh + h0 @ W_hh + b for x_t in x]
    return arrays(zs, [h0, *(activate(z, activation) for z in zs)])


@misconception(
    "rnn_forward", "leaves h0 out of hs", at_most=0.0, source=SYNTHETIC,
    says="hs has T entries here and T + 1 are due: the first one is h0 itself.",
)
def rnn_forward_without_h0(x, h0, W_xh, W_hh, b, activation):
    zs, hs = arrays(*run(x, h0, W_xh, W_hh, b, activation))
    return zs, hs[1:]


@misconception(
    "rnn_forward", "forgets the bias", at_most=0.0, source=SYNTHETIC,
    says="b is missing: it is added in every step.",
)
def rnn_forward_without_bias(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x, h0, W_xh, W_hh, 0.0 * b, activation))


@misconception(
    "rnn_forward", "adds two biases", at_most=0.0, source=PYTORCH_RNN,
    says="b is added twice. Some libraries, PyTorch among them, keep one bias for the input and one for the state; here "
         "there is one in all.",
)
def rnn_forward_two_biases(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x, h0, W_xh, W_hh, 2.0 * b, activation))


@misconception("rnn_forward", "multiplies by the transpose of W_hh", at_most=0.0, source=PYTORCH_RNN, says=SAYS_TRANSPOSED)
def rnn_forward_transposed(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x, h0, W_xh, W_hh.T, b, activation))


@misconception(
    "rnn_forward", "leaves W_hh out of the sum", at_most=0.0,
    source=COURSERA + "w1a1-help-needed-with-assignment/258604/5",
    says="W_hh is left out of the sum, so no step knows of the one before it. z_t has three terms.",
)
def rnn_forward_without_recurrence(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x, h0, W_xh, 0.0 * W_hh, b, activation))


@misconception("rnn_forward", "uses tanh whatever the name", at_most=0.0, source=SYNTHETIC, says=SAYS_NAMES)
def rnn_forward_always_tanh(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x, h0, W_xh, W_hh, b, "tanh"))


@misconception(
    "rnn_forward", "knows sigmoid and tanh only", at_most=0.4, source=SYNTHETIC,
    says="relu and identity are taken for tanh. The given activate(z, activation) knows all four names.",
)
def rnn_forward_smooth_only(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x, h0, W_xh, W_hh, b, "sigmoid" if activation == "sigmoid" else "tanh"))


@misconception(
    "rnn_forward", "returns the states in place of the pre-activations", at_most=0.0, source=SYNTHETIC,
    says="zs holds h_t here. It should hold z_t, before the activation: the backward pass needs a'(z_t).",
)
def rnn_forward_states_twice(x, h0, W_xh, W_hh, b, activation):
    _, hs = arrays(*run(x, h0, W_xh, W_hh, b, activation))
    return hs[1:], hs


@misconception(
    "rnn_forward", "returns the two in the other order", at_most=0.0, source=SYNTHETIC,
    says="Both arrays are right, but the tuple is (zs, hs), in this order.",
)
def rnn_forward_swapped(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x, h0, W_xh, W_hh, b, activation))[::-1]


@misconception(
    "rnn_forward", "reads the sequence from its end", at_most=0.0, source=SYNTHETIC,
    says="Step 1 reads the last input. The forward pass goes through x in its own order.",
)
def rnn_forward_backwards(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x[::-1], h0, W_xh, W_hh, b, activation))


@misconception(
    "rnn_forward", "keeps the old state and adds to it", at_most=0.0, source=SYNTHETIC,
    says="This is h_{t-1} + a(z_t). A plain recurrent network replaces its state: h_t = a(z_t).",
)
def rnn_forward_adds_up(x, h0, W_xh, W_hh, b, activation):
    zs, hs = [], [h0]
    for x_t in x:
        zs.append(x_t @ W_xh + hs[-1] @ W_hh + b)
        hs.append(hs[-1] + activate(zs[-1], activation))
    return arrays(zs, hs)


@misconception(
    "rnn_forward", "cannot stack an empty list", at_most=0.4, source=SYNTHETIC,
    says="np.stack raises an error for a list without entries: with T = 0 there is no step, zs is empty and hs holds h0.",
)
def rnn_forward_stacks(x, h0, W_xh, W_hh, b, activation):
    zs, hs = run(x, h0, W_xh, W_hh, b, activation)
    return np.stack(zs), np.stack(hs)


@misconception("rnn_forward", "squeezes its arrays", at_most=0.4, source=SYNTHETIC, says=SAYS_SQUEEZED)
def rnn_forward_squeezed(x, h0, W_xh, W_hh, b, activation):
    return tuple(np.squeeze(array) for array in arrays(*run(x, h0, W_xh, W_hh, b, activation)))


@misconception(
    "rnn_forward", "clips the pre-activations", at_most=0.4, source=SYNTHETIC,
    says="z_t is cut to a fixed interval, so that large inputs give other states. Nothing is to be cut here.",
)
def rnn_forward_clipped(x, h0, W_xh, W_hh, b, activation):
    zs, hs = [], [h0]
    for x_t in x:
        zs.append(np.clip(x_t @ W_xh + hs[-1] @ W_hh + b, -50.0, 50.0))
        hs.append(activate(zs[-1], activation))
    return arrays(zs, hs)


@misconception(
    "rnn_forward", "stops after a hundred steps", at_most=0.4, source=SYNTHETIC,
    says="The number of steps is a constant here. It is the length of x.",
)
def rnn_forward_hundred_steps(x, h0, W_xh, W_hh, b, activation):
    return arrays(*run(x[:100], h0, W_xh, W_hh, b, activation))


@misconception(
    "rnn_forward", "writes the new state into h0", at_most=0.4, source=SYNTHETIC,
    says="h[:] = ... writes into the array that the caller gave as h0. h = ... makes a new one.",
)
def rnn_forward_in_place(x, h0, W_xh, W_hh, b, activation):
    zs, hs = [], [h0.copy()]
    for x_t in x:
        zs.append(x_t @ W_xh + h0 @ W_hh + b)
        h0[:] = activate(zs[-1], activation)
        hs.append(h0.copy())
    return arrays(zs, hs)


@misconception(
    "rnn_forward", "lets e^-z overflow", at_most=0.9, source=SYNTHETIC,
    says="1 / (1 + e^-z) is right, but e^-z overflows for a unit far out, and NumPy warns. activate does not.",
)
def rnn_forward_own_sigmoid(x, h0, W_xh, W_hh, b, activation):
    if activation != "sigmoid":
        return arrays(*run(x, h0, W_xh, W_hh, b, activation))
    zs, hs = [], [h0]
    for x_t in x:
        zs.append(x_t @ W_xh + hs[-1] @ W_hh + b)
        hs.append(1.0 / (1.0 + np.exp(-zs[-1])))
    return arrays(zs, hs)


# -------------------------------------------------------------------------------------------- backward_through_time


def go_back(direct_grads, zs, W_hh, activation, derivative=activation_derivative, change=lambda grad: grad):
    """[dLoss/dh_0, ..., dLoss/dh_T]; `derivative` stands for a', `change` is done to what each step hands back."""
    grads = [direct_grads[-1]]
    for t in range(len(zs), 0, -1):
        grads.append(direct_grads[t - 1] + change((grads[-1] * derivative(zs[t - 1], activation)) @ W_hh.T))
    return np.array(grads[::-1])


@misconception(
    "backward_through_time", "starts from zero and adds nothing", at_most=0.0,
    source=COURSERA + "question-on-backpropagation-week-1-prog-assignment-1/555129",
    says="Only what later steps hand back is used, and that starts at zero, so everything is zero. direct_grads feeds it.",
)
def backward_through_time_nothing(direct_grads, zs, W_hh, activation):
    return go_back(0.0 * direct_grads, zs, W_hh, activation)


@misconception(
    "backward_through_time", "returns the direct gradients", at_most=0.0,
    source=COURSERA + "building-a-recurrent-neural-network-step-by-step/534149",
    says="These are the direct gradients themselves. A state also acts through all later states, and that part is missing.",
)
def backward_through_time_direct_only(direct_grads, zs, W_hh, activation):
    return direct_grads.copy()


@misconception(
    "backward_through_time", "looks one step ahead only", at_most=0.0, source=GITHUB + "Halfish/cs231n/issues/4",
    says="Each entry gets the direct gradient of the next step only. It should get the whole gradient of the next step, "
    "which holds all later ones.",
)
def backward_through_time_one_step(direct_grads, zs, W_hh, activation):
    handed_back = (direct_grads[1:] * activation_derivative(zs, activation)) @ W_hh.T
    return np.concatenate([direct_grads[:-1] + handed_back, direct_grads[-1:]])


@misconception(
    "backward_through_time", "never updates the gradient that is handed back", at_most=0.0,
    source=GITHUB + "CaptainE/RNN-LSTM-in-numpy/issues/1",
    says="Every step starts from the gradient of the last state. Step t starts from what step t + 1 has just worked out.",
)
def backward_through_time_not_updated(direct_grads, zs, W_hh, activation):
    handed_back = (direct_grads[-1] * activation_derivative(zs, activation)) @ W_hh.T
    return np.concatenate([direct_grads[:-1] + handed_back, direct_grads[-1:]])


@misconception(
    "backward_through_time", "overwrites the direct gradients", at_most=0.0, source=GITHUB + "apache/mxnet/issues/4057",
    says="= stands where += is right: what is handed back replaces the step's own direct gradient. Both count.",
)
def backward_through_time_overwrites(direct_grads, zs, W_hh, activation):
    last_only = np.zeros_like(direct_grads)
    last_only[-1] = direct_grads[-1]
    return go_back(last_only, zs, W_hh, activation)


@misconception(
    "backward_through_time", "ignores the gradient of the last state", at_most=0.0,
    source=GITHUB + "eclipse/deeplearning4j/issues/8838",
    says="direct_grads[T] is left out. The last state has no later one, but it has its own Loss term.",
)
def backward_through_time_without_last(direct_grads, zs, W_hh, activation):
    others = direct_grads.copy()
    others[-1] = 0.0
    return go_back(others, zs, W_hh, activation)


@misconception(
    "backward_through_time", "ignores the direct gradient of h_0", at_most=0.0, source=SYNTHETIC,
    says="direct_grads[0] is left out: h_0 may have a Loss term of its own like every state.",
)
def backward_through_time_without_first(direct_grads, zs, W_hh, activation):
    others = direct_grads.copy()
    others[0] = 0.0
    return go_back(others, zs, W_hh, activation)


@misconception(
    "backward_through_time", "takes 1 - z^2 for tanh'", at_most=0.0,
    source=GITHUB + "lazyprogrammer/facial-expression-recognition/issues/2",
    says="1 - z^2 is tanh' in terms of the output h, not of z: tanh'(z) = 1 - tanh(z)^2.",
)
def backward_through_time_z_squared(direct_grads, zs, W_hh, activation):
    slopes = {"tanh": lambda z: 1.0 - z**2, "sigmoid": lambda z: z * (1.0 - z)}
    own = slopes.get(activation, lambda z: activation_derivative(z, activation))
    return go_back(direct_grads, zs, W_hh, activation, lambda z, name: own(z))


@misconception(
    "backward_through_time", "evaluates a' at h", at_most=0.0, source=GITHUB + "davidrmiller/neural2d/issues/40",
    says=SAYS_AT_H
)
def backward_through_time_at_h(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, derivative_at_value)


@misconception(
    "backward_through_time", "evaluates a' at the gradient", at_most=0.0,
    source=GITHUB + "yizt/numpy_neural_network/issues/6",
    says="a' is evaluated at the gradient that comes in, and the gradient itself is dropped. a' belongs to z_t, and "
         "multiplies the gradient.",
)
def backward_through_time_at_gradient(direct_grads, zs, W_hh, activation):
    grads = [direct_grads[-1]]
    for t in range(len(zs), 0, -1):
        grads.append(direct_grads[t - 1] + activation_derivative(grads[-1], activation) @ W_hh.T)
    return np.array(grads[::-1])


@misconception("backward_through_time", "takes tanh' for every activation", at_most=0.0, source=SYNTHETIC, says=SAYS_NAMES)
def backward_through_time_tanh_only(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, lambda z, name: 1.0 - np.tanh(z) ** 2)


@misconception(
    "backward_through_time", "takes 1 + tanh^2 for tanh'", at_most=0.0,
    source=GITHUB + "gy910210/neural-network-from-scratch/issues/2",
    says="The sign is wrong: tanh' is 1 - tanh^2, never above 1.",
)
def backward_through_time_plus(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, lambda z, name: 1.0 + np.tanh(z) ** 2 if name == "tanh" else
                   activation_derivative(z, name))


@misconception(
    "backward_through_time", "takes -tanh^2 for tanh'", at_most=0.0,
    source=GITHUB + "scutan90/DeepLearning-500-questions/issues/544",
    says="The 1 is missing: tanh' is 1 - tanh^2.",
)
def backward_through_time_minus(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, lambda z, name: -np.tanh(z) ** 2 if name == "tanh" else
                   activation_derivative(z, name))


@misconception(
    "backward_through_time", "forgets a'", at_most=0.0, source=GITHUB + "CaptainE/RNN-LSTM-in-numpy/pull/2",
    says=SAYS_NO_DERIVATIVE
)
def backward_through_time_without_derivative(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, "identity")


@misconception(
    "backward_through_time", "does not transpose W_hh", at_most=0.0, source="https://arxiv.org/abs/1211.5063",
    says=SAYS_TRANSPOSED
)
def backward_through_time_not_transposed(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh.T, activation)


@misconception(
    "backward_through_time", "takes the neighbour's a'", at_most=0.0, source=SYNTHETIC,
    says="a' of another step is used. The gradient of h_t first meets a'(z_t), and z_t is zs[t-1].",
)
def backward_through_time_neighbour(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs[[0, *range(len(zs) - 1)]], W_hh, activation)


@misconception(
    "backward_through_time", "multiplies by a' behind W_hh", at_most=0.0,
    source="https://stats.stackexchange.com/q/293862",
    says="a' is multiplied after W_hh.T instead of before it. The factors are matrices: a'(z_t) stands next to the gradient "
         "of h_t.",
)
def backward_through_time_behind(direct_grads, zs, W_hh, activation):
    grads = [direct_grads[-1]]
    for t in range(len(zs), 0, -1):
        grads.append(direct_grads[t - 1] + (grads[-1] @ W_hh.T) * activation_derivative(zs[t - 1], activation))
    return np.array(grads[::-1])


@misconception(
    "backward_through_time", "averages over the batch", at_most=0.0, source="CMU 11-785, homework code (dh_next / N)",
    says=SAYS_BATCH_MEAN,
)
def backward_through_time_mean(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, change=lambda grad: grad / len(grad))


@misconception("backward_through_time", "cuts gradients to 5", at_most=0.0, source=MIN_CHAR_RNN, says=SAYS_CLIPPED)
def backward_through_time_cut(direct_grads, zs, W_hh, activation):
    return np.clip(go_back(direct_grads, zs, W_hh, activation), -5.0, 5.0)


@misconception("backward_through_time", "cuts what is handed back to 5", at_most=0.0,
               source=GITHUB + "qixianbiao/RNN/pull/2", says=SAYS_CLIPPED)
def backward_through_time_cut_inside(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, change=lambda grad: np.clip(grad, -5.0, 5.0))


@misconception(
    "backward_through_time", "returns dLoss/dz", at_most=0.0,
    source=COURSERA + "c5w1a1-help-for-optional-assignment-rnn-backward/11690",
    says="Entry t is multiplied by a'(z_t) already: that is dLoss/dz_t. Asked for is dLoss/dh_t, before a'.",
)
def backward_through_time_dz(direct_grads, zs, W_hh, activation):
    grads = go_back(direct_grads, zs, W_hh, activation)
    grads[1:] = grads[1:] * activation_derivative(zs, activation)
    return grads


@misconception(
    "backward_through_time", "leaves entry 0 out", at_most=0.0, source=SYNTHETIC,
    says="There are T entries here and T + 1 are due: the last step back leads to h_0.",
)
def backward_through_time_too_short(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation)[1:]


@misconception(
    "backward_through_time", "returns its entries in reversed order", at_most=0.0, source=SYNTHETIC,
    says="All entries are right, in reversed order: entry 0 belongs to h_0, entry T to the last state.",
)
def backward_through_time_reversed(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation)[::-1]


@misconception(
    "backward_through_time", "takes 1 for ReLU's derivative at 0", at_most=0.4, source=SYNTHETIC,
    says=SAYS_RELU,
)
def backward_through_time_relu_one(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, derivative_one_at_zero)


@misconception(
    "backward_through_time", "stops after twenty steps", at_most=0.4,
    source="https://r2rt.com/styles-of-truncated-backpropagation.html",
    says="The gradient is handed back over a limited number of steps. That is truncated backpropagation, a shortcut for "
    "long sequences; here the whole gradient is asked for.",
)
def backward_through_time_truncated(direct_grads, zs, W_hh, activation):
    T = len(zs)
    grads = np.array(direct_grads)
    for start in range(1, T + 1):
        grad = direct_grads[start]
        for t in range(start, max(start - 20, 0), -1):
            grad = (grad * activation_derivative(zs[t - 1], activation)) @ W_hh.T
            grads[t - 1] += grad
    return grads


@misconception(
    "backward_through_time", "drops small gradients", at_most=0.4, source=SYNTHETIC,
    says="Gradients below a small number were set to zero. After a hundred steps they are that small, and still not zero.",
)
def backward_through_time_rounded(direct_grads, zs, W_hh, activation):
    grads = go_back(direct_grads, zs, W_hh, activation)
    return np.where(np.abs(grads) < 1e-15, 0.0, grads)


@misconception("backward_through_time", "lets e^-z overflow", at_most=0.4, source=SYNTHETIC, says=SAYS_OWN_DERIVATIVE)
def backward_through_time_overflowing(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, derivative_by_exponentials)


@misconception(
    "backward_through_time", "lets cosh overflow", at_most=0.9, source=SYNTHETIC,
    says="1 / cosh(z)^2 is right, but cosh overflows for a unit far out, and NumPy warns. activation_derivative does not.",
)
def backward_through_time_cosh(direct_grads, zs, W_hh, activation):
    return go_back(direct_grads, zs, W_hh, activation, lambda z, name: 1.0 / np.cosh(z) ** 2 if name == "tanh" else
                   activation_derivative(z, name))


@misconception("backward_through_time", "squeezes its array", at_most=0.4, source=SYNTHETIC, says=SAYS_SQUEEZED)
def backward_through_time_squeezed(direct_grads, zs, W_hh, activation):
    return np.squeeze(go_back(direct_grads, zs, W_hh, activation))


@misconception(
    "backward_through_time", "adds into direct_grads", at_most=0.4, source=GITHUB + "Burton2000/CS231n-2017/issues/7",
    says="The values are right, but they are written into the caller's direct_grads. Start from direct_grads.copy().",
)
def backward_through_time_in_place(direct_grads, zs, W_hh, activation):
    for t in range(len(zs), 0, -1):
        direct_grads[t - 1] += (direct_grads[t] * activation_derivative(zs[t - 1], activation)) @ W_hh.T
    return direct_grads


# --------------------------------------------------------------------------------------- recurrent_weight_gradients


def collect(z_grads, before, x):
    """The three sums, given dLoss/dz_t, the states before each step and the inputs."""
    return (np.einsum("tmd,tmn->dn", x, z_grads), np.einsum("tmk,tmn->kn", before, z_grads), z_grads.sum(axis=(0, 1)))


def z_gradients(loss_grads, zs, activation, derivative=activation_derivative):
    return loss_grads[1:] * derivative(zs, activation)


@misconception(
    "recurrent_weight_gradients", "pairs dz_t with h_t", at_most=0.25, source=GITHUB + "VikParuchuri/zero_to_gpt/issues/9",
    says="dW_hh takes h_t, the state that step t produced. The step read the state before it, h_{t-1}.",
)
def recurrent_weight_gradients_own_state(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation), hs[1:], x)


@misconception(
    "recurrent_weight_gradients", "wraps around to the last state", at_most=0.25, source=GITHUB + "qixianbiao/RNN/pull/2",
    says="For the first step the index -1 fetches the last state. The first step read h_0, which is hs[0].",
)
def recurrent_weight_gradients_wraps(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation), hs[[-1, *range(1, len(zs))]], x)


@misconception(
    "recurrent_weight_gradients", "averages over the steps", at_most=0.0, source="https://math.stackexchange.com/q/3194449",
    says="This divides by the number of steps. One matrix acts at every step, and by the chain rule its gradients add up.",
)
def recurrent_weight_gradients_step_mean(loss_grads, zs, hs, x, activation):
    return tuple(grad / len(zs) for grad in collect(z_gradients(loss_grads, zs, activation), hs[:-1], x))


@misconception(
    "recurrent_weight_gradients", "averages over the batch", at_most=0.0, source="CMU 11-785, homework code (dh_next / N)",
    says=SAYS_BATCH_MEAN,
)
def recurrent_weight_gradients_batch_mean(loss_grads, zs, hs, x, activation):
    return tuple(grad / zs.shape[1] for grad in collect(z_gradients(loss_grads, zs, activation), hs[:-1], x))


@misconception(
    "recurrent_weight_gradients", "keeps the first step only", at_most=0.0, source=GITHUB + "slds-lmu/lecture_i2dl/issues/10",
    says="Each step overwrites the gradients of the one before, = for +=, so that only one step is left.",
)
def recurrent_weight_gradients_overwritten(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation)[:1], hs[:1], x[:1])


@misconception(
    "recurrent_weight_gradients", "keeps the last step only", at_most=0.0, source=GITHUB + "OpenNMT/OpenNMT-py/issues/891",
    says="Only the last step is left: the sums are set back to zero inside the loop over time.",
)
def recurrent_weight_gradients_last_only(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation)[-1:], hs[-2:-1], x[-1:])


@misconception(
    "recurrent_weight_gradients", "returns transposed matrices", at_most=0.0, source=PYTORCH_RNN,
    says="dW_xh and dW_hh are transposed: right where weights have the shape (outputs, inputs), as in PyTorch. Here each "
    "gradient has the shape of its matrix, (d, n) and (n, n).",
)
def recurrent_weight_gradients_transposed(loss_grads, zs, hs, x, activation):
    dW_xh, dW_hh, db = collect(z_gradients(loss_grads, zs, activation), hs[:-1], x)
    return dW_xh.T, dW_hh.T, db


@misconception(
    "recurrent_weight_gradients", "transposes dW_hh", at_most=0.25, source=SYNTHETIC,
    says="dW_hh is transposed. It is square, so its shape does not tell: entry [k, j] belongs to the weight from unit k to "
         "unit j.",
)
def recurrent_weight_gradients_dW_hh_transposed(loss_grads, zs, hs, x, activation):
    dW_xh, dW_hh, db = collect(z_gradients(loss_grads, zs, activation), hs[:-1], x)
    return dW_xh, dW_hh.T, db


@misconception("recurrent_weight_gradients", "forgets a'", at_most=0.0,
               source=GITHUB + "CaptainE/RNN-LSTM-in-numpy/issues/1", says=SAYS_NO_DERIVATIVE)
def recurrent_weight_gradients_without_derivative(loss_grads, zs, hs, x, activation):
    return collect(loss_grads[1:], hs[:-1], x)


@misconception("recurrent_weight_gradients", "takes tanh' for every activation", at_most=0.0, source=SYNTHETIC, says=SAYS_NAMES)
def recurrent_weight_gradients_tanh_only(loss_grads, zs, hs, x, activation):
    return collect(loss_grads[1:] * (1.0 - hs[1:] ** 2), hs[:-1], x)


@misconception("recurrent_weight_gradients", "evaluates a' at h", at_most=0.0,
               source=GITHUB + "nicklashansen/rnn_lstm_from_scratch/issues/1", says=SAYS_AT_H)
def recurrent_weight_gradients_at_h(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation, derivative_at_value), hs[:-1], x)


@misconception(
    "recurrent_weight_gradients", "pairs z_t with the gradient of h_{t-1}", at_most=0.0, source=SYNTHETIC,
    says="The gradients are shifted by one step: zs[t-1] belongs to h_t, whose gradient is loss_grads[t]. Entry 0 belongs to "
         "h_0.",
)
def recurrent_weight_gradients_shifted(loss_grads, zs, hs, x, activation):
    return collect(loss_grads[:-1] * activation_derivative(zs, activation), hs[:-1], x)


@misconception(
    "recurrent_weight_gradients", "takes z for the state before", at_most=0.25, source=SYNTHETIC,
    says="dW_hh takes z_{t-1}, before the activation. Step t read h_{t-1} = a(z_{t-1}).",
)
def recurrent_weight_gradients_z_for_h(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation), np.concatenate([hs[:1], zs[:-1]]), x)


@misconception(
    "recurrent_weight_gradients", "never updates W_hh", at_most=0.25, source=GITHUB + "fzenke/spytorch/issues/7",
    says="dW_hh is zero: the recurrent matrix would never learn.",
)
def recurrent_weight_gradients_no_dW_hh(loss_grads, zs, hs, x, activation):
    dW_xh, dW_hh, db = collect(z_gradients(loss_grads, zs, activation), hs[:-1], x)
    return dW_xh, 0.0 * dW_hh, db


@misconception(
    "recurrent_weight_gradients", "leaves the first step out of dW_hh", at_most=0.25, source=SYNTHETIC,
    says="The first step is missing in dW_hh: it read h_0, which need not be zero.",
)
def recurrent_weight_gradients_without_h0(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation), np.concatenate([0.0 * hs[:1], hs[1:-1]]), x)


@misconception(
    "recurrent_weight_gradients", "does not sum db over the batch", at_most=0.4, source=SYNTHETIC,
    says="db is summed over the steps only. One b serves all rows as well: the sum runs over both axes.",
)
def recurrent_weight_gradients_db_rows(loss_grads, zs, hs, x, activation):
    z_grads = z_gradients(loss_grads, zs, activation)
    return *collect(z_grads, hs[:-1], x)[:2], z_grads.sum(axis=0)


@misconception(
    "recurrent_weight_gradients", "keeps an axis in db", at_most=0.4, source=SYNTHETIC,
    says="db has the shape (1, n), as keepdims leaves it. b has the shape (n,), and so has its gradient.",
)
def recurrent_weight_gradients_db_keepdims(loss_grads, zs, hs, x, activation):
    dW_xh, dW_hh, db = collect(z_gradients(loss_grads, zs, activation), hs[:-1], x)
    return dW_xh, dW_hh, db[np.newaxis]


@misconception(
    "recurrent_weight_gradients", "takes the gradients of h for db", at_most=0.4, source=GITHUB + "hanbt/learn_dl/issues/53",
    says="db sums dLoss/dh_t. b acts on z_t, so the factor a'(z_t) belongs to it as well.",
)
def recurrent_weight_gradients_db_of_h(loss_grads, zs, hs, x, activation):
    return *collect(z_gradients(loss_grads, zs, activation), hs[:-1], x)[:2], loss_grads[1:].sum(axis=(0, 1))


@misconception(
    "recurrent_weight_gradients", "returns two bias gradients", at_most=0.0, source=PYTORCH_RNN,
    says="Four things are returned. PyTorch keeps two biases; here there is one, and the tuple is (dW_xh, dW_hh, db).",
)
def recurrent_weight_gradients_two_biases(loss_grads, zs, hs, x, activation):
    dW_xh, dW_hh, db = collect(z_gradients(loss_grads, zs, activation), hs[:-1], x)
    return dW_xh, dW_hh, db, db.copy()


@misconception(
    "recurrent_weight_gradients", "returns the matrices in the other order", at_most=0.0, source=SYNTHETIC,
    says="All three are right, but the tuple is (dW_xh, dW_hh, db), in this order.",
)
def recurrent_weight_gradients_swapped(loss_grads, zs, hs, x, activation):
    dW_xh, dW_hh, db = collect(z_gradients(loss_grads, zs, activation), hs[:-1], x)
    return dW_hh, dW_xh, db


@misconception("recurrent_weight_gradients", "cuts its gradients to 5", at_most=0.0, source=MIN_CHAR_RNN, says=SAYS_CLIPPED)
def recurrent_weight_gradients_cut(loss_grads, zs, hs, x, activation):
    return tuple(np.clip(grad, -5.0, 5.0) for grad in collect(z_gradients(loss_grads, zs, activation), hs[:-1], x))


@misconception(
    "recurrent_weight_gradients", "sums the last hundred steps", at_most=0.4,
    source="https://r2rt.com/styles-of-truncated-backpropagation.html",
    says="Only the last steps are summed, as truncated backpropagation does. The whole gradient is asked for.",
)
def recurrent_weight_gradients_truncated(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation)[-100:], hs[:-1][-100:], x[-100:])


@misconception("recurrent_weight_gradients", "lets e^-z overflow", at_most=0.4, source=SYNTHETIC, says=SAYS_OWN_DERIVATIVE)
def recurrent_weight_gradients_overflowing(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation, derivative_by_exponentials), hs[:-1], x)


@misconception("recurrent_weight_gradients", "squeezes its arrays", at_most=0.4, source=SYNTHETIC, says=SAYS_SQUEEZED)
def recurrent_weight_gradients_squeezed(loss_grads, zs, hs, x, activation):
    return tuple(np.squeeze(grad) for grad in collect(z_gradients(loss_grads, zs, activation), hs[:-1], x))


@misconception("recurrent_weight_gradients", "knows tanh and sigmoid only", at_most=0.4, source=SYNTHETIC, says=SAYS_NAMES)
def recurrent_weight_gradients_smooth_only(loss_grads, zs, hs, x, activation):
    name = "sigmoid" if activation == "sigmoid" else "tanh"
    return collect(z_gradients(loss_grads, zs, name), hs[:-1], x)


@misconception(
    "recurrent_weight_gradients", "adds a small constant", at_most=0.4, source=SYNTHETIC,
    says="A small constant is added to the gradients. Nothing is divided here, so nothing needs one, and small gradients "
         "drown in it.",
)
def recurrent_weight_gradients_epsilon(loss_grads, zs, hs, x, activation):
    return tuple(grad + 1e-12 for grad in collect(z_gradients(loss_grads, zs, activation), hs[:-1], x))


@misconception(
    "recurrent_weight_gradients", "multiplies a' into loss_grads", at_most=0.4, source=SYNTHETIC,
    says="The values are right, but loss_grads[1:] *= ... changes the caller's array. loss_grads[1:] * ... makes a new one.",
)
def recurrent_weight_gradients_in_place(loss_grads, zs, hs, x, activation):
    loss_grads[1:] *= activation_derivative(zs, activation)
    return collect(loss_grads[1:], hs[:-1], x)


@misconception(
    "recurrent_weight_gradients", "takes 1 for ReLU's derivative at 0", at_most=0.4, source=SYNTHETIC,
    says=SAYS_RELU,
)
def recurrent_weight_gradients_relu_one(loss_grads, zs, hs, x, activation):
    return collect(z_gradients(loss_grads, zs, activation, derivative_one_at_zero), hs[:-1], x)


# -------------------------------------------------------------------------------------------------- spectral_radius


@misconception(
    "spectral_radius", "takes the largest eigenvalue without the modulus", at_most=0.0,
    source=GITHUB + "EricDarve/numerical_linear_algebra/issues/43",
    says="The largest real part was taken. A negative or complex eigenvalue counts by its absolute value.",
)
def spectral_radius_no_modulus(W_hh):
    return np.max(np.linalg.eigvals(W_hh).real)


@misconception(
    "spectral_radius", "takes the spectral norm", at_most=0.0, source=GITHUB + "PoisotLab/EcologicalNetworks.jl/issues/147",
    says="This is the spectral norm, the largest singular value. The radius is the largest absolute eigenvalue, which is "
         "never larger.",
)
def spectral_radius_norm(W_hh):
    return np.linalg.norm(W_hh, 2)


@misconception(
    "spectral_radius", "takes the Frobenius norm", at_most=0.0, source=SYNTHETIC,
    says="np.linalg.norm(W) is the Frobenius norm, the root of the sum of all squares. Eigenvalues are something else.",
)
def spectral_radius_frobenius(W_hh):
    return np.linalg.norm(W_hh)


@misconception(
    "spectral_radius", "makes one power step on W^T W", at_most=0.0,
    source=GITHUB + "zhuchen03/ConvexPolytopePosioning/issues/4",
    says="One step of power iteration on W^T W estimates the spectral norm, and roughly. Eigenvalues of W itself are asked "
         "for.",
)
def spectral_radius_one_step(W_hh):
    v = W_hh.T @ (W_hh @ np.ones(len(W_hh)))
    size = np.linalg.norm(v)
    return np.linalg.norm(W_hh @ v) / size if size > 0 else 0.0


@misconception(
    "spectral_radius", "uses power iteration", at_most=0.0, source=GITHUB + "google-deepmind/optax/issues/1215",
    says="Power iteration settles only if one eigenvalue is larger than all others. A complex pair has two of the same size.",
)
def spectral_radius_power_iteration(W_hh):
    v, size = np.random.default_rng(0).normal(size=len(W_hh)), 0.0
    for _ in range(100):
        v = W_hh @ v
        size = np.linalg.norm(v)
        if size == 0:
            return 0.0
        v = v / size
    return size


@misconception(
    "spectral_radius", "takes a root of the norm of a power", at_most=0.0, source=SYNTHETIC,
    says="||W^100||^(1/100) comes near the radius, slowly: after 100 powers only two digits are right.",
)
def spectral_radius_gelfand(W_hh):
    return np.linalg.norm(np.linalg.matrix_power(W_hh, 100), 2) ** 0.01


@misconception(
    "spectral_radius", "treats W_hh as symmetric", at_most=0.0, source=SYNTHETIC,
    says="eigvalsh reads one triangle and takes the matrix for symmetric. W_hh is not: use eigvals.",
)
def spectral_radius_symmetric(W_hh):
    return np.max(np.abs(np.linalg.eigvalsh(W_hh)))


@misconception(
    "spectral_radius", "drops imaginary parts", at_most=0.0, source=SYNTHETIC,
    says="Imaginary parts were dropped. A pair a +- ib counts as the root of a^2 + b^2.",
)
def spectral_radius_real_parts(W_hh):
    return np.max(np.abs(np.linalg.eigvals(W_hh).real))


@misconception(
    "spectral_radius", "leaves complex eigenvalues out", at_most=0.0, source=SYNTHETIC,
    says="Only real eigenvalues were looked at. Complex ones count by their modulus.",
)
def spectral_radius_real_only(W_hh):
    eigenvalues = np.linalg.eigvals(W_hh)
    real = eigenvalues[np.abs(np.imag(eigenvalues)) < 1e-12].real
    return np.max(np.abs(real)) if real.size else 0.0


@misconception(
    "spectral_radius", "takes the first eigenvalue", at_most=0.0, source=SYNTHETIC,
    says="NumPy does not sort eigenvalues: the first one need not be the largest.",
)
def spectral_radius_first(W_hh):
    return np.abs(np.linalg.eigvals(W_hh)[0])


@misconception(
    "spectral_radius", "takes the smallest eigenvalue", at_most=0.0, source=SYNTHETIC,
    says="This is the smallest absolute eigenvalue. The largest one decides what is left of a long product.",
)
def spectral_radius_smallest(W_hh):
    return np.min(np.abs(np.linalg.eigvals(W_hh)))


@misconception(
    "spectral_radius", "keeps the sign", at_most=0.0, source=SYNTHETIC,
    says="The eigenvalue itself was returned, with its sign or without its imaginary part. Its absolute value is asked for.",
)
def spectral_radius_signed(W_hh):
    eigenvalues = np.linalg.eigvals(W_hh)
    return eigenvalues[np.argmax(np.abs(eigenvalues))].real


@misconception(
    "spectral_radius", "averages the eigenvalues", at_most=0.0, source=SYNTHETIC,
    says="This is a mean over the eigenvalues. The largest one alone decides.",
)
def spectral_radius_mean(W_hh):
    return np.mean(np.abs(np.linalg.eigvals(W_hh)))


@misconception(
    "spectral_radius", "takes the largest row sum", at_most=0.0, source=SYNTHETIC,
    says="The largest row sum is a norm, which bounds the eigenvalues from above. It is not one of them.",
)
def spectral_radius_row_sum(W_hh):
    return np.max(np.sum(np.abs(W_hh), axis=1))


@misconception(
    "spectral_radius", "takes the largest entry", at_most=0.0, source=SYNTHETIC,
    says="This is the largest entry of the matrix. Eigenvalues belong to the matrix as a whole: np.linalg.eigvals.",
)
def spectral_radius_largest_entry(W_hh):
    return np.max(np.abs(W_hh))


@misconception(
    "spectral_radius", "takes the eigenvalues of W^T W", at_most=0.0, source="https://ai.stackexchange.com/q/20378",
    says="The eigenvalues of W^T W are the squares of W's singular values. Take those of W_hh itself.",
)
def spectral_radius_gram(W_hh):
    return np.max(np.abs(np.linalg.eigvals(W_hh.T @ W_hh)))


@misconception(
    "spectral_radius", "rounds", at_most=0.4, source=SYNTHETIC,
    says="The result is rounded to a number of decimals. Small matrices have small eigenvalues.",
)
def spectral_radius_rounded(W_hh):
    return np.round(np.max(np.abs(np.linalg.eigvals(W_hh))), 12)


@misconception(
    "spectral_radius", "normalises by a norm first", at_most=0.4, source=SYNTHETIC,
    says="Dividing by the norm makes NaN of a matrix of zeros. Nothing has to be divided.",
)
def spectral_radius_normalised(W_hh):
    norm = np.linalg.norm(W_hh, 2)
    return norm * np.max(np.abs(np.linalg.eigvals(W_hh / np.float64(norm)))) if norm > 0 else np.float64(np.nan)


@misconception(
    "spectral_radius", "needs two units", at_most=0.4, source=SYNTHETIC,
    says="A matrix of one entry is treated apart, and its sign is lost sight of: the radius is the absolute value.",
)
def spectral_radius_one_unit(W_hh):
    return W_hh[0, 0] if len(W_hh) == 1 else np.max(np.abs(np.linalg.eigvals(W_hh)))


@misconception(
    "spectral_radius", "scales the matrix in place", at_most=0.4, source=SYNTHETIC,
    says="W_hh /= ... changes the caller's matrix.",
)
def spectral_radius_in_place(W_hh):
    size = np.max(np.abs(W_hh))
    if size > 0:
        W_hh /= size
    return size * np.max(np.abs(np.linalg.eigvals(W_hh)))


@misconception(
    "spectral_radius", "warns of a division by zero", at_most=0.9, source=SYNTHETIC,
    says="The values are right, but a matrix of zeros is divided by 0 on the way, and NumPy warns.",
)
def spectral_radius_warning(W_hh):
    size = np.max(np.abs(W_hh))
    scaled = np.nan_to_num(W_hh / size)
    return size * np.max(np.abs(np.linalg.eigvals(scaled)))


# --------------------------------------------------------------------------------------------------- memory_horizon


def steps_needed(factor, tolerance, up=math.ceil):
    """The frame of most of the mistakes below."""
    if tolerance >= 1:
        return 0
    if factor == 0:
        return 1
    if factor >= 1:
        return math.inf
    return up(math.log(tolerance) / math.log(factor))


def factor_of(max_derivative, W_hh):
    return float(max_derivative * np.linalg.norm(W_hh, 2))


@misconception(
    "memory_horizon", "takes the spectral radius", at_most=0.0, source="https://arxiv.org/abs/1211.5063v1",
    says="The spectral radius governs very long products, but it bounds no single step. The bound needs the spectral norm. "
    "(The first version of a well-known paper has the radius here.)",
)
def memory_horizon_radius(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(max_derivative * recurrent.spectral_radius(W_hh), tolerance)


@misconception(
    "memory_horizon", "takes the Frobenius norm", at_most=0.0, source=SYNTHETIC,
    says="np.linalg.norm(W) is the Frobenius norm. The spectral norm is np.linalg.norm(W, 2), the largest singular value.",
)
def memory_horizon_frobenius(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(float(max_derivative * np.linalg.norm(W_hh)), tolerance)


@misconception(
    "memory_horizon", "leaves max_derivative out", at_most=0.0, source=SYNTHETIC,
    says="max_derivative is missing: each step multiplies by a' and by W_hh.",
)
def memory_horizon_without_derivative(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(1.0, W_hh), tolerance)


@misconception(
    "memory_horizon", "counts max_derivative once", at_most=0.0, source=SYNTHETIC,
    says="max_derivative enters once for all steps. It belongs to every step, inside the power.",
)
def memory_horizon_derivative_once(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(1.0, W_hh), min(tolerance / max_derivative, 1.0))


@misconception(
    "memory_horizon", "rounds down", at_most=0.0, source=SYNTHETIC,
    says="int() and floor round down: one step before the bound has fallen to the tolerance.",
)
def memory_horizon_floor(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(max_derivative, W_hh), tolerance, math.floor)


@misconception(
    "memory_horizon", "rounds to the nearest step", at_most=0.0, source=SYNTHETIC,
    says="round() goes down as often as up. The smallest k that is enough lies above the exact solution: round up.",
)
def memory_horizon_round(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(max_derivative, W_hh), tolerance, round)


@misconception(
    "memory_horizon", "does not round", at_most=0.0, source=SYNTHETIC,
    says="This is the exact solution of factor^k = tolerance. Asked for is the smallest whole number of steps.",
)
def memory_horizon_float(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(max_derivative, W_hh), tolerance, float)


@misconception(
    "memory_horizon", "is one step off", at_most=0.0, source=SYNTHETIC,
    says="One step too many: factor^0 = 1 is the count before the first step.",
)
def memory_horizon_one_more(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(max_derivative, W_hh), tolerance) + 1


@misconception(
    "memory_horizon", "ignores the tolerance that is given", at_most=0.0, source=SYNTHETIC,
    says="The default 1e-3 is used always. The third argument replaces it.",
)
def memory_horizon_default_only(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(max_derivative, W_hh), 1e-3)


@misconception(
    "memory_horizon", "mixes two logarithms", at_most=0.0, source=SYNTHETIC,
    says="log10 is divided by a natural logarithm. Either will do, the same one above and below.",
)
def memory_horizon_mixed_logarithms(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(max_derivative, W_hh), tolerance ** (1 / math.log(10)))


@misconception(
    "memory_horizon", "takes the largest entry", at_most=0.0, source=SYNTHETIC,
    says="The largest entry of W_hh bounds nothing: its spectral norm is larger.",
)
def memory_horizon_largest_entry(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(float(max_derivative * np.max(np.abs(W_hh))), tolerance)


@misconception(
    "memory_horizon", "squares the norm", at_most=0.0, source=SYNTHETIC,
    says="The largest eigenvalue of W^T W is the square of the spectral norm: the root is missing.",
)
def memory_horizon_squared(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(float(max_derivative * np.linalg.norm(W_hh.T @ W_hh, 2)), tolerance)


@misconception(
    "memory_horizon", "takes 1 / (1 - factor)", at_most=0.0, source=SYNTHETIC,
    says="1 / (1 - factor) is a time constant. The horizon depends on the tolerance: solve factor^k <= tolerance.",
)
def memory_horizon_time_constant(max_derivative, W_hh, tolerance=1e-3):
    factor = factor_of(max_derivative, W_hh)
    return math.ceil(1.0 / (1.0 - factor)) if factor < 1 else math.inf


@misconception(
    "memory_horizon", "gives up after a hundred steps", at_most=0.4, source=SYNTHETIC,
    says="The loop gives up too early: a factor just below 1 needs tens of thousands of steps.",
)
def memory_horizon_gives_up(max_derivative, W_hh, tolerance=1e-3):
    factor = factor_of(max_derivative, W_hh)
    return next((k for k in range(101) if factor**k <= tolerance), math.inf)


@misconception(
    "memory_horizon", "has no infinite horizon", at_most=0.4, source="https://stats.stackexchange.com/q/293862",
    says="For a factor above 1 the quotient of the logarithms is negative. The bound grows there: return math.inf.",
)
def memory_horizon_never_infinite(max_derivative, W_hh, tolerance=1e-3):
    factor = factor_of(max_derivative, W_hh)
    if tolerance >= 1 or factor in (0, 1):
        return steps_needed(factor, tolerance)
    return math.ceil(math.log(tolerance) / math.log(factor))


@misconception(
    "memory_horizon", "returns -1 where there is no horizon", at_most=0.4, source=SYNTHETIC,
    says="Where no k will do, math.inf is asked for.",
)
def memory_horizon_minus_one(max_derivative, W_hh, tolerance=1e-3):
    k = steps_needed(factor_of(max_derivative, W_hh), tolerance)
    return -1 if k == math.inf else k


@misconception(
    "memory_horizon", "asks for one step at least", at_most=0.4, source=SYNTHETIC,
    says="A tolerance of 1 is met before the first step, by factor^0 = 1: the answer is 0.",
)
def memory_horizon_at_least_one(max_derivative, W_hh, tolerance=1e-3):
    factor = factor_of(max_derivative, W_hh)
    return max(1, steps_needed(factor, tolerance)) if factor < 1 else math.inf


@misconception(
    "memory_horizon", "takes 0 steps through zeros", at_most=0.4, source=SYNTHETIC,
    says="For a W_hh of zeros the logarithm is -inf, and the quotient 0. But before the first step everything is left: the "
         "answer is 1.",
)
def memory_horizon_zero_for_zeros(max_derivative, W_hh, tolerance=1e-3):
    return steps_needed(factor_of(max_derivative, W_hh), tolerance) if np.any(W_hh) else 0


@misconception(
    "memory_horizon", "warns of zeros", at_most=0.92, source=SYNTHETIC,
    says="The value is right, but np.log(0) warns. Treat a W_hh of zeros apart.",
)
def memory_horizon_warning(max_derivative, W_hh, tolerance=1e-3):
    factor = factor_of(max_derivative, W_hh)
    steps = np.log(tolerance) / np.log(np.float64(factor))
    return steps_needed(factor, tolerance) if steps == steps else 0


@misconception(
    "memory_horizon", "scales W_hh in place", at_most=0.4, source=SYNTHETIC,
    says="W_hh *= max_derivative changes the caller's matrix. max_derivative * W_hh makes a new one.",
)
def memory_horizon_in_place(max_derivative, W_hh, tolerance=1e-3):
    W_hh *= max_derivative
    return steps_needed(factor_of(1.0, W_hh), tolerance)


# --------------------------------------------------------------------------------------------- clip_by_global_norm


def joint_norm(grads):
    return float(np.sqrt(sum(np.sum(grad**2) for grad in grads)))


def safe_norm(grads):
    size = max(np.max(np.abs(grad)) for grad in grads)
    return float(size * joint_norm([grad / size for grad in grads])) if size > 0 else 0.0


def scaled(grads, scale):
    return [grad * scale for grad in grads]


@misconception(
    "clip_by_global_norm", "clips each array by its own norm", at_most=0.0, source=GITHUB + "domluna/memn2n/issues/19",
    says="Each array is clipped by its own norm, which turns the direction of the step. Global means: one norm for the whole "
         "list.",
)
def clip_by_global_norm_per_array(grads, max_norm):
    return [scaled([grad], min(1.0, max_norm / max(safe_norm([grad]), max_norm)))[0] for grad in grads], safe_norm(grads)


@misconception(
    "clip_by_global_norm", "leaves the root out", at_most=0.0, source=GITHUB + "paiml/entrenar/issues/311",
    says="The sum of the squares is compared with max_norm. The norm is its root.",
)
def clip_by_global_norm_squared(grads, max_norm):
    with np.errstate(all="ignore"):
        norm = safe_norm(grads) ** 2
    return scaled(grads, max_norm / norm if norm > max_norm else 1.0), norm


@misconception(
    "clip_by_global_norm", "scales small gradients up", at_most=0.4, source=GITHUB + "pytorch/pytorch/issues/151554",
    says="Every gradient is brought to max_norm, small ones too. Clipping only makes smaller: below max_norm nothing "
         "changes.",
)
def clip_by_global_norm_always(grads, max_norm):
    norm = safe_norm(grads)
    return scaled(grads, max_norm / norm if norm > 0 else 1.0), norm


@misconception(
    "clip_by_global_norm", "returns the norm after clipping", at_most=0.4, source=GITHUB + "volcengine/verl/issues/2282",
    says="This is the norm of the clipped arrays. The norm before clipping is asked for: it tells that there was an "
         "explosion.",
)
def clip_by_global_norm_norm_after(grads, max_norm):
    clipped, norm = recurrent.clip_by_global_norm(grads, max_norm)
    return clipped, min(norm, max_norm)


@misconception(
    "clip_by_global_norm", "returns max_norm for the norm", at_most=0.4, source=SYNTHETIC,
    says="max_norm came back, whatever the norm was. The norm before clipping is asked for: it tells that there was an explosion.",
)
def clip_by_global_norm_limit(grads, max_norm):
    return recurrent.clip_by_global_norm(grads, max_norm)[0], max_norm


@misconception(
    "clip_by_global_norm", "scales in place and returns nothing", at_most=0.0, source=SYNTHETIC,
    says="The caller's arrays are scaled and None comes back. Return a pair: new arrays, and the norm before clipping.",
)
def clip_by_global_norm_returns_nothing(grads, max_norm):
    clip_by_global_norm_in_place(grads, max_norm)


@misconception(
    "clip_by_global_norm", "cuts every entry to max_norm, in place", at_most=0.0, source=SYNTHETIC,
    says="Each entry is cut by itself, in the caller's arrays, and no norm comes back. Scale all entries by one number, in new arrays, and "
         "return the norm before clipping as well.",
)
def clip_by_global_norm_by_value_in_place(grads, max_norm):
    for grad in grads:
        np.clip(grad, -max_norm, max_norm, out=grad)
    return grads


@misconception(
    "clip_by_global_norm", "cuts every entry to max_norm", at_most=0.0, source="https://ai.stackexchange.com/q/40217",
    says="Each entry is cut by itself, so the direction of the step changes. Scale all entries by one number.",
)
def clip_by_global_norm_by_value(grads, max_norm):
    return [np.clip(grad, -max_norm, max_norm) for grad in grads], safe_norm(grads)


@misconception(
    "clip_by_global_norm", "cuts every entry to 5", at_most=0.0, source=MIN_CHAR_RNN,
    says="Each entry is cut to the interval from -5 to 5, as min-char-rnn does. Here all arrays are scaled by max_norm / "
         "norm.",
)
def clip_by_global_norm_to_five(grads, max_norm):
    return [np.clip(grad, -5.0, 5.0) for grad in grads], safe_norm(grads)


@misconception(
    "clip_by_global_norm", "clips row by row", at_most=0.0,
    source="https://click4ai.perfionixai.com/problems/gradient-clipping",
    says="Each row is clipped by its own norm. One norm for everything is asked for.",
)
def clip_by_global_norm_rows(grads, max_norm):
    def rows(grad):
        norms = np.linalg.norm(grad, axis=-1, keepdims=True)
        return grad * (max_norm / np.maximum(norms, max_norm))

    with np.errstate(all="ignore"):
        return [rows(grad) for grad in grads], safe_norm(grads)


@misconception(
    "clip_by_global_norm", "adds the arrays' norms", at_most=0.0, source=SYNTHETIC,
    says="Norms do not add up: add the squares of all arrays, then take one root.",
)
def clip_by_global_norm_sum(grads, max_norm):
    norm = sum(safe_norm([grad]) for grad in grads)
    return scaled(grads, max_norm / norm if norm > max_norm else 1.0), norm


@misconception(
    "clip_by_global_norm", "takes the largest of the norms", at_most=0.0, source=SYNTHETIC,
    says="The largest norm of a single array is taken. The joint norm holds the squares of all arrays.",
)
def clip_by_global_norm_largest(grads, max_norm):
    norm = max(safe_norm([grad]) for grad in grads)
    return scaled(grads, max_norm / norm if norm > max_norm else 1.0), norm


@misconception(
    "clip_by_global_norm", "takes the root mean square", at_most=0.0, source=SYNTHETIC,
    says="This divides by the number of entries before the root. A norm is the root of the sum, not of the mean.",
)
def clip_by_global_norm_mean(grads, max_norm):
    norm = safe_norm(grads) / math.sqrt(sum(grad.size for grad in grads))
    return scaled(grads, max_norm / norm if norm > max_norm else 1.0), norm


@misconception(
    "clip_by_global_norm", "divides by norm + 1e-6", at_most=0.0, source=PYTORCH_CLIP,
    says="This is PyTorch's max_norm / (norm + 1e-6). The small constant saves a question and changes every clipped "
    "gradient a little; this course asks for exactly max_norm / norm.",
)
def clip_by_global_norm_pytorch(grads, max_norm):
    norm = safe_norm(grads)
    return scaled(grads, min(1.0, max_norm / (norm + 1e-6))), norm


@misconception(
    "clip_by_global_norm", "adds 1e-12 to the norm", at_most=0.4, source=SYNTHETIC,
    says="A small constant is added to the norm, so that nothing is divided by 0. It changes tiny gradients: ask whether "
         "norm > max_norm.",
)
def clip_by_global_norm_epsilon(grads, max_norm):
    norm = safe_norm(grads)
    return scaled(grads, min(1.0, max_norm / (norm + 1e-12))), norm


@misconception(
    "clip_by_global_norm", "lets squares overflow", at_most=0.4, source=GITHUB + "tensorflow/tensorflow/issues/21363",
    says="Above 1e154 a square is inf, so the norm is inf and every gradient becomes 0. Divide by the largest absolute value "
         "first.",
)
def clip_by_global_norm_overflowing(grads, max_norm):
    norm = joint_norm(grads)
    return scaled(grads, max_norm / norm if norm > max_norm else 1.0), norm


@misconception(
    "clip_by_global_norm", "divides zeros by zero", at_most=0.4, source=SYNTHETIC,
    says="Gradients of zero are divided by their norm, 0: NaN. Ask whether norm > max_norm before you divide.",
)
def clip_by_global_norm_zeros(grads, max_norm):
    with np.errstate(all="ignore"):
        norm = np.float64(safe_norm(grads))
        unit = [grad / norm for grad in grads]
        return [direction * min(norm, max_norm) for direction in unit], norm


@misconception(
    "clip_by_global_norm", "does not clip", at_most=0.0, source=GITHUB + "NVIDIA/OpenSeq2Seq/issues/192",
    says="The arrays come back as they went in, whatever their norm is.",
)
def clip_by_global_norm_off(grads, max_norm):
    return [grad.copy() for grad in grads], safe_norm(grads)


@misconception(
    "clip_by_global_norm", "returns the arrays only", at_most=0.0, source=SYNTHETIC,
    says="Only the clipped arrays are returned. The tuple (clipped, norm) is asked for.",
)
def clip_by_global_norm_no_norm(grads, max_norm):
    return recurrent.clip_by_global_norm(grads, max_norm)[0]


@misconception(
    "clip_by_global_norm", "returns the two in the other order", at_most=0.0, source=SYNTHETIC,
    says="Both are right, but the tuple is (clipped, norm), in this order.",
)
def clip_by_global_norm_swapped(grads, max_norm):
    return recurrent.clip_by_global_norm(grads, max_norm)[::-1]


@misconception(
    "clip_by_global_norm", "returns one flat array", at_most=0.0, source=SYNTHETIC,
    says="All arrays are joined to one. A list of arrays with their own shapes is asked for.",
)
def clip_by_global_norm_flat(grads, max_norm):
    clipped, norm = recurrent.clip_by_global_norm(grads, max_norm)
    return np.concatenate([np.ravel(grad) for grad in clipped]), norm


@misconception(
    "clip_by_global_norm", "clips in place", at_most=0.4, source=PYTORCH_CLIP,
    says="grad *= scale changes the caller's arrays. PyTorch's function does so on purpose; here new arrays are asked for.",
)
def clip_by_global_norm_in_place(grads, max_norm):
    norm = safe_norm(grads)
    if norm > max_norm:
        for grad in grads:
            grad *= max_norm / norm
    return grads, norm


@misconception(
    "clip_by_global_norm", "works out both branches", at_most=0.9, source=SYNTHETIC,
    says="np.where picks the right scale, but works out max_norm / norm for a norm of 0 as well, and NumPy warns.",
)
def clip_by_global_norm_warning(grads, max_norm):
    norm = np.float64(safe_norm(grads))
    scale = np.where(norm > max_norm, max_norm / norm, 1.0)
    return scaled(grads, scale), norm


@misconception(
    "clip_by_global_norm", "squeezes its arrays", at_most=0.4, source=SYNTHETIC, says=SAYS_SQUEEZED
)
def clip_by_global_norm_squeezed(grads, max_norm):
    clipped, norm = recurrent.clip_by_global_norm(grads, max_norm)
    return [np.squeeze(grad) for grad in clipped], norm


# ------------------------------------------------------------- each column an example: told by a call with square arrays

SAYS_COLUMNS = (
    "This treats each column as an example, as min-char-rnn and some books do, and multiplies from the left. Here each row is an "
    "example: x_t @ W_xh and h @ W_hh go forward, and @ W_hh.T goes back."
)


def square_loop(rng):
    return rng.normal(size=(2, 3, 3)), *rng.normal(size=(3, 3, 3)), rng.normal(size=3), "tanh"


def square_way_back(rng):
    return rng.normal(size=(3, 3, 3)), rng.normal(size=(2, 3, 3)), rng.normal(size=(3, 3)), "tanh"


def square_pass(rng):
    return rng.normal(size=(3, 3, 3)), rng.normal(size=(2, 3, 3)), rng.normal(size=(3, 3, 3)), rng.normal(size=(2, 3, 3)), "tanh"


def columns_forward(x, h0, W_xh, W_hh, b, activation):
    zs, hs = [], [h0]
    for x_t in x:
        zs.append(np.dot(W_xh, x_t) + np.dot(W_hh, hs[-1]) + b)
        hs.append(activate(zs[-1], activation))
    return np.array(zs), np.array(hs)


@misconception("rnn_forward", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, source=MIN_CHAR_RNN, probe=square_loop)
def rnn_forward_columns(x, h0, W_xh, W_hh, b, activation):
    return columns_forward(x, h0, W_xh, W_hh, b.reshape(-1, 1), activation)


@misconception(
    "rnn_forward", "puts the examples into columns, and the biases into a row", at_most=0.0, says=SAYS_COLUMNS, source=SYNTHETIC,
    probe=square_loop)
def rnn_forward_columns_row_of_biases(x, h0, W_xh, W_hh, b, activation):
    return columns_forward(x, h0, W_xh, W_hh, b, activation)


@misconception(
    "rnn_forward", "puts the examples into columns, with W as it is here", at_most=0.0, says=SAYS_COLUMNS, source=SYNTHETIC,
    probe=square_loop)
def rnn_forward_columns_of_transposed(x, h0, W_xh, W_hh, b, activation):
    return columns_forward(x, h0, W_xh.T, W_hh.T, b.reshape(-1, 1), activation)


def columns_back(direct_grads, zs, matrix, activation):
    grads = direct_grads.copy()
    for t in reversed(range(len(zs))):
        grads[t] += np.dot(matrix, grads[t + 1] * activation_derivative(zs[t], activation))
    return grads


@misconception(
    "backward_through_time", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, source=MIN_CHAR_RNN,
    probe=square_way_back)
def backward_through_time_columns(direct_grads, zs, W_hh, activation):
    return columns_back(direct_grads, zs, W_hh.T, activation)


@misconception(
    "backward_through_time", "puts the examples into columns, with W_hh as it is here", at_most=0.0, says=SAYS_COLUMNS, source=SYNTHETIC,
    probe=square_way_back)
def backward_through_time_columns_of_transposed(direct_grads, zs, W_hh, activation):
    return columns_back(direct_grads, zs, W_hh, activation)


@misconception(
    "recurrent_weight_gradients", "puts the examples into columns", at_most=0.0, says=SAYS_COLUMNS, source=MIN_CHAR_RNN,
    probe=square_pass)
def recurrent_weight_gradients_columns(loss_grads, zs, hs, x, activation):
    z_grads = [grad * activation_derivative(z, activation) for grad, z in zip(loss_grads[1:], zs)]
    dW_xh = sum(np.dot(z_grad, x_t.T) for z_grad, x_t in zip(z_grads, x))
    dW_hh = sum(np.dot(z_grad, h.T) for z_grad, h in zip(z_grads, hs))
    return dW_xh, dW_hh, sum(z_grad.sum(axis=1) for z_grad in z_grads)
