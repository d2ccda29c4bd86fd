"""The systems and the cells that studies share: a configuration that two studies name is trained once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phasescope.config import Tree, merge
from phasescope.studies.core.study import Amendment, Cell

P1_SYSTEM = "lean"
"""the preset of P1's objective: eps, plain weighting, no coordinates"""
SYSTEMS: dict[str, str] = {
    "eps": "P1's objective, preset lean",
    "small": "P1's objective by AdamW, preset small",
    "v": "v-prediction, preset small",
    "fast": "x-prediction, preset fast",
}
"""in words; `fast` sees its pixels' coordinates and predicts the image: no system of P1's"""
BEFORE = "These runs were made, and looked at, before this claim was declared."
"""what is said of a claim that rests on records of earlier studies"""


ENDS: Tree = {
    "probing": {
        "snapshots": {"dense_until": 0, "every": 500},
        "latent_labels": 128,
        "share_labels": 32,
        "crossed_labels": 32,
        "timesteps": [600],
    }
}
"""How runs are observed of which only the end is asked, as pictures need it: such a run costs little beside its training."""


def eps(name: str, fields: Tree, seeds: int | None = None) -> Cell:
    """A cell of P1's objective."""
    return Cell(name, fields, preset=P1_SYSTEM, seeds=seeds)


def eps_at_end(name: str, fields: Tree, seeds: int) -> Cell:
    """A cell of P1's objective, of which only the end is asked."""
    return eps(name, merge(fields, ENDS), seeds)


def foretold_of(cell: Cell) -> Mapping[str, Any]:
    """What is foretold of a cell of P1's objective, from its configuration alone."""
    config = cell.config(0, P1_SYSTEM)
    return config.family.build().forecast(config.task(), rungs=False)


def world(design: Tree, **fields: object) -> Tree:
    return {"world": {"design": design, **fields}}


BASE = eps("eps", {}, seeds=8)
EVERY_BASE = eps("eps", {}, seeds=18)
"""the same with more seeds, of which 0 to 7 were used to choose the preset's length, and ten were not"""
AMENDED = (
    Amendment(
        "2026-11-26",
        "Preset lean has 2,500 steps in the place of 2,000, and is looked at every 150 in the place of 125: of its"
        " first six runs one ended short of phase C, and two more stood short of it near their end. Seeds 0 to 7 "
        "were so used to choose. Where phases are asked its own cell has ten further seeds, elsewhere eight in the"
        " place of thirteen. No claim had been judged of these runs, which are not kept.",
    ),
)
"""of all studies that have cells of P1's objective"""
RESAMPLED = (
    "Intervals over runs rest on all resamples of nine runs or fewer, else on as many as leave 100 beyond each end: of "
    "2,000 there were two, and chance among them moved verdicts that lie near a threshold."
)


def mended(reason: str, looked: bool = False) -> Amendment:
    """That of 2026-11-27, with a study's own reason."""
    return Amendment("2026-11-27", f"{reason} {RESAMPLED}", looked)


ENDS_ALONE = (
    Amendment(
        "2026-11-27",
        "Of runs whose end alone is asked, six snapshots in the place of 21 are kept, with fewer latents: a run costs "
        "half as much, so that there are any. None had been made.",
    ),
)
"""of all studies that have cells by `eps_at_end`"""
SMALL = Cell("small", {"family": {"predict": "eps"}}, preset="small", seeds=8)
V = Cell("v", {"family": {"predict": "v"}}, preset="small", seeds=10)
X = Cell("fast", {"family": {"predict": "x"}}, preset="fast", seeds=16)

DENSE = {d: eps(f"eps, d={d:g}", world({"dx": d, "dy": d})) for d in (0.25, 0.5)}
"""denser grids of P1's range, by increment in px; `BASE` has 1 px"""
KEPT = {n: eps(f"eps, {n} images", world({"keep": n})) for n in (64, 128, 256, 512)}
"""training sets of a part of the grid of 1 px, by size"""
WIDE = {sigma: eps(f"eps, sigma={sigma:g}", {"world": {"sigma_px": sigma}}) for sigma in (0.5, 2.0)}
"""narrower and wider bumps on the same labels, by sigma in px"""
COARSE = eps("eps, d=4", world({"dx": 4.0, "dy": 4.0}))
BALANCED = {1.0: BASE, 4.0: COARSE}
"""balanced grids that imbalanced ones are set against, by increment in px"""
UNEQUAL = {
    steps: eps("eps, d=({:g}, {:g})".format(*steps), world({"dx": steps[0], "dy": steps[1]}))
    for steps in ((0.1, 1.0), (1.0, 0.1), (0.25, 1.0), (1.0, 0.25), (1.0, 4.0), (4.0, 1.0))
}
"""imbalanced grids, by (dx, dy) in px, each with its mirror image"""
TORUS = eps("eps, periodic", {"world": {"boundary": "periodic"}})
TURNS = eps(
    "eps, periodic, told by turns",
    {"world": {"boundary": "periodic"}, "network": {"embedding": {"period": 32.0}}},
)
"""the label's encoding comes round the canvas too"""

ATTENTION: Tree = {"network": {"attention": ["down1", "down2", "down3", "mid", "up1", "up2", "up3"]}}
"""self-attention after every block"""

LITTLE: Tree = {
    "latent_labels": 64,
    "share_labels": 16,
    "share_draws": 2,
    "crossed_labels": 0,
    "timesteps": [600],
    "p1": None,
    "bands": 1,
}
"""of a plan, where nothing is asked but what is painted"""


def untold(name: str, fields: Tree, seeds: int = 8, preset: str = P1_SYSTEM) -> Cell:
    """A cell on a torus, of a network that never hears a label."""
    nothing: Tree = {"training": {"label_dropout": 1.0}, "world": {"boundary": "periodic"}}
    return Cell(name, merge(nothing, fields), preset, seeds)


UNTOLD = {
    sigma: untold(f"untold, sigma={sigma:g}", {"world": {"sigma_px": sigma}})
    for sigma in (0.5, 1.0, 2.0, 4.0)
}
"""by sigma in px"""


def fast_grid(dx: float, dy: float, sigma_px: float = 1.0) -> Cell:
    """Bumps of width sigma on a grid with increments dx, dy, in px: preset fast."""
    return Cell(
        f"d=({dx:g}, {dy:g}), sigma={sigma_px:g}", world({"dx": dx, "dy": dy}, sigma_px=sigma_px), "fast", 5
    )


SIGMA_PX = (0.5, 1.0, 2.0)
FAST = {(d, sigma): fast_grid(d, d, sigma) for sigma in SIGMA_PX for d in (0.25, 0.5, 1.0, 2.0, 4.0)}
"""grids of preset fast, by increment and sigma, in px"""
FAST_PERIODIC = Cell(
    "periodic", {"family": {"predict": "x"}, "world": {"boundary": "periodic"}}, preset="fast", seeds=12
)
