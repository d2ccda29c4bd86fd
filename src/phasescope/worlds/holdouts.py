"""Hold-outs: predicates on labels that say which of a design's labels are not trained on, and which split tests them.

Factor combinations that were never trained on are what a network must compose. Each rule returns masks of the labels that
it holds out, as named splits; all other labels are trained on. Ranges are in the factors' units and may wrap round the end
of a periodic factor. A rule that needs a range of each factor has them by name: ``{kind: cross, x: [13, 19], y: [13, 19]}``.

    cross       a band of each factor (Liang et al. 2024, arXiv 2408.13256): in one band alone, `x_arm`, `y_arm`; in
                several, `intersection`
    square      the combinations whose factors all lie in their ranges: `square`
    lesion      a band of one factor, its edges trained on: `lesion`
    rim         what lies farther than `width` from both ends of each factor: `inside`
    subset      labels drawn at random: `left_out`
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from jaxtyping import Bool, Float
from pydantic import ConfigDict, Field, model_validator

from phasescope.core.config import Config
from phasescope.core.factors import Factor, Factors
from phasescope.core.randomness import numpy_generator

# A label may miss the end of another range by this share of a factor's range and still lie in it.
ROUNDING = 1e-6

Held = Mapping[str, Bool[np.ndarray, " n"]]
"""Whether each label belongs to a split, by split."""


class HoldOut(Config):
    """A rule on labels."""

    kind: str

    def check(self, factors: Factors) -> None:
        """Raise ValueError unless it fits these factors, whose range is that of the design."""

    @abstractmethod
    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """Return by split which of all of a design's labels, in their order, are held out for it."""

    @abstractmethod
    def sentence(self, factors: Factors) -> str:
        """Describe in words the labels that are held out."""


class _Ranges(HoldOut):
    """A range (low, high), both ends included, of some factors, by their names."""

    model_config = ConfigDict(extra="allow")

    LEAST: ClassVar[int]
    """factors that must have a range"""

    @model_validator(mode="after")
    def _ranges_are_pairs(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            pair = [finite(end) for end in value] if isinstance(value, list | tuple) else []
            if len(pair) != 2 or None in pair or pair[0] > pair[1]:  # pyrefly: ignore[unsupported-operation]
                raise ValueError(f"`{name}` (={value}) must be a range of two numbers, low and high")
            self.__pydantic_extra__[name] = tuple(pair)  # pyrefly: ignore[unsupported-operation]
        return self

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        return dict(self.model_extra or {})

    def check(self, factors: Factors) -> None:
        if len(self.ranges) < self.LEAST:
            noun = "factor" if self.LEAST == 1 else "factors"
            raise ValueError(
                f"`design.hold_out` (={self.kind} of {', '.join(self.ranges) or 'nothing'}) must have the ranges of "
                f"at least {self.LEAST} {noun}, as in x: [13, 19], y: [13, 19]"
            )
        for name, (low, high) in self.ranges.items():
            check_narrower(name, f"{low:g} to {high:g}", high - low, named("design.hold_out", name, factors))

    def within(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Bool[np.ndarray, "ranges n"]:
        """Return whether each label lies in each range."""
        masks = []
        for name, (low, high) in self.ranges.items():
            distance, slack = distance_from((low + high) / 2, name, labels, factors)
            masks.append(distance <= (high - low) / 2 + slack)
        return np.stack(masks)

    def sentence(self, factors: Factors) -> str:
        units = {factor.name: factor.unit for factor in factors}
        ranges = (
            f"{name} from {low:g} to {high:g} {units[name]}" for name, (low, high) in self.ranges.items()
        )
        return f"a {self.kind}: {', '.join(map(str.rstrip, ranges))}"


class Cross(_Ranges):
    """A band of each of several factors."""

    LEAST: ClassVar[int] = 2

    kind: Literal["cross"] = "cross"

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        within = self.within(labels, factors)
        count = within.sum(axis=0)
        arms = {f"{name}_arm": own & (count == 1) for name, own in zip(self.ranges, within, strict=True)}
        return arms | {"intersection": count > 1}


class Square(_Ranges):
    """The combinations whose factors all lie in their ranges."""

    LEAST: ClassVar[int] = 1

    kind: Literal["square"] = "square"

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        return {"square": np.asarray(self.within(labels, factors).all(axis=0))}


class Lesion(HoldOut):
    """A band of one factor; labels at its edges are trained on."""

    kind: Literal["lesion"] = "lesion"
    width: float = Field(gt=0)
    """width of the band, in the factor's unit"""
    axis: str
    """name of the factor of which a band is held out"""
    middle: float | None = None
    """middle of the band; null: the middle of the factor's range"""

    def check(self, factors: Factors) -> None:
        factor = named("design.hold_out.axis", self.axis, factors)
        check_narrower("width", f"{self.width:g}", self.width, factor)

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        factor = named("design.hold_out.axis", self.axis, factors)
        middle = factor.low + factor.span / 2 if self.middle is None else self.middle
        distance, slack = distance_from(middle, self.axis, labels, factors)
        return {"lesion": distance < self.width / 2 - slack}

    def sentence(self, factors: Factors) -> str:
        unit = named("design.hold_out.axis", self.axis, factors).unit
        return f"a lesion of {self.axis}, {self.width:g} {unit} wide".replace("  ", " ")


class Rim(HoldOut):
    """Labels farther than a width from both ends of each factor, so that only a rim is trained on."""

    kind: Literal["rim"] = "rim"
    width: float = Field(gt=0)
    """width of the rim, in the factors' unit"""

    def check(self, factors: Factors) -> None:
        for factor in factors:
            if factor.periodic or factor.categorical:
                raise ValueError(
                    f"`design.hold_out` (=rim) must be of factors with two ends, and {factor.name} has none"
                )
            if 2 * self.width >= factor.span:
                raise ValueError(
                    f"`design.hold_out.width` (={self.width:g}) must be less than half of {factor.name}'s range "
                    f"(={factor.span:g} {factor.unit}): there is nothing inside such a rim"
                )

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        low, high = labels - factors.low, factors.low + factors.span - labels
        inside = np.minimum(low, high) > self.width + ROUNDING * factors.span
        return {"inside": np.asarray(inside.all(axis=1))}

    def sentence(self, factors: Factors) -> str:
        return f"what lies inside a rim of {self.width:g}"


class Subset(HoldOut):
    """Random labels; with the same `shuffle`, what a larger `share` trains on includes what a smaller one does."""

    kind: Literal["subset"] = "subset"
    share: float | None = Field(None, gt=0, lt=1)
    """share of the labels that is trained on"""
    count: int | None = Field(None, ge=1)
    """how many labels are trained on, instead of their share"""
    shuffle: int = Field(0, ge=0, le=2**31)
    """number of the random order in which labels are drawn"""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.share is None) == (self.count is None):
            raise ValueError(
                f"`share` (={self.share}) or `count` (={self.count}) must be given, and not both: how much is trained on"
            )
        return self

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        kept = round(self.share * len(labels)) if self.share is not None else self.count or 0
        order = numpy_generator(self.shuffle, "kept labels").permutation(len(labels))

        left_out = np.ones(len(labels), dtype=bool)
        left_out[order[:kept]] = False
        return {"left_out": left_out}

    def sentence(self, factors: Factors) -> str:
        kept = f"{100 * self.share:g} %" if self.share is not None else f"{self.count:,}"
        return f"all but {kept} of the labels, drawn at random"


AnyHoldOut = Cross | Square | Lesion | Rim | Subset


def finite(value: Any) -> float | None:
    """Return a user's input as a number; None if it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) and not isinstance(value, bool) else None


def named(field: str, name: str, factors: Factors) -> Factor:
    """Return the factor of this name; ValueError, which names the `field`, if there is none."""
    if name not in factors.names:
        raise ValueError(f"`{field}` (={name}) must be one of the factors: {', '.join(factors.names)}")
    return factors[factors.names.index(name)]


def check_narrower(field: str, value: str, width: float, factor: Factor) -> None:
    if width >= factor.span:
        raise ValueError(
            f"`design.hold_out.{field}` (={value}) must be narrower than {factor.name}'s range (={factor.span:g} "
            f"{factor.unit}): nothing would be left to train on"
        )


def distance_from(
    middle: float, name: str, labels: Float[np.ndarray, "n K"], factors: Factors
) -> tuple[Float[np.ndarray, " n"], float]:
    """Return the distance of each label from the middle along a factor, in its unit; and the tolerance of that."""
    k = factors.names.index(name)
    middles = np.full((len(labels), 1), middle, dtype=float)
    # A range of classes is one of their numbers: between classes themselves all distances are 1.
    axis = Factors([replace(factors[k], categorical=False, classes=())])
    distance = np.abs(axis.difference(labels[:, [k]], middles))[:, 0]
    return distance, ROUNDING * factors[k].span
