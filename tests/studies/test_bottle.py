"""What the study `bottle` reads, on courses whose answer is known, and that its frozen run is the one that it states."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from phasescope.core.config import read_yaml
from phasescope.runs.config import RunConfig
from phasescope.studies import Cell, Runs
from studies.bottle import readings
from studies.bottle.study import FROZEN, STUDY

STEPS = np.arange(0, 701, 20)
CELLS = (Cell("usual", {}),)


def rising(center: float, width: float) -> np.ndarray:
    """Return a logistic course of the logarithm of the step."""
    return 1 / (1 + np.exp(-np.log(np.maximum(STEPS, 1.0) / center) / width))


def runs_of(use: np.ndarray, correct: np.ndarray) -> Runs:
    """Return two runs with the same courses."""
    columns = {
        "step": STEPS,
        readings.USE: use,
        readings.ADVANTAGE: use,
        readings.ERROR: np.full(len(STEPS), 0.01),
        readings.CORRECT: correct,
    }
    frames = [pd.DataFrame(columns).assign(cell="usual", seed=seed) for seed in range(2)]
    return Runs(pd.concat(frames), CELLS)


def test_the_frozen_weights_are_those_of_the_run_that_it_states():
    folder = Path(__file__).parents[2] / "studies" / "bottle" / "frozen"
    frozen = RunConfig.from_tree(read_yaml(folder / "config.yaml"))
    assert frozen.digest() == FROZEN.config(0, STUDY.base).digest()
    assert [path.name for path in (folder / "snapshots").iterdir()] == [f"{frozen.training.steps:08d}"]


def test_an_onset_is_interpolated_and_a_missing_one_counts_with_the_end():
    late = runs_of(rising(200, 0.2), rising(310, 0.1))
    np.testing.assert_allclose(np.exp(readings.log_onset(late)), 310, rtol=0.01)
    never = runs_of(rising(200, 0.2), np.zeros(len(STEPS)))
    np.testing.assert_allclose(np.exp(readings.log_onset(never)), STEPS[-1])


@pytest.mark.parametrize(("width", "is_slower"), [(0.3, True), (0.1, False)])
def test_a_course_that_is_wider_in_the_logarithm_of_the_step_rises_slower(width, is_slower):
    slower = readings.log_slower_rise(runs_of(rising(200, width), rising(200, 0.15)))
    assert (slower > 0).all() == is_slower


def test_a_course_that_jumps_has_the_same_factor_as_another_that_jumps_there():
    jump = (STEPS > 310).astype(float)
    np.testing.assert_allclose(readings.log_slower_rise(runs_of(jump, jump)), 0)


def test_the_advantage_counts_from_the_snapshot_at_which_it_stays_above_its_noise():
    use = np.where((STEPS == 40) | (STEPS >= 200), 0.2, 0.02)
    onsets = readings.samples_after_advantage(runs_of(use, rising(310, 0.1)), level=0.5)
    assert onsets["y_second"].tolist() == [200.0, 200.0]
    assert onsets["y"].tolist() == [320.0, 320.0]


def test_use_is_read_when_half_of_the_samples_are_correct():
    np.testing.assert_allclose(
        readings.use_at_half(runs_of(rising(310, 0.3), rising(310, 0.1))), 0.5, atol=0.02
    )
