"""Networks out of runs that are on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phasescope.errors import UserError
from phasescope.run import RunConfig
from phasescope.store import Run, Snapshot

if TYPE_CHECKING:
    from torch import nn


def snapshot_of(run: Run, step: int | None) -> Snapshot:
    """The snapshot of a step, or the last one.

    Raises:
        UserError: it is not there.
    """
    snapshots = run.snapshots
    if not snapshots:
        raise UserError(f"`RUN` (={run.name}) must have a snapshot, and has none yet")
    if step is None:
        return snapshots[-1]
    for snapshot in snapshots:
        if snapshot.step == step:
            return snapshot
    known = ", ".join(str(snapshot.step) for snapshot in snapshots)
    raise UserError(f"`--step` (={step}) must be one of the snapshots: {known}")


def load_network(run: Run, snapshot: Snapshot) -> tuple[RunConfig, nn.Module]:
    """(configuration, network with the snapshot's averaged weights, in evaluation mode, on the CPU).

    Raises:
        UserError: the configuration or the weights cannot be read, or the weights are of another network.
    """
    import torch
    from safetensors import SafetensorError

    try:
        config = RunConfig.of(run.config)
    except UserError as error:
        raise UserError(f"`{run.path}/config.yaml` must be a run's configuration: {error}") from None
    network = config.network.build(config.world.channels, len(config.world.factors))
    path = snapshot.path / "weights.safetensors"
    try:
        network.load_state_dict({name: torch.from_numpy(array) for name, array in snapshot.weights().items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise UserError(
            f"`{path}` must hold this run's weights: {' '.join(str(error).split())[:120]}"
        ) from None
    return config, network.eval()
