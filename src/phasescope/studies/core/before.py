"""What was known of a claim's runs before it was declared: a number that was chosen by runs speaks less freely of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from phasescope.runs.presets import PRESETS
from phasescope.studies.core.study import Study

Chosen = Literal["all", "some", "none"]


def used_to_choose(study: Study, cells: Collection[str], look: int) -> dict[str, Chosen]:
    """Of each preset that was chosen by seeds of its own, how many of a claim's runs are of these.

    Args:
        cells: that the claim reads; all where there is none.
        look: at which it was judged. At the second each cell has more seeds.
    """
    runs = [
        (None if cell.tree else cell.preset or study.preset, seed)
        for cell in study.cells
        if not cells or cell.name in cells
        for seed in range(study.first(cell) + study.more * (look == 2))
    ]
    return {
        name: _how_many([of == name and seed < preset.chosen_by for of, seed in runs])
        for name, preset in PRESETS.items()
        if preset.chosen_by
    }


def _how_many(used: Collection[bool]) -> Chosen:
    return "all" if all(used) else "some" if any(used) else "none"
