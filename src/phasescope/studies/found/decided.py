"""At which noise level is it decided what an unconditional network paints, and is it where the exact posterior decides?

A network that never hears a label paints what its noise comes to. From x_t of a training image painted down again, at small
t the image comes back, or one like it, at large t another one does. A perfect network brings these back with their posterior
weight given that very x_t, so the exact curve is known (docs/theory.md). For narrow bumps the posterior condenses onto an
image before the widest mode of the data becomes unstable; for bumps of sigma 4 px the order is the other.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.runs.cloning import clones
from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made, NotEnough
from phasescope.studies.core.comparing import mean_of_bounds, size
from phasescope.studies.core.criteria import at_end, runs_of, some_runs
from phasescope.studies.core.curves import marks
from phasescope.studies.core.study import Amendment, Curve, Figure, Panel, Reading, Study, Table
from phasescope.studies.found._cells import UNTOLD, foretold_of
from phasescope.studies.found._made import made_ends

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

NAMES = tuple(cell.name for cell in UNTOLD.values())
NEAR = 25.0
"""noise levels, of 1,000, within which half of the clones come back where half of a perfect network's do"""
IMAGES, EACH = 48, 3
NOWHERE = "in no run half of the clones come back"
LEVELS = tuple(range(75, 901, 75))


def read_clones(run: Run) -> list[dict[str, Any]]:
    """Of the last snapshot the noise level at which half of the clones come back, and the exact one; and both curves."""
    found = clones(run, LEVELS, IMAGES, EACH, seed=int(run.config["seed"]))
    curves = {f"share.{t}": share for t, share in zip(found.conditions, found.share.tolist(), strict=True)}
    curves |= {f"exact.{t}": share for t, share in zip(found.conditions, found.exact.tolist(), strict=True)}
    step = run.snapshots[-1].step
    return [{"step": step, "half": found.half[0], "exact_half": found.exact_half, **curves}]


def later(sigma: float, frame: pd.DataFrame) -> Estimate:
    """Mean over runs of the noise level at which half come back less a perfect network's from the same noisy images."""
    runs = runs_of(frame, [UNTOLD[sigma].name])
    exact = np.array([at_end(run, "clones.exact_half") for run in runs])
    if not np.isfinite(exact).all():
        raise NotEnough("of the exact posterior half come back at no noise level that was asked, or at each")
    bounds = np.array([half_within(run) for run in runs])
    found = mean_of_bounds((bounds - exact[:, None]).tolist(), NOWHERE)
    return replace(found, detail={"exact": float(exact.mean()), "half": float(bounds.mean()), **found.detail})


def half_within(run: pd.DataFrame) -> tuple[float, float]:
    """Between which noise levels half of a run's clones come back: one where it is known, open where none or all do."""
    half = at_end(run, "clones.half")
    if np.isfinite(half):
        return half, half
    first = at_end(run, f"clones.share.{LEVELS[0]}")
    return (-np.inf, float(LEVELS[0])) if first < 0.5 else (float(LEVELS[-1]), np.inf)


def made(cell: str, apart: float, generator: np.random.Generator) -> pd.DataFrame:
    """Records of runs that decide as much later than a perfect network, another in each by some 15 noise levels."""

    def read(_: str) -> dict[str, float]:
        return {
            "clones.exact_half": 240.0,
            "clones.half": 240.0 + apart + 15 * generator.standard_normal(),
        }

    return made_ends(STUDY, [cell], read, generator)


def _claim(sigma: float) -> Claim:
    cell = UNTOLD[sigma].name

    def of(apart: float) -> Made:
        return partial(made, cell, apart)

    return Claim(
        f"decided_{sigma:g}",
        f"Told nothing, it is decided what is painted within {NEAR:g} noise levels of where the exact posterior decides: "
        f"sigma {sigma:g} px.",
        "phasescope",
        "size of the noise level at which half of clones come back, to an image like the one started from, less that of a "
        "perfect network from the same noisy images, mean over runs",
        NEAR,
        size(partial(later, sigma)),
        "half",
        "What a network is told nothing of it cannot place; how one that hears a label decides is another question.",
        direction="below",
        cells=(cell,),
        family="where it is decided what is painted",
        system="eps",
        controls=Controls(of(0.0), of(70.0), of(NEAR)),
    )


def half(frame: pd.DataFrame) -> list[Panel]:
    """A mark a sigma: by how much later than a perfect network it is decided."""
    there = [sigma for sigma in UNTOLD if some_runs(frame, [UNTOLD[sigma].name])]
    found = marks([partial(later, sigma, frame) for sigma in there], "", 0, 0.0)
    ticks = {float(place): f"{sigma:g}" for place, sigma in enumerate(there)}
    title = "The noise level at which half of clones come back"
    ends = np.array([-0.5, len(there) - 0.5])
    near = [Curve(ends, np.full(2, apart), style="dashed") for apart in (NEAR, -NEAR)]
    return [Panel(title, "sigma, px", "t, less a perfect network's", [found, *near], level=0.0, ticks=ticks)]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each sigma where it is decided, and what was foretold."""
    found = []
    for sigma, cell in UNTOLD.items():
        if runs := some_runs(frame, [cell.name]):
            told = foretold_of(cell)
            half_at, exact_at = (
                float(np.nanmean([at_end(run, f"clones.{name}") for run in runs]))
                for name in ("half", "exact_half")
            )
            found.append(
                {
                    "sigma, px": sigma,
                    "runs": len(runs),
                    "half come back at t": half_at,
                    "exactly": exact_at,
                    "one image stands out at t": told["t_condensation"],
                    "widest mode unstable at t": told["t_instability"],
                }
            )
    return found


STUDY = Study(
    name="decided",
    number=11,
    question="Told nothing, at which noise level does a network decide what it paints, and is it where the posterior does?",
    preset="lean",
    cells=tuple(UNTOLD.values()),
    seeds=8,
    more=8,
    amendments=(
        Amendment(
            "2026-11-28",
            "A clone had come back where its nearest training image was the very one started from: of wide bumps that tells "
            "how well places 1 px apart can be told, not where the place is decided. Images like it count now. Each run has "
            "images and noise of its own, higher noise levels are asked, and a run whose clones come back at none leaves an "
            "end open. None of its runs had been made.",
        ),
    ),
    headline="decided_1",
    claims=tuple(_claim(sigma) for sigma in UNTOLD),
    figures=(
        Figure(
            "half",
            "Where it is decided what is painted",
            half,
            saying(
                NAMES,
                f"{IMAGES} images, {EACH} clones each, from each of {len(LEVELS)} noise levels. Means with intervals; "
                f"dashed: {NEAR:g} levels, within which a claim holds.",
            ),
        ),
    ),
    tables=(Table("levels", "Noise levels at which it is decided", rows),),
    readings=(Reading("clones", read_clones),),
)
