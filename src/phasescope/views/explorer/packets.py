"""Arrays over HTTP: a JSON header, then the raw arrays.

    4 bytes    length of the header in bytes, little-endian, a multiple of 4
    header     JSON, padded with spaces; `arrays` gives name, dtype and shape of each, in their order
    arrays     little-endian, C order, each padded with zeros to a multiple of 4 bytes

A browser makes typed arrays of it without copying or parsing a number.
"""

import struct
from typing import Any

import numpy as np

from phasescope.runs.store.files import to_json

DTYPES = {"float32": "<f4", "uint8": "|u1"}
"""what travels: points and readings as float32, pixels as uint8"""


def packet(header: dict[str, Any], **arrays: np.ndarray) -> bytes:
    """`header` and `arrays` in one body.

    Raises:
        ValueError: an array of another dtype than `DTYPES`.
    """
    described, bodies = [], []
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise ValueError(f"`{name}` (of {array.dtype.name}) must be of {' or '.join(DTYPES)}")
        described.append({"name": name, "dtype": array.dtype.name, "shape": list(array.shape)})
        bodies.append(_padded(np.ascontiguousarray(array, DTYPES[array.dtype.name]).tobytes(), b"\0"))
    head = _padded(to_json({**header, "arrays": described}).encode(), b" ")
    return b"".join((struct.pack("<I", len(head)), head, *bodies))


def _padded(body: bytes, filler: bytes) -> bytes:
    return body + filler * (-len(body) % 4)
