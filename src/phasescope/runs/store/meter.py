"""The condition meter's readings as a run's folder holds them: rows of a table, and the course of the band that decides.

A line of meter.jsonl is a reading; its bands are those of `ConditionMeter`. It is read without torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from phasescope.measures.condition_readings import steady_choice

Z = 1.959963984540054
"""of a 95 % interval"""


def rows_of(lines: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each band of each reading, as `RunFolder.meter` describes them."""
    decides = deciding(lines)
    for line in lines:
        for band in line["bands"]:
            row = {"step": line["step"], "images_seen": line["images_seen"]}
            for name, value in band.items():
                if isinstance(value, dict):
                    row |= _ends(name, value)
                elif value is not None:
                    row[name] = value
            yield row | {"deciding": decides is not None and band["low"] == decides["low"]}


def _ends(name: str, mean: Mapping[str, float | None]) -> dict[str, float | None]:
    value, se = mean["value"], mean["se"]
    known = value is not None and se is not None
    return {
        name: value,
        f"{name}_se": se,
        f"{name}_low": value - Z * se if known else None,
        f"{name}_high": value + Z * se if known else None,
    }


def deciding(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the band that decides (`low`, `high`, `by`); None while nothing tells.

    Exact answers tell it from the first reading on; the model's own answers without condition, until another band is clearly
    above it (`steady_choice`); the first advantage above its noise, once.
    """
    known = [line["deciding"] for line in lines if line["deciding"]]
    if not known:
        return None
    if known[-1]["by"] == "no condition":
        return _by_no_condition(lines)
    return known[0] if known[-1]["by"] == "first advantage" else known[-1]


def _by_no_condition(lines: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the band with most nats over the network's own answers without condition, by all readings."""
    readings = [_bands(line, pairs=line["bands"][0]["pairs"]) for line in lines]
    nats = [[band["nats"] or 0.0 for band in bands] for bands in readings]
    # Lines of an earlier version have no standard error.
    errors = [[band.get("nats_se") or 0.0 for band in bands] for bands in readings]

    choice = steady_choice(nats, errors)
    if choice is None:
        return None
    band = readings[-1][choice]
    return {"low": band["low"], "high": band["high"], "by": "no condition"}


def _bands(line: Mapping[str, Any], pairs: str) -> list[Mapping[str, Any]]:
    """Return the bands of a reading of some pairs, for the whole condition."""
    return [band for band in line["bands"] if (band["pairs"], band["exchanged"]) == (pairs, "all")]


def course(
    lines: Sequence[Mapping[str, Any]], pairs: str | None = None
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return each reading with its band that decides, for the whole condition; empty while none does.

    Args:
        pairs: `held_out` or `trained`; by default those that a reading is of.
    """
    decides = deciding(lines)
    if decides is None:
        return []
    pairs = pairs or lines[0]["bands"][0]["pairs"]
    return [(line, band) for line in lines for band in _bands(line, pairs) if band["low"] == decides["low"]]
