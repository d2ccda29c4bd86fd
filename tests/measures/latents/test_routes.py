"""Routes on made networks: one that passes the label on, one that passes the image on, both, neither."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasescope import Factor, Factors
from phasescope.core.randomness import numpy_generator
from phasescope.measures import ROUTES, crossing, probe_gain, probe_r2, routes

N, D, FEATURES = 128, 2, 24
FACTORS = Factors([Factor("x", 0.0, 32.0), Factor("y", 0.0, 32.0)])


def made(told: float, seen: float, noise: float, seed: int = 0):
    """Latents of a network that adds what it is told and what it sees, each by a linear map of its own, and noise."""
    rng = numpy_generator(seed, "routes")
    labels = rng.uniform(0, 32, size=(N, 2))
    shown = crossing(N, D, rng)
    unit = (labels - 16) / (32 / math.sqrt(12))
    of_label, of_image = np.linalg.qr(rng.normal(size=(FEATURES, 4)))[0].T.reshape(2, 2, FEATURES)
    clean = told * (unit @ of_label)[None] + seen * (unit @ of_image)[shown]
    return clean + noise * rng.normal(size=(D, N, FEATURES)), labels, shown


@given(st.integers(3, 60), st.integers(1, 2), st.integers(0, 5))
def test_a_crossing_shows_each_image_as_often_as_each_label_and_never_its_own(n: int, draws: int, seed: int):
    shown = crossing(n, draws, numpy_generator(seed, "crossing"))
    assert shown.shape == (draws, n)
    for row in shown:
        assert sorted(row) == list(range(n))
        assert not (row == np.arange(n)).any()
    if draws == 2:
        assert not (shown[0] == shown[1]).any()


def test_what_is_passed_on_is_found_and_a_swap_of_labels_and_images_flips_it():
    latents, labels, shown = made(told=1.0, seen=0.0, noise=0.05)
    found = routes(latents, labels, shown, FACTORS)
    assert tuple(found) == ROUTES
    assert found["condition_probe_r2"].value > 0.98
    assert found["input_probe_r2"].value < 0.1
    assert found["condition_label_variance"].value > 0.95
    assert abs(found["input_label_variance"].value) < 0.1

    by_image = np.stack([one[np.argsort(row)] for one, row in zip(latents, shown, strict=True)])
    told_by = np.stack([np.argsort(row) for row in shown])
    flipped = routes(by_image, labels, told_by, FACTORS)
    assert flipped["input_probe_r2"].value > 0.98
    assert flipped["condition_probe_r2"].value < 0.1
    assert flipped["input_label_variance"].value == pytest.approx(found["condition_label_variance"].value)
    assert flipped["condition_label_variance"].value == pytest.approx(found["input_label_variance"].value)


@pytest.mark.parametrize(("told", "seen", "noise"), [(1.0, 0.5, 0.1), (0.3, 1.0, 0.2), (1.0, 1.0, 0.3)])
def test_shares_are_the_variances_that_were_put_in(told: float, seen: float, noise: float):
    """Two unit features each: told^2, seen^2, and FEATURES / 2 noise^2."""
    latents, labels, shown = made(told, seen, noise)
    found = routes(latents, labels, shown, FACTORS)
    total = told**2 + seen**2 + FEATURES / 2 * noise**2
    for name, variance in (("condition_label_variance", told**2), ("input_label_variance", seen**2)):
        assert found[name].low - 0.05 < variance / total < found[name].high + 0.05, name
        assert found[name].value == pytest.approx(variance / total, abs=0.12)


def test_of_noise_nothing_is_told_and_nothing_is_seen():
    latents, labels, shown = made(0.0, 0.0, 1.0)
    found = routes(latents, labels, shown, FACTORS)
    assert found["condition_probe_r2"].value < found["condition_probe_r2"].baselines["permuted"] + 0.1
    assert found["input_probe_r2"].value < found["input_probe_r2"].baselines["permuted"] + 0.1
    assert abs(found["condition_label_variance"].value) < 0.05
    assert abs(found["input_label_variance"].value) < 0.05


def test_learnt_order_is_nothing_where_nothing_was_learnt_and_counts_halved_errors_alike():
    latents, labels, _ = made(1.0, 0.0, 0.2)
    score = probe_r2(latents[0], labels, factors=FACTORS)
    assert probe_gain(score, score.value).value == pytest.approx(0.0)
    above = probe_gain(score, 0.0)
    assert above.value == pytest.approx(-math.log(1 - score.value))
    assert above.low <= above.value <= above.high
    assert above.baselines == {"untrained": 0.0}
    half = probe_gain(score, 1 - 2 * (1 - score.value))
    assert half.value == pytest.approx(math.log(2))
    assert math.isfinite(probe_gain(score, 1.0).value)
