"""The parts against independent implementations: scikit-learn's, scipy's, finite differences, refits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy as scipy_entropy
from scipy.stats import multivariate_normal, norm
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.metrics import mutual_info_score, r2_score

from phasescope.measures import code_of, dci, mig, sap
from phasescope.measures.latents.disentanglement.code import moments, reduce, scored, standardised
from phasescope.measures.latents.disentanglement.dci import (
    completeness_of,
    disentanglement_of,
    importance,
    lasso,
)
from phasescope.measures.latents.disentanglement.information import (
    aligned,
    equal_bins,
    influences,
    mutual_information,
    ranks,
)

QUICK = {"permutations": 1, "resamples": 20}


@pytest.mark.parametrize("alpha", [0.3, 0.03, 0.003])
def test_lasso_is_sklearns_on_its_objective(alpha):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(150, 8)) @ rng.normal(size=(8, 8))
    y = z @ rng.normal(size=(8, 2)) * [1, 0.1] + rng.normal(size=(150, 2))
    z, y = z - z.mean(axis=0), y - y.mean(axis=0)
    w = lasso(z.T @ z / 150, z.T @ y / 150, np.full(2, alpha))
    for c in range(2):
        expected = Lasso(alpha=alpha, tol=1e-10, max_iter=100_000).fit(z, y[:, c]).coef_
        np.testing.assert_allclose(w[:, c], expected, atol=1e-3)


def test_equal_dimensions_share_a_weight():
    rng = np.random.default_rng(1)
    z = rng.normal(size=(100, 1))
    z = np.hstack([z, z, rng.normal(size=(100, 1))])
    z -= z.mean(axis=0)
    w = lasso(z.T @ z / 100, z.T @ z[:, :1] / 100, np.array([0.01]))
    assert w[0, 0] == pytest.approx(w[1, 0], rel=1e-9)
    assert w[0, 0] == pytest.approx(0.5, abs=0.02)


def test_moments_of_resamples_are_those_of_repeated_rows():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(30, 5))
    weights = rng.multinomial(30, np.full(30, 1 / 30), size=4).astype(float)
    for drawn, found in zip(weights, moments(x, weights), strict=True):
        rows = np.column_stack([np.repeat(x, drawn.astype(int), axis=0), np.ones(30)])
        np.testing.assert_allclose(found, rows.T @ rows / 30, atol=1e-12)


def test_dci_of_an_importance_matrix_is_its_definition():
    R = np.random.default_rng(3).uniform(size=(5, 3))
    rho = R.sum(axis=1) / R.sum()
    D = sum(rho[j] * (1 - scipy_entropy(R[j], base=3)) for j in range(5))
    C = [1 - scipy_entropy(R[:, k], base=5) for k in range(3)]
    assert disentanglement_of(R) == pytest.approx(D)
    np.testing.assert_allclose(completeness_of(R, np.ones(3, int)), C)
    assert disentanglement_of(np.eye(3)) == 1
    assert disentanglement_of(np.ones((4, 3))) == pytest.approx(0)
    assert disentanglement_of(np.zeros((4, 3))) == 0


def test_completeness_of_a_circle_is_one_on_two_dimensions_and_zero_on_all():
    R = np.array([[1, 1.0], [1, 1], [0, 1], [0, 1]])
    np.testing.assert_allclose(completeness_of(R, np.array([2, 2])), [1, 0], atol=1e-12)
    np.testing.assert_allclose(completeness_of(R, np.array([1, 1])), [0.5, 0], atol=1e-12)
    np.testing.assert_allclose(completeness_of(R[:2], np.array([2, 1])), [1, 0], atol=1e-12)


def test_importance_of_a_periodic_factor_pools_its_sine_and_cosine():
    weights = np.array([[3.0, 4.0, -2.0]])
    np.testing.assert_allclose(importance(weights, np.array([0, 0, 1])), [[5, 2]])


def test_informativeness_is_the_test_r2_of_sklearns_lasso():
    rng = np.random.default_rng(4)
    labels = rng.uniform(0, 32, (400, 2))
    code = code_of(labels @ rng.normal(size=(2, 6)) + 9 * rng.normal(size=(400, 6)), labels)
    z, y = standardised(code.z, code.train), standardised(labels, code.train)
    best = [
        max(
            r2_score(
                y[code.test, k], Lasso(alpha=a).fit(z[code.train], y[code.train, k]).predict(z[code.test])
            )
            for a in np.logspace(-4, -0.5, 30)
        )
        for k in range(2)
    ]
    found = dci(code, **QUICK).informativeness
    np.testing.assert_allclose(list(found.detail.values()), best, atol=0.02)


def test_information_is_sklearns_plus_the_correction_of_miller_and_madow():
    rng = np.random.default_rng(5)
    a, b = rng.integers(6, size=(300, 2)), rng.integers(5, size=(300, 3))
    a[:, 0] = (b[:, 0] + (rng.uniform(size=300) < 0.2)) % 6
    I, H = mutual_information(a, b, 6)  # noqa: E741
    for j in range(2):
        for k in range(3):
            occupied = [len(np.unique(x)) for x in (a[:, j], b[:, k], 6 * a[:, j] + b[:, k])]
            correction = (occupied[0] + occupied[1] - occupied[2] - 1) / 600
            assert I[j, k] == pytest.approx(mutual_info_score(a[:, j], b[:, k]) + correction, abs=1e-12)
    assert H[1] == pytest.approx(scipy_entropy(np.bincount(b[:, 1])) + 4 / 600)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_information_of_gaussians_is_the_analytic_one_of_their_bins(rho):
    bins, n = 10, 2000
    edges = np.concatenate([[-9], norm.ppf(np.arange(1, bins) / bins), [9]])
    together = multivariate_normal([0, 0], [[1, rho], [rho, 1]])
    below = together.cdf(np.stack(np.meshgrid(edges, edges), axis=-1))
    share = np.maximum(np.diff(np.diff(below, axis=0), axis=1), 1e-300)
    expected = (share * np.log(share * bins**2)).sum()
    assert expected <= -0.5 * np.log(1 - rho**2) + 1e-6  # bins lose some
    rng = np.random.default_rng(6)
    found = []
    for _ in range(20):
        x = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n)
        binned = equal_bins(ranks(x), bins)
        found.append(mutual_information(binned[:, :1], binned[:, 1:], bins)[0][0, 0])
    assert np.mean(found) == pytest.approx(expected, abs=0.012)


def test_influences_are_the_derivatives_of_plug_in_information_by_each_rows_weight():
    rng = np.random.default_rng(7)
    t = 80
    b = rng.integers(4, size=(t, 1))
    a = (b + rng.integers(2, size=(t, 1))) % 4

    def plug_in(weights):
        p = np.zeros((4, 4))
        np.add.at(p, (a[:, 0], b[:, 0]), weights / weights.sum())
        return (
            scipy_entropy(p.sum(axis=1)) + scipy_entropy(p.sum(axis=0)) - scipy_entropy(p.ravel()),
            scipy_entropy(p.sum(axis=0)),
        )

    of_I, of_H = influences(a, b, 4)
    even, step = np.full(t, 1 / t), 1e-6
    for i in (0, 17, 41):
        moved = plug_in((1 - step) * even + step * np.eye(t)[i])
        slope = (np.array(moved) - plug_in(even)) / step
        np.testing.assert_allclose([of_I[i, 0, 0], of_H[i, 0]], slope, atol=1e-4)


def test_bins_hold_like_counts_and_never_part_equal_values():
    rng = np.random.default_rng(8)
    x = np.column_stack([rng.exponential(size=1000), rng.integers(32, size=1000), rng.integers(3, size=1000)])
    which = equal_bins(ranks(x), 10)
    assert (np.bincount(which[:, 0]) == 100).all()
    for value in range(32):
        assert len(set(which[x[:, 1] == value, 1])) == 1
    np.testing.assert_array_equal(which[:, 2], x[:, 2])


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 0.9), st.sampled_from([1, -1]))
def test_a_circle_that_follows_a_factor_once_round_tells_all_of_its_bins(seed, phase, unevenness, way):
    turns = np.random.default_rng(seed).uniform(size=300)
    around = way * (turns + unevenness * np.sin(2 * np.pi * turns) / (2 * np.pi)) + phase
    factor = ranks(turns[:, None])
    follower = aligned(ranks((around % 1)[:, None]), factor[:, 0])
    I, H = mutual_information(equal_bins(follower, 10), equal_bins(factor, 10), 10)  # noqa: E741
    assert I[0, 0] == pytest.approx(H[0], abs=1e-9)


def test_sap_is_the_gap_of_sklearns_single_regressions():
    rng = np.random.default_rng(9)
    labels = rng.uniform(0, 32, (600, 2))
    code = code_of(labels @ [[1, 0.2, 0.6], [0.3, 1, 0.1]] + 3 * rng.normal(size=(600, 3)), labels)
    gaps = []
    for k in range(2):

        def reads(column, k=k):
            model = LinearRegression().fit(column[code.train, None], labels[code.train, k])
            return max(model.score(column[code.test, None], labels[code.test, k]), 0)

        first, second = sorted((reads(column) for column in code.z.T), reverse=True)[:2]
        rival = reads(labels[:, 1 - k])
        gaps.append((first - max(second, rival)) / (1 - rival))
    np.testing.assert_allclose(list(sap(code, **QUICK).detail.values()), gaps, atol=1e-9)


@pytest.mark.parametrize("features", [12, 300])
def test_a_reduction_is_fitted_to_training_rows_only(features):
    rng = np.random.default_rng(12)
    x = rng.normal(size=(200, 6)) * [9, 7, 5, 3, 2, 1] @ rng.normal(size=(6, features))
    x += 0.01 * rng.normal(size=x.shape)
    train = np.arange(150)
    before = reduce(x, train, "ica", 4)[0]
    x[150:] += rng.normal(size=(50, features)) * 100
    np.testing.assert_allclose(reduce(x, train, "ica", 4)[0][train], before[train], atol=1e-6)


def test_ica_finds_the_sources_of_a_linear_map():
    rng = np.random.default_rng(14)
    sources = rng.uniform(-1, 1, (2000, 3)) * [3, 2, 1]
    ours = reduce(sources @ np.linalg.qr(rng.normal(size=(3, 3)))[0], np.arange(2000), "ica", 3)[0]
    np.testing.assert_allclose(np.abs(np.corrcoef(ours.T, sources.T)[:3, 3:]).max(axis=1), 1, atol=0.01)


def test_random_rows_are_a_quarter_and_information_counts_all():
    labels = np.random.default_rng(16).uniform(0, 32, (400, 2))
    code = code_of(labels, labels)
    assert (len(code.test), len(code.train)) == (100, 300)
    assert mig(code, **QUICK).n == 400
    assert sap(code, **QUICK).n == 100


def test_an_interval_stays_in_range_and_holds_its_value():
    score = scored("any", 0.95, np.array([0.7, 0.75, 0.8]), 9, {})
    assert (score.low, score.high) == (0.95, 1)
    score = scored("any", -2.0, np.array([-3.0, -1.0]), 9, {}, least=-np.inf)
    assert (score.low, score.high) == pytest.approx((-2.95, -1.05))
