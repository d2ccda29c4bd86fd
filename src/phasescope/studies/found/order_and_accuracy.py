"""Does the order of latents go with the accuracy of images, and is what is ordered used?

P1 says that the more ordered the latents, the more accurate the images. All that rises while a network learns
correlates, so a run's order is set against another run's of the same cell, which shares the schedule and nothing else:
ranks are freed of images seen and of loss, and what a run's own order tells more of its accuracy than the other's is what
counts. Order that is there may not be used. So what labels explain at a tap is put in from another label while the network
paints: does the bump go where the other label has it?
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from phasescope.places import Place
from phasescope.studies.core.captions import BANDS, THRESHOLDS, saying, saying_each
from phasescope.studies.core.claim import Claim, Controls, Estimate, NotEnough
from phasescope.studies.core.comparing import mean_where
from phasescope.studies.core.criteria import PLACE, RAW_ORDERED, accurate, column, onsets, runs_of, some_runs
from phasescope.studies.core.curves import STEPS, marks, mean_curves, named, ticks, with_runs
from phasescope.studies.core.made import Course, made_records, rise
from phasescope.studies.core.statistics import (
    area,
    mean_of_runs,
    onset_after,
    partial_spearman,
    spearman_over_runs,
)
from phasescope.studies.core.study import Curve, Figure, Panel, Reading, Study
from phasescope.studies.found._cells import AMENDED, BASE, BEFORE, SMALL, SYSTEMS, V
from phasescope.studies.found._looks import middles
from phasescope.studies.found._made import as_p1_says, at, controls, either, order, whole
from phasescope.studies.found.density import FAST

if TYPE_CHECKING:
    import pandas as pd

    from phasescope.runs.config import RunConfig
    from phasescope.store import Run
    from phasescope.studies.core.study import Cell

FAST_NAMES = tuple(cell.name for cell in FAST.values())
OF: dict[str, tuple[str, ...]] = {
    "eps": (BASE.name,),
    "small": (SMALL.name,),
    "v": (V.name,),
    "fast": FAST_NAMES,
}
"""cells of each system"""
ACCURACY = "outcomes.grid.correct"
SEEN = Place("mid", 50)
ORDERS = {
    "all": ("order", f"order at {named(*PLACE)}", f"order.{PLACE}.value"),
    "seen": (
        "order of the image seen",
        f"order of the image that is seen, at {named(*SEEN)}",
        f"order_seen.{SEEN}.value",
    ),
}
STRONG = 0.5
"""correlation from which order and accuracy go closely together: a large effect by Cohen's (1988) convention"""
TOGETHER = 2.0
"""ratio of onsets, accuracy's over order's, below which accuracy does not lag behind"""
MAJORITY = 0.5
BESIDES = ("images_seen", "loss")
TAPS = ("down3", "mid", "up1")
"""at which something is put in"""
IMAGES = 64
READS = ("accuracy.", "outcomes.", "order.", "order_seen.")


def read_use(run: Run) -> list[dict[str, Any]]:
    """At the middle snapshot of each phase, what follows where something of another label is put in at a tap.

    `part` puts in what labels explain there, `patch` all that is there. By the matched filter: the share of images that
    hold what was put in and that which hold what was told, and px moved per px asked.
    """
    from phasescope.runs.intervening import intervene

    rows = []
    for letter, snapshot in middles(run).items():
        row: dict[str, Any] = {"step": snapshot.step, "phase": letter}
        for tap in TAPS:
            for how in ("part", "patch"):
                scores = intervene(run, tap, how, count=IMAGES, step=snapshot.step).scores
                for name in ("follows", "stays", "moved.x", "moved.y"):
                    row[f"{tap}.{how}.{name}"] = scores[f"matched.{name}"].value
                row[f"{tap}.{how}.loss"] = scores["loss"].value / scores["loss.told"].value
        rows.append(row)
    return rows


def own(runs: Sequence[pd.DataFrame], name: str) -> list[np.ndarray]:
    return [column(run, name) for run in runs]


def of_each_run(
    runs: Sequence[pd.DataFrame], values: Sequence[np.ndarray], given: Sequence[str] = ()
) -> np.ndarray:
    """Of each run the rank correlation of its values with accuracy, over snapshots after the first."""
    found = []
    for run, of_run in zip(runs, values, strict=True):
        later = (run["step"] > 0).to_numpy()
        others = [column(run, name)[later] for name in given]
        found.append(partial_spearman(of_run[later], column(run, ACCURACY)[later], others))
    return np.array(found)


def mean_correlation(values: np.ndarray, runs: Sequence[pd.DataFrame]) -> Estimate:
    known = values[np.isfinite(values)]
    detail = {"least_run": float(known.min()), "most_run": float(known.max())} if len(known) else {}
    return mean_of_runs(values, detail, cells_of(runs))


def cells_of(runs: Sequence[pd.DataFrame]) -> list[str]:
    return [run["cell"].iloc[0] for run in runs]


def within_runs(cells: Sequence[str], name: str, frame: pd.DataFrame) -> Estimate:
    runs = runs_of(frame, cells)
    return mean_correlation(of_each_run(runs, own(runs, name)), runs)


def of_next_run(runs: Sequence[pd.DataFrame], name: str) -> list[np.ndarray]:
    """In each run's place the values of the next run of its cell, at the same steps."""
    found = []
    cells = cells_of(runs)
    for i, cell in enumerate(cells):
        same = [j for j, other in enumerate(cells) if other == cell]
        if len(same) < 2:
            raise NotEnough(f"another run's order needs 2 runs of {cell}")
        other = runs[same[(same.index(i) + 1) % len(same)]].set_index("step")[name]
        found.append(other.reindex(runs[i]["step"]).to_numpy(dtype=float))
    return found


def beyond_other_run(cells: Sequence[str], name: str, frame: pd.DataFrame) -> Estimate:
    """The partial correlation with a run's own order, less that with another run's."""
    runs = runs_of(frame, cells)
    mine = of_each_run(runs, own(runs, name), BESIDES)
    other = of_each_run(runs, of_next_run(runs, name), BESIDES)
    return mean_correlation(mine - other, runs)


def accuracy_after_order(cells: Sequence[str], frame: pd.DataFrame) -> Estimate:
    """The onset of accuracy over that of order, in the same run."""
    runs = runs_of(frame, cells)
    of_order, right = onsets(runs, RAW_ORDERED), onsets(runs, accurate("grid"))
    detail = {
        "runs_without_order": float((~of_order.came).sum()),
        "runs_without_accuracy": float((~right.came).sum()),
    }
    return onset_after(of_order, right, "no run came to order, nor to accuracy", detail)


def means_over_training(runs: Sequence[pd.DataFrame]) -> list[np.ndarray]:
    """Of each run the mean over training of order, and of accuracy."""
    return [
        np.array([area(column(run, "step"), column(run, name)) for run in runs])
        for name in (f"order.{PLACE}.value", ACCURACY)
    ]


def across_seeds(frame: pd.DataFrame) -> Estimate:
    """Over runs, less their cells' means, the rank correlation of order's mean over training with accuracy's."""
    runs = runs_of(frame, FAST_NAMES)
    x, y = means_over_training(runs)
    for cell in set(cells_of(runs)):
        same = np.array(cells_of(runs)) == cell
        x[same], y[same] = x[same] - x[same].mean(), y[same] - y[same].mean()
    return spearman_over_runs(x, y)


def of_phase(run: pd.DataFrame, letter: str) -> pd.DataFrame:
    """The row of a run at which something was put in, in a phase.

    Raises:
        NotEnough: nothing was put in.
    """
    if "use.phase" not in run:
        raise NotEnough("the records lack `use`: nothing was put in")
    return run[run["use.phase"] == letter]


def follows(tap: str, how: str, frame: pd.DataFrame) -> Estimate:
    """In phase C the share of images that hold what was put in, mean over runs."""
    values, moved = [], []
    for run in runs_of(frame, [BASE.name]):
        there = of_phase(run, "C")
        known = np.ones(len(there), dtype=bool)
        values.append(mean_where(column(there, f"use.{tap}.{how}.follows"), known))
        moved.append(mean_where(column(there, f"use.{tap}.{how}.moved.x"), known))
    return mean_of_runs(
        values, {"px_moved_per_px": float(np.nanmean(moved)) if np.isfinite(moved).any() else np.nan}
    )


def _study() -> Study:
    return STUDY


def wavering(course: Course, dips: np.ndarray) -> Course:
    """A course with setbacks, by step."""
    return lambda steps: course(steps) * (1 - dips[steps.astype(int) % len(dips)])


def going(by: float, seen: bool) -> Any:
    """Order that has each setback of accuracy (1), none of it (0), or one where accuracy has none (-1)."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        placed = rise(at(0.4, config, generator), T / 8)
        dips, others = generator.uniform(0.0, 0.5, (2, 4000))
        of_order = wavering(placed, dips if by > 0 else 0.5 - dips if by < 0 else others)
        told = {"seen_route": of_order} if seen else order(of_order)
        return {"formed": whole, "x": wavering(placed, dips), "y": whole, **told}

    return courses


def apart(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
    """Accuracy rises; order goes up and down as it likes."""
    T = config.training.steps
    wild = generator.uniform(0.2, 0.9, 4000)
    course: Course = lambda steps: wild[steps.astype(int) % 4000]  # noqa: E731
    return {
        "formed": whole,
        "x": rise(at(0.4, config, generator), T / 8),
        "y": whole,
        "seen_route": course,
        **order(course),
    }


def lag(times: float) -> Any:
    """Accuracy sets in at `times` the step of order."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        ordered = at(0.3, config, generator)
        return {
            "formed": whole,
            "x": rise(ordered * times, T / 80),
            "y": whole,
            **order(rise(ordered - T / 40, T / 80)),
        }

    return courses


def following(share: float, generator: np.random.Generator) -> pd.DataFrame:
    """Records of the base's runs, in phase C of which a share of images follows, whatever is put in."""
    frame = made_records(_study(), as_p1_says, generator, cells=[BASE.name], reads=("phase.",))
    read = {"phase": np.full(len(frame), None, dtype=object)}
    rows = [
        run.index[run["phase.behaviour"] == "C"][0]
        for _, run in frame.groupby(["cell", "seed"], sort=True)
        if (run["phase.behaviour"] == "C").any()
    ]
    read["phase"][rows] = "C"
    for tap in TAPS:
        for how in ("part", "patch"):
            values = read[f"{tap}.{how}.follows"] = np.full(len(frame), np.nan)
            p = np.clip(share + 0.05 * generator.standard_normal(len(rows)), 0, 1)
            values[rows] = generator.binomial(IMAGES, p) / IMAGES
            read[f"{tap}.{how}.moved.x"] = values
    return frame.assign(**{f"use.{name}": values for name, values in read.items()})


def _claims_of(system: str, which: str) -> list[Claim]:
    words, cells = SYSTEMS[system], OF[system]
    short, reading, name = ORDERS[which]
    before = "" if system == "eps" else f" {BEFORE}"
    seen = which == "seen"
    claim = partial(
        Claim,
        source="P1" if system in ("eps", "small") else "P1, on another system",
        cells=cells,
        figure="stand_ins",
        system=system,
    )
    made = partial(controls, _study, cells, reads=READS)
    return [
        claim(
            f"rise_together_{which}_{system}",
            f"While a network learns, {reading} and accuracy rise together: {words}.",
            statistic="Spearman's correlation over a run's trained snapshots of R² with the share of right images, mean "
            "over runs",
            threshold=STRONG,
            estimate=partial(within_runs, cells, name),
            family=f"{short} and accuracy rise together",
            does_not_show=f"Whatever rises while a network learns correlates: compare another run's order.{before}",
            controls=made(going(1, seen), apart, either(going(1, seen), apart, 0.55)),
        ),
        claim(
            f"beyond_other_run_{which}_{system}",
            f"A run's own order tells its accuracy better than another run's does ({reading}): {words}.",
            statistic="Spearman's partial correlation over a run's trained snapshots, given images seen and loss, less the "
            "same with the order of the next seed's run, mean over runs",
            threshold=0.0,
            estimate=partial(beyond_other_run, cells, name),
            family=f"{short} tells accuracy, beyond the clock",
            does_not_show=f"Runs that differ little from one another cannot show what differs between them.{before}",
            controls=made(going(1, seen), going(-1, seen), going(0, seen)),
        ),
    ]


def _further() -> list[Claim]:
    claims = [
        Claim(
            "set_in_together_eps",
            f"Accuracy sets in by twice the steps that order at {named(*PLACE)} takes: {SYSTEMS['eps']}.",
            "P1",
            "median over runs of accuracy's onset on the grid over order's, in steps, sign-test interval",
            TOGETHER,
            partial(accuracy_after_order, OF["eps"]),
            "onsets",
            "A threshold's crossing, not the whole rise; snapshots bound how sharply early onsets are known.",
            direction="below",
            cells=OF["eps"],
            family="order and accuracy set in together",
            system="eps",
            controls=controls(_study, OF["eps"], lag(1.2), lag(3.0), lag(TOGETHER), reads=READS),
        ),
        Claim(
            "across_seeds_fast",
            "Of runs on the same data, those of more order are more accurate: preset fast, all densities and widths.",
            "P1, on another system",
            "Spearman's correlation over runs of order's mean over training with accuracy's, each less its cell's mean",
            0.0,
            across_seeds,
            "across",
            f"Seeds differ little: a small correlation may be all that can be seen. {BEFORE}",
            minimum_n=30,
            cells=FAST_NAMES,
            family="order tells accuracy, across seeds",
            system="fast",
            controls=controls(_study, FAST_NAMES, *(_across(by) for by in (1, -1, 0)), reads=READS),
        ),
    ]
    words = {
        "part": "what labels explain at {} is put in from another label",
        "patch": "all of {} is another label's",
    }
    for tap in TAPS:
        for how in ("part", "patch"):
            claims.append(
                Claim(
                    f"used_{how}_{tap}",
                    f"Order is used: in phase C, where {words[how].format(tap)}, most bumps go where that label has them.",
                    "phasescope",
                    "share of images whose bump is within 1 px of what was put in, by matched filter, mean over runs",
                    MAJORITY,
                    partial(follows, tap, how),
                    "use",
                    "Blocks beside and after the tap hear the label that is told: where they place the bump, what is at the "
                    "tap may be known and not needed.",
                    cells=OF["eps"],
                    family=f"latents are used at {tap}",
                    system="eps",
                    controls=Controls(
                        partial(following, 0.85), partial(following, 0.15), partial(following, MAJORITY)
                    ),
                )
            )
    return claims


def _across(by: float) -> Any:
    """Runs of a cell differ: sooner ordered, sooner right (1), later right (-1), or neither."""

    def courses(cell: Cell, config: RunConfig, generator: np.random.Generator) -> dict[str, Any]:
        T = config.training.steps
        own, other = generator.standard_normal(2)
        right = 0.45 * np.exp(0.25 * own)
        ordered = 0.45 * np.exp(0.25 * (by * own if by else other))
        return {"formed": whole, "x": rise(right * T, T / 20), "y": whole, **order(rise(ordered * T, T / 20))}

    return courses


STAND_INS: dict[str, str] = {
    "order": ORDERS["all"][2],
    "order seen": ORDERS["seen"][2],
    "label share": f"label_share.{PLACE}.value",
    "images seen": "images_seen",
}


def stand_ins(frame: pd.DataFrame) -> list[Panel]:
    panel = partial(Panel, xlabel="", ylabel="rank correlation with accuracy", ylim=(-1.1, 1.1), level=0.0)
    panels = []
    for words, runs in with_runs(frame, ((SYSTEMS[system], cells) for system, cells in OF.items())):
        rows = {
            name: own(runs, one)
            for name, one in STAND_INS.items()
            if one in frame and all(run[one].notna().any() for run in runs)
        }
        for name in ("order", "order seen"):
            with suppress(NotEnough, KeyError):
                if name in rows:
                    rows[f"{name}, of another run"] = of_next_run(runs, STAND_INS[name])
        curves = [
            marks(
                (
                    lambda values=values, given=given, runs=runs: mean_correlation(
                        of_each_run(runs, values, given), runs
                    )
                    for values in rows.values()
                ),
                label,
                number,
                0.12 * (2 * number - 1),
            )
            for number, (label, given) in enumerate((("alone", ()), ("given images seen, loss", BESIDES)))
        ]
        panels.append(panel(words, curves=curves, ticks=ticks(rows)))
    return panels


def onset_panels(frame: pd.DataFrame) -> list[Panel]:
    names = {
        f"order, {named(*PLACE)}": ORDERS["all"][2],
        f"order seen, {named(*SEEN)}": ORDERS["seen"][2],
        "share of right images, on the grid": ACCURACY,
        "share of right images, off the grid": "outcomes.off_grid.correct",
    }
    panels = []
    for words, runs in with_runs(frame, ((SYSTEMS[system], OF[system]) for system in ("eps", "small", "v"))):
        known = {
            label: name for label, name in names.items() if name in runs[0] and runs[0][name].notna().any()
        }
        panels.append(Panel(words, STEPS, "R², or share", mean_curves(runs, known), ylim=(-0.05, 1.02)))
    return panels


def across(frame: pd.DataFrame) -> list[Panel]:
    curves = []
    for number, sigma in enumerate((0.5, 1.0, 2.0)):
        names = [cell.name for (_, width), cell in FAST.items() if width == sigma]
        if runs := some_runs(frame, names):
            curves.append(
                Curve(
                    *means_over_training(runs), label=f"sigma = {sigma:g} px", series=number, style="points"
                )
            )
    return (
        [Panel(SYSTEMS["fast"], "order, mean over training", "accuracy, mean over training", curves)]
        if curves
        else []
    )


def use(frame: pd.DataFrame) -> list[Panel]:
    """Of each phase a mark a tap and way of putting in: the share that follows, and px moved per px asked."""
    runs = [run for run in some_runs(frame, [BASE.name]) if "use.phase" in run]
    panels = []
    for name, ylabel in (
        ("follows", "share of images that follow"),
        ("moved.x", "px moved per px asked, along x"),
    ):
        curves = []
        for series, (letter, how) in enumerate((a, b) for a in "BC" for b in ("part", "patch")):

            def mean(tap: str, letter: str = letter, how: str = how, name: str = name) -> Estimate:
                there = [of_phase(run, letter) for run in runs]
                return mean_of_runs(
                    [
                        mean_where(column(one, f"use.{tap}.{how}.{name}"), np.ones(len(one), dtype=bool))
                        for one in there
                    ]
                )

            words = {"part": "what labels explain", "patch": "all"}[how]
            curves.append(
                marks(
                    (partial(mean, tap) for tap in TAPS),
                    f"phase {letter}: {words}",
                    series,
                    0.1 * (series - 1.5),
                )
            )
        panels.append(Panel("Put in at a tap", "", ylabel, curves, ticks=ticks(TAPS), ylim=(-0.1, 1.1)))
    return panels


STUDY = Study(
    name="order_and_accuracy",
    number=4,
    question="Does the order of latents go with the accuracy of images, and is what is ordered used to paint?",
    preset="lean",
    cells=(BASE, SMALL, V, *FAST.values()),
    seeds=8,
    more=8,
    amendments=AMENDED,
    claims=(
        *(claim for which in ORDERS for claim in _claims_of("eps", which)),
        *(claim for system in ("small", "v", "fast") for claim in _claims_of(system, "all")),
        *_further(),
    ),
    figures=(
        Figure(
            "stand_ins",
            "What goes with accuracy while a network learns",
            stand_ins,
            saying_each(
                {system: (SYSTEMS[system], cells) for system, cells in OF.items()},
                "Mean over runs of rank correlations over snapshots, with intervals over runs. "
                "What does not vary in a run counts as 0.",
            ),
            columns=1,
        ),
        Figure(
            "onsets",
            "Which comes first",
            onset_panels,
            saying((BASE.name, SMALL.name, V.name), f"{BANDS} {THRESHOLDS}"),
            columns=2,
        ),
        Figure(
            "use",
            "Where a bump goes when something of another label is put in",
            use,
            saying(
                (BASE.name,),
                f"At the middle snapshot of each phase, {IMAGES} images an intervention, read by matched filter. Means over "
                "runs with their intervals.",
            ),
            columns=2,
        ),
        Figure(
            "across", "Order and accuracy of runs", across, saying(FAST_NAMES, "A mark a run."), columns=1
        ),
    ),
    readings=(Reading("use", read_use, cells=(BASE.name,)),),
)
