"""How memory is kept and laid out.

Each step allocates and frees the same activations. glibc gives large blocks back to the kernel at once and pays a page
fault for each page when it asks for them again: a quarter of a small network's step. Kept blocks are found again.

The parameters of a network lie one after the other in one run of memory, and so do their gradients, moments and averages:
an update is then one operation on P numbers, not one on each parameter. A kernel (D, C, h, w) lies there with its channels
last, as convolutions on a CPU are quickest.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
LARGEST_KEPT_BLOCK = 32 * 2**20
"""bytes; glibc takes no more"""
LARGEST_KEPT_HEAP = 2**31 - 1
"""bytes of free memory at the heap's top"""
SLOT = 16
"""float32 numbers, 64 bytes: each parameter begins at a multiple, as an allocation of its own would"""


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, from now on; whether its C library could be told so (glibc can)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT_BLOCK) and mallopt(_M_TRIM_THRESHOLD, LARGEST_KEPT_HEAP)
    )


class Layout:
    """Where each of some named tensors lies in a run of `size` numbers, P; what is between them is zero and stays so."""

    def __init__(self, shapes: Mapping[str, Sequence[int]]):
        self.shapes = {name: tuple(shape) for name, shape in shapes.items()}
        ends = [0]
        for shape in self.shapes.values():
            ends.append(ends[-1] + slot_of(shape))
        self.offsets = dict(zip(self.shapes, ends, strict=False))
        self.size = ends[-1]

    def views(self, flat: Float[Tensor, "*S P"]) -> dict[str, Tensor]:
        """The tensors, (*S, *shape) each, as views of `flat`."""
        return dict(self._views(flat))

    def _views(self, flat: Tensor) -> Iterator[tuple[str, Tensor]]:
        for name, shape in self.shapes.items():
            numbers = flat.narrow(-1, self.offsets[name], math.prod(shape))
            if len(shape) == 4:
                d, c, h, w = shape
                yield name, numbers.unflatten(-1, (d, h, w, c)).movedim(-1, -3)
            else:
                yield name, numbers.view((*flat.shape[:-1], *shape))


def slot_of(shape: Sequence[int]) -> int:
    """Numbers that a tensor of this shape takes in a layout: its own, up to the next multiple of `SLOT`."""
    return -(-math.prod(shape) // SLOT) * SLOT


class FlatParameters:
    """The parameters of a network, (P,), or of S alike, (S, P), in one run of memory; their gradients in another.

    Attributes:
        layout: of one network.
        weights, gradients: (*S, P).
        leaves: by name, the views of `weights`, (*S, *shape), that autograd differentiates by.
    """

    def __init__(self, layout: Layout, weights: Float[Tensor, "*S P"], leaves: Mapping[str, Tensor]):
        self.layout, self.weights, self.leaves = layout, weights, leaves
        self.gradients = torch.zeros_like(weights)
        self._by = [leaves[name] for name in layout.shapes]
        self._gradients = list(layout.views(self.gradients).values())

    @classmethod
    def of(cls, network: nn.Module, layout: Layout) -> FlatParameters:
        """Those of `network`, which are moved into one run of memory."""
        parameters = dict(network.named_parameters())
        weights = torch.zeros(layout.size, device=next(network.parameters()).device)
        for name, view in layout.views(weights).items():
            parameters[name].data = view.copy_(parameters[name].detach())
        return cls(layout, weights, parameters)

    @classmethod
    def stacked(cls, parts: Sequence[FlatParameters]) -> FlatParameters:
        """Copies of the parameters of S networks alike, (S, P)."""
        layout, weights = parts[0].layout, torch.stack([part.weights for part in parts])
        return cls(
            layout, weights, {name: nn.Parameter(view) for name, view in layout.views(weights).items()}
        )

    def differentiate(self, loss: Float[Tensor, ""]) -> None:
        """Set `gradients` to those of `loss`."""
        torch._foreach_copy_(
            self._gradients, list(torch.autograd.grad(loss, self._by, materialize_grads=True))
        )
