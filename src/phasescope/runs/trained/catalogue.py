"""Finding runs: by a path, by the beginning of a name, by a condition; and the runs of a folder as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from phasescope.core.errors import UserError
from phasescope.runs.store.condition import meeting, row_of
from phasescope.runs.store.flat import Row, frame_of, snapshot_rows
from phasescope.runs.store.folder import Notify, RunFolder, is_run, read_or
from phasescope.runs.trained.run import Run

if TYPE_CHECKING:
    import pandas as pd


def open_run(path: Path | str) -> Run:
    """Return the run in the folder `path`.

    Raises:
        UserError: there is no such run.
    """
    path = Path(path)
    if not is_run(path):
        raise UserError(f"`{path}` must be a run's folder: it has no config.yaml")
    return Run(path)


def find_run(word: str, runs: Path | str = "runs") -> Run:
    """Return the run that `word` names: by its folder, or in `runs` by its name or the beginning of its name or hash.

    Raises:
        UserError: `word` names no run, or several.
    """
    if is_run(Path(word)):
        return Run(Path(word))
    known = list_runs(runs)
    # A complete name precedes the beginning of one: `base` is base-1a2b3c4d even if base2-5e6f7a8b exists.
    exact = [run for run in known if word in (run.name, run.name.rpartition("-")[0])]
    hits = exact or [
        run for run in known if run.name.startswith(word) or run.name.rpartition("-")[2].startswith(word)
    ]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise UserError(f"`RUN` (={word}) must name a run: of {len(known)} in `{runs}` none has that name")
    names = ", ".join(run.name for run in hits[:5])
    raise UserError(f"`RUN` (={word}) must name one run: it could be {names}")


def as_run(run: RunFolder | str | Path) -> Run:
    """Return a run as it is, or the run in the folder `runs` that a word names (`find_run`)."""
    if isinstance(run, Run):
        return run
    return Run(run.path) if isinstance(run, RunFolder) else find_run(str(run))


def list_runs(runs: Path | str = "runs", where: str | None = None, notify: Notify | None = None) -> list[Run]:
    """Return the runs in a folder by name: all of them, or those that meet the condition `where`.

    While rows are read for a condition, `notify` is called with the number of rows read, and of all.

    Raises:
        UserError: `runs` exists and cannot be listed; the condition is invalid.
    """
    runs = Path(runs)
    try:
        entries = sorted(runs.iterdir()) if runs.exists() else []
    except OSError as error:
        raise UserError(f"`{runs}` cannot be listed: {error.strerror}") from None
    # Names with a dot belong to folders that are still being written.
    listed = [Run(path) for path in entries if is_run(path) and not path.name.startswith(".")]
    if where is None or not listed:
        return listed
    return meeting(listed, where, notify or (lambda *_: None))


def runs_frame(
    runs: Path | str = "runs", where: str | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return one row per run, by name: `run`, `path`, `state`, `step`, `config.training.batch`, ..., and the metrics of its
    last snapshot. If a run cannot be read, its `state` is broken and `error` says why.

    Args:
        columns: names of columns, or patterns such as `accuracy.*`, to keep in addition to `run` and `step`; all by default.

    Raises:
        UserError: as `list_runs`; or no column has a name in `columns`.
    """
    return frame_of(map(row_of, list_runs(runs, where)), columns)


def snapshots_frame(
    runs: Path | str = "runs", where: str | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return one row per snapshot of each run that meets `where`, done or not: `run`, and the columns of `Run.to_frame`.

    Args:
        columns: as for `runs_frame`; all of them are about two thousand.

    Raises:
        UserError: as `runs_frame`.
    """

    def rows_of(run: RunFolder) -> list[Row]:
        same: Row = {"run": run.name}
        return [same | row for row in snapshot_rows(run.identity, run.config, run.status, run.metrics)]

    several = (read_or(run, rows_of, lambda _: []) for run in list_runs(runs, where))
    return frame_of((row for rows in several for row in rows), columns)
