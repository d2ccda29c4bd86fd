"""Bands of which one alone may be shown."""

from typing import Any

import numpy as np

from phasescope import worlds
from studies.bands.kinds import MOST, Bands


class SingleLines(Bands):
    """Bands that are also shown alone, at every place: a label of 0 beside others means that there is no line."""

    def training_labels(self) -> np.ndarray:
        alone = np.kron(np.eye(self.count), np.arange(1, self.canvas + 1)[:, None])
        return np.concatenate([super().training_labels(), alone.astype(np.float32)])

    def splits(self) -> Any:
        return super().splits() | {"grid": worlds.some_of(super().training_labels)}

    def render(self, labels: Any) -> Any:
        absent = (labels == 0) & (labels != 0).any(dim=1, keepdim=True)
        rows = absent.repeat_interleave(self.canvas // MOST, dim=1)
        images = super().render(labels)
        images[:, 0, : rows.shape[1]][rows] = 1
        return images
