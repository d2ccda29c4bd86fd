"""In which order are the modes of the data learned, and does a U-Net depart from a linear network there?

Under gradient flow a linear denoiser learns each Fourier mode at a rate that grows with the data's variance in it,
so the log of the time at which a mode emerges grows as s² |k|² (theory: fourier.py). A network that shares what it
learns among modes need not. Here networks receive no label and learn by flow matching on a torus. Generated images
date the modes of the linear network; a U-Net generates blank images, or several objects, for a while, so U-Nets are
dated by their estimates from true images in noise.

The linear network has a map for each of `BANDS` bands of t, so the first one, t in [0, h], learns at lambda + h²/3
and not at lambda: 7 % more at s² |k|² = 4. With momentum m slow modes evolve as under gradient flow of the rate
lr / (1 - m) (Polyak 1964). The U-Nets have no skip from input to output: untrained they, too, leave noise as it is.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from phasescope.studies import Cell, Claim, Curve, Panel, Reading, Runs, Study, Table, merge
from studies.modes.fourier import (
    CANVAS,
    EVALUATIONS,
    IMAGES,
    SIGMA_PX,
    MeanOfBounds,
    X,
    answers_at,
    data_variance,
    dates,
    emerges_at,
    flatter,
    read_modes,
    slope,
    slopes,
)

BANDS, LR, MOMENTUM = 40, 0.05, 0.9
RATE = (
    LR / (1 - MOMENTUM) / BANDS
)  # eta per step of the flow that is followed: each map sees one image in `BANDS`
NEAR, FLAT = 0.2, 0.3  # distance of the linear slope from theory's, and what is nearly flat; in s²

COMMON = {
    "world": {"boundary": "periodic", "canvas": CANVAS, "sigma_px": SIGMA_PX},
    "family": {"schedule": "flow", "predict": "velocity", "clip": False},
    "training": {"label_dropout": 1.0},
    "probing": {  # as little as possible: what is read is generated anew
        "images": {"grid": 16, "off_grid": 16}, "latent_labels": 64, "share_labels": 16, "share_draws": 2,
        "crossed_labels": 0, "timesteps": [600], "bands": 1, "band_images": 1,
    },
}  # fmt: skip
LINEAR = {
    "network": {"kind": "circulant", "bands": BANDS},
    "training": {
        "steps": 12_000, "batch": BANDS, "optimiser": {"kind": "sgd", "lr": LR, "momentum": MOMENTUM}, "warmup": 0,
        "decay": "constant", "clip": None, "ema": 0.0,
    },
    "probing": {"snapshots": {"dense_every": 50, "dense_until": 2000, "every": 250}},
}  # fmt: skip
U_NET = {
    "network": {"padding": "circular", "input_skip": False},
    "training": {"steps": 1200},
    "probing": {"snapshots": {"dense_every": 5, "dense_until": 150, "every": 150}},
}
ADAMW = {"training": {"optimiser": {"kind": "adamw", "lr": 6e-3}}}
TREES = {"linear": (LINEAR,), "U-Net, AdamW": (U_NET, ADAMW), "U-Net, Muon": (U_NET,)}
CELLS = [Cell(name, reduce(merge, trees, COMMON), {"network": name}) for name, trees in TREES.items()]
EXACT = {"generated": emerges_at(data_variance(X)), "gain": answers_at(data_variance(X))}
EXACT_GAIN = slope(X, np.log(EXACT["gain"]), np.log(EXACT["gain"]))[0]


@dataclass(frozen=True)
class WhenLearned:
    """The step at which each mode is learned, by s² |k|²: a panel per network."""

    name: str = "learned"
    title: str = "When each mode is learned, as read from generated images and from the gain on noisy ones"

    def panels(self, runs: Runs) -> list[Panel]:
        names = runs.values("network") if runs.has("modes.left.5") else []
        return [self._panel(name, runs.where(network=name)) for name in names]

    def _panel(self, network: str, runs: Runs) -> Panel:
        curves = []
        for series, (kind, exact) in enumerate(EXACT.items()):
            low, high = np.exp(np.array(dates(runs, kind)).mean(axis=0))
            known = np.isfinite(low * high)
            middle = np.sqrt(low * high)[known]
            curves.append(Curve(X[known], middle, low[known], high[known], kind, series, "points"))
            if network == "linear":
                curves.append(Curve(X, exact / RATE, label=f"{kind}: theory", series=series, style="dashed"))
        return Panel(network, "s² |k|²", "gradient steps", curves, yscale="log")

    def caption(self, runs: Runs) -> str:
        return (
            f"{len(runs)} runs in 3 cells; {IMAGES} images by {EVALUATIONS} sampling steps at each snapshot, without "
            "a label. Geometric means over runs; bars: the two snapshots between which a gain is half way. Dashed: "
            "gradient flow of a linear network."
        )


AT_LEVELS = (
    "A mode is learned when the gain along it, on true images in noise, is half way to the optimum, each at its own "
    "noise level. Generated images are not read."
)
U_NETS = {"AdamW": (0.28, 0.11), "Muon": (0.2, 0.05)}  # effect and spread of the slope, by optimizer

STUDY = Study(
    name="modes",
    question="In which order are the modes of the data learned, and does a U-Net depart from a linear network there?",
    base="lean",
    answers="Q2",
    cells=CELLS,
    seeds=6,
    more=6,
    headline="nearly_at_once_muon",
    summary="A linear network learns modes in the order and at the pace of gradient flow: a check of the "
    "instrument, since a theorem decides it. In both U-Nets wide modes come first too, and the slope is clearly "
    "smaller, but whether it is nearly flat is undecided: the snapshots bound each date so loosely that six runs "
    "cannot tell. Differences between the optimizers are not resolved either. These are unconditional networks "
    "under flow matching on one torus.",
    readings=[Reading("modes", read_modes, needs=())],
    claims=[
        Claim(
            "linear", f"In a linear network the log of a mode's emergence grows as s² |k|², within {NEAR:.0%}.",
            MeanOfBounds(absolute=True), slopes("generated", 1.0), NEAR, 0.1, 0.03, "below",
            unit="of the slope", where={"network": "linear"}, check=True,
            limits="That it is so without a torus, where modes are not Fourier's, or with steps of another size.",
        ),
        Claim(
            "linear_answers",
            f"In a linear network the log of when a mode is learned grows as under gradient flow, within {NEAR:.0%}.",
            MeanOfBounds(width=0.1, absolute=True), slopes("gain", EXACT_GAIN), NEAR, 0.15, 0.03, "below",
            unit="of the slope", where={"network": "linear"}, check=True, limits=AT_LEVELS,
        ),
        *(
            Claim(
                f"nearly_at_once_{name.lower()}",
                f"In a U-Net under {name} modes are learned nearly at once: the slope of log steps on s² |k|² is "
                f"below {FLAT:g}.",
                MeanOfBounds(width=0.15), slopes("gain"), FLAT, effect, spread, "below",
                unit="slope", where={"network": f"U-Net, {name}"},
                limits=f"{AT_LEVELS} Only a slope {effect:g} from the threshold is reliably detected.",
            )
            for name, (effect, spread) in U_NETS.items()
        ),
        Claim(
            "flatter", "Under Muon modes are learned more nearly at once than under AdamW: the slope is smaller.",
            MeanOfBounds(width=0.28, paired=True), flatter, 0.0, 0.4, 0.1, "below",
            unit="difference of slopes", where={"network": ("U-Net, AdamW", "U-Net, Muon")},
            limits=f"{AT_LEVELS} Each optimizer has its own learning rate. Only a difference of 0.4 is reliably "
            "seen.",
        ),
    ],
    plots=[WhenLearned()],
    tables=[
        Table(
            "Slope of the log of when modes are learned on s² |k|²",
            {
                "in generated images": lambda runs: slopes("generated")(runs)["low"].to_numpy(),
                "from noisy images, at least": lambda runs: slopes("gain")(runs)["low"].to_numpy(),
                "at most": lambda runs: slopes("gain")(runs)["high"].to_numpy(),
            },
            by=("network",),
            note=f"Gradient flow has 0.96 and {EXACT_GAIN:.2f}.",
        )
    ],
)  # fmt: skip
