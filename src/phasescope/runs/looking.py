"""A run's observer, from its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phasescope.families import Family
from phasescope.probing.config import ProbingConfig
from phasescope.runs.config import RunConfig
from phasescope.store.writer import RunWriter

if TYPE_CHECKING:
    import torch

    from phasescope.probing.observer import Observer


def observer_of(
    config: RunConfig, plan: ProbingConfig, family: Family, device: torch.device, folder: RunWriter
) -> Observer:
    """What takes the run's snapshots into `folder`, of a `plan` with all that is usual said."""
    from phasescope.probing.observer import Observer

    encode, task = config.encode, config.task()
    return Observer(plan, config.world, family, config.seed, device, encode, folder, task)
