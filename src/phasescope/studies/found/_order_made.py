"""Courses of learning in which order and accuracy go together, apart, one after the other, or by seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.made import Course, Courses, rise
from phasescope.studies.found._made import at, order, whole

if TYPE_CHECKING:
    from phasescope.runs.config import RunConfig
    from phasescope.studies.core.study import Cell


def wavering(course: Course, dips: np.ndarray) -> Course:
    """A course with setbacks, by step."""
    return lambda steps: course(steps) * (1 - dips[steps.astype(int) % len(dips)])


def going(by: float, seen: bool) -> Courses:
    """Order that has each setback of accuracy (1), none of it (0), or one where accuracy has none (-1)."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        placed = rise(at(0.4, config, generator), T / 8)
        dips, others = generator.uniform(0.0, 0.5, (2, 4000))
        of_order = wavering(placed, dips if by > 0 else 0.5 - dips if by < 0 else others)
        told = {"seen_route": of_order} if seen else order(of_order)
        return {"formed": whole, "x": wavering(placed, dips), "y": whole, **told}

    return courses


def apart(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """Accuracy rises; order goes up and down as it likes."""
    T = config.training.steps
    wild = generator.uniform(0.2, 0.9, 4000)
    course: Course = lambda steps: wild[steps.astype(int) % 4000]  # noqa: E731
    return {
        "formed": whole,
        "x": rise(at(0.4, config, generator), T / 8),
        "y": whole,
        "seen_route": course,
        **order(course),
    }


def lag(times: float) -> Courses:
    """Accuracy sets in at `times` the step of order."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        ordered = at(0.3, config, generator)
        return {
            "formed": whole,
            "x": rise(ordered * times, T / 80),
            "y": whole,
            **order(rise(ordered - T / 40, T / 80)),
        }

    return courses


def by_seed(by: float) -> Courses:
    """Runs of a cell differ: sooner ordered, sooner right (1), later right (-1), or neither."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        own, other = generator.standard_normal(2)
        right = 0.45 * np.exp(0.25 * own)
        ordered = 0.45 * np.exp(0.25 * (by * own if by else other))
        return {"formed": whole, "x": rise(right * T, T / 20), "y": whole, **order(rise(ordered * T, T / 20))}

    return courses
