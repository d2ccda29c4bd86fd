"""Workers as jobs of SLURM, through submitit; on a machine without SLURM, as submitit's local jobs.

The folder of runs must be on a disk that the nodes share, and so must this Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phasescope.engines.base import Engine
from phasescope.engines.workers import Future, Worker, cores, run_process
from phasescope.errors import UserError

MINUTES = 24 * 60
"""a job's time limit without `parameters`; a run that meets it is resumed by another job"""
MOST_JOBS = 200
"""in SLURM's queue at a time, if the user names no number"""


class SlurmEngine(Engine):
    """A job each run.

    Args:
        logs: folder of submitit's files, shared by the nodes.
        workers: jobs at a time, those that wait in SLURM's queue counted.
        cluster: `slurm`, or `local` for processes of this machine; without it SLURM where it is.
        parameters: submitit's, as in ``{"slurm_partition": "cpu", "timeout_min": 60}``; what they leave open, sbatch takes
            from its environment (SBATCH_ACCOUNT, ...), which goes before them, too (SBATCH_PARTITION).

    Raises:
        UserError: submitit is not installed, or refuses a parameter.
    """

    def __init__(
        self,
        logs: Path,
        workers: int | None = None,
        cluster: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ):
        try:
            import submitit
        except ModuleNotFoundError:
            raise UserError(
                "`engine` (=slurm) needs submitit: ./lab setup, or pip install '.[slurm]' in a clone"
            ) from None
        given = {"timeout_min": MINUTES, "cpus_per_task": 1, "name": "phasescope", **(parameters or {})}
        try:
            self.executor = submitit.AutoExecutor(folder=logs, cluster=cluster)
            self.executor.update_parameters(**given)
        except (NameError, RuntimeError, ValueError) as error:
            raise UserError(f"`engine` (=slurm) cannot be had so: {' '.join(str(error).split())}") from None
        on_slurm = self.executor.cluster == "slurm"
        default = MOST_JOBS if on_slurm else cores()
        super().__init__(default if workers is None else workers, 5.0 if on_slurm else 0.2)

    def start(self, folder: Path) -> Worker:
        job = self.executor.submit(run_process, folder.absolute(), Path.cwd())
        return Future(job, lambda _: job.cancel(check=False))
