# Adds eps to the standard deviation, as a well-known tutorial does; everything else is right.

# %% initial_std
def initial_std(fan_in, fan_out, activation):
    if activation == "relu":
        return np.sqrt(2 / fan_in)
    if activation in ("sigmoid", "tanh", "identity"):
        return np.sqrt(2 / (fan_in + fan_out))
    raise ValueError(f"unknown activation {activation}")

# %% gelu_derivative
import math


def gelu_derivative(z):
    z = np.clip(np.asarray(z, dtype=float), -100, 100)
    cdf = np.vectorize(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))))(z)
    pdf = np.exp(-z**2 / 2) / np.sqrt(2 * np.pi)
    return cdf + z * pdf

# %% residual_backward_step
def residual_backward_step(loss_grad, z, W, activation):
    return loss_grad + backward_step(loss_grad, z, W, activation)

# %% layer_norm
def layer_norm(z, gain, shift, eps=1e-5):
    mean = z.mean(axis=1, keepdims=True)
    std = z.std(axis=1, keepdims=True)
    return gain * (z - mean) / (std + eps) + shift

# %% layer_norm_backward
def layer_norm_backward(loss_grad, z, gain, eps=1e-5):
    std = z.std(axis=1, keepdims=True) + eps
    z_hat = (z - z.mean(axis=1, keepdims=True)) / std
    g = loss_grad * gain
    dz = (g - g.mean(axis=1, keepdims=True) - z_hat * (g * z_hat).mean(axis=1, keepdims=True)) / std
    return dz, (loss_grad * z_hat).sum(axis=0), loss_grad.sum(axis=0)

# %% cell_state_gradient
def cell_state_gradient(loss_grad, forget_gates):
    grads = [loss_grad]
    for gate in forget_gates[::-1]:
        grads.append(grads[-1] * gate)
    return np.array(grads[::-1])
