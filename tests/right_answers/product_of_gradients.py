"""Right answers to ps3 in different styles: each must earn everything."""

import math

import numpy as np

from grading.checks import right_answer
from reference_impl.backward_step import activation_derivative

# ------------------------------------------------------------------------------------------ scalar_gradient_product


@right_answer("scalar_gradient_product", "a reversed cumulative product")
def scalar_gradient_product_cumprod(loss_grad, a_primes, f_primes):
    factors = np.concatenate([[loss_grad], (a_primes * f_primes)[::-1]])
    return np.cumprod(factors)[::-1]


@right_answer("scalar_gradient_product", "plain Python loops")
def scalar_gradient_product_loop(loss_grad, a_primes, f_primes):
    entries = [loss_grad]
    for k in range(len(a_primes) - 1, -1, -1):
        entries.insert(0, entries[0] * a_primes[k] * f_primes[k])
    return entries


@right_answer("scalar_gradient_product", "each product from scratch")
def scalar_gradient_product_slices(loss_grad, a_primes, f_primes):
    factors = a_primes * f_primes
    return np.array([loss_grad * np.prod(factors[l:]) for l in range(len(factors) + 1)])


@right_answer("scalar_gradient_product", "logarithms and signs")
def scalar_gradient_product_log_space(loss_grad, a_primes, f_primes):
    factors = a_primes * f_primes
    zero = factors == 0
    logs = np.log(np.where(zero, 1.0, np.abs(factors)))
    signs = np.cumprod(np.sign(factors)[::-1])[::-1]
    return np.append(loss_grad * signs * np.exp(np.cumsum(logs[::-1])[::-1]), loss_grad)


# --------------------------------------------------------------------------------------------- product_of_gradients


@right_answer("product_of_gradients", "vectorised, one layer after another")
def product_of_gradients_steps(loss_grad, zs, weights, activation):
    grads = [loss_grad]
    for z, W in zip(reversed(zs), reversed(weights)):
        grads.append((grads[-1] * activation_derivative(z, activation)) @ W.T)
    return grads[::-1]


@right_answer("product_of_gradients", "recursive")
def product_of_gradients_recursive(loss_grad, zs, weights, activation):
    if not zs:
        return [loss_grad]
    back = (loss_grad * activation_derivative(zs[-1], activation)) @ weights[-1].T
    return product_of_gradients_recursive(back, zs[:-1], weights[:-1], activation) + [loss_grad]


@right_answer("product_of_gradients", "plain Python loops")
def product_of_gradients_loops(loss_grad, zs, weights, activation):
    grads = [loss_grad.tolist()]
    for z, W in zip(zs[::-1], weights[::-1]):
        a_prime, W = np.asarray(activation_derivative(z, activation)).tolist(), W.tolist()
        z_grads = [[g * a for g, a in zip(*rows)] for rows in zip(grads[0], a_prime)]
        grads.insert(0, [[sum(g * w for g, w in zip(row, unit)) for unit in W] for row in z_grads])
    return grads


@right_answer("product_of_gradients", "the product of the factor matrices, as a tuple")
def product_of_gradients_matrices(loss_grad, zs, weights, activation):
    product, grads = np.stack([np.eye(loss_grad.shape[1])] * len(loss_grad)), [loss_grad]
    for z, W in zip(zs[::-1], weights[::-1]):
        product = np.einsum("ipj,ij,kj->ipk", product, activation_derivative(z, activation), W)
        grads.append(np.einsum("ip,ipk->ik", loss_grad, product))
    return tuple(grads[::-1])


# --------------------------------------------------------------------------------------------- log10_gradient_norms


@right_answer("log10_gradient_norms", "scaled by the largest entry")
def log10_gradient_norms_scaled(loss_grad, zs, weights, activation):
    norms, log_scale, grad = [], 0.0, loss_grad
    for z, W in list(zip(zs, weights))[::-1] + [(None, None)]:
        size = np.max(np.abs(grad))
        if size == 0:
            norms += [-np.inf] * (len(zs) + 1 - len(norms))
            break
        grad, log_scale = grad / size, log_scale + np.log10(size)
        norms.append(log_scale + np.log10(np.linalg.norm(grad)))
        if z is not None:
            grad = (grad * activation_derivative(z, activation)) @ W.T
    return np.array(norms[::-1])


@right_answer("log10_gradient_norms", "powers of two, counted exactly")
def log10_gradient_norms_frexp(loss_grad, zs, weights, activation):
    def split(grad):
        exponent = int(np.frexp(np.max(np.abs(grad)))[1])
        return np.ldexp(grad, -exponent), exponent

    grad, total = split(loss_grad)
    norms = np.full(len(zs) + 1, -math.inf)
    for l in range(len(zs), -1, -1):
        size = math.sqrt(np.sum(grad * grad))
        if size > 0:
            norms[l] = math.log10(size) + total * math.log10(2)
        if l > 0:
            grad, exponent = split((grad * activation_derivative(zs[l - 1], activation)) @ weights[l - 1].T)
            total += exponent
    return norms


@right_answer("log10_gradient_norms", "plain Python loops")
def log10_gradient_norms_loops(loss_grad, zs, weights, activation):
    grad, log_scale, norms = loss_grad.tolist(), 0.0, []
    for l in range(len(zs), -1, -1):
        size = max(abs(g) for row in grad for g in row)
        if size == 0:
            return [-math.inf] * (l + 1) + norms
        grad = [[g / size for g in row] for row in grad]
        log_scale += math.log10(size)
        norms.insert(0, log_scale + 0.5 * math.log10(sum(g * g for row in grad for g in row)))
        if l > 0:
            a_prime, W = np.asarray(activation_derivative(zs[l - 1], activation)).tolist(), weights[l - 1].tolist()
            z_grads = [[g * a for g, a in zip(*rows)] for rows in zip(grad, a_prime)]
            grad = [[sum(g * w for g, w in zip(row, unit)) for unit in W] for row in z_grads]
    return norms


# --------------------------------------------------------------------------------------------- log10_gradient_bound


@right_answer("log10_gradient_bound", "np.linalg.norm and a cumulative sum")
def log10_gradient_bound_cumsum(max_derivative, weights):
    steps = [np.log10(max_derivative * np.linalg.norm(W, 2)) for W in weights]
    return np.append(np.cumsum(steps[::-1])[::-1], 0.0)


@right_answer("log10_gradient_bound", "singular values, one loop")
def log10_gradient_bound_svd(max_derivative, weights):
    entries = [0.0]
    for W in reversed(weights):
        largest = np.linalg.svd(W, compute_uv=False)[0]
        entries.append(entries[-1] + math.log10(max_derivative) + math.log10(largest))
    return entries[::-1]


@right_answer("log10_gradient_bound", "the largest eigenvalue of W W^T")
def log10_gradient_bound_eigenvalues(max_derivative, weights):
    logs = np.array([0.5 * np.log10(np.linalg.eigvalsh(W @ W.T)[-1]) for W in weights])
    return np.array([np.sum(logs[l:] + np.log10(max_derivative)) for l in range(len(weights) + 1)])


# --------------------------------------------------------------------------------------------------------- diagnose


@right_answer("diagnose", "one difference")
def diagnose_difference(log10_norms, decades=3.0):
    change = log10_norms[0] - log10_norms[-1]
    if change < -decades:
        return "vanishing"
    if change > decades:
        return "exploding"
    return "stable"


@right_answer("diagnose", "two comparisons on a list")
def diagnose_list(log10_norms, decades=3.0):
    first, *_, last = [*log10_norms, log10_norms[-1]]
    words = {(True, False): "vanishing", (False, True): "exploding", (False, False): "stable"}
    return words[bool(first + decades < last), bool(first - decades > last)]


@right_answer("diagnose", "the sign of what exceeds the threshold, a NumPy string")
def diagnose_sign(log10_norms, decades=3.0):
    change = np.asarray(log10_norms)[[0, -1]] @ np.array([1.0, -1.0])
    return np.array(["stable", "exploding", "vanishing"])[int(np.sign(change)) if np.abs(change) > decades else 0]


# ---------------------------------------------------------------------------------------------------- update_ratios


@right_answer("update_ratios", "one norm after another")
def update_ratios_loop(weights, weight_grads, learning_rate):
    entries = []
    for W, dW in zip(weights, weight_grads):
        W_norm, step = np.linalg.norm(W), learning_rate * np.linalg.norm(dW)
        if W_norm > 0:
            entries.append(step / W_norm)
        else:
            entries.append(np.inf if step > 0 else 0.0)
    return np.array(entries)


@right_answer("update_ratios", "np.divide where W is not zero")
def update_ratios_divide(weights, weight_grads, learning_rate):
    W_norms = np.array([np.sqrt(np.sum(W**2)) for W in weights])
    steps = np.array([np.sqrt(np.sum((learning_rate * dW) ** 2)) for dW in weight_grads])
    otherwise = np.where(steps > 0, np.inf, 0.0)
    return np.divide(steps, W_norms, out=otherwise, where=W_norms > 0)


@right_answer("update_ratios", "plain Python loops")
def update_ratios_plain(weights, weight_grads, learning_rate):
    entries = []
    for W, dW in zip(weights, weight_grads):
        W_norm = math.hypot(*W.ravel().tolist())
        step = math.hypot(*[learning_rate * entry for entry in dW.ravel().tolist()])
        entries.append(step / W_norm if W_norm else math.inf if step else 0)
    return entries


@right_answer("update_ratios", "root mean squares, under errstate")
def update_ratios_root_mean_square(weights, weight_grads, learning_rate):
    with np.errstate(divide="ignore", invalid="ignore"):
        entries = [np.sqrt(np.mean(np.square(learning_rate * dW))) / np.sqrt(np.mean(np.square(W)))
                   for W, dW in zip(weights, weight_grads)]
    return np.nan_to_num(entries, nan=0.0, posinf=np.inf)
