"""Runs of tests: a tiny one, configurations from trees, and trainings that end early."""

from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from phasescope import Run, RunConfig
from phasescope.runs.training.execution import execute
from phasescope.runs.training.stopping import Stop
from phasescope.studies import merge

LEAST: dict[str, Any] = {
    "images": {"grid": 16, "off_grid": 16},
    "latent_labels": 64, "variance_labels": 16, "variance_draws": 2, "bands": 2, "band_images": 8,
    "p1": None,
}  # fmt: skip
"""the least that may be observed, of a plan of observation: for runs of which a test needs nothing more"""
TINY: dict[str, Any] = {
    "world": {"canvas": 8},
    "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 4}},
    "network": {"widths": [8, 8], "groups": 4, "embedding": {"width": 8}},
    "training": {"steps": 20, "batch": 16, "warmup": 5, "threads": 1, "device": "cpu"},
    "probing": {"snapshots": {"dense_until": 0, "every": 10}, "layers": ["mid"], "t": [40], **LEAST},
}
"""a run of a second"""


def run_config(*trees: Mapping[str, Any]) -> RunConfig:
    """Return the configuration of trees of fields, merged in order into the defaults."""
    return RunConfig.from_tree(reduce(merge, trees, RunConfig().tree()))


def stop_after(step: int, config: RunConfig, runs: Path) -> Run:
    """Return the run, asked to stop after a step, which it does in order, with a checkpoint."""
    stop = Stop()
    for event in execute(config, runs, stop):
        if event.step == step:
            stop.ask()
    return Run(runs / config.folder)


def leave_after(step: int, config: RunConfig, runs: Path, extend: Run | None = None) -> Run:
    """Return the run, left after a step as by an exception in who trains it."""
    events = execute(config, runs, extend=extend)
    while next(events).step < step:
        pass
    events.close()
    return Run(runs / config.folder)
