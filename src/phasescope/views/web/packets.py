"""Projecting further latents onto a run's manifold.

The cloud of a snapshot, P (n, 3), are its centred latents C (n, F) on three principal components, scaled and turned
(`views.figures.manifold`): P = C W. With P's columns inside the span of C's leading left singular vectors,

    W' = C' P (P'P)^+    has the directions of W, and    W = W' <P, P> / <C W', P>    its length,

so a latent z lies at (z - mean) W. A UMAP has no such map.

Arrays travel as a packet, of which a browser makes typed arrays without copying or parsing a number:

    4 bytes    length of the header in bytes, little-endian, a multiple of 4
    header     JSON, padded with spaces; `arrays` gives name, dtype and shape of each, in their order
    arrays     little-endian, C order, each padded with zeros to a multiple of 4 bytes
"""

import struct
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.core.errors import UserError, reading
from phasescope.runs.store.files import to_json
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.sites import Site
from phasescope.views.facts.clouds import PROJECTIONS, Cloud, cloud_of
from phasescope.views.facts.record import Array, Record

DTYPES = {"float32": "<f4", "uint8": "|u1"}
"""what travels: points and readings as float32, pixels as uint8"""


def cloud_packet(cloud: Cloud) -> bytes:
    header = {"site": str(cloud.site), "projection": cloud.projection, "steps": cloud.steps}
    return packet(
        {**header, "shares": cloud.shares}, labels=cloud.labels.astype(np.float32), points=cloud.points
    )


def stored_cloud(record: Record, site: Site, projection: str) -> Cloud:
    """Return the cloud of `site` over all snapshots of the run; the ones asked for last are kept.

    Raises:
        UserError: no snapshot holds it, or it cannot be read.
    """
    if projection not in PROJECTIONS:
        raise UserError(f"`projection` (={projection}) must be one of {', '.join(PROJECTIONS)}")
    written = tuple((snapshot.step, snapshot.path.stat().st_mtime_ns) for snapshot in record.snapshots)
    return _read(record.run.path, written, site, projection)


@lru_cache(maxsize=16)
def _read(path: Path, written: tuple[tuple[int, int], ...], site: Site, projection: str) -> Cloud:
    """Return the cloud of a run; `written` are its snapshots and their times, so that one that changed is read again."""
    with reading(path):
        record = Record(RunFolder(path))
        cloud = cloud_of(record, site, projection, record.snapshots)
    if cloud is None:
        raise UserError(f"`site` (={site}) must be where the run stored activations for {projection}")
    return cloud


def places_in(
    points: Float[Array, "n 3"], latents: Float[Array, "n F"], others: Float[Array, "m F"]
) -> Float[Array, "m 3"]:
    """Return where `others` lie in the cloud `points` of the principal components of `latents`."""
    mean = latents.mean(axis=0, dtype=np.float64)
    centred, cloud = latents - mean, points.astype(np.float64)
    directions = centred.T @ cloud @ np.linalg.pinv(cloud.T @ cloud)
    length = np.vdot(centred @ directions, cloud)
    if length <= 0:
        return np.zeros((len(others), 3), np.float32)
    return ((others - mean) @ directions * (np.vdot(cloud, cloud) / length)).astype(np.float32)


def packet(header: dict[str, Any], **arrays: np.ndarray) -> bytes:
    """`header` and `arrays` in one body.

    Raises:
        ValueError: an array of another dtype than `DTYPES`.
    """
    described, bodies = [], []
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise ValueError(f"`{name}` (of {array.dtype.name}) must be of {' or '.join(DTYPES)}")
        described.append({"name": name, "dtype": array.dtype.name, "shape": list(array.shape)})
        bodies.append(_padded(np.ascontiguousarray(array, DTYPES[array.dtype.name]).tobytes(), b"\0"))
    head = _padded(to_json({**header, "arrays": described}).encode(), b" ")
    return b"".join((struct.pack("<I", len(head)), head, *bodies))


def _padded(body: bytes, filler: bytes) -> bytes:
    return body + filler * (-len(body) % 4)
