"""The networks of other libraries that a user might take instead, each as ``network(x_t, t, labels)``.

Every peer is a U-Net for one channel with levels of 1, 2 and 2 times its width and two residual layers a level (three on
the way up, where it has one more), at about 1.6 million parameters. Where a library has no continuous labels, a network of
two layers takes (x, y), scaled to [-1, 1], to where its class embedding goes. Dropout is off; attention is left out where
the library lets it be.

A library is imported when its network is built: ImportError where it is not installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from phasescope.models.networks.encodings import positional_encoding

FACTORS = 2
MULTIPLIERS = (1, 2, 2)
TOLERANCE = 0.05
"""largest share by which the parameters of networks that are compared may differ"""

Widths = tuple[int, int, int]


def perceptron(width: int, c_in: int = FACTORS) -> nn.Sequential:
    """From (B, c_in) to (B, width), in two layers."""
    return nn.Sequential(nn.Linear(c_in, width), nn.SiLU(), nn.Linear(width, width))


class Adapted(nn.Module):
    """A peer's network, called as phasescope calls its own.

    Args:
        canvas: side of the images, px: labels from 0 to `canvas` are scaled to [-1, 1].
    """

    def __init__(self, network: nn.Module, canvas: int):
        super().__init__()
        self.network = network
        self.canvas = canvas

    def forward(
        self, x_t: Float[Tensor, "B 1 N N"], t: Int[Tensor, " B"], labels: Float[Tensor, "B 2"]
    ) -> Float[Tensor, "B 1 N N"]:
        return self.predict(x_t, t, self.scaled(labels))

    def scaled(self, labels: Float[Tensor, "B 2"]) -> Float[Tensor, "B 2"]:
        """What it is told of the labels."""
        return 2 * labels / self.canvas - 1

    def predict(self, x_t: Tensor, t: Tensor, scaled: Tensor) -> Tensor:
        """The prediction, given labels scaled to [-1, 1]."""
        return self.network(x_t, t, scaled)


class DiffusersConditional(Adapted):
    def predict(self, x_t: Tensor, t: Tensor, scaled: Tensor) -> Tensor:
        return self.network(x_t, t, None, class_labels=scaled).sample


class DiffusersPlain(Adapted):
    """Its layer `mid` is the output of its middle block."""

    def __init__(self, network: nn.Module, canvas: int, embedding: int):
        super().__init__(network, canvas)
        self.embed = perceptron(embedding)

    def predict(self, x_t: Tensor, t: Tensor, scaled: Tensor) -> Tensor:
        return self.network(x_t, t, class_labels=self.embed(scaled)).sample

    def get_layer(self, name: str) -> Any:
        """Raises KeyError where `name` is not `mid`."""
        return {"mid": self.network.mid_block}[name]


class Azula(Adapted):
    def __init__(self, network: nn.Module, canvas: int, width: int, features: int):
        super().__init__(network, canvas)
        self.width = width
        self.embed_t = perceptron(features, width)
        self.embed_labels = perceptron(features)

    def predict(self, x_t: Tensor, t: Tensor, scaled: Tensor) -> Tensor:
        encoded = positional_encoding(t, self.width, base=10_000.0)
        return self.network(x_t, self.embed_t(encoded) + self.embed_labels(scaled))


class TorchCFM(Adapted):
    """Its network asserts one number a label, and looks it up: it is given the row, and looks up the row's label."""

    def __init__(self, network: nn.Module, canvas: int, embedding: int):
        super().__init__(network, canvas)
        network.label_emb = self.rows = LabelRows(perceptron(embedding))

    def predict(self, x_t: Tensor, t: Tensor, scaled: Tensor) -> Tensor:
        self.rows.labels = scaled
        try:
            return self.network(t, x_t, torch.arange(len(t), device=t.device))
        finally:
            self.rows.labels = None


class LabelRows(nn.Module):
    def __init__(self, embed: nn.Module):
        super().__init__()
        self.embed = embed
        self.labels: Tensor | None = None

    def forward(self, rows: Tensor) -> Tensor:
        assert self.labels is not None
        return self.embed(self.labels[rows])


class SmallDiffusion(Adapted):
    """Its network is told sigma_t / alpha_t, not t."""

    def __init__(self, network: nn.Module, canvas: int, sigmas: Tensor):
        super().__init__(network, canvas)
        self.register_buffer("sigmas", sigmas)

    def predict(self, x_t: Tensor, t: Tensor, scaled: Tensor) -> Tensor:
        return self.network(x_t, self.sigmas[t], cond=scaled)


def diffusers_conditional(canvas: int) -> Adapted:
    network = import_module("diffusers").UNet2DConditionModel(
        **diffusers_shape(canvas),
        mid_block_type="UNetMidBlock2D",
        class_embed_type="projection",
        projection_class_embeddings_input_dim=FACTORS,
    )
    return DiffusersConditional(network, canvas)


def diffusers_plain(canvas: int, widths: Widths = (32, 64, 64)) -> DiffusersPlain:
    network = import_module("diffusers").UNet2DModel(
        **diffusers_shape(canvas, widths), class_embed_type="identity", add_attention=False
    )
    return DiffusersPlain(network, canvas, embedding=4 * widths[0])


def diffusers_shape(canvas: int, widths: Widths = (32, 64, 64)) -> dict[str, Any]:
    return {
        "sample_size": canvas,
        "in_channels": 1,
        "out_channels": 1,
        "block_out_channels": widths,
        "layers_per_block": 2,
        "down_block_types": ("DownBlock2D",) * 3,
        "up_block_types": ("UpBlock2D",) * 3,
        "norm_num_groups": max(groups for groups in range(1, 9) if math.gcd(*widths) % groups == 0),
        "resnet_time_scale_shift": "scale_shift",
    }


def nearest_widths(parameters: int, canvas: int) -> Widths:
    """Widths (a, b, b) of a `diffusers_plain` of as many parameters, within `TOLERANCE`, b as near to 2a as may be.

    Multiples of 4, which convolutions on a CPU are quicker with, come before multiples of 2.

    Raises:
        ValueError: there is none.
    """

    def count(widths: Widths) -> int:
        with torch.device("meta"):
            return parameters_of(diffusers_plain(canvas, widths))

    guess = 32 * math.sqrt(parameters / count((32, 64, 64)))
    for multiple in (4, 2):
        found = [
            (abs(b / a - 2), off, (a, b, b))
            for a in range(multiple, math.ceil(1.5 * guess) + multiple, multiple)
            if a > 0.6 * guess
            for b in range(multiple * math.ceil(1.5 * a / multiple), math.floor(2.5 * a) + 1, multiple)
            if (off := abs(count((a, b, b)) / parameters - 1)) <= TOLERANCE
        ]
        if found:
            return min(found)[2]
    raise ValueError(f"`parameters` (={parameters}) must be those of some network, within {TOLERANCE:.0%}")


def parameters_of(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def azula(canvas: int) -> Adapted:
    network = import_module("azula.nn.unet").UNet(
        1,
        1,
        hid_channels=tuple(36 * times for times in MULTIPLIERS),
        hid_blocks=(2, 2, 2),
        mod_features=4 * 36,
        norm="group",
        groups=4,
    )
    return Azula(network, canvas, width=36, features=4 * 36)


def torchcfm(canvas: int) -> Adapted:
    network = import_module("torchcfm.models.unet.unet").UNetModel(
        image_size=canvas,
        in_channels=1,
        model_channels=32,
        out_channels=1,
        num_res_blocks=2,
        attention_resolutions=(),
        channel_mult=MULTIPLIERS,
        num_classes=1,
        use_scale_shift_norm=True,
    )
    return TorchCFM(network, canvas, embedding=4 * 32)


def smalldiffusion(canvas: int) -> Adapted:
    sigmas = import_module("smalldiffusion.diffusion").ScheduleDDPM(1000).sigmas
    return SmallDiffusion(smalldiffusion_network(canvas, "Unet"), canvas, sigmas)


def smalldiffusion_network(canvas: int, kind: str) -> nn.Module:
    """smalldiffusion's own network; `kind` Scaled: it scales its input by alpha_t, as the library's examples have it."""
    unet = import_module("smalldiffusion.model_unet").Unet
    if kind == "Scaled":
        unet = import_module("smalldiffusion.model").Scaled(unet)
    return unet(
        canvas,
        1,
        1,
        ch=32,
        ch_mult=MULTIPLIERS,
        attn_resolutions=(),
        dropout=0.0,
        cond_embed=perceptron(4 * 32),
    )


def denoising_diffusion_pytorch(canvas: int) -> Adapted:
    network = import_module("denoising_diffusion_pytorch.classifier_free_guidance").Unet(
        32, num_classes=1, cond_drop_prob=0.0, dim_mults=MULTIPLIERS, channels=1
    )
    network.classes_emb = nn.Linear(FACTORS, 32)
    network.null_classes_emb = None  # of dropped labels, of which there are none: no gradient would reach it
    return Adapted(network, canvas)


@dataclass(frozen=True)
class Peer:
    """A network of another library.

    Attributes:
        distribution: what pip installs.
        build: from the canvas' side, px, the network with fresh weights.
        width: channels of its first level.
        residual_layers: how many it has in all.
    """

    distribution: str
    build: Callable[[int], Adapted]
    width: int
    residual_layers: int


PEERS: dict[str, Peer] = {
    "diffusers UNet2DConditionModel": Peer("diffusers", diffusers_conditional, 32, 17),
    "diffusers UNet2DModel": Peer("diffusers", diffusers_plain, 32, 17),
    "azula": Peer("azula", azula, 36, 12),
    "smalldiffusion": Peer("smalldiffusion", smalldiffusion, 32, 17),
    "torchcfm": Peer("torchcfm", torchcfm, 32, 17),
    "denoising-diffusion-pytorch": Peer("denoising-diffusion-pytorch", denoising_diffusion_pytorch, 32, 15),
}
