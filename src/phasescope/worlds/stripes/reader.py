"""The reading of an image of stripes: along each axis how many, and of a single one where, how wide, how strong.

Two equal stripes nearer than 4.71 sigma, between which R does not dip below half, are read as one, and what such a pair
leaves beside a single stripe's fit makes the image malformed; so does a stripe that does not cross the whole canvas.
Nearer than 2 sigma, where the profile itself has no dip, they can pass for one wide stripe.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from phasescope.worlds.base import Columns, Outcome
from phasescope.worlds.plane import PlaneReader, noise_deviation, within
from phasescope.worlds.stripes.lines import Axis, Lines, find_lines

OUTCOMES = (
    Outcome("none", "A", "#c7ccd2"),
    Outcome("partial", "A", "#8da0b3"),
    Outcome("multiple", "A", "#cc79a7"),
    Outcome("malformed", "A", "#7d4f50"),
    Outcome("misplaced", "B", "#e69f00"),
    Outcome("correct", "C", "#0072b2"),
)
"""no stripe at all; not all that were told; more of it, or what was not told; not as stripes are; elsewhere; as told"""
NAMES = ("x", "y")


@dataclass(frozen=True)
class StripesReader(PlaneReader):
    """Reads images of the world of stripes; `scale` is the contrast of one stripe."""

    WAYS = ("darkest", "matched")
    outcomes = OUTCOMES

    sigma_px: float = 1.0
    scale: float = 0.5

    def read(self, images: Float[np.ndarray, "n 1 N N"]) -> Columns:
        """Of each axis `stripes_x` (how many; -1 where the image is not finite), `x` (centre of a single one, px),
        `width_x_px`, `contrast_x` (share of a stripe's), `x_darkest` and `x_matched` (of every image); `residual`.

        Raises:
            UserError: as `contrasts` says.
        """
        contrasts, finite = self.contrasts(images)
        g = contrasts / self.scale
        limits, axis = self.thresholds, self._axis
        noise = noise_deviation(g)
        doubt = np.maximum(noise / np.sqrt(self.canvas), limits.noise_floor)
        columns: dict[str, np.ndarray] = {}
        lines = []
        for name, profile in zip(NAMES, (g.mean(axis=1), g.mean(axis=2)), strict=True):
            found = find_lines(
                profile, axis, limits.half_contrast, axis.chance_level(limits.false_objects) * doubt
            )
            lines.append(found)
            centre = found.centre % self.canvas if self.periodic else found.centre
            columns |= {
                f"stripes_{name}": np.where(finite, found.count, -1),
                name: centre.astype(np.float32),
                f"width_{name}_px": found.width_px.astype(np.float32),
                f"contrast_{name}": found.amplitude.astype(np.float32),
                f"{name}_darkest": _where(finite, axis.pixels[profile.argmax(axis=1)]),
                f"{name}_matched": _where(finite, found.at),
            }
        columns["residual"] = _where(finite, self._left(g, lines, noise))
        return columns

    def right(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        """A well-formed image, and along the axis one stripe within `tolerance_px` of the told one; none where none is
        told."""
        told, near = self.told(labels), np.abs(self.errors(columns, labels)) <= self.thresholds.tolerance_px
        return self._formed(columns)[:, None] & np.where(told, near, self._counts(columns) == 0)

    def failures(self, columns: Columns, labels: Float[np.ndarray, "n 2"]) -> list[Any]:
        told, counts = self.told(labels), self._counts(columns)
        return [
            told.any(axis=1) & (counts == 0).all(axis=1),
            (told & (counts == 0)).any(axis=1),
            (counts > told).any(axis=1),
            ~self._formed(columns),
            ~self.right(columns, labels).all(axis=1),
        ]

    @property
    def _axis(self) -> Axis:
        return Axis(self.canvas, self.periodic, self.sigma_px)

    def told(self, labels: Float[np.ndarray, "n 2"]) -> Bool[np.ndarray, "n 2"]:
        """See `Reader.told`: a coordinate in the margin tells of no stripe."""
        return (labels >= 0) & (labels <= self.canvas)

    def _counts(self, columns: Columns) -> np.ndarray:
        return np.stack([columns[f"stripes_{name}"] for name in NAMES], axis=1)

    def _formed(self, columns: Columns) -> Bool[np.ndarray, " n"]:
        """Of each axis none or one stripe, which is as a stripe is; and nothing else."""
        limits, counts = self.thresholds, self._counts(columns)
        width = np.stack([columns[f"width_{name}_px"] for name in NAMES], axis=1) / self.sigma_px
        contrast = np.stack([columns[f"contrast_{name}"] for name in NAMES], axis=1)
        stripe = (counts == 1) & within(width, limits.width) & within(contrast, limits.amplitude)
        return ((counts == 0) | stripe).all(axis=1) & (columns["residual"] <= limits.residual)

    def _left(
        self, g: Float[np.ndarray, "n N N"], lines: list[Lines], noise: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Root mean square of what the stripes leave, beyond the noise: along a stripe, and over the canvas; the most of
        both.

        The mean square of n pixels' noise has the deviation noise^2 sqrt(2 / n); three of them are granted.
        """
        left, near, axis = g.copy(), [], self._axis
        for along, found in zip((1, 2), lines, strict=True):
            has = np.isfinite(found.centre)
            centre, width = np.where(has, found.centre, 0.0), np.where(has, found.width_px, 1.0)
            stripe = np.where(
                has[:, None], np.nan_to_num(found.amplitude)[:, None] * axis.stripe(centre, width), 0
            )
            left -= np.expand_dims(stripe, along)
            away = np.abs(axis.displacement(centre[:, None], axis.pixels))
            reach = self.thresholds.residual_radius_sigma * self.sigma_px
            near.append(
                np.expand_dims(has[:, None] & (away <= reach), along) & np.ones(g.shape[1:], dtype=bool)
            )
        worst = np.zeros(len(g))
        for where in (*near, np.ones(g.shape, dtype=bool)):
            count = where.sum(axis=(1, 2))
            square = np.where(where, left**2, 0).sum(axis=(1, 2)) / np.maximum(count, 1)
            beyond = square - noise**2 * (1 + 3 * np.sqrt(2 / np.maximum(count, 1)))
            worst = np.maximum(worst, np.sqrt(np.maximum(np.where(count > 0, beyond, 0), 0)))
        return worst


def _where(finite: np.ndarray, values: np.ndarray) -> Float[np.ndarray, " n"]:
    return np.where(finite, values, np.nan).astype(np.float32)
