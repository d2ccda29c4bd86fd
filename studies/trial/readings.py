"""Samples around the peak of misplaced bumps, sites that P1 may have read, and the likelihood of two worlds.

**The peak.** All snapshots have 128 samples by DPM-Solver, read apart from noise (`readings.objects`). They choose where
samples are drawn anew, by ancestral sampling as P1 does: at the snapshot whose share of misplaced bumps is largest, averaged
with its neighbours', and at these neighbours. Of the three the snapshot is chosen by one half of the ancestral samples
together with the stored ones, and the share read from the other half, and the other way round: the largest of several noisy
shares is too large on average. What remains is an error of the other sign, of .01 to .02 with neighbours that have .05 less:
now and then a neighbour is chosen.

**Two worlds.** In P1's, one misplaced bump is in .6 of the samples or more at the peak; in the other, in .4 or less. The
likelihood of the peaks of all runs is that of normal numbers whose spread is not known, at the nearest of the means that a
world allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from phasescope.measures import behaviour_phase, count_phases
from phasescope.studies import (
    Mean,
    Runs,
    config_of,
    load_network,
    numpy_generator,
    reads,
    torch_generator,
)
from phasescope.studies.readings.objects import OBJECTS, PHASE_OF, outcomes, read_objects
from studies.designs.sites import rows_of_sites

if TYPE_CHECKING:
    from numpy.random import Generator
    from pandas import DataFrame

LAYERS, TIMES = ("down3", "mid"), (20, 50, 200, 600)
SAMPLES, LEVELS = 128, 250
"""ancestral samples at a snapshot, and their denoising steps: `ancestral` compares 250 with 1,000 on a pilot"""
P1_LEAST, OTHER_MOST = 0.6, 0.4
"""mean peak share of misplaced bumps in P1's world, at least, and in the other, at most"""
FALL = 0.05
"""in simulated runs: by how much less the share is at the peak's neighbours"""


def read_sites(run) -> list[dict]:
    """Return the readings of every site at every snapshot of a run, at labels of its own."""
    return rows_of_sites(run, layers=LAYERS, times=TIMES)


def read_peak(run) -> list[dict]:
    """Return at every snapshot what the stored samples hold (`stored`), and at the peak and its neighbours the shares of
    ancestral samples and of misplaced bumps in either half of them."""
    snapshots = {snapshot.step: snapshot for snapshot in run.snapshots}
    stored = {step: of_stored(run, snapshot) for step, snapshot in snapshots.items()}
    steps = list(stored)
    chosen = around_peak(np.array([held["misplaced"] for held in stored.values()]))

    drawn = {steps[place]: ancestral(run, snapshots[steps[place]]) for place in chosen}
    return [
        {"step": step} | {f"stored.{name}": value for name, value in held.items()} | drawn.get(step, {})
        for step, held in stored.items()
    ]


def of_stored(run, snapshot) -> dict[str, float | str]:
    """Return what the stored samples of a snapshot hold, and the phase that they show."""
    samples = snapshot.samples()
    grid = samples["split"] == "grid"
    held = held_by(samples["images"][grid, 0], samples["labels"][grid], config_of(run).world.sigma_px)
    phase = behaviour_phase({name: held[name] for name in OBJECTS}, int(grid.sum()), PHASE_OF)
    return {**held, "phase": phase}


def around_peak(shares: np.ndarray) -> list[int]:
    """Return the place of the largest share, averaged with its two neighbours, and those of the neighbours.

    The untrained network, which comes first, is none of them.

    Args:
        shares: at all snapshots, (T,), T at least 4.
    """
    averaged = np.convolve(shares[1:], np.ones(3) / 3, mode="valid")
    middle = int(np.argmax(averaged)) + 2
    return [middle - 1, middle, middle + 1]


def ancestral(run, snapshot) -> dict[str, float]:
    """Return the shares of what ancestral samples hold, at labels and from noise of the run's own."""
    import torch

    loaded = load_network(run, snapshot)
    world, family = loaded.config.world, loaded.config.family.with_sampler("ddpm", LEVELS).build()
    seed = loaded.config.seed
    labels = world.splits()["grid"](SAMPLES, numpy_generator(seed, "trial labels"))
    noise = torch_generator(seed, f"trial samples {snapshot.step}")
    with torch.no_grad():
        images = family.sample(loaded.network, torch.from_numpy(labels), world.shape, noise)

    return held_by(images.numpy()[:, 0], labels, world.sigma_px)


def held_by(images: np.ndarray, labels: np.ndarray, sigma_px: float) -> dict[str, float]:
    """Return the shares of what images (n, N, N) hold, and those of misplaced bumps in either half of them."""
    places, _ = read_objects(images.astype(float), sigma_px)
    held = outcomes(places, labels)
    misplaced = held == "misplaced"
    return {
        **{name: float(np.mean(held == name)) for name in OBJECTS},
        "first": float(misplaced[::2].mean()),
        "second": float(misplaced[1::2].mean()),
    }


@reads("peak.first", "peak.second", "peak.stored.misplaced")
def peak_misplaced(runs: Runs) -> np.ndarray:
    """Return the peak share of misplaced bumps in ancestral samples, cross-fitted, (n,)."""
    columns = ("peak.first", "peak.second", "peak.stored.misplaced")
    return np.array([cross_fitted(*shares) for shares in zip(*map(runs.courses, columns), strict=True)])


@reads("peak.stored.first", "peak.stored.second")
def peak_by_solver(runs: Runs) -> np.ndarray:
    """Return the peak share of misplaced bumps in the stored samples of all snapshots but the first, cross-fitted, (n,)."""
    halves = zip(runs.courses("peak.stored.first"), runs.courses("peak.stored.second"), strict=True)
    return np.array([cross_fitted(first[1:], second[1:]) for first, second in halves])


def cross_fitted(first: np.ndarray, second: np.ndarray, stored: np.ndarray | None = None) -> float:
    """Return the share in one half of the samples where it is largest in the other half, mean of both ways.

    Args:
        first, second: shares in the halves at all snapshots, (T,); NaN where a snapshot was not read.
        stored: shares in other samples, as many as in both halves, that help to choose the snapshot.
    """
    by_first, by_second = first, second
    if stored is not None:
        by_first, by_second = (first + 2 * stored) / 3, (second + 2 * stored) / 3
    return float((second[np.nanargmax(by_first)] + first[np.nanargmax(by_second)]) / 2)


@reads("peak.first", "peak.second", "peak.stored.misplaced")
def log_likelihood_ratio(runs: Runs) -> np.ndarray:
    """Return log10 of how many times as likely the peaks are in P1's world as in the other, the same number for each run,
    (n,)."""
    peaks = peak_misplaced(runs)
    return np.full(len(peaks), ratio_of_worlds(peaks))


def ratio_of_worlds(peaks: np.ndarray) -> float:
    """Return log10 of the likelihood of peaks (n,) in P1's world, divided by that in the other.

    Peaks of runs are normal with one mean and a spread that is not known; each world has the mean and the spread at which
    they are likeliest: L = s^-n, with s^2 the mean square distance from the mean.
    """
    mean = peaks.mean()
    of_p1 = np.square(peaks - max(mean, P1_LEAST)).mean()
    of_other = np.square(peaks - min(mean, OTHER_MOST)).mean()
    return float(len(peaks) / 2 * np.log10(of_other / of_p1))


@reads(*(f"peak.stored.{name}" for name in OBJECTS))
def three_phases(runs: Runs) -> np.ndarray:
    """Return by how much three abrupt phases predict the samples of each run better than the best clock or gradual change,
    fitted to other runs: log probability in nats per snapshot, (n,)."""
    counts = np.stack([runs.courses(f"peak.stored.{name}") for name in OBJECTS], axis=2)[:, 1:]
    steps = runs.courses("step")[0][1:]
    count = count_phases(np.rint(SAMPLES * counts), np.log(steps))
    return count.scores["3 states"] - count.scores[count.rival]


@dataclass(frozen=True)
class PeakShare(Mean):
    """The mean of cross-fitted peaks over runs. Runs are simulated from samples up: a share of each run's own, which is less
    at the peak's neighbours, and draws from it in two halves at three snapshots."""

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        return table.assign(y=simulated_peaks(len(table), truth, spread, rng))


def simulated_peaks(runs: int, truth: float, spread: float, rng: Generator) -> np.ndarray:
    """Return cross-fitted peaks of simulated runs whose true peaks vary by `spread` around `truth`, (runs,).

    The stored samples that help to choose have the same true shares.
    """
    true = np.clip(truth + spread * rng.standard_normal(runs), 0, 1)
    shares = np.clip(true[:, None] + np.array([-FALL, 0.0, -FALL]), 0, 1)
    halves = (rng.binomial(SAMPLES // 2, shares) / (SAMPLES // 2) for _ in range(2))
    stored = rng.binomial(SAMPLES, shares) / SAMPLES
    return np.array([cross_fitted(*held) for held in zip(*halves, stored, strict=True)])
