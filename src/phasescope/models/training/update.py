"""A rule of update for parameters that lie side by side in one flat memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from phasescope.models.training.flat import FlatParameters, Layout


class Update(ABC):
    """A rule of update for the parameters `names`, which lie side by side in `flat`."""

    ENTRIES: ClassVar[tuple[str, ...]]
    """of its state, each a flat tensor of the parameters' size except `step`, a number"""

    def __init__(self, flat: FlatParameters, names: list[str]):
        layout = flat.layout
        inside = [name for name in layout.shapes if name in set(names)]
        self.layout = Layout({name: layout.shapes[name] for name in inside}, layout.channels_last)
        self.names = names

        begin = layout.offsets[inside[0]]
        self.weights = flat.weights.narrow(0, begin, self.layout.size)
        self.gradients = flat.gradients.narrow(0, begin, self.layout.size)
        self.moments: dict[str, Tensor] = {}

    @abstractmethod
    def step(self, lr_factor: float) -> None:
        """Update at `lr_factor` times the configured learning rate."""

    def begin(self) -> None:
        """Create the state of a first step, all zeros, unless there is a state."""
        if not self.moments:
            sizes = {entry: () if entry == "step" else self.weights.shape for entry in self.ENTRIES}
            self.moments = {entry: self.weights.new_zeros(size) for entry, size in sizes.items()}

    def state(self) -> dict[str, list[Tensor]]:
        """Return by entry a tensor for each parameter; nothing before the first step."""
        state = {}
        for entry, moment in self.moments.items():
            views = self.layout.views(moment) if moment.ndim else dict.fromkeys(self.names, moment)
            state[entry] = [views[name] for name in self.names]
        return state
