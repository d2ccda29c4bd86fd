"""Anybody's `torch.optim.Optimizer` as a kind: ``optimiser: {kind: "torch.optim:SGD", lr: 0.1, momentum: 0.9}``.

The keys are its constructor's arguments. Its learning rates follow the run's warm-up and decay, and its state is part
of every checkpoint: tensors as they are, numbers as tensors of one number.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

from pydantic import ConfigDict, model_validator

from phasescope.kinds import load
from phasescope.training.base import OptimiserConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from phasescope.training.memory import FlatParameters


class TorchOptimiserConfig(OptimiserConfig):
    """An optimiser by reference, with its constructor's arguments as further keys."""

    model_config = ConfigDict(extra="allow")

    @property
    def arguments(self) -> dict[str, Any]:
        return {"lr": self.lr, **(self.model_extra or {})}

    @model_validator(mode="after")
    def _taken_by_the_constructor(self) -> Self:
        takes = list(inspect.signature(load(self.kind).__init__).parameters)[2:]
        for name, value in self.arguments.items():
            if name not in takes:
                raise ValueError(
                    f"`{name}` (={value}) is not an argument of {self.kind}: arguments are {', '.join(takes)}"
                )
        return self

    def default_of(self, name: str) -> Any:
        if name in (self.model_extra or {}):
            return inspect.signature(load(self.kind).__init__).parameters[name].default
        return super().default_of(name)


def of_optimiser(cls: type, reference: str) -> type[OptimiserConfig]:
    """The configuration class of a class that is a torch optimiser.

    Raises:
        TypeError: it is none.
    """
    import torch

    if not issubclass(cls, torch.optim.Optimizer):
        raise TypeError("must be an OptimiserConfig or a torch.optim.Optimizer, and is neither")
    return TorchOptimiserConfig


class TorchOptimiser:
    """A torch optimiser over flat parameters, one tensor of them all views of the same memory."""

    def __init__(
        self, network: nn.Module, flat: FlatParameters, names: list[str], config: TorchOptimiserConfig
    ):
        views, parameters = flat.layout.views(flat.gradients), dict(network.named_parameters())
        self._leaves = [parameters[name] for name in names]
        self._gradients = [views[name] for name in names]
        self._optimiser: torch.optim.Optimizer = load(config.kind)(self._leaves, **config.arguments)
        self._rates = [group["lr"] for group in self._optimiser.param_groups]

    def step(self, lr_factor: float) -> None:
        for leaf, gradient in zip(self._leaves, self._gradients, strict=True):
            leaf.grad = gradient
        for group, lr in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = lr * lr_factor
        self._optimiser.step()

    def tensors(self) -> dict[str, Tensor]:
        """All state, named `parameter.entry`, or `parameter.entry.number` where it is a Python number."""
        import torch

        found: dict[str, Tensor] = {}
        for number, state in self._optimiser.state_dict()["state"].items():
            for entry, value in state.items():
                if isinstance(value, torch.Tensor):
                    found[f"{number}.{entry}"] = value
                elif isinstance(value, int | float):
                    found[f"{number}.{entry}.number"] = torch.tensor(value, dtype=torch.float64)
        return found

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        state: dict[int, dict[str, Any]] = {}
        for name, tensor in tensors.items():
            number, _, entry = name.partition(".")
            plain = entry.endswith(".number")
            value = _number(tensor) if plain else tensor.clone()
            state.setdefault(int(number), {})[entry.removesuffix(".number")] = value
        whole = self._optimiser.state_dict()
        self._optimiser.load_state_dict({**whole, "state": state})


def _number(tensor: Tensor) -> int | float:
    value = tensor.item()
    return int(value) if value == int(value) else value
