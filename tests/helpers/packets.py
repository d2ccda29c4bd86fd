"""What a packet of the explorer holds, read as `phasescope.views.web.packets` says that it is written."""

import json
import struct

import numpy as np


def unpacked(body: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """Read as the module's first lines say it is written."""
    (length,) = struct.unpack("<I", body[:4])
    header = json.loads(body[4 : 4 + length])
    at, found = 4 + length, {}
    for one in header["arrays"]:
        dtype = {"float32": "<f4", "uint8": "u1"}[one["dtype"]]
        assert at % 4 == 0
        count = int(np.prod(one["shape"], dtype=int))
        found[one["name"]] = np.frombuffer(body, dtype, count, at).reshape(one["shape"])
        at += -(-count * np.dtype(dtype).itemsize // 4) * 4
    assert at == len(body)
    return header, found
