"""Does R', which is known before training, tell whether learning passes phase B?

R' is what only the label can still teach, over what images teach beyond their covariance, each weighed as the loss does
(`phasescope predict`, docs/theory.md). Where it is small a network gains by painting one whole object long before it gains
by placing it. Three cells suggested the rule: noise, v and image prediction on a linear schedule. Here one network and one
optimiser learn under other objectives: other weightings of the loss, another schedule, flow matching.

Under min-SNR the three parametrizations weigh errors alike, so their R' is one number: where they part, something else than
R' tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.studies.core.captions import saying
from phasescope.studies.core.claim import Claim
from phasescope.studies.core.criteria import mean_told, phases_of, runs_of, some_runs
from phasescope.studies.core.curves import phase_grid
from phasescope.studies.core.made import Courses, rise
from phasescope.studies.core.study import Curve, Figure, Panel, Study, Table
from phasescope.studies.found._foretold import (
    CELLS,
    CLOSE,
    NAMES,
    SEEDS,
    OfRun,
    follows,
    foretold,
    length_of_b,
    passes_b,
    r_prime,
    rank_correlation,
    share_of_way,
)
from phasescope.studies.found._made import SPREAD, as_p1_says, at, controls, order, read_as, straight_to_c

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.config import RunConfig
    from phasescope.studies.core.study import Cell


def small_to_large(cell: str) -> float:
    """1 at the cell of the smallest R', 0 at that of the largest, between them by log R'."""
    logs = {name: np.log(r_prime(name)) for name in NAMES}
    return float((max(logs.values()) - logs[cell]) / (max(logs.values()) - min(logs.values())))


def whatever(cell: str) -> float:
    """A number that differs from cell to cell, whatever R'."""
    return (3 * NAMES.index(cell) % len(NAMES)) / (len(NAMES) - 1)


def mixed(share: float) -> Callable[[str], float]:
    """From `whatever` to `small_to_large`."""
    return lambda cell: share * small_to_large(cell) + (1 - share) * whatever(cell)


def below_the_middle(cell: str) -> float:
    """1 at the cells of the smaller half of log R', 0 at the others."""
    return float(small_to_large(cell) > 0.5)


def passing(chance: Callable[[str], float]) -> Courses:
    """Runs that pass B, in a share of them that differs from cell to cell; the others go straight to C."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> Mapping[str, Any]:
        passes = generator.random() < chance(cell.name)
        return (as_p1_says if passes else straight_to_c)(cell, config, generator)

    return courses


def lasting(part: Callable[[str], float], spread: float = SPREAD) -> Courses:
    """B begins at a quarter of the run and lasts up to half of it."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> Mapping[str, Any]:
        T = config.training.steps
        formed = at(0.25, config, generator)
        placed = rise(formed + at(0.08 + 0.5 * part(cell.name), config, generator, spread), T / 60)
        return {"formed": rise(formed, T / 60), "x": placed, "y": placed, **order(placed)}

    return courses


def _claims() -> list[Claim]:
    reads = ("phase.", "outcomes.")
    made = partial(controls, lambda: STUDY, NAMES, reads=reads)

    def claim(
        name: str,
        sentence: str,
        what: str,
        of_run: OfRun,
        *,
        positive: Courses,
        negative: Courses,
        between: Callable[[float], Courses],
    ) -> Claim:
        estimate = partial(follows, of_run)
        borderline = read_as(CLOSE, between, (0, 0.3, 0.6, 1), estimate, lambda: STUDY, NAMES, reads)
        return Claim(
            name,
            sentence,
            "phasescope",
            f"Spearman's correlation over cells of R' with {what}, mean over runs; interval over runs within cells",
            CLOSE,
            estimate,
            "against",
            "It speaks for these cells, one network and one optimiser: what else differs between them is not held. Phases "
            "that last less than the time between two snapshots are not seen.",
            direction="below",
            cells=NAMES,
            family="R' tells phase B before training",
            system="eps",
            controls=made(positive, negative, borderline),
        )

    of_length = partial(
        claim,
        positive=lasting(small_to_large),
        negative=lasting(whatever),
        between=lambda share: lasting(mixed(share), spread=0.5),
    )
    return [
        claim(
            "r_prime_tells_b",
            "The smaller R', the more runs pass phase B: known before training.",
            "the share of runs whose images are in B before they are in C",
            passes_b,
            positive=passing(below_the_middle),
            negative=passing(whatever),
            between=lambda share: passing(mixed(share)),
        ),
        of_length(
            "r_prime_tells_length",
            "The smaller R', the longer phase B lasts, in images.",
            "the images seen from the onset of B to that of C, or to the end; 0 in runs without B",
            length_of_b,
        ),
        of_length(
            "r_prime_tells_share_of_way",
            "The smaller R', the larger the part of the way to C that is phase B.",
            "the same length over the images seen until C, or until the end",
            share_of_way,
        ),
    ]


OUTCOMES: dict[str, OfRun] = {
    "share that passes B": passes_b,
    "length of B": length_of_b,
    "part of the way": share_of_way,
}
CANDIDATES: dict[str, Callable[[str], float]] = {
    "R'": r_prime,
    **{
        f"R' of t in fifth {number + 1}": lambda cell, number=number: foretold(cell)["bands"][number]
        for number in range(5)
    },
    "weight where one image stands out": lambda cell: foretold(cell)["weight_at_condensation"],
}


def candidates(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """What else the length of B may follow: rank correlations over cells, without intervals."""
    there = [name for name in NAMES if some_runs(frame, [name])]
    if len(there) < 4:
        return []
    means = {
        outcome: np.array([[np.mean([of_run(run) for run in runs_of(frame, [name])]) for name in there]])
        for outcome, of_run in OUTCOMES.items()
    }
    return [
        {
            "what is foretold": words,
            **{
                outcome: float(rank_correlation(np.array([of(name) for name in there]), found)[0])
                for outcome, found in means.items()
            },
        }
        for words, of in CANDIDATES.items()
    ]


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Of each cell what was foretold, and what came."""
    return [
        {
            "objective": name,
            "R'": r_prime(name),
            "foretold": foretold(name)["phases"],
            "runs": len(runs),
            **{
                outcome: float(np.mean([of_run(run) for run in runs])) for outcome, of_run in OUTCOMES.items()
            },
            "right at the end": mean_told(runs, "outcomes.grid.correct"),
        }
        for name in sorted(NAMES, key=r_prime)
        if (runs := some_runs(frame, [name]))
    ]


def against(frame: pd.DataFrame) -> list[Panel]:
    """A dot a run against R', and a dot a cell."""
    there = {name: runs for name in NAMES if (runs := some_runs(frame, [name]))}
    panels = []
    for words, of_run in OUTCOMES.items():
        curves = []
        for number, (name, runs) in enumerate(there.items()):
            values = np.array([of_run(run) for run in runs])
            spread = r_prime(name) * 1.02 ** (np.arange(len(runs)) - (len(runs) - 1) / 2)
            of_cell = of_run is passes_b
            x, y = ([r_prime(name)], values.mean(keepdims=True)) if of_cell else (spread, values)
            curves.append(Curve(np.array(x), y, label=name, series=number, style="points"))
        unit = ", images" if of_run is length_of_b else ""
        panels.append(Panel(words[0].upper() + words[1:], "R'", words + unit, curves, xscale="log"))
    return panels


def courses(frame: pd.DataFrame) -> list[Panel]:
    return [
        phase_grid(runs, phases_of, f"{name}: R' = {r_prime(name):.3g}")
        for name in sorted(NAMES, key=r_prime)
        if (runs := some_runs(frame, [name]))
    ]


STUDY = Study(
    name="foretold",
    number=8,
    question="Does R', known before training, tell whether learning passes phase B?",
    preset="lean",
    cells=tuple(CELLS.values()),
    seeds=SEEDS,
    more=SEEDS,
    headline="r_prime_tells_b",
    claims=tuple(_claims()),
    figures=(
        Figure(
            "against",
            "Phase B against what was foretold",
            against,
            saying(NAMES, "A dot a run, spread about its R'; of the share that passes B, a dot a cell."),
        ),
        Figure(
            "courses",
            "Phases of images in every run, by R'",
            courses,
            saying(NAMES, "A row a run, a column a snapshot; white: undecided."),
        ),
    ),
    tables=(
        Table("cells", "What was foretold of each objective, and what came", rows),
        Table(
            "candidates",
            "What else phase B may follow",
            candidates,
            note=lambda frame: "Spearman's correlation over cells. Looked at after the runs: no claims.",
        ),
    ),
)
