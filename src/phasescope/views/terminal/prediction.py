"""What a configuration foretells, as tables in a terminal, or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from phasescope.store.files import to_json
from phasescope.views.terminal.tables import open_console

if TYPE_CHECKING:
    from phasescope.runs.predicting import Prediction

COLUMNS = 9
"""times at which errors are shown"""


def print_prediction(found: Prediction, as_json: bool) -> None:
    """What is foretold: the label's share of the loss, where places are decided, phases; errors by rung; copiers."""
    if as_json:
        print(to_json(found.told, indent=1))
        return
    told, console = found.told, open_console()
    console.print(f"{found.name}: {found.sentence}")
    facts = Table(box=None, show_header=False)
    for name, value in _facts(told):
        facts.add_row(name, value)
    console.print(facts)
    console.print(_errors(told["mmse"]))
    for rung, why in told["left_out"].items():
        console.print(f"left out: {rung}: {why}")
    if told["copier"]:
        console.print(copiers(told["copier"]))


def _facts(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("training images", f"{told['images']:,}; their label is {told['label_nats']:.3f} nats"),
        (
            "R'",
            f"{told['r_prime']:.3g}: what only the label teaches, over what images teach beyond their covariance",
        ),
        ("expected of images", told["phases"]),
        ("one image stands out", _when(told, "condensation")),
        ("the widest mode is unstable", _when(told, "instability")),
        ("accuracy at most", _cap(told)),
    ]


def _when(told: dict[str, Any], what: str) -> str:
    t, snr = told[f"t_{what}"], told[f"snr_{what}"]
    return (
        f"at no t: SNR {snr:.3g} is not reached" if t is None else f"from t = {t:.0f} on down, SNR {snr:.3g}"
    )


def _cap(told: dict[str, Any]) -> str:
    if told["shift_px"] is None:
        return "1: the network knows absolute place"
    return f"{told['cap']:.3g}: the network cannot tell a place from one {told['shift_px']} px away"


def _errors(mmse: dict[str, list[float]]) -> Table:
    shown = np.linspace(0, len(mmse["t"]) - 1, min(COLUMNS, len(mmse["t"]))).round().astype(int)
    table = Table("error of x_0, an image, at t =", *(f"{mmse['t'][i]}" for i in shown), box=None)
    for rung, errors in mmse.items():
        if rung != "t":
            table.add_row(rung, *(f"{errors[i]:.2f}" for i in shown))
    return table


def copiers(shares: dict[str, dict[str, float]]) -> Table:
    """What each copier gets right of each split."""
    splits = list(next(iter(shares.values())))
    table = Table("right of", *(split.replace("_", " ") for split in splits), box=None)
    for copier, by_split in shares.items():
        table.add_row(copier, *(f"{by_split[split]:.3f}" for split in splits))
    return table
