"""Right answers to ps4 in different styles: each must earn everything."""

import cmath
import math

import numpy as np

from grading.checks import right_answer
from reference_impl.backward_step import activate, activation_derivative

# ------------------------------------------------------------------------------------------------------ rnn_forward


@right_answer("rnn_forward", "two lists that grow")
def rnn_forward_lists(x, h0, W_xh, W_hh, b, activation):
    zs, hs = [], [h0]
    for x_t in x:
        zs.append(x_t @ W_xh + hs[-1] @ W_hh + b)
        hs.append(activate(zs[-1], activation))
    return np.array(zs).reshape(len(x), *h0.shape), np.array(hs)


@right_answer("rnn_forward", "one augmented matrix")
def rnn_forward_augmented(x, h0, W_xh, W_hh, b, activation):
    W = np.vstack([W_xh, W_hh, b])
    T, m = x.shape[:2]
    zs, hs = np.zeros((T, m, len(b))), np.concatenate([h0[np.newaxis], np.zeros((T, m, len(b)))])
    for t in range(T):
        zs[t] = np.hstack([x[t], hs[t], np.ones((m, 1))]) @ W
        hs[t + 1] = activate(zs[t], activation)
    return zs, hs


@right_answer("rnn_forward", "all inputs at once, einsum for the states")
def rnn_forward_einsum(x, h0, W_xh, W_hh, b, activation):
    zs = np.einsum("tmd,dn->tmn", x, W_xh) + b
    hs = [h0]
    for z in zs:
        z += np.einsum("mk,kn->mn", hs[-1], W_hh)
        hs.append(activate(z, activation))
    return zs, np.stack(hs)


@right_answer("rnn_forward", "recursive")
def rnn_forward_recursive(x, h0, W_xh, W_hh, b, activation):
    if len(x) == 0:
        return np.zeros((0, *h0.shape)), h0[None].copy()
    z = x[0] @ W_xh + h0 @ W_hh + b
    zs, hs = rnn_forward_recursive(x[1:], activate(z, activation), W_xh, W_hh, b, activation)
    return np.concatenate([z[None], zs]), np.concatenate([h0[None], hs])


@right_answer("rnn_forward", "plain Python loops and lists")
def rnn_forward_loops(x, h0, W_xh, W_hh, b, activation):
    zs, hs, n = [], [h0.tolist()], len(b)
    for x_t in x.tolist():
        rows = [[b[j] + sum(v * W_xh[i, j] for i, v in enumerate(inputs)) + sum(h * W_hh[k, j] for k, h in enumerate(state))
                 for j in range(n)] for inputs, state in zip(x_t, hs[-1])]
        zs.append(rows)
        hs.append([[float(activate(np.float64(z), activation)) for z in row] for row in rows])
    return zs, hs


# -------------------------------------------------------------------------------------------- backward_through_time


@right_answer("backward_through_time", "a copy, changed from its end")
def backward_through_time_copy(direct_grads, zs, W_hh, activation):
    grads = direct_grads.copy()
    for t in range(len(zs) - 1, -1, -1):
        grads[t] += (grads[t + 1] * activation_derivative(zs[t], activation)) @ W_hh.T
    return grads


@right_answer("backward_through_time", "all slopes at once, a list turned round")
def backward_through_time_list(direct_grads, zs, W_hh, activation):
    slopes = activation_derivative(zs, activation)
    grads = [direct_grads[-1]]
    for direct, slope in zip(direct_grads[-2::-1], slopes[::-1]):
        grads.append(direct + np.einsum("mj,kj->mk", grads[-1] * slope, W_hh))
    return grads[::-1]


@right_answer("backward_through_time", "recursive")
def backward_through_time_recursive(direct_grads, zs, W_hh, activation):
    if len(zs) == 0:
        return direct_grads.copy()
    later = backward_through_time_recursive(direct_grads[1:], zs[1:], W_hh, activation)
    first = direct_grads[0] + np.dot(later[0] * activation_derivative(zs[0], activation), W_hh.transpose())
    return np.concatenate([first[np.newaxis], later])


@right_answer("backward_through_time", "every Loss term followed back by itself")
def backward_through_time_by_terms(direct_grads, zs, W_hh, activation):
    grads = np.zeros_like(direct_grads)
    for start, direct in enumerate(direct_grads):
        grads[start] += direct
        for t in range(start, 0, -1):
            direct = (direct * activation_derivative(zs[t - 1], activation)) @ W_hh.T
            grads[t - 1] += direct
    return grads


@right_answer("backward_through_time", "the Jacobian of each row as a matrix")
def backward_through_time_jacobians(direct_grads, zs, W_hh, activation):
    J = np.einsum("tmj,kj->tmjk", activation_derivative(zs, activation), W_hh)
    grads = np.array(direct_grads)
    for t in reversed(range(len(zs))):
        for row in range(zs.shape[1]):
            grads[t, row] = direct_grads[t, row] + grads[t + 1, row] @ J[t, row]
    return grads


@right_answer("backward_through_time", "plain Python loops")
def backward_through_time_loops(direct_grads, zs, W_hh, activation):
    grads = direct_grads.tolist()
    slopes, W, n = np.asarray(activation_derivative(zs, activation)).tolist(), W_hh.tolist(), len(W_hh)
    for t in range(len(zs), 0, -1):
        for i, row in enumerate(grads[t]):
            dz = [row[j] * slopes[t - 1][i][j] for j in range(n)]
            for k in range(n):
                grads[t - 1][i][k] += sum(dz[j] * W[k][j] for j in range(n))
    return grads


# --------------------------------------------------------------------------------------- recurrent_weight_gradients


@right_answer("recurrent_weight_gradients", "summed step by step")
def recurrent_weight_gradients_steps(loss_grads, zs, hs, x, activation):
    n = zs.shape[2]
    dW_xh, dW_hh, db = np.zeros((x.shape[2], n)), np.zeros((n, n)), np.zeros(n)
    for t in range(len(zs)):
        dz = loss_grads[t + 1] * activation_derivative(zs[t], activation)
        dW_xh += x[t].T @ dz
        dW_hh += hs[t].T @ dz
        db += dz.sum(axis=0)
    return dW_xh, dW_hh, db


@right_answer("recurrent_weight_gradients", "steps and rows as one batch")
def recurrent_weight_gradients_flat(loss_grads, zs, hs, x, activation):
    n = zs.shape[-1]
    dz = (loss_grads[1:] * activation_derivative(zs, activation)).reshape(-1, n)
    return x.reshape(-1, x.shape[-1]).T @ dz, hs[:-1].reshape(-1, n).T @ dz, np.sum(dz, axis=0)


@right_answer("recurrent_weight_gradients", "one augmented matrix, cut in three, as a list")
def recurrent_weight_gradients_augmented(loss_grads, zs, hs, x, activation):
    T, m, d = x.shape
    dz = loss_grads[1:] * activation_derivative(zs, activation)
    inputs = np.concatenate([x, hs[:-1], np.ones((T, m, 1))], axis=2)
    together = np.tensordot(inputs, dz, axes=([0, 1], [0, 1]))
    return [together[:d], together[d:-1], together[-1]]


@right_answer("recurrent_weight_gradients", "batched matrix products")
def recurrent_weight_gradients_matmul(loss_grads, zs, hs, x, activation):
    dz = activation_derivative(zs, activation) * loss_grads[1:]
    return (x.transpose(0, 2, 1) @ dz).sum(0), (np.swapaxes(hs[:-1], 1, 2) @ dz).sum(0), dz.sum(0).sum(0)


@right_answer("recurrent_weight_gradients", "plain Python loops")
def recurrent_weight_gradients_loops(loss_grads, zs, hs, x, activation):
    T, m, n = zs.shape
    d = x.shape[2]
    slopes = np.asarray(activation_derivative(zs, activation))
    dW_xh, dW_hh, db = [[0.0] * n for _ in range(d)], [[0.0] * n for _ in range(n)], [0.0] * n
    for t in range(T):
        for i in range(m):
            for j in range(n):
                dz = float(loss_grads[t + 1, i, j] * slopes[t, i, j])
                db[j] += dz
                for p in range(d):
                    dW_xh[p][j] += float(x[t, i, p]) * dz
                for k in range(n):
                    dW_hh[k][j] += float(hs[t, i, k]) * dz
    return dW_xh, dW_hh, db


# -------------------------------------------------------------------------------------------------- spectral_radius


@right_answer("spectral_radius", "eigenvalues of a general matrix")
def spectral_radius_eigvals(W_hh):
    return max(abs(value) for value in np.linalg.eigvals(W_hh))


@right_answer("spectral_radius", "np.linalg.eig, a Python float")
def spectral_radius_eig(W_hh):
    values, _ = np.linalg.eig(W_hh)
    return float(np.sqrt(np.max(values.real**2 + values.imag**2)))


@right_answer("spectral_radius", "the roots of the characteristic polynomial")
def spectral_radius_roots(W_hh):
    # Faddeev and LeVerrier: the coefficients from traces of products
    n = len(W_hh)
    coefficients, M = [1.0], np.zeros((n, n))
    for k in range(1, n + 1):
        M = W_hh @ M + coefficients[-1] * np.eye(n)
        coefficients.append(-np.trace(W_hh @ M) / k)
    return np.max(np.abs(np.roots(coefficients)), initial=0.0)


@right_answer("spectral_radius", "the quadratic formula for two units, eigvals else")
def spectral_radius_two(W_hh):
    if W_hh.shape != (2, 2):
        return np.abs(np.linalg.eigvals(W_hh)).max()
    (p, q), (r, s) = W_hh.tolist()
    root = cmath.sqrt(((p - s) / 2) ** 2 + q * r)
    return max(abs((p + s) / 2 + root), abs((p + s) / 2 - root))


@right_answer("spectral_radius", "norms of powers, squared fifty times")
def spectral_radius_squaring(W_hh):
    power, log_size = W_hh, 0.0
    for k in range(51):
        size = float(np.max(np.abs(power)))
        if size == 0:
            return 0.0
        log_size += math.log(size) / 2.0**k
        power = power / size
        power = power @ power
    return math.exp(log_size)


# --------------------------------------------------------------------------------------------------- memory_horizon


@right_answer("memory_horizon", "one quotient of logarithms")
def memory_horizon_logarithms(max_derivative, W_hh, tolerance=1e-3):
    factor = max_derivative * np.linalg.norm(W_hh, 2)
    if tolerance == 1:
        return 0
    if factor == 0:
        return 1
    return math.inf if factor >= 1 else int(np.ceil(np.log(tolerance) / np.log(factor)))


@right_answer("memory_horizon", "multiplies until it is small enough")
def memory_horizon_loop(max_derivative, W_hh, tolerance=1e-3):
    factor = max_derivative * np.linalg.svd(W_hh, compute_uv=False)[0]
    k, left = 0, 1.0
    while left > tolerance:
        if factor >= 1:
            return math.inf
        k, left = k + 1, left * factor
    return k


@right_answer("memory_horizon", "adds logarithms, a float at the end")
def memory_horizon_log_space(max_derivative, W_hh, tolerance=1e-3):
    largest = math.sqrt(max(np.linalg.eigvalsh(W_hh.T @ W_hh)[-1], 0.0))
    if tolerance >= 1:
        return 0.0
    if largest == 0:
        return 1.0
    step = math.log10(max_derivative) + math.log10(largest)
    return np.inf if step >= 0 else np.ceil(math.log10(tolerance) / step)


@right_answer("memory_horizon", "doubles, then halves the interval")
def memory_horizon_bisection(max_derivative, W_hh, tolerance=1e-3):
    factor = float(max_derivative * np.linalg.norm(W_hh, ord=2))
    if tolerance >= 1:
        return 0
    if factor >= 1:
        return float("inf")
    low, high = 0, 1
    while factor**high > tolerance:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if factor**middle > tolerance else (low, middle)
    return np.int64(high)


# --------------------------------------------------------------------------------------------- clip_by_global_norm


@right_answer("clip_by_global_norm", "scaled by the largest entry")
def clip_by_global_norm_scaled(grads, max_norm):
    largest = max(np.max(np.abs(grad)) for grad in grads)
    norm = largest and largest * np.sqrt(sum(np.sum((grad / largest) ** 2) for grad in grads))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * grad for grad in grads], norm


@right_answer("clip_by_global_norm", "math.hypot over all entries")
def clip_by_global_norm_hypot(grads, max_norm):
    norm = math.hypot(*np.concatenate([grad.ravel() for grad in grads]).tolist())
    if norm <= max_norm:
        return [grad.copy() for grad in grads], norm
    return tuple(grad * (max_norm / norm) for grad in grads), norm


@right_answer("clip_by_global_norm", "np.hypot.reduce, the same arrays if nothing is clipped")
def clip_by_global_norm_reduce(grads, max_norm):
    norm = np.hypot.reduce([np.hypot.reduce(grad, axis=None) for grad in grads])
    return [grad if norm <= max_norm else grad / norm * max_norm for grad in grads], norm


@right_answer("clip_by_global_norm", "powers of two, plain lists")
def clip_by_global_norm_frexp(grads, max_norm):
    exponent = math.frexp(max(float(np.abs(grad).max()) for grad in grads))[1]
    squares = sum(math.ldexp(entry, -exponent) ** 2 for grad in grads for entry in grad.ravel().tolist())
    norm = math.ldexp(math.sqrt(squares), exponent)
    scale = min(1.0, max_norm / norm) if norm else 1.0
    return [(grad * scale).tolist() for grad in grads], norm
