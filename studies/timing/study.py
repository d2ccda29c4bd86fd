"""On P1's ingredients, run by run: does the onset of the manifold predict that of correct samples?

The study `sheet` asks this of 64 runs of `lean`. Here are the sixteen runs of the study `p1`, whose phases had been looked
at when this was written; their correlation had not been computed. Whether the onset of the manifold's order predicts it
cannot be asked: as read from 128 labels, order stays above its threshold in four of the sixteen runs.
"""

from functools import partial

from phasescope.studies import Claim, Rank, Scatter, Study
from studies.p1 import study as p1
from studies.sheet.readings import crossing_steps, partial_ranks
from studies.sheet.study import TIMED

PLACED = "accuracy_matched.grid.joint"
_, WORDS, HALF, COLUMN, LEVEL = TIMED[0]

STUDY = Study(
    name="timing",
    question="On P1's ingredients: are runs whose sheet forms earlier also correct earlier?",
    base="p1",
    answers="S4",
    cells=p1.STUDY.cells,
    seeds=16,
    claims=[
        Claim(
            "timing_sheet",
            f"A run {WORDS} places samples correctly earlier{HALF}, beyond what the onset of its loss explains.",
            Rank(by="x", kind="spearman"),
            partial(partial_ranks, column=COLUMN, level=LEVEL, correct=PLACED),
            threshold=0.25,
            effect=(0.66, 0.92),
            limits=f"{p1.SMALL} {p1.SITE} 64 samples every 100 steps, by DPM-Solver in 12 steps; each counts by its place, "
            "however noisy it is. With sixteen runs only a correlation above .9 or below -.65 is likely to be decided.",
        )
    ],
    plots=[
        Scatter(
            "onsets",
            "Onset of accuracy against onset of the sheet",
            x=partial(crossing_steps, column=COLUMN, level=LEVEL),
            y=partial(crossing_steps, column=PLACED, level=0.5),
            xlabel="label variance above .9 (step)",
            ylabel="half of samples correct (step)",
            by="cell",
        )
    ],
)
