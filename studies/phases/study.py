"""Does learning pass through P1's phases A, B and C?

P1 (Liang, Liu & Fiete 2024, arXiv 2402.03305): at first latents form no manifold, and samples hold no bump or
several (A); then latents form a two-dimensional but unordered manifold, and samples hold one bump in the wrong place
(B); then the manifold is ordered, and the bump is in the correct place (C).
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
WAYS = {"raw": "from raw features at mid, t = 600", "p1": "P1's way at down3, t = 600"}
CONDITION = {
    "raw": "This probe finds a faint label in noise, and every block receives the label: it reports C at step 60 to "
    "300, before there is a manifold. It is no fair test of the formation of a manifold.",
    "p1": "UMAP may lose order that the latents have, and every block receives the label.",
}


def claims_of(cell: str) -> list[ps.Claim]:
    words, limits, common = SYSTEMS[cell], LIMITS[cell], {"where": {"cell": cell}, "source": "P1"}
    return [
        ps.Claim(
            f"behaviour_abc_{cell}",
            f"Samples go from no or several bumps (A) over one misplaced bump (B) to one in the correct place (C): "
            f"{words}.",
            ps.Share(), readings.passes_abc, threshold=0.5, effect=EFFECT[cell], **common,
            limits=f"{limits} Phases shorter than the time between two snapshots are not seen.",
        ),
        ps.Claim(
            f"failure_a_{cell}",
            f"In phase A samples fail by no bump or several, not by a misshapen one: {words}.",
            ps.Mean(), readings.shapeless, unit="of wrong samples", threshold=0.5, effect=0.15, spread=0.1, **common,
            limits=f"{limits} A sampler of few steps makes some of these failures: see the study `sampler`.",
        ),
        *(
            ps.Claim(
                f"phase_b_{reading}_{cell}",
                f"Before latents are ordered they form a low-dimensional manifold without order (B), read "
                f"{WAYS[reading]}: {words}.",
                ps.Share(), readings.at_thresholds(readings.passes_b, reading), threshold=0.5, effect=EFFECT[cell], **common,
                limits=f"{limits} {CONDITION[reading]}",
            )
            for reading in (WAYS if cell == "eps" else ("raw",))
        ),
    ]  # fmt: skip


def agreement(cell: str, effect: float, spread: float, left: float) -> ps.Claim:
    """Return the claim that latents give the phase of the samples; `left` is what a perfect reading would be above
    the foils."""
    return ps.Claim(
        f"agreement_raw_{cell}",
        f"The phase of the latents, read {WAYS['raw']}, gives the phase of the samples better than the step number and "
        f"another run's latents do: {SYSTEMS[cell]}.",
        ps.Agreement(), readings.at_thresholds(readings.both, "raw"), threshold=0.0, effect=effect, spread=spread,
        where={"cell": cell}, source="P1",
        limits=f"{LIMITS[cell]} {CONDITION['raw']} Runs of a cell pass the phases of samples at nearly the same steps: "
        f"even a perfect reading would be at most {left:g} above the step number, less than the smallest effect "
        f"that is detected with power 0.8.",
    )  # fmt: skip


STUDY = ps.Study(
    name="phases",
    question="Does learning pass through P1's phases A, B and C, in samples and in latents, and in both at once?",
    base="lean",
    answers="S1",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="behaviour_abc_eps",
    summary="On the two systems with P1's objective, which were chosen because they do so, samples pass from no or several "
    "bumps over one misplaced bump to a correct one in nearly every run; with x-prediction none of the runs shows all "
    "three. In phase A samples fail without a bump or with several, on every system. What this study does not show is "
    "P1's claim about latents: its probe reads the label that every block receives, and reports order before a manifold "
    "has formed. Nor is any of the systems P1's own.",
    claims=[
        *(claim for cell in SYSTEMS for claim in claims_of(cell)),
        # On `eps` and `v` a perfect reading would not be above the step number: there agreement cannot be asked.
        agreement("small", effect=0.3, spread=0.15, left=0.08),
        agreement("fast", effect=0.1, spread=0.09, left=0.06),
        ps.Claim(
            "failure_b_p1_eps",
            f"While latents, read {WAYS['p1']}, are in phase B, wrong samples hold one misplaced bump: {SYSTEMS['eps']}.",
            ps.Mean(), readings.at_thresholds(readings.misplaced, "p1"),
            unit="of wrong samples", threshold=0.5, effect=0.3, spread=0.35, where={"cell": "eps"}, source="P1",
            limits=f"{SELECTED} Runs whose latents are never in phase B do not count. {CONDITION['p1']}",
        ),
    ],
    readings=[ps.Reading("p1", readings.read_p1, where={"cell": "eps"}, needs=["probe_r2.down3.600.value"])],
    plots=[
        ps.PhaseGrid("samples", "Phase of the samples in every run"),
        ps.PhaseGrid(
            "latents", "Phase of the representation in every run", column="phase.representation",
            note="Read from raw features at mid, t = 600, by a probe that finds the label itself.",
        ),
        ps.Courses(
            "outcomes", "What is sampled while learning", {name: f"outcomes.grid.{name}" for name in OUTCOMES},
            panels_by="cell", ylabel="share of samples", ylim=(0, 1),
        ),
        ps.Courses(
            "manifold", "Probe R² and what it does not show, at mid, t = 600",
            {
                "probe R²": "probe_r2.mid.600.value",
                "variance explained by the label": "label_variance.mid.600.value",
                "trustworthiness": "trustworthiness.mid.600.value",
                "samples correct": readings.CORRECT,
            },
            panels_by="cell", ylabel="R², or share", ylim=(-0.1, 1.02),
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
)  # fmt: skip
