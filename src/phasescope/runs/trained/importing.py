"""Importing a run from an archive, which may come from anyone.

Files are written only inside a folder that this process created, none is executed, and all are removed if a name or a
checksum is wrong.
"""

import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from phasescope.core.errors import UserError, reading, writing
from phasescope.core.kinds import sources_named
from phasescope.runs.config import RunConfig
from phasescope.runs.store.archive import NAME
from phasescope.runs.store.files import folder_aside
from phasescope.runs.store.folder import Notify, RunFolder
from phasescope.runs.store.layout import BY_NAME, METER, SCALARS, Part, names
from phasescope.runs.store.meter import rows_of
from phasescope.runs.trained.run import Run

MOST_BYTES, MOST_FILES, DEEPEST = 2**36, 200_000, 9
"""of an archive's files, unpacked; levels of its folders"""


def import_run(path: Path, runs: Path, notify: Notify = lambda done, total: None) -> Run:
    """Unpack an archive that `write_archive` wrote into a folder of runs that holds nothing of its name yet; return the run.

    Raises:
        UserError: it is none, or not whole; the run is there already, or is not the one that its name says.
        OSError: a file cannot be written.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        files = archive.infolist()
        name = _checked(files)
        _check_free(runs / name)
        with folder_aside(runs / name) as folder:
            for done, entry in enumerate(files):
                notify(done, len(files))
                target = folder.joinpath(*PurePosixPath(entry.filename).parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                with writing(target), archive.open(entry) as source, open(target, "xb") as file:
                    shutil.copyfileobj(source, file)  # zipfile compares checksums
            _check_run(Run(folder), name)
            _check_free(runs / name)
    return Run(runs / name)


def _check_free(path: Path) -> None:
    if path.exists():
        raise UserError(f"`{path}` must not exist: nothing is overwritten")


def _checked(files: list[zipfile.ZipInfo]) -> str:
    """Return the name of the run in an archive.

    Raises:
        ValueError: a name leads out of the run's folder or belongs to no file of a run, or the files are too large.
    """
    name = files[0].filename.partition("/")[0] if files else ""
    if not re.fullmatch(NAME, name):
        raise ValueError(f"`{name[:80]}` cannot name a run")

    exported = names(lambda part: part.is_exported)
    for within in (entry.filename for entry in files):
        first, *parts = PurePosixPath(within).parts
        plain = within == "/".join([first, *parts]) and within.isprintable() and "\\" not in within
        hidden = any(part.startswith(".") for part in parts)
        if not plain or first != name or not 0 < len(parts) < DEEPEST or parts[0] not in exported or hidden:
            raise ValueError(f"`{within[:80]}` is not a file of a run")
        is_folder = BY_NAME[parts[0]].kind == "folder"
        if (len(parts) > 1) != is_folder:
            kind = "folder" if is_folder else "file"
            raise ValueError(f"`{within[:80]}` is not a file of a run: `{parts[0]}` is a {kind} of one")

    for entry in files:
        part = BY_NAME.get(
            PurePosixPath(entry.filename).name
        )  # at any depth: an observation has the same files
        most = MOST_BYTES if part is None else part.most_bytes
        if entry.file_size > most:
            raise ValueError(
                f"`{entry.filename[:80]}` holds {entry.file_size:,} bytes, and may hold {most:,}"
            )

    if len(files) > MOST_FILES:
        raise ValueError(f"it holds {len(files):,} files, and may hold {MOST_FILES:,}")
    size = sum(entry.file_size for entry in files)
    if size > MOST_BYTES:
        raise ValueError(f"its files hold {size:,} bytes, and may hold {MOST_BYTES:,}")
    return name


def _check_lines(run: RunFolder) -> None:
    """Raise UserError if a file of a run has more or longer lines than any run writes: a short archive may hold millions."""
    for part in BY_NAME.values():
        if part.kind == "lines":
            for folder in (run, *run.observations):
                _check_lines_of(folder.path / part.name, part)


def _check_lines_of(path: Path, part: Part) -> None:
    if not path.exists():
        return
    count = longest = 0
    with open(path, "rb") as file:
        while line := file.readline(part.longest_line + 1):
            count, longest = count + 1, max(longest, len(line))
            if count > part.most_lines or longest > part.longest_line:
                raise UserError(
                    f"`{part.name}` of the archive must have at most {part.most_lines:,} lines of {part.longest_line:,} "
                    "bytes each"
                )


def _check_logs(run: Run) -> None:
    """Raise UserError if a line of what is logged between snapshots lacks its place, or a reading of the meter its bands."""
    for name, lines in ((SCALARS, run.scalar_lines), (METER, run.meter_lines)):
        for line in lines:
            for field in ("step", "images_seen"):
                value = line.get(field) if isinstance(line, dict) else None
                if isinstance(value, bool) or not isinstance(value, int | float):
                    raise UserError(
                        f"`{field}` (={value!r:.40}) in `{name}` of the archive must be a number in every line"
                    )
    try:
        list(rows_of(run.meter_lines))
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise UserError(
            f"`{METER}` of the archive must hold readings of the meter: {type(error).__name__} {error}"
        ) from None


def _check_run(run: Run, name: str) -> None:
    """Raise UserError if the unpacked folder is no run, or its configuration does not have the identity in its name."""
    _check_lines(run)

    tree = run.config
    _ = run.fork  # which is checked as it is read
    if run.status["state"] == "broken":
        raise UserError(f"`status.json` of the archive must be complete: {run.status['error']}")
    if not all("step" in line for line in run.metrics):
        raise UserError("`metrics.jsonl` of the archive must be complete: a line has no `step`")
    _check_logs(run)

    if missing := RunConfig.ALWAYS_WRITTEN - tree.keys():
        raise UserError(f"`config.yaml` of the archive must be complete: no `{min(missing)}` is there")

    # A configuration that names sources or data files is not built, for that would import or open them.
    if sources_named(tree):
        return
    config = RunConfig.from_tree(tree)
    observation = f"{config.folder}-{config.probing.digest()}"
    if name not in (config.folder, observation) and not config.network.is_watched:
        raise UserError(f"`config.yaml` of the archive must be of `{name}`, and is of `{config.folder}`")
