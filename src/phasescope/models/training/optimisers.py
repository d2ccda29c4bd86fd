"""Optimisers on flat parameters, (P,): AdamW, or Muon on convolutions with AdamW on the rest; others are torch's own.

Under Muon the first convolution, the last one and the modulations keep AdamW.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor, nn

from phasescope.models.training.adamw import AdamW
from phasescope.models.training.base import OptimiserConfig
from phasescope.models.training.config import AdamWConfig, MuonConfig
from phasescope.models.training.flat import FlatParameters, Layout
from phasescope.models.training.muon import Muon
from phasescope.models.training.torch_optimiser import TorchOptimiser
from phasescope.models.training.update import Update


def layout_for(network: nn.Module, config: OptimiserConfig) -> Layout:
    """Return the layout of the network's parameters: first Muon's kernels, those of one shape side by side."""
    shapes = {name: tuple(parameter.shape) for name, parameter in _trained(network)}
    if not shapes:
        raise ValueError("`network` must have parameters that can be trained: it has none")

    kernels = _kernels(network) if isinstance(config, MuonConfig) else []
    # Kernels of one shape lie side by side, so that one batched product orthogonalises all of them.
    kernels.sort(key=shapes.__getitem__)
    in_order = {name: shapes[name] for name in dict.fromkeys([*kernels, *shapes])}
    return Layout(in_order, channels_last=not next(network.parameters()).is_cuda)


def _trained(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, weights) for name, weights in network.named_parameters() if weights.requires_grad]


def _kernels(network: nn.Module) -> list[str]:
    """Return the names of the kernels between the first and the last convolution that are trained."""
    trained = {name for name, _ in _trained(network)}
    convolutions = [
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv2d) and f"{name}.weight" in trained
    ]
    if len(convolutions) < 3:
        raise ValueError(
            f"`training.optimiser.kind` (=muon) must have convolutions between the first and the last: "
            f"this network trains {len(convolutions)}"
        )
    return [f"{name}.weight" for name in convolutions[1:-1]]


def optimiser_of(
    network: nn.Module, flat: FlatParameters, config: OptimiserConfig
) -> Optimiser | TorchOptimiser:
    """Return the rule of update that `config` names, for parameters that `layout_for` has laid out."""
    names = [name for name, _ in _trained(network)]
    match config:
        case MuonConfig():
            kernels = _kernels(network)
            rest = [name for name in names if name not in kernels]
            muon = Muon(flat, kernels, config)
            return Optimiser([muon, AdamW(flat, rest, config.rest, config.weight_decay)])
        case AdamWConfig():
            return Optimiser([AdamW(flat, names, config, config.weight_decay)])
    return TorchOptimiser(network, flat, names, config)


class Optimiser:
    """One or two rules of update that step as one, with a learning rate that is a pure function of the step."""

    def __init__(self, parts: list[Update]):
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

    def forget(self, names: Collection[str]) -> None:
        """Set what is remembered of some parameters to 0."""
        for part in self._parts:
            _forget(part, names)

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take up the state that `tensors` returned."""
        for i, part in enumerate(self._parts):
            part.moments.clear()
            # A checkpoint from before the first step holds no moments: they are made at that step.
            if any(name.startswith(f"{i}.") for name in tensors):
                part.begin()
        for name, mine in self.tensors().items():
            mine.copy_(tensors[name].view(mine.shape))


def _forget(part: Update, names: Collection[str]) -> None:
    """Set the moments of some parameters to 0; the number of steps stays, as all parameters share it."""
    for moments in part.state().values():
        for name, moment in zip(part.names, moments, strict=True):
            if name in names and moment.ndim:
                moment.zero_()


def clip(gradients: Float[Tensor, " P"], largest: float) -> Float[Tensor, ""]:
    """Scale gradients whose norm exceeds `largest` down to it, as `clip_grad_norm_` does; return the norm before."""
    norm = torch.linalg.vector_norm(gradients)
    # A branch on the norm would have to wait for the GPU; a factor of 1 changes no bit.
    gradients.mul_((largest / (norm + 1e-6)).clamp(max=1))
    return norm
