"""A folder of PNG or JPEG files with their labels.

    squares/metadata.csv      file_name,x,y,colour        or metadata.jsonl, with the same keys in each line
            0001.png          0001.png,12.5,20,red

That is the layout of Hugging Face's image folder. A folder without metadata that has a folder of each class, as
torchvision's `ImageFolder` reads it, has the factor `class`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phasescope.core.errors import UserError, log_once, reading, similar
from phasescope.core.plain_files import open_plain, read_plain
from phasescope.worlds.images.pictures import Channels, decoded, of_one_size
from phasescope.worlds.images.source import Source

METADATA = ("metadata.csv", "metadata.jsonl")
FILE_NAME = "file_name"
ENDINGS = (".png", ".jpg", ".jpeg")
OF_CLASSES = "class"
"""the factor of a folder that has a folder of each class"""


@dataclass(frozen=True)
class Table:
    """The images of a folder and what is known of each.

    Attributes:
        files: the images' paths within the folder, as written.
        columns: by name a value of each image.
        rows: where each row stands, in words.
        metadata: name of the file that says so; empty if folders do.
    """

    files: Sequence[str]
    columns: dict[str, list[Any]]
    rows: Sequence[str]
    metadata: str


def is_image_folder(path: Path) -> bool:
    """Return whether a folder has metadata of images."""
    return any((path / name).is_file() for name in METADATA)


def read_table(folder: Path) -> Table:
    """Return the table of a folder's images.

    Raises:
        UserError: there is none, it cannot be read, or it names no image, a missing one, one twice, or one elsewhere.
    """
    present = [name for name in METADATA if (folder / name).exists()]
    if len(present) > 1:
        raise UserError(f"`{folder}` (={' and '.join(present)}) must have one of them: remove the other")
    table = _of_metadata(folder, present[0]) if present else _of_classes(folder)
    _check_files(folder, table)
    return table


def sha256_of_folder(folder: Path) -> str:
    """Return the SHA-256 of what `sha256sum` prints for the metadata and the images that they name, in the order of their
    names (bytes, as `LC_ALL=C sort` has it)."""
    table = read_table(folder)
    names = sorted({*table.files, *filter(None, [table.metadata])}, key=str.encode)
    lines = hashlib.sha256()
    for name in names:
        with reading(folder / name), open_plain(folder / name) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        lines.update(f"{digest}  {name}\n".encode())
    return lines.hexdigest()


def _of_metadata(folder: Path, name: str) -> Table:
    path = folder / name
    with reading(path):
        text = read_plain(path).decode("utf-8-sig")
        parsed = _csv_rows(text, name) if name.endswith(".csv") else _json_rows(text, name)
    places, entries = zip(*parsed, strict=True) if parsed else ((), ())
    if not entries:
        raise UserError(f"`{path}` (=no rows) must have a row for each image")

    names = list(dict.fromkeys(key for entry in entries for key in entry))
    if FILE_NAME not in names:
        raise UserError(
            f"`{path}` (={', '.join(map(str, names))[:80]}) must have the column {FILE_NAME}{similar(FILE_NAME, names)}"
        )
    columns = {key: [entry.get(key) for entry in entries] for key in names}
    files = [file if isinstance(file, str) else "" for file in columns.pop(FILE_NAME)]
    return Table(files, columns, places, name)


def _csv_rows(text: str, name: str) -> list[tuple[str, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    heading = [cell.strip() for cell in next(reader, [])]
    for key in heading:
        if not key or heading.count(key) > 1:
            raise UserError(f"`{name}` (={key or 'nothing'} in its heading) must name each column once")

    rows = []
    for cells in reader:
        if not cells:
            continue
        if len(cells) != len(heading):
            raise UserError(
                f"`{name}` (={len(cells)} cells in line {reader.line_num}) must have {len(heading)} in each line, as its "
                "heading has"
            )
        rows.append((f"line {reader.line_num} of {name}", dict(zip(heading, cells, strict=True))))
    return rows


def _json_rows(text: str, name: str) -> list[tuple[str, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise UserError(f"`{name}` (=line {number}) must be JSON: {error}") from None
        if not isinstance(entry, dict):
            raise UserError(f"`{name}` (=line {number}) must be a mapping of columns to values")
        rows.append((f"line {number} of {name}", entry))
    return rows


def _of_classes(folder: Path) -> Table:
    """Return the table of a folder that has a folder of each class."""
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    files = {path.name: [file.name for file in _images_in(path)] for path in classes}
    names = [f"{name}/{file}" for name, some in files.items() for file in some]
    if not names:
        raise UserError(
            f"`{folder}` must hold {' or '.join(METADATA)} with the column {FILE_NAME}, or a folder of images for each class"
        )
    labels = [name for name, some in files.items() for _ in some]
    return Table(names, {OF_CLASSES: labels}, names, "")


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)


def _check_files(folder: Path, table: Table) -> None:
    """Raise UserError unless each row names a file of its own within the folder; log which images no row names."""
    root, seen = folder.resolve(), set[Path]()
    missing = []
    for name, row in zip(table.files, table.rows, strict=True):
        if not name or "\0" in name:
            raise UserError(f"`{FILE_NAME}` (={name or 'nothing'!r}, {row}) must name an image")
        path = (folder / name).resolve()
        if not path.is_relative_to(root):
            raise UserError(f"`{FILE_NAME}` (={name}, {row}) must lie in the folder, and leads out of it")
        if path in seen:
            raise UserError(f"`{FILE_NAME}` (={name}, {row}) must be named once, and an earlier row names it")
        seen.add(path)
        if not path.is_file():
            missing.append((name, row))

    if missing:
        name, row = missing[0]
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        near = similar(name, [path.name for path in _images_in(folder)])
        raise UserError(
            f"`{FILE_NAME}` (={name}, {row}) must be a file in {folder}, and there is none{more}{near}"
        )

    unnamed = [path.name for path in _images_in(folder) if path.resolve() not in seen]
    if unnamed:
        why = f"{table.metadata} does not name them" if table.metadata else "they lie in no folder of a class"
        log_once(f"`{folder}`: {len(unnamed)} images ({unnamed[0]}, ...) are left out: {why}")


def read_folder(folder: Path, channels: Channels | None, resize: int | None) -> Source:
    """Return the images and columns of a folder.

    Raises:
        UserError: as of `read_table` and `pictures.of_one_size`; an image cannot be decoded.
    """
    table = read_table(folder)

    def images() -> Iterator[np.ndarray]:
        for name in table.files:
            with reading(folder / name):
                image = decoded(read_plain(folder / name), channels)
            yield image

    images_in_words = [
        name if name == row else f"{name} ({row})" for name, row in zip(table.files, table.rows, strict=True)
    ]
    squares, said = of_one_size(images(), resize, images_in_words)
    return Source(images=squares, labels=table.columns, rows=table.rows, said=said)
