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
from phasescope.runs.store.archive import KEPT, NAME
from phasescope.runs.store.files import folder_aside
from phasescope.runs.store.folder import Notify
from phasescope.runs.trained.run import Run

MOST_BYTES, MOST_FILES, DEEPEST = 2**36, 200_000, 9
"""of an archive's files, unpacked; levels of its folders"""
# Of files that every list reads, or that are parsed here: far more than any run writes, and read in seconds.
MOST_BYTES_OF = {
    "config.yaml": 2**20,
    "status.json": 2**22,
    "about.json": 2**24,
    "references.json": 2**26,
    "sources.json": 2**20,
    "tags.txt": 2**20,
    "metrics.jsonl": 2**27,
}
MOST_LINES, LONGEST_LINE = 100_000, 2**24
"""of metrics.jsonl: lines, one for each snapshot, and bytes of a line"""
FOLDERS = ("checkpoint", "observations", "snapshots")


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

    for within in (entry.filename for entry in files):
        first, *parts = PurePosixPath(within).parts
        plain = within == "/".join([first, *parts]) and within.isprintable() and "\\" not in within
        hidden = any(part.startswith(".") for part in parts)
        if not plain or first != name or not 0 < len(parts) < DEEPEST or parts[0] not in KEPT or hidden:
            raise ValueError(f"`{within[:80]}` is not a file of a run")
        if (len(parts) > 1) != (parts[0] in FOLDERS):
            raise ValueError(
                f"`{within[:80]}` is not a file of a run: `{parts[0]}` is a {_kind(parts[0])} of one"
            )

    for entry in files:
        most = MOST_BYTES_OF.get(PurePosixPath(entry.filename).name, MOST_BYTES)
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


def _kind(name: str) -> str:
    return "folder" if name in FOLDERS else "file"


def _check_lines(path: Path) -> None:
    """Raise UserError if metrics.jsonl has more or longer lines than any run writes: a short archive may hold millions."""
    if not path.exists():
        return
    count = longest = 0
    with open(path, "rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            count, longest = count + 1, max(longest, len(line))
            if count > MOST_LINES or longest > LONGEST_LINE:
                raise UserError(
                    f"`metrics.jsonl` of the archive must have at most {MOST_LINES:,} lines of {LONGEST_LINE:,} bytes each"
                )


def _check_run(run: Run, name: str) -> None:
    """Raise UserError if the unpacked folder is no run, or its configuration does not have the identity in its name."""
    _check_lines(run.path / "metrics.jsonl")

    tree = run.config
    if run.status["state"] == "broken":
        raise UserError(f"`status.json` of the archive must be complete: {run.status['error']}")
    if not all("step" in line for line in run.metrics):
        raise UserError("`metrics.jsonl` of the archive must be complete: a line has no `step`")

    if missing := RunConfig.ALWAYS_WRITTEN - tree.keys():
        raise UserError(f"`config.yaml` of the archive must be complete: no `{min(missing)}` is there")

    # A configuration that names sources or data files is not built, for that would import or open them.
    if sources_named(tree):
        return
    config = RunConfig.from_tree(tree)
    observation = f"{config.folder}-{config.probing.digest()}"
    if name not in (config.folder, observation) and not config.network.is_watched:
        raise UserError(f"`config.yaml` of the archive must be of `{name}`, and is of `{config.folder}`")
