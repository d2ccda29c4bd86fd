import numpy as np
import pytest
from scipy.stats import ortho_group

from docs.figures.coverage import Bumps, Cloud, Torus, dimension_coverage, slope
from phasescope.measures import participation_ratio
from phasescope.measures.latents.participation_ratio import influences, inverse_ratio


@pytest.mark.parametrize("d", [1, 2, 5, 40])
def test_an_isotropic_cloud_has_its_own_dimension(d):
    rng = np.random.default_rng(d)
    latents = rng.normal(size=(512, d)) @ ortho_group.rvs(64, random_state=0)[:d]
    score = participation_ratio(latents)
    assert score.value == pytest.approx(d, rel=0.03)
    assert score.low <= d * 1.0001
    assert score.high >= d * 0.98


def test_a_clifford_torus_on_a_lattice_has_dimension_four_and_a_sheet_two():
    steps = np.stack(np.meshgrid(np.arange(24), np.arange(24)), -1).reshape(-1, 2)
    angle = 2 * np.pi * steps / 24
    torus = np.hstack([np.sin(angle), np.cos(angle)])
    assert participation_ratio(torus).detail["uncorrected"] == pytest.approx(4)
    assert participation_ratio(steps.astype(float)).detail["uncorrected"] == pytest.approx(2)


def test_pixels_of_periodic_bumps_have_the_dimension_that_theory_gives():
    # Their covariance has eigenvalues exp(-sigma^2 k^2) at the canvas' frequencies k: PR = N^2 / (2 pi sigma^2).
    rng = np.random.default_rng(0)
    N, sigma = 32, 1.0
    x, y = rng.uniform(0, N, (2, 600, 1, 1))
    column, row = np.arange(1, N + 1), np.arange(1, N + 1)[:, None]
    squared = sum((np.abs(c - at + N / 2) % N - N / 2) ** 2 for c, at in ((column, x), (row, y)))
    score = participation_ratio(np.exp(-squared / (2 * sigma**2)).reshape(600, -1))
    expected = N**2 / (2 * np.pi * sigma**2)
    assert score.value == pytest.approx(expected, rel=0.05)
    assert score.low < expected < score.high
    assert score.detail["uncorrected"] == pytest.approx(1 / (1 / expected + 1 / 600), rel=0.05)


def test_traces_are_unbiased_whatever_the_distribution():
    # Of skewed rows with a known covariance: 1/PR's parts, as Himeno & Yamada have them, against the truth.
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(4, 4))
    C = mixing.T @ mixing
    ratios = []
    for _ in range(3000):
        x = (rng.exponential(size=(12, 4)) - 1) @ mixing
        x = x - x.mean(axis=0)
        ratios.append(inverse_ratio(x @ x.T))
    plain = np.sum(C**2) / np.trace(C) ** 2
    # Each trace is unbiased; their ratio is so to first order, where the plain one would be 1 / 12 too large.
    assert np.mean(ratios) == pytest.approx(plain, abs=0.02)


@pytest.mark.slow
def test_a_rows_influence_is_how_its_weight_moves_the_logarithm():
    rng = np.random.default_rng(2)
    x = rng.exponential(size=(400, 5)) * np.array([3.0, 2, 1, 1, 0.5])

    def log_inverse(rows):
        x_ = rows - rows.mean(axis=0)
        return np.log(inverse_ratio(x_ @ x_.T))

    centred = x - x.mean(axis=0)
    found = influences(centred @ centred.T)
    jackknife = np.array([log_inverse(np.delete(x, i, axis=0)) for i in range(400)])
    jackknife = jackknife.mean() - jackknife
    assert np.corrcoef(found, jackknife)[0, 1] > 0.99
    # Shorter by what pairs of rows count twice.
    assert 0.85 < np.linalg.norm(found) / np.linalg.norm(jackknife) < 1


@pytest.mark.some(1)
@pytest.mark.parametrize(
    "cloud",
    [
        Cloud("variances 1/i^2", 200, slope(60, 2.0)),
        Cloud("variances 1/i", 200, slope(60, 1.0)),
        Torus(200, 100, 0.1),
        Bumps(200, 16, 1.0),
    ],
    ids=lambda cloud: cloud.name,
)
def test_of_200_intervals_90_to_98_percent_hold_the_true_dimension(cloud):
    assert 180 <= dimension_coverage(cloud).held <= 196


@pytest.mark.some(1)
@pytest.mark.parametrize(
    "cloud",
    [
        Cloud("20 alike of 40", 200, np.repeat([1.0, 0.0], 20)),
        Cloud("200 alike", 100, np.ones(200)),
        Torus(200, 64, 0.0),
    ],
    ids=lambda cloud: cloud.name,
)
def test_where_all_directions_are_alike_intervals_are_rather_too_wide(cloud):
    coverage = dimension_coverage(cloud)
    assert coverage.held >= 180
    assert coverage.width < 0.1 * cloud.truth
