"""Numbers as text, for tables of records, terminals and pages alike."""

from __future__ import annotations

import math

NOTHING = "–"
"""in the place of a number that is not known"""


def format_number(value: float | None) -> str:
    """Return three digits, from 1,000 on all of them, so that a number of steps has no exponent."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"

    text = f"{value:.3g}"
    # 999.6 has three digits, and 1,000 if it is rounded to them.
    return f"{value:,.0f}" if abs(float(text)) >= 1000 else text
