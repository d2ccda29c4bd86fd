"""The reader of stripes: their number along each axis, and the place, width and contrast of a single one.

A profile is an image's mean along the other axis, so white noise is smaller in it by sqrt(N), and a stripe of that other
axis is an offset. In units of a stripe's contrast a stripe at c is A h_c, h_c(p) = exp(-(p - c)^2 / (2 sigma^2)), and

    amplitude  R(c) = <p, h_c> / <h_c, h_c>,    score  z(c) = <p, h_c> / sqrt(<h_c, h_c>),

where p is the profile minus its median. Two equal stripes nearer than 4.71 sigma, between which R does not fall below half,
are read as one, and the residual of such a pair after a single stripe's fit makes the image malformed; so does a stripe that
does not cross the whole canvas. Nearer than 2 sigma the profile has no dip, and they can pass for one wide stripe.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from phasescope.worlds.base import Columns, Outcome
from phasescope.worlds.marquardt import Expansion, diagonals, marquardt
from phasescope.worlds.plane import (
    Pixels,
    PlaneReader,
    beyond_noise,
    count_regions,
    noise_deviation,
    within,
)

# Prior deviation of a stripe's amplitude over the nominal one, and of log(width / sigma): loose, a factor of 1.6.
PRIOR_DEVIATION = 0.5
STEPS = 40
"""most steps of a fit"""
OUTCOMES = (
    Outcome("none", "A", "#c7ccd2"),
    Outcome("partial", "A", "#8da0b3"),
    Outcome("multiple", "A", "#cc79a7"),
    Outcome("malformed", "A", "#7d4f50"),
    Outcome("misplaced", "B", "#e69f00"),
    Outcome("correct", "C", "#0072b2"),
)
"""no stripe; some requested stripes missing; too many, or unrequested ones; no stripe's shape; wrong place; correct"""
NAMES = ("x", "y")


@dataclass(frozen=True)
class Axis(Pixels):
    """N pixels along which there are stripes."""

    def stripe(
        self, centre: Float[np.ndarray, " m"], width_px: Float[np.ndarray, " m"]
    ) -> Float[np.ndarray, "m N"]:
        """Return each stripe's profile, of amplitude 1."""
        away = self.displacement(centre[:, None], self.pixels)
        return np.exp(-0.5 * (away / width_px[:, None]) ** 2)

    def chance_level(self, false_stripes: float) -> float:
        """Return the score that noise alone is expected to exceed at `false_stripes` places per profile (Rice 1944): z's
        correlation is exp(-r^2 / (4 sigma^2)), so it rises through u N exp(-u^2 / 2) / (2 pi sqrt(2) sigma) times."""
        rises = self.size / (2 * math.pi * math.sqrt(2) * self.width_px)
        return math.sqrt(max(2 * math.log(rises / false_stripes), 1.0))


@dataclass(frozen=True)
class Lines:
    """The stripes in n profiles."""

    count: Int[np.ndarray, " n"]
    at: Float[np.ndarray, " n"]
    """the place of the highest score, also in malformed profiles"""
    centre: Float[np.ndarray, " n"]
    width_px: Float[np.ndarray, " n"]
    amplitude: Float[np.ndarray, " n"]
    """of a single stripe, fitted; NaN if there is not exactly one, or no fit"""


def find_lines(
    profile: Float[np.ndarray, "n N"], axis: Axis, half: float, least_score: Float[np.ndarray, " n"]
) -> Lines:
    """Find the stripes: runs of centres c with R(c) >= half and z(c) >= least_score that hold a peak of z."""
    c = axis.candidates
    h = axis.stripe(c, np.full(len(c), axis.width_px))
    norm = np.sqrt((h**2).sum(axis=1))
    level = profile - np.median(profile, axis=1, keepdims=True)
    score = level @ h.T / norm
    amplitude = score / norm

    inside = (amplitude >= half) & (score >= least_score[:, None])
    if axis.periodic:
        around = np.pad(score, ((0, 0), (1, 1)), mode="wrap")
    else:
        around = np.pad(score, ((0, 0), (1, 1)), constant_values=-np.inf)
    peak = inside & (score >= around[:, :-2]) & (score > around[:, 2:])
    count = count_regions(inside[:, None], peak[:, None], axis.periodic)

    best = c[score.argmax(axis=1)]
    fitted = np.full((3, len(profile)), np.nan)
    single = np.flatnonzero(count == 1)
    start = amplitude[single, score[single].argmax(axis=1)]
    noise = np.maximum(least_score[single] / axis.chance_level(0.01), 1e-3)
    fitted[:, single] = _fit(level[single], axis, centre=best[single], amplitude=start, noise=noise)
    centre, width_px, amplitude = fitted
    return Lines(count, at=best, centre=centre, width_px=width_px, amplitude=amplitude)


def _fit(
    profile: Float[np.ndarray, "m N"],
    axis: Axis,
    centre: Float[np.ndarray, " m"],
    amplitude: Float[np.ndarray, " m"],
    noise: Float[np.ndarray, " m"],
) -> Float[np.ndarray, "3 m"]:
    """Fit A G + c by damped Gauss-Newton steps (Marquardt 1963) for A, centre, log of the width, c:

        minimise    |p - A G - c|^2 + noise^2 ((A - 1)^2 + (log w - log sigma)^2) / PRIOR_DEVIATION^2

    Return (centre, width_px, amplitude); NaN if the centre ends farther than 2 sigma + 1 px away.
    """
    sigma = axis.width_px
    start = np.stack(
        [amplitude, centre, np.full_like(centre, math.log(sigma)), np.zeros_like(centre)], axis=1
    )
    # The prior decides where an edge cuts the stripe: there amplitude, width and place trade off.
    weight = ((noise / PRIOR_DEVIATION) ** 2)[:, None] * np.array([1.0, 0.0, 1.0, 0.0])
    prior = np.array([1.0, 0.0, math.log(sigma), 0.0])

    def expand(p: Float[np.ndarray, "k 4"], live: Int[np.ndarray, " k"]) -> Expansion:
        amplitude, centre, log_width, offset = p.T[..., None]
        width = np.exp(log_width)
        away = axis.displacement(centre, axis.pixels)
        g = np.exp(-0.5 * (away / width) ** 2)

        # The derivatives of A G + c by A, centre, log of the width, and c.
        slope = amplitude * g * away / width**2
        jacobian = np.stack([g, slope, slope * away, np.ones_like(g)], axis=2)

        left = profile[live] - amplitude * g - offset
        gram = np.einsum("mni,mnj->mij", jacobian, jacobian) + diagonals(weight[live])
        return Expansion(
            loss=(left**2).sum(axis=1) + (weight[live] * (p - prior) ** 2).sum(axis=1),
            hessian=gram,
            descent=np.einsum("mni,mn->mi", jacobian, left) - weight[live] * (p - prior),
            scale=np.einsum("mii->mi", gram) + 1e-12,
        )

    lowest = np.array([-np.inf, -np.inf, math.log(sigma / 10), -np.inf])
    highest = np.array([np.inf, np.inf, math.log(sigma * 10), np.inf])
    p, _ = marquardt(
        expand,
        start,
        reach=np.array([1.0, sigma, 0.5, 1.0]),
        bounds=(lowest, highest),
        iterations=STEPS,
    )
    moved = np.abs(axis.displacement(centre, p[:, 1]))
    fitted = np.stack([p[:, 1], np.exp(p[:, 2]), p[:, 0]])
    return np.where(moved <= 2 * sigma + 1, fitted, np.nan)


@dataclass(frozen=True)
class StripesReader(PlaneReader):
    """Reads images of the world of stripes; `scale` is the contrast of one stripe."""

    WAYS = ("darkest", "matched")
    outcomes = OUTCOMES

    sigma_px: float = 1.0
    scale: float = 0.5

    def read(self, images: Float[np.ndarray, "n 1 N N"]) -> Columns:
        """Return for each axis `stripes_x` (how many; -1 if the image is not finite), `x` (centre of a single one, px),
        `width_x_px`, `contrast_x` (share of a stripe's), `x_darkest` and `x_matched` (of every image); and `residual`."""
        contrasts, finite = self.contrasts(images)
        g = contrasts / self.scale
        limits, axis = self.thresholds, self._axis
        noise = noise_deviation(g)
        doubt = np.maximum(noise / np.sqrt(self.canvas), limits.noise_floor)
        least_score = axis.chance_level(limits.false_objects) * doubt

        columns: dict[str, np.ndarray] = {}
        lines = []
        for name, profile in zip(NAMES, (g.mean(axis=1), g.mean(axis=2)), strict=True):
            detected = find_lines(profile, axis, limits.half_contrast, least_score)
            lines.append(detected)
            centre = detected.centre % self.canvas if self.periodic else detected.centre
            columns |= {
                f"stripes_{name}": np.where(finite, detected.count, -1),
                name: centre.astype(np.float32),
                f"width_{name}_px": detected.width_px.astype(np.float32),
                f"contrast_{name}": detected.amplitude.astype(np.float32),
                f"{name}_darkest": _where(finite, axis.pixels[profile.argmax(axis=1)]),
                f"{name}_matched": _where(finite, detected.at),
            }

        columns["residual"] = _where(finite, self._left(g, lines, noise))
        return columns

    def correct(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        """Return whether an image is well-formed, with one stripe along the axis within `tolerance_px` of the label's;
        none if the label has none."""
        near = np.abs(self.errors(columns, labels)) <= self.thresholds.tolerance_px
        correct = np.where(self.requested(labels), near, self._counts(columns) == 0)
        return self._formed(columns)[:, None] & correct

    def failures(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> list[Any]:
        asked, counts = self.requested(labels), self._counts(columns)
        return [
            asked.any(axis=1) & (counts == 0).all(axis=1),
            (asked & (counts == 0)).any(axis=1),
            (counts > asked).any(axis=1),
            ~self._formed(columns),
            ~self.correct(columns, labels).all(axis=1),
        ]

    @property
    def _axis(self) -> Axis:
        return Axis(self.canvas, self.periodic, self.sigma_px)

    def requested(self, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        return (labels >= 0) & (labels <= self.canvas)

    def _counts(self, columns: Columns) -> np.ndarray:
        return np.stack([columns[f"stripes_{name}"] for name in NAMES], axis=1)

    def _formed(self, columns: Columns) -> Bool[np.ndarray, " n"]:
        """Return whether each axis has none or one stripe, which is as a stripe is; and nothing else."""
        limits, counts = self.thresholds, self._counts(columns)
        width = np.stack([columns[f"width_{name}_px"] for name in NAMES], axis=1) / self.sigma_px
        contrast = np.stack([columns[f"contrast_{name}"] for name in NAMES], axis=1)
        stripe = (counts == 1) & within(width, limits.width) & within(contrast, limits.amplitude)
        return ((counts == 0) | stripe).all(axis=1) & (columns["residual"] <= limits.residual)

    def _left(
        self, g: Float[np.ndarray, "n N N"], lines: list[Lines], noise: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Return the root mean square of what the stripes leave, beyond the noise: along a stripe or over the canvas, the
        larger one."""
        left, canvas, axis = g.copy(), np.ones(g.shape, dtype=bool), self._axis
        reach, places = self.thresholds.residual_radius_sigma * self.sigma_px, [canvas]
        for along, fit in zip((1, 2), lines, strict=True):
            has = np.isfinite(fit.centre)
            centre, width = np.where(has, fit.centre, 0.0), np.where(has, fit.width_px, 1.0)
            stripe = np.nan_to_num(fit.amplitude)[:, None] * axis.stripe(centre, width)
            left -= np.expand_dims(np.where(has[:, None], stripe, 0), along)
            away = np.abs(axis.displacement(centre[:, None], axis.pixels))
            places.append(np.expand_dims(has[:, None] & (away <= reach), along) & canvas)
        return np.max([beyond_noise(left, where, noise) for where in places], axis=0)


def _where(finite: np.ndarray, values: np.ndarray) -> Float[np.ndarray, " n"]:
    return np.where(finite, values, np.nan).astype(np.float32)
