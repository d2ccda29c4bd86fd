"""Anybody's `torch.optim.Optimizer` as a kind: ``optimiser: {kind: "torch.optim:SGD", lr: 0.1, momentum: 0.9}``.

The keys are its constructor's arguments. Its learning rates follow the run's warm-up and decay, and its state is part
of every checkpoint: tensors as they are, numbers as tensors of one number.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from phasescope.kinds import Constructed
from phasescope.sources import failing
from phasescope.training.base import OptimiserConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from phasescope.training.memory import FlatParameters


class TorchOptimiserConfig(OptimiserConfig, Constructed):
    """An optimiser by reference, with its constructor's arguments as further keys."""

    FIELD: ClassVar[str] = "training.optimiser"

    @property
    def arguments(self) -> dict[str, Any]:
        return {"lr": self.lr, **super().arguments}

    def takes(self) -> dict[str, inspect.Parameter]:
        return dict(list(super().takes().items())[1:])  # the parameters come first

    def on(self, leaves: list[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimiser of some parameters; a twin of the first of them has taken a step.

        Raises:
            SourceFailed, UserError: the constructor refuses its arguments; or it steps by a closure, which training does not
                give.
        """
        import torch

        twin = torch.zeros_like(leaves[0], requires_grad=True)
        twin.grad = torch.zeros_like(twin)
        optimiser, tried = self.construct(leaves), self.construct([twin])
        with failing(f"`{self.FIELD}` (={self.kind}) must step without a closure"):
            tried.step()
        return optimiser


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

    def __init__(self, network: nn.Module, flat: FlatParameters, names: list[str], config: OptimiserConfig):
        views, parameters = flat.layout.views(flat.gradients), dict(network.named_parameters())
        self._leaves = [parameters[name] for name in names]
        self._gradients = [views[name] for name in names]
        self._optimiser = config.on(self._leaves)
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
            plain = entry.endswith(".number")
            value = _number(tensor) if plain else tensor.clone()
            state.setdefault(int(number), {})[entry.removesuffix(".number")] = value
        whole = self._optimiser.state_dict()
        self._optimiser.load_state_dict({**whole, "state": state})


def _number(tensor: Tensor) -> int | float:
    value = tensor.item()
    return int(value) if value == int(value) else value
