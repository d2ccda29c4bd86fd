"""Workers elsewhere: jobs of SLURM through submitit, and tasks of Ray core (a cluster's GPUs, Kubernetes, clouds).

The folder of runs must be on a disk that the nodes share. SLURM's nodes share this Python too; on Ray's nodes phasescope is
installed.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.engines.base import Engine
from phasescope.runs.engines.workers import LOST, Worker, cores, run_process

MINUTES = 24 * 60
"""a job's time limit without `minutes`; a run that meets it is resumed by another job"""
MOST_JOBS = 200
"""in SLURM's queue at a time, if the user names no number"""


@dataclass(frozen=True)
class Future:
    """A call of `run_process` elsewhere, as a worker.

    Args:
        future: with `done`, `exception` and `result`, as those of concurrent.futures.
        cancel: ends the call, at once if its argument says so.
    """

    future: Any
    cancel: Callable[[bool], object]

    def poll(self) -> int | None:
        if not self.future.done():
            return None
        # A call that was cancelled, preempted or killed has no result.
        return LOST if self.future.exception() is not None else self.future.result()

    def terminate(self) -> None:
        self.cancel(False)

    def kill(self) -> None:
        self.cancel(True)


class SlurmEngine(Engine):
    """A job of SLURM for each run; on a machine without SLURM, submitit's local jobs.

    Args:
        logs: folder of submitit's files, shared by the nodes.
        workers: jobs at a time, those that wait in SLURM's queue counted.
        asked: `partition`, `minutes` and `gpus` of a job. What is left open, sbatch takes from its environment
            (SBATCH_ACCOUNT, ...), which takes precedence, too (SBATCH_PARTITION).

    Raises:
        UserError: submitit is not installed, or refuses a parameter.
    """

    def __init__(self, logs: Path, workers: int | None, asked: Mapping[str, str | int]):
        submitit = _library("slurm", "submitit")
        names = {"partition": "slurm_partition", "minutes": "timeout_min", "gpus": "gpus_per_node"}
        job = {"timeout_min": MINUTES, "cpus_per_task": 1, "name": "phasescope"}
        job |= {names[option]: value for option, value in asked.items()}
        try:
            self.executor = submitit.AutoExecutor(folder=logs)
            self.executor.update_parameters(**job)
        except (NameError, RuntimeError, ValueError) as error:
            raise UserError(f"`engine` (=slurm) cannot be had so: {' '.join(str(error).split())}") from None
        on_slurm = self.executor.cluster == "slurm"
        most = MOST_JOBS if on_slurm else cores()
        super().__init__(most if workers is None else workers, 5.0 if on_slurm else 0.2)

    def start(self, folder: Path) -> Worker:
        job = self.executor.submit(run_process, folder.absolute(), Path.cwd())
        return Future(job, lambda _: job.cancel(check=False))


class RayEngine(Engine):
    """A task of Ray for each run, on the cluster of RAY_ADDRESS; without one, Ray is started here and stopped at the end.

    Args:
        workers: tasks at a time; by default as many as the cluster, or this machine, has cores.
        gpus: of each task; one without GPUs sees none.

    Raises:
        UserError: Ray is not installed.
    """

    def __init__(self, workers: int | None = None, gpus: float = 0):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports its use unless told not to
        self.ray, self.gpus, self.workers = _library("ray", "ray"), gpus, workers
        self.address = os.environ.get("RAY_ADDRESS") or None
        super().__init__(cores() if workers is None else workers)

    @contextmanager
    def session(self) -> Iterator[None]:
        """A connection to the cluster, if there is none yet."""
        with ExitStack() as at_the_end:
            if not self.ray.is_initialized():
                here = {} if self.address else {"num_cpus": self.places}
                quiet = {"include_dashboard": False, "log_to_driver": False}
                try:
                    self.ray.init(address=self.address or "local", **here, **quiet)
                except (ConnectionError, RuntimeError, ValueError) as error:
                    why = " ".join(str(error).split())[:200]
                    raise UserError(f"`address` (={self.address}) must be a Ray cluster's: {why}") from None
                at_the_end.callback(self.ray.shutdown)
            if self.workers is None and self.address:
                self.places = max(1, int(self.ray.cluster_resources().get("CPU", 1)))
            self.task = self.ray.remote(num_cpus=1, num_gpus=self.gpus, max_retries=0)(run_process)
            yield

    def start(self, folder: Path) -> Worker:
        task = self.task.remote(folder.absolute(), Path.cwd())
        return Future(task.future(), lambda force: self.ray.cancel(task, force=force))


def _library(engine: str, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise UserError(
            f"`engine` (={engine}) needs {name}: ./lab setup, or pip install '.[{engine}]' in a clone"
        ) from None
