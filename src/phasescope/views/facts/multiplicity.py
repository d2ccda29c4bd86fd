"""How many of many decisions may be wrong: at worst, and which survive Holm's correction.

A claim is decided when its 97.5 % interval over runs excludes its bar. If the truth stood at the bar, an analysis would
decide wrongly with probability .025 at most, .0125 on either side; a claim that is judged twice has two analyses. The sum
over all claims bounds the expected number of wrong decisions (the worst case: every truth at its bar).

Holm's correction (1979) is over all m claims that count and were judged, decided or not: whoever chooses hypotheses by their
verdicts, and corrects among these alone, corrects for too few. It rejects in the order of the p-values, while
p <= alpha / (m - i).

A hypothesis is that the truth stands at the bar. A claim could have been decided on either side of it, so that p-values are
two-sided: twice the smaller tail. Records hold intervals, and no p-values. Of a share of runs the tail is the exact binomial
one of its count. Of other claims it is that of a normal estimate with the recorded interval: the standard error on the bar's
side is |estimate - end| / 2.24, where the end is that of the interval next to the bar. A claim whose runs were censored has
p = 1 if the interval contains the bar, and otherwise .025, which is all that its 97.5 % interval says.
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


def p_value(claim: RecordedClaim) -> float:
    """Return the two-sided p-value of a judged claim at its bar, see above."""
    bar = claim.threshold
    if claim.low is None or claim.high is None:
        return 1.0
    low, high = float(claim.low), float(claim.high)
    count = claim.detail.get("runs")

    # Censored runs count as runs of which it is false, so that the count is a least one, and its upper tail holds.
    is_known = claim.value is not None and math.isfinite(claim.value)
    if count is not None and (is_known or low > bar):
        upper, lower = (_binomial_tail(round(count), claim.n, bar, upper=side) for side in (True, False))
        return min(1.0, 2 * (min(upper, lower) if is_known else upper))
    if claim.value is None or not is_known:
        return 1.0 if low <= bar <= high else WRONG_AT_THE_BAR

    error = abs(claim.value - (low if claim.value > bar else high)) / Z
    if error == 0:
        return 0.0 if claim.value != bar else 1.0
    return math.erfc(abs(claim.value - bar) / error / math.sqrt(2))


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
    judged = [claim for claim in counted if claim.analysis]
    decided = [claim for claim in judged if claim.verdict in DECIDED]
    if not decided:
        return ""
    survive = survivors([p_value(claim) for claim in judged])
    return (
        f"Of {len(counted)} claims that count, {len(judged)} are judged and {len(decided)} decided; about "
        f"{most_wrong(counted):.0f} decisions at most would be wrong if every truth stood at its bar, and {survive} survive "
        f"Holm's correction at .05 over all {len(judged)} judged claims (two-sided at the bar)."
    )


def _binomial_tail(count: int, n: int, share: float, upper: bool) -> float:
    """Return P(X >= count), or P(X <= count), of a binomial X with `n` draws of probability `share`."""
    counts = range(count, n + 1) if upper else range(count + 1)
    return sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in counts)
