"""Shown words of a verdict: what terminals and pages say of a claim, from what claims.json records of it.

A record holds *supported*, *refuted*, *undecided* or *not reached*: where the interval lies in relation to the bar, the
threshold that was chosen before the runs. Read as verdicts on a statement these mislead: a claim that an effect is above a
bar is refuted by an interval that lies short of the bar and excludes no effect at all. The shown words say both.

    above the bar, below the bar    the whole interval lies beyond the bar, on the claim's side
    short of the bar                the whole interval lies on the bar's other side
    open                            the bar lies inside the interval, or runs are missing
    runs too short                  too many runs ended before the claim could be judged
    check                           a known answer, which tests the instrument; not counted
    uninformative                   one of the two answers could not have been reached; not counted

*Effect seen* follows *short of the bar* and *open* if the interval lies wholly on the claim's side of no effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phasescope.studies.claims_file import RecordedClaim

BEYOND = {"above": "above the bar", "below": "below the bar"}
SHORT, OPEN, TOO_SHORT = "short of the bar", "open", "runs too short"
SEEN = " (effect seen)"
UNINFORMATIVE = "uninformative"
NOT_RUN = "not run yet"
SHOWN = (
    *BEYOND.values(),
    *(words + seen for words in (SHORT, OPEN) for seen in ("", SEEN)),
    TOO_SHORT,
    NOT_RUN,
)
"""words of claims that are counted, in the order in which pages count them"""


def effect_seen(claim: RecordedClaim) -> bool:
    """Return whether the whole interval lies on the claim's side of no effect.

    Of a claim that a number is nearer to no effect than a margin, no effect lies on the claim's own side of the bar: its
    interval shows no effect that was claimed.
    """
    none = claim.no_effect
    if none is None or claim.low is None or claim.high is None or not claim.analysis:
        return False
    if claim.direction == "above":
        return none < claim.threshold and float(claim.low) > none
    return none > claim.threshold and float(claim.high) < none


def is_counted(claim: RecordedClaim) -> bool:
    """Return whether a claim counts as a finding: not if its answer was known, or one of its answers out of reach."""
    return not (claim.check or claim.unreachable or claim.uninformative)


def shown_verdict(claim: RecordedClaim) -> str:
    """Return the words that terminals and pages show for a claim's verdict.

    Example:
        >>> shown_verdict(read_claims(Path("studies/p1_data")).claims[0])
        'short of the bar'
    """
    if not claim.n and not claim.analysis:
        return NOT_RUN
    if claim.check:
        outcome = {"supported": "passes", "refuted": "FAILS"}.get(claim.verdict, OPEN)
        return f"check: {outcome}"
    if not is_counted(claim):
        return UNINFORMATIVE
    if claim.verdict == "supported":
        return BEYOND[claim.direction]
    if claim.verdict == "not reached":
        return TOO_SHORT

    words = SHORT if claim.verdict == "refuted" else OPEN
    return words + SEEN if effect_seen(claim) else words


def counts_by_words(claims: Iterable[RecordedClaim]) -> dict[str, int]:
    """Return how many claims have which shown words, those that are counted first."""
    counts = Counter(shown_verdict(claim) for claim in claims)
    return {words: counts[words] for words in (*SHOWN, *sorted({*counts} - {*SHOWN})) if counts[words]}


def count_words(claims: Iterable[RecordedClaim]) -> str:
    """Return how many claims have which shown words, in a line; those that are no findings stand apart."""
    every = list(claims)
    counts = counts_by_words(claim for claim in every if is_counted(claim))
    checks = sum(claim.check for claim in every)
    failed = sum(claim.check and claim.verdict == "refuted" for claim in every)
    apart = {
        f"{'check' if checks == 1 else 'checks'}{f', of which {failed} FAIL' if failed else ''}": checks,
        UNINFORMATIVE: sum(not is_counted(claim) and not claim.check for claim in every),
    }

    counted = ", ".join(f"{count} {words}" for words, count in counts.items())
    uncounted = ", ".join(f"{count} {words}" for words, count in apart.items() if count)
    return "; ".join(filter(None, [counted, uncounted and f"not counted: {uncounted}"]))
