"""A claim's numbers and verdict as they are printed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from phasescope.studies.records import RecordedClaim
from phasescope.views.numbers import NOTHING, format_number

if TYPE_CHECKING:
    from phasescope.studies.preregistration import Preregistration

MOST_CHANGES = 6
"""of an amendment that are listed one by one"""


def claim_cells(claim: RecordedClaim) -> tuple[Any, ...]:
    """Return verdict, value, interval, criterion, n and power of a claim, as every table of claims shows them."""
    numbers = (claim.value, format_interval(claim), criterion(claim), claim.n)
    return (verdict_words(claim), *numbers, claim.observed_power)


def format_interval(claim: RecordedClaim) -> str:
    if claim.low is None or claim.n == 0:
        return NOTHING
    return f"[{format_number(claim.low)}, {format_number(claim.high)}]"


def criterion(claim: RecordedClaim) -> str:
    """Return what the statistic must be for the claim to hold."""
    return f"{'>' if claim.direction == 'above' else '<'} {claim.threshold:.3g}"


def verdict_words(claim: RecordedClaim) -> str:
    """Return the verdict; a known answer passes or fails instead."""
    if claim.check:
        return {"supported": "passes (known answer)", "refuted": "FAILS (known answer)"}.get(
            claim.verdict, f"{claim.verdict} (known answer)"
        )
    return claim.verdict


def power_words(claim: RecordedClaim) -> str:
    """Return spread, power and smallest detectable effect as observed, in a sentence; empty if they are not known."""
    if claim.observed_power is None:
        return ""
    spread = claim.observed_spread
    known = spread is not None and math.isfinite(spread)
    between = f"Spread between runs {format_number(spread)} (assumed {claim.spread:.3g}); " if known else ""
    low = " **Below 0.8.**" if claim.observed_power < 0.8 else ""
    return (
        f"{between}power for the claim's effect ({claim.effect}) {claim.observed_power:.2f}; "
        f"smallest effect detected with power 0.8: {format_number(claim.detectable)}.{low}"
    )


def amendment_lines(preregistration: Preregistration) -> list[str]:
    """Return each amendment's date, reason and changes; of many changes, how many there are."""
    lines = []
    for amendment in preregistration.amendments:
        changed = amendment.changed
        listed = "; ".join(changed) if len(changed) <= MOST_CHANGES else f"{len(changed)} changes"
        looked = " Its runs had been looked at." if amendment.looked else ""
        lines.append(f"{amendment.date}: {amendment.reason}{looked}{f' ({listed})' if listed else ''}")
    return lines
