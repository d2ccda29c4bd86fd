"""Engines by name, and those whose workers are jobs of SLURM (through submitit) or tasks of Ray core."""

import importlib
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from phasescope.core.errors import UserError
from phasescope.runs.engines.engine import Engine, Future, LocalEngine, Worker, cores, run_process

# A job's time limit without `minutes`; a run that meets it is resumed by another job.
MINUTES = 24 * 60
MOST_JOBS = 200
"""in SLURM's queue at a time, if the user names no number"""
ENGINES = ("local", "slurm", "ray")
RESOURCES = {"partition": ("slurm",), "minutes": ("slurm",), "gpus": ("slurm", "ray")}
"""options of engines on clusters: partition, time limit, and GPUs per run"""
# A folder that is on the path of any Python that imports phasescope.
ON_THE_PATH = Path(__file__).parents[3]


def check_asked(engine: str, asked: Mapping[str, str | int]) -> None:
    """Raise UserError if an option does not exist for the engine of this name, or is less than 1."""
    for option, value in asked.items():
        if engine not in RESOURCES[option]:
            raise UserError(f"`--{option}` (={value}) needs --engine {' or '.join(RESOURCES[option])}")
        if isinstance(value, int) and value < 1:
            raise UserError(f"`--{option}` (={value}) must be at least 1")


def open_engine(
    name: str, runs: Path, workers: int | None = None, asked: Mapping[str, str | int] | None = None
) -> Engine:
    """Return the engine of a name for a folder of runs, with `workers` at a time (by default what the engine chooses) and
    the options `asked` (of `RESOURCES`).

    Raises:
        UserError: there is no such engine, or its library is not installed; or as `check_asked` says.
    """
    check_asked(name, asked := asked or {})
    if name == "local":
        return LocalEngine(cores() if workers is None else workers)
    if name == "slurm":
        return SlurmEngine(runs / ".submitit", workers, asked)
    if name == "ray":
        return RayEngine(workers, gpus=float(asked.get("gpus", 0)))
    raise UserError(f"`engine` (={name}) must be one of {', '.join(ENGINES)}")


class SlurmEngine(Engine):
    """Executes each run as a job of SLURM; on a machine without SLURM, as a local job of submitit.

    Args:
        logs: folder for submitit's files, shared by the nodes; each engine makes a folder of its own in it.
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
        super().__init__(most if workers is None else workers)

    def start(self, folder: Path) -> Worker:
        with _safe_path():
            job = self.executor.submit(run_process, folder.absolute(), Path.cwd())
        return Future(job, lambda _: job.cancel(check=False))


class RayEngine(Engine):
    """Executes each run as a task of Ray on the cluster of RAY_ADDRESS; without one, Ray is started here for the session.

    Args:
        workers: tasks at a time; by default as many as the cluster, or this machine, has cores.
        gpus: of each task; one without GPUs sees none.

    Raises:
        UserError: Ray is not installed.
    """

    def __init__(self, workers: int | None = None, gpus: float = 0):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports its usage by default
        self.ray, self.gpus, self.workers = _library("ray", "ray"), gpus, workers
        super().__init__(cores() if workers is None else workers)

    @contextmanager
    def session(self) -> Iterator[None]:
        """Connect to the cluster if there is no connection yet."""
        address, begins = os.environ.get("RAY_ADDRESS", "local"), not self.ray.is_initialized()
        try:
            if begins:
                own = {"num_cpus": self.places} if address == "local" else {}
                # Ray puts the folder in which it is initialised first on the path of its workers.
                with chdir(ON_THE_PATH):
                    self.ray.init(address=address, include_dashboard=False, log_to_driver=False, **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            why = " ".join(str(error).split())[:200]
            raise UserError(f"`RAY_ADDRESS` (={address}) must be a Ray cluster's: {why}") from None
        try:
            if self.workers is None:
                self.places = max(1, int(self.ray.cluster_resources().get("CPU", 1)))
            self.task = self.ray.remote(num_cpus=1, num_gpus=self.gpus, max_retries=0)(run_process)
            yield
        finally:
            if begins:
                self.ray.shutdown()

    def start(self, folder: Path) -> Worker:
        task = self.task.remote(folder.absolute(), Path.cwd())
        return Future(task.future(), lambda force: self.ray.cancel(task, force=force))


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


def _library(engine: str, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise UserError(
            f"`engine` (={engine}) needs {name}: ./lab setup, or pip install '.[{engine}]' in a clone"
        ) from None
