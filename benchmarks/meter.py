"""Print what the condition meter costs in training: python -m benchmarks.meter [PRESET ...]

For each preset (by default fast, lean and p1) with `probing.meter.every=usual`: steps between readings, the median times of
a step of training and of a reading in one thread, and the share of training that readings take. Times are of this machine as
it is now: on a busy one both are longer.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence

from phasescope.core.arithmetic import one_thread
from phasescope.models.training.loop import fresh_learner, learn
from phasescope.runs.config import RunConfig, load_config
from phasescope.runs.probing.meter import meter_of

PRESETS = ("fast", "lean", "p1")
STEPS, READINGS = 20, 3


@one_thread()
def shares(config: RunConfig) -> tuple[float, float]:
    """Return the seconds of a step of training and of a reading of the meter."""
    world, training = config.world, config.training
    learner = fresh_learner(config.network, world.shape, world.factors.visible, training, config.seed)
    steps = learn(learner, config.family.build(), world, config.seed)
    meter = meter_of(config)

    # What is made once, at the first step and the first reading, is not counted.
    next(steps)
    meter.read(learner.average, 0)
    step_s = median_s(lambda: next(steps), STEPS)
    reading_s = median_s(lambda: meter.read(learner.average, 0), READINGS)
    return step_s, reading_s


def median_s(function: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of a call."""
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def main(presets: Sequence[str]) -> None:
    """Print a line for each preset."""
    for preset in presets or PRESETS:
        config = load_config(overrides=[f"preset={preset}", "probing.meter.every=usual"])
        step_s, reading_s = shares(config)
        share = reading_s / (config.meter_every * step_s)
        print(
            f"{preset}: a reading every {config.meter_every} steps; a step {1000 * step_s:.1f} ms, a reading "
            f"{1000 * reading_s:.0f} ms; {100 * share:.2f} % of training",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
