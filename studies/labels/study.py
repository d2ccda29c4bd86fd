"""What happens if labels are left out in training: of half of the images, of four in five, of all?

If only images with a label taught where the bump belongs, samples would become correct 1 / (1 - p) times as late when a
share p of the labels is left out. Without any label a network has to decide on a place by itself: does it generate one bump,
and are all places equally likely? Their unevenness is chi-squared over 16 cells of the canvas, over its degrees of freedom:
1 if places are drawn evenly.
"""

import numpy as np

import phasescope.studies as ps
from phasescope.studies.readings.phases import CORRECT

LEFT_OUT = (0.0, 0.5, 0.8, 1.0)
PLAN = {"snapshots": {"dense_until": 0, "every": 30}, "images": {"grid": 64, "off_grid": 0}, "observe": []}
SAMPLES, SIDE = 512, 4  # of samples without a label; cells on a side
ONSET, FORMED, UNEVEN = CORRECT.crosses(0.5), ps.end("unlabelled.formed"), ps.end("unlabelled.uneven")


def cell(left_out: float) -> ps.Cell:
    fields = {"seed": 11_000, "training": {"steps": 1260, "label_dropout": left_out}, "probing": PLAN}
    return ps.Cell(f"{left_out:.0%} left out", fields, {"left_out": left_out})


def read_unlabelled(run) -> list[dict]:
    """Return of samples without a label the share that shows one well-formed bump, and how uneven places are; at the end."""
    loaded, step = ps.load_network(run, run.snapshots[-1]), run.snapshots[-1].step
    world, family, reader = loaded.config.world, loaded.config.family.build(), loaded.config.world.reader()

    none = np.full((SAMPLES, 2), np.nan, dtype=np.float32)
    images = ps.sample_labels(
        loaded.network,
        family,
        world=world,
        labels=none,
        batch=64,
        purpose="unlabelled",
        seed=loaded.config.seed,
    )

    columns = reader.read(images)
    formed = reader.correct(columns, none).all(1)  # without a label every place is correct
    places = np.stack([columns[axis][formed] for axis in "xy"], axis=1)
    return [{"step": step, "formed": float(formed.mean()), "uneven": unevenness(places, world.shape[-1])}]


def unevenness(places: np.ndarray, canvas: int) -> float:
    """Return chi-squared of places (n, 2), px, over equal cells of a canvas, over its degrees of freedom."""
    x, y = np.clip((places - 0.5) * SIDE // canvas, 0, SIDE - 1).astype(int).T
    counts = np.bincount(x * SIDE + y, minlength=SIDE**2)
    return float(((counts - counts.mean()) ** 2).sum() / max(counts.mean(), 1e-9) / (len(counts) - 1))


@ps.reads(UNEVEN)
def uneven_without_label(runs: ps.Runs) -> np.ndarray:
    """Return the unevenness at the end; NaN for networks that had all labels, which place no samples without one."""
    return np.where(runs.table["left_out"] > 0, UNEVEN(runs), np.nan)


LIMITS = "1,260 steps of preset `fast`, a label left out as a whole."

# Asked: 0 runs existed, and no pilot is known.
STUDY = ps.Study(
    name="labels",
    question="What happens if labels are left out in training, or all of them?",
    base="fast",
    answers="Q7",
    cells=list(map(cell, LEFT_OUT)),
    seeds=8,
    more=8,
    headline="one_bump",
    claims=[
        ps.Claim(
            name="one_bump",
            asked=ps.Asked.BEFORE,
            sentence="Trained without labels, a network generates one well-formed bump in more than nine samples of ten.",
            statistic=ps.Mean(),
            numbers=FORMED,
            unit="of the samples",
            threshold=0.9,
            effect=0.07,
            spread=0.05,
            where={"left_out": 1.0},
            limits="1,260 steps of preset `fast`, whose network is given the pixels' coordinates.",
        ),
        ps.Claim(
            name="even",
            asked=ps.Asked.BEFORE,
            sentence="Trained without labels, a network generates bumps at all places, less than twice as uneven as chance.",
            statistic=ps.Mean(),
            numbers=UNEVEN,
            unit="chi-squared over its degrees of freedom",
            threshold=2.0,
            direction="below",
            effect=0.95,
            spread=0.6,
            where={"left_out": 1.0},
            limits="512 samples, over 16 cells of the canvas.",
        ),
        ps.Claim(
            name="later_0.5",
            asked=ps.Asked.BEFORE,
            sentence="If half of the labels are left out, samples become correct less than 1.5 times as late.",
            statistic=ps.OnsetRatio("left_out", 0.5, 0.0),
            numbers=ONSET,
            threshold=1.5,
            direction="below",
            effect=(0.44999999999999996, 0.5),
            spread=0.15,
            limits=LIMITS,
        ),
        ps.Claim(
            name="later_0.8",
            asked=ps.Asked.BEFORE,
            sentence="If four of five labels are left out, samples become correct less than 3 times as late.",
            statistic=ps.OnsetRatio("left_out", 0.8, 0.0),
            numbers=ONSET,
            threshold=3.0,
            direction="below",
            effect=(0.8999999999999999, 1.0),
            spread=0.15,
            limits=LIMITS,
        ),
    ],
    readings=[ps.Reading("unlabelled", read_unlabelled, needs=())],
    plots=[
        ps.Courses(
            "courses", "Samples correct through training", {"correct": CORRECT}, by="left_out", ylim=(0, 1)
        )
    ],
    tables=[
        ps.Table(
            "Onset of accuracy, and samples without a label at the end",
            {
                "half of the samples correct (step)": ONSET,
                "correct at the end": CORRECT.end(),
                "one bump, without a label": FORMED,
                "unevenness, without a label": uneven_without_label,
            },
            by=("left_out",),
        )
    ],
)
