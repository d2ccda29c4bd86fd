"""The training loop: `learn` takes a step at a time and yields its loss; recording and sampling are its caller's.

Weights are averaged with a bias-corrected exponential mean: after n steps the average is

    m_n = sum_k (1 - d) d^(n-k) w_k / (1 - d^n),    that is    m_n = m_(n-1) + (1 - d)/(1 - d^n) (w_n - m_(n-1)),

so the fresh weights, which are no result of learning, never enter it (Kingma & Ba 2015, section 3).

No step waits for a GPU: nothing in it is read back.
"""

import copy
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import RunFailed, UserError
from phasescope.core.factors import Factors
from phasescope.core.randomness import Streams, derive, global_stream_from
from phasescope.models.families.base import Family
from phasescope.models.networks.base import NetworkConfig
from phasescope.models.training.base import Batch
from phasescope.models.training.compiling import compiled
from phasescope.models.training.config import TrainingConfig
from phasescope.models.training.data import Batches
from phasescope.models.training.flat import FlatParameters
from phasescope.models.training.losses import Losses
from phasescope.models.training.optimisers import clip, layout_for, optimiser_of
from phasescope.models.training.parts import parameters_of
from phasescope.models.training.precision import normalise_in_float32, precision_of
from phasescope.models.training.processor import keep_freed_memory, start_threads, subnormals_as_zero
from phasescope.worlds.base import World, not_finite


class Learner:
    """One network in training, and all that changes with it.

    Attributes:
        network: the one that learns.
        average: the network of its averaged weights, (P,) in `averaged`.
        flat: the learning network's weights and gradients.
        optimiser: with its state.
        step: number of steps taken.
        images_seen: number of images in them.
        norm: of the last step's gradient before it was clipped, on its device; None before a step.
    """

    def __init__(self, network: nn.Module, config: TrainingConfig, device: torch.device):
        self.config = config
        self.network = network.to(device)
        if config.precision == "bfloat16" and device.type == "cpu":
            normalise_in_float32(self.network)
        # Copied after the hooks for bfloat16 are set, so what is observed is computed as what is trained.
        self.average = copy.deepcopy(self.network)
        layout = layout_for(self.network, config.optimiser)
        self.flat = FlatParameters(self.network, layout)
        self.averaged = FlatParameters(self.average, layout).weights
        self.optimiser = optimiser_of(self.network, self.flat, config.optimiser)
        self._buffers = list(zip(self.average.buffers(), self.network.buffers(), strict=True))
        self._frozen = self._weights_and_gradients(config.freeze)
        self.step = 0
        self.images_seen = 0
        self.norm: Tensor | None = None

    def _weights_and_gradients(self, parts: Sequence[str]) -> list[tuple[Tensor, Tensor]]:
        """Return weights and gradients of the parameters of some parts."""
        weights, gradients = (
            self.flat.layout.views(flat) for flat in (self.flat.weights, self.flat.gradients)
        )
        names = parameters_of(self.network, parts, weights, "training.freeze")
        return [(weights[name], gradients[name]) for name in names]

    @property
    def device(self) -> torch.device:
        return self.flat.weights.device

    def update(self, loss: Float[Tensor, ""]) -> None:
        """Take one step by the gradient of `loss`."""
        self.flat.differentiate(loss)
        for _, gradient in self._frozen:
            gradient.zero_()
        gradients, largest = self.flat.gradients, self.config.clip
        self.norm = torch.linalg.vector_norm(gradients) if largest is None else clip(gradients, largest)
        kept = [weights.clone() for weights, _ in self._frozen]
        self.optimiser.step(self.config.lr_factor(self.step))
        for (weights, _), before in zip(self._frozen, kept, strict=True):
            weights.copy_(before)  # momentum and weight decay move weights without a gradient, too
        self.step += 1
        self.images_seen += self.config.batch

        # The step is counted already: the first weights have the share 1, so the average begins with them.
        self.averaged.lerp_(self.flat.weights, share_of_last(self.config.ema, self.step))
        # Buffers, such as running statistics, are not learned by descent: the average takes the last ones.
        for averaged, own in self._buffers:
            averaged.copy_(own)

    def last_step(self) -> dict[str, float | Tensor | None]:
        """Return the learning rate of the last step, and the norm of its gradient before it was clipped, on its device."""
        if self.norm is None:
            return {"learning_rate": None, "gradient_norm": None}
        rate = self.config.optimiser.lr * self.config.lr_factor(self.step - 1)
        return {"learning_rate": rate, "gradient_norm": self.norm}

    def reset(self, fresh: "Learner", parts: Sequence[str]) -> None:
        """Take the weights of some parts, and of their average, from a learner that has not learned; what the optimiser
        remembers of them is forgotten. UserError if the network has no such part."""
        layout = self.flat.layout
        names = parameters_of(self.network, parts, layout.shapes, "fork.reset")
        for mine, new in ((self.flat.weights, fresh.flat.weights), (self.averaged, fresh.averaged)):
            mine_by_name, new_by_name = layout.views(mine), layout.views(new)
            for name in names:
                mine_by_name[name].copy_(new_by_name[name])
        self.optimiser.forget(names)

    def tensors(self) -> dict[str, Tensor]:
        """Return the whole state, as flat named tensors."""
        states = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.tensors(),
        }
        return {f"{part}.{name}": tensor for part, state in states.items() for name, tensor in state.items()}

    def load(
        self,
        tensors: dict[str, Tensor],
        step: int,
        images_seen: int | None = None,
    ) -> None:
        """Take up the state that `tensors` returned after `step` steps.

        Args:
            images_seen: until then; by default all steps had a batch of this configuration.

        Raises:
            RuntimeError: it is another network's.
        """
        states: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimiser": {}}
        for name, tensor in tensors.items():
            part, _, inner = name.partition(".")
            states.setdefault(part, {})[inner] = tensor
        self.network.load_state_dict(states["network"])
        self.average.load_state_dict(states["average"])
        self.optimiser.load_tensors(states["optimiser"])
        self.step = step
        self.images_seen = step * self.config.batch if images_seen is None else images_seen


def learn(learner: Learner, family: Family, world: World, seed: int | Streams) -> Iterator[Float[Tensor, ""]]:
    """Train from where `learner` stands to its last step; yield each step's mean loss, on its device, after the step.

    Batches, noise, dropped labels and what the network draws itself derive from (seed, purpose, step).

    Args:
        seed: of all streams, or one for each.
    """
    config, device = learner.config, learner.device
    seeds = seed if isinstance(seed, Streams) else Streams.from_seed(seed)
    settings = partial(own_arithmetic, device, tf32=config.precision == "tf32")
    with settings():
        batches = Batches(world=world, family=family, config=config, seed=seeds, device=device)
    arithmetic = precision_of(config, device)

    def mean_loss(x_0: Tensor, labels: Tensor, *drawn: Tensor) -> Tensor:
        with arithmetic():
            return config.loss(learner.network, family, Batch(x_0, labels, drawn))

    loss_of = compiled(mean_loss, device) if config.compile else mean_loss
    learner.network.train()
    while learner.step < config.steps:
        with settings():
            batch = batches.at(learner.step)

        # Dropout takes no generator. Seeded at each step, it drops the same in a run that was resumed.
        stream = global_stream_from(derive(seeds.network, "network", learner.step), device)
        with settings(), stream, subnormals_as_zero(device), torch.enable_grad():
            loss = loss_of(batch.x_0, batch.labels, *batch.drawn)
            _check_loss(loss, config)
            learner.update(loss)
        yield loss.detach()


def _check_loss(loss: object, config: TrainingConfig) -> None:
    """Raise UserError if a loss is not one number with a gradient."""
    if isinstance(loss, torch.Tensor) and loss.ndim == 0 and loss.requires_grad:
        return
    kind = f"of shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
    raise UserError(
        f"`training.loss` (={config.loss.kind}) must be one number with a gradient, and is {kind}"
    )


def losses_of(
    learner: Learner, family: Family, world: World, seed: int | Streams, read: Sequence[float] = ()
) -> Losses:
    """Return a record of a training's losses, which begins with those `read` from disk. A loss that is not finite raises
    RunFailed, which names the world if its images are not finite either."""

    def check_images(step: int) -> None:
        batches = Batches(world=world, family=family, config=learner.config, seed=seed, device=learner.device)
        # A batch can be made again, so training need not check each one: only a loss that is not finite asks.
        if step and not batches.at(step - 1).x_0.isfinite().all():
            raise RunFailed(f"{not_finite(world)}, at step {step}")

    return Losses(learner.config.optimiser.lr, read, check_images)


def fresh_learner(
    network_config: NetworkConfig, shape: tuple[int, ...], factors: Factors, config: TrainingConfig, seed: int
) -> Learner:
    """Return a learner whose initial weights derive from (seed, "weights"); torch's global random state stays as it was.
    ValueError if the device or the precision is not available here."""
    device = resolve_device(config.device)
    config.lr_factor(config.steps - 1)  # a scheduler that cannot go so far says so before any work
    if device.type == "cpu":
        if config.precision == "tf32":
            raise ValueError(
                "`training.precision` (=tf32) must be float32 or bfloat16 on a CPU: only a GPU rounds so"
            )
        keep_freed_memory()
        start_threads()

    with own_arithmetic(device, tf32=config.precision == "tf32"):
        with global_stream_from(derive(seed, "weights")):
            network = network_config.build(shape, factors)
        return Learner(network, config, device)


def resolve_device(name: str) -> torch.device:
    """Return the device that `auto`, `cpu`, `cuda` or `cuda:N` names here; ValueError if there is none."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"`training.device` (={name}) must be on this machine: it has {torch.cuda.device_count()} CUDA devices"
        )
    return torch.device(name)


def share_of_last(decay: float, n: int) -> float:
    """Return the weight of the n-th weights in the bias-corrected mean of n: (1 - d)/(1 - d^n)."""
    return (1 - decay) / (1 - decay**n)
