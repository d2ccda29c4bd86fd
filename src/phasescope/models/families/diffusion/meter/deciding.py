"""Which band of noise decides: where only the condition can tell what the image is.

At low noise the image tells its condition by itself, and a good model may ignore it there; in noise alone all images are
alike. Between them lies the band with most of the error that only the condition can remove.

The choice must not jump between bands that are nearly equal. With exact answers it is of fixed draws and never changes; by
the first advantage it is that of one reading; by the model's own answers without condition it stays until another band is
clearly above it (`phasescope.measures.condition_readings`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from phasescope.core.arithmetic import own_arithmetic
from phasescope.measures.condition_readings import steady_choice
from phasescope.models.families.diffusion.meter.noising import Noising
from phasescope.models.families.diffusion.meter.reading import Band, Reading

Basis = Literal["exact answers", "no condition", "first advantage"]
SEEN = 3.0
"""standard errors by which an advantage leaves its noise"""


@dataclass(frozen=True)
class Deciding:
    """The band in which the condition decides."""

    number: int
    low: float
    high: float
    by: Basis
    """how it was chosen: most of the error that only the condition can remove; most nats over the model's own answer without
    condition; or, without either, where the advantage first left its noise, of which no more is claimed"""


def deciding_band(
    readings: Sequence[Reading], noising: Noising, edges: np.ndarray, known: str, pairs: str = "held_out"
) -> Deciding | None:
    """Return the band that decides; None while nothing tells.

    Args:
        edges: of the bands, log SNR, (bands + 1,).
        known: the pairs whose exact answers say what can be removed.
        pairs: those of which the model's own answers are taken.
    """
    if not readings:
        return None
    last = readings[-1].bands_of(pairs)
    by: Basis
    if any(band.removable is not None for band in readings[-1].bands_of(known)):
        choice, by = _by_exact(readings[-1].bands_of(known), noising), "exact answers"
    elif last and all(band.nats is not None for band in last):
        choice, by = _by_no_condition([reading.bands_of(pairs) for reading in readings]), "no condition"
    else:
        choice, by = _by_first_advantage(readings, pairs), "first advantage"
    if choice is None:
        return None

    number = int(np.argmin(np.abs(edges[:-1] - choice.low)))
    return Deciding(number, float(edges[number]), float(edges[number + 1]), by)


def _by_exact(bands: Sequence[Band], noising: Noising) -> Band | None:
    """Return the band with most nats of what only the condition can remove; None if that is not known."""
    nats = [nats_of(noising, b, b.removable.value) for b in bands if b.removable is not None]
    return bands[int(np.argmax(nats))] if nats else None


def _by_no_condition(readings: Sequence[Sequence[Band]]) -> Band | None:
    """Return the band with most nats over the model's own answer without condition; it changes only for one that is clearly
    above it (`steady_choice`). None while none is above its noise."""
    # A file of an earlier version has readings whose nats have no standard error.
    nats = [[band.nats or 0.0 for band in bands] for bands in readings]
    errors = [[band.nats_se or 0.0 for band in bands] for bands in readings]
    choice = steady_choice(nats, errors)
    return None if choice is None else readings[-1][choice]


def _by_first_advantage(readings: Sequence[Reading], pairs: str) -> Band | None:
    """Return the clearest band of the first reading that has one above its noise."""
    for reading in readings:
        seen = [band for band in reading.bands_of(pairs) if is_seen(band)]
        if seen:
            return max(seen, key=lambda band: band.advantage.value / band.advantage.se)
    return None


def course(readings: Sequence[Reading], deciding: Deciding | None) -> list[tuple[Reading, Band]]:
    """Return each reading with its band that decides, of held-out pairs and the whole condition; empty while none does."""
    if deciding is None:
        return []
    return [
        (reading, band) for reading in readings for band in reading.bands_of() if band.low == deciding.low
    ]


def is_seen(band: Band) -> bool:
    """Return whether a band's advantage is above its noise."""
    return band.advantage.value > max(SEEN * band.advantage.se, 0.0)


def nats_of(noising: Noising, band: Band, gap: float) -> float:
    """Return the nats of a gap in the target's error, at the noise levels of a band."""
    with own_arithmetic():
        levels = noising.draw(band.low, band.high, 64, torch.Generator().manual_seed(0))
    if levels is None:
        return 0.0
    return gap * float(noising.as_noise(levels).mean()) * (band.high - band.low) / 2
