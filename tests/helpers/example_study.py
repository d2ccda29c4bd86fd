"""A folder of results as a study writes it: records of many runs, of which some exist, and claims with each verdict."""

import hashlib
import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from phasescope import Run, load_config
from phasescope.runs.store import hold
from phasescope.runs.store.records import condense, merge_records
from phasescope.studies.claims_file import Judged, RecordedClaim
from phasescope.studies.preregistration import Amendment, Preregistration, Sources
from phasescope.studies.records import claims_text, plain

STEPS = np.linspace(0, 600, 13).astype(int)
DX, SIGMA = (0.5, 1.0, 2.0), (1.0, 2.0)
SEEDS = 4

CLAIM = {
    "source": "nobody: made up", "direction": "above", "minimum_n": 3, "counting": "steps", "figure": "onsets",
    "does_not_show": "anything: these records are synthetic", "detail": {},
    "cells": [], "family": "", "system": "", "look": 1,
}  # fmt: skip


def claim(
    name: str, sentence: str, verdict: str, threshold: float, numbers: tuple[float, float, float]
) -> RecordedClaim:
    value, low, high = numbers
    return RecordedClaim(
        name=name, sentence=sentence, verdict=verdict, analysis=1, why="made up", source="nobody", answers="S5",
        limits="Nothing at all.", check=False, threshold=threshold, direction="above", value=value, low=low, high=high,
        n=24, detail={}, spread=0.1, effect=0.2, observed_spread=0.1, observed_power=0.9, detectable=0.15,
    )  # fmt: skip


def write_claims(folder: Path, claims: list[RecordedClaim], runs: int, digest: str | None = None) -> None:
    """Write claims.json beside records, of these unless `digest` says others, and a preregistration with an amendment."""
    judged = Judged(
        study=folder.name,
        question="What does this page look like? Its records are synthetic: no result of anything.",
        sha256=digest or hashlib.sha256((folder / "records.parquet").read_bytes()).hexdigest(),
        runs=runs,
        core_minutes=1.0,
        processors=["none"],
        claims=claims,
    )
    (folder / "claims.json").write_text(claims_text(plain(judged.model_dump(exclude={"stale"}))))
    amendment = Amendment(date="2030-01-02", reason="A slip.", changed=["`threshold` was 0.4"])
    sources = [Sources(date="2030-01-01", commit="", sha256={})]
    known = Preregistration(date="2030-01-01", recorded=0, study={}, sources=sources, amendments=[amendment])
    (folder / "preregistration.json").write_text(known.model_dump_json())


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
    write_claims(
        folder,
        [
            claim("sooner", "Onsets come later where d is larger.", "supported", 0.0, (0.4, 0.2, 0.6)),
            claim("coupled", "Onsets of x and of y come together.", "refuted", 0.5, (0.2, 0.1, 0.3)),
            claim("censored", "Every run is ordered in the end.", "undecided", 0.8, (0.9, 0.4, math.inf)),
        ],
        len({row["digest"] for row in rows}),
    )
    (folder / "README.md").write_text(
        "# Example\n\nWhat does this page look like?\n\n| claim | verdict |\n|---|---|\n| a | b |\n"
    )
    return folder


def _history(dx: float, sigma: float, seed: int, onset: float) -> list[dict]:
    words = [f"world.sigma_px={sigma}", f"world.design.dx={dx}", f"world.design.dy={dx}", f"seed={seed}"]
    config = load_config(overrides=["preset=fast", *words])
    rows = []
    for step in STEPS.tolist():
        correct = float(1 / (1 + np.exp(-(step - onset) / 25)))
        phase = "C" if correct > 0.6 else "undecided" if correct > 0.4 else "B" if step > onset / 2 else "A"
        rows.append(
            {"step": step, "images_seen": 16 * step, "epochs": step / 64, "loss": 0.1,
             "outcomes": {"grid": {"correct": correct}},
             "phase": {"behaviour": phase, "sheet": "C" if step > onset / 3 else "A"},
             "probe_r2": {"mid.600": {"value": min(step / onset, 0.98)}}}
        )  # fmt: skip
    with TemporaryDirectory() as runs, hold(Path(runs) / config.folder, config.tree()) as folder:
        for row in rows:
            folder.append_metrics(row)
        folder.write_status({"state": "done", "step": rows[-1]["step"]})
        cells = json.dumps([f"d={dx:g}, sigma={sigma:g}"])
        return [{**row, "cells": cells} for row in condense(Run(folder.path))]
