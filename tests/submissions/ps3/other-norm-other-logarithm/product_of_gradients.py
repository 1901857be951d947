# Takes the natural logarithm, and the Frobenius norm where the spectral norm is asked for.

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
    return np.log([np.linalg.norm(g) for g in grads])

# %% log10_gradient_bound
def log10_gradient_bound(max_derivative, weights):
    bound = [0.0]
    for W in weights[::-1]:
        largest = np.linalg.norm(W)
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
def update_ratios(weights, weight_grads, learning_rate):
    ratios = []
    for W, dW in zip(weights, weight_grads):
        size, step = np.linalg.norm(W), learning_rate * np.linalg.norm(dW)
        if size > 0:
            ratios.append(step / size)
        else:
            ratios.append(np.inf if step > 0 else 0.0)
    return ratios
