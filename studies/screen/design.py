"""128 points of a Sobol sequence over 14 choices of a system, one run each."""

import numpy as np

from phasescope.studies import Cell

POINTS, SEED, STEPS = 7, 0, 2500  # 2^7 points; seed of the scrambling
LEVELS: dict[str, tuple] = {
    "optimiser": ("adamw", "muon"),
    "batch": (8, 16, 32),
    "noise_levels": (500, 1000),
    "schedule": ("linear", "cosine"),
    "predict": ("eps", "v", "x"),
    "weighting": ("plain", "min_snr"),
    "ema": (0.95, 0.99, 0.998),
    "width": (24, 32, 40),
    "depth": (2, 3, 4),
    "attention": ("none", "mid"),
    "modulation": ("added", "scale_shift"),
    "padding": ("zeros", "replicate"),
    "polarity": ("dark", "bright"),
}
"""the values of each choice, in the order of their ranks"""
RATES = (-1.5, 1.5)
"""range of the logarithm to base 2 of what multiplies the optimiser's learning rate"""
OPTIMISERS = {"adamw": {"lr": 0.003}, "muon": {"lr": 0.02, "rest": {"lr": 0.006}}}


def points() -> list[dict[str, object]]:
    """Return the values of each point by choice, and `rate`."""
    from scipy.stats import qmc

    drawn = qmc.Sobol(len(LEVELS) + 1, rng=np.random.default_rng(SEED)).random_base2(POINTS)
    return [
        {name: of[int(share * len(of))] for share, (name, of) in zip(row, LEVELS.items(), strict=False)}
        | {"rate": RATES[0] + (RATES[1] - RATES[0]) * float(row[-1])}
        for row in drawn
    ]


def optimiser(kind: str, factor: float) -> dict:
    """Return an optimiser whose learning rates are multiplied by `factor`, to three digits."""
    own = OPTIMISERS[kind]
    rates = {"lr": float(f"{own['lr'] * factor:.3g}")}
    return {"kind": kind, **rates} | (
        {"rest": {"lr": float(f"{own['rest']['lr'] * factor:.3g}")}} if "rest" in own else {}
    )


def fields(point: dict) -> dict:
    """Return the configuration of a point, over preset `lean`."""
    levels = point["noise_levels"]
    schedule = {"kind": point["schedule"], "steps": levels}
    if point["schedule"] == "linear":
        schedule |= {"beta_start": 0.1 / levels, "beta_end": 20 / levels}

    return {
        "seed": 5000,
        "world": {"polarity": point["polarity"]},
        "family": {"schedule": schedule, "predict": point["predict"], "weighting": point["weighting"]},
        "network": {
            "widths": [point["width"]] * (point["depth"] + 1),
            "attention": [] if point["attention"] == "none" else [point["attention"]],
            "padding": point["padding"],
            "embedding": {"modulation": point["modulation"]},
        },
        "training": {
            "steps": STEPS,
            "batch": point["batch"],
            "ema": point["ema"],
            "optimiser": optimiser(point["optimiser"], 2 ** point["rate"]),
        },
        "probing": {
            "observe": ["sheet"],
            "images": {"grid": 64, "off_grid": 0},
            "snapshots": {"dense_every": 50, "dense_until": STEPS, "every": 50},
            "layers": ["mid"],
            "t": [round(0.6 * levels)],
            "latent_labels": 128,
            "variance_labels": 128,
            "variance_draws": 2,
            "crossed_labels": 0,
        },
    }


def cells(r_prime: dict[tuple, float]) -> list[Cell]:
    """Return the cell of each point; axes are the choices' ranks, the logarithm of the rate, and R'."""
    made = []
    for number, point in enumerate(points()):
        ranks = {name: of.index(point[name]) for name, of in LEVELS.items()}
        r = r_prime[point["schedule"], point["predict"], point["weighting"]]
        axes = {**ranks, "rate": point["rate"], "r_prime": r, "side": "below" if r < 1 else "above"}
        made.append(Cell(f"point {number:03}", fields(point), axes, seeds=1))
    return made
