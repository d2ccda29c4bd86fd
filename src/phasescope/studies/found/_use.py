"""Is what is ordered used? Something of another label is put in at a tap while a network paints: does the bump follow?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.claim import Controls, Estimate, Made
from phasescope.studies.core.criteria import runs_of, some_runs
from phasescope.studies.core.curves import ticks
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Panel, Study
from phasescope.studies.found._behaviour import MAJORITY
from phasescope.studies.found._cells import BASE
from phasescope.studies.found._looks import marks_in, middles, value_in
from phasescope.studies.found._made import made_looks

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

TAPS = ("down3", "mid", "up1")
"""at which something is put in"""
HOW = {"part": "what labels explain", "patch": "all"}
"""what is put in"""
IMAGES = 64


def read_use(run: Run) -> list[dict[str, Any]]:
    """At the middle snapshot of each phase, what follows where something of another label is put in at a tap.

    `part` puts in what labels explain there, `patch` all that is there. By the matched filter: the share of images that
    hold what was put in and that which hold what was told, and px moved per px asked.
    """
    from phasescope.runs.intervening import intervene

    rows = []
    for letter, snapshot in middles(run).items():
        row: dict[str, Any] = {"step": snapshot.step, "phase": letter}
        for tap in TAPS:
            for how in HOW:
                scores = intervene(run, tap, how, count=IMAGES, step=snapshot.step).scores
                for name in ("follows", "stays", "moved.x", "moved.y"):
                    row[f"{tap}.{how}.{name}"] = scores[f"matched.{name}"].value
                row[f"{tap}.{how}.loss"] = scores["loss"].value / scores["loss.told"].value
        rows.append(row)
    return rows


def follows(tap: str, how: str, frame: pd.DataFrame) -> Estimate:
    """In phase C the share of images that hold what was put in, mean over runs."""
    shares, moved = (
        np.array([value_in(run, "use", "C", f"{tap}.{how}.{name}") for run in runs_of(frame, [BASE.name])])
        for name in ("follows", "moved.x")
    )
    return mean_of_runs(
        shares, {"px_moved_per_px": float(np.nanmean(moved)) if np.isfinite(moved).any() else np.nan}
    )


BETWEEN_RUNS = 0.15
"""of the share that follows, as runs of P1's objective have it at up1"""


def following(study: Callable[[], Study], share: float, generator: np.random.Generator) -> pd.DataFrame:
    """Records of the base's runs, in which a share of images follows, another in each, whatever is put in."""

    def read(letter: str, generator: np.random.Generator) -> dict[str, float]:
        p = np.clip(share + BETWEEN_RUNS * generator.standard_normal(), 0, 1)
        found = {}
        for tap, how in product(TAPS, HOW):
            of_images = generator.binomial(IMAGES, p) / IMAGES
            found |= {f"{tap}.{how}.{name}": of_images for name in ("follows", "moved.x", "moved.y")}
        return found

    return made_looks(study(), BASE.name, "use", read, generator)


def use_controls(study: Callable[[], Study]) -> Controls:
    """Records in which most images follow, few do, and half of them."""

    def of(share: float) -> Made:
        return partial(following, study, share)

    return Controls(of(0.85), of(0.15), of(MAJORITY))


def use_panels(frame: pd.DataFrame) -> list[Panel]:
    """Of each phase a mark a tap and way of putting in: the share that follows, and px moved per px asked."""
    runs = some_runs(frame, [BASE.name])
    return [
        Panel(
            "Put in at a tap",
            "",
            ylabel,
            [
                marks_in(
                    runs,
                    "use",
                    letter,
                    [f"{tap}.{how}.{name}" for tap in TAPS],
                    f"phase {letter}: {HOW[how]}",
                    series,
                    0.1 * (series - 1.5),
                )
                for series, (letter, how) in enumerate(product("BC", HOW))
            ],
            ticks=ticks(TAPS),
            ylim=(-0.1, 1.1),
        )
        for name, ylabel in (
            ("follows", "share of images that follow"),
            ("moved.x", "px moved per px asked, along x"),
        )
    ]
