"""What a run painted at one snapshot, as it travels to the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from phasescope.errors import reading
from phasescope.store.snapshot import Snapshot
from phasescope.views.cells import Cells, cells
from phasescope.views.explorer.packets import packet
from phasescope.views.figures.pixels import pixels
from phasescope.views.record import Record


def samples(record: Record, snapshot: Snapshot) -> bytes:
    """The images painted for the fixed labels, (n, H, W, c), with labels, what was read of each factor and its error,
    (n, K), outcomes, and what became of them by cell of label space.

    Raises:
        UserError: the snapshot holds none that can be read.
    """
    with reading(snapshot.path):
        stored, read = snapshot.samples(), record.readings(snapshot)
        n = len(stored["images"])
        missing = np.full(n, np.nan, np.float32)
        header = {
            "step": snapshot.step,
            "outcome": [str(outcome) for outcome in read.get("outcome", [""] * n)],
            "split": stored["split"].astype(str).tolist(),
            "cells": _told(cells(record, stored["labels"], stored["split"].astype(str), read)),
        }

        def columns(prefix: str) -> np.ndarray:
            found = [read.get(prefix + name, missing) for name in record.factors.names]
            return np.stack(found, axis=1).astype(np.float32)

        return packet(
            header,
            images=pixels(stored["images"], stored["images"].ndim - 2),
            labels=stored["labels"].astype(np.float32),
            read=columns(""),
            errors=columns("error_"),
        )


def _told(found: Cells | None) -> dict[str, Any] | None:
    """The cells, row by row, and how many rows there are."""
    if found is None:
        return None
    each = {name: getattr(found, name).ravel().tolist() for name in ("n", "share", "error", "held")}
    return {**each, "rows": len(found.n), "right": found.right, "off": found.off}
