from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from phasescope.factors import Factors
from phasescope.measures import p1_order
from phasescope.measures.latents.umap_order import linear_fit

N = 250


@pytest.fixture(scope="module")
def labels():
    return np.random.default_rng(0).uniform(0, 32, (N, 2))


@pytest.fixture(scope="module")
def sheet(labels):
    rng = np.random.default_rng(1)
    return labels @ rng.normal(size=(2, 40)) + rng.normal(size=(N, 40))


@pytest.fixture(scope="module")
def of_sheet(sheet, labels):
    return p1_order(sheet, labels, seeds=(0, 1, 2))


def test_a_flat_sheet_is_ordered(of_sheet):
    score, embedding = of_sheet
    assert embedding.shape == (N, 3)
    assert embedding.dtype == np.float32
    assert score.value > 0.85
    assert score.low > 0.8
    assert score.detail["lowest_seed"] <= score.value <= score.detail["highest_seed"]
    assert score.value <= min(score.detail["label1"], score.detail["label2"]) + 1e-12


def test_the_score_is_the_r2_of_a_linear_regression_on_the_embedding(sheet, labels):
    score, embedding = p1_order(sheet, labels, seeds=(2,))
    r2 = [LinearRegression().fit(embedding, label).score(embedding, label) for label in labels.T]
    assert score.value == pytest.approx(min(r2), abs=1e-6)
    assert [score.detail["label1"], score.detail["label2"]] == pytest.approx(r2, abs=1e-6)


def test_the_first_seed_gives_the_same_embedding_again_and_another_seed_another(sheet, labels, of_sheet):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = p1_order(sheet, labels, seeds=(0,))[1]
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    np.testing.assert_array_equal(again, of_sheet[1])
    assert not np.array_equal(p1_order(sheet, labels, seeds=(1,))[1], again)


def test_noise_is_not_ordered(labels):
    score, _ = p1_order(np.random.default_rng(2).normal(size=(N, 40)), labels, epochs=100)
    # Three regressors and a constant explain 3 / (n - 1) of what is independent of them.
    assert score.value < 5 * 3 / (N - 1)
    assert 0 < score.nulls["permuted"] < 5 * 3 / (N - 1)


def test_a_circle_is_read_through_sine_and_cosine():
    label = np.random.default_rng(3).uniform(0, 32, (N, 1))
    angle = 2 * np.pi * label / 32
    circle = np.hstack([np.sin(angle), np.cos(angle)])
    periodic, _ = p1_order(circle, label, factors=Factors.named(("x",), (32.0,), ("x",)), epochs=200)
    assert periodic.value > 0.9
    assert p1_order(circle, label, epochs=200)[0].value < periodic.low


def test_clusters_without_a_path_between_them_and_repeated_rows_are_read_without_warnings(labels):
    rng = np.random.default_rng(4)
    clusters = np.repeat(1e6 * rng.normal(size=(5, 8)), N // 5, axis=0)
    for spread in (0, 1):
        score, embedding = p1_order(clusters + spread * rng.normal(size=(N, 8)), labels, epochs=50)
        assert np.isfinite(embedding).all()
        assert score.value < 0.2


def test_linear_fit_is_least_squares():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(50, 3)) + 100, rng.normal(size=(50, 4))
    np.testing.assert_allclose(linear_fit(x, y), LinearRegression().fit(x, y).predict(x), atol=1e-9)
