"""The condition meter of a task that phasescope trains: its pairs, its own schedule, and the exact answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from phasescope.models.families.analysis import LabelMeter
from phasescope.models.families.diffusion import Predict
from phasescope.models.families.diffusion.exact.optimum import ConditionalOptimum, UnconditionalOptimum
from phasescope.models.families.diffusion.family import Diffusion
from phasescope.models.families.diffusion.meter.band_reader import BandReader
from phasescope.models.families.diffusion.meter.calling import Caller
from phasescope.models.families.diffusion.meter.deciding import deciding_band
from phasescope.models.families.diffusion.meter.draws import ALL, Exchanges, Pairs
from phasescope.models.families.diffusion.meter.noising import Scheduled, Target
from phasescope.models.families.diffusion.meter.reading import Mean
from phasescope.models.families.task import Network, Task

TARGET: dict[Predict, Target] = {"eps": "epsilon", "x": "sample", "v": "v", "velocity": "flow"}
REMOVABLE_DRAWS, REMOVABLE_SEED = 512, 0
"""noisy images a band from which it is read what only the label can remove, and their seed: a property of the task, so that
no run's own draws decide which of two nearly equal bands it is; exact answers ask no network"""


@dataclass(frozen=True, eq=False, kw_only=True)
class TaskMeter(LabelMeter):
    """Reads how much a network uses the labels of a task, with fixed pairs and noise.

    Exact answers are those of a diffusion whose labels name one image each; with hidden factors there are none, and neither
    use nor what can be removed is read.

    Args:
        labels: by `held_out` or `trained`, full labels of the pairs, (n, K); the first are those that a reading is of.
        factors: whether each visible factor is exchanged alone, too.
        label_gradient: whether the force towards the label is read, too, of trained images.
        batch: images in one pass of the network.
    """

    diffusion: Diffusion
    task: Task
    labels: dict[str, Float[np.ndarray, "n K"]]
    draws: int
    bands: int
    seed: int
    batch: int
    factors: bool = False
    label_gradient: bool = False

    def read(self, network: Network, step: int) -> dict[str, Any]:
        """Return the reading of a network after `step` steps, and the band that decides by what is known by then.

        Each band says what only the label can remove from the error of *trained* images: held-out ones lie between those of
        the training set, so that its posterior mean is no bound for them.
        """
        caller = Caller(network, self.batch)
        reading = self._reader.read(caller, self._pairs, step)
        lows = self._reader.edges[:-1].tolist()
        removable = dict(zip(lows, self._removable, strict=True))
        bands = [replace(band, removable=removable[band.low]) for band in reading.bands]
        if self.label_gradient:
            gradients = dict(
                zip(lows, self._of_training.label_gradients(caller, self._training), strict=True)
            )
            bands = [replace(band, label_gradient=gradients[band.low]) for band in bands]
        reading = replace(reading, bands=tuple(bands))

        first = self._pairs[0].name
        deciding = deciding_band(
            [reading], self._reader.noising, self._reader.edges, known=first, pairs=first
        )
        return {
            "wall_s": reading.wall_s,
            "deciding": None if deciding is None else asdict(deciding),
            "bands": [asdict(band) for band in reading.bands],
        }

    @cached_property
    def _reader(self) -> BandReader:
        noising = Scheduled(TARGET[self.diffusion.predict], self.diffusion.schedule)
        withheld = self.task.withheld != "never"
        none = torch.full((1, len(self.task.factors.visible)), torch.nan) if withheld else None

        is_known = not self.task.factors.hidden
        return BandReader(
            noising=noising,
            edges=np.linspace(*noising.ends, self.bands + 1),
            draws=self.draws,
            seed=self.seed,
            exchanges=self._exchanges,
            none=none,
            exact=ConditionalOptimum(self.diffusion, self.task.render) if is_known else None,
            blind=None,
        )

    @property
    def _exchanges(self) -> Exchanges:
        names = self.task.factors.visible.names if self.factors else ()
        return {ALL: None, **{name: (column,) for column, name in enumerate(names)}}

    @cached_property
    def _pairs(self) -> list[Pairs]:
        return [self._pairs_of(name, labels) for name, labels in self.labels.items()]

    def _pairs_of(self, name: str, labels: Float[np.ndarray, "n K"]) -> Pairs:
        full = torch.from_numpy(labels)
        images = self.task.render(full).float()
        return Pairs.checked(name, images, self.task.factors.visible_columns(full).float(), self._exchanges)

    @cached_property
    def _training(self) -> Pairs:
        return self._pairs_of("removable", self.task.training)

    @cached_property
    def _of_training(self) -> BandReader:
        """The reader that knows the exact answer without label, which is that of the trained images."""
        blind = UnconditionalOptimum(self.diffusion, self.task.render, torch.from_numpy(self.task.training))
        return replace(self._reader, blind=blind)

    @cached_property
    def _removable(self) -> list[Mean | None]:
        reader = replace(self._of_training, draws=max(self.draws, REMOVABLE_DRAWS), seed=REMOVABLE_SEED)
        return reader.removable(self._training)
