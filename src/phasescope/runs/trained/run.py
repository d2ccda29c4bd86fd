"""A run as its user has it: what its folder holds, its figures, and what its network computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from phasescope.core.lazy import provided
from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.sites import Site

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from phasescope.runs.trained.sample import Trajectory


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

    def _repr_html_(self) -> str:
        """Return what `phasescope show` prints, for a notebook."""
        return provided("summary of a run")(self)._repr_html_()

    def load_network(self, step: int | None = None) -> nn.Module:
        """Return the network of a snapshot, by default the last one, with averaged weights, in evaluation mode, on the CPU.

        It is called as `network(x_t, t, labels)`; `t` is None if the family has no noise levels.

        Raises:
            UserError: there is no such snapshot; the network was watched, and only its own loop can build it.
        """
        from phasescope.runs.trained.load import load_network

        return load_network(self, self.snapshot(step)).network

    def sample(
        self,
        labels: Sequence[Any] | np.ndarray,
        n: int = 1,
        step: int | None = None,
        seed: int = 0,
        *,
        sampler: str | None = None,
        steps: int | None = None,
        guidance: float = 0.0,
        patch: Mapping[str, Sequence[Any] | np.ndarray] | None = None,
        network: nn.Module | None = None,
    ) -> np.ndarray:
        """Sample `n` images for each of `labels`, (m, K) or one (K,), with the network of a snapshot.

            run.sample([3.0, 7.5], n=16, sampler="ddpm")                 # ancestral, through every t
            run.sample([3.0, 7.5], n=16, guidance=2.0)
            run.sample([3.0, 7.5], n=16, patch={"mid": [20.0, 7.5]})     # `mid` is given another label
            run.sample([[12, 20, "red"], [12, 20, "blue"]])              # classes by their names, also in `patch`

        Args:
            sampler: `ddim`, `ddpm`, `dpm_solver`, for flow matching also `euler` and `heun`; by default the run's own.
            steps: of the sampler; by default as many as the run's own sampler takes, and for `ddpm` one for every t.
            guidance: the weight w of classifier-free guidance, none + (1 + w) (label - none) (Ho & Salimans 2022, eq. 6);
                0 is no guidance. diffusers' `guidance_scale` is 1 + w. The run must have been trained with `label_dropout`.
            patch: layers by name, each with the label under which its output is read and put in: one for all images, (K,),
                or one for each of `labels`, (m, K). All else in the network is given the image's own label.
            network: samples in place of the snapshot's: a watched network, which only its own loop can build. Its mode,
                weights and device (the CPU) stay.

        Returns:
            (m * n, C, *spatial) float32 in [-1, 1], all images of a label next to each other; the noise derives from `seed`.
            It is not the noise of what was recorded in training.

        Raises:
            UserError: a label lies outside the world or names no class; there is no such snapshot, sampler or layer; the
                output of a patched layer does not depend on the label; the network was never trained without labels.
        """
        from phasescope.runs.trained.sample import sample

        return sample(
            run=self,
            labels=labels,
            n=n,
            step=step,
            seed=seed,
            sampler=sampler,
            steps=steps,
            guidance=guidance,
            patch=patch,
            network=network,
        )

    def trajectory(
        self,
        labels: Sequence[Any] | np.ndarray,
        layers: Sequence[str] = (),
        step: int | None = None,
        seed: int = 0,
        *,
        sampler: str | None = None,
        steps: int | None = None,
        guidance: float = 0.0,
        network: nn.Module | None = None,
    ) -> Trajectory:
        """Sample an image for each of `labels`, and keep all states on the way, with the activations of layers.

            way = run.trajectory([3.0, 7.5], layers=["mid"])
            way.t                        # (S,): 999 ... -1
            way.x_0                      # (S, 1, C, *spatial): which image the network expects, state by state
            way.activations["mid"]       # (S - 1, 1, features)

        Other arguments are those of `sample`. Activations are of the network that is given the label, also with guidance.
        These noisy images are the sampler's own; `activations` reads those of the training's noise. All features of a layer
        are read, also of a run that records a part of them.

        Raises:
            UserError: as for `sample`; the states would take more than 4 GiB; layers are asked of a family that generates
                at once.
        """
        from phasescope.runs.trained.sample import trajectory

        return trajectory(
            run=self,
            labels=labels,
            layers=layers,
            step=step,
            seed=seed,
            sampler=sampler,
            steps=steps,
            guidance=guidance,
            network=network,
        )

    def activations(
        self,
        site: Site | str,
        labels: Sequence[Any] | np.ndarray,
        step: int | None = None,
        *,
        network: nn.Module | None = None,
    ) -> np.ndarray:
        """Read a layer's activations for the images of `labels`, (m, K), with the network of a snapshot.

        Args:
            site: a layer and a noise level, as `mid.600` or `Site("mid", 600)`; the layer alone if the family has none.
            network: is read in place of the snapshot's, as for `sample`.

        Returns:
            (m, features) float32, as snapshots record them: the run's own noise, a draw for each label.

        Raises:
            UserError: there is no such layer, noise level or snapshot; a label lies outside the world.
        """
        from phasescope.runs.trained.activations import activations

        return activations(self, site, labels, step, network)

    def attention(
        self, site: Site | str, labels: Sequence[Any] | np.ndarray, step: int | None = None
    ) -> np.ndarray:
        """Read the attention maps of a layer for the noisy images of `labels`, (m, K), with the network of a snapshot.

            maps = run.attention("mid.600", [[3.0, 7.5]])    # (1, heads, n, n)
            maps[0, 0, 5].reshape(4, 4)                      # where token 5 looks, n = 16 = 4 x 4

        Args:
            site: a layer that holds one module with attention, and a noise level, as for `activations`.

        Returns:
            (m, heads, n, n) float32, of n tokens, in rows of the layer's canvas: what each (second last axis) takes from
            each other (last axis); the last axis sums to 1.

        Raises:
            UserError: the layer holds no attention, or several modules with it; as for `activations`.
        """
        from phasescope.runs.trained.activations import attention

        return attention(self, site, labels, step)
