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
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.factors import Factor, Factors
from phasescope.places import Place
from phasescope.randomness import numpy_generator
from phasescope.studies.core.captions import BANDS, saying
from phasescope.studies.core.claim import Claim, Controls, Estimate, Made
from phasescope.studies.core.criteria import column, runs_of
from phasescope.studies.core.curves import STEPS, mean_curves, named, with_runs
from phasescope.studies.core.made import made_records
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Curve, Figure, Panel, Reading, Study
from phasescope.studies.found._cells import AMENDED, BASE, BEFORE, FAST_PERIODIC, TORUS, TURNS, X
from phasescope.studies.found._made import as_p1_says

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.measures import Score
    from phasescope.store import Run

PLACES = tuple(Place(tap, t) for tap in ("down3", "mid") for t in (50, 600))
ASKED = (Place("mid", 50), Place("mid", 600))
VALUES = 16
"""of each factor on the lattice of labels"""
DRAWS = 4
LOOKS = 8
"""snapshots of a run whose latents are read, evenly from the first to the last"""

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


def read_code(run: Run) -> list[dict[str, Any]]:
    """The factorization index of a run's latents at some snapshots, and of what they are to be set against.

    At the last snapshot also the index of the images and of the labels' encodings, which are the same for all.
    """
    from phasescope.runs.measuring import on_lattice

    snapshots = run.snapshots
    chosen = np.unique(np.linspace(0, len(snapshots) - 1, LOOKS).round().astype(int))
    rows: list[dict[str, Any]] = []
    for index in chosen:
        seen = on_lattice(run, snapshots[index], PLACES, VALUES, DRAWS)
        row: dict[str, Any] = {"step": snapshots[index].step}
        for place, draws in seen.latents.draws.items():
            row |= columns(str(place), index_of(draws, seen.labels, seen.factors))
        if index == chosen[-1]:
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
    """A column at the last snapshot."""
    return float(column(run, name)[-1])


def index_at_end(cell: str, place: Place, frame: pd.DataFrame) -> Estimate:
    """The mean over runs of the index at the end; in `detail` that of what it is to be set against."""
    runs = runs_of(frame, [cell])
    at = f"code.{place}"
    beside = {
        "permuted": f"{at}.nulls.permuted",
        "random": f"{at}.nulls.random",
        "images": "code.images.value",
        "label_encoding": "code.encoding.value",
    }
    detail = {
        label: float(np.mean([at_end(run, one) for run in runs]))
        for label, one in beside.items()
        if one in frame
    }
    detail["untrained"] = float(np.mean([column(run, f"{at}.value")[0] for run in runs]))
    return mean_of_runs([at_end(run, f"{at}.value") for run in runs], detail)


def gained(cell: str, names: Sequence[str], frame: pd.DataFrame) -> Estimate:
    """The mean over runs of a column at the end less that of the untrained network; of several the mean gain."""
    runs = runs_of(frame, [cell])
    gains = [np.mean([at_end(run, name) - column(run, name)[0] for name in names]) for run in runs]
    untrained = float(np.mean([column(run, name)[0] for run in runs for name in names]))
    return mean_of_runs(gains, {"untrained": untrained})


def _study() -> Study:
    return STUDY


LIKE_CLIFFORD, BETWEEN, LIKE_3D = 1.0, 0.575, 0.0
"""of the square of made latents the part that is a Clifford torus, the rest being a 3D torus; at the middle one the index
is 0.5"""
POOL = 40
"""made networks of a kind, of which a control draws its runs"""


@cache
def pool(part: float) -> list[dict[str, Any]]:
    """Columns of one place of networks whose latents are partly a Clifford torus and partly a 3D torus of the labels.

    Networks differ in the part, by 0.05, and in their noise.
    """
    from phasescope.measures.latents.ideal import clifford_torus, torus_3d

    factors = Factors([Factor(name, 0.0, 32.0, "px", True) for name in "xy"])
    middles = (np.arange(VALUES) + 0.5) * (32.0 / VALUES)
    labels = np.stack([one.ravel() for one in np.meshgrid(middles, middles, indexing="ij")], axis=1)
    clifford, coupled = clifford_torus(labels, factors), torus_3d(labels, factors)
    rows = []
    for number in range(POOL):
        generator = numpy_generator(number, f"made code {part}")
        own = float(np.clip(part + 0.05 * generator.standard_normal(), 0, 1))
        code = np.concatenate([np.sqrt(own) * clifford, np.sqrt(1 - own) * coupled], axis=1)
        draws = code + 0.1 * generator.standard_normal((DRAWS, *code.shape))
        rows.append(columns("", index_of(draws, labels, factors)))
    return rows


def made(cell: str, untrained: float, trained: float, generator: np.random.Generator) -> pd.DataFrame:
    """Records of a cell's runs that began with one code and ended with another."""
    frame = made_records(_study(), as_p1_says, generator, cells=[cell], reads=())
    frame = frame.groupby(["cell", "seed"], sort=True).nth([0, -1]).reset_index(drop=True)
    runs = len(frame) // 2
    chosen = [
        [pool(part)[i] for i in generator.choice(POOL, runs, replace=False)] for part in (untrained, trained)
    ]
    rows = [one for pair in zip(*chosen, strict=True) for one in pair]
    read = {
        f"code.{place}{name}": np.array([row[name] for row in rows], dtype=float)
        for place in ASKED
        for name in rows[0]
    }
    return frame.assign(**read)


def _claims_of(system: str) -> list[Claim]:
    at, words, cell = SYSTEMS[system]
    before = f" {BEFORE}" if at == "fast" else ""
    claim = partial(Claim, source="P2", figure="index", cells=(cell,), system=at)

    def control(
        positive: Sequence[float], negative: Sequence[float], borderline: Sequence[float]
    ) -> Controls:
        def of(kind: Sequence[float]) -> Made:
            untrained, trained = kind
            return partial(made, cell, untrained, trained)

        return Controls(of(positive), of(negative), of(borderline))

    learnt = control((BETWEEN, LIKE_CLIFFORD), (BETWEEN, LIKE_3D), (BETWEEN, BETWEEN))
    claims = []
    for place in ASKED:
        where = named(*place)
        claims += [
            claim(
                f"factorized_{system}_{place.condition}",
                f"Latents at {where} are nearer to a Clifford torus than to a 3D torus: {words}.",
                statistic="factorization index at the end of training (0: 3D torus, 1: Clifford torus), mean over runs",
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
                statistic="factorization index at the end less that of the untrained network, mean over runs",
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
                "of the untrained network, mean over x and y, then runs",
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
    amendments=AMENDED,
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
