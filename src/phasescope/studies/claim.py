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
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from phasescope.core.errors import UserError
from phasescope.core.randomness import numpy_generator
from phasescope.measures.over_runs import Estimate, NotEnough, covering, fixed_resamples
from phasescope.studies.claims_file import Asked, Verdict
from phasescope.studies.declaring import columns_read
from phasescope.studies.runs_table import Number, Runs, as_table
from phasescope.studies.statistics import Statistic

if TYPE_CHECKING:
    import pandas as pd

# A claim is shipped with this power at least, and with this share of wrong decisions at the threshold at most.
POWER, WRONG = 0.8, 0.05
TRIALS = 200
# The smallest detectable effect is printed to two digits, so fewer trials than for a power are enough.
SEARCH_TRIALS = 60
MOST_TIMES = 16
"""as many seeds as planned that a search for enough of them tries"""


@dataclass(frozen=True)
class Judgement:
    """The verdict of the records on a claim."""

    verdict: Verdict
    estimate: Estimate | None
    """None if the records lack what it needs"""
    why: str
    """one line: where interval and threshold lie, or what is missing"""
    analysis: int = 0
    """the interim analysis at which it was judged, 1 or 2; 0 if not even the first has all of its runs"""


@dataclass(frozen=True)
class Power:
    """The rate of correct verdicts on simulated studies for which the correct verdict is known."""

    supported: float
    """with the truth on the claim's side of the threshold, at distance `effect`"""
    refuted: float
    """with the truth on the other side"""
    wrong: float
    """share decided at all with the truth at the threshold"""
    trials: int

    @property
    def is_enough(self) -> bool:
        """Whether a claim may be shipped with it."""
        return min(self.supported, self.refuted) >= POWER and self.wrong <= WRONG


@dataclass(frozen=True)
class Claim:
    """A sentence that records can support or refute."""

    name: str
    sentence: str
    statistic: Statistic
    numbers: Number | Sequence[Number]
    """what the statistic is computed from; several are readings of one quantity, and must all agree"""
    threshold: float
    effect: float | tuple[float, float] = 0.0
    """distance from the threshold that must be detected, above 0; or two: on the claim's side, and on the other"""
    spread: float = 0.0
    """standard deviation between runs, as observed or, before the first runs, as assumed; see the statistic for its unit"""
    direction: Literal["above", "below"] = "above"
    """where the statistic lies if the sentence is true"""
    where: Mapping[str, Any] = field(default_factory=dict)
    """values of axes (or `cell`) of the runs that it reads; all runs if empty"""
    source: str = "phasescope"
    """who states it: P1, P2, or phasescope itself"""
    limits: str = ""
    """what it would be wrong to conclude; made of `caveats` if these are given"""
    check: bool = False
    """a known answer (a theorem decides it): it checks the instrument, and is no finding"""
    unreachable: str = ""
    """why one of its two verdicts cannot be reached with power 0.8, in words; empty if both can"""
    minimum_n: int = 0
    """runs below which it stays undecided; the statistic's own number if 0"""
    unit: str = field(default="", metadata={"data": False})
    """of the number, for pages; the statistic's own if empty"""
    over: tuple[str, str] | None = field(default=None, metadata={"data": False})
    """what the sentence is about, if not runs: the axis (or `cell`) whose values are counted, and their name, as in
    ("cell", "objectives"); pages show their number before that of the runs"""
    uninformative: str = field(default="", metadata={"data": False})
    """why its verdict tells nothing, in words, if that was seen after its runs: pages do not count it; empty if it tells"""
    log: bool = field(default=False, metadata={"data": False})
    """whether the number is the natural logarithm of a ratio; pages show the ratio"""
    caveats: tuple[str, ...] = field(default=(), metadata={"data": False})
    """instead of `limits`, the same in parts that claims may share, as whole sentences; joined, they are `limits`"""
    no_effect: float | None = field(default=None, metadata={"data": False})
    """value of the number that means no effect; see `null_value` for that of a claim which gives none"""
    asked: Asked | None = field(default=None, metadata={"data": False})
    """required: whether runs had been looked at when the claim got its present form"""

    def __post_init__(self) -> None:
        """Raise UserError if the claim could not be decided."""

        def check(valid: bool, name: str, value: object, rule: str) -> None:
            if not valid:
                raise UserError(f"`{name}` (={value}) of the claim `{self.name}` must be {rule}")

        kind = type(self.statistic).__name__
        check(isinstance(self.statistic, Statistic), "statistic", kind, "a phasescope.studies.Statistic")
        numbers = {"threshold": (self.threshold,), "effect": self.effects, "spread": (self.spread,)}
        for name, values in numbers.items():
            for value in values:
                finite = isinstance(value, int | float) and math.isfinite(value)
                rule = "a finite number, or two as a tuple" if name == "effect" else "a finite number"
                check(finite, name, value, rule)
        check(min(self.effects) > 0, "effect", self.effect, "above 0: the distance that it must detect")
        unused = type(self.statistic).spread_of is Statistic.spread_of
        check(self.spread > 0 or unused, "spread", self.spread, "above 0, or the power would be 1")
        check(self.direction in ("above", "below"), "direction", self.direction, "above or below")

        times = [f"Asked.{time.name}" for time in Asked]
        known = isinstance(self.asked, Asked)
        check(known, "asked", self.asked, f"one of {', '.join(times)}: whether runs had been looked at")
        self._join_caveats(check)

    def _join_caveats(self, check: Callable[[bool, str, object, str], None]) -> None:
        """Set `limits` to the joined caveats, which are what a preregistration holds."""
        parts = self.caveats
        valid = isinstance(parts, tuple) and all(isinstance(part, str) and part.strip() for part in parts)
        check(valid, "caveats", parts, "a tuple of sentences")
        if parts:
            joined = " ".join(parts)
            check(self.limits in ("", joined), "limits", self.limits, "left out: `caveats` are given")
            object.__setattr__(self, "limits", joined)

    @property
    def effects(self) -> tuple[float, float]:
        """On the claim's side of the threshold, and on the other."""
        return self.effect if isinstance(self.effect, tuple) else (self.effect, self.effect)

    @property
    def null_value(self) -> float | None:
        """The value of its number that means no effect: its own, its statistic's, or a bar at 0, which asks for any effect.

        None if no value means it, as of a share or a distance.
        """
        if self.no_effect is not None:
            return self.no_effect
        if self.statistic.NO_EFFECT is not None:
            return self.statistic.NO_EFFECT
        return 0.0 if self.threshold == 0 else None

    @property
    def readings(self) -> tuple[Number, ...]:
        return tuple(self.numbers) if isinstance(self.numbers, Sequence) else (self.numbers,)

    def columns_read(self) -> frozenset[str]:
        """Return the recorded columns that its numbers read."""
        return columns_read(*self.readings)

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

    def lacks_runs(self, n: int) -> str:
        """Return how many runs it needs, in words, if n of them decide nothing; empty if they may."""
        needed = self.minimum_n or self.statistic.MINIMUM_N
        return f"{n} runs, and at least {needed} are needed" if n < needed else ""

    def decide(self, estimate: Estimate) -> Judgement:
        """Return the verdict of an estimate."""
        too_few = self.lacks_runs(estimate.n)
        above, below = estimate.low > self.threshold, estimate.high < self.threshold

        if too_few:
            verdict, why = "undecided", too_few
        elif math.isnan(estimate.low) or math.isnan(estimate.high):
            verdict, why = "undecided", "the runs give no interval"
        elif above or below:
            side = "above" if above else "below"
            verdict = "supported" if side == self.direction else "refuted"
            why = f"the whole interval lies {side} the threshold"
        elif estimate.censored:
            verdict, why = "not reached", estimate.censored
        else:
            verdict, why = "undecided", "the interval contains the threshold"
        return Judgement(verdict, estimate, why)

    def power(self, design: pd.DataFrame, spread: float | None = None, trials: int = TRIALS) -> Power:
        """Return how often simulated runs of a design are judged correctly.

        Args:
            design: one row per planned run, as `Study.design_of` gives it.
            spread: instead of the claim's own.
        """
        toward, away = self.effects
        supported = self._simulated(design, toward, spread, trials)
        refuted = self._simulated(design, -away, spread, trials)
        at_threshold = self._simulated(design, 0.0, spread, trials)

        wrong = at_threshold["supported"] + at_threshold["refuted"]
        return Power(supported["supported"] / trials, refuted["refuted"] / trials, wrong / trials, trials)

    def seeds_needed(self, design: pd.DataFrame) -> int | None:
        """Return the fewest seeds per cell with which its effect is detected with power `POWER` on both sides; None if that
        takes more than `MOST_TIMES` times as many as planned.

        Args:
            design: as of `power`. A cell's further seeds are as its first.
        """
        planned = planned_seeds(design)

        def detected(seeds: int) -> bool:
            power = self.power(_with_seeds(design, seeds / planned), trials=SEARCH_TRIALS)
            return min(power.supported, power.refuted) >= POWER

        fewest, seeds = planned, 2 * planned
        while not detected(seeds):
            fewest, seeds = seeds, 2 * seeds
            if seeds > MOST_TIMES * planned:
                return None
        between = range(fewest + 1, seeds)
        return [*between, seeds][bisect_left(between, True, key=detected)]

    def _simulated(
        self, design: pd.DataFrame, shift: float, spread: float | None, trials: int
    ) -> Counter[Verdict]:
        """Return how often each verdict comes out of simulated studies in which the statistic's true value is `shift` on
        the claim's side of the threshold."""
        truth = self.threshold + (shift if self.direction == "above" else -shift)
        verdicts: Counter[Verdict] = Counter()
        with fixed_resamples():
            for trial in range(trials):
                rng = numpy_generator(0, f"control {self.name} {truth:.6g}", trial)
                try:
                    table = self.statistic.simulate(
                        design, truth, self.spread if spread is None else spread, rng
                    )
                    verdicts[self.decide(self.statistic.estimate(table)).verdict] += 1
                except NotEnough:
                    verdicts["undecided"] += 1
        return verdicts

    def detectable(self, design: pd.DataFrame, spread: float) -> float:
        """Return the smallest effect that is detected with power `POWER` at this spread; inf if it is above 16 effects."""

        def detected(effect: float) -> bool:
            verdicts = self._simulated(design, effect, spread, SEARCH_TRIALS)
            return verdicts["supported"] >= POWER * SEARCH_TRIALS

        own = self.effects[0]
        if not detected(own):
            larger = (own * 2 ** (step / 2) for step in range(1, 9))
            return next((effect for effect in larger if detected(effect)), math.inf)
        # 64 steps, evenly spaced in the log, from a sixteenth of the effect to itself: six bisections.
        smaller = [own * 16 ** (step / 64 - 1) for step in range(1, 64)]
        return [*smaller, own][bisect_left(smaller, True, key=detected)]


def planned_seeds(design: pd.DataFrame) -> int:
    """Return the number of seeds of the cell that has most of them."""
    return int(design.groupby("cell")["seed"].nunique().max())


def _with_seeds(design: pd.DataFrame, times: float) -> pd.DataFrame:
    """Return a design with so many times the seeds of each cell, those beyond the planned ones like them in turn."""
    import pandas as pd

    runs = []
    for _, cell in design.groupby("cell", sort=False):
        by_seed = [rows for _, rows in cell.groupby("seed", sort=False)]
        seeds = range(math.ceil(times * len(by_seed)))
        runs += [by_seed[seed % len(by_seed)].assign(seed=seed) for seed in seeds]
    return pd.concat(runs, ignore_index=True)
