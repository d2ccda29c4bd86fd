"""Activations, P1's own reading and the condition's advantage, from stored weights; and their numbers of every run.

Every run is read at labels and under noise of its own, at two layers and two noise levels (`studies.designs.sites`).
"""

from __future__ import annotations

import numpy as np

from phasescope.studies import Runs, config_of, load_network, reads
from studies.designs.sites import rows_of_sites
from studies.designs.stages import CORRECT
from studies.entry.condition import Meter

LAYERS, TIMES = ("down3", "mid"), (50, 600)
SITES = tuple((layer, t) for layer in LAYERS for t in TIMES)
USE = "condition.deciding.use"
FORECAST_UNTIL = 0.5
"""of the steps to accuracy: until then a forecast of it is judged"""


def read_sites(run) -> list[dict]:
    """Return the readings of every site at every snapshot of a run, at labels of its own."""
    return rows_of_sites(run, layers=LAYERS, times=TIMES)


def read_condition(run) -> list[dict]:
    """Return the condition's advantage, its error and its use by band of log SNR, and those of the deciding band, at every
    snapshot of a run, at pairs of its own that are not trained on."""
    config = config_of(run)
    meter = Meter.from_config(config)
    rows = []
    for snapshot in run.snapshots:
        network = load_network(run, snapshot).network
        bands = meter.read(network)
        row = {"step": snapshot.step}
        for number, band in enumerate(bands):
            row |= {f"band{number}.{name}": value for name, value in vars(band).items()}
        row |= {f"deciding.{name}": value for name, value in vars(bands[meter.deciding]).items()}
        rows.append(row)
    return rows


def read_halves(run) -> list[dict]:
    """Return the share of misplaced bumps in either half of the stored samples at every snapshot of a run."""
    config = config_of(run)
    reader = config.world.reader()

    rows = []
    for snapshot in run.snapshots:
        stored = snapshot.samples()
        grid = stored["split"] == "grid"
        outcomes = reader.outcome(reader.read(stored["images"][grid]), stored["labels"][grid])
        misplaced = outcomes == "misplaced"

        rows.append(
            {
                "step": snapshot.step,
                "first": float(misplaced[::2].mean()),
                "second": float(misplaced[1::2].mean()),
            }
        )
    return rows


@reads("halves.first", "halves.second")
def peak_misplaced(runs: Runs) -> np.ndarray:
    """Return the peak share of misplaced bumps, (n,): the snapshot chosen on one half of the samples, the share read on the
    other, and the mean of both ways."""
    peaks = []
    for first, second in zip(runs.courses("halves.first"), runs.courses("halves.second"), strict=True):
        peaks.append((second[np.argmax(first)] + first[np.argmax(second)]) / 2)
    return np.array(peaks)


def forecast_errors(runs: Runs, column: str | None = None, of_next_run: bool = False) -> np.ndarray:
    """Return the error of a forecast of accuracy's onset from use of the condition, and from another column if given, (n,).

    A line in use, the column and the logarithm of the step is fitted to the logarithms of the onsets of other runs of the
    same cell, at all of their snapshots before these. A run's error is the mean absolute difference of the logarithms over
    its snapshots up to half of its onset; NaN where half of the samples are never correct.

    Args:
        column: what is known beside use and step, (T,) a run.
        of_next_run: whether every run is given the column of the next run, which says nothing of it: the foil that costs the
            line as many coefficients.
    """
    onsets = np.log(runs.onsets([share > 0.5 for share in runs.courses(CORRECT)])["y"].to_numpy(dtype=float))
    beside = None if column is None else runs.courses(column)
    regressors = []
    for number, (steps, use) in enumerate(zip(runs.courses("step"), runs.courses(USE), strict=True)):
        known = [np.ones(len(steps) - 1), np.log(steps[1:]), use[1:]]
        if beside is not None:
            known.append(beside[(number + of_next_run) % len(runs)][1:])
        regressors.append(np.stack(known, axis=1))

    errors = []
    for own, onset in enumerate(onsets):
        others = [number for number in range(len(runs)) if number != own and np.isfinite(onsets[number])]
        if not np.isfinite(onset) or not others:
            errors.append(np.nan)
            continue
        before = [regressors[number][regressors[number][:, 1] < onsets[number]] for number in others]
        aims = np.concatenate(
            [np.full(len(rows), onsets[number]) for rows, number in zip(before, others, strict=True)]
        )
        weights = np.linalg.lstsq(np.concatenate(before), aims, rcond=None)[0]

        judged = regressors[own][regressors[own][:, 1] <= onset + np.log(FORECAST_UNTIL)]
        said = np.maximum(judged @ weights, judged[:, 1])  # it has not come yet
        errors.append(float(np.abs(said - onset).mean()))
    return np.array(errors)


@reads(CORRECT, USE)
def error_from_use(runs: Runs) -> np.ndarray:
    """Return `forecast_errors` from use and step alone, (n,)."""
    return forecast_errors(runs)


@reads("{column}", CORRECT, USE)
def error_beside_use(runs: Runs, column: str) -> np.ndarray:
    """Return `forecast_errors` from use, step and a column, (n,)."""
    return forecast_errors(runs, column)


@reads("{column}", CORRECT, USE)
def added_to_forecast(runs: Runs, column: str) -> np.ndarray:
    """Return the logarithm of `forecast_errors` with a column over those with the next run's, (n,): below 0 if it says
    something of the run that use and step do not."""
    return np.log(forecast_errors(runs, column) / forecast_errors(runs, column, of_next_run=True))


@reads("condition.deciding.advantage", "condition.deciding.se")
def advantage_onset(runs: Runs) -> np.ndarray:
    """Return the step from which the advantage in the deciding band is above three of its standard errors for good, (n,);
    NaN if never."""
    advantages = zip(
        runs.courses("condition.deciding.advantage"), runs.courses("condition.deciding.se"), strict=True
    )
    return runs.onsets([advantage > 3 * se for advantage, se in advantages])["y"].to_numpy(dtype=float)
