"""A reader that is fitted to the images: kernel ridge regression from pixels to labels, with its error on images left out.

Let i and j be images less the mean image, and i_s an image blurred by a Gaussian of s times its side. Their kernel is

    k(i, j) = sum over s of  <i_s, j_s> / mean |i_s|^2 + exp(-WIDTH |i_s - j_s|^2 / median |i_s - j_s|^2)

The linear part reads the place of an object from its centre of mass, the other one what is not linear in pixels. Blurred
images of objects that lie apart still overlap, so that few images suffice. A periodic factor is regressed as its cosine and
sine, a class as an indicator, and the largest indicator is read.

**Bounds.** Each image is read once by a regression that was fitted without it, nor any copy of it (`FOLDS` folds). The error
that `READ` of these readings stay below is the least tolerance of a factor; the default one is that, or `LEAST_TOLERANCE`.

**Malformed** images. A regression gives numbers for any image, also for none or two objects. So an image must be as near to
a training image as these are to one another, in two ways: in its pixels, and in its look, which no place changes: the sorted
values of its pixels, and the sorted differences between neighbours. Where labels are sparse a blank image can be near to all
images in its pixels; in its look it is near to none.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float

from phasescope.core.errors import UserError
from phasescope.core.factors import Factors
from phasescope.core.randomness import numpy_generator
from phasescope.worlds.base import Columns, Reader
from phasescope.worlds.images.nearest import OF_LABELS, OF_SUMMARY
from phasescope.worlds.images.neighbours import Neighbours

BLURS = (0.0, 1 / 32, 1 / 16, 1 / 8)
"""standard deviations of the blurs, as shares of an image's side"""
WIDTH = 0.3
RIDGE = 1e-4
"""penalty of the regression: chosen with `WIDTH` and `BLURS` on squares and digits, and fixed, so that no fold chose it"""
FOLDS = 5
READ = 0.95
"""share of left-out images that are read within the least tolerance of a factor"""
REAL = 0.995
"""share of left-out images that are near enough to another one, in their pixels and in their look each"""
LOOK_BLUR, LEAST_LOOK = 1 / 32, 0.2
"""blur of looks as a share of the side, and the distance in look that is always granted, in deviations of pixels from the
mean image: sampling leaves some noise"""
LEAST_TOLERANCE = 1 / 32
"""share of a factor's range that is granted by default, where the regression reads better: 1 px of 32"""
MOST_FITTED, MOST_NUMBERS = 2000, 2**24
"""images, and numbers in them, that are fitted at most: about 3 s"""
FEWEST = 20
"""different images of which a fold still has 4"""


class RegressedLabels(Reader):
    """Reads the factors of an image by a regression on its pixels.

    Args:
        images: training images in [-1, 1], (M, C, *spatial), float32; of more than `MOST_FITTED` as many, drawn at random.
        labels: of their visible factors, (M, K).
        factors: the visible ones, K.
        tolerance: by name the largest error of a correct factor, in its unit; see **Bounds**.

    Raises:
        UserError: there are too few images, a tolerance is below the regression's own error, or a factor cannot be read:
            the errors are no smaller than those of always guessing the same.
    """

    outcomes = OF_LABELS
    declared = OF_SUMMARY

    def __init__(
        self,
        images: Float[np.ndarray, "M C *spatial"],
        labels: Float[np.ndarray, "M K"],
        factors: Factors,
        tolerance: Mapping[str, float] = MappingProxyType({}),
    ):
        most = max(FEWEST, min(MOST_FITTED, MOST_NUMBERS // images[0].size))
        order = numpy_generator(0, "images that a regressor is fitted to").permutation(len(images))
        rows = np.sort(order[:most])
        self.factors, self.labels, self.known = factors, labels[rows], len(images)

        self._pixels = Neighbours(_flat(images[rows]))
        if (different := len(np.unique(self._pixels.contents))) < FEWEST:
            raise UserError(
                f"`read_by` (=regressor) must have {FEWEST} different images at least, and has {different}: they are its "
                "only evidence"
            )

        self._look = Look(images[rows])
        self._looks = Neighbours(self._look.features(images[rows]))
        self._kernel = Kernel(images[rows])
        self._targets = _Targets(self.labels, factors)
        self._fit()
        self.largest = self._tolerances(tolerance)

    def _fit(self) -> None:
        from sklearn.kernel_ridge import KernelRidge
        from sklearn.model_selection import GroupKFold, cross_val_predict

        gram, targets = self._kernel.of_known, self._targets.standardised
        ridge = KernelRidge(alpha=RIDGE, kernel="precomputed")
        folds = GroupKFold(FOLDS, shuffle=True, random_state=0)  # pyrefly: ignore[unexpected-keyword]
        left_out = cross_val_predict(ridge, gram, targets, cv=folds, groups=self._pixels.contents)
        self.held_out = self._targets.read(left_out)
        """labels (M, K) of the fitted images, each read without it"""
        self._weights = ridge.fit(gram, targets).dual_coef_

    @cached_property
    def held_out_errors(self) -> Float[np.ndarray, "M K"]:
        """Absolute errors of images left out, in each factor's unit; of classes 1 if the class is another one."""
        return np.abs(self.factors.difference(self.held_out, self.labels))

    def _tolerances(self, given: Mapping[str, float]) -> Float[np.ndarray, " K"]:
        """Return the largest error of a correct factor; 0 of a class."""
        tolerances = np.zeros(len(self.factors))
        for k, (factor, errors) in enumerate(zip(self.factors, self.held_out_errors.T, strict=True)):
            least = float(np.quantile(errors, READ))
            if not self._reads(k):
                raise UserError(
                    f"`read_by` (=regressor) must read {factor.name}, and on images left out it is hardly better than one "
                    "answer for all: give more images, hide that factor, or name a reader of your own"
                )
            if factor.categorical:
                continue
            tolerances[k] = given.get(factor.name, max(least, LEAST_TOLERANCE * factor.span))
            if tolerances[k] < least:
                raise UserError(
                    f"`tolerance` ({factor.name}={tolerances[k]:g}) must be at least {least:.3g} if `read_by` is regressor, "
                    f"which reads {100 * READ:.0f} % of images left out within that: give more images, or your own reader"
                )
        return tolerances

    def _reads(self, k: int) -> bool:
        """Return whether a factor's errors are smaller than those of the best constant answer."""
        errors, factor = self.held_out_errors[:, k], self.factors[k]
        if factor.categorical:
            most_common = np.unique(self.labels[:, k], return_counts=True)[1].max() / len(self.labels)
            return bool((errors == 0).mean() > most_common)
        middle = factor.low + factor.span / 2 if factor.periodic else np.median(self.labels[:, k])
        constant = self.labels.copy()
        constant[:, k] = middle
        guess = np.abs(self.factors.difference(constant, self.labels))[:, k]
        return bool(np.quantile(errors, READ) < np.quantile(guess, READ) and errors.mean() < guess.mean() / 2)

    def read(self, images: Float[np.ndarray, "n C *spatial"]) -> Columns:
        """Return each visible factor as regressed, `distance_rms` to the nearest training image, and `look`, the distance to
        the nearest look in deviations of pixels; NaN for invalid images."""
        images = np.asarray(images, np.float32)
        finite = np.isfinite(images).reshape(len(images), -1).all(axis=1)
        safe = np.where(finite.reshape(-1, *[1] * (images.ndim - 1)), images, 0.0)

        labels = self._targets.read(self._kernel(safe) @ self._weights)
        columns = {name: labels[:, k] for k, name in enumerate(self.factors.names)}
        columns["distance_rms"] = self._pixels.nearest(_flat(safe))[1]
        columns["look"] = self._looks.nearest(self._look.features(safe))[1]
        return {name: np.where(finite, column, np.nan) for name, column in columns.items()}

    def errors(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Float[np.ndarray, "n K"]:
        read = np.stack([columns[name] for name in self.factors.names], axis=1)
        return self.factors.difference(read, labels)

    def _formed(self, distance_rms: np.ndarray, look: np.ndarray) -> Bool[np.ndarray, " n"]:
        return (distance_rms <= self.threshold_rms) & (look <= self.threshold_look)

    @cached_property
    def threshold_rms(self) -> float:
        """The RMS distance above which an image is malformed."""
        return self._pixels.quantile(REAL)

    @cached_property
    def threshold_look(self) -> float:
        """The distance in look above which an image is malformed."""
        return max(LEAST_LOOK, self._looks.quantile(REAL))

    def correct(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Bool[np.ndarray, "n K"]:
        formed = self._formed(columns["distance_rms"], columns["look"])
        return (np.abs(self.errors(columns, labels)) <= self.largest) & formed[:, None]

    def outcome(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> np.ndarray:
        formed = self._formed(columns["distance_rms"], columns["look"])
        malformed, other, success = (outcome.name for outcome in self.outcomes)
        correct = self.correct(columns, labels).all(axis=1)
        return np.where(correct, success, np.where(formed, other, malformed))

    @cached_property
    def real_right(self) -> float:
        """Share of real images that are read as correct when they are left out: bounds the share of correct new ones."""
        pixels, looks = self._pixels.left_out, self._looks.left_out
        formed = self._formed(pixels.far, looks.far)
        correct = np.all(self.held_out_errors <= self.largest, axis=1)
        return float((formed & correct[pixels.rows]).mean())

    def summary(self, columns: Columns, labels: Float[np.ndarray, "n K"]) -> Mapping[str, float | None]:
        """Return what `NearestImage.summary` does."""
        far = columns["distance_rms"]
        return {
            "distance_rms": float(np.nanmedian(far)) if np.isfinite(far).any() else None,
            "real_distance_rms": float(np.median(self._pixels.left_out.far)),
            "malformed_above_rms": self.threshold_rms,
            "real_right": self.real_right,
        }

    def sentence(self) -> str:
        """Return how well it reads images that it was not fitted to: "read by a regression: ..."."""
        parts = []
        for factor, errors in zip(self.factors, self.held_out_errors.T, strict=True):
            if factor.categorical:
                parts.append(f"{factor.name} of {100 * (errors == 0).mean():.1f} %")
            else:
                within = f"{np.quantile(errors, READ):.2g} {factor.unit}".rstrip()
                parts.append(f"{factor.name} of {100 * READ:.0f} % within {within}")
        fitted = "" if self.known == len(self.labels) else f" fitted to {len(self.labels):,} of them"
        read = f"read by a regression{fitted}: of images left out it reads {', '.join(parts)}"
        return f"{read}, and finds {100 * self.real_right:.1f} % correct"


class Kernel:
    """Compares images with known ones (M, C, *spatial)."""

    def __init__(self, known: Float[np.ndarray, "M C *spatial"]):
        self._scales = []
        self.of_known = np.zeros((len(known), len(known)))
        for share in BLURS:
            blurred = _flat(_blurred(known, share)).astype(np.float64)
            mean = blurred.mean(axis=0)
            blurred -= mean
            products = blurred @ blurred.T
            squares = np.diag(products).copy()
            distances = squares[:, None] + squares - 2 * products
            # Without the diagonal, and not 0 of images that are nearly all alike.
            usual = float(np.median(distances[np.triu_indices(len(known), 1)])) or float(distances.mean())
            scale = mean, blurred.astype(np.float32), squares, float(squares.mean()), usual
            self._scales.append(scale)
            self.of_known += _compared(products, distances, scale[3], usual)

    def __call__(self, images: Float[np.ndarray, "n C *spatial"]) -> Float[np.ndarray, "n M"]:
        total = np.zeros((len(images), len(self.of_known)))
        for share, (mean, known, squares, norm, usual) in zip(BLURS, self._scales, strict=True):
            blurred = _flat(_blurred(images, share)).astype(np.float64) - mean
            products = blurred @ known.T.astype(np.float64)
            distances = np.square(blurred).sum(axis=1)[:, None] + squares - 2 * products
            total += _compared(products, distances, norm, usual)
        return total


def _compared(products: np.ndarray, distances: np.ndarray, norm: float, usual: float) -> np.ndarray:
    return products / norm + np.exp(-WIDTH * np.maximum(distances, 0) / usual)


def _blurred(images: Float[np.ndarray, "n C *spatial"], share: float) -> Float[np.ndarray, "n C *spatial"]:
    """Return images blurred by a Gaussian whose deviation is this share of their side."""
    from scipy import ndimage

    deviation = share * images.shape[-1]
    spatial = [deviation] * (images.ndim - 2)
    return ndimage.gaussian_filter(images, (0, 0, *spatial), mode="nearest") if share else images


def _flat(images: Float[np.ndarray, "n C *spatial"]) -> Float[np.ndarray, "n pixels"]:
    return images.reshape(len(images), -1)


class Look:
    """What an image looks like wherever its object lies: its sorted values, and sorted differences between neighbours."""

    def __init__(self, known: Float[np.ndarray, "M C *spatial"]):
        blurred = _blurred(known, LOOK_BLUR)
        squares = [
            np.square(part).mean() for part in (blurred - blurred.mean(axis=0), *_differences(blurred))
        ]
        self._units = float(np.sqrt(squares[0])) or 1.0, float(np.sqrt(np.mean(squares[1:]))) or 1.0

    def features(self, images: Float[np.ndarray, "n C *spatial"]) -> Float[np.ndarray, "n features"]:
        blurred = _blurred(images, LOOK_BLUR)
        changes = [_by_channel(np.abs(difference)) for difference in _differences(blurred)]
        parts = [
            np.sort(part, axis=2).reshape(len(images), -1) / unit
            for part, unit in zip(
                (_by_channel(blurred), np.concatenate(changes, axis=2)), self._units, strict=True
            )
        ]
        return np.concatenate(parts, axis=1).astype(np.float32)


def _by_channel(images: Float[np.ndarray, "n C *spatial"]) -> Float[np.ndarray, "n C pixels"]:
    return images.reshape(*images.shape[:2], -1)


def _differences(images: Float[np.ndarray, "n C *spatial"]) -> list[np.ndarray]:
    return [np.diff(images, axis=axis) for axis in range(2, images.ndim)]


class _Targets:
    """What is regressed instead of labels, each column with mean 0 and deviation 1."""

    def __init__(self, labels: Float[np.ndarray, "M K"], factors: Factors):
        self.factors = factors
        columns, self._widths = [], []
        for factor, values in zip(factors, labels.T.astype(float), strict=True):
            if factor.categorical:
                part = values[:, None] == factor.values
            elif factor.periodic:
                angle = 2 * np.pi * (values - factor.low) / factor.span
                part = np.stack([np.cos(angle), np.sin(angle)], axis=1)
            else:
                part = values[:, None]
            columns.append(part.astype(float))
            self._widths.append(part.shape[1])

        targets = np.concatenate(columns, axis=1)
        self._mean, deviation = targets.mean(axis=0), targets.std(axis=0)
        self._deviation = np.where(deviation > 0, deviation, 1.0)
        self.standardised = (targets - self._mean) / self._deviation

    def read(self, regressed: Float[np.ndarray, "n targets"]) -> Float[np.ndarray, "n K"]:
        """Return the labels that regressed targets mean."""
        targets = regressed * self._deviation + self._mean
        labels = []
        for factor, part in zip(
            self.factors, np.split(targets, np.cumsum(self._widths)[:-1], axis=1), strict=True
        ):
            if factor.categorical:
                labels.append(factor.values[part.argmax(axis=1)])
            elif factor.periodic:
                turns = np.arctan2(part[:, 1], part[:, 0]) / (2 * np.pi)
                labels.append(factor.low + factor.span * (turns % 1))
            else:
                labels.append(part[:, 0])
        return np.stack(labels, axis=1)
