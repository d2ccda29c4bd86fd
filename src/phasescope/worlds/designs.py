"""Designs: which labels the training set holds.

The grid of Liang, Liu & Fiete 2024 (arXiv 2402.03305) takes every label whose factors are multiples of an increment;
unequal increments are its imbalance. With one end of the range left out a 32 px canvas holds (32/dx)(32/dy) images:
1,024 at 1 px, 102,400 at 0.1 px.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

import numpy as np
from jaxtyping import Float
from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from phasescope.core.config import Config
from phasescope.core.factors import Factor, Factors
from phasescope.core.randomness import numpy_generator
from phasescope.worlds.holdouts import AnyHoldOut, Held, finite, named

MAX_STEPS = 10_000
"""values of a factor"""
# A grid is completely held in memory.
MOST_LABELS = 2**24
TRAINED = "trained on "
INCREMENT = 1.0
"""default increment of a factor, in its unit"""


class Design(Config):
    """A rule that says which labels are trained on, and which named sets of others are tested."""

    kind: str

    @abstractmethod
    def along(self, factors: Factors) -> Self:
        """Return this design with the defaults of these factors filled in; ValueError if it does not fit them, or leaves no
        label to train on."""

    @abstractmethod
    def labels(self, factors: Factors) -> Float[np.ndarray, "M K"]:
        """Return the labels that are trained on, float32."""

    def box(self, factors: Factors) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, " K"]]:
        """Return the least and the largest label of each factor that is trained on, float32."""
        labels = self.labels(factors)
        return labels.min(axis=0), labels.max(axis=0)

    @abstractmethod
    def held(self, factors: Factors) -> Mapping[str, Float[np.ndarray, "n K"]]:
        """Return by split the labels that are held out for it, float32."""

    @abstractmethod
    def sentence(self, factors: Factors) -> str:
        """Return it in words: ``trained on a grid of 1 x 0.5 px``."""


class Grid(Design):
    """Every label on a grid: `d` and a factor's name is its increment, as in ``{kind: grid, dx: 0.5, dy: 1}``."""

    model_config = ConfigDict(extra="allow")

    kind: Literal["grid"] = "grid"
    ends: Literal["low", "high", "both"] = "high"
    """which ends of each factor's range the grid includes; a grid always has all classes"""
    within: dict[str, tuple[float, float]] = Field({})
    """by factor the range in which the grid lies; other factors have their whole range"""
    at: dict[str, float] = Field({})
    """by factor the only value that it has in the grid"""
    keep: int | None = Field(None, ge=1, le=MOST_LABELS)
    """how many of the grid's labels are trained on: the first in a random order, so that more holds fewer; null: all"""
    shuffle: int = Field(0, ge=0, le=2**31)
    """number of that random order"""
    hold_out: AnyHoldOut | None = Field(None, discriminator="kind")
    """which labels of the grid are not trained on but tested; null: none"""

    @model_validator(mode="after")
    def _increments_are_numbers(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if not name.startswith("d") or len(name) < 2:
                raise ValueError(
                    f"`{name}` (={value}) is not a field: fields here are {', '.join(type(self).model_fields)}, and d "
                    "with a factor's name"
                )
            number = finite(value)
            if number is None or not number > 0:
                raise ValueError(f"`{name}` (={value}) must be greater than 0: an increment of the grid")
            self.__pydantic_extra__[name] = number  # pyrefly: ignore[unsupported-operation]
        return self

    def default_of(self, name: str) -> Any:
        return INCREMENT if name in (self.model_extra or {}) else super().default_of(name)

    def increment(self, factor: Factor) -> float:
        return (self.model_extra or {}).get(f"d{factor.name}", INCREMENT)

    def along(self, factors: Factors) -> Grid:
        names = [f"d{name}" for name in factors.names]
        for name, value in (self.model_extra or {}).items():
            if name not in names:
                raise ValueError(
                    f"`design.{name}` (={value}) is not a field: increments here are {', '.join(names)}"
                )

        self._check_ranges(factors)
        limited = self.limited(factors)
        free = [factor for factor in limited if factor.name not in self.at]
        for factor in free:
            self._check_increment(factor)

        increments = {f"d{factor.name}": self.increment(factor) for factor in factors}
        count = math.prod(factor.span / self.increment(factor) + factor.categorical for factor in free)
        if count > MOST_LABELS:
            raise ValueError(
                f"`design` (={', '.join(f'{name}={step:g}' for name, step in increments.items())}) must be coarser: "
                f"about {count:.0f} labels, and {MOST_LABELS} at most"
            )

        grid = self.model_copy()
        grid.__pydantic_extra__ = increments
        most = math.prod(len(values) for values in grid._axes(factors))
        if self.keep is not None and self.keep > most:
            raise ValueError(f"`design.keep` (={self.keep}) must be at most {most}, the labels of the grid")

        if self.hold_out is not None:
            self.hold_out.check(limited)
            grid._check_held(self.hold_out.sentence(factors), factors)
        return grid

    def _check_increment(self, factor: Factor) -> None:
        name, step = f"d{factor.name}", self.increment(factor)
        if factor.categorical and step != INCREMENT:
            raise ValueError(f"`design.{name}` (={step:g}) must be left out: {factor.name} has classes")
        if not factor.categorical and not factor.span / MAX_STEPS <= step <= factor.span / 2:
            raise ValueError(
                f"`design.{name}` (={step}) must be from 1/{MAX_STEPS} to half of {factor.name}'s range "
                f"(={factor.span:g} {factor.unit}): a grid has from 2 to {MAX_STEPS} values of a factor"
            )
        if factor.periodic and self.ends == "both":
            raise ValueError(
                f"`design.ends` (=both) must be low or high if {factor.name} is periodic: both ends are one place"
            )

    def _check_ranges(self, factors: Factors) -> None:
        ranges = {("within", name): limits for name, limits in self.within.items()}
        ranges |= {("at", name): (value, value) for name, value in self.at.items()}
        for (field, name), (low, high) in ranges.items():
            factor = named(f"design.{field}", name, factors)
            if field == "at" and name in self.within:
                raise ValueError(f"`design.at.{name}` (={low:g}) must not be given with `within`")
            inside = factor.holds(low) and factor.holds(high) and low <= high
            if not inside or (field == "within" and low == high):
                given = f"{low:g}" if field == "at" else f"{low:g} to {high:g}"
                values = "classes" if factor.categorical else "range"
                raise ValueError(
                    f"`design.{field}.{name}` (={given}) must lie in {name}'s {values}, from {factor.low:g} to "
                    f"{factor.high:g} {factor.unit}".rstrip()
                )

    def _check_held(self, rule: str, factors: Factors) -> None:
        held = self._masks(self._kept(factors), factors)
        if np.any(list(held.values()), axis=0).all():
            raise ValueError(f"`design.hold_out` (={rule}) must leave a label to train on, and holds out all")
        for name, mask in held.items():
            if not mask.any():
                raise ValueError(
                    f"`design.hold_out` (={rule}) must hold out a label of the grid for `{name}`, and holds out none"
                )

    def limited(self, factors: Factors) -> Factors:
        def limit(factor: Factor) -> Factor:
            low, high = self.within.get(factor.name, (factor.low, factor.high))
            periodic = factor.periodic and (low, high) == (factor.low, factor.high)
            return replace(factor, low=low, high=high, periodic=periodic)

        return Factors(map(limit, factors))

    def sentence(self, factors: Factors) -> str:
        measured = [factor for factor in factors if not factor.categorical]
        steps = " x ".join(f"{self.increment(factor):g}" for factor in measured) or "all classes"
        units = {factor.unit for factor in measured}
        grid = f"a grid of {steps} {units.pop() if len(units) == 1 else ''}".rstrip()
        some = "" if self.keep is None else f"{self.keep:,} labels of "
        unit = {factor.name: f" {factor.unit}".rstrip() for factor in factors}
        limits = [f"{name} from {low:g} to {high:g}{unit[name]}" for name, (low, high) in self.within.items()]
        limits += [f"{name} at {value:g}{unit[name]}" for name, value in self.at.items()]

        limited = f", {' and '.join(limits)}" if limits else ""
        held = f", less {self.hold_out.sentence(factors)}" if self.hold_out else ""
        return f"{TRAINED}{some}{grid}{limited}{held}"

    def labels(self, factors: Factors) -> Float[np.ndarray, "M K"]:
        """Return the labels that are trained on; the last factor varies fastest."""
        labels = self._kept(factors)
        held = self._masks(labels, factors)
        return labels[~np.any(list(held.values()), axis=0)] if held else labels

    def held(self, factors: Factors) -> dict[str, Float[np.ndarray, "n K"]]:
        labels = self._kept(factors)
        return {name: labels[mask] for name, mask in self._masks(labels, factors).items()}

    def box(self, factors: Factors) -> tuple[Float[np.ndarray, " K"], Float[np.ndarray, " K"]]:
        if self.keep is not None or self.hold_out is not None:
            return super().box(factors)
        # Without laying out the grid, which takes long if it is fine.
        axes = self._axes(factors)
        low, high = ([end(axis) for axis in axes] for end in (np.min, np.max))
        return np.array(low, np.float32), np.array(high, np.float32)

    def _masks(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        return {} if self.hold_out is None else self.hold_out.held(labels, self.limited(factors))

    def _kept(self, factors: Factors) -> Float[np.ndarray, "M K"]:
        """Return the grid's labels, `keep` of them, held out or not."""
        axes = self._axes(factors)
        labels = (
            np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes)).astype(np.float32)
        )
        if self.keep is None:
            return labels
        order = numpy_generator(self.shuffle, "kept labels").permutation(len(labels))
        return labels[np.sort(order[: self.keep])]

    def _axes(self, factors: Factors) -> list[np.ndarray]:
        return [
            np.array([self.at[factor.name]])
            if factor.name in self.at
            else factor.grid(self.increment(factor), self.ends)
            for factor in self.limited(factors)
        ]


class Union(Design):
    """Several designs, one beside the other: what one holds out no other trains on, unless it offers it itself."""

    kind: Literal["union"] = "union"
    parts: tuple[Grid, ...] = Field(min_length=1)
    """grids whose labels are trained on"""
    tested: tuple[Grid, ...] = ()
    """grids of which only the held-out labels are tested"""

    def along(self, factors: Factors) -> Union:
        fields = {field: self._along(field, factors) for field in ("parts", "tested")}
        union = self.model_copy(update=fields)
        for name, labels in union.held(factors).items():
            if not len(labels):
                raise ValueError(f"`design` (=union) must leave a label for `{name}` to be held out")
        return union

    def _along(self, field: str, factors: Factors) -> tuple[Grid, ...]:
        grids = []
        for number, grid in enumerate(getattr(self, field)):
            try:
                if field == "tested" and grid.hold_out is None:
                    raise ValueError("`design.hold_out` (=null) must hold out what is tested")
                grids.append(grid.along(factors))
            except ValueError as error:
                raise ValueError(str(error).replace("`design", f"`design.{field}.{number}", 1)) from None
        return tuple(grids)

    def labels(self, factors: Factors) -> Float[np.ndarray, "M K"]:
        """Return each label once, in the order of the parts."""
        labels = np.concatenate([part.labels(factors) for part in self.parts])
        return labels[np.sort(np.unique(factors.places(labels), axis=0, return_index=True)[1])]

    def held(self, factors: Factors) -> dict[str, Float[np.ndarray, "n K"]]:
        """Return the splits of the parts and of `tested`, without labels that a part trains on."""
        trained = set(map(tuple, factors.places(self.labels(factors)).tolist()))
        splits: dict[str, list[np.ndarray]] = {}
        for grid in (*self.parts, *self.tested):
            for name, labels in grid.held(factors).items():
                untrained = [tuple(place) not in trained for place in factors.places(labels).tolist()]
                splits.setdefault(name, []).append(labels[np.array(untrained, dtype=bool)])
        together = {name: np.concatenate(labels) for name, labels in splits.items()}
        return {
            name: labels[np.unique(factors.places(labels), axis=0, return_index=True)[1]]
            for name, labels in together.items()
        }

    def sentence(self, factors: Factors) -> str:
        parts = [part.sentence(factors).removeprefix(TRAINED) for part in self.parts]
        return f"{TRAINED}{'; and on '.join(parts)}"


def _grid_by_default(value: Any) -> Any:
    return {"kind": "grid", **value} if isinstance(value, dict) else value


AnyDesign = Annotated[Annotated[Grid | Union, Field(discriminator="kind")], BeforeValidator(_grid_by_default)]
