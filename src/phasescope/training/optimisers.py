"""Optimisers: AdamW, or Muon on convolutions with AdamW on the rest; and the course of their learning rates.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): with B the exponential mean of the gradients G of a matrix,

    W <- (1 - lr wd) W - lr sqrt(max(1, D/M)) NS(m B + (1 - m) G),    NS(U S V') = U s(S) V',  s(S) near 1,

as `torch.optim.Muon` has it, but on all matrices of one shape at once. A convolution's kernel (D, C, h, w) is a matrix
(D, M = h w C). The entrance, the exit and the modulations keep AdamW.

All work on flat parameters, (P,), or on those of S networks side by side, (S, P), which they treat as S runs would.
"""

from __future__ import annotations

import math
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.adamw import adamw

from phasescope.training.config import AdamWConfig, MuonConfig, OptimiserConfig, TrainingConfig
from phasescope.training.memory import FlatParameters, Layout, slot_of

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""of the odd polynomial whose iterates bring singular values near 1, and small ones there soonest (Jordan et al. 2024)"""
NEWTON_SCHULZ_STEPS = 5
SMALLEST_NORM = 1e-7
"""below which a matrix is not normalised"""
EPS = 1e-8
"""AdamW's least root mean square of a gradient, as torch's default"""


def layout_for(network: nn.Module, config: OptimiserConfig) -> Layout:
    """The layout of the network's parameters: the kernels that Muon takes first, those of one shape side by side."""
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    kernels = _kernels(network) if isinstance(config, MuonConfig) else []
    kernels.sort(key=shapes.__getitem__)
    return Layout({name: shapes[name] for name in dict.fromkeys([*kernels, *shapes])})


def _kernels(network: nn.Module) -> list[str]:
    """Names of the kernels between entrance and exit."""
    return [
        f"{name}.weight"
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and name not in ("enter", "leave")
    ]


class Optimiser:
    """One or two rules of update that step as one, with a learning rate that is a pure function of the step.

    Args:
        flat: the parameters of `network`, laid out by `layout_for`, or of several alike.
    """

    def __init__(self, network: nn.Module, flat: FlatParameters, config: OptimiserConfig):
        names = [name for name, _ in network.named_parameters()]
        if isinstance(config, MuonConfig):
            kernels = _kernels(network)
            rest = [name for name in names if name not in kernels]
            self._parts = [
                _Muon(flat, kernels, config),
                _AdamW(flat, rest, config.rest, config.weight_decay),
            ]
        else:
            self._parts = [_AdamW(flat, names, config, config.weight_decay)]

    def step(self, lr_factor: float) -> None:
        """One update by the flat parameters' gradients, at `lr_factor` times the configured learning rates."""
        for part in self._parts:
            part.step(lr_factor)

    def tensors(self, member: int = 0) -> dict[str, Tensor]:
        """All state as flat tensors, named `part.parameter.entry`; of network `member` where they are S."""
        return {
            f"{i}.{j}.{entry}": tensor
            for i, part in enumerate(self._parts)
            for entry, tensors in part.state(member).items()
            for j, tensor in enumerate(tensors)
        }

    def load_tensors(self, tensors: dict[str, Tensor], member: int = 0) -> None:
        """The inverse of `tensors`, which are copied."""
        for i, part in enumerate(self._parts):
            part.begin() if any(name.startswith(f"{i}.") for name in tensors) else part.forget()
        for name, mine in self.tensors(member).items():
            mine.copy_(tensors[name])


class _Part:
    """A rule of update for the parameters `names`, which lie side by side in `flat`."""

    def __init__(self, flat: FlatParameters, names: list[str]):
        whole = flat.layout
        inside = [name for name in whole.shapes if name in set(names)]
        self.layout = Layout({name: whole.shapes[name] for name in inside})
        self.names = names
        begin = whole.offsets[inside[0]]
        self.weights = flat.weights.narrow(-1, begin, self.layout.size)
        self.gradients = flat.gradients.narrow(-1, begin, self.layout.size)

    def split(self, row: Float[Tensor, " P"]) -> list[Tensor]:
        views = self.layout.views(row)
        return [views[name] for name in self.names]


class _AdamW(_Part):
    """One tensor a network: the fused update walks the memory, which must have no gaps.

    The function, not the class: `torch.optim.AdamW` imports the compiler, a second, whether or not one compiles.
    """

    def __init__(self, flat: FlatParameters, names: list[str], config: AdamWConfig, weight_decay: float):
        super().__init__(flat, names)
        self._config, self._weight_decay = config, weight_decay
        self._rows = list(self.weights.view(-1, self.layout.size))
        self._row_gradients = list(self.gradients.view(-1, self.layout.size))
        self._moments: dict[str, list[Tensor]] = {}

    @torch.no_grad()
    def step(self, lr_factor: float) -> None:
        self.begin()
        beta1, beta2 = self._config.betas
        adamw(
            self._rows,
            self._row_gradients,
            self._moments["exp_avg"],
            self._moments["exp_avg_sq"],
            max_exp_avg_sqs=[],
            state_steps=self._moments["step"],
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=self._config.lr * lr_factor,
            weight_decay=self._weight_decay,
            eps=EPS,
            maximize=False,
        )

    def begin(self) -> None:
        """Have the state of a first step, where there is none yet."""
        if not self._moments:
            self._moments = {
                "step": [torch.zeros((), device=row.device) for row in self._rows],
                "exp_avg": [torch.zeros_like(row) for row in self._rows],
                "exp_avg_sq": [torch.zeros_like(row) for row in self._rows],
            }

    def forget(self) -> None:
        self._moments = {}

    def state(self, member: int) -> dict[str, list[Tensor]]:
        return {
            entry: self.split(rows[member]) if rows[member].ndim else [rows[member]] * len(self.names)
            for entry, rows in self._moments.items()
        }


class _Muon(_Part):
    def __init__(self, flat: FlatParameters, names: list[str], config: MuonConfig):
        super().__init__(flat, names)
        self.config = config
        self._momentum: Tensor | None = None

    def step(self, lr_factor: float) -> None:
        lr, m = self.config.lr * lr_factor, self.config.momentum
        momentum = self.begin()
        momentum.lerp_(self.gradients, 1 - m)
        update = self.gradients.lerp(momentum, m)
        self.weights.mul_(1 - lr * self.config.weight_decay)
        for weights, direction in zip(self._by_shape(self.weights), self._by_shape(update), strict=True):
            rows, columns = weights.shape[-2:]
            weights.add_(orthogonalised(direction), alpha=-lr * math.sqrt(max(1, rows / columns)))

    def begin(self) -> Tensor:
        """The momentum, zero at first."""
        if self._momentum is None:
            self._momentum = torch.zeros(self.weights.shape, device=self.weights.device)
        return self._momentum

    def forget(self) -> None:
        self._momentum = None

    def state(self, member: int) -> dict[str, list[Tensor]]:
        if self._momentum is None:
            return {}
        kernels = self.split(self._momentum.view(-1, self.layout.size)[member])
        return {"momentum_buffer": [kernel.permute(0, 2, 3, 1).flatten(1) for kernel in kernels]}

    def _by_shape(self, flat: Float[Tensor, "*S P"]) -> list[Float[Tensor, "*S n D M"]]:
        """All matrices of one shape, for each shape; views."""
        found, begin = [], 0
        for shape, same in groupby(self.layout.shapes.values()):
            count, slot, size = len(list(same)), slot_of(shape), math.prod(shape)
            slots = flat.narrow(-1, begin, count * slot).unflatten(-1, (count, slot))
            found.append(slots.narrow(-1, 0, size).unflatten(-1, (shape[0], size // shape[0])))
            begin += count * slot
        return found


def orthogonalised(matrices: Float[Tensor, "*n D M"]) -> Float[Tensor, "*n D M"]:
    """Each matrix with its singular values brought near 1, by Newton-Schulz iteration; bfloat16 on a GPU."""
    a, b, c = NEWTON_SCHULZ
    x = matrices.flatten(0, -3)
    if tall := x.shape[-2] > x.shape[-1]:
        x = x.mT
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=SMALLEST_NORM)
    if x.is_cuda:
        x = x.bfloat16()
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype).reshape(matrices.shape)


def clip(gradients: Float[Tensor, "*S P"], largest: float) -> None:
    """Scale each gradient whose norm exceeds `largest` down to it, as `torch.nn.utils.clip_grad_norm_` does."""
    norm = torch.linalg.vector_norm(gradients, dim=-1, keepdim=True)
    gradients.mul_((largest / (norm + 1e-6)).clamp(max=1))


def lr_factor(step: int, config: TrainingConfig) -> float:
    """Share of the configured learning rates at `step` (0-based): linear warm-up, then constant or half a cosine."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    if config.decay == "constant":
        return 1.0
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))
