"""The factorization index of latents, read from a run's snapshots on a lattice of labels off the grid.

Training labels are integers, so the lattice lies between them; several noise draws per label tell noise from a combination
of factors. Labels that the run's design holds out are left out: what is generated of them is what the index may predict.
"""

from functools import partial

import numpy as np

from phasescope.measures import factorization
from phasescope.runs.store.sites import Site
from phasescope.studies import Number, Runs, config_of, on_lattice, reads, rises_from

SITES = tuple(Site(layer, t) for layer in ("down3", "mid") for t in (50, 600))
ASKED = (Site("mid", 50), Site("mid", 600))
VALUES, DRAWS = 16, 4  # of each factor on the lattice; noise draws per label
MIDWAY = 0.5  # of the index: nearer to the Clifford torus than to the 3D torus
SNAPSHOTS = 8  # that are read, evenly spaced, the first and the last among them


def read_code(run) -> list[dict]:
    """Return the index of latents at each site with its parts; at the end also that of the images and of the labels'
    encodings, which are the same for all runs of a cell."""
    snapshots = run.snapshots
    chosen = np.unique(np.linspace(0, len(snapshots) - 1, SNAPSHOTS).round().astype(int))

    rows = []
    for index in chosen:
        lattice = on_lattice(run, snapshots[index], sites=SITES, values=VALUES, draws=DRAWS)
        row = {"step": snapshots[index].step}
        kept = ~held_out(run, lattice.labels)
        labels = lattice.labels[kept]

        for site, draws in lattice.latents.draws.items():
            row |= columns(str(site), index_of(draws[:, kept], labels, lattice.factors))

        if index == chosen[-1]:
            row["images.value"] = index_of(lattice.images[kept], labels, lattice.factors).value
            if lattice.encodings is not None:
                row["encoding.value"] = index_of(lattice.encodings[kept], labels, lattice.factors).value
        rows.append(row)
    return rows


def held_out(run, labels: np.ndarray) -> np.ndarray:
    """Return whether each label (n, K) lies in what the run's design holds out, (n,)."""
    world = config_of(run).world
    rule = getattr(world.design, "hold_out", None)
    none = np.zeros(len(labels), dtype=bool)
    return none if rule is None else np.any(list(rule.held(labels, world.factors).values()), axis=0)


def index_of(latents: np.ndarray, labels: np.ndarray, factors):
    """Return the index of latents (draws, n, features), or (n, features), as a score."""
    return factorization(latents.astype(float), labels.astype(float), factors, permutations=10)


def columns(site: str, score) -> dict:
    """Return a score's columns, with the parts of the index beside its value."""
    return {
        f"{site}.{name.removeprefix('detail.').replace(' ', '.')}": value
        for name, value in score.columns().items()
        if name != "estimator"
    }


def index(site) -> str:
    """Return the column of the index."""
    return f"code.{site}.value"


def at(site) -> str:
    """Return a site in words."""
    return f"{site.layer}, t = {site.t}"


def gain(*columns: str) -> Number:
    """Number: columns at the end minus before training, mean over columns."""
    return partial(_gain, columns=columns)


def _before(runs: Runs, columns: tuple[str, ...]) -> np.ndarray:
    return np.mean([runs.start(column) for column in columns], axis=0)


@rises_from(_before, within=(0, 1))
@reads("{columns}")
def _gain(runs: Runs, columns: tuple[str, ...]) -> np.ndarray:
    return np.mean([runs.end(column) - runs.start(column) for column in columns], axis=0)
