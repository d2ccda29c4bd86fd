"""Does a transformer that is told of a ring's place paint more rings when it learns longer? A study of one's own."""

from __future__ import annotations

import numpy as np

from phasescope.studies.core import Cell, Claim, Curve, Figure, Panel, Study
from phasescope.studies.core.criteria import column, runs_of
from phasescope.studies.core.statistics import mean_of_runs

RING = {
    "world": {"kind": "my_worlds.py:Rings"},
    "network": {"kind": "my_networks.py:DiT", "width": 16},
    "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 4}},
    "training": {"batch": 16, "warmup": 2, "device": "cpu"},
    "probing": {
        "snapshots": {"dense_until": 0, "every": 10},
        "taps": ["layers.1"],
        "timesteps": [5, 40],
        "images": {"grid": 16, "off_grid": 16},
        "latent_labels": 64,
        "share_labels": 16,
        "share_draws": 2,
        "bands": 2,
        "band_images": 8,
        "representation": {"tap": "layers.1", "timestep": 40},
        "p1": None,
    },
}
CELLS = tuple(
    Cell(f"{steps} steps", {**RING, "training": {**RING["training"], "steps": steps}}) for steps in (10, 20)
)


def gain(frame):
    first, last = ([column(run, "loss")[-1] for run in runs_of(frame, [cell.name])] for cell in CELLS)
    return mean_of_runs(np.array(first) - np.array(last))


def losses(frame):
    lines = [
        Curve(column(run, "step")[1:], column(run, "loss")[1:], series=i)
        for i, run in enumerate(runs_of(frame))
    ]
    return [Panel("Loss", "gradient steps", "loss", lines)]


STUDY = Study(
    "rings", "Does a ring painter learn more in twenty steps than in ten?", "small", CELLS, seeds=2,
    claims=(
        Claim("learns_more", "Twenty steps leave less loss than ten.", "me", "loss at 10 less at 20 steps, mean over seeds",
              0.0, gain, "losses", "That either is enough.", minimum_n=2),
    ),
    figures=(Figure("losses", "Losses", losses, lambda frame: f"{len(runs_of(frame))} runs."),),
)  # fmt: skip
