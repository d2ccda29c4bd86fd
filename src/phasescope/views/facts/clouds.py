"""The activations of a site in three dimensions, over a run.

At each snapshot the latents Z (n, F) are projected on their first three principal components and brought to
unit mean square norm. A principal component's sign and the order of two alike are arbitrary, so each
projection P_s is turned to its successor by the orthogonal matrix (a rotation, or one with a reflection)
that solves

    min_R |P_s R - P_(s+1)|,    R = U V',  P_s' P_(s+1) = U S V'    (orthogonal Procrustes, Schonemann 1966),

and the last one to the labels. Distances and angles within a snapshot are those of its projection; nothing
is stretched."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from phasescope.runs.store.sites import Site
from phasescope.runs.store.snapshot import Snapshot
from phasescope.views.facts.record import Array, Record

PROJECTIONS = {"pca": "principal components", "umap": "UMAP (P1)"}


@dataclass(frozen=True)
class Cloud:
    """The latents of one site, projected to three dimensions, at each snapshot that holds them."""

    site: Site
    projection: str
    """a key of `PROJECTIONS`"""
    steps: list[int]
    """of the snapshots"""
    points: Float[Array, "s n 3"]
    """float32, unit mean square norm at each snapshot"""
    labels: Shaped[Array, "n K"]
    shares: list[float] | None
    """share of the latents' variance in the three components, for PCA"""


def principal_components(latents: Float[Array, "n F"], count: int = 3) -> tuple[Float[Array, "n 3"], float]:
    """Return scores (n, count) of `latents` on their first components, and the share of variance that these hold.

    If there are fewer components, the rest is 0."""
    from sklearn.decomposition import PCA

    known = min(count, *latents.shape)
    scores = np.zeros((len(latents), count), np.float32)
    centred = np.asarray(latents, np.float32) - latents.mean(axis=0)
    if not np.isfinite(centred).all() or not centred.any():
        return scores, 0.0
    pca = PCA(known, svd_solver="full" if min(latents.shape) < 50 else "arpack", random_state=0)
    scores[:, :known] = pca.fit_transform(centred)
    return scores, float(pca.explained_variance_ratio_.sum())


def align(clouds: list[Float[Array, "n 3"]], labels: Float[Array, "n K"]) -> Float[Array, "s n 3"]:
    """`clouds` centred, brought to unit mean square norm, and each turned to the one after it; the last to
    the first three columns of `labels`, so that they lie nearest (orthogonal matrix, reflections included)."""
    from scipy.linalg import orthogonal_procrustes

    target = np.zeros((len(labels), 3))
    known = min(labels.shape[1], 3)
    target[:, :known] = (labels - labels.mean(axis=0))[:, :known]
    aligned = []
    for cloud in reversed(clouds):
        cloud = cloud - cloud.mean(axis=0)
        size = np.sqrt((cloud**2).sum(axis=1).mean())
        cloud = (cloud / size if size > 0 else cloud).astype(np.float64)
        target = (cloud @ orthogonal_procrustes(cloud, target)[0]).astype(np.float32)
        aligned.append(target)
    return np.stack(aligned[::-1])


def cloud_of(record: Record, site: Site, projection: str, snapshots: Sequence[Snapshot]) -> Cloud | None:
    """Return the cloud of `site` over some snapshots of the run; None if none of them holds it."""
    steps, clouds, shares = [], [], []
    labels = labels_of(record)

    for snapshot in snapshots:
        if site not in snapshot.sites:
            continue
        if projection == "umap":
            points = snapshot.embedding(site)
        else:
            points, share = principal_components(snapshot.latents(site.layer, site.t))
            shares.append(share)
        if points is not None and len(points) == len(labels) and np.isfinite(points).all():
            steps.append(snapshot.step)
            clouds.append(points)

    if not clouds:
        return None
    spans = record.factors.span if len(record.factors) == labels.shape[1] else 1.0
    return Cloud(
        site=site,
        projection=projection,
        steps=steps,
        points=align(clouds, labels / spans),
        labels=labels,
        shares=shares or None,
    )


def labels_of(record: Record) -> Shaped[Array, "n K"]:
    """Return the labels of the latents in the last snapshot that has latents; (0, K) if none has."""
    for snapshot in reversed(record.snapshots):
        if snapshot.sites:
            return snapshot.latent_labels()
    return np.zeros((0, len(record.factors)), np.float32)


def sites_of(record: Record) -> list[Site]:
    """Return the sites of stored latents, beginning with those at which phases are read."""
    stored = {site: None for snapshot in record.snapshots for site in snapshot.sites}
    first = [record.phase_site(reading) for reading in ("sheet", "representation_p1")]
    return list(dict.fromkeys([site for site in first if site in stored] + list(stored)))
