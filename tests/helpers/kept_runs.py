"""Runs that tests only read, trained once for the code that trains them and kept in pytest's cache (.pytest_cache/runs).

A run is known by its configuration and by the SHA-256 of that code, of the libraries' versions and of the processor's
instructions: of other code, or on another machine, it is trained again.
"""

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch

import phasescope
from phasescope import Run, RunConfig, train

KEPT = Path(__file__).parents[2] / ".pytest_cache" / "runs"
PACKAGES = ("core", "measures", "worlds", "models", "runs")
"""which train and observe; those above only read"""


@cache
def code_digest() -> str:
    """Return the SHA-256 of what a run depends on, but for its configuration."""
    digest = hashlib.sha256()
    versions = (platform.python_version(), torch.__version__, np.__version__)
    digest.update(repr((*versions, torch.backends.cpu.get_cpu_capability())).encode())
    source = Path(phasescope.__file__).parent
    for path in sorted(path for package in PACKAGES for path in (source / package).rglob("*.py")):
        digest.update(path.relative_to(source).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def kept_run(
    config: RunConfig, runs: Path, kept: Path = KEPT, train: Callable[[RunConfig, Path], Run] = train
) -> Run:
    """Return the run of `config` in the folder `runs`, a copy of the one that is kept; it is trained if there is none."""
    tree = json.dumps(config.tree(), sort_keys=True)
    place = kept / code_digest() / hashlib.sha256(tree.encode()).hexdigest()[:16]
    if not place.exists():
        _keep(config, place, train)
    return Run(shutil.copytree(place / config.folder, runs / config.folder))


def _keep(config: RunConfig, place: Path, train: Callable[[RunConfig, Path], Run]) -> None:
    """Train a run and put it in its place whole; of two workers that do so at once the first one's stays."""
    place.parent.mkdir(parents=True, exist_ok=True)
    for other in place.parent.parent.iterdir():
        if other != place.parent:
            shutil.rmtree(other, ignore_errors=True)

    with tempfile.TemporaryDirectory(dir=place.parent, prefix="aside-") as aside:
        own = Path(aside) / "run"
        train(config, own)
        try:
            os.rename(own, place)
        except OSError:
            if not place.exists():
                raise
