"""A claim: a sentence, the number that could show it false, and how often that number would be judged correctly.

With [low, high] the interval of the statistic (97.5 %, see `resampling`) and c the threshold, a claim of direction
`above` is

    supported   if c < low,        refuted   if high < c,        undecided   otherwise,

and mirrored for `below`. If runs were censored so that it cannot be judged, it is *not reached*. Too few runs
decide nothing.

Its controls follow from it: the table of runs is simulated on the study's own design with the statistic's true
value at threshold + effect, threshold - effect and threshold, and judged many times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from phasescope.errors import UserError
from phasescope.measures.over_runs.resampling import Estimate, NotEnough, covering, fixed_resamples
from phasescope.randomness import numpy_generator
from phasescope.studies.runs_table import Number, Runs, as_table
from phasescope.studies.statistics import Statistic, check_statistic

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["supported", "refuted", "undecided", "not reached"]
VERDICTS: tuple[Verdict, ...] = ("supported", "refuted", "undecided", "not reached")
POWER, WRONG = 0.8, 0.05
"""the least power with which a claim is shipped, and the largest share of wrong decisions at the threshold"""
TRIALS = 200
SEARCH_TRIALS, SEARCH_STEPS = 60, 6
"""of the smallest detectable effect: it is printed to two digits"""


@dataclass(frozen=True)
class Judgement:
    """What the records say about a claim."""

    verdict: Verdict
    estimate: Estimate | None
    """None if the records lack what it needs"""
    why: str
    """one line: where interval and threshold lie, or what is missing"""
    analysis: int = 0
    """the interim analysis at which it was judged, 1 or 2; 0 if not even the first has all of its runs"""


@dataclass(frozen=True)
class Power:
    """How often simulated studies of known truth are judged correctly."""

    supported: float
    """with the truth on the claim's side of the threshold, at distance `effect`"""
    refuted: float
    """with the truth on the other side"""
    wrong: float
    """share decided at all with the truth at the threshold"""
    trials: int

    @property
    def sufficient(self) -> bool:
        """Whether it may be shipped; shares of trials are allowed two of their own standard errors."""
        error = 2 * math.sqrt(1 / self.trials)
        powerful = min(self.supported, self.refuted) >= POWER - error * math.sqrt(POWER * (1 - POWER))
        return powerful and self.wrong <= WRONG + error * math.sqrt(WRONG * (1 - WRONG))


@dataclass(frozen=True)
class Claim:
    """A sentence that records can support or refute."""

    name: str
    sentence: str
    statistic: Statistic
    numbers: Number | Sequence[Number]
    """what the statistic is computed from; several are readings of one quantity, and must all agree"""
    threshold: float
    effect: float | tuple[float, float]
    """distance from the threshold that must be detected; two if it differs: on the claim's side, and on the other"""
    spread: float = 0.0
    """standard deviation between runs, as observed or, before the first runs, as assumed; see the statistic for its
    unit"""
    direction: Literal["above", "below"] = "above"
    """where the statistic lies if the sentence is true"""
    where: Mapping[str, Any] = field(default_factory=dict)
    """values of axes (or `cell`) of the runs that it reads; all runs if empty"""
    source: str = "phasescope"
    """who states it: P1, P2, or phasescope itself"""
    limits: str = ""
    """what it would be wrong to conclude"""
    check: bool = False
    """a known answer (a theorem decides it): it checks the instrument, and is no finding"""
    unreachable: str = ""
    """why one of its two verdicts cannot be reached with power 0.8, in words; empty if both can"""
    minimum_n: int = 0
    """runs below which it stays undecided; the statistic's own number if 0"""

    def __post_init__(self) -> None:
        """Raises UserError if it could not be decided."""
        check_statistic(self.statistic, self.name)
        for name, values in (
            ("threshold", (self.threshold,)),
            ("effect", self.effects),
            ("spread", (self.spread,)),
        ):
            if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
                raise UserError(f"`{name}` (={values[0]}) of the claim `{self.name}` must be a finite number")
        if min(self.effects) <= 0:
            raise UserError(
                f"`effect` (={self.effect}) of the claim `{self.name}` must be above 0: the distance that it must detect"
            )
        if self.direction not in ("above", "below"):
            raise UserError(
                f"`direction` (={self.direction}) of the claim `{self.name}` must be above or below"
            )

    @property
    def effects(self) -> tuple[float, float]:
        """On the claim's side of the threshold, and on the other."""
        return self.effect if isinstance(self.effect, tuple) else (self.effect, self.effect)

    @property
    def _sign(self) -> int:
        return 1 if self.direction == "above" else -1

    @property
    def readings(self) -> tuple[Number, ...]:
        return tuple(self.numbers) if isinstance(self.numbers, Sequence) else (self.numbers,)

    def tables(self, runs: Runs) -> list[pd.DataFrame]:
        """Return the table of each reading.

        Raises:
            NotEnough: the records lack what it needs.
        """
        chosen = runs.where(**self.where)
        return [as_table(chosen, number) for number in self.readings]

    def judge(self, runs: Runs) -> Judgement:
        """Return what the runs say."""
        try:
            return self.decide(covering([self.statistic.estimate(table) for table in self.tables(runs)]))
        except NotEnough as error:
            return Judgement("undecided", None, str(error))

    def decide(self, estimate: Estimate) -> Judgement:
        """Return the verdict of an estimate."""
        needed = self.minimum_n or self.statistic.MINIMUM_N
        if estimate.n < needed:
            return Judgement("undecided", estimate, f"{estimate.n} runs, and at least {needed} are needed")
        if math.isnan(estimate.low) or math.isnan(estimate.high):
            return Judgement("undecided", estimate, "the runs give no interval")
        ends = f"[{estimate.low:.3g}, {estimate.high:.3g}]"
        above, below = estimate.low > self.threshold, estimate.high < self.threshold
        if not (above or below) and estimate.censored:
            return Judgement("not reached", estimate, estimate.censored)
        if not (above or below):
            return Judgement(
                "undecided", estimate, f"the interval {ends} contains the threshold {self.threshold:g}"
            )
        side = "above" if above else "below"
        verdict: Verdict = "supported" if side == self.direction else "refuted"
        return Judgement(
            verdict, estimate, f"the whole interval {ends} lies {side} the threshold {self.threshold:g}"
        )

    def power(self, design: pd.DataFrame, spread: float | None = None, trials: int = TRIALS) -> Power:
        """Return how often simulated runs of a design are judged correctly.

        Args:
            design: one row per planned run, as `Study.design_of` gives it.
            spread: in place of the claim's own.
        """
        toward, away = self.effects
        supported, refuted, at_threshold = (
            self._simulated(design, self.threshold + self._sign * shift, spread, trials)
            for shift in (toward, -away, 0.0)
        )
        return Power(
            supported.count("supported") / trials,
            refuted.count("refuted") / trials,
            sum(verdict in ("supported", "refuted") for verdict in at_threshold) / trials,
            trials,
        )

    def _simulated(
        self, design: pd.DataFrame, truth: float, spread: float | None, trials: int
    ) -> list[Verdict]:
        """Return the verdicts on simulated studies in which the statistic's true value is `truth`."""
        spread = self.spread if spread is None else spread
        verdicts: list[Verdict] = []
        with fixed_resamples():
            for trial in range(trials):
                rng = numpy_generator(0, f"control {self.name} {truth:.6g}", trial)
                try:
                    table = self.statistic.simulate(design, truth, spread, rng)
                    verdicts.append(self.decide(self.statistic.estimate(table)).verdict)
                except NotEnough:
                    verdicts.append("undecided")
        return verdicts

    def detectable(self, design: pd.DataFrame, spread: float) -> float:
        """Return the smallest effect that is detected with power `POWER` at this spread; inf if it is above 16
        effects."""

        def detected(effect: float) -> bool:
            truth = self.threshold + self._sign * effect
            verdicts = self._simulated(design, truth, spread, SEARCH_TRIALS)
            return verdicts.count("supported") >= POWER * SEARCH_TRIALS

        own = self.effects[0]
        if not detected(own):
            larger = (own * 2 ** (step / 2) for step in range(1, 9))
            return next((effect for effect in larger if detected(effect)), math.inf)
        low, high = own / 16, own
        for _ in range(
            SEARCH_STEPS
        ):  # bisection in the log: each step takes the root of the factor between the ends
            middle = math.sqrt(low * high)
            low, high = (low, middle) if detected(middle) else (middle, high)
        return high
