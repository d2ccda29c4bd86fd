"""Rules on labels: which of a design's labels are not trained on, and by which name they are tested.

Factor combinations that were never trained on are what a network must compose. Each rule here says of any labels which it
holds out, as named splits; the rest is trained on. Ranges are in the factors' units; of a periodic factor they may come
round. By factor, as in ``{kind: cross, x: [13, 19], y: [13, 19]}``, where a rule wants a range of each.

    cross       a band of each factor (Liang et al. 2024, arXiv 2408.13256): in one band alone, `x_arm`, `y_arm`; in
                several, `intersection`
    square      the combinations whose factors all lie in their ranges: `square`
    corner      the combinations within `width` of the same end of all factors: `corner`
    lesion      a band of one factor, its edges trained on: `lesion`
    rim         what lies farther than `width` from both ends of each factor: `inside`
    diagonal    what lies farther than `width` from two factors' equality: `off_diagonal`
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from jaxtyping import Bool, Float
from pydantic import ConfigDict, Field, model_validator

from phasescope.config import Config
from phasescope.factors import Factor, Factors

ROUNDING = 1e-6
"""of a factor's range, by which a label may miss the end of another and still lie in it"""

Held = Mapping[str, Bool[np.ndarray, " n"]]
"""By split, whether it has a label."""


class HoldOut(Config):
    """A rule on labels."""

    kind: str

    def check(self, factors: Factors) -> None:
        """Raises ValueError where it does not go with these factors, whose range is that of the design."""

    @abstractmethod
    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """Which of a design's labels, all of them in their order, are held out, by the split that tests them."""

    @abstractmethod
    def sentence(self, factors: Factors) -> str:
        """What is held out, for people."""


class _Ranges(HoldOut):
    """A range (low, high), both ends in it, of some factors, by their names."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _ranges_are_pairs(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            given = value if isinstance(value, list | tuple) else []
            pair = [number for one in given if (number := finite(one)) is not None]
            if len(given) != 2 or len(pair) != 2 or pair[0] > pair[1]:
                raise ValueError(
                    f"`{name}` (={value}) must be the range of a factor: two numbers, low and high"
                )
            self.__pydantic_extra__[name] = tuple(pair)  # pyrefly: ignore[unsupported-operation]
        return self

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        return dict(self.model_extra or {})

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        for name, (low, high) in self.ranges.items():
            check_factor("design.hold_out", name, factors)
            factor = factors[factors.names.index(name)]
            if high - low >= factor.span:
                raise ValueError(
                    f"`design.hold_out.{name}` (={low:g} to {high:g}) must be narrower than {name}'s range "
                    f"(={factor.span:g} {factor.unit}): nothing would be left to train on"
                )

    def within(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Bool[np.ndarray, "ranges n"]:
        """Whether each label lies in each range."""
        return np.stack(
            [
                _far(labels[:, [k]], factors[k], (low + high) / 2) <= (high - low) / 2 + _slack(factors[k])
                for k, (low, high) in ((factors.names.index(n), of) for n, of in self.ranges.items())
            ]
        )

    def told(self, factors: Factors) -> str:
        units = {factor.name: factor.unit for factor in factors}
        return ", ".join(
            f"{name} from {low:g} to {high:g} {units[name]}".rstrip()
            for name, (low, high) in self.ranges.items()
        )


class Cross(_Ranges):
    """A band of each of several factors."""

    kind: Literal["cross"] = "cross"

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        if len(self.ranges) < 2:
            raise ValueError(
                f"`design.hold_out` (=cross of {', '.join(self.ranges) or 'nothing'}) must have the ranges of two factors "
                "at least, as in x: [13, 19], y: [13, 19]"
            )
        super().check(factors)

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """`x_arm` and the like, in one factor's band alone; `intersection`, in several."""
        within = self.within(labels, factors)
        count = within.sum(axis=0)
        arms = {f"{name}_arm": own & (count == 1) for name, own in zip(self.ranges, within, strict=True)}
        return arms | {"intersection": count > 1}

    def sentence(self, factors: Factors) -> str:
        """See `HoldOut.sentence`."""
        return f"a cross: {self.told(factors)}"


class Square(_Ranges):
    """The combinations whose factors all lie in their ranges."""

    kind: Literal["square"] = "square"

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        if not self.ranges:
            raise ValueError(
                "`design.hold_out` (=square of nothing) must have the range of a factor at least, as in x: [13, 19]"
            )
        super().check(factors)

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """`square`."""
        return {"square": np.asarray(self.within(labels, factors).all(axis=0))}

    def sentence(self, factors: Factors) -> str:
        """See `HoldOut.sentence`."""
        return f"a square: {self.told(factors)}"


class _Wide(HoldOut):
    """A rule with a width, in the factors' unit."""

    width: float = Field(gt=0)
    """in the factors' unit"""

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        for factor in factors:
            if self.width >= factor.span:
                raise ValueError(
                    f"`design.hold_out.width` (={self.width:g}) must be less than {factor.name}'s range "
                    f"(={factor.span:g} {factor.unit})".rstrip()
                )


class Corner(_Wide):
    """The combinations within a width of the same end of all factors."""

    kind: Literal["corner"] = "corner"
    end: Literal["low", "high"] = "high"
    """of the factors' ranges"""

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        _open("corner", factors)
        super().check(factors)

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """`corner`."""
        low, high = labels - factors.low, factors.low + factors.span - labels
        near = (low if self.end == "low" else high) < self.width - ROUNDING * factors.span
        return {"corner": np.asarray(near.all(axis=1))}

    def sentence(self, factors: Factors) -> str:
        """See `HoldOut.sentence`."""
        return f"the corner within {self.width:g} of the {self.end} ends"


class Lesion(_Wide):
    """A band of one factor; what lies at its edges is trained on."""

    kind: Literal["lesion"] = "lesion"
    axis: str
    """the factor's name"""
    middle: float | None = None
    """of the band; null: of the factor's range"""

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        check_factor("design.hold_out.axis", self.axis, factors)
        super().check(Factors([factors[factors.names.index(self.axis)]]))

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """`lesion`."""
        k = factors.names.index(self.axis)
        factor = factors[k]
        middle = factor.low + factor.span / 2 if self.middle is None else self.middle
        return {"lesion": _far(labels[:, [k]], factor, middle) < self.width / 2 - _slack(factor)}

    def sentence(self, factors: Factors) -> str:
        """See `HoldOut.sentence`."""
        unit = factors[factors.names.index(self.axis)].unit
        return f"a lesion of {self.axis}, {self.width:g} {unit} wide".replace("  ", " ")


class Rim(_Wide):
    """What lies farther than a width from both ends of each factor: a rim is trained on."""

    kind: Literal["rim"] = "rim"

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        _open("rim", factors)
        for factor in factors:
            if 2 * self.width >= factor.span:
                raise ValueError(
                    f"`design.hold_out.width` (={self.width:g}) must be less than half of {factor.name}'s range "
                    f"(={factor.span:g} {factor.unit}): there is nothing inside such a rim"
                )

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """`inside`."""
        low, high = labels - factors.low, factors.low + factors.span - labels
        inside = np.minimum(low, high) > self.width + ROUNDING * factors.span
        return {"inside": np.asarray(inside.all(axis=1))}

    def sentence(self, factors: Factors) -> str:
        """See `HoldOut.sentence`."""
        return f"what lies inside a rim of {self.width:g}"


class Diagonal(_Wide):
    """What lies farther than a width from two factors' equality."""

    kind: Literal["diagonal"] = "diagonal"

    def check(self, factors: Factors) -> None:
        """See `HoldOut.check`."""
        _pair("diagonal", factors)
        super().check(factors)

    def held(self, labels: Float[np.ndarray, "n K"], factors: Factors) -> Held:
        """`off_diagonal`."""
        first = factors[0]
        return {"off_diagonal": _far(labels[:, [0]], first, labels[:, 1]) > self.width + _slack(first)}

    def sentence(self, factors: Factors) -> str:
        """See `HoldOut.sentence`."""
        return f"what lies farther than {self.width:g} from {factors[0].name} = {factors[1].name}"


def finite(value: Any) -> float | None:
    """A number that somebody wrote; None where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) and not isinstance(value, bool) else None


def _far(values: Float[np.ndarray, "n 1"], factor: Factor, middle: Any) -> Float[np.ndarray, " n"]:
    """How far values lie from the middle, in the factor's unit."""
    middles = np.broadcast_to(np.reshape(np.asarray(middle, dtype=float), (-1, 1)), values.shape)
    return np.abs(Factors([factor]).difference(values, middles))[:, 0]


def _slack(factor: Factor) -> float:
    return ROUNDING * factor.span


def check_factor(field: str, name: str, factors: Factors) -> None:
    """Raises ValueError where `name`, of a field, is no factor."""
    if name not in factors.names:
        raise ValueError(f"`{field}` (={name}) must be one of the factors: {', '.join(factors.names)}")


def _open(kind: str, factors: Factors) -> None:
    for factor in factors:
        if factor.periodic or factor.categorical:
            raise ValueError(
                f"`design.hold_out` (={kind}) must be of factors with two ends, and {factor.name} has none"
            )


def _pair(kind: str, factors: Factors) -> None:
    first, second = (factors[0], factors[1]) if len(factors) > 1 else (factors[0], None)
    same = second is not None and (first.unit, first.low, first.high) == (
        second.unit,
        second.low,
        second.high,
    )
    if not same:
        raise ValueError(
            f"`design.hold_out` (={kind}) must be of two factors of one range, and these are not"
        )
