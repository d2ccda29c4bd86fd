"""Presets: named sets of defaults. `preset=small world.sigma_px=2` starts from one and changes the rest."""

from __future__ import annotations

from phasescope.config import Tree
from phasescope.errors import UserError

PAPER: Tree = {
    "name": "paper",
    "network": {
        "kind": "unet",
        "widths": [64, 128, 256, 256],
        "mid_width": 512,
        "layers": 2,
        "attention": ["down1", "down2", "down3", "mid", "up1", "up2", "up3"],
        "embedding": {"width": 128, "modulation": "added"},
    },
    "family": {"kind": "diffusion", "predict": "eps", "sampler": {"kind": "ddpm"}},
    "training": {
        "steps": 40_000,
        "batch": 64,
        "optimiser": {"kind": "adamw", "lr": 3e-4, "betas": [0.9, 0.999], "weight_decay": 0.01},
        "warmup": 0,
        "clip": None,
        "ema": 0.995,
        "label_dropout": 0.1,
    },
    "probing": {"snapshots": {"dense_every": 250, "dense_until": 5000, "every": 2500}},
}
"""The system of Liang, Liu & Fiete 2024 as far as it is known, about 23 M parameters (`science.md` section 1)."""

SMALL: Tree = {
    "name": "small",
    "network": {
        "kind": "unet",
        "patch": 2,
        "widths": [24, 32, 32, 32],
        "input_skip": True,
        "embedding": {"width": 64, "modulation": "scale_shift"},
    },
    "family": {"kind": "diffusion", "predict": "eps", "sampler": {"kind": "ddim", "steps": 25, "eta": 1.0}},
    "training": {
        "steps": 3500,
        "batch": 64,
        "optimiser": {"kind": "adamw", "lr": 6e-3},
        "decay": "cosine",
        "ema": 0.99,
    },
    "probing": {"snapshots": {"dense_every": 100, "dense_until": 500, "every": 250}},
}
"""The papers' objective (eps, plain weighting, AdamW) on a network that two cores train in minutes."""

PRESETS: dict[str, Tree] = {"paper": PAPER, "small": SMALL}


def preset(name: str) -> Tree:
    """The defaults of a preset.

    Raises:
        UserError: there is no such preset.
    """
    if name not in PRESETS:
        raise UserError(f"`preset` (={name}) must be one of {', '.join(PRESETS)}")
    return PRESETS[name]
