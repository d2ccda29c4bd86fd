"""Are latents of periodic bumps and stripes factorized, and do those that are compose better?

P1 says of a torus that its two factors are coupled, P2 that they are factorized, and that such latents compose (Liang et al.
2024, arXiv 2402.03305 and 2408.13256). Images of two stripes are a sum, and so lie on a Clifford torus themselves; those of
bumps are a product. Here both are told by the index of `factorization`, additive R^2 and loops, at the end and untrained;
and where combinations are held out, what is painted of them beyond a copier is set against the index, run by run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.captions import BANDS, saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.comparing import difference_of_means, envelope
from phasescope.studies.core.criteria import all_at_end, at_end, cells_of, runs_of
from phasescope.studies.core.curves import named
from phasescope.studies.core.statistics import mean_of_pairs, over_runs, share
from phasescope.studies.core.study import Amendment, Figure, Reading, Study, Table
from phasescope.studies.found._behaviour import MAJORITY
from phasescope.studies.found._cells import BEFORE
from phasescope.studies.found._code import ASKED, DRAWS, VALUES, gained, index_at_end, index_of, read_code
from phasescope.studies.found._composition import EVERY_WAY, IN_WAYS, excess_of
from phasescope.studies.found._tori_cells import CELLS, HELD, LOOPS, NAMES, SEEDS, SPLIT, WHOLE, index
from phasescope.studies.found._tori_figures import MIDWAY, along, courses, rows, shapes
from phasescope.studies.found._tori_made import (
    APART,
    UNTRAINED,
    ending,
    gaining,
    looped,
    made_along,
    sums,
    two_worlds,
)

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

BEFORE_OF = "eight runs of sixteen are factorization's"


def _before(shown: str) -> str:
    return f" {BEFORE_OF.capitalize()}: {BEFORE}" if shown == "bumps" else ""


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
    """Mean index at the end of stripes, less that of bumps."""
    ends = {shown: all_at_end(runs_of(frame, [cell.name]), index(place)) for shown, cell in WHOLE.items()}
    return difference_of_means(ends["stripes"], ends["bumps"])


def two_loops(cell: str, place: Place, frame: pd.DataFrame) -> Estimate:
    """Share of runs whose latents have a torus' loops at the end."""
    return share([at_end(run, f"shape.{place}.loops") == LOOPS for run in runs_of(frame, [cell])])


def goes_along(place: Place, frame: pd.DataFrame) -> Estimate:
    """Kendall's tau of the index with the excess over the copier, both at the end, over pairs of runs of one cell; equals
    count for neither. Runs are drawn within cells; by each way of reading images, decided where all agree."""
    runs = runs_of(frame, HELD)
    cells = np.array(cells_of(runs))
    x = np.array([at_end(run, index(place)) for run in runs])
    paired = np.triu(cells[:, None] == cells, 1)

    def of_way(way: str) -> Estimate:
        y = np.array([at_end(run, excess_of(SPLIT, way=way)) for run in runs])
        sign = np.sign(x[:, None] - x) * np.sign(y[:, None] - y) * paired
        return over_runs(mean_of_pairs(sign, paired), len(runs), cells.tolist())

    return envelope([of_way(way) for way in EVERY_WAY])


def _controls(of: Callable[..., pd.DataFrame], positive: Any, negative: Any, borderline: Any) -> Controls:
    """Records of three kinds: `of` takes the kind, then a generator."""

    def made_of(kind: Any) -> Made:
        return lambda generator: of(kind, generator=generator)

    return Controls(made_of(positive), made_of(negative), made_of(borderline))


def _of_place(place: Place) -> list[Claim]:
    where, t = named(*place), place.condition
    claim = partial(Claim, source="P2", system="eps")
    encoded = "The label's encoding is factorized already, and an untrained network passes it on."
    first, spread = UNTRAINED[place]
    full = (
        f"An untrained network's index is {first:g} +- {spread:g} in runs on a torus that were made before: what is left to "
        "gain is less than runs differ by."
        if first > 1 - APART[place]
        else ""
    )

    def of(
        how: Callable[..., pd.DataFrame], at: Place | str, cell: str, *kinds: float, cannot: str = ""
    ) -> Controls:
        def one(kind: float, generator: np.random.Generator) -> pd.DataFrame:
            return how(at, [cell], kind, STUDY, generator)

        return replace(_controls(one, *kinds), cannot=cannot)

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
            controls=of(ending, place, stripes, 0.8, 0.2, MIDWAY),
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
            controls=of(gaining, place, stripes, 0.95 - first, -0.35, 0.0, cannot=full),
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
            does_not_show=f"That it composes better. Of bumps, {BEFORE_OF}: {BEFORE}",
            controls=_controls(partial(two_worlds, lambda: STUDY, place), 0.4, -0.4, 0.0),
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
                does_not_show=f"{encoded} What is not a sum may all the same be factorized.{_before(shown)}",
                controls=of(sums, f"shape.{place}.additive", cell.name, 0.15, -0.15, 0.0),
            ),
            claim(
                f"two_loops_{shown}_{t}",
                f"Latents of periodic {shown} at {where} have two loops, as those of a Clifford torus have.",
                statistic=f"share of runs whose latents on {VALUES} x {VALUES} labels have {LOOPS} loops at the end "
                "(persistent homology), exact interval",
                threshold=MAJORITY,
                estimate=partial(two_loops, cell.name, place),
                figure="shapes",
                cells=(cell.name,),
                family="the homology of a torus",
                does_not_show="That they are no 3D torus: an ideal one of as many labels is read as having none, as its "
                f"loops along one factor are short.{_before(shown)}",
                controls=_controls(partial(looped, lambda: STUDY, cell.name, place), 1.0, 0.0, 0.5),
            ),
        ]
    found.append(
        claim(
            f"composes_within_{t}",
            f"Of networks that saw the same images, the more factorized at {where} compose better.",
            statistic="Kendall's tau of the factorization index with the excess over the copier of held-out combinations, "
            f"at the end, over pairs of runs of one cell{IN_WAYS[EVERY_WAY]}",
            threshold=0.0,
            estimate=partial(goes_along, place),
            figure="along",
            cells=HELD,
            family="factorized latents compose",
            does_not_show="That one brings the other: what makes a network learn well may bring both. A copier's excess is "
            "0. Across worlds and what is held out both differ for other reasons.",
            controls=_controls(partial(made_along, lambda: STUDY, place), 0.6, -0.6, 0.0),
        )
    )
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
    amendments=(
        Amendment(
            "2026-11-28",
            "Runs on a torus differ in the index by 0.27 to 0.3, five times as much as in the records that claims were "
            "tried on: more runs are made, and controls differ as these do. Squares of several sides are held out, of "
            "which runs compose some; every image is read. That indices go with composition across cells is asked no "
            "more: six cells cannot tell. Of bumps on a torus eight runs had been recorded and looked at.",
            looked=True,
        ),
    ),
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
