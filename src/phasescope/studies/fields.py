"""What the fields that a sweep varies do to its numbers: a number against each field, or each run as a line across them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from phasescope.measures.over_runs import NotEnough
from phasescope.studies.declaring import columns_read
from phasescope.studies.plots import BasePlot, Curve, Panel
from phasescope.studies.runs_table import Number, Runs, by_run

LEAST_LOG_RATIO = 4.0
"""of the largest value to the smallest one, below which a linear axis shows as much as a logarithmic one"""


class Values(NamedTuple):
    """A field of the configuration of every run."""

    places: np.ndarray
    """(n,) numbers, or the numbers of words; NaN where a run has no such field"""
    words: tuple[str, ...]
    """by number; empty if the values are numbers themselves"""

    @property
    def ticks(self) -> dict[float, str] | None:
        return {float(place): word for place, word in enumerate(self.words)} if self.words else None

    @property
    def scale(self) -> Literal["linear", "log"]:
        return "linear" if self.words else scale_of(self.places)


def values_of_field(runs: Runs, name: str) -> Values:
    """Return a field of the configuration of every run, such as training.batch.

    Raises:
        NotEnough: the records have no such field.
    """
    import pandas as pd

    values = pd.Series(runs.first(f"config.{name}"), dtype=object)
    numbers = pd.to_numeric(values, errors="coerce")
    is_logical = any(isinstance(value, bool | np.bool_) for value in values)
    if numbers.notna().sum() == values.notna().sum() and not is_logical:
        return Values(numbers.to_numpy(dtype=float), ())
    places, words = pd.factorize(values.astype("string"), sort=True)
    return Values(np.where(places < 0, np.nan, places.astype(float)), tuple(map(str, words)))


def scale_of(values: np.ndarray) -> Literal["linear", "log"]:
    """Return the scale of an axis on which values, (n,), are spread the more evenly.

    It is logarithmic if a log-uniform density between their ends, 1 / (v ln(b / a)), has a greater likelihood than a uniform
    one, 1 / (b - a): if the values' geometric mean is below the logarithmic mean of the ends.
    """
    known = values[np.isfinite(values)]
    if not len(known) or known.min() <= 0 or known.max() < LEAST_LOG_RATIO * known.min():
        return "linear"
    a, b = known.min(), known.max()
    return "log" if np.log(known).mean() < np.log((b - a) / np.log(b / a)) else "linear"


@dataclass(frozen=True)
class Coordinate:
    """One of parallel axes: the value of every run."""

    label: str
    values: np.ndarray
    """(n,), NaN where a run has none"""
    scale: Literal["linear", "log"] = "linear"
    ticks: Mapping[float, str] | None = None
    """words, by value"""


@dataclass(frozen=True, kw_only=True)
class ParallelPanel(Panel):
    """Parallel axes, across which each run is a line, coloured by its value on the axis `coloured`."""

    axes: Sequence[Coordinate]
    coloured: Coordinate


@dataclass(frozen=True)
class AgainstFields(BasePlot):
    """Numbers of every run against each field that varies: a panel per field and number, whatever the number of cells."""

    numbers: Mapping[str, Number] = field(kw_only=True)
    """axis label -> number"""
    fields: Sequence[str] = field(kw_only=True)
    """of the configuration, as training.batch"""

    SHOWS = "One dot per run."

    def columns_read(self) -> frozenset[str]:
        return columns_read(*self.numbers.values()) | {f"config.{name}" for name in self.fields}

    def caption(self, runs: Runs) -> str:
        has_bars = any(curve.style == "bars" for panel in self.panels(runs) for curve in panel.curves)
        bars = " Bars, where a field holds words: mean over runs." if has_bars else ""
        return f"{super().caption(runs)}{bars}"

    def _panels(self, runs: Runs) -> list[Panel]:
        numbers = {label: by_run(runs, number) for label, number in self.numbers.items()}
        return [
            self._panel(name, values_of_field(runs, name), label, y)
            for name in self.fields
            for label, y in numbers.items()
        ]

    def _panel(self, name: str, values: Values, label: str, y: np.ndarray) -> Panel:
        import pandas as pd

        known = np.isfinite(y)
        places, y = values.places[known], y[known]
        curves = [Curve(places, y, style="points")]
        if values.words:
            means = pd.Series(y).groupby(places).mean()
            curves.append(Curve(means.index.to_numpy(), means.to_numpy(), style="bars"))
        return Panel(
            title="",
            xlabel=name,
            ylabel=label,
            curves=curves,
            xscale=values.scale,
            yscale=scale_of(y),
            level=self.level,
            ylim=self.ylim,
            ticks=values.ticks,
        )


@dataclass(frozen=True)
class ParallelCoordinates(BasePlot):
    """Every run as a line across parallel axes (Inselberg 1985): one for each field that varies, and one for each number."""

    numbers: Mapping[str, Number] = field(kw_only=True)
    """axis label -> number; the first one colours the lines"""
    fields: Sequence[str] = field(kw_only=True)
    """of the configuration, as training.batch"""

    def columns_read(self) -> frozenset[str]:
        return columns_read(*self.numbers.values()) | {f"config.{name}" for name in self.fields}

    def caption(self, runs: Runs) -> str:
        coloured = next(iter(self.numbers))
        shows = f"One line per run, coloured by {coloured}; each axis reaches from its smallest to its largest value."
        return f"{super().caption(runs)} {shows}"

    def _panels(self, runs: Runs) -> list[Panel]:
        fields = {name: values_of_field(runs, name) for name in self.fields}
        axes = [
            Coordinate(name, values.places, scale=values.scale, ticks=values.ticks)
            for name, values in fields.items()
        ]
        for label, number in self.numbers.items():
            y = by_run(runs, number)
            axes.append(Coordinate(label, y, scale=scale_of(y)))

        coloured = axes[len(fields)]
        if not np.isfinite(coloured.values).any():
            raise NotEnough(f"no run has its {coloured.label}")
        return [ParallelPanel(title="", xlabel="", ylabel="", axes=axes, coloured=coloured)]
