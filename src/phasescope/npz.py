"""Named arrays out of npz files."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from phasescope.errors import reading

MOST_BYTES = 3 * 2**30
"""of one array that is measured: no more than fits in memory twice"""


@contextmanager
def open_npz(path: Path | str) -> Iterator[Mapping[str, np.ndarray]]:
    """The arrays of an npz file by name, each read as it is asked for; no pickle is loaded.

    Raises:
        UserError: the file cannot be read; also within the block, of an array that cannot be read.
    """
    with reading(path), warnings.catch_warnings(), open(path, "rb") as file:
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote, as dSprites' are
        with np.load(file, allow_pickle=False) as arrays:
            if isinstance(arrays, np.ndarray):
                raise ValueError("it holds one array without a name")
            yield _Arrays(arrays)


class _Arrays(Mapping[str, np.ndarray]):
    """The members of an npz file; numpy gives the bytes of a member that is no array, which is an error here."""

    def __init__(self, members: Mapping[str, np.ndarray]):
        self._members = members

    def __getitem__(self, name: str) -> np.ndarray:
        if not isinstance(array := self._members[name], np.ndarray):
            raise ValueError(f"`{name}` is no array")
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)
