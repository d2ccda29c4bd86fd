"""What a caption says of the runs under it, computed from their records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from phasescope.measures.learning import phases

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = (
    f"Accurate: the Wilson interval of the share of right images lies above {phases.BEHAVIOUR.majority:g}. "
    "Ordered: of what the highest null leaves of R², the untrained network's among them, "
    f"{phases.REPRESENTATION.order:g} is reached by the whole interval, and not lost again by more than "
    f"{phases.REPRESENTATION.hysteresis:g}."
)

BANDS = "Lines: means over runs; bands: from the least to the most run."


def saying(cells: Sequence[str], words: str) -> Callable[[pd.DataFrame], str]:
    """A caption: what `about` says of these cells, then the words."""
    return lambda frame: f"{about(frame, cells)} {words}"


def saying_each(
    systems: Mapping[str, tuple[str, Sequence[str]]], words: str
) -> Callable[[pd.DataFrame], str]:
    """A caption: what `about` says of each system, (words, cells), by itself, then the words."""
    return lambda frame: " ".join(
        [*(f"{system}: {about(frame, cells)}" for system, cells in systems.values()), words]
    )


def about(frame: pd.DataFrame, cells: Sequence[str]) -> str:
    """Runs, seeds, steps, images a step and labels read of these cells."""
    chosen = frame[frame["cell"].isin(list(cells))]
    ends = chosen.sort_values("step").groupby("digest").tail(1)
    if not len(ends):
        return "No run yet."
    runs, per_cell = len(ends), ends.groupby("cell")["seed"].nunique()
    few, most = per_cell.min(), per_cell.max()
    seeds = f"{few}" if few == most else f"{few} to {most}"
    of = "" if len(per_cell) == 1 else f" in {len(per_cell)} cells"
    text = f"{runs} runs{of} ({seeds} seeds each), {span(ends['step'])} steps"
    if "config.training.batch" in ends:
        text += f" of {span(ends['config.training.batch'])} images"
    for labels, name in (("grid", "on the grid"), ("off_grid", "off it")):
        if f"outcomes.{labels}.n" in ends:
            text += f"; {span(ends[f'outcomes.{labels}.n'])} images read {name}"
    return text + "."


def span(values: pd.Series) -> str:
    """``64``, or ``630 to 3,500`` where it varies."""
    low, high = int(values.min()), int(values.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
