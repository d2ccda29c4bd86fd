"""A run whose report would be large: many layers, many snapshots, and images and activations that are noise."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.written_run import about, config, metrics_at, references, status
from phasescope import Run, Site
from phasescope.runs.store import hold


def write_large_run(
    path: Path,
    layers: int = 8,
    snapshots: int = 40,
    images: int = 36,
    size: int = 32,
    channels: int = 1,
    points: int = 512,
) -> Run:
    """Write a run with `layers` layers at two noise levels each, of as many snapshots."""
    sites = [Site(f"layer{index}", t) for index in range(layers) for t in (50, 600)]
    steps = list(range(snapshots))
    rng = np.random.default_rng(0)
    with hold(path, config()) as folder:
        folder.write_json("about.json", about() | {"shape": [channels, size, size]})
        folder.write_json("references.json", references())
        for step in steps:
            with folder.new_snapshot(step) as snapshot:
                _write_images(snapshot, rng, 2 * images, (channels, size, size))
                _write_activations(snapshot, rng, points, sites)
            folder.append_metrics(_everywhere(metrics_at(step), sites, rng))
        folder.write_status(status(steps, "done") | {"summary": {"sites": {"sheet": str(sites[-1])}}})
    return Run(path)


def _write_images(folder: Path, rng: np.random.Generator, count: int, shape: tuple[int, ...]) -> None:
    split = np.where(np.arange(count) < count // 2, "grid", "off_grid")
    labels = rng.uniform(1, 32, (count, 2)).astype(np.float32)
    pixels = rng.uniform(-1, 1, (count, *shape)).astype(np.float16)
    np.savez(folder / "samples.npz", images=pixels, labels=labels, split=split)
    columns = {"split": split, "outcome": rng.choice(["correct", "none"], count)}
    pd.DataFrame(columns | {"label_x": labels[:, 0], "label_y": labels[:, 1]}).to_parquet(
        folder / "reading.parquet"
    )


def _write_activations(folder: Path, rng: np.random.Generator, count: int, sites: Sequence[Site]) -> None:
    arrays = {f"latents/{site.layer}/{site.t}": rng.standard_normal((count, 8)) for site in sites}
    labels = np.random.default_rng(1).uniform(1, 32, (count, 2))
    named = {name: array.astype(np.float32) for name, array in arrays.items()}
    np.savez(folder / "latents.npz", labels=labels.astype(np.float32), **named)


def _everywhere(line: dict, sites: Sequence[Site], rng: np.random.Generator) -> dict:
    """Return a line of the metrics with each of its scores at all sites, none like another."""
    spread = {}
    for name, value in line.items():
        if isinstance(value, dict) and "mid.600" in value:
            score = value["mid.600"]
            spread[name] = {
                str(site): score | {"value": rng.random(), "low": rng.random(), "high": rng.random()}
                for site in sites
            }
    return line | spread
