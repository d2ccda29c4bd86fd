"""The trial of P1: the peak of misplaced bumps, and which of two worlds it is likelier in."""

import numpy as np
import pandas as pd
import pytest

from studies.designs.sequences import has_sequence, mean_while, passes
from studies.trial import readings, worlds


@pytest.mark.parametrize("spread", worlds.SPREADS)
@pytest.mark.parametrize(("mean", "world"), [(readings.P1_LEAST, 0), (readings.OTHER_MOST, 1)])
def test_each_world_of_peaks_is_told_in_most_simulated_trials(mean, world, spread, monkeypatch):
    """At its own edge, where a world is hardest to tell from the other, with eight runs."""
    monkeypatch.setattr(worlds, "TRIALS", 400)
    told = worlds.peaks_tell(mean, 8, spread)
    assert told[world] >= 0.8
    assert told[1 - world] <= 0.05


@pytest.mark.parametrize(("share", "world"), [(0.75, 0), (0.25, 1)])
def test_each_world_of_sequences_is_told_by_sixteen_runs(share, world):
    told = worlds.sequences_tell(share, 16)
    assert told[world] >= 0.8
    assert told[1 - world] <= 0.05


def test_peaks_are_little_too_small():
    """Another snapshot than the peak is chosen now and then."""
    assert 0 <= worlds.bias(0.6, 0.11) < 0.02


@pytest.mark.parametrize(
    ("letters", "is_passed"),
    [
        ("AABBCC", True),
        ("ABBACC", True),
        ("AABB-CC", True),
        ("ABBCBCC", True),
        ("AABCC", False),
        ("AABBC", False),
        ("BBBCC", False),
        ("-ABBCC", False),
        ("ACCBB", False),
        ("AB-BCC", False),
        ("AAAA", False),
        ("", False),
    ],
)
def test_a_sequence_begins_with_a_and_has_two_b_before_two_c(letters, is_passed):
    assert passes(np.array(list(letters))) is is_passed


class Letters:
    """Records of one run: letters at every snapshot, 100 steps apart, and half of the samples correct from a place on."""

    def __init__(self, letters: str, accurate: int):
        self.letters, self.steps = list(letters), 100.0 * np.arange(len(letters))
        self.correct = (np.arange(len(letters)) >= accurate).astype(float)

    def texts(self, _column: str) -> list[list[str]]:
        return [self.letters]

    def courses(self, column: str) -> list[np.ndarray]:
        return [self.steps if column == "step" else self.correct]

    def onsets(self, holds: list[np.ndarray]) -> pd.DataFrame:
        step = float(self.steps[np.flatnonzero(holds[0])[0]])
        return pd.DataFrame({"came": [True], "y": [step], "last": [self.steps[-1]]})


@pytest.mark.parametrize(("accurate", "before"), [(5, True), (4, False)])
def test_a_sequence_before_accuracy_ends_by_the_snapshot_at_which_half_are_correct(accurate, before):
    runs = Letters("ABBCCCC", accurate - 1)
    assert has_sequence("phase", until_accuracy=False)(runs) == [1.0]
    assert has_sequence("phase", until_accuracy=True)(runs) == [float(before)]


def test_what_is_read_during_b_is_averaged_over_its_snapshots_alone():
    runs = Letters("ABBC", 1)
    assert mean_while("phase", "B", "order")(runs) == [1.0]
    assert np.isnan(mean_while("phase", "undecided", "order")(runs)).all()


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


def test_the_peak_is_searched_over_phase_b_and_never_in_the_untrained_network():
    rising, falling = np.linspace(0.0, 0.8, 12), np.linspace(0.7, 0.0, 18)
    shares = np.concatenate([[0.9], rising, falling])
    places = readings.over_phase_b(shares)
    assert (len(places), int(np.argmax(shares[1:]) + 1) in places) == (readings.SEARCHED, True)
    averaged = np.convolve(shares, np.ones(3) / 3, mode="same")
    assert min(averaged[places]) >= averaged[1:].max() / 2

    assert readings.over_phase_b(np.array([0.9, 0.3, 0.2, 0.1])) == [2]


def test_the_peak_is_chosen_by_both_samplers():
    assert readings.chosen(np.array([0.5, 0.6, 0.2]), np.array([0.7, 0.5, 0.9])) == 0


def test_the_peak_is_read_from_the_one_snapshot_that_has_fresh_samples():
    class Recorded:
        def courses(self, _column: str) -> list[np.ndarray]:
            return [np.array([np.nan, 0.7, np.nan]), np.array([0.4, np.nan, np.nan])]

    assert readings.peak_misplaced(Recorded()).tolist() == [0.7, 0.4]


def test_sequences_of_half_of_the_runs_tell_nothing():
    assert readings.ratio_of_sequences(4, 8) == pytest.approx(0)
    assert readings.ratio_of_sequences(8, 8) == pytest.approx(8 * np.log10(1 / 0.4))
    assert readings.ratio_of_sequences(0, 8) == pytest.approx(-readings.ratio_of_sequences(8, 8))


def courses(gradual: bool) -> np.ndarray:
    """Return shares of the outcomes in eight runs, (8, 31, 4), that change at steps of each run's own."""
    rng = np.random.default_rng(2)
    shares = np.array([[0.5, 0.4, 0.1, 0.0], [0.05, 0.15, 0.75, 0.05], [0.0, 0.05, 0.1, 0.85]])
    log_steps = np.log(np.arange(1, 31))[None, :, None] + rng.normal(0, 0.15, (8, 1, 1))
    width = 0.5 if gradual else 1e-6
    later = 1 / (1 + np.exp(-np.clip((log_steps - np.log([6, 18])) / width, -500, 500)))  # (8, 30, 2)
    weights = np.stack([1 - later[..., 0], later[..., 0] * (1 - later[..., 1]), later.prod(axis=2)], axis=2)
    weights /= weights.sum(axis=2, keepdims=True)
    counts = rng.multinomial(readings.STORED, weights @ shares)
    return np.concatenate([np.full((8, 1, 4), 0.25), counts / readings.STORED], axis=1)


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
