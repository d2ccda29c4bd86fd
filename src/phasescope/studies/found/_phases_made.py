"""Courses of learning that pass P1's phases in part, out of step, or with other failures than P1 says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.made import Courses, rise
from phasescope.studies.found._made import as_p1_says, at, order, whole

if TYPE_CHECKING:
    from phasescope.runs.config import RunConfig
    from phasescope.studies.core.study import Cell


def latents_early(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """As P1 says in images, but latents are ordered before a bump is."""
    return as_p1_says(cell, config, generator) | order(rise(12.0, 1.0))


def order_lost(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """As P1 says in images, but latents are ordered from the start, and lose their order later."""
    lost = rise(at(0.6, config, generator), config.training.steps / 60)
    return as_p1_says(cell, config, generator) | order(
        lambda steps: rise(12.0, 1.0)(steps) * (1 - lost(steps))
    )


def latents_ahead(part: float) -> Courses:
    """Behaviour as P1 says; of the time from A's end to C's begin latents are ordered a part too early."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        placed = at(0.6, config, generator)
        ahead = rise(placed - part * 0.4 * T, T / 60)
        return {
            "formed": rise(at(0.2, config, generator), T / 60),
            "x": rise(placed, T / 60),
            "y": rise(placed, T / 60),
            **order(ahead),
        }

    return courses


def unformed_of(malformed: float) -> dict[str, float]:
    """Shares of outcomes among images without one good bump, of which this one is misshapen."""
    rest = (1 - malformed) / 2
    return {"none": rest, "multiple": rest, "malformed": malformed}


def malformed_about(share: float) -> Courses:
    """As P1 says, but in phase A about this share of the failures is misshapen, by run."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        of_run = float(np.clip(share + 0.1 * generator.standard_normal(), 0, 1))
        return as_p1_says(cell, config, generator) | {"unformed": unformed_of(of_run)}

    return courses


def misplaced_b(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """As P1 says, but bumps form soon after the labels explain latents: while these are in B most images hold one bump."""
    T = config.training.steps
    return as_p1_says(cell, config, generator) | {"formed": rise(at(0.08, config, generator), T / 60)}


def shapeless_b(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """Bumps form only when latents are ordered: until then images hold several."""
    T = config.training.steps
    ordered = at(0.6, config, generator)
    return {
        "formed": rise(ordered, T / 60),
        "x": whole,
        "y": whole,
        **order(rise(ordered, T / 60)),
    }


def half_misplaced(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """Of the wrong images about half, by run, hold one misplaced bump at each step; latents are ordered with the bumps."""
    T = config.training.steps
    of_wrong = float(np.clip(0.5 + 0.05 * generator.standard_normal(), 0, 1))
    placed = rise(at(0.6, config, generator), T / 60)

    def formed(steps: np.ndarray) -> np.ndarray:
        """formed (1 - right) = of_wrong (1 - formed right), right the share of those formed."""
        right = placed(steps) ** 2
        return of_wrong / (1 - right + of_wrong * right)

    return {"formed": formed, "x": placed, "y": placed, **order(placed)}
