"""Do networks factorize x and y, or couple them? P1 says coupled, P2 factorized: both asked of the same runs.

P1 judges by behaviour: x and y set in together whatever their densities, and images are right in both or in neither.
P2 judges by latents: moves along x are parallel wherever they start, and orthogonal to moves along y, as on a
Clifford torus and unlike on a torus in three dimensions. `measures.factorization` puts both into one index, 0 at the
3D torus and 1 at the Clifford torus of the same labels; it is taken here on a lattice of labels between those that
were trained on, with several noise draws a label, at each tap and noise level. Where bumps come round the canvas'
edges (periodic), labels are a torus, and latents that follow them have its loops.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.factors import Factors
from phasescope.places import Place
from phasescope.studies.core.captions import BANDS, saying
from phasescope.studies.core.claim import Claim, Estimate
from phasescope.studies.core.criteria import column, runs_of
from phasescope.studies.core.curves import STEPS, mean_curves, named, with_runs
from phasescope.studies.core.statistics import mean_of_runs, mean_over_runs, share
from phasescope.studies.core.study import Curve, Figure, Panel, Reading, Study
from phasescope.studies.found._axes import TOGETHER, TWO_LEARNERS, right_together, together
from phasescope.studies.found._cells import EPS, PERIODIC, TENFOLD, X

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.measures import Score
    from phasescope.store import Run

PLACES = tuple(Place(tap, t) for tap in ("down3", "mid") for t in (50, 600))
VALUES = 16
"""of each factor on the lattice of labels"""
DRAWS = 4
LOOKS = 8
"""snapshots of a run whose latents are read, evenly from the first to the last"""

SYSTEMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "periodic": ("periodic bumps, preset fast", (PERIODIC.name,)),
    "open": ("open bumps, preset fast", (X.name,)),
    "imbalanced": ("open bumps imbalanced tenfold, preset fast", tuple(cell.name for cell in TENFOLD)),
    "eps": ("open bumps, eps-prediction", (EPS.name,)),
}
MIDWAY = 0.5
"""of the index: nearer to the Clifford torus than to the 3D torus"""
MOSTLY = 0.5
"""of a move's square, the part that holds at every value of the other factor"""
OBLIQUE = 0.25
"""mean squared cosine of moves along x and y: angles of 60 degrees"""


def read_code(run: Run) -> list[dict[str, Any]]:
    """The factorization index of a run's latents at some snapshots, and of what they are to be set against.

    At the last snapshot also Betti numbers of the latents, draws averaged; and the index of the images and of the
    labels' encodings, which are the same for all.
    """
    from phasescope.measures.latents.topology import persistent_homology
    from phasescope.runs.measuring import on_lattice

    snapshots = run.snapshots
    chosen = np.unique(np.linspace(0, len(snapshots) - 1, LOOKS).round().astype(int))
    rows: list[dict[str, Any]] = []
    for index in chosen:
        seen = on_lattice(run, snapshots[index], PLACES, VALUES, DRAWS)
        last = index == chosen[-1]
        row: dict[str, Any] = {"step": snapshots[index].step}
        for place, draws in seen.latents.draws.items():
            row |= columns(str(place), index_of(draws, seen.labels, seen.factors))
            if last:
                found = persistent_homology(draws.mean(axis=0), degree=1, landmarks=128, resamples=40)
                row |= {f"{place}.betti.{k}": score.value for k, score in enumerate(found.betti)}
        if last:
            row["images.value"] = index_of(seen.images, seen.labels, seen.factors).value
            if seen.encodings is not None:
                row["encoding.value"] = index_of(seen.encodings, seen.labels, seen.factors).value
        rows.append(row)
    return rows


def index_of(latents: np.ndarray, labels: np.ndarray, factors: Factors) -> Score:
    from phasescope.measures.latents.factorization import factorization

    return factorization(latents.astype(float), labels.astype(float), factors, permutations=10)


def columns(at: str, score: Score) -> dict[str, Any]:
    """A score's columns, those of what the index is made of without `detail`."""
    return {
        f"{at}.{name.removeprefix('detail.').replace(' ', '.')}": value
        for name, value in score.columns().items()
        if name != "estimator"
    }


def at_end(run: pd.DataFrame, name: str) -> float:
    return float(column(run, name)[-1])


def mean_at_end(
    system: str,
    name: str,
    frame: pd.DataFrame,
    beside: Mapping[str, str] | None = None,
    least: tuple[str, ...] = (),
) -> Estimate:
    """The mean over runs of a column at the end, or of the least of it and `least`; `beside` goes into `detail`."""
    runs = runs_of(frame, SYSTEMS[system][1])
    values = [min(at_end(run, one) for one in (name, *least)) for run in runs]
    detail = {
        label: float(np.mean([at_end(run, one) for run in runs])) for label, one in (beside or {}).items()
    }
    if name.endswith(".value"):
        detail["untrained"] = float(np.mean([column(run, name)[0] for run in runs]))
    return mean_of_runs(values, detail)


def gained(at: str, run: pd.DataFrame) -> float:
    value = column(run, f"{at}.value")
    return float(value[-1] - value[0])


def has_loops(at: str, frame: pd.DataFrame) -> Estimate:
    runs = runs_of(frame, SYSTEMS["periodic"][1])
    found = [tuple(at_end(run, f"{at}.betti.{k}") for k in (0, 1)) for run in runs]
    return share(
        [betti == (1.0, 2.0) for betti in found], {"mean_loops": float(np.mean([b for _, b in found]))}
    )


def _factorized(system: str, place: Place) -> Claim:
    at = f"code.{place}"
    beside = {
        "permuted": f"{at}.nulls.permuted",
        "random": f"{at}.nulls.random",
        "images": "code.images.value",
        "label_encoding": "code.encoding.value",
    }
    return Claim(
        f"factorized_{system}_{place.tap}_{place.condition}",
        f"By P2's geometry: latents at {named(*place)} are nearer to a Clifford torus than"
        f" to a 3D torus: {SYSTEMS[system][0]}.",
        "P2",
        "factorization index at the end of training (0: 3D torus, 1: Clifford torus), mean over runs",
        MIDWAY,
        partial(mean_at_end, system, f"{at}.value", beside=beside),
        "index",
        "That the network made it so: the label's encoding is factorized already, and an "
        "untrained network passes it on.",
    )


def _claims_of(system: str) -> list[Claim]:
    words, cells = SYSTEMS[system]
    at, where = "code.mid.600", named("mid", 600)
    claim = partial(Claim, source="P2", figure="index")
    return [
        right_together(
            system,
            f"By P1's coupling: an image right in x is right in y more often than by chance: {words}.",
            cells,
            "grid",
            "table",
            " on the grid",
        ),
        *(_factorized(system, place) for place in PLACES),
        claim(
            f"parallel_{system}",
            f"By P2's parallelism: moves along a factor are the same wherever they start: {words}.",
            statistic=f"share of a move's square that holds at every value of the other factor, {where}, "
            "the less parallel of x and y, at the end, mean over runs",
            threshold=MOSTLY,
            estimate=partial(mean_at_end, system, f"{at}.parallelism.x", least=(f"{at}.parallelism.y",)),
            does_not_show="Moves of all lengths count, long ones most; short moves alone may be less parallel.",
        ),
        claim(
            f"orthogonal_{system}",
            f"By P2's orthogonality: moves along x are nearly orthogonal to moves along y: {words}.",
            statistic=f"mean squared cosine of moves along x and y, {where}, at the end, mean over runs",
            threshold=OBLIQUE,
            estimate=partial(mean_at_end, system, f"{at}.overlap"),
            does_not_show="Random directions in many dimensions are orthogonal too: "
            "with parallelism it means something.",
            direction="below",
        ),
        claim(
            f"learnt_{system}",
            f"Training makes latents more factorized than they were: {words}.",
            source="phasescope",
            statistic=f"factorization index at {where}, end less untrained network, mean over runs",
            threshold=0.0,
            estimate=mean_over_runs(cells, partial(gained, at)),
            does_not_show="An untrained network that passes on the label's encoding may leave nothing to gain.",
        ),
    ]


CLAIMS = (
    *(claim for system in SYSTEMS for claim in _claims_of(system)),
    Claim(
        "together_imbalanced",
        "By P1's coupling: x and y are learnt together though one is ten times denser.",
        "P1",
        "median over runs of the sparser axis's onset over the denser one's, sign-test interval",
        TOGETHER,
        partial(together, TENFOLD, "grid"),
        "table",
        TWO_LEARNERS,
        direction="below",
    ),
    *(
        Claim(
            f"torus_{tap}",
            f"On periodic bumps latents are a torus: one piece, two loops, at {named(tap, 600)}.",
            "P2",
            "share of runs whose latents have Betti numbers 1 and 2 at the end, exact interval",
            0.5,
            partial(has_loops, f"code.{tap}.600"),
            "table",
            "Both ideal tori have these loops: it tells a torus from a sheet, not a coupled code from a factorized one.",
        )
        for tap in ("down3", "mid")
    ),
)


def index_panels(frame: pd.DataFrame) -> list[Panel]:
    panels = []
    for words, runs in with_runs(frame, SYSTEMS.values()):
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
    "loops": "betti.1",
}


def table(frame: pd.DataFrame) -> list[Panel]:
    """Of each system a grid: measures by places, means over runs at the end."""

    def mean(runs: list[pd.DataFrame], name: str) -> float:
        return float(np.mean([at_end(run, name) for run in runs])) if name in frame else np.nan

    return [
        Panel(
            words,
            "",
            "",
            grid=np.array(
                [[mean(runs, f"code.{place}.{part}") for place in PLACES] for part in MEASURES.values()]
            ),
            rows=list(MEASURES),
            columns=[named(*place) for place in PLACES],
            ylim=(0.0, 1.0),
        )
        for words, runs in with_runs(frame, SYSTEMS.values())
    ]


CELLS = tuple(cell for _, cells in SYSTEMS.values() for cell in cells)

STUDY = Study(
    name="factorization",
    number=5,
    question="Do networks factorize x and y (P2), or couple them (P1): under which measure, at which tap, at which t?",
    preset="fast",
    cells=(PERIODIC, X, *TENFOLD, EPS),
    seeds=6,
    claims=CLAIMS,
    figures=(
        Figure(
            "index",
            "The factorization index while learning",
            index_panels,
            saying(
                CELLS,
                f"On {VALUES} x {VALUES} labels off the grid, {DRAWS} noise draws each, whose noise "
                f"is taken off. {BANDS} Dashed, thin: midway; dashed: the index of the images themselves.",
            ),
            columns=2,
        ),
        Figure(
            "table",
            "Each measure at each place",
            table,
            saying(
                CELLS,
                "Means over runs at the end of training. A 3D torus and a Clifford torus have "
                "index 0 and 1; both have 2 loops.",
            ),
            columns=2,
        ),
    ),
    readings=(Reading("code", read_code),),
)
