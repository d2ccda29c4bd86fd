"""Runs' folders as training would leave them, without training."""

from pathlib import Path
from typing import Any

import numpy as np

from phasescope import Run, load_config
from phasescope.runs.store import hold

STEPS = (0, 10, 20)


def score(value: float, estimator: str = "ridge R^2, 5-fold") -> dict[str, Any]:
    return {
        "value": value, "low": value - 0.1, "high": value + 0.1, "n": 64, "estimator": estimator,
        "baselines": {"untrained": value / 3, "permuted": None}, "detail": {"x": value / 7},
    }  # fmt: skip


def metrics_at(step: int, seed: int) -> dict[str, Any]:
    """Metrics whose numbers have no short decimal form."""
    rng = np.random.default_rng([step, seed])
    correct = float(rng.uniform())
    return {
        "step": step, "images_seen": 16 * step, "epochs": step / 3, "loss": float(rng.uniform()) if step else None,
        "outcomes": {"grid": {"n": 16, "correct": correct, "none": 1 - correct}},
        "error_px": {"grid": None}, "probe_r2": {"mid.600": score(float(rng.normal()))},
        "denoising": [{"low": 0, "high": 500, "network": float(rng.uniform())} for _ in range(12)],
        "phase": {"behaviour": "C" if step else "undecided"},
        "wall_s": float(rng.uniform()), "cpu_s": float(rng.uniform()), "observing_s": float(rng.uniform()),
    }  # fmt: skip


def make_run(runs: Path, *words: str, state: str = "done", steps: tuple[int, ...] = STEPS) -> Run:
    """A run of the configuration that `words` say, with a snapshot's metrics at each of `steps`."""
    config = load_config(overrides=words)
    status = {
        "state": state, "step": steps[-1] if steps else 0, "steps": STEPS[-1], "images": 1024, "parameters": 6497,
        "images_seen": 16 * steps[-1] if steps else 0, "host": "vm", "cpu": "a processor", "cores": 2,
        "versions": {"torch": "2.13", "numpy": "2.4"}, "git_commit": None, "threads": 1, "device": "cpu",
        "wall_s": 1.5, "cpu_s": 1.25, "observing_s": 0.5,
        "started": "2026-01-01T00:00:00+00:00", "updated": "2026-01-01T00:01:00+00:00",
    }  # fmt: skip
    with hold(runs / config.folder, config.tree()) as folder:
        for step in steps:
            folder.append_metrics(metrics_at(step, config.seed))
        folder.write_status(status)
    return Run(runs / config.folder)
