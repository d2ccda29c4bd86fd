"""The recorded meter at every snapshot, and numbers of use, of the samples, and of one foretold from the other.

The meter (docs/condition_meter.md) was read while a run trained, on fixed pairs with labels that are not trained on. The
band that decides is the one in which most of the error can be removed by the label alone, from exact answers.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from phasescope.studies import Runs, config_of, reads
from phasescope.studies.readings.curves import counted_error, crossing, fitted_to

CORRECT = "outcomes.grid.correct"
USE, ADVANTAGE, ERROR, LOSS = "meter.use", "meter.advantage", "meter.advantage_se", "meter.loss"
PHASE = "phase.behaviour"

NOISES = 3.0
"""standard errors that an advantage must be above"""
FORMS = 0.1
"""share of correct samples at which a person would say that some follow"""
LEAST_RISE = 0.02
"""of a share or of use around a change of phase, below which nothing is said of where it rises"""
NEAR, AROUND = 1.15, 2.0
"""factors of the step on either side: of the change of phase itself, and of what it is compared with"""
LOW, HIGH = 0.1, 0.9
"""shares of the end's value between which a rise is timed"""


LOWER_BAND = "meter.band3.use"
"""use at log SNR of -2.9 to -.5 with noise prediction, -3.8 to 0 with flow matching: of the two bands of eight in which the
label saves most, alike in both, the one in which the image tells less of it"""
LOWER = (
    "Asked after the records had been looked at: the band that was read before is the upper one in most runs, where the "
    "exact answer contradicts the image. The band is the same in all runs; errors are compared as logarithms."
)


def read_meter(run) -> list[dict]:
    """Return the meter's reading in the band that decides, and in which band an advantage was first, at every snapshot."""
    frame = run.meter()
    frame = frame[(frame["pairs"] == "held_out") & (frame["exchanged"] == "all")]
    middle = (frame["low"] + frame["high"]) / 2
    deciding = frame[frame["deciding"]].set_index("step")
    loss = frame.groupby("step")["loss"].mean()
    by_step = frame.pivot(index="step", columns="low", values="use")
    above = frame["advantage"] > NOISES * frame["advantage_se"]

    # In which bands the advantage is above its noise from here on, at each reading.
    by_band = above.groupby(middle).agg(list)
    steps = sorted(frame["step"].unique())
    for_good = {
        band: [all(passes[number:]) for number in range(len(passes))] for band, passes in by_band.items()
    }

    config = config_of(run)
    analysis = config.family.analysis(config.task(), config.seed)
    assert analysis is not None
    place = math.log(analysis.forecast(errors=False)["snr_condensation"])

    rows = []
    for snapshot in run.snapshots:
        if snapshot.step not in deciding.index:
            continue  # the last snapshot of a shorter run lies between two readings
        own = deciding.loc[snapshot.step]
        reached = [band for band, passes in for_good.items() if passes[steps.index(snapshot.step)]]
        rows.append(
            {
                "step": snapshot.step,
                "use": own["use"],
                "advantage": own["advantage"],
                "advantage_se": own["advantage_se"],
                "loss": loss[snapshot.step],
                "log_snr": (own["low"] + own["high"]) / 2,
                "bands_above": len(reached),
                "first_log_snr": float(np.mean(reached)) if reached else math.nan,
                "predicted_log_snr": place,
                **{f"band{number}.use": use for number, use in enumerate(by_step.loc[snapshot.step])},
            }
        )
    return rows


@reads(ADVANTAGE, ERROR)
def above_noise(runs: Runs) -> list[np.ndarray]:
    """Return at which snapshots the advantage in the deciding band is above its noise, (T,) bool of every run."""
    readings = zip(runs.courses(ADVANTAGE), runs.courses(ERROR), strict=True)
    return [advantage > NOISES * error for advantage, error in readings]


@reads(CORRECT, ADVANTAGE, ERROR)
def samples_after_advantage(runs: Runs, level: float) -> pd.DataFrame:
    """Return when the share of correct samples is above a level for good (`y`), and when the advantage in the deciding band
    is above its noise for good (`y_second`), with their censoring. An advantage that is there before training counts as of
    the first snapshot after it."""
    follow = runs.onsets([share > level for share in runs.courses(CORRECT)])
    used = runs.onsets(above_noise(runs))
    first = np.array([steps[1] for steps in runs.courses("step")])
    used["y"] = np.maximum(used["y"], first)  # NaN stays
    second = used[["y", "without", "last", "came"]].add_suffix("_second")
    return pd.concat([follow, second], axis=1)


@reads(ADVANTAGE, ERROR)
def advantage_onset(runs: Runs) -> np.ndarray:
    """Return the step from which the advantage in the deciding band is above its noise for good, (n,); NaN if never."""
    return runs.onsets(above_noise(runs))["y"].to_numpy(dtype=float)


@reads("{column}")
def rise_steps(runs: Runs, column: str) -> np.ndarray:
    """Return the factor in steps from a tenth to nine tenths of a column's last value, (n,); NaN if it is not reached."""
    factors = []
    for steps, values in zip(runs.courses("step"), runs.courses(column), strict=True):
        end = values[-3:].mean()
        low, high = (crossing(steps, values, share * end) for share in (LOW, HIGH))
        factors.append(high / max(low, steps[1]))
    return np.array(factors)


@reads("{column}", PHASE)
def share_at_change(runs: Runs, column: str, letter: str = "C") -> np.ndarray:
    """Return which share of a column's rise around the samples' change to a phase falls at the change itself, (n,).

    At the change: from its step divided by `NEAR` to it times `NEAR`. Around it: the same with `AROUND`, or to the
    end of the training. A value that rises with the logarithm of the step has .20, more where the training ends before
    (`share_of_logarithm`), a jump 1. NaN for runs whose samples do not come to the phase, or come to it
    too near to an end, and where it hardly rises.
    """
    shares = []
    for steps, values, letters in zip(
        runs.courses("step"), runs.courses(column), runs.texts(PHASE), strict=True
    ):
        when = first_for_good(steps, letters, letter)
        if math.isnan(when) or when * NEAR > steps[-1]:
            shares.append(math.nan)
            continue
        at = np.interp([when / NEAR, when * NEAR], steps, values)
        around = np.interp([when / AROUND, min(when * AROUND, steps[-1])], steps, values)
        (rise,), (of,) = np.diff(at), np.diff(around)
        shares.append(rise / of if of >= LEAST_RISE else math.nan)
    return np.array(shares)


@reads(PHASE)
def share_of_logarithm(runs: Runs, letter: str = "C") -> np.ndarray:
    """Return what `share_at_change` is of a value that rises with the logarithm of the step, (n,)."""
    shares = []
    for steps, letters in zip(runs.courses("step"), runs.texts(PHASE), strict=True):
        when = first_for_good(steps, letters, letter)
        if math.isnan(when) or when * NEAR > steps[-1]:
            shares.append(math.nan)
            continue
        around = min(when * AROUND, steps[-1]) / (when / AROUND)
        shares.append(2 * math.log(NEAR) / math.log(around))
    return np.array(shares)


def first_for_good(steps: np.ndarray, letters: list[str], letter: str) -> float:
    """Return the middle between the last snapshot before a phase, and the first in it; NaN if it never comes.

    For `C` it must stay until the end, undecided snapshots aside; for another phase its first snapshot counts.
    """
    has = np.array([name == letter for name in letters])
    if letter == "C":
        counted = np.flatnonzero(~has & (np.array(letters) != "undecided"))
        begin = counted[-1] + 1 if len(counted) else 0
        later = np.flatnonzero(has[begin:])
        first = begin + later[0] if len(later) else None
    else:
        first = np.flatnonzero(has)[0] if has.any() else None
    if first is None or first == 0:
        return math.nan
    return float(steps[first - 1] + steps[first]) / 2


@reads(USE, "{foil}", CORRECT)
def foretold_by_use(runs: Runs, foil: str = "step", sign: float = 1.0) -> np.ndarray:
    """Return how far the share of correct samples is from that of use, by how far it is from that of a foil, (n,).

    Each is the mean absolute error over a run's snapshots, of a rising curve that is fitted to all other runs. Runs are of
    one cell. Snapshots beyond twice the step of accuracy are not counted: there both are right.

    Args:
        foil: column; the clock by default.
        sign: -1 for a foil that falls as samples become correct.
    """
    steps, use, correct = runs.courses("step"), runs.courses(USE), runs.courses(CORRECT)
    other = [sign * values for values in runs.courses(foil)]
    if len(runs) < 2:
        return np.full(len(runs), math.nan)

    ratios = []
    for own in range(len(runs)):
        by_use, by_foil = (
            counted_error(fitted_to(x, correct, but=own), x[own], steps[own], correct[own])
            for x in (use, other)
        )
        ratios.append(by_use / by_foil)
    return np.array(ratios)


@reads("{use}", CORRECT)
def log_error_of_use(runs: Runs, use: str) -> np.ndarray:
    """Return the logarithm of the error of a column of use over that of the clock, of the same curves as in
    `foretold_by_use`, (n,): two rules that err alike have 0 on average, while their ratios average to more than 1."""
    steps, given, correct = runs.courses("step"), runs.courses(use), runs.courses(CORRECT)
    if len(runs) < 2:
        return np.full(len(runs), math.nan)

    logs = []
    for own in range(len(runs)):
        by_use, by_clock = (
            counted_error(fitted_to(x, correct, but=own), x[own], steps[own], correct[own])
            for x in (given, steps)
        )
        logs.append(math.log(by_use / by_clock))
    return np.array(logs)


@reads(USE, CORRECT)
def foretold_by_curve_of(runs: Runs, system: str, of: str) -> pd.DataFrame:
    """Return how far the share of correct samples of runs of one system is from the curve of use of another one, by how far
    it is from the clock of its own other runs: a row a run of `system`."""
    own, fitted_on = runs.where(system=system), runs.where(system=of)
    by_use = fitted_to(fitted_on.courses(USE), fitted_on.courses(CORRECT))
    steps, use, correct = own.courses("step"), own.courses(USE), own.courses(CORRECT)
    if len(own) < 2:
        return own.table.assign(y=math.nan)

    ratios = []
    for number in range(len(own)):
        clock = fitted_to(steps, correct, but=number)
        errors = [
            counted_error(by, given, steps[number], correct[number])
            for by, given in ((by_use, use[number]), (clock, steps[number]))
        ]
        ratios.append(errors[0] / errors[1])
    return own.table.assign(y=ratios)


@reads("{column}", CORRECT)
def at_half(runs: Runs, column: str = USE) -> np.ndarray:
    """Return a column when half of the samples are correct, interpolated, (n,); NaN if never."""
    values = []
    for steps, own, correct in zip(
        runs.courses("step"), runs.courses(column), runs.courses(CORRECT), strict=True
    ):
        when = crossing(steps, correct, 0.5)
        values.append(float(np.interp(when, steps, own)) if np.isfinite(when) else math.nan)
    return np.array(values)


@reads("meter.first_log_snr")
def first_band(runs: Runs) -> np.ndarray:
    """Return the log SNR of the band (their mean, if there are several) whose advantage is first above its noise for good,
    (n,); NaN if none."""
    firsts = []
    for course in runs.courses("meter.first_log_snr"):
        known = course[np.isfinite(course)]
        firsts.append(known[0] if len(known) else math.nan)
    return np.array(firsts)
