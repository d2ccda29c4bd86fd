"""What is painted, as the page is sent it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from phasescope.places import Place
from phasescope.runs import painting
from phasescope.runs.painting import Wish
from phasescope.store.folder import Run
from phasescope.views.explorer.packets import packet
from phasescope.views.figures.pixels import pixels


class Painter(painting.Painter):
    """Networks out of snapshots that answer in packets."""

    def paint(
        self, run: Run, step: int | None, wish: Wish, unwanted: Callable[[], bool] = lambda: False
    ) -> bytes:
        """The image of a label, what is read in it, the way to it, and the network's taps; raises as `painted` does."""
        found = self.painted(run, step, wish, unwanted)
        return packet(
            found.told,
            image=_pixels(found.image)[0],
            noisy=_pixels(found.noisy),
            estimates=_pixels(found.estimates),
        )

    def inside(
        self, run: Run, step: int | None, label: tuple[float, ...], place: Place, query: tuple[int, int]
    ) -> bytes:
        """Maps of a place's channels, and what attention takes for a position; raises as `looked_into` does."""
        found = self.looked_into(run, step, label, place, query)
        told = {"step": step, "place": str(place), "query": list(query), **found.told}
        return packet(told, given=_pixels(found.given), maps=found.maps, attention=found.attention)


def _pixels(images: np.ndarray) -> np.ndarray:
    """(n, H, W, c) of (n, C, *spatial); no pixels of no image."""
    return pixels(images, images.ndim - 2) if len(images) else np.zeros((0, 1, 1, 1), np.uint8)
