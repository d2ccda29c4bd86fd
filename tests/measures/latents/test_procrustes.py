from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from scipy.stats import ortho_group
from sklearn.linear_model import LinearRegression

from phasescope.factors import Factors
from phasescope.measures.checks import check_labels
from phasescope.measures.latents.ideal import embed
from phasescope.measures.latents.procrustes import KINDS, ideal_embedding, procrustes_error

PERIODIC = {"factors": Factors.named(("x", "y"), (32.0, 32.0), ("x", "y"))}


def labels_of(rng, n=150):
    return rng.uniform(0, 32, (n, 2))


@pytest.mark.parametrize("features", [1, 2, 7])
def test_the_similar_error_is_scipys_disparity(features):
    rng = np.random.default_rng(features)
    labels = labels_of(rng)
    latents = labels @ rng.normal(size=(2, features)) + 10 * rng.normal(size=(150, features))
    width = max(2, features)
    padded = [np.pad(z, ((0, 0), (0, width - z.shape[1]))) for z in (labels, latents)]
    assert procrustes_error(latents, labels).value == pytest.approx(procrustes(*padded)[2])


def test_the_affine_error_is_what_a_linear_regression_on_the_labels_leaves():
    rng = np.random.default_rng(0)
    labels = labels_of(rng)
    latents = labels @ rng.normal(size=(2, 9)) + 10 * rng.normal(size=(150, 9))
    left = ((latents - LinearRegression().fit(labels, latents).predict(labels)) ** 2).sum()
    expected = left / ((latents - latents.mean(axis=0)) ** 2).sum()
    assert procrustes_error(latents, labels, "affine").value == pytest.approx(expected)


def test_each_kind_forgives_its_maps_and_no_others():
    rng = np.random.default_rng(1)
    labels = labels_of(rng)
    sheet = embed(labels, 20) + 5
    stretched = embed(labels * [3.0, 1.0], 20)
    errors = {
        name: [procrustes_error(z, labels, kind).value for kind in KINDS]
        for name, z in {"turned": sheet, "scaled": 2 * sheet, "stretched": stretched}.items()
    }
    assert errors["turned"] == pytest.approx([0, 0, 0], abs=1e-12)
    assert errors["scaled"][0] == pytest.approx(
        1 / 4
    )  # of 2 Y, Y leaves half the length, a quarter of its square
    assert errors["scaled"][1:] == pytest.approx([0, 0], abs=1e-12)
    assert errors["stretched"][2] == pytest.approx(0, abs=1e-12)
    # Of a centred, uncorrelated pair of equal variances, 1 - (3 + 1)^2 / ((1 + 1) (9 + 1)) is left.
    assert errors["stretched"][1] == pytest.approx(1 - 16 / 20, abs=0.03)


def test_affine_hides_a_stretch_and_tells_it_in_detail():
    rng = np.random.default_rng(2)
    labels = labels_of(rng)
    score = procrustes_error(embed(labels * [5.0, 1.0], 8), labels, "affine")
    assert score.value < 1e-12
    assert score.detail["stretch"] == pytest.approx(5)
    assert procrustes_error(embed(labels * [5.0, 1.0], 8), labels).detail["stretch"] == 1
    assert procrustes_error(labels[:, :1] @ np.ones((1, 3)), labels, "affine").detail["stretch"] > 1e6


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_a_larger_kind_of_map_leaves_no_more(seed):
    rng = np.random.default_rng(seed)
    labels = rng.uniform(0, 2, (30, 2))
    latents = labels @ rng.normal(size=(2, 5)) + rng.uniform(0, 2) * rng.normal(size=(30, 5))
    rigid, similar, affine = (procrustes_error(latents, labels, kind).value for kind in KINDS)
    assert 0 <= affine <= similar + 1e-12 <= rigid + 2e-12 <= 1 + 2e-12


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_rotation_and_shift_change_nothing_and_scaling_only_the_rigid_error(seed, scale, shift):
    rng = np.random.default_rng(seed)
    labels = labels_of(rng, 40)
    latents = labels @ rng.normal(size=(2, 5)) / 3 + rng.normal(size=(40, 5))
    turned = latents @ ortho_group.rvs(5, random_state=seed) + shift
    for kind in KINDS:
        expected = procrustes_error(latents, labels, kind).value
        assert procrustes_error(turned, labels, kind).value == pytest.approx(expected, abs=1e-9)
    for kind in ("similarity", "affine"):
        expected = procrustes_error(latents, labels, kind).value
        assert procrustes_error(scale * latents, labels, kind).value == pytest.approx(expected, abs=1e-9)


def test_a_periodic_factor_is_a_circle_passed_at_the_speed_of_a_line():
    labels = np.column_stack([np.linspace(0, 31.9, 400), np.linspace(0, 10, 400)])
    ideal = ideal_embedding(check_labels(labels, 400, Factors.named(("x", "y"), (32.0, 20.0), ("x",))))
    assert ideal.shape == (400, 3)
    around = np.linalg.norm(np.diff(ideal[:, :2], axis=0), axis=1).sum()
    assert around == pytest.approx(31.9 / 32, rel=1e-4)
    assert np.ptp(ideal[:, 2]) == pytest.approx(0.5)


def test_a_clifford_torus_is_its_labels_embedding_and_a_sheet_is_not():
    rng = np.random.default_rng(3)
    labels = labels_of(rng, 300)
    angle = 2 * np.pi * labels / 32
    torus = embed(7 * np.hstack([np.sin(angle), np.cos(angle)]), 12)
    assert procrustes_error(torus, labels, **PERIODIC).value == pytest.approx(0, abs=1e-9)
    assert procrustes_error(torus, labels).low > 0.5
    assert procrustes_error(labels, labels, **PERIODIC).low > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_noise_leaves_all_and_is_seldom_below_its_permuted_null(kind):
    rng = np.random.default_rng(4)
    scores = [
        procrustes_error(rng.normal(size=(80, 5)), rng.uniform(0, 1, (80, 2)), kind, seed=i, resamples=2)
        for i in range(60)
    ]
    assert np.mean([score.value for score in scores]) > 0.9
    assert sum(score.value < score.nulls["permuted"] for score in scores) <= 9


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_covers_the_mean_over_data_sets(kind):
    rng = np.random.default_rng(5)
    code, scores = ortho_group.rvs(9, random_state=0)[:2] * [[1.0], [1.5]], []
    for i in range(100):
        labels = rng.uniform(0, 1, (100, 2))
        latents = labels @ code + 0.1 * rng.normal(size=(100, 9))
        scores.append(procrustes_error(latents, labels, kind, seed=i, permutations=1))
    truth = np.mean([score.value for score in scores])
    assert 86 <= sum(score.low <= truth <= score.high for score in scores) <= 99


def test_bad_input_is_refused_with_its_name_value_and_rule():
    rng = np.random.default_rng(6)
    latents, labels = rng.normal(size=(40, 3)), rng.uniform(size=(40, 2))
    nan = latents.copy()
    nan[3, 1] = np.nan
    for message, arrays in (
        (r"`latents` \(1 of 120 not finite\) must be finite", (nan, labels)),
        ("each feature is constant", (np.ones((40, 3)), labels)),
        (r"`labels` \(shape \(39, 2\)\) must be \(n, K\) with n=40", (latents, labels[1:])),
        (r"`labels` \(shape \(40, 0\)\)", (latents, labels[:, :0])),
        (r"`latents` \(n=4\) must have at least 5 rows", (latents[:4], rng.uniform(size=(4, 3)))),
    ):
        with pytest.raises(ValueError, match=message):
            procrustes_error(*arrays)
    with pytest.raises(ValueError, match=r"`kind` \(='shear'\) must be one of rigid, similarity, affine"):
        procrustes_error(latents, labels, "shear")
    with pytest.raises(ValueError, match=r"`factors` \(=x\) must be as many as `labels` have: 2"):
        procrustes_error(latents, labels, factors=Factors.named(("x",)))
    with pytest.raises(ValueError, match=r"`permutations` \(=0\)"):
        procrustes_error(latents, labels, permutations=0)
