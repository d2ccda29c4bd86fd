"""Do samples pass P1's phases A, B and C?

P1 (Liang, Liu & Fiete 2024, arXiv 2402.03305): at first samples hold no bump or several (A), then one bump in the wrong
place (B), then one in the correct place (C). What activations do meanwhile is asked by the study `sheet`; claims of this
study on them are retired, since their probe reads the label that every block receives (studies/retired.md).
"""

import phasescope.studies as ps
from studies.phases import readings

OUTCOMES = ("none", "multiple", "malformed", "misplaced", "correct")
SYSTEMS = {
    "eps": "P1's objective, preset lean",
    "small": "P1's objective by AdamW, preset small",
    "v": "v-prediction, preset small",
    "fast": "x-prediction, preset fast",
}
CELLS = (
    ps.Cell("eps", {}, seeds=18),
    ps.Cell("small", {"family": {"predict": "eps"}}, base="small", seeds=8),
    ps.Cell("v", {"family": {"predict": "v"}}, base="small", seeds=10),
    ps.Cell("fast", {"family": {"predict": "x"}}, base="fast", seeds=16),
)
EFFECT = {"eps": 0.4, "small": 0.48, "v": 0.45, "fast": 0.4}  # of shares: the smallest that the runs can show

SELECTED = "On a system chosen because it passes the phases, not on P1's own."
LOOKED_AT = "These runs had been looked at before the claim was preregistered."
LIMITS = {
    "eps": SELECTED,
    "small": f"{SELECTED} {LOOKED_AT}",
    "v": f"Not P1's objective. {LOOKED_AT}",
    "fast": f"Not P1's objective. {LOOKED_AT}",
}


def claims_of(cell: str) -> list[ps.Claim]:
    words, limits, common = SYSTEMS[cell], LIMITS[cell], {"where": {"cell": cell}, "source": "P1"}
    return [
        ps.Claim(
            f"behaviour_abc_{cell}",
            f"Samples go from no or several bumps (A) over one misplaced bump (B) to one in the correct place (C): "
            f"{words}.",
            ps.Share(),
            readings.passes_abc,
            threshold=0.5,
            effect=EFFECT[cell],
            **common,
            limits=f"{limits} Phases shorter than the time between two snapshots are not seen.",
        ),
        ps.Claim(
            f"failure_a_{cell}",
            f"In phase A samples fail by no bump or several, not by a misshapen one: {words}.",
            ps.Mean(),
            readings.shapeless,
            unit="of wrong samples",
            threshold=0.5,
            effect=0.15,
            spread=0.1,
            **common,
            limits=f"{limits} A sampler of few steps makes some of these failures: see the study `sampler`.",
        ),
    ]


STUDY = ps.Study(
    name="phases",
    question="Do samples pass P1's phases A, B and C?",
    base="lean",
    answers="S1",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="behaviour_abc_eps",
    claims=[claim for cell in SYSTEMS for claim in claims_of(cell)],
    plots=[
        ps.PhaseGrid("samples", "Phase of the samples in every run"),
        ps.Courses(
            "outcomes",
            "What is sampled while learning",
            {name: f"outcomes.grid.{name}" for name in OUTCOMES},
            panels_by="cell",
            ylabel="share of samples",
            ylim=(0, 1),
        ),
    ],
    tables=[
        ps.Table(
            "What each system passes through",
            {
                "passes A, B, C": readings.passes_abc,
                "reaches C": ps.reaches(readings.PHASE, "C", improving=readings.CORRECT),
                "correct at the end": ps.end(readings.CORRECT),
                "no bump or several, in phase A": readings.shapeless,
            },
            note="Shares of runs or of samples. Runs that were still improving are left out of the first two.",
        )
    ],
)
