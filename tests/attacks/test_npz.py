"""Archives of somebody's: whatever is wrong with one is told in a line, before what it claims to hold is asked for."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hostile import assert_civil, call, only_written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.lib import format as npy

from phasescope.core.npz import open_npz
from phasescope.measures.checks import MOST_ROWS

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


def with_flag(content: bytes, at: int, value: int) -> bytes:
    """Two bytes of each member's head, and of each entry of the directory, changed."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\3\4", at), (b"PK\1\2", at + 2)):
        place = changed.find(signature)
        while place >= 0:
            changed[place + offset : place + offset + 2] = struct.pack("<H", value)
            place = changed.find(signature, place + 4)
    return bytes(changed)


GOOD = archive(ARRAYS)
DAMAGED = {
    "no archive": b"latents",
    "empty": b"",
    "a scalar": archive({**ARRAYS, "latents": np.array(1.0)}),
    "a scalar label": archive({**ARRAYS, "labels": np.array(1.0)}),
    "no rows": archive({"latents": np.zeros((0, 3)), "labels": np.zeros((0, 2))}),
    "no member": archive({}),
    "texts": archive({**ARRAYS, "labels": np.array(["a"] * 24)}),
    "dates": archive({**ARRAYS, "labels": np.zeros((24, 2), "M8[s]")}),
    "complex": archive({**ARRAYS, "latents": np.ones((24, 3), complex)}),
    "fields": archive({**ARRAYS, "latents": np.zeros(24, [("a", float)])}),
    "not finite": archive({**ARRAYS, "latents": np.full((24, 3), np.nan)}),
    "vast numbers": archive({**ARRAYS, "latents": ARRAYS["latents"] * 1e300}),
    "no array": archive({**ARRAYS, "latents": b"hello, this is no array"}),
    "an empty member": archive({**ARRAYS, "latents": b""}),
    "a header of brackets": archive({**ARRAYS, "latents": headed("(" * 5000)}),
    "a header of code": archive({**ARRAYS, "latents": headed("__import__('os').system('true')")}),
    "a header without a shape": archive(
        {**ARRAYS, "latents": headed("{'descr': '<f8', 'fortran_order': False}")}
    ),
    "a header of 60 kB": archive({**ARRAYS, "latents": headed("{" + " " * 60_000 + "}")}),
    "a pickle": archive({**ARRAYS, "latents": shaped("(1,)", "'|O'")}),
    "a type that is none": archive({**ARRAYS, "latents": shaped("(8,)", "'<q9'")}),
    "a shape of 73 TiB": archive({**ARRAYS, "latents": shaped("(1000, 10000000000)")}),
    "a shape beyond all": archive({**ARRAYS, "latents": shaped("(" + "9" * 3000 + ", 9)")}),
    "a negative shape": archive({**ARRAYS, "latents": shaped("(-1, 3)")}),
    "a shape of words": archive({**ARRAYS, "latents": shaped("('a', 3)")}),
    "more than there is": archive({**ARRAYS, "latents": shaped("(24, 30)")}),
    "a version that is none": archive({**ARRAYS, "latents": b"\x93NUMPY\x09\x00" + b"\0" * 80}),
    "encrypted": with_flag(GOOD, 6, 1),
    "an unknown compression": with_flag(GOOD, 8, 77),
    "another compression": with_flag(GOOD, 8, 8),
    "yet another": with_flag(GOOD, 8, 14),
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


@pytest.mark.slow
@settings(database=None, max_examples=250, suppress_health_check=list(HealthCheck))
@given(
    st.integers(0, len(GOOD) - 1),
    st.sampled_from(["cut", "flipped", "zeroed", "doubled", "shifted"]),
    st.integers(1, 64),
)
def test_bad_input_an_archive_that_is_cut_or_flipped_is_read_or_refused(
    tmp_path_factory, place: int, harm: str, size: int
):
    content = bytearray(GOOD)
    part = slice(place, place + size)
    match harm:
        case "cut":
            content = content[:place]
        case "flipped":
            content[part] = bytes(byte ^ 0xFF for byte in content[part])
        case "zeroed":
            content[part] = bytes(len(content[part]))
        case "doubled":
            content[place:place] = content[part]
        case "shifted":
            del content[part]
    file = tmp_path_factory.getbasetemp() / "harmed.npz"
    file.write_bytes(content)
    words = ["measure", str(file), *ONLY]
    assert_civil(words, call(words))


def test_more_rows_than_can_be_paired_are_refused_by_the_measure_and_the_bound(tmp_path: Path):
    file = tmp_path / "many.npz"
    many = RNG.random((60_000, 2), dtype=np.float32)
    np.savez(file, latents=many, labels=many)
    outcome = call(["measure", str(file), "--only", "order"])
    assert outcome.code == 2
    assert f"`latents` (n=60000) must have at most {MOST_ROWS} rows for order" in outcome.err


def test_what_is_sound_is_read_as_numpy_reads_it(tmp_path: Path):
    file = tmp_path / "sound.npz"
    arrays = {
        "a": np.arange(6).reshape(2, 3),
        "b": np.asfortranarray(RNG.random((3, 4))),
        "c": np.zeros((0, 2), np.uint8),
    }
    for save in (np.savez, np.savez_compressed):
        save(file, **arrays)
        with open_npz(file) as found, np.load(file) as expected:
            assert list(found) == list(expected)
            for name in found:
                assert found[name].dtype == expected[name].dtype
                assert found[name].tobytes() == expected[name].tobytes()
