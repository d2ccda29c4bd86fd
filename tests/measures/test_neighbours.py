from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from phasescope.measures import trustworthiness
from phasescope.measures.neighbours import nearest, ranks, without_each


@pytest.mark.parametrize("k", [1, 5, 20])
def test_equals_sklearns(k):
    rng = np.random.default_rng(k)
    labels = rng.uniform(0, 32, (120, 2))
    latents = labels @ rng.normal(size=(2, 8)) + 10 * rng.normal(size=(120, 8))
    expected = sklearn_trustworthiness(labels, latents, n_neighbors=k)
    assert trustworthiness(latents, labels, k).value == pytest.approx(expected, abs=1e-4)


def test_the_labels_themselves_are_trustworthy_on_a_lattice_and_off_it():
    rng = np.random.default_rng(0)
    off = rng.uniform(0, 32, (150, 2))
    for step in (1, 0.1):
        lattice = (step * np.stack(np.meshgrid(np.arange(12), np.arange(12)), -1).reshape(-1, 2)).astype(
            np.float32
        )
        for labels in (lattice, off):
            # The latents' rows carry other rounding than the labels', and break ties otherwise.
            assert trustworthiness(3 * labels[:, ::-1] + 0.7, labels).value == 1


def test_noise_is_at_chance_and_seldom_exceeds_its_permuted_null():
    rng = np.random.default_rng(1)
    scores = [
        trustworthiness(rng.normal(size=(100, 10)), rng.uniform(0, 32, (100, 2)), seed=i) for i in range(60)
    ]
    assert np.mean([score.value for score in scores]) == pytest.approx(0.5, abs=0.03)
    assert sum(score.value > score.nulls["permuted"] for score in scores) <= 9


def test_periodic_labels_are_compared_the_short_way_round():
    rng = np.random.default_rng(2)
    labels = rng.uniform(0, 32, (300, 2))
    angle = 2 * np.pi * labels / 32
    torus = np.hstack([np.sin(angle), np.cos(angle)])
    periodic = {"periodic": (True, True), "span": (32.0, 32.0)}
    around = trustworthiness(torus, labels, **periodic)
    assert around.value > 0.999
    assert trustworthiness(torus, labels).value < around.low
    moved = trustworthiness(torus, (labels + np.array([5.5, 20.1])) % 32, **periodic)
    assert moved.value == pytest.approx(around.value, abs=1e-4)


def test_span_weighs_factors_alike_whatever_their_units():
    rng = np.random.default_rng(3)
    latents = rng.uniform(size=(200, 2))
    in_units = latents * [32, 0.5]
    assert trustworthiness(latents, in_units, span=(32.0, 0.5)).value == 1
    assert trustworthiness(latents, in_units).value < 0.95


def test_ranks_count_the_strictly_nearer():
    distances = np.array([[0, 1, 1, 4], [1, 0, 2, 3], [1, 2, 0, 2], [4, 3, 2, 0]], float)
    expected = [[0, 1, 1, 3], [1, 0, 2, 3], [1, 2, 0, 2], [3, 2, 1, 0]]
    assert ranks(distances).tolist() == expected
    assert nearest(np.array([[0.0], [1.0], [3.0], [7.0]]), 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_the_interval_covers_the_mean_over_data_sets():
    rng = np.random.default_rng(4)
    scores = []
    for i in range(60):
        labels = rng.uniform(0, 1, (150, 2))
        scores.append(trustworthiness(labels + 0.1 * rng.normal(size=labels.shape), labels, seed=i))
    truth = np.mean([score.value for score in scores])
    assert sum(score.low <= truth <= score.high for score in scores) >= 51


@pytest.mark.parametrize("k", [2, 6])
def test_leaving_a_label_out_is_computing_without_it(k):
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 6, (40, 2)).astype(float)
    labels += 1e-3 * rng.normal(size=labels.shape)
    latents = labels @ rng.normal(size=(2, 4)) + rng.normal(size=(40, 4))
    squared = ((labels[:, None] - labels) ** 2).sum(axis=-1)
    without = without_each(ranks(squared), nearest(latents, k + 1))
    for left_out, value in enumerate(without):
        rest = np.delete(np.arange(40), left_out)
        expected = sklearn_trustworthiness(labels[rest], latents[rest], n_neighbors=k)
        assert value == pytest.approx(expected, abs=1e-12)
