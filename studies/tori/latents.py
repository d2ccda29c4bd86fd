"""What latents of tori look like on a lattice of labels: sums of x and y, loops, and in how many dimensions they lie;
and the numbers that claims read."""

from functools import partial

import numpy as np
import pandas as pd
from numpy.random import Generator

from phasescope.measures import additivity
from phasescope.studies import Number, Rank, Runs, on_lattice, reads
from phasescope.studies.readings.factorization import ASKED, DRAWS, VALUES, index, index_of
from phasescope.studies.readings.held_out import composed
from studies.tori.homology import loops

COMPONENTS = 4  # of a Clifford torus: a circle in two dimensions for each factor


def read_shape(run) -> list[dict]:
    """Return additive R² and loops of latents, untrained and at the end; at the end also those of the images."""
    rows = []
    for snapshot in (run.snapshots[0], run.snapshots[-1]):
        lattice = on_lattice(run, snapshot, sites=ASKED, values=VALUES, draws=DRAWS)
        row = {"step": snapshot.step}
        for site, draws in lattice.latents.draws.items():
            latents = draws.astype(float)
            row[f"{site}.additive"] = additive(latents, lattice)
            row[f"{site}.loops"] = float(loops(latents.mean(axis=0)))

        if rows:
            images = lattice.images.astype(float)
            row |= {
                "images.additive": additive(images, lattice),
                "images.loops": float(loops(images)),
                "images.index": index_of(images, lattice.labels, lattice.factors).value,
            }
        rows.append(row)
    return rows


def additive(latents: np.ndarray, lattice) -> float:
    """Return additive R² of latents (draws, n, features), or (n, features)."""
    return additivity(latents, lattice.labels, lattice.factors, permutations=10).value


def read_spectrum(run) -> list[dict]:
    """Return the share of variance in the leading principal components of latents, untrained, midway and at the end,
    and of the images and the labels' encodings."""
    rows = []
    for snapshot in (run.snapshots[0], run.snapshots[len(run.snapshots) // 2], run.snapshots[-1]):
        lattice = on_lattice(run, snapshot, sites=ASKED, values=VALUES, draws=DRAWS)
        row = {f"{site}.value": leading_share(draws) for site, draws in lattice.latents.draws.items()}
        for name, points in (("images", lattice.images), ("encoding", lattice.encodings)):
            if points is not None:
                row[f"{name}.value"] = leading_share(np.stack([points, points]))
        rows.append({"step": snapshot.step, **row})
    return rows


def leading_share(draws: np.ndarray, count: int = COMPONENTS) -> float:
    """Return the share of the variance of latents (draws, n, features) in their leading principal components.

    Components come from one half of the noise draws, and variance is what both halves share along them, so that the noise
    of single draws does not count (Stringer et al. 2019, cvPCA). If noise turns the components, the share is too low.
    """
    halves = [part.mean(axis=0, dtype=float) for part in np.array_split(draws, 2)]
    halves = [half - half.mean(axis=0) for half in halves]
    shares = []
    for half, other in (halves, halves[::-1]):
        _, over_labels = np.linalg.eigh(half @ half.T)
        axes = half.T @ over_labels[:, -count:]
        axes /= np.linalg.norm(axes, axis=0)
        shares.append(((half @ axes) * (other @ axes)).sum() / (half * other).sum())
    return float(np.mean(shares))


@reads(f"shape.{ASKED[0]}.additive")
def sum_gained(runs: Runs) -> np.ndarray:
    """Number: log((1 - R0²) / (1 - R²)) of additive R² at mid, t = 50; R0² before training, R² at the end."""
    column = f"shape.{ASKED[0]}.additive"
    return np.log((1 - runs.start(column)) / (1 - runs.end(column)))


def composed_by_index(site, reading: str, y: str = "composed") -> Number:
    """Number: what is composed (see `interpolate`), with the index at the end in the column `index`; or the index of
    the same runs, if `y` is index."""
    number = partial(_composed_by_index, site=site, reading=reading, y=y)
    return reads(composed(reading), index(site))(number)


def _composed_by_index(runs: Runs, site, reading: str, y: str) -> pd.DataFrame:
    table = composed(reading)(runs)
    table = table.assign(index=runs.end(index(site))[table.index])
    return table.assign(y=table["index"]) if y == "index" else table


class RankWithinCells(Rank):
    """Kendall's tau within cells, of an index that no two runs share; planned runs have none yet."""

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: Generator) -> pd.DataFrame:
        return super().simulate(table.assign(index=rng.standard_normal(len(table))), truth, spread, rng)
