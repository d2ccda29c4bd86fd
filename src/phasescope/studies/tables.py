"""Tables of a study: a number per column and group of runs."""

import contextlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phasescope.measures.over_runs.resampling import NotEnough, mean_over_runs
from phasescope.studies.runs_table import Number, Runs, as_table


@dataclass(frozen=True)
class Table:
    """A number per column and value of `by`: its mean over runs, with the interval over runs if `interval`."""

    title: str
    columns: Mapping[str, Number]
    """heading -> number"""
    by: Sequence[str] = ("cell",)
    interval: bool = False
    where: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def rows(self, runs: Runs) -> list[dict[str, Any]]:
        """Return one mapping per row, with the same keys in each; NaN where a number is not known."""
        rows = []
        with contextlib.suppress(NotEnough):
            chosen = runs.where(**self.where)
            for values in itertools.product(*(chosen.values(axis) for axis in self.by)):
                with contextlib.suppress(NotEnough):  # the design need not have every combination
                    point = dict(zip(self.by, values, strict=True))
                    part = chosen.where(**point)
                    numbers = {head: self._mean(part, number) for head, number in self.columns.items()}
                    rows.append({**point, "runs": len(part), **numbers})
        return rows

    def _mean(self, runs: Runs, number: Number) -> float | str:
        with contextlib.suppress(NotEnough):
            y = as_table(runs, number).dropna(subset=["y"])["y"].to_numpy(dtype=float)
            if self.interval:
                estimate = mean_over_runs(y)
                return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
            if len(y):
                return float(y.mean())
        return float("nan")
