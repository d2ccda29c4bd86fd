"""The condition meter of a run: on which pairs it is read, and a line of meter.jsonl for each reading."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from phasescope.core.errors import as_user_error
from phasescope.core.randomness import numpy_generator
from phasescope.models.families.analysis import Analysis
from phasescope.runs.config import RunConfig

if TYPE_CHECKING:
    from torch import nn

    from phasescope.models.families.diffusion.meter.of_task import TaskMeter

PAIRS = 256
"""images of which noisy ones are drawn; of a smaller split all"""


def meter_of(config: RunConfig) -> TaskMeter:
    """Return the condition meter of a run.

    Its pairs are those of the world's last split, which nothing is trained on; of a world without one, the training pairs,
    and they are recorded as `trained`.

    Raises:
        UserError: the family has no noise levels of a diffusion.
    """
    meter, splits = config.probing.meter, config.world.splits()
    generator = numpy_generator(config.seed, "meter labels")
    drawn = {name: split(PAIRS, generator) for name, split in splits.items()}
    first, last = next(iter(drawn)), next(reversed(drawn))

    labels = {"trained": drawn[first]} if first == last else {"held_out": drawn[last]}
    if meter.trained:
        labels["trained"] = drawn[first]

    analysis = config.family.analysis(config.task(), config.seed) or Analysis()
    with as_user_error():
        return analysis.condition_meter(
            labels,
            draws=meter.draws,
            bands=meter.bands,
            batch=config.probing.batch,
            factors=meter.factors,
        )


def meter_line(meter: TaskMeter, network: nn.Module, step: int, images_seen: int) -> dict[str, Any]:
    """Return a reading of a network as a line of meter.jsonl: `step`, `images_seen`, `wall_s` that the reading took,
    `deciding` (the band that decides, or None), and `bands`."""
    reading, deciding = meter.read(network, step)
    return {
        "step": step,
        "images_seen": images_seen,
        "wall_s": reading.wall_s,
        "deciding": None if deciding is None else asdict(deciding),
        "bands": [asdict(band) for band in reading.bands],
    }
