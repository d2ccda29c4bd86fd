"""A beta-VAE of images: an encoder, a code with noise, a decoder, which may be given the label."""

import math
from typing import Any

import torch
from torch import nn

from phasescope import Family, FamilyConfig, SamplingState

TURNS = 8
"""harmonics of each label on a circle of `PERIOD_PX` that a conditional decoder is given"""
PERIOD_PX = 32.0


class BetaVAE(FamilyConfig, Family):
    """Minimises D / 2 + B KL, with D the squared error of an image and B = beta s_d², s_d the decoder's noise.

    B is constant, or rises from `first` in equal ratios over `anneal` steps, which the network counts, so that a resumed run
    goes on where it stood.
    """

    B: float = 0.1
    first: float = 0.0
    """B of the first step; 0: that of all steps"""
    anneal: int = 1
    code: int = 8

    def draw(self, x_0: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, ...]:
        return (
            torch.randn(len(x_0), self.code, generator=generator, device=generator.device).to(x_0.device),
        )

    def loss_at(
        self, network: Any, x_0: torch.Tensor, labels: torch.Tensor, *drawn: torch.Tensor
    ) -> torch.Tensor:
        mean, log_var = network.encode(x_0)
        image = network.decode(mean + (log_var / 2).exp() * drawn[0], labels)
        B = self.B
        if self.first and network.training:
            B = self.first * (self.B / self.first) ** min(1.0, float(network.steps) / self.anneal)
            network.steps += 1
        return (image - x_0).square().flatten(1).sum(1) / 2 + B * nats(mean, log_var).sum(1)

    def trajectory(self, network: Any, labels: torch.Tensor, shape: Any, generator: torch.Generator):
        noise = torch.randn(len(labels), self.code, generator=generator, device=generator.device)
        image = network.decode(noise.to(labels.device), labels).clamp(-1, 1)
        yield SamplingState(0, -1, image, image)

    def inputs(self, x_0: torch.Tensor, labels: torch.Tensor, condition: Any, noise: torch.Tensor):
        return x_0, torch.zeros(len(labels), dtype=torch.int64, device=labels.device), labels


def nats(mean: torch.Tensor, log_var: torch.Tensor) -> torch.Tensor:
    """Return the KL divergence of each unit of the code from N(0, 1), (B, code)."""
    return (mean.square() + log_var.exp() - 1 - log_var) / 2


class Autoencoder(nn.Module):
    """Two hidden layers on either side of the code; the decoder starts from a white image."""

    taps = ("encoder", "decoder")

    def __init__(self, shape: Any, factors: Any, code: int = 8, width: int = 256, conditional: bool = False):
        super().__init__()
        self.shape, self.conditional = shape, conditional
        pixels, given = math.prod(shape), 2 * TURNS * len(factors) * conditional
        hidden = (nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.encoder = nn.Sequential(nn.Linear(pixels, width), *hidden, nn.Linear(width, 2 * code))
        hidden = (nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.decoder = nn.Sequential(nn.Linear(code + given, width), *hidden, nn.Linear(width, pixels))
        self.register_buffer("steps", torch.zeros(()))

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return mean and log variance of the code, (B, code) each."""
        return self.encoder(1 - images.flatten(1)).chunk(2, dim=1)

    def decode(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self.conditional:
            turns = torch.arange(1, TURNS + 1, device=z.device) * (2 * math.pi / PERIOD_PX)
            angles = (labels[:, :, None] * turns).flatten(1)
            z = torch.cat((z, angles.sin(), angles.cos()), dim=1)
        return 1 - self.decoder(z).unflatten(1, self.shape)

    def forward(self, images: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.decode(self.encode(images)[0], labels)
