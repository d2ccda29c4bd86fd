"""A run out of an archive, once it is what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from phasescope.errors import UserError
from phasescope.kinds import references
from phasescope.runs.config import RunConfig
from phasescope.store import Run
from phasescope.store.archive import read_archive
from phasescope.store.folder import damage_told, read_status


def import_run(path: Path, runs: Path, tell: Callable[[int, int], None] = lambda done, of: None) -> Run:
    """Unpack an archive that `store.archive.write_archive` wrote into a folder of runs; the run. Nothing in it is executed.

    Raises:
        UserError: it is none, or not whole; the run is there already, or is not the one that its name says.
    """
    return read_archive(path, runs, _check, tell)


def _check(run: Run, name: str) -> None:
    """Raises UserError where what was unpacked is no run, or its configuration has not the identity that its name says.

    Of a configuration that names sources of somebody's own the identity is not asked: that would import them.
    """
    with damage_told(run):
        tree = run.config
        read_status(run.path)
        if faults := run.read_metrics().faults:
            raise UserError(f"`metrics.jsonl` of the archive must be whole: {faults[0]}")
        if references(tree) or run.sources:
            return
        config = RunConfig.of(tree)
        if config.folder != name and not config.network.is_watched:
            raise UserError(f"`config.yaml` of the archive must be of `{name}`, and is of `{config.folder}`")
