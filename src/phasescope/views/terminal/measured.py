"""Scores as a table in a terminal, or as JSON; each with its nulls."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from phasescope.measures import Score
from phasescope.places import Place
from phasescope.store.files import to_json
from phasescope.views.names import NULLS, null_words, place_words
from phasescope.views.probe_r2 import PROBES, probe_r2
from phasescope.views.terminal.tables import open_console

Nested = Mapping[str, Any]
"""measure -> Score, or measure -> place -> Score; perhaps with `left_out`: measure -> why it could not be had"""


def print_scores(found: Nested, as_json: bool) -> None:
    """A line a score: its place, value, interval, n and nulls; below, the estimator of each measure, and what is left out.

    Each key of the JSON is a measure, so beside it what is left out is told on stderr.
    """
    left_out = [
        f"left out: {', '.join(names)}: {reason}"
        for reason, names in _together(getattr(found, "left_out", {})).items()
    ]
    if as_json:
        print(to_json(_plain(found), indent=1))
        for line in left_out:
            print(line, file=sys.stderr)
        return
    rows = list(_rows(found))
    nulls = [null for null in NULLS if any(null in score.nulls for _, score in rows)]
    nulls += sorted({null for _, score in rows for null in score.nulls} - set(nulls))
    depth = max((len(place) for place, _ in rows), default=1)
    table = Table(*["measure", "latents at"][:depth], "value", "95 % interval", "n", box=None)
    for null in nulls:
        table.add_column(null_words(null))
    for place, score in rows:
        levels = [_number(score.nulls[null]) if null in score.nulls else "-" for null in nulls]
        interval = f"{_number(score.low)} to {_number(score.high)}"
        probed = probe_r2(score.to_dict()) if place[0] in PROBES else None
        several = probed is not None and len(probed.factors) > 1
        table.add_row(
            f"{place[0]}: minimum over factors" if several else place[0],
            *(place_words(Place.parse(one)) for one in place[1:]),
            _number(score.value),
            interval,
            f"{score.n:,}",
            *levels,
        )
        for name, value in {**probed.factors, "mean": probed.mean}.items() if probed and several else ():
            table.add_row(f"{place[0]}: {name}", *[""] * (depth - 1), _number(value))
    console = open_console()
    console.print(table)
    estimators = {place[0]: score.estimator for place, score in rows}
    for estimator, measures in _together(estimators).items():
        console.print(f"{', '.join(measures)}: {estimator}")
    for line in left_out:
        console.print(line)


def _together(told: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of which the same is told stand together: a reason, an estimator."""
    names: dict[str, list[str]] = {}
    for name, text in told.items():
        names.setdefault(text, []).append(name)
    return names


def _rows(found: Nested, place: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Score]]:
    rows = []
    for key, value in found.items():
        rows += [((*place, key), value)] if isinstance(value, Score) else _rows(value, (*place, key))
    return rows


def _plain(found: Nested) -> dict[str, Any]:
    return {
        key: value.to_dict() if isinstance(value, Score) else _plain(value) for key, value in found.items()
    }


def _number(value: float) -> str:
    """Three decimals at most; a score that is not 1 does not look as if it were."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
