"""The values of an override that has several: lists ``0.5,1,2`` and ranges ``0..7``, ``0.5..2:4``,
``1e-3..1e-1:3:log``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from phasescope.config import parse_overrides
from phasescope.errors import UserError

MOST_VALUES = 1000
"""of a range"""
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})(?::(\d+)(:log)?)?")
Override = tuple[list[str], Any]


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

    def refuse(rule: str) -> UserError:
        return UserError(f"`{key}` (={part[:60]}) must {rule}")

    if max(map(len, (low, high, count or ""))) > 40:
        raise refuse("have numbers of at most 40 characters")
    begin, end = float(low), float(high)
    if not (math.isfinite(begin) and math.isfinite(end) and begin < end):
        raise refuse("rise from one number to another")
    if count is None:
        if begin % 1 or end % 1 or end - begin >= MOST_VALUES:
            raise refuse(f"be whole numbers, {MOST_VALUES} at most; for others say how many: 0.5..2:4")
        return list(range(int(begin), int(end) + 1))
    if not 2 <= int(count) <= MOST_VALUES:
        raise refuse(f"have from 2 to {MOST_VALUES} values")
    if log and begin <= 0:
        raise refuse("be above 0: its values are spaced in their logarithm")
    rounded = [
        float(f"{value:.10g}")
        for value in (np.geomspace if log else np.linspace)(begin, end, int(count)).tolist()
    ]
    return [int(value) if value % 1 == 0 and abs(value) < 2**53 else value for value in rounded]
