"""Workers as tasks of Ray core."""

import os
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path

from phasescope.core.errors import UserError
from phasescope.runs.engines.engine import Engine, Worker
from phasescope.runs.engines.future import Future, library
from phasescope.runs.engines.local import cores, run_process

# A folder that is on the path of any Python that imports phasescope.
ON_THE_PATH = Path(__file__).parents[3]


class RayEngine(Engine):
    """Executes each run as a task of Ray on the cluster of RAY_ADDRESS; without one, Ray is started here for the session.

    Args:
        workers: tasks at a time; by default as many as the cluster, or this machine, has cores.
        gpus: of each task; one without GPUs sees none.
        options: further arguments of `phasescope exec`.

    Raises:
        UserError: Ray is not installed.
    """

    def __init__(self, workers: int | None = None, gpus: float = 0, options: Sequence[str] = ()):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports its usage by default
        self.ray, self.gpus, self.workers = library("ray", "ray"), gpus, workers
        super().__init__(cores() if workers is None else workers, options)

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
        task = self.task.remote(folder.absolute(), Path.cwd(), self.options)
        return Future(task.future(), lambda force: self.ray.cancel(task, force=force))
