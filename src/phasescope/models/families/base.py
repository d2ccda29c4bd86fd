"""Families: ways to learn images, and to generate them.

A network is any callable ``network(x, t, labels)`` that answers as the family asks: for a diffusion x is the noisy image,
t its time; a family without noise levels gives t = 0. A row of labels that is NaN is no label.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jaxtyping import Float

from phasescope.core.kinds import Kind
from phasescope.models.families.analysis import Analysis
from phasescope.models.families.task import Examples, Network, Task

if TYPE_CHECKING:
    import torch
    from torch import Tensor


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
        """Draw the random part of a loss on the generator's device; return it on that of the images (B, C, *spatial)."""

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
        """Return the inputs of a network (x, t, labels) when its latents are read at the noise level t.

        Args:
            x_0: images (B, C, *spatial).
            noise: unit noise of their shape.
        """

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

    def references(self, examples: Examples) -> Mapping[str, Any]:
        """Return the results that `examine` needs and that are computed once per run, JSON-ready."""
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

    def analysis(self, task: Task, seed: int = 0) -> Analysis | None:
        """Return the exact theory of learning `task` with this family; None if there is none.

        Args:
            seed: of the noisy images on which networks are compared with exact results.
        """
        return None

    def sampling_choices(self) -> dict[str, Any] | None:
        """Return the choices in sampling: `samplers` by name, the default `sampler` and `steps`, `most_steps`; None if there
        are none."""
        return None

    def evaluations_an_image(self) -> int | None:
        """Return how often a network is evaluated to generate an image; None if that is not known."""
        return None

    def with_sampler(self, sampler: str, steps: int) -> FamilyConfig:
        """Return the same family with another of its samplers.

        Raises:
            ValueError: it has no such sampler, or not so many steps.
        """
        raise ValueError(f"`sampler` (={sampler}) must be left out: this family has only one sampler")

    def build(self) -> Family:
        """Return the family itself.

        Raises:
            NotImplementedError: the configuration is no family, and does not say what it builds.
        """
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
