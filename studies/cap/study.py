"""What limits accuracy if a network knows no absolute position, and what provides that position?

With circular padding and no coordinates a U-Net commutes with shifts by f = patch 2^depth px. Its samples given a label are
then equally likely at all (N / f)^2 shifts of one another, so at most a share (f / N)^2 of them is at the labelled
position, whatever the training, and phase B is the last (docs/theory.md). The bounds are theorems: they check the
instrument. Open is which network finds absolute position by other means: zero padding, other padding, or pixel coordinates.
"""

from functools import partial

import numpy as np

import phasescope.studies as ps
from phasescope.studies.readings.phases import ends_in_b

CANVAS_PX = 32
LAST = 3  # snapshots over which final accuracy is averaged
CORRECT = ps.share("grid", "correct")
PROBE_R2 = ps.score("probe_r2").at("mid", t=600)

PERIODIC = {"boundary": "periodic"}


def torus(name: str, shift_px: int = 0, **network: object) -> ps.Cell:
    """Return a cell on a torus; `shift_px` is the shift with which its network commutes, 0 if it has a source of
    position."""
    axes = {"shift_px": shift_px, "bound": (shift_px / CANVAS_PX) ** 2 or 1.0}
    return ps.Cell(name, {"world": PERIODIC, "network": network}, axes)


CELLS = (
    torus("circular, f = 8", 8, padding="circular", widths=[32, 32, 32]),
    torus("circular, f = 16", 16, padding="circular"),
    # Its bottleneck is one cell, hence a mean over the canvas: it commutes with shifts by 16 px too.
    torus("circular, one cell", 16, padding="circular", patch=4),
    torus("zeros", padding="zeros"),
    torus("reflect", padding="reflect"),
    torus("replicate", padding="replicate"),
    torus("circular, coordinates", padding="circular", coordinates=True),
)
BOUNDED = ("circular, f = 8", "circular, f = 16", "circular, one cell")


@ps.reads(CORRECT)
def above_bound(runs: ps.Runs) -> np.ndarray:
    """Return final accuracy minus the cell's bound, (n,)."""
    return runs.end(CORRECT, LAST) - runs.table["bound"]


@ps.reads(CORRECT, "outcomes.grid.n")
def within_bound(runs: ps.Runs) -> np.ndarray:
    """Return whether the exact interval of final accuracy is not entirely above the cell's bound, (n,)."""
    from scipy.stats import beta

    n = runs.end("outcomes.grid.n")
    correct = np.round(n * runs.end(CORRECT))
    low = beta.ppf(0.0125, np.maximum(correct, 1), n - correct + 1)
    return (correct == 0) | (low <= runs.table["bound"])


@ps.reads(PROBE_R2)
def _probe_above(runs: ps.Runs, level: float) -> np.ndarray:
    """Return whether probe R² ends above a level, (n,)."""
    return runs.end(PROBE_R2) > level


def claims_for(shift_px: int) -> list[ps.Claim]:
    cell = {"cell": f"circular, f = {shift_px}"}
    return [
        ps.Claim(
            name=f"bound_{shift_px}",
            sentence=f"A network that commutes with shifts by {shift_px} px generates at most ({shift_px}/{CANVAS_PX})² "
            f"correctly.",
            statistic=ps.Mean(),
            numbers=above_bound,
            unit="above the bound",
            threshold=0.05,
            direction="below",
            effect=0.05,
            spread=0.02,
            where=cell,
            check=True,
        ),
        ps.Claim(
            name=f"b_is_last_{shift_px}",
            sentence=f"Without a source of position beyond {shift_px} px, samples reach phase B and never C.",
            statistic=ps.Share(),
            numbers=ends_in_b,
            threshold=0.5,
            effect=0.48,
            where=cell,
            limits="The bound already excludes phase C; that B is reached is what was measured.",
            check=True,
        ),
        ps.Claim(
            name=f"ordered_{shift_px}",
            sentence="Probe R² at mid, t = 600, is above 0.9 at the end all the same: order is not enough for accuracy.",
            statistic=ps.Share(),
            numbers=partial(_probe_above, level=0.9),
            threshold=0.5,
            effect=0.48,
            where=cell,
            limits="At this noise level only the label gives the position, and an untrained network passes it on.",
        ),
    ]


SOURCES = {
    "zeros": "zero padding",
    "reflect": "reflecting padding",
    "replicate": "replicating padding",
    "circular, coordinates": "circular padding and pixel coordinates",
}

STUDY = ps.Study(
    name="cap",
    question="What limits accuracy if a network knows no absolute position, and what provides that position?",
    base="lean",
    answers="Q2",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="source_zeros",
    claims=[
        *claims_for(8),
        *claims_for(16),
        ps.Claim(
            name="bound_in_every_run",
            sentence="In every run of a network that commutes with shifts, accuracy is at most the bound.",
            statistic=ps.Share(),
            numbers=within_bound,
            threshold=0.75,
            effect=(0.24, 0.4),
            where={"cell": BOUNDED},
            limits="A run in which nothing is correct passes, and the samples of one snapshot cannot show a "
            "small excess.",
            check=True,
        ),
        *(
            ps.Claim(
                name=f"source_{cell.split(', ')[-1]}",
                sentence=f"On a torus with {words}, samples reach phase C within 2,500 steps.",
                statistic=ps.Share(),
                numbers=ps.ever("phase.behaviour", "C"),
                threshold=0.5,
                effect=0.48,
                where={"cell": cell},
                limits="A run that has not reached C after 2,500 steps might still do so later."
                + (
                    " These runs had been looked at before the claim was preregistered."
                    if cell == "zeros"
                    else ""
                ),
            )
            for cell, words in SOURCES.items()
        ),
    ],
    plots=[
        ps.Courses(
            "accuracy",
            "Accuracy and probe R² on a torus",
            {"correct, on the grid": CORRECT, "probe R² at mid, t = 600": PROBE_R2},
            panels_by="cell",
            ylabel="share, or R²",
            ylim=(-0.05, 1.02),
            references={"bound": {cell.name: cell.axes["bound"] for cell in CELLS if cell.name in BOUNDED}},
        ),
        ps.PhaseGrid("courses", "Phase of the samples in every run"),
    ],
    tables=[
        ps.Table(
            "What each network reaches",
            {
                "accuracy at most": ps.axis("bound"),
                "correct at the end": ps.end(CORRECT, LAST),
                "share of runs that reach B": ps.ever("phase.behaviour", "B"),
                "share of runs that reach C": ps.ever("phase.behaviour", "C"),
                "probe R² at the end": ps.end(PROBE_R2),
            },
        )
    ],
)
