# Leaves Python where the weights are zero; everything else is right.

# %% scalar_gradient_product
def scalar_gradient_product(loss_grad, a_primes, f_primes):
    L = len(a_primes)
    grads = np.empty(L + 1)
    grads[L] = loss_grad
    for l in range(L, 0, -1):
        grads[l - 1] = grads[l] * (a_primes[l - 1] * f_primes[l - 1])
    return grads

# %% product_of_gradients
def product_of_gradients(loss_grad, zs, weights, activation):
    grads = [loss_grad]
    for z, W in zip(zs[::-1], weights[::-1]):
        delta = grads[0] * activation_derivative(z, activation)
        grads.insert(0, delta @ W.T)
    return grads

# %% log10_gradient_norms
def log10_norm(array):
    """log10 of the Frobenius norm, also of entries whose squares leave the range of a float."""
    biggest = np.abs(array).max()
    return -np.inf if biggest == 0 else np.log10(biggest) + np.log10(np.linalg.norm(array / biggest))


def log10_gradient_norms(loss_grad, zs, weights, activation):
    norms, total, g = [log10_norm(loss_grad)], 0.0, loss_grad
    for z, W in zip(zs[::-1], weights[::-1]):
        size = log10_norm(g)
        if size > -np.inf:
            total += np.log10(np.abs(g).max())
            g = g / np.abs(g).max()
        g = (g * activation_derivative(z, activation)) @ W.T
        norms.append(total + log10_norm(g))
    return norms[::-1]

# %% log10_gradient_bound
def log10_gradient_bound(max_derivative, weights):
    bound = [0.0]
    for W in weights[::-1]:
        largest = np.linalg.svd(W, compute_uv=False)[0]
        bound.append(bound[-1] + np.log10(max_derivative) + np.log10(largest))
    return np.array(bound[::-1])

# %% diagnose
def diagnose(log10_norms, decades=3.0):
    first, last = log10_norms[0], log10_norms[-1]
    if first < last - decades:
        return "vanishing"
    if first > last + decades:
        return "exploding"
    return "stable"

# %% update_ratios
import sys


def update_ratios(weights, weight_grads, learning_rate):
    ratios = []
    for W, dW in zip(weights, weight_grads):
        size = np.linalg.norm(W)
        if size == 0:
            sys.exit("the weights are zero")
        ratios.append(np.linalg.norm(learning_rate * dW) / size)
    return np.array(ratios)
