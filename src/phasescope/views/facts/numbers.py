"""Formatting numbers and claims for terminals and pages: one function for each kind; a missing value is a dash."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from phasescope.core.formats import NOTHING, format_number
from phasescope.views.facts.verdicts import is_counted, shown_verdict

if TYPE_CHECKING:
    from phasescope.studies.claims_file import RecordedClaim
    from phasescope.studies.preregistration import Preregistration

MOST_CHANGES = 6  # of an amendment that are listed one by one
LACKING = re.compile(r"(first|final) analysis: (\d+) of (\d+ (?:further )?runs) are recorded")


def format_score(value: float | None, decimals: int = 3) -> str:
    """Return a number with so many decimals, from 10 on two fewer: a score that is not 1 does not look as if it were."""
    if value is None or math.isnan(value):
        return NOTHING
    return f"{value:z,.{decimals if abs(value) < 10 else decimals - 2}f}"  # z: no -0.000


def format_short(value: float, _position: int | None = None) -> str:
    """Return 96000 as 96k, 1200000 as 1.2M; for the ticks of an axis."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def format_cell(value: Any) -> str:
    """Return a value as a cell of a table holds it."""
    text = NOTHING if value is None else format_number(value) if isinstance(value, float) else str(value)
    return " ".join(text.split())


def format_percent(share: float | None, digits: int = 0) -> str:
    """Return a share times 100, without its unit."""
    if share is None or math.isnan(share):
        return NOTHING
    return f"{round(100 * share, digits) + 0.0:.{digits}f}".replace("-", "\u2212")


def format_share(share: float | None, digits: int = 0) -> str:
    """Return a share as a percentage."""
    text = format_percent(share, digits)
    return text if text == NOTHING else f"{text} %"


def format_count(value: float | None) -> str:
    """Return a whole number with its thousands apart."""
    return NOTHING if value is None else f"{value:,.0f}"


def format_clock(seconds: float | None) -> str:
    """Return ``1:02:03``."""
    if seconds is None:
        return NOTHING
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


ONE_OF_TWO = "one analysis of two"
"""said of an open claim whose second analysis, of further runs, was not made"""
CLAIM_HEADS = ("estimate", "97.5 % interval", "no effect", "bar", "verdict", "n", "power")


def claim_cells(claim: RecordedClaim) -> tuple[Any, ...]:
    """Return the cells of `CLAIM_HEADS` of a claim, as every table of claims shows them: the estimate first."""
    numbers = (format_value(claim), format_interval(claim), format_none(claim), criterion(claim))
    return (*numbers, verdict_cell(claim), count_cell(claim), claim.observed_power)


def verdict_cell(claim: RecordedClaim) -> str:
    """Return the shown words of a verdict; of an open claim also whether its second analysis was not made."""
    words = shown_verdict(claim)
    lacks_second = claim.verdict in ("undecided", "not reached") and "final analysis: " in claim.why
    return f"{words}, {ONE_OF_TWO}" if lacks_second and is_counted(claim) else words


def count_cell(claim: RecordedClaim) -> int | str:
    """Return the number of what a claim's sentence is about, and of the runs that judged it."""
    runs = runs_cell(claim)
    return f"{claim.counted}, {runs} runs" if claim.counted else runs


def runs_cell(claim: RecordedClaim) -> int | str:
    """Return the number of runs that judged a claim; where more are recorded also the estimate from all of them."""
    return f"{claim.n}; all {claim.over_all.n}: {format_over_all(claim)}" if claim.over_all else claim.n


def format_over_all(claim: RecordedClaim) -> str:
    """Return the estimate from all recorded runs with its interval; empty if no more are recorded than judged the claim."""
    if (every := claim.over_all) is None:
        return ""
    value, low, high = (_shown(claim, number) for number in (every.value, every.low, every.high))
    return f"{value} [{low}, {high}]"


def _shown(claim: RecordedClaim, value: float | None) -> str:
    """Return a number of a claim; of the logarithm of a ratio, the ratio."""
    return format_number(math.exp(value) if claim.log and value is not None else value)


def format_value(claim: RecordedClaim) -> str:
    """Return a claim's number with its unit: of a censored share the least that it can be, of several readings the range."""
    number = _shown(claim, claim.value)
    # A share has its count beside it: the runs that are certain, whatever the censored ones would have done.
    if number == NOTHING and claim.n and (reached := claim.detail.get("runs")) is not None:
        number = f"≥{format_number(reached / claim.n)}"
    if readings := [v for k, v in claim.detail.items() if k.startswith("reading_") and v is not None]:
        number = " to ".join(dict.fromkeys(_shown(claim, f(readings)) for f in (min, max))) + " (by reading)"
    return number if number == NOTHING else f"{number} {claim.unit}".strip()


def format_interval(claim: RecordedClaim) -> str:
    if claim.low is None or claim.n == 0:
        return NOTHING
    return f"[{_shown(claim, claim.low)}, {_shown(claim, claim.high)}]"


def format_none(claim: RecordedClaim) -> str:
    """Return the number that means no effect; a dash if there is none."""
    return _shown(claim, claim.no_effect)


def format_judged(claim: RecordedClaim) -> str:
    """Return a claim's number, its interval, what means no effect if anything does, and the bar."""
    none = format_none(claim)
    beside = f"bar {criterion(claim)}" if none == NOTHING else f"no effect {none}, bar {criterion(claim)}"
    return f"{format_value(claim)} {format_interval(claim)}; {beside}"


def criterion(claim: RecordedClaim) -> str:
    """Return the bar: what the statistic must be for the claim to hold."""
    return f"{'>' if claim.direction == 'above' else '<'} {_shown(claim, claim.threshold)}"


def power_words(claim: RecordedClaim) -> str:
    """Return spread, power and smallest detectable effect as observed, in a sentence; empty if they are not known."""
    if claim.observed_power is None:
        return ""
    between = ""
    if (spread := claim.observed_spread) is not None and math.isfinite(spread):
        between = f"Spread between runs {format_number(spread)} (assumed {format_number(claim.spread)}); "
    low = " **Its power is low.**" if claim.observed_power < 0.8 else ""
    return (
        f"{between}power for the claim's effect ({_effect_words(claim.effect)}) {format_score(claim.observed_power, 2)}; "
        f"smallest effect detected with power 0.8: {format_number(claim.detectable)}.{low}"
    )


def why_words(why: str) -> str:
    """Return the reason of a verdict; of an analysis that has not been made, which runs it lacks."""
    words = LACKING.sub(r"the \1 analysis needs \3, of which \2 are recorded", why)
    return words.replace("which 0 are", "which none is")


def _effect_words(effect: float | tuple[float, float]) -> str:
    toward, away = map(format_number, effect if isinstance(effect, tuple) else (effect, effect))
    return toward if toward == away else f"{toward} on the claim's side of the threshold, {away} on the other"


def _change_words(change: str) -> str:
    """Return a change of a preregistration; of data or long texts, which field changed."""
    if "..." in change or "{" in change:
        return re.sub(" was .*", " changed", re.sub(" is new: .*", " is new", change))
    effects = r"\[([\d.]+), ([\d.]+)\]"
    return re.sub(effects, lambda pair: _effect_words((float(pair[1]), float(pair[2]))), change)


def amendment_lines(preregistration: Preregistration) -> list[str]:
    """Return each amendment's date, reason and changes; of many changes, how many there are."""
    lines = []
    for amendment in preregistration.amendments:
        changed = amendment.changed
        many = len(changed) > MOST_CHANGES
        listed = f"{len(changed)} changes" if many else "; ".join(map(_change_words, changed))
        looked = " Recorded runs had been looked at." if amendment.looked else ""
        lines.append(f"{amendment.date}: {amendment.reason}{looked}{f' ({listed})' if listed else ''}")
    return lines
