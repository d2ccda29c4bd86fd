"""Trained on x and y of unequal density, does a network learn the two together, or each by its own density?

Liang et al. 2024 (arXiv 2402.03305) train with d_x much smaller than d_y, see x and y learned together, and conclude that
the model is coupled. Every imbalanced cell has its mirror image, so that nothing rests on x and y being rendered
differently. Axes of unequal density are compared by the sub-pixel fit of well-formed samples alone. The darkest pixel (1
px) and the matched filter (0.5 px) favour integer labels: within 1 px they accept a window of 1.5 and 1.25 px around these,
and of 1 px around labels in steps of 0.1 px, so that by them the sparser axis comes first.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

import phasescope.studies as ps

PAIRS = {
    "tenfold": (0.1, 1.0, "grid", "on the grid, increments of 0.1 and 1 px"),
    "fourfold": (0.25, 1.0, "grid", "on the grid, increments of 0.25 and 1 px"),
    "coarse": (1.0, 4.0, "off_grid", "between grid points, increments of 1 and 4 px"),
}
"""increments of a cell and of its mirror image, the split that is asked, words"""
MIDDLE = (0.2, 0.8)  # accuracies between which a joint accuracy is informative


def cell(dx: float, dy: float, pair: str, name: str) -> ps.Cell:
    return ps.Cell(name, {"world": {"design": {"dx": dx, "dy": dy}}}, {"pair": pair, "dense_x": dx < dy})


CELLS = [ps.Cell("eps", {}, {"pair": "balanced"}), cell(4.0, 4.0, "balanced, 4 px", "eps, d=4")] + [
    cell(dx, dy, pair, f"eps, d=({dx:g}, {dy:g})")
    for pair, (dense, sparse, *_) in PAIRS.items()
    for dx, dy in ((dense, sparse), (sparse, dense))
]


@ps.reads("accuracy.{split}.x", "accuracy.{split}.y", "outcomes.{split}.n")
def onsets_of_axes(runs: ps.Runs, split: str) -> pd.DataFrame:
    """Return the onset of accuracy along the sparser axis (`y`) and along the denser one (`y_second`)."""
    x, y = runs.onsets(runs.accurate(split, "x")), runs.onsets(runs.accurate(split, "y"))
    dense_x = runs.table["dense_x"].to_numpy(dtype=bool)

    table = y.copy()
    for name in ("y", "last", "came"):
        table[name] = np.where(dense_x, y[name], x[name])
        table[f"{name}_second"] = np.where(dense_x, x[name], y[name])
    return table


@ps.reads("accuracy.{split}.x", "accuracy.{split}.y")
def lead(runs: ps.Runs, split: str) -> np.ndarray:
    """Return accuracy along the denser axis minus that along the sparser one, averaged over training, (n,)."""
    x, y = runs.mean(ps.accuracy(split, "x")), runs.mean(ps.accuracy(split, "y"))
    return np.where(runs.table["dense_x"], x - y, y - x)


@ps.reads("accuracy_{reading}.grid.x", "accuracy_{reading}.grid.y", "together.{reading}.grid.x,y.phi.value")
def phi(runs: ps.Runs, reading: str) -> np.ndarray:
    """Return phi of being correct in x and in y, averaged over snapshots with both accuracies in `MIDDLE`, (n,)."""
    columns = (
        ps.accuracy("grid", "x", reading),
        ps.accuracy("grid", "y", reading),
        f"together.{reading}.grid.x,y.phi.value",
    )
    courses = zip(*map(runs.courses, columns), strict=True)
    inside = [
        phis[(np.minimum(x, y) >= MIDDLE[0]) & (np.maximum(x, y) <= MIDDLE[1]) & np.isfinite(phis)]
        for x, y, phis in courses
    ]
    return np.array([phis.mean() if len(phis) else np.nan for phis in inside])


class Apart(ps.OnsetRatio):
    """The factor between two onsets of a run, whichever comes first: their median ratio or its inverse."""

    def estimate(self, table: pd.DataFrame) -> ps.Estimate:
        ratio = super().estimate(table)
        ends = [
            max(ratio_end, 1 / ratio_end) if ratio_end > 0 else np.inf
            for ratio_end in (ratio.low, ratio.high)
        ]
        low = 1.0 if ratio.low <= 1 <= ratio.high else min(ends)
        return replace(ratio, value=max(ratio.value, 1 / ratio.value), low=low, high=max(ends))

    def simulate(self, table: pd.DataFrame, truth: float, spread: float, rng: np.random.Generator):
        factor = max(truth, 1.0)  # no factor is smaller
        return super().simulate(table, factor if rng.random() < 0.5 else 1 / factor, spread, rng)


GATED = "A difference before objects form is not seen: samples that are not well-formed are wrong along both axes."

NOT_COUPLED = "That x and y are coupled: two independent learners are together as well if density does not matter. Snapshots are a tenth of an onset apart."
NOT_WHEN = "When it leads: the average mixes an earlier onset with a higher end."
CORNERS = "Labels that are hard in both factors, at corners, couple x and y in a factorized learner too."

# Asked: both sides of `together`, the average of `denser_first` and the reader were chosen when the runs had been looked
# at (2026-11-27, 2026-11-29). An earlier study of `fast` was known.
STUDY = ps.Study(
    question="Trained on x and y of unequal density, does a network learn the two together, or each by its own "
    "density?",
    name="imbalance",
    base="lean",
    answers="S6",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="together_tenfold",
    claims=[
        ps.Claim(
            name="together_tenfold",
            asked=ps.Asked.AFTER,
            sentence="Accuracy along x and along y sets in together, within a factor 1.25: on the grid, increments of 0.1 and 1 px.",
            statistic=Apart(),
            numbers=partial(onsets_of_axes, split="grid"),
            threshold=1.25,
            effect=(0.25, 0.35),
            spread=0.1,
            direction="below",
            where={"pair": "tenfold"},
            source="P1",
            caveats=(
                NOT_COUPLED,
                GATED,
            ),
        ),
        ps.Claim(
            name="denser_first_tenfold",
            asked=ps.Asked.AFTER,
            sentence="Averaged over training, accuracy is higher along the denser axis than along the sparser one: on the grid, increments of 0.1 and 1 px.",
            statistic=ps.Mean(strata="cell"),
            numbers=partial(lead, split="grid"),
            unit="of images",
            threshold=0.0,
            effect=0.02,
            spread=0.02,
            where={"pair": "tenfold"},
            caveats=(
                NOT_WHEN,
                GATED,
            ),
        ),
        ps.Claim(
            name="together_fourfold",
            asked=ps.Asked.AFTER,
            sentence="Accuracy along x and along y sets in together, within a factor 1.25: on the grid, increments of 0.25 and 1 px.",
            statistic=Apart(),
            numbers=partial(onsets_of_axes, split="grid"),
            threshold=1.25,
            effect=(0.25, 0.35),
            spread=0.1,
            direction="below",
            where={"pair": "fourfold"},
            source="P1",
            caveats=(
                NOT_COUPLED,
                GATED,
            ),
        ),
        ps.Claim(
            name="denser_first_fourfold",
            asked=ps.Asked.AFTER,
            sentence="Averaged over training, accuracy is higher along the denser axis than along the sparser one: on the grid, increments of 0.25 and 1 px.",
            statistic=ps.Mean(strata="cell"),
            numbers=partial(lead, split="grid"),
            unit="of images",
            threshold=0.0,
            effect=0.02,
            spread=0.02,
            where={"pair": "fourfold"},
            caveats=(
                NOT_WHEN,
                GATED,
            ),
        ),
        ps.Claim(
            name="together_coarse",
            asked=ps.Asked.AFTER,
            sentence="Accuracy along x and along y sets in together, within a factor 1.5: between grid points, increments of 1 and 4 px.",
            statistic=Apart(),
            numbers=partial(onsets_of_axes, split="off_grid"),
            threshold=1.5,
            effect=0.5,
            spread=0.2,
            direction="below",
            where={"pair": "coarse"},
            source="P1",
            caveats=(
                NOT_COUPLED,
                GATED,
            ),
        ),
        ps.Claim(
            name="denser_first_coarse",
            asked=ps.Asked.AFTER,
            sentence="Averaged over training, accuracy is higher along the denser axis than along the sparser one: between grid points, increments of 1 and 4 px.",
            statistic=ps.Mean(strata="cell"),
            numbers=partial(lead, split="off_grid"),
            unit="of images",
            threshold=0.0,
            effect=0.06,
            spread=0.06,
            where={"pair": "coarse"},
            caveats=(
                NOT_WHEN,
                GATED,
            ),
        ),
        ps.Claim(
            name="right_together_equal",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="A sample that is correct in x tends to be correct in y, phi above 0.3, on a balanced grid.",
            statistic=ps.Mean(strata="cell"),
            numbers=[partial(phi, reading=reading) for reading in ("darkest", "matched")],
            unit="phi",
            threshold=0.3,
            no_effect=0.0,
            effect=0.2,
            spread=0.13,
            where={"pair": "balanced"},
            source="P1",
            limits=CORNERS,
        ),
        ps.Claim(
            name="right_together_unequal",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="A sample that is correct in x tends to be correct in y, phi above 0.3, on imbalanced grids.",
            statistic=ps.Mean(strata="cell"),
            numbers=[partial(phi, reading=reading) for reading in ("darkest", "matched")],
            unit="phi",
            threshold=0.3,
            no_effect=0.0,
            effect=0.1,
            spread=0.1,
            where={"pair": ("tenfold", "fourfold")},
            source="P1",
            limits=CORNERS,
        ),
    ],
    plots=[
        ps.Courses(
            "courses",
            "Accuracy along x and along y, well-formed samples, on the grid",
            {axis: ps.accuracy("grid", axis) for axis in "xy"},
            panels_by="cell",
            ylabel="share correct",
            ylim=(-0.02, 1.02),
            level=0.5,
        ),
        ps.Ends(
            "lead",
            "Lead of the denser axis",
            {
                words: partial(lead, split=split)
                for words, split in (("on the grid", "grid"), ("off it", "off_grid"))
            },
            where={"pair": tuple(PAIRS)},
            level=0.0,
            note="Accuracy along the denser axis minus that along the sparser one, averaged over training.",
        ),
    ],
    tables=[
        ps.Table(
            "Onsets and joint accuracy",
            {
                "onset along x, steps": ps.onset_of_accuracy("grid", "x"),
                "onset along y, steps": ps.onset_of_accuracy("grid", "y"),
                "phi of x and y, matched filter": partial(phi, reading="matched"),
                "correct at the end, on the grid": ps.end(ps.accuracy("grid")),
                "correct at the end, off the grid": ps.end(ps.accuracy("off_grid")),
            },
            note="Onsets are of well-formed samples on the grid: means over the runs that reach them.",
        )
    ],
)
