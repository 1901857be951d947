# Ignores h0, and adds only the next step's own gradient on the way back.

# %% rnn_forward
def rnn_forward(x, h0, W_xh, W_hh, b, activation):
    T, m, n = len(x), *h0.shape
    zs, hs = np.empty((T, m, n)), np.empty((T + 1, m, n))
    hs[0] = np.zeros((m, n))
    for t in range(1, T + 1):
        zs[t - 1] = x[t - 1] @ W_xh + hs[t - 1] @ W_hh + b
        hs[t] = activate(zs[t - 1], activation)
    return zs, hs

# %% backward_through_time
def backward_through_time(direct_grads, zs, W_hh, activation):
    grads = direct_grads.copy()
    for t in range(len(zs), 0, -1):
        delta = direct_grads[t] * activation_derivative(zs[t - 1], activation)
        grads[t - 1] = direct_grads[t - 1] + delta @ W_hh.T
    return grads

# %% recurrent_weight_gradients
def recurrent_weight_gradients(loss_grads, zs, hs, x, activation):
    T, m, n = zs.shape
    dW_xh, dW_hh, db = np.zeros((x.shape[2], n)), np.zeros((n, n)), np.zeros(n)
    for t in range(1, T + 1):
        delta = loss_grads[t] * activation_derivative(zs[t - 1], activation)
        dW_xh += x[t - 1].T @ delta
        dW_hh += hs[t - 1].T @ delta
        db += delta.sum(axis=0)
    return dW_xh, dW_hh, db

# %% spectral_radius
def spectral_radius(W_hh):
    return max(abs(np.linalg.eigvals(W_hh)))

# %% memory_horizon
import math


def memory_horizon(max_derivative, W_hh, tolerance=1e-3):
    factor = max_derivative * np.linalg.norm(W_hh, 2)
    k, left = 0, 1.0
    while left > tolerance:
        if factor >= 1:
            return math.inf
        left *= factor
        k += 1
    return k

# %% clip_by_global_norm
def clip_by_global_norm(grads, max_norm):
    biggest = max(np.abs(g).max() for g in grads)
    norm = 0.0
    if biggest > 0:
        norm = biggest * np.sqrt(sum(((g / biggest) ** 2).sum() for g in grads))
    if norm <= max_norm:
        return [g.copy() for g in grads], norm
    return [g * (max_norm / norm) for g in grads], norm
