"""The configuration of training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from phasescope.core.config import Config
from phasescope.core.kinds import Constructed, open_union
from phasescope.core.sources import failing
from phasescope.models.families.task import Withheld
from phasescope.models.training.base import LARGEST_LR, LossConfig, OptimiserConfig
from phasescope.models.training.schedules import (
    Course,
    ScheduleConfig,
    TorchScheduleConfig,
    WarmupScheduleConfig,
)

if TYPE_CHECKING:
    import torch
    from torch import nn


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
    """decay per step of the gradients' running sum"""
    weight_decay: float = Field(0.0, ge=0)
    """added to the gradient, times the weights"""

    def on(self, leaves: list[nn.Parameter]) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(leaves, lr=self.lr, momentum=self.momentum, weight_decay=self.weight_decay)


class TorchOptimiserConfig(OptimiserConfig, Constructed):
    """An optimiser by reference, with its constructor's arguments as further keys."""

    FIELD: ClassVar[str] = "training.optimiser"
    OF: ClassVar[str] = "torch.optim:Optimizer"
    GIVEN: ClassVar[int] = 1

    @property
    def arguments(self) -> dict[str, Any]:
        return {"lr": self.lr, **super().arguments}

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


class FamilyLossConfig(LossConfig):
    """The family's own loss, averaged over the batch."""

    kind: Literal["family"] = "family"


AnyOptimiser: Any = (
    OptimiserConfig
    if TYPE_CHECKING
    else open_union(AdamWConfig | MuonConfig | SGDConfig, OptimiserConfig, TorchOptimiserConfig)
)
AnySchedule: Any = (
    ScheduleConfig if TYPE_CHECKING else open_union(WarmupScheduleConfig, ScheduleConfig, TorchScheduleConfig)
)
AnyLoss: Any = LossConfig if TYPE_CHECKING else open_union(FamilyLossConfig, LossConfig)


class TrainingConfig(Config):
    """Steps, batches, optimiser, averaging, precision and place."""

    OUTSIDE_DIGEST: ClassVar[frozenset[str]] = frozenset(
        {"device", "threads", "scalars_every", "checkpoint_every_s", "states"}
    )

    steps: int = Field(4000, ge=1, le=10**9)
    """gradient steps"""
    batch: int = Field(64, ge=1, le=2**16)
    """images per step"""
    optimiser: AnyOptimiser = AdamWConfig()
    """update rule"""
    loss: AnyLoss = FamilyLossConfig()
    """what is minimised"""
    warmup: int = Field(100, ge=0)
    """steps over which the learning rates rise linearly"""
    decay: Literal["constant", "cosine"] = "constant"
    """course of the learning rates after warm-up: constant, or half a cosine that ends at 0"""
    schedule: AnySchedule = WarmupScheduleConfig()
    """course of the learning rates: `warmup` and `decay`, or a scheduler of torch instead of both"""
    clip: float | None = Field(1.0, gt=0)
    """largest norm of the gradient; null clips nothing"""
    ema: float = Field(0.995, ge=0, lt=1)
    """decay per step of the averaged weights, which are sampled from and probed"""
    label_dropout: float | tuple[float, ...] = 0.0
    """share of training images whose label is withheld; or a list of shares, to withhold each factor by itself"""
    freeze: tuple[str, ...] = ()
    """parts of the network that stay as they are: names of submodules, such as mid or embedding"""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """arithmetic of the forward and backward pass; weights stay float32. tf32, on a GPU: products of 10-bit mantissas"""
    compile: bool = False
    """whether torch.compile compiles the forward and backward pass; on CUDA, as CUDA graphs"""
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    """auto (CUDA if there is a GPU), cpu, cuda or cuda:N"""
    threads: int | None = Field(None, ge=1, le=1024)
    """CPU threads; null leaves the choice to torch"""
    scalars_every: int = Field(10, ge=0)
    """steps between two lines of scalars.jsonl: loss, learning rate, gradient norm, images a second; 0 writes none"""
    checkpoint_every_s: float = Field(60.0, gt=0, le=1e6)
    """seconds of training between two checkpoints; one is written at each snapshot and at a signal, too"""

    states: tuple[Annotated[int, Field(ge=0)], ...] | Literal["snapshots"] = ()
    """steps at which the whole state of training is kept, so that `fork` can begin there; `snapshots`: at each of them"""

    @field_validator("states")
    @classmethod
    def _in_order(cls, states: Any) -> Any:
        return states if isinstance(states, str) else tuple(sorted(set(states)))

    @field_validator("label_dropout", mode="before")
    @classmethod
    def _shares(cls, value: Any) -> Any:
        try:
            shares = [float(share) for share in (value if isinstance(value, list | tuple) else [value])]
        except (TypeError, ValueError):
            shares = []
        if not shares or not all(0 <= share <= 1 for share in shares):
            raise ValueError("must be a share from 0 to 1, or a list of one share per factor")
        return tuple(shares) if isinstance(value, list | tuple) else shares[0]

    @property
    def withheld(self) -> Withheld:
        """The part of labels that `label_dropout` withholds: none, whole labels, or each factor independently."""
        dropout = self.label_dropout
        if isinstance(dropout, tuple):
            return "factors" if any(dropout) else "never"
        return "label" if dropout else "never"

    @property
    def may_be_guided(self) -> bool:
        """Whether whole labels are sometimes withheld, as classifier-free guidance needs."""
        dropout = self.label_dropout
        return all(share > 0 for share in (dropout if isinstance(dropout, tuple) else (dropout,)))

    @property
    def always_withheld(self) -> bool | list[bool]:
        """Whether the label is withheld from every image; by factor if factors are withheld independently."""
        dropout = self.label_dropout
        return [share == 1 for share in dropout] if isinstance(dropout, tuple) else dropout == 1

    def lr_factor(self, step: int) -> float:
        """Return the share of the optimiser's learning rates at `step` (0-based)."""
        course = Course(self.steps, self.warmup, self.decay, self.optimiser.lr)
        return self.schedule.factor(step, course)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if isinstance(self.states, tuple) and self.states and self.states[-1] > self.steps:
            raise ValueError(
                f"`training.states` (={self.states[-1]}) must be at most `steps` (={self.steps})"
            )
        if self.warmup > self.steps:
            raise ValueError(f"`training.warmup` (={self.warmup}) must be at most `steps` (={self.steps})")
        return self
