"""A run as its report reads it: snapshots of which a file is damaged are left out, and told."""

from __future__ import annotations

from collections.abc import Iterator

from phasescope.runs.whole import ARRAYS, READING, faults_of_files
from phasescope.store.folder import Run
from phasescope.views.record import Record


def sound_record(run: Run) -> Record:
    """The run without the snapshots that a report cannot show; `Record.left_out` says why."""
    return Record(run, dict(_damaged(run)))


def _damaged(run: Run) -> Iterator[tuple[int, str]]:
    """(step, why) of each snapshot that the metrics tell of, and that is gone, or of which a file is damaged.

    A file that no snapshot of the run holds was not recorded.
    """
    snapshots = {one.step: one for one in run.snapshots}
    held = [
        name for name in (*ARRAYS, READING) if any((one.path / name).is_file() for one in snapshots.values())
    ]
    for step in [line["step"] for line in run.metrics] if snapshots else ():
        if step not in snapshots:
            yield step, "it is not there"
        elif why := next(faults_of_files(snapshots[step], held), None):
            yield step, why
