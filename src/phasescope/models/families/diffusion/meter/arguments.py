"""Checks of what users give a meter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

from phasescope.core.errors import UserError
from phasescope.models.families.diffusion.meter.conditions import Part


def check_count(name: str, value: Any, least: int) -> None:
    """Raise UserError if an argument is no whole number from `least` on."""
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_integer or value < least:
        raise UserError(f"`{name}` (={value!r}) must be a whole number, at least {least}")


def parts_of(field: str, given: Part | Sequence[Part]) -> tuple[Part, ...]:
    """Return one part, or several, as a tuple; UserError if it is neither."""
    if not isinstance(given, str | int | Sequence):
        raise UserError(f"`{field}` (={given!r}) must be a key or a column, or several")
    parts = (given,) if isinstance(given, str | int) else tuple(given)
    if not parts:
        raise UserError(f"`{field}` (=nothing) must name what is exchanged")
    return parts


def check_takes(name: str, function: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    """Raise UserError if a function or module cannot be called with so many arguments, in this order."""
    called = function.forward if isinstance(function, nn.Module) else function
    try:
        signature = inspect.signature(called)
    except (TypeError, ValueError):  # written in C: its own error says enough
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        own = signature.replace(return_annotation=signature.empty)
        raise UserError(f"`{name}` must take ({', '.join(arguments)}): this one takes {own}") from None


def check_writer(writer: Any) -> None:
    """Raise UserError unless a writer takes scalars as TensorBoard's or W&B's do."""
    if not hasattr(writer, "add_scalar") and not hasattr(writer, "log"):
        raise UserError(f"`writer` (={type(writer).__name__}) must be a SummaryWriter or a run of wandb")
