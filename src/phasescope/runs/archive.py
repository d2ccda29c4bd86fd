"""A run as one file, and back: a plain zip archive of what the run recorded.

    <run>/config.yaml  <run>/snapshots/00000100/weights.safetensors  ...

The same run gives the same bytes. An archive that is read may be anybody's: nothing is written outside a folder that this
process made, nothing in it is executed, and nothing stays if a name or a checksum is not what it must be.
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from phasescope.core.errors import UserError, reading
from phasescope.core.kinds import sources_named
from phasescope.runs.config import RunConfig
from phasescope.runs.store.files import folder_aside
from phasescope.runs.store.folder import Run

KEPT = (
    "config.yaml", "about.json", "status.json", "metrics.jsonl", "scalars.jsonl", "references.json", "sources.json",
    "world.npz", "notes.json", "tags.txt", "checkpoint", "observations", "snapshots",
)  # fmt: skip
"""of a run's folder: not its lock, not who executed it where, not its report"""
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
MANIFEST = "manifest.json"
"""beside the run in archives of earlier versions"""
MOST_BYTES = 2**36
"""of an archive's files, unpacked"""
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
    aside = out.with_name(f".{out.name}.{os.getpid()}.aside")
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for done, file in enumerate(paths):
                tell(done, len(paths))
                entry = zipfile.ZipInfo(f"{name}/{file.relative_to(path).as_posix()}", BEFORE_ZIP_HAD_DATES)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, file.read_bytes())
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


def import_run(path: Path, runs: Path, tell: Tell = lambda done, of: None) -> Run:
    """Unpack an archive that `write_archive` wrote into a folder of runs that holds nothing of its name yet; return the run.

    Raises:
        UserError: it is none, or not whole; the run is there already, or is not the one that its name says.
        OSError: a file cannot be written.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        files = [entry for entry in archive.infolist() if entry.filename != MANIFEST]
        name = _checked(files)
        _check_free(runs / name)
        with folder_aside(runs / name) as folder:
            for done, entry in enumerate(files):
                tell(done, len(files))
                target = folder.joinpath(*PurePosixPath(entry.filename).parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, open(target, "xb") as file:  # zipfile compares checksums
                    shutil.copyfileobj(source, file)
            _check_run(Run(folder), name)
            _check_free(runs / name)
    return Run(runs / name)


def _check_free(path: Path) -> None:
    if path.exists():
        raise UserError(f"`{path}` must not be there: nothing is overwritten")


def _checked(files: list[zipfile.ZipInfo]) -> str:
    """The name of the run that an archive holds.

    Raises:
        ValueError: a name leads out of the run's folder, or is of no file of a run; they are too large.
    """
    name = files[0].filename.partition("/")[0] if files else ""
    if not re.fullmatch(NAME, name):
        raise ValueError(f"`{name[:80]}` cannot name a run")
    for within in (entry.filename for entry in files):
        first, *parts = PurePosixPath(within).parts
        plain = within == "/".join([first, *parts]) and within.isprintable() and "\\" not in within
        hidden = any(part.startswith(".") for part in parts)
        if not plain or first != name or not parts or parts[0] not in KEPT or hidden:
            raise ValueError(f"`{within[:80]}` is no file of a run")
    if (size := sum(entry.file_size for entry in files)) > MOST_BYTES:
        raise ValueError(f"its files hold {size:,} bytes, and may hold {MOST_BYTES:,}")
    return name


def _check_run(run: Run, name: str) -> None:
    """Raises UserError if what was unpacked is no run, or its configuration has not the identity that its name says.

    A configuration that names sources or data files is not built, for that would import or open them.
    """
    tree = run.config
    if run.status["state"] == "broken":
        raise UserError(f"`status.json` of the archive must be whole: {run.status['error']}")
    if not all("step" in line for line in run.metrics):
        raise UserError("`metrics.jsonl` of the archive must be whole: a line has no `step`")
    if missing := RunConfig.model_fields.keys() - tree.keys():
        raise UserError(f"`config.yaml` of the archive must be whole: no `{min(missing)}` is there")
    if sources_named(tree):
        return
    config = RunConfig.of(tree)
    observation = f"{config.folder}-{config.probing.digest()}"
    if name not in (config.folder, observation) and not config.network.is_watched:
        raise UserError(f"`config.yaml` of the archive must be of `{name}`, and is of `{config.folder}`")
