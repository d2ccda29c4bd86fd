"""Does learning pass through P1's phases A, B and C, in samples and in the manifold, and does the one predict the other?

P1 (Liang, Liu & Fiete 2024, arXiv 2402.03305): at first latents form no manifold, and samples hold no bump or several
(A); then latents form a two-dimensional but unordered manifold, and samples hold one bump in the wrong place (B); then
the manifold is ordered, and the bump is in the correct place (C). The manifold is read in two questions: is there a
sheet, and is it ordered? Its thresholds are from simulated clouds (docs/measures/sheet.md). It is read at mid, t = 600:
there an untrained network has no sheet, and a maximum-likelihood fit to the noised image hardly ever finds the place.
"""

from functools import partial

from phasescope.studies import Asked, Claim, Mean, OnsetRatio, Rank, Share, Study, share
from phasescope.studies.readings.crossings import partial_ranks
from phasescope.studies.readings.outcomes import failures, gained
from phasescope.studies.readings.phases import CORRECT, PHASE, SHEET, lag, phases_abc
from studies.designs.estimates import EstimateTable, onsets
from studies.designs.phases import OUTCOMES
from studies.designs.sheet import (
    CELLS,
    LABEL_VARIANCE,
    ORDER,
    SELECTED,
    plots_of_phases,
    table_of_phases,
)

SITE = "The sheet is read at mid, t = 600, from 128 labels under two noise draws."
BETWEEN_SNAPSHOTS = (
    "A phase shorter than 25 steps is not seen, nor one within the undecided snapshots between A and C (100 steps in most "
    "runs, 250 at most)."
)
FEW_SAMPLES = "64 samples at each snapshot, by DPM-Solver in 12 steps. Malformed samples count as phase A."
NO_CAUSE = "Which comes first says nothing of cause."
FEW_STEPS = "A sampler of few steps makes some of these failures: see the study `sampler`."
AFTER_A_LOOK = "Asked after a look at all 64 runs. The phases also differ in the step number."
A_CORRELATION = "A partial rank correlation over runs; it says nothing of cause."

# Asked: `lean` was chosen because its samples pass the phases, and where the manifold is read by runs of `calibration`.
# The last claim was added after a look at all runs.
STUDY = Study(
    name="sheet",
    question="Does learning pass through P1's phases A, B and C, in samples and in the manifold, and does the one predict the other?",
    base="lean",
    answers="S2",
    cells=CELLS,
    seeds=8,
    headline="sheet_abc_lean",
    claims=[
        Claim(
            name="sheet_abc_lean",
            asked=Asked.AFTER_OTHERS,
            sentence="The manifold passes A (no sheet), B (a sheet that is not ordered) and C (an ordered sheet).",
            statistic=Share(),
            numbers=phases_abc(SHEET, LABEL_VARIANCE),
            threshold=0.5,
            effect=0.25,
            where={"cell": "lean"},
            caveats=(
                SELECTED,
                SITE,
                BETWEEN_SNAPSHOTS,
            ),
        ),
        Claim(
            name="samples_abc_lean",
            asked=Asked.AFTER_OTHERS,
            sentence="Samples pass A (no bump or several), B (one misplaced bump) and C (one bump in the correct place).",
            statistic=Share(),
            numbers=phases_abc(PHASE, CORRECT),
            threshold=0.5,
            effect=0.25,
            where={"cell": "lean"},
            caveats=(
                SELECTED,
                FEW_SAMPLES,
            ),
        ),
        Claim(
            name="sheet_first_lean",
            asked=Asked.AFTER_OTHERS,
            sentence="The sheet is ordered (C) before the samples are correct (C).",
            statistic=OnsetRatio(),
            numbers=partial(lag, letter="C"),
            threshold=1.25,
            effect=0.3,
            spread=0.3,
            where={"cell": "lean"},
            caveats=(
                SELECTED,
                SITE,
                NO_CAUSE,
            ),
        ),
        Claim(
            name="failure_a_lean",
            asked=Asked.AFTER_OTHERS,
            sentence="While there is no sheet, wrong samples hold no bump or several.",
            statistic=Mean(),
            numbers=failures("A", "none", "multiple"),
            unit="of wrong samples",
            threshold=0.5,
            effect=0.1,
            spread=0.1,
            where={"cell": "lean"},
            caveats=(
                SELECTED,
                FEW_STEPS,
            ),
        ),
        Claim(
            name="failures_differ_lean",
            asked=Asked.AFTER,
            sentence="Of wrong samples, more hold one misplaced bump while there is an ordered sheet than while there is none.",
            statistic=Mean(),
            numbers=partial(gained, outcome="misplaced"),
            unit="of wrong samples",
            threshold=0.0,
            effect=0.05,
            spread=0.1,
            where={"cell": "lean"},
            caveats=(
                SELECTED,
                AFTER_A_LOOK,
            ),
        ),
        Claim(
            name="timing_sheet_lean",
            asked=Asked.AFTER_OTHERS,
            sentence="Within the cell, a run whose sheet forms earlier (label variance above 0.9) places samples correctly earlier (more than half of them), beyond what the onset of its loss explains.",
            statistic=Rank(by="x", kind="spearman"),
            numbers=partial(partial_ranks, column=LABEL_VARIANCE, level=0.9),
            threshold=0.25,
            effect=(0.42, 0.5),
            where={"cell": "lean"},
            caveats=(
                SELECTED,
                SITE,
                A_CORRELATION,
            ),
        ),
        Claim(
            name="timing_order_lean",
            asked=Asked.AFTER_OTHERS,
            sentence="Within the cell, a run whose label means are ordered earlier (trustworthiness above 0.91) places samples correctly earlier, beyond what the onset of its loss explains.",
            statistic=Rank(by="x", kind="spearman"),
            numbers=partial(partial_ranks, column=ORDER, level=0.91),
            threshold=0.25,
            effect=(0.42, 0.5),
            where={"cell": "lean"},
            caveats=(
                SELECTED,
                SITE,
                A_CORRELATION,
            ),
        ),
    ],
    plots=plots_of_phases(
        phase=PHASE,
        correct=CORRECT,
        outcomes={name: share("grid", name) for name in OUTCOMES},
    ),
    tables=[
        table_of_phases(phase=PHASE, correct=CORRECT),
        EstimateTable(
            "Without the control for the loss",
            {
                "rank correlation of the two onsets": partial(
                    onsets, column=LABEL_VARIANCE, level=0.9, correct=CORRECT
                )
            },
            note="Asked after a look.",
        ),
    ],
)
