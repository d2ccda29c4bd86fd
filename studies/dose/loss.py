"""A loss that raises or lowers the label variance of a layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from phasescope import LossConfig


class _Reached(Exception):
    """Ends a forward pass behind the layer that is read."""


class LabelVariance(LossConfig):
    """The family's loss, minus `dose` times the share of a layer's variance that the label explains.

    The share is estimated as `phasescope.measures.label_share` does, from half a batch of labels under two noise draws at
    one t, the first that the batch drew. At a single fixed t a pilot lost the sheet there alone, and kept it at others. In a
    twin (`permuted`) the second draw is of the next label: the same computation, which no label can satisfy.
    """

    dose: float = 0.0
    """above 0 raises the share, below 0 lowers it"""
    layer: str = "mid"
    permuted: bool = False

    def __call__(self, network: Any, family: Any, batch: Any) -> torch.Tensor:
        loss = super().__call__(network, family, batch)
        return loss - self.dose * self.share(network, family, batch)

    def share(self, network: Any, family: Any, batch: Any) -> torch.Tensor:
        """Return the label's share of variance, a number of at most 1 with its gradient."""
        n = len(batch.x_0) // 2
        times, noise = batch.drawn
        rows = torch.arange(n, device=noise.device)
        rows = torch.cat((rows, rows.roll(1) if self.permuted else rows))
        t = times[:1].expand(2 * n)
        x_t = family.noisy(batch.x_0[rows], t, noise[: 2 * n])
        return label_share(self.activations(network, x_t, t, batch.labels[rows]).unflatten(0, (2, n)))

    def activations(self, network: Any, *inputs: torch.Tensor) -> torch.Tensor:
        """Return what the layer gives, (B, features); the pass ends there."""
        reached: list[torch.Tensor] = []

        def keep(module: nn.Module, given: Any, output: torch.Tensor) -> None:
            reached.append(output)
            raise _Reached

        handle = network.tap(self.layer).register_forward_hook(keep)
        try:
            network(*inputs)
        except _Reached:
            pass
        finally:
            handle.remove()
        return reached[0].flatten(1)


def label_share(z: torch.Tensor) -> torch.Tensor:
    """Return the share of variance between labels, of latents (draws, n, features); see the measure of this name."""
    draws, n, _ = z.shape
    means = z.mean(0)
    between = draws * (means - means.mean(0)).square().sum() / (n - 1)
    within = (z - means).square().sum() / (n * (draws - 1))
    of_label = (between - within) / draws
    return of_label / (of_label + within)
