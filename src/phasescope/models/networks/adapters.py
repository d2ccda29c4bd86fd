"""Other libraries' networks as `network(x_t, t, labels)`."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from phasescope.core.factors import Factors


class DiffusersNetwork(nn.Module):
    """A U-Net of diffusers that is conditioned on a label by its class embedding.

    Factors are scaled to [-1, 1] and given as `class_labels`: to a `UNet2DConditionModel` with
    ``class_embed_type="projection", projection_class_embeddings_input_dim=K`` as they are, to a `UNet2DModel` with
    ``class_embed_type="identity"`` through `embed`. A label that is NaN is given as zeros; a U-Net without a class
    embedding gets no label. Taps are the U-Net's own modules: ``down_blocks.1``, ``mid_block``, ``up_blocks.0``.

    Args:
        unet: the network; diffusers need not be imported here.
        factors: of the labels, K.
        embed: from (B, K) scaled factors to what the U-Net takes as `class_labels`; a module, trained with it.
    """

    def __init__(self, unet: nn.Module, factors: Factors, embed: nn.Module | None = None):
        super().__init__()
        self.unet, self.embed = unet, embed
        self.register_buffer("low", torch.tensor(factors.low, dtype=torch.float32), persistent=False)
        self.register_buffer("span", torch.tensor(factors.span, dtype=torch.float32), persistent=False)
        self._conditional = "encoder_hidden_states" in inspect.signature(unet.forward).parameters
        self._told = getattr(unet, "class_embedding", None) is not None

    def tap(self, name: str) -> nn.Module:
        """Return the U-Net's submodule of that name; AttributeError if there is none."""
        return self.unet.get_submodule(name)

    def forward(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B C H W"]:
        further: dict[str, Any] = {"encoder_hidden_states": None} if self._conditional else {}
        if not self._told:
            return self.unet(x_t, t, **further).sample
        scaled = (2 * (labels - self.low) / self.span - 1).nan_to_num(0.0)
        told = scaled if self.embed is None else self.embed(scaled)
        return self.unet(x_t, t, class_labels=told, **further).sample
