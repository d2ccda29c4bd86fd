"""What is generated of held-out labels that a nearest-neighbour baseline cannot reach.

At 1 px from a trained label, the tolerance itself, a baseline that returns the nearest training image is correct;
one that scatters is correct in half of the cases. So what is held out is read at its core: labels farther than 1 px
from every trained one. Networks fail first near the edges of the canvas, so accuracy on the core is divided by
accuracy on as many samples of trained labels that lie as near to an edge. The ratio is 0 for the baseline, and
1 for a network that generates held-out labels as well as trained ones.
"""

from functools import partial

import numpy as np
import pandas as pd

from phasescope.studies import (
    NotEnough,
    Number,
    Runs,
    config_of,
    load_network,
    numpy_generator,
    reads,
    sample_labels,
)

IMAGES = 256  # samples of the core, and of trained labels; labels are drawn with repetition
REACH_PX = 1.0  # distance from a label that counts as correct
NEAR_PX = 2.0  # from the nearest trained label: the closest that a core has, whatever its size
LEARNED = 0.8  # accuracy on trained labels above which a run is counted
FEWEST_RUNS = 4  # of a cell that are counted, for the cell to count
HELD_OUT, TRAINED = 128, 64  # samples of held-out and trained labels by `held_out_and_trained`
READINGS = ("darkest", "matched", "formed")


def read_core(run) -> list[dict]:
    """Return, by reading, the accuracy on the core, on its labels `NEAR_PX` away from trained ones, and on trained
    labels."""
    loaded = load_network(run, run.snapshots[-1])
    config, family = loaded.config, loaded.config.family.build()
    core, distance, trained = labels_of(config.world, numpy_generator(config.seed, "core"))

    row = {"step": run.snapshots[-1].step}
    for name, labels in (("trained", trained), ("core", core)):
        if not len(labels):
            continue
        images = sample_labels(
            loaded.network,
            family,
            world=config.world,
            labels=labels,
            batch=loaded.plan.batch,
            purpose="labels",
            seed=config.seed,
        )
        row |= accuracies(config.world, name, labels, images)

        near = distance <= NEAR_PX
        if name == "core" and near.any():
            row |= accuracies(config.world, "near", core[near], images[near])
    return [row]


def accuracies(world, name: str, labels: np.ndarray, images: np.ndarray) -> dict[str, float]:
    """Return, by reading, the share of images (n, C, *spatial) of labels (n, K) that are correct in all factors."""
    reader = world.reader()
    columns = reader.read(images)
    errors = reader.ungated(columns, labels).items()
    correct = {reading: reader.within(error, labels) for reading, error in errors}
    correct["formed"] = reader.correct(columns, labels)
    return {f"{reading}.{name}": float(own.all(axis=1).mean()) for reading, own in correct.items()}


def labels_of(world, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels of the core (n, K), each one's distance from the nearest trained label in its farthest factor
    (n,), and for each a random trained label that is as near to an edge of the canvas. Without a core, as near as a
    held-out label."""
    trained, held_out = on_canvas(world), np.concatenate(list(world.held_out().values()))
    parts = max(1, held_out.size * trained.size // 2**22)  # bounds the memory of all pairs
    apart = (world.factors.difference(trained, part[:, None]) for part in np.array_split(held_out, parts))
    distance = np.concatenate([np.abs(difference).max(axis=2).min(axis=1) for difference in apart])
    core = distance > REACH_PX + 1e-6
    drawn = generator.choice(np.flatnonzero(core) if core.any() else np.arange(len(held_out)), size=IMAGES)
    apart = np.abs(from_edge(trained, world) - from_edge(held_out[drawn], world)[:, None])
    order = generator.random(apart.shape)
    as_near = np.where(apart <= apart.min(axis=1, keepdims=True) + 1e-6, order, -1).argmax(axis=1)
    drawn = drawn if core.any() else drawn[:0]
    return held_out[drawn], distance[drawn], trained[as_near]


def on_canvas(world) -> np.ndarray:
    """Return the training labels whose coordinates all lie on the canvas."""
    trained = world.training_labels()
    return trained[((trained >= 0) & (trained <= world.shape[-1])).all(axis=1)]


def from_edge(labels: np.ndarray, world) -> np.ndarray:
    """Return each label's distance from the nearest edge of the canvas, px; pixel centres are at 1 to N."""
    return np.minimum(labels - 0.5, world.shape[-1] + 0.5 - labels).min(axis=1)


def composed(reading: str, labels: str = "core") -> Number:
    """Number: accuracy on the core (or its labels `near` trained ones) over that on trained labels, of runs that
    learned these."""
    return partial(_composed, reading=reading, labels=labels)


@reads("core.{reading}.{labels}", "core.{reading}.trained")
def _composed(runs: Runs, reading: str, labels: str) -> pd.DataFrame:
    trained = runs.end(f"core.{reading}.trained")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = runs.end(f"core.{reading}.{labels}") / trained
    return full_cells(runs.table.assign(y=ratio)[(trained > LEARNED) & np.isfinite(ratio)])


def full_cells(table: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of cells with `FEWEST_RUNS` of them.

    Raises:
        NotEnough: there is no such cell.
    """
    kept = table[table.groupby("cell")["seed"].transform("size") >= FEWEST_RUNS]
    if not len(kept):
        raise NotEnough(f"no cell has {FEWEST_RUNS} runs that learned {LEARNED:.0%} of their trained labels")
    return kept


COMPOSED = [composed(reading) for reading in READINGS]


def accuracies_of(run, groups, of_network=lambda network: network) -> dict:
    """Return the accuracy at the end on groups of labels, by name, sampled by a function of the network."""
    loaded = load_network(run, run.snapshots[-1])
    world, network = loaded.config.world, of_network(loaded.network)

    row = {"step": run.snapshots[-1].step}
    for name, labels in groups.items():
        if len(labels):
            images = sample_labels(
                network,
                loaded.config.family.build(),
                world=world,
                labels=labels,
                batch=64,
                purpose=name,
                seed=loaded.config.seed,
            )
            row |= accuracies(world, name, labels, images)
    return row


def held_out_and_trained(run) -> dict[str, np.ndarray]:
    """Return held-out labels, `core`, and trained ones that lie as near to an edge."""
    config = config_of(run)
    core, _, trained = labels_of(config.world, numpy_generator(config.seed, "core"))
    return {"core": core[:HELD_OUT], "trained": trained[:TRAINED]}
