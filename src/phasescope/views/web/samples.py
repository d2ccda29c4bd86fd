"""Packets of images for the page: those of a snapshot, and new samples of its network."""

import numpy as np

from phasescope.core.errors import reading
from phasescope.runs.store.snapshot import Snapshot
from phasescope.runs.trained.session import Sample
from phasescope.views.facts.record import Record, evenly
from phasescope.views.pixels import pixels
from phasescope.views.web.packets import packet


def sample_packet(sample: Sample) -> bytes:
    """Return a sample, the reader's estimates and its trajectory as a packet."""
    images = {name: _pixels(getattr(sample, name)) for name in ("noisy", "estimates")}
    return packet(sample.reading, image=_pixels(sample.image)[0], **images)


def samples(record: Record, snapshot: Snapshot, most: int | None = None) -> bytes:
    """Return the images generated for the fixed labels as a packet.

    It holds images (n, H, W, c), labels, the estimate of each factor and its error (n, K), and outcomes.

    Args:
        most: images of each split, evenly chosen; all by default.

    Raises:
        UserError: the snapshot's images cannot be read.
    """
    with reading(snapshot.path):
        stored, read = snapshot.samples(), record.readings(snapshot)
        split = stored["split"].astype(str)
        n = len(split)
        members = [np.flatnonzero(split == name) for name in dict.fromkeys(split.tolist())]
        kept = np.sort(np.concatenate([np.arange(0), *(evenly(some, most or n) for some in members)]))
        outcomes = np.asarray(read.get("outcome", [""] * n)).astype(str)

        def columns(prefix: str) -> np.ndarray:
            missing = np.full(n, np.nan, np.float32)
            known = [read.get(prefix + name, missing) for name in record.factors.names]
            return np.stack(known, axis=1).astype(np.float32)[kept]

        header = {
            "step": snapshot.step,
            "of": n,
            "outcome": outcomes[kept].tolist(),
            "split": split[kept].tolist(),
        }
        return packet(
            header,
            images=_pixels(stored["images"][kept]),
            labels=stored["labels"][kept].astype(np.float32),
            read=columns(""),
            errors=columns("error_"),
        )


def _pixels(images: np.ndarray) -> np.ndarray:
    """Return (n, H, W, c) of (n, C, *spatial); no pixels of no image."""
    return pixels(images, images.ndim - 2) if len(images) else np.zeros((0, 1, 1, 1), np.uint8)
