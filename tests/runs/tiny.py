"""A run of seconds, and what is done with it."""

import hashlib
from pathlib import Path

from least import LEAST
from phasescope import Run, RunConfig
from phasescope.core.stopping import Stop
from phasescope.runs.config import over_defaults
from phasescope.runs.execution import Progress, execute

TINY = {
    "world": {"canvas": 8},
    "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 4}},
    "network": {"widths": [8, 8], "groups": 4, "embedding": {"width": 8}},
    "training": {"steps": 20, "batch": 16, "warmup": 5, "threads": 1, "device": "cpu"},
    "probing": {"snapshots": {"dense_until": 0, "every": 10}, "layers": ["mid"], "t": [40], **LEAST},
}
COSTS = ("wall_s", "cpu_s", "observing_s")


def config_of(**fields) -> RunConfig:
    return over_defaults(TINY, fields)


def stop_after(step: int, config: RunConfig, runs: Path) -> Run:
    """The run, asked to stop after a step."""
    stop = Stop()
    for event in execute(config, runs, stop):
        if isinstance(event, Progress) and event.step == step:
            stop.ask()
    return Run(runs / config.folder)


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
