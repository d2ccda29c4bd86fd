"""How much of the variance between systems goes with each choice by itself."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from phasescope.studies import Curve, Difference, Ends, Estimate, Panel, Runs, Table, as_table
from phasescope.studies.readings.explained import Explained
from studies.screen.design import LEVELS

CHOICES = ("rate", *LEVELS)
# A level less than there are: the last is known from the others.
LEVEL_COLUMNS = {f"{name} {n}": (name, n) for name, values in LEVELS.items() for n in range(len(values) - 1)}
CHOICE_COLUMNS = ("rate", *LEVEL_COLUMNS)
"""the choices as columns of numbers: see `choices_of`"""


def share(table: pd.DataFrame, choice: str) -> Estimate:
    """Return the share of the variance of the ranks of `y` that goes with a choice by itself.

    It is adjusted R² on the choice's levels, or on the ranks of the learning rate: noise can bring it below 0.
    """
    columns = {"rate": table["rate"]}
    if choice != "rate":
        # A level less than there are: the last is known from the others.
        columns = {f"level {n}": table[choice] == n for n in range(len(LEVELS[choice]) - 1)}
    return Explained(tuple(columns)).estimate(pd.DataFrame({"y": table["y"], **columns}).astype(float))


def choices_of(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the columns `CHOICE_COLUMNS` but the rate, which a table has: whether a system has a level of a choice."""
    return {column: (table[name] == n).astype(float) for column, (name, n) in LEVEL_COLUMNS.items()}


def varied(runs: Runs) -> list[str]:
    """Return the choices that have several values among runs."""
    return [name for name in CHOICES if runs.table[name].nunique() > 1]


@dataclass(frozen=True)
class ShareDifference(Difference):
    """The same of runs that do something or not: simulated as such, half of them on average."""

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: Any) -> pd.DataFrame:
        return table.assign(y=rng.random(len(table)) < 0.5 + truth * ((table[self.by] == self.first) - 0.5))


@dataclass(frozen=True)
class SharesTable(Table):
    """A row for each choice: the share of each column that goes with it, with its interval."""

    def rows(self, runs: Runs, counted: bool = False) -> list[dict]:
        rows, chosen = [], runs.where(**self.where)
        for name in varied(chosen):
            found = {head: share(as_table(chosen, number), name) for head, number in self.columns.items()}
            shares = {head: f"{s.value:.2f} [{s.low:.2f}, {s.high:.2f}]" for head, s in found.items()}
            rows.append({"choice": name.replace("_", " "), "runs": len(chosen), **shares})
        return rows


@dataclass(frozen=True)
class LevelsTable(Table):
    """A row for each value of each choice but the learning rate, in the order of their ranks."""

    def rows(self, runs: Runs, counted: bool = False) -> list[dict]:
        rows = []
        for name, values in LEVELS.items():
            of_levels = replace(self, by=(name,))
            for row in sorted(super(LevelsTable, of_levels).rows(runs, counted), key=lambda row: row[name]):
                rank = row.pop(name)
                rows.append({"choice": name.replace("_", " "), "value": str(values[rank]), **row})
        return rows


@dataclass(frozen=True)
class SharesPlot(Ends):
    """A mark for each choice and number: the share that goes with it, with its interval."""

    SHOWS = "Adjusted R² of ranks, with its 97.5 % interval over runs."

    def _panels(self, runs: Runs) -> list[Panel]:
        curves, choices = [], varied(runs)
        for series, (label, number) in enumerate(self.numbers.items() if choices else ()):  # one system: none
            found = [share(as_table(runs, number), name) for name in choices]
            value, low, high = np.array([(each.value, each.low, each.high) for each in found]).T
            at = np.arange(len(choices)) + 0.2 * series
            curves.append(Curve(at, value, low=low, high=high, label=label, series=series, style="points"))
        ticks = {float(place): name.replace("_", " ") for place, name in enumerate(choices)}
        return [Panel("", "", "share of the variance", curves, ticks=ticks, level=0, ylim=self.ylim)]
