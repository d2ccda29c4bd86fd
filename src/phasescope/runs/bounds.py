"""How much is loaded and computed for one answer to somebody who looks at runs that may be a stranger's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from phasescope.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from phasescope.runs.config import RunConfig
    from phasescope.worlds.base import World

MOST_PARAMETERS, MOST_TENSORS = 2**28, 2**13
"""of a network that is loaded here, and the tensors that hold them"""
MOST_VALUES = 2**16
"""of an image that is painted here"""
MOST_WORK = 2**22
"""values computed for one answer: those of an image times the steps to it, or times the images"""


def check_size(config: RunConfig) -> None:
    """Raises UserError where images or network are larger than what is loaded here, told without allocating them."""
    import torch
    from torch.nn.modules.module import register_module_parameter_registration_hook

    shape, values = config.world.shape, math.prod(config.world.shape)
    if values > MOST_VALUES:
        raise UserError(
            f"`world.shape` (={shape}) must hold at most {MOST_VALUES:,} values to be painted here"
        )
    parameters = tensors = 0

    def count(module: Any, name: str, parameter: Tensor | None) -> None:
        nonlocal parameters, tensors
        if parameter is not None:
            parameters, tensors = parameters + parameter.numel(), tensors + 1
        if parameters > MOST_PARAMETERS or tensors > MOST_TENSORS:
            raise UserError(
                f"`network` (={config.network.kind}) must have at most {MOST_PARAMETERS:,} parameters in at most "
                f"{MOST_TENSORS:,} tensors to be painted with here"
            )

    counting = register_module_parameter_registration_hook(count)
    try:
        with torch.device("meta"):
            config.network.build(shape, config.world.factors.visible)
    except (ValueError, RuntimeError, OverflowError, TypeError) as error:
        told = " ".join(str(error).split())[
            :300
        ]  # torch has several ways to say that no tensor has such a size
        what = (
            "" if isinstance(error, ValueError) else f"`network` (={config.network.kind}) cannot be built: "
        )
        raise UserError(what + told) from None
    finally:
        counting.remove()


def check_work(name: str, count: int, world: World, images: int = 1) -> None:
    """Raises UserError where `count` times the values of `images` are more than are computed for one answer."""
    values = images * math.prod(world.shape)
    if count * values > MOST_WORK:
        of = "an image" if images == 1 else f"{images} images"
        raise UserError(
            f"`{name}` (={count}) must be at most {MOST_WORK // values}: each is of the {values:,} values of {of}, "
            f"and one answer of at most {MOST_WORK:,}"
        )
