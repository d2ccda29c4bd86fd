"""Named arrays out of npz files, with one line for whatever is wrong with a file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from phasescope.errors import UserError

MOST_BYTES = 3 * 2**30
"""of one array that is measured: no more than fits in memory twice"""


@contextmanager
def open_npz(path: Path | str) -> Iterator[Mapping[str, np.ndarray]]:
    """The arrays of an npz file by name, each read as it is asked for; no pickle is loaded.

    Raises:
        UserError: the file cannot be read, or is none; also within the block, of an array that cannot be read.
    """
    if not Path(path).is_file():  # a pipe would keep its reader waiting
        raise UserError(
            f"`{path}` cannot be read: {'it is no regular file' if Path(path).exists() else 'it is not there'}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote, as dSprites' are
            with (
                open(path, "rb") as file,
                np.load(file, allow_pickle=False) as arrays,
            ):  # closed if it is none
                if not isinstance(arrays, np.lib.npyio.NpzFile):
                    raise ValueError("it holds one array without a name")
                yield _Arrays(arrays)
    except UserError:
        raise
    except Exception as error:  # zip, each of its codecs and numpy's headers have errors of their own
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"`{path}` must be an npz file of plain arrays: {why}") from None


class _Arrays(Mapping[str, np.ndarray]):
    def __init__(self, file: Mapping[str, np.ndarray]):
        self._file = file

    def __iter__(self) -> Iterator[str]:
        return iter(self._file)

    def __len__(self) -> int:
        return len(self._file)

    def __getitem__(self, name: str) -> np.ndarray:
        array = self._file[name]
        if not isinstance(array, np.ndarray):  # numpy gives the bytes of a member that is no array
            raise ValueError(f"`{name[:60]}` is no array")
        return array
