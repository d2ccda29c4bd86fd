"""A claim's numbers as they are printed."""

from __future__ import annotations

import math
from typing import Any

from phasescope.studies.core.claim import from_plain


def number(value: float | str | None) -> str:
    """Three digits; a dash where there is none."""
    found = from_plain(value)
    return "–" if math.isnan(found) else "∞" if found == math.inf else f"{found:.3g}"


def interval(claim: dict[str, Any]) -> str:
    if claim["low"] is None or claim["n"] == 0:
        return "–"
    return f"[{number(claim['low'])}, {number(claim['high'])}]"
