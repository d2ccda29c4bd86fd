"""P1's own ingredients: does learning pass through its three phases, in samples and in the manifold, and together?

P1 (Liang, Liu & Fiete 2024, arXiv 2402.03305) trained a conditional DDPM of about 23 M parameters, whose optimiser, length
and sampler are not stated in full. Preset `p1` has its ingredients in a network of 0.28 M parameters. Without a skip from
input to output that network errs in overall brightness first, so the object of a sample is read apart from the noise of its
background (phasescope.studies.readings.objects). Whether the moment of the sheet predicts that of accuracy is asked in
`sheet` and `timing`.
"""

from functools import partial

import numpy as np

from phasescope.measures import phase_sequence
from phasescope.studies import (
    Asked,
    Claim,
    Mean,
    OnsetRatio,
    Reading,
    Runs,
    Share,
    Study,
    Table,
    end,
    reads,
    rises_from,
)
from phasescope.studies.readings.objects import OBJECTS, gain_since_begun, read_object, when_begun
from phasescope.studies.readings.outcomes import failures, gained
from phasescope.studies.readings.phases import SHEET, lag, phases_abc
from studies.designs.p1 import CELLS, SITE, SMALL
from studies.designs.sheet import LABEL_VARIANCE, ORDER, plots_of_phases, table_of_phases

PHASE = "object.phase"
CORRECT = "object.correct"
NOISY = "object.noisy"
WRONG_OBJECTS = ("none", "multiple", "misplaced")

OBJECT = "64 samples at each snapshot, every 100 steps, by DPM-Solver in 12 steps; the background's noise is read apart."
BETWEEN_SNAPSHOTS = "A phase shorter than 100 steps is not seen."
NO_CAUSE = "Which comes first says nothing of cause."
AFTER_TWO_RUNS = (
    "From the first snapshot with a tenth of the samples correct to the end. Asked after two of eight runs had been looked "
    "at: in both order fell."
)
AFTER_EIGHT_RUNS = "Asked after a look at eight runs. The phases also differ in the step number."
IN_PHASE_C = "Snapshots count at which the sheet is in phase C as read from 128 labels."


def _when_begun(runs: Runs) -> np.ndarray:
    return when_begun(runs, ORDER, CORRECT)


@rises_from(_when_begun, within=(0, 1))
@reads(ORDER, CORRECT)
def order_gained(runs: Runs) -> np.ndarray:
    """Return the order of the sheet at the end minus that when a tenth of the samples is correct, (n,); NaN if never."""
    return gain_since_begun(runs, ORDER, CORRECT)


@reads(SHEET)
def unordered_later(runs: Runs) -> np.ndarray:
    """Return whether the sheet looks unordered (B) at some snapshot after it was ordered (C), (n,)."""
    sequences = [phase_sequence(letters) for letters in runs.texts(SHEET)]
    return np.array(["C" in own and "B" in own[own.index("C") :] for own in sequences], dtype=float)


MORE_MISPLACED = partial(gained, outcome="misplaced", of="object", wrong=WRONG_OBJECTS)


# Asked: two pilots (seeds 900, 901; results/pilots/p1.json), and the same questions on `lean`. Two claims were added
# when runs had been looked at.
STUDY = Study(
    name="p1",
    question="On P1's own ingredients: does learning pass through A, B and C, in samples and in the manifold, and together?",
    base="p1",
    answers="S1",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="samples_abc",
    claims=[
        Claim(
            name="samples_abc",
            asked=Asked.AFTER_OTHERS,
            sentence="Samples pass A (no bump or several), B (one misplaced bump) and C (one bump in the correct place).",
            statistic=Share(),
            numbers=phases_abc(PHASE, CORRECT),
            threshold=0.5,
            effect=0.48,
            source="P1",
            caveats=(
                SMALL,
                OBJECT,
            ),
        ),
        Claim(
            name="reaches_c",
            asked=Asked.AFTER_OTHERS,
            sentence="At the end of training more than half of the samples are correct.",
            statistic=Mean(),
            numbers=end(CORRECT),
            unit="of samples",
            threshold=0.5,
            effect=0.2,
            spread=0.15,
            source="P1",
            caveats=(
                SMALL,
                OBJECT,
            ),
        ),
        Claim(
            name="sheet_abc",
            asked=Asked.AFTER_OTHERS,
            sentence="The manifold passes A (no sheet), B (a sheet that is not ordered) and C (an ordered sheet).",
            statistic=Share(),
            numbers=phases_abc(SHEET, LABEL_VARIANCE),
            threshold=0.5,
            effect=0.48,
            source="P1",
            caveats=(
                SMALL,
                SITE,
                BETWEEN_SNAPSHOTS,
            ),
        ),
        Claim(
            name="sheet_first",
            asked=Asked.AFTER_OTHERS,
            sentence="The sheet is ordered (C) before the samples are correct (C).",
            statistic=OnsetRatio(),
            numbers=partial(lag, letter="C", samples=PHASE),
            threshold=1.25,
            effect=(1.3, 0.6),
            spread=0.3,
            caveats=(
                SMALL,
                SITE,
                NO_CAUSE,
            ),
        ),
        Claim(
            name="order_rises",
            asked=Asked.AFTER,
            sentence="While samples become correct, the order of the sheet rises.",
            statistic=Mean(),
            numbers=order_gained,
            unit="trustworthiness",
            threshold=0.0,
            effect=0.1,
            spread=0.07,
            source="P1",
            caveats=(
                SMALL,
                SITE,
                AFTER_TWO_RUNS,
            ),
            uninformative="order starts so near to its largest value that a rise of the size asked for was out of reach: it could only fall",
        ),
        Claim(
            name="failure_a",
            asked=Asked.AFTER_OTHERS,
            sentence="While there is no sheet, wrong samples hold no bump or several.",
            statistic=Mean(),
            numbers=failures("A", "none", "multiple", of="object", wrong=WRONG_OBJECTS),
            unit="of wrong samples",
            threshold=0.5,
            effect=0.36,
            spread=0.2,
            source="P1",
            caveats=(
                SMALL,
                OBJECT,
            ),
        ),
        Claim(
            name="failures_differ",
            asked=Asked.AFTER,
            sentence="Of wrong samples, more hold one misplaced bump while there is an ordered sheet than while there is none.",
            statistic=Mean(),
            numbers=MORE_MISPLACED,
            unit="of wrong samples",
            threshold=0.0,
            effect=0.17,
            spread=0.12,
            source="P1",
            caveats=(
                SMALL,
                OBJECT,
                AFTER_EIGHT_RUNS,
            ),
        ),
        Claim(
            name="failure_b",
            asked=Asked.AFTER_OTHERS,
            sentence="While there is an ordered sheet, wrong samples hold one misplaced bump.",
            statistic=Mean(),
            numbers=failures("C", "misplaced", of="object", wrong=WRONG_OBJECTS),
            unit="of wrong samples",
            threshold=0.5,
            effect=0.36,
            spread=0.2,
            source="P1",
            caveats=(
                SMALL,
                OBJECT,
                IN_PHASE_C,
            ),
        ),
    ],
    readings=[Reading("object", read_object, needs=())],
    plots=plots_of_phases(
        phase=PHASE,
        correct=CORRECT,
        outcomes={name: f"object.{name}" for name in OBJECTS},
        more={"noisy": NOISY},
    ),
    tables=[
        table_of_phases(phase=PHASE, correct=CORRECT, more={"noisy": NOISY}),
        Table(
            "Asked after a look",
            {
                "more misplaced, of wrong ones, while the sheet is ordered than while there is none": MORE_MISPLACED,
                "no bump, of wrong ones, while the sheet is ordered": failures(
                    "C", "none", of="object", wrong=WRONG_OBJECTS
                ),
                "the sheet looks unordered after it was ordered": unordered_later,
            },
            interval=True,
        ),
    ],
)
