"""Do samples pass P1's phases A, B and C?

P1 (Liang, Liu & Fiete 2024, arXiv 2402.03305): at first samples hold no bump or several (A), then one bump in the wrong
place (B), then one in the correct place (C). What activations do meanwhile is asked by the study `sheet`; claims of this
study on them are retired, since their probe reads the label that every block receives (studies/retired.md).
"""

from phasescope.studies import Asked, Claim, Courses, Mean, PhaseGrid, Share, Study, Table, reaches, share
from phasescope.studies.readings.outcomes import shapeless
from phasescope.studies.readings.phases import CORRECT, PHASE, passes_abc
from studies.designs.phases import CELLS, LOOKED_AT, OUTCOMES, SELECTED

NOT_P1S = "Not P1's objective."
BETWEEN_SNAPSHOTS = "Phases shorter than the time between two snapshots are not seen."
FEW_STEPS = "A sampler of few steps makes some of these failures: see the study `sampler`."

# Asked: the 34 runs of `small`, `v` and `fast` were known. No run of `lean` existed, but the censoring of runs that
# still improve was decided after a look (2026-11-29).
STUDY = Study(
    name="phases",
    question="Do samples pass P1's phases A, B and C?",
    base="lean",
    answers="S1",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="behaviour_abc_eps",
    claims=[
        Claim(
            name="behaviour_abc_eps",
            asked=Asked.AFTER,
            sentence="Samples go from no or several bumps (A) over one misplaced bump (B) to one in the correct place (C): P1's objective, preset lean.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.4,
            where={"cell": "eps"},
            source="P1",
            caveats=(
                SELECTED,
                BETWEEN_SNAPSHOTS,
            ),
        ),
        Claim(
            name="failure_a_eps",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase A samples fail by no bump or several, not by a misshapen one: P1's objective, preset lean.",
            statistic=Mean(),
            numbers=shapeless,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.15,
            spread=0.1,
            where={"cell": "eps"},
            source="P1",
            caveats=(
                SELECTED,
                FEW_STEPS,
            ),
        ),
        Claim(
            name="behaviour_abc_small",
            asked=Asked.AFTER,
            sentence="Samples go from no or several bumps (A) over one misplaced bump (B) to one in the correct place (C): P1's objective by AdamW, preset small.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            where={"cell": "small"},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED_AT,
                BETWEEN_SNAPSHOTS,
            ),
        ),
        Claim(
            name="failure_a_small",
            asked=Asked.AFTER,
            sentence="In phase A samples fail by no bump or several, not by a misshapen one: P1's objective by AdamW, preset small.",
            statistic=Mean(),
            numbers=shapeless,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.15,
            spread=0.1,
            where={"cell": "small"},
            source="P1",
            caveats=(
                SELECTED,
                LOOKED_AT,
                FEW_STEPS,
            ),
        ),
        Claim(
            name="behaviour_abc_v",
            asked=Asked.AFTER,
            sentence="Samples go from no or several bumps (A) over one misplaced bump (B) to one in the correct place (C): v-prediction, preset small.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.45,
            where={"cell": "v"},
            source="P1",
            caveats=(
                NOT_P1S,
                LOOKED_AT,
                BETWEEN_SNAPSHOTS,
            ),
        ),
        Claim(
            name="failure_a_v",
            asked=Asked.AFTER,
            sentence="In phase A samples fail by no bump or several, not by a misshapen one: v-prediction, preset small.",
            statistic=Mean(),
            numbers=shapeless,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.15,
            spread=0.1,
            where={"cell": "v"},
            source="P1",
            caveats=(
                NOT_P1S,
                LOOKED_AT,
                FEW_STEPS,
            ),
        ),
        Claim(
            name="behaviour_abc_fast",
            asked=Asked.AFTER,
            sentence="Samples go from no or several bumps (A) over one misplaced bump (B) to one in the correct place (C): x-prediction, preset fast.",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.4,
            where={"cell": "fast"},
            source="P1",
            caveats=(
                NOT_P1S,
                LOOKED_AT,
                BETWEEN_SNAPSHOTS,
            ),
        ),
        Claim(
            name="failure_a_fast",
            asked=Asked.AFTER,
            sentence="In phase A samples fail by no bump or several, not by a misshapen one: x-prediction, preset fast.",
            statistic=Mean(),
            numbers=shapeless,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.15,
            spread=0.1,
            where={"cell": "fast"},
            source="P1",
            caveats=(
                NOT_P1S,
                LOOKED_AT,
                FEW_STEPS,
            ),
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
            "What each system passes through",
            {
                "passes A, B, C": passes_abc,
                "reaches C": reaches(PHASE, "C", improving=CORRECT),
                "correct at the end": CORRECT.end(),
                "no bump or several, in phase A": shapeless,
            },
            note="Shares of runs or of samples. Runs that were still improving are left out of the first two.",
        )
    ],
)
