"""Archiving a run as one plain zip file of its records; the same run gives the same bytes.

<run>/config.yaml  <run>/snapshots/00000100/weights.safetensors  ...
"""

import os
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from phasescope.core.errors import UserError, writing
from phasescope.runs.store.folder import Notify, RunFolder
from phasescope.runs.store.layout import names

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
BEFORE_ZIP_HAD_DATES = (1980, 1, 1, 0, 0, 0)


def write_archive(run: RunFolder, out: Path, notify: Notify = lambda done, total: None) -> Path:
    """Write all records of a run to `out`, which appears completely or not at all, and return its path.

    An observation is archived under its run's name and its own, since it is an independent run once unpacked.

    Raises:
        UserError: the run is being written, or is broken; it holds a link; its folder has a name that is invalid elsewhere.
        OSError: a file cannot be read, or `out` cannot be written.
    """
    path, state = run.path.resolve(), run.status["state"]
    if state in ("running", "broken"):
        raise UserError(f"`RUN` (={run.name}) must be complete and at rest to be archived, not {state}")

    name = f"{path.parents[1].name}-{path.name}" if path.parent.name == "observations" else path.name
    if not re.fullmatch(NAME, name):
        raise UserError(f"`RUN` (={run.name}) must have letters, digits, ., _ and - in its folder's name")

    paths = list(_recorded(path))
    aside = out.with_name(f".{out.name}.{os.getpid()}.aside")

    try:
        with writing(out), zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for done, file in enumerate(paths):
                notify(done, len(paths))
                entry = zipfile.ZipInfo(f"{name}/{file.relative_to(path).as_posix()}", BEFORE_ZIP_HAD_DATES)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
        aside.replace(out)
    finally:
        aside.unlink(missing_ok=True)
    return out


def _recorded(folder: Path) -> Iterator[Path]:
    """Yield the files of a run's folder that belong in an archive, without those that are still being written.

    Raises:
        UserError: a file or folder is a link, which may lead to files that do not belong to the run; or a file also has a
            name outside of the run, where it may hold what its owner never meant for an archive.
    """
    # An observation's weights are those of its run, under a second name.
    run_folder = folder.parents[1] if folder.parent.name == "observations" else folder
    known = Counter(
        _inode(path) for path in run_folder.rglob("*") if path.is_file() and not path.is_symlink()
    )

    exported = names(lambda part: part.is_exported)
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if parts[0] not in exported or "lock" in parts or any(part.startswith(".") for part in parts):
            continue
        if path.is_symlink():
            raise UserError(f"`{path}` must be a file of the run itself: it is a link, which is not followed")

        if path.is_file():
            if path.stat().st_nlink > known[_inode(path)]:
                raise UserError(
                    f"`{path}` must be a file of the run alone: it has another name outside of it (a hard link); archive a "
                    f"copy of the folder, as by cp -r {folder.name} COPY"
                )
            yield path


def _inode(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino
