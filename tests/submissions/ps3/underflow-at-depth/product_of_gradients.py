# Takes logarithms at the end, of products that a float can no longer hold.

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
def log10_gradient_norms(loss_grad, zs, weights, activation):
    grads = product_of_gradients(loss_grad, zs, weights, activation)
    return np.array([np.log10(np.linalg.norm(g)) for g in grads])

# %% log10_gradient_bound
def log10_gradient_bound(max_derivative, weights):
    product = [1.0]
    for W in reversed(weights):
        product.append(product[-1] * max_derivative * np.linalg.norm(W, 2))
    return np.log10(product[::-1])

# %% diagnose
def diagnose(log10_norms, decades=3.0):
    norms = 10.0 ** np.asarray(log10_norms)
    ratio = norms[0] / norms[-1]
    if ratio < 10.0 ** -decades:
        return "vanishing"
    return "exploding" if ratio > 10.0 ** decades else "stable"

# %% update_ratios
def update_ratios(weights, weight_grads, learning_rate):
    ratios = []
    for W, dW in zip(weights, weight_grads):
        size, step = np.linalg.norm(W), learning_rate * np.linalg.norm(dW)
        if size > 0:
            ratios.append(step / size)
        else:
            ratios.append(np.inf if step > 0 else 0.0)
    return ratios
