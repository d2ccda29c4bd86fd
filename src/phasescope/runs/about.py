"""What a run is about, for whoever shows it without its world's source (about.json), and where a process runs.

Factors, splits, outcomes with their phases and colours, the labels that are trained on and those held out, what may be
chosen where one paints: all of it is said by the world, the family and the network when a run begins. What only shows runs
reads it, and imports nobody's code.
"""

import os
import platform
import socket
import subprocess
from dataclasses import asdict
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.runs.config import RunConfig
from phasescope.runs.probing.config import ProbingConfig
from phasescope.worlds import World

LIBRARIES = ("phasescope", "torch", "numpy", "scipy", "scikit-learn", "umap-learn")
# Above this a training set, or all that is held out, is told by its values of each factor, not label by label.
MOST_LABELS = 4096


def about(config: RunConfig, plan: ProbingConfig, world: World | None = None) -> dict[str, Any]:
    """JSON-ready: `sentence`, `shape`, the visible `factors`, names of `hidden` ones, `position`, `splits`, `outcomes`,
    `training` labels, `held_out` labels by split, `painting`, `guidance`, `taps`, `timesteps`.

    Args:
        world: in the place of the configuration's, where that is of arrays at hand.
    """
    world = world or config.world
    visible = world.factors.visible_columns
    reader, trained = world.reader(), visible(world.training_labels())
    held = {split: visible(labels) for split, labels in world.held_out().items()}
    few = len(trained) <= MOST_LABELS, sum(map(len, held.values())) <= MOST_LABELS
    return {
        "sentence": world.sentence(),
        "shape": list(world.shape),
        "continuous": world.continuous,
        "factors": [asdict(factor) for factor in world.factors.visible],
        "hidden": [factor.name for factor in world.factors if factor.hidden],
        "position": world.position,
        "splits": list(world.splits()),
        "outcomes": [] if reader is None else [outcome._asdict() for outcome in reader.outcomes],
        "training": _told(trained, one_by_one=few[0]),
        "held_out": {split: _told(labels, one_by_one=few[1]) for split, labels in held.items()},
        "painting": config.family.painting(),
        "guidance": config.training.may_be_guided,
        "taps": list(plan.taps),
        "timesteps": list(plan.timesteps),
    }


def _told(labels: Float[np.ndarray, "n K"], one_by_one: bool) -> dict[str, Any]:
    return {
        "count": len(labels),
        "labels": labels.astype(float).round(4).tolist() if one_by_one else None,
        "values": [np.unique(column).astype(float).round(4).tolist()[:MOST_LABELS] for column in labels.T],
    }


@cache
def provenance() -> dict[str, Any]:
    """Host, cpu, cores, versions, git commit of the source, process id."""
    return {
        "host": socket.gethostname(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in LIBRARIES},
        },
        "git_commit": _git_commit(),
        "pid": os.getpid(),
    }


def _cpu_model() -> str:
    # With the family and model where Linux tells them: clouds sell many processors under one name.
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    told = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())
    }
    if "model name" not in told:
        return platform.machine()
    generation = [f"{key.removeprefix('cpu ')} {told[key]}" for key in ("cpu family", "model") if key in told]
    return f"{told['model name']} ({', '.join(generation)})" if generation else told["model name"]


def _git_commit() -> str | None:
    here = Path(__file__).parent
    # Where it is installed, it may lie inside a repository of something else.
    if git(here, "ls-files", "--error-unmatch", __file__) is None:
        return None
    return git(here, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def git(folder: Path, *words: str) -> str | None:
    """What git answers in a folder; None outside of a repository, and where there is no git."""
    command = ["git", "-C", str(folder), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
