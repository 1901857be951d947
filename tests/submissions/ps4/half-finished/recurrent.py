# The two passes are done; the other cells are as they were released.

# %% rnn_forward
def rnn_forward(x, h0, W_xh, W_hh, b, activation):
    T, m, n = len(x), *h0.shape
    zs, hs = np.empty((T, m, n)), np.empty((T + 1, m, n))
    hs[0] = h0
    for t in range(1, T + 1):
        zs[t - 1] = x[t - 1] @ W_xh + hs[t - 1] @ W_hh + b
        hs[t] = activate(zs[t - 1], activation)
    return zs, hs

# %% backward_through_time
def backward_through_time(direct_grads, zs, W_hh, activation):
    grads = direct_grads.copy()
    for t in range(len(zs), 0, -1):
        delta = grads[t] * activation_derivative(zs[t - 1], activation)
        grads[t - 1] = grads[t - 1] + delta @ W_hh.T
    return grads
