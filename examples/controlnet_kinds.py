"""ControlNet (Zhang, Rao & Agrawala 2023, arXiv 2302.05543) in a bottle: an image as the condition of a frozen U-Net.

A run that was trained without labels is frozen. A trainable copy of its encoder receives the condition, and is joined to the
frozen decoder through 1x1 convolutions that begin at zero, so that at first the answer is the frozen network's:

    h_i + Z_i(c_i),    c = encoder'(x_t + Z_0(features of the outline)),    Z_i = scale * (a usual initial convolution)

The condition is the outline of the object, drawn from the label by the frozen run's world, so that no world changes:

    phasescope train preset=fast training.label_dropout=1 name=frozen
    phasescope train preset=fast network.kind=controlnet_kinds.py:ControlNet \\
        network.file=runs/frozen-1a2b3c4d/snapshots/000400/weights.safetensors probing.meter.every=100
"""

from __future__ import annotations

import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from phasescope import NetworkConfig, RunConfig, UserError, World, open_run
from phasescope.models.networks import UNetConfig
from phasescope.runs.trained.load import config_of, load_network


class ControlNet(NetworkConfig):
    """A frozen run's U-Net with a trainable copy of its encoder, which receives the outline of the label's object."""

    file: str
    """weights of the frozen run: RUN/snapshots/STEP/weights.safetensors; their SHA-256 is recorded as a source's"""
    scale: float = Field(0.0, ge=0, le=1)
    """initial weights of the joining convolutions, as a multiple of usual ones; 0 as in the paper"""
    hint_width: int = Field(16, ge=1, le=1024)
    """channels of the convolutions that read the outline"""

    @cached_property
    def frozen_run(self) -> RunConfig:
        """The configuration of the frozen run; ValueError if there is none."""
        path = Path(self.file).resolve()
        if path.name != "weights.safetensors" or not path.parent.name.isdigit() or not path.is_file():
            raise ValueError(
                f"`network.file` (={self.file}) must be the weights of a run's snapshot that is there: "
                "RUN/snapshots/STEP/weights.safetensors"
            )
        return config_of(open_run(path.parents[2]))

    @property
    def layer_names(self) -> tuple[str, ...] | None:
        return self.frozen_run.network.layer_names

    @property
    def usual_layers(self) -> tuple[str, ...]:
        return self.frozen_run.network.usual_layers

    def check(self, shape: tuple[int, ...], factors: Any) -> None:
        frozen = self.frozen_run
        if not isinstance(frozen.network, UNetConfig):
            raise ValueError(
                f"`network.file` (={self.file}) must be of a run whose `network.kind` is unet, not {frozen.network.kind}"
            )
        if not np.all(frozen.training.always_withheld):
            raise ValueError(
                f"`network.file` (={self.file}) must be of a run without labels: train it with training.label_dropout=1"
            )
        if frozen.world.shape != tuple(shape):
            raise ValueError(
                f"`network.file` (={self.file}) must be of images of {tuple(shape)}, and is of {frozen.world.shape}"
            )
        if tuple(frozen.world.factors) != tuple(factors):
            raise ValueError(
                f"`network.file` (={self.file}) must be of a world with the factors {ranges_of(factors)}, and has "
                f"{ranges_of(frozen.world.factors)}"
            )

    def build(self, shape: tuple[int, ...], factors: Any) -> Controlled:
        self.check(shape, factors)
        path = Path(self.file).resolve()
        run = open_run(path.parents[2])
        network = load_network(run, run.snapshot(int(path.parent.name))).network
        return Controlled(network, self.frozen_run.world, self.scale, self.hint_width)


def ranges_of(factors: Any) -> str:
    """Return factors with their ranges, as errors name them."""
    names = []
    for factor in factors:
        periodic = " (periodic)" if factor.periodic else ""
        names.append(f"{factor.name} {factor.low:g} to {factor.high:g}{periodic}")
    return ", ".join(names)


def freeze(network: nn.Module) -> nn.Module:
    """Turn all parameters into buffers, which no optimiser, clipping or averaging of weights touches."""
    for module in network.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, parameter.detach().clone())
    return network


def joining(c_in: int, c_out: int, scale: float) -> nn.Conv2d:
    """Return a 1x1 convolution whose weights are `scale` times usual ones; the same draws for each scale."""
    convolution = nn.Conv2d(c_in, c_out, kernel_size=1)
    with torch.no_grad():
        convolution.weight.mul_(scale)
        convolution.bias.zero_()
    return convolution


def outline(world: World, labels: Float[Tensor, "B K"]) -> Float[Tensor, "B C H W"]:
    """Return the outlines of the objects at `labels`: how steep their images are, at most 1; blank where a label is NaN."""
    images = world.render(labels.nan_to_num())
    padded = nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    along_x = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    along_y = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]

    steepness = (along_x.square() + along_y.square()).sqrt()
    most = steepness.flatten(1).amax(dim=1).clamp(min=1e-6)[:, None, None, None]
    given = ~labels.isnan().any(dim=1)[:, None, None, None]
    return torch.where(given, steepness / most, 0.0)


class Controlled(nn.Module):
    """``network(x_t, t, labels)``: a frozen U-Net that never sees a label, and the ControlNet beside it."""

    def __init__(self, unet: nn.Module, world: World, scale: float, hint_width: int):
        super().__init__()
        self.world = world
        self.control = copy.deepcopy(unet).train()
        # The copy is of the encoder alone.
        self.control.ups, self.control.gain = nn.ModuleDict(), None
        self.control.norm = self.control.leave = nn.Identity()
        self.frozen = freeze(unet)

        config, channels = unet.config, world.shape[0]
        self.hint = nn.Sequential(
            nn.Conv2d(channels * config.patch**2, hint_width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(hint_width, hint_width, 3, padding=1),
            nn.SiLU(),
            joining(hint_width, config.widths[0], scale),
        )
        mid = config.mid_width or config.widths[-1]
        self.joins = nn.ModuleList(joining(width, width, scale) for width in (*config.widths[:-1], mid))

    def get_layer(self, name: str) -> nn.Module:
        """Return a block of the trainable encoder, or of the frozen decoder."""
        if name not in self.frozen.config.layer_names:
            raise UserError(f"`layer` (={name}) must be one of {', '.join(self.frozen.config.layer_names)}")
        return (self.frozen if name.startswith("up") else self.control).get_layer(name)

    def forward(
        self, x_t: Float[Tensor, "B C H W"], t: Int[Tensor, " B"], labels: Float[Tensor, "B K"]
    ) -> Float[Tensor, "B C H W"]:
        unlabelled = torch.full_like(labels, torch.nan)
        drawn = outline(self.world, labels).to(x_t.dtype)
        hint = self.hint(nn.functional.pixel_unshuffle(drawn, self.frozen.config.patch))

        e = self.control.embedding(x_t, t, unlabelled)
        below, above = self.control.encode(x_t, e, hint)

        e = self.frozen.embedding(x_t, t, unlabelled)
        h, skips = self.frozen.encode(x_t, e)
        *to_skips, to_mid = self.joins
        skips = [skip + join(c) for skip, join, c in zip(skips, to_skips, above, strict=True)]
        return self.frozen.decode(h + to_mid(below), skips, e, x_t)
