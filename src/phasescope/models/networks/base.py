"""Networks: configurations that build a module, with named layers at which activations are read."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NoReturn

from pydantic import Field, JsonValue

from phasescope.core.factors import Factors
from phasescope.core.kinds import Kind

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor, nn

Width = Annotated[int, Field(ge=1, le=2**14)]
"""the annotation of a number of channels"""
Padding = Literal["zeros", "reflect", "replicate", "circular"]
"""the annotation of what convolutions see beyond the canvas' edge"""


class NetworkConfig(Kind):
    """A function approximator ``network(x_t, t, labels)``. Torch is imported within methods."""

    is_watched: ClassVar[bool] = False
    """whether it belongs to a user's own loop, and cannot be rebuilt"""

    @property
    @abstractmethod
    def layer_names(self) -> tuple[str, ...] | None:
        """Names of the layers whose activations can be read; None if only the built network knows them."""

    @property
    def usual_layers(self) -> tuple[str, ...]:
        """The layers at which latents are read by default; the phase of the sheet is read at the last one."""
        return self.layer_names or ()

    @abstractmethod
    def build(self, shape: tuple[int, ...], factors: Factors) -> nn.Module:
        """Return the network for images (C, *spatial) and labels of K factors, with fresh weights from torch's random state.

        A method `get_layer(name)` of the module, if it has one, returns the layer of that name; else layers are named as
        its submodules are.
        """

    def check(self, shape: tuple[int, ...], factors: Factors) -> None:
        """Raise ValueError if it cannot be built for such images and labels."""

    def commutes_with(self, shape: tuple[int, ...]) -> int | None:
        """Return the px f such that a shift of x_t (C, *spatial) by f, round the canvas, shifts the answer; None without."""
        return None

    def sees_px(self) -> int | None:
        """Return the side of the square that a pixel of the answer depends on, px, odd; None: perhaps the whole canvas."""
        return None

    def encode(self, labels: Float[Tensor, "n K"], factors: Factors) -> Float[Tensor, "n features"] | None:
        """Return the encoding of labels that its blocks receive: the upper reference of what latents owe to them; None if
        it is not known."""
        return None


class WatchedConfig(NetworkConfig):
    """A network that `phasescope.watch` records."""

    is_watched: ClassVar[bool] = True

    kind: Literal["watched"] = "watched"
    hyperparameters: dict[str, JsonValue] = Field({})
    """the training settings that the loop's user gave; no others are known"""

    @property
    def layer_names(self) -> None:
        return None

    def build(self, shape: tuple[int, ...], factors: Factors) -> NoReturn:
        raise ValueError(
            "`network` (=watched) can only be built by your own loop: measure its stored activations, or give "
            "the network itself to `phasescope.probe`"
        )
