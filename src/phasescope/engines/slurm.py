"""Workers as jobs of SLURM, through submitit; on a machine without SLURM, as submitit's local jobs.

The folder of runs must be on a disk that the nodes share, and so must this Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from phasescope.engines.base import Engine
from phasescope.engines.leases import EXPIRES_S
from phasescope.engines.local import cores
from phasescope.engines.workers import LOST, Worker, run_process
from phasescope.errors import UserError

MINUTES = 24 * 60
"""a job's time limit without `parameters`; a run that meets it is resumed by another job"""


class SlurmEngine(Engine):
    """A job each run.

    Args:
        logs: folder of submitit's files, shared by the nodes.
        workers: jobs at a time, those that wait in SLURM's queue counted.
        cluster: `slurm`, or `local` for processes of this machine; without it SLURM where it is.
        parameters: submitit's, as in ``{"slurm_partition": "cpu", "timeout_min": 60}``; what they leave open, sbatch takes
            from its environment (SBATCH_ACCOUNT, ...), which goes before them, too (SBATCH_PARTITION).
        expires_s: seconds without a heartbeat after which a job is cancelled, and its run resumed.

    Raises:
        UserError: submitit is not installed, or refuses a parameter.
    """

    def __init__(
        self,
        logs: Path,
        workers: int | None = None,
        cluster: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        expires_s: float = EXPIRES_S,
    ):
        try:
            import submitit
        except ModuleNotFoundError:
            raise UserError(
                "`engine` (=slurm) needs submitit: ./lab setup, or pip install '.[slurm]' in a clone"
            ) from None
        try:
            self.executor = submitit.AutoExecutor(folder=logs, cluster=cluster)
            self.executor.update_parameters(
                **{"timeout_min": MINUTES, "cpus_per_task": 1, "name": "phasescope", **(parameters or {})}
            )
        except (NameError, RuntimeError, ValueError) as error:
            raise UserError(f"`engine` (=slurm) cannot be had so: {' '.join(str(error).split())}") from None
        on_slurm = self.executor.cluster == "slurm"
        default = 200 if on_slurm else cores()
        super().__init__(
            default if workers is None else workers, expires_s, look_every_s=5.0 if on_slurm else 0.2
        )

    def start(self, folder: Path) -> Worker:
        return _Job(self.executor.submit(run_process, folder.absolute(), self.expires_s, Path.cwd()))


class _Job:
    def __init__(self, job: Any):
        self.job = job

    def code(self) -> int | None:
        if not self.job.done():
            return None
        # A job that was cancelled, preempted or killed has no result.
        if self.job.exception() is not None:
            return LOST
        return self.job.result()

    def stop(self) -> None:
        self.job.cancel(check=False)

    kill = stop
