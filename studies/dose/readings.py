"""The denoising error of every snapshot, and the onsets of sheet, accuracy and a low error, as numbers of every run."""

import numpy as np
import pandas as pd

from phasescope.studies import Runs, load_network, reads, torch_generator
from phasescope.studies.readings.crossings import crossing_steps
from phasescope.studies.readings.phases import CORRECT
from studies.designs.sheet import LABEL_VARIANCE

LOW_LOSS = 0.01  # denoising error per pixel: a pilot passed it between the onsets of sheet and accuracy
EXAMPLES = 256  # images on which it is measured at each snapshot


def read_denoising(run) -> list[dict]:
    """Return at each snapshot minus the logarithm of the denoising error, without the dosed term of the recorded loss."""
    import torch

    rows = []
    for snapshot in run.snapshots:
        loaded = load_network(run, snapshot)
        world, family = loaded.config.world, loaded.config.family.build()
        labels = torch.from_numpy(world.splits()["grid"](EXAMPLES, np.random.default_rng(0)))
        with torch.no_grad():
            loss = family.loss(loaded.network, world.render(labels), labels, torch_generator(0, "denoising"))
        rows.append({"step": snapshot.step, "low": -float(loss.mean().log())})
    return rows


@reads(LABEL_VARIANCE, CORRECT, "denoising.low", "gradient_norm")
def onsets(runs: Runs) -> pd.DataFrame:
    """Return the onsets of the sheet (`x`), of accuracy (`y`) and of a low denoising error (`loss`), interpolated, and the
    mean norm of the gradient (`gradient`)."""
    return runs.table.assign(
        x=crossing_steps(runs, LABEL_VARIANCE, 0.9),
        y=crossing_steps(runs, CORRECT, 0.5),
        loss=crossing_steps(runs, "denoising.low", -np.log(LOW_LOSS)),
        gradient=[float(np.nanmean(course)) for course in runs.courses("gradient_norm")],
    )


@reads(onsets)
def correct_without_sheet(runs: Runs) -> np.ndarray:
    """Return whether half of the samples become correct while the sheet has not formed, (n,); false if they never do."""
    table = onsets(runs)
    return np.isfinite(table["y"]) & ~(table["x"] < table["y"])


@reads(onsets)
def crossing(runs: Runs, name: str) -> np.ndarray:
    return onsets(runs)[name].to_numpy(dtype=float)
