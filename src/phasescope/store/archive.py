"""A run as one file, and back: a zip archive of all that the run recorded, with a manifest of sizes and SHA-256.

    manifest.json                   {"run": its folder's name, "files": {path: {"bytes": ..., "sha256": ...}}}
    <run>/config.yaml  <run>/snapshots/00000100/weights.safetensors  ...

The same run gives the same bytes. What is read may be anybody's: nothing is written outside the run's own folder, no more
than the manifest says, and nothing stays where a name, a size or a digest is not what it says.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from phasescope.config import explain
from phasescope.errors import UserError
from phasescope.regular import open_regular
from phasescope.store.files import folder_aside, from_json, to_json
from phasescope.store.folder import Run

MANIFEST = "manifest.json"
KEPT = (
    "config.yaml", "about.json", "status.json", "metrics.jsonl", "references.json", "sources.json", "world.npz",
    "notes.json", "tags.txt", "checkpoint", "observations", "snapshots",
)  # fmt: skip
"""of a run's folder: not its lock, not who executed it where, not its report"""
MOST_FILES, MOST_MANIFEST_BYTES = 100_000, 2**26
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
PART_BYTES = 2**20
BEFORE_ZIP_HAD_DATES = (1980, 1, 1, 0, 0, 0)

Tell = Callable[[int, int], None]
"""is told how many files of how many are done"""


class Kept(BaseModel):
    """A file of the archive."""

    model_config = ConfigDict(extra="forbid", strict=True)

    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """What an archive holds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    run: str = Field(pattern=f"^{NAME}$")
    files: dict[str, Kept]


def write_archive(run: Run, out: Path, tell: Tell = lambda done, of: None) -> Path:
    """Write all that a run recorded to `out`, which appears whole or not at all; its path.

    Raises:
        UserError: the run is being written, or is broken; its folder has a name that is none for a file everywhere.
        OSError: a file cannot be read, or `out` cannot be written.
    """
    name, state = run.path.resolve().name, run.status["state"]
    if state in ("running", "broken"):
        raise UserError(f"`RUN` (={run.name}) must be whole and at rest to be archived, and is {state}")
    if not re.fullmatch(NAME, name):
        raise UserError(f"`RUN` (={run.name}) must have letters, digits, ., _ and - in its folder's name")
    paths = sorted(_recorded(run.path))
    files: dict[str, dict[str, Any]] = {}
    aside = out.with_name(f".{out.name}.{os.getpid()}.aside")
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for done, path in enumerate(paths):
                tell(done, len(paths))
                within = path.relative_to(run.path).as_posix()
                digest, size = hashlib.sha256(), 0
                with open_regular(path) as file, archive.open(_entry(f"{name}/{within}"), "w") as entry:
                    while part := file.read(PART_BYTES):
                        digest.update(part)
                        size += entry.write(part)
                files[within] = {"bytes": size, "sha256": digest.hexdigest()}
            archive.writestr(_entry(MANIFEST), to_json({"run": name, "files": files}, indent=1))
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return out


def _recorded(folder: Path) -> Iterator[Path]:
    """The files of a run's folder that are kept; of what is half-written, and of links, none."""
    for name in KEPT:
        top = folder / name
        for path in [top, *(top.rglob("*") if top.is_dir() else ())]:
            inner = path.relative_to(folder)
            hidden = any(part.startswith(".") or part == "lock" for part in inner.parts)
            if not hidden and path.is_file() and not path.is_symlink():
                yield path


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, BEFORE_ZIP_HAD_DATES)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


def read_archive(
    path: Path, runs: Path, check: Callable[[Run, str], None], tell: Tell = lambda done, of: None
) -> Run:
    """The run of an archive, in a folder of runs where none of its name is yet.

    Args:
        check: is given what was unpacked and the name that it is to have, and raises a UserError where it is no such run.

    Raises:
        UserError: the file is no such archive, whole; the run is there already; `check` finds a fault.
        OSError: a file cannot be written.
    """
    with open_regular(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                manifest = _manifest(archive)
                target = runs / manifest.run
                if target.exists() or target.is_symlink():
                    raise UserError(f"`{target}` must not be there: nothing is overwritten")
                need, runs_on = sum(one.bytes for one in manifest.files.values()), _there(runs)
                if need > shutil.disk_usage(runs_on).free:
                    raise UserError(
                        f"`{path}` must fit on the disk of `{runs}`: it unpacks to {need:,} bytes"
                    )
                with folder_aside(target) as aside:
                    for done, (within, told) in enumerate(manifest.files.items()):
                        tell(done, len(manifest.files))
                        (aside / within).parent.mkdir(parents=True, exist_ok=True)
                        with (
                            archive.open(f"{manifest.run}/{within}") as entry,
                            open(aside / within, "xb") as file,
                        ):
                            _copy(entry, file, within, told)
                    _checked(check, Run(aside), manifest.run)
        except UserError:
            raise
        except (
            zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, LookupError, ValueError
        ) as error:  # fmt: skip
            why = " ".join(str(error).split())[:300] or type(error).__name__
            raise UserError(f"`{path}` must be the archive of a run, whole: {why}") from None
    return Run(target)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    """What the archive says that it holds, where it holds that and nothing else.

    Raises:
        ValueError: it does not.
    """
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise ValueError(f"it holds more than {MOST_FILES} files")
    names = [entry.filename for entry in entries]
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > MOST_MANIFEST_BYTES:
        raise ValueError(f"it holds no {MANIFEST} that can be one")
    try:
        manifest = Manifest.model_validate(from_json(archive.read(MANIFEST)))
    except ValidationError as error:
        raise ValueError(f"its {MANIFEST} is none: {explain(error, Manifest)}") from None
    for within in manifest.files:
        parts = PurePosixPath(within).parts
        plain = within == "/".join(parts) and within.isprintable() and "\\" not in within
        if not plain or parts[0] not in KEPT or any(part.startswith(".") for part in parts):
            raise ValueError(f"`{within[:80]}` is no file of a run")
    told = [MANIFEST, *(f"{manifest.run}/{within}" for within in manifest.files)]
    if sorted(names) != sorted(told):
        strange = next(iter({*names} ^ {*told}), "a file that is there twice")
        raise ValueError(f"it must hold what its {MANIFEST} says and nothing else: `{strange[:80]}`")
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise ValueError(f"`{entry.filename[:80]}` is no regular file")
    return manifest


def _copy(entry: IO[bytes], file: IO[bytes], within: str, told: Kept) -> None:
    """Raises ValueError where what is copied is not what is told of it."""
    digest, size = hashlib.sha256(), 0
    while part := entry.read(PART_BYTES):
        digest.update(part)
        size += file.write(part)
        if size > told.bytes:
            break
    if size != told.bytes or digest.hexdigest() != told.sha256:
        raise ValueError(f"`{within[:80]}` is not what its {MANIFEST} says")


def _checked(check: Callable[[Run, str], None], run: Run, name: str) -> None:
    """Raises ValueError where `check` finds a fault."""
    try:
        check(run, name)
    except UserError as error:
        raise ValueError(str(error)) from None


def _there(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
