"""The training steps that are compared: the same work for all.

A step: a batch of images and labels that are already where the network is, t and noise drawn, forward, squared error of
the noise, backward, AdamW in its fused form. No clipping, no averaged weights, no label dropped.

A peer's step is as its user would write it, at its best. phasescope's is its own training loop: it renders the batch from
the labels, and averages weights even where the decay is 0: a copy, which is then part of what is timed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.peers import FACTORS, PEERS, TOLERANCE, parameters_of
from benchmarks.worker import Built
from phasescope.core.factors import Factors
from phasescope.models.families.diffusion.config import DiffusionConfig
from phasescope.models.training.loop import fresh_learner, learn
from phasescope.runs.config import RunConfig, load_config
from phasescope.worlds.bump.world import GaussianBump

LEARNING_RATE = 1e-3
ENDLESS = 10**9
"""steps of a training that is stopped from outside"""
LIKE_A_PEER = ("training.ema=0", "training.clip=null", "training.optimiser.kind=adamw")
"""what phasescope leaves out where its step is held against a peer's"""


@dataclass(frozen=True)
class Brought:
    """A peer's network, where phasescope's training expects the configuration of one."""

    peer: str
    canvas: int

    def build(self, shape: tuple[int, ...], factors: Factors) -> nn.Module:
        return PEERS[self.peer].build(self.canvas)


def peer_step(peer: str, precision: str, channels_last: bool, batch: int, canvas: int, device: str) -> Built:
    """The training step of a peer, as its user writes it.

    Args:
        peer: a name in `peers.PEERS`.
        precision: float32, or bfloat16 by autocast.
        channels_last: memory layout of kernels and images.

    Raises:
        ImportError: the peer is not installed.
    """
    network = PEERS[peer].build(canvas)
    facts = {**facts_of(network, batch, canvas), "precision": precision, "channels_last": channels_last}
    layout = torch.channels_last if channels_last else torch.contiguous_format
    network = network.to(device).to(memory_format=layout)  # pyrefly: ignore[no-matching-overload]
    world = GaussianBump(canvas=canvas)
    all_labels = torch.from_numpy(world.training_labels()).to(device)
    images = world.render(all_labels).contiguous(memory_format=layout)
    schedule = DiffusionConfig().schedule.build()
    alpha, sigma = schedule.alpha.float().to(device), schedule.sigma.float().to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, fused=True)

    def step() -> None:
        rows = torch.randint(len(images), (batch,), device=device)
        x_0, labels = images[rows], all_labels[rows]
        t = torch.randint(len(alpha), (batch,), device=device)
        noise = torch.randn_like(x_0)
        x_t = alpha[t].view(-1, 1, 1, 1) * x_0 + sigma[t].view(-1, 1, 1, 1) * noise
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=precision == "bfloat16"):
            prediction = network(x_t, t, labels)
        F.mse_loss(prediction.float(), noise).backward()
        optimiser.step()
        optimiser.zero_grad()

    def advance(steps: int) -> None:
        for _ in range(steps):
            step()

    return Built(advance, facts)


def phasescope_step(words: Sequence[str], device: str, peer: str | None = None) -> Built:
    """phasescope's training step.

    Args:
        words: the run, as on the command line; on `device`, and without end.
        peer: whose network is trained instead of the run's.

    Raises:
        ImportError: the peer is not installed.
        UserError: the words describe no run.
    """
    config = endless(words, device)
    canvas, training = config.world.canvas, config.training
    network: Any = config.network if peer is None else Brought(peer, canvas)
    learner = fresh_learner(network, config.world.shape, config.world.factors, training, config.seed)
    facts = facts_of(learner.network, training.batch, canvas)
    losses = learn(learner, config.family.build(), config.world, config.seed)

    def advance(steps: int) -> None:
        for _ in range(steps):
            next(losses)

    return Built(advance, {**facts, "precision": training.precision})


def endless(words: Sequence[str], device: str) -> RunConfig:
    """The run that `words` describe, on `device`, with no end of its own.

    Raises:
        UserError: the words describe no run.
    """
    return load_config(overrides=[*words, f"training.steps={ENDLESS}", f"training.device={device}"])


def facts_of(network: nn.Module, batch: int, canvas: int) -> dict[str, Any]:
    """Batch, canvas, parameters, and operations an image."""
    return {"batch": batch, "canvas": canvas, **size_of(network, canvas)}


def size_of(network: nn.Module, canvas: int) -> dict[str, Any]:
    """`parameters`, and the operations of convolutions and matrix products an image, forward and in a whole step, MFLOP.

    A multiplication and an addition are two operations. They are counted as they are called (torch.utils.flop_counter).
    """
    from torch.utils.flop_counter import FlopCounterMode

    device = next(network.parameters()).device
    x_t = torch.zeros(2, 1, canvas, canvas, device=device)
    t, labels = torch.zeros(2, dtype=torch.int64, device=device), torch.zeros(2, FACTORS, device=device)
    with FlopCounterMode(display=False) as forward:
        loss = network(x_t, t, labels).sum()
    with FlopCounterMode(display=False) as backward:
        torch.autograd.grad(loss, [p for p in network.parameters() if p.requires_grad], allow_unused=True)
    counted = forward.get_total_flops(), backward.get_total_flops()
    return {
        "parameters": parameters_of(network),
        "forward_mflop": counted[0] / len(x_t) / 1e6,
        "step_mflop": sum(counted) / len(x_t) / 1e6,
    }


def unet_words(shape: dict[str, Any], precision: str, batch: int, canvas: int) -> list[str]:
    """A run with a U-Net of `shape`, as the words of a command line."""
    return [
        *(f"network.{field}={value}" for field, value in shape.items()),
        f"training.precision={precision}",
        f"training.batch={batch}",
        f"world.canvas={canvas}",
        "probing.layers=[mid]",
        "probing.p1=null",
        *LIKE_A_PEER,
    ]


EQUAL_PARAMETERS: dict[str, Any] = {
    "widths": [44, 88, 88],
    "layers": 2,
    "groups": 4,
    "embedding.hidden": 128,
    "embedding.modulation": "scale_shift",
}
"""phasescope's U-Net with the peers' multipliers and two residual layers a level, within 5 % of every peer's parameters"""


def shape_like(peer: str, canvas: int = 32) -> dict[str, Any]:
    """phasescope's U-Net nearest to a peer's: as many residual layers as divide evenly over its six blocks, and the width
    nearest to the peer's at which a forward pass takes as many operations, within `TOLERANCE`.

    phasescope halves and doubles the canvas without convolutions, and joins a skip once a level: at equal width it does
    less.

    Raises:
        ImportError: the peer is not installed.
        ValueError: no width does.
    """
    found = PEERS[peer]
    wanted = size_of(found.build(canvas), canvas)["forward_mflop"]
    for width in sorted(range(4, 2 * found.width, 2), key=lambda width: abs(width - found.width)):
        shape = {
            **EQUAL_PARAMETERS,
            "widths": [width, 2 * width, 2 * width],
            "layers": max(1, round(found.residual_layers / 6)),
            "groups": next(groups for groups in (8, 4, 2) if width % groups == 0),
        }
        if abs(size_of_unet(shape, canvas)["forward_mflop"] / wanted - 1) <= TOLERANCE:
            return shape
    raise ValueError(
        f"`peer` (={peer}) must be within {TOLERANCE:.0%} of the operations of some width of U-Net"
    )


def size_of_unet(shape: dict[str, Any], canvas: int) -> dict[str, Any]:
    """`size_of` phasescope's U-Net of `shape`."""
    config = load_config(overrides=unet_words(shape, "float32", 1, canvas)).network
    return size_of(config.build((1, canvas, canvas), Factors.unknown(FACTORS)), canvas)
