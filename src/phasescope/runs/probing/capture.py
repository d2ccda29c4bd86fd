"""Activations by name, in one pass, with hooks that are always removed.

`layers` names layers. A network may define its own names with a method `get_layer(name)`; otherwise they are those of
PyTorch's submodules (``down_blocks.1``). For a function that is no module, `layers` maps names to the modules that it calls.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from phasescope.core.errors import UserError
from phasescope.core.randomness import numpy_generator, torch_generator
from phasescope.models.families.base import Family, evaluating
from phasescope.models.families.task import Network
from phasescope.worlds.base import World

Layers = Sequence[str] | Mapping[str, nn.Module]
MOST_COMPARED = 16
"""labels of a layer's outputs that are compared"""


class _AllCaptured(Exception):
    """Ends a forward pass after its last layer of interest."""


@contextmanager
def removed_after(handles: Iterable[RemovableHandle]) -> Iterator[None]:
    """Remove the hooks of these handles when the block ends, however it ends; within it nothing runs as compiled.

    A network that `torch.compile` has compiled before is called without the hooks that were added since.
    """
    # The compiler takes a second to import; without it nothing is compiled.
    eager = torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()
    try:
        with eager:
            yield
    finally:
        for handle in handles:
            handle.remove()


def find_layer(network: Network, name: str) -> nn.Module:
    """Return the layer `name`: by the network's own `get_layer(name)`, or as the submodule of that name.

    Raises:
        ValueError: the network has neither.
    """
    # `tap` is the earlier name, which kinds have whose bytes belong to the records of studies.
    own = getattr(network, "get_layer", None) or getattr(network, "tap", None)
    if own is None and not isinstance(network, nn.Module):
        raise ValueError(f"`layers` (={name!r}) must be {{name: module}} if the network is not a module")
    try:
        return own(name) if own else network.get_submodule(name)  # pyrefly: ignore[missing-attribute]
    except (KeyError, AttributeError):
        raise ValueError(f"`layer` (={name}) must name a block of the network") from None


def activations(
    network: Network,
    layers: Layers,
    x_t: Float[Tensor, "B C *spatial"],
    t: Int[Tensor, " B"],
    labels: Float[Tensor, "B K"],
    flat: bool = True,
) -> dict[str, Float[Tensor, "B ..."]]:
    """Return the outputs of the blocks `layers`, flattened if `flat`, from one pass that ends at the last of them.

    Only the first entry of a tuple is returned, since blocks also return their skip connections.

    Raises:
        ValueError: a block does not exist, is not reached by the pass, or has an output that is no tensor.
    """
    captured: dict[str, Tensor] = {}

    def keep(name: str, module: nn.Module, inputs: tuple, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) and output else output
        if not isinstance(first, Tensor):
            raise ValueError(f"`layer` (={name}) must be a block whose output is or begins with a tensor")
        captured[name] = (first.detach().flatten(1) if flat else first.detach()).float()
        if len(captured) == len(blocks):
            raise _AllCaptured

    given = isinstance(layers, Mapping)
    blocks = dict(layers) if given else {name: find_layer(network, name) for name in layers}
    handles = [block.register_forward_hook(partial(keep, name)) for name, block in blocks.items()]
    with removed_after(handles), suppress(_AllCaptured), torch.no_grad():
        network(x_t, t, labels)
    if missed := [name for name in layers if name not in captured]:
        raise ValueError(f"`layer` (={missed[0]}) must be called in the forward pass: it was not reached")
    return captured


def attention_maps(
    network: nn.Module,
    layer: str,
    x_t: Float[Tensor, "B C *spatial"],
    t: Int[Tensor, " B"],
    labels: Float[Tensor, "B K"],
) -> Float[Tensor, "B heads n n"]:
    """Return the attention of a layer, or of the one module with attention in it: rows sum to 1, from each token to all.

    A module has attention if it has a method `attention_maps`, which takes what its `forward` takes, or is a
    `torch.nn.MultiheadAttention`.

    Raises:
        ValueError: there is no such layer, none or several in it, or the pass does not reach it.
    """
    inside = attending(find_layer(network, layer))
    if len(inside) != 1:
        held = f"{len(inside)} of them: {', '.join(inside)}" if inside else "none"
        known = ", ".join(name for name in attending(network) if name) or "none"
        raise ValueError(
            f"`layer` (={layer}) must hold one module with attention, and it holds {held}; in the network: {known}"
        )
    (module,) = inside.values()
    captured: list[Tensor] = []

    def keep(module: Any, inputs: tuple, keywords: dict[str, Any]) -> None:
        if isinstance(module, nn.MultiheadAttention):
            asked: dict[str, Any] = {**keywords, "need_weights": True, "average_attn_weights": False}
            maps: Any = module.forward(*inputs, **asked)[1]
        else:
            maps = module.attention_maps(*inputs, **keywords)
        captured.append(maps.detach())
        raise _AllCaptured

    handle = module.register_forward_pre_hook(keep, with_kwargs=True)
    with removed_after([handle]), suppress(_AllCaptured), torch.no_grad():
        network(x_t, t, labels)
    if not captured:
        raise ValueError(f"`layer` (={layer}) must be called in the forward pass: it was not reached")
    return captured[0].float()


def attending(module: nn.Module) -> dict[str, nn.Module]:
    """Return the modules with attention in a module, itself included, by name."""
    return {
        name: part
        for name, part in module.named_modules()
        if hasattr(part, "attention_maps") or isinstance(part, nn.MultiheadAttention)
    }


def reached_layers(network: nn.Module, x_t: Tensor, t: Tensor, labels: Tensor) -> list[str]:
    """Return the names of the direct children that a pass calls and whose outputs are tensors, in order of calls."""
    reached: list[str] = []

    def keep(name: str, module: nn.Module, inputs: tuple, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) and output else output
        is_batch = isinstance(first, Tensor) and first.ndim > 1 and len(first) == len(x_t)
        if is_batch and name not in reached:
            reached.append(name)

    handles = [child.register_forward_hook(partial(keep, name)) for name, child in network.named_children()]
    with removed_after(handles), torch.no_grad():
        network(x_t, t, labels)
    return reached


def check_receives(network: Any, layer: str, world: World, family: Family, labels: Tensor, seed: int) -> None:
    """Raise UserError if a layer's output is the same for every label at the least, a middle and the most noise: no label
    can be put in there."""
    labels = labels.unique(dim=0)
    if len(labels) < 2:  # there is nothing to compare
        return

    labels = labels[:: -(-len(labels) // MOST_COMPARED)]
    full = world.complete(labels.numpy(), numpy_generator(seed, "hidden factors"))
    x_0 = world.render(torch.from_numpy(full))
    noise = torch.randn(x_0.shape, generator=torch_generator(seed, "tap noise"))

    known = family.noise_levels
    times = [None] if known is None else [known[0], known[len(known) // 2], known[-1]]

    with evaluating(network), torch.no_grad():
        for at in times:
            x, t, given = family.inputs(x_0, labels, at, noise)
            own, others = (
                activations(network=network, layers=[layer], x_t=x, t=t, labels=batch)[layer]
                for batch in (given, given.roll(1, dims=0))
            )
            if not torch.equal(own, others):
                return
    raise UserError(f"`layer` (={layer}) must receive the label: its output is the same for every label")
