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

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from phasescope.measures.columns import Column, declare
from phasescope.worlds.base import Columns, Outcome
from phasescope.worlds.bump.matched_filter import (
    brightest,
    chance_level,
    find_bumps,
    fit_bumps,
    remainder,
    root_mean_square,
)
from phasescope.worlds.plane import Pixels, PlaneReader, noise_deviation, within

# From no object to the correct one; colours of Okabe & Ito (2008), which also differ in lightness.
OUTCOMES = (
    Outcome("none", "A", "#c7ccd2"),
    Outcome("multiple", "A", "#cc79a7"),
    Outcome("malformed", "A", "#7d4f50"),
    Outcome("misplaced", "B", "#e69f00"),
    Outcome("correct", "C", "#0072b2"),
)
UNGATED = ("darkest", "matched", "refined")
"""readings of a place from every image, also malformed ones: the pixel of the strongest contrast, the darkest of a dark bump
(what Liang et al. 2024 are likely to read); where the matched filter's score is highest, to 0.5 px; and the same between
those places. The first two favour labels on pixels: within 1 px they accept a window of 1.5 and 1.25 px around an integer
label, and one of 1 px around others. So only the last compares labels of unequal spacing."""

ERROR_PX = Column(
    name="error_px",
    words="distance from the label",
    meaning="median distance of well-formed bumps from the label",
    unit="px",
    low=0.0,
    better="lower",
    at="split",
    section="images",
    needs=frozenset({"images"}),
    core=True,
)
declare(ERROR_PX)
UNREADABLE = -1
"""The bump count of an image that holds NaN or infinity."""


@dataclass(frozen=True)
class BumpReader(PlaneReader):
    """Reads images of the Gaussian bump world."""

    WAYS = UNGATED
    outcomes = OUTCOMES
    declared = (ERROR_PX,)

    sigma_px: float = 1.0

    def read(self, images: Float[np.ndarray, "n 1 N N"]) -> Columns:
        """Return the readings of images, nominally in [-1, 1]; NaN unless there is exactly one bump, and a fit of it:

        bumps                   how many; -1 if the image holds NaN or infinity
        x, y                    centre along columns and rows, px; in [0, N] on a periodic canvas
        width_px, amplitude     of the fit; the amplitude as a share of the nominal contrast
        residual                root mean square left by the fit, beyond the image's noise, share of the contrast
        left                    bumps in what the fit leaves: a single region that held more than one bump
        x_darkest, ...          the place by each of `UNGATED`, of every finite image
        """
        g, finite = self.contrasts(images)
        limits, canvas = self.thresholds, Pixels(self.canvas, self.periodic, self.sigma_px)
        noise = noise_deviation(g)
        doubt = np.maximum(noise, limits.noise_floor)
        least_score = chance_level(canvas, limits.false_objects) * doubt
        detected = find_bumps(g, canvas, limits.half_contrast, least_score)

        single = np.flatnonzero(detected.bumps == 1)
        start = detected.x[single], detected.y[single], detected.amplitude[single]
        fit = fit_bumps(g[single], canvas, start, doubt[single])
        left = remainder(g[single], canvas, fit)
        radius_px = limits.residual_radius_sigma * self.sigma_px
        of_single = {
            "x": fit.x % self.canvas if self.periodic else fit.x,
            "y": fit.y % self.canvas if self.periodic else fit.y,
            "width_px": fit.width_px,
            "amplitude": fit.amplitude,
            "residual": root_mean_square(
                left=left, canvas=canvas, fit=fit, radius_px=radius_px, noise=noise[single]
            ),
            "left": find_bumps(left, canvas, limits.half_contrast, least_score[single]).bumps,
        }
        columns = {"bumps": np.where(finite, detected.bumps, UNREADABLE)}
        for name, values in of_single.items():
            columns[name] = np.full(len(g), np.nan, dtype=np.float32)
            columns[name][single] = values
        for way, place in zip(
            UNGATED, (brightest(g, canvas), detected.anywhere, detected.refined), strict=True
        ):
            for k, axis in enumerate("xy"):
                columns[f"{axis}_{way}"] = np.where(finite, place[:, k], np.nan).astype(np.float32)
        return columns

    def correct(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        """Return whether there is one well-formed bump, within `tolerance_px` of the label along each axis; if the label
        is NaN, every place is correct."""
        far = np.abs(self.errors(columns, labels)) > self.thresholds.tolerance_px
        return self.formed(columns)[:, None] & ~far

    def failures(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> list[Any]:
        bumps, correct = columns["bumps"], self.correct(columns, labels)
        return [bumps == 0, bumps >= 2, ~self.formed(columns), ~correct.all(axis=1)]

    def objects(self, columns: Columns) -> Float[np.ndarray, " n"]:
        """Return the number of bumps in each image; NaN if it cannot be read."""
        return np.where(columns["bumps"] == UNREADABLE, np.nan, columns["bumps"])

    def summary(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> dict[str, float | None]:
        """Return `error_px`: the median distance of well-formed bumps from their labels; None if there is none."""
        far = np.hypot(*self.errors(columns, labels).T)[self.formed(columns)]
        return {"error_px": float(np.median(far)) if len(far) else None}

    def formed(self, columns: Columns) -> Bool[np.ndarray, " n"]:
        """Return whether there is one bump, with a bump's width, amplitude and residual, and no second one hidden in
        its region."""
        limits = self.thresholds
        return (
            (columns["bumps"] == 1)
            & within(columns["width_px"] / self.sigma_px, limits.width)
            & within(columns["amplitude"], limits.amplitude)
            & (columns["residual"] <= limits.residual)
            & (columns["left"] == 0)
        )
