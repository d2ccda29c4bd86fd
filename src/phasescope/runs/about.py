"""The description of a run (about.json), with which it can be shown without its world's source; and a process's provenance.

The world, the family and the network write it when a run begins: factors, splits, outcomes with their phases and colours,
training and held-out labels, options of sampling. Code that only shows runs reads it and imports no user code.
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
# Larger sets of training or held-out labels are described by their values of each factor, not label by label.
MOST_LABELS = 4096


def about(config: RunConfig, plan: ProbingConfig, world: World | None = None) -> dict[str, Any]:
    """Return the description, JSON-ready: `sentence`, `shape`, visible `factors`, names of `hidden` ones, `position`,
    `splits`, `outcomes`, `training` labels, `held_out` labels by split, `sampler`, `guidance`, `layers`, `t`.

    Args:
        world: replaces the configuration's world if that consists of arrays in memory.
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
        "training": _label_summary(trained, one_by_one=few[0]),
        "held_out": {split: _label_summary(labels, one_by_one=few[1]) for split, labels in held.items()},
        "sampler": config.family.sampling_choices(),
        "guidance": config.training.may_be_guided,
        "layers": list(plan.layers),
        "t": list(plan.t),
    }


def _label_summary(labels: Float[np.ndarray, "n K"], one_by_one: bool) -> dict[str, Any]:
    return {
        "count": len(labels),
        "labels": labels.astype(float).round(4).tolist() if one_by_one else None,
        "values": [np.unique(column).astype(float).round(4).tolist()[:MOST_LABELS] for column in labels.T],
    }


@cache
def provenance() -> dict[str, Any]:
    """Return host, cpu, cores, versions, git commit of the source and process id."""
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
    # Family and model are added if Linux reports them: clouds sell many processors under one name.
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    entries = (line.partition(":") for line in first.splitlines())
    cpu = {key.strip(): value.strip() for key, _, value in entries}
    if "model name" not in cpu:
        return platform.machine()
    generation = [f"{key.removeprefix('cpu ')} {cpu[key]}" for key in ("cpu family", "model") if key in cpu]
    return f"{cpu['model name']} ({', '.join(generation)})" if generation else cpu["model name"]


def _git_commit() -> str | None:
    here = Path(__file__).parent
    # An installed package may lie inside the repository of another project.
    if git(here, "ls-files", "--error-unmatch", __file__) is None:
        return None
    return commit_of(here) or None


def commit_of(folder: Path) -> str:
    """Return the commit that is checked out in a folder; empty outside of git.

    It ends in `-dirty` if Python files differ from it: records that a study writes beside them change nothing that runs
    execute.
    """
    commit = git(folder, "rev-parse", "--short=12", "HEAD") or ""
    return commit + "-dirty" * bool(git(folder, "status", "--porcelain", "--", ":/*.py"))


def git(folder: Path, *words: str) -> str | None:
    """Return the output of a git command in a folder; None outside of a repository or without git."""
    command = ["git", "-C", str(folder), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
