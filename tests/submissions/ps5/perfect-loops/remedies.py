# Every answer is right, in plain Python loops over lists.

# %% initial_std
def initial_std(fan_in, fan_out, activation):
    variances = {"relu": 2 / fan_in}
    for name in ["sigmoid", "tanh", "identity"]:
        variances[name] = 2 / (fan_in + fan_out)
    if activation not in variances:
        raise ValueError("I do not know " + activation)
    return variances[activation] ** 0.5

# %% gelu_derivative
import math


def gelu_derivative(z):
    if isinstance(z, (list, np.ndarray)) and np.ndim(z) > 0:
        return [gelu_derivative(entry) for entry in z]
    z = float(z)
    if z > 40:
        return 1.0
    if z < -40:
        return 0.0
    return math.erfc(-z / math.sqrt(2)) / 2 + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)

# %% residual_backward_step
def residual_backward_step(loss_grad, z, W, activation):
    slopes = activation_derivative(z, activation)
    m, n = z.shape
    result = [[0.0] * n for _ in range(m)]
    for i in range(m):
        for k in range(n):
            result[i][k] = loss_grad[i, k]
            for j in range(n):
                result[i][k] += loss_grad[i, j] * slopes[i, j] * W[k, j]
    return result

# %% layer_norm
def layer_norm(z, gain, shift, eps=1e-5):
    result = []
    for row in z:
        mean = sum(row) / len(row)
        variance = sum((x - mean) ** 2 for x in row) / len(row)
        result.append([g * (x - mean) / (variance + eps) ** 0.5 + s for x, g, s in zip(row, gain, shift)])
    return result

# %% layer_norm_backward
def layer_norm_backward(loss_grad, z, gain, eps=1e-5):
    m, n = z.shape
    dz, dgain, dshift = np.zeros((m, n)), [0.0] * n, [0.0] * n
    for i in range(m):
        mean = sum(z[i]) / n
        std = (sum((x - mean) ** 2 for x in z[i]) / n + eps) ** 0.5
        z_hat = [(x - mean) / std for x in z[i]]
        g = [loss_grad[i, j] * gain[j] for j in range(n)]
        for k in range(n):
            dgain[k] += loss_grad[i, k] * z_hat[k]
            dshift[k] += loss_grad[i, k]
            for j in range(n):
                dz[i, k] += g[j] * ((j == k) - 1 / n - z_hat[j] * z_hat[k] / n) / std
    return [dz, dgain, dshift]

# %% cell_state_gradient
def cell_state_gradient(loss_grad, forget_gates):
    T = len(forget_gates)
    result = [None] * T + [loss_grad.tolist()]
    for t in range(T - 1, -1, -1):
        result[t] = [[c * f for c, f in zip(c_row, f_row)] for c_row, f_row in zip(result[t + 1], forget_gates[t])]
    return result
