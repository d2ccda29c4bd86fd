"""How objects are counted in what a network generates, and in what exact optima generate from the same noise."""

import math
from functools import partial

import numpy as np

from phasescope.studies import Number, Runs, config_of, load_network, reads, sample_labels

AT_ONCE = 16  # images in one pass of an optimum, which weighs all training images for each
IMAGES = 256  # per run: a Poisson law's Fano factor then has a standard error of 0.09
OPTIMA = {"optimum": "patch-local optimum", "posterior": "posterior mean"}  # as the family names them


def read_beside(run) -> list[dict]:
    """Return, at the last snapshot, counts of objects in images of the network and of both optima from the same noise,
    and the network's median r² to each."""
    loaded = load_network(run, run.snapshots[-1])
    world, images = loaded.config.world, images_beside(loaded, IMAGES)
    reader, row = world.reader(), {"step": run.snapshots[-1].step}
    for name, own in images.items():
        row |= {f"{name}.{count}": value for count, value in counts(reader.objects(reader.read(own))).items()}
    variance, network = total_variance(world), images["network"]
    return [row | {f"{name}.r2": float(np.median(r2(network, images[name], variance))) for name in OPTIMA}]


def images_beside(loaded, count: int) -> dict[str, np.ndarray]:
    """Return images (count, C, *spatial) of a network without a label, and of both optima from the same noise."""
    config, world, family = loaded.config, loaded.config.world, loaded.config.family.build()
    optima = config.family.analysis(config.task()).optima()
    networks = {"network": loaded.network} | {name: optima[own] for name, own in OPTIMA.items()}
    no_label = np.full((count, len(world.factors.visible)), np.nan, dtype=np.float32)
    return {
        name: sample_labels(
            network, family, world=world, labels=no_label, batch=AT_ONCE, purpose="beside", seed=config.seed
        )
        for name, network in networks.items()
    }


def total_variance(world) -> float:
    """Return E|x_0 - mean image|² over training images, summed over pixels."""
    import torch

    with torch.no_grad():
        training = world.render(torch.from_numpy(world.training_labels())).double()
    return float(training.var(dim=0, correction=0).sum())


def r2(images: np.ndarray, others: np.ndarray, variance: float) -> np.ndarray:
    """Return how close each image (n, C, *spatial) is to the other of its noise, (n,):

    r² = 1 - |image - other|² / E|x_0 - mean image|²
    """
    return 1 - ((images - others) ** 2).reshape(len(images), -1).sum(axis=1) / variance


def read_counts(run) -> list[dict]:
    """Return counts of objects in the samples of each snapshot."""
    reader = config_of(run).world.reader()
    return [{"step": one.step, **counts(reader.objects(one.readings()))} for one in run.snapshots]


def counts(objects: np.ndarray) -> dict[str, float]:
    """Return the mean of counts (n,), their Fano factor (0 if all are 0, NaN of fewer than two), and the share of
    images with just one object."""
    known = objects[np.isfinite(objects)]
    fano = math.nan if len(known) < 2 else known.var(ddof=1) / known.mean() if known.any() else 0.0
    return {"objects": float(np.nanmean(objects)), "fano": float(fano), "one": float((objects == 1).mean())}


def apart(column: str, level: float) -> Number:
    """Number: a column at the end minus a level."""
    return partial(_apart, column=column, level=level)


@reads("{column}")
def _apart(runs: Runs, column: str, level: float) -> np.ndarray:
    return runs.end(column) - level
