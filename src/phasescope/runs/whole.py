"""Whether a run's folder holds all that is due: asked before it is gone on with, before it is done, before it is recorded.

Due are, at each step that the plan of snapshots names, a line of metrics and a snapshot with all its files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from phasescope.errors import UserError, reading
from phasescope.probing.config import SnapshotPlanConfig
from phasescope.store import Run, Snapshot
from phasescope.store.files import checksum
from phasescope.store.writer import OR_ANEW

ARRAYS, READING, WEIGHTS = ("samples.npz", "latents.npz"), "reading.parquet", "weights.safetensors"
"""files of a snapshot; READING where something reads the world's images"""


def due_steps(run: Run, last: int) -> list[int]:
    """Steps up to `last` at which the run's configuration has snapshots taken.

    Raises:
        UserError: its config.yaml is no run's configuration.
    """
    config = run.config
    try:
        plan = SnapshotPlanConfig.of(config["probing"]["snapshots"])
        steps = int(config["training"]["steps"])
    except (KeyError, TypeError, ValueError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"`{run.path / 'config.yaml'}` must be a run's configuration, whole: {why}; {OR_ANEW}"
        ) from None
    return [step for step in range(last + 1) if plan.due(step, steps)]


def faults(run: Run, last: int, thorough: bool = True) -> Iterator[str]:
    """What is not there of all that is due up to the step `last`, or is not whole, each in words; none where all is.

    Args:
        thorough: read every file of every snapshot; otherwise see whether they are there.

    Raises:
        UserError: the run's configuration cannot be read.
    """
    metrics = run.read_metrics()
    yield from metrics.faults
    lines = {entry["step"]: entry for entry in metrics.entries}
    snapshots = {snapshot.step: snapshot for snapshot in run.snapshots}
    for step in due_steps(run, last):
        if step not in lines:
            yield f"metrics.jsonl has no line of step {step}"
        if step not in snapshots:
            yield f"the snapshot of step {step} is not there"
        elif step in lines:
            read = (READING,) if "outcomes" in lines[step] else ()
            yield from faults_of_files(snapshots[step], (*ARRAYS, WEIGHTS, *read), thorough)


def check_whole(run: Run, last: int, thorough: bool = True) -> None:
    """Raises UserError where something that is due up to the step `last` is not there, or not whole."""
    found = list(faults(run, last, thorough))
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UserError(
            f"`{run.path}` must hold all that is due up to step {last}: {found[0]}{more}; {OR_ANEW}"
        )


def faults_of_files(snapshot: Snapshot, names: Iterable[str], thorough: bool = True) -> Iterator[str]:
    """Which of a snapshot's files are not there, or not whole, each in words."""
    for name in names:
        path = snapshot.path / name
        if not path.is_file():
            yield f"`{path}` is not there"
        elif thorough and (why := _fault_of_file(snapshot, path)):
            yield f"`{path}` is not whole: {why}"


def _fault_of_file(snapshot: Snapshot, path: Path) -> str | None:
    """Why a file is not as it was written; of earlier versions, which kept no checksums, why it cannot be read."""
    try:
        known = snapshot.checksum(path.name)
        if known is not None:
            return None if checksum(path) == known else "its checksum differs"
        with reading(path):
            if path.name in ARRAYS:
                with np.load(path, allow_pickle=False) as arrays:
                    list(arrays.values())
            elif path.suffix == ".parquet":
                snapshot.readings()
            else:
                snapshot.weights()
    except (OSError, UserError) as error:
        return " ".join(str(error).split())[:160]
    return None
