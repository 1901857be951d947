"""reference_impl.activations and gelu_derivative against mpmath, with the error in units in the last place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_impl import activations
from reference_impl.backward_step import activate, activation_derivative
from reference_impl.remedies import gelu_derivative
from tests.course.oracles import ACTIVATIONS, PROPERTY, activation_of, assert_agree, complex_step, mp_values, ulps_off

ROUNDED_UP = 1 + 1e-15
FINITE = st.floats(min_value=-1e300, max_value=1e300)

# name -> (largest |z|, allowed units in the last place); measured is about half of what is allowed.
ACCURACY = {"sigmoid": (700.0, 4.0), "sigmoid_derivative": (300.0, 6.0), "tanh_derivative": (300.0, 8.0)}


def whole_range(largest, count=500):
    """Evenly spaced, log-spaced down to 1e-300, and seeded random points, of both signs."""
    rng = np.random.default_rng(20)
    positive = np.concatenate(
        (
            np.linspace(0, largest, count),
            np.geomspace(1e-300, largest, count),
            rng.uniform(0, largest, count),
            rng.uniform(0, 40, count),
        )
    )
    return np.concatenate((positive, -positive))


def check_accuracy(name, function):
    largest, allowed = ACCURACY[name]
    z = whole_range(largest)
    off = ulps_off(function(z), mp_values(name, z))
    print(f"{name}: at most {off:.2f} ulp off for |z| <= {largest:g}")
    assert off <= allowed


@pytest.mark.parametrize("name", ACCURACY)
def test_functions_are_exact_to_a_few_units_in_the_last_place(name):
    check_accuracy(name, getattr(activations, name))


@pytest.mark.parametrize("name", ACCURACY)
@pytest.mark.parametrize("where", ["everywhere", "right tail", "left tail", "near zero"])
def test_the_oracle_refuses_an_error_of_0_05_percent(name, where):
    function = getattr(activations, name)
    region = {
        "everywhere": lambda z: np.abs(z) >= 0,
        "right tail": lambda z: z > 100,
        "left tail": lambda z: z < -100,
        "near zero": lambda z: np.abs(z) < 1e-3,
    }[where]
    with pytest.raises(AssertionError):
        check_accuracy(name, lambda z: function(z) * np.where(region(z), 1.0005, 1.0))


@pytest.mark.parametrize(
    ("name", "textbook"),
    [
        ("sigmoid_derivative", lambda z: activations.sigmoid(z) * (1 - activations.sigmoid(z))),
        ("tanh_derivative", lambda z: 1 - np.tanh(z) ** 2),
    ],
)
def test_the_oracle_refuses_the_textbook_forms_that_lose_a_tail(name, textbook):
    with pytest.raises(AssertionError):
        check_accuracy(name, textbook)


def gelu_error(function):
    z = np.concatenate((np.linspace(-45, 45, 3001), [-1e4, 1e4]))
    return np.max(np.abs(function(z) - np.array([float(v) for v in mp_values("gelu_derivative", z)])))


def test_gelu_derivative_is_exact_to_1e_15_absolute():
    error = gelu_error(gelu_derivative)
    print(f"gelu_derivative: at most {error:.1e} off")
    assert error <= 1e-15


def test_the_oracle_refuses_the_tanh_approximation_of_gelu():
    def approximation(z):
        z = np.clip(z, -40, 40)
        inner = np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)
        slope = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)
        return 0.5 * (1 + np.tanh(inner)) + 0.5 * z * slope * activations.tanh_derivative(inner)

    assert gelu_error(approximation) > 1e-4


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_derivative_is_the_complex_step_of_its_function(activation):
    z = np.random.default_rng(21).normal(scale=5, size=100)
    want = complex_step(lambda v: np.sum(activation_of(np, v, activation)), z)
    assert_agree(activation_derivative(z, activation), want, decades=-14)
    assert_agree(activate(z, activation), activation_of(np, z, activation), decades=-15)


@PROPERTY
@given(FINITE)
def test_sigmoid_is_symmetric_and_in_0_to_1(z):
    assert 0 <= activations.sigmoid(z) <= 1
    assert activations.sigmoid(z) + activations.sigmoid(-z) == pytest.approx(1, abs=1e-15)


@PROPERTY
@given(FINITE)
def test_derivatives_are_even_and_keep_to_their_range(z):
    assert activations.sigmoid_derivative(z) == activations.sigmoid_derivative(-z)
    assert activations.tanh_derivative(z) == activations.tanh_derivative(-z)
    assert 0 <= activations.sigmoid_derivative(z) <= 0.25 * ROUNDED_UP
    assert 0 <= activations.tanh_derivative(z) <= ROUNDED_UP
    assert -0.13 < gelu_derivative(z) < 1.13
    assert gelu_derivative(z) + gelu_derivative(-z) == pytest.approx(1, abs=1e-15)


@PROPERTY
@given(st.floats(min_value=-300, max_value=300))
def test_derivatives_are_not_zero_within_300(z):
    assert activations.sigmoid_derivative(z) > 0
    assert activations.tanh_derivative(z) > 0


@PROPERTY
@given(FINITE, st.floats(min_value=0, max_value=1))
def test_rectifiers_are_piecewise_linear(z, slope):
    assert activations.relu(z) == max(0.0, z)
    assert activations.relu_derivative(z) == (z > 0)
    assert activations.leaky_relu_derivative(z, slope) == (1 if z > 0 else slope)


@PROPERTY
@given(st.lists(st.floats(min_value=-1, max_value=1), min_size=1), st.floats(min_value=1e-6, max_value=2))
def test_saturated_fraction_counts(a_prime, threshold):
    fraction = activations.saturated_fraction(a_prime, threshold)
    assert type(fraction) is float
    assert fraction == pytest.approx(sum(abs(a) < threshold for a in a_prime) / len(a_prime), abs=1e-15)
