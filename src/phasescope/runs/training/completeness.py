"""Whether a run's folder holds every snapshot and every line of metrics that is due."""

from phasescope.core.errors import UserError, reading
from phasescope.runs.config.probing_config import SnapshotPlanConfig
from phasescope.runs.store import RunFolder
from phasescope.runs.store.writer import OR_RESTART


def check_whole(run: RunFolder, last: int) -> None:
    """Raise UserError if a snapshot or a line of metrics that is due up to the step `last` is missing."""
    with reading(run.path / "config.yaml"):
        plan = SnapshotPlanConfig.from_tree(run.config["probing"]["snapshots"])
        steps = int(run.config["training"]["steps"])
    lines = {entry["step"] for entry in run.metrics}
    snapshots = {snapshot.step for snapshot in run.snapshots}
    for step in range(last + 1):
        if plan.due(step, steps) and not (step in lines and step in snapshots):
            missing = "the snapshot" if step in lines else "a line of metrics.jsonl"
            raise UserError(
                f"`{run.path}` must hold all up to step {last}: {missing} of step {step} is missing; {OR_RESTART}"
            )
