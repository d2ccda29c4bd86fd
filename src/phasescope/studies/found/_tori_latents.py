"""What tori's latents look like on a lattice of labels: sums, loops, and in how many dimensions they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.found._code import ASKED, DRAWS, VALUES, index_of

if TYPE_CHECKING:
    from jaxtyping import Float

    from phasescope.store import Run

COMPONENTS = 4
"""of a Clifford torus: a circle in two dimensions for each factor"""


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


def read_spectrum(run: Run) -> list[dict[str, Any]]:
    """The share of latents' variance in their first principal components, untrained, midway and at the end; beside it that
    of the images and of the labels' encodings."""
    from phasescope.runs.measuring import on_lattice

    rows: list[dict[str, Any]] = []
    for snapshot in (run.snapshots[0], run.snapshots[len(run.snapshots) // 2], run.snapshots[-1]):
        seen = on_lattice(run, snapshot, ASKED, VALUES, DRAWS)
        row = {f"{place}.value": leading_share(draws) for place, draws in seen.latents.draws.items()}
        for name, of in (("images", seen.images), ("encoding", seen.encodings)):
            if of is not None:
                row[f"{name}.value"] = leading_share(np.stack([of, of]))
        rows.append({"step": snapshot.step, **row})
    return rows


def leading_share(draws: Float[np.ndarray, "S n F"], count: int = COMPONENTS) -> float:
    """The share of the variance of n latents, given by S draws of noise, in their first principal components.

    Components are those of one half of the draws, and variance is what both halves share along them, so that noise of single
    draws is no part of it (Stringer et al. 2019, cvPCA). Where it turns the components the share is too low.
    """
    half, other = (part.mean(axis=0, dtype=float) for part in np.array_split(draws, 2))
    half, other = half - half.mean(axis=0), other - other.mean(axis=0)
    found = []
    for one, two in ((half, other), (other, half)):
        _, of_labels = np.linalg.eigh(one @ one.T)
        axes = one.T @ of_labels[:, -count:]
        axes /= np.linalg.norm(axes, axis=0)
        found.append(((one @ axes) * (two @ axes)).sum() / (one * two).sum())
    return float(np.mean(found))
