"""Optimisers: AdamW, or Muon on convolutions with AdamW on the rest; and the course of their learning rates.

Muon (Jordan et al. 2024; `torch.optim.Muon`) replaces the momentum of a matrix by its nearest orthogonal one. It takes
matrices, and a convolution's weight (C_out, C_in, 3, 3) is one of shape (C_out, 9 C_in): a view of the weight, whose
channels lie last in memory. The entrance, the exit and the modulations keep AdamW.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from phasescope.training.config import AdamWConfig, MuonConfig, OptimiserConfig, TrainingConfig
from phasescope.training.memory import lay_channels_last


class Optimiser:
    """One or two torch optimisers that step as one, with a learning rate that is a pure function of the step."""

    def __init__(self, network: nn.Module, config: OptimiserConfig):
        if isinstance(config, MuonConfig):
            inner = [module for name, module in network.named_modules() if name not in ("enter", "leave")]
            self._kernels = [m.weight for m in inner if isinstance(m, nn.Conv2d)]
            lay_channels_last(network)
            self._matrices = [nn.Parameter(as_matrix(kernel.detach())) for kernel in self._kernels]
            muon = torch.optim.Muon(
                self._matrices, lr=config.lr, momentum=config.momentum, weight_decay=config.weight_decay
            )
            taken = {id(kernel) for kernel in self._kernels}
            rest = [p for p in network.parameters() if id(p) not in taken]
            self._parts: list[torch.optim.Optimizer] = [
                muon,
                _adamw(rest, config.rest, weight_decay=config.weight_decay),
            ]
        else:
            self._kernels, self._matrices = [], []
            self._parts = [_adamw(list(network.parameters()), config, weight_decay=config.weight_decay)]
        self._peaks = [[group["lr"] for group in part.param_groups] for part in self._parts]

    def step(self, lr_factor: float) -> None:
        """One update at `lr_factor` times the configured learning rates; gradients are then gone."""
        for matrix, kernel in zip(self._matrices, self._kernels, strict=True):
            matrix.grad = None if kernel.grad is None else as_matrix(kernel.grad)
            kernel.grad = None
        for part, peaks in zip(self._parts, self._peaks, strict=True):
            for group, peak in zip(part.param_groups, peaks, strict=True):
                group["lr"] = peak * lr_factor
            part.step()
            part.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """All state as flat tensors, named `part.parameter.entry`."""
        return {
            f"{i}.{j}.{entry}": tensor
            for i, part in enumerate(self._parts)
            for j, state in part.state_dict()["state"].items()
            for entry, tensor in state.items()
        }

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of `tensors`, which are copied and laid out as their parameters: fused updates walk the memory."""
        for i, part in enumerate(self._parts):
            whole = part.state_dict()
            for name, tensor in tensors.items():
                index, parameter, entry = name.split(".")
                if int(index) == i:
                    whole["state"].setdefault(int(parameter), {})[entry] = tensor.clone()
            part.load_state_dict(whole)
            for parameter, state in part.state.items():
                for entry, tensor in state.items():
                    if tensor.shape == parameter.shape:
                        state[entry] = torch.empty_like(parameter).copy_(tensor)


def as_matrix(kernel: Float[Tensor, "D C h w"]) -> Float[Tensor, "D h*w*C"]:
    """The kernel as a matrix: a view where its channels lie last in memory."""
    return kernel.permute(0, 2, 3, 1).flatten(1)


def _adamw(parameters: list[nn.Parameter], config: AdamWConfig, weight_decay: float) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        parameters, lr=config.lr, betas=config.betas, weight_decay=weight_decay, fused=True
    )


def lr_factor(step: int, config: TrainingConfig) -> float:
    """Share of the configured learning rates at `step` (0-based): linear warm-up, then constant or half a cosine."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    if config.decay == "constant":
        return 1.0
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * done))
