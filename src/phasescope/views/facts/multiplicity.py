"""How many of many decisions may be wrong: at worst, and which survive Holm's correction.

A claim is decided when its 97.5 % interval over runs excludes its bar. If the truth stood at the bar, an analysis would
decide wrongly with probability .025 at most, .0125 on either side; a claim that is judged twice has two analyses. The sum
over all claims bounds the expected number of wrong decisions (the worst case: every truth at its bar).

Records hold intervals, and no p-values. Of a share of runs, the p-value at the bar is the exact binomial one of its count.
Of other claims it is that of a normal estimate with the recorded interval: the standard error on the bar's side is
|estimate - end| / 2.24, where the end is that of the interval next to the bar. Both are one-sided, in the direction that was
decided. Holm (1979) rejects, in the order of the p-values, while p <= alpha / (m - i).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from phasescope.views.facts.verdicts import is_counted

if TYPE_CHECKING:
    from phasescope.studies.claims_file import RecordedClaim

WRONG_AT_THE_BAR = 0.025
Z = 2.2414
"""of a 97.5 % interval"""
ALPHA = 0.05
DECIDED = ("supported", "refuted")


def most_wrong(claims: Sequence[RecordedClaim]) -> float:
    """Return the expected number of wrong decisions if all truths stood at their bars."""
    return WRONG_AT_THE_BAR * sum(claim.analysis for claim in claims)


def p_value(claim: RecordedClaim) -> float | None:
    """Return the one-sided p-value of a decision at the claim's bar, see above; None if records do not tell it."""
    if claim.low is None or claim.high is None:
        return None
    count = claim.detail.get("runs")
    bar, low, high = claim.threshold, float(claim.low), float(claim.high)
    is_greater = low >= bar
    if count is not None:
        return _binomial_tail(round(count), claim.n, bar, is_greater)
    if claim.value is None or not math.isfinite(claim.value):
        return None

    end = low if is_greater else high
    error = abs(claim.value - end) / Z
    if error == 0:
        return 0.0 if claim.value != bar else None
    return 0.5 * math.erfc(abs(claim.value - bar) / error / math.sqrt(2))


def survivors(p_values: Sequence[float]) -> int:
    """Return how many hypotheses Holm's procedure rejects at `ALPHA`."""
    m = len(p_values)
    for i, p in enumerate(sorted(p_values)):
        if p > ALPHA / (m - i):
            return i
    return m


def decisions_words(claims: Sequence[RecordedClaim]) -> str:
    """Return a sentence on the decisions of claims; empty if none was made."""
    counted = [claim for claim in claims if is_counted(claim)]
    decided = [claim for claim in counted if claim.verdict in DECIDED]
    if not decided:
        return ""
    known = [p for p in map(p_value, decided) if p is not None]
    unknown = len(decided) - len(known)
    without = f" ({unknown} have no p-value)" if unknown else ""
    survive = f"{survivors(known)} survive Holm's correction at .05{without}"
    return (
        f"Of {len(counted)} claims that count, {len(decided)} are decided; about {most_wrong(counted):.0f} decisions at "
        f"most would be wrong if every truth stood at its bar, and {survive}."
    )


def _binomial_tail(count: int, n: int, share: float, upper: bool) -> float:
    """Return P(X >= count), or P(X <= count), of a binomial X with `n` draws of probability `share`."""
    counts = range(count, n + 1) if upper else range(count + 1)
    return sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in counts)
