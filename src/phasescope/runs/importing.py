"""A run out of an archive, once it is what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from phasescope.core.errors import UserError, reading
from phasescope.core.kinds import sources_named
from phasescope.runs.config import RunConfig
from phasescope.runs.store import Run
from phasescope.runs.store.archive import read_archive


def import_run(path: Path, runs: Path, tell: Callable[[int, int], None] = lambda done, of: None) -> Run:
    """Unpack an archive that `store.archive.write_archive` wrote into a folder of runs; return the run.

    Nothing in it is executed, and no file is opened that it names.

    Raises:
        UserError: it is none, or not whole; the run is there already, or is not the one that its name says.
    """
    return read_archive(path, runs, _check, tell)


def _check(run: Run, name: str) -> None:
    """Raises UserError if what was unpacked is no run, or its configuration has not the identity that its name says.

    A configuration that names sources or data files is not built, for that would import or open them.
    """
    with reading(run.path):
        tree = run.config
        if run.status["state"] == "broken":
            raise UserError(run.status["error"])
        if faults := run.read_metrics().faults:
            raise UserError(f"`metrics.jsonl` of the archive must be whole: {faults[0]}")
        if missing := RunConfig.model_fields.keys() - tree.keys():
            raise UserError(f"`config.yaml` of the archive must be whole: no `{min(missing)}` is there")
        if sources_named(tree):
            return
        config = RunConfig.of(tree)
        observation = f"{config.folder}-{config.probing.digest()}"
        if name not in (config.folder, observation) and not config.network.is_watched:
            raise UserError(f"`config.yaml` of the archive must be of `{name}`, and is of `{config.folder}`")
