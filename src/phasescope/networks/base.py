"""What a network is: a configuration that builds a module, with taps at which its activations are read."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from phasescope.factors import Factors
from phasescope.kinds import Kind

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor, nn


class NetworkConfig(Kind):
    """A function approximator ``network(x_t, t, labels)``. Torch is imported within methods."""

    is_watched: ClassVar[bool] = False
    """whether it lives in somebody's own loop, and cannot be built again"""

    @property
    @abstractmethod
    def taps(self) -> tuple[str, ...] | None:
        """Names of the places whose activations can be read; None where only the built network knows them."""

    @property
    def usual_taps(self) -> tuple[str, ...]:
        """Where latents are read where nobody says so; the last is where the representation's phase is read."""
        return self.taps or ()

    @abstractmethod
    def build(self, shape: tuple[int, ...], factors: Factors) -> nn.Module:
        """The network for images (C, *spatial) and labels of K factors, with fresh weights from torch's random state.

        A method `tap(name)` of the module, where it has one, gives the block whose output is a tap; else taps are names of
        its submodules.
        """

    def check(self, shape: tuple[int, ...], factors: Factors) -> None:
        """Raises ValueError where it cannot be built for such images and labels."""
        return

    def commutes_with(self, shape: tuple[int, ...]) -> int | None:
        """The px f such that a shift of x_t (C, *spatial) by f, round the canvas, shifts the answer; None: there is none."""
        return None

    def sees_px(self) -> int | None:
        """Side of the square that a pixel of the answer depends on, px, odd; None where that may be the whole canvas."""
        return None

    def widest(self, shape: tuple[int, ...]) -> int:
        """Numbers in the largest of what it computes of one image, as far as it is known without building it."""
        return math.prod(shape)

    def encode(self, labels: Float[Tensor, "n K"], factors: Factors) -> Float[Tensor, "n features"] | None:
        """Whatever it tells its blocks of a label: the ceiling of what latents may owe to being told. None: not known."""
        return None
