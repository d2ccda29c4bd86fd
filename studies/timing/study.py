"""On P1's ingredients, run by run: does the onset of the manifold predict that of correct samples?

The study `sheet` asks this of 64 runs of `lean`. Here are the sixteen runs of the study `p1`, whose phases had been looked
at when this was written; their correlation had not been computed. Whether the onset of the manifold's order predicts it
cannot be asked: as read from 128 labels, order stays above its threshold in four of the sixteen runs.
"""

from functools import partial

from phasescope.studies import Asked, Claim, Rank, Scatter, Study, Table
from phasescope.studies.readings.crossings import crossing_steps, partial_ranks
from studies.designs.estimates import EstimateTable, comes_after, onsets
from studies.designs.p1 import CELLS, SITE, SMALL
from studies.designs.sheet import LABEL_VARIANCE

PLACED = "accuracy_matched.grid.joint"
SHEET_FORMS = 0.9  # label variance
HALF_CORRECT = 0.5

# Asked: onsets of the sixteen runs had been looked at; their correlation had not been computed.
STUDY = Study(
    name="timing",
    question="On P1's ingredients: are runs whose sheet forms earlier also correct earlier?",
    base="p1",
    answers="S4",
    cells=CELLS,
    seeds=16,
    claims=[
        Claim(
            name="timing_sheet",
            asked=Asked.AFTER,
            sentence="A run whose sheet forms earlier (label variance above 0.9) places samples correctly earlier (more than half of them), beyond what the onset of its loss explains.",
            statistic=Rank(by="x", kind="spearman"),
            numbers=partial(partial_ranks, column=LABEL_VARIANCE, level=SHEET_FORMS, correct=PLACED),
            threshold=0.25,
            effect=(0.66, 0.92),
            caveats=(
                SMALL,
                SITE,
                "64 samples every 100 steps, by DPM-Solver in 12 steps; each counts by its place, "
                "however noisy it is. With sixteen runs only a correlation above .9 or below -.65 is "
                "likely to be decided.",
            ),
        )
    ],
    plots=[
        Scatter(
            "onsets",
            "Onset of accuracy against onset of the sheet",
            x=partial(crossing_steps, column=LABEL_VARIANCE, level=SHEET_FORMS),
            y=partial(crossing_steps, column=PLACED, level=HALF_CORRECT),
            xlabel="label variance above .9 (step)",
            ylabel="half of samples correct (step)",
            by="cell",
        )
    ],
    tables=[
        EstimateTable(
            "Without the control for the loss",
            {
                "rank correlation of the two onsets": partial(
                    onsets, column=LABEL_VARIANCE, level=SHEET_FORMS, correct=PLACED
                )
            },
            note="Asked after a look.",
        ),
        Table(
            "Which comes first",
            {
                "the sheet forms after half of the samples are correct": partial(
                    comes_after, column=LABEL_VARIANCE, level=SHEET_FORMS, correct=PLACED
                )
            },
        ),
    ],
)
