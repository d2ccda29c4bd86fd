"""Engines: given run folders, have each executed, by local processes, SLURM or Ray.

    engine = open_engine("local", runs)
    ends = engine.execute([prepare(config, runs) for config in configs], on_event)

They know folders and the command `phasescope exec RUN_DIR`, nothing of studies.
"""

from __future__ import annotations

from pathlib import Path

from phasescope.engines.base import Engine, prepare
from phasescope.engines.events import Event, RunEnd, Tally
from phasescope.errors import UserError

__all__ = ["ENGINES", "Engine", "Event", "RunEnd", "Tally", "open_engine", "prepare"]

ENGINES = ("local", "slurm", "ray")


def open_engine(name: str, runs: Path, workers: int | None = None) -> Engine:
    """The engine of a name, for a folder of runs; `workers` at a time, by default what the engine finds.

    Raises:
        UserError: there is none of that name, or its library is not installed.
    """
    if name == "local":
        from phasescope.engines.local import LocalEngine

        return LocalEngine(workers)
    if name == "slurm":
        from phasescope.engines.slurm import SlurmEngine

        return SlurmEngine(runs / ".submitit", workers)
    if name == "ray":
        from phasescope.engines.ray import RayEngine

        return RayEngine(workers)
    raise UserError(f"`engine` (={name}) must be one of {', '.join(ENGINES)}")
