"""On P1's ingredients: is the condition used before samples show it?

The study `condition` asks this of `lean`, of a two-layer network on the label's encodings, and of flow matching. Here it is
asked of the preset `p1`, by the same readings and the same bars. Runs of `p1` hardly have a phase in which most samples hold
one misplaced bump (study `p1`), so that a use of the condition that grows under samples that do not show it is no matter of
that phase.

What only the label can remove is read from the same 512 draws a band in all runs, so that the band that decides is the same
in all of them. In `condition` it was read from each run's own 64 draws, and differed between seeds.

Half of the samples of 16 runs of the study `p1` were correct after 3,800 to 5,900 steps, a tenth after 2,300 to 3,600. That
chose the length. One pilot with a two-layer network on the encodings (seed 900) was looked at, 680 steps of it; no pilot of
this cell. Weights of every snapshot are kept, for later readings of activations.
"""

from functools import partial

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    Mean,
    OnsetRatio,
    PhaseGrid,
    Reading,
    Study,
    Table,
    end,
    onset,
    start,
)
from studies.designs import condition as readings
from studies.designs.p1 import SMALL, SOLVER

STEPS, EVERY = 5_600, 200
CELL = Cell(
    "p1",
    {
        "seed": 62_000,
        "family": SOLVER,
        "training": {"steps": STEPS, "threads": 1},
        "probing": {
            "observe": [],
            "snapshots": {"dense_until": 0, "every": EVERY},
            "images": {"grid": 128, "off_grid": 0},
            "bands": 1,
            "meter": {"every": EVERY, "draws": 64},
        },
    },
)
DRAWS = "The advantage is read from 64 draws a band: more draws find it earlier."
SHARED = (
    "Onsets of 16 runs of the study `p1` and a pilot of another cell had been looked at, and the study `condition`, whose bars "
    f"these are. The same eight runs stand behind all claims of the study. {SMALL}"
)

# Asked: onsets of `p1`, a pilot of another cell, and the same questions in `condition`.
STUDY = Study(
    name="condition_p1",
    question="On P1's ingredients, is the condition used before samples show it?",
    base="p1",
    answers="Q3",
    cells=[CELL],
    seeds=8,
    headline="earlier",
    claims=[
        Claim(
            name="earlier",
            asked=Asked.AFTER_OTHERS,
            sentence="On P1's ingredients, the condition's advantage in the deciding band is above its noise for good by half of "
            "the steps at which half of the samples are correct.",
            statistic=OnsetRatio(),
            numbers=partial(readings.samples_after_advantage, level=0.5),
            threshold=2.0,
            effect=(2.0, 1.0),
            spread=0.3,
            caveats=(
                DRAWS,
                SHARED,
            ),
        ),
        Claim(
            name="before_some",
            asked=Asked.AFTER_OTHERS,
            sentence="On P1's ingredients, the condition's advantage in the deciding band is above its noise for good before a "
            "tenth of the samples are correct, by a quarter of the steps or more.",
            statistic=OnsetRatio(),
            numbers=partial(readings.samples_after_advantage, level=readings.FORMS),
            threshold=1.25,
            effect=(1.2, 0.6),
            spread=0.3,
            caveats=(
                DRAWS,
                "128 samples show a tenth to within a twentieth.",
                SHARED,
            ),
        ),
        Claim(
            name="no_jump",
            asked=Asked.AFTER_OTHERS,
            sentence="On P1's ingredients, use of the condition in the deciding band does not jump where samples come to phase C: "
            "less than half of its rise within a factor of 2 of that step falls within a factor of 1.15.",
            statistic=Mean(),
            numbers=partial(readings.share_at_change, column=readings.USE),
            unit="of the rise",
            threshold=0.5,
            effect=0.15,
            spread=0.1,
            direction="below",
            caveats=(
                "Growth with the logarithm of the step has .20 (more where the training ends within the "
                "window), a jump 1. Runs that come to C too near an end do not count.",
                SHARED,
            ),
        ),
        Claim(
            name="lower_band",
            asked=Asked.AFTER,
            sentence="On P1's ingredients, the share of correct samples is nearer to a curve of use in the noisier of the two bands that "
            "the label decides, fitted on other runs, than to one of the step.",
            statistic=Mean(),
            numbers=partial(readings.log_error_of_use, use=readings.LOWER_BAND),
            unit="times the clock's error",
            log=True,
            threshold=0.0,
            no_effect=0.0,
            effect=0.85,
            spread=0.5,
            direction="below",
            caveats=(readings.LOWER, SHARED),
        ),
    ],
    readings=[Reading("meter", readings.read_meter, needs=())],
    plots=[
        Courses(
            "use",
            "Use of the condition in the deciding band, and the samples",
            {
                "use of the condition": readings.USE,
                "samples correct": readings.CORRECT,
                "one misplaced bump": "outcomes.grid.misplaced",
            },
            ylabel="share",
            ylim=(-0.1, 1.02),
        ),
        PhaseGrid("samples", "Phase of the samples in every run", column=readings.PHASE),
    ],
    tables=[
        Table(
            "When",
            {
                "half of the samples correct (step)": onset(readings.CORRECT, 0.5),
                "a tenth of the samples correct (step)": onset(readings.CORRECT, readings.FORMS),
                "advantage above its noise (step)": readings.advantage_onset,
                "correct at the end": end(readings.CORRECT),
            },
            interval=True,
        ),
        Table(
            "Use and the samples",
            {
                "use when half of the samples are correct": readings.at_half,
                "use at the end": end(readings.USE),
                "factor of steps in which use rises": partial(readings.rise_steps, column=readings.USE),
                "factor of steps in which the share of correct samples rises": partial(
                    readings.rise_steps, column=readings.CORRECT
                ),
                "share of use's rise at C": partial(readings.share_at_change, column=readings.USE),
                "of a growth with the logarithm of the step": readings.share_of_logarithm,
                "share of the samples' rise at C": partial(readings.share_at_change, column=readings.CORRECT),
                "error of use, by the clock's": readings.foretold_by_use,
            },
            interval=True,
        ),
        Table(
            "Which band (log SNR)",
            {
                "the label alone decides": start("meter.log_snr"),
                "an advantage comes first": readings.first_band,
                "one image stands out, by `predict`": start("meter.predicted_log_snr"),
            },
            interval=True,
        ),
    ],
)
