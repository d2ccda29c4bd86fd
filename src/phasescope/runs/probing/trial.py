"""Trying a network out before anything depends on it: whether it answers, and at which layers it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phasescope.core.arithmetic import own_arithmetic
from phasescope.core.errors import UserError, as_user_error
from phasescope.core.kinds import Constructed, is_reference
from phasescope.core.sources import failing
from phasescope.runs.config import RunConfig
from phasescope.runs.config.probing_config import ProbingConfig

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from phasescope.models.families import FamilyConfig
    from phasescope.worlds.base import World


@own_arithmetic()
def plan_of(config: RunConfig, network: nn.Module) -> ProbingConfig:
    """Return the resolved plan of observation of a network; a forward pass finds layers that the network does not list.

    Raises:
        UserError: a layer or a timestep does not exist.
    """
    from phasescope.runs.probing.capture import reached_layers

    layers, usual = config.network.layer_names, config.network.usual_layers
    with as_user_error():
        if layers is None:
            known = config.probing.layers
            usual = (
                reached_layers(network, *inputs_of(network, config.world, config.family))
                if known == "usual"
                else known
            )
        return config.plan_of(layers, usual)


@own_arithmetic()
def check_answer(config: RunConfig, network: nn.Module) -> None:
    """Raise UserError if the user's own network does not accept its family's inputs, or returns another shape."""
    if isinstance(config.network, Constructed):
        name = f"`network.kind` (={config.network.kind})"
        check_forward(
            network=network,
            name=name,
            call="forward(x_t, t, labels)",
            world=config.world,
            family=config.family,
        )


def check_forward(network: nn.Module, name: str, call: str, world: World, family: FamilyConfig) -> None:
    """Raise UserError if a network does not accept its family's inputs, changes them, or returns no images of that shape.

    Args:
        name: of the network, with which an error begins.
        call: as the network must accept it.
    """
    import torch

    given = inputs_of(network, world, family)
    copies = [tensor.clone() for tensor in given]
    wanted = tuple(given[0].shape)
    with trying_out(network, f"{name} must answer {call}"):
        answer = network(*copies)
    if not all(torch.allclose(*pair, 0, 0, equal_nan=True) for pair in zip(given, copies, strict=True)):
        raise UserError(f"{name} must leave x_t, t and labels as they are")

    shape = getattr(answer, "shape", None)
    # A family of one's own may ask for a tuple, which has no shape.
    is_image = wanted[1:] == world.shape and (shape or not is_reference(family.kind))
    if is_image and shape != wanted:
        raise UserError(f"{name} must return the shape {wanted}, not {shape and (*shape,)}")
    if is_image and not (isinstance(answer, torch.Tensor) and answer.is_floating_point()):
        raise UserError(f"{name} must return real numbers, not {getattr(answer, 'dtype', type(answer))}")
    if is_image and answer.dtype == torch.float64:
        raise UserError(f"{name} must return float32 numbers, as it is given, not float64")


@contextmanager
def trying_out(network: nn.Module, rule: str) -> Iterator[None]:
    """Run a network within the block without a trace; what it raises is one line that begins with `rule`."""
    import torch

    from phasescope.models.families.base import evaluating

    with failing(rule), torch.random.fork_rng(devices=[]), evaluating(network), torch.no_grad():
        yield


def inputs_of(network: nn.Module, world: World, family: FamilyConfig) -> tuple[Tensor, Tensor, Tensor]:
    """Return the family's network inputs for two labels."""
    import torch

    labels = torch.from_numpy(world.training_labels()[:2]).to(device_of(network))
    x_0 = world.render(labels)
    labels = world.factors.visible_columns(labels)
    return family.build().inputs(x_0, labels, family.phase_t, torch.zeros_like(x_0))


def device_of(network: nn.Module) -> torch.device:
    """Return the device of a network's weights; the CPU if it has none."""
    import torch

    return next((weights.device for weights in network.parameters()), torch.device("cpu"))
