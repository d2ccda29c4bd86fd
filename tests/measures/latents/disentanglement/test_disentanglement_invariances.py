"""What no score of a code may depend on, and what intervals promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasescope import Factors
from phasescope.measures import code_of, disentanglement, mig, sap

QUICK = {"permutations": 2, "resamples": 20}


def noisy(seed, n=240):
    rng = np.random.default_rng(seed)
    labels = rng.uniform(0, 32, (n, 2))
    mixing = np.array([[1, 0.3, 0.2], [0.1, 1, -0.4]])
    return labels @ mixing / 32 + 0.1 * rng.normal(size=(n, 3)), labels


def values(latents, labels, **given_factors):
    found = disentanglement(latents, labels, **QUICK, **given_factors)
    return {name: score.value for name, score in found.items()}


@settings(max_examples=5)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(-100, 100), st.permutations(range(3)))
def test_order_units_and_origin_of_dimensions_change_nothing(seed, scale, shift, order):
    latents, labels = noisy(seed)
    expected = values(latents, labels)
    moved = latents[:, order] * [scale, -1, 1] + shift
    for name, value in values(moved, labels).items():
        assert value == pytest.approx(expected[name], abs=1e-3), name


@settings(max_examples=5)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_units_and_origin_of_labels_change_nothing(seed, scale, shift):
    latents, labels = noisy(seed)
    moved = values(latents, labels * [scale, 1] + shift)
    assert moved == pytest.approx(values(latents, labels), abs=1e-4)


@settings(max_examples=5)
@given(st.integers(0, 10**6), st.floats(0, 32))
def test_the_origin_of_a_periodic_factor_changes_only_its_bins(seed, shift):
    latents, labels = noisy(seed)
    angle = 2 * np.pi * labels[:, 0] / 32
    latents = np.column_stack([np.cos(angle), np.sin(angle), latents[:, 1]])
    latents += 0.1 * np.random.default_rng(seed).normal(size=latents.shape)
    factors = {"factors": Factors.named(("x", "y"), (32.0, 32.0), ("x",))}
    moved, still = (
        values(latents, labels + np.array([shift, 0]), **factors),
        values(latents, labels, **factors),
    )
    for name, value in moved.items():
        close = {"mig": 0.1}.get(name, 0.05)
        assert value == pytest.approx(still[name], abs=close), name


@settings(max_examples=5)
@given(st.integers(0, 10**6))
def test_information_does_not_see_a_monotone_map_of_a_dimension(seed):
    latents, labels = noisy(seed)
    mapped = np.column_stack([np.exp(latents[:, 0]), np.sinh(latents[:, 1]), latents[:, 2]])
    a, b = (mig(code_of(x, labels), **QUICK).value for x in (latents, mapped))
    assert a == pytest.approx(b, abs=1e-12)


def share_covered(measure, truth, simulate, times=100, **settings):
    held = 0
    for i in range(times):
        latents, labels = simulate(np.random.default_rng(1000 + i))
        score = measure(code_of(latents, labels, seed=i), permutations=1, resamples=200, seed=i, **settings)
        held += score.low <= truth <= score.high
    return held / times


@pytest.mark.slow
def test_intervals_of_probes_hold_what_very_many_labels_give():
    theta = np.deg2rad(25)

    def simulate(rng, n=500):
        labels = rng.uniform(-1, 1, (n, 2))
        noise = 0.3 * rng.normal(size=(n, 2))
        c, s = np.cos(theta), np.sin(theta)
        return labels @ [[c, -s], [s, c]] + noise, labels

    signal, noise = 1 / 3, 0.09
    read = signal / (signal + noise)
    # Binomial: 0.95 +- 0.02 of 100; four of its deviations are 0.86.
    assert share_covered(sap, np.cos(2 * theta) * read, simulate) > 0.86


@pytest.mark.slow
def test_intervals_of_information_hold_what_very_many_labels_give():
    def simulate(rng, n=1000):
        labels = rng.uniform(-1, 1, (n, 2))
        return labels @ [[1, 0.4], [0.2, 1]] + 0.2 * rng.normal(size=(n, 2)), labels

    latents, labels = simulate(np.random.default_rng(0), 400_000)
    many = code_of(latents, labels)
    truth = mig(many, permutations=1, resamples=20).value
    # To first order, bins held: too narrow by a tenth, which is coverage 0.92; four binomial deviations are 0.81.
    assert share_covered(mig, truth, simulate) > 0.81
