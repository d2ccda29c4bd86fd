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

Of 128 true images in noise a trained network's gains were within 4 % of Wiener's in a pilot.

Painting takes 50 steps of DPM-Solver: at the exact answer every mode is then within 3 % of its variance, where 12 steps, as
runs paint themselves, leave a third of the narrowest.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.config import Tree, merge
from phasescope.measures import mode_gains, mode_variances
from phasescope.randomness import torch_generator
from phasescope.runs.loading import Loaded, config_of, load_network
from phasescope.studies.core.study import Cell
from phasescope.studies.found._cells import eps
from phasescope.studies.found._modes import (
    answer,
    answers_at,
    emergence,
    emerges_at,
    equal_noise,
    slope,
    wave_numbers,
)

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.config import RunConfig
    from phasescope.store import Run

SEEDS = 6
CANVAS, SIGMA_PX, CONTRAST = 32, 1.0, 2.0
BANDS, LR, MOMENTUM = 40, 0.05, 0.9
RATE = LR / (1 - MOMENTUM) / BANDS
"""eta of the gradient flow that the linear network follows, a step: each map sees one image in `BANDS`"""
BY, EVALUATIONS, IMAGES = "dpm_solver", 50, 64
ANSWERED = 256
"""true images in noise, the same for all snapshots and modes"""
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
        "steps": 12_000,
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
SELDOM: Tree = {"dense_every": 50, "dense_until": 2000, "every": 250}
OFTEN: Tree = {"dense_every": 5, "dense_until": 150, "every": 150}
LINEAR = _cell("linear", SELDOM, DESCENT)
BY_ADAMW = _cell("U-Net, AdamW", OFTEN, U_NET, ADAMW)
BY_MUON = _cell("U-Net, Muon", OFTEN, U_NET)
CELLS = (LINEAR, BY_ADAMW, BY_MUON)
NAMES = tuple(cell.name for cell in CELLS)


def read_modes(run: Run) -> list[dict[str, Any]]:
    """Of each snapshot the variance of images that its weights paint, that of the data, and what is left of how far
    their gain on true images in noise is above Wiener's, by |n|^2."""
    images = data_of(config_of(run))
    exact = variances_of(images)
    told = _named("exact", exact)
    rows = []
    for snapshot in run.snapshots:
        loaded = load_network(run, snapshot)
        painted, left = variances_of(_painted(loaded)), _left(loaded, images, exact)
        rows.append({"step": snapshot.step, **_named("painted", painted), **told, **_named("left", left)})
    return rows


def data_of(config: RunConfig) -> np.ndarray:
    """All training images."""
    import torch

    return config.world.render(torch.from_numpy(config.world.training_labels()).double()).numpy()


def _painted(loaded: Loaded) -> np.ndarray:
    """Images of a snapshot's weights, told nothing, from the same noise for all snapshots."""
    import torch

    config = loaded.config
    family = config.family.painted_by(BY, EVALUATIONS).build()
    untold = torch.full((IMAGES, len(config.world.factors)), math.nan)
    generator = torch_generator(config.seed, "modes")
    with torch.no_grad():
        return family.sample(loaded.network, untold, config.world.shape, generator).numpy()


def _left(loaded: Loaded, images: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """How far the gain of a snapshot's answer along each mode is above Wiener's, over what it is of one who leaves noise as
    it is, where the mode is as strong as its noise; told nothing."""
    import torch

    config, family = loaded.config, loaded.config.family.build()
    generator = torch_generator(config.seed, "true images in noise")
    chosen = torch.randperm(len(images), generator=generator)[:ANSWERED]
    x_0 = torch.from_numpy(images).float()[chosen]
    noise = torch.randn(x_0.shape, generator=generator)
    untold = torch.full((len(x_0), len(config.world.factors)), math.nan)
    found = []
    for place, level in enumerate(equal_noise(exact) * family.schedule.steps):
        t = int(level)
        alpha, sigma, _ = family.schedule.at(t)
        at = torch.full((len(x_0),), t)
        x_t = family.noisy(x_0, at, noise)
        with torch.no_grad():
            x_0_seen = family.x_0_of(loaded.network, x_t, at, untold)
        gains = mode_gains(x_t.numpy(), x_0_seen.numpy())
        best = alpha * exact[place] / (alpha**2 * exact[place] + sigma**2)
        found.append((_of_numbers(gains.k_2, gains.gain)[place] - best) / (1 - best))
    return np.array(found)


def variances_of(images: np.ndarray) -> np.ndarray:
    """Of images the variance of each of the modes that are watched."""
    found = mode_variances(images)
    return _of_numbers(found.k_2, found.variance)


def _of_numbers(k_2: np.ndarray, values: np.ndarray) -> np.ndarray:
    squares = (k_2 * (CANVAS / (2 * math.pi)) ** 2).round().astype(int).tolist()
    told = dict(zip(squares, values.tolist(), strict=True))
    return np.array([told[square] for square in NUMBERS])


def _named(name: str, values: np.ndarray) -> dict[str, float]:
    return {f"{name}.{square}": value for square, value in zip(NUMBERS, values.tolist(), strict=True)}


def slope_of(run: pd.DataFrame) -> tuple[float, float]:
    """The least and the most that the slope of the log of emergence can be, over s^2."""
    return slope(X, emergence(run, NUMBERS))


def answer_slope_of(run: pd.DataFrame) -> tuple[float, float]:
    """The same of the log of when answers are half way, mode by mode."""
    return slope(X, answer(run, NUMBERS))


def data_variance(x: np.ndarray) -> np.ndarray:
    """lambda_k by s^2 |k|^2, of a bump that its pixels sample well."""
    return (CONTRAST * 2 * math.pi * SIGMA_PX**2 / CANVAS) ** 2 * np.exp(-x)


def exact_steps(x: np.ndarray) -> np.ndarray:
    """The step at which a mode emerges under the linear network's gradient flow, by s^2 |k|^2."""
    return emerges_at(data_variance(x)) / RATE


def exact_answers(x: np.ndarray) -> np.ndarray:
    """The step at which its answer is half way along a mode."""
    return answers_at(data_variance(x)) / RATE
