"""Right answers to ps5 in different styles: each must earn everything."""

import math

import numpy as np

from grading.checks import right_answer
from reference_impl.backward_step import activation_derivative, backward_step

# ------------------------------------------------------------------------------------------------------ initial_std


@right_answer("initial_std", "branches, with the error last")
def initial_std_branches(fan_in, fan_out, activation):
    if activation == "relu":
        return np.sqrt(2 / fan_in)
    elif activation in {"sigmoid", "tanh", "identity"}:
        return np.sqrt(2 / (fan_in + fan_out))
    else:
        raise ValueError("unknown activation: " + activation)


class UnknownActivation(ValueError):
    pass


@right_answer("initial_std", "a table of variances, an error of its own kind, a 0-d array")
def initial_std_table(fan_in, fan_out, activation):
    glorot = 2.0 / (fan_in + fan_out)
    try:
        variance = dict(relu=2.0 / fan_in, sigmoid=glorot, tanh=glorot, identity=glorot)[activation]
    except KeyError as error:
        raise UnknownActivation(activation) from error
    return np.array(variance) ** 0.5


@right_answer("initial_std", "the position in a tuple, which raises by itself; logarithms")
def initial_std_index(fan_in, fan_out, activation):
    names = ("relu", "sigmoid", "tanh", "identity")
    fans = fan_in + (fan_out if names.index(activation) else 0)
    return math.exp(0.5 * (math.log(2) - math.log(fans)))


@right_answer("initial_std", "a match statement; from the bound of a uniform draw")
def initial_std_match(fan_in, fan_out, activation):
    match activation:
        case "relu":
            bound = math.sqrt(6 / fan_in)
        case "sigmoid" | "tanh" | "identity":
            bound = math.sqrt(6 / (fan_in + fan_out))
        case _:
            raise ValueError
    return bound / math.sqrt(3)


# -------------------------------------------------------------------------------------------------- gelu_derivative


@right_answer("gelu_derivative", "erf by np.vectorize, exponent clipped")
def gelu_derivative_vectorize(z):
    z = np.asarray(z, dtype=float)
    Phi = 0.5 * (1 + np.vectorize(math.erf)(z / np.sqrt(2)))
    return Phi + z * np.exp(-0.5 * np.minimum(np.abs(z), 50) ** 2) / np.sqrt(2 * np.pi)


@right_answer("gelu_derivative", "one number at a time, recursion into lists")
def gelu_derivative_recursive(z):
    if isinstance(z, np.ndarray):
        z = z.tolist()
    if isinstance(z, list):
        return [gelu_derivative_recursive(entry) for entry in z]
    if abs(z) > 40:
        return 1.0 if z > 0 else 0.0
    return math.erfc(-z / math.sqrt(2)) / 2 + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


@right_answer("gelu_derivative", "a list comprehension over the flat array")
def gelu_derivative_flat(z):
    z = np.asarray(z, dtype=float)
    slopes = [0.5 + 0.5 * math.erf(x / 2**0.5) + x * math.exp(-min(x * x, 2000.0) / 2) / (2 * math.pi) ** 0.5
              for x in z.ravel().tolist()]
    return np.array(slopes).reshape(z.shape)


@right_answer("gelu_derivative", "np.frompyfunc, then back to float")
def gelu_derivative_frompyfunc(z):
    z = np.clip(np.array(z, dtype=np.float64), -38, 38)
    Phi = np.frompyfunc(lambda x: 0.5 * math.erfc(-x / math.sqrt(2)), 1, 1)
    return np.asarray(Phi(z)).astype(float) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


@right_answer("gelu_derivative", "the normal distribution of the statistics module")
def gelu_derivative_statistics(z):
    from statistics import NormalDist
    normal = NormalDist()

    def slope(x):
        x = min(max(float(x), -40.0), 40.0)
        return normal.cdf(x) + x * normal.pdf(x)

    return np.vectorize(slope, otypes=[float])(z)


@right_answer("gelu_derivative", "Taylor's series near zero, a continued fraction farther out")
def gelu_derivative_series(z):
    def upper_tail(x):
        fraction = 0.0
        for k in range(200, 0, -1):
            fraction = k / (x + fraction)
        return math.exp(-x * x / 2) / math.sqrt(2 * math.pi) / (x + fraction)

    def slope(x):
        if abs(x) > 30:
            return 1.0 if x > 0 else 0.0
        density = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        if abs(x) > 3:
            tail = upper_tail(abs(x))
            return (1.0 - tail if x > 0 else tail) + x * density
        term = total = x
        for k in range(1, 80):
            term *= x * x / (2 * k + 1)
            total += term
        return 0.5 + density * total + x * density

    z = np.asarray(z, dtype=float)
    result = np.empty(z.shape)
    for place in np.ndindex(*z.shape):
        result[place] = slope(float(z[place]))
    return result


# ------------------------------------------------------------------------------------------- residual_backward_step


@right_answer("residual_backward_step", "the given step plus the shortcut")
def residual_backward_step_given(loss_grad, z, W, activation):
    return backward_step(loss_grad, z, W, activation) + loss_grad


@right_answer("residual_backward_step", "einsum")
def residual_backward_step_einsum(loss_grad, z, W, activation):
    return loss_grad + np.einsum("ij,ij,kj->ik", loss_grad, activation_derivative(z, activation), W)


@right_answer("residual_backward_step", "the Jacobian matrix of each example")
def residual_backward_step_jacobian(loss_grad, z, W, activation):
    rows = []
    for g, a_prime in zip(loss_grad, activation_derivative(z, activation)):
        rows.append(g @ (np.eye(len(g)) + np.diag(a_prime) @ W.T))
    return np.stack(rows)


@right_answer("residual_backward_step", "plain Python loops")
def residual_backward_step_loops(loss_grad, z, W, activation):
    slopes = activation_derivative(z, activation).tolist()
    g, W = loss_grad.tolist(), W.tolist()
    units = range(len(W))
    return [[g[i][k] + sum(g[i][j] * slopes[i][j] * W[k][j] for j in units) for k in units] for i in range(len(g))]


@right_answer("residual_backward_step", "a copy that is added to")
def residual_backward_step_copy(loss_grad, z, W, activation):
    result = loss_grad.copy()
    result += (loss_grad * activation_derivative(z, activation)).dot(W.transpose())
    return result


# ------------------------------------------------------------------------------------------------------- layer_norm


@right_answer("layer_norm", "NumPy's mean and var")
def layer_norm_var(z, gain, shift, eps=1e-5):
    return gain * (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + eps) + shift


@right_answer("layer_norm", "Welford's running mean and variance")
def layer_norm_welford(z, gain, shift, eps=1e-5):
    result = np.zeros(z.shape)
    for i, row in enumerate(z):
        mean, squares = 0.0, 0.0
        for k, x in enumerate(row, start=1):
            step = x - mean
            mean += step / k
            squares += step * (x - mean)
        result[i] = (row - mean) / math.sqrt(squares / len(row) + eps) * gain + shift
    return result


@right_answer("layer_norm", "transposed, so that broadcasting needs no kept axes")
def layer_norm_transposed(z, gain, shift, eps=1e-5):
    columns = z.T - np.average(z, axis=1)
    columns = columns / np.sqrt(np.sum(columns * columns, axis=0) / z.shape[1] + eps)
    return columns.T * gain[None, :] + shift[None, :]


@right_answer("layer_norm", "plain Python lists")
def layer_norm_lists(z, gain, shift, eps=1e-5):
    result = []
    for row in z.tolist():
        mean = math.fsum(row) / len(row)
        root = (math.fsum((x - mean) ** 2 for x in row) / len(row) + eps) ** 0.5
        result.append([g * (x - mean) / root + s for x, g, s in zip(row, gain.tolist(), shift.tolist())])
    return result


@right_answer("layer_norm", "a centring matrix and einsum, with the root's reciprocal")
def layer_norm_matrix(z, gain, shift, eps=1e-5):
    n = z.shape[1]
    centred = (z - z[:, :1]) @ (np.eye(n) - np.full((n, n), 1.0 / n))
    variance = np.einsum("ij,ij->i", centred, centred) / n
    return np.einsum("ij,i,j->ij", centred, (variance + eps) ** -0.5, gain) + shift


@right_answer("layer_norm", "the mean square after the mean was taken off")
def layer_norm_mean_square(z, gain, shift, eps=1e-5):
    centred = np.subtract(z, np.mean(z, axis=-1)[:, np.newaxis])
    mean_square = (centred**2).mean(-1) - centred.mean(-1) ** 2
    return centred * (gain / np.sqrt(mean_square + eps)[:, None]) + shift


# ---------------------------------------------------------------------------------------------- layer_norm_backward


@right_answer("layer_norm_backward", "the three paths, one after another")
def layer_norm_backward_paths(loss_grad, z, gain, eps=1e-5):
    m, n = z.shape
    deviation = z - z.mean(axis=1, keepdims=True)
    variance = np.mean(deviation**2, axis=1, keepdims=True)
    z_hat = deviation / np.sqrt(variance + eps)

    d_z_hat = loss_grad * gain
    d_variance = np.sum(d_z_hat * deviation * -0.5 * (variance + eps) ** -1.5, axis=1, keepdims=True)
    d_mean = np.sum(-d_z_hat / np.sqrt(variance + eps), axis=1, keepdims=True)
    d_mean += d_variance * np.mean(-2.0 * deviation, axis=1, keepdims=True)
    dz = d_z_hat / np.sqrt(variance + eps) + d_variance * 2.0 * deviation / n + d_mean / n
    return dz, np.sum(loss_grad * z_hat, axis=0), loss_grad.sum(axis=0)


@right_answer("layer_norm_backward", "one formula with sums, a list of three")
def layer_norm_backward_sums(loss_grad, z, gain, eps=1e-5):
    n = z.shape[1]
    root = np.sqrt(z.var(axis=1, keepdims=True) + eps)
    z_hat = (z - z.mean(axis=1, keepdims=True)) / root
    g = gain * loss_grad
    dz = (n * g - g.sum(1, keepdims=True) - z_hat * (g * z_hat).sum(1, keepdims=True)) / (n * root)
    return [dz, (z_hat * loss_grad).sum(0), loss_grad.sum(0)]


@right_answer("layer_norm_backward", "the Jacobian matrix of each row")
def layer_norm_backward_jacobian(loss_grad, z, gain, eps=1e-5):
    n = z.shape[1]
    dz, dgain, dshift = [], np.zeros(n), np.zeros(n)
    for g, row in zip(loss_grad, z):
        root = np.sqrt(np.var(row) + eps)
        z_hat = (row - np.mean(row)) / root
        jacobian = (np.eye(n) - 1.0 / n - np.outer(z_hat, z_hat) / n) / root
        dz.append(g * gain @ jacobian)
        dgain = dgain + g * z_hat
        dshift = dshift + g
    return np.array(dz), dgain, dshift


@right_answer("layer_norm_backward", "plain Python lists")
def layer_norm_backward_lists(loss_grad, z, gain, eps=1e-5):
    n, gain = len(gain), gain.tolist()
    dz, dgain, dshift = [], [0.0] * n, [0.0] * n
    for g, row in zip(loss_grad.tolist(), z.tolist()):
        mean = sum(row) / n
        root = math.sqrt(sum((x - mean) ** 2 for x in row) / n + eps)
        z_hat = [(x - mean) / root for x in row]
        scaled = [a * b for a, b in zip(g, gain)]
        first, second = sum(scaled) / n, sum(a * b for a, b in zip(scaled, z_hat)) / n
        dz.append([(a - first - b * second) / root for a, b in zip(scaled, z_hat)])
        dgain = [total + a * b for total, a, b in zip(dgain, g, z_hat)]
        dshift = [total + a for total, a in zip(dshift, g)]
    return dz, dgain, dshift


@right_answer("layer_norm_backward", "the complex step through the forward pass")
def layer_norm_backward_complex_step(loss_grad, z, gain, eps=1e-5):
    def normalised(rows):
        centred = rows - rows[:, :1]
        centred = centred - centred.mean(axis=1, keepdims=True)
        return centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + eps)

    dz = np.empty(z.shape)
    for k in range(z.shape[1]):
        step = 1e-30 * np.maximum(np.abs(z).max(axis=1), 1.0)
        moved = z.astype(complex)
        moved[:, k] += 1j * step
        dz[:, k] = np.sum(loss_grad * gain * normalised(moved).imag, axis=1) / step
    return dz, np.sum(loss_grad * normalised(z), axis=0), np.sum(loss_grad, axis=0)


@right_answer("layer_norm_backward", "projections onto what the normalisation ignores, einsum")
def layer_norm_backward_projections(loss_grad, z, gain, eps=1e-5):
    n = len(gain)
    centred = z - np.einsum("ij->i", z)[:, None] / n
    inverse = 1.0 / np.sqrt(np.einsum("ij,ij->i", centred, centred) / n + eps)
    g = np.einsum("ij,j,i->ij", loss_grad, gain, inverse)
    g = g - np.einsum("ij->i", g)[:, None] / n
    dz = g - centred * (inverse**2 * np.einsum("ij,ij->i", g, centred) / n)[:, None]
    return dz, np.einsum("ij,ij,i->j", loss_grad, centred, inverse), np.einsum("ij->j", loss_grad)


# ---------------------------------------------------------------------------------------------- cell_state_gradient


@right_answer("cell_state_gradient", "a reversed cumulative product")
def cell_state_gradient_cumprod(loss_grad, forget_gates):
    back = np.cumprod(forget_gates[::-1], axis=0)[::-1] * loss_grad
    return np.concatenate([back, loss_grad[None]])


@right_answer("cell_state_gradient", "a list that grows at the front")
def cell_state_gradient_list(loss_grad, forget_gates):
    grads = [loss_grad]
    for gate in forget_gates[::-1]:
        grads.insert(0, grads[0] * gate)
    return grads


@right_answer("cell_state_gradient", "each product from scratch")
def cell_state_gradient_slices(loss_grad, forget_gates):
    return np.array([loss_grad * np.prod(forget_gates[t:], axis=0) for t in range(len(forget_gates) + 1)])


@right_answer("cell_state_gradient", "recursive")
def cell_state_gradient_recursive(loss_grad, forget_gates):
    if len(forget_gates) == 0:
        return loss_grad[np.newaxis]
    return np.vstack([cell_state_gradient_recursive(loss_grad * forget_gates[-1], forget_gates[:-1]), loss_grad[np.newaxis]])


@right_answer("cell_state_gradient", "plain Python loops over every number")
def cell_state_gradient_loops(loss_grad, forget_gates):
    T, (m, n) = len(forget_gates), loss_grad.shape
    gates = forget_gates.tolist()
    grads = [[[0.0] * n for _ in range(m)] for _ in range(T + 1)]
    for i in range(m):
        for j in range(n):
            value = float(loss_grad[i, j])
            for t in range(T, -1, -1):
                grads[t][i][j] = value
                if t > 0:
                    value *= gates[t - 1][i][j]
    return tuple(grads)


@right_answer("cell_state_gradient", "logarithms where no gate is closed")
def cell_state_gradient_logarithms(loss_grad, forget_gates):
    closed = np.cumsum((forget_gates == 0)[::-1], axis=0)[::-1] > 0
    logs = np.cumsum(np.log(np.where(forget_gates == 0, 1.0, forget_gates))[::-1], axis=0)[::-1]
    back = np.where(closed, 0.0, np.exp(logs)) * loss_grad
    return np.append(back, [loss_grad], axis=0)


@right_answer("cell_state_gradient", "itertools.accumulate")
def cell_state_gradient_accumulate(loss_grad, forget_gates):
    from itertools import accumulate
    from operator import mul
    return np.stack(list(accumulate([loss_grad, *forget_gates[::-1]], mul))[::-1])
