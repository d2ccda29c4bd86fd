"""Named arrays out of npz files, whoever made them: what each would take is read in its header before it is read."""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from phasescope.errors import UserError
from phasescope.regular import open_regular

MOST_BYTES = 3 * 2**30
"""of one array: dSprites' images, 2.8 GiB, are read, and no more than fits in memory twice"""
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@contextmanager
def open_npz(path: Path | str) -> Iterator[Mapping[str, np.ndarray]]:
    """The arrays of an npz file by name, each read as it is asked for; no pickle is loaded.

    Raises:
        UserError: the file cannot be read, or is none; within the block also of an array that is none, that cannot be
            read, or of more than `MOST_BYTES`.
    """
    with open_regular(path) as stream:
        try:
            archive = zipfile.ZipFile(stream)
        except OSError as error:
            raise UserError(f"`{path}` cannot be read: {error.strerror or error}") from None
        except Exception as error:  # whatever a directory of somebody's can do to its reader
            raise UserError(f"`{path}` must be an npz file: it is no zip archive: {error}") from None
        with archive:
            yield _Arrays(path, archive)


class _Arrays(Mapping[str, np.ndarray]):
    def __init__(self, path: Path | str, archive: zipfile.ZipFile):
        self.path, self.archive = path, archive
        self.members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, name: str) -> np.ndarray:
        member = self.members[name]
        try:
            with self.archive.open(member) as file:
                _check_header(file)
            with self.archive.open(member) as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of headers that Python 2 wrote, as dSprites' are
                return npy.read_array(file, allow_pickle=False)
        except OSError as error:
            raise UserError(f"`{self.path}` cannot be read: {error.strerror or error}") from None
        except Exception as error:  # decoders of zip, of each compression and of headers have a type each
            told = " ".join(str(error).split()) or type(error).__name__
            raise UserError(
                f"`{self.path}` must be an npz file of plain arrays: `{name[:60]}` cannot be read: {told}"
            ) from None


def _check_header(file: IO[bytes]) -> None:
    """Raises ValueError where what follows is no array, a pickle, or too large."""
    version = npy.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"it is of version {version}, not of {', '.join(map(str, HEADERS))}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, _, dtype = HEADERS[version](file)
    if dtype.hasobject:
        raise ValueError("it is a pickle, which is not loaded")
    size = math.prod(shape) * dtype.itemsize
    if size > MOST_BYTES or any(n < 0 for n in shape):
        raise ValueError(f"its shape {shape} of {dtype} takes {size} bytes, and may take {MOST_BYTES}")
