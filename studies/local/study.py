"""Do convolutions alone generate what the patch-local optimum does, and what brings just one object?

A denoiser that sees a patch around each pixel, and everything that was ever in it, has an exact optimum: the
patch-local optimal denoiser (Kamb & Ganguli 2024, arXiv 2412.20292; docs/theory.md). Distant pixels know nothing of
one another, so it generates no object, one, or several, about as often as by chance: the variance of their number
over its mean (the Fano factor) is near that of a Poisson law, 1. A lower one says how far "exactly one" was learned.
Without a label, a network and its patch-local optimum start from the very same noise and use the same sampler, so
that they can be compared image by image.
"""

from phasescope.studies import Asked, Cell, Claim, Courses, Difference, Ends, Mean, Reading, Study, Table, end
from studies.local.objects import apart, read_beside, read_counts

UNLABELLED = {"training": {"label_dropout": 1.0}, "world": {"boundary": "periodic"}}
SELDOM = {
    "probing": {  # a layer of convolutions at full resolution has 32,768 numbers per image
        "latent_labels": 64,
        "variance_labels": 16,
        "variance_draws": 2,
        "crossed_labels": 0,
        "t": [600],
        "p1": None,
        "bands": 1,
        "snapshots": {"dense_until": 0, "every": 500},
    }
}
EVERYWHERE = ["down1", "down2", "down3", "mid", "up1", "up2", "up3"]


def unlabelled(network: str, name: str, **fields: object) -> Cell:
    """Return a cell on a torus whose network never receives a label."""
    own = SELDOM | {"network": fields} if fields else {"world": {"boundary": "periodic", "sigma_px": 1.0}}
    return Cell(name, UNLABELLED | own, {"network": network})


def convolutions(side: int) -> Cell:
    """Return a cell in which each pixel of the estimate depends on a square of this side alone."""
    names = f"convolutions, {side} px", f"convnet, {side} px"
    return unlabelled(*names, kind="convnet", receptive_px=side, padding="circular")


CONVOLUTIONS = {side: convolutions(side) for side in (9, 15)}
CELLS = (
    *CONVOLUTIONS.values(),
    unlabelled("U-Net", "untold, sigma=1"),
    unlabelled("U-Net, attention", "untold, attention", attention=EVERYWHERE),
    unlabelled("one scale", "untold, one scale", widths=[32]),
    unlabelled(
        "one scale, attention", "untold, one scale, attention", widths=[32], attention=["stem", "mid"]
    ),
    Cell("eps", {}, {"network": "U-Net, with labels"}),
)
WITHOUT_LABELS = tuple(cell.axes["network"] for cell in CELLS[:-1])
ONE, BY_CHANCE = "local.network.one", 0.37  # of images hold just one object under a Poisson law of mean 1
FEW_SCALES = "That depth or attention is needed, or which of padding and pooling brings it."

ONE_SAMPLER = "Of one sampler. The median says nothing of the images that are farthest."
NOT_THE_LAW = "The law itself: others have this variance too. The optimum has no two objects in one patch, so its own factor is below 1."
CHANCE = f"By chance {BY_CHANCE:.0%} of images hold just one."

# Asked: 0 runs existed. The claims on one object were asked again (2026-11-28) when the runs of `one_depth` had ended;
# `attention_changes_one` after a look.
STUDY = Study(
    name="local",
    question="Do convolutions alone generate what the exact patch-local denoiser does, and what brings just one "
    "object?",
    base="lean",
    answers="Q2",
    cells=CELLS,
    seeds=8,
    more=8,
    headline="machine_15",
    readings=[
        Reading("local", read_beside, {"network": WITHOUT_LABELS}, needs=()),
        Reading("counts", read_counts, {"cell": "eps"}, needs=()),
    ],
    claims=[
        Claim(
            name="machine_9",
            asked=Asked.BEFORE,
            sentence="A network of convolutions that sees 9 px generates what the patch-local optimal denoiser of 9 px does from the same noise: median r² above 0.9.",
            statistic=Mean(),
            numbers=end("local.optimum.r2"),
            threshold=0.9,
            effect=0.045,
            spread=0.027,
            unit="median r²",
            where={"network": "convolutions, 9 px"},
            source="Kamb & Ganguli 2024",
            limits=ONE_SAMPLER,
        ),
        Claim(
            name="poisson_9",
            asked=Asked.BEFORE,
            sentence="A network of convolutions that sees 9 px generates a number of objects that varies as by chance: its Fano factor is 0.7 to 1.2.",
            statistic=Mean(absolute=True),
            numbers=apart("local.network.fano", 0.95),
            threshold=0.25,
            effect=0.15,
            spread=0.09,
            direction="below",
            unit="of the Fano factor",
            where={"network": "convolutions, 9 px"},
            source="Kamb & Ganguli 2024",
            limits=NOT_THE_LAW,
        ),
        Claim(
            name="one_on_average_9",
            asked=Asked.BEFORE,
            sentence="A network of convolutions that sees 9 px generates one object per image on average, within 0.2.",
            statistic=Mean(absolute=True),
            numbers=apart("local.network.objects", 1.0),
            threshold=0.2,
            effect=0.2,
            spread=0.12,
            direction="below",
            unit="objects",
            where={"network": "convolutions, 9 px"},
            source="Kamb & Ganguli 2024",
            limits="How counts are spread.",
        ),
        Claim(
            name="machine_15",
            asked=Asked.BEFORE,
            sentence="A network of convolutions that sees 15 px generates what the patch-local optimal denoiser of 15 px does from the same noise: median r² above 0.9.",
            statistic=Mean(),
            numbers=end("local.optimum.r2"),
            threshold=0.9,
            effect=0.045,
            spread=0.027,
            unit="median r²",
            where={"network": "convolutions, 15 px"},
            source="Kamb & Ganguli 2024",
            limits=ONE_SAMPLER,
        ),
        Claim(
            name="poisson_15",
            asked=Asked.BEFORE,
            sentence="A network of convolutions that sees 15 px generates a number of objects that varies as by chance: its Fano factor is 0.7 to 1.2.",
            statistic=Mean(absolute=True),
            numbers=apart("local.network.fano", 0.95),
            threshold=0.25,
            effect=0.15,
            spread=0.09,
            direction="below",
            unit="of the Fano factor",
            where={"network": "convolutions, 15 px"},
            source="Kamb & Ganguli 2024",
            limits=NOT_THE_LAW,
        ),
        Claim(
            name="one_on_average_15",
            asked=Asked.BEFORE,
            sentence="A network of convolutions that sees 15 px generates one object per image on average, within 0.2.",
            statistic=Mean(absolute=True),
            numbers=apart("local.network.objects", 1.0),
            threshold=0.2,
            effect=0.2,
            spread=0.15,
            direction="below",
            unit="objects",
            where={"network": "convolutions, 15 px"},
            source="Kamb & Ganguli 2024",
            limits="How counts are spread. Runs differ so much that eight could hardly support it, even around exactly one.",
            unreachable="supported: runs differ too much, even around exactly one",
        ),
        Claim(
            name="one_depth",
            asked=Asked.AFTER,
            sentence="A U-Net generates just one object in more than 70 % of images.",
            statistic=Mean(),
            numbers=end(ONE),
            threshold=0.7,
            effect=0.1,
            spread=0.06,
            unit="of images",
            where={"network": "U-Net"},
            caveats=(
                FEW_SCALES,
                CHANCE,
                "Asked in this form when the runs had ended, though the preregistration says otherwise.",
            ),
        ),
        Claim(
            name="one_attention",
            asked=Asked.AFTER_OTHERS,
            sentence="A U-Net with self-attention generates just one object in more than 70 % of images.",
            statistic=Mean(),
            numbers=end(ONE),
            threshold=0.7,
            effect=0.1,
            spread=0.06,
            unit="of images",
            where={"network": "U-Net, attention"},
            caveats=(
                FEW_SCALES,
                CHANCE,
            ),
        ),
        Claim(
            name="one_one_scale_attention",
            asked=Asked.AFTER_OTHERS,
            sentence="A network of one scale with self-attention generates just one object in more than 70 % of images.",
            statistic=Mean(),
            numbers=end(ONE),
            threshold=0.7,
            effect=0.1,
            spread=0.06,
            unit="of images",
            where={"network": "one scale, attention"},
            caveats=(
                FEW_SCALES,
                CHANCE,
            ),
        ),
        Claim(
            name="attention_changes_one",
            asked=Asked.AFTER,
            sentence="In a network of one scale, self-attention changes the share of images with just one object by less "
            "than 0.1.",
            statistic=Difference("network", "one scale, attention", "one scale", absolute=True),
            numbers=end(ONE),
            threshold=0.1,
            effect=0.09,
            spread=0.05,
            direction="below",
            unit="of images",
            where={"network": ("one scale", "one scale, attention")},
            limits="What else such a network knows of the whole canvas: its norms are over all pixels, and its "
            "padding is of zeros. These runs had been looked at before the claim was asked in this form; "
            "that attention brings more images with one object was undecided (studies/retired.md).",
        ),
    ],
    plots=[
        Ends(
            "beside",
            "From the same noise",
            {
                "median r² to the patch-local optimum": end("local.optimum.r2"),
                "Fano factor of the number of objects": end("local.network.fano"),
                "share of images with just one object": end(ONE),
            },
            by="network",
            where={"network": WITHOUT_LABELS},
            note=f"By chance {BY_CHANCE:.0%} of images hold just one object, and the Fano factor is 1.",
        ),
        Courses(
            "courses",
            "The number of objects through training, with labels",
            {"Fano factor": "counts.fano", "mean": "counts.objects"},
            where={"cell": "eps"},
            level=1.0,
            ylim=(-0.05, 3),
            ylabel="objects per image",
        ),
    ],
    tables=[
        Table(
            "Networks without labels, and the optima that start from the same noise",
            {
                "r² to the patch-local optimum": end("local.optimum.r2"),
                "r² to the posterior mean": end("local.posterior.r2"),
                "Fano factor": end("local.network.fano"),
                "Fano factor, patch-local optimum": end("local.optimum.fano"),
                "just one object": end(ONE),
                "just one, patch-local optimum": end("local.optimum.one"),
                "just one, posterior mean": end("local.posterior.one"),
            },
            by=("network",),
            where={"network": WITHOUT_LABELS},
        ),
    ],
)
