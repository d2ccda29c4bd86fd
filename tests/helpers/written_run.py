"""A run folder, written by the store, whose phases and onsets are known: what the views are tried on."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from phasescope import Factor, Run, Site
from phasescope.measures import phase_onsets, phase_sequence
from phasescope.runs.store import hold

N, BATCH, STEPS, SNAPSHOTS = 32, 64, 4000, 20
PLACES = [Site(layer, t) for layer in ("down3", "mid") for t in (50, 600)]
SEED = 7


def bump(labels: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    pixels = np.arange(1, N + 1)
    v_x, v_y = np.exp(-0.5 * ((labels.T[:, :, None] - pixels) / sigma) ** 2)
    return (1 - 2 * v_y[:, :, None] * v_x[:, None, :]).astype(np.float32)


def config() -> dict:
    return {
        "name": "synthetic",
        "seed": SEED,
        "world": {
            "kind": "gaussian_bump", "canvas": N, "sigma_px": 1.0, "polarity": "dark", "boundary": "open",
            "design": {"kind": "grid", "dx": 1.0, "dy": 1.0, "ends": "high"},
        },
        "family": {"kind": "diffusion", "predict": "eps"},
        "training": {"steps": STEPS, "batch": BATCH},
    }  # fmt: skip


OUTCOMES = [
    {"name": "none", "phase": "A", "colour": "#c7ccd2"},
    {"name": "multiple", "phase": "A", "colour": "#cc79a7"},
    {"name": "malformed", "phase": "A", "colour": "#7d4f50"},
    {"name": "misplaced", "phase": "B", "colour": "#e69f00"},
    {"name": "correct", "phase": "C", "colour": "#0072b2"},
]


def about() -> dict:
    factors = [asdict(Factor(name, 0.0, float(N), "px")) for name in ("x", "y")]
    labels = [[float(x), float(y)] for y in range(1, N + 1) for x in range(1, N + 1)]
    values = [list(range(1, N + 1))] * 2
    return {
        "sentence": "one dark bump at (x, y)", "shape": [1, N, N], "continuous": True, "factors": factors,
        "position": ["x", "y"], "splits": ["grid", "off_grid"], "outcomes": OUTCOMES,
        "training": {"count": len(labels), "labels": labels, "values": values},
        "sampler": {"samplers": ["ddim"], "sampler": "ddim", "steps": 50, "most_steps": 1000},
        "guidance": False, "layers": ["down3", "mid"], "t": [50, 600],
    }  # fmt: skip


def score(value: float, nulls: dict[str, float], width: float = 0.03) -> dict:
    return {
        "value": value, "low": value - width, "high": value + width, "n": 300, "estimator": "synthetic",
        "baselines": nulls, "detail": {"x": value, "y": value + 0.01},
    }  # fmt: skip


def joint(low: float) -> dict:
    value = {"low": low, "high": low + 0.2, "n": 48, "estimator": "synthetic", "baselines": {}, "detail": {}}
    return {"excess": {**value, "value": low + 0.1}, "phi": {**value, "value": None}}


def phases_at(learnt: float) -> dict:
    """Behaviour is in C from learnt >= 0.8 on, the sheet from 0.4 on, and P1's reading from 0.6."""

    def of(b: float, c: float) -> str:
        return "C" if learnt >= c else "B" if learnt >= b else "A"

    return {"behaviour": of(0.45, 0.8), "sheet": of(0.25, 0.4), "representation_p1": of(0.25, 0.6)}


def metrics_at(step: int) -> dict:
    learnt = step / STEPS
    rise = 1 / (1 + np.exp(-16 * (learnt - 0.35)))
    correct = float(np.clip((learnt - 0.6) / 0.3, 0, 0.97))
    misplaced = float(np.clip((learnt - 0.3) / 0.3, 0, 1 - correct - 0.02))
    rest = 1 - correct - misplaced
    shares = {
        "none": rest / 2,
        "multiple": rest / 3,
        "malformed": rest / 6,
        "misplaced": misplaced,
        "correct": correct,
    }
    floors = {"untrained": 0.1, "pixels": 0.02, "permuted": -0.01, "label_embedding": 1.0}

    def everywhere(value, nulls):
        return {
            str(place): score(float(value) * (1 - 0.1 * (3 - index)), nulls)
            for index, place in enumerate(PLACES)
        }

    return {
        "step": step, "images_seen": step * BATCH, "epochs": step / 16, "loss": 0.1 if step else None,
        "wall_s": 100 * learnt, "cpu_s": 180 * learnt, "observing_s": 12 * learnt,
        "outcomes": {"grid": {"n": 48, **shares}, "off_grid": {"n": 40, **shares}},
        "accuracy": {"grid": {"x": correct, "y": correct, "joint": correct}},
        "accuracy_darkest": {"grid": {"x": 0.5, "y": 0.625, "joint": 0.25}},
        "error_darkest": {"grid": {"x": 1.5, "y": 0.75}},
        "together": {"formed": {"grid": {"x,y": joint(0.05)}}, "darkest": {"grid": {"x,y": joint(-0.15)}}},
        "error": {"grid": {"x": 0.2, "y": 0.1}, "off_grid": {"x": 0.3, "y": None}},
        "probe_r2": everywhere(0.95 * rise, floors),
        "p1_r2": {"down3.600": score(float(0.9 * rise**3), floors)},
        "trustworthiness": everywhere(0.5 + 0.45 * rise, {"permuted": 0.5}),
        "participation_ratio": everywhere(45 - 40 * rise, {"untrained": 40.0, "pixels": 160.0}),
        "label_participation_ratio": everywhere(30 - 26 * rise, {"untrained": 25.0, "pixels": 60.0}),
        "label_variance": everywhere(0.6 * rise, {"permuted": 0.0}),
        "probe_gain": everywhere(3 * rise, {"untrained": 0.0}),
        "condition_probe_r2": everywhere(0.9 * rise, floors),
        "input_probe_r2": everywhere(0.4 - 0.8 * rise, {**floors, "pixels": 0.3}),
        "condition_label_variance": everywhere(0.8 * rise, floors),
        "input_label_variance": everywhere(0.1, floors),
        "denoising": [
            {"low": low, "high": low + 250, "network": 0.1 * np.exp(-3 * learnt) / (1 + low / 100),
             "floor": 0.0, "unconditional": 0.01}
            for low in (0, 250, 500, 750)
        ],
        "closest_reference": [
            {"t": t, "reference": OPTIMA[round(3 * learnt) if t > 300 else 1], "r2": 0.9, "error": (1.3 - learnt) * t / 1000}
            for t in LEVELS
        ],
        "nats": {name: {"value": most * learnt, "low": most * learnt - 0.3, "high": most * learnt + 0.3}
                 for name, most in NATS.items()},
        "phase": phases_at(learnt),
    }  # fmt: skip


LEVELS = [125, 375, 625, 875]
OPTIMA = ["mean image", "Wiener", "posterior mean", "label"]
NATS = {"label": 6.9, "x": 3.5, "y": 3.4}


def references() -> dict:
    errors = {rung: [knows * t / 1000 for t in LEVELS] for knows, rung in enumerate(reversed(OPTIMA))}
    known = {
        "mmse": {"t": LEVELS, **errors},
        "variance": 2.0,
        "nats": NATS,
        "left_out": {"x known": "no grid"},
    }
    return {"scores": {}, "family": {"reference_denoisers": known}}


def write_snapshot(folder: Path, step: int, latents: bool) -> None:
    rng = np.random.default_rng(SEED)
    learnt = step / STEPS
    grid = rng.choice(N * N, 48, replace=False)
    labels = np.concatenate([np.stack([grid % N + 1, grid // N + 1], 1), rng.uniform(1, N, (40, 2))]).astype(
        np.float32
    )
    split = np.where(np.arange(88) < 48, "grid", "off_grid")
    outcome = np.where(
        rng.random(88) < learnt, "correct", np.where(rng.random(88) < learnt, "misplaced", "multiple")
    )
    noise = rng.standard_normal((88, 1, N, N)).astype(np.float32)
    images = np.clip(learnt * bump(labels)[:, None] + (1 - learnt) * noise, -1, 1)
    np.savez(folder / "samples.npz", images=images.astype(np.float16), labels=labels, split=split)
    columns = {"label_x": labels[:, 0], "label_y": labels[:, 1], "split": split, "outcome": outcome}
    columns |= {f"error_{name}": rng.normal(0, 3.5 - 3 * learnt, 88) for name in "xy"}
    pd.DataFrame(columns).to_parquet(folder / "reading.parquet")
    if not latents:
        return
    latent_labels = rng.uniform(1, N, (300, 2)).astype(np.float32)
    sheet = latent_labels / N - 0.5
    bent = np.concatenate([sheet, (sheet**2).sum(1, keepdims=True)], 1) @ rng.standard_normal((3, 64))
    arrays = {"labels": latent_labels}
    for site in PLACES:
        turned = np.linalg.qr(np.random.default_rng([step, site.t]).standard_normal((64, 64)))[0]
        arrays[f"latents/{site.layer}/{site.t}"] = (
            3 * learnt * bent + rng.standard_normal((300, 64)) * 0.1
        ) @ turned
    if step:
        arrays["umap/down3/600"] = arrays["latents/down3/600"][:, :3]
    np.savez(folder / "latents.npz", **{name: array.astype(np.float32) for name, array in arrays.items()})


def write_run(path: Path, steps: list[int], state: str = "done", latents: bool = True) -> Run:
    with hold(path, config()) as folder:
        folder.write_json("about.json", about())
        folder.write_json("references.json", references())
        for step in steps:
            with folder.new_snapshot(step) as snapshot:
                write_snapshot(snapshot, step, latents)
            folder.append_metrics(metrics_at(step))
        folder.write_status(status(steps, state))
    return Run(path)


def status(steps: list[int], state: str) -> dict:
    lines = [metrics_at(step) for step in steps]
    seen = [line["images_seen"] for line in lines]
    summary: dict = {
        reading: {"sequence": phase_sequence(phases), "onsets": phase_onsets(seen, phases)}
        for reading in ("behaviour", "sheet", "representation_p1")
        if (phases := [line["phase"][reading] for line in lines])
    }
    summary["sites"] = {"sheet": "mid.600", "representation_p1": "down3.600"}
    summary["thresholds"] = {
        "behaviour": {"majority": 0.5, "z": 1.96},
        "sheet": {"label_variance": 0.71, "participation_ratio": 26.0, "label_trustworthiness": 0.92},
        "representation_p1": {"label_variance": 0.1, "participation_ratio": 13.0, "p1_r2": 0.81},
    }
    return {
        "state": state, "step": steps[-1], "steps": STEPS, "images_seen": steps[-1] * BATCH,
        "parameters": 554_321, "host": "bench", "cpu": "Example CPU @ 2 GHz", "cores": 2, "threads": 2, "device": "cpu",
        "versions": {"python": "3.11", "torch": "2.13"}, "git_commit": "0123abcd", "wall_s": 123.4,
        "cpu_s": 222.2, "observing_s": 12.3,
        "started": "2026-01-01T00:00:00+00:00", "updated": "2026-01-01T00:02:03+00:00",
        "summary": summary,
    }  # fmt: skip


ALL_STEPS = [round(index * STEPS / (SNAPSHOTS - 1)) for index in range(SNAPSHOTS)]
