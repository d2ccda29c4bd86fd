"""Named arrays out of npz files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from phasescope.errors import UserError


@contextmanager
def open_npz(path: Path | str) -> Iterator[Mapping[str, np.ndarray]]:
    """The arrays of an npz file by name, each read as it is asked for; no pickle is loaded.

    Raises:
        UserError: the file cannot be read, or is none; also of an array that is a pickle, within the block.
    """
    try:
        with Path(path).open("rb") as stream:
            if not zipfile.is_zipfile(stream):
                raise UserError(f"`{path}` must be an npz file: it is no zip archive")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as file:
                yield file
    except OSError as error:
        raise UserError(f"`{path}` cannot be read: {error.strerror or error}") from None
    except (ValueError, zipfile.BadZipFile) as error:
        raise UserError(f"`{path}` must be an npz file of plain arrays: {error}") from None
