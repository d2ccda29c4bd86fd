"""The description of a run (about.json), with which it can be shown without its world's source; and a process's provenance.

The world, the family and the network write it when a run begins: factors, splits, outcomes with their phases and colours,
training and held-out labels, options of sampling. Code that only shows runs reads it and imports no user code.
"""

import hashlib
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
from phasescope.runs.config.probing_config import ProbingConfig
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
    commit = git(folder, "rev-parse", "--short=12", "HEAD")
    root = git(folder, "rev-parse", "--show-toplevel")
    if not commit or not root:
        return ""
    return f"{commit}-dirty" if _has_changed(Path(root)) else commit


def _has_changed(root: Path) -> bool:
    """Return whether a Python file of a repository differs from the commit, or is new.

    `git status` would execute the filters that the repository's own settings name: contents are compared here instead.
    """
    committed = git(root, "ls-tree", "-r", "-z", "--full-tree", "HEAD") or ""
    for entry in filter(None, committed.split("\0")):
        description, _, name = entry.partition("\t")
        _, kind, digest = description.split()
        if kind == "blob" and name.endswith(".py") and _blob_digest(root / name, len(digest)) != digest:
            return True
    return bool(git(root, "ls-files", "--others", "--exclude-standard", "--", ":/*.py"))


def _blob_digest(path: Path, digits: int) -> str | None:
    """Return the name that git gives to a file's contents, of 40 hexadecimal digits or of 64; None if it is no file."""
    if path.is_symlink():
        content = os.fsencode(os.readlink(path))
    elif path.is_file():
        content = path.read_bytes()
    else:
        return None
    digest = hashlib.sha1 if digits == 40 else hashlib.sha256
    return digest(b"blob %d\0" % len(content) + content).hexdigest()


def git(folder: Path, *words: str) -> str | None:
    """Return the output of a git command in a folder; None outside of a repository or without git.

    A folder may come from a stranger's archive, and its repository's settings name programs: monitors of files, hooks, and
    what fetches objects that are missing. None is executed.
    """
    off = ["-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *off, *words],
            env={**os.environ, "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=5,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
