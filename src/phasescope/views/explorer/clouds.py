"""Where further latents lie on a run's manifold.

The cloud of a snapshot, P (n, 3), are its centred latents C (n, F) on three principal components, scaled and turned
(`views.figures.manifold`): P = C W. With P's columns inside the span of C's leading left singular vectors,

    W' = C' P (P'P)^+    has the directions of W, and    W = W' <P, P> / <C W', P>    its length,

so a latent z lies at (z - mean) W. A UMAP has no such map: there a latent lies among its nearest neighbours in the cloud's
latents, at the mean of their positions weighted by 1 / distance.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phasescope.errors import UserError, reading
from phasescope.places import Place
from phasescope.views.explorer.packets import packet
from phasescope.views.figures.manifold import PROJECTIONS, Cloud, cloud_of, labels_of
from phasescope.views.record import Array, Record

if TYPE_CHECKING:
    from jaxtyping import Float

NEIGHBOURS = 8
"""among which a latent is put in a UMAP"""


@dataclass(frozen=True)
class LabelledCloud:
    """The manifold of one site over a run, and the labels of its points."""

    cloud: Cloud
    labels: Float[Array, "n K"]
    steps: list[int]
    """the snapshots' steps"""

    def packet(self) -> bytes:
        cloud = self.cloud
        header = {"place": str(cloud.place), "projection": cloud.projection}
        header |= {"steps": self.steps, "shares": cloud.shares}
        return packet(header, labels=self.labels.astype(np.float32), points=cloud.points)


class Clouds:
    """The clouds asked for last, by run, site and projection: the page asks for the same ones again and again."""

    def __init__(self, capacity: int = 16):
        self.capacity = capacity
        self._kept: OrderedDict[tuple, LabelledCloud] = OrderedDict()

    def cloud(self, record: Record, place: Place, projection: str) -> LabelledCloud:
        """Return the cloud of `place` over all snapshots of the run.

        Raises:
            UserError: no snapshot holds it, or it cannot be read.
        """
        if projection not in PROJECTIONS:
            raise UserError(f"`projection` (={projection}) must be one of {', '.join(PROJECTIONS)}")
        written = tuple((one.step, one.path.stat().st_mtime_ns) for one in record.snapshots)
        key = (str(record.run.path), written, place, projection)
        if key not in self._kept:
            self._kept[key] = _read(record, place, projection)
            while len(self._kept) > self.capacity:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _read(record: Record, place: Place, projection: str) -> LabelledCloud:
    with reading(record.run.path):
        cloud = cloud_of(record, place, projection, list(range(len(record.snapshots))))
        labels = labels_of(record)
    if cloud is None:
        raise UserError(f"`place` (={place}) must be where the run stored latents for {projection}")
    return LabelledCloud(cloud, labels, [record.snapshots[index].step for index in cloud.snapshots])


def places_in(
    points: Float[Array, "n 3"], latents: Float[Array, "n F"], others: Float[Array, "m F"], projection: str
) -> Float[Array, "m 3"]:
    """Return where `others` lie in the cloud `points` of `latents`."""
    if projection == "umap":
        return _among_neighbours(points, latents, others)
    mean = latents.mean(axis=0, dtype=np.float64)
    centred, cloud = latents - mean, points.astype(np.float64)
    directions = centred.T @ cloud @ np.linalg.pinv(cloud.T @ cloud)
    length = np.vdot(centred @ directions, cloud)
    if length <= 0:
        return np.zeros((len(others), 3), np.float32)
    return ((others - mean) @ directions * (np.vdot(cloud, cloud) / length)).astype(np.float32)


def _among_neighbours(points: Array, latents: Array, others: Array) -> Array:
    from scipy.spatial.distance import cdist

    distances = cdist(others, latents)
    nearest = np.argsort(distances, axis=1)[:, :NEIGHBOURS]
    near = np.take_along_axis(distances, nearest, axis=1)
    weights = 1 / np.maximum(near, 1e-9 * max(float(distances.max()), 1e-30))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("mk,mkd->md", weights, points[nearest]).astype(np.float32)
