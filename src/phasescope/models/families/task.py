"""The task that is learned: images, their training labels, and what limits what a network can learn of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors

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
        """Return the task of learning a world; by default the patch has `PATCH_PX`, or as much as the canvas allows."""
        shorter_side = min(world.shape[1:])
        largest_odd = shorter_side if shorter_side % 2 else shorter_side - 1

        # A periodic angle or hue leaves the canvas its edges: only a place can continue on the other side. Whether images of
        # a data set do is not known.
        place = [factor for factor in world.factors if factor.name in (world.position or ())]
        periodic = world.continuous and bool(place) and all(factor.periodic for factor in place)

        return cls(
            render=world.render,
            training=world.training_labels(),
            factors=world.factors,
            periodic=periodic,
            shift_px=shift_px,
            patch_px=patch_px or min(PATCH_PX, largest_odd),
            withheld=withheld,
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
