"""A reading of the meter: by band of noise, how much a model uses its condition."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    import pandas as pd

Z = 1.959963984540054
"""of a 95 % interval"""


@dataclass(frozen=True)
class Mean:
    """A mean over draws with its standard error over pairs."""

    value: float
    se: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - Z * self.se

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + Z * self.se

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def mean_over_pairs(values: Float[np.ndarray, " n"], pair: Int[np.ndarray, " n"]) -> Mean:
    """Return the mean of draws; draws of one pair are one cluster (Liang & Zeger 1986)."""
    n = len(values)
    mean = float(values.mean())
    of_pair = np.bincount(pair, values - mean)
    clusters = len(np.unique(pair))
    if clusters < 2:
        return Mean(mean, math.nan)
    return Mean(mean, float(np.sqrt((of_pair**2).sum() * clusters / (clusters - 1)) / n))


def ratio_over_pairs(
    above: Float[np.ndarray, " n"], below: Float[np.ndarray, " n"], pair: Int[np.ndarray, " n"]
) -> Mean:
    """Return sum(above) / sum(below) with its standard error, linearised (the delta method)."""
    value = float(above.sum() / below.sum())
    rest = mean_over_pairs((above - value * below) / below.mean(), pair)
    return Mean(value, rest.se)


@dataclass(frozen=True)
class Band:
    """One band of one reading; errors are of the model's target, squared and summed over all values of an image."""

    pairs: str
    """`held_out`, or `trained` of the pairs that the model is trained on"""
    exchanged: str
    """what of the condition is another pair's: `all`, or the name of a factor"""
    low: float
    """log SNR"""
    high: float
    draws: int
    loss: Mean
    """E |f(x_t, t, c) - y|^2"""
    advantage: Mean
    """E [|f(x_t, t, c') - y|^2 - |f(x_t, t, c) - y|^2]: by how much the loss rises with another pair's condition"""
    alignment: Mean
    """E <f(c) - f(c'), y>: how far the model's contrast points to its own target"""
    use: Mean | None = None
    """share of the exact contrast that the model makes: 0 ignores the condition, 1 is exact; None without exact answers"""
    removable: Mean | None = None
    """error that only the condition can remove; None without exact answers"""
    over_none: Mean | None = None
    """E [|f(x_t, t, none) - y|^2 - |f(x_t, t, c) - y|^2]; None if no `no_condition` was given"""
    nats: float | None = None
    """of the condition that are used in this band: half of the integral of `over_none`, of the noise, over the log SNR"""
    nats_se: float | None = None
    """standard error of `nats`, over pairs"""
    label_gradient: Mean | None = None
    """squared length of the force towards the condition over its variance between images; None unless it was asked for"""


@dataclass(frozen=True)
class Reading:
    """What one reading found, a `Band` each."""

    step: int
    wall_s: float
    """seconds that it took"""
    evaluations: int
    """images that the model answered"""
    bands: tuple[Band, ...]

    def bands_of(self, pairs: str = "held_out", exchanged: str = "all") -> tuple[Band, ...]:
        """Return the bands of some pairs and of what was exchanged."""
        return tuple(band for band in self.bands if (band.pairs, band.exchanged) == (pairs, exchanged))

    def frame(self) -> pd.DataFrame:
        """Return a row a band: `step`, `pairs`, `exchanged`, `low`, `high`, and of each number its value, its standard error
        (`_se`) and its 95 % interval (`_low`, `_high`)."""
        import pandas as pd

        return pd.DataFrame([{"step": self.step, **row_of(band)} for band in self.bands])

    def memorized(self) -> list[Mean]:
        """Return by band the advantage on trained pairs less that on held-out ones; empty if no trained pairs were given."""
        both = zip(self.bands_of("trained"), self.bands_of("held_out"), strict=False)
        return [
            Mean(
                known.advantage.value - new.advantage.value, math.hypot(known.advantage.se, new.advantage.se)
            )
            for known, new in both
        ]

    @property
    def nats(self) -> float | None:
        """Nats of the condition that the model uses, over all bands; None if no `no_condition` was given."""
        parts = [band.nats for band in self.bands_of()]
        return None if None in parts else float(sum(part for part in parts if part is not None))

    def tree(self) -> dict[str, Any]:
        """Return the reading as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_tree(cls, tree: dict[str, Any]) -> Reading:
        """Return the reading of `tree`."""
        return cls(**tree | {"bands": tuple(band_of(band) for band in tree["bands"])})


MEANS = ("loss", "advantage", "alignment", "use", "removable", "over_none", "label_gradient")


def band_of(tree: dict[str, Any]) -> Band:
    """Return the band of its JSON values."""
    values = dict(tree)
    for name in MEANS:
        if tree.get(name) is not None:
            values[name] = Mean(**tree[name])
    return Band(**values)


def row_of(band: Band) -> dict[str, Any]:
    """Return a band as a row of a table, without what was not read."""
    row: dict[str, Any] = {}
    for each in fields(band):
        value = getattr(band, each.name)
        if isinstance(value, Mean):
            row |= {
                each.name: value.value,
                f"{each.name}_se": value.se,
                f"{each.name}_low": value.low,
                f"{each.name}_high": value.high,
            }
        elif value is not None:
            row[each.name] = value
    return row
