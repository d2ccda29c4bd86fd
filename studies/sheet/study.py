"""Does learning pass through P1's phases A, B and C, in samples and in the manifold, and does the one predict the other?

P1 (Liang, Liu & Fiete 2024, arXiv 2402.03305): at first latents form no manifold, and samples hold no bump or several
(A); then latents form a two-dimensional but unordered manifold, and samples hold one bump in the wrong place (B); then
the manifold is ordered, and the bump is in the correct place (C). The manifold is read in two questions: is there a
sheet, and is it ordered? Its thresholds are from simulated clouds (docs/measures/sheet.md). It is read at mid, t = 600:
there an untrained network has no sheet, and a maximum-likelihood fit to the noised image hardly ever finds the place.
"""

from functools import partial

import phasescope.studies as ps
from studies.sheet import readings

OUTCOMES = ("none", "multiple", "malformed", "misplaced", "correct")
PROBING = {
    "observe": ["sheet"],
    "snapshots": {"dense_every": 25, "dense_until": 2500, "every": 25},
    "images": {"grid": 64, "off_grid": 0},
    "layers": ["mid"],
    "t": [600],
    "latent_labels": 128,
    "variance_labels": 128,
    "variance_draws": 2,
    "crossed_labels": 0,
    "p1": None,
}
CELLS = (ps.Cell("lean", {"seed": 1000, "probing": PROBING}, seeds=64),)
SELECTED = "On a system chosen because its samples pass the phases, not on P1's own."
SITE = "The sheet is read at mid, t = 600, from 128 labels under two noise draws."

TIMED = (
    (
        "sheet",
        "whose sheet forms earlier (label variance above 0.9)",
        " (more than half of them)",
        readings.LABEL_VARIANCE,
        0.9,
    ),
    ("order", "whose label means are ordered earlier (trustworthiness above 0.91)", "", readings.ORDER, 0.91),
)


def shown(phase: str, correct: str, outcomes: dict[str, str], **more: str) -> dict[str, list]:
    """Return the plots and tables of a study of the sheet, from the columns of the samples' phase, of their share that is
    correct and of their outcomes; `more` are further columns among the readings."""
    return {
        "plots": [
            ps.PhaseGrid("samples", "Phase of the samples in every run", column=phase),
            ps.PhaseGrid("sheet", "Phase of the sheet in every run", column=readings.SHEET),
            ps.Courses(
                "readings",
                "The sheet's readings and the samples",
                {
                    "label variance": readings.LABEL_VARIANCE,
                    "trustworthiness of single draws": "sheet_trustworthiness.mid.600.value",
                    "order of the label means": readings.ORDER,
                    "samples correct": correct,
                    **more,
                },
                panels_by="cell",
                ylabel="share",
                ylim=(-0.05, 1.02),
            ),
            ps.Courses(
                "outcomes",
                "What is sampled while learning",
                outcomes,
                panels_by="cell",
                ylabel="share of samples",
                ylim=(0, 1),
            ),
        ],
        "tables": [
            ps.Table(
                "What the system passes through",
                {
                    "samples pass A, B, C": readings.phases_abc(phase, correct),
                    "sheet passes A, B, C": readings.phases_abc(readings.SHEET, readings.LABEL_VARIANCE),
                    "label variance above .9 for good (step)": ps.onset(readings.LABEL_VARIANCE, 0.9),
                    "half of the samples correct (step)": ps.onset(correct, 0.5),
                    "correct at the end": ps.end(correct),
                    **{f"{name} at the end": ps.end(column) for name, column in more.items()},
                },
            )
        ],
    }


STUDY = ps.Study(
    name="sheet",
    question="Does learning pass through P1's phases A, B and C, in samples and in the manifold, and does the one "
    "predict the other?",
    base="lean",
    answers="S2",
    cells=CELLS,
    seeds=8,
    headline="sheet_abc_lean",
    claims=[
        ps.Claim(
            "sheet_abc_lean",
            "The manifold passes A (no sheet), B (a sheet that is not ordered) and C (an ordered sheet).",
            ps.Share(),
            readings.phases_abc(readings.SHEET, readings.LABEL_VARIANCE),
            threshold=0.5,
            effect=0.25,
            where={"cell": "lean"},
            limits=f"{SELECTED} {SITE} A phase shorter than 25 steps is not seen, nor one within the undecided "
            "snapshots between A and C (100 steps in most runs, 250 at most).",
        ),
        ps.Claim(
            "samples_abc_lean",
            "Samples pass A (no bump or several), B (one misplaced bump) and C (one bump in the correct place).",
            ps.Share(),
            readings.phases_abc(readings.PHASE, readings.CORRECT),
            threshold=0.5,
            effect=0.25,
            where={"cell": "lean"},
            limits=f"{SELECTED} 64 samples at each snapshot, by DPM-Solver in 12 steps. Malformed samples count as phase A.",
        ),
        ps.Claim(
            "sheet_first_lean",
            "The sheet is ordered (C) before the samples are correct (C).",
            ps.OnsetRatio(),
            partial(readings.lag, letter="C"),
            threshold=1.25,
            effect=0.3,
            spread=0.3,
            where={"cell": "lean"},
            limits=f"{SELECTED} {SITE} Which comes first says nothing of cause.",
        ),
        ps.Claim(
            "failure_a_lean",
            "While there is no sheet, wrong samples hold no bump or several.",
            ps.Mean(),
            readings.failures("A", "none", "multiple"),
            unit="of wrong samples",
            threshold=0.5,
            effect=0.1,
            spread=0.1,
            where={"cell": "lean"},
            limits=f"{SELECTED} A sampler of few steps makes some of these failures: see the study `sampler`.",
        ),
        ps.Claim(
            "failures_differ_lean",
            "Of wrong samples, more hold one misplaced bump while there is an ordered sheet than while there is none.",
            ps.Mean(),
            partial(readings.gained, outcome="misplaced"),
            unit="of wrong samples",
            threshold=0.0,
            effect=0.05,
            spread=0.1,
            where={"cell": "lean"},
            limits=f"{SELECTED} Asked after a look at all 64 runs. The phases also differ in the step number.",
        ),
        *(
            ps.Claim(
                f"timing_{name}_lean",
                f"Within the cell, a run {words} places samples correctly earlier{half}, beyond what the onset of its "
                "loss explains.",
                ps.Rank(by="x", kind="spearman"),
                partial(readings.partial_ranks, column=column, level=level),
                threshold=0.25,
                effect=(0.42, 0.5),
                where={"cell": "lean"},
                limits=f"{SELECTED} {SITE} A partial rank correlation over runs; it says nothing of cause.",
            )
            for name, words, half, column, level in TIMED
        ),
    ],
    **shown(readings.PHASE, readings.CORRECT, {name: f"outcomes.grid.{name}" for name in OUTCOMES}),
)
