"""The configuration of a U-Net; torch is imported only in `build`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from phasescope.core.config import Config
from phasescope.core.factors import Factors
from phasescope.models.networks.base import NetworkConfig

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from phasescope.models.networks.unet.network import UNet


Width = Annotated[int, Field(ge=1, le=2**14)]
# 4 GiB as float32, before gradients and moments: what is larger is refused before anything is allocated.
MOST_PARAMETERS = 2**30


class EmbeddingConfig(Config):
    """Positional encodings of t and of each factor, concatenated and given to every block."""

    width: int = Field(64, ge=2, le=2**12, multiple_of=2)
    """numbers that encode t, and as many per factor; at least as many as a factor has classes"""
    base: float = Field(10_000.0, gt=1)
    """ratio of the longest to the shortest wavelength"""
    period: float | None = Field(None, gt=0, allow_inf_nan=False)
    """period, in the factors' unit, in which encodings make whole turns: its ends coincide; null: encoded as t is"""
    hidden: int | None = Field(None, ge=1, le=2**14)
    """width of a two-layer network on the concatenation, shared by all blocks; null: blocks get SiLU(encodings)"""
    modulation: Literal["added", "scale_shift"] = "added"
    """whether a block adds its embedding to its features or scales and shifts them by it"""

    def of_labels(self, labels: Float[Tensor, "n K"], factors: Factors) -> Float[Tensor, "n features"]:
        """Return the encodings of the factors, concatenated."""
        from phasescope.models.networks.layers import label_encoding

        return label_encoding(labels, self.width, self.base, self.period, factors)

    def check(self, factors: Factors) -> None:
        """Raise ValueError if a factor has more classes than `width` numbers encode one-hot."""
        for factor in factors:
            if factor.categorical and len(factor.values) > self.width:
                raise ValueError(
                    f"`network.embedding.width` (={self.width}) must be at least {len(factor.values)}: so many classes has "
                    f"{factor.name}, encoded one-hot"
                )


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
    padding: Literal["zeros", "reflect", "replicate", "circular"] = "zeros"
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
            raise ValueError(
                f"`attention` (={unknown[0]}) must name blocks of this network: {', '.join(self.layer_names)}"
            )
        for width in (*self.widths, self.mid_width or self.widths[-1]):
            if width % self.groups:
                raise ValueError(f"`widths` (={width}) must be multiples of `groups` (={self.groups})")
            if self.attention and width % self.heads:
                raise ValueError(f"`widths` (={width}) must be multiples of `heads` (={self.heads})")
        into = (*self.widths, self.mid_width or self.widths[-1])
        kernels = 2 * 9 * self.layers * sum(a * b for a, b in zip((into[0], *into), into, strict=False))
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
        """Late in the encoder, where the paper reads, and the bottleneck."""
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
        """Return the size of the bottleneck's cells, if neither padding nor coordinates tell the place; of a bottleneck with
        one cell, a mean that no shift changes, the size at the level above."""
        if self.padding != "circular" or self.coordinates:
            return None
        cell = self.patch * 2**self.depth
        return cell // 2 if self.depth and cell == shape[-1] else cell

    def build(self, shape: tuple[int, ...], factors: Factors) -> UNet:
        from phasescope.models.networks.unet.network import UNet

        return UNet(self, shape[0], factors)

    def encode(self, labels: Float[Tensor, "n K"], factors: Factors) -> Float[Tensor, "n features"]:
        return self.embedding.of_labels(labels, factors)
