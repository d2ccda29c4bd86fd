"""The images and labels of a data set: checks, and lookup of one by the other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped

from phasescope.core.errors import UserError, as_user_error, log_once, similar
from phasescope.core.factors import Factor, Factors, check_class_names
from phasescope.core.randomness import numpy_generator
from phasescope.worlds.images.between import Between
from phasescope.worlds.images.nearest import NearestImage
from phasescope.worlds.images.pictures import Channels, channels_of, of_one_size
from phasescope.worlds.images.regressor import RegressedLabels
from phasescope.worlds.images.scale import scale_of
from phasescope.worlds.images.source import Source
from phasescope.worlds.images.table import chosen, labels_of

# Two values of a continuous factor that differ by less than this share of its range are one value in float32.
SAME = 1e-7
# The values of these factors of published data sets have no order.
NAMED = ("shape", "color")
# A factor of so few whole numbers, with so many images of each, may be one of classes.
MOST_LIKELY_CLASSES, LEAST_IMAGES = 20, 20


class ImageSet:
    """Images that are looked up by their labels; an `ImageWorld` describes the factors of these.

    Attributes:
        images: (M, C, N, N), as they were given, resized if that was asked for.
        said: what was done to the images, in words; empty if nothing was.
        scale: a and b for which a image + b lies in [-1, 1]: of a part of a data set that of all.
        labels: (M, K) float32, of the factors that vary; if several images have one label, with a last hidden factor,
            `image`, their number among those.
        given: number of factors that vary in the labels as they were given.
        tolerance: by factor the largest error of a correct one, in its unit.
        distinct: (m, K), each label once.
        first: (m,), the row of the first image of each.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        described: Any,
        scale: tuple[float, float] | None = None,
    ):
        for name, array in (("images", images), ("labels", labels)):
            if isinstance(array, np.ma.MaskedArray) and (hidden := np.ma.count_masked(array)):
                raise UserError(
                    f"`{name}` ({hidden} of {array.size} masked) must have no mask: leave these images out"
                )

        images, labels = np.asarray(images), np.asarray(labels)
        if labels.dtype.kind not in "biuf":
            raise UserError(f"`labels` (of {labels.dtype}) must be numbers, or words of one class each")
        labels = labels[:, None] if labels.ndim == 1 else labels
        fits = images.ndim > 0 and labels.ndim == 2 and labels.shape[1] > 0
        if not fits or len(labels) != len(images) or len(labels) < 2:
            raise UserError(
                f"`labels` (shape {labels.shape}) must be (M, K) with K >= 1 and one row for each of "
                f"the images (shape {images.shape}), two at least"
            )
        if not np.isfinite(labels).all():
            raise UserError(f"`labels` ({(~np.isfinite(labels)).sum()} not finite) must be finite")

        names = described.names or [f"label{k + 1}" for k in range(labels.shape[1])]
        if len(names) != labels.shape[1]:
            raise UserError(f"`names` (={list(names)}) must have {labels.shape[1]} entries, one per factor")

        labels = as_float32(labels, names) + 0.0  # -0.0 is 0.0
        self.factors, varies = _factors(labels, names, described)
        self.tolerance = dict(described.tolerance)
        check_tolerance(self.tolerance, names, self.factors)

        self.images, self.said = prepared(images, described.channels, described.resize)
        if all(np.array_equal(image, self.images[0]) for image in self.images):
            raise UserError(
                f"`images` (={len(images)} equal ones) must vary: nothing can be learned of their labels"
            )
        self.scale = scale or scale_of(images)

        self.labels = np.ascontiguousarray(labels[:, varies])
        self.given = len(self.factors)
        number = numbered(self.labels)
        if number.any():
            self.labels = np.column_stack([self.labels, number]).astype(np.float32)
            image = Factor("image", 0.0, float(number.max()), categorical=True, hidden=True)
            self.factors = Factors([*self.factors, image])

        known, self._first = np.unique(self.labels, axis=0, return_index=True)
        self._known = {row.tobytes(): i for row, i in zip(known, self._first, strict=True)}
        self.first = np.sort(self._first)
        self.distinct = self.labels[self.first]

    @cached_property
    def _rows_of(self) -> dict[bytes, np.ndarray]:
        """The rows of images by their visible label."""
        known, inverse = np.unique(self.factors.visible_columns(self.labels), axis=0, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        ends = np.cumsum(np.bincount(inverse.ravel()))[:-1]
        return {label.tobytes(): rows for label, rows in zip(known, np.split(order, ends), strict=True)}

    def drawn(self, labels: Float[np.ndarray, "n V"], generator: np.random.Generator) -> np.ndarray:
        wanted = np.ascontiguousarray(labels, dtype=np.float32) + 0.0
        return self.labels[[generator.choice(rows) for rows in self._rows(wanted, self._rows_of)]]

    @cached_property
    def nearest(self) -> NearestImage:
        """The reader that compares images with the nearest of these."""
        visible, images = self.factors.visible, self.images_of(self.labels)
        return NearestImage(
            images.reshape(len(images), -1),
            self.factors.visible_columns(self.labels),
            visible,
            tolerance=self.tolerance,
        )

    @cached_property
    def regressor(self) -> RegressedLabels:
        """The reader that is fitted to these images; UserError if it cannot read them."""
        visible, labels = self.factors.visible, self.factors.visible_columns(self.labels)
        return RegressedLabels(self.images_of(self.labels), labels, visible, tolerance=self.tolerance)

    @cached_property
    def between(self) -> Between:
        """The labels between those of these images."""
        return Between(self.distinct, self.factors)

    def images_of(self, labels: Float[np.ndarray, "B K"]) -> Float[np.ndarray, "B C N N"]:
        """Return their images in [-1, 1], float32."""
        rows = self._rows(labels, self._known)
        factor, offset = self.scale
        return factor * self.images[rows].astype(np.float32) + offset

    @staticmethod
    def _rows(labels: np.ndarray, known: Mapping[bytes, Any]) -> list[Any]:
        """Return the entry of `known` for each label; ValueError for a label that the data set lacks."""
        for label in labels:
            if label.tobytes() not in known:
                raise ValueError(f"`labels` (={label.tolist()}) must be in the data set")
        return [known[label.tobytes()] for label in labels]


def image_set(source: Source, described: Any) -> ImageSet:
    """Return the images of a source with the factors that an `ImageWorld` describes.

    Raises:
        UserError: names the field of the world, or the value in the source, and the rule.
    """
    labels, fields = _as_numbers(source, described)
    images = source.images
    scale = source.scale
    if described.limit is not None and described.limit < len(images):
        scale = scale or scale_of(np.asarray(images))
        order = numpy_generator(described.draw, "images kept").permutation(len(images))
        kept = np.sort(order[: described.limit])
        images, labels = images[kept], labels[kept]

    if source.published and described.names is None:
        names, periods = source.published, source.periods
        known = {name: float(np.ptp(labels[:, k])) or 1.0 for k, name in enumerate(names)} | dict(periods)
        span = described.span
        fields |= {
            "names": names,
            "periodic": described.periodic or tuple(periods),
            "categorical": described.categorical or tuple(name for name in names if name in NAMED),
            "span": span if isinstance(span, tuple) else known | (span or {}),
        }
    data = ImageSet(images, labels, described.model_copy(update=fields), scale)
    data.said = "; ".join(filter(None, [source.said, data.said]))
    if not source.published:
        _note_likely_classes(data, described)
    return data


def _note_likely_classes(data: ImageSet, described: Any) -> None:
    """Log factors whose values are treated as continuous and look like numbers of classes."""
    meant = {
        *described.tolerance,
        *(data.factors.names if isinstance(described.span, tuple) else described.span or ()),
    }
    likely = []
    for factor, column in zip(data.factors.visible, data.factors.visible_columns(data.labels).T, strict=True):
        values, counts = np.unique(column, return_counts=True)
        few = len(values) <= MOST_LIKELY_CLASSES and counts.min() >= LEAST_IMAGES
        if few and (values == np.rint(values)).all() and not (factor.categorical or factor.name in meant):
            likely.append((factor.name, len(values)))

    if likely:
        columns = ", ".join(f"{name} ({count} values)" for name, count in likely)
        log_once(
            f"whole numbers with many images each are treated as continuous: {columns}; if they number classes, name "
            f"them: categorical=[{','.join(name for name, _ in likely)}]; if not, name their `span` or `tolerance`"
        )


def _as_numbers(source: Source, described: Any) -> tuple[np.ndarray, dict[str, Any]]:
    """Return labels as numbers, and the fields of the world that follow from the source."""
    if isinstance(source.labels, Mapping):
        columns = chosen(source.labels, described.names)
    else:
        array = source.labels if isinstance(source.labels, np.ma.MaskedArray) else np.asarray(source.labels)
        if array.dtype.kind not in "OU" or array.ndim not in (1, 2) or array.size == 0:
            return array, {}
        array = array[:, None] if array.ndim == 1 else array
        names = described.names or [f"label{k + 1}" for k in range(array.shape[1])]
        if len(names) != array.shape[1]:
            raise UserError(f"`names` (={list(names)}) must have {array.shape[1]} entries, one per factor")
        columns = dict(zip(names, array.T.tolist(), strict=True))

    rows = source.rows or [f"row {number}" for number in range(len(next(iter(columns.values()))))]
    known = {name: some for name, some in source.classes.items() if name in columns}
    labels, classes = labels_of(columns, {**known, **described.classes}, described.categorical, rows)
    return labels, {"names": tuple(columns), "classes": classes}


def _factors(
    labels: Float[np.ndarray, "M K"], names: Sequence[str], described: Any
) -> tuple[Factors, np.ndarray]:
    """Return the factors that vary in the labels, and whether each factor does."""
    span, classes = described.span, described.classes
    for field, some in (("hidden", described.hidden), ("classes", classes)):
        for name in some:
            if name not in names:
                raise UserError(f"`{field}` (={name}) must be one of the factors: {', '.join(names)}")

    low, extent = labels.min(axis=0), np.ptp(labels, axis=0)
    if not (extent > 0).any():
        row = ", ".join(
            f"{name}={classes[name][0] if len(classes.get(name, ())) == 1 else f'{value:g}'}"
            for name, value in zip(names, labels[0], strict=True)
        )
        raise UserError(f"`labels` (={row} in each row) must vary: there is nothing to learn of one label")
    spans = _spans(names, span, described.periodic, extent)

    categorical = tuple(dict.fromkeys([*described.categorical, *classes]))
    try:
        known = Factors.named(names, spans, described.periodic, categorical)
    except ValueError as error:
        raise UserError(str(error)) from None

    factors = []
    for k, factor in enumerate(known):
        if not factor.categorical and factor.span < extent[k] * (1 - 1e-6):
            raise UserError(
                f"`span` (={factor.span:g}) must be at least what the labels of {factor.name} extend over: {extent[k]:g}"
            )
        factor = with_classes(factor, labels[:, k], classes.get(factor.name))
        if extent[k] > 0:
            lowest = float(low[k])
            hidden = factor.name in described.hidden
            factors.append(replace(factor, low=lowest, high=lowest + factor.span, hidden=hidden))

    if all(factor.hidden for factor in factors):
        raise UserError(
            f"`hidden` (={', '.join(described.hidden)}) must leave a factor that varies and is given to the network"
        )
    return Factors(factors), extent > 0


def _spans(
    names: Sequence[str],
    span: Sequence[float] | Mapping[str, float] | None,
    periodic: Sequence[str],
    extent: Float[np.ndarray, " K"],
) -> list[float]:
    """Return the range of each factor; by default that of its labels, or 1 if it never varies."""
    own = np.where(extent > 0, extent, 1.0).tolist()
    given: Mapping[str, float] = span if isinstance(span, Mapping) else {}
    for name in given:
        if name not in names:
            raise UserError(
                f"`span` (={name}) must be one of the factors: {', '.join(names)}{similar(name, names)}"
            )
    if isinstance(span, Mapping) or span is None:
        for name in periodic:
            if name in names and name not in given:
                raise UserError(
                    f"`span` (={span}) must be given if `periodic` (={list(periodic)}) is: labels do not determine a "
                    f"period, as in span={{{name}: 360}}"
                )
        return [float(given.get(name, usual)) for name, usual in zip(names, own, strict=True)]
    return list(span)


def check_tolerance(tolerance: Mapping[str, float], names: Sequence[str], factors: Factors) -> None:
    """Raise UserError if the largest error of a correct factor cannot be that."""
    known = {factor.name: factor for factor in factors}
    for name, most in tolerance.items():
        if name not in names:
            raise UserError(f"`tolerance` (={name}) must be one of the factors: {', '.join(names)}")
        if not most > 0:
            raise UserError(
                f"`tolerance` ({name}={most:g}) must be greater than 0: it is an error in the factor's unit"
            )

        factor = known.get(name)  # None if it never varies
        if factor is None:
            continue
        if factor.categorical:
            raise UserError(
                f"`tolerance` (={name}) must be of a factor that is no class: another class is never correct"
            )
        if not most < factor.span:
            raise UserError(
                f"`tolerance` ({name}={most:g}) must be less than the range of {name} (={factor.span:g}): with it all "
                "images are correct"
            )


def as_float32(labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return labels (M, K) as float32; UserError if values of a factor that differ would become equal."""
    rounded = labels.astype(np.float32)
    for name, column, cut in zip(names, labels.T, rounded.T, strict=True):
        known, left = len(np.unique(column)), len(np.unique(cut))
        is_integer = bool((column == np.rint(column)).all())
        moved = np.abs(column.astype(np.float64) - cut).max()
        if left < known and (is_integer or moved > SAME * float(np.ptp(column))):
            raise UserError(
                f"`labels` (={column.flat[0]:.15g}, ... of {name}) must stay distinct in float32: its {known:,} "
                f"values become {left:,}; subtract an offset, or rescale"
            )
    return rounded


def numbered(labels: Float[np.ndarray, "M K"]) -> Int[np.ndarray, " M"]:
    """Return the number of each row among those that are equal to it, from 0 on."""
    import pandas as pd

    return pd.DataFrame(labels).groupby(list(range(labels.shape[1]))).cumcount().to_numpy()


def with_classes(factor: Factor, values: Float[np.ndarray, " M"], names: Sequence[str] | None) -> Factor:
    """Return a factor of the data set, with the names of its classes if it is categorical.

    Raises:
        UserError: classes are not numbered without gaps, or have other names than there are classes.
    """
    if not factor.categorical:
        return factor

    broken = values[values != np.round(values)]
    if len(broken):
        raise UserError(f"`labels` ({factor.name}={broken[0]:g}) must be whole numbers, as classes are")

    present = np.unique(values)
    gaps = np.setdiff1d(np.arange(present[0], present[-1] + 1), present)
    if gaps.size:
        missing = ", ".join(f"{value:g}" for value in gaps[:5])
        more = ", ..." if gaps.size > 5 else ""
        raise UserError(
            f"`labels` ({factor.name}={missing}{more}) must have an image of each class from {present[0]:g} to "
            f"{present[-1]:g}: number the classes without gaps, or raise `limit`"
        )

    count = len(present)
    with as_user_error():
        check_class_names(names or ())
    if names is not None and (len(names) != count or len(set(names)) != count):
        raise UserError(
            f"`classes` (={', '.join(names)}) must be {count} different names: {factor.name} is from {values.min():g} to "
            f"{values.max():g}"
        )
    return replace(factor, high=factor.low + max(count - 1, 1), classes=tuple(names or ()))


def prepared(
    images: np.ndarray, channels: Channels | None, resize: int | None
) -> tuple[Shaped[np.ndarray, "M C N N"], str]:
    """Return images as (M, C, N, N), with the channels and the size that were asked for, and what was done, in words.

    Raises:
        UserError: they have neither one nor three channels, or are not square and `resize` is None.
    """
    images = with_channels(images)
    if channels is not None and images.shape[1] != (1 if channels == "gray" else 3):
        images = np.stack(channels_of(images, channels))
    if resize in (None, images.shape[2]) and images.shape[2] == images.shape[3]:
        return images, ""
    return of_one_size(images, resize)


def with_channels(images: np.ndarray) -> Shaped[np.ndarray, "M C H W"]:
    """Return images with channels before rows and columns; UserError if they have neither one nor three."""
    if images.ndim == 3:
        images = images[:, None]
    elif images.ndim == 4 and images.shape[1] not in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise UserError(
            f"`images` (shape {images.shape}) must be (M, N, N), (M, N, N, C) or (M, C, N, N), with C = 1 or 3"
        )
    return images
