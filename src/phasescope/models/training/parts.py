"""Named parts of a network, which stay as they are while the rest is trained, or begin with fresh weights."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from phasescope.core.errors import UserError

if TYPE_CHECKING:
    from torch import nn


def parameters_of(
    network: nn.Module, parts: Sequence[str], trained: Collection[str], field: str
) -> list[str]:
    """Return the names of the trained parameters of some parts of a network.

    A part is a layer (`mid`), a submodule (`downs.0`), a parameter, or a pattern of parameters' names (`*.bias`).

    Args:
        trained: names of the parameters that training changes.
        field: the configuration's field, for the error.

    Raises:
        UserError: a part has no trained parameter.
    """
    names: list[str] = []
    for part in parts:
        module = _module_name(network, part)
        own = [
            name
            for name in trained
            if name == module or name.startswith(f"{module}.") or fnmatchcase(name, part)
        ]
        if not own:
            submodules = [
                name for name, sub in network.named_children() if any(True for _ in sub.parameters())
            ]
            known = dict.fromkeys([*getattr(network, "layer_names", ()), *submodules])
            raise UserError(
                f"`{field}` (={part}) must be a part of the network that is trained: {', '.join(known)}, a submodule of "
                "them, or a pattern of parameters' names such as *.bias"
            )
        names += own
    return list(dict.fromkeys(names))


def _module_name(network: nn.Module, part: str) -> str:
    """Return the name of the submodule that is the layer `part`; `part` itself if no layer has this name."""
    get_layer = getattr(network, "get_layer", None)
    if get_layer is None:
        return part
    try:
        layer = get_layer(part)
    except (AttributeError, KeyError, LookupError, ValueError, UserError):
        return part
    return next((name for name, module in network.named_modules() if module is layer), part)
