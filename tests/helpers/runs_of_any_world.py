"""Run folders of worlds and families of no kind that ships: K factors, colour, no reader, no noise levels."""

from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from phasescope import Factor, Factors, Run, Site
from phasescope.runs.store import hold

FOUR = Factors(
    [
        Factor("size", 0.5, 1.5, "mm"),
        Factor("turn", 0.0, 360.0, "deg", periodic=True),
        Factor("shape", 0.0, 2.0, categorical=True),
        Factor("hue", 0.0, 1.0),
    ]
)
ONE = Factors([Factor("height", -1.0, 1.0, "m")])
OUTCOMES = [
    {"name": "blank", "phase": "A", "colour": "#112233"},
    {"name": "whole", "phase": "C", "colour": "#445566"},
]
STEPS = (0, 100, 200)

SCORED = ("probe_r2", "label_participation_ratio", "label_variance", "straightness_of_rows")


def about(factors: Factors, shape: tuple[int, ...], outcomes: list[dict], position: bool) -> dict:
    return {
        "sentence": f"things of {', '.join(factors.names)}", "shape": list(shape), "continuous": True,
        "factors": [asdict(factor) for factor in factors],
        "position": list(factors.names[:2]) if position else None, "splits": ["seen", "held_out"], "outcomes": outcomes,
        "training": {"count": 9, "labels": None, "values": [[factor.low, factor.high] for factor in factors]},
        "sampler": None, "guidance": False, "layers": ["code"], "t": [],
    }  # fmt: skip


ROUTES = ("condition_probe_r2", "input_probe_r2", "condition_label_variance", "input_label_variance")


def line(step: int, factors: Factors, site: Site, outcomes: list[dict], routed: bool = False) -> dict:
    learnt = step / STEPS[-1]
    score = {
        "value": learnt, "low": learnt - 0.1, "high": learnt + 0.1, "n": 60, "estimator": "made",
        "baselines": {"permuted": 0.05, "untrained": 0.0}, "detail": dict.fromkeys(factors.names, learnt),
    }  # fmt: skip
    told = {
        "step": step, "images_seen": 8 * step, "epochs": step / 10, "loss": 0.1 if step else None, "wall_s": 1.0,
        **{name: {str(site): score} for name in SCORED},
        "phase": {"sheet": "C" if step else "A"},
    }  # fmt: skip
    if routed:
        told |= {name: {str(site): score} for name in ROUTES}
    if outcomes:
        shares = {"blank": 1 - learnt, "whole": learnt}
        told["outcomes"] = {split: {"n": 20, **shares} for split in ("seen", "held_out")}
        told["error"] = {"seen": dict.fromkeys(factors.names, 0.25)}
        right = {**dict.fromkeys(factors.names, learnt), "joint": learnt / 2}
        told["accuracy"] = told["accuracy_closest"] = {"seen": right, "held_out": right}
        pairs = [f"{one},{other}" for one, other in combinations(factors.names, 2)]
        together = {"seen": {pair: {"excess": score, "phi": score} for pair in pairs}}
        told["together"] = {"formed": together} if pairs else {}
        told["phase"]["behaviour"] = "C" if step else "A"
    return told


def write_made_run(
    path: Path,
    factors: Factors = FOUR,
    shape: tuple[int, ...] = (3, 6, 10),
    site: Site | None = None,
    reads: bool = False,
    position: bool = False,
    tells: bool = True,
    kind: str = "made.py:Things",
    routed: bool = False,
) -> Run:
    """A run that is done; with `tells` it says what it is about."""
    site, outcomes, rng = site or Site("code"), OUTCOMES if reads else [], np.random.default_rng(0)

    def labels(n: int) -> np.ndarray:
        drawn = factors.low + rng.random((n, len(factors))) * factors.span
        return np.where(factors.categorical, drawn.round(), drawn).astype(np.float32)

    config = {
        "name": "made",
        "seed": 4,
        "world": {"kind": kind, "sides": 3},
        "family": {"kind": "made.py:Coder"},
    }
    split = np.array(["seen"] * 12 + ["held_out"] * 8)
    painted, coded = labels(20), labels(60)
    with hold(path, {}) as folder:
        # what `hold` keeps of a configuration digests its sources, which are not here
        (path / "config.yaml").write_text(yaml.safe_dump(config))
        if tells:
            folder.write_json("about.json", about(factors, shape, outcomes, position))
        for step in STEPS:
            with folder.new_snapshot(step) as snapshot:
                images = rng.uniform(-1, 1, (20, *shape)).astype(np.float16)
                np.savez(snapshot / "samples.npz", images=images, labels=painted, split=split)
                latents = rng.standard_normal((60, 5)).astype(np.float32)
                arrays = {"labels": coded, "/".join(["latents", *str(site).split(".")]): latents}
                np.savez(snapshot / "latents.npz", **arrays)
                if reads:
                    columns = {f"label_{name}": painted[:, k] for k, name in enumerate(factors.names)}
                    columns |= {"split": split, "outcome": np.array(["whole", "blank"] * 10)}
                    columns |= {name: painted[:, k] for k, name in enumerate(factors.names)}
                    columns |= {f"error_{name}": np.zeros(20) for name in factors.names}
                    pd.DataFrame(columns).to_parquet(snapshot / "reading.parquet")
            folder.append_metrics(line(step, factors, site, outcomes, routed))
        summary = {"sites": {"sheet": str(site)}}
        folder.write_status(
            {"state": "done", "step": STEPS[-1], "steps": STEPS[-1], "images_seen": 1600, "summary": summary}
        )
    return Run(path)
