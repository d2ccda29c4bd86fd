"""Estimating what runs will cost on this machine, by timing a few steps of their own configurations.

    CPU-seconds = c * (steps * batch + snapshots * (rest + images * passes / 3))

c is timed: the CPU-seconds that training takes for an image. A snapshot is counted in such images: sampling takes
`passes` of the network for each image, one a step, and training three, forward and twice as much backward; `rest` is a
pass for each latent, over three, or `REST` if that is more. A reading of the condition meter is a pass for each of its
images. With the c that they had themselves, the 201 cells of 22 studies (1,528 recorded runs) took 0.79 to 1.22 times
that, and nine of ten 0.91 to 1.15 times.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from phasescope.core.arithmetic import one_thread
from phasescope.core.errors import UserError, as_user_error
from phasescope.runs.config import RunConfig

LEAST_S = 1.0
"""CPU-seconds that are timed at least"""
# A snapshot beside its samples takes at least so many images of training: chosen by those records.
REST = 250.0


def costs(configs: Sequence[RunConfig], notify: Callable[[int, int], None]) -> dict[str, float | None]:
    """Return the CPU-seconds of one thread that runs take, observing included, by digest; None if their device is not
    available here. Runs that train alike are timed once; `notify` is called with how many are estimated, and all."""
    timings: dict[str, float | None] = {}
    estimates: dict[str, float | None] = {}
    for done, config in enumerate(configs):
        notify(done, len(configs))
        key = _cost_of_an_image(config)
        if key not in timings:
            try:
                timings[key] = timed(config)
            except UserError:
                timings[key] = None
        timing = timings[key]
        estimates[config.digest()] = None if timing is None else timing * images_in_all(config)
    return estimates


def _cost_of_an_image(config: RunConfig) -> str:
    """Return what determines the time that training takes for an image, as text."""
    tree, training = config.tree(), config.training
    fields = [tree["network"], tree["family"], config.world.shape, training.batch, training.optimiser.kind]
    return json.dumps(fields, sort_keys=True)


def images_in_all(config: RunConfig) -> float:
    """Return how many images of training a run takes as long as, its snapshots included."""
    training, plan = config.training, config.probing
    snapshots = sum(plan.snapshots.due(step, training.steps) for step in range(training.steps + 1))

    times = config.family.usual_t if plan.t == "usual" else plan.t
    latents = plan.latent_labels + plan.variance_labels * plan.variance_draws + plan.crossed_labels
    rest = max(REST, len(times) * latents / 3) if plan.reads_latents else REST

    passes = (config.family.sampling_choices() or {}).get("steps", 1)
    sampled = sum(plan.images_of(config.world.splits()).values()) * passes / 3
    readings = training.steps // config.meter_every + 1 if config.reads_meter else 0
    metered = readings * config.meter_evaluations / 3
    return training.steps * training.batch + snapshots * (rest + sampled) + metered


@one_thread()
def timed(config: RunConfig) -> float:
    """Return the CPU-seconds that training takes for an image in one thread, as engines execute runs.

    Raises:
        UserError: the device or the precision is not available here.
    """
    from phasescope.models.training.loop import fresh_learner, learn

    world = config.world
    training = config.training.model_copy(update={"steps": 10**6})  # enough, however short the run is
    with as_user_error():
        learner = fresh_learner(
            network_config=config.network,
            shape=world.shape,
            factors=world.factors.visible,
            config=training,
            seed=config.seed,
        )
    steps = learn(learner, config.family.build(), world, config.seed)
    spent: list[float] = []
    while sum(spent) < LEAST_S or (training.compile and len(spent) < 2):
        began = time.process_time()
        next(steps)
        spent.append(time.process_time() - began)
    # The first step allocates memory, and compiles: it counts only where it is the only one.
    counted = spent[1:] or spent
    return sum(counted) / (len(counted) * training.batch)
