"""Reading named arrays from npz files."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from phasescope.core.errors import reading
from phasescope.core.plain_files import open_plain


@contextmanager
def open_npz(path: Path | str) -> Iterator[Mapping[str, np.ndarray]]:
    """Yield the arrays of an npz file by name, each read when it is accessed; pickles are refused.

    Raises:
        UserError: the file cannot be read, or within the block an array.
    """
    with reading(path), warnings.catch_warnings(), open_plain(path) as file:
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote, as dSprites' are
        # What is no archive numpy takes for a pickle, and advises to load it.
        if not file.peek(6).startswith((b"PK", b"\x93NUMPY")):
            raise ValueError("it is no npz file")
        with np.load(file, allow_pickle=False) as arrays:
            if isinstance(arrays, np.ndarray):
                raise ValueError("it holds one array without a name")
            yield arrays
