"""Optimisers on flat parameters, (P,): AdamW, or Muon on convolutions with AdamW on the rest; others are torch's own.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): with B the exponential mean of the gradients G of a matrix,

    W <- (1 - lr wd) W - lr sqrt(max(1, D/M)) NS(m B + (1 - m) G),    NS(U S V') = U s(S) V',  s(S) near 1,

as `torch.optim.Muon` has it, but on all matrices of one shape at once. A convolution's kernel (D, C, h, w) is a matrix
(D, M = h w C). The entrance, the exit and the modulations keep AdamW.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from itertools import groupby
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.adamw import adamw

from phasescope.models.training.base import OptimiserConfig
from phasescope.models.training.config import AdamWConfig, MuonConfig
from phasescope.models.training.flat import FlatParameters, Layout, padded_size

# The iterates of this odd polynomial bring singular values near 1, and small ones there fastest (Jordan et al. 2024).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
# A matrix of zeros has no norm to be divided by.
SMALLEST_NORM = 1e-7
# AdamW's least root mean square of a gradient, as torch's default.
EPS = 1e-8


def layout_for(network: nn.Module, config: OptimiserConfig) -> Layout:
    """Return the layout of the network's parameters: first Muon's kernels, those of one shape side by side."""
    shapes = {name: tuple(parameter.shape) for name, parameter in _learnt(network)}
    if not shapes:
        raise ValueError("`network` must have parameters that can be trained: it has none")
    kernels = _kernels(network) if isinstance(config, MuonConfig) else []
    # Kernels of one shape lie side by side, so that one batched product orthogonalises all of them.
    kernels.sort(key=shapes.__getitem__)
    in_order = {name: shapes[name] for name in dict.fromkeys([*kernels, *shapes])}
    return Layout(in_order, channels_last=not next(network.parameters()).is_cuda)


def _learnt(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, weights) for name, weights in network.named_parameters() if weights.requires_grad]


def _kernels(network: nn.Module) -> list[str]:
    """Return the names of the kernels between the first convolution, the entrance, and the last, the exit."""
    convolutions = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    if len(convolutions) < 3:
        raise ValueError(
            f"`training.optimiser.kind` (=muon) must have convolutions between the first and the last: "
            f"this network has {len(convolutions)}"
        )
    return [f"{name}.weight" for name in convolutions[1:-1]]


def optimiser_of(
    network: nn.Module, flat: FlatParameters, config: OptimiserConfig
) -> Optimiser | TorchOptimiser:
    """Return the rule of update that `config` names, for parameters that `layout_for` has laid out."""
    names = [name for name, _ in _learnt(network)]
    match config:
        case MuonConfig():
            kernels = _kernels(network)
            rest = [name for name in names if name not in kernels]
            adamw_of_rest = _AdamW(flat, rest, config.rest, config.weight_decay)
            return Optimiser([_Muon(flat, kernels, config), adamw_of_rest])
        case AdamWConfig():
            return Optimiser([_AdamW(flat, names, config, config.weight_decay)])
    return TorchOptimiser(network, flat, names, config)


class Optimiser:
    """One or two rules of update that step as one, with a learning rate that is a pure function of the step."""

    def __init__(self, parts: list[_Part]):
        self._parts = parts

    def step(self, lr_factor: float) -> None:
        """Update by the flat parameters' gradients, at `lr_factor` times the configured learning rates."""
        for part in self._parts:
            part.step(lr_factor)

    def tensors(self) -> dict[str, Tensor]:
        """Return all state as flat tensors, named `part.parameter.entry`."""
        return {
            f"{i}.{j}.{entry}": tensor
            for i, part in enumerate(self._parts)
            for entry, tensors in part.state().items()
            for j, tensor in enumerate(tensors)
        }

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take up the state that `tensors` returned."""
        for i, part in enumerate(self._parts):
            part.moments.clear()
            # A checkpoint from before the first step holds no moments: they are made at that step.
            if any(name.startswith(f"{i}.") for name in tensors):
                part.begin()
        for name, mine in self.tensors().items():
            mine.copy_(tensors[name].view(mine.shape))


class _Part(ABC):
    """A rule of update for the parameters `names`, which lie side by side in `flat`."""

    ENTRIES: ClassVar[tuple[str, ...]]
    """of its state, each a flat tensor of the parameters' size except `step`, a number"""

    def __init__(self, flat: FlatParameters, names: list[str]):
        layout = flat.layout
        inside = [name for name in layout.shapes if name in set(names)]
        self.layout = Layout({name: layout.shapes[name] for name in inside}, layout.channels_last)
        self.names = names
        begin = layout.offsets[inside[0]]
        self.weights = flat.weights.narrow(0, begin, self.layout.size)
        self.gradients = flat.gradients.narrow(0, begin, self.layout.size)
        self.moments: dict[str, Tensor] = {}

    @abstractmethod
    def step(self, lr_factor: float) -> None:
        """Update at `lr_factor` times the configured learning rate."""

    def begin(self) -> None:
        """Create the state of a first step, all zeros, unless there is a state."""
        if not self.moments:
            sizes = {entry: () if entry == "step" else self.weights.shape for entry in self.ENTRIES}
            self.moments = {entry: self.weights.new_zeros(size) for entry, size in sizes.items()}

    def state(self) -> dict[str, list[Tensor]]:
        """Return by entry a tensor for each parameter; nothing before the first step."""
        state = {}
        for entry, moment in self.moments.items():
            views = self.layout.views(moment) if moment.ndim else dict.fromkeys(self.names, moment)
            state[entry] = [views[name] for name in self.names]
        return state


class _AdamW(_Part):
    """One tensor for all parameters: the fused update walks the memory, which must have no gaps.

    The function, not the class: `torch.optim.AdamW` imports the compiler, a second, whether or not one compiles.
    """

    ENTRIES = ("step", "exp_avg", "exp_avg_sq")

    def __init__(self, flat: FlatParameters, names: list[str], config: AdamWConfig, weight_decay: float):
        super().__init__(flat, names)
        self.config, self.weight_decay = config, weight_decay

    @torch.no_grad()
    def step(self, lr_factor: float) -> None:
        self.begin()
        beta1, beta2 = self.config.betas
        adamw(
            [self.weights],
            [self.gradients],
            [self.moments["exp_avg"]],
            [self.moments["exp_avg_sq"]],
            max_exp_avg_sqs=[],
            state_steps=[self.moments["step"]],
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=self.config.lr * lr_factor,
            weight_decay=self.weight_decay,
            eps=EPS,
            maximize=False,
        )


class _Muon(_Part):
    ENTRIES = ("momentum_buffer",)

    def __init__(self, flat: FlatParameters, names: list[str], config: MuonConfig):
        super().__init__(flat, names)
        self.config = config

    def step(self, lr_factor: float) -> None:
        lr, m = self.config.lr * lr_factor, self.config.momentum
        self.begin()
        momentum = self.moments["momentum_buffer"]
        momentum.lerp_(self.gradients, 1 - m)
        # Nesterov: the gradient enters the update a second time, ahead of the momentum.
        update = self.gradients.lerp(momentum, m)
        self.weights.mul_(1 - lr * self.config.weight_decay)
        for weights, direction in zip(self._by_shape(self.weights), self._by_shape(update), strict=True):
            rows, columns = weights.shape[-2:]
            weights.add_(orthogonalised(direction), alpha=-lr * math.sqrt(max(1, rows / columns)))

    def state(self) -> dict[str, list[Tensor]]:
        """Return kernels as (D, h, w, C), views in any layout; earlier checkpoints have their matrices (D, h w C)."""
        state = super().state().items()
        return {entry: [k.permute(0, 2, 3, 1) for k in kernels] for entry, kernels in state}

    def _by_shape(self, flat: Float[Tensor, " P"]) -> list[Float[Tensor, "n D M"]]:
        """Return views of all matrices of one shape, for each shape."""
        matrices, begin = [], 0
        for shape, same in groupby(self.layout.shapes.values()):
            count, slot, size = len(list(same)), padded_size(shape), math.prod(shape)
            slots = flat.narrow(0, begin, count * slot).view(count, slot)
            matrices.append(slots[:, :size].unflatten(1, (shape[0], size // shape[0])))
            begin += count * slot
        return matrices


def orthogonalised(matrices: Float[Tensor, "n D M"]) -> Float[Tensor, "n D M"]:
    """Return each matrix with its singular values brought near 1, by Newton-Schulz iteration; bfloat16 on a GPU."""
    a, b, c = NEWTON_SCHULZ
    x = matrices
    # The iteration multiplies by the Gram matrix of the rows, which is smallest for the shorter side.
    if tall := x.shape[-2] > x.shape[-1]:
        x = x.mT
    # The Frobenius norm bounds the largest singular value, as the iteration needs to converge.
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp(min=SMALLEST_NORM)
    # The result need not be exact: singular values end up between about 0.7 and 1.2 anyway.
    if x.is_cuda:
        x = x.bfloat16()
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)


def clip(gradients: Float[Tensor, " P"], largest: float) -> Float[Tensor, ""]:
    """Scale gradients whose norm exceeds `largest` down to it, as `clip_grad_norm_` does; return the norm before."""
    norm = torch.linalg.vector_norm(gradients)
    # A branch on the norm would have to wait for the GPU; a factor of 1 changes no bit.
    gradients.mul_((largest / (norm + 1e-6)).clamp(max=1))
    return norm


class TorchOptimiser:
    """A torch optimiser over flat parameters, one tensor of them all views of the same memory."""

    def __init__(self, network: nn.Module, flat: FlatParameters, names: list[str], config: OptimiserConfig):
        views, parameters = flat.layout.views(flat.gradients), dict(network.named_parameters())
        self._leaves = [parameters[name] for name in names]
        self._gradients = [views[name] for name in names]
        self._optimiser = config.on(self._leaves)
        self._rates = [group["lr"] for group in self._optimiser.param_groups]

    def step(self, lr_factor: float) -> None:
        for leaf, gradient in zip(self._leaves, self._gradients, strict=True):
            leaf.grad = gradient
        # From the rates as configured: a factor on the present ones would compound from step to step.
        for group, lr in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = lr * lr_factor
        self._optimiser.step()

    def tensors(self) -> dict[str, Tensor]:
        """Return all state, named `parameter.entry`, or `parameter.entry.number` if it is a Python number."""
        tensors: dict[str, Tensor] = {}
        for number, entries in self._optimiser.state_dict()["state"].items():
            for entry, value in entries.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"{number}.{entry}"] = value
                elif isinstance(value, int | float):
                    tensors[f"{number}.{entry}.number"] = torch.tensor(value, dtype=torch.float64)
        return tensors

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            number, _, entry = name.partition(".")
            value: Any = tensor.clone()
            if entry.endswith(".number"):
                # A counter of steps must be an int again; float64 holds those up to 2^53 exactly.
                value = int(tensor) if tensor == int(tensor) else tensor.item()
            state.setdefault(int(number), {})[entry.removesuffix(".number")] = value
        self._optimiser.load_state_dict({**self._optimiser.state_dict(), "state": state})
