"""A normalizing flow of noisy images given the label: affine couplings (Dinh et al. 2017, arXiv 1605.08803), by zuko."""

import math
from functools import partial
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from phasescope import Family, FamilyConfig, SamplingState
from studies.codes.kinds import PERIOD_PX, TURNS

SIDES_PX = (1, 1, 2, 2, 4, 4, 8, 8)  # of the squares of each coupling's checkerboard
CONV = partial(nn.Conv2d, kernel_size=3, padding=1, padding_mode="circular")


class NoisyLikelihood(FamilyConfig, Family):
    """Maximises the likelihood of y = (x_0 - 1) / s + n, n ~ N(0, I): a blank image's y is pure noise."""

    noise: float = Field(0.2, gt=0)
    """s; images lie in [-1, 1]"""

    def draw(self, x_0: Tensor, generator: torch.Generator) -> tuple[Tensor, ...]:
        return (torch.randn(x_0.shape, generator=generator, device=generator.device).to(x_0.device),)

    def inputs(self, x_0: Tensor, labels: Tensor, t: int | None, noise: Tensor) -> tuple[Tensor, ...]:
        return (x_0 - 1) / self.noise + noise, torch.zeros_like(labels[:, 0], dtype=torch.int64), labels

    def loss_at(self, network: Any, x_0: Tensor, labels: Tensor, *drawn: Tensor) -> Tensor:
        """Return the nats of each image above the noise floor, ln p(n) - ln p(y | label), (B,)."""
        z, log_det = network(*self.inputs(x_0, labels, None, drawn[0]))
        return (z.square() - drawn[0].flatten(1).square()).sum(1) / 2 - log_det

    def trajectory(self, network: Any, labels: Tensor, shape: Any, generator: torch.Generator):
        """Yield samples x_t and, as x_0, their posterior mean by the flow's score: y + grad ln p(y) (Tweedie's formula)."""
        with torch.inference_mode(False), torch.enable_grad():
            z = torch.randn(len(labels), math.prod(shape), generator=generator, device=generator.device)
            flow = network.flow(labels.clone())  # of a tensor made in inference mode there is no gradient
            y = flow.inv(z.to(labels.device)).detach().requires_grad_()
            z, log_det = flow.call_and_ladj(y)
            (score,) = torch.autograd.grad((log_det - z.square().sum(1) / 2).sum(), y)
        yield SamplingState(0, -1, *(1 + self.noise * at.detach().view(-1, *shape) for at in (y, y + score)))


class Couplings(nn.Module):
    """Affine couplings. Of each, a small convolutional network sees the pixels that are kept and a map of the label, in
    cells of 2 x 2 px, and gives shift and log scale of the others, both 0 before training. Without a label the map is the
    same for all images."""

    layer_names = ("map",)

    def __init__(self, shape: Any, factors: Any, width: int = 24):
        super().__init__()
        N, squares = shape[1], torch.arange(shape[1]) // torch.tensor(SIDES_PX)[:, None]
        parity = squares[:, :, None] + squares[:, None] + torch.arange(len(SIDES_PX))[:, None, None]
        self.register_buffer("kept", parity % 2 == 1)
        self.map = nn.Sequential(nn.Linear(2 * TURNS * len(factors), 64), nn.SiLU(), nn.Linear(64, N * N))
        self.bodies = nn.ModuleList()
        for _ in SIDES_PX:
            layers = CONV(8, width), nn.SiLU(), CONV(width, width), nn.SiLU(), CONV(width, 8, bias=False)
            nn.init.zeros_(layers[-1].weight)
            self.bodies.append(nn.Sequential(nn.PixelUnshuffle(2), *layers, nn.PixelShuffle(2)))

    def flow(self, labels: Tensor) -> Any:
        """Return the transform of y (B, pixels) to N(0, I)."""
        import zuko.transforms as zuko

        angles = labels[:, :, None] * torch.arange(1, TURNS + 1).to(labels) * (2 * math.pi / PERIOD_PX)
        harmonics = torch.cat((angles.sin(), angles.cos()), 1).flatten(1).nan_to_num()
        given = self.map(harmonics).unflatten(1, self.kept.shape[1:])

        def affine(i: int, y: Tensor) -> Any:
            shown = torch.zeros_like(given).masked_scatter(self.kept[i], y)
            shift, scale = self.bodies[i](torch.stack((shown, given), 1))[:, :, ~self.kept[i]].unbind(1)
            return zuko.DependentTransform(zuko.MonotonicAffineTransform(shift, scale), 1)

        layers = (zuko.CouplingTransform(partial(affine, i), at.flatten()) for i, at in enumerate(self.kept))
        return zuko.ComposedTransform(*layers)

    def forward(self, y: Tensor, t: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return self.flow(labels).call_and_ladj(y.flatten(1))
