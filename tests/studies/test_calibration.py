"""Stumps and rules on frames whose phases are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from phasescope.measures.learning.stumps import Stump, balanced_accuracy, fit_stump
from phasescope.studies.found import calibration
from phasescope.studies.found.calibration import calibrate


def brute(values, begun):
    """The greatest balanced accuracy of any threshold and side."""
    edges = [values.min() - 1, *np.sort(values) + 1e-9]
    return max(
        balanced_accuracy_score(begun, Stump(float(edge), sign).begun(values))
        for edge in edges
        for sign in (1, -1)
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_stump_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 12, 40).astype(float)
    begun = rng.uniform(size=40) < values / 12 if seed % 2 else rng.uniform(size=40) > values / 12
    stump = fit_stump(values, begun)
    assert balanced_accuracy_score(begun, stump.begun(values)) == pytest.approx(brute(values, begun))


def test_balanced_accuracy_is_scikit_learns_of_each_draw_of_weights():
    rng = np.random.default_rng(0)
    said, begun = rng.uniform(size=(2, 30)) > 0.5
    weights = rng.integers(0, 3, (5, 30)).astype(float)
    weights[4] = begun
    *found, without_the_other = balanced_accuracy(said, begun, weights)
    assert found == pytest.approx(
        [balanced_accuracy_score(begun, said, sample_weight=w) for w in weights[:4]]
    )
    assert np.isnan(without_the_other)


def test_a_clean_gap_is_cut_in_its_middle():
    assert fit_stump(np.array([0.0, 1.0, 5.0, 6.0]), np.array([False, False, True, True])) == Stump(3.0, 1)
    assert fit_stump(np.array([0.0, 1.0, 5.0, 6.0]), np.array([True, True, False, False])) == Stump(3.0, -1)


def test_bad_input_no_boundary():
    with pytest.raises(ValueError, match=r"`begun` \(3 of 3\) must hold both"):
        fit_stump(np.arange(3.0), np.ones(3, dtype=bool))


def frame_of(runs=6, seed=0, noise=0.05):
    """Runs through A, B, C: `label_share` tells B, `order` tells C, `trustworthiness` tells nothing."""
    rng = np.random.default_rng(seed)
    rows = []
    for run in range(runs):
        b, c = rng.integers(2, 5), rng.integers(7, 10)
        for step in range(14):
            phase = "C" if step >= c else "B" if step >= b else "A"
            rows.append(
                {
                    "cell": "one" if run % 2 else "two",
                    "seed": run,
                    "digest": f"{run:08d}",
                    "step": step,
                    "images_seen": 100 * step,
                    "phase.behaviour": "undecided" if step == c - 1 else phase,
                    "label_share.mid.600.value": (phase != "A") + noise * rng.normal(),
                    "order.mid.600.value": (phase == "C") + noise * rng.normal(),
                    "trustworthiness.mid.600.value": rng.normal(),
                }
            )
    return pd.DataFrame(rows)


def test_the_measure_that_tells_a_boundary_is_found_and_holds_for_runs_left_out():
    found = calibrate(frame_of())["all cells"]
    assert (found["runs"], found["undecided"]) == (6, 6)
    rule = found["rule"]
    assert (rule["B"]["candidate"], rule["C"]["candidate"]) == ("label_share.mid.600", "order.mid.600")
    assert rule["C"]["threshold"] == pytest.approx(0.5, abs=0.2)
    truth = np.array(found["confusion_held_out"])
    assert np.trace(truth) == truth.sum() == found["snapshots"]
    last = found["separation"]["B"][-1]
    assert last["low"] < 0.6
    for row in found["onsets"]:
        assert row["reversals"] == 0
        assert row["ratio"] == pytest.approx(1, abs=0.35)


def test_noise_alone_tells_nothing_of_runs_left_out():
    frame = frame_of(runs=8).drop(columns=["label_share.mid.600.value", "order.mid.600.value"])
    rows = calibration.separation(calibration.snapshots_of(frame), "C")
    assert [row["candidate"] for row in rows] == ["trustworthiness.mid.600"]
    assert rows[0]["balanced_accuracy"] < 0.65


def test_a_phase_that_never_came_is_said():
    frame = frame_of()
    frame = frame[frame["phase.behaviour"] != "B"]
    assert "a phase is missing" in calibrate(frame)["all cells"]["why"]
