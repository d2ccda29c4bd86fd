"""If eps, x and v weigh the error of the image alike at every noise level, do networks learn alike?

What a network predicts (the noise, the image, or v) changes its loss in two ways: how much an error of the image weighs at
each noise level, and what the output has to look like. With the weight min(SNR, 5) (Hang et al. 2023) the first is the same
for all three. What is left is the second. Equivalence to eps is asked (onsets that differ by less than a tenth), by two
claims for x and two for v, one on either side. Twenty runs a cell would show it at the spread of `fast`, 0.085 between the
logs of its runs' onsets (study `labels`); it came out about twice as large.
"""

from phasescope.studies import Asked, Cell, Claim, Courses, Ends, OnsetRatio, Study, Table
from phasescope.studies.readings.phases import CORRECT, PHASE, phases_abc

PREDICTIONS = ("eps", "x", "v")
PLAN = {"images": {"grid": 32, "off_grid": 0}, "snapshots": {"dense_until": 0, "every": 40}, "observe": []}
CELLS = [
    Cell(
        predict,
        {
            "seed": 4100,
            "family": {"predict": predict, "weighting": "min_snr"},
            "training": {"steps": 5040},
            "probing": PLAN,
        },
        {"predict": predict},
    )
    for predict in PREDICTIONS
]
ACCURACY = CORRECT.crosses(0.5)
LIMITS = (
    "Preset `fast` at 5,040 steps, min(SNR, 5), a linear schedule; flow matching is left out: its density of noise "
    "levels is another. An optimiser whose steps do not depend on the gradient's scale (Muon) hides a constant factor "
    "of it."
)


# Asked: 72 shorter runs of other seeds and a pilot of each prediction had been looked at (2026-11-30).
STUDY = Study(
    name="matched",
    question="If eps-, x- and v-prediction weigh the error of the image alike at every noise level, do they learn alike?",
    base="fast",
    answers="Q2",
    cells=CELLS,
    seeds=20,
    more=8,
    headline="x_not_earlier_than_eps",
    claims=[
        Claim(
            name="x_not_later_than_eps",
            asked=Asked.AFTER_OTHERS,
            sentence="Accuracy of x-prediction comes earlier than that of eps-prediction, or at most a tenth later.",
            statistic=OnsetRatio(by="predict", first="x", second="eps"),
            threshold=1.1,
            direction="below",
            effect=(0.1, 0.12),
            numbers=ACCURACY,
            spread=0.09,
            where={"cell": ("x", "eps")},
            limits=LIMITS,
        ),
        Claim(
            name="x_not_earlier_than_eps",
            asked=Asked.AFTER_OTHERS,
            sentence="Accuracy of x-prediction comes later than that of eps-prediction, or at most a tenth earlier.",
            statistic=OnsetRatio(by="predict", first="x", second="eps"),
            threshold=1 / 1.1,
            direction="above",
            effect=0.09,
            numbers=ACCURACY,
            spread=0.09,
            where={"cell": ("x", "eps")},
            limits=LIMITS,
        ),
        Claim(
            name="v_not_later_than_eps",
            asked=Asked.AFTER_OTHERS,
            sentence="Accuracy of v-prediction comes earlier than that of eps-prediction, or at most a tenth later.",
            statistic=OnsetRatio(by="predict", first="v", second="eps"),
            threshold=1.1,
            direction="below",
            effect=(0.1, 0.12),
            numbers=ACCURACY,
            spread=0.09,
            where={"cell": ("v", "eps")},
            limits=LIMITS,
        ),
        Claim(
            name="v_not_earlier_than_eps",
            asked=Asked.AFTER_OTHERS,
            sentence="Accuracy of v-prediction comes later than that of eps-prediction, or at most a tenth earlier.",
            statistic=OnsetRatio(by="predict", first="v", second="eps"),
            threshold=1 / 1.1,
            direction="above",
            effect=0.09,
            numbers=ACCURACY,
            spread=0.09,
            where={"cell": ("v", "eps")},
            limits=LIMITS,
        ),
    ],
    plots=[
        Courses("correct", "Samples correct through training", {"correct": CORRECT}, by="cell", ylim=(0, 1)),
        Ends("end", "Samples correct at the end", {"share": CORRECT.end()}, by="predict", ylim=(0, 1)),
    ],
    tables=[
        Table(
            "Onsets and phases",
            {
                "half of the samples correct (step)": ACCURACY,
                "samples pass A, B, C": phases_abc(PHASE, CORRECT),
                "correct at the end": CORRECT.end(),
            },
        )
    ],
)
