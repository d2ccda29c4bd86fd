"""Importing a run from an archive, which may come from anyone.

Files are written only inside a folder that this process created, none is executed, and all are removed if a name or a
checksum is wrong.
"""

import re
import shutil
import zipfile
from pathlib import Path, PurePosixPath

from phasescope.core.errors import UserError, reading
from phasescope.core.kinds import sources_named
from phasescope.runs.archive import KEPT, NAME
from phasescope.runs.config import RunConfig
from phasescope.runs.store.files import folder_aside
from phasescope.runs.store.folder import Notify, Run

MOST_BYTES, DEEPEST = 2**36, 9
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
                with archive.open(entry) as source, open(target, "xb") as file:  # zipfile compares checksums
                    shutil.copyfileobj(source, file)
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
    if (size := sum(entry.file_size for entry in files)) > MOST_BYTES:
        raise ValueError(f"its files hold {size:,} bytes, and may hold {MOST_BYTES:,}")
    return name


def _check_run(run: Run, name: str) -> None:
    """Raise UserError if the unpacked folder is no run, or its configuration does not have the identity in its name."""
    tree = run.config
    if run.status["state"] == "broken":
        raise UserError(f"`status.json` of the archive must be complete: {run.status['error']}")
    if not all("step" in line for line in run.metrics):
        raise UserError("`metrics.jsonl` of the archive must be complete: a line has no `step`")
    if missing := RunConfig.model_fields.keys() - tree.keys():
        raise UserError(f"`config.yaml` of the archive must be complete: no `{min(missing)}` is there")
    # A configuration that names sources or data files is not built, for that would import or open them.
    if sources_named(tree):
        return
    config = RunConfig.from_tree(tree)
    observation = f"{config.folder}-{config.probing.digest()}"
    if name not in (config.folder, observation) and not config.network.is_watched:
        raise UserError(f"`config.yaml` of the archive must be of `{name}`, and is of `{config.folder}`")
