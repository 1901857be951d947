# Everything right, in arrays where it can be; the horizon by logarithms.

# %% rnn_forward
def rnn_forward(x, h0, W_xh, W_hh, b, activation):
    from_inputs = x @ W_xh + b
    zs, hs = [], [h0]
    for z in from_inputs:
        zs.append(z + hs[-1] @ W_hh)
        hs.append(activate(zs[-1], activation))
    return np.array(zs).reshape(from_inputs.shape), np.array(hs)

# %% backward_through_time
def backward_through_time(direct_grads, zs, W_hh, activation):
    slopes = activation_derivative(zs, activation)
    grads = [direct_grads[-1]]
    for direct, slope in zip(direct_grads[:-1][::-1], slopes[::-1]):
        grads.insert(0, direct + (grads[0] * slope) @ W_hh.T)
    return np.array(grads)

# %% recurrent_weight_gradients
def recurrent_weight_gradients(loss_grads, zs, hs, x, activation):
    delta = loss_grads[1:] * activation_derivative(zs, activation)
    return np.einsum("tmd,tmn->dn", x, delta), np.einsum("tmk,tmn->kn", hs[:-1], delta), delta.sum(axis=(0, 1))

# %% spectral_radius
def spectral_radius(W_hh):
    return float(np.abs(np.linalg.eig(W_hh)[0]).max())

# %% memory_horizon
def memory_horizon(max_derivative, W_hh, tolerance=1e-3):
    factor = max_derivative * np.linalg.svd(W_hh)[1].max()
    if tolerance == 1:
        return 0
    if factor == 0:
        return 1
    return np.inf if factor >= 1 else int(np.ceil(np.log10(tolerance) / np.log10(factor)))

# %% clip_by_global_norm
def clip_by_global_norm(grads, max_norm):
    norm = np.hypot.reduce(np.concatenate([g.ravel() for g in grads]))
    scale = max_norm / norm if norm > max_norm else 1.0
    return [scale * g for g in grads], norm
