"""On P1's ingredients: are x and y coupled in the latents, as P1 has it, or factorized, as its sequel P2 has it?

Each measure has a verdict of its own: the factorization index, between a torus in three dimensions (0, coupled) and a
Clifford torus (1, factorized); and its change from the untrained network, which passes on the label's encoding. Latents are
read at down3 (P1's layer) and mid, at a noise level at which the image shows the place (t = 50) and at one at which only the
label does (t = 600), in the runs of `p1` and in those of `p1_data` with unequal increments, from which P1 concludes.
"""

from phasescope.studies import Asked, Claim, Courses, Mean, Reading, Study, Table, end, start
from phasescope.studies.readings.factorization import MIDWAY, SITES, at, gain, index, read_code
from studies.designs import p1, p1_data

SPREAD = 0.25  # the largest that was observed between runs of preset `lean` with open bumps
EFFECT = 0.36  # detected with a power of 0.8 by eight runs of that spread
SMALL = "A network of 0.28 M parameters; P1's has about 23 M."
MOVES = "Moves of all lengths count, long ones most: a sheet that bends back on itself couples them."

RISING = "Runs ended at step 4,500, while the index was rising."
PASSED_ON = "An untrained network passes on the label's encoding (index 1): if it starts near 1, little is left to gain."

UNTRAINED = (
    "the untrained networks of these runs pass its bar, too; whether training makes it so is asked apart"
)

# Asked: samples of the runs of `p1` and `p1_data` had been looked at; their latents had not been read.
STUDY = Study(
    name="coupling",
    question="On P1's ingredients: are x and y coupled in latents (P1) or factorized (P2), and does training make it so?",
    base="p1",
    answers="S6",
    cells=(*p1.CELLS, p1_data.CELLS[-1]),
    seeds=8,
    more=8,
    headline="factorized_more_down3_600",
    claims=[
        Claim(
            name="factorized_down3_50",
            asked=Asked.AFTER,
            sentence="Latents at down3, t = 50 are nearer to a Clifford torus than to a torus in three dimensions.",
            statistic=Mean(),
            numbers=end(index(SITES[0])),
            unit="index",
            threshold=MIDWAY,
            effect=EFFECT,
            spread=0.25,
            source="P2",
            where={"cell": "p1"},
            caveats=(
                SMALL,
                MOVES,
            ),
        ),
        Claim(
            name="factorized_down3_600",
            asked=Asked.AFTER,
            sentence="Latents at down3, t = 600 are nearer to a Clifford torus than to a torus in three dimensions.",
            statistic=Mean(),
            numbers=end(index(SITES[1])),
            unit="index",
            threshold=MIDWAY,
            effect=EFFECT,
            spread=0.25,
            source="P2",
            where={"cell": "p1"},
            caveats=(
                SMALL,
                MOVES,
            ),
            uninformative=UNTRAINED,
        ),
        Claim(
            name="factorized_mid_50",
            asked=Asked.AFTER,
            sentence="Latents at mid, t = 50 are nearer to a Clifford torus than to a torus in three dimensions.",
            statistic=Mean(),
            numbers=end(index(SITES[2])),
            unit="index",
            threshold=MIDWAY,
            effect=EFFECT,
            spread=0.25,
            source="P2",
            where={"cell": "p1"},
            caveats=(
                SMALL,
                MOVES,
            ),
        ),
        Claim(
            name="factorized_mid_600",
            asked=Asked.AFTER,
            sentence="Latents at mid, t = 600 are nearer to a Clifford torus than to a torus in three dimensions.",
            statistic=Mean(),
            numbers=end(index(SITES[3])),
            unit="index",
            threshold=MIDWAY,
            effect=EFFECT,
            spread=0.25,
            source="P2",
            where={"cell": "p1"},
            caveats=(
                SMALL,
                MOVES,
            ),
            uninformative=UNTRAINED,
        ),
        Claim(
            name="unequal_factorized_down3_50",
            asked=Asked.AFTER,
            sentence="If increments are 0.25 px along x and 1 px along y, latents at down3, t = 50 are nearer to a Clifford torus than to a torus in three dimensions.",
            statistic=Mean(),
            numbers=end(index(SITES[0])),
            unit="index",
            threshold=MIDWAY,
            effect=EFFECT,
            spread=0.2,
            source="P2",
            where={"cell": "unequal"},
            caveats=(
                SMALL,
                MOVES,
                RISING,
            ),
        ),
        Claim(
            name="unequal_factorized_down3_600",
            asked=Asked.AFTER,
            sentence="If increments are 0.25 px along x and 1 px along y, latents at down3, t = 600 are nearer to a Clifford torus than to a torus in three dimensions.",
            statistic=Mean(),
            numbers=end(index(SITES[1])),
            unit="index",
            threshold=MIDWAY,
            effect=EFFECT,
            spread=0.2,
            source="P2",
            where={"cell": "unequal"},
            caveats=(
                SMALL,
                MOVES,
                RISING,
            ),
            uninformative=UNTRAINED,
        ),
        Claim(
            name="unequal_factorized_mid_50",
            asked=Asked.AFTER,
            sentence="If increments are 0.25 px along x and 1 px along y, latents at mid, t = 50 are nearer to a Clifford torus than to a torus in three dimensions.",
            statistic=Mean(),
            numbers=end(index(SITES[2])),
            unit="index",
            threshold=MIDWAY,
            effect=EFFECT,
            spread=0.2,
            source="P2",
            where={"cell": "unequal"},
            caveats=(
                SMALL,
                MOVES,
                RISING,
            ),
        ),
        Claim(
            name="unequal_factorized_mid_600",
            asked=Asked.AFTER,
            sentence="If increments are 0.25 px along x and 1 px along y, latents at mid, t = 600 are nearer to a Clifford torus than to a torus in three dimensions.",
            statistic=Mean(),
            numbers=end(index(SITES[3])),
            unit="index",
            threshold=MIDWAY,
            effect=EFFECT,
            spread=0.2,
            source="P2",
            where={"cell": "unequal"},
            caveats=(
                SMALL,
                MOVES,
                RISING,
            ),
            uninformative=UNTRAINED,
        ),
        Claim(
            name="factorized_more_down3_50",
            asked=Asked.AFTER,
            sentence="Training makes latents at down3, t = 50 more factorized.",
            statistic=Mean(),
            numbers=gain(index(SITES[0])),
            unit="index",
            threshold=0.0,
            effect=EFFECT,
            spread=SPREAD,
            source="P2",
            where={"cell": "p1"},
            caveats=(
                SMALL,
                MOVES,
                PASSED_ON,
            ),
        ),
        Claim(
            name="factorized_more_down3_600",
            asked=Asked.AFTER,
            sentence="Training makes latents at down3, t = 600 more factorized.",
            statistic=Mean(),
            numbers=gain(index(SITES[1])),
            unit="index",
            threshold=0.0,
            effect=EFFECT,
            spread=SPREAD,
            source="P2",
            where={"cell": "p1"},
            caveats=(
                SMALL,
                MOVES,
                PASSED_ON,
            ),
        ),
        Claim(
            name="factorized_more_mid_50",
            asked=Asked.AFTER,
            sentence="Training makes latents at mid, t = 50 more factorized.",
            statistic=Mean(),
            numbers=gain(index(SITES[2])),
            unit="index",
            threshold=0.0,
            effect=EFFECT,
            spread=SPREAD,
            source="P2",
            where={"cell": "p1"},
            caveats=(
                SMALL,
                MOVES,
                PASSED_ON,
            ),
        ),
        Claim(
            name="factorized_more_mid_600",
            asked=Asked.AFTER,
            sentence="Training makes latents at mid, t = 600 more factorized.",
            statistic=Mean(),
            numbers=gain(index(SITES[3])),
            unit="index",
            threshold=0.0,
            effect=EFFECT,
            spread=SPREAD,
            source="P2",
            where={"cell": "p1"},
            caveats=(
                SMALL,
                MOVES,
                PASSED_ON,
            ),
        ),
    ],
    readings=[Reading("code", read_code, needs=())],
    plots=[
        Courses(
            "index",
            "The factorization index through training",
            {at(site): index(site) for site in SITES},
            panels_by="cell",
            ylabel="index (0: 3D torus, 1: Clifford torus)",
            level=MIDWAY,
            note="Noise can bring an index above 1.",
        )
    ],
    tables=[
        Table(
            "Latents before and after training",
            {
                f"{at(site)}, {moment}": number(index(site))
                for site in SITES
                for moment, number in (("untrained", start), ("trained", end))
            }
            | {"images": end("code.images.value"), "the label's encoding": end("code.encoding.value")},
        )
    ],
)
