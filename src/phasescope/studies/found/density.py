"""Do denser data, more images, and more overlap bring order and accuracy sooner?

P1 trains on grids of increment d, with bumps of width sigma, and finds that denser data (smaller d) and more overlap
(smaller d / sigma) bring order sooner. Counted in epochs denser data win by arithmetic: an epoch of a grid at d = 0.25 px
holds 16 times the images of one at 1 px. So all is counted in gradient steps. Within P1's range, d <= 1 px, a run sees its
set few times; density can act where a run sees its set many times, so sets of 64 to 512 images are trained on as long.
An increment's effect counts where it is more than a quarter: between 0.8 and 1.25 times the steps two sets are as quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.captions import THRESHOLDS, saying
from phasescope.studies.core.claim import Claim, Estimate
from phasescope.studies.core.comparing import onset_factor
from phasescope.studies.core.criteria import (
    PLACE,
    RAW_ORDERED,
    Passing,
    accurate,
    column,
    onsets,
    runs_of,
    some_runs,
)
from phasescope.studies.core.curves import mean_curves, median_of, named
from phasescope.studies.core.made import flat, rise
from phasescope.studies.core.statistics import mean_of_runs, sooner
from phasescope.studies.core.study import Cell, Curve, Figure, Panel, Study
from phasescope.studies.found._cells import AMENDED, BASE, BEFORE, DENSE, KEPT, SYSTEMS, WIDE, fast_grid
from phasescope.studies.found._made import at, controls, order, whole

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.config import RunConfig

SOONER = 0.8
"""ratio of onsets below which one is sooner; its inverse, 1.25, is the margin of being as quick"""
D_PX = (0.25, 0.5, 1.0)
SIGMA_PX = (0.5, 1.0, 2.0)
FAST = {(d, sigma): fast_grid(d, d, sigma) for sigma in SIGMA_PX for d in (0.25, 0.5, 1.0, 2.0, 4.0)}

THINGS: dict[str, tuple[str, Passing]] = {
    "order": (f"order at {named(*PLACE)}", RAW_ORDERED),
    "grid": ("accuracy on the grid", accurate("grid")),
    "off_grid": ("accuracy off the grid", accurate("off_grid")),
}
READS = ("accuracy.", "outcomes.", "order.")

Sides = tuple[tuple[str, ...], tuple[str, ...]]
COMPARED: dict[str, dict[str, Sides]] = {
    "eps": {
        "denser": ((DENSE[0.25].name,), (BASE.name,)),
        "wider": ((WIDE[2.0].name,), (WIDE[0.5].name,)),
    },
    "fast": {
        "denser": ((FAST[0.25, 1.0].name,), (FAST[1.0, 1.0].name,)),
        "wider": ((FAST[1.0, 2.0].name,), (FAST[1.0, 0.5].name,)),
    },
}
"""by system: cells of which something is claimed to be sooner, and those than which"""
WORDS = {
    "denser": ("Denser data, increments of 0.25 px in the place of 1 px,", "density"),
    "wider": ("More overlap, bumps of sigma 2 px in the place of 0.5 px on the same labels,", "overlap"),
}
CAVEATS = {
    "denser": "Below 1 px a copier of the nearest training image is right as well.",
    "wider": "A wider bump is also more pixels that are not background, and so a larger part of the loss.",
}


def _study() -> Study:
    return STUDY


def setting_in(of: dict[str, float]) -> Any:
    """By cell the part of the run at which all sets in."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        placed = at(of.get(cell.name, 0.5), config, generator)
        course = rise(placed, T / 60)
        return {"formed": whole, "x": course, "y": course, **order(course)}

    return courses


def _compared(system: str, what: str, thing: str) -> Claim:
    words, passing = THINGS[thing]
    first, second = COMPARED[system][what]
    cells = (*first, *second)

    def ratio(of: float) -> Any:
        times = dict.fromkeys(first, 0.5 * of) | dict.fromkeys(second, 0.5)
        return setting_in(times)

    return Claim(
        f"{what}_sooner_{thing}_{system}",
        f"{WORDS[what][0]} bring {words} sooner by more than a fifth of the steps: {SYSTEMS[system]}.",
        "P1" if system == "eps" else "P1, on another system",
        "ratio of geometric mean onsets in gradient steps, bootstrap of runs within cells; onsets that did not come are put "
        "at the run's end",
        SOONER,
        partial(onset_factor, first, second, passing),
        "onsets",
        CAVEATS[what] + (f" {BEFORE}" if system == "fast" else ""),
        direction="below",
        minimum_n=10,
        counting="steps",
        cells=cells,
        family=f"{WORDS[what][1]} brings {'order' if thing == 'order' else 'accuracy'} sooner",
        system=system,
        controls=controls(_study, cells, ratio(0.5), ratio(1.0), ratio(SOONER), reads=READS),
    )


def sooner_with_images(thing: str, frame: pd.DataFrame) -> Estimate:
    """Somers' D of onsets with the number of images trained on."""
    runs = runs_of(frame, SETS)
    images = np.array([column(run, "images")[0] for run in runs])
    return sooner(onsets(runs, THINGS[thing][1]), images, [0] * len(runs))


def copier(images: float, grid: float) -> float:
    """The accuracy within 1 px of one that paints the nearest of `images` labels, drawn from a grid of 1 px of `grid`."""
    return 1 - (1 - images / grid) ** 9


def excess_over_copier(cells: tuple[str, ...], frame: pd.DataFrame) -> Estimate:
    """Mean over runs of (acc - acc_copier) / (1 - acc_copier) off the grid, at the end."""
    runs = runs_of(frame, cells)
    copied = [copier(column(run, "images")[0], 32.0**2) for run in runs]
    reached = [column(run, "outcomes.off_grid.correct")[-1] for run in runs]
    values = [(a - c) / (1 - c) for a, c in zip(reached, copied, strict=True)]
    return mean_of_runs(values, {"copier": float(np.mean(copied)), "reached": float(np.mean(reached))})


SETS = (*(cell.name for cell in KEPT.values()), BASE.name)
FEW = (KEPT[128].name,)


def _with_size(slope: float) -> Any:
    """Onsets that fall as images^-slope."""
    return setting_in({name: 0.35 * (n / 256) ** -slope for name, n in zip(SETS, (*KEPT, 1024), strict=True)})


def _of_sets() -> list[Claim]:
    claims = [
        Claim(
            f"more_images_sooner_{thing}",
            f"Of sets of 64 to 1,024 images, larger ones bring {THINGS[thing][0]} sooner.",
            "P1 (density), at sets that a run sees many times",
            "Somers' D of onsets in gradient steps with the number of images, censored runs compared where they can be",
            0.0,
            partial(sooner_with_images, thing),
            "sets",
            "Sets are nested: the smaller ones are the first of one random order of the grid's labels.",
            minimum_n=20,
            counting="steps",
            cells=SETS,
            family=f"density brings {'order' if thing == 'order' else 'accuracy'} sooner",
            system="eps",
            controls=controls(
                _study, SETS, _with_size(0.25), _with_size(-0.25), _with_size(0.0), reads=READS
            ),
        )
        for thing in THINGS
    ]
    found = copier(128, 32.0**2)

    def ending(excess: float) -> Any:
        share = found + excess * (1 - found)

        def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
            of_run = float(np.clip(share + 0.03 * generator.standard_normal(), 0.01, 0.99))
            return {
                "formed": whole,
                "x": flat(1.0),
                "y": flat(1.0),
                "off_x": flat(of_run),
                "off_y": flat(1.0),
            }

        return courses

    return [
        *claims,
        Claim(
            "beyond_copier",
            "Trained on 128 images of 1,024, a network paints labels between them better than one that copies the nearest.",
            "phasescope",
            "excess over the copier's accuracy within 1 px, (acc - acc_copier) / (1 - acc_copier), off the grid at the end, "
            "mean over runs",
            0.0,
            partial(excess_over_copier, FEW),
            "sets",
            "The copier's accuracy is that of random subsets on average, and this is one of them.",
            cells=FEW,
            family="between images: beyond a copier",
            system="eps",
            controls=controls(_study, FEW, ending(0.3), ending(-0.3), ending(0.0), reads=READS),
        ),
    ]


CLAIMS = (
    *(_compared(system, what, thing) for system in COMPARED for what in WORDS for thing in THINGS),
    *_of_sets(),
)
CELLS = (BASE, *DENSE.values(), *KEPT.values(), *WIDE.values(), *FAST.values())
EPS_NAMES = tuple(cell.name for cell in (BASE, *DENSE.values(), *WIDE.values()))
FAST_NAMES = tuple(cell.name for cell in FAST.values())


def sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _marks(
    runs: dict[float, list[pd.DataFrame]], passing: Passing, label: str, series: int, shift: float
) -> Curve:
    """Of each x the median onset, with the first and the last."""
    each = [onsets(found, passing) for found in runs.values()]
    came = [found.onset[found.came] if found.came.any() else np.array([np.nan]) for found in each]
    return Curve(
        np.array(list(runs)) * shift,
        np.array([median_of(found)[0] for found in each]),
        np.array([ends.min() for ends in came]),
        np.array([ends.max() for ends in came]),
        label,
        series,
        "points",
    )


def _present(frame: pd.DataFrame, cells: dict[float, str]) -> dict[float, list[pd.DataFrame]]:
    found = {x: some_runs(frame, [name]) for x, name in cells.items()}
    return {x: runs for x, runs in found.items() if runs}


def _by_system(
    frame: pd.DataFrame,
) -> Iterator[tuple[str, str, list[tuple[str, dict[float, list[pd.DataFrame]]]]]]:
    """(system, x label, [(words, runs by x)]) of each panel's row."""
    density = {d: DENSE[d].name if d in DENSE else BASE.name for d in D_PX}
    overlap = {sigma: WIDE[sigma].name if sigma in WIDE else BASE.name for sigma in SIGMA_PX}
    yield "eps", "increment d, px", [("sigma = 1 px", _present(frame, density))]
    yield "eps", "sigma, px", [("d = 1 px", _present(frame, overlap))]
    fast = [
        (f"sigma = {sigma:g} px", _present(frame, {d: FAST[d, sigma].name for d, s in FAST if s == sigma}))
        for sigma in SIGMA_PX
    ]
    yield "fast", "increment d, px", fast


def onset_panels(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for system, xlabel, lines in _by_system(frame):
        ticks = {x: f"{x:g}" for _, runs in lines for x in runs}
        for words, passing in THINGS.values():
            curves = [
                _marks(runs, passing, label, number, 1.06 ** (number - (len(lines) - 1) / 2))
                for number, (label, runs) in enumerate(lines)
                if runs
            ]
            if curves:
                title = f"{SYSTEMS[system].rpartition(', ')[2]}: {words}"
                panels.append(
                    Panel(sentence(title), xlabel, "onset, steps", curves, xscale="log", ticks=ticks)
                )
    return panels


def sets(frame: pd.DataFrame) -> list[Panel]:
    sizes = dict(zip((*KEPT, 1024), SETS, strict=True))
    runs = _present(frame, {float(n): name for n, name in sizes.items()})
    if not runs:
        return []
    ticks = {n: f"{n:g}" for n in runs}
    marks = [
        _marks(runs, passing, words, number, 1.05 ** (number - 1))
        for number, (words, passing) in enumerate(THINGS.values())
    ]
    last: Callable[[str], np.ndarray] = lambda name: np.array(  # noqa: E731
        [np.mean([column(run, name)[-1] for run in of_n]) for of_n in runs.values()]
    )
    at_end = [
        Curve(
            np.array(list(runs)),
            last(f"outcomes.{labels}.correct"),
            label=words,
            series=number,
            style="points",
        )
        for number, (labels, words) in enumerate((("grid", "on the grid"), ("off_grid", "off the grid")))
    ]
    copied = np.array([copier(n, 1024.0) for n in runs])
    at_end.append(
        Curve(np.array(list(runs)), copied, label="copier of the nearest", series=7, style="dashed")
    )
    return [
        Panel("When it sets in", "images trained on", "onset, steps", marks, xscale="log", ticks=ticks),
        Panel(
            "At the end",
            "images trained on",
            "share of images right",
            at_end,
            xscale="log",
            ticks=ticks,
            ylim=(-0.02, 1.02),
        ),
    ]


def courses(frame: pd.DataFrame) -> list[Panel]:
    names = {
        f"order, {named(*PLACE)}": f"order.{PLACE}.value",
        "right, on the grid": "outcomes.grid.correct",
        "right, off the grid": "outcomes.off_grid.correct",
    }
    return [
        Panel(cell.name, "gradient steps", "R², or share", mean_curves(runs, names), ylim=(-0.05, 1.02))
        for cell in CELLS
        if cell.preset != "fast" and (runs := some_runs(frame, [cell.name]))
    ]


STUDY = Study(
    name="density",
    number=5,
    question="Do denser data, more images, and more overlap bring order and accuracy sooner, counted in steps?",
    preset="lean",
    cells=CELLS,
    seeds=8,
    more=8,
    amendments=AMENDED,
    claims=CLAIMS,
    figures=(
        Figure(
            "onsets",
            "Onsets against density and against overlap",
            onset_panels,
            saying(
                (*EPS_NAMES, *FAST_NAMES),
                "Marks: Kaplan-Meier medians; bars: from the first to the last run's onset; no mark: fewer than half the "
                f"runs had it. {THRESHOLDS}",
            ),
        ),
        Figure(
            "sets",
            "Training sets of few images, trained on as long",
            sets,
            saying(SETS, f"Marks: medians, or means over runs; bars: first and last onset. {THRESHOLDS}"),
            columns=2,
        ),
        Figure(
            "courses",
            "While learning",
            courses,
            saying((*EPS_NAMES, *SETS[:-1]), "Means and ranges over runs."),
        ),
    ),
)
