"""On which rung a run stood at each snapshot, as its records tell: read off its metrics, column by column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from phasescope.store.metrics import rung_of
from phasescope.studies.core.claim import NotEnough
from phasescope.studies.core.criteria import at_end

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.store import Run

GROUP = "standing"
KNOWS: dict[str, int] = {"mean image": 0, "Wiener": 1, "local machine": 2, "posterior mean": 3, "label": 5}
"""how much a rung knows, by what its name begins with; one factor told knows `SOME`"""
SOME = 4


def read_standing(run: Run) -> list[dict[str, Any]]:
    """Of each snapshot how much the rung knows, by noise level, NaN where it stands on none, and the nats of the label over
    all that there are."""
    known = ((run.references or {}).get("family") or {}).get("ladder") or {}
    rows = []
    for line in run.metrics:
        told = {
            str(one["t"]): math.nan if (rung := rung_of(one)) is None else knows(rung)
            for one in line.get("ladder") or ()
        }
        nats = {name: one["value"] / known["nats"][name] for name, one in (line.get("nats") or {}).items()}
        rows.append({"step": line["step"], **told, **{f"nats.{name}": share for name, share in nats.items()}})
    return rows


def knows(rung: str) -> int:
    """How much a rung knows."""
    found = [rank for begins, rank in KNOWS.items() if rung.startswith(begins)]
    return found[0] if found else SOME


def levels_of(run: pd.DataFrame) -> list[str]:
    """The noise levels at which a run's rung was read.

    Raises:
        NotEnough: at none.
    """
    begins = f"{GROUP}."
    names = [str(name) for name in run.columns]
    found = [one for one in names if one.startswith(begins) and one.removeprefix(begins).isdigit()]
    if not found:
        raise NotEnough(f"the records lack `{GROUP}`: no rung was read")
    return found


def level_of(name: str) -> int:
    """The t of a column of `levels_of`."""
    return int(name.removeprefix(f"{GROUP}."))


def learnt(run: pd.DataFrame) -> float:
    """Nats of the label over all that there are, at the end."""
    if f"{GROUP}.nats.label" not in run:
        raise NotEnough(f"the records lack `{GROUP}.nats.label`")
    return at_end(run, f"{GROUP}.nats.label")
