"""Images with their labels, as a file, a folder or a data set gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Source:
    """Images with their labels.

    Attributes:
        images: (M, ...), with one or three channels, which may come last.
        labels: (M, K) or (M,), numbers or words, of factors without names; or by name the M values of each column.
        published: the names of the factors, if this is a published data set that is known by its layout; else empty.
        periods: of its periodic factors.
        classes: by column the names of its classes, if the source knows them.
        rows: where each row stands, in words; empty: their numbers.
        said: what was done to the images, in words; empty if nothing was.
        scale: a and b for which a image + b lies in [-1, 1]; None: those that the images tell.
    """

    images: np.ndarray
    labels: np.ndarray | Mapping[str, Sequence[Any]]
    published: tuple[str, ...] = ()
    periods: Mapping[str, float] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: Sequence[str] = ()
    said: str = ""
    scale: tuple[float, float] | None = None
