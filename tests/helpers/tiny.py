"""A run of seconds, and what is done with it."""

import hashlib
from pathlib import Path

from helpers.training_runs import TINY, run_config
from phasescope import Run, RunConfig

COSTS = ("wall_s", "cpu_s", "observing_s")


def config_of(**fields) -> RunConfig:
    return run_config(TINY, fields)


def results(run: Run) -> list[dict]:
    """Metrics without what they cost."""
    return [{name: value for name, value in line.items() if name not in COSTS} for line in run.metrics]


def contents(folder: Path) -> dict[str, str]:
    """By path the SHA-256 of every file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }
