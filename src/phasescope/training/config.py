"""How a network is trained, as its user writes it."""

from __future__ import annotations

import inspect
import math
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from phasescope.config import Config
from phasescope.errors import UserError
from phasescope.families.base import Withheld
from phasescope.kinds import Constructed, Kind, open_union
from phasescope.sources import failing
from phasescope.training.base import LARGEST_LR, LossConfig, OptimiserConfig

if TYPE_CHECKING:
    import torch
    from torch import nn

MOMENTUM = 0.9
"""of the optimiser that a scheduler is tried on, by which a change of momentum is noticed"""


class AdamWConfig(OptimiserConfig):
    """AdamW (Loshchilov & Hutter 2019)."""

    kind: Literal["adamw"] = "adamw"
    lr: float = Field(2e-3, gt=0, le=LARGEST_LR)
    """learning rate after warm-up"""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.99)
    """decays of the first and second moments"""
    weight_decay: float = Field(0.0, ge=0)
    """decoupled weight decay"""


class MuonConfig(OptimiserConfig):
    """Muon (Jordan et al. 2024) on the convolutions between the first and the last, AdamW on all else."""

    kind: Literal["muon"] = "muon"
    lr: float = Field(0.02, gt=0, le=LARGEST_LR)
    """Muon's learning rate after warm-up"""
    momentum: float = Field(0.95, ge=0, lt=1)
    """Muon's momentum (Nesterov)"""
    weight_decay: float = Field(0.0, ge=0)
    """decoupled weight decay, for both parts"""
    rest: AdamWConfig = AdamWConfig()
    """AdamW for the parameters that are not Muon's"""


class SGDConfig(OptimiserConfig):
    """Gradient descent with a heavy ball (Polyak 1964), `torch.optim.SGD`: gradient flow if lr is small."""

    kind: Literal["sgd"] = "sgd"
    lr: float = Field(1e-2, gt=0, le=LARGEST_LR)
    """learning rate after warm-up; with momentum m slow directions move as at lr / (1 - m)"""
    momentum: float = Field(0.0, ge=0, lt=1)
    """decay a step of the gradients' running sum"""
    weight_decay: float = Field(0.0, ge=0)
    """added to the gradient, times the weights"""

    def on(self, leaves: list[nn.Parameter]) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(leaves, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)


class TorchOptimiserConfig(OptimiserConfig, Constructed):
    """An optimiser by reference, with its constructor's arguments as further keys."""

    FIELD: ClassVar[str] = "training.optimiser"

    @property
    def arguments(self) -> dict[str, Any]:
        return {"lr": self.lr, **super().arguments}

    def takes(self) -> dict[str, inspect.Parameter]:
        return dict(list(super().takes().items())[1:])  # the parameters come first

    def on(self, leaves: list[nn.Parameter]) -> torch.optim.Optimizer:
        """Return the optimiser of some parameters, after a copy of the first of them has taken a step: SourceFailed or
        UserError if the constructor refuses its arguments, or it steps by a closure, which training does not give."""
        import torch

        twin = torch.zeros_like(leaves[0], requires_grad=True)
        twin.grad = torch.zeros_like(twin)
        optimiser, tried = self.construct(leaves), self.construct([twin])
        with failing(f"`{self.FIELD}` (={self.kind}) must step without a closure"):
            tried.step()
        return optimiser


def of_optimiser(cls: type, reference: str) -> type[OptimiserConfig]:
    """Return the configuration class of a torch optimiser; TypeError if the class is none."""
    import torch

    if not issubclass(cls, torch.optim.Optimizer):
        raise TypeError("must be an OptimiserConfig or a torch.optim.Optimizer, and is neither")
    return TorchOptimiserConfig


class ScheduleConfig(Kind):
    """The course of the learning rates: a linear rise over `training.warmup` steps, then what `training.decay` says."""

    def factor(self, step: int, training: TrainingConfig) -> float:
        """Return the learning rates at `step` (0-based) as a share of the optimiser's; it depends on nothing else."""
        if step < training.warmup:
            return (step + 1) / training.warmup
        if training.decay == "constant":
            return 1.0
        done = (step - training.warmup) / max(1, training.steps - training.warmup)
        return 0.5 * (1 + math.cos(math.pi * done))


class WarmupScheduleConfig(ScheduleConfig):
    """Warm-up and decay."""

    kind: Literal["warmup"] = "warmup"


class TorchScheduleConfig(ScheduleConfig, Constructed):
    """A scheduler of torch by reference, in the place of warm-up and decay, with its arguments as further keys."""

    FIELD: ClassVar[str] = "training.schedule"

    def takes(self) -> dict[str, inspect.Parameter]:
        return dict(list(super().takes().items())[1:])  # the optimiser comes first

    def factor(self, step: int, training: TrainingConfig) -> float:
        lr = training.optimiser.lr
        return _rates(self.kind, self.model_dump_json(), lr, training.steps)[step] / lr


@lru_cache(maxsize=8)
def _rates(kind: str, config: str, lr: float, steps: int) -> list[float]:
    """Return the learning rate of each step, from an optimiser of nothing: a resumed run needs no state of the scheduler.

    Raises:
        SourceFailed, UserError: the scheduler refuses its arguments, or does not step so often without a metric.
    """
    import torch

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


def of_schedule(cls: type, reference: str) -> type[ScheduleConfig]:
    """Return the configuration class of a torch scheduler; TypeError if the class is none."""
    import torch

    if not issubclass(cls, torch.optim.lr_scheduler.LRScheduler):
        raise TypeError("must be a ScheduleConfig or a torch.optim.lr_scheduler.LRScheduler, and is neither")
    return TorchScheduleConfig


class FamilyLossConfig(LossConfig):
    """The family's own loss, averaged over the batch."""

    kind: Literal["family"] = "family"


AnyOptimiser: Any = (
    OptimiserConfig
    if TYPE_CHECKING
    else open_union(AdamWConfig | MuonConfig | SGDConfig, OptimiserConfig, of_optimiser)
)
AnySchedule: Any = (
    ScheduleConfig if TYPE_CHECKING else open_union(WarmupScheduleConfig, ScheduleConfig, of_schedule)
)
AnyLoss: Any = LossConfig if TYPE_CHECKING else open_union(FamilyLossConfig, LossConfig)


class TrainingConfig(Config):
    """Steps, batches, optimiser, averaging, precision and place."""

    UNTOLD: ClassVar[frozenset[str]] = frozenset({"device", "threads", "scalars_every"})

    steps: int = Field(4000, ge=1, le=10**9)
    """gradient steps"""
    batch: int = Field(64, ge=1, le=2**16)
    """images a step"""
    optimiser: AnyOptimiser = AdamWConfig()
    """update rule"""
    loss: AnyLoss = FamilyLossConfig()
    """what is minimised"""
    warmup: int = Field(100, ge=0)
    """steps over which the learning rates rise linearly"""
    decay: Literal["constant", "cosine"] = "constant"
    """course of the learning rates after warm-up: constant, or half a cosine that ends at 0"""
    schedule: AnySchedule = WarmupScheduleConfig()
    """course of the learning rates: `warmup` and `decay` as given, or a scheduler of torch in the place of both"""
    clip: float | None = Field(1.0, gt=0)
    """largest norm of the gradient; null clips nothing"""
    ema: float = Field(0.995, ge=0, lt=1)
    """decay a step of the averaged weights that sample and are probed"""
    label_dropout: float | tuple[float, ...] = 0.0
    """share of training images whose label is withheld; or a list of shares, to withhold each factor by itself"""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """arithmetic of the forward and backward pass; weights stay float32. tf32, on a GPU: products of 10-bit mantissas"""
    compile: bool = False
    """whether torch.compile makes the step's forward and backward pass; on CUDA, CUDA graphs"""
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    """auto (CUDA where there is one), cpu, cuda or cuda:N"""
    threads: int | None = Field(None, ge=1, le=1024)
    """CPU threads; null leaves the choice to torch"""
    scalars_every: int = Field(10, ge=0)
    """steps between two lines of scalars.jsonl: loss, learning rate, gradient norm, images a second; 0 writes none"""

    @field_validator("label_dropout", mode="before")
    @classmethod
    def _shares(cls, value: Any) -> Any:
        try:
            shares = [float(share) for share in (value if isinstance(value, list | tuple) else [value])]
        except (TypeError, ValueError):
            shares = []
        if not shares or not all(0 <= share <= 1 for share in shares):
            raise ValueError("must be a share from 0 to 1, or a list of such with one for each factor")
        return tuple(shares) if isinstance(value, list | tuple) else shares[0]

    @property
    def withheld(self) -> Withheld:
        """What `label_dropout` leaves out of labels: nothing, whole labels, or each factor by itself."""
        dropout = self.label_dropout
        if isinstance(dropout, tuple):
            return "factors" if any(dropout) else "never"
        return "label" if dropout else "never"

    @property
    def unheard(self) -> bool | list[bool]:
        """Whether the label is withheld from every image; for each factor, if these are withheld by themselves."""
        dropout = self.label_dropout
        return [share == 1 for share in dropout] if isinstance(dropout, tuple) else dropout == 1

    def lr_factor(self, step: int) -> float:
        """Return the share of the optimiser's learning rates at `step` (0-based)."""
        return self.schedule.factor(step, self)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.warmup > self.steps:
            raise ValueError(
                f"`training.warmup` (={self.warmup}) must be at most `training.steps` (={self.steps})"
            )
        return self
