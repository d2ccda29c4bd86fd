"""An optimiser of torch over flat parameters."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn

from phasescope.models.training.base import OptimiserConfig
from phasescope.models.training.flat import FlatParameters

# Numbers that an optimiser reads at each step, beside its count of steps (NAdam's product of momenta).
READ_AT_EACH_STEP = ("mu_product",)


class TorchOptimiser:
    """A torch optimiser over flat parameters, one tensor of them all views of the same memory."""

    def __init__(self, network: nn.Module, flat: FlatParameters, names: list[str], config: OptimiserConfig):
        views, parameters = flat.layout.views(flat.gradients), dict(network.named_parameters())
        self._names = names
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

    def forget(self, names: Collection[str]) -> None:
        """Drop what is remembered of some parameters."""
        for name, leaf in zip(self._names, self._leaves, strict=True):
            if name in names:
                self._optimiser.state.pop(leaf, None)

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
        self._keep_on_the_host()

    def _keep_on_the_host(self) -> None:
        """Move to the CPU what torch makes there, and puts beside the weights when it loads a state.

        On a GPU each step would wait for it. Optimisers that are `capturable` or `fused` read nothing.
        """
        for group in self._optimiser.param_groups:
            if group.get("capturable") or group.get("fused"):
                continue
            for leaf in group["params"]:
                entries = self._optimiser.state.get(leaf, {})
                entries.update({name: entries[name].cpu() for name in READ_AT_EACH_STEP if name in entries})
