"""Are the phases A, B and C due to the objective, or to an ingredient of the system that P1 watched?

P1's system has self-attention, an embedding that is added, no patches, no skip from the input to the output, AdamW, wide
layers, and samples by ancestral sampling; `lean`, on which phasescope asks P1's questions, has none of these. Each of
the six that change what is learned is switched on by itself, and all six together. The objective stays: eps-prediction
with plain weighting. Ancestral sampling changes no weight: the study `sampler` reads it from the same base runs.
"""

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    PhaseGrid,
    Share,
    Study,
    Table,
    end,
    reaches,
    score,
    share,
)
from phasescope.studies.readings.outcomes import shapeless
from phasescope.studies.readings.phases import CORRECT, PHASE, passes_abc
from studies.designs.phases import CELLS as SYSTEMS
from studies.designs.phases import OUTCOMES, SELECTED

WIDTHS = [64, 64, 64, 64]
BLOCKS = ["down1", "down2", "down3", "mid", "up1", "up2", "up3"]
OPTIMISER = {"optimiser": {"kind": "adamw", "lr": 6e-3}}
ADDED = {"modulation": "added"}
INGREDIENTS = {
    "adamw": ("AdamW", {"training": OPTIMISER}),
    "attention": ("self-attention after every block", {"network": {"attention": BLOCKS}}),
    "added": ("an embedding that is added", {"network": {"embedding": ADDED}}),
    "no_patches": ("no patches", {"network": {"patch": 1}}),
    "no_input_skip": ("no skip from input to output", {"network": {"input_skip": False}}),
    "wide": ("twice the width", {"network": {"widths": WIDTHS}}),
    "all": (
        "all six of them",
        {
            "training": OPTIMISER,
            "network": {
                "attention": BLOCKS,
                "embedding": ADDED,
                "patch": 1,
                "input_skip": False,
                "widths": WIDTHS,
            },
        },
    ),
}
NAMES = {name: f"eps, {name.replace('_', ' ')}" for name in INGREDIENTS}
LIMITS = f"{SELECTED} A run that still improved at its end may pass later, so that it counts neither way."
CELLS = [SYSTEMS[0], *(Cell(NAMES[name], fields) for name, (_, fields) in INGREDIENTS.items())]

# Asked: the censoring of runs that still improve at their end was decided when they had been looked at (2026-11-29).
STUDY = Study(
    name="ingredients",
    question="Are the phases A, B and C due to the objective, or to an ingredient of the system that P1 watched?",
    base="lean",
    answers="Q2",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="abc_all",
    claims=[
        Claim(
            name="abc_adamw",
            asked=Asked.AFTER,
            sentence="With AdamW, too, samples go through A, B and C within 2,500 steps.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            where={"cell": "eps, adamw"},
            source="P1",
            limits=LIMITS,
        ),
        Claim(
            name="abc_attention",
            asked=Asked.AFTER,
            sentence="With self-attention after every block, too, samples go through A, B and C within 2,500 steps.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            where={"cell": "eps, attention"},
            source="P1",
            limits=LIMITS,
        ),
        Claim(
            name="abc_added",
            asked=Asked.AFTER,
            sentence="With an embedding that is added, too, samples go through A, B and C within 2,500 steps.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            where={"cell": "eps, added"},
            source="P1",
            limits=LIMITS,
        ),
        Claim(
            name="abc_no_patches",
            asked=Asked.AFTER,
            sentence="With no patches, too, samples go through A, B and C within 2,500 steps.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            where={"cell": "eps, no patches"},
            source="P1",
            limits=LIMITS,
        ),
        Claim(
            name="abc_no_input_skip",
            asked=Asked.AFTER,
            sentence="With no skip from input to output, too, samples go through A, B and C within 2,500 steps.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            where={"cell": "eps, no input skip"},
            source="P1",
            limits=LIMITS,
        ),
        Claim(
            name="abc_wide",
            asked=Asked.AFTER,
            sentence="With twice the width, too, samples go through A, B and C within 2,500 steps.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            where={"cell": "eps, wide"},
            source="P1",
            limits=LIMITS,
        ),
        Claim(
            name="abc_all",
            asked=Asked.AFTER,
            sentence="With all six of them, too, samples go through A, B and C within 2,500 steps.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            where={"cell": "eps, all"},
            source="P1",
            limits=LIMITS,
        ),
    ],
    plots=[
        PhaseGrid("samples", "Phase of the samples in every run"),
        Courses(
            "outcomes",
            "What is sampled while learning",
            {name: share("grid", name) for name in OUTCOMES},
            panels_by="cell",
            ylabel="share of samples",
            ylim=(0, 1),
        ),
    ],
    tables=[
        Table(
            "What each ingredient changes",
            {
                "passes A, B, C": passes_abc,
                "reaches C": reaches(PHASE, "C", improving=CORRECT),
                "correct at the end": CORRECT.end(),
                "no bump or several, in phase A": shapeless,
                "label variance at the end": score("label_variance").at("mid", t=600).end(),
                "CPU-s a run": end("cpu_s"),
            },
        )
    ],
)
