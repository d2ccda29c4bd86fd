"""Noise draws of a label that are given as rows: what is read of other draws of the same label is not read of the code."""

import numpy as np
import pytest

from phasescope import Factor, Factors
from phasescope.measures import code_of, dci, p1_r2, probe_r2, trustworthiness

LABELS, DRAWS, FEATURES = 30, 16, 40


def rows(code: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return latents and labels of `DRAWS` draws of each label, in random order: linear, or a random vector a label."""
    rng = np.random.default_rng(seed)
    labels = rng.uniform(0, 32, (LABELS, 2))
    means = (
        labels @ rng.normal(size=(2, FEATURES)) if code == "linear" else rng.normal(size=(LABELS, FEATURES))
    )
    order = rng.permutation(LABELS * DRAWS)
    latents = np.repeat(means, DRAWS, axis=0) + 0.3 * rng.normal(size=(LABELS * DRAWS, FEATURES))
    return latents[order], np.repeat(labels, DRAWS, axis=0)[order]


def test_random_vectors_of_labels_say_nothing_of_other_labels():
    latents, labels = rows("random")
    score = probe_r2(latents, labels)
    assert score.value < 0.1
    assert score.low < 0.1
    assert "equal labels in one fold" in score.estimator
    assert p1_r2(latents, labels)[0].value < 0.05
    assert abs(trustworthiness(latents, labels).value - 0.5) < 0.15
    assert dci(code_of(latents, labels, reduction="ica")).informativeness.value < 0.1


def test_a_linear_code_is_read_as_from_one_draw_a_label():
    latents, labels = rows("linear")
    assert probe_r2(latents, labels).low > 0.99
    assert trustworthiness(latents, labels).value > 0.95
    assert dci(code_of(latents, labels, reduction="ica")).informativeness.value > 0.95


def test_the_interval_is_as_wide_as_that_of_one_row_a_label():
    rng = np.random.default_rng(1)
    labels = rng.uniform(0, 32, (60, 2))
    latents = np.hstack([labels + 12 * rng.normal(size=labels.shape), rng.normal(size=(60, 4))])
    one = probe_r2(latents, labels)
    draws = probe_r2(*(np.repeat(array, DRAWS, axis=0) for array in (latents, labels)))
    assert 0.2 < one.value < 0.9
    assert draws.value == pytest.approx(one.value, abs=0.15)
    assert (draws.high - draws.low) / (one.high - one.low) > 0.6


def test_rows_of_a_class_are_what_a_classifier_learns_from():
    rng = np.random.default_rng(3)
    kinds = rng.integers(0, 12, 240)
    latents = np.eye(12)[kinds] + 0.1 * rng.normal(size=(240, 12))
    factors = Factors((Factor("kind", 0, 11, categorical=True),))
    assert probe_r2(latents, kinds[:, None].astype(float), factors).value > 0.95


def test_labels_of_few_values_are_read_by_rows():
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 4, (200, 1)).astype(float)
    latents = labels @ rng.normal(size=(1, 8)) + 0.1 * rng.normal(size=(200, 8))
    score = probe_r2(latents, labels)
    assert score.value > 0.95
    assert "equal labels" not in score.estimator


@pytest.mark.parametrize("measure", [probe_r2, trustworthiness])
def test_equal_labels_of_a_circle_are_equal_modulo_its_period(measure):
    latents, labels = rows("random")
    around = labels + 32 * np.random.default_rng(5).integers(-2, 3, labels.shape)
    factors = Factors.named(("x", "y"), (32.0, 32.0), ("x", "y"))
    score, other = (measure(latents, np.round(given, 6), factors=factors) for given in (around, labels))
    assert score.value == pytest.approx(other.value, abs=0.02)
