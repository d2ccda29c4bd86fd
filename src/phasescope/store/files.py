"""Writing that survives a crash: a file or a folder is either the old one, or whole."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def write_aside(path: Path, content: bytes | str) -> None:
    """Write `content` beside `path`, to the disk, then rename it into place.

    Raises:
        OSError: `path` cannot be written; the old file is then still there.
    """
    data = content.encode() if isinstance(content, str) else content
    aside = _aside(path)
    try:
        with open(aside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        _discard(aside)
        raise OSError(error.errno, error.strerror, str(path)) from None
    except BaseException:
        _discard(aside)
        raise


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """A folder to fill, renamed to `path` when the block ends well and removed when it does not."""
    aside = _aside(path)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        for file in aside.iterdir():
            _to_disk(file)
        if path.exists():
            shutil.rmtree(path)
        os.rename(aside, path)
    except BaseException:
        _discard(aside)
        raise


def remove_asides(folder: Path) -> None:
    """Remove what a killed process left half-written in `folder`."""
    for aside in folder.glob(".*.aside"):
        _discard(aside)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects in a JSON-lines file; a torn line is left out, and a missing file has none."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    objects = []
    for line in lines:
        try:
            objects.append(json.loads(line))
        except ValueError:
            continue
    return [entry for entry in objects if isinstance(entry, dict)]


def append_json_line(path: Path, entry: dict[str, Any]) -> None:
    """Append one line and bring it to the disk."""
    with open(path, "ab") as file:
        file.write(to_json(entry).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def to_json(tree: Any, indent: int | None = None) -> str:
    """JSON as every reader takes it: a number that is not finite, which JSON does not know, is null."""
    return json.dumps(_finite(tree), indent=indent, allow_nan=False)


def _finite(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_finite(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


def _aside(path: Path) -> Path:
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
