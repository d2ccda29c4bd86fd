"""A claim: a sentence that somebody wrote, and the number that would show it false.

Statistic, threshold, direction and the least number of runs are fixed in code before the data. With [low, high] the
interval of the statistic (97.5 %: see `statistics`) and c the threshold, a claim of direction `above` is

    supported   where c < low,        refuted   where high < c,        undecided otherwise,

and mirrored for `below`. An interval that touches the threshold decides nothing, and neither do too few runs.

That a claim can be lost is shown by controls: records made up, of which the sentence is true, false, or at its threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from phasescope.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Outcome = Literal["supported", "refuted", "undecided"]
Made = Callable[["np.random.Generator"], "pd.DataFrame"]
"""Records made up, at the study's own seeds, snapshots and reading."""


class NotEnough(ValueError):
    """Records do not hold what a statistic needs; the message says what is missing."""


@dataclass(frozen=True)
class Estimate:
    """A statistic of some runs."""

    value: float
    low: float
    """lower end of the interval; -inf where the runs do not bound it"""
    high: float
    """upper end; inf where the runs do not bound it"""
    n: int
    """independent units that it rests on: runs"""
    detail: Mapping[str, float] = field(default_factory=dict)
    """what helps to read it, by name"""


@dataclass(frozen=True)
class Controls:
    """Made data on which a claim shows that it can be won and lost."""

    positive: Made
    """of which the sentence is true"""
    negative: Made
    """of which it is false"""
    borderline: Made
    """of which the truth lies at the threshold: either decision is wrong"""
    cannot: str = ""
    """why one side cannot be reached, in words; empty where both can"""


@dataclass(frozen=True)
class Verdict:
    """What the records say of a claim."""

    claim: Claim
    outcome: Outcome
    estimate: Estimate | None
    """None where the records do not hold what it needs"""
    why: str
    """one line: how interval and threshold lie, or what is missing"""
    look: int = 0
    """the look at which it was judged: 1 or 2; 0 where not even the first has all of its runs"""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; an end or value that is not finite is its name, as in "inf"."""
        estimate = self.estimate
        numbers: dict[str, Any] = {"value": None, "low": None, "high": None, "n": 0, "detail": {}}
        if estimate is not None:
            numbers = {name: plain(getattr(estimate, name)) for name in ("value", "low", "high")}
            numbers["n"] = estimate.n
            numbers["detail"] = {name: plain(value) for name, value in estimate.detail.items()}
        told = self.claim.declared()
        name = told.pop("name")
        return {"name": name, "verdict": self.outcome, "look": self.look, "why": self.why, **told, **numbers}


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
    cells: tuple[str, ...] = ()
    """of the study, that it reads; all where there is none"""
    family: str = ""
    """what it is about, in few words: its row in the table of results"""
    system: str = ""
    """of what it is claimed: its column"""
    controls: Controls | None = None

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

    def declared(self) -> dict[str, Any]:
        """All that is fixed before the data, JSON-ready: every field but the functions."""
        names = [one.name for one in fields(self) if one.name not in ("estimate", "controls")]
        return {name: getattr(self, name) for name in names} | {"cells": list(self.cells)}

    def judge(self, frame: pd.DataFrame) -> Verdict:
        """The verdict of a study's records, of which it is given those of its cells."""
        own = frame[frame["cell"].isin(list(self.cells))] if self.cells else frame
        try:
            found = self.estimate(own)
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
