"""Families: ways to learn images, and to generate them.

A network is any callable ``network(x, t, labels)`` that answers as the family asks: for a diffusion x is the noisy image,
t its time; a family without noise levels gives t = 0. A row of labels that is NaN is no label.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.core.kinds import Kind

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from phasescope.worlds.base import World

Network = Callable[..., Any]
"""``network(x, t, labels)``: x (B, C, *spatial), t (B,) int64, labels (B, K) in the world's units"""
Withheld = Literal["never", "label", "factors"]
# The patch-local optimal denoiser sees this many px, unless the network sees less or the canvas holds less.
PATCH_PX = 7


@dataclass(frozen=True)
class Task:
    """The data to be learned, and the properties of the network that limit what it can learn."""

    render: Callable[[Tensor], Tensor]
    """from labels (B, K) to images (B, C, *spatial)"""
    training: Float[np.ndarray, "M K"]
    """all training labels, hidden factors included"""
    factors: Factors
    """of the training labels, K; a network is given the columns of the visible ones"""
    periodic: bool = False
    """whether the canvas is periodic"""
    shift_px: int | None = None
    """by which shifts the network commutes; None if it knows absolute place"""
    patch_px: int = 7
    """side of the patch of the patch-local optimal denoiser, px, odd"""
    withheld: Withheld = "never"
    """what is left out of labels in training: nothing, whole labels, or each factor by itself"""

    @classmethod
    def from_world(
        cls,
        world: World,
        shift_px: int | None = None,
        patch_px: int | None = None,
        withheld: Withheld = "never",
    ) -> Task:
        """Return what is to be learned of a world; by default the patch has `PATCH_PX`, or as much as the canvas allows."""
        least = min(world.shape[1:])
        patch_px = patch_px or min(PATCH_PX, least - 1 + least % 2)
        # Only what places an object can go round the canvas; whether the images of a data set do is not known.
        place = world.position or world.factors.names
        periodic = world.continuous and all(f.periodic for f in world.factors if f.name in place)
        return cls(
            world.render, world.training_labels(), world.factors, periodic, shift_px, patch_px, withheld
        )


@dataclass(frozen=True)
class Examples:
    """Fixed training labels on which a family's own metrics are taken, the same at each snapshot."""

    task: Task
    shape: tuple[int, ...]
    """of an image: (C, *spatial)"""
    labels: Float[np.ndarray, "bands images K"]
    seed: int
    device: torch.device


@dataclass(frozen=True)
class Clones:
    """The share of clones, images that are noised and denoised again, that return to their image or to one like it."""

    t: tuple[int, ...]
    """the noise levels, (L,), ascending"""
    share: Float[np.ndarray, " L"]
    """of clones that came back"""
    low: Float[np.ndarray, " L"]
    high: Float[np.ndarray, " L"]
    """its 95 % interval, by resampled images"""
    exact: Float[np.ndarray, " L"]
    """the share of a perfect network without labels, from the same noisy images"""
    half: tuple[float, float, float]
    """the noise level at which half come back, and its interval; NaN if the share passes no half"""
    exact_half: float
    """that of the exact share"""
    images: int
    """that were started from"""
    each: int
    """clones of each image"""


@dataclass(frozen=True)
class SamplingState:
    """A state of the sampling trajectory."""

    step: int
    """steps done"""
    t: int
    """the time of `x_t`, and -1 in the last state"""
    x_t: Tensor
    """the noisy images, (B, C, *spatial)"""
    x_0: Tensor
    """the images that they are to become, (B, C, *spatial); in the last state the images"""


class Family(ABC):
    """A way to learn and to generate images; it draws nothing but from generators that it is given."""

    @property
    def noise_levels(self) -> Sequence[int] | None:
        """The t at which activations can be read; None for a family without noise levels."""
        return None

    @abstractmethod
    def draw(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Return all that is random in a loss, drawn on the generator's device, on that of the images (B, C, *spatial)."""

    @abstractmethod
    def loss_at(self, network: Network, x_0: Tensor, labels: Tensor, *drawn: Tensor) -> Float[Tensor, " B"]:
        """Return the loss of each image, given what `draw` drew."""

    @abstractmethod
    def trajectory(
        self,
        network: Network,
        labels: Float[Tensor, "B K"],
        shape: tuple[int, ...],
        generator: torch.Generator,
    ) -> Iterator[SamplingState]:
        """Yield the states on the way to the images of `labels`; a family that generates at once has one."""

    @abstractmethod
    def inputs(
        self, x_0: Tensor, labels: Tensor, t: int | None, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return what a network is given when its latents are read at the noise level t: (x, t, labels), of images
        (B, C, *spatial) and unit noise."""

    def sample(
        self,
        network: Network,
        labels: Float[Tensor, "B K"],
        shape: tuple[int, ...],
        generator: torch.Generator,
    ) -> Float[Tensor, "B C *spatial"]:
        """Return the images at the end of `trajectory`."""
        (last,) = deque(self.trajectory(network, labels, shape, generator), maxlen=1)
        return last.x_0

    def forecast(self, task: Task, errors: bool = True) -> Mapping[str, Any]:
        """Return what can be predicted of training before it begins, JSON-ready; nothing if nothing is known.

        Args:
            errors: whether the errors of all reference denoisers are included, which takes longest.
        """
        return {}

    def optima(self, task: Task) -> Mapping[str, Network]:
        """Return by name the best networks without labels, each by what it sees of images; none if none is known.

        Raises:
            ValueError: the task has none.
        """
        return {}

    def clones(
        self,
        network: Network,
        task: Task,
        t: Sequence[int],
        images: int,
        each: int,
        seed: int = 0,
        notify: Callable[[int, int], None] = lambda done, total: None,
    ) -> Clones:
        """Return how many training images, made noisy and denoised again without a label, come back.

        Args:
            t: noise levels.
            images: how many are started from, the same at each t.
            each: clones of each.
            notify: is called with the number of noise levels that are done, and of all.

        Raises:
            ValueError: this family cannot start from a noisy image, or a t is none of its noise levels.
        """
        raise ValueError("`family` must be one that samples from noisy images")

    def references(self, examples: Examples) -> Mapping[str, Any]:
        """Return what is known of the best that can be learned, JSON-ready, computed once per run for `examine`."""
        return {}

    def examine(
        self, network: Network, examples: Examples, references: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return the family's own metrics of a network, JSON-ready."""
        return {}


class FamilyConfig(Kind):
    """The configuration of a family; a class that is a `Family` too is its own configuration. It does not import torch.

    Attributes:
        noise_levels: as the family's.
        usual_t: the noise levels at which latents are read by default.
        phase_t: that at which the phase of the sheet is read, since only the label determines the image there.
    """

    @property
    def noise_levels(self) -> Sequence[int] | None:
        return None

    @property
    def usual_t(self) -> tuple[int, ...]:
        return ()

    @property
    def phase_t(self) -> int | None:
        return None

    def sampling_choices(self) -> dict[str, Any] | None:
        """Return what may be chosen in sampling: `samplers` by name, the default `sampler` and `steps`, `most_steps`; None
        if nothing may."""
        return None

    def with_sampler(self, sampler: str, steps: int) -> FamilyConfig:
        """Return the same family with another of its samplers.

        Raises:
            ValueError: it has no such sampler, or not so many steps.
        """
        raise ValueError(f"`sampler` (={sampler}) must be left out: this family has only one sampler")

    def build(self) -> Family:
        """Return the family itself."""
        if isinstance(self, Family):
            return self
        raise NotImplementedError(f"`{type(self).__name__}` must have `build`, or be a Family itself")


@contextmanager
def evaluating(network: Any, layers: Sequence[str] | Mapping[str, Any] = ()) -> Iterator[None]:
    """Within the block, every module of the network evaluates (no dropout); afterwards each is as it was."""
    from torch import nn

    roots = [network, *(layers.values() if isinstance(layers, Mapping) else ())]
    modules = [module for root in roots if isinstance(root, nn.Module) for module in root.modules()]
    modes = [(module, module.training) for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
