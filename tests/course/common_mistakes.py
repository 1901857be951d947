"""Commonly wrong answers beside the bank's: (exercise, what is wrong, function), for the tests of the visible checks.

No sentence of feedback belongs to them, and no share that they may earn: what the hidden checks give them decides.
"""

import math

import numpy as np

from reference_impl import activations as ps1
from reference_impl import backward_step as ps2
from reference_impl import product_of_gradients as ps3

MISTAKES = {"activations": [], "backward_step": [], "product_of_gradients": []}


def add(notebook, exercise, **answers):
    MISTAKES[notebook] += [(exercise, what.replace("_", " "), function) for what, function in answers.items()]


# --- ps1 ------------------------------------------------------------------------------------------------------------

add("activations", "sigmoid",
    of_twice_z=lambda z: ps1.sigmoid(2 * np.asarray(z)),
    rounded=lambda z: np.round(ps1.sigmoid(z), 6),
    float32=lambda z: ps1.sigmoid(np.asarray(z, dtype=np.float32)),
    algebraic=lambda z: 0.5 * (1 + np.asarray(z) / (1 + np.abs(z))),
    hard=lambda z: np.clip(0.2 * np.asarray(z) + 0.5, 0, 1),
    flat=lambda z: ps1.sigmoid(z).ravel(),
    a_step=lambda z: np.heaviside(np.asarray(z, dtype=float), 0.5),
    a_list_of_floats=lambda z: [1 / (1 + math.exp(-one)) for one in z],
    printed=lambda z: print(ps1.sigmoid(z)),
    with_e_of_two_digits=lambda z: 1 / (1 + 2.72 ** -np.clip(np.asarray(z, dtype=float), -300, 300)))
add("activations", "sigmoid_derivative",
    minus=lambda z: -ps1.sigmoid_derivative(z),
    y_of_one_minus_y_at_z_clipped=lambda z: np.clip(z, 0, 1) * (1 - np.clip(z, 0, 1)),
    s_times_one_plus_s=lambda z: ps1.sigmoid(z) * (1 + ps1.sigmoid(z)),
    s_squared=lambda z: ps1.sigmoid(z) ** 2,
    of_abs_only_right=lambda z: np.where(np.asarray(z) > 0, ps1.sigmoid_derivative(z), 0.0),
    jacobian=lambda z: np.diag(np.ravel(ps1.sigmoid_derivative(z))),
    second_derivative=lambda z: ps1.sigmoid_derivative(z) * (1 - 2 * ps1.sigmoid(z)),
    cut_off_at_twenty=lambda z: np.where(np.abs(z) > 20, 0.0, ps1.sigmoid_derivative(z)),
    one_sided_difference=lambda z: (ps1.sigmoid(np.asarray(z) + 1e-6) - ps1.sigmoid(z)) / 1e-6,
    mean=lambda z: np.mean(ps1.sigmoid_derivative(z)))
add("activations", "tanh_derivative",
    one_plus_tanh_squared=lambda z: 1 + np.tanh(z) ** 2,
    tanh_itself=lambda z: np.tanh(z),
    tanh_squared=lambda z: np.tanh(z) ** 2,
    sigmoid_at_twice_z=lambda z: ps1.sigmoid_derivative(2 * np.asarray(z)),
    twice_sigmoid=lambda z: 2 * ps1.sigmoid_derivative(2 * np.asarray(z)),
    arctan_derivative=lambda z: 1 / (1 + np.asarray(z, dtype=float) ** 2),
    gaussian=lambda z: np.exp(-np.square(np.clip(z, -20, 20))))
add("activations", "relu",
    step_times_one=lambda z: (np.asarray(z) > 0) * 1.0,
    maximum_of_one=lambda z: np.maximum(z, 1.0),
    rounds=lambda z: np.round(np.maximum(z, 0)),
    leaky_a_little=lambda z: np.maximum(z, 1e-3 * np.asarray(z)),
    elu=lambda z: np.where(np.asarray(z) > 0, z, np.expm1(np.minimum(z, 0))),
    drops_negative=lambda z: np.asarray(z)[np.asarray(z) > 0],
    sign_flipped=lambda z: np.maximum(-np.asarray(z), 0))
add("activations", "relu_derivative",
    bool_of_z=lambda z: (np.asarray(z) != 0) * 1.0,
    identity=lambda z: z,
    ones=lambda z: np.ones_like(np.asarray(z, dtype=float)),
    step_at_one=lambda z: (np.asarray(z) > 1) * 1.0)
add("activations", "leaky_relu_derivative",
    slope_squared=lambda z, slope=0.01: np.where(np.asarray(z) > 0, 1.0, slope**2),
    default_tenth=lambda z, slope=0.1: np.where(np.asarray(z) > 0, slope, slope),
    one_minus_slope=lambda z, slope=0.01: np.where(np.asarray(z) > 0, 1.0, 1 - slope),
    maximum=lambda z, slope=0.01: np.maximum(z, slope))
add("activations", "saturated_fraction",
    above_one_minus=lambda a_prime, threshold=1e-3: float(np.mean(np.abs(a_prime) > 1 - threshold)),
    boolean=lambda a_prime, threshold=1e-3: bool(np.any(np.abs(a_prime) < threshold)),
    mask=lambda a_prime, threshold=1e-3: np.abs(a_prime) < threshold,
    of_sigmoid=lambda a_prime, threshold=1e-3: float(np.mean(ps1.sigmoid_derivative(a_prime) < threshold)))

# --- ps2 ------------------------------------------------------------------------------------------------------------

a, a_prime = ps2.activate, ps2.activation_derivative
BY_Y = {"identity": np.ones_like, "sigmoid": lambda y: y * (1 - y), "tanh": lambda y: 1 - y**2, "relu": lambda y: 1.0 * (y > 0)}

add("backward_step", "layer_forward",
    columns=lambda y_prev, W, b, name: (W.T @ y_prev.T + b[:, None], a(W.T @ y_prev.T + b[:, None], name)),
    minus_bias=lambda y_prev, W, b, name: (y_prev @ W - b, a(y_prev @ W - b, name)),
    a_prime_for_a=lambda y_prev, W, b, name: (y_prev @ W + b, a_prime(y_prev @ W + b, name)),
    dictionary=lambda y_prev, W, b, name: {"z": y_prev @ W + b, "y": a(y_prev @ W + b, name)},
    relu_only=lambda y_prev, W, b, name: (y_prev @ W + b, np.maximum(y_prev @ W + b, 0)),
    tanh_only=lambda y_prev, W, b, name: (y_prev @ W + b, np.tanh(y_prev @ W + b)),
    bias_summed=lambda y_prev, W, b, name: (y_prev @ W + b.sum(), a(y_prev @ W + b.sum(), name)),
    first_row=lambda y_prev, W, b, name: (y_prev[:1] @ W + b, a(y_prev[:1] @ W + b, name)))
add("backward_step", "local_gradient",
    z_times_one_minus_z=lambda z, W, name: np.einsum("ij,kj->ijk", z * (1 - z), W),
    formulas_of_y_at_z=lambda z, W, name: np.einsum("ij,kj->ijk", BY_Y[name](z), W),
    no_batch=lambda z, W, name: a_prime(z, name)[0][:, None] * W.T,
    mean_of_the_batch=lambda z, W, name: np.broadcast_to(
        (a_prime(z, name).mean(0)[:, None] * W.T), (len(z), W.shape[1], W.shape[0])),
    relu_for_all=lambda z, W, name: np.einsum("ij,kj->ijk", 1.0 * (z > 0), W),
    sigmoid_for_all=lambda z, W, name: np.einsum("ij,kj->ijk", a_prime(z, "sigmoid"), W),
    slope_squared=lambda z, W, name: np.einsum("ij,kj->ijk", a_prime(z, name) ** 2, W))
add("backward_step", "backward_step",
    z_times_one_minus_z=lambda g, z, W, name: (g * z * (1 - z)) @ W.T,
    formulas_of_y_at_z=lambda g, z, W, name: (g * BY_Y[name](z)) @ W.T,
    relu_for_all=lambda g, z, W, name: (g * (z > 0)) @ W.T,
    tanh_for_all=lambda g, z, W, name: (g * a_prime(z, "tanh")) @ W.T,
    sum_over_units=lambda g, z, W, name: (g * a_prime(z, name)).sum(1, keepdims=True) * W.sum(1),
    divided_by_units=lambda g, z, W, name: (g * a_prime(z, name)) @ W.T / W.shape[1],
    columns=lambda g, z, W, name: W @ (g * a_prime(z, name)).T,
    minus=lambda g, z, W, name: -(g * a_prime(z, name)) @ W.T,
    mean_slope=lambda g, z, W, name: (g * a_prime(z, name).mean(0)) @ W.T)
add("backward_step", "weight_gradient",
    mean_and_keepdims=lambda g, z, p, name: (p.T @ (g * a_prime(z, name)) / len(g), (g * a_prime(z, name)).mean(0, keepdims=True)),
    dictionary=lambda g, z, p, name: {"dW": p.T @ (g * a_prime(z, name)), "db": (g * a_prime(z, name)).sum(0)},
    db_a_number=lambda g, z, p, name: (p.T @ (g * a_prime(z, name)), (g * a_prime(z, name)).sum()),
    db_not_summed=lambda g, z, p, name: (p.T @ (g * a_prime(z, name)), g * a_prime(z, name)),
    db_over_units=lambda g, z, p, name: (p.T @ (g * a_prime(z, name)), (g * a_prime(z, name)).sum(1)),
    first_row=lambda g, z, p, name: (np.outer(p[0], g[0] * a_prime(z[:1], name)[0]), g[0] * a_prime(z[:1], name)[0]),
    z_times_one_minus_z=lambda g, z, p, name: (p.T @ (g * z * (1 - z)), (g * z * (1 - z)).sum(0)),
    formulas_of_y_at_z=lambda g, z, p, name: (p.T @ (g * BY_Y[name](z)), (g * BY_Y[name](z)).sum(0)),
    relu_for_all=lambda g, z, p, name: (p.T @ (g * (z > 0)), (g * (z > 0)).sum(0)),
    activated_inputs=lambda g, z, p, name: (a(p, name).T @ (g * a_prime(z, name)), (g * a_prime(z, name)).sum(0)),
    minus=lambda g, z, p, name: (-p.T @ (g * a_prime(z, name)), -(g * a_prime(z, name)).sum(0)))


def through(loss_grad, x, weights, biases, activations, *, at_z=None, back=None, by_W=None, by_b=None, names=None):
    """backpropagate with one part replaced: the gradient at z, the way back, the weights' or the biases' gradient."""
    names = names or activations
    ys, zs = [x], []
    for W, b, name in zip(weights, biases, names):
        z, y = ps2.layer_forward(ys[-1], W, b, name)
        zs.append(z)
        ys.append(y)
    grads, dWs, dbs = [loss_grad], [], []
    for k in reversed(range(len(weights))):
        delta = (at_z or (lambda g, z, y, name, k: g * a_prime(z, name)))(grads[0], zs[k], ys[k + 1], names[k], k)
        dWs.insert(0, (by_W or (lambda p, d: p.T @ d))(ys[k], delta))
        dbs.insert(0, (by_b or (lambda d: d.sum(0)))(delta))
        grads.insert(0, (back or (lambda d, W, k: d @ W.T))(delta, weights[k], k))
    return grads, dWs, dbs


def replaced(**parts):
    return lambda *args: through(*args, **parts)


add("backward_step", "backpropagate",
    divided_by_m=replaced(by_W=lambda p, d: p.T @ d / len(d), by_b=lambda d: d.mean(0)),
    divided_by_m_on_the_way=replaced(at_z=lambda g, z, y, name, k: g * a_prime(z, name) / len(g)),
    mean_and_keepdims=replaced(by_W=lambda p, d: p.T @ d / len(d), by_b=lambda d: d.mean(0, keepdims=True)),
    a_prime_at_y=replaced(at_z=lambda g, z, y, name, k: g * a_prime(y, name)),
    z_times_one_minus_z=replaced(at_z=lambda g, z, y, name, k: g * z * (1 - z)),
    sigmoid_for_all=lambda g, x, Ws, bs, names: through(g, x, Ws, bs, names, names=["sigmoid"] * len(Ws)),
    relu_for_all=lambda g, x, Ws, bs, names: through(g, x, Ws, bs, names, names=["relu"] * len(Ws)),
    first_activation_for_all=lambda g, x, Ws, bs, names: through(g, x, Ws, bs, names, names=names[:1] * len(Ws)),
    last_activation_for_all=lambda g, x, Ws, bs, names: through(g, x, Ws, bs, names, names=names[-1:] * len(Ws)),
    relu_slope_everywhere=replaced(at_z=lambda g, z, y, name, k: g * (z > 0)),
    no_slope_in_the_last_layer=lambda g, x, Ws, bs, names: through(
        g, x, Ws, bs, names, at_z=lambda d, z, y, name, k: d if k == len(Ws) - 1 else d * a_prime(z, name)),
    no_slope_in_the_first_layer=replaced(at_z=lambda g, z, y, name, k: g if k == 0 else g * a_prime(z, name)),
    restarts_from_the_last_gradient=lambda g, x, Ws, bs, names: through(
        g, x, Ws, bs, names, back=lambda d, W, k: g @ W.T if W.shape[1] == g.shape[1] else d @ W.T),
    biases_not_summed=replaced(by_b=lambda d: d),
    biases_summed_over_units=replaced(by_b=lambda d: d.sum(1)),
    tail_lost=replaced(at_z=lambda g, z, y, name, k: g * BY_Y[name](y)),
    a_dictionary=lambda *args: dict(zip(("loss_grads", "dWs", "dbs"), through(*args))),
    gradients_without_the_input=lambda *args: (through(*args)[0][1:], *through(*args)[1:]),
    pairs=lambda *args: (through(*args)[0], list(zip(*through(*args)[1:]))),
    names_reversed=lambda g, x, Ws, bs, names: through(g, x, Ws, bs, names, names=names[::-1]),
    forgets_the_loss_gradient=lambda g, x, Ws, bs, names: through(np.ones_like(g), x, Ws, bs, names),
    without_biases=lambda g, x, Ws, bs, names: through(g, x, Ws, [0 * b for b in bs], names))

# --- ps3 ------------------------------------------------------------------------------------------------------------

add("product_of_gradients", "scalar_gradient_product",
    own_factor_too=lambda g, a_primes, f_primes: g * np.cumprod(np.append(a_primes * f_primes, 1.0)[::-1])[::-1] * np.append(
        a_primes * f_primes, 1.0),
    from_the_front=lambda g, a_primes, f_primes: g * np.cumprod(np.insert(a_primes * f_primes, 0, 1.0)),
    without_the_loss_gradient=lambda g, a_primes, f_primes: np.cumprod(np.insert((a_primes * f_primes)[::-1], 0, 1.0))[::-1],
    L_entries=lambda g, a_primes, f_primes: ps3.scalar_gradient_product(g, a_primes, f_primes)[:-1],
    only_a_prime=lambda g, a_primes, f_primes: ps3.scalar_gradient_product(g, a_primes, np.ones_like(f_primes)),
    only_f_prime=lambda g, a_primes, f_primes: ps3.scalar_gradient_product(g, np.ones_like(a_primes), f_primes),
    sum_for_product=lambda g, a_primes, f_primes: ps3.scalar_gradient_product(g, a_primes + f_primes, np.ones_like(f_primes)),
    magnitudes=lambda g, a_primes, f_primes: np.abs(ps3.scalar_gradient_product(g, a_primes, f_primes)),
    through_logarithms=lambda g, a_primes, f_primes: g * np.exp(np.cumsum(np.insert(
        np.log(np.abs((a_primes * f_primes)[::-1]) + 1e-300), 0, 0.0))[::-1]),
    one_number=lambda g, a_primes, f_primes: g * np.prod(a_primes * f_primes))


def chain(loss_grad, zs, weights, activation, step=lambda g, z, W, name: (g * a_prime(z, name)) @ W.T):
    grads = [loss_grad]
    for z, W in zip(zs[::-1], weights[::-1]):
        grads.insert(0, step(grads[0], z, W, activation))
    return grads


def stepping(step):
    return lambda *args: chain(*args, step=step)


add("product_of_gradients", "product_of_gradients",
    z_times_one_minus_z=stepping(lambda g, z, W, name: (g * z * (1 - z)) @ W.T),
    formulas_of_y_at_z=stepping(lambda g, z, W, name: (g * BY_Y[name](z)) @ W.T),
    at_y=stepping(lambda g, z, W, name: (g * a_prime(a(z, name), name)) @ W.T),
    no_slope=stepping(lambda g, z, W, name: g @ W.T),
    relu_for_all=stepping(lambda g, z, W, name: (g * (z > 0)) @ W.T),
    weights_first=lambda g, zs, Ws, name: [(d * a_prime(z, name)) for d, z in zip(chain(g, zs, Ws, name)[1:], zs)] + [g],
    L_entries=lambda *args: chain(*args)[:-1],
    last_layer_first=lambda *args: chain(*args)[::-1],
    dictionary=lambda *args: dict(enumerate(chain(*args))),
    divided_by_m=stepping(lambda g, z, W, name: (g * a_prime(z, name)) @ W.T / len(g)),
    layers_in_the_wrong_order=lambda g, zs, Ws, name: chain(g, zs[::-1], Ws[::-1], name),
    ones_for_the_loss_gradient=lambda g, zs, Ws, name: chain(np.ones_like(g), zs, Ws, name))
add("product_of_gradients", "log10_gradient_norms",
    natural_logarithm=lambda *args: math.log(10) * ps3.log10_gradient_norms(*args),
    binary_logarithm=lambda *args: math.log2(10) * ps3.log10_gradient_norms(*args),
    squared_norm=lambda *args: 2 * ps3.log10_gradient_norms(*args),
    spectral_norm=lambda *args: [np.log10(np.linalg.norm(g, 2) + 1e-300) for g in chain(*args)],
    largest_entry=lambda *args: [np.log10(np.abs(g).max() + 1e-300) for g in chain(*args)],
    root_mean_square=lambda *args: [np.log10(np.sqrt(np.mean(g**2)) + 1e-300) for g in chain(*args)],
    standard_deviation=lambda *args: [np.log10(np.std(g) + 1e-300) for g in chain(*args)],
    sum_of_magnitudes=lambda *args: [np.log10(np.abs(g).sum() + 1e-300) for g in chain(*args)],
    first_row_only=lambda *args: [np.log10(np.linalg.norm(g[0]) + 1e-300) for g in chain(*args)],
    norms=lambda *args: [np.linalg.norm(g) for g in chain(*args)],
    L_entries=lambda *args: ps3.log10_gradient_norms(*args)[:-1],
    relative_to_the_last=lambda *args: ps3.log10_gradient_norms(*args) - ps3.log10_gradient_norms(*args)[-1])


def bound(norm, with_derivative=True):
    def answer(max_derivative, weights):
        steps = [np.log10(norm(W)) + (np.log10(max_derivative) if with_derivative else 0.0) for W in weights]
        return np.cumsum([0.0, *steps[::-1]])[::-1]
    return answer


add("product_of_gradients", "log10_gradient_bound",
    frobenius=bound(np.linalg.norm),
    largest_entry=bound(lambda W: np.abs(W).max()),
    column_sums=bound(lambda W: np.linalg.norm(W, 1)),
    row_sums=bound(lambda W: np.linalg.norm(W, np.inf)),
    largest_eigenvalue=bound(lambda W: np.abs(np.linalg.eigvals(W[:min(W.shape), :min(W.shape)])).max()),
    smallest_singular_value=bound(lambda W: np.linalg.norm(W, -2)),
    root_of_the_norm=bound(lambda W: np.sqrt(np.linalg.norm(W, 2))),
    without_the_derivative=bound(lambda W: np.linalg.norm(W, 2), with_derivative=False),
    natural_logarithm=lambda m, Ws: math.log(10) * ps3.log10_gradient_bound(m, Ws),
    from_the_front=lambda m, Ws: ps3.log10_gradient_bound(m, Ws[::-1])[::-1],
    L_entries=lambda m, Ws: ps3.log10_gradient_bound(m, Ws)[:-1],
    contributions_only=lambda m, Ws: [np.log10(m * np.linalg.norm(W, 2)) for W in Ws] + [0.0])
add("product_of_gradients", "diagnose",
    capitals=lambda n, decades=3.0: ps3.diagnose(n, decades).upper(),
    capital_letter=lambda n, decades=3.0: ps3.diagnose(n, decades).capitalize(),
    ok_for_stable=lambda n, decades=3.0: ps3.diagnose(n, decades).replace("stable", "ok"),
    a_list=lambda n, decades=3.0: [ps3.diagnose(n, decades)],
    sides_swapped=lambda n, decades=3.0: ps3.diagnose(n[::-1], decades),
    first_entry_alone=lambda n, decades=3.0: "vanishing" if n[0] < -decades else "exploding" if n[0] > decades else "stable",
    smallest_entry=lambda n, decades=3.0: ps3.diagnose([min(n), n[-1]], decades),
    largest_difference=lambda n, decades=3.0: ps3.diagnose([n[-1] - max(n) + min(n), n[-1]], decades),
    ratio=lambda n, decades=3.0: "vanishing" if n[0] / n[-1] > decades else "exploding" if n[-1] / n[0] > decades else "stable",
    never_stable=lambda n, decades=3.0: "vanishing" if n[0] < n[-1] else "exploding")


def ratios(norm):
    return lambda Ws, dWs, rate: np.array([norm(rate * dW) / norm(W) if norm(W) else (np.inf if norm(dW) else 0.0)
                                           for W, dW in zip(Ws, dWs)])


add("product_of_gradients", "update_ratios",
    upside_down=lambda Ws, dWs, rate: [1 / r if r else 0.0 for r in ps3.update_ratios(Ws, dWs, rate)],
    without_the_rate=lambda Ws, dWs, rate: ps3.update_ratios(Ws, dWs, 1.0),
    divided_by_the_rate=lambda Ws, dWs, rate: ps3.update_ratios(Ws, dWs, 1 / rate),
    squared=lambda Ws, dWs, rate: ps3.update_ratios(Ws, dWs, rate) ** 2,
    logarithms=lambda Ws, dWs, rate: np.log10(ps3.update_ratios(Ws, dWs, rate) + 1e-300),
    spectral=ratios(lambda W: np.linalg.norm(W, 2)),
    largest_entry=ratios(lambda W: np.abs(W).max()),
    sum_of_magnitudes=ratios(lambda W: np.abs(W).sum()),
    standard_deviation=ratios(np.std),
    means=ratios(lambda W: np.abs(np.mean(W))),
    mean_of_ratios=lambda Ws, dWs, rate: [np.mean(np.abs(rate * dW) / (np.abs(W) + 1e-12)) for W, dW in zip(Ws, dWs)],
    small_constant=lambda Ws, dWs, rate: [np.linalg.norm(rate * dW) / (np.linalg.norm(W) + 1e-8) for W, dW in zip(Ws, dWs)],
    after_the_step=lambda Ws, dWs, rate: [np.linalg.norm(rate * dW) / np.linalg.norm(W - rate * dW) for W, dW in zip(Ws, dWs)])
