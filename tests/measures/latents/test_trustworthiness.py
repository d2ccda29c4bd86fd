import numpy as np
import pytest
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from phasescope import Factors
from phasescope.measures import trustworthiness
from phasescope.measures.latents.trustworthiness import (
    intrusions,
    intrusions_without_each,
    nearest,
    ranks,
    trust,
)

PERIODIC = {"factors": Factors.named(("x", "y"), (32.0, 32.0), ("x", "y"))}


def lattice_of(side, step=1.0):
    return (step * np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)).astype(
        np.float32
    )


@pytest.mark.parametrize("k", [1, 5, 20])
def test_equals_sklearns(k):
    rng = np.random.default_rng(k)
    labels = rng.uniform(0, 32, (120, 2))
    latents = labels @ rng.normal(size=(2, 8)) + 10 * rng.normal(size=(120, 8))
    expected = sklearn_trustworthiness(labels, latents, n_neighbors=k)
    assert trustworthiness(latents, labels, k).value == pytest.approx(expected, abs=1e-4)


def test_the_labels_themselves_keep_their_neighbours_on_a_lattice_and_off_it():
    rng = np.random.default_rng(0)
    off = rng.uniform(0, 32, (150, 2))
    for step in (1, 0.1):
        for labels in (lattice_of(12, step), off):
            # The latents' rows carry other rounding than the labels', and break ties otherwise.
            assert trustworthiness(3 * labels[:, ::-1] + 0.7, labels).value == 1


def test_a_fold_costs_trust_and_a_tear_does_not():
    rng = np.random.default_rng(2)
    labels = rng.uniform(0, 32, (400, 2))
    folded = np.column_stack([np.abs(labels[:, 0] - 16), labels[:, 1]])
    torn = labels + 100 * (labels[:, :1] > 16)
    assert trustworthiness(folded, labels).value < 0.9
    assert trustworthiness(torn, labels).value > 0.995


def test_one_factor_codes_lose_the_other_factors_neighbours():
    rng = np.random.default_rng(3)
    labels = rng.uniform(0, 32, (300, 2))
    whole, half = labels @ rng.normal(size=(2, 20)), labels[:, :1] @ rng.normal(size=(1, 20))
    assert trustworthiness(half, labels).high < trustworthiness(whole, labels).low


def test_noise_is_at_chance_and_seldom_exceeds_its_permuted_null():
    rng = np.random.default_rng(4)
    scores = [
        trustworthiness(rng.normal(size=(90, 10)), rng.uniform(0, 32, (90, 2)), seed=i, resamples=20)
        for i in range(60)
    ]
    assert np.mean([score.value for score in scores]) == pytest.approx(0.5, abs=0.03)
    assert sum(score.value > score.baselines["permuted"] for score in scores) <= 9


def test_periodic_labels_are_compared_the_short_way_round():
    rng = np.random.default_rng(5)
    labels = rng.uniform(0, 32, (300, 2))
    angle = 2 * np.pi * labels / 32
    torus = np.hstack([np.sin(angle), np.cos(angle)])
    around = trustworthiness(torus, labels, **PERIODIC)
    assert around.value > 0.98
    assert trustworthiness(torus, labels).value < around.low
    moved = trustworthiness(torus, (labels + np.array([5.5, 20.1])) % 32, **PERIODIC)
    assert moved.value == pytest.approx(around.value, abs=1e-3)


def test_span_weighs_factors_alike_whatever_their_units():
    rng = np.random.default_rng(6)
    latents = rng.uniform(size=(200, 2))
    in_units = latents * [32, 0.5]
    assert trustworthiness(latents, in_units, factors=Factors.named(("x", "y"), (32.0, 0.5))).value == 1
    assert trustworthiness(latents, in_units).value < 0.98


def test_the_interval_covers_the_mean_over_data_sets():
    rng = np.random.default_rng(7)
    scores = []
    for i in range(60):
        labels = rng.uniform(0, 1, (150, 2))
        latents = labels + 0.1 * rng.normal(size=labels.shape)
        scores.append(trustworthiness(latents, labels, k=10, seed=i, permutations=1))
    truth = np.mean([score.value for score in scores])
    assert sum(score.low <= truth <= score.high for score in scores) >= 51


@pytest.mark.parametrize("k", [2, 6])
def test_leaving_a_label_out_is_computing_without_it(k):
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 6, (40, 2)).astype(float)
    labels += 1e-3 * rng.normal(size=labels.shape)
    latents = labels @ rng.normal(size=(2, 4)) + rng.normal(size=(40, 4))
    rank = ranks(((labels[:, None] - labels) ** 2).sum(axis=-1))
    near = nearest(latents, k + 1)
    without = trust(intrusions_without_each(rank, near), 39, k)
    for left_out in range(40):
        rest = np.delete(np.arange(40), left_out)
        expected = sklearn_trustworthiness(labels[rest], latents[rest], n_neighbors=k)
        assert without[left_out] == pytest.approx(expected, abs=1e-12)


def test_leaving_a_label_of_a_lattice_out_is_computing_without_it():
    rng = np.random.default_rng(9)
    labels = lattice_of(6).astype(float)
    latents = labels + rng.normal(size=labels.shape)
    squared, k = ((labels[:, None] - labels) ** 2).sum(axis=-1), 5
    for left_out, total in enumerate(intrusions_without_each(ranks(squared), nearest(latents, k + 1))):
        rest = np.delete(np.arange(36), left_out)
        of_rest = np.take_along_axis(ranks(squared[np.ix_(rest, rest)]), nearest(latents[rest], k), axis=1)
        assert total == intrusions(of_rest).sum()
