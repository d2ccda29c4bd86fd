"""Accuracy as a surface over the logs of images and canvas, and how much more slowly it falls with stripes."""

import numpy as np
import pandas as pd
from numpy.random import Generator
from pandas import DataFrame

from phasescope.studies import Estimate, Statistic, over_runs
from phasescope.studies.readings.surfaces import Surface


def with_logs(table: DataFrame) -> DataFrame:
    stripes = (table["images"] != "bumps").astype(float)
    return table.assign(log_bumps=np.log(table["bumps"]), log_canvas=np.log(table["canvas"]), stripes=stripes)


class OfSets(Surface):
    """A surface over the logs of bumps and canvas; the design's axes are not in logs."""

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        return super().simulate(with_logs(table), truth, spread, rng)


class SlowerGrowth(Statistic):
    """The power of N without stripes, minus that with stripes, each from a surface of its own."""

    NO_EFFECT = 0.0

    POWER = OfSets("log_bumps", "log_canvas")

    def estimate(self, table: DataFrame) -> Estimate:
        parts = [table[(table["stripes"] == stripes).to_numpy()] for stripes in (0.0, 1.0)]
        contours, n = [self.POWER.contour(part) for part in parts], len(parts[0])
        cells = [cell for part in parts for cell in part["cell"]]
        return over_runs(lambda w: contours[0](w[:, :n]) - contours[1](w[:, n:]), len(table), cells)

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        bare = (table["images"] == "bumps").to_numpy()
        parts = [
            self.POWER.simulate(table[rows], power, spread, rng)
            for rows, power in ((bare, 1.5 + truth / 2), (~bare, 1.5 - truth / 2))
        ]
        return pd.concat(parts, ignore_index=True)

    def spread_of(self, table: DataFrame) -> float:
        return self.POWER.spread_of(table)
