"""What the studies of forks of `lean` share: how long and how a run is trained and observed, and two onsets of it.

Learning rates fall as in `lean`'s 2,500 steps, without its 20 steps of warm-up; runs stop after 2,000, when samples have
followed for a while.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from phasescope.studies import Runs, reads
from phasescope.studies.readings.crossings import crossing_step

STEPS = 2_000
CORRECT = "accuracy_matched.grid.joint"
"""share of samples whose best-matching bump lies at their label, whatever else they hold"""
USE = "meter.use"
HALF = 0.5
CONFIDENCE = 0.975
"""of intervals, as of all studies, which may be judged twice"""


def fields(seed: int) -> dict[str, Any]:
    """Return the fields of the parents, whose first one has this seed."""
    return {
        "seed": seed,
        "family": {"sampler": {"steps": 8}},
        "training": {
            "steps": STEPS,
            "schedule": {"kind": "torch.optim.lr_scheduler:CosineAnnealingLR", "T_max": 2_500},
        },
        "probing": {
            "observe": [],
            "snapshots": {"dense_every": 150, "dense_until": 0, "every": 150},
            "images": {"grid": 128, "off_grid": 0},
            "bands": 1,
            "meter": {"every": 150, "draws": 16},
        },
    }


def read_meter(run) -> list[dict]:
    """Return the use of the condition at every snapshot, in the band of noise below the one that the label alone decides.

    In eleven runs of the study `condition` this band, of log SNR -2.9 to -.5, had a use of .69 to .78 when half of the
    samples were correct: of the eight bands it is the one that follows the samples most closely.
    """
    frame = run.meter()
    frame = frame[(frame["pairs"] == "held_out") & (frame["exchanged"] == "all")]
    (deciding,) = frame.loc[frame["deciding"], "low"].unique()
    use = frame[np.isclose(frame["high"], deciding)].set_index("step")["use"]
    return [{"step": s.step, "use": use.loc[s.step]} for s in run.snapshots if s.step in use.index]


@reads("{column}")
def log_onset(runs: Runs, column: str) -> np.ndarray:
    """Return the logarithm of the step at which a column is above one half for good, interpolated, (n,).

    Of a run in which it never is, the logarithm of its last step: its onset is at least that.
    """
    onsets = [
        crossing_step(steps, course, HALF)
        for steps, course in zip(runs.courses("step"), runs.courses(column), strict=True)
    ]
    ends = [steps[-1] for steps in runs.courses("step")]
    return np.log(np.where(np.isfinite(onsets), onsets, ends))


@reads("{column}")
def log_onset_by_end(runs: Runs, column: str) -> pd.DataFrame:
    """Return the table with `log_onset` (`y`) and whether the onset had come by the run's end (`came`)."""
    came = [
        np.isfinite(crossing_step(steps, course, HALF))
        for steps, course in zip(runs.courses("step"), runs.courses(column), strict=True)
    ]
    return runs.table.assign(y=log_onset(runs, column), came=came)


@reads("{column}")
def onset_step(runs: Runs, column: str) -> np.ndarray:
    """Return the step at which a column is above one half for good, (n,); of a run in which it never is, its last step."""
    return np.exp(log_onset(runs, column))


@reads("{column}")
def has_come(runs: Runs, column: str) -> np.ndarray:
    """Return whether a column ends above one half, (n,)."""
    return (last_read(runs, column) > HALF).astype(float)


@reads("{column}")
def last_read(runs: Runs, column: str) -> np.ndarray:
    """Return a column's last value, (n,): of the meter, which is not read after the last step, that of its last reading."""
    return np.array([course[np.isfinite(course)][-1] for course in runs.courses(column)])
