"""Conditions of any form: a tensor, or a tuple or dict of tensors whose first axis counts pairs.

A *part* is the address of what is exchanged between pairs: a key of a dict or tuple, a column of a tensor (n, K), or all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from phasescope.core.errors import UserError

Conditions = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
Part = str | int


def as_conditions(
    given: Any,
    n: int,
    *,
    field: str = "conditions",
    rows: str = "rows, one for each image",
    finite: bool = True,
) -> Conditions:
    """Return conditions as tensors, on the CPU and detached.

    Args:
        field: as errors name what is given.
        rows: what an error says of the first axis, after its length.
        finite: whether numbers must be; NaN is the usual form of "no condition" of phasescope's own networks.

    Raises:
        UserError: not a tensor, tuple or dict of tensors; one does not have `n` rows; a number is not finite, and must be.
    """
    parts = named(given)
    if not parts:
        raise UserError(f"`{field}` (=nothing) must hold one tensor at least")

    tensors = {}
    for name, values in parts.items():
        where = f"`{field}`" if name is None else f"`{field}[{name!r}]`"
        tensor = as_tensor(where, values)
        if tensor.ndim == 0 or len(tensor) != n:
            raise UserError(f"{where} (of shape {tuple(tensor.shape)}) must have {n} {rows}")
        if finite and tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise UserError(f"{where} must be finite: a condition that is NaN cannot be exchanged")
        tensors[name] = tensor.clone()
    return rebuild(given, tensors)


def as_tensor(where: str, values: Any) -> Tensor:
    """Return a tensor or an array as a tensor on the CPU, detached.

    Raises:
        UserError: it is neither, or a mask hides entries.
    """
    if isinstance(values, np.ma.MaskedArray) and (hidden := np.ma.count_masked(values)):
        raise UserError(f"{where} ({hidden} of {values.size} masked) must have no mask: leave these rows out")
    # An array stays on the CPU, whatever the process's default device is.
    device = values.device if isinstance(values, Tensor) else "cpu"
    try:
        return torch.as_tensor(values, device=device).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"{where} (={type(values).__name__}) must be a tensor or an array") from None


def named(conditions: Any) -> dict[Any, Any]:
    """Return the tensors by key; a single one has the key None."""
    if isinstance(conditions, Mapping):
        return dict(conditions)
    if isinstance(conditions, tuple | list):
        return dict(enumerate(conditions))
    return {None: conditions}


def rebuild(like: Any, tensors: dict[Any, Tensor]) -> Conditions:
    """Return tensors in the form of `like`."""
    if isinstance(like, Mapping):
        return tensors
    if isinstance(like, tuple | list):
        return tuple(tensors.values())
    return tensors[None]


def map_tensors(conditions: Conditions, function: Callable[[Tensor], Tensor]) -> Conditions:
    """Return conditions with a function applied to each tensor."""
    return rebuild(conditions, {name: function(tensor) for name, tensor in named(conditions).items()})


def check_part(conditions: Conditions, part: Part | None, field: str) -> None:
    """Raise UserError if a part does not exist."""
    parts = named(conditions)
    if part is None or part in parts:
        return
    single = parts.get(None)
    if single is None:
        raise UserError(f"`{field}` (={part!r}) must be one of the conditions: {', '.join(map(repr, parts))}")
    columns = single.shape[1] if single.ndim == 2 else 0
    if not isinstance(part, int) or not 0 <= part < columns:
        known = f"a column, from 0 to {columns - 1}" if columns else "left out: the condition is one thing"
        raise UserError(f"`{field}` (={part!r}) must be {known}")


def exchanged(own: Conditions, other: Conditions, parts: tuple[Part, ...] | None) -> Conditions:
    """Return `own` with `parts` of it (all, if None) taken from `other`."""
    if parts is None:
        return other
    of_own, of_other = named(own), named(other)
    if None not in of_own:
        return rebuild(own, {name: of_other[name] if name in parts else t for name, t in of_own.items()})
    mixed = of_own[None].clone()
    mixed[:, list(parts)] = of_other[None][:, list(parts)]
    return mixed


def groups(conditions: Conditions, parts: tuple[Part, ...] | None) -> np.ndarray:
    """Return the number of the distinct value that each row has in `parts`, (n,)."""
    tensors = named(conditions)
    if parts is not None:
        single = tensors.get(None)
        tensors = (
            {None: single[:, list(parts)]} if single is not None else {name: tensors[name] for name in parts}
        )
    n = len(next(iter(tensors.values())))
    keys = []
    for row in range(n):
        digest = hashlib.blake2b(digest_size=16)
        for tensor in tensors.values():
            digest.update(tensor[row].contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        keys.append(digest.digest())
    return np.unique(keys, return_inverse=True)[1]


def partners(group: np.ndarray, own: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return for each of the rows `own` another row whose group differs, each as likely, (draws,).

    Args:
        group: of all rows, (n,), at least two.
    """
    order = np.argsort(group, kind="stable")
    size = np.bincount(group)
    begin = np.concatenate([[0], np.cumsum(size)[:-1]])
    of_own = group[own]

    # Among the rows in order of their groups, the own group is one block, which is skipped.
    place = rng.integers(len(group) - size[of_own])
    place = np.where(place >= begin[of_own], place + size[of_own], place)
    return order[place]
