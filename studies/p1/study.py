"""P1's own ingredients: does learning pass through its three phases, in samples and in the manifold, and together?

P1 (Liang, Liu & Fiete 2024, arXiv 2402.03305) trained a conditional DDPM of about 23 M parameters, whose optimiser, length
and sampler are not stated in full. Preset `p1` has its ingredients in a network of 0.28 M parameters. Without a skip from
input to output that network errs in overall brightness first, so the object of a sample is read apart from the noise of its
background (objects.py). Whether the moment of the sheet predicts that of accuracy is asked in `sheet` and `timing`.
"""

from functools import partial

import numpy as np

from phasescope.studies import Cell, Claim, Mean, OnsetRatio, Reading, Runs, Share, Study, end
from studies.p1.objects import OBJECTS, gain_since_begun, read_object
from studies.sheet.readings import LABEL_VARIANCE, ORDER, SHEET, failures, gained, lag, phases_abc
from studies.sheet.study import PROBING, shown

PHASE, CORRECT, NOISY = "object.phase", "object.correct", "object.noisy"
SAMPLES = {"of": "object", "wrong": OBJECTS[:-1]}
SNAPSHOTS = {"dense_every": 100, "dense_until": 6000, "every": 100}
SOLVER = {"sampler": {"kind": "dpm_solver", "steps": 12}}
SMALL = (
    "A network of 0.28 M parameters; P1's has about 23 M, and its optimiser, batch and length are not known."
)
OBJECT = "64 samples at each snapshot, every 100 steps, by DPM-Solver in 12 steps; the background's noise is read apart."
SITE = (
    "The sheet is read at mid, t = 600, from 128 labels under two noise draws. A sheet that bends back on itself looks "
    "unordered from so few labels (study `resolution`)."
)


def order_gained(runs: Runs) -> np.ndarray:
    """Return the order of the sheet at the end minus that when a tenth of the samples is correct, (n,); NaN if never."""
    return gain_since_begun(runs, ORDER, CORRECT)


STUDY = Study(
    name="p1",
    question="On P1's own ingredients: does learning pass through A, B and C, in samples and in the manifold, and together?",
    base="p1",
    answers="S1",
    cells=(Cell("p1", {"seed": 100, "family": SOLVER, "probing": {**PROBING, "snapshots": SNAPSHOTS}}),),
    seeds=8,
    more=8,
    headline="samples_abc",
    claims=[
        Claim(
            "samples_abc",
            "Samples pass A (no bump or several), B (one misplaced bump) and C (one bump in the correct place).",
            Share(),
            phases_abc(PHASE, CORRECT),
            threshold=0.5,
            effect=0.48,
            source="P1",
            limits=f"{SMALL} {OBJECT}",
        ),
        Claim(
            "reaches_c",
            "At the end of training more than half of the samples are correct.",
            Mean(),
            end(CORRECT),
            unit="of samples",
            threshold=0.5,
            effect=0.2,
            spread=0.15,
            source="P1",
            limits=f"{SMALL} {OBJECT}",
        ),
        Claim(
            "sheet_abc",
            "The manifold passes A (no sheet), B (a sheet that is not ordered) and C (an ordered sheet).",
            Share(),
            phases_abc(SHEET, LABEL_VARIANCE),
            threshold=0.5,
            effect=0.48,
            source="P1",
            limits=f"{SMALL} {SITE} A phase shorter than 100 steps is not seen.",
        ),
        Claim(
            "sheet_first",
            "The sheet is ordered (C) before the samples are correct (C).",
            OnsetRatio(),
            partial(lag, letter="C", samples=PHASE),
            threshold=1.25,
            effect=(1.3, 0.6),
            spread=0.3,
            limits=f"{SMALL} {SITE} Which comes first says nothing of cause.",
        ),
        Claim(
            "order_rises",
            "While samples become correct, the order of the sheet rises.",
            Mean(),
            order_gained,
            unit="trustworthiness",
            threshold=0.0,
            effect=0.1,
            spread=0.07,
            source="P1",
            limits=f"{SMALL} {SITE} From the first snapshot with a tenth of the samples correct to the end. Asked "
            "after two of eight runs had been looked at: in both order fell.",
        ),
        Claim(
            "failure_a",
            "While there is no sheet, wrong samples hold no bump or several.",
            Mean(),
            failures("A", "none", "multiple", **SAMPLES),
            unit="of wrong samples",
            threshold=0.5,
            effect=0.36,
            spread=0.2,
            source="P1",
            limits=f"{SMALL} {OBJECT}",
        ),
        Claim(
            "failures_differ",
            "Of wrong samples, more hold one misplaced bump while there is an ordered sheet than while there is none.",
            Mean(),
            partial(gained, outcome="misplaced", **SAMPLES),
            unit="of wrong samples",
            threshold=0.0,
            effect=0.17,
            spread=0.12,
            source="P1",
            limits=f"{SMALL} {OBJECT} Asked after a look at eight runs. The phases also differ in the step number.",
        ),
        Claim(
            "failure_b",
            "While there is an ordered sheet, wrong samples hold one misplaced bump.",
            Mean(),
            failures("C", "misplaced", **SAMPLES),
            unit="of wrong samples",
            threshold=0.5,
            effect=0.36,
            spread=0.2,
            source="P1",
            limits=f"{SMALL} {OBJECT} Snapshots count at which the sheet is in phase C as read from 128 labels.",
        ),
    ],
    readings=[Reading("object", read_object, needs=())],
    **shown(PHASE, CORRECT, {name: f"object.{name}" for name in OBJECTS}, noisy=NOISY),
)
