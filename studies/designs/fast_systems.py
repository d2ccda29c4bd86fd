"""The systems that are forecast, and how a run of each is observed.

Each is the preset `fast` with a constant learning rate and something changed: objective, optimiser, width, learning rate,
bump, batch, labels, embedding. No system of the forecast's calibration (`benchmarks/forecast_systems.py`, runs of `fast`) is
among them. A run has 30 to 42 readings, at which it is sampled, too, and takes 30 to 90 s of one core.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from phasescope.studies import Cell, merge

SEED = 48_000
"""of the first run of each system; seeds from it on are used nowhere else"""
WRONG = "studies/forecast/kinds.py:WrongLabels"


class System(NamedTuple):
    """What is changed, for how long it is trained, and how often it is read and sampled."""

    fields: dict[str, Any]
    steps: int
    every: int
    grows: bool = True


def wrong_labels(share: float) -> dict[str, Any]:
    """Return the fields under which a share of the labels is wrong."""
    return {"training": {"loss": {"kind": WRONG, "share": share}}}


EPS = {"family": {"predict": "eps", "weighting": "min_snr"}, "world": {"sigma_px": 2.0}}
FLOW = {"predict": "velocity", "schedule": "flow", "sampler": {"kind": "heun", "steps": 6}}
HIDDEN = {
    "network": {"embedding": {"hidden": 64}},
    "training": {"optimiser": {"kind": "adamw", "lr": 0.002}},
}

SYSTEMS = {
    "eps": System(EPS, 1_260, 30),
    "velocity": System({"family": FLOW}, 1_600, 40),
    "adamw": System({"training": {"optimiser": {"kind": "adamw", "lr": 0.004}}}, 750, 25),
    "narrow": System({"network": {"widths": [8, 16, 16, 16]}}, 840, 28),
    "low rate": System({"training": {"optimiser": {"lr": 0.01, "rest": {"lr": 0.002}}}}, 640, 20),
    "wide bump": System({"world": {"sigma_px": 2.0}}, 330, 10),
    "small batch": System({"training": {"batch": 6}}, 840, 28),
    "some labels wrong": System(wrong_labels(1 / 16), 720, 24),
    "hidden": System(HIDDEN, 1_350, 45),
    "all labels wrong": System(wrong_labels(1.0), 900, 30, grows=False),
}
"""eps is weighted by min-SNR and has a wide bump: with plain weighting a pilot's use was .02 after 1,400 steps, and with a
narrow bump half of the samples were not correct after 2,100. `hidden` puts a network on the label's encodings, with AdamW.
With a quarter of the labels wrong a pilot's use stayed at .3, so that one in 16 is."""


def cell(name: str) -> Cell:
    """Return the cell of a system, whose readings of the meter and samples are at the same steps."""
    system = SYSTEMS[name]
    shared = {
        "seed": SEED,
        "training": {"steps": system.steps, "decay": "constant"},
        "probing": {
            "observe": [],
            "snapshots": {"dense_until": 0, "every": system.every},
            "images": {"grid": 64, "off_grid": 0},
            "meter": {"every": system.every, "draws": 32},
        },
    }
    return Cell(name, merge(shared, system.fields), {"system": name, "grows": system.grows})
