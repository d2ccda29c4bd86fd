"""On P1's ingredients, by ancestral sampling, that of DDPM: do samples pass A, B and C?

The study `p1` samples by DPM-Solver in 12 steps. Early in training many samples have a noisy background, on which its reader
may miss a bump. A DDPM samples from all of its 1,000 noise levels. Here stored weights of the same runs are sampled in 250
steps: where half of the stored samples become correct, and in the 1,200 before. A pilot run (step 2,400) had 48 %
without a bump, 22 % misplaced and 28 % correct in 12 steps, 45, 22 and 33 % in 250 ancestral ones, 38, 23 and 39 % in 1,000.
"""

from functools import partial

from phasescope.studies import Asked, Claim, Courses, Mean, PhaseGrid, Reading, Share, Study, Table
from phasescope.studies.readings.objects import OBJECTS
from phasescope.studies.readings.outcomes import failures
from phasescope.studies.readings.phases import phases_abc
from studies.ancestral import readings
from studies.designs.p1 import CELLS, SMALL

READ = (
    f"64 ancestral samples in {readings.LEVELS} steps, at eight snapshots of a run or more. Three snapshots of "
    "each of the first eight runs had been read before from 32 ancestral samples: one of the 24 was in phase B."
)

MISPLACED_IN_C = failures("C", "misplaced", of="ancestral", wrong=("none", "multiple", "misplaced"))

# Asked: three snapshots of each of the first eight runs had been read.
STUDY = Study(
    name="ancestral",
    question="On P1's ingredients, by DDPM's own sampler: do samples pass A, B and C?",
    base="p1",
    answers="S1",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="samples_abc",
    claims=[
        Claim(
            name="samples_abc",
            asked=Asked.AFTER,
            sentence="By ancestral sampling, samples pass A (no bump or several), B (one misplaced bump) and C (one correct bump).",
            statistic=Share(),
            numbers=phases_abc("ancestral.phase", "ancestral.stored.correct"),
            threshold=0.5,
            effect=0.48,
            source="P1",
            caveats=(
                SMALL,
                READ,
            ),
        ),
        Claim(
            name="misplaced_at_onset",
            asked=Asked.AFTER,
            sentence="When ancestral samples begin to be correct (a tenth of them at most), most others hold one misplaced bump.",
            statistic=Mean(),
            numbers=readings.misplaced_at_onset,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.2,
            spread=0.15,
            source="P1",
            caveats=(
                SMALL,
                READ,
            ),
        ),
        Claim(
            name="failure_b",
            asked=Asked.AFTER,
            sentence="While there is an ordered sheet, wrong ancestral samples hold one misplaced bump.",
            statistic=Mean(),
            numbers=MISPLACED_IN_C,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.36,
            spread=0.2,
            source="P1",
            caveats=(
                SMALL,
                READ,
                "Snapshots count at which the sheet is in phase C as read from 128 labels. P1 states it "
                "of the sheet that is not ordered.",
            ),
        ),
        Claim(
            name="solver_hides",
            asked=Asked.AFTER,
            sentence="Before half of the stored samples are correct, ancestral samples hold more misplaced bumps than the stored.",
            statistic=Mean(),
            numbers=readings.hidden,
            unit="of samples",
            threshold=0.0,
            effect=0.1,
            spread=0.07,
            caveats=(
                SMALL,
                READ,
            ),
        ),
    ],
    readings=[Reading("ancestral", readings.read_samples, needs=())],
    plots=[
        PhaseGrid(
            "phases",
            "Phase of ancestral samples in every run",
            column="ancestral.phase",
            note="White also where no samples were read.",
        ),
        Courses(
            "objects",
            "Ancestral samples while they become correct",
            {name: f"ancestral.{name}" for name in OBJECTS},
            ylabel="share",
            ylim=(0, 1),
            note="Few runs were read at most of the steps.",
        ),
        Courses(
            "stored",
            "Samples in 12 denoising steps",
            {name: f"ancestral.stored.{name}" for name in OBJECTS},
            ylabel="share",
            ylim=(0, 1),
        ),
    ],
    tables=[
        Table(
            "Asked after a look",
            {
                "runs in which most samples are misplaced at some snapshot": readings.mostly_misplaced,
                "more misplaced than in 12 steps, before half are correct": readings.hidden,
                "more misplaced than in 12 steps, at the onset": partial(readings.hidden, at_onset=True),
                "more correct than in 12 steps, before half are correct": partial(
                    readings.hidden, outcome="correct"
                ),
                "misplaced, of wrong ones while the sheet is ordered": MISPLACED_IN_C,
                "the same, each sample counting alike": readings.misplaced_of_all,
                "noisy when half are correct": readings.noisy_at_half,
            },
            interval=True,
        ),
    ],
)
