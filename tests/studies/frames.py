"""Records made up, with courses of learning that are known: what a study says of them can be foretold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from phasescope.measures.learning import phases
from phasescope.studies.core.study import Cell, Study
from phasescope.worlds.bump.reader import OUTCOMES

N = 64
"""images read on the grid, and off it"""
PHASE_OF = {outcome.name: outcome.phase for outcome in OUTCOMES}

Course = Callable[[np.ndarray], np.ndarray]
"""steps -> a number at each"""


def rise(at: float, width: float = 40.0) -> Course:
    """From 0 to 1, through 1/2 at a step; never where that is infinite."""
    return lambda steps: 1 / (1 + np.exp(-np.clip((steps - at) / width, -60, 60)))


def score(at: str, value: np.ndarray, half: float = 0.02, **nulls: float) -> dict[str, np.ndarray]:
    """The columns of a score."""
    columns = {"value": value, "low": value - half, "high": value + half, "n": np.full(len(value), 256.0)}
    levels = {"permuted": 0.0, "untrained": float(value[0]), "pixels": 0.0, "label_embedding": 1.0} | nulls
    columns |= {f"nulls.{name}": np.full(len(value), level) for name, level in levels.items()}
    return {f"{at}.{name}": column for name, column in columns.items()}


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterable[tuple[str, Any]]:
    """(dotted path, value) of a configuration's leaves that are numbers or text."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        elif isinstance(value, int | float | str):
            yield f"{path}{key}", value


def run_frame(
    cell: Cell,
    seed: int,
    preset: str,
    *,
    formed: Course,
    x: Course,
    y: Course,
    off_x: Course | None = None,
    off_y: Course | None = None,
    raw: Course | None = None,
    p1: Course | None = None,
    joint: Course | None = None,
    malformed: float = 0.0,
) -> pd.DataFrame:
    """Rows of one run.

    Of the images a share `formed` holds one good bump; of these `x` and `y` are right along an axis, both as often as chance
    says unless `joint` says otherwise. Those not formed hold several bumps, but for a share `malformed` of them.
    """
    config = cell.config(seed, preset)
    plan = config.probing.snapshots
    observed = config.plan_of(config.network.taps, config.network.usual_taps)
    last = config.training.steps
    steps = np.array([0, *(s for s in range(1, last + 1) if plan.due(s, last))], dtype=float)
    images = len(config.world.training_labels())
    table: dict[str, Any] = {
        "digest": config.digest(),
        "name": config.name,
        "seed": seed,
        "cell": cell.name,
        "step": steps.astype(int),
        "images_seen": steps * config.training.batch,
        "epochs": steps * config.training.batch / images,
        "loss": np.where(steps > 0, 1 / (1 + steps / 50), np.nan),
        **{f"config.{name}": value for name, value in leaves(config.tree())},
    }
    f = np.round(formed(steps) * N) / N
    for labels, (of_x, of_y) in {"grid": (x, y), "off_grid": (off_x or x, off_y or y)}.items():
        a, b = of_x(steps), of_y(steps)
        both = a * b if joint is None else joint(steps)
        table |= {
            f"accuracy.{labels}.x": f * a,
            f"accuracy.{labels}.y": f * b,
            f"accuracy.{labels}.joint": f * both,
            f"outcomes.{labels}.n": N,
            f"outcomes.{labels}.correct": f * both,
            f"outcomes.{labels}.misplaced": f * (1 - both),
            f"outcomes.{labels}.none": np.zeros(len(steps)),
            f"outcomes.{labels}.malformed": (1 - f) * malformed,
            f"outcomes.{labels}.multiple": (1 - f) * (1 - malformed),
            f"error_px.{labels}": 8 * (1 - both),
        }
    behaviour = [
        phases.behaviour_phase(
            {name: float(table[f"outcomes.grid.{name}"][i]) for name in PHASE_OF}, N, PHASE_OF
        )
        for i in range(len(steps))
    ]
    table["phase.behaviour"] = behaviour
    share = 0.02 + 0.9 * rise(60.0, 10.0)(steps)
    for measure, course, places in (
        (
            "order",
            raw or rise(60.0),
            [(tap, t) for tap in ("down3", "mid") for t in observed.timesteps],
        ),
        ("p1_order", p1 or rise(300.0), [("down3", 600)]),
        ("p1", p1 or rise(300.0), [("down3", 50), ("mid", 50), ("mid", 600)]),
    ):
        for tap, t in places:
            at = f"{tap}.{t}"
            table |= score(f"{measure}.{at}", course(steps))
            table |= score(f"label_share.{at}", share)
            table |= score(f"label_dimension.{at}", np.full(len(steps), 4.0), half=0.1)
    table["phase.representation"] = _phases(table, "order.mid.600", "mid.600")
    table["phase.representation_p1"] = _phases(table, "p1_order.down3.600", "down3.600")
    return pd.DataFrame(table)


def _phases(table: Mapping[str, Any], order: str, at: str) -> list[str]:
    from phasescope.measures import Score

    def one(name: str, i: int) -> Score:
        value, low, high = (float(table[f"{name}.{part}"][i]) for part in ("value", "low", "high"))
        nulls = {
            null: float(table[f"{name}.nulls.{null}"][i]) for null in ("permuted", "untrained", "pixels")
        }
        return Score(value, low, high, 256, "made up", nulls)

    steps = range(len(table["step"]))
    return phases.settled(
        [(one(f"label_share.{at}", i), one(f"label_dimension.{at}", i), one(order, i)) for i in steps]
    )


Courses = Callable[[Cell, Any, np.random.Generator], Mapping[str, Any]]
"""Of a cell, its configuration, and a generator that belongs to (cell, seed): the courses of one run."""


def study_frame(
    study: Study, courses: Courses, cells: Iterable[str] | None = None, seeds: int | None = None
) -> pd.DataFrame:
    """Rows of all runs of a study."""
    wanted = None if cells is None else set(cells)
    frames = []
    for number, cell in enumerate(study.cells):
        if wanted is not None and cell.name not in wanted:
            continue
        preset = cell.preset or study.preset
        for seed in range(seeds or cell.seeds or study.seeds):
            generator = np.random.default_rng([number, seed])
            chosen = courses(cell, cell.config(seed, preset), generator)
            frames.append(run_frame(cell, seed, preset, **chosen))
    return pd.concat(frames, ignore_index=True)


def verdicts(study: Study, frame: pd.DataFrame) -> dict[str, str]:
    return {claim.name: claim.judge(frame).outcome for claim in study.claims}


def jitter(at: float, generator: np.random.Generator, spread: float = 0.05) -> float:
    return at * math.exp(spread * generator.standard_normal())
