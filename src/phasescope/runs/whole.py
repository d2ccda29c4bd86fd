"""Whether a run's folder holds all that is due: asked before it is resumed, before it is done, before it is recorded.

Due are, at each step that the plan of snapshots names, a line of metrics and a snapshot with all its files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from phasescope.core.errors import UserError, reading
from phasescope.runs.probing.config import SnapshotPlanConfig
from phasescope.runs.store import Run, Snapshot
from phasescope.runs.store.files import checksum
from phasescope.runs.store.writer import OR_ANEW

ARRAYS, READING, WEIGHTS = ("samples.npz", "latents.npz"), "reading.parquet", "weights.safetensors"
"""files of a snapshot; READING if something reads the world's images"""


def faults(run: Run, last: int, thorough: bool = True) -> Iterator[str]:
    """Yield, in words, what is missing or damaged of all that is due up to the step `last`.

    Args:
        thorough: read every file of every snapshot; otherwise see whether they are there.

    Raises:
        UserError: the run's configuration cannot be read.
    """
    with reading(run.path / "config.yaml"):
        plan = SnapshotPlanConfig.of(run.config["probing"]["snapshots"])
        steps = int(run.config["training"]["steps"])
    metrics = run.read_metrics()
    yield from metrics.faults
    lines = {entry["step"]: entry for entry in metrics.entries}
    snapshots = {snapshot.step: snapshot for snapshot in run.snapshots}
    for step in (step for step in range(last + 1) if plan.due(step, steps)):
        if step not in lines:
            yield f"metrics.jsonl has no line of step {step}"
        if step not in snapshots:
            yield f"the snapshot of step {step} is not there"
        elif step in lines:
            read = (READING,) if "outcomes" in lines[step] else ()
            yield from faults_of_files(snapshots[step], (*ARRAYS, WEIGHTS, *read), thorough)


def check_whole(run: Run, last: int, thorough: bool = True) -> None:
    """Raises UserError if something that is due up to the step `last` is missing or damaged."""
    several = list(faults(run, last, thorough))
    if several:
        more = f" (and {len(several) - 1} more)" if len(several) > 1 else ""
        raise UserError(
            f"`{run.path}` must hold all that is due up to step {last}: {several[0]}{more}; {OR_ANEW}"
        )


def faults_of_files(snapshot: Snapshot, names: Iterable[str], thorough: bool = True) -> Iterator[str]:
    """Yield, in words, which of a snapshot's files are missing, or differ from their checksum."""
    for name in names:
        path = snapshot.path / name
        if not path.is_file():
            yield f"`{path}` is not there"
        elif thorough and checksum(path) != snapshot.checksums.get(name):
            yield f"`{path}` is not whole: its checksum differs"
