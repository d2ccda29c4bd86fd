"""The networks whose modes are watched, and how their runs are read.

The linear network has a map for each of `BANDS` bands of t. A band's rate is that of its mean of (1 - t)^2 lambda + t^2, so
the first one, t in [0, h], learns at lambda + h^2 / 3 and not at lambda: with 40 bands that is 7 % more at s^2 |k|^2 = 4. It
learns by steps of constant size. The images' brightness, a mode of power 1,000, bounds them: plain steps would take 150,000
for the narrowest modes. With momentum m slow modes go as under gradient flow of the rate lr / (1 - m) (Polyak 1964), about
m / (1 - m) = 9 steps late, which is little where the first one emerges after more than a hundred. Its weights are not
averaged.

The U-Nets are lean's with circular padding, and without a skip from input to output, so that untrained they, too, leave
noise as it is. They paint with averaged weights, as everywhere. An average lags; over the first hundred steps it is that of
all weights so far and lags by a like share of the time, which leaves slopes on log time as they are.

Painting takes 50 steps of DPM-Solver: at the exact answer every mode is then within 3 % of its variance, where 12 steps, as
runs paint themselves, leave a third of the narrowest.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.config import Tree, merge
from phasescope.measures import mode_variances
from phasescope.randomness import torch_generator
from phasescope.runs.loading import config_of, load_network
from phasescope.studies.core.study import Cell
from phasescope.studies.found._cells import eps
from phasescope.studies.found._modes import emergence, emerges_at, slope, wave_numbers

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.config import RunConfig
    from phasescope.store import Run, Snapshot

SEEDS = 6
CANVAS, SIGMA_PX, CONTRAST = 32, 1.0, 2.0
BANDS, LR, MOMENTUM = 40, 0.05, 0.9
RATE = LR / (1 - MOMENTUM) / BANDS
"""eta of the gradient flow that the linear network follows, a step: each map sees one image in `BANDS`"""
BY, EVALUATIONS, IMAGES = "dpm_solver", 50, 64
NUMBERS = wave_numbers(CANVAS, SIGMA_PX)
"""s^2 |k|^2 by |n|^2, the squared turns round the canvas"""
X = np.array(list(NUMBERS.values()))


def _cell(name: str, snapshots: Tree, *trees: Tree) -> Cell:
    """Told nothing, and observed as little as may be: what is read is painted anew."""
    common: Tree = {
        "world": {"boundary": "periodic", "canvas": CANVAS, "sigma_px": SIGMA_PX},
        "family": {"schedule": "flow", "predict": "velocity", "clip": False},
        "training": {"label_dropout": 1.0},
        "probing": {
            "snapshots": snapshots,
            "images": {"grid": 16, "off_grid": 16},
            "latent_labels": 64,
            "share_labels": 16,
            "share_draws": 2,
            "crossed_labels": 0,
            "timesteps": [600],
            "bands": 1,
            "band_images": 1,
        },
    }
    return eps(name, reduce(merge, trees, common), SEEDS)


DESCENT: Tree = {
    "network": {"kind": "circulant", "bands": BANDS},
    "training": {
        "steps": 8000,
        "batch": BANDS,
        "optimiser": {"kind": "sgd", "lr": LR, "momentum": MOMENTUM},
        "warmup": 0,
        "decay": "constant",
        "clip": None,
        "ema": 0.0,
    },
}
U_NET: Tree = {"network": {"padding": "circular", "input_skip": False}, "training": {"steps": 1200}}
ADAMW: Tree = {"training": {"optimiser": {"kind": "adamw", "lr": 6e-3}}}
SELDOM: Tree = {"dense_every": 50, "dense_until": 600, "every": 400}
OFTEN: Tree = {"dense_every": 10, "dense_until": 150, "every": 200}
LINEAR = _cell("linear", SELDOM, DESCENT)
BY_ADAMW = _cell("U-Net, AdamW", OFTEN, U_NET, ADAMW)
BY_MUON = _cell("U-Net, Muon", OFTEN, U_NET)
CELLS = (LINEAR, BY_ADAMW, BY_MUON)
NAMES = tuple(cell.name for cell in CELLS)


def read_modes(run: Run) -> list[dict[str, Any]]:
    """Of each snapshot the variance of images that its weights paint, and that of the data, by |n|^2."""
    exact = _by_number(data_of(config_of(run)), "exact")
    return [
        {"step": snapshot.step, **_by_number(_painted(run, snapshot), "painted"), **exact}
        for snapshot in run.snapshots
    ]


def data_of(config: RunConfig) -> np.ndarray:
    """All training images."""
    import torch

    return config.world.render(torch.from_numpy(config.world.training_labels()).double()).numpy()


def _painted(run: Run, snapshot: Snapshot) -> np.ndarray:
    """Images of a snapshot's weights, told nothing, from the same noise for all snapshots."""
    import torch

    loaded = load_network(run, snapshot)
    config = loaded.config
    family = config.family.painted_by(BY, EVALUATIONS).build()
    untold = torch.full((IMAGES, len(config.world.factors)), math.nan)
    generator = torch_generator(config.seed, "modes")
    with torch.no_grad():
        return family.sample(loaded.network, untold, config.world.shape, generator).numpy()


def _by_number(images: np.ndarray, name: str) -> dict[str, float]:
    found = mode_variances(images)
    squares = (found.k_2 * (CANVAS / (2 * math.pi)) ** 2).round().astype(int).tolist()
    told = dict(zip(squares, found.variance.tolist(), strict=True))
    return {f"{name}.{square}": told[square] for square in NUMBERS}


def slope_of(run: pd.DataFrame) -> tuple[float, float]:
    """The least and the most that the slope of the log of emergence can be, over s^2."""
    return slope(X, emergence(run, NUMBERS))


def data_variance(x: np.ndarray) -> np.ndarray:
    """lambda_k by s^2 |k|^2, of a bump that its pixels sample well."""
    return (CONTRAST * 2 * math.pi * SIGMA_PX**2 / CANVAS) ** 2 * np.exp(-x)


def exact_steps(x: np.ndarray) -> np.ndarray:
    """The step at which a mode emerges under the linear network's gradient flow, by s^2 |k|^2."""
    return emerges_at(data_variance(x)) / RATE
