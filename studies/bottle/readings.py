"""The recorded meter at every snapshot, and when and how fast use of the condition and samples rise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from phasescope.studies import Runs, reads
from phasescope.studies.readings.crossings import crossing_step, crossing_steps

CORRECT = "outcomes.grid.correct"
USE, ADVANTAGE, ERROR = "meter.use", "meter.advantage", "meter.advantage_se"

NOISES = 3.0
"""standard errors that an advantage must be above"""
LOW, HIGH = 0.1, 0.9
"""shares of the end's value between which a rise is timed"""


def read_meter(run) -> list[dict]:
    """Return the meter's reading at every snapshot, in the band in which the condition alone decides most."""
    frame = run.meter()
    is_read = (frame["pairs"] == "held_out") & (frame["exchanged"] == "all") & frame["deciding"]
    deciding = frame[is_read].set_index("step")

    rows = []
    for snapshot in run.snapshots:
        if snapshot.step not in deciding.index:
            continue  # the last snapshot of a shorter run lies between two readings
        reading = deciding.loc[snapshot.step]
        rows.append(
            {
                "step": snapshot.step,
                "use": reading["use"],
                "advantage": reading["advantage"],
                "advantage_se": reading["advantage_se"],
                "log_snr": (reading["low"] + reading["high"]) / 2,
            }
        )
    return rows


@reads(CORRECT)
def log_onset(runs: Runs) -> np.ndarray:
    """Return the natural logarithm of the step at which half of the samples are correct for good, (n,), interpolated.

    A run in which they never are counts with its end.
    """
    onsets = crossing_steps(runs, CORRECT, 0.5)
    return np.log(np.where(np.isnan(onsets), runs.table["steps"], onsets))


@reads(ADVANTAGE, ERROR)
def advantage_onset(runs: Runs) -> pd.DataFrame:
    """Return the table with when the advantage in the deciding band is above its noise for good."""
    readings = zip(runs.courses(ADVANTAGE), runs.courses(ERROR), strict=True)
    return runs.onsets([advantage > NOISES * error for advantage, error in readings])


@reads(CORRECT, ADVANTAGE, ERROR)
def samples_after_advantage(runs: Runs, level: float) -> pd.DataFrame:
    """Return when the share of correct samples is above a level for good (`y`), and when the advantage in the deciding band
    is above its noise for good (`y_second`), with their censoring. An advantage that is there before training counts as of
    the first snapshot after it."""
    follow = runs.onsets([share > level for share in runs.courses(CORRECT)])
    used = advantage_onset(runs)
    first = np.array([steps[1] for steps in runs.courses("step")])
    used["y"] = np.maximum(used["y"], first)  # NaN stays

    second = used[["y", "without", "last", "came"]].add_suffix("_second")
    return pd.concat([follow, second], axis=1)


def rise_factor(steps: np.ndarray, course: np.ndarray) -> float:
    """Return the factor in steps from a tenth to nine tenths of a course's end, the mean of its last three snapshots; NaN if
    it does not rise so far."""
    end = course[-3:].mean()
    return crossing_step(steps, course, HIGH * end) / crossing_step(steps, course, LOW * end)


@reads("{column}")
def rise_factors(runs: Runs, column: str) -> np.ndarray:
    """Return the factor in steps in which a column rises, (n,); NaN if it does not."""
    pairs = zip(runs.courses("step"), runs.courses(column), strict=True)
    return np.array([rise_factor(steps, course) for steps, course in pairs])


@reads(USE, CORRECT)
def log_slower_rise(runs: Runs) -> np.ndarray:
    """Return the logarithm of the factor in which use rises less that of the factor in which correct samples do, (n,)."""
    return np.log(rise_factors(runs, USE)) - np.log(rise_factors(runs, CORRECT))


@reads(USE, CORRECT)
def use_at_half(runs: Runs) -> np.ndarray:
    """Return use when half of the samples are correct, (n,), interpolated; NaN if they never are."""
    onsets = crossing_steps(runs, CORRECT, 0.5)
    courses = zip(onsets, runs.courses("step"), runs.courses(USE), strict=True)
    return np.array(
        [np.interp(when, steps, use) if np.isfinite(when) else np.nan for when, steps, use in courses]
    )
