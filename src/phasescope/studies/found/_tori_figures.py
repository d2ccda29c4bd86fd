"""What is drawn, and told, of tori: indices, sums, and what is composed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.comparing import mean_where
from phasescope.studies.core.criteria import at_end, column, mean_told, some_runs
from phasescope.studies.core.curves import STEPS, mean_curves, named
from phasescope.studies.core.study import Curve, Panel
from phasescope.studies.found._code import ASKED
from phasescope.studies.found._core import composed
from phasescope.studies.found._tori_cells import HELD, NAMES, WHOLE, additive, index, spectrum

if TYPE_CHECKING:
    import pandas as pd

READ = {"well-formed images": "formed", "every image": "matched"}
MIDWAY = 0.5
"""of the index, between the two tori"""


def courses(frame: pd.DataFrame) -> list[Panel]:
    """While learning the index, a panel a cell, and the share of variance in four components, of whole tori; dashed, that of
    the images."""
    told = partial(_course, of=index, images="shape.images.index", unit="index: 0 3D torus, 1 Clifford")
    lying = partial(
        _course,
        of=spectrum,
        images="spectrum.images.value",
        unit="share of variance",
        after=": in four dimensions",
    )
    return [panel for name in NAMES for panel in told(name, frame, level=MIDWAY)] + [
        panel for cell in WHOLE.values() for panel in lying(cell.name, frame, ylim=(0, 1.02))
    ]


def _course(
    name: str,
    frame: pd.DataFrame,
    of: Callable[[Place], str],
    images: str,
    unit: str,
    after: str = "",
    **more: Any,
) -> list[Panel]:
    """A column of each place of a cell's runs; none where there are no such runs."""
    if not (runs := some_runs(frame, [name])):
        return []
    lines = mean_curves(runs, {named(*place): of(place) for place in ASKED})
    if images in frame and lines:
        ends = np.array([0.0, max(float(line.x[-1]) for line in lines)])
        level = float(np.nanmean([at_end(run, images) for run in runs]))
        lines.append(Curve(ends, np.full(2, level), label="images", series=7, style="dashed"))
    return [Panel(f"{name}{after}", STEPS, unit, lines, **more)]


def shapes(frame: pd.DataFrame) -> list[Panel]:
    """Additive R^2 of latents, untrained and at the end, a dot a run."""
    panels = []
    for place in ASKED:
        at, curves = additive(place), []
        for series, name in enumerate(NAMES):
            runs = [run for run in some_runs(frame, [name]) if at in run]
            if runs:
                x = np.array([column(run, at)[0] for run in runs])
                y = np.array([at_end(run, at) for run in runs])
                curves.append(Curve(x, y, label=name, series=series, style="points"))
        if curves:
            panels.append(Panel(named(*place), "additive R², untrained", "additive R², at the end", curves))
    return panels


def along(frame: pd.DataFrame) -> list[Panel]:
    """What is composed against the index, a dot a run; of each place a panel for each way of reading images."""
    panels = []
    for place in ASKED:
        for words, way in READ.items():
            curves = []
            for series, name in enumerate(HELD):
                if runs := [run for run in some_runs(frame, [name]) if index(place) in run]:
                    x = np.array([at_end(run, index(place)) for run in runs])
                    y = np.array([composed(run, way) for run in runs])
                    curves.append(Curve(x, y, label=name, series=series, style="points"))
            if curves:
                title = f"{named(*place)}, {words}"
                panels.append(Panel(title, "factorization index", "share composed", curves))
    return panels


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each cell what its latents are, by which way labels reach them, and what it composes, at the end."""
    found = []
    for name in NAMES:
        if not (runs := some_runs(frame, [name])):
            continue
        told: dict[str, Any] = {"trained on": name, "runs": len(runs)}
        for place in ASKED:
            columns = {
                "index": index(place),
                "additive R²": additive(place),
                "loops": f"shape.{place}.loops",
                "in four dimensions": spectrum(place),
                "share told": f"share_told.{place}.value",
                "share seen": f"share_seen.{place}.value",
            }
            told |= {
                f"{words}, {named(*place)}": mean_told(runs, column) for words, column in columns.items()
            }
        told["loops, images"] = mean_told(runs, "shape.images.loops")
        told["in four dimensions, images"] = mean_told(runs, "spectrum.images.value")
        for words, way in READ.items():
            each = np.array([composed(run, way) for run in runs]) if name in HELD else np.array([np.nan])
            told[f"composed, {words}"] = mean_where(each, np.isfinite(each))
        found.append(told)
    return found
