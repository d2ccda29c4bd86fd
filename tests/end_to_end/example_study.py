"""A folder of results as a study writes it: records of many runs, of which some exist, and claims with each verdict."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from phasescope.runs.config import load_words
from phasescope.store import Run
from phasescope.store.flat import run_row
from phasescope.store.records import condense, merge_records

STEPS = np.linspace(0, 600, 13).astype(int)
DX, SIGMA = (0.5, 1.0, 2.0), (1.0, 2.0)
SEEDS = 4

CLAIM = {
    "source": "nobody: made up", "direction": "above", "minimum_n": 3, "counting": "steps", "figure": "onsets",
    "does_not_show": "anything: these records are synthetic", "detail": {},
    "cells": [], "family": "", "system": "", "look": 1,
}  # fmt: skip


def write_study(folder: Path, real: Run | None = None) -> Path:
    """Onsets come later as d grows, and sooner at sigma = 2; the rows of `real`, if given, are among them."""
    folder.mkdir(parents=True)
    rows = condense(real) if real is not None else []
    for row in rows:
        row["cells"] = json.dumps(["real"])
    rng = np.random.default_rng(0)
    for dx in DX:
        for sigma in SIGMA:
            for seed in range(1, SEEDS + 1):  # a trained run has 0
                rows += _history(dx, sigma, seed, 150 + 150 * dx / sigma + rng.uniform(-60, 60))
    merge_records(folder / "records.parquet", rows)
    claims = [
        {**CLAIM, "name": "sooner", "sentence": "Onsets come later where d is larger.", "verdict": "supported",
         "why": "the whole interval [0.2, 0.6] lies above the threshold 0", "statistic": "rank correlation of d and onset",
         "threshold": 0.0, "value": 0.4, "low": 0.2, "high": 0.6, "n": 24},
        {**CLAIM, "name": "coupled", "sentence": "Onsets of x and of y come together.", "verdict": "refuted",
         "why": "the whole interval [0.1, 0.3] lies below the threshold 0.5", "statistic": "coupling of onsets",
         "threshold": 0.5, "value": 0.2, "low": 0.1, "high": 0.3, "n": 24},
        {**CLAIM, "name": "censored", "sentence": "Every run is ordered in the end.", "verdict": "undecided",
         "why": "the interval [0.4, inf] holds the threshold 0.8", "statistic": "share of runs", "threshold": 0.8,
         "value": 0.9, "low": 0.4, "high": "inf", "n": 24},
    ]  # fmt: skip
    digest = hashlib.sha256((folder / "records.parquet").read_bytes()).hexdigest()
    told = {
        "study": folder.name,
        "question": "What does this page look like? Its records are synthetic: no result of anything.",
        "declaration": {
            "date": "2030-01-01",
            "amended": [{"date": "2030-01-02", "reason": "A slip.", "changed": ["`threshold` was 0.4"]}],
        },
        "failed": [],
        "claims": claims,
    }
    told["records"] = {"sha256": digest, "runs": len({row["digest"] for row in rows}), "rows": len(rows)}
    (folder / "claims.json").write_text(json.dumps(told))
    return folder


def _history(dx: float, sigma: float, seed: int, onset: float) -> list[dict]:
    words = [f"world.sigma_px={sigma}", f"world.design.dx={dx}", f"world.design.dy={dx}", f"seed={seed}"]
    config = load_words(["preset=fast", *words])
    same = run_row(Run(Path(config.folder)).identity, config.tree(), {})
    rows = []
    for step in STEPS.tolist():
        correct = float(1 / (1 + np.exp(-(step - onset) / 25)))
        phase = "C" if correct > 0.6 else "undecided" if correct > 0.4 else "B" if step > onset / 2 else "A"
        rows.append(
            {**same, "cells": json.dumps([f"d={dx:g}, sigma={sigma:g}"]), "step": step, "images_seen": 16 * step,
             "epochs": step / 64, "loss": 0.1, "outcomes.grid.correct": correct, "phase.behaviour": phase,
             "phase.representation": "C" if step > onset / 3 else "A", "order.mid.600.value": min(step / onset, 0.98)}
        )  # fmt: skip
    return rows
