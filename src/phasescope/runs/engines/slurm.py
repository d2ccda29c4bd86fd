"""Workers as jobs of SLURM, through submitit."""

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from phasescope.core.errors import UserError
from phasescope.runs.engines.engine import Engine, Worker
from phasescope.runs.engines.future import Future, library
from phasescope.runs.engines.local import cores, run_process

# A job's time limit without `minutes`; a run that meets it is resumed by another job.
MINUTES = 24 * 60
MOST_JOBS = 200
"""in SLURM's queue at a time, if the user names no number"""


class SlurmEngine(Engine):
    """Executes each run as a job of SLURM; on a machine without SLURM, as a local job of submitit.

    Args:
        logs: folder for submitit's files, shared by the nodes; each engine makes a folder of its own in it.
        workers: jobs at a time, those that wait in SLURM's queue counted.
        asked: `partition`, `minutes` and `gpus` of a job. What is left open, sbatch takes from its environment
            (SBATCH_ACCOUNT, ...), which takes precedence, too (SBATCH_PARTITION).
        options: further arguments of `phasescope exec`.

    Raises:
        UserError: submitit is not installed, or refuses a parameter.
    """

    def __init__(
        self, logs: Path, workers: int | None, asked: Mapping[str, str | int], options: Sequence[str] = ()
    ):
        submitit = library("slurm", "submitit")
        names = {"partition": "slurm_partition", "minutes": "timeout_min", "gpus": "gpus_per_node"}
        job = {"timeout_min": MINUTES, "cpus_per_task": 1, "name": "phasescope"}
        job |= {names[option]: value for option, value in asked.items()}

        # submitit unpickles what it finds under a job's number, so the folder must be one that nobody filled before.
        logs.mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(dir=logs)
        python = f"{shlex.quote(sys.executable)} -P"
        try:
            self.executor = submitit.AutoExecutor(folder=folder, slurm_python=python)
            self.executor.update_parameters(**job)
        except (NameError, RuntimeError, ValueError) as error:
            raise UserError(f"`engine` (=slurm) cannot start: {' '.join(str(error).split())}") from None
        most = MOST_JOBS if self.executor.cluster == "slurm" else cores()
        super().__init__(most if workers is None else workers, options)

    def start(self, folder: Path) -> Worker:
        with _safe_path():
            job = self.executor.submit(run_process, folder.absolute(), Path.cwd(), self.options)
        return Future(job, lambda _: job.cancel(check=False))


@contextmanager
def _safe_path() -> Iterator[None]:
    """Have processes that start within the block leave the working folder out of Python's path.

    submitit starts `python -m ...`, which would import a `yaml.py` that lies there.
    """
    former = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if former is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = former
