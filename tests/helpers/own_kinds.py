"""Kinds of a user's own: the folder of the examples, and a run of them."""

from pathlib import Path
from typing import Any

from helpers.training_runs import LEAST

OWN = Path(__file__).parents[2] / "examples"
RINGS: dict[str, Any] = {
    "name": "rings",
    "world": {"kind": "my_worlds.py:Rings"},
    "network": {"kind": "my_networks.py:DiT", "width": 16},
    "family": {"schedule": {"steps": 50}, "sampler": {"kind": "ddim", "steps": 4}},
    "training": {"steps": 40, "warmup": 5, "batch": 16, "device": "cpu", "threads": 1},
    "probing": {
        "measures": ["my_measures.py:roundness"],
        "snapshots": {"dense_until": 0, "every": 10},
        "t": [5, 40],
        **LEAST,
    },
}
