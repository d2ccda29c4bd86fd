"""How numbers are written, in a terminal and on pages: one function for each kind of number. What is missing is a dash."""

from __future__ import annotations

import math
from typing import Any

NOTHING = "–"


def is_missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def format_number(value: float | None) -> str:
    """Return three digits, from 1,000 on all of them."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def format_cell(value: Any) -> str:
    """Return a value as a cell of a table holds it."""
    text = NOTHING if value is None else format_number(value) if isinstance(value, float) else str(value)
    return " ".join(text.split())


def format_score(value: float | None) -> str:
    """Return two decimals, one from 10 on."""
    if value is None or math.isnan(value):
        return NOTHING
    digits = 2 if abs(value) < 10 else 1
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "\u2212")


def format_range(low: float | None, high: float | None) -> str:
    return f"{format_score(low)} to {format_score(high)}"


def format_percent(share: float | None, digits: int = 0) -> str:
    """Return a share times 100, without its unit."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.{digits}f}"


def format_count(value: float | None) -> str:
    """Return a whole number with its thousands apart."""
    return NOTHING if value is None else f"{value:,.0f}"


def format_duration(seconds: float | None) -> str:
    """Return ``1:05 min`` or ``12 s``."""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def format_clock(seconds: float) -> str:
    """Return ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
