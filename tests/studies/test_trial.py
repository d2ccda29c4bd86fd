"""The trial of P1: the peak of misplaced bumps, and which of two worlds it is likelier in."""

import numpy as np
import pytest

from studies.trial import readings

TRIALS = 400


def studies(mean: float, runs: int = 8, spread: float = 0.12) -> np.ndarray:
    """Return the peaks of simulated studies, (TRIALS, runs)."""
    rng = np.random.default_rng(5)
    return np.array([readings.simulated_peaks(runs, mean, spread, rng) for _ in range(TRIALS)])


@pytest.mark.parametrize(("mean", "sign"), [(readings.P1_LEAST, 1), (readings.OTHER_MOST, -1)])
def test_each_world_is_recovered_in_most_simulated_studies(mean, sign):
    """At its own edge, and by three times the likelihood: where a world is hardest to tell from the other."""
    ratios = np.array([readings.ratio_of_worlds(peaks) for peaks in studies(mean)])
    assert (sign * ratios > np.log10(3)).mean() >= 0.8
    assert (sign * ratios < -np.log10(3)).mean() <= 0.05


def test_peaks_are_little_too_small():
    """Half of the samples choose a neighbour now and then."""
    assert 0 <= 0.6 - studies(0.6).mean() < 0.03


def test_a_mean_between_the_worlds_is_seldom_said_to_be_in_one():
    ratios = np.array([readings.ratio_of_worlds(peaks) for peaks in studies(0.5)])
    assert abs(np.median(ratios)) < np.log10(3)


def test_a_world_allows_every_mean_beyond_its_edge():
    peaks = np.array([0.88, 0.9, 0.92, 0.94])
    assert readings.ratio_of_worlds(peaks) > readings.ratio_of_worlds(peaks - 0.3) > 0
    assert readings.ratio_of_worlds(1 - peaks) == pytest.approx(-readings.ratio_of_worlds(peaks))


def test_the_largest_of_noisy_shares_is_too_large_and_the_cross_fitted_one_is_not():
    rng = np.random.default_rng(3)
    halves = rng.binomial(64, 0.5, size=(2, 2_000, 30)) / 64  # 30 snapshots whose true share is one half
    largest = halves.mean(axis=0).max(axis=1).mean()
    fitted = np.mean([readings.cross_fitted(first, second) for first, second in zip(*halves, strict=True)])
    assert largest > 0.55
    assert fitted == pytest.approx(0.5, abs=0.01)


def test_unread_snapshots_are_left_out_of_the_peak():
    nan = np.nan
    assert readings.cross_fitted(np.array([nan, 0.4, 0.6]), np.array([nan, 0.5, 0.7])) == pytest.approx(0.65)


def test_the_peak_is_that_of_three_neighbours_and_never_the_untrained_network():
    shares = np.array([0.9, 0.0, 0.1, 0.8, 0.1, 0.5, 0.6, 0.5, 0.0])
    assert readings.around_peak(shares) == [5, 6, 7]
    assert readings.around_peak(np.array([0.9, 0.3, 0.2, 0.1])) == [1, 2, 3]


def courses(gradual: bool) -> np.ndarray:
    """Return shares of the outcomes in eight runs, (8, 31, 4), that change at steps of each run's own."""
    rng = np.random.default_rng(2)
    shares = np.array([[0.5, 0.4, 0.1, 0.0], [0.05, 0.15, 0.75, 0.05], [0.0, 0.05, 0.1, 0.85]])
    log_steps = np.log(np.arange(1, 31))[None, :, None] + rng.normal(0, 0.15, (8, 1, 1))
    width = 0.5 if gradual else 1e-6
    later = 1 / (1 + np.exp(-np.clip((log_steps - np.log([6, 18])) / width, -500, 500)))  # (8, 30, 2)
    weights = np.stack([1 - later[..., 0], later[..., 0] * (1 - later[..., 1]), later.prod(axis=2)], axis=2)
    weights /= weights.sum(axis=2, keepdims=True)
    counts = rng.multinomial(readings.SAMPLES, weights @ shares)
    return np.concatenate([np.full((8, 1, 4), 0.25), counts / readings.SAMPLES], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize("gradual", [False, True])
def test_three_abrupt_phases_predict_better_than_a_gradual_change_only_where_there_are_three(gradual):
    held = courses(gradual)
    columns = {f"peak.stored.{name}": list(held[..., place]) for place, name in enumerate(readings.OBJECTS)}

    class Recorded:
        def courses(self, column: str) -> list[np.ndarray]:
            return columns.get(column, [np.arange(31.0)] * 8)

    beyond = readings.three_phases(Recorded())
    assert (beyond.mean() < 0) == gradual
    assert abs(beyond.mean()) > 2 * beyond.std(ddof=1) / np.sqrt(8)
