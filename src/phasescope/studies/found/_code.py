"""The factorization index of latents on a lattice of labels: at snapshots of runs, and of made latents of known index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.factors import Factor, Factors
from phasescope.places import Place
from phasescope.randomness import numpy_generator
from phasescope.studies.core.claim import Estimate
from phasescope.studies.core.criteria import at_end, column, mean_told, runs_of
from phasescope.studies.core.made import made_records
from phasescope.studies.core.statistics import mean_of_runs
from phasescope.studies.core.study import Study
from phasescope.studies.found._looks import evenly
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


def read_code(run: Run) -> list[dict[str, Any]]:
    """The factorization index of a run's latents at some snapshots, and of what they are to be set against.

    At the last snapshot also the index of the images and of the labels' encodings, which are the same for all. Labels that
    the run's design holds out are left out: what is made of them is what an index may foretell.
    """
    from phasescope.runs.measuring import on_lattice

    snapshots = run.snapshots
    chosen = evenly(len(snapshots))
    rows: list[dict[str, Any]] = []
    for index in chosen:
        seen = on_lattice(run, snapshots[index], PLACES, VALUES, DRAWS)
        row: dict[str, Any] = {"step": snapshots[index].step}
        kept = ~held_out(run, seen.labels)
        labels = seen.labels[kept]
        for place, draws in seen.latents.draws.items():
            row |= columns(str(place), index_of(draws[:, kept], labels, seen.factors))
        if index == chosen[-1]:
            row["images.value"] = index_of(seen.images[kept], labels, seen.factors).value
            if seen.encodings is not None:
                row["encoding.value"] = index_of(seen.encodings[kept], labels, seen.factors).value
        rows.append(row)
    return rows


def held_out(run: Run, labels: np.ndarray) -> np.ndarray:
    """Whether each label, (n,), lies in what the run's grid holds out."""
    from phasescope.runs.loading import config_of

    world = config_of(run).world
    rule = getattr(world.design, "hold_out", None)
    none = np.zeros(len(labels), dtype=bool)
    return none if rule is None else np.any(list(rule.held(labels, world.factors).values()), axis=0)


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
    detail = {label: mean_told(runs, one) for label, one in beside.items() if one in frame}
    detail["untrained"] = float(np.mean([column(run, f"{at}.value")[0] for run in runs]))
    return mean_of_runs([at_end(run, f"{at}.value") for run in runs], detail)


def gained(cell: str, names: Sequence[str], frame: pd.DataFrame) -> Estimate:
    """The mean over runs of a column at the end less that of the untrained network; of several the mean gain."""
    runs = runs_of(frame, [cell])
    gains = [np.mean([at_end(run, name) - column(run, name)[0] for name in names]) for run in runs]
    untrained = float(np.mean([column(run, name)[0] for run in runs for name in names]))
    return mean_of_runs(gains, {"untrained": untrained})


LIKE_CLIFFORD, BETWEEN, LIKE_3D = 1.0, 0.583, 0.0
"""of the square of made latents the part that is a Clifford torus, the rest being a 3D torus; at the middle one the index
is 0.5"""
POOL = 40
"""made networks of a kind, of which a control draws its runs"""


@cache
def pool(part: float) -> list[dict[str, Any]]:
    """Columns of one place of networks whose latents are partly a Clifford torus and partly a 3D torus of the labels.

    Networks differ in the part, by 0.05 about its mean, whose normal quantiles they have, and in their noise.
    """
    from scipy.stats import norm

    from phasescope.measures.latents.ideal import clifford_torus, torus_3d

    factors = Factors([Factor(name, 0.0, 32.0, "px", True) for name in "xy"])
    middles = (np.arange(VALUES) + 0.5) * (32.0 / VALUES)
    labels = np.stack([one.ravel() for one in np.meshgrid(middles, middles, indexing="ij")], axis=1)
    clifford, coupled = clifford_torus(labels, factors), torus_3d(labels, factors)
    rows = []
    for number in range(POOL):
        generator = numpy_generator(number, f"made code {part}")
        own = float(np.clip(part + 0.05 * norm.ppf((number + 0.5) / POOL), 0, 1))
        code = np.concatenate([np.sqrt(own) * clifford, np.sqrt(1 - own) * coupled], axis=1)
        draws = code + 0.1 * generator.standard_normal((DRAWS, *code.shape))
        rows.append(columns("", index_of(draws, labels, factors)))
    return rows


def made_codes(
    study: Callable[[], Study], cell: str, untrained: float, trained: float, generator: np.random.Generator
) -> pd.DataFrame:
    """Records of a cell's runs that began with one code and ended with another."""
    frame = made_records(study(), as_p1_says, generator, cells=[cell], reads=())
    frame = frame.groupby(["cell", "seed"], sort=True).nth([0, -1]).reset_index(drop=True)
    runs = len(frame) // 2
    chosen = [[pool(part)[i] for i in generator.choice(POOL, runs)] for part in (untrained, trained)]
    rows = [one for pair in zip(*chosen, strict=True) for one in pair]
    read = {
        f"code.{place}{name}": np.array([row[name] for row in rows], dtype=float)
        for place in ASKED
        for name in rows[0]
    }
    return frame.assign(**read)
