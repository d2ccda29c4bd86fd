"""Gaussian stripes in profiles: where they are (a matched filter), how wide and strong (least squares).

A profile is an image's mean along the other axis, so white noise is smaller in it by sqrt(N), and a stripe of that other
axis is an offset. In units of a stripe's contrast a stripe at c is A h_c, h_c(p) = exp(-(p - c)^2 / (2 sigma^2)), and

    amplitude  R(c) = <p, h_c> / <h_c, h_c>,    score  z(c) = <p, h_c> / sqrt(<h_c, h_c>),

p less its median.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from phasescope.worlds.plane import Expansion, Pixels, diagonals, marquardt

PRIOR_DEVIATION = 0.5
"""of a stripe's amplitude over the nominal one, and of log(width / sigma): loose, a factor of 1.6"""
STEPS = 40
"""of a fit, at most"""


@dataclass(frozen=True)
class Axis(Pixels):
    """N pixels along which there are stripes."""

    sigma_px: float

    def stripe(
        self, centre: Float[np.ndarray, " m"], width_px: Float[np.ndarray, " m"]
    ) -> Float[np.ndarray, "m N"]:
        """Each stripe's profile, of amplitude 1."""
        away = self.displacement(centre[:, None], self.pixels)
        return np.exp(-0.5 * (away / width_px[:, None]) ** 2)

    def chance_level(self, false_stripes: float) -> float:
        """The score that noise alone exceeds at `false_stripes` places a profile, as expected (Rice 1944): z's correlation
        is exp(-r^2 / (4 sigma^2)), so that it rises through u N exp(-u^2 / 2) / (2 pi sqrt(2) sigma) times."""
        rises = self.size / (2 * math.pi * math.sqrt(2) * self.sigma_px)
        return math.sqrt(max(2 * math.log(rises / false_stripes), 1.0))


@dataclass(frozen=True)
class Lines:
    """What is in n profiles.

    Attributes:
        count: stripes.
        at: of the highest score, whatever the profile holds.
        centre, width_px, amplitude: of a single stripe, fitted; NaN where there is not exactly one, or no fit.
    """

    count: Int[np.ndarray, " n"]
    at: Float[np.ndarray, " n"]
    centre: Float[np.ndarray, " n"]
    width_px: Float[np.ndarray, " n"]
    amplitude: Float[np.ndarray, " n"]


def find_lines(
    profile: Float[np.ndarray, "n N"], axis: Axis, half: float, least_score: Float[np.ndarray, " n"]
) -> Lines:
    """Stripes are runs of centres c with R(c) >= half and z(c) >= least_score that hold a peak of z."""
    c = axis.candidates
    h = axis.stripe(c, np.full(len(c), axis.sigma_px))
    norm = np.sqrt((h**2).sum(axis=1))
    level = profile - np.median(profile, axis=1, keepdims=True)
    score = level @ h.T / norm
    amplitude = score / norm
    inside = (amplitude >= half) & (score >= least_score[:, None])
    beside = (
        (np.roll(score, 1, axis=1), np.roll(score, -1, axis=1))
        if axis.periodic
        else (
            np.pad(score, ((0, 0), (1, 0)), constant_values=-np.inf)[:, :-1],
            np.pad(score, ((0, 0), (0, 1)), constant_values=-np.inf)[:, 1:],
        )
    )
    peak = inside & (score >= beside[0]) & (score > beside[1])
    count = np.array([_runs(a, b, axis.periodic) for a, b in zip(inside, peak, strict=True)], dtype=int)
    best = c[score.argmax(axis=1)]
    fitted = np.full((3, len(profile)), np.nan)
    single = np.flatnonzero(count == 1)
    start = amplitude[single, score[single].argmax(axis=1)]
    noise = np.maximum(least_score[single] / axis.chance_level(0.01), 1e-3)
    fitted[:, single] = _fit(level[single], axis, best[single], start, noise)
    return Lines(count, best, *fitted)


def _runs(inside: np.ndarray, peak: np.ndarray, periodic: bool) -> int:
    """Runs of `inside` that hold a peak."""
    starts = inside & ~np.concatenate([[inside[-1] if periodic else False], inside[:-1]])
    if inside.all():
        return int(peak.any())
    run = np.cumsum(starts)
    if periodic:  # what comes before the first start belongs to the last run
        run = np.where(run == 0, run[-1], run)
    return len(np.unique(run[peak]))


def _fit(
    profile: Float[np.ndarray, "m N"],
    axis: Axis,
    centre: Float[np.ndarray, " m"],
    amplitude: Float[np.ndarray, " m"],
    noise: Float[np.ndarray, " m"],
) -> Float[np.ndarray, "3 m"]:
    """(centre, width_px, amplitude) by damped Gauss-Newton steps (Marquardt 1963) for A G + c, log of the width:

        minimise    |p - A G - c|^2 + noise^2 ((A - 1)^2 + (log w - log sigma)^2) / PRIOR_DEVIATION^2

    The second term decides where an edge cuts the stripe. NaN where it ends farther than 2 sigma + 1 px away.
    """
    sigma = axis.sigma_px
    p = np.stack([amplitude, centre, np.full_like(centre, math.log(sigma)), np.zeros_like(centre)], axis=1)
    ridge = (noise / PRIOR_DEVIATION) ** 2
    held = ridge[:, None] * np.array([1.0, 0.0, 1.0, 0.0])
    prior = np.array([1.0, 0.0, math.log(sigma), 0.0])

    def expand(p: np.ndarray, live: np.ndarray) -> Expansion:
        width = np.exp(p[:, 2])
        away = axis.displacement(p[:, [1]], axis.pixels)
        g = np.exp(-0.5 * (away / width[:, None]) ** 2)
        left = profile[live] - p[:, [0]] * g - p[:, [3]]
        slope = p[:, [0]] * g * away / width[:, None] ** 2
        jacobian = np.stack([g, slope, slope * away, np.ones_like(g)], axis=2)
        loss = (left**2).sum(axis=1) + (held[live] * (p - prior) ** 2).sum(axis=1)
        gram = np.einsum("mni,mnj->mij", jacobian, jacobian) + diagonals(held[live])
        descent = np.einsum("mni,mn->mi", jacobian, left) - held[live] * (p - prior)
        return loss, gram, descent, np.einsum("mii->mi", gram) + 1e-12

    low, high = np.full((2, 4), [[-np.inf], [np.inf]])
    low[2], high[2] = math.log(sigma / 10), math.log(sigma * 10)
    p, _ = marquardt(expand, p, np.array([1.0, sigma, 0.5, 1.0]), (low, high), STEPS)
    moved = np.abs(axis.displacement(centre, p[:, 1]))
    fitted = np.stack([p[:, 1], np.exp(p[:, 2]), p[:, 0]])
    return np.where(moved <= 2 * sigma + 1, fitted, np.nan)
