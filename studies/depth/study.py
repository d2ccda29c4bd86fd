"""What does depth do, beside attention and the source of absolute position, at an equal number of parameters?

U-Nets of one to four halvings with zero padding, which tells a network where it is. Depths 1 and 3 also with self-attention
after every block, and with circular padding, which does not tell: these are dearer, and are asked less. Widths are such that
each network has 262,000 to 306,000 parameters. Everything else is preset `lean`, so the third depth without attention, with
zero padding, is `lean` but for its groups of 4 channels.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

import phasescope.studies as ps
from phasescope.studies.readings.phases import CORRECT, PHASE, ends_in_b, length_of_b, phases_abc

WIDTHS = {False: {1: 48, 2: 40, 3: 32, 4: 28}, True: {1: 44, 3: 28}}
"""channels by attention and depth"""
PLAN = {
    "images": {"grid": 64, "off_grid": 0},
    "snapshots": {"dense_every": 50, "dense_until": 2500, "every": 50},
}


def cell(depth: int, attention: bool = False, padding: str = "zeros") -> ps.Cell:
    levels = range(1, depth + 1)
    blocks = ["stem", *(f"down{level}" for level in levels), "mid", *(f"up{level}" for level in levels)]
    network = {
        "widths": [WIDTHS[attention][depth]] * (depth + 1),
        "groups": 4,
        "attention": blocks if attention else [],
        "padding": padding,
    }
    name = f"depth {depth}, {padding}{', attention' if attention else ''}"
    axes = {"depth": depth, "attention": attention, "padding": padding, "bottleneck_px": 2 * 2**depth}
    seeds = 6 if attention or padding == "circular" else 8
    return ps.Cell(name, {"seed": 3000, "network": network, "probing": PLAN}, axes, seeds=seeds)


CELLS = [
    *(cell(depth) for depth in (1, 2, 3, 4)),
    *(cell(depth, attention=True) for depth in (1, 3)),
    *(cell(depth, padding="circular") for depth in (1, 3)),
]
ZEROS, CIRCULAR = {"padding": "zeros"}, {"padding": "circular"}
BOTH = {"depth": (1, 3)}
LIMITS = (
    "Preset `lean` but for the network, at one learning rate. 64 samples at each snapshot, every 50 steps."
)
ACCURACY = CORRECT.crosses(0.5)


def read_reach(run) -> list[dict]:
    """Return the reach of a network's predictions at t = 600, at the end."""
    loaded = ps.load_network(run, run.snapshots[-1])
    world, family = loaded.config.world, loaded.config.family.build()
    labels = torch.from_numpy(world.splits()["grid"](64, np.random.default_rng(0)))
    images, t = world.render(labels), torch.full((len(labels),), 600)
    noise = torch.randn(images.shape, generator=ps.torch_generator(0, "reach"), dtype=images.dtype)
    x_t = family.noisy(images, t, noise).float()
    return [
        {"step": run.snapshots[-1].step, "px": reach(lambda x: loaded.network(x, t, labels.float()), x_t)}
    ]


def reach(network: Callable, x_t: torch.Tensor) -> float:
    """Return the mean distance, px along the farther axis, of what the middle pixel's prediction depends on: weighted by the
    squared gradient, without the pixel itself, which an input skip copies."""
    x_t, middle = x_t.requires_grad_(), x_t.shape[-1] // 2
    weight = torch.autograd.grad(network(x_t)[..., middle, middle].sum(), x_t)[0].square().sum((0, 1))
    weight[middle, middle] = 0
    away = (torch.arange(x_t.shape[-1]) - middle).abs()
    return float((weight * torch.maximum(away[:, None], away)).sum() / weight.sum())


# Asked: phases of `lean`, attention in `ingredients` and the bound of `cap` had been looked at; nothing had on depth.
STUDY = ps.Study(
    name="depth",
    question="What does depth do, beside attention and the source of absolute position, at an equal number of parameters?",
    base="lean",
    answers="Q2",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="deeper_earlier",
    claims=[
        ps.Claim(
            name="deeper_earlier",
            asked=ps.Asked.BEFORE,
            sentence="Of networks with zero padding, deeper ones place samples correctly earlier.",
            statistic=ps.Rank(by="depth", within="attention"),
            numbers=ACCURACY,
            threshold=0.3,
            effect=(0.4, 0.5),
            where=ZEROS,
            over=("cell", "networks"),
            caveats=(
                LIMITS,
                "Deeper networks are narrower.",
            ),
        ),
        ps.Claim(
            name="abc_depth_1",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="With zero padding, samples of networks of depth 1 pass A, B and C.",
            statistic=ps.Share(),
            numbers=phases_abc(PHASE, CORRECT),
            threshold=0.5,
            effect=0.48,
            limits=LIMITS,
            where={**ZEROS, "attention": False, "depth": 1},
        ),
        ps.Claim(
            name="abc_depth_2",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="With zero padding, samples of networks of depth 2 pass A, B and C.",
            statistic=ps.Share(),
            numbers=phases_abc(PHASE, CORRECT),
            threshold=0.5,
            effect=0.48,
            limits=LIMITS,
            where={**ZEROS, "attention": False, "depth": 2},
        ),
        ps.Claim(
            name="abc_depth_3",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="With zero padding, samples of networks of depth 3 pass A, B and C.",
            statistic=ps.Share(),
            numbers=phases_abc(PHASE, CORRECT),
            threshold=0.5,
            effect=0.48,
            limits=LIMITS,
            where={**ZEROS, "attention": False, "depth": 3},
        ),
        ps.Claim(
            name="abc_depth_4",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="With zero padding, samples of networks of depth 4 pass A, B and C.",
            statistic=ps.Share(),
            numbers=phases_abc(PHASE, CORRECT),
            threshold=0.5,
            effect=0.48,
            limits=LIMITS,
            where={**ZEROS, "attention": False, "depth": 4},
        ),
        ps.Claim(
            name="attention_earlier",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="With zero padding, attention after every block brings accuracy earlier by more than a fifth of the steps.",
            statistic=ps.OnsetRatio(by="attention", first=True, second=False),
            numbers=ACCURACY,
            threshold=0.8,
            direction="below",
            effect=(0.2, 0.23),
            spread=0.2,
            where={**ZEROS, **BOTH},
            caveats=(
                LIMITS,
                "Depths 1 and 3. Networks with attention are narrower.",
            ),
        ),
        ps.Claim(
            name="deeper_longer_b",
            asked=ps.Asked.BEFORE,
            sentence="Of networks with zero padding, the deeper, the larger the part of the way to phase C that is phase B.",
            statistic=ps.Rank(by="depth", within="attention"),
            numbers=partial(length_of_b, relative=True),
            threshold=0.0,
            effect=0.45,
            where=ZEROS,
            over=("cell", "networks"),
            caveats=(
                LIMITS,
                "A run that has not reached C is censored.",
            ),
        ),
        ps.Claim(
            name="circular_ends_in_b",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="With circular padding samples reach phase B and never C.",
            statistic=ps.Share(),
            numbers=ends_in_b,
            threshold=0.5,
            effect=0.44,
            where=CIRCULAR,
            caveats=(
                LIMITS,
                "That C is not reached is a theorem (study `cap`); that B is reached is not.",
            ),
        ),
    ],
    readings=[ps.Reading("reach", read_reach, needs=())],
    plots=[
        ps.Against(
            "against_depth",
            "Accuracy against depth",
            numbers={"half correct (step; runs that did)": ACCURACY, "correct at the end": CORRECT.end()},
            along="depth",
            by="attention",
            where=ZEROS,
        ),
        ps.PhaseGrid("courses", "Phase of the samples in every run"),
    ],
    tables=[
        ps.Table(
            "What each network comes to",
            {
                "parameters": ps.end("parameters"),
                "samples pass A, B, C": phases_abc(PHASE, CORRECT),
                "half of the samples correct (step)": ACCURACY,
                "correct at the end": CORRECT.end(),
                "receptive field (px)": ps.end("reach.px"),
            },
            by=("padding", "attention", "depth"),
        )
    ],
)
