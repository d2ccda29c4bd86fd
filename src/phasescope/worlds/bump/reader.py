"""The reading of an image: how many bumps; of a single one, where, how wide, how strong; what became of it.

**Resolution.** Two equal bumps a distance d apart are two regions when the matched filter's amplitude R dips
below half between them. Half way R = 2 exp(-d^2 / (16 sigma^2)), so d > 4 sigma sqrt(ln 4) = 4.71 sigma.
Where noise of deviation s (share of the contrast) should not bridge the dip either, z deviations of R are to
be added:

    2 exp(-d^2 / (16 sigma^2)) + z s / (sigma sqrt(pi)) < half

A closer pair is one region, and malformed: no single bump fits it, or one does and a second one is left.
Nearer than 2 sigma, where the image itself has no dip, it can pass for one wide bump.

**Limits of sight.** A single bump's centre can be known to s sqrt(2 / pi) px along each axis, its width to
s / sqrt(pi) px (Cramer-Rao, away from the edge, whatever its sigma: a smaller bump is steeper). Labels begin
at 0, a pixel before the first pixel centre, and a bump there is read from its flank. Where even that is below
the noise floor there is no bump to see: at sigma 0.5 px and the label (0, 0) its brightest pixel has 2 % of
the contrast. And at sigma 0.5 px and noise 0.2 a bump's score is 4.4, no more than what noise reaches in some
images: most are lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from phasescope.errors import UserError
from phasescope.worlds.base import Columns, Outcome, Reader
from phasescope.worlds.bump.matched_filter import (
    Canvas,
    brightest,
    chance_level,
    find_bumps,
    fit_bumps,
    remainder,
    root_mean_square,
)
from phasescope.worlds.plane import THRESHOLDS, Thresholds, in_contrasts, noise_deviation, wrap

OUTCOMES = (
    Outcome("none", "A", "#c7ccd2"),
    Outcome("multiple", "A", "#cc79a7"),
    Outcome("malformed", "A", "#7d4f50"),
    Outcome("misplaced", "B", "#e69f00"),
    Outcome("correct", "C", "#0072b2"),
)
"""from nothing to the right thing; colours as in Okabe & Ito 2008, told apart by lightness too"""
READ = ("bumps", "x", "y", "width_px", "amplitude", "residual", "left")
UNGATED = ("darkest", "matched", "refined")
"""ways to read a place from every image, whatever it holds: the pixel of the strongest contrast, the darkest of a dark bump
(what Liang et al. 2024 are likely to read); where the matched filter's score is highest, to 0.5 px; and the same between
those places. The first two favour labels on pixels: within 1 px they accept a window of 1.5 and 1.25 px around an integer
label, and one of 1 px around others. So only the last compares labels of unequal spacing."""

UNREADABLE = -1
"""The bump count of an image that holds NaN or infinity."""


@dataclass(frozen=True)
class Readings:
    """What was read in n images; NaN where there is not exactly one bump, or no fit."""

    bumps: Int[np.ndarray, " n"]
    """number of bumps; -1 where the image holds NaN or infinity"""
    x: Float[np.ndarray, " n"]
    """centre along columns, px; in [0, N] where the canvas is periodic"""
    y: Float[np.ndarray, " n"]
    """centre along rows, px"""
    width_px: Float[np.ndarray, " n"]
    amplitude: Float[np.ndarray, " n"]
    """share of the nominal contrast"""
    residual: Float[np.ndarray, " n"]
    """root mean square left unexplained by the fit, beyond the image's noise, share of the contrast"""
    left: Float[np.ndarray, " n"]
    """number of bumps found in what the fit leaves: a single region that held more than one bump"""
    sigma_px: float
    """the world's bump width"""
    period_px: float | None
    """the canvas' side where it is periodic"""


@dataclass(frozen=True)
class BumpReader(Reader):
    """Reads images of the Gaussian bump world."""

    outcomes = OUTCOMES

    canvas: int
    sigma_px: float = 1.0
    polarity: Literal["dark", "bright"] = "dark"
    periodic: bool = False
    thresholds: Thresholds = THRESHOLDS

    def read(self, images: Float[np.ndarray, "n 1 N N"]) -> Columns:
        """The columns `READ` of each image, as `Readings` has them; of each of `UNGATED` its place, as in `x_darkest`."""
        found, places = self._read(np.asarray(images)[:, 0])
        return {name: getattr(found, name) for name in READ} | places

    def errors(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
        """(dx, dy) of a single bump, px."""
        return np.stack(errors_px(self._readings(columns), labels), axis=1)

    def right(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        """One well-formed bump, within `tolerance_px` of the label along each axis."""
        return np.stack(correct_axes(self._readings(columns), labels, self.thresholds), axis=1)

    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> np.ndarray:
        return outcomes(self._readings(columns), labels, self.thresholds)

    def ungated(
        self, columns: Columns, labels: Float[np.ndarray, "n 2"]
    ) -> dict[str, Float[np.ndarray, "n 2"]]:
        """(dx, dy) of the place by each of `UNGATED`, px."""
        return {
            way: np.stack(
                [
                    wrap(columns[f"{axis}_{way}"] - labels[:, k], self._period_px)
                    for k, axis in enumerate("xy")
                ],
                axis=1,
            )
            for way in UNGATED
        }

    @property
    def tolerance(self) -> Float[np.ndarray, " 2"]:
        """`tolerance_px` along each axis."""
        return np.full(2, self.thresholds.tolerance_px)

    def objects(self, columns: Columns) -> Float[np.ndarray, " n"]:
        return np.where(columns["bumps"] == UNREADABLE, np.nan, columns["bumps"])

    def summary(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> dict[str, float | None]:
        """`error_px`: the median distance of well-formed bumps from their labels; None where there is none."""
        readings = self._readings(columns)
        far = np.hypot(*errors_px(readings, labels))[well_formed(readings, self.thresholds)]
        return {"error_px": float(np.median(far)) if len(far) else None}

    def _readings(self, columns: Columns) -> Readings:
        return Readings(
            **{name: columns[name] for name in READ}, sigma_px=self.sigma_px, period_px=self._period_px
        )

    @property
    def _period_px(self) -> float | None:
        return float(self.canvas) if self.periodic else None

    @property
    def _canvas(self) -> Canvas:
        return Canvas(self.canvas, self.periodic, self.sigma_px)

    def read_images(self, images: Float[np.ndarray, "n N N"]) -> Readings:
        """What is in `images`, values nominally in [-1, 1].

        Raises:
            UserError: the images do not have this reader's canvas.
        """
        return self._read(images)[0]

    def _read(self, images: Float[np.ndarray, "n N N"]) -> tuple[Readings, dict[str, np.ndarray]]:
        """What is in `images`, and the columns of `UNGATED`: NaN where an image holds NaN or infinity."""
        images = np.asarray(images)
        if images.ndim != 3 or images.shape[1:] != (self.canvas, self.canvas):
            raise UserError(
                f"`images` (of shape {images.shape}) must have the shape (n, {self.canvas}, {self.canvas})"
            )
        g, finite = in_contrasts(images, self.polarity == "dark")
        limits, canvas = self.thresholds, self._canvas
        noise = noise_deviation(g)
        doubt = np.maximum(noise, limits.noise_floor)
        least_score = chance_level(canvas, limits.false_objects) * doubt
        found = find_bumps(g, canvas, limits.half_contrast, least_score)

        single = np.flatnonzero(found.bumps == 1)
        start = found.x[single], found.y[single], found.amplitude[single]
        fit = fit_bumps(g[single], canvas, start, doubt[single])
        left = remainder(g[single], canvas, fit)
        radius_px = limits.residual_radius_sigma * self.sigma_px
        residual = root_mean_square(left, canvas, fit, radius_px, noise[single])
        second = find_bumps(left, canvas, limits.half_contrast, least_score[single]).bumps

        def of_all(values: np.ndarray) -> np.ndarray:
            all_values = np.full(len(g), np.nan, dtype=np.float32)
            all_values[single] = values
            return all_values

        period_px = self._period_px
        x, y = (c % period_px if period_px else c for c in (fit.x, fit.y))
        ungated = zip(UNGATED, (brightest(g, canvas), found.anywhere, found.refined), strict=True)
        places = {
            f"{axis}_{way}": np.where(finite, at[:, k], np.nan).astype(np.float32)
            for way, at in ungated
            for k, axis in enumerate("xy")
        }
        readings = Readings(
            bumps=np.where(finite, found.bumps, UNREADABLE),
            x=of_all(x),
            y=of_all(y),
            width_px=of_all(fit.width_px),
            amplitude=of_all(fit.amplitude),
            residual=of_all(residual),
            left=of_all(second),
            sigma_px=self.sigma_px,
            period_px=period_px,
        )
        return readings, places


def errors_px(
    readings: Readings, labels: Float[np.ndarray, "n 2"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """(dx, dy), read minus labelled, px; wrapped if periodic, NaN where there is no centre or no label.

    Raises:
        UserError: `labels` is not one (x, y) an image.
    """
    labels = np.asarray(labels)
    if labels.shape != (len(readings.bumps), 2):
        raise UserError(
            f"`labels` (of shape {labels.shape}) must have the shape ({len(readings.bumps)}, 2): x, y"
        )
    dx, dy = (wrap(c - labels[:, k], readings.period_px) for k, c in enumerate((readings.x, readings.y)))
    return dx, dy


def well_formed(readings: Readings, thresholds: Thresholds = THRESHOLDS) -> Bool[np.ndarray, " n"]:
    """One bump, its width, amplitude and residual a bump's, and no second one hidden in its region."""
    narrowest, widest = thresholds.width
    faintest, strongest = thresholds.amplitude
    width = readings.width_px / readings.sigma_px
    return (
        (readings.bumps == 1)
        & (width >= narrowest)
        & (width <= widest)
        & (readings.amplitude >= faintest)
        & (readings.amplitude <= strongest)
        & (readings.residual <= thresholds.residual)
        & (readings.left == 0)
    )


def correct_axes(
    readings: Readings, labels: Float[np.ndarray, "n 2"], thresholds: Thresholds = THRESHOLDS
) -> tuple[Bool[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """(correct_x, correct_y): one well-formed bump, within `tolerance_px` of the label along that axis.

    Where the label is NaN (none was given) every place is right.
    """
    formed = well_formed(readings, thresholds)
    correct_x, correct_y = (
        formed & ~(np.abs(d) > thresholds.tolerance_px) for d in errors_px(readings, labels)
    )
    return correct_x, correct_y


def outcomes(
    readings: Readings, labels: Float[np.ndarray, "n 2"], thresholds: Thresholds = THRESHOLDS
) -> np.ndarray:
    """The outcome of each image, (n,) of str, by the names of `OUTCOMES`."""
    correct_x, correct_y = correct_axes(readings, labels, thresholds)
    cases = [
        readings.bumps == 0,
        readings.bumps >= 2,
        ~well_formed(readings, thresholds),
        ~(correct_x & correct_y),
    ]
    *failures, success = (outcome.name for outcome in OUTCOMES)
    return np.select(cases, failures, default=success)
