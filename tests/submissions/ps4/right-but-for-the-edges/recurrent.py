# Stacks an empty list, writes into its arguments, lets squares overflow and gives up early.

# %% rnn_forward
def rnn_forward(x, h0, W_xh, W_hh, b, activation):
    zs, hs = [], [h0]
    for x_t in x:
        zs.append(x_t @ W_xh + hs[-1] @ W_hh + b)
        hs.append(activate(zs[-1], activation))
    return np.stack(zs), np.stack(hs)

# %% backward_through_time
def backward_through_time(direct_grads, zs, W_hh, activation):
    for t in range(len(zs), 0, -1):
        direct_grads[t - 1] += (direct_grads[t] * activation_derivative(zs[t - 1], activation)) @ W_hh.T
    return direct_grads

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
def memory_horizon(max_derivative, W_hh, tolerance=1e-3):
    factor = max_derivative * np.linalg.norm(W_hh, 2)
    for k in range(1000):
        if factor ** k <= tolerance:
            return k
    return np.inf

# %% clip_by_global_norm
def clip_by_global_norm(grads, max_norm):
    norm = np.sqrt(sum((g ** 2).sum() for g in grads))
    return [g * (max_norm / norm) if norm > max_norm else g for g in grads], norm
