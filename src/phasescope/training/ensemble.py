"""An ensemble of seeds: S networks of one configuration that learn side by side, in one process, as S runs would.

Their parameters are stacked, (S, P), and one pass of `torch.func.vmap` over the network computes S losses: many small
kernels become a few large ones, which is what a GPU is for. Each network has the batches, the noise, the dropped labels
and the initial weights of a run of its seed; gradients are clipped by its own norm, and Adam, Muon and the average treat
it alone. So member s follows the run of its seed, within the rounding of another order of additions.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from phasescope.training.compiling import compiled
from phasescope.training.config import TrainingConfig
from phasescope.training.data import Batches, Family
from phasescope.training.loop import Descent, Learner, fresh_learner
from phasescope.training.memory import FlatParameters
from phasescope.training.precision import precision_of


class Ensemble(Descent):
    """The learners of several seeds, stacked.

    Args:
        learners: of one configuration, at the same step; they are copied.
        seeds: theirs, from which their batches and noise derive.

    Raises:
        ValueError: not as many learners as seeds, or none, or learners at different steps.
    """

    def __init__(self, learners: Sequence[Learner], seeds: Sequence[int]):
        if not learners or len(learners) != len(seeds):
            raise ValueError(f"`seeds` (={list(seeds)}) must be one a learner, of {len(learners)}")
        steps = {learner.step for learner in learners}
        if len(steps) > 1:
            raise ValueError(f"`learners` must stand at the same step, not at {sorted(steps)}")
        first = learners[0]
        flat = FlatParameters.stacked([learner.flat for learner in learners])
        averaged = torch.stack([learner.averaged for learner in learners])
        super().__init__(first.network, flat, averaged, first.config)
        self.seeds, self.step = tuple(seeds), first.step
        self.network = first.network
        for member, learner in enumerate(learners):
            self.optimiser.load_tensors(learner.optimiser.tensors(), member)

    def unstack(self, member: int) -> Learner:
        """A copy of one member, which can go on by itself: weights, average, optimiser, step."""
        learner = Learner(copy.deepcopy(self.network), self.config, self.device)
        learner.flat.weights.copy_(self.flat.weights[member])
        learner.averaged.copy_(self.averaged[member])
        learner.optimiser.load_tensors(self.optimiser.tensors(member))
        learner.step = self.step
        return learner


def fresh_ensemble(
    network_config, channels: int, factors: int, config: TrainingConfig, seeds: Sequence[int]
) -> Ensemble:
    """Learners with the initial weights of the runs of `seeds`."""
    return Ensemble([fresh_learner(network_config, channels, factors, config, seed) for seed in seeds], seeds)


def learn_ensemble(ensemble: Ensemble, family: Family, world) -> Iterator[Float[Tensor, " S"]]:
    """Train from where `ensemble` stands to its last step; yields each step's mean losses, (S,), after the step.

    Args:
        world: has `training_labels() -> (M, K)` and `render(labels) -> (B, C, H, W)`.
    """
    config, device = ensemble.config, ensemble.device
    batches = [Batches(world, family, config, seed, device) for seed in ensemble.seeds]
    arithmetic = precision_of(config, device)
    losses_of = vmap(_mean_loss(ensemble.network, family))

    def total(*batch: Tensor) -> Tensor:
        with arithmetic(), sdpa_kernel(SDPBackend.MATH):
            return losses_of(ensemble.flat.leaves, *batch)

    loss_of = compiled(total, device) if config.compile else total
    ensemble.network.train()
    while ensemble.step < config.steps:
        parts = [stream.at(ensemble.step) for stream in batches]
        x_0, labels = (torch.stack(same) for same in zip(*(part[:2] for part in parts), strict=True))
        drawn = (torch.stack(same) for same in zip(*(part.drawn for part in parts), strict=True))
        losses = loss_of(x_0, labels, *drawn)
        ensemble.descend(losses.sum())
        yield losses.detach()


def _mean_loss(network, family: Family) -> Callable[..., Tensor]:
    def mean_loss(parameters: dict[str, Tensor], x_0: Tensor, labels: Tensor, *drawn: Tensor) -> Tensor:
        def predict(*inputs: Tensor) -> Tensor:
            return functional_call(network, parameters, inputs)

        return family.loss_at(predict, x_0, labels, *drawn).mean()

    return mean_loss
