import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict

from phasescope import Factors
from phasescope.measures import p1_r2
from phasescope.measures.latents.p1_r2 import FOLDS, held_out, readings_by_one_seed, umap

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
    return p1_r2(sheet, labels, seeds=(0, 1, 2))


def test_a_flat_sheet_is_ordered(of_sheet):
    score, embedding = of_sheet
    assert embedding.shape == (N, 3)
    assert embedding.dtype == np.float32
    assert score.value > 0.8  # not nearer: embeddings differ from processor to processor
    assert score.low > 0.6 > score.baselines["permuted"]
    assert score.detail["lowest_seed"] <= score.value <= score.detail["highest_seed"]
    assert score.value <= min(score.detail["label1"], score.detail["label2"]) + 1e-12


def test_the_score_is_the_r2_of_linear_regressions_on_labels_that_they_were_not_fitted_to(sheet, labels):
    score, embedding = p1_r2(sheet, labels, seeds=(2,))
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    r2 = [
        r2_score(label, cross_val_predict(LinearRegression(), embedding, label, cv=folds))
        for label in labels.T
    ]
    # other folds than the score's own
    assert score.value == pytest.approx(min(r2), abs=0.01)
    assert [score.detail["label1"], score.detail["label2"]] == pytest.approx(r2, abs=0.01)


def test_the_first_seed_gives_the_same_embedding_again_and_another_seed_another(sheet, labels, of_sheet):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    again = p1_r2(sheet, labels, seeds=(0,))[1]
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    np.testing.assert_array_equal(again, of_sheet[1])
    assert not np.array_equal(p1_r2(sheet, labels, seeds=(1,))[1], again)


def test_of_noise_nothing_is_read(labels):
    score, _ = p1_r2(np.random.default_rng(2).normal(size=(N, 40)), labels, seeds=(0, 1, 2), epochs=100)
    # Rows of the fit would have 3 / (n - 1) explained that is independent of them; rows held out lose as much.
    assert -5 * 3 / (N - 1) < score.value < 0.01
    assert score.low < 0
    assert abs(score.baselines["permuted"]) < 5 * 3 / (N - 1)


def test_a_circle_is_read_through_sine_and_cosine():
    label = np.random.default_rng(3).uniform(0, 32, (N, 1))
    angle = 2 * np.pi * label / 32
    circle = np.hstack([np.sin(angle), np.cos(angle)])
    periodic, _ = p1_r2(circle, label, factors=Factors.named(("x",), (32.0,), ("x",)), epochs=200)
    assert periodic.value > 0.9
    assert p1_r2(circle, label, epochs=200)[0].value < periodic.low


def test_clusters_without_a_path_between_them_and_repeated_rows_are_read_without_warnings(labels):
    rng = np.random.default_rng(4)
    clusters = np.repeat(1e6 * rng.normal(size=(5, 8)), N // 5, axis=0)
    for spread in (0, 1):
        score, embedding = p1_r2(clusters + spread * rng.normal(size=(N, 8)), labels, epochs=50)
        assert np.isfinite(embedding).all()
        assert score.value < 0.2


def test_predictions_are_least_squares_of_the_other_folds():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(50, 3)) + 100, rng.normal(size=(50, 4))
    folds = np.array_split(rng.permutation(50), FOLDS)
    found = held_out(x, y, folds)
    for test in folds:
        train = np.setdiff1d(np.arange(50), test)
        np.testing.assert_allclose(
            found[test], LinearRegression().fit(x[train], y[train]).predict(x[test]), atol=1e-9
        )
    assert r2_score(y, found) < r2_score(y, LinearRegression().fit(x, y).predict(x))


def test_an_interval_holds_what_one_seed_reads():
    """Seeds lie sigma apart, labels move each by tau: the variance is sigma^2 + tau^2; of seeds that agree tau^2."""
    rng = np.random.default_rng(6)
    sigma, tau, seeds = 0.1, 0.03, 4
    found = []
    for _ in range(400):
        values = 0.5 + sigma * rng.normal(size=seeds)
        replicates = values[:, None] + tau * rng.normal(size=(seeds, 50))
        found.append(readings_by_one_seed(values, replicates))
    assert np.mean([one.var() for one in found]) == pytest.approx(sigma**2 + tau**2, rel=0.1)
    alike = readings_by_one_seed(np.full(3, 0.5), 0.5 + tau * rng.normal(size=(3, 2000)))
    assert alike.std() == pytest.approx(tau, rel=0.05)
    alone = readings_by_one_seed(np.array([0.5]), np.array([[0.45, 0.5]]))
    np.testing.assert_allclose(alone, [[0.55, 0.5]])


@pytest.mark.slow
def test_seeds_that_disagree_widen_the_interval(labels):
    """Two sheets side by side: UMAP lays them out in one way or another."""
    rng = np.random.default_rng(7)
    apart = np.where(labels[:, :1] > 16, 40.0, 0.0)
    z = np.hstack([labels, apart]) @ rng.normal(size=(3, 40)) + rng.normal(size=(N, 40))
    one, _ = p1_r2(z, labels, seeds=(0,))
    many, _ = p1_r2(z, labels, seeds=tuple(range(5)))
    assert many.high - many.low > one.high - one.low
    assert many.low < many.detail["lowest_seed"] + 0.05
    assert many.detail["highest_seed"] < many.high + 0.05


def test_umap_leaves_the_number_of_pytorchs_threads_as_it_is(monkeypatch):
    before = torch.get_num_threads()

    class StartsThreads:
        """As numba may, when it first starts its threads."""

        def __init__(self, **settings):
            pass

        def fit_transform(self, distances):
            torch.set_num_threads(before + 1)
            return distances[:, :3]

    monkeypatch.setattr("phasescope.measures.latents.p1_r2._umap_kept_on_disk", lambda: StartsThreads)
    umap(np.eye(8), 3, 1, 0)
    assert torch.get_num_threads() == before
