"""How large a hole in the training labels does a network fill?

A strip of x (a lesion), or a square of labels inside the canvas, at its edge or in its corner, is held out (Liang
et al. 2024, arXiv 2408.13256, report lesions of 1, 3.5 and 8 px). What counts is the core of a hole, which a
nearest-neighbour baseline cannot reach.
"""

from phasescope.studies import Against, Asked, Cell, Claim, Ends, Mean, Rank, Reading, Study, Table
from phasescope.studies.readings.held_out import COMPOSED, READINGS, composed, read_core
from studies.designs.observed import ENDS_ONLY

WIDTHS_PX = (2.0, 3.5, 5.0, 8.0)  # a lesion of 1 px would leave out the same labels as one of 2
SIDES = (4, 8, 12)  # labels; a nearest-neighbour baseline is correct everywhere in a smaller square
WORLDS = {"bumps": {"kind": "gaussian_bump"}, "stripes": {"kind": "stripes"}}
CORNERS_PX = {"inside": (11, 11), "edge": (11, 1), "corner": (1, 1)}  # where a square begins
CLAIMED_SEEDS, SEEDS = 12, 6  # of cells about whose filling there is a claim, and of the others


def lesion(width: float) -> Cell:
    hold_out = {"kind": "lesion", "axis": "x", "width": width}
    fields = {"world": {"design": {"hold_out": hold_out}}, "probing": ENDS_ONLY}
    seeds = CLAIMED_SEEDS if width == WIDTHS_PX[-1] else SEEDS
    return Cell(f"lesion of {width:g} px", fields, {"hole": "lesion", "width": width}, seeds=seeds)


def square(world: str, place: str, side: int) -> Cell:
    x, y = CORNERS_PX[place]
    hold_out = {"kind": "square", "x": [x, x + side - 1], "y": [y, y + side - 1]}
    fields = {"world": {**WORLDS[world], "design": {"hold_out": hold_out}}, "probing": ENDS_ONLY}
    axes = {"hole": "square", "world": world, "place": place, "side": float(side)}
    seeds = CLAIMED_SEEDS if side == SIDES[-1] else SEEDS
    return Cell(f"{world}, {side} x {side}, {place}", fields, axes, seeds=seeds)


CELLS = [
    *map(lesion, WIDTHS_PX),
    *(square(world, place, side) for world in WORLDS for place in CORNERS_PX for side in SIDES),
]
FILLED_LIMITS = (
    "A network that sees more images, or trains longer, may fill more. Below 0.1 the reading is near "
    "its floor."
)

NOT_FARTHER = "By how much, and what happens farther inside, where a larger square has more labels."

# Asked: no run existed; bars and readings were amended after runs of `compose` (2026-11-28).
STUDY = Study(
    name="interpolate",
    question="How large a hole in the training labels does a network fill?",
    base="lean",
    answers="S7",
    cells=CELLS,
    seeds=SEEDS,
    more=6,
    headline="wide_lesion",
    readings=[Reading("core", read_core, needs=())],
    claims=[
        Claim(
            name="wide_lesion",
            asked=Asked.AFTER_OTHERS,
            sentence="A lesion of 8 px is not filled beyond the nearest-neighbour baseline.",
            statistic=Mean(),
            numbers=COMPOSED,
            unit="accuracy, relative to trained labels",
            threshold=0.1,
            direction="below",
            effect=0.2,
            spread=0.2,
            where={"hole": "lesion", "width": 8.0},
            source="P2",
            limits=FILLED_LIMITS,
        ),
        Claim(
            name="large_square_bumps_inside",
            asked=Asked.AFTER_OTHERS,
            sentence="A held-out square of 12 x 12 labels is not filled beyond the nearest-neighbour baseline: bumps, inside.",
            statistic=Mean(),
            numbers=COMPOSED,
            unit="accuracy, relative to trained labels",
            threshold=0.1,
            direction="below",
            effect=0.2,
            spread=0.2,
            where={"world": "bumps", "place": "inside", "side": 12.0},
            source="P2",
            limits=FILLED_LIMITS,
        ),
        Claim(
            name="large_square_bumps_edge",
            asked=Asked.AFTER_OTHERS,
            sentence="A held-out square of 12 x 12 labels is not filled beyond the nearest-neighbour baseline: bumps, edge.",
            statistic=Mean(),
            numbers=COMPOSED,
            unit="accuracy, relative to trained labels",
            threshold=0.1,
            direction="below",
            effect=0.2,
            spread=0.2,
            where={"world": "bumps", "place": "edge", "side": 12.0},
            source="P2",
            limits=FILLED_LIMITS,
        ),
        Claim(
            name="large_square_bumps_corner",
            asked=Asked.AFTER_OTHERS,
            sentence="A held-out square of 12 x 12 labels is not filled beyond the nearest-neighbour baseline: bumps, corner.",
            statistic=Mean(),
            numbers=COMPOSED,
            unit="accuracy, relative to trained labels",
            threshold=0.1,
            direction="below",
            effect=0.2,
            spread=0.2,
            where={"world": "bumps", "place": "corner", "side": 12.0},
            source="P2",
            limits=FILLED_LIMITS,
        ),
        Claim(
            name="large_square_stripes_inside",
            asked=Asked.AFTER_OTHERS,
            sentence="A held-out square of 12 x 12 labels is not filled beyond the nearest-neighbour baseline: stripes, inside.",
            statistic=Mean(),
            numbers=COMPOSED,
            unit="accuracy, relative to trained labels",
            threshold=0.1,
            direction="below",
            effect=0.2,
            spread=0.2,
            where={"world": "stripes", "place": "inside", "side": 12.0},
            source="P2",
            limits=FILLED_LIMITS,
        ),
        Claim(
            name="large_square_stripes_edge",
            asked=Asked.AFTER_OTHERS,
            sentence="A held-out square of 12 x 12 labels is not filled beyond the nearest-neighbour baseline: stripes, edge.",
            statistic=Mean(),
            numbers=COMPOSED,
            unit="accuracy, relative to trained labels",
            threshold=0.1,
            direction="below",
            effect=0.2,
            spread=0.2,
            where={"world": "stripes", "place": "edge", "side": 12.0},
            source="P2",
            limits=FILLED_LIMITS,
        ),
        Claim(
            name="large_square_stripes_corner",
            asked=Asked.AFTER_OTHERS,
            sentence="A held-out square of 12 x 12 labels is not filled beyond the nearest-neighbour baseline: stripes, corner.",
            statistic=Mean(),
            numbers=COMPOSED,
            unit="accuracy, relative to trained labels",
            threshold=0.1,
            direction="below",
            effect=0.2,
            spread=0.2,
            where={"world": "stripes", "place": "corner", "side": 12.0},
            source="P2",
            limits=FILLED_LIMITS,
        ),
        Claim(
            name="less_of_larger_bumps",
            asked=Asked.AFTER_OTHERS,
            sentence="The larger a held-out square, the fewer of its labels 2 px from trained ones are correct: bumps.",
            statistic=Rank(by="side", within="place"),
            numbers=[composed(reading, "near") for reading in READINGS],
            threshold=0.0,
            direction="below",
            effect=0.45,
            where={"world": "bumps"},
            source="P2",
            over=("side", "sizes"),
            limits=NOT_FARTHER,
        ),
        Claim(
            name="less_of_larger_stripes",
            asked=Asked.AFTER_OTHERS,
            sentence="The larger a held-out square, the fewer of its labels 2 px from trained ones are correct: stripes.",
            statistic=Rank(by="side", within="place"),
            numbers=[composed(reading, "near") for reading in READINGS],
            threshold=0.0,
            direction="below",
            effect=0.45,
            where={"world": "stripes"},
            source="P2",
            over=("side", "sizes"),
            limits=NOT_FARTHER,
        ),
    ],
    plots=[
        Ends(
            "lesions",
            "Lesions: share of the core that is filled",
            {"well-formed samples": composed("formed"), "every sample, matched filter": composed("matched")},
            where={"hole": "lesion"},
            level=0.1,
        ),
        *(
            Against(
                f"squares_{world}",
                f"Squares: share of the core that is filled, {world}",
                numbers={
                    "well-formed samples": composed("formed"),
                    "every sample, matched filter": composed("matched"),
                },
                along="side",
                by="place",
                where={"world": world},
                level=0.1,
                ylim=(0, 1.12),
            )
            for world in WORLDS
        ),
    ],
    tables=[
        Table(
            "Share of the core that is filled",
            {
                "well-formed samples": composed("formed"),
                "every sample, matched filter": composed("matched"),
                "every sample, darkest pixel": composed("darkest"),
            },
        )
    ],
)
