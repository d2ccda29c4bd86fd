"""Which inductive biases make a network combine an x and a y that it never saw together?

Each run is trained on 64 labels of bumps or 40 of stripes, drawn at random of 1,024, and tested on the others: so many leave
a U-Net room to become better. Read are held-out labels farther than 1 px from every trained one, of which a
nearest-neighbour baseline generates none. Networks are the U-Net of preset `fast`, one with axial convolutions, one that x
modulates along columns and y along rows (axis.py; its foil: shuffled.py), and one with a head of the images' own form: a
product of two profiles for bumps, a sum for two stripes (kinds.py). A head of the other form cannot show the images, and is
left out: whether a product helps bumps and a sum stripes more than the other way round cannot be asked. Further runs see as
many labels with twice as many places of x and half as many of y. A cross held out of all labels is not asked: none of its
values is seen at all, and three pilots (seed 9000) generated none of it.

Another baseline knows the affine hull of the images that were seen: of sums (stripes) it reaches a label if and only if its
x and its y lie in one component of the graph whose edges are the trained labels (arXiv 2410.06303). Of labels whose x and y
were each seen once, those in one component are compared with the others, within each run. No affine combination of bumps is
a further bump: for them the components only say which values were seen together, at first or at second hand.
"""

import numpy as np

from phasescope import load_config
from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Difference,
    Ends,
    Mean,
    Reading,
    Runs,
    Study,
    Table,
    end,
    reads,
)
from studies.biases.readings import read_composed

WORLDS = {"bumps": ("gaussian_bump", 64, "product"), "stripes": ("stripes", 40, "sum")}  # kind, labels, head
NETWORKS = ("plain", "head", "axial", "by_axis", "shuffled")
FAST = load_config(overrides=["preset=fast"]).tree()["network"]  # other kinds start from no preset's fields
PLAN = {
    "snapshots": {"dense_until": 0, "every": 630},
    "images": {"left_out": 0, "off_grid": 0},
    "observe": [],
}
HELD_OUT = end("composed.formed.core")
BESIDE = {"by place alone": end("composed.matched.core"), "trained labels": end("composed.formed.trained")}
BESIDE |= {"loss": end("loss")}
READ = "630 steps of preset `fast`. A sample counts if it is in place and well-formed; the table has place alone."
LIMITS = f"{READ} One number of labels. Runs of one seed differ in which labels they see."
ADDED = f"{READ} Added after a look at the other cells, before any run of its own."
TOLD = (
    "Modulation by axis varies over the image, multiplies labels with places, and has x and y act along axes of their own: "
    "which of these helps is not told apart. Shuffled encodings (one permutation for each size of features, of 2 x 2 none) "
    "take away the order of places alone; all networks see pixel coordinates. Eight runs of each network."
)
UNLEARNED = (
    "One run with a head on bumps did not learn its trained labels; without it the gain is .107 [.002, .197]."
)


def cell(world: str, network: str, unequal: bool = False) -> Cell:
    kind, count, head = WORLDS[world]
    own = {
        "plain": {},
        "axial": {"network": FAST | {"kind": "studies/biases/kinds.py:AxialUNet"}},
        "by_axis": {"network": FAST | {"kind": "studies/biases/axis.py:ByAxisUNet"}},
        "shuffled": {"network": FAST | {"kind": "studies/biases/shuffled.py:ShuffledUNet"}},
        "head": {"network": FAST | {"kind": "studies/biases/kinds.py:HeadUNet", "head": head}},
    }[network]
    design = {"hold_out": {"kind": "subset", "count": count}} | ({"dx": 0.5, "dy": 2.0} if unequal else {})
    fields = {"seed": 5000, "world": {"kind": kind, "design": design}, "probing": PLAN, **own}
    # Cells of unequal density have no axis `world`, so that claims on a `world` leave them out.
    axes = {"unequal": world, "network": network} if unequal else {"world": world, "network": network}
    name = f"{world}, {network}, unequal" if unequal else f"{world}, {network}"
    return Cell(name, fields, axes, reseeded=("world.design.hold_out.shuffle",))


@reads("composed.formed.joined", "composed.formed.apart")
def beyond_hull(runs: Runs) -> np.ndarray:
    """Return how much more often labels are generated whose x and y are joined than those whose are apart, (n,)."""
    return runs.end("composed.formed.joined") - runs.end("composed.formed.apart")


# Asked: claims on heads, axial convolutions and the hull before any run (0 existed); the others after a look at other
# cells, before their own runs.
STUDY = Study(
    name="biases",
    question="Which inductive biases make a network combine an x and a y that it never saw together?",
    base="fast",
    answers="Q4",
    seeds=8,
    more=8,
    headline="head_helps_bumps",
    cells=[cell(world, network) for world in WORLDS for network in NETWORKS]
    + [cell(world, network, unequal=True) for world in WORLDS for network in ("plain", "head")],
    claims=[
        Claim(
            name="head_helps_bumps",
            asked=Asked.BEFORE,
            sentence="A head of the images' own form brings more held-out labels than the U-Net, by more than a tenth of them: bumps.",
            statistic=Difference("network", "head", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.22,
            spread=0.12,
            where={"world": "bumps", "network": ("plain", "head")},
            limits=LIMITS,
        ),
        Claim(
            name="head_helps_stripes",
            asked=Asked.BEFORE,
            sentence="A head of the images' own form brings more held-out labels than the U-Net, by more than a tenth of them: stripes.",
            statistic=Difference("network", "head", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.22,
            spread=0.12,
            where={"world": "stripes", "network": ("plain", "head")},
            limits=LIMITS,
        ),
        Claim(
            name="axial_helps_bumps",
            asked=Asked.BEFORE,
            sentence="Axial convolutions bring more held-out labels than the U-Net, by more than a tenth of them: bumps.",
            statistic=Difference("network", "axial", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.22,
            spread=0.12,
            where={"world": "bumps", "network": ("plain", "axial")},
            limits=LIMITS,
        ),
        Claim(
            name="axial_helps_stripes",
            asked=Asked.BEFORE,
            sentence="Axial convolutions bring more held-out labels than the U-Net, by more than a tenth of them: stripes.",
            statistic=Difference("network", "axial", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.22,
            spread=0.12,
            where={"world": "stripes", "network": ("plain", "axial")},
            limits=LIMITS,
        ),
        Claim(
            name="by_axis_helps_bumps",
            asked=Asked.AFTER_OTHERS,
            sentence="Modulation by axis brings more held-out labels than the U-Net, by more than a tenth of them: bumps.",
            statistic=Difference("network", "by_axis", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.22,
            spread=0.12,
            where={"world": "bumps", "network": ("plain", "by_axis")},
            caveats=(
                ADDED,
                TOLD,
            ),
        ),
        Claim(
            name="by_axis_helps_stripes",
            asked=Asked.AFTER_OTHERS,
            sentence="Modulation by axis brings more held-out labels than the U-Net, by more than a tenth of them: stripes.",
            statistic=Difference("network", "by_axis", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.22,
            spread=0.12,
            where={"world": "stripes", "network": ("plain", "by_axis")},
            caveats=(
                ADDED,
                TOLD,
            ),
        ),
        Claim(
            name="shuffled_helps_bumps",
            asked=Asked.AFTER_OTHERS,
            sentence="Modulation by axis with shuffled encodings of places brings more held-out labels than the U-Net, by more than a tenth of them: bumps.",
            statistic=Difference("network", "shuffled", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.22,
            spread=0.12,
            where={"world": "bumps", "network": ("plain", "shuffled")},
            caveats=(
                ADDED,
                TOLD,
            ),
        ),
        Claim(
            name="shuffled_helps_stripes",
            asked=Asked.AFTER_OTHERS,
            sentence="Modulation by axis with shuffled encodings of places brings more held-out labels than the U-Net, by more than a tenth of them: stripes.",
            statistic=Difference("network", "shuffled", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.22,
            spread=0.12,
            where={"world": "stripes", "network": ("plain", "shuffled")},
            caveats=(
                ADDED,
                TOLD,
            ),
        ),
        Claim(
            name="places_help_bumps",
            asked=Asked.AFTER_OTHERS,
            sentence="Modulation by axis brings more held-out labels than if the encodings of columns and rows are shuffled, by more than a tenth of them: bumps.",
            statistic=Difference("network", "by_axis", "shuffled"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.3,
            spread=0.16,
            where={"world": "bumps", "network": ("by_axis", "shuffled")},
            caveats=(
                ADDED,
                TOLD,
            ),
        ),
        Claim(
            name="places_help_stripes",
            asked=Asked.AFTER_OTHERS,
            sentence="Modulation by axis brings more held-out labels than if the encodings of columns and rows are shuffled, by more than a tenth of them: stripes.",
            statistic=Difference("network", "by_axis", "shuffled"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.3,
            spread=0.16,
            where={"world": "stripes", "network": ("by_axis", "shuffled")},
            caveats=(
                ADDED,
                TOLD,
            ),
        ),
        Claim(
            name="beyond_hull_bumps",
            asked=Asked.BEFORE,
            sentence="Of labels whose x and y were seen once each, networks generate more of those whose x and y the trained labels connect, by more than a fifth: bumps.",
            statistic=Mean(strata="cell"),
            numbers=beyond_hull,
            unit="of the labels",
            threshold=0.2,
            no_effect=0.0,
            effect=0.27,
            spread=0.3,
            where={"world": "bumps", "network": ("plain", "head", "axial")},
            caveats=(
                LIMITS,
                "Runs without a label of either sort are left out.",
            ),
        ),
        Claim(
            name="beyond_hull_stripes",
            asked=Asked.BEFORE,
            sentence="Of labels whose x and y were seen once each, networks generate more of those whose x and y the trained labels connect (which an affine hull reaches), by more than a fifth: stripes.",
            statistic=Mean(strata="cell"),
            numbers=beyond_hull,
            unit="of the labels",
            threshold=0.2,
            no_effect=0.0,
            effect=0.27,
            spread=0.3,
            where={"world": "stripes", "network": ("plain", "head", "axial")},
            caveats=(
                LIMITS,
                "Runs without a label of either sort are left out.",
            ),
        ),
        Claim(
            name="head_helps_bumps_unequal",
            asked=Asked.AFTER_OTHERS,
            sentence="If x is denser than y, a head of the images' own form brings more held-out labels than the U-Net, by more than a tenth of them: bumps.",
            statistic=Difference("network", "head", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.3,
            spread=0.16,
            where={"unequal": "bumps"},
            caveats=(
                ADDED,
                UNLEARNED,
            ),
        ),
        Claim(
            name="head_helps_stripes_unequal",
            asked=Asked.AFTER_OTHERS,
            sentence="If x is denser than y, a head of the images' own form brings more held-out labels than the U-Net, by more than a tenth of them: stripes.",
            statistic=Difference("network", "head", "plain"),
            numbers=HELD_OUT,
            unit="of the labels",
            threshold=0.1,
            effect=0.3,
            spread=0.16,
            where={"unequal": "stripes"},
            limits=ADDED,
        ),
    ],
    readings=[Reading("composed", read_composed, needs=())],
    plots=[
        Ends(
            world,
            f"Held-out {world} farther than 1 px from trained ones",
            {"share correct": HELD_OUT},
            by="network",
            where={"world": world},
            ylim=(0, 1.02),
        )
        for world in WORLDS
    ],
    tables=[
        Table(
            "Correct at the end",
            {"held-out labels": HELD_OUT, **BESIDE}
            | {f"x and y seen once, {name}": end(f"composed.formed.{name}") for name in ("joined", "apart")},
            by=("world", "network"),
        ),
        Table(
            "If x is denser than y",
            {"held-out labels": HELD_OUT, **BESIDE},
            where={"unequal": tuple(WORLDS)},
            by=("unequal", "network"),
        ),
    ],
)
