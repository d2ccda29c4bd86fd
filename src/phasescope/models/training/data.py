"""Batches: labels in an order that depends on (seed, epoch) alone, their images, and all that is random in a step.

An epoch is one pass over all M labels in a fresh permutation; a batch may straddle two epochs. Only labels are held:
images are rendered from them, batch by batch, on the device; or on the CPU, if the world's images lie there.
"""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from phasescope.core.randomness import Streams, torch_generator
from phasescope.models.families.base import Family
from phasescope.models.training.base import Batch
from phasescope.models.training.config import TrainingConfig
from phasescope.worlds.base import World


class LabelStream:
    """The labels of every step's batch, (B, K), on the labels' device."""

    def __init__(self, labels: Float[Tensor, "M K"], batch: int, seed: int):
        self.labels, self.batch, self.seed = labels, batch, seed
        self._permutation = lru_cache(maxsize=2)(self._permutation)

    def _permutation(self, epoch: int) -> Tensor:
        generator = torch_generator(self.seed, "epoch", epoch)
        on_gpu = self.labels.is_cuda  # from pinned memory the copy waits for nothing
        order = torch.randperm(len(self.labels), generator=generator, pin_memory=on_gpu)
        return order.to(self.labels.device, non_blocking=on_gpu)

    def at(self, step: int) -> Float[Tensor, "B K"]:
        """Return the batch of `step` (0-based)."""
        size = len(self.labels)
        start, stop = step * self.batch, (step + 1) * self.batch
        parts = []
        # Every step finds its place by arithmetic, so a resumed run need not replay the steps before.
        for epoch in range(start // size, (stop - 1) // size + 1):
            low = max(start - epoch * size, 0)
            parts.append(self._permutation(epoch)[low : stop - epoch * size])
        return self.labels[torch.cat(parts) if len(parts) > 1 else parts[0]]


class Batches:
    """The batch of every step, which depends only on (seed, purpose, step).

    Args:
        seed: of all streams, or one for each.
    """

    def __init__(
        self, world: World, family: Family, config: TrainingConfig, seed: int | Streams, device: torch.device
    ):
        self.world, self.family, self.config, self.device = world, family, config, device
        self.seeds = seed if isinstance(seed, Streams) else Streams.from_seed(seed)
        labels = torch.from_numpy(world.training_labels()).to("cpu" if world.on_cpu else device)
        self._stream = LabelStream(labels, config.batch, self.seeds.data)
        hidden = world.factors.hidden
        shown = [k for k, factor in enumerate(world.factors) if not factor.hidden]
        # On the device once, as the shares below: copied there at each step, they would make it wait for a GPU.
        self._shown = torch.tensor(shown, device=device) if hidden else None
        dropout = config.label_dropout
        shares = dropout if isinstance(dropout, tuple) else (dropout,)
        self._withheld_shares = (
            torch.tensor(shares, dtype=torch.float32, device=device) if any(shares) else None
        )

    def at(self, step: int) -> Batch:
        """Return the batch of `step` (0-based)."""
        labels = self._stream.at(step)
        # A user's own world may change what it is given.
        x_0 = _copied(self.world.render(labels.clone()), self.device)
        labels = _copied(labels, self.device)
        if self._shown is not None:
            labels = labels.index_select(1, self._shown)
        # On the device itself: noise that is drawn on the CPU would have to be copied to a GPU at each step.
        generator = torch_generator(self.seeds.noise, "noise", step, str(self.device))
        return Batch(x_0, self._withheld(labels, generator), self.family.draw(x_0, generator))

    def _withheld(self, labels: Float[Tensor, "B K"], generator: torch.Generator) -> Float[Tensor, "B K"]:
        """Return the labels, some of them NaN: whole labels, or each factor by itself."""
        shares = self._withheld_shares
        if shares is None:
            return labels
        drawn = torch.rand(len(labels), len(shares), device=self.device, generator=generator)
        return labels.masked_fill(drawn < shares, torch.nan)


def _copied(x: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on `device`; a GPU copies it, from pinned memory, when it comes to it, and nothing waits."""
    if x.is_cuda or device.type != "cuda":
        return x
    return x.pin_memory().to(device, non_blocking=True)
