"""Print how well forecasts of use hold, and how far their interval must be widened: python -m benchmarks.forecast

The courses are those of `benchmarks.forecast_systems`, and of five pilots of the preset `fast`. At each reading of a system
that later passes use 0.5 a forecast is made from the readings so far. `WIDENING` of `phasescope.measures.use_forecast` is by
split conformal prediction: of the training that remained, over what the readings' errors alone say, the 10th percentile for
the lower end, the 90th for the upper and the median for the forecast itself. Each kind of network counts the same, and in it
each system. What is printed of a system is under the widening of all others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.forecast_systems import FILE, LEVEL
from phasescope.measures.use_forecast import INTERVAL, NO_WIDENING, WIDENING, Forecast, Widening, forecast_use

PILOTS = Path(__file__).with_name("forecast_pilots.json")
"""five runs of preset `fast`, one system; which seeds and which command, the file says"""
CLOSE = 0.25
"""of a forecast's error over the crossing, called close"""


@dataclass(frozen=True, eq=False)
class Course:
    """The readings of a system; each array is (n,)."""

    system: str
    network: str
    step: np.ndarray
    use: np.ndarray
    se: np.ndarray

    @property
    def crossing(self) -> float | None:
        """The step at which use passes the level for good; None if it does not."""
        return forecast_use(self.step, self.use, self.se, LEVEL).at if self.use[-1] >= LEVEL else None

    def forecasts(self, widening: Widening) -> Iterator[tuple[float, Forecast]]:
        """Yield each step before the crossing with its forecast; of a system without one, all steps."""
        for step in self.step:
            if self.crossing is None or step < self.crossing:
                yield float(step), forecast_use(self.step, self.use, self.se, until=step, widening=widening)


def courses() -> list[Course]:
    """Return the courses of the small systems, and of the five pilots."""
    small = [json.loads(line) for line in FILE.read_text().splitlines()]
    pilots = json.loads(PILOTS.read_text())["courses"].values()
    return [
        *(course_of(f"{line['number']}", line["network"], line, "step") for line in small),
        *(course_of("fast", "unet", pilot, "images_seen") for pilot in pilots),
    ]


def course_of(system: str, network: str, readings: Mapping[str, Any], x: str) -> Course:
    """Return the course of some readings, whose clock is `x`."""
    step, use, se = (np.array(readings[name], dtype=float) for name in (x, "use", "use_se"))
    return Course(system, network, step=step, use=use, se=se)


def ratios(course: Course) -> np.ndarray:
    """Return of each forecast the training that remained over that to its lower end, middle and upper end, (n, 3)."""
    rows = []
    for step, forecast in course.forecasts(NO_WIDENING):
        if forecast.answer == "forecast" and course.crossing is not None:
            ends = np.array([forecast.low, forecast.at, forecast.high], dtype=float)
            # An end at the last reading itself would be a ratio to nothing.
            rows.append((course.crossing - step) / np.maximum(ends - step, step / 100))
    return np.array(rows).reshape(-1, 3)


def widening_of(known: Sequence[tuple[Course, np.ndarray]]) -> Widening:
    """Return the widening that holds of courses, each with its `ratios`.

    Each kind of network counts the same, within it each system, and within that each forecast.
    """
    known = [(course, rows) for course, rows in known if len(rows)]
    systems = {course.system: course.network for course, _ in known}
    kinds = Counter(systems.values())
    forecasts: Counter[str] = Counter()
    for course, rows in known:
        forecasts[course.system] += len(rows)

    weights = np.concatenate(
        [np.full(len(rows), 1 / (kinds[course.network] * forecasts[course.system])) for course, rows in known]
    )
    rows = np.concatenate([rows for _, rows in known])

    # The system that is forecast is one more than those that are known, and may lie beyond them all.
    n, tail = len(systems), (1 - INTERVAL) / 2
    beyond = max(tail - (1 - tail) / n, 0.0)
    return Widening(
        low=quantile(rows[:, 0], weights, beyond),
        middle=quantile(rows[:, 1], weights, 0.5),
        high=quantile(rows[:, 2], weights, 1 - beyond),
    )


def quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    """Return the value below which a share of the weight lies."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(np.searchsorted(below, share), len(values) - 1)])


@dataclass(frozen=True)
class Held:
    """How the forecasts of a system held, before its crossing."""

    covered: float
    """share of intervals that hold the crossing"""
    close: float
    """share of forecasts within `CLOSE` of the crossing"""
    early: bool | None
    """whether the last interval before half of the crossing's steps holds it; None without a forecast by then"""
    early_close: bool | None


def held(course: Course, widening: Widening) -> Held | None:
    """Return how a system's forecasts held; None if it passed no level or had no forecast."""
    crossing = course.crossing
    if crossing is None:
        return None
    made = [
        (step, forecast) for step, forecast in course.forecasts(widening) if forecast.answer == "forecast"
    ]
    if not made:
        return None

    low, at, high = np.array(
        [(forecast.low, forecast.at, forecast.high) for _, forecast in made], dtype=float
    ).T
    covers = (low <= crossing) & (crossing <= high)
    is_close = np.abs(at / crossing - 1) <= CLOSE
    before = [number for number, (step, _) in enumerate(made) if step <= crossing / 2]
    return Held(
        covered=float(np.mean(covers)),
        close=float(np.mean(is_close)),
        early=bool(covers[before[-1]]) if before else None,
        early_close=bool(is_close[before[-1]]) if before else None,
    )


def lines(known: Sequence[Course]) -> Iterator[str]:
    """Yield what is printed."""
    rows = [(course, ratios(course)) for course in known]
    passing = {course.system for course in known if course.crossing is not None}
    in_time = {course.system for course, made in rows if len(made)}
    yield (
        f"{len({course.system for course in known})} systems; {len(passing)} pass use {LEVEL:g}, "
        f"{len(in_time)} of them have a forecast before"
    )
    widening = widening_of(rows)
    yield f"widening: low {widening.low:.2f}, middle {widening.middle:.2f}, high {widening.high:.2f}"

    left_out = {
        system: widening_of([(course, made) for course, made in rows if course.system != system])
        for system in in_time
    }
    for network in dict.fromkeys(course.network for course in known):
        of_kind = [course for course in known if course.network == network]
        by_others = [held(course, left_out.get(course.system, widening)) for course in of_kind]
        yield from said(f"{network}, widened by the other systems", by_others)
        yield from said(f"{network}, not widened", [held(course, NO_WIDENING) for course in of_kind])
        yield from said(f"{network}, as phasescope widens", [held(course, WIDENING) for course in of_kind])
    yield from stalled(known)


def said(name: str, results: Sequence[Held | None]) -> Iterator[str]:
    """Yield a line of how the forecasts of some courses held; none without forecasts."""
    known = [result for result in results if result is not None]
    early = [result for result in known if result.early is not None]
    if not known or not early:
        return

    covered, close = (np.mean([getattr(result, share) for result in known]) for share in ("covered", "close"))
    early_covered, early_close = (
        np.mean([getattr(result, share) for result in early]) for share in ("early", "early_close")
    )
    yield (
        f"{name}: of {len(known)} courses {INTERVAL:.0%} intervals hold {covered:.0%}, {close:.0%} of forecasts lie within "
        f"{CLOSE:.0%}; of {len(early)} last ones before half of the way {early_covered:.0%} hold, {early_close:.0%} lie "
        f"within {CLOSE:.0%}"
    )


def stalled(systems: Sequence[Course]) -> Iterator[str]:
    """Yield what is answered of systems that did not pass the level."""
    answers: dict[str, float] = {}
    ended = 0.0
    others = [course for course in systems if course.crossing is None]
    for course in others:
        made = [forecast for _, forecast in course.forecasts(WIDENING)]
        for forecast in made:
            answers[forecast.answer] = answers.get(forecast.answer, 0.0) + 1 / len(made)
            is_over = forecast.high is not None and forecast.high < course.step[-1]
            ended += is_over / len(made)
    shares = ", ".join(f"{name} {share / len(others):.0%}" for name, share in sorted(answers.items()))
    yield f"{len(others)} systems that do not pass: {shares}; intervals that had ended without it {ended / len(others):.0%}"


def main() -> None:
    """Print how forecasts hold."""
    for line in lines(courses()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
