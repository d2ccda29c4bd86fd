"""Factors of variation: the meaning of the numbers of a label.

A label is a row of K numbers, one per factor, in the factors' units. Functions that take labels take their `Factors`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from phasescope.core.errors import similar

Labels = TypeVar("Labels", bound=Any)
# Rounding may make a range slightly shorter than a whole number of steps, as in 32 / 0.1 = 320.
ROUNDING = 1e-6
# A factor's name is part of columns' names, whose parts are divided by . | and , and is shown on pages and in tables.
WORD = re.compile(r"\w[\w ()°%+-]{0,63}")
MARKUP = "<>&\"'`"
# So many classes of a factor are named in a line of text.
FEW = 12


def not_a_word(names: Sequence[str]) -> str | None:
    """Return the first name that no factor may have; None if all are words."""
    return next((name for name in names if not WORD.fullmatch(name) or name != name.strip()), None)


def check_class_names(names: Sequence[str]) -> None:
    """Raise ValueError if a class has a name that cannot be shown as it is."""
    for name in names:
        if not name.strip() or not name.isprintable() or any(mark in name for mark in MARKUP):
            raise ValueError(f"`classes` (={name!r:.60}) must be printable words without {' '.join(MARKUP)}")


@dataclass(frozen=True)
class Factor:
    """One axis of a label.

    Attributes:
        name: a word.
        low, high: the range; for a periodic factor one period, whose ends are equivalent.
        unit: such as px; empty if it has none.
        periodic: whether it is periodic.
        categorical: whether its values are classes, without order or distance: the integers from low to high.
        classes: their names, in that order; if empty, the numbers are the names.
        hidden: whether it varies only in the images, and is neither given to the network nor measured.
    """

    name: str
    low: float
    high: float
    unit: str = ""
    periodic: bool = False
    categorical: bool = False
    classes: Sequence[str] = ()
    hidden: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))  # JSON gives a list, which has no hash

    @property
    def span(self) -> float:
        return self.high - self.low

    def holds(self, value: float) -> bool:
        """Return whether `value` lies in the range, and is a class if the factor is categorical."""
        return self.low <= value <= self.high and (not self.categorical or value % 1 == 0)

    def grid(self, step: float, ends: str) -> Float[np.ndarray, " m"]:
        """Return all low + i * step in [low, high) (`ends` = low), (low, high] (high) or [low, high] (both); for a
        categorical factor, return all classes and ignore `step` and `ends`."""
        if self.categorical:
            return self.values
        first = 1 if ends == "high" else 0
        steps = self.span / step
        last = np.ceil(steps - ROUNDING) - 1 if ends == "low" else np.floor(steps + ROUNDING)
        return np.minimum(self.low + step * np.arange(first, last + 1), self.high)

    @property
    def values(self) -> Float[np.ndarray, " m"]:
        """The classes of a categorical factor, as numbers in labels."""
        return self.low + np.arange(round(self.span) + 1)

    def class_name(self, value: float) -> str:
        """Return the name of the class `value`."""
        return self.classes[round(value - self.low)] if self.classes else f"{value:g}"

    def sentence(self) -> str:
        """Describe the factor in words: "x (continuous, 0 to 32 px)", "colour (classes blue, green, red)"."""
        ends = f"{self.low:g} to {self.high:g} {self.unit}".rstrip()
        if self.categorical:
            count = len(self.values)
            kind = (
                f"classes {', '.join(self.classes)}" if self.classes and count <= FEW else f"{count} classes"
            )
        else:
            kind = f"{'periodic' if self.periodic else 'continuous'}, {ends}"
        return f"{self.name} ({kind}{', hidden' if self.hidden else ''})"

    def number(self, text: str) -> float:
        """Return what stands in a label for `text`: the class of that name, else the number that it reads as.

        The trap: a name comes first. Of the classes "1", "2", "5" the text "2" is the second; the number 2 is the third.

        Raises:
            ValueError: it is no class, and no number.
        """
        word = text.strip()
        if word in self.classes:
            return self.low + self.classes.index(word)
        try:
            return float(word)
        except ValueError:
            names = ", ".join([*self.classes[:FEW], *["..."] * (len(self.classes) > FEW)])
            rule = f"one of its classes: {names}" if self.classes else "a number"
            raise ValueError(f"`{self.name}` (={text}) must be {rule}{similar(word, self.classes)}") from None


class Factors(tuple[Factor, ...]):
    """The K factors of a label, in the order of its columns."""

    __slots__ = ()

    @classmethod
    def named(
        cls,
        names: Sequence[str],
        span: Sequence[float] | None = None,
        periodic: Sequence[str] = (),
        categorical: Sequence[str] = (),
    ) -> Factors:
        """Return factors by name, each from 0 to its span, by default 1.

        Raises:
            ValueError: a name is no word; the number of spans differs from that of names, a span is not positive, a periodic
                factor has none, or a name is unknown or repeated.
        """
        if isinstance(names, str):
            raise ValueError(f"`names` (={names}) must be a list of words, as [{names!r}]")
        if (wrong := not_a_word(names)) is not None:
            raise ValueError(
                f"`names` (={wrong!r:.60}) must be words: letters, digits, _ or spaces, up to 64, the first no space"
            )

        if len(set(names)) != len(names) or not names:
            raise ValueError(f"`names` (={list(names)}) must be different words, one at least")
        for argument, some in (("periodic", periodic), ("categorical", categorical)):
            for name in some:
                if name not in names:
                    raise ValueError(f"`{argument}` (={name}) must be one of the factors: {', '.join(names)}")

        if span is not None and len(span) != len(names):
            raise ValueError(f"`span` (={list(span)}) must have one entry for each of {len(names)} factors")
        if periodic and span is None:
            raise ValueError("`span` (=None) must be given with a periodic factor: it is the period")

        spans = [1.0] * len(names) if span is None else [float(length) for length in span]
        if not all(np.isfinite(length) and length > 0 for length in spans):
            raise ValueError(f"`span` (={spans}) must be greater than 0: it is a factor's range")

        return cls(
            Factor(name, 0.0, length, periodic=name in periodic, categorical=name in categorical)
            for name, length in zip(names, spans, strict=True)
        )

    @classmethod
    def unknown(cls, K: int) -> Factors:
        """Return K factors of span 1, neither periodic nor categorical, with the names label1, label2, ..."""
        return cls.named([f"label{k + 1}" for k in range(K)])

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self)

    @property
    def low(self) -> Float[np.ndarray, " K"]:
        return np.array([factor.low for factor in self])

    @property
    def span(self) -> Float[np.ndarray, " K"]:
        return np.array([factor.span for factor in self])

    @property
    def periodic(self) -> Bool[np.ndarray, " K"]:
        return np.array([factor.periodic for factor in self], dtype=bool)

    @property
    def categorical(self) -> Bool[np.ndarray, " K"]:
        return np.array([factor.categorical for factor in self], dtype=bool)

    @property
    def visible(self) -> Factors:
        """The factors that are not hidden: those that are given to networks and measured."""
        return Factors(factor for factor in self if not factor.hidden)

    @property
    def hidden(self) -> tuple[int, ...]:
        """The columns of a full label whose factors are hidden."""
        return tuple(k for k, factor in enumerate(self) if factor.hidden)

    def visible_columns(self, labels: Labels) -> Labels:
        """Return the columns of full labels (n, K), an array or a tensor, whose factors are visible."""
        shown = [k for k, factor in enumerate(self) if not factor.hidden]
        return labels if len(shown) == len(self) else labels[:, shown]

    def difference(
        self, values: Float[np.ndarray, "*n K"], labels: Float[np.ndarray, "*n K"]
    ) -> Float[np.ndarray, "*n K"]:
        """Return values - labels in each factor's unit: the shortest difference of a periodic factor; for a categorical one
        0 if both are equal, else 1; NaN if either is."""
        plain = np.asarray(values, dtype=float) - np.asarray(labels, dtype=float)
        half = self.span / 2
        wrapped = np.where(self.periodic, (plain + half) % self.span - half, plain)
        differs = np.where(np.isnan(plain), np.nan, (plain != 0).astype(float))
        return np.where(self.categorical, differs, wrapped)

    def places(self, labels: Float[np.ndarray, "n K"]) -> Float[np.ndarray, "n K"]:
        """Return labels with both ends of periodic factors mapped to `low`, so that equivalent labels compare equal.

        An end is what is one in float32: there 2 pi is another number than in float64.
        """
        labels = np.asarray(labels)
        rounding = self._rounding
        is_low = np.abs(labels - self.low) <= rounding
        is_high = np.abs(labels - (self.low + self.span)) <= rounding
        return np.where(self.periodic & (is_low | is_high), self.low.astype(labels.dtype), labels)

    @property
    def _rounding(self) -> Float[np.ndarray, " K"]:
        """By how much a label in float32 may differ from the same number in float64."""
        return np.array(
            [np.finfo(np.float32).eps * max(abs(factor.low), abs(factor.high)) for factor in self]
        )

    def check(self, labels: Float[np.ndarray, "n K"]) -> None:
        """Raise ValueError if a label does not have one finite number in [low, high] for each factor."""
        if np.shape(labels)[1] != len(self):
            text = ", ".join(f"{value:g}" for value in labels[0])
            raise ValueError(f"`label` (={text}) must give {','.join(self.names)}: {len(self)} numbers")

        for factor, values in zip(self, np.asarray(labels).T, strict=True):
            if factor.categorical and (partial := values[values != np.round(values)]).size:
                raise ValueError(f"`{factor.name}` (={partial[0]:g}) must be a whole number, as classes are")

        for factor, values, rounding in zip(self, np.asarray(labels).T, self._rounding, strict=True):
            beyond = np.maximum(factor.low - values, values - factor.high)
            outside = ~(beyond <= rounding)
            if outside.any():
                raise ValueError(
                    f"`{factor.name}` (={values[outside][0]:g}) must lie in the world, "
                    f"from {factor.low:g} to {factor.high:g} {factor.unit}".rstrip()
                )
