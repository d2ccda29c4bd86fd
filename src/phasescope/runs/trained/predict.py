"""Predictions for a configuration, before anything is trained."""

from dataclasses import dataclass, replace
from typing import Any

from phasescope.core.arithmetic import one_thread, own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.runs.config import RunConfig
from phasescope.runs.probing.image_baselines import baseline_accuracies_of_splits
from phasescope.runs.trained.design import LABELS


@dataclass(frozen=True)
class Prediction:
    """What is predicted of a configuration."""

    name: str
    """of the run that would be trained"""
    sentence: str
    """describes the world"""
    values: dict[str, Any]
    """JSON-ready: the family's `forecast`, and `accuracies`, the accuracy of the nearest-neighbour baselines by split"""


@own_arithmetic()
@one_thread()
def predict(config: RunConfig, patch_px: int | None = None) -> Prediction:
    """Return what is predicted of `config`.

    Args:
        patch_px: side of the patch of the patch-local optimal denoiser, px, odd; by default that of the run's own task.

    Raises:
        UserError: the family has no known optima; the world has too many pixels or too few images; the patch is invalid.
    """
    world, task = config.world, config.task()
    if patch_px is not None:
        task = replace(task, patch_px=patch_px)
    analysis = config.family.analysis(task)
    with as_user_error():
        forecast = {} if analysis is None else dict(analysis.forecast())
    if not forecast:
        raise UserError(f"`family` (={config.family.kind}) must be one whose exact optima are known")
    forecast["accuracies"] = baseline_accuracies_of_splits(world, LABELS, config.seed)
    return Prediction(config.folder, world.sentence(), forecast)
