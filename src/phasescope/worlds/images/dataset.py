"""Reading data sets in memory: a `datasets.Dataset`, or a torch `Dataset`, whose items are mappings or tuples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from phasescope.core.errors import UserError, similar
from phasescope.core.sources import failing
from phasescope.worlds.images.pictures import Channels, channels_of, of_one_size, pixels_of
from phasescope.worlds.images.source import Source

KINDS = ("continuous", "categorical", "hidden")
DESCRIBED = ("column", "period", "span", "categorical", "classes", "hidden", "tolerance")


def read_dataset(
    dataset: Any,
    image: str | int,
    factors: Mapping[str, Any] | Sequence[str] | None,
    channels: Channels | None,
    resize: int | None,
) -> tuple[Source, dict[str, Any]]:
    """Return a data set's images and labels, and the fields of an `ImageWorld` that say what its factors are.

    Args: as of `ImageWorld.from_dataset`.

    Raises:
        UserError: names the argument, its value and the rule.
        SourceFailed: the data set raises an exception.
    """
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise UserError(
            f"`dataset` (={type(dataset).__name__}) must have a length and an item for each number: make a list of its items"
        )
    with failing(f"`dataset` (={type(dataset).__name__}) must give its items"):
        items = [dataset[number] for number in range(len(dataset))]
    if len(items) < 2:
        raise UserError(f"`dataset` (={len(items)} items) must have two images at least")

    keys = _keys(items[0])
    if image not in keys:
        raise UserError(
            f"`image` (={image}) must be a key of an item: {_words(keys)}{similar(image, map(str, keys))}"
        )
    described = _described(factors, [key for key in keys if key != image])
    for name, about in described.items():
        if about["column"] not in keys:
            raise UserError(
                f"`factors` (={name}, of column {about['column']}) must be a key of an item: {_words(keys)}"
                f"{similar(about['column'], map(str, keys))}"
            )

    pictures = [_pixels(_value(item, image, k), k, channels) for k, item in enumerate(items)]
    squares, said = of_one_size(channels_of(pictures, channels), resize)
    columns = {
        name: [_plain(_value(item, about["column"], k)) for k, item in enumerate(items)]
        for name, about in described.items()
    }
    classes = {}
    for name, about in described.items():
        if words := _class_names(dataset, about["column"]):
            columns[name] = [_class_of(number, words, name, k) for k, number in enumerate(columns[name])]
            present = set(columns[name])
            classes[name] = tuple(word for word in words if word in present)

    rows = [f"item {number}" for number in range(len(items))]
    source = Source(images=squares, labels=columns, classes=classes, rows=rows, said=said)
    return source, _fields(described)


def _keys(item: Any) -> list[Any]:
    if isinstance(item, Mapping):
        return list(item)
    if isinstance(item, tuple | list):
        return list(range(len(item)))
    raise UserError(
        f"`dataset` (={type(item).__name__} as an item) must have items that are mappings or tuples of an image and labels"
    )


def _value(item: Any, key: Any, number: int) -> Any:
    try:
        return item[key]
    except (LookupError, TypeError):
        raise UserError(f"`dataset` (=item {number}) must have {key!r}, as its first item has") from None


def _described(
    factors: Mapping[str, Any] | Sequence[str] | None, others: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    """Return by name what each factor is, with its `column`."""
    if isinstance(factors, str):
        raise UserError(f"`factors` (={factors}) must be a list of names, as [{factors!r}], or a mapping")
    if factors is None:
        if not all(isinstance(key, str) for key in others):
            raise UserError(
                "`factors` (=None) must be given for items that are tuples, as in "
                f"factors={{'digit': {{'column': {others[0] if others else 1}}}}}"
            )
        factors = others
    if not factors:
        raise UserError(f"`factors` (={factors!r}) must name a factor at least")
    named = factors if isinstance(factors, Mapping) else dict.fromkeys(factors, "continuous")
    return {name: {"column": name, **_about(name, about)} for name, about in named.items()}


def _about(name: str, about: Any) -> dict[str, Any]:
    if isinstance(about, str):
        if about not in KINDS:
            raise UserError(
                f"`factors` ({name}={about}) must be {', '.join(KINDS)} or a mapping, as {{'period': 360}}"
                f"{similar(about, KINDS)}"
            )
        return {} if about == "continuous" else {about: True}
    if not isinstance(about, Mapping):
        raise UserError(f"`factors` ({name}={about!r:.40}) must be one of {', '.join(KINDS)}, or a mapping")
    for key in about:
        if key not in DESCRIBED:
            raise UserError(
                f"`factors` ({name}: {key}={about[key]!r:.40}) must have only {', '.join(DESCRIBED)}"
                f"{similar(key, DESCRIBED)}"
            )
    if "period" in about and "span" in about:
        raise UserError(f"`factors` ({name}: span={about['span']}) must be left out: its period is its range")
    return dict(about)


def _fields(described: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of an `ImageWorld` that say the same."""

    def having(key: str) -> tuple[str, ...]:
        return tuple(name for name, about in described.items() if about.get(key))

    def values(*keys: str) -> dict[str, Any]:
        return {name: about[key] for key in keys for name, about in described.items() if key in about}

    return {
        "names": tuple(described),
        "periodic": having("period"),
        "categorical": having("categorical"),
        "hidden": having("hidden"),
        "classes": values("classes"),
        "tolerance": values("tolerance"),
        "span": values("span", "period") or None,
    }


def _pixels(image: Any, number: int, channels: Channels | None) -> np.ndarray:
    """Return an item's image as (C, H, W)."""
    if hasattr(image, "convert") and hasattr(image, "getexif"):  # Pillow's
        try:
            return pixels_of(image, channels)
        except (OSError, SyntaxError, ValueError) as error:
            raise UserError(f"`image` (=item {number}) cannot be read: {error}") from None

    array = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image)
    if array.ndim == 2:
        array = array[None]
    elif array.ndim == 3 and array.shape[0] not in (1, 3):
        array = array.transpose(2, 0, 1)
    if array.ndim != 3 or array.shape[0] not in (1, 3):
        raise UserError(
            f"`image` (=item {number}, {type(image).__name__} of shape {np.shape(array)}) must be a Pillow image, or an "
            "array (H, W), (H, W, C) or (C, H, W) with C = 1 or 3"
        )
    return array


def _plain(value: Any) -> Any:
    """Return a label as Python's own number or text; tensors and arrays of one number too."""
    return value.item() if hasattr(value, "item") and np.size(value) == 1 else value


def _class_of(value: Any, words: Sequence[str], name: str, number: int) -> Any:
    """Return the name of a class that is given by its number, and anything else as it is; UserError if there is none."""
    if not isinstance(value, int):
        return value
    if not 0 <= value < len(words):
        unlabelled = "; -1 is that of an item without label, which must be left out" if value == -1 else ""
        raise UserError(
            f"`{name}` (={value}, item {number}) must be a class from 0 to {len(words) - 1}{unlabelled}"
        )
    return words[value]


def _class_names(dataset: Any, column: Any) -> Sequence[str] | None:
    """Return the names of a column's classes, if the data set knows them (`datasets.ClassLabel`)."""
    features = getattr(dataset, "features", None)
    return (
        getattr(features[column], "names", None)
        if isinstance(features, Mapping) and column in features
        else None
    )


def _words(keys: Sequence[Any]) -> str:
    return ", ".join(map(str, keys))
