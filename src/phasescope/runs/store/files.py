"""Writing that survives a crash: a file or folder is either the old one or completely the new one."""

import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.core.errors import UserError, reading
from phasescope.core.plain_files import open_plain, read_plain

# Bytes read from the end of a file to find its last line; more are read if the line is longer.
LAST_BYTES = 2**16


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's contents, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(read_plain(path)).hexdigest()


def read_json(path: Path) -> Any:
    """Return the contents of a JSON file.

    Raises:
        UserError: it is no JSON.
        OSError: it cannot be read.
    """
    try:
        return json.loads(read_plain(path))
    except (ValueError, RecursionError) as error:
        raise UserError(f"`{path}` must hold JSON: {error}") from None


def write_aside(path: Path, content: bytes | str) -> None:
    """Write `content` beside `path`, to the disk, then rename it into place.

    Raises:
        OSError: `path` cannot be written; the old file is then still there.
    """
    write_all_aside({path: content})


def write_all_aside(contents: Mapping[Path, bytes | str]) -> None:
    """Write files beside their places, to the disk, then rename all into place.

    Raises:
        OSError: one cannot be written, and is named; the old files are then still there.
    """
    path = Path()
    try:
        # All are on disk before the first is renamed, so that a full disk leaves every old file as it was.
        for path, content in contents.items():
            with open(_aside(path), "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
                file.flush()
                os.fsync(file.fileno())

        # os.replace would refuse a folder too, but only after other files had been renamed.
        for path in contents:
            if path.is_dir():
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))

        for path in contents:
            os.replace(_aside(path), path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        for path in contents:
            _discard(_aside(path))


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """Yield a folder to fill; it is renamed to `path` if the block ends without an exception, and removed otherwise. A
    folder there that holds files stays: OSError."""
    aside = _aside(path)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        for file in aside.iterdir():
            _to_disk(file)
        os.rename(aside, path)
    except BaseException:
        _discard(aside)
        raise


def remove_asides(folder: Path) -> None:
    """Remove incomplete files that a killed process left in `folder`."""
    for aside in folder.glob(".*.aside"):
        _discard(aside)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects in a JSON-lines file, without an incomplete last line; a missing file has none.

    Raises:
        UserError: a line is no JSON.
    """
    if not path.exists():
        return []
    with reading(path):
        # After the last newline there is nothing, or a line that a killed writer did not finish.
        *lines, _ = read_plain(path).split(b"\n")
        return [json.loads(line) for line in lines]


def read_last_json_line(path: Path) -> dict[str, Any] | None:
    """Return the object in the last complete line of a JSON-lines file without reading the others; None if there is no line.

    Raises:
        OSError, ValueError: the line cannot be read.
    """
    try:
        with open_plain(path) as file:
            end, size = file.seek(0, 2), LAST_BYTES
            while True:
                file.seek(max(end - size, 0))
                *lines, _ = file.read(size).rsplit(b"\n", 2)
                if len(lines) == 2 or size >= end:
                    return json.loads(lines[-1]) if lines else None
                size *= 8
    except FileNotFoundError:
        return None


def append_json_lines(path: Path, *entries: Mapping[str, Any], to_disk: bool = True) -> None:
    """Append a line for each entry; with `to_disk`, return once they and all earlier lines would survive a power cut."""
    with open(path, "ab") as file:
        file.write("".join(to_json(entry) + "\n" for entry in entries).encode())
        file.flush()
        if to_disk:
            os.fsync(file.fileno())


def to_json(tree: Any, indent: int | None = None) -> str:
    """Return valid JSON, in which numbers that are not finite are null."""
    finite = with_leaves(
        lambda leaf: None if isinstance(leaf, float) and not math.isfinite(leaf) else leaf, tree
    )
    return json.dumps(finite, indent=indent, allow_nan=False)


def plain_number(value: Any) -> Any:
    """Return Python's number for one of numpy, which is no JSON; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def with_leaves(change: Callable[[Any], Any], tree: Any) -> Any:
    """Return a tree of mappings, lists and tuples, which become lists, with each leaf changed."""
    if isinstance(tree, Mapping):
        return {key: with_leaves(change, value) for key, value in tree.items()}
    return [with_leaves(change, value) for value in tree] if isinstance(tree, list | tuple) else change(tree)


def _aside(path: Path) -> Path:
    # Two processes that write the same file must not write into one another's unfinished copy.
    return path.with_name(f".{path.name}.{os.getpid()}.aside")


def _discard(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _to_disk(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
