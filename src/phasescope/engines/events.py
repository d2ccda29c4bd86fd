"""What is told of many runs while they are executed, and of each at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class RunEnd:
    """How a run ended."""

    folder: Path
    state: Literal["done", "failed"]
    attempts: int
    """Workers that were started for it; 0 where it was done before, another process did it, or its folder is damaged."""
    error: str | None = None
    """Why it failed."""


@dataclass(frozen=True)
class Tally:
    """How far many runs are, together."""

    runs: int
    done: int
    failed: int
    running: int
    """being executed by this engine"""
    elapsed_s: float
    work_left: float
    """runs' worth of steps that are not done: a run that is half done leaves 0.5"""
    work_done: float
    """runs' worth of steps that were done since the engine began"""

    @property
    def eta_s(self) -> float | None:
        """Seconds to the end at the speed so far, by steps; None before the first step."""
        return self.elapsed_s * self.work_left / self.work_done if self.work_done > 0 else None


@dataclass(frozen=True)
class Event:
    """Something happened to a run.

    `waiting`: another process executes it; `started`: a worker was started; `progress`: it went on; `retried`: its worker
    ended before the run was done (`error` says why), and another one will go on; `ended`: it is done, or failed for good.
    """

    kind: Literal["waiting", "started", "progress", "retried", "ended"]
    folder: Path
    step: int
    steps: int
    """0 where the run has not yet told"""
    tally: Tally
    error: str | None = None
    end: RunEnd | None = None
    """given with `ended`"""
