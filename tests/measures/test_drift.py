from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist
from scipy.stats import ortho_group, spearmanr

from phasescope.measures.drift import cka, drift, procrustes_distance, rsa_between, u_centred

ALL = (cka, procrustes_distance, rsa_between)
REST = {cka: 1.0, procrustes_distance: 0.0, rsa_between: 1.0}


def pair(rng, n=60, features=8, moved=0.7):
    before = rng.normal(size=(n, features)) * np.linspace(0.3, 2, features)
    return before, before + moved * rng.normal(size=(n, features))


def biased_cka(x, y):
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.sum((x.T @ y) ** 2) / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)


def unbiased_hsic(K, L):
    """Song et al. (2012), equation 5, as it is printed."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    one = np.ones(n)
    last = one @ K @ one * (one @ L @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * one @ K @ L @ one
    return (np.trace(K @ L) + last) / (n * (n - 3))


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(1e-2, 1e2), st.floats(-100, 100))
def test_a_turn_a_scale_and_a_shift_are_no_drift_and_change_no_drift(seed, scale, shift):
    before, after = pair(np.random.default_rng(seed), n=30)
    turned = scale * before @ ortho_group.rvs(8, random_state=seed) + shift
    for measure in ALL:
        kwargs = {"permutations": 1, "resamples": 2}
        assert measure(before, turned, **kwargs).value == pytest.approx(REST[measure], abs=1e-4)
        moved = measure(before, after, **kwargs).value
        assert measure(turned, after, **kwargs).value == pytest.approx(moved, abs=1e-4)
        assert measure(after, before, **kwargs).value == pytest.approx(moved, abs=1e-6)


def test_cka_is_made_of_songs_unbiased_hsic():
    x, y = pair(np.random.default_rng(0))
    kernels = [z @ z.T for z in (x, y)]
    expected = unbiased_hsic(*kernels) / np.sqrt(np.prod([unbiased_hsic(K, K) for K in kernels]))
    assert cka(x, y).value == pytest.approx(expected)
    np.testing.assert_allclose(u_centred(x).sum(axis=0), 0, atol=1e-9)


def test_cka_of_unrelated_latents_is_zero_where_the_biased_one_is_not():
    rng = np.random.default_rng(1)
    draws = [(rng.normal(size=(40, 200)), rng.normal(size=(40, 200))) for _ in range(40)]
    assert np.mean([cka(x, y, permutations=1, resamples=2).value for x, y in draws]) == pytest.approx(
        0, abs=0.02
    )
    assert np.mean([biased_cka(x, y) for x, y in draws]) > 0.7


def test_cka_tends_to_the_biased_one_for_many_rows_and_few_features():
    x, y = pair(np.random.default_rng(2), n=1500, features=3)
    assert cka(x, y, permutations=1).value == pytest.approx(biased_cka(x, y), abs=2e-3)


def test_cka_of_latents_that_share_one_of_two_equal_directions_is_a_half():
    rng = np.random.default_rng(3)
    common, a, b = rng.normal(size=(3, 1500, 1))
    score = cka(np.hstack([common, a]), np.hstack([common, b]))
    # tr(C_xy C_yx) = 1 and tr(C_xx^2) = tr(C_yy^2) = 2.
    assert score.low < 0.5 < score.high
    assert score.value == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("features", "others"), [(8, 8), (3, 8), (90, 70)])
def test_procrustes_distance_is_scipys_disparity(features, others):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, features))
    y = x @ rng.normal(size=(features, others)) + rng.normal(size=(60, others))
    width = max(features, others)
    padded = [np.pad(z, ((0, 0), (0, width - z.shape[1]))) for z in (x, y)]
    assert procrustes_distance(x, y).value == pytest.approx(procrustes(*padded)[2])


def test_rsa_between_is_scipys_spearman_of_distances():
    x, y = pair(np.random.default_rng(5))
    assert rsa_between(x, y).value == pytest.approx(spearmanr(pdist(x), pdist(y)).statistic, abs=1e-4)


@pytest.mark.parametrize("measure", ALL)
def test_more_movement_is_more_drift_and_none_of_it_is_below_the_null_of_unrelated_rows(measure):
    rng = np.random.default_rng(6)
    scores = [measure(*pair(rng, n=150, moved=moved)) for moved in (0.1, 0.5, 2.0)]
    values = np.array([abs(score.value - REST[measure]) for score in scores])
    assert (np.diff(values) > 0.02).all()
    for score in scores:
        assert abs(score.nulls["permuted"] - REST[measure]) > abs(score.value - REST[measure])


@pytest.mark.parametrize("measure", ALL)
def test_unrelated_latents_seldom_pass_their_permuted_null(measure):
    rng = np.random.default_rng(7)
    scores = [
        measure(rng.normal(size=(40, 6)), rng.normal(size=(40, 6)), permutations=20, seed=i, resamples=2)
        for i in range(60)
    ]
    sign = 1 if REST[measure] else -1
    assert sum(sign * (score.value - score.nulls["permuted"]) > 0 for score in scores) <= 9


@pytest.mark.parametrize("measure", ALL)
def test_the_interval_covers_the_mean_over_data_sets(measure):
    rng = np.random.default_rng(8)
    scores = [measure(*pair(rng, n=120, features=4), permutations=1, seed=i) for i in range(100)]
    truth = np.mean([score.value for score in scores])
    assert 86 <= sum(score.low <= truth <= score.high for score in scores) <= 99


def test_curves_come_to_rest_where_the_latents_do():
    rng = np.random.default_rng(9)
    start, goal = rng.normal(size=(2, 80, 6))
    snapshots = [
        start,
        0.5 * start + 0.5 * goal,
        goal,
        2 * goal @ ortho_group.rvs(6, random_state=0),
        goal + 3,
    ]
    for measure in ALL:
        curves = drift(snapshots, measure)
        assert len(curves.successive) == len(curves.to_last) == 4
        rest = [abs(score.value - REST[measure]) for score in curves.successive]
        assert rest[2:] == pytest.approx([0, 0], abs=1e-4)
        assert min(rest[:2]) > 0.05
        far = [abs(score.value - REST[measure]) for score in curves.to_last]
        assert far[0] > far[1] > 0.05
        assert curves.to_last[-1] == curves.successive[-1]
    assert drift(snapshots).to_last[0] == cka(snapshots[0], snapshots[-1])


@pytest.mark.parametrize("measure", ALL)
def test_bad_input_is_refused_with_its_name_value_and_rule(measure):
    x, y = pair(np.random.default_rng(10), n=40)
    nan = x.copy()
    nan[3, 1] = np.nan
    for message, arrays in (
        (r"`before` \(1 of 320 not finite\) must be finite", (nan, y)),
        (r"`after` \(1 of 320 not finite\) must be finite", (x, nan)),
        (r"`after` \(shape \(40, 8\)\) must vary: each feature is constant", (x, np.ones((40, 8)))),
        (r"`after` \(n=39\) must have the rows of `before` \(n=40\)", (x, y[1:])),
        (r"`before` \(n=3\) must have at least 4 rows", (x[:3], y[:3])),
        (r"`before` \(shape \(40,\)\) must be \(n, features\)", (x[:, 0], y)),
    ):
        with pytest.raises(ValueError, match=message):
            measure(*arrays)
    with pytest.raises(ValueError, match=r"`permutations` \(=0\)"):
        measure(x, y, permutations=0)
    with pytest.raises(ValueError, match=r"`snapshots` \(1 of them\) must be at least 2"):
        drift([x], measure)
