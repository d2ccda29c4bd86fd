"""Shares corrected for a reader's errors: known answers."""

import numpy as np
import pytest

from phasescope.core.randomness import numpy_generator
from phasescope.measures import corrected_shares

TRUTHS = ("none", "multiple", "misplaced", "correct")
SHARES = np.array([0.3, 0.1, 0.45, 0.15])
RATES = np.array(
    [
        [0.75, 0.02, 0.12, 0.01, 0.10],
        [0.05, 0.70, 0.15, 0.05, 0.05],
        [0.20, 0.05, 0.65, 0.02, 0.08],
        [0.15, 0.05, 0.05, 0.67, 0.08],
    ]
)
"""of a reader that misses bumps, and has a fifth answer"""


def calibration(rates: np.ndarray, units: int, rng: np.random.Generator, spread: float = 0.0) -> np.ndarray:
    """Counts (U, T, A) of a unit with 3 images a truth; units differ in their rates, by Dirichlet draws of `spread`."""
    own = rates[None].repeat(units, axis=0)
    if spread:
        drawn = rng.gamma(np.maximum(own, 1e-9) / spread)
        own = drawn / drawn.sum(axis=2, keepdims=True)
    return rng.multinomial(3, own)


def test_of_two_truths_it_is_the_estimate_of_rogan_and_gladen():
    sensitivity, specificity = 0.8, 0.9
    confusion = np.tile([[9, 1], [2, 8]], (30, 1, 1))
    for positive in (5, 30, 60, 95):
        scores = corrected_shares([100 - positive, positive], confusion, ["none", "bump"])
        exact = (positive / 100 + specificity - 1) / (sensitivity + specificity - 1)
        assert scores["bump"].value == pytest.approx(np.clip(exact, 0, 1), abs=1e-3)
        assert scores["bump"].baselines["uncorrected"] == positive / 100


def test_expected_counts_give_the_true_shares_exactly():
    counts = np.round(1e6 * SHARES @ RATES)
    confusion = np.round(100 * RATES)[None].repeat(20, axis=0)
    scores = corrected_shares(counts, confusion, TRUTHS, resamples=50)
    assert [scores[name].value for name in TRUTHS] == pytest.approx(SHARES, abs=2e-3)
    assert scores["none"].detail["misfit"] < 1e-3
    assert abs(counts[2] / counts.sum() - SHARES[2]) > 0.08  # the uncorrected share is far off


def test_a_perfect_reader_needs_no_correction():
    counts = [13, 40, 7, 68]
    scores = corrected_shares(counts, np.tile(np.eye(4), (20, 1, 1)), TRUTHS, resamples=50)
    assert [scores[name].value for name in TRUTHS] == pytest.approx(np.array(counts) / 128, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    "spread", [pytest.param(0.0, id="alike", marks=pytest.mark.slow), pytest.param(0.3, id="clustered")]
)
def test_intervals_cover_at_their_rate_also_if_images_of_a_unit_are_alike(spread):
    rng, trials = numpy_generator(0, f"corrected shares {spread}"), 200
    hits, naive = 0, 0
    for trial in range(trials):
        confusion = calibration(RATES, 60, rng, spread)
        counts = rng.multinomial(150, SHARES @ RATES)
        score = corrected_shares(counts, confusion, TRUTHS, resamples=300, seed=trial)["misplaced"]
        hits += score.low <= SHARES[2] <= score.high
        share = counts[2] / 150
        naive += abs(share - SHARES[2]) <= 1.96 * np.sqrt(share * (1 - share) / 150)
    assert 0.90 <= hits / trials <= 0.99
    assert naive / trials < 0.75  # the usual interval of the uncorrected share does not


def test_the_interval_holds_the_error_of_the_calibration():
    rng = numpy_generator(1, "corrected shares")
    counts = np.round(4000 * SHARES @ RATES)
    widths = []
    for units in (30, 1000):
        score = corrected_shares(counts, calibration(RATES, units, rng), TRUTHS)["misplaced"]
        widths.append(score.high - score.low)
    assert widths[0] > 2 * widths[1]


@pytest.mark.slow
def test_a_share_of_which_nothing_was_seen_may_be_small_but_is_not_excluded():
    perfect = np.tile(np.eye(4), (60, 1, 1))
    score = corrected_shares([20, 0, 44, 0], perfect, TRUTHS)["correct"]
    assert score.value == 0.0
    assert 0.02 < score.high < 0.08  # 3 / 64 is the usual bound

    rng, hits, shares = numpy_generator(3, "corrected shares"), [], np.array([0.3, 0.05, 0.62, 0.03])
    for trial in range(200):
        counts = rng.multinomial(64, shares @ RATES)
        scored = corrected_shares(counts, calibration(RATES, 60, rng), TRUTHS, resamples=300, seed=trial)
        hits.append(scored["correct"].low <= 0.03 <= scored["correct"].high)
    assert np.mean(hits) >= 0.90


def test_what_is_no_truth_of_the_calibration_shows_as_misfit():
    confusion = np.round(100 * RATES)[None].repeat(20, axis=0)
    something_else = np.array([0, 0, 0, 0, 100])  # in a third of the images, read as the fifth answer
    answers = 200 * SHARES @ RATES + something_else
    assert corrected_shares(np.round(answers), confusion, TRUTHS, resamples=50)["none"].detail["misfit"] > 0.2


def test_a_reader_that_does_not_tell_truths_apart_is_refused():
    rng = numpy_generator(2, "corrected shares")
    blind = RATES.copy()
    blind[2] = blind[1]
    with pytest.raises(ValueError, match="nearest are multiple and misplaced: join them"):
        corrected_shares([10, 20, 30, 20, 10], calibration(blind, 100, rng), TRUTHS)
    # No two rows are equal here, and one is a mixture of the others.
    mixed = RATES.copy()
    mixed[3] = mixed[:3].mean(axis=0)
    with pytest.raises(ValueError, match="least singular value"):
        corrected_shares([10, 20, 30, 20, 10], calibration(mixed, 100, rng), TRUTHS)


@pytest.mark.parametrize(
    ("counts", "confusion", "truths", "rule"),
    [
        ([1, 2], np.ones((20, 2, 2)), "ab", "two different names"),
        ([1, 2], np.ones((20, 2, 2)), ["a", "a"], "two different names"),
        ([[1, 2]], np.ones((20, 2, 2)), ["a", "b"], r"`counts` \(shape \(1, 2\)\)"),
        ([1], np.ones((20, 2, 1)), ["a", "b"], "at least the 2 truths"),
        ([1, 2], np.ones((20, 2, 3)), ["a", "b"], r"must be \(U, 2, 2\)"),
        ([0.5, 2], np.ones((20, 2, 2)), ["a", "b"], "`counts` must be counts"),
        ([1, 2], -np.ones((20, 2, 2)), ["a", "b"], "`confusion` must be counts"),
        ([0, 0], np.tile(np.eye(2), (20, 1, 1)), ["a", "b"], "one image at least"),
        ([1, 2], np.tile(np.eye(2), (5, 1, 1)), ["a", "b"], "at least 10"),
        ([1, 2], np.tile([[1, 0], [0, 0]], (20, 1, 1)), ["a", "b"], "none of b"),
    ],
)
def test_wrong_arguments_are_one_line(counts, confusion, truths, rule):
    with pytest.raises(ValueError, match=rule) as error:
        corrected_shares(counts, confusion, truths)
    assert "\n" not in str(error.value)
