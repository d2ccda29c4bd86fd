"""The configuration of a convolutional network with a given receptive field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from phasescope.core.factors import Factors
from phasescope.models.networks.base import NetworkConfig, Padding, Width
from phasescope.models.networks.embedding import EmbeddingConfig

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from phasescope.models.networks.convnet.network import ConvNet


class ConvNetConfig(NetworkConfig):
    """3x3 convolutions, one above the other, at full resolution; nothing in it sees the whole canvas."""

    kind: Literal["convnet"] = "convnet"
    width: Width = 32
    """channels of each layer"""
    receptive_px: int = Field(9, ge=5, le=127)
    """side of the square of input on which a pixel of the output depends, px, odd: 3, and 2 more per layer"""
    padding: Padding = "circular"
    """what convolutions see beyond the canvas' edge"""
    embedding: EmbeddingConfig = EmbeddingConfig()
    """how t and the labels are encoded"""

    @property
    def layers(self) -> int:
        return (self.receptive_px - 3) // 2

    @property
    def layer_names(self) -> tuple[str, ...]:
        return tuple(f"layer{i}" for i in range(1, self.layers + 1))

    @property
    def usual_layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.layer_names[len(self.layer_names) // 2], self.layer_names[-1])))

    def check(self, shape: tuple[int, ...], factors: Factors) -> None:
        self.embedding.check(factors)
        if len(shape) != 3:
            raise ValueError(f"`world.shape` (={shape}) must be (channels, height, width)")
        if self.receptive_px % 2 == 0 or self.receptive_px > min(shape[1:]):
            raise ValueError(
                f"`network.receptive_px` (={self.receptive_px}) must be odd, and at most the canvas "
                f"(={min(shape[1:])} px)"
            )

    def commutes_with(self, shape: tuple[int, ...]) -> int | None:
        return 1 if self.padding == "circular" else None

    def sees_px(self) -> int | None:
        return self.receptive_px

    def build(self, shape: tuple[int, ...], factors: Factors) -> ConvNet:
        from phasescope.models.networks.convnet.network import ConvNet

        return ConvNet(self, shape[0], factors)

    def encode(self, labels: Float[Tensor, "n K"], factors: Factors) -> Float[Tensor, "n features"]:
        from phasescope.models.networks.encodings import encoded_labels

        return encoded_labels(self.embedding, labels, factors)
