"""Estimating what runs will cost on this machine, by timing a few steps of their own configurations.

    CPU-seconds = c * (steps * batch + snapshots * (rest + sampled / 3) + metered / 3)

c is timed: the CPU-seconds that training takes for an image. A snapshot is counted in such images: training takes three
passes of the network, forward and twice as much backward, and a snapshot one for each image that it answers
(`probing.work`): `sampled` while it generates images; `rest` is a third of those for latents, or `REST` if that is more.
A reading of the condition meter is a pass for each of its images. A fork takes its own steps alone. With the c that they
had themselves, the 201 cells of 22 studies (1,528 recorded runs) took 0.79 to 1.22 times that, and nine of ten 0.91 to 1.15
times.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from phasescope.core.arithmetic import one_thread
from phasescope.core.errors import UserError, as_user_error
from phasescope.runs.config import RunConfig
from phasescope.runs.probing.work import snapshot_work

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
    """Return how many images of training a run takes as long as, its snapshots included.

    A fork computes neither the steps before its own nor their snapshots, which it copies.
    """
    training, plan = config.training, config.probing
    first = config.fork.step + 1 if config.fork and config.fork.step else 0
    steps = range(first, training.steps + 1)
    snapshots = sum(plan.snapshots.due(step, training.steps) for step in steps)

    work = snapshot_work(plan, config.family, config.world)
    rest = max(REST, work.latents / 3)
    # A family that does not say how it samples is taken to ask its network once.
    sampled = sum(plan.images_of(config.world.splits()).values()) if work.sampled is None else work.sampled

    readings = sum(step % config.meter_every == 0 for step in steps) if config.reads_meter else 0
    metered = readings * config.meter_evaluations
    trained = training.steps - max(first - 1, 0)
    return trained * training.batch + snapshots * (rest + sampled / 3) + metered / 3


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
