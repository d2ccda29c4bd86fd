"""Designs: which labels the training set holds.

The grid of Liang, Liu & Fiete 2024 (arXiv 2402.03305) takes every label whose factors are multiples of an increment;
unequal increments are its imbalance. With one end of the range left out a 32 px canvas holds (32/dx)(32/dy) images:
1,024 at 1 px, 102,400 at 0.1 px.
"""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy as np
from jaxtyping import Float
from pydantic import ConfigDict, Field, model_validator

from phasescope.config import Config
from phasescope.factors import Factor, Factors
from phasescope.randomness import numpy_generator

ROUNDING = 1e-6
"""Steps by which a range may miss a whole number of them and still hold it: 32 / 0.1 is 320."""
MAX_STEPS = 10_000
"""values of a factor"""
MOST_LABELS = 2**24
"""of a grid, which is held in memory whole"""
INCREMENT = 1.0
"""of a factor of which none is said, in its unit"""


class Grid(Config):
    """Every label on a grid: `d` and a factor's name is its increment, as in ``{kind: grid, dx: 0.5, dy: 1}``."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["grid"] = "grid"
    ends: Literal["low", "high", "both"] = "high"
    """which ends of each factor's range the grid includes"""
    keep: int | None = Field(None, ge=1, le=MOST_LABELS)
    """how many of the grid's labels are trained on: the first in a random order, so that more holds fewer; null: all"""
    shuffle: int = Field(0, ge=0, le=2**31)
    """which random order that is"""

    @model_validator(mode="after")
    def _increments_are_numbers(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if not name.startswith("d") or len(name) < 2:
                raise ValueError(
                    f"`{name}` (={value}) is not a field: fields here are kind, ends, keep, shuffle, and d "
                    "with a factor's name"
                )
            number = _number(value)
            if number is None or not number > 0:
                raise ValueError(
                    f"`{name}` (={value}) must be greater than 0: the grid's increment of a factor"
                )
            self.__pydantic_extra__[name] = number  # pyrefly: ignore[unsupported-operation]
        return self

    def default_of(self, name: str) -> Any:
        return INCREMENT if name in (self.model_extra or {}) else super().default_of(name)

    def along(self, factors: Factors) -> Grid:
        """This grid with the increment of each factor told, in the factors' order.

        Raises:
            ValueError: an increment of something that is no factor, or that gives less than 2 or too many values; both ends
                of a periodic factor.
        """
        told = self.model_extra or {}
        names = [f"d{name}" for name in factors.names]
        for name in told:
            if name not in names:
                raise ValueError(
                    f"`design.{name}` (={told[name]}) is not a field: increments here are {', '.join(names)}"
                )
        increments = {name: told.get(name, INCREMENT) for name in names}
        for factor, (name, step) in zip(factors, increments.items(), strict=True):
            if not factor.span / MAX_STEPS <= step <= factor.span / 2:
                raise ValueError(
                    f"`design.{name}` (={step}) must be from 1/{MAX_STEPS} to half of {factor.name}'s range "
                    f"(={factor.span:g} {factor.unit}): a grid has from 2 to {MAX_STEPS} values of a factor"
                )
            if factor.periodic and self.ends == "both":
                raise ValueError(
                    f"`design.ends` (=both) must be low or high where {factor.name} comes round: both ends are one place"
                )
        labels = math.prod(
            factor.span / step for factor, step in zip(factors, increments.values(), strict=True)
        )
        if labels > MOST_LABELS:
            raise ValueError(
                f"`design` (={', '.join(f'{name}={step:g}' for name, step in increments.items())}) must be coarser: "
                f"about {labels:.0f} labels, and {MOST_LABELS} at most"
            )
        grid = self.model_copy()
        grid.__pydantic_extra__ = increments
        whole = math.prod(len(values) for values in grid._axes(factors))
        if self.keep is not None and self.keep > whole:
            raise ValueError(
                f"`design.keep` (={self.keep}) must be at most {whole}: as many labels has the grid"
            )
        return grid

    def sentence(self, factors: Factors) -> str:
        """As people say it: ``trained on a grid of 1 x 0.5 px``."""
        told = self.model_extra or {}
        steps = " x ".join(f"{told.get(f'd{name}', INCREMENT):g}" for name in factors.names)
        units = dict.fromkeys(factor.unit for factor in factors)
        some = "" if self.keep is None else f"{self.keep:,} labels of "
        return f"trained on {some}a grid of {steps} {next(iter(units)) if len(units) == 1 else ''}".rstrip()

    def labels(self, factors: Factors) -> Float[np.ndarray, "M K"]:
        """The labels that are trained on, float32; the last factor varies fastest."""
        axes = self._axes(factors)
        whole = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)).astype(np.float32)
        if self.keep is None:
            return whole
        order = numpy_generator(self.shuffle, "kept labels").permutation(len(whole))
        return whole[np.sort(order[: self.keep])]

    def _axes(self, factors: Factors) -> list[np.ndarray]:
        """The values of each factor."""
        told = self.model_extra or {}
        return [grid_values(factor, told.get(f"d{factor.name}", INCREMENT), self.ends) for factor in factors]


def grid_values(factor: Factor, step: float, ends: str) -> np.ndarray:
    """All low + i * step in [low, high) (`ends` = low), (low, high] (high) or [low, high] (both)."""
    first = 1 if ends == "high" else 0
    steps = factor.span / step
    last = np.ceil(steps - ROUNDING) - 1 if ends == "low" else np.floor(steps + ROUNDING)
    return np.minimum(factor.low + step * np.arange(first, last + 1), factor.high)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) and not isinstance(value, bool) else None
