"""The store: a run's folder, read without torch; and all runs of a folder as tables."""

from phasescope.runs.store.catalogue import as_run, find_run, list_runs, open_run, runs_frame, snapshots_frame
from phasescope.runs.store.folder import Run
from phasescope.runs.store.snapshot import Snapshot
from phasescope.runs.store.writer import RunWriter, hold

__all__ = [
    "Run",
    "RunWriter",
    "Snapshot",
    "as_run",
    "find_run",
    "hold",
    "list_runs",
    "open_run",
    "runs_frame",
    "snapshots_frame",
]
