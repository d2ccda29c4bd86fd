"""Labels out of a table: columns of numbers, and columns of words, which are classes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.core.errors import UserError, similar

MOST_CLASSES = 0.5
"""classes of a column of words, as a share of its rows: beyond it words are captions or names of files"""


def chosen(columns: Mapping[str, Sequence[Any]], names: Sequence[str] | None) -> dict[str, Sequence[Any]]:
    """Return the columns that are factors, in the order of `names`; all of them if it is None.

    Raises:
        UserError: there is no such column, or no column at all.
    """
    if not columns:
        raise UserError("`names` (=None) must be columns of the data: there is none beside the images")
    for name in names or ():
        if name not in columns:
            raise UserError(
                f"`names` (={name}) must be a column of the data: {', '.join(columns)}{similar(name, columns)}"
            )
    return {name: columns[name] for name in names or columns}


def classes_of_texts(labels: Any) -> tuple[str, ...]:
    """Return the classes of the texts (M,) of one factor, those that read as numbers in their order, and others in that of
    the alphabet; none for numbers, and for (M, K), in which NumPy makes texts of numbers that stand beside words."""
    column = np.asarray(labels)
    values = column.tolist() if column.ndim == 1 and column.dtype.kind in "OU" else []
    if not all(isinstance(value, str) and value.strip() for value in values):
        return ()
    words = sorted({_word(value) for value in values})
    numbers = {word: _number(word) for word in words}
    if None in numbers.values():
        return ()  # a column of words, which `labels_of` numbers and checks
    return tuple(sorted(words, key=lambda word: (numbers[word], word)))


def labels_of(
    columns: Mapping[str, Sequence[Any]],
    classes: Mapping[str, Sequence[str]],
    categorical: Sequence[str],
    rows: Sequence[str],
) -> tuple[Float[np.ndarray, "M K"], dict[str, tuple[str, ...]]]:
    """Return labels as numbers, and by factor the names of its classes, for columns of words and those of `classes`.

    A column of words becomes the numbers of its classes, from 0: in the order of `classes`, else in that of the alphabet.

    Args:
        columns: by name M values each, numbers or texts; a text may be a number, as all are in a CSV file.
        classes, categorical: as the fields of `ImageWorld`.
        rows: the place of each row in words, for errors.

    Raises:
        UserError: names the first value that is missing, not finite or no class, and its row.
    """
    named = {name: tuple(some) for name, some in classes.items()}
    numbers = []
    for name, values in columns.items():
        for value, row in zip(values, rows, strict=True):
            if value is None or (isinstance(value, str) and not value.strip()):
                raise UserError(
                    f"`{name}` (=nothing, {row}) must be given: each image has a value of each factor"
                )
        is_class = name in classes or name in categorical
        column, known = _column(name, values, named.get(name), is_class, rows)
        numbers.append(column)
        if known is not None:
            named[name] = known
    return np.stack(numbers, axis=1), named


def _column(
    name: str,
    values: Sequence[Any],
    classes: Sequence[str] | None,
    is_class: bool,
    rows: Sequence[str],
) -> tuple[Float[np.ndarray, " M"], tuple[str, ...] | None]:
    """Return a column as numbers, and its classes if it is one of words."""
    words = [_word(value) for value in values]
    if classes is not None and set(words) <= set(classes):
        return _numbered(words, classes), tuple(classes)

    numbers = [_number(value) for value in values]
    without = [k for k, number in enumerate(numbers) if number is None]
    if not without:
        column = np.array(numbers, dtype=float)
        for k in np.flatnonzero(~np.isfinite(column))[:1]:
            raise UserError(f"`{name}` (={values[k]}, {rows[k]}) must be finite")
        return column, None

    first = without[0]
    if classes is not None:
        raise UserError(
            f"`{name}` (={words[first]}, {rows[first]}) must be one of its classes: {', '.join(classes)}"
            f"{similar(words[first], classes)}"
        )
    if len(without) < len(values) and not is_class:
        raise UserError(
            f"`{name}` (={words[first]}, {rows[first]}) must be a number, as {len(values) - len(without)} others of this "
            f"column are; categorical=[{name}] makes its values classes"
        )

    known = tuple(sorted(set(words)))
    if len(known) > MOST_CLASSES * len(words) and len(known) > 2:
        raise UserError(
            f"`{name}` (={len(known)} different words for {len(words)} images) must be classes of several images each; "
            "`names` chooses the columns that are factors"
        )
    return _numbered(words, known), known


def _numbered(words: Sequence[str], classes: Sequence[str]) -> Float[np.ndarray, " M"]:
    numbers = {word: float(k) for k, word in enumerate(classes)}
    return np.array([numbers[word] for word in words])


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else f"{value}"


def _number(value: Any) -> float | None:
    """Return the number that a value is or reads as; None if it is a word."""
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, str) and "_" in value:  # 1_000 is a number to Python alone
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None
