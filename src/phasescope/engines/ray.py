"""Workers as tasks of Ray core, on this machine or on a cluster (GPUs, Kubernetes, clouds).

The folder of runs must be on a disk that the nodes share, and phasescope must be installed on them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phasescope.engines.base import Engine
from phasescope.engines.workers import Future, Worker, cores, run_process
from phasescope.errors import UserError


class RayEngine(Engine):
    """A task each run.

    Args:
        workers: tasks at a time; without it as many as this machine has cores, or, with `address`, as the cluster has.
        address: of a cluster, as `auto`; without it that of RAY_ADDRESS, and where there is none Ray is started here, and
            stopped at the end.
        gpus: of each task; one without GPUs sees none.

    Raises:
        UserError: Ray is not installed.
    """

    def __init__(self, workers: int | None = None, address: str | None = None, gpus: float = 0):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reports its use unless told not to
        try:
            import ray
        except ModuleNotFoundError:
            raise UserError(
                "`engine` (=ray) needs Ray: ./lab setup, or pip install '.[ray]' in a clone"
            ) from None
        self.ray, self.gpus, self.workers = ray, gpus, workers
        self.address = address or os.environ.get("RAY_ADDRESS") or None
        super().__init__(cores() if workers is None else workers)

    @contextmanager
    def session(self) -> Iterator[None]:
        """A connection to the cluster, if there is none yet."""
        started = not self.ray.is_initialized()
        if started:
            try:
                self.ray.init(
                    address=self.address or "local",
                    num_cpus=None if self.address else self.places,
                    include_dashboard=False,
                    log_to_driver=False,
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                why = " ".join(str(error).split())[:200]
                raise UserError(f"`address` (={self.address}) must be a Ray cluster's: {why}") from None
        try:
            if self.workers is None and self.address:
                self.places = max(1, int(self.ray.cluster_resources().get("CPU", 1)))
            as_task: Any = self.ray.remote(num_cpus=1, num_gpus=self.gpus, max_retries=0)
            self.task = as_task(run_process)
            yield
        finally:
            if started:
                self.ray.shutdown()

    def start(self, folder: Path) -> Worker:
        task = self.task.remote(folder.absolute(), Path.cwd())
        return Future(task.future(), lambda force: self.ray.cancel(task, force=force))
