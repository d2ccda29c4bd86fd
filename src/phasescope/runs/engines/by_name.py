"""Engines by name, with the options that a user gives."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from phasescope.core.errors import UserError
from phasescope.runs.engines.engine import Engine
from phasescope.runs.engines.local import LocalEngine, cores
from phasescope.runs.engines.ray import RayEngine
from phasescope.runs.engines.slurm import SlurmEngine

ENGINES = ("local", "slurm", "ray")
OPTIONS = {"partition": ("slurm",), "minutes": ("slurm",), "gpus": ("slurm", "ray")}
"""options and the engines that have them: partition, time limit, and GPUs per run"""


def check_options(engine: str, asked: Mapping[str, str | int]) -> None:
    """Raise UserError if an option does not exist for the engine of this name, or is less than 1."""
    for option, value in asked.items():
        if engine not in OPTIONS[option]:
            raise UserError(f"`--{option}` (={value}) needs --engine {' or '.join(OPTIONS[option])}")
        if isinstance(value, int) and value < 1:
            raise UserError(f"`--{option}` (={value}) must be at least 1")


def open_engine(
    name: str,
    runs: Path,
    workers: int | None = None,
    asked: Mapping[str, str | int] | None = None,
    options: Sequence[str] = (),
) -> Engine:
    """Return the engine of a name for a folder of runs, with `workers` at a time (by default what the engine chooses),
    the resources `asked` (of `OPTIONS`), and further arguments of `phasescope exec`, `options`.

    Raises:
        UserError: there is no such engine, or its library is not installed; or as `check_options` says.
    """
    asked = asked or {}
    check_options(name, asked)
    if name == "local":
        return LocalEngine(cores() if workers is None else workers, options)
    if name == "slurm":
        return SlurmEngine(runs / ".submitit", workers, asked, options)
    if name == "ray":
        return RayEngine(workers, gpus=float(asked.get("gpus", 0)), options=options)
    raise UserError(f"`engine` (={name}) must be one of {', '.join(ENGINES)}")
