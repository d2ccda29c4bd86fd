"""The recorded meter at every snapshot, the forecasts that it allowed, and the rules that they are compared with.

Every forecast is made anew from the recorded course of use up to a step (`forecast_use(..., until=step)`). The onset is the
step at which use passes .5 for good. What a forecast is compared with knows no more of the run than it does: the readings so
far, and that the onset has not come yet. Of other runs it knows everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from phasescope.measures import Forecast, forecast_use
from phasescope.studies import Runs, reads

CORRECT = "outcomes.grid.correct"
USE, ERROR, LOSS = "meter.use", "meter.use_se", "meter.loss"

LEVEL = 0.5
"""of use, whose passing is forecast"""
CLOSE = 0.25
"""of a forecast's error over the onset, called close"""
CLEARLY = 0.8
"""of another rule's error, below which a forecast is called nearer"""
HALF = 0.5
"""share of the samples, and of the steps to an onset"""
THROUGH = 8
"""shares of correct samples that a line goes through: as many as the readings that a forecast uses"""

Rule = Literal["clock of other systems", "clock of the same system", "loss"]


def read_meter(run) -> list[dict]:
    """Return use in the band that decides, its standard error, and the loss of all bands, at every snapshot."""
    frame = run.meter()
    frame = frame[(frame["pairs"] == "held_out") & (frame["exchanged"] == "all")]
    deciding = frame[frame["deciding"]].set_index("step")
    loss = frame.groupby("step")["loss"].mean()

    rows = []
    for snapshot in run.snapshots:
        if snapshot.step not in deciding.index:
            continue  # a shorter run's last snapshot may lie between two readings
        own = deciding.loc[snapshot.step]
        rows.append(
            {
                "step": snapshot.step,
                "use": own["use"],
                "use_se": own["use_se"],
                "loss": loss[snapshot.step],
            }
        )
    return rows


@dataclass(frozen=True, eq=False)
class Course:
    """What was read of a run; each array is (T,)."""

    system: str
    step: np.ndarray
    use: np.ndarray
    se: np.ndarray
    loss: np.ndarray
    correct: np.ndarray

    @property
    def onset(self) -> float:
        """The step at which use passes the level for good, interpolated; NaN if it does not."""
        at = forecast_use(self.step, self.use, self.se, LEVEL).at if self.use[-1] >= LEVEL else None
        return math.nan if at is None else at

    @property
    def follows(self) -> float:
        """The step at which half of the samples are correct for good, interpolated; NaN if they never are."""
        below = np.flatnonzero(~(self.correct > HALF))
        last = below[-1] if len(below) else 0
        if last + 1 >= len(self.step):
            return math.nan
        return float(np.interp(HALF, self.correct[last : last + 2], self.step[last : last + 2]))

    def forecasts(self, until: float = math.inf, backwards: bool = False) -> Iterator[tuple[float, Forecast]]:
        """Yield the forecasts that there were up to a step, each with the step at which it was made."""
        steps = self.step[self.step <= until]
        for step in steps[::-1] if backwards else steps:
            forecast = forecast_use(self.step, self.use, self.se, LEVEL, until=step)
            if forecast.answer == "forecast":
                yield float(step), forecast

    def last_forecast(self, until: float) -> tuple[float, Forecast] | None:
        """Return the last forecast up to a step, and when it was made; None if there was none, or the step is NaN."""
        return next(self.forecasts(until, backwards=True), None)


def courses(runs: Runs) -> Iterator[Course]:
    """Yield the course of every run; the number must declare use, its error, loss and samples."""
    columns = (runs.courses(name) for name in ("step", USE, ERROR, LOSS, CORRECT))
    for system, step, use, se, loss, correct in zip(runs.table["system"], *columns, strict=True):
        yield Course(system, step=step, use=use, se=se, loss=loss, correct=correct)


of_meter = reads(USE, ERROR, LOSS, CORRECT)
"""Declares what a course is made of."""


def counted(runs: Runs, values: list[float]) -> pd.DataFrame:
    """Return the rows of the runs that have a number, as column `y`: the others are left out, and not counted in n."""
    table = runs.table.assign(y=np.array(values, dtype=float))
    return table[np.isfinite(table["y"])]


@of_meter
def onset(runs: Runs) -> np.ndarray:
    """Return the step at which use passes .5 for good, (n,); NaN if it does not."""
    return np.array([course.onset for course in courses(runs)])


@of_meter
def follows(runs: Runs) -> np.ndarray:
    """Return the step at which half of the samples are correct for good, (n,); NaN if they never are."""
    return np.array([course.follows for course in courses(runs)])


@of_meter
def use_when_half_follow(runs: Runs) -> np.ndarray:
    """Return use when half of the samples are correct, interpolated, (n,); NaN if they never are."""
    return np.array([float(np.interp(course.follows, course.step, course.use)) for course in courses(runs)])


@of_meter
def is_in_time(runs: Runs) -> pd.DataFrame:
    """Return whether there was a forecast by half of the steps to the onset, of the runs that have an onset."""
    values = [
        math.nan if math.isnan(course.onset) else float(course.last_forecast(HALF * course.onset) is not None)
        for course in courses(runs)
    ]
    return counted(runs, values)


@of_meter
def made_at(runs: Runs) -> pd.DataFrame:
    """Return the share of the onset's steps at which the first forecast was made."""
    values = []
    for course in courses(runs):
        first = next(course.forecasts(course.onset), None)
        values.append(math.nan if first is None else first[0] / course.onset)
    return counted(runs, values)


@of_meter
def is_close(runs: Runs) -> pd.DataFrame:
    """Return whether the last forecast by half of the steps to the onset is within `CLOSE` of it, of the runs with one."""
    values = []
    for course in courses(runs):
        made = course.last_forecast(HALF * course.onset)
        values.append(math.nan if made is None else float(abs(_at(made[1]) / course.onset - 1) <= CLOSE))
    return counted(runs, values)


@of_meter
def share_held(runs: Runs, until: float = 1.0) -> pd.DataFrame:
    """Return the share of a run's intervals that hold its onset, of the forecasts before it; of runs with a forecast.

    Args:
        until: share of the onset's steps up to which forecasts are counted.
    """
    values = []
    for course in courses(runs):
        made = [forecast for _, forecast in course.forecasts(until * course.onset)]
        held = [_end(each.low) <= course.onset <= _end(each.high) for each in made]
        values.append(float(np.mean(held)) if held else math.nan)
    return counted(runs, values)


@of_meter
def share_of_false_forecasts(runs: Runs) -> np.ndarray:
    """Return the share of a run's readings at which there was a forecast, (n,): of a system whose onset never comes, each is
    false."""
    return np.array([len(list(course.forecasts())) / len(course.step) for course in courses(runs)])


@of_meter
def error_of_forecast(runs: Runs) -> pd.DataFrame:
    """Return the natural logarithm of the forecast of the onset over the onset, of the last one by half of the way."""
    errors = (_errors(course) for course in courses(runs))
    return counted(runs, [math.nan if error is None else error[1] for error in errors])


@of_meter
def ratio_of_forecast(runs: Runs) -> np.ndarray:
    """Return the last forecast by half of the way over the onset, (n,); NaN without one."""
    errors = [_errors(course) for course in courses(runs)]
    return np.array([math.nan if error is None else math.exp(error[1]) for error in errors])


@of_meter
def size_of_error(runs: Runs, rule: Rule | None = None) -> pd.DataFrame:
    """Return the absolute logarithm of what the forecast, or another rule, says at that step over the onset."""
    own = list(courses(runs))
    errors = [_errors(course, rule, own) for course in own]
    return counted(runs, [math.nan if error is None else abs(error[0 if rule else 1]) for error in errors])


@of_meter
def is_nearer(runs: Runs, rule: Rule) -> pd.DataFrame:
    """Return whether the error of the last forecast by half of the way is less than `CLEARLY` that of another rule at the
    same step, of the runs that have such a forecast."""
    own = list(courses(runs))
    errors = [_errors(course, rule, own) for course in own]
    values = [
        math.nan if error is None else float(abs(error[1]) < CLEARLY * abs(error[0])) for error in errors
    ]
    return counted(runs, values)


@of_meter
def is_nearer_than_line(runs: Runs) -> pd.DataFrame:
    """Return whether the forecast of use is nearer than a line through the samples, of when half of them are correct.

    Both know what was known at the last forecast by half of those steps. A line that does not rise says never.
    """
    errors = [_errors_of_following(course) for course in courses(runs)]
    values = [
        math.nan if error is None else float(abs(error[1]) < CLEARLY * abs(error[0])) for error in errors
    ]
    return counted(runs, values)


@of_meter
def is_said_by_line(runs: Runs) -> pd.DataFrame:
    """Return whether the line through the samples rises at that step, so that it says when half of them are correct."""
    errors = [_errors_of_following(course) for course in courses(runs)]
    return counted(runs, [math.nan if error is None else float(math.isfinite(error[0])) for error in errors])


@of_meter
def error_of_following(runs: Runs) -> pd.DataFrame:
    """Return the natural logarithm of the forecast of use .5 over the step at which half of the samples are correct, of the
    last forecast by half of those steps."""
    errors = [_errors_of_following(course) for course in courses(runs)]
    return counted(runs, [math.nan if error is None else error[1] for error in errors])


@of_meter
def size_of_error_of_following(runs: Runs) -> pd.DataFrame:
    """Return the absolute value of `error_of_following`."""
    return error_of_following(runs).assign(y=lambda table: table["y"].abs())


def _at(forecast: Forecast) -> float:
    return math.nan if forecast.at is None else forecast.at


def _end(value: float | None) -> float:
    return math.nan if value is None else value


def _errors(
    course: Course, rule: Rule | None = None, known: list[Course] | None = None
) -> tuple[float, float] | None:
    """Return the log errors of a rule and of the last forecast by half of the steps to the onset; None without one."""
    made = course.last_forecast(HALF * course.onset)
    if made is None:
        return None
    step, forecast = made
    said = math.nan if rule is None else said_by_rule(rule, course, step=step, known=known or [])
    return math.log(said / course.onset), math.log(_at(forecast) / course.onset)


def _errors_of_following(course: Course) -> tuple[float, float] | None:
    """Return the log errors of a line and of the last forecast, of when half of the samples are correct; None if none."""
    made = course.last_forecast(HALF * course.follows)
    if made is None:
        return None
    step, forecast = made
    said = said_by_line(course, step)
    return math.log(said / course.follows), math.log(_at(forecast) / course.follows)


def said_by_rule(rule: Rule, course: Course, step: float, known: list[Course]) -> float:
    """Return when a rule says that the onset will come, from what it knows of a run at a step and from other runs."""
    if rule == "clock of the same system":
        return said_by_clock(
            step, [each for each in known if each.system == course.system and each is not course]
        )

    others = [each for each in known if each.system != course.system]
    return (
        said_by_clock(step, others)
        if rule == "clock of other systems"
        else said_by_loss(course, step, others)
    )


def said_by_clock(step: float, known: list[Course]) -> float:
    """Return the geometric mean of the onsets of other runs that come after a step; the step itself if there is none."""
    later = [each.onset for each in known if each.onset > step]
    return float(np.exp(np.mean(np.log(later)))) if later else step


def said_by_loss(course: Course, step: float, known: list[Course]) -> float:
    """Return the onset by the loss: by a line in the logarithms of the step and of the loss over its first value, fitted to
    the logarithms of the onsets of other runs at all of their steps before it; the step itself if that is later."""
    design = [_regressors(each, each.onset) for each in known if not math.isnan(each.onset)]
    onsets = [
        np.full(len(rows), math.log(each.onset))
        for rows, each in zip(design, (each for each in known if not math.isnan(each.onset)), strict=True)
    ]
    if not design:
        return step
    weights = np.linalg.lstsq(np.concatenate(design), np.concatenate(onsets), rcond=None)[0]
    return max(float(np.exp(_regressors(course, step, including=True)[-1] @ weights)), step)


def _regressors(course: Course, before: float, including: bool = False) -> np.ndarray:
    """Return 1 and the logarithms of step and relative loss at the steps before one, (n, 3)."""
    kept = (course.step > 0) & ((course.step <= before) if including else (course.step < before))
    step, loss = course.step[kept], course.loss[kept] / course.loss[0]
    return np.stack([np.ones(len(step)), np.log(step), np.log(loss)], axis=1)


def said_by_line(course: Course, step: float) -> float:
    """Return when half of the samples are correct by a line through their last shares up to a step: as many as the forecast
    uses. Infinite if the line does not rise; the step itself if it is above a half already."""
    kept = np.flatnonzero(course.step <= step)[-THROUGH:]
    x, y = course.step[kept], course.correct[kept]
    slope, height = np.polyfit(x, y, 1)
    # Shares that are all alike have a slope of rounding errors.
    if slope * (x[-1] - x[0]) < 1e-9:
        return math.inf
    return max(float((HALF - height) / slope), step)
