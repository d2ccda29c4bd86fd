"""Scores: every measure returns a value with its interval, its sample size, its estimator and its baselines.

Intervals are basic (pivotal) bootstrap intervals (Davison & Hinkley 1997, section 5.2): with v the estimate and q the
quantiles of its bootstrap replicates, [2v - q_97.5, 2v - q_2.5]. This removes a bias that resampling repeats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import pandas as pd

# Confidence of every interval; the level of a permutation baseline is its quantile at this probability.
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
"""probability outside either end of an interval"""
NAMED = ("baselines", "detail")
"""parts of a score in files that hold several numbers by name: its baselines, and its detail"""


@dataclass(frozen=True)
class Score:
    """The result of a measure on one set of latents."""

    value: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""
    n: int
    """Number of labels that it is computed from."""
    estimator: str
    """The estimator's name and its settings."""
    baselines: Mapping[str, float] = field(default_factory=dict)
    """The same measure of each baseline, by name, such as `untrained` or `permuted`."""
    detail: Mapping[str, float] = field(default_factory=dict)
    """The parts that the value summarises, such as a value for each factor."""

    def __repr__(self) -> str:
        baselines = "".join(f"; {name} {_rounded(level)}" for name, level in self.baselines.items())
        interval = f"{_rounded(self.value)} [{_rounded(self.low)}, {_rounded(self.high)}]"
        return f"Score({interval}, n={self.n}{baselines})"

    def with_baselines(self, **baselines: float | Score) -> Score:
        """Return a copy with further baselines, each a number or the baseline's own Score by the same measure.

        Raises:
            ValueError: one of them is neither.
        """
        for name, level in baselines.items():
            if not isinstance(level, Score) and not isinstance(level, Real):
                raise ValueError(f"`{name}` (={level!r:.60}) must be a number or a Score: a baseline's level")
        levels = {k: by.value if isinstance(by, Score) else float(by) for k, by in baselines.items()}
        return replace(self, baselines={**self.baselines, **levels})

    def through(self, function: Callable[[float], float], name: str, baselines: Mapping[str, float]) -> Score:
        """Return a copy with `function` applied to the value and to both ends of its interval, without detail.

        A function that falls maps the upper end to the lower one.

        Args:
            function: rising or falling throughout.
            name: of the function, written before the estimator's.
            baselines: of the transformed score.
        """
        value, low, high = map(function, (self.value, self.low, self.high))
        if low > high:
            low, high = high, low
        return Score(
            value=value,
            low=low,
            high=high,
            n=self.n,
            estimator=f"{name}; {self.estimator}",
            baselines=baselines,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the score as JSON-ready floats, ints, strings and dicts; numbers that are not finite are None."""
        numbers = {part: _plain(getattr(self, part)) for part in ("value", "low", "high")}
        named = {part: {name: _plain(x) for name, x in getattr(self, part).items()} for part in NAMED}
        return {**numbers, "n": int(self.n), "estimator": self.estimator, **named}

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Score:
        """Return the score from the result of `to_dict`, with NaN for None.

        Raises:
            ValueError: a part of a score is missing.
        """
        if missing := [part.name for part in fields(cls) if part.name not in tree]:
            raise ValueError(
                f"`{missing[0]}` (=nothing) must be given: a score of {', '.join(tree) or 'nothing'} lacks it"
            )
        value, low, high = (_number(tree[part]) for part in ("value", "low", "high"))
        baselines, detail = ({name: _number(x) for name, x in tree[part].items()} for part in NAMED)
        return cls(value, low, high, int(tree["n"]), str(tree["estimator"]), baselines, detail)

    def columns(self) -> dict[str, float | int | str | None]:
        """Return `to_dict` as one row: value, low, high, n, estimator, `baselines.<name>`, `detail.<name>`."""
        row = self.to_dict()
        named = {f"{part}.{name}": x for part in NAMED for name, x in row.pop(part).items()}
        return {**row, **named}


def scores_frame(scores: Iterable[tuple[Mapping[str, Any], Score]]) -> pd.DataFrame:
    """Return one row per score: the columns that identify it, then its `columns`."""
    import pandas as pd

    return pd.DataFrame([{**identity, **score.columns()} for identity, score in scores])


def _plain(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _number(plain: float | int | None) -> float:
    return math.nan if plain is None else float(plain)


def bootstrap_weights(n: int, resamples: int, rng: np.random.Generator) -> Float[np.ndarray, "resamples n"]:
    """Return how often each of n labels is drawn in each of the bootstrap's resamples."""
    drawn = rng.integers(n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n).astype(float)


def percentile_interval(replicates: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    """Return (low, high), the quantiles of the replicates."""
    low, high = np.quantile(replicates, [TAIL, 1 - TAIL])
    return float(low), float(high)


def basic_interval(value: float, replicates: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    """Return (low, high) of the basic bootstrap interval of `value`."""
    q_low, q_high = percentile_interval(replicates)
    return float(2 * value - q_high), float(2 * value - q_low)


def ratio(
    part: Float[np.ndarray, "resamples ..."], total: Float[np.ndarray, "resamples ..."], otherwise: float
) -> Float[np.ndarray, "resamples ..."]:
    """Return part / total; `otherwise` for a resample of equal rows, whose `total` is 0 up to rounding."""
    varies = total > 1e-12 * total.max(axis=0)
    return np.where(varies, part / np.where(varies, total, 1), otherwise)


def baseline_level(values: Float[np.ndarray, " permutations"]) -> float:
    """Return the level that a baseline's draws stay below in 95 % of cases."""
    return float(np.quantile(values, CONFIDENCE))


def _rounded(number: float | None) -> str:
    """Return a number with three digits; a dash if it is not known."""
    return "–" if number is None or not np.isfinite(number) else f"{number:.3g}"
