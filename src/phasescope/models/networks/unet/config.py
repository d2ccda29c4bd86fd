"""The configuration of a U-Net; torch is imported only in `build`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from phasescope.core.errors import similar
from phasescope.core.factors import Factors
from phasescope.models.networks.base import NetworkConfig, Padding, Width
from phasescope.models.networks.embedding import EmbeddingConfig

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from phasescope.models.networks.unet.network import UNet

# 4 GiB as float32, before gradients and moments: what is larger is refused before anything is allocated.
MOST_PARAMETERS = 2**30


class UNetConfig(NetworkConfig):
    """The U-Net of Liang, Liu & Fiete 2024 as far as it is known; `docs/conventions.md` lists what is inferred."""

    kind: Literal["unet"] = "unet"
    widths: tuple[Width, ...] = Field((32, 64, 64, 64), min_length=1, max_length=11)
    """channels of the stem, then of each down-sampling block"""
    mid_width: Width | None = None
    """channels of the bottleneck; null takes the last of `widths`"""
    layers: int = Field(1, ge=1, le=64)
    """residual layers in each block"""
    patch: Literal[1, 2, 4, 8] = 1
    """side of the pixel blocks that are folded into channels at the input, px"""
    attention: tuple[str, ...] = ()
    """blocks followed by self-attention, by layer: stem, down1, ..., mid, up1, ..."""
    heads: int = Field(4, ge=1)
    """attention heads"""
    groups: int = Field(8, ge=1)
    """groups of the group normalisation"""
    padding: Padding = "zeros"
    """what convolutions see beyond the canvas' edge"""
    coordinates: bool = False
    """whether the input has the pixels' coordinates beside x_t (CoordConv)"""
    input_skip: bool = False
    """whether x_t, times a gain that depends on the embedding, is added to the output"""
    embedding: EmbeddingConfig = EmbeddingConfig()
    """how t and the labels are encoded"""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        unknown = [name for name in self.attention if name not in self.layer_names]
        if unknown:
            known, guess = ", ".join(self.layer_names), similar(unknown[0], self.layer_names)
            raise ValueError(f"`attention` (={unknown[0]}) must name blocks of this network: {known}{guess}")

        widths = (*self.widths, self.mid_width or self.widths[-1])
        for width in widths:
            if width % self.groups:
                raise ValueError(f"`widths` (={width}) must be multiples of `groups` (={self.groups})")
            if self.attention and width % self.heads:
                raise ValueError(f"`widths` (={width}) must be multiples of `heads` (={self.heads})")

        # Most parameters are the 3x3 kernels: two a residual layer, in blocks on the way down and on the way up.
        kernels = 2 * 9 * self.layers * sum(a * b for a, b in zip((widths[0], *widths), widths, strict=False))
        if kernels > MOST_PARAMETERS:
            raise ValueError(
                f"`widths` (={list(self.widths)}) must be smaller, or `layers` (={self.layers}) fewer: "
                f"about {kernels} parameters, and {MOST_PARAMETERS} at most"
            )
        return self

    @property
    def depth(self) -> int:
        """Number of down-sampling blocks, and of up-sampling ones."""
        return len(self.widths) - 1

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The outputs of the blocks, in their order."""
        downs = [f"down{i}" for i in range(1, self.depth + 1)]
        ups = [f"up{i}" for i in range(1, self.depth + 1)]
        return ("stem", *downs, "mid", *ups)

    @property
    def usual_layers(self) -> tuple[str, ...]:
        """The last down block, where the paper reads, and the bottleneck."""
        return f"down{self.depth}" if self.depth else "stem", "mid"

    def check(self, shape: tuple[int, ...], factors: Factors) -> None:
        self.embedding.check(factors)
        if len(shape) != 3 or shape[1] != shape[2]:
            raise ValueError(f"`world.shape` (={shape}) must be (channels, N, N): square images")

        factor = self.patch * 2**self.depth
        if shape[1] % factor:
            raise ValueError(
                f"`world.canvas` (={shape[1]}) must be a multiple of {factor}: "
                f"patches of {self.patch} px, then {self.depth} halvings"
            )
        if self.padding == "reflect" and shape[1] == factor:
            raise ValueError(
                "`network.padding` (=reflect) must be another value if the bottleneck is 1 px wide: "
                "there is no neighbour to reflect"
            )

    def commutes_with(self, shape: tuple[int, ...]) -> int | None:
        """Return the size of the bottleneck's cells, if neither padding nor coordinates tell the place.

        Of a bottleneck with one cell, a mean that no shift changes, it is the size at the level above.
        """
        if self.padding != "circular" or self.coordinates:
            return None
        cell = self.patch * 2**self.depth
        return cell // 2 if self.depth and cell == shape[-1] else cell

    def build(self, shape: tuple[int, ...], factors: Factors) -> UNet:
        from phasescope.models.networks.unet.network import UNet

        return UNet(self, shape[0], factors)

    def encode(self, labels: Float[Tensor, "n K"], factors: Factors) -> Float[Tensor, "n features"]:
        from phasescope.models.networks.encodings import encoded_labels

        return encoded_labels(self.embedding, labels, factors)
