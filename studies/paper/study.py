"""Does P1's own system, as far as it is known, pass the phases A, B and C?

One cell: the preset `paper`, to its end, sampled by its own ancestral sampling. It is a system of its own: its verdicts
stand beside those of the small systems and are not pooled with them. Eight seeds, because seven are the fewest that can
support a majority.

    ./lab paper        on an NVIDIA GPU, one run at a time; killed and called again, it resumes

The device is no part of a run's identity: runs of a GPU and of a CPU fill the same records. The precision is part of it,
and is float32, which both have.
"""

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    Mean,
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
from studies.designs.phases import OUTCOMES

# Asked: no run exists; other systems had been looked at.
STUDY = Study(
    name="paper",
    question="Does P1's own system pass the phases A, B and C?",
    base="paper",
    answers="S1",
    # With fields of `probing`, if empty, a run is observed as the preset has it: it is too costly to be made twice.
    cells=[Cell("paper", {"training": {"device": "auto", "precision": "float32"}, "probing": {}})],
    seeds=8,
    headline="behaviour_abc",
    claims=[
        Claim(
            name="behaviour_abc",
            asked=Asked.AFTER_OTHERS,
            sentence="Samples of P1's own system go from no or several bumps (A) over one misplaced bump (B) to one in the "
            "correct place (C).",
            statistic=Share(),
            numbers=passes_abc,
            threshold=0.5,
            effect=0.48,
            source="P1",
            limits="Phases shorter than the time between two snapshots are not seen. A run that still improves at its "
            "end counts neither way.",
        ),
        Claim(
            name="failure_a",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase A samples of P1's own system fail by no bump or several, not by a misshapen one.",
            statistic=Mean(),
            numbers=shapeless,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.15,
            spread=0.1,
            source="P1",
            limits="How samples fail later, when some hold one bump already: only snapshots of phase A are counted.",
        ),
    ],
    plots=[
        PhaseGrid("samples", "Phase of the samples in every run"),
        Courses(
            "outcomes",
            "What is sampled while learning",
            {name: share("grid", name) for name in OUTCOMES},
            ylabel="share of samples",
            ylim=(0, 1),
        ),
        Courses(
            "manifold",
            "Order and manifold of the latents at down3, t = 600",
            {
                "probe R²": score("probe_r2").at("down3", t=600),
                "P1's R²": score("p1_r2").at("down3", t=600),
                "variance explained by the label": score("label_variance").at("down3", t=600),
                "trustworthiness": score("trustworthiness").at("down3", t=600),
            },
            ylabel="R², or share",
            ylim=(-0.1, 1.02),
            note="A probe finds the label that every block receives, so that a high R² alone is no manifold.",
        ),
    ],
    tables=[
        Table(
            "What P1's own system passes through",
            {
                "passes A, B, C": passes_abc,
                "reaches C": reaches(PHASE, "C", improving=CORRECT),
                "correct at the end": end(CORRECT),
                "no bump or several, in phase A": shapeless,
                "participation ratio at the end": score("participation_ratio").at("down3", t=600).end(),
            },
        )
    ],
)
