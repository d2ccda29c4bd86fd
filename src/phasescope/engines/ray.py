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
from phasescope.engines.leases import EXPIRES_S
from phasescope.engines.local import cores
from phasescope.engines.workers import LOST, Worker, run_process
from phasescope.errors import UserError


class RayEngine(Engine):
    """A task each run.

    Args:
        workers: tasks at a time; without it as many as this machine has cores, or, with `address`, as the cluster has.
        address: of a cluster, as `auto`; without it that of RAY_ADDRESS, and where there is none Ray is started here, and
            stopped at the end.
        cpus, gpus: of each task; one without GPUs sees none.
        expires_s: seconds without a heartbeat after which a task is cancelled, and its run resumed.

    Raises:
        UserError: Ray is not installed.
    """

    def __init__(
        self,
        workers: int | None = None,
        address: str | None = None,
        cpus: float = 1,
        gpus: float = 0,
        expires_s: float = EXPIRES_S,
    ):
        os.environ.setdefault(
            "RAY_USAGE_STATS_ENABLED", "0"
        )  # Ray tells its makers of its use unless told not to
        try:
            import ray
        except ModuleNotFoundError:
            raise UserError(
                "`engine` (=ray) needs Ray: ./lab setup, or pip install '.[ray]' in a clone"
            ) from None
        address = address or os.environ.get("RAY_ADDRESS") or None
        self.ray, self.address, self.cpus, self.gpus, self.asked = ray, address, cpus, gpus, workers
        super().__init__(cores() if workers is None else workers, expires_s)

    @contextmanager
    def session(self) -> Iterator[None]:
        """A connection to the cluster, where there is none yet."""
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
                told = " ".join(str(error).split())
                raise UserError(
                    f"`address` (={self.address}) must be a Ray cluster's: {told[:200]}"
                ) from None
        try:
            if self.asked is None and self.address:
                self.places = max(1, int(self.ray.cluster_resources().get("CPU", 1) / self.cpus))
            as_task: Any = self.ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=0)
            self.task = as_task(run_process)
            yield
        finally:
            if started:
                self.ray.shutdown()

    def start(self, folder: Path) -> Worker:
        return _Task(self.ray, self.task.remote(folder.absolute(), self.expires_s, Path.cwd()))


class _Task:
    def __init__(self, ray: Any, reference: Any):
        self.ray, self.reference = ray, reference

    def code(self) -> int | None:
        ready, _ = self.ray.wait([self.reference], timeout=0)
        if not ready:
            return None
        try:
            return self.ray.get(self.reference)
        except self.ray.exceptions.RayError:
            return LOST

    def stop(self) -> None:
        self.ray.cancel(self.reference)

    def kill(self) -> None:
        self.ray.cancel(self.reference, force=True)
