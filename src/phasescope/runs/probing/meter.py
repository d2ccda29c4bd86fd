"""The condition meter of a run: on which pairs it is read."""

from __future__ import annotations

from phasescope.core.errors import as_user_error
from phasescope.core.randomness import numpy_generator
from phasescope.models.families.analysis import Analysis, LabelMeter
from phasescope.runs.config import RunConfig

PAIRS = 256
"""images of which noisy ones are drawn; of a smaller split all"""


def meter_of(config: RunConfig) -> LabelMeter:
    """Return the condition meter of a run.

    Its pairs are those of the world's last split that has images, which nothing is trained on; of a world without one, as of
    a data set, the training pairs, and they are recorded as `trained`.

    Raises:
        UserError: the family has no noise levels at which the meter could read.
    """
    meter, splits = config.probing.meter, config.world.rendered_splits()
    generator = numpy_generator(config.streams.samples, "meter labels")
    drawn = {name: split(PAIRS, generator) for name, split in splits.items()}
    first, last = next(iter(drawn)), next(reversed(drawn))

    labels = {"trained": drawn[first]} if first == last else {"held_out": drawn[last]}
    if meter.trained:
        labels["trained"] = drawn[first]

    analysis = config.family.analysis(config.task(), config.streams.samples) or Analysis()
    with as_user_error():
        return analysis.condition_meter(
            labels,
            draws=meter.draws,
            bands=meter.bands,
            batch=config.probing.batch,
            factors=meter.factors,
            label_gradient=meter.label_gradient,
        )
