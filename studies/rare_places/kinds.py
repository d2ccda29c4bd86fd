"""Bumps at places of which some are trained on more often than others."""

from collections.abc import Mapping
from functools import partial
from typing import Literal

import numpy as np
from pydantic import Field

from phasescope import worlds


class UnevenBumps(worlds.GaussianBump):
    """The places in one half of the canvas are trained on `times` as often as those in the other half."""

    kind: str = ""
    times: int = Field(4, ge=1, le=64)
    along: Literal["x", "y"] = "x"
    """the factor that says in which half a place lies"""
    half: Literal["low", "high"] = "low"
    """the half that is trained on more often"""

    def training_labels(self) -> np.ndarray:
        labels = super().training_labels()
        often = labels[self.is_often(labels)]
        return np.concatenate([labels, *[often] * (self.times - 1)])

    def is_often(self, labels: np.ndarray) -> np.ndarray:
        """Return whether each place lies in the half that is trained on more often, (n,)."""
        return (labels[:, "xy".index(self.along)] > (self.canvas + 1) / 2) == (self.half == "high")

    def somewhere(self, n: int, generator: np.random.Generator, often: bool) -> np.ndarray:
        """Return n places of one half, drawn evenly, between grid points too, (n, 2)."""
        places = self.draw_labels(16 * n + 64, generator)
        return places[self.is_often(places) == often][:n]

    def splits(self) -> Mapping[str, worlds.base.Split]:
        halves = {name: partial(self.somewhere, often=name == "often") for name in ("often", "rarely")}
        return {"grid": worlds.some_of(super().training_labels), **halves, "off_grid": self.draw_labels}
