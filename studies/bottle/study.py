"""What ControlNet's users say, in a bottle.

People who train a ControlNet report "sudden convergence": samples ignore the condition for thousands of steps, and then
follow it. They give advice that nobody has measured: the number of steps counts and not that of images, train on large t
first, leave the joining convolutions at zero or do not. Here the same is done in a system that learns in a minute
(examples/controlnet_kinds.py): a run without labels is frozen, and a trainable copy of its encoder is given the outline of
the bump.

The frozen run lies in `frozen`, and is that of

    phasescope train preset=fast seed=9700 network.widths=[16,24,24,24] training.steps=1000 training.label_dropout=1

at its end: 77 % of its samples hold one bump, at any place. All runs here have the same frozen weights, whose SHA-256 is
preregistered; a seed draws the joining convolutions, the order of images and the noise.

A law of the initial scale's logarithm says that each tenfold makes samples follow earlier by the same factor, from however
small a scale, and from zero never. A scale that is lost beside what training adds in a few steps makes no difference. So each
decade is a claim, and zero against a thousandth is one.

Two pilots of the cell `usual` (seeds 9800 and 9801) were looked at: they chose learning rate, length and averaging of weights.
In them half of the samples are correct after 343 and 387 steps, a tenth after 243 and 234, and the advantage is above its noise
from step 100 and 20 on.
"""

from functools import partial
from math import log

from phasescope.studies import (
    Asked,
    Cell,
    Claim,
    Courses,
    Difference,
    Mean,
    OnsetRatio,
    PhaseGrid,
    Reading,
    Scatter,
    Study,
    Table,
    end,
    merge,
    onset,
)
from studies.bottle import readings
from studies.bottle.readings import CORRECT, USE

FROZEN = Cell(
    "frozen",
    {
        "seed": 9700,
        "network": {"widths": [16, 24, 24, 24]},
        "training": {"steps": 1000, "label_dropout": 1.0},
    },
)
"""the run that is frozen; it is none of the study's, since all of its runs need it"""
NETWORK = {
    "kind": "examples/controlnet_kinds.py:ControlNet",
    "file": "studies/bottle/frozen/snapshots/00001000/weights.safetensors",
}
BATCH = 8
STEPS, STEPS_LARGE_T = 700, 1_200
EVERY = 20
FIELDS = {
    "seed": 60_000,
    "network": NETWORK,
    "training": {
        "steps": STEPS,
        "batch": BATCH,
        "optimiser": {"kind": "adamw", "lr": 0.0003},
        "warmup": 0,
        "decay": "constant",
        "ema": 0.95,
    },
    "probing": {
        "observe": [],
        "snapshots": {"dense_until": 0, "every": EVERY},
        "images": {"grid": 64, "off_grid": 0},
        "bands": 1,
        "meter": {"every": EVERY, "draws": 32},
    },
}
LARGE_T = {
    "family": {"density": {"kind": "logit_normal", "mean": 1.0, "deviation": 1.0}},
    "training": {"steps": STEPS_LARGE_T},
}


def cell(name: str, fields: dict, batch: int = BATCH, scale: float = 0.0, times: str = "uniform") -> Cell:
    """Return the cell that differs from `usual` in some fields."""
    return Cell(name, merge(FIELDS, fields), {"batch": batch, "scale": scale, "times": times})


def scaled(scale: float) -> Cell:
    """Return the cell whose joining convolutions begin at a share of usual weights."""
    return cell(f"scale {scale:g}", {"network": {"scale": scale}}, scale=scale)


CELLS = [
    cell("usual", {}),
    cell("batch x 4", {"training": {"batch": 4 * BATCH}}, batch=4 * BATCH),
    cell("large t", LARGE_T, times="large"),
    *(scaled(scale) for scale in (0.001, 0.01, 0.1)),
]
BATCHES = {"cell": ("usual", "batch x 4")}
SCALES = {"times": "uniform", "batch": BATCH}
HALF = onset(CORRECT, 0.5)
SPREAD = 0.12
"""of the logarithm of an onset, assumed"""
EQUAL = log(1.25)
"""factor between two onsets that count as equal"""

PILOTS = "Two pilots of the cell `usual` were looked at."
SYSTEM = "One frozen network of 0.16 M parameters and one object: it says nothing of a ControlNet of images."


# Asked: two pilots. An audit had read the runs when `use_before_samples` was narrowed to one cell, and when paired
# claims were added (2026-12-03).


def decade(low: float, high: float) -> Claim:
    """Return the claim that a tenfold initial scale makes samples follow earlier."""
    return Claim(
        name=f"scale_{high:g}".replace(".", "_"),
        asked=Asked.AFTER_OTHERS,
        sentence=f"Joining convolutions that begin at {high:g} of usual weights instead of {low:g} bring accuracy earlier, by a "
        "tenth, as a law of the logarithm of the scale would.",
        statistic=OnsetRatio(by="scale", first=high, second=low),
        numbers=HALF,
        threshold=0.9,
        effect=(0.2, 0.25),
        spread=SPREAD,
        direction="below",
        where=SCALES,
        caveats=(
            SYSTEM,
            PILOTS,
        ),
    )


def paired_decade(low: float, high: float) -> Claim:
    """Return the claim of `decade`, of runs of the same seed: their images, noise and joining convolutions are the same."""
    return Claim(
        name=f"scale_{high:g}_paired".replace(".", "_"),
        asked=Asked.AFTER,
        sentence=f"Of runs of the same seed, joining convolutions that begin at {high:g} of usual weights instead of {low:g} bring "
        "accuracy earlier, by a tenth, as a law of the logarithm of the scale would.",
        statistic=Difference(by="scale", first=high, second=low, paired=True),
        numbers=readings.log_onset,
        unit="times the steps",
        threshold=log(0.9),
        effect=0.25,
        spread=SPREAD,
        direction="below",
        where=SCALES,
        log=True,
        caveats=(
            "Asked after an audit had paired these runs.",
            SYSTEM,
        ),
    )


STUDY = Study(
    name="bottle",
    question="Is what ControlNet's users say of its sudden convergence true in a small system?",
    base="fast",
    answers="Q3",
    cells=CELLS,
    seeds=10,
    more=6,
    headline="batch_steps",
    claims=[
        Claim(
            name="batch_steps",
            asked=Asked.AFTER_OTHERS,
            sentence="With four times the batch half of the samples are correct after as many steps, to within a factor of 1.25.",
            statistic=Difference(by="batch", first=4 * BATCH, second=BATCH, absolute=True),
            numbers=readings.log_onset,
            unit="times the steps, or one over it",
            threshold=EQUAL,
            effect=(0.2, 0.25),
            spread=SPREAD,
            direction="below",
            where=BATCHES,
            log=True,
            caveats=(
                f"A batch of {BATCH} and one of {4 * BATCH}, with the same learning rate (AdamW).",
                SYSTEM,
                PILOTS,
            ),
        ),
        Claim(
            name="batch_images",
            asked=Asked.AFTER_OTHERS,
            sentence="With four times the batch half of the samples are correct only after more than 2.5 times as many images.",
            statistic=OnsetRatio(by="batch", first=4 * BATCH, second=BATCH),
            numbers=onset(CORRECT, 0.5, counting="images_seen"),
            unit="times the images",
            threshold=2.5,
            effect=(1.0, 0.8),
            spread=SPREAD,
            where=BATCHES,
            caveats=(
                f"A batch of {BATCH} and one of {4 * BATCH}, with the same learning rate (AdamW).",
                SYSTEM,
                PILOTS,
            ),
        ),
        Claim(
            name="large_t",
            asked=Asked.AFTER_OTHERS,
            sentence="If large t are drawn more often (logit-normal, mean 1), half of the samples are correct earlier.",
            statistic=OnsetRatio(by="times", first="large", second="uniform"),
            numbers=HALF,
            threshold=1.0,
            effect=(0.2, 0.25),
            spread=SPREAD,
            direction="below",
            where={"cell": ("usual", "large t")},
            caveats=(
                "Large t are drawn more often throughout, and not first alone. On 32 px the place of a "
                "bump is decided at lower t than in large images.",
                SYSTEM,
                PILOTS,
            ),
        ),
        decade(0.001, 0.01),
        decade(0.01, 0.1),
        paired_decade(0.001, 0.01),
        paired_decade(0.01, 0.1),
        Claim(
            name="scale_zero",
            asked=Asked.AFTER_OTHERS,
            sentence="Joining convolutions that begin at zero bring accuracy after as many steps as those that begin at a thousandth of "
            "usual weights, to within a factor of 1.25.",
            statistic=Difference(by="scale", first=0.0, second=0.001, absolute=True),
            numbers=readings.log_onset,
            unit="times the steps, or one over it",
            threshold=EQUAL,
            effect=(0.2, 0.25),
            spread=SPREAD,
            direction="below",
            where=SCALES,
            log=True,
            caveats=(
                SYSTEM,
                PILOTS,
            ),
        ),
        Claim(
            name="use_before_samples",
            asked=Asked.AFTER,
            sentence="The condition's advantage in the deciding band is above its noise for good before a tenth of the samples are "
            "correct, by a quarter of the steps or more.",
            statistic=OnsetRatio(),
            numbers=partial(readings.samples_after_advantage, level=0.1),
            threshold=1.25,
            effect=(1.3, 0.65),
            spread=0.4,
            where={"cell": "usual"},
            caveats=(
                "The advantage is read from 32 draws a band: more draws find it earlier. 64 samples show "
                "a tenth to within a twelfth. In most runs the advantage is above its noise at the first "
                "snapshot after step 0, so that the ratio is a least one.",
                PILOTS,
            ),
        ),
        Claim(
            name="use_slower",
            asked=Asked.AFTER_OTHERS,
            sentence="Use of the condition in the deciding band rises from a tenth to nine tenths of its end over a larger factor of steps "
            "than the share of correct samples does.",
            statistic=Mean(),
            numbers=readings.log_slower_rise,
            unit="times the samples' factor",
            threshold=0.0,
            effect=0.3,
            spread=0.25,
            where={"cell": "usual"},
            log=True,
            caveats=(
                "Use had not stopped rising at the end.",
                PILOTS,
            ),
        ),
    ],
    readings=[Reading("meter", readings.read_meter, needs=())],
    plots=[
        Courses(
            "use",
            "Use of the condition in the deciding band, and the samples",
            {
                "use of the condition": USE,
                "samples correct": CORRECT,
                "one misplaced bump": "outcomes.grid.misplaced",
            },
            panels_by="cell",
            ylabel="share",
            ylim=(-0.1, 1.02),
        ),
        Scatter(
            "onsets",
            "When the advantage is above its noise, and when half of the samples follow",
            x=readings.advantage_onset,
            y=HALF,
            xlabel="advantage above its noise (step)",
            ylabel="half of the samples correct (step)",
        ),
        PhaseGrid("samples", "Phase of the samples in every run", column="phase.behaviour"),
    ],
    tables=[
        Table(
            "When",
            {
                "half of the samples correct (step)": HALF,
                "half of the samples correct (images)": onset(CORRECT, 0.5, counting="images_seen"),
                "a tenth of the samples correct (step)": onset(CORRECT, 0.1),
                "advantage above its noise (step)": readings.advantage_onset,
                "correct at the end": end(CORRECT),
            },
            interval=True,
        ),
        Table(
            "How suddenly",
            {
                "use when half of the samples are correct": readings.use_at_half,
                "use at the end": end(USE),
                "factor of steps in which use rises": partial(readings.rise_factors, column=USE),
                "factor of steps in which the share of correct samples rises": partial(
                    readings.rise_factors, column=CORRECT
                ),
            },
            interval=True,
        ),
    ],
)
