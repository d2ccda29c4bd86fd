"""A reader for images that have none of their own: an image has the label of the nearest training image.

Whether that label is the requested one is asked of each factor:

    a class                             it is the same class
    a factor with a tolerance           it is off by the tolerance at most
    a factor without one                it is that of the requested image: of the training image with the nearest label

A factor of the last kind tells only which training image is nearest. Then outcomes say so, and the nearest image being
another one belongs to no phase: its label may differ by as little as labels do.

Distance is Euclidean over pixels. An image that is farther from all training images than real images are from one another
is malformed: farther than the `REAL` quantile of the distances of training images, each left out once, to the nearest of
the others. So one real image in a hundred is called malformed.
"""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float

from phasescope.core.factors import Factors
from phasescope.measures.columns import Column, declare
from phasescope.worlds.base import Columns, Outcome, Reader
from phasescope.worlds.images.neighbours import AT_ONCE, Neighbours

# An image farther from its nearest training image than this quantile of real images to the nearest other is malformed.
REAL = 0.99
# 256 MiB, and about a second to compare a few hundred images with all training images.
MOST_NUMBERS = 2**26

OF_LABELS = (
    Outcome("malformed", "A", "#7d4f50"),
    Outcome("other label", "B", "#e69f00"),
    Outcome("correct", "C", "#0072b2"),
)
OF_IMAGES = (
    Outcome("malformed", "A", "#7d4f50"),
    Outcome("nearest to another", "", "#e69f00"),
    Outcome("nearest to requested", "C", "#0072b2"),
)
"""if a factor has neither classes nor a tolerance"""
OF_SUMMARY = tuple(
    Column(
        name=name,
        words=words,
        unit=unit,
        low=0.0,
        better=better,
        at="split",
        section="images",
        needs=frozenset({"images"}),
    )
    for name, words, unit, better in (
        ("distance_rms", "your own images: median distance to the nearest training image", "RMS", "lower"),
        ("real_distance_rms", "that of real images that are left out", "RMS", "neither"),
        ("malformed_above_rms", "distance above which an image is malformed", "RMS", "neither"),
        (
            "real_right",
            "share of left-out real images that are read as correct, if factors are classes or have a tolerance",
            "share",
            "higher",
        ),
    )
)
declare(*OF_SUMMARY)


class NearestImage(Reader):
    """Reads an image as the training image nearest to it.

    Args:
        images: the training images in [-1, 1], (M, pixels), float32.
        labels: of their visible factors, (M, K).
        factors: the visible ones, K.
        tolerance: the largest error of a correct factor by its name, in its unit.
    """

    declared = OF_SUMMARY

    def __init__(
        self,
        images: Float[np.ndarray, "M pixels"],
        labels: Float[np.ndarray, "M K"],
        factors: Factors,
        tolerance: Mapping[str, float] = MappingProxyType({}),
    ):
        self.images, self.labels, self.factors = images, labels, factors
        self._known = Neighbours(images)

        # Labels are float32, and requested ones may be rounded to it: an error may exceed its tolerance by as much.
        ends = np.maximum(np.abs(factors.low), np.abs(factors.low + factors.span))
        rounding = 2 * np.finfo(np.float32).eps * ends
        self._largest = np.array([tolerance.get(factor.name, np.nan) for factor in factors]) + rounding
        self._of_an_image = np.isnan(self._largest) & ~factors.categorical
        self.outcomes = OF_IMAGES if self._of_an_image.any() else OF_LABELS

    @cached_property
    def left_out(self) -> tuple[Float[np.ndarray, " m"], Bool[np.ndarray, " m"]]:
        """RMS distance of training images to the nearest other one, and whether they are correct by its label."""
        rows, nearest, far = self._known.left_out
        return far, np.all(self._agree(self.labels[nearest], self.labels[rows]), axis=1)

    @cached_property
    def threshold_rms(self) -> float:
        """The RMS distance above which an image is malformed."""
        return self._known.quantile(REAL)

    def read(self, images: Float[np.ndarray, "n C *spatial"]) -> Columns:
        """Return each visible factor of the nearest training image, and `distance_rms` to it; NaN for invalid images."""
        flat = np.asarray(images, np.float32).reshape(len(images), -1)
        finite = np.isfinite(flat).all(axis=1)
        rows, far = self._known.nearest(np.nan_to_num(flat))
        labels = np.where(finite, self.labels[rows].T, np.nan).T
        columns = {name: labels[:, k] for k, name in enumerate(self.factors.names)}
        return {**columns, "distance_rms": np.where(finite, far, np.nan)}

    def errors(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Float[np.ndarray, "n K"]:
        read = np.stack([columns[name] for name in self.factors.names], axis=1)
        return self.factors.difference(read, labels)

    def _formed(self, columns: Columns) -> Bool[np.ndarray, " n"]:
        return columns["distance_rms"] <= self.threshold_rms

    def correct(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Bool[np.ndarray, "n K"]:
        read = np.stack([columns[name] for name in self.factors.names], axis=1)
        return self._agree(read, labels) & self._formed(columns)[:, None]

    def _agree(
        self, read: Float[np.ndarray, "n K"], labels: Float[np.ndarray, "n K"]
    ) -> Bool[np.ndarray, "n K"]:
        """Return whether each factor of a training image's label is the requested one."""
        errors = np.abs(self.factors.difference(read, labels))
        agree = np.where(self.factors.categorical, errors == 0, errors <= self._largest)
        if self._of_an_image.any():
            same = read == self._nearest_labels(labels)
            agree = np.where(self._of_an_image, same, agree)
        return agree

    def _nearest_labels(self, labels: Float[np.ndarray, "n K"]) -> Float[np.ndarray, "n K"]:
        """Return the training label nearest to each label, in shares of the ranges of factors that have no tolerance."""
        columns = self._of_an_image | self.factors.categorical
        chosen = Factors(factor for factor, counts in zip(self.factors, columns, strict=True) if counts)
        _, first = np.unique(self.labels[:, columns], axis=0, return_index=True)
        known = self.labels[first]
        # Another class is farther than any value of the other factors.
        unit = np.where(chosen.categorical, 1e-3, chosen.span)

        rows = []
        parts = 1 + len(labels) * len(known) * len(chosen) // AT_ONCE
        for part in np.array_split(np.asarray(labels)[:, columns], parts):
            away = chosen.difference(known[None, :, columns], part[:, None]) / unit
            rows.append(np.square(away).sum(axis=2).argmin(axis=1))
        return known[np.concatenate(rows)]

    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> np.ndarray:
        correct = self.correct(columns, labels).all(axis=1)
        malformed, other, success = (outcome.name for outcome in self.outcomes)
        return np.where(correct, success, np.where(self._formed(columns), other, malformed))

    def summary(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Mapping[str, float | None]:
        """Return `distance_rms`: the median distance to the nearest training image, and `real_distance_rms` that of real
        images left out; `malformed_above_rms`, the threshold; `real_right`: the share of real images that are correct when
        they are left out, as new images of a label are read. Images that copy training images can exceed it.

        There is no `real_right` if a factor has neither classes nor a tolerance: no other image is the requested one.
        """
        far = columns["distance_rms"]
        real, same = self.left_out
        summary: dict[str, float | None] = {
            "distance_rms": float(np.nanmedian(far)) if np.isfinite(far).any() else None,
            "real_distance_rms": float(np.median(real)),
            "malformed_above_rms": self.threshold_rms,
        }
        if not self._of_an_image.any():
            summary["real_right"] = float((same & (real <= self.threshold_rms)).mean())
        return summary
