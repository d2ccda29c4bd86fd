"""Tables of a study as data: functions from `Runs` to rows."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phasescope.core.formats import format_number
from phasescope.measures.over_runs import NotEnough, mean_over_runs, share_interval
from phasescope.studies.declaring import columns_read
from phasescope.studies.runs_table import Number, Runs, as_table
from phasescope.studies.statistics import Statistic


@dataclass(frozen=True)
class Table:
    """The mean of each column, by `by`, over the runs that have it; with `interval` also its interval, from six runs on."""

    title: str
    columns: Mapping[str, Number]
    """heading -> number"""
    by: Sequence[str] = ("cell",)
    interval: bool = False
    where: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def columns_read(self) -> frozenset[str]:
        """Return the recorded columns that it reads."""
        return columns_read(*self.columns.values())

    def rows(self, runs: Runs, counted: bool = False) -> list[dict[str, Any]]:
        """Return one mapping per row, with the same keys in each; NaN where a number is not known. If `counted`, a mean of
        some runs alone is a text that says of how many, and a share is what it can be at least and at most."""
        rows = []
        with contextlib.suppress(NotEnough):
            chosen = runs.where(**self.where)
            for values in itertools.product(*(chosen.values(axis) for axis in self.by)):
                with contextlib.suppress(NotEnough):  # the design need not have every combination
                    point = dict(zip(self.by, values, strict=True))
                    part = chosen.where(**point)
                    numbers = {head: self._shown(part, y, counted) for head, y in self.columns.items()}
                    rows.append({**point, "runs": len(part), **numbers})
        return rows

    def _shown(self, runs: Runs, number: Number, counted: bool) -> float | str:
        """Return a cell: the mean, or a text if it says more than the mean; NaN if no run has the number."""
        try:
            values = as_table(runs, number)["y"].to_numpy(dtype=float)
        except NotEnough:
            return float("nan")

        y = values[~np.isnan(values)]
        if not len(y):
            return float("nan")

        is_share = set(y) <= {0.0, 1.0}
        some = f" ({len(y)} of {len(values)} runs)" if counted and len(y) < len(values) else ""
        if self.interval and len(y) >= Statistic.MINIMUM_N:
            estimate = share_interval(y) if is_share else mean_over_runs(y)
            value, low, high = (format_number(x) for x in (estimate.value, estimate.low, estimate.high))
            return f"{value} [{low}, {high}]{some}"

        if not some:
            return float(y.mean())
        if is_share:
            least, most = y.sum() / len(values), 1 - (1 - y).sum() / len(values)
            return f"{least:.2g} to {most:.2g}{some}"
        return f"{float(f'{y.mean():.4g}'):,g}{some}"
