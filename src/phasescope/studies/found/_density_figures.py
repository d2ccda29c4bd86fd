"""Figures of density: onsets against density, overlap and the size of the set; what is right at the end; the courses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.criteria import PLACE, Passing, at_end, onsets, some_runs
from phasescope.studies.core.curves import mean_curves, median_of, named
from phasescope.studies.core.study import Curve, Panel
from phasescope.studies.found._cells import BASE, DENSE, FAST, KEPT, SIGMA_PX, WIDE
from phasescope.studies.found._sets import SETS, THINGS, copier

if TYPE_CHECKING:
    import pandas as pd

D_PX = (0.25, 0.5, 1.0)


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
            if len(ticks) > 1:
                title = f"{system}: {words}"
                panels.append(Panel(title, xlabel, "onset, steps", curves, xscale="log", ticks=ticks))
    return panels


def sets(frame: pd.DataFrame) -> list[Panel]:
    sizes = {float(n): name for n, name in zip((*KEPT, 1024), SETS, strict=True)}
    runs = _present(frame, sizes)
    if len(runs) < 2:
        return []
    ticks = {n: f"{n:g}" for n in runs}
    marks = [
        _marks(runs, passing, words, number, 1.05 ** (number - 1))
        for number, (words, passing) in enumerate(THINGS.values())
    ]
    last: Callable[[str], np.ndarray] = lambda name: np.array(  # noqa: E731
        [np.mean([at_end(run, name) for run in of_n]) for of_n in runs.values()]
    )
    shares = [
        Curve(
            np.array(list(runs)),
            last(f"outcomes.{labels}.correct"),
            label=words,
            series=number,
            style="points",
        )
        for number, (labels, words) in enumerate((("grid", "on the grid"), ("off_grid", "off the grid")))
    ]
    copied = np.array([copier(sizes[n]) for n in runs])
    shares.append(
        Curve(np.array(list(runs)), copied, label="copier of the nearest", series=7, style="dashed")
    )
    return [
        Panel("When it sets in", "images trained on", "onset, steps", marks, xscale="log", ticks=ticks),
        Panel(
            "At the end",
            "images trained on",
            "share of images right",
            shares,
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
        for cell in (BASE, *DENSE.values(), *KEPT.values(), *WIDE.values())
        if (runs := some_runs(frame, [cell.name]))
    ]
