"""How much a network uses its condition, by band of noise: the same noisy images with their own label and with another's.

With fixed pairs (x_0, c) that are not trained on, fixed noise and noise levels, and c' the label of another pair:

    advantage    E [ |f(x_t, t, c') - eps|^2 - |f(x_t, t, c) - eps|^2 ]          0 in each draw if the label is ignored
    use          E <f(c) - f(c'), f*(c) - f*(c')> / E |f*(c) - f*(c')|^2         of the exact contrast; 0: none, 1: all

The exact answer is f*(x_t, t, c) = (x_t - alpha image(c)) / sigma. At low noise the image tells the place by itself; the
*deciding* band is the one in which most of the error can be removed by the label alone: the error of the posterior mean over
all training images, less that of the exact answer, which is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from phasescope import RunConfig
from phasescope.studies import numpy_generator, torch_generator

BANDS, DRAWS, PAIRS, BATCH = 8, 192, 256, 64


@dataclass(frozen=True)
class Band:
    """One reading of one band of log SNR; errors are summed over pixels."""

    log_snr: float
    """its middle"""
    loss: float
    advantage: float
    se: float
    """standard error of the advantage over draws"""
    use: float
    removable: float
    """error that only the label can remove"""


@dataclass(frozen=True, eq=False)
class Draws:
    """The fixed inputs of one band and their exact answers; `own` and `other` are labels (n, 2)."""

    log_snr: float
    t: Tensor
    x_t: Tensor
    noise: Tensor
    own: Tensor
    other: Tensor
    exact: Tensor
    exact_other: Tensor
    removable: float


@dataclass(frozen=True, eq=False)
class Meter:
    """Fixed draws of all bands, the same at every reading of a run."""

    bands: list[Draws]

    @classmethod
    def from_config(cls, config: RunConfig) -> Meter:
        """Return the meter of a run, from its seed."""
        schedule, world = config.family.build().schedule, config.world
        labels = world.splits()["off_grid"](PAIRS, numpy_generator(config.seed, "entry pairs"))
        return cls.from_world(
            render=world.render,
            labels=torch.from_numpy(labels),
            training=torch.from_numpy(world.training_labels()),
            alpha=schedule.alpha.float(),
            sigma=schedule.sigma.float(),
            generator=torch_generator(config.seed, "entry draws"),
        )

    @classmethod
    def from_world(
        cls,
        render: Callable[[Tensor], Tensor],
        labels: Tensor,
        training: Tensor,
        alpha: Tensor,
        sigma: Tensor,
        generator: torch.Generator,
    ) -> Meter:
        """Return a meter with draws from `generator`.

        Args:
            render: from labels (n, 2) to images (n, 1, N, N) in [-1, 1].
            labels: of the pairs, (n, 2).
            training: labels of the training set, (M, 2), whose images the posterior mean averages.
            alpha, sigma: of the schedule, (T,).
        """
        images, known = render(labels), render(training).flatten(1)
        log_snr = 2 * torch.log(alpha / sigma)
        edges = torch.linspace(float(log_snr.min()), float(log_snr.max()), BANDS + 1)
        bands = []
        for number, (low, high) in enumerate(pairwise(edges.tolist())):
            above = log_snr > low if number else log_snr >= low
            inside = (above & (log_snr <= high)).nonzero().flatten()
            t = inside[torch.randint(len(inside), (DRAWS,), generator=generator)]
            own = torch.randint(len(labels), (DRAWS,), generator=generator)

            # Another pair's label, never the own one: a shift by 1 to n - 1.
            shift = torch.randint(1, len(labels), (DRAWS,), generator=generator)
            other = (own + shift) % len(labels)

            noise = torch.randn(images[own].shape, generator=generator)
            a, s = alpha[t].view(-1, 1, 1, 1), sigma[t].view(-1, 1, 1, 1)
            x_t = a * images[own] + s * noise

            # Of images that the posterior knows: of any other, the nearest known one is an error that no label removes.
            x_0 = known[torch.randint(len(known), (DRAWS,), generator=generator)].view_as(noise)
            blind = posterior_mean(a * x_0 + s * noise, known, a, s)
            bands.append(
                Draws(
                    log_snr=(low + high) / 2,
                    t=t,
                    x_t=x_t,
                    noise=noise,
                    own=labels[own],
                    other=labels[other],
                    exact=noise,
                    exact_other=(x_t - a * images[other]) / s,
                    removable=float(((a / s) * (blind - x_0)).square().flatten(1).sum(1).mean()),
                )
            )
        return cls(bands)

    @property
    def deciding(self) -> int:
        """Number of the band with most of the error that only the label can remove."""
        return max(range(len(self.bands)), key=lambda number: self.bands[number].removable)

    def read(self, network: Callable[[Tensor, Tensor, Tensor], Tensor]) -> list[Band]:
        """Return a reading of each band of a network that predicts the noise."""
        return [read_band(network, draws) for draws in self.bands]


def read_band(network: Callable[[Tensor, Tensor, Tensor], Tensor], draws: Draws) -> Band:
    """Return the reading of one band."""
    with torch.no_grad():
        right, wrong = in_batches(network, draws, draws.own), in_batches(network, draws, draws.other)

    error = (right - draws.noise).square().flatten(1).sum(1)
    difference = (wrong - draws.noise).square().flatten(1).sum(1) - error
    contrast = draws.exact - draws.exact_other
    return Band(
        log_snr=draws.log_snr,
        loss=float(error.mean()),
        advantage=float(difference.mean()),
        se=float(difference.std() / math.sqrt(len(difference))),
        use=float(((right - wrong) * contrast).sum() / contrast.square().sum()),
        removable=draws.removable,
    )


def in_batches(network: Callable[[Tensor, Tensor, Tensor], Tensor], draws: Draws, labels: Tensor) -> Tensor:
    """Return the network's answers to a band's noisy images and some labels."""
    parts = zip(draws.x_t.split(BATCH), draws.t.split(BATCH), labels.split(BATCH), strict=True)
    return torch.cat([network(*part) for part in parts])


def posterior_mean(x_t: Tensor, images: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
    """Return E[x_0 | x_t] over equally likely images (M, pixels), without the label."""
    a, s, x, known = (
        alpha.flatten(1).double(),
        sigma.flatten(1).double(),
        x_t.flatten(1).double(),
        images.double(),
    )
    log_weights = (a * (x @ known.T) - a.square() * known.square().sum(1) / 2) / s.square()
    return (log_weights.softmax(1) @ known).view_as(x_t).to(x_t.dtype)
