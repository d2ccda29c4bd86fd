"""When each Fourier mode of the data is learned: in a linear network, which is known exactly, and as read from runs.

Flow matching has x_t = (1 - t) x_0 + t eps. A linear denoiser that commutes with shifts has one weight per mode and
t. Under gradient flow of rate eta from 0 the weight approaches its optimum at the rate 2 eta A, A = (1 - t)² lambda
+ t², lambda the data's variance in the mode, and the generated variance goes from 1 to lambda (Wang & Pehlevan
2025, arXiv 2503.03206):

    v(tau) = lambda exp[Ei(-2 eta tau) - Ei(-2 eta tau lambda)].

A mode has emerged when v falls for good below the harmonic mean of 1 and lambda, h = 2 lambda / (1 + lambda), which
is within a factor 2 of lambda. There Ei(-2 eta tau lambda) is near -log 2 whatever lambda, so tau is proportional
to 1/lambda: with lambda = c² (2 pi s²)² exp(-s² |k|²) / N² on a torus log tau grows as s² |k|². (At the geometric
mean the slope is half that.) For s = 1 px, N = 32 px and s² |k|² up to 4 the least-squares slope of the exact
course is 0.96 s²: lambda is not small for the widest modes.

Generated images also show how many objects there are: noise that leaves before objects appear dates nothing that
was learned of the data. So U-Nets are dated by their estimate of x_0 from true images in noise. At the t at which a
mode is as strong as its noise, (1 - t)² lambda = t², the optimum of any network, E[x_0 | x_t], has Wiener's gain
along the mode, w = (1 + sqrt(lambda)) / 2, since E[x_0 | x_t] x_t* and x_0 x_t* have one expectation. An untrained
network leaves noise as it is, and has 1. The linear network's gain is w + (1 - w) exp(-4 eta t² tau), half way at

    eta tau = log(2) / (4 t²),    t = sqrt(lambda) / (1 + sqrt(lambda)),

whose log grows nearly as s² |k|², with a slope of 0.87. A network that learns all modes at one rate is half way in
all of them at once. One that overshoots, and removes more than the noise, has passed it.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from phasescope.studies import (
    Estimate,
    NotEnough,
    Number,
    Runs,
    Statistic,
    config_of,
    load_network,
    mean_over_runs,
    torch_generator,
)
from studies.modes.spectrum import mode_gains, mode_variances

CANVAS, SIGMA_PX, CONTRAST = 32, 1.0, 2.0
UP_TO, PARTS = 4.0, 12  # of s² |k|², and into how many equal parts it is divided, each with one |k|²
HALF_WAY = 0.5  # of what a gain is above Wiener's: below it a mode is learned
SAMPLER, EVALUATIONS, IMAGES = "dpm_solver", 50, 64
"""With 50 steps at the exact optimum every mode is within 3 % of its variance; the 12 of a run's own samples leave a
third of the narrowest."""
NOISY = 256  # true images in noise, the same for all snapshots and modes


def wave_numbers() -> dict[int, float]:
    """Return s² |k|² by |n|², n in turns around the canvas: of each part of (0, `UP_TO`] the |n|² that most modes
    have, the smallest of several."""
    turns = np.fft.fftfreq(CANVAS, 1 / CANVAS).round().astype(int)
    squares, modes = np.unique(turns[:, None] ** 2 + turns**2, return_counts=True)
    x = (2 * math.pi * SIGMA_PX / CANVAS) ** 2 * squares
    parts = np.ceil(PARTS * x / UP_TO)
    best = [max(np.flatnonzero(parts == part), key=lambda i: modes[i]) for part in range(1, PARTS + 1)]
    return {int(squares[i]): float(x[i]) for i in best}


NUMBERS = wave_numbers()
X = np.array(list(NUMBERS.values()))


def data_variance(x: np.ndarray) -> np.ndarray:
    """Return lambda by s² |k|², of a bump that its pixels sample well."""
    return (CONTRAST * 2 * math.pi * SIGMA_PX**2 / CANVAS) ** 2 * np.exp(-x)


def harmonic(exact: np.ndarray) -> np.ndarray:
    """Return the variance below which a mode has emerged, from the data's variances."""
    return 2 * exact / (1 + exact)


def course(exact: np.ndarray, eta_tau: np.ndarray) -> np.ndarray:
    """Return the generated variance of modes with the data's variances `exact` at times eta tau, which broadcast."""
    from scipy.special import expi

    at = np.maximum(eta_tau, 1e-12)
    return exact * np.exp(expi(-2 * at) - expi(-2 * at * exact))


def emerges_at(exact: np.ndarray) -> np.ndarray:
    """Return eta tau at which the course falls below the harmonic mean, for each of the data's variances."""
    from scipy.optimize import brentq

    def above(log_at: float, variance: float) -> float:
        return math.log(course(np.array(variance), np.array(math.exp(log_at))) / harmonic(np.array(variance)))

    return np.exp([brentq(above, -10.0, 10.0 - math.log(own), args=(own,)) for own in exact.tolist()])


def equal_noise(exact: np.ndarray) -> np.ndarray:
    """Return the t at which modes of the data's variances `exact` are as strong as the noise in them."""
    return np.sqrt(exact) / (1 + np.sqrt(exact))


def answers_at(exact: np.ndarray) -> np.ndarray:
    """Return eta tau at which a linear network's gain is `HALF_WAY` between 1 and Wiener's."""
    return -math.log(HALF_WAY) / (4 * equal_noise(exact) ** 2)


def for_good(steps: np.ndarray, excess: np.ndarray, between: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds on the log of the step, (m,) each, from which each column of `excess` (T, m) stays below 0.

    A column that is below from the first trained snapshot on is bounded by 1 step and by that snapshot; one that is
    not below at the end, by the run's end alone.

    Args:
        steps: (T,), from 0 on.
        between: whether the date is interpolated in log steps between two snapshots; if not, both bound it.
    """
    logs = np.log(np.maximum(steps, 1))
    low, high = np.zeros(excess.shape[1]), np.full(excess.shape[1], math.inf)
    for mode, values in enumerate(excess.T):
        before = np.flatnonzero(~(values < 0))
        last = int(before[-1]) if len(before) else 0
        if last == len(steps) - 1:
            low[mode] = logs[last]
        elif steps[last] == 0:
            high[mode] = logs[last + 1]
        elif not between:
            low[mode], high[mode] = logs[last], logs[last + 1]
        else:
            share = values[last] / (values[last] - values[last + 1])
            low[mode] = high[mode] = logs[last] + share * (logs[last + 1] - logs[last])
    return low, high


def slope(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest least-squares slope over x that bounds on dates allow.

    A wide mode that is never learned leaves it open on both sides: no slope is flat because a mode is missing.
    """
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    up = weights > 0
    if np.isinf(high[~up]).any():
        return -math.inf, math.inf
    return float((weights * np.where(up, low, high)).sum()), float((weights * np.where(up, high, low)).sum())


def dates(runs: Runs, kind: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return, of every run, bounds on the log of the step at which each mode is learned.

    Args:
        kind: `generated`: its variance in generated images falls for good below the harmonic mean, interpolated
            between snapshots. `gain`: what is left of the gain on true images in noise falls for good below
            `HALF_WAY`, bounded by two snapshots, since no order is known of modes that come between them.
    """

    def modes(name: str) -> list[np.ndarray]:
        courses = [runs.courses(f"modes.{name}.{square}") for square in NUMBERS]
        return [np.column_stack(own) for own in zip(*courses, strict=True)]

    steps = runs.courses("step")
    if kind == "gain":
        return [for_good(s, left - HALF_WAY, False) for s, left in zip(steps, modes("left"), strict=True)]
    excess = [
        np.log(np.maximum(painted, 1e-30)) - np.log(harmonic(exact))
        for painted, exact in zip(modes("painted"), modes("exact"), strict=True)
    ]
    return [for_good(s, own, True) for s, own in zip(steps, excess, strict=True)]


@dataclass(frozen=True)
class MeanOfBounds(Statistic):
    """The mean over runs of a number that each run only bounds, from `low` to `high`; its interval covers both.

    `width`: distance of the two bounds in simulated runs. `paired`: of the planned runs, those of one seed are one.
    """

    width: float = 0.0
    absolute: bool = False
    paired: bool = False

    def estimate(self, table: pd.DataFrame) -> Estimate:
        bounds = table["low"].to_numpy(dtype=float), table["high"].to_numpy(dtype=float)
        low, high = (mean_over_runs(side) if np.isfinite(side).all() else None for side in bounds)
        if low is None and high is None:
            raise NotEnough("modes that are not learned within the runs leave the slope open on both sides")
        ends = low.low if low else -np.inf, high.high if high else np.inf
        known = low.value if low and (bounds[0] == bounds[1]).all() else np.nan
        detail = {"runs_with_bounds_only": float((bounds[0] != bounds[1]).sum())}
        if not self.absolute:
            return Estimate(known, *ends, len(table), detail)
        least = 0.0 if ends[0] <= 0 <= ends[1] else min(map(abs, ends))
        return Estimate(abs(known), least, max(map(abs, ends)), len(table), detail)

    def simulate(
        self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator
    ) -> pd.DataFrame:
        table = table.drop_duplicates("seed") if self.paired else table
        y, place = truth + spread * rng.standard_normal(len(table)), rng.random(len(table))
        return table.assign(low=y - place * self.width, high=y + (1 - place) * self.width)

    def spread_of(self, table: pd.DataFrame) -> float:
        return float(((table["low"] + table["high"]) / 2).std())


def slopes(kind: str, minus: float = 0.0) -> Number:
    """Number: bounds on the slope of the log of when modes are learned, over s² |k|², minus a number."""
    return partial(_slopes, kind=kind, minus=minus)


def _slopes(runs: Runs, kind: str, minus: float) -> pd.DataFrame:
    low, high = np.array([slope(X, *bounds) for bounds in dates(runs, kind)]).T - minus
    return runs.table.assign(low=low, high=high, y=low)


def flatter(runs: Runs) -> pd.DataFrame:
    """Number: the slope under Muon minus that under AdamW, for each seed that has both."""
    muon, adamw = (
        _slopes(runs.where(network=f"U-Net, {name}"), "gain", 0.0).set_index("seed")
        for name in ("Muon", "AdamW")
    )
    pairs = pd.DataFrame({"low": muon["low"] - adamw["high"], "high": muon["high"] - adamw["low"]})
    return pairs.dropna().reset_index()


def read_modes(run) -> list[dict]:
    """Return, by |n|², the variance of images that each snapshot's weights generate, that of the data, and how far
    their gain on true images in noise is still above Wiener's (1 untrained)."""
    images = data_of(config_of(run))
    exact = variances_of(images)
    rows = []
    for snapshot in run.snapshots:
        loaded = load_network(run, snapshot)
        painted, left = variances_of(generated(loaded)), left_of_gain(loaded, images, exact)
        row = {"step": snapshot.step}
        for name, values in (("painted", painted), ("exact", exact), ("left", left)):
            row |= {f"{name}.{square}": own for square, own in zip(NUMBERS, values.tolist(), strict=True)}
        rows.append(row)
    return rows


def data_of(config) -> np.ndarray:
    """Return all training images."""
    import torch

    return config.world.render(torch.from_numpy(config.world.training_labels()).double()).numpy()


def generated(loaded) -> np.ndarray:
    """Return images of a snapshot's weights without a label, from the same noise for all snapshots."""
    import torch

    config = loaded.config
    family = config.family.with_sampler(SAMPLER, EVALUATIONS).build()
    no_label = torch.full((IMAGES, len(config.world.factors)), math.nan)
    with torch.no_grad():
        noise = torch_generator(config.seed, "modes")
        return family.sample(loaded.network, no_label, config.world.shape, noise).numpy()


def left_of_gain(loaded, images: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return how far the gain along each mode is above Wiener's, as a share of what it is if noise is left as it is,
    at the t where the mode is as strong as its noise; without a label."""
    import torch

    config, family = loaded.config, loaded.config.family.build()
    generator = torch_generator(config.seed, "true images in noise")
    chosen = torch.randperm(len(images), generator=generator)[:NOISY]
    x_0 = torch.from_numpy(images).float()[chosen]
    noise = torch.randn(x_0.shape, generator=generator)
    no_label = torch.full((len(x_0), len(config.world.factors)), math.nan)
    left = []
    for place, level in enumerate(equal_noise(exact) * family.schedule.steps):
        t = int(level)
        alpha, sigma, _ = family.schedule.at(t)
        at = torch.full((len(x_0),), t)
        x_t = family.noisy(x_0, at, noise)
        with torch.no_grad():
            estimate = family.x_0_of(loaded.network, x_t, at, no_label)
        gains = mode_gains(x_t.numpy(), estimate.numpy())
        wiener = alpha * exact[place] / (alpha**2 * exact[place] + sigma**2)
        left.append((by_number(gains.k_2, gains.gain)[place] - wiener) / (1 - wiener))
    return np.array(left)


def variances_of(images: np.ndarray) -> np.ndarray:
    """Return the variance of images in each of the modes."""
    found = mode_variances(images)
    return by_number(found.k_2, found.variance)


def by_number(k_2: np.ndarray, values: np.ndarray) -> np.ndarray:
    squares = (k_2 * (CANVAS / (2 * math.pi)) ** 2).round().astype(int).tolist()
    by_square = dict(zip(squares, values.tolist(), strict=True))
    return np.array([by_square[square] for square in NUMBERS])
