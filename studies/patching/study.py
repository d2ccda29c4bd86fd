"""Is what labels explain at a layer used when samples are made?

Activations in which a probe finds the label need not be what places the bump. So while samples are made, activations at a
layer are replaced by those of the same noisy images with another label (activation patching): does the bump go where that
label has it? Claims on the correlation of probe R² with accuracy, once half of this study, are retired: their probe reads
the label that every block receives (studies/retired.md).
"""

from dataclasses import replace
from itertools import product

from phasescope.studies import Asked, Claim, Mean, Reading, Study, Table
from phasescope.studies.readings.middle_snapshots import in_phase, middles
from studies.designs.phases import CELLS, SELECTED

LAYERS, HOW, SAMPLES = ("down3", "mid", "up1"), ("part", "patch"), 64


def read_use(run) -> list[dict]:
    """Return what follows if another label's activations are put in at a layer, at the middle snapshot of each phase.

    `part` puts in what labels explain there, `patch` everything. By the matched filter: the share of samples whose bump is
    where that label has it (`follows`) or where the condition has it (`stays`), and px moved per px asked (`moved`).
    """
    from phasescope import intervene

    rows = []
    for letter, snapshot in middles(run).items():
        row: dict = {"step": snapshot.step, "phase": letter}
        for layer, how in product(LAYERS, HOW):
            scores = intervene(run, layer, how, count=SAMPLES, step=snapshot.step).scores
            for name in ("follows", "stays", "moved.x", "moved.y"):
                row[f"{layer}.{how}.{name}"] = scores[f"matched.{name}"].value
            row[f"{layer}.{how}.loss"] = scores["loss"].value / scores["loss.conditioned"].value
        rows.append(row)
    return rows


BESIDE = "Blocks beside and after the layer still receive the condition."

# Asked: no run of `lean` was among the 93 that existed; seeds 0 to 7 chose its length, and other systems were known.
STUDY = Study(
    name="patching",
    question="Is what labels explain at a layer used when samples are made?",
    base="lean",
    answers="Q3",
    cells=[replace(CELLS[0], axes={"system": "eps"}, seeds=8)],
    seeds=8,
    more=8,
    headline="used_part_up1",
    claims=[
        Claim(
            name="used_part_up1",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase C, if what labels explain at up1 is that of another label, most bumps go where that label has them.",
            statistic=Mean(),
            numbers=in_phase("use.up1.part.follows", "C"),
            unit="of bumps",
            threshold=0.5,
            effect=0.25,
            spread=0.16,
            where={"system": "eps"},
            caveats=(
                SELECTED,
                BESIDE,
            ),
        ),
        Claim(
            name="used_patch_up1",
            asked=Asked.AFTER_OTHERS,
            sentence="In phase C, if everything at up1 is that of another label, most bumps go where that label has them.",
            statistic=Mean(),
            numbers=in_phase("use.up1.patch.follows", "C"),
            unit="of bumps",
            threshold=0.5,
            effect=0.25,
            spread=0.16,
            where={"system": "eps"},
            caveats=(
                SELECTED,
                BESIDE,
            ),
        ),
    ],
    readings=[Reading("use", read_use, needs=())],
    tables=[
        Table(
            "Where a bump goes if everything at a layer is another label's, in phase C",
            {
                f"{layer}: {words}": in_phase(f"use.{layer}.patch.{name}", "C")
                for layer in LAYERS
                for name, words in (("follows", "follow"), ("moved.x", "px per px"))
            },
            interval=True,
            note="`follow`: share of samples whose bump is within 1 px of where that label has it; `px per px`: px "
            "moved along x per px asked.",
        )
    ],
)
