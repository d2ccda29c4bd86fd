"""Anybody's `nn.Module` as a kind: ``network: {kind: my_networks.py:DiT, width: 64, depth: 4}``.

The class has ``forward(x_t, t, labels)``; the other keys are its constructor's arguments. A constructor that has arguments
named `shape`, `channels`, `canvas` or `factors` is given the images' (C, *spatial), C, side, and the labels'
`Factors`. `taps`, a
class attribute or a key, names submodules whose outputs are read; without it they are the module's own children that the
forward pass calls by themselves and whose outputs are tensors.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Self

from pydantic import ConfigDict, model_validator

from phasescope.factors import Factors
from phasescope.kinds import load
from phasescope.networks.base import NetworkConfig

if TYPE_CHECKING:
    from torch import nn

ABOUT = ("shape", "channels", "canvas", "factors")
"""arguments that a constructor is given where it has them"""


class ModuleConfig(NetworkConfig):
    """A module by reference, with its constructor's arguments as further keys."""

    model_config = ConfigDict(extra="allow")

    @property
    def arguments(self) -> dict[str, Any]:
        """Of the constructor, as the configuration says them."""
        return {name: value for name, value in (self.model_extra or {}).items() if name != "taps"}

    @model_validator(mode="after")
    def _taken_by_the_constructor(self) -> Self:
        cls = load(self.kind)
        takes = inspect.signature(cls.__init__).parameters
        anything = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in takes.values())
        names = [name for name in takes if name not in ("self", *ABOUT)]
        for name, value in self.arguments.items():
            if name not in names and not anything:
                raise ValueError(
                    f"`{name}` (={value}) is not an argument of {self.kind}: arguments are {', '.join(names) or 'none'}"
                )
        for name in names:
            plain = takes[name].kind in (
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                inspect.Parameter.KEYWORD_ONLY,
            )
            if plain and takes[name].default is inspect.Parameter.empty and name not in self.arguments:
                raise ValueError(f"`{name}` (=nothing) must be given: {self.kind} needs it")
        if (taps := (self.model_extra or {}).get("taps")) is not None and (
            not isinstance(taps, list | tuple) or not all(isinstance(tap, str) for tap in taps) or not taps
        ):
            raise ValueError(f"`taps` (={taps}) must be a list of names of submodules")
        return self

    def default_of(self, name: str) -> Any:
        if name in self.arguments:
            argument = inspect.signature(load(self.kind).__init__).parameters.get(name)
            if argument is not None and argument.default is not inspect.Parameter.empty:
                return argument.default
        return super().default_of(name)

    @property
    def taps(self) -> tuple[str, ...] | None:
        told = (self.model_extra or {}).get("taps") or getattr(load(self.kind), "taps", None)
        return tuple(told) if isinstance(told, list | tuple) else None

    def build(self, shape: tuple[int, ...], factors: Factors) -> nn.Module:
        cls = load(self.kind)
        about = {"shape": shape, "channels": shape[0], "canvas": shape[-1], "factors": factors}
        takes = inspect.signature(cls.__init__).parameters
        given = {name: value for name, value in about.items() if name in takes}
        try:
            return cls(**given, **self.arguments)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f"`network` (={self.kind}) cannot be built: {' '.join(str(error).split())[:160]}"
            ) from error


def of_module(cls: type, reference: str) -> type[NetworkConfig]:
    """The configuration class of a class that is an `nn.Module`.

    Raises:
        TypeError: it is none.
    """
    from torch import nn

    if not issubclass(cls, nn.Module):
        raise TypeError("must be a NetworkConfig or a torch.nn.Module, and is neither")
    return ModuleConfig
