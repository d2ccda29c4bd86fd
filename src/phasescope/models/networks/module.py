"""A user's `nn.Module` as a kind: ``network: {kind: my_networks.py:DiT, width: 64, depth: 4}``.

The class has ``forward(x_t, t, labels)``; the other keys are its constructor's arguments. A constructor that has arguments
named `shape`, `channels`, `canvas` or `factors` is given the images' (C, *spatial), C, side, and the labels' `Factors`.
`layer_names`, a class attribute or a key, names submodules whose outputs are read; without it they are the module's own
children that the forward pass calls by themselves and whose outputs are tensors.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from phasescope.core.factors import Factors
from phasescope.core.kinds import Constructed, load
from phasescope.models.networks.base import NetworkConfig

if TYPE_CHECKING:
    from torch import nn

ABOUT = ("shape", "channels", "canvas", "factors")
"""arguments that a constructor is given if it has them"""
# Kinds whose bytes belong to the records of studies say `taps`, the earlier name.
LAYER_NAMES = ("layer_names", "taps")


class ModuleConfig(NetworkConfig, Constructed):
    """A module by reference, with its constructor's arguments as further keys."""

    FIELD: ClassVar[str] = "network"
    OF: ClassVar[str] = "torch.nn:Module"

    @property
    def arguments(self) -> dict[str, Any]:
        return {name: value for name, value in super().arguments.items() if name not in LAYER_NAMES}

    def takes(self) -> dict[str, inspect.Parameter]:
        return {name: each for name, each in super().takes().items() if name not in ABOUT}

    @model_validator(mode="after")
    def _layers_are_named(self) -> Self:
        for key in LAYER_NAMES:
            names = (self.model_extra or {}).get(key, ("",))
            if not isinstance(names, list | tuple) or {*map(type, names)} != {str}:
                raise ValueError(f"`{key}` (={names}) must be a list of names of submodules")
        return self

    @property
    def layer_names(self) -> tuple[str, ...] | None:
        attributes = {key: getattr(load(self.kind), key, None) for key in LAYER_NAMES}
        given = [(self.model_extra or {}).get(key) or attributes[key] for key in LAYER_NAMES]
        return next((tuple(names) for names in given if isinstance(names, list | tuple)), None)

    def build(self, shape: tuple[int, ...], factors: Factors) -> nn.Module:
        available = {"shape": shape, "channels": shape[0], "canvas": shape[-1], "factors": factors}
        takes = super().takes()
        return self.construct(**{name: value for name, value in available.items() if name in takes})
