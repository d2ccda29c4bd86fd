"""Are latents of periodic bumps and stripes factorized, and do those that are compose better?

P1 reports that the two factors of a torus are coupled, P2 that they are factorized, and that such latents compose
(Liang et al. 2024, arXiv 2402.03305 and 2408.13256). Images of two stripes are a sum of one image per factor, and so
lie on a Clifford torus themselves; images of bumps are a product. Both are read by the factorization index and by
additive R². If combinations are held out, accuracy on those that a nearest-neighbour baseline cannot reach is
compared with the index of labels that were trained on, run by run. Nothing is claimed of loops: a sum of narrow
tuning curves of x and y has none that is read, although its index is 1, and a product of wide ones has two.
"""

import phasescope.studies as ps
from phasescope.studies.readings.factorization import ASKED, MIDWAY, at, gain, index, read_code
from phasescope.studies.readings.held_out import composed, read_core
from studies.designs.observed import ENDS_ONLY
from studies.tori.latents import RankWithinCells, composed_by_index, read_shape, read_spectrum, sum_gained

WORLDS = {"bumps": "gaussian_bump", "stripes": "stripes"}
HELD_PX = {10: [11.0, 20.0], 12: [10.0, 21.0], 14: [9.0, 22.0]}
"""By side, the range of x and of y that a held-out square takes. Of 7 px nearly all is composed, of a whole cross
nearly nothing: there runs of one cell could not differ."""
SIDES = tuple(f"{side} x {side}" for side in HELD_PX)


def torus(world: str, side: int = 0) -> ps.Cell:
    """Return a cell of periodic images, without a square of combinations if it has a side."""
    hold_out = {"kind": "square", "x": HELD_PX[side], "y": HELD_PX[side]} if side else None
    kind = {"kind": WORLDS[world]} if side or world == "stripes" else {}
    design = {"design": {"hold_out": hold_out}} if kind else {}
    fields = {"world": {"boundary": "periodic", **kind, **design}}
    if not side:
        name = "eps, periodic" if world == "bumps" else "stripes, periodic"
        return ps.Cell(name, fields, {"world": world, "held_out": "nothing"})
    axes = {"world": world, "held_out": f"{side} x {side}"}
    name = f"{world}, periodic, without {axes['held_out']}"
    return ps.Cell(name, {**fields, "probing": ENDS_ONLY}, axes, seeds=12)


CELLS = (*map(torus, WORLDS), *(torus(world, side) for side in HELD_PX for world in WORLDS))

ENCODED = "The label's encoding is factorized, and an untrained network passes it on"

DETECTED = "Only a difference of 0.25 or more is reliably detected at t = 600. Nor does it show that stripes are composed better. Untrained latents of stripes are no less factorized than those of bumps. Eight of the runs on bumps had been looked at in `factorization`."
NO_CAUSE = "That the one causes the other: what makes a network learn well may bring both. Worlds and holes differ for other reasons, so only runs of one cell are compared; those on stripes hardly differ."
NO_SUM = "What is not a sum may be factorized all the same."

UNTRAINED = "untrained networks pass its bar on average, too"

# Asked: eight runs of bumps had been looked at in `factorization`, and two tori when composition was read again
# (2026-11-28); no run of stripes had.
STUDY = ps.Study(
    name="tori",
    question="Are latents of periodic bumps and stripes factorized, and do those that are compose better?",
    base="lean",
    answers="Q4",
    cells=CELLS,
    seeds=16,
    more=16,
    headline="composes_within_50",
    readings=[
        ps.Reading("code", read_code, needs=()),
        ps.Reading("shape", read_shape, needs=()),
        ps.Reading("core", read_core, {"held_out": SIDES}, needs=()),
        ps.Reading("spectrum", read_spectrum, needs=()),
    ],
    claims=[
        ps.Claim(
            name="factorized_stripes_50",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Latents of periodic stripes at mid, t = 50 are nearer to a Clifford torus than to a 3D torus.",
            statistic=ps.Mean(),
            numbers=ps.end(index(ASKED[0])),
            threshold=MIDWAY,
            effect=0.15,
            spread=0.04,
            unit="index",
            where={"world": "stripes", "held_out": "nothing"},
            source="P2",
            limits=f"Images of stripes are a sum of both factors. {ENCODED}: its index is 0.71 here.",
            uninformative=UNTRAINED,
        ),
        ps.Claim(
            name="stripes_more_than_bumps_50",
            asked=ps.Asked.AFTER,
            sentence="Training makes latents at mid, t = 50 more factorized on stripes than on bumps.",
            statistic=ps.Difference("world", "stripes", "bumps"),
            numbers=gain(index(ASKED[0])),
            threshold=0.0,
            effect=0.25,
            spread=0.15,
            unit="difference of index gains",
            where={"held_out": "nothing"},
            source="P2",
            limits=DETECTED,
        ),
        ps.Claim(
            name="composes_within_50",
            asked=ps.Asked.AFTER,
            sentence="Of networks trained on the same images, those that are more factorized at mid, t = 50 compose better.",
            statistic=RankWithinCells("index", "cell"),
            numbers=[
                composed_by_index(ASKED[0], "darkest"),
                composed_by_index(ASKED[0], "matched"),
                composed_by_index(ASKED[0], "formed"),
            ],
            threshold=0.0,
            effect=0.32,
            where={"held_out": SIDES},
            source="P2",
            limits=NO_CAUSE,
        ),
        ps.Claim(
            name="factorized_more_stripes_50",
            asked=ps.Asked.AFTER_OTHERS,
            sentence=f"Training makes latents of periodic stripes at {at(ASKED[0])} more factorized.",
            statistic=ps.Mean(),
            numbers=gain(index(ASKED[0])),
            threshold=0.0,
            effect=0.15,
            spread=0.1,
            unit="index gain",
            where={"world": "stripes", "held_out": "nothing"},
            source="P2",
            limits=f"{ENCODED}: its index is 0.71 here, so 0.29 is left to gain.",
        ),
        ps.Claim(
            name="additive_more_bumps_50",
            asked=ps.Asked.AFTER,
            sentence="Training makes latents of periodic bumps at mid, t = 50 more nearly a sum of one code for x and one for y.",
            statistic=ps.Mean(),
            numbers=sum_gained,
            threshold=0.0,
            effect=0.5,
            spread=0.5,
            unit="log gain of additive R²",
            where={"world": "bumps", "held_out": "nothing"},
            source="P2",
            caveats=(
                f"{ENCODED}.",
                NO_SUM,
            ),
        ),
        ps.Claim(
            name="additive_more_stripes_50",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Training makes latents of periodic stripes at mid, t = 50 more nearly a sum of one code for x and one for y.",
            statistic=ps.Mean(),
            numbers=sum_gained,
            threshold=0.0,
            effect=0.5,
            spread=0.5,
            unit="log gain of additive R²",
            where={"world": "stripes", "held_out": "nothing"},
            source="P2",
            caveats=(
                f"{ENCODED}.",
                NO_SUM,
            ),
        ),
        ps.Claim(
            name="factorized_stripes_600",
            asked=ps.Asked.AFTER_OTHERS,
            sentence="Latents of periodic stripes at mid, t = 600 are nearer to a Clifford torus than to a 3D torus.",
            statistic=ps.Mean(),
            numbers=ps.end(index(ASKED[1])),
            threshold=MIDWAY,
            effect=0.15,
            spread=0.02,
            unit="index",
            where={"world": "stripes", "held_out": "nothing"},
            source="P2",
            limits=f"Images of stripes are a sum of both factors. {ENCODED}: its index is 0.87 here.",
            uninformative=UNTRAINED,
        ),
        ps.Claim(
            name="stripes_more_than_bumps_600",
            asked=ps.Asked.AFTER,
            sentence="Training makes latents at mid, t = 600 more factorized on stripes than on bumps.",
            statistic=ps.Difference("world", "stripes", "bumps"),
            numbers=gain(index(ASKED[1])),
            threshold=0.0,
            effect=0.25,
            spread=0.2,
            unit="difference of index gains",
            where={"held_out": "nothing"},
            source="P2",
            limits=DETECTED,
        ),
        ps.Claim(
            name="composes_within_600",
            asked=ps.Asked.AFTER,
            sentence="Of networks trained on the same images, those that are more factorized at mid, t = 600 compose better.",
            statistic=RankWithinCells("index", "cell"),
            numbers=[
                composed_by_index(ASKED[1], "darkest"),
                composed_by_index(ASKED[1], "matched"),
                composed_by_index(ASKED[1], "formed"),
            ],
            threshold=0.0,
            effect=0.32,
            where={"held_out": SIDES},
            source="P2",
            limits=NO_CAUSE,
        ),
    ],
    plots=[
        *(
            ps.Scatter(
                f"along_{site.t}",
                f"What is composed against the factorization index, {at(site)}",
                x=composed_by_index(site, "formed", "index"),
                y=composed_by_index(site, "formed"),
                xlabel="factorization index, at the end",
                ylabel="accuracy on the core / on trained labels",
                by="cell",
                where={"held_out": SIDES},
            )
            for site in ASKED
        ),
        ps.Courses(
            "index",
            "The factorization index through training",
            {at(site): index(site) for site in ASKED},
            panels_by="world",
            where={"held_out": "nothing"},
            level=MIDWAY,
            note="Noise can bring an index above 1.",
            ylabel="index (0: 3D torus, 1: Clifford torus)",
        ),
        ps.Courses(
            "spectrum",
            "How much of latents lies in four dimensions",
            {at(site): f"spectrum.{site}.value" for site in ASKED},
            panels_by="world",
            where={"held_out": "nothing"},
            ylabel="share of variance in 4 components",
            ylim=(0, 1.02),
        ),
    ],
    tables=[
        ps.Table(
            f"Latents at {at(site)}",
            {
                "index, untrained": ps.start(index(site)),
                "index": ps.end(index(site)),
                "additive R²": ps.end(f"shape.{site}.additive"),
                "loops": ps.end(f"shape.{site}.loops"),
                "share in 4 dimensions": ps.end(f"spectrum.{site}.value"),
                "index of the images": ps.end("code.images.value"),
                "composed": composed("formed"),
            },
        )
        for site in ASKED
    ],
)
