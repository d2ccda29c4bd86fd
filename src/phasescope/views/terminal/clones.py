"""Clones as a table in a terminal, or as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from phasescope.store.files import to_json
from phasescope.views.terminal.tables import open_console

if TYPE_CHECKING:
    from phasescope.families import Clones


def print_clones(found: Clones, as_json: bool) -> None:
    """A line a noise level: the share that came back, its interval, the exact share; then where half come back."""
    if as_json:
        print(to_json({name: _plain(value) for name, value in asdict(found).items()}, indent=1))
        return
    table = Table("t", "came back", "95 % interval", "told nothing, perfect", box=None)
    for t, share, low, high, exact in zip(
        found.conditions, found.share, found.low, found.high, found.exact, strict=True
    ):
        table.add_row(f"{t}", f"{share:.3f}", f"{low:.3f} to {high:.3f}", f"{exact:.3f}")
    console = open_console()
    console.print(table)
    half, low, high = found.half
    console.print(
        f"half come back at t = {_time(half)} ({_time(low)} to {_time(high)}); of a perfect network that is told "
        f"nothing at t = {_time(found.exact_half)}; n = {found.images} images, {found.each} clones each"
    )


def _time(t: float) -> str:
    return "none" if math.isnan(t) else f"{t:.0f}"


def _plain(value: Any) -> Any:
    """Lists for arrays, and null for what is not there."""
    if isinstance(value, np.ndarray | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    return value
