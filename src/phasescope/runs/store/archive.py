"""A run as one file, and back: a plain zip archive of what the run recorded, with the size and SHA-256 of each file.

    manifest.json                   {"run": its folder's name, "files": {path: {"bytes": ..., "sha256": ...}}}
    <run>/config.yaml  <run>/snapshots/00000100/weights.safetensors  ...

The same run gives the same bytes. An archive that is read may be anybody's: nothing is written outside a folder that this
process made, no more than the manifest says, and nothing stays if a name, a size or a digest is not what it says.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from phasescope.core.errors import UserError, reading
from phasescope.runs.store.files import to_json
from phasescope.runs.store.folder import Run

MANIFEST = "manifest.json"
KEPT = (
    "config.yaml", "about.json", "status.json", "metrics.jsonl", "scalars.jsonl", "references.json", "sources.json",
    "world.npz", "notes.json", "tags.txt", "checkpoint", "observations", "snapshots",
)  # fmt: skip
"""of a run's folder: not its lock, not who executed it where, not its report"""
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
PART_BYTES = 2**20
BEFORE_ZIP_HAD_DATES = (1980, 1, 1, 0, 0, 0)

Tell = Callable[[int, int], None]
"""is told how many files of how many are done"""


def write_archive(run: Run, out: Path, tell: Tell = lambda done, of: None) -> Path:
    """Write all that a run recorded to `out`, which appears whole or not at all; return its path.

    An observation is archived under the name of its run and its own, for it is a run elsewhere.

    Raises:
        UserError: the run is being written, or is broken; it holds a link; its folder has a name that is none for a file
            everywhere.
        OSError: a file cannot be read, or `out` cannot be written.
    """
    path, state = run.path.resolve(), run.status["state"]
    if state in ("running", "broken"):
        raise UserError(f"`RUN` (={run.name}) must be whole and at rest to be archived, and is {state}")
    name = f"{path.parents[1].name}-{path.name}" if path.parent.name == "observations" else path.name
    if not re.fullmatch(NAME, name):
        raise UserError(f"`RUN` (={run.name}) must have letters, digits, ., _ and - in its folder's name")
    paths = list(_recorded(path))
    files: dict[str, dict[str, Any]] = {}
    aside = out.with_name(f".{out.name}.{os.getpid()}.aside")
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for done, file in enumerate(paths):
                tell(done, len(paths))
                within = file.relative_to(path).as_posix()
                with open(file, "rb") as source, archive.open(_entry(f"{name}/{within}"), "w") as entry:
                    files[within] = _copy(source, entry)
            archive.writestr(_entry(MANIFEST), to_json({"run": name, "files": files}, indent=1))
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return out


def _recorded(folder: Path) -> Iterator[Path]:
    """The files of a run's folder that are kept, and of what is half-written none.

    Raises:
        UserError: one of them, or a folder among them, is a link: it may lead to files that are no part of the run.
    """
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if parts[0] not in KEPT or "lock" in parts or any(part.startswith(".") for part in parts):
            continue
        if path.is_symlink():
            raise UserError(
                f"`{path}` must be the run's own to be archived: it is a link, which is not followed"
            )
        if path.is_file():
            yield path


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, BEFORE_ZIP_HAD_DATES)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def _copy(source: IO[bytes], target: IO[bytes], most_bytes: float = float("inf")) -> dict[str, Any]:
    """Copy a file, of one that holds more than `most_bytes` only the beginning; return its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    while size <= most_bytes and (part := source.read(PART_BYTES)):
        digest.update(part)
        size += target.write(part)
    return {"bytes": size, "sha256": digest.hexdigest()}


def read_archive(
    path: Path, runs: Path, check: Callable[[Run, str], None], tell: Tell = lambda done, of: None
) -> Run:
    """The run of an archive, in a folder of runs that holds nothing of its name yet.

    Only files that the manifest lists are unpacked, each as plain bytes under its name.

    Args:
        check: is given what was unpacked and the name that it is to have, and raises a UserError if it is no such run.

    Raises:
        UserError: the file is no such archive, whole; the run is there already; `check` finds a fault.
        OSError: a file cannot be written.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        name, files = _manifest(archive)
        with _new_folder(runs / name) as folder:
            for done, (within, kept) in enumerate(files.items()):
                tell(done, len(files))
                (folder / within).parent.mkdir(parents=True, exist_ok=True)
                with archive.open(f"{name}/{within}") as entry, open(folder / within, "xb") as file:
                    if _copy(entry, file, kept["bytes"]) != kept:
                        raise ValueError(f"`{within}` differs from what {MANIFEST} says")
            check(Run(folder), name)
    return Run(runs / name)


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `target` when the block ends well, and is removed when it does not.

    Raises:
        UserError: `target` is there already, or appears meanwhile: a folder is never renamed onto one that holds files.
    """
    taken = UserError(f"`{target}` must not be there: nothing is overwritten")
    if target.exists():
        raise taken
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.aside")
    try:
        aside.mkdir(parents=True)
        yield aside
        try:
            aside.rename(target)
        except OSError:
            raise taken from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _manifest(archive: zipfile.ZipFile) -> tuple[str, dict[str, dict[str, Any]]]:
    """The run's name, and the size and SHA-256 of each file.

    Raises:
        ValueError: a name leads out of the run's folder, or is of no file of a run.
    """
    manifest = json.loads(archive.read(MANIFEST))
    name, files = manifest["run"], manifest["files"]
    if not re.fullmatch(NAME, name):
        raise ValueError(f"`{name[:80]}` cannot name a run")
    for within in files:
        parts = PurePosixPath(within).parts
        plain = within == "/".join(parts) and within.isprintable() and "\\" not in within
        if not plain or parts[0] not in KEPT or any(part.startswith(".") for part in parts):
            raise ValueError(f"`{within[:80]}` is no file of a run")
    return name, files
