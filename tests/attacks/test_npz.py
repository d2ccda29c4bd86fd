"""Archives of somebody's: whatever is wrong with one is told in a line, before what it claims to hold is asked for."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from helpers.commands import assert_civil, call, only_written

RNG = np.random.default_rng(0)
LABELS = RNG.random((24, 2))
ARRAYS = {"latents": LABELS @ RNG.random((2, 3)), "labels": LABELS}
ONLY = ["--only", "participation_ratio"]


def archive(arrays: dict[str, np.ndarray | bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """An npz file; what is bytes is a member as it stands."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as members:
        for name, array in arrays.items():
            members.writestr(f"{name}.npy", array if isinstance(array, bytes) else member(array))
    return file.getvalue()


def member(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    npy.write_array(file, array)
    return file.getvalue()


def headed(header: str, data: bytes = b"") -> bytes:
    """A member with a header of one's own."""
    line = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + data


def shaped(shape: str, dtype: str = "'<f8'") -> bytes:
    return headed(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}", b"\0" * 64)


GOOD = archive(ARRAYS)
DAMAGED = {
    "no archive": b"latents",
    "empty": b"",
    "a scalar": archive({**ARRAYS, "latents": np.array(1.0)}),
    "no rows": archive({"latents": np.zeros((0, 3)), "labels": np.zeros((0, 2))}),
    "no member": archive({}),
    "texts": archive({**ARRAYS, "labels": np.array(["a"] * 24)}),
    "complex": archive({**ARRAYS, "latents": np.ones((24, 3), complex)}),
    "not finite": archive({**ARRAYS, "latents": np.full((24, 3), np.nan)}),
    "vast numbers": archive({**ARRAYS, "latents": ARRAYS["latents"] * 1e300}),
    "no array": archive({**ARRAYS, "latents": b"hello, this is no array"}),
    "a header of brackets": archive({**ARRAYS, "latents": headed("(" * 5000)}),
    "a header of code": archive({**ARRAYS, "latents": headed("__import__('os').system('true')")}),
    "a pickle": archive({**ARRAYS, "latents": shaped("(1,)", "'|O'")}),
    "a shape of 73 TiB": archive({**ARRAYS, "latents": shaped("(1000, 10000000000)")}),
    "a negative shape": archive({**ARRAYS, "latents": shaped("(-1, 3)")}),
    "more than there is": archive({**ARRAYS, "latents": shaped("(24, 30)")}),
    "too many rows": archive(
        {"latents": np.zeros((60_000, 2), np.uint8), "labels": np.zeros((60_000, 2), np.uint8)}
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_bad_input_a_damaged_archive_is_refused_in_a_line(case: str, tmp_path: Path):
    file = tmp_path / "given.npz"
    file.write_bytes(DAMAGED[case])
    for words in (["measure", str(file), *ONLY], ["train", "world.kind=arrays", f"world.file={file}"]):
        with only_written(tmp_path):
            outcome = call(words)
        assert_civil(words, outcome)
        assert outcome.code == 2
        assert "given.npz" in outcome.err
    assert outcome.err.startswith(f"phasescope: `world.file` (={file}) "), outcome.err
