"""Recorded scores as they are shown: a probe's R², accuracy by reading, and the levels of thresholds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from phasescope.core.factors import Factors
from phasescope.measures.columns import column_of
from phasescope.measures.gain import LEAST_LEFT, floor_of, reached
from phasescope.runs.store.sites import Site
from phasescope.views.facts.numbers import format_score
from phasescope.views.facts.record import Record, number, score

OF_SEEDS = ("lowest_seed", "highest_seed")  # what else is in a `detail`


class ProbeR2(NamedTuple):
    """A probe's R² of each factor.

    Attributes:
        min: over factors; one factor that cannot be read makes it low, whatever the others are.
        mean: over factors; NaN if some are classes and some are not.
        factors: by factor, or "factor (accuracy)" if it is a class; empty if only the minimum was recorded.
        untrained: the untrained network's minimum.
    """

    min: float
    mean: float
    factors: dict[str, float]
    untrained: float | None

    @property
    def text(self) -> str:
        """The R² as `x 0.97, y 0.95; mean 0.96, min 0.95 (untrained min 0.76)`; of one factor as `0.97 (untrained 0.76)`."""
        several = len(self.factors) > 1
        each = ", ".join(f"{name} {format_score(value, 2)}" for name, value in self.factors.items())
        least, untrained = (format_score(value, 2) for value in (self.min, self.untrained))
        mean = f"mean {format_score(self.mean, 2)}, " if self.mean == self.mean else ""
        text = f"{each}; {mean}min {least}" if several else least
        if self.untrained is None:
            return text
        return f"{text} (untrained min {untrained})" if several else f"{text} (untrained {untrained})"


def probe_summary(score: Mapping[str, Any] | None, factors: Factors) -> ProbeR2 | None:
    """Return the R² that a recorded score by factor holds; None if it holds no value."""
    if not score or score.get("value") is None:
        return None
    detail = (score.get("detail") or {}).items()
    words = {factor.name: f"{factor.name} (accuracy)" for factor in factors if factor.categorical}
    known = ((name, value) for name, value in detail if name not in OF_SEEDS and value is not None)
    each = {words.get(name, name): float(value) for name, value in known}
    least, untrained = float(score["value"]), (score.get("baselines") or {}).get("untrained")
    mean = sum(each.values()) / len(each) if each else least
    return ProbeR2(least, np.nan if 0 < len(words) < len(factors) else mean, each, untrained)


# The reader's gated reading; all others also read malformed images.
FORMED = "formed"
# A baseline must get this share of images wrong for a network to be compared with it: excess divides by it.
LEAST_WRONG = 0.05


class Accuracy(NamedTuple):
    """The accuracy on one split by one reading.

    Attributes:
        accuracy: share of images, by factor, and `joint`.
        error: median error by factor, in its unit; None if nothing is read.
        together: by pair of factors, as in `x,y`: `excess` and `phi`, each a score.
        beyond: by nearest-neighbour baseline, (correct - its share) / (1 - its share); only of those that get at least
            `LEAST_WRONG` wrong and less correct than the network.
    """

    split: str
    way: str
    n: int | None
    accuracy: dict[str, float]
    error: dict[str, float | None]
    together: dict[str, dict[str, dict[str, Any]]]
    beyond: dict[str, float]


def accuracies(line: dict[str, Any], splits: Sequence[str]) -> Iterator[Accuracy]:
    """Yield the accuracy on each split by each reading, the gated reading first."""
    ways = sorted(name.removeprefix("accuracy") for name in line if name.partition("_")[0] == "accuracy")
    for split in splits:
        for end in ways:
            if accuracy := _at(line, f"accuracy{end}", split):
                way = end.removeprefix("_") or FORMED
                n = _at(line, "outcomes", split).get("n")
                error, together = _at(line, f"error{end}", split), _at(line, "together", way, split)

                shares = {k: _at(v, f"accuracy{end}").get(split) for k, v in _at(line, "excess").items()}
                known = {k: v for k, v in shares.items() if v is not None}
                beyond = {k: v for k, v in known.items() if _has_room(v, accuracy["joint"])}

                yield Accuracy(
                    split=split,
                    way=way,
                    n=n,
                    accuracy=accuracy,
                    error=error,
                    together=together,
                    beyond=beyond,
                )


def _has_room(excess: float, correct: float) -> bool:
    # Excess is (correct - c) / (1 - c), so 1 - c is (1 - correct) / (1 - excess).
    return excess >= 1 or (excess >= 0 and (1 - correct) / (1 - excess) >= LEAST_WRONG)


def _at(tree: dict[str, Any], *path: str) -> dict[str, Any]:
    for key in path:
        tree = tree.get(key) or {}
    return tree


def levels(record: Record, measure: str, site: Site) -> Float[np.ndarray, " lines"]:
    """Return the score needed at each line of the metrics, as `needed` does."""
    return np.array([needed(record, measure, score(line, measure, site)) for line in record.metrics], float)


def needed(record: Record, measure: str, stored: Mapping[str, Any] | None) -> float:
    """Return the score at which a measure reaches its threshold, given the baselines of a recorded score.

    It is NaN for a measure that decides no phase of this run. The threshold of P1's R² is a gain, so that its level is NaN,
    too, without a baseline, and if the baselines are too close to 1.
    """
    reading = column_of(measure).phase
    if not reading or not stored or not any(record.phases(reading)):
        return np.nan
    threshold = record.thresholds[measure]
    if measure != "p1_r2":
        return threshold

    baselines = {name: number(level) for name, level in (stored.get("baselines") or {}).items()}
    floor = floor_of(baselines)
    return reached(floor, threshold) if 1 - floor >= LEAST_LEFT else np.nan
