"""The course of the learning rates: a pure function of the step, so that a resumed run needs no state of it."""

import math
from functools import lru_cache
from typing import ClassVar, Literal, NamedTuple

from phasescope.core.errors import UserError
from phasescope.core.kinds import Constructed, Kind
from phasescope.core.sources import failing
from phasescope.models.training.base import LARGEST_LR

# The optimiser that a scheduler is tried on has this momentum, by which a change of momentum is noticed.
MOMENTUM = 0.9


class Course(NamedTuple):
    """The settings that learning rates depend on: gradient steps, and the optimiser's `lr`."""

    steps: int
    warmup: int
    decay: str
    lr: float


class ScheduleConfig(Kind):
    """The course of the learning rates: a linear rise over `training.warmup` steps, then what `training.decay` says."""

    def factor(self, step: int, course: Course) -> float:
        """Return the learning rates at `step` (0-based) as a share of the optimiser's; it depends on nothing else."""
        if step < course.warmup:
            return (step + 1) / course.warmup
        if course.decay == "constant":
            return 1.0
        done = (step - course.warmup) / max(1, course.steps - course.warmup)
        return 0.5 * (1 + math.cos(math.pi * done))


class WarmupScheduleConfig(ScheduleConfig):
    """Warm-up and decay."""

    kind: Literal["warmup"] = "warmup"


class TorchScheduleConfig(ScheduleConfig, Constructed):
    """A scheduler of torch by reference, instead of warm-up and decay, with its arguments as further keys."""

    FIELD: ClassVar[str] = "training.schedule"
    OF: ClassVar[str] = "torch.optim.lr_scheduler:LRScheduler"
    GIVEN: ClassVar[int] = 1

    def factor(self, step: int, course: Course) -> float:
        return _rates(self.kind, self.model_dump_json(), course.lr, course.steps)[step] / course.lr


@lru_cache(maxsize=8)
def _rates(kind: str, config: str, lr: float, steps: int) -> list[float]:
    """Return the learning rate of each step.

    Raises:
        SourceFailed, UserError: the scheduler refuses its arguments, or does not step so often without a metric.
    """
    import torch

    # An optimiser of nothing gives all rates at once, so that a resumed run needs no state of the scheduler.
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=lr, momentum=MOMENTUM)
    scheduler = TorchScheduleConfig.model_validate_json(config).construct(optimiser)
    group, rates = optimiser.param_groups[0], []
    with failing(f"`training.schedule` (={kind}) must step {steps} times, as `training.steps` says"):
        for _ in range(steps):
            rates.append(float(group["lr"]))
            if group["momentum"] != MOMENTUM:
                raise UserError(
                    f"`training.schedule.cycle_momentum` (=True) must be false: {kind} may change learning rates alone"
                )
            if not 0 <= rates[-1] <= LARGEST_LR:
                raise UserError(
                    f"`training.schedule` (={kind}) must give rates from 0 on, and gives {rates[-1]} at step {len(rates)}"
                )
            optimiser.step()
            if len(rates) < steps:
                scheduler.step()
    return rates
