"""Engines: given run folders, have each executed, by local processes, SLURM or Ray.

    engine = open_engine("local", runs)
    ends = engine.execute(folders, on_event)

They know folders and the command `phasescope exec RUN_DIR`, nothing of studies.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from phasescope.core.errors import UserError
from phasescope.runs.engines.base import Engine, Event, LocalEngine, RunEnd, Tally

__all__ = ["ENGINES", "Engine", "Event", "RunEnd", "Tally", "check_asked", "open_engine"]

ENGINES = ("local", "slurm", "ray")
OF_CLUSTERS = {"partition": ("slurm",), "minutes": ("slurm",), "gpus": ("slurm", "ray")}
"""what can be asked of engines that are no process of this machine: where, how long, with how many GPUs a run"""


def check_asked(engine: str, asked: Mapping[str, str | int]) -> None:
    """Raises UserError where something is asked that an engine of that name has not, or less than 1 of it."""
    for option, value in asked.items():
        if engine not in OF_CLUSTERS[option]:
            raise UserError(
                f"`--{option}` (={value}) must go with --engine {' or '.join(OF_CLUSTERS[option])}"
            )
        if isinstance(value, int) and value < 1:
            raise UserError(f"`--{option}` (={value}) must be at least 1")


def open_engine(
    name: str, runs: Path, workers: int | None = None, asked: Mapping[str, str | int] | None = None
) -> Engine:
    """The engine of a name, for a folder of runs; `workers` at a time, by default what the engine finds.

    Args:
        asked: of `OF_CLUSTERS`.

    Raises:
        UserError: there is none of that name, or its library is not installed; `asked` as `check_asked` says.
    """
    check_asked(name, asked := asked or {})
    if name == "local":
        return LocalEngine(workers)
    if name not in ENGINES:
        raise UserError(f"`engine` (={name}) must be one of {', '.join(ENGINES)}")
    from phasescope.runs.engines.clusters import RayEngine, SlurmEngine

    if name == "slurm":
        return SlurmEngine(runs / ".submitit", workers, asked)
    return RayEngine(workers, gpus=float(asked.get("gpus", 0)))
