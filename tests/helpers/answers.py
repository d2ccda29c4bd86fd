"""What tests of networks' answers share: one task with its exact analysis, and answers made of its optima."""

from collections.abc import Callable

from torch import Tensor

from phasescope.models.families import DiffusionConfig, Task
from phasescope.models.families.diffusion.exact.nats import Answer
from phasescope.models.families.diffusion.exact.optimum import PartialOptimum
from phasescope.worlds import GaussianBump

WORLD = GaussianBump(canvas=16, boundary="periodic")
EPS = DiffusionConfig().build()
ANALYSIS = DiffusionConfig().analysis(Task.from_world(WORLD, shift_px=4))
COMPARISON = ANALYSIS.comparison
BEST = PartialOptimum.of_grid(EPS, WORLD.render, WORLD.training_labels())
assert BEST is not None


def answering(x_0: Callable[..., Tensor]) -> Answer:
    """A network's answer from an optimum's."""

    def answer(x_t: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        alpha, sigma = (scale[t].view(-1, 1, 1, 1) for scale in (EPS.schedule.alpha, EPS.schedule.sigma))
        return x_0(x_t, alpha, sigma, labels)

    return answer
