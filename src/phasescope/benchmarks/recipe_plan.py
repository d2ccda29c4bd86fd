"""What a run of the recipe is planned by, and its clock.

The clock counts steps, at the pace that a calibration found: so a run may train while the machine does other work, on one
thread or two, and still is timed as on a quiet machine. Only the calibration needs that.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from phasescope.benchmarks.recipe_training import MODES, Mode, RecipeTraining, Widths

LEAST_ROUNDS = 4
"""steps of each mode while calibrating, of which the first warms up"""


@dataclass(frozen=True)
class Plan:
    """What a calibration found, and what follows from it."""

    widths: Widths
    """channels of the network's levels"""
    mode: Mode
    """the quickest"""
    step_s: dict[str, float]
    """median wall seconds of a step, by mode"""
    pace: dict[str, float]
    """wall and CPU seconds of a step in the quickest mode"""
    start: dict[str, float]
    """wall and CPU seconds from the process's start to its first step"""
    threads: int
    """CPU threads of the calibration"""
    steps: int
    """gradient steps that the budget holds: the cosine spans them"""
    snapshot_steps: int
    """gradient steps between snapshots"""

    @classmethod
    def of(cls, tree: dict[str, Any]) -> Plan:
        """The plan that ``asdict`` made `tree` of."""
        a, b, c = tree["widths"]
        fields: dict[str, Any] = {**tree, "widths": (a, b, c), "mode": Mode(**tree["mode"])}
        return cls(**fields)

    def spent(self, step: int) -> dict[str, float]:
        """Wall and CPU seconds by the recipe's clock after `step` steps."""
        return {name: self.start[name] + step * pace for name, pace in self.pace.items()}


def calibrate(
    training: Callable[[Mode], RecipeTraining], calibration_s: float, budget_s: float, snapshot_every_s: float
) -> Plan:
    """Take steps in each mode in turn, on trainings that are then thrown away, and plan by the quickest one's median.

    Args:
        training: a fresh training in a mode.
        calibration_s: least seconds that this takes.
        budget_s, snapshot_every_s: seconds of the whole run, and of training between snapshots.
    """
    start = {"wall_s": process_age_s(), "cpu_s": time.process_time()}
    rivals = {mode: training(mode) for mode in MODES}
    times: dict[Mode, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    until = time.perf_counter() + calibration_s
    while len(times[MODES[-1]]) < LEAST_ROUNDS or time.perf_counter() < until:
        for mode, rival in rivals.items():
            wall, cpu = time.perf_counter(), time.process_time()
            rival.learn()
            times[mode].append((time.perf_counter() - wall, time.process_time() - cpu))
    step_s = {mode: statistics.median(wall for wall, _ in of_mode[1:]) for mode, of_mode in times.items()}
    quickest = min(MODES, key=lambda mode: step_s[mode])
    return Plan(
        widths=rivals[quickest].network.widths,
        mode=quickest,
        step_s={f"{mode.precision}, {mode.layout}": seconds for mode, seconds in step_s.items()},
        pace={
            "wall_s": step_s[quickest],
            "cpu_s": statistics.median(cpu for _, cpu in times[quickest][1:]),
        },
        start=start,
        threads=torch.get_num_threads(),
        steps=max(1, math.ceil((budget_s - start["wall_s"]) / step_s[quickest])),
        snapshot_steps=math.ceil(snapshot_every_s / step_s[quickest]),
    )


def process_age_s() -> float:
    """Seconds since this process began, to a clock tick; without /proc its CPU seconds, which are hardly fewer."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.process_time()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
