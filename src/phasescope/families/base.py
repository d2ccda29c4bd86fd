"""What a family is: a way to learn images, and to paint them.

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

from phasescope.factors import Factors
from phasescope.kinds import Kind

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from phasescope.worlds.base import World

Network = Callable[..., Any]
"""``network(x, t, labels)``: x (B, C, *spatial), t (B,) int64, labels (B, K) in the world's units"""
Withheld = Literal["never", "label", "factors"]
PATCH_PX = 7
"""side of the patch of the patch-local optimal denoiser, unless the network sees less or the canvas holds less"""


@dataclass(frozen=True)
class Task:
    """What is to be learnt, and by what kind of network, as far as it matters to the best that can be learnt."""

    render: Callable[[Tensor], Tensor]
    """from labels (B, K) to images (B, C, *spatial)"""
    training: Float[np.ndarray, "M K"]
    """all training labels, hidden factors included"""
    factors: Factors
    """of the training labels, K; a network is given the columns of the visible ones"""
    periodic: bool = False
    """whether the canvas comes round"""
    shift_px: int | None = None
    """by which shifts the network commutes; None where it knows absolute place"""
    patch_px: int = 7
    """side of the patch that the local machine sees, px, odd"""
    withheld: Withheld = "never"
    """what is left out of labels in training: nothing, whole labels, or each factor by itself"""

    @classmethod
    def of(
        cls,
        world: World,
        shift_px: int | None = None,
        patch_px: int | None = None,
        withheld: Withheld = "never",
    ) -> Task:
        """What is to be learned of a world; by default the patch is of `PATCH_PX`, or as large as the canvas allows."""
        least = min(world.shape[1:])
        patch_px = patch_px or min(PATCH_PX, least - 1 + least % 2)
        periodic = bool(world.factors.periodic.all())
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
    """Of images that were made noisy and painted down again, how many came back, to themselves or to one like them.

    Attributes:
        conditions: how noisy they were made, (L,), ascending.
        share: of clones that came back, (L,).
        low, high: its 95 % interval, by resampled images, (L,) each.
        exact: the share of a perfect network that is told nothing, from the same noisy images, (L,).
        half: the condition at which half come back, and its interval; NaN where the share passes no half.
        exact_half: that of the exact share.
        images, each: images that were started from, and clones of each.
    """

    conditions: tuple[int, ...]
    share: Float[np.ndarray, " L"]
    low: Float[np.ndarray, " L"]
    high: Float[np.ndarray, " L"]
    exact: Float[np.ndarray, " L"]
    half: tuple[float, float, float]
    exact_half: float
    images: int
    each: int


@dataclass(frozen=True)
class Painting:
    """Where painting stands.

    Attributes:
        step: steps done.
        t: the time of `x_t`, and -1 in the last state.
        x_t: what is painted, as it is, (B, C, *spatial).
        x_0: the images that it is to become, (B, C, *spatial); in the last state the images.
    """

    step: int
    t: int
    x_t: Tensor
    x_0: Tensor


class Family(ABC):
    """A way to learn and to paint images; it draws nothing but from generators that it is given."""

    @property
    def conditions(self) -> Sequence[int] | None:
        """Under which latents can be read (a diffusion: its noise levels); None where there is none to choose."""
        return None

    @abstractmethod
    def draw(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        """All that is random in a loss, on the generator's device, then moved to that of the images (B, C, *spatial)."""

    @abstractmethod
    def loss_at(self, network: Network, x_0: Tensor, labels: Tensor, *drawn: Tensor) -> Float[Tensor, " B"]:
        """The loss of each image, given what `draw` drew."""

    @abstractmethod
    def trajectory(
        self,
        network: Network,
        labels: Float[Tensor, "B K"],
        shape: tuple[int, ...],
        generator: torch.Generator,
    ) -> Iterator[Painting]:
        """The states on the way to the images of `labels`; a family that paints at once has one."""

    @abstractmethod
    def inputs(
        self, x_0: Tensor, labels: Tensor, condition: int | None, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What a network is given where its latents are read: (x, t, labels), of images (B, C, *spatial) and unit noise."""

    def sample(
        self,
        network: Network,
        labels: Float[Tensor, "B K"],
        shape: tuple[int, ...],
        generator: torch.Generator,
    ) -> Float[Tensor, "B C *spatial"]:
        """The images at the end of `trajectory`."""
        (last,) = deque(self.trajectory(network, labels, shape, generator), maxlen=1)
        return last.x_0

    def forecast(self, task: Task, rungs: bool = True) -> Mapping[str, Any]:
        """What can be foretold of how it will be learnt, before it is, JSON-ready; nothing where nothing is known.

        Args:
            rungs: whether the errors of all exact optima are told too, which takes longest.
        """
        return {}

    def optima(self, task: Task) -> Mapping[str, Network]:
        """By name the best networks that are told no label, each by what it sees of images; none where none is known.

        Raises:
            ValueError: the task has none, as it is.
        """
        return {}

    def clones(
        self,
        network: Network,
        task: Task,
        conditions: Sequence[int],
        images: int,
        each: int,
        seed: int = 0,
        tell: Callable[[int, int], None] = lambda done, of: None,
    ) -> Clones:
        """Training images made noisy and painted down again, without a label.

        Args:
            conditions: how noisy.
            images: how many are started from, at each condition the same.
            each: clones of each.
            tell: is told how many conditions of how many are done.

        Raises:
            ValueError: this family has no way down from a noisy image, or a condition is none of its own.
        """
        raise ValueError("`family` must be one that paints from noisy images")

    def references(self, examples: Examples) -> Mapping[str, Any]:
        """What is known of the best that can be learnt, JSON-ready, computed once a run; handed to `examine`."""
        return {}

    def examine(
        self, network: Network, examples: Examples, references: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The family's own metrics of a network, JSON-ready."""
        return {}


class FamilyConfig(Kind):
    """What a family is, as its user writes it; a class that is a `Family` as well is its own. Known without torch:

    Attributes:
        conditions: as the family's.
        usual_conditions: under which latents are read where nobody says so.
        telling_condition: that at which the representation's phase is read: there only the label can tell the image.
    """

    @property
    def conditions(self) -> Sequence[int] | None:
        return None

    @property
    def usual_conditions(self) -> tuple[int, ...]:
        return ()

    @property
    def telling_condition(self) -> int | None:
        return None

    def painting(self) -> dict[str, Any] | None:
        """What may be chosen where somebody paints: `samplers` by name, `sampler` and `steps` as they stand, `most_steps`;
        None where nothing may."""
        return None

    def painted_by(self, sampler: str, steps: int) -> FamilyConfig:
        """The same family that paints by another of its samplers.

        Raises:
            ValueError: it has no such sampler, or not so many steps.
        """
        raise ValueError(f"`sampler` (={sampler}) must be left out: this family paints in one way")

    def build(self) -> Family:
        """The family itself."""
        if isinstance(self, Family):
            return self
        raise NotImplementedError(f"`{type(self).__name__}` must have `build`, or be a Family itself")


@contextmanager
def evaluating(network: Any, taps: Sequence[str] | Mapping[str, Any] = ()) -> Iterator[None]:
    """Within the block, all of the network that is a module evaluates (no dropout); then each is as it was."""
    from torch import nn

    roots = [network, *(taps.values() if isinstance(taps, Mapping) else ())]
    modules = [module for root in roots if isinstance(root, nn.Module) for module in root.modules()]
    modes = [(module, module.training) for module in modules]
    for module in modules:
        module.training = False
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
