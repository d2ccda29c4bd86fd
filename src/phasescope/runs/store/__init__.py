"""The store: a run's folder, read and written without torch, and what is recorded of many runs."""

from phasescope.runs.store.folder import RunFolder
from phasescope.runs.store.snapshot import Snapshot
from phasescope.runs.store.writer import RunWriter, hold

__all__ = ["RunFolder", "RunWriter", "Snapshot", "hold"]
