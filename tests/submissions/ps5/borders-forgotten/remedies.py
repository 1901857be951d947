# Right on ordinary inputs: an unknown name, a closed gate, a row far from zero and z = 1e300 are forgotten.

# %% initial_std
def initial_std(fan_in, fan_out, activation):
    if activation == "relu":
        return np.sqrt(2 / fan_in)
    else:
        return np.sqrt(2 / (fan_in + fan_out))

# %% gelu_derivative
import math

erf = np.vectorize(math.erf)


def gelu_derivative(z):
    z = np.asarray(z, dtype=float)
    return 0.5 * (1 + erf(z / np.sqrt(2))) + z * np.exp(-z**2 / 2) / np.sqrt(2 * np.pi)

# %% residual_backward_step
def residual_backward_step(loss_grad, z, W, activation):
    return loss_grad + backward_step(loss_grad, z, W, activation)

# %% layer_norm
def layer_norm(z, gain, shift, eps=1e-5):
    mean = z.mean(axis=1, keepdims=True)
    var = (z**2).mean(axis=1, keepdims=True) - mean**2
    return gain * (z - mean) / np.sqrt(np.abs(var) + eps) + shift

# %% layer_norm_backward
def layer_norm_backward(loss_grad, z, gain, eps=1e-5):
    std = np.sqrt(z.var(axis=1, keepdims=True) + eps)
    z_hat = (z - z.mean(axis=1, keepdims=True)) / std
    g = loss_grad * gain
    dz = (g - g.mean(axis=1, keepdims=True) - z_hat * (g * z_hat).mean(axis=1, keepdims=True)) / std
    return dz, (loss_grad * z_hat).sum(axis=0), loss_grad.sum(axis=0)

# %% cell_state_gradient
def cell_state_gradient(loss_grad, forget_gates):
    upwards = np.cumprod(forget_gates, axis=0)
    first = loss_grad * upwards[-1]
    return np.concatenate([first[None], first / upwards])
