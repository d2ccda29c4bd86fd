"""Are latents of periodic bumps and stripes factorized, and do those that are compose better?

P1 says of a torus that its two factors are coupled, P2 that they are factorized, and that such latents compose (Liang et al.
2024, arXiv 2402.03305 and 2408.13256). Images of two stripes are a sum, and so lie on a Clifford torus themselves; those of
bumps are a product. Here both are told by the index of `factorization`, additive R^2 and loops, at the end and untrained;
and where combinations are held out, what is painted of them beyond a copier is set against the index, run by run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.captions import BANDS, saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.criteria import at_end, cells_of, runs_of
from phasescope.studies.core.curves import named
from phasescope.studies.core.statistics import over_runs, share
from phasescope.studies.core.study import Figure, Reading, Study, Table
from phasescope.studies.found._behaviour import MAJORITY
from phasescope.studies.found._code import ASKED, DRAWS, VALUES, gained, index_at_end, index_of, read_code
from phasescope.studies.found._composition import excess_of
from phasescope.studies.found._tori_cells import CELLS, LOOPS, NAMES, SEEDS, SPLITS, WHOLE, index
from phasescope.studies.found._tori_figures import MIDWAY, along, courses, rows, shapes
from phasescope.studies.found._tori_made import (
    ALIKE,
    HALF_WAY,
    UNLIKE,
    about,
    looped,
    made_along,
    two_worlds,
)

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

CLOSE = 0.6
"""of Kendall's tau: how far one must go along with the other"""


def read_shape(run: Run) -> list[dict[str, Any]]:
    """Additive R^2 and loops of a run's latents on a lattice of labels, untrained and at the end; then of its images too."""
    from phasescope.measures import additivity, persistent_homology
    from phasescope.runs.measuring import on_lattice

    rows: list[dict[str, Any]] = []
    for snapshot in (run.snapshots[0], run.snapshots[-1]):
        seen = on_lattice(run, snapshot, ASKED, VALUES, DRAWS)
        row: dict[str, Any] = {"step": snapshot.step}
        for place, draws in seen.latents.draws.items():
            latents = draws.astype(float)
            row |= {
                f"{place}.additive": additivity(latents, seen.labels, seen.factors, permutations=10).value,
                f"{place}.loops": persistent_homology(latents.mean(axis=0)).betti[1].value,
            }
        if rows:
            images = seen.images.astype(float)
            row |= {
                "images.additive": additivity(images, seen.labels, seen.factors, permutations=10).value,
                "images.loops": persistent_homology(images).betti[1].value,
                "images.index": index_of(images, seen.labels, seen.factors).value,
            }
        rows.append(row)
    return rows


def more_factorized(place: Place, frame: pd.DataFrame) -> Estimate:
    """Mean index at the end of stripes, less that of bumps; runs are drawn within both."""
    runs = {shown: runs_of(frame, [cell.name]) for shown, cell in WHOLE.items()}
    ends = {shown: [at_end(run, index(place)) for run in some] for shown, some in runs.items()}
    values = np.array([*ends["stripes"], *ends["bumps"]])
    of_stripes = np.arange(len(values)) < len(ends["stripes"])

    def difference(weights: np.ndarray) -> np.ndarray:
        stripes, bumps = weights * of_stripes, weights * ~of_stripes
        return stripes @ values / stripes.sum(axis=1) - bumps @ values / bumps.sum(axis=1)

    detail = {shown: float(np.mean(some)) for shown, some in ends.items()}
    return over_runs(difference, len(values), of_stripes.tolist(), detail)


def two_loops(cell: str, place: Place, frame: pd.DataFrame) -> Estimate:
    """Share of runs whose latents have a torus' loops at the end."""
    return share([at_end(run, f"shape.{place}.loops") == LOOPS for run in runs_of(frame, [cell])])


def goes_along(place: Place, within: bool, frame: pd.DataFrame) -> Estimate:
    """Kendall's tau of the index with the excess over the copier, both at the end, over pairs of runs that are of one cell,
    or of two; equals count for neither. Runs are drawn within cells."""
    runs = runs_of(frame, list(SPLITS))
    cells = np.array(cells_of(runs))
    x = np.array([at_end(run, index(place)) for run in runs])
    y = np.array([at_end(run, excess_of(SPLITS[cell])) for run, cell in zip(runs, cells, strict=True)])
    same = cells[:, None] == cells
    paired = np.triu(same if within else ~same, 1).astype(float)
    sign = np.sign(x[:, None] - x) * np.sign(y[:, None] - y) * paired

    def tau(weights: np.ndarray) -> np.ndarray:
        whole = np.einsum("si,ij,sj->s", weights, paired, weights)
        return np.einsum("si,ij,sj->s", weights, sign, weights) / np.where(whole > 0, whole, np.nan)

    return over_runs(tau, len(runs), cells.tolist())


def _study() -> Study:
    return STUDY


def _controls(of: Callable[..., pd.DataFrame], positive: Any, negative: Any, borderline: Any) -> Controls:
    """Records of three kinds: `of` takes the kind, then a generator."""

    def made_of(kind: Any) -> Made:
        return lambda generator: of(kind, generator=generator)

    return Controls(made_of(positive), made_of(negative), made_of(borderline))


TAU = "Kendall's tau of the factorization index with the excess over the copier of held-out combinations, at the end"


def _of_place(place: Place) -> list[Claim]:
    where, t = named(*place), place.condition
    claim = partial(Claim, source="P2", system="eps")
    encoded = "The label's encoding is factorized already, and an untrained network passes it on."

    def of(name: str, cells: Sequence[str], *kinds: tuple[float, float]) -> Controls:
        def one(kind: tuple[float, float], generator: np.random.Generator) -> pd.DataFrame:
            return about(name, cells, *kind, _study(), generator)

        return _controls(one, *kinds)

    stripes = WHOLE["stripes"].name
    found = [
        claim(
            f"factorized_stripes_{t}",
            f"Latents of periodic stripes at {where} are nearer to a Clifford torus than to a 3D torus.",
            statistic="factorization index at the end of training (0: 3D torus, 1: Clifford torus), mean over runs",
            threshold=MIDWAY,
            estimate=partial(index_at_end, stripes, place),
            figure="index",
            cells=(stripes,),
            family="latents factorize x and y",
            does_not_show=f"That the network made it so: images of stripes are a sum of both. {encoded}",
            controls=of(index(place), [stripes], (0.5, 0.8), (0.5, 0.2), (0.2, MIDWAY)),
        ),
        claim(
            f"factorized_more_stripes_{t}",
            f"Training makes latents of periodic stripes at {where} more factorized than they were.",
            statistic="factorization index at the end less that of the untrained network, mean over runs",
            threshold=0.0,
            estimate=partial(gained, stripes, [index(place)]),
            figure="index",
            cells=(stripes,),
            family="training factorizes latents",
            does_not_show="An untrained network that passes on the label's encoding may leave little to gain.",
            controls=of(index(place), [stripes], (0.5, 0.7), (0.5, 0.3), (0.5, 0.5)),
        ),
        claim(
            f"stripes_more_than_bumps_{t}",
            f"Latents of stripes are more factorized than those of bumps, at {where}.",
            statistic="factorization index at the end of stripes less that of bumps, difference of means over runs",
            threshold=0.0,
            estimate=partial(more_factorized, place),
            figure="index",
            cells=tuple(cell.name for cell in WHOLE.values()),
            family="what is shown factorizes latents",
            does_not_show="That it composes better.",
            controls=_controls(partial(two_worlds, _study, place), 0.2, -0.2, 0.0),
        ),
    ]
    for shown, cell in WHOLE.items():
        found += [
            claim(
                f"additive_more_{shown}_{t}",
                f"Training makes latents of periodic {shown} at {where} more of a sum of what x and what y says.",
                statistic="additive R^2 on a lattice of labels at the end less that of the untrained network, mean",
                threshold=0.0,
                estimate=partial(gained, cell.name, [f"shape.{place}.additive"]),
                figure="shapes",
                cells=(cell.name,),
                family="training makes latents a sum",
                does_not_show=f"{encoded} What is not a sum may all the same be factorized.",
                controls=of(f"shape.{place}.additive", [cell.name], (0.5, 0.7), (0.5, 0.3), (0.5, 0.5)),
            ),
            claim(
                f"two_loops_{shown}_{t}",
                f"Latents of periodic {shown} at {where} have the two loops of a torus.",
                statistic=f"share of runs whose latents on {VALUES} x {VALUES} labels have {LOOPS} loops at the end "
                "(persistent homology), exact interval",
                threshold=MAJORITY,
                estimate=partial(two_loops, cell.name, place),
                figure="shapes",
                cells=(cell.name,),
                family="the homology of a torus",
                does_not_show="Which torus: the loops of a 3D torus are longer than the distance between labels along one "
                "factor alone, and may not be found.",
                controls=_controls(partial(looped, _study, cell.name, place), 1.0, 0.0, 0.5),
            ),
        ]
    alongside = partial(
        claim,
        figure="along",
        cells=tuple(SPLITS),
        family="factorized latents compose",
        does_not_show="That one brings the other: what makes a network learn well may bring both. A copier's excess is 0.",
    )
    found += [
        alongside(
            f"composes_within_{t}",
            f"Of networks that saw the same images, the more factorized at {where} compose better.",
            statistic=f"{TAU}, over pairs of runs of one cell",
            threshold=0.0,
            estimate=partial(goes_along, place, True),
            controls=_controls(partial(made_along, _study, place, UNLIKE), 0.9, -0.9, 0.0),
        ),
        alongside(
            f"composes_across_{t}",
            f"Over worlds and what is held out, too, the more factorized at {where} compose better.",
            statistic=f"{TAU}, over pairs of runs of different cells",
            threshold=CLOSE,
            estimate=partial(goes_along, place, False),
            controls=_controls(partial(made_along, _study, place, along=0.0), ALIKE, UNLIKE, HALF_WAY),
        ),
    ]
    return found


STUDY = Study(
    name="tori",
    number=20,
    question="Are latents of periodic bumps and stripes factorized, and do those that are compose better?",
    preset="lean",
    cells=CELLS,
    seeds=SEEDS,
    more=SEEDS,
    headline="composes_within_50",
    claims=tuple(claim for place in ASKED for claim in _of_place(place)),
    figures=(
        Figure(
            "along",
            "What is composed against how factorized latents are",
            along,
            saying(NAMES, "A dot a run, at the end."),
            columns=2,
        ),
        Figure(
            "index",
            "The factorization index while learning",
            courses,
            saying(NAMES, f"{BANDS} Dashed, thin: midway; dashed: the index of the images themselves."),
            columns=3,
        ),
        Figure(
            "shapes",
            "How much of latents is a sum of what x and what y says",
            shapes,
            saying(NAMES, f"A dot a run, on {VALUES} x {VALUES} labels off the grid."),
            columns=2,
        ),
    ),
    tables=(Table("cells", "Latents and composition at the end, means over runs", rows),),
    readings=(Reading("code", read_code), Reading("shape", read_shape)),
)
