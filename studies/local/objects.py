"""How objects are counted in what a network generates, and in what exact optima generate from the same noise."""

import math
from functools import partial

import numpy as np

from phasescope.studies import Number, Runs

IMAGES = 256  # per run: a Poisson law's Fano factor then has a standard error of 0.09
OPTIMA = {"machine": "local machine", "posterior": "posterior mean"}  # as the family names them


def read_beside(run) -> list[dict]:
    """Return, at the last snapshot, counts of objects in images of the network and of both optima, and the network's
    median r² to each."""
    from phasescope.runs.loading import config_of
    from phasescope.runs.sampling import paint_beside

    config = config_of(run)
    found = paint_beside(run, IMAGES, config.seed)
    reader, row = config.world.reader(), {"step": run.snapshots[-1].step}
    images = {"network": found.network} | {short: found.optima[name] for short, name in OPTIMA.items()}
    for short, own in images.items():
        row |= {f"{short}.{name}": value for name, value in counts(reader.objects(reader.read(own))).items()}
    return [row | {f"{short}.r2": float(np.median(found.r2(name))) for short, name in OPTIMA.items()}]


def read_counts(run) -> list[dict]:
    """Return counts of objects in the samples of each snapshot."""
    from phasescope.runs.loading import config_of

    reader = config_of(run).world.reader()
    return [{"step": one.step, **counts(reader.objects(one.readings()))} for one in run.snapshots]


def counts(objects: np.ndarray) -> dict[str, float]:
    """Return the mean of counts (n,), their Fano factor (0 if all are 0, NaN of fewer than two), and the share of
    images with just one object."""
    known = objects[np.isfinite(objects)]
    fano = (
        known.var(ddof=1) / known.mean()
        if len(known) > 1 and known.any()
        else 0.0
        if len(known) > 1
        else math.nan
    )
    return {"objects": float(np.nanmean(objects)), "fano": float(fano), "one": float((objects == 1).mean())}


def apart(column: str, level: float) -> Number:
    """Number: a column at the end minus a level."""
    return partial(_apart, column=column, level=level)


def _apart(runs: Runs, column: str, level: float) -> np.ndarray:
    return runs.end(column) - level
