from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from phasescope.core.factors import Factors
from phasescope.measures.latents.ideal import clifford_torus
from phasescope.measures.latents.rsa import rsa

PERIODIC = {"factors": Factors.named(("x", "y"), (32.0, 32.0), ("x", "y"))}
LATTICE = np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), -1).reshape(-1, 2)


def noisy_code(rng, n=80, noise=6.0):
    labels = rng.uniform(0, 32, (n, 2))
    return labels @ rng.normal(size=(2, 9)) + noise * rng.normal(size=(n, 9)), labels


def test_equals_scipys_spearman_over_all_pairs_and_over_near_ones():
    latents, labels = noisy_code(np.random.default_rng(0))
    d, e = pdist(labels), pdist(latents)
    assert rsa(latents, labels).value == pytest.approx(spearmanr(d, e).statistic, abs=1e-4)
    for radius in (0.2, 0.5):
        near = d <= radius * d.max()
        expected = spearmanr(d[near], e[near]).statistic
        assert rsa(latents, labels, radius).value == pytest.approx(expected, abs=1e-4)


def test_ties_take_their_mid_rank_as_scipys_do():
    latents = LATTICE + np.random.default_rng(1).normal(size=LATTICE.shape)
    expected = spearmanr(np.round(pdist(LATTICE), 6), pdist(latents)).statistic
    assert rsa(latents, LATTICE).value == pytest.approx(expected, abs=1e-4)


def test_the_labels_themselves_have_correlation_one_on_a_lattice_and_off_it():
    off = np.random.default_rng(3).uniform(0, 32, (100, 2))
    for labels in (LATTICE, off):
        for radius in (0.3, 1.0):
            score = rsa(3 * labels[:, ::-1] + 0.7, labels, radius)
            assert [score.value, score.low, score.high] == pytest.approx([1, 1, 1], abs=1e-6)
    torus = clifford_torus(off, **PERIODIC)
    assert rsa(torus, off, 0.2, **PERIODIC).value > 0.99
    assert rsa(torus, off).value < rsa(torus, off, **PERIODIC).low


def test_scrambled_neighbourhoods_show_only_among_near_pairs():
    rng = np.random.default_rng(4)
    labels = rng.uniform(0, 32, (300, 2))
    cell = np.floor(labels / 4)
    scrambled = cell + 0.5 * rng.uniform(-1, 1, labels.shape)
    assert rsa(scrambled, labels).low > 0.95
    assert rsa(scrambled, labels, 0.08).high < 0.75


def test_one_factor_and_entangled_codes_score_below_the_labels():
    rng = np.random.default_rng(5)
    labels = rng.uniform(0, 32, (200, 2))
    one = rsa(labels[:, :1] @ rng.normal(size=(1, 9)), labels)
    sheared = rsa(labels @ [[1.0, 2.0], [0.0, 0.5]], labels)
    assert 0.5 < one.value < sheared.value < 0.9


@pytest.mark.parametrize("radius", [0.3, 1.0])
def test_noise_is_at_zero_and_seldom_exceeds_its_permuted_null(radius):
    rng = np.random.default_rng(6)
    scores = [
        rsa(rng.normal(size=(60, 5)), rng.uniform(0, 32, (60, 2)), radius, resamples=2, seed=i)
        for i in range(60)
    ]
    assert np.mean([score.value for score in scores]) == pytest.approx(0, abs=0.03)
    assert sum(score.value > score.nulls["permuted"] for score in scores) <= 9


@pytest.mark.some(1)
@pytest.mark.parametrize(("radius", "noise"), [(1.0, 6.0), (1.0, 60.0), (0.4, 6.0)])
def test_the_interval_covers_the_mean_over_data_sets(radius, noise):
    rng = np.random.default_rng(7)
    code = rng.normal(size=(2, 9))
    scores = []
    for i in range(100):
        labels = rng.uniform(0, 32, (60, 2))
        latents = labels @ code + noise * rng.normal(size=(60, 9))
        scores.append(rsa(latents, labels, radius, seed=i, permutations=1))
    truth = np.mean([score.value for score in scores])
    assert 86 <= sum(score.low <= truth <= score.high for score in scores) <= 99


def test_a_row_twice_is_no_pair_that_agrees():
    latents, labels = noisy_code(np.random.default_rng(8))
    score = rsa(latents, labels, resamples=2000)
    # Were copies counted as pairs at distance 0 in both, replicates, and with them the middle, would lie higher.
    middle = np.tanh((np.arctanh(score.low) + np.arctanh(score.high)) / 2)
    assert middle == pytest.approx(score.value, abs=0.1 * (score.high - score.low))


def test_bad_input_is_refused_with_its_name_value_and_rule():
    rng = np.random.default_rng(9)
    latents, labels = rng.normal(size=(40, 3)), rng.uniform(size=(40, 2))
    corners = np.vstack([np.eye(40), np.eye(40)])[:40]
    for message, arrays, radius in (
        (r"`radius` \(=0\) must be in \(0, 1\]", (latents, labels), 0),
        (r"`radius` \(=1e-06\) must take in at least n=40 pairs, not 0", (latents, labels), 1e-6),
        (r"`latents` \(all 780 pairs equally far\) must differ in distance", (corners, labels), 1.0),
    ):
        with pytest.raises(ValueError, match=message):
            rsa(*arrays, radius)
