"""A claim: a sentence that somebody wrote, and the number that would show it false.

Statistic, threshold, direction and the least number of runs are fixed in code before the data. With [low, high] the 95 %
interval of the statistic and c the threshold, a claim of direction `above` is

    supported   where c < low,        refuted   where high < c,        undecided otherwise,

and mirrored for `below`. An interval that touches the threshold decides nothing, and neither do too few runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from phasescope.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

Outcome = Literal["supported", "refuted", "undecided"]


class NotEnough(ValueError):
    """Records do not hold what a statistic needs; the message says what is missing."""


@dataclass(frozen=True)
class Estimate:
    """A statistic of some runs."""

    value: float
    low: float
    """lower end of the 95 % interval; -inf where the runs do not bound it"""
    high: float
    """upper end; inf where the runs do not bound it"""
    n: int
    """independent units that it rests on: runs"""
    detail: Mapping[str, float] = field(default_factory=dict)
    """what helps to read it, by name"""


@dataclass(frozen=True)
class Verdict:
    """What the records say of a claim."""

    claim: Claim
    outcome: Outcome
    estimate: Estimate | None
    """None where the records do not hold what it needs"""
    why: str
    """one line: how interval and threshold lie, or what is missing"""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; an end or value that is not finite is its name, as in "inf"."""
        estimate = self.estimate
        numbers: dict[str, Any] = {"value": None, "low": None, "high": None, "n": 0, "detail": {}}
        if estimate is not None:
            numbers = {name: plain(getattr(estimate, name)) for name in ("value", "low", "high")}
            numbers["n"] = estimate.n
            numbers["detail"] = {name: plain(value) for name, value in estimate.detail.items()}
        claim = self.claim
        return {
            "name": claim.name,
            "verdict": self.outcome,
            "why": self.why,
            "sentence": claim.sentence,
            "source": claim.source,
            "statistic": claim.statistic,
            "threshold": claim.threshold,
            "direction": claim.direction,
            "minimum_n": claim.minimum_n,
            "counting": claim.counting,
            "figure": claim.figure,
            "does_not_show": claim.does_not_show,
            **numbers,
        }


@dataclass(frozen=True)
class Claim:
    """A sentence that can be shown false.

    `estimate` takes a study's records, a row a (run, snapshot); it raises `NotEnough` where they lack what it needs.
    """

    name: str
    sentence: str
    source: str
    """whose it is: P1, P2 (docs/results.md says which papers), or phasescope's own question"""
    statistic: str
    """what is computed, in one line"""
    threshold: float
    estimate: Callable[[pd.DataFrame], Estimate]
    figure: str
    """of the study, that shows it"""
    does_not_show: str
    """what it would be wrong to read from it"""
    direction: Literal["above", "below"] = "above"
    """where the statistic lies if the sentence is true"""
    minimum_n: int = 6
    """runs with which it is decided at the least"""
    counting: str = "any"
    """in which it is counted, where that matters: steps (and images, which are proportional to them) or epochs"""

    def __post_init__(self) -> None:
        """Raises UserError where it could not be decided."""
        if not isinstance(self.threshold, int | float) or not math.isfinite(self.threshold):
            raise UserError(
                f"`threshold` (={self.threshold}) of the claim `{self.name}` must be a finite number"
            )
        if self.direction not in ("above", "below"):
            raise UserError(
                f"`direction` (={self.direction}) of the claim `{self.name}` must be above or below"
            )

    def judge(self, frame: pd.DataFrame) -> Verdict:
        """The verdict of a study's records."""
        try:
            found = self.estimate(frame)
        except NotEnough as error:
            return Verdict(self, "undecided", None, str(error))
        return Verdict(self, *self._decide(found))

    def _decide(self, found: Estimate) -> tuple[Outcome, Estimate, str]:
        if found.n < self.minimum_n:
            return "undecided", found, f"{found.n} runs, and at least {self.minimum_n} are needed"
        ends = f"[{found.low:.3g}, {found.high:.3g}]"
        if math.isnan(found.low) or math.isnan(found.high):
            return "undecided", found, "the runs give no interval"
        above, below = found.low > self.threshold, found.high < self.threshold
        if not (above or below):
            return "undecided", found, f"the interval {ends} holds the threshold {self.threshold:g}"
        side = "above" if above else "below"
        outcome: Outcome = "supported" if side == self.direction else "refuted"
        return outcome, found, f"the whole interval {ends} lies {side} the threshold {self.threshold:g}"


def plain(number: float) -> float | str:
    """A float as JSON holds it: what is not finite is its name."""
    return float(number) if math.isfinite(number) else str(float(number))


def from_plain(number: float | str | None) -> float:
    """The float that `plain` wrote; NaN of None."""
    return math.nan if number is None else float(number)
