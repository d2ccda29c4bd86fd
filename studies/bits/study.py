"""Trained on x and y of unequal density, how many nats of each factor does a network learn?

Accuracy along an axis measures samples. A network trained with labels left out now and then also shows what a
factor of its label is worth to it: the nats by which knowing it reduces the denoising error, over all noise levels
(docs/theory.md). Factors are compared in nats. As shares of all that there are, ln of the number of values, equal
nats of x and y differ by the denominators alone.
"""

from functools import partial

import numpy as np

from phasescope.studies import Asked, Cell, Claim, Courses, Mean, Reading, Runs, Scatter, Study, Table, reads
from phasescope.studies.readings.closest_reference import NEEDED, read_closest
from studies.designs.observed import FEW_OBSERVED, LEFT_OUT

CANVAS_PX = 32
FROM = 450  # step from which nats are averaged: on a balanced grid they varied widely before step 300


def cell(dx: float, dy: float) -> Cell:
    training = {"label_dropout": LEFT_OUT}
    return Cell(
        f"factors left out, d=({dx:g}, {dy:g})",
        {"training": training, "world": {"design": {"dx": dx, "dy": dy}}},
        {"pair": "coarse" if max(dx, dy) == 4 else "fourfold", "dx": dx, "dy": dy},
    )


LONG = Cell(
    "factors left out, 10,000 steps",
    {
        "training": {"label_dropout": LEFT_OUT, "steps": 10_000},
        "probing": FEW_OBSERVED | {"snapshots": {"dense_until": 0, "every": 1000}},
    },
    {"pair": "balanced", "dx": 1.0, "dy": 1.0},
    seeds=12,
)
COARSE = {"pair": "coarse"}


@reads()
def all_nats(runs: Runs, axis: str) -> np.ndarray:
    """Return the nats of a factor that there are, ln of the number of its values, (n,)."""
    return np.log(CANVAS_PX / runs.table[f"d{axis}"].to_numpy(dtype=float))


@reads("closest.nats.{axis}")
def nats(runs: Runs, axis: str) -> np.ndarray:
    """Return the nats of a factor that are learned, averaged over snapshots from step `FROM` on, (n,)."""
    return runs.mean(f"closest.nats.{axis}", after=FROM - 1) * all_nats(runs, axis)


@reads("closest.nats.x", "closest.nats.y")
def lead(runs: Runs) -> np.ndarray:
    """Return the nats of the denser factor minus those of the sparser one, (n,)."""
    difference = nats(runs, "x") - nats(runs, "y")
    return np.where(runs.table["dx"] < runs.table["dy"], difference, -difference)


@reads("closest.nats.label")
def surplus(runs: Runs) -> np.ndarray:
    """Return the nats of the label at the end as a share of all, minus 1, (n,)."""
    return runs.end("closest.nats.label") - 1


LIMITS = (
    "Far from its optimum the number is a network's own gap between denoising with and without the factor, and no "
    "information. These runs had been looked at when the question was changed from shares to nats."
)

# Asked: these numbers were known when shares became nats (2026-11-29); `converged` was added before any run.
STUDY = Study(
    name="bits",
    base="lean",
    answers="S6",
    cells=[*(cell(*steps) for steps in ((0.25, 1.0), (1.0, 0.25), (1.0, 4.0), (4.0, 1.0))), LONG],
    seeds=6,
    more=6,
    headline="nats_together_coarse",
    question="Trained on x and y of unequal density, how many nats of each factor does a network learn?",
    readings=[Reading("closest", read_closest, needs=NEEDED)],
    claims=[
        Claim(
            name="nats_together_coarse",
            asked=Asked.AFTER,
            sentence="As many nats of x are learned as of y, within a quarter of a nat, on average over training: increments "
            "of 1 and 4 px.",
            statistic=Mean(absolute=True),
            numbers=lead,
            unit="nats",
            threshold=0.25,
            effect=(0.25, 0.25),
            spread=0.2,
            direction="below",
            where=COARSE,
            limits=LIMITS,
        ),
        Claim(
            name="denser_nats_first_coarse",
            asked=Asked.AFTER,
            sentence="More nats are learned of the denser factor than of the sparser one, on average over training: increments "
            "of 1 and 4 px.",
            statistic=Mean(),
            numbers=lead,
            unit="nats",
            threshold=0.0,
            effect=0.25,
            spread=0.2,
            where=COARSE,
            limits=LIMITS,
        ),
        Claim(
            name="converged",
            asked=Asked.BEFORE,
            sentence="Trained four times as long, networks have learned the label's nats on average, within 10 % of all.",
            statistic=Mean(absolute=True),
            numbers=surplus,
            unit="of the nats",
            threshold=0.1,
            effect=0.1,
            spread=0.06,
            direction="below",
            where={"cell": LONG.name},
            limits="That each network has, or that it would come no nearer. The number is the network's own gap; it is "
            "information only as far as the network is near its optimum.",
        ),
    ],
    plots=[
        Scatter(
            "factors",
            "Nats learned of x and of y",
            x=partial(nats, axis="x"),
            y=partial(nats, axis="y"),
            xlabel="nats of x",
            ylabel="nats of y",
            by="cell",
            where=COARSE,
            note=f"Averaged over snapshots from step {FROM} on.",
        ),
        Courses(
            "longer",
            "Nats of the label over a long training, as a share of all",
            {name: f"closest.nats.{name}" for name in ("label", "x", "y")},
            where={"cell": LONG.name},
            ylabel="share of nats",
            ylim=(-0.2, 1.5),
            level=1.0,
        ),
    ],
    tables=[
        Table(
            "Nats learned of each factor, and all that there are",
            {
                "x, learned": partial(nats, axis="x"),
                "x, all": partial(all_nats, axis="x"),
                "y, learned": partial(nats, axis="y"),
                "y, all": partial(all_nats, axis="y"),
                "denser minus sparser": lead,
            },
            interval=True,
            where={"pair": ("coarse", "fourfold")},
            note=f"Averaged over snapshots from step {FROM} on. Numbers above all that there are show a network far "
            "from its optimum.",
        )
    ],
)
