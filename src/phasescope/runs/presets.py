"""Presets: named sets of defaults. `preset=small training.steps=500` starts from one and changes the rest."""

from __future__ import annotations

from dataclasses import dataclass, field

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
"""The system of Liang, Liu & Fiete 2024 as far as it is known, about 23 M parameters."""

P1: Tree = {
    **PAPER,
    "name": "p1",
    "network": {
        "kind": "unet",
        "widths": [32, 32, 32, 32],
        "attention": PAPER["network"]["attention"],
        "heads": 2,
        "embedding": {"width": 64, "modulation": "added"},
    },
    "training": {
        **PAPER["training"],
        "steps": 6000,
        "batch": 16,
        "optimiser": {**PAPER["training"]["optimiser"], "lr": 1e-3},
        "label_dropout": 0.0,
    },
}
"""All of P1's known ingredients in a network of 0.28 M parameters, which two cores train to phase C.

That is eps, the linear schedule, T = 1000, AdamW, self-attention after every block, an added embedding, no patches, no skip
from input to output, ancestral sampling. Label dropout, of which P1 says nothing, is a switch. Seeds 900 and 901 chose the
length."""

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

LEAN: Tree = {
    **DEMO,
    "name": "lean",
    "family": {**DEMO["family"], "times": "stratified"},
    "training": {
        "steps": 2500,
        "batch": 16,
        "optimiser": {"kind": "muon", "lr": 0.02, "rest": {"lr": 6e-3}},
        "warmup": 20,
        "decay": "cosine",
        "ema": 0.99,
    },
}
"""P1's objective (eps, plain weighting, no coordinates), by what takes it through the phases at the least cost that pilots
found (results/pilots): what P1 claims is asked of it."""

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
        "p1": None,
    },
}
"""An ordered manifold in seconds: x-prediction, Muon, pixels that know their place, label encodings of finer wavelengths."""


@dataclass(frozen=True)
class Preset:
    """A named set of defaults."""

    fields: Tree
    studied: Tree = field(default_factory=dict)
    """the fields in which a study's runs of it differ: how they are observed, often enough for onsets and at little cost"""
    study_cpu_s: float | None = None
    """CPU-seconds of a study's run on one core of an AMD EPYC (family 25, model 17), observing included; what records tell
    of runs of the preset goes before"""


PAPER_STUDIED: Tree = {
    "probing": {
        "snapshots": {"dense_every": 125, "dense_until": 3000, "every": 2000},
        "images": {"grid": 64, "off_grid": 64},
        "bands": 5,
    }
}
"""A snapshot's 1,000 steps of ancestral sampling cost about as much as 600 of training: as few images as `fast` paints."""
P1_STUDIED: Tree = {
    "probing": {
        "snapshots": {"dense_every": 100, "dense_until": 6000, "every": 100},
        "images": {"grid": 64, "off_grid": 64},
        "latent_labels": 256,
        "share_labels": 128,
        "share_draws": 2,
        "timesteps": [50, 600],
        "bands": 5,
        "p1": None,
    }
}
"""Onsets come after thousands of steps, and are interpolated between snapshots."""
SMALL_STUDIED: Tree = {
    "probing": {"snapshots": {"dense_every": 10, "dense_until": 40, "every": 100}, "bands": 5}
}
LEAN_STUDIED: Tree = {
    "probing": {
        "snapshots": {"dense_every": 20, "dense_until": 60, "every": 150},
        "images": {"grid": 128, "off_grid": 64},
        "latent_labels": 256,
        "share_labels": 64,
        "timesteps": [50, 600],
        "bands": 5,
        "p1": None,
    }
}
"""Order sets in within the first hundred steps. Of 128 images a majority of 59 % decides a phase, of 64 one of 63 %."""
FAST_STUDIED: Tree = {
    "probing": {
        "snapshots": {"dense_every": 10, "dense_until": 20, "every": 30},
        "images": {"grid": 64, "off_grid": 64},
        "latent_labels": 256,
        "share_labels": 64,
        "bands": 5,
        "p1": {"tap": "down3", "timestep": 600},
    }
}
"""64 images of either split, as many as the coarsest grid of the studies (d = 4 px) holds: all are read with the same n"""

PRESETS: dict[str, Preset] = {
    "paper": Preset(PAPER, PAPER_STUDIED, 430_000.0),
    "p1": Preset(P1, P1_STUDIED, 2_320.0),
    "small": Preset(SMALL, SMALL_STUDIED, 205.0),
    "lean": Preset(LEAN, LEAN_STUDIED, 160.0),
    "fast": Preset(FAST, FAST_STUDIED, 28.0),
    "demo": Preset(DEMO, SMALL_STUDIED),
}


def preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        UserError: there is no such preset.
    """
    if name not in PRESETS:
        raise UserError(f"`preset` (={name}) must be one of {', '.join(PRESETS)}")
    return PRESETS[name]
