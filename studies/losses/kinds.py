"""Losses that ask for structure: independent factors, latents as far apart as their labels, or merely far apart."""

from typing import Any, Literal

import torch

from phasescope import LossConfig


def by_one(labels: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return labels (B, 2) of which x alone is left, y alone, and none."""
    none = torch.full_like(labels, torch.nan)
    x, y = (torch.where(torch.arange(2) == k, labels, none) for k in (0, 1))
    return x, y, none


def summed(network: Any, x_t: torch.Tensor, t: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the sum f(x) + f(y) - f(none) of a network's answers: for two stripes on a torus what the exact f(x, y) is."""
    answers = network(x_t.repeat(3, 1, 1, 1), t.repeat(3), torch.cat(by_one(labels)))
    x, y, none = answers.chunk(3)
    return x + y - none


class Independence(LossConfig):
    """The family's loss, plus `dose` times |f(x, y) - f(x) - f(y) + f(none)|² per pixel (CoInD: Gaudi et al. 2025, arXiv
    2503.01145), over the first `most` labels of a batch of which no factor was left out.

    In a twin (`permuted`) f(x) and f(y) are those of the next label: the same computation, which no label can satisfy.
    """

    dose: float = 0.0
    permuted: bool = False
    most: int = 6

    def __call__(self, network: Any, family: Any, batch: Any) -> torch.Tensor:
        whole = (~batch.labels.isnan().any(1)).nonzero()[: self.most, 0]
        x_0, labels, t, noise = (part[whole] for part in (batch.x_0, batch.labels, *batch.drawn))
        x_t, single = family.noisy(x_0, t, noise), labels.roll(1, 0) if self.permuted else labels
        off = network(x_t, t, labels) - summed(network, x_t, t, single)
        return super().__call__(network, family, batch) + self.dose * off.square().sum() / max(off.numel(), 1)


class Spacing(LossConfig):
    """The family's loss, plus `dose` times a loss of the distances d between the latents z of a batch.

    `order`: the mean of (d - l)², with l the distances of labels, each over its mean; in a twin (`permuted`) l is that of
    other labels. `apart`: log mean exp(-2 d² / mean |z|²) (dispersive: Wang & He 2025, arXiv 2506.09027).
    """

    dose: float = 0.0
    aim: Literal["order", "apart"] = "order"
    permuted: bool = False
    layer: str = "mid"

    def __call__(self, network: Any, family: Any, batch: Any) -> torch.Tensor:
        latents: list[torch.Tensor] = []
        layer = network.tap(self.layer)
        hook = layer.register_forward_hook(lambda layer, given, output: latents.append(output))
        try:
            loss = super().__call__(network, family, batch)
        finally:
            hook.remove()
        z, labels = latents[0].flatten(1), batch.labels.roll(1, 0) if self.permuted else batch.labels
        d, wanted = torch.pdist(z), torch.pdist(labels)
        if self.aim == "apart":
            return loss + self.dose * (-2 * d.square() / z.square().sum(1).mean()).exp().mean().log()
        return loss + self.dose * (d / d.mean() - wanted / wanted.mean()).square().mean()
