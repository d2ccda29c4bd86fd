"""Run folders for the explorer's tests: small ones that can paint, and whole folders of them."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.numpy
import torch

from phasescope import Run, RunConfig
from phasescope.core.randomness import torch_generator
from phasescope.runs.store import hold
from phasescope.runs.training.description import describe

N = 8
STEPS = (0, 20, 40)


def config(
    dropout: float = 0.1, seed: int = 3, design: dict | None = None, attention: tuple[str, ...] = ()
) -> RunConfig:
    return RunConfig.from_tree(
        {
            "name": "small",
            "seed": seed,
            "world": {"kind": "gaussian_bump", "canvas": N, "design": design or {"kind": "grid"}},
            "family": {
                "kind": "diffusion",
                "schedule": {"kind": "linear", "steps": 50},
                "sampler": {"kind": "ddim", "steps": 4},
            },
            "network": {
                "kind": "unet",
                "widths": [8, 8],
                "groups": 4,
                "embedding": {"width": 8},
                "attention": list(attention),
                "heads": 2,
            },
            "training": {"steps": 40, "batch": 16, "warmup": 5, "label_dropout": dropout},
            "probing": {
                "layers": ["mid"],
                "t": [10, 40],
                "representation": {"layer": "mid", "t": 40},
                "p1": None,
            },
        }
    )


def network_of(described: RunConfig, step: int) -> torch.nn.Module:
    """A network whose weights are drawn again for each step."""
    torch.manual_seed(0)
    network = described.network.build(described.world.shape, described.world.factors)
    generator = torch_generator(described.seed, "weights of a test", step)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return network.eval()


def write_small_run(
    runs: Path,
    dropout: float = 0.1,
    seed: int = 3,
    design: dict | None = None,
    attention: tuple[str, ...] = (),
) -> Run:
    """A run that is done, with weights, latents and samples at three steps."""
    described = config(dropout, seed, design, attention)
    path = runs / described.folder
    rng = np.random.default_rng(0)
    labels = rng.uniform(1, N, (20, 2)).astype(np.float32)
    with hold(path, described.tree()) as folder:
        folder.write_json(
            "about.json", describe(described, described.plan_of(described.network.layer_names, ("mid",)))
        )
        for step in STEPS:
            weights = {
                name: tensor.numpy() for name, tensor in network_of(described, step).state_dict().items()
            }
            with folder.new_snapshot(step) as snapshot:
                (snapshot / "weights.safetensors").write_bytes(safetensors.numpy.save(weights))
                images = rng.uniform(-1, 1, (20, 1, N, N)).astype(np.float16)
                split = np.where(np.arange(20) < 12, "grid", "off_grid")
                np.savez(snapshot / "samples.npz", images=images, labels=labels, split=split)
                columns = {
                    "label_x": labels[:, 0], "label_y": labels[:, 1], "outcome": np.array(["correct", "none"] * 10),
                    "x": labels[:, 0], "y": np.full(20, np.nan, np.float32),
                    **{f"error_{name}": rng.normal(0, 1 - step / 50, 20).astype(np.float32) for name in "xy"},
                }  # fmt: skip
                pd.DataFrame(columns).to_parquet(snapshot / "reading.parquet")
                latents = {
                    f"latents/mid/{t}": rng.standard_normal((64, 128)).astype(np.float32) for t in (10, 40)
                }
                np.savez(
                    snapshot / "latents.npz", labels=rng.uniform(1, N, (64, 2)).astype(np.float32), **latents
                )
            folder.append_metrics(line(step))
        folder.write_status(status())
    return Run(path)


def write_home(home: Path, secret: str) -> Path:
    """A folder that holds runs, results, and a secret beside them."""
    write_small_run(home / "runs")
    (home / "results").mkdir()
    (home / "secret").mkdir()
    (home / "secret.txt").write_text(secret)
    (home / "secret" / "config.yaml").write_text(f"name: {secret}\n")
    (home / "secret" / "claims.json").write_text(f'{{"question": "{secret}"}}')
    (home / "secret" / "records.parquet").write_text(secret)
    return home


def line(step: int) -> dict:
    shares = {"none": 0.5, "multiple": 0.0, "malformed": 0.0, "misplaced": 0.25, "correct": 0.25}
    score = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 64, "baselines": {"permuted": 0.0}, "detail": {}}
    return {
        "step": step, "images_seen": 16 * step, "epochs": step / 4, "loss": 0.1, "wall_s": step / 10,
        "outcomes": {"grid": {"n": 12, **shares}}, "error": {"grid": {"x": 0.3, "y": 0.2}},
        "probe_r2": {"mid.10": score, "mid.40": score},
        "phase": {"behaviour": "A" if step < 40 else "C", "sheet": "undecided"},
    }  # fmt: skip


def status(state: str = "done", step: int = 40) -> dict:
    return {"state": state, "step": step, "steps": 40, "images_seen": 16 * step, "wall_s": 4.0, "images": 64}


def many_runs(runs: Path, like: Run, count: int) -> None:
    """`count` folders with the record of `like`, without its snapshots."""
    for number in range(count):
        path = runs / f"copy{number:04d}-{number:08x}"
        (path / "snapshots").mkdir(parents=True)
        for name in ("config.yaml", "status.json", "metrics.jsonl"):
            shutil.copy(like.path / name, path / name)
