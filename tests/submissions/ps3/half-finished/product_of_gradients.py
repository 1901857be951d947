# Two products are done; diagnose has one answer for everything.

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

# %% diagnose
def diagnose(log10_norms, decades=3.0):
    return "stable"
