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
    "family": {"kind": "diffusion", "predict": "eps", "sampler": {"kind": "dpm_solver", "steps": 12}},
    "training": {
        "steps": 3500,
        "batch": 64,
        "optimiser": {"kind": "adamw", "lr": 6e-3},
        "decay": "cosine",
        "ema": 0.99,
    },
}
"""The papers' objective (eps, plain weighting, AdamW) on a network that two cores train in minutes."""

DEMO: Tree = {
    **SMALL,
    "name": "demo",
    "network": {**SMALL["network"], "widths": [32, 32, 32, 32]},
    "training": {**SMALL["training"], "steps": 2000, "batch": 24},
}
"""`small` with a wider stem, which needs fewer steps, at a smaller batch: the phases in a third of the time."""

FAST: Tree = {
    "name": "fast",
    "network": {
        **SMALL["network"],
        "widths": [16, 32, 32, 32],
        "coordinates": True,
        "embedding": {"width": 64, "base": 30.0, "modulation": "scale_shift"},
    },
    "family": {"kind": "diffusion", "predict": "x", "sampler": {"kind": "dpm_solver", "steps": 12}},
    "training": {
        "steps": 630,
        "batch": 16,
        "optimiser": {"kind": "muon", "lr": 0.03, "rest": {"lr": 6e-3}},
        "warmup": 30,
        "decay": "cosine",
        "ema": 0.99,
    },
    "probing": {
        "snapshots": {"dense_until": 0, "every": 210},
        "timesteps": [50, 600],
        "off_grid_labels": 64,
        "p1": None,
    },
}
"""An ordered manifold in seconds: x-prediction, Muon, pixels that know their place, label encodings of finer wavelengths."""

PRESETS: dict[str, Tree] = {"paper": PAPER, "small": SMALL, "fast": FAST, "demo": DEMO}


def preset(name: str) -> Tree:
    """The defaults of a preset.

    Raises:
        UserError: there is no such preset.
    """
    if name not in PRESETS:
        raise UserError(f"`preset` (={name}) must be one of {', '.join(PRESETS)}")
    return PRESETS[name]
