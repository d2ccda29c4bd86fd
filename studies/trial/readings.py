"""Samples around the peak of misplaced bumps, sites that P1 may have read, and the likelihood of two worlds.

**The peak.** All snapshots have 128 samples by DPM-Solver, read apart from noise (`readings.objects`). They say where
phase B is: where their share of misplaced bumps, averaged over three snapshots, is half of its maximum or more. At
five snapshots spread over it 64 samples each are drawn by ancestral sampling, as P1 does, since the two samplers need
not peak together. The snapshot at which the mean of both shares is largest is chosen, and the share is read there
from 256 fresh ancestral samples: the largest of several noisy shares would be too large on average. What remains is
an error of the other sign, since now and then another snapshot than the peak is chosen (less than .01 in simulated
runs: `python -m studies.trial.worlds`).

**Two worlds.** In P1's, one misplaced bump is in .6 of the samples or more at the peak, and most runs pass A, B and C
by P1's reading of activations; in the other, it is in .4 or less, and most runs do not. The likelihood of the peaks
of all runs is that of normal numbers whose spread is not known, that of the sequences binomial; each at the nearest
of the values that a world allows.
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
from studies.designs.sequences import has_sequence
from studies.designs.sites import rows_of_sites

if TYPE_CHECKING:
    from numpy.random import Generator
    from pandas import DataFrame

LAYERS, TIMES = ("down3", "mid"), (50, 600)
STORED = 128
"""samples by DPM-Solver at every snapshot"""
SEARCHED, SEARCH_SAMPLES, SAMPLES = 5, 64, 256
"""snapshots at which the peak is searched, ancestral samples at each of them, and fresh ones at the peak"""
LEVELS = 250
"""denoising steps of ancestral sampling: `ancestral` compares 250 with 1,000 on a pilot"""
P1_LEAST, OTHER_MOST = 0.6, 0.4
"""mean peak share of misplaced bumps, and share of runs that pass A, B, C: in P1's world at least, in the other at most"""
FALLS = (-0.2, -0.08, 0.0, -0.1, -0.2)
"""in simulated runs: the share at the five snapshots less that at the peak; near the means over 32 runs of `entry`"""


def read_sites(run) -> list[dict]:
    """Return the readings of every site at every snapshot of a run, at labels of its own."""
    return rows_of_sites(run, layers=LAYERS, times=TIMES)


def read_peak(run) -> list[dict]:
    """Return what the stored samples hold at every snapshot (`stored`), what ancestral samples hold where the peak is
    searched (`search`), and what fresh ones hold at the peak (`ancestral`)."""
    snapshots = {snapshot.step: snapshot for snapshot in run.snapshots}
    rows = {
        step: {f"stored.{name}": value for name, value in of_stored(run, snapshot).items()}
        for step, snapshot in snapshots.items()
    }
    steps = list(rows)
    stored = np.array([row["stored.misplaced"] for row in rows.values()], dtype=float)

    searched = over_phase_b(stored)
    shares = []
    for place in searched:
        held = ancestral(run, snapshots[steps[place]], SEARCH_SAMPLES, "search")
        rows[steps[place]] |= {f"search.{name}": value for name, value in held.items()}
        shares.append(held["misplaced"])

    peak = steps[searched[chosen(np.array(shares), stored[searched])]]
    held = ancestral(run, snapshots[peak], SAMPLES, "peak")
    rows[peak] |= {f"ancestral.{name}": value for name, value in held.items()}
    return [{"step": step} | row for step, row in rows.items()]


def of_stored(run, snapshot) -> dict[str, float | str]:
    """Return what the stored samples of a snapshot hold, and the phase that they show."""
    samples = snapshot.samples()
    grid = samples["split"] == "grid"
    held = held_by(samples["images"][grid, 0], samples["labels"][grid], config_of(run).world.sigma_px)
    phase = behaviour_phase({name: held[name] for name in OBJECTS}, int(grid.sum()), PHASE_OF)
    return {**held, "phase": phase}


def over_phase_b(shares: np.ndarray) -> list[int]:
    """Return the places of the snapshots at which the peak is searched, in order, at most `SEARCHED`, with the peak.

    Phase B is where the share, averaged with its two neighbours', is half of its maximum or more, in one piece around the
    maximum. The places are evenly spaced within it; the one nearest to the maximum gives way to it. The untrained network,
    which comes first, is none of them.

    Args:
        shares: of misplaced bumps in the stored samples at all snapshots, (T,), T at least 4.
    """
    averaged = np.convolve(shares[1:], np.ones(3) / 3, mode="valid")
    peak = int(np.argmax(averaged))
    low = averaged < averaged[peak] / 2
    before, after = np.flatnonzero(low[:peak]), np.flatnonzero(low[peak:])
    first = before[-1] + 1 if len(before) else 0
    last = peak + after[0] - 1 if len(after) else len(averaged) - 1

    places = np.rint(np.linspace(first, last, SEARCHED + 2)[1:-1]).astype(int)
    places[np.argmin(np.abs(places - peak))] = peak
    return [int(place) + 2 for place in np.unique(places)]


def chosen(searched: np.ndarray, stored: np.ndarray) -> int:
    """Return the place of the peak among the searched snapshots, by the mean of both samplers' shares, (n,) each."""
    return int(np.argmax(searched + stored))


def ancestral(run, snapshot, count: int, purpose: str) -> dict[str, float]:
    """Return the shares of what `count` ancestral samples hold, at labels and from noise of the run's own."""
    import torch

    loaded = load_network(run, snapshot)
    world, family = loaded.config.world, loaded.config.family.with_sampler("ddpm", LEVELS).build()
    seed = loaded.config.seed
    labels = world.splits()["grid"](count, numpy_generator(seed, f"trial labels {purpose} {snapshot.step}"))
    noise = torch_generator(seed, f"trial samples {purpose} {snapshot.step}")
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


@reads("peak.ancestral.misplaced")
def peak_misplaced(runs: Runs) -> np.ndarray:
    """Return the share of misplaced bumps in ancestral samples at the peak, (n,)."""
    courses = runs.courses("peak.ancestral.misplaced")  # NaN at all snapshots but one
    return np.array([float(shares[np.isfinite(shares)][0]) for shares in courses])


@reads("peak.stored.first", "peak.stored.second")
def peak_by_solver(runs: Runs) -> np.ndarray:
    """Return the peak share of misplaced bumps in the stored samples of all snapshots but the first, cross-fitted, (n,)."""
    halves = zip(runs.courses("peak.stored.first"), runs.courses("peak.stored.second"), strict=True)
    return np.array([cross_fitted(first[1:], second[1:]) for first, second in halves])


def cross_fitted(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share in one half of the samples where it is largest in the other half, mean of both ways, (T,) each."""
    return float((second[np.argmax(first)] + first[np.argmax(second)]) / 2)


@reads("peak.ancestral.misplaced")
def peaks_for_p1(runs: Runs) -> np.ndarray:
    """Return log10 of how many times as likely the peaks are in P1's world as in the other, the same number for each run,
    (n,)."""
    peaks = peak_misplaced(runs)
    return np.full(len(peaks), ratio_of_worlds(peaks))


@reads("sites.down3.600.p1_phase")
def sequences_for_p1(runs: Runs) -> np.ndarray:
    """Return log10 of how many times as likely it is in P1's world as in the other that so many runs pass A, B and C, at
    down3 and t = 600, the same number for each run, (n,)."""
    passed = has_sequence("sites.down3.600.p1_phase", until_accuracy=False)(runs)
    return np.full(len(passed), ratio_of_sequences(int(passed.sum()), len(passed)))


def ratio_of_worlds(peaks: np.ndarray) -> float:
    """Return log10 of the likelihood of peaks (n,) in P1's world, divided by that in the other.

    Peaks of runs are normal with one mean and a spread that is not known; each world has the mean and the spread at which
    they are likeliest: L = s^-n, with s^2 the mean square distance from the mean.
    """
    mean = peaks.mean()
    of_p1 = np.square(peaks - max(mean, P1_LEAST)).mean()
    of_other = np.square(peaks - min(mean, OTHER_MOST)).mean()
    return float(len(peaks) / 2 * np.log10(of_other / of_p1))


def ratio_of_sequences(passed: int, runs: int) -> float:
    """Return log10 of the binomial likelihood of `passed` of the runs in P1's world, over that in the other."""
    share = passed / runs
    of_p1, of_other = max(share, P1_LEAST), min(share, OTHER_MOST)
    return _log10_likelihood(passed, runs, of_p1) - _log10_likelihood(passed, runs, of_other)


def _log10_likelihood(passed: int, runs: int, share: float) -> float:
    """Return log10 of a binomial likelihood without its coefficient."""
    with_it = passed * np.log10(share) if passed else 0.0
    without = (runs - passed) * np.log10(1 - share) if passed < runs else 0.0
    return float(with_it + without)


@reads(*(f"peak.stored.{name}" for name in OBJECTS))
def three_phases(runs: Runs) -> np.ndarray:
    """Return by how much three abrupt phases predict the samples of each run better than the best clock or gradual change,
    fitted to other runs: log probability in nats per snapshot, (n,)."""
    counts = np.stack([runs.courses(f"peak.stored.{name}") for name in OBJECTS], axis=2)[:, 1:]
    steps = runs.courses("step")[0][1:]
    count = count_phases(np.rint(STORED * counts), np.log(steps))
    return count.scores["3 states"] - count.scores[count.rival]


@dataclass(frozen=True)
class PeakShare(Mean):
    """The mean of the peaks over runs. Runs are simulated from samples up: a share of each run's own, which is less at other
    snapshots of phase B, samples that choose the snapshot, and samples that are read there."""

    def simulate(self, table: DataFrame, truth: float, spread: float, rng: Generator) -> DataFrame:
        return table.assign(y=simulated_peaks(len(table), truth, spread, rng))


def simulated_peaks(runs: int, truth: float, spread: float, rng: Generator) -> np.ndarray:
    """Return the peaks of simulated runs whose true peaks vary by `spread` around `truth`, (runs,).

    Both samplers have the same true shares.
    """
    true = np.clip(truth + spread * rng.standard_normal(runs), 0, 1)
    shares = np.clip(true[:, None] + np.array(FALLS), 0, 1)
    searched = rng.binomial(SEARCH_SAMPLES, shares) / SEARCH_SAMPLES
    stored = rng.binomial(STORED, shares) / STORED
    places = [chosen(*both) for both in zip(searched, stored, strict=True)]
    return rng.binomial(SAMPLES, shares[np.arange(runs), places]) / SAMPLES
