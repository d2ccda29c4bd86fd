"""Where the data of an `ImageWorld` lie: where the configuration says, or elsewhere, if their SHA-256 is the one it has.

The SHA-256 of a file is that of its bytes, as `sha256sum` prints it. That of a folder is `folder.sha256_of_folder`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from phasescope.core.data_places import data_places
from phasescope.core.errors import UserError, reading
from phasescope.core.plain_files import open_plain
from phasescope.worlds.images.folder import is_image_folder, sha256_of_folder

Stamp = tuple[tuple[str, int, int, int], ...]
"""of each file its name, inode, size and time of change: another stamp may mean other contents"""


def find(file: str, sha256: str | None) -> tuple[Path, str]:
    """Return where the data are, and their SHA-256.

    They are looked for at `file`, in the places of `--data` under the same name, and at last under any name there.

    Raises:
        UserError: nothing is there, or only data of another SHA-256; or what is there cannot be read.
    """
    if not file and not sha256:
        raise UserError("`world.file` (=) must be given: an npz file, or a folder of images")

    others = []
    for path in _candidates(file, sha256):
        digest = sha256_of(path)
        if sha256 in (None, digest):
            return path, digest
        others.append((path, digest))

    if others:
        path, digest = others[0]
        raise UserError(
            f"`file` (={path}) must be the data of SHA-256 {sha256}, and is of {digest}: put them back, or name the place "
            "of those data by --data"
        )
    places = ", ".join(map(str, data_places()))
    where = f" or in {places}" if places else "; --data names another place"
    raise UserError(
        f"`file` (={file or f'of SHA-256 {sha256}'}) cannot be read: there is nothing there{where}"
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a data file or folder; UserError if it cannot be read."""
    return _sha256(str(path), stamp_of(path))


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of a file, or of all files of a folder; UserError if there is none."""
    with reading(path):
        if not path.is_dir():
            return (_mark(path.stat(), ""),)
        return tuple(
            sorted(
                _mark(os.stat(os.path.join(folder, name)), os.path.join(folder, name))
                for folder, _, names in os.walk(path)
                for name in names
                if os.path.exists(os.path.join(folder, name))
            )
        )


def _mark(stat: os.stat_result, name: str) -> tuple[str, int, int, int]:
    return name, stat.st_ino, stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _sha256(path: str, stamp: Stamp) -> str:
    if Path(path).is_dir():
        return sha256_of_folder(Path(path))
    with reading(path), open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _candidates(file: str, sha256: str | None) -> Iterator[Path]:
    """Yield what may be the data, and exists."""
    if file and Path(file).exists():
        yield Path(file)
    for place in data_places():
        named = place / Path(file).name
        if file and place.is_dir() and named.exists():
            yield named
    for place in data_places() if sha256 else ():
        yield from (path for path in (place, *_entries(place)) if _may_be_data(path))


def _entries(place: Path) -> list[Path]:
    return sorted(place.iterdir()) if place.is_dir() and not is_image_folder(place) else []


def _may_be_data(path: Path) -> bool:
    return is_image_folder(path) if path.is_dir() else path.suffix == ".npz" and path.is_file()
