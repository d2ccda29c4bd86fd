"""Do networks factorize x and y (P2), or couple them (P1), and did training make it so?

P2 judges by latents: moves along x are parallel wherever they start, and orthogonal to moves along y, as on a Clifford
torus and unlike on a torus in three dimensions. `measures.factorization` puts both into one index, 0 at the 3D torus and 1
at the Clifford torus of the same labels; it is taken here on a lattice of labels between those that were trained on, with
several noise draws a label. The label's encoding is factorized already and an untrained network passes it on, so the index
is also told less its untrained value. By itself neither orthogonality (a 3D torus has it) nor the number of loops (none is
found on a 3D torus of as many labels) tells the two apart: nothing is claimed of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from phasescope.studies.core.captions import BANDS, saying
from phasescope.studies.core.claim import Claim, Controls, Made
from phasescope.studies.core.criteria import column
from phasescope.studies.core.curves import STEPS, mean_curves, named, with_runs
from phasescope.studies.core.study import Curve, Figure, Panel, Reading, Study
from phasescope.studies.found._cells import AMENDED, BASE, BEFORE, FAST_PERIODIC, TORUS, TURNS, X, mended
from phasescope.studies.found._code import (
    ASKED,
    BETWEEN,
    DRAWS,
    LIKE_3D,
    LIKE_CLIFFORD,
    PLACES,
    VALUES,
    at_end,
    gained,
    index_at_end,
    made_codes,
    read_code,
)

if TYPE_CHECKING:
    import pandas as pd

SYSTEMS: dict[str, tuple[str, str, str]] = {
    "open": ("eps", "open bumps, P1's objective", BASE.name),
    "torus": ("eps", "periodic bumps, P1's objective", TORUS.name),
    "turns": ("eps", "periodic bumps told by whole turns, P1's objective", TURNS.name),
    "fast_open": ("fast", "open bumps, preset fast", X.name),
    "fast_torus": ("fast", "periodic bumps, preset fast", FAST_PERIODIC.name),
}
"""column of the table, words, cell"""
MIDWAY = 0.5
"""of the index: nearer to the Clifford torus than to the 3D torus"""


def _claims_of(system: str) -> list[Claim]:
    at, words, cell = SYSTEMS[system]
    before = f" {BEFORE}" if at == "fast" else ""
    claim = partial(Claim, source="P2", figure="index", cells=(cell,), system=at)

    def control(
        positive: Sequence[float], negative: Sequence[float], borderline: Sequence[float]
    ) -> Controls:
        def of(kind: Sequence[float]) -> Made:
            untrained, trained = kind
            return partial(made_codes, lambda: STUDY, cell, untrained, trained)

        return Controls(of(positive), of(negative), of(borderline))

    learnt = control((BETWEEN, LIKE_CLIFFORD), (BETWEEN, LIKE_3D), (BETWEEN, BETWEEN))
    claims = []
    for place in ASKED:
        where = named(*place)
        claims += [
            claim(
                f"factorized_{system}_{place.condition}",
                f"Latents at {where} are nearer to a Clifford torus than to a 3D torus: {words}.",
                statistic="factorization index at the end of training (0: 3D torus, 1: Clifford torus), mean over runs, "
                "interval by resampled runs",
                threshold=MIDWAY,
                estimate=partial(index_at_end, cell, place),
                family="latents factorize x and y",
                does_not_show="That the network made it so: the label's encoding is factorized already, and an untrained "
                f"network passes it on.{before}",
                controls=control((BETWEEN, LIKE_CLIFFORD), (BETWEEN, LIKE_3D), (LIKE_3D, BETWEEN)),
            ),
            claim(
                f"factorized_more_{system}_{place.condition}",
                f"Training makes latents at {where} more factorized than they were: {words}.",
                statistic="factorization index at the end less that of the untrained network, mean over runs, interval by "
                "resampled runs",
                threshold=0.0,
                estimate=partial(gained, cell, [f"code.{place}.value"]),
                family="training factorizes latents",
                does_not_show=f"An untrained network that passes on the label's encoding may leave little to gain.{before}",
                controls=learnt,
            ),
            claim(
                f"parallel_more_{system}_{place.condition}",
                f"Training makes moves along a factor more alike wherever they start, at {where}: {words}.",
                statistic="share of a move's square that holds at every value of the other factor, at the end less that "
                "of the untrained network, mean over x and y, then runs, interval by resampled runs",
                threshold=0.0,
                estimate=partial(gained, cell, [f"code.{place}.parallelism.{axis}" for axis in "xy"]),
                family="training makes moves parallel",
                does_not_show=f"Moves of all lengths count, long ones most; short moves alone may be less parallel.{before}",
                controls=learnt,
            ),
        ]
    return claims


def index_panels(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for words, runs in with_runs(frame, [(words, (cell,)) for _, words, cell in SYSTEMS.values()]):
        lines = mean_curves(runs, {named(*place): f"code.{place}.value" for place in PLACES})
        if "code.images.value" in frame and lines:
            end = max(float(curve.x[-1]) for curve in lines)
            level = float(np.nanmean([at_end(run, "code.images.value") for run in runs]))
            lines.append(
                Curve(np.array([0.0, end]), np.full(2, level), label="images", series=7, style="dashed")
            )
        panels.append(Panel(words, STEPS, "index: 0 3D torus, 1 Clifford", lines, level=MIDWAY))
    return panels


MEASURES: dict[str, str] = {
    "index": "value",
    "parallelism of x": "parallelism.x",
    "parallelism of y": "parallelism.y",
    "overlap of x and y": "overlap",
}


def table(frame: pd.DataFrame) -> list[Panel]:
    """Of each system a grid: measures by places, means over runs, at the end and untrained."""
    panels = []
    for words, runs in with_runs(frame, [(words, (cell,)) for _, words, cell in SYSTEMS.values()]):
        cells = [
            [
                float(np.mean([column(run, f"code.{place}.{part}")[end] for run in runs]))
                for place in ASKED
                for end in (0, -1)
            ]
            for part in MEASURES.values()
        ]
        panels.append(
            Panel(
                words,
                "",
                "",
                grid=np.array(cells),
                rows=list(MEASURES),
                columns=[f"{named(*place)}, {when}" for place in ASKED for when in ("untrained", "end")],
                ylim=(0.0, 1.0),
            )
        )
    return panels


CELLS = (BASE, TORUS, TURNS, X, FAST_PERIODIC)
NAMES = tuple(cell.name for cell in CELLS)

STUDY = Study(
    name="factorization",
    number=7,
    question="Do networks factorize x and y (P2), or couple them (P1), and is it training that makes it so?",
    preset="lean",
    cells=CELLS,
    seeds=8,
    more=8,
    amendments=(
        *AMENDED,
        mended(
            "How the claims' intervals are made is said with them. Its runs had been looked at.", looked=True
        ),
    ),
    headline="factorized_open_600",
    claims=tuple(claim for system in SYSTEMS for claim in _claims_of(system)),
    figures=(
        Figure(
            "index",
            "The factorization index while learning",
            index_panels,
            saying(
                NAMES,
                f"On {VALUES} x {VALUES} labels off the grid, {DRAWS} noise draws each, whose noise "
                f"is taken off. {BANDS} Dashed, thin: midway; dashed: the index of the images themselves.",
            ),
            columns=2,
        ),
        Figure(
            "table",
            "Each measure, before training and after",
            table,
            saying(NAMES, "Means over runs. A 3D torus and a Clifford torus have index 0 and 1."),
            columns=2,
        ),
    ),
    readings=(Reading("code", read_code),),
)
