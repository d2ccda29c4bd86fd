"""A number with its interval, its sample size, its estimator and its nulls: no measure returns less.

Intervals are basic (pivotal) bootstrap intervals (Davison & Hinkley 1997, section 5.2): with v the estimate
and q the quantiles of its bootstrap replicates, [2v - q_97.5, 2v - q_2.5]. A bias that resampling repeats is
thereby taken off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import pandas as pd

# Of every interval; and a null's level is what chance stays below with this probability.
CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
"""probability outside either end of an interval"""
NAMED = ("nulls", "detail")
"""parts of a score that hold several numbers by name"""


@dataclass(frozen=True)
class Score:
    """What a measure says of one set of latents."""

    value: float
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of the 95 % interval."""
    n: int
    """Labels that it rests on."""
    estimator: str
    """The estimator's name and its settings."""
    nulls: Mapping[str, float] = field(default_factory=dict)
    """The same measure where there is nothing to find, by the null's name."""
    detail: Mapping[str, float] = field(default_factory=dict)
    """What the value summarises, as a value for each factor."""

    def __repr__(self) -> str:
        baselines = "".join(f"; {name} {_rounded(level)}" for name, level in self.nulls.items())
        return f"Score({self._interval()}, n={self.n}{baselines})"

    def _interval(self) -> str:
        return f"{_rounded(self.value)} [{_rounded(self.low)}, {_rounded(self.high)}]"

    def with_nulls(self, **nulls: float | Score) -> Score:
        """A copy with further nulls, each a number or the Score that the same measure gave the null."""
        levels = {
            name: null.value if isinstance(null, Score) else float(null) for name, null in nulls.items()
        }
        return replace(self, nulls={**self.nulls, **levels})

    def through(self, function: Callable[[float], float], words: str, nulls: Mapping[str, float]) -> Score:
        """A copy of which value and both ends went through a function, without detail.

        Args:
            words: of the function, before those of the estimator.
            nulls: of what came out.
        """
        value, low, high = map(function, (self.value, self.low, self.high))
        return Score(value, low, high, self.n, f"{words}; {self.estimator}", nulls)

    def to_dict(self) -> dict[str, Any]:
        """Return plain floats, ints, strings and dicts, as JSON holds them; what is not finite is None."""
        return {
            "value": _plain(self.value),
            "low": _plain(self.low),
            "high": _plain(self.high),
            "n": int(self.n),
            "estimator": self.estimator,
            **{part: {name: _plain(x) for name, x in getattr(self, part).items()} for part in NAMED},
        }

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Score:
        """Return the score that `to_dict` was given; NaN where it had None."""
        value, low, high = (_number(tree[part]) for part in ("value", "low", "high"))
        nulls, detail = ({name: _number(x) for name, x in tree[part].items()} for part in NAMED)
        return cls(value, low, high, int(tree["n"]), str(tree["estimator"]), nulls, detail)

    def columns(self) -> dict[str, float | int | str | None]:
        """Return `to_dict` as one row: value, low, high, n, estimator, nulls.<name>, detail.<name>."""
        row = self.to_dict()
        named = {f"{part}.{name}": x for part in NAMED for name, x in row.pop(part).items()}
        return {**row, **named}


def scores_frame(scores: Iterable[tuple[Mapping[str, Any], Score]]) -> pd.DataFrame:
    """A row a score: what it is of, then its `columns`."""
    import pandas as pd

    return pd.DataFrame([{**about, **score.columns()} for about, score in scores])


def _plain(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _number(plain: float | int | None) -> float:
    return math.nan if plain is None else float(plain)


def bootstrap_weights(n: int, resamples: int, rng: np.random.Generator) -> Float[np.ndarray, "resamples n"]:
    """How often each of n labels is drawn, in each of the bootstrap's resamples."""
    drawn = rng.integers(n, size=(resamples, n)) + n * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * n).reshape(resamples, n).astype(float)


def percentile_interval(replicates: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    """(low, high): the quantiles of the replicates themselves."""
    low, high = np.quantile(replicates, [TAIL, 1 - TAIL])
    return float(low), float(high)


def basic_interval(value: float, replicates: Float[np.ndarray, " resamples"]) -> tuple[float, float]:
    """(low, high) of the basic bootstrap interval of `value`."""
    q_low, q_high = percentile_interval(replicates)
    return float(2 * value - q_high), float(2 * value - q_low)


def ratio(
    part: Float[np.ndarray, "resamples ..."], whole: Float[np.ndarray, "resamples ..."], otherwise: float
) -> Float[np.ndarray, "resamples ..."]:
    """part / whole; `otherwise` for a resample of equal rows, whose whole is 0 but for rounding."""
    varies = whole > 1e-12 * whole.max(axis=0)
    return np.where(varies, part / np.where(varies, whole, 1), otherwise)


def null_level(values: Float[np.ndarray, " permutations"]) -> float:
    """What a null's draws stay below in 95 % of cases."""
    return float(np.quantile(values, CONFIDENCE))


def _rounded(number: float | None) -> str:
    """Three digits; a dash for what is not known."""
    return "–" if number is None or not np.isfinite(number) else f"{number:.3g}"
