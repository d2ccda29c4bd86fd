import numpy as np
import pytest

from helpers.clouds import embed
from phasescope import Factors
from phasescope.measures import clifford_torus, two_nn
from phasescope.measures.latents.two_nn import gaussian_like

TURN = 2 * np.pi


def flat_torus(rng, n, d):
    angle = rng.uniform(0, TURN, (n, d))
    names = [f"angle{k}" for k in range(d)]
    return clifford_torus(angle, Factors.named(names, [TURN] * d, names))


@pytest.mark.parametrize(("d", "tolerance"), [(1, 0.1), (2, 0.1), (4, 0.12)])
def test_a_flat_torus_has_as_many_dimensions_as_circles_whatever_space_it_lies_in(d, tolerance):
    torus = flat_torus(np.random.default_rng(d), 800, d)
    score = two_nn(embed(torus, 30))
    assert score.value == pytest.approx(d, rel=tolerance)
    assert score.value == pytest.approx(two_nn(torus).value, rel=1e-6)
    assert score.low < score.value < score.high
    # A Gaussian cloud of that covariance has its 2 d linear dimensions, less its edges.
    assert score.baselines["gaussian"] > 1.3 * score.value


@pytest.mark.slow
@pytest.mark.parametrize("d", [1, 2])
def test_intervals_cover_the_dimension_of_flat_manifolds(d):
    rng = np.random.default_rng(10 + d)
    scores = [two_nn(flat_torus(rng, 300, d), resamples=100, seed=i) for i in range(100)]
    # 90 to 98 % of 100 cases, and two standard deviations of a count.
    assert 86 <= sum(score.low <= d <= score.high for score in scores) <= 100
    # They are not wide for nothing: a jackknife of neighbours has 1.8 times this width.
    spread = np.std([score.value for score in scores])
    width = np.mean([score.high - score.low for score in scores]) / (2 * 1.96)
    assert 0.75 * spread < width < 1.35 * spread


def test_neither_independent_rows_nor_a_jackknife_have_the_variance_of_neighbours():
    rng = np.random.default_rng(13)
    means, independent, jackknife = [], [], []
    for _ in range(150):
        x = flat_torus(rng, 60, 1)
        squared = ((x[:, None] - x) ** 2).sum(axis=2)
        np.fill_diagonal(squared, np.inf)
        nearest = np.sort(squared, axis=1)[:, :2]
        t = np.log(nearest[:, 1] / nearest[:, 0]) / 2
        without = []
        for left_out in range(60):
            rest = np.delete(np.delete(squared, left_out, axis=0), left_out, axis=1)
            two = np.partition(rest, 1, axis=1)[:, :2]
            without.append((np.log(two[:, 1] / two[:, 0]) / 2).mean())
        means.append(t.mean())
        independent.append(t.var() / 60)
        jackknife.append(59 * np.var(without))
    assert np.mean(independent) < 0.85 * np.var(means)
    assert np.mean(jackknife) > 2.2 * np.var(means)


def test_the_manifold_is_seen_where_noise_is_small_and_the_noise_where_it_is_not():
    rng = np.random.default_rng(1)
    torus = embed(flat_torus(rng, 600, 2), 30)
    noise = rng.normal(size=torus.shape)
    values = [two_nn(torus + loudness * noise).value for loudness in (0, 0.003, 0.3)]
    assert values[0] == pytest.approx(2, rel=0.1)
    assert values[0] < values[1] < 2.5
    assert values[2] > 8


def test_a_lattice_is_refused_and_one_that_is_little_shaken_reads_too_high():
    steps = np.stack(np.meshgrid(np.arange(24), np.arange(24)), -1).reshape(-1, 2)
    for lattice in (steps.astype(float), (0.1 * steps).astype(np.float32).astype(float), steps * [0.1, 1.0]):
        with pytest.raises(ValueError, match=r"must not lie on a lattice"):
            two_nn(lattice)
    rng = np.random.default_rng(2)
    shaken = [two_nn(steps + shift * rng.uniform(-0.5, 0.5, steps.shape)).value for shift in (0.01, 0.1, 1)]
    assert shaken[0] > 50
    assert shaken[0] > shaken[1] > shaken[2]
    assert shaken[1] > 4
    # Shaken over whole cells, a lattice is still more even than chance.
    assert 2 < shaken[2] < 3
    curved = np.stack([steps[:, 0], steps[:, 1], 0.02 * (steps**2).sum(axis=1)], axis=1)
    assert two_nn(curved).value > 4


def test_duplicates_are_refused():
    x = np.random.default_rng(3).normal(size=(40, 3))
    with pytest.raises(ValueError, match=r"`latents` \(2 of 41 rows have an equal\) must differ"):
        two_nn(np.vstack([x, x[:1]]))


def test_the_share_of_ties_is_told():
    x = np.random.default_rng(4).normal(size=(100, 2))
    corners = 1000 + np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    score = two_nn(np.vstack([x, corners]))
    assert score.detail["ties"] == pytest.approx(4 / 104)


def test_the_value_is_the_inverse_of_the_mean_log_ratio():
    x = np.random.default_rng(5).normal(size=(30, 3))
    distances = np.sort(np.linalg.norm(x[:, None] - x, axis=2), axis=1)[:, 1:]
    assert two_nn(x).value == pytest.approx(1 / np.mean(np.log(distances[:, 1] / distances[:, 0])))


def test_agrees_with_scikit_dimension():
    from skdim.id import TwoNN

    rng = np.random.default_rng(6)
    for x in (flat_torus(rng, 200, 2), rng.normal(size=(200, 40))):
        # It fits a line to the distribution without the largest tenth, where ours is the maximum likelihood.
        assert two_nn(x).value == pytest.approx(TwoNN().fit_transform(x), rel=0.1)


def test_the_gaussian_null_has_the_latents_covariance():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(4000, 2)) @ np.array([[2.0, 1.0], [0.0, 0.5]]) + 10
    np.testing.assert_allclose(np.cov(gaussian_like(x, rng).T), np.cov(x.T), atol=0.3)
