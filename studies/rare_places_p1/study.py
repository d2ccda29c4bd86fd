"""On P1's ingredients: if some places are trained on more often, are the rare ones correct later, and both x and y there?

The study `rare_places` asks this of `lean`; its worlds and its reading are used here. A run of `p1` takes half a core-hour,
so there are six, with more samples each. When this was written the result on `lean` was known: rare places are late by a
factor of 1.19, the factor that divides the canvas by .25 of the steps, the other one by .09.
"""

from dataclasses import replace
from functools import partial

import phasescope.studies as ps
from phasescope.studies.readings.halves import HALVES, delay
from studies.designs import rare_places
from studies.designs.p1 import SMALL
from studies.designs.rare_places import DIVIDING_FACTOR_LATER, OTHER_FACTOR_LATE

PLAN = {"snapshots": {"every": 200}, "images": dict.fromkeys(HALVES, 128)}
FIELDS = {"seed": 320, "training": {"steps": 5000}, "probing": PLAN}
SEEDS = (2, 1, 1, 2)  # each axis divides in three runs, and each half is the rare one in three
LIMITS = (
    f"{SMALL} 128 samples of each half, every 200 steps, by DPM-Solver in 12 steps; each counts, also without an object. "
    "Claims were chosen when the result on `lean` was known. Whether rare places are late or frequent ones early is open."
)

# Asked: the result on `lean` was known.
STUDY = ps.Study(
    name="rare_places_p1",
    question="If some places are trained on more often, are the rare ones correct later, and both x and y there?",
    base="p1",
    answers="S6",
    headline="rarely_late",
    seeds=2,
    cells=[
        replace(cell, fields=ps.merge(cell.fields, FIELDS), seeds=n)
        for cell, n in zip(rare_places.CELLS, SEEDS, strict=True)
    ],
    claims=[
        ps.Claim(
            name="rarely_late",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Half of the samples are in the correct place later at rarely trained places than at those trained on four "
            "times as often.",
            statistic=ps.Mean(),
            numbers=partial(delay, column="both"),
            unit="of the steps",
            threshold=0.0,
            effect=0.15,
            spread=0.08,
            limits=LIMITS,
        ),
        ps.Claim(
            name="other_late",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="At rarely trained places the factor that does not divide the canvas is correct later, too.",
            statistic=ps.Mean(),
            numbers=OTHER_FACTOR_LATE,
            unit="of the steps",
            threshold=0.0,
            effect=0.13,
            spread=0.07,
            limits=LIMITS,
        ),
        ps.Claim(
            name="dividing_later",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="At rarely trained places the factor that divides the canvas is late by more than the other one.",
            statistic=ps.Mean(),
            numbers=DIVIDING_FACTOR_LATER,
            unit="of the steps",
            threshold=0.0,
            effect=0.2,
            spread=0.107,
            caveats=(
                LIMITS,
                "A network that does not use the label yet draws most bumps where it sees most.",
            ),
        ),
    ],
    readings=rare_places.READINGS,
    plots=rare_places.PLOTS,
    tables=rare_places.TABLES,
)
