"""Restricting what a study's runs observe to what its claims, plots and tables read.

The columns follow from the study's own numbers, evaluated on placeholder runs. Observation is no part of a run's
identity, so this changes cost and records, never what is learned.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from copy import copy
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np

from phasescope import measures
from phasescope.core.config import Tree
from phasescope.core.kinds import is_reference
from phasescope.measures.latents.battery import NAMES, OF_SHEET
from phasescope.measures.over_runs import NotEnough
from phasescope.runs.config import RunConfig
from phasescope.runs.store.flat import COSTS
from phasescope.runs.store.sites import Site
from phasescope.studies.runs_table import Runs

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.studies.cells import Cell

OF_IMAGES = ("distance_rms", "real_distance_rms", "malformed_above_rms", "real_right")
SAMPLES = ("accuracy", "outcomes", "error", "by_class", "together", "excess", *OF_IMAGES)
"""beginnings of columns ``group.split...`` that are read from samples"""
# Columns that begin so need the nearest-neighbour baselines.
BASELINES = "excess"
# Columns that begin so are given by the family's reference denoisers, which take long.
FAMILY = ("denoising", "closest_reference", "nats")
# Columns that begin so need labels crossed with images.
ROUTES = (*measures.ROUTES, "condition_probe_gain", "input_probe_gain")
P1 = ("p1_r2", "phase.representation_p1")
RETIRED = "phase.representation"
"""recorded by earlier versions: a phase by the ridge probe, which reads the label that is added to every block"""
BY_SPLIT = ("accuracy", "outcomes", "error", "by_class", *OF_IMAGES)
GROUPS = {
    *SAMPLES,
    *FAMILY,
    *ROUTES,
    *NAMES,
    *COSTS,
    "p1_r2",
    "label_participation_ratio",
    "gain",
    "probe_gain",
    "phase",
    "step",
    "images_seen",
    "epochs",
    "loss",
    "learning_rate",
    "gradient_norm",
    "images",
    "parameters",
    "config",
    "host",
    "threads",
}
"""prefixes of recorded columns, except those of a user's own measures, families and readers"""
ALIKE = 0.8
"""similarity from which a name is taken for a misspelt one where a user's own code may record others"""
PLACEHOLDERS = 8
"""runs per cell, and snapshots per run"""


class PlaceholderRuns(Runs):
    """Runs that have every column: a ramp from 0 to 1, or the phases A to C. They show which columns are read."""

    def __init__(self, cells: Sequence[Cell]):
        import pandas as pd

        of_cell = range(PLACEHOLDERS)
        rows = [(cell.name, seed, 100 * step) for cell in cells for seed in of_cell for step in of_cell]
        frame = pd.DataFrame(rows, columns=["cell", "seed", "step"])
        self.read: defaultdict[str, set[str]] = defaultdict(set)
        super().__init__(frame.assign(images_seen=frame["step"], epochs=frame["step"] / 100), cells)

    def _part(self, records: pd.DataFrame) -> Runs:
        part = copy(self)  # shares `read`
        Runs.__init__(part, records, self._cells)
        return part

    def has(self, column: str) -> bool:
        self.read[column].update(self._records["cell"])
        return True

    def _split(self, column: str) -> list[np.ndarray]:
        if column in self._records:
            return super()._split(column)
        self.has(column)
        ramp = np.linspace(0, 1, PLACEHOLDERS)
        phases = np.array(["A", "B", "C"])[(2.999 * ramp).astype(int)]
        return [phases if "phase" in column.split(".") else ramp] * len(self)


def columns_read(readers: Iterable[Callable[[Runs], object]], cells: Sequence[Cell]) -> dict[str, set[str]]:
    """Return the columns that functions of `Runs` read, and of which cells each."""
    runs = PlaceholderRuns(cells)
    with np.errstate(all="ignore"):
        for reader in readers:
            with contextlib.suppress(NotEnough):
                reader(runs)
    return runs.read


def column_fault(column: str, config: RunConfig) -> str:
    """Return why a run of a configuration records no such column; empty if it may."""
    head, _, rest = column.partition(".")
    group = head.partition("_")[0] if head.startswith(("accuracy", "error")) else head
    splits = config.world.splits()
    split, _, factor = rest.partition(".")
    factors = config.world.factors.names
    own = config.probing.measures or is_reference(config.family.kind) or is_reference(config.world.kind)
    if group not in GROUPS and (near := get_close_matches(head, GROUPS, 1, ALIKE if own else 0)):
        return f"none begins with `{head}`; the most similar one is `{near[0]}`"
    if column == RETIRED:
        return "it is by a rule that is retired; `phase.sheet` is the phase of the activations"
    if group in BY_SPLIT and split not in splits:
        return f"`{split}` is no split of its world ({', '.join(splits)})"
    if group == "accuracy" and factor not in ("joint", *factors):
        return f"`{factor}` must be one of joint, {', '.join(factors)}"
    site, layers = _site(column), config.network.layer_names
    if group in (*NAMES, "p1_r2", "probe_gain") and site and layers and site.layer not in layers:
        return f"`{site.layer}` is no layer of its network ({', '.join(layers)})"
    before, _, factor = column.rpartition(".detail.")
    if before.startswith("probe_r2.") and factor not in factors:
        return f"`{factor}` must be one of {', '.join(factors)}"
    return ""


def observation(columns: Collection[str], splits: Iterable[str]) -> Tree:
    """Return the fields of `probing` that leave out what no column needs.

    Args:
        splits: of the world, of which the first is trained on and always read.
    """
    groups = {name.partition(".")[0] for name in columns}
    samples = {word for name in columns if name.startswith(SAMPLES) for word in name.split(".")}
    sites = {site for name in columns if (site := _site(name)) is not None}
    phases = any(name.startswith(("phase.representation_p1", "phase.sheet")) for name in columns)
    scored = {name.partition(".")[0] for name in columns if _site(name)}
    everything = scored - {*OF_SHEET} or any(name.startswith(P1) for name in columns)
    latents = ("latents",) if everything else ("sheet",) if sites or phases else ()
    references = ("references",) if groups & {*FAMILY, BASELINES} else ()
    _, *others = splits
    tree: Tree = {
        "observe": [*latents, *references],
        "images": {name: 0 for name in others if name not in samples},
    }
    if not groups & {*ROUTES}:
        tree["crossed_labels"] = 0
    if not any(name.startswith(P1) for name in columns):
        tree["p1"] = None
    times = {site.t for site in sites}
    if sites and not phases and None not in times:
        tree["t"] = sorted(t for t in times if t is not None)
    return tree


def _site(column: str) -> Site | None:
    """Return the site of a column such as ``probe_r2.mid.600.value``; None if it is not read from latents."""
    words = column.split(".")
    if column.startswith((*SAMPLES, *FAMILY, "phase.", "config.", "host.")) or len(words) < 3:
        return None
    return Site(words[1], int(words[2])) if words[2].isdigit() else Site(words[1])
