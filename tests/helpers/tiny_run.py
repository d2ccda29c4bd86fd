"""A run that takes a second, and what makes two runs the same."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from helpers import training_runs
from phasescope import Run
from phasescope.studies import merge

CHANGES = {
    "name": "tiny",
    "network": {"patch": 1},
    "training": {"steps": 40},
    "probing": {
        "snapshots": {"dense_every": 10, "dense_until": 20, "every": 20},
        "t": [10, 40],
        "representation": {"layer": "mid", "t": 40},
    },
}
TINY = merge(training_runs.TINY, CHANGES)
KILLS = int(os.environ.get("PHASESCOPE_KILLS", "5"))
"""SIGKILLs of a training, of a study, and of exports and imports, each; at least 4"""
TIMES = ("wall_s", "cpu_s", "observing_s", "images_per_s")


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file under `folder`, hashed."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def checkpoint_of(run: Run) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(run.path / "checkpoint" / "state.safetensors")


def assert_same_arrays(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype
        assert array.tobytes() == other[name].tobytes(), name


def assert_same_record(one: Run, other: Run) -> None:
    """Bitwise equal weights, optimiser and snapshots; equal metrics, but for the times; nothing half-written."""
    assert_same_arrays(checkpoint_of(one), checkpoint_of(other))
    steps = [snapshot.step for snapshot in one.snapshots]
    assert steps == [snapshot.step for snapshot in other.snapshots]
    assert steps == [entry["step"] for entry in one.metrics]
    for mine, its in zip(one.snapshots, other.snapshots, strict=True):
        assert_same_arrays(mine.weights(), its.weights())
        assert_same_arrays(mine.samples(), its.samples())
        for place in mine.sites:
            assert mine.latents(*place).tobytes() == its.latents(*place).tobytes()
    assert [_without_times(entry) for entry in one.metrics] == [
        _without_times(entry) for entry in other.metrics
    ]
    assert [_without_times(line) for line in one.scalar_lines] == [
        _without_times(line) for line in other.scalar_lines
    ]
    assert [_without_times(line) for line in one.meter_lines] == [
        _without_times(line) for line in other.meter_lines
    ]
    assert one.references == other.references
    assert not list(one.path.rglob("*.aside"))


def _without_times(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in TIMES}
