"""If some places are trained on more often than others, are the rare ones correct later, and both x and y there?

P1 varies the increments of x and y. Here increments are equal, and the places in one half of the canvas are trained on four
times as often as those in the other half. If every place were learned by itself, rare places would be correct four times
later. If x and y are learned apart, then at rare places the factor that divides the canvas, whose values are rare, is late,
and the other one, whose values are trained on as often as each other, is not. If they are coupled, as P1 says, both are
late alike. Each half is the rare one in half of the runs, along x and along y. Accuracy is read between grid points, to a
part of a pixel, and of every sample, so that no label and no outcome is favoured. Two pilots (seeds 9001 and 9002, used for
nothing else) chose the length and were looked at: there rare places were late by a tenth to a sixth, the factor that divides
the canvas by .25 and .13, the other one by .15 and .07.
"""

from functools import partial

import phasescope.studies as ps
from phasescope.studies.readings.halves import onsets
from studies.designs.rare_places import (
    CELLS,
    DIVIDING_FACTOR_LATER,
    OTHER_FACTOR_LATE,
    PLOTS,
    READINGS,
    TABLES,
)
from studies.designs.sheet import SELECTED

LIMITS = f"{SELECTED} 64 samples of each half, every 100 steps. Whether rare places are late or frequent ones early is open."

# Asked: two pilots (seeds 9001, 9002), in which all three numbers were looked at.
STUDY = ps.Study(
    name="rare_places",
    question="If some places are trained on more often, are the rare ones correct later, and both x and y there?",
    base="lean",
    answers="S6",
    cells=CELLS,
    seeds=6,
    more=6,
    headline="rarely_late",
    claims=[
        ps.Claim(
            name="rarely_late",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Half of the samples are in the correct place later at rarely trained places than at places that are trained on "
            "four times as often, by more than a quarter of the steps.",
            statistic=ps.OnsetRatio(),
            numbers=partial(onsets, column="halves.rarely.both", other="halves.often.both"),
            threshold=1.25,
            effect=0.2,
            spread=0.1,
            caveats=(
                LIMITS,
                "The pilots lie below the threshold, which is a quarter as in the study `imbalance`.",
            ),
        ),
        ps.Claim(
            name="other_late",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="At rarely trained places the factor that does not divide the canvas is correct later than at often trained "
            "places, too, by more than a twentieth of the steps.",
            statistic=ps.Mean(),
            numbers=OTHER_FACTOR_LATE,
            unit="of the steps",
            threshold=0.05,
            no_effect=0.0,
            effect=0.07,
            spread=0.1,
            caveats=(
                LIMITS,
                "If x and y are learned apart, it is not. A sample without an object is wrong along both "
                "factors, so objects that form later at rare places would make this true as well.",
            ),
        ),
        ps.Claim(
            name="dividing_later",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="At rarely trained places the factor that divides the canvas is late by more than the other one, by a twentieth "
            "of the steps at least.",
            statistic=ps.Mean(),
            numbers=DIVIDING_FACTOR_LATER,
            unit="of the steps",
            threshold=0.05,
            no_effect=0.0,
            effect=0.075,
            spread=0.1,
            caveats=(
                LIMITS,
                "If x and y are coupled, it is not. A network that does not use the label yet draws most "
                "bumps in the half that it sees more often, which makes this factor late at rare places "
                "without any learning apart.",
            ),
        ),
    ],
    readings=READINGS,
    plots=PLOTS,
    tables=TABLES,
)
