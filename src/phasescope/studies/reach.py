"""Which values a claim's number can take: by the range of its score, and from where the records of that score start.

A claim that a score rises by a tenth cannot hold if the score starts at 0.98 and ends at 1. A number that is a rise says so
where it is defined, so that `phasescope claims --controls` refuses such an effect:

    @rises_from(order_when_begun, within=(0, 1))
    @reads("sites.mid.order", "sites.correct")
    def order_gained(runs: Runs) -> np.ndarray: ...

Numbers that are a column itself have the range that the column declares; a share of runs lies between 0 and 1; of others
nothing is known, and nothing is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from phasescope.core.errors import UserError
from phasescope.studies.declaring import name_of
from phasescope.studies.observing import column_of
from phasescope.studies.runs_table import Number, Runs
from phasescope.studies.statistics import Difference, Mean, Share

if TYPE_CHECKING:
    from phasescope.studies.claim import Claim

F = TypeVar("F", bound=Callable[..., Any])
RISE = "rise_that_it_is"
"""attribute of a function that is declared to be a rise"""


@dataclass(frozen=True)
class Reach:
    """The least and the largest value that a claim's number can take; infinite where nothing is known."""

    low: float = -math.inf
    high: float = math.inf
    why: str = ""
    """in words, what bounds it"""


@dataclass(frozen=True)
class _Rise:
    start: Callable[..., Any]
    low: float
    high: float


def rises_from(start: Callable[..., Any], within: tuple[float, float]) -> Callable[[F], F]:
    """Declare that a number is a later value of a score minus an earlier one: a decorator.

    Args:
        start: the earlier value, of the same parameters as the number, (n,).
        within: the least and the largest value of the score.

    Example:
        @rises_from(lambda runs, column: runs.start(column), within=(0, 1))
        @reads("{column}")
        def gain(runs, column):
            return runs.end(column) - runs.start(column)

    Raises:
        UserError: the range is empty.
    """
    low, high = within
    if not low < high:
        raise UserError(f"`within` (={within}) must be the least and the largest value of a score")

    def declare(number: F) -> F:
        setattr(number, RISE, _Rise(start, low, high))
        return number

    return declare


def reach_of(claim: Claim, runs: Runs | None = None) -> Reach:
    """Return which values a claim's number can take.

    Args:
        runs: the recorded runs, from whose start a rise goes; without them from anywhere.
    """
    if isinstance(claim.statistic, Share):
        return Reach(0.0, 1.0, "a share lies between 0 and 1")
    if not isinstance(claim.statistic, Mean | Difference):
        return Reach()

    reaches = [_reach_of_number(number, claim, runs) for number in claim.readings]
    low, high = max(reach.low for reach in reaches), min(reach.high for reach in reaches)
    why = next((reach.why for reach in reaches if reach.why), "")
    if isinstance(claim.statistic, Difference):
        low, high = low - high, high - low
    if claim.statistic.absolute:
        low, high = 0.0, max(abs(low), abs(high))
    return Reach(low, high, why)


def out_of_reach(claim: Claim, runs: Runs | None = None) -> str:
    """Return in words why a claim's effect cannot be reached on one of its sides; empty if it can on both."""
    reach = reach_of(claim, runs)
    toward, away = claim.effects
    sign = 1 if claim.direction == "above" else -1

    for effect, side in ((toward, sign), (-away, sign)):
        truth = claim.threshold + side * effect
        if not reach.low <= truth <= reach.high:
            verdict = "won" if effect > 0 else "lost"
            room = (reach.high if truth > reach.high else reach.low) - claim.threshold
            at_most = f"at most {abs(room):.3g}" if side * effect * room > 0 else "left out: there is no room"
            return (
                f"cannot be {verdict} by its effect (={abs(effect):g}), which must be {at_most} on that side: "
                f"{reach.why}"
            )
    return ""


def _reach_of_number(number: Number, claim: Claim, runs: Runs | None) -> Reach:
    """Return which values a number can take in a run, on average over the runs that a claim reads."""
    function, given = _unwrapped(number)

    if rise := getattr(function, RISE, None):
        if runs is None:
            span = rise.high - rise.low
            return Reach(-span, span, f"its score lies between {rise.low:g} and {rise.high:g}")
        starts = np.asarray(rise.start(runs.where(**claim.where), **given), dtype=float)
        begun = float(np.nanmean(starts)) if np.isfinite(starts).any() else math.nan
        if math.isnan(begun):
            return Reach()
        why = f"its score starts at {begun:.3g}, and lies between {rise.low:g} and {rise.high:g}"
        return Reach(rise.low - begun, rise.high - begun, why)

    if function in (Runs.end, Runs.start, Runs.mean) and (column := column_of(given.get("column", ""))):
        return Reach(
            column.low, column.high, f"{column.name} lies between {column.low:g} and {column.high:g}"
        )
    return Reach()


def _unwrapped(number: Callable[..., Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the function that a number binds arguments of, and these."""
    given: dict[str, Any] = {}
    while isinstance(number, partial):
        if number.args:
            raise UserError(f"{name_of(number)} must have its arguments bound by keyword")
        given = number.keywords | given
        number = number.func
    return number, given
