"""Does the time to generalize not depend on the size of the training set, and the time to memorize grow with it?

Without labels a network first generates whole objects anywhere, and later those of its training images: it
memorizes. Bonnaire et al. 2025 (arXiv 2505.17638) find that the first time does not depend on the number n of
training images, and that the second is proportional to n, so that more data leave more time between the two.

A network generalizes from the step at which half of its samples hold one well-formed object. By chance a share
(2 r)^K n over the volume of places of these would lie within r = 0.5 px of a training place along each axis; it
memorizes from the step at which their share is half way between that chance and 1. Both for good.
"""

import numpy as np
import pandas as pd

import phasescope.studies as ps
from studies.clocks.power import PowerOff
from studies.designs.draws import draws_of
from studies.designs.observed import FEW_OBSERVED

IMAGES = (8, 16, 32, 64, 128)  # which each run draws for itself
REACH_PX = 0.5  # along each axis, within which an object is at a training place: half of the grid's increment
FEWEST = 8  # objects in a snapshot for their places to be counted
STEPS = 12_000


def cell(images: int) -> ps.Cell:
    """Return a cell on a torus, of a network that is never given a label."""
    fields = {
        "training": {"label_dropout": 1.0, "steps": STEPS, "decay": "constant"},
        "world": {"boundary": "periodic", "design": {"keep": images}},
        "probing": FEW_OBSERVED
        | {
            "snapshots": {"dense_every": 50, "dense_until": 1000, "every": 250},
            "images": {"grid": 16, "off_grid": 112},
        },
    }

    return ps.Cell(
        name=f"untold, {images} images",
        fields=fields,
        axes={"images": images},
        base="fast",
        reseeded=("world.design.shuffle",),
        drawn_from=draws_of(fields),
    )


def read_places(run) -> list[dict]:
    """Return, per snapshot, the share of samples with one well-formed object, the share of these at a training place,
    and that by chance."""
    world = ps.config_of(run).world
    training, factors = world.training_labels(), world.factors
    phase_of = {outcome.name: outcome.phase for outcome in world.reader().outcomes}
    chance = float(len(training) * np.prod(2 * REACH_PX / factors.span))

    rows = []
    for snapshot in run.snapshots:
        read = snapshot.readings()
        formed = np.array([phase_of[name] != "A" for name in read["outcome"]])
        places = np.stack([read[name] for name in factors.names], axis=1)[formed]

        known = np.nan
        if len(places) >= FEWEST:
            away = np.abs(factors.difference(places, ps.nearest_labels(training, places, factors)))
            known = float((away <= REACH_PX).all(axis=1).mean())

        rows.append({"step": snapshot.step, "chance": chance, "formed": float(formed.mean()), "known": known})
    return rows


def with_midway(table: pd.DataFrame) -> pd.DataFrame:
    """Put each onset half way between two snapshots: at the later one, early onsets would seem later than they
    are."""
    return table.assign(y=np.where(table["came"], (table["y"] + table["without"]) / 2, np.nan))


@ps.reads("clocks.formed")
def generalizes(runs: ps.Runs) -> pd.DataFrame:
    """Return the onset of whole objects."""
    return with_midway(runs.onsets([formed >= 0.5 for formed in runs.courses("clocks.formed")]))


@ps.reads("clocks.known", "clocks.chance")
def memorizes(runs: ps.Runs) -> pd.DataFrame:
    """Return the onset of places known from training."""
    courses = zip(runs.courses("clocks.known"), runs.courses("clocks.chance"), strict=True)
    return with_midway(runs.onsets([known >= (1 + chance) / 2 for known, chance in courses]))


@ps.reads(generalizes, memorizes)
def log_ratio(runs: ps.Runs) -> np.ndarray:
    """Return the log of the onset of memorizing over that of generalizing, (n,); of the run's end if it does not
    memorize."""
    table = memorizes(runs)
    return np.log(table["y"].fillna(table["last"]) / generalizes(runs)["y"]).to_numpy()


MOST = {"images": max(IMAGES)}
SHARES = {
    "one object": "clocks.formed",
    "of these at a training place": "clocks.known",
    "by chance": "clocks.chance",
}

# Asked: two rules were written after the runs: a time that most runs do not reach decides nothing, and
# `generalizing_first` takes a lower bound (2026-11-29).
STUDY = ps.Study(
    name="clocks",
    base="fast",
    answers="Q7",
    cells=list(map(cell, IMAGES)),
    seeds=6,
    more=6,
    headline="generalizing_first",
    question="With the number of training images, does the time to memorize grow, and the time to generalize not?",
    readings=[ps.Reading("clocks", read_places, needs=())],
    claims=[
        ps.Claim(
            name="generalizing_flat",
            asked=ps.Asked.BEFORE,
            sentence="The time to generalize does not depend on the number of training images, 8 to 128.",
            statistic=PowerOff(0.0),
            numbers=generalizes,
            unit="exponent",
            threshold=0.2,
            no_effect=0.0,
            effect=0.15,
            spread=0.17,
            direction="below",
            minimum_n=20,
            source="Bonnaire et al. 2025",
            over=("images", "sizes"),
            limits="Generalizing means here that half of the samples hold one object; how well their places are "
            "spread is another question.",
        ),
        ps.Claim(
            name="memorizing_proportional",
            asked=ps.Asked.AFTER,
            sentence="The time to memorize is proportional to the number of training images, 8 to 128.",
            statistic=PowerOff(1.0),
            numbers=memorizes,
            unit="distance of the exponent from 1",
            threshold=0.3,
            effect=0.2,
            spread=0.15,
            direction="below",
            minimum_n=20,
            source="Bonnaire et al. 2025",
            over=("images", "sizes"),
            limits="One network of one size: with more parameters it memorizes earlier.",
        ),
        ps.Claim(
            name="generalizing_first",
            asked=ps.Asked.AFTER,
            sentence="With 128 images, a network takes more than twice as many steps to memorize as to generalize.",
            statistic=ps.Mean(),
            numbers=log_ratio,
            unit="times the steps, or more",
            log=True,
            threshold=float(np.log(2)),
            no_effect=0.0,
            effect=0.4,
            spread=0.2,
            where=MOST,
            source="Bonnaire et al. 2025",
            limits="No run with 128 images memorizes before its end, and each counts with that: the ratio is larger. "
            "Smaller sets are in the figure.",
        ),
    ],
    plots=[
        ps.Against(
            "onsets",
            "Steps until a network generalizes and memorizes",
            {"steps until it generalizes": generalizes, "steps until it memorizes": memorizes},
            "images",
            log=True,
            note="Runs that reach it.",
        ),
        ps.Courses(
            "courses",
            "Objects, and training places, through training",
            SHARES,
            panels_by="images",
            log=True,
            ylabel="share",
            ylim=(-0.02, 1.02),
            level=0.5,
        ),
    ],
    tables=[
        ps.Table(
            "The two times by number of training images",
            {
                "generalizes, steps": generalizes,
                "share of runs that do": ps.came(generalizes),
                "memorizes, steps": memorizes,
                "share of runs that do so": ps.came(memorizes),
                **{f"{words}, at the end": ps.end(column) for words, column in SHARES.items()},
            },
            by=("images",),
            note="Steps are means over the runs that reach them.",
        )
    ],
)
