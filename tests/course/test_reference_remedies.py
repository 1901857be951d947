"""reference_impl.remedies against the complex step and HIPS autograd; gelu_derivative is with the activations.

"Off by 10^-12" means: the largest error of an array is 10^-12 of its largest entry.
"""

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest

from reference_impl import remedies
from reference_impl.product_of_gradients import log10_gradient_norms
from tests.course import oracles
from tests.course.oracles import ACTIVATIONS, assert_agree, complex_step, make_derivative_wrong, pre_activations


def check_residual(activation):
    rng = np.random.default_rng(15)
    y_prev, loss_grad = rng.normal(size=(2, 3, 4))
    W, b = rng.normal(size=(4, 4)), rng.normal(size=4)

    def loss(y):
        return np.sum(loss_grad * (y + oracles.activation_of(np, y @ W + b, activation)))

    got = remedies.residual_backward_step(loss_grad, y_prev @ W + b, W, activation)
    assert_agree(got, complex_step(loss, y_prev), decades=-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_residual_backward_step_agrees_with_the_complex_step(activation):
    check_residual(activation)


@pytest.mark.parametrize("eps", [1e-8, 1e-5, 1.0])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_layer_norm_and_its_gradient_agree(eps, offset):
    rng = np.random.default_rng(16)
    z, loss_grad = offset + rng.normal(size=(2, 3, 5))
    gain, shift = rng.normal(size=(2, 5))

    def loss(xp, *parameters):
        return xp.sum(loss_grad * oracles.layer_normalised(xp, *parameters, eps))

    assert_agree(remedies.layer_norm(z, gain, shift, eps), oracles.layer_normalised(np, z, gain, shift, eps))

    got = remedies.layer_norm_backward(loss_grad, z, gain, eps)
    parameters = [z, gain, shift]
    for i in range(3):
        want = complex_step(lambda v: loss(np, *parameters[:i], v, *parameters[i + 1 :]), parameters[i])
        assert_agree(got[i], want, decades=-11)
    assert_agree(got, autograd.grad(lambda *p: loss(anp, *p), argnum=(0, 1, 2))(*parameters), decades=-11)


def test_layer_norm_gives_rows_of_mean_0_and_variance_1_at_any_scale():
    rng = np.random.default_rng(17)
    row = rng.normal(size=6)
    z = np.array([row * 1e290, row * 1e150, row * 1e4, row + 1e6])
    y = remedies.layer_norm(z, np.ones(6), np.zeros(6))
    np.testing.assert_allclose(y.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(y[0], y[2], rtol=1e-9)


def test_layer_norm_is_right_where_squares_underflow():
    """Scaled by powers of two, so that both sides are the same numbers: s^2 = 2^-1060 and 2^-1074 = 2^-14 s^2."""
    row = np.random.default_rng(22).normal(size=(1, 6))
    got = remedies.layer_norm(2.0**-530 * row, np.ones(6), np.zeros(6), 2.0**-1074)
    np.testing.assert_allclose(got, remedies.layer_norm(row, np.ones(6), np.zeros(6), 2.0**-14), rtol=1e-14)


def test_eps_is_1e_5_unless_given():
    z, loss_grad = np.random.default_rng(23).normal(size=(2, 3, 5))
    gain = np.arange(1.0, 6.0)
    np.testing.assert_array_equal(remedies.layer_norm(z, gain, gain), remedies.layer_norm(z, gain, gain, 1e-5))
    got, want = remedies.layer_norm_backward(loss_grad, z, gain), remedies.layer_norm_backward(loss_grad, z, gain, 1e-5)
    for one_got, one_want in zip(got, want, strict=True):
        np.testing.assert_array_equal(one_got, one_want)


def test_layer_norm_of_a_constant_row_is_the_shift():
    z = np.array([[0.1] * 7, [1e300] * 7, [123456.789e9] * 7])
    shift = np.arange(7.0)
    np.testing.assert_array_equal(remedies.layer_norm(z, np.full(7, 3.0), shift, 1e-12), np.tile(shift, (3, 1)))


def test_cell_state_gradient_agrees_with_autograd():
    rng = np.random.default_rng(18)
    gates, loss_grad, c0 = rng.uniform(size=(30, 2, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    got = remedies.cell_state_gradient(loss_grad, gates)

    def loss(c, t):
        for gate in gates[t:]:
            c = gate * c + 0.3
        return anp.sum(loss_grad * c)

    assert_agree(got, np.array([autograd.grad(loss)(c0, t) for t in range(31)]), decades=-14)


def test_initial_std_keeps_the_gradient_of_100_layers_within_two_decades():
    """What the formulas are for: He's 2 / fan_in makes up for the half of the units that ReLU turns off."""
    for activation in ("relu", "identity"):
        rng = np.random.default_rng(19)
        std = remedies.initial_std(100, 100, activation)
        weights = [std * rng.normal(size=(100, 100)) for _ in range(100)]
        zs = pre_activations(rng.normal(size=(5, 100)), weights, [0.0] * 100, [activation] * 100)
        norms = log10_gradient_norms(rng.normal(size=(5, 100)), zs, weights, activation)
        assert np.ptp(norms) < 2


# ---- the test, tested --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_oracle_refuses_a_derivative_wrong_by_0_05_percent(monkeypatch, activation):
    check_residual(activation)
    make_derivative_wrong(monkeypatch, activation)
    with pytest.raises(AssertionError, match=r"off by 10\^"):
        check_residual(activation)


# ---- against 60 digits ---------------------------------------------------------------------------------


def exact(function, *arrays):
    """function of mpmath matrices as a float array: each number is rounded once."""
    with mpmath.workdps(oracles.DIGITS):
        return np.array([[float(one) for one in row] for row in function(*[[[mpmath.mpf(float(x)) for x in row] for row in a]
                                                                           for a in map(np.atleast_2d, arrays)])])


def exact_layer_norm(z, gain, shift, eps):
    for row in z:
        mean = mpmath.fsum(row) / len(row)
        root = mpmath.sqrt(mpmath.fsum((x - mean) ** 2 for x in row) / len(row) + eps[0][0])
        yield [g * (x - mean) / root + s for x, g, s in zip(row, gain[0], shift[0])]


def exact_dz(loss_grad, z, gain, eps):
    """The Jacobian of the normalisation, entry by entry."""
    n = len(z[0])
    for grads, row in zip(loss_grad, z):
        mean = mpmath.fsum(row) / n
        root = mpmath.sqrt(mpmath.fsum((x - mean) ** 2 for x in row) / n + eps[0][0])
        normal = [(x - mean) / root for x in row]
        yield [mpmath.fsum(g * a * ((j == k) - (1 + normal[j] * normal[k]) / n) for j, (g, a) in enumerate(zip(grads, gain[0]))) / root
               for k in range(n)]


@pytest.mark.parametrize(("offset", "spread", "eps"), [
    (0.0, 1.0, 1e-5), (3.0, 1e-9, 1e-5), (0.0, 1e-12, 1e-20), (1e6, 1.0, 1e-5), (-1e9, 1e-3, 1e-8), (0.0, 1e90, 1e-5), (5.0, 0.0, 1e-5),
])
def test_layer_norm_and_dz_agree_with_sixty_digits(offset, spread, eps):
    rng = np.random.default_rng(24)
    z = offset + spread * rng.normal(size=(3, 5))
    loss_grad, gain, shift = rng.normal(size=(3, 5)), rng.normal(size=5), rng.normal(size=5)
    assert_agree(remedies.layer_norm(z, gain, shift, eps), exact(exact_layer_norm, z, gain, shift, [eps]), decades=-14)
    assert_agree(remedies.layer_norm_backward(loss_grad, z, gain, eps)[0], exact(exact_dz, loss_grad, z, gain, [eps]), decades=-14)


@pytest.mark.parametrize("T", [1, 3, 200, 1000])
def test_cell_state_gradient_agrees_with_sixty_digits(T):
    rng = np.random.default_rng(T)
    loss_grad, gates = rng.normal(size=(1, 3)), rng.uniform(0.5, 1.0, size=(T, 1, 3))
    gates[T // 2, 0, 1] = 0.0
    with mpmath.workdps(oracles.DIGITS):
        products = [[mpmath.mpf(float(g)) for g in loss_grad[0]]]
        for gate in gates[::-1, 0]:
            products.append([one * mpmath.mpf(float(f)) for one, f in zip(products[-1], gate)])
        want = np.array([[float(one) for one in row] for row in products[::-1]])
    np.testing.assert_allclose(remedies.cell_state_gradient(loss_grad, gates)[:, 0], want, rtol=1e-12, atol=0)


def test_gelu_derivative_agrees_with_sixty_digits_and_is_silent_up_to_1e300():
    near = np.concatenate([np.linspace(-45.0, 45.0, 181), [0.0, 1e-300, -1e-300, 1e-9]])
    far = np.array([-1e300, -1e160, -1e154, -50.0, 50.0, 1e154, 1e160, 1e300])
    want = [float(one) for one in oracles.mp_values("gelu_derivative", near)]
    with np.errstate(all="raise", under="ignore"):
        np.testing.assert_allclose(remedies.gelu_derivative(near), want, rtol=0, atol=1e-15)
        np.testing.assert_array_equal(remedies.gelu_derivative(far), far > 0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_residual_backward_step_agrees_with_autograd_over_ten_layers(activation):
    rng = np.random.default_rng(25)
    x, loss_grad = rng.normal(size=(2, 3, 4))
    weights = [0.5 * rng.normal(size=(4, 4)) for _ in range(10)]

    def outputs(xp, y):
        zs = []
        for W in weights:
            zs.append(xp.dot(y, W))
            y = y + oracles.activation_of(xp, zs[-1], activation)
        return y, zs

    grad = loss_grad
    for z, W in zip(outputs(np, x)[1][::-1], weights[::-1]):
        grad = remedies.residual_backward_step(grad, z, W, activation)
    assert_agree(grad, autograd.grad(lambda y: anp.sum(loss_grad * outputs(anp, y)[0]))(x), decades=-13)
