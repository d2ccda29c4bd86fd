"""A run as its user has it: what its folder holds, its figures, and what its network computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from phasescope.core.lazy import provided
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.sites import Site

if TYPE_CHECKING:
    import numpy as np
    from torch import nn


class Run(RunFolder):
    """A run that exists, for reading and for computing with its network.

        run = phasescope.find_run("small")
        run.to_frame()                              # a row a snapshot
        run.plot.timeline()
        run.load_network(step=1000)                 # a torch.nn.Module
        run.sample([[3.0, 7.5]], n=4)               # images, (4, C, *spatial)
        run.activations("mid.600", labels)          # (m, features)

    Files are read when they are asked for, so that a run that is still trained can be followed.
    """

    @property
    def plot(self) -> Any:
        """The run's figures: `run.plot.timeline()` and the others of `views.figures.plots.Plots`."""
        return provided("figures of a run")(self)

    def load_network(self, step: int | None = None) -> nn.Module:
        """Return the network of a snapshot, by default the last one, with averaged weights, in evaluation mode, on the CPU.

        It is called as `network(x_t, t, labels)`; `t` is None if the family has no noise levels.

        Raises:
            UserError: there is no such snapshot; the network was watched, and only its own loop can build it.
        """
        from phasescope.runs.trained.load import load_network

        return load_network(self, self.snapshot(step)).network

    def sample(
        self, labels: Sequence[float] | np.ndarray, n: int = 1, step: int | None = None, seed: int = 0
    ) -> np.ndarray:
        """Sample `n` images for each of `labels`, (m, K) or one (K,), with the network of a snapshot.

        Returns:
            (m * n, C, *spatial) float32 in [-1, 1], all images of a label next to each other; the noise derives from `seed`.

        Raises:
            UserError: a label lies outside the world; there is no such snapshot.
        """
        from phasescope.runs.trained.sample import sample

        return sample(run=self, labels=labels, n=n, step=step, seed=seed)

    def activations(self, site: Site | str, labels: np.ndarray, step: int | None = None) -> np.ndarray:
        """Read a layer's activations for the images of `labels`, (m, K), with the network of a snapshot.

        Args:
            site: a layer and a noise level, as `mid.600` or `Site("mid", 600)`; the layer alone if the family has none.

        Returns:
            (m, features) float32, as snapshots record them: the run's own noise, a draw for each label.

        Raises:
            UserError: there is no such layer, noise level or snapshot; a label lies outside the world.
        """
        from phasescope.runs.trained.activations import activations

        return activations(self, site, labels, step)
