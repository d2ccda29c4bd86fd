"""What a run generated at one snapshot, as it travels to the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from phasescope.errors import reading
from phasescope.store.snapshot import Snapshot
from phasescope.views.cells import Cells, cells
from phasescope.views.explorer.packets import packet
from phasescope.views.figures.pixels import pixels
from phasescope.views.record import Record


def samples(record: Record, snapshot: Snapshot, most: int | None = None) -> bytes:
    """Return the images generated for the fixed labels as a packet.

    Images (n, H, W, c), labels, what was read of each factor and its error (n, K), outcomes, and the summary of all images by
    cell of label space.

    Args:
        most: images of each split, evenly chosen; all without it.

    Raises:
        UserError: the snapshot holds none that can be read.
    """
    with reading(snapshot.path):
        stored, read = snapshot.samples(), record.readings(snapshot)
        split = stored["split"].astype(str)
        n = len(split)
        members = [np.flatnonzero(split == name) for name in dict.fromkeys(split.tolist())]
        kept = np.sort(np.concatenate([np.arange(0), *(evenly(some, most or n) for some in members)]))
        missing = np.full(n, np.nan, np.float32)
        header = {
            "step": snapshot.step,
            "of": n,
            "outcome": [str(outcome) for outcome in np.asarray(read.get("outcome", [""] * n))[kept]],
            "split": split[kept].tolist(),
            "cells": _cells(cells(record, stored["labels"], split, read)),
        }

        def columns(prefix: str) -> np.ndarray:
            found = [read.get(prefix + name, missing) for name in record.factors.names]
            return np.stack(found, axis=1).astype(np.float32)[kept]

        return packet(
            header,
            images=pixels(stored["images"][kept], stored["images"].ndim - 2),
            labels=stored["labels"][kept].astype(np.float32),
            read=columns(""),
            errors=columns("error_"),
        )


def evenly(indices: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` of some indices, evenly spread over them."""
    return indices[np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(int)]


def _cells(summary: Cells | None) -> dict[str, Any] | None:
    """Return the cells, row by row, and how many rows there are."""
    if summary is None:
        return None
    each = {name: getattr(summary, name).ravel().tolist() for name in ("n", "share", "error", "held")}
    return {**each, "rows": len(summary.n), "right": summary.right, "off": summary.off}
