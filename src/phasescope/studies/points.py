"""The points of a sweep: every combination of values, or some drawn from intervals; values that only some points have.

training.batch=8,16                                 two values
training.optimiser.lr=1e-4..1e-1:4:log              four values
training.optimiser.lr=1e-4..1e-1:log                an interval, for points that are drawn
"training.optimiser.momentum=.9,.95 if training.optimiser.kind=muon"
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

from phasescope.core.config import parse_overrides
from phasescope.core.errors import UserError
from phasescope.core.randomness import numpy_generator

MOST_VALUES = 4096
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})(?::(\d+))?(:log)?")
IF = " if "

Override = tuple[list[str], Any]
Drawing = Literal["sobol", "random"]


@dataclass(frozen=True)
class Interval:
    """Numbers between two ends; whole ones if both ends are written as such."""

    low: float
    high: float
    is_log: bool
    is_whole: bool

    def at(self, share: float) -> float:
        """Return the number at a share from 0 to 1 of the way, of the logarithm if it is logarithmic; to six digits."""
        # Each whole number has the part of the way from a half below to a half above it.
        beyond = 0.5 if self.is_whole else 0.0
        low, high = self.low - beyond, self.high + beyond
        value = low * (high / low) ** share if self.is_log else low + share * (high - low)
        if self.is_whole:
            return int(min(max(round(value), self.low), self.high))
        return float(f"{value:.6g}")


@dataclass(frozen=True)
class Field:
    """A field with its values, or an interval of them, and the override that a point must have to have the field."""

    key: str
    path: list[str]
    values: Sequence[Any] | Interval
    condition: Override | None = None

    @property
    def is_swept(self) -> bool:
        return isinstance(self.values, Interval) or len(self.values) > 1

    def at(self, share: float) -> Any:
        """Return the value at a share from 0 to 1 of the way; values that are listed have equal parts of it."""
        if isinstance(self.values, Interval):
            return self.values.at(share)
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


def field_of(word: str, is_drawn: bool = False) -> Field:
    """Return the field of ``key=values`` or ``key=values if other=value``.

    Args:
        is_drawn: whether points are drawn: a range without a number of values is then an interval.

    Raises:
        UserError: it is neither, or a value is missing or invalid.
    """
    own, is_conditional, condition = word.partition(IF)
    needed = None
    if is_conditional:
        [needed] = parse_overrides([condition.strip()])
    key, _, text = own.partition("=")
    if is_drawn and (interval := RANGE.fullmatch(text.strip())) and interval[3] is None:
        [(path, _)] = parse_overrides([f"{key}=0"])
        return Field(key, path, interval_of(key, text, *interval.group(1, 2, 4)), needed)

    overrides = list(values_of(own))
    return Field(key, overrides[0][0], [value for _, value in overrides], needed)


def interval_of(key: str, text: str, low: str, high: str, log: str | None) -> Interval:
    """Return the interval of a range that is written as 8..64, 0.5..2 or 1e-4..1e-1:log."""
    begin, end = float(low), float(high)
    if not (begin < end < math.inf and (begin > 0 or not log)):
        raise UserError(f"`{key}` (={text[:60]}) must be an interval with rising ends, above 0 with :log")
    is_whole = all(re.fullmatch(r"[+-]?\d+", text) for text in (low, high))
    return Interval(begin, end, is_log=bool(log), is_whole=is_whole)


def points_of(
    fields: Sequence[Field], drawn: int | None = None, drawing: Drawing = "sobol"
) -> list[list[Override]]:
    """Return the overrides of each point, those that are swept, without points that are the same.

    Args:
        drawn: how many points; None for every combination.
        drawing: from Sobol's sequence (1967, scrambled), which covers the space evenly, or at random; both are the same
            each time.

    Raises:
        UserError: a condition names a field that has no value, or one that is conditional itself.
    """
    swept = [field for field in fields if field.is_swept or field.condition]
    for field in swept:
        check_condition(field, fields)

    fixed = {tuple(field.path): field.at(0) for field in fields if field not in swept}
    points: dict[str, list[Override]] = {}
    for values in drawn_values(swept, drawn, drawing) if drawn else every_combination(swept):
        known = fixed | {tuple(field.path): value for field, value in zip(swept, values, strict=True)}
        point = [
            (field.path, value)
            for field, value in zip(swept, values, strict=True)
            if field.condition is None or known[tuple(field.condition[0])] == field.condition[1]
        ]
        points.setdefault(repr(point), point)
    return list(points.values())


def check_condition(field: Field, fields: Sequence[Field]) -> None:
    """Raise UserError if the condition of a field is not on a field of the sweep that every point has."""
    if field.condition is None:
        return
    name = ".".join(field.condition[0])
    known = [other.key for other in fields if other.condition is None]
    if name not in known:
        raise UserError(
            f"`{field.key}` (=if {name}) must depend on a field that every point is given: {', '.join(known) or 'none is'}"
        )


def every_combination(fields: Sequence[Field]) -> Iterator[tuple[Any, ...]]:
    """Yield a value of each field, in every combination."""
    values = [field.values for field in fields if not isinstance(field.values, Interval)]
    yield from product(*values)


def drawn_values(fields: Sequence[Field], count: int, drawing: Drawing) -> Iterator[tuple[Any, ...]]:
    """Yield a value of each field, `count` times."""
    from scipy.stats import qmc

    generator = numpy_generator(0, f"sweep {drawing}")
    if drawing == "random":
        shares = generator.random((count, len(fields)))
    else:
        if count & (count - 1):
            rule = (
                "must be a power of 2, over which Sobol's sequence is even; --drawing random takes any number"
            )
            raise UserError(f"`--draw` (={count}) {rule}")
        shares = qmc.Sobol(len(fields), rng=generator).random_base2(count.bit_length() - 1)
    for row in np.asarray(shares):
        yield tuple(field.at(float(share)) for field, share in zip(fields, row, strict=True))


def values_of(word: str) -> Iterator[Override]:
    """Return each value of an override.

    Raises:
        UserError: it is not ``key=value``, or a value is missing or invalid.
    """
    key, _, text = word.partition("=")
    if re.search(r"^\s*,|,\s*,|,\s*$", text):
        raise UserError(f"`{key}` (={text[:60]}) must have a value on either side of each comma")
    # Commas within brackets or quotes divide nothing: YAML knows which ones do.
    [(path, values)] = parse_overrides([f"{key}=[{text}]" if text.strip() else word])
    for value in values if text.strip() else [values]:
        if isinstance(value, str) and (numbers := RANGE.fullmatch(value)):
            yield from ((path, number) for number in _range(key, value, *numbers.groups()))
        else:
            yield path, value


def _range(key: str, part: str, low: str, high: str, count: str | None, log: str | None) -> list[float]:
    """Return the numbers of a range, to ten digits; whole ones as int."""
    begin, end = float(low), float(high)
    number = float(count) if count else end - begin + 1
    is_valid = count is not None or (begin % 1 == end % 1 == 0 and not log)
    if not (begin < end < math.inf and 2 <= number <= MOST_VALUES and is_valid and (begin > 0 or not log)):
        raise UserError(
            f"`{key}` (={part[:60]}) must be 2 to {MOST_VALUES} rising values, as in 8..11 (whole numbers), "
            "0.5..2:4 (four numbers) or 1e-4..1e-1:4:log (above 0); with --draw, an interval as 1e-4..1e-1:log"
        )
    if count is None:
        return list(range(int(begin), int(end) + 1))
    values = (np.geomspace if log else np.linspace)(begin, end, int(count)).tolist()
    rounded = [float(f"{value:.10g}") for value in values]
    return [int(value) if value % 1 == 0 and abs(value) < 2**53 else value for value in rounded]
