"""Which samples are in the correct place, at often and at rarely trained places, and when half of them are."""

import numpy as np
import pandas as pd

from phasescope.studies import Runs, config_of, reads
from phasescope.studies.readings.crossings import crossing_steps
from phasescope.studies.readings.places import TOLERANCE_PX, places

HALVES = ("often", "rarely")


def read_halves(run) -> list[dict]:
    """Return by half the shares of samples within 1 px along the factor that divides the canvas, along the other one, and
    along both; every sample counts, whatever it holds and however noisy it is."""
    world, rows = config_of(run).world, []
    along = "xy".index(world.along)
    for snapshot in run.snapshots:
        stored, row = snapshot.samples(), {"step": snapshot.step}

        read_at = places(stored["images"][:, 0].astype(float), world.sigma_px)
        near = np.abs(read_at - stored["labels"]) <= TOLERANCE_PX

        for half in HALVES:
            of_half = near[stored["split"] == half]
            row |= {
                f"{half}.along": float(of_half[:, along].mean()),
                f"{half}.across": float(of_half[:, 1 - along].mean()),
                f"{half}.both": float(of_half.all(axis=1).mean()),
            }

        rows.append(row)
    return rows


@reads("{column}", "{other}")
def onsets(runs: Runs, column: str, other: str) -> pd.DataFrame:
    """Return when half of the samples are correct by a column (`y`) and by another one (`y_second`), interpolated between
    snapshots, with their censoring."""
    table, last = runs.table, np.array([steps[-1] for steps in runs.courses("step")])
    for name, end in ((column, ""), (other, "_second")):
        step = crossing_steps(runs, name, 0.5)
        table = table.assign(**{f"y{end}": step, f"came{end}": np.isfinite(step), f"last{end}": last})
    return table


@reads("halves.often.{column}", "halves.rarely.{column}", "halves.often.{than}", "halves.rarely.{than}")
def delay(runs: Runs, column: str, than: str = "") -> np.ndarray:
    """Return how much later half of the samples are correct for good, by a column, at rare places than at frequent ones, as
    a share of the steps there, (n,), NaN if they never are; less the same of another column."""
    often = crossing_steps(runs, f"halves.often.{column}", 0.5)
    rarely = crossing_steps(runs, f"halves.rarely.{column}", 0.5)
    return rarely / often - 1 - (delay(runs, than) if than else 0)
