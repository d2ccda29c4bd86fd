"""How often the number of phases is correct in simulated studies, and what recorded runs say.

    python -m benchmarks.phase_count               the simulated studies of docs/measures/phase_count.md
    python -m benchmarks.phase_count --recorded    the recorded runs of that page: estimates after a look

A simulated study has runs with 64 samples at each of 40 snapshots, of four possible sets of shares. Samples of one snapshot
are correlated by .03. Phases are abrupt and begin at times of each run's own; gradual courses pass through the same shares.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.records import ROOT
from phasescope.measures.over_runs import Estimate, mean_over_runs
from phasescope.measures.phase_count import PhaseCount, count_phases

STEPS = np.arange(150, 6001, 150)
SAMPLES = 64
RHO = 0.03
# No bump, several, a malformed one, a misplaced one, a correct one.
SHARES = np.array(
    [
        [0.55, 0.25, 0.18, 0.01, 0.01],
        [0.15, 0.45, 0.20, 0.19, 0.01],
        [0.05, 0.10, 0.10, 0.70, 0.05],
        [0.01, 0.05, 0.04, 0.10, 0.80],
    ]
)
CHOSEN = {1: [2], 2: [0, 3], 3: [0, 2, 3], 4: [0, 1, 2, 3]}
"""rows of `SHARES`, by the number of phases"""
MIDDLES = (600, 1800, 3600)
"""steps at which a gradual course is halfway between two rows"""

RECORDED = (
    ("p1", "p1", "object"),
    ("p1", "p1", "outcomes.grid"),
    ("entry", "hidden=0", "outcomes.grid"),
    ("entry", "hidden=256", "outcomes.grid"),
    ("condition", "lean", "outcomes.grid"),
    ("condition", "hidden", "outcomes.grid"),
    ("condition", "flow", "outcomes.grid"),
)
"""study, cell, and columns of the outcomes"""
MOST_RECORDED = 8


def drawn(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return counts of `SAMPLES`, of shares (..., C), with correlation `RHO` within a snapshot."""
    weights = rng.gamma(shares * (1 - RHO) / RHO)
    return rng.multinomial(SAMPLES, weights / weights.sum(axis=-1, keepdims=True))


def phased(runs: int, rng: np.random.Generator, number: int, scatter: float = 0.4) -> np.ndarray:
    """Return counts (R, T, C) of runs with abrupt phases, whose beginnings scatter between runs, in log steps."""
    middle = np.log(np.linspace(0, 1, number + 1)[1:-1] * 4500 + 300)
    begins = np.sort(middle + scatter * rng.standard_normal((runs, number - 1)), axis=1)
    state = (np.log(STEPS)[:, None] >= begins[:, None]).sum(axis=2)
    return drawn(SHARES[CHOSEN[number]][state], rng)


def gradual(runs: int, rng: np.random.Generator, pace: float = 0.0, stretch: float = 0.0) -> np.ndarray:
    """Return counts (R, T, C) of runs that pass smoothly through all shares.

    Args:
        pace: standard deviation of runs' shifts in log steps.
        stretch: that of the logarithm of how much slower each runs through its course.
    """
    times = np.log(STEPS)
    slower = np.exp(stretch * rng.standard_normal((runs, 1))) if stretch else 1.0
    own = times.mean() + slower * (times - times.mean()) + pace * rng.standard_normal((runs, 1))

    passed = 1 / (1 + np.exp(-(own[..., None] - np.log(MIDDLES)) / 0.35))
    between = passed[..., :-1] * (1 - passed[..., 1:])
    weights = np.concatenate([1 - passed[..., :1], between, passed[..., -1:]], axis=2)
    return drawn(weights / weights.sum(axis=2, keepdims=True) @ SHARES, rng)


COURSES: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    **{str(number): partial(phased, number=number) for number in CHOSEN},
    "gradual": gradual,
    "gradual at their own pace": partial(gradual, pace=0.3),
    "gradual, shifted and stretched": partial(gradual, pace=0.25, stretch=0.2),
}


def simulated(course: str, runs: int, trial: int = 0, most: int = 5) -> PhaseCount:
    """Return the number of phases that a simulated study of `COURSES` shows."""
    rng = np.random.default_rng([trial, 17])
    return count_phases(COURSES[course](runs, rng), np.log(STEPS), most=most)


def recorded(study: str, cell: str, columns: str, most: int = MOST_RECORDED) -> tuple[PhaseCount, int]:
    """Return the number of phases of a study's runs at the snapshots that all of them have, and the number of runs."""
    import pandas as pd

    table = pd.read_parquet(ROOT / "studies" / study / "records.parquet")
    table = table[(table["cells"] == f'["{cell}"]') & (table["step"] > 0)]
    runs = [run.set_index("step") for _, run in table.groupby("digest")]
    steps = np.array(sorted(set.intersection(*[set(run.index) for run in runs])))

    outcomes = ("none", "multiple", "malformed", "misplaced", "correct")
    names = [f"{columns}.{name}" for name in outcomes if f"{columns}.{name}" in table]
    shares = np.stack([run.loc[steps, names].to_numpy(dtype=float) for run in runs])
    counts = np.rint(shares * table["outcomes.grid.n"].iloc[0])
    return count_phases(counts, np.log(steps), most=most), len(runs)


def print_simulated(trials: int = 50) -> None:
    print("| course | runs | phases counted: studies |\n|---|---|---|")
    for runs in (8, 16):
        for course in COURSES:
            numbers = Counter(simulated(course, runs, trial).number for trial in range(trials))
            counted = ", ".join(f"{number}: {times}" for number, times in sorted(numbers.items()))
            print(f"| {course} | {runs} | {counted} |", flush=True)


def shown(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def print_recorded() -> None:
    print(
        "| study, cell | outcomes | runs | phases | states | states - rival | 3 states - rival | 3 states - clock of 3 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for study, cell, columns in RECORDED:
        count, runs = recorded(study, cell, columns)
        three = count.scores["3 states"]
        beyond_rival = mean_over_runs(three - count.scores[count.rival])
        beyond_clock = mean_over_runs(three - count.scores["clock of 3"])

        print(
            f"| {study}, {cell} | {columns} | {runs} | {count.number} | {count.states} | {shown(count.advantage)} "
            f"| {shown(beyond_rival)} | {shown(beyond_clock)} |",
            flush=True,
        )


if __name__ == "__main__":
    print_recorded() if "--recorded" in sys.argv else print_simulated()
