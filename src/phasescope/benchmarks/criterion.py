"""When a contender is there, and what several seeds of it say together.

A snapshot passes where the images are right (outcome correct on grid labels) and the latents are in order: the lower end
of order's interval lies above each null that is no ceiling. A contender is there at the first snapshot from which on each
one passes. A seed that never came there is censored: it took more than what it had spent. So each seed gives a lower and
an upper limit of its cost, which are equal where it came and of which the upper is infinite where it did not; and a median
over seeds is exact where both limits have the same one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from phasescope.measures import phases
from phasescope.randomness import numpy_generator

QUANTITIES = {"wall_s": "s", "cpu_s": "CPU s", "images_seen": "images"}
"""What is spent until a contender is there, and its unit."""

CONFIDENCE = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True)
class Criterion:
    """All that decides whether a snapshot passes, declared before any measurement."""

    accuracy: float = 0.95
    """least share of images, painted for labels of the training grid, that are correct: within 1 px in x and in y"""
    nulls: tuple[str, ...] = ("untrained", "pixels", "permuted")
    """what order must at least be compared with"""


CRITERION = Criterion()


def condense(line: Mapping[str, Any], tap: str, timestep: int) -> dict[str, Any]:
    """What is kept of a line of `metrics.jsonl`: cost, accuracy, order with its nulls, and the phase of behaviour.

    Args:
        line: a snapshot's metrics.
        tap, timestep: where order is read.

    Raises:
        ValueError: order lacks a null that the criterion asks for.
    """
    score = line["order"][tap][str(timestep)]
    missing = [null for null in CRITERION.nulls if null not in score["nulls"]]
    if missing:
        raise ValueError(f"`order` (nulls={list(score['nulls'])}) must have the null `{missing[0]}`")
    return {
        "step": line["step"],
        "images_seen": line["images_seen"],
        "wall_s": line["wall_s"],
        "cpu_s": line["cpu_s"],
        "accuracy": line["outcomes"]["grid"]["correct"],
        "order": {
            "value": _number(score["value"]),
            "low": _number(score["low"]),
            "nulls": {null: _number(level) for null, level in score["nulls"].items()},
        },
        "phase": line["phase"]["behaviour"],
    }


def passes(snapshot: Mapping[str, Any], criterion: Criterion = CRITERION) -> bool:
    """Whether a snapshot, as `condense` gives it, is accurate and in order."""
    order = snapshot["order"]
    in_order = all(order["low"] > null for null in phases.floors(order["nulls"]).values())
    return snapshot["accuracy"] >= criterion.accuracy and in_order


def reached(snapshots: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    """The cost at the first snapshot from which on each one passes; None where there is none."""
    onset = phases.onset(
        [snapshot["images_seen"] for snapshot in snapshots], [passes(snapshot) for snapshot in snapshots]
    )
    return cost_at(snapshots, onset)


def reached_phase_c(snapshots: Sequence[dict[str, Any]]) -> dict[str, float] | None:
    """The cost at the onset of phase C of behaviour; None where there is none."""
    onsets = phases.phase_onsets(
        [snapshot["images_seen"] for snapshot in snapshots], [snapshot["phase"] for snapshot in snapshots]
    )
    return cost_at(snapshots, onsets["C"])


def cost_at(snapshots: Sequence[dict[str, Any]], images_seen: int | None) -> dict[str, float] | None:
    """Step and cost of the snapshot at `images_seen`."""
    if images_seen is None:
        return None
    found = next(snapshot for snapshot in snapshots if snapshot["images_seen"] == images_seen)
    return {key: found[key] for key in ("step", *QUANTITIES)}


@dataclass(frozen=True)
class Costs:
    """What each of n seeds took, of one quantity: limits, equal where the seed came there."""

    low: Float[np.ndarray, " n"]
    high: Float[np.ndarray, " n"]

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], goal: str, quantity: str) -> Costs | None:
        """Of the seeds' records: `record[goal]` is the cost at the goal, or None, and then `record["spent"]` the limit.

        None where there are no records, or one of them could not tell the quantity.
        """
        low = [(record[goal] or record["spent"])[quantity] for record in records]
        if not low or None in low:
            return None
        came = np.array([record[goal] is not None for record in records])
        return cls(np.array(low, float), np.where(came, np.array(low, float), np.inf))

    def medians(self) -> tuple[float, float]:
        """The limits of the median."""
        return float(np.median(self.low)), float(np.median(self.high))

    def resampled(self, name: str) -> tuple[Float[np.ndarray, " R"], Float[np.ndarray, " R"]]:
        """The limits of the median in each bootstrap sample of the seeds; `name` names the random stream."""
        n = len(self.low)
        rows = numpy_generator(0, f"bench {name}").integers(n, size=(RESAMPLES, n))
        return np.median(self.low[rows], axis=1), np.median(self.high[rows], axis=1)


def summary(costs: Costs) -> dict[str, Any]:
    """n, censored, median, range and the bootstrap interval of the median, JSON-ready; None is: no upper limit.

    Where `exact` is False, `median` is a lower limit.
    """
    return {
        "n": len(costs.low),
        "censored": int(np.isinf(costs.high).sum()),
        **_median(*costs.medians()),
        "range": [float(costs.low.min()), _finite(costs.high.max())],
        **_interval(*costs.resampled("median")),
    }


def ratio(slow: Costs, fast: Costs) -> dict[str, Any]:
    """The ratio of the medians, slow over fast, with its bootstrap interval; a lower limit where not `exact`."""
    (slow_low, slow_high), (fast_low, fast_high) = slow.medians(), fast.medians()
    slow_lows, slow_highs = slow.resampled("slow")
    fast_lows, fast_highs = fast.resampled("fast")
    return {
        "n": [len(slow.low), len(fast.low)],
        **_median(slow_low / fast_high, slow_high / fast_low),
        **_interval(slow_lows / fast_highs, slow_highs / fast_lows),
    }


def told(found: Mapping[str, Any], unit: str = "", digits: int = 3) -> str:
    """The median of a `summary` or a `ratio` as text: "17.3 s", or "> 1800 s" where it is a lower limit."""
    median = found["median"]
    whole = median == round(median)
    places = 0 if whole else max(0, digits - 1 - math.floor(math.log10(median)))
    return f"{'' if found['exact'] else '> '}{median:,.{places}f} {unit}".strip()


def _median(low: float, high: float) -> dict[str, Any]:
    return {"median": low, "exact": low == high}


def _interval(lows: np.ndarray, highs: np.ndarray) -> dict[str, Any]:
    tail = (1 - CONFIDENCE) / 2
    low = np.sort(lows)[math.floor(tail * (len(lows) - 1))]
    high = np.sort(highs)[math.ceil((1 - tail) * (len(highs) - 1))]
    return {"interval": [float(low), _finite(high)], "confidence": CONFIDENCE}


def _number(value: float | None) -> float:
    """A number as JSON has it, where one that is not finite is null: NaN, which is above nothing."""
    return math.nan if value is None else value


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
